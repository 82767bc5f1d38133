"""Files that look like weights and are not read: each is refused by its own name, with what to do."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind

from forebear.ingest.errors import FormatError
from forebear.ingest.formats import read_checkpoint
from forebear.ingest.model import fingerprint_model
from forebear.ingest.sources.source import NothingToRead
from forebear.registry import Registry

from ...writers import MemorySource, safetensors_bytes, write_files
from .writers_gguf import gguf_bytes, stored
from .writers_torch import torch_bytes

MATRIX = np.random.default_rng(5).normal(size=(64, 64)).astype(np.float32)


def ctranslate2(name: str = "WhisperSpec", version: int = 6) -> bytes:
    """The beginning of a model.bin, as CTranslate2's converter writes it."""
    return struct.pack("<IH", version, len(name) + 1) + name.encode() + b"\0" + struct.pack("<II", 3, 245) + bytes(400)


def ggml(magic: int = 0x67676D6C) -> bytes:
    return struct.pack("<I", magic) + struct.pack("<8i", 51865, 1500, 384, 6, 4, 448, 384, 6) + bytes(400)


def imatrix() -> bytes:
    return gguf_bytes({"general.type": "imatrix"}, {"blk.0.attn_q.weight.in_sum2": stored(MATRIX[:1], Kind.F32)})


def control_vector() -> bytes:
    return gguf_bytes({"general.architecture": "controlvector"}, {"direction.1": stored(MATRIX[:1], Kind.F32)})


TFJS = {
    "model.json": json.dumps({"modelTopology": {}, "weightsManifest": [{"paths": ["group1-shard1of1.bin"]}]}).encode(),
    "group1-shard1of1.bin": bytes(400),
}
FOREIGN: dict[str, tuple[Mapping[str, bytes], str]] = {
    "TensorFlow.js without its model.json": ({"group1-shard1of2.bin": bytes(400)}, "a part of a TensorFlow.js model"),
    "TensorFlow.js, a named part": ({"encoder-group1-shard1of1.bin": bytes(400)}, "a part of a TensorFlow.js model"),
    "a download that goes on": ({"model.safetensors.incomplete": bytes(9)}, r"incomplete is a download.*not finished"),
    "a browser's download": ({"model.gguf.part": bytes(9)}, r"model\.gguf\.part is a download .*download it again"),
    "ExLlamaV2": ({"model.exl2": bytes(9)}, r"model\.exl2 is ExLlamaV2 weights"),
    "CTranslate2": ({"model.bin": ctranslate2(), "config.json": b"{}"}, r"model\.bin: a CTranslate2 model, .*ingest"),
    "CTranslate2, a decoder": ({"model.bin": ctranslate2("TransformerDecoderModelSpec", 5)}, "a CTranslate2 model"),
    "ggml of whisper.cpp": ({"ggml-base.bin": ggml()}, "a ggml file from before GGUF.*convert"),
    "ggml of llama.cpp": ({"ggml-model-q4_0.bin": ggml(0x67676A74)}, "a ggml file from before GGUF"),
    "TensorFlow.js": (TFJS, r"group1-shard1of1\.bin: a part of a TensorFlow\.js model"),
    "Keras": ({"model.h5": b"\x89HDF\r\n\x1a\n"}, r"model\.h5 is Keras or TensorFlow weights"),
    "HDF5 under another name": ({"pytorch_model.bin": b"\x89HDF\r\n\x1a\n" + bytes(90)}, "an HDF5 file"),
    "several": ({"a.tflite": b"x", "b.msgpack": b"y"}, r"a\.tflite is a TensorFlow Lite model; b\.msgpack is Flax"),
    "a pickle": ({"model.pkl": b"x"}, "a Python pickle, which is never executed"),
    "imatrix": (
        {"model.imatrix.gguf": imatrix()},
        r"model\.imatrix\.gguf: an importance matrix.*name the model",
    ),
    "control vector": (
        {"happy.gguf": control_vector()},
        r"happy\.gguf: a control vector.*name the model",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_a_kind_that_is_not_read_is_refused_by_its_name(name: str) -> None:
    files, message = FOREIGN[name]
    with pytest.raises((NothingToRead, FormatError), match=message):
        fingerprint_model(MemorySource(files))


@pytest.mark.parametrize("ending", ["safetensors", "bin", "gguf", "onnx", "npz"])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<!DOCTYPE html>\n<html>401</html>", "an HTML page in the place of the file"),
        (b"\xef\xbb\xbf\n<HTML><body>sign in</body>", "an HTML page in the place of the file"),
        (b"\x1f\x8b\x08" + bytes(600), "compressed by gzip"),
        (bytes(257) + b"ustar\x0000" + bytes(600), "a tar archive"),
        (b"version https://hawser.github.com/spec/v1\r\nsize 77\r\n", "a Git LFS pointer, not the file of 77 bytes"),
    ],
)
def test_what_a_download_left_in_the_place_of_weights_is_named(ending: str, data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_checkpoint(MemorySource({f"model.{ending}": data}))


def test_a_batch_skips_what_is_not_read_and_says_why(tmp_path: Path) -> None:
    write_files(tmp_path / "ct2", FOREIGN["CTranslate2"][0])
    with Registry(tmp_path / "r.duckdb") as registry:
        (outcome,) = registry.ingest(tmp_path / "ct2")
        assert outcome.status == "skipped" and "CTranslate2" in str(outcome)
        assert registry.models() == []


@pytest.mark.parametrize("data", [b"", b"\x06\0\0\0", bytes(300), b"no such magic" * 30])
def test_a_broken_file_keeps_the_error_of_its_format(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_checkpoint(MemorySource({"pytorch_model.bin": data}))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"model.safetensors": safetensors_bytes({})}, r"model\.safetensors: no tensor in it; name the file"),
        ({"model.pt": torch_bytes({})}, r"model\.pt: holds no weights"),
        ({"a.gguf": gguf_bytes({"general.architecture": "llama"}, {})}, r"a\.gguf: no tensor in it"),
        ({"model.safetensors": safetensors_bytes({"a": np.empty((0, 4), np.float32)})}, "no tensor in it"),
    ],
)
def test_files_without_a_tensor_are_not_ingested(files: Mapping[str, bytes], message: str) -> None:
    with pytest.raises((NothingToRead, FormatError), match=message):
        fingerprint_model(MemorySource(files))
