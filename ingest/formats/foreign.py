"""What looks like weights and is not read: each by its own name, with what to do.

A file is looked at only after its format could not read it, or where a source holds nothing that is read. Sources:
CTranslate2's model_spec.py (a version, then the name of a specification), whisper.cpp's and llama.cpp's old magics,
Git LFS's pointer specification, TensorFlow.js's model.json.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import ForebearError, FormatError
from ..sources.lfs import lfs_pointer
from ..sources.source import NothingToRead, Source, read_small
from ..storage.reader import Reader
from ..text import printable
from .contents import Contents
from .gguf_metadata import architecture, text

HEAD = 512
"""Bytes from which a file is told."""
ORIGINAL = "ingest the checkpoint that it was converted from"
_MODEL_JSON_LIMIT = 16 << 20


@dataclass(frozen=True, slots=True)
class Foreign:
    """A kind of file that is not read: what it is, what to do instead, and how its bytes begin."""

    name: str
    instead: str
    begins: Callable[[bytes], object]


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
)
"""Told by how they begin, whatever their names."""

MISPLACED: tuple[Foreign, ...] = (
    Foreign(
        "an HTML page in the place of the file, as a server answers that refuses a download",
        "download it again, signed in where that is asked",
        re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)\b", re.I).match,
    ),
    Foreign("a file compressed by gzip", "unpack it first", lambda head: head.startswith(b"\x1f\x8b\x08")),
    Foreign("a tar archive", "unpack it first", lambda head: head[257:262] == b"ustar"),
)
"""What stands in the place of weights that were meant: an error, where another framework's file is only passed over."""

ENDINGS: Mapping[str, str] = {
    ".h5": "Keras or TensorFlow weights (HDF5)",
    ".keras": "a Keras archive",
    ".tflite": "a TensorFlow Lite model",
    ".pb": "a TensorFlow graph",
    ".ckpt.index": "a TensorFlow checkpoint",
    ".msgpack": "Flax weights",
    ".mlmodel": "a Core ML model",
    ".mlpackage": "a Core ML model",
    ".engine": "a TensorRT engine",
    ".plan": "a TensorRT engine",
    ".nemo": "a NeMo archive",
    ".pkl": "a Python pickle, which is never executed",
    ".pickle": "a Python pickle, which is never executed",
    ".joblib": "a Python pickle, which is never executed",
    ".llamafile": "a llamafile, a program with a GGUF inside",
    ".dat": "imatrix data or another file of numbers",
    ".xml": "an OpenVINO model",
    ".param": "an ncnn model",
    ".pdparams": "PaddlePaddle weights",
    ".pdiparams": "PaddlePaddle weights",
    ".ggml": "a ggml file from before GGUF",
    ".exl2": "ExLlamaV2 weights",
}
"""Told by their endings, where a source holds no weights that are read."""
UNFINISHED = (".incomplete", ".part", ".crdownload", ".aria2")
"""Endings of downloads that go on or were cut short: huggingface_hub's, those of Firefox, curl and wget, Chrome's and
what aria2 keeps beside one."""
_TFJS_SHARD = re.compile(r"(?:.*/)?[\w-]*group\d+-shard\d+of\d+(?:\.bin)?")
"""How TensorFlow.js names its shards, `group1-shard1of4.bin`."""


def explained(error: ForebearError, source: Source, path: str, reader: Reader) -> ForebearError:
    """The error of a format, or a better one where the file is of a kind that is known and not read."""
    head = reader.read(0, min(reader.size, HEAD))
    if pointer := lfs_pointer(head):
        return FormatError(f"{source.uri}: {printable(path)}: {pointer}")
    for kind in MISPLACED:
        if kind.begins(head):
            return FormatError(f"{source.uri}: {printable(path)}: {kind.name}; {kind.instead}")
    for kind in FOREIGN:
        if kind.begins(head):
            return NothingToRead(f"{source.uri}: {printable(path)}: {kind.name}, which is not read; {kind.instead}")
    if _TFJS_SHARD.fullmatch(path) or is_tensorflow_js(source, path):
        return NothingToRead(f"{source.uri}: {printable(path)}: a part of a TensorFlow.js model; {ORIGINAL}")
    return error


def is_tensorflow_js(source: Source, path: str) -> bool:
    """Whether a file is one of those that a model.json beside it lists as TensorFlow.js does."""
    folder = path.rpartition("/")[0]
    beside = f"{folder}/model.json" if folder else "model.json"
    try:
        text = read_small(source, beside, _MODEL_JSON_LIMIT) or b""
    except ForebearError:
        return False
    return b'"weightsManifest"' in text


def nothing_to_read(source: Source) -> NothingToRead:
    """The error for a source without any weights that a format reads, with what it holds instead."""
    special = [f"{printable(path)} is {file.special}" for path, file in sorted(source.files.items()) if file.special]
    if special:
        return NothingToRead(
            f"{source.uri}: no weights here that forebear reads ({len(source.files)} files): {'; '.join(special[:4])};"
            " put the files in their place"
        )
    unfinished = [path for path in sorted(source.files) if path.lower().endswith(UNFINISHED)]
    if unfinished:
        return NothingToRead(
            f"{source.uri}: no weights here that forebear reads ({len(source.files)} files):"
            f" {printable(unfinished[0])} is a download that was not finished; finish it or download it again"
        )
    kinds: dict[str, str] = {}
    for path in sorted(source.files):
        ending = next((e for e in ENDINGS if path.lower().endswith(e)), None)
        if ending:
            kinds.setdefault(ENDINGS[ending], printable(path))
    held = "; ".join(f"{path} is {kind}" for kind, path in list(kinds.items())[:4])
    return NothingToRead(
        f"{source.uri}: no weights here that forebear reads ({len(source.files)} files)"
        + (f": {held}; {ORIGINAL}" if held else "")
    )


def refused_gguf(contents: Contents) -> str | None:
    """What a GGUF file is when it holds no model's weights; None for a model, a tower or an adapter.

    Source: llama.cpp, `general.type` imatrix (imatrix.cpp) and `general.architecture` controlvector
    (cvector-generator.cpp).
    """
    fields = contents.config or {}
    if text(fields.get("general.type")) == "imatrix":
        return "an importance matrix: statistics of activations for a quantiser, not weights; name the model's own file"
    if architecture(fields) == "controlvector":
        return "a control vector: one direction a layer to add to activations, not weights; name the model's own file"
    return None
