"""The pieces of a SentencePiece model: the one field that is needed of its protocol buffer, read with bounds.

Source: sentencepiece_model.proto; ModelProto.pieces is field 1, in it piece = 1 (string) and type = 3 (enum).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..budget import TOKENS, require
from ..errors import FormatError

_CONTROL, _UNKNOWN = 3, 2


def looks_like(data: bytes) -> bool:
    """Whether the file starts with a piece, as every SentencePiece model does (tiktoken files are text)."""
    return data[:1] == b"\x0a"


def pieces(data: bytes, where: str) -> tuple[list[str], frozenset[str]]:
    """All pieces in the order of their ids, and those that are control symbols. Raises FormatError."""
    found: list[str] = []
    specials: set[str] = set()
    for field, value in _fields(data, where):
        if field != 1 or not isinstance(value, bytes):
            continue
        text, kind = "", 1
        for inner, part in _fields(value, where):
            if inner == 1 and isinstance(part, bytes):
                text = part.decode("utf-8", "replace")
            elif inner == 3 and isinstance(part, int):
                kind = part
        found.append(text)
        require(TOKENS, len(found), where)
        if kind in (_CONTROL, _UNKNOWN):
            specials.add(text)
    return found, frozenset(specials)


def _fields(data: bytes, where: str) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at, where)
        wire = key & 7
        if wire == 0:
            value, at = _varint(data, at, where)
            yield key >> 3, value
            continue
        length, at = _varint(data, at, where) if wire == 2 else ({1: 8, 5: 4}.get(wire, -1), at)
        if length < 0 or at + length > len(data):
            raise FormatError(f"{where} is not a SentencePiece model (field of {length} bytes at {at})")
        yield key >> 3, data[at : at + length]
        at += length


def _varint(data: bytes, at: int, where: str) -> tuple[int, int]:
    value = 0
    for i, byte in enumerate(data[at : at + 10]):
        value |= (byte & 127) << (7 * i)
        if byte < 128:
            return value, at + i + 1
    raise FormatError(f"{where} is not a SentencePiece model (number cut short at {at})")
