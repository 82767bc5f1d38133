"""Kinds of files that look like weights and are not read, by how they begin and by their names.

Sources: CTranslate2's model_spec.py (a version, then the name of a specification); whisper.cpp's and llama.cpp's old
magics; TensorFlow.js's model.json; DeepSpeed's engine.py; torch.distributed.checkpoint; Orbax's documentation of its
checkpoint format; MLC-LLM's `params_shard_N.bin`; fastText's fasttext.cc (FASTTEXT_FILEFORMAT_MAGIC_INT32); word2vec.c;
llama2.c's export.py; MindSpore's checkpoint.proto; the libmagic signatures of archives.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

ORIGINAL = "ingest the checkpoint that it was converted from"
_UNPACK = "unpack it first"
_JAX = "load it with its framework and save it as safetensors"
_JOIN = "join the pieces in their order (`cat PIECES > FILE`) and ingest the whole file"
_VECTORS = "save them as .npz or safetensors"
_RENAME = "give it the ending of what it is"


@dataclass(frozen=True, slots=True)
class Foreign:
    """A kind of file that is not read: what it is, what to do instead, and how its bytes begin."""

    name: str
    instead: str
    begins: Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Named:
    """A kind of file that is not read, told by its path in lower case; `passed` also where a format would take it."""

    pattern: re.Pattern[str]
    name: str
    instead: str = ORIGINAL
    passed: bool = False


def _llama2_c(head: bytes) -> bool:
    """The seven numbers of a llama2.c file before its version 1: sizes, layers, heads, vocabulary, context."""
    if len(head) < 28:
        return False
    width, hidden, layers, heads, shared, vocabulary, context = struct.unpack("<7i", head[:28])
    small = 0 < layers < 1000 and 0 < shared <= heads < 1000 and 0 < context < 1 << 20
    return small and heads <= width <= hidden < 1 << 18 and width % heads == 0 and 0 < abs(vocabulary) < 1 << 20


_GGML = (b"lmgg", b"fmgg", b"tjgg", b"algg")
"""The magics `ggml`, `ggmf`, `ggjt` and `ggla` as numbers of 32 bits, the lowest byte first."""

FOREIGN: tuple[Foreign, ...] = (
    Foreign("a CTranslate2 model", ORIGINAL, re.compile(rb"[\x01-\x10]\0\0\0.\0[A-Z][A-Za-z0-9]{3,60}\0", re.S).match),
    Foreign(
        "a ggml file from before GGUF",
        "convert it with llama.cpp's convert_llama_ggml_to_gguf.py, or " + ORIGINAL,
        lambda head: head.startswith(_GGML),
    ),
    Foreign("an HDF5 file, as Keras writes", ORIGINAL, lambda head: head.startswith(b"\x89HDF\r\n\x1a\n")),
    Foreign("a TensorFlow Lite model", ORIGINAL, lambda head: head[4:8] == b"TFL3"),
    Foreign("a fastText model", ORIGINAL, lambda head: head.startswith(struct.pack("<i", 793712314))),
    Foreign(
        "a file of word vectors (word2vec)", "save them as .npz or safetensors", re.compile(rb"\d{1,9} \d{1,5}\n").match
    ),
    Foreign("a llama2.c model", ORIGINAL, lambda head: head.startswith(b"24ka") or _llama2_c(head)),
    Foreign("an MXNet file", ORIGINAL, lambda head: head.startswith(struct.pack("<QQ", 0x112, 0))),
    Foreign("a MindSpore checkpoint", _JAX, re.compile(rb"\n[\x80-\xff]*[\x01-\x7f]\n.[\w.]{1,120}\x12", re.S).match),
)
"""Told by how they begin, whatever their names."""

MISPLACED: tuple[Foreign, ...] = (
    Foreign(
        "an HTML page in the place of the file, as a server answers that refuses a download",
        "download it again, signed in where that is asked",
        re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)\b", re.I).match,
    ),
    Foreign(
        "a server's message in the place of the file",
        "download it again, signed in where that is asked",
        re.compile(
            rb"\s*(?:Entry not found|Repository not found|Access to model|Invalid (?:username|credentials)|Not Found|"
            rb'Forbidden|<\?xml[^>]{0,80}>\s*<Error>|\{"error")',
            re.I,
        ).match,
    ),
    Foreign("a file compressed by gzip", _UNPACK, lambda head: head.startswith(b"\x1f\x8b\x08")),
    Foreign("a file compressed by zstd", _UNPACK, lambda head: head.startswith(b"\x28\xb5\x2f\xfd")),
    Foreign("a file compressed by xz", _UNPACK, lambda head: head.startswith(b"\xfd7zXZ\0")),
    Foreign("a file compressed by bzip2", _UNPACK, lambda head: head.startswith(b"BZh") and head[4:10] == b"1AY&SY"),
    Foreign("a 7z or RAR archive", _UNPACK, lambda head: head.startswith((b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"))),
    Foreign("a tar archive", _UNPACK, lambda head: head[257:262] == b"ustar"),
    Foreign("a program", "name the model's own file", lambda head: head.startswith((b"\x7fELF", b"MZ"))),
)
"""What stands in the place of weights that were meant: an error, where another framework's file is only passed over."""

DISGUISED: tuple[tuple[str, Foreign], ...] = (
    (
        "safetensors",
        Foreign(
            "a safetensors file under another name",
            f"{_RENAME}, .safetensors",
            re.compile(rb'[\s\S]{4}[\0-\x05]\0\0\0\{\s*"').match,
        ),
    ),
    (
        "gguf",
        Foreign("a GGUF file under another name", f"{_RENAME}, .gguf", lambda head: head.startswith(b"GGUF")),
    ),
    (
        "onnx",
        Foreign(
            "an ONNX graph under another name",
            f"{_RENAME}, .onnx",
            re.compile(rb"\x08[\x03-\x1f]\x12[\x03-\x1f][a-zA-Z]", re.S).match,
        ),
    ),
    (
        "torch",
        Foreign(
            "a file of torch, or another zip file, under another name",
            f"{_RENAME}, .bin or .pt for torch and .npz for numpy",
            lambda head: head.startswith((b"PK\x03\x04", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19")),
        ),
    ),
)
"""Files of a format that is read, under the ending of another: (format, kind)."""


def _named(pattern: str, name: str, instead: str = ORIGINAL, *, passed: bool = False) -> Named:
    return Named(re.compile(pattern, re.ASCII), name, instead, passed)


NAMED: tuple[Named, ...] = (
    _named(
        r"(?:^|/)(?:bf16_)?zero_pp_rank_\d+_mp_rank_\d+_model_states\.pt$",
        "one rank of a DeepSpeed checkpoint of ZeRO stage 3, which holds no whole tensor",
        "run the zero_to_fp32.py that DeepSpeed puts beside it and ingest what it writes",
        passed=True,
    ),
    _named(
        r"(?:^|/)layer_\d+-model_\d+-model_states\.pt$",
        "one layer of a checkpoint that DeepSpeed split over a pipeline",
        "convert it to one checkpoint (GPT-NeoX: tools/ckpts/convert_neox_to_hf.py) and ingest that",
        passed=True,
    ),
    _named(
        r"\.distcp$",
        "a distributed checkpoint of torch, as FSDP and Megatron write",
        "convert it with `python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER model.pt`",
    ),
    _named(r"\.(?:zip|tar|tgz|7z|rar|zst|gz|xz|bz2|lz4|whl)$", "an archive", _UNPACK),
    _named(
        r"\.(?:gguf|safetensors|bin|pth?|ckpt|onnx|zip)[-._](?:part|split)?[-_.]?(?:\d+(?:of\d+)?|[a-z]{1,2})$",
        "a piece of a file that was cut by bytes",
        _JOIN,
    ),
    _named(r"\.(?:keras)$", "a Keras archive"),
    _named(r"\.(?:h5|hdf5)$", "Keras or TensorFlow weights (HDF5)"),
    _named(r"(?:^|/)saved_model\.pb(?:txt)?$|(?:^|/)variables/variables\.", "a TensorFlow SavedModel"),
    _named(r"\.ckpt[^/]*\.(?:index|meta)$|\.data-\d{5}-of-\d{5}$|\.ckpt-\d+$", "a TensorFlow checkpoint"),
    _named(r"\.pb$", "a TensorFlow graph"),
    _named(r"(?:^|/)[\w-]*group\d+-shard\d+of\d+(?:\.bin)?$", "a part of a TensorFlow.js model", passed=True),
    _named(r"\.tflite$", "a TensorFlow Lite model"),
    _named(r"\.(?:task|litertlm)$", "a model of LiteRT or MediaPipe"),
    _named(r"\.msgpack(?:\.index\.json)?$", "Flax weights"),
    _named(
        r"(?:^|/)(?:manifest\.ocdbt|_checkpoint_metadata|\.zarray)$|(?:^|/)ocdbt\.process_\d+/"
        r"|(?:^|/)(?:params|target)\.[^/]+/\d+(?:\.\d+)*$",
        "a checkpoint of Orbax or T5X (JAX)",
        _JAX,
    ),
    _named(r"\.mlmodel$|\.(?:mlpackage|mlmodelc)(?:/|$)", "a Core ML model", passed=True),
    _named(r"\.(?:engine|plan|trt)$", "a TensorRT engine"),
    _named(r"\.dduf$", "a DDUF archive of diffusers", "unzip it and ingest its folder"),
    _named(r"\.(?:arpa|kenlm|klm)$", "an n-gram language model", "it has no weight matrices"),
    _named(r"\.nemo$", "a NeMo archive", "unpack it with tar and ingest the checkpoint inside, or " + ORIGINAL),
    _named(
        r"\.pt2$|\.ptl$|\.pte$",
        "a program of torch (torch.export, mobile TorchScript or ExecuTorch)",
        "save the state_dict with torch.save, or as safetensors, or " + ORIGINAL,
    ),
    _named(r"\.ort$", "a model in the format of ONNX Runtime", "ingest the .onnx that it was made from"),
    _named(r"\.onnx[._]data(?:_\d+)?$", "the weights of an ONNX graph without the graph", "fetch the .onnx beside it"),
    _named(r"\.(?:pkl|pickle|joblib)$", "a Python pickle, which is never executed"),
    _named(r"\.llamafile$", "a llamafile, a program with a GGUF inside", "unzip the GGUF from it, or " + ORIGINAL),
    _named(r"\.dat$", "imatrix data or another file of numbers"),
    _named(r"\.xml$", "an OpenVINO model"),
    _named(r"\.param$", "an ncnn model"),
    _named(r"\.(?:pdparams|pdiparams|pdmodel|pdopt)$", "PaddlePaddle weights"),
    _named(r"\.(?:ggml|ggjt)$", "a ggml file from before GGUF"),
    _named(r"\.exl[23]$", "ExLlamaV2 weights"),
    _named(r"\.(?:caffemodel|prototxt)$", "a Caffe model"),
    _named(r"\.params$", "MXNet or TVM weights"),
    _named(r"\.mnn(?:\.weight)?$", "an MNN model"),
    _named(r"\.(?:rknn|hef|om|dlc|tidl|kmodel|blob|nb)$|\.serialized\.bin$", "a model compiled for an accelerator",
           passed=True),
    _named(r"\.mindir$", "a MindSpore model"),
    _named(r"\.weights$", "Darknet weights"),
    _named(r"\.t7$", "a Torch7 model, from before PyTorch"),
    _named(r"\.ftz$", "a fastText model"),
    _named(r"\.vec$|(?:^|/)glove\.[\w.]+\.txt$", "word vectors as text", _VECTORS),
    _named(r"(?:^|/)params_shard_\d+\.bin$|(?:^|/)(?:ndarray|tensor)-cache\.json$", "an MLC-LLM model", passed=True),
    _named(r"\.sbs$", "a gemma.cpp model"),
    _named(r"\.mpk$", "a Burn model"),
    _named(r"\.(?:ubj|cbm|xgb|lgb)$", "gradient-boosted trees", "trees have no weight matrices"),
    _named(r"\.mdl$", "a Kaldi model"),
    _named(r"\.nnue$", "a network of a chess program"),
    _named(r"(?:^|/)(?:tok2vec|ner|tagger|parser|textcat|transformer|senter)/model$", "a pipeline of spaCy"),
    _named(r"\.npy$", "a single array of numpy", "put the arrays of the model into one .npz"),
)  # fmt: skip
"""Told by their names, the first that fits, where a source holds no weights that are read."""
_PASSED = tuple(kind for kind in NAMED if kind.passed)
_GRAPHS = (".xml", ".param")
"""Endings of the graphs of OpenVINO and ncnn, whose weights are in a `.bin` of the same name."""


def named_kind(path: str) -> Named | None:
    """The kind that the name of a file tells, None where it tells none."""
    lower = path.lower()
    return next((kind for kind in NAMED if kind.pattern.search(lower)), None)


def is_passed_over(path: str, beside: frozenset[str] | set[str]) -> bool:
    """Whether a file with an ending that is read belongs to another framework, by its name or by one `beside` it."""
    lower = path.lower()
    if lower.endswith(".bin") and any(f"{path[:-4]}{graph}" in beside for graph in _GRAPHS):
        return True
    return any(kind.pattern.search(lower) for kind in _PASSED)
