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
HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(90)
RANDOM = np.random.default_rng(1).bytes(400)
ORIGINAL = "ingest the checkpoint that it was converted from"
NAMED: dict[str, tuple[tuple[str, ...], str]] = {
    "Keras": (("model.hdf5",), rf"model\.hdf5 is Keras or TensorFlow weights \(HDF5\); {ORIGINAL}"),
    "TensorFlow SavedModel": (("saved_model.pb", "variables/variables.index"), "pb is a TensorFlow SavedModel"),
    "TensorFlow checkpoint": (("model.ckpt-1000.index", "model.ckpt-1000.meta"), "is a TensorFlow checkpoint"),
    "TensorFlow shards": (("bert_model.ckpt.data-00000-of-00001",), "is a TensorFlow checkpoint"),
    "Flax": (("flax_model-00001-of-00002.msgpack", "flax_model.msgpack.index.json"), "is Flax weights"),
    "Orbax": (("manifest.ocdbt", "d/abc"), r"manifest\.ocdbt is a checkpoint of Orbax .*save it as safetensors"),
    "T5X": (("target.encoder.layers_0.mlp.wi/0.0",), "is a checkpoint of Orbax or T5X"),
    "PaddlePaddle": (("inference.json", "inference.pdiparams"), "is PaddlePaddle weights"),
    "OpenVINO": (("openvino_model.xml", "openvino_model.bin", "openvino_tokenizer.xml", "openvino_tokenizer.bin"),
                 r"openvino_model\.xml is an OpenVINO model"),
    "ncnn": (("model.ncnn.param", "model.ncnn.bin"), r"param is an ncnn model"),
    "Core ML": (("m.mlpackage/Data/com.apple.CoreML/weights/weight.bin",), "is a Core ML model"),
    "Core ML, compiled": (("enc.mlmodelc/coremldata.bin", "enc.mlmodelc/weights/weight.bin"), "is a Core ML model"),
    "Caffe": (("net.caffemodel",), "is a Caffe model"),
    "MXNet": (("resnet-0000.params", "resnet-symbol.json"), "is MXNet or TVM weights"),
    "MNN": (("llm.mnn", "llm.mnn.weight"), "is an MNN model"),
    "MLC": (("params_shard_0.bin", "params_shard_1.bin", "tensor-cache.json"), "is an MLC-LLM model"),
    "accelerators": (("m.rknn", "n.serialized.bin"), "is a model compiled for an accelerator"),
    "torch.export": (("model.pt2",), r"is a program of torch .*save the state_dict"),
    "mobile": (("model.ptl",), "is a program of torch"),
    "ONNX Runtime": (("model.ort",), r"ingest the \.onnx that it was made from"),
    "ONNX data": (("model.onnx_data",), r"without the graph; fetch the \.onnx beside it"),
    "FSDP": (("__0_0.distcp", "__1_0.distcp"), r"is a distributed checkpoint of torch.*dcp_to_torch FOLDER model\.pt"),
    "Megatron's": (("iter_10/common.pt", "iter_10/__0_0.distcp"), "is a distributed checkpoint of torch"),
    "ZeRO 3": (("zero_pp_rank_0_mp_rank_00_model_states.pt", "zero_pp_rank_1_mp_rank_00_model_states.pt",
                "zero_pp_rank_0_mp_rank_00_optim_states.pt"), r"ZeRO stage 3, .*run the zero_to_fp32\.py"),
    "a pipeline's": (("layer_00-model_00-model_states.pt", "layer_02-model_00-model_states.pt"), "one layer of a"),
    "a trainer's": (("training_args.bin", "optimizer.bin"), "is what a trainer keeps beside the weights"),
    "cut into pieces": (("m.Q4.gguf.part1of2", "m.Q4.gguf.part2of2"), r"a piece of a file .*join the pieces"),
    "cut by letters": (("model.safetensors.part-aa", "model.safetensors.part-ab"), "a piece of a file"),
    "split of llama files": (("m.gguf-split-a", "m.gguf-split-b"), "a piece of a file"),
    "an archive": (("model.tar.gz",), r"model\.tar\.gz is an archive; unpack it first"),
    "a packed file": (("model.gguf.gz", "m.safetensors.zst"), "is an archive; unpack it first"),
    "Darknet": (("yolov3.weights", "yolov3.cfg"), "is Darknet weights"),
    "word vectors": (("glove.6B.50d.txt",), r"is word vectors as text; save them as \.npz"),
    "DDUF": (("pipe.dduf",), "is a DDUF archive of diffusers; unzip it"),
    "n-grams": (("lm.arpa",), "is an n-gram language model; it has no weight matrices"),
    "trees": (("m.ubj",), "is gradient-boosted trees"),
    "several": (("a.nemo", "b.t7"), r"b\.t7 is a Torch7 model.*; ingest"),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_a_kind_that_is_not_read_is_told_by_the_names_of_its_files_with_what_to_do(name: str) -> None:
    paths, message = NAMED[name]
    files = {path: RANDOM for path in (*paths, "config.json")} | {"config.json": b"{}"}
    with pytest.raises(NothingToRead, match=message) as raised:
        fingerprint_model(MemorySource(files))
    assert "cut?" not in str(raised.value)


def test_weights_beside_the_files_of_another_framework_are_read() -> None:
    others = {path: RANDOM for paths, _ in NAMED.values() for path in paths if "/" not in path}
    made = fingerprint_model(MemorySource({**others, "model.safetensors": safetensors_bytes({"a.weight": MATRIX})}))
    assert [tensor.named.tensor.name for tensor in made.tensors] == ["a.weight"]


def test_states_of_optimisers_beside_the_weights_of_deepspeed_are_left() -> None:
    weights, state = torch_bytes({"a.weight": MATRIX}), torch_bytes({"exp_avg": MATRIX})
    files = {"mp_rank_00_model_states.pt": weights, "bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt": state}
    assert [t.name for t in read_checkpoint(MemorySource(files))[1].tensors] == ["a.weight"]


DISGUISED = {
    "model.bin": (safetensors_bytes({"a": MATRIX}), r"safetensors file under another name; .*\.safetensors"),
    "model.safetensors": (torch_bytes({"a": MATRIX}), "a file of torch, or another zip file, under another name"),
    "a.gguf": (safetensors_bytes({"a": MATRIX}), "a safetensors file under another name"),
    "model.pt": (gguf_bytes({"general.architecture": "llama"}, {"a": stored(MATRIX, Kind.F32)}), "a GGUF file under"),
    "weights.npz": (gguf_bytes({"general.architecture": "llama"}, {}), "a GGUF file under another name"),
    "model.onnx": (torch_bytes({"a": MATRIX}), "a file of torch"),
    "w.ckpt": (b"\x08\x07\x12\x07pytorch" + bytes(90), "an ONNX graph under another name"),
}


@pytest.mark.parametrize("name", DISGUISED)
def test_a_file_of_one_format_under_the_ending_of_another_is_told(name: str) -> None:
    data, message = DISGUISED[name]
    with pytest.raises(FormatError, match=message):
        read_checkpoint(MemorySource({name: data}))


HEADS = {
    "fastText": (struct.pack("<ii", 793712314, 12) + bytes(90), "a fastText model"),
    "word2vec": (b"3000000 300\n</s> " + RANDOM, r"a file of word vectors \(word2vec\)"),
    "llama2.c": (struct.pack("<7i", 288, 768, 6, 6, 6, -32000, 256) + RANDOM, "a llama2.c model"),
    "llama2.c, later": (b"24ka" + struct.pack("<i", 2) + RANDOM, "a llama2.c model"),
    "MindSpore": (b"\n\x10\n\x06weight\x12\x06" + bytes(90), "a MindSpore checkpoint"),
    "MXNet": (struct.pack("<QQ", 0x112, 0) + bytes(90), "an MXNet file"),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_kind_whose_name_tells_nothing_is_told_by_how_it_begins(name: str) -> None:
    data, message = HEADS[name]
    with pytest.raises(NothingToRead, match=f"model.bin: {message}, which is not read"):
        read_checkpoint(MemorySource({"model.bin": data}))


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
    "TensorFlow.js": (TFJS, r"group1-shard1of1\.bin is a part of a TensorFlow\.js model"),
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
        (b"\x28\xb5\x2f\xfd" + bytes(600), "compressed by zstd"),
        (b"Entry not found" + bytes(9), "a server's message in the place of the file"),
        (b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>', "a server's message"),
        (b"\x7fELF" + bytes(600), "a program; name the model's own file"),
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
