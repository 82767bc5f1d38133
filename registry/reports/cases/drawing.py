"""The figures of a case: functions from records to figures of matplotlib, without pyplot's global state."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ....queries.comparison.case.records import (
    EmbeddingFigure,
    KindMatrix,
    Matrix,
    VocabularyPair,
)
from ....queries.comparison.records.figures import ModelMap
from ....queries.comparison.records.gains import GainMatrix, GainRow, GainScatter
from ..html.images import label

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_SIGNIFICANT = -3.0
_MISSING = "#d0d0d0"


def panels(
    count: int, width: float, height: float, *, left: float = 0.62, bottom: float = 0.5, top: float = 0.25
) -> tuple[Figure, list[Axes]]:
    """A row of `count` panels, each of that size in inches, with margins in inches.

    Margins are fixed: finding them from what is drawn takes as long as drawing.
    """
    figure = Figure(figsize=(width * count, height))
    found = []
    for number in range(count):
        place = ((number * width + left) / (width * count), bottom / height)
        size = ((width - left - 0.1) / (width * count), (height - bottom - top) / height)
        found.append(figure.add_axes((*place, *size)))
    return figure, found


def gain_matrix(found: GainMatrix, figure_name: str, names: Sequence[str]) -> Figure:
    """One confusion matrix: `cosine`, `centred_cosine` or `mean_abs_difference`; `names` label rows and columns."""
    side = max(2.6, 0.42 * len(names) + 1.0)
    figure, (axes,) = panels(1, side, side, left=0.85, bottom=0.75)
    if figure_name == "mean_abs_difference":
        values, colours, limits = found.mean_abs_difference, "Greys", (0.0, _largest(found.mean_abs_difference))
    else:
        values, colours, limits = getattr(found, figure_name), "RdBu_r", (-1.0, 1.0)
    matrix(axes, values, names, figure_name.replace("_", " "), colours, limits)
    return figure


def _largest(values: Matrix) -> float:
    return max(0.05, float(np.nanmax(values, initial=0.0)))


def matrix(
    axes: Axes,
    values: Matrix,
    names: Sequence[str],
    title: str,
    colours: str,
    limits: tuple[float, float],
    marks: Mapping[tuple[int, int], str] | None = None,
) -> None:
    """A square of cells with their figures in them; grey where there is none, `marks` behind the figure."""
    low, high = limits
    axes.imshow(values, cmap=colormaps[colours].with_extremes(bad=_MISSING), vmin=low, vmax=high)
    shown = [label(name)[:14] for name in names]
    axes.set_xticks(range(len(names)), shown, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), shown)
    axes.set_title(title)
    for (i, j), value in np.ndenumerate(values):
        if math.isfinite(value):
            dark = abs((value - low) / (high - low) - (0.5 if low < 0 else 0.0)) > (0.36 if low < 0 else 0.6)
            text = f"{value:z.2f}" + (marks or {}).get((i, j), "")
            size = 7 if len(names) < 8 else 5
            axes.text(j, i, text, ha="center", va="center", fontsize=size, color="white" if dark else "black")


def gain_layers(rows: Sequence[GainRow], dashed: set[tuple[str, str]]) -> Figure:
    """Two panels along the layers, a line a pair: cosine above, centred below; `dashed` are pairs with controls."""
    figure = Figure(figsize=(6.4, 4.6))
    figure.subplots_adjust(left=0.1, right=0.76, bottom=0.1, top=0.97, hspace=0.15)
    upper, lower = (figure.add_subplot(2, 1, number) for number in (1, 2))
    pairs = list(dict.fromkeys((row.first, row.second) for row in rows))
    for number, pair in enumerate(sorted(pairs, key=lambda pair: pair in dashed)):
        mine = [row for row in rows if (row.first, row.second) == pair and row.layer_first is not None]
        layers = np.array([row.layer_first for row in mine], np.float64)
        control = pair in dashed
        for axes, values in ((upper, [row.cosine for row in mine]), (lower, [row.centred_cosine for row in mine])):
            (line,) = axes.plot(layers, values, color=COLOURS[number % len(COLOURS)], label=label("-".join(pair)))
            line.set(linestyle="--" if control else "-", linewidth=0.9 if control else 1.8)
    lower.axhline(0, color="#666666", linewidth=0.6)
    upper.set(ylabel="cosine", ylim=(min(0.0, min((row.cosine for row in rows), default=0.0)), 1.05))
    lower.set(ylabel="centred cosine", xlabel="layer", ylim=(-0.3, 1.05))
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(*upper.get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(0.77, 0.97), ncols=1)
    return figure


def gain_scatter(found: GainScatter, centred: float) -> Figure:
    """A point a channel."""
    figure, (axes,) = panels(1, 2.5, 2.4)
    axes.scatter(found.x, found.y, s=4, alpha=0.5, color=COLOURS[0], linewidths=0)
    most = max(*found.x, *found.y, 0.0) * 1.05
    least = min(*found.x, *found.y, 0.0) * 1.05
    axes.set(xlim=(least, most), ylim=(least, most), xlabel=label(found.first), ylabel=label(found.second))
    axes.set_title(f"{label(found.slot)} {found.layer_first}: r = {centred:z.3f}")
    return figure


def kind_matrix(found: KindMatrix, controls: set[tuple[str, str]]) -> Figure:
    """The centred correlation of one kind over all models."""
    side = max(2.6, 0.5 * len(found.labels) + 1.0)
    figure, (axes,) = panels(1, side, side, left=0.85, bottom=0.75)
    marks = {}
    for (i, j), p in np.ndenumerate(found.log10_p):
        pair = found.labels[min(i, j)], found.labels[max(i, j)]
        marks[int(i), int(j)] = ("▲" if math.isfinite(p) and p <= _SIGNIFICANT else "") + (
            "c" if pair in controls else ""
        )
    matrix(axes, found.correlation, found.labels, label(found.kind), "RdBu_r", (-1, 1), marks)
    return figure


def token_ids(found: VocabularyPair) -> Figure:
    """The ids of shared tokens in both vocabularies."""
    figure, (axes,) = panels(1, 2.5, 2.4)
    axes.scatter(found.ids_first, found.ids_second, s=2, alpha=0.5, color=COLOURS[0], linewidths=0)
    axes.set(xlabel=f"id in {label(found.first)}", ylabel=f"id in {label(found.second)}")
    axes.set_title(f"r = {found.id_correlation:z.2f}")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    return figure


def embedding(found: EmbeddingFigure) -> Figure:
    """Two histograms of cosines: same tokens filled, mismatched ones as a line."""
    figure, (axes,) = panels(1, 2.5, 2.4)
    axes.stairs(found.same, found.edges, fill=True, color=COLOURS[4], label="same token")
    axes.stairs(found.mismatched, found.edges, color=COLOURS[1], label="other token")
    axes.set(xlabel="cosine", ylabel="share of tokens", xlim=(-1, 1))
    axes.set_title(f"{label(found.first)}-{label(found.second)}")
    axes.legend(loc="upper left", fontsize=6)
    return figure


def model_map(found: ModelMap, families: Mapping[str, str]) -> Figure:
    """The models as points, a colour a family."""
    figure, (axes,) = panels(1, 5.4, 4.0)
    colours = {family: COLOURS[i % len(COLOURS)] for i, family in enumerate(dict.fromkeys(families.values()))}
    for number, (name, (x, y)) in enumerate(zip(found.labels, found.coordinates.tolist(), strict=True)):
        axes.scatter(x, y, s=80, alpha=0.75, color=colours[families.get(name, "")])
        axes.annotate(label(name), (x, y), xytext=(7, 7 if number % 2 else -12), textcoords="offset points", fontsize=8)
    axes.margins(0.25)
    axes.set(xlabel="first axis (relative distance)", ylabel="second axis")
    return figure


def timeline(dates: Sequence[tuple[str, str]]) -> Figure:
    """Models along time, the oldest to the left."""
    ordered = sorted(dates, key=lambda one: one[1])
    days = [date.fromisoformat(day) for _, day in ordered]
    figure, (axes,) = panels(1, 6.4, 0.7 + 0.34 * len(ordered), left=0.15, bottom=0.35, top=0.1)
    numbers: NDArray[np.float64] = np.array([day.toordinal() for day in days], np.float64)
    axes.scatter(numbers, range(len(days)), color=COLOURS[0], s=36, zorder=2)
    axes.hlines(range(len(days)), numbers.min() - 15, numbers, color="#bbbbbb", linewidth=1, zorder=1)
    for place, ((name, day), at) in enumerate(zip(ordered, numbers.tolist(), strict=True)):
        axes.annotate(f"{label(name)}  {day}", (at, place), xytext=(7, -3), textcoords="offset points", fontsize=8)
    axes.set_yticks([])
    ticks = [tick for year in range(days[0].year, days[-1].year + 2) for tick in (date(year, 1, 1), date(year, 7, 1))]
    axes.set_xticks([tick.toordinal() for tick in ticks], [tick.isoformat()[:7] for tick in ticks])
    span = max(30.0, float(numbers.max() - numbers.min()))
    axes.set_xlim(numbers.min() - 15, numbers.max() + 0.45 * span)
    axes.set_ylim(len(days) - 0.4, -0.6)
    return figure
