"""The operating curve of a threshold in words, for docs/thresholds.md, from docs/thresholds.csv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.thresholds.elsewhere import STALE, elsewhere
from benchmarks.thresholds.table import Curves, Point, as_it_is, still

SAID = {
    "unrelated": "unrelated pairs called related",
    "related": "related pairs found",
    "first": "nearest ancestor in the first rank",
    "top": "at its top",
    "mean_tie": "mean tie",
    "derived": "derived from no ancestor",
    "denied": "ancestor denied",
    "told": "direction of the nearest ancestor told",
    "copies": "copies called so",
    "no_copies": "others called a copy",
    "merges": "merges that name both parents",
}
"""Figure -> its words, in the order in which they are said."""
LONGEST = 32
"""Characters of a value that is shown; a longer one is a list, and is named by its factor."""


def summary(totals: Mapping[str, str], curves: Curves) -> str:
    """What was asked, what is answered with thresholds as they are, and which thresholds decide nothing there."""
    if not curves:
        return "No operating curve is measured yet: `make thresholds`.\n"
    now = as_it_is(next(iter(curves.values()))).figures
    figures = "; ".join(f"{words} {now[name]}{_of(totals[name])}" for name, words in SAID.items())
    idle = sorted(name for name, points in curves.items() if still(points))
    text = (
        f"Of {totals['changed']} questions, with every threshold as it is: {figures}.\n\n"
        f"No answer changes over the whole range of {len(idle)} of the {len(curves)} thresholds that were measured"
    )
    return text + (f": {', '.join(idle)}.\n" if idle else ".\n")


def curve(name: str, totals: Mapping[str, str], curves: Curves) -> str:
    """The curve of one threshold in one line: at each other value what changes, or why there is none."""
    if one := elsewhere().get(name):
        return f"none, as {one.why}: `{one.command}`."
    if name not in curves:
        return "not measured yet."
    points = curves[name]
    stale = f" Measured at {_value(as_it_is(points))}, which it is no longer: {STALE[name]}." if name in STALE else ""
    if still(points):
        return f"**decides nothing on these models**: no answer changes from {_range(points)}.{stale}"
    said = "; ".join(_point(point, as_it_is(points), totals) for point in points if point.factor != 1)
    return f"{said}.{stale}"


def _point(point: Point, now: Point, totals: Mapping[str, str]) -> str:
    changed = int(point.figures["changed"])
    if not changed:
        return f"at {_value(point)}: no change"
    moved = [
        f"{words} {point.figures[name]}{_of(totals[name])} (was {now.figures[name]})"
        for name, words in SAID.items()
        if name in totals and point.figures[name] != now.figures[name]
    ]
    return f"at {_value(point)}: " + ", ".join(
        [f"{changed} answer{'s' if changed > 1 else ''} change{'s' if changed == 1 else ''}", *moved]
    )


def _of(total: str) -> str:
    """Of how many a figure is; nothing for the ties."""
    return f" of {total}" if float(total) else ""


def _range(points: Sequence[Point]) -> str:
    return f"{_value(points[0])} to {_value(points[-1])}"


def _value(point: Point) -> str:
    return point.value if len(point.value) <= LONGEST else f"{point.factor:g} times what it is"
