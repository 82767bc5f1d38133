"""The operating curve of every threshold, on models that none was set on: docs/thresholds.csv.

    python -m benchmarks.thresholds FIELD GROWN NEW --fingerprints FILE [--only TIE ...] [--count 5]

FIELD and GROWN are the folders of the field models and of the grown families, whose held-out halves are asked about,
NEW is an edition of the benchmark zoo that nothing was set on; `asks` says in which registries. What is in the table is
not measured again, unless a threshold or an answer has changed since: a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks.field.asking import Asker

from .asked import Asked
from .elsewhere import elsewhere
from .models import Missing, held_out
from .replacing import values
from .steps import steps, text
from .table import TABLE, Curves, Point, as_it_is, read, write

COUNT = 5
"""Random registries of each of the two folders."""


def measure(asked: Asked, wanted: list[str], path: Path) -> None:
    """Measures the thresholds that are wanted and not in the table, or stand there with other values or answers."""
    now = values()
    columns = asked.totals().columns()
    totals = dict(zip(columns, asked.totals().cells(), strict=True))
    before = dict(zip(columns, asked.as_they_are().cells(), strict=True))
    known_totals, known = read(path)
    curves: Curves = {
        name: points
        for name, points in known.items()
        if known_totals == totals
        and name in now
        and as_it_is(points).value == text(now[name])
        and as_it_is(points).figures == before
    }
    if lost := len(known) - len(curves):
        print(f"{lost} curves are of other answers or other values: they are measured again", flush=True)
    for name in [one for one in wanted if one not in curves]:
        started = time.monotonic()
        points = []
        for factor, value in steps(name, now[name]).items():
            counted = before
            if factor != 1 and asked.reaches(name):
                counted = dict(zip(columns, asked.measured(name, value).cells(), strict=True))
            points.append(Point(factor, text(value), counted))
        curves[name] = points
        write(totals, curves, path)
        changed = ", ".join(f"x{p.factor:g} {p.figures['changed']}" for p in points)
        print(f"{name}: answers that change: {changed}; {time.monotonic() - started:.1f} s", flush=True)


def main() -> int:
    """Measure and write; 2 where the models are not there."""
    parser = argparse.ArgumentParser(description="the operating curve of every threshold")
    parser.add_argument("field", type=Path, help="folder of the field models")
    parser.add_argument("grown", type=Path, help="folder of the grown families")
    parser.add_argument("new", type=Path, help="folder of an edition of the benchmark zoo")
    parser.add_argument("--fingerprints", type=Path, required=True, help="registry in which fingerprints are kept")
    parser.add_argument("--only", nargs="+", help="thresholds (all that are not measured elsewhere)")
    parser.add_argument("--count", type=int, default=COUNT, help=f"registries of either folder ({COUNT})")
    parser.add_argument("--table", type=Path, default=TABLE, help="where the curves are kept (docs/thresholds.csv)")
    given = parser.parse_args()
    here = sorted(values().keys() - elsewhere().keys())
    if unknown := sorted({*(given.only or ())} - {*here}):
        print(f"{unknown[0]} is no threshold that is measured here", file=sys.stderr)
        return 2
    try:
        models = held_out(*(folder.resolve() for folder in (given.field, given.grown, given.new)))
    except Missing as error:
        print(error, file=sys.stderr)
        return 2
    given.fingerprints.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    asker = Asker(given.fingerprints, models.places, list(models.zoo.members), models.roots)
    asked = Asked(models, asker, given.count)
    print(f"{len(asked.questions)} questions in {time.monotonic() - started:.0f} s", flush=True)
    measure(asked, given.only or here, given.table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
