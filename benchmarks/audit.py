"""How long does an audit of a whole registry take? 20,000 models against each other on the machine's cores.

    python benchmarks/audit.py [MODELS] [--keep FOLDER] [--lake]     (make bench-audit)

Composition: families of ten models of 7B shape (32 layers of 7 roles, hidden size 4096, bfloat16; 0.4 MB of fingerprint
each): a root, six fine-tunes of it whose weights differ by 2 to 10 %, and three fine-tunes (3 %) of the first of those.
So every model has nine relatives: 180,000 related pairs in both directions among 20,000 models. Half of the fine-tunes
declare their parent, every tenth of them a root of another family instead; every third root is under llama3, and all
others are under apache-2.0. What must come out is known and is counted.

The bar: under 10 minutes on 2 cores, and under 6 GB. Then one model of the registry is replaced, and a second run says
how many pairs it computed. The candidate stage alone is measured on sketches, for 20,000 models and for a strip of
100,000: its time is that of a pair of sketches times half the square of the models. With --lake the same models are
audited in a DuckLake catalogue too (`forebear[lake]`); the bar is 1.5 times the seconds of the file. LAYERS=8
in the environment makes smaller models, so that more of them fit on a disk.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from query import Values, batch_tables, stored, strangers, tuned

from forebear.queries.search.all_pairs import Sketches, Tile, TileHits, near_pairs
from forebear.registry import Registry

MODELS, FAMILY, FIRST, SECOND = 20_000, 10, 6, 3
BAR_SECONDS, BAR_MEGABYTES, BAR_LAKE = 600.0, 6_000.0, 1.5
LARGE = 100_000
_CHILD = """
import json, resource, sys, time
from forebear.registry import AuditOptions, Registry
began = time.monotonic()
stages = {}
def advance(stage, done, total):
    stages.setdefault(stage, time.monotonic() - began)
with Registry(sys.argv[1]) as registry:
    report = registry.audit(AuditOptions(sharing=True, whole=sys.argv[2:] == ["whole"]), advance=advance)
seconds = time.monotonic() - began
own, others = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
cpu = sum(u.ru_utime + u.ru_stime for u in (own, others))
peak = own.ru_maxrss / 1024, others.ru_maxrss / 1024
run = report.run
print(json.dumps([seconds, cpu, peak, stages, report.counts(), len(report.families), run.evaluated, run.carried]))
"""


def families(random: np.random.Generator, count: int) -> Iterator[tuple[list[str], list[int | None], Values]]:
    """Names, the place of the parent in the family, and evidence of `count` families."""
    for family in range(count):
        root = strangers(random, 1)
        children = tuned(random, root, np.linspace(0.02, 0.1, FIRST))
        second = tuned(random, children.rows(np.array([0])), np.full(SECOND, 0.03))
        names = [f"org-{family}/root", *(f"org-{family}/tune-{i}" for i in range(FIRST + SECOND))]
        parents: list[int | None] = [None, *[0] * FIRST, *[1] * SECOND]
        joined = Values(*(np.concatenate([getattr(v, f) for v in (root, children, second)]) for f in Values.__slots__))
        yield names, parents, stored(joined)


def build(path: Path, models: int) -> None:
    """Write a registry of `models` models, in bulk."""
    random = np.random.default_rng(models)
    with Registry(path) as registry:
        first = 1
        for family, (names, parents, values) in enumerate(families(random, models // FAMILY)):
            ids = np.arange(first, first + len(names), dtype=np.uint32)
            first += len(names)
            tables = batch_tables(random, names, values, ids)
            tables["model"] = _model_rows(tables["model"], family)
            tables["declared_parent"] = _declared(ids, names, parents, family)
            for table, rows in tables.items():
                registry.connection.from_arrow(rows).insert_into(table)
        registry.connection.execute("SELECT max(nextval('model_id')) FROM range(?)", [first]).fetchall()


def _model_rows(table: pa.Table, family: int) -> pa.Table:
    """Every model has weights, and so a digest, of its own; licences as the composition says."""
    digests = [f"{i:032x}" for i in table["model_id"].to_pylist()]
    licences = ["llama3" if family % 3 == 0 else "apache-2.0", *["apache-2.0"] * (table.num_rows - 1)]
    for name, values in (("content", digests), ("license", licences)):
        table = table.set_column(table.column_names.index(name), name, pa.array(values, pa.string()))
    return table


def _declared(ids: NDArray[np.uint32], names: Sequence[str], parents: Sequence[int | None], family: int) -> pa.Table:
    """Every second fine-tune declares its parent, every tenth of those a root of another family."""
    rows = []
    for number, (model, parent) in enumerate(zip(ids.tolist(), parents, strict=True)):
        if parent is not None and number % 2:
            wrong = (family * FAMILY + number) % 20 == 1
            named = f"org-{max(0, family - 1)}/root" if wrong and family else names[parent]
            rows.append({"model_id": model, "parent": named, "origin": "card", "relation": "finetune"})
    return pa.Table.from_pylist(rows)


def run(
    path: Path | str, *, whole: bool = False
) -> tuple[float, float, tuple[float, float], dict[str, float], dict[str, int], int, int, int]:
    """One audit in a fresh process: seconds, CPU seconds, peak MB, beginnings of stages, and what was found."""
    printed = subprocess.run(
        [sys.executable, "-c", _CHILD, str(path), *["whole"][: int(whole)]],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    seconds, cpu, peak, stages, counts, found, evaluated, carried = json.loads(printed)
    return seconds, cpu, tuple(peak), stages, counts, found, evaluated, carried


def replace_one(path: Path, model_id: int | None = None) -> None:
    """One model, the newest unless it is named, is ingested again: the same rows under a new number."""
    with Registry(path) as registry:
        run = registry.connection.execute
        old = model_id or run("SELECT max(model_id) FROM model").fetchall()[0][0]
        new = run("SELECT nextval('model_id')").fetchall()[0][0]
        for table in (
            "sketch",
            "tensor",
            "positions",
            "gram",
            "minhash",
            "vector",
            "token_row",
            "activation",
            "activation_sketch",
            "declared_parent",
        ):
            run(f"UPDATE {table} SET model_id = ? WHERE model_id = ?", [new, old])
        run("UPDATE model SET model_id = ? WHERE model_id = ?", [new, old])


def sketch_strip(models: int, strips: int) -> float:
    """Seconds of a pair in some strips of the candidate stage among `models` sketches in families of ten."""
    random = np.random.default_rng(1)
    family = np.arange(models) // FAMILY

    def flipped(width: int) -> NDArray[np.uint8]:
        base = random.integers(0, 256, (family[-1] + 1, width), dtype=np.uint8)
        noise = np.concatenate([np.packbits(random.random((len(f), width * 8)) < 0.05, axis=1) for f in _parts(family)])
        return base[family] ^ noise

    sketches = Sketches(
        np.arange(models),
        np.full(models, "language", object),
        np.full(models, 127, np.uint8),
        np.full(models, 31, np.uint8),
        flipped(224),
        flipped(75),
        random.integers(0, 256, (models, 128), dtype=np.uint8),
        np.full(models, 0.4, np.float32),
        np.full(models, 0.8, np.float32),
        flipped(128),
        np.full(models, True),
    )
    began, pairs = time.perf_counter(), 0

    def counted(work: Callable[[Tile], TileHits], tiles: Iterable[Tile]) -> Iterator[tuple[Tile, TileHits]]:
        nonlocal pairs
        for tile in tiles:
            pairs += len(tile.strip) * len(tile.block)
            yield tile, work(tile)

    for number, _ in enumerate(near_pairs(sketches, sketches, models=models, map_tiles=counted), 1):
        if number == strips:
            break
    return (time.perf_counter() - began) / pairs


def _parts(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return np.array_split(rows, max(1, len(rows) // 5_000))


def expected(models: int) -> dict[str, int]:
    """What the composition implies."""
    families = models // FAMILY
    rows = [(f, n) for f in range(families) for n in range(1, FAMILY)]
    declared = [(f, n) for f, n in rows if n % 2]
    wrong = [(f, n) for f, n in declared if (f * FAMILY + n) % 20 == 1 and f]
    return {"confirmed": len(declared) - len(wrong), "contradicted": len(wrong), "tunes": len(rows)}


def main(arguments: Sequence[str]) -> int:
    """Build, audit, replace one model, audit again; 1 when a bar is missed."""
    if arguments[:1] == ["build"]:
        build(Path(arguments[1]), int(arguments[2]))
        return 0
    models = int(arguments[0]) if arguments[:1] and arguments[0].isdigit() else MODELS
    kept = Path(arguments[arguments.index("--keep") + 1]) if "--keep" in arguments else None
    folder = kept or Path(tempfile.mkdtemp(prefix="forebear-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return 0 if measure(folder / f"audit-{models}.duckdb", models, lake="--lake" in arguments) else 1
    finally:
        if kept is None:
            shutil.rmtree(folder)


def in_a_catalogue(path: Path, families_found: int) -> float:
    """Seconds of the same audit in a DuckLake catalogue with the same models."""
    folder = Path(tempfile.mkdtemp(prefix="forebear-bench-", dir=path.parent))
    try:
        with Registry(path, read_only=True) as registry:
            registry.export(folder / "parquet")
        place = f"ducklake:{folder}/lake.ducklake"
        with Registry(place) as registry:
            registry.import_(folder / "parquet")
        seconds, cpu, peak, stages, counts, found, evaluated, _ = run(place, whole=True)
        print(f"in a catalogue: {seconds:.0f} s, {cpu:.0f} s of CPU, {peak[0]:.0f} MB; {evaluated:,} pairs; {counts}")
        print("stages begin at", ", ".join(f"{name} {at:.0f} s" for name, at in stages.items()))
        assert found == families_found
        return seconds
    finally:
        shutil.rmtree(folder)


def measure(path: Path, models: int, *, lake: bool = False) -> bool:
    """Print every figure; whether the bars are met."""
    if not path.exists():
        subprocess.run([sys.executable, __file__, "build", str(path), str(models)], check=True)
    print(f"{models:,} models in {models // FAMILY:,} families of {FAMILY}; {path.stat().st_size / 1e9:.1f} GB")
    seconds, cpu, peak, stages, counts, found, evaluated, _ = run(path)
    cores = os.cpu_count() or 1
    print(f"audit: {seconds:.0f} s, {cpu:.0f} s of CPU on {cores} cores")
    print(f"peak memory: {peak[0]:.0f} MB, and {peak[1]:.0f} MB in the largest of {cores} more processes")
    print("stages begin at", ", ".join(f"{name} {at:.0f} s" for name, at in stages.items()))
    print(f"{evaluated:,} pairs, {found:,} families; {json.dumps(counts)}; the composition implies {expected(models)}")
    replace_one(path)
    again, _, _, _, _, _, computed, carried = run(path)
    print(f"one model replaced: {again:.0f} s, {computed:,} pairs computed, {carried:,} taken over")
    for size in (models, LARGE):
        pair = sketch_strip(size, 2)
        everything = pair * size * size / 2
        print(f"candidate stage, {size:,} models: {pair * 1e9:.1f} ns a pair; each pair once: {everything:.0f} s")
    if lake:
        slower = in_a_catalogue(path, found) / seconds
        print(f"that is {slower:.2f} times as long")
        passed = slower < BAR_LAKE
        print("PASS" if passed else "FAIL")
        return passed
    passed = seconds < BAR_SECONDS and peak[0] + cores * peak[1] < BAR_MEGABYTES
    print("PASS" if passed else "FAIL")
    return passed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
