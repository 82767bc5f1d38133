"""What is known of an adapter, and which registered models could be its base: beside the verdict, never part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from ...queries.sql import statement

if TYPE_CHECKING:
    import pyarrow as pa

_COLUMNS = ("component", "layer", "expert", "role", "slot", "outputs", "inputs")
_LISTS = ("components", "layers", "experts", "roles", "slots", "outputs", "inputs")


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A registered model that an adapter fits or declares; `fits` by shape, None where that cannot be told."""

    name: str
    source: str
    declared: bool
    fits: bool | None


@dataclass(frozen=True, slots=True)
class AdapterDetails:
    """An adapter: what it declares, and its possible bases. `base_state` says what became of the declared one.

    It is `none_declared`, `absent` (from the registry), `matched` (by name and shape), `contradicted` (by shape) or
    `unknown` (registered, but its shapes do not tell).
    """

    kind: str
    base: str | None
    base_revision: str | None
    rank: int | None
    alpha: float | None
    task: str | None
    dora: bool
    rslora: bool
    targets: tuple[str, ...]
    base_state: str
    bases: tuple[BaseModel, ...]

    @property
    def sentence(self) -> str:
        """What to tell a person of the base."""
        declared = [b.name for b in self.bases if b.declared]
        fitting = [b.name for b in self.bases if b.fits]
        others = f"; by shape it could be {_listed(fitting)}" if fitting else "; no registered model has its shapes"
        match self.base_state:
            case "matched":
                return f"base: declares {self.base}, and its shapes fit it (shapes and names, not weight evidence)"
            case "contradicted":
                return f"base: declares {self.base}, but its shapes do not fit {_listed(declared)}{others}"
            case "unknown":
                return f"base: declares {self.base}; whether its shapes fit {_listed(declared)} cannot be told"
            case "absent":
                return f"base: declares {self.base}, which is not registered{others}"
            case _:
                return f"base: none declared{others}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def adapter_details(connection: duckdb.DuckDBPyConnection, model_id: int) -> AdapterDetails | None:
    """The details of a registered adapter, None for a model that is none."""
    rows = connection.execute(statement("show/adapter"), {"model_id": model_id}).fetchall()
    if not rows:
        return None
    targets = connection.execute(statement("show/adapter_targets"), {"model_id": model_id}).fetchall()
    return _details(connection, model_id, rows[0], targets)


def unregistered_adapter(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Table]
) -> AdapterDetails | None:
    """The details of an adapter that is not kept, from its tables as `model_tables` makes them."""
    if "adapter" not in tables:
        return None
    kept = tables["adapter"].to_pylist()[0]
    names = ("kind", "base", "base_revision", "rank", "alpha", "task", "dora", "rslora", "every_layer", "targets")
    found = tables["adapter_target"].to_pylist() if "adapter_target" in tables else []
    absent = {"layer": -1, "expert": -1, "outputs": 0, "inputs": 0}
    targets = [tuple(absent.get(c) if row[c] is None else row[c] for c in _COLUMNS) for row in found]
    return _details(connection, -1, tuple(kept[name] for name in names), targets)


def _details(
    connection: duckdb.DuckDBPyConnection,
    model_id: int,
    kept: tuple[object, ...],
    targets: Sequence[tuple[object, ...]],
) -> AdapterDetails:
    kind, base, base_revision, rank, alpha, task, dora, rslora, every_layer, modules = kept
    wanted: dict[str, object] = {name: [row[i] for row in targets] for i, name in enumerate(_LISTS)}
    parameters: dict[str, object] = {
        "model_id": model_id,
        "every_layer": every_layer,
        "parents": [base] if base else [],
    }
    rows = connection.execute(statement("show/adapter_bases"), parameters | wanted).fetchall()
    bases = tuple(BaseModel(name, uri, declared, fits) for _, name, uri, declared, fits in rows)
    return AdapterDetails(
        kind=str(kind),
        base=base if isinstance(base, str) else None,
        base_revision=base_revision if isinstance(base_revision, str) else None,
        rank=rank if isinstance(rank, int) else None,
        alpha=alpha if isinstance(alpha, float) else None,
        task=task if isinstance(task, str) else None,
        dora=bool(dora),
        rslora=bool(rslora),
        targets=tuple(modules) if isinstance(modules, list) else (),
        base_state=_state(base, bases),
        bases=bases,
    )


def _state(base: object, bases: Sequence[BaseModel]) -> str:
    if not base:
        return "none_declared"
    fits = [b.fits for b in bases if b.declared]
    if not fits:
        return "absent"
    if True in fits:
        return "matched"
    return "unknown" if None in fits else "contradicted"
