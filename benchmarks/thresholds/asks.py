"""Which questions are asked: of random registries every member, and each model that is no plain fine-tune."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.field.draws import SEED, SmallRegistry, draw
from benchmarks.field.relations import Lineage

from .models import Models

OPTIONS = ("no dates", "dates known")
PLAIN = frozenset({"root", "finetuned", "chain"})
"""Categories that small registries hold enough of."""
BESIDE = 3, 2
"""Other relatives, and unrelated models, in the registry of a model that is no plain fine-tune."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: a member of a small registry, and what is known beside the weights."""

    drawn: SmallRegistry
    query: str
    option: str


def asks(models: Models, count: int) -> list[Ask]:
    """Every member of `count` random registries of field and as many of grown families, without and with dates.

    Then, without dates, every merge, copy, part and rewrite of all models, beside its ancestors.
    """
    folders = models.field, models.grown
    registries = [
        one for number, names in enumerate(folders) for one in draw(models.zoo, count, seed=SEED + number, of=names)
    ]
    members = [(drawn, query) for drawn in registries for query in drawn.members]
    special = [Ask(drawn, drawn.chosen, OPTIONS[0]) for drawn in _with_parents(models)]
    return [Ask(drawn, query, option) for drawn, query in members for option in OPTIONS] + special


def _with_parents(models: Models) -> Iterator[SmallRegistry]:
    """A registry for each model that is no plain fine-tune: its ancestors, other relatives, and unrelated models."""
    members, lineage = models.zoo.members, Lineage(models.zoo)
    names = list(members)
    for number, name in enumerate(names):
        if members[name].category in PLAIN:
            continue
        random = np.random.default_rng((SEED, number))
        above = [n for n in names if n in lineage.steps_up(name)]
        others = [n for n in names if members[n].root == members[name].root and n != name and n not in above]
        strangers = [n for n in names if members[n].root != members[name].root]
        beside = [_some(random, pool, few) for pool, few in zip((others, strangers), BESIDE, strict=True)]
        yield SmallRegistry(number, (name, *above, *beside[0]), beside[1], name, orphan=False)


def _some(random: np.random.Generator, names: list[str], count: int) -> tuple[str, ...]:
    """At most `count` of the names, in their order."""
    chosen = random.choice(len(names), min(count, len(names)), replace=False)
    return tuple(names[place] for place in sorted(chosen.tolist()))
