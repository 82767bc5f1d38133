"""Make the merges with mergekit: `python -m benchmarks.recipes.generate FOLDER`, by a Python that has mergekit.

mergekit (LGPL-3.0) is run as a tool; nothing of it is copied.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from mergekit.config import MergeConfiguration
from mergekit.merge import run_merge
from mergekit.options import MergeOptions

from benchmarks.recipes.plan import Merge, merges

ZOO = Path(__file__).parents[2] / "tests" / "zoo" / "models"


def located(value: object) -> object:
    """A configuration with the paths of models for their names."""
    if isinstance(value, dict):
        return {
            key: str(ZOO / item) if key in {"model", "base_model"} else located(item) for key, item in value.items()
        }
    return [located(item) for item in value] if isinstance(value, list) else value


def make(merge: Merge, folder: Path) -> None:
    """One merge, unless it is there."""
    if (folder / merge.name / "model.safetensors").exists():
        return
    torch.manual_seed(merge.seed)
    config = MergeConfiguration.model_validate(located(merge.config))
    run_merge(config, str(folder / merge.name), MergeOptions(random_seed=merge.seed, quiet=True))


if __name__ == "__main__":
    for merge in merges():
        make(merge, Path(sys.argv[1]))
