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


def moshi() -> tuple[Tensors, Tensors]:
    """Matrices of the depth decoder, one a codebook: apart, one below another, or on an axis of their own."""
    count = 3
    apart, inputs, heads = (values(count, *shape) for shape in ((96, WIDTH), (WIDTH, 80), (40, WIDTH)))
    own: Tensors = {}
    theirs: Tensors = {"depth_decoder.input_projections.weight": inputs, "depth_decoder.lm_heads.weight": heads}
    for name, stack in (
        ("depformer.layers.0.gating.#.linear_in", apart),
        ("depformer_in.#", inputs),
        ("linears.#", heads),
    ):
        own |= {f"{name.replace('#', str(n))}.weight": one for n, one in enumerate(stack)}
    theirs["depth_decoder.layers.0.mlp.fc1.weight"] = apart
    fused = values(3 * count * WIDTH, WIDTH)
    own["depformer.layers.0.self_attn.in_proj_weight"] = fused
    for letter, part in zip("qkv", np.split(fused, 3), strict=True):
        theirs[f"depth_decoder.layers.0.self_attn.{letter}_proj.linear.weight"] = part.reshape(count, WIDTH, WIDTH)
    main = values(3 * 256, 256)
    q, k, v = np.split(main, 3)
    own["transformer.layers.0.self_attn.in_proj_weight"] = np.concatenate((in_pairs(q, 2), in_pairs(k, 2), v))
    for letter, part in zip("qkv", (q, k, v), strict=True):
        theirs[f"decoder.model.layers.0.self_attn.{letter}_proj.linear.weight"] = part
    gain = values(256)
    own["transformer.layers.0.norm1.alpha"] = gain.reshape(1, 1, -1)
    theirs["decoder.model.layers.0.input_layernorm.weight"] = gain
    return own, theirs


def dia() -> tuple[Tensors, Tensors]:
    own: Tensors = {}
    theirs: Tensors = {}
    for side in ("encoder", "decoder"):
        at = f"{side}.layers.0."
        for part, ours, shape in (
            ("self_attention.q_proj", "self_attention.q_proj", (WIDTH, 4, 16)),
            ("self_attention.o_proj", "self_attention.o_proj", (4, 16, WIDTH)),
            ("mlp.gate_up_proj", "mlp.wi_fused", (WIDTH, 2, 96)),
            ("mlp.down_proj", "mlp.wo", (96, WIDTH)),
        ):
            stored = own[f"{at}{ours}.weight"] = values(*shape)
            outputs = WIDTH if part.endswith(("o_proj", "down_proj")) else stored.size // WIDTH
            theirs[f"model.{at}{part}.weight"] = np.ascontiguousarray(stored.reshape(-1, outputs).T)
    channels = values(3, 50, WIDTH)
    own |= {f"decoder.embeddings.{number}.weight": one for number, one in enumerate(channels)}
    theirs["model.decoder.embeddings.embed.weight"] = channels.reshape(-1, WIDTH)
    logits = own["decoder.logits_dense.weight"] = values(WIDTH, 3, 50)
    theirs["logits_dense.weight"] = np.ascontiguousarray(logits.reshape(WIDTH, -1).T)
    return own, theirs


def tensorrt() -> tuple[Tensors, Tensors]:
    """A mixture: all experts in one tensor, of each the rows of up before those of gate."""
    own: Tensors = {"transformer.vocab_embedding.weight": values(300, WIDTH)}
    theirs: Tensors = {"model.embed_tokens.weight": own["transformer.vocab_embedding.weight"]}
    for layer in range(2):
        at, there = f"transformer.layers.{layer}.", f"model.layers.{layer}."
        fused = own[f"{at}attention.qkv.weight"] = values(3 * WIDTH, WIDTH)
        theirs |= cut(f"{there}self_attn.?_proj.weight", fused)
        router = own[f"{at}mlp.router.weight"] = values(EXPERTS, WIDTH)
        theirs[f"{there}block_sparse_moe.gate.weight"] = router
        both = own[f"{at}mlp.fc.weight"] = values(EXPERTS, 2 * INNER, WIDTH)
        down = own[f"{at}mlp.proj.weight"] = values(EXPERTS, WIDTH, INNER)
        for number in range(EXPERTS):
            stem = f"{there}block_sparse_moe.experts.{number}."
            theirs |= {f"{stem}w3.weight": both[number, :INNER], f"{stem}w1.weight": both[number, INNER:]}
            theirs[f"{stem}w2.weight"] = down[number]
    return own, theirs


WRITERS: dict[str, Callable[[], tuple[Tensors, Tensors]]] = {
    "Llama 4": llama_4, "DBRX": dbrx, "Phi 1.5": phi, "CSM": csm, "Moshi": moshi, "Dia": dia,
    "TensorRT-LLM": tensorrt,
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


@pytest.mark.parametrize("sizes", [((40, 64), (41, 64)), ((40, 64), (40, 64, 1)), ((0, 64), (0, 64))])
def test_matrices_of_several_shapes_are_not_put_below_each_other(sizes: tuple[tuple[int, ...], ...]) -> None:
    marks = {
        "transformer.layers.0.self_attn.in_proj_weight": (3, 3),
        "depformer.layers.0.gating.0.linear_in.weight": (2, 2),
    }
    shapes = {f"depformer_in.{number}.weight": size for number, size in enumerate(sizes)}
    given = [LogicalTensor(n, "F32", s, RowMajor("f", 0, "F32", s[-1])) for n, s in {**shapes, **marks}.items()]
    assert {t.name: t.shape for t in hugging_face(given, {}) if t.name in shapes} == shapes


def test_experts_of_step_3_5_in_stacks_beside_their_router_are_single_ones() -> None:
    own: Tensors = {}
    theirs: Tensors = {}
    for part, shape in (("gate_proj", (INNER, WIDTH)), ("up_proj", (INNER, WIDTH)), ("down_proj", (WIDTH, INNER))):
        stack = own[f"model.layers.0.moe.{part}.weight"] = values(EXPERTS, *shape)
        theirs |= {f"model.layers.0.mlp.experts.{number}.{part}.weight": one for number, one in enumerate(stack)}
    own["model.layers.0.moe.gate.weight"] = theirs["model.layers.0.mlp.gate.weight"] = values(EXPERTS, WIDTH)
    assert evidence(made(own, {})) == evidence(made(theirs, {}))
