"""The parameters of a question: what they are called, what they may be, and how a request's text becomes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .view import Unusable


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. A text has at most `most` characters, a number lies between `least` and `most`.

    `default` is taken where a request does not say; with None it must.
    """

    name: str
    about: str
    kind: Literal["text", "number"] = "text"
    default: str | int | None = None
    least: int = 0
    most: int = 2_000
    choices: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of one request, each valid."""

    values: Mapping[str, str | int]

    def text(self, name: str) -> str:
        """A parameter of text."""
        return str(self.values[name])

    def number(self, name: str) -> int:
        """A parameter that is a number."""
        return int(self.values[name])


def asked(parameters: Sequence[Parameter], given: Mapping[str, object]) -> Asked:
    """The parameters that a request gave, with defaults. Raises Unusable for one that is not known or not valid."""
    known = {one.name for one in parameters}
    if unknown := sorted(given.keys() - known):
        raise Unusable(
            f"{unknown[0]!r} is no parameter of this question; there are {', '.join(sorted(known)) or 'none'}"
        )
    return Asked({one.name: _value(one, given.get(one.name, one.default)) for one in parameters})


def _value(parameter: Parameter, value: object) -> str | int:
    name = parameter.name
    if value is None or (value == "" and parameter.default is None):
        raise Unusable(f"{name} is missing: {parameter.about}")
    if parameter.kind == "number":
        return _number(parameter, value)
    if not isinstance(value, str):
        raise Unusable(f"{name} must be text")
    if len(value) > parameter.most:
        raise Unusable(f"{name} has {len(value)} characters; {parameter.most} are allowed")
    if "\x00" in value or (not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value)):
        raise Unusable(f"{name} holds characters that are no text")
    if parameter.choices and value not in parameter.choices:
        raise Unusable(f"{name} is one of {', '.join(filter(None, parameter.choices))}")
    return value


def _number(parameter: Parameter, value: object) -> int:
    text = str(value)
    number = int(text) if text.isdecimal() and text.isascii() and len(text) < 10 and value is not True else -1
    if not parameter.least <= number <= parameter.most:
        raise Unusable(f"{parameter.name} is a number from {parameter.least} to {parameter.most}")
    return number


MODEL = Parameter("name", "A registered model: its name, name@revision, or source.")
ROWS = Parameter("k", "Rows for each component, unrelated ones included.", "number", 10, 1, 100)
PAGE = Parameter("page", "Which page of the list.", "number", 1, 1, 1_000_000)
