"""Nodes and edges in words, as every drawing has them."""

from __future__ import annotations

from ....queries.answers.family_trees import TreeEdge, TreeNode
from ..trees import TreeReport


def node_label(report: TreeReport, node: TreeNode) -> str:
    """Its name, with the number of models that are equal to it; of a missing ancestor, that it is none.

    Where several models have the name, its source is in it.
    """
    name = report.called(node.node_id, node.name)
    if node.inferred:
        return f"{name} (not registered)"
    copies = len(node.copies)
    return name + (f" (and {copies} equal to it)" if copies > 1 else " (and one equal to it)" if copies else "")


def edge_label(edge: TreeEdge) -> str:
    """How the one came from the other, in which part; where the direction is not told, that.

    The language model is not named, but where an equal one is a part: models that are equal in all parts have no edge.
    """
    said = ", ".join(flag.replace("_", " ") for flag in edge.relation)
    if edge.components and (edge.components[0] != "language" or "identical" in edge.relation):
        said = f"{said} ({edge.components[0]})"
    return said if edge.directed else f"{said}?"
