"""Tables of name patterns, looked up by whole dotted parts: the cost of a name does not grow with the table.

A pattern is a regular expression without repetition: letters, escaped dots, `(a|b)`, `?` behind a group. It stands for
a few names, which are written out once into a dictionary. The few patterns with repetition stay expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

MOST_PARTS = 8
"""Parts at the end of a name that a table sees; published tails have five at most."""
_MOST_CHARACTERS = 160
_TOKEN = re.compile(r"\\\.|\\d\+|\.\*|[\w/-]+|[|()?]")


class NameTable:
    """Which line of a table a name ends with; of several lines the first."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._exact: dict[str, int] = {}
        self._loose: list[tuple[int, re.Pattern[str]]] = []
        for number, pattern in enumerate(patterns):
            for one in alternatives(pattern):
                if "*" in one or "+" in one:
                    self._loose.append((number, re.compile(one)))
                else:
                    self._exact.setdefault(one.replace("\\.", "."), number)

    def ending(self, name: str) -> int | None:
        """The first line of the table that the last parts of `name` are, None when there is none."""
        return self._first(suffixes(name))

    def within(self, name: str) -> int | None:
        """The first line of the table that some neighbouring parts of `name` are, from the first 16 on."""
        parts = name[:512].split(".")[:16]
        runs = [".".join(parts[i:j]) for i in range(len(parts)) for j in range(i + 1, min(i + 3, len(parts)) + 1)]
        return self._first(runs)

    def _first(self, candidates: Sequence[str]) -> int | None:
        found = [number for one in candidates if (number := self._exact.get(one)) is not None]
        found += [n for n, pattern in self._loose if any(pattern.fullmatch(one) for one in candidates)]
        return min(found, default=None)


def suffixes(name: str) -> list[str]:
    """The last part of a name, the last two, and so on: `a.b.c` -> [`c`, `b.c`, `a.b.c`]."""
    parts = name[-_MOST_CHARACTERS:].split(".")[-MOST_PARTS:]
    return [".".join(parts[i:]) for i in reversed(range(len(parts)))]


def alternatives(pattern: str) -> list[str]:
    """What a pattern stands for: `(gate|up)_proj` -> [`gate_proj`, `up_proj`]; dots stay escaped."""
    tokens = _TOKEN.findall(pattern)
    if "".join(tokens) != pattern:
        raise ValueError(f"{pattern!r} has more in it than names, groups and alternatives")
    found, rest = _choice(tokens)
    if rest:
        raise ValueError(f"{pattern!r} closes a group that it does not open")
    return found


def _choice(tokens: list[str]) -> tuple[list[str], list[str]]:
    """The alternatives up to a closing parenthesis or the end, and the tokens from there on."""
    found: list[str] = []
    sequence = [""]
    while tokens and tokens[0] != ")":
        token, *tokens = tokens
        if token == "|":
            found, sequence = found + sequence, [""]
            continue
        options = [token]
        if token == "(":
            options, tokens = _choice(tokens)
            tokens = tokens[1:]
            if tokens[:1] == ["?"]:
                options, tokens = [*options, ""], tokens[1:]
        sequence = [head + tail for head in sequence for tail in options]
    return found + sequence, tokens
