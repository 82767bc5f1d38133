"""Repositories of the Hub are read as folders are: the same fingerprint, from one commit, by ranges alone."""

from __future__ import annotations

import dataclasses
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from forebear.ingest.errors import SourceError
from forebear.ingest.model import ModelFingerprint, fingerprint_model
from forebear.ingest.sources import open_source
from forebear.ingest.sources.card import BaseModel
from forebear.ingest.sources.hub import HubSource, open_hub
from forebear.ingest.sources.hub_patience import Patience
from forebear.ingest.sources.hub_spec import parse_spec

from ...hub_server import Fault, HubServer

TOKEN = "hf_let_me_in"
FAST = Patience(tries=4, first=0.01, most=0.05, timeout=2.0, longest=5.0)


@pytest.fixture
def hub(zoo: Path) -> Iterator[HubServer]:
    with HubServer() as server:
        server.add("zoo/alder", zoo / "alder")
        yield server


def open_fast(hub: HubServer, spec: str = "zoo/alder", token: str | bool = False) -> HubSource:
    return open_hub(spec, endpoint=hub.endpoint, token=token, patience=FAST)


def plain(value: object) -> object:
    """A fingerprint as nested tuples that compare bit for bit: arrays by dtype, shape and bytes."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if dataclasses.is_dataclass(value):
        return type(value).__name__, *(plain(getattr(value, f.name)) for f in dataclasses.fields(value))
    if isinstance(value, Mapping):
        return tuple((k, plain(v)) for k, v in value.items())
    if isinstance(value, list | tuple):
        return tuple(plain(v) for v in value)
    return repr(value)


def evidence(model: ModelFingerprint) -> object:
    """Everything of a fingerprint but where it was read, in how many reads, and what its provider says of it."""
    here = dataclasses.replace(model, uri="", name="", state="", revision=None, provider=None, files=())
    return plain(dataclasses.replace(here, requests=0, bytes_read=0))


@pytest.mark.parametrize("name", ["alder", "alder-4bit", "alder-moe", "cedar"])
def test_the_fingerprint_equals_that_of_the_folder_bit_for_bit(hub: HubServer, zoo: Path, name: str) -> None:
    hub.add(f"zoo/{name}", zoo / name)
    remote = fingerprint_model(open_fast(hub, f"zoo/{name}"))
    local = fingerprint_model(open_source(str(zoo / name)))
    assert remote.tensors and remote.tokens and remote.sketches
    assert evidence(remote) == evidence(local)
    assert remote.content == local.content


def test_everything_is_read_from_the_commit_that_was_resolved_first(hub: HubServer, zoo: Path) -> None:
    first = hub.repositories["zoo/alder"].branches["main"]
    source = open_fast(hub)
    hub.repositories["zoo/alder"].commit(zoo / "birch")
    assert (source.revision, source.state) == (first, first)
    assert fingerprint_model(source).content == fingerprint_model(open_source(str(zoo / "alder"))).content
    assert all(f"/resolve/{first}/" in path for path in hub.hub.paths if "resolve" in path)
    assert open_fast(hub).revision != first


def test_a_revision_may_be_a_branch_a_commit_or_a_reference(hub: HubServer, zoo: Path) -> None:
    repository = hub.repositories["zoo/alder"]
    main, request = repository.branches["main"], repository.commit(zoo / "birch", "refs/pr/1")
    assert open_fast(hub, f"zoo/alder@{main}").revision == main
    assert open_fast(hub, "hf://zoo/alder@main").revision == main
    assert open_fast(hub, "zoo/alder@refs/pr/1").revision == request


def test_a_source_says_what_it_is_before_anything_is_read(hub: HubServer, zoo: Path) -> None:
    source = open_fast(hub, "hf://zoo/alder")
    assert (source.uri, source.name, source.connections, source.gap) == ("hf://zoo/alder", "zoo/alder", 16, 64 << 10)
    assert {p: f.size for p, f in source.files.items()} == {p.name: p.stat().st_size for p in (zoo / "alder").iterdir()}
    known = hub._hash(zoo / "alder" / "model.safetensors")[1]
    assert source.files["model.safetensors"].sha256 == known
    assert source.files["config.json"].sha256 is None
    assert hub.requests == 1


def test_the_address_of_a_file_is_asked_for_once(hub: HubServer, zoo: Path) -> None:
    hub.add("zoo/cedar", zoo / "cedar")
    fingerprint_model(open_fast(hub, "zoo/cedar"))
    heads = [path for path in hub.hub.paths if path.startswith("HEAD")]
    assert len(heads) == len(set(heads)) == 6  # two shards, index, config, tokenizer, card
    assert sum("/api/models/" in path for path in hub.hub.paths) == 1


def test_the_index_of_shards_is_asked_for_once_and_so_is_every_small_file(hub: HubServer, zoo: Path) -> None:
    hub.add("zoo/cedar", zoo / "cedar")
    fingerprint_model(open_fast(hub, "zoo/cedar"))
    reads = [path for path in (*hub.hub.paths, *hub.storage.paths) if path.startswith("GET") and ".json" in path]
    names = [path.rpartition("/")[2].partition("?")[0] for path in reads]
    assert sorted(names) == ["config.json", "model.safetensors.index.json", "tokenizer.json"]


@pytest.mark.parametrize("path", ["model.safetensors", "config.json"])
def test_a_read_returns_exactly_the_bytes_of_the_file(hub: HubServer, zoo: Path, path: str) -> None:
    data = (zoo / "alder" / path).read_bytes()
    reader = open_fast(hub).open(path)
    assert reader.size == len(data)
    for offset, length in [(0, 1), (0, len(data)), (len(data) - 1, 1), (7, 500), (len(data), 0)]:
        assert reader.read(offset, length) == data[offset : offset + length]


def test_a_read_outside_of_the_file_is_refused_without_a_request(hub: HubServer) -> None:
    reader = open_fast(hub).open("config.json")
    before = hub.requests
    for offset, length in [(0, reader.size + 1), (-1, 2), (reader.size, 1), (5, -1)]:
        with pytest.raises(SourceError, match="not there"):
            reader.read(offset, length)
    assert hub.requests == before


def test_reads_from_many_threads_share_one_address_and_the_ranges_in_flight(zoo: Path) -> None:
    with HubServer(latency=0.02) as hub:
        hub.add("zoo/alder", zoo / "alder")
        data = (zoo / "alder" / "model.safetensors").read_bytes()
        reader = open_fast(hub).open("model.safetensors")
        with ThreadPoolExecutor(16) as pool:
            pieces = list(pool.map(lambda i: reader.read(i * 100, 100), range(64)))
    assert b"".join(pieces) == data[:6400]
    assert sum(path.startswith("HEAD") for path in hub.hub.paths) == 1
    assert 4 < hub.storage.most_at_once <= 16


def test_the_card_is_what_the_hub_says(hub: HubServer, zoo: Path) -> None:
    hub.add(
        "zoo/birch",
        zoo / "birch",
        gated="manual",
        info={
            "createdAt": "2026-01-02T03:04:05.000Z",
            "lastModified": "2026-02-03T04:05:06.000Z",
            "downloads": 7,
            "likes": 3,
            "library_name": "transformers",
            "pipeline_tag": "text-generation",
            "tags": ["license:mit", "base_model:zoo/alder", "base_model:finetune:zoo/alder", 5, "evil\x1b[2J"],
            "cardData": {
                "license": "apache-2.0",
                "base_model": ["zoo/alder", "zoo/elm"],
                "base_model_relation": "merge",
            },
        },
    )
    card = open_fast(hub, "zoo/birch").card
    assert (card.author, card.downloads, card.likes, card.license) == ("zoo", 7, 3, "apache-2.0")
    assert (card.library, card.task, card.gated) == ("transformers", "text-generation", "manual")
    assert (card.created, card.modified) == (
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
    )
    assert card.base_models == (BaseModel("zoo/alder", "finetune"), BaseModel("zoo/elm", "merge"))
    assert "\x1b" not in "".join(card.tags)


@pytest.mark.parametrize(
    "info",
    [
        {"tags": 5, "cardData": [1], "downloads": "many", "gated": True, "author": 7, "library_name": {}},
        {"cardData": {"license": ["a"], "base_model": {"a": 1}, "base_model_relation": 4}, "downloads": -1},
    ],
)
def test_a_card_of_the_wrong_types_says_nothing(hub: HubServer, zoo: Path, info: dict[str, object]) -> None:
    hub.add("zoo/birch", zoo / "birch", info=info)
    card = open_fast(hub, "zoo/birch").card
    assert (card.downloads, card.license, card.base_models, card.tags) == (None, None, (), ())


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z", "9999-12-31T23:59:59Z"])
def test_a_date_that_a_program_writes_for_none_is_none(hub: HubServer, zoo: Path, date: str) -> None:
    hub.add("zoo/birch", zoo / "birch", info={"createdAt": date, "lastModified": date})
    card = open_fast(hub, "zoo/birch").card
    assert (card.created, card.modified) == (None, None)


@pytest.mark.parametrize(
    "info",
    [
        {"sha": None},
        {"sha": "main"},
        {"sha": "../../etc"},
        {"siblings": [{"rfilename": "model.safetensors"}]},
        {"siblings": [{"rfilename": "model.safetensors", "size": -5}]},
        {"siblings": [{"rfilename": "model.safetensors", "size": "9"}]},
        {"siblings": [{"size": 5}]},
        {"siblings": 5},
        {"createdAt": "yesterday"},
        {"siblings": [{"rfilename": f"f{i}", "size": 1} for i in range(20_001)]},
    ],
)
def test_an_answer_that_describes_no_model_is_an_error(hub: HubServer, zoo: Path, info: dict[str, object]) -> None:
    hub.add("zoo/birch", zoo / "birch", info=info)
    with pytest.raises(SourceError, match="zoo/birch"):
        open_fast(hub, "zoo/birch")


def test_a_renamed_repository_is_known_by_its_new_name(hub: HubServer, zoo: Path) -> None:
    hub.add("old/alder", zoo / "alder", info={"id": "zoo/alder"})
    source = open_fast(hub, "old/alder")
    hub.repositories["zoo/alder"].commits.update(hub.repositories["old/alder"].commits)
    assert (source.uri, source.name) == ("hf://zoo/alder", "zoo/alder")
    assert source.open("config.json").read(0, 1) == b"{"


# who may read


def test_a_gated_repository_says_where_its_licence_is(hub: HubServer, zoo: Path) -> None:
    hub.add("zoo/birch", zoo / "birch", gated="auto")
    for token in (False, "hf_somebody_else"):
        source = open_fast(hub, "zoo/birch", token)
        with pytest.raises(SourceError, match=r"licence on https://huggingface.co/zoo/birch.*HF_TOKEN"):
            fingerprint_model(source)
    assert fingerprint_model(open_fast(hub, "zoo/birch", TOKEN)).tensors


@pytest.mark.parametrize(("status", "advice"), [(401, "HF_TOKEN"), (403, "read access"), (404, "check the name")])
def test_a_refusal_without_a_reason_still_says_what_to_do(hub: HubServer, status: int, advice: str) -> None:
    hub.hub.fail(Fault(status=status))
    with pytest.raises(SourceError, match=advice):
        open_fast(hub)


def test_a_missing_repository_and_a_missing_revision_are_named(hub: HubServer, zoo: Path) -> None:
    hub.add("zoo/secret", zoo / "birch", private=True)
    for spec in ("zoo/nothing", "zoo/secret"):
        with pytest.raises(SourceError, match=rf"hf://{spec}: no such repository.*HF_TOKEN"):
            open_fast(hub, spec)
    with pytest.raises(SourceError, match="no revision 'v9'"):
        open_fast(hub, "zoo/alder@v9")
    assert open_fast(hub, "zoo/secret", TOKEN).files


def test_the_token_reaches_the_hub_and_nothing_else(
    hub: HubServer, zoo: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    token = "hf_very_secret_0123456789"
    hub.tokens = (token,)
    hub.add("zoo/birch", zoo / "birch", gated="auto")
    hub.storage.fail(Fault(status=503))
    hub.storage.fail(Fault(expire=True))
    with caplog.at_level(logging.DEBUG):
        source = open_fast(hub, "zoo/birch", token)
        assert fingerprint_model(source).tensors
    hub.hub.fail(Fault(status=400, headers={"X-Error-Message": f"bad Bearer {token}"}))
    with pytest.raises(SourceError) as refused:
        open_fast(hub, "zoo/birch", token)
    assert set(hub.hub.authorizations) == {f"Bearer {token}"}
    assert hub.storage.requests > 3
    assert hub.storage.authorizations == []
    said = [caplog.text, *capfd.readouterr(), repr(source), repr(vars(source)), str(refused.value), repr(refused.value)]
    assert not [text for text in said if token in text]
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_a_token_that_no_header_can_hold_is_refused_without_being_quoted(hub: HubServer) -> None:
    for token in ("hf_a\nb", "hf_ä", "hf_a "):
        with pytest.raises(SourceError, match="set HF_TOKEN again") as refused:
            open_fast(hub, token=token)
        assert token not in str(refused.value)
    assert hub.requests == 0


# names from strangers


def test_hostile_file_names_are_no_files_and_write_nothing(
    hub: HubServer, zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = [
        "../../x",
        "/etc/passwd",
        "a/../../x",
        "./x",
        "a//b",
        "..\\x",
        "C:\\x",
        "a\x00b",
        ".git/config",
        "a\x1b[2J",
        "",
    ]
    hub.add("zoo/hostile", zoo / "alder", listed=hostile)
    home = tmp_path / "home"
    (home / "work" / "here").mkdir(parents=True)
    monkeypatch.chdir(home / "work" / "here")
    monkeypatch.setenv("HOME", str(home))
    source = open_fast(hub, "zoo/hostile")
    assert set(source.files) == {p.name for p in (zoo / "alder").iterdir()}
    for name in hostile:
        with pytest.raises(SourceError, match="has no file"):
            source.open(name)
    assert fingerprint_model(source).tensors
    assert sorted(p.relative_to(home).as_posix() for p in home.rglob("*")) == ["work", "work/here"]


def test_an_index_that_points_outside_reads_nothing_there(hub: HubServer, zoo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cedar"
    shutil.copytree(zoo / "cedar", folder)
    index = folder / "model.safetensors.index.json"
    index.write_text(index.read_text().replace("model-00001", "../../model-00001"))
    outside = "../../model-00001-of-00002.safetensors"
    hub.add("zoo/hostile", folder, listed=[outside])
    made = fingerprint_model(open_fast(hub, "zoo/hostile"))
    assert len(made.notes) == 1 and "stale" in made.notes[0] and outside in made.notes[0]
    assert not any(outside in path for path in (*hub.hub.paths, *hub.storage.paths))
    (folder / "model-00001-of-00002.safetensors").unlink()
    hub.add("zoo/cut", folder, listed=[outside])
    with pytest.raises(SourceError, match="not there"):
        fingerprint_model(open_fast(hub, "zoo/cut"))


# what a specification means


@pytest.mark.parametrize(
    ("spec", "meaning"),
    [
        ("org/name", ("org/name", None)),
        ("hf://org/name", ("org/name", None)),
        ("org/name@main", ("org/name", "main")),
        ("hf://org/name@refs/pr/1", ("org/name", "refs/pr/1")),
        ("name", None),
        ("a/b/c", None),
        ("./name", None),
        ("../name", None),
        ("/org/name", None),
        ("org/name/", None),
        ("org/na me", None),
        ("org/..", None),
        ("org/a--b", None),
        ("org/name@", None),
        ("hf://name", None),
        ("https://huggingface.co/org/name", None),
    ],
)
def test_a_specification_names_a_repository_or_it_does_not(spec: str, meaning: tuple[str, str | None] | None) -> None:
    assert parse_spec(spec) == meaning


def test_a_folder_of_this_machine_comes_before_a_repository_of_that_name(
    zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(zoo / "alder", tmp_path / "zoo" / "alder")
    monkeypatch.chdir(tmp_path)
    assert open_source("zoo/alder").uri.startswith("file://")
    for spec in ("./zoo/birch", "nothing-here", "hf://one-part", "hf://a/b/../c"):
        with pytest.raises(SourceError):
            open_source(spec)


def run_python(code: str, **environment: str) -> str:
    """What a fresh interpreter prints: huggingface_hub reads its environment when it is imported."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_the_environment_names_the_endpoint_and_the_token(hub: HubServer, zoo: Path, tmp_path: Path) -> None:
    hub.add("zoo/birch", zoo / "birch", gated="auto")
    code = (
        "from forebear.ingest.sources import open_source\n"
        "print(open_source('zoo/birch').open('config.json').read(0, 1))\n"
    )
    said = run_python(code, HF_ENDPOINT=hub.endpoint, HF_TOKEN=TOKEN, HF_HOME=str(tmp_path))
    assert said.strip() == "b'{'"
    assert set(hub.hub.authorizations) == {f"Bearer {TOKEN}"}
    assert not list(tmp_path.iterdir())


def test_offline_mode_is_an_error_that_says_so_and_asks_nothing(hub: HubServer) -> None:
    code = (
        "from forebear.ingest.sources import open_source\n"
        "from forebear.ingest.errors import SourceError\n"
        "try: open_source('zoo/alder')\n"
        "except SourceError as error: print(error)\n"
    )
    said = run_python(code, HF_ENDPOINT=hub.endpoint, HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE is set" in said
    assert "nor is there a file or folder zoo/alder" in said
    assert hub.requests == 0


def test_closing_a_source_ends_the_reads_that_wait(hub: HubServer) -> None:
    source = open_fast(hub)
    hub.storage.fail(Fault(status=429, headers={"Retry-After": "5"}), times=None)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(source.open("model.safetensors").read, 0, 10)
        while hub.storage.requests == 0:
            time.sleep(0.01)
        begin = time.monotonic()
        source.close()
        with pytest.raises(SourceError, match="closed"):
            reading.result()
    assert time.monotonic() - begin < 2
