"""Values at fixed hashed places: the evidence that fine-tuning, quantisation and merging leave in place."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..hashing import splitmix64

MATRIX_VALUES = 256
"""Values of a matrix that are kept, at places that its shape alone decides. The correlation of two unrelated
matrices then strays by 0.06.

Set on: no data; 1 kB a matrix.
Measured again by: make bench-scale
"""
VECTOR_VALUES = 64
"""Values of a vector (a norm's gains, a bias) that are kept.

Set on: no data.
Measured again by: make bench-scale
"""
TOKEN_VALUES = 64
"""Values of a token's row in an embedding or a head that are kept.

Set on: no data.
Measured again by: make bench-scale
"""


def kernel_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """What two matrices of networks must share to be compared: a kernel of one row more or less is the same kernel.

    >>> kernel_shape((128, 64, 1, 3)) == kernel_shape((128, 64, 3))
    True
    """
    return (*shape[:1], *(size for size in shape[1:] if size != 1))


@lru_cache(maxsize=256)
def places(rows: int, columns: int, count: int) -> NDArray[np.int64]:
    """The `count` places, ascending, of a [rows, columns] block flattened by rows; all of them when there are fewer.

    The same for every tensor of that shape: those of lowest hash.
    """
    total = rows * columns
    if total <= count:
        return np.arange(total)
    seed = splitmix64(np.array([(rows << 40) ^ columns], np.uint64))
    keys = splitmix64(np.arange(total, dtype=np.uint64) ^ seed)
    return np.sort(np.argpartition(keys, count)[:count])


def sample(block: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """The values float32 [count] of `block` [rows, columns] at its places, padded with zeros when it has fewer."""
    rows, columns = block.shape
    values = np.zeros(count, np.float32)
    found = block.reshape(-1)[places(rows, columns, count)]
    values[: len(found)] = found
    return values
