"""`forebear list`, `show` and `remove`."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from ..conftest import MakeModel, Run

MODEL = [
    *("name", "source", "revision", "format", "architecture", "license", "tensors", "parameters"),
    *("bytes_read", "bytes_total", "ingested_at", "fingerprint_version"),
]


def test_list_has_one_row_a_model_in_every_format(run: Run, make_model: MakeModel) -> None:
    run("ingest", make_model("a"), make_model("b", 1))
    document = json.loads(run("list", "--format", "json").out)
    assert list(document) == ["schema_version", "models", "inferred"]
    assert [list(model) for model in document["models"]] == [MODEL] * 2
    assert document["models"][0]["ingested_at"].endswith("Z")
    lines = [json.loads(line) for line in run("list", "--format", "jsonl").out.splitlines()]
    assert lines == document["models"]
    rows = list(csv.DictReader(io.StringIO(run("list", "--format", "csv").out)))
    assert [(list(row), row["name"], row["revision"]) for row in rows] == [(MODEL, "a", ""), (MODEL, "b", "")]
    ran = run("list")
    assert [line.split()[0] for line in ran.out.splitlines()[2:]] == ["a", "b"]
    assert "2 models in" in ran.err


def test_an_empty_registry_lists_nothing_and_still_has_the_columns(run: Run, registry_path: Path) -> None:
    from forebear.registry import Registry

    Registry(registry_path).close()
    assert run("list", "--format", "json").out == '{\n  "schema_version": 2,\n  "models": [],\n  "inferred": []\n}\n'
    assert run("list", "--format", "jsonl").out == ""
    assert run("list", "--format", "csv").out == ",".join(MODEL) + "\n"


def test_show_tells_everything_of_one_model(run: Run, zoo_registry: Path) -> None:
    ran = run("show", "alder-docs", "--registry", zoo_registry, "--format", "json")
    model = json.loads(ran.out)["model"]
    assert list(model) == [
        *(*MODEL, "declared_parents", "components", "tokenizer", "skipped", "adapter"),
        *("released_at", "root_claims", "activations", "rest_at"),
    ]
    assert (model["released_at"], model["root_claims"]) == (None, [])
    assert model["declared_parents"][0]["parent"] == "alder"
    text = run("show", "alder-docs", "--registry", zoo_registry).out
    for part in ("alder-docs", "LlamaForCausalLM", "alder (card)", "BPE, 512 tokens", "387.6k", "language"):
        assert part in text


def test_show_finds_a_model_by_path_and_by_source(run: Run, zoo: Path, zoo_registry: Path) -> None:
    by_name = run("show", "cedar", "--registry", zoo_registry).out
    for spelled in (zoo / "cedar", (zoo / "cedar").as_uri()):
        assert run("show", spelled, "--registry", zoo_registry).out == by_name


def test_remove_takes_one_model_out(run: Run, make_model: MakeModel) -> None:
    run("ingest", make_model("a"), make_model("b", 1))
    ran = run("remove", "a")
    assert (ran.code, ran.out) == (0, "")
    assert "removed a" in ran.err
    assert [m["name"] for m in json.loads(run("list", "--format", "json").out)["models"]] == ["b"]
    assert json.loads(run("remove", "b", "--format", "json").out)["removed"]["name"] == "b"


def test_a_name_of_two_models_is_an_error_that_lists_both(run: Run, make_model: MakeModel) -> None:
    one, two = make_model("x/same"), make_model("y/same", 1)
    run("ingest", one, two)
    for command in ("show", "remove", "ancestors"):
        ran = run(command, "same")
        assert (ran.code, ran.out) == (1, "")
        assert f"\n  {one.as_uri()}\n  {two.as_uri()}\n" in ran.err
    assert run("remove", one.as_uri()).code == 0
    assert run("show", "same").code == 0


@pytest.mark.parametrize(
    "command", [("list",), ("show", "a"), ("remove", "a"), ("ancestors", "a"), ("sql", "FROM model")]
)
def test_without_a_registry_commands_say_how_to_make_one_and_make_none(
    run: Run, registry_path: Path, command: tuple[str, ...]
) -> None:
    ran = run(*command)
    assert (ran.code, ran.out) == (1, "")
    assert f"forebear: error: {registry_path}: no registry there" in ran.err
    assert not registry_path.exists()


def test_list_takes_a_pattern_of_names_and_facts(run: Run, zoo_registry: Path) -> None:
    def names(*pattern: str) -> list[str]:
        ran = run("list", *pattern, "--registry", zoo_registry, "--format", "json")
        return [model["name"] for model in json.loads(ran.out)["models"]]

    assert "alder-docs" in names("ALDER-d*")
    assert all(name.startswith("alder-d") for name in names("alder-d*"))
    assert names("license=apache-2.0") == names("licence=apache-2.0") != []
    assert names("no-such-*") == []
    ran = run("list", "colour=red", "--registry", zoo_registry)
    assert (ran.code, "no fact of a model" in ran.err) == (2, True)


def test_a_name_that_is_nearly_one_is_answered_with_what_it_may_mean(run: Run, zoo_registry: Path) -> None:
    for command in ("show", "ancestors"):
        ran = run(command, "alder-dcos", "--registry", zoo_registry)
        assert (ran.code, "did you mean 'alder-docs'" in ran.err) == (1, True), ran.err
    ran = run("show", "zzzzzz", "--registry", zoo_registry)
    assert "did you mean" not in ran.err
    assert "`forebear list` shows what is" in ran.err


def test_models_of_one_name_are_told_apart_by_their_sources(run: Run, zoo: Path, tmp_path: Path) -> None:
    for folder, model in (("one", "alder"), ("two", "alder-docs")):
        shutil.copytree(zoo / model, tmp_path / folder / "same")
    run("ingest", tmp_path / "one" / "same", tmp_path / "two" / "same", zoo / "alder-tests")
    one, two = ((tmp_path / folder / "same").as_uri() for folder in ("one", "two"))
    assert all(source in run("list").out for source in (one, two))
    for asked in ("alder-tests", one):
        shown = run("ancestors", asked, "--format", "md").out
        assert "| source |" in shown and two.replace("_", "\\_") in shown
    assert "source" not in run("ancestors", zoo / "alder-merge", "-k", "1").out
    shown = run("audit", "--format", "md").out
    assert "| model's source | relative's source |" in shown and one.replace("_", "\\_") in shown
