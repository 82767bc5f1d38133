"""Which dimension of one model's residual stream is which of the other's: by assignment on embeddings of shared tokens.

The alignment of AWM (Zeng et al., "AWM: accurate weight-matrix fingerprint for large language models",
arXiv 2510.06738): the columns of two embeddings, over the tokens that both have, are matched by the linear assignment
of their absolute correlations, which also gives the signs. It undoes permutations, sign flips and cut dimensions.

Different from the paper: the common direction of each embedding (how frequent a token is, which unrelated models share)
is taken out first; at most ALIGNED_DIMENSIONS of the narrower model are matched, against all of the other; and an
assignment counts only when it is *determined*. Embeddings of unrelated models of one tokenizer can always be assigned
so that they correlate on held-out tokens (0.2 to 0.4 between small models of one corpus), because tokens that are used
alike lie alike in both. That geometry has no axes: it is left as it is by a rotation of one of the two embeddings, and
an assignment to a rotated embedding reaches as much. So chance is measured by rotating the second embedding at random
and assigning again, and `beyond_chance` says how much of the way from there to a perfect match the real one goes (as
Cohen's kappa does). An assignment is determined when that is more than half of the way: the middle of the scale, set
with 62 pairs of unrelated models in view. Otherwise equal numbers are taken for equal dimensions, which aligns nothing
by function.

What it reached: 32 unrelated models of one architecture, tokenizer and corpus that were looked at only afterwards stay
below 0.04 in all of 415 pairs, a continued pretraining as long as the pretraining has 0.87, fine-tunes 0.99, two
trainings from one initialisation 0.45. It is no exact test: training by Adam prefers the axes a little, and briefly
trained unrelated models lie one standard deviation of the rotations above 0.

Limitations: a general rotation of the residual stream (norm gains folded away) has no such alignment. Models that share
an embedding and nothing else are aligned by it; the test of what is aligned is then not one of unrelated models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.optimize import linear_sum_assignment

from ..thresholds.comparison import ALIGNED_DIMENSIONS, ALIGNMENT_COUNTS, FEW_ALIGNED_TOKENS, ROTATIONS

NO_BASIS = "no dimension of the residual streams is known to be the same: their widths differ and no alignment is sure"
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

    `held_out` is the mean signed correlation of matched columns over the other half of the tokens, `held_out_rotated`
    that of assignments to random rotations of the second embedding: chance; `beyond_chance` is the share of the way
    from there to 1, `identity_beyond_chance` the same for equal numbers, whose chance is 0 (NaN where the widths
    differ). `identity_share` of the dimensions are matched to themselves with their own sign. `determined`:
    `beyond_chance` is more than ALIGNMENT_COUNTS.
    """

    tokens: int
    dimensions: int
    held_out: float
    held_out_rotated: float
    beyond_chance: float
    identity_beyond_chance: float
    identity_share: float
    determined: bool


def chosen_dimensions(width: int) -> NDArray[np.int64]:
    """At most ALIGNED_DIMENSIONS of `width`, ascending; which ones depends on the width alone, never on the weights."""
    return np.sort(np.random.default_rng([7, width]).permutation(width)[:ALIGNED_DIMENSIONS]).astype(np.int64)


def identity(width: int) -> Basis:
    """Equal numbers are equal dimensions."""
    chosen = chosen_dimensions(width)
    return Basis("identity", chosen, chosen, np.ones(len(chosen), np.float32))


def assignment(first: NDArray[np.float32], second: NDArray[np.float32]) -> tuple[Basis, Assignment] | None:
    """The alignment from rows [tokens, width] of the same tokens; None with less than FEW_ALIGNED_TOKENS of them.

    The assignment is made on every other token, and judged on the rest.
    """
    if len(first) < FEW_ALIGNED_TOKENS:
        return None
    if first.shape[1] > second.shape[1]:
        turned = assignment(second, first)
        if turned is None:
            return None
        basis, found = turned
        return Basis("assignment", basis.second, basis.first, basis.signs), found
    a, b = _common_removed(first), _common_removed(second)
    chosen = chosen_dimensions(a.shape[1])
    halves = a[::2, chosen], a[1::2, chosen]
    partner, signs, best, held_out = _matched(halves, b)
    random = np.random.default_rng([13, b.shape[1]])
    chance = float(np.mean([_matched(halves, rotated(b, random))[2] for _ in range(ROTATIONS)]))
    beyond = (best - chance) / (1 - chance) if chance < 1 else 0.0
    same_width = a.shape[1] == b.shape[1]
    return Basis("assignment", chosen, partner, signs), Assignment(
        tokens=len(first),
        dimensions=len(chosen),
        held_out=best,
        held_out_rotated=chance,
        beyond_chance=beyond,
        identity_beyond_chance=float(held_out[np.arange(len(chosen)), chosen].mean()) if same_width else float("nan"),
        identity_share=float(((partner == chosen) & (signs > 0)).mean()) if same_width else 0.0,
        determined=beyond > ALIGNMENT_COUNTS,
    )


def rotated(rows: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Rows [n, width] turned at random: columns in random order with random signs, then a cosine transform.

    A fast orthogonal map that mixes every column with all others, in place of one drawn evenly from all rotations.
    Source: Ailon and Chazelle, "The fast Johnson-Lindenstrauss transform", SIAM J. Comput. 39, 2009.
    """
    width = rows.shape[1]
    signs = random.choice(np.array([-1, 1], np.float32), width)
    return np.asarray(dct(rows[:, random.permutation(width)] * signs, norm="ortho", axis=1), np.float32)


def _matched(
    halves: tuple[NDArray[np.float32], NDArray[np.float32]], second: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32], float, NDArray[np.float32]]:
    """Partners and signs assigned on every other token; on the rest their mean correlation, and all correlations."""
    fitted, held_out = _correlations(halves[0], second[::2]), _correlations(halves[1], second[1::2])
    partner, signs = _assigned(np.abs(fitted), fitted)
    return partner, signs, float((held_out[np.arange(len(partner)), partner] * signs).mean()), held_out


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
