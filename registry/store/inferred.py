"""Missing ancestors as the registry keeps them: what registered models come from that is not registered itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import duckdb

from ...queries.sql import statement

_NAMED = 3
"""Models that a sentence names; the record holds all."""


@dataclass(frozen=True, slots=True)
class InferredAncestor:
    """What the models `models` come from, which is not registered: a row of the view `inferred_ancestors`.

    `least_identity` and `most_identity` are those of the members with the values that the others give. `found` are the
    models that stand there, and `found_earlier` whether each claims to be released before every member.
    """

    inferred_id: int
    name: str
    component: str
    models: tuple[str, ...]
    sources: tuple[str, ...]
    exact_share: float
    least_identity: float
    most_identity: float
    dated: bool
    run_id: int
    found: tuple[str, ...]
    found_sources: tuple[str, ...]
    found_identities: tuple[float, ...]
    found_earlier: tuple[bool, ...]

    @property
    def sentence(self) -> str:
        """What it is, and of whom, in a line."""
        said = f"{self.name}, which is not registered: what {named(self.models)} come from"
        if self.found:
            said = f"{self.name}: where {named(self.models)} meet, {named(self.found)} stands"
        return f"{said}; identity of each with what the others give: {self.usual}"

    @property
    def usual(self) -> str:
        """The identities of the members with what the others give: what a match is measured beside."""
        return f"{near_one(self.least_identity)} to {near_one(self.most_identity)}"


@dataclass(frozen=True, slots=True)
class Match:
    """A model that stands where the missing ancestor `of` does, or is one of those that it is inferred from (`member`).

    `earlier`: it claims to be released before every member; False where dates are not known.
    """

    of: InferredAncestor
    member: bool
    identity: float | None = None
    way: float | None = None
    exact_share: float | None = None
    earlier: bool = False

    @property
    def sentence(self) -> str:
        """What was measured, and what it says."""
        if self.member:
            count, who = len(self.of.models), named(self.of.models)
            return f"one of {count} models that come from {self.of.name}, which is not registered: {who}"
        who = f"what {named(self.of.models)} come from ({self.of.name})"
        said = f"this is {who}"
        if not self.earlier:
            said = f"this stands where {named(self.of.models)} meet ({self.of.name}): what they come from, or one more"
            said += " of them that hardly differs from it, as release dates are not known"
        return (
            f"{said}; identity {near_one(self.identity or 0.0)} with the values inferred from them, which have"
            f" {self.of.usual} with what the others give"
        )


def near_one(identity: float) -> str:
    """A correlation that is next to 1, by what it lacks: `1 - 7.8e-05`."""
    return f"1 - {1 - identity:.1e}"


def named(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def inferred_ancestors(connection: duckdb.DuckDBPyConnection) -> list[InferredAncestor]:
    """All missing ancestors, by their numbers."""
    rows = connection.execute(statement("inferred/all")).fetchall()
    return [_ancestor(list(row)) for row in rows]


def _ancestor(row: list[Any]) -> InferredAncestor:
    """A row of `inferred/all`, whose lists are tuples in a record."""
    values: list[Any] = [tuple(value) if isinstance(value, list) else value for value in row]
    return InferredAncestor(*values)


def inferred_ancestor(connection: duckdb.DuckDBPyConnection, name: str) -> InferredAncestor | None:
    """The missing ancestor of that name, `inferred-NUMBER`; None where there is none."""
    return next((one for one in inferred_ancestors(connection) if one.name == name), None)


def ancestors_of(connection: duckdb.DuckDBPyConnection, models: Sequence[int]) -> dict[int, set[int]]:
    """Number of a missing ancestor -> those of `models` that it is inferred from or was found in."""
    found: dict[int, set[int]] = {}
    for number, model, _ in connection.execute(statement("inferred/of_models"), {"models": list(models)}).fetchall():
        found.setdefault(int(number), set()).add(int(model))
    return found


def inferred_row(one: InferredAncestor) -> dict[str, object]:
    """A missing ancestor with the keys of the JSON contract; lists of models have one order."""
    found: dict[str, object] = asdict(one)
    del found["inferred_id"]
    return {key: list(value) if isinstance(value, tuple) else value for key, value in found.items()}


def match_row(match: Match) -> dict[str, object]:
    """Where a model stands, with the keys of the JSON contract."""
    own: Mapping[str, object] = {
        "member": match.member,
        "identity": match.identity,
        "way": match.way,
        "exact_share": match.exact_share,
        "earlier": match.earlier,
        "sentence": match.sentence,
    }
    return {"name": match.of.name, "component": match.of.component, "models": list(match.of.models), **own}
