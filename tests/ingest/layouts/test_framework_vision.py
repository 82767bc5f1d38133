"""What makers of detectors and segmenters fuse or order otherwise is that of transformers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from forebear.ingest.layouts.frameworks import hugging_face
from forebear.ingest.storage.logical import LogicalTensor, RowMajor

from ..formats.writers_fused import Floats, Tensors
from .test_framework_orders import WIDTH, cut, values
from .test_frameworks import made
from .test_fused import evidence


def detr() -> tuple[Tensors, Tensors]:
    own: Tensors = {"backbone.0.body.conv1.weight": values(WIDTH, 3, 7, 7)}
    theirs: Tensors = {"model.backbone.conv_encoder.model.conv1.weight": own["backbone.0.body.conv1.weight"]}
    for layer in range(2):
        for at, there in (
            ("encoder.layers.{}.self_attn", "encoder.layers.{}.self_attn"),
            ("decoder.layers.{}.self_attn", "decoder.layers.{}.self_attn"),
            ("decoder.layers.{}.multihead_attn", "decoder.layers.{}.encoder_attn"),
        ):
            for kind, fused in (("weight", values(3 * WIDTH, WIDTH)), ("bias", values(3 * WIDTH))):
                own[f"transformer.{at.format(layer)}.in_proj_{kind}"] = fused
                theirs |= cut(f"model.{there.format(layer)}.?_proj.{kind}", fused)
        for norm, name in (("norm1", "self_attn_layer_norm"), ("norm2", "encoder_attn_layer_norm")):
            gain = own[f"transformer.decoder.layers.{layer}.{norm}.weight"] = values(WIDTH)
            theirs[f"model.decoder.layers.{layer}.{name}.weight"] = gain
    return own, theirs


def mask_2_former() -> tuple[Tensors, Tensors]:
    """Attention of the backbone and of the decoder to itself is apart in transformers, that to the image is not."""
    own: Tensors = {}
    theirs: Tensors = {}
    at, there = "sem_seg_head.predictor.transformer_", "model.transformer_module.decoder.layers."
    for layer in range(2):
        fused, crossed, gain = values(3 * WIDTH, WIDTH), values(3 * WIDTH, WIDTH), values(WIDTH)
        own[f"{at}self_attention_layers.{layer}.self_attn.in_proj_weight"] = fused
        own[f"{at}cross_attention_layers.{layer}.multihead_attn.in_proj_weight"] = crossed
        own[f"{at}cross_attention_layers.{layer}.norm.weight"] = gain
        theirs |= cut(f"{there}{layer}.self_attn.?_proj.weight", fused)
        theirs[f"{there}{layer}.cross_attn.in_proj_weight"] = crossed
        theirs[f"{there}{layer}.cross_attn_layer_norm.weight"] = gain
        matrix = own[f"backbone.layers.0.blocks.{layer}.attn.qkv.weight"] = values(3 * WIDTH, WIDTH)
        words = ("query", "key", "value")
        for word, part in zip(words, np.split(matrix, 3), strict=True):
            stem = f"model.pixel_level_module.encoder.encoder.layers.0.blocks.{layer}.attention.self"
            theirs[f"{stem}.{word}.weight"] = part
    return own, theirs


def unfolded(columns: Floats) -> Floats:
    """Four neighbours one behind another, in the order of `Unfold`."""
    apart = columns.reshape(*columns.shape[:-1], 4, -1)[..., [0, 2, 1, 3], :]
    return np.ascontiguousarray(apart.swapaxes(-1, -2)).reshape(columns.shape)


def swin() -> tuple[Tensors, Tensors]:
    own: Tensors = {}
    theirs: Tensors = {}
    for stage, width in ((0, 32), (1, 64)):
        at, there = f"backbone.stages.{stage}.", f"backbone.encoder.layers.{stage}."
        fused = own[f"{at}blocks.0.attn.w_msa.qkv.weight"] = values(3 * width, width)
        for word, part in zip(("query", "key", "value"), np.split(fused, 3), strict=True):
            theirs[f"{there}blocks.0.attention.self.{word}.weight"] = part
        up = own[f"{at}blocks.0.ffn.layers.0.0.weight"] = values(4 * width, width)
        theirs[f"{there}blocks.0.intermediate.dense.weight"] = up
        for name, shape in (("reduction", (2 * width, 4 * width)), ("norm", (4 * width,))):
            given = theirs[f"{there}downsample.{name}.weight"] = values(*shape)
            own[f"{at}downsample.{name}.weight"] = unfolded(given)
    return own, theirs


WRITERS: dict[str, Callable[[], tuple[Tensors, Tensors]]] = {
    "DETR": detr, "Mask2Former": mask_2_former, "Swin of mmdetection": swin,
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_a_detector_of_its_makers_is_that_of_transformers(name: str) -> None:
    own, theirs = WRITERS[name]()
    found, wanted = made(own, {}), made(theirs, {})
    assert len(found.tensors) == len(wanted.tensors)
    assert evidence(found) == evidence(wanted)


@pytest.mark.parametrize("shape", [(8, 30), (0,), (8, 2, 16)])
def test_columns_that_are_no_four_neighbours_stay_as_they_are(shape: tuple[int, ...]) -> None:
    marks = ["stages.0.blocks.0.attn.w_msa.qkv.weight", "stages.0.blocks.0.ffn.layers.0.0.weight"]
    storage = RowMajor("f", 0, "F32", shape[-1])
    given = [LogicalTensor(name, "F32", shape, storage) for name in ("stages.0.downsample.reduction.weight", *marks)]
    assert hugging_face(given, {})[0].storage is storage
