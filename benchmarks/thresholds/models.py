"""The models that are asked about: field models, grown families and an edition of the zoo that nothing was set on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.truth import Member, Zoo, read_zoo

HALF = "held_out"
MADE_BY = {
    "field": "make bench-field-models",
    "grown": "make bench-grown",
    "new": 'make bench-appeared EDITION=8 ROOTS="juniper willow sequoia"',
}


class Missing(Exception):
    """A folder of models that is not there; says what makes it."""


@dataclass(frozen=True, slots=True)
class Models:
    """All models as one zoo, where each is, and which are of the field family and of the grown families."""

    zoo: Zoo
    places: dict[str, Path]
    field: frozenset[str]
    grown: frozenset[str]

    @property
    def roots(self) -> list[str]:
        """The models that come from none."""
        return [name for name, member in self.zoo.members.items() if not member.parents]


def held_out(field: Path, grown: Path, new: Path) -> Models:
    """The held-out halves of field and grown with all that these come from, and all of an edition of the zoo.

    Raises Missing where a folder, or every model of its held-out half, is not there.
    """
    first, second = _half("field", field), _half("grown", grown)
    third = read_zoo(_truth("new", new), present=new).members
    places = {name: field / name for name in first} | {name: grown / name for name in second}
    members = _whole("field", field, first) | _whole("grown", grown, second) | _whole("new", new, third)
    return Models(Zoo(members), places | {name: new / name for name in third}, frozenset(first), frozenset(second))


def _truth(label: str, folder: Path) -> Path:
    truth = folder / "truth.json"
    if not truth.is_file():
        raise Missing(
            f"{truth} is not there: `{MADE_BY[label]}` makes these models, {label.upper()}=FOLDER says where they are"
        )
    return truth


def _half(label: str, folder: Path) -> dict[str, Member]:
    about = json.loads(_truth(label, folder).read_text("utf-8"))["models"]
    wanted = {name for name, facts in about.items() if facts["half"] in {HALF, "both"}}
    while above := {parent for name in wanted for parent in about[name]["parents"] if parent in about} - wanted:
        wanted |= above
    return {
        name: Member(
            name,
            tuple(facts["parents"]),
            facts["category"],
            facts.get("strength") or str(facts["drift"]),
            facts["root"],
            HALF,
            facts.get("rewritten", False),
        )
        for name, facts in about.items()
        if name in wanted and (folder / name).is_dir()
    }


def _whole(label: str, folder: Path, members: dict[str, Member]) -> dict[str, Member]:
    """The same members. Raises Missing where none has a parent, or a parent is not among them."""
    if not any(member.parents for member in members.values()):
        raise Missing(f"{folder} holds no models to ask about: `{MADE_BY[label]}` makes them")
    absent = sorted({p for member in members.values() for p in member.parents} - members.keys())
    if absent:
        raise Missing(f"{folder} lacks {absent[0]}, from which others come: `{MADE_BY[label]}` makes it")
    return members
