"""The registry as a Python object; the command line is a thin layer over it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb

from ..ingest.errors import ForebearError, RegistryError
from ..ingest.model import ModelFingerprint, fingerprint_model, iter_problems
from ..ingest.sources import Source, open_source
from ..ingest.sources.source import NothingToRead
from .database import default_path, open_database
from .models import Model, find_model, find_source, list_models, remove_model, write_model
from .outcome import Failed, Ingested, Outcome, Skipped, Unchanged


class Registry:
    """A registry of fingerprints in one DuckDB file. Use it as a context manager, or call `close`.

    Raises RegistryError when the file is held by another process, is none of ours, or is of an unknown version.
    """

    def __init__(self, path: str | Path | None = None, *, read_only: bool = False) -> None:
        self.path = Path(path).expanduser() if path is not None else default_path()
        self.connection: duckdb.DuckDBPyConnection = open_database(self.path, read_only=read_only)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was reported as ingested is in it."""
        self.connection.close()

    def ingest(self, *specs: str | Path) -> list[Outcome]:
        """Fingerprint and keep the models at `specs`; one outcome for each, in order. Bad input never ends the batch."""
        return list(self.ingesting(specs))

    def ingesting(self, specs: Iterable[str | Path]) -> Iterator[Outcome]:
        """As `ingest`, one outcome at a time: a model is in the registry before its outcome is handed out."""
        for spec in specs:
            began = time.monotonic()
            try:
                yield self._ingest(str(spec), began)
            except NothingToRead as error:
                yield Skipped(str(spec), str(error), time.monotonic() - began)
            except RegistryError:
                raise
            except ForebearError as error:
                yield Failed(str(spec), str(error), time.monotonic() - began)

    def _ingest(self, spec: str, began: float) -> Ingested | Unchanged:
        source = open_source(spec)
        try:
            if known := self._unchanged(source):
                total = known.bytes_total
                return Unchanged(
                    spec, known.name, known.tensors, known.parameters, 0, total, 0, time.monotonic() - began
                )
            made = fingerprint_model(source)
        finally:
            source.close()
        write_model(self.connection, made)
        counts = (made.tensor_count, made.parameters, made.bytes_read, made.bytes_total, made.requests)
        return Ingested(spec, made.name, *counts, time.monotonic() - began, tuple(iter_problems(made)))

    def _unchanged(self, source: Source) -> Model | None:
        known = find_source(self.connection, source.uri, source.revision)
        return known if known and known.state == source.state else None

    def models(self) -> list[Model]:
        """All models, oldest first."""
        return list_models(self.connection)

    def find(self, name: str) -> Model | None:
        """The model that a name or a source means, None when none does; RegistryError when several do."""
        return find_model(self.connection, name)

    def model(self, name: str) -> Model:
        """The model that a name or a source means; RegistryError when none or several do."""
        if found := self.find(name):
            return found
        raise RegistryError(f"{name!r} is not in {self.path}; `forebear list` shows what is")

    def remove(self, name: str) -> Model:
        """Remove a model and return what it was; RegistryError when there is no such model."""
        found = self.model(name)
        remove_model(self.connection, found)
        return found

    def fingerprint(self, spec: str | Path) -> ModelFingerprint:
        """The fingerprint of a source, without keeping it."""
        source = open_source(str(spec))
        try:
            return fingerprint_model(source)
        finally:
            source.close()
