"""ONNX: the initialisers of a graph as the weights of the model that was exported, embedded or in files beside it.

Limitations: matrices that an exporter stored as [in, out] cost the whole matrix to read and are read up to a limit
(layouts.py), and so do values in typed fields (onnx_numbers.py). Skipped by tensor: quantisation other than MatMulNBits
with 4 or 8 bits and whole numbers of 8 bits or more with one scale a tensor, row or column; sparse ones. Shapes,
indices and single values that a graph computes with are no weights: they are counted among the skipped, by kind. A file
of weights that is a link out of the folder is refused, where other formats follow links: here a graph that a stranger
wrote says which file is read, and any bytes of it are weights.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..errors import FormatError
from ..sources.source import Source
from ..storage.dtypes import FLOATS, nbytes
from ..storage.logical import LogicalTensor, RowMajor, Storage
from ..storage.reader import Range, Reader
from ..storage.skipped import SkippedTensor
from ..storage.views import ColumnsOf, Strides, Transposed, transposed
from ..text import printable
from .contents import Contents
from .onnx_graph import SPARSE, Graph, Initializer, read_graph
from .onnx_names import Names, is_anonymous, part_name, recurrent_layers, scope_path
from .onnx_numbers import FIELD_LIMIT, FIELDS, FIXED, Numbers
from .onnx_recurrent import Gates, RecurrentPart, recurrent_parts
from .onnx_uses import RECURRENT, Scales, Use, find_uses
from .onnx_values import DTYPES, INTEGERS, Affine, Blocks

_SIZE = re.compile(r"[0-9]{1,18}")
_ODD_CODES = "codes that are not of 8 bits or more with one scale a tensor, row or column are not decoded"


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
            if kind := source.files[last.file].special:
                raise FormatError(f"{where}, which is {kind}, not a file; put the file itself there")
            if source.files[last.file].outside:
                raise FormatError(f"{where}, a link that leaves the folder; put the file itself there")
            if last.end > source.files[last.file].size:
                raise FormatError(f"{where}, which has {source.files[last.file].size} of {last.end} bytes")


def _last_ranges(storage: Storage, rows: int) -> list[Range]:
    """The ranges of the last stored rows, of which none is many."""
    if isinstance(storage, Transposed):
        return storage.stored.ranges([storage.inputs - 1])
    if isinstance(storage, Gates):
        return _last_ranges(storage.storage, rows)
    if isinstance(storage, Affine):
        return _last_ranges(storage.codes, rows) + storage.scale_ranges([rows - 1])
    return storage.ranges([rows - 1])


class _Tensors:
    """The logical tensors of one graph."""

    def __init__(self, graph: Graph, size: int, file: str) -> None:
        self._size, self._file, self._numbers = size, file, graph.numbers
        self._all = {one.name: one for one in graph.initializers}
        self._uses = find_uses(graph)
        self._names = Names(self._all, self._uses)
        self._layers = recurrent_layers(graph)
        self._scales = {name: one for name, one in self._uses.scales.items() if one.scale in self._all}
        activations = self._uses.activations
        for name in self._all:  # as onnxruntime's quantisers call them, where no node says more
            stem = name.removesuffix("_quantized")
            if stem != name and f"{stem}_scale" in self._all:
                self._scales.setdefault(name, Scales(f"{stem}_scale", f"{stem}_zero_point"))
            stem = name.removesuffix("_scale")
            if stem != name and f"{stem}_zero_point" in self._all:
                activations |= {name, f"{stem}_zero_point"}
        self._blocks = {n.inputs[1]: n for n in graph.nodes if n.op == "MatMulNBits" and len(n.inputs) > 2}
        companions = [part for one in self._scales.values() for part in (one.scale, one.zero)]
        companions += [part for node in self._blocks.values() for part in node.inputs[2:4]]
        self._companions = frozenset(companions)
        self._constants: dict[str, list[int]] = defaultdict(list)

    def contents(self) -> Contents:
        """All of them; the constants of the graph that are no weights are counted, by kind."""
        found = [made for one in self._all.values() for made in self._made(one)]
        if self._numbers:
            self._constants["single values"] += [1] * self._numbers
        rows = [
            SkippedTensor(f"constants of the graph: {kind}", sum(sizes), f"{len(sizes)} constants, no weights")
            for kind, sizes in self._constants.items()
        ]
        return Contents(
            tuple(t for t in _unique(found) if isinstance(t, LogicalTensor)),
            (*(s for s in found if isinstance(s, SkippedTensor)), *rows),
        )

    def _made(self, one: Initializer) -> Iterator[LogicalTensor | SkippedTensor]:
        """The tensors of one initialiser; of what is no weight a row, or a number among the constants."""
        if one.name in self._companions:
            return
        use = self._uses.first.get(one.name)
        packed = one.name in self._blocks or one.name in self._scales
        if one.name in self._uses.activations:
            self._constants["scales of activations"].append(one.elements)
        elif use and use.node.op in RECURRENT and (parts := recurrent_parts(one, use)):
            yield from self._recurrent(one, use, parts)
        elif not packed and DTYPES.get(one.dtype, "F32") not in FLOATS:
            yield from self._whole_numbers(one)
        else:
            yield from self._weight(one, use, packed=packed)

    def _whole_numbers(self, one: Initializer) -> Iterator[LogicalTensor | SkippedTensor]:
        """A buffer where it has a name of its own, else a constant."""
        name, place = self._names.name(one, packed=False), self._place(one)
        use = self._uses.first.get(one.name)
        if use and part_name(use) in ("weight", "bias") and DTYPES.get(one.dtype) in INTEGERS and one.elements > 1:
            yield SkippedTensor(printable(name or one.name), one.elements, "codes without a scale of their own")
        elif name is None or one.constant or one.elements < 2 or is_anonymous(one.name):
            self._constants["whole numbers"].append(one.elements)
        elif isinstance(place, str):
            yield SkippedTensor(printable(name), one.elements, place)
        else:
            yield LogicalTensor(name, place.dtype, one.shape, place)

    def _weight(self, one: Initializer, use: Use | None, *, packed: bool) -> Iterator[LogicalTensor | SkippedTensor]:
        name = self._names.name(one, packed=packed)
        is_part = use is not None and use.node.op not in ("Add", "Mul") and part_name(use) is not None
        if one.elements < 2 and (name is None or is_anonymous(one.name) or (one.constant and not is_part)):
            self._constants["single values"].append(one.elements)
            return
        place = self._place(one)
        shown = printable(name or one.name or "a constant")
        if name is None:
            what = f"a constant of {printable(use.node.op, 40)}, no weight of a module" if use else "no node uses it"
            yield SkippedTensor(shown, one.elements, what)
        elif isinstance(place, str):
            yield SkippedTensor(shown, one.elements, place)
        else:
            if packed and not name.endswith((".weight", ".bias")):
                name = name.removesuffix(".") + ".weight"
            yield self._in_blocks(name, one, place) if one.name in self._blocks else self._plain(name, one, use, place)

    def _plain(
        self, name: str, one: Initializer, use: Use | None, place: RowMajor | Numbers
    ) -> LogicalTensor | SkippedTensor:
        turned = len(one.shape) == 2 and use is not None and use.is_turned
        storage: Storage | None = _turned(place, *one.shape) if turned else place
        shape = one.shape[::-1] if turned else one.shape
        if storage is None:
            return SkippedTensor(printable(name), one.elements, "a transposed matrix of this type is not read")
        if one.name in self._scales:
            kind = "INT8" if one.dtype in (2, 3) else place.dtype
            return self._affine(LogicalTensor(name, kind, shape, storage), one, turned=turned)
        return LogicalTensor(name, place.dtype, shape, storage)

    def _recurrent(
        self, one: Initializer, use: Use, parts: Sequence[RecurrentPart]
    ) -> Iterator[LogicalTensor | SkippedTensor]:
        """The matrices or biases of each direction, under the names that torch gives them."""
        module = scope_path(use.node) or self._names.module(one.name, use)
        layer = self._layers.get(id(use.node), 0) if scope_path(use.node) else 0
        place = self._place(one)
        for part in parts:
            name = f"{module}.{part.suffix}_l{layer}{'_reverse' if part.direction else ''}"
            size = math.prod(part.shape)
            cut = None if isinstance(place, str) else place.cut(part.first, part.shape[0 if part.turned else -1])
            storage = self._direction(one, part, cut) if cut else None
            if storage is None:
                reason = place if isinstance(place, str) else _ODD_CODES
                yield SkippedTensor(printable(name), size, reason)
                continue
            kind = "INT8" if one.name in self._scales else DTYPES[one.dtype]
            yield LogicalTensor(name, kind, part.shape, part.gates(storage, use.node.op))

    def _direction(self, one: Initializer, part: RecurrentPart, cut: RowMajor | Numbers) -> Storage | None:
        """One direction's matrix or bias as stored, with its own scales."""
        rows = part.shape[0]
        stored = _turned(cut, part.shape[1], rows) if part.turned else cut
        if one.name not in self._scales:
            return None if part.turned else stored
        used = self._scales[one.name]
        scale, zero = self._all[used.scale], self._all.get(used.zero)
        directions = one.shape[0]
        by_row = scale.elements == directions * rows
        count = rows if by_row else 1
        vectors = [self._vector(v, by_row=False) for v in (scale, zero) if v]
        if scale.elements != directions * count or (zero and zero.elements != scale.elements) or not stored:
            return None
        first = Strides(part.direction * count, (count,), (1,))
        parts = [
            v.cut(part.direction * count, 1) if isinstance(v, RowMajor) else ColumnsOf(v, first) for v in vectors if v
        ]
        if len(parts) < len(vectors) or parts[0] is None:
            return None
        return Affine(stored, parts[0], parts[1] if len(parts) > 1 else None, by_row)

    def _affine(self, tensor: LogicalTensor, one: Initializer, *, turned: bool) -> LogicalTensor | SkippedTensor:
        """Whole numbers with their scale and zero point."""
        scale, zero = self._all[self._scales[one.name].scale], self._all.get(self._scales[one.name].zero)
        count = scale.elements
        by_row = self._by_row(tensor, one, count, turned=turned)
        vectors = [self._vector(part, by_row=by_row) for part in (scale, zero) if part]
        fits = count in (1, tensor.matrix[0 if by_row else 1]) and (zero is None or zero.elements == count)
        good = DTYPES.get(one.dtype) in INTEGERS and fits and all(vectors)
        if not good or not vectors[0]:
            return SkippedTensor(printable(tensor.name), tensor.parameters, _ODD_CODES)
        shift = vectors[1] if len(vectors) > 1 else None
        return replace(tensor, storage=Affine(tensor.storage, vectors[0], shift, by_row))

    def _by_row(self, tensor: LogicalTensor, one: Initializer, count: int, *, turned: bool) -> bool:
        """Whether each logical row has a scale: by the axis of DequantizeLinear; other operators have outputs only."""
        if count < 2 or len(tensor.shape) < 2:
            return False
        axis = self._scales[one.name].axis
        return axis is None or axis % len(tensor.shape) == int(turned)

    def _in_blocks(self, name: str, one: Initializer, codes: RowMajor | Numbers) -> LogicalTensor | SkippedTensor:
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
        if not good or not found[0] or not isinstance(codes, RowMajor):
            return SkippedTensor(printable(name), max(0, inner) * max(0, rows), "blocks of this kind are not decoded")
        zeros = replace(found[1], columns=packed_zeros) if len(found) > 1 and found[1] else None
        wide = replace(codes, columns=one.elements // rows)
        storage = Blocks(wide, replace(found[0], columns=count), zeros, bits, block, inner)
        return LogicalTensor(name, "INT4" if bits == 4 else "INT8", (rows, inner), storage)

    def _vector(self, one: Initializer, *, by_row: bool) -> RowMajor | Numbers | None:
        """Scales or zero points, as rows of one value or as one row; None where they cannot be read."""
        place = self._place(one)
        if isinstance(place, str):
            return None
        return replace(place, columns=1 if by_row and isinstance(place, RowMajor) else one.elements)

    def _place(self, one: Initializer) -> RowMajor | Numbers | str:
        """Where the values lie, or why they cannot be read. Raises FormatError where they cannot lie."""
        dtype = DTYPES.get(one.dtype)
        if one.dtype == SPARSE:
            return "a sparse tensor is not read"
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
        if one.data.number != 9 and dtype not in FIELDS.get(one.data.number, ()):
            return f"values of {dtype} in a field of another type"
        if one.is_tagged or one.data.number not in (9, *FIXED):
            if one.data.length > FIELD_LIMIT:
                return f"{one.data.length} bytes of values that lie in no fixed places, the limit is {FIELD_LIMIT}"
            field = one.data
            return Numbers(
                self._file, field.begin, field.length, field.number, dtype, one.elements, columns, one.is_tagged
            )
        if one.data.length != length:
            raise FormatError(f"{where}: {one.data.length} bytes do not hold {dtype} {list(one.shape)}")
        return RowMajor(self._file, one.data.begin, dtype, columns)


def _turned(place: RowMajor | Numbers, inputs: int, outputs: int) -> Storage | None:
    """The matrix [outputs, inputs] that is stored as [inputs, outputs]; None where it has no places."""
    return place.transposed(inputs, outputs) if isinstance(place, Numbers) else transposed(place, inputs, outputs)


def _external(notes: Mapping[str, str], length: int, file: str, where: str) -> tuple[str, int]:
    """File and offset of external data, which is a file beside the model's. Raises FormatError for any other path."""
    location = notes.get("location", "").removeprefix("./")
    if not location or location in (".", "..") or any(c in location for c in "/\\:\0"):
        raise FormatError(f"{where} is kept in {printable(location)!r}, which is no file of the model's own folder")
    texts = notes.get("offset", "0"), notes.get("length", str(length))
    if not all(_SIZE.fullmatch(text) for text in texts):
        raise FormatError(f"{where}: its offset or length is no number of bytes")
    if int(texts[1]) not in (0, length):  # some exporters leave the length out, others write 0
        raise FormatError(f"{where}: {int(texts[1])} bytes are kept outside, its shape takes {length}")
    folder = file.rpartition("/")[0]
    return (f"{folder}/{location}" if folder else location), int(texts[0])


def _unique(found: Iterable[LogicalTensor | SkippedTensor]) -> Iterator[LogicalTensor | SkippedTensor]:
    """Names that two modules got, told apart by a number."""
    seen: dict[str, int] = {}
    for one in found:
        seen[one.name] = number = seen.get(one.name, 0) + 1
        yield one if number == 1 or isinstance(one, SkippedTensor) else replace(one, name=f"{one.name}~{number}")
