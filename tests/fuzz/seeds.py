"""What the fuzzer starts from: one valid input a parser, small, and the parser that it belongs to.

A parser is given one model in memory whose mutated file is the input. Headers are read alone, which is fast, and once
more with everything that a model is: unpacked, unfused, named, planned and fingerprinted.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass

import gguf
import numpy as np

from forebear.ingest.adapters.config import read_adapter_config
from forebear.ingest.budget import model_budget
from forebear.ingest.formats.gguf_file import read_gguf
from forebear.ingest.formats.index import read_index
from forebear.ingest.formats.npz import read_npz
from forebear.ingest.formats.onnx_file import read_onnx
from forebear.ingest.formats.pickle_subset import read_pickle
from forebear.ingest.formats.safetensors import read_safetensors
from forebear.ingest.formats.torch_file import read_torch
from forebear.ingest.metadata.card import read_card, read_config
from forebear.ingest.metadata.originals import read_original_config
from forebear.ingest.metadata.tokenizer_files import read_tokenizer
from forebear.ingest.model import fingerprint_model
from forebear.ingest.storage.reader import Reader

from ..ingest.formats.writers_gguf import gguf_bytes, stored
from ..ingest.formats.writers_onnx import embedded, model, node, number, part
from ..ingest.formats.writers_onnx import tensor as onnx_tensor
from ..ingest.formats.writers_packed import gptq, packed
from ..ingest.formats.writers_torch import START, STOP, View, legacy_bytes, name, state, tensor, text, torch_bytes
from ..writers import (
    MemoryReader,
    MemorySource,
    Raw,
    llama,
    llama_config,
    model_files,
    safetensors_bytes,
    sentencepiece_bytes,
    tokenizer_json,
    words,
)


@dataclass(frozen=True, slots=True)
class Target:
    """A parser: its name, the bytes to begin with, and what reads them."""

    name: str
    seed: bytes
    read: Callable[[bytes], object]


SMALL = llama(hidden=16, layers=1, vocab=24)
CONFIG = json.dumps(llama_config(SMALL)).encode()
WEIGHTS = safetensors_bytes(SMALL)
CARD = b"---\nlicense: mit\nbase_model:\n- org/a\n- org/b\nbase_model_relation: merge\ntags: {a: [b, &x c], d: *x}\n---"
INDEX = model_files(SMALL, shards=2)["model.safetensors.index.json"]
ADAPTER = json.dumps({"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"]}).encode()
PARAMS = json.dumps({"dim": 16, "n_layers": 1, "n_heads": 2, "multiple_of": 8, "vocab_size": 24}).encode()
TEKKEN = json.dumps(
    {
        "config": {"pattern": "x", "num_vocab_tokens": 6, "default_vocab_size": 6, "default_num_special_tokens": 2},
        "vocab": [{"rank": i, "token_bytes": "YQ==", "token_str": "a"} for i in range(4)],
    }
).encode()


def _header(read: Callable[[Reader, str], object]) -> Callable[[bytes], object]:
    return lambda data: read(MemoryReader(data), "f")


def _whole(file: str, **others: bytes) -> Callable[[bytes], object]:
    """The fingerprint of a model that has the input as one of its files."""
    beside = {name.replace("__", "."): data for name, data in others.items()}
    return lambda data: fingerprint_model(MemorySource({**beside, file: data}))


def _beside(file: str, read: Callable[[MemorySource], object]) -> Callable[[bytes], object]:
    """One file beside the weights, read alone."""
    return lambda data: read(MemorySource({file: data}))


def _npz() -> bytes:
    out = io.BytesIO()
    np.savez(out, **{name: np.asarray(values) for name, values in SMALL.items()})  # type: ignore[arg-type]
    return out.getvalue()


def _gguf() -> bytes:
    fields = {
        "general.architecture": "llama", "llama.block_count": 1, "llama.attention.head_count": 2,
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.tokens": ["a", "b", "c"], "tokenizer.ggml.merges": ["a b"],
        "tokenizer.ggml.token_type": [1, 1, 3],
    }  # fmt: skip
    values = np.ones((32, 32), np.float32)
    names = ("token_embd.weight", "blk.0.attn_q.weight", "blk.0.ffn_up.weight")
    kinds = (gguf.GGMLQuantizationType.Q8_0, gguf.GGMLQuantizationType.F16, gguf.GGMLQuantizationType.Q4_0)
    return gguf_bytes(fields, {name: stored(values, kind) for name, kind in zip(names, kinds, strict=True)})


def _onnx() -> bytes:
    weight = embedded("layers.0.mlp.up_proj.weight", np.ones((16, 16), np.float32))
    bias = embedded("onnx::MatMul_7", np.ones((16, 16), np.float32))
    nodes = [node("MatMul", ["x", "layers.0.mlp.up_proj.weight"], "h"), node("MatMul", ["h", "onnx::MatMul_7"], "y")]
    numbers = b"".join(number(5, n) for n in range(9))
    typed = [
        onnx_tensor("layers.0.mlp.gate_proj.weight", 10, (3, 3), part(5, bytes(range(9)))),
        onnx_tensor("layers.0.mlp.down_proj.weight", 10, (3, 3), numbers),
        onnx_tensor("layers.0.mlp.up_proj.bias", 1, (3,), b"\x25\0\0\x80\x3f" * 3),
    ]
    return model(nodes, [weight, bias, *typed])


def _packed() -> bytes:
    raw = packed(llama(hidden=32, layers=1, vocab=24), gptq(group=32))
    return safetensors_bytes({n: v if isinstance(v, Raw) else np.asarray(v) for n, v in raw.items()})


def targets() -> list[Target]:
    """Every parser of what strangers write."""
    torch, plain = torch_bytes(SMALL), state({})
    view = View("0", "F32", 0, (4, 4), (4, 1))
    body = name("collections", "OrderedDict") + b")R(" + text("a.weight") + tensor(view, 16) + b"u"
    legacy = legacy_bytes(START + body + STOP, {"0": np.ones(16, "<f4").tobytes()})
    tokens = json.dumps(tokenizer_json(words(24))).encode()
    pieces = sentencepiece_bytes([(f"p{i}", 1) for i in range(24)])
    ranks = b"".join(b"YQ== %d\n" % i for i in range(24))
    quantised = json.dumps(
        {**llama_config(SMALL), "quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 32}}
    ).encode()
    found = [
        Target("safetensors", WEIGHTS, _header(read_safetensors)),
        Target("gguf", _gguf(), _header(read_gguf)),
        Target("onnx", _onnx(), _header(read_onnx)),
        Target("torch", torch, _header(read_torch)),
        Target("torch-legacy", legacy, _header(read_torch)),
        Target("npz", _npz(), _header(read_npz)),
        Target("pickle", START + plain + STOP, lambda data: read_pickle(data, "f")),
        Target("index", INDEX, _beside("model.safetensors.index.json", _read_index)),
        Target("config", CONFIG, _beside("config.json", read_config)),
        Target("params", PARAMS, _beside("params.json", read_original_config)),
        Target("card", CARD, _beside("README.md", lambda source: read_card(source, {}))),
        Target("adapter-config", ADAPTER, _beside("adapter_config.json", read_adapter_config)),
        Target("tokenizer", tokens, _beside("tokenizer.json", read_tokenizer)),
        Target("sentencepiece", pieces, _beside("tokenizer.model", read_tokenizer)),
        Target("vocab", b"".join(b"w%d\n" % i for i in range(24)), _beside("vocab.txt", read_tokenizer)),
        Target("tekken", TEKKEN, _beside("tekken.json", read_tokenizer)),
        Target("tiktoken", ranks, _beside("qwen.tiktoken", read_tokenizer)),
        Target("model", WEIGHTS, _whole("model.safetensors", config__json=CONFIG, tokenizer__json=tokens)),
        Target("model-config", CONFIG, _whole("config.json", model__safetensors=WEIGHTS, tokenizer__json=tokens)),
        Target("model-packed", _packed(), _whole("model.safetensors", config__json=quantised)),
        Target("model-gguf", _gguf(), _whole("model.gguf")),
        Target("model-onnx", _onnx(), _whole("model.onnx")),
        Target("model-torch", torch, _whole("pytorch_model.bin", config__json=CONFIG)),
        Target("model-npz", _npz(), _whole("weights.npz", config__json=CONFIG)),
    ]
    return [Target(one.name, one.seed, _charged(one.read)) for one in found]


def _read_index(source: MemorySource) -> object:
    return read_index(source, "model.safetensors.index.json")


def _charged(read: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """As ingesting does it: everything is charged to one budget."""

    def run(data: bytes) -> object:
        with model_budget():
            return read(data)

    return run
