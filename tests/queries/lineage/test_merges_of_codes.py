"""Quantised files of one family are no merges of each other, although their values lie on grids of few steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind

from forebear.registry import Registry

from ...ingest.formats.writers_fused import load_model
from ...ingest.formats.writers_gguf import model_bytes


@pytest.mark.parametrize("name", ["cedar", "alder"])
def test_quantised_fine_tunes_are_no_merges_of_other_quantised_ones(zoo: Path, tmp_path: Path, name: str) -> None:
    """Two of these in Q4_0 were told to be merges at 0.97, and the relation of others said so."""
    tensors, config, tokenizer = load_model(zoo / name)
    random = np.random.default_rng(5)
    family = {"base": tensors}
    for number, parent in enumerate(("base", "base", "base", "tuned-0")):
        family[f"tuned-{number}"] = {
            n: (v + 4e-3 * v.std() * random.standard_normal(v.shape)).astype(np.float32)
            for n, v in family[parent].items()
        }
    paths = []
    for one, weights in family.items():
        for kind in (Kind.Q4_0, Kind.Q5_1):
            paths.append(tmp_path / f"{one}-{kind.name}.gguf")
            paths[-1].write_bytes(model_bytes(weights, config, tokenizer, kind, "qwen2"))
    with Registry(tmp_path / "registry.duckdb") as registry:
        registry.ingest(zoo / name, *paths)
        rows = [
            (model.name, row.name, row.merged_with)
            for model in registry.models()
            for answer in registry.ancestors(model.uri, k=9).components
            for row in answer.ancestors
        ]
    assert len(rows) > 20 and not [row for row in rows if row[2]]
