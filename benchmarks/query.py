"""How do time, memory and size of `ancestors` grow with the registry? 100, 1,000 and 10,000 models of 7B shape.

    python benchmarks/query.py [MODELS...]     (make bench-query)

The models are synthetic fingerprints with the statistics of real ones: 32 layers of 7 roles at hidden size 4096,
bfloat16 weights, 65 norms, 48 token rows. One in five belongs to a family, a root with 20 fine-tunes whose weights
differ from it by 2 to 10 %; all others are strangers. The query is a fine-tune (3 %) of a fine-tune, asked as it
appeared, the newest of all; its parent must rank first (that it is an ancestor, weights alone do not tell). They are
written in bulk; sketches are made as for any model. 10,000 models take 4 GB of disk, freed again.

Seconds are those of a fresh process, interpreter and imports included, with the file in the page cache; "from disk" is
one more run after dropping it from there.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import ml_dtypes
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forebear.ingest.fingerprint import TensorFingerprint, TokenRows
from forebear.ingest.fingerprint.gram import UNIT
from forebear.ingest.fingerprint.sketch import GRAM_ROLES, POSITION_ROLES, sketches
from forebear.ingest.fingerprint.statistics import Statistics
from forebear.ingest.metadata.card import Card
from forebear.ingest.metadata.tokenizer import TokenizerFingerprint
from forebear.ingest.model import ModelFingerprint
from forebear.ingest.names.naming import NamedTensor, parse
from forebear.ingest.storage.logical import LogicalTensor, RowMajor
from forebear.registry import Registry
from forebear.registry.store.arrow import fixed_lists, model_tables

SIZES = (100, 1_000, 10_000)
BAR_SECONDS, BAR_MODELS = 2.0, 10_000
RUNS, BATCH = 3, 50
LAYERS = int(os.environ.get("LAYERS", "32"))
"""Fewer fit more models on a disk: 0.4 MB a model with 32, 0.1 MB with 8."""
HIDDEN, FFN, VOCAB, TOKENS = 4096, 11_008, 32_000, 24
TUNES, FAMILY_SHARE, QUERY_NOISE = 20, 100, 0.03
PARENT, QUERY = "family-0-tune-7", "query"
_NAMES = {
    **{r: f"self_attn.{r}_proj" for r in "qkvo"},
    **{r: f"mlp.{r}_proj" for r in ("gate", "up", "down")},
}
_KINDS = {
    "positions": pa.float32(),
    "gram": pa.int16(),
    "minhash": pa.uint32(),
    "vector": pa.float32(),
    "token_row": pa.float32(),
}
_CHILD = """
import json, resource, sys
from forebear.registry import Registry
with Registry(sys.argv[1], read_only=True) as registry:
    report = registry.ancestors(sys.argv[2], assume_newest=sys.argv[3] == "newest")
rows = report.components[0].ancestors
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([rows[0].name, sum(r.rank == 1 for r in rows), report.components[0].verdict, peak]))
"""


@dataclass(frozen=True, slots=True)
class Values:
    """The evidence of a batch of models: arrays [models, tensors, width], named as the tables they go into."""

    positions: NDArray[np.float32]
    gram: NDArray[np.float32]
    minhash: NDArray[np.uint32]
    vector: NDArray[np.float32]
    token_row: NDArray[np.float32]

    def rows(self, index: NDArray[np.int64]) -> Values:
        """Those of the models `index` of the batch."""
        return Values(*(getattr(self, f.name)[index] for f in fields(self)))


def strangers(random: np.random.Generator, count: int) -> Values:
    """Independent models: cosines are those of random rows of 4096, MinHashes minima of as many uniform hashes."""

    def normal(rows: int, width: int, scale: float) -> NDArray[np.float32]:
        return np.float32(scale) * random.standard_normal((count, rows, width), np.float32)

    columns = np.where(_roles("minhash") == "down", FFN, HIDDEN)
    least = random.exponential(1.0, (count, len(columns), 64)) * (2.0**32 / columns[:, None])
    return Values(
        normal(len(POSITION_ROLES) * LAYERS, 256, 0.02),
        normal(len(GRAM_ROLES) * LAYERS, 120, HIDDEN**-0.5),
        least.clip(0, 2**32 - 1).astype(np.uint32),
        1 + normal(2 * LAYERS + 1, 64, 0.1),
        normal(2 * TOKENS, 64, 0.02),
    )


def tuned(random: np.random.Generator, parent: Values, noise: NDArray[np.float64]) -> Values:
    """Fine-tunes of a parent [1, ...], each with its `noise` [n]; columns keep codes with probability 1 - 6 noise."""
    other = strangers(random, len(noise))
    scale: NDArray[np.float32] = noise[:, None, None].astype(np.float32)

    def drifted(mine: NDArray[np.float32], change: NDArray[np.float32]) -> NDArray[np.float32]:
        return (mine + scale * change).astype(np.float32)

    kept = random.random(other.minhash.shape) < 1 - 6 * scale
    return Values(
        drifted(parent.positions, other.positions),
        drifted(parent.gram, math.sqrt(2) * other.gram),
        np.where(kept, parent.minhash, other.minhash),
        drifted(parent.vector, other.vector - 1),
        drifted(parent.token_row, other.token_row),
    )


def models(random: np.random.Generator, count: int) -> Iterator[tuple[list[str], Values]]:
    """Names and evidence of `count` models and of the query, in batches."""
    families = max(1, count // FAMILY_SHARE)
    for family in range(families):
        root = strangers(random, 1)
        children = tuned(random, root, np.linspace(0.02, 0.1, TUNES))
        yield [f"family-{family}-root"], root
        yield [f"family-{family}-tune-{i}" for i in range(TUNES)], children
        if not family:
            parent = children.rows(np.array([int(PARENT.rpartition("-")[2])]))
            yield [QUERY], tuned(random, parent, np.array([QUERY_NOISE]))
    for start in range(families * (TUNES + 1), count, BATCH):
        names = [f"stranger-{i}" for i in range(start, min(start + BATCH, count))]
        yield names, strangers(random, len(names))


def _tensors() -> list[NamedTensor]:
    """The tensors of a model of 7B shape, with their places."""
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens": (VOCAB, HIDDEN),
        "lm_head": (VOCAB, HIDDEN),
        "model.norm": (HIDDEN,),
    }
    for layer in range(LAYERS):
        at = f"model.layers.{layer}"
        shapes |= {f"{at}.{norm}_layernorm": (HIDDEN,) for norm in ("input", "post_attention")}
        for role in POSITION_ROLES:
            out = FFN if role in {"gate", "up"} else HIDDEN
            shapes[f"{at}.{_NAMES[role]}"] = (out, FFN if role == "down" else HIDDEN)
    return [_named(f"{name}.weight", shape) for name, shape in shapes.items()]


def _named(name: str, shape: tuple[int, ...]) -> NamedTensor:
    tensor = LogicalTensor(name, "BF16", shape, RowMajor("model.safetensors", 0, "BF16", shape[-1]))
    return NamedTensor(tensor, parse(name), tensor.parameters)


_TENSORS = _tensors()


def _roles(kind: str) -> NDArray[np.str_]:
    """The role of every tensor that has evidence of this kind, in the order of its rows."""
    wanted = GRAM_ROLES if kind == "gram" else POSITION_ROLES
    return np.array([t.place.role for t in _TENSORS if t.place.role in wanted])


def _fingerprint(values: Values, name: str, number: int) -> ModelFingerprint:
    """Model `number` of a batch as ingest would have made it."""
    rest = {"positions": iter(values.positions[number]), "minhash": iter(values.minhash[number])}
    grams = iter(np.rint(values.gram[number].clip(-1, 1) * UNIT).astype(np.int16))
    vectors = iter(values.vector[number])
    plain = Statistics(0.0, 0.02, 0.02, 0.1, 3.1, 0.0, 32.0, 0, 0)
    tensors: list[TensorFingerprint] = []
    for named in _TENSORS:
        role = named.place.role
        if role in {"embed", "head"}:
            tensors.append(TensorFingerprint(named, TOKENS, 0, plain))
        elif role == "norm":
            tensors.append(TensorFingerprint(named, 1, 64, plain, values=next(vectors)))
        else:
            cosines = next(grams) if role in GRAM_ROLES else None
            made = {"positions": next(rest["positions"]), "gram": cosines, "minhash": next(rest["minhash"])}
            evidence = {kind: values for kind, values in made.items() if values is not None}
            tensors.append(TensorFingerprint(named, 16, 256, plain, evidence))
    return _model(name, tensors, values.token_row[number])


def _model(name: str, tensors: Sequence[TensorFingerprint], rows: NDArray[np.float32]) -> ModelFingerprint:
    ends = [t.named for t in tensors if t.named.place.role in {"embed", "head"}]
    keys = np.arange(TOKENS, dtype=np.uint64)
    hashes = np.arange(64, dtype=np.uint32)
    parameters = sum(t.named.tensor.parameters for t in tensors)
    return ModelFingerprint(
        uri=f"hf://bench/{name}",
        revision=None,
        name=name,
        state="1",
        format="safetensors",
        config={"model_type": "llama", "architectures": ["LlamaForCausalLM"]},
        card=Card(),
        tokenizer=TokenizerFingerprint("BPE", VOCAB, hashes, hashes, ("<s>", "</s>")),
        tensors=tuple(tensors),
        tokens=tuple(TokenRows(end, keys, part) for end, part in zip(ends, np.split(rows, 2), strict=True)),
        sketches=tuple(sketches(tensors)),
        skipped=(),
        tensor_count=len(tensors),
        parameters=parameters,
        bytes_read=39_500_000,
        bytes_total=2 * parameters,
        requests=281,
        provider=None,
        files=(),
    )


def build(path: Path, count: int) -> None:
    """Write a registry of `count` models and the query, in bulk."""
    random = np.random.default_rng(count)
    with Registry(path) as registry:
        first = int(registry.connection.execute("SELECT nextval('model_id')").fetchall()[0][0])
        for names, values in models(random, count):
            ids = np.arange(first, first + len(names), dtype=np.uint32)
            first += len(names)
            for table, rows in batch_tables(random, names, stored(values), ids).items():
                registry.connection.from_arrow(rows).insert_into(table)


def stored(values: Values) -> Values:
    """Weights as bfloat16 holds them."""

    def rounded(found: NDArray[np.float32]) -> NDArray[np.float32]:
        return found.astype(ml_dtypes.bfloat16).astype(np.float32)

    return Values(
        rounded(values.positions), values.gram, values.minhash, rounded(values.vector), rounded(values.token_row)
    )


def batch_tables(
    random: np.random.Generator, names: Sequence[str], values: Values, ids: NDArray[np.uint32]
) -> dict[str, pa.Table]:
    """The rows of a batch of models: those of its first model, repeated, with the values of each."""
    small: dict[str, list[pa.Table]] = {"model": [], "tokenizer": [], "sketch": []}
    template: dict[str, pa.Table] = {}
    for number, (name, model_id) in enumerate(zip(names, ids.tolist(), strict=True)):
        fingerprint = _fingerprint(values, name, number)
        if not number:
            template = model_tables(fingerprint, model_id)
        for table, rows in _small_tables(fingerprint, model_id).items():
            small[table].append(rows)
    tables = {table: pa.concat_tables(rows) for table, rows in small.items()}
    for table in ("tensor", *_KINDS):
        tables[table] = _repeated(template[table], ids)
    hashes = random.integers(1, 1 << 63, tables["tensor"].num_rows, np.uint64)
    tables["tensor"] = _with(tables["tensor"], "hash", pa.array(hashes))
    for table, kind in _KINDS.items():
        found = getattr(values, table)
        found = np.rint(found.clip(-1, 1) * UNIT).astype(np.int16) if table == "gram" else found
        tables[table] = _with(tables[table], "value", fixed_lists(found.reshape(-1, found.shape[-1]), kind))
    return tables


def _small_tables(fingerprint: ModelFingerprint, model_id: int) -> dict[str, pa.Table]:
    """The tables with a row or two a model."""
    bare = replace(fingerprint, tensors=(), tokens=())
    tables = model_tables(bare, model_id)
    return {name: tables[name] for name in ("model", "tokenizer", "sketch")}


def _repeated(table: pa.Table, ids: NDArray[np.uint32]) -> pa.Table:
    repeated = table.take(pa.array(np.tile(np.arange(table.num_rows), len(ids))))
    return _with(repeated, "model_id", pa.array(np.repeat(ids, table.num_rows)))


def _with(table: pa.Table, column: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(column), column, values)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question in a fresh process: seconds, peak memory in MB, the model at the top, how many share its rank."""

    seconds: float
    megabytes: float
    first: str
    tied: int
    verdict: str


def ask(path: Path, known: str = "newest") -> Asked:
    """`ancestors` of the query, once; as the newest of all, or with nothing `known` of the order."""
    began = time.perf_counter()
    command = [sys.executable, "-c", _CHILD, str(path), QUERY, known]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    seconds = time.perf_counter() - began
    first, tied, verdict, megabytes = json.loads(printed)
    return Asked(seconds, megabytes, first, tied, verdict)


def forget(path: Path) -> None:
    """Drop a file from the page cache."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def measure(count: int) -> bool:
    """Build, ask and print one line; whether the bars are met."""
    with tempfile.TemporaryDirectory(prefix="forebear-bench-") as folder:
        path = Path(folder) / "registry.duckdb"
        began = time.perf_counter()
        subprocess.run([sys.executable, __file__, "build", str(path), str(count)], check=True)
        built = time.perf_counter() - began
        size = path.stat().st_size
        forget(path)
        cold = ask(path)
        runs = [ask(path) for _ in range(RUNS)]
        unordered = ask(path, "nothing")
    seconds = statistics.median(r.seconds for r in runs)
    right = all(r.first == PARENT and r.verdict in {"related", "derived"} for r in (cold, *runs))
    passed = right and (count < BAR_MODELS or seconds < BAR_SECONDS)
    sizes = (f"{built:.0f}", f"{size / 1e6:.0f}", f"{size / (count + 1) / 1e3:.0f}")
    costs = (f"{seconds:.2f}", f"{cold.seconds:.2f}", f"{max(r.megabytes for r in runs):.0f}")
    plain = f"nothing known: {unordered.first}, {unordered.tied}"
    outcome = f"{runs[0].first} ({runs[0].tied} in its rank; {plain})  {'PASS' if passed else 'FAIL'}"
    print(f"{count:>7,}" + "".join(f"{figure:>11}" for figure in (*sizes, *costs)) + f"   {outcome}", flush=True)
    return passed


def main(arguments: Sequence[str]) -> int:
    """Print a line for every size; 1 when a bar is missed."""
    if arguments[:1] == ["build"]:
        build(Path(arguments[1]), int(arguments[2]))
        return 0
    print(f"ancestors of one model; the bar: {PARENT} first, and under {BAR_SECONDS:g} s at {BAR_MODELS:,} models\n")
    heads = ("build s", "MB", "kB/model", "seconds", "from disk", "peak MB")
    print(f"{'models':>7}" + "".join(f"{head:>11}" for head in heads) + "   first")
    passed = [measure(int(count)) for count in arguments or SIZES]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
