"""Where a candidate had moved from an earlier model, a child stays and a sibling stands at the earlier value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forebear.queries.lineage.returns import TERMS, returns, summary

ROOT, CANDIDATE, CHILD, SIBLING = range(4)
UNITS = 4000


def walked(seed: int = 3) -> NDArray[np.float32]:
    """A root, a candidate, a child and a sibling of it [4, 4000]: each moves a third of the values by some units."""
    draw = np.random.default_rng(seed)

    def step() -> NDArray[np.float32]:
        moves = draw.random(UNITS) < 1 / 3
        return np.where(moves, draw.choice([-2, -1, 1, 2], UNITS), 0).astype(np.float32)

    root = draw.integers(100, 200, UNITS).astype(np.float32)
    candidate = root + step()
    return np.stack([root, candidate, candidate + step(), root + step()])


def test_a_child_steps_back_as_often_as_on_and_mostly_stays() -> None:
    found = returns(walked(), [(CANDIDATE, CHILD)])
    back, on = (int(counts[CANDIDATE, CHILD, ROOT]) for counts in (found.returned, found.went_on))
    assert abs(back - on) < 4 * np.sqrt(back + on)
    assert found.stayed[CANDIDATE, CHILD, ROOT] > 5 * back


def test_a_sibling_stands_at_the_earlier_value() -> None:
    found = returns(walked(), [(CANDIDATE, SIBLING)])
    assert found.returned[CANDIDATE, SIBLING, ROOT] > 5 * found.went_on[CANDIDATE, SIBLING, ROOT]
    assert found.returned[CANDIDATE, SIBLING, ROOT] > 5 * found.stayed[CANDIDATE, SIBLING, ROOT]


def test_counts_are_of_the_values_where_candidate_and_witness_differ() -> None:
    values = walked()
    found = returns(values, [(CANDIDATE, CHILD)])
    assert found.moved[CANDIDATE, CHILD, ROOT] == np.count_nonzero(values[CANDIDATE] != values[ROOT])
    assert found.moved[CANDIDATE, CHILD, CANDIDATE] == 0
    assert found.moved[CHILD, CANDIDATE].sum() == 0, "a pair that was not asked about"


def test_only_witnesses_that_are_known_to_be_earlier_are_heard() -> None:
    found = returns(walked(), [(CANDIDATE, CHILD), (CANDIDATE, SIBLING)])
    earlier = np.zeros((4, 4), np.bool_)
    assert not summary(found, earlier).any()
    earlier[CANDIDATE, ROOT] = True
    terms = summary(found, earlier)
    assert terms.shape == (4, 4, TERMS)
    assert terms[CANDIDATE, CHILD, -1] == terms[CANDIDATE, SIBLING, -1] == 1
    assert not terms[CHILD].any()
    assert terms[CANDIDATE, CHILD, 0] < terms[CANDIDATE, SIBLING, 0], "log(returned / went on)"
    assert terms[CANDIDATE, CHILD, 2] > 0 > terms[CANDIDATE, SIBLING, 2], "log(stayed / returned)"


def test_a_few_of_the_models_keep_their_counts() -> None:
    values = walked()
    found = returns(values, [(CANDIDATE, SIBLING)]).take(np.array([ROOT, CANDIDATE, SIBLING]))
    again = returns(values[[ROOT, CANDIDATE, SIBLING]], [(1, 2)])
    np.testing.assert_array_equal(found.returned, again.returned)
    np.testing.assert_array_equal(found.stayed, again.stayed)
