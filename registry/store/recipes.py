"""Recipes and parts as the registry keeps them: what was declared, recovered, and checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from ...ingest.errors import RegistryError
from ...ingest.metadata.merge_config import DeclaredRecipe, DeclaredWeight
from ...queries.sql import statement
from .models import Model

if TYPE_CHECKING:
    from ...ingest.model import ModelFingerprint
    from ...queries.lineage.recipes.declared import Check
    from ...queries.lineage.recipes.records import Recipe

_KEPT: tuple[str, ...] = (
    *("component", "method", "base", "base_source", "exact_share", "changed_share", "rival_share", "rival"),
    *("unexplained", "arithmetic", "out_type", "mergekit"),
)


def declared_recipes(connection: duckdb.DuckDBPyConnection, model_id: int) -> tuple[DeclaredRecipe, ...]:
    """The recipes that a registered model declares, in the order in which they were read."""
    found: dict[str, DeclaredRecipe] = {}
    parents: dict[str, list[DeclaredWeight]] = {}
    rows = connection.execute(statement("recipes/declared"), {"model_id": model_id}).fetchall()
    for origin, method, base, config, parent, weight, graded in rows:
        found[origin] = DeclaredRecipe(origin, method, base, (), config)
        if parent is not None:
            parents.setdefault(origin, []).append(DeclaredWeight(parent, weight, graded))
    return tuple(
        DeclaredRecipe(one.origin, one.method, one.base, tuple(parents.get(one.origin, ())), one.config)
        for one in found.values()
    )


def kept_sentences(connection: duckdb.DuckDBPyConnection, model_id: int) -> list[str]:
    """The recipes that are kept of a model in words, a sentence a component: by audit, or by `recipe --keep`."""
    found = []
    for row in connection.execute(statement("recipes/kept"), {"model_id": model_id}).fetchall():
        component, method, base, parents, weights, exact, changed, rival_share, rival = row
        of = ", ".join(f"{weight:.4g} {parent}" for parent, weight in zip(parents, weights, strict=True))
        said = f"recipe of its {component}: {method} of {of}" + (f" on {base}" if base else "")
        if method == "unknown":
            found.append(f"{said}: it lies between them, and no method that is known here reproduces it")
            continue
        share = f"{100 * exact:z.2f} % of the sampled values bit for bit, {100 * changed:z.2f} % of those that changed"
        beside = f"; the best other recipe {100 * rival_share:z.2f} % ({rival})" if rival else ""
        found.append(f"{said}; it gives {share}{beside}")
    return found


def registered(asked: Model | ModelFingerprint) -> Model:
    """A model whose answers can be kept. Raises RegistryError for one that is not registered."""
    if isinstance(asked, Model):
        return asked
    raise RegistryError(f"{asked.name} is not registered: ingest it first, or ask without keeping the answer")


def keep_recipes(
    connection: duckdb.DuckDBPyConnection,
    model_id: int,
    components: Sequence[str],
    recipes: Sequence[Recipe],
    checks: Sequence[Check],
) -> None:
    """Keep an answer instead of an earlier one, inside a transaction of the caller's.

    Of `components` without a recipe a row says that they were asked.
    """
    for table in ("recipe", "recipe_parent", "recipe_check"):
        connection.execute(statement(f"recipes/forget_{table}"), {"model_id": model_id})
    asked = {"model_id": model_id, "asked_at": datetime.now(UTC).replace(tzinfo=None)}
    told = [
        {name: getattr(r, name) for name in _KEPT} | asked | {"twins": list(r.twins), "notes": list(r.notes)}
        for r in recipes
    ]
    told += [asked | {"component": name} for name in components if name not in {r.component for r in recipes}]
    _insert(connection, "recipe", told)
    parents = [
        {
            "model_id": model_id,
            "component": r.component,
            "place": place,
            "parent": parent.name,
            "source": parent.source,
            "weight": parent.weight,
            "low": _known(parent.low),
            "high": _known(parent.high),
        }
        for r in recipes
        for place, parent in enumerate(r.parents)
    ]
    _insert(connection, "recipe_parent", parents)
    rows = [
        {
            "model_id": model_id,
            "component": check.component,
            "origin": check.origin,
            "status": check.status,
            "declared": check.declared,
            "reason": check.reason,
        }
        for check in checks
    ]
    _insert(connection, "recipe_check", rows)


def keep_parts(connection: duckdb.DuckDBPyConnection, model_id: int, rows: Sequence[dict[str, object]]) -> None:
    """Keep the parts of a model, rows with the keys of the JSON contract, inside a transaction of the caller's."""
    connection.execute(statement("recipes/forget_part"), {"model_id": model_id})
    asked = {"model_id": model_id, "asked_at": datetime.now(UTC).replace(tzinfo=None)}
    _insert(connection, "part", [row | asked | {"place": place} for place, row in enumerate(rows)])


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Rows by the names of their columns; what a row lacks is NULL."""
    if not rows:
        return
    empty = connection.table(table).limit(0).to_arrow_table()
    made = pa.Table.from_pylist([{name: row.get(name) for name in empty.column_names} for row in rows], empty.schema)
    connection.from_arrow(made).insert_into(table)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
