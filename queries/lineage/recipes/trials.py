"""Every method tried on the mixtures that come nearest, then decoys: whether the best recipe beats all others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TypeVar

import numpy as np

from ...data.precision import float_bits, rounded_to
from ...thresholds.recipes import (
    BEYOND_PARENT,
    CONSTANT_WEIGHTS,
    LEAST_DENSITY,
    LEAST_WEIGHT,
    MOST_WEIGHT,
    ON_ONE_LINE,
    RECIPE_CLAIMED,
    SHARES_BY_CHANCE,
    SPARED,
)
from .methods import METHODS
from .methods.linear import LINEAR
from .mixtures.alone import kept_alone
from .mixtures.pursuit import (
    Mixture,
    arc_mixture,
    mixtures_of_changes,
    nearest_pairs,
    other_bases,
    plain_mixture,
    simplest,
    span_of,
    without_base,
)
from .mixtures.values import moved_towards, over_most_equal, taken_over
from .places import SEARCHED, MergePlaces
from .proposal import MASKED, PLAIN, TRIMMED, Arithmetic, Method, Proposal, arithmetics
from .refining import Fit, claimed, proven, refined
from .regression import cell_weights

_Said = TypeVar("_Said")
_BASES_TRIED = 3
_ALONE_TRIED = 2
_PAIRS = 2
_TUNED_AT_MOST = 4
"""Proposals of a method that are tuned: mixtures of one model lead to the same few of them."""
_MAY_BE_BASE = 0.1
"""How far the factor of a parent may lie from 1 for it to be tried as the base: they are had to some percent."""
_HEAVY = 0.1
"""Weight below which a parent of the nearest mixture is left out once: of light changes strangers got 0.03."""
_SAME_WEIGHTS = 4
"""Decimals of weights by which two proposals are one: searches go on from there."""
_FACTOR_DECIMALS = (1, 2, 3)
"""Of factors that somebody chose to go further along a change."""
_DECOYS_TUNED = 2
"""The same of decoys: what is left of a recipe without one of its parents."""


@dataclass(frozen=True)
class Trials:
    """The best fit of a query, its equals up to chance (simplest first, the best among them), and the best rival."""

    best: Fit
    equals: tuple[Fit, ...]
    rival: Fit | None
    mixture: Mixture


def tried(
    places: MergePlaces,
    *,
    methods: Sequence[Method] = METHODS,
    allowed: Sequence[int] | None = None,
    base: int | None = None,
) -> list[tuple[Fit, Mixture]]:
    """Every method on the nearest mixtures of the allowed relatives, refined; with a `base` only changes of that."""
    members = list(range(len(places.relatives))) if allowed is None else list(allowed)
    mixtures = mixtures_of(places, members, base)
    found: list[tuple[Fit, Mixture]] = []
    for stage in sorted({method.stage for method in methods}):
        enough = RECIPE_CLAIMED if stage == MASKED else CONSTANT_WEIGHTS
        if any(proven(places, fit) >= enough for fit, _ in found):
            break  # what has more freedom, and takes longer, is asked where nothing simpler does
        further = (
            nearest_around(places, mixtures, members, base) if stage == PLAIN else kept_alone(places, members, base)
        )
        starts = [*mixtures, *further]
        if stage == MASKED:
            starts = _alone_if_any(places, starts, base)
        for method in (one for one in methods if one.stage == stage):
            own = method.starts(places, members, base) if method.starts else ()
            found += _fits_of(places, method, [*starts, *own])
    best = max((fit for fit, _ in found), key=lambda fit: fit.share, default=None)
    if best is not None and base is None and best.method.stage == TRIMMED and proven(places, best) < CONSTANT_WEIGHTS:
        found += _fits_of(places, best.method, _on_other_bases(places, best, members))
    return found


def _fits_of(places: MergePlaces, method: Method, starts: Sequence[Mixture]) -> list[tuple[Fit, Mixture]]:
    """What one method makes of some mixtures, every one refined."""
    return [
        (fit, mixture)
        for proposal, mixture in _promising(places, method, starts)
        for fit in refinements(places, method, proposal)
        if not method.weighted or _of_all(fit)
    ]


def _on_other_bases(places: MergePlaces, best: Fit, members: Sequence[int]) -> list[Mixture]:
    """Changes of the same parents, or of all but one, from other bases: those that are nearest to what was found.

    Where changes were trimmed, least squares takes a light fine-tune of the base for the base, and a third parent in.
    """
    parents, own = best.proposal.members, best.proposal.base
    others = [member for member in members if member != own and member not in parents]
    if own is None or not others:
        return []
    apart = span_of(places).apart
    near = np.argsort(np.square(apart[:, others] - apart[:, [own]]).sum(axis=0))[:_BASES_TRIED]
    fewer = combinations(parents, len(parents) - 1) if len(parents) > 2 else ()
    found = {each: mixtures_of_changes(apart, each, [others[i] for i in near.tolist()]) for each in (parents, *fewer)}
    return [mixture for each, made in found.items() for mixture in made if len(mixture.members) == len(each)]


def _promising(places: MergePlaces, method: Method, mixtures: Sequence[Mixture]) -> list[tuple[Proposal, Mixture]]:
    """What a method proposes; of one whose settings are tuned, those that reproduce most as they are."""
    if method.settings is not None:
        mixtures = _distinct(mixtures)
    made = [(p, mixture) for mixture in mixtures for p in method.estimate(places, mixture, _arithmetics(places))]
    if method.settings is None:
        kept: dict[object, tuple[Proposal, Mixture]] = {}
        for proposal, mixture in made:
            kept.setdefault(_key(proposal), (proposal, mixture))
        return list(kept.values())
    return _best_as_they_are(places, method, made, _TUNED_AT_MOST)


def _arithmetics(places: MergePlaces) -> tuple[Arithmetic, ...]:
    """What a merge may be computed in."""
    found = arithmetics(places.bits)
    return found[:1] if places.uncast else found


def _key(proposal: Proposal) -> object:
    """What a proposal without settings is searched by: its members in their order, base, type and first weights."""
    weights = np.round(proposal.weights, _SAME_WEIGHTS).tobytes()
    setting = None if proposal.setting is None else proposal.setting.tobytes()
    return proposal.members, proposal.base, proposal.arithmetic, weights, setting, proposal.stated


def _alone_if_any(places: MergePlaces, mixtures: list[Mixture], base: int | None) -> list[Mixture]:
    """The likeliest mixtures of changes that were kept alone; other ones with a base only where there is none.

    A search takes long. A parent whose factor is next to 1 may change places with the base, unless that is given.
    """
    alone = [mixture for mixture in mixtures if mixture.factors][:_ALONE_TRIED]
    turned = [
        other
        for mixture in alone
        for parent, factor in zip(mixture.members, mixture.weights, strict=True)
        if base is None and mixture.base is not None and abs(factor - 1) <= _MAY_BE_BASE
        for other in kept_alone(places, sorted((*mixture.members, mixture.base)), parent)
    ]
    known = {(frozenset(mixture.members), mixture.base) for mixture in alone}
    alone += [other for other in turned if (frozenset(other.members), other.base) not in known]
    return [*alone, *(mixture for mixture in mixtures if mixture.base is None)] if alone else mixtures


def _distinct(mixtures: Sequence[Mixture]) -> list[Mixture]:
    """One mixture of each base and parents, the nearest: their weights are had anew where settings are tuned.

    Those without a base stay, each with its weights.
    """
    kept: dict[object, Mixture] = {}
    for mixture in mixtures:
        parents = mixture.members if mixture.base is None else frozenset(mixture.members)
        kept.setdefault((parents, mixture.base, mixture.weights if mixture.base is None else ()), mixture)
    return list(kept.values())


def _best_as_they_are(
    places: MergePlaces, method: Method, made: list[tuple[Proposal, _Said]], most: int
) -> list[tuple[Proposal, _Said]]:
    """The proposals that reproduce most before anything is tuned or searched, `most` of them."""
    if len(made) <= most:
        return made
    some = places.thinned(SEARCHED)
    return sorted(made, key=lambda one: -some.share(method.replay(some, one[0])))[:most]


def _of_all(fit: Fit) -> bool:
    """Whether every parent weighs enough to be one, and keeps as much: what was searched down to nothing is none.

    A model that lies beyond one parent, seen from the base, is no merge of it: of three on one line the parent in the
    middle is the merge, and what little the others add makes up for rounding.
    """
    if fit.method.stage == TRIMMED and np.median(fit.proposal.densities, axis=1).min() < LEAST_DENSITY:
        return False
    weights = np.abs(fit.proposal.weights).mean(axis=1)
    total = float(weights.sum())
    beyond = fit.proposal.base is not None and total > 1 and total - float(weights.max()) < BEYOND_PARENT * total
    least = LEAST_WEIGHT * max(1.0, total)  # TIES divides by the sum
    return bool(((weights >= least) & (weights <= MOST_WEIGHT)).all()) and not beyond


def mixtures_of(places: MergePlaces, members: Sequence[int], base: int | None) -> list[Mixture]:
    """What methods start from: the nearest mixtures, whose values were taken over, and where changes were left out.

    Sums are found by these and what is `nearest_around`; what was kept alone is looked for where no sum does.
    """
    return [
        *nearest_mixtures(places, members, base),
        *_pairs(places, members, base),
        *taken_over(places, members, base),
        *over_most_equal(places, members, base),
        *(moved_towards(places, members) if base is None else ()),
    ]


def _pairs(places: MergePlaces, members: Sequence[int], base: int | None) -> list[Mixture]:
    """The pairs whose changes come nearest, and without a base the plain mixtures of every two of the three."""
    apart = span_of(places).apart
    found = nearest_pairs(apart, members, list(members) if base is None else [base], _PAIRS)
    trios = [(*mixture.members, mixture.base) for mixture in found if mixture.base is not None and base is None]
    pairs = {frozenset(pair) for trio in trios for pair in combinations(trio, 2)}
    plain = (plain_mixture(apart, sorted(pair)) for pair in sorted(pairs, key=sorted))
    return [*found, *(mixture for mixture in plain if mixture is not None)]


def refinements(places: MergePlaces, method: Method, proposal: Proposal) -> list[Fit]:
    """The proposal refined with constant weights, and with those of every cell where those alone do not do."""
    constant = refined(places, method, proposal)
    if constant.share >= CONSTANT_WEIGHTS or not method.gradable:
        return [constant]
    weights = cell_weights(places, proposal.members, proposal.base, on_arc=method.on_arc)
    graded = replace(proposal, weights=weights)
    if method.on_arc and method.within:  # angles of samples leave half of the values and less
        graded = method.within(places, graded)
    return [constant, refined(places, method, graded)]


def _of_changes(places: MergePlaces, members: Sequence[int], base: int | None) -> list[Mixture]:
    """The mixtures of changes of several parents, the nearest first: of every base, or of the one that is given."""
    bases = list(members) if base is None else [base]
    key = ("mixtures of changes", tuple(members), base)
    every = places.once(key, lambda: mixtures_of_changes(span_of(places).apart, members, bases))
    return [mixture for mixture in every if len(mixture.members) > 1]


def nearest_mixtures(places: MergePlaces, members: Sequence[int], base: int | None) -> list[Mixture]:
    """The plain mixture, that of two on an arc, and those of changes that come next to nearest.

    The last are of a few bases, or of the one that is given.
    """
    span = span_of(places)
    plain = plain_mixture(span.apart, members) if base is None else None
    arc = arc_mixture(span, members) if base is None else None
    if arc and plain and set(arc.members) == set(plain.members):
        arc = None
    bare = [mixture for mixture in (plain, arc) if mixture]
    several = simplest(_of_changes(places, members, base))[:_BASES_TRIED]
    return [*bare, *(without_base(several, bare) if base is None else ()), *several]


def nearest_around(
    places: MergePlaces, known: Sequence[Mixture], members: Sequence[int], base: int | None
) -> list[Mixture]:
    """Of the mixtures of changes the nearest, with others of its members for the base, and without what weighs little.

    Of light changes rounding leaves least squares too little to tell which it is, and three models of a plain mixture,
    each the base of the two others, are that mixture three times. Sums alone start here: replay tells them apart.
    """
    found = _of_changes(places, members, base)[:1]
    for nearest in tuple(found):
        heavy = [m for m, weight in zip(nearest.members, nearest.weights, strict=True) if weight >= _HEAVY]
        if len(heavy) < len(nearest.members):
            found += _of_changes(places, heavy, nearest.base)
    plain = [mixture for mixture in known if mixture.base is None]
    turned = [one for nearest in found[:1] for one in other_bases(nearest)]
    return found if base is not None else [*found, *turned, *without_base(found, plain)]


def trials(places: MergePlaces, *, allowed: Sequence[int] | None = None, base: int | None = None) -> Trials | None:
    """The recipe that reproduces most, and where that is enough to be told its best rival; None where nothing fits."""
    found = tried(places, allowed=allowed, base=base)
    if not found:
        return None
    top = max((fit for fit, _ in found), key=lambda fit: fit.share)
    equals = [pair for pair in found if not _worse(pair[0], top)]
    equals.sort(key=lambda pair: (_order(pair[0]), len(pair[1].members), -pair[0].share))
    best, mixture = equals[0]
    if not claimed(places, best):
        return Trials(best, (best,), None, mixture)
    others = [fit for fit, _ in found if fit.method.name != best.method.name and _worse(fit, top)]
    rival = max([*others, *_decoys(places, best, allowed)], key=lambda fit: fit.share, default=None)
    if rival is not None and _worse(best, rival):
        return _of_rival(places, best, rival, base, mixture)
    return of_two(places, best, base) or Trials(best, tuple(fit for fit, _ in equals), rival, mixture)


def of_two(places: MergePlaces, best: Fit, base: int | None) -> Trials | None:
    """The recipe of two of three or more models on one line that reproduces as much; None where none does.

    Any of them gives another by weights of its own: two say all that values can tell.
    """
    members = sorted({*best.proposal.members, *(() if best.proposal.base is None else (best.proposal.base,))})
    if len(members) < 3 or not _on_one_line(places.of(members).thinned(SEARCHED)):
        return None
    pairs = [pair for pair in combinations(members, 2) if base is None or base in pair]
    made = [found for pair in pairs if (found := trials(places, allowed=pair, base=base)) is not None]
    top = max(made, key=lambda found: found.best.share, default=None)
    return None if top is None or _worse(top.best, best) else replace(top, rival=best)


def _on_one_line(places: MergePlaces) -> bool:
    """Whether relatives differ along one direction, but for what rounding adds."""
    apart = (places.relatives - places.relatives.mean(axis=0)) * places.scale
    strength = np.linalg.eigvalsh(apart @ apart.T)
    return bool(strength[-2] <= ON_ONE_LINE * strength[-1])


def _of_rival(places: MergePlaces, best: Fit, rival: Fit, base: int | None, mixture: Mixture) -> Trials:
    """The recipe of the parents of a rival that reproduces more: among many on one line others came first."""
    members, shared = rival.proposal.members, rival.proposal.base
    ways = (
        [members] if shared is None else [members, (*members, shared)]
    )  # a base of weights that sum to 1 says nothing
    for own in (way for way in ways if base is None or base in way):
        again = trials(places, allowed=sorted(own), base=base)
        if again is not None and not _worse(again.best, rival):
            return replace(again, rival=best)
    return Trials(rival, (rival,), best, mixture)


def _order(fit: Fit) -> tuple[int, int]:
    """Constant weights before graded ones, then as the table of methods stands."""
    return fit.proposal.weights.shape[1], METHODS.index(fit.method)


def _worse(fit: Fit, top: Fit) -> bool:
    """Whether a fit reproduces less than another by more than chance (McNemar, 1947)."""
    lost, won = int((top.equal & ~fit.equal).sum()), int((fit.equal & ~top.equal).sum())
    return lost - won > SHARES_BY_CHANCE * math.sqrt(max(1, lost + won))


def _decoys(places: MergePlaces, best: Fit, allowed: Sequence[int] | None) -> list[Fit]:
    """The same method with the relatives that come next, each parent left out in turn."""
    members = list(range(len(places.relatives))) if allowed is None else list(allowed)
    found = []
    for parent in best.proposal.members:
        rest = [member for member in members if member != parent]
        found += tried_fits(places, best.method, rest, best.proposal.base)
    return found


def tried_fits(places: MergePlaces, method: Method, members: Sequence[int], base: int | None) -> list[Fit]:
    """One method on the nearest mixture of some relatives."""
    near = nearest_mixtures(places, members, base)[:1]
    mixtures = [*near, *taken_over(places, members, base), *over_most_equal(places, members, base)]
    if method.stage != PLAIN:
        mixtures += kept_alone(places, members, base)
    mixtures += method.starts(places, members, base) if method.starts else ()
    if method.stage == MASKED:
        mixtures = _alone_if_any(places, mixtures, base)
    made = [
        (p, None) for mixture in _distinct(mixtures) for p in method.estimate(places, mixture, _arithmetics(places))
    ]
    return [refined(places, method, proposal) for proposal, _ in _best_as_they_are(places, method, made, _DECOYS_TUNED)]


def turned_round(places: MergePlaces, best: Fit) -> int | None:
    """The parent that is itself a linear merge of the query and the others, as far as replay tells; None for none.

    Of models on one line (or in one plane) the one in the middle is the merge: the others are its parents. Of two
    parents one may also be what the query became by going on, or back, along a change (ExPO, a task vector taken off).
    """
    proposal = best.proposal
    members = [*proposal.members, *(() if proposal.base is None else (proposal.base,))]
    some, share = places.thinned(SEARCHED), float(best.equal[:: places.step(SEARCHED)].mean())
    for parent in members:
        others = [member for member in members if member != parent]
        other_way = replace(
            some,
            query=some.relatives[parent],
            relatives=np.vstack([some.query[None, :], some.relatives[others]]),
            bits=float_bits(some.relatives[parent]),
        )
        fits = tried_fits(other_way, LINEAR, range(len(members)), None)
        if best.method is not LINEAR:
            simple = [method for method in METHODS if method.stage <= TRIMMED]
            fits += [fit for fit, _ in tried(other_way, methods=simple)]
        if any(0 in fit.proposal.members and fit.share >= share for fit in fits):
            return parent
        if len(others) == 1 and _extrapolated(other_way, _share_of(proposal, parent)) >= share:
            return parent
    return None


def spared(places: MergePlaces, best: Fit) -> bool:
    """Whether a sum of three or more models, base among them, does nearly as well without one of them.

    A model that takes part gives most of what is missed without it. Where something is missed, and without one model
    at most twice as much, a sum only comes near by its many weights: of a change that was made twice the model between
    is nearly the mean of two.
    """
    proposal = best.proposal
    members = {*proposal.members, *(() if proposal.base is None else (proposal.base,))}
    if best.method.stage != PLAIN or len(members) < 3 or best.equal.all():
        return False
    simple = [method for method in METHODS if method.stage == PLAIN]
    rests = (sorted(members - {member}) for member in members)
    fits = (fit for rest in rests for fit, _ in tried(places, methods=simple, allowed=rest))
    return any(1 - fit.share <= SPARED * (1 - best.share) for fit in fits)


def _share_of(proposal: Proposal, parent: int) -> float:
    """The mean weight of one of two models that a recipe names, its base among them."""
    weights = dict(zip(proposal.members, proposal.shown.mean(axis=1).tolist(), strict=True))
    return weights.get(parent, 1 - sum(weights.values()))


def _extrapolated(places: MergePlaces, share: float) -> float:
    """Share of the values of a model that two relatives give, which lie on one line with it, beyond the first of them.

    `share` is its part in the first: of a change that went `factor` times as far it is 1 / factor. Factors of few
    decimals are tried, as a weighted sum and as start + factor * (first - second) from either.
    """
    near, far = places.relatives
    if abs(share) <= LEAST_WEIGHT:
        return 0.0
    shares = [0.0]
    for factor in {round(1 / share, decimals) for decimals in _FACTOR_DECIMALS}:
        exact = factor * near.astype(np.float64) + (1 - factor) * far.astype(np.float64)
        shares += [
            places.share(exact.astype(np.float32)),
            places.share(np.float32(factor) * near + np.float32(1 - factor) * far),
        ]
        for start, more in ((near, factor - 1), (far, factor)):
            change = np.float32(more) * (near - far)
            kept = rounded_to(np.float32(more) * rounded_to(near - far, places.bits), places.bits)
            shares += [places.share(start + change), places.share(start + kept)]
    return max(shares)
