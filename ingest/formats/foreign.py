"""What looks like weights and is not read: each by its own name, with what to do.

A file is looked at only after its format could not read it, or where a source holds nothing that is read. The kinds
stand in foreign_kinds.py. Source of the pointers: Git LFS's specification.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from ..errors import ForebearError, FormatError
from ..sources.lfs import lfs_pointer
from ..sources.source import NothingToRead, Source, read_small
from ..storage.reader import Reader
from ..text import printable
from .contents import Contents
from .foreign_kinds import DISGUISED, FOREIGN, MISPLACED, ORIGINAL, named_kind
from .gguf_metadata import architecture, text

HEAD = 512
"""Bytes from which a file is told."""
_MODEL_JSON_LIMIT = 16 << 20
_SHOWN = 4
TRAINERS = r"(training_args|.*optimizer|.*optim_states|scheduler|scaler|rng_state|random_states|common\.pt$|.*loss).*"
"""Names of torch files that trainers leave beside a model; `common.pt` is what Megatron keeps once for all ranks."""
UNFINISHED = (".incomplete", ".part", ".crdownload", ".aria2")
"""Endings of downloads that go on or were cut short: huggingface_hub's, those of Firefox, curl and wget, Chrome's and
what aria2 keeps beside one."""


def explained(error: ForebearError, source: Source, path: str, reader: Reader, form: str) -> ForebearError:
    """The error of the format called `form`, or a better one where the file is of another kind that is known."""
    head = reader.read(0, min(reader.size, HEAD))
    if pointer := lfs_pointer(head):
        return FormatError(f"{source.uri}: {printable(path)}: {pointer}")
    for kind in MISPLACED:
        if kind.begins(head):
            return FormatError(f"{source.uri}: {printable(path)}: {kind.name}; {kind.instead}")
    for kind in FOREIGN:
        if kind.begins(head):
            return NothingToRead(f"{source.uri}: {printable(path)}: {kind.name}, which is not read; {kind.instead}")
    for name, kind in DISGUISED:
        if name != form and kind.begins(head) and not (name == "torch" and form == "npz"):
            return FormatError(f"{source.uri}: {printable(path)}: {kind.name}; {kind.instead}")
    if is_tensorflow_js(source, path):
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
    held = _held(source)
    return NothingToRead(
        f"{source.uri}: no weights here that forebear reads ({len(source.files)} files)" + (f": {held}" if held else "")
    )


def _held(source: Source) -> str:
    """The kinds of files that a source holds, each once by the first of its files, and what to do about each."""
    kinds: dict[str, tuple[str, str]] = {}
    for path in sorted(source.files):
        if kind := named_kind(path):
            kinds.setdefault(kind.name, (path, kind.instead))
        elif re.fullmatch(TRAINERS, path.rpartition("/")[2]):
            kinds.setdefault("what a trainer keeps beside the weights", (path, "name the file that holds the weights"))
    groups: Mapping[str, list[str]] = defaultdict(list)
    for name, (path, instead) in list(kinds.items())[:_SHOWN]:
        groups[instead].append(f"{printable(path)} is {name}")
    return "; ".join(f"{'; '.join(one)}; {instead}" for instead, one in groups.items())


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
