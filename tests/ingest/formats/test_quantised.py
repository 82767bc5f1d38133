"""Codes and scales in separate tensors are the matrices that they stand for; what is not decoded is named."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebear.ingest.formats.quantised import unpack
from forebear.ingest.model import fingerprint_model
from forebear.ingest.sources.source import NothingToRead
from forebear.ingest.storage.logical import LogicalTensor, RowMajor
from forebear.ingest.storage.reader import Range
from forebear.registry import Registry

from ...writers import MemorySource, Raw, model_files, raw
from .writers_fused import Floats, load_model, stack_experts
from .writers_quantised import E2M1, fp8, int8, mxfp4

RANDOM = np.random.default_rng(17)


def no_bytes(ranges: Sequence[Range]) -> list[bytes]:
    """For tensors that need none read to be described."""
    raise AssertionError(ranges)


def nearest(folder: Path, files: Mapping[str, bytes], registry_path: Path) -> Any:
    for path, data in files.items():
        (folder / path).write_bytes(data)
    with Registry(registry_path, read_only=True) as registry:
        report = registry.ancestors(folder)
    assert report.verdict in {"derived", "related"}
    return report.components[0].ancestors[0]


@pytest.mark.parametrize(
    ("options", "identity"),
    [
        ({"per": "tensor"}, 0.999),
        ({"per": "row"}, 0.999),
        ({"block": 32, "leaf": "weight_scale_inv"}, 0.999),
        ({"block": 128, "leaf": "weight_scale_inv"}, 0.999),
        (None, 0.999),
    ],
)
def test_an_8_bit_copy_ranks_its_source_first(
    zoo: Path, zoo_registry: Path, tmp_path: Path, options: dict[str, Any] | None, identity: float
) -> None:
    tensors, config, tokenizer = load_model(zoo / "alder")
    packed = int8(tensors) if options is None else fp8(tensors, **options)
    if options and "block" in options:
        config["quantization_config"] = {"weight_block_size": [options["block"]] * 2}
    first = nearest(tmp_path, model_files(packed, config=config, tokenizer=tokenizer), zoo_registry)
    assert first.name == "alder" and first.relation == ("numeric_copy",)
    assert first.identity > identity and first.coverage > 0.95


def test_scales_that_fit_no_block_are_said() -> None:
    codes = LogicalTensor("a.weight", "F8_E4M3", (80, 80), RowMajor("f", 0, "F8_E4M3", 80))
    scale = LogicalTensor("a.weight_scale_inv", "F32", (3, 3), RowMajor("f", 6400, "F32", 3))
    made = unpack([codes, scale], {}, no_bytes)
    assert made.skipped[0].name == "a.weight" and "known block" in made.skipped[0].reason


def test_the_experts_of_gpt_oss_are_decoded_from_their_blocks() -> None:
    experts, rows, columns = 3, 8, 64
    values = RANDOM.normal(size=(experts, rows, columns)).astype(np.float32)
    blocks, scales = mxfp4(values)
    assert blocks.shape == (3, 8, 2, 16) and scales.shape == (3, 8, 2)
    data = blocks.data + scales.data
    stored = [
        LogicalTensor("experts.down_proj_blocks", "U8", blocks.shape, RowMajor("f", 0, "U8", 256)),
        LogicalTensor("experts.down_proj_scales", "U8", scales.shape, RowMajor("f", len(blocks.data), "U8", 16)),
    ]
    (tensor,) = unpack(stored, {}, no_bytes).tensors
    assert (tensor.name, tensor.dtype, tensor.shape) == ("experts.down_proj", "MXFP4", values.shape)
    codes = np.frombuffer(blocks.data, np.uint8).reshape(3, 8, 2, 16)
    signed = np.concatenate((E2M1, -E2M1))
    # transformers integrations/mxfp4.py: low half to even places, high half to odd ones, times 2 ** (scale - 127)
    expected = np.empty((3, 8, 2, 32), np.float32)
    expected[..., 0::2], expected[..., 1::2] = signed[codes & 15], signed[codes >> 4]
    powers = np.frombuffer(scales.data, np.uint8).reshape(3, 8, 2, 1).astype(np.int32) - 127
    whole = (expected * np.exp2(powers)).reshape(values.shape)
    assert np.corrcoef(whole.ravel(), values.ravel())[0, 1] > 0.99
    for expert in range(experts):
        one = tensor.storage.cut(expert * rows * columns, columns)  # type: ignore[attr-defined]
        for wanted in ([0, 1, 2], [1, 4, 5]):
            chunks = [data[r.offset : r.end] for r in one.ranges(wanted)]
            np.testing.assert_array_equal(one.decode(wanted, chunks), whole[expert][wanted])


def test_stacked_and_packed_experts_take_their_places(zoo: Path) -> None:
    tensors, config, tokenizer = load_model(zoo / "alder-moe")
    wide = {
        n: np.repeat(v, 2, axis=-1)[..., : v.shape[-1] // 32 * 32 + 32] if "experts" in n else v
        for n, v in stack_experts(tensors, turned=False).items()
    }
    files: dict[str, Raw | Floats] = {}
    for name, values in wide.items():
        if "experts" in name:
            files[f"{name}_blocks"], files[f"{name}_scales"] = mxfp4(values)
        else:
            files[name] = values
    made = fingerprint_model(
        MemorySource(model_files(files, config=config | {"model_type": "gpt_oss"}, tokenizer=tokenizer))
    )
    roles = {(t.named.place.expert, t.named.place.role) for t in made.tensors if t.named.place.expert is not None}
    assert roles == {(e, r) for e in range(4) for r in ("gate", "up", "down")} and not made.skipped


@pytest.mark.parametrize(
    ("leaves", "reason", "parameters"),
    [
        (("qweight", "g_idx"), "GPTQ or AWQ without scales", 1024),
        (("qweight", "qzeros", "scales"), "GPTQ or AWQ without scales", 1024),
        (("weight_packed", "weight_scale"), "do not say what they are", 1024),
        (("trellis", "suh", "svh"), "EXL3", 512),
        (("W_q", "scale", "zero"), "HQQ", 256),
        (("codes", "codebooks", "scales"), "AQLM", 1024),
        (("q_weight", "q_scale", "q_invperm"), "EXL2", 1024),
        (("B", "s", "workspace"), "Marlin", 1024),
    ],
)
def test_codes_that_are_not_decoded_are_named_and_their_companions_are_no_weights(
    leaves: tuple[str, ...], reason: str, parameters: int
) -> None:
    tensors = [LogicalTensor(f"a.{n}", "I32", (8, 16), RowMajor("f", 0, "I32", 16)) for n in leaves]
    made = unpack(tensors, {}, no_bytes)
    (skipped,) = made.skipped
    assert skipped.name == f"a.{leaves[0]}" and skipped.parameters == parameters and reason in skipped.reason
    assert not made.tensors


HQQ = {"quantization_config": {"quant_method": "hqq", "quant_config": {"weight_quant_params": {"nbits": 2}}}}


@pytest.mark.parametrize(
    ("shapes", "dtype", "config"),
    [
        ({"codes": (4, 8, 2), "codebooks": (2, 256, 8, 8), "scales": (4, 1, 1, 1)}, "I8", {}),
        ({"q_weight": (13, 32), "q_scale": (4, 4), "q_invperm": (64,)}, "I32", {}),  # 6.5 bits
        ({"trellis": (4, 2, 48), "suh": (64,), "svh": (32,)}, "I16", {}),  # 3 bits
        ({"Qidxs": (32, 2), "SU": (64,), "SV": (32,), "Wscale": ()}, "I64", {}),
        ({"W_q": (16, 32), "scale": (1, 32), "zero": (1, 32)}, "U8", HQQ),
        ({"qweight": (6, 32), "g_idx": (64,)}, "I32", {"quantization_config": {"bits": 3}}),
        ({"qweight": (16, 32), "g_idx": (64,)}, "I32", {"quantization_config": {"bits": 8}}),
        ({"qweight": (6, 32), "qzeros": (1, 5), "scales": (1, 32)}, "I32", {"quantization_config": {"bits": 3}}),
    ],
    ids=lambda value: next(iter(value), "") if isinstance(value, dict) else "",
)
def test_codes_that_are_not_decoded_count_with_the_values_of_their_weight(
    shapes: dict[str, tuple[int, ...]], dtype: str, config: dict[str, Any]
) -> None:
    codes = next(iter(shapes))
    kinds = {name: dtype if name == codes else "F16" if name == "scales" else "I32" for name in shapes}
    tensors = [LogicalTensor(f"a.{n}", kinds[n], s, RowMajor("f", 0, kinds[n], 1)) for n, s in shapes.items()]
    (skipped,) = unpack(tensors, config, no_bytes).skipped
    assert (skipped.name, skipped.parameters) == (f"a.{codes}", 32 * 64)


def test_a_bitsandbytes_weight_without_its_state_is_named() -> None:
    codes = LogicalTensor("a.weight", "U8", (64, 1), RowMajor("f", 0, "U8", 1))
    absmax = LogicalTensor("a.weight.absmax", "F32", (2,), RowMajor("f", 64, "F32", 2))
    (skipped,) = unpack([codes, absmax], {}, no_bytes).skipped
    assert skipped.parameters == 128 and "quant_state" in skipped.reason


def test_codes_of_bitsandbytes_without_the_scales_of_their_blocks_are_one_weight_that_is_not_read() -> None:
    shapes = {"": (64, 1), ".quant_map": (16,), ".nested_absmax": (1,), ".quant_state.bitsandbytes__nf4": (90,)}
    tensors = [LogicalTensor(f"a.weight{n}", "U8", s, RowMajor("f", 0, "U8", 1)) for n, s in shapes.items()]
    made = unpack(tensors, {}, lambda ranges: [b"{}" for _ in ranges])
    assert [(s.name, s.parameters) for s in made.skipped] == [("a.weight", 128)] and not made.tensors


@pytest.mark.parametrize("block", [4, 8])
def test_stacked_float8_experts_are_those_of_the_experts_one_by_one(zoo: Path, block: int) -> None:
    tensors, config, tokenizer = load_model(zoo / "alder-moe")
    files: dict[str, Raw | Floats] = {}
    plain: dict[str, Floats] = {}
    for name, values in stack_experts(tensors, turned=False).items():
        if "experts" not in name:
            files[name] = plain[name] = values
            continue
        experts = [fp8({"layers.0.layers.weight": one}, block=block, leaf="s") for one in values]
        codes, scales = ([cast(Raw, e[k]) for e in experts] for k in ("layers.0.layers.weight", "layers.0.layers.s"))
        files[name] = Raw("F8_E4M3", values.shape, b"".join(c.data for c in codes))
        stacked = Raw("F32", (len(values), *scales[0].shape), b"".join(s.data for s in scales))
        files[f"{name}_scale_inv"] = stacked
        numbers = np.frombuffer(stacked.data, "<f4").reshape(stacked.shape)
        wide = np.repeat(np.repeat(numbers, block, 1), block, 2)[:, : values.shape[1], : values.shape[2]]
        floats = np.frombuffer(files[name].data, ml_dtypes.float8_e4m3fn).astype(np.float32)
        plain[name] = floats.reshape(values.shape) * wide
    about = config | {"quantization_config": {"weight_block_size": [block, block]}}
    made = fingerprint_model(MemorySource(model_files(files, config=about, tokenizer=tokenizer)))
    same = fingerprint_model(MemorySource(model_files(plain, config=config, tokenizer=tokenizer)))
    assert not made.skipped and made.parameters == same.parameters and made.content == same.content


shapes = st.lists(st.integers(0, 9), max_size=4).map(tuple)
leaves = st.sampled_from(
    ["weight", "weight_scale", "weight_scale_inv", "SCB", "x_blocks", "x_scales", "qweight", "weight.absmax"]
)
types = st.sampled_from(["F8_E4M3", "I8", "U8", "F32", "I32"])


@given(st.dictionaries(leaves, st.tuples(shapes, types)), st.one_of(st.none(), st.lists(st.integers(-1, 4))))
def test_whatever_shapes_say_every_plan_stays_inside_and_decodes(
    specs: dict[str, tuple[tuple[int, ...], str]], said: Any
) -> None:
    files = {}
    for leaf, (shape, dtype) in specs.items():
        values = RANDOM.integers(0, 5, shape)
        files[f"model.layers.0.mlp.up_proj.{leaf}"] = raw(values, dtype)
    config = {"quantization_config": {"weight_block_size": said}}
    with suppress(NothingToRead):  # nothing but skips is no model
        fingerprint_model(MemorySource(model_files(files, config=json.loads(json.dumps(config)))))
