"""Small linear layers quantised by the libraries themselves, with the values that each library makes of them again.

    python make.py LIBRARY [FOLDER]

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


def bitsandbytes(_: Path) -> tuple[dict[str, Any], dict[str, Any]]:
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


def mlx(_: Path) -> tuple[dict[str, Any], dict[str, Any]]:
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


def compressed_tensors(_: Path) -> tuple[dict[str, Any], dict[str, Any]]:
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


def gptqmodel(_: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """4 and 8 bits in groups, in order and by g_idx, packed and unpacked by the library's plain torch module."""
    import torch
    from gptqmodel.nn_modules.qlinear.torch import TorchLinear

    tensors: dict[str, Any] = {}
    group, rows = 32, 32  # of outputs it takes multiples of 32 only
    for number, (bits, shuffled) in enumerate((b, s) for b in (4, 8) for s in (False, True)):
        full = torch.from_numpy(np.random.default_rng(number).normal(0, 0.02, (rows, COLUMNS)).astype(np.float32))
        order = torch.arange(COLUMNS) // group
        if shuffled:
            order = order[torch.randperm(COLUMNS, generator=torch.Generator().manual_seed(number))]
        parts = torch.stack([full[:, order == g] for g in range(COLUMNS // group)], 1)
        low, high = parts.amin(-1).clamp(max=0), parts.amax(-1).clamp(min=0)
        scales = ((high - low) / (2**bits - 1)).half().float()
        zeros = (-low / scales).round().clamp(1, 2**bits - 1)
        linear = torch.nn.Linear(COLUMNS, rows, bias=False)
        linear.weight.data = full
        packed = TorchLinear(
            bits=bits, group_size=group, sym=False, desc_act=shuffled, in_features=COLUMNS, out_features=rows
        )
        packed.pack_original(linear, scales, zeros, order.int())
        packed.eval()
        name = f"layers.{number}.q_proj"
        tensors |= {
            f"{name}.{leaf}": getattr(packed, leaf).clone() for leaf in ("qweight", "qzeros", "scales", "g_idx")
        }
        tensors[f"{name}.weight.expected"] = packed.dequantize_weight().T.float().clone()
    config = {"quantization_config": {"quant_method": "gptq", "checkpoint_format": "gptq_v2"}}
    return {name: value.contiguous().numpy() for name, value in tensors.items()}, config


def torchao(_: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """int8 by rows, flattened for safetensors as the library does; its int4 is packed for kernels of GPUs."""
    import torch
    from torchao.prototype.safetensors.safetensors_support import flatten_tensor_state_dict
    from torchao.quantization import Int8WeightOnlyConfig, quantize_

    tensors: dict[str, Any] = {}
    for number in range(2):
        model = torch.nn.ModuleDict({"q_proj": torch.nn.Linear(COLUMNS, ROWS, bias=False)})
        model["q_proj"].weight.data = torch.from_numpy(values(number))
        quantize_(model, Int8WeightOnlyConfig())
        flat, _about = flatten_tensor_state_dict(model.state_dict())
        tensors |= {f"layers.{number}.{name}": value for name, value in flat.items()}
        tensors[f"layers.{number}.q_proj.weight.expected"] = model["q_proj"].weight.dequantize().float()
    return {name: value.detach().contiguous().numpy() for name, value in tensors.items()}, {}


def autoawq(_: Path) -> tuple[dict[str, Any], dict[str, Any]]:
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


def onnxruntime(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Files of onnxruntime's quantisers: FOLDER/onnxruntime_KIND.onnx; the values of each, as [out, in]."""
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_dynamic, quantize_static

    random = np.random.default_rng(0)
    shapes = {"model.embed_tokens.weight": (20, 16), "onnx::MatMul_10": (16, 16), "onnx::MatMul_11": (16, 24),
              "head.weight": (12, 24), "head.bias": (12,)}  # fmt: skip
    tensors = {name: random.normal(0, 0.05, shape).astype(np.float32) for name, shape in shapes.items()}
    make = onnx.helper.make_node
    nodes = [
        make("Gather", ["model.embed_tokens.weight", "ids"], ["e"], "/model/embed_tokens/Gather"),
        make("MatMul", ["e", "onnx::MatMul_10"], ["a"], "/model/layers.0/self_attn/q_proj/MatMul"),
        make("MatMul", ["a", "onnx::MatMul_11"], ["b"], "/model/layers.0/mlp/up_proj/MatMul"),
        make("Gemm", ["b", "head.weight", "head.bias"], ["c"], "/head/Gemm", transB=1),
    ]
    value = onnx.helper.make_tensor_value_info
    ends = [value("ids", onnx.TensorProto.INT64, [5])], [value("c", onnx.TensorProto.FLOAT, [5, 12])]
    stored = [onnx.numpy_helper.from_array(x, name) for name, x in tensors.items()]
    graph = onnx.helper.make_graph(nodes, "made", *ends, stored)
    plain = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "onnxruntime_plain.onnx"
    onnx.save(plain, source)

    class Samples:
        def __init__(self) -> None:
            self.left = iter([{"ids": np.arange(i, i + 5)} for i in range(0, 15, 5)])

        def get_next(self) -> Any:
            return next(self.left, None)

        def __len__(self) -> int:
            return 3

    expected: dict[str, Any] = {}
    for kind, style, by_output in (
        ("qdq", QuantFormat.QDQ, False), ("qdq_by_output", QuantFormat.QDQ, True),
        ("qoperator", QuantFormat.QOperator, True), ("dynamic", None, False), ("dynamic_by_output", None, True),
    ):  # fmt: skip
        path = folder / f"onnxruntime_{kind}.onnx"
        if style is None:
            quantize_dynamic(source, path, per_channel=by_output)
        else:
            options = {"quant_format": style, "per_channel": by_output, "weight_type": QuantType.QInt8}
            quantize_static(source, path, Samples(), **options)
        values = _dequantised(path, turned_head=style is None)
        expected |= {f"{kind}/{name}": np.ascontiguousarray(value) for name, value in values.items()}
    source.unlink()
    return expected, {}


def _dequantised(path: Path, *, turned_head: bool) -> dict[str, Any]:
    """The weights of a quantised file as onnxruntime's own DequantizeLinear makes them, by the module's name."""
    import onnx
    from onnxruntime import InferenceSession

    graph = onnx.load(path).graph
    kept = {one.name: one for one in graph.initializer}
    axes = {n.input[0]: a.i for n in graph.node if n.op_type == "DequantizeLinear" for a in n.attribute}
    names = {"model.embed_tokens.weight": False, "onnx::MatMul_10": True, "onnx::MatMul_11": True,
             "head.weight": turned_head, "head.bias": False}  # fmt: skip
    modules = {"onnx::MatMul_10": "model.layers.0.self_attn.q_proj.weight",
               "onnx::MatMul_11": "model.layers.0.mlp.up_proj.weight"}  # fmt: skip
    found: dict[str, Any] = {}
    for name, turned in names.items():
        codes, scale = f"{name}_quantized", f"{name}_quantized_scale" if "bias" in name else f"{name}_scale"
        if name in kept:
            values = onnx.numpy_helper.to_array(kept[name])
        elif scale in kept:
            inputs = [codes, scale, scale.replace("_scale", "_zero_point")]
            axis = axes.get(codes, 1 if turned else 0)
            node = onnx.helper.make_node("DequantizeLinear", inputs, ["y"], axis=axis)
            shape = list(kept[codes].dims)
            end = [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, shape)]
            one = onnx.helper.make_graph([node], "one", [], end, [kept[i] for i in inputs])
            made = onnx.helper.make_model(one, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
            (values,) = InferenceSession(made.SerializeToString()).run(None, {})
        else:
            continue  # the bias of a QGemm: its scale is the product of two others
        found[modules.get(name, name)] = values.T if turned else values
    return found


LIBRARIES = {
    "autoawq": autoawq,
    "bitsandbytes": bitsandbytes,
    "mlx": mlx,
    "compressed_tensors": compressed_tensors,
    "gptqmodel": gptqmodel,
    "torchao": torchao,
    "onnxruntime": onnxruntime,
}


def main(library: str, folder: Path) -> None:
    """Write both files of one library."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors, config = LIBRARIES[library](folder)
    save_file(tensors, folder / f"{library}.safetensors")
    about = {"library": library, "version": version(library.replace("_", "-")), "config": config}
    (folder / f"{library}.json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent)
