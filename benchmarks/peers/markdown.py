"""Tables and figures of a report, as markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in markdown; all columns but the first to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def share(part: float, whole: float) -> str:
    """`12 of 13 (92 %)`."""
    return f"{part:g} of {whole:g} ({100 * part / whole:.0f} %)" if whole else "-"


def number(value: float, digits: int = 3) -> str:
    """A figure, or a dash for nan."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def seconds(value: float) -> str:
    """Seconds with three digits; milliseconds below one, with two digits below a hundred."""
    if value >= 0.9995:
        return f"{value:,.3g} s" if value < 100 else f"{value:,.0f} s"
    return f"{1000 * value:.2g} ms" if value < 0.0995 else f"{1000 * value:.0f} ms"
