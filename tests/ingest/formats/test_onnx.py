"""ONNX: the weights of the model that was exported, by range; hostile files are refused and cost nothing."""

from __future__ import annotations

import contextlib
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from forebear.ingest.errors import FormatError, SourceError
from forebear.ingest.formats import read_checkpoint
from forebear.ingest.formats.onnx_file import read_onnx
from forebear.ingest.formats.onnx_wire import HEADER_LIMIT
from forebear.ingest.model import fingerprint_model
from forebear.ingest.sources import open_source
from forebear.registry import Registry

from ...cpu import cpu_at_most
from ...writers import MemoryReader, MemorySource, model_files, varint, write_files
from ..layouts.test_fused import evidence
from .writers_fused import Floats, load_model
from .writers_onnx import embedded, external, model, node, number, onnx_files, part, tensor

RANDOM = np.random.default_rng(31)
MATRIX = RANDOM.normal(size=(20, 32)).astype(np.float32)
STYLES = ["torch", "dynamo", "genai", "gemm", "transpose"]


def folder(zoo: Path, name: str, **options: Any) -> dict[str, bytes]:
    tensors, config, tokenizer = load_model(zoo / name)
    files = model_files({}, config=config, tokenizer=tokenizer) | onnx_files(tensors, **options)
    del files["model.safetensors"]
    return files


def values(files: dict[str, bytes]) -> dict[str, Floats]:
    found = {}
    for one in read_checkpoint(MemorySource(files))[1].tensors:
        rows = range(one.matrix[0])
        chunks = [files[r.file][r.offset : r.end] for r in one.storage.ranges(rows)]
        found[one.name] = one.storage.decode(rows, chunks).reshape(one.shape)
    return found


@pytest.mark.parametrize("beside", [None, "model.onnx_data"])
@pytest.mark.parametrize("style", STYLES)
def test_a_file_of_the_same_values_makes_the_fingerprint_of_the_original(
    zoo: Path, style: str, beside: str | None
) -> None:
    tensors, config, tokenizer = load_model(zoo / "alder")
    made = fingerprint_model(MemorySource(folder(zoo, "alder", style=style, beside=beside)))
    original = fingerprint_model(MemorySource(model_files(tensors, config=config, tokenizer=tokenizer)))
    assert made.format == "onnx" and not made.skipped
    assert evidence(made) == evidence(original)
    if beside:
        assert made.bytes_total > sum(v.nbytes for v in tensors.values())


@pytest.mark.parametrize("style", ["torch", "gemm"])
def test_a_half_precision_copy_is_a_numeric_copy_and_a_fine_tune_ranks_its_parent(
    zoo: Path, zoo_registry: Path, tmp_path: Path, style: str
) -> None:
    for name in ("cedar", "alder-docs-tests"):
        write_files(tmp_path / name, folder(zoo, name, style=style, dtype="F16", beside="model.onnx.data"))
    with Registry(zoo_registry, read_only=True) as registry:
        first = registry.ancestors(tmp_path / "cedar").components[0].ancestors[0]
        rows = registry.ancestors(tmp_path / "alder-docs-tests").components[0].ancestors
    assert first.name == "cedar" and first.relation[0] in {"identical", "numeric_copy"} and first.identity > 0.999
    assert rows[0].name == "alder-docs-tests" and rows[0].relation[0] in {"identical", "numeric_copy"}
    others = [row for row in rows if row.name != "alder-docs-tests" and row.relation]
    assert "finetuned" in others[0].relation
    assert "alder-docs" in {row.name for row in others if row.rank == others[0].rank}


def test_of_several_variants_the_plain_one_is_read_and_else_they_are_listed(zoo: Path, tmp_path: Path) -> None:
    files = folder(zoo, "alder")
    whole = files.pop("model.onnx")
    kept = files | {f"onnx/{name}.onnx": whole for name in ("model", "model_fp16", "model_quantized")}
    assert fingerprint_model(MemorySource(kept)).format == "onnx"
    del kept["onnx/model.onnx"]
    with pytest.raises(SourceError, match=r"name one of them: onnx/model_fp16\.onnx, onnx/model_quantized\.onnx"):
        read_checkpoint(MemorySource(kept))
    write_files(tmp_path, files | {"a.onnx": whole, "b.onnx": whole})
    assert fingerprint_model(open_source(str(tmp_path / "b.onnx"))).format == "onnx"


def test_a_named_file_brings_the_file_of_its_weights(zoo: Path, tmp_path: Path) -> None:
    write_files(tmp_path, folder(zoo, "alder", beside="model.onnx_data"))
    made = fingerprint_model(open_source(str(tmp_path / "model.onnx")))
    assert not made.skipped and len(made.tensors) == len(load_model(zoo / "alder")[0])


def test_onnx_beside_or_below_safetensors_is_a_second_copy(zoo: Path) -> None:
    tensors, config, _ = load_model(zoo / "alder")
    files = model_files(tensors, config=config)
    assert fingerprint_model(MemorySource(files | {"model.onnx": b"", "onnx/model.onnx": b""})).format == "safetensors"


@pytest.mark.parametrize("by_row", [False, True])
@pytest.mark.parametrize("named", [False, True])
def test_eight_bit_codes_are_scaled(by_row: bool, named: bool) -> None:
    codes = RANDOM.integers(0, 255, (32, 20)).astype(np.uint8)
    scale = RANDOM.uniform(0.1, 1, 20 if by_row else ()).astype(np.float32)
    zero = RANDOM.integers(0, 255, scale.shape).astype(np.uint8)
    at = "/model/layers.0/mlp/up_proj/MatMul"
    stored = [
        embedded("onnx::MatMul_7_quantized", codes, "U8"),
        embedded("onnx::MatMul_7_scale", scale),
        embedded("onnx::MatMul_7_zero_point", zero, "U8"),
    ]
    inputs = ["onnx::MatMul_7_quantized", "onnx::MatMul_7_scale", "onnx::MatMul_7_zero_point"]
    nodes = [node("DequantizeLinear", inputs, "w", axis=1), node("MatMul", ["x", "w"], "y", at)]
    if named:
        nodes = [node("MatMulInteger", ["x", inputs[0], "z", inputs[2]], "y", at + "_quant")]
    expected = ((codes.astype(np.float32) - zero) * scale).T
    found = values({"model.onnx": model(nodes, stored)})
    np.testing.assert_allclose(found["model.layers.0.mlp.up_proj.weight"], expected, rtol=1e-6)


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("bits", [4, 8])
def test_blocks_of_few_bits_are_decoded(bits: int, zeros: bool) -> None:
    rows, inner, block = 6, 80, 16
    codes = RANDOM.integers(0, 1 << bits, (rows, inner // block, block)).astype(np.uint8)
    scale = RANDOM.uniform(0.1, 1, (rows, inner // block)).astype(np.float32)
    points = RANDOM.integers(0, 1 << bits, scale.shape).astype(np.uint8)
    packed: NDArray[Any] = codes
    packed_points: NDArray[Any] = points
    if bits == 4:
        even = np.concatenate((points, np.zeros((rows, 1), np.uint8)), axis=1)
        packed, packed_points = codes[..., ::2] | codes[..., 1::2] << 4, even[:, ::2] | even[:, 1::2] << 4
    name = "model.layers.0.attn.q_proj.MatMul.weight"
    stored = [embedded(f"{name}_Q4", packed, "U8"), embedded(f"{name}_scales", scale.ravel())]
    stored += [embedded(f"{name}_zp", packed_points.ravel(), "U8")] if zeros else []
    inputs = ["x", f"{name}_Q4", f"{name}_scales", *([f"{name}_zp"] if zeros else [])]
    one = node("MatMulNBits", inputs, "y", "n", K=inner, N=rows, bits=bits, block_size=block)
    zero = points[:, :, None].astype(np.float32) if zeros else float(1 << (bits - 1))
    expected = ((codes - zero) * scale[:, :, None]).reshape(rows, inner)
    found = values({"model.onnx": model([one], stored)})
    np.testing.assert_allclose(found["model.layers.0.attn.q_proj.weight"], expected, rtol=1e-6)


def with_file(**notes: object) -> bytes:
    return model([], [external("a.weight", 1, (20, 32), **notes)])


PATHS = ["../x", "/etc/passwd", "a/../../x", "..", "", "C:x", "..\\x", "a\\b", "sub/x", "a\0b"]
CLAIM = varint(7 << 3 | 2) + varint(1 << 60)
HOSTILE = [
    (b"", "one graph"), (b"\x08\x0a", "one graph"), (CLAIM, "claims"), (b"\xff" * 40, "cut short"),
    (part(7, varint(5 << 3 | 2) + varint(1 << 60)), "claims"),
    (part(7, part(5, b"\x0b" * 30)), "kind 3"),
    (part(7, part(5, b"") * 2), "two initialisers"),
    (model([node("Mul", ["a" * 2000], "b")], []), "name of 2000"),
    (model([], [tensor("a", 1, (-1, 4), part(9, bytes(16)))]), "impossible shape"),
    (model([], [tensor("a", 1, (1 << 40, 1 << 40), part(9, bytes(16)))]), "impossible shape"),
    (model([], [tensor("a", 1, (1,) * 70, part(9, bytes(4)))]), "dimensions"),
    (model([], [tensor("a", 1, (4, 4), part(9, bytes(16)))]), "16 bytes do not hold"),
    (model([], [tensor("a", 1, (4, 4), b"")]), "no values"),
    (model([], [embedded("a", MATRIX)])[:-900], "claims"),
    (with_file(location="w", offset=-1), "no number"), (with_file(location="w", offset="1" * 5000), "over the limit"),
    (with_file(location="w", length=1 << 59), "its shape takes"),
    *((with_file(location=path), "no file of the model's own folder") for path in PATHS),
]  # fmt: skip


@pytest.mark.parametrize(("data", "reason"), HOSTILE)
def test_a_file_that_claims_the_impossible_is_refused_before_it_costs_anything(data: bytes, reason: str) -> None:
    reader = MemoryReader(data)
    tracemalloc.start()
    with cpu_at_most(10), pytest.raises(FormatError, match=reason):
        read_onnx(reader, "f.onnx")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20 and reader.bytes_read < 4 << 20


@pytest.mark.parametrize("offset", [100, 1 << 59])
def test_weights_behind_the_end_of_their_file_and_missing_files_are_said(offset: int) -> None:
    data = with_file(location="w", offset=offset)
    with pytest.raises(FormatError, match="which has 2560 of"):
        read_checkpoint(MemorySource({"model.onnx": data, "w": MATRIX.tobytes()}))
    with pytest.raises(FormatError, match="which is not there"):
        read_checkpoint(MemorySource({"model.onnx": data}))


def test_messages_in_messages_are_passed_over_however_deep_they_are() -> None:
    inner = b""
    for _ in range(2000):
        inner = part(5, part(6, inner))
    files = {"model.onnx": model([node("If", ["c"], "y") + inner], [embedded("a.weight", MATRIX)])}
    assert list(values(files)) == ["a.weight"]


def test_millions_of_tiny_fields_are_refused_in_bounded_time() -> None:
    reader = MemoryReader(number(1, 1) * 2_000_000)
    with cpu_at_most(10), pytest.raises(FormatError, match="fields"):
        read_onnx(reader, "f")
    assert reader.bytes_read < 4 << 20


class Sparse(MemoryReader):
    """A file whose other bytes are zeros, of which reads are counted."""

    def __init__(self, head: bytes, size: int) -> None:
        super().__init__(head)
        self._length, self._head, self.requests = size, head, 0

    @property
    def size(self) -> int:
        return self._length

    def read(self, offset: int, length: int) -> bytes:
        self.requests, self.bytes_read = self.requests + 1, self.bytes_read + length
        return self._head[offset : offset + length].ljust(length, b"\0")


def test_a_file_that_never_ends_is_read_to_the_limit_only() -> None:
    reader = Sparse(varint(7 << 3 | 2) + varint(1 << 50), 1 << 51)
    with pytest.raises(FormatError):
        read_onnx(reader, "f")
    assert reader.bytes_read <= HEADER_LIMIT


def test_embedded_weights_are_passed_over_in_one_small_read_each() -> None:
    big = np.zeros((256, 256), np.float32)
    reader = Sparse(data := model([], [embedded(f"model.layers.{i}.a.weight", big) for i in range(40)]), 0)
    reader._length = len(data)
    assert len(read_onnx(reader, "f").tensors) == 40
    assert reader.requests <= 45 and reader.bytes_read < 45 * 2100


SMALL = onnx_files({"model.layers.0.mlp.up_proj.weight": MATRIX, "model.norm.weight": MATRIX[0]})["model.onnx"]


@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing_but_format_errors(data: bytes) -> None:
    for blob in (data, part(7, data), part(7, part(5, data)), part(7, part(1, data))):
        with contextlib.suppress(FormatError):
            read_onnx(MemoryReader(blob), "f")


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_mutated_files_raise_nothing_but_format_errors(changes: list[tuple[int, int]]) -> None:
    data = bytearray(SMALL)
    for at, byte in changes:
        data[at if at < 200 else len(data) - 1 - at % 400] = byte
    with contextlib.suppress(FormatError):
        fingerprint_model(MemorySource({"model.onnx": bytes(data)}))


def test_a_file_of_the_onnx_package_reads_the_same() -> None:
    """Made by `onnx.helper` and `onnx.save`: [in, out] as raw_data, float_data, a dequantised matrix."""
    data = (Path(__file__).parent / "onnx_package.onnx").read_bytes()
    expected = json.loads((Path(__file__).parent / "onnx_package.json").read_text("utf-8"))
    found = values({"model.onnx": data})
    assert set(found) == set(expected)
    for name, rows in expected.items():
        np.testing.assert_array_equal(found[name], np.array(rows, np.float32))


@pytest.mark.parametrize("name", ["torch_export.onnx", "torch_script.onnx"])
def test_what_torch_exports_has_the_names_and_values_of_its_state_dict(name: str) -> None:
    """Made by `torch.onnx.export` of torch 2.13 with dynamo=True and False, from one model of two layers."""
    here = Path(__file__).parent
    expected = values({"pytorch_model.bin": (here / "torch_export.bin").read_bytes()})
    found = values({"model.onnx": (here / name).read_bytes()})
    assert set(found) == set(expected)
    for tensor_name, matrix in expected.items():
        np.testing.assert_array_equal(found[tensor_name], matrix)
