"""Frankenmerges: whole layers of other models, copied, doubled or left out (mergekit's passthrough).

*Limitations.* A model whose layers all stand in their own places may as well be what its relatives come from, each
trained in other layers: such a map is a recipe only where the parents are named, or are unlike it in everything else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ....data.component import Component

_Layer = tuple[tuple[str, int, tuple[int, ...], int], ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """A run of layers of the query that are those of `relative`, from its layer `start` to before `end`.

    `same` are other relatives that hold all of these layers too.
    """

    relative: int
    start: int
    end: int
    same: frozenset[int] = frozenset()


def slices_of(query: Component, relatives: Sequence[Component]) -> tuple[Slice, ...]:
    """The fewest runs of copied layers that the query consists of; empty where one of its layers is nobody's.

    Layers are equal when every tensor's sampled rows are, bit for bit. Of relatives that hold the same run the one that
    holds most of the query's layers is taken, and of those the one that has the fewest others.
    """
    mine = _layers(query)
    known: dict[_Layer, set[tuple[int, int]]] = defaultdict(set)
    theirs = [_layers(relative) for relative in relatives]
    for number, layers in enumerate(theirs):
        for layer, content in layers.items():
            known[content].add((number, layer))
    ours = set(mine.values())
    order = [(-len(ours & set(layers.values())), len(layers)) for layers in theirs]
    if len(mine) < 2 or sorted(mine) != list(range(len(mine))):
        return ()
    found: list[Slice] = []
    layer = 0
    while layer < len(mine):
        runs = [Slice(number, start, start) for number, start in sorted(known[mine[layer]])]
        length = 0
        while runs and layer + length < len(mine):
            longer = [
                Slice(run.relative, run.start, run.end + 1)
                for run in runs
                if (run.relative, run.end) in known[mine[layer + length]]
            ]
            if not longer:
                break
            runs, length = longer, length + 1
        if not length:
            return ()
        same = frozenset(run.relative for run in runs)
        chosen = min(runs, key=lambda run: (order[run.relative], run.relative, run.start))
        found.append(replace(chosen, same=same - {chosen.relative}))
        layer += length
    return tuple(found)


def moved(slices: Sequence[Slice]) -> bool:
    """Whether a layer stands elsewhere than it stood in its own model."""
    layer = 0
    for run in slices:
        if run.start != layer:
            return True
        layer += run.end - run.start
    return False


def _layers(component: Component) -> dict[int, _Layer]:
    """Layer -> its matrices as (key, expert, shape, hash of the rows read); layers that were not read are left out."""
    found: dict[int, list[tuple[str, int, tuple[int, ...], int]]] = defaultdict(list)
    unread: set[int] = set()
    for tensor in range(len(component.names)):
        layer = int(component.layer[tensor])
        if layer < 0 or component.roles[tensor] in {"norm", "bias"}:
            continue
        if not component.hash[tensor]:
            unread.add(layer)
        found[layer].append(
            (
                component.keys[tensor],
                int(component.expert[tensor]),
                component.shapes[tensor],
                int(component.hash[tensor]),
            )
        )
    return {layer: tuple(sorted(rows)) for layer, rows in found.items() if layer not in unread}
