"""The coarse sketch of a component: what one scan of the registry compares.

A role's vectors, standardised, are summed over all blocks and kept as signs. The order of layers, their number and
copies of experts do not matter to a sum. The inputs of `o` and `down` (places of heads, neurons) may be permuted, and
neither has gram: of their column sets the sketch keeps a MinHash of the union over layers, a byte a permutation.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..hashing import hash_bytes
from ..names.naming import ADAPTER
from . import TensorFingerprint, TokenRows
from .gram import COSINES
from .minhash import CODES, PERMUTATIONS, union
from .positions import MATRIX_VALUES, TOKEN_VALUES, kernel_shape

POSITION_ROLES = ("q", "k", "v", "o", "gate", "up", "down")
GRAM_ROLES = ("q", "k", "v", "gate", "up")
COLUMN_ROLES = ("o", "down")
_TOKEN_GROUPS = MATRIX_VALUES // TOKEN_VALUES
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


def sketches(tensors: Iterable[TensorFingerprint], tokens: Iterable[TokenRows] = ()) -> list[Sketch]:
    """One sketch for every component that has layers; of a model without any, for every one that has values."""
    tensors = list(tensors)
    components: dict[str, list[TensorFingerprint]] = defaultdict(list)
    for tensor in tensors:
        if tensor.named.place.layer is not None and tensor.positions is not None:
            components[tensor.named.place.component].append(tensor)
    if components:
        return [_sketch(component, found) for component, found in sorted(components.items())]
    return [_network_sketch(component, found) for component, found in sorted(_buckets(tensors, tokens).items())]


_Rows = list[NDArray[np.float32] | NDArray[np.int16] | None]
_Buckets = dict[str, _Rows]


def _buckets(tensors: Iterable[TensorFingerprint], tokens: Iterable[TokenRows]) -> dict[str, _Buckets]:
    """Component -> bucket of POSITION_ROLES -> values [256]: of matrices by their shape, of token rows in the first.

    There are no roles without layers, so what stands in for them is a hash of the shape.
    """
    found: dict[str, _Buckets] = defaultdict(lambda: {role: [] for role in POSITION_ROLES})
    for tensor in tensors:
        if tensor.positions is not None:
            shape = hash_bytes([repr(kernel_shape(tensor.named.tensor.shape)).encode()])[0]
            role = POSITION_ROLES[int(shape % np.uint64(len(POSITION_ROLES)))]
            found[tensor.named.place.component][role].append(tensor.positions)
    for rows in tokens:
        groups = (rows.keys % np.uint64(_TOKEN_GROUPS)).astype(np.int64)
        sums = [rows.values[groups == g].sum(axis=0) for g in range(_TOKEN_GROUPS)]
        found[rows.named.place.component][POSITION_ROLES[0]].append(np.concatenate(sums).astype(np.float32))
    return found


def _network_sketch(component: str, buckets: _Buckets) -> Sketch:
    positions, mask = _signs(buckets, MATRIX_VALUES)
    empty = np.full(PERMUTATIONS, 0xFFFFFFFF, np.uint32)
    grams = bytes(len(GRAM_ROLES) * COSINES // 8)
    return Sketch(component, mask, 0, positions, grams, empty, bytes(len(COLUMN_ROLES) * PERMUTATIONS), 0.0, 0.0)


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


def _signs(vectors: Mapping[str, _Rows], width: int) -> tuple[bytes, int]:
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
