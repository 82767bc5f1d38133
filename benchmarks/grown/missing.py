"""How often the ancestor that is missing is inferred, and found when it is ingested.

    python -m benchmarks.grown.missing --half held_out --set grown=.bench/grown [--set field=.bench/field ...]

Of every family whose tree is known, with its root left out and with it: is a missing ancestor inferred, without
release dates and with them (the order of appearance)? Where it is, the root is held against it, and every other member,
left out in turn with the root, as a model that is no ancestor. A root has to have three children for its place to be
known. Whole families are few; so PARTS draws of each are asked as well, the root and some of its descendants.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.grown.families import TRAINED, ancestors, components_of, of_merges
from forebear.queries.data.component import Component
from forebear.queries.lineage.missing.inferring import come_from_one, inferred_node, shared_values, standing

BRANCHES = 3
PARTS = 12
SEED = 2026


@dataclass(frozen=True)
class Family:
    """The components of one family, the root first, in the order of appearance; children of the root.

    `parents` numbers the parent of each, None of the root.
    """

    name: str
    members: tuple[Component, ...]
    children: int
    parents: tuple[int | None, ...]

    def branches_at_missing(self, registered: Sequence[int]) -> bool:
        """Whether three branches or more that hold registered members meet at a member that is not registered."""
        count = len(self.parents)
        near = [{p} if p is not None else set() for p in self.parents]
        for child, parent in enumerate(self.parents):
            if parent is not None:
                near[parent].add(child)

        def holds(member: int, coming: int) -> bool:
            return member in registered or any(holds(other, member) for other in near[member] - {coming})

        missing = set(range(count)) - set(registered)
        return any(sum(holds(other, member) for other in near[member]) >= BRANCHES for member in missing)


def families(label: str, folder: Path, half: str) -> Iterator[Family]:
    """The families of one half whose models are there; a root of both halves is one of each."""
    truth = json.loads((folder / "truth.json").read_text("utf-8"))["models"]
    groups: dict[str, list[str]] = {}
    for name, about in truth.items():
        whose = str(about.get("half") or about.get("split") or "development")
        known = about["category"] in TRAINED and not of_merges(truth, name)
        if known and (folder / name).is_dir() and whose in (half, "both"):
            groups.setdefault(str(about["root"]), []).append(name)
    for root, names in groups.items():
        held = components_of(folder, names)
        kept = sorted((n for n in names if n in held), key=lambda n: (len(ancestors(truth, n)) > 0, names.index(n)))
        if kept and kept[0] == root and len(kept) > BRANCHES:
            children = sum(root in truth[name]["parents"] for name in kept)
            above = tuple(next((kept.index(p) for p in truth[name]["parents"] if p in kept), None) for name in kept)
            yield Family(f"{label}/{root}", tuple(held[name] for name in kept), children, above)


def inferred(members: Sequence[Component], *, dated: bool) -> bool:
    """Whether the members come from one that none of them is."""
    shared = shared_values(members)
    return shared is not None and come_from_one(shared, range(len(members)) if dated else None)


def matches(members: Sequence[Component], other: Component, *, earlier: bool) -> bool:
    """Whether a model stands where the missing ancestor of the members does; `earlier`: by its date it can be it."""
    shared = shared_values(members)
    at = standing(inferred_node(shared), other) if shared is not None else None
    return at is not None and at.matches(earlier=earlier)


def measured(family: Family, *, dated: bool) -> Counter[str]:
    """What became of one family."""
    root, rest = family.members[0], family.members[1:]
    found: Counter[str] = Counter(families=1, false=inferred(family.members, dated=dated))
    if inferred(rest, dated=dated):
        found.update(inferred=1, matched=matches(rest, root, earlier=dated))
    for at, sibling in enumerate(rest):
        others = (*rest[:at], *rest[at + 1 :])
        if inferred(others, dated=dated):
            refused = dated and at > 0  # released after one of the others
            found.update(others=1, taken=not refused and matches(others, sibling, earlier=dated))
    return found


def parts(families: Sequence[Family], *, dated: bool) -> Counter[str]:
    """What is inferred of the root with three or more of its descendants, and of these without it."""
    random = np.random.default_rng(SEED)
    found: Counter[str] = Counter()
    for family in families:
        count = len(family.members)
        for _ in range(PARTS):
            some = min(int(random.integers(BRANCHES, max(count, BRANCHES + 1))), count - 1)
            chosen = 1 + np.sort(random.choice(count - 1, some, replace=False))
            rest = [family.members[i] for i in chosen.tolist()]
            false = inferred((family.members[0], *rest), dated=dated)
            among = family.branches_at_missing([0, *chosen.tolist()])
            found.update(parts=1, false=false, among=false and among)
            found.update(inferred=inferred(rest, dated=dated))
    return found


def main() -> None:
    """Print a line a state of knowledge, for roots of three children and of fewer."""
    parser = argparse.ArgumentParser(description="missing ancestors inferred and found")
    parser.add_argument("--set", action="append", required=True, metavar="NAME=FOLDER")
    parser.add_argument("--half", choices=("development", "held_out"), required=True)
    asked = parser.parse_args()
    every = [f for one in asked.set for f in families(one.partition("=")[0], Path(one.partition("=")[2]), asked.half)]
    for label, wanted in (
        ("three children or more", [f for f in every if f.children >= BRANCHES]),
        ("fewer", [f for f in every if f.children < BRANCHES]),
    ):
        for dated in (False, True):
            total: Counter[str] = Counter()
            some = parts(wanted, dated=dated)
            for family in wanted:
                found = measured(family, dated=dated)
                total += found
                if found["false"] or found["inferred"]:
                    print(f"  {family.name} {'dated' if dated else 'undated'}: {dict(found)}")
            print(
                f"{asked.half}, {label}, {'dates known' if dated else 'no dates'}: of {total['families']} families"
                f" {total['inferred']} inferred with the root withheld, {total['matched']} of these matched by it;"
                f" {total['false']} inferred with the root registered; of {total['others']} other models"
                f" {total['taken']} stand there; of {some['parts']} parts of families {some['inferred']} inferred with"
                f" the root withheld, {some['false']} with the root registered, {some['among']} of these where branches"
                " meet at another model that is missing"
            )


if __name__ == "__main__":
    main()
