"""Whole checkpoints in memory, as the peers need them: every tensor by what it does and where it stands.

The peers get more help than their published code has: fused matrices are split, GPT-2's are turned to [out, in], GGUF
is dequantised with its rows put back in order, and a wrapped language model is unwrapped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import gguf
import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from forebear.ingest.names.naming import Place, parse


class UnreadableError(ValueError):
    """A model in a form that the peers' reader does not know."""


Matrix = NDArray[np.float32]
Key = tuple[int, int, str, str]
"""(layer, expert, role, slot), -1 where there is none."""
_DTYPES = {"BF16": ml_dtypes.bfloat16, "F16": np.float16, "F32": np.float32}
_GGUF_NAMES = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 100)


@dataclass(frozen=True)
class Weights:
    """One model: float32 tensors by key, matrices as [out, in]; the sizes of its heads; its vocabulary."""

    name: str
    tensors: Mapping[Key, Matrix]
    heads: int
    kv_heads: int
    vocabulary: Mapping[str, int]
    bytes_total: int

    @property
    def layers(self) -> int:
        """Number of transformer layers."""
        return 1 + max((key[0] for key in self.tensors), default=-1)

    def stack(self, role: str) -> list[Matrix | None]:
        """The matrix of a role in every layer, of the first expert where there are several."""
        found: dict[int, Matrix] = {}
        for (layer, expert, mine, slot), tensor in self.tensors.items():
            if mine == role and layer >= 0 and tensor.ndim == 2 and slot != "shared" and expert <= 0:
                found.setdefault(layer, tensor)
        return [found.get(layer) for layer in range(self.layers)]

    @cached_property
    def embedding(self) -> Matrix | None:
        """The token embedding [vocabulary, hidden]."""
        return next((t for (_, _, role, _), t in self.tensors.items() if role == "embed"), None)

    @cached_property
    def spelled(self) -> dict[str, int]:
        """Token id by text, byte-level and SentencePiece spellings of a leading space alike."""
        return {token.replace("Ġ", " ").replace("▁", " "): i for token, i in self.vocabulary.items()}


def read_weights(folder: Path) -> Weights:
    """The language model of a folder of safetensors, or of the one GGUF file in it.

    Raises UnreadableError for a GGUF file of another architecture than llama.
    """
    files = sorted(folder.glob("*.gguf"))
    if files:
        return _read_gguf(files[0])
    config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    config = config.get("text_config", config)
    tensors: dict[Key, Matrix] = {}
    for path in sorted(folder.glob("*.safetensors")):
        for name, tensor in read_safetensors(path):
            for place, part in _parts(name, tensor, str(config.get("model_type"))):
                if place.component == "language" and place.role != "other":
                    tensors[key_of(place)] = part
    tokenizer = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    added = {token["content"]: token["id"] for token in tokenizer.get("added_tokens", [])}
    heads = int(config["num_attention_heads"])
    return Weights(
        folder.name,
        tensors,
        heads,
        int(config.get("num_key_value_heads", heads)),
        tokenizer["model"]["vocab"] | added,
        sum(path.stat().st_size for path in folder.glob("*.safetensors")),
    )


def key_of(place: Place) -> Key:
    """The key of a place."""
    layer, expert = (-1 if p is None else p for p in (place.layer, place.expert))
    return layer, expert, place.role, place.slot


def read_safetensors(path: Path) -> Iterator[tuple[str, Matrix]]:
    """Every tensor of a file, in float32; tensors of whole numbers, such as positions of tokens, are left out."""
    data = np.memmap(path, np.uint8, "r")
    size = int(data[:8].view("<u8")[0])
    header: dict[str, dict[str, Any]] = json.loads(data[8 : 8 + size].tobytes())
    for name, facts in header.items():
        if name != "__metadata__" and facts["dtype"] in _DTYPES:
            start, end = (8 + size + offset for offset in facts["data_offsets"])
            stored = np.frombuffer(data[start:end].tobytes(), _DTYPES[facts["dtype"]])
            yield name, stored.astype(np.float32).reshape(facts["shape"])


def _parts(name: str, tensor: Matrix, model_type: str) -> Iterator[tuple[Place, Matrix]]:
    """A tensor as [out, in], a fused one as its parts."""
    place = parse(name)
    if place.layer is None or tensor.ndim > 2:
        yield (replace(place, layer=None), tensor)
    elif model_type == "gpt2" and "c_attn" in name:
        third = tensor.shape[-1] // 3
        for i, role in enumerate("qkv"):
            part = np.ascontiguousarray(tensor.T[i * third : (i + 1) * third])
            yield replace(place, role=role if tensor.ndim == 2 else "bias", slot="" if tensor.ndim == 2 else role), part
    else:
        yield place, np.ascontiguousarray(tensor.T) if model_type == "gpt2" and tensor.ndim == 2 else tensor


def _read_gguf(path: Path) -> Weights:
    reader = gguf.GGUFReader(path)

    def field(name: str) -> Any:
        return reader.fields[name].contents()

    architecture = field("general.architecture")
    if architecture != "llama":
        raise UnreadableError(f"{path}: a GGUF file of {architecture}; the peers' reader knows those of llama")
    heads, kv_heads = int(field("llama.attention.head_count")), int(field("llama.attention.head_count_kv"))
    names = {value[1]: name for name, value in _GGUF_NAMES.mapping.items() if name.startswith("model.layers.")}
    ends = {
        "token_embd": "model.embed_tokens",
        "output": "lm_head",
        "output_norm": "model.norm",
    }
    tensors: dict[Key, Matrix] = {}
    for one in reader.tensors:
        stem = one.name.removesuffix(".weight")
        value = gguf.quants.dequantize(one.data, one.tensor_type).astype(np.float32)
        count = heads if stem.endswith("attn_q") else kv_heads if stem.endswith("attn_k") else 0
        if count:
            value = value.reshape(count, value.shape[0] // count // 2, 2, -1).swapaxes(1, 2).reshape(value.shape)
        tensors[key_of(parse(f"{ends.get(stem) or names[stem]}.weight"))] = value
    tokens = {token: i for i, token in enumerate(field("tokenizer.ggml.tokens"))}
    return Weights(path.parent.name, tensors, heads, kv_heads, tokens, path.stat().st_size)
