"""Which registered models could names mean, and which hold the same content: in SQL, or by keys that a process has.

Both give at least the models that it is, and what is exact is asked in SQL of these alone: a million names in every
spelling take longer than all else that a question asks of SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import duckdb
import numpy as np
from numpy.typing import NDArray

from ..sql import statement


class Names(Protocol):
    """What a question asks of the names in a registry. Answers are ids of models, each once, and may be too many."""

    def called(self, names: Sequence[str]) -> list[int]:
        """The models that one of these names could mean, in any spelling."""
        ...

    def declaring(self, names: Sequence[str]) -> list[int]:
        """The models of which a declared parent could be called one of these names, in any spelling."""
        ...

    def holding(self, content: str) -> list[int]:
        """The models with this digest of everything that was read."""
        ...


@dataclass(frozen=True, slots=True)
class SqlNames:
    """Names in SQL: of any registry that a connection reaches."""

    connection: duckdb.DuckDBPyConnection

    def called(self, names: Sequence[str]) -> list[int]:
        """See `Names`."""
        return self._found("called", names=list(names)) if names else []

    def declaring(self, names: Sequence[str]) -> list[int]:
        """See `Names`."""
        return self._found("declaring", names=list(names)) if names else []

    def holding(self, content: str) -> list[int]:
        """See `Names`."""
        return self._found("holding", content=content)

    def _found(self, question: str, **parameters: object) -> list[int]:
        return [int(m) for (m,) in self.connection.execute(statement(f"search/{question}"), parameters).fetchall()]


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys [n] of a registry, ascending, and whose they are: what each model is called, declares and holds."""

    key: NDArray[np.uint64]
    model: NDArray[np.uint32]

    def of(self, wanted: Sequence[int]) -> list[int]:
        """The models with one of the wanted keys, ascending."""
        keys = np.array(sorted(set(wanted)), np.uint64)
        starts = np.searchsorted(self.key, keys, "left").tolist()
        ends = np.searchsorted(self.key, keys, "right").tolist()
        found = [self.model[start:end] for start, end in zip(starts, ends, strict=True)]
        return [int(m) for m in np.unique(np.concatenate([np.empty(0, np.uint32), *found]))]


@dataclass(frozen=True, slots=True)
class KeyedNames:
    """Names by keys. SQL makes the wanted ones: it knows how names are spelled."""

    connection: duckdb.DuckDBPyConnection
    keys: Keys

    def called(self, names: Sequence[str]) -> list[int]:
        """See `Names`."""
        return self._found("key", meaning="name", texts=list(names)) if names else []

    def declaring(self, names: Sequence[str]) -> list[int]:
        """See `Names`."""
        return self._found("key", meaning="parent", texts=list(names)) if names else []

    def holding(self, content: str) -> list[int]:
        """See `Names`."""
        return self._found("content_key", content=content)

    def _found(self, question: str, **parameters: object) -> list[int]:
        keys = self.connection.execute(statement(f"search/{question}"), parameters).fetchall()
        return self.keys.of([key for (key,) in keys])
