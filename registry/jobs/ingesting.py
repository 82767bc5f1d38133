"""A batch of sources into the registry: models overlap, one thread writes.

Only one process may write to a DuckDB file, and none may read it then. A batch that shares lets go of the file while
it waits for models to be read, so that others get in between.

Limitations: when the same source stands twice in a batch it may be read twice, and a repository under an old name is;
it is kept once.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import duckdb

from ...ingest.errors import ForebearError, RegistryError
from ...ingest.model import ModelFingerprint, fingerprint_model, is_current, iter_problems
from ...ingest.refreshing import Additions
from ...ingest.sources import Source, is_remote, remote_spec, source_uri
from ...ingest.sources.source import NothingToRead
from ...ingest.text import printable
from ...queries.sql import statement
from ..store.completing import complete_model
from ..store.models import Model, find_source, known_sources, put_model
from ..store.transactions import committed
from .engines import Engine
from .outcome import Failed, Ingested, Outcome, Refreshed, Skipped, Unchanged

_log = logging.getLogger(__name__)
Opener = Callable[[str], Source]
"""Opens the source of a spec."""
HELD = 0.5
"""Seconds for which a batch that shares keeps the file at least: opening it costs 15 ms and more."""


class Reading(Protocol):
    """What a worker does with one source: `read_spec`, or a `Rereading`. It needs no registry."""

    def __call__(
        self,
        spec: str,
        *,
        opener: Opener,
        known: Mapping[tuple[str, str | None], Model],
        budget: int | None,
        close: Callable[[Source], None],
    ) -> Read | Skipped | Failed:
        """What was read of the source of `spec`, or why nothing was."""
        ...


class File(Protocol):
    """The registry's file, which may be let go of between two uses."""

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The open file; it is opened again when it was let go of."""
        ...

    def release(self) -> None:
        """Let go of the file until `connection` is next asked for."""


_REGISTRY = (
    RegistryError,
    duckdb.ConnectionException,
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.InterruptException,
    duckdb.IOException,
    duckdb.TransactionException,
)
"""What a full disk, a lock or a broken file of the registry raises, no source."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lacked:
    """What the fingerprint of a registered model lacked."""

    model: Model
    additions: Additions


@dataclass(frozen=True, slots=True)
class Read:
    """What a worker made of one source: a fingerprint to write, what one lacked, or the model that is there already.

    `refreshed`: the fingerprint takes the place of one that an earlier version made.
    """

    spec: str
    uri: str
    found: ModelFingerprint | Lacked | Model
    seconds: float
    refreshed: bool = False


class Batch:
    """Specs on their way into the registry. Only the thread that iterates `outcomes` uses the registry's file."""

    def __init__(
        self,
        file: File,
        opener: Opener,
        *,
        budget: int | None,
        together: int,
        sharing: bool,
        engine: Engine | None = None,
        reading: Reading | None = None,
    ) -> None:
        self._reading: Reading = reading or read_spec
        self._file = file
        self._sharing = sharing
        self._since = time.monotonic()
        self._opener = opener
        self._budget = budget
        self._together = together
        self._engine = engine
        self._lock = threading.Lock()
        self._open: set[Source] = set()
        self._ended = False
        self._known: dict[tuple[str, str | None], Model] = {}

    def outcomes(self, specs: Sequence[str]) -> Generator[tuple[int, Outcome], None, None]:
        """(number of the spec, outcome) as models finish, each in the registry before it is handed out.

        Local models come one after another, in order, and so do those of an engine, so that models get the same ids
        wherever they were read; else, with a repository among them, `together` models overlap. Left
        early, the iterator closes every open source, which ends their reads; what was not handed out is not kept.
        """
        self._known = known_sources(self._file.connection, map(source_uri, specs))
        try:
            if self._engine:
                yield from self._spread(self._engine, specs)
            elif len(specs) > 1 and self._together > 1 and any(is_remote(spec) for spec in specs):
                yield from self._overlapping(specs)
            else:
                for number, spec in enumerate(specs):
                    self._share()
                    yield number, self._kept(self._read(spec))
        finally:
            self._close()

    def _spread(self, engine: Engine, specs: Sequence[str]) -> Generator[tuple[int, Outcome], None, None]:
        work = partial(self._reading, opener=self._opener, known=self._known, budget=self._budget, close=_close_source)
        for number, (_, read) in enumerate(engine.map(work, specs)):
            yield number, self._kept(read)
            self._share()

    def _overlapping(self, specs: Sequence[str]) -> Generator[tuple[int, Outcome], None, None]:
        pool = ThreadPoolExecutor(self._together, "model")
        waiting = iter(enumerate(specs))
        numbers: dict[Future[Read | Skipped | Failed], int] = {}
        try:
            while True:
                while len(numbers) <= self._together and (following := next(waiting, None)):
                    numbers[pool.submit(self._read, following[1])] = following[0]
                if not numbers:
                    return
                if not any(future.done() for future in numbers):
                    self._share()
                for future in wait(numbers, return_when=FIRST_COMPLETED).done:
                    number = numbers.pop(future)
                    yield number, self._kept(future.result())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _share(self) -> None:
        """Let others at the file while there is nothing to write, unless it was opened only just now."""
        if self._sharing and time.monotonic() - self._since >= HELD:
            _log.debug("the registry is let go of while models are read")
            self._file.release()
            self._since = math.inf

    def _opened_file(self) -> duckdb.DuckDBPyConnection:
        connection = self._file.connection
        self._since = min(self._since, time.monotonic())
        return connection

    def _read(self, spec: str) -> Read | Skipped | Failed:
        return self._reading(spec, opener=self._opened, close=self._closed, known=self._known, budget=self._budget)

    def _kept(self, read: Read | Skipped | Failed) -> Outcome:
        """Write what a worker brought, in one transaction. What was noted of a repository goes when it is kept."""
        if isinstance(read, Read):
            began = time.monotonic() - read.seconds
            kept = attempted(read.spec, began, partial(self._written, read))
            if not isinstance(kept, Skipped | Failed):
                return kept
            read = kept
        if self._reading is read_spec and (uri := remote_spec(read.source)):
            note_attempt(self._opened_file(), uri, read.reason)
        return read

    def _written(self, read: Read) -> Ingested | Refreshed | Unchanged:
        connection = self._opened_file()
        keys = [read.uri, remote_spec(read.spec) or read.uri]
        match read.found:
            case Lacked(model=was, additions=lacked):
                committed(connection, lambda: complete_model(connection, was, lacked))
                counts = (was.tensors, was.parameters, lacked.bytes_read, was.bytes_total, lacked.requests)
                notes = tuple(filter(None, [lacked.activations.left_out]))
                return Refreshed(read.spec, was.name, *counts, read.seconds, notes)
            case ModelFingerprint() as made:
                found = committed(connection, lambda: _put(connection, made, keys))
                if found is None:
                    _log.info(
                        "%s: %d tensors, read %d of %d bytes in %d requests, %.2f s",
                        *(made.name, made.tensor_count, made.bytes_read, made.bytes_total, made.requests, read.seconds),
                    )
                    counts = (made.tensor_count, made.parameters, made.bytes_read, made.bytes_total, made.requests)
                    kind = Refreshed if read.refreshed else Ingested
                    notes = (*iter_problems(made), *_found_standing(connection, made))
                    return kind(read.spec, made.name, *counts, read.seconds, notes)
            case Model() as found:
                committed(connection, lambda: _forget_attempts(connection, keys))
        return Unchanged(read.spec, found.name, found.tensors, found.parameters, 0, found.bytes_total, 0, read.seconds)

    def _opened(self, spec: str) -> Source:
        source = self._opener(spec)
        with self._lock:
            self._open.add(source)
            ended = self._ended
        if ended:
            source.close()
        return source

    def _closed(self, source: Source) -> None:
        with self._lock:
            self._open.discard(source)
        source.close()

    def _close(self) -> None:
        with self._lock:
            self._ended = True
            left = list(self._open)
        for source in left:
            source.close()


def _close_source(source: Source) -> None:
    source.close()


def read_spec(
    spec: str,
    *,
    opener: Opener,
    known: Mapping[tuple[str, str | None], Model],
    budget: int | None,
    close: Callable[[Source], None] = _close_source,
) -> Read | Skipped | Failed:
    """Open and fingerprint one source, unless it is `known` as it is now. Runs in a worker: no registry is needed."""
    began = time.monotonic()

    def read() -> Read:
        source = opener(spec)
        _log.debug("%s: opened %s in %.2f s", spec, source.uri, time.monotonic() - began)
        try:
            same = known.get((source.uri, source.revision))
            if same is None or not is_current(same.state, source.state, budget=budget):
                return Read(spec, source.uri, fingerprint_model(source, budget=budget), time.monotonic() - began)
            _log.info("%s: unchanged since it was registered", source.uri)
            return Read(spec, source.uri, same, time.monotonic() - began)
        finally:
            close(source)

    return attempted(spec, began, read)


def attempted(spec: str, began: float, work: Callable[[], T]) -> T | Skipped | Failed:
    """What `work` returns for one source, or what became of the source instead: none ends a batch, whatever it raises.

    Raised on is what concerns the registry, which the next source would meet too.
    """
    try:
        return work()
    except NothingToRead as error:
        _log.info("%s: skipped: %s", spec, error)
        return Skipped(spec, str(error), time.monotonic() - began)
    except _REGISTRY:
        raise
    except Exception as error:
        return _failed(spec, error, time.monotonic() - began)


def _failed(spec: str, error: Exception, seconds: float) -> Failed:
    """What one source raised, as its outcome: no source ends a batch, whatever it holds."""
    if isinstance(error, ForebearError):
        reason = str(error)
    elif isinstance(error, MemoryError):
        reason = "more memory is needed than there is; free some, or read fewer models at once"
    else:
        # the text of a stranger's error may be long and hold anything
        what = printable(f"{type(error).__name__}: {error}", 200)
        reason = f"a bug of forebear ({what}); please report it with the lines that -vv adds"
    if not isinstance(error, ForebearError):
        _log.debug("%s: unexpected", spec, exc_info=error)
    _log.info("%s: failed: %s", spec, reason)
    return Failed(spec, reason, seconds)


def note_attempt(connection: duckdb.DuckDBPyConnection, uri: str, reason: str) -> None:
    """Record that a repository could not be kept, and why; the tries add up."""
    committed(connection, lambda: connection.execute(statement("hub/note_attempt"), {"uri": uri, "reason": reason}))


def _put(connection: duckdb.DuckDBPyConnection, found: ModelFingerprint, keys: list[str]) -> Model | None:
    """Write a model; the one that is there when it stood in the batch before, or another process was faster."""
    earlier = find_source(connection, found.uri, found.revision)
    same = earlier if earlier is not None and earlier.state == found.state and not earlier.outdated else None
    if same is None:
        put_model(connection, found)
    _forget_attempts(connection, keys)
    return same


def _found_standing(connection: duckdb.DuckDBPyConnection, made: ModelFingerprint) -> list[str]:
    """What is said of a model that stands where a missing ancestor was inferred to stand; that is kept too."""
    if not connection.execute(statement("inferred/count")).fetchall()[0][0]:
        return []  # most registries: nothing heavy is imported for them
    from .standing import keep_match, registered_matches

    kept = find_source(connection, made.uri, made.revision)
    if kept is None:
        return []
    found = registered_matches(connection, kept.model_id)
    for match in found:
        committed(connection, partial(keep_match, connection, kept.model_id, match))
    return [match.sentence for match in found]


def _forget_attempts(connection: duckdb.DuckDBPyConnection, keys: list[str]) -> None:
    connection.execute(statement("hub/forget_attempts"), {"uris": keys})
