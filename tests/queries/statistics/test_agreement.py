"""The test of two proportions, and the prompts that it needs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from forebear.queries.statistics.agreement import agreement_log_p, prompts_needed


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
