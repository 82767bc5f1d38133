"""What would tell a direction: nothing that is known already, and nothing that would not."""

from __future__ import annotations

import pytest

from forebear.queries.answers.wording import would_tell
from forebear.queries.lineage.direction import Direction

DATES = "; release dates of both would rule out one order"
ROOT = "; the root would tell"


@pytest.mark.parametrize(
    ("ancestor", "descendant", "dated", "said"),
    [
        (0.3, 0.3, False, DATES + ROOT),
        (0.3, 0.3, True, ROOT),
        (0.3, 0.0, False, ROOT),
        (0.0, 0.3, False, ROOT),
    ],
)
def test_dates_are_asked_for_where_they_are_not_known_and_both_orders_are_open(
    ancestor: float, descendant: float, dated: bool, said: str
) -> None:
    assert would_tell(Direction("unknown", ancestor, (), descendant), dated=dated, root="the root") == said


def test_a_root_is_not_asked_for_where_one_is_claimed() -> None:
    by = ("the claim that first was trained from scratch",)
    assert would_tell(Direction("unknown", 0.3, by, 0.3), dated=True, root="the root") == ""
