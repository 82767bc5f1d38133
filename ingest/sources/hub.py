"""A repository of the Hugging Face Hub at one commit, read by ranges; nothing is downloaded and nothing is written.

The commit is resolved once, each file's storage address once (and again when it expires). What is read is checked
against what the Hub said of the file: a file that changes under the reader is an error, never a mixture.

Limitations: a repository has to say the sizes of its files, as the Hub does; Xet hashes are not asked for, since the
sha256 that comes with the file list identifies the same content.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping

from ..errors import SourceError
from ..text import printable
from .card import ProviderCard
from .hub_card import card_of, files_of
from .hub_http import Address, HubClient
from .hub_patience import Patience
from .hub_range import Refused, Span
from .hub_spec import is_repository, parse_spec
from .source import CONNECTIONS, SourceFile

_log = logging.getLogger(__name__)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
GAP = 64 << 10
"""Bytes read and dropped rather than asked for apart: about what one of 16 connections receives (of 25 MB/s together)
during one round trip of 40 ms."""


class HubSource:
    """The files of one commit. `card` is what the Hub says of the model."""

    gap = GAP

    def __init__(
        self, client: HubClient, repository: str, revision: str | None = None, *, connections: int = CONNECTIONS
    ) -> None:
        self._client = client
        self.connections = connections
        info, notes = client.model_info(repository, revision)
        # a renamed repository answers under its new name: one repository, one URI
        self.name = info.id if isinstance(info.id, str) and is_repository(info.id) else repository
        self.uri = f"hf://{self.name}"
        if not info.sha or not _COMMIT.fullmatch(info.sha):
            raise SourceError(f"{self.uri}: {client.endpoint} names no commit; does HF_ENDPOINT name a Hub?")
        if revision and _COMMIT.fullmatch(revision) and revision != info.sha:
            raise SourceError(f"{self.uri}: {client.endpoint} answers with commit {info.sha}, {revision} was asked for")
        self.revision: str | None = info.sha
        self.state = info.sha
        self.card: ProviderCard = card_of(info, notes)
        self._files = files_of(info, self.uri)
        _log.info("%s: %d files of commit %s", self.uri, len(self._files), info.sha)
        self._contents = {path: _Content(client, self.name, info.sha, file) for path, file in self._files.items()}

    @property
    def files(self) -> Mapping[str, SourceFile]:
        """The files of the commit by path, hidden ones and unsafe names left out; `sha256` of those in LFS or Xet."""
        return self._files

    def open(self, path: str) -> HubReader:
        """A reader of one of `files`; asks the Hub nothing yet."""
        if path not in self._contents:
            raise SourceError(f"{self.uri}: has no file {printable(path)!r}")
        return HubReader(self._contents[path])

    def close(self) -> None:
        """End reads that wait for another try, from any thread; they and later ones raise SourceError."""
        self._client.close()


class HubReader:
    """One file of the commit; each read is one request, tried again where that can help."""

    def __init__(self, content: _Content) -> None:
        self._content = content

    @property
    def size(self) -> int:
        """Length of the file in bytes, as the Hub lists it."""
        return self._content.file.size

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`; raises SourceError, with what to do, when they cannot be had."""
        return self._content.read(offset, length)

    def close(self) -> None:
        """Nothing is held."""


def open_hub(
    spec: str,
    *,
    endpoint: str | None = None,
    token: str | bool | None = None,
    connections: int = CONNECTIONS,
    patience: Patience | None = None,
) -> HubSource:
    """The source for a repository, its commit pinned; one request is made.

    `endpoint` and `token` are huggingface_hub's own (HF_ENDPOINT, HF_TOKEN, the stored login) unless given; False
    sends no token. Raises SourceError for a spec that is none, and for whatever the Hub refuses.
    """
    if (found := parse_spec(spec)) is None:
        raise SourceError(f"{printable(spec)}: not a repository; write hf://org/name or hf://org/name@revision")
    repository, revision = found
    client = HubClient(endpoint, token, patience or Patience())
    return HubSource(client, repository, revision, connections=connections)


class _Content:
    """The bytes of one file of the commit: its address, and the evidence that they are still the same."""

    def __init__(self, client: HubClient, repository: str, commit: str, file: SourceFile) -> None:
        self.file = file
        self._client = client
        self._repository = repository
        self._commit = commit
        self._lock = threading.Lock()
        self._address: Address | None = None
        self._failure: str | None = None
        self._etags: dict[str, str] = {}

    @property
    def _what(self) -> str:
        return f"hf://{self._repository}: {printable(self.file.path)}"

    def read(self, offset: int, length: int) -> bytes:
        """The bytes of one range, from the address that is known, or once more from a new one when that has expired."""
        size = self.file.size
        if offset < 0 or length < 0 or offset + length > size:
            raise SourceError(f"{self._what}: has {size} bytes, {length} at {offset} are not there")
        if length == 0:
            return b""
        span = Span(offset, length, size)
        address = self._resolved(None)
        try:
            piece = self._client.read(address, span, self._what)
        except Refused:
            address = self._resolved(address)
            try:
                piece = self._client.read(address, span, self._what)
            except Refused as error:
                raise SourceError(
                    f"{self._what}: not served at the address that the Hub has just given ({error}); try again later"
                ) from None
        self._check_etag(address, piece.etag)
        return piece.data

    def _resolved(self, stale: Address | None) -> Address:
        """The address of the file, asked for again when it is the `stale` one; a failure is final for every thread."""
        with self._lock:
            if self._failure:
                raise SourceError(self._failure)
            if self._address is None or self._address is stale:
                try:
                    address = self._client.resolve(self._repository, self._commit, self.file.path)
                    self._check_address(address)
                except SourceError as error:
                    self._failure = str(error)
                    raise
                self._address = address
            return self._address

    def _check_address(self, address: Address) -> None:
        """What the Hub says of the file now must be what it said when the commit was resolved, and ever since."""
        first = self._address or address
        sha256 = self.file.sha256 if address.etag and _SHA256.fullmatch(address.etag) else None
        if (
            address.commit not in (None, self._commit)
            or address.size not in (None, self.file.size)
            or address.etag != (sha256 or first.etag)
        ):
            raise SourceError(f"{self._what}: has changed since it was listed (size, ETag or commit); start again")

    def _check_etag(self, address: Address, etag: str | None) -> None:
        """One host must send one ETag for as long as the file is read."""
        with self._lock:
            if etag and self._etags.setdefault(address.origin, etag) != etag:
                raise SourceError(f"{self._what}: changed while it was read (another ETag); start again")
