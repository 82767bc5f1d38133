"""The models that are asked about: what of the field family and of the grown families no threshold was set on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.truth import Member, Zoo

HALF = "held_out"
MADE_BY = {"field": "make bench-field-models", "grown": "make bench-grown"}


class Missing(Exception):
    """A folder of models that is not there; says what makes it."""


@dataclass(frozen=True, slots=True)
class Models:
    """The models of both folders as one zoo, where each is, and whose are of the field family."""

    zoo: Zoo
    places: dict[str, Path]
    field: frozenset[str]

    @property
    def roots(self) -> list[str]:
        """The models that come from none."""
        return [name for name, member in self.zoo.members.items() if not member.parents]


def held_out(field: Path, grown: Path) -> Models:
    """The held-out halves of both folders, and the roots of families that stand in both halves.

    Raises Missing where a folder, or every model of its held-out half, is not there.
    """
    first, second = _members("field", field), _members("grown", grown)
    places = {name: field / name for name in first} | {name: grown / name for name in second}
    return Models(Zoo(first | second), places, frozenset(first))


def _members(label: str, folder: Path) -> dict[str, Member]:
    truth = folder / "truth.json"
    if not truth.is_file():
        raise Missing(
            f"{truth} is not there: `{MADE_BY[label]}` makes these models, {label.upper()}=FOLDER says where they are"
        )
    about = json.loads(truth.read_text("utf-8"))["models"]
    found = {
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
        if facts["half"] in {HALF, "both"} and (folder / name).is_dir()
    }
    if not any(member.parents for member in found.values()):
        raise Missing(f"{folder} holds no models of the half {HALF!r}: `{MADE_BY[label]}` makes them")
    absent = sorted({p for member in found.values() for p in member.parents} - found.keys())
    if absent:
        raise Missing(f"{folder} lacks {absent[0]}, from which others come: `{MADE_BY[label]}` makes it")
    return found
