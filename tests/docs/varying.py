"""What differs from run to run in what commands print, and in nothing else: seconds, dates, where the files lie, and
the last digits of numbers printed in full, which depend on the processor."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_VARIES = (
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?( UTC|Z|[+-]\d\d(:\d\d)?)?"), "DATE"),
    (re.compile(r"\d{4}-\d\d-\d\d"), "DATE"),
    (re.compile(r"\bin \d+(\.\d+)? s\b"), "in N s"),
    (re.compile(r"\b[\d.]+ [kM]B in parquet"), "N kB in parquet"),
)
# A float64 has 17 digits; the order in which a processor's vector units add moves the last few.
_LONG_NUMBER = re.compile(r"\b\d+\.\d{9,}(e[+-]?\d+)?")
_KEPT_DIGITS = 9
_LAST_NUMBER = re.compile(r" +\d+(\.\d+)?$")
_RULE = re.compile(r"─+")


def placed(printed: str, places: Mapping[str, str]) -> list[str]:
    """The lines that were printed, with the places of this machine under the names that a page gives them.

    The rule under a table's titles is as long as the table is then.
    """
    lines = printed.splitlines()
    moved = list(lines)
    for here, there in places.items():
        moved = [line.replace(here, there) for line in moved]
    for number, line in enumerate(lines):
        if line and not _RULE.sub("", line):
            end = next((n for n in range(number, len(lines)) if not lines[n]), len(lines))
            if lines[number:end] != moved[number:end]:
                moved[number] = "─" * max(len(moved[n]) for n in range(number - 1, end) if n != number)
    return [line.rstrip() for line in moved]


def settled(lines: Sequence[str]) -> list[str]:
    """Lines with a word in place of every figure that varies; two outputs are equal when these are."""
    found: list[str] = []
    seconds = False
    for line in lines:
        if seconds and line:
            line = _LAST_NUMBER.sub(" N", line)
        seconds = bool(line) and (seconds or line.endswith(" seconds"))
        for pattern, word in _VARIES:
            line = pattern.sub(word, line)
        line = _LONG_NUMBER.sub(lambda number: f"{float(number[0]):.{_KEPT_DIGITS}g}", line)
        found.append(_RULE.sub("─", line.rstrip()))
    return found
