"""Which models of a registry serve as controls, and what is said when none can."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from forebear.queries.comparison.records.comparison import Comparison
from forebear.registry import Registry


def compare(path: Path, a: str | Path, b: str | Path) -> Comparison:
    with Registry(path, read_only=True) as registry:
        return registry.compare(a, b)


def chosen(found: Comparison) -> list[str]:
    return [model.name for model in found.models[2:]]


@pytest.fixture
def registry_of(tmp_path: Path, zoo: Path) -> Path:
    path = tmp_path / "few.duckdb"
    with Registry(path) as registry:
        registry.ingest(*(zoo / name for name in ("alder", "alder-docs", "alder-twin", "cedar")))
    return path


def test_controls_are_of_the_shape_and_of_another_family(zoo_registry: Path) -> None:
    found = compare(zoo_registry, "alder-docs", "alder-tests")
    assert set(chosen(found)) == {"birch", "elm-in-alder-norms"}
    assert [m.origin for m in found.models] == ["asked", "asked", "registry", "registry"]
    assert found.trusted and found.controls.startswith("2 from the registry")


def test_the_same_registry_gives_the_same_controls(zoo_registry: Path) -> None:
    first, second = (chosen(compare(zoo_registry, "alder-merge", "birch")) for _ in range(2))
    assert first == second == ["elm-in-alder-norms"]


def test_a_twin_of_one_initialisation_is_no_control(registry_of: Path) -> None:
    found = compare(registry_of, "alder", "alder-docs")
    assert chosen(found) == [] and found.trusted is None
    assert found.controls == "No control: of 1 models of this shape in the registry, none is unrelated to A and to B"
    assert found.trust.startswith("No control: nothing here checks the measure")


def test_a_registry_without_the_shape_says_so(tmp_path: Path, zoo: Path) -> None:
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(zoo / "cedar")
    found = compare(tmp_path / "r.duckdb", zoo / "alder", zoo / "birch")
    assert found.controls == "No control: the registry holds no other model of this shape"
    assert (found.verdict, found.trusted) == ("unrelated", None)


def test_models_that_are_not_registered_get_controls_too(zoo_registry: Path, zoo: Path, tmp_path: Path) -> None:
    for name in ("alder", "alder-docs"):
        shutil.copytree(zoo / name, tmp_path / name)
    found = compare(zoo_registry, tmp_path / "alder-docs", tmp_path / "alder")
    assert [m.registered for m in found.models] == [False, False, True, True]
    assert set(chosen(found)) == {"birch", "elm-in-alder-norms"} and found.trusted


def test_evalues_are_corrected_for_all_that_b_may_have_been_picked_from(zoo_registry: Path, zoo: Path) -> None:
    found = compare(zoo_registry, "alder", "birch")
    assert found.corrected_for == 16
    rows = {(row.query, row.candidate): row.corrected_for for row in found.components[0].evidence}
    assert rows["A", "B"] == rows["B", "A"] == 16 and rows["A", "C1"] == rows["C1", "B"] == 2
    with Registry(zoo_registry, read_only=True) as registry:
        ancestor = next(a for a in registry.ancestors("alder-docs", k=20).components[0].ancestors if a.name == "alder")
        pair = registry.compare("alder-docs", "alder").components[0].evidence[0]
    assert pair.log10_evalue == pytest.approx(ancestor.log10_evalue)
