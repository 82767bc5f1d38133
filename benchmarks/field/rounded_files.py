"""Quantised files of every trained model of a field family, to be asked what they were made from.

    python -m benchmarks.field.rounded_files ZOO TO [--split held_out]

Runs where the field family is made (packages of `benchmarks.field.bases`). TO gets SOURCE.KIND.gguf, and SOURCE.KIND/
for floats that were unpacked again; what is there stays.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import load_file, save_file

from .checkpoints import config_of, floats, read, words_of
from .entries import Checkpoint, Kind
from .gguf_files import write_gguf
from .merging import State

KINDS = {"minilm": ("Q8_0", "Q5_0", "Q5_1", "Q4_0", "Q4_1"), "smollm2": ("Q8_0", "Q4_0")}
"""By the base: files of the larger one take 220 MB a model as it is."""
UNPACKED = "Q8_0"
"""Unpacked to float16 as well, of the smaller base."""
COPIED = frozenset({"converted", "gguf", "quantised_8bit", "quantised_4bit", "depth_pruned", "noise", "sparse"})
"""Categories that are no source of their own: they hold the values of another, or were not trained."""


def sources(zoo: Path, split: str) -> list[str]:
    """Models of a half that somebody trained or merged."""
    truth = json.loads((zoo / "truth.json").read_text("utf-8"))["models"]
    return [n for n, about in truth.items() if about["split"] == split and about["category"] not in COPIED | {"root"}]


def unpacked(state: State) -> State:
    """Matrices inside layers as 8 bits and back, in float16."""
    kind = gguf.GGMLQuantizationType[UNPACKED]
    return {
        name: gguf.quants.dequantize(gguf.quants.quantize(value, kind), kind).astype(np.float16)
        if value.ndim == 2 and "layer" in name and value.shape[1] % 32 == 0
        else value.astype(np.float16)
        for name, value in state.items()
    }


def main() -> None:
    """Write what is missing."""
    parser = argparse.ArgumentParser(description="quantised files of a field family's models")
    parser.add_argument("zoo", type=Path)
    parser.add_argument("to", type=Path)
    parser.add_argument("--split", choices=("development", "held_out"), default="held_out")
    given = parser.parse_args()
    given.to.mkdir(parents=True, exist_ok=True)
    for name in sources(given.zoo, given.split):
        state = floats(read(given.zoo / name))
        base: Kind = "smollm2" if name.startswith("smollm2") else "minilm"
        made = Checkpoint(base, state, "float32")
        for kind in KINDS[base]:
            path = given.to / f"{name}.{kind}.gguf"
            if not path.exists():
                partial = path.with_suffix(".partial")
                write_gguf(partial, state, kind, config_of(made), words_of(made))
                partial.rename(path)
        folder = given.to / f"{name}.{UNPACKED}"
        if base == "minilm" and not folder.exists():
            place = folder.with_name(f"{folder.name}.partial")
            shutil.copytree(given.zoo / name, place, ignore=shutil.ignore_patterns("*.safetensors"), dirs_exist_ok=True)
            (file,) = (given.zoo / name).glob("*.safetensors")
            named = {n: t for n, t in load_file(file).items() if t.dtype.kind not in "iu"}
            save_file(unpacked(floats(named)), place / "model.safetensors", {"format": "pt"})
            place.rename(folder)


if __name__ == "__main__":
    main()
