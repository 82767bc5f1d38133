"""The figures of matrices: every kind over all models, kinds of evidence, block maps, distributions, map, recipes."""

from __future__ import annotations

import math
from functools import partial

from ....queries.comparison.case.records import CaseResult, KindMatrix
from ..html import figures
from . import drawing, values
from .blocks import Block, Drawing, Grid, Panel, Section
from .prose import Words

_BLOCK_MAPS = 8


def kinds_section(result: CaseResult, words: Words) -> Section:
    """Matrices of many values: what tells relation."""
    controls = values.controls_of(result)
    images = [Panel(partial(drawing.kind_matrix, one, controls), _kind_alt(one, words), True) for one in result.kinds]
    names = ", ".join(one.kind for one in result.kinds)
    reason = "" if images else words("kinds_none")
    drawn = Drawing(words("kinds_title"), words("kinds_shows", kind=names), words("kinds_null"), images, reason, True)
    return Section(
        "kinds",
        words("kinds_title"),
        [drawn, _kind_grid(result, words), *_evidence(result, words), _blocks(result, words)],
    )


def _kind_alt(one: KindMatrix, words: Words) -> str:
    low, high = values.off_diagonal(one.correlation)
    return words(
        "kinds_alt", kind=one.kind, labels=", ".join(one.labels), low=values.cosine(low), high=values.cosine(high)
    )


def _kind_grid(result: CaseResult, words: Words) -> Grid:
    """A line a pair, a column a kind."""
    rows = []
    for pair in result.pairs:
        cells = []
        for one in result.kinds:
            i, j = one.labels.index(pair.first), one.labels.index(pair.second)
            z = float(one.z[i, j])
            beside = f" ({z:.1f})" if math.isfinite(z) else ""
            cells.append(values.cosine(float(one.correlation[i, j])) + beside)
        expected = words(f"expected_{pair.expected}")
        rows.append([values.pair_name(pair.first, pair.second), expected, *cells])
    titles = [words("pair"), words("expected"), *(one.kind for one in result.kinds)]
    marked = [number for number, pair in enumerate(result.pairs) if pair.expected == "asked"]
    return Grid("kinds", words("kinds_caption"), titles, rows, (0, 1), marked=marked)


def _evidence(result: CaseResult, words: Words) -> list[Grid]:
    rows = []
    for one in result.evidence:
        for i, label in enumerate(one.labels):
            rows.append([f"{one.kind}: {label}", *(values.logarithm(value) for value in one.log10_p[i].tolist())])
    labels = result.evidence[0].labels if result.evidence else ()
    return [Grid("evidence", words("evidence_caption"), [words("evidence"), *labels], rows)] if rows else []


def _blocks(result: CaseResult, words: Words) -> Drawing:
    images: list[Panel] = []
    for pair in result.pairs:
        row = next((row for row in pair.rows if row.component == pair.component and row.blocks), None)
        if row is not None and len(images) < _BLOCK_MAPS:
            alt = words("blocks_alt", count=len(row.blocks), first=row.query, second=row.candidate)
            images.append(Panel(partial(figures.block_map, row.blocks, row.query, row.candidate), alt, True))
    reason = "" if images else words("blocks_none")
    return Drawing(words("blocks_title"), words("blocks_shows"), words("blocks_null"), images, reason, True)


def rest_sections(result: CaseResult, words: Words) -> list[Section]:
    """Map, distributions, recipes and timeline."""
    return [
        Section("map", words("map_title"), _map(result, words)),
        Section("distributions", words("distributions_title"), [_distributions(result, words)]),
        Section("recipes", words("recipe_title"), _recipes(result, words)),
        Section("timeline", words("timeline_title"), [_timeline(result, words)]),
    ]


def _map(result: CaseResult, words: Words) -> list[Block]:
    found = result.map
    families = {one.label: one.family for one in result.models}
    images = [
        Panel(partial(drawing.model_map, found, families), words("map_alt", labels=", ".join(found.labels)), True)
    ]
    share = f"{100 * found.explained:.0f} %"
    rows = [
        [label, *(f"{distance:z.2f}" for distance in found.distances[number].tolist())]
        for number, label in enumerate(found.labels)
    ]
    return [
        Drawing(words("map_title"), words("map_shows", share=share), words("map_null"), images, wide=True),
        Grid("distances", words("distances_caption"), [words("model"), *found.labels], rows),
    ]


def _distributions(result: CaseResult, words: Words) -> Drawing:
    groups: dict[tuple[str, str], list[int]] = {}
    for number, one in enumerate(result.distributions):
        groups.setdefault((one.role, one.slot), []).append(number)
    images = []
    for (role, slot), places in groups.items():
        found = [result.distributions[place] for place in places]
        alt = words("distributions_alt", kind=f"{role} {slot}".strip(), labels=", ".join(one.model for one in found))
        images.append(Panel(partial(figures.distribution, found), alt, True))
    reason = "" if images else values.DASH
    title = words("distributions_title")
    return Drawing(title, words("distributions_shows"), words("distributions_null"), images, reason, True)


def _recipes(result: CaseResult, words: Words) -> list[Block]:
    found: list[Block] = []
    for one in result.recipes:
        recipe = one.recipe
        caption = words(
            "recipe_caption",
            label=one.label,
            method=recipe.method,
            exact=values.part(recipe.exact_share),
            rival=values.part(recipe.rival_share),
        )
        rows = [
            [parent.name, f"{parent.weight:.4g}", f"{values.figure(parent.low)} … {values.figure(parent.high)}"]
            for parent in recipe.parents
        ]
        found.append(Grid(f"recipe_{one.label}", caption, [words("parent"), words("weight"), "±"], rows))
    return found or [Drawing(words("recipe_title"), "", "", [], words("recipe_none"))]


def _timeline(result: CaseResult, words: Words) -> Drawing:
    dates = [(one.label, day) for one in result.models if (day := one.released or one.created)]
    listed = ", ".join(f"{label} {day}" for label, day in sorted(dates, key=lambda one: one[1]))
    images = [Panel(partial(drawing.timeline, dates), words("timeline_alt", dates=listed), True)] if dates else []
    reason = "" if dates else words("timeline_none")
    return Drawing(words("timeline_title"), words("timeline_shows"), words("timeline_null"), images, reason, True)
