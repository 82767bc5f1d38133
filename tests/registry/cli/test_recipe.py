"""`forebear recipe`: the merge of the bundled zoo gets its recipe back, and nothing else gets one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from forebear.registry import Registry

from ..conftest import Run


@pytest.fixture
def _zoo(zoo_registry: Path, registry_path: Path) -> Path:
    return Path(shutil.copy(zoo_registry, registry_path))


def document(run: Run, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("recipe", *arguments, "--format", "json").out)
    return found


@pytest.mark.usefixtures("_zoo")
def test_the_merge_is_told_with_parents_weights_and_proof(run: Run) -> None:
    found = document(run, "alder-merge")
    (recipe,) = found["recipes"]
    assert (recipe["component"], recipe["method"], recipe["base"]) == ("language", "linear", None)
    weights = {parent["name"]: parent["weight"] for parent in recipe["parents"]}
    assert weights == {"alder-docs": 0.5, "alder-tests": 0.5}
    assert all(parent["low"] <= parent["weight"] <= parent["high"] for parent in recipe["parents"])
    assert recipe["exact_share"] >= 0.99 > recipe["rival_share"]
    assert recipe["unexplained"] < 0.01
    assert {row["group"] for row in recipe["layers"]} == {"attention", "ffn"}
    assert found["schema_version"] and found["query"]["name"] == "alder-merge"


@pytest.mark.usefixtures("_zoo")
def test_people_see_a_table_and_weights_by_layer_when_they_ask(run: Run) -> None:
    ran = run("recipe", "alder-merge", "--layers")
    assert ran.code == 0
    assert "alder-merge (language): linear, computed in float32" in ran.out
    assert "not identifiable: task_arithmetic reproduces as much as linear" in ran.out
    assert "weights by layer" in ran.out
    assert "weights by layer" not in run("recipe", "alder-merge").out


@pytest.mark.usefixtures("_zoo")
def test_the_yaml_names_the_places_of_the_parents(run: Run, zoo: Path) -> None:
    config = yaml.safe_load(run("recipe", "alder-merge", "--format", "yaml").out)
    assert (config["merge_method"], config["dtype"]) == ("linear", "bfloat16")
    assert {model["model"] for model in config["models"]} == {str(zoo / "alder-docs"), str(zoo / "alder-tests")}
    assert [model["parameters"] for model in config["models"]] == [{"weight": 0.5}] * 2


@pytest.mark.usefixtures("_zoo")
def test_a_merge_that_is_not_registered_is_read_and_not_kept(run: Run, zoo: Path, registry_path: Path) -> None:
    run("remove", "alder-merge")
    assert document(run, str(zoo / "alder-merge"))["recipes"][0]["method"] == "linear"
    with Registry(registry_path, read_only=True) as registry:
        assert registry.find("alder-merge") is None


@pytest.mark.usefixtures("_zoo")
def test_no_model_of_the_zoo_that_is_no_merge_has_a_recipe(zoo: Path, registry_path: Path) -> None:
    others = [model.name for model in sorted(zoo.iterdir()) if model.name != "alder-merge"]
    with Registry(registry_path, read_only=True) as registry:
        claimed = {name: registry.recipe(name).recipes for name in others}
    assert len(others) == 16 and not any(claimed.values())


@pytest.mark.usefixtures("_zoo")
def test_named_parents_alone_are_considered(run: Run) -> None:
    named = ("--parents", "alder-docs", "--parents", "alder-tests")
    assert document(run, "alder-merge", *named)["recipes"][0]["exact_share"] >= 0.99
    assert document(run, "alder-merge", "--parents", "alder", "--parents", "alder-docs")["recipes"] == []


@pytest.mark.usefixtures("_zoo")
def test_a_base_that_does_not_fit_is_an_error_that_says_so(run: Run) -> None:
    named = ("--parents", "alder-docs", "--parents", "alder-tests", "--base", "cedar")
    ran = run("recipe", "alder-merge", *named)
    assert ran.code == 1 and "the base that was named does not hold the model's tensors" in ran.err


@pytest.mark.usefixtures("_zoo")
def test_what_has_no_recipe_has_no_yaml_and_says_so(run: Run) -> None:
    assert "alder-docs: no merge of models that are registered" in run("recipe", "alder-docs").out
    ran = run("recipe", "alder-docs", "--format", "yaml")
    assert (ran.code, ran.out) == (1, "") and "there is no recipe to write as YAML" in ran.err
    ran = run("list", "--format", "yaml")
    assert ran.code == 2 and "yaml" in ran.err


@pytest.mark.usefixtures("_zoo")
def test_one_parent_alone_is_no_merge(run: Run) -> None:
    ran = run("recipe", "alder-merge", "--parents", "alder-docs")
    assert ran.code == 2 and "two parents or more" in ran.err


def test_a_recipe_that_is_kept_stands_in_a_comparison_and_its_report(run: Run, _zoo: Path, tmp_path: Path) -> None:
    asked = ("compare", "alder-merge", "alder-docs", "--format", "json")
    assert not any("recipe of its" in note for note in json.loads(run(*asked).out)["notes"])
    run("recipe", "alder-merge", "--keep")
    page = tmp_path / "report.html"
    (said,) = [n for n in json.loads(run(*asked, "--report", page).out)["notes"] if "recipe of its" in n]
    assert said.startswith("A: recipe of its language: linear of 0.5 alder-tests, 0.5 alder-docs; it gives 100.00 %")
    assert "the best other recipe 84.99 % (task_arithmetic of alder-tests, alder-docs)" in said
    assert "recipe of its language: linear of 0.5 alder-tests, 0.5 alder-docs" in page.read_text("utf-8")
