"""Claims about norm gains: raw and centred cosines, differences, and what is called their significance."""

from __future__ import annotations

import itertools
import math

from ....thresholds.comparison import SHUFFLED_SPREAD
from ...records.gains import GainRow
from ..gains import Gains, gain_row, mean
from ..measured import Measured
from ..question import Claim
from .finding import Finding, NotCheckable, ranged


def is_gain(claim: Claim) -> bool:
    """Whether a claim is about norm gains: `norm attention`, `norm ffn`, ...; never mixed with matrices."""
    norms = [tensor.startswith("norm") for tensor in claim.tensors]
    if any(norms) and not all(norms):
        raise NotCheckable("norm gains and matrices in one claim are measured in different ways; write two claims")
    return all(norms) and bool(norms)


def gain_finding(measured: Measured, claim: Claim, figure: str) -> Finding:
    """A figure of GainRow, averaged over the tensors and layers of the claim, with the null of its kind.

    The null is what shuffled values give, SHUFFLED_SPREAD standard deviations to either side for cosines, widened by
    every pair with a control that came out unrelated.
    """
    first, second = measured.ordered(*claim.models)
    rows = _rows(measured, claim, first, second)
    if not rows:
        raise NotCheckable(f"no layer where both have {' or '.join(claim.tensors)} of one width")
    controls = {
        f"{a}-{b}": mean([getattr(row, figure) for row in found])
        for a, b in measured.unrelated((first, second))
        if (found := _rows(measured, claim, a, b))
    }
    low, high = ranged([*_shuffled(rows, figure), *controls.values()])
    return Finding(
        mean([getattr(row, figure) for row in rows]),
        null_low=low,
        null_high=high,
        null_from=("shuffled", *controls),
    )


def _rows(measured: Measured, claim: Claim, first: str, second: str) -> list[GainRow]:
    mine, theirs = _gains(measured, first), _gains(measured, second)
    found = []
    for tensor in claim.tensors:
        slot = tensor.removeprefix("norm").strip()
        a, b = mine.get(slot, {}), theirs.get(slot, {})
        for i, j in layers_of(claim, first, second, sorted(a.keys() & b.keys())):
            if i in a and j in b:
                found.append(gain_row(first, second, slot, (i, j), a[i], b[j]))
    return [row for row in found if row is not None]


def _gains(measured: Measured, label: str) -> Gains:
    return measured.gains.get(label, {})


def layers_of(claim: Claim, first: str, second: str, both: list[int]) -> list[tuple[int, int]]:
    """The layers that stand side by side: those of the claim, else all that both models have.

    Of a pair that the claim does not name (a control) its layers are those of equal place: the first model's.
    """
    named = list(claim.layers.values())
    if not named:
        return [(layer, layer) for layer in both]
    mine = claim.layers.get(first, named[0])
    theirs = claim.layers.get(second, named[-1])
    return list(zip(mine, theirs, strict=False))


def _shuffled(rows: list[GainRow], figure: str) -> list[float]:
    if figure == "mean_abs_difference":
        return [mean([row.shuffled_difference for row in rows])]
    spread = SHUFFLED_SPREAD * math.sqrt(sum(row.shuffled_sd**2 for row in rows)) / len(rows)
    if figure == "cosine":
        middle = mean([row.shuffled_cosine for row in rows])
        return [middle - spread, middle + spread]
    centred = SHUFFLED_SPREAD * math.sqrt(sum(1 / max(1, row.values - 1) for row in rows)) / len(rows)
    return [-centred, centred]


def cosine_z(measured: Measured, claim: Claim) -> Finding:
    """How many standard deviations of shuffled values the mean cosine lies above their mean."""
    first, second = measured.ordered(*claim.models)
    rows = _rows(measured, claim, first, second)
    if not rows or not is_gain(claim):
        raise NotCheckable("no norm gains that both have at these layers")
    spread = math.sqrt(sum(row.shuffled_sd**2 for row in rows)) / len(rows)
    above = mean([row.cosine for row in rows]) - mean([row.shuffled_cosine for row in rows])
    if not spread > 0:
        raise NotCheckable("the gains are constant: every order of their values is the same")
    return Finding(above / spread, null_low=-SHUFFLED_SPREAD, null_high=SHUFFLED_SPREAD, null_from=("shuffled",))


def within_cosine(measured: Measured, claim: Claim) -> Finding:
    """The mean cosine between different layers of one model."""
    (label,) = claim.models
    rows = []
    for tensor in claim.tensors:
        layers = {
            a: g for a, g in _gains(measured, label).get(tensor.removeprefix("norm").strip(), {}).items() if a >= 0
        }
        chosen = [layer for layer in claim.layers.get(label, tuple(layers)) if layer in layers]
        for a, b in itertools.combinations(chosen, 2):
            rows.append(gain_row(label, label, "", (a, b), layers[a], layers[b]))
    kept = [row for row in rows if row is not None]
    if not kept:
        raise NotCheckable("fewer than two layers with these gains")
    middle = mean([row.shuffled_cosine for row in kept])
    spread = SHUFFLED_SPREAD * mean([row.shuffled_sd for row in kept])
    return Finding(
        mean([row.cosine for row in kept]), null_low=middle - spread, null_high=middle + spread, null_from=("shuffled",)
    )
