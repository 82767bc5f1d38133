"""MinHash of sets, through datasketch; scheme, seed and permutations are fixed with the fingerprint's version.

The set of a weight matrix is that of its *columns*: each the unordered set of its six largest of 16 magnitudes (rows
first scaled to unit RMS) with their signs. A column is a hidden unit (of q, k, v, gate, up), a neuron (of down) or a
place in a head (of o): the set survives any permutation of those, and pruning some. Ordered codes of fewer places
collide at real widths.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..hashing import splitmix64
from ..versions import MINHASH_PERMUTATIONS, MINHASH_SCHEME, MINHASH_SEED

PERMUTATIONS = MINHASH_PERMUTATIONS
PLACES = 6
"""A column's code says which so many of its 16 leading magnitudes are largest, and their signs: C(16, 6) x 2^6 =
512,512 codes.

Set on: no data; the most different codes with so few signs that noise can turn.
Measured again by: make bench-peers
"""
CODES = 256_256
"""Codes that columns are taken to use, half of all there are: what two unrelated sets of columns share by chance
follows from it. Unrelated matrices of hidden size 576 shared 0.001, twice what 512,512 equally likely codes give.

Set on: SmolLM2-135M.
Measured again by: make bench-calibration
"""
_SALTED = ("q", "k", "v", "o", "gate", "up", "down")
_CHUNK = 4096  # datasketch allocates n x permutations at once


def minhash(items: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """MinHash uint32 [64] of a set of hashes uint64 [n]; all ones for the empty set."""
    from datasketch import MinHash  # 0.65 s to import, and most commands do not need it

    sketch = MinHash(num_perm=PERMUTATIONS, seed=MINHASH_SEED, scheme=MINHASH_SCHEME, hashfunc=_identity)
    mixed = (splitmix64(np.unique(items)) >> np.uint64(32)).astype(np.uint32)
    for start in range(0, len(mixed), _CHUNK):
        sketch.update_batch(mixed[start : start + _CHUNK].tolist())
    return np.asarray(sketch.hashvalues, np.uint32)


def _identity(value: int) -> int:
    return value


def column_codes(leading: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Codes uint64 [columns that are not zero] of leading rows [16, in].

    A code holds the six rows of largest magnitude as one mask of 16 bits, and which of those are negative as another.
    Equal magnitudes (they are common after quantisation) are ordered by row, so that the code is the same everywhere.
    """
    rows = leading.shape[0]
    scale = np.sqrt(np.mean(np.square(leading, dtype=np.float64), axis=1, keepdims=True))
    scaled = (leading / np.where(scale > 0, scale, 1)).astype(np.float32)
    magnitude = np.abs(scaled).view(np.uint32).astype(np.uint64)
    row = np.arange(rows, dtype=np.uint64)[:, None]
    ordered = (magnitude << np.uint64(4)) | (np.uint64(15) - row)
    sixth = np.partition(ordered, rows - PLACES, axis=0)[rows - PLACES]
    chosen = ordered >= sixth
    mask = (chosen * (np.uint64(1) << row)).sum(axis=0, dtype=np.uint64)
    signs = ((chosen & (scaled < 0)) * (np.uint64(1) << row)).sum(axis=0, dtype=np.uint64)
    return ((mask << np.uint64(16)) | signs)[magnitude.any(axis=0)]


def column_minhash(leading: NDArray[np.float32], role: str = "") -> NDArray[np.uint32]:
    """MinHash uint32 [64] of the set of columns of leading rows [16, in], for tensors of one role.

    Roles have codes of their own: the union over all layers of a 7B model is a million columns, more than twice the
    512,512 codes there are, and would hold nearly all of them.
    """
    salt = np.uint64(_SALTED.index(role) + 1 if role in _SALTED else 0)
    return minhash(column_codes(leading) | (salt << np.uint64(32)))


def union(sketches: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """MinHash uint32 [64] of the union of sets, from their MinHashes [n, 64]."""
    return sketches.min(axis=0)
