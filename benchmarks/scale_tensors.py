"""Tensor rows of synthetic models: of those that a measurement compares, which is all that it reads of a registry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import duckdb
import ml_dtypes
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.scale_models import (
    FFN,
    HIDDEN,
    MEMBERS,
    ROLES,
    TOKENS,
    WIDTHS,
    Bits,
    Drawn,
    family,
    fitting,
    universe,
)
from benchmarks.scale_registry import Layout, in_crowd
from forebear.ingest.fingerprint.gram import UNIT
from forebear.ingest.fingerprint.sketch import GRAM_ROLES
from forebear.registry.store.arrow import fixed_lists

_A_LAYER = len(ROLES) + 2
_ENDS = 3


def evidence(drawn: Mapping[int, Drawn]) -> dict[str, pa.Table]:
    """Tensor rows of models by their id, as ingest makes them of bfloat16 weights."""
    tables: dict[str, list[pa.Table]] = {}
    for model_id, one in drawn.items():
        for table, rows in _evidence_of(model_id, one).items():
            tables.setdefault(table, []).append(rows)
    return {table: pa.concat_tables(rows) for table, rows in tables.items()}


def _evidence_of(model_id: int, one: Drawn) -> dict[str, pa.Table]:
    layers = len(one.positions)
    place = _ENDS + np.arange(layers)[:, None] * _A_LAYER
    matrices = (place + np.arange(len(ROLES))).reshape(-1)
    grams = (place + np.array([ROLES.index(role) for role in GRAM_ROLES])).reshape(-1)
    norms = (place + len(ROLES) + np.arange(2)).reshape(-1)
    minima = universe()[np.arange(len(ROLES))[:, None], np.arange(64), one.ranks]
    cosines = np.rint((one.gram * np.float32(HIDDEN**-0.5)).clip(-1, 1) * UNIT).astype(np.int16)
    tokens = _stored(0.02 * one.tokens)
    found = {
        "tensor": _tensor_rows(layers).set_column(0, "model_id", _same(model_id, _ENDS + layers * _A_LAYER)),
        "positions": _rows(model_id, matrices, _stored(0.02 * one.positions).reshape(-1, 256), pa.float32()),
        "gram": _rows(model_id, grams, cosines.reshape(-1, 120), pa.int16()),
        "minhash": _rows(model_id, matrices, minima.reshape(-1, 64), pa.uint32()),
        "vector": _rows(model_id, norms, _stored(1 + 0.1 * one.gains), pa.float32()),
        "token_row": _rows(model_id, np.repeat([0, 1], TOKENS), tokens, pa.float32()).add_column(
            2, "token", pa.array(np.tile(np.arange(TOKENS, dtype=np.uint64), 2))
        ),
    }
    hashes = np.random.default_rng(model_id).integers(1, 1 << 63, found["tensor"].num_rows, np.uint64)
    index = found["tensor"].column_names.index("hash")
    found["tensor"] = found["tensor"].set_column(index, "hash", pa.array(hashes))
    return found


def _stored(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values.astype(ml_dtypes.bfloat16).astype(np.float32)


def _same(model_id: int, count: int) -> pa.Array:
    return pa.array(np.full(count, model_id, np.uint32))


def _rows(model_id: int, tensors: NDArray[np.int64], values: NDArray[np.generic], kind: pa.DataType) -> pa.Table:
    columns = {
        "model_id": _same(model_id, len(tensors)),
        "tensor_id": pa.array(tensors.astype(np.uint32)),
        "value": fixed_lists(values, kind),
    }
    return pa.table(columns)


@lru_cache(maxsize=8)
def _tensor_rows(layers: int) -> pa.Table:
    """Rows of `tensor` of a model of 7B width, for any model: its id and hashes are put in."""
    rows: list[dict[str, object]] = [
        _row(None, "embed", "model.embed_tokens.weight", [32_000, HIDDEN], TOKENS, 0),
        _row(None, "head", "lm_head.weight", [32_000, HIDDEN], TOKENS, 0),
        _row(None, "norm", "model.norm.weight", [HIDDEN], 1, 64),
    ]
    for layer in range(layers):
        at = f"model.layers.{layer}"
        for role, width in zip(ROLES, WIDTHS.tolist(), strict=True):
            out = FFN if role in {"gate", "up"} else HIDDEN
            part = "self_attn" if role in "qkvo" else "mlp"
            rows.append(_row(layer, role, f"{at}.{part}.{role}_proj.weight", [out, width], 16, 256))
        for slot in ("input", "post_attention"):
            rows.append(_row(layer, "norm", f"{at}.{slot}_layernorm.weight", [HIDDEN], 1, 64) | {"slot": slot})
    table = pa.Table.from_pylist([{"model_id": 0, "tensor_id": i, **row} for i, row in enumerate(rows)])
    kinds = {"tensor_id": "uint32", "layer": "uint16", "expert": "uint16", "rows_read": "uint16", "sampled": "uint16"}
    kinds |= {"represents": "uint64", "nonfinite": "uint32", "hash": "uint64"}
    kinds |= dict.fromkeys(("mean", "std", "rms", "max", "kurtosis", "zeros", "levels"), "float32")
    fields = [
        f.with_type(pa.type_for_alias(kinds.get(f.name, str(f.type).replace("null", "uint16"))))
        if f.name != "shape"
        else f.with_type(pa.list_(pa.uint64()))
        for f in table.schema
    ]
    return table.cast(pa.schema(fields))


def _row(layer: int | None, role: str, name: str, shape: list[int], rows_read: int, sampled: int) -> dict[str, object]:
    size = int(np.prod(shape))
    figures = {"mean": 0.0, "std": 0.02, "rms": 0.02, "max": 0.1, "kurtosis": 3.1, "zeros": 0.0, "levels": 32.0}
    return {
        "component": "language",
        "layer": layer,
        "expert": None,
        "role": role,
        "slot": "",
        "name": name,
        "dtype": "BF16",
        "shape": shape,
        "represents": size,
        "rows_read": rows_read,
        "sampled": sampled,
        **figures,
        "nonfinite": 0,
        "hash": 0,
    }


def drawn_models(connection: duckdb.DuckDBPyConnection, layout: Layout, ids: Sequence[int]) -> dict[int, Drawn]:
    """The evidence of models by id: families and the crowd as they were drawn, strangers to fit their sketches."""
    found: dict[int, Drawn] = {}
    for seed in sorted({(i - 1) // MEMBERS for i in ids if i < layout.first_of_crowd}):
        for number, member in enumerate(family(seed)):
            found[1 + seed * MEMBERS + number] = member.drawn
    found = {i: one for i, one in found.items() if i in set(ids)}
    found |= {i: in_crowd(i - layout.first_of_crowd) for i in ids if layout.first_of_crowd <= i < layout.first_stranger}
    found |= fitted(connection, [i for i in ids if i >= layout.first_stranger])
    return dict(sorted(found.items()))


def fitted(connection: duckdb.DuckDBPyConnection, ids: Sequence[int]) -> dict[int, Drawn]:
    """Strangers in place of those models, with the sketches that they have."""
    rows = connection.execute(
        "SELECT model_id, positions::BLOB, gram::BLOB FROM sketch JOIN (SELECT unnest($ids::UINTEGER[]) AS model_id)"
        " USING (model_id) WHERE component = 'language' ORDER BY model_id",
        {"ids": list(ids)},
    ).fetchall()
    found: dict[int, Drawn] = {}
    nothing = np.empty(0, np.uint8)
    for model_id, positions, gram in rows:
        bits = Bits(np.frombuffer(positions, np.uint8), np.frombuffer(gram, np.uint8), nothing, 0, 0, nothing)
        found[model_id] = fitting(np.random.default_rng((9, model_id)), bits)
    return found


def keep(connection: duckdb.DuckDBPyConnection, layout: Layout, ids: Iterable[int]) -> int:
    """Write the tensor rows of those models that have none yet; how many there were."""
    have = {i for (i,) in connection.execute("SELECT DISTINCT model_id FROM tensor").fetchall()}
    missing = sorted(set(ids) - have)
    for start in range(0, len(missing), 100):
        connection.execute("BEGIN")
        for table, rows in evidence(drawn_models(connection, layout, missing[start : start + 100])).items():
            connection.from_arrow(rows).insert_into(table)
        connection.execute("COMMIT")
    return len(missing)
