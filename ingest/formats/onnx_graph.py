"""The graph of an ONNX file: its initialisers as they are stored, and the nodes that say what they are.

Tensors in Constant nodes are initialisers too, and so are those of the graphs inside If, Loop and Scan and of the
model's own functions. Names are those of the file; where two inner graphs use one name for different values, the later
one is told apart by a number.

Source: onnx/onnx.proto (field numbers below), onnx/docs/ExternalData.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ..budget import GRAPH_NODES, INITIALIZERS, charge, require
from ..storage.reader import Reader
from ..text import printable
from .onnx_wire import Field, Wire

NAME_LIMIT = 1024
DEPTH_LIMIT = 16
"""Graphs inside each other; the deepest published ones are three."""
SPARSE = -1
"""The type that a sparse initialiser has here."""
_INPUTS = 16  # of a node that can be weights


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
    """One TensorProto. `data` is the field of its values in the file; `external` says where else they are.

    `is_tagged`: the field's key stands before each of its values, `data` holds all of them. `constant`: it stands in a
    node, not among the graph's own; those may have no name but their node's output.
    """

    name: str
    dtype: int
    shape: tuple[int, ...]
    data: Field | None
    external: Mapping[str, str] | None
    constant: bool = False
    is_tagged: bool = False

    @property
    def elements(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Graph:
    """Initialisers and nodes: those of the main graph in the order of the file, then those of the graphs inside it.

    `numbers` counts the values of constants that are no tensors.
    """

    nodes: tuple[Node, ...]
    initializers: tuple[Initializer, ...]
    numbers: int = 0


def read_graph(reader: Reader, file: str) -> Graph:
    """The graph of a file, without its weights. Raises FormatError for what is no such file, or over limits."""
    wire = Wire(reader, file)
    fields = [f for f in wire.fields(0, wire.size) if f.number in (7, 25) and f.is_bytes]
    graphs = [f for f in fields if f.number == 7]
    if len(graphs) != 1:
        raise wire.error("no ONNX file: it does not hold one graph")
    scopes = _Scopes(wire)
    for place in [*graphs, *(f for f in fields if f.number == 25)]:
        scopes.add(_RawGraph.read(wire, place, 0, function=place.number == 25), ())
    return Graph(tuple(scopes.nodes), tuple(scopes.initializers), scopes.numbers)


@dataclass(slots=True)
class _RawNode:
    """A node as it stands in the file, with the graphs and tensors in its attributes; `numbers` counts other values."""

    node: Node
    outputs: list[str]
    graphs: list[_RawGraph] = field(default_factory=list)
    tensors: list[Initializer] = field(default_factory=list)
    numbers: int = 0


@dataclass(slots=True)
class _RawGraph:
    """A graph as it stands in the file; `names` are those that it gives to values."""

    nodes: list[_RawNode] = field(default_factory=list)
    stored: list[Initializer] = field(default_factory=list)
    names: dict[str, None] = field(default_factory=dict)

    @staticmethod
    def read(wire: Wire, place: Field, depth: int, *, function: bool = False) -> _RawGraph:
        """GraphProto: node 1, initializer 5, input 11, sparse_initializer 15. FunctionProto: input 4, node 7."""
        if depth > DEPTH_LIMIT:
            raise wire.error(f"graphs inside each other, over {DEPTH_LIMIT} deep; no model has them")
        found = _RawGraph()
        for part in wire.fields(place.begin, place.end):
            if part.is_bytes and part.number == (7 if function else 1):
                charge(GRAPH_NODES, 1, wire.file)
                found.nodes.append(_node(wire, part, depth))
                found.names.update(dict.fromkeys(found.nodes[-1].outputs))
            elif part.is_bytes and function and part.number == 4:
                found.names[wire.text(part, NAME_LIMIT)] = None
            elif part.is_bytes and not function and part.number in (5, 15):
                charge(INITIALIZERS, 1, wire.file)
                found.stored.append((_initializer if part.number == 5 else _sparse)(wire, part))
            elif part.is_bytes and not function and part.number == 11:
                found.names.update(dict.fromkeys(_names(wire, part)))
        seen: set[str] = set()
        for one in found.stored:
            if one.name in seen:
                raise wire.error(f"two initialisers are called {printable(one.name)!r}")
            seen.add(one.name)
        found.names.update(dict.fromkeys(seen))
        return found


@dataclass(slots=True)
class _Scopes:
    """Graphs inside each other as one, their names made unique."""

    wire: Wire
    nodes: list[Node] = field(default_factory=list)
    initializers: list[Initializer] = field(default_factory=list)
    numbers: int = 0
    taken: dict[str, int] = field(default_factory=dict)

    def add(self, graph: _RawGraph, outer: tuple[Mapping[str, str], ...]) -> None:
        """A graph, then the graphs in its nodes, which see the names of those around them."""
        scopes = (*outer, {name: self._unique(name) for name in graph.names if name})
        for one in graph.stored:
            self._keep(one, scopes[-1].get(one.name, ""), constant=False)
        for raw in graph.nodes:
            self._add_node(raw, scopes)
        require(GRAPH_NODES, len(self.nodes), self.wire.file)
        require(INITIALIZERS, len(self.initializers), self.wire.file)
        for raw in graph.nodes:
            for inner in raw.graphs:
                self.add(inner, scopes)

    def _unique(self, name: str) -> str:
        """The name, or the first with a number that nothing has yet."""
        count = self.taken.get(name, 0) + 1
        made = name if count == 1 else f"{name}~{count}"
        while count > 1 and made in self.taken:
            count += 1
            made = f"{name}~{count}"
        self.taken[name] = count
        self.taken.setdefault(made, 1)
        return made

    def _keep(self, one: Initializer, name: str, *, constant: bool) -> None:
        """An initialiser under a name that is its own; no exporter begins one with `/unnamed`."""
        self.initializers.append(replace(one, name=name or f"/unnamed_{len(self.initializers)}", constant=constant))

    def _add_node(self, raw: _RawNode, scopes: tuple[Mapping[str, str], ...]) -> None:
        output = scopes[-1].get(raw.node.output, "")
        self.numbers += raw.numbers
        if raw.node.op == "Constant":
            for place, one in enumerate(raw.tensors):
                self._keep(one, output if not place else "", constant=True)
            return
        inputs = tuple(next((s[name] for s in reversed(scopes) if name in s), "") for name in raw.node.inputs)
        self.nodes.append(replace(raw.node, inputs=inputs, output=output))
        kept = [one for one in raw.tensors if one.elements > 1]
        self.numbers += len(raw.tensors) - len(kept)
        for one in kept:
            self._keep(one, "", constant=True)


def _names(wire: Wire, place: Field) -> Iterator[str]:
    """ValueInfoProto: name 1."""
    for part in wire.fields(place.begin, place.end):
        if part.number == 1 and part.is_bytes:
            yield wire.text(part, NAME_LIMIT)


def _node(wire: Wire, place: Field, depth: int) -> _RawNode:
    """NodeProto: input 1, output 2, name 3, op_type 4, attribute 5, metadata_props 9."""
    inputs: list[str] = []
    outputs: list[str] = []
    texts = {3: "", 4: ""}
    numbers: dict[str, tuple[int, ...]] = {}
    found = _RawNode(Node("", "", (), "", "", {}), outputs)
    scope = ""
    for part in wire.fields(place.begin, place.end):
        if part.number in (1, 2) and part.is_bytes:
            (inputs if part.number == 1 else outputs).append(wire.text(part, NAME_LIMIT))
        elif part.number in texts and part.is_bytes:
            texts[part.number] = wire.text(part, NAME_LIMIT)
        elif part.number == 5 and part.is_bytes:
            numbers.update(_attribute(wire, part, found, depth))
        elif part.number == 9 and part.is_bytes:
            key, value = _entry(wire, part, cut=True)
            scope = value if key == "pkg.torch.onnx.name_scopes" else scope
    output = outputs[0] if outputs else ""
    found.node = Node(texts[4], texts[3], tuple(inputs[:_INPUTS]), output, scope, numbers)
    return found


def _attribute(wire: Wire, place: Field, into: _RawNode, depth: int) -> dict[str, tuple[int, ...]]:
    """AttributeProto: name 1, f 2, i 3, t 5, g 6, floats 7, ints 8, tensors 10, graphs 11, sparse_tensor 22.

    Whole numbers are returned by name, tensors and graphs are kept in the node.
    """
    name, values = "", []
    for part in wire.fields(place.begin, place.end):
        if part.number == 1 and part.is_bytes:
            name = wire.text(part, NAME_LIMIT)
        elif part.number in (3, 8) and not part.is_bytes:
            values.append(_signed(part.value))
        elif part.number == 8 and part.length <= NAME_LIMIT:
            values += _packed(wire, part)
        elif part.number in (5, 10, 22) and part.is_bytes:
            into.tensors.append((_sparse if part.number == 22 else _initializer)(wire, part))
        elif part.number in (6, 11) and part.is_bytes:
            into.graphs.append(_RawGraph.read(wire, part, depth + 1))
        elif part.number in (2, 7) and name.startswith("value"):
            into.numbers += max(1, part.length // 4)
    return {name: tuple(values)} if values else {}


def _sparse(wire: Wire, place: Field) -> Initializer:
    """SparseTensorProto: values 1, a TensorProto with the name; dims 3."""
    name = ""
    shape: list[int] = []
    for part in wire.fields(place.begin, place.end):
        if part.number == 1 and part.is_bytes:
            name = _initializer(wire, part).name
        elif part.number == 3:
            shape += _packed(wire, part) if part.is_bytes else [_signed(part.value)]
    _check_shape(wire, name, shape)
    return Initializer(name, SPARSE, tuple(shape), None, None)


def _count(wire: Wire, name: str, shape: list[int]) -> int:
    """Number of values of a shape that has been read so far, at least one."""
    _check_shape(wire, name, shape)
    return max(1, math.prod(shape))


def _check_shape(wire: Wire, name: str, shape: list[int]) -> None:
    if len(shape) > 64 or any(n < 0 for n in shape) or math.prod(shape) >= 1 << 40:
        raise wire.error(f"initialiser {printable(name)!r} has an impossible shape {shape[:64]}")


def _initializer(wire: Wire, place: Field) -> Initializer:
    """TensorProto: dims 1, data_type 2, name 8, typed data 4 to 7, 10, 11, raw_data 9, external_data 13."""
    shape: list[int] = []
    name, dtype, is_external, is_tagged = "", 0, False, False
    data: list[Field] = []
    external: dict[str, str] = {}
    fields = wire.fields(place.begin, place.end)
    while part := next(fields, None):
        if part.number == 1:
            shape += _packed(wire, part) if part.is_bytes else [_signed(part.value)]
        elif part.number == 2:
            dtype = part.value
        elif part.number == 8:
            name = wire.text(part, NAME_LIMIT)
        elif part.number in (4, 5, 6, 7, 9, 10, 11) and part.wire == 2:
            data.append(part)
        elif part.number in (4, 5, 7, 10, 11):
            values = wire.run(part, place.end, _count(wire, name, shape))
            fields = wire.fields(values.end, place.end)
            is_tagged = True
            data.append(values)
        elif part.number == 13 and part.is_bytes:
            external.update([_entry(wire, part)])
        elif part.number == 14:
            is_external = part.value == 1
        if len(shape) > 64 or len(external) > 16:
            raise wire.error(f"initialiser {printable(name)!r} has over 64 dimensions or 16 notes")
        del data[2:]
    _check_shape(wire, name, shape)
    return Initializer(
        name,
        dtype,
        tuple(shape),
        data[0] if len(data) == 1 else None,
        external if is_external else None,
        is_tagged=is_tagged,
    )


def _entry(wire: Wire, place: Field, *, cut: bool = False) -> tuple[str, str]:
    """StringStringEntryProto: key 1, value 2. A long text is an error, or is `cut`: notes hold traces of calls."""
    texts = {1: "", 2: ""}
    for part in wire.fields(place.begin, place.end):
        if part.number in texts and not (cut and part.length > 4 * NAME_LIMIT):
            texts[part.number] = wire.text(part, 4 * NAME_LIMIT)
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
