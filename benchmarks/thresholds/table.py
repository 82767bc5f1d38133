"""docs/thresholds.csv: the operating curves as rows, one a threshold and value, sorted."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).resolve().parents[2] / "docs" / "thresholds.csv"
ALL = "(of how many)"
"""In the place of a threshold: the row that says of how many each figure is."""
KEYS = ("threshold", "factor", "value")


@dataclass(frozen=True, slots=True)
class Point:
    """The figures, as text, at one value of a threshold."""

    factor: float
    value: str
    figures: Mapping[str, str]


Curves = dict[str, list[Point]]
"""Threshold -> its points by ascending factor."""


def read(path: Path = TABLE) -> tuple[dict[str, str], Curves]:
    """Of how many each figure is, and the curves; both empty where the table is not there."""
    found: Curves = {}
    if not path.is_file():
        return {}, found
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            name, factor, value = (row.pop(key) for key in KEYS)
            found.setdefault(name, []).append(Point(float(factor or 1), value, row))
    (every,) = found.pop(ALL)
    return dict(every.figures), found


def write(totals: Mapping[str, str], curves: Curves, path: Path = TABLE) -> None:
    """Writes the table anew."""
    with path.open("w", encoding="utf-8", newline="") as lines:
        rows = csv.writer(lines, lineterminator="\n")
        rows.writerow((*KEYS, *totals))
        rows.writerow((ALL, "", "", *totals.values()))
        for name in sorted(curves):
            for point in sorted(curves[name], key=lambda one: one.factor):
                rows.writerow((name, f"{point.factor:g}", point.value, *(point.figures[key] for key in totals)))


def as_it_is(points: Sequence[Point]) -> Point:
    """The point of a threshold as it was when it was measured."""
    return next(point for point in points if point.factor == 1)


def still(points: Sequence[Point]) -> bool:
    """Whether no answer changes over the whole range."""
    return all(point.figures["changed"] == "0" for point in points)
