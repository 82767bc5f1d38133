"""How people name what is on the Hub: repositories, files in them, pasted addresses, and all models of an author."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from gguf import GGMLQuantizationType as Kind

from forebear.ingest.errors import SourceError
from forebear.ingest.model import fingerprint_model
from forebear.ingest.sources import is_remote, open_source, remote_spec, source_uri, spec_of
from forebear.ingest.sources.hub import open_hub
from forebear.ingest.sources.hub_listing import list_hub
from forebear.ingest.sources.hub_spec import HubSpec, read_spec

from ...hub_server import HubServer
from ...writers import write_files
from ..formats.writers_fused import load_model
from ..formats.writers_gguf import model_bytes

WEB = "https://huggingface.co/org/name"


@pytest.mark.parametrize(
    ("spec", "meaning"),
    [
        ("org/name@v1", HubSpec("org/name", "v1")),
        ("hf://org/name/q4.gguf", HubSpec("org/name", None, "q4.gguf")),
        ("hf://org/name/onnx/model.onnx@refs/pr/1", HubSpec("org/name", "refs/pr/1", "onnx/model.onnx")),
        (WEB, HubSpec("org/name")),
        (f"{WEB}/", HubSpec("org/name")),
        (f"{WEB}?library=transformers", HubSpec("org/name")),
        (f"{WEB}/tree/main", HubSpec("org/name")),
        (f"{WEB}/tree/v1/onnx", HubSpec("org/name", "v1", "onnx")),
        (f"{WEB}/blob/main/q4.gguf", HubSpec("org/name", None, "q4.gguf")),
        (f"{WEB}/resolve/refs%2Fpr%2F1/a/b%20c.gguf?download=true", HubSpec("org/name", "refs/pr/1", "a/b c.gguf")),
        (f"{WEB}/discussions/3", HubSpec("org/name")),
        ("HTTPS://HuggingFace.co/org/name", HubSpec("org/name")),
        ("hf.co/org/name", None),
        ("https://hf.co/org/name", HubSpec("org/name")),
        ("https://example.org/org/name", None),
        ("a/b/c", None),
    ],
)
def test_a_specification_or_an_address_names_a_repository_a_revision_and_a_path(
    spec: str, meaning: HubSpec | None
) -> None:
    assert read_spec(spec) == meaning
    if meaning:
        assert source_uri(spec) == meaning.location.uri and remote_spec(spec) == meaning.location.spec
        assert read_spec(meaning.location.spec) == meaning


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("https://huggingface.co/org", "names no model"),
        ("https://huggingface.co/", "names no model"),
        ("https://huggingface.co/datasets/org/name", "a page of datasets, not of a model"),
        ("https://huggingface.co/spaces/org/name", "a page of spaces"),
        (f"{WEB}/blob/main/../../../x", "names nothing in org/name"),
        ("hf://org/name/../x", "not a repository"),
        ("hf://org/name//x", "not a repository"),
        ("hf://org/name/x@", "not a repository"),
        ("https://example.org/org/name", "no such file or folder"),
    ],
)
def test_what_names_no_model_is_refused_without_a_request(spec: str, message: str) -> None:
    assert not is_remote(spec)
    with pytest.raises(SourceError, match=message):
        open_source(spec)


@pytest.fixture
def hub(zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A Hub with a repository of two GGUF files, one of them in a folder."""
    data = {kind.name: model_bytes(*load_model(zoo / "alder"), kind, "llama") for kind in (Kind.F16, Kind.Q8_0)}
    write_files(tmp_path / "r", {"f16.gguf": data["F16"], "q8.gguf": data["Q8_0"], "more/q8.gguf": data["Q8_0"]})
    write_files(tmp_path / "r", {"README.md": b"---\nlicense: mit\n---\n"})
    with HubServer() as server:
        server.add("org/name", tmp_path / "r")
        for function, home in ((open_hub, "hub"), (list_hub, "hub_listing")):
            bound = partial(function, endpoint=server.endpoint, token=False)
            monkeypatch.setattr(f"forebear.ingest.sources.{home}.{function.__name__}", bound)
        yield server


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("spec", [f"{WEB}/blob/main/q8.gguf", "hf://org/name/more/q8.gguf", f"{WEB}/tree/main/more"])
def test_one_file_or_folder_of_a_repository_is_a_model_of_its_own(spec: str, tmp_path: Path) -> None:
    source = open_source(spec)
    assert source.uri == source_uri(spec) and source.name == source.uri.removeprefix("hf://")
    assert source.revision and spec_of(source.uri, source.revision) == f"{source.uri}@{source.revision}"
    made = fingerprint_model(source)
    assert made.content == fingerprint_model(open_source(str(tmp_path / "r" / "q8.gguf"))).content
    assert open_source(spec_of(source.uri, source.revision)).state == source.state
    with pytest.raises(SourceError, match="2 models in gguf files; name one of them"):
        fingerprint_model(open_source("org/name"))


@pytest.mark.usefixtures("hub")
def test_a_part_that_is_not_there_is_said_and_none_reads_beside_itself() -> None:
    with pytest.raises(SourceError, match=r"has no file or folder 'nothing\.gguf'"):
        open_source("hf://org/name/nothing.gguf")
    source = open_source("hf://org/name/more")
    with pytest.raises(SourceError, match="has no file"):
        source.open("../f16.gguf")
    assert "f16.gguf" not in open_source("hf://org/name/q8.gguf").files


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("spec", ["org/*", "hf://org/*"])
def test_all_models_of_an_author_are_listed_and_left_to_watch(spec: str) -> None:
    assert not is_remote(spec)
    with pytest.raises(SourceError, match=r"`forebear watch --author org` ingests all of them.*newest: org/name"):
        open_source(spec)
