"""Registered models whose fingerprints an earlier version made, on their way to the present one."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ...ingest.errors import RegistryError, SourceError
from ...ingest.refreshing import Additions, KeptModel, refresh_model
from ...ingest.sources import Source, spec_of
from ...queries.sql import statement
from ..store.models import Model
from .ingesting import Lacked, Opener, Read, attempted
from .outcome import Failed, Skipped

_log = logging.getLogger(__name__)


def named_models(names: Iterable[str | Path], find: Callable[[str | Path], Model]) -> tuple[list[Model], list[Failed]]:
    """The models that names mean, each once, and a failure for every name that nothing or too much has."""
    models: dict[int, Model] = {}
    failed = []
    for name in names:
        try:
            found = find(name)
        except RegistryError as error:
            failed.append(Failed(os.fspath(name), str(error), 0.0))
        else:
            models[found.model_id] = found
    return list(models.values()), failed


@dataclass(frozen=True, slots=True)
class Rereading:
    """What a worker needs to refresh models, by the specification of each; called with one. No registry is needed."""

    models: Mapping[str, Model]
    places: Mapping[int, str]

    def __call__(
        self,
        spec: str,
        *,
        opener: Opener,
        known: Mapping[tuple[str, str | None], Model],
        budget: int | None,
        close: Callable[[Source], None],
    ) -> Read | Skipped | Failed:
        """What the model of `spec` lacks; nothing is opened for one that lacks nothing. Budgets are those of then."""
        began = time.monotonic()
        model = self.models[spec]

        def read() -> Read:
            if not model.outdated:
                _log.info("%s: its fingerprint lacks nothing", model.uri)
                return Read(spec, model.uri, model, time.monotonic() - began)
            try:
                source = opener(spec)
            except SourceError as error:
                raise SourceError(f"{error}; the fingerprint of {model.name} stays as it is") from error
            try:
                kept = KeptModel(model.uri, model.revision, model.state, self.places.get(model.model_id, ""))
                found = refresh_model(source, kept)
                seconds = time.monotonic() - began
                if isinstance(found, Additions):
                    return Read(spec, model.uri, Lacked(model, found), seconds)
                return Read(spec, model.uri, found, seconds, refreshed=True)
            finally:
                close(source)

        return attempted(spec, began, read)


def rereading(connection: duckdb.DuckDBPyConnection, models: Sequence[Model]) -> Rereading:
    """What workers need to refresh `models`."""
    outdated = [model.model_id for model in models if model.outdated]
    rows = connection.execute(statement("models/places"), {"models": outdated}).fetchall() if outdated else []
    return Rereading({spec_of(m.uri, m.revision): m for m in models}, dict(rows))
