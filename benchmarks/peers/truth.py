"""Who comes from whom in the large zoo, and which pairs of its models count as what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

PAIR_SEED = 20260101


class Protocol(StrEnum):
    """Which models a query is compared with: all of the zoo, or those that were there when it appeared."""

    AGAINST_ALL = "against all"
    AS_THEY_APPEARED = "as they appeared"


class Relation(StrEnum):
    """`twin`: trained apart from one initialisation, neither a positive nor a negative; it is reported apart."""

    PARENT = "parent"
    KIN = "kin"
    TWIN = "twin"
    UNRELATED = "unrelated"


@dataclass(frozen=True, slots=True)
class Member:
    """One model of the zoo; `split` is `development` or `held_out`, by root."""

    name: str
    parents: tuple[str, ...]
    category: str
    strength: str
    root: str
    split: str
    rewritten: bool = False
    initialisation: str | None = None


@dataclass(frozen=True, slots=True)
class Zoo:
    """All models by name, in the order of truth.json."""

    members: dict[str, Member]

    @property
    def derivatives(self) -> list[Member]:
        """The models that have parents."""
        return [m for m in self.members.values() if m.parents]

    @property
    def categories(self) -> list[str]:
        """The categories of derivatives, in order."""
        return list(dict.fromkeys(m.category for m in self.derivatives))

    def descendants(self, name: str) -> set[str]:
        """All models that come from this one, which release dates would rule out as its ancestors."""
        found: set[str] = set()
        for member in self.members.values():  # parents stand before children
            if found & {*member.parents} or name in member.parents:
                found.add(member.name)
        return found

    @property
    def standing(self) -> list[str]:
        """The models that are there from the start: all roots and strangers."""
        return [n for n, m in self.members.items() if m.category in {"root", "stranger"}]

    @property
    def arrivals(self) -> list[str]:
        """The others, derivatives and twins, in the order in which they appeared: that of truth.json."""
        standing = {*self.standing}
        return [n for n in self.members if n not in standing]

    def candidates(self, name: str, protocol: Protocol) -> set[str]:
        """What a model is compared with: as they appeared, what stood from the start and what arrived before it."""
        if protocol is Protocol.AGAINST_ALL:
            return {*self.members} - {name}
        arrivals = self.arrivals
        before = arrivals[: arrivals.index(name)] if name in arrivals else []
        return {*self.standing, *before} - {name}

    def relation(self, query: str, candidate: str) -> Relation:
        """What the candidate is to the query; a child is kin, as a sibling is."""
        mine, theirs = self.members[query], self.members[candidate]
        if mine.root != theirs.root:
            return Relation.UNRELATED
        if mine.initialisation or theirs.initialisation:
            return Relation.TWIN
        return Relation.PARENT if candidate in mine.parents else Relation.KIN

    def pairs(self, unrelated: int | None = None) -> Iterator[tuple[str, str]]:
        """Unordered pairs: all inside families, all with a root, and all or a sample of the other unrelated ones."""
        names = list(self.members)
        rest = []
        for pair in combinations(names, 2):
            one, other = self.members[pair[0]], self.members[pair[1]]
            if one.root == other.root or "root" in (one.category, other.category):
                yield pair
            else:
                rest.append(pair)
        if unrelated is not None and unrelated < len(rest):
            chosen = np.random.default_rng(PAIR_SEED).choice(len(rest), unrelated, replace=False)
            rest = [rest[i] for i in np.sort(chosen)]
        yield from rest


def read_zoo(path: Path, present: Path | None = None, only: str | None = None, split: str | None = None) -> Zoo:
    """The zoo that truth.json describes; with `present`, only models with a folder there.

    With `only`, derivatives of that category alone, beside their parents, the roots and the strangers; with `split`,
    those of that half, likewise.
    """
    content: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))["models"]
    members = {
        name: Member(
            name,
            tuple(facts["parents"]),
            facts["category"],
            facts["strength"],
            facts["root"],
            facts["split"],
            facts["rewritten"],
            facts.get("initialisation"),
        )
        for name, facts in content.items()
        if present is None or (present / name).is_dir()
    }
    if only is not None:
        if only not in {m.category for m in members.values()}:
            raise ValueError(f"no model of category {only!r}")
        wanted = {p for m in members.values() if m.category == only for p in (m.name, *m.parents)}
        members = {n: m for n, m in members.items() if n in wanted or m.category in {"root", "stranger"}}
    if split is not None:
        wanted = {p for m in members.values() if m.split == split for p in (m.name, *m.parents)}
        members = {n: m for n, m in members.items() if n in wanted or m.category in {"root", "stranger"}}
    return Zoo(members)
