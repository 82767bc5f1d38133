"""Trees for Graphviz, in its language DOT: https://graphviz.org/doc/info/lang.html."""

from __future__ import annotations

from collections.abc import Iterator

from ....ingest.text import printable
from ....queries.answers.family_trees import TreeEdge
from ..trees import TreeReport
from .words import edge_label, node_label

_LONGEST = 1 << 62
_STYLE = {"nearest": "solid", "told": "dashed", "spanning": "dotted"}


def dot_lines(report: TreeReport) -> Iterator[str]:
    """The lines of the document: undirected edges without a head, what cards alone claim in grey."""
    yield "digraph forebear {\n"
    yield "  rankdir=LR; node [shape=box, fontname=sans]; edge [fontname=sans, fontsize=9];\n"
    for node in report.trees.nodes:
        yield f"  n{node.node_id} [label={_quoted(node_label(report, node))}, tooltip={_quoted(node.source)}];\n"
    for edge in report.trees.edges:
        yield f"  n{edge.parent} -> n{edge.child} [{_attributes(edge)}];\n"
    declared = [d for d in report.declared if d.parent_id in report.node and d.child in report.node]
    for one in declared:
        label = f"declared only: {one.status.replace('_', ' ')}"
        yield (
            f"  n{one.parent_id} -> n{one.child} [style=dotted, color=gray, constraint=false,"
            f" label={_quoted(label)}, tooltip={_quoted(one.by)}];\n"
        )
    yield "}\n"


def _attributes(edge: TreeEdge) -> str:
    found = [f"label={_quoted(edge_label(edge))}", f"tooltip={_quoted(edge.by)}", f"style={_STYLE[edge.drawn]}"]
    return ", ".join([*found, *([] if edge.directed else ["dir=none"])])


def _quoted(text: str) -> str:
    """A string of DOT: a quote and a backslash are escaped, so that a name ends no string and starts no escape."""
    shown = printable(text, _LONGEST).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{shown}"'
