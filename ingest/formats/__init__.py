"""The formats of checkpoints. A new one is a file beside this and a line in FORMATS."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace

from ..errors import ForebearError, FormatError, SourceError
from ..layouts.slices import are_slices, join_slices
from ..metadata.card import read_config
from ..metadata.tokenizer_files import read_tokenizer
from ..sources.inside import Inside
from ..sources.source import NothingToRead, Source
from ..storage.skipped import SkippedTensor
from ..text import printable
from .contents import Contents
from .files import ModelFiles, NetworkFiles, absence, find_files, name_one
from .foreign import TRAINERS, explained, nothing_to_read, refused_gguf
from .format import Format
from .gguf_file import finish_gguf, read_gguf
from .index import shown
from .npz import read_npz
from .onnx_file import check_beside, read_onnx
from .ranks import refuse_ranks
from .safetensors import read_safetensors
from .torch_file import SIGNATURES, read_torch

__all__ = ["FORMATS", "Contents", "Format", "ModelFiles", "SkippedTensor", "read_checkpoint", "resolve_files"]

_log = logging.getLogger(__name__)

FORMATS: tuple[Format, ...] = (
    Format("safetensors", ".safetensors", ".safetensors.index.json", read_safetensors),
    Format("safetensors", ".sft", None, read_safetensors),
    Format("torch", ".bin", ".bin.index.json", read_torch, "pytorch_model", TRAINERS, begins=SIGNATURES),
    Format("torch", ".pt", None, read_torch, ignored=TRAINERS),
    Format("torch", ".pth", None, read_torch, ignored=TRAINERS),
    Format("torch", ".pth.lora", None, read_torch, ignored=TRAINERS),
    Format("torch", ".pth.tar", None, read_torch, ignored=TRAINERS),
    Format("torch", ".ckpt", None, read_torch, ignored=TRAINERS),
    Format("torch", ".jit", None, read_torch, ignored=TRAINERS),
    Format("torch", ".torchscript", None, read_torch, ignored=TRAINERS),
    Format(
        "gguf",
        ".gguf",
        None,
        read_gguf,
        ignored=r".*(mmproj|imatrix).*",
        alone=True,
        finish=finish_gguf,
        refused=refused_gguf,
    ),
    Format("onnx", ".onnx", None, read_onnx, alone=True, check=check_beside, main="model.onnx"),
    Format("npz", ".npz", None, read_npz, stem="weights"),
)
"""In order of preference: a source that has several is read in the first. An mmproj file, the vision or audio tower
that llama.cpp keeps apart, is read where it stands alone or is named itself."""


def resolve_files(source: Source) -> ModelFiles:
    """Which files of a source are its weights, and how they are read; indexes are read, no weights.

    Raises NothingToRead without weights, SourceError for several models or a part that is missing, FormatError for a
    broken index.
    """
    files = find_files(source, FORMATS)
    if not files.networks:
        raise nothing_to_read(source)
    return files


def read_checkpoint(source: Source, files: ModelFiles | None = None) -> tuple[Format, Contents]:
    """The format of a source and its tensors, over all shards; of several networks, the format of the first.

    `files` is what `resolve_files` found. Raises what it raises, FormatError for a file that is broken or a tensor
    that two files hold, and NothingToRead for files of kinds that are known and not read.
    """
    files = files or resolve_files(source)
    read = [_read_network(source, part) for part in files.networks]
    contents = read[0]
    if files.pipeline:
        contents = replace(_join(read), config={"model_type": files.pipeline}, tokenizer=None)
    elif len(read) > 1:  # modules of sentence-transformers: the first is the transformer
        contents = replace(_join(read), config=contents.config, tokenizer=contents.tokenizer)
    return files.networks[0].format, contents


def _read_network(source: Source, part: NetworkFiles) -> Contents:
    """One network; a folder's own config and tokenizer count where the source has none at its top."""
    form, folder, prefix = part.format, part.network.folder, part.network.prefix
    merged = _join(_whole(_as_listed(_read_files(source, part.files, form), part), part.files))
    if form.refused and (reason := form.refused(merged)):
        raise NothingToRead(f"{source.uri}: {printable(part.files[0])}: {reason}")
    _check_names(source, part, merged)
    refuse_ranks(source, part.files, merged)
    contents = form.finish(merged, part.files) if form.finish else merged
    if form.check:
        form.check(contents, source)
    if prefix:
        named = tuple(replace(t, name=prefix + t.name) for t in contents.tensors)
        unread = tuple(replace(s, name=printable(prefix + s.name)) for s in contents.skipped)
        return replace(contents, tensors=named, skipped=unread)
    if folder:
        inside = Inside(source, folder)
        config, tokenizer = read_config(inside) or contents.config, read_tokenizer(inside) or contents.tokenizer
        return replace(contents, config=config, tokenizer=tokenizer)
    return contents


def _check_names(source: Source, part: NetworkFiles, contents: Contents) -> None:
    """Every tensor stands in one file, and those that an index names are there."""
    seen: set[str] = set()
    for tensor in contents.tensors:
        if tensor.name in seen:
            raise FormatError(
                f"{source.uri}: two files hold a tensor {printable(tensor.name)!r};"
                f" if each is a model, {name_one(part.files)}"
            )
        seen.add(tensor.name)
    if part.index is None:
        return
    there = seen | {skipped.name for skipped in contents.skipped}
    absent = part.index.missing(there, tied=False) and part.index.missing(there, tied=_is_tied(source, part, contents))
    if absent and part.stale:
        raise SourceError(f"{absence(source, part.index)}: {name_one(part.files)} has no {shown(absent)}")
    if absent:
        raise FormatError(
            f"{source.uri}: {part.index.path} names {len(absent)} tensors that no shard holds: {shown(absent)};"
            " fetch its shards again"
        )


def _is_tied(source: Source, part: NetworkFiles, contents: Contents) -> bool:
    """Whether the config says that the head is the embedding."""
    folder = part.network.folder
    config = contents.config or read_config(Inside(source, folder) if folder else source)
    return config.get("tie_word_embeddings") is True


def _as_listed(parts: list[Contents], part: NetworkFiles) -> list[Contents]:
    """Of a tensor that two shards hold the one in the file where the index has it; the other is said to be left out."""
    if part.index is None or part.stale:
        return parts
    listed = part.index.weights
    held = {file: {t.name for t in contents.tensors} for file, contents in zip(part.files, parts, strict=True)}
    found = []
    for file, contents in zip(part.files, parts, strict=True):
        twice = {n for n in held[file] if (other := listed.get(n, file)) != file and n in held.get(other, ())}
        left = tuple(
            SkippedTensor(
                printable(n), 0, f"in {printable(file)} too, and {printable(part.index.path)} has it elsewhere"
            )
            for n in sorted(twice)
        )
        kept = tuple(t for t in contents.tensors if t.name not in twice)
        found.append(replace(contents, tensors=kept, skipped=(*contents.skipped, *left)))
    return found


def _whole(parts: list[Contents], files: Sequence[str]) -> list[Contents]:
    """The parts as they are, or, where each file holds a slice of every tensor, the whole tensors in the first."""
    if not are_slices(files):
        return parts
    ordered = [part for _, part in sorted(zip(files, parts, strict=True), key=lambda pair: pair[0])]
    whole = replace(ordered[0], tensors=tuple(join_slices([part.tensors for part in ordered])))
    return [whole, *(replace(part, tensors=()) for part in ordered[1:])]


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
        contexts = [copy_context() for _ in files]  # what the headers cost counts together
        return list(pool.map(lambda context, file: context.run(_read_file, source, file, form), contexts, files))
    finally:
        pool.shutdown(cancel_futures=True)


def _read_file(source: Source, file: str, form: Format) -> Contents:
    reader = source.open(file)
    try:
        contents = form.read(reader, file)
        _log.debug("%s: %s: %d tensors, %d skipped", source.uri, file, len(contents.tensors), len(contents.skipped))
        return contents
    except FormatError as error:
        better: ForebearError = explained(error, source, file, reader, form.name)
        raise better from (None if better is not error else error.__cause__)
    finally:
        reader.close()
