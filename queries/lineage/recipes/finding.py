"""The recipe of every component of a model, or the word that it is no merge that the registry can explain."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import duckdb
import numpy as np

from ....ingest.errors import RegistryError
from ...data.component import Component
from ...data.query import Query
from ...evidence.pair import compare
from ...relation.flags import relate
from ...sql import statement
from ...thresholds.recipes import FEWEST_CHANGED, RECIPE_UNEXPLAINED, WHOLE_LAYER
from ..family import of_strangers
from .family import Relative, parents_of, relatives_of
from .mergekit import arithmetic_config
from .mixtures.pursuit import Mixture, plain_mixture, span_of
from .places import GROUPS, TYPES, MergePlaces
from .records import LayerWeights, ParentWeight, Recipe
from .refining import Fit, claimed
from .regression import cell_errors, intervals
from .structure.copied import adapter_recipe, experts_recipe, passthrough_recipe
from .structure.experts import experts_of
from .structure.low_rank import LowRank, adapted, adapters_of
from .structure.passthrough import Slice, moved, slices_of
from .trials import Trials, spared, trials, turned_round

_log = logging.getLogger(__name__)


def recipes(
    connection: duckdb.DuckDBPyConnection, query: Query, *, parents: Sequence[int] = (), base: int | None = None
) -> list[Recipe]:
    """What the components of a model were merged from; a component that is no such merge has no recipe.

    `parents`, with `base`, are the ids of the models that alone are considered; for a `base` alone parents are looked
    for. Raises RegistryError where one of those does not hold the query's tensors.
    """
    models = int(connection.execute(statement("models/others"), {"model_id": query.model_id}).fetchall()[0][0])
    found = []
    for sketch in query.sketches:
        began = time.monotonic()
        component = next((c for c in query.components if c.name == sketch.component), None)
        if component is None:
            raise RegistryError(f"the model has a sketch of {sketch.component!r} and no tensor; ingest it again")
        relatives = relatives_of(connection, query, sketch, parents, base)
        recipe = component_recipe(
            component,
            relatives,
            models=models,
            base=base,
            named=bool(parents),
            adapters=() if parents else adapters_of(connection, component),
        )
        _log.info("%s: %d relatives, recipe in %.2f s", component.name, len(relatives), time.monotonic() - began)
        if recipe is not None:
            found.append(recipe)
    return found


def component_recipe(
    query: Component,
    relatives: Sequence[Relative],
    *,
    models: int,
    base: int | None = None,
    named: bool = False,
    adapters: Sequence[LowRank] = (),
) -> Recipe | None:
    """The recipe of one component from its relatives, `base` being the model id of its base where that is known.

    An adapter merged into a relative is looked for first: it leaves no mixture of relatives to be found.
    """
    if query.has_experts and (made := experts_of(query, [relative.component for relative in relatives])) is not None:
        return experts_recipe(query, relatives, made)
    runs = slices_of(query, [relative.component for relative in relatives])
    if len(runs) > 1 and (named or moved(runs) or _of_strangers(query, relatives, runs, models)):
        return passthrough_recipe(query, relatives, runs)
    if adapters and (fit := adapted(query, [relative.component for relative in relatives], adapters)) is not None:
        return adapter_recipe(query, relatives[fit.base], adapters[fit.adapter], fit)
    unexplained = None
    for cast in (True, False):
        members, places = parents_of(query, relatives, models, cast=cast)
        if places is None or len(members) < 2 or int(places.changed.sum()) < FEWEST_CHANGED:
            continue
        unexplained = members, places
        at = next((i for i, member in enumerate(members) if _is(member, base, relatives)), None)
        if base is not None and at is None:
            raise RegistryError("the base that was named does not hold the model's tensors, or is not related to it")
        found = trials(places, base=at)
        if found is not None and claimed(places, found.best):
            told = turned_round(places, found.best) is None and not spared(places, found.best)
            if told and not _of_whole_layers(found.best) and not _rounded(query, members, found.best, models):
                return _told(query, members, places, found)
            return None
    return None if unexplained is None else _unknown(query, *unexplained)


def _of_strangers(query: Component, relatives: Sequence[Relative], runs: Sequence[Slice], models: int) -> bool:
    """Whether layers in their own places are those of models that have nothing else in common with the query."""
    parents = sorted({run.relative for run in runs})
    found = [compare(query, relatives[n].component, models, thorough=False) for n in parents]
    return len(of_strangers(found)) == len(parents)


def _is(member: Relative, model: int | None, relatives: Sequence[Relative]) -> bool:
    """Whether a member is a model, or one of the models that hold its values."""
    if member.component.model_id == model:
        return True
    return any(one.component.model_id == model and one.name in member.coincides for one in relatives)


def _of_whole_layers(best: Fit) -> bool:
    """Whether every layer is one parent's alone: in its own place, so that the parents may come from it as well."""
    weights = best.proposal.weights
    return weights.shape[1] > 1 and bool((np.abs(weights - np.round(weights)) <= WHOLE_LAYER).all())


def _rounded(query: Component, members: Sequence[Relative], best: Fit, models: int) -> bool:
    """Whether the query is a rounding of one of those that a recipe names: a merge of two copies by 8 bits says it."""
    proposal = best.proposal
    named = [*proposal.members, *(() if proposal.base is None else (proposal.base,))]
    found = (compare(query, members[m].component, models, thorough=False) for m in named)
    return any(one.significant and relate(one).flags[:1] == ("numeric_copy",) for one in found)


def _told(query: Component, members: Sequence[Relative], places: MergePlaces, found: Trials) -> Recipe:
    """A recipe that replay proves."""
    best, proposal = found.best, found.best.proposal
    equals = (name for fit in found.equals for name in (fit.method.name, *fit.method.same_as))
    twins = tuple(dict.fromkeys(name for name in (*best.method.same_as, *equals) if name != best.method.name))
    layers = _layers(places, best)
    base = None if proposal.base is None else members[proposal.base]
    parents = _parents(members, places, best)
    return Recipe(
        component=query.name,
        method=best.method.name,
        base=base.name if base else None,
        base_source=base.source if base else None,
        parents=parents,
        exact_share=best.share,
        changed_share=best.share_of(places.changed),
        rival_share=found.rival.share if found.rival else 0.0,
        rival=_sentence(members, found.rival) if found.rival else None,
        unexplained=_unexplained(places, found.mixture),
        arithmetic=TYPES[proposal.arithmetic.bits],
        out_type=TYPES[places.bits],
        layers=layers,
        twins=twins,
        notes=tuple(_notes(members, best, twins, parents)),
        mergekit=arithmetic_config(best, parents, base.source if base else None, layers, TYPES[places.bits]),
    )


def _parents(members: Sequence[Relative], places: MergePlaces, best: Fit) -> tuple[ParentWeight, ...]:
    proposal = best.proposal
    ranges = intervals(places, proposal.members, proposal.base)
    if best.method.settings is not None and proposal.base is not None:  # regression says nothing of changes left out
        ranges = [(float("nan"), float("nan"))] * len(ranges)
    weights = proposal.shown.mean(axis=1)
    return tuple(
        ParentWeight(members[m].name, members[m].source, float(weight), *interval, members[m].coincides)
        for m, weight, interval in zip(proposal.members, weights, ranges, strict=True)
    )


def _layers(places: MergePlaces, best: Fit) -> tuple[LayerWeights, ...]:
    proposal, cells = best.proposal, places.cells
    shown = proposal.shown
    errors = cell_errors(places, proposal.members, proposal.base)
    found = []
    for cell, error in enumerate(errors):
        place = int(np.flatnonzero(cells == cell)[0])
        weights = shown[:, cell if shown.shape[1] > 1 else 0]
        found.append(
            LayerWeights(
                int(places.layer[place]),
                GROUPS[int(places.group[place])],
                tuple(weights.tolist()),
                tuple(error.tolist()),
            )
        )
    return tuple(found)


def _notes(members: Sequence[Relative], best: Fit, twins: Sequence[str], parents: Sequence[ParentWeight]) -> list[str]:
    notes = [f"not identifiable: {twin} reproduces as much as {best.method.name}" for twin in twins]
    for member in best.proposal.members:
        if members[member].coincides:
            names = ", ".join(members[member].coincides)
            notes.append(f"not identifiable: {names} holds the same values as {members[member].name}")
    if best.method.note:
        notes.append(best.method.note)
    if best.proposal.weights.shape[1] > 1:
        spans = zip(best.proposal.members, best.proposal.weights, strict=True)
        by_layer = ", ".join(f"{members[m].name} {each.min():z.2f} to {each.max():z.2f}" for m, each in spans)
        notes.append(f"weights differ by layer ({by_layer}); those below are their means")
    if any(not parent.low <= parent.weight <= parent.high for parent in parents if np.isfinite(parent.low)):
        notes.append(
            "least squares (low, high) misses a weight that replay tells: rounding is large beside the changes"
        )
    if best.method.settings is not None:
        notes.append("angles or densities of whole tensors are estimated from their samples, a tensor at a time")
    return notes


def _sentence(members: Sequence[Relative], fit: Fit) -> str:
    names = ", ".join(members[m].name for m in fit.proposal.members)
    return f"{fit.method.name} of {names}"


def _unexplained(places: MergePlaces, mixture: Mixture) -> float:
    apart = (places.relatives.astype(np.float64) - places.query) * places.scale
    nearest = float(np.square(apart[list(mixture.members)]).sum(axis=1).min())
    return mixture.residual / nearest if nearest else 0.0


def _unknown(query: Component, members: Sequence[Relative], places: MergePlaces) -> Recipe | None:
    """A model between others that no method here reproduces: the mixture is said, and the method is not."""
    mixture = plain_mixture(span_of(places).apart, range(len(members)))
    if mixture is None or _unexplained(places, mixture) > RECIPE_UNEXPLAINED:
        return None
    ranges = intervals(places, mixture.members, None)
    parents = tuple(
        ParentWeight(members[m].name, members[m].source, weight, *interval, members[m].coincides)
        for m, weight, interval in zip(mixture.members, mixture.weights, ranges, strict=True)
    )
    return Recipe(
        component=query.name,
        method="unknown",
        base=None,
        base_source=None,
        parents=parents,
        exact_share=0.0,
        changed_share=0.0,
        unexplained=_unexplained(places, mixture),
        out_type=TYPES[places.bits],
        notes=("the values lie between those of the parents, and no method that is known here reproduces them",),
        mergekit=None,
    )
