"""The coarse sketch of a component: what one scan of the registry compares.

A role's vectors, standardised, are summed over all blocks and kept as signs. The order of layers, their number and
copies of experts do not matter to a sum.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..adapters import ADAPTER
from . import TensorFingerprint
from .gram import COSINES
from .minhash import PERMUTATIONS, union
from .positions import MATRIX_VALUES

POSITION_ROLES = ("q", "k", "v", "o", "gate", "up", "down")
GRAM_ROLES = ("q", "k", "v", "gate", "up")


@dataclass(frozen=True, slots=True)
class Sketch:
    """Signs of one component: `positions` 7 x 256 bits and `gram` 5 x 120 bits, packed; `minhash` uint32 [64].

    Bit i of `position_roles` says that POSITION_ROLES[i] takes part; the bits of a role that does not are 0.
    """

    component: str
    position_roles: int
    gram_roles: int
    positions: bytes
    gram: bytes
    minhash: NDArray[np.uint32]


def sketches(tensors: Iterable[TensorFingerprint]) -> list[Sketch]:
    """One sketch for every component that has layers."""
    components: dict[str, list[TensorFingerprint]] = defaultdict(list)
    for tensor in tensors:
        if tensor.named.place.layer is not None and tensor.positions is not None:
            components[tensor.named.place.component].append(tensor)
    return [_sketch(component, found) for component, found in sorted(components.items())]


def _sketch(component: str, tensors: list[TensorFingerprint]) -> Sketch:
    positions, position_roles = _signs(
        {r: [t.positions for t in tensors if _is(t, r) and t.sampled == MATRIX_VALUES] for r in POSITION_ROLES},
        MATRIX_VALUES,
    )
    grams, gram_roles = _signs({r: [t.gram for t in tensors if _is(t, r)] for r in GRAM_ROLES}, COSINES)
    codes = [t.minhash for t in tensors if t.minhash is not None]
    empty = np.full(PERMUTATIONS, 0xFFFFFFFF, np.uint32)
    return Sketch(component, position_roles, gram_roles, positions, grams, union(np.stack(codes)) if codes else empty)


def _is(tensor: TensorFingerprint, role: str) -> bool:
    place = tensor.named.place
    return place.role == role and (not place.slot or place.component == ADAPTER)


def _signs(vectors: dict[str, list[NDArray[np.float32] | NDArray[np.int16] | None]], width: int) -> tuple[bytes, int]:
    """The packed signs of the sum of standardised vectors, a role after another, and the mask of roles with any."""
    signs = np.zeros((len(vectors), width), np.bool_)
    mask = 0
    for number, found in enumerate(vectors.values()):
        if usable := [v for v in found if v is not None]:
            rows = np.stack(usable).astype(np.float64)
            rows -= rows.mean(axis=1, keepdims=True)
            deviation = rows.std(axis=1, keepdims=True)
            signs[number] = (rows / np.where(deviation > 0, deviation, 1)).sum(axis=0) > 0
            mask |= 1 << number
    return np.packbits(signs).tobytes(), mask
