"""`forebear mark`: claims that a model was trained from scratch, where they are shown, kept and taken back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from forebear.registry import Registry

from ..conftest import MakeModel, Run

SOURCE = "https://example.org/alder"


@pytest.fixture
def _zoo(zoo_registry: Path, registry_path: Path) -> Path:
    return Path(shutil.copy(zoo_registry, registry_path))


@pytest.mark.usefixtures("_zoo")
def test_a_claim_is_noted_shown_replaced_and_taken_back(run: Run) -> None:
    ran = run("mark", "alder", "--root", "--source", "somebody")
    assert (ran.code, ran.out) == (0, "")
    assert run("mark", "alder", "--root", "--source", SOURCE, "--quiet").err == ""
    model = json.loads(run("show", "alder", "--format", "json").out)["model"]
    assert [claim["source"] for claim in model["root_claims"]] == [SOURCE]
    assert model["root_claims"][0]["claimed_at"].endswith("Z")
    assert f"{SOURCE} (noted " in run("show", "alder").out
    ran = run("mark", "alder", "--no-root", "--format", "json")
    marked = json.loads(ran.out)["marked"]
    assert (marked["name"], marked["root_claims"]) == ("alder", [])
    assert "nobody claims that alder is a root" in ran.err
    assert "root by the claim" not in run("show", "alder").out


@pytest.mark.usefixtures("_zoo")
def test_what_is_related_to_a_claimed_root_descends_from_it_by_the_claim(run: Run) -> None:
    before = json.loads(run("ancestors", "alder-tests", "--format", "json").out)
    assert before["verdict"] == "related"
    run("mark", "alder", "--root", "--source", SOURCE)
    after = json.loads(run("ancestors", "alder-tests", "--format", "json").out)
    assert after["verdict"] == "derived"
    row = next(row for row in after["ancestors"] if row["name"] == "alder")
    assert row["direction"] == "ancestor" and row["direction_probability"] >= 0.95
    assert row["direction_by"][0] == f"the claim that alder was trained from scratch ({SOURCE})"
    assert "the claim that alder was trained from scratch" in after["components"][0]["sentence"]
    run("mark", "alder", "--no-root")
    assert json.loads(run("ancestors", "alder-tests", "--format", "json").out) == before


@pytest.mark.usefixtures("_zoo")
@pytest.mark.parametrize(
    "arguments",
    [("alder",), ("alder", "--root"), ("alder", "--root", "--source", " "), ("alder", "--no-root", "--source", "x")],
)
def test_a_claim_needs_a_source_and_its_end_has_none(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("mark", *arguments).code == 2


@pytest.mark.usefixtures("_zoo")
def test_only_what_is_registered_can_be_marked(run: Run) -> None:
    ran = run("mark", "nobody", "--root", "--source", "me")
    assert ran.code == 1 and "is not in" in ran.err


def test_a_claim_outlasts_a_second_reading_and_goes_with_the_model(make_model: MakeModel, tmp_path: Path) -> None:
    folder = make_model("ash")
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(folder, make_model("elm", 1))
        registry.mark_root("ash", source=SOURCE)
        before = registry.model("ash").model_id
        config = folder / "config.json"
        config.write_text(config.read_text(encoding="utf-8").replace("{", '{"x": 1,', 1), encoding="utf-8")
        assert [outcome.status for outcome in registry.ingest(folder)] == ["ingested"]
        assert registry.model("ash").model_id != before
        assert [claim.source for claim in registry.root_claims("ash")] == [SOURCE]
        registry.remove("ash")
        assert registry.connection.execute("SELECT count(*) FROM root_claim").fetchall() == [(0,)]
        with pytest.raises(ValueError, match="needs somebody"):
            registry.mark_root("elm", source="")


def test_claims_are_exported_and_imported_under_new_ids(make_model: MakeModel, tmp_path: Path) -> None:
    with Registry(tmp_path / "one.duckdb") as registry:
        registry.ingest(make_model("ash"), make_model("elm", 1))
        registry.mark_root("elm", source=SOURCE)
        registry.export(tmp_path / "out")
    for number, before in enumerate((None, "oak")):
        with Registry(tmp_path / f"other{number}.duckdb") as registry:
            if before:
                registry.ingest(make_model(before, 2))
            registry.import_(tmp_path / "out")
            assert [claim.source for claim in registry.root_claims("elm")] == [SOURCE]
            assert registry.root_claims("ash") == ()


def test_a_published_base_model_is_a_root_by_its_repository_also_in_the_cache(
    make_model: MakeModel, tmp_path: Path, run: Run
) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    cached = tmp_path / "hub" / "models--HuggingFaceTB--SmolLM2-135M" / "snapshots" / commit
    shutil.copytree(make_model("ash"), cached)
    other = shutil.copytree(make_model("elm", 1), tmp_path / "HuggingFaceTB" / "SmolLM2-135M")
    with Registry() as registry:
        registry.ingest(cached, other)
        claims = [registry.root_claims(model) for model in registry.models()]
        assert [[claim.source for claim in found] for found in claims] == [
            ["https://huggingface.co/HuggingFaceTB/SmolLM2-135M"],
            [],
        ]
        name = registry.models()[0].uri
    assert "(published base model)" in run("show", name).out
    assert "is a root by the claim of https://huggingface.co/" in run("mark", name, "--no-root").err
