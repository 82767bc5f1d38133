"""Experts, heads and ends of a stack that makers of language models keep otherwise are those of transformers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from forebear.ingest.layouts.frameworks import hugging_face
from forebear.ingest.storage.logical import LogicalTensor, RowMajor

from ..formats.writers_fused import Tensors
from .test_framework_orders import WIDTH, cut, values
from .test_frameworks import in_pairs, made
from .test_fused import evidence

EXPERTS = 4
INNER = 48


def llama_4() -> tuple[Tensors, Tensors]:
    """One layer of experts and one without, as Meta has them: all experts one below another, gate and up in halves."""
    at, there = "layers.0.", "language_model.model.layers.0."
    gate, up, down = values(EXPERTS, WIDTH, INNER), values(EXPERTS, WIDTH, INNER), values(EXPERTS, INNER, WIDTH)
    router, dense, fused = values(WIDTH, EXPERTS), values(2 * INNER, WIDTH), values(WIDTH + 2 * 32, WIDTH)
    own: Tensors = {
        f"{at}attention.wqkv.weight": fused,
        f"{at}attention.wo.weight": values(WIDTH, WIDTH),
        f"{at}attention.wqkv.layer_norm_weight": values(WIDTH),
        f"{at}feed_forward.router_DE": router,
        f"{at}feed_forward.experts.moe_w_in_eD_F": gate.reshape(-1, INNER),
        f"{at}feed_forward.experts.moe_w_swiglu_eD_F": up.reshape(-1, INNER),
        f"{at}feed_forward.experts.moe_w_out_eF_D": down.reshape(-1, WIDTH),
        "layers.1.feed_forward.mlp.fc1_weight": dense,
        "layers.1.feed_forward.mlp.fc2_weight": values(WIDTH, INNER),
    }
    theirs: Tensors = {
        f"{there}self_attn.o_proj.weight": own[f"{at}attention.wo.weight"],
        f"{there}input_layernorm.weight": own[f"{at}attention.wqkv.layer_norm_weight"],
        f"{there}feed_forward.router.weight": np.ascontiguousarray(router.T),
        f"{there}feed_forward.experts.gate_up_proj": np.concatenate((gate, up), -1),
        f"{there}feed_forward.experts.down_proj": down,
        "language_model.model.layers.1.feed_forward.gate_proj.weight": dense[:INNER],
        "language_model.model.layers.1.feed_forward.up_proj.weight": dense[INNER:],
        "language_model.model.layers.1.feed_forward.down_proj.weight": own["layers.1.feed_forward.mlp.fc2_weight"],
    }
    for letter, part in zip("qkv", np.split(fused, [WIDTH, WIDTH + 32]), strict=True):
        theirs[f"{there}self_attn.{letter}_proj.weight"] = part
    return own, theirs


def dbrx() -> tuple[Tensors, Tensors]:
    own: Tensors = {}
    theirs: Tensors = {}
    for layer in range(2):
        at = f"transformer.blocks.{layer}.ffn."
        own[f"{at}router.layer.weight"] = theirs[f"{at}router.layer.weight"] = values(EXPERTS, WIDTH)
        for name in ("w1", "v1", "w2"):
            stack = values(EXPERTS, INNER, WIDTH)
            own[f"{at}experts.mlp.{name}"] = stack.reshape(-1, WIDTH)
            for number, one in enumerate(stack):
                theirs[f"{at}experts.{number}.{name}.weight"] = np.ascontiguousarray(one.T) if name == "w2" else one
    return own, theirs


def phi() -> tuple[Tensors, Tensors]:
    """Of the 24 blocks of Phi 1.5, that are its layers 1 to 24, the first and the last."""
    own: Tensors = {"layers.0.wte.weight": values(300, WIDTH), "layers.25.linear.weight": values(300, WIDTH)}
    theirs = {
        "model.embed_tokens.weight": own["layers.0.wte.weight"],
        "lm_head.weight": own["layers.25.linear.weight"],
    }
    own["layers.25.ln.weight"] = theirs["model.final_layernorm.weight"] = values(WIDTH)
    for layer in (1, 24):
        at, there = f"layers.{layer}.", f"model.layers.{layer - 1}."
        own[f"{at}mixer.Wqkv.weight"] = values(3 * WIDTH, WIDTH)
        theirs |= cut(f"{there}self_attn.?_proj.weight", own[f"{at}mixer.Wqkv.weight"])
        own[f"{at}ln.weight"] = theirs[f"{there}input_layernorm.weight"] = values(WIDTH)
        own[f"{at}mixer.out_proj.weight"] = theirs[f"{there}self_attn.dense.weight"] = values(WIDTH, WIDTH)
        own[f"{at}mlp.fc1.weight"] = theirs[f"{there}mlp.fc1.weight"] = values(4 * WIDTH, WIDTH)
    return own, theirs


def csm() -> tuple[Tensors, Tensors]:
    """Heads have 64 rows in the one stack and 128 in the other, which no config of its makers says."""
    own: Tensors = {"codebook0_head.weight": values(100, WIDTH)}
    theirs: Tensors = {"lm_head.weight": own["codebook0_head.weight"]}
    for at, there, size in (("backbone", "backbone_model", 64), ("decoder", "depth_decoder.model", 128)):
        for layer in range(2):
            stem, plain = f"{at}.layers.{layer}.", f"{there}.layers.{layer}."
            for letter, heads in (("q", 4), ("k", 2)):
                rows = theirs[f"{plain}self_attn.{letter}_proj.weight"] = values(heads * size, WIDTH)
                own[f"{stem}attn.{letter}_proj.weight"] = in_pairs(rows, heads)
            output = own[f"{stem}attn.output_proj.weight"] = values(WIDTH, 4 * size)
            theirs[f"{plain}self_attn.o_proj.weight"] = output
            own[f"{stem}sa_norm.scale"] = theirs[f"{plain}input_layernorm.weight"] = values(WIDTH)
    return own, theirs


WRITERS: dict[str, Callable[[], tuple[Tensors, Tensors]]] = {
    "Llama 4": llama_4, "DBRX": dbrx, "Phi 1.5": phi, "CSM": csm,
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_a_language_model_of_its_makers_is_that_of_transformers(name: str) -> None:
    own, theirs = WRITERS[name]()
    found = made(theirs, {})
    assert evidence(made(own, {})) == evidence(found)
    assert len(found.tensors) >= len(theirs)


@pytest.mark.parametrize(("rows", "router"), [(EXPERTS * INNER + 1, EXPERTS), (0, EXPERTS), (EXPERTS * INNER, 0)])
def test_experts_that_their_router_does_not_count_stay_one_matrix(rows: int, router: int) -> None:
    shapes = {"experts.mlp.w1": (rows, WIDTH), "router.layer.weight": (router, WIDTH)}
    given = [
        LogicalTensor(f"transformer.blocks.0.ffn.{name}", "F32", shape, RowMajor("f", 0, "F32", WIDTH))
        for name, shape in shapes.items()
    ]
    assert hugging_face(given, {}) == given
