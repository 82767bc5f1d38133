"""What is read while other processes write: a private copy of the registry, renewed when the registry changed.

DuckDB gives a file to one writer or to many readers. A server that held it would keep every ingest out, and one that
opened it for each request would fail while an ingest writes. So requests read a copy (`copying`), and a thread makes
the next one in the moments in which no process writes: an ingest lets go of the file between models. Answers carry the
version of the copy that they are from.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from ...ingest.errors import RegistryError, RegistryInUse
from ..audit.known import Audited, audited
from ..registry import Registry
from ..store.database import WAIT, Place
from ..store.file_state import State, state_of
from .copying import copy_registry, remove_copy

_log = logging.getLogger(__name__)
_PAUSE = 0.02
"""Seconds between two looks at the file, each two calls of `stat`: an ingest of small models lets go for moments."""
LEAST = 2.0
"""Seconds that a copy serves at least, so that a busy ingest neither empties every cache nor keeps a disk busy."""
_SHARE = 20
"""A copy serves so many times as long as making it took: at most a twentieth of the time is spent copying."""


def file_of(place: Place) -> Path:
    """The registry as a file. Raises RegistryError for a DuckLake catalogue."""
    if isinstance(place, str):
        raise RegistryError(f"{place}: serving needs a registry file; `forebear export` and `import` make one")
    return place


@dataclass(slots=True)
class Snapshot:
    """One copy: open to read, with its version, its newest audit, and the requests that read it now."""

    path: Path
    registry: Registry
    state: State
    version: str
    audited: Audited | None
    readers: int = 0
    idle: list[Registry] = field(default_factory=list)

    @classmethod
    def alone(cls, path: Path, registry: Registry) -> Snapshot:
        """A copy that somebody else renews, opened in another process for one question, which needs no audit."""
        return cls(path, registry, State((0, 0), (0, 0)), "", None)

    @property
    def audit_version(self) -> str:
        """The version of the newest audit: another one for another run alone, as a run that finished never changes."""
        run = self.audited and self.audited.run
        return f"run {run.run_id} {run.started_at} {run.finished_at}" if run else "no run"


class Snapshots:
    """The newest copy of a registry file, and the thread that renews it. Use it as a context manager."""

    def __init__(self, place: Path, *, least: float = LEAST) -> None:
        """Copy and open the registry at `place`; `folder` of the system's for temporary files holds the copies.

        Raises RegistryError when it is held for longer than WAIT seconds, or is no registry that can be read.
        """
        self.place = place
        self._least = least
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._folder = TemporaryDirectory(prefix="forebear-serve-", ignore_cleanup_errors=True)
        self._spare: list[Path] = []
        self._made = 0
        try:
            self._current = self._first()
        except RegistryError:
            self._folder.cleanup()
            raise
        self._thread = threading.Thread(target=self._watch, name="snapshots", daemon=True)
        self._thread.start()

    def __enter__(self) -> Snapshots:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the thread, close the copy and remove it."""
        self._ended.set()
        self._thread.join()
        with self._lock:
            self._retire(self._current)
        self._folder.cleanup()

    @property
    def audit_version(self) -> str:
        """The version of the newest audit that finished, by the newest copy."""
        return self._current.audit_version

    @property
    def version(self) -> str:
        """The version of the newest copy: 16 hexadecimal digits, others whenever the registry changed."""
        return self._current.version

    @contextmanager
    def reading(self) -> Iterator[tuple[Registry, Snapshot]]:
        """The newest copy, for the calling thread alone; it stays until the end, also where a newer one comes."""
        with self._lock:
            snapshot = self._current
            snapshot.readers += 1
            registry = snapshot.idle.pop() if snapshot.idle else None
        try:
            registry = registry or snapshot.registry.reader()
            yield registry, snapshot
        finally:
            with self._lock:
                snapshot.readers -= 1
                if registry:
                    snapshot.idle.append(registry)
                if snapshot is not self._current and not snapshot.readers:
                    self._retire(snapshot)

    def _first(self) -> Snapshot:
        began = time.monotonic()
        while True:
            try:
                return self._copied()
            except RegistryInUse:
                if time.monotonic() > began + WAIT:
                    raise
                time.sleep(_PAUSE)

    def _copied(self) -> Snapshot:
        path = self._spare.pop() if self._spare else Path(self._folder.name) / f"{self._made}.duckdb"
        self._made += 1
        try:
            state = copy_registry(self.place, path)
            registry = self._opened(path)
            newest = audited(registry.connection, self._current.audited if self._made > 1 else None)
        except RegistryError:
            self._spare.append(path)
            raise
        told = f"{state.file} {state.log} {self._made}".encode()
        registry.place = self.place  # what messages name
        version = hashlib.sha256(told).hexdigest()[:16]
        return Snapshot(path, registry, state, version, newest)

    def _opened(self, path: Path) -> Registry:
        try:
            return Registry(path, read_only=True)
        except RegistryError as error:  # which names the copy, of which nobody has heard
            raise type(error)(str(error).replace(str(path), str(self.place))) from error

    def _watch(self) -> None:
        rest = self._least
        while not self._ended.wait(rest):
            rest = _PAUSE
            began = time.monotonic()
            try:
                if state_of(self.place) == self._current.state:
                    continue
                made = self._copied()
            except RegistryInUse:
                continue
            except RegistryError as error:
                _log.warning("the registry as it was is still served: %s", error)
                rest = 10 * self._least
                continue
            with self._lock:
                before, self._current = self._current, made
                if not before.readers:
                    self._retire(before)
            seconds = time.monotonic() - began
            _log.info("version %s after %.2f s of copying", made.version, seconds)
            rest = max(self._least, _SHARE * seconds)

    def _retire(self, snapshot: Snapshot) -> None:
        """Close a copy that nobody reads; its file serves the next one. The caller holds the lock."""
        for reader in snapshot.idle:
            reader.close()
        snapshot.registry.close()
        if self._spare:
            remove_copy(snapshot.path)
        else:
            self._spare.append(snapshot.path)
