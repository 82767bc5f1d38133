"""torch files before 1.6: five pickles, then the storages one after another. Nothing is executed.

The pickles are a magic number, the version, sizes of the machine, the object and the keys of its storages. Each
storage is its number of elements in 8 bytes and their values. Only the pickles are read, and three of the numbers.

Source: torch/serialization.py, `_legacy_save` and `_legacy_load`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..budget import PICKLE_BYTES, allowed, beyond
from ..errors import FormatError
from ..storage.dtypes import BITS
from ..storage.reader import Reader
from ..text import printable
from .contents import Contents
from .pickle_records import Global, PersistentId, TensorRecord
from .pickle_subset import EndsEarly, Pickle, read_pickles
from .torch_tensors import STORAGES, StoragePlace, logical_tensors
from .torch_weights import read_weights

MAGIC = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""How the first pickle ends; its protocol and, from the fourth on, the length of a frame stand before it."""
MAGIC_WRITTEN_OUT = b"L119547037146038801333356L\n."
"""The whole first pickle in protocol 1."""
_VERSION = 1001
_FIRST_READ = 64 << 10
_ITEM = {
    "ComplexDoubleStorage": 16, "ComplexFloatStorage": 8, "QInt8Storage": 1, "QUInt8Storage": 1, "QInt32Storage": 4,
    "QUInt4x2Storage": 1, "QUInt2x4Storage": 1, "UntypedStorage": 1, "ComplexHalfStorage": 4,
}  # fmt: skip
"""Bytes an element of the storages that are not in STORAGES."""


def read_legacy(reader: Reader, file: str) -> Contents:
    """The tensors of one file. Raises FormatError for what is no such file, broken, cut or written on big-endian."""
    pickles = _pickles(reader, file)
    _, version, machine, _, keys = (pickle.value for pickle in pickles)
    if version != _VERSION:
        raise FormatError(f"{file}: version {printable(str(version), 20)} of torch's old format is not known")
    if isinstance(machine, dict) and machine.get("little_endian") is False:
        raise FormatError(f"{file}: a big-endian checkpoint is not read")
    places = _places(reader, pickles[3].outside, keys, pickles[4].end, file)
    weights = read_weights(pickles[3], file)
    placed = [
        (name, one, _place(one, places, file) if isinstance(one, TensorRecord) else None)
        for name, one in weights.tensors
    ]
    return logical_tensors(placed, weights.skipped, file)


def _pickles(reader: Reader, file: str) -> list[Pickle]:
    """The five pickles, from as many bytes as they turn out to take."""
    size, data = 0, b""
    most = allowed(PICKLE_BYTES)
    while True:
        size = min(max(_FIRST_READ, 4 * size), reader.size, most)
        data += reader.read(len(data), size - len(data))
        try:
            return read_pickles(data, 5, file)
        except EndsEarly as error:
            if size == reader.size:
                raise
            if size == most:
                raise FormatError(f"{file}: {beyond(PICKLE_BYTES, most + 1)}") from error


def _places(
    reader: Reader, outside: Sequence[PersistentId], keys: object, at: int, file: str
) -> dict[str, StoragePlace]:
    """Where each storage lies, by key; their numbers of elements are compared at the first, last and middle one."""
    sizes = {key: size for place in outside if (size := _size(place)) for key in [_key(place)]}
    places: dict[str, StoragePlace] = {}
    counts: list[tuple[int, int]] = []
    for key in keys if isinstance(keys, list) else ():
        if not isinstance(key, str) or key not in sizes or key in places:
            raise FormatError(f"{file}: a storage whose type or size is not known stands among its storages")
        count, item = sizes[key]
        counts.append((at, count))
        places[key] = StoragePlace(at + 8, count * item)
        at += 8 + count * item
    if at != reader.size:
        what = "download it again" if at > reader.size else "there is something behind them"
        raise FormatError(f"{file}: its storages end at {at} of {reader.size} bytes; {what}")
    for place, count in {counts[0], counts[len(counts) // 2], counts[-1]} if counts else ():
        if int.from_bytes(reader.read(place, 8), "little") != count:
            raise FormatError(f"{file}: a storage at {place} has another size than its pickle says")
    return places


def _key(place: PersistentId) -> str:
    value = place.value
    return value[2] if isinstance(value, tuple) and len(value) > 2 and isinstance(value[2], str) else ""


def _size(place: PersistentId) -> tuple[int, int] | None:
    """(elements, bytes an element) of a storage; None where the record is none."""
    value = place.value
    if not isinstance(value, tuple) or len(value) < 5 or value[0] != "storage" or not isinstance(value[1], Global):
        return None
    name, count = value[1].name, value[4]
    item = BITS[STORAGES[name]] // 8 if name in STORAGES else _ITEM.get(name, 0)
    return (count, item) if item and type(count) is int and 0 <= count < 1 << 62 else None


def _place(record: TensorRecord, places: dict[str, StoragePlace], file: str) -> StoragePlace:
    """The bytes of a tensor's storage, which may be a part of another one."""
    found, size = places.get(_key(record.storage)), _size(record.storage)
    if found is None or size is None:
        raise FormatError(f"{file}: a tensor's storage is not in the file; fetch it whole")
    value = record.storage.value
    view = value[5] if isinstance(value, tuple) and len(value) > 5 else None
    if not isinstance(view, tuple):
        return found
    _, offset, count = view if len(view) == 3 else (None, None, None)
    if type(offset) is not int or type(count) is not int or not 0 <= offset <= offset + count <= size[0]:
        raise FormatError(f"{file}: a view of a storage lies outside of it")
    return StoragePlace(found.begin + offset * size[1], count * size[1])
