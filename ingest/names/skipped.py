"""To which component the tensors belong that cannot be read: what is missing counts where it is missing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..storage.skipped import SkippedTensor
from .naming import NamedTensor, parse


def with_components(skipped: Sequence[SkippedTensor], named: Sequence[NamedTensor]) -> tuple[SkippedTensor, ...]:
    """Skipped tensors with the component of the tensors that share the longest part of their name, up to a dot.

    Where no part is shared, with the component that the name itself says, if the model has it, or its only one.
    """
    if not skipped:
        return ()
    shared: dict[str, Counter[str]] = defaultdict(Counter)
    for item in named:
        for prefix in _prefixes(item.tensor.name):
            shared[prefix][item.place.component] += 1
    components = {item.place.component for item in named}

    def component(one: SkippedTensor) -> str | None:
        if one.component is not None or not components:
            return one.component
        nearest = next((shared[prefix] for prefix in _prefixes(one.name) if prefix in shared), None)
        if nearest:
            return max(sorted(nearest), key=lambda c: nearest[c])
        said = parse(one.name).component
        return said if said in components else next(iter(components)) if len(components) == 1 else None

    return tuple(replace(one, component=component(one)) for one in skipped)


def _prefixes(name: str) -> Iterable[str]:
    """`a.b.c` -> `a.b`, `a`: the longest first, at most 16 of them."""
    parts = name.split(".")[:17]
    return (".".join(parts[:count]) for count in range(len(parts) - 1, 0, -1))
