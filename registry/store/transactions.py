"""All or nothing: one transaction a model, also where other processes write to the same catalogue."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import duckdb

from ...queries.sql import statement

T = TypeVar("T")
_CONFLICTS = 200  # of four busy writers one tried 8 times at most


def is_lake(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the registry is a DuckLake catalogue."""
    return bool(connection.execute(statement("lake/attached")).fetchall()[0][0])


def committed(connection: duckdb.DuckDBPyConnection, work: Callable[[], T]) -> T:
    """What `work` returns, done in one transaction: all or nothing, rolled back on any exception, Ctrl-C too.

    Where other processes write to the same catalogue, `work` is done again when one of them was faster.
    """
    patience = _CONFLICTS if is_lake(connection) else 0
    for attempt in range(patience + 1):
        try:
            with transaction(connection):
                return work()
        except duckdb.TransactionException as error:
            if attempt == patience or "conflict" not in str(error):
                raise
            time.sleep(random.uniform(0, min(2.0, 0.02 * (attempt + 1))))
    raise AssertionError("the last attempt returns or raises")


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """One transaction. Inside it the names of tables are those that can be written: of a catalogue, the catalogue's.

    Macros and views are the registry's in both.
    """
    connection.execute("BEGIN")
    connection.execute("SET search_path = 'lake,registry'" if is_lake(connection) else "USE registry")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        connection.execute("USE registry")
        raise
    try:
        connection.execute("COMMIT")
    finally:
        connection.execute("USE registry")


@contextmanager
def typed_names(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Names of tables are the registry's, in a transaction too: of a catalogue its views, which have fixed arrays."""
    before = connection.execute(statement("lake/search_path")).fetchall()[0][0]
    connection.execute("USE registry")
    try:
        yield
    finally:
        connection.execute("SET search_path = ?", [before])
