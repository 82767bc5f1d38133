"""GGUF files as llama.cpp converts and quantises: read into Hugging Face's names and order of rows, and written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from .merging import State

Floats = NDArray[np.float32]
ARCHITECTURES = {"llama": gguf.MODEL_ARCH.LLAMA, "bert": gguf.MODEL_ARCH.BERT}
CONTROL = 3
"""llama.cpp's type of tokens that are no text."""


def read_gguf(path: Path, known: Mapping[str, list[str]]) -> State:
    """Float32 weights by Hugging Face's names, `known` by architecture, as far as the file has them."""
    reader = gguf.GGUFReader(path)
    architecture = str(_field(reader, "general.architecture"))
    layers = int(_field(reader, f"{architecture}.block_count"))
    there = {tensor.name: tensor for tensor in reader.tensors}
    found: State = {}
    for name, target in _targets(architecture, layers, known[architecture]).items():
        if target in there:
            tensor = there[target]
            values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
            shape = tuple(int(size) for size in reversed(tensor.shape))
            found[name] = _rows(name, values.reshape(shape), _heads(reader, architecture), to_gguf=False)
    return found


def llama_vocabulary(path: Path) -> tuple[list[str], list[int], list[str]]:
    """Tokens, their types, and the merges of a byte-level BPE."""
    reader = gguf.GGUFReader(path)
    words, kinds, merges = (_field(reader, f"tokenizer.ggml.{name}") for name in ("tokens", "token_type", "merges"))
    return words, kinds, merges


def write_gguf(
    path: Path,
    state: Mapping[str, Floats],
    kind: str,
    config: Mapping[str, Any],
    words: tuple[list[str], list[int], list[str]],
) -> None:
    """One file of the `kind` Q8_0 or Q4_1; vectors stay float32, and so do matrices whose rows no block divides.

    `config` is the content of config.json, `words` the tokens, their types and the merges (none of WordPiece).
    """
    architecture, layers = str(config["model_type"]), int(config["num_hidden_layers"])
    writer = gguf.GGUFWriter(path, architecture)
    _describe(writer, path.stem, config, words)
    heads = int(config["num_attention_heads"]), int(config.get("num_key_value_heads", config["num_attention_heads"]))
    block, _ = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]]
    for name, target in _targets(architecture, layers, list(state)).items():
        value = np.ascontiguousarray(
            _rows(name, state[name], heads if architecture == "llama" else (0, 0), to_gguf=True)
        )
        if value.ndim == 1 or value.shape[1] % block or "position" in name or "token_type" in name:
            writer.add_tensor(target, value)
        else:
            # as llama.cpp does, the embeddings of a 4-bit file are of 8 bits
            own = gguf.GGMLQuantizationType["Q8_0" if "embed_tokens" in name else kind]
            writer.add_tensor(target, gguf.quants.quantize(value, own), raw_dtype=own)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(
    writer: gguf.GGUFWriter, name: str, config: Mapping[str, Any], words: tuple[list[str], list[int], list[str]]
) -> None:
    tokens, kinds, merges = words
    writer.add_name(name)
    writer.add_block_count(int(config["num_hidden_layers"]))
    writer.add_context_length(int(config["max_position_embeddings"]))
    writer.add_embedding_length(int(config["hidden_size"]))
    writer.add_feed_forward_length(int(config["intermediate_size"]))
    writer.add_head_count(int(config["num_attention_heads"]))
    if config["model_type"] == "llama":
        writer.add_head_count_kv(int(config["num_key_value_heads"]))
        writer.add_layer_norm_rms_eps(float(config["rms_norm_eps"]))
        writer.add_rope_freq_base(float(config["rope_theta"]))
        writer.add_rope_dimension_count(int(config["hidden_size"]) // int(config["num_attention_heads"]))
        writer.add_tokenizer_pre("smollm")
    else:
        writer.add_layer_norm_eps(float(config["layer_norm_eps"]))
        writer.add_causal_attention(False)
        writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_tokenizer_model("gpt2" if merges else "bert")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    if merges:
        writer.add_token_merges(merges)
    writer.add_vocab_size(len(tokens))


def _targets(architecture: str, layers: int, names: list[str]) -> dict[str, str]:
    """GGUF's name of each of Hugging Face's; what llama.cpp leaves out (a pooler) is left out."""
    table = gguf.get_tensor_name_map(ARCHITECTURES[architecture], layers)
    found: dict[str, str] = {}
    for name in names:
        target = table.get_name(name, try_suffixes=(".weight", ".bias"))
        if target is not None and not name.startswith("pooler"):
            found[name] = target
    return found


def _rows(name: str, values: Floats, heads: tuple[int, int], *, to_gguf: bool) -> Floats:
    """The rows of q and k in llama.cpp's order, the halves of a rotary pair side by side, or back in two halves."""
    count = heads[0] if "self_attn.q_proj" in name else heads[1] if "self_attn.k_proj" in name else 0
    if not count:
        return values
    half = values.shape[0] // count // 2
    split = (count, 2, half, -1) if to_gguf else (count, half, 2, -1)
    return values.reshape(split).swapaxes(1, 2).reshape(values.shape)


def _heads(reader: gguf.GGUFReader, architecture: str) -> tuple[int, int]:
    """Heads of queries and of keys whose rows are reordered: none of BERT."""
    if architecture != "llama":
        return 0, 0
    return int(_field(reader, "llama.attention.head_count")), int(_field(reader, "llama.attention.head_count_kv"))


def _field(reader: gguf.GGUFReader, name: str) -> Any:
    return reader.fields[name].contents()
