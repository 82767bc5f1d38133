"""The formats of checkpoints. A new one is a file beside this and a line in FORMATS."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from ..errors import FormatError, SourceError
from ..metadata.card import read_config
from ..metadata.tokenizer import read_tokenizer
from ..sources.inside import Inside
from ..sources.source import Source, nothing_to_read, read_small
from ..storage.reader import Reader
from ..storage.skipped import SkippedTensor
from ..text import printable
from .contents import Contents
from .gguf_file import finish_gguf, read_gguf
from .networks import Network, Networks, find_networks, one_variant
from .onnx_file import check_beside, read_onnx
from .safetensors import read_safetensors
from .torch_zip import SIGNATURES, read_torch

__all__ = ["FORMATS", "Contents", "Format", "SkippedTensor", "checkpoint_files", "read_checkpoint"]

INDEX_LIMIT = 32 << 20


@dataclass(frozen=True, slots=True)
class Format:
    """How files of one ending are read.

    `index` is the ending of the file that lists shards. Of several files those called `stem` or `stem-...` are the
    model; `ignored` matches the names of what is none. `alone`: every file, or set of `-00001-of-00002` parts, is a
    model of its own, and the one called `main` goes before the others. `finish` sees all tensors of a model, and the
    files that they came from; `check` the tensors and the source, where they may lie in further files. `begins` is how
    files begin whose names do not tell: beside a graph of ONNX a `.bin` may be the graph's own data.
    """

    name: str
    ending: str
    index: str | None
    read: Callable[[Reader, str], Contents]
    stem: str = "model"
    ignored: str = r"(?!)"
    alone: bool = False
    finish: Callable[[Contents, Sequence[str]], Contents] | None = None
    check: Callable[[Contents, Source], None] | None = None
    main: str | None = None
    begins: tuple[bytes, ...] = ()


NO_WEIGHTS = r"(training_args|optimizer|scheduler|scaler|rng_state|random_states|.*loss).*"
"""torch files that trainers leave beside a model."""

FORMATS: tuple[Format, ...] = (
    Format("safetensors", ".safetensors", ".safetensors.index.json", read_safetensors),
    Format("torch", ".bin", ".bin.index.json", read_torch, "pytorch_model", NO_WEIGHTS, begins=SIGNATURES),
    Format("torch", ".pt", None, read_torch, ignored=NO_WEIGHTS),
    Format("torch", ".pth", None, read_torch, ignored=NO_WEIGHTS),
    Format("gguf", ".gguf", None, read_gguf, ignored=r".*(mmproj|imatrix).*", alone=True, finish=finish_gguf),
    Format("onnx", ".onnx", None, read_onnx, alone=True, check=check_beside, main="model.onnx"),
)
"""In order of preference: a source that has several is read in the first. An mmproj file, the vision or audio tower
that llama.cpp keeps apart, is read where it stands alone or is named itself."""

_PART = re.compile(r"-\d{5}-of-\d{5}$")
_ADAPTERS = re.compile(r"(adapter_model|adapter|pytorch_lora_weights)\.\w+")
"""Files that hold an adapter beside a model, where both are there."""


def read_checkpoint(source: Source) -> tuple[Format, Contents]:
    """The format of a source and its tensors, over all shards; of several networks, the format of the first.

    Raises NothingToRead without weights, FormatError for a file that is broken or a tensor that two shards hold.
    """
    found = _networks(source)
    if not found.parts:
        raise nothing_to_read(source)
    read = [_read_network(source, part) for part in found.parts]
    contents = read[0][1]
    if found.pipeline:
        contents = replace(_join([part for _, part in read]), config={"model_type": found.pipeline}, tokenizer=None)
    return read[0][0], contents


def checkpoint_files(source: Source) -> list[str]:
    """The files of weights that `read_checkpoint` reads."""
    return [path for part in _networks(source).parts for path in _own_format(source, part.folder)[0][1]]


def _networks(source: Source) -> Networks:
    endings = tuple(ending for form in FORMATS for ending in (form.ending, form.index) if ending)
    holding = {path.rpartition("/")[0] for path in source.files if path.endswith(endings)}
    return find_networks(source, lambda folder: folder in holding and bool(_own_format(source, folder)))


def _own_format(source: Source, folder: str) -> list[tuple[Format, list[str]]]:
    """The preferred format of a folder and its files; empty where none has weights there.

    Weights of a whole model come before those of an adapter, whatever their formats.
    """
    found = [(form, files) for form in FORMATS if (files := weight_files(source, form, folder))]
    whole = [
        (form, files) for form, files in found if not all(_ADAPTERS.fullmatch(PurePosixPath(f).name) for f in files)
    ]
    return (whole or found)[:1]


def _read_network(source: Source, part: Network) -> tuple[Format, Contents]:
    """One network; a folder's own config and tokenizer count where the source has none at its top."""
    ((form, files),) = _own_format(source, part.folder)
    merged = _join(_read_files(source, files, form))
    seen: set[str] = set()
    for tensor in merged.tensors:
        if tensor.name in seen:
            raise FormatError(f"{source.uri}: two files hold a tensor {printable(tensor.name)!r}")
        seen.add(tensor.name)
    contents = form.finish(merged, files) if form.finish else merged
    if form.check:
        form.check(contents, source)
    if part.prefix:
        named = tuple(replace(t, name=part.prefix + t.name) for t in contents.tensors)
        return form, replace(contents, tensors=named)
    if part.folder:
        inside = Inside(source, part.folder)
        config, tokenizer = read_config(inside) or contents.config, read_tokenizer(inside) or contents.tokenizer
        return form, replace(contents, config=config, tokenizer=tokenizer)
    return form, contents


def _join(parts: Sequence[Contents]) -> Contents:
    """The tensors of all files; config and tokenizer of the first that has them."""
    return Contents(
        tuple(t for p in parts for t in p.tensors),
        tuple(s for p in parts for s in p.skipped),
        next((p.config for p in parts if p.config is not None), None),
        next((p.tokenizer for p in parts if p.tokenizer is not None), None),
    )


def _read_files(source: Source, files: Sequence[str], form: Format) -> list[Contents]:
    """The contents of each file, headers read as many at once as the source likes; the first error ends it."""
    if len(files) == 1 or source.connections == 1:
        return [_read_file(source, file, form) for file in files]
    pool = ThreadPoolExecutor(min(len(files), source.connections), "header")
    try:
        return list(pool.map(lambda file: _read_file(source, file, form), files))
    finally:
        pool.shutdown(cancel_futures=True)


def _read_file(source: Source, file: str, form: Format) -> Contents:
    reader = source.open(file)
    try:
        return form.read(reader, file)
    finally:
        reader.close()


def weight_files(source: Source, form: Format, folder: str = "") -> list[str]:
    """The files of one folder, the top one, that make one checkpoint: those of the index, or one family of shards."""
    top = {path for path in source.files if path.rpartition("/")[0] == folder}
    at = f"{folder}/" if folder else ""
    if form.index and (indexes := sorted(path for path in top if path.endswith(form.index))):
        preferred = next((i for i in indexes if i.startswith(f"{at}model.")), one_variant(indexes)[0])
        return _indexed(source, preferred)
    files = sorted(
        path for path in top if path.endswith(form.ending) and not re.fullmatch(form.ignored, path.removeprefix(at))
    )
    if form.begins and any(path.endswith(".onnx") for path in top):
        files = [path for path in files if form.stem in path.removeprefix(at)] or _of_format(source, files, form)
    if form.main and f"{at}{form.main}" in files:
        return [f"{at}{form.main}"]
    if form.alone:
        towers = sorted(path for path in top if path.endswith(form.ending) and "mmproj" in path.removeprefix(at))
        return _only_family(source, files or towers, form)
    stem = at + form.stem
    named = [path for path in files if path == f"{stem}{form.ending}" or path.startswith(f"{stem}-")]
    whole = [path for path in files if not _ADAPTERS.fullmatch(path.removeprefix(at))]
    return one_variant(named or whole or files)


def _of_format(source: Source, files: list[str], form: Format) -> list[str]:
    """The files, if each begins as its format does; else none: they are another format's data."""
    longest = max(map(len, form.begins))
    for path in files:
        reader = source.open(path)
        try:
            if not reader.read(0, min(reader.size, longest)).startswith(form.begins):
                return []
        finally:
            reader.close()
    return files


def _only_family(source: Source, files: list[str], form: Format) -> list[str]:
    """The files of the one model that they are parts of; SourceError when they are several models."""
    families = sorted({_PART.sub("", path.removesuffix(form.ending)) for path in files})
    if len(families) > 1:
        shown = ", ".join(printable(path) for path in files[:12]) + (", ..." if len(files) > 12 else "")
        raise SourceError(f"{source.uri}: {len(families)} models in {form.name} files; name one of them: {shown}")
    return files


def _indexed(source: Source, index: str) -> list[str]:
    text = read_small(source, index, INDEX_LIMIT) or b""
    try:
        weights: object = json.loads(text).get("weight_map")
    except (ValueError, RecursionError, AttributeError) as error:
        raise FormatError(f"{source.uri}: {index} is not valid JSON") from error
    if not isinstance(weights, Mapping) or not weights or not all(isinstance(f, str) for f in weights.values()):
        raise FormatError(f"{source.uri}: {index} has no weight_map of file names")
    folder = PurePosixPath(index).parent
    shards = sorted({(folder / str(file)).as_posix() for file in weights.values()})
    for shard in shards:
        if shard not in source.files:
            raise SourceError(f"{source.uri}: {index} lists {printable(shard)!r}, which is not there; fetch all shards")
    return shards
