"""The values that each threshold is given: its own one, and two steps to either side, kept inside what is valid."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

FACTORS = (0.5, 0.8, 1.0, 1.25, 2.0)
DIGITS = 6
"""Significant digits of values as text; values at which something is measured are rounded to so many."""
NO_SHARE = frozenset({"HALF_STEP_OF_ROUNDING", "MERGE_ROUNDED_ONCE"})
"""Thresholds between 0.5 and 1 that are no shares, probabilities or correlations: they may pass 1."""


def steps(name: str, value: object) -> dict[float, object]:
    """Factor -> value, at the factor 1 the threshold as it is; factors that give a value a second time are left out.

    Numbers are multiplied. Shares, probabilities and correlations above 0.5 keep off 1 by a multiple of what they do
    now, as 0.95 to 0.99 is a larger step than 0.5 to 0.54; whole numbers are rounded, and the nearest other one is
    taken where that is the number itself; the ends of a range move away from its middle.
    """
    found: dict[float, object] = {}
    for factor in FACTORS:
        stepped = value if factor == 1 else _stepped(name, value, factor)
        if factor == 1 or text(stepped) not in {text(one) for one in [value, *found.values()]}:
            found[factor] = stepped
    return found


def _stepped(name: str, value: object, factor: float) -> object:
    match value:
        case bool():
            raise TypeError(f"{name}: a truth value has no steps")
        case int():
            moved = round(value * factor)
            return moved if moved != value else max(0, value + (1 if factor > 1 else -1))
        case float() if 0.5 < value < 1 and name not in NO_SHARE:
            return _rounded(1 - (1 - value) * factor)
        case float():
            return _rounded(value * factor)
        case tuple():
            low, high = value
            middle, half = (low + high) / 2, (high - low) / 2
            return _rounded(middle - factor * half), _rounded(middle + factor * half)
        case Mapping():
            return {key: _stepped(name, one, factor) for key, one in value.items()}
        case np.ndarray():
            return np.clip(value * factor, None, 0.99) if value.max() < 1 else value * factor
    raise TypeError(f"{name}: {type(value).__name__} has no steps")


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def text(value: object) -> str:
    """A value as it stands in the table, to DIGITS significant digits."""
    match value:
        case float() | np.floating():
            return f"{value:.{DIGITS}g}"
        case Mapping():
            return ", ".join(f"{key}: {text(one)}" for key, one in value.items())
        case tuple() | list():
            return " to ".join(text(one) for one in value)
        case np.ndarray():
            return " ".join(text(one) for one in value.tolist())
    return str(value)
