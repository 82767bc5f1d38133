"""The sampled values of a query and of its relatives at the same places, tensor by tensor."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from ....ingest.fingerprint.factors import rank_axis
from ....ingest.fingerprint.positions import places
from ....ingest.names.naming import ADAPTER, EXACT
from ....ingest.plan import LEADING_ROWS
from ...data.component import FFN_ROLES, Component
from ...data.precision import float_bits, rounded_to
from ...statistics.factors import kept_ranks

_Made = TypeVar("_Made")
_Number = TypeVar("_Number", bound=np.generic)
Floats = NDArray[np.float32]
Vector = NDArray[np.float64]
GROUPS = ("attention", "ffn", "other")
"""Parts of a layer that merging tools give weights of their own, by filters on tensor names."""
_ATTENTION = frozenset({"q", "k", "v", "o"})
SEARCHED = 16_384
"""Places that weights are searched at: standard errors of a share below 0.004, and quick."""
FEW_TENSORS = 24
"""Tensors that a proposal is tuned for first: with 256 values each a standard error of 0.006."""
TYPES = {7: "bfloat16", 10: "float16", 23: "float32"}
"""Bits behind the point -> the float type that has them."""

TensorKey = tuple[int, int, str, tuple[int, ...]]
"""Layer, expert, role with slot, and shape: what a merging tool takes from each of its models together."""


@dataclass(frozen=True)
class MergePlaces:
    """Values float32 [m] of a query and [n, m] of relatives at m places, padding left out.

    `layer`, `group`, `tensor` and `row` [m] tell where a place lies, tensors numbered in their order and rows of a
    tensor from 0; `scale` [m] divides a value by the RMS of its tensor and weights each tensor by its parameters, so
    that squares sum to shares of the model. `bits` is the precision of the query's type, see `TYPES`. `uncast` says
    that relatives are finer than that, and what is computed in that type is looked for in the same values cast.
    """

    query: Floats
    relatives: Floats
    layer: NDArray[np.int64]
    group: NDArray[np.int64]
    tensor: NDArray[np.int64]
    row: NDArray[np.int64]
    scale: Vector
    bits: int
    uncast: bool = False
    made: dict[object, Any] = field(default_factory=dict, init=False, compare=False, repr=False)
    """What replays computed once of these places, whatever the weights; not taken along by `some` and `of`."""

    def once(self, key: object, make: Callable[[], _Made]) -> _Made:
        """What was made under that key, or else is made now. A key names all else that it depends on."""
        if key not in self.made:
            self.made[key] = make()
        made: _Made = self.made[key]
        return made

    def of_tensors(self, values: NDArray[_Number]) -> NDArray[_Number]:
        """Values [..., tensors] at every place [..., m]."""
        return values.take(self.tensor, axis=-1)  # a fifth of the time of an index

    def some(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """The same at some of the places."""
        return replace(
            self,
            query=self.query[chosen],
            relatives=self.relatives[:, chosen],
            layer=self.layer[chosen],
            group=self.group[chosen],
            tensor=self.tensor[chosen],
            row=self.row[chosen],
            scale=self.scale[chosen],
        )

    def step(self, most: int) -> int:
        """Every how manieth place is taken so that about `most` of them are."""
        return max(1, len(self.query) // most)

    def thinned(self, most: int) -> Self:
        """Every other place or fewer, down to about `most`; made once."""
        every = self.step(most)
        return (
            self
            if every == 1
            else self.once(("thinned", most), lambda: self.some(np.arange(0, len(self.query), every)))
        )

    def few_tensors(self) -> tuple[Self, NDArray[np.int64]]:
        """All places of about FEW_TENSORS tensors, numbered anew, and which these are; made once.

        What is tuned for every tensor alone can be judged by some of them.
        """
        return self.once("few tensors", self._few_tensors)

    def _few_tensors(self) -> tuple[Self, NDArray[np.int64]]:
        count = int(self.tensor.max(initial=-1)) + 1
        chosen = np.unique(np.linspace(0, count - 1, min(count, FEW_TENSORS)).round().astype(np.int64))
        if len(chosen) == count:
            return self, chosen
        some = self.some(np.isin(self.tensor, chosen))
        return replace(some, tensor=np.searchsorted(chosen, some.tensor)), chosen

    def of(self, members: Sequence[int]) -> Self:
        """The same with some of the relatives."""
        return replace(self, relatives=self.relatives[list(members)])

    @cached_property
    def cells(self) -> NDArray[np.int64]:
        """The cell [m] of each place, a layer and a group: what a graded merge gives one weight."""
        return np.unique(self.layer * len(GROUPS) + self.group, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def changed(self) -> NDArray[np.bool_]:
        """Where [m] the query differs from the relative that it is most equal to: what there is to explain."""
        equal = self.relatives == self.query
        return np.asarray(~equal[int(equal.mean(axis=1).argmax())])

    @cached_property
    def finer(self) -> bool:
        """Whether a relative holds values that the query's type does not keep."""
        return not np.array_equal(rounded_to(self.relatives, self.bits), self.relatives)

    def as_they_are(self) -> Self:
        """The same, of which merges in the query's type are not looked for: those of the values `cast` are."""
        return replace(self, uncast=True) if self.finer else self

    def cast(self) -> Self:
        """The same with relatives as the query's type keeps them: tools cast what they read before they merge it."""
        return replace(self, relatives=rounded_to(self.relatives, self.bits))

    def share(self, replayed: Floats) -> float:
        """Share of all places where a replay gives the query's value bit for bit."""
        return float((rounded_to(replayed, self.bits) == self.query).mean())


def keys_of(component: Component) -> dict[TensorKey, int]:
    """Tensor -> the row of its positions."""
    return {
        (int(component.layer[t]), int(component.expert[t]), component.keys[t], component.shapes[t]): row
        for row, t in enumerate(component.positions.tensor.tolist())
    }


def places_of(query: Component, relatives: Sequence[Component]) -> MergePlaces | None:
    """The values that the query and all relatives hold in the same tensors; None where there is no such tensor."""
    mine, theirs = keys_of(query), [keys_of(relative) for relative in relatives]
    common = [key for key in mine if all(key in other for other in theirs)]
    if not common or not relatives:
        return None
    rows = np.array([mine[key] for key in common])
    tensors = query.positions.tensor[rows]
    sampled = query.sampled[tensors]
    inside = np.arange(query.positions.value.shape[1]) < sampled[:, None]
    values = np.asarray(query.positions.value[rows], np.float32)
    others = [
        np.asarray(relative.positions.value[[keys[key] for key in common]], np.float32)[inside]
        for relative, keys in zip(relatives, theirs, strict=True)
    ]
    size = np.square(values.astype(np.float64)).sum(axis=1) / sampled
    weight = query.represents[tensors] / query.represents[tensors].sum() / sampled
    scale = np.sqrt(weight / np.where(size > 0, size, 1.0))
    counts = inside.sum(axis=1)
    return MergePlaces(
        query=values[inside],
        relatives=np.stack(others),
        layer=np.repeat(query.layer[tensors], counts),
        group=np.repeat([_group(query.roles[t]) for t in tensors.tolist()], counts),
        tensor=np.repeat(np.arange(len(common)), counts),
        row=np.concatenate([_rows(query, t, n) for t, n in zip(tensors.tolist(), counts.tolist(), strict=True)]),
        scale=np.repeat(scale, counts),
        bits=float_bits(values[inside]),
    )


def _rows(component: Component, tensor: int, count: int) -> NDArray[np.int64]:
    """The row [count] of each sampled value of a tensor; factors of adapters keep [ranks, places]."""
    slot, shape = component.slots[tensor], component.shapes[tensor]
    if component.kind != ADAPTER or slot == EXACT:
        return rows_of(shape, count)
    ranks = kept_ranks(slot, shape)
    rank, place = np.divmod(np.arange(count), max(1, count // max(1, ranks)))
    return place if rank_axis(slot) else rank


def rows_of(shape: tuple[int, ...], count: int) -> NDArray[np.int64]:
    """The row [count] of each value that is sampled of a matrix: all that is of one first index."""
    columns = math.prod(shape[1:])
    return places(min(LEADING_ROWS, shape[0]), columns, count)[:count] // columns


def _group(role: str) -> int:
    return 0 if role in _ATTENTION else 1 if role in FFN_ROLES else 2
