"""Declared recipes beside recovered ones: what agrees is confirmed, what is wrong is named, the rest is not judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from forebear.ingest.metadata.merge_config import DeclaredRecipe, DeclaredWeight, parsed
from forebear.queries.lineage.recipes.declared import Check, checks
from forebear.queries.lineage.recipes.records import ParentWeight, Recipe

KNOWN = {name: frozenset({(name, f"hf://{name}")}) for name in ("a", "b", "c", "base")}


def parent(name: str, weight: float) -> ParentWeight:
    return ParentWeight(name, f"hf://{name}", weight, weight - 0.001, weight + 0.001)


LINEAR = Recipe(
    component="language",
    method="linear",
    base=None,
    base_source=None,
    parents=(parent("a", 0.6), parent("b", 0.4)),
    exact_share=0.998,
    changed_share=0.99,
    rival_share=0.5,
    rival=None,
    unexplained=0.001,
    arithmetic="float32",
    out_type="bfloat16",
    layers=(),
    twins=(),
    notes=(),
    mergekit="merge_method: linear",
)
TASK = replace(
    LINEAR, method="task_arithmetic", base="base", base_source="hf://base", parents=(parent("a", 0.7), parent("b", 0.6))
)


def said(config: str) -> DeclaredRecipe:
    recipe = parsed("card", config)
    assert recipe is not None
    return recipe


def weighted(method: str, *weights: tuple[str, float], base: str = "") -> DeclaredRecipe:
    models = ", ".join(f"{{model: {name}, parameters: {{weight: {weight}}}}}" for name, weight in weights)
    return said(f"merge_method: {method}\nbase_model: {base or '~'}\nmodels: [{models}]")


def check(declared: DeclaredRecipe, *recipes: Recipe) -> list[Check]:
    return checks([declared], recipes, KNOWN)


@pytest.mark.parametrize(
    ("declared", "recipe"),
    [
        (weighted("linear", ("a", 3), ("b", 2)), LINEAR),
        (weighted("linear", ("b", 0.41), ("a", 0.59)), LINEAR),
        (weighted("linear", ("a", 0.6), ("b", 0.4), ("c", 0.01)), LINEAR),
        (weighted("task_arithmetic", ("a", 0.7), ("b", 0.6), base="base"), TASK),
        (weighted("task_arithmetic", ("a", 0.6), base="b"), LINEAR),
        (weighted("ties", ("a", 1.2), ("b", 0.8), base="base"), replace(LINEAR, method="ties", base="base")),
        (said("merge_method: slerp\nbase_model: a\nmodels: [{model: b}]\nparameters: {t: 0.4}"),
         replace(LINEAR, method="slerp")),
    ],
    ids=range(7),
)  # fmt: skip
def test_what_agrees_is_confirmed_whatever_weights_are_scaled_by(declared: DeclaredRecipe, recipe: Recipe) -> None:
    (found,) = check(declared, recipe)
    assert (found.status, found.component, found.declared) == ("recipe_confirmed", "language", None)
    assert "99.8%" in found.reason


@pytest.mark.parametrize(
    ("declared", "recipe", "wrong", "reason"),
    [
        (weighted("linear", ("a", 0.6), ("c", 0.4)), LINEAR, "c", "takes no part"),
        (weighted("linear", ("a", 0.6), ("c", 0.4)), LINEAR, None, "b takes part and is not declared"),
        (weighted("linear", ("a", 0.5), ("b", 0.5)), LINEAR, "a", "declared with weight 0.5, and 0.6 reproduces it"),
        (weighted("linear", ("a", 0.5), ("b", 0.5)), LINEAR, "b", "declared with weight 0.5, and 0.4 reproduces it"),
        (weighted("ties", ("a", 0.6), ("b", 0.4), base="base"), LINEAR, None, "declared as ties, and linear of"),
        (weighted("task_arithmetic", ("a", 0.7), ("b", 0.5), base="base"), TASK, "b", "weight 0.5, and 0.6"),
        (weighted("task_arithmetic", ("a", 0.7), ("b", 0.6), base="c"), TASK, "c", "takes no part"),
    ],
    ids=range(7),
)
def test_what_is_wrong_is_named(declared: DeclaredRecipe, recipe: Recipe, wrong: str | None, reason: str) -> None:
    found = check(declared, recipe)
    assert {one.status for one in found} == {"recipe_contradicted"}
    assert any(one.declared == wrong and reason in one.reason for one in found), found


@pytest.mark.parametrize(
    ("declared", "recipes", "reason"),
    [
        (weighted("linear", ("a", 0.6), ("elsewhere", 0.4)), [LINEAR], "not in the registry: elsewhere; replay gives"),
        (weighted("linear", ("a", 0.6), ("b", 0.4)), [], "no method that is known here reproduces"),
        (weighted("linear", ("a", 0.6), ("b", 0.4)), [replace(LINEAR, method="unknown")], "the values lie between"),
        (weighted("ram", ("a", 0.6), ("b", 0.4)), [LINEAR], "ram is not replayed here"),
        (weighted("multislerp", ("a", 0.6), ("b", 0.4)), [LINEAR], "multislerp is not replayed here"),
        (said("merge_method: linear"), [LINEAR], "names no parents"),
        (said("merge_method: linear\n---\nmerge_method: ties"), [LINEAR], "several stages"),
    ],
    ids=range(7),
)
def test_what_cannot_be_checked_is_not_judged(declared: DeclaredRecipe, recipes: list[Recipe], reason: str) -> None:
    (found,) = check(declared, *recipes)
    assert found.status == "recipe_not_checkable" and reason in found.reason


def test_a_parent_that_holds_the_same_values_as_the_declared_one_is_that_one() -> None:
    twin = replace(LINEAR, parents=(replace(parent("c", 0.6), coincides=("a",)), parent("b", 0.4)))
    assert check(weighted("linear", ("a", 0.6), ("b", 0.4)), twin)[0].status == "recipe_confirmed"


def test_weights_that_differ_from_layer_to_layer_are_not_judged() -> None:
    graded = DeclaredRecipe(
        "card", "linear", None, (DeclaredWeight("a", 0.2, True), DeclaredWeight("b", 0.8, True)), ""
    )
    assert check(graded, LINEAR)[0].status == "recipe_confirmed"
