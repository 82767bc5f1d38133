"""The test of two proportions, and the prompts that it needs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t as student

from forebear.queries.statistics.agreement import agreement_log_p, beyond_spread_log_p, prompts_needed


def test_p_is_that_of_the_formula_worked_by_hand() -> None:
    # 60 of 100 beside 40 of 100: z = 0.2 / sqrt(0.25 * 0.02) = 2.8284, upper tail 0.002339
    assert math.exp(agreement_log_p(60, 100, 40, 100)) == pytest.approx(0.0023389, rel=1e-4)
    assert math.exp(agreement_log_p(40, 100, 60, 100)) == pytest.approx(1 - 0.0023389, rel=1e-4)


def test_nothing_is_told_where_all_agree_or_none() -> None:
    assert agreement_log_p(50, 50, 50, 50) == agreement_log_p(0, 50, 0, 50) == 0.0


def test_a_p_value_that_would_underflow_is_kept_as_a_logarithm() -> None:
    assert -1e5 < agreement_log_p(9000, 10_000, 100, 10_000) < -4000


def test_counts_that_are_no_counts_are_refused() -> None:
    for counts in ((5, 4, 0, 4), (-1, 4, 0, 4), (0, 0, 0, 4)):
        with pytest.raises(ValueError, match="counts of agreement"):
            agreement_log_p(*counts)


def test_pairs_that_agree_as_the_controls_do_are_rarely_significant() -> None:
    draws = np.random.default_rng(0).binomial(500, 0.2, (4000, 2))
    rate = np.mean([agreement_log_p(int(a), 500, int(b), 500) <= math.log(0.01) for a, b in draws])
    assert 0.004 < rate < 0.016


def test_so_many_prompts_as_are_said_find_the_difference_with_the_power_asked_for() -> None:
    count = prompts_needed(0.2, 0.3, math.log(0.01), 0.9)
    assert count is not None
    draws = np.random.default_rng(1).binomial(count, (0.3, 0.2), (4000, 2))
    power = np.mean([agreement_log_p(int(a), count, int(b), count) <= math.log(0.01) for a, b in draws])
    assert 0.87 < power < 0.93
    assert prompts_needed(0.3, 0.3, math.log(0.01), 0.9) is None


def agreements(effects: list[float], prompts: int, random: np.random.Generator, spread: float) -> np.ndarray:
    """Counts of alike answers: every model brings its effect to all its pairs, every pair something of its own."""
    both = np.add.outer(effects, effects) + np.triu(random.normal(0, spread, (len(effects), len(effects))), 1)
    upper = np.triu(random.binomial(prompts, 1 / (1 + np.exp(-both))), 1)
    return upper + upper.T + prompts * np.eye(len(effects), dtype=int)


def test_the_spread_between_controls_is_that_of_a_linear_fit() -> None:
    agreed = np.array(
        [
            [900, 520, 440, 300, 410],
            [520, 900, 450, 310, 400],
            [440, 450, 900, 290, 380],
            [300, 310, 290, 900, 260],
            [410, 400, 380, 260, 900],
        ]
    )
    log_p, expected = beyond_spread_log_p(agreed, 900)
    pairs = [(i, j) for i in range(5) for j in range(i + 1, 5) if (i, j) != (0, 1)]
    rates = {(i, j): (agreed[i, j] + 0.5) / 901 for i, j in [*pairs, (0, 1)]}
    logits = {pair: math.log(rate / (1 - rate)) for pair, rate in rates.items()}
    design = np.array([[float(k in pair) for k in range(5)] for pair in pairs])
    fitted, residual, *_ = np.linalg.lstsq(design, np.array([logits[pair] for pair in pairs]))
    floor = np.mean([1 / (900 * rates[pair] * (1 - rates[pair])) for pair in pairs])
    variance = max(residual[0] / (9 - 5), floor)
    x = np.array([1.0, 1, 0, 0, 0])
    t = (logits[0, 1] - x @ fitted) / math.sqrt(variance * (1 + x @ np.linalg.inv(design.T @ design) @ x))
    assert math.exp(log_p) == pytest.approx(student.sf(t, 4), rel=1e-6)
    assert math.log(expected / (1 - expected)) == pytest.approx(fitted[0] + fitted[1])


def test_unrelated_models_that_differ_among_themselves_are_called_alike_at_the_level_alone() -> None:
    random = np.random.default_rng(7)
    found = {"spread": 0, "proportions": 0, "kin": 0}
    for _ in range(600):
        agreed = agreements([*random.normal(-0.2, 0.15, 2), *random.normal(-0.2, 0.15, 6)], 1000, random, 0.15)
        found["spread"] += beyond_spread_log_p(agreed, 1000)[0] <= math.log(0.01)
        found["proportions"] += agreement_log_p(agreed[0, 1], 1000, agreed[0, 2], 1000) <= math.log(0.01)
        agreed[0, 1] = agreed[1, 0] = 700
        found["kin"] += beyond_spread_log_p(agreed, 1000)[0] <= math.log(0.01)
    assert found["spread"] <= 14  # 6 expected, and 14 has a chance of 1 in 500
    assert found["proportions"] > 60  # one control stands for all unrelated models, and they differ
    assert found["kin"] > 580


@pytest.mark.parametrize(
    "agreed", [np.zeros((3, 3), int), np.full((4, 4), 11), np.full((4, 5), 1), np.full((4, 4), -1)]
)
def test_agreement_of_fewer_than_two_controls_or_more_than_all_prompts_is_refused(agreed: np.ndarray) -> None:
    with pytest.raises(ValueError, match="agreement of the pair"):
        beyond_spread_log_p(agreed, 10)


def test_equal_controls_and_a_copy_give_no_infinite_evidence() -> None:
    agreed = np.full((5, 5), 400)
    agreed[0, 1] = agreed[1, 0] = 1000
    log_p, expected = beyond_spread_log_p(agreed, 1000)
    assert -40 < log_p < -10 and expected == pytest.approx(0.4, abs=0.001)
