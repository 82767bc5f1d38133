"""Scales and settings under the names that ComfyUI, Mistral, DeepSeek, vLLM and MLX's converters give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebear.ingest.formats.quantised import unpack
from forebear.ingest.formats.quantised.mlx import BITS, GROUPS
from forebear.ingest.model import ModelFingerprint, fingerprint_model
from forebear.ingest.storage.logical import LogicalTensor, RowMajor

from ...writers import Floats, MemorySource, Raw, llama, model_files, raw
from .writers_packed import mlx, packed

RANDOM = np.random.default_rng(23)
CONFIG: dict[str, Any] = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16}
TOKENIZER = {"model": {"type": "BPE", "vocab": {f"t{i}": i for i in range(96)}, "merges": []}, "added_tokens": []}


def read(tensors: Mapping[str, Raw | Floats], config: Mapping[str, Any] = CONFIG) -> ModelFingerprint:
    return fingerprint_model(MemorySource(model_files(tensors, config=config, tokenizer=TOKENIZER)))


def positions(made: ModelFingerprint) -> dict[object, bytes]:
    return {t.named.place: t.positions.tobytes() for t in made.tensors if t.positions is not None}


def scaled(leaf: str, beside: Mapping[str, Raw]) -> dict[str, Raw | Floats]:
    """llama of tests/writers.py in float8 with one scale a matrix under the name `leaf`, and more of each module."""
    made: dict[str, Raw | Floats] = {}
    for name, values in llama(3).items():
        if values.ndim < 2 or "embed" in name:
            made[name] = values
            continue
        scale = np.float32(np.abs(values).max() / 448)
        made[name] = raw(values / scale, "F8_E4M3")
        made[name.replace("weight", leaf)] = raw(np.array(scale, np.float32))
        made |= {name.replace("weight", other): value for other, value in beside.items()}
    return made


ONE = raw(np.ones((), np.float32))
JSON = raw(np.frombuffer(b'{"format": "float8_e4m3fn"}', np.uint8), "U8")


@pytest.mark.parametrize(
    ("leaf", "beside"),
    [
        ("scale_weight", {}),
        ("scale_weight", {"scale_input": ONE}),
        ("weight_scale", {"comfy_quant": JSON, "input_scale": ONE}),
        ("qscale_weight", {"qscale_act": ONE}),
        ("scale", {}),
    ],
)
def test_the_scale_is_applied_under_whatever_name_and_what_stands_beside_it_is_used_up(
    leaf: str, beside: Mapping[str, Raw]
) -> None:
    usual, found = read(scaled("weight_scale", {})), read(scaled(leaf, beside))
    assert positions(found) == positions(usual)
    assert found.parameters == usual.parameters and not found.skipped
    assert {t.named.tensor.name for t in found.tensors} == {t.named.tensor.name for t in usual.tensors}


def test_the_mark_of_comfyui_for_a_scaled_file_changes_nothing() -> None:
    marked = scaled("scale_weight", {}) | {"scaled_fp8": raw(np.zeros(2, np.float32), "F8_E4M3")}
    assert positions(read(marked)) == positions(read(scaled("weight_scale", {})))


@pytest.mark.parametrize("leaf", ["scale", "scale_inv"])
def test_experts_of_vllm_in_float8_are_scaled(leaf: str) -> None:
    tensors: dict[str, Raw | Floats] = {n: v for n, v in llama(3).items() if ".mlp." not in n}
    plain = dict(tensors)
    for layer in range(2):
        at = f"model.layers.{layer}.mlp.experts"
        for name, shape in (("w13_weight", (2, 96, 64)), ("w2_weight", (2, 64, 48))):
            codes = raw(RANDOM.normal(0, 100, shape).astype(np.float32), "F8_E4M3")
            scale = RANDOM.uniform(0.5, 1, (2, 1, 1)).astype(np.float32)
            tensors |= {f"{at}.{name}": codes, f"{at}.{name}_{leaf}": raw(scale)}
            plain[f"{at}.{name}"] = decoded(codes) * scale
    assert positions(read(tensors)) == positions(read(plain))


def decoded(codes: Raw) -> Floats:
    import ml_dtypes

    return np.frombuffer(codes.data, ml_dtypes.float8_e4m3fn).reshape(codes.shape).astype(np.float32)


def mixed(own: Mapping[str, object]) -> ModelFingerprint:
    """Down projections in 8 bits, all else in 4, with settings of modules `own`."""
    tensors = llama(3)
    low, high = packed(tensors, mlx(bits=4, group=16)), packed(tensors, mlx(bits=8, group=16))
    config = CONFIG | {"quantization": {"group_size": 16, "bits": 4, **own}}
    return read({name: (high if "down_proj" in name else low)[name] for name in low}, config)


def test_bits_of_mlx_follow_from_the_shapes_where_settings_have_other_names() -> None:
    stems = [f"model.layers.{i}.mlp.down_proj" for i in range(2)]
    named = mixed({stem: {"group_size": 16, "bits": 8} for stem in stems})
    renamed = mixed({f"language_model.{stem}": {"group_size": 16, "bits": 8} for stem in stems})
    assert positions(renamed) == positions(named) and positions(mixed({})) == positions(named)
    assert not renamed.skipped and {t.named.tensor.dtype for t in renamed.tensors} >= {"INT4", "INT8"}


def test_codes_that_no_bits_of_mlx_fit_are_skipped_with_their_settings() -> None:
    tensors: dict[str, Raw | Floats] = {"x.weight": raw(np.zeros((4, 7), np.uint32), "U32"),
               "x.scales": np.ones((4, 4), np.float32), "x.biases": np.ones((4, 4), np.float32),
               "y.weight": np.ones((4, 4), np.float32)}  # fmt: skip
    made = read(tensors, {"quantization": {"group_size": 16, "bits": 4}})
    (skipped,) = made.skipped
    assert "are not 4 bits in groups of 16" in skipped.reason and skipped.parameters == 4 * 7 * 8


@given(
    st.integers(0, 1 << 20), st.integers(0, 1 << 12), st.sampled_from([0, *BITS, 7]), st.sampled_from([0, *GROUPS, 48])
)
def test_any_widths_and_settings_of_mlx_are_read_or_refused(words: int, scales: int, bits: int, group: int) -> None:
    def logical(leaf: str, dtype: str, width: int) -> LogicalTensor:
        return LogicalTensor(f"x.{leaf}", dtype, (2, width), RowMajor("f", 0, dtype, width))

    tensors = [logical("weight", "U32", words), logical("scales", "F16", scales), logical("biases", "F16", scales)]
    layout = unpack(tensors, {"quantization": {"bits": bits, "group_size": group}}, lambda ranges: [])
    assert len(layout.tensors) + len(layout.skipped) == 1
    for made in layout.tensors:
        assert int(made.dtype.removeprefix("INT")) * made.shape[1] == 32 * words
