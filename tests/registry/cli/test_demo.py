"""`forebear demo`: the bundled zoo, its answers and the truth."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from forebear.registry.cli.commands import demo

from ..conftest import Run


def test_the_demo_finds_what_is_true(run: Run, registry_path: Path, truth: dict[str, Any]) -> None:
    ran = run("demo", "--format", "json", "--quiet")
    assert (ran.code, ran.err) == (0, "")
    answers = json.loads(ran.out)["answers"]
    assert [answer["query"]["name"] for answer in answers] == list(demo.ASKED)
    for answer in answers:
        name = answer["query"]["name"]
        assert answer["truth"] == truth["models"][name]
        first = {row["name"] for row in answer["ancestors"] if row["rank"] == 1}
        assert set(answer["truth"]["parents"]) <= first
    verdicts = {answer["query"]["name"]: answer["verdict"] for answer in answers}
    assert (verdicts["birch"], verdicts["alder-twin"]) == ("unrelated", "shared_initialisation")
    assert not registry_path.exists()


def test_the_demo_keeps_its_registry_and_says_the_next_command_which_works(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders, truth = demo.zoo()
    few = [folder for folder in folders if folder.name in {"alder", "alder-docs", "alder-docs-tests"}]
    monkeypatch.setattr(demo, "ASKED", demo.ASKED[:1])
    monkeypatch.setattr(demo, "zoo", lambda: (few, truth))
    kept = tmp_path / "data" / "forebear" / "demo.duckdb"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"of another version")
    ran = run("demo")
    assert ran.code == 0
    (command,) = [line.removeprefix("next: forebear ") for line in ran.err.splitlines() if line.startswith("next: ")]
    asked = run(*shlex.split(command))
    assert asked.code == 0 and "of one lineage with" in asked.out
    assert [path.name for path in kept.parent.iterdir()] == ["demo.duckdb"]


def test_a_demo_that_fails_leaves_the_earlier_registry_as_it_was(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "ingested", lambda *_: 1 / 0)
    kept = tmp_path / "data" / "forebear" / "demo.duckdb"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"earlier")
    assert run("demo").code == 1
    assert [(path.name, path.read_bytes()) for path in kept.parent.iterdir()] == [("demo.duckdb", b"earlier")]


def test_the_demo_shows_the_truth_above_each_answer_and_keeps_a_named_registry(run: Run, tmp_path: Path) -> None:
    kept = tmp_path / "kept.duckdb"
    ran = run("--registry", kept, "demo")
    assert ran.code == 0
    assert "17 ingested" in ran.err
    for name in demo.ASKED:
        assert f"{name}\ntruth:  " in ran.out
    assert "truth:  comes from alder-docs and alder-tests (merged)\nanswer: language: a merge of " in ran.out
    assert "17 models" in run("list", "--registry", kept).err
    assert f"next: forebear --registry {kept} ancestors alder-docs-tests" in ran.err
    assert "17 unchanged" in run("--registry", kept, "demo").err


def test_a_missing_zoo_is_a_clear_error(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo, "__file__", str(tmp_path / "a" / "b" / "demo.py"))
    ran = run("demo")
    assert (ran.code, ran.out) == (1, "")
    assert "the bundled zoo is missing" in ran.err
