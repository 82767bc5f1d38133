"""`--recursive`: the models of a folder of models, each once and none inside another."""

from __future__ import annotations

from pathlib import Path

import pytest

from forebear.ingest.errors import SourceError
from forebear.ingest.model_folders import model_folders
from forebear.registry import Registry

from ..writers import llama, model_files, safetensors_bytes, write_files

ONE = safetensors_bytes(llama())


def found(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in model_folders(root)}


def test_every_folder_of_weights_is_a_model_and_what_is_below_it_is_its_own(tmp_path: Path) -> None:
    write_files(tmp_path / "org" / "a", model_files(llama(), shards=2))
    write_files(tmp_path / "org" / "a" / "onnx", {"model.onnx": b"x"})
    write_files(tmp_path / "org" / "b", model_files(llama(1)))
    write_files(tmp_path / "pipe" / "unet", {"diffusion_pytorch_model.safetensors": ONE})
    write_files(tmp_path / "pipe", {"model_index.json": b'{"_class_name": "P", "unet": ["diffusers", "U"]}'})
    write_files(tmp_path / "notes", {"readme.txt": b""})
    write_files(tmp_path / ".cache" / "c", model_files(llama()))
    (tmp_path / "again").symlink_to(tmp_path / "org")
    assert found(tmp_path) == {"org/a", "org/b", "pipe"}
    with Registry(tmp_path / "r.duckdb") as registry:
        outcomes = registry.ingest(*model_folders(tmp_path))
    assert [o.status for o in outcomes] == ["ingested"] * 3


def test_files_of_several_models_are_named_one_by_one_and_parts_by_their_first(tmp_path: Path) -> None:
    parts = {f"big-0000{i}-of-00002.safetensors": ONE for i in (1, 2)}
    write_files(tmp_path / "loras", {"a.safetensors": ONE, "b.safetensors": ONE, "notes.json": b"{}"} | parts)
    assert found(tmp_path) == {"loras/a.safetensors", "loras/b.safetensors", "loras/big-00001-of-00002.safetensors"}


def test_parts_that_begin_at_0_are_named_by_their_first(tmp_path: Path) -> None:
    write_files(tmp_path / "m", {f"b.part{i}of2.safetensors": ONE for i in (0, 1)} | {"a.safetensors": ONE})
    assert found(tmp_path) == {"m/a.safetensors", "m/b.part0of2.safetensors"}


def test_an_incomplete_model_is_listed_and_its_ingest_says_what_is_missing(tmp_path: Path) -> None:
    write_files(tmp_path / "half", {"model-00001-of-00002.safetensors": ONE})
    assert found(tmp_path) == {"half"}
    with Registry(tmp_path / "r.duckdb") as registry:
        (outcome,) = registry.ingest(*model_folders(tmp_path))
    assert outcome.status == "failed" and "without 'model-00002-of-00002.safetensors'" in str(outcome)


def test_a_repository_in_a_cache_is_one_model_and_a_model_itself_is_the_only_one(tmp_path: Path) -> None:
    write_files(tmp_path / "hub" / "models--org--a" / "snapshots" / ("0" * 40), model_files(llama()))
    write_files(tmp_path / "hub" / "models--org--a" / "snapshots" / ("1" * 40), model_files(llama(1)))
    assert found(tmp_path) == {"hub/models--org--a"}
    write_files(tmp_path / "m", model_files(llama()))
    assert model_folders(tmp_path / "m") == [tmp_path / "m"]


def test_a_root_that_cannot_be_listed_is_an_error_and_an_empty_one_holds_none(tmp_path: Path) -> None:
    assert model_folders(tmp_path) == []
    with pytest.raises(SourceError, match="cannot be listed"):
        model_folders(tmp_path / "nothing")
