"""Small registries: what a model is to another, and which are drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.field.draws import draw
from benchmarks.field.relations import Lineage, Relation, selected
from benchmarks.field.small_registries import together
from benchmarks.field.summary import calibration, denies_ancestor, falsely_derived, nearest_first, truly_wrong
from benchmarks.peers.truth import Member, Zoo


def member(name: str, category: str, *parents: str, split: str = "development", twin: str | None = None) -> Member:
    root = name if category in {"root", "stranger"} else "base"
    return Member(name, parents, category, "", root, split, False, twin)


@pytest.fixture
def zoo() -> Zoo:
    listed = [
        member("base", "root"),
        member("tuned", "finetuned", "base"),
        member("other", "finetuned", "base"),
        member("merge", "merge_linear", "tuned", "other"),
        member("after", "chain", "merge"),
        member("tuned-gguf", "gguf", "tuned"),
        member("tuned-back", "converted", "tuned-gguf"),
        member("late", "finetuned", "base", split="held_out"),
        member("twin", "twin", twin="base"),
        *(member(f"stranger-{i}", "stranger") for i in range(5)),
    ]
    return Zoo({one.name: one for one in listed})


@pytest.mark.parametrize(
    ("query", "candidate", "expected"),
    [
        ("tuned", "base", Relation.ANCESTOR),
        ("after", "base", Relation.ANCESTOR),
        ("base", "after", Relation.DESCENDANT),
        ("tuned", "other", Relation.SIBLING),
        ("after", "late", Relation.SIBLING),
        ("merge", "other", Relation.MERGE_PARENT),
        ("after", "merge", Relation.ANCESTOR),
        ("tuned-back", "tuned", Relation.COPY),
        ("tuned", "tuned-back", Relation.COPY),
        ("merge", "tuned-gguf", Relation.SIBLING),
        ("tuned", "twin", Relation.TWIN),
        ("tuned", "stranger-1", Relation.UNRELATED),
    ],
)
def test_a_candidate_is_to_the_query_what_the_parents_say(
    zoo: Zoo, query: str, candidate: str, expected: Relation
) -> None:
    assert Lineage(zoo).relation(query, candidate) is expected


def test_a_copy_of_an_ancestor_stands_for_it_and_a_sibling_does_not(zoo: Zoo) -> None:
    lineage = Lineage(zoo)
    assert lineage.stands_for_ancestor("merge", "tuned-back")
    assert not lineage.stands_for_ancestor("merge", "late")


def test_the_nearest_registered_ancestors_are_the_fewest_generations_away(zoo: Zoo) -> None:
    lineage = Lineage(zoo)
    assert lineage.nearest("after", ["base", "tuned", "other"]) == ["other", "tuned"]
    assert lineage.nearest("after", ["base", "late"]) == ["base"]
    assert lineage.nearest("base", ["after", "late"]) == []


def test_a_half_has_its_own_models_and_what_they_come_from(zoo: Zoo) -> None:
    assert [*selected(zoo, "held_out").members] == ["base", "late"]
    assert [*selected(zoo, None).members] == [*zoo.members]


def test_a_draw_follows_from_its_seed_and_number(zoo: Zoo) -> None:
    drawn = draw(zoo, 40)
    assert drawn == draw(zoo, 40)
    assert drawn[:10] == draw(zoo, 10)
    assert drawn != draw(zoo, 40, seed=1)


def test_a_registry_has_few_relatives_some_strangers_and_every_second_an_orphan(zoo: Zoo) -> None:
    lineage = Lineage(zoo)
    for registry in draw(zoo, 60):
        assert 2 <= len(registry.relatives) <= 8 and 1 <= len(registry.unrelated) <= 4
        assert len({*registry.members}) == len(registry.members)
        assert all(zoo.members[name].root == "base" for name in registry.relatives)
        assert registry.orphan == (registry.number % 2 == 1)
        assert registry.chosen in registry.relatives
        assert registry.orphan != bool({*lineage.steps_up(registry.chosen)} & {*registry.members})


def test_relatives_come_from_the_named_models_and_strangers_from_all_one_of_each_family(zoo: Zoo) -> None:
    more = [Member(f"elm-{i}", ("elm-0",) if i else (), "", "", "elm", "development") for i in range(4)]
    both = Zoo(zoo.members | {one.name: one for one in more})
    for registry in draw(both, 30, of={one.name for one in more}):
        assert all(name.startswith("elm") for name in registry.relatives)
        roots = [both.members[name].root for name in registry.unrelated]
        assert "elm" not in roots and len({*roots}) == len(roots)


def test_two_zoos_stand_together_unless_they_have_a_name_in_common(tmp_path: Path) -> None:
    for folder, names in (("a", "xy"), ("b", "z"), ("c", "x")):
        facts = {"parents": [], "category": "root", "strength": "", "split": "development", "rewritten": False}
        for name in names:
            (tmp_path / folder / name).mkdir(parents=True)
        content = {"models": {name: facts | {"root": name} for name in names}}
        (tmp_path / folder / "truth.json").write_text(json.dumps(content), "utf-8")
    zoo, places = together([tmp_path / "a", tmp_path / "b"], None)
    assert [*zoo.members] == ["x", "y", "z"] and places["z"] == tmp_path / "b" / "z"
    with pytest.raises(ValueError, match="x is in another zoo too"):
        together([tmp_path / "a", tmp_path / "c"], None)


def test_a_zoo_without_a_family_has_no_registries(zoo: Zoo) -> None:
    with pytest.raises(ValueError, match="no family"):
        draw(Zoo({n: m for n, m in zoo.members.items() if m.category == "stranger"}), 1)


def question(*rows: dict[str, Any], nearest: list[str], verdict: str = "derived") -> dict[str, Any]:
    return {"verdict": verdict, "rows": list(rows), "nearest": nearest}


def row(name: str, rank: int, direction: str, truth: str, *, above: bool, near: bool = False) -> dict[str, Any]:
    told = 0.97 if direction in {"ancestor", "copy"} else None
    facts = {"name": name, "rank": rank, "direction": direction, "truth": truth, "probability": told, "relation": ()}
    return facts | {"is_ancestor": above, "stands_for_ancestor": above or near}


def test_derived_from_a_copy_of_the_parent_is_false_but_not_wrong() -> None:
    copy = question(row("copy", 1, "ancestor", "sibling", above=False, near=True), nearest=[])
    sibling = question(row("sibling", 1, "ancestor", "sibling", above=False), nearest=[])
    assert falsely_derived(copy) and not truly_wrong(copy)
    assert falsely_derived(sibling) and truly_wrong(sibling)
    assert not falsely_derived(question(row("parent", 1, "ancestor", "ancestor", above=True), nearest=["parent"]))


def test_an_ancestor_outside_the_first_rank_called_a_sibling_is_denied() -> None:
    asked = question(
        row("sibling", 1, "unknown", "sibling", above=False),
        row("parent", 2, "sibling_or_descendant", "ancestor", above=True),
        nearest=["parent"],
    )
    assert denies_ancestor(asked) and not nearest_first(asked)


def test_calibration_sets_what_was_said_beside_what_was() -> None:
    rows = [row("a", 1, "ancestor", "ancestor", above=i < 3) | {"probability": 0.72} for i in range(4)]
    assert calibration([question(*rows, nearest=[])]) == ["  0.7 to 0.8: said 0.720, was 0.750, 4 rows"]
    assert calibration([question(row("a", 1, "unknown", "sibling", above=False), nearest=[])]) == []
