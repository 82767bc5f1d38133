"""Keys and values that llama.cpp makes from the latent of an attention are the one matrix of transformers."""

from __future__ import annotations

import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from hypothesis import given
from hypothesis import strategies as st

from forebear.ingest.formats.gguf_latent import KeysAndValues, with_keys_and_values
from forebear.ingest.model import fingerprint_model
from forebear.ingest.storage.logical import LogicalTensor, RowMajor

from ...writers import MemorySource
from ..layouts.test_framework_orders import values
from ..layouts.test_frameworks import made
from ..layouts.test_fused import evidence
from .writers_fused import Floats, Tensors
from .writers_gguf import gguf_bytes, stored

HEADS, KEYS, VALUES, RANK = 3, 32, 48, 64


def apart(matrix: Floats, at: str) -> Tensors:
    keys, rows = np.split(matrix.reshape(HEADS, KEYS + VALUES, RANK), [KEYS], axis=1)
    return {f"{at}attn_k_b.weight": np.ascontiguousarray(keys.swapaxes(1, 2)), f"{at}attn_v_b.weight": rows.copy()}


def test_keys_and_values_of_a_latent_are_one_matrix() -> None:
    own: Tensors = {}
    theirs: Tensors = {}
    for layer in range(2):
        matrix = theirs[f"model.layers.{layer}.self_attn.kv_b_proj.weight"] = values(HEADS * (KEYS + VALUES), RANK)
        own |= apart(matrix, f"blk.{layer}.")
        query = own[f"blk.{layer}.attn_q.weight"] = values(RANK, RANK)
        theirs[f"model.layers.{layer}.self_attn.q_proj.weight"] = query
    kept = {name: stored(np.ascontiguousarray(value), Kind.F32) for name, value in own.items()}
    source = MemorySource({"model.gguf": gguf_bytes({"general.architecture": "deepseek2"}, kept)})
    assert evidence(fingerprint_model(source)) == evidence(made(theirs, {}))


@given(st.sets(st.integers(0, HEADS * (KEYS + VALUES) - 1), min_size=1))
def test_any_rows_are_those_of_the_matrix(asked: set[int]) -> None:
    matrix = np.arange(HEADS * (KEYS + VALUES) * RANK, dtype=np.float32).reshape(-1, RANK)
    keys, rows = apart(matrix, "").values()
    data = keys.tobytes() + rows.tobytes()
    storage = KeysAndValues(RowMajor("f", 0, "F32", KEYS), RowMajor("f", keys.nbytes, "F32", RANK), KEYS, VALUES, RANK)
    wanted = sorted(asked)
    chunks = [data[r.offset : r.offset + r.length] for r in storage.ranges(wanted)]
    np.testing.assert_array_equal(storage.decode(wanted, chunks), matrix[wanted])


MISFITS = (
    ((3, 8, 4), (2, 6, 8)), ((3, 8, 4), (3, 6, 7)), ((24, 4), (18, 8)), ((0, 8, 4), (0, 6, 8)),
    ((1, 16385, 1), (1, 1, 16385)),
)  # fmt: skip


@pytest.mark.parametrize("shapes", MISFITS)
def test_keys_and_values_that_do_not_fit_each_other_stay_apart(shapes: tuple[tuple[int, ...], ...]) -> None:
    names = ("blk.0.attn_k_b.weight", "blk.0.attn_v_b.weight")
    tensors = [
        LogicalTensor(name, "F32", shape, RowMajor("f", 0, "F32", shape[-1]))
        for name, shape in zip(names, shapes, strict=True)
    ]
    assert with_keys_and_values(tensors) == tensors
    assert with_keys_and_values(tensors[1:]) == tensors[1:]
