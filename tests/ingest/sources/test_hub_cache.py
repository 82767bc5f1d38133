"""Folders of the Hub's cache have the name and the commit of their path, and links stay inside their repository."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from forebear.ingest.errors import FormatError, SourceError
from forebear.ingest.model import fingerprint_model
from forebear.ingest.sources import open_source, source_uri, spec_of
from forebear.registry import Ingested, Registry

from ...writers import llama, model_files, safetensors_bytes
from ..formats.writers_onnx import embedded, model

COMMIT = "0123456789" * 4
MATRIX = np.random.default_rng(3).normal(size=(20, 32)).astype(np.float32)


def cache(hub: Path, repository: str, *commits: str, main: str | None = None) -> Path:
    """A repository as huggingface_hub keeps it: snapshots of links to blobs."""
    folder = hub / f"models--{repository.replace('/', '--')}"
    (folder / "blobs").mkdir(parents=True)
    for seed, commit in enumerate(commits):
        snapshot = folder / "snapshots" / commit
        snapshot.mkdir(parents=True)
        for number, (name, data) in enumerate(model_files(llama(seed)).items()):
            blob = folder / "blobs" / f"{seed:02}{number:038x}"
            blob.write_bytes(data)
            (snapshot / name).symlink_to(os.path.relpath(blob, snapshot))
    if main:
        (folder / "refs").mkdir()
        (folder / "refs" / "main").write_text(main)
    return folder


@pytest.mark.parametrize(("repository", "name"), [("acme/alder-1.5_x", "acme/alder-1.5_x"), ("gpt2", "gpt2")])
def test_a_snapshot_is_called_by_its_repository_and_its_commit(tmp_path: Path, repository: str, name: str) -> None:
    folder = cache(tmp_path, repository, COMMIT)
    for path in (folder / "snapshots" / COMMIT, folder / "snapshots" / COMMIT / "model.safetensors", folder):
        source = open_source(str(path))
        assert (source.name, source.revision) == (name, COMMIT)
        assert source.uri == source_uri(str(path)) and not source.files["model.safetensors"].outside
        assert fingerprint_model(source).tensor_count == len(llama())


def test_a_folder_that_only_looks_like_a_snapshot_has_no_revision(tmp_path: Path) -> None:
    for path in ("models--a--b/snapshots/main", "x/snapshots/" + COMMIT):
        (tmp_path / path).mkdir(parents=True)
    assert open_source(str(tmp_path / "models--a--b/snapshots/main")).revision is None
    assert open_source(str(tmp_path / "x/snapshots" / COMMIT)).name == COMMIT


def test_the_folder_of_a_repository_is_its_main_or_its_only_snapshot_and_else_a_choice(tmp_path: Path) -> None:
    commits = "a" * 40, "b" * 40
    known = cache(tmp_path, "org/known", *commits, main=commits[1])
    assert open_source(str(known)).revision == commits[1]
    unknown = cache(tmp_path, "org/unknown", *commits, main="../../../../etc")
    with pytest.raises(SourceError, match=f"2 snapshots in this cache; name one of them: snapshots/{commits[0]}"):
        open_source(str(unknown))
    with Registry(tmp_path / "r.duckdb") as registry:
        outcomes = registry.ingest(unknown, known)
    assert [o.status for o in outcomes] == ["failed", "ingested"]


def test_a_registered_snapshot_is_opened_again_by_its_uri(tmp_path: Path) -> None:
    first, second = (cache(tmp_path / n, "org/name", COMMIT) for n in ("one", "two"))
    with Registry(tmp_path / "r.duckdb") as registry:
        outcomes = registry.ingest(first, second)
        assert all(isinstance(o, Ingested) and o.name == "org/name" for o in outcomes)
        models = registry.models()
        assert {(m.name, m.revision) for m in models} == {("org/name", COMMIT)} and len(models) == 2
        assert spec_of(models[0].uri, models[0].revision) == models[0].uri
        found = registry.compare(models[0].uri, models[1].uri, controls=[])
        assert registry.ingest(first)[0].status == "unchanged"
    assert [model.values for model in found.models] == ["leading rows", "leading rows"]


def test_a_link_out_of_the_repository_is_outside_and_one_that_is_named_itself_is_not(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    graph = model([], [embedded("model.layers.0.mlp.up_proj.weight", MATRIX, "F32")])
    (tmp_path / "elsewhere" / "graph").write_bytes(graph)
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "model.onnx"
    link.symlink_to(tmp_path / "elsewhere" / "graph")
    assert fingerprint_model(open_source(str(link))).tensor_count == 1
    assert open_source(str(tmp_path / "links")).files["model.onnx"].outside
    folder = cache(tmp_path / "hub", "org/name", COMMIT)
    other = cache(tmp_path / "hub", "org/other", COMMIT)
    stolen = folder / "snapshots" / COMMIT / "data.bin"
    stolen.symlink_to(next((other / "blobs").iterdir()))
    assert open_source(str(folder)).files["data.bin"].outside


def test_a_folder_below_a_snapshot_goes_on_with_its_name(tmp_path: Path) -> None:
    folder = cache(tmp_path, "org/name", COMMIT) / "snapshots" / COMMIT
    (folder / "onnx").mkdir()
    (folder / "onnx" / "a.safetensors").write_bytes(safetensors_bytes(llama()))
    source = open_source(str(folder / "onnx"))
    assert (source.name, source.revision) == ("org/name/onnx", COMMIT)


def test_a_pointer_of_git_lfs_among_the_weights_is_named_in_every_format(tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 99\n"
    for name in ("model.safetensors", "pytorch_model.bin", "model.pth", "model.gguf", "model.onnx", "weights.npz"):
        (tmp_path / name).write_bytes(pointer)
        with pytest.raises(FormatError, match=f"{name}: a Git LFS pointer, not the file of 99 bytes: run"):
            fingerprint_model(open_source(str(tmp_path / name)))
