"""SCE: the changes that differ most among the parents, each parent by the energy of its own, of the elected sign.

Source: Wan et al., "FuseChat: Knowledge Fusion of Chat Models", 2024.

*Limitations.* Which changes are selected and how much a parent has follow from whole tensors: both are estimated from
the samples of each, and tuned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ....thresholds.recipes import REFINING_FROM, SHARES_BY_CHANCE, WORTH_SEARCHING
from ..mixtures.pursuit import MOST_PARENTS, Mixture
from ..mixtures.values import bases_of
from ..places import SEARCHED, Floats, MergePlaces, Vector
from ..proposal import SELECTED, Arithmetic, Method, Proposal, each_way
from ..rounding import factors_within, half_steps
from .changes import left_in, of_elected_sign, ranks, spread, whole, with_bases
from .ties import TUNED

_SHARES = np.linspace(0.1, 1.0, 10)
"""Shares of changes that the search starts from."""
_FINER = np.linspace(0.05, 1.0, 20)
"""Those that it is looked at more closely at: of 256 values another share is selected in every tensor."""
_ROUGH = _SHARES[1::2]
"""Shares that a further parent is glanced at: the next share gives half of what the true one gives, and more."""
_LEADS = 2
"""Nearest relatives that parents are added to: the parent of most energy is next to the whole merge."""
_GLANCED, _LISTED = 6, 8
"""Tensors that further parents are glanced at in, and how many of these are looked at more closely: time was chosen."""
_SMALLEST = 1e-6
"""A sum of mean squares below which mergekit's parents count alike, whatever their energy."""
_FACTORS = (np.geomspace(1 / 1.8, 1.8, 17), np.linspace(0.98, 1.02, 7), np.linspace(0.997, 1.003, 7))
"""Factors of a parent's energy: 256 values give it to 9 % (one standard error), the fifth that is selected to 20 %."""

_TOTALS = (np.ones(1), np.linspace(0.996, 1.004, 9), np.linspace(0.996, 1.004, 9))
"""Sums of the energies: what they are divided by is rounded in the type of the merge too, in bfloat16 by 0.4 %."""
_REACH = {2: 4, 3: 2, 4: 1}
"""Parents -> steps of its type that a weight may move either way when all move together: 81 to 125 choices."""
_ROUNDS_OF_BOUNDS = 3
"""How often weights are had from bounds: each time the sums of those heard are known better."""
_MISSED = 3
"""Values of a tensor that are missed, at least, for its weights to be moved together."""


def estimate_sce(places: MergePlaces, mixture: Mixture, types: Sequence[Arithmetic]) -> list[Proposal]:
    """Energies from the samples, and of the starting shares and types those that reproduce most."""
    tried = []
    for one in with_bases(mixture):
        if one.base is None or len(one.members) < 2:
            continue
        for each in types:
            arithmetic = replace(each, stepwise=True)
            tried += [_with(places, one.members, one.base, arithmetic, share) for share in _SHARES]
    if not tried:
        return []
    some = places.thinned(SEARCHED)
    changed = places.changed[:: places.step(SEARCHED)]
    shares = [(replay_sce(some, one) == some.query)[changed].mean() for one in tried]
    return [tried[int(np.argmax(shares))]] if max(shares) >= REFINING_FROM else []


def starts_of_sce(places: MergePlaces, members: Sequence[int], base: int | None) -> list[Mixture]:
    """Parents of little energy, added to the nearest relatives one after another while more of the values come out.

    A parent of a fiftieth of the energy moves values by a step or two, which least squares cannot tell from rounding;
    that the values come out bit for bit tells it.
    """
    apart = {m: float(np.square((places.relatives[m] - places.query) * places.scale).sum()) for m in members}
    found = []
    for ground in bases_of(places, members, base):
        others = [member for member in members if member != ground]
        for lead in sorted(others, key=lambda m: apart[m])[:_LEADS]:
            for parents in _added(places, ground, lead, others)[-2:]:  # the last may be one too many
                equal = (1 / len(parents),) * len(parents)
                found.append(Mixture(parents, equal, apart[lead], ground, trimmed=True))
    return found


def _added(places: MergePlaces, base: int, lead: int, others: Sequence[int]) -> list[tuple[int, ...]]:
    """The lead with what is added to it, one more each time: that by which most values come out, beyond chance."""
    few, chosen = places.few_tensors()  # whole ones: what is selected follows from ranks in a tensor
    changed = places.changed[np.isin(places.tensor, chosen)]
    every = max(1, len(chosen) // _GLANCED)
    seen = few.tensor % every == 0
    glance = few.some(seen)
    glance = replace(glance, tensor=glance.tensor // every)

    def given(parents: tuple[int, ...], at: MergePlaces, where: NDArray[np.bool_], shares: Vector) -> NDArray[np.bool_]:
        made = (_with(at, parents, base, Arithmetic(places.bits), share) for share in shares)
        equal = np.stack([(replay_sce(at, one) == at.query) & where for one in made])
        best = np.stack([np.bincount(at.tensor, each) for each in equal]).argmax(axis=0)  # in every tensor
        return np.asarray(equal[best[at.tensor], np.arange(len(at.tensor))])

    added: list[tuple[int, ...]] = [(lead,)]
    before = np.zeros(len(changed), np.bool_)
    while len(added) < min(MOST_PARENTS, len(others)):
        tries = [(*added[-1], m) for m in others if m not in added[-1]]
        if len(tries) > _LISTED:
            tries = sorted(tries, key=lambda one: -int(given(one, glance, changed[seen], _ROUGH).sum()))[:_LISTED]
        looked = [(given(one, few, changed, _FINER), one) for one in tries]
        now, parents = max(looked, key=lambda pair: int(pair[0].sum()))
        won, lost = int((now & ~before).sum()), int((before & ~now).sum())
        enough = changed.any() and now[changed].mean() >= WORTH_SEARCHING
        if not enough or won - lost <= SHARES_BY_CHANCE * np.sqrt(won + lost):
            break
        added.append(parents)
        before = now
    return added[1:]


def _with(places: MergePlaces, members: tuple[int, ...], base: int, arithmetic: Arithmetic, share: float) -> Proposal:
    """A proposal that selects one share of all tensors, each parent by its energy."""
    empty = spread([share] + [1.0] * (len(members) + 1), places)
    made = Proposal(members, base, np.ones((len(members), 1)), arithmetic, empty)
    energy = _energies(places, made)
    return replace(made, weights=energy.mean(axis=1, keepdims=True), setting=np.vstack([empty[:1], energy, empty[-1:]]))


def _given(proposal: Proposal) -> Vector:
    """Its setting [2 + n, tensors]: the share that is selected, the parents' energies, their sum."""
    if proposal.setting is None:
        raise ValueError("SCE needs shares and weights")
    return proposal.setting


def _energies(places: MergePlaces, proposal: Proposal) -> Vector:
    """Each parent's share [n, tensors] of the squares of what is selected; equal ones where that is next to nothing."""
    selected, _ = _elected(places, proposal)
    squares = np.stack([np.bincount(places.tensor, np.square(change)) for change in selected.astype(np.float64)])
    total = squares.sum(axis=0)
    tells = total >= _SMALLEST * np.bincount(places.tensor)
    return np.asarray(np.where(tells, squares / np.where(tells, total, 1), 1 / len(squares)))


def _selected(places: MergePlaces, proposal: Proposal) -> NDArray[np.bool_]:
    """Where [m] the changes differ most: the largest share of the variances that are not 0."""
    changes = proposal.changes_at(places)
    key = ("variance", proposal.members, proposal.base, proposal.arithmetic.bits)
    rank, counts = places.once(key, lambda: _ranked(places, np.asarray(changes.var(axis=0), np.float32)))
    share = _given(proposal)[0]
    return np.asarray((rank < places.of_tensors(whole(share * counts))) | places.of_tensors(share >= 1))


def _ranked(places: MergePlaces, variance: Floats) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The rank [m] of each variance in its tensor, and how many [tensors] are not 0."""
    return ranks(places.tensor, variance), np.bincount(places.tensor, variance > 0).astype(np.int64)


def replay_sce(places: MergePlaces, proposal: Proposal) -> Floats:
    """Base + the weighted mean of what is selected and of the elected sign, in the type of the merge."""
    rounded, base = proposal.arithmetic.rounded, proposal.base_at(places)
    changes, heard = _elected(places, proposal)
    weights = places.of_tensors(_weights(_given(proposal), proposal.arithmetic)) * heard
    merged = rounded(np.asarray(rounded(changes * weights).sum(axis=0), np.float32))
    divisor = rounded(np.maximum(weights.sum(axis=0), np.float32(1e-6)))
    return rounded(np.asarray(base + rounded(merged / divisor), np.float32))


def _elected(places: MergePlaces, proposal: Proposal) -> tuple[Floats, NDArray[np.bool_]]:
    """The changes [n, m] that are selected, and which of them are of the elected sign.

    Weights are tuned many times over one selection: the last one is kept.
    """
    last: dict[object, tuple[Floats, NDArray[np.bool_]]] = places.once(("elected",), dict)
    key = (proposal.members, proposal.base, proposal.arithmetic.bits, _given(proposal)[0].tobytes())
    if key not in last:
        changes = left_in(proposal.changes_at(places), _selected(places, proposal))
        last.clear()
        last[key] = changes, of_elected_sign(changes, axis=0)
    return last[key]


def _weights(setting: Vector, arithmetic: Arithmetic) -> Floats:
    """The parents' weights [n, tensors] in the type of the merge: an energy that is tuned takes from all others."""
    energy, total = setting[1:-1], setting[-1]
    return arithmetic.rounded(np.asarray(energy / energy.sum(axis=0) * total, np.float32))


def within_sce(places: MergePlaces, proposal: Proposal) -> Proposal:
    """Weights of tensors where values are missed: those under which sums come within half a step, and all near them.

    One after another they stop where two would have to move at once.
    """
    given = _given(proposal)
    missed = np.bincount(places.tensor, replay_sce(places, proposal) != places.query)
    chosen = np.flatnonzero(missed >= _MISSED)
    if len(proposal.members) not in _REACH or not len(chosen):
        return proposal
    some = places.some(np.isin(places.tensor, chosen))
    some = replace(some, tensor=np.searchsorted(chosen, some.tensor))
    before = replace(proposal, setting=given[:, chosen])
    best, kept = given[:, chosen], np.full(len(chosen), -1.0)
    bounded = _by_bounds(some, before)
    for start, stride in ((best, 1), (bounded, 1), (None, 5), (None, 1), (None, 1)):
        for trial in _near(replace(before, setting=best if start is None else start), stride):
            equal = replay_sce(some, replace(proposal, setting=trial)) == some.query
            count = np.bincount(some.tensor, equal, minlength=len(chosen))
            best, kept = np.where(count > kept, trial, best), np.maximum(count, kept)
    setting = given.copy()
    setting[:, chosen] = best
    return replace(proposal, setting=setting)


def _near(proposal: Proposal, stride: int) -> Iterator[Vector]:
    """Settings whose weights are some steps of their type away, each either way; of all but the largest, strides.

    A hundredth has smaller steps than what all weights are divided by, which hides some of them.
    """
    setting, arithmetic, reach = _given(proposal), proposal.arithmetic, _REACH[len(proposal.members)]
    weights = _weights(setting, arithmetic)
    step = 2 * half_steps(weights, arithmetic.bits)
    step *= np.where(weights == weights.max(axis=0), 1, stride)
    for moves in product(range(-reach, reach + 1), repeat=len(weights)):
        moved = np.maximum(weights + np.array(moves)[:, None] * step, step)
        yield np.vstack([setting[:1], moved, moved.sum(axis=0, keepdims=True)])


def _by_bounds(places: MergePlaces, proposal: Proposal) -> Vector:
    """The setting with the weights under which the merged changes come within half a step of every value.

    A merged change D is the mean of changes d by weights w, so sum(w (d - D)) = 0 over the parents of the elected sign.
    """
    setting, base = _given(proposal), proposal.base_at(places)
    changes, heard = _elected(places, proposal)
    change = places.query.astype(np.float64) - base
    half = half_steps(places.query, places.bits) + np.abs(change) * 2.0 ** (1 - proposal.arithmetic.bits)
    half[heard.sum(axis=0) < 2] = np.inf  # one parent's change alone is its own, whatever the weights
    for _ in range(_ROUNDS_OF_BOUNDS):
        weights = setting[1:-1] / setting[1:-1].sum(axis=0)
        total = np.maximum((places.of_tensors(weights) * heard).sum(axis=0), _SMALLEST)
        parts = heard * (changes - change) / total
        found = factors_within(parts[:-1] - parts[-1], -parts[-1], half, places.tensor)
        found = np.clip(np.vstack([found, 1 - found.sum(axis=0)]), _SMALLEST, 1.0)
        setting = np.vstack([setting[:1], found / found.sum(axis=0), np.ones((1, setting.shape[1]))])
    return setting


def _settings(setting: Vector, row: int, fine: int) -> list[Vector]:
    if row == 0:
        return [np.clip(setting[row] + more, 0.01, 1.0) for more in TUNED[min(fine, 1)]]
    if row == len(setting) - 1:
        return [np.full_like(setting[row], total) for total in _TOTALS[fine]]
    return [np.clip(setting[row] * factor, 1e-6, 1.0) for factor in _FACTORS[fine]]


SCE = Method(
    "sce",
    estimate_sce,
    replay_sce,
    each_way,
    settings=_settings,
    gradable=False,
    weighted=False,
    stage=SELECTED,
    shared=lambda proposal: {"select_topk": round(float(np.median(proposal.densities[0])), 2)},
    note="the weights are the means over tensors of what the parents' changes give",
    starts=starts_of_sce,
    within=within_sce,
)
