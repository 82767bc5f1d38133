"""The fingerprint of a tensor, from its rows as an array: nothing here knows of files.

`versions.FINGERPRINT_VERSION` changes whenever any kept value would: fingerprints of two versions are never compared.
A new kind of evidence is a line in `kinds`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..names.naming import NamedTensor
from ..storage.bounds import BoundValues
from .dequantised import dequantised_bounds
from .factors import factor_values
from .kinds import STORED, LeadingRows, StoredKind, Values
from .positions import MATRIX_VALUES, TOKEN_VALUES, VECTOR_VALUES, places, sample
from .statistics import Statistics, statistics

MINIMAL_VALUES = 64
"""A matrix whose rows hold fewer values than this in all is kept without evidence: nothing significant could come
of it.

Set on: no data.
Measured again by: pytest tests/ingest/test_fingerprint.py
"""


@dataclass(frozen=True, slots=True)
class TensorFingerprint:
    """What is kept of one tensor; a kind of evidence that its role or shape does not allow is left out.

    `evidence` has the arrays of a matrix by the names of their kinds, as `kinds` says; `values` float32 [64] are those
    of a vector; `sampled` counts the positions or values that are not padding.
    """

    named: NamedTensor
    rows_read: int
    sampled: int = 0
    statistics: Statistics | None = None
    evidence: Mapping[str, Values] = field(default_factory=dict)
    values: NDArray[np.float32] | None = None

    @property
    def positions(self) -> NDArray[np.float32] | None:
        """Values float32 [256] at fixed places of a matrix."""
        return self.evidence.get("positions")

    @property
    def gram(self) -> NDArray[np.int16] | None:
        """Cosines int16 [120] between leading rows."""
        return self.evidence.get("gram")

    @property
    def minhash(self) -> NDArray[np.uint32] | None:
        """MinHash uint32 [64] of the set of columns."""
        return self.evidence.get("minhash")


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
    named: NamedTensor,
    block: NDArray[np.float32],
    gain: NDArray[np.float32] | None,
    bounds: BoundValues | None = None,
    kinds: Sequence[StoredKind] = STORED,
) -> TensorFingerprint:
    """The fingerprint of a matrix from its leading rows [at most 16, in], and the gain [in] of the norm before it.

    `bounds` [at most 16, in] are those of its values before they were rounded, None where they are not known.
    """
    clean, nonfinite = finite(block)
    if bounds is None:
        bounds = dequantised_bounds(block, named.tensor.dtype)
    rows = LeadingRows(named, clean, gain, bounds)
    usable = clean.size >= MINIMAL_VALUES and bool(clean.any())
    made = {kind.name: kind.make(rows) for kind in kinds} if usable else {}
    return TensorFingerprint(
        named,
        rows_read=clean.shape[0],
        sampled=min(clean.size, MATRIX_VALUES),
        statistics=statistics(clean, nonfinite),
        evidence={name: values for name, values in made.items() if values is not None},
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
        evidence={"positions": kept} if usable else {},
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
