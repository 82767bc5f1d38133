"""The keys of a registry's names, contents and declared parents, sorted once and kept as long as the registry is so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

from ...queries.data.arrow import numbers
from ...queries.search.names import Keys
from ...queries.sql import statement

COLUMNS = {"key": "u8", "model": "u4", "digest": "u8"}
"""What is kept, with its type: `key` and `model` are as long as each other."""
_MOST_CHANGED = 0.1
"""Share of rows from which all keys are read again."""


@dataclass(frozen=True, slots=True)
class NameKeys:
    """Keys, and the digests [m], ascending, of the rows that they are of, by which a change of the registry is found.

    Keys of a model that is gone stay until all are read again: what they lead to is looked up in any case.
    """

    keys: Keys
    digest: NDArray[np.uint64]

    @classmethod
    def of(cls, key: NDArray[np.uint64], model: NDArray[np.uint32], digest: NDArray[np.uint64]) -> NameKeys:
        """In order, whatever order they come in."""
        order = np.argsort(key)
        return cls(Keys(key[order], model[order]), np.sort(digest))


NO_KEYS = NameKeys.of(*(np.empty(0, kind) for kind in COLUMNS.values()))
"""Of a registry whose names were not read."""


def read_name_keys(connection: duckdb.DuckDBPyConnection) -> NameKeys:
    """The keys of all models. Digests are read first: what is written meanwhile has keys, and is read again later."""
    _, digest = _digests(connection)
    return NameKeys.of(*_keys(connection, None), digest)


def mend_name_keys(connection: duckdb.DuckDBPyConnection, held: NameKeys) -> NameKeys:
    """Keys as a registry has them now: `held` itself where nothing changed."""
    model, digest = _digests(connection)
    if np.array_equal(np.sort(digest), held.digest):
        return held
    new = ~np.isin(digest, held.digest)
    if len(digest) - int(new.sum()) < (1 - _MOST_CHANGED) * max(len(digest), len(held.digest)):
        return read_name_keys(connection)
    key, whose = _keys(connection, np.unique(model[new]).tolist())
    return NameKeys.of(np.append(held.keys.key, key), np.append(held.keys.model, whose), digest)


def _keys(
    connection: duckdb.DuckDBPyConnection, models: Sequence[int] | None
) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
    found = connection.sql(statement("search/keys"), params={"models": models}).to_arrow_table()
    return numbers(found["key"]), numbers(found["model_id"])


def _digests(connection: duckdb.DuckDBPyConnection) -> tuple[NDArray[np.uint32], NDArray[np.uint64]]:
    """The model and the digest of every row that keys are of."""
    found = connection.sql(statement("search/key_digests")).to_arrow_table()
    return numbers(found["model_id"]), numbers(found["digest"])
