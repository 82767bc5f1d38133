"""What is kept of a factor of an adapter, A [rank, in] or B [out, rank]: 4 or 8 of its ranks, 256 values in all.

The values lie as [ranks, places], so that a comparison can take them as a matrix again. It has to: two adapters of one
base that saw similar data move in the same few directions, with random weights, and the correlation of such factors is
one of four or eight numbers, not of 256 (`queries/components.py` levels them).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .positions import MATRIX_VALUES, places


def rank_axis(slot: str) -> int:
    """The axis of the rank of a factor: 0 for A [rank, in], 1 for B [out, rank]."""
    return int(slot.rpartition(".")[2].startswith("B"))


def factor_ranks(rank: int) -> int:
    """How many of the ranks of a factor are kept."""
    return 8 if rank >= 8 else min(rank, 4)


def factor_rows(slot: str, matrix: tuple[int, int]) -> int:
    """Leading rows that are read of a factor: 8 ranks of A, so many outputs of B that 256 values come together."""
    if rank_axis(slot) == 0:
        return factor_ranks(matrix[0])
    return MATRIX_VALUES // max(1, factor_ranks(matrix[1]))


def factor_values(slot: str, block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values [ranks, places] of the rows `block` that were read: A at hashed columns, B at its leading outputs."""
    if rank_axis(slot) == 0:
        kept = factor_ranks(block.shape[0])
        return block[:kept, places(1, block.shape[1], MATRIX_VALUES // max(1, kept))]
    kept = factor_ranks(block.shape[1])
    return block[: MATRIX_VALUES // max(1, kept), :kept].T
