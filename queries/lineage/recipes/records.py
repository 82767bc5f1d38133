"""The records of a recipe."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ParentWeight:
    """How much of a parent a merge holds: `weight` reproduces most samples; both regressions lie at `low` and `high`.

    Of a graded merge these are means over its layers. `coincides` names registered models that hold the same values.
    """

    name: str
    source: str
    weight: float
    low: float
    high: float
    coincides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """The weights of a part of a layer, one a parent, and the standard error of their estimate before replay.

    `group` is attention, ffn or other; of a passthrough the `source_layer` is the one that a layer was copied from.
    """

    layer: int
    group: str
    weights: tuple[float, ...]
    standard_errors: tuple[float, ...]
    source_layer: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a component was merged from, and how well that reproduces it.

    `method` is `unknown` where no method here reproduces it. Shares are of sampled values that are equal bit for bit:
    `exact_share` of all, `changed_share` of those where the model differs from the relative that it is most equal to,
    `rival_share` of all by the best recipe of another method or of other parents. `unexplained` is the squared distance
    that the fit leaves, as a share of that to the nearest parent, rounding included. `twins` are methods that reproduce
    as much, up to chance; `notes` say in words what cannot be told. `arithmetic` is the type that it computed in.
    """

    component: str
    method: str
    base: str | None
    base_source: str | None
    parents: tuple[ParentWeight, ...]
    exact_share: float
    changed_share: float
    rival_share: float = 0.0
    rival: str | None = None
    unexplained: float = 0.0
    arithmetic: str | None = None
    out_type: str
    layers: tuple[LayerWeights, ...] = ()
    twins: tuple[str, ...] = ()
    notes: tuple[str, ...]
    mergekit: str | None
