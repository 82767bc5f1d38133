"""torch .bin, .pt and .pth: a zip file of one pickle and a stored entry for each storage. Nothing is executed.

Limitations: files of torch before 1.6 (no zip), compressed entries and quantised tensors are refused with that reason;
views whose rows are scattered, other than a transpose, are skipped by tensor. Optimizer states are passed over.

Source: torch/serialization.py and torch/_utils.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from ..errors import FormatError
from ..storage.dtypes import BITS, UNDECODABLE, nbytes
from ..storage.logical import LogicalTensor, RowMajor, Storage
from ..storage.reader import Reader
from ..storage.skipped import SkippedTensor
from ..storage.views import ColumnsOf, Strides, transposed
from ..text import printable
from .contents import Contents
from .pickle_records import NAME_LIMIT, Global, TensorRecord
from .pickle_subset import SIZE_LIMIT, read_pickle
from .zip_directory import Entry, read_directory, stored_at

STORAGES = {
    "FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16", "DoubleStorage": "F64",
    "LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8", "ByteStorage": "U8",
    "BoolStorage": "BOOL",
    "ComplexFloatStorage": "C64",
}  # fmt: skip
DTYPES = {
    "float32": "F32", "float": "F32", "float16": "F16", "half": "F16", "bfloat16": "BF16", "float64": "F64",
    "double": "F64", "int64": "I64", "long": "I64", "int32": "I32", "int": "I32", "int16": "I16", "short": "I16",
    "int8": "I8",
    "uint8": "U8", "uint16": "U16", "uint32": "U32", "uint64": "U64", "bool": "BOOL", "complex64": "C64",
    "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2fnuz": "F8_E5M2FNUZ", "float8_e8m0fnu": "F8_E8M0",
}  # fmt: skip
WRAPPERS = ("state_dict", "model_state_dict", "model", "module", "net", "params")
"""Keys below which checkpoints keep the weights, beside optimizer and epoch."""
PREFIXES = ("module.", "_orig_mod.")
_DEPTH = 8
SIGNATURES = (b"PK\x03\x04", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.")
"""How a zip file begins, and the number that torch before 1.6 wrote first."""


def read_torch(reader: Reader, file: str) -> Contents:
    """The tensors of one file, from its directory and its pickle.

    Raises FormatError for what is no such zip, for a pickle that wants anything but tensors and containers, and for
    tensors that their storages cannot hold.
    """
    if reader.size < 4 or reader.read(0, 4)[:2] != b"PK":
        raise FormatError(
            f"{file}: not a zip file; torch before 1.6 wrote such. Save it again with torch, or safetensors"
        )
    entries = read_directory(reader, file)
    root = _root(entries, file)
    _check_byte_order(reader, entries, root, file)
    records = dict(_weights(read_pickle(_read(reader, entries, f"{root}data.pkl", file), f"{file}: data.pkl")))
    keys = {name: _key(record, entries, root, file) for name, record in records.items()}
    places = stored_at(reader, entries, sorted(set(keys.values())), file)
    found = [_tensor(name, one, entries[keys[name]], places[keys[name]], file) for name, one in records.items()]
    return Contents(
        tuple(t for t in found if isinstance(t, LogicalTensor)),
        tuple(s for s in found if isinstance(s, SkippedTensor)),
    )


def _root(entries: Mapping[str, Entry], file: str) -> str:
    roots = [name.removesuffix("data.pkl") for name in entries if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(roots) != 1:
        raise FormatError(f"{file}: a zip file without the data.pkl that torch writes")
    return roots[0]


def _read(reader: Reader, entries: Mapping[str, Entry], name: str, file: str) -> bytes:
    if entries[name].size > SIZE_LIMIT:
        raise FormatError(f"{file}: {printable(name)} of {entries[name].size} bytes is over the limit of {SIZE_LIMIT}")
    (place,) = stored_at(reader, entries, [name], file).values()
    return reader.read(place, entries[name].size)


def _check_byte_order(reader: Reader, entries: Mapping[str, Entry], root: str, file: str) -> None:
    name = f"{root}byteorder"
    if name in entries and entries[name].size < 64 and _read(reader, entries, name, file) != b"little":
        raise FormatError(f"{file}: a big-endian checkpoint is not read")


def _weights(found: object) -> Iterator[tuple[str, TensorRecord]]:
    """The tensors by name, of the state that the checkpoint wraps."""
    state: Mapping[object, object] = found if isinstance(found, Mapping) else {"": found}
    for _ in range(_DEPTH):
        wrapped = [inner for key in WRAPPERS if isinstance(inner := state.get(key), Mapping)]
        if not wrapped or any(isinstance(value, TensorRecord) for value in state.values()):
            break
        state = wrapped[0]
    names = list(_walk(state))
    for prefix in PREFIXES:
        if names and all(name.startswith(prefix) for name, _ in names):
            names = [(name.removeprefix(prefix), record) for name, record in names]
    yield from names


def _walk(state: Mapping[object, object]) -> Iterator[tuple[str, TensorRecord]]:
    """The tensors of nested dictionaries by dotted name; a dictionary that is met again is passed over."""
    pending: list[tuple[str, Mapping[object, object], int]] = [("", state, 0)]
    seen = {id(state)}
    while pending:
        prefix, level, depth = pending.pop()
        for key, value in level.items():
            name = f"{prefix}{key}"
            if len(name) > NAME_LIMIT:
                raise FormatError(f"a tensor's name of {len(name)} characters is over the limit of {NAME_LIMIT}")
            if isinstance(value, TensorRecord):
                yield name, value
            elif isinstance(value, Mapping) and depth < _DEPTH and id(value) not in seen and "optim" not in str(key):
                seen.add(id(value))
                pending.append((name + ".", value, depth + 1))


def _key(record: TensorRecord, entries: Mapping[str, Entry], root: str, file: str) -> str:
    """The name of the entry that holds a tensor's storage."""
    place = record.storage.value
    if isinstance(place, tuple) and len(place) >= 5 and place[0] == "storage" and isinstance(place[2], str):
        name = f"{root}data/{place[2]}"
        if name in entries:
            return name
    raise FormatError(f"{file}: a tensor's storage is not in the file; fetch it whole")


def _tensor(name: str, record: TensorRecord, entry: Entry, begin: int, file: str) -> LogicalTensor | SkippedTensor:
    dtype, size = _dtype(record), math.prod(record.sizes)
    if dtype is None or dtype in UNDECODABLE:
        kind = record.dtype or _class(record)
        what = printable(str(kind), 60) if isinstance(kind, Global) else "unknown"
        return SkippedTensor(printable(name), size, f"values of type {what} are not decoded")
    item = BITS[dtype] // 8
    last = sum((n - 1) * step for n, step in zip(record.sizes, record.strides, strict=True)) if size else -1
    if (record.offset + last + 1) * item > entry.size:
        raise FormatError(f"{file}: tensor {printable(name)!r} is larger than its storage of {entry.size} bytes")
    room = entry.size // item - record.offset
    storage = _storage(record, RowMajor("", begin + nbytes(dtype, record.offset), dtype, 0), room, file)
    if storage is None:
        return SkippedTensor(printable(name), size, f"a view with strides {record.strides} is not read")
    return LogicalTensor(name, dtype, record.sizes, storage)


def _class(record: TensorRecord) -> object:
    return record.storage.value[1] if isinstance(record.storage.value, tuple) else None


def _dtype(record: TensorRecord) -> str | None:
    if record.dtype is not None:
        return DTYPES.get(record.dtype.name)
    kind = _class(record)
    return STORAGES.get(kind.name) if isinstance(kind, Global) else None


def _storage(record: TensorRecord, base: RowMajor, room: int, file: str) -> Storage | None:
    """Rows one after another, rows with something between them, or a transpose; None for any other view."""
    sizes = record.sizes
    columns = math.prod(sizes[1:]) if len(sizes) > 1 else math.prod(sizes)
    plain = RowMajor(file, base.offset, base.dtype, columns)
    if not math.prod(sizes) or _contiguous(sizes, record.strides):
        return plain
    if len(sizes) > 1 and _contiguous(sizes[1:], record.strides[1:]) and record.strides[0] > columns:
        step = record.strides[0]
        if sizes[0] * step <= room:
            return ColumnsOf(RowMajor(file, base.offset, base.dtype, step), Strides(0, (columns,), (1,)))
    if len(sizes) == 2 and record.strides == (1, sizes[0]):
        return transposed(plain, sizes[1], sizes[0])
    return None


def _contiguous(sizes: Sequence[int], strides: Sequence[int]) -> bool:
    step = 1
    for size, stride in zip(reversed(sizes), reversed(strides), strict=True):
        if size != 1 and stride != step:
            return False
        step *= size
    return True
