"""How long does an audit take after one model of an audited registry changed? 100,000 models.

    python benchmarks/audit_again.py [MODELS] [--keep FOLDER]     (make bench-audit-again)

A whole audit of 100,000 models takes the better part of an hour, so its rows are made: BLOCK models in families of
ten, of the composition of benchmarks/audit.py, are ingested and audited, and their rows of models, sketches,
declarations and of the run are repeated under other numbers until there are as many as asked for. The bits of the
sketches of every repetition are turned by a random mask of its own: distances inside it stay, and it is no nearer to
others than strangers are. Fingerprints are those of the first BLOCK models alone, one of which is replaced by itself
under a new number. The second audit then reads, takes over, computes and draws as many rows as behind a run that had
computed them all. What it finds must be what the first found. Strangers that luck brought near, 3 % of the pairs of a
real run, are left out: among as few models as BLOCK they are most pairs.

The bar: under 10 s on 2 cores. LAYERS=8 in the environment makes smaller models.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from audit import build, replace_one, run

from forebear.registry import Registry

MODELS, BLOCK, FAMILY = 100_000, 200, 10
BAR_SECONDS = 10.0
_SHIFTED = {
    "declared_parent": "model_id",
    "audit_model": "id",
    "audit_query": "query_id",
    "audit_pair": "query_id relative_id",
    "audit_finding": "query_id relative_id",
}
"""Tables that are repeated, and their columns with the number of a model."""


def repeat(path: Path, models: int) -> None:
    """Repeat the audited models of a registry until there are `models`."""
    blocks, step = models // BLOCK, BLOCK // FAMILY
    org = "'org-' || (regexp_extract({0}, 'org-(\\d+)', 1)::INTEGER + k * {1}) || regexp_extract({0}, '/.*$')"
    named, parent = (org.format(column, step) for column in ("name", "parent"))
    more = {
        "declared_parent": f", {parent} AS parent",
        "audit_model": f", {named} AS name, source || '/' || k AS source, family_id + k * {step} AS family_id",
        "audit_query": ", sentence || ' ' || k AS sentence",
        "audit_pair": ", reason || ' ' || k AS reason, "
        + ", ".join(
            f"{n} - 1e-6 * random() AS {n}" for n in ("log10_p_positions", "log10_p_gram", "identity", "distance")
        )
        + f", log10_evalue + log10({models} / {BLOCK}) - 1e-6 * random() AS log10_evalue",
    }
    with Registry(path) as registry:
        execute = registry.connection.execute
        execute("DELETE FROM audit_pair WHERE origin IS NULL AND NOT declared AND NOT declared_child")
        execute("UPDATE audit_query SET compared = ?, seen_until = ?", [models - 1, models])
        execute("UPDATE audit_run SET models = ?, newest = ?, asked = ?", [models] * 3)
        copies = f"FROM {{}} CROSS JOIN range(1, {blocks}) AS r(k)"
        execute(
            f"INSERT INTO model SELECT model.* REPLACE (model_id + k * {BLOCK} AS model_id, {named} AS name,"
            f" uri || '/' || k AS uri, md5(content || k) AS content) {copies.format('model')}"
        )
        for table, columns in _SHIFTED.items():
            numbers = ", ".join(f"{column} + k * {BLOCK} AS {column}" for column in columns.split())
            execute(
                f"INSERT INTO {table} SELECT {table}.* REPLACE ({numbers}{more.get(table, '')}) {copies.format(table)}"
            )
        _families(registry, blocks)
        _sketches(registry, blocks)
        execute("SELECT max(nextval('model_id')) FROM range(?)", [models - BLOCK]).fetchall()


def _families(registry: Registry, blocks: int) -> None:
    step = BLOCK // FAMILY
    registry.connection.execute(
        f"INSERT INTO audit_family SELECT f.* REPLACE (family_id + k * {step} AS family_id,"
        f" 'org-' || (family_id - 1 + k * {step}) || '/root' AS name)"
        f" FROM audit_family AS f CROSS JOIN range(1, {blocks}) AS r(k)"
    )


def _sketches(registry: Registry, blocks: int) -> None:
    """The sketches of every block: those of the first, with the same random bits turned in all its models."""
    random = np.random.default_rng(blocks)
    connection = registry.connection
    widths = {name: f"bit_length({name}) // 8" for name in ("positions", "gram", "column_bits")}
    sizes = connection.execute(f"SELECT DISTINCT {', '.join(widths.values())} FROM sketch").fetchall()
    masks = {n: [random.bytes(size) for _ in range(1, blocks)] for n, size in zip(widths, *sizes, strict=True)}
    connection.execute("CREATE TEMP TABLE mask (k INTEGER, positions BLOB, gram BLOB, column_bits BLOB)")
    connection.from_arrow(pa.table({"k": pa.array(range(1, blocks), pa.int32()), **masks})).insert_into("mask")
    turned = ", ".join(f"xor(s.{name}, m.{name}::BIT) AS {name}" for name in widths)
    connection.execute(
        f"INSERT INTO sketch SELECT s.* REPLACE (model_id + k * {BLOCK} AS model_id, {turned})"
        " FROM sketch AS s CROSS JOIN mask AS m ORDER BY model_id + k * ?",
        [BLOCK],
    )


def measure(path: Path, models: int) -> bool:
    """Print every figure; whether the bar is met."""
    if not path.exists():
        build(path, BLOCK)
        run(path)
        repeat(path, models)
    print(f"{models:,} models in {models // FAMILY:,} families of {FAMILY}; {path.stat().st_size / 1e9:.1f} GB")
    with Registry(path, read_only=True) as registry:
        before = registry.audit_report(1).counts()
    replace_one(path, BLOCK)
    seconds, cpu, peak, stages, counts, found, evaluated, carried = run(path)
    print(f"one model replaced: {seconds:.1f} s, {cpu:.1f} s of CPU, {peak[0]:.0f} MB")
    print("stages begin at", ", ".join(f"{name} {at:.1f} s" for name, at in stages.items()))
    print(f"{evaluated:,} pairs computed, {carried:,} taken over, {found:,} families; {counts}")
    passed = seconds < BAR_SECONDS and counts == before and found == models // FAMILY
    print("PASS" if passed else "FAIL")
    return passed


def main(arguments: Sequence[str]) -> int:
    """Make an audited registry, replace one model, audit again; 1 when the bar is missed."""
    models = int(arguments[0]) if arguments[:1] and arguments[0].isdigit() else MODELS
    kept = Path(arguments[arguments.index("--keep") + 1]) if "--keep" in arguments else None
    folder = kept or Path(tempfile.mkdtemp(prefix="forebear-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return 0 if measure(folder / f"audit-again-{models}.duckdb", models) else 1
    finally:
        if kept is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
