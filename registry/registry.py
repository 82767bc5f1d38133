"""The registry as a Python object; the command line is a thin layer over it."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.request import url2pathname

import duckdb

from ..ingest.errors import RegistryError, SourceError
from ..ingest.model import ModelFingerprint, fingerprint_model
from ..ingest.sources import CONNECTIONS, Source, open_source
from ..queries.ancestors import Query, ancestors, registered_query
from .database import default_path, open_database
from .details import ModelDetails, model_details
from .ingesting import Batch
from .models import Model, find_model, find_source, list_models, remove_model
from .outcome import Outcome
from .question import unregistered_query
from .report import AncestorsReport, overall_verdict

TOGETHER = 4
"""Models that overlap: while one waits for the headers of its shards, others read their ranges."""
PATIENCE = 600.0
"""Seconds that a batch waits to get back at a file which it let go of: an audit of many models may be reading it."""
_PATHS = ("/", "./", "../", "~", "file://")
"""What starts so names a place on this machine, never a model by its name."""


class Registry:
    """A registry of fingerprints in one DuckDB file. Use it as a context manager, or call `close`.

    With `create=False` the file must exist. Raises RegistryError when another process holds it for longer than `wait`
    seconds, when it is none of ours, or is of an unknown version.
    """

    def __init__(
        self, path: str | Path | None = None, *, read_only: bool = False, create: bool = True, wait: float = 0.0
    ) -> None:
        self.path = Path(path).expanduser() if path is not None else default_path()
        if not create and not self.path.exists():
            raise RegistryError(f"{self.path}: no registry there; name one with --registry")
        self._read_only = read_only
        self._open: duckdb.DuckDBPyConnection | None = open_database(self.path, read_only=read_only, wait=wait)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The open file. One that was let go of is opened again, after waiting for those who use it."""
        if self._open is None:
            self._open = open_database(self.path, read_only=self._read_only, wait=PATIENCE)
        return self._open

    def release(self) -> None:
        """Let other processes at the file until it is used again; connections that were handed out are closed."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was reported as ingested is in it."""
        self.release()

    def ingest(
        self, *specs: str | Path, connections: int | None = None, budget: int | None = None, together: int = TOGETHER
    ) -> list[Outcome]:
        """Fingerprint and keep the models at `specs`; one outcome each, in order. Bad input never ends the batch.

        Options are those of `ingesting`.
        """
        batch = self._batch(len(specs), connections, budget, together, False)
        return [outcome for _, outcome in sorted(batch.outcomes([str(s) for s in specs]), key=lambda found: found[0])]

    def ingesting(
        self,
        specs: Iterable[str | Path],
        *,
        connections: int | None = None,
        budget: int | None = None,
        together: int = TOGETHER,
        sharing: bool = False,
    ) -> Generator[Outcome, None, None]:
        """As `ingest`, one outcome at a time: a model is in the registry before its outcome is handed out.

        With `sharing`, the file is let go of while models are read, so that other processes get in between; connections
        that were handed out before are closed then.

        With repositories of the Hub among `specs`, `together` models overlap and outcomes come as models finish; they
        share `connections` ranges in flight (default 16). At most `budget` bytes of weights are read of each model.
        """
        listed = [str(spec) for spec in specs]
        for _, outcome in self._batch(len(listed), connections, budget, together, sharing).outcomes(listed):
            yield outcome

    def _batch(self, count: int, connections: int | None, budget: int | None, together: int, sharing: bool) -> Batch:
        at_once = max(1, min(count, together))
        share = max(1, (connections or CONNECTIONS) // at_once)
        return Batch(
            self, lambda spec: _opened(spec, connections=share), budget=budget, together=at_once, sharing=sharing
        )

    def _unchanged(self, source: Source) -> Model | None:
        known = find_source(self.connection, source.uri, source.revision)
        return known if known and known.state == source.state else None

    def models(self) -> list[Model]:
        """All models, oldest first."""
        return list_models(self.connection)

    def find(self, name: str | Path) -> Model | None:
        """The model that a name, a source or a path means, None when none does; RegistryError when several do."""
        if not _is_path(name):
            return find_model(self.connection, str(name))
        return find_model(self.connection, Path(os.path.abspath(_path(name))).as_uri())

    def model(self, name: str | Path) -> Model:
        """The model that a name, a source or a path means; RegistryError when none or several do."""
        if found := self.find(name):
            return found
        raise RegistryError(f"{str(name)!r} is not in {self.path}; `forebear list` shows what is")

    def details(self, name: str | Path) -> ModelDetails:
        """What the registry holds of a model; RegistryError when there is no such model."""
        return model_details(self.connection, self.model(name))

    def remove(self, name: str | Path) -> Model:
        """Remove a model and return what it was; RegistryError when there is no such model."""
        found = self.model(name)
        remove_model(self.connection, found)
        return found

    def fingerprint(self, spec: str | Path) -> ModelFingerprint:
        """The fingerprint of a source, without keeping it."""
        source = _opened(spec)
        try:
            return fingerprint_model(source)
        finally:
            source.close()

    def ancestors(self, model: str | Path | Model, *, k: int = 10) -> AncestorsReport:
        """The ranked ancestors of a registered model, or of a source that is fingerprinted now and not kept.

        `model` is a Model, a name, `name@revision`, a URI or a path; a path that is registered and unchanged is
        not read again. A component has at least `k` rows where the registry holds as many models, strangers included.
        Raises RegistryError for a name that nothing or too much has, and as `fingerprint` does.
        """
        if k < 1:
            raise ValueError(f"k is {k}; at least one row must be asked for")
        asked = model if isinstance(model, Model) else self._asked(model)
        query: Query
        if isinstance(asked, Model):
            query = registered_query(self.connection, asked.model_id)
        else:
            query = unregistered_query(self.connection, asked)
        answers = ancestors(self.connection, query, k)
        return AncestorsReport(
            name=asked.name,
            source=asked.uri,
            revision=asked.revision,
            parameters=asked.parameters,
            bytes_read=asked.bytes_read,
            bytes_total=asked.bytes_total,
            registry_models=self._others(query.model_id),
            verdict=overall_verdict(answers),
            components=tuple(answers),
        )

    def _others(self, model_id: int) -> int:
        rows = self.connection.execute("SELECT count(*) FROM model WHERE model_id != ?", [model_id]).fetchall()
        return int(rows[0][0])

    def _asked(self, model: str | Path) -> Model | ModelFingerprint:
        place = _path(model)
        if not (_is_path(model) and place.exists()) and (found := self.find(model)):
            return found
        source = self._source(model)
        try:
            return self._unchanged(source) or fingerprint_model(source)
        finally:
            source.close()

    def _source(self, model: str | Path) -> Source:
        """The source that is not registered; where there is none either, the error says both."""
        try:
            return _opened(model)
        except SourceError as error:
            raise RegistryError(
                f"{str(model)!r} is not in {self.path} (`forebear list` shows what is), and no source: {error}"
            ) from error


def _opened(spec: str | Path, *, connections: int | None = None) -> Source:
    return open_source(str(_path(spec) if _is_path(spec) else spec), connections=connections)


def _is_path(model: str | Path) -> bool:
    return isinstance(model, Path) or model in {".", ".."} or model.startswith(_PATHS)


def _path(model: str | Path) -> Path:
    text = os.fspath(model)
    return Path(url2pathname(text.removeprefix("file://")) if text.startswith("file://") else text).expanduser()
