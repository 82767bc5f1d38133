"""A question about the recipe of one model, and the JSON that the contract promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import duckdb

from ...ingest.metadata.merge_config import DeclaredRecipe
from ...ingest.model import ModelFingerprint
from ...queries.answers.tabular import Tabular
from ...queries.data.query import Query, registered_query
from ...queries.lineage.recipes.declared import Check, Known, checks
from ...queries.lineage.recipes.finding import recipes
from ...queries.lineage.recipes.records import Recipe
from ...queries.sql import statement
from ..jobs.question import unregistered_query
from ..store.models import Model
from ..store.recipes import declared_recipes


@dataclass(frozen=True, slots=True, repr=False)
class RecipeReport(Tabular):
    """What was asked about, and a recipe for every component that is a merge of registered models.

    `declared` are the recipes that the model's own files state, and `checks` whether they agree with what was found;
    `components` are those that were asked.
    """

    name: str
    source: str
    revision: str | None
    recipes: tuple[Recipe, ...]
    declared: tuple[DeclaredRecipe, ...] = ()
    checks: tuple[Check, ...] = ()
    components: tuple[str, ...] = ()

    def rows(self) -> list[dict[str, object]]:
        """One row a parent, with what holds of the whole recipe repeated."""
        return recipe_rows(self)

    @property
    def line(self) -> str:
        """Name, and the methods that were told."""
        return f"{self.name}: {', '.join(recipe.method for recipe in self.recipes) or 'no merge of registered models'}"


def ask_recipe(
    connection: duckdb.DuckDBPyConnection,
    asked: Model | ModelFingerprint,
    parents: Sequence[Model] = (),
    base: Model | None = None,
) -> RecipeReport:
    """The recipes of a registered model, or of a fingerprint that is not kept. Raises as `recipes` does.

    ValueError for one parent alone, as a merge has two, or a base beside it.
    """
    if len(parents) == 1 and base is None:
        raise ValueError("a merge has two parents or more: name another one, or its base")
    if isinstance(asked, Model):
        query = registered_query(connection, asked.model_id)
        declared = declared_recipes(connection, asked.model_id)
    else:
        query = unregistered_query(connection, asked)
        declared = asked.card.recipes
    ids = [parent.model_id for parent in parents]
    found, checked = checked_recipes(connection, query, declared, ids, base.model_id if base else None)
    components = tuple(sketch.component for sketch in query.sketches)
    return RecipeReport(asked.name, asked.uri, asked.revision, tuple(found), declared, tuple(checked), components)


def checked_recipes(
    connection: duckdb.DuckDBPyConnection,
    query: Query,
    declared: Sequence[DeclaredRecipe],
    parents: Sequence[int] = (),
    base: int | None = None,
) -> tuple[list[Recipe], list[Check]]:
    """The recipes of a query, and whether those that it declares agree. Raises as `recipes` does.

    Where nothing is found among all relatives, those that are declared are tried alone.
    """
    found = recipes(connection, query, parents=parents, base=base)
    if not declared:
        return found, []
    known, ids = _known(connection, query, declared)
    if not parents and not any(recipe.mergekit for recipe in found):
        for one in declared:
            named = {i for parent in one.parents for i in ids.get(parent.parent, ())}
            named |= set(ids.get(one.base, ())) if one.base else set()
            if len(named) > 1:
                found = [r for r in recipes(connection, query, parents=sorted(named)) if r.mergekit] or found
    return found, checks(declared, found, known)


def _known(
    connection: duckdb.DuckDBPyConnection, query: Query, declared: Sequence[DeclaredRecipe]
) -> tuple[Known, dict[str, list[int]]]:
    """What the declared names mean in the registry: names and sources, and ids; the model itself left out."""
    names = sorted({p.parent for one in declared for p in one.parents} | {one.base for one in declared if one.base})
    rows = connection.execute(statement("recipes/named"), {"names": names, "model_id": query.model_id}).fetchall()
    known: dict[str, set[tuple[str, str]]] = {}
    ids: dict[str, list[int]] = {}
    for spelled, model, name, uri in rows:
        known.setdefault(spelled, set()).add((name, uri))
        ids.setdefault(spelled, []).append(model)
    return {name: frozenset(models) for name, models in known.items()}, ids


def recipe_document(report: RecipeReport) -> dict[str, object]:
    """The report with the keys of the JSON contract, without `schema_version`."""
    query = {"name": report.name, "source": report.source, "revision": report.revision}
    checked = [
        {**asdict(one), "checks": [_check_row(check) for check in report.checks if check.origin == one.origin]}
        for one in report.declared
    ]
    return {"query": query, "recipes": [asdict(recipe) for recipe in report.recipes], "declared": checked}


def _check_row(check: Check) -> dict[str, object]:
    return {"component": check.component, "status": check.status, "parent": check.declared, "reason": check.reason}


def recipe_rows(report: RecipeReport) -> list[dict[str, object]]:
    """One row a parent, with what holds of the whole recipe repeated."""
    return [
        {
            "component": recipe.component,
            "method": recipe.method,
            "base": recipe.base,
            "parent": parent.name,
            "source": parent.source,
            "weight": parent.weight,
            "low": parent.low,
            "high": parent.high,
            "exact_share": recipe.exact_share,
            "rival_share": recipe.rival_share,
            "unexplained": recipe.unexplained,
        }
        for recipe in report.recipes
        for parent in recipe.parents
    ]
