"""Pair lists as files: what ships is what was published, and what is wrong in a file is said with its line."""

from __future__ import annotations

from collections import Counter

import pytest

from forebear.ingest.errors import FormatError, SourceError
from forebear.registry.pair_lists.pair_list import PairList, parse_pair_list
from forebear.registry.pair_lists.shipped import find_list, shipped_lists

HEAD = "list: 1\ntitle: t\nsources: [somebody]\ngroups:\n"
LISTS = {one.name: one for one in shipped_lists()}


def truths(listed: PairList) -> Counter[tuple[str, bool]]:
    return Counter((pair.truth, pair.scored) for pair in listed.pairs)


def test_the_lists_have_the_pairs_that_their_authors_count() -> None:
    assert truths(LISTS["awm"]) == {("related", True): 59, ("unrelated", True): 90}  # one of the 60 stands twice there
    assert truths(LISTS["model-tracing"]) == {("related", True): 69, ("unrelated", True): 141}
    assert truths(LISTS["lineagebench"]) == {("related", True): 13, ("unrelated", True): 107, ("related", False): 2}
    kit = truths(LISTS["provenance-kit"])
    assert sum(kit.values()) == 111 and kit["unrelated", True] == 56 and kit["taught", False] == 1
    assert len(LISTS["model-tracing"].repositories) == 21 and len(LISTS["leafbench"].repositories) == 65


def test_every_list_names_where_it_was_read_at_a_fixed_commit() -> None:
    for listed in LISTS.values():
        assert any("commit " in source for source in listed.sources), listed.name
        assert listed.published in {None, *range(100, 1000)}


def test_the_pair_that_the_kit_labels_against_its_own_rule_counts_in_no_figure() -> None:
    kit = LISTS["provenance-kit"]
    pair = next(pair for pair in kit.pairs if pair.other == "EleutherAI/pythia-1.4b-deduped")
    assert pair.truth == "unsettled" and not pair.scored
    assert any("pythia" in note and "4.4" in note for note in kit.notes)


def test_no_model_is_both_related_and_unrelated_to_another_by_way_of_a_third() -> None:
    for listed in LISTS.values():
        root: dict[str, str] = {}

        def top(name: str, root: dict[str, str] = root) -> str:
            while name in root:
                name = root[name]
            return name

        for pair in listed.pairs:
            if pair.truth == "related" and top(pair.model) != top(pair.other):
                root[top(pair.model)] = top(pair.other)
        wrong = [pair for pair in listed.pairs if pair.truth == "unrelated" and top(pair.model) == top(pair.other)]
        assert wrong == [], listed.name


def test_a_tree_says_who_descends_from_whom() -> None:
    text = (
        HEAD
        + "  - tree:\n      o/root:\n        o/child: {o/grandchild: {}}\n        o/sister: {}\n      o/other: {}\n"
    )
    pairs = {(p.model, p.other): (p.truth, p.directed) for p in parse_pair_list(text.encode(), "f", "f").pairs}
    assert pairs["o/grandchild", "o/root"] == pairs["o/child", "o/root"] == ("related", True)
    assert pairs["o/child", "o/sister"] == pairs["o/grandchild", "o/sister"] == ("related", False)
    assert pairs["o/root", "o/other"] == ("unrelated", False) and len(pairs) == 10


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("list: 2\ntitle: t\nsources: [s]\ngroups: []", "line 1: list: this forebear reads"),
        (HEAD + "  - {truth: maybe, kind: k, pairs: [[o/a, o/b]]}", "none of related, unrelated, taught"),
        (HEAD + "  - {truth: related, pairs: [[o/a, o/b]]}", "kind must be given"),
        (HEAD + "  - {truth: related, kind: k}", "this one has 0"),
        (HEAD + "  - {truth: related, kind: k, pairs: [[o/a, o/b, o/c]]}", "a pair has two models, this one 3"),
        (HEAD + "  - {truth: related, kind: k, pairs: [[o/a, ../../b]]}", "no repository such as org/name"),
        (HEAD + "  - {truth: related, kind: k, pairs: [[o/a, o/a]]}", "paired with itself"),
        (HEAD + "  - {truth: related, kind: k, pairs: [[o/a, o/b], [o/b, o/a]]}", "stand twice"),
        (HEAD + "  - {truth: unrelated, kind: k, every_two: [o/a]}", "0 pairs of 0 models"),
        (HEAD + "  - {tree: {o/a: {}}, truth: related}", "it has no other keys"),
        (HEAD + "  - {tree: {a: {}, o/b: {}}}", "no repository"),
        (HEAD + "  - {truth: related, kind: k, pairs: [[o/a, o/b]]}\nmodels: {o/c: {note: n}}", "no pair of the list"),
        (
            HEAD + "  - {truth: unrelated, kind: k, every_two: [" + ", ".join(f"o/m{i}" for i in range(250)) + "]}",
            "a list has 1 to 20000",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_said(text: str, said: str) -> None:
    with pytest.raises(FormatError, match=r"my\.yaml") as error:
        parse_pair_list(text.encode(), "my.yaml", "my")
    assert said in str(error.value)


def test_a_name_that_no_list_has_is_answered_with_one_like_it() -> None:
    with pytest.raises(SourceError, match="did you mean lineagebench"):
        find_list("lineage-bench")
