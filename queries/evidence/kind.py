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

    `stored` is how it is made at ingest and kept. `align` compares every block of a query with every block of a
    candidate, None where they have nothing of it to compare. `correlation` turns similarities [n] into correlations of
    weights. Where `same_basis`, values stand at equal places: differences are measured, rows of tokens count with it,
    and the other kinds are asked only where it leaves something unmatched.
    """

    stored: StoredKind
    align: Callable[[Pairing], Alignment | None]
    correlation: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    same_basis: bool = False

    @property
    def name(self) -> str:
        """The name of the kind, of its table and of its column of p-values."""
        return self.stored.name


def unchanged(similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Similarities [n] that are correlations already."""
    return similarity
