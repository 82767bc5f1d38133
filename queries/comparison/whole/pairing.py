"""Which tensor of one model goes with which of the other, before anything is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ....ingest.names.naming import NamedTensor, Place
from ...data.component import FFN_ROLES


@dataclass(frozen=True, slots=True)
class TensorPair:
    """Two tensors of one role in blocks that belong together; None where the other model has none."""

    first: NamedTensor | None
    second: NamedTensor | None

    @property
    def comparable(self) -> bool:
        """Whether the two have a value for a value."""
        return bool(self.first and self.second and self.first.tensor.shape == self.second.tensor.shape)

    @property
    def place(self) -> Place:
        """Where the first stands, or the only one."""
        named = self.first or self.second
        assert named is not None
        return named.place


def pair_tensors(
    first: Sequence[NamedTensor], second: Sequence[NamedTensor], blocks: Mapping[str, str] | None = None
) -> list[TensorPair]:
    """Every tensor once, with its counterpart where there is one: embeddings first, then layer by layer.

    `blocks` maps blocks of the first model (`language.7`, `language.7.3`) to those of the second; without it, and
    outside the layers, equal blocks belong together. So do blocks that it leaves out, where nothing else is mapped to
    theirs. A block of the second that several map to is in several pairs.
    """
    theirs = _by_key(second)
    taken = set(blocks.values()) if blocks else set()
    used: set[str] = set()
    pairs = []
    for (block, role, slot), mine in _by_key(first).items():
        outside = mine[0].place.layer is None
        free = None if block in taken else block
        target = block if outside or blocks is None else blocks.get(block, free)
        others = theirs.get((target, role, slot), []) if target else []
        if not others and target and role in FFN_ROLES and slot == "":
            others = _upcycled(theirs, target, role)
        if len(others) == len(mine):
            pairs += [TensorPair(a, b) for a, b in zip(mine, others, strict=True)]
            used.update(b.tensor.name for b in others)
        else:
            pairs += [TensorPair(a, None) for a in mine]
    pairs += [TensorPair(None, b) for b in second if b.tensor.name not in used]
    return sorted(pairs, key=_reading_order)


def _upcycled(theirs: Mapping[tuple[str, str, str], list[NamedTensor]], block: str, role: str) -> list[NamedTensor]:
    """A dense feed-forward's counterpart among routed experts, the lowest; or an expert's, the dense one."""
    expert = theirs.get((f"{block}.0", role, ""), [])
    if expert and expert[0].place.expert == 0:
        return expert
    dense, _, number = block.rpartition(".")
    return theirs.get((dense, role, ""), []) if number == "0" and dense.count(".") else []


def _by_key(named: Iterable[NamedTensor]) -> dict[tuple[str, str, str], list[NamedTensor]]:
    found: dict[tuple[str, str, str], list[NamedTensor]] = defaultdict(list)
    for one in sorted(named, key=lambda n: n.tensor.name):
        found[one.place.block, one.place.role, one.place.slot].append(one)
    return found


def _reading_order(pair: TensorPair) -> tuple[bool, str, int, int, str, str]:
    place = pair.place
    layer, expert = place.layer if place.layer is not None else -1, place.expert if place.expert is not None else -1
    return place.role != "embed", place.component, layer, expert, place.role, place.slot
