"""What is kept of a matrix as evidence: a table, a line a kind. Each kind is an array of fixed width a tensor.

A kind is stored in the registry's table of its name, as the columns model_id, tensor_id and value. How two models are
compared by it stands in `queries/evidence`, in the table KINDS there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..names.naming import NamedTensor
from ..storage.bounds import BoundValues
from .gram import COSINES, ROWS, gram
from .minhash import PERMUTATIONS, PLACES, column_minhash
from .positions import MATRIX_VALUES, sample

_GRAM_ROLES = frozenset({"q", "k", "v", "gate", "up"})
_CODED_ROLES = _GRAM_ROLES | {"o", "down"}
_ROWS_FOR_CODES = 2 * PLACES

Values = NDArray[Any]
"""An array of the element type and width of its kind."""


@dataclass(frozen=True, slots=True)
class LeadingRows:
    """The leading rows of a matrix: `values` float32 [at most 16, in], finite, and not all zero.

    `gain` float32 [in] is that of the norm whose output the matrix reads, None where there is none. `bounds`
    [at most 16, in] are those of quantised values before they were rounded, None where they are not known.
    """

    named: NamedTensor
    values: NDArray[np.float32]
    gain: NDArray[np.float32] | None
    bounds: BoundValues | None = None

    @property
    def role(self) -> str:
        """What the matrix does: q, k, v, gate, ..."""
        return self.named.place.role


@dataclass(frozen=True, slots=True)
class StoredKind:
    """One kind of evidence as it is made and kept: `make` gives [width] values of `element`, a numpy dtype, or None."""

    name: str
    width: int
    element: str
    make: Callable[[LeadingRows], Values | None]


def _positions(rows: LeadingRows) -> NDArray[np.float32]:
    return sample(rows.values, MATRIX_VALUES)


def _bounds(rows: LeadingRows) -> NDArray[np.float32] | None:
    """At the places of positions: all the least values, then all the largest."""
    if rows.bounds is None:
        return None
    return np.concatenate([sample(rows.bounds[side], MATRIX_VALUES) for side in ("low", "high")])


def _gram(rows: LeadingRows) -> NDArray[np.int16] | None:
    """Of roles that read the residual stream, where there are as many rows as cosines need."""
    return gram(rows.values, rows.gain) if rows.role in _GRAM_ROLES and len(rows.values) == ROWS else None


def _minhash(rows: LeadingRows) -> NDArray[np.uint32] | None:
    coded = rows.role in _CODED_ROLES and len(rows.values) >= _ROWS_FOR_CODES
    return column_minhash(rows.values, rows.role) if coded else None


POSITIONS = StoredKind("positions", MATRIX_VALUES, "float32", _positions)
GRAM = StoredKind("gram", COSINES, "int16", _gram)
MINHASH = StoredKind("minhash", PERMUTATIONS, "uint32", _minhash)
BOUNDS = StoredKind("bounds", 2 * MATRIX_VALUES, "float32", _bounds)
STORED: tuple[StoredKind, ...] = (POSITIONS, GRAM, MINHASH, BOUNDS)
