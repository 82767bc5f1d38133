"""Does mergekit make the model again? `python -m benchmarks.recipes.again FOLDER MERGEKIT`, after `generate`.

Every development merge is asked for its recipe; `MERGEKIT`, a Python that has mergekit, runs the YAML that
`forebear recipe --format yaml` prints; the model that comes out is compared with the merge, value by value. Fails where
one of a method without chance is not equal to the rounding of its type, or where no recipe of such a method was told.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from benchmarks.recipes.measure import ZOO
from benchmarks.recipes.plan import Merge, merges
from forebear.registry import Registry

METHODS: tuple[str, ...] = (
    *("linear-2-b", "linear-3-b", "slerp-", "task_arithmetic-2", "ties-2", "passthrough", "nuslerp", "model_stock"),
    *("nearswap", "breadcrumbs-", "breadcrumbs_ties-"),
)
"""Beginnings of names of merges: one and the same seed of each is run."""
SEED = 2
_WITHIN = {"BF16": 2.0**-7, "F16": 2.0**-10, "F32": 2.0**-23}
"""A step of the last digit, relative to a value."""
RUN = """
import sys
from pathlib import Path
import yaml
from mergekit.config import MergeConfiguration
from mergekit.merge import run_merge
from mergekit.options import MergeOptions
for path in sorted(Path(sys.argv[1]).glob("*.yml")):
    config = MergeConfiguration.model_validate(yaml.safe_load(path.read_text()))
    run_merge(config, str(path.with_suffix("")), MergeOptions(quiet=True))
"""


@dataclass(frozen=True, slots=True)
class Again:
    """How much of a merge came out again: shares of all weights, bit for bit and to one step of the last digit."""

    name: str
    equal: float
    within: float


def chosen() -> list[Merge]:
    """The merges that are made again."""
    return [m for m in merges() if m.seed == SEED and m.name.startswith(METHODS)]


def recover(folder: Path, to: Path) -> list[str]:
    """Write the YAML of every recipe that is told; the names of those merges."""
    told = []
    with tempfile.TemporaryDirectory() as place, Registry(Path(place) / "registry.duckdb") as registry:
        registry.ingest(*(model for model in sorted(ZOO.iterdir()) if model.name != "alder-merge"))
        for merge in chosen():
            configs = [r.mergekit for r in registry.recipe(folder / merge.name).recipes if r.mergekit]
            if configs:
                (to / f"{merge.name}.yml").write_text(configs[0], encoding="utf-8")
                told.append(merge.name)
    return told


def compared(name: str, first: Path, again: Path) -> Again:
    """The weights of two files of the same tensors."""
    equal = within = total = 0
    mine, theirs = _tensors(first), _tensors(again)
    if mine.keys() != theirs.keys():
        raise ValueError(f"{name}: other tensors: {sorted(mine.keys() ^ theirs.keys())[:3]}")
    for tensor, (values, dtype) in mine.items():
        other = theirs[tensor][0]
        total += values.size
        equal += int((values == other).sum())
        within += int((np.abs(values - other) <= _WITHIN[dtype] * np.abs(values)).sum())
    return Again(name, equal / total, within / total)


def _tensors(folder: Path) -> dict[str, tuple[NDArray[np.float32], str]]:
    assert ml_dtypes.bfloat16  # its import teaches numpy the type
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(str(path), framework="np") as file:
            names: list[str] = list(file.keys())
            for name in names:
                dtype = file.get_slice(name).get_dtype()
                found[name] = np.asarray(file.get_tensor(name)).astype(np.float32), dtype
    return found


def main(folder: Path, mergekit: str) -> int:
    """A line a merge; 1 where one was not made again."""
    with tempfile.TemporaryDirectory() as place:
        to = Path(place)
        told = recover(folder, to)
        subprocess.run([mergekit, "-c", RUN, str(to)], check=True)
        rows = [compared(name, folder / name, to / name) for name in told]
    print("| merge | equal bit for bit | to the last digit |\n| --- | --- | --- |")
    for row in rows:
        print(f"| {row.name} | {row.equal:.4f} | {row.within:.4f} |")
    missing = [merge.name for merge in chosen() if merge.name not in told]
    print(f"\nno recipe told: {', '.join(missing) or 'none'}")
    return int(bool(missing) or any(row.within < 0.999 for row in rows))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
