"""`forebear audit`: the JSON contract, files by their endings, exit codes, and what people read."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ..conftest import Run

DOCUMENT = ["schema_version", "run", "counts", "findings", "accepted", "families"]
FINDING = [
    *("kind", "status", "query", "query_source", "component", "relative", "relative_source", "relative_component"),
    *("declared", "rank", "origin", "direction", "direction_probability", "direction_by", "evidence"),
    *("log10_evalue", "identity", "coverage"),
    *("coverage_without_match", "coverage_not_comparable", "coverage_not_read", "distance"),
    *("relation", "merged_with", "reason", "query_license", "relative_license", "family", "accepted"),
]


@pytest.fixture
def _zoo(zoo_registry: Path, registry_path: Path) -> Path:
    return Path(shutil.copy(zoo_registry, registry_path))


@pytest.mark.usefixtures("_zoo")
def test_json_has_the_keys_of_the_contract_and_every_file_the_same_rows(run: Run, tmp_path: Path) -> None:
    files = {ending: tmp_path / f"out.{ending}" for ending in ("json", "jsonl", "csv", "parquet")}
    for path in files.values():
        assert run("audit", "-o", path).code == 0
    document = json.loads(files["json"].read_text(encoding="utf-8"))
    assert list(document) == DOCUMENT and document["schema_version"] == 2
    rows = document["findings"]
    assert all(list(row) == FINDING for row in rows)
    assert document["run"]["pairs_evaluated"] + document["run"]["pairs_carried"] > 0
    lines = [json.loads(line) for line in files["jsonl"].read_text(encoding="utf-8").splitlines()]
    table = pq.read_table(files["parquet"])
    assert lines == rows and table.column_names == FINDING
    assert table.to_pylist() == rows
    with files["csv"].open(encoding="utf-8", newline="") as stream:
        assert [row["query"] for row in csv.DictReader(stream)] == [row["query"] for row in rows]


@pytest.mark.usefixtures("_zoo")
def test_findings_that_are_asked_for_end_with_exit_code_11(run: Run, registry_path: Path) -> None:
    assert run("audit").code == 0
    assert run("audit", "--fail-on", "undeclared").code == 11
    assert run("audit", "--fail-on", "direction_unknown").code == 11
    assert run("audit", "--query", "alder-tests", "--fail-on", "undeclared").code == 0, "its direction is not told"
    assert run("audit", "--fail-on", "contradicted", "--fail-on", "licence").code == 0
    assert run("audit", "--query", "birch", "--fail-on", "undeclared").code == 0
    assert run("audit", "--fail-on", "nonsense").code == 2


@pytest.mark.usefixtures("_zoo")
def test_people_see_findings_and_the_numbers_on_stderr(run: Run) -> None:
    ran = run("audit", "--query", "alder-*")
    assert "nearest ancestors" in ran.out and "duplicates" in ran.out and "families" in ran.out
    assert "confirmed" in ran.err and "pairs computed" in ran.err
    assert run("audit", "--query", "alder-*", "--quiet").err == ""


@pytest.mark.usefixtures("_zoo")
def test_an_audit_that_finds_nothing_says_so_in_its_file(run: Run, tmp_path: Path) -> None:
    for name in ("found.md", "found.html", "found.txt"):
        assert run("audit", "--query", "birch", "--quiet", "-o", tmp_path / name).code == 0
        assert "no finding about 1 model" in (tmp_path / name).read_text()


@pytest.mark.usefixtures("_zoo")
def test_two_runs_are_compared_without_an_audit(run: Run) -> None:
    assert run("audit").code == run("audit", "--max-evalue", "1e-9").code == 0
    ran = run("audit", "--diff", 1, 2, "--format", "json")
    document = json.loads(ran.out)
    assert (ran.code, document["earlier"]["run_id"], document["later"]["run_id"]) == (0, 1, 2)
    assert document["changes"] == []
    assert "0 changes" in run("audit", "--diff", 1, 2).out
    missing = run("audit", "--diff", 1, 9)
    assert missing.code == 1 and "no audit run 9; finished ones: 1, 2" in missing.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--query", "colour=red"),
        ("--against", "license="),
        ("--max-evalue", "0.5"),
        ("--since", "soon"),
        ("--query", "a b"),
    ],
)
@pytest.mark.usefixtures("_zoo")
def test_what_cannot_be_asked_is_an_error_of_usage(run: Run, arguments: tuple[str, str]) -> None:
    assert run("audit", *arguments).code == 2


def test_there_must_be_a_registry(run: Run) -> None:
    ran = run("audit")
    assert ran.code == 1 and "no registry there" in ran.err


@pytest.mark.usefixtures("_zoo")
def test_since_asks_about_what_was_ingested_then(run: Run) -> None:
    assert run("audit", "--since", "2020-01-01").code == 0
    assert "passes --query" in run("audit", "--since", "2199-01-01").err


@pytest.mark.usefixtures("_zoo")
def test_a_dry_run_says_what_it_would_take_and_keeps_nothing(run: Run, registry_path: Path) -> None:
    before = registry_path.read_bytes()
    ran = run("audit", "--dry-run", "--query", "alder-tests", "--format", "json")
    cost = json.loads(ran.out)["cost"]
    assert ran.code == 0 and registry_path.read_bytes() == before
    assert (cost["models"], cost["against"], cost["pairs"], cost["kept"]) == (1, 17, 16, 0)
    assert cost["seconds"] > 0 and cost["megabytes"] > 0
    table = run("audit", "--dry-run", "--query", "alder-tests")
    assert "evidence" in table.out and "nothing was written" in table.err
    assert run("audit", "--dry-run", "--query", "nobody").code == 1
