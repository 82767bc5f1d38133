"""Claims about whole models: relation, recipe, config, parameters, and the spread of a change over tensors."""

from __future__ import annotations

import math

import numpy as np

from ....thresholds.comparison import CLAIM_ERRORS
from ...pair.architecture import part_of
from ...pair.sides import paired_values
from ..measured import Measured
from ..question import Claim
from .finding import Finding, NotCheckable, ranged


def relation(measured: Measured, claim: Claim) -> Finding:
    """The verdict of two models; `related` stands for every verdict of one lineage, `from` for a told ancestor."""
    pair = measured.pair(*claim.models)
    if pair is None:
        raise NotCheckable("the pair was not compared")
    component = claim.options.get("component", "")
    rows = [row for row in pair.rows if not component or row.component == component]
    if not rows:
        raise NotCheckable(f"the two have no component {component} in common")
    verdict = rows[0].verdict if component else pair.verdict
    if verdict == "inconclusive":
        raise NotCheckable(rows[0].reason)
    found = "related" if verdict == "derived" else verdict
    if claim.value == "derived":
        return Finding(None, _told(measured, claim, found))
    return Finding(None, found.replace("_", " "))


def _told(measured: Measured, claim: Claim, found: str) -> str:
    """`derived` where the first is told to come from the second, NotCheckable where the direction is not known."""
    pair = measured.pair(*claim.models)
    kind = pair.direction.kind if pair and pair.direction else "unknown"
    if found != "related":
        return found.replace("_", " ")
    if kind == "unknown":
        raise NotCheckable("the two are of one lineage; nothing tells which came first")
    wanted = "ancestor" if pair and pair.first == claim.models[0] else "descendant"
    return "derived" if kind == wanted else kind


def merge_weight(measured: Measured, claim: Claim) -> Finding:
    """The weight of the second model in the first, which is a merge, by the recipe that reproduces it."""
    merged, parent = claim.models
    sources = measured.sides[parent].model
    for one in measured.recipes:
        if one.label == merged:
            for found in one.recipe.parents:
                if found.source == sources.source:
                    error = max(0.0, found.high - found.low) / 4 if math.isfinite(found.high - found.low) else 0.0
                    return Finding(found.weight, error=error)
    raise NotCheckable(f"no recipe was found by which {merged} is a merge that holds {parent}")


def config(measured: Measured, claim: Claim) -> Finding:
    """A setting, by its usual name or the one in the config."""
    wanted = claim.options["key"]
    for row in measured.settings:
        for value in row.values:
            if value.model == claim.models[0] and value.name is not None and wanted in {row.key, value.name}:
                return _setting(value.value)
    raise NotCheckable(f"its config has no {wanted}")


def _setting(value: object) -> Finding:
    if isinstance(value, bool):
        return Finding(None, "yes" if value else "no")
    if isinstance(value, int | float):
        return Finding(float(value))
    return Finding(None, str(value)[:200])


def settings_compared(measured: Measured, claim: Claim) -> Finding:
    """How many settings both configs have."""
    return Finding(float(_settings(measured, claim)[0]))


def settings_equal(measured: Measured, claim: Claim) -> Finding:
    """How many of those are equal."""
    return Finding(float(_settings(measured, claim)[1]))


def _settings(measured: Measured, claim: Claim) -> tuple[int, int]:
    for pair in measured.settings_pairs:
        if {pair.first, pair.second} == set(claim.models):
            return pair.compared, pair.equal
    raise NotCheckable("a config is missing")


def parameters(measured: Measured, claim: Claim) -> Finding:
    """Parameters of a part at the layers of the claim, of all of them without any.

    Parts are `q`, `routed experts`, `one expert`, `shared experts`, `router`, `norm`, and so on.
    """
    (label,) = claim.models
    part, wanted = measured.part(label), claim.options.get("part", "")
    if part is None:
        raise NotCheckable("it has no tensors")
    component = part.component
    layers = claim.layers.get(label, ())
    named = np.array([part_of(component, tensor) for tensor in range(len(component.names))])
    there = named == ("routed experts" if wanted == "one expert" else wanted)
    if wanted == "one expert":
        there &= component.expert == 0
    if layers:
        there &= np.isin(component.layer, layers)
    if not there.any():
        raise NotCheckable(f"no tensors of {wanted or 'no part'} at these layers")
    sizes = np.array([math.prod(shape) for shape in component.shapes], np.float64)
    counted = sizes if wanted == "one expert" else component.represents
    return Finding(float(counted[there].sum()))


def change_spread(measured: Measured, claim: Claim) -> Finding:
    """How unequal the change is over matrices: the standard deviation of its RMS over the mean; 0 for one noise."""
    first, second = measured.ordered(*claim.models)
    if measured.matched(first, second) is None:
        raise NotCheckable("the two have no component in common")
    found = _spread(measured, first, second)
    if found is None:
        raise NotCheckable("fewer than two matrices differ")
    others = {f"{a}-{b}": other for a, b in measured.unrelated((first, second)) if (other := _spread(measured, a, b))}
    low, high = ranged([spread + side * CLAIM_ERRORS * error for spread, error in others.values() for side in (-1, 1)])
    return Finding(found[0], error=found[1], null_low=low, null_high=high, null_from=tuple(others))


def _spread(measured: Measured, first: str, second: str) -> tuple[float, float] | None:
    """The spread of the change, and that which one Gaussian noise would have by sampling; None of fewer than two.

    The RMS of n draws of a Gaussian has a relative standard deviation of 1 / sqrt(2 n).
    """
    pair = measured.matched(first, second)
    sizes, counts = [], []
    for one in pair.tensors if pair is not None else ():
        both = paired_values(pair.first, one.first, pair.second, one.second) if pair and one.by_number else None
        if pair and both is not None and len(pair.first.component.shapes[one.first]) > 1:
            sizes.append(float(np.sqrt(np.square(both.second.astype(np.float64) - both.first).mean())))
            counts.append(both.first.size)
    if len(sizes) < 2 or not np.mean(sizes):
        return None
    return float(np.std(sizes) / np.mean(sizes)), float(np.sqrt(np.mean(0.5 / np.array(counts))))
