"""Positions: values of the leading rows at fixed places, where training, merging and rounding leave them."""

from __future__ import annotations

import numpy as np

from ...ingest.fingerprint import kinds as stored
from ...ingest.names.naming import ADAPTER
from ..statistics.null import fisher_z
from ..statistics.pvalues import fisher
from .alignment import Alignment, Matrix, Pairing
from .correlations import Rows, correlated_blocks
from .kind import EvidenceKind, unchanged


def align_positions(pairing: Pairing) -> Alignment | None:
    """Blocks by the correlations of positions. Blocks of one model are independent: Fisher combines them."""
    query, candidate = pairing.query, pairing.candidate

    def score(key: str, rows: Rows, columns: Rows) -> tuple[Matrix, Matrix]:
        first, second = query.positions.tensor[rows], candidate.positions.tensor[columns]
        mine, theirs = (c.vectors_of("positions", key) for c in (query, candidate))
        r = (mine @ theirs.T).astype(np.float64)
        comparable = (query.inputs[first][:, None] == candidate.inputs[second][None, :]) & (
            query.sampled[first][:, None] == candidate.sampled[second][None, :]
        )
        values = np.minimum(query.independent(rows)[:, None], candidate.independent(columns)[None, :])
        z = np.where(comparable, fisher_z(r, values), np.nan)
        if query.kind == ADAPTER:  # factors of equal spectrum say whether, the factors themselves how much
            r = (query.standardised[rows] @ candidate.standardised[columns].T).astype(np.float64)
        return z, r

    return correlated_blocks(pairing, "positions", score, symmetric=True, combine=fisher)


POSITIONS = EvidenceKind("positions", align_positions, unchanged, stored.POSITIONS, same_basis=True)
