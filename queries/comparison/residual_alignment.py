"""Which dimension of one model's residual stream is which of the other's: by assignment on embeddings of shared tokens.

The alignment of AWM (Zeng et al., "AWM: accurate weight-matrix fingerprint for large language models",
arXiv 2510.06738): the columns of two embeddings, over the tokens that both have, are matched by the linear assignment
of their absolute correlations, which also gives the signs. It undoes permutations, sign flips and cut dimensions.

Different from the paper: the common direction of each embedding (how frequent a token is, which strangers share) is
taken out first; at most DIMENSIONS dimensions of the narrower model are matched, against all of the other; and an
assignment counts only when it is *determined*. Embeddings of strangers of one tokenizer can always be assigned so that
they correlate (0.2 to 0.4 on held-out tokens between small models of one corpus), and weights aligned that way look
related: the unbiased CKA of all 66 pairs of twelve such strangers lay beyond 99 permuted alignments, ten standard
deviations on average. But a dimension of a stranger has many partners: with every assigned pair forbidden, the next
assignment is nearly as good. A dimension of a relative has one. So an assignment is determined when its held-out
correlation is at least twice that of the next; otherwise equal numbers are taken for equal dimensions, which aligns
nothing by function.

Limitations: a general rotation of the residual stream (norm gains folded away) has no such alignment. Models that share
an embedding and nothing else are aligned by it; the test of what is aligned is then not one of strangers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

DIMENSIONS = 256
"""Chosen of the narrower model: unbiased CKA over 256 strays by 0.006 from 0, and the assignment takes milliseconds."""
TOKENS = 4096
FEW_TOKENS = 32
RATIO = 2.0
"""Nearest against next partner, as in Lowe's ratio test of matches; strangers had 1.1 to 1.4, relatives 4 and more."""
NO_BASIS = "no dimension of the residual streams is known to be the same: their widths differ and no alignment is sure"
CLEAR = 5.0
"""Standard errors that the mean held-out correlation has to be above 0: the ratio of two noises means nothing."""
_POWER_STEPS = 12


@dataclass(frozen=True, slots=True)
class Basis:
    """Dimensions of both models that are taken for the same: int64 [n] each, and signs float32 [n] for the second."""

    kind: Literal["identity", "assignment"]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    signs: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Assignment:
    """What the embeddings say.

    `held_out` is the mean signed correlation of matched columns over the other half of the
    tokens, `held_out_next` that of the best assignment without any of the pairs, `held_out_identity` that of equal
    numbers (NaN where the widths differ). `identity_share` of the dimensions are matched to themselves with their own
    sign. `determined`: `held_out` is clearly above 0 and at least RATIO times `held_out_next`.
    """

    tokens: int
    dimensions: int
    held_out: float
    held_out_next: float
    held_out_identity: float
    identity_share: float
    determined: bool


def chosen_dimensions(width: int) -> NDArray[np.int64]:
    """At most DIMENSIONS of `width`, ascending; which ones depends on the width alone, never on the weights."""
    return np.sort(np.random.default_rng([7, width]).permutation(width)[:DIMENSIONS]).astype(np.int64)


def identity(width: int) -> Basis:
    """Equal numbers are equal dimensions."""
    chosen = chosen_dimensions(width)
    return Basis("identity", chosen, chosen, np.ones(len(chosen), np.float32))


def assignment(first: NDArray[np.float32], second: NDArray[np.float32]) -> tuple[Basis, Assignment] | None:
    """The alignment from rows [tokens, width] of the same tokens; None with less than FEW_TOKENS of them.

    The assignment is made on every other token, and judged on the rest.
    """
    if len(first) < FEW_TOKENS:
        return None
    if first.shape[1] > second.shape[1]:
        turned = assignment(second, first)
        if turned is None:
            return None
        basis, found = turned
        return Basis("assignment", basis.second, basis.first, basis.signs), found
    a, b = _common_removed(first), _common_removed(second)
    chosen = chosen_dimensions(a.shape[1])
    fitted, held_out = _correlations(a[::2, chosen], b[::2]), _correlations(a[1::2, chosen], b[1::2])
    rows = np.arange(len(chosen))
    partner, signs = _assigned(np.abs(fitted), fitted)
    without = np.abs(fitted)
    without[rows, partner] = -1
    next_partner, next_signs = _assigned(without, fitted)
    best = float((held_out[rows, partner] * signs).mean())
    second_best = float((held_out[rows, next_partner] * next_signs).mean())
    noise = (held_out.shape[0] * len(a[1::2])) ** -0.5
    same_width = a.shape[1] == b.shape[1]
    return Basis("assignment", chosen, partner, signs), Assignment(
        tokens=len(first),
        dimensions=len(chosen),
        held_out=best,
        held_out_next=second_best,
        held_out_identity=float(held_out[rows, chosen].mean()) if same_width else float("nan"),
        identity_share=float(((partner == chosen) & (signs > 0)).mean()) if same_width else 0.0,
        determined=best >= CLEAR * noise and best >= RATIO * second_best,
    )


def _assigned(
    likeness: NDArray[np.float32], correlations: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The partner of every row and its sign."""
    rows, partner = linear_sum_assignment(likeness, maximize=True)
    signs = np.where(correlations[rows, partner] < 0, -1, 1).astype(np.float32)
    return np.asarray(partner, np.int64), signs


def _common_removed(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows [tokens, width], columns centred, without the first singular component (power iteration)."""
    centred = rows - rows.mean(axis=0)
    along = np.ones(centred.shape[1], np.float32)
    for _ in range(_POWER_STEPS):
        along = centred.T @ (centred @ along)
        length = float(np.linalg.norm(along))
        if not length > 0:
            return np.asarray(centred, np.float32)
        along /= length
    return np.asarray(centred - np.outer(centred @ along, along), np.float32)


def _correlations(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Correlations [n, m] of the columns of [tokens, n] with those of [tokens, m]."""

    def scaled(columns: NDArray[np.float32]) -> NDArray[np.float32]:
        columns = columns - columns.mean(axis=0)
        length = np.linalg.norm(columns, axis=0)
        return np.asarray(columns / np.where(length > 0, length, 1), np.float32)

    return scaled(first).T @ scaled(second)
