"""Values of ONNX tensors in typed fields: numbers of varying length, and fields that are not packed."""

from __future__ import annotations

import struct
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forebear.ingest.errors import FormatError
from forebear.ingest.formats import onnx_numbers, read_checkpoint
from forebear.ingest.formats.onnx_file import read_onnx
from forebear.ingest.formats.onnx_numbers import Numbers

from ...writers import MemoryReader, MemorySource, varint
from .test_onnx import values
from .writers_onnx import KINDS, embedded, model, node, number, packed_floats, part, tensor

MATRIX = np.random.default_rng(15).normal(size=(6, 10)).astype(np.float32)
HALVES = MATRIX.astype(np.float16)


def file(*tensors: bytes, nodes: tuple[bytes, ...] = ()) -> dict[str, bytes]:
    return {"model.onnx": model(list(nodes), list(tensors))}


def bits(rows: NDArray[Any]) -> list[int]:
    """The numbers that stand in `int32_data` for values: their bits, or themselves modulo 2^64."""
    if rows.dtype.itemsize < 4 and rows.dtype.kind not in "iu":
        rows = rows.view(f"u{rows.dtype.itemsize}")
    return [int(n) & (1 << 64) - 1 for n in rows.ravel()]


def packed(name: str, kind: str, rows: NDArray[Any], field: int = 5) -> bytes:
    return tensor(name, KINDS[kind], rows.shape, part(field, b"".join(map(varint, bits(rows)))))


def unpacked(name: str, kind: str, rows: NDArray[Any], field: int = 5) -> bytes:
    return tensor(name, KINDS[kind], rows.shape, b"".join(number(field, n) for n in bits(rows)))


def unpacked_floats(name: str, rows: NDArray[Any]) -> bytes:
    field, form = (4, "<f") if rows.dtype == np.float32 else (10, "<d")
    key = varint(field << 3 | (5 if field == 4 else 1))
    kind = "F32" if field == 4 else "F64"
    return tensor(name, KINDS[kind], rows.shape, b"".join(key + struct.pack(form, x) for x in rows.ravel()))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(60,), (6, 10), (1,), (3, 2, 5, 2)])
def test_floats_that_are_not_packed_are_those_that_are(dtype: type, shape: tuple[int, ...]) -> None:
    rows: NDArray[Any] = MATRIX.ravel()[: int(np.prod(shape))].astype(dtype).reshape(shape)
    found = values(file(unpacked_floats("a.weight", rows), embedded("b.weight", MATRIX)))
    np.testing.assert_array_equal(found["a.weight"], rows.reshape(found["a.weight"].shape))
    np.testing.assert_array_equal(found["b.weight"], MATRIX)  # what follows the field is read too


@pytest.mark.parametrize("write", [packed, unpacked])
@pytest.mark.parametrize("kind", ["F16", "BF16"])
def test_floats_of_16_bits_in_the_field_of_whole_numbers_are_read(write: Any, kind: str) -> None:
    rows = HALVES if kind == "F16" else MATRIX.astype(ml_dtypes.bfloat16)
    found = values(file(write("a.weight", kind, rows), packed_floats("b.weight", MATRIX)))
    np.testing.assert_array_equal(found["a.weight"], rows.astype(np.float32))
    np.testing.assert_array_equal(found["b.weight"], MATRIX)


@pytest.mark.parametrize("write", [packed, unpacked])
def test_a_matrix_of_numbers_that_is_stored_as_in_out_is_turned(write: Any) -> None:
    nodes = (node("MatMul", ["x", "onnx::MatMul_7"], "y", "/layers.0/mlp/up_proj/MatMul"),)
    found = values(file(write("onnx::MatMul_7", "F16", HALVES), nodes=nodes))
    np.testing.assert_array_equal(found["layers.0.mlp.up_proj.weight"], HALVES.T.astype(np.float32))


@pytest.mark.parametrize("by_row", [False, True])
@pytest.mark.parametrize("write", [packed, unpacked])
def test_codes_scales_and_zero_points_are_read_from_any_field(write: Any, by_row: bool) -> None:
    codes = (MATRIX * 30).clip(-120, 120).astype(np.int8)
    shape = (6,) if by_row else ()
    scale = np.arange(1, 7, dtype=np.float32)[: 6 if by_row else 1].reshape(shape)
    zero = np.arange(-3, 3).astype(np.int8)[: 6 if by_row else 1].reshape(shape)
    stored = [write("w", "I8", codes), unpacked_floats("s", scale), write("z", "I8", zero)]
    nodes = (
        node("DequantizeLinear", ["w", "s", "z"], "d", axis=0),
        node("Gemm", ["x", "d"], "y", "/up_proj/Gemm", transB=1),
    )
    (found,) = values(file(*stored, nodes=nodes)).values()
    wide: Any = (scale[:, None], zero[:, None]) if by_row else (scale, zero)
    np.testing.assert_allclose(found, (codes.astype(np.float32) - wide[1]) * wide[0], rtol=1e-6)


def test_named_whole_numbers_are_buffers_in_every_field() -> None:
    rows: NDArray[np.int64] = np.arange(12)
    stored = [packed("a.index", "I64", rows, 7), unpacked("b.index", "I64", rows, 7), embedded("c.index", rows, "I64")]
    found = read_checkpoint(MemorySource(file(*stored, embedded("w.weight", MATRIX))))[1]
    assert {one.name for one in found.tensors} == {"a.index", "b.index", "c.index", "w.weight"}


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (tensor("a", 10, (4,), number(5, 1) * 3), "cut short"),
        (tensor("a", 1, (4,), (b"\x25" + b"\0" * 4) * 3), "not hold 4 values"),
        (tensor("a", 1, (4,), (b"\x25" + b"\0" * 4) * 5), "not hold 4 values"),
        (tensor("a", 10, (2,), number(5, 1) * 2 + part(9, b"1234")), "two fields"),
    ],
)
def test_fewer_or_more_values_than_the_shape_says_are_refused(stored: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_onnx(MemoryReader(model([], [stored])), "f")


def test_a_value_too_large_for_its_type_is_refused_when_it_is_read() -> None:
    stored = tensor("a.weight", 10, (4,), part(5, b"".join(map(varint, [1, 2, 1 << 16, 3]))))
    with pytest.raises(FormatError, match="4 values of F16"):
        values(file(stored, embedded("b.weight", MATRIX)))


def test_a_type_in_the_field_of_another_is_skipped_with_its_parameters() -> None:
    found = read_checkpoint(
        MemorySource(file(tensor("a.weight", 10, (4,), part(4, b"\0" * 16)), embedded("b.weight", MATRIX)))
    )[1]
    assert [(one.name, one.parameters, one.reason) for one in found.skipped] == [
        ("a.weight", 4, "values of F16 in a field of another type")
    ]


def test_a_field_that_would_take_too_much_memory_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebear.ingest.formats.onnx_file.FIELD_LIMIT", 100)
    found = read_checkpoint(MemorySource(file(packed("a.weight", "F16", HALVES), embedded("b.weight", MATRIX))))[1]
    (row,) = found.skipped
    assert row.parameters == 60 and "no fixed places" in row.reason


@given(st.lists(st.integers(-(1 << 63), (1 << 63) - 1), min_size=1), st.booleans(), st.integers(1, 12))
def test_numbers_of_varying_length_are_read_as_they_were_written(
    numbers: list[int], is_tagged: bool, block: int
) -> None:
    key = b"\x28" if is_tagged else b""
    data = b"".join(key + varint(n & (1 << 64) - 1) for n in numbers)
    place = Numbers("f", 0, len(data), 5, "I64", len(numbers), len(numbers), is_tagged)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx_numbers, "_BLOCK", block)  # numbers are cut between blocks wherever they end
        found = place.decode([0], [data])[0]
    np.testing.assert_array_equal(found, np.array(numbers, np.int64).astype(np.float32))


@settings(max_examples=200)
@given(
    st.binary(max_size=40),
    st.integers(0, 1 << 40),
    st.booleans(),
    st.sampled_from([(4, "F32"), (5, "F16"), (5, "I8"), (7, "I64"), (10, "F64"), (11, "U64")]),
)
def test_a_field_that_holds_other_numbers_than_it_should_is_refused(
    data: bytes, count: int, is_tagged: bool, kind: tuple[int, str]
) -> None:
    if kind[0] in (4, 10) and not is_tagged:
        return  # those lie in places of their own
    try:
        found = Numbers("f", 0, len(data), *kind, count, count, is_tagged).decode([0], [data])
    except FormatError:
        return
    assert found.shape == (1, count)
