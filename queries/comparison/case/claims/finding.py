"""What a measurement of a claim comes to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


class NotCheckable(Exception):
    """A claim cannot be measured here; the text says why. It never leaves `claims`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The value that was found, as a number or as words; `error` is its standard error from sampling.

    The null reaches from `null_low` to `null_high`; `null_from` names what it was measured on, in one word each:
    `shuffled`, `layers apart`, `mismatched tokens`, or a pair with a control as `a-b`.
    """

    value: float | None
    text: str = ""
    error: float = 0.0
    null_low: float | None = None
    null_high: float | None = None
    null_from: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def shown(self) -> str:
        """The value as text, with five significant digits where it is no whole number."""
        if self.value is None:
            return self.text
        if not math.isfinite(self.value):
            return "not a number"
        whole = self.value == int(self.value) and abs(self.value) < 1e15
        return str(int(self.value)) if whole else f"{self.value:.5g}"


def ranged(values: Sequence[float]) -> tuple[float | None, float | None]:
    """The lowest and the highest of those that are numbers; None without any."""
    found = [value for value in values if math.isfinite(value)]
    return (min(found), max(found)) if found else (None, None)
