"""Rows of two embeddings for the same tokens, kept while the embeddings pass by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ....ingest.metadata.tokenizer import Tokenizer
from ....ingest.names.naming import NamedTensor
from ...thresholds.comparison import ALIGNED_TOKENS
from .pairing import TensorPair

if TYPE_CHECKING:
    from ....ingest.reading.digest import Block


class SharedTokens:
    """Rows of two embeddings for at most ALIGNED_TOKENS tokens that both vocabularies have, those of lowest hash."""

    def __init__(
        self,
        tokenizers: tuple[Tokenizer | None, Tokenizer | None],
        named: tuple[Sequence[NamedTensor], Sequence[NamedTensor]],
        component: str,
    ) -> None:
        self._component = component
        self._wanted: list[NDArray[np.int64]] = []
        self._kept: list[list[Block]] = [[], []]
        self._reason = "a model has no embedding"
        if tokenizers[0] is None or tokenizers[1] is None:
            self._reason = "a model has no tokenizer"
            return
        a, b = tokenizers[0].vocabulary(), tokenizers[1].vocabulary()
        _, mine, theirs = np.intersect1d(a.keys, b.keys, return_indices=True)
        ids = np.stack([a.ids[mine], b.ids[theirs]], axis=1)
        limits = [_rows(tensors, component) for tensors in named]
        ids = ids[(ids >= 0).all(axis=1) & (ids < limits).all(axis=1)][:ALIGNED_TOKENS]
        self._wanted = [ids[:, 0], ids[:, 1]]

    def wants(self, pair: TensorPair) -> bool:
        """Whether a pair is the embedding of the component."""
        return bool(self._wanted) and pair.place.component == self._component and pair.place.role == "embed"

    def add(self, pair: TensorPair, side: int, start: int, block: Block) -> None:
        """Keep the wanted rows of a block, float32 [rows, width], in the order of their ids."""
        ids = self._wanted[side]
        inside = np.sort(ids[(ids >= start) & (ids < start + len(block))]) - start
        self._kept[side].append(block[inside])

    def rows(self) -> tuple[Block, Block] | str:
        """Rows of the same tokens of both models, float32 [tokens, width] each, or the reason why there are none."""
        if not self._wanted or not all(self._kept):
            return self._reason
        found = []
        for ids, kept in zip(self._wanted, self._kept, strict=True):
            rows = np.concatenate(kept)
            if len(rows) != len(ids):
                return "a model has several embeddings"
            found.append(np.nan_to_num(rows[np.argsort(np.argsort(ids, kind="stable"), kind="stable")]))
        return found[0], found[1]


def _rows(named: Sequence[NamedTensor], component: str) -> int:
    return max(
        (n.tensor.matrix[0] for n in named if n.place.component == component and n.place.role == "embed"), default=0
    )
