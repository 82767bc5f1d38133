"""Packings that are known and not decoded: named with the reason, and with their parameters where shapes tell them.

| leaf            | packing                                                              |
| `.codes`        | AQLM, VPTQ kin: codebooks of vectors                                  |
| `.q_weight`     | EXL2: a stream of groups of different bits                           |
| `.trellis`      | EXL3: trellis codes                                                  |
| `.B`            | Marlin: tiles in the order of one GPU kernel                         |
| `.W_q`          | HQQ: bits and shape stand in a pickled or JSON-encoded state         |
| `.Qidxs`        | QuIP#: codes of a lattice in a rotated basis                         |
"""

from __future__ import annotations

import math

from ...storage.logical import LogicalTensor
from .scheme import Decoded, Refused, Scheme, Stored

_PACKINGS: tuple[tuple[str, str, tuple[str, ...], int], ...] = (
    ("codes", "AQLM keeps vectors of a codebook", ("codebooks", "scales"), 8),
    ("q_weight", "EXL2 mixes groups of different bits", ("q_scale", "q_scale_max", "q_groups", "q_invperm"), 8),
    ("trellis", "EXL3 keeps trellis codes", ("suh", "svh", "su", "sv", "mcg", "mul1"), 4),
    ("B", "Marlin keeps tiles in the order of one GPU kernel", ("s", "workspace"), 8),
    ("W_q", "HQQ keeps bits and shape in a state of its own", ("scale", "zero", "nbits", "shape", "axis"), 2),
    ("Qidxs", "QuIP# keeps codes of a lattice in a rotated basis", ("SU", "SV", "Wscale"), 4),
)  # fmt: skip


def _parameters(tensor: LogicalTensor, stem: str, stored: Stored, a_code: int) -> int:
    """Values of the weight: what the shapes of its companions say, then the bits of the config, then `a_code` a code.

    AQLM: codebooks [n, 2^bits, out, in] a code of [out / ., in / ., n]; EXL2: `q_invperm` has a number an input; EXL3:
    tiles of 16 x 16; QuIP#: SU has one value an input and SV one an output.
    """

    def shape(leaf: str) -> tuple[int, ...]:
        found = stored.by_name.get(f"{stem}.{leaf}")
        return found.shape if found else ()

    match tensor.name.rpartition(".")[2], tensor.shape:
        case "codes", (outputs, inputs, _) if len(books := shape("codebooks")) == 4:
            return outputs * inputs * books[2] * books[3]
        case "q_weight", (_, outputs) if len(order := shape("q_invperm")) == 1:
            return order[0] * outputs
        case "trellis", (inputs, outputs, _):
            return inputs * outputs * 256
        case "Qidxs", _ if shape("SU") and shape("SV"):
            return math.prod(shape("SU")) * math.prod(shape("SV"))
    bits = stored.said("bits") or stored.said("nbits")
    size = {"U8": 8, "I8": 8, "I16": 16, "I32": 32, "I64": 64}.get(tensor.dtype, 0)
    if not 0 < bits <= size:
        return tensor.parameters * a_code
    whole = tensor.name.endswith(".W_q")  # no code of HQQ lies in two words, those of GPTQ do
    return tensor.parameters * (size // bits) if whole else tensor.parameters * size // bits


def _read(tensor: LogicalTensor, stored: Stored) -> Decoded | Refused | None:
    stem, _, last = tensor.name.rpartition(".")
    for leaf, what, companions, a_code in _PACKINGS:
        if leaf != last or tensor.dtype in {"F16", "BF16", "F32"}:
            continue
        if beside := stored.present(f"{stem}.{other}" for other in companions):
            count = _parameters(tensor, stem, stored, a_code)
            return Refused(count, f"{what}, which is not decoded", beside | {tensor.name})
    if last == "qweight" and tensor.dtype in {"I32", "I16", "U8", "I8"}:
        beside = stored.present(f"{stem}.{other}" for other in ("qzeros", "scales", "g_idx"))
        what = "codes of GPTQ or AWQ without scales and zero points that fit"
        if tensor.dtype == "I8":  # a value each: those packings are unsigned
            return Refused(tensor.parameters, "codes of 8 bits without scales that fit", beside | {tensor.name})
        return Refused(_parameters(tensor, stem, stored, 8), what, beside | {tensor.name})
    if last == "weight" and tensor.dtype == "U8" and f"{tensor.name}.absmax" in stored.by_name:
        return Refused(tensor.parameters * 2, "4-bit codes of bitsandbytes in blocks of an unknown type", frozenset())
    if last == "weight" and tensor.dtype == "U8" and f"{tensor.name}.quant_map" in stored.by_name:
        beside = frozenset(name for name in stored.by_name if name.startswith(f"{tensor.name}."))
        return Refused(
            tensor.parameters * 2, "4-bit codes of bitsandbytes without their absmax", beside | {tensor.name}
        )
    return None


UNREAD = Scheme("known and not decoded", r"\.(codes|q_weight|trellis|B|W_q|Qidxs|qweight|weight)", _read)
