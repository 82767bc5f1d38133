"""Weights kept as codes and scales in separate tensors, as the matrices that they stand for.

Each scheme is a file beside this and a line in SCHEMES: the first that knows a tensor reads it, or says why it cannot.
What a scheme used up is no tensor of the result. Some schemes describe a weight in a small tensor (a shape, some JSON);
those are read here, before the plan is made.

Limitations: GPTQ and AWQ pack along rows, so that leading rows lie all over the file. Of such weights the first of a
model are read, by layer, up to SCATTERED_BYTES of codes; further ones are skipped with that reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from ...layouts.fused import Layout, affordable
from ...storage.logical import MOST_VALUES, LogicalTensor, RowMajor
from ...storage.reader import Range
from ...storage.skipped import SkippedTensor
from ...text import printable
from .awq import AWQ
from .bitsandbytes import BITSANDBYTES
from .compressed_tensors import COMPRESSED_TENSORS
from .fp4 import GPT_OSS, MODELOPT
from .gptq import GPTQ
from .mlx import MLX
from .rows import ROWS
from .scaled import SCALED
from .scheme import FLOAT_SCALES, Decoded, Refused, Scheme, Stored
from .unread import UNREAD

__all__ = ["SCHEMES", "ReadRanges", "unpack"]

SCHEMES: tuple[Scheme, ...] = (
    GPTQ,
    AWQ,
    COMPRESSED_TENSORS,
    BITSANDBYTES,
    MODELOPT,
    SCALED,
    MLX,
    GPT_OSS,
    ROWS,
    UNREAD,
)
"""In the order in which they are asked."""

SCATTERED_BYTES = 1 << 28
"""Bytes of codes packed across rows that are read of a model: all of one of 500 million values in 4 bits."""
SMALL = 4096
"""Bytes of a tensor that describes another; a quant_state has some 300."""
_ALL_SMALL = 16 << 20
_DESCRIBES = re.compile(r".*\.(weight_shape|quant_state\.bitsandbytes__(nf4|fp4))", re.DOTALL)

ReadRanges = Callable[[Sequence[Range]], list[bytes]]
"""The bytes of ranges, in their order."""


def unpack(tensors: Sequence[LogicalTensor], config: Mapping[str, object], read: ReadRanges) -> Layout:
    """Codes and scales as the weights that they stand for; `read` is asked for at most 16 MB of small tensors."""
    stored = Stored({t.name: t for t in tensors}, config, _small(tensors, read))
    found = {t.name: answer for t in tensors if (answer := _ask(t, stored)) is not None}
    scattered = {name: one.scattered for name, one in found.items() if isinstance(one, Decoded) and one.scattered}
    chosen = affordable(scattered, SCATTERED_BYTES)
    used = {name for one in found.values() for name in one.used}
    taken = {t.name for t in tensors} - used
    made: list[LogicalTensor] = []
    skipped: list[SkippedTensor] = []
    for tensor in tensors:
        match found.get(tensor.name):
            case Refused(parameters, reason):
                skipped.append(SkippedTensor(printable(tensor.name), min(parameters, MOST_VALUES), reason))
            case Decoded(weight) if weight.name in taken:
                what = f"there is a tensor {printable(weight.name)!r} too"
                skipped.append(SkippedTensor(printable(tensor.name), weight.parameters, what))
            case Decoded(weight, _, cost) if cost and tensor.name not in chosen:
                skipped.append(SkippedTensor(printable(weight.name), weight.parameters, _too_scattered(cost)))
            case Decoded(weight):
                made.append(weight)
                taken.add(weight.name)
            case _ if tensor.name not in used:
                made.append(tensor)
    return Layout(tuple(made), tuple(skipped))


def _ask(tensor: LogicalTensor, stored: Stored) -> Decoded | Refused | None:
    """The first scheme's answer; none has floats of 16 or 32 bits for codes."""
    if tensor.dtype in FLOAT_SCALES:
        return None
    for scheme, leaf in _LEAVES:
        if leaf.fullmatch(tensor.name) and (answer := scheme.read(tensor, stored)) is not None:
            return answer
    return None


_LEAVES = tuple((scheme, re.compile(rf".*(?:{scheme.leaf})", re.DOTALL)) for scheme in SCHEMES)


def _small(tensors: Iterable[LogicalTensor], read: ReadRanges) -> dict[str, bytes]:
    """The bytes of the tensors that describe others, as far as they are small."""
    wanted: dict[str, Range] = {}
    total = 0
    for tensor in tensors:
        if _DESCRIBES.fullmatch(tensor.name) and isinstance(tensor.storage, RowMajor) and tensor.parameters <= SMALL:
            (place,) = RowMajor.ranges(_flat(tensor), [0]) if tensor.parameters else (Range("", 0, 0),)
            if 0 < place.length <= SMALL and total + place.length <= _ALL_SMALL:
                wanted[tensor.name] = place
                total += place.length
    return dict(zip(wanted, read(list(wanted.values())), strict=True)) if wanted else {}


def _flat(tensor: LogicalTensor) -> RowMajor:
    assert isinstance(tensor.storage, RowMajor)
    return RowMajor(tensor.storage.file, tensor.storage.offset, tensor.dtype, tensor.parameters)


def _too_scattered(cost: int) -> str:
    return (
        f"packed across rows: its leading rows take {cost} bytes of codes, and {SCATTERED_BYTES} of such are read, "
        "lower layers first"
    )
