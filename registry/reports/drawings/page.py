"""Family trees as one HTML page that loads nothing: an inline SVG, with a search and a zoom by the script in it.

The page's policy lets that one script run, named by its hash, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from ...version import forebear_version
from ..templates import templates
from ..trees import TreeReport, declared_rows, edge_rows
from .outline import Line, outline
from .words import edge_label, node_label

MOST_ROWS = 5_000
"""Rows of the tables below the drawing; JSON and CSV hold all of them."""
_ROW, _STEP, _MARGIN = 22, 28, 16
_LETTER = 8.5
"""Pixels of a letter, at most, to know how wide the drawing is; a name that is wider is cut at the edge."""


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """A line of the drawing in pixels; `path` leads to it from the node that it hangs below."""

    node: int
    name: str
    label: str
    how: str
    title: str
    x: int
    y: int
    path: str
    style: str
    again: bool


def tree_page(report: TreeReport) -> str:
    """The page as HTML: the same text for the same report."""
    lines = drawn_lines(report, outline(report.trees))
    script = (Path(__file__).parent / "tree.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        templates()
        .get_template("tree.html")
        .render(
            run=report.run_id,
            asked=report.asked,
            models=report.models,
            since=report.since,
            nodes=len(report.trees.nodes),
            lines=lines,
            **drawing_size(lines),
            links={},
            edges=edge_rows(report),
            declared=declared_rows(report),
            most=MOST_ROWS,
            script=Markup(script),
            script_hash=f"sha256-{digest}",
            version=forebear_version(),
        )
    )


def drawing_size(lines: Sequence[DrawnLine]) -> dict[str, int]:
    """The width and the height of a drawing in pixels."""
    longest = max((line.x + _LETTER * (len(line.label) + len(line.how) + 2) for line in lines), default=0.0)
    return {"width": int(longest) + _MARGIN, "height": (len(lines) + 1) * _ROW}


def drawn_lines(report: TreeReport, lines: Sequence[Line]) -> list[DrawnLine]:
    """The lines, each a row lower, and to the right of what it hangs below."""
    found: list[DrawnLine] = []
    rows: list[int] = []
    for place, line in enumerate(lines):
        del rows[line.depth :]
        y, x = (place + 1) * _ROW, _MARGIN + line.depth * _STEP
        node, edge = report.node[line.node], line.edge
        path = style = ""
        if edge is not None:
            left, middle = x - _STEP + 6, y - 4
            path = f"M{left} {rows[-1] + 4}V{middle}H{x - 4}"
            style = "" if edge.directed else "spanning" if edge.drawn == "spanning" else "untold"
        rows.append(y)
        how = edge_label(edge) if edge else ""
        said = [node.source, *(f"equal to it: {name} ({source})" for _, name, source in node.copies)]
        title = " · ".join([*said, *([edge.by] if edge else [])])
        found.append(
            DrawnLine(line.node, node.name, node_label(report, node), how, title, x, y, path, style, line.again)
        )
    return found
