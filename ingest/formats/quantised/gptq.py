"""GPTQ: `qweight` I32 [in x bits / 32, out] with `scales` [groups, out], `qzeros` and, after act-order, `g_idx` [in].

Each word of `qweight` holds neighbouring inputs of one output, so that 16 outputs are 64 bytes of every stored row.
`qzeros` [groups, out x bits / 32] packs along the outputs. Files of `checkpoint_format` gptq (all before 2024) store
every zero point less one, gptq_v2 as it is.

Limitations: a zero point of 0 that a writer of the first format borrowed from the neighbour in its word is read as
the code says; Marlin's own order of tiles is not decoded.

Sources: AutoGPTQ `nn_modules/qlinear/qlinear_cuda.py`; GPTQModel `utils/model.py` (`convert_gptq_v1_to_v2_format`).
"""

from __future__ import annotations

from ...storage.logical import LogicalTensor
from ...storage.views import transposed
from .grouped import Grouped
from .packed import PackedAcross, PackedDown, WordColumns
from .scheme import FLOAT_SCALES, Decoded, Refused, Scheme, Stored, row_major, weight

BITS = (2, 3, 4, 8)
MOST_INPUTS = 1 << 18


def words_of(tensor: LogicalTensor) -> WordColumns:
    """The words of a plainly stored matrix of 32-bit integers."""
    plain = row_major(tensor)
    return WordColumns(plain.file, plain.offset, *tensor.matrix)


def _read(tensor: LogicalTensor, stored: Stored) -> Decoded | Refused | None:
    stem = tensor.name.removesuffix(".qweight")
    codes, scales = stored.get(tensor.name, {"I32"}, 2), stored.get(f"{stem}.scales", FLOAT_SCALES, 2)
    zeros = stored.get(f"{stem}.qzeros", {"I32"}, 2)
    if codes is None or scales is None or zeros is None or codes.shape[1] != scales.shape[1]:
        return None
    if stored.quantisation.get("quant_method") == "awq":  # gemv of 64 inputs has the shapes of GPTQ
        return None
    used = stored.present(f"{stem}.{leaf}" for leaf in ("qweight", "qzeros", "scales", "g_idx"))
    (height, outputs), groups = codes.shape, scales.shape[0]
    bits = _bits(zeros.shape, scales.shape, stored)
    if not bits or height * 32 % bits or not groups:
        what = f"qzeros of shape {zeros.shape} and scales of shape {scales.shape} are not those of {BITS} bits"
        return Refused(codes.parameters * 32 // min(32, stored.said("bits", 4)), what, used)
    inputs = height * 32 // bits
    order = stored.get(f"{stem}.g_idx", {"I32", "I64"}, 1)
    group = -(-inputs // groups)
    if order is None and inputs % groups:
        group = stored.said("group_size", group)
    if order is not None and order.shape != (inputs,):
        return Refused(inputs * outputs, f"g_idx of shape {order.shape} for {inputs} inputs", used)
    if inputs > MOST_INPUTS or -(-inputs // group) != groups:
        return Refused(inputs * outputs, f"{groups} groups of {group} do not make {inputs} inputs", used)
    words = words_of(codes)
    storage = Grouped(
        PackedDown(words, bits, inputs), inputs, group,
        scales=transposed(scales.storage, groups, outputs),
        zeros=PackedAcross(words_of(zeros), bits, add=0 if _second(stored) else 1),
        order=row_major(order) if order else None,
    )  # fmt: skip
    made = weight(stem, f"INT{bits}", (outputs, inputs), storage)
    return Decoded(made, used, words.cost(min(16, outputs)))


def _bits(zeros: tuple[int, ...], scales: tuple[int, ...], stored: Stored) -> int:
    """The bits of which that many words hold one zero point an output; 0 when there are none.

    Where padding leaves several, what the config says, else those that fill whole words.
    """
    fits = [bits for bits in BITS if zeros == (scales[0], -(-scales[1] * bits // 32)) and scales[1]]
    said = stored.said("bits")
    return min(fits, key=lambda bits: (bits != said, scales[1] * bits % 32 > 0), default=0)


def _second(stored: Stored) -> bool:
    return stored.quantisation.get("checkpoint_format") == "gptq_v2"


GPTQ = Scheme("GPTQ", r"\.qweight", _read)
