"""int8 codes with a scale a row, or one for all, beside them."""

from __future__ import annotations

import numpy as np
import pytest

from forebear.ingest.checkpoint import open_checkpoint

from ...writers import MemorySource, raw, safetensors_bytes
from .writers_fused import Floats

RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize(
    ("shape", "scales"), [((6, 4), (6, 1)), ((6, 1, 3), (6, 1, 1)), ((8,), (1,)), ((6, 4), (1,)), ((6, 4), (6,))]
)
def test_codes_are_scaled_by_row(shape: tuple[int, ...], scales: tuple[int, ...]) -> None:
    codes = RANDOM.integers(-127, 127, shape).astype(np.int8)
    scale = RANDOM.uniform(0.1, 1, scales).astype(np.float32)
    data = safetensors_bytes({"net.weight.qweight": raw(codes, "I8"), "net.weight.scale": raw(scale)})
    found = open_checkpoint(MemorySource({"model.safetensors": data}))
    (one,) = (item.tensor for item in found.named)
    rows = range(one.matrix[0])
    chunks = [data[place.offset : place.end] for place in one.storage.ranges(rows)]
    values: Floats = one.storage.decode(rows, chunks).reshape(shape)
    wide = scale.reshape(scales + (1,) * (len(shape) - len(scales))) if len(shape) > 1 else scale
    assert one.name == "net.weight" and not found.skipped
    np.testing.assert_allclose(values, codes * wide, rtol=1e-6)


def test_codes_without_a_scale_that_fits_are_counted_once() -> None:
    codes = RANDOM.integers(-127, 127, (6, 4)).astype(np.int8)
    for beside in ("net.weight.scale", "net.norm"):
        others = {beside: raw(np.ones(5)), "other": raw(np.ones(5))}
        data = safetensors_bytes({"net.weight.qweight": raw(codes, "I8"), **others})
        (row,) = open_checkpoint(MemorySource({"model.safetensors": data})).skipped
        assert row.parameters == 24 and "scale" in row.reason
