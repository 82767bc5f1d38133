"""The kinds of evidence that two components are compared by: a table, a line a kind.

A kind is a file beside this with one record, its table in the registry (a migration), and a line in KINDS. Ingest,
loading, search of rows, audit and answers follow the table.
"""

from __future__ import annotations

from .activations import ACTIVATIONS
from .column_sets import COLUMN_SETS
from .gram import GRAM
from .kind import EvidenceKind
from .positions import POSITIONS

KINDS: tuple[EvidenceKind, ...] = (POSITIONS, GRAM, COLUMN_SETS, ACTIVATIONS)
"""In the order of what they say of the weights: a tensor that several kinds match counts for the first of them."""


def kind_number(name: str) -> int:
    """The place of a kind in KINDS. Raises KeyError for a name that none has."""
    for number, kind in enumerate(KINDS):
        if kind.name == name:
            return number
    raise KeyError(name)
