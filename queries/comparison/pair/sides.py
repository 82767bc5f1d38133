"""One model of a comparison: its components, and the values that its figures come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ....ingest.fingerprint import finite
from ....ingest.storage.skipped import SkippedTensor
from ...data.component import Component
from ...data.query import Query
from ..records.comparison import ComparedModel
from ..records.figures import ValueSource

Block = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ReadRows:
    """What was read of the tensors of one component, by their number.

    Leading rows float32 [at most 16, in], vectors [1, n], rows [tokens, in] of an embedding in the order of its token
    hashes. Memory: 72 MB for a dense 7B model, some 450 MB for the largest published ones.
    """

    blocks: Mapping[int, Block]

    @staticmethod
    def of(numbers: Sequence[int], blocks: Mapping[int, Block]) -> ReadRows:
        """The rows of the tensors `numbers` of a model, renumbered from 0; values that are no numbers count as 0."""
        found = {i: finite(blocks[number])[0] for i, number in enumerate(numbers) if number in blocks}
        return ReadRows({i: block for i, block in found.items() if block.size})


@dataclass(frozen=True)
class Part:
    """One component of one model with its values; `rows` is None when only the registry's kept values are at hand."""

    label: str
    component: Component
    rows: ReadRows | None

    @cached_property
    def vector_row(self) -> dict[int, int]:
        """Tensor -> its row among the kept vectors."""
        return {int(t): row for row, t in enumerate(self.component.vector.tensor)}

    @cached_property
    def position_row(self) -> dict[int, int]:
        """Tensor -> its row among the kept positions."""
        return {int(t): row for row, t in enumerate(self.component.positions.tensor)}

    @cached_property
    def token_role(self) -> dict[int, str]:
        """Tensor -> the role that its token rows are kept under."""
        return {found.tensor: role for role, found in self.component.tokens.items()}

    def kept(self, tensor: int) -> Block | None:
        """The registry's values [1, n] of a matrix or a vector, None where it keeps none."""
        component, count = self.component, int(self.component.sampled[tensor])
        if not count:
            return None
        if (row := self.position_row.get(tensor)) is not None:
            return component.positions.value[row : row + 1, :count].astype(np.float32)
        if (row := self.vector_row.get(tensor)) is not None:
            return component.vector.value[row : row + 1, :count].astype(np.float32)
        return None

    def is_vector(self, tensor: int) -> bool:
        """Whether a tensor is a norm's gain or a bias."""
        return len(self.component.shapes[tensor]) < 2


@dataclass(frozen=True)
class Side:
    """A model of the comparison: what is said of it, and its parts by component."""

    model: ComparedModel
    query: Query
    parts: tuple[Part, ...]
    config: Mapping[str, object] = field(default_factory=dict)
    skipped: tuple[SkippedTensor, ...] = ()

    @property
    def label(self) -> str:
        """`A`, `B`, `C1`, ..."""
        return self.model.label


@dataclass(frozen=True, slots=True)
class PairedValues:
    """Values of two tensors that stand at equal places, of one shape [rows, columns], and where they come from."""

    first: Block
    second: Block
    source: ValueSource


def paired_values(first: Part, i: int, second: Part, j: int) -> PairedValues | None:
    """The values of tensor `i` of one part and `j` of the other at equal places, None when they share none.

    Of an embedding or a head, rows of the same tokens. Rows that both read are used before what the registry keeps.
    """
    if i in first.token_role and j in second.token_role:
        return _token_values(first, i, second, j)
    if first.component.inputs[i] != second.component.inputs[j] or first.is_vector(i) != second.is_vector(j):
        return None
    if first.is_vector(i) and first.component.shapes[i] != second.component.shapes[j]:
        return None
    if first.rows and second.rows and i in first.rows.blocks and j in second.rows.blocks:
        x, y = first.rows.blocks[i], second.rows.blocks[j]
        count = min(len(x), len(y))
        return PairedValues(x[:count], y[:count], "whole tensors" if first.is_vector(i) else "leading rows")
    x_kept, y_kept = first.kept(i), second.kept(j)
    if x_kept is None or y_kept is None or x_kept.shape != y_kept.shape:
        return None
    whole = first.is_vector(i) and x_kept.size == first.component.inputs[i]
    return PairedValues(x_kept, y_kept, "whole tensors" if whole else "kept values")


def _token_values(first: Part, i: int, second: Part, j: int) -> PairedValues | None:
    mine = first.component.tokens[first.token_role[i]]
    theirs = second.component.tokens[second.token_role[j]]
    _, rows, others = np.intersect1d(mine.keys, theirs.keys, return_indices=True)
    if first.component.inputs[i] != second.component.inputs[j] or not len(rows):
        return None
    if first.rows and second.rows and i in first.rows.blocks and j in second.rows.blocks:
        return PairedValues(first.rows.blocks[i][rows], second.rows.blocks[j][others], "token rows")
    return PairedValues(mine.values[rows], theirs.values[others], "kept values")
