"""Does one question stay fast, exact and small when the registry grows? From 1,000 to 1,000,000 models.

    python benchmarks/scale.py [MODELS...]     (make bench-scale)

The registries are synthetic (`scale_models`, `scale_registry`): sketches and metadata of all models, tensor rows
of those that the timed questions compare. What is measured:
- seconds of `ancestors`: in one process that stays (warm, and its processor time, which other work on the machine does
  not stretch), and of the command from a cold process, the file in the page cache or on disk; peak memory.
  Derived models have a family in the registry, strangers have none, those of the crowd have thousands of siblings;
- bytes a model, with and without tensor rows;
- recall: is the true parent among the candidates? By kind of derivation, asked of the registry; and, for many more
  pairs, from the z of their sketches alone, which must reach what a million models ask for;
- on the smallest registry, whether the candidates miss anything that the full evidence finds;
- false alarms: 1,000 models that have no relative, each with the full evidence for its candidates.

Everything is kept in .bench/scale/figures.json, so sizes may be measured one by one; registries are removed.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.scale_models import MEMBERS, Bits, family, sketch_of
from benchmarks.scale_registry import Layout, build, has_vision
from benchmarks.scale_report import passed, report
from benchmarks.scale_tensors import evidence, fitted, keep
from forebear.queries.data.loading import load_components
from forebear.queries.data.query import load_models, registered_sketches
from forebear.queries.evidence.pair import compare
from forebear.queries.search.candidates import candidates, least_z
from forebear.queries.search.scan import Scan
from forebear.registry import Registry
from forebear.registry.store.sketch_file import sketch_file
from forebear.registry.store.sketch_index import SketchIndex

PLACE = Path(".bench/scale")
PLAIN = Path(".bench/plain/bin/python")
"""Where forebear is installed with what it needs and nothing else (`make plain`): libraries look for others of them."""
SIZES = (1_000, 10_000, 100_000, 1_000_000)
FAMILIES, CROWD = 500, 3_000
ASKED, TIMED_STRANGERS, TIMED_CROWD, UNRELATED = 20, 8, 4, 1_000
LARGEST, SMALLEST = SIZES[-1], SIZES[0]
K = 10
_WARM = """
import json, re, sys, time
from forebear.registry import Registry
seconds, used = [], []
with Registry(sys.argv[1], read_only=True) as registry:
    for _ in range(2):
        registry.ancestors(sys.argv[2])
    for name in sys.argv[2:]:
        began, before = time.perf_counter(), time.process_time()
        registry.ancestors(name)
        seconds.append(time.perf_counter() - began)
        used.append(time.process_time() - before)
peak = re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]
print(json.dumps([seconds, used, int(peak) / 1024]))
"""
"""The peak is not that of `getrusage`, which begins with the peak of the process that started this one."""
_COLD = """
import os, sys, time
began = time.perf_counter()
there = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
child = os.posix_spawn(sys.argv[1], sys.argv[1:], there)
_, status, used = os.wait4(child, 0)
print(time.perf_counter() - began, used.ru_maxrss / 1024, os.waitstatus_to_exitcode(status), file=sys.stderr)
"""

Figures = dict[str, Any]


def layout_of(count: int) -> Layout:
    """Families and a crowd that leave most of the registry to strangers."""
    return Layout(count, min(FAMILIES, count // 50), min(CROWD, count // 5))


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Says on stderr what is being done, and how long it took."""
    print(f"{what} ... ", end="", file=sys.stderr, flush=True)
    began = time.perf_counter()
    yield
    print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)


def recall(registry: Registry, layout: Layout) -> tuple[dict[str, list[int]], list[int]]:
    """Kind -> [parents among the candidates, parents] for some families; and how many candidates there were."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    counts = []
    scan = scan_of(registry)
    for seed in np.random.default_rng(1).permutation(layout.families)[:ASKED].tolist():
        for number, member in enumerate(family(seed)):
            if member.parents:
                near = candidates_of(registry, scan, layout, 1 + seed * MEMBERS + number)
                counts.append(len(near))
                for parent in member.parents:
                    found[member.kind][0] += 1 + seed * MEMBERS + parent in near
                    found[member.kind][1] += 1
    for number in np.random.default_rng(2).permutation(layout.crowd)[:ASKED].tolist():
        near = candidates_of(registry, scan, layout, layout.first_of_crowd + 1 + number)
        counts.append(len(near))
        found["fine-tune, one of many siblings"][0] += layout.first_of_crowd in near
        found["fine-tune, one of many siblings"][1] += 1
    return dict(found), counts


def scan_of(registry: Registry) -> Scan:
    """The scan that answers every question but the first of a process."""
    index = SketchIndex(registry.place)
    index.scan(registry.connection)
    return index.scan(registry.connection)


def candidates_of(registry: Registry, scan: Scan, layout: Layout, model_id: int) -> set[int]:
    """The models that `ancestors` would compare with one."""
    sketch = next(s for s in registered_sketches(registry.connection, model_id) if s.component == "language")
    return {m for m, _ in candidates(scan, model_id, sketch, "language", layout.count - 1, K)}


def pairs_beyond(models: int, families: int) -> dict[str, list[int]]:
    """Kind -> [pairs of child and parent whose sketches reach the z that so many models ask for, pairs]."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for seed in range(families):
        members = list(family(seed))
        sketches = [sketch_of(member.drawn) for member in members]
        for member, mine in zip(members, sketches, strict=True):
            for parent in member.parents:
                found[member.kind][0] += largest_z(mine, sketches[parent]) >= least_z(models)
                found[member.kind][1] += 1
    return dict(found)


def largest_z(first: Bits, second: Bits) -> float:
    """The best z of two sketches, as candidates.sql and activation_candidates.sql compute it."""
    o, down = (
        1 - a * b / (a + b - a * b)
        for a, b in ((first.o_filled, second.o_filled), (first.down_filled, second.down_filled))
    )
    spread = math.sqrt(128 * (o * (9 - 8 * o) + down * (9 - 8 * down)))
    return max(
        (1792 - 2 * _apart(first.positions, second.positions)) / math.sqrt(1792),
        (600 - 2 * _apart(first.gram, second.gram)) / math.sqrt(600),
        (256 * (o + down) - _apart(first.columns, second.columns)) / spread,
        32 - _apart(first.activations, second.activations) / 16,
    )


def _apart(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> int:
    return int(np.bitwise_count(first ^ second).sum())


def exhaustive(registry: Registry, layout: Layout, strangers: int = 60) -> dict[str, list[int]]:
    """Kind -> [significant relatives that are candidates, significant relatives], by the full evidence for all.

    For the first families, each member against all others of its family and some strangers.
    """
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for seed in range(3):
        first = 1 + seed * MEMBERS
        ids = [*range(first, first + MEMBERS), *range(layout.first_stranger, layout.first_stranger + strangers)]
        keep(registry.connection, layout, ids)
        scan = scan_of(registry)
        loaded = {i: parts[0] for i, parts in load_models(registry.connection, ids).items()}
        for number, member in enumerate(family(seed)):
            near = candidates_of(registry, scan, layout, first + number)
            for other in set(ids) - {first + number}:
                if compare(loaded[first + number], loaded[other], layout.count - 1, thorough=False).significant:
                    found[member.kind][0] += other in near
                    found[member.kind][1] += 1
    return dict(found)


def alarms(path: Path, layout: Layout) -> Figures:
    """Models without relatives, against their candidates: how many have one with E <= 1e-3, and the smallest E."""
    step = max(1, (layout.count - layout.first_stranger) // UNRELATED)
    ids = list(range(layout.first_stranger, layout.count + 1, step))[:UNRELATED]
    parts = [(str(path), layout, ids[start : start + 25]) for start in range(0, len(ids), 25)]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        smallest = [e for found in pool.map(_smallest_evalues, parts) for e in found]
    return {
        "queries": len(smallest),
        "registry": layout.count,
        "false": sum(e <= -3 for e in smallest),
        "smallest log10 E": min(smallest),
        "E <= 1": sum(e <= 0 for e in smallest),
    }


def _smallest_evalues(part: tuple[str, Layout, list[int]]) -> list[float]:
    path, layout, ids = part
    found = []
    with Registry(path, read_only=True) as registry:
        scan = scan_of(registry)
        for model_id in ids:
            near = candidates_of(registry, scan, layout, model_id)
            loaded = load_components(evidence(fitted(registry.connection, [model_id, *near])))
            mine = loaded.pop(model_id)[0]
            pairs = [compare(mine, other[0], layout.count - 1, thorough=False) for other in loaded.values()]
            found.append(min(pair.log10_evalue for pair in pairs))
    return found


def timings(path: Path, layout: Layout) -> Figures:
    """Seconds and memory of questions about derived models, strangers, and models of the crowd."""
    asked = _timed_ids(layout)
    with Registry(path) as registry:
        connection = registry.connection
        before = used_bytes(connection)
        wanted = {i for ids in asked.values() for i in ids}
        scan = scan_of(registry)
        near = {n for i in wanted for n in candidates_of(registry, scan, layout, i)}
        kept = keep(connection, layout, wanted | near)
        after = used_bytes(connection)
        rows = connection.execute("SELECT model_id, name FROM model").fetchnumpy()
    names = dict(zip(rows["model_id"].tolist(), rows["name"].tolist(), strict=True))
    found: Figures = {
        "kept": kept,
        "bare": before / layout.count,
        "full": before / layout.count + (after - before) / max(1, kept),
    }
    peak = 0.0
    for kind, ids in asked.items():
        command = [sys.executable, "-c", _WARM, str(path), *(names[i] for i in ids)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        seconds, used, megabytes = json.loads(printed)
        cold = [_cold(path, names[ids[0]]) for _ in range(3)]
        forget(path)
        if sketch_file(path).exists():
            forget(sketch_file(path))
        found |= {f"warm {kind}": statistics.median(seconds), f"slowest {kind}": max(seconds)}
        found |= {f"processor {kind}": statistics.median(used)}
        found |= {f"cold {kind}": statistics.median(s for s, _ in cold), f"disk {kind}": _cold(path, names[ids[0]])[0]}
        peak = max(peak, megabytes, *(m for _, m in cold))
    found["megabytes"] = peak
    return found


def used_bytes(connection: duckdb.DuckDBPyConnection) -> int:
    """Bytes of the file's blocks that hold something.

    Blocks that one checkpoint replaced are freed by the next: after a single one, what was written over counts twice.
    """
    for _ in range(2):
        connection.execute("CHECKPOINT")
    sizes = "SELECT used_blocks * block_size FROM pragma_database_size() WHERE database_name = 'registry'"
    return int(connection.execute(sizes).fetchall()[0][0])


def _timed_ids(layout: Layout) -> dict[str, list[int]]:
    """Derived models of nine kinds, strangers, and models of the crowd; none of those with a second component."""
    random = np.random.default_rng(3)
    seeds = random.permutation(layout.families)[:9].tolist()
    derived = [1 + seed * MEMBERS + number for seed, number in zip(seeds, (2, 3, 6, 7, 8, 9, 10, 13, 15), strict=True)]
    strangers = layout.first_stranger + random.permutation(layout.count - layout.first_stranger)[: 2 * TIMED_STRANGERS]
    crowd = layout.first_of_crowd + 1 + random.permutation(layout.crowd)[: 2 * TIMED_CROWD]
    return {
        "derived": [i for i in derived if not has_vision(i)],
        "strangers": [i for i in strangers.tolist() if not has_vision(i)][:TIMED_STRANGERS],
        "crowd": [i for i in crowd.tolist() if not has_vision(i)][:TIMED_CROWD],
    }


def _cold(path: Path, name: str) -> tuple[float, float]:
    """Seconds and peak MB of `forebear ancestors` in a process of its own, installed as `pip install` leaves it."""
    command = [str(PLAIN), "-m", "forebear.registry.cli", "--registry", str(path), "ancestors", name]
    watched = [sys.executable, "-c", _COLD, *command]
    ran = subprocess.run(watched, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    seconds, megabytes, code = ran.stderr.split()[-3:]
    if int(code):
        raise RuntimeError(ran.stderr)
    return float(seconds), float(megabytes)


def forget(path: Path) -> None:
    """Drop a file from the page cache."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def measure(count: int) -> Figures:
    """All figures of one size."""
    layout, path = layout_of(count), PLACE / f"{count}.duckdb"
    path.unlink(missing_ok=True)
    with timed(f"{count:,} models: build"), Registry(path) as registry:
        began = time.perf_counter()
        build(registry.connection, layout)
        built = time.perf_counter() - began
    found: Figures = {"models": count, "build": built, "bare": path.stat().st_size / count}
    with timed("questions"):
        found |= timings(path, layout)
    with timed("recall"), Registry(path) as registry:
        found["recall"], counts = recall(registry, layout)
        found |= {"candidates": statistics.median(counts), "most candidates": max(counts)}
        if count == SMALLEST:
            found["exhaustive"] = exhaustive(registry, layout)
    if count == LARGEST:
        with timed("pairs"):
            found["pairs"] = pairs_beyond(count, FAMILIES)
        with timed("false alarms"):
            found["alarms"] = alarms(path, layout)
    for file in (path, sketch_file(path)):
        file.unlink(missing_ok=True)
    return found


def main(arguments: Sequence[str]) -> int:
    """Measure, keep the figures, print the tables; 1 when a bar of the largest registry is missed."""
    PLACE.mkdir(parents=True, exist_ok=True)
    place = PLACE / "figures.json"
    figures: dict[str, Figures] = json.loads(place.read_text()) if place.exists() else {}
    for count in [int(a) for a in arguments] or SIZES:
        figures[str(count)] = measure(count)
        place.write_text(json.dumps(figures, indent=1))
    print(report(figures))
    return 0 if passed(figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
