"""Pairs of neurons, counted once for each pair of models: two thirds of the time of an answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from forebear.queries.evidence import activations
from forebear.queries.evidence.activations import pair_counts
from forebear.queries.thresholds.significance import ACTIVATION_COSINES

Vectors = Sequence[NDArray[np.float32]]
Counted = tuple[NDArray[np.float64], NDArray[np.float64]]


class CountedOnce:
    """What `pair_counts` says, by what it is given: two models' vectors, and the cosines at which pairs are counted."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes, bytes], Counted] = {}

    @contextmanager
    def remembering(self, *, use: bool) -> Iterator[None]:
        """Inside, evidence by activations counts so; without `use` it counts, and what it finds is kept."""

        def counts(query: list[NDArray[np.float32]], candidate: list[NDArray[np.float32]]) -> Counted:
            key = _digest(query), _digest(candidate), ACTIVATION_COSINES.tobytes()
            if not use or key not in self._known:
                self._known[key] = pair_counts(query, candidate)
            return self._known[key]

        try:
            activations.pair_counts = counts
            yield
        finally:
            activations.pair_counts = pair_counts


def _digest(vectors: Vectors) -> bytes:
    found = blake2b(digest_size=16)
    for one in vectors:
        found.update(str(one.shape).encode())
        found.update(np.ascontiguousarray(one).tobytes())
    return found.digest()
