"""Thresholds are changed wherever they are held, and what is kept of a question is what it would be computed as."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.field.asking import Asker
from benchmarks.field.small_registries import question
from benchmarks.peers.truth import Member, Zoo
from benchmarks.thresholds.asked import Asked
from benchmarks.thresholds.asks import asks
from benchmarks.thresholds.figures import Figures, figures
from benchmarks.thresholds.models import Missing, Models, held_out
from benchmarks.thresholds.reach import Reach
from benchmarks.thresholds.replacing import holders, replaced, threshold_modules, values
from benchmarks.thresholds.steps import steps, text
from forebear.queries.answers import verdict
from forebear.queries.evidence import activations, pair
from forebear.queries.lineage import judgement
from forebear.queries.lineage.family import family
from forebear.queries.relation.adapters import relation_of
from forebear.queries.statistics.pvalues import cauchy
from forebear.queries.thresholds import significance

ROOT = Path(__file__).resolve().parents[2]
AT_IMPORT = {"CKA_PERMUTATIONS", "FAMILY_MEMBERS", "FEWEST_CANDIDATES", "MOST_CANDIDATES"}
"""Thresholds that are defaults of parameters or stand in tables: they are measured elsewhere."""


@pytest.fixture(scope="module")
def models(truth: dict[str, Any], zoo: Path) -> Models:
    """A few of the bundled zoo; the registries of both folders are drawn of its one large family."""
    members = {
        name: Member(name, tuple(truth["models"][name]["parents"]), kind, "", name.split("-")[0], "held_out")
        for name, kind in {
            "alder": "root",
            "alder-docs": "finetuned",
            "alder-4bit": "converted",
            "birch": "root",
        }.items()
    }
    return Models(Zoo(members), {name: zoo / name for name in members}, frozenset({"alder"}), frozenset({"alder-docs"}))


@pytest.fixture(scope="module")
def asker(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Asker:
    path = tmp_path_factory.mktemp("curves") / "registry.duckdb"
    return Asker(path, models.places, list(models.zoo.members), models.roots)


@pytest.fixture(scope="module")
def asked(models: Models, asker: Asker) -> Asked:
    return Asked(models, asker, 1)


def test_a_threshold_is_changed_in_every_module_that_holds_it_and_is_given_back() -> None:
    held = holders("SIGNIFICANT_LOG10_E")
    assert {m.__name__ for m in held} >= {
        "forebear.queries.thresholds.significance",
        "forebear.queries.evidence.pair",
        "forebear.queries.relation.origin",
        "benchmarks.field.asking",
    }
    with replaced("SIGNIFICANT_LOG10_E", -7.0):
        assert {vars(module)["SIGNIFICANT_LOG10_E"] for module in held} == {-7.0}
    assert {vars(module)["SIGNIFICANT_LOG10_E"] for module in held} == {-3.0}


def test_a_threshold_is_given_back_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), replaced("LARGEST_P", 0.5):
        raise ZeroDivisionError
    assert significance.LARGEST_P == 0.999


def test_what_reads_a_threshold_reads_the_other_value() -> None:
    log_p = np.log(np.array([0.01, 0.9999]))
    before = cauchy(log_p)
    with replaced("LARGEST_P", 0.5):
        assert cauchy(log_p) < before - 0.1
    assert cauchy(log_p) == before


def test_no_threshold_has_two_names_or_two_modules() -> None:
    names = [name for module in threshold_modules() for name in vars(module) if name.isupper()]
    assert len(names) == len({*names}) == len(values()) > 100
    with pytest.raises(KeyError):
        holders("NO_THRESHOLD")


def test_a_threshold_that_is_read_at_import_is_measured_elsewhere_as_a_change_would_escape() -> None:
    for path in sorted((ROOT / "queries").rglob("*.py")):
        if path.parent.name != "thresholds":
            tree = ast.parse(path.read_text("utf-8"))
            renamed = [
                alias.name
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom)
                for alias in node.names
                if alias.name in values() and alias.asname
            ]
            assert not renamed, path
            assert _at_import(tree) <= AT_IMPORT, path


def _at_import(tree: ast.AST) -> set[str]:
    """Thresholds that are read outside of all bodies of functions."""
    found: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Name) and node.id in values():
            found.add(node.id)
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            found |= _at_import(node.args)
        else:
            found |= _at_import(node)
    return found


def test_reach_names_what_stands_in_functions_that_ran_inside_and_outside() -> None:
    reach = Reach({"LARGEST_P", "TIE"})
    with reach.collecting() as outer:
        with reach.collecting() as inner:
            cauchy(np.log(np.array([0.5])))
        with reach.collecting() as nothing:
            text(1.0)
    assert inner == outer == {"LARGEST_P"} and not nothing


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ANY", 0.02, {0.5: "0.01", 0.8: "0.016", 1.0: "0.02", 1.25: "0.025", 2.0: "0.04"}),
        ("ANY", 0.9, {0.5: "0.95", 0.8: "0.92", 1.0: "0.9", 1.25: "0.875", 2.0: "0.8"}),
        ("MERGE_ROUNDED_ONCE", 0.9, {0.5: "0.45", 0.8: "0.72", 1.0: "0.9", 1.25: "1.125", 2.0: "1.8"}),
        ("ANY", 2, {0.5: "1", 1.0: "2", 1.25: "3", 2.0: "4"}),
        ("ANY", 1, {0.5: "0", 1.0: "1", 1.25: "2"}),
        ("ANY", (2.0, 4.0), {0.5: "2.5 to 3.5", 1.0: "2 to 4", 0.8: "2.2 to 3.8", 1.25: "1.75 to 4.25", 2.0: "1 to 5"}),
        ("ANY", {4: 0.2}, {0.5: "4: 0.1", 0.8: "4: 0.16", 1.0: "4: 0.2", 1.25: "4: 0.25", 2.0: "4: 0.4"}),
    ],
)
def test_steps_lie_on_either_side_and_inside_what_is_valid(
    name: str, value: object, expected: dict[float, str]
) -> None:
    assert {factor: text(one) for factor, one in steps(name, value).items()} == expected


def test_every_threshold_has_a_step_and_no_share_passes_1() -> None:
    for name, value in values().items():
        found = steps(name, value)
        assert len(found) > 2 and found[1.0] is value, name
        if isinstance(value, float) and 0 < value < 1 and name != "HALF_STEP_OF_ROUNDING":
            assert name == "MERGE_ROUNDED_ONCE" or all(0 <= one <= 1 for one in found.values()), name  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "value"),
    [  # one of each stage
        ("DIRECTION_TOLD", 0.01),
        ("LEAST_ROUNDING", 1000.0),
        ("NOISE_SPREAD", 1000.0),
        ("TENSOR_LOG_P", -400.0),
    ],
)
def test_what_is_kept_gives_the_answers_of_a_computation_from_the_start(
    asked: Asked, asker: Asker, models: Models, name: str, value: float
) -> None:
    with replaced(name, value):
        fresh = asker.anew()
        anew = [question(fresh, models.zoo, ask.drawn, ask.option, ask.query) for ask in asked.asks]
        expected = figures(anew, asked.questions)
    assert asked.measured(name, value) == expected and expected.changed > 0


def test_a_threshold_that_is_changed_far_enough_changes_answers_and_then_they_are_as_before(asked: Asked) -> None:
    before = asked.as_they_are()
    assert before.changed == 0 and before.related > 0 and before.unrelated == 0
    assert asked.measured("SIGNIFICANT_LOG10_E", -1e9).related < before.related
    assert asked.measured("DIRECTION_TOLD", 0.01).changed > 0
    assert asked.measured("TIE", values()["TIE"]) == before


def test_after_the_questions_every_function_is_the_product_s_own(asked: Asked) -> None:
    asked.measured("TIE", 0.5)
    assert vars(verdict)["compare"] is pair.compare and vars(verdict)["relation_of"] is relation_of
    assert vars(judgement)["family"] is family and vars(activations)["pair_counts"].__module__ == activations.__name__
    assert sys.getprofile() is None


def test_a_threshold_that_nothing_reaches_is_told_from_one_that_is_read(asked: Asked) -> None:
    assert asked.reaches("TIE") and asked.reaches("OUTLIER_DEVIATIONS") and not asked.reaches("CKA_PERMUTATIONS")


def test_figures_are_at_most_of_how_many_they_are(asked: Asked) -> None:
    every, now = asked.totals(), asked.as_they_are()
    for name in Figures.columns():
        if "tie" not in name:
            assert getattr(now, name) <= getattr(every, name), name
    assert every.changed == len(asked.questions) and every.related + every.unrelated == every.copies + every.no_copies


def test_the_held_out_half_is_asked_with_the_roots_that_both_halves_have(tmp_path: Path) -> None:
    folders = [tmp_path / label for label in ("field", "grown", "new")]
    for folder in folders:
        label, halves = folder.name, {"root": "both", "seen": "development", "later": "held_out"}
        facts = {"category": "finetuned", "drift": "light", "strength": "", "split": "held_out", "rewritten": False}
        about = {
            f"{label}-{name}": facts
            | {"half": half, "root": f"{label}-root", "parents": [] if name == "root" else [f"{label}-root"]}
            for name, half in halves.items()
        }
        for name in about:
            (folder / name).mkdir(parents=True)
        (folder / "truth.json").write_text(json.dumps({"models": about}), "utf-8")
    found = held_out(*folders)
    assert found.field == {"field-root", "field-later"} and found.grown == {"grown-root", "grown-later"}
    assert [*found.zoo.members][4:] == ["new-root", "new-seen", "new-later"], (
        "all of an edition that nothing was set on"
    )
    assert found.roots == ["field-root", "grown-root", "new-root"]
    (tmp_path / "grown" / "grown-root").rmdir()
    with pytest.raises(Missing, match=r"lacks grown-root.*make bench-grown"):
        held_out(*folders)


def test_what_a_held_out_model_comes_from_is_there_whichever_half_it_is_of(tmp_path: Path) -> None:
    above = {"root": ("both", []), "copy": ("development", ["root"]), "later": ("held_out", ["copy"])}
    folders = [tmp_path / label for label in ("field", "grown", "new")]
    for folder in folders:
        facts = {"category": "finetuned", "drift": "light", "strength": "", "split": "held_out", "rewritten": False}
        about = {
            f"{folder.name}-{name}": facts
            | {"half": half, "root": "root", "parents": [f"{folder.name}-{p}" for p in parents]}
            for name, (half, parents) in above.items()
        }
        for name in about:
            (folder / name).mkdir(parents=True)
        (folder / "truth.json").write_text(json.dumps({"models": about}), "utf-8")
    assert held_out(*folders).field == {"field-root", "field-copy", "field-later"}


def test_folders_that_are_not_there_are_said_with_what_makes_them(tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"make bench-field-models.*FIELD=FOLDER"):
        held_out(tmp_path / "field", tmp_path / "grown", tmp_path / "new")


def test_what_is_no_plain_fine_tune_is_asked_beside_its_ancestors_others_and_strangers(models: Models) -> None:
    found = asks(models, 1)
    special = found[-1]
    assert special.query == special.drawn.chosen == "alder-4bit" and special.option == "no dates"
    assert {*special.drawn.members} == {"alder-4bit", "alder", "alder-docs", "birch"}
    assert {one.option for one in found} == {"no dates", "dates known"} and asks(models, 1) == found
