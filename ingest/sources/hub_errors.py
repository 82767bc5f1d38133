"""What a failed request means, and what to do about it. No message holds what a server wrote or a header that was sent.

The errors of huggingface_hub quote the server's answer, and a hostile or broken server can quote the token: callers
raise what comes from here `from None`.
"""

from __future__ import annotations

from collections.abc import Mapping

from huggingface_hub.errors import (
    DisabledRepoError,
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from ..errors import SourceError
from ..text import printable
from .hub_patience import Transient, asked_wait

CLIENT_ERROR: type[Exception] = HfHubHTTPError.__bases__[0]
"""The base of every error of the HTTP client, whichever client this version of huggingface_hub is built on."""
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_LOG_IN = "set HF_TOKEN or run `hf auth login`"


def check_transient(status: int, headers: Mapping[str, str], host: str) -> None:
    """Raises Transient for a status that another try may not meet, with the wait that the host asks for."""
    if status in _TRY_AGAIN:
        what = "limits requests" if status == 429 else "cannot answer now"
        raise Transient(f"{host} {what} (HTTP {status})", asked_wait(headers))


def transport(error: Exception, host: str) -> Transient:
    """A connection that failed: refused, reset, timed out."""
    return Transient(f"{host}: {type(error).__name__}: {printable(str(error), 200)}")


def offline(what: str) -> SourceError:
    """The Hub was asked for while huggingface_hub is told to stay offline."""
    return SourceError(f"{what}: HF_HUB_OFFLINE is set, the Hub is not asked; unset it, or name a local folder")


def refusal(error: HfHubHTTPError, repository: str, revision: str | None) -> SourceError:
    """The error for a request that the Hub refuses: what is wrong with the repository, and what would help."""
    what, status = f"hf://{repository}", error.response.status_code
    if isinstance(error, GatedRepoError):
        page = f"https://huggingface.co/{repository}"
        return SourceError(f"{what}: gated; accept its licence on {page}, then {_LOG_IN} with that account's token")
    if isinstance(error, RevisionNotFoundError):
        named = printable(revision or "main", 100)
        return SourceError(f"{what}: has no revision {named!r}; name a branch, a tag or a whole commit after @")
    if isinstance(error, EntryNotFoundError):
        return SourceError(f"{what}: a file that the commit lists is not there (HTTP {status}); try again later")
    if isinstance(error, DisabledRepoError):
        return SourceError(f"{what}: the Hub has disabled this repository")
    if isinstance(error, RepositoryNotFoundError):
        return SourceError(f"{what}: no such repository, or a private one; check its name, or {_LOG_IN}")
    if status == 401:
        return SourceError(f"{what}: the Hub does not accept the token, or wants one; {_LOG_IN}")
    if status == 403:
        return SourceError(f"{what}: this token may not read it; {_LOG_IN} with a token that has read access")
    return SourceError(f"{what}: the Hub refuses the request (HTTP {status}); check the name and HF_ENDPOINT")
