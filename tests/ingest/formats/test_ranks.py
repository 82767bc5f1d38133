"""One rank of a model that was split over devices is no model: a half would be covered in full."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from forebear.ingest.errors import SourceError
from forebear.ingest.formats import read_checkpoint
from forebear.ingest.sources import open_source

from ...writers import MemorySource, llama, safetensors_bytes, write_files
from .writers_torch import torch_bytes

HALF = {name: values[: len(values) // 2] for name, values in llama().items()}


def half(path: str) -> bytes:
    return safetensors_bytes(HALF) if path.endswith(".safetensors") else torch_bytes(HALF)


ALONE = (
    "mp_rank_01/model_optim_rng.pt", "mp_rank_00_001/model_optim_rng.pt", "mp_rank_01_model_states.pt",
    "rank1.safetensors", "rank_3.pt", "model-rank-1-part-0.safetensors", "model_world_size_8_rank_7.pt",
)  # fmt: skip


@pytest.mark.parametrize("path", ALONE)
@pytest.mark.parametrize("named", ["the folder above", "the folder", "the file"])
def test_a_rank_above_the_first_alone_is_refused(tmp_path: Path, path: str, named: str) -> None:
    write_files(tmp_path, {path: half(path)})
    file = tmp_path / path
    spec = {"the folder above": tmp_path, "the folder": file.parent, "the file": file}[named]
    with pytest.raises(SourceError, match=r"one rank of a model that was split over devices, without .*; merge all"):
        read_checkpoint(open_source(str(spec)))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("mp_rank_00/model_optim_rng.pt", "mp_rank_01/model_optim_rng.pt"),
        ("mp_rank_00_000/model_optim_rng.pt", "mp_rank_00_001/model_optim_rng.pt"),
        ("rank0.safetensors", "rank1.safetensors"),
        ("model-rank-0-part-0.safetensors", "model-rank-1-part-0.safetensors"),
    ],
)
def test_the_first_rank_is_refused_beside_another_and_read_alone(tmp_path: Path, first: str, second: str) -> None:
    write_files(tmp_path, {first: half(first)})
    assert len(read_checkpoint(open_source(str(tmp_path / first)))[1].tensors) == len(HALF)
    write_files(tmp_path, {second: half(second)})
    with pytest.raises(SourceError, match="one rank of a model that was split over devices"):
        read_checkpoint(open_source(str(tmp_path / first)))


def test_ranks_that_hold_different_layers_are_one_model_together() -> None:
    names = sorted(HALF)
    files = {
        f"rank{i}.safetensors": safetensors_bytes({name: HALF[name] for name in part})
        for i, part in enumerate((names[:5], names[5:]))
    }
    assert len(read_checkpoint(MemorySource(files))[1].tensors) == len(names)
    del files["rank0.safetensors"]
    with pytest.raises(SourceError, match=r"without rank0\.safetensors"):
        read_checkpoint(MemorySource(files))


@pytest.mark.parametrize("name", ["rank4.safetensors", "my_lora_rank32.safetensors", "model_rank.safetensors"])
def test_the_rank_of_an_adapter_and_a_mere_name_are_no_device(tmp_path: Path, name: str) -> None:
    module = "base_model.model.model.layers.0.self_attn.q_proj"
    ones = np.ones((4, 16), np.float32)
    pair = {f"{module}.lora_A.weight": ones, f"{module}.lora_B.weight": ones.T.copy()}
    write_files(tmp_path, {name: safetensors_bytes(pair)})
    assert len(read_checkpoint(open_source(str(tmp_path)))[1].tensors) == len(pair)
