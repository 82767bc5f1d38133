"""Are family trees right? The edges of `forebear tree` on models of known lineage, beside the truth.

    python benchmarks/trees.py [FOLDER]     (make bench-trees)

FOLDER holds models and a truth.json as `make bench-zoo` writes them, by default the bundled zoo. The tree is drawn
three times: with nothing known, with the roots marked as trained from scratch, and with release dates too, in the
order in which the models were made. Counted are
- directed edges that are wrong: the parent is no ancestor of the child;
- edges of the true tree that are there, directed or not; two models that are drawn as one node, as every value that was
  read is equal, stand together, and are counted apart as well.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from forebear.registry import Registry
from forebear.registry.reports.trees import TreeReport, edge_rows

BUNDLED = Path(__file__).parents[1] / "tests" / "zoo"
WRONG, PRESENT = 0.02, 0.90
"""The bars: the share of directed edges that may be wrong, that of the true edges that must be there."""
Parents = Mapping[str, Sequence[str]]


def ancestors_of(model: str, parents: Parents) -> set[str]:
    """Everything that a model comes from, by the truth."""
    found = set(parents[model])
    return found.union(*(ancestors_of(parent, parents) for parent in found))


def counted(report: TreeReport, parents: Parents) -> dict[str, object]:
    """Directed edges and how many are wrong, true edges and how many are there, and which are neither."""
    edges = edge_rows(report)
    directed = [(str(e["child"]), str(e["parent"])) for e in edges if e["directed"]]
    wrong = [(child, parent) for child, parent in directed if parent not in ancestors_of(child, parents)]
    drawn = {frozenset((str(e["child"]), str(e["parent"]))) for e in edges}
    true = [(child, parent) for child, above in parents.items() for parent in above if parent in parents]
    nodes = [{node.name, *(name for _, name, _ in node.copies)} for node in report.trees.nodes]
    together = [pair for pair in true if any(node.issuperset(pair) for node in nodes)]
    missing = [pair for pair in true if frozenset(pair) not in drawn and pair not in together]
    return {
        "edges": len(edges),
        "directed": len(directed),
        "wrong": len(wrong),
        "true": len(true),
        "present": len(true) - len(missing),
        "together": len(together),
        "wrong edges": [f"{parent} -> {child}" for child, parent in wrong],
        "missing edges": [f"{parent} -> {child}" for child, parent in missing],
    }


def measured(folder: Path) -> list[dict[str, object]]:
    """A row a state of knowledge."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["models"]
    models = folder / "models" if (folder / "models").is_dir() else folder
    there = [name for name in truth if (models / name).is_dir()]
    parents = {name: [p for p in truth[name]["parents"] if p in there] for name in there}
    rows = []
    with tempfile.TemporaryDirectory(prefix="forebear-trees-") as place:
        for known in ("nothing", "roots", "roots and dates"):
            path = Path(place) / f"{known}.duckdb"
            with Registry(path) as registry:
                outcomes = registry.ingest(*(models / name for name in there))
                assert {outcome.status for outcome in outcomes} == {"ingested"}
                if known != "nothing":
                    for root in (name for name in there if not truth[name]["parents"]):
                        registry.mark_root(root, source="the recipe of the zoo")
                if known == "roots and dates":
                    for day, name in enumerate(there):
                        moment = datetime(2026, 1, 1) + timedelta(days=day)
                        registry.connection.execute(
                            "UPDATE model SET released_at = $moment WHERE name = $name",
                            {"moment": moment, "name": name},
                        )
                registry.audit()
                began = time.monotonic()
                report = registry.tree()
                seconds = time.monotonic() - began
            rows.append({"known": known, **counted(report, parents), "seconds": round(seconds, 2)})
    return rows


def main() -> None:
    """Print a line a state of knowledge, then what is wrong and what is missing."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else BUNDLED
    for row in measured(folder):
        print(
            f"{row['known']:16} {row['edges']} edges, {row['directed']} directed of which {row['wrong']} wrong;"
            f" {row['present']} of {row['true']} true edges there, {row['together']} of them within a node"
            f" ({row['seconds']} s)"
        )
        for key in ("wrong edges", "missing edges"):
            if row[key]:
                print(f"  {key}: {row[key]}")
    print(f"the bars: at most {WRONG:.0%} of directed edges wrong, {PRESENT:.0%} of true edges there")


if __name__ == "__main__":
    main()
