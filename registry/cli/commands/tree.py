"""`forebear tree`: the family trees of a registry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ...reports.numbers import counted, evalue
from ..options import RegistryOption, open_registry
from ..output import Output
from ..outputs.result import Result, Table
from ..printing import drawing

if TYPE_CHECKING:
    from ...reports.drawings.outline import Line
    from ...reports.trees import TreeReport

_TITLES = ("model", "relation", "E-value", "because")
_RIGHT = (2,)
_SPARE = (3,)
_COLUMNS = (
    *("child", "parent", "directed", "relation", "by", "log10_evalue", "components", "drawn", "family"),
    *("child_source", "parent_source"),
)


@drawing
def tree(
    context: typer.Context,
    to: Output,
    models: Annotated[
        str,
        typer.Argument(
            metavar="[FILTER]",
            help="Only families that hold such a model: globs of name, source, license, architecture or type, as in"
            " 'org/* license=mit'.",
            show_default=False,
        ),
    ] = "",
    registry: RegistryOption = None,
) -> None:
    """Draw the family trees of the registry.

    They are made of the pairs that its newest audit found. ├─> below an ancestor that is told, with a probability
    of 0.95 or more; ├── of one lineage, which came first is not known, and where the model hangs says nothing; ├··
    a pair that only holds the family together. Drawn are a model's likeliest nearest ancestor (both of a merge),
    the nearest one that is told, and no more pairs than hold a family together. (*): drawn in full on another line.
    What cards alone claim stands apart. CSV and JSON Lines hold the edges; they, JSON and html say what every edge
    rests on. Further formats: dot, mermaid, newick.
    """
    with open_registry(context, registry, read_only=True) as opened:
        try:
            found = opened.tree(models)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    to.write(tree_result(found))
    to.say(*_summary(found))


def tree_result(report: TreeReport) -> Result:
    """Trees in every form."""
    from ...reports.trees import edge_rows, tree_document

    return Result(
        tree_document(report),
        edge_rows(report),
        _tables(report),
        _COLUMNS,
        page=lambda: _page(report),
        drawings={name: _drawing(name, report) for name in ("dot", "mermaid", "newick")},
    )


def _page(report: TreeReport) -> str:
    from ...reports.drawings.page import tree_page

    return tree_page(report)


def _drawing(name: str, report: TreeReport) -> Callable[[], Iterable[str]]:
    def lines() -> Iterable[str]:
        from ...reports.drawings import dot, mermaid, newick

        drawn = {"dot": dot.dot_lines, "mermaid": mermaid.mermaid_lines, "newick": newick.newick_lines}
        return drawn[name](report)

    return lines


def _tables(report: TreeReport) -> list[Table]:
    """A table a family, then what cards alone claim."""
    from ...reports.drawings.outline import outline

    lines: dict[int, list[Line]] = {}
    for line in outline(report.trees):
        lines.setdefault(report.node[line.node].family, []).append(line)
    tables = [_family(report, family, found) for family, found in lines.items()]
    if report.declared:
        cells = [
            [report.called(d.child, d.child_name), d.parent, d.status.replace("_", " "), d.by] for d in report.declared
        ]
        tables.append(Table(("model", "declares", "status", "because"), cells, (), ["declared only"], _SPARE))
    return tables or [Table((), (), (), ["no two models of the registry are of one family"])]


def _family(report: TreeReport, family: int, lines: Sequence[Line]) -> Table:
    from ...reports.drawings.words import edge_label, node_label

    cells = []
    for line in lines:
        edge, label = line.edge, node_label(report, report.node[line.node])
        name = _guides(line) + label + (" (*)" if line.again else "")
        how = [edge_label(edge), evalue(edge.log10_evalue), edge.by] if edge else ["", "", ""]
        cells.append([name, *how])
    edges = [line.edge for line in lines if line.edge]
    told = sum(edge.directed for edge in edges)
    models = sum(not line.again and not report.node[line.node].inferred for line in lines)
    title = f"family {family}: {counted(models, 'model')}, {told} told and {len(edges) - told} untold edges"
    return Table(_TITLES, cells, _RIGHT, [title], _SPARE)


def _guides(line: Line) -> str:
    """What stands before a name: the way down from the top, and the edge that leads to it."""
    if line.edge is None:
        return ""
    way = "".join("    " if last else "│   " for last in line.last[:-1])
    end = "──" if not line.edge.directed else "─>"
    end = "··" if line.edge.drawn == "spanning" and not line.edge.directed else end
    return f"{way}{'└' if line.last[-1] else '├'}{end} "


def _summary(report: TreeReport) -> list[str]:
    edges = report.trees.edges
    told = sum(edge.directed for edge in edges)
    families = len({node.family for node in report.trees.nodes})
    missing = sum(node.inferred for node in report.trees.nodes)
    said = f"{families} famil{'y' if families == 1 else 'ies'}, {counted(len(report.trees.nodes) - missing, 'model')}"
    said += f" and {counted(missing, 'missing ancestor')}" if missing else ""
    found = [f"{said}, {told} edges of told direction, {len(edges) - told} of unknown; audit run {report.run_id}"]
    if report.asked < report.models or report.since:
        found.append(
            f"run {report.run_id} asked about {report.asked} of {counted(report.models, 'model')};"
            f" {report.since} ingested since: `forebear audit` brings the tree up to date"
        )
    return found
