"""Experts that were copied from one feed-forward, of which one was trained afterwards."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from forebear.registry import Registry

from ..queries.lineage.recipes.folders import experts, relatives, rounded, write


def test_a_mixture_is_not_equal_to_one_of_which_an_expert_was_trained(tmp_path: Path) -> None:
    """Each of the equal experts equals those that were left as they were, but not the one that stands at its place."""
    (dense,) = relatives(1)
    fresh, config = experts(dense, [dense] * 4)
    random = np.random.default_rng(4)
    trained = {
        n: rounded((v + 0.001 * random.standard_normal(v.shape)).astype(np.float32)) if ".experts.2." in n else v
        for n, v in fresh.items()
    }
    with Registry(tmp_path / "r.duckdb") as registry:
        folders = {"fresh": fresh, "again": fresh, "trained": trained}
        registry.ingest(*(write(tmp_path / name, tensors, config) for name, tensors in folders.items()))
        rows = {row.name: row for row in registry.ancestors("fresh").components[0].ancestors}
        assert rows["again"].relation == ("identical",)
        assert rows["trained"].relation == ("finetuned",)
        assert registry.ancestors("trained").components[0].ancestors[0].relation == ("finetuned",)
