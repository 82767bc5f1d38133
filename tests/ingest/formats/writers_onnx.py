"""ONNX files written by hand, field by field: right ones and hostile ones."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...writers import NUMPY, varint

Values = NDArray[Any]
KINDS = {"F32": 1, "U8": 2, "I8": 3, "I64": 7, "F16": 10, "F64": 11, "BF16": 16}


def part(number: int, data: bytes) -> bytes:
    """A field of bytes."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def number(field_number: int, value: int) -> bytes:
    """A field of one number; negative ones in ten bytes."""
    return varint(field_number << 3) + varint(value & (1 << 64) - 1)


def note(key: str, value: str) -> bytes:
    """A StringStringEntryProto."""
    return part(1, key.encode()) + part(2, value.encode())


def node(op: str, inputs: list[str], output: str, name: str = "", *, scope: str = "", **numbers: int) -> bytes:
    """A NodeProto with attributes of one integer each."""
    made = b"".join(part(1, i.encode()) for i in inputs) + part(2, output.encode()) + part(3, name.encode())
    made += part(4, op.encode())
    made += b"".join(part(5, part(1, k.encode()) + number(3, v) + number(20, 2)) for k, v in numbers.items())
    return made + (part(9, note("pkg.torch.onnx.name_scopes", scope)) if scope else b"")


def tensor(name: str, kind: int, shape: tuple[int, ...], tail: bytes) -> bytes:
    """A TensorProto: `tail` holds its values, or says where they are."""
    return b"".join(number(1, n) for n in shape) + number(2, kind) + part(8, name.encode()) + tail


def embedded(name: str, values: Values, dtype: str = "F32") -> bytes:
    """A TensorProto with raw_data."""
    return tensor(name, KINDS[dtype], values.shape, part(9, values.astype(NUMPY[dtype]).tobytes()))


def external(name: str, kind: int, shape: tuple[int, ...], **notes: object) -> bytes:
    """A TensorProto whose values are elsewhere."""
    return tensor(name, kind, shape, b"".join(part(13, note(k, str(v))) for k, v in notes.items()) + number(14, 1))


def model(nodes: list[bytes], initializers: list[bytes]) -> bytes:
    """A ModelProto."""
    graph = b"".join(part(1, n) for n in nodes) + part(2, b"main") + b"".join(part(5, t) for t in initializers)
    return number(1, 10) + part(2, b"tests") + part(7, graph) + part(8, number(2, 21))


@dataclass
class Export:
    """A model as exporters write it: matrices of linear layers as [in, out], with names of their own."""

    style: str = "torch"
    dtype: str = "F32"
    beside: str | None = None
    nodes: list[bytes] = field(default_factory=list)
    tensors: list[bytes] = field(default_factory=list)
    data: bytes = b""

    def add(self, name: str, values: Values) -> None:
        """One initialiser."""
        if self.beside is None:
            self.tensors.append(embedded(name, values, self.dtype))
            return
        stored = values.astype(NUMPY[self.dtype]).tobytes()
        where = {"location": self.beside, "offset": len(self.data), "length": len(stored)}
        self.tensors.append(external(name, KINDS[self.dtype], values.shape, **where))
        self.data += stored

    def linear(self, name: str, values: Values, order: int) -> None:
        """A matrix and the node that uses it."""
        module, slashed = name.removesuffix(".weight"), "/" + name.removesuffix(".weight").replace(".", "/")
        slashed = slashed.replace("/layers/", "/layers.")
        made, at, scope = {
            "torch": (f"onnx::MatMul_{order}", f"{slashed}/MatMul", ""),
            "dynamo": (f"val_{order}", f"node_MatMul_{order}", f"['', 'model', '{module}', 'linear']"),
            "genai": (f"{module}.MatMul.weight", f"{slashed}/MatMul", ""),
            "gemm": (name, f"{slashed}/Gemm", ""),
            "transpose": (name, f"{slashed}/MatMul", ""),
        }[self.style]
        if self.style == "gemm":
            self.add(made, values)
            self.nodes.append(node("Gemm", ["x", made], f"y{order}", at, transB=1))
        elif self.style == "transpose":
            self.add(made, values)
            self.nodes.append(node("Transpose", [made], f"t{order}"))
            self.nodes.append(node("MatMul", ["x", f"t{order}"], f"y{order}", at))
        else:
            self.add(made, np.ascontiguousarray(values.T))
            self.nodes.append(node("MatMul", ["x", made], f"y{order}", at, scope=scope))

    def files(self) -> dict[str, bytes]:
        """The files by name."""
        made = {"model.onnx": model(self.nodes, self.tensors)}
        return made | ({self.beside: self.data} if self.beside else {})


@dataclass
class Quantised(Export):
    """An export after onnxruntime's static quantiser: codes of 8 bits, their scales, DequantizeLinear before each use.

    As it writes them: signed codes around 0, zero points in a field of numbers of varying length, one scale a tensor,
    or one an output of a product; embeddings have one scale.
    """

    by_output: bool = False

    def quantised(self, name: str, values: Values, axis: int | None) -> str:
        """Codes, scale and zero point of one initialiser; the name of what comes out of its DequantizeLinear."""
        others = None if axis is None else tuple(d for d in range(values.ndim) if d != axis)
        largest = np.abs(values).max(axis=others, keepdims=axis is not None)
        scale = np.maximum(largest / 127, 1e-12).astype(np.float32)
        codes = np.round(values / scale).clip(-127, 127)
        flat = scale.reshape(() if axis is None else -1)
        zeros = part(5, varint(0) * flat.size)
        self.tensors += [
            tensor(f"{name}_zero_point", KINDS["I8"], flat.shape, zeros),
            tensor(f"{name}_scale", KINDS["F32"], flat.shape, part(4, flat.tobytes())),
            embedded(f"{name}_quantized", codes, "I8"),
        ]
        inputs = [f"{name}_{part_of}" for part_of in ("quantized", "scale", "zero_point")]
        made, about = f"{name}_DequantizeLinear_Output", f"{name}_DequantizeLinear"
        plain = node("DequantizeLinear", inputs, made, about)
        self.nodes.append(plain if axis is None else node("DequantizeLinear", inputs, made, about, axis=axis))
        return made

    def linear(self, name: str, values: Values, order: int) -> None:
        """A product with a matrix [in, out]."""
        module = "/" + name.removesuffix(".weight").replace(".", "/").replace("/layers/", "/layers.")
        made = self.quantised(f"onnx::MatMul_{order}", np.ascontiguousarray(values.T), 1 if self.by_output else None)
        self.nodes.append(node("MatMul", ["x", made], f"y{order}", f"{module}/MatMul"))

    def embedding(self, name: str, values: Values, order: int) -> None:
        """The table of an embedding."""
        self.nodes.append(node("Gather", [self.quantised(name, values, None), "ids"], f"y{order}"))


def onnx_quantised(tensors: Mapping[str, Values], *, by_output: bool) -> dict[str, bytes]:
    """model.onnx with every matrix in 8 bits."""
    export = Quantised(by_output=by_output)
    for order, (name, values) in enumerate(tensors.items()):
        if values.ndim == 2 and "embed" not in name:
            export.linear(name, values, order)
        elif values.ndim == 2:
            export.embedding(name, values, order)
        else:
            export.add(name, values)
            export.nodes.append(node("Mul", [name, "x"], f"y{order}"))
    return export.files()


def onnx_files(
    tensors: Mapping[str, Values], style: str = "torch", dtype: str = "F32", beside: str | None = None
) -> dict[str, bytes]:
    """model.onnx, and the file of its weights where it keeps them outside."""
    export = Export(style, dtype, beside)
    for order, (name, values) in enumerate(tensors.items()):
        if values.ndim == 2 and "embed" not in name:
            export.linear(name, values, order)
        else:
            export.add(name, values)
            export.nodes.append(node("Gather" if values.ndim == 2 else "Mul", [name, "x"], f"y{order}"))
    return export.files()


def packed_floats(name: str, values: Values) -> bytes:
    """A TensorProto with float_data."""
    data = struct.pack(f"<{values.size}f", *values.ravel())
    return tensor(name, 1, values.shape, part(4, data))
