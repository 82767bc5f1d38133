"""Column sets: MinHashes of what the columns of leading rows are, whatever the order of the columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...ingest.fingerprint import kinds as stored
from ...ingest.fingerprint.minhash import PERMUTATIONS, PLACES
from ..statistics.null import jaccard_of_unrelated
from ..statistics.pvalues import cauchy, clustered_tail
from .alignment import Alignment, Matrix, Pairing, Scores, alignment_of, shared_keys
from .kind import EvidenceKind

CORRELATIONS = np.concatenate([[0.0, 0.3, 0.5, 0.6], 1 - np.geomspace(0.3, 1e-5, 24), [1.0]])
"""Of two Gaussian matrices, ascending."""
SURVIVED = np.array([
    0, 0, 10, 29, 94, 342, 917, 1945, 3365, 5073, 6832, 8613, 10232, 11824, 13208, 14379, 15372, 16246, 16952, 17478,
    17953, 18359, 18705, 18954, 19172, 19337, 19474, 19565, 20000,
]) / 20_000  # fmt: skip
"""Of 20,000 columns the share whose code, the six largest of 16 and their signs, is the same in two matrices of each of
CORRELATIONS: s, of which their Jaccard index is s / (2 - s). Simulated once, as `tests/queries/evidence` does again."""
_AT_ONCE = 1 << 22
"""Values that are compared at once: 4 MB of truth values."""


def align_column_sets(pairing: Pairing) -> Alignment | None:
    """Matching MinHash values, counted over the roles of a block; unrelated models match at a rate that is measured.

    One code that two sets share by chance is the least of both at several of the 64 places: of 64 columns against 64 at
    a half on average, so that pairs of matches are 18 times as frequent as independent matches would have them. Matches
    are therefore counted as clusters, one a shared code. Of wide matrices a cluster is hardly ever more than one match.
    """
    query, candidate = pairing.query, pairing.candidate
    shape = (len(pairing.query_units), len(pairing.candidate_units))
    matches, comparable = np.zeros(shape, np.int64), np.zeros(shape, np.bool_)
    expected, cluster = np.zeros(shape), np.zeros(shape)
    scores = []
    for _, rows, columns in shared_keys(pairing, "minhash"):
        first, second = query.evidence("minhash").tensor[rows], candidate.evidence("minhash").tensor[columns]
        equal = _matches(query.column_sets[rows], candidate.column_sets[columns])
        rate = _null_rate(equal, query.inputs[first], candidate.inputs[second])
        size = _cluster(query.inputs[first], candidate.inputs[second])
        place = np.ix_(pairing.query_unit[first], pairing.candidate_unit[second])
        matches[place] += equal
        comparable[place] = True
        expected[place] += rate
        cluster[place] = np.maximum(cluster[place], size)  # of several roles the largest: no p-value too small
        scores.append(Scores(first, second, equal / PERMUTATIONS, rate, size))
    if not comparable.any():
        return None
    log_p = np.where(comparable, clustered_tail(matches, expected, cluster), 0.0)
    return alignment_of("minhash", np.where(comparable, -log_p, -np.inf), comparable, np.negative, scores, cauchy)


def _matches(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Equal places of two sets of MinHashes: [n, 64], [m, 64] -> [n, m]."""
    found = np.empty((len(first), len(second)), np.int64)
    step = max(1, _AT_ONCE // max(1, second.size))
    for start in range(0, len(first), step):
        equal = first[start : start + step, None, :] == second[None, :, :]
        found[start : start + step] = np.bitwise_count(equal.view(np.uint64)).sum(axis=2)  # eight places a word
    return found


def _null_rate(equal: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]) -> Matrix:
    """Expected matches by chance [n, m]: what theory says of random column sets, or more where the pairs show it.

    Most pairs are mismatched; those that belong together are cut to what chance may give, so that they hardly
    count. One match more than was seen, because a rate that never showed in n x m pairs need not be 0.
    """
    theory = PERMUTATIONS * jaccard_of_unrelated(first.astype(np.float64), second.astype(np.float64), 16, PLACES)
    most = 2 + 3 * np.median(equal)
    return np.maximum(theory, (np.minimum(equal, most).sum() + 1) / equal.size)


def _cluster(first: NDArray[np.int64], second: NDArray[np.int64]) -> Matrix:
    """Matches [n, m] that one shared code makes on average: it is the least of both sets at 1 of |union| places."""
    return PERMUTATIONS / np.maximum(first[:, None] + second[None, :] - 1.0, 1.0)


def correlation_of_jaccard(jaccard: NDArray[np.float64]) -> NDArray[np.float64]:
    """The correlation of Gaussian weights whose column sets have that Jaccard index."""
    return np.interp(jaccard, SURVIVED / (2 - SURVIVED), CORRELATIONS)


COLUMN_SETS = EvidenceKind("minhash", align_column_sets, correlation_of_jaccard, stored.MINHASH)
