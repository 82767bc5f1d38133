"""The first page of the report: five figures that say how good forebear is, and where it loses."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import kit, product
from .explanations import explanation
from .markdown import number, seconds, share, table
from .measured import Measured
from .short import from_files
from .summary import ALL
from .truth import Protocol

SAMPLED = frozenset({kit.NAME, f"{kit.NAME}, identity", f"{kit.NAME}, WVC"})
"""Methods that were run on a sample of the pairs: their shares are shown, and beat nobody."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of every method, nan where it has none; `shown` prints it, `mend` names its explanation."""

    title: str
    values: Mapping[str, float]
    shown: Callable[[float], str]
    higher: bool = True
    mend: str = ""

    @property
    def own(self) -> float:
        """That of forebear."""
        return self.values.get(product.NAME, math.nan)

    def others(self) -> list[tuple[str, float]]:
        """The other methods that were run in full, the best first."""
        found = [(n, v) for n, v in self.values.items() if n not in SAMPLED | {product.NAME} and not math.isnan(v)]
        return sorted(found, key=lambda pair: -pair[1] if self.higher else pair[1])

    def better(self) -> list[tuple[str, float]]:
        """The methods that are ahead of forebear in the digits that are shown."""
        return [
            (name, value)
            for name, value in self.others()
            if (value > self.own if self.higher else value < self.own) and self.shown(value) != self.shown(self.own)
        ]


def headline(first: Measured, light: Measured | None, sizes: Path) -> str:
    """Five figures beside the best of the others, and every loss with what would mend it."""
    figures = five(first, sizes)
    rows = [[f"{i}. {one.title}", one.shown(one.own), *best(one)] for i, one in enumerate(figures, 1)]
    parts = [
        "## Five figures, and where forebear loses\n",
        table(["of this zoo", "forebear", "best other method", "which"], rows),
        lost([*figures, *more(first)], first),
    ]
    if light is not None:
        parts.append(light_drift(light))
    return "\n".join(parts)


def five(measured: Measured, sizes: Path) -> list[Figure]:
    """AUC, found, parent first, seconds from files; and bytes of a 7B model, if those were measured."""
    found = {name: one[ALL] for name, one in measured.detections.items()}
    costs = {name: from_files(cost) for name, cost in measured.costs.items()}
    figures = [
        Figure("Derivatives told from strangers, AUC", {n: one.auc for n, one in found.items()}, four, mend="auc"),
        Figure("Found at no false positive", {n: one.rate for n, one in found.items()}, percent, mend="found"),
        Figure("Parent in the first rank, as models appeared", first_rank(measured), percent, mend="first"),
        Figure("Seconds of a query from files", costs, seconds, higher=False, mend="files"),
    ]
    if sizes.exists():
        content: dict[str, Any] = json.loads(sizes.read_text("utf-8"))
        needed = {size["method"]: float(size["bytes_needed"]) for size in content["sizes"]}
        figures.append(Figure("Bytes read of a 7B model", needed, megabytes, higher=False, mend="bytes"))
    return figures


def more(measured: Measured) -> list[Figure]:
    """What is not among the five, and may be lost."""
    merges = {n: ratio(one.both, one.merges) for n, one in rankings(measured)}
    top = {n: ratio(one.top, one.asked) for n, one in rankings(measured)}
    memory = {name: cost.query_seconds for name, cost in measured.costs.items()}
    return [
        Figure("Parent alone in the first rank or at its top", top, percent, mend="top"),
        Figure("Both parents of a merge in the first two ranks", merges, percent, mend="merges"),
        Figure("Seconds of a query, everything in memory", memory, seconds, higher=False, mend="memory"),
    ]


def rankings(measured: Measured) -> Iterable[tuple[str, Any]]:
    """Every method's ranks when each model is asked for as it appears."""
    return ((name, measured.ranking(name, Protocol.AS_THEY_APPEARED)) for name in measured.tables)


def first_rank(measured: Measured) -> dict[str, float]:
    """The share of derivatives whose parent is in the first rank."""
    return {name: ratio(one.first, one.asked) for name, one in rankings(measured)}


def best(figure: Figure) -> list[str]:
    """The best of the others and its name."""
    others = figure.others()
    return [figure.shown(others[0][1]), others[0][0]] if others else ["-", "-"]


def lost(figures: Iterable[Figure], measured: Measured) -> str:
    """A line a figure that somebody else is ahead in, and the categories that another method finds more of."""
    lines = lost_of(figures)
    mine = measured.detections[product.NAME]
    for category, own in mine.items():
        others = {n: d[category].rate for n, d in measured.detections.items() if n != product.NAME}
        ahead = [(n, rate) for n, rate in others.items() if rate > own.rate + 1e-9]
        if category != ALL and ahead:
            told = ", ".join(f"{n} {percent(rate)}" for n, rate in ahead)
            about = f"{told}; forebear {percent(own.rate)} of {own.positives}"
            lines.append(f"- **Found among {category.replace('_', ' ')}**: {about}. {explanation(category)}")
    return "Where another method is ahead:\n\n" + ("\n".join(lines) or "- nowhere in these figures.") + "\n"


def light_drift(measured: Measured) -> str:
    """The same methods on light fine-tunes, merges and copies of two real models: which parent is first."""
    rows, figures = [], [Figure("Parent first at light drift", first_rank(measured), percent, mend="light")]
    for name, rank in rankings(measured):
        found, cost = measured.detections[name][ALL], measured.costs.get(name)
        row = [name, number(found.auc, 4), share(rank.first, rank.asked), share(rank.top, rank.asked)]
        row += [share(rank.both, rank.merges), seconds(from_files(cost)) if cost else "-"]
        rows.append(row)
    head = ["light drift, held-out half", "AUC", "parent first", "alone or at the top", "both of a merge", "from files"]
    count = (
        f"{len(measured.zoo.members)} models of {len({m.root for m in measured.zoo.members.values()})} published ones"
    )
    text = (
        f"\n{count} (`benchmarks/field`): fine-tunes of a few steps, merges, conversions, quantisation, of the half"
        " that no rule was made on. Unrelated pairs are all of different shapes here: AUC and what is found say little."
        "\n\n"
    )
    return "### Light drift\n" + text + table(head, rows) + "".join(f"\n{line}\n" for line in lost_of(figures))


def lost_of(figures: Iterable[Figure]) -> list[str]:
    """A line of every figure that another method is ahead in."""
    lines = []
    for one in figures:
        ahead = one.better()
        if ahead:
            told = ", ".join(f"{name} {one.shown(value)}" for name, value in ahead)
            lines.append(f"- **{one.title}**: {told}; forebear {one.shown(one.own)}. {explanation(one.mend)}")
    return lines


def ratio(part: float, whole: float) -> float:
    """A share, nan of nothing."""
    return part / whole if whole else math.nan


def percent(value: float) -> str:
    """`93 %`, or a dash."""
    return "-" if math.isnan(value) else f"{100 * value:.0f} %"


def four(value: float) -> str:
    """Four digits after the point."""
    return number(value, 4)


def megabytes(value: float) -> str:
    """Megabytes."""
    return f"{value / 1e6:,.0f} MB"
