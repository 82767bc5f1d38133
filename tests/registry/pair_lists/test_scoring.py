"""The figures of a list, on answers made by hand."""

from __future__ import annotations

import math

import pytest

from forebear.registry.pair_lists.asking import AskedPair, Status
from forebear.registry.pair_lists.pair_list import ListedPair, Truth
from forebear.registry.pair_lists.scoring import score_pairs


def asked(
    truth: Truth, log10: float | None, status: Status = "related", *, direction: str = "", apart: bool = False
) -> AskedPair:
    return AskedPair(ListedPair("o/a", "o/b", truth, "k", True, apart), status, log10, direction=direction)


def test_area_and_true_positives_without_a_false_one_are_those_of_hand_reckoning() -> None:
    answers = [asked("related", -9), asked("related", -2), asked("related", -1)]
    answers += [asked("unrelated", -2, "unrelated"), asked("unrelated", 0, "unrelated")]
    found = score_pairs(answers, 11)
    assert found.auc == pytest.approx((2 + 1.5 + 1) / 6) and found.at_zero == 1
    assert (found.positives, found.negatives, found.found, found.false) == (3, 2, 3, 0)


def test_a_pair_that_could_not_be_compared_counts_as_the_least_related() -> None:
    found = score_pairs([asked("related", None, "inconclusive"), asked("unrelated", 1.5, "unrelated")], 5)
    assert found.auc == 0 and found.at_zero == 0
    assert found.kinds[0].inconclusive == 1


def test_pairs_apart_taught_unsettled_or_not_read_are_in_no_figure() -> None:
    answers = [asked("taught", -50), asked("unsettled", -50), asked("related", -50, apart=True)]
    answers.append(asked("unrelated", None, "not read"))
    found = score_pairs(answers, 5)
    assert found.auc is None and found.positives == found.negatives == 0
    assert [(kind.scored, kind.pairs, kind.read) for kind in found.kinds] == [
        (False, 1, 1),
        (False, 1, 1),
        (False, 1, 1),
        (True, 1, 0),
    ]


def test_equal_contents_stand_above_everything() -> None:
    found = score_pairs([asked("related", -math.inf), asked("unrelated", -300, "unrelated")], 3)
    assert found.auc == 1 and found.at_zero == 1


def test_unrelated_pairs_are_expected_by_their_share_of_the_registry() -> None:
    found = score_pairs([asked("unrelated", -2.5, "unrelated"), asked("unrelated", 0.0, "unrelated")], 11)
    by_level = {one.log10_evalue: one for one in found.calibration}
    assert [by_level[level].observed for level in (-3.0, -2.0, 0.0)] == [0, 1, 2]
    assert [by_level[level].expected for level in (-3.0, -2.0, 0.0)] == pytest.approx([2e-4, 2e-3, 0.2])


def test_a_direction_is_right_where_the_ancestor_of_the_list_is_told() -> None:
    answers = [asked("related", -9, direction=told) for told in ("ancestor", "descendant", "unknown")]
    found = score_pairs(answers, 4)
    assert (found.directed, found.told, found.told_right) == (3, 2, 1)
