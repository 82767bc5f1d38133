"""Embedding and head rows by token: a token's row is compared with the same token's and with every other's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...ingest.fingerprint.numbered import numbered_rows
from ..data.component import Component, Tokens
from ..statistics.null import calibrated, fisher_z
from ..statistics.pvalues import log_sf
from ..thresholds.significance import FEW_SHARED_TOKENS


class TokenMatch:
    """Rows of shared tokens: `similarity`, their mean correlation; `difference`, relative and squared; and log p.

    `numbered` says that no tokenizer told what rows stand for: those of equal number were compared.
    """

    __slots__ = ("candidate", "difference", "log_p", "numbered", "query", "shared", "similarity")

    def __init__(
        self,
        query: Tokens,
        candidate: Tokens,
        first: NDArray[np.float64],
        second: NDArray[np.float64],
        *,
        numbered: bool = False,
    ) -> None:
        self.numbered = numbered
        self.query, self.candidate, self.shared = query.tensor, candidate.tensor, len(first)
        sides = ((query, first), (candidate, second))
        a, b = (_once(t, "centred", rows, lambda rows: _scaled(_centred(rows))) for t, rows in sides)
        r = a @ b.T
        z = calibrated(fisher_z(r, first.shape[1]), symmetric=True)
        score = float(np.diagonal(z).sum() / np.sqrt(self.shared))
        self.log_p = float(log_sf(np.array(score)))
        a, b = (_once(t, "plain", rows, _scaled) for t, rows in sides)
        self.similarity = float(np.diagonal(a @ b.T).mean())
        squares = np.square(first).sum() + np.square(second).sum()
        self.difference = float(np.square(first - second).sum() / (squares / 2)) if squares else 2.0


def match_tokens(query: Component, candidate: Component) -> list[TokenMatch]:
    """The embedding and the head, where both models have one of the same width and share at least eight tokens.

    A tied head is the embedding: where one side has no head of its own, its embedding stands for it.
    """
    found = []
    for role, tokens in query.tokens.items():
        other = candidate.tokens.get(role) or (candidate.tokens.get("embed") if role == "head" else None)
        if other is None or query.inputs[tokens.tensor] != candidate.inputs[other.tensor]:
            continue
        mine, theirs = _shared(tokens, other)
        if len(mine) >= FEW_SHARED_TOKENS:
            first = tokens.values[mine].astype(np.float64)
            numbered = _numbered(query, tokens)
            found.append(TokenMatch(tokens, other, first, other.values[theirs].astype(np.float64), numbered=numbered))
    return found


def _shared(query: Tokens, candidate: Tokens) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows [n] of the tokens that both hold, in order of their keys; nearly always all of both."""
    if np.array_equal(query.keys, candidate.keys):
        every = np.arange(len(query.keys))
        return every, every
    _, mine, theirs = np.intersect1d(query.keys, candidate.keys, return_indices=True)
    return mine, theirs


def _numbered(component: Component, tokens: Tokens) -> bool:
    """Whether the keys of rows are those of their numbers in a matrix of that shape."""
    rows, columns = component.shapes[tokens.tensor][0], int(component.inputs[tokens.tensor])
    return bool(np.array_equal(tokens.keys, np.sort(numbered_rows(rows, columns)[1])))


def _once(
    tokens: Tokens, name: str, rows: NDArray[np.float64], make: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """What `make` makes of rows; where they are all rows of `tokens`, computed once for all comparisons."""
    if len(rows) < len(tokens.keys):
        return make(rows)
    if name not in tokens.made:
        tokens.made[name] = make(rows)
    return tokens.made[name]


def _centred(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows [n, width] without their mean and without their first principal direction.

    Frequent tokens share a direction in every model; how far along it a token lies is the same for unrelated models.
    """
    rows = rows - rows.mean(axis=0)
    _, _, directions = np.linalg.svd(rows, full_matrices=False)
    first = directions[:1]
    return np.asarray(rows - rows @ first.T @ first)


def _scaled(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows [n, width] centred and of length 1: products are correlations."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1))
