"""What models the Hub has, newest first.

The Hub dates when a repository was made and when its last commit was, not when it was published. A repository that was
private when it was made is listed among the old ones; what tells it from them is that it is new to a registry that has
met all others of its age, and that people commit to a model on the day they publish it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Literal

from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

from ..budget import Limit, beyond
from ..errors import SourceError
from .hub_dates import claimed
from .hub_errors import CLIENT_ERROR, check_transient, offline, transport
from .hub_guard import Guard, guarded
from .hub_patience import Patience, Retries
from .hub_spec import parse_spec

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

LISTED = Limit(200_000, "models of one listing")
"""The Hub has millions; 150 bytes each come over the wire."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A repository of the Hub, when it was made and last changed: UTC without zone, None for what is no such date."""

    name: str
    created: datetime | None
    modified: datetime | None

    @property
    def uri(self) -> str:
        """As the registry names its source."""
        return f"hf://{self.name}"


def list_hub(
    *,
    author: str | None = None,
    task: str | None = None,
    by: Literal["created", "modified"] = "created",
    since: datetime | None = None,
    most: int | None = None,
    endpoint: str | None = None,
    token: str | bool | None = None,
    patience: Patience | None = None,
) -> list[Listed]:
    """Models made, or changed, at `since` or later, newest first, at most `most`; of one author, for one task.

    Raises SourceError when the Hub does not answer with such a list, or with more than 200,000 models.
    """
    host = (endpoint or constants.ENDPOINT).rstrip("/")
    api = HfApi(endpoint=host, token=token, library_name="forebear")

    def attempt() -> list[Listed]:
        try:
            found = api.list_models(
                author=author,
                pipeline_tag=task,
                sort="created_at" if by == "created" else "last_modified",
                limit=most,
                expand=["createdAt", "lastModified"],
            )
            listed: list[Listed] = []
            for info in found:
                one = _listed(info)
                date = one.created if by == "created" else one.modified
                if since and date and date < since:
                    break
                listed.append(one)
                if message := beyond(LISTED, len(listed)):
                    raise SourceError(f"{host}: {message}, or give a later --since, or --author")
            return [one for one in listed if parse_spec(one.uri)]
        except HfHubHTTPError as error:
            check_transient(error.response.status_code, error.response.headers, host)
            raise _refused(host, error.response.status_code) from None
        except OfflineModeIsEnabled:
            raise offline(host) from None
        except CLIENT_ERROR as error:
            # huggingface_hub has asked again by itself, for 23 s: six rounds of that would take minutes.
            raise SourceError(f"{transport(error, host)}; check the connection, or try again later") from None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise SourceError(
                f"{host}: answers with something else than a list of models ({type(error).__name__}); check HF_ENDPOINT"
            ) from None

    patience = patience or Patience()
    guard = partial(Guard, host, "list of models", answer_seconds=patience.answer, call_seconds=patience.call)
    return Retries(patience).run(host, lambda: guarded(guard(), attempt))


def _listed(info: ModelInfo) -> Listed:
    return Listed(str(info.id), _moment(claimed(info.created_at)), _moment(claimed(info.last_modified)))


def _moment(date: datetime | None) -> datetime | None:
    return date.astimezone(UTC).replace(tzinfo=None) if date else None


def _refused(host: str, status: int) -> SourceError:
    if status in {401, 403}:
        return SourceError(f"{host}: does not accept the token (HTTP {status}); set HF_TOKEN or run `hf auth login`")
    return SourceError(f"{host}: does not list models (HTTP {status}); check HF_ENDPOINT, --author and --task")
