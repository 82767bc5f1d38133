"""AWQ: 4-bit codes of eight outputs in a word (`gemm`), or of eight inputs (`gemv`), with `qzeros` and `scales`.

gemm: `qweight` I32 [in, out / 8], `qzeros` I32 [groups, out / 8], `scales` [groups, out]; the eight outputs of a word
take turns between its halves. 16 outputs are 8 bytes of every stored row. gemv: `qweight` [out, in / 8], with scales
and zero points of the same output along a row, padded to whole words.

Sources: AutoAWQ `modules/linear/gemm.py`, `gemv.py`, `utils/packing_utils.py`.
"""

from __future__ import annotations

from ...storage.logical import LogicalTensor
from ...storage.views import transposed
from .gptq import MOST_INPUTS, words_of
from .grouped import Grouped
from .packed import PackedAcross, PackedRows
from .scheme import FLOAT_SCALES, Decoded, Refused, Scheme, Stored, row_major, weight

_ORDER = (0, 4, 1, 5, 2, 6, 3, 7)
"""Where in its word each output's code lies; code i of a word is output 0, 2, 4, 6, 1, 3, 5, 7."""
_BITS, _PER_WORD = 4, 8


def _read(tensor: LogicalTensor, stored: Stored) -> Decoded | Refused | None:
    stem = tensor.name.removesuffix(".qweight")
    codes, scales = stored.get(tensor.name, {"I32"}, 2), stored.get(f"{stem}.scales", FLOAT_SCALES, 2)
    zeros = stored.get(f"{stem}.qzeros", {"I32"}, 2)
    if codes is None or scales is None or zeros is None:
        return None
    used = stored.present(f"{stem}.{leaf}" for leaf in ("qweight", "qzeros", "scales"))
    if codes.shape[1] * _PER_WORD == scales.shape[1] and zeros.shape == (scales.shape[0], codes.shape[1]):
        return _gemm(stem, codes, zeros, scales, used)
    if codes.shape[0] == scales.shape[0] == zeros.shape[0] and zeros.shape[1] * _PER_WORD == scales.shape[1]:
        return _gemv(stem, codes, zeros, scales, stored.said("group_size", 128), used)
    what = f"qweight {codes.shape}, qzeros {zeros.shape} and scales {scales.shape} are no known order of AWQ or GPTQ"
    return Refused(codes.parameters * _PER_WORD, what, used)


def _gemm(
    stem: str, codes: LogicalTensor, zeros: LogicalTensor, scales: LogicalTensor, used: frozenset[str]
) -> Decoded | Refused:
    (groups, outputs), inputs = scales.shape, codes.shape[0]
    if not groups or inputs % groups or not 0 < inputs <= MOST_INPUTS:
        return Refused(inputs * outputs, f"{inputs} inputs are no {groups} equal groups", used)
    words = words_of(codes)
    storage = Grouped(
        PackedAcross(words, _BITS, _ORDER), inputs, inputs // groups,
        scales=transposed(scales.storage, groups, outputs),
        zeros=PackedAcross(words_of(zeros), _BITS, _ORDER),
    )  # fmt: skip
    return Decoded(weight(stem, "INT4", (outputs, inputs), storage), used, words.cost(2))


def _gemv(
    stem: str, codes: LogicalTensor, zeros: LogicalTensor, scales: LogicalTensor, group: int, used: frozenset[str]
) -> Decoded | Refused:
    outputs, inputs = codes.shape[0], codes.shape[1] * _PER_WORD
    if inputs % group or inputs // group > scales.shape[1]:
        return Refused(inputs * outputs, f"{inputs} inputs in groups of {group} do not fit {scales.shape} scales", used)
    storage = Grouped(
        PackedRows(row_major(codes), _BITS, inputs), inputs, group,
        scales=row_major(scales),
        zeros=PackedRows(row_major(zeros), _BITS, scales.shape[1]),
    )  # fmt: skip
    return Decoded(weight(stem, "INT4", (outputs, inputs), storage), used)


AWQ = Scheme("AWQ", r"\.qweight", _read)
