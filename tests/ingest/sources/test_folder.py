"""Folders and files of this machine as sources: what is taken, what is left, what is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from forebear.ingest.errors import FormatError, SourceError
from forebear.ingest.formats import read_checkpoint
from forebear.ingest.model import ModelFingerprint, fingerprint_model
from forebear.ingest.sources import open_source
from forebear.ingest.sources.folder import open_folder
from forebear.ingest.sources.metered import MeteredSource
from forebear.ingest.sources.source import NothingToRead, read_small
from forebear.ingest.storage.reader import FileReader

from ...writers import MemorySource, llama, model_files, safetensors_bytes, write_files

TENSORS = llama()


def ingest(folder: Path) -> ModelFingerprint:
    return fingerprint_model(open_source(str(folder)))


def index(weights: object) -> dict[str, bytes]:
    return {"model.safetensors.index.json": json.dumps({"weight_map": weights}).encode()}


def test_a_folder_is_its_files_three_levels_deep_without_hidden_ones(tmp_path: Path) -> None:
    for path in ("a.txt", "x/b.txt", "x/y/z/c.txt", "x/y/z/w/too_deep.txt", ".git/config", ".hidden"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    assert set(open_folder(tmp_path).files) == {"a.txt", "x/b.txt", "x/y/z/c.txt"}


def test_a_single_file_is_a_model_with_the_small_files_beside_it(tmp_path: Path) -> None:
    write_files(tmp_path / "org", model_files(TENSORS, config={"model_type": "llama"}) | {"other.safetensors": b""})
    source = open_folder(tmp_path / "org" / "model.safetensors")
    assert set(source.files) == {"model.safetensors", "config.json"}
    assert (source.name, source.uri) == ("org", (tmp_path / "org" / "model.safetensors").as_uri())
    assert open_folder(tmp_path / "org" / "other.safetensors").name == "other"


def test_two_folders_of_one_name_are_two_sources(tmp_path: Path) -> None:
    for parent in ("a", "b"):
        write_files(tmp_path / parent / "model", model_files(TENSORS))
    one, other = (open_folder(tmp_path / p / "model") for p in ("a", "b"))
    assert one.name == other.name and one.uri != other.uri


def test_the_state_changes_when_a_file_does(tmp_path: Path) -> None:
    write_files(tmp_path, model_files(TENSORS))
    before = open_folder(tmp_path).state
    assert open_folder(tmp_path).state == before
    os.utime(tmp_path / "model.safetensors", ns=(1, 1))
    assert open_folder(tmp_path).state != before


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file or folder"):
        open_source(str(tmp_path / "nothing"))
    source = open_folder(tmp_path)
    with pytest.raises(SourceError, match="has no file"):
        source.open("../x")


def test_an_empty_folder_and_a_folder_with_only_a_config_hold_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(NothingToRead, match=r"no weights here that forebear reads \(0 files\)"):
        ingest(tmp_path)
    write_files(tmp_path, {"config.json": b"{}"})
    with pytest.raises(NothingToRead, match="1 file"):
        ingest(tmp_path)


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        ({"model.safetensors": b""}, FormatError, "model.safetensors: 0 bytes cannot be"),
        ({"config.json": b"{"}, FormatError, "config.json is not valid JSON"),
        ({"config.json": b"[]"}, FormatError, "config.json is not a JSON object"),
        ({"tokenizer.json": b"not json"}, FormatError, "tokenizer.json is not valid JSON"),
        ({"README.md": b"---\nbase_model: [\n---\n"}, None, ""),
        (index({"a": "model-00002.safetensors"}), SourceError, "lists 'model-00002.safetensors', which is not there"),
        (index({"a": "../x"}), SourceError, r"lists '\.\./x', which is not there"),
        (index({"a": "/etc/passwd"}), SourceError, "lists '/etc/passwd', which is not there"),
        (index({"a": "a\0b\u202e"}), SourceError, "which is not there"),
        (index({"a": "config.json"}), FormatError, r"config\.json: "),
        (index({"a": 3}), FormatError, "has no weight_map of file names"),
        (index({}), FormatError, "has no weight_map of file names"),
        (index([]), FormatError, "has no weight_map of file names"),
        ({"model.safetensors.index.json": b"[]"}, FormatError, "is not valid JSON"),
        ({"model.safetensors.index.json": b"{"}, FormatError, "is not valid JSON"),
        ({"model.safetensors.index.json": b"[" * 200_000}, FormatError, "is not valid JSON"),
    ],
)
def test_bad_files_are_refused_by_name(
    tmp_path: Path, files: Mapping[str, bytes], error: type[Exception] | None, message: str
) -> None:
    write_files(tmp_path, model_files(TENSORS, config={}) | dict(files))
    if error is None:
        assert ingest(tmp_path).tensor_count == len(TENSORS)
        return
    with pytest.raises(error, match=message) as raised:
        ingest(tmp_path)
    assert str(raised.value).encode().decode().isprintable()


def test_an_index_that_reaches_out_of_the_folder_reads_nothing_there(tmp_path: Path) -> None:
    write_files(tmp_path, model_files(TENSORS))
    write_files(tmp_path / "model", index(dict.fromkeys(TENSORS, "../model.safetensors")))
    with pytest.raises(SourceError, match="which is not there"):
        ingest(tmp_path / "model")


def test_a_tensor_in_two_shards_is_refused() -> None:
    files = {f"model-{i}.safetensors": safetensors_bytes({"a": np.ones(3, np.float32)}) for i in range(2)}
    with pytest.raises(FormatError, match="two files hold a tensor 'a'"):
        read_checkpoint(MemorySource(files))


def test_only_the_shards_of_the_index_are_read() -> None:
    files = model_files(TENSORS, shards=2) | {"consolidated.safetensors": b"broken"}
    assert len(read_checkpoint(MemorySource(files))[1].tensors) == len(TENSORS)


def test_without_an_index_the_model_is_preferred_to_other_weights() -> None:
    files = model_files(TENSORS) | {"consolidated.safetensors": b"broken", "sub/model.safetensors": b"broken"}
    assert len(read_checkpoint(MemorySource(files))[1].tensors) == len(TENSORS)


def test_links_to_files_are_followed_as_the_hub_cache_needs_and_links_to_folders_are_not(tmp_path: Path) -> None:
    write_files(tmp_path / "blobs", {"1234": safetensors_bytes(TENSORS)})
    write_files(tmp_path / "elsewhere", {"secret.txt": b"x"})
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    (snapshot / "model.safetensors").symlink_to("../blobs/1234")
    (snapshot / "folder").symlink_to(tmp_path / "elsewhere")
    (snapshot / "loop").symlink_to(snapshot)
    (snapshot / "self").symlink_to("self")
    (snapshot / "broken").symlink_to("nowhere")
    files = open_folder(snapshot).files
    assert {path for path, file in files.items() if not file.special} == {"model.safetensors"}
    assert {path for path, file in files.items() if file.special} == {"self", "broken"}
    assert ingest(snapshot).tensor_count == len(TENSORS)


def test_a_named_pipe_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.safetensors")
    with pytest.raises(NothingToRead):
        ingest(tmp_path)
    with pytest.raises(SourceError, match="is a FIFO, not a file or a folder"):
        ingest(tmp_path / "model.safetensors")


def test_a_folder_that_is_a_home_of_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebear.ingest.sources.folder._MOST_FILES", 5)
    for i in range(7):
        (tmp_path / str(i)).touch()
    with pytest.raises(SourceError, match="name the model's own folder"):
        open_folder(tmp_path)


def test_a_file_that_shrinks_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(100))
    reader = FileReader(path)
    assert reader.read(90, 10) == bytes(10)
    path.write_bytes(bytes(50))
    with pytest.raises(SourceError, match="ends 45 bytes early at offset 45"):
        reader.read(45, 50)
    reader.close()
    with pytest.raises(SourceError, match="cannot be opened"):
        FileReader(tmp_path / "missing")


def test_small_files_have_limits(tmp_path: Path) -> None:
    write_files(tmp_path, {"a": bytes(11)})
    source = open_folder(tmp_path)
    assert read_small(source, "a", 11) == bytes(11) and read_small(source, "b", 11) is None
    with pytest.raises(FormatError, match="a has 11 bytes, the limit for it is 10"):
        read_small(source, "a", 10)


def test_a_meter_counts_what_is_read() -> None:
    inner = MemorySource({"a": bytes(100)})
    source = MeteredSource(inner)
    reader = source.open("a")
    reader.read(0, 60)
    reader.read(50, 50)
    assert (source.bytes_read, source.requests, reader.size) == (110, 2, 100)
    assert (source.uri, source.name, source.state, source.gap) == (inner.uri, inner.name, inner.state, inner.gap)
    source.close()
    assert inner.closed == 1


def special(path: Path, kind: str) -> None:
    """What is no file at `path`: the end of a pipe, a link to a device, a link in a circle, a link to nothing."""
    if kind == "a FIFO":
        os.mkfifo(path)
    else:
        targets = {"a device": "/dev/zero", "a link that leads in a circle": path.name}
        path.symlink_to(targets.get(kind, "gone"))


KINDS = ("a FIFO", "a device", "a link that leads in a circle", "a link that leads nowhere")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer.model", "README.md"])
def test_what_describes_a_model_and_is_no_file_is_refused_by_its_kind(tmp_path: Path, kind: str, name: str) -> None:
    write_files(tmp_path, model_files(TENSORS))
    (tmp_path / name).unlink(missing_ok=True)
    special(tmp_path / name, kind)
    with pytest.raises(FormatError, match=f"{name} is {kind}, not a file; put the file in its place or remove it"):
        ingest(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_that_are_no_file_are_named_and_other_weights_beside_them_are_read(tmp_path: Path, kind: str) -> None:
    special(tmp_path / "model.safetensors", kind)
    with pytest.raises(NothingToRead, match=f"model.safetensors is {kind}; put the files in their place"):
        ingest(tmp_path)
    write_files(tmp_path, {"model-00001-of-00001.safetensors": safetensors_bytes(TENSORS)})
    assert "model.safetensors" not in {file.path for file in ingest(tmp_path).files}


@pytest.mark.parametrize("kind", KINDS)
def test_a_shard_that_is_no_file_is_refused_by_its_kind(tmp_path: Path, kind: str) -> None:
    write_files(tmp_path, index({"model.norm.weight": "model-00001-of-00001.safetensors"}))
    special(tmp_path / "model-00001-of-00001.safetensors", kind)
    with pytest.raises(SourceError, match=f"model-00001-of-00001.safetensors is {kind}, not a file"):
        ingest(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_named_and_is_no_file_is_refused_by_its_kind(tmp_path: Path, kind: str) -> None:
    special(tmp_path / "model.safetensors", kind)
    with pytest.raises(SourceError, match=f"is {kind}, not a file or a folder"):
        open_folder(tmp_path / "model.safetensors")


@pytest.mark.parametrize("kind", ["fifo", "device", "long"])
def test_a_ref_of_a_cache_that_is_no_short_file_is_not_read(tmp_path: Path, kind: str) -> None:
    cache = tmp_path / "models--org--name"
    write_files(cache / "snapshots" / ("a" * 40), model_files(llama()))
    (cache / "refs").mkdir()
    ref = cache / "refs" / "main"
    if kind == "fifo":
        os.mkfifo(ref)
    elif kind == "device":
        ref.symlink_to("/dev/zero")
    else:
        ref.write_text("b" * 5000)
    assert open_source(str(cache)).name == "org/name"


def test_folders_count_among_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebear.ingest.sources.folder._MOST_FILES", 10)
    for i in range(12):
        (tmp_path / f"d{i}").mkdir()
    with pytest.raises(SourceError, match="more than 10 files or folders"):
        open_folder(tmp_path)


def test_a_named_file_is_read_whatever_lies_around_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebear.ingest.sources.folder._MOST_FILES", 5)
    write_files(tmp_path, model_files(llama()))
    for i in range(20):
        (tmp_path / f"other{i}").touch()
    with pytest.raises(SourceError, match="more than 5 files"):
        open_folder(tmp_path)
    assert set(open_folder(tmp_path / "model.safetensors").files) == set(model_files(llama()))


def test_a_hidden_file_that_is_named_is_read(tmp_path: Path) -> None:
    write_files(tmp_path, {".hidden.safetensors": model_files(llama())["model.safetensors"]})
    assert set(open_folder(tmp_path / ".hidden.safetensors").files) == {".hidden.safetensors"}
