"""Where parents stood when models were asked as they appeared: what is counted, and what is listed."""

from __future__ import annotations

from benchmarks.peers.appeared import report
from benchmarks.peers.summary import Answer
from benchmarks.peers.truth import Member, Protocol


def answer(
    name: str, category: str, parents: tuple[str, ...], names: tuple[str, ...], ranks: tuple[int, ...]
) -> Answer:
    member = Member(name, parents, category, "", "oak", "", rewritten=category == "rotated")
    even = (0.0,) * len(names)
    return Answer(Protocol.AS_THEY_APPEARED, member, 3, "related", names, ranks, even, even, ())


TOP = answer("oak-docs", "finetuned", ("oak",), ("oak", "fir"), (1, 2))
TIED = answer("oak-lora", "lora", ("oak",), ("oak-docs", "oak"), (1, 1))
MISSED = answer("oak-far", "finetuned", ("oak-lora",), ("oak", "oak-lora"), (1, 2))
HIDDEN = answer("oak-turned", "rotated", ("oak",), ("fir",), (1,))
MERGE = answer("oak-merge", "merged", ("oak-docs", "oak-lora"), ("oak-docs", "oak-lora"), (1, 2))


def test_parents_in_the_first_rank_and_at_its_top_are_counted_and_rewritten_models_are_not() -> None:
    first, second, whole = report([("one", [TOP, TIED, HIDDEN]), ("two", [MISSED, MERGE])]).splitlines()[2:5]
    assert first == "| one | 2 | 2 of 2 (100 %) | 1 of 2 (50 %) | 1.5 | 2 | 0 | 0 |"
    assert second == "| two | 2 | 1 of 2 (50 %) | 1 of 2 (50 %) | 1 | 1 | 1 | 1 |"
    assert whole == "| all | 4 | 3 of 4 (75 %) | 2 of 4 (50 %) | 1 | 2 | 1 | 1 |"


def test_a_parent_that_is_not_at_the_top_is_listed_with_what_is() -> None:
    assert report([("one", [TOP, TIED, MISSED, HIDDEN])]).splitlines()[4:] == [
        "- oak-lora (lora, from oak): oak-docs, oak",
        "- oak-far (finetuned, from oak-lora): oak, oak-lora; the parent is not in the first rank",
    ]
