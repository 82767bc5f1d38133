"""The hashes that fingerprints rest on: fixed for ever, the same on every platform."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def splitmix64(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The SplitMix64 finaliser, element by element: uint64 [n] -> uint64 [n], a bijection.

    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    with np.errstate(over="ignore"):
        z = values + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def hash_bytes(items: Iterable[bytes]) -> NDArray[np.uint64]:
    """BLAKE2b of 8 bytes of each item, little-endian: uint64 [n]."""
    digests = b"".join(hashlib.blake2b(item, digest_size=8).digest() for item in items)
    return np.frombuffer(digests, "<u8").astype(np.uint64)
