"""Registries of an earlier version: what they lack is read afterwards, and what is kept stays."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind

from forebear.ingest.activations import plan_activations
from forebear.ingest.checkpoint import open_checkpoint
from forebear.ingest.sources import open_source
from forebear.ingest.sources.folder import FolderSource
from forebear.ingest.sources.hub import open_hub
from forebear.ingest.storage.reader import FileReader
from forebear.registry import Failed, Ingested, Refreshed, Registry, Unchanged
from forebear.registry import registry as registry_module
from forebear.registry.store.database import migrations

from ...hub_server import HubServer
from ...ingest.formats.writers_fused import load_model
from ...ingest.formats.writers_gguf import model_bytes
from ...writers import llama, llama_config, model_files, safetensors_bytes, tokenizer_json, write_files
from ..conftest import Run

LETTERS = {chr(code): code - 33 for code in range(33, 127)}
KEPT = (
    "tensor",
    "positions",
    "gram",
    "minhash",
    "bounds",
    "vector",
    "token_row",
    "sketch",
    "activation",
    "activation_sketch",
)


def model(folder: Path, seed: int = 0) -> Path:
    """A small random model whose vocabulary has single characters."""
    tensors = llama(seed, layers=6)
    return write_files(folder, model_files(tensors, config=llama_config(tensors), tokenizer=tokenizer_json(LETTERS)))


def as_version_1(registry: Registry) -> None:
    """The models as an earlier version kept them."""
    changes = ("DELETE FROM activation", "DELETE FROM activation_sketch", "UPDATE model SET fingerprint_version = 1")
    for change in changes:
        registry.connection.execute(change)


def rows(registry: Registry, table: str) -> list[tuple[object, ...]]:
    """All rows of a table but for the ids of the models, which are new after a refresh."""
    first = "component" if table in {"sketch", "activation_sketch"} else "tensor_id"
    more = ", token" if table == "token_row" else ""
    return registry.connection.execute(
        f"SELECT * EXCLUDE (model_id) FROM {table} ORDER BY model_id, {first}{more}"
    ).fetchall()


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Registry]:
    """A registry of two models that version 1 made."""
    with Registry(tmp_path / "old.duckdb") as registry:
        registry.ingest(model(tmp_path / "a"), model(tmp_path / "b", 1))
        as_version_1(registry)
        yield registry


def test_a_refreshed_model_is_what_a_new_reading_makes_of_it(old: Registry, tmp_path: Path) -> None:
    assert [type(one) for one in old.refreshing()] == [Refreshed, Refreshed]
    with Registry(tmp_path / "new.duckdb") as new:
        new.ingest(tmp_path / "a", tmp_path / "b")
        assert len(rows(new, "activation")) == 8
        assert {table: rows(old, table) for table in KEPT} == {table: rows(new, table) for table in KEPT}
    assert old.outdated() == []


def test_a_quantised_model_gets_the_bounds_of_its_values(tmp_path: Path, zoo: Path) -> None:
    path = tmp_path / "cedar.gguf"
    path.write_bytes(model_bytes(*load_model(zoo / "cedar"), Kind.Q8_0, "qwen2"))
    with Registry(tmp_path / "old.duckdb") as old:
        old.ingest(path)
        before = rows(old, "bounds")
        as_version_1(old)
        old.connection.execute("DELETE FROM bounds")
        (outcome,) = old.refreshing()
        assert isinstance(outcome, Refreshed) and len(before) == 28 and rows(old, "bounds") == before


def test_a_refresh_reads_headers_rows_of_tokens_and_of_gates_and_the_gains_before_them(
    old: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FolderSource, "gap", 0)
    source = open_source(str(tmp_path / "a"))
    found = open_checkpoint(source)
    assert found.tokenizer
    (plan,) = plan_activations(found.named, found.tokenizer.vocabulary())
    gains = [n for n in found.named if n.place.slot == "ffn" and n.place.layer in {0, 2, 3, 5}]
    wanted = {r for part in (plan.embedding, *plan.matrices) for r in part.ranges}
    wanted |= {r for n in gains for r in n.tensor.storage.ranges((0,))}
    first = min(r.offset for n in found.named for r in n.tensor.storage.ranges((0,)))
    read: list[tuple[int, int]] = []
    whole = FileReader.read

    def noted(self: FileReader, offset: int, length: int) -> bytes:
        data = whole(self, offset, length)
        if self._path.suffix == ".safetensors" and offset >= first:
            read.append((offset, length))
        return data

    monkeypatch.setattr(FileReader, "read", noted)
    (outcome,) = old.refreshing("a")
    assert isinstance(outcome, Refreshed)
    assert sum(length for _, length in read) == sum(r.length for r in wanted)
    assert len(gains) == 4


def test_a_complete_model_is_not_opened(old: Registry, tmp_path: Path) -> None:
    list(old.refreshing())
    shutil.rmtree(tmp_path / "a")
    (outcome,) = old.refreshing("a")
    assert isinstance(outcome, Unchanged) and outcome.bytes_read == outcome.requests == 0
    assert list(old.refreshing()) == []


def test_a_source_that_changed_or_is_gone_fails_and_leaves_what_is_kept(old: Registry, tmp_path: Path) -> None:
    before = {table: rows(old, table) for table in KEPT}
    (tmp_path / "a" / "model.safetensors").write_bytes(safetensors_bytes(llama(7, layers=6)))
    shutil.rmtree(tmp_path / "b")
    changed, gone = old.refreshing()
    assert isinstance(changed, Failed) and "changed since it was ingested" in changed.reason
    assert f"`forebear ingest {(tmp_path / 'a').as_uri()}`" in changed.reason
    assert isinstance(gone, Failed) and "the fingerprint of b stays as it is" in gone.reason
    assert {table: rows(old, table) for table in KEPT} == before
    assert [m.name for m in old.outdated()] == ["a", "b"]


def test_a_name_that_nothing_has_fails_and_ends_nothing(old: Registry) -> None:
    missing, refreshed = old.refreshing("nothing", "a")
    assert isinstance(missing, Failed) and isinstance(refreshed, Refreshed)


def test_an_audit_looks_at_refreshed_models_anew(old: Registry) -> None:
    evaluated = old.audit().run.evaluated
    assert old.audit().run.evaluated == 0
    list(old.refreshing())
    assert old.audit().run.evaluated == evaluated


def test_a_repository_is_refreshed_from_the_commit_that_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HubServer() as hub, Registry(tmp_path / "r.duckdb") as registry:
        hub.add("org/a", model(tmp_path / "a"))

        def opened(spec: object, *, connections: int | None = None) -> object:
            return open_hub(str(spec).removeprefix("hf://"), endpoint=hub.endpoint, connections=connections or 4)

        monkeypatch.setattr(registry_module, "opened_spec", opened)
        (first,) = registry.ingest("hf://org/a")
        assert isinstance(first, Ingested)
        as_version_1(registry)
        hub.repositories["org/a"].commit(model(tmp_path / "a2", 9))
        (outcome,) = registry.refreshing()
        assert isinstance(outcome, Refreshed), outcome
        assert outcome.bytes_read < first.bytes_read
        assert len(rows(registry, "activation")) == 4
        sent = hub.requests
        (outcome,) = registry.refreshing("org/a")
        assert isinstance(outcome, Unchanged) and hub.requests == sent
        as_version_1(registry)
        hub.repositories["org/a"].commits.clear()
        (outcome,) = registry.refreshing("org/a")
        assert isinstance(outcome, Failed) and "stays as it is" in outcome.reason
        assert len(registry.outdated()) == 1


def test_networks_of_both_versions_are_never_compared_and_a_refresh_makes_them_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    kernels = {f"layers.{i}.weight": random.normal(0, 1, (32, 32, 3, 3)).astype(np.float32) for i in range(4)}
    for name in ("one", "two"):
        write_files(tmp_path / name, {"model.safetensors": safetensors_bytes(kernels)})
    with Registry(tmp_path / "r.duckdb") as registry:
        with monkeypatch.context() as earlier:
            earlier.setattr("forebear.ingest.checkpoint.as_network", tuple)
            registry.ingest(tmp_path / "one")
        as_version_1(registry)
        text = next(text for _, name, text in migrations() if name == "0018_fingerprint_version")
        begin, end = text.index("CREATE TEMPORARY"), text.index("DROP TABLE renamed;")
        registry.connection.execute(text[begin:end] + "DROP TABLE renamed;")
        registry.ingest(tmp_path / "two")
        (answer,) = registry.ancestors("two").components
        assert answer.verdict == "inconclusive" and not answer.ancestors
        (component,) = registry.details("one").components
        assert component.component.endswith(" (fingerprint 1)")
        (outcome,) = registry.refreshing()
        assert isinstance(outcome, Refreshed)
        (answer,) = registry.ancestors("two").components
        assert answer.ancestors[0].relation == ("identical",)


def test_list_show_and_ancestors_name_the_models_that_lack_activations(old: Registry, run: Run) -> None:
    place = old.place
    list(old.refreshing("a"))
    old.release()
    listed = run("list", "--registry", place)
    assert [line.split()[-1] for line in listed.out.splitlines() if line.startswith("b ")] == ["activations"]
    assert "without activations, as an earlier version ingested them: b;" in listed.err
    assert "none: an earlier version ingested it" in run("show", "b", "--registry", place).out
    assert "of 4 layers" in run("show", "a", "--registry", place).out
    assert "b; `forebear ingest --refresh`" in " ".join(run("ancestors", "a", "--registry", place).out.split())
    assert run("ingest", "--refresh", "--registry", place).code == 0
    assert "activations" not in run("list", "--registry", place).out
    assert "--refresh" not in run("ancestors", "a", "--registry", place).out
