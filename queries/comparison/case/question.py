"""What a case asks: models with their roles, what was published of them, and which layers to show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

CaseRole = Literal["accused", "parent", "control", "derivative", "other"]
"""Said to come from a `parent`; said to be where it comes from; unrelated to all by its makers' word; known to come
from one of the others, so that a measure which works must find it; or shown beside them."""


@dataclass(frozen=True, slots=True)
class CaseModel:
    """One model of a case. `label` is its short name in every table.

    `source` and `revision` are what is read. `of` is the label of the model that a `derivative` is known to come from.
    `released` (ISO date) and `root` (who says that it was trained from scratch) are claims, and named as such.
    `confirmed` is False where nobody has checked that the source exists under this name.
    """

    label: str
    source: str
    role: CaseRole
    revision: str | None = None
    of: str | None = None
    family: str = ""
    released: str | None = None
    root: str | None = None
    confirmed: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A published figure: `metric` of `tensors` at `layers` between two models, or of one, is `value`.

    `value` is as it was written, so that its digits say how exact it is meant; `tolerance` stands where that is not
    enough. `layers` maps a label to its layers; empty for all of them, side by side. `options` are what the
    metric asks for beside those: a class of tokens, a key of a config.
    """

    name: str
    metric: str
    models: tuple[str, ...]
    value: str
    tensors: tuple[str, ...] = ()
    layers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    tolerance: float | None = None
    source: str = ""
    text: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """A dispute. `layers` are those that are shown; `mixed` has one layer a model, for the figure of mixed layers."""

    title: str
    question: str
    models: tuple[CaseModel, ...]
    claims: tuple[Claim, ...] = ()
    layers: tuple[int, ...] = ()
    mixed: Mapping[str, int] = field(default_factory=dict)
    high_ids: int | None = None
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def of_role(self, *roles: CaseRole) -> tuple[CaseModel, ...]:
        """The models of these roles, in their order."""
        return tuple(model for model in self.models if model.role in roles)

    def model(self, label: str) -> CaseModel:
        """The model of a label; KeyError where there is none."""
        found = next((model for model in self.models if model.label == label), None)
        if found is None:
            raise KeyError(label)
        return found
