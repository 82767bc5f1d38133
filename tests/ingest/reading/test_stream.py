"""Whole tensors in blocks: what comes out is what numpy reads, and digests do not depend on how it was cut."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from forebear.ingest.reading import stream as streams
from forebear.ingest.reading.digest import TensorDigest, ValueDigest
from forebear.ingest.reading.stream import BLOCK, TensorStream, pieces
from forebear.ingest.storage.logical import LogicalTensor, RowMajor
from forebear.ingest.storage.views import transposed
from forebear.ingest.whole_model import whole_model

from ...writers import MemorySource, llama, llama_config, model_files, raw


def stream(source: MemorySource, name: str) -> tuple[NDArray[np.float32], TensorDigest]:
    """All values and the digests of one tensor."""
    with whole_model(source) as model:
        tensor = next(n.tensor for n in model.named if n.tensor.name == name)
        found = pieces(tensor)
        assert not isinstance(found, str)
        reading, blocks = TensorStream(model, tensor, found), []
        while (block := reading.advance()) is not None:
            blocks.append(block.reshape(-1))
        return np.concatenate(blocks), reading.digest()


def source_of(values: NDArray[np.float32], dtype: str = "F32") -> MemorySource:
    return MemorySource(model_files({"model.layers.0.mlp.up_proj.weight": raw(values, dtype)}))


UP = "model.layers.0.mlp.up_proj.weight"


def test_blocks_put_together_are_the_tensor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BLOCK", 1000)
    values = np.random.default_rng(0).standard_normal((97, 64), np.float32)
    found, digest = stream(source_of(values), UP)
    assert np.array_equal(found, values.ravel())
    assert digest.bytes == hashlib.sha256(values.tobytes()).hexdigest()


def test_rows_longer_than_a_block_are_cut_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BLOCK", 1000)
    values = np.random.default_rng(0).standard_normal((3, 2345), np.float32)
    found, digest = stream(source_of(values), UP)
    assert np.array_equal(found, values.ravel())
    assert digest.bytes == hashlib.sha256(values.tobytes()).hexdigest()


def test_a_matrix_stored_the_other_way_round_is_read_once() -> None:
    stored = RowMajor("file", 0, "F32", 3000)
    view = transposed(stored, 2000, 3000)
    assert view is not None
    assert [len(p.rows) for p in pieces(LogicalTensor("w", "F32", (3000, 2000), view)) if not isinstance(p, str)] == [
        3000
    ]


def test_what_cannot_be_read_in_bounded_memory_is_refused_with_the_reason() -> None:
    wide = transposed(RowMajor("file", 0, "F32", 40_000), 40_000, 40_000)
    assert wide is not None
    assert "limit" in str(pieces(LogicalTensor("w", "F32", (40_000, 40_000), wide)))


def test_no_piece_is_larger_than_a_block() -> None:
    for shape in ((5,), (32000, 4096), (1, 1 << 24), (3, (1 << 22) + 7), (1 << 19, 6)):
        columns = int(np.prod(shape[1:])) if len(shape) > 1 else shape[0]
        found = pieces(LogicalTensor("w", "BF16", shape, RowMajor("file", 0, "BF16", columns)))
        assert not isinstance(found, str)
        sizes = [len(p.rows) * p.storage.columns for p in found if isinstance(p.storage, RowMajor)]
        assert sum(sizes) == np.prod(shape) and max(sizes) <= BLOCK


@given(st.lists(st.floats(width=32), max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_the_digest_of_values_does_not_depend_on_the_blocks(values: list[float], cuts: list[int]) -> None:
    array = np.array(values, np.float32)
    whole, parts = ValueDigest(array.shape), ValueDigest(array.shape)
    whole.update(array)
    for part in np.split(array, sorted(cuts)):
        parts.update(part)
    assert whole.hexdigest() == parts.hexdigest()


def test_a_copy_in_a_wider_type_has_the_same_digest_of_values_and_another_of_bytes() -> None:
    coarse = raw(np.random.default_rng(0).standard_normal((40, 30), np.float32), "BF16")
    values = stream(MemorySource(model_files({UP: coarse})), UP)[0].reshape(40, 30)
    digests = [stream(source_of(values, dtype), UP)[1] for dtype in ("BF16", "F32", "F64")]
    assert len({d.values for d in digests}) == 1 and len({d.bytes for d in digests}) == 3
    values[3, 4] = np.nextafter(values[3, 4], np.float32(9))
    assert stream(source_of(values), UP)[1].values != digests[0].values


def test_zeros_of_either_sign_are_one_value_and_shapes_are_not() -> None:
    def digest(array: NDArray[np.float32]) -> str:
        one = ValueDigest(array.shape)
        one.update(array)
        return one.hexdigest()

    assert digest(np.array([0.0, 1.1], np.float32)) == digest(np.array([-0.0, 1.1], np.float32))
    assert digest(np.ones((2, 3), np.float32)) != digest(np.ones((3, 2), np.float32))


def test_every_tensor_of_a_sharded_model_is_found() -> None:
    tensors = llama()
    source = MemorySource(model_files(tensors, shards=3, config=llama_config(tensors)))
    with whole_model(source) as model:
        assert {n.tensor.name for n in model.named} == set(tensors)
        assert len(model.readers) == 3


def test_a_stream_of_the_zoo_has_what_safetensors_reads(zoo: Path) -> None:
    import ml_dtypes  # noqa: F401  (numpy learns bfloat16)
    from safetensors.numpy import load_file

    from forebear.ingest.sources import open_source

    expected = load_file(zoo / "alder" / "model.safetensors")
    with whole_model(open_source(str(zoo / "alder"))) as model:
        for named in model.named[:6]:
            found = pieces(named.tensor)
            assert not isinstance(found, str)
            reading = TensorStream(model, named.tensor, found)
            block = reading.advance()
            assert block is not None
            assert np.array_equal(block.ravel(), expected[named.tensor.name].astype(np.float32).ravel())
