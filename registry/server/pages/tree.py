"""The family trees, drawn: every model leads to its page."""

from __future__ import annotations

from ....ingest.errors import RegistryError
from ...reports.drawings.outline import outline
from ...reports.drawings.page import drawing_size, drawn_lines
from ...reports.trees import NO_AUDIT, TreeReport
from ..parameters import Asked, Parameter
from ..site import Site, address, page_tables
from ..view import Answer, NotThere, Unusable, View, json_answer

PARAMETERS = (
    Parameter(
        "filter",
        "Only families that hold such a model: globs of name, source, license, architecture or type.",
        default="",
        most=1_000,
    ),
)
MOST_LINES = 400
"""Lines that are drawn; a filter shows the families that are not."""


def tree_page(site: Site, view: View, asked: Asked) -> Answer:
    """The drawing of `forebear tree --format html`."""
    text = asked.text("filter")
    try:
        report = _report(view, text)
    except NotThere as error:
        return site.page("tree_none.html", why=str(error), filter=text)
    lines = outline(report.trees)
    drawn = drawn_lines(report, lines[:MOST_LINES])
    return site.page(
        "trees.html",
        filter=text,
        report=report,
        lines=drawn,
        links={line.node: address("/model", name=report.node[line.node].source) for line in drawn},
        more=len(lines) - len(drawn),
        tables=page_tables(site.forms.tree(report)),
        **drawing_size(drawn),
    )


def tree_answer(site: Site, view: View, asked: Asked) -> Answer:
    """What `forebear tree --format json` prints."""
    return json_answer(site.forms.tree(_report(view, asked.text("filter"))).document)


def _report(view: View, text: str) -> TreeReport:
    try:
        return view.registry.tree(text)
    except ValueError as error:
        raise Unusable(str(error)) from error
    except RegistryError as error:
        if str(error) == NO_AUDIT or "no model of the registry passes" in str(error):
            raise NotThere(str(error)) from error
        raise
