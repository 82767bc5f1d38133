"""Make the golden files: fingerprints and answers that stay as they are until they are changed on purpose.

    python tests/golden/make.py [--benchmark FOLDER [--models 40]]

Run it with the Python of the environment whose forebear is to be recorded (`make golden` does, with the current one).
It writes beside itself:

    fingerprints.json        the bundled zoo: every tensor with digests of its arrays, sketches, tokenizer
    bundled/ANSWER.json      answers about the bundled zoo: ancestors, audit
    bundled/compare.json.gz  comparisons of PAIRS, with all tables
    benchmark/ANSWER.json    answers about 40 models of the benchmark's zoo, from benchmark/registry
    benchmark/registry/      their fingerprints, an export; made anew only with --benchmark, from the models themselves

Questions go through the command line, which is what people see; only Registry and `main` are imported.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import hashlib
import io
import json
import math
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from forebear.registry import Registry
from forebear.registry.cli import main as forebear

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ZOO = HERE.parent / "zoo" / "models"
BENCHMARK = HERE / "benchmark" / "registry"
DIGITS = 6
"""Significant digits that are kept of a float: sums differ in their last bits from machine to machine."""
ROWS = 20
"""Rows of an answer: more models than any root of the bundled zoo has relatives."""
PAIRS = (
    ("alder-docs", "alder", "--full"),
    ("alder-rotated", "alder"),
    ("alder-moe", "alder"),
    ("alder-twin", "alder"),
    ("alder-vocabulary", "alder-docs"),
    ("elm-in-alder-norms", "alder"),
    ("birch", "cedar"),
)
"""What is compared: a fine-tune read whole, two rewrites, a twin, another vocabulary, worn norms, strangers."""
EVIDENCE = ("positions", "gram", "minhash", "vector")
VOLATILE = {"started_at", "finished_at", "ingested_at", "seconds"}
"""Keys that name a time of day or a duration."""
_NEUTRAL = "file:///zoo"


def rounded(value: object) -> object:
    """A JSON value with its floats at DIGITS significant digits, and without VOLATILE keys."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS - 1}e}") if math.isfinite(value) else repr(value)
    if isinstance(value, Mapping):
        return {str(key): rounded(item) for key, item in value.items() if key not in VOLATILE}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value


def ask(registry: Path, *arguments: str, folder: Path = ZOO) -> object:
    """The JSON answer to a command, rounded; the paths of models below `folder` do not depend on the checkout."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = forebear([*arguments, "--registry", str(registry), "--format", "json", "--quiet"])
    if code:
        raise SystemExit(f"forebear {' '.join(arguments)} ended with {code}")
    return rounded(json.loads(neutral(out.getvalue(), folder)))


def neutral(text: str, folder: Path) -> str:
    """The text with `file:///zoo` for the folder's URI."""
    return text.replace(folder.as_uri(), _NEUTRAL)


def names(registry: Path) -> list[str]:
    """The names of the registered models, sorted."""
    with Registry(registry, read_only=True) as opened:
        return sorted(model.name for model in opened.models())


def ancestors(registry: Path) -> dict[str, object]:
    """Model -> what `ancestors` says of it among all the others."""
    return {name: ask(registry, "ancestors", name, "-k", str(ROWS)) for name in names(registry)}


def audit(registry: Path) -> dict[str, object]:
    """What a first `audit` says. It writes to the registry."""
    return {"audit": ask(registry, "audit", "--jobs", "1")}


def compare(registry: Path) -> dict[str, object]:
    """Pair -> what `compare` says, with the controls that the registry supplies."""
    return {" ".join(pair): ask(registry, "compare", *pair) for pair in PAIRS}


def fingerprints(registry: Path) -> dict[str, object]:
    """Model -> everything that the registry keeps of its weights, arrays as digests of their bytes."""
    with Registry(registry, read_only=True) as opened:
        connection = opened.connection
        models = {row["model_id"]: row for row in _rows(connection, "model", "model_id")}
        kept: dict[object, dict[str, object]] = {number: {} for number in models}
        for number, tensors in _tensors(connection).items():
            kept[number]["tensors"] = tensors
        for table in ("sketch", "tokenizer", "skipped_tensor", "declared_parent"):
            for row in _rows(connection, table, "ALL"):
                rows = kept[row.pop("model_id")].setdefault(table, [])
                assert isinstance(rows, list)
                rows.append(_digested(row))
    for number, row in models.items():
        kept[number]["model"] = {key: row[key] for key in row if key not in {"model_id", "uri", "state", *VOLATILE}}
    return {str(row["name"]): rounded(kept[number]) for number, row in models.items()}


def _rows(connection: duckdb.DuckDBPyConnection, table: str, order: str) -> list[dict[str, object]]:
    columns = connection.table(table).columns
    rows = connection.execute(f"FROM {table} ORDER BY {order}").fetchall()
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _tensors(connection: duckdb.DuckDBPyConnection) -> dict[object, dict[str, object]]:
    """Model id -> tensor name -> its row, and a digest of each of its arrays."""
    arrays: dict[tuple[object, object], dict[str, str]] = defaultdict(dict)
    for kind in EVIDENCE:
        for row in connection.table(kind).to_arrow_table().to_pylist():
            arrays[row["model_id"], row["tensor_id"]][kind] = digest(row["value"])
    tokens: dict[tuple[object, object], list[tuple[int, list[float]]]] = defaultdict(list)
    for row in connection.table("token_row").to_arrow_table().to_pylist():
        tokens[row["model_id"], row["tensor_id"]].append((row["token"], row["value"]))
    for place, rows in tokens.items():
        rows.sort()
        arrays[place]["tokens"] = digest([token for token, _ in rows])
        arrays[place]["token_rows"] = digest([number for _, values in rows for number in values])
    made: dict[object, dict[str, object]] = defaultdict(dict)
    for row in _rows(connection, "tensor", "model_id, tensor_id"):
        model, tensor = row.pop("model_id"), row.pop("tensor_id")
        name = str(row.pop("name"))
        made[model][name] = row | arrays[model, tensor]
    return made


def _digested(row: Mapping[str, object]) -> dict[str, object]:
    """Long values as digests: minimum hashes are lists of 64 numbers, sketches strings of bits."""
    return {k: digest(v) if isinstance(v, str | list) and len(v) > 63 else v for k, v in row.items()}


def digest(values: str | Sequence[float]) -> str:
    """Of a text, or of numbers, which keep every bit that float32 or uint64 have."""
    if isinstance(values, str):
        content = values.encode()
    else:
        kind = np.float32 if any(isinstance(value, float) for value in values) else np.int64
        content = np.array(values, np.uint64 if max(values, default=0) > 2**62 else kind).tobytes()
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def bundled_registry(registry: Path) -> None:
    """Fill a new registry with the bundled zoo, in the order of names."""
    with Registry(registry) as opened:
        for outcome in opened.ingest(*sorted(ZOO.iterdir())):
            if outcome.status != "ingested":
                raise SystemExit(str(outcome))


def benchmark_registry(registry: Path, exported: Path = BENCHMARK) -> None:
    """Make a registry of an export as the version that exported it would have, and let the current one migrate it."""
    manifest = json.loads((exported / "manifest.json").read_text(encoding="utf-8"))
    connection = duckdb.connect()
    connection.execute(f"ATTACH '{registry}' AS registry (STORAGE_VERSION 'v1.5.0')")
    connection.execute("USE registry")
    connection.execute(
        "CREATE TABLE migration (version INTEGER PRIMARY KEY, name VARCHAR NOT NULL, sha256 VARCHAR NOT NULL,"
        " applied_at TIMESTAMP DEFAULT current_localtimestamp())"
    )
    for name in manifest["migrations"]:
        text = (ROOT / "schema" / f"{name}.sql").read_text(encoding="utf-8")
        connection.execute(text)
        row = [int(name[:4]), name, hashlib.sha256(text.encode()).hexdigest()]
        connection.execute("INSERT INTO migration (version, name, sha256) VALUES (?, ?, ?)", row)
    for table in manifest["rows"]:
        for part in sorted((exported / table).rglob("*.parquet")):
            connection.from_arrow(pq.read_table(part).select(connection.table(table).columns)).insert_into(table)
    connection.execute("SELECT nextval('model_id') FROM model").fetchall()
    connection.close()
    Registry(registry).close()


def export_benchmark(zoo: Path, models: int, scratch: Path) -> None:
    """Fingerprint the first `models` of the benchmark's zoo, in the order they were made, into BENCHMARK."""
    made = list(json.loads((zoo / "truth.json").read_text(encoding="utf-8"))["models"])
    chosen = [zoo / name for name in made if (zoo / name).exists()][:models]
    with Registry(scratch / "exported.duckdb") as opened:
        outcomes = opened.ingest(*chosen)
        bad = [str(outcome) for outcome in outcomes if outcome.status != "ingested"]
        if bad or len(chosen) < models:
            raise SystemExit(f"{len(chosen)} of {models} models are there; not ingested: {bad}")
        opened.export(scratch / "exported")
    shutil.rmtree(BENCHMARK, ignore_errors=True)
    for part in sorted((scratch / "exported").rglob("*.parquet")):
        kept = BENCHMARK / part.relative_to(scratch / "exported")
        kept.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(_neutral_rows(pq.ParquetFile(part).read(), zoo), kept, compression="zstd", compression_level=19)
    shutil.copy(scratch / "exported" / "manifest.json", BENCHMARK)


def _neutral_rows(rows: pa.Table, zoo: Path) -> pa.Table:
    if "uri" not in rows.column_names:
        return rows
    column = pa.array([neutral(uri, zoo.resolve()) for uri in rows["uri"].to_pylist()], pa.string())
    return rows.set_column(rows.column_names.index("uri"), "uri", column)


def lines(value: object, depth: int = 3) -> Iterator[str]:
    """JSON with a line an entry down to `depth`: long enough to be short, short enough for a diff to be read."""
    if depth and isinstance(value, dict) and value:
        yield "{"
        for i, (key, item) in enumerate(value.items()):
            first, *rest = lines(item, depth - 1)
            yield f"{json.dumps(key)}: {first}"
            yield from rest
            if i + 1 < len(value):
                yield ","
        yield "}"
    elif depth and isinstance(value, list) and value:
        yield "["
        for i, item in enumerate(value):
            yield from lines(item, depth - 1)
            if i + 1 < len(value):
                yield ","
        yield "]"
    else:
        yield json.dumps(value, ensure_ascii=False)


def keep(name: str, value: object) -> None:
    """Write a golden file; one that ends in .gz without a time of day, so that equal content is an equal file."""
    text = "\n".join(lines(value)).replace("\n,\n", ",\n") + "\n"
    path = HERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), mtime=0) if path.suffix == ".gz" else text.encode())


def kept(name: str) -> object:
    """The content of a golden file."""
    content = (HERE / name).read_bytes()
    return json.loads(gzip.decompress(content) if name.endswith(".gz") else content)


def make() -> None:
    """Write all golden files of the forebear that is installed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--benchmark", type=Path, metavar="FOLDER", help="the benchmark's zoo (make bench-zoo)")
    parser.add_argument("--models", type=int, default=40, metavar="N", help="how many of its models, the first ones")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        bundled, benchmark = scratch / "bundled.duckdb", scratch / "benchmark.duckdb"
        bundled_registry(bundled)
        keep("fingerprints.json", fingerprints(bundled))
        keep("bundled/ancestors.json", ancestors(bundled))
        keep("bundled/compare.json.gz", compare(bundled))
        keep("bundled/audit.json", audit(bundled))
        if asked.benchmark:
            export_benchmark(asked.benchmark, asked.models, scratch)
        benchmark_registry(benchmark)
        keep("benchmark/ancestors.json", ancestors(benchmark))
        keep("benchmark/audit.json", audit(benchmark))


if __name__ == "__main__":
    make()
