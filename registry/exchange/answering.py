"""Questions to a registry that has models by their sketches alone: the rest that an answer needs is fetched first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import duckdb

from ...queries.data.query import SketchesOnly
from ..store.database import Place, open_database

T = TypeVar("T")
_PATIENCE = 600.0
"""Seconds that other readers of the file are waited for, as it has to be written."""


FETCHED = 5_000_000
"""Bytes that an answer fetches of candidates, at most: the rest of about 25 models of 32 layers. What the model that is
asked about lacks counts too. No data decided it: what people wait for on a slow line."""


class Opened(Protocol):
    """A registry that is open, and can let go of its file."""

    place: Place

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The open file, opened again where it was let go of."""
        ...

    def release(self) -> None:
        """Let other connections at the file."""
        ...


def answered(registry: Opened, question: Callable[[int], T], *, read_only: bool) -> T:
    """What `question` returns, asked again after each fetch: the nearest relatives bring further ones into question.

    It is told how many of FETCHED bytes are left. A registry that was opened for reading is let go of while rows are
    added. Raises SourceError where the place of a model cannot be reached, FormatError where it holds something else,
    RegistryError where the file stays in use.
    """
    left = FETCHED
    while True:
        try:
            return question(left)
        except SketchesOnly as lacking:
            from .pulling import complete, remote_fingerprints  # a third of a second, which most answers do without

            wanted = remote_fingerprints(registry.connection, models=lacking.models)
        if not read_only:
            left -= complete(registry.connection, wanted)
            continue
        registry.release()
        connection = open_database(registry.place, read_only=False, wait=_PATIENCE)
        try:
            left -= complete(connection, wanted)
        finally:
            connection.close()
