"""What a registered model really is to the one that is asked about, by the parents in truth.json."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.peers.truth import Member, Zoo

CONVERSIONS = frozenset({"converted", "gguf", "quantised_8bit", "quantised_4bit", "quantised_3bit", "multimodal"})
"""Categories that store the parent's weights anew, with more or fewer bits, and train nothing."""


class Relation(StrEnum):
    """Of a candidate to the query; `sibling` is whatever shares an ancestor, cousins and nieces too.

    `merge_parent` is a parent of a query that has several; `copy` one of the same weights in another type or format,
    whichever was there first; `twin` shares random initial weights alone.
    """

    ANCESTOR = "ancestor"
    DESCENDANT = "descendant"
    SIBLING = "sibling"
    COPY = "copy"
    MERGE_PARENT = "merge_parent"
    TWIN = "twin"
    UNRELATED = "unrelated"


@dataclass(frozen=True, slots=True)
class Lineage:
    """The relations of the models of one zoo."""

    zoo: Zoo

    def steps_up(self, name: str) -> dict[str, int]:
        """Ancestor -> generations between, by the shortest way."""
        found: dict[str, int] = {}
        level, steps = self.zoo.members[name].parents, 1
        while level:
            for parent in level:
                found.setdefault(parent, steps)
            level, steps = (
                tuple({p for parent in level for p in self.zoo.members[parent].parents} - {*found}),
                steps + 1,
            )
        return found

    def original(self, name: str) -> str:
        """The model whose weights this one stores: itself, unless it is a conversion."""
        member = self.zoo.members[name]
        return self.original(member.parents[0]) if member.category in CONVERSIONS and member.parents else name

    def relation(self, query: str, candidate: str) -> Relation:
        """What the candidate is to the query."""
        mine, theirs = self.zoo.members[query], self.zoo.members[candidate]
        if mine.root != theirs.root:
            return Relation.UNRELATED
        if self.original(query) == self.original(candidate):
            return Relation.COPY
        if candidate in mine.parents and len(mine.parents) > 1:
            return Relation.MERGE_PARENT
        if candidate in self.steps_up(query):
            return Relation.ANCESTOR
        if query in self.steps_up(candidate):
            return Relation.DESCENDANT
        return Relation.TWIN if self._apart(mine, theirs) else Relation.SIBLING

    def _apart(self, mine: Member, theirs: Member) -> bool:
        """Whether just one of two, or each of two twins, was trained apart from the random weights of the family."""
        return mine.initialisation is not None or theirs.initialisation is not None

    def stands_for_ancestor(self, query: str, candidate: str) -> bool:
        """Whether the candidate is an ancestor or stores an ancestor's weights: a copy of a parent is nearly one."""
        above = self.steps_up(query)
        return candidate in above or self.original(candidate) in {self.original(a) for a in above}

    def nearest(self, query: str, members: Iterable[str]) -> list[str]:
        """The registered ancestors that are the fewest generations away; both parents of a merge."""
        steps = {name: n for name, n in self.steps_up(query).items() if name in set(members)}
        return sorted(name for name, n in steps.items() if n == min(steps.values()))


def selected(zoo: Zoo, split: str | None) -> Zoo:
    """The models of one split and whatever they come from; all with None."""
    kept = {name for name, member in zoo.members.items() if split in (None, member.split)}
    lineage = Lineage(zoo)
    above = {ancestor for name in kept for ancestor in lineage.steps_up(name)}
    return Zoo({name: member for name, member in zoo.members.items() if name in kept | above})
