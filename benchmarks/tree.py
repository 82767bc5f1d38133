"""How long does the tree of a large audited registry take? 20,000 models, their pairs as an audit keeps them.

    python benchmarks/tree.py [MODELS]     (make bench-tree)

Composition: families of 2 to 400 models, the sizes by a power law. In each, members descend from the first by a random
recursive tree. Every model has answers about 48 relatives, as the most that an audit compares has 64 and fewer where
families are small: its parent, its children, its siblings, and others of the family. Half of the families have a root
whose descendants are told; in the others no direction is. A tenth of the models are copies of their parents.

The bar: under 10 s in a fresh process, from opening the file to the last line of a format.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forebear.registry import Registry

MODELS, LARGEST, ANSWERS = 20_000, 400, 48
BAR = 10.0
_CHILD = """
import json, resource, sys, time
from forebear.registry.cli import main
began = time.monotonic()
code = main(["--registry", sys.argv[1], "tree", "--format", sys.argv[2], "-o", sys.argv[3], "--quiet"])
seconds = time.monotonic() - began
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([code, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""
Ids = NDArray[np.int64]


def lineage(random: np.random.Generator, models: int) -> tuple[Ids, Ids]:
    """The family [models] of every model, and its parent [models], -1 for a root."""
    family, parent = np.empty(models, np.int64), np.full(models, -1, np.int64)
    first = number = 0
    while first < models:
        size = min(models - first, max(2, min(LARGEST, int(random.pareto(1.0) * 6))))
        family[first : first + size] = number
        later = np.arange(1, size)
        parent[first + 1 : first + size] = first + (random.random(size - 1) * later).astype(np.int64)
        first, number = first + size, number + 1
    return family, parent


def answers(random: np.random.Generator, family: Ids, parent: Ids) -> pa.Table:
    """The rows of `audit_pair`."""
    models = len(family)
    query, relative = [], []
    starts, sizes = np.unique(family, return_index=True)[1], np.bincount(family)
    for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
        members = np.arange(start, start + size)
        for model in members.tolist():
            others = members[members != model]
            others = others if len(others) <= ANSWERS else random.choice(others, ANSWERS, replace=False)
            others = np.union1d(others, parent[model : model + 1]) if parent[model] >= 0 else others
            query.append(np.full(len(others), model))
            relative.append(others)
    q, r = np.concatenate(query), np.concatenate(relative)
    is_parent, is_child = parent[q] == r, parent[r] == q
    root = parent[r] < 0
    told = family[q] % 2 == 0
    copy = np.zeros(models, np.bool_)
    copy[random.random(models) < 0.1] = True
    copy &= parent >= 0
    identical = (is_parent & copy[q]) | (is_child & copy[r])
    distance = np.where(is_parent | is_child, 0.05, 0.1) + random.random(len(q)) * 0.02
    order = np.lexsort((distance, q))
    place = np.empty(len(q), np.int64)
    place[order] = (
        np.arange(len(q))
        - np.repeat(np.r_[0, np.cumsum(np.bincount(q, minlength=models))[:-1]], np.bincount(q, minlength=models))
        + 1
    )
    up = told & (root | is_parent) & ~identical
    direction = np.where(identical, "copy", np.where(up, "ancestor", "unknown"))
    relation = np.where(identical, "identical", "finetuned")
    count = len(q)
    return pa.table(
        {
            "run_id": pa.array(np.ones(count), pa.uint32()),
            "query_id": pa.array(q + 1, pa.uint32()),
            "component": ["language"] * count,
            "relative_id": pa.array(r + 1, pa.uint32()),
            "relative_component": ["language"] * count,
            "rank": pa.array(place, pa.uint32()),
            "place": pa.array(place, pa.uint32()),
            "origin": ["derivation"] * count,
            "direction": direction.tolist(),
            "direction_probability": np.where(identical, 0.5, np.where(up, 0.99, 0.2)),
            "direction_by": ["the claim that a root was trained from scratch; distances among 24 models"] * count,
            "log10_evalue": np.full(count, -200.0),
            "identity": np.full(count, 0.99),
            "coverage": np.ones(count),
            "distance": distance,
            "relation": pa.array([[one] for one in relation.tolist()], pa.list_(pa.string())),
            "reason": ["weights correlate at 0.99, and neurons do the same on the same tokens (p = 1e-244)"] * count,
            "declared": pa.array(np.zeros(count, np.bool_)),
            "declared_child": pa.array(np.zeros(count, np.bool_)),
        }
    )


def build(path: Path, models: int) -> int:
    """A registry that holds one finished audit; the number of its pairs."""
    random = np.random.default_rng(models)
    family, parent = lineage(random, models)
    pairs = answers(random, family, parent)
    with Registry(path) as registry:
        connection = registry.connection
        connection.execute(
            "INSERT INTO audit_run (run_id, queries, against, max_log10_e, whole, models, newest, asked, started_at,"
            " finished_at) VALUES (1, '', '', -3, false, $n, $n, $n, '2026-01-01', '2026-01-01')",
            {"n": models},
        )
        connection.execute(
            "INSERT INTO audit_model SELECT 1, i, 'org/model-' || i, 'hf://org/model-' || i, NULL, true, NULL"
            " FROM range(1, ?) AS r (i)",
            [models + 1],
        )
        connection.register("pairs", pairs)
        names = ", ".join(pairs.column_names)
        connection.execute(f"INSERT INTO audit_pair ({names}) SELECT {names} FROM pairs")
        connection.unregister("pairs")
    return pairs.num_rows


def main() -> None:
    """Build, then draw every format in a process of its own."""
    models = int(sys.argv[1]) if len(sys.argv) > 1 else MODELS
    with tempfile.TemporaryDirectory(prefix="forebear-tree-") as folder:
        path = Path(folder) / "registry.duckdb"
        pairs = build(path, models)
        print(f"{models} models, {pairs} answers about pairs")
        slow = []
        for form in ("json", "table", "csv", "dot", "mermaid", "newick", "html"):
            place = Path(folder) / f"tree.{form}"
            command = [sys.executable, "-c", _CHILD, str(path), form, str(place)]
            code, seconds, cpu, peak = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            took = f"{seconds:5.1f} s ({cpu:.1f} s of CPU), {peak:5.0f} MB"
            print(f"{form:8} {took}, {place.stat().st_size / 1e6:5.1f} MB written")
            slow += [form] if code or seconds > BAR else []
        print(f"the bar: under {BAR:.0f} s; " + (f"missed by {', '.join(slow)}" if slow else "held by every format"))
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
