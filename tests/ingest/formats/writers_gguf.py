"""GGUF files, right and wrong ones, and models of the zoo converted to them as llama.cpp does."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind
from numpy.typing import NDArray

from .writers_fused import Config, Floats, Tensors

_FORMATS = {bool: (7, "<?"), int: (4, "<I"), float: (6, "<f")}


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor of a file: its logical shape, GGML type and bytes."""

    shape: tuple[int, ...]
    kind: int
    data: bytes


def stored(values: Floats, kind: Kind) -> Stored:
    """`values` quantised by the gguf package; rows that are no whole blocks become F16, as llama.cpp has it."""
    block, _ = gguf.GGML_QUANT_SIZES[kind]
    if values.shape[-1] % block or values.ndim < 2:
        kind = Kind.F32 if values.ndim < 2 else Kind.F16
    return Stored(values.shape, int(kind), gguf.quants.quantize(values, kind).tobytes())


def string(text: str | bytes) -> bytes:
    """A length and the bytes."""
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data)) + data


def field(value: Any) -> bytes:
    """The type and the bytes of one metadata value."""
    if isinstance(value, str | bytes):
        return struct.pack("<I", 8) + string(value)
    if isinstance(value, list):
        if value and isinstance(value[0], str | bytes):
            return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(string(v) for v in value)
        return struct.pack("<IIQ", 9, 5, len(value)) + np.array(value, "<i4").tobytes()
    kind, form = _FORMATS[type(value)]
    return struct.pack("<I", kind) + struct.pack(form, value)


def gguf_bytes(
    fields: Mapping[str, Any],
    tensors: Mapping[str, Stored],
    *,
    version: int = 3,
    counts: tuple[int, int] | None = None,
    offsets: Mapping[str, int] | None = None,
    alignment: int = 32,
) -> bytes:
    """A file; `counts` (tensors, fields) and `offsets` say something else than what is there."""
    table, data = b"", b""
    for name, one in tensors.items():
        data += b"\0" * (-len(data) % alignment)
        offset = (offsets or {}).get(name, len(data))
        sizes = b"".join(struct.pack("<Q", n) for n in one.shape[::-1])
        table += string(name) + struct.pack("<I", len(one.shape)) + sizes + struct.pack("<IQ", one.kind, offset)
        data += one.data
    first, second = counts or (len(tensors), len(fields))
    head = b"GGUF" + struct.pack("<IQQ", version, first, second)
    head += b"".join(string(key) + field(value) for key, value in fields.items()) + table
    return head + b"\0" * (-len(head) % alignment) + data


def permute(values: Floats, heads: int) -> Floats:
    """The rows of q or k as the converter of llama.cpp interleaves them (LlamaModel.permute)."""
    rows = values.shape[0] // heads // 2
    return np.ascontiguousarray(values.reshape(heads, 2, rows, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape))


PERMUTING = {"llama", "granite", "minicpm", "olmo", "arcee", "smollm3", "baichuan", "xverse"}
"""Architectures for which `convert` does what convert_hf_to_gguf.py does to q and k."""


def convert(tensors: Tensors, config: Config, kind: Kind, arch: str) -> dict[str, Stored]:
    """The tensors of a Llama-like model under the names of GGUF, experts stacked."""
    names = gguf.get_tensor_name_map(_arch(arch), config["num_hidden_layers"])
    converted: dict[str, Stored] = {}
    experts: dict[str, list[Floats]] = {}
    for name, values in tensors.items():
        if re.search(r"[qk]_proj\.", name) and arch in PERMUTING:
            heads = config["num_key_value_heads" if "k_proj" in name else "num_attention_heads"]
            if arch in {"baichuan", "xverse"} and "k_proj" in name and heads != config["num_attention_heads"]:
                heads = config["num_attention_heads"] // heads  # _reverse_hf_permute(weights, n_head, n_kv_head)
            values = permute(values, heads)
        if found := re.fullmatch(r"(.*\.experts)\.\d+\.(w\d)\.weight", name):
            experts.setdefault(f"{found[1]}.{found[2]}.weight", []).append(values)
            continue
        ours = names.get_name(name, (".weight", ".bias"))
        assert ours, name
        converted[ours] = stored(values, kind)
    for name, parts in experts.items():
        ours = names.get_name(name.replace("model.", "").replace("block_sparse_moe", "feed_forward"), (".weight",))
        assert ours, name
        converted[ours] = stored(np.stack(parts), kind)
    return converted


def _arch(name: str) -> gguf.MODEL_ARCH:
    return next(arch for arch, text in gguf.MODEL_ARCH_NAMES.items() if text == name)


def fields_of(config: Config, tokenizer: Mapping[str, Any], arch: str) -> dict[str, Any]:
    """The metadata that the converter writes, as far as they matter."""
    vocab = {**tokenizer["model"]["vocab"], **{t["content"]: t["id"] for t in tokenizer.get("added_tokens", [])}}
    specials = {t["content"] for t in tokenizer.get("added_tokens", []) if t.get("special")}
    tokens = sorted(vocab, key=lambda t: vocab[t])
    merges = [m if isinstance(m, str) else " ".join(m) for m in tokenizer["model"].get("merges", [])]
    return {
        "general.architecture": arch,
        f"{arch}.block_count": config["num_hidden_layers"],
        f"{arch}.embedding_length": config["hidden_size"],
        f"{arch}.attention.head_count": config["num_attention_heads"],
        f"{arch}.attention.head_count_kv": config["num_key_value_heads"],
        f"{arch}.rope.freq_base": 10000.0,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3 if t in specials else 1 for t in tokens],
        "tokenizer.ggml.merges": merges,
    }


def model_bytes(tensors: Tensors, config: Config, tokenizer: Mapping[str, Any], kind: Kind, arch: str) -> bytes:
    """A whole model in one file."""
    return gguf_bytes(fields_of(config, tokenizer, arch), convert(tensors, config, kind, arch))


def split_bytes(fields: Mapping[str, Any], tensors: Mapping[str, Stored], parts: int) -> dict[str, bytes]:
    """The files of a split model: the first has the metadata, tensors are dealt in order."""
    names: Sequence[str] = list(tensors)
    files = {}
    for part in range(parts):
        mine = {n: tensors[n] for n in names[part * len(names) // parts : (part + 1) * len(names) // parts]}
        about = {"split.no": part, "split.count": parts, "split.tensors.count": len(names)}
        files[f"model-{part + 1:05}-of-{parts:05}.gguf"] = gguf_bytes(about | dict(fields if part == 0 else {}), mine)
    return files


def random_blocks(kind: Kind, rows: int, columns: int, seed: int = 0) -> NDArray[np.uint8]:
    """Valid bytes [rows, width] of a type that the gguf package cannot write: any byte but those of a NaN scale."""
    block, size = gguf.GGML_QUANT_SIZES[kind]
    data = np.random.default_rng(seed).integers(0, 256, (rows, columns // block * size), np.uint8)
    return (data & 0x3B).astype(np.uint8)  # no exponent of ones in a half float
