"""MLX: `X.weight` U32 [..., out, in x bits / 32] with `X.scales` and `X.biases` [..., out, in / group].

A value is code x scale + bias. Bits and group size stand in config.json under `quantization`, for the model and for
single modules. A module whose own settings stand there under another name (converters rename after they wrote them)
has the group size of the model, and its bits follow from the shapes. In modes mxfp4 and nvfp4 there are no biases and
scales are bytes. Embeddings are packed like matrices.

Source: MLX `mlx/backend/cpu/quantized.cpp`, `mlx/ops.cpp` (`affine_quantize`, `fp_quantize`).
"""

from __future__ import annotations

from collections.abc import Mapping

from ...storage.logical import LogicalTensor
from .fp4 import MX_GROUP, NV_GROUP, fp4
from .grouped import Grouped, Levels, stacked
from .packed import PackedRows
from .scheme import FLOAT_SCALES, Decoded, Refused, Scheme, Stored, row_major

BITS = (2, 3, 4, 5, 6, 8)
GROUPS = (16, 32, 64, 128)


def _read(tensor: LogicalTensor, stored: Stored) -> Decoded | Refused | None:
    stem = tensor.name.removesuffix(".weight")
    codes, scales = stored.get(tensor.name, {"U32"}), stored.get(f"{stem}.scales", FLOAT_SCALES | {"U8"})
    if codes is None or scales is None:
        return None
    used = stored.present(f"{stem}.{leaf}" for leaf in ("weight", "scales", "biases"))
    biases = stored.get(f"{stem}.biases", FLOAT_SCALES)
    if len(codes.shape) not in (2, 3) or scales.shape[:-1] != codes.shape[:-1]:
        return Refused(codes.parameters * 8, f"codes {codes.shape} do not fit scales {scales.shape}", used)
    if scales.dtype == "U8":
        return _floats(tensor.name, codes, scales, used)
    bits, group = _fitting(codes.shape[-1] * 32, scales.shape[-1], *_settings(stem, stored))
    columns = scales.shape[-1] * group
    if bits not in BITS or codes.shape[-1] * 32 != columns * bits:
        what = (
            f"codes {codes.shape} with scales {scales.shape} are not {bits} bits in groups of {group}, as config says"
        )
        held = codes.parameters * 32 // (bits if bits in BITS else 4)
        return Refused(min(held, scales.parameters * group or held), what, used)
    if biases is None or biases.shape != scales.shape:
        missing = f"has shape {biases.shape}, scales {scales.shape}" if biases else "is missing"
        return Refused(scales.parameters * group, f"{stem}.biases {missing}", used)
    shape = (*codes.shape[:-1], columns)
    tall = Grouped(
        PackedRows(row_major(codes), bits, columns), columns, group, scales=row_major(scales), biases=row_major(biases),
        nearest=Levels(most=(1 << bits) - 1),
    )  # fmt: skip
    return Decoded(LogicalTensor(tensor.name, f"INT{bits}", shape, stacked(tall, shape)), used)


def _settings(stem: str, stored: Stored) -> tuple[int, int]:
    """Bits and group size of a module: its own, else the model's; 0 where config does not say."""
    own = stored.quantisation.get(stem)
    found = [source.get(key) for key in ("bits", "group_size") for source in _sources(own, stored) if key in source]
    values = [n if type(n) is int and 0 < n < 1 << 16 else 0 for n in found]
    return (values[0], values[-1]) if len(values) >= 2 else (0, 0)


def _fitting(size: int, scales: int, bits: int, group: int) -> tuple[int, int]:
    """Bits and group size that `size` bits of codes and `scales` of a row have; as given where nothing fits better.

    size = bits x group x scales: the group size is the model's, for bits alone differ between the layers of one model;
    only where that gives no width of MLX do the bits stay and the group size change.
    """
    if not scales or size % scales or bits * group * scales == size:
        return bits, group
    product = size // scales
    if group and product % group == 0 and product // group in BITS:
        return product // group, group
    if bits and product % bits == 0 and product // bits in GROUPS:
        return bits, product // bits
    return bits, group


def _sources(own: object, stored: Stored) -> list[Mapping[str, object]]:
    return [own] if isinstance(own, Mapping) and "bits" in own and "group_size" in own else [stored.quantisation]


def _floats(name: str, codes: LogicalTensor, scales: LogicalTensor, used: frozenset[str]) -> Decoded | Refused:
    columns = codes.shape[-1] * 8
    for group, kind in ((MX_GROUP, "MXFP4"), (NV_GROUP, "NVFP4")):
        if scales.shape[-1] * group == columns:
            shape = (*codes.shape[:-1], columns)
            storage = stacked(fp4(codes, scales, columns, group, None, inverse=False), shape)
            return Decoded(LogicalTensor(name, kind, shape, storage), used)
    return Refused(
        codes.parameters * 8, f"codes {codes.shape} with byte scales {scales.shape} are not 4-bit floats", used
    )


MLX = Scheme("MLX", r"\.weight", _read)
