"""What a kind of evidence is: how it is made and kept, and how two components are compared by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...ingest.fingerprint.kinds import StoredKind
from .alignment import Alignment, Pairing


@dataclass(frozen=True, slots=True)
class EvidenceKind:
    """One kind of evidence.

    `name` is that of the kind and of its column of p-values; `stored` is how it is made at ingest and kept, None where
    it is no array of fixed width a tensor. `align` compares every block of a query with every block of a
    candidate, None where they have nothing of it to compare. `correlation` turns similarities [n] into correlations of
    weights. Where `same_basis`, values stand at equal places: differences are measured, rows of tokens count with it,
    and the other kinds are asked only where it leaves something unmatched.
    """

    name: str
    align: Callable[[Pairing], Alignment | None]
    correlation: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    stored: StoredKind | None = None
    same_basis: bool = False


def unchanged(similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Similarities [n] that are correlations already."""
    return similarity
