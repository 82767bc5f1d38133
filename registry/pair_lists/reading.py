"""The models of a list read by range into its registry, within a budget of bytes; what is there is not read again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...ingest.errors import RegistryError
from ..jobs.expecting import expecting
from ..jobs.outcome import Failed, Skipped
from ..store.models import Model

if TYPE_CHECKING:
    from ..registry import Registry

MODEL_BUDGET = 64 << 20
"""Bytes of weights that are read of one model, as for a registry of base models."""
TOGETHER = 4
_LEFT = "not read: the bytes that this run may read are used up; run it again to go on"


@dataclass(frozen=True, slots=True)
class ReadModels:
    """The registered models by repository of the list, why others are not there, and the bytes that this run read."""

    models: Mapping[str, Model]
    missing: Mapping[str, str]
    bytes_read: int


@dataclass(frozen=True, slots=True)
class Budget:
    """Bytes: about `model` of each model, as `ingest --budget` has it, and at most `run` in all; None for no limit."""

    model: int = MODEL_BUDGET
    run: int | None = None


def read_models(
    registry: Registry, repositories: Sequence[str], budget: Budget, advance: Callable[[str, int, int], None]
) -> ReadModels:
    """Read what the registry lacks of `repositories`, and say what is there then.

    With a budget for the run, headers are read first, and a model is begun only where what they foresee fits in what is
    left; those headers come on top. The first that does not fit ends the reading, unless no run could ever read it.
    Models that failed are tried again by the next run.
    """
    renamed = _Renamed(registry)
    known = renamed.models(repositories)
    wanted = [name for name in repositories if name not in known]
    done, read = len(known), 0
    missing = dict.fromkeys(wanted, _LEFT)
    for batch in _batches(registry, wanted, budget, missing):
        specs = {f"hf://{name}": name for name in batch}
        for outcome in registry.ingesting(specs, budget=budget.model, together=TOGETHER):
            name = specs[outcome.source]
            if isinstance(outcome, Skipped | Failed):
                missing[name] = outcome.reason
            else:
                del missing[name]
                read += outcome.bytes_read
                renamed.note(name, outcome.name)
            done += 1
            advance("models", done, len(repositories))
    return ReadModels(renamed.models(repositories), missing, read)


def _batches(registry: Registry, wanted: Sequence[str], budget: Budget, missing: dict[str, str]) -> Iterator[list[str]]:
    """The models that are read together; with a budget for the run as many as fit in it."""
    if budget.run is None:
        yield list(wanted)
        return
    batch, left = list[str](), budget.run
    for name in wanted:
        (foreseen,) = expecting(registry.connection, [f"hf://{name}"], budget=budget.model)
        if isinstance(foreseen, Skipped | Failed):
            missing[name] = foreseen.reason
            continue
        takes = foreseen.expected.bytes_read if foreseen.expected else 0
        if takes > budget.run:
            missing[name] = f"not read: it takes {takes} bytes, more than the {budget.run} of a run"
            continue
        if takes > left:
            break
        left -= takes
        batch.append(name)
        if len(batch) == TOGETHER:
            yield batch
            batch = []
    if batch:
        yield batch


class _Renamed:
    """Which registered model a repository of the list is, also where the Hub has it under a newer name.

    Newer names are noted in a small file beside the registry, so that a later run need not ask for them.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        place = registry.place
        self._file = place.with_suffix(".renamed.json") if isinstance(place, Path) else None
        self._names: dict[str, str] = {}
        if self._file is not None:
            with suppress(OSError, ValueError, TypeError):
                noted = json.loads(self._file.read_text(encoding="utf-8"))
                self._names = {str(key): str(value) for key, value in dict(noted).items()}

    def models(self, names: Sequence[str]) -> dict[str, Model]:
        """Name -> registered model, of those that are there; of several commits of one repository the last read."""
        by_uri = {model.uri: model for model in sorted(self._registry.models(), key=lambda model: model.model_id)}
        uris = {name: f"hf://{self._names.get(name, name)}" for name in names}
        return {name: by_uri[uri] for name, uri in uris.items() if uri in by_uri}

    def note(self, name: str, now: str) -> None:
        """Remember that the repository `name` is `now`."""
        if name == now:
            return
        self._names[name] = now
        if self._file is not None:
            try:
                self._file.write_text(json.dumps(self._names, indent=1), encoding="utf-8")
            except OSError as error:
                raise RegistryError(f"{self._file}: cannot be written ({error.strerror})") from error
