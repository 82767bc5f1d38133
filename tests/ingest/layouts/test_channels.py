"""Patches of an image are cut by one kernel, whether its colours come last (MLX) or first (torch)."""

from __future__ import annotations

import numpy as np
import pytest

from forebear.ingest.layouts.channels import with_colours_first
from forebear.ingest.storage.logical import LogicalTensor, RowMajor

from ..formats.writers_fused import Tensors
from .test_frameworks import made
from .test_fused import evidence

NAMES = ["visual.patch_embed.proj", "vision_tower.vision_model.embeddings.patch_embedding", "vision_tower.patch_conv"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(14, 14), (2, 14, 14)])
def test_a_kernel_with_its_colours_last_is_the_one_with_them_first(name: str, size: tuple[int, ...]) -> None:
    kernel = np.random.default_rng(3).normal(0, 1, (64, 3, *size)).astype(np.float32)
    own = {f"{name}.weight": np.ascontiguousarray(np.moveaxis(kernel, 1, -1))}
    assert evidence(made(own, {})) == evidence(made({f"{name}.weight": kernel}, {}))


@pytest.mark.parametrize("shape", [(64, 3, 3, 3), (64, 3, 14, 14), (64, 14, 7, 3), (64, 3, 2, 14, 14), (64, 14, 3)])
def test_a_kernel_of_any_other_shape_stays_as_it_is(shape: tuple[int, ...]) -> None:
    tensor = LogicalTensor("patch_embed.proj.weight", "F32", shape, RowMajor("f", 0, "F32", shape[-1]))
    assert with_colours_first([tensor]) == [tensor]


@pytest.mark.parametrize("name", ["backbone.layers.0.mixer.conv1d", "model.layers.0.conv.conv"])
def test_the_convolution_of_a_mixer_has_its_one_input_before_its_width(name: str) -> None:
    kernel = np.random.default_rng(5).normal(0, 1, (128, 1, 4)).astype(np.float32)
    own = {f"{name}.weight": np.ascontiguousarray(kernel.swapaxes(1, 2))}
    assert evidence(made(own, {})) == evidence(made({f"{name}.weight": kernel}, {}))


def test_the_experts_that_mlx_stacks_are_single_ones() -> None:
    random = np.random.default_rng(4)
    own: Tensors = {}
    theirs: Tensors = {}
    for part, shape in (("gate_proj", (48, 64)), ("up_proj", (48, 64)), ("down_proj", (64, 48))):
        experts = random.normal(0, 1, (4, *shape)).astype(np.float32)
        own[f"model.layers.0.mlp.switch_mlp.{part}.weight"] = experts
        theirs |= {f"model.layers.0.mlp.experts.{e}.{part}.weight": one for e, one in enumerate(experts)}
    config = {"hidden_size": 64, "num_experts": 4}
    assert evidence(made(own, config)) == evidence(made(theirs, config))
