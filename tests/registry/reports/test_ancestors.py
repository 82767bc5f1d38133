"""The overall verdict, from those of the components."""

from __future__ import annotations

import pytest

from forebear.queries.answers.records import ComponentAnswer, Verdict
from forebear.registry.reports.ancestors import overall_verdict


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([("language", "unrelated"), ("vision", "derived")], "unrelated"),
        ([("vision", "unrelated"), ("audio", "shared_initialisation")], "shared_initialisation"),
        ([("vision", "shared_initialisation"), ("audio", "derived")], "derived"),
        ([("vision", "unrelated"), ("audio", "inconclusive")], "inconclusive"),
        ([("vision", "unrelated")], "unrelated"),
        ([], "inconclusive"),
    ],
)
def test_language_decides_and_without_it_the_strongest(found: list[tuple[str, Verdict]], verdict: str) -> None:
    assert overall_verdict([ComponentAnswer(name, one, "", ()) for name, one in found]) == verdict
