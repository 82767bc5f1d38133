"""A checkpoint as the architecture means it: its logical tensors with their places, its config and its tokenizer."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass

from .adapters.adapter import Adapter, find_adapter
from .adapters.config import other_adapters, read_adapter_config
from .formats import ModelFiles, read_checkpoint, resolve_files
from .formats.companions import without_averages, without_optimiser
from .formats.quantised import unpack
from .layouts.fused import Layout, unfuse
from .metadata.card import read_config, text_config
from .metadata.originals import read_original_config
from .metadata.tokenizer import Tokenizer
from .metadata.tokenizer_files import read_tokenizer
from .names.naming import NamedTensor, name_tensors
from .names.network import as_network
from .names.skipped import with_components
from .reading.ranges import read_ranges
from .sources.inside import Inside
from .sources.source import NothingToRead, Source
from .storage.logical import MOST_VALUES
from .storage.skipped import SkippedTensor
from .text import printable

_log = logging.getLogger(__name__)
ABSURD = "its shape has an axis longer than those of any weights"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the headers of a model's `files` say. Packed and fused weights are separate matrices [out, in] here.

    `format` is its name, `tensor_count` counts the tensors of the files, `parameters` the logical values, those of
    `skipped` tensors included. An `adapter`'s factors are neither unpacked nor unfused. `language` is the part of
    `config` that describes the language model.
    """

    files: ModelFiles
    format: str
    config: Mapping[str, object]
    language: Mapping[str, object]
    tokenizer: Tokenizer | None
    named: tuple[NamedTensor, ...]
    skipped: tuple[SkippedTensor, ...]
    tensor_count: int
    parameters: int
    adapter: Adapter | None


def open_checkpoint(source: Source) -> Checkpoint:
    """Headers, config and tokenizer of the model at `source`: no weights but the small tensors that describe others.

    Raises NothingToRead, SourceError or FormatError, each with the file and what to do.
    """
    files = resolve_files(source)
    form, contents = read_checkpoint(source, files)
    contents = without_averages(without_optimiser(contents))
    folder = files.paths[0].rpartition("/")[0]
    beside = Inside(source, folder) if folder else source
    config = read_config(source) or contents.config or read_original_config(beside)
    language = text_config(config)
    adapter = find_adapter(contents.tensors, read_adapter_config(beside))
    if adapter:
        unpacked = Layout(contents.tensors)
        layout = Layout(contents.tensors, adapter.skipped + tuple(other_adapters(source, folder)))
    else:
        unpacked = unpack(contents.tensors, config, lambda ranges: read_ranges(ranges, source))
        layout = unfuse(unpacked.tensors, config)
    unread = contents.skipped + unpacked.skipped
    tokenizer = read_tokenizer(source) or contents.tokenizer
    _log.info(
        "%s: %s, %d tensors in %d files, %d of them left out, %s",
        source.uri,
        form.name,
        len(contents.tensors),
        len(files.paths),
        len(unread) + len(layout.skipped),
        f"tokenizer {tokenizer.kind}" if tokenizer else "no tokenizer",
    )
    named = tuple(adapter.named) if adapter else as_network(name_tensors(layout.tensors, language))
    absurd = {item.tensor.name for item in named if _is_absurd(item)}
    skipped = unread + layout.skipped + tuple(SkippedTensor(printable(name), 0, ABSURD) for name in sorted(absurd))
    named = tuple(item for item in named if item.tensor.name not in absurd)
    if not any(item.tensor.parameters and item.place.slot != "buffer" for item in named):
        raise _no_tensor(source, files, named, skipped)
    return Checkpoint(
        files=files,
        format=form.name,
        config=config,
        language=language,
        tokenizer=tokenizer,
        named=named,
        skipped=with_components(skipped, named),
        tensor_count=len(contents.tensors),
        parameters=sum(t.parameters for t in unpacked.tensors) + sum(s.parameters for s in unread),
        adapter=adapter,
    )


def _is_absurd(item: NamedTensor) -> bool:
    """Whether no integer of the registry holds the product of a shape: [0, 2**62, 2**62] has no byte."""
    return math.prod(n or 1 for n in item.tensor.shape) > MOST_VALUES


def _no_tensor(
    source: Source, files: ModelFiles, buffers: tuple[NamedTensor, ...], skipped: tuple[SkippedTensor, ...]
) -> NothingToRead:
    """The error for files of weights of which no tensor can be read, with the reason for the first."""
    where = f"{source.uri}: {printable(files.paths[0])}"
    if not skipped and any(item.tensor.parameters for item in buffers):
        what = f"{len(buffers)} tensors of whole numbers or other buffers and no weights"
        return NothingToRead(f"{where}: {what}; name the file that holds the weights")
    if not skipped:
        return NothingToRead(f"{where}: no tensor in it; name the file that holds the weights")
    first = max(skipped, key=lambda one: one.parameters)
    return NothingToRead(f"{where}: none of its {len(skipped)} tensors can be read: {first.name}: {first.reason}")
