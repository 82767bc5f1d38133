"""A copy of a registry file, made while no process writes to it.

DuckDB locks its file for writing with the system's record locks (`fcntl`). A shared lock of ours keeps writers out for
as long as copying takes, and does not keep readers out; it is refused at once while a writer is at the file (measured
with DuckDB 2.0.1 on Linux). A later copy takes over an earlier one and writes the blocks that changed alone: each
begins with a checksum of its content (DuckDB storage format, `SingleFileBlockManager`), so 8 bytes tell.

Limitations: record locks belong to a process. The server must not open the file of the registry anywhere else, as
closing it there would give the lock up. Systems without `fcntl` are refused.
"""

from __future__ import annotations

import errno
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...ingest.errors import RegistryError, RegistryInUse
from ..store.file_state import State, log_of, state_of
from ..store.sketch_file import sketch_file

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_HEADERS, _HEADER, _BLOCK = 12_288, 4_096, 262_144
"""Bytes of the three headers, of each, and of a block of DuckDB's default size, which registries have."""
_AT_ONCE = 1 << 26
_NOT_IN_KERNEL = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}
"""What the kernel says where it cannot copy between two files itself."""
_LET_IN = 0.06
"""Seconds between two slices: a process that waits to write looks every 15 to 45 ms."""


def copy_registry(place: Path, to: Path) -> State:
    """Copy the file and its log to `to`, over an earlier copy where there is one; the state that was copied.

    Nobody may read `to` meanwhile. Raises RegistryInUse while another process writes, RegistryError for what cannot be
    read or written.
    """
    try:
        _copy_slices(place, to)
        with _held(place) as source, to.open("r+b") as target:
            state = state_of(place)
            log_of(to).unlink(missing_ok=True)
            _copy(source, target.fileno(), 0, state.file[0])
            os.truncate(target.fileno(), state.file[0])
            if state.log[0]:
                log_of(to).write_bytes(log_of(place).read_bytes())
            return state
    except OSError as error:
        raise RegistryError(f"{to}: {place} cannot be copied there: {error.strerror}; is there room?") from error


def _copy_slices(place: Path, to: Path) -> None:
    """Most of the file, a slice at a time, so that a writer waits for a slice and not for gigabytes.

    What a writer changes between two slices is found by its checksums when all is compared once more.
    """
    with to.open("r+b" if to.exists() else "w+b") as target:
        begin = 0
        while True:
            with _held(place) as source:
                size = os.fstat(source).st_size
                _copy(source, target.fileno(), begin, min(size, begin + _AT_ONCE))
            begin += _AT_ONCE
            if begin >= size:
                return
            time.sleep(_LET_IN)


def remove_copy(path: Path) -> None:
    """Remove a copy, its log and its packed sketches, where they are."""
    for file in (path, log_of(path), sketch_file(path)):
        file.unlink(missing_ok=True)


@contextmanager
def _held(place: Path) -> Iterator[int]:
    """The open file, with every writer kept out."""
    if fcntl is None:
        raise RegistryError("serving a registry file needs the record locks of Linux or macOS")
    try:
        descriptor = os.open(place, os.O_RDONLY)
    except OSError as error:
        raise RegistryError(
            f"{place}: no registry there; make one with `forebear ingest` ({error.strerror})"
        ) from error
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            raise RegistryInUse(f"{place}: in use by a process that writes") from error
        yield descriptor
    finally:
        os.close(descriptor)


def _copy(source: int, target: int, start: int, end: int) -> None:
    """Make the bytes from `start` to `end` of `target` those of `source`; blocks of equal checksum are equal."""
    if start == 0:
        _move(source, target, 0, min(end, _HEADERS))
    same = os.fstat(target).st_size if _block_size(source) == _block_size(target) == _BLOCK else 0
    first = _HEADERS + -(-max(0, start - _HEADERS) // _BLOCK) * _BLOCK
    begin = None
    for at in range(first, end, _BLOCK):
        changed = at + _BLOCK > same or os.pread(source, 8, at) != os.pread(target, 8, at)
        if changed and begin is None:
            begin = at
        elif not changed and begin is not None:
            _move(source, target, begin, at)
            begin = None
    if begin is not None:
        _move(source, target, begin, min(first + -(-(end - first) // _BLOCK) * _BLOCK, os.fstat(source).st_size))


def _move(source: int, target: int, begin: int, end: int) -> None:
    in_kernel = hasattr(os, "copy_file_range")  # Linux: no bytes pass through this process
    while begin < end:
        count = min(_AT_ONCE, end - begin)
        try:
            way = os.copy_file_range if in_kernel else _moved
            moved = way(source, target, count, begin, begin)
        except OSError as error:
            if not in_kernel or error.errno not in _NOT_IN_KERNEL:
                raise
            in_kernel = False
            continue
        if not moved:
            raise OSError(errno.EIO, "the file ends early")
        begin += moved


def _moved(source: int, target: int, count: int, begin: int, to: int) -> int:
    return os.pwrite(target, os.pread(source, count, begin), to)


def _block_size(descriptor: int) -> int:
    """The block size that the newer of the two database headers tells; 0 for what has none.

    A header is a checksum, then as 64-bit numbers its iteration, the meta block, the free list, the count of blocks and
    their size.
    """
    found = (0, 0)
    for at in (_HEADER, 2 * _HEADER):
        header = os.pread(descriptor, 48, at)
        if len(header) == 48:
            numbers = struct.unpack("<6Q", header)
            found = max(found, (numbers[1], numbers[5]))
    return found[1]
