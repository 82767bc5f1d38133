"""ONNX: the initialisers of a graph as the weights of the model that was exported, embedded or in files beside it.

Limitations: matrices that an exporter stored as [in, out] cost the whole matrix to read and are read up to a limit
(layouts.py). Skipped by tensor: weights in typed fields of varying length; quantisation other than MatMulNBits with 4
or 8 bits and whole numbers of 8 bits or more with one scale a tensor, row or column. A file of weights that is a link
out of the folder is refused, where other formats follow links: here a graph that a stranger wrote says which file is
read, and any bytes of it are weights.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ..errors import FormatError
from ..sources.source import Source
from ..storage.dtypes import FLOATS, nbytes
from ..storage.logical import LogicalTensor, RowMajor, Storage
from ..storage.reader import Range, Reader
from ..storage.skipped import SkippedTensor
from ..storage.views import Transposed, transposed
from ..text import printable
from .contents import Contents
from .onnx_graph import Graph, Initializer, Node, read_graph
from .onnx_names import by_output, find_uses, module_name
from .onnx_values import DTYPES, INTEGERS, TYPED, Affine, Blocks, Varints

_SIZE = re.compile(r"\d{1,18}")
_QUANTISED_NAME = re.compile(r"_(?:quantized|quant|Q4|Q8|DequantizeLinear)$|(?<=\.)qweight$")


def read_onnx(reader: Reader, file: str) -> Contents:
    """The tensors of one file, from its graph. Raises FormatError for broken files and paths that leave the folder."""
    return _Tensors(read_graph(reader, file), reader.size, file).contents()


def check_beside(contents: Contents, source: Source) -> None:
    """FormatError where a tensor lies in a file that the source does not have, or outside of it, or behind its end."""
    for tensor in contents.tensors:
        for last in _last_ranges(tensor.storage, tensor.matrix[0]) if tensor.parameters else ():
            where = f"{source.uri}: tensor {printable(tensor.name)!r} is kept in {printable(last.file)!r}"
            if last.file not in source.files:
                raise FormatError(f"{where}, which is not there; fetch it too, or name the folder")
            if source.files[last.file].outside:
                raise FormatError(f"{where}, a link that leaves the folder; put the file itself there")
            if last.end > source.files[last.file].size:
                raise FormatError(f"{where}, which has {source.files[last.file].size} of {last.end} bytes")


def _last_ranges(storage: Storage, rows: int) -> list[Range]:
    """The ranges of the last stored rows, of which none is many."""
    if isinstance(storage, Transposed):
        return storage.stored.ranges([storage.inputs - 1])
    if isinstance(storage, Affine):
        return _last_ranges(storage.codes, rows) + storage.scale_ranges([rows - 1])
    return storage.ranges([rows - 1])


class _Tensors:
    """The logical tensors of one graph."""

    def __init__(self, graph: Graph, size: int, file: str) -> None:
        self._size, self._file = size, file
        self._all = {one.name: one for one in graph.initializers}
        self._uses = find_uses(graph)
        dequantised = by_output(graph, "DequantizeLinear")
        self._scales = {name: self._scales_of(node) for name, node in dequantised.items()}
        self._axes = {name: node.numbers.get("axis", (1,))[0] for name, node in dequantised.items()}
        self._blocks = {n.inputs[1]: n for n in graph.nodes if n.op == "MatMulNBits" and len(n.inputs) > 2}
        companions = [part for pair in self._scales.values() for part in pair]
        companions += [part for node in self._blocks.values() for part in node.inputs[2:4]]
        for name in self._all:
            stem = name.removesuffix("_scale")
            if stem != name and f"{stem}_zero_point" in self._all:  # of activations
                companions += [name, f"{stem}_zero_point"]
            stem = name.removesuffix("_quantized")
            if stem != name and f"{stem}_scale" in self._all:
                self._scales.setdefault(name, (f"{stem}_scale", f"{stem}_zero_point"))
                companions += self._scales[name]
        self._companions = frozenset(companions)

    @staticmethod
    def _scales_of(node: Node) -> tuple[str, str]:
        return node.inputs[1] if len(node.inputs) > 1 else "", node.inputs[2] if len(node.inputs) > 2 else ""

    def contents(self) -> Contents:
        """All of them; constants of the graph are none."""
        found = [made for one in self._all.values() if (made := self._tensor(one))]
        return Contents(
            tuple(t for t in _unique(found) if isinstance(t, LogicalTensor)),
            tuple(s for s in found if isinstance(s, SkippedTensor)),
        )

    def _tensor(self, one: Initializer) -> LogicalTensor | SkippedTensor | None:
        use = self._uses.get(one.name)
        packed = one.name in self._blocks or one.name in self._scales
        if one.name in self._companions or (not packed and DTYPES.get(one.dtype, "F32") not in FLOATS):
            return None
        name = module_name(_QUANTISED_NAME.sub("", one.name) if packed else one.name, use)
        if name is None and (one.elements < 2 or len(one.shape) < 2):
            return None
        shown = printable(name or one.name)
        if name is None:
            return SkippedTensor(shown, one.elements, "no node says to which module it belongs")
        place = self._place(one)
        if isinstance(place, str):
            return SkippedTensor(shown, one.elements, place)
        if packed and not name.endswith((".weight", ".bias")):
            name = name.removesuffix(".") + ".weight"
        if one.name in self._blocks:
            return self._in_blocks(name, one, place)
        turned = len(one.shape) == 2 and use is not None and use.is_turned
        storage: Storage | None = transposed(place, *one.shape) if turned else place
        if storage is None:
            return SkippedTensor(shown, one.elements, "a transposed matrix of this type is not read")
        shape = one.shape[::-1] if turned else one.shape
        if one.name in self._scales:
            kind = "INT8" if one.dtype in (2, 3) else place.dtype
            return self._affine(LogicalTensor(name, kind, shape, storage), one, turned=turned)
        return LogicalTensor(name, place.dtype, shape, storage)

    def _affine(self, tensor: LogicalTensor, one: Initializer, *, turned: bool) -> LogicalTensor | SkippedTensor:
        """Whole numbers with their scale and zero point."""
        scale, zero = (self._all.get(name) for name in self._scales[one.name])
        count = scale.elements if scale else 0
        by_row = self._by_row(tensor, one, count, turned=turned)
        vectors = [self._vector(part, by_row=by_row) for part in (scale, zero) if part]
        fits = count in (1, tensor.matrix[0 if by_row else 1]) and (zero is None or zero.elements == count)
        good = DTYPES.get(one.dtype) in INTEGERS and fits and all(vectors)
        if not good or not isinstance(vectors[0], RowMajor):
            reason = "codes that are not of 8 bits or more with one scale a tensor, row or column are not decoded"
            return SkippedTensor(printable(tensor.name), tensor.parameters, reason)
        shift = vectors[1] if len(vectors) > 1 else None
        return replace(tensor, storage=Affine(tensor.storage, vectors[0], shift, by_row))

    def _by_row(self, tensor: LogicalTensor, one: Initializer, count: int, *, turned: bool) -> bool:
        """Whether each logical row has a scale: by the axis of DequantizeLinear; other operators have outputs only."""
        if count < 2 or len(tensor.shape) < 2:
            return False
        axis = self._axes.get(one.name)
        return axis is None or axis % len(tensor.shape) == int(turned)

    def _in_blocks(self, name: str, one: Initializer, codes: RowMajor) -> LogicalTensor | SkippedTensor:
        """The matrix [N, K] of a MatMulNBits."""
        node = self._blocks[one.name]
        inner, rows, bits, block = (node.numbers.get(key, (0,))[0] for key in ("K", "N", "bits", "block_size"))
        bits = bits or 4
        parts = [self._all.get(part) for part in node.inputs[2:4] if part]
        count = -(-inner // block) if block > 0 else 0
        packed_zeros = -(-count * bits // 8)
        found = [place if isinstance(place := self._place(part), RowMajor) else None for part in parts if part]
        good = bits in (4, 8) and min(inner, rows, count) > 0 and block % 2 == 0 and len(node.inputs) < 5
        good &= one.dtype == 2 and one.elements == rows * count * (block * bits // 8) and all(found)
        if good and parts[0]:
            good &= parts[0].elements == rows * count
            good &= len(parts) < 2 or (
                parts[1] is not None and (parts[1].dtype, parts[1].elements) == (2, rows * packed_zeros)
            )
        if not good or not found[0]:
            return SkippedTensor(printable(name), max(0, inner) * max(0, rows), "blocks of this kind are not decoded")
        zeros = replace(found[1], columns=packed_zeros) if len(found) > 1 and found[1] else None
        wide = replace(codes, columns=one.elements // rows)
        storage = Blocks(wide, replace(found[0], columns=count), zeros, bits, block, inner)
        return LogicalTensor(name, "INT4" if bits == 4 else "INT8", (rows, inner), storage)

    def _vector(self, one: Initializer, *, by_row: bool) -> RowMajor | Varints | None:
        """Scales or zero points, as rows of one value or as one row; None where they cannot be read."""
        place = self._place(one)
        if isinstance(place, RowMajor):
            return replace(place, columns=1 if by_row else one.elements)
        if one.data is not None and one.data.number == 5 and DTYPES.get(one.dtype) in INTEGERS:
            return Varints(self._file, one.data.begin, one.data.length, one.elements)
        return None

    def _place(self, one: Initializer) -> RowMajor | str:
        """Where the values lie, or why they cannot be read. Raises FormatError where they cannot lie."""
        dtype = DTYPES.get(one.dtype)
        if dtype is None:
            return f"values of ONNX type {one.dtype} are not decoded"
        columns = math.prod(one.shape[1:]) if len(one.shape) > 1 else one.elements
        length = nbytes(dtype, one.elements)
        where = f"{self._file}: initialiser {printable(one.name)!r}"
        if one.external is not None:
            return RowMajor(*_external(one.external, length, self._file, where), dtype, columns)
        if one.data is None:
            if one.elements:
                raise FormatError(f"{where} has no values, or values in two fields")
            return RowMajor(self._file, 0, dtype, columns)
        if one.data.number != 9 and TYPED.get(one.data.number) != dtype:
            return "values in a field of numbers of varying length are not read"
        if one.data.length != length:
            raise FormatError(f"{where}: {one.data.length} bytes do not hold {dtype} {list(one.shape)}")
        return RowMajor(self._file, one.data.begin, dtype, columns)


def _external(notes: Mapping[str, str], length: int, file: str, where: str) -> tuple[str, int]:
    """File and offset of external data, which is a file beside the model's. Raises FormatError for any other path."""
    location = notes.get("location", "").removeprefix("./")
    if not location or location in (".", "..") or any(c in location for c in "/\\:\0"):
        raise FormatError(f"{where} is kept in {printable(location)!r}, which is no file of the model's own folder")
    texts = notes.get("offset", "0"), notes.get("length", str(length))
    if not all(_SIZE.fullmatch(text) for text in texts):
        raise FormatError(f"{where}: its offset or length is no number of bytes")
    if int(texts[1]) != length:
        raise FormatError(f"{where}: {int(texts[1])} bytes are kept outside, its shape takes {length}")
    folder = file.rpartition("/")[0]
    return (f"{folder}/{location}" if folder else location), int(texts[0])


def _unique(found: Iterable[LogicalTensor | SkippedTensor]) -> Iterator[LogicalTensor | SkippedTensor]:
    """Names that two modules got, told apart by a number."""
    seen: dict[str, int] = {}
    for one in found:
        seen[one.name] = number = seen.get(one.name, 0) + 1
        yield one if number == 1 or isinstance(one, SkippedTensor) else replace(one, name=f"{one.name}~{number}")
