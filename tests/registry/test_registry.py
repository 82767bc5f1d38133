"""The registry keeps whole models or nothing, and refuses files that it does not understand."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from forebear.ingest.errors import RegistryError
from forebear.registry import Failed, Ingested, Registry, Skipped, Unchanged
from forebear.registry.jobs import ingesting
from forebear.registry.store.arrow import model_tables

from ..writers import llama, safetensors_bytes, write_files
from .conftest import COMMAND, MakeModel


def counts(opened: Registry) -> dict[str, int]:
    """Rows of every table of models."""
    tables = opened.connection.execute(
        "SELECT table_name FROM duckdb_columns() JOIN duckdb_tables() USING (database_name, table_name)"
        " WHERE database_name = 'registry' AND column_name = 'model_id'"
    ).fetchall()
    assert len(tables) >= 11
    return {t: opened.connection.execute(f"SELECT count(*) FROM {t}").fetchall()[0][0] for (t,) in sorted(tables)}


def test_what_is_ingested_is_there_after_reopening(registry_path: Path, make_model: MakeModel) -> None:
    with Registry(registry_path) as opened:
        outcomes = opened.ingest(make_model("a"), make_model("b", 1))
    assert [type(outcome) for outcome in outcomes] == [Ingested, Ingested]
    with Registry(registry_path, read_only=True) as opened:
        assert [model.name for model in opened.models()] == ["a", "b"]


def test_a_write_that_fails_half_way_leaves_every_table_as_it_was(
    registry_path: Path, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_model("a"), make_model("b", 1)
    whole = model_tables

    def broken(*arguments: object) -> dict[str, pa.Table]:
        return whole(*arguments) | {"no_such_table": pa.table({"x": [1]})}  # type: ignore[arg-type]

    with Registry(registry_path) as opened:
        opened.ingest(first)
        before = counts(opened)
        monkeypatch.setattr("forebear.registry.store.arrow.model_tables", broken)
        (failed,) = opened.ingest(second)
        assert isinstance(failed, Failed) and "no_such_table" in failed.reason
        (first / "config.json").write_text("{}")
        (failed,) = opened.ingest(first)
        assert isinstance(failed, Failed) and "no_such_table" in failed.reason
        assert counts(opened) == before


def test_two_folders_of_one_basename_stay_two_models(registry_path: Path, make_model: MakeModel) -> None:
    one, two = make_model("x/same"), make_model("y/same", 1)
    with Registry(registry_path) as opened:
        opened.ingest(one, two)
        assert {model.uri for model in opened.models()} == {one.as_uri(), two.as_uri()}
        with pytest.raises(RegistryError) as error:
            opened.model("same")
        assert one.as_uri() in str(error.value)
        assert two.as_uri() in str(error.value)
        assert opened.model(one.as_uri()).uri == one.as_uri()
        assert opened.model(two).uri == two.as_uri()


def test_what_is_unchanged_is_not_read_again(
    registry_path: Path, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_model("a")
    with Registry(registry_path) as opened:
        opened.ingest(folder)
        monkeypatch.setattr(ingesting, "fingerprint_model", None)
        (outcome,) = opened.ingest(folder)
    assert isinstance(outcome, Unchanged)
    assert (outcome.name, outcome.bytes_read, outcome.requests) == ("a", 0, 0)
    assert outcome.parameters > 0


def test_what_changed_takes_the_place_of_what_was_there(registry_path: Path, make_model: MakeModel) -> None:
    folder = make_model("a")
    with Registry(registry_path) as opened:
        opened.ingest(folder)
        before, content = counts(opened), _contents(opened)
        (folder / "model.safetensors").write_bytes(safetensors_bytes(llama(5)))
        (outcome,) = opened.ingest(folder)
        assert isinstance(outcome, Ingested)
        assert counts(opened) == before
        assert _contents(opened) != content


def _contents(opened: Registry) -> list[tuple[str, ...]]:
    return opened.connection.execute("SELECT content FROM model").fetchall()


def test_bad_input_never_ends_a_batch_and_leaves_no_trace(
    registry_path: Path, make_model: MakeModel, tmp_path: Path
) -> None:
    truncated = make_model("truncated")
    weights = truncated / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    config_only = write_files(tmp_path / "config-only", {"config.json": b"{}"})
    with Registry(registry_path) as opened:
        opened.ingest(make_model("a"))
        before = counts(opened)
        found = opened.ingest(truncated, config_only, tmp_path / "nowhere")
        assert [type(outcome) for outcome in found] == [Failed, Skipped, Failed]
        assert counts(opened) == before
        (after,) = opened.ingest(make_model("b", 1))
        assert isinstance(after, Ingested)


def test_removing_a_model_removes_every_row_of_it(registry_path: Path, make_model: MakeModel) -> None:
    with Registry(registry_path) as opened:
        opened.ingest(make_model("a"))
        before = counts(opened)
        opened.ingest(make_model("b", 1))
        assert opened.remove("b").name == "b"
        assert counts(opened) == before
        with pytest.raises(RegistryError, match="'b' is not in"):
            opened.remove("b")


@contextmanager
def held(path: Path) -> Iterator[int]:
    """The registry, open for writing in another process."""
    text = "import sys; from forebear.registry import Registry; r = Registry(sys.argv[1]); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", text, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.communicate(b"\n", timeout=20)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_registry_that_another_process_holds_says_who_holds_it(registry_path: Path, read_only: bool) -> None:
    with held(registry_path) as holder:
        with pytest.raises(RegistryError, match="in use") as error:
            Registry(registry_path, read_only=read_only)
        assert str(holder) in str(error.value)
        assert "read a snapshot" in str(error.value)
    Registry(registry_path, read_only=read_only).close()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_registry_that_is_let_go_of_in_time_is_waited_for(registry_path: Path, read_only: bool) -> None:
    holding = held(registry_path)
    holding.__enter__()
    ending = threading.Timer(0.5, holding.__exit__, (None, None, None))
    ending.start()
    began = time.monotonic()
    with Registry(registry_path, read_only=read_only, wait=20):
        assert time.monotonic() - began > 0.3
    ending.join()


def test_a_registry_that_was_let_go_of_is_opened_again_when_it_is_used(registry_path: Path) -> None:
    with Registry(registry_path) as opened:
        opened.release()
        with held(registry_path), pytest.raises(RegistryError, match="in use"):
            Registry(registry_path)
        assert opened.models() == []


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("INSERT INTO migration (version, name, sha256) VALUES (99, '0099_later', '')", "version 99.*upgrade forebear"),
        ("UPDATE migration SET sha256 = 'other'", "is not the one this forebear has"),
        ("UPDATE setting SET value = '999' WHERE name = 'fingerprint_version'", "fingerprint_version 999"),
        ("DELETE FROM setting WHERE name = 'minhash_seed'", "minhash_seed None"),
    ],
)
def test_a_registry_of_other_versions_is_refused_and_left_alone(
    registry_path: Path, change: str, message: str, read_only: bool
) -> None:
    Registry(registry_path).close()
    with duckdb.connect(str(registry_path)) as connection:
        connection.execute(change)
    before = registry_path.read_bytes()
    with pytest.raises(RegistryError, match=message):
        Registry(registry_path, read_only=read_only)
    assert registry_path.read_bytes() == before


@pytest.mark.parametrize(("storage", "message"), [("v1.5.0", "not a registry"), ("latest", "(as|not) a registry")])
def test_a_duckdb_file_that_is_no_registry_is_refused(registry_path: Path, storage: str, message: str) -> None:
    with duckdb.connect(str(registry_path), config={"storage_compatibility_version": storage}) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1 AS x")
    with pytest.raises(RegistryError, match=message):
        Registry(registry_path)
    with duckdb.connect(str(registry_path)) as connection:
        assert connection.execute("SHOW TABLES").fetchall() == [("mine",)]


@pytest.mark.parametrize("data", [b"a text file, and a long enough one to have a header " * 200, b"x"])
def test_a_file_that_is_not_duckdb_is_refused(registry_path: Path, data: bytes) -> None:
    registry_path.write_bytes(data)
    with pytest.raises(RegistryError):
        Registry(registry_path)
    assert registry_path.read_bytes() == data


def test_opening_for_reading_makes_nothing(registry_path: Path) -> None:
    with pytest.raises(RegistryError, match="no registry there"):
        Registry(registry_path, read_only=True)
    with pytest.raises(RegistryError, match="no registry there"):
        Registry(registry_path, create=False)
    assert not registry_path.exists()


def test_a_killed_ingest_leaves_every_model_that_it_reported(registry_path: Path, make_model: MakeModel) -> None:
    folders = [make_model(f"m{seed}", seed) for seed in range(40)]
    command = [*COMMAND, "ingest", "--format", "jsonl", *map(str, folders)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        reported = [json.loads(process.stdout.readline())["name"] for _ in range(3)]
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    with Registry(registry_path) as opened:
        kept = [model.name for model in opened.models()]
        assert set(reported) <= set(kept)
        assert len(kept) < len(folders)
        per_model = opened.connection.execute(
            "SELECT count(DISTINCT n) FROM (SELECT count(*) AS n FROM tensor GROUP BY model_id)"
        ).fetchall()
        assert per_model == [(1,)]
        whole = counts(opened)
        assert whole["tensor"] == len(kept) * whole["tensor"] // whole["model"]
        assert opened.ingest(folders[-1])[0].status == "ingested"


def test_a_path_is_compared_without_being_kept(zoo: Path, zoo_registry: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(zoo / "alder-docs", tmp_path / "unknown")
    before = zoo_registry.read_bytes()
    with Registry(zoo_registry, read_only=True) as opened:
        report = opened.ancestors(copy, k=3)
        assert report.registry_models == len(opened.models())
    (answer,) = report.components
    assert (report.name, report.verdict) == ("unknown", "related")
    assert (answer.ancestors[0].name, answer.ancestors[0].relation) == ("alder-docs", ("identical",))
    assert zoo_registry.read_bytes() == before


def test_a_registered_model_and_its_unregistered_copy_get_one_answer(
    zoo: Path, zoo_registry: Path, tmp_path: Path
) -> None:
    path = tmp_path / "without.duckdb"
    shutil.copy(zoo_registry, path)
    with Registry(path) as opened:
        registered = opened.ancestors("alder-moe", k=20)
        opened.remove("alder-moe")
        fresh = opened.ancestors(zoo / "alder-moe", k=20)
    assert registered == fresh


def test_a_path_that_is_registered_and_unchanged_is_not_read_again(
    zoo: Path, zoo_registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forebear.ingest.model.fingerprint_model", None)
    monkeypatch.chdir(zoo)
    with Registry(zoo_registry, read_only=True) as opened:
        by_name = opened.ancestors("alder-docs", k=2)
        for spelled in (zoo / "alder-docs", str(zoo / "alder-docs"), "./alder-docs", (zoo / "alder-docs").as_uri()):
            assert opened.ancestors(spelled, k=2) == by_name


def test_a_registered_source_that_is_gone_can_still_be_asked_about(registry_path: Path, make_model: MakeModel) -> None:
    folder = make_model("a")
    with Registry(registry_path) as opened:
        opened.ingest(folder, make_model("b", 1))
        shutil.rmtree(folder)
        assert opened.ancestors(folder).name == "a"
        assert opened.ancestors(folder.as_uri()).name == "a"


def test_a_path_that_changed_is_read_anew(registry_path: Path, make_model: MakeModel) -> None:
    folder = make_model("a")
    with Registry(registry_path) as opened:
        opened.ingest(folder)
        (folder / "model.safetensors").write_bytes(safetensors_bytes(llama(7)))
        assert opened.ancestors(folder).registry_models == 1
        assert opened.ancestors("a").registry_models == 0


def test_a_model_of_few_kinds_of_evidence_can_be_asked_about(zoo_registry: Path, tmp_path: Path) -> None:
    bare = {"model.norm.weight": llama()["model.norm.weight"]}
    vectors = write_files(tmp_path / "vectors", {"model.safetensors": safetensors_bytes(bare)})
    plain = write_files(tmp_path / "plain", {"model.safetensors": safetensors_bytes(llama())})
    with Registry(zoo_registry, read_only=True) as opened:
        assert opened.ancestors(vectors).verdict == "inconclusive"
        assert opened.ancestors(plain).verdict == "unrelated"


def test_an_unknown_name_is_an_error_that_says_where_it_was_looked_for(zoo_registry: Path) -> None:
    with Registry(zoo_registry, read_only=True) as opened:
        with pytest.raises(RegistryError, match=r"'nobody' is not in .*forebear list.*no such file or folder"):
            opened.ancestors("nobody")
        with pytest.raises(ValueError, match="at least one row"):
            opened.ancestors("alder", k=0)


def test_details_tell_what_a_model_is_made_of(zoo_registry: Path) -> None:
    with Registry(zoo_registry, read_only=True) as opened:
        moe, docs = opened.details("alder-moe"), opened.details("alder-docs")
    (component,) = moe.components
    assert (component.component, component.layers, component.experts) == ("language", 6, 4)
    assert component.parameters == moe.model.parameters
    assert "router" in component.roles
    assert [parent.parent for parent in docs.declared_parents] == ["alder"]
    assert docs.tokenizer is not None
    assert (docs.tokenizer.size, docs.skipped) == (512, ())


def test_a_registry_and_its_models_are_shown_on_a_line(zoo_registry: Path) -> None:
    with Registry(zoo_registry, read_only=True) as registry:
        assert repr(registry) == f"Registry('{zoo_registry}')"
        assert repr(registry.models()[0]) == "Model(1, alder: safetensors, 387600 parameters)"
        assert all(len(repr(model)) <= 110 for model in registry.models())
