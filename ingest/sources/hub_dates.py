"""Dates as Hubs write them, and which of them say when a model was published.

huggingface_hub reads the one spelling of the real Hub and raises for any other, so that a mirror's offset would cost
the model. Here every ISO 8601 spelling is understood; what is none is left out of the answer, and said.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ..text import printable

_FIELDS = ("createdAt", "lastModified")
_AHEAD = timedelta(days=1)
"""How far a date may lie in the future: clocks and time zones of two machines differ by hours."""


def claimed(date: datetime | None) -> datetime | None:
    """A date that may be one of publication, with its zone; None for what cannot be.

    The ends of a calendar (years 1, 1970, 9999) are what programs write for a date that they do not have, and nothing
    that is read was published after tomorrow.
    """
    return date if date is not None and 1970 < date.year < 9000 and not is_future(date) else None


def is_future(date: datetime) -> bool:
    """Whether a date with a zone lies more than a day ahead of this machine's clock."""
    return date > datetime.now(UTC) + _AHEAD


def respell(answer: object) -> list[str]:
    """Write the dates of a model, or of a list of models, in the Hub's spelling, in place; a note a date that is none.

    A date without a zone is taken as UTC, and one without a time as its midnight. What has no digit at all stays as it
    is: that is the answer of something else than a Hub.
    """
    notes: list[str] = []
    for said in answer if isinstance(answer, list) else [answer]:
        if isinstance(said, dict):
            notes += _respelt(said)
    return notes


def _respelt(said: dict[str, object]) -> Iterator[str]:
    for field in _FIELDS:
        value = said.get(field)
        if value in (None, "") or (isinstance(value, str) and not any(c.isdigit() for c in value)):
            continue
        if (date := _parsed(value)) is None:
            del said[field]
            yield f"its {field} {printable(repr(value), 60)} is not understood: no date is kept"
        else:
            said[field] = f"{date.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _parsed(value: object) -> datetime | None:
    """The moment in UTC of an ISO 8601 text."""
    if not isinstance(value, str):
        return None
    try:
        date = datetime.fromisoformat(value)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
