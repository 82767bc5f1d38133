"""How answers look, as the command line shows them: handed in by it, so that pages and commands use the same words.

The server stands below the command line and cannot import it; these protocols are what it needs of a command's result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from ...queries.comparison.records.comparison import Comparison
    from ..audit.report import AuditReport
    from ..reports.ancestors import AncestorsReport
    from ..reports.parts import PartsReport
    from ..reports.recipes import RecipeReport
    from ..reports.trees import TreeReport
    from ..store.details import ModelDetails
    from ..store.models import Model

Row = Mapping[str, object]


class ShownTable(Protocol):
    """A table for people: lines above it, titles, cells; columns whose numbers are in `right` stand to the right."""

    @property
    def titles(self) -> Sequence[str]:
        """The head of each column."""
        ...

    @property
    def cells(self) -> Sequence[Sequence[str]]:
        """The texts, a sequence a row."""
        ...

    @property
    def right(self) -> Collection[int]:
        """The columns of numbers."""
        ...

    @property
    def above(self) -> Sequence[str]:
        """What stands above the table, in lines."""
        ...


class Shown(Protocol):
    """What a command returns: the JSON document of the contract, its rows, and the tables for people."""

    @property
    def document(self) -> Row:
        """The document, without `schema_version`."""
        ...

    @property
    def rows(self) -> Sequence[Row]:
        """The rows of CSV and JSON Lines."""
        ...

    @property
    def tables(self) -> Sequence[ShownTable]:
        """What people see."""
        ...


@dataclass(frozen=True, slots=True)
class Forms:
    """One function a question: from the record that the library returns to what the command of that name shows."""

    models: Callable[[list[Model]], Shown]
    model: Callable[[ModelDetails], Shown]
    ancestors: Callable[[AncestorsReport], Shown]
    descendants: Callable[[AncestorsReport], Shown]
    parts: Callable[[PartsReport], Shown]
    recipe: Callable[[RecipeReport], Shown]
    compare: Callable[[Comparison], Shown]
    tree: Callable[[TreeReport], Shown]
    audit: Callable[[AuditReport], Shown]
    sql: Callable[[list[str], list[str], Sequence[Row], pa.Table | None], Shown]
