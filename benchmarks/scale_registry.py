"""A registry of synthetic models, written in bulk: sketches and metadata of all of them.

Models 1, 2, ... are families of 19 (`scale_models.family`); then comes a crowd, one root with many fine-tunes; the rest
are strangers of four sizes, 0.1B to 70B, one in ten without activations, one in twenty with a vision component too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import ndtr

from benchmarks.scale_models import (
    FFN,
    HIDDEN,
    LAYERS,
    MEMBERS,
    VOCABULARIES,
    Bits,
    Drawn,
    common,
    drifted,
    family,
    filled,
    first_ranks,
    moments,
    sketch_of,
    stranger,
    universe,
)
from forebear.ingest.fingerprint.sketch import column_bytes
from forebear.ingest.versions import FINGERPRINT_VERSION
from forebear.registry.store.arrow import fixed_lists

CHUNK = 20_000
SIZES = np.array([[12, 768, 3072], [16, 2048, 8192], [LAYERS, HIDDEN, FFN], [80, 8192, 28_672]])
SHARES = (0.25, 0.35, 0.3, 0.1)
_PARAMETERS = (124_000_000, 1_240_000_000, 6_740_000_000, 70_600_000_000)
_MOMENT = datetime(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which models a registry holds: `families` of 19, a root with `crowd` fine-tunes, strangers up to `count`."""

    count: int
    families: int
    crowd: int

    @property
    def first_of_crowd(self) -> int:
        """The id of the root of the crowd."""
        return 1 + self.families * MEMBERS

    @property
    def first_stranger(self) -> int:
        """The id of the first stranger."""
        return self.first_of_crowd + self.crowd + 1


@dataclass(frozen=True, slots=True)
class Sketches:
    """Many sketches: bytes [n, 224], [n, 75], [n, 128], shares [n], and bytes [n, 128] of activations."""

    positions: NDArray[np.uint8]
    gram: NDArray[np.uint8]
    columns: NDArray[np.uint8]
    o_filled: NDArray[np.float64]
    down_filled: NDArray[np.float64]
    activations: NDArray[np.uint8]


def build(connection: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    """Sketches and metadata of all models, each chunk in a transaction of its own."""
    for first, sketches, sizes in _chunks(layout):
        ids = np.arange(first, first + len(sizes), dtype=np.uint32)
        connection.execute("BEGIN")
        lacking = (ids % 10 == 7) & (ids >= layout.first_stranger)
        for table, rows in {**sketch_tables(ids, sketches, ~lacking), **metadata(ids, sizes)}.items():
            connection.from_arrow(rows).insert_into(table)
        connection.execute("COMMIT")


def _chunks(layout: Layout) -> Iterator[tuple[int, Sketches, NDArray[np.int64]]]:
    """(first id, sketches, number of the size) of all models, in order."""
    first = 1
    for start in range(0, layout.families, CHUNK // MEMBERS):
        seeds = range(start, min(start + CHUNK // MEMBERS, layout.families))
        found = stacked(sketch_of(member.drawn) for seed in seeds for member in family(seed))
        yield first, found, np.full(len(found.gram), 2)
        first += len(found.gram)
    for start in range(0, layout.crowd + 1, CHUNK):
        numbers = range(start, min(start + CHUNK, layout.crowd + 1))
        found = stacked(sketch_of(in_crowd(number)) for number in numbers)
        yield first, found, np.full(len(found.gram), 2)
        first += len(found.gram)
    random = np.random.default_rng(layout.count)
    while first <= layout.count:
        sizes = random.choice(len(SIZES), min(CHUNK, layout.count + 1 - first), p=SHARES)
        yield first, strangers(random, sizes), sizes
        first += len(sizes)


@lru_cache(maxsize=1)
def _crowd_root() -> Drawn:
    return stranger(np.random.default_rng(77))


def in_crowd(number: int) -> Drawn:
    """Member `number` of the crowd: 0 is its root, the others are fine-tunes with a drift of 2 to 10 %."""
    random = np.random.default_rng((77, number))
    return drifted(random, _crowd_root(), random.uniform(0.02, 0.1)) if number else _crowd_root()


def stacked(found: Iterable[Bits]) -> Sketches:
    """Single sketches as arrays."""
    every = list(found)
    return Sketches(
        np.stack([b.positions for b in every]),
        np.stack([b.gram for b in every]),
        np.stack([b.columns for b in every]),
        np.array([b.o_filled for b in every]),
        np.array([b.down_filled for b in every]),
        np.stack([b.activations for b in every]),
    )


def strangers(random: np.random.Generator, sizes: NDArray[np.int64]) -> Sketches:
    """Sketches drawn as such: signs of sums of many vectors, minima of unions of many sets."""
    likely = [ndtr(np.sqrt(LAYERS) * shared).reshape(-1) for shared in common()]
    signs = [
        np.packbits(random.integers(0, 256, (len(sizes), len(p)), np.uint8) < np.rint(256 * p).astype(np.int16), axis=1)
        for p in likely
    ]
    columns = SIZES[sizes][:, :1] * SIZES[sizes][:, [1, 2]]
    minima = []
    for number, role in enumerate((3, 6)):
        ranks = first_ranks(random, filled(columns[:, number])[:, None], (len(sizes), 64))
        minima.append(column_bytes(universe()[role][np.arange(64), ranks]))
    theory = filled(columns)
    activations = np.packbits(moments(random, random.integers(0, VOCABULARIES, len(sizes))) > 0, axis=1)
    return Sketches(signs[0], signs[1], np.concatenate(minima, axis=1), theory[:, 0], theory[:, 1], activations)


def has_vision(model_id: int) -> bool:
    """Whether a model has a second component."""
    return model_id % 20 == 19


def sketch_tables(ids: NDArray[np.uint32], found: Sketches, active: NDArray[np.bool_]) -> dict[str, pa.Table]:
    """Rows of `sketch`, and of `activation_sketch` for the models that are `active` [n].

    One model in twenty has a second component with the signs of another.
    """
    language = _sketch_rows(ids, found, "language")
    second = ids % 20 == 19
    other = Sketches(*(np.roll(getattr(found, field.name), 1, axis=0)[second] for field in fields(Sketches)))
    rows = pa.concat_tables([language, _sketch_rows(ids[second], other, "vision")])
    signs = {
        "model_id": pa.array(ids[active]),
        "component": pa.array(["language"] * int(active.sum())),
        "signs": _binary(found.activations[active]),
    }
    return {"sketch": rows, "activation_sketch": pa.table(signs)}


def _sketch_rows(ids: NDArray[np.uint32], found: Sketches, component: str) -> pa.Table:
    count = len(ids)
    return pa.table(
        {
            "model_id": pa.array(ids),
            "component": pa.array([component] * count),
            "position_roles": pa.array(np.full(count, 127, np.uint8)),
            "gram_roles": pa.array(np.full(count, 31, np.uint8)),
            "positions": _binary(found.positions),
            "gram": _binary(found.gram),
            "minhash": fixed_lists(
                np.random.default_rng(int(ids[0]) if count else 0).integers(0, 1 << 16, (count, 64), np.uint32),
                pa.uint32(),
            ),
            "column_bits": _binary(found.columns),
            "o_filled": pa.array(found.o_filled.astype(np.float32)),
            "down_filled": pa.array(found.down_filled.astype(np.float32)),
        }
    )


def _binary(rows: NDArray[np.uint8]) -> pa.Array:
    kind = pa.binary(rows.shape[1])
    return pa.FixedSizeBinaryArray.from_buffers(kind, len(rows), [None, pa.py_buffer(rows.tobytes())]).cast(pa.binary())


def metadata(ids: NDArray[np.uint32], sizes: NDArray[np.int64]) -> dict[str, pa.Table]:
    """What else the registry keeps of a model of the Hub: its row, tokenizer, card, figures of the Hub, nine files."""
    random = np.random.default_rng(int(ids[0]))
    count = len(ids)
    names = [f"org-{number * 2654435761 % 40_000}/model-{number}" for number in ids.tolist()]
    parents = random.random(count) < 0.4
    vocabulary = random.integers(0, VOCABULARIES, count)
    sets = np.random.default_rng(5).integers(0, 1 << 17, (VOCABULARIES, 64), np.uint32)
    parameters = np.array(_PARAMETERS, np.uint64)[sizes]
    files = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "README.md"]
    files += [".gitattributes", *(f"model-0000{i}-of-00003.safetensors" for i in (1, 2, 3))]
    stamps = pa.array([_MOMENT] * count, pa.timestamp("us"))
    model = {
        "model_id": pa.array(ids),
        "uri": pa.array([f"hf://{name}" for name in names]),
        "revision": _hexadecimal(random, count, 20),
        "name": pa.array(names),
        "state": _hexadecimal(random, count, 20),
        "content": _hexadecimal(random, count, 16),
        "format": pa.array(["safetensors"] * count),
        "architecture": pa.array(["LlamaForCausalLM"] * count),
        "model_type": pa.array(["llama"] * count),
        "license": pa.array(["apache-2.0"] * count),
        "released_at": pa.nulls(count, pa.timestamp("us")),
        "ingested_at": stamps,
        "tensors": pa.array(np.full(count, 291, np.uint32)),
        "parameters": pa.array(parameters),
        "bytes_total": pa.array(parameters * np.uint64(2)),
        "bytes_read": pa.array(np.full(count, 38_400_000, np.uint64)),
        "requests": pa.array(np.full(count, 281, np.uint32)),
        "config": pa.array([_config(n, s) for n, s in zip(ids.tolist(), sizes.tolist(), strict=True)]),
        "fingerprint_version": pa.array(np.full(count, FINGERPRINT_VERSION, np.uint8)),
    }
    return {
        "model": pa.table(model),
        "declared_parent": pa.table(
            {
                "model_id": pa.array(ids[parents]),
                "parent": pa.array([f"org-{n % 997}/base-{n % 4999}" for n in ids[parents].tolist()]),
                "origin": pa.array(["card"] * int(parents.sum())),
                "relation": pa.array(["finetune"] * int(parents.sum())),
            }
        ),
        "tokenizer": pa.table(
            {
                "model_id": pa.array(ids),
                "kind": pa.array(["BPE"] * count),
                "size": pa.array((32_000 + vocabulary).astype(np.uint32)),
                "tokens": fixed_lists(sets[vocabulary], pa.uint32()),
                "merges": fixed_lists(sets[vocabulary] + 1, pa.uint32()),
                "specials": pa.array([["<s>", "</s>"]] * count),
            }
        ),
        "hub": pa.table(
            {
                "model_id": pa.array(ids),
                "author": pa.array([name.partition("/")[0] for name in names]),
                "created_at": stamps,
                "modified_at": stamps,
                "downloads": pa.array(random.integers(0, 10_000, count).astype(np.uint64)),
                "likes": pa.array(random.integers(0, 100, count).astype(np.uint64)),
                "library": pa.array(["transformers"] * count),
                "task": pa.array(["text-generation"] * count),
                "gated": pa.nulls(count, pa.string()),
                "tags": pa.array([["transformers", "safetensors", "llama", "en", "license:apache-2.0"]] * count),
            }
        ),
        "file": pa.table(
            {
                "model_id": pa.array(np.repeat(ids, len(files))),
                "path": pa.array(files * count),
                "size": pa.array(random.integers(500, 5 << 30, len(files) * count).astype(np.uint64)),
                "sha256": pc_where(
                    np.tile(np.arange(len(files)) >= 6, count), _hexadecimal(random, len(files) * count, 32)
                ),
            }
        ),
    }


def pc_where(keep: NDArray[np.bool_], values: pa.Array) -> pa.Array:
    """The values, NULL where they are not kept."""
    import pyarrow.compute as pc

    return pc.if_else(pa.array(keep), values, pa.scalar(None, pa.string()))


def _hexadecimal(random: np.random.Generator, count: int, width: int) -> pa.Array:
    """Random digests of `width` bytes, spelled."""
    text = random.bytes(count * width).hex().encode()
    offsets = np.arange(0, (count + 1) * 2 * width, 2 * width, dtype=np.int32)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets.tobytes()), pa.py_buffer(text))


def _config(number: int, size: int) -> str:
    layers, hidden, ffn = SIZES[size].tolist()
    return json.dumps(
        {
            "_name_or_path": f"org-{number % 997}/base-{number % 4999}",
            "architectures": ["LlamaForCausalLM"],
            "attention_bias": False,
            "attention_dropout": 0.0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "head_dim": 128,
            "hidden_act": "silu",
            "hidden_size": hidden,
            "initializer_range": 0.02,
            "intermediate_size": ffn,
            "max_position_embeddings": 4096 << number % 4,
            "mlp_bias": False,
            "model_type": "llama",
            "num_attention_heads": hidden // 128,
            "num_hidden_layers": layers,
            "num_key_value_heads": 8,
            "pretraining_tp": 1,
            "rms_norm_eps": 1e-05,
            "rope_scaling": None,
            "rope_theta": 500000.0,
            "tie_word_embeddings": False,
            "torch_dtype": "bfloat16",
            "transformers_version": f"4.{30 + number % 30}.{number % 4}",
            "use_cache": number % 2 == 0,
            "vocab_size": 32_000 + number % VOCABULARIES,
        }
    )
