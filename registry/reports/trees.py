"""The family trees of a registry, from its audits, as one record and as the JSON that the contract promises."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cached_property

import duckdb

from ...ingest.errors import RegistryError
from ...queries.answers.family_trees import (
    INFERRED,
    InferredParent,
    TreeModel,
    TreeNode,
    Trees,
    family_trees,
    of_families,
)
from ...queries.answers.tabular import Tabular
from ...queries.search.model_filter import parse_filter
from ...queries.sql import statement
from ..store.inferred import InferredAncestor, inferred_ancestors, named, near_one
from .numbers import counted

NO_AUDIT = "no audit of this registry has finished, and trees are drawn from what it finds: run `forebear audit` first"


@dataclass(frozen=True, slots=True)
class DeclaredEdge:
    """What a card says and weights do not show; `parent_id` is None where the parent is not registered."""

    child: int
    child_name: str
    parent: str
    parent_id: int | None
    status: str
    by: str


@dataclass(frozen=True, repr=False)
class TreeReport(Tabular):
    """The trees, the edges that cards alone claim, and what the run behind them knew.

    `asked` of the run's `models` were asked about. `since` models were ingested after it, which no tree shows.
    """

    run_id: int
    asked: int
    models: int
    since: int
    trees: Trees
    declared: tuple[DeclaredEdge, ...]

    def rows(self) -> list[dict[str, object]]:
        """The edges, with the keys of the JSON contract."""
        return edge_rows(self)

    @property
    def line(self) -> str:
        """How many edges and models, of which run."""
        return (
            f"{counted(len(self.rows()), 'edge')} of {counted(len(self.trees.nodes), 'node')}, audit run {self.run_id}"
        )

    @cached_property
    def shared(self) -> Set[str]:
        """Names that several models of the trees have: only their sources tell those apart."""
        sources: dict[str, set[str]] = {}
        for node in self.trees.nodes:
            for name, source in ((node.name, node.source), *((name, source) for _, name, source in node.copies)):
                sources.setdefault(name, set()).add(source)
        return {name for name, found in sources.items() if len(found) > 1}

    def called(self, node_id: int, name: str) -> str:
        """What a model is called in a drawing: its name, with its source where another one has that too."""
        node = self.node.get(node_id)
        return f"{name} ({node.source})" if node and name in self.shared else name

    @cached_property
    def node(self) -> Mapping[int, TreeNode]:
        """The nodes by their ids."""
        return {node.node_id: node for node in self.trees.nodes}


def tree_report(connection: duckdb.DuckDBPyConnection, text: str = "") -> TreeReport:
    """The families that hold a model which the filter `text` lets pass, whole; all of them for ''.

    They are those of the newest finished audit of the whole registry, or of the newest finished one where there is no
    such. Raises RegistryError where no audit has finished or no model passes, ValueError for a filter that is none.
    """
    wanted = parse_filter(text)
    (run_id,) = connection.execute(statement("tree/run")).fetchall()[0]
    if run_id is None:
        raise RegistryError(NO_AUDIT)
    run = {"run_id": run_id}
    models = [TreeModel(*row) for row in connection.execute(statement("tree/nodes"), run).fetchall()]
    pairs = connection.sql(statement("tree/pairs"), params=run).to_arrow_table()
    trees = family_trees(models, pairs, _inferred_parents(connection, {m.model_id for m in models}))
    rows = connection.execute(statement("tree/declared"), run).fetchall()
    names = {m.model_id: m.name for m in models}
    declared = [DeclaredEdge(child, names[child], parent, p, status, by) for child, p, parent, status, by in rows]
    if text.strip():
        passing = connection.execute(statement("audit/models"), {**wanted.parameters, "since": None}).fetchall()
        if not passing:
            raise RegistryError(f"no model of the registry passes {text!r}; `forebear list` shows what there is")
        shown = {model for (model,) in passing}
        trees = of_families(trees, shown)
        shown |= {n.node_id for n in trees.nodes}
        declared = [d for d in declared if d.child in shown]
    asked, known, since = connection.execute(statement("tree/state"), run).fetchall()[0]
    return TreeReport(int(run_id), asked, known, since, trees, tuple(declared))


def _inferred_parents(connection: duckdb.DuckDBPyConnection, models: Set[int]) -> list[InferredParent]:
    """The missing ancestors that nothing registered stands for, over those of their models that the run knows."""
    (registered,) = connection.execute(statement("models/count")).fetchall()[0]
    found = []
    for one in inferred_ancestors(connection):
        rows = connection.execute(statement("inferred/members"), {"inferred_id": one.inferred_id}).fetchall()
        children = tuple(
            (model, _rests_on(one, identity), log10_p + math.log10(registered))
            for model, _, identity, log10_p, _ in rows
            if model in models
        )
        if children and not one.found:
            source = f"inferred from {named(one.models)}"
            found.append(InferredParent(INFERRED + one.inferred_id, one.name, source, one.component, children))
    return found


def _rests_on(one: InferredAncestor, identity: float) -> str:
    said = f"{counted(len(one.models), 'model')} meet where none of them stands"
    return f"{said}; identity {near_one(identity)} with the values that the others give"


def tree_document(report: TreeReport) -> dict[str, object]:
    """The report with the keys of the JSON contract, without `schema_version`."""
    nodes = [
        {
            "name": n.name,
            "source": n.source,
            "inferred": n.inferred,
            "family": n.family,
            "copies": [{"name": name, "source": source} for _, name, source in n.copies],
        }
        for n in report.trees.nodes
    ]
    run = {"run_id": report.run_id, "asked": report.asked, "models": report.models, "ingested_since": report.since}
    return {"run": run, "nodes": nodes, "edges": edge_rows(report), "declared": declared_rows(report)}


def edge_rows(report: TreeReport) -> list[dict[str, object]]:
    """The edges with the keys of the JSON contract; sources tell models of one name apart."""
    return [
        {
            "child": report.node[e.child].name,
            "parent": report.node[e.parent].name,
            "directed": e.directed,
            "relation": list(e.relation),
            "by": e.by,
            "log10_evalue": e.log10_evalue,
            "components": list(e.components),
            "drawn": e.drawn,
            "family": report.node[e.child].family,
            "child_source": report.node[e.child].source,
            "parent_source": report.node[e.parent].source,
        }
        for e in report.trees.edges
    ]


def declared_rows(report: TreeReport) -> list[dict[str, object]]:
    """What cards claim and weights do not show, apart from the edges."""
    return [
        {
            "child": d.child_name,
            "parent": d.parent,
            "registered": d.parent_id is not None,
            "status": d.status,
            "by": d.by,
        }
        for d in report.declared
    ]
