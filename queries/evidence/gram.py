"""Gram: cosines among leading rows, which no rotation, permutation or sign flip of the residual stream changes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ...ingest.fingerprint import kinds as stored
from ..statistics.null import fisher_z
from ..statistics.pvalues import cauchy
from ..thresholds.significance import FEW_BLOCKS
from .alignment import Alignment, Matrix, Pairing
from .correlations import Rows, correlated_blocks
from .kind import EvidenceKind, unchanged

_TWICE = math.log(2)


def align_gram(pairing: Pairing) -> Alignment | None:
    """The better of two alignments: by cosines, and by their magnitudes, which also survive flipped signs of rows.

    Two were tried, so every p-value counts twice.
    """
    signed, unsigned = _by_cosines(pairing, unsigned=False), _by_cosines(pairing, unsigned=True)
    if signed is None or unsigned is None:
        return signed
    better = min(signed, unsigned, key=lambda a: a.log_p)
    return replace(
        better,
        log_p=min(better.log_p + _TWICE, 0.0),
        unit_log_p=np.minimum(better.unit_log_p + _TWICE, 0.0),
    )


def _by_cosines(pairing: Pairing, *, unsigned: bool) -> Alignment | None:
    """Blocks by the correlations of their cosines, which depend on each other over layers: Cauchy combines them.

    Magnitudes have a middle of their own, above 0: the rotary pairs of a head of 16 rows are alike in any two models
    (z = 1.8 for q and k of 48 unrelated ones). They count only where there are blocks enough to measure it.
    """

    def score(key: str, rows: Rows, columns: Rows) -> tuple[Matrix, Matrix]:
        mine, theirs = (c.vectors_of("gram", key, unsigned=unsigned) for c in (pairing.query, pairing.candidate))
        r = (mine @ theirs.T).astype(np.float64)
        if unsigned and min(r.shape) < FEW_BLOCKS:
            return np.full_like(r, np.nan), r
        return fisher_z(r, mine.shape[1]), r

    return correlated_blocks(pairing, "gram", score, symmetric=False, combine=cauchy)


GRAM = EvidenceKind("gram", align_gram, unchanged, stored.GRAM)
