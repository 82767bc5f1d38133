"""The read plan of a model: which rows of which tensors, in which byte ranges. Nothing is read to make it."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .budget import TENSOR_VALUES, TENSORS_READ, VALUES, beyond, charge
from .fingerprint.factors import factor_rows
from .fingerprint.numbered import numbered_rows
from .metadata.tokenizer import Vocabulary
from .names.naming import ADAPTER, EXACT, NamedTensor
from .storage.reader import Range
from .storage.skipped import SkippedTensor
from .text import printable

_log = logging.getLogger(__name__)
LEADING_ROWS = 16
TOKEN_ROWS = 24
ROUTED_EXPERTS = 4
"""Routed experts that are read, and tested whole, of a layer: those of the lowest numbers, which pruning and upcycling
keep most often."""
BATCH_BYTES = 16 << 20
"""Of a batch, as stored or as two bytes a value, whichever is more. It ends with a layer; in one at twice of that."""
BEYOND_BUDGET = "its layer is beyond the budget"
"""How the reason begins of what a budget leaves out."""
_TENSOR_LIMIT = 64 << 20  # bytes of one tensor's planned rows; 16 rows of the widest published matrix are below 4 MB
_CONTEXT_ONLY = frozenset({"buffer", "position", "token_type"})


@dataclass(frozen=True, slots=True)
class PlannedTensor:
    """Rows to read of one tensor, ascending. `keys` uint64 [rows] are token hashes, for an embedding or a head."""

    named: NamedTensor
    rows: tuple[int, ...]
    ranges: tuple[Range, ...]
    keys: NDArray[np.uint64] | None = None

    @property
    def bytes(self) -> int:
        """Bytes of its ranges."""
        return sum(r.length for r in self.ranges)

    @property
    def values(self) -> int:
        """Decoded values of its rows."""
        return len(self.rows) * self.named.tensor.matrix[1]


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """Batches of tensors to read one after another; a layer's norms come before its matrices."""

    batches: tuple[tuple[PlannedTensor, ...], ...]
    skipped: tuple[SkippedTensor, ...]

    @property
    def bytes(self) -> int:
        """Bytes of all ranges."""
        return sum(t.bytes for batch in self.batches for t in batch)

    @property
    def files(self) -> set[str]:
        """The files that hold the ranges."""
        return {r.file for batch in self.batches for t in batch for r in t.ranges}


def plan_reading(
    named: Sequence[NamedTensor],
    vocabulary: Vocabulary,
    config: Mapping[str, object],
    *,
    budget: int | None = None,
    experts: int = ROUTED_EXPERTS,
) -> ReadPlan:
    """The leading rows of matrices, whole vectors, token rows of embeddings, at most `experts` routed ones a layer.

    Over `budget` bytes, whole layers are left out evenly and named among the skipped; what stays is read as without.
    """
    tied = config.get("tie_word_embeddings") is True and any(n.place.role == "embed" for n in named)
    planned: list[PlannedTensor] = []
    skipped: list[SkippedTensor] = []
    for item in _thin_experts(named, experts):
        rows, keys = _rows(item, vocabulary, tied)
        values = len(rows) * item.tensor.matrix[1]
        if reason := beyond(TENSOR_VALUES, values):
            skipped.append(_left_out(item, reason))
            continue
        one = PlannedTensor(item, rows, tuple(item.tensor.storage.ranges(rows)) if rows else (), keys)
        if one.bytes > _TENSOR_LIMIT:
            reason = f"{len(one.rows)} of its rows take {one.bytes} bytes, the limit is {_TENSOR_LIMIT}"
            skipped.append(_left_out(item, reason))
        else:
            planned.append(one)
    if budget is not None and sum(t.bytes for t in planned) > budget:
        planned, left_out = _thin_layers(planned, budget)
        skipped += left_out
    charge(TENSORS_READ, sum(1 for t in planned if t.rows), "reading")
    charge(VALUES, sum(t.values for t in planned), "reading")
    plan = ReadPlan(tuple(_batches(planned)), tuple(skipped))
    _log.debug(
        "%d bytes of %d of %d tensors in %d batches, %d left out",
        plan.bytes,
        len(planned),
        len(named),
        len(plan.batches),
        len(skipped),
    )
    return plan


def _thin_layers(planned: Sequence[PlannedTensor], budget: int) -> tuple[list[PlannedTensor], list[SkippedTensor]]:
    """As many layers of every component as the budget allows, evenly from the first to the last, and what is left out.

    What stands outside the layers stays, whatever the budget.
    """
    layers = sorted({_layer(t) for t in planned if t.named.place.layer is not None})
    spent = sum(t.bytes for t in planned if t.named.place.layer is None)
    cost: dict[tuple[str, int], int] = defaultdict(int)
    for one in planned:
        cost[_layer(one)] += one.bytes
    count = len(layers)
    while count:
        kept = {layers[i] for i in np.linspace(0, len(layers) - 1, count).round().astype(int)}
        if spent + sum(cost[layer] for layer in kept) <= budget:
            break
        count -= 1
    else:
        kept = set()
    inside = [t for t in planned if t.named.place.layer is None or _layer(t) in kept]
    reason = f"{BEYOND_BUDGET} of {budget} bytes"
    outside = [t.named for t in planned if t.named.place.layer is not None and _layer(t) not in kept]
    return inside, [_left_out(item, reason) for item in outside]


def _left_out(item: NamedTensor, reason: str) -> SkippedTensor:
    """A tensor that is not read; it counts with the parameters that it stands for, experts that nobody reads too."""
    return SkippedTensor(printable(item.tensor.name), item.represents, reason, item.place.component)


def _layer(planned: PlannedTensor) -> tuple[str, int]:
    place = planned.named.place
    return place.component, -1 if place.layer is None else place.layer


def _thin_experts(named: Iterable[NamedTensor], most: int) -> list[NamedTensor]:
    """Without the routed experts of each layer beyond the `most` first; those that stay stand for them."""
    groups: dict[tuple[object, ...], list[NamedTensor]] = defaultdict(list)
    for item in named:
        p = item.place
        groups[(p.component, p.layer, p.role, p.slot) if p.expert is not None else (item.tensor.name,)].append(item)
    kept: list[NamedTensor] = []
    for items in groups.values():
        if items[0].place.expert is None:
            kept += items
            continue
        items.sort(key=lambda n: (n.place.expert or 0, n.tensor.name))
        numbers = sorted({n.place.expert or 0 for n in items})
        chosen = [n for n in items if (n.place.expert or 0) in numbers[:most]]
        total, share = sum(n.represents for n in items), sum(n.represents for n in chosen)
        kept += [replace(n, represents=round(n.represents * total / share) if share else 0) for n in chosen]
    return kept


def _rows(item: NamedTensor, vocabulary: Vocabulary, tied: bool) -> tuple[tuple[int, ...], NDArray[np.uint64] | None]:
    """Which rows of a tensor are read, and the hashes of their tokens where they are those of an embedding.

    Where no tokenizer says what the rows stand for, their numbers are hashed.
    """
    tensor, place = item.tensor, item.place
    factor = place.component == ADAPTER and place.slot != EXACT
    leading = factor_rows(place.slot, tensor.matrix) if factor else LEADING_ROWS
    rows: tuple[int, ...] = tuple(range(min(leading, tensor.matrix[0])))
    keys = None
    if tensor.parameters == 0 or place.slot in _CONTEXT_ONLY or (place.role == "head" and tied):
        rows = ()
    elif place.role in {"embed", "head"}:
        if len(vocabulary.ids):
            ids, keys = vocabulary.lowest(TOKEN_ROWS, tensor.matrix[0])
        else:
            ids, keys = numbered_rows(*tensor.matrix)
        rows = tuple(int(i) for i in ids)
    return rows, keys


def _batches(planned: Sequence[PlannedTensor]) -> Iterable[tuple[PlannedTensor, ...]]:
    """Whole layers until a batch is large enough, parts of large ones; vectors of a layer before its matrices."""
    layers: dict[tuple[str, int], list[PlannedTensor]] = defaultdict(list)
    for one in planned:
        layers[_layer(one)].append(one)
    batch: list[PlannedTensor] = []
    size = 0
    for _, tensors in sorted(layers.items()):
        tensors.sort(key=lambda t: len(t.named.tensor.shape) > 1)
        for one in tensors:
            batch.append(one)
            size += max(one.bytes, 2 * one.values)
            if size >= (BATCH_BYTES if one is tensors[-1] else 2 * BATCH_BYTES):
                yield tuple(batch)
                batch, size = [], 0
    if batch:
        yield tuple(batch)
