"""The coarse sketch of a component: what one scan of the registry compares.

A role's vectors, standardised, are summed over all blocks and kept as signs. The order of layers, their number and
copies of experts do not matter to a sum. The inputs of `o` and `down` (places of heads, neurons) may be permuted, and
neither has gram: of their column sets the sketch keeps a MinHash of the union over layers, a byte a permutation.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..names.naming import ADAPTER
from . import TensorFingerprint
from .gram import COSINES
from .minhash import CODES, PERMUTATIONS, union
from .positions import MATRIX_VALUES

POSITION_ROLES = ("q", "k", "v", "o", "gate", "up", "down")
GRAM_ROLES = ("q", "k", "v", "gate", "up")
COLUMN_ROLES = ("o", "down")
_MIXER = np.uint32(2654435761)
"""Knuth's multiplier: minima of large sets are small numbers, whose own bits are not random."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """Signs of one component: `positions` 7 x 256 bits and `gram` 5 x 120 bits, packed; `minhash` uint32 [64].

    Bit i of `position_roles` says that POSITION_ROLES[i] takes part; the bits of a role that does not are 0.
    `columns` holds the 64 bytes of `o`, then those of `down`, 0 without any; `o_filled` and `down_filled` are the
    shares of all codes that sets of so many random columns hold, 0 without any: how alike unrelated sets are.
    """

    component: str
    position_roles: int
    gram_roles: int
    positions: bytes
    gram: bytes
    minhash: NDArray[np.uint32]
    columns: bytes
    o_filled: float
    down_filled: float


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
    sets = [_column_set([t for t in tensors if t.named.place.role == r]) for r in COLUMN_ROLES]
    return Sketch(
        component,
        position_roles,
        gram_roles,
        positions,
        grams,
        union(np.stack(codes)) if codes else empty,
        b"".join(packed for packed, _ in sets),
        *(filled for _, filled in sets),
    )


def _column_set(tensors: list[TensorFingerprint]) -> tuple[bytes, float]:
    """The bytes of the union of column sets, and the share of all codes that it holds if columns are random."""
    found = [(t.minhash, t.named.tensor.shape) for t in tensors if t.minhash is not None]
    if not found:
        return bytes(PERMUTATIONS), 0.0
    columns = sum(math.prod(shape[1:]) for _, shape in found)
    return column_bytes(union(np.stack([m for m, _ in found]))).tobytes(), -math.expm1(-columns / CODES)


def column_bytes(minhash: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """MinHashes of column sets as bytes, of the same shape: bits that agree by chance where the values differ."""
    return ((minhash * _MIXER) >> np.uint32(24)).astype(np.uint8)


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
