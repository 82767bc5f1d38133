"""torch checkpoints written by hand: a pickle of opcodes and a zip file, right ones and hostile ones."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLASSES = {"F32": "FloatStorage", "F16": "HalfStorage", "BF16": "BFloat16Storage", "I64": "LongStorage"}
START, STOP = b"\x80\x02", b"."


@dataclass(frozen=True, slots=True)
class View:
    """A tensor as a view of the storage of a name."""

    storage: str
    dtype: str
    offset: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    data = value.to_bytes(9, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def tuple_of(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def name(module: str, attribute: str) -> bytes:
    return f"c{module}\n{attribute}\n".encode()


def tensor(view: View, elements: int = 1 << 20, *more: bytes) -> bytes:
    """The opcodes that rebuild a view, as torch writes them; `more` says of which part of its storage."""
    storage = tuple_of(
        text("storage"), name("torch", CLASSES[view.dtype]), text(view.storage), text("cpu"), number(elements), *more
    )
    sizes, strides = (tuple_of(*map(number, n)) for n in (view.sizes, view.strides))
    hooks = name("collections", "OrderedDict") + b")R"
    return (
        name("torch._utils", "_rebuild_tensor_v2")
        + tuple_of(storage + b"Q", number(view.offset), sizes, strides, b"\x89", hooks)
        + b"R"
    )


def state(views: Mapping[str, View]) -> bytes:
    """The opcodes of a state_dict."""
    return name("collections", "OrderedDict") + b")R(" + b"".join(text(n) + tensor(v) for n, v in views.items()) + b"u"


def zip_bytes(
    pickle: bytes, storages: Mapping[str, bytes], *, method: int = zipfile.ZIP_STORED, byteorder: str = "little"
) -> bytes:
    """A checkpoint of that pickle and those storages, every entry's bytes at a multiple of 64 as torch has them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        entries = {"data.pkl": pickle, "byteorder": byteorder.encode(), **{f"data/{k}": v for k, v in storages.items()}}
        for key, data in entries.items():
            info = zipfile.ZipInfo(f"archive/{key}")
            info.compress_type = method
            padding = -(out.tell() + 30 + len(info.filename) + 4) % 64
            info.extra = struct.pack("<HH", 0x4246, padding) + b"Z" * padding
            archive.writestr(info, data)
    return out.getvalue()


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(np.prod(shape[i + 1 :], dtype=int)) for i in range(len(shape)))


def torch_bytes(tensors: Mapping[str, NDArray[Any]], dtype: str = "F32", *, wrap: str = "", prefix: str = "") -> bytes:
    """A checkpoint of arrays, each with a storage of its own; `wrap` is the key that holds them."""
    kinds: dict[str, Any] = {"F32": "<f4", "F16": "<f2"}
    views, storages = {}, {}
    for i, (key, values) in enumerate(tensors.items()):
        views[prefix + key] = View(str(i), dtype, 0, values.shape, contiguous(values.shape))
        storages[str(i)] = values.astype(kinds[dtype]).tobytes()
    body = state(views)
    body = b"}(" + text("epoch") + b"K\x03" + text(wrap) + body + b"u" if wrap else body
    return zip_bytes(START + body + STOP, storages)


MAGIC = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"


def legacy_bytes(
    pickle: bytes, storages: Mapping[str, bytes], itemsize: int = 4, *, keys: bytes | None = None, machine: bytes = b"}"
) -> bytes:
    """A checkpoint as torch before 1.6 wrote it: five pickles, then a count and the values of every storage."""
    listed = b"](" + b"".join(map(text, storages)) + b"e" if keys is None else keys
    head = START + MAGIC + STOP + START + number(1001) + STOP + START + machine + STOP + pickle + START + listed + STOP
    return head + b"".join(struct.pack("<q", len(data) // itemsize) + data for data in storages.values())


def made(module: str, attribute: str, *arguments: bytes, state: bytes | None = None) -> bytes:
    """The opcodes of an object of another class, with the state that is set on it."""
    return name(module, attribute) + tuple_of(*arguments) + b"\x81" + (state + b"b" if state is not None else b"")


def mapping(**values: bytes) -> bytes:
    """The opcodes of a dictionary."""
    return b"}(" + b"".join(text(key) + value for key, value in values.items()) + b"u"
