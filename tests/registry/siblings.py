"""A root and models that were trained from it, as files: a family whose root can be left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..writers import llama, llama_config, model_files, raw, tokenizer_json, words, write_files

CHILDREN = ("ash", "beech", "elm", "fir", "hazel")


def write(folder: Path, name: str, *, seed: int = 0, size: float = 0.0, root: int = 0) -> Path:
    """The root, or a child whose matrices moved by `size` of their standard deviation; in bfloat16.

    Of another `root` it is another family.
    """
    tensors = llama(root)
    random = np.random.default_rng(seed)
    for key, values in tensors.items():
        if values.ndim == 2:
            moved = size * 0.02 * random.standard_normal(values.shape)
            tensors[key] = (values + moved).astype(np.float32)
    files = {key: raw(values, "BF16") for key, values in tensors.items()}
    made = model_files(files, config=llama_config(tensors), tokenizer=tokenizer_json(words(96)))
    return write_files(folder / name, made)
