"""Which dimensions of two models are taken for the same: what the embeddings say, else equal numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ....ingest.names.naming import NamedTensor
from ...statistics.residual_alignment import Assignment, Basis, assignment, identity
from ...thresholds.comparison import ALIGNMENT_COUNTS

if TYPE_CHECKING:
    from ....ingest.reading.digest import Block


NOT_DETERMINED = (
    "the embeddings align hardly better than to a random rotation, as those of unrelated models do, or were replaced"
)


@dataclass(frozen=True, slots=True)
class ChosenBasis:
    """The basis, None where the widths differ and no assignment is sure; what the embeddings said; why no more."""

    basis: Basis | None
    alignment: Assignment | None
    reason: str | None


def chosen_basis(widths: tuple[int, int], rows: tuple[Block, Block] | str) -> ChosenBasis:
    """The basis of residual streams of these widths, from embedding rows of the same tokens or why there are none.

    The rows are float32 [tokens, width] of each model, the same token in the same row.

    Equal numbers when the embeddings agree on them, an assignment when that is determined, else equal numbers again,
    with the reason: the tests then hold for models that kept the order of their dimensions.
    """
    equal = identity(widths[0]) if widths[0] and widths[0] == widths[1] else None
    if isinstance(rows, str):
        return ChosenBasis(equal, None, rows)
    made = assignment(*rows)
    if made is None:
        return ChosenBasis(equal, None, "too few tokens are in both vocabularies")
    basis, found = made
    if basis.first.max(initial=0) >= widths[0] or basis.second.max(initial=0) >= widths[1]:
        return ChosenBasis(equal, found, "the embedding is not as wide as the layers")
    if equal is not None and found.identity_beyond_chance > ALIGNMENT_COUNTS:
        return ChosenBasis(equal, found, None)
    return ChosenBasis(basis, found, None) if found.determined else ChosenBasis(equal, found, NOT_DETERMINED)


def stream_width(named: Sequence[NamedTensor], component: str) -> int:
    """The width of the residual stream: what q, k, gate or up read, most often; 0 where there is none."""
    widths = Counter(
        n.tensor.matrix[1]
        for n in named
        if n.place.component == component and n.place.role in {"q", "k", "v", "gate", "up"} and len(n.tensor.shape) > 1
    )
    return widths.most_common(1)[0][0] if widths else 0
