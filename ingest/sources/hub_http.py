"""Requests to the Hub itself: what it says of a model, and where it stores a file.

The token goes to the Hub's own origin and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin, urlsplit

from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

from ..budget import Limit
from ..errors import SourceError
from ..text import printable
from .hub_errors import CLIENT_ERROR, check_transient, offline, refusal, transport
from .hub_guard import Guard, guarded
from .hub_patience import Patience, Retries
from .hub_range import Piece, Span, get_range

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

T = TypeVar("T")
_LIBRARY = "forebear"
_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class Address:
    """Where the bytes of a file lie, and what the Hub says of them: `etag` (the sha256 of a large file), `size`."""

    url: str
    etag: str | None
    size: int | None
    commit: str | None

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return origin(self.url)


class HubClient:
    """Requests to one Hub, tried again where that can help. Safe to use from several threads at once."""

    def __init__(self, endpoint: str | None, token: str | bool | None, patience: Patience) -> None:
        self.endpoint = (endpoint or constants.ENDPOINT).rstrip("/")
        self._retries = Retries(patience)
        self._api = HfApi(endpoint=self.endpoint, token=token, library_name=_LIBRARY)
        self._anonymous = build_hf_headers(token=False, library_name=_LIBRARY)
        self._authorized = build_hf_headers(token=token, library_name=_LIBRARY)
        value = self._authorized.get("authorization", "")
        if not (value.isascii() and value.isprintable() and value == value.strip()):
            # the HTTP client would refuse the header too, with a message that quotes it
            raise SourceError("the Hub token holds characters that no token has; set HF_TOKEN again")

    def _guarded(self, what: str, call: Callable[[], T]) -> T:
        """One try of a question to the Hub's API."""
        return guarded(self._guard(what), call)

    def _guard(self, what: str) -> Guard:
        patience = self._retries.patience
        return Guard(self.endpoint, what, answer_seconds=patience.answer, call_seconds=patience.call)

    def model_info(self, repository: str, revision: str | None) -> tuple[ModelInfo, list[str]]:
        """The commit, files and card of a revision, in one request, and what a person should know of its dates.

        Raises SourceError with what to do.
        """
        what = f"hf://{repository}"

        def asked() -> ModelInfo:
            try:
                return self._api.model_info(
                    repository, revision=revision, files_metadata=True, timeout=self._retries.patience.timeout
                )
            except HfHubHTTPError as error:
                check_transient(error.response.status_code, error.response.headers, self.endpoint)
                raise refusal(error, repository, revision) from None
            except OfflineModeIsEnabled:
                raise offline(what) from None
            except CLIENT_ERROR as error:
                raise transport(error, self.endpoint) from None
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
                raise SourceError(
                    f"{what}: {self.endpoint} answers with something else than a model "
                    f"({type(error).__name__}); check HF_ENDPOINT"
                ) from None

        def attempt() -> tuple[ModelInfo, list[str]]:
            guard = self._guard(what)
            return guarded(guard, asked), guard.notes

        return self._retries.run(what, attempt)

    def resolve(self, repository: str, commit: str, path: str) -> Address:
        """Where a file of a commit is stored: HEAD, with redirects followed as long as they stay on the Hub."""
        what = f"hf://{repository}: {printable(path)}"
        url = hf_hub_url(repository, path, revision=commit, endpoint=self.endpoint)
        for _ in range(_REDIRECTS):
            head = partial(self._head, url, repository, commit, what)
            headers, target = self._retries.run(what, partial(self._guarded, what, head))
            if target is None or origin(target) != origin(self.endpoint):
                return _address(target or url, headers, redirected=target is not None)
            url = target
        raise SourceError(f"{what}: more than {_REDIRECTS} redirects; check HF_ENDPOINT")

    def read(self, address: Address, span: Span, what: str) -> Piece:
        """The bytes of a span, by one GET a try; the token goes along only where the Hub itself holds the file.

        Raises Refused when the address is not served, SourceError when what comes is not what was asked for.
        """
        at_hub = address.origin == origin(self.endpoint)
        headers = self._authorized if at_hub else self._anonymous
        patience = self._retries.patience
        get = partial(get_range, address.url, headers, span, what, patience=patience, follow=not at_hub)
        return self._retries.run(what, lambda: guarded(_span_guard(self.endpoint, what, span, patience), get))

    def close(self) -> None:
        """End all waiting; connections belong to huggingface_hub's pool and stay."""
        self._retries.stop()

    def _head(self, url: str, repository: str, commit: str, what: str) -> tuple[Mapping[str, str], str | None]:
        """The headers of one answer, and where it sends us, if it does."""
        headers = {**self._authorized, "accept-encoding": "identity"}
        try:
            answer = get_session().head(url, headers=headers, timeout=self._timeout, follow_redirects=False)
            check_transient(answer.status_code, answer.headers, origin(url))
            hf_raise_for_status(answer)
        except HfHubHTTPError as error:
            raise refusal(error, repository, commit) from None
        except OfflineModeIsEnabled:
            raise offline(what) from None
        except CLIENT_ERROR as error:
            raise transport(error, origin(url)) from None
        if not 300 <= answer.status_code < 400:
            return answer.headers, None
        if (target := _target(url, answer.headers.get("location", ""))) is None:
            raise SourceError(f"{what}: the Hub redirects to an address that cannot be used; check HF_ENDPOINT")
        return answer.headers, target

    @property
    def _timeout(self) -> tuple[float, float, float, None]:
        """Connect, read, write, and none for a place in the pool: its other users have limits of their own."""
        patience = self._retries.patience
        return patience.connect, patience.timeout, patience.timeout, None


def _span_guard(endpoint: str, what: str, span: Span, patience: Patience) -> Guard:
    """Limits on the way to a span: `get_range` counts its bytes, what redirects send along is counted here."""
    return Guard(
        endpoint,
        what,
        answer_bytes=Limit(span.length + (1 << 20), "bytes of one answer"),
        answer_seconds=Limit(math.ceil(patience.seconds(span.length)) + 1, "seconds for one answer"),
        objects=False,
    )


def origin(url: str) -> str:
    """Scheme, host and port of an address, in one spelling."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def _target(url: str, location: str) -> str | None:
    """Where a redirect leads: HTTP with a host, and never from an encrypted address to a plain one; else None."""
    try:
        target = urljoin(url, location)
        parts = urlsplit(target)
        named = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return None
    schemes = {"https"} if url.startswith("https:") else {"http", "https"}
    usable = named and parts.scheme in schemes and target.isascii() and target.isprintable()
    return target if usable and target != url else None


def _address(url: str, headers: Mapping[str, str], redirected: bool) -> Address:
    """The metadata of a redirect are the linked file's; without one, those of the answer itself."""
    etag = headers.get(constants.HUGGINGFACE_HEADER_X_LINKED_ETAG) or (None if redirected else headers.get("etag"))
    size = headers.get(constants.HUGGINGFACE_HEADER_X_LINKED_SIZE) or (
        None if redirected else headers.get("content-length")
    )
    return Address(
        url,
        etag.removeprefix("W/").strip('"') if etag else None,
        int(size) if size and size.isascii() and size.isdigit() else None,
        headers.get(constants.HUGGINGFACE_HEADER_X_REPO_COMMIT),
    )
