"""ONNX graphs and numpy archives whose weights are holes: codes with scales, blocks of 4 bits, weights in nodes."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

Shapes = Mapping[str, tuple[int, ...]]
F32, U8, I8, F16 = 1, 2, 3, 10
_WIDTHS = {F32: 4, U8: 1, I8: 1, F16: 2}
_DATA = "model.onnx_data"


def _size(shape: tuple[int, ...]) -> int:
    total = 1
    for n in shape:
        total *= n
    return total


def varint(value: int) -> bytes:
    """A number as protocol buffers write it."""
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def part(number: int, data: bytes) -> bytes:
    """A field of bytes."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def _node(op: str, inputs: list[str], output: str, name: str, **numbers: int) -> bytes:
    made = b"".join(part(1, i.encode()) for i in inputs) + part(2, output.encode()) + part(3, name.encode())
    made += part(4, op.encode())
    attributes = (part(1, k.encode()) + b"\x18" + varint(v) + b"\xa0\x01\x02" for k, v in numbers.items())
    return part(1, made + b"".join(part(5, one) for one in attributes))


class _Graph:
    """Nodes and initialisers, whose values lie in a file beside the graph."""

    def __init__(self) -> None:
        self.nodes, self.tensors, self.length = b"", b"", 0

    def tensor(self, name: str, kind: int, shape: tuple[int, ...]) -> bytes:
        """A TensorProto at the end of the file of the values."""
        length = _size(shape) * _WIDTHS[kind]
        notes = {"location": _DATA, "offset": str(self.length), "length": str(length)}
        self.length += length
        head = b"".join(b"\x08" + varint(n) for n in shape) + b"\x10" + varint(kind) + part(8, name.encode())
        head += b"".join(part(13, part(1, k.encode()) + part(2, v.encode())) for k, v in notes.items())
        return head + b"\x70\x01"

    def add(self, name: str, kind: int, shape: tuple[int, ...]) -> str:
        """An initialiser; its name."""
        self.tensors += part(5, self.tensor(name, kind, shape))
        return name

    def write(self, folder: Path) -> None:
        """The two files."""
        graph = self.nodes + self.tensors
        (folder / "model.onnx").write_bytes(b"\x08\x0a\x3a" + varint(len(graph)) + graph)
        with (folder / _DATA).open("wb") as file:
            file.truncate(self.length)


def _modules(shapes: Shapes, graph: _Graph, kind: int = F16) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """(initialiser, node, shape) of every linear layer; all else is in the graph already."""
    for key, (name, shape) in enumerate(shapes.items()):
        if len(shape) < 2 or "embed" in name:
            graph.add(name, kind, shape)
        else:
            path = "/" + name.removesuffix(".weight").replace(".", "/").replace("layers/", "layers.")
            yield f"onnx::MatMul_{key}", path, shape


def integers(folder: Path, shapes: Shapes) -> None:
    """Codes of 8 bits as [in, out], as onnxruntime's dynamic quantiser writes them."""
    graph = _Graph()
    for name, path, (out, inputs) in _modules(shapes, graph, F32):
        codes = graph.add(f"{name}_quantized", I8, (inputs, out))
        zero = graph.add(f"{name}_zero_point", I8, ())
        graph.add(f"{name}_scale", F32, ())
        graph.nodes += _node("MatMulInteger", ["x", codes, "z", zero], "y", f"{path}/MatMul_quant")
    graph.write(folder)


def blocks(folder: Path, shapes: Shapes) -> None:
    """MatMulNBits: 4 bits in blocks of 32."""
    graph = _Graph()
    for name, path, (out, inputs) in _modules(shapes, graph):
        stored = [
            graph.add(f"{name}_Q4", U8, (out, inputs // 32, 16)),
            graph.add(f"{name}_s", F16, (out * inputs // 32,)),
        ]
        sizes = {"K": inputs, "N": out, "bits": 4, "block_size": 32}
        graph.nodes += _node("MatMulNBits", ["x", *stored], "y", f"{path}/MatMul_Q4", **sizes)
    graph.write(folder)


def constants(folder: Path, shapes: Shapes) -> None:
    """Matrices [out, in] in Constant nodes, their values in a file beside the graph."""
    graph = _Graph()
    for name, path, shape in _modules(shapes, graph):
        value = part(1, b"value") + part(5, graph.tensor(name, F16, shape)) + b"\xa0\x01\x04"
        graph.nodes += part(1, part(2, name.encode()) + part(4, b"Constant") + part(5, value))
        graph.nodes += _node("Gemm", ["x", name], "y", f"{path}/Gemm", transB=1)
    graph.write(folder)


def arrays(folder: Path, shapes: Shapes, opened: Callable[[Path], IO[bytes]]) -> None:
    """One numpy archive of float16 arrays, stored; `opened` gives a file that keeps zeros as holes."""
    zeros = bytes(1 << 20)
    with opened(folder / "model.npz") as file, zipfile.ZipFile(file, "w") as archive:
        for name, shape in shapes.items():
            header = f"{{'descr': '<f2', 'fortran_order': False, 'shape': {shape}, }}".encode()
            header += b" " * (-(len(header) + 11) % 64) + b"\n"
            left = _size(shape) * 2
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as entry:
                entry.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
                while left:
                    left -= entry.write(zeros[: min(left, len(zeros))])
