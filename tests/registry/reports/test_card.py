"""A proposed card says what is told, changes nothing else, and is a patch that git takes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from forebear.ingest.errors import FormatError
from forebear.registry import Registry
from forebear.registry.reports.card import proposed_card, with_parents

CARD = """---
license: mit
base_model:
  - old/one   # once
  - old/two
tags: [a, b]
base_model_relation: adapter
---

# A model
"""


@pytest.fixture(scope="module")
def registry(zoo_registry: Path, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    path = shutil.copy(zoo_registry, tmp_path_factory.mktemp("card") / "registry.duckdb")
    opened = Registry(path)
    opened.mark_root("alder", source="https://example.org/alder")
    return opened


def test_earlier_parents_give_way_and_every_other_character_stays() -> None:
    found = with_parents(CARD, ["org/parent"], "finetune")
    assert found == CARD.replace(
        "base_model:\n  - old/one   # once\n  - old/two\n", "base_model: org/parent\nbase_model_relation: finetune\n"
    ).replace("base_model_relation: adapter\n", "")


def test_a_card_without_front_matter_or_no_card_gets_one() -> None:
    assert with_parents("# A model\n", ["a/b"], None) == "---\nbase_model: a/b\n---\n\n# A model\n"
    assert with_parents("", ["a/b", "c/d"], "merge") == (
        "---\nbase_model:\n- a/b\n- c/d\nbase_model_relation: merge\n---\n"
    )


@pytest.mark.parametrize("front", ["- a\n- b\n", "a: [1\n", "base_model: &x one\nother: *x\n", '{"base_model": "x"}\n'])
def test_front_matter_that_cannot_be_patched_safely_is_an_error(front: str) -> None:
    with pytest.raises(FormatError, match="front matter"):
        with_parents(f"---\n{front}---\n", ["a/b"], None)


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=20).filter(lambda name: name.strip() == name))
def test_any_name_of_a_parent_is_read_back_as_itself(name: str) -> None:
    front = with_parents(CARD, [name], None).split("---\n")[1] if "---" not in name else None
    if front is not None:
        assert yaml.safe_load(front)["base_model"] == name


def test_the_parents_of_a_merge_are_proposed_as_a_patch_that_git_applies(registry: Registry, tmp_path: Path) -> None:
    found = proposed_card(registry, "alder-merge")
    assert (set(found.parents), found.relation) == ({"alder-docs", "alder-tests"}, "merge")
    folder = Path(registry.model("alder-merge").uri.removeprefix("file://"))
    shutil.copy(folder / "README.md", tmp_path)
    subprocess.run(["git", "apply", "-"], input=found.patch.encode(), cwd=tmp_path, check=True)
    front = yaml.safe_load((tmp_path / "README.md").read_text("utf-8").split("---\n")[1])
    assert set(front["base_model"]) == {"alder-docs", "alder-tests"} and front["base_model_relation"] == "merge"
    assert front["license"] == "apache-2.0"


def test_a_declared_parent_that_the_weights_allow_is_not_replaced_by_one_further_up(registry: Registry) -> None:
    found = proposed_card(registry, "alder-docs-tests")
    assert (found.parents, found.patch) == ((), "")
    assert any("the card declares alder-docs" in note for note in found.notes)


@pytest.mark.parametrize("model", ["birch", "alder-4bit", "alder-twin"])
def test_where_no_ancestor_is_told_nothing_is_proposed(registry: Registry, model: str) -> None:
    found = proposed_card(registry, model)
    assert (found.parents, found.relation, found.patch) == ((), None, "")
    assert found.notes[-1] == "nothing is proposed"
