"""Reads and writes the models of the field family: folders as their kind is published."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from safetensors.numpy import load_file, save_file

from . import bases
from .entries import Checkpoint
from .gguf_files import CONTROL, llama_vocabulary, read_gguf, write_gguf
from .merging import State

DTYPES: dict[str, Any] = {"float32": np.float32, "bfloat16": ml_dtypes.bfloat16, "float16": np.float16}
WRAPPED = {"BertForSequenceClassification", "BertForMaskedLM"}
"""Classes whose encoder is called `bert.`."""
HEADS = ("classifier.", "cls.")
LLAMA_LAYER = (
    *(f"self_attn.{part}_proj" for part in "qkvo"),
    *(f"mlp.{part}_proj" for part in ("gate", "up", "down")),
    "input_layernorm",
    "post_attention_layernorm",
)
LLAMA_NAMES = [
    "model.embed_tokens.weight",
    "model.norm.weight",
    *(f"model.layers.{layer}.{part}.weight" for layer in range(30) for part in LLAMA_LAYER),
]


def read(folder: Path) -> State:
    """Weights in the types of the files, by the names of the bare stack; of GGUF in float32."""
    if files := list(folder.glob("*.gguf")):
        return read_gguf(files[0], {"llama": LLAMA_NAMES, "bert": [*load_file(bases.minilm() / "model.safetensors")]})
    state = load_file(folder / "model.safetensors")
    return {name.removeprefix("bert."): t for name, t in state.items() if t.dtype.kind not in "iu"}


def floats(state: Mapping[str, Any]) -> State:
    """As float32."""
    return {name: tensor.astype(np.float32) for name, tensor in state.items()}


def write(made: Checkpoint, folder: Path) -> None:
    """Write a model folder, whole or not at all: it is moved to its place when it is complete."""
    place = folder.parent / ".partial" / folder.name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    if made.form != "safetensors":
        write_gguf(place / f"{folder.name}.{made.form}.gguf", made.state, made.form, config_of(made), words_of(made))
    else:
        head = made.head in WRAPPED
        named = {f"bert.{n}" if head and not n.startswith(HEADS) else n: t for n, t in made.state.items()}
        rounded = {n: np.ascontiguousarray(t.astype(DTYPES[made.dtype])) for n, t in named.items()}
        save_file(rounded, place / "model.safetensors", {"format": "pt"})
        (place / "config.json").write_text(json.dumps(config_of(made), indent=2) + "\n", "utf-8")
        if made.kind == "minilm":
            bases.beside_minilm(place, whole=not head)
        else:
            bases.beside_smollm2(place)
    place.rename(folder)


def config_of(made: Checkpoint) -> dict[str, Any]:
    """The content of config.json: the base's, with the class, the type and the layers that it has."""
    base = bases.minilm_config() if made.kind == "minilm" else bases.SMOLLM2_CONFIG
    stack = "encoder.layer." if made.kind == "minilm" else "model.layers."
    layers = 1 + max(int(n.removeprefix(stack).split(".")[0]) for n in made.state if n.startswith(stack))
    content = dict(base) | {"num_hidden_layers": layers, "torch_dtype": made.dtype}
    if made.head:
        content["architectures"] = [made.head]
    if made.head == "BertForSequenceClassification":
        content |= {
            "id2label": {"0": "prose", "1": "code", "2": "test"},
            "label2id": {"prose": 0, "code": 1, "test": 2},
        }
    return dict(sorted(content.items()))


def words_of(made: Checkpoint) -> tuple[list[str], list[int], list[str]]:
    """Tokens, their types and merges for a GGUF file."""
    if made.kind == "smollm2":
        return llama_vocabulary(bases.smollm2())
    ids = bases.minilm_tokenizer().get_vocab()
    words = sorted(ids, key=lambda word: ids[word])
    return (
        words,
        [CONTROL if word.startswith("[") and word.endswith("]") and len(word) > 2 else 1 for word in words],
        [],
    )
