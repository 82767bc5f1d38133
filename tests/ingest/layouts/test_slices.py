"""Files that hold a slice of every tensor are one model: rows, columns and whole tensors as Meta's code cuts them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from forebear.ingest.errors import FormatError
from forebear.ingest.layouts.slices import MOST_SLICES, are_slices
from forebear.ingest.model import fingerprint_model

from ...writers import Floats, MemorySource, llama, safetensors_bytes
from .test_frameworks import CONFIG, PARAMS, made, meta
from .test_fused import evidence

PARTS = 2
AXES = {"wq": 0, "wk": 0, "wv": 0, "w1": 0, "w3": 0, "output": 0, "wo": 1, "w2": 1}


def sliced(tensors: dict[str, Floats], embedding: int) -> dict[str, bytes]:
    """The files that `PARTS` processes write."""
    files: dict[str, bytes] = {"params.json": json.dumps(PARAMS).encode()}
    for part in range(PARTS):
        held = {}
        for name, values in tensors.items():
            axis = (AXES | {"tok_embeddings": embedding}).get(name.split(".")[-2])
            held[name] = values if axis is None else np.ascontiguousarray(np.split(values, PARTS, axis)[part])
        files[f"consolidated.{part:02}.safetensors"] = safetensors_bytes(held)
    return files


@pytest.mark.parametrize("embedding", [0, 1])
def test_slices_of_every_tensor_are_the_whole_model(embedding: int) -> None:
    tensors = llama(3)
    own = fingerprint_model(MemorySource(sliced(meta(tensors), embedding)))
    whole = fingerprint_model(MemorySource({"consolidated.00.safetensors": safetensors_bytes(meta(tensors)),
                                            "params.json": json.dumps(PARAMS).encode()}))  # fmt: skip
    assert evidence(own) == evidence(whole)
    assert own.parameters == whole.parameters == sum(v.size for v in tensors.values())
    wanted = evidence(made(tensors, CONFIG))
    assert {key for key, kept in wanted.items() if evidence(own).get(key) != kept} <= of_tokens(wanted)


def of_tokens(kept: dict[object, bytes]) -> set[object]:
    """What a tokenizer decides, which the slices here come without."""
    return {key for key in kept if isinstance(key, tuple) and getattr(key[0], "role", "") in {"embed", "head"}}


def test_slices_of_different_shapes_are_refused_as_two_files_of_one_tensor() -> None:
    files = sliced(meta(llama(3)), 0)
    files["consolidated.01.safetensors"] = safetensors_bytes({"norm.weight": np.ones(32, np.float32)})
    with pytest.raises(FormatError, match=r"two files hold a tensor 'norm\.weight'"):
        fingerprint_model(MemorySource(files))


@pytest.mark.parametrize(
    ("files", "right"),
    [
        (["consolidated.00.pth", "consolidated.01.pth"], True),
        (["original/consolidated.01.pth", "original/consolidated.00.pth"], True),
        (["consolidated.00.pth"], False),
        (["consolidated.00.pth", "consolidated.02.pth"], False),
        (["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"], False),
        ([f"consolidated.{i:02}.pth" for i in range(MOST_SLICES + 1)], False),
    ],
)
def test_slices_are_known_by_their_numbers(files: list[str], right: bool) -> None:
    assert are_slices(files) is right
