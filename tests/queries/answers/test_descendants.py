"""What came out of a model: the order of the rows, and words that never say a direction that nothing tells."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from forebear.queries.thresholds.lineage import DIRECTION_TOLD
from forebear.registry import ComponentAnswer, Registry

EVERYONE = 100


@pytest.fixture(scope="module")
def marked(zoo_registry: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zoo with somebody's word that its three roots were trained from scratch."""
    path = Path(shutil.copy(zoo_registry, tmp_path_factory.mktemp("marked") / "registry.duckdb"))
    with Registry(path) as registry:
        for root in ("alder", "birch", "cedar"):
            registry.mark_root(root, source="the recipe of the zoo")
    return path


def asked(path: Path, model: str) -> ComponentAnswer:
    with Registry(path, read_only=True) as registry:
        (answer,) = registry.descendants(model, k=EVERYONE).components
    return answer


def below(truth: dict[str, Any], model: str) -> set[str]:
    children = {name for name, facts in truth["models"].items() if model in facts["parents"]}
    return children.union(*(below(truth, child) for child in children))


def test_what_is_told_to_descend_from_a_claimed_root_does(marked: Path, truth: dict[str, Any]) -> None:
    answer = asked(marked, "alder")
    told = {row.name for row in answer.ancestors if row.direction_probability >= DIRECTION_TOLD}
    assert answer.verdict == "derived"
    assert "descendants are told" in answer.sentence and "the recipe of the zoo" in answer.sentence
    assert len(told) >= 8
    assert told <= below(truth, "alder")


def test_rows_go_from_the_likeliest_descendant_down_and_equal_ones_share_a_rank(marked: Path) -> None:
    rows = [row for row in asked(marked, "alder").ancestors if row.origin == "derivation"]
    likely = [round(row.direction_probability, 2) for row in rows]
    assert likely == sorted(likely, reverse=True)
    assert [row.rank for row in rows] == [1 + likely.index(one) for one in likely]


def test_without_claims_the_words_say_that_the_order_is_not_known(zoo_registry: Path) -> None:
    answer = asked(zoo_registry, "alder")
    assert answer.verdict == "related"
    assert "which came first cannot be told" in answer.sentence
    assert not {row.direction for row in answer.ancestors if row.origin == "derivation"} & {"descendant"}
    assert answer.sentence.endswith("; the claim that the query was trained from scratch would tell")
    assert "release dates of both would rule out one order" in answer.sentence


def test_a_model_without_relatives_has_no_descendant(zoo_registry: Path) -> None:
    answer = asked(zoo_registry, "birch")
    assert (answer.verdict, answer.sentence) == ("unrelated", "language: no descendant among 16 models")


def test_relations_are_what_was_done_to_make_the_descendant(marked: Path) -> None:
    relation = {row.name: row.relation for row in asked(marked, "alder").ancestors}
    assert relation["alder-upscaled"] == ("layers_added",)
    assert relation["alder-pruned"] == ("layers_removed",)
    assert "experts_upcycled" in relation["alder-moe"]
    assert {row.name: row.relation for row in asked(marked, "alder-docs").ancestors}["alder-merge"] == ("merged",)
