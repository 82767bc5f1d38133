"""The directory of a zip file through a Reader: names, places and sizes. Nothing is unpacked.

Source: APPNOTE.TXT of PKWARE, 4.3 (records) and 4.5.3 (zip64).

Limitations: archives over several disks are refused.
"""

from __future__ import annotations

import itertools
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..budget import ENTRIES, ZIP_DIRECTORY, charge, require
from ..errors import FormatError
from ..storage.reader import Reader

_TAIL = 1024
_LONGEST_TAIL = 22 + 65_535
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_END_MARK = re.compile(b"PK\x05\x06")
_FULL, _FULL_SHORT = 0xFFFFFFFF, 0xFFFF


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the archive: where its local header stands, and how its bytes are kept (`method` 0: as they are)."""

    name: str
    method: int
    flags: int
    stored: int
    size: int
    header: int


def read_directory(reader: Reader, file: str) -> dict[str, Entry]:
    """The entries by name.

    Raises FormatError for what is no zip, a directory outside the file or over a limit, and names that come twice.
    """
    count, size, offset = _end(reader, file)
    if count * _CENTRAL.size > size or offset + size > reader.size:
        raise FormatError(f"{file}: a zip directory of {count} entries and {size} bytes at {offset} cannot be read")
    require(ZIP_DIRECTORY, size, file)
    charge(ENTRIES, count, file)
    data = reader.read(offset, size)
    entries: dict[str, Entry] = {}
    at = 0
    for _ in range(count):
        entry, at = _entry(data, at, file)
        if entry.name in entries:
            raise FormatError(f"{file}: the zip directory names an entry twice")
        if entry.header + _LOCAL.size + entry.stored > reader.size:
            raise FormatError(f"{file}: a zip entry of {entry.stored} bytes at {entry.header} ends behind the file")
        entries[entry.name] = entry
    return entries


def _end(reader: Reader, file: str) -> tuple[int, int, int]:
    """(entries, bytes, offset) of the directory."""
    for most in (_TAIL, _LONGEST_TAIL):
        length = min(most, reader.size)
        tail = reader.read(reader.size - length, length) if length else b""
        place = _end_record(tail, last=most == _LONGEST_TAIL)
        if place >= 0:
            break
    else:
        raise FormatError(f"{file}: not a zip file, or cut at its end; download it again")
    _, disk, other, _, count, size, offset, _ = _END.unpack_from(tail, place)
    if disk not in (0, _FULL_SHORT) or other not in (0, _FULL_SHORT):
        raise FormatError(f"{file}: a zip file over several disks is not read")
    if count == _FULL_SHORT or size == _FULL or offset == _FULL:
        return _end64(reader, reader.size - length + place - _LOCATOR.size, file)
    return count, size, offset


def _end_record(tail: bytes, *, last: bool) -> int:
    """Where the end record stands: the last one whose comment reaches to the end of the file; -1 where none does.

    A comment may hold what looks like a record. With `last`, where no comment fits, the last record counts, as bytes
    may follow it.
    """
    places = [found.start() for found in _END_MARK.finditer(tail) if found.start() <= len(tail) - _END.size]
    fitting = (p for p in reversed(places) if p + _END.size + _END.unpack_from(tail, p)[-1] == len(tail))
    return next(fitting, places[-1] if places and last else -1)


def _end64(reader: Reader, locator: int, file: str) -> tuple[int, int, int]:
    if locator >= 0:
        mark, _, place, _ = _LOCATOR.unpack(reader.read(locator, _LOCATOR.size))
        if mark == b"PK\x06\x07" and place + _END64.size <= reader.size:
            mark, *_, count, size, offset = _END64.unpack(reader.read(place, _END64.size))
            if mark == b"PK\x06\x06":
                return count, size, offset
    raise FormatError(f"{file}: the end record of this large zip file is broken; download it again")


def _entry(data: bytes, at: int, file: str) -> tuple[Entry, int]:
    if at + _CENTRAL.size > len(data) or data[at : at + 4] != b"PK\x01\x02":
        raise FormatError(f"{file}: the zip directory is broken at byte {at}")
    fields = _CENTRAL.unpack_from(data, at)
    _, _, _, flags, method, _, _, _, stored, size, names, extras, comments, _, _, _, header = fields
    begin = at + _CENTRAL.size
    end = begin + names + extras + comments
    if end > len(data):
        raise FormatError(f"{file}: the zip directory is broken at byte {at}")
    name = data[begin : begin + names].decode("utf-8", "replace")
    size, stored, header = _wide((size, stored, header), data[begin + names : begin + names + extras], file)
    return Entry(name, method, flags, stored, size, header), end


def _wide(values: Sequence[int], extra: bytes, file: str) -> list[int]:
    """The values, those that are full replaced from the zip64 field, in its order."""
    found = list(values)
    wanted = [i for i, value in enumerate(values) if value == _FULL]
    at = 0
    while wanted and at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1 and length >= 8 * len(wanted) and at + 4 + length <= len(extra):
            for place, value in zip(wanted, struct.unpack_from(f"<{len(wanted)}Q", extra, at + 4), strict=True):
                found[place] = value
            return found
        at += 4 + length
    if wanted:
        raise FormatError(f"{file}: a zip entry over 4 GB lacks its 64-bit sizes")
    return found


def stored_at(reader: Reader, entries: Mapping[str, Entry], names: Sequence[str], file: str) -> dict[str, int]:
    """Where the bytes of entries begin that are stored as they are.

    A local header says where; its length differs from what the directory has. Where entries follow one another without
    gaps, as torch writes them, the next header says it too: if that holds for the first, the last and one between,
    it is taken for all, and a few headers are read instead of one a tensor. Raises FormatError for compressed or
    encrypted entries, and for headers that are none.
    """
    for name in names:
        if entries[name].method or entries[name].flags & 1 or entries[name].size != entries[name].stored:
            raise FormatError(
                f"{file}: its entries are compressed or encrypted; only stored ones are read. Save it again"
            )
    guessed = _guessed(entries)
    ordered = sorted(names, key=lambda n: entries[n].header)
    sample = {ordered[0], ordered[len(ordered) // 2], ordered[-1]} if ordered else set()
    found = {name: _behind_header(reader, entries[name], file) for name in sorted(sample)}
    if all(found[name] == guessed.get(name) for name in sample):
        return {name: guessed[name] for name in names if name in guessed} | found
    return {name: found.get(name) or _behind_header(reader, entries[name], file) for name in names}


def _guessed(entries: Mapping[str, Entry]) -> dict[str, int]:
    """The begin of each entry's bytes by the header that follows it."""
    ordered = sorted(entries.values(), key=lambda e: e.header)
    places: dict[str, int] = {}
    for entry, following in itertools.pairwise(ordered):
        descriptor = 0 if not entry.flags & 8 else 24 if entry.size >= _FULL or entry.header >= _FULL else 16
        begin = following.header - descriptor - entry.stored
        if begin >= entry.header + _LOCAL.size + len(entry.name.encode()):
            places[entry.name] = begin
    return places


def _behind_header(reader: Reader, entry: Entry, file: str) -> int:
    mark, *_, names, extras = _LOCAL.unpack(reader.read(entry.header, _LOCAL.size))
    begin = entry.header + _LOCAL.size + names + extras
    if mark != b"PK\x03\x04" or begin + entry.stored > reader.size:
        raise FormatError(f"{file}: a zip entry at {entry.header} has a broken header; download it again")
    return begin
