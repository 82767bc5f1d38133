"""Weights wherever an ONNX graph keeps them, under the names of the model; what is no weight is counted."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import load_file

from forebear.ingest.errors import FormatError
from forebear.ingest.formats import read_checkpoint
from forebear.ingest.formats.contents import Contents
from forebear.ingest.formats.onnx_file import read_onnx
from forebear.ingest.formats.onnx_graph import DEPTH_LIMIT, Node
from forebear.ingest.formats.onnx_names import is_anonymous, scope_path

from ...cpu import cpu_at_most
from ...writers import MemoryReader, MemorySource
from .test_onnx import values
from .writers_onnx import KINDS, embedded, external, model, node, number, part, tensor

GOLDEN = Path(__file__).parent / "golden"
RANDOM = np.random.default_rng(5)
MATRIX = RANDOM.normal(size=(20, 32)).astype(np.float32)
AT = "/model/layers.0/mlp/up_proj/MatMul"
NAME = "model.layers.0.mlp.up_proj.weight"


def read(data: bytes) -> Contents:
    return read_onnx(MemoryReader(data), "model.onnx")


def graph(nodes: list[bytes], initializers: list[bytes] | None = None) -> bytes:
    return b"".join(part(1, n) for n in nodes) + b"".join(part(5, t) for t in initializers or [])


def constant(output: str, rows: NDArray[np.float32], dtype: str = "F32") -> bytes:
    """A Constant node; the name of its own tensor says nothing."""
    value = tensor("", KINDS[dtype], rows.shape, part(9, rows.astype("<f4").tobytes()))
    return node("Constant", [], output) + part(5, part(1, b"value") + part(5, value))


def branch(name: str, inner: bytes) -> bytes:
    return part(5, part(1, name.encode()) + part(6, inner))


def test_layers_that_torch_exports_have_the_names_and_values_of_the_state_dict() -> None:
    expected = load_file(GOLDEN / "onnx_layers.safetensors")
    files = {"model.onnx": (GOLDEN / "onnx_layers.onnx").read_bytes()}
    found = values(files)
    folded = {key for key in expected if key.startswith("body.")}  # the norm is folded into the convolution
    assert set(found) == set(expected) - folded | {"body.0.weight", "body.0.bias"}
    for key in set(found) - folded:
        np.testing.assert_array_equal(found[key], expected[key], err_msg=key)
    np.testing.assert_allclose(found["body.0.weight"], expected["body.0.weight"], rtol=1e-4)


def test_layers_in_eight_bits_are_within_half_a_step_of_the_layers() -> None:
    expected = load_file(GOLDEN / "onnx_layers.safetensors")
    files = {"model.onnx": (GOLDEN / "onnx_layers_int8.onnx").read_bytes()}
    found = values(files)
    coarse = {one.name for one in read_checkpoint(MemorySource(files))[1].tensors if one.dtype == "INT8"}
    assert {"lstm.weight_hh_l1_reverse", "body.0.weight", "embed.weight", "fc.1.weight"} <= coarse
    for key in set(found) & set(expected) - {"body.0.bias"}:
        step = np.abs(expected[key]).max() / 127 if key in coarse else 0
        assert np.abs(found[key] - expected[key]).max() <= 0.51 * step, key


@pytest.mark.parametrize("by_row", [False, True])
def test_recurrent_codes_have_the_scale_of_their_direction(by_row: bool) -> None:
    hidden, width = 3, 5
    codes = RANDOM.integers(-127, 127, (2, width, 4 * hidden)).astype(np.int8)
    scale = RANDOM.uniform(0.1, 1, (2, 4 * hidden) if by_row else (2,)).astype(np.float32)
    zero = RANDOM.integers(-9, 9, scale.shape).astype(np.int8)
    stored = [embedded("w_quantized", codes, "I8"), embedded("w_scale", scale), embedded("w_zero_point", zero, "I8")]
    inputs = ["x", "w_quantized", "", "", "", "", "", "", "w_scale", "w_zero_point"]
    found = values({"model.onnx": model([node("DynamicQuantizeLSTM", inputs, "y", "/lstm/LSTM")], stored)})
    shape = (2, 1, 4 * hidden) if by_row else (2, 1, 1)
    plain = ((codes.astype(np.float32) - zero.reshape(shape)) * scale.reshape(shape)).swapaxes(1, 2)
    gates = plain.reshape(2, 4, hidden, width)[:, [0, 2, 3, 1]].reshape(2, 4 * hidden, width)
    np.testing.assert_allclose(found["lstm.weight_ih_l0"], gates[0], rtol=1e-6)
    np.testing.assert_allclose(found["lstm.weight_ih_l0_reverse"], gates[1], rtol=1e-6)


def test_weights_in_constant_nodes_are_read_and_what_shapes_the_graph_is_counted() -> None:
    numbers = np.arange(3, dtype=np.float32)
    nodes = [constant("conv.w_0", MATRIX), constant("conv.b_0", numbers[:1]), constant("eps", numbers[:1])]
    nodes += [node("Conv", ["x", "conv.w_0", "conv.b_0"], "y"), node("Add", ["y", "eps"], "z")]
    nodes += [
        node("Constant", [], "shape") + part(5, part(1, b"value") + part(5, tensor("", 7, (3,), part(9, bytes(24)))))
    ]
    nodes += [node("Constant", [], "one") + part(5, part(1, b"value_int") + number(3, 7))]
    found = read(model(nodes, []))
    assert [(one.name, one.shape) for one in found.tensors] == [("conv.w_0", (20, 32)), ("conv.b_0", (1,))]
    rows = {row.name.removeprefix("constants of the graph: "): row.parameters for row in found.skipped}
    assert rows == {"single values": 1, "whole numbers": 3}


def test_weights_in_branches_are_read_and_equal_names_are_told_apart() -> None:
    both = [graph([constant("w", MATRIX * k), node("MatMul", ["x", "w"], "y", "MatMul_3")]) for k in (1, 2)]
    merged = node("If", ["c"], "y") + branch("then_branch", both[0]) + branch("else_branch", both[1])
    shared = embedded(NAME, MATRIX)
    found = values({"model.onnx": model([merged], [shared])})
    assert set(found) == {NAME, "w", "w~2"}
    np.testing.assert_array_equal(found["w~2"], 2 * MATRIX.T)


def test_branches_share_the_weights_of_the_graph_around_them() -> None:
    inner = graph([node("MatMul", ["x", "onnx::MatMul_9"], "y", AT)])
    loop = node("Loop", ["n"], "z") + branch("body", graph([node("If", ["c"], "y") + branch("then_branch", inner)]))
    found = values({"model.onnx": model([loop], [embedded("onnx::MatMul_9", MATRIX)])})
    np.testing.assert_array_equal(found[NAME], MATRIX.T)


def test_weights_in_the_functions_of_a_model_are_read() -> None:
    function = (
        part(1, b"Linear") + part(4, b"x") + part(7, constant("w", MATRIX)) + part(7, node("MatMul", ["x", "w"], "y"))
    )
    assert [one.name for one in read(model([], []) + part(25, function)).tensors] == ["w"]


@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("zero", [False, True])
def test_codes_that_a_cast_and_a_product_make_floats_of_have_that_scale(axis: int | None, zero: bool) -> None:
    codes = RANDOM.integers(-127, 127, (20, 32)).astype(np.int8)
    shape = (1,) if axis is None else ((20, 1), (32,))[axis]
    scale, shift = RANDOM.uniform(0.1, 1, shape).astype(np.float32), RANDOM.integers(-9, 9, shape).astype(np.float32)
    stored = [
        embedded("val_7_q", codes, "I8"),
        embedded("val_7_scale", scale),
        embedded("zero", shift),
        embedded("fc.bias", MATRIX[0]),
    ]
    nodes = [node("Cast", ["val_7_q"], "a", to=1), *([node("Sub", ["a", "zero"], "b")] if zero else [])]
    nodes += [node("Mul", ["b" if zero else "a", "val_7_scale"], "w"), node("MatMul", ["x", "w"], "y")]
    nodes += [node("Add", ["y", "fc.bias"], "z")]
    found = values({"model.onnx": model(nodes, stored)})
    np.testing.assert_allclose(found["fc.weight"], ((codes - (shift if zero else 0)) * scale).T, rtol=1e-6)


def test_products_of_whole_numbers_have_the_scale_that_is_multiplied_in_afterwards() -> None:
    codes = RANDOM.integers(0, 255, (20, 32)).astype(np.uint8)
    scale, zero = RANDOM.uniform(0.1, 1, 32).astype(np.float32), RANDOM.integers(0, 255, 32).astype(np.uint8)
    stored = [
        embedded("41", codes, "U8"),
        embedded("42", scale),
        embedded("43", zero, "U8"),
        embedded("fc.bias", MATRIX[0]),
    ]
    nodes = [node("Mul", ["x_scale", "42"], "both"), node("MatMulInteger", ["x", "41", "xz", "43"], "i")]
    nodes += [node("Cast", ["i"], "f"), node("Mul", ["f", "both"], "y"), node("Add", ["fc.bias", "y"], "z")]
    found = values({"model.onnx": model(nodes, stored)})
    np.testing.assert_allclose(found["fc.weight"], ((codes.astype(np.float32) - zero) * scale).T, rtol=1e-6)
    assert set(found) == {"fc.weight", "fc.bias"}


def test_kernels_in_eight_bits_have_a_scale_an_output() -> None:
    codes = RANDOM.integers(0, 255, (6, 4, 3)).astype(np.uint8)
    scale, zero = RANDOM.uniform(0.1, 1, 6).astype(np.float32), np.full(6, 128, np.uint8)
    stored = [embedded("k", codes, "U8"), embedded("ks", scale), embedded("kz", zero, "U8")]
    stored += [embedded("as", scale[:1]), embedded("az", zero[:1], "U8"), embedded("kb", np.arange(6), "I64")]
    one = node("QLinearConv", ["x", "as", "az", "k", "ks", "kz", "as", "az", "kb"], "y", "/enc/conv/Conv_quant")
    contents = read(model([one], stored))
    assert {row.name: row.parameters for row in contents.skipped} == {
        "constants of the graph: scales of activations": 2
    }
    found = values({"model.onnx": model([one], stored)})
    np.testing.assert_allclose(found["k.weight"], (codes - 128.0) * scale[:, None, None], rtol=1e-6)


@pytest.mark.parametrize("length", [None, 0, MATRIX.nbytes])
def test_the_length_of_external_data_may_be_left_out_or_zero(length: int | None) -> None:
    notes = {"location": "w", "offset": 0} | ({} if length is None else {"length": length})
    files = {"model.onnx": model([], [external("a.weight", 1, MATRIX.shape, **notes)]), "w": MATRIX.tobytes()}
    np.testing.assert_array_equal(values(files)["a.weight"], MATRIX)


def test_whole_numbers_with_a_name_are_buffers_and_sparse_tensors_are_skipped() -> None:
    sparse = part(15, part(1, tensor("s.weight", 1, (2,), part(9, bytes(8)))) + number(3, 9) + number(3, 4))
    data = model(
        [], [embedded("embeddings.position_ids", np.arange(12), "I64"), embedded("onnx::Gather_4", np.arange(5), "I64")]
    )
    assert [(row.name, row.parameters, row.reason) for row in read(part(7, sparse)).skipped] == [
        ("s.weight", 36, "a sparse tensor is not read")
    ]
    buffers = read(data)
    assert [(one.name, one.dtype) for one in buffers.tensors] == [("embeddings.position_ids", "I64")]
    assert [row.parameters for row in buffers.skipped] == [5]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("/model/layers.0/mlp/up_proj/MatMul", "model.layers.0.mlp.up_proj"),
        ("/model/model.0/auto_model/encoder/layer.0/query/MatMul", "model.0.auto_model.encoder.layer.0.query"),
        ("/layer1/layer1.0/downsample/downsample.0/Conv", "layer1.0.downsample.0"),
        ("/features/features.1/conv/conv.0/conv.0.0/Conv", "features.1.conv.0.0"),
        ("g_/lstm/LSTM_1", "g_lstm"),
        ("If_0_then_branch__Inline_0__/decoder/rnn/LSTM", "If_0_then_branch__Inline_0__decoder.rnn"),
        ("F0::/stft/Conv", "F0::stft"), ("/MatMul", ""), ("node_MatMul_3", ""), ("Conv_12", ""), ("", ""), ("n", ""),
        ("model.layers.0.attn.q_proj.MatMul", "model.layers.0.attn.q_proj"),
    ],
)  # fmt: skip
def test_the_scope_of_a_node_is_the_path_of_its_module(name: str, path: str) -> None:
    assert scope_path(Node("Conv", name, (), "", "", {})) == path


@pytest.mark.parametrize(
    ("name", "made_up"),
    [
        ("onnx::MatMul_470", True), ("g_onnx::LSTM_352", True), ("val_49", True), ("val_49_q", True), ("1110", True),
        ("/lstm/Constant_7_output_0", True), ("onnx::LSTM_353_quantized", True), ("t_3", True), ("", True),
        ("conv2d_112.w_0", False), ("fc.weight", False), ("model.embed_tokens.weight_quantized", False),
        ("If_0_else_branch__Inline_0__decoder.rnn.bias_ih", False), ("value.weight", False),
    ],
)  # fmt: skip
def test_a_name_that_an_exporter_made_up_is_told_from_one_of_the_model(name: str, made_up: bool) -> None:
    assert is_anonymous(name) == made_up


@pytest.mark.parametrize(
    "piece", ["_", "a_", "const", "1", "/", "a/", "_1", "dim", "val_", "x::", "_const_dim", "_output_1"]
)
def test_long_names_cost_little(piece: str) -> None:
    with cpu_at_most(2):
        for end in ("", "!", "_q", "~1"):
            name = (piece * 1024)[: 1024 - len(end)] + end
            is_anonymous(name)
            scope_path(Node("Conv", name, (), "", "", {}))


def test_values_of_one_name_keep_it_apart_from_names_with_a_number() -> None:
    inner = [graph([constant("w", MATRIX), node("MatMul", ["x", "w"], "y")]) for _ in range(2)]
    both = node("If", ["c"], "y") + branch("then_branch", inner[0]) + branch("else_branch", inner[1])
    stored = [embedded(name, MATRIX) for name in ("w~2", "w", "w~2~2")]
    unnamed = node("Constant", [], "") + part(5, part(1, b"value") + part(5, tensor("", 1, (3,), part(9, bytes(12)))))
    found = read(model([both, unnamed, unnamed], stored))
    assert len(found.tensors) == 5 and sum(row.parameters for row in found.skipped) == 6


def test_where_no_node_has_a_module_operators_are_numbered_in_the_order_of_the_graph() -> None:
    nodes = [
        node("Conv", ["x", "7", "8"], "a", "Conv_0"),
        node("MatMul", ["a", "9"], "b"),
        node("Conv", ["b", "10"], "c", "Conv_5"),
    ]
    stored = [embedded(key, MATRIX) for key in ("10", "9", "7")] + [embedded("8", MATRIX[0])]
    assert {one.name for one in read(model(nodes, stored)).tensors} == {
        "conv.0.weight", "conv.0.bias", "matmul.0.weight", "conv.1.weight",
    }  # fmt: skip


def test_graphs_inside_each_other_are_refused_beyond_a_depth() -> None:
    inner = graph([constant("deep", MATRIX)])
    for _ in range(DEPTH_LIMIT):
        inner = graph([node("If", ["c"], "y") + branch("then_branch", inner)])
    assert [one.name for one in read(part(7, inner)).tensors] == ["deep"]
    with pytest.raises(FormatError, match="graphs inside each other"):
        read(part(7, graph([node("If", ["c"], "y") + branch("then_branch", inner)])))


@pytest.mark.parametrize("wide", ["branches", "names", "constants"])
def test_wide_graphs_cost_little(wide: str) -> None:
    tiny = branch("then_branch", graph([constant("w", MATRIX[:1, :2])]))
    nodes = {
        "branches": [node("If", ["c"], "y") + tiny * 2000],
        "names": [node("Add", [f"v{i}" for i in range(16)], f"v{i}") for i in range(20_000)],
        "constants": [constant(f"c{i}", MATRIX[:1, :2]) for i in range(20_000)],
    }[wide]
    with cpu_at_most(10), contextlib.suppress(FormatError):
        read(model(nodes, [embedded(f"v{i}", MATRIX[:1]) for i in range(2)]))


OPERATORS = [
    "MatMul", "Gemm", "Conv", "Cast", "Mul", "Sub", "Add", "Gather", "LSTM", "GRU", "DynamicQuantizeLSTM", "Nothing",
    "DequantizeLinear", "MatMulInteger", "QLinearMatMul", "QLinearConv", "Transpose", "Reshape", "BatchNormalization",
]  # fmt: skip
KEYS = [f"t{i}" for i in range(6)]
NODES = st.builds(
    lambda op, inputs, output, flag: node(op, inputs, output, f"/m/{op}" if flag else "", axis=flag, transB=flag),
    st.sampled_from(OPERATORS),
    st.lists(st.sampled_from([*KEYS, "a", "b", ""]), max_size=10),
    st.sampled_from(["a", "b", "c"]),
    st.integers(0, 1),
)
SHAPES = st.sampled_from([(2, 8, 4), (1, 12, 2), (2, 16), (8, 4), (4, 8), (8,), (4,), (), (2,), (3, 2, 2, 2)])
TYPES = st.sampled_from(["F32", "I8", "U8", "I64"])


@settings(max_examples=300)
@given(
    st.lists(NODES, max_size=8),
    st.lists(SHAPES, min_size=6, max_size=6),
    st.lists(TYPES, min_size=6, max_size=6),
)
def test_whatever_nodes_do_with_them_no_value_of_an_initialiser_is_lost(
    nodes: list[bytes], shapes: list[tuple[int, ...]], kinds: list[str]
) -> None:
    stored = [embedded(key, np.zeros(shape), kind) for key, shape, kind in zip(KEYS, shapes, kinds, strict=True)]
    files = {"model.onnx": model(nodes, stored)}
    found = read(files["model.onnx"])
    total = sum(math.prod(shape) for shape in shapes)
    counted = sum(one.parameters for one in found.tensors) + sum(row.parameters for row in found.skipped)
    assert counted <= total and len({one.name for one in found.tensors}) == len(found.tensors)
    scales = sum(math.prod(s) for s, k in zip(shapes, kinds, strict=True)) - counted
    assert scales == 0 or any(one.dtype in ("INT8", "I8", "U8") for one in found.tensors) or found.skipped
    for one in found.tensors:
        if one.parameters:
            rows = range(one.matrix[0])
            chunks = [files[r.file][r.offset : r.end] for r in one.storage.ranges(rows)]
            assert one.storage.decode(rows, chunks).size == one.parameters


@pytest.mark.parametrize("carried", [[], ["DynamicQuantizeLinear"], ["Cast", "Reshape"]])
def test_q_k_and_v_that_onnxruntime_puts_side_by_side_stand_beside_their_output(carried: list[str]) -> None:
    """`Attention_0_qkv_weight` [in, 3 x out] of an optimised BERT has the name of its layer, and is turned."""
    fused, output = (RANDOM.normal(size=shape).astype(np.float32) for shape in ((32, 96), (32, 32)))
    nodes = [node("Attention", ["x", "Attention_0_qkv_weight", "Attention_0_qkv_bias", "mask"], "y", "Attention_0")]
    nodes += [node(op, ["y" if at == 0 else f"y{at}"], f"y{at + 1}") for at, op in enumerate(carried)]
    last = f"y{len(carried)}" if carried else "y"
    nodes.append(node("MatMul", [last, "onnx::MatMul_9"], "z", "/encoder/layer.3/attention/output/dense/MatMul"))
    given = {"Attention_0_qkv_weight": fused, "Attention_0_qkv_bias": fused[0], "onnx::MatMul_9": output}
    found = values({"model.onnx": model(nodes, [embedded(name, rows) for name, rows in given.items()])})
    assert set(found) == {
        "encoder.layer.3.attention.qkv.weight", "encoder.layer.3.attention.qkv.bias",
        "encoder.layer.3.attention.output.dense.weight",
    }  # fmt: skip
    np.testing.assert_array_equal(found["encoder.layer.3.attention.qkv.weight"], fused.T)
    np.testing.assert_array_equal(found["encoder.layer.3.attention.qkv.bias"], fused[0])


def test_an_attention_whose_output_says_nothing_keeps_its_name() -> None:
    nodes = [node("Attention", ["x", "Attention_0_qkv_weight"], "y", "Attention_0"), node("Relu", ["y"], "z")]
    found = values({"model.onnx": model(nodes, [embedded("Attention_0_qkv_weight", MATRIX)])})
    assert set(found) == {"Attention_0_qkv_weight"}
