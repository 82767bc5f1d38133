"""Rows of embedding and head compared by token: a token's row with the same token's, and with another one's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ....ingest.names.naming import NamedTensor
from ...thresholds.comparison import FEW_TOKEN_ROWS

if TYPE_CHECKING:
    from ....ingest.reading.stream import WholeModel


TOKENS = 256
"""Shared tokens whose rows are read: those of lowest hash, as for the fingerprint, but more of them."""


@dataclass(frozen=True, slots=True)
class TokenRowsComparison:
    """Rows of `tokens` shared tokens of two embeddings or heads.

    Cosines are centred: the mean row of each model is taken out, so that what all tokens share does not count.
    `centred_cosine` is the mean over tokens, `mismatched` that of every token with the next one's row: what unrelated
    models look like here. `by_id` is the mean for rows of the same ids, which says nothing where tokens moved. NaN with
    a `reason` where the two cannot be compared.
    """

    component: str
    role: str
    tokens: int
    centred_cosine: float
    mismatched: float
    by_id: float
    reason: str | None


def compare_token_rows(first: WholeModel, second: WholeModel) -> list[TokenRowsComparison]:
    """Embedding and head of every component that both opened models have; needs both tokenizers.

    Raises SourceError when a read fails.
    """
    assert first.tokenizer is not None and second.tokenizer is not None
    a, b = first.tokenizer.vocabulary(), second.tokenizer.vocabulary()
    _, mine, theirs = np.intersect1d(a.keys, b.keys, return_indices=True)
    ids = np.stack([a.ids[mine], b.ids[theirs]], axis=1)
    others = {(n.place.component, n.place.role): n for n in second.named if _wanted(n)}
    found = []
    for named in first.named:
        other = others.get((named.place.component, named.place.role))
        if _wanted(named) and other is not None:
            found.append(_compared(first, named, second, other, ids))
    return found


def _wanted(named: NamedTensor) -> bool:
    return named.place.role in {"embed", "head"} and named.place.slot == "" and len(named.tensor.shape) == 2


def _compared(
    first: WholeModel, mine: NamedTensor, second: WholeModel, theirs: NamedTensor, ids: NDArray[np.int64]
) -> TokenRowsComparison:
    place = mine.place
    limits = mine.tensor.matrix[0], theirs.tensor.matrix[0]
    ids = ids[(ids >= 0).all(axis=1) & (ids < limits).all(axis=1)][:TOKENS]
    reason = None
    if mine.tensor.matrix[1] != theirs.tensor.matrix[1]:
        reason = f"rows of {mine.tensor.matrix[1]} and {theirs.tensor.matrix[1]} values"
    elif len(ids) < FEW_TOKEN_ROWS:
        reason = f"{len(ids)} tokens are in both vocabularies"
    if reason is not None:
        return TokenRowsComparison(place.component, place.role, len(ids), math.nan, math.nan, math.nan, reason)
    x, y = first.rows(mine.tensor, ids[:, 0].tolist()), second.rows(theirs.tensor, ids[:, 1].tolist())
    same = ids[ids[:, 0] < limits[1]][:, 0].tolist()
    by_id = second.rows(theirs.tensor, same)
    kept = ids[:, 0] < limits[1]
    return TokenRowsComparison(
        component=place.component,
        role=place.role,
        tokens=len(ids),
        centred_cosine=_mean_cosine(x, y),
        mismatched=_mean_cosine(x, np.roll(y, 1, axis=0)),
        by_id=_mean_cosine(x[kept], by_id),
        reason=None,
    )


def _mean_cosine(x: NDArray[np.float32], y: NDArray[np.float32]) -> float:
    if not len(x):
        return math.nan
    wide = x.astype(np.float64), y.astype(np.float64)  # squares of the largest float32 overflow their own type
    a, b = (rows - rows.mean(axis=0) for rows in wide)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(axis=1) / np.where(lengths > 0, lengths, 1)).mean())
