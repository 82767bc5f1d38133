"""Ancestors and descendants of a model, each row with its reason and what its direction rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...reports.ancestors import AncestorsReport
from ..forms import Row, Shown
from ..parameters import MODEL, ROWS, Asked
from ..site import PageTable, Site, address, identity, page_tables
from ..view import Answer, View, json_answer
from .model import tabs

PARAMETERS = (MODEL, ROWS)


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a row of the answer rests on: why it is a relative, what the direction rests on, which blocks match."""

    name: str
    link: str
    reason: str
    direction: str
    direction_by: Sequence[str]
    blocks: int


def ancestors_page(site: Site, view: View, asked: Asked) -> Answer:
    """What `forebear ancestors` shows."""
    report = _ancestors(view, asked)
    return _page(site, view, asked, report, site.forms.ancestors(report), "/ancestors")


def descendants_page(site: Site, view: View, asked: Asked) -> Answer:
    """What `forebear descendants` shows."""
    report = _descendants(view, asked)
    return _page(site, view, asked, report, site.forms.descendants(report), "/descendants")


def ancestors_answer(site: Site, view: View, asked: Asked) -> Answer:
    """What `forebear ancestors --format json` prints."""
    return json_answer(site.forms.ancestors(_ancestors(view, asked)).document)


def descendants_answer(site: Site, view: View, asked: Asked) -> Answer:
    """What `forebear descendants --format json` prints."""
    return json_answer(site.forms.descendants(_descendants(view, asked)).document)


def _ancestors(view: View, asked: Asked) -> AncestorsReport:
    return view.registry.ancestors(view.model(asked.text("name")), k=asked.number("k"))


def _descendants(view: View, asked: Asked) -> AncestorsReport:
    return view.registry.descendants(view.model(asked.text("name")), k=asked.number("k"))


def _page(site: Site, view: View, asked: Asked, report: AncestorsReport, shown: Shown, path: str) -> Answer:
    model = view.model(asked.text("name"))
    tables: list[PageTable] = page_tables(shown)
    return site.page(
        "relatives.html",
        model=model,
        identity=identity(model),
        tables=tables,
        grounds=[_grounds(row, model.uri) for row in shown.rows if row.get("origin")],
        noun="Ancestors" if path == "/ancestors" else "Descendants",
        others=report.registry_models,
        verdict=report.verdict,
        tabs=tabs(model, path),
    )


def _grounds(row: Row, model: str) -> Grounds:
    by = row["direction_by"]
    blocks = row["blocks"]
    return Grounds(
        str(row["name"]),
        address("/compare", a=model, b=row["source"]),
        str(row["reason"]),
        f"{row['direction']}, {row['direction_probability']:z.2f}",
        [str(one) for one in by] if isinstance(by, list | tuple) else [],
        len(blocks) if isinstance(blocks, list) else 0,
    )
