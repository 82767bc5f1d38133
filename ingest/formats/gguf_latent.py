"""Keys and values of a latent attention (DeepSeek V2 and V3, Kimi-K2, GLM-4.7-Flash) in GGUF, as one matrix again.

The original makes both from the latent by `kv_b_proj` [heads x (keys + values), rank]: for every head its rows of keys,
then those of values. llama.cpp has `attn_k_b` [heads, rank, keys], turned, and `attn_v_b` [heads, values, rank].

Source: llama.cpp convert_hf_to_gguf.py, `DeepseekV2Model.modify_tensors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..storage.logical import LogicalTensor, Storage
from ..storage.reader import Range
from ..storage.views import Stack

MOST_RANK = 1 << 14
"""Values of a latent; published ones have 512."""
_KEYS, _VALUES, _BOTH = ".attn_k_b.weight", ".attn_v_b.weight", ".attn_kv_b.weight"


@dataclass(frozen=True, slots=True)
class KeysAndValues:
    """Rows of keys and of values of one head after another; `keys` is stored as [heads x rank, high]."""

    keys: Storage
    values: Storage
    high: int
    wide: int
    rank: int

    def _asked(self, rows: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64], list[int], list[int]]:
        """For each row its head, and its place there; the heads whose keys are read, and the rows of values."""
        heads, places = np.divmod(np.asarray(rows, np.int64), self.high + self.wide)
        of_keys = places < self.high
        stored = heads[~of_keys] * self.wide + places[~of_keys] - self.high
        return heads, places, np.unique(heads[of_keys]).tolist(), np.unique(stored).tolist()

    def _stored_keys(self, heads: Sequence[int]) -> list[int]:
        return [head * self.rank + row for head in heads for row in range(self.rank)]

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """All stored keys of each head that rows of keys are asked of, then the rows of values."""
        _, _, heads, values = self._asked(rows)
        return [*self.keys.ranges(self._stored_keys(heads)), *self.values.ranges(values)]

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), rank]."""
        head, place, heads, stored = self._asked(rows)
        of_keys = place < self.high
        asked = self._stored_keys(heads)
        count = len(self.keys.ranges(asked))
        made = np.empty((len(head), self.rank), np.float32)
        if heads:
            keys = self.keys.decode(asked, chunks[:count]).reshape(len(heads), self.rank, self.high)
            made[of_keys] = keys[np.searchsorted(heads, head[of_keys]), :, place[of_keys]]
        if stored:
            values = self.values.decode(stored, chunks[count:])
            row = head[~of_keys] * self.wide + place[~of_keys] - self.high
            made[~of_keys] = values[np.searchsorted(stored, row)]
        return made


def with_keys_and_values(tensors: Sequence[LogicalTensor]) -> list[LogicalTensor]:
    """The tensors, those of both as the one matrix that they were made from, in the place of the values."""
    named = {t.name: t for t in tensors}
    both = {
        values.name: whole
        for values in tensors
        if values.name.endswith(_VALUES) and (whole := _whole(named, values)) is not None
    }
    gone = {f"{name.removesuffix(_VALUES)}{_KEYS}" for name in both}
    return [both.get(t.name, t) for t in tensors if t.name not in gone]


def _whole(named: dict[str, LogicalTensor], values: LogicalTensor) -> LogicalTensor | None:
    stem = values.name.removesuffix(_VALUES)
    keys = named.get(f"{stem}{_KEYS}")
    if keys is None or f"{stem}{_BOTH}" in named or len(keys.shape) != 3 or len(values.shape) != 3:
        return None
    (heads, rank, high), (count, wide, width) = keys.shape, values.shape
    if heads != count or rank != width or rank > MOST_RANK or not keys.parameters or not values.parameters:
        return None
    if not isinstance(keys.storage, Stack) or not isinstance(values.storage, Stack):
        return None
    stored, rows = keys.storage.cut(0, high), values.storage.cut(0, rank)
    if stored is None or rows is None:
        return None
    storage = KeysAndValues(stored, rows, high, wide, rank)
    return replace(values, name=f"{stem}{_BOTH}", shape=(heads * (high + wide), rank), storage=storage)
