"""A registry is pushed to every kind of place, and comes from there as it was; what was tampered with does not."""

from __future__ import annotations

import functools
import json
import pickle
import shutil
import threading
from collections.abc import Iterator
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import fsspec
import huggingface_hub.constants
import pytest

from forebear.queries.data.query import SketchesOnly
from forebear.registry import ForebearError, FormatError, Registry, RegistryError, SourceError
from forebear.registry.cli.forms import forms
from forebear.registry.exchange import answering, pushing
from forebear.registry.exchange.opening import open_place
from forebear.registry.server.pages import model
from forebear.registry.server.parameters import asked
from forebear.registry.server.site import Site
from forebear.registry.server.snapshot import Snapshots
from forebear.registry.server.view import View

from ...hub_datasets import HubDatasets
from ..conftest import MakeModel, Run

TOKEN = "hf_for_this_test"


def contents(path: Path) -> dict[str, list[str]]:
    """Every row of every table but those that speak of the file alone."""
    with Registry(path, read_only=True) as registry:
        names = [n for (n,) in registry.connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        tables = set(names) - {"migration", "pulled_part"}
        return {name: sorted(repr(row) for row in registry.connection.table(name).fetchall()) for name in tables}


@pytest.fixture
def filled(four: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry of four models in three parts: ids 1; 2 and 3; 4."""
    monkeypatch.setattr(pushing, "TOGETHER", 2)
    return Path(shutil.copy(four, tmp_path / "filled.duckdb"))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubDatasets]:
    with HubDatasets(TOKEN) as server:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", server.endpoint)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield server


def push(path: Path, place: str | Path, *, prune: bool = False) -> pushing.Pushed:
    with Registry(path, read_only=True) as registry:
        return registry.push(place, prune=prune)


def pull(path: Path, place: str | Path, *, sketches: bool = False) -> tuple[int, int, int]:
    with Registry(path) as registry:
        found = registry.pull(place, sketches=sketches)
    return found.models, found.unchanged, found.sketches


@pytest.mark.parametrize("kind", ["folder", "bucket", "hub"])
@pytest.mark.parametrize("sketches", [False, True])
def test_a_registry_comes_back_as_it_was_from_every_kind_of_place(
    filled: Path, tmp_path: Path, hub: HubDatasets, kind: str, sketches: bool
) -> None:
    place = {"folder": str(tmp_path / "at"), "bucket": "memory://exchange/at", "hub": "hf://datasets/org/registry"}[
        kind
    ]
    fsspec.filesystem("memory").store.clear()
    assert push(filled, place).models == 4
    there = tmp_path / "there.duckdb"
    assert pull(there, place, sketches=sketches) == (4, 0, 4 * sketches)
    assert pull(there, place) == (0, 4, 0)
    assert contents(there) == contents(filled)


def test_the_hub_gets_the_manifest_with_the_last_commit(
    filled: Path, hub: HubDatasets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forebear.registry.exchange.hub._TOGETHER", 2)
    push(filled, "hf://datasets/org/registry")
    shown = ["manifest.json" in files for files in hub.commits["org/registry"]]
    assert shown == [False] * (len(shown) - 1) + [True] and len(shown) == 5


def test_a_pull_of_what_is_private_names_the_token(
    tmp_path: Path, hub: HubDatasets, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RegistryError, match="no registry was pushed there"):
        pull(tmp_path / "there.duckdb", "hf://datasets/org/registry")
    monkeypatch.setenv("HF_TOKEN", "hf_of_somebody_else")
    with pytest.raises(SourceError, match="private or not there; set HF_TOKEN"):
        pull(tmp_path / "there.duckdb", "hf://datasets/org/registry")


def test_the_hub_without_a_token_is_an_error_that_names_it(
    filled: Path, hub: HubDatasets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_of_somebody_else")
    with pytest.raises(SourceError, match="HF_TOKEN"):
        push(filled, "hf://datasets/org/registry")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    (tmp_path / "at").mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path / "at")))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/public/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_folder_that_a_web_server_serves_can_be_pulled_and_not_pushed(
    filled: Path, tmp_path: Path, served: str
) -> None:
    push(filled, tmp_path / "at" / "public")
    assert pull(tmp_path / "there.duckdb", served) == (4, 0, 0)
    assert contents(tmp_path / "there.duckdb") == contents(filled)
    with pytest.raises(SourceError, match="only be read"):
        open_place(served).publish({}, b"{}")
    with pytest.raises(SourceError, match="only be read; push to a folder that is served there"):
        push(filled, "https://127.0.0.1:9/nobody-is-asked")


def test_what_is_there_is_not_sent_again_nor_brought_again(filled: Path, tmp_path: Path, make_model: MakeModel) -> None:
    place, there = tmp_path / "at", tmp_path / "there.duckdb"
    first = push(filled, place)
    pull(there, place)
    assert (first.files, push(filled, place).files) == (7, 0)
    with Registry(filled) as registry:
        registry.ingest(make_model("elm", 9))
    assert push(filled, place).files == 2  # the model, and the part that it is in
    assert pull(there, place) == (1, 4, 0)


def test_answers_fetch_what_they_need_and_are_those_of_the_whole_registry(
    zoo_registry: Path, tmp_path: Path, run: Run
) -> None:
    place, there = tmp_path / "at", tmp_path / "there.duckdb"
    push(zoo_registry, place)
    models, _, sketches = pull(there, place, sketches=True)
    assert models == sketches == 17
    with Registry(zoo_registry, read_only=True) as whole, Registry(there, read_only=True) as part:
        assert part.ancestors("alder-docs", k=3) == whole.ancestors("alder-docs", k=3)
    with Registry(there) as part, pytest.raises(RegistryError, match="sketches alone; `forebear pull file:"):
        part.connection.execute(
            "INSERT INTO remote_fingerprint SELECT model_id, 'file:///x', repeat('a', 64), 1 FROM model"
        )
        part.push(tmp_path / "other")


def test_an_answer_fetches_the_likeliest_within_its_bytes_and_says_how_many_it_did_without(
    zoo_registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, there = tmp_path / "at", tmp_path / "there.duckdb"
    push(zoo_registry, place)
    pull(there, place, sketches=True)
    most = 8 * max(file.stat().st_size for file in (place / "models").rglob("*.parquet"))
    monkeypatch.setattr(answering, "FETCHED", most)
    with Registry(zoo_registry, read_only=True) as whole:
        expected = whole.ancestors("alder-docs", k=3)
    best = {one.source for one in expected.components[0].ancestors if one.rank == 1}
    fetched, left_out, answer = [], [], expected
    with Registry(there, read_only=True) as part:
        for _ in range(4):
            before = bytes_left(part)
            answer = part.ancestors("alder-docs", k=3)
            fetched.append(before - bytes_left(part))
            (component,) = answer.components
            left_out.append(component.left_out)
            assert {one.source for one in component.ancestors if one.rank == 1} == best
            assert (f"{component.left_out} further candidate" in component.sentence) is (component.left_out > 0)
    assert all(0 <= size <= most for size in fetched)
    assert left_out[0] > 0
    assert left_out == sorted(left_out, reverse=True), "asking again goes on"
    assert answer == expected


@pytest.mark.parametrize("read_only", [True, False])
def test_fetches_of_one_answer_share_its_bytes(filled: Path, tmp_path: Path, read_only: bool) -> None:
    place, there = tmp_path / "at", tmp_path / "there.duckdb"
    push(filled, place)
    pull(there, place, sketches=True)
    lefts = []

    def question(left: int) -> str:
        lefts.append(left)
        if len(lefts) < 4:
            raise SketchesOnly([len(lefts)], place.as_uri())
        return "answer"

    with Registry(there, read_only=read_only) as registry:
        sizes = dict(registry.connection.execute("SELECT model_id, bytes FROM remote_fingerprint").fetchall())
        assert answering.answered(registry, question, read_only=read_only) == "answer"
    assert lefts == [answering.FETCHED - sum(sizes[model] for model in range(1, n)) for n in range(1, 5)]


def bytes_left(registry: Registry) -> int:
    """Of models that are here by their sketches alone."""
    rows = registry.connection.execute("SELECT coalesce(sum(bytes), 0)::BIGINT FROM remote_fingerprint").fetchall()
    return int(rows[0][0])


def test_a_model_of_which_only_the_sketches_are_here_is_shown_as_that(filled: Path, tmp_path: Path, run: Run) -> None:
    place, there = tmp_path / "at", tmp_path / "there.duckdb"
    push(filled, place)
    pull(there, place, sketches=True)
    found = run("--registry", there, "show", "ash").out
    assert f"its sketches alone; the rest is at {place.as_uri()}" in " ".join(found.split())
    assert "not here" in found and "component" not in found
    assert f"is at {place.as_uri()}" in shown_on_a_page(there, "ash")
    pull(there, place)
    whole = run("--registry", there, "show", "ash").out
    assert "sketches" not in whole and "component" in whole
    assert "Every tensor has a fingerprint" in shown_on_a_page(there, "ash")


def shown_on_a_page(path: Path, name: str) -> str:
    """The page of a model, as the server shows it."""
    with Snapshots(path) as copy, copy.reading() as (registry, snapshot):
        values = asked(model.PARAMETERS, {"name": name})
        return unescape(model.model_page(Site(forms()), View(registry, snapshot), values).body.decode())


def test_an_audit_of_sketches_alone_is_an_error_that_says_how_to_get_the_rest(filled: Path, tmp_path: Path) -> None:
    push(filled, tmp_path / "at")
    pull(tmp_path / "there.duckdb", tmp_path / "at", sketches=True)
    with Registry(tmp_path / "there.duckdb") as registry:
        with pytest.raises(RegistryError, match="sketches alone; `forebear pull file:"):
            registry.audit()
        assert pickle.loads(pickle.dumps(SketchesOnly([3, 4], "s3://at"))).models == (3, 4)
        registry.pull(tmp_path / "at")
        assert registry.audit().run.asked == 4


def test_an_answer_says_which_place_is_gone(filled: Path, tmp_path: Path) -> None:
    place, there = tmp_path / "at", tmp_path / "there.duckdb"
    push(filled, place)
    pull(there, place, sketches=True)
    for file in (place / "models").rglob("*.parquet"):
        file.unlink()
    with Registry(there, read_only=True) as registry, pytest.raises(FormatError, match=r"models/.*is missing"):
        registry.ancestors("ash")


@pytest.mark.parametrize("folder", ["parts", "models"])
@pytest.mark.parametrize("change", ["one byte", "cut", "gone"])
def test_a_file_that_is_not_what_its_checksum_says_is_not_kept(
    filled: Path, tmp_path: Path, folder: str, change: str
) -> None:
    place, there = tmp_path / "at", tmp_path / "there.duckdb"
    push(filled, place)
    for file in (place / folder).rglob("*.parquet"):
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data if change == "one byte" else data[:-9])
        if change == "gone":
            file.unlink()
    with pytest.raises(FormatError, match="SHA-256" if change != "gone" else "missing"):
        pull(there, place)
    with Registry(there, read_only=True) as registry:
        assert registry.models() == []


def test_rows_that_the_schema_does_not_take_are_refused_although_their_checksum_is_right(
    filled: Path, tmp_path: Path
) -> None:
    place, there = tmp_path / "at", tmp_path / "there.duckdb"
    with Registry(filled) as registry:
        registry.connection.execute("UPDATE positions SET value = list_value('nan')::FLOAT[] || value[2:]")
    push(filled, place)
    with pytest.raises(FormatError, match="no numbers"):
        pull(there, place)
    pull(there, place, sketches=True)
    with Registry(there) as registry:
        with pytest.raises(FormatError, match="no numbers"):
            registry.ancestors("ash")
        assert registry.connection.execute("SELECT count(*) FROM tensor").fetchall() == [(0,)]


@pytest.mark.parametrize(
    "manifest",
    [b"{", b"[]", b'{"kind": "forebear registry"}', b'{"kind": "other"}'],
)
def test_what_is_no_manifest_is_an_error(tmp_path: Path, manifest: bytes) -> None:
    (tmp_path / "at").mkdir()
    (tmp_path / "at" / "manifest.json").write_bytes(manifest)
    with pytest.raises(ForebearError, match=r"manifest\.json"):
        pull(tmp_path / "there.duckdb", tmp_path / "at")


def test_a_manifest_cannot_name_files_elsewhere(filled: Path, tmp_path: Path) -> None:
    push(filled, tmp_path / "at")
    path = tmp_path / "at" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["parts"][0]["sha256"] = "../../" + manifest["parts"][0]["sha256"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(FormatError, match="without a SHA-256"):
        pull(tmp_path / "there.duckdb", tmp_path / "at")


def test_a_push_that_would_drop_models_needs_to_be_told(filled: Path, tmp_path: Path) -> None:
    push(filled, tmp_path / "at")
    with Registry(filled) as registry:
        registry.remove("cedar")
    with pytest.raises(RegistryError, match="holds 1 model that is not in this registry"):
        push(filled, tmp_path / "at")
    assert push(filled, tmp_path / "at", prune=True).dropped == 1
    assert pull(tmp_path / "there.duckdb", tmp_path / "at")[0] == 3


def test_any_engine_reads_licence_and_provenance_of_each_model(filled: Path, tmp_path: Path) -> None:
    push(filled, tmp_path / "at")
    said = f"SELECT name, source, license, ingested_at FROM '{tmp_path}/at/parts/*/*.parquet' ORDER BY name"
    values = f"SELECT unnest(positions, recursive := true) FROM '{tmp_path}/at/models/*/*.parquet'"
    with duckdb.connect() as other:
        assert [row[0] for row in other.execute(said).fetchall()] == ["ash", "beech", "cedar", "dogwood"]
        assert [column[0] for column in other.execute(values).description] == ["tensor_id", "value"]


def test_without_a_registry_a_question_says_how_to_get_one(run: Run) -> None:
    ran = run("ancestors", "org/model")
    assert ran.code == 1
    assert "`forebear ingest SOURCE...`" in ran.err and "`forebear pull SOURCE`" in ran.err


def test_a_model_that_was_ingested_again_replaces_what_was_published_of_it(
    tmp_path: Path, make_model: MakeModel
) -> None:
    path, place = tmp_path / "r.duckdb", tmp_path / "at"
    with Registry(path) as registry:
        registry.ingest(make_model("one"), make_model("two", 1))
        registry.push(place)
        registry.ingest(make_model("one", 5))
        again = registry.push(place)
        assert (again.models, again.dropped) == (2, 0)
        assert registry.push(place).files == 0
        registry.remove("one")
        with pytest.raises(RegistryError, match="holds 1 model that is not in this registry; pull it first"):
            registry.push(place)
    with Registry(tmp_path / "there.duckdb") as there:
        there.pull(place)
        there.connection.execute("UPDATE model SET ingested_at = ingested_at - INTERVAL 1 DAY")
        with pytest.raises(RegistryError, match="holds 2 models that are not in this registry; pull them first"):
            there.push(place)


def test_an_empty_address_is_no_place(filled: Path) -> None:
    with pytest.raises(SourceError, match="is empty"):
        push(filled, "")


def test_the_commands_push_and_pull(filled: Path, tmp_path: Path, run: Run) -> None:
    pushed = run("--registry", filled, "push", tmp_path / "at", "--format", "json")
    assert (pushed.code, json.loads(pushed.out)["pushed"]["models"]) == (0, 4)
    assert f"next: forebear pull {(tmp_path / 'at').as_uri()}" in pushed.err
    pulled = run("pull", tmp_path / "at", "--sketches")
    assert (pulled.code, pulled.err.splitlines()[0].startswith("4 new models, 0 there already;")) == (0, True)
    nothing = run("pull", tmp_path / "nowhere")
    assert (nothing.code, "no registry was pushed there" in nothing.err) == (1, True)
