"""Figures of a case as text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from ....queries.comparison.case.records import CasePair, CaseResult, ControlCheck, Matrix
from ....queries.comparison.records.comparison import PairEvidenceRow
from ..html.page import fixed, number
from ..numbers import evalue, share
from .prose import Words

DASH = "–"


def cosine(value: float | None, digits: int = 3) -> str:
    """A cosine, or a dash."""
    return DASH if value is None else fixed(value, digits)


def figure(value: float | None, digits: int = 4) -> str:
    """A figure of any size, or a dash."""
    return number(value, digits)


def evalue_said(log10: float) -> str:
    """An E-value behind its letter in a sentence: `= 3e-05`, `< 1e-300`."""
    said = evalue(log10)
    return f"< {said.removeprefix('<')}" if said.startswith("<") else f"= {said}"


def part(value: float | None) -> str:
    """A share as percent, or a dash."""
    return DASH if value is None or not math.isfinite(value) else share(value)


def whole(value: int | float | None) -> str:
    """A count with thin groups, or a dash.

    >>> whole(80339)
    '80,339'
    """
    return DASH if value is None or not math.isfinite(value) else f"{value:,.0f}"


def probability(value: float) -> str:
    """A probability with two decimals; never 0 or 1, which nothing here can say."""
    if not math.isfinite(value):
        return DASH
    return "<0.01" if value < 0.005 else ">0.99" if value >= 0.995 else f"{value:z.2f}"


def logarithm(value: float) -> str:
    """log10 of a p-value; below -300 nobody tells one from another.

    >>> logarithm(-4711.0), logarithm(-0.2)
    ('<-300', '0')
    """
    if not math.isfinite(value):
        return DASH
    return "<-300" if value < -300 else f"{value:.0f}".replace("-0", "0")


def pair_name(first: str, second: str) -> str:
    """`solar-glm`."""
    return f"{first}-{second}"


def pair_names(pairs: Iterable[tuple[str, str]], most: int = 12) -> str:
    """Names of pairs in a line; those beyond `most` are counted."""
    listed = [pair_name(*pair) for pair in pairs]
    return ", ".join(listed[:most]) + (f", +{len(listed) - most}" if len(listed) > most else "")


def off_diagonal(matrix: Matrix) -> tuple[float, float]:
    """The lowest and the highest number off the diagonal; NaN without any."""
    values = matrix[~np.eye(len(matrix), dtype=bool)]
    found = values[np.isfinite(values)]
    return (float(found.min()), float(found.max())) if len(found) else (math.nan, math.nan)


def controls_of(result: CaseResult) -> set[tuple[str, str]]:
    """Pairs that hold a control and no known relation."""
    return {(pair.first, pair.second) for pair in result.pairs if pair.expected == "unrelated"}


def trust_tone(check: ControlCheck) -> tuple[str, str]:
    """The class of the banner of controls, and the key of its title."""
    if check.trusted is None:
        return "unchecked", "unchecked"
    return ("trusted", "trusted") if check.trusted else ("untrusted", "untrusted")


def asked_pairs(result: CaseResult) -> Sequence[CasePair]:
    """The pairs that the case is about, those that are related first; without any, all that are no controls."""
    asked = [pair for pair in result.pairs if pair.expected == "asked"]
    found = asked or [pair for pair in result.pairs if pair.expected != "unrelated"] or result.pairs
    return sorted(found, key=lambda pair: (pair.verdict == "unrelated", not other_parts(pair)))


def other_parts(pair: CasePair) -> list[PairEvidenceRow]:
    """The components beside the one that the verdict is of, the stronger direction of each, that came out otherwise."""
    found: dict[str, PairEvidenceRow] = {}
    for row in pair.rows:
        if row.component != pair.component and row.candidate_component != pair.component:
            found.setdefault(min(row.component, row.candidate_component), row)
    return [row for row in found.values() if row.verdict != pair.verdict]


def verdict_text(words: Words, pair: CasePair) -> str:
    """The verdict, with those of other components where they differ."""
    others = [f"{row.component}: {words(f'verdict_{row.verdict}')}" for row in other_parts(pair)]
    return "; ".join([words(f"verdict_{pair.verdict}"), *others])


def direction_text(words: Words, pair: CasePair) -> str:
    """Who came first, in a few words."""
    told = pair.direction
    if told is None:
        return DASH
    match told.kind:
        case "ancestor":
            return words("direction_first", second=pair.second, probability=probability(told.ancestor))
        case "descendant":
            return words("direction_second", first=pair.first, probability=probability(told.descendant))
        case "sibling":
            return words("direction_sibling")
        case "copy":
            return words("direction_copy")
        case "unknown":
            return words("direction_none")
