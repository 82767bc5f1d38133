"""Activations: neurons of two models that do the same on the same tokens, in whatever order and basis.

Of two layers, the neurons are paired that are each other's best by the magnitude of their cosine, and the pairs above
eight thresholds are counted. Layers that do not belong together, of the same two models, say how many pairs there are
by chance; the counts of a layer and its best counterpart are tested against that as a negative binomial.

Measured on 117 models (`benchmarks/activations.py`): none of 5,180 unrelated pairs at p <= 0.5, no twin of one random
initialisation, every relative whose embeddings were not replaced below 1e-20. SmolLM2 and MiniLM with everything
rewritten that leaves their function are found at 1e-287 and 1e-271.

*Limitations.* Both embeddings must hold the tokens; four layers are looked at, so a single layer taken over may be
missed; models whose layers are all alike (shared weights) have no null and are not told.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammaln, ndtri_exp

from ...ingest.fingerprint.activations import FEW_TOKENS
from ..data.component import Component, Neurons
from ..statistics.pvalues import bonferroni, cauchy
from ..thresholds.significance import ACTIVATION_COSINES, ACTIVATION_FLOOR, ACTIVATION_SHAPE, FEW_MISMATCHED
from .alignment import Alignment, Matrix, Pairing, Scores, alignment_of
from .kind import EvidenceKind, unchanged

_DECIMALS = 5
"""Of mean cosines: sums of float32 products differ from the seventh on, by how many threads add them."""
_UNDERFLOW = -650.0
"""Natural logarithm below which tails are no floats any more (the smallest is -708)."""
_FAMILY = {"gate": "neurons", "up": "neurons", "router": "experts"}


@dataclass(frozen=True, slots=True)
class MatchedLayers:
    """A query's matrix and its best counterpart: tensors of the two components.

    `pairs` neurons belong together beyond chance (`chance` are expected) out of `neurons` that could, at a mean cosine
    of `cosine`; `log_p` is natural, corrected for the choice of the counterpart and of the threshold.
    """

    query: int
    candidate: int
    pairs: int
    chance: float
    neurons: int
    cosine: float
    log_p: float


@dataclass(frozen=True)
class _Compared:
    """All layers of one family: pair counts [n, m, 8], cosines likewise, neurons [n, m], log p and threshold [n, m]."""

    query: NDArray[np.int64]
    candidate: NDArray[np.int64]
    counts: Matrix
    cosines: Matrix
    neurons: NDArray[np.int64]
    chance: NDArray[np.float64]
    log_p: Matrix
    threshold: NDArray[np.int64]


def align_activations(pairing: Pairing) -> Alignment | None:
    """The alignment of two components by their neurons, None where nothing can be compared.

    The similarity of two tensors is the mean cosine of the neurons that belong together, 0 where none do.
    """
    shape = (len(pairing.query_units), len(pairing.candidate_units))
    log_p, comparable = np.zeros(shape), np.zeros(shape, np.bool_)
    families = np.zeros(shape)
    scores = []
    for found in _compared(pairing.query, pairing.candidate):
        place = np.ix_(pairing.query_unit[found.query], pairing.candidate_unit[found.candidate])
        log_p[place] = np.minimum(log_p[place], found.log_p)
        comparable[place] = True
        families[place] += 1
        z = -ndtri_exp(np.minimum(found.log_p, -1e-12))
        scores.append(Scores(found.query, found.candidate, _similarity(found), z))
    if not comparable.any():
        return None
    log_p = np.where(comparable, bonferroni(log_p, np.maximum(families, 1)), 0.0)
    best_first = np.where(comparable, -log_p, -np.inf)
    return alignment_of("activations", best_first, comparable, np.negative, scores, cauchy)


def matched_layers(query: Component, candidate: Component) -> list[MatchedLayers]:
    """Every layer of the query with its best counterpart, for the map and the panel of a comparison."""
    rows = []
    for found in _compared(query, candidate):
        similarity = _similarity(found)
        for i, j in enumerate(found.log_p.argmin(axis=1)):
            at = found.threshold[i, j]
            rows.append(
                MatchedLayers(
                    query=int(found.query[i]),
                    candidate=int(found.candidate[j]),
                    pairs=int(found.counts[i, j, at]),
                    chance=float(found.chance[at]),
                    neurons=int(found.neurons[i, j]),
                    cosine=float(similarity[i, j]),
                    log_p=float(bonferroni(found.log_p[i, j], float(len(found.candidate)))),
                )
            )
    return rows


def same_places(pairing: Pairing, best: NDArray[np.int64]) -> tuple[int, int]:
    """Neurons that belong together beyond doubt, in matched blocks, and how many of them stand at the same place.

    Beyond doubt is a cosine that no two unrelated layers had, and each the other's best. `best` [query units] is the
    block map.
    """
    theirs = {
        (int(pairing.candidate_unit[n.tensor]), _FAMILY.get(pairing.candidate.roles[n.tensor])): n
        for n in pairing.candidate.activations
    }
    pairs = same = 0
    for first in pairing.query.activations:
        unit = int(best[pairing.query_unit[first.tensor]])
        second = theirs.get((unit, _FAMILY.get(pairing.query.roles[first.tensor])))
        if second is None:
            continue
        tokens = first.tokens & second.tokens
        cosines = np.abs(first.over(tokens) @ second.over(tokens).T)
        nearest, places = cosines.argmax(axis=1), np.arange(len(cosines))
        sure = (cosines[places, nearest] > ACTIVATION_COSINES[-2]) & (cosines.argmax(axis=0)[nearest] == places)
        pairs += int(sure.sum())
        same += int((nearest == places)[sure].sum())
    return pairs, same


def _similarity(found: _Compared) -> Matrix:
    """The mean cosine of the pairs above the threshold that says most."""
    at = found.threshold[:, :, None]
    counts, cosines = (np.take_along_axis(a, at, axis=2)[:, :, 0] for a in (found.counts, found.cosines))
    means: Matrix = np.where(counts > 0, cosines / np.maximum(counts, 1), 0.0)
    return means.round(_DECIMALS)


def _compared(query: Component, candidate: Component) -> list[_Compared]:
    """Neurons with neurons, routed experts with routed experts: every family that both have enough tokens for."""
    first, second = _families(query), _families(candidate)
    found = []
    for family in sorted(set(first) & set(second)):
        shared = -1
        for one in first[family] + second[family]:
            shared &= one.tokens
        if shared.bit_count() >= FEW_TOKENS:
            compared = _compare_family(first[family], second[family], shared)
            found += [compared] if compared else []
    return found


def _families(component: Component) -> dict[str, list[Neurons]]:
    found: dict[str, list[Neurons]] = defaultdict(list)
    for one in component.activations:
        if (family := _FAMILY.get(component.roles[one.tensor])) is not None:
            found[family].append(one)
    return found


def _compare_family(query: list[Neurons], candidate: list[Neurons], tokens: int) -> _Compared | None:
    """All layers of a query against all of a candidate; None where too few pairs are left to measure the null on."""
    counts, cosines = pair_counts([n.over(tokens) for n in query], [n.over(tokens) for n in candidate])
    best = counts.sum(axis=2).argmax(axis=1)
    mismatched = np.ones(counts.shape[:2], np.bool_)
    mismatched[np.arange(len(query)), best] = False
    if mismatched.sum() < FEW_MISMATCHED:
        return None
    chance, shape = null_of(counts[mismatched])
    log_tails = negative_binomial_tail(counts, chance, shape)
    sizes = [[min(len(a.levels), len(b.levels)) for b in candidate] for a in query]
    return _Compared(
        query=np.array([n.tensor for n in query]),
        candidate=np.array([n.tensor for n in candidate]),
        counts=counts,
        cosines=cosines,
        neurons=np.array(sizes, np.int64),
        chance=chance,
        log_p=bonferroni(log_tails.min(axis=2), float(len(ACTIVATION_COSINES))),
        threshold=log_tails.argmin(axis=2),
    )


def pair_counts(query: list[NDArray[np.float32]], candidate: list[NDArray[np.float32]]) -> tuple[Matrix, Matrix]:
    """Mutual best pairs above each threshold, and the sums of their cosines: [n, m, 8] each, of unit vectors."""
    counts = np.zeros((len(query), len(candidate), len(ACTIVATION_COSINES)))
    cosines = np.zeros_like(counts)
    ends = np.cumsum([len(theirs) for theirs in candidate])[:-1]
    together = np.concatenate(candidate).T
    for i, mine in enumerate(query):
        strip = np.abs(mine @ together)  # one product a layer: threads of BLAS cost more than small products
        for j, magnitudes in enumerate(np.split(strip, ends, axis=1)):
            best = magnitudes.argmax(axis=1)
            found = magnitudes[np.arange(len(mine)), best]
            mutual = np.flatnonzero(found == magnitudes.max(axis=0)[best])
            _, once = np.unique(best[mutual], return_index=True)  # of equal neurons one belongs to the counterpart
            found = found[mutual[once]][:, None]
            above = found > ACTIVATION_COSINES
            counts[i, j], cosines[i, j] = above.sum(axis=0), (found * above).sum(axis=0)
    return counts, cosines


def null_of(counts: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Expected pairs and shape [8] of unrelated layers, from the `counts` [k, 8] of mismatched ones.

    The quarter with most pairs is left out: layers that were doubled belong together where they are mismatched. One
    pair more than was seen, as strongly as the floor is believed: a Gamma prior of one observation.
    """
    kept = counts[np.argsort(counts.sum(axis=1), kind="stable")[: len(counts) - len(counts) // 4]]
    mean, variance = kept.mean(axis=0), kept.var(axis=0, ddof=1)
    expected = (kept.sum(axis=0) + 1) / (len(kept) + 1 / ACTIVATION_FLOOR)
    spread = np.maximum(variance - mean, 1e-9)
    return np.maximum(ACTIVATION_FLOOR, expected), np.clip(mean**2 / spread, 1, ACTIVATION_SHAPE)


def negative_binomial_tail(
    counts: NDArray[np.float64], mean: NDArray[np.float64], shape: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Log P(X >= counts) for X negative binomial of that mean and shape (at least 1), which broadcast to `counts`.

    Where the tail is below any float, its first term and the geometric series above the rest: an upper bound.
    """
    ratio = mean / (shape + mean)
    with np.errstate(divide="ignore"):
        exact = np.where(counts > 0, np.log(betainc(np.maximum(counts, 1), shape, ratio)), 0.0)
    first = (
        gammaln(counts + shape)
        - gammaln(counts + 1)
        - gammaln(shape)
        + shape * np.log1p(-ratio)
        + counts * np.log(ratio)
    )
    rest = np.minimum(ratio * (counts + shape) / (counts + 1), 1 - 1e-9)
    return np.where(exact > _UNDERFLOW, exact, np.minimum(first - np.log1p(-rest), _UNDERFLOW))


ACTIVATIONS = EvidenceKind("activations", align_activations, unchanged)
