"""The truth of the large zoo: what its pairs are, and which of them are compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.peers.truth import Protocol, Relation, Zoo, read_zoo


@pytest.fixture
def path(tmp_path: Path) -> Path:
    def entry(category: str, root: str, *parents: str, **more: object) -> dict[str, object]:
        facts = {"parents": list(parents), "category": category, "strength": "", "root": root}
        return facts | {"split": "held_out" if root == "fir" else "development", "rewritten": False} | more

    models = {
        "oak": entry("root", "oak"),
        "fir": entry("root", "fir"),
        "oak-docs": entry("finetuned", "oak", "oak"),
        "oak-code": entry("finetuned", "oak", "oak"),
        "oak-merge": entry("merged", "oak", "oak-docs", "oak-code"),
        "oak-twin": entry("twin", "oak", initialisation="oak"),
        **{f"stranger-{i}": entry("stranger", f"stranger-{i}") for i in range(8)},
    }
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps({"models": models}), "utf-8")
    return truth


def unrelated(zoo: Zoo) -> list[tuple[str, str]]:
    return [p for p in zoo.pairs(5) if zoo.relation(*p) is Relation.UNRELATED and "fir" not in p and "oak" not in p]


def test_a_parent_is_a_parent_in_one_direction_only(path: Path) -> None:
    zoo = read_zoo(path)
    assert zoo.relation("oak-docs", "oak") is Relation.PARENT
    assert zoo.relation("oak", "oak-docs") is Relation.KIN
    assert zoo.relation("oak-docs", "oak-code") is Relation.KIN
    assert zoo.relation("oak-docs", "fir") is Relation.UNRELATED


def test_descendants_are_followed_over_generations(path: Path) -> None:
    zoo = read_zoo(path)
    assert zoo.descendants("oak") == {"oak-docs", "oak-code", "oak-merge"}
    assert zoo.descendants("oak-code") == {"oak-merge"}
    assert zoo.descendants("fir") == set()


def test_twins_are_neither_related_nor_unrelated(path: Path) -> None:
    zoo = read_zoo(path)
    assert zoo.relation("oak-twin", "oak") is Relation.TWIN
    assert zoo.relation("oak-docs", "oak-twin") is Relation.TWIN
    assert zoo.relation("oak-twin", "fir") is Relation.UNRELATED
    assert "oak-twin" not in [m.name for m in zoo.derivatives]


def test_a_sample_keeps_families_and_roots_and_is_the_same_every_time(path: Path) -> None:
    zoo = read_zoo(path)
    assert len(list(zoo.pairs())) == 14 * 13 // 2
    sampled = list(zoo.pairs(5))
    assert ("oak-docs", "oak-code") in sampled and ("fir", "stranger-3") in sampled
    assert len(unrelated(zoo)) == 5
    assert sampled == list(read_zoo(path).pairs(5))


def test_one_category_stands_beside_its_parents_roots_and_strangers(path: Path) -> None:
    zoo = read_zoo(path, only="merged")
    assert set(zoo.members) == {"oak", "fir", "oak-docs", "oak-code", "oak-merge", *(f"stranger-{i}" for i in range(8))}
    with pytest.raises(ValueError, match="no model of category 'mergd'"):
        read_zoo(path, only="mergd")


def test_models_that_are_not_there_are_left_out(path: Path) -> None:
    for name in ("oak", "oak-docs"):
        (path.parent / name).mkdir()
    assert list(read_zoo(path, path.parent).members) == ["oak", "oak-docs"]


def test_as_they_appeared_a_model_meets_what_stood_from_the_start_and_what_came_before_it(path: Path) -> None:
    zoo = read_zoo(path)
    standing = {"oak", "fir", *(f"stranger-{i}" for i in range(8))}
    assert {*zoo.standing} == standing
    assert zoo.candidates("oak-docs", Protocol.AS_THEY_APPEARED) == standing
    assert zoo.candidates("oak-merge", Protocol.AS_THEY_APPEARED) == standing | {"oak-docs", "oak-code"}
    assert zoo.candidates("oak-docs", Protocol.AGAINST_ALL) == {*zoo.members} - {"oak-docs"}
    for name in zoo.arrivals:
        assert not zoo.candidates(name, Protocol.AS_THEY_APPEARED) & zoo.descendants(name)
