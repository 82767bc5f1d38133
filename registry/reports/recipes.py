"""A question about the recipe of one model, and the JSON that the contract promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import duckdb

from ...ingest.model import ModelFingerprint
from ...queries.answers.tabular import Tabular
from ...queries.data.query import registered_query
from ...queries.lineage.recipes.finding import recipes
from ...queries.lineage.recipes.records import Recipe
from ..jobs.question import unregistered_query
from ..store.models import Model


@dataclass(frozen=True, slots=True, repr=False)
class RecipeReport(Tabular):
    """What was asked about, and a recipe for every component that is a merge of registered models."""

    name: str
    source: str
    revision: str | None
    recipes: tuple[Recipe, ...]

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
    """The recipes of a registered model, or of a fingerprint that is not kept. Raises as `recipes` does."""
    if isinstance(asked, Model):
        query = registered_query(connection, asked.model_id)
    else:
        query = unregistered_query(connection, asked)
    ids = [parent.model_id for parent in parents]
    found = recipes(connection, query, parents=ids, base=base.model_id if base else None)
    return RecipeReport(asked.name, asked.uri, asked.revision, tuple(found))


def recipe_document(report: RecipeReport) -> dict[str, object]:
    """The report with the keys of the JSON contract, without `schema_version`."""
    query = {"name": report.name, "source": report.source, "revision": report.revision}
    return {"query": query, "recipes": [asdict(recipe) for recipe in report.recipes]}


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
