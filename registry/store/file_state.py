"""Whether a registry file was written to: what two calls of `stat` tell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...ingest.errors import RegistryError


@dataclass(frozen=True, slots=True)
class State:
    """What changes whenever a process writes: size and time of the file, and of the log beside it (0 without one)."""

    file: tuple[int, int]
    log: tuple[int, int]


def state_of(place: Path) -> State:
    """The state of a registry file. Raises RegistryError when it is not there."""
    try:
        found = place.stat()
    except OSError as error:
        raise RegistryError(f"{place}: no registry there ({error.strerror})") from error
    try:
        log = log_of(place).stat()
    except FileNotFoundError:
        return State((found.st_size, found.st_mtime_ns), (0, 0))
    return State((found.st_size, found.st_mtime_ns), (log.st_size, log.st_mtime_ns))


def log_of(place: Path) -> Path:
    """Where DuckDB keeps what was committed and is not in the file yet."""
    return place.with_name(place.name + ".wal")
