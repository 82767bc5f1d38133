"""Nodes and edges in words, as every drawing has them."""

from __future__ import annotations

from ....queries.answers.family_trees import TreeEdge, TreeNode


def node_label(node: TreeNode) -> str:
    """Its name, with the number of models that are equal to it; of a missing ancestor, that it is none."""
    if node.inferred:
        return f"{node.name} (not registered)"
    copies = len(node.copies)
    return node.name + (f" (and {copies} equal to it)" if copies > 1 else " (and one equal to it)" if copies else "")


def edge_label(edge: TreeEdge) -> str:
    """How the one came from the other; where the direction is not told, that."""
    said = ", ".join(flag.replace("_", " ") for flag in edge.relation)
    return said if edge.directed else f"{said}?"
