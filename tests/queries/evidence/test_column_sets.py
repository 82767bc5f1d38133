"""What the likeness of column sets says of the correlation of weights."""

from __future__ import annotations

import math

import numpy as np
import pytest

from forebear.ingest.fingerprint.minhash import column_codes
from forebear.queries.evidence.column_sets import CORRELATIONS, SURVIVED, correlation_of_jaccard

COLUMNS = 20_000


@pytest.mark.parametrize("place", range(len(CORRELATIONS)))
def test_codes_survive_as_often_as_the_table_says(place: int) -> None:
    random = np.random.default_rng(place)
    first, noise = random.standard_normal((2, 16, COLUMNS)).astype(np.float32)
    r, expected = CORRELATIONS[place], SURVIVED[place]
    codes = column_codes((r * first + math.sqrt(1 - r * r) * noise).astype(np.float32))
    survived = float(np.mean(codes == column_codes(first)))
    assert abs(survived - expected) <= 5 * math.sqrt(2 * (expected + 1 / COLUMNS) / COLUMNS)


def test_correlations_rise_with_the_likeness_of_column_sets() -> None:
    found = correlation_of_jaccard(np.linspace(0, 1, 101))
    assert (np.diff(found) >= 0).all() and found[0] == 0.3 and found[-1] == 1.0
