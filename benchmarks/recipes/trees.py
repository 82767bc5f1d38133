"""Recipes claimed for models of random trees: `python -m benchmarks.recipes.trees [TREES [FROM]]`, 40 from 1,120 on.

A tree is eight synthetic models: each trained on from one that was there, on one of three texts, at a drift of 8, 3 or
0.3 %; some in a part of their values or of their tensors alone. None is a merge. Prints every claim, and how many were
asked. Trees 1,000 to 1,119 are development: five of their models had a recipe at some time, on which rules were made.
Those from 1,120 on were held out.
"""

from __future__ import annotations

import sys

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from forebear.queries.lineage.recipes.places import MergePlaces
from forebear.queries.lineage.recipes.refining import claimed as is_claimed
from forebear.queries.lineage.recipes.trials import trials, turned_round
from forebear.queries.thresholds.recipes import FEWEST_CHANGED
from tests.queries.lineage.recipes.family import LAYERS, TENSORS, VALUES, sampled

HELD_OUT = 1_120
MODELS, TEXTS = 8, 3
SIZE = 0.02
"""Standard deviation of the values of a root."""


def tree(seed: int) -> NDArray[np.float32]:
    """The models [8, tensors, values], in the order in which they were made."""
    chance = np.random.default_rng(seed)
    drift = float(chance.choice([0.08, 0.03, 0.003]))
    texts = chance.standard_normal((TEXTS, LAYERS * TENSORS, VALUES)) * SIZE
    models = [_kept(chance.standard_normal((LAYERS * TENSORS, VALUES)) * SIZE)]
    while len(models) < MODELS:
        parent = models[chance.integers(len(models))]
        own = chance.standard_normal(parent.shape) * SIZE
        alike, length = chance.uniform(0.2, 0.9), drift * chance.choice([0.3, 1, 2])
        change = length * (alike * texts[chance.integers(TEXTS)] + np.sqrt(1 - alike**2) * own)
        if chance.random() < 0.3:
            change *= chance.random(change.shape) < chance.choice([0.1, 0.5])
        if chance.random() < 0.2:
            change *= chance.random((len(change), 1)) < 0.5
        models.append(_kept(parent + change))
    return np.stack(models)


def _kept(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return values.astype(ml_dtypes.bfloat16).astype(np.float32)


def claimed(places: MergePlaces) -> str | None:
    """The recipe that would be told, as `finding` tells it; None where there is none."""
    found = trials(places)
    if found is None or not is_claimed(places, found.best) or int(places.changed.sum()) < FEWEST_CHANGED:
        return None
    if turned_round(places, found.best) is not None:
        return None
    proposal = found.best.proposal
    return f"{found.best.method.name} of {proposal.members}, base {proposal.base}, exact {found.best.share:.3f}"


def main(trees: int = 40, first: int = HELD_OUT) -> None:
    """Ask every model of so many trees, the first of that number, among the others of its tree."""
    claims = 0
    for seed in range(first, first + trees):
        models = tree(seed)
        for asked in range(MODELS):
            told = claimed(sampled(models[asked], np.delete(models, asked, axis=0)))
            if told is not None:
                claims += 1
                print(f"tree {seed}, model {asked}: {told}", flush=True)
    print(f"{claims} of {trees * MODELS} models of random trees have a recipe")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
