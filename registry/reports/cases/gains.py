"""The figures of norm gains: by layer, confusion matrices of the same layers, of mixed ones and within, and scatter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ....queries.comparison.case.records import CaseResult
from ....queries.comparison.records.gains import GainMatrix, GainRow
from . import drawing, values
from .blocks import Block, Drawing, Grid, Panel, Section
from .prose import Words

_ARRANGEMENTS = (("same layer", "same"), ("mixed layers", "mixed"), ("within", "within"))
_FIGURES = {"cosine": "cosine", "centred_cosine": "centred", "mean_abs_difference": "difference"}
"""Field of a matrix -> the key of its name."""
_SCATTERS = 4
"""Pairs whose scatter is drawn, once a place: asked ones first; JSON holds all."""


def gains_section(result: CaseResult, words: Words) -> Section:
    """Everything about norm gains."""
    blocks: list[Block] = [_summary(result, words)]
    blocks += [_by_layer(result, slot, words) for slot in _slots(result)]
    for arrangement, key in _ARRANGEMENTS:
        for slot in _slots(result):
            found = [m for m in result.gains.matrices if (m.arrangement, m.slot) == (arrangement, slot)]
            if found:
                blocks.append(_matrices(found, key, slot, words))
    blocks += [_matrix_grid(result, words), _scatters(result, words), _rows(result, words)]
    return Section("gains", words("gains_title"), blocks)


def _slots(result: CaseResult) -> list[str]:
    return list(dict.fromkeys(one.slot for one in result.gains.matrices))


def _summary(result: CaseResult, words: Words) -> Grid:
    controls = values.controls_of(result)
    keys = ("pair", "slot", "layers", "cosine", "shuffled", "centred", "difference", "largest_z", "expected")
    rows = [
        [
            values.pair_name(one.first, one.second),
            one.slot,
            str(one.layers),
            f"{values.cosine(one.cosine)} ({values.cosine(one.lowest_cosine)} … {values.cosine(one.highest_cosine)})",
            values.cosine(one.shuffled_cosine),
            values.cosine(one.centred_cosine),
            values.figure(one.mean_abs_difference),
            values.figure(one.largest_z, 1),
            words("expected_unrelated") if (one.first, one.second) in controls else values.DASH,
        ]
        for one in result.gains.summaries
    ]
    return Grid("norm_gains", words("gains_caption"), [words(key) for key in keys], rows, (0, 1, 8))


def _by_layer(result: CaseResult, slot: str, words: Words) -> Drawing:
    rows = [row for row in result.gains.rows if row.slot == slot and row.layer_first is not None]
    controls = values.controls_of(result)
    pairs = values.pair_names(dict.fromkeys((row.first, row.second) for row in rows))
    images = (
        [Panel(partial(drawing.gain_layers, rows, controls), words("gain_layers_alt", slot=slot, pairs=pairs), True)]
        if rows
        else []
    )
    return Drawing(
        f"{words('gain_layers_title')}: {slot}",
        words("gain_layers_shows", slot=slot),
        words("gain_layers_null"),
        images,
        "" if images else values.DASH,
        True,
    )


def _matrices(found: Sequence[GainMatrix], key: str, slot: str, words: Words) -> Drawing:
    images = [
        Panel(partial(drawing.gain_matrix, one, figure, place_names(one)), _alt(one, figure, key, words), False)
        for one in found
        for figure in _FIGURES
    ]
    places = ", ".join(f"{label} {layer}" for label, layer in found[0].places)
    shows = words(f"{key}_shows", slot=slot, places=places)
    return Drawing(f"{words(f'{key}_title')}: {slot}", shows, words(f"{key}_null"), images, wide=True)


def _alt(one: GainMatrix, figure: str, key: str, words: Words) -> str:
    low, high = values.off_diagonal(getattr(one, figure))
    return words(
        "matrix_alt",
        arrangement=words(f"{key}_title"),
        slot=one.slot,
        places=", ".join(f"{label} {layer}" for label, layer in one.places),
        figure=words(_FIGURES[figure]),
        low=values.cosine(low),
        high=values.cosine(high),
    )


def place_names(found: GainMatrix) -> list[str]:
    """`solar 10`, or the layer alone within one model."""
    return [f"{label} {layer}" for label, layer in found.places]


def _matrix_grid(result: CaseResult, words: Words) -> Grid:
    """Every cell above the diagonal of every matrix, as numbers."""
    rows = []
    for one in result.gains.matrices:
        names = place_names(one)
        for i in range(len(names)):
            for j in range(i + 1, len(names)):
                figures = (one.cosine, one.shuffled_cosine, one.centred_cosine)
                cells = [values.cosine(float(figure[i, j])) for figure in figures]
                rows.append([f"{names[i]} / {names[j]}", one.arrangement, one.slot, *cells,
                             values.figure(float(one.mean_abs_difference[i, j]))])  # fmt: skip
    titles = [words(key) for key in ("pair", "kind", "slot", "cosine", "shuffled", "centred", "difference")]
    return Grid("norm_gain_matrices", words("show_table"), titles, rows, (0, 1, 2), folded=True)


def _scatters(result: CaseResult, words: Words) -> Drawing:
    asked = {(pair.first, pair.second): pair.expected for pair in result.pairs}
    order = {"asked": 0, "related": 1, "unrelated": 2, "none": 3}
    found = sorted(result.gains.scatters, key=lambda one: order[asked.get((one.first, one.second), "none")])
    centred = {(row.first, row.second, row.slot, row.layer_first): row.centred_cosine for row in result.gains.rows}
    images = [
        Panel(
            partial(
                drawing.gain_scatter, one, centred.get((one.first, one.second, one.slot, one.layer_first), float("nan"))
            ),
            words(
                "scatter_alt",
                slot=one.slot,
                first=one.first,
                second=one.second,
                layer=one.layer_first,
                count=len(one.x),
            ),
            False,
        )
        for one in found[: 2 * _SCATTERS]
    ]
    title = words("scatter_title")
    return Drawing(title, words("scatter_shows"), words("scatter_null"), images, "" if images else values.DASH)


def _rows(result: CaseResult, words: Words) -> Grid:
    keys = ("pair", "slot", "layer", "cosine", "shuffled", "centred", "difference")
    return Grid(
        "norm_gains_by_layer",
        words("gain_rows_caption"),
        [words(key) for key in keys],
        [_cells(row) for row in result.gains.rows],
        (0, 1),
        folded=True,
    )


def _cells(row: GainRow) -> list[str]:
    return [
        values.pair_name(row.first, row.second),
        row.slot,
        values.DASH if row.layer_first is None else str(row.layer_first),
        values.cosine(row.cosine),
        values.cosine(row.shuffled_cosine),
        values.cosine(row.centred_cosine),
        values.figure(row.mean_abs_difference),
    ]
