"""The registry as an audit opens it: to read while it reads, to write while it writes, and shut while it computes.

A registry file has one lock, for one process that writes or for many that read. An audit that shares opens the file for
moments: models can be ingested, asked about and removed between them. A DuckLake catalogue has no such lock, and stays
open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import duckdb

from ...ingest.errors import RegistryError
from ...queries.sql import statement
from ..store.database import PATIENCE, Place, open_database
from ..store.transactions import committed
from .scope import Scope

if TYPE_CHECKING:
    from ..registry import Registry

T = TypeVar("T")
MEMORY = "SET memory_limit = '1GB'"
"""Of the database: without it pages of every model that was read stay in memory, and a registry is larger than that."""


class Door:
    """Opens a registry for as long as it is used. `sharing` lets other processes at a file meanwhile."""

    def __init__(self, registry: Registry, *, sharing: bool) -> None:
        self._registry = registry
        self.place: Place = registry.place
        self._sharing = sharing and isinstance(registry.place, Path)

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to read with. Raises RegistryError when the file cannot be had for PATIENCE seconds."""
        with self._opened(read_only=True) as connection:
            yield connection

    def write(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """What `work` returns, done in one transaction; on a catalogue again where another writer was faster."""
        with self._opened(read_only=False) as connection:
            return committed(connection, lambda: work(connection))

    def write_run(self, scope: Scope, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """As `write`, for a run that this process owns; RegistryError where another one owns it now, or forgot it.

        The row of the run is written each time, so that of two processes on one catalogue one fails.
        """
        run: dict[str, object] = {"run_id": scope.run_id, "owner": scope.owner}

        def owned(connection: duckdb.DuckDBPyConnection) -> T:
            if not connection.execute(statement("audit/owned"), run).fetchall()[0][0]:
                raise RegistryError(
                    f"audit run {scope.run_id} was taken over by another process that audits the same models; what was"
                    " computed here is kept, and goes into its run"
                )
            connection.execute(statement("audit/own"), run)
            return work(connection)

        return self.write(owned)

    @contextmanager
    def _opened(self, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        if self._sharing:
            self._registry.release()
            connection = open_database(self.place, read_only=read_only, wait=PATIENCE)
        else:
            connection = self._registry.connection
        try:
            connection.execute(MEMORY)
            yield connection
        finally:
            if self._sharing:
                connection.close()
            else:
                connection.execute("RESET memory_limit")
