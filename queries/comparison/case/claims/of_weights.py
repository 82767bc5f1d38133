"""Claims about values of tensors: matrices by their leading rows, norm gains whole."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from ....statistics.metrics import metrics
from ...pair.sides import paired_values
from ..kinds import kind_name, kinds_of
from ..measured import Measured
from ..question import Claim
from .finding import Finding, NotCheckable, ranged
from .of_gains import gain_finding, is_gain, layers_of
from .of_tokens import embedding_cosine


def cosine(measured: Measured, claim: Claim) -> Finding:
    """The uncentred cosine."""
    if claim.tensors == ("embed",):
        return embedding_cosine(measured, claim)
    return gain_finding(measured, claim, "cosine") if is_gain(claim) else _matrices(measured, claim, "cosine")


def centred_cosine(measured: Measured, claim: Claim) -> Finding:
    """Pearson's correlation."""
    if claim.tensors == ("embed",):
        return embedding_cosine(measured, claim, centred=True)
    if is_gain(claim):
        return gain_finding(measured, claim, "centred_cosine")
    return _matrices(measured, claim, "centred_cosine")


def mean_abs_difference(measured: Measured, claim: Claim) -> Finding:
    """The mean of |x - y|."""
    if is_gain(claim):
        return gain_finding(measured, claim, "mean_abs_difference")
    return _matrices(measured, claim, "mean_abs_difference")


def _matrices(measured: Measured, claim: Claim, figure: str) -> Finding:
    """A figure averaged over the tensors and layers of a claim.

    Its null are layers of the pair that do not belong together, and pairs with controls.
    """
    first, second = measured.ordered(*claim.models)
    values, apart, sampled = _figures(measured, claim, first, second, figure)
    if not values:
        raise NotCheckable(f"no layer where both have {' or '.join(claim.tensors) or 'such tensors'} of one width")
    controls = {
        f"{a}-{b}": float(np.mean(found))
        for a, b in measured.unrelated((first, second))
        if (found := _figures(measured, claim, a, b, figure)[0])
    }
    spread = 4 * float(np.std(apart)) / math.sqrt(len(values)) if len(apart) > 1 else 0.0
    middle = [float(np.mean(apart)) - spread, float(np.mean(apart)) + spread] if apart else []
    low, high = ranged([*middle, *controls.values()])
    error = 1 / math.sqrt(max(1, sampled)) if figure != "mean_abs_difference" else float(np.std(values))
    return Finding(
        float(np.mean(values)), error=error, null_low=low, null_high=high,
        null_from=(*(("layers apart",) if apart else ()), *controls),
    )  # fmt: skip


def _figures(
    measured: Measured, claim: Claim, first: str, second: str, figure: str
) -> tuple[list[float], list[float], int]:
    """The figure of matched tensors, that of the same tensors of the next layers, and how many values were compared."""
    component = claim.options.get("component", "")
    mine, theirs = measured.part(first, component), measured.part(second, component)
    if mine is None or theirs is None:
        raise NotCheckable(f"one of them has no component {component}" if component else "one of them has no tensors")
    kinds_first = {kind_name(key): layers for key, layers in kinds_of(mine).items()}
    kinds_second = {kind_name(key): layers for key, layers in kinds_of(theirs).items()}
    wanted = claim.tensors or tuple(kinds_first)
    found: dict[str, list[float]] = defaultdict(list)
    sampled = 0
    for kind in (kind for name in wanted for kind in kinds_first if kind == name or kind.split()[0] == name):
        a, b = kinds_first[kind], kinds_second.get(kind, {})
        pairs = layers_of(claim, first, second, sorted(a.keys() & b.keys()))
        for number, (i, j) in enumerate(pairs):
            if i in a and j in b and (both := paired_values(mine, a[i], theirs, b[j])) is not None:
                found["matched"].append(_figure(both.first, both.second, figure))
                sampled += both.first.size
            following = pairs[(number + 1) % len(pairs)][1] if len(pairs) > 1 else next((k for k in b if k != j), j)
            apart = i in a and following in b and following != j
            if apart and (other := paired_values(mine, a[i], theirs, b[following])) is not None:
                found["apart"].append(_figure(other.first, other.second, figure))
    return found["matched"], found["apart"], sampled


def _figure(x: NDArray[np.float32], y: NDArray[np.float32], figure: str) -> float:
    return float(getattr(metrics(x, y), figure))
