"""The fingerprint of a tensor, from its rows as an array: nothing here knows of files.

FINGERPRINT_VERSION changes whenever any kept value would: fingerprints of two versions are never compared.
A new kind of evidence is one file beside this and one line in `fingerprint_matrix`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..names.naming import NamedTensor
from .factors import factor_values
from .gram import ROWS, gram
from .minhash import PLACES, column_minhash
from .positions import MATRIX_VALUES, TOKEN_VALUES, VECTOR_VALUES, places, sample
from .statistics import Statistics, statistics

FINGERPRINT_VERSION = 1
MINIMAL_VALUES = 64
"""A matrix whose rows hold fewer values is kept without evidence: nothing significant could come of it."""
_GRAM_ROLES = frozenset({"q", "k", "v", "gate", "up"})
_CODED_ROLES = _GRAM_ROLES | {"o", "down"}
_ROWS_FOR_CODES = 2 * PLACES


@dataclass(frozen=True, slots=True)
class TensorFingerprint:
    """What is kept of one tensor; a kind of evidence that its role or shape does not allow is None.

    `positions` float32 [256] (of a matrix), `values` float32 [64] (of a vector), `gram` int16 [120], `minhash`
    uint32 [64]; `sampled` counts the values of `positions` or `values` that are not padding.
    """

    named: NamedTensor
    rows_read: int
    sampled: int = 0
    statistics: Statistics | None = None
    positions: NDArray[np.float32] | None = None
    values: NDArray[np.float32] | None = None
    gram: NDArray[np.int16] | None = None
    minhash: NDArray[np.uint32] | None = None


@dataclass(frozen=True, slots=True)
class TokenRows:
    """Rows of an embedding or a head by token: `keys` uint64 [n], `values` float32 [n, 64] at fixed columns."""

    named: NamedTensor
    keys: NDArray[np.uint64]
    values: NDArray[np.float32]


def finite(block: NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
    """The block with NaN and infinities as 0, and how many there were: one bad value must not poison a score."""
    bad = ~np.isfinite(block)
    count = int(np.count_nonzero(bad))
    return (np.where(bad, np.float32(0), block), count) if count else (block, 0)


def fingerprint_vector(named: NamedTensor, block: NDArray[np.float32]) -> TensorFingerprint:
    """The fingerprint of a vector, read whole as [1, n]."""
    clean, nonfinite = finite(block)
    return TensorFingerprint(
        named,
        rows_read=block.shape[0],
        sampled=min(clean.size, VECTOR_VALUES),
        statistics=statistics(clean, nonfinite),
        values=sample(clean, VECTOR_VALUES),
    )


def fingerprint_matrix(
    named: NamedTensor, block: NDArray[np.float32], gain: NDArray[np.float32] | None
) -> TensorFingerprint:
    """The fingerprint of a matrix from its leading rows [at most 16, in], and the gain [in] of the norm before it."""
    clean, nonfinite = finite(block)
    role, rows = named.place.role, clean.shape[0]
    usable = clean.size >= MINIMAL_VALUES and bool(clean.any())
    return TensorFingerprint(
        named,
        rows_read=rows,
        sampled=min(clean.size, MATRIX_VALUES),
        statistics=statistics(clean, nonfinite),
        positions=sample(clean, MATRIX_VALUES) if usable else None,
        gram=gram(clean, gain) if usable and role in _GRAM_ROLES and rows == ROWS else None,
        minhash=column_minhash(clean, role) if usable and role in _CODED_ROLES and rows >= _ROWS_FOR_CODES else None,
    )


def fingerprint_factor(named: NamedTensor, block: NDArray[np.float32]) -> TensorFingerprint:
    """The fingerprint of an adapter's factor from its leading rows: positions alone, laid out as `factors` says."""
    clean, nonfinite = finite(block)
    values = factor_values(named.place.slot, clean)
    kept = np.zeros(MATRIX_VALUES, np.float32)
    kept[: values.size] = values.reshape(-1)
    usable = values.size >= MINIMAL_VALUES and bool(values.any())
    return TensorFingerprint(
        named,
        rows_read=clean.shape[0],
        sampled=values.size,
        statistics=statistics(clean, nonfinite),
        positions=kept if usable else None,
    )


def fingerprint_exact(named: NamedTensor, block: NDArray[np.float32]) -> TensorFingerprint:
    """The fingerprint of what only copies share: statistics and hash of its leading rows, no evidence."""
    clean, nonfinite = finite(block)
    return TensorFingerprint(named, rows_read=clean.shape[0], statistics=statistics(clean, nonfinite))


def fingerprint_tokens(
    named: NamedTensor, block: NDArray[np.float32], keys: NDArray[np.uint64]
) -> tuple[TensorFingerprint, TokenRows]:
    """The fingerprint of an embedding or a head from the rows [n, hidden] of the tokens `keys` [n]."""
    clean, nonfinite = finite(block)
    tensor = TensorFingerprint(named, rows_read=clean.shape[0], statistics=statistics(clean, nonfinite))
    columns = places(1, clean.shape[1], TOKEN_VALUES)
    values = np.zeros((len(clean), TOKEN_VALUES), np.float32)
    values[:, : len(columns)] = clean[:, columns]
    return tensor, TokenRows(named, keys, values)
