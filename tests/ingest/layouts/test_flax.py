"""Archives of Flax hold the matrices of transformers: heads on an axis of their own, kernels, layers of a scan."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebear.ingest.layouts.flax import apart, with_whole_heads
from forebear.ingest.layouts.fused import unfuse
from forebear.ingest.storage.logical import LogicalTensor, RowMajor

from ..formats.writers_fused import Tensors
from .test_framework_orders import WIDTH, values
from .test_frameworks import made
from .test_fused import evidence

HEADS = 4
LAYERS = 3
OF_GOOGLE = ("MultiHeadDotProductAttention_1", "LayerNorm_2", "MlpBlock_3")
OF_BIG_VISION = ("MultiHeadDotProductAttention_0", "LayerNorm_1", "MlpBlock_0")
IN_VIT = (
    "attention.attention.query", "attention.attention.key", "attention.attention.value", "attention.output.dense",
    "layernorm_before", "layernorm_after", "intermediate.dense", "output.dense",
)  # fmt: skip
IN_SIGLIP = (
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj",
    "layer_norm1", "layer_norm2", "mlp.fc1", "mlp.fc2",
)  # fmt: skip


def tower(stack: str, there: str, parts: tuple[str, str, str], names: tuple[str, ...]) -> tuple[Tensors, Tensors]:
    """Blocks in the names of Flax, `stack`, and in those of transformers, `there`."""
    own: Tensors = {}
    theirs: Tensors = {}
    attention, second, ffn = parts
    for layer in range(LAYERS):
        at, to = f"{stack}.encoderblock_{layer}.", f"{there}.{layer}."
        for part, name in zip(("query", "key", "value", "out"), names[:4], strict=True):
            matrix, bias = values(WIDTH, WIDTH), values(WIDTH)
            theirs |= {f"{to}{name}.weight": matrix, f"{to}{name}.bias": bias}
            shape = (HEADS, 16, WIDTH) if part == "out" else (WIDTH, HEADS, 16)
            own[f"{at}{attention}.{part}.kernel"] = matrix.T.reshape(shape)
            own[f"{at}{attention}.{part}.bias"] = bias if part == "out" else bias.reshape(HEADS, 16)
        for part, name in zip(("LayerNorm_0", second), names[4:6], strict=True):
            own[f"{at}{part}.scale"] = theirs[f"{to}{name}.weight"] = values(WIDTH)
            own[f"{at}{part}.bias"] = theirs[f"{to}{name}.bias"] = values(WIDTH)
        for part, name, size in zip(("Dense_0", "Dense_1"), names[6:], ((96, WIDTH), (WIDTH, 96)), strict=True):
            matrix = theirs[f"{to}{name}.weight"] = values(*size)
            own[f"{at}{ffn}.{part}.kernel"] = np.ascontiguousarray(matrix.T)
    return own, theirs


def vit(parts: tuple[str, str, str]) -> tuple[Tensors, Tensors]:
    own, theirs = tower("Transformer", "vit.encoder.layer", parts, IN_VIT)
    kernel, head, end = values(WIDTH, 3, 8, 8), values(100, WIDTH), values(WIDTH)
    own |= {
        "embedding.kernel": np.ascontiguousarray(kernel.transpose(2, 3, 1, 0)),
        "head.kernel": np.ascontiguousarray(head.T),
        "Transformer.encoder_norm.scale": end,
    }
    theirs |= {
        "vit.embeddings.patch_embeddings.projection.weight": kernel,
        "classifier.weight": head,
        "vit.layernorm.weight": end,
    }
    return own, theirs


def siglip() -> tuple[Tensors, Tensors]:
    own, theirs = tower("params.img.Transformer", "vision_model.encoder.layers", OF_BIG_VISION, IN_SIGLIP)
    text, there = tower("params.txt.Encoder_0", "text_model.encoder.layers", OF_BIG_VISION, IN_SIGLIP)
    words = values(300, WIDTH)
    own |= text | {"params.txt.Embed_0.embedding": words}
    theirs |= there | {"text_model.embeddings.token_embedding.weight": words}
    pooled = values(WIDTH, WIDTH)
    own["params.img.MAPHead_0.MultiHeadDotProductAttention_0.out.kernel"] = pooled.T.reshape(HEADS, 16, WIDTH)
    theirs["vision_model.head.attention.out_proj.weight"] = pooled
    return own, theirs


def scanned(tensors: Tensors) -> Tensors:
    """With the blocks of every stack in one tensor a part."""
    found: Tensors = {}
    for name, first in tensors.items():
        if "encoderblock_" not in name:
            found[name] = first
        elif "encoderblock_0" in name:
            each = [tensors[name.replace("encoderblock_0", f"encoderblock_{layer}")] for layer in range(LAYERS)]
            found[name.replace("encoderblock_0", "encoderblock")] = np.stack(each)
    return found


@pytest.mark.parametrize("parts", [OF_GOOGLE, OF_BIG_VISION])
def test_a_vit_of_flax_is_that_of_transformers(parts: tuple[str, str, str]) -> None:
    own, theirs = vit(parts)
    assert evidence(made(own, {})) == evidence(made(theirs, {}))


def test_a_siglip_of_flax_is_that_of_transformers_and_its_scanned_layers_are_layers() -> None:
    own, theirs = siglip()
    wanted = evidence(made(theirs, {}))
    assert evidence(made(own, {})) == wanted
    assert evidence(made(scanned(own), {})) == wanted


def test_a_stack_whose_tensors_have_other_counts_stays_as_it_is() -> None:
    sizes = {"x.encoderblock.a.kernel": (3, 4, 4), "x.encoderblock.b.bias": (2, 4), "y.encoderblock.a.bias": (2, 4)}
    tensors = [LogicalTensor(name, "F32", size, RowMajor("f", 0, "F32", size[-1])) for name, size in sizes.items()]
    names = [t.name for t in apart(tensors)]
    assert names == [*list(sizes)[:2], "y.encoderblock_0.a.bias", "y.encoderblock_1.a.bias"]


NAMES = st.sampled_from(
    ["query.kernel", "out.kernel", "value.bias", "embedding.kernel", "encoderblock.a.kernel", "encoderblock.b.bias"]
)


@given(st.dictionaries(NAMES, st.lists(st.integers(0, 5), max_size=5)))
def test_any_shapes_keep_their_parameters(shapes: dict[str, list[int]]) -> None:
    tensors = [
        LogicalTensor(name, "F32", tuple(size), RowMajor("f", 0, "F32", size[-1] if size else 1))
        for name, size in shapes.items()
    ]
    found = unfuse(with_whole_heads(apart(tensors)), {})
    count = sum(t.parameters for t in found.tensors) + sum(s.parameters for s in found.skipped)
    assert count == sum(t.parameters for t in tensors)
