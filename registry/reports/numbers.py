"""Numbers as people read them, and values as JSON can hold them."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal

from ...queries.answers.wording import evalue, share

__all__ = ["counted", "evalue", "parameters", "plain", "share", "size"]


def size(count: float, unit: str = "B") -> str:
    """A count with a decimal prefix: `13.5 GB`, `494.6 kB`, `392 B`."""
    for prefix in ("", "k", "M", "G", "T"):
        if abs(count) < 999.95 or prefix == "T":
            break
        count /= 1000
    return f"{count:.0f} {prefix}{unit}".strip() if prefix == "" else f"{count:.1f} {prefix}{unit}"


def counted(count: int, noun: str) -> str:
    """A count with its noun: `1 row`, `2 rows`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def parameters(count: int) -> str:
    """A count of parameters: `392.7k`, `6.7B`."""
    return size(count, "").replace(" ", "").replace("G", "B")


def plain(value: object) -> object:
    """`value` as JSON can hold it: tuples as lists, NaN and infinity as null, times in ISO 8601, bytes in base64."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case Decimal():
            return (
                plain(int(value) if value == value.to_integral_value() else float(value)) if value.is_finite() else None
            )
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case _:  # a number of numpy, or what only SQL has
            item = getattr(value, "item", None)
            return plain(item()) if callable(item) else str(value)
