"""A place that is a dataset repository of the Hub: `hf://datasets/org/name[@revision]`, or its web address.

What is read is one commit, the newest when the place was opened. What is pushed are commits of _TOGETHER files at most,
of which the last has the manifest: until then the repository shows what it showed before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from huggingface_hub import CommitOperationAdd, HfApi, constants
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers

from ...ingest.errors import SourceError
from ...ingest.sources.hub_errors import CLIENT_ERROR
from .place import MANIFEST, PlaceKind
from .web import get

_ADDRESS = re.compile(
    r"(?:hf://|https://huggingface\.co/)datasets/(?P<name>[\w.-]+/[\w.-]+?)(?:@(?P<revision>[\w./-]+))?/?"
)
_TOGETHER = 500
"""Files of one commit: the Hub asks for fewer than some thousand."""


class HubDataset:
    """The files of a dataset repository, with the token that huggingface_hub finds ($HF_TOKEN, or a login)."""

    def __init__(self, address: str) -> None:
        found = _ADDRESS.fullmatch(address)
        if found is None:
            raise SourceError(f"{address}: is no dataset of the Hub; write hf://datasets/org/name")
        self._repository, self._revision = found["name"], found["revision"]
        self.name = f"hf://datasets/{self._repository}" + (f"@{self._revision}" if self._revision else "")
        self._api = HfApi(endpoint=constants.ENDPOINT, library_name="forebear")
        self._commit: str | None = None

    def read(self, path: str, limit: int) -> bytes | None:
        """See PublishedPlace."""
        self._commit = self._commit or self._newest()
        if self._commit is None:
            return None
        url = f"{self._api.endpoint}/datasets/{self._repository}/resolve/{self._commit}/{quote(path)}"
        return get(url, limit, build_hf_headers(library_name="forebear"))

    def _newest(self) -> str | None:
        """The commit that the revision is at; None for a repository that is not there."""
        try:
            return self._api.repo_info(self._repository, repo_type="dataset", revision=self._revision).sha
        except HfHubHTTPError as error:
            if error.response.status_code == 404:
                return None
            if error.response.status_code in {401, 403}:
                raise SourceError(
                    f"{self.name}: is private or not there; set HF_TOKEN to a token that may read it"
                ) from None
            raise SourceError(f"{self.name}: {error}") from None
        except (OfflineModeIsEnabled, CLIENT_ERROR) as error:
            raise SourceError(f"{self.name}: cannot be reached: {error}") from None

    def publish(self, files: Mapping[str, Path], manifest: bytes) -> None:
        """See PublishedPlace. The repository is made where it is missing, private."""
        added = [CommitOperationAdd(path, str(local)) for path, local in files.items()]
        try:
            self._api.create_repo(self._repository, repo_type="dataset", private=True, exist_ok=True)
            for operations in _commits(added, CommitOperationAdd(MANIFEST, manifest)):
                self._api.create_commit(
                    self._repository,
                    operations,
                    commit_message="Push a registry of forebear",
                    repo_type="dataset",
                    revision=self._revision,
                )
        except HfHubHTTPError as error:
            raise SourceError(f"{self.name}: cannot be written: {error}; set HF_TOKEN to a token that may") from None
        except (OfflineModeIsEnabled, CLIENT_ERROR) as error:
            raise SourceError(f"{self.name}: cannot be written: {error}") from None
        self._commit = None


def _commits(added: Sequence[CommitOperationAdd], last: CommitOperationAdd) -> Iterator[list[CommitOperationAdd]]:
    """The files in commits of _TOGETHER, and with the last of them the manifest."""
    groups = [added[begin : begin + _TOGETHER] for begin in range(0, len(added), _TOGETHER)] or [[]]
    for group in groups[:-1]:
        yield list(group)
    yield [*groups[-1], last]


def _takes(address: str) -> bool:
    return address.startswith(("hf://", "https://huggingface.co/datasets/"))


KIND = PlaceKind(_takes, HubDataset)
