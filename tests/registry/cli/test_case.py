"""`forebear case` on the command line: every form of the answer, what is usage, and what the exit code says."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from forebear.registry import Registry
from forebear.registry.cases.answering import answer_case

from ..conftest import Run


@pytest.fixture(scope="module")
def zoo_result(zoo_registry: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The answer to the case of the zoo, as JSON."""
    from forebear.registry.cli import main

    path = tmp_path_factory.mktemp("case") / "result.json"
    assert main(["case", "zoo", "--registry", str(zoo_registry), "-o", str(path), "--quiet", "--hash"]) == 0
    return path


def test_the_cases_that_come_with_it_are_listed(run: Run) -> None:
    ran = run("case", "--list", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert ran.code == 0 and {"solar-glm", "zoo"} <= {row["name"] for row in rows}
    assert int(next(row["claims"] for row in rows if row["name"] == "solar-glm")) > 100


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "one of the three"),
        (("zoo", "--list"), 2, "one of the three"),
        (("zoo", "--language", "de"), 2, "none of en, ko"),
        (("no-such-case",), 1, "no case of that name"),
        (("soo",), 1, "did you mean zoo"),
        (("--verify", "missing.json"), 1, "missing.json"),
    ],
)
def test_what_cannot_be_asked_is_said(run: Run, arguments: tuple[str, ...], code: int, said: str) -> None:
    ran = run("case", *arguments)
    assert ran.code == code and said in " ".join(ran.err.replace("│", " ").split()) and ran.out == ""


def test_a_file_that_is_no_answer_is_not_verified(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for text, said in (("{", "no JSON"), ("[]", "no result"), ('{"case_file": {"case": "1"}}', "title and models")):
        path.write_text(text, encoding="utf-8")
        ran = run("case", "--verify", path)
        assert ran.code == 1 and said in ran.err, ran.err


def test_the_zoo_case_says_that_equal_gains_are_no_descent(run: Run, zoo_registry: Path, tmp_path: Path) -> None:
    page, tables = tmp_path / "page.html", tmp_path / "tables"
    ran = run("case", "zoo", "--registry", zoo_registry, "--tables", tables, "--quiet")
    assert ran.code == 0 and "elm-alder: unrelated" in ran.out and "The controls agree" in ran.out
    assert not page.exists() and len(list(tables.glob("*.csv"))) > 20
    rows = list(csv.reader((tables / "thresholds.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[2][0] == "mean cosine of norm gains" and rows[2][3].endswith("1.00")


def test_the_document_holds_the_case_and_the_hashes(zoo_result: Path) -> None:
    document = json.loads(zoo_result.read_text(encoding="utf-8"))
    assert {one["name"]: one["status"] for one in document["claims"]} == {
        "gains": "reproduced",
        "descent": "contradicted",
        "queries": "reproduced",
    }
    assert document["case_file"]["models"]["elm"]["source"] == "elm-in-alder-norms"
    assert document["provenance"]["command"].startswith("forebear ") and document["schema_version"]
    hashes = [file for one in document["models"] for file in one["files"]]
    assert hashes and all(len(file["sha256"]) == 64 and file["hashed"] for file in hashes)


def test_an_answer_is_verified_and_a_change_is_found(
    run: Run, zoo_registry: Path, zoo_result: Path, tmp_path: Path
) -> None:
    changed = json.loads(zoo_result.read_text(encoding="utf-8"))
    changed["claims"][1]["status"] = "reproduced"
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(changed), encoding="utf-8")
    ran = run("case", "--verify", path, "--registry", zoo_registry, "--format", "json")
    assert ran.code == 11
    assert json.loads(ran.out)["differences"] == [
        {"place": "claims[1].status", "before": "reproduced", "after": "contradicted"}
    ]


def test_a_model_that_stands_twice_is_read_once(zoo_registry: Path, tmp_path: Path, run: Run) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(
        "case: 1\ntitle: t\nmodels:\n  a: {source: alder, role: accused}\n  b: {source: birch, role: control}\n"
        "  c: {source: alder, role: parent}\n",
        encoding="utf-8",
    )
    ran = run("case", path, "--registry", zoo_registry, "--format", "json")
    failures = {one["label"]: one["failure"] for one in json.loads(ran.out)["models"]}
    assert ran.code == 4 and failures["a"] is None and "twice" in failures["c"]


def test_a_model_that_is_nowhere_is_a_row_with_its_reason(zoo_registry: Path, tmp_path: Path, run: Run) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(
        "case: 1\ntitle: t\nmodels:\n  a: {source: alder, role: accused}\n  b: {source: birch, role: control}\n"
        "  c: {source: ./nowhere, role: parent}\n",
        encoding="utf-8",
    )
    ran = run("case", path, "--registry", zoo_registry, "--format", "json")
    assert ran.code == 4
    failures = {one["label"]: one["failure"] for one in json.loads(ran.out)["models"]}
    assert failures["a"] is failures["b"] is None and "nowhere" in failures["c"]


def test_the_python_call_takes_names_files_and_cases(zoo_registry: Path) -> None:
    with Registry(zoo_registry, read_only=True) as registry:
        heard: list[str] = []
        found = answer_case(registry, "zoo", advance=lambda stage, done, total: heard.append(stage))
    assert found.controls.trusted is True and {"models", "ancestors", "tokens", "figures"} == set(heard)
