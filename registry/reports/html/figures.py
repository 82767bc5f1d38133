"""Every figure of the report: a function from records to a figure of matplotlib, without pyplot's global state."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from ....queries.answers.records import BlockMatch
from ....queries.comparison.records.figures import (
    STEP_EDGES,
    Baseline,
    ChangeSummary,
    Distribution,
    Heatmap,
    ModelMap,
    Profile,
)
from ....queries.comparison.records.neurons import NeuronComparison
from .images import label

# Okabe and Ito's palette, which people with any colour vision tell apart; line styles and markers say the same.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_DASHES = ("-", "--", "-.", ":")
_SMALLEST_SCALE = 0.2
"""Below it the strays of unrelated models would fill the colours, and look like something."""


def block_map(blocks: Sequence[BlockMatch], query: str, candidate: str) -> Figure:
    """Which block of one model fits which of the other: a point for each match, by layer."""
    figure, axes = _panel(4.2, 3.3, left=0.13, right=0.86, bottom=0.14)
    places = [(_layer(b.query), _layer(b.ancestor), b.identity) for b in blocks]
    points = np.array([p for p in places if p[0] is not None and p[1] is not None], np.float64).reshape(-1, 3)
    if len(points):
        most = float(points[:, :2].max())
        axes.plot([0, most], [0, most], color="#bbbbbb", linewidth=1, zorder=1)
        drawn = axes.scatter(
            points[:, 0], points[:, 1], c=points[:, 2], cmap="viridis_r", vmin=0, vmax=1, s=26, zorder=2
        )
        figure.colorbar(drawn, ax=axes, label="identity", fraction=0.05)
        axes.set(xlim=(-0.5, max(points[:, 0].max(), 1) + 0.5), ylim=(-0.5, max(points[:, 1].max(), 1) + 0.5))
    axes.set(xlabel=f"layer of {label(query)}", ylabel=f"layer of {label(candidate)}")
    _whole_ticks(axes)
    return figure


def _layer(block: str) -> int | None:
    """The layer in a block's name, `language.7` or `language.7.3` with an expert."""
    parts = block.split(".")
    return next((int(p) for p in parts[1:] if p.isascii() and p.isdigit()), None)


def scale_of(heatmaps: Sequence[Heatmap]) -> float:
    """The end of one colour scale for all panels of a role: the largest correlation, a layer with itself left out."""
    return max(_SMALLEST_SCALE, largest(heatmaps))


def largest(heatmaps: Sequence[Heatmap]) -> float:
    """The largest correlation of all panels, either way, a layer with itself left out; 0 without any."""
    found = [np.abs(_shown(h)) for h in heatmaps]
    return max((float(a[np.isfinite(a)].max()) for a in found if np.isfinite(a).any()), default=0.0)


def _shown(found: Heatmap) -> NDArray[np.float64]:
    """The correlations [first, second]; NaN for a layer against itself."""
    values = found.correlation.astype(np.float64)
    if "-" not in found.pair:
        values[np.equal.outer(found.layers_first, found.layers_second)] = np.nan
    return values


def heatmap(found: Heatmap, scale: float) -> Figure:
    """Every layer against every layer: blue below 0, white at 0, red above; grey is a layer against itself."""
    figure, axes = _panel(2.75, 2.35, left=0.15, right=0.84, bottom=0.18, top=0.88)
    first, second = _names(found.pair)
    drawn = axes.imshow(
        _shown(found), cmap=_diverging(), vmin=-scale, vmax=scale, interpolation="nearest", aspect="auto"
    )
    axes.set_title(f"{label(found.pair)}" if first != second else f"inside {label(first)}")
    axes.set(xlabel=f"layer of {label(second)}", ylabel=f"layer of {label(first)}")
    axes.set_xticks(*_ticks(found.layers_second))
    axes.set_yticks(*_ticks(found.layers_first))
    figure.colorbar(drawn, ax=axes, fraction=0.06, pad=0.04)
    return figure


def _ticks(layers: Sequence[int]) -> tuple[list[int], list[str]]:
    """At most seven places along an axis, and the layers there."""
    step = max(1, math.ceil(len(layers) / 7))
    places = list(range(0, len(layers), step))
    return places, [str(layers[i]) for i in places]


def _diverging() -> Colormap:
    return colormaps["RdBu_r"].with_extremes(bad="#d0d0d0")


def profile(found: Sequence[Profile], null: Baseline | None) -> Figure:
    """One role along the layers, a line for each pair, over the band that different layers of A and B lie in."""
    figure, axes = _panel(3.6, 2.35)
    if null is not None and math.isfinite(null.low.centred_cosine):
        axes.axhspan(null.low.centred_cosine, null.high.centred_cosine, color="#c9c9c9", zorder=0, label="null")
    axes.axhline(0, color="#666666", linewidth=0.6, zorder=1)
    for number, one in enumerate(found):
        main = one.pair == "A-B"
        axes.plot(
            one.layers_first,
            one.centred_cosine,
            color=_COLOURS[number % len(_COLOURS)],
            linestyle=_DASHES[number % len(_DASHES)],
            linewidth=2.0 if main else 1.0,
            marker="o" if main else None,
            markersize=3,
            zorder=3 if main else 2,
            label=label(one.pair),
        )
    axes.set(xlabel="layer of the first model", ylabel="centred cosine")
    axes.set_title(_title(found[0].role, found[0].slot, found[0].context))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.legend(ncols=3, loc="best")
    low = min((v for one in found for v in one.centred_cosine if math.isfinite(v)), default=0.0)
    axes.set_ylim(min(-0.2, low * 1.1), 1.08)
    return figure


def change(found: Sequence[ChangeSummary]) -> Figure:
    """How far values of one role moved, in spacings of their type: a line for each pair, doubling to the right."""
    figure, axes = _panel(3.6, 2.35, bottom=0.24)
    bins = np.arange(len(STEP_EDGES) + 3)
    for number, one in enumerate(found):
        axes.stairs(
            one.step_shares,
            bins,
            color=_COLOURS[number % len(_COLOURS)],
            linestyle=_DASHES[number % len(_DASHES)],
            linewidth=2.0 if one.pair == "A-B" else 1.0,
            label=label(one.pair),
        )
    axes.axvline(2, color="#666666", linewidth=0.6)
    names = ["0", *(f"{edge:g}" for edge in STEP_EDGES), "more"]
    axes.set_xticks(bins[:-1] + 0.5, [name if i in {0, 1} or i % 3 == 1 else "" for i, name in enumerate(names)])
    axes.set(xlabel="change, at most so many spacings", ylabel="share of values", ylim=(0, 1.05))
    axes.set_title(_title(found[0].role, found[0].slot, found[0].role in {"norm", "bias"}))
    axes.legend(ncols=2, loc="best")
    return figure


def distribution(found: Sequence[Distribution]) -> Figure:
    """The values of one role: a histogram as a line for each model, on common edges, logarithmic upwards."""
    figure, axes = _panel(3.6, 2.35, left=0.2)
    for number, one in enumerate(found):
        axes.stairs(
            one.shares,
            one.edges,
            color=_COLOURS[number % len(_COLOURS)],
            linestyle=_DASHES[number % len(_DASHES)],
            linewidth=1.2,
            label=label(one.model),
        )
    axes.set_yscale("log")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))  # powers of ten would be set as maths
    axes.set(xlabel="value", ylabel="share of values")
    axes.set_title(_title(found[0].role, found[0].slot, found[0].context))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.legend(ncols=2, loc="best")
    return figure


def best_cosines(found: Sequence[NeuronComparison]) -> Figure:
    """How alike every neuron's best is: a thick line for the layers of A-B that belong together, grey for others."""
    figure, axes = _panel(5.4, 3.0, left=0.11, bottom=0.15)
    main = found[0]
    axes.stairs(
        main.apart, main.edges, color="#999999", fill=True, alpha=0.4, label=f"{label(main.pair)}, layers apart"
    )
    for number, one in enumerate(found):
        axes.stairs(
            one.counterparts,
            one.edges,
            color=_COLOURS[number % len(_COLOURS)],
            linestyle=_DASHES[number % len(_DASHES)],
            linewidth=2.0 if one is main else 1.0,
            label=label(one.pair),
        )
    axes.set(xlabel="cosine of a neuron with the best of the other model", ylabel="share of neurons", xlim=(0, 1))
    axes.legend(ncols=2, loc="best")
    return figure


def plane(found: ModelMap) -> Figure:
    """The models as points; a bar shows how far apart unrelated models are."""
    figure, axes = _panel(5.4, 4.0, left=0.09, bottom=0.09)
    for number, (name, (x, y)) in enumerate(zip(found.labels, found.coordinates.tolist(), strict=True)):
        asked = number < 2
        axes.scatter(x, y, s=110 if asked else 70, marker="o" if asked else "s", zorder=3, alpha=0.75,
                     color=_COLOURS[number % len(_COLOURS)])  # fmt: skip
        offset = (-11, 9) if number % 2 == 0 else (6, -14)  # two points on one spot keep both names readable
        axes.annotate(label(name), (x, y), xytext=offset, textcoords="offset points", fontsize=11, weight="bold")
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.25)
    axes.set(xlabel="first axis (relative distance)", ylabel="second axis")
    return figure


def _panel(
    width: float, height: float, *, left: float = 0.16, right: float = 0.97, bottom: float = 0.19, top: float = 0.89
) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height))
    figure.subplots_adjust(left, bottom, right, top)
    return figure, figure.add_subplot()


def _whole_ticks(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))


def _names(pair: str) -> tuple[str, str]:
    """The labels of a pair; a label alone is a model against itself."""
    first, _, second = pair.partition("-")
    return first, second or first


def _title(role: str, slot: str, context: bool) -> str:
    return label(f"{role} {slot}".strip()) + (" (context)" if context else "")
