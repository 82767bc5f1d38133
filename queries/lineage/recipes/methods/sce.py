"""SCE: the changes that differ most among the parents, each parent by the energy of its own, of the elected sign.

Source: Wan et al., "FuseChat: Knowledge Fusion of Chat Models", 2024.

*Limitations.* Which changes are selected and how much a parent has follow from whole tensors: both are estimated from
the samples of each, and tuned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ....thresholds.recipes import REFINING_FROM, SHARES_BY_CHANCE, WORTH_SEARCHING
from ..mixtures.pursuit import MOST_PARENTS, Mixture
from ..mixtures.values import bases_of
from ..places import SEARCHED, Floats, MergePlaces, Vector
from ..proposal import SELECTED, Arithmetic, Method, Proposal, each_way
from .changes import ranks, spread, with_bases
from .ties import TUNED

_SHARES = np.linspace(0.1, 1.0, 10)
"""Shares of changes that the search starts from."""
_ROUGH = _SHARES[1::2]
"""Shares that a further parent is tried at: the next share gives half of what the true one gives, and more."""
_LEADS = 2
"""Nearest relatives that parents are added to: the parent of most energy is next to the whole merge."""
_GLANCED, _LISTED = 6, 8
"""Tensors that further parents are glanced at in, and how many of these are looked at more closely: time was chosen."""
_SMALLEST = 1e-6
"""A sum of mean squares below which mergekit's parents count alike, whatever their energy."""
_FACTORS = (np.geomspace(1 / 1.8, 1.8, 49), np.linspace(0.98, 1.02, 17), np.linspace(0.997, 1.003, 25))
"""Factors of a parent's energy: 256 values give it to 9 % (one standard error), the fifth that is selected to 20 %."""


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

    def given(parents: tuple[int, ...], at: MergePlaces, where: NDArray[np.bool_]) -> NDArray[np.bool_]:
        made = [_with(at, parents, base, Arithmetic(places.bits), rough) for rough in _ROUGH]
        equal = [(replay_sce(at, one) == at.query)[where] for one in made]
        return max(equal, key=lambda each: int(each.sum()))

    added: list[tuple[int, ...]] = [(lead,)]
    before = np.zeros(int(changed.sum()), np.bool_)
    while len(added) < min(MOST_PARENTS, len(others)):
        tries = [(*added[-1], m) for m in others if m not in added[-1]]
        if len(tries) > _LISTED:
            tries = sorted(tries, key=lambda one: -int(given(one, glance, changed[seen]).sum()))[:_LISTED]
        now, parents = max(((given(one, few, changed), one) for one in tries), key=lambda pair: int(pair[0].sum()))
        won, lost = int((now & ~before).sum()), int((before & ~now).sum())
        if now.mean() < WORTH_SEARCHING or won - lost <= SHARES_BY_CHANCE * np.sqrt(won + lost):
            break
        added.append(parents)
        before = now
    return added[1:]


def _with(places: MergePlaces, members: tuple[int, ...], base: int, arithmetic: Arithmetic, share: float) -> Proposal:
    """A proposal that selects one share of all tensors, each parent by its energy."""
    empty = spread([share] + [1.0] * len(members), places)
    made = Proposal(members, base, np.ones((len(members), 1)), arithmetic, empty)
    energy = _energies(places, made)
    return replace(made, weights=energy.mean(axis=1, keepdims=True), setting=np.vstack([empty[:1], energy]))


def _energies(places: MergePlaces, proposal: Proposal) -> Vector:
    """Each parent's share [n, tensors] of the squares of what is selected; equal ones where that is next to nothing."""
    selected = np.where(_selected(places, proposal), proposal.changes_at(places), 0).astype(np.float64)
    squares = np.stack([np.bincount(places.tensor, np.square(change)) for change in selected])
    total = squares.sum(axis=0)
    tells = total >= _SMALLEST * np.bincount(places.tensor)
    return np.asarray(np.where(tells, squares / np.where(tells, total, 1), 1 / len(squares)))


def _selected(places: MergePlaces, proposal: Proposal) -> NDArray[np.bool_]:
    """Where [m] the changes differ most: the largest share of the variances that are not 0."""
    if proposal.setting is None:
        raise ValueError("SCE needs the share that is selected")
    changes = proposal.changes_at(places)
    key = ("variance", proposal.members, proposal.base, proposal.arithmetic.bits)
    rank, counts = places.once(key, lambda: _ranked(places, np.asarray(changes.var(axis=0), np.float32)))
    share = proposal.setting[0]
    return np.asarray((rank < np.round(share * counts)[places.tensor]) | (share >= 1)[places.tensor])


def _ranked(places: MergePlaces, variance: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rank [m] of each variance in its tensor, and how many [tensors] are not 0."""
    return ranks(places.tensor, variance), np.bincount(places.tensor, variance > 0).astype(np.int64)


def replay_sce(places: MergePlaces, proposal: Proposal) -> Floats:
    """Base + the weighted mean of what is selected and of the elected sign, in the type of the merge."""
    if proposal.setting is None:
        raise ValueError("SCE needs shares and weights")
    rounded, base = proposal.arithmetic.rounded, proposal.base_at(places)
    changes = np.where(_selected(places, proposal), proposal.changes_at(places), np.float32(0))
    elected = np.where(changes.sum(axis=0) >= 0, np.float32(1), np.float32(-1))
    energy = proposal.setting[1:] / proposal.setting[1:].sum(axis=0)  # one that is tuned takes from all others
    weights = rounded(energy.astype(np.float32))[:, places.tensor] * (np.sign(changes) == elected)
    total = rounded(np.asarray(rounded(changes * weights).sum(axis=0), np.float32))
    divisor = rounded(np.maximum(weights.sum(axis=0), np.float32(1e-6)))
    return rounded(np.asarray(base + rounded(total / divisor), np.float32))


def _settings(setting: Vector, row: int, fine: int) -> list[Vector]:
    if row == 0:
        return [np.clip(setting[row] + more, 0.01, 1.0) for more in TUNED[min(fine, 1)]]
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
)
