"""Random small registries: some relatives of one family and some models that have nothing to do with them."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

import numpy as np

from benchmarks.peers.truth import Zoo

from .relations import Lineage

SEED = 20261128
RELATIVES = 2, 8
UNRELATED = 1, 4
LEAST_FAMILY = 3


@dataclass(frozen=True, slots=True)
class SmallRegistry:
    """`chosen` is the member that it was drawn for: one of its ancestors is registered, or, an `orphan`, none is."""

    number: int
    relatives: tuple[str, ...]
    unrelated: tuple[str, ...]
    chosen: str
    orphan: bool

    @property
    def members(self) -> tuple[str, ...]:
        """All of its models."""
        return self.relatives + self.unrelated


def draw(zoo: Zoo, count: int, *, seed: int = SEED, of: Container[str] | None = None) -> list[SmallRegistry]:
    """`count` registries, every second with an orphan; each follows from `seed` and its number alone.

    Families are drawn by their size, from the models `of` (all, with None); unrelated models from the whole zoo, at
    most one of each other family. A chosen model whose family cannot give what it needs is drawn again.
    Raises ValueError when no family has three models, some with parents.
    """
    families: dict[str, list[str]] = {}
    for name, member in zoo.members.items():
        families.setdefault(member.root, []).append(name)
    large = {
        root: names
        for root, names in families.items()
        if len(names) >= LEAST_FAMILY
        and any(zoo.members[n].parents for n in names)
        and (of is None or any(name in of for name in names))
    }
    if not large:
        raise ValueError("no family of three models to draw from")
    return [_one(Lineage(zoo), families, [*large], number, (seed, number)) for number in range(count)]


def _one(
    lineage: Lineage, families: dict[str, list[str]], large: list[str], number: int, seed: tuple[int, int]
) -> SmallRegistry:
    random = np.random.default_rng(seed)
    sizes = np.array([len(families[root]) for root in large])
    root = large[int(random.choice(len(large), p=sizes / sizes.sum()))]
    wanted = int(random.integers(RELATIVES[0], RELATIVES[1] + 1))
    others = [names[int(random.integers(len(names)))] for other, names in families.items() if other != root]
    strangers = _some(random, others, int(random.integers(UNRELATED[0], UNRELATED[1] + 1)))
    orphan = number % 2 == 1
    while True:
        chosen = families[root][int(random.integers(len(families[root])))]
        above = [name for name in families[root] if name in lineage.steps_up(chosen)]
        rest = [name for name in families[root] if name not in above and name != chosen]
        if orphan and rest:
            return SmallRegistry(number, (chosen, *_some(random, rest, wanted - 1)), strangers, chosen, orphan)
        if not orphan and above:
            (ancestor,) = _some(random, above, 1)
            rest = [name for name in families[root] if name not in {chosen, ancestor}]
            relatives = (chosen, ancestor, *_some(random, rest, wanted - 2))
            return SmallRegistry(number, relatives, strangers, chosen, orphan)


def _some(random: np.random.Generator, names: list[str], count: int) -> tuple[str, ...]:
    """At most `count` of the names, in their order."""
    places = random.choice(len(names), min(count, len(names)), replace=False) if names else np.empty(0, int)
    return tuple(names[place] for place in sorted(places.tolist()))
