"""Small linear layers quantised by the libraries themselves, with the values that each library makes of them again.

    python make.py bitsandbytes|mlx|compressed_tensors|autoawq [FOLDER]

Each run writes FOLDER/LIBRARY.safetensors (packed tensors, and `NAME.expected` in float32) and FOLDER/LIBRARY.json
(versions, config). `make test-libraries` runs it in the environment of each library and compares.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

ROWS, COLUMNS = 24, 128


def values(seed: int) -> Any:
    """The layer [ROWS, COLUMNS] float32 that is quantised."""
    return np.random.default_rng(seed).normal(0, 0.02, (ROWS, COLUMNS)).astype(np.float32)


def bitsandbytes() -> tuple[dict[str, Any], dict[str, Any]]:
    """nf4 and fp4, plain and double, on the CPU."""
    import torch
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    tensors: dict[str, Any] = {}
    for number, (kind, nested) in enumerate((k, n) for k in ("nf4", "fp4") for n in (False, True)):
        codes, state = quantize_4bit(
            torch.from_numpy(values(number)), blocksize=64, quant_type=kind, compress_statistics=nested
        )
        name = f"layers.{number}.q_proj.weight"
        tensors[name] = codes
        tensors |= {f"{name}.{leaf}": value for leaf, value in state.as_dict(packed=True).items()}
        tensors[f"{name}.expected"] = dequantize_4bit(codes, state).float()
    return {name: value.contiguous().numpy() for name, value in tensors.items()}, {}


def mlx() -> tuple[dict[str, Any], dict[str, Any]]:
    """Affine codes of every number of bits, and 4-bit floats."""
    import mlx.core as mx

    tensors: dict[str, Any] = {}
    config: dict[str, Any] = {"bits": 4, "group_size": 64}
    for bits in (2, 3, 4, 5, 6, 8):
        name = f"layers.{bits}.q_proj"
        parts = mx.quantize(mx.array(values(bits)), group_size=64, bits=bits)
        tensors |= {
            f"{name}.{leaf}": np.array(x) for leaf, x in zip(("weight", "scales", "biases"), parts, strict=True)
        }
        tensors[f"{name}.weight.expected"] = np.array(mx.dequantize(*parts, group_size=64, bits=bits))
        config[name] = {"bits": bits, "group_size": 64}
    for number, (mode, group) in enumerate((("mxfp4", 32), ("nvfp4", 16))):
        name = f"layers.{10 + number}.q_proj"
        codes, scales = mx.quantize(mx.array(values(number)), group_size=group, bits=4, mode=mode)
        tensors |= {f"{name}.weight": np.array(codes), f"{name}.scales": np.array(scales)}
        made = mx.dequantize(codes, scales, group_size=group, bits=4, mode=mode)
        tensors[f"{name}.weight.expected"] = np.array(made.astype(mx.float32))
    return tensors, {"quantization": config}


def compressed_tensors() -> tuple[dict[str, Any], dict[str, Any]]:
    """Packed 4 and 8 bits by groups, by rows, with zero points."""
    import torch
    from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32

    tensors: dict[str, Any] = {}
    cases = [(bits, group, zeros) for bits in (4, 8) for group in (32, COLUMNS) for zeros in (False, True)]
    for number, (bits, group, zeros) in enumerate(cases):
        parts = torch.from_numpy(values(number)).reshape(ROWS, -1, group)
        low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        least, most = parts.amin(-1, keepdim=True), parts.amax(-1, keepdim=True)
        scale = (most - least) / (high - low) if zeros else parts.abs().amax(-1, keepdim=True) / high
        point = (low - least / scale).round().clamp(low, high) if zeros else torch.zeros_like(scale)
        codes = ((parts / scale).round() + point).clamp(low, high)
        name = f"layers.{number}.q_proj"
        tensors[f"{name}.weight_packed"] = pack_to_int32(codes.reshape(ROWS, COLUMNS).to(torch.int8), bits)
        tensors[f"{name}.weight_scale"] = scale[..., 0]
        tensors[f"{name}.weight_shape"] = torch.tensor([ROWS, COLUMNS])
        if zeros:
            tensors[f"{name}.weight_zero_point"] = pack_to_int32(point[..., 0].to(torch.int8), bits, packed_dim=0)
        tensors[f"{name}.weight.expected"] = ((codes - point) * scale).reshape(ROWS, COLUMNS)
    return {name: value.contiguous().numpy() for name, value in tensors.items()}, {}


def autoawq() -> tuple[dict[str, Any], dict[str, Any]]:
    """Random codes of AWQ, and the same as AutoAWQ turns them into those of GPTQ for ExLlama.

    The one module that is needed is loaded by its path: AutoAWQ's own __init__ asks for all of transformers.
    """
    import importlib.util
    from importlib.metadata import distribution

    import torch

    place = distribution("autoawq").locate_file("awq/utils/packing_utils.py")
    spec = importlib.util.spec_from_file_location("packing_utils", str(place))
    assert spec and spec.loader
    packing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(packing)
    random = torch.Generator().manual_seed(0)
    codes = torch.randint(-(2**31), 2**31 - 1, (COLUMNS, ROWS // 8), dtype=torch.int32, generator=random)
    zeros = torch.randint(-(2**31), 2**31 - 1, (COLUMNS // 32, ROWS // 8), dtype=torch.int32, generator=random)
    zeros |= 0x11111111  # exllama's form, less one, cannot hold 0
    scales = (torch.rand((COLUMNS // 32, ROWS), generator=random) / 100).half()
    expected = packing.dequantize_gemm(codes, zeros, scales.float(), 4, 32).T
    turned, points = packing.unpack_reorder_pack(codes, zeros, 4)
    tensors: dict[str, Any] = {}
    for name, words, shift in (("layers.0.q_proj", codes, zeros), ("layers.1.q_proj", turned, points)):
        tensors |= {f"{name}.qweight": words, f"{name}.qzeros": shift, f"{name}.scales": scales.clone()}
        tensors[f"{name}.weight.expected"] = expected.clone()
    return {name: value.contiguous().numpy() for name, value in tensors.items()}, {}


LIBRARIES = {"autoawq": autoawq, "bitsandbytes": bitsandbytes, "mlx": mlx, "compressed_tensors": compressed_tensors}


def main(library: str, folder: Path) -> None:
    """Write both files of one library."""
    tensors, config = LIBRARIES[library]()
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / f"{library}.safetensors")
    about = {"library": library, "version": version(library.replace("_", "-")), "config": config}
    (folder / f"{library}.json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent)
