"""The recipes of the models of an audit run: recovered, held against what is declared, and kept."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial

import duckdb

from ...ingest.errors import RegistryError
from ...queries.data.query import registered_query
from ...queries.lineage.recipes.declared import NOT_CHECKABLE, Check
from ...queries.lineage.recipes.records import Recipe
from ...queries.sql import statement
from ..reports.recipes import checked_recipes
from ..store.recipes import declared_recipes, keep_recipes
from .door import Door
from .plan import Progress
from .scope import Scope

_log = logging.getLogger(__name__)


def find_recipes(door: Door, scope: Scope, advance: Progress) -> None:
    """Ask the models that declare a recipe or look merged, each in a transaction of its own.

    Parents are looked for in the whole registry, whatever the run compares with: a recipe is proved by replay alone.
    """
    parameters = {"models": scope.asked, "run_id": scope.run_id}
    with door.reading() as connection:
        wanted = [model for (model,) in connection.execute(statement("audit/recipes_wanted"), parameters).fetchall()]
    for number, model in enumerate(wanted):
        advance("recipes", number, len(wanted))
        with door.reading() as connection:
            answer = _asked(connection, model) if _is_there(connection, model) else None
        if answer is not None:
            door.write_run(scope, partial(_keep, model=model, answer=answer))
    if wanted:
        advance("recipes", len(wanted), len(wanted))


_Answer = tuple[list[str], Sequence[Recipe], Sequence[Check]]


def _is_there(connection: duckdb.DuckDBPyConnection, model: int) -> bool:
    """Whether nobody has removed the model since the run began."""
    return bool(connection.execute(statement("models/facts"), {"models": [model]}).fetchall())


def _keep(connection: duckdb.DuckDBPyConnection, model: int, answer: _Answer) -> None:
    if _is_there(connection, model):
        keep_recipes(connection, model, *answer)


def _asked(connection: duckdb.DuckDBPyConnection, model: int) -> _Answer:
    """The components of a model, the recipes of those that are merges, and what becomes of the declared ones."""
    declared = declared_recipes(connection, model)
    query = registered_query(connection, model)
    components = [sketch.component for sketch in query.sketches]
    try:
        found, checked = checked_recipes(connection, query, declared)
    except RegistryError as error:  # one model whose rows do not fit never ends an audit
        _log.warning("model %d: %s", model, error)
        return components, [], [Check("", one.origin, NOT_CHECKABLE, None, str(error)) for one in declared]
    return components, found, checked
