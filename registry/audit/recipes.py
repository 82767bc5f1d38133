"""The recipes of the models of an audit run: recovered, held against what is declared, and kept."""

from __future__ import annotations

import logging

import duckdb

from ...ingest.errors import RegistryError
from ...queries.data.query import registered_query
from ...queries.lineage.recipes.declared import NOT_CHECKABLE, Check
from ...queries.sql import statement
from ..reports.recipes import checked_recipes
from ..store.recipes import declared_recipes, keep_recipes
from ..store.transactions import transaction
from .plan import Progress
from .scope import Scope

_log = logging.getLogger(__name__)


def find_recipes(connection: duckdb.DuckDBPyConnection, scope: Scope, advance: Progress) -> None:
    """Ask the models that declare a recipe or look merged, each in a transaction of its own.

    Parents are looked for in the whole registry, whatever the run compares with: a recipe is proved by replay alone.
    """
    parameters = {"models": scope.asked, "run_id": scope.run_id}
    wanted = [model for (model,) in connection.execute(statement("audit/recipes_wanted"), parameters).fetchall()]
    for number, model in enumerate(wanted):
        advance("recipes", number, len(wanted))
        declared = declared_recipes(connection, model)
        query = registered_query(connection, model)
        try:
            found, checked = checked_recipes(connection, query, declared)
        except RegistryError as error:  # one model whose rows do not fit never ends an audit
            _log.warning("model %d: %s", model, error)
            found, checked = [], [Check("", one.origin, NOT_CHECKABLE, None, str(error)) for one in declared]
        with transaction(connection):
            keep_recipes(connection, model, [sketch.component for sketch in query.sketches], found, checked)
    if wanted:
        advance("recipes", len(wanted), len(wanted))
