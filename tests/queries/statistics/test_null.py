"""Nulls: what strangers of every size look like after calibration, and what hostile values cannot do."""

from __future__ import annotations

import numpy as np
import pytest

from forebear.ingest.fingerprint.gram import UNIT, gram
from forebear.ingest.fingerprint.minhash import PLACES, column_codes
from forebear.queries.statistics.null import calibrated, equal_spectrum_gram, jaccard_of_unrelated, spread, standardised


@pytest.mark.parametrize("blocks", [4, 6, 12, 32])
def test_calibrated_scores_of_strangers_are_no_larger_than_standard_normal(blocks: int) -> None:
    random = np.random.default_rng(blocks)
    scores = np.concatenate([calibrated(random.standard_normal((blocks, blocks))).ravel() for _ in range(200)])
    assert scores.std() <= 1.05
    assert np.mean(scores > 2.326) <= 0.015


@pytest.mark.parametrize("factor", [1.0, 1.5, 3.0])
def test_a_wider_null_is_measured_and_divided_out(factor: float) -> None:
    random = np.random.default_rng(3)
    scores = calibrated(factor * random.standard_normal((24, 24)))
    assert scores.std() == pytest.approx(1.0, abs=0.12)


def test_row_and_column_effects_are_taken_out() -> None:
    random = np.random.default_rng(4)
    z = random.standard_normal((16, 16)) + 5 * random.standard_normal((16, 1)) + 5 * random.standard_normal((1, 16))
    assert np.abs(calibrated(z)).max() < 5


def test_true_pairs_hardly_widen_the_spread() -> None:
    random = np.random.default_rng(5)
    z = random.standard_normal((6, 6))
    np.fill_diagonal(z, 60.0)
    assert np.diagonal(calibrated(z)).min() > 15
    assert spread(z) < 4


def test_too_few_pairs_use_the_fixed_spread() -> None:
    assert calibrated(np.array([[2.6]]))[0, 0] == pytest.approx(2.0)


def test_what_all_pairs_of_four_layers_share_is_no_evidence_of_any() -> None:
    random = np.random.default_rng(8)
    scores = np.concatenate([calibrated(1.8 + random.standard_normal((4, 4))).ravel() for _ in range(200)])
    assert abs(scores.mean()) < 0.1 and scores.std() < 1
    alone = calibrated(np.full((3, 3), 1.3))  # of three nothing can be measured
    assert np.allclose(alone, 1.0)


def test_one_huge_value_at_the_same_place_does_not_make_strangers_alike() -> None:
    random = np.random.default_rng(6)
    rows = random.standard_normal((2, 256)).astype(np.float32)
    rows[:, 17] = 1e30
    first, second = standardised(rows, np.array([256, 256]))
    assert abs(float(first @ second)) < 0.25


def test_constant_rows_have_no_direction() -> None:
    rows = standardised(np.ones((1, 256), np.float32), np.array([256]))
    assert not rows.any()


def test_padding_takes_no_part() -> None:
    random = np.random.default_rng(7)
    rows = np.zeros((1, 256), np.float32)
    rows[0, :100] = random.standard_normal(100) + 3
    scaled = standardised(rows, np.array([100]))
    assert not scaled[0, 100:].any()
    assert float(np.square(scaled).sum()) == pytest.approx(1.0, abs=1e-5)
    assert float(scaled.sum()) == pytest.approx(0.0, abs=1e-5)


def test_equal_spectrum_gram_vectors_do_not_depend_on_how_much_one_direction_holds() -> None:
    random = np.random.default_rng(8)
    rows = random.standard_normal((16, 2048)).astype(np.float32)
    directions, values, columns = np.linalg.svd(rows, full_matrices=False)
    values[0] *= 3
    cosines = [
        gram(x.astype(np.float32), None)[None].astype(np.float64) / UNIT
        for x in (rows, (directions * values) @ columns)
    ]
    plain = float(np.corrcoef(cosines[0][0], cosines[1][0])[0, 1])
    level = float(np.corrcoef(equal_spectrum_gram(cosines[0])[0], equal_spectrum_gram(cosines[1])[0])[0, 1])
    assert level > plain


@pytest.mark.parametrize("columns", [576, 4096, 28_672])
def test_column_sets_of_strangers_overlap_as_theory_says(columns: int) -> None:
    random = np.random.default_rng(columns)
    first, second = (
        set(column_codes(random.standard_normal((16, columns)).astype(np.float32)).tolist()) for _ in range(2)
    )
    measured = len(first & second) / len(first | second)
    theory = jaccard_of_unrelated(np.array([float(columns)]), np.array([float(columns)]), 16, PLACES)[0, 0]
    assert measured == pytest.approx(theory, rel=0.25, abs=0.002)


def test_pairs_that_belong_together_do_not_widen_a_symmetric_null() -> None:
    random = np.random.default_rng(5)
    scores = random.standard_normal((16, 4))
    scores[np.arange(16), np.arange(16) % 4] += 60  # four experts a layer, all copies of the layer's dense FFN
    assert spread(scores, symmetric=True) < 2 < spread(scores)


def test_a_null_with_a_tail_above_is_as_wide_as_its_tail() -> None:
    random = np.random.default_rng(6)
    scores = random.exponential(1.0, 4_000) ** 2
    assert spread(scores) > spread(scores, symmetric=True)
