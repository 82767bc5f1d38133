"""The figures of a list: AUC, true positives at zero false positives, E-values beside expectation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from .asking import AskedPair

LEVELS = (-5.0, -3.0, -2.0, -1.0, 0.0)
"""log10 of the E-values at which unrelated pairs are counted."""


@dataclass(frozen=True, slots=True)
class KindScore:
    """The pairs of one truth and kind: how many, how many were read, called related, unrelated, or neither."""

    truth: str
    kind: str
    scored: bool
    pairs: int
    read: int
    related: int
    unrelated: int
    inconclusive: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """Unrelated pairs with an E-value of at most 10 ** `log10_evalue`, beside how many are expected at most."""

    log10_evalue: float
    observed: int
    expected: float
    pairs: int


@dataclass(frozen=True, slots=True)
class Score:
    """The figures over the scored pairs whose models were read; a figure is None where there is nothing to take it of.

    A pair that was read and could not be compared counts as the least related. `at_zero` are the related pairs above
    every unrelated one. `told` are directed pairs of which a direction is told, `told_right` those with the ancestor
    that the list says.
    """

    positives: int
    negatives: int
    auc: float | None
    at_zero: int
    found: int
    false: int
    directed: int
    told: int
    told_right: int
    kinds: tuple[KindScore, ...]
    calibration: tuple[Calibration, ...]


def score_pairs(answers: Sequence[AskedPair], models: int) -> Score:
    """The figures of all answers; `models` is the number of models in the registry that was asked."""
    scored = [one for one in answers if one.pair.scored and one.status != "not read"]
    positive = [one for one in scored if one.pair.truth == "related"]
    negative = [one for one in scored if one.pair.truth == "unrelated"]
    above, below = _scores(positive), _scores(negative)
    directed = [one for one in positive if one.pair.directed and one.status == "related"]
    told = [one for one in directed if one.direction in {"ancestor", "descendant"}]
    return Score(
        positives=len(positive),
        negatives=len(negative),
        auc=area(above, below),
        at_zero=int((above > (below.max() if len(below) else -math.inf)).sum()),
        found=sum(one.status == "related" for one in positive),
        false=sum(one.status == "related" for one in negative),
        directed=len(directed),
        told=len(told),
        told_right=sum(one.direction == "ancestor" for one in told),
        kinds=_kinds(answers),
        calibration=calibration(negative, models),
    )


def _scores(answers: Sequence[AskedPair]) -> NDArray[np.float64]:
    """-log10 E of each [n]; the least there is for a pair that could not be compared."""
    least = -np.finfo(np.float64).max
    found = [least if one.log10_evalue is None else -one.log10_evalue for one in answers]
    return np.asarray(found, np.float64)


def area(above: NDArray[np.float64], below: NDArray[np.float64]) -> float | None:
    """Chance that a related pair [n] scores above an unrelated one [m], ties counted half (Mann and Whitney 1947)."""
    if not len(above) or not len(below):
        return None
    ranks = rankdata(np.concatenate([above, below]))
    over = float(ranks[: len(above)].sum()) - len(above) * (len(above) + 1) / 2
    return over / (len(above) * len(below))


def calibration(negative: Sequence[AskedPair], models: int) -> tuple[Calibration, ...]:
    """Unrelated pairs by E-value.

    An E-value counts how many of the `models - 1` others would look as related by chance, so a pair has one of at most
    e with probability e / (models - 1) at most.
    """
    values = [one.log10_evalue for one in negative if one.log10_evalue is not None]
    others = max(1, models - 1)
    return tuple(
        Calibration(
            level, sum(v <= level for v in values), len(negative) * min(1.0, 10.0**level / others), len(negative)
        )
        for level in LEVELS
    )


def _kinds(answers: Sequence[AskedPair]) -> tuple[KindScore, ...]:
    groups: dict[tuple[str, str, bool], list[AskedPair]] = {}
    for one in answers:
        groups.setdefault((one.pair.truth, one.pair.kind, one.pair.scored), []).append(one)
    return tuple(
        KindScore(
            *key,
            len(group),
            sum(one.status != "not read" for one in group),
            *(sum(one.status == status for one in group) for status in ("related", "unrelated", "inconclusive")),
        )
        for key, group in groups.items()
    )
