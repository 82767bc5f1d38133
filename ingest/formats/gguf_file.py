"""GGUF: the files of llama.cpp, single or split. Leading rows are dequantised by the `gguf` package's own routines.

A LoRA (`general.type` = `adapter`) has PEFT's names.

`read_gguf` describes one file under its own names; `finish_gguf` joins what the parts of a split model say: names,
order of rows, config, tokenizer. The metadata of the first part hold for all.

Limitations: types without a routine in `gguf` (Q8_1, Q8_K, Q1_0) are skipped by tensor. Tensors that the converter
computes (A_log of Mamba as -exp) keep their computed values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError, SourceError
from ..layouts.heads import interleaved_rows
from ..storage.bounds import Bounds
from ..storage.dtypes import nbytes
from ..storage.logical import LogicalTensor, RowMajor, Storage, runs
from ..storage.reader import Range, Reader
from ..storage.skipped import SkippedTensor
from ..storage.views import ColumnsOf, Frames, RowsOf
from ..text import printable
from . import gguf_metadata as metadata
from .contents import Contents
from .gguf_bounds import ggml_bounds
from .gguf_delta import untiled
from .gguf_header import Header, TensorInfo, read_header
from .gguf_latent import with_keys_and_values
from .gguf_names import (
    FIRST_FRAME,
    GAIN_PLUS_ONE,
    NOT_PLUS_ONE,
    PAIRS_IN_VISION,
    PERMUTED,
    PERMUTED_BY_SHARE,
    SECOND_FRAME,
    as_today,
    hugging_face_name,
)

_PLAIN = {"F32", "F16", "BF16", "F64", "I8", "I16", "I32", "I64"}
_FACTOR = re.compile(r"(?P<base>.+\.weight)\.lora_(?P<factor>[ab])")
_UP_OF_TOWER = re.compile(r"v\.blk\.\d{1,6}\.ffn_up\.weight")
_UNREADABLE = {"Q8_1", "Q8_K", "Q1_0"}


@dataclass(frozen=True, slots=True)
class GgmlRows:
    """Rows of blocks of one GGML type, each row whole blocks, from `offset` of `file`."""

    file: str
    offset: int
    kind: int
    columns: int

    @property
    def _width(self) -> int:
        block, size = _sizes(self.kind)
        return self.columns // block * size

    @property
    def block_bytes(self) -> int:
        """Bytes of one block."""
        return _sizes(self.kind)[1]

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """One range a run of neighbouring rows."""
        width = self._width
        return [Range(self.file, self.offset + first * width, count * width) for first, count in runs(rows)]

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The dequantised values [len(rows), columns]; `rows` must be ascending."""
        from gguf import GGMLQuantizationType
        from gguf.quants import dequantize

        data = np.frombuffer(b"".join(chunks), np.uint8).reshape(len(rows), self._width)
        with np.errstate(all="ignore"):
            values = dequantize(data, GGMLQuantizationType(self.kind))
        return np.asarray(values, np.float32).reshape(len(rows), self.columns)

    def cut(self, first: int, columns: int) -> GgmlRows | None:
        """The rows of `columns` values from value `first` on; None where one would start inside a block."""
        block, size = _sizes(self.kind)
        if first % block or columns % block:
            return None
        return GgmlRows(self.file, self.offset + first // block * size, self.kind, columns)

    def bounds(self) -> Bounds | None:
        """Between which values those lay that were rounded; None where that is not known of the type."""
        return ggml_bounds(self, _types().get(self.kind, ""))


@dataclass(frozen=True, slots=True)
class _MinusOne:
    """A norm's gain without the 1 that the converter added."""

    storage: Storage

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        return self.storage.ranges(rows)

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        return self.storage.decode(rows, chunks) - np.float32(1)


def _sizes(kind: int) -> tuple[int, int]:
    """(values, bytes) of a block."""
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

    return GGML_QUANT_SIZES[GGMLQuantizationType(kind)]


def _types() -> dict[int, str]:
    from gguf.constants import GGML_QUANT_SIZES

    return {int(kind): kind.name for kind in GGML_QUANT_SIZES}


_DEPTHWISE = (".ssm_conv1d.weight", ".shortconv.conv.weight")
_VECTORS = (".bias", ".ssm_a", ".ssm_d")
_GROUPED = ".ssm_norm.weight"


def read_gguf(reader: Reader, file: str) -> Contents:
    """The tensors of one file under their GGUF names; `config` holds the metadata as they are.

    Raises FormatError for a broken header, and for tensors that overlap, are not aligned, end behind the file, or
    whose rows are no whole blocks.
    """
    header = read_header(reader, file)
    types = _types()
    tensors: list[LogicalTensor] = []
    skipped: list[SkippedTensor] = []
    spans: list[tuple[int, int, str]] = []
    for info in header.tensors:
        name, size = types.get(info.kind), math.prod(info.shape)
        if name is None or name in _UNREADABLE:
            reason = f"values of GGML type {name or info.kind} are not decoded"
            skipped.append(SkippedTensor(printable(info.name), size, reason))
            continue
        storage, length = _storage(info, name, header, file)
        spans.append((info.offset, info.offset + length, info.name))
        tensors.append(LogicalTensor(info.name, name, info.shape, storage))
    _check_spans(spans, header, reader.size, file)
    return Contents(tuple(tensors), tuple(skipped), header.fields)


def _storage(info: TensorInfo, name: str, header: Header, file: str) -> tuple[Storage, int]:
    """The storage of a tensor and its length in bytes."""
    columns = info.shape[-1] if info.shape else 1
    begin = header.start + info.offset
    size = math.prod(info.shape)
    if name in _PLAIN:
        wide = math.prod(info.shape[1:]) if len(info.shape) > 1 else size
        return RowMajor(file, begin, name, wide), nbytes(name, size)
    block, length = _sizes(info.kind)
    if columns % block:
        raise FormatError(f"{file}: rows of {columns} values of {printable(info.name)!r} are no whole blocks of {name}")
    wide = math.prod(info.shape[1:]) if len(info.shape) > 1 else columns
    return GgmlRows(file, begin, info.kind, wide), size // block * length


def _check_spans(spans: list[tuple[int, int, str]], header: Header, size: int, file: str) -> None:
    """Tensors must be aligned, apart from each other, and inside the file."""
    at = 0
    for begin, end, name in sorted(spans):
        where = f"{file}: tensor {printable(name)!r} at offset {begin}"
        if begin % header.alignment:
            raise FormatError(f"{where} is not aligned to {header.alignment} bytes")
        if begin < at:
            raise FormatError(f"{where} overlaps the one before it")
        if header.start + end > size:
            raise FormatError(f"{where} ends {header.start + end - size} bytes behind the file; download it again")
        at = end


def finish_gguf(contents: Contents, files: Sequence[str]) -> Contents:
    """The tensors of all parts under Hugging Face names, q and k in the order of the original; config and tokenizer.

    Raises SourceError where parts of a split model are missing.
    """
    fields: Mapping[str, object] = contents.config or {}
    parts = (metadata.numbers(fields.get("split.count")) or [1])[0]
    if parts > 1 and len(files) != parts:
        raise SourceError(f"{files[0]}: one of {parts} parts, {len(files)} are here; fetch all and name their folder")
    arch = metadata.architecture(fields)
    shapes = {t.name: t.shape for t in contents.tensors}
    tensors = with_keys_and_values(_whole_convolutions(contents.tensors))
    if any(len(s) == 2 and s[0] < s[1] for name, s in shapes.items() if _UP_OF_TOWER.fullmatch(name)):
        tensors = [replace(t, name=as_today(t.name)) for t in tensors]
    renamed = [_original(untiled(t, arch, fields), arch, fields, shapes) for t in tensors]
    if len({t.name for t in renamed}) != len(renamed):
        raise FormatError(f"{files[0]}: two tensors have one name after its translation")
    tied = "output.weight" not in shapes and "token_embd.weight" in shapes
    config = metadata.config(fields, tied=tied)
    return Contents(tuple(renamed), contents.skipped, config, metadata.tokenizer(fields))


def _whole_convolutions(tensors: Sequence[LogicalTensor]) -> list[LogicalTensor]:
    """The tensors with the two frames of one convolution as it [out, in, 2, height, width], and biases as vectors."""
    named = {t.name: t for t in tensors}
    first, second = named.get(FIRST_FRAME), named.get(SECOND_FRAME)
    if first is not None and second is not None and first.shape == second.shape:
        out, inputs, *size = first.shape
        both = Frames((first.storage, second.storage), math.prod(size))
        named[FIRST_FRAME] = replace(first, shape=(out, inputs, 2, *size), storage=both)
        del named[SECOND_FRAME]
    return [_as_vector(_with_one_input(tensor)) for tensor in named.values()]


def _with_one_input(tensor: LogicalTensor) -> LogicalTensor:
    """The convolution of a mixer [n, width], each row with an input of its own, as [n, 1, width]."""
    fits = tensor.name.endswith(_DEPTHWISE) and len(tensor.shape) == 2
    return replace(tensor, shape=(tensor.shape[0], 1, tensor.shape[1])) if fits else tensor


def _as_vector(tensor: LogicalTensor) -> LogicalTensor:
    """[n, 1] as [n] for biases of Whisper's convolutions and heads of Mamba 2, and the gains of its groups as one."""
    storage, shape = tensor.storage, tensor.shape
    flat = len(shape) == 2 and (shape[1] == 1 if tensor.name.endswith(_VECTORS) else tensor.name.endswith(_GROUPED))
    if not flat or not isinstance(storage, RowMajor):
        return tensor
    return replace(tensor, shape=(tensor.parameters,), storage=replace(storage, columns=tensor.parameters))


def _original(
    tensor: LogicalTensor, arch: str, fields: Mapping[str, object], shapes: Mapping[str, tuple[int, ...]]
) -> LogicalTensor:
    """The tensor as it was before the conversion."""
    if found := _FACTOR.fullmatch(tensor.name):
        return _original_factor(tensor, found["base"], found["factor"], arch, fields)
    name = hugging_face_name(tensor.name, arch)
    if tensor.name.endswith(".ssm_dt.bias") and tensor.name.replace(".bias", ".weight") not in shapes:  # Mamba 2
        name = name.replace("dt_proj.bias", "dt_bias")
    down = shapes.get(tensor.name.replace(".ffn_up.", ".ffn_down."))
    if ".ffn_up." in tensor.name and down is not None and tensor.shape[:1] == (2 * down[-1],):
        name = name.replace("up_proj", "gate_up_proj")
    storage = tensor.storage
    if arch in GAIN_PLUS_ONE and tensor.name.endswith("norm.weight") and not NOT_PLUS_ONE.fullmatch(tensor.name):
        storage = _MinusOne(storage)
    part = tensor.name.split(".")[2] if tensor.name.startswith("blk.") and tensor.name.count(".") > 2 else ""
    if arch in PERMUTED and part in {"attn_q", "attn_k"} and tensor.shape:
        heads = _heads(fields, arch, tensor.name.split(".")[1], shared=part == "attn_k")
        if order := interleaved_rows(heads, tensor.shape[0]):
            storage = (RowsOf if len(tensor.shape) > 1 else ColumnsOf)(storage, order)
    if tensor.name.startswith(("v.blk.", "a.blk.")):
        storage = _of_tower(tensor, fields)
    return replace(tensor, name=name, storage=storage)


def _of_tower(tensor: LogicalTensor, fields: Mapping[str, object]) -> Storage:
    """The storage of a tensor in a layer of a vision tower, with the rows of q and k in the order of the original."""
    pairs = metadata.text(fields.get("clip.projector_type")) in PAIRS_IN_VISION
    if not pairs or tensor.name.split(".")[3] not in {"attn_q", "attn_k"} or not tensor.shape:
        return tensor.storage
    heads = (metadata.numbers(fields.get("clip.vision.attention.head_count")) or [0])[0]
    order = interleaved_rows(heads, tensor.shape[0])
    return tensor.storage if order is None else (RowsOf if len(tensor.shape) > 1 else ColumnsOf)(tensor.storage, order)


def _original_factor(
    tensor: LogicalTensor, base: str, factor: str, arch: str, fields: Mapping[str, object]
) -> LogicalTensor:
    """A factor of a LoRA, under PEFT's name; B of q and k keeps GGUF's name where their heads are not known.

    The converter moves the rows of B as it moves those of the matrix, and writes no count of heads into the file.
    """
    name = hugging_face_name(base, arch)
    storage = tensor.storage
    part = base.split(".")[2] if base.startswith("blk.") and base.count(".") > 2 else ""
    if factor == "b" and arch in PERMUTED and part in {"attn_q", "attn_k"}:
        heads = _heads(fields, arch, base.split(".")[1], shared=part == "attn_k")
        order = interleaved_rows(heads, tensor.shape[0]) if len(tensor.shape) == 2 else None
        if order is None:
            return replace(tensor, name=f"{name}.lora_b")
        storage = RowsOf(storage, order)
    return replace(tensor, name=f"{name.removesuffix('.weight')}.lora_{factor.upper()}.weight", storage=storage)


def _heads(fields: Mapping[str, object], arch: str, layer: str, *, shared: bool) -> int:
    """Heads that the rows of q, or of k, are cut into; 0 where the metadata do not say."""
    plain = metadata.numbers(fields.get(f"{arch}.attention.head_count"))
    counts = (metadata.numbers(fields.get(f"{arch}.attention.head_count_kv")) if shared else plain) or plain
    number = int(layer) if layer.isascii() and layer.isdigit() and len(layer) < 7 else 0
    heads = 0 if not counts else counts[0] if len(counts) == 1 else counts[number] if number < len(counts) else 0
    if shared and arch in PERMUTED_BY_SHARE and plain and 0 < heads != plain[0]:
        return plain[0] // heads
    return heads
