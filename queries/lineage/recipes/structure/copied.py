"""The recipes of what was put together from whole pieces: layers, experts, an adapter in its base."""

from __future__ import annotations

from collections.abc import Sequence

from ....data.component import Component
from ....data.precision import fraction_bits
from ..family import Relative
from ..mergekit import adapter_config, experts_config, passthrough_config
from ..places import TYPES
from ..records import LayerWeights, ParentWeight, Recipe
from .experts import Experts
from .low_rank import Adapted, LowRank
from .passthrough import Slice

_LAYERS_ALONE = "embeddings, heads and norms were not checked"


def passthrough_recipe(query: Component, relatives: Sequence[Relative], runs: Sequence[Slice]) -> Recipe:
    """A frankenmerge: its parents weigh what they hold of its layers."""
    count = sum(run.end - run.start for run in runs)
    order = list(dict.fromkeys(run.relative for run in runs))
    held = {number: sum(run.end - run.start for run in runs if run.relative == number) / count for number in order}
    same = {n: frozenset.intersection(*(run.same for run in runs if run.relative == n)) for n in order}
    parents = tuple(
        ParentWeight(
            relatives[n].name,
            relatives[n].source,
            held[n],
            held[n],
            held[n],
            tuple(sorted(relatives[other].name for other in same[n])),
        )
        for n in order
    )
    layers: list[LayerWeights] = []
    for run in runs:
        weights = tuple(float(run.relative == number) for number in order)
        for layer in range(run.start, run.end):
            layers.append(LayerWeights(len(layers), "layer", weights, (0.0,) * len(order), layer))
    out_type = TYPES[fraction_bits(query)]
    return Recipe(
        component=query.name,
        method="passthrough",
        base=None,
        base_source=None,
        parents=parents,
        exact_share=1.0,
        changed_share=1.0,
        out_type=out_type,
        layers=tuple(layers),
        notes=(*map(_not_identifiable, (p for p in parents if p.coincides)), _LAYERS_ALONE),
        mergekit=passthrough_config([(relatives[r.relative].source, r.start, r.end) for r in runs], out_type),
    )


def _not_identifiable(parent: ParentWeight) -> str:
    """That others hold the same layers."""
    return f"not identifiable: {', '.join(parent.coincides)} holds the same layers as {parent.name}"


def experts_recipe(query: Component, relatives: Sequence[Relative], made: Experts) -> Recipe:
    """A mixture of dense models: its parents weigh what they hold of its experts."""
    order = list(dict.fromkeys(sources[0] for sources in made.experts))
    held = {number: sum(sources[0] == number for sources in made.experts) / len(made.experts) for number in order}
    same = {sources[0]: tuple(relatives[n].name for n in sources[1:]) for sources in made.experts}
    base, listed = relatives[made.base], [relatives[sources[0]].source for sources in made.experts]
    out_type = TYPES[fraction_bits(query)]
    experts = ", ".join(f"expert {n} is {relatives[sources[0]].name}" for n, sources in enumerate(made.experts))
    return Recipe(
        component=query.name,
        method="moe",
        base=base.name,
        base_source=base.source,
        parents=tuple(
            ParentWeight(relatives[n].name, relatives[n].source, held[n], held[n], held[n], same[n]) for n in order
        ),
        exact_share=made.share,
        changed_share=made.share,
        rival_share=made.rival,
        out_type=out_type,
        notes=(
            experts,
            "routers do not follow from the parents: the configuration draws them at random (gate_mode: random)",
            _LAYERS_ALONE,
        ),
        mergekit=experts_config(base.source, listed, out_type),
    )


def adapter_recipe(query: Component, base: Relative, adapter: LowRank, fit: Adapted) -> Recipe:
    """An adapter merged into a base; its weight is 1 where its own scale was taken."""
    out_type = TYPES[fraction_bits(query)]
    notes = ["compared where registered rows and columns of the adapter's factors meet sampled values"]
    if adapter.alpha is None:
        notes.append("the adapter declares no alpha: the weight is the factor of B A itself")
    return Recipe(
        component=query.name,
        method="lora",
        base=base.name,
        base_source=base.source,
        parents=(ParentWeight(adapter.name, adapter.source, fit.weight, fit.weight, fit.weight),),
        exact_share=fit.share,
        changed_share=fit.changed,
        rival_share=fit.rival,
        arithmetic=out_type,
        out_type=out_type,
        notes=tuple(notes),
        mergekit=adapter_config(base.source, adapter.source, fit.weight, out_type),
    )
