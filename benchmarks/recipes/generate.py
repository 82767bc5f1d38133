"""Make the merges with mergekit: `python -m benchmarks.recipes.generate FOLDER [GROWN [sums]]`, by one that has it.

With the folder of grown families those of `fresh` are made, or its `sums`, with a word of `plan.FURTHER` those, else
those of `plan`.

mergekit (LGPL-3.0) is run as a tool; nothing of it is copied.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from mergekit.config import MergeConfiguration
from mergekit.merge import run_merge
from mergekit.options import MergeOptions

from benchmarks.recipes import fresh, plan
from benchmarks.recipes.plan import Merge

ZOO = Path(__file__).parents[2] / "tests" / "zoo" / "models"


def located(value: object, grown: Path | None = None) -> object:
    """A configuration with the paths of models for their names: of the grown families where those have them."""
    if isinstance(value, dict):
        return {
            key: str(path_of(item, grown)) if key in {"model", "base_model"} else located(item, grown)
            for key, item in value.items()
        }
    return [located(item, grown) for item in value] if isinstance(value, list) else value


def path_of(name: str, grown: Path | None) -> Path:
    """The folder of a model."""
    return grown / name if grown and (grown / name).exists() else ZOO / name


def make(merge: Merge, folder: Path, grown: Path | None = None) -> None:
    """One merge, unless it is there."""
    if (folder / merge.name / "model.safetensors").exists():
        return
    torch.manual_seed(merge.seed)
    config = MergeConfiguration.model_validate(located(merge.config, grown))
    run_merge(config, str(folder / merge.name), MergeOptions(random_seed=merge.seed, quiet=True))


if __name__ == "__main__":
    more = sys.argv[2] if sys.argv[2:] else ""
    family = Path(more) if more not in {"", *plan.FURTHER} else None
    of_families = fresh.sums if sys.argv[3:] == ["sums"] else fresh.merges
    for merge in of_families() if family else plan.further(more) if more else plan.merges():
        make(merge, Path(sys.argv[1]), family)
