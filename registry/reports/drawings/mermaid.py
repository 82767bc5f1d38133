"""Trees for Mermaid, which GitHub and many editors draw: https://mermaid.js.org/syntax/flowchart.html."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ....ingest.text import printable
from ..trees import TreeReport
from .words import edge_label, node_label

_LONGEST = 1 << 62
_SPECIAL = re.compile(r"[^A-Za-z0-9 .,/_:?()-]")


def mermaid_lines(report: TreeReport) -> Iterator[str]:
    """The lines of a flowchart: arrows where the direction is told, plain lines elsewhere, dotted what cards claim."""
    yield "flowchart LR\n"
    for node in report.trees.nodes:
        yield f'  n{node.node_id}["{_text(node_label(report, node))}"]\n'
    for edge in report.trees.edges:
        arrow = "-->" if edge.directed else "---"
        yield f'  n{edge.parent} {arrow}|"{_text(edge_label(edge))}"| n{edge.child}\n'
    for one in report.declared:
        if one.parent_id in report.node and one.child in report.node:
            yield f'  n{one.parent_id} -.->|"declared only"| n{one.child}\n'


def _text(text: str) -> str:
    """Text between quotes: every character that Mermaid or HTML could read as its own becomes an entity code."""
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};", printable(text, _LONGEST))
