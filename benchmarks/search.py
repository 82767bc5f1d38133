"""The scan of a registry's sketches, beside a plain read of their bytes and beside SQL.

    python benchmarks/search.py [MODELS]     (make bench-search; 1,000,000 models take 10 minutes)

A synthetic registry (`scale_registry`) is built, or the one that an earlier run left in .bench/scale is taken. Then:
- seconds until packed sketches are at hand, when they are made and with their file there;
- a scan against a plain read of the same bytes, both on one thread, in processor time too, and the scan in SQL;
- that both scans give the same rows in the same order, for models of every kind;
- seconds of `ancestors` in a process that stays and in one that starts, with peak memory;
- whether the true parent is among the candidates, for each kind of derivation.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.scale import PLACE, K, layout_of, recall, timed, timings
from benchmarks.scale_registry import Layout, build
from benchmarks.scale_report import BARS
from forebear.queries.data.query import QuerySketch, registered_sketches
from forebear.queries.search.candidates import least_z
from forebear.queries.search.packed_scan import PackedScan
from forebear.queries.search.scan import Limits, Scan, SqlScan
from forebear.queries.thresholds.search import FAMILY_MEMBERS, FEWEST_CANDIDATES, MOST_CANDIDATES
from forebear.registry import Registry
from forebear.registry.store.sketch_file import sketch_file
from forebear.registry.store.sketch_index import SketchIndex

MODELS, COMPARED, REPEATED = 1_000_000, 12, 7
MOST_READS = 3.0
"""A scan may take so many times as long as reading its bytes."""


def measured(work: Callable[[], object], repeated: int = REPEATED) -> tuple[float, float]:
    """Milliseconds of the fastest of some runs: by the clock, and of the processor."""
    clock, used = [], []
    for _ in range(repeated):
        began, before = time.perf_counter(), time.process_time()
        work()
        clock.append(time.perf_counter() - began)
        used.append(time.process_time() - before)
    return 1e3 * min(clock), 1e3 * min(used)


def near(scan: Scan, own: int, sketch: QuerySketch, models: int) -> tuple[object, object]:
    """What a question keeps, by weights and by activations."""
    limits = Limits(K, FAMILY_MEMBERS, MOST_CANDIDATES, FEWEST_CANDIDATES, least_z(models))
    weights = scan.by_weights(own, sketch, "language", limits)
    signs = sketch.activations or bytes(128)
    return weights, scan.by_activations(own, signs, "language", FEWEST_CANDIDATES, least_z(models))


def ready(path: Path) -> PackedScan:
    """Packed sketches, with how long each way to them takes."""
    for what in ("made", "with the file there"):
        with Registry(path, read_only=True) as registry:
            began = time.perf_counter()
            index = SketchIndex(path)
            index.scan(registry.connection)
            print(f"packed sketches {what}: {time.perf_counter() - began:.2f} s")
            scan = index.scan(registry.connection)
    assert isinstance(scan, PackedScan)
    if (file := sketch_file(path)).exists():
        print(f"their file: {file.stat().st_size / len(scan.packed.sketches.rows):,.0f} bytes a component")
    return scan


def scans(path: Path, layout: Layout, packed: PackedScan) -> bool:
    """A scan beside a read of its bytes and beside SQL; whether both agree and it is fast enough."""
    one = PackedScan(packed.packed, 1)
    blocks = packed.packed.sketches.rows.blocks + packed.packed.activations.blocks
    ids = np.random.default_rng(5).permutation(layout.count)[:COMPARED] + 1
    with Registry(path, read_only=True) as registry:
        sql = SqlScan(registry.connection)
        asked = [(int(i), registered_sketches(registry.connection, int(i))[0]) for i in ids]
        equal = sum(near(packed, *a, layout.count) == near(sql, *a, layout.count) for a in asked)
        in_sql = measured(lambda: near(sql, *asked[0], layout.count), 3)
    read = measured(lambda: [np.bitwise_or.reduce(block.reshape(-1)) for block in blocks])
    alone, shared = (measured(partial(near, s, *asked[0], layout.count)) for s in (one, packed))
    print(f"bytes read: {sum(block.nbytes for block in blocks) / 1e6:,.0f} MB")
    for what, (clock, used) in {
        "plain read, one thread": read,
        "packed scan, one thread": alone,
        f"packed scan, {packed.threads} threads": shared,
        "scan in SQL": in_sql,
    }.items():
        print(f"{what}: {clock:.1f} ms, {used:.1f} ms of the processor")
    ratio = alone[1] / read[1]
    print(f"processor time of a scan beside that of a plain read: {ratio:.2f} (at most {MOST_READS:g})")
    print(f"rows equal to those of SQL: {equal} of {len(asked)} questions")
    return equal == len(asked) and ratio <= MOST_READS


def main(arguments: Sequence[str]) -> int:
    """Measure and print; 1 when a bar is missed."""
    layout = layout_of(int(arguments[0]) if arguments else MODELS)
    PLACE.mkdir(parents=True, exist_ok=True)
    path = PLACE / f"{layout.count}.duckdb"
    if not path.exists():
        with timed(f"{layout.count:,} models: build"), Registry(path) as registry:
            build(registry.connection, layout)
    with timed("questions"):
        found = timings(path, layout)
    good = scans(path, layout, ready(path))
    for kind in ("derived", "strangers", "crowd"):
        seconds = (f"{how} {found[f'{how} {kind}']:.2f} s" for how in ("warm", "processor", "cold", "disk"))
        print(f"{kind}: {', '.join(seconds)}")
    print(f"peak memory: {found['megabytes']:.0f} MB")
    values = found | {
        "warm": max(found["warm derived"], found["warm strangers"]),
        "cold": max(found[f"cold {kind}"] for kind in ("derived", "strangers", "crowd")),
    }
    for name in ("warm", "warm crowd", "cold", "megabytes"):
        text, bar = BARS[name]
        good &= values[name] < bar
        print(f"{text}: {values[name]:,.2f} (under {bar:,g}): {'PASS' if values[name] < bar else 'FAIL'}")
    with timed("recall"), Registry(path, read_only=True) as registry:
        for kind, (hits, pairs) in recall(registry, layout)[0].items():
            good &= hits == pairs
            print(f"true parent among the candidates, {kind}: {hits} of {pairs}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
