"""Positions: values of the leading rows at fixed places, where training, merging and rounding leave them."""

from __future__ import annotations

import numpy as np

from ...ingest.fingerprint import kinds as stored
from ...ingest.names.naming import ADAPTER
from ..data.component import Component
from ..statistics.networks import all_but_best, log_bound, signed_z, taps_of, without_tap_means
from ..statistics.null import calibrated, fisher_z
from ..statistics.pvalues import bonferroni, fisher
from ..thresholds.significance import FEW_BLOCKS, FEW_PAIRS, FIXED_SPREAD, MOST_OF_ONE_SHAPE
from .alignment import Alignment, Matrix, Pairing, Scores, shared_keys
from .correlations import Rows, correlated_blocks
from .kind import EvidenceKind, unchanged


def align_positions(pairing: Pairing) -> Alignment | None:
    """Blocks by the correlations of positions. Blocks of one model are independent: Fisher combines them."""
    query, candidate = pairing.query, pairing.candidate
    if query.network or candidate.network:
        return _align_networks(pairing) if query.network and candidate.network else None

    def score(key: str, rows: Rows, columns: Rows) -> tuple[Matrix, Matrix]:
        first, second = query.positions.tensor[rows], candidate.positions.tensor[columns]
        mine, theirs = (c.vectors_of("positions", key) for c in (query, candidate))
        r = (mine @ theirs.T).astype(np.float64)
        comparable = (query.inputs[first][:, None] == candidate.inputs[second][None, :]) & (
            query.sampled[first][:, None] == candidate.sampled[second][None, :]
        )
        values = np.minimum(query.independent(rows)[:, None], candidate.independent(columns)[None, :])
        tables = _tables(query, rows) or _tables(candidate, columns)
        z = np.where(comparable, 0.0 if tables else fisher_z(r, values), np.nan)
        if query.kind == ADAPTER:  # factors of equal spectrum say whether, the factors themselves how much
            r = (query.standardised[rows] @ candidate.standardised[columns].T).astype(np.float64)
        return z, r

    return correlated_blocks(pairing, "positions", score, symmetric=True, combine=fisher)


def _tables(component: Component, rows: Rows) -> bool:
    """Whether unknown matrices of one key are tables that no training made: causal masks, sinusoids, rotary angles.

    Code that saves such a buffer saves the same one in every layer, and in every model of that shape. From FEW_BLOCKS
    layers on the medians take it out; of fewer, equality in all layers tells it, and of a mask that it holds 0 and one
    other value. Nothing is told of matrices with a role: models repeat their layers.
    """
    values = component.positions.value[rows]
    if component.roles[component.positions.tensor[rows[0]]] != "other" or not len(values):
        return False
    if len(values) > 1:
        return bool((values == values[0]).all())
    levels = np.unique(values[0, : component.sampled[component.positions.tensor[rows[0]]]])
    return len(levels) <= len(_MASK) and bool((levels == 0).any())


_MASK = ("shown", "hidden")
"""What a mask says of a place: so many values it holds."""


def _align_networks(pairing: Pairing) -> Alignment | None:
    """Every matrix of one network beside every matrix of equal shape of the other.

    What unrelated networks share (a Fourier basis, smooth first kernels, the order of their inputs and outputs) is in
    few of their matrices: the likeliest ones are left out of the p-value, as `all_but_best` says.
    """
    query, candidate = pairing.query, pairing.candidate
    best = np.full(len(pairing.query_units), -1, np.int64)
    unit_log_p, tried = np.zeros(len(best)), np.zeros(len(best), np.int64)
    scores = []
    for _, rows, columns in shared_keys(pairing, "positions"):
        rows, columns = rows[:MOST_OF_ONE_SHAPE], columns[:MOST_OF_ONE_SHAPE]
        first, second = query.positions.tensor[rows], candidate.positions.tensor[columns]
        mine, theirs = query.standardised[rows], candidate.standardised[columns]
        taps = taps_of(query.shapes[first[0]], int(query.sampled[first[0]]))
        x, y = (without_tap_means(values, taps) for values in (mine, theirs))
        z = signed_z(x, y, taps)
        if min(z.shape) >= FEW_BLOCKS and z.size >= FEW_PAIRS:
            z = calibrated(z, symmetric=True)
        alike = fisher_z(x @ y.T, int(query.sampled[first[0]])) / FIXED_SPREAD  # of one matrix, once the rest is found
        chosen = z.argmax(axis=1)
        best[first], tried[first] = second[chosen], len(columns)
        unit_log_p[first] = bonferroni(log_bound(z[np.arange(len(z)), chosen]), float(len(columns)))
        scores.append(Scores(first, second, (mine @ theirs.T).astype(np.float64), alike))
    if not scores:
        return None
    return Alignment("positions", all_but_best(unit_log_p[tried > 0]), best, unit_log_p, tried, tuple(scores))


POSITIONS = EvidenceKind("positions", align_positions, unchanged, stored.POSITIONS, same_basis=True)
