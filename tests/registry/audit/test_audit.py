"""Audits of the zoo and of small changes to it: what is found, kept, taken over, gone on with and compared."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from forebear.ingest.errors import RegistryError
from forebear.registry import AuditOptions, Registry
from forebear.registry.audit import batches, run

from ...writers import llama, llama_config, model_files, tokenizer_json, words, write_files
from ..conftest import COMMAND
from .conftest import declare, found, license_as, names

EVERYONE = 100


@pytest.fixture(scope="module")
def audited(zoo_registry: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of the zoo with one audit run; copy it before writing."""
    path = Path(shutil.copy(zoo_registry, tmp_path_factory.mktemp("audited") / "registry.duckdb"))
    with Registry(path) as opened:
        opened.audit()
    return path


def stranger(folder: Path, name: str, seed: int) -> Path:
    tensors = llama(seed)
    files = model_files(tensors, config=llama_config(tensors), tokenizer=tokenizer_json(words(96)))
    return write_files(folder / name, files)


def content(registry: Registry, run_id: int) -> dict[str, list[str]]:
    """The pairs, answers and findings of a run, without its number and without where a row was computed."""
    kept = {
        "audit_query": "query_id, component, verdict, sentence, compared",
        "audit_pair": "* EXCLUDE (run_id)",
        "audit_finding": "* EXCLUDE (run_id)",
        "audit_duplicate": "* EXCLUDE (run_id)",
        "audit_model": "* EXCLUDE (run_id)",
        "audit_family": "* EXCLUDE (run_id)",
    }
    return {
        table: sorted(
            repr(rounded(row))
            for row in registry.connection.execute(
                f"SELECT {columns} FROM {table} WHERE run_id = ?", [run_id]
            ).fetchall()
        )
        for table, columns in kept.items()
    }


def rounded(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """E-values of rows that were taken over are sums in another order: their last bits may differ."""
    return tuple(float(f"{value:.12g}") if isinstance(value, float) else value for value in row)


def test_the_audit_says_of_every_model_what_ancestors_says(audited: Path) -> None:
    with Registry(audited, read_only=True) as registry:
        for model in registry.models():
            answer = registry.ancestors(model, k=EVERYONE).components[0]
            asked = [
                (a.rank, a.model_id, a.log10_evalue, a.identity, a.coverage, a.distance, list(a.relation), a.reason)
                for a in answer.ancestors
                if a.origin
            ]
            rows = registry.connection.execute(
                "SELECT rank, relative_id, log10_evalue, identity, coverage, distance, relation, reason"
                " FROM audit_pair WHERE query_id = ? AND origin IS NOT NULL ORDER BY place",
                [model.model_id],
            ).fetchall()
            assert rows == asked
            verdicts = registry.connection.execute(
                "SELECT verdict, sentence FROM audit_query WHERE query_id = ?", [model.model_id]
            ).fetchall()
            assert verdicts == [(answer.verdict, answer.sentence)]


def test_the_zoo_has_its_declared_parents_confirmed_and_the_others_named(audited: Path, truth: dict[str, Any]) -> None:
    with Registry(audited, read_only=True) as registry:
        report = registry.audit_report(1)
    facts = truth["models"]
    declared = {(name, parent) for name, one in facts.items() if one["declared"] for parent in one["parents"]}
    assert names(found(report, kind="ancestor", status="confirmed")) == declared
    undeclared = found(report, kind="ancestor", status="undeclared")
    assert names(undeclared) == {("alder-merge", "alder-docs"), ("alder-merge", "alder-tests")}
    unknown = found(report, kind="ancestor", status="direction_unknown")
    silent = {name for name, one in facts.items() if one["parents"] and not one["declared"]}
    assert silent <= {name for row in (*undeclared, *unknown) for name in (row["query"], row["relative"])}
    assert all(facts[row["relative"]]["root"] == facts[row["query"]]["root"] for row in unknown)
    assert all(row["direction_probability"] < 0.95 for row in unknown)
    pairs = [frozenset((row["query"], row["relative"])) for row in unknown]
    assert len(pairs) == len(set(pairs)), "a pair stands once"
    assert not found(report, kind="declaration")


def test_families_are_connected_groups_named_after_their_root(audited: Path, truth: dict[str, Any]) -> None:
    with Registry(audited, read_only=True) as registry:
        report = registry.audit_report(1)
    facts = truth["models"]
    twins = {"alder-twin"}  # a shared initialisation is no descent
    alders = sorted(name for name, one in facts.items() if one["root"] == "alder" and name not in twins)
    assert "alder" in {family.name for family in report.families}
    largest = report.families[0]
    assert (largest.name, sorted(largest.models), largest.members) == ("alder", alders, len(alders))
    assert all("alder" not in name for family in report.families[1:] for name in family.models)


def test_every_status_of_a_declaration(registry: Registry, zoo: Path, tmp_path: Path) -> None:
    declare(registry, "birch", "alder")
    declare(registry, "birch", "org/nowhere")
    declare(registry, "cedar", "empty")
    declare(registry, "empty" if registry.find("empty") else "alder-moe", "alder")
    registry.ingest(stranger(tmp_path, "empty", 7))
    registry.connection.execute("DELETE FROM sketch WHERE model_id = (SELECT max(model_id) FROM model)")
    declare(registry, "empty", "alder", "adapter")
    report = registry.audit()
    assert names(found(report, status="contradicted")) == {("birch", "alder")}
    assert ("alder-moe", "alder") in names(found(report, kind="ancestor", status="confirmed"))
    assert "alder-moe" not in {row["query"] for row in found(report, status="undeclared")}
    reasons = {(r["query"], r["declared"]): r["reason"] for r in found(report, status="not_comparable")}
    assert reasons == {
        ("birch", "org/nowhere"): "the declared parent is not in the registry",
        ("cedar", "empty"): "the declared parent has no layers to compare",
        ("empty", "alder"): "an adapter without matrices of its own to compare",
    }


def test_a_declared_twin_of_one_initialisation_is_contradicted(registry: Registry) -> None:
    pairs = registry.ancestors("alder", k=EVERYONE).components[0].ancestors
    twins = [row.name for row in pairs if row.origin == "shared_initialisation"]
    assert twins == ["alder-twin"]
    for twin in twins:
        declare(registry, twin, "alder")
    rows = found(registry.audit(), kind="declaration", status="contradicted")
    assert names(rows) == {(twin, "alder") for twin in twins}
    assert all("initialisation" in row["reason"] for row in rows)


def test_what_is_declared_is_confirmed_and_a_nearer_relative_is_no_ancestor_without_a_direction(
    registry: Registry,
) -> None:
    registry.connection.execute("UPDATE declared_parent SET parent = 'alder' WHERE parent = 'alder-docs'")
    report = registry.audit()
    assert ("alder-docs-tests", "alder") in names(found(report, status="confirmed"))
    assert not {"alder-docs-tests"} & {row["query"] for row in found(report, status="undeclared")}, "it is not told"


def test_a_licence_more_permissive_than_the_ancestors_is_a_conflict(registry: Registry) -> None:
    for model, licence in (
        ("alder", "llama3"),
        ("alder-docs", "Apache-2.0"),
        ("alder-long", "cc-by-nc-4.0"),
        ("alder-4bit", "llama3"),
        ("alder-tests", "other"),
        ("alder-moe", None),
    ):
        license_as(registry, model, licence)
    assert not found(registry.audit(AuditOptions(against="alder")), kind="licence", query="alder-tests"), "not told"
    registry.mark_root("alder", source="https://example.org/alder")
    report = registry.audit(AuditOptions(against="alder"))
    conflicts = found(report, kind="licence", status="conflict")
    assert ("alder-docs", "alder") in names(conflicts)
    assert not {"alder-long", "alder-4bit", "alder-tests", "alder-moe"} & {row["query"] for row in conflicts}
    one = next(row for row in conflicts if row["query"] == "alder-docs")
    assert "apache-2.0 is more permissive than llama3" in one["reason"] and "naming" in one["reason"]
    unjudged = {row["query"]: row["reason"] for row in found(report, kind="licence", status="not_judged")}
    assert unjudged["alder-tests"] == "not judged: other of the model"
    assert unjudged["alder-moe"] == "not judged: no licence of the model"


def test_every_licence_of_the_table_is_in_lower_case_and_says_where_it_stands(registry: Registry) -> None:
    rows = registry.connection.execute("FROM licence").fetchall()
    assert len(rows) > 60
    ranks = {name: rank for name, rank, _, _ in rows}
    assert all(name == name.lower() and source for name, _, _, source in rows)
    order = ("cc0-1.0", "mit", "mpl-2.0", "gpl-3.0", "openrail", "llama3.1", "cc-by-nc-4.0", "cc-by-nc-nd-4.0")
    assert [ranks[name] for name in order] == sorted(set(ranks[name] for name in order))
    assert ranks["other"] is None and ranks["unknown"] is None


def test_copies_are_a_list_of_their_own(registry: Registry, zoo: Path, tmp_path: Path) -> None:
    registry.ingest(shutil.copytree(zoo / "birch", tmp_path / "re-upload"))
    registry.ingest(stranger(tmp_path, "first", 8), stranger(tmp_path, "second", 9))
    for name in ("first", "second"):
        model = registry.model(name).model_id
        registry.connection.execute("DELETE FROM file WHERE model_id = ?", [model])
        registry.connection.execute("INSERT INTO file VALUES (?, 'model.safetensors', 10, 'abc')", [model])
    report = registry.audit()
    rows = {row["query"]: row for row in found(report, kind="duplicate")}
    pairs = {frozenset((name, row["relative"])): row for name, row in rows.items()}  # without dates nobody is older
    upload = pairs[frozenset(("birch", "re-upload"))]
    assert (upload["status"], upload["reason"]) == (
        "undeclared",
        "equal content, identical; which came first is not known",
    )
    assert pairs[frozenset(("first", "second"))]["reason"] == "equal files; which came first is not known"
    assert pairs[frozenset(("alder", "alder-4bit"))]["status"] == "confirmed"
    assert len(pairs) == 3
    assert "re-upload" not in {row["query"] for row in found(report, kind="ancestor")}
    assert "birch" not in {row["query"] for row in found(report, kind="ancestor")}


def test_a_second_run_computes_only_what_is_new_and_says_the_same_as_a_whole_one(audited: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(audited, tmp_path / "incremental.duckdb"))
    with Registry(path) as registry:
        first = registry.audit_report(1).run
        same = registry.audit().run
        assert (same.evaluated, same.carried) == (0, first.evaluated)
        registry.ingest(stranger(tmp_path, "new", 3))
        second = registry.audit().run
        assert second.evaluated is not None and first.evaluated is not None
        assert second.evaluated < 0.2 * first.evaluated
        assert second.carried is not None and second.carried >= 0.8 * first.evaluated
        whole = registry.audit(AuditOptions(whole=True)).run
        assert whole.carried == 0
        ours, theirs = content(registry, second.run_id), content(registry, whole.run_id)
        strangers = "SELECT count(*) FROM audit_pair WHERE run_id = ? AND origin IS NOT NULL"
        counts = [registry.connection.execute(strangers, [n]).fetchall() for n in (second.run_id, whole.run_id)]
        assert counts[0] == counts[1]
        assert ours["audit_finding"] == theirs["audit_finding"]
        assert ours["audit_query"] == theirs["audit_query"]
        assert ours["audit_family"] == theirs["audit_family"]


def test_a_root_that_is_claimed_or_taken_back_makes_answers_of_its_family_new_and_no_others(
    audited: Path, tmp_path: Path
) -> None:
    with Registry(shutil.copy(audited, tmp_path / "claims.duckdb")) as registry:
        registry.mark_root("alder", source="its makers")
        second = registry.audit()
        assert second.run.carried and second.run.evaluated
        carried = registry.connection.execute(
            "SELECT m.name FROM audit_query AS q JOIN model AS m ON m.model_id = q.query_id"
            " WHERE q.run_id = 2 AND q.evaluated_run = 1"
        ).fetchall()
        assert {"birch", "cedar"} <= {name for (name,) in carried} and ("alder-docs",) not in carried
        whole = registry.audit(AuditOptions(whole=True))
        assert content(registry, 2)["audit_finding"] == content(registry, whole.run.run_id)["audit_finding"]
        assert len(found(second, status="undeclared")) > len(found(registry.audit_report(1), status="undeclared"))
        registry.unmark_root("alder")
        third = registry.audit()
        assert content(registry, third.run.run_id)["audit_finding"] == content(registry, 1)["audit_finding"]


def test_a_run_of_earlier_rules_stays_and_none_of_its_answers_is_taken_over(
    audited: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Registry(shutil.copy(audited, tmp_path / "rules.duckdb")) as registry:
        before = content(registry, 1)
        monkeypatch.setattr(run, "RULES", run.RULES + 1)
        report = registry.audit()
        assert report.run.carried == 0 and report.run.evaluated == registry.audit_report(1).run.evaluated
        assert content(registry, 1) == before
        assert registry.audit().run.evaluated == 0
        registry.connection.execute("UPDATE audit_run SET finished_at = NULL WHERE run_id = 2")
        monkeypatch.setattr(run, "RULES", run.RULES + 1)
        assert registry.audit().run.run_id == 4, "a run that was ended is not gone on with by other rules"


def test_carried_e_values_are_those_of_the_new_size(audited: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(audited, tmp_path / "sizes.duckdb"))
    with Registry(path) as registry:
        registry.ingest(*(stranger(tmp_path, f"new-{n}", 30 + n) for n in range(3)))
        registry.audit()
        for name in ("alder-docs", "alder-moe"):
            model = registry.model(name)
            answer = registry.ancestors(model, k=EVERYONE).components[0]
            expected = {a.model_id: a.log10_evalue for a in answer.ancestors if a.origin}
            rows = registry.connection.execute(
                "SELECT relative_id, log10_evalue FROM audit_pair"
                " WHERE run_id = 2 AND query_id = ? AND origin IS NOT NULL",
                [model.model_id],
            ).fetchall()
            assert dict(rows) == pytest.approx(expected, abs=1e-9)
        whole = registry.audit(AuditOptions(whole=True)).run.run_id
        both = registry.connection.execute(
            "SELECT a.origin, a.log10_evalue, b.log10_evalue FROM audit_pair AS a"
            " JOIN audit_pair AS b USING (query_id, component, relative_id, relative_component)"
            " WHERE a.run_id = 2 AND b.run_id = ?",
            [whole],
        ).fetchall()
        assert None in {origin for origin, *_ in both}, "pairs that are not related are taken over too"
        assert [carried for _, carried, _ in both] == pytest.approx([fresh for *_, fresh in both], abs=1e-9)


def test_a_removed_relative_is_gone_from_the_next_run_and_stays_in_the_earlier_one(
    audited: Path, tmp_path: Path
) -> None:
    with Registry(shutil.copy(audited, tmp_path / "removed.duckdb")) as registry:
        registry.remove("alder-docs")
        report = registry.audit()
        assert not [row for row in found(report) if "alder-docs" in (row["query"], row["relative"])] or {
            row["status"] for row in found(report) if row["relative"] == "alder-docs"
        } == {"not_comparable"}
        assert ("alder-docs-tests", "alder-docs") in names(found(registry.audit_report(1), status="confirmed"))
        changes = registry.audit_changes(1, 2).table.to_pylist()
        gone = {(r["query"], r["relative"]) for r in changes if r["change"] == "gone" and r["kind"] == "ancestor"}
        assert ("alder-docs-tests", "alder-docs") in gone


def test_a_changed_card_shows_in_the_difference_of_two_runs(audited: Path, tmp_path: Path) -> None:
    with Registry(shutil.copy(audited, tmp_path / "changed.duckdb")) as registry:
        declare(registry, "alder-moe", "alder")
        declare(registry, "birch", "alder")
        registry.audit()
        rows = registry.audit_changes(1, 2).table.to_pylist()
    changed = {(r["change"], r["query"], r["status_before"], r["status_after"]) for r in rows}
    assert ("changed", "alder-moe", "direction_unknown", "confirmed") in changed
    assert ("appeared", "birch", None, "contradicted") in changed
    assert {r["query"] for r in rows} == {"alder-moe", "birch"}


_KILLED = """
import os, signal, sys
from forebear.registry import Registry
from forebear.registry.audit import batches
batches.BATCH_PAIRS = 20
def advance(stage, done, total):
    if stage == "pairs" and done >= int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
with Registry(sys.argv[1]) as registry:
    registry.audit(advance=advance)
"""


def test_an_audit_that_was_killed_goes_on_and_ends_as_one_that_was_not(
    audited: Path, zoo_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pairs in (0, 40, 100):
        ended = subprocess.run([sys.executable, "-c", _KILLED, str(zoo_copy), str(pairs)], check=False)
        assert ended.returncode == -9
        with Registry(zoo_copy, read_only=True) as registry:
            with pytest.raises(RegistryError, match="goes on with it"):
                registry.audit_report(1)
            kept = registry.connection.execute("SELECT count(*) FROM audit_pair").fetchall()[0][0]
            assert kept >= pairs
    total = 17 * 16
    left: list[int] = []
    with Registry(zoo_copy) as registry:
        report = registry.audit(advance=lambda stage, done, total: left.append(total) if stage == "pairs" else None)
        assert report.run.run_id == 1 and 0 < left[0] <= total - 140
        with Registry(audited, read_only=True) as whole:
            assert content(registry, 1) == content(whole, 1)


def test_a_run_that_was_ended_before_the_registry_changed_is_taken_over_by_the_next(
    zoo_copy: Path, tmp_path: Path
) -> None:
    ended = subprocess.run([sys.executable, "-c", _KILLED, str(zoo_copy), "100"], check=False)
    assert ended.returncode == -9
    with Registry(zoo_copy) as registry:
        registry.ingest(stranger(tmp_path, "new", 5))
        report = registry.audit()
        assert report.run.run_id == 2 and report.run.carried and report.run.carried >= 60
        runs = registry.connection.execute("SELECT run_id FROM audit_run").fetchall()
        assert runs == [(2,)]
        assert registry.connection.execute("SELECT count(*) FROM audit_pair WHERE run_id = 1").fetchall() == [(0,)]


def test_two_processes_give_the_rows_of_one(audited: Path, zoo_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "FEW_PAIRS", 0)
    monkeypatch.setattr(batches, "BATCH_PAIRS", 40)
    with Registry(zoo_copy) as registry, Registry(audited, read_only=True) as whole:
        registry.audit(AuditOptions(jobs=2))
        assert content(registry, 1) == content(whole, 1)


def test_while_an_audit_writes_others_are_told_who_holds_the_registry(zoo_copy: Path) -> None:
    said: list[subprocess.CompletedProcess[str]] = []

    def look(stage: str, done: int, total: int) -> None:
        if stage == "findings" and not said:
            command = [*COMMAND, "--registry", str(zoo_copy), "list"]
            said.append(subprocess.run(command, capture_output=True, text=True, check=False))

    with Registry(zoo_copy) as registry:
        registry.audit(advance=look)
    assert said[0].returncode == 1 and "in use" in said[0].stderr


def test_filters_choose_who_is_asked_and_who_is_compared(registry: Registry) -> None:
    license_as(registry, "alder-docs", "mit")
    report = registry.audit(AuditOptions(queries="alder-d*", against="license=apache-2.0 alder*"))
    assert {row["query"] for row in found(report)} == {"alder-docs", "alder-docs-tests"}
    assert "alder-docs" not in {row["relative"] for row in found(report) if row["origin"]}
    outside = found(report, kind="declaration", query="alder-docs-tests", status="not_comparable")
    assert [row["declared"] for row in outside] == ["alder-docs"]
    compared = registry.connection.execute("SELECT DISTINCT compared FROM audit_query").fetchall()
    alders = sum(m.name.startswith("alder") and m.license == "apache-2.0" for m in registry.models())
    assert sorted(compared) == sorted({(alders,), (alders - 1,)})


def test_a_filter_that_lets_nothing_pass_is_an_error(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="no model of the registry passes --query"):
        registry.audit(AuditOptions(queries="nobody/*"))
    with pytest.raises(ValueError, match="at most"):
        AuditOptions(max_log10_e=-1)


def test_an_empty_registry_and_one_model_alone_have_no_findings(tmp_path: Path) -> None:
    with Registry(tmp_path / "r.duckdb") as registry:
        assert registry.audit().table.num_rows == 0
        registry.ingest(stranger(tmp_path, "alone", 1))
        report = registry.audit()
        assert (report.table.num_rows, report.run.asked, report.families) == (0, 1, ())


def test_hostile_names_are_only_names(tmp_path: Path, zoo: Path) -> None:
    evil = "x'); DROP TABLE model; --"
    with Registry(tmp_path / "r.duckdb") as registry:
        registry.ingest(zoo / "alder", zoo / "alder-docs")
        registry.connection.execute("UPDATE model SET name = ? WHERE name = 'alder'", [evil])
        declare(registry, "alder-docs", evil)
        declare(registry, "alder-docs", "\x1b[31m[a-")
        report = registry.audit(AuditOptions(queries="alder-*"))
        assert names(found(report, status="confirmed")) == {("alder-docs", evil)}
        with pytest.raises(RegistryError, match="no model"):
            registry.audit(AuditOptions(queries="';DROP/**/TABLE/**/model;--"))
        assert len(registry.models()) == 2
