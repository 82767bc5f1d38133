"""The graph of an ONNX file: its initialisers as they are stored, and the nodes that say what they are.

Limitations: weights inside Constant nodes and inside the branches of If and Loop are not read.

Source: onnx/onnx.proto (field numbers below), onnx/docs/ExternalData.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..storage.reader import Reader
from ..text import printable
from .onnx_wire import Field, Wire

NAME_LIMIT = 1024
NODE_LIMIT = 50_000
INITIALIZER_LIMIT = 50_000
_NODE_BYTES = 64 << 10
KEPT = frozenset({
    "MatMul", "Gemm", "Gather", "Conv", "Transpose", "Identity", "Cast", "Mul", "Add", "DequantizeLinear",
    "MatMulNBits", "MatMulInteger", "DynamicQuantizeMatMul", "FusedMatMul", "QLinearMatMul", "QGemm",
    "GatherBlockQuantized",
    "LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization", "SkipLayerNormalization",
    "SkipSimplifiedLayerNormalization", "GroupNormalization",
})  # fmt: skip
"""Operators that say something of their weights."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node; `scope` is the path of the module that it was made from, where the exporter kept it."""

    op: str
    name: str
    inputs: tuple[str, ...]
    output: str
    scope: str
    numbers: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Initializer:
    """One TensorProto. `data` is the field of its values in the file; `external` says where else they are."""

    name: str
    dtype: int
    shape: tuple[int, ...]
    data: Field | None
    external: Mapping[str, str] | None

    @property
    def elements(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Graph:
    """Initialisers and the nodes of KEPT operators, in the order of the file."""

    nodes: tuple[Node, ...]
    initializers: tuple[Initializer, ...]


def read_graph(reader: Reader, file: str) -> Graph:
    """The main graph of a file, without its weights. Raises FormatError for what is no such file, or over limits."""
    wire = Wire(reader, file)
    graphs = [f for f in wire.fields(0, wire.size) if f.number == 7 and f.is_bytes]
    if len(graphs) != 1:
        raise wire.error("no ONNX file: it does not hold one graph")
    nodes: list[Node] = []
    found: dict[str, Initializer] = {}
    for field in wire.fields(graphs[0].begin, graphs[0].end):
        if field.number == 1 and field.is_bytes and field.length <= _NODE_BYTES:
            node = _node(wire, field)
            if node.op in KEPT:
                nodes.append(node)
        elif field.number == 5 and field.is_bytes:
            one = _initializer(wire, field)
            if one.name in found:
                raise wire.error(f"two initialisers are called {printable(one.name)!r}")
            found[one.name] = one
        if len(nodes) > NODE_LIMIT or len(found) > INITIALIZER_LIMIT:
            raise wire.error(f"over {NODE_LIMIT} nodes or {INITIALIZER_LIMIT} initialisers; no model has them")
    return Graph(tuple(nodes), tuple(found.values()))


def _node(wire: Wire, place: Field) -> Node:
    """NodeProto: input 1, output 2, name 3, op_type 4, attribute 5, metadata_props 9."""
    inputs: list[str] = []
    outputs: list[str] = []
    texts = {3: "", 4: ""}
    numbers: dict[str, tuple[int, ...]] = {}
    scope = ""
    for field in wire.fields(place.begin, place.end):
        if field.number in (1, 2) and field.is_bytes:
            (inputs if field.number == 1 else outputs).append(wire.text(field, NAME_LIMIT))
        elif field.number in texts and field.is_bytes:
            texts[field.number] = wire.text(field, NAME_LIMIT)
        elif field.number == 5 and field.is_bytes:
            numbers.update(_attribute(wire, field))
        elif field.number == 9 and field.is_bytes:
            key, value = _entry(wire, field)
            scope = value if key == "pkg.torch.onnx.name_scopes" else scope
    return Node(texts[4], texts[3], tuple(inputs[:16]), outputs[0] if outputs else "", scope, numbers)


def _attribute(wire: Wire, place: Field) -> dict[str, tuple[int, ...]]:
    """AttributeProto: name 1, i 3, ints 8; empty for every other kind."""
    name, values = "", []
    for field in wire.fields(place.begin, place.end):
        if field.number == 1 and field.is_bytes:
            name = wire.text(field, NAME_LIMIT)
        elif field.number in (3, 8) and not field.is_bytes:
            values.append(_signed(field.value))
        elif field.number == 8 and field.length <= NAME_LIMIT:
            values += _packed(wire, field)
    return {name: tuple(values)} if values else {}


def _initializer(wire: Wire, place: Field) -> Initializer:
    """TensorProto: dims 1, data_type 2, name 8, typed data 4 to 7, 10, 11, raw_data 9, external_data 13."""
    shape: list[int] = []
    name, dtype, is_external = "", 0, False
    data: list[Field] = []
    external: dict[str, str] = {}
    for field in wire.fields(place.begin, place.end):
        if field.number == 1:
            shape += _packed(wire, field) if field.is_bytes else [_signed(field.value)]
        elif field.number == 2:
            dtype = field.value
        elif field.number == 8:
            name = wire.text(field, NAME_LIMIT)
        elif field.number in (4, 5, 6, 7, 9, 10, 11) and field.is_bytes and len(data) < 2:
            data.append(field)
        elif field.number == 13 and field.is_bytes:
            external.update([_entry(wire, field)])
        elif field.number == 14:
            is_external = field.value == 1
        if len(shape) > 64 or len(external) > 16:
            raise wire.error(f"initialiser {printable(name)!r} has over 64 dimensions or 16 notes")
    if any(n < 0 for n in shape) or math.prod(shape) >= 1 << 63:
        raise wire.error(f"initialiser {printable(name)!r} has an impossible shape {shape}")
    return Initializer(
        name, dtype, tuple(shape), data[0] if len(data) == 1 else None, external if is_external else None
    )


def _entry(wire: Wire, place: Field) -> tuple[str, str]:
    """StringStringEntryProto: key 1, value 2."""
    texts = {1: "", 2: ""}
    for field in wire.fields(place.begin, place.end):
        if field.number in texts:
            texts[field.number] = wire.text(field, 4 * NAME_LIMIT)
    return texts[1], texts[2]


def _packed(wire: Wire, place: Field) -> list[int]:
    if place.length > NAME_LIMIT:
        raise wire.error(f"a list of {place.length} bytes at {place.begin} where a shape should be")
    values, at = [], place.begin
    while at < place.end:
        value, at = wire.varint(at, place.end)
        values.append(_signed(value))
    return values


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value
