"""Layers that the libraries packed are decoded to the values that the libraries make of them (golden/make.py)."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from forebear.ingest.formats.quantised import unpack
from forebear.ingest.formats.safetensors import read_safetensors
from forebear.ingest.storage.reader import Range

from ...writers import MemoryReader

GOLDEN = Path(os.environ.get("FOREBEAR_GOLDEN") or Path(__file__).parent / "golden")
"""The files of this folder, or those that `make test-libraries` has just made."""


@pytest.mark.parametrize(
    ("library", "layers", "tolerance"),
    [
        ("bitsandbytes", 4, 1e-6),
        ("mlx", 8, 1e-6),
        ("autoawq", 2, 1e-7),
        ("compressed_tensors", 8, 1e-6),
        ("gptqmodel", 4, 6e-5),
        ("torchao", 2, 1e-6),
    ],
)
def test_values_are_those_of_the_library(library: str, layers: int, tolerance: float) -> None:
    """GPTQModel multiplies in float16: half a step of that at the largest value is its tolerance."""
    data = (GOLDEN / f"{library}.safetensors").read_bytes()
    config = json.loads((GOLDEN / f"{library}.json").read_text("utf-8"))["config"]

    def read(ranges: Sequence[Range]) -> list[bytes]:
        return [data[r.offset : r.end] for r in ranges]

    made = unpack(read_safetensors(MemoryReader(data), "f").tensors, config, read)
    assert not made.skipped
    by_name = {t.name: t for t in made.tensors}
    weights = [t for t in made.tensors if not t.name.endswith(".expected")]
    assert len(weights) == layers
    for tensor in weights:
        expected = by_name[f"{tensor.name}.expected"]
        assert tensor.shape == expected.shape == (32 if library == "gptqmodel" else 24, 128)
        for rows in (range(24), range(16), [3, 4, 9, 23]):
            ours = tensor.storage.decode(rows, read(tensor.storage.ranges(rows)))
            theirs = expected.storage.decode(rows, read(expected.storage.ranges(rows)))
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance, err_msg=f"{tensor.name} {tensor.dtype}")
