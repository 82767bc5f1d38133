"""What the page shows of a component: its figures, each with what it shows and its null, and its key table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ....queries.comparison.records.comparison import Comparison, ComponentComparison
from ....queries.comparison.records.figures import Baseline, Change, Profile, RoleSummary
from ....queries.comparison.records.neurons import NeuronComparison
from . import figures
from .images import Image, png, svg


class _OfRole(Protocol):
    """A record about one role."""

    @property
    def role(self) -> str:
        """`q`, `norm`, ..."""
        ...

    @property
    def slot(self) -> str:
        """What keeps apart those of one role, or empty."""
        ...


Record = TypeVar("Record", bound=_OfRole)


@dataclass(frozen=True, slots=True)
class FigureGroup:
    """Panels that belong together: `shows` and `null` are the sentences under them, `reason` why there are none."""

    title: str
    shows: str
    null: str
    rows: tuple[tuple[str, tuple[Image, ...]], ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One role of the key table: A-B beside the controls. `apart` when A-B is beyond what unrelated models reach."""

    summary: RoleSummary
    controls: tuple[float, ...]
    reading: str
    apart: bool


@dataclass(frozen=True, slots=True)
class KeyTable:
    """The key table of a component and the pairs with controls, in the order of the cells."""

    pairs: tuple[str, ...]
    rows: tuple[KeyRow, ...]


def key_table(part: ComponentComparison) -> KeyTable:
    """A line for each role that A and B share."""
    pairs = tuple(dict.fromkeys(row.pair for row in part.summary if row.pair != "A-B"))
    cosines = {(row.role, row.slot, row.pair): row.metrics.centred_cosine for row in part.summary}
    readings = {(row.role, row.slot): row.reading for row in part.changes if row.pair == "A-B"}
    rows = []
    for row in part.summary:
        if row.pair == "A-B":
            controls = tuple(cosines.get((row.role, row.slot, pair), math.nan) for pair in pairs)
            apart = not row.context and row.metrics.centred_cosine > _most(row.null_high, row.null_sd, controls)
            rows.append(KeyRow(row, controls, readings.get((row.role, row.slot), ""), apart))
    return KeyTable(pairs, tuple(rows))


def _most(null_high: float, null_sd: float, controls: Sequence[float]) -> float:
    """The highest that unrelated models reach here: 4 sd of independent values, different layers, and the controls."""
    return max(v for v in (4 * null_sd, null_high, *controls) if math.isfinite(v))


def changed_by_layer(
    rows: Sequence[Change],
) -> tuple[tuple[str, ...], tuple[tuple[int | None, tuple[float, ...]], ...]]:
    """Of A-B, the share of changed entries: roles, and a row for each layer of A; experts of a layer averaged."""
    found: dict[tuple[int | None, str], list[float]] = {}
    for row in rows:
        if row.pair == "A-B":
            found.setdefault((row.layer_first, f"{row.role} {row.slot}".strip()), []).append(row.changed_share)
    roles = tuple(dict.fromkeys(role for _, role in found))
    layers = sorted({layer for layer, _ in found}, key=lambda layer: -1 if layer is None else layer)
    return roles, tuple((layer, tuple(_mean(found.get((layer, role), [])) for role in roles)) for layer in layers)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def component_figures(part: ComponentComparison) -> list[FigureGroup]:
    """The figures of one component, in the order of the page."""
    return [_block_map(part), _profiles(part), _heatmaps(part), _distributions(part), _changes(part), _neurons(part)]


def _neurons(part: ComponentComparison) -> FigureGroup:
    found = part.neurons
    image = svg(figures.best_cosines(found), f"Histograms of best cosines, pairs {_pairs(found)}") if found else None
    return FigureGroup(
        "What neurons do",
        "What each neuron of the first model of a pair does on the same tokens, against the best neuron of the second."
        " Nothing that leaves a model's function as it is moves it: not another basis, order or scale.",
        "Null: the grey area is layers of the same two models that do not belong together, and the thin lines are pairs"
        " with controls.",
        (("", (image,)),) if image else (),
        "" if image else "The models share no embedding of single characters, or their activations are not kept.",
    )


def _block_map(part: ComponentComparison) -> FigureGroup:
    images = tuple(
        svg(
            figures.block_map(row.blocks, row.query, row.candidate),
            f"{len(row.blocks)} blocks of {row.query} beside the block of {row.candidate} that each fits",
        )
        for row in part.evidence
        if {row.query, row.candidate} == {"A", "B"} and row.blocks
    )
    return FigureGroup(
        "Block map",
        "Each point is a block of one model and the block of the other that it fits by the strongest evidence;"
        " the grey line is where equal numbers lie.",
        "Null: unrelated models have no significant match, and so no point.",
        (("", images),) if images else (),
        "" if images else "No block of A has a significant match in B, nor the other way round.",
    )


def _profiles(part: ComponentComparison) -> FigureGroup:
    null = {(one.role, one.slot): one for one in part.baselines if one.scope == "A-B"}
    rows = _by_role(part.profiles, lambda found: (_profile(found, null.get((found[0].role, found[0].slot))),))
    return FigureGroup(
        "Matched-layer profile",
        "The centred cosine of each layer with its counterpart, A-B thick beside every pair with a control.",
        "Null: the grey band is the 5th to 95th percentile between different layers of A and B; lines inside it say"
        " nothing.",
        tuple(rows),
        "" if rows else "No role has layers whose values stand at equal places.",
    )


def _profile(found: Sequence[Profile], null: Baseline | None) -> Image:
    return svg(figures.profile(found, null), f"Centred cosine by layer of {_name(found[0])}, pairs {_pairs(found)}")


def _heatmaps(part: ComponentComparison) -> FigureGroup:
    rows = []
    for role, found in _grouped(part.heatmaps):
        scale = figures.scale_of(found)
        shown = [one for one in found if "-" in one.pair or one.pair in {"A", "B"}]
        panels = tuple(png(figures.heatmap(h, scale), f"{role}: correlation of all layers, {h.pair}") for h in shown)
        pale, most = "", figures.largest(found)
        if most < scale / 2:
            pale = f"; all pale: nothing here goes beyond {most:z.2f}, the colours end at {scale:z.2f}"
        rows.append((f"{role}: independent values stray by {found[0].null_sd:z.3f}{pale}", panels))
    return FigureGroup(
        "Every layer against every layer",
        "The correlation of all pairs of layers, role by role, centred at 0 and on one colour scale for all panels of"
        " a role; grey is a layer against itself.",
        "Null: the panels with controls and those inside one model show what no relation looks like; a line of dark"
        " cells in A-B alone is a relation.",
        tuple(rows),
        "" if rows else "No role has layers whose values stand at equal places.",
    )


def _distributions(part: ComponentComparison) -> FigureGroup:
    rows = _by_role(
        part.distributions,
        lambda found: (svg(figures.distribution(found), f"Histogram of {_name(found[0])} of every model"),),
    )
    return FigureGroup(
        "Distributions",
        "The values of each role of every model, as histograms on common edges.",
        "Null: unrelated models of one recipe have the same spread as well, so equal curves are no evidence; the"
        " controls show it.",
        tuple(rows),
        "" if rows else "No values to draw.",
    )


def _changes(part: ComponentComparison) -> FigureGroup:
    rows = _by_role(
        part.changes,
        lambda found: (svg(figures.change(found), f"How far values of {_name(found[0])} moved, by pair"),),
    )
    return FigureGroup(
        "Distribution of the change",
        "How far the values of each role moved between matched tensors, in spacings of their stored type (units in the"
        " last place), doubling to the right: rounding ends at half a spacing, the grey line; training goes beyond it.",
        "Null: the lines of pairs with controls, which are unrelated models, lie far to the right, where nothing kept"
        " its value.",
        tuple(rows),
        "" if rows else "No values to draw.",
    )


def model_map(found: Comparison) -> FigureGroup:
    """The models in two dimensions."""
    return FigureGroup(
        "Map of the models",
        f"Classical scaling of the distances of {found.map.component or 'the models'}: near points are alike, and the"
        f" plane holds {100 * found.map.explained:.0f} % of the squared distances.",
        "Null: unrelated models are about 1.41 from each other and from everything, which no plane can show for many of"
        " them; only nearness means something.",
        (("", (svg(figures.plane(found.map), "The models as points: " + ", ".join(found.map.labels)),)),),
    )


def _by_role(
    records: Sequence[Record], draw: Callable[[Sequence[Record]], tuple[Image, ...]]
) -> list[tuple[str, tuple[Image, ...]]]:
    """One row that holds the panels of all roles."""
    images = tuple(image for _, found in _grouped(records) for image in draw(found))
    return [("", images)] if images else []


def _grouped(records: Sequence[Record]) -> list[tuple[str, list[Record]]]:
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(_name(record), []).append(record)
    return list(groups.items())


def _name(record: _OfRole) -> str:
    return f"{record.role} {record.slot}".strip()


def _pairs(found: Sequence[Profile] | Sequence[NeuronComparison]) -> str:
    return ", ".join(one.pair for one in found)
