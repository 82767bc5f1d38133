"""What a format finds in one file."""

from __future__ import annotations

from dataclasses import dataclass

from ..storage import LogicalTensor


@dataclass(frozen=True, slots=True)
class SkippedTensor:
    """A tensor that is there and cannot be read, with the reason."""

    name: str
    parameters: int
    reason: str


@dataclass(frozen=True, slots=True)
class Contents:
    """The tensors of one file, from its header."""

    tensors: tuple[LogicalTensor, ...]
    skipped: tuple[SkippedTensor, ...] = ()
