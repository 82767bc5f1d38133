"""Trees in extended Newick, a line a top of a family: what programs for phylogenies read.

A model with several parents stands once below each, with one tag `#H1`: Cardona, Rossello and Valiente, "Extended
Newick: it is time for a standard representation of phylogenetic networks", BMC Bioinformatics 9, 2008. Newick has no
undirected edge: a line that holds one begins with `[&U]`, which says that its root is a choice of the drawing, and
the edge has the comment `[&directed=0]`; others begin with `[&R]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ....ingest.text import printable
from ..trees import TreeReport
from .outline import Line, outline
from .words import node_label

_LONGEST = 1 << 62


def newick_lines(report: TreeReport) -> Iterator[str]:
    """A line for every top, children before their parent."""
    lines = outline(report.trees)
    counts: dict[int, int] = {}
    for line in lines:
        counts[line.node] = counts.get(line.node, 0) + 1
    hybrids = {node: n for n, node in enumerate((node for node, count in counts.items() if count > 1), 1)}
    starts = [place for place, line in enumerate(lines) if line.depth == 0]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        tree = lines[start:end]
        rooted = all(line.edge is None or line.edge.directed for line in tree)
        yield f"{'[&R]' if rooted else '[&U]'} {_tree(report, tree, hybrids)};\n"


def _tree(report: TreeReport, lines: Sequence[Line], hybrids: dict[int, int]) -> str:
    """The text of lines in the order of an outline: read backwards, what hangs below a line is there when it comes."""
    below: list[list[str]] = [[] for _ in range(max(line.depth for line in lines) + 2)]
    for line in reversed(lines):
        inside = ",".join(reversed(below[line.depth + 1]))
        below[line.depth + 1] = []
        below[line.depth].append((f"({inside})" if inside else "") + _named(report, line, hybrids))
    return below[0][0]


def _named(report: TreeReport, line: Line, hybrids: dict[int, int]) -> str:
    text = printable(node_label(report, report.node[line.node]), _LONGEST).replace("'", "''")
    tag = f"#H{hybrids[line.node]}" if line.node in hybrids else ""
    untold = line.edge is not None and not line.edge.directed
    return f"'{text}'{tag}" + ("[&directed=0]" if untold else "")
