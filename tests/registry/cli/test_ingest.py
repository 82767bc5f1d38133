"""`forebear ingest`: outcomes in every format, lists of sources, exit codes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from ...writers import write_files
from ..conftest import MakeModel, Run

KEYS = (
    *("source", "name", "status", "reason", "tensors", "parameters"),
    *("bytes_read", "bytes_total", "requests", "seconds"),
)


@pytest.fixture
def bad(make_model: MakeModel) -> Path:
    """A model whose weights end early."""
    folder = make_model("bad")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    return folder


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A folder without weights."""
    return write_files(tmp_path / "empty", {"config.json": b"{}"})


def test_json_has_the_keys_of_the_contract(run: Run, make_model: MakeModel, bad: Path, empty: Path) -> None:
    good = make_model("good")
    ran = run("ingest", good, bad, empty, "--format", "json")
    document = json.loads(ran.out)
    assert list(document) == ["schema_version", "results"]
    assert document["schema_version"] == 2
    assert [list(row) for row in document["results"]] == [list(KEYS)] * 3
    first, second, third = document["results"]
    assert [row["status"] for row in (first, second, third)] == ["ingested", "failed", "skipped"]
    assert (first["source"], first["name"], first["reason"]) == (str(good), "good", None)
    assert 0 < first["bytes_read"] <= first["bytes_total"] + 10_000
    assert first["parameters"] > first["tensors"] > 0
    assert second["reason"]
    assert (second["name"], second["parameters"]) == (None, 0)
    again = json.loads(run("ingest", good, "--format", "json").out)["results"][0]
    assert (again["status"], again["bytes_read"], again["parameters"]) == ("unchanged", 0, first["parameters"])


def test_jsonl_and_csv_hold_the_same_rows(run: Run, make_model: MakeModel, bad: Path) -> None:
    sources = (make_model("a"), make_model("b", 1), bad)
    lines = [json.loads(line) for line in run("ingest", *sources, "--format", "jsonl").out.splitlines()]
    assert [list(line) for line in lines] == [list(KEYS)] * 3
    rows = list(csv.DictReader(io.StringIO(run("ingest", *sources, "--format", "csv").out)))
    assert [list(row) for row in rows] == [list(KEYS)] * 3
    assert [row["name"] for row in rows] == ["a", "b", ""]
    assert [row["status"] for row in rows] == ["unchanged", "unchanged", "failed"]
    assert [row["parameters"] for row in rows] == [str(line["parameters"]) for line in lines]


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("good",), 0),
        (("good", "bad"), 4),
        (("good", "empty"), 4),
        (("bad",), 1),
        (("bad", "empty"), 1),
        (("empty",), 3),
        (("empty", "empty"), 3),
        (("nowhere",), 1),
    ],
)
def test_exit_codes_tell_what_was_read(
    run: Run, make_model: MakeModel, bad: Path, empty: Path, tmp_path: Path, names: tuple[str, ...], code: int
) -> None:
    places = {"good": make_model("good"), "bad": bad, "empty": empty, "nowhere": tmp_path / "nowhere"}
    ran = run("ingest", *(places[name] for name in names))
    assert ran.code == code
    assert "Traceback" not in ran.err


def test_a_list_stands_for_its_lines(
    run: Run, make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = tmp_path / "list.txt"
    names.write_text(f"# models\n\n  {make_model('a')}  \n{make_model('b', 1)}\r\n", encoding="utf-8")
    ran = run("ingest", f"@{names}", make_model("c", 2), "--format", "jsonl")
    assert [json.loads(line)["name"] for line in ran.out.splitlines()] == ["a", "b", "c"]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{make_model('d', 3)}\n"))
    assert json.loads(run("ingest", "@-", "--format", "jsonl").out)["name"] == "d"


def test_a_list_that_is_not_there_is_a_usage_error_and_an_empty_one_has_nothing_to_read(
    run: Run, tmp_path: Path, registry_path: Path
) -> None:
    ran = run("ingest", f"@{tmp_path / 'no.txt'}")
    assert (ran.code, ran.out) == (2, "")
    assert "no.txt" in ran.err
    (tmp_path / "empty.txt").write_text("# nothing\n")
    assert run("ingest", f"@{tmp_path / 'empty.txt'}").code == 3
    assert not registry_path.exists()


def test_a_list_without_an_end_is_a_usage_error_and_one_of_no_text_ends_nothing(
    run: Run, make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forebear.registry.cli.commands.ingest._LONGEST_LIST", 1000)
    ran = run("ingest", "@/dev/zero")
    assert ran.code == 2 and "has more than 1000 bytes" in ran.err
    odd = tmp_path / "odd.txt"
    odd.write_bytes(b"~\x00\xff\n~nobody-of-that-name/x\n" + str(make_model("good")).encode())
    ran = run("ingest", f"@{odd}", "--recursive", "--format", "jsonl")
    assert [json.loads(line)["status"] for line in ran.out.splitlines()] == ["failed", "failed", "ingested"]
    assert ran.code == 4 and "Traceback" not in ran.err


def test_the_table_names_every_source_and_stderr_says_why(run: Run, make_model: MakeModel, bad: Path) -> None:
    ran = run("ingest", make_model("good"), bad)
    assert [line.split()[:2] for line in ran.out.splitlines()[2:]] == [["ingested", "good"], ["failed", str(bad)]]
    assert f"forebear: error: {bad}: model.safetensors: " in ran.err
    assert "1 ingested, 1 failed" in ran.err


def test_quiet_leaves_only_errors_on_stderr(run: Run, make_model: MakeModel, bad: Path, empty: Path) -> None:
    ran = run("ingest", make_model("good"), empty, "--quiet")
    assert ran.err == ""
    assert "good" in ran.out
    assert run("ingest", bad, "--quiet").err.startswith("forebear: error: ")


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "parquet", "html", "md"])
def test_a_file_takes_what_stdout_would(run: Run, make_model: MakeModel, tmp_path: Path, form: str) -> None:
    target = tmp_path / "found"
    ran = run("ingest", make_model("good"), "-o", target, "--format", form)
    assert (ran.code, ran.out) == (0, "")
    assert b"good" in target.read_bytes()


def test_a_file_that_cannot_be_written_is_told_before_anything_is_read(
    run: Run, make_model: MakeModel, tmp_path: Path, registry_path: Path
) -> None:
    ran = run("ingest", make_model("good"), "-o", tmp_path / "nowhere" / "found")
    assert ran.code == 1
    assert ran.err.startswith("forebear: error: ")
    assert "nowhere" in ran.err
    assert "Traceback" not in ran.err
    assert run("list", "--format", "jsonl").out == ""


def test_notes_on_a_model_are_for_people(run: Run, make_model: MakeModel) -> None:
    folder = make_model("plain")
    (folder / "tokenizer.json").unlink()
    ran = run("ingest", folder, "--format", "json")
    assert "plain: no tokenizer" in ran.err
    assert json.loads(ran.out)["results"][0]["reason"] is None


def test_recursive_ingests_every_model_below_a_folder_and_other_sources_as_they_are(
    tmp_path: Path, run: Run, make_model: MakeModel
) -> None:
    shelf = tmp_path / "shelf"
    for seed, name in enumerate(("a", "b", "deep")):
        (shelf / "more").mkdir(parents=True, exist_ok=True)
        make_model(name, seed).rename(shelf / "more" / name if name == "deep" else shelf / name)
    (tmp_path / "empty").mkdir()
    single = make_model("single", 5)
    ran = run("ingest", shelf, single, tmp_path / "empty", "--recursive", "--format", "json")
    rows = json.loads(ran.out)["results"]
    assert [row["name"] for row in rows if row["status"] == "ingested"] == ["a", "b", "deep", "single"]
    assert [row["status"] for row in rows[4:]] == ["skipped"]
    without = json.loads(run("ingest", shelf, "--format", "json").out)["results"]
    assert "weights in several folders" in without[0]["reason"] and "--recursive" in without[0]["reason"]


def test_a_refresh_of_a_complete_registry_says_how_many_models_are_complete(run: Run, make_model: MakeModel) -> None:
    run("ingest", make_model("ash", 1), make_model("beech", 2))
    ran = run("ingest", "--refresh")
    assert (ran.code, ran.out) == (0, "") and ran.err == "nothing to read: 2 models, all complete\n"
    assert "1 unchanged" in run("ingest", "--refresh", "ash").err
