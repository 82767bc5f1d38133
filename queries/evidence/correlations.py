"""Blocks compared by correlations of vectors: z-scores, calibrated role by role, summed over the roles of a block."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..statistics.null import calibrated, spread
from ..statistics.pvalues import log_sf
from ..thresholds.significance import FEW_BLOCKS, FEW_PAIRS
from .alignment import Alignment, Matrix, Pairing, Scores, alignment_of, shared_keys

Rows = NDArray[np.int64]
Score = Callable[[str, Rows, Rows], tuple[Matrix, Matrix]]
"""Of a key and the rows of its vectors on both sides, [n] and [m]: z [n, m], NaN where two cannot be compared, and the
correlations [n, m] themselves."""


def correlated_blocks(
    pairing: Pairing,
    kind: str,
    score: Score,
    *,
    symmetric: bool,
    combine: Callable[[NDArray[np.float64]], float],
) -> Alignment | None:
    """The alignment by a kind whose vectors `score` compares; None where nothing can be compared.

    `symmetric` tells whether the null of a score has equal tails, `combine` makes one log p of those of all blocks.
    """
    query, candidate = pairing.query, pairing.candidate
    total = np.zeros((len(pairing.query_units), len(pairing.candidate_units)))
    count = np.zeros_like(total)
    scores = []
    for key, rows, columns in shared_keys(pairing, kind):
        first, second = query.evidence(kind).tensor[rows], candidate.evidence(kind).tensor[columns]
        z, r = score(key, rows, columns)
        finite = np.isfinite(z)
        if not finite.any():
            continue
        z = calibrated(z, symmetric=symmetric)
        place = np.ix_(pairing.query_unit[first], pairing.candidate_unit[second])
        total[place] += z if finite.all() else np.where(finite, z, 0.0)
        count[place] += finite
        scores.append(Scores(first, second, r, z))
    some = count > 0
    if not some.any():
        return None
    combined = np.where(some, total / np.sqrt(np.maximum(count, 1)), np.nan)
    blocks = max(int(some.any(axis=axis).sum()) for axis in (1, 0))
    if some.sum() >= max(FEW_PAIRS, FEW_BLOCKS * blocks):  # at most a quarter can belong together
        combined = combined / max(1.0, spread(combined, symmetric=symmetric))
    return alignment_of(kind, np.where(some, combined, -np.inf), some, log_sf, scores, combine)
