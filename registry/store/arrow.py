"""A model's fingerprint as Arrow tables, named as the tables of the registry that they go into."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...ingest.activations import Activations
from ...ingest.adapters.adapter import Adapter
from ...ingest.fingerprint import TensorFingerprint
from ...ingest.fingerprint.activations import pack
from ...ingest.fingerprint.kinds import STORED
from ...ingest.fingerprint.minhash import PERMUTATIONS
from ...ingest.fingerprint.positions import TOKEN_VALUES, VECTOR_VALUES
from ...ingest.model import ModelFingerprint
from ...ingest.text import printable
from ...ingest.versions import FINGERPRINT_VERSION

Tables = dict[str, "pa.Table"]


def model_tables(model: ModelFingerprint, model_id: int) -> Tables:
    """Every row that the registry keeps of `model`, under `model_id`. Tables without rows are left out."""
    tables = {
        "model": pa.table({"model_id": pa.array([model_id], pa.uint32()), **_model_columns(model)}),
        "declared_parent": pa.Table.from_pylist(
            [
                {"model_id": model_id, "parent": p.parent, "origin": p.origin, "relation": p.relation}
                for p in model.card.parents
            ]
        ),
        "declared_recipe": pa.Table.from_pylist(
            [
                {"model_id": model_id, "origin": r.origin, "method": r.method, "base": r.base, "config": r.config}
                for r in model.card.recipes
            ]
        ),
        "declared_recipe_parent": pa.Table.from_pylist(
            [
                {"model_id": model_id, "origin": r.origin, "parent": p.parent, "weight": p.weight, "graded": p.graded}
                for r in model.card.recipes
                for p in r.parents
            ]
        ),
        "tokenizer": _tokenizer_table(model, model_id),
        "adapter": _adapter_table(model.adapter, model_id),
        "adapter_target": _target_table(model.adapter, model_id),
        "sketch": _sketch_table(model, model_id),
        "tensor": _tensor_table(model.tensors, model_id),
        "token_row": _token_table(model, model_id),
        **activation_tables(model.activations, {t.named.tensor.name: i for i, t in enumerate(model.tensors)}, model_id),
        "hub": _hub_table(model, model_id),
        "file": pa.table(
            {
                "model_id": _ids(model_id, len(model.files)),
                "path": pa.array([printable(f.path) for f in model.files], pa.string()),
                "size": pa.array([f.size for f in model.files], pa.uint64()),
                "sha256": pa.array([f.sha256 for f in model.files], pa.string()),
            }
        ),
        "skipped_tensor": pa.Table.from_pylist(
            [
                {
                    "model_id": model_id,
                    "name": s.name,
                    "parameters": _capped(s.parameters),
                    "reason": s.reason,
                    "component": s.component,
                }
                for s in model.skipped
            ]
        ),
    }
    for kind in STORED:
        found = [(i, t.evidence[kind.name]) for i, t in enumerate(model.tensors) if kind.name in t.evidence]
        tables[kind.name] = _values_table(found, model_id, kind.width, kind.element)
    vectors = [(i, t.values) for i, t in enumerate(model.tensors) if t.values is not None]
    tables["vector"] = _values_table(vectors, model_id, VECTOR_VALUES, "float32")
    return {name: table for name, table in tables.items() if table.num_rows}


def utc(moment: datetime | None) -> datetime | None:
    """The moment in UTC, without its zone: as the registry keeps times."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment else None


def _hub_table(model: ModelFingerprint, model_id: int) -> pa.Table:
    found = [model.provider] if model.provider else []
    return pa.table(
        {
            "model_id": _ids(model_id, len(found)),
            "author": pa.array([h.author for h in found], pa.string()),
            "created_at": pa.array([utc(h.created) for h in found], pa.timestamp("us")),
            "modified_at": pa.array([utc(h.modified) for h in found], pa.timestamp("us")),
            "downloads": pa.array([h.downloads for h in found], pa.uint64()),
            "likes": pa.array([h.likes for h in found], pa.uint64()),
            "library": pa.array([h.library for h in found], pa.string()),
            "task": pa.array([h.task for h in found], pa.string()),
            "gated": pa.array([h.gated for h in found], pa.string()),
            "tags": pa.array([list(h.tags) for h in found], pa.list_(pa.string())),
        }
    )


def _capped(count: int) -> int:
    return min(count, (1 << 64) - 1)


def _as_json(config: Mapping[str, object]) -> str:
    """A config as JSON that DuckDB reads too: lone surrogates, which Python takes and it refuses, become `?`."""
    text = json.dumps(config)
    if "\\ud" not in text:
        return text
    return json.dumps(json.loads(json.dumps(config, ensure_ascii=False).encode("utf-8", "replace")))


def _model_columns(model: ModelFingerprint) -> dict[str, Any]:
    architectures = model.config.get("architectures")
    first = architectures[0] if isinstance(architectures, list) and architectures else None
    row = {
        "uri": printable(model.uri, 4096),
        "revision": model.revision,
        "name": model.name,
        "state": model.state,
        "content": model.content,
        "format": model.format,
        "architecture": printable(first, 200) if isinstance(first, str) else None,
        "model_type": printable(t, 200) if isinstance(t := model.config.get("model_type"), str) else None,
        "license": model.card.license,
        "released_at": utc(model.provider.created) if model.provider else None,
        "ingested_at": datetime.now(UTC).replace(tzinfo=None),
        "tensors": model.tensor_count,
        "parameters": _capped(model.parameters),
        "bytes_total": model.bytes_total,
        "bytes_read": model.bytes_read,
        "requests": model.requests,
        "config": _as_json(model.config),
        "fingerprint_version": FINGERPRINT_VERSION,
    }
    types: dict[str, Any] = {
        "fingerprint_version": pa.uint8(),
        **dict.fromkeys(("tensors", "requests"), pa.uint32()),
        **dict.fromkeys(("parameters", "bytes_total", "bytes_read"), pa.uint64()),
        **dict.fromkeys(("released_at", "ingested_at"), pa.timestamp("us")),
    }
    return {name: pa.array([value], types.get(name, pa.string())) for name, value in row.items()}


def fixed_lists(values: NDArray[Any], element: pa.DataType) -> pa.FixedSizeListArray:
    """A matrix [n, width] as an Arrow column of fixed lists, without a copy of its elements."""
    return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1), element), values.shape[1])


def _ids(model_id: int, count: int) -> pa.Array:
    return pa.array(np.full(count, model_id, np.uint32))


def _values_table(found: Sequence[tuple[int, NDArray[Any]]], model_id: int, width: int, element: str) -> pa.Table:
    """Rows of arrays [width] of a numpy dtype, each with the number of its tensor."""
    values = np.stack([v for _, v in found]) if found else np.empty((0, width), element)
    return pa.table(
        {
            "model_id": _ids(model_id, len(found)),
            "tensor_id": pa.array([i for i, _ in found], pa.uint32()),
            "value": fixed_lists(values, pa.from_numpy_dtype(element)),
        }
    )


def _tensor_table(tensors: Sequence[TensorFingerprint], model_id: int) -> pa.Table:
    places = [t.named.place for t in tensors]
    stats = [t.statistics for t in tensors]
    columns = {
        "model_id": _ids(model_id, len(tensors)),
        "tensor_id": pa.array(np.arange(len(tensors), dtype=np.uint32)),
        "component": pa.array([p.component for p in places], pa.string()),
        "layer": pa.array([_small(p.layer) for p in places], pa.uint16()),
        "expert": pa.array([_small(p.expert) for p in places], pa.uint16()),
        "role": pa.array([p.role for p in places], pa.string()),
        "slot": pa.array([printable(p.slot, 200) for p in places], pa.string()),
        "name": pa.array([printable(t.named.tensor.name) for t in tensors], pa.string()),
        "dtype": pa.array([t.named.tensor.dtype for t in tensors], pa.string()),
        "shape": pa.array([list(t.named.tensor.shape) for t in tensors], pa.list_(pa.uint64())),
        "represents": pa.array([_capped(t.named.represents) for t in tensors], pa.uint64()),
        "rows_read": pa.array([t.rows_read for t in tensors], pa.uint16()),
        "sampled": pa.array([t.sampled for t in tensors], pa.uint16()),
    }
    for name in ("mean", "std", "rms", "max", "kurtosis", "zeros", "levels"):
        columns[name] = pa.array([getattr(s, name) if s else None for s in stats], pa.float32())
    columns["nonfinite"] = pa.array([s.nonfinite if s else None for s in stats], pa.uint32())
    columns["hash"] = pa.array([s.hash if s else None for s in stats], pa.uint64())
    return pa.table(columns)


MOST_NUMBER = 0xFFFE
"""The highest number of a layer or an expert; one more still fits in 16 bits, as queries need it that count layers."""


def _small(number: int | None) -> int | None:
    """Layer and expert numbers past 65,534 exist in no architecture; a name that claims one is cut to that."""
    return None if number is None else min(number, MOST_NUMBER)


def _token_table(model: ModelFingerprint, model_id: int) -> pa.Table:
    order = {t.named.tensor.name: i for i, t in enumerate(model.tensors)}
    ids = [np.full(len(rows.keys), order[rows.named.tensor.name], np.uint32) for rows in model.tokens]
    keys = np.concatenate([rows.keys for rows in model.tokens]) if ids else np.empty(0, np.uint64)
    values = np.concatenate([r.values for r in model.tokens]) if ids else np.empty((0, TOKEN_VALUES), np.float32)
    return pa.table(
        {
            "model_id": _ids(model_id, len(keys)),
            "tensor_id": pa.array(np.concatenate(ids) if ids else np.empty(0, np.uint32)),
            "token": pa.array(keys, pa.uint64()),
            "value": fixed_lists(values, pa.float32()),
        }
    )


def activation_tables(found: Activations, tensor_ids: Mapping[str, int], model_id: int) -> Tables:
    """The rows of a model's activations; `tensor_ids` are those of the registry, by the names of the tensors."""
    layers, made = found.layers, found.sketches
    return {
        "activation": pa.table(
            {
                "model_id": _ids(model_id, len(layers)),
                "tensor_id": pa.array([tensor_ids[one.named.tensor.name] for one in layers], pa.uint32()),
                "tokens": pa.array([one.tokens for one in layers], pa.uint64()),
                "neurons": pa.array([len(one.levels) for one in layers], pa.uint16()),
                "value": pa.array([pack(one.levels) for one in layers], pa.binary()),
            }
        ),
        "activation_sketch": pa.table(
            {
                "model_id": _ids(model_id, len(made)),
                "component": pa.array([s.component for s in made], pa.string()),
                "signs": pa.array([s.signs for s in made], pa.binary()),
            }
        ),
    }


def _tokenizer_table(model: ModelFingerprint, model_id: int) -> pa.Table:
    found = [model.tokenizer] if model.tokenizer else []
    sets = pa.list_(pa.uint32(), PERMUTATIONS)
    return pa.table(
        {
            "model_id": _ids(model_id, len(found)),
            "kind": pa.array([t.kind for t in found], pa.string()),
            "size": pa.array([t.size for t in found], pa.uint32()),
            "tokens": pa.array([t.tokens.tolist() for t in found], sets),
            "merges": pa.array([t.merges.tolist() if t.merges is not None else None for t in found], sets),
            "specials": pa.array([list(t.specials) for t in found], pa.list_(pa.string())),
        }
    )


def _sketch_table(model: ModelFingerprint, model_id: int) -> pa.Table:
    found = model.sketches
    return pa.table(
        {
            "model_id": _ids(model_id, len(found)),
            "component": pa.array([s.component for s in found], pa.string()),
            "position_roles": pa.array([s.position_roles for s in found], pa.uint8()),
            "gram_roles": pa.array([s.gram_roles for s in found], pa.uint8()),
            "positions": pa.array([s.positions for s in found], pa.binary()),
            "gram": pa.array([s.gram for s in found], pa.binary()),
            "minhash": pa.array([s.minhash.tolist() for s in found], pa.list_(pa.uint32(), PERMUTATIONS)),
            "column_bits": pa.array([s.columns for s in found], pa.binary()),
            "o_filled": pa.array([s.o_filled for s in found], pa.float32()),
            "down_filled": pa.array([s.down_filled for s in found], pa.float32()),
        }
    )


def _adapter_table(adapter: Adapter | None, model_id: int) -> pa.Table:
    found = [adapter] if adapter else []
    return pa.table(
        {
            "model_id": _ids(model_id, len(found)),
            "kind": pa.array([a.kind for a in found], pa.string()),
            "base": pa.array([a.config.base for a in found], pa.string()),
            "base_revision": pa.array([a.config.base_revision for a in found], pa.string()),
            "rank": pa.array([_rank(a.rank) for a in found], pa.uint32()),
            "alpha": pa.array([a.config.alpha for a in found], pa.float64()),
            "task": pa.array([a.config.task for a in found], pa.string()),
            "dora": pa.array([a.dora for a in found], pa.bool_()),
            "rslora": pa.array([a.config.rslora for a in found], pa.bool_()),
            "every_layer": pa.array([a.every_layer for a in found], pa.bool_()),
            "layers": pa.array([_small(a.layers) for a in found], pa.uint16()),
            "targets": pa.array([[printable(m, 200) for m in a.modules] for a in found], pa.list_(pa.string())),
        }
    )


def _target_table(adapter: Adapter | None, model_id: int) -> pa.Table:
    found = adapter.targets if adapter else ()
    wide = [
        (None if t.outputs is None else _capped(t.outputs), None if t.inputs is None else _capped(t.inputs))
        for t in found
    ]
    return pa.table(
        {
            "model_id": _ids(model_id, len(found)),
            "component": pa.array([t.place.component for t in found], pa.string()),
            "layer": pa.array([_small(t.place.layer) for t in found], pa.uint16()),
            "expert": pa.array([_small(t.place.expert) for t in found], pa.uint16()),
            "role": pa.array([t.place.role for t in found], pa.string()),
            "slot": pa.array([printable(t.place.slot, 200) for t in found], pa.string()),
            "module": pa.array([t.module for t in found], pa.string()),
            "outputs": pa.array([outputs for outputs, _ in wide], pa.uint64()),
            "inputs": pa.array([inputs for _, inputs in wide], pa.uint64()),
            "rank": pa.array([_rank(t.rank) for t in found], pa.uint32()),
        }
    )


def _rank(rank: int | None) -> int | None:
    """Ranks of tensors without elements may claim anything."""
    return None if rank is None else min(rank, 0xFFFFFFFF)
