"""What became of one input of a batch: a value, never an exception."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import ClassVar

from ...queries.answers.tabular import Tabular


@dataclass(frozen=True, slots=True)
class _Kept:
    source: str
    name: str
    tensors: int
    parameters: int
    bytes_read: int
    bytes_total: int
    requests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Ingested(_Kept):
    """The model is in the registry now; `notes` say what a person should know of it."""

    status: ClassVar[str] = "ingested"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unchanged(_Kept):
    """The model was there already, and its source is as it was. Nothing was read."""

    status: ClassVar[str] = "unchanged"


@dataclass(frozen=True, slots=True)
class _Left:
    source: str
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Skipped(_Left):
    """The source holds nothing that forebear reads."""

    status: ClassVar[str] = "skipped"


@dataclass(frozen=True, slots=True)
class Failed(_Left):
    """The source could not be read; the registry is as it was."""

    status: ClassVar[str] = "failed"


Outcome = Ingested | Unchanged | Skipped | Failed


def outcome_row(outcome: Outcome) -> dict[str, object]:
    """The outcome with the keys of the JSON contract, all of them, whatever became of it."""
    empty = {
        "name": None,
        "reason": None,
        "tensors": 0,
        "parameters": 0,
        "bytes_read": 0,
        "bytes_total": 0,
        "requests": 0,
    }
    row = {"source": outcome.source, "status": outcome.status, **empty, **asdict(outcome)}
    row.pop("notes", None)
    order = (
        "source",
        "name",
        "status",
        "reason",
        "tensors",
        "parameters",
        "bytes_read",
        "bytes_total",
        "requests",
        "seconds",
    )
    return {key: row[key] for key in order}


class Outcomes(Tabular, list[Outcome]):
    """What became of a batch: a list that is also a table."""

    __slots__ = ()

    def rows(self) -> list[dict[str, object]]:
        """A row an input, with the keys of the JSON contract."""
        return [outcome_row(outcome) for outcome in self]

    @property
    def line(self) -> str:
        """How many of what became of them."""
        counts = Counter(outcome.status for outcome in self)
        return ", ".join(f"{count} {status}" for status, count in counts.items()) or "nothing done"
