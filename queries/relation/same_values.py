"""Whether two registered models hold the same weights, whatever files and names they are stored under."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..data.component import Component
from ..data.precision import fraction_bits, rounded_to

Place = tuple[int, int, str]
"""Layer, expert, and role with slot."""


def same_values(first: Component, second: Component) -> bool:
    """Whether all values that are kept of both are equal, as the coarser of their float types keeps them.

    Both must hold the same matrices, gains and biases, and embeddings of some tokens in common.

    *Limitation.* Of an embedding the rows of some tokens are read: others may have been trained alone.
    """
    bits = min(fraction_bits(first), fraction_bits(second))
    for kind in ("positions", "vector"):
        mine, theirs = _by_place(first, kind), _by_place(second, kind)
        if mine.keys() != theirs.keys() or not all(_equal(mine[place], theirs[place], bits) for place in mine):
            return False
    return first.tokens.keys() == second.tokens.keys() and all(_same_rows(first, second, r, bits) for r in first.tokens)


def same_tensors(first: Component, second: Component) -> bool:
    """Whether both hold the same tensors under the same names, and everything that was read of them is equal."""
    mine, theirs = (dict(zip(c.names, c.hash.tolist(), strict=True)) for c in (first, second))
    return mine == theirs


def _by_place(component: Component, kind: str) -> dict[Place, NDArray[np.float32]]:
    """The values of every tensor that has some of a kind, by where it stands."""
    evidence = component.evidence(kind)
    layers, experts = component.layer.tolist(), component.expert.tolist()
    places = ((layers[t], experts[t], component.keys[t]) for t in evidence.tensor.tolist())
    return dict(zip(places, evidence.value, strict=True))


def _same_rows(first: Component, second: Component, role: str, bits: int) -> bool:
    """Whether the rows of all tokens that both have are equal, and there are some."""
    mine, theirs = first.tokens[role], second.tokens[role]
    _, rows, others = np.intersect1d(mine.keys, theirs.keys, return_indices=True)
    return len(rows) > 0 and _equal(mine.values[rows], theirs.values[others], bits)


def _equal(first: NDArray[np.floating], second: NDArray[np.floating], bits: int) -> bool:
    mine, theirs = (rounded_to(np.asarray(values, np.float32), bits) for values in (first, second))
    return np.array_equal(mine, theirs)
