"""torch files since 1.6: a zip file of one pickle and a stored entry for each storage. Nothing is executed.

TorchScript archives (`torch.jit.save`) are such files with code beside. Their parameters have the names of the
attributes that lead to them; the constants of a module, all its weights where it is frozen, are `constants.0` and on.

Limitations: compressed entries are refused.

Source: torch/serialization.py, caffe2/serialize/inline_container.h, torch/csrc/jit/serialization/pickler.h.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..budget import PICKLE_BYTES, STORAGE_KEY, require
from ..errors import FormatError
from ..storage.reader import Reader
from ..text import printable
from .contents import Contents
from .pickle_records import OpaqueTensor, TensorRecord
from .pickle_subset import read_pickles
from .torch_tensors import StoragePlace, logical_tensors
from .torch_weights import Named, find_weights, read_weights
from .zip_directory import Entry, read_directory, stored_at

_OTHERS = {
    "serialized_exported_program.json": "torch.export", "archive_format": "torch.export",
    "extern_modules": "torch.package", "model.json": "TorchScript before torch 1.4",
}  # fmt: skip
"""Files in other zip archives of torch, and what writes them."""


def read_zip(reader: Reader, file: str) -> Contents:
    """The tensors of one file, from its directory and its pickles.

    Raises FormatError for what is no such zip, for a broken pickle, and for tensors that their storages cannot hold.
    """
    entries = read_directory(reader, file)
    root = _root(entries, file)
    _check_byte_order(reader, entries, root, file)
    keyed: list[tuple[str, TensorRecord | OpaqueTensor, str]] = []
    constants = _constants(reader, entries, root, file)
    pickle = read_pickles(_read(reader, entries, f"{root}data.pkl", file), 1, f"{file}: data.pkl")[0]
    weights = read_weights(pickle, file, beside=bool(constants))
    keyed += [(name, one, _key(one, f"{root}data/", entries, file)) for name, one in weights.tensors]
    keyed += [(name, one, _key(one, f"{root}constants/", entries, file)) for name, one in constants]
    places = stored_at(reader, entries, sorted({key for *_, key in keyed if key}), file)
    return logical_tensors(
        [(name, one, StoragePlace(places[key], entries[key].size) if key else None) for name, one, key in keyed],
        weights.skipped,
        file,
    )


def _root(entries: Mapping[str, Entry], file: str) -> str:
    roots = [name.removesuffix("data.pkl") for name in entries if name.endswith("/data.pkl") and name.count("/") == 1]
    last = {name.rpartition("/")[2] for name in entries}
    other = next((writer for name, writer in _OTHERS.items() if name in last), None)
    if not roots and other:
        raise FormatError(f"{file}: an archive of {other}; save the state_dict with torch.save, or as safetensors")
    if not roots:
        raise FormatError(f"{file}: a zip file without the data.pkl that torch writes")
    if len(roots) > 1:
        raise FormatError(f"{file}: a zip file of {len(roots)} checkpoints; save the one that is meant alone")
    return roots[0]


def _read(reader: Reader, entries: Mapping[str, Entry], name: str, file: str) -> bytes:
    require(PICKLE_BYTES, entries[name].size, f"{file}: {printable(name)}")
    (place,) = stored_at(reader, entries, [name], file).values()
    return reader.read(place, entries[name].size)


def _check_byte_order(reader: Reader, entries: Mapping[str, Entry], root: str, file: str) -> None:
    name = f"{root}byteorder"
    if name in entries and entries[name].size < 64 and _read(reader, entries, name, file) != b"little":
        raise FormatError(f"{file}: a big-endian checkpoint is not read")


def _constants(reader: Reader, entries: Mapping[str, Entry], root: str, file: str) -> list[Named]:
    """The tensors that the code of a TorchScript archive has as constants."""
    name = f"{root}constants.pkl"
    if name not in entries:
        return []
    found = read_pickles(_read(reader, entries, name, file), 1, f"{file}: constants.pkl")[0].value
    return find_weights({"constants": found}).tensors


def _key(record: TensorRecord | OpaqueTensor, folder: str, entries: Mapping[str, Entry], file: str) -> str:
    """The name of the entry that holds a tensor's storage; empty for a tensor that is not read."""
    if isinstance(record, OpaqueTensor):
        return ""
    place = record.storage.value
    if isinstance(place, tuple) and len(place) >= 5 and place[0] == "storage" and isinstance(place[2], str):
        require(STORAGE_KEY, len(place[2]), file)
        name = f"{folder}{place[2]}"
        if name in entries:
            return name
    raise FormatError(f"{file}: a tensor's storage is not in the file; fetch it whole")
