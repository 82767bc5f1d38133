"""`forebear compare`: what it prints, and what it says when it cannot."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from forebear.registry import Registry

from ...hub_server import HubServer
from ..conftest import COMMAND, MakeModel, Run


@pytest.fixture
def three(make_model: MakeModel, run: Run) -> list[Path]:
    """Three strangers of one shape, the third registered."""
    folders = [make_model(name, seed) for seed, name in enumerate(("one", "two", "three"))]
    assert run("ingest", folders[2], "-q").code == 0
    return folders


def test_the_verdict_comes_first_then_the_key_table(zoo_registry: Path, run: Run) -> None:
    ran = run("--registry", zoo_registry, "compare", "alder-docs", "alder", "--control", "birch")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0].startswith("alder-docs and alder are of one lineage (finetuned)")
    assert lines[1] == "Controls are unrelated to A and to B, as they must be: C1 (birch)"
    header = next(line for line in lines if line.startswith("role"))
    assert header.split()[1:4] == ["A-B", "A-C1", "B-C1"] and "layers apart" in header and len(header) < 120
    above = lines[lines.index(header) - 2 : lines.index(header)]
    assert "the centred cosine of every pair" in above[0] and above[1].endswith("side by side by the block map")
    controls = [line.split()[:2] for line in lines if "unrelated both ways" in line]
    assert sorted(map(sorted, controls)) == [["A", "C1"], ["B", "C1"]]
    roles = {line.split()[0] for line in lines[lines.index(header) :] if line.strip()}
    assert {"embed", "q", "k", "v", "o", "gate", "up", "down", "norm"} <= roles
    assert (
        sum("(context)" in line for line in lines) == 3 and "Norm gains are context. Mean cosine of A and B" in ran.out
    )


def test_a_measure_that_is_not_to_be_trusted_is_said_first(zoo_registry: Path, run: Run) -> None:
    ran = run("--registry", zoo_registry, "compare", "alder", "birch", "--control", "alder-docs")
    assert ran.out.splitlines()[0].startswith("The measure is not to be trusted here")


def test_json_holds_everything_and_is_strict(zoo_registry: Path, run: Run) -> None:
    def refuse(constant: str) -> float:
        raise AssertionError(constant)

    ran = run("--registry", zoo_registry, "compare", "alder-rotated", "alder", "--format", "json")
    found: dict[str, Any] = json.loads(ran.out, parse_constant=refuse)
    assert found["schema_version"] == 2 and found["verdict"] == "related" and found["trusted"] is True
    assert found["tokenizer"]["same_id"] == 1.0 and found["full"] is None
    assert set(found) >= {"models", "controls", "corrected_for", "trust", "sentence", "notes", "map", "architecture"}
    part = found["components"][0]
    assert set(part) >= {"evidence", "summary", "metrics", "baselines", "changes", "change_rows", "heatmaps"}
    assert {"profiles", "distributions"} <= set(part)
    heatmap = part["heatmaps"][0]
    assert len(heatmap["correlation"]) == len(heatmap["layers_first"]) == 6


def test_csv_holds_the_metric_tables(zoo_registry: Path, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    arguments = ("compare", "alder", "birch", "--control", "elm-in-alder-norms", "--format", "csv", "-o", path)
    assert run("--registry", zoo_registry, *arguments).code == 0
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert {row["pair"] for row in rows} == {"A-B", "A-C1", "B-C1"} and len(rows) == 3 * 56
    norm = next(row for row in rows if row["role"] == "norm" and row["pair"] == "A-B")
    assert float(norm["cosine"]) > 0.98 and norm["context"] == "true" and norm["values_from"] == "whole tensors"


def test_a_missing_source_leaves_what_the_registry_keeps(zoo: Path, tmp_path: Path) -> None:
    folders = [shutil.copytree(zoo / name, tmp_path / name) for name in ("alder-docs", "alder", "birch")]
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(*folders)
        shutil.rmtree(folders[1])
        (folders[2] / "config.json").write_text("{}", encoding="utf-8")
        found = registry.compare("alder-docs", "alder", controls=["birch"])
    assert [m.values for m in found.models] == ["leading rows", "kept values", "kept values"]
    assert found.models[1].note is not None and "cannot be opened" in found.models[1].note
    assert found.models[2].note is not None and "has changed since it was registered" in found.models[2].note
    part = found.components[0]
    assert found.verdict == "related" and found.trusted
    assert {h.values for h in part.heatmaps if "B" in h.pair} == {"kept values"}
    q = next(row for row in part.summary if row.role == "q" and row.pair == "A-B")
    assert (q.values, q.metrics.values) == ("kept values", 6 * 256) and q.metrics.centred_cosine > 0.99
    assert {c.rank for c in part.change_rows} == {None}
    assert any("B: its source cannot be opened" in note for note in found.notes)


def test_models_need_not_be_registered(three: list[Path], run: Run) -> None:
    ran = run("compare", three[0], three[1], "--format", "json")
    found = json.loads(ran.out)
    assert found["verdict"] in {"unrelated", "inconclusive"}
    assert [m["name"] for m in found["models"]] == ["one", "two", "three"]
    assert [m["registered"] for m in found["models"]] == [False, False, True]


def test_the_report_is_written_and_said(three: list[Path], run: Run, tmp_path: Path) -> None:
    ran = run("compare", three[0], three[1], "--report", tmp_path / "out.html")
    assert ran.code == 0 and f"report: {tmp_path / 'out.html'}" in ran.out + ran.err
    assert (tmp_path / "out.html").read_text(encoding="utf-8").endswith("</html>")
    ran = run("compare", three[0], three[1], "--report", tmp_path / "no" / "out.html")
    assert ran.code == 1 and "the report cannot be written" in ran.err


def test_all_weights_are_read_when_asked(zoo_registry: Path, run: Run) -> None:
    ran = run("--registry", zoo_registry, "compare", "alder-docs", "alder", "--full", "--format", "json")
    full = json.loads(ran.out)["full"]
    assert len(full["tensors"]) == 56 and full["uncompared"] == []
    assert full["neurons"]["log10_p"] < -100 and full["attention"]["log10_p"] <= -3
    ran = run("--registry", zoo_registry, "compare", "alder", "birch", "--full")
    assert "All weights: 0 of 56 compared tensors equal" in ran.out


def test_all_weights_of_a_source_that_is_gone_are_an_error(three: list[Path], run: Run) -> None:
    assert run("ingest", three[0]).code == 0
    shutil.rmtree(three[0])
    ran = run("compare", three[0].name, three[1], "--full")
    assert ran.code == 1 and "--full reads all weights" in ran.err and not ran.out


def test_a_model_that_is_nowhere_is_named(three: list[Path], run: Run) -> None:
    ran = run("compare", three[0], "nowhere")
    assert ran.code == 1 and "'nowhere' is not in" in ran.err
    ran = run("compare", three[0], three[1], "--control", "nothing")
    assert ran.code == 1 and "'nothing' is not in" in ran.err


def test_a_repository_of_the_hub_stands_beside_a_registered_one(three: list[Path]) -> None:
    with HubServer() as hub:
        for name, folder in (("org/one", three[0]), ("org/two", three[1])):
            hub.add(name, folder)
        environment = os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}

        def call(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [*COMMAND, *arguments]
            return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

        assert call("ingest", "org/two", "-q").returncode == 0
        done = call("compare", "org/one", "org/two", "--control", str(three[2]), "--format", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [(m["source"], m["registered"], m["values"]) for m in found["models"][:2]] == [
        ("hf://org/one", False, "leading rows"),
        ("hf://org/two", True, "leading rows"),
    ]
    assert found["models"][1]["revision"] and found["models"][1]["note"] is None


def test_two_folders_are_compared_where_no_registry_was_ever_made(
    run: Run, zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FOREBEAR_REGISTRY")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    ran = run("compare", zoo / "alder", zoo / "alder-docs", "--quiet")
    assert (ran.code, "of one lineage" in ran.out) == (0, True), ran.err
    assert not (tmp_path / "data").exists()


def test_a_registry_that_is_named_has_to_be_there_to_compare(run: Run, zoo: Path, tmp_path: Path) -> None:
    ran = run("compare", zoo / "alder", zoo / "alder-docs", "--registry", tmp_path / "none.duckdb")
    assert (ran.code, "no registry there" in ran.err) == (1, True)
