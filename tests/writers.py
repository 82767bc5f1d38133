"""Small checkpoints for tests, written by hand: files that are right, and files that are wrong on purpose."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from forebear.ingest.errors import SourceError
from forebear.ingest.sources.card import ProviderCard
from forebear.ingest.sources.source import SourceFile

Floats = NDArray[np.float32]
NUMPY = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F8_E4M3": np.dtype(ml_dtypes.float8_e4m3fn),
    "F8_E5M2": np.dtype(ml_dtypes.float8_e5m2),
    "F8_E8M0": np.dtype(ml_dtypes.float8_e8m0fnu),
    "F8_E4M3FNUZ": np.dtype(ml_dtypes.float8_e4m3fnuz),
    "F8_E5M2FNUZ": np.dtype(ml_dtypes.float8_e5m2fnuz),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("bool"),
}
"""Types of safetensors that have a numpy type of their own."""


@dataclass(frozen=True, slots=True)
class Raw:
    """A tensor as a file holds it."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


def raw(values: NDArray[Any], dtype: str = "F32") -> Raw:
    """`values` in one of the types of NUMPY."""
    return Raw(dtype, values.shape, values.astype(NUMPY[dtype]).tobytes())


def safetensors_bytes(tensors: Mapping[str, Raw | Floats], metadata: Mapping[str, str] | None = None) -> bytes:
    """A valid file, tensors in the order given; arrays are kept as F32."""
    table: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    data = b""
    for name, tensor in tensors.items():
        one = tensor if isinstance(tensor, Raw) else raw(tensor)
        offsets = [len(data), len(data) + len(one.data)]
        table[name] = {"dtype": one.dtype, "shape": list(one.shape), "data_offsets": offsets}
        data += one.data
    return file_bytes(table, data)


def file_bytes(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    """A file of any header, right or wrong: an object for JSON, or the bytes; `length` is what it claims to have."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(dtype: object, shape: object, begin: object, end: object) -> dict[str, object]:
    """One line of a header."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


class MemoryReader:
    """A file in memory that counts what is read of it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.bytes_read = 0

    @property
    def size(self) -> int:
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        found = self._data[offset : offset + length]
        if len(found) != length:
            raise SourceError(f"ends {length - len(found)} bytes early at offset {offset}")
        self.bytes_read += length
        return found

    def close(self) -> None:
        """Nothing is held."""


@dataclass(eq=False)
class MemorySource:
    """A source of files in memory."""

    contents: Mapping[str, bytes]
    name: str = "memory"
    uri: str = "memory:///model"
    revision: str | None = None
    state: str = "1"
    connections: int = 1
    gap: int = 0
    card: ProviderCard | None = None
    closed: int = field(default=0, init=False)

    @property
    def files(self) -> Mapping[str, SourceFile]:
        return {path: SourceFile(path, len(data)) for path, data in self.contents.items()}

    def open(self, path: str) -> MemoryReader:
        return MemoryReader(self.contents[path])

    def close(self) -> None:
        self.closed += 1


def llama(seed: int = 0, *, hidden: int = 64, layers: int = 2, vocab: int = 96, tied: bool = True) -> dict[str, Floats]:
    """The tensors of a small random Llama, under its names; values like those of trained ones in size."""
    random = np.random.default_rng(seed)

    def matrix(rows: int, columns: int) -> Floats:
        return random.normal(0, 0.02, (rows, columns)).astype(np.float32)

    def gain() -> Floats:
        return random.normal(1, 0.1, hidden).astype(np.float32)

    tensors = {"model.embed_tokens.weight": matrix(vocab, hidden)}
    for layer in range(layers):
        at = f"model.layers.{layer}"
        tensors |= {
            f"{at}.input_layernorm.weight": gain(),
            f"{at}.self_attn.q_proj.weight": matrix(hidden, hidden),
            f"{at}.self_attn.k_proj.weight": matrix(hidden // 2, hidden),
            f"{at}.self_attn.v_proj.weight": matrix(hidden // 2, hidden),
            f"{at}.self_attn.o_proj.weight": matrix(hidden, hidden),
            f"{at}.post_attention_layernorm.weight": gain(),
            f"{at}.mlp.gate_proj.weight": matrix(2 * hidden, hidden),
            f"{at}.mlp.up_proj.weight": matrix(2 * hidden, hidden),
            f"{at}.mlp.down_proj.weight": matrix(hidden, 2 * hidden),
        }
    tensors["model.norm.weight"] = gain()
    if not tied:
        tensors["lm_head.weight"] = matrix(vocab, hidden)
    return tensors


def llama_config(tensors: Mapping[str, Floats]) -> dict[str, object]:
    """The config.json of `llama`."""
    vocab, hidden = tensors["model.embed_tokens.weight"].shape
    tied = "lm_head.weight" not in tensors
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": hidden,
        "vocab_size": vocab,
        "tie_word_embeddings": tied,
    }


def tokenizer_json(
    vocab: Mapping[str, int], *, merges: Sequence[object] = (), specials: Mapping[str, int] | None = None
) -> dict[str, object]:
    """A tokenizer.json of a BPE; `specials` are its added tokens."""
    added = [{"id": i, "content": t, "special": True} for t, i in (specials or {}).items()]
    return {
        "version": "1.0",
        "added_tokens": added,
        "model": {"type": "BPE", "vocab": dict(vocab), "merges": list(merges)},
    }


def words(count: int) -> dict[str, int]:
    """A byte-level vocabulary of `count` made-up words."""
    return {f"Ġw{i}": i for i in range(count)}


def sentencepiece_bytes(pieces: Sequence[tuple[str, int]]) -> bytes:
    """A SentencePiece model of (piece, type): 1 normal, 2 unknown, 3 control, 6 byte; every piece has its score."""
    model = b""
    for text, kind in pieces:
        spelled = text.encode()
        piece = b"\x0a" + varint(len(spelled)) + spelled + b"\x15" + struct.pack("<f", -1.0) + b"\x18" + varint(kind)
        model += b"\x0a" + varint(len(piece)) + piece
    return model + b"\x12\x02\x18\x01"  # trainer_spec, which nobody reads


def varint(value: int) -> bytes:
    """A protocol buffer's number."""
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def model_files(
    tensors: Mapping[str, Raw | Floats],
    *,
    shards: int = 1,
    config: Mapping[str, object] | None = None,
    tokenizer: Mapping[str, object] | None = None,
) -> dict[str, bytes]:
    """The files of a model folder by name; with `shards`, tensors are dealt round and an index lists them."""
    files: dict[str, bytes] = {}
    if shards == 1:
        files["model.safetensors"] = safetensors_bytes(tensors)
    else:
        names = [f"model-{i + 1:05}-of-{shards:05}.safetensors" for i in range(shards)]
        dealt = [{n: t for k, (n, t) in enumerate(tensors.items()) if k % shards == i} for i in range(shards)]
        files |= {file: safetensors_bytes(part) for file, part in zip(names, dealt, strict=True)}
        places = {n: file for file, part in zip(names, dealt, strict=True) for n in part}
        files["model.safetensors.index.json"] = json.dumps({"metadata": {}, "weight_map": places}).encode()
    if config is not None:
        files["config.json"] = json.dumps(config).encode()
    if tokenizer is not None:
        files["tokenizer.json"] = json.dumps(tokenizer).encode()
    return files


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    """`files` in `folder`, which is made; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder
