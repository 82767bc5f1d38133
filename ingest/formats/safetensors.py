"""safetensors: an 8-byte length, a JSON table of tensors, their bytes. Everything in the table is checked.

Limitations: tensors of 6-bit and complex types are named in the skipped list, not decoded.

Source: the format's own description, https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any

from ..budget import HEADER_BYTES, HEADER_TENSORS, TENSORS, charge, require, require_json
from ..errors import FormatError
from ..storage.dtypes import BITS, UNDECODABLE, nbytes
from ..storage.logical import LogicalTensor, RowMajor
from ..storage.reader import Reader
from ..storage.skipped import SkippedTensor
from ..text import printable
from .contents import Contents

FIRST_READ = 100_000
"""One read of this size holds the header of most files (the figure that huggingface_hub uses)."""
TENSOR_LIMIT = 1_000_000
NAME_LIMIT = 1024
"""Characters of a tensor's name; the longest published ones are below 200, and patterns are matched against them."""


def read_safetensors(reader: Reader, file: str) -> Contents:
    """The tensors of one file, from its header alone.

    Raises FormatError for a header that is too long, is not the JSON it should be, or whose offsets are negative,
    overlap, leave holes, disagree with shape x dtype, or end elsewhere than the file.
    """
    header, start = _read_header(reader, file)
    charge(TENSORS, len(header), file)
    charge(HEADER_TENSORS, len(header), file)
    tensors: list[LogicalTensor] = []
    skipped: list[SkippedTensor] = []
    spans: list[tuple[int, int, str]] = []
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if len(name) > NAME_LIMIT:
            raise FormatError(f"{file}: a tensor's name of {len(name)} characters is over the limit of {NAME_LIMIT}")
        dtype, shape, begin, end = _check_entry(entry, printable(name), file)
        spans.append((begin, end, name))
        columns = math.prod(shape[1:]) if len(shape) > 1 else math.prod(shape)
        if dtype in UNDECODABLE:
            skipped.append(SkippedTensor(printable(name), math.prod(shape), f"values of type {dtype} are not decoded"))
        elif dtype == "F4" and columns % 2:
            skipped.append(SkippedTensor(printable(name), math.prod(shape), "4-bit rows that share bytes"))
        else:
            tensors.append(LogicalTensor(name, dtype, shape, RowMajor(file, start + begin, dtype, columns)))
    _check_spans(spans, reader.size - start, file)
    return Contents(tuple(tensors), tuple(skipped))


def _read_header(reader: Reader, file: str) -> tuple[dict[str, Any], int]:
    if reader.size < 8:
        raise FormatError(f"{file}: {reader.size} bytes cannot be a safetensors file; was the download cut?")
    first = reader.read(0, min(reader.size, FIRST_READ))
    (length,) = struct.unpack("<Q", first[:8])
    if length > reader.size - 8:
        raise FormatError(f"{file}: the header claims {length} bytes, the file has {reader.size}; download it again")
    require(HEADER_BYTES, length, f"{file}: its header")
    text = first[8 : 8 + length]
    if len(text) < length:
        text += reader.read(8 + len(text), length - len(text))
    require_json(text, f"{file}: its header")
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=lambda pairs: _no_duplicates(pairs, file))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{file}: the header is not valid JSON ({type(error).__name__})") from error
    if not isinstance(header, dict):
        raise FormatError(f"{file}: the header is not a JSON object")
    if len(header) > TENSOR_LIMIT:
        raise FormatError(f"{file}: {len(header)} tensors are over the limit of {TENSOR_LIMIT}")
    return header, 8 + length


def _no_duplicates(pairs: list[tuple[str, Any]], file: str) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        seen: set[str] = set()
        twice = next(k for k, _ in pairs if k in seen or seen.add(k))  # type: ignore[func-returns-value]
        raise FormatError(f"{file}: the header names {printable(twice)!r} twice")
    return entries


def _check_entry(entry: object, name: str, file: str) -> tuple[str, tuple[int, ...], int, int]:
    where = f"{file}: tensor {name!r}"
    if not isinstance(entry, dict):
        raise FormatError(f"{where}: its entry is not an object")
    dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in BITS:
        raise FormatError(f"{where}: unknown dtype {printable(str(dtype), 40)!r}")
    if not isinstance(shape, list) or len(shape) > 64 or not _are_sizes(shape):
        raise FormatError(f"{where}: its shape is not a list of sizes")
    if not isinstance(offsets, list) or len(offsets) != 2 or not _are_sizes(offsets):
        raise FormatError(f"{where}: its data_offsets are not two places in the file")
    begin, end = offsets
    if end - begin != nbytes(dtype, math.prod(shape)):
        raise FormatError(f"{where}: {end - begin} bytes at {begin} do not hold {dtype} {shape}")
    return dtype, tuple(shape), begin, end


def _are_sizes(values: list[Any]) -> bool:
    """Whether all are numbers of 63 bits."""
    return not values or (set(map(type, values)) == {int} and min(values) >= 0 and max(values) < 1 << 63)


def _check_spans(spans: list[tuple[int, int, str]], size: int, file: str) -> None:
    """Tensors must tile the data part: no overlap, no hole, nothing behind the last."""
    at = 0
    for begin, end, name in sorted(spans):
        if begin != at:
            what = "overlaps the one before it" if begin < at else f"leaves a hole of {begin - at} bytes before it"
            raise FormatError(f"{file}: tensor {printable(name)!r} at offset {begin} {what}")
        at = end
    if at != size:
        what = f"{at - size} bytes are missing; download it again" if at > size else f"{size - at} bytes too many"
        raise FormatError(f"{file}: the tensors end at {at} of {size} bytes of data: {what}")
