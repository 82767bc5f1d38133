"""Files of accepted findings: what they take, what they refuse, and what of them says nothing any more."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from forebear.ingest.errors import FormatError
from forebear.registry import AuditReport, Registry
from forebear.registry.audit.waivers import Waiver, accepted, read_waivers

from ..conftest import Run

HEAD = "kind,status,query,relative,reason,expires\n"


@pytest.fixture(scope="module")
def audited(zoo_registry: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of the zoo with a claimed root and one audit run."""
    path = Path(shutil.copy(zoo_registry, tmp_path_factory.mktemp("waivers") / "registry.duckdb"))
    with Registry(path) as registry:
        registry.mark_root("alder", source="its makers")
        registry.audit()
    return path


@pytest.fixture(scope="module")
def report(audited: Path) -> AuditReport:
    with Registry(audited, read_only=True) as registry:
        return registry.audit_report(1)


def written(folder: Path, text: str) -> Path:
    path = folder / "accepted.csv"
    path.write_text(text, encoding="utf-8")
    return path


def pairs(report: AuditReport, status: str) -> set[tuple[str, str]]:
    return {(r["query"], r["relative"]) for r in report.remaining.to_pylist() if r["status"] == status}


def test_a_line_is_kind_status_two_globs_a_reason_and_a_last_day(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "\ufeff# ours\n" + HEAD + '\nancestor,undeclared,Our/*,*,"cards, to follow",2027-03-31\n'
        "# a remark\n*,*,x,y,known,\n*,*,x,y,known\n",
    )
    assert read_waivers(path) == (
        Waiver(4, "ancestor", "undeclared", "Our/*", "*", "cards, to follow", date(2027, 3, 31)),
        Waiver(6, "*", "*", "x", "y", "known"),
        Waiver(7, "*", "*", "x", "y", "known"),
    )
    assert read_waivers(written(tmp_path, "")) == ()
    assert read_waivers(written(tmp_path, "kind,status,query,relative,reason\n*,*,x,y,known\n"))[0].expires is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind,status\n", "line 1: must name the columns"),
        (HEAD.replace("reason", "why"), "line 1: must name the columns"),
        (HEAD + "ancestor,undeclared,a,b,,\n", "line 2: lacks a reason"),
        (HEAD + "ancestor,undeclared,a\n", "line 2: lacks a relative"),
        (HEAD + "cousin,*,a,b,why,\n", "line 2: 'cousin' is no kind"),
        (HEAD + "ancestor,conflict,a,b,why,\n", "line 2: 'conflict' is no status of ancestor"),
        (HEAD + "*,*,a,b,why,soon\n", "line 2: 'soon' is no date"),
        (HEAD + "*,*,a,b,one, two,2027-01-01\n", "line 2: has 7 values for 6 columns"),
        (HEAD + '*,*,a,b,"why,\n', "line 2: is no CSV"),
    ],
)
def test_a_line_that_cannot_be_meant_is_an_error_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        read_waivers(written(tmp_path, text))


def test_a_file_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "accepted.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="is not UTF-8"):
        read_waivers(path)


def test_the_words_of_the_file_are_those_of_findings(report: AuditReport) -> None:
    from forebear.registry.audit.report import FAILING, KINDS
    from forebear.registry.audit.waivers import STATUSES

    assert set(STATUSES) == set(KINDS)
    every = {status for statuses in STATUSES.values() for status in statuses}
    assert {status for statuses in FAILING.values() for status in statuses} <= every
    found = {(row["kind"], row["status"]) for row in report.table.to_pylist()}
    assert all(status in STATUSES[kind] for kind, status in found)


def test_accepted_findings_stand_apart_and_the_others_stay(report: AuditReport) -> None:
    before = pairs(report, "undeclared")
    assert {("alder-tests", "alder"), ("alder-moe", "alder")} <= before
    taken = accepted(report, [Waiver(2, "ancestor", "undeclared", "ALDER-T*", "*", "ours")])
    gone = {(query, relative) for query, relative in before if query.startswith("alder-t")}
    assert gone and pairs(taken, "undeclared") == before - gone
    rows = taken.accepted.to_pylist()
    assert {row["accepted"] for row in rows} == {"ours"} and {row["query"] for row in rows} == {q for q, _ in gone}
    assert taken.table.num_rows == report.table.num_rows and taken.unused == ()
    assert sum(taken.counts().values()) == taken.remaining.num_rows == report.table.num_rows - len(rows)


def test_a_source_is_matched_too_and_the_first_line_that_takes_a_finding_gives_the_reason(report: AuditReport) -> None:
    lines = [
        Waiver(2, "*", "*", "file://*/alder-tests", "file://*/alder", "by source"),
        Waiver(3, "*", "*", "alder-tests", "alder", "by name"),
    ]
    taken = accepted(report, lines)
    assert {row["accepted"] for row in taken.accepted.to_pylist()} == {"by source"}
    assert taken.unused == ("line 3 (* *: alder-tests, alder) accepts nothing",)


def test_an_expired_line_accepts_nothing_and_is_named(report: AuditReport) -> None:
    line = Waiver(2, "*", "*", "*", "*", "for now", date(2026, 5, 31))
    last, later = (accepted(report, [line], today=day) for day in (date(2026, 5, 31), date(2026, 6, 1)))
    assert last.remaining.num_rows == 0 and last.unused == ()
    assert later.accepted.num_rows == 0 and later.unused == ("line 2 (* *: *, *) expired on 2026-05-31",)


def test_what_is_accepted_does_not_end_with_exit_code_11(
    run: Run, audited: Path, registry_path: Path, tmp_path: Path
) -> None:
    shutil.copy(audited, registry_path)
    assert run("audit", "--fail-on", "undeclared").code == 11
    some = written(tmp_path, HEAD + "ancestor,undeclared,alder-tests,*,ours,\n")
    assert run("audit", "--fail-on", "undeclared", "--accept", some).code == 11
    every = written(tmp_path, HEAD + "*,undeclared,alder*,*,ours,\nlicence,conflict,*,nobody,gone,\n")
    ran = run("audit", "--fail-on", "undeclared", "--accept", every)
    assert ran.code == 0
    assert "accepted because" in ran.out and " accepted" in ran.err
    assert "line 3 (licence conflict: *, nobody) accepts nothing" in ran.err
    document = json.loads(run("audit", "--accept", every, "--format", "json").out)
    assert {row["accepted"] for row in document["accepted"]} == {"ours"}
    assert all(row["accepted"] is None for row in document["findings"])
    assert not any(name.endswith(".undeclared") for name in document["counts"])


def test_a_file_that_cannot_be_used_is_told_before_anything_is_compared(
    run: Run, audited: Path, registry_path: Path, tmp_path: Path
) -> None:
    shutil.copy(audited, registry_path)
    ran = run("audit", "--accept", written(tmp_path, HEAD + "ancestor,undeclared,a,b,,\n"))
    assert ran.code == 1 and "line 2: lacks a reason" in ran.err
    assert run("audit", "--accept", tmp_path / "missing.csv").code == 2
    runs = json.loads(run("sql", "SELECT count(*) AS n FROM audit_run", "--format", "jsonl").out)
    assert runs == {"n": 1}
