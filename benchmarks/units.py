"""What one pair and one model cost an audit: the figures that docs/capacity.md multiplies.

    python benchmarks/units.py [FILE]     (make bench-units)

Seconds are of one core (CPU time, one thread), the median of RUNS; models are the synthetic ones of `audit`, of 7B
shape with 32 layers, MODELS of them in families of ten, in a file and, where the extension of DuckLake is installed, in
a catalogue beside it. They are read in the batches that an audit makes. FILE gets the figures as JSON.
"""

from __future__ import annotations

import importlib.util
import json
import pickle
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
from audit import FAMILY, build

from forebear.ingest.fingerprint.activation_sketch import SKETCH_BYTES
from forebear.queries.answers.audit_batch import Answers, Task, evaluate
from forebear.queries.search.all_pairs import ROWS, Sketches, Tile, suggestive_z, tile_hits
from forebear.queries.search.candidates import least_z
from forebear.registry import Registry
from forebear.registry.audit.batches import filled, orders
from forebear.registry.audit.run import RULES
from forebear.registry.audit.scope import Scope

MODELS, RUNS, REGISTRY = 200, 3, 1_000_000
"""Models that are built; times that each figure is taken; the size of the registry whose bounds the tile has."""


def cpu(work: Callable[[], object]) -> float:
    """Seconds of CPU of this process, the median."""
    seconds = []
    for _ in range(RUNS):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return statistics.median(seconds)


def tile() -> Tile:
    """Two strips of sketches that have nothing in common, with activations."""
    random = np.random.default_rng(1)

    def strip(first: int) -> Sketches:
        bits = [random.integers(0, 256, (ROWS, width), np.uint8) for width in (224, 75, 128, SKETCH_BYTES)]
        filled_shares = np.full(ROWS, 0.4, np.float32), np.full(ROWS, 0.8, np.float32)
        ids, names = np.arange(first, first + ROWS), np.full(ROWS, "language", object)
        roles = np.full(ROWS, 127, np.uint8), np.full(ROWS, 31, np.uint8)
        positions, gram, columns, signs = bits
        return Sketches(ids, names, *roles, positions, gram, columns, *filled_shares, signs, np.full(ROWS, True))

    return Tile(strip(1), strip(1 + ROWS), 0, ROWS, True, least_z(REGISTRY), suggestive_z(REGISTRY))


def units(folder: Path) -> dict[str, float]:
    """Every figure, by its name."""
    both = tile()
    tile_hits(both)
    found = {
        "sketch_pair_ns": cpu(lambda: tile_hits(both)) / ROWS**2 * 1e9,
        "sketch_bytes": len(pickle.dumps(both)) / (2 * ROWS),
    }
    file = folder / "file.duckdb"
    build(file, MODELS)
    with Registry(file) as registry:
        found |= _of_a_registry(registry, "file") | _of_pairs(registry)
        exported = registry.export(folder / "parquet")
    found["parquet_bytes"] = exported.bytes / MODELS
    found["file_bytes"] = file.stat().st_size / MODELS
    if importlib.util.find_spec("duckdb_extension_ducklake"):
        with Registry(f"ducklake:{folder}/lake.ducklake") as registry:
            registry.import_(folder / "parquet")
            found |= _of_a_registry(registry, "lake")
    return found


def _tasks(family: int) -> list[Task]:
    members = [(model, "language") for model in range(family * FAMILY + 1, (family + 1) * FAMILY + 1)]
    return [Task(m, c, tuple(p for p in members if p[0] != m), MODELS) for m, c in members]


def _of_a_registry(registry: Registry, kind: str) -> dict[str, float]:
    """Seconds to read a model, in the first batch of an audit of all."""
    everyone = [task for family in range(MODELS // FAMILY) for task in _tasks(family)]
    (order, *_) = orders(Scope(1, MODELS, (), (), ""), everyone, {}, {})
    registry.connection.execute("SET threads = 1")
    seconds = cpu(lambda: filled(registry.connection, order))
    registry.connection.execute("RESET threads")
    return {f"read_model_{kind}_ms": seconds / len(order.models) * 1e3}


def _of_pairs(registry: Registry) -> dict[str, float]:
    """Seconds of a pair's evidence, and of keeping its row."""
    (order, *_) = orders(Scope(1, MODELS, (), (), ""), _tasks(3), {}, {})
    batch = filled(registry.connection, order)
    answers = evaluate(batch)
    pairs = answers.pairs.num_rows
    seconds = cpu(lambda: evaluate(batch)) / pairs
    kept = 50
    began = time.process_time()
    for _ in range(kept):
        keep(registry.connection, answers)
    return {"evidence_pair_ms": seconds * 1e3, "keep_pair_us": (time.process_time() - began) / kept / pairs * 1e6}


def keep(connection: duckdb.DuckDBPyConnection, answers: Answers) -> None:
    """A batch of answers in a transaction of its own, as an audit keeps it."""
    connection.execute("BEGIN")
    for table, rows in (("audit_query", answers.queries), ("audit_pair", answers.pairs)):
        connection.from_arrow(rows.select(connection.table(table).columns)).insert_into(table)
    connection.execute("COMMIT")


def main(arguments: list[str]) -> None:
    """Print the figures, and write them to a file where one is named."""
    with tempfile.TemporaryDirectory(prefix="forebear-bench-") as folder:
        found = units(Path(folder))
    rounded = {name: float(f"{value:.3g}") for name, value in found.items()}
    for name, value in rounded.items():
        print(f"{name:>22} {value:>12,}")
    if arguments:
        facts = {"duckdb": duckdb.__version__, "numpy": np.__version__, "machine": platform.machine(), "rules": RULES}
        Path(arguments[0]).write_text(json.dumps(facts | rounded, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
