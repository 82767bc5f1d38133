"""`forebear ancestors`: the JSON contract, and the table that people read."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import termios
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ..conftest import COMMAND, MakeModel, Run

DOCUMENT = [
    "schema_version",
    "query",
    "registry_models",
    "registry_outdated",
    "outdated",
    "verdict",
    "equal_content",
    "components",
    "ancestors",
    "adapter",
    "inferred",
]
QUERY = ["name", "source", "revision", "parameters", "bytes_read", "bytes_total"]
ANCESTOR = [
    *("rank", "name", "source", "component", "evidence", "log10_evalue", "identity", "coverage", "distance"),
    *(
        "relation",
        "declared",
        "reason",
        "merged_with",
        "direction",
        "direction_probability",
        "direction_by",
        "equal_values",
        "origin",
        "declared_child",
        "blocks",
        "coverage_parts",
        "freedoms",
        "ancestor_component",
    ),
]
BLOCK = ["query", "ancestor", "log10_p", "identity"]


@pytest.fixture(autouse=True)
def _registry(zoo_registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOREBEAR_REGISTRY", str(zoo_registry))


def answer(run: Run, *arguments: object) -> dict[str, Any]:
    ran = run("ancestors", *arguments, "--format", "json")
    assert ran.code == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_json_has_the_keys_of_the_contract(run: Run) -> None:
    document = answer(run, "alder-docs", "-k", 3)
    assert list(document) == DOCUMENT
    assert list(document["query"]) == QUERY
    assert [list(row) for row in document["ancestors"]] == [ANCESTOR] * len(document["ancestors"])
    assert [list(row) for row in document["components"]] == [["component", "verdict", "sentence"]]
    first = document["ancestors"][0]
    assert [list(block) for block in first["blocks"]] == [BLOCK] * 6
    assert (document["schema_version"], document["registry_models"]) == (2, 16)
    assert (document["query"]["name"], document["query"]["revision"]) == ("alder-docs", None)
    assert (first["rank"], first["component"], first["evidence"]) == (1, "language", "positions")
    assert first["log10_evalue"] < -300
    assert isinstance(first["relation"], list)
    assert isinstance(first["declared"], bool)
    assert first["source"].startswith("file:///")


def test_a_declared_parent_is_marked(run: Run) -> None:
    rows = {row["name"]: row for row in answer(run, "alder-docs", "-k", 16)["ancestors"]}
    assert rows["alder"]["declared"]
    assert not rows["birch"]["declared"]
    assert rows["alder-docs-tests"]["declared_child"]


def test_a_path_gets_the_answer_of_the_registered_model(run: Run, zoo: Path) -> None:
    assert answer(run, zoo / "alder-moe", "-k", 3) == answer(run, "alder-moe", "-k", 3)


def test_a_path_that_is_not_registered_is_compared_and_not_kept(run: Run, zoo: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(zoo / "alder-long", tmp_path / "mine")
    before = run("list", "--format", "json").out
    document = answer(run, copy, "-k", 2)
    assert document["query"]["source"] == copy.as_uri()
    assert document["query"]["bytes_read"] > 0
    assert (document["registry_models"], document["verdict"]) == (17, "related")
    assert document["ancestors"][0]["name"] == "alder-long"
    assert document["ancestors"][0]["relation"] == ["identical"]
    assert run("list", "--format", "json").out == before


def test_jsonl_and_csv_hold_one_ancestor_a_line(run: Run) -> None:
    document = answer(run, "alder-pruned", "-k", 4)
    lines = [
        json.loads(line) for line in run("ancestors", "alder-pruned", "-k", 4, "--format", "jsonl").out.splitlines()
    ]
    assert lines == document["ancestors"]
    rows = list(csv.DictReader(io.StringIO(run("ancestors", "alder-pruned", "-k", 4, "--format", "csv").out)))
    assert list(rows[0]) == [name for name in ANCESTOR if name != "blocks"]
    assert [row["name"] for row in rows] == [line["name"] for line in lines]
    assert rows[0]["relation"] == ";".join(lines[0]["relation"])
    assert rows[0]["declared"] in {"true", "false"}
    whole = list(
        csv.DictReader(io.StringIO(run("ancestors", "alder-pruned", "-k", 4, "--blocks", "--format", "csv").out))
    )
    assert json.loads(whole[0]["blocks"]) == lines[0]["blocks"]


def test_the_table_has_one_sentence_and_a_row_for_each_ancestor(run: Run) -> None:
    ran = run("ancestors", "alder-docs", "-k", 16)
    sentence, titles, _, first, *_ = ran.out.splitlines()
    document = answer(run, "alder-docs", "-k", 16)
    assert sentence == document["components"][0]["sentence"]
    assert titles.split() == [
        "rank",
        "name",
        "relation",
        "direction",
        "identity",
        "coverage",
        "E-value",
    ]
    assert first.split()[:2] == ["1", document["ancestors"][0]["name"]]
    assert len(re.findall(r"^ +\d+ ", ran.out, re.MULTILINE)) == len(document["ancestors"])
    child = next(line for line in ran.out.splitlines() if " alder-docs-tests " in line)
    assert " ? " in child, "which of two siblings came first cannot be told"
    assert child.rstrip().endswith("<1e-300")
    assert ran.err == ""


@pytest.mark.parametrize("name", ["alder", "alder-docs", "alder-tests", "alder-merge", "alder-long", "birch"])
def test_rows_fit_into_80_columns_in_a_pipe_and_their_relations_wrap(run: Run, name: str) -> None:
    rows = answer(run, name)["ancestors"]
    _, titles, *_ = lines = run("ancestors", name).out.splitlines()
    assert max(map(len, lines[1:])) <= 80
    assert sum(line[:4].strip().isdecimal() for line in lines[1:]) == len(rows)
    assert "direction" in titles and "evidence" not in titles


@pytest.mark.parametrize(
    ("width", "titles"), [(80, []), (100, []), (115, ["declared"]), (130, ["evidence", "declared"])]
)
def test_a_terminal_has_the_columns_that_it_has_room_for(width: int, titles: list[str]) -> None:
    ran = on_terminal(width, "ancestors", "alder-docs", "-k", "17")
    line = next(line for line in ran.splitlines() if line.split()[:2] == ["rank", "name"])
    assert line.split()[2:] == ["relation", "direction", "identity", "coverage", "E-value", *titles]
    assert max(len(line) for line in ran.splitlines()[1:]) <= width


def on_terminal(width: int, *arguments: str) -> str:
    """What a command prints on a terminal of that width, without colours."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in {"COLUMNS", "LINES"}}
    with subprocess.Popen(
        [*COMMAND, *arguments], stdin=follower, stdout=follower, env=environment | {"TERM": "xterm"}
    ) as process:
        os.close(follower)
        found = b""
        with suppress(OSError):  # the end of a terminal whose other side is closed
            while part := os.read(leader, 1 << 16):
                found += part
    os.close(leader)
    assert process.returncode == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", found.decode()).replace("\r", "")


def test_the_newest_is_an_assumption_that_answers_name_for_registered_models_and_others(
    run: Run, zoo: Path, tmp_path: Path
) -> None:
    said = "the assumption that the query is the newest"
    (folder := tmp_path / "fresh").mkdir()
    other = shutil.copytree(zoo / "alder-tests", folder / "newest")
    for model, parent in (("alder-docs-tests", "alder-docs"), (other, "alder")):
        plain, newest = (
            {row["name"]: row for row in answer(run, model, "-k", 17, *options)["ancestors"] if row["origin"]}
            for options in ((), ("--assume-newest",))
        )
        assert not any(said in row["direction_by"] for row in plain.values())
        assert all(
            said in row["direction_by"] for row in newest.values() if row["direction"] != "copy" and row["rank"] < 9
        )
        assert not any(row["direction"] == "descendant" for row in newest.values())
        assert newest[parent]["direction_probability"] > plain[parent]["direction_probability"]


def test_strangers_are_shown_with_an_e_value_that_says_so(run: Run) -> None:
    document = answer(run, "birch", "-k", 3)
    assert document["verdict"] == "unrelated"
    assert len(document["ancestors"]) == 3
    assert all(row["log10_evalue"] > -3 and not row["relation"] for row in document["ancestors"])


def test_blocks_show_which_layer_fits_which(run: Run) -> None:
    plain = run("ancestors", "alder-pruned", "-k", 1).out
    assert "language.0" not in plain
    text = run("ancestors", "alder-pruned", "-k", 1, "--blocks").out
    assert text.startswith(plain)
    pairs = [line.split()[2:4] for line in text.splitlines() if " language." in line]
    assert pairs == [[f"language.{i}", f"language.{j}"] for i, j in enumerate((0, 1, 3, 5))]


@pytest.mark.parametrize("k", ["0", "-1", "many"])
def test_a_count_that_is_none_is_a_usage_error(run: Run, k: str) -> None:
    assert run("ancestors", "alder", "-k", k).code == 2


def test_an_unknown_model_is_an_error_and_a_folder_without_weights_has_nothing_to_read(
    run: Run, tmp_path: Path
) -> None:
    ran = run("ancestors", "nobody")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("forebear: error: 'nobody' is not in ")
    (tmp_path / "empty").mkdir()
    ran = run("ancestors", tmp_path / "empty")
    assert (ran.code, ran.out) == (3, "")
    assert "no weights here" in ran.err


def test_a_registry_without_other_models_cannot_tell(
    run: Run, make_model: MakeModel, registry_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOREBEAR_REGISTRY", str(registry_path))
    assert run("ingest", make_model("only")).code == 0
    document = answer(run, "only")
    assert (document["verdict"], document["registry_models"], document["ancestors"]) == ("inconclusive", 0, [])
    assert run("ancestors", "only").out.count("\n") == 1
    assert run("ancestors", "only", "--format", "csv").out.strip() != "None"
