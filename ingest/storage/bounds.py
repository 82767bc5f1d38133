"""Between which values the one lay that was rounded to a stored value: what a quantised type loses, place by place.

A storage that knows it has `bounds()`; views of it take them along. Where they are known, whether a file is a rounding
of another model is told value by value, and not by the size of all errors together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .logical import Storage
from .reader import Range

BOUNDS = np.dtype([("low", np.float32), ("high", np.float32)])
"""The element type of bounds: the least and the largest value, which may be infinite."""
HALF_STEP, HALF_OF_LEAST = np.float32(2.0**-11), np.float32(2.0**-25)
"""Half a step of float16, of which most scales are: relative to a value, and of the smallest values."""
_SLACK = 2.0**-10
_EXACT = 2.0**-22

BoundValues = NDArray[np.void]
"""An array of BOUNDS."""


class Bounds(Protocol):
    """Bounds of the values of a storage, of the same rows and byte ranges."""

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """Those of the values."""
        ...

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> BoundValues:
        """The bounds [len(rows), in] of `rows`, from the bytes of `ranges(rows)` in that order."""
        ...


@dataclass(frozen=True, slots=True)
class BoundsOf:
    """Bounds that follow from the bytes of a storage's own rows: `make(rows, chunks)` gives them."""

    storage: Storage
    make: Callable[[Sequence[int], Sequence[bytes]], BoundValues]

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """Those of the values."""
        return self.storage.ranges(rows)

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> BoundValues:
        """The bounds [len(rows), in]."""
        return self.make(rows, chunks)


@runtime_checkable
class Rounded(Protocol):
    """A storage whose values are the nearest that its type can hold with the scales that it has."""

    def bounds(self) -> Bounds | None:
        """The bounds of its values; None where they are not known."""
        ...


def bounds_of(storage: Storage) -> Bounds | None:
    """The bounds of a storage's values; None where nothing says that they are the nearest of their type."""
    return storage.bounds() if isinstance(storage, Rounded) else None


def around(values: NDArray[np.float32], below: NDArray[np.float32], above: NDArray[np.float32]) -> BoundValues:
    """Bounds at distances `below` and `above`; a little more, for what arithmetic in float32 errs by.

    Distances may be infinite; where one is no number, the value is not bounded at all.
    """
    found = np.empty(values.shape, BOUNDS)
    with np.errstate(all="ignore"):
        more = np.abs(values) * np.float32(_EXACT)
        found["low"] = values - below * np.float32(1 + _SLACK) - more
        found["high"] = values + above * np.float32(1 + _SLACK) + more
    unknown = np.isnan(found["low"]) | np.isnan(found["high"])
    found["low"][unknown], found["high"][unknown] = -np.inf, np.inf
    return found
