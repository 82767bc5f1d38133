"""Names of published architectures -> component, layer, expert, role, slot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forebear.ingest.errors import FormatError
from forebear.ingest.names.naming import NamedTensor, Place, _parsed, name_tensors, parse
from forebear.ingest.storage.logical import LogicalTensor, RowMajor

from ...cpu import cpu_at_most

# name | shape: v vector, m matrix, or sizes | component, layer, expert, role, slot
LLAMA = """
model.embed_tokens.weight                            | m | language - - embed
model.layers.0.input_layernorm.weight                | v | language 0 - norm attention
model.layers.7.self_attn.q_proj.weight               | m | language 7 - q
model.layers.7.self_attn.k_proj.weight               | m | language 7 - k
model.layers.7.self_attn.v_proj.weight               | m | language 7 - v
model.layers.7.self_attn.o_proj.weight               | m | language 7 - o
model.layers.7.self_attn.rotary_emb.inv_freq         | v | language 7 - other buffer
model.layers.7.post_attention_layernorm.weight       | v | language 7 - norm ffn
model.layers.7.mlp.gate_proj.weight                  | m | language 7 - gate
model.layers.7.mlp.up_proj.weight                    | m | language 7 - up
model.layers.31.mlp.down_proj.weight                 | m | language 31 - down
model.norm.weight                                    | v | language - - norm final
lm_head.weight                                       | m | language - - head
"""
MISTRAL_CONSOLIDATED = """
tok_embeddings.weight                                | m | language - - embed
layers.3.attention_norm.weight                       | v | language 3 - norm attention
layers.3.attention.wq.weight                         | m | language 3 - q
layers.3.attention.wk.weight                         | m | language 3 - k
layers.3.attention.wv.weight                         | m | language 3 - v
layers.3.attention.wo.weight                         | m | language 3 - o
layers.3.ffn_norm.weight                             | v | language 3 - norm ffn
layers.3.feed_forward.w1.weight                      | m | language 3 - gate
layers.3.feed_forward.w2.weight                      | m | language 3 - down
layers.3.feed_forward.w3.weight                      | m | language 3 - up
norm.weight                                          | v | language - - norm final
output.weight                                        | m | language - - head
"""
QWEN2_AND_3 = """
model.layers.0.self_attn.q_proj.weight               | m | language 0 - q
model.layers.0.self_attn.q_proj.bias                 | v | language 0 - bias q
model.layers.0.self_attn.k_proj.bias                 | v | language 0 - bias k
model.layers.0.self_attn.v_proj.bias                 | v | language 0 - bias v
model.layers.0.self_attn.q_norm.weight               | v | language 0 - norm q
model.layers.0.self_attn.k_norm.weight               | v | language 0 - norm k
model.layers.0.input_layernorm.weight                | v | language 0 - norm attention
model.layers.0.post_attention_layernorm.weight       | v | language 0 - norm ffn
"""
GEMMA_2_AND_3 = """
model.embed_tokens.weight                            | m | language - - embed
model.layers.5.input_layernorm.weight                | v | language 5 - norm attention
model.layers.5.post_attention_layernorm.weight       | v | language 5 - norm post_attention
model.layers.5.pre_feedforward_layernorm.weight      | v | language 5 - norm ffn
model.layers.5.post_feedforward_layernorm.weight     | v | language 5 - norm post_ffn
model.layers.5.self_attn.q_norm.weight               | v | language 5 - norm q
model.layers.5.mlp.gate_proj.weight                  | m | language 5 - gate
model.norm.weight                                    | v | language - - norm final
"""
PHI = """
model.layers.1.self_attn.q_proj.weight               | m | language 1 - q
model.layers.1.self_attn.dense.weight                | m | language 1 - o
model.layers.1.self_attn.dense.bias                  | v | language 1 - bias o
model.layers.1.mlp.fc1.weight                        | m | language 1 - up
model.layers.1.mlp.fc1.bias                          | v | language 1 - bias up
model.layers.1.mlp.fc2.weight                        | m | language 1 - down
model.layers.1.input_layernorm.bias                  | v | language 1 - bias norm.attention
model.final_layernorm.weight                         | v | language - - norm final
lm_head.bias                                         | v | language - - bias head
model.layers.2.self_attn.qkv_proj.weight             | m | language 2 - q qkv
model.layers.2.self_attn.o_proj.weight               | m | language 2 - o
model.layers.2.mlp.gate_up_proj.weight               | m | language 2 - gate gate_up
model.layers.2.mlp.down_proj.weight                  | m | language 2 - down
"""
MIXTRAL = """
model.layers.4.block_sparse_moe.gate.weight          | m | language 4 - router
model.layers.4.block_sparse_moe.experts.0.w1.weight  | m | language 4 0 gate
model.layers.4.block_sparse_moe.experts.7.w2.weight  | m | language 4 7 down
model.layers.4.block_sparse_moe.experts.7.w3.weight  | m | language 4 7 up
model.layers.4.self_attn.o_proj.weight               | m | language 4 - o
"""
QWEN_MOE = """
model.layers.9.mlp.gate.weight                       | m | language 9 - router
model.layers.9.mlp.experts.59.gate_proj.weight       | m | language 9 59 gate
model.layers.9.mlp.experts.59.up_proj.weight         | m | language 9 59 up
model.layers.9.mlp.experts.59.down_proj.weight       | m | language 9 59 down
model.layers.9.mlp.shared_expert.gate_proj.weight    | m | language 9 - gate shared
model.layers.9.mlp.shared_expert.up_proj.weight      | m | language 9 - up shared
model.layers.9.mlp.shared_expert.down_proj.weight    | m | language 9 - down shared
model.layers.9.mlp.shared_expert_gate.weight         | 1,64 | language 9 - router shared
"""
DEEPSEEK_V3 = """
model.layers.0.mlp.gate_proj.weight                  | m | language 0 - gate
model.layers.3.self_attn.q_a_proj.weight             | m | language 3 - q a
model.layers.3.self_attn.q_a_layernorm.weight        | v | language 3 - norm q
model.layers.3.self_attn.q_b_proj.weight             | m | language 3 - q b
model.layers.3.self_attn.kv_a_proj_with_mqa.weight   | m | language 3 - k kv_a
model.layers.3.self_attn.kv_a_layernorm.weight       | v | language 3 - norm k
model.layers.3.self_attn.kv_b_proj.weight            | m | language 3 - v kv_b
model.layers.3.self_attn.o_proj.weight               | m | language 3 - o
model.layers.3.mlp.gate.weight                       | m | language 3 - router
model.layers.3.mlp.gate.e_score_correction_bias      | v | language 3 - other router_bias
model.layers.3.mlp.experts.255.gate_proj.weight      | m | language 3 255 gate
model.layers.3.mlp.shared_experts.up_proj.weight     | m | language 3 - up shared
"""
BERT = """
bert.embeddings.word_embeddings.weight                  | m | language - - embed
bert.embeddings.position_embeddings.weight              | m | language - - other position
bert.embeddings.token_type_embeddings.weight            | m | language - - other token_type
bert.embeddings.LayerNorm.gamma                         | v | language - - norm embedding
bert.embeddings.LayerNorm.beta                          | v | language - - bias norm.embedding
bert.encoder.layer.11.attention.self.query.weight       | m | language 11 - q
bert.encoder.layer.11.attention.self.key.weight         | m | language 11 - k
bert.encoder.layer.11.attention.self.value.weight       | m | language 11 - v
bert.encoder.layer.11.attention.self.value.bias         | v | language 11 - bias v
bert.encoder.layer.11.attention.output.dense.weight     | m | language 11 - o
bert.encoder.layer.11.attention.output.LayerNorm.weight | v | language 11 - norm post_attention
bert.encoder.layer.11.intermediate.dense.weight         | m | language 11 - up
bert.encoder.layer.11.output.dense.weight               | m | language 11 - down
bert.encoder.layer.11.output.LayerNorm.weight           | v | language 11 - norm post_ffn
bert.pooler.dense.weight                                | m | language - - other pooler
cls.predictions.decoder.weight                          | m | language - - head
"""
ROBERTA = """
roberta.embeddings.word_embeddings.weight               | m | language - - embed
roberta.embeddings.position_ids                         | v | language - - other buffer
roberta.encoder.layer.0.attention.self.query.weight     | m | language 0 - q
roberta.encoder.layer.0.attention.output.dense.bias     | v | language 0 - bias o
roberta.encoder.layer.0.output.dense.weight             | m | language 0 - down
lm_head.decoder.weight                                  | m | language - - head
lm_head.dense.weight                                    | m | language - - other head_transform
lm_head.layer_norm.weight                               | v | language - - norm final
"""
GPT2 = """
wte.weight                                           | m | language - - embed
wpe.weight                                           | m | language - - other position
h.0.ln_1.weight                                      | v | language 0 - norm attention
h.0.ln_1.bias                                        | v | language 0 - bias norm.attention
h.0.attn.bias                                        | 1,1,64,64 | language 0 - other buffer
h.0.attn.masked_bias                                 | s | language 0 - other buffer
h.0.attn.tril                                        | m | language 0 - other buffer
h.0.attn.mask                                        | m | language 0 - other buffer
h.0.attn.causal_mask                                 | m | language 0 - other buffer
h.0.attn.cos_cached                                  | m | language 0 - other buffer
h.0.attn.c_attn.weight                               | m | language 0 - q qkv
h.0.attn.c_attn.bias                                 | v | language 0 - bias q.qkv
h.0.attn.c_proj.weight                               | m | language 0 - o
h.0.ln_2.weight                                      | v | language 0 - norm ffn
h.0.mlp.c_fc.weight                                  | m | language 0 - up
h.0.mlp.c_proj.weight                                | m | language 0 - down
h.0.mlp.c_proj.bias                                  | v | language 0 - bias down
ln_f.weight                                          | v | language - - norm final
"""
NEOX = """
gpt_neox.embed_in.weight                                | m | language - - embed
gpt_neox.layers.2.input_layernorm.weight                | v | language 2 - norm attention
gpt_neox.layers.2.attention.query_key_value.weight      | m | language 2 - q qkv
gpt_neox.layers.2.attention.dense.weight                | m | language 2 - o
gpt_neox.layers.2.attention.dense.bias                  | v | language 2 - bias o
gpt_neox.layers.2.attention.bias                        | 1,1,64,64 | language 2 - other buffer
gpt_neox.layers.2.attention.rotary_emb.inv_freq         | v | language 2 - other buffer
gpt_neox.layers.2.mlp.dense_h_to_4h.weight              | m | language 2 - up
gpt_neox.layers.2.mlp.dense_4h_to_h.weight              | m | language 2 - down
gpt_neox.layers.2.post_attention_layernorm.weight       | v | language 2 - norm ffn
gpt_neox.final_layer_norm.weight                        | v | language - - norm final
embed_out.weight                                        | m | language - - head
"""
WITH_PREFIXES = """
language_model.model.embed_tokens.weight                                        | m | language - - embed
language_model.model.layers.7.self_attn.q_proj.weight                           | m | language 7 - q
language_model.lm_head.weight                                                   | m | language - - head
vision_tower.vision_model.embeddings.patch_embedding.weight                     | 64,3,14,14 | vision - - conv
vision_tower.vision_model.embeddings.position_embedding.weight                  | m | vision - - other position
vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.weight              | m | vision 0 - q
vision_tower.vision_model.encoder.layers.0.self_attn.out_proj.weight            | m | vision 0 - o
vision_tower.vision_model.encoder.layers.0.mlp.fc2.weight                       | m | vision 0 - down
vision_tower.vision_model.encoder.layers.0.layer_norm1.weight                   | v | vision 0 - norm attention
vision_tower.vision_model.post_layernorm.weight                                 | v | vision - - norm final
multi_modal_projector.linear_1.weight                                           | m | projector - - up
multi_modal_projector.linear_2.bias                                             | v | projector - - bias down
audio_tower.layers.3.self_attn.k_proj.weight                                    | m | audio 3 - k
"""
TABLES: dict[str, str] = {
    "llama": LLAMA,
    "mistral consolidated": MISTRAL_CONSOLIDATED,
    "qwen": QWEN2_AND_3,
    "gemma": GEMMA_2_AND_3,
    "phi": PHI,
    "mixtral": MIXTRAL,
    "qwen-moe": QWEN_MOE,
    "deepseek v3": DEEPSEEK_V3,
    "bert": BERT,
    "roberta": ROBERTA,
    "gpt-2": GPT2,
    "neox": NEOX,
    "prefixes": WITH_PREFIXES,
}
SHAPES = {"v": (64,), "m": (64, 32), "s": ()}


def duplicates(found: Iterable[NamedTensor]) -> dict[tuple[str, str, str], int]:
    """(block, role, slot) that several matrices share, and how many do."""
    counts = Counter((n.place.block, n.place.role, n.place.slot) for n in found if n.place.role != "other")
    return {place: count for place, count in counts.items() if count > 1}


def lines(table: str) -> list[tuple[str, tuple[int, ...], Place]]:
    found = []
    for line in table.strip().splitlines():
        name, size, place = (part.strip() for part in line.split("|"))
        component, layer, expert, role, slot = (*place.split(), "")[:5]
        shape = SHAPES.get(size) or tuple(int(n) for n in size.split(",") if n.isdigit())
        numbers = [None if n == "-" else int(n) for n in (layer, expert)]
        found.append((name, shape, Place(component, numbers[0], numbers[1], role, slot)))
    return found


def tensor(name: str, shape: tuple[int, ...] = (64, 32), dtype: str = "F32") -> LogicalTensor:
    return LogicalTensor(name, dtype, shape, RowMajor("model.safetensors", 0, dtype, shape[-1] if shape else 1))


def named(
    tensors: Iterable[tuple[str, tuple[int, ...]]], config: Mapping[str, object] | None = None
) -> list[NamedTensor]:
    return name_tensors([tensor(*one) for one in tensors], config or {})


@pytest.mark.parametrize("architecture", TABLES)
def test_every_name_of_the_architecture_has_its_place(architecture: str) -> None:
    expected = lines(TABLES[architecture])
    found = named([(name, shape) for name, shape, _ in expected])
    assert {n.tensor.name: n.place for n in found} == {name: place for name, _, place in expected}


@pytest.mark.parametrize("architecture", TABLES)
def test_every_role_is_unique_in_its_block(architecture: str) -> None:
    found = named([(name, shape) for name, shape, _ in lines(TABLES[architecture])])
    assert duplicates(found) == {}


def test_a_wrapper_prefix_changes_nothing() -> None:
    for name, _, place in lines(LLAMA):
        for prefix in ("base_model.model.", "module.", "transformer.", "_orig_mod."):
            found = parse(prefix + name)
            assert (found.layer, found.expert, found.role) == (place.layer, place.expert, place.role)


def test_post_attention_norms_feed_the_ffn_unless_another_norm_does() -> None:
    names = [
        ("model.layers.0.post_attention_layernorm.weight", (64,)),
        ("model.layers.0.pre_feedforward_layernorm.weight", (64,)),
    ]
    assert [n.place.slot for n in named(names[:1])] == ["ffn"]
    assert [n.place.slot for n in named(names)] == ["post_attention", "ffn"]


def test_an_encoder_and_a_decoder_are_two_components() -> None:
    names = [
        "encoder.block.0.layer.0.SelfAttention.q.weight",
        "decoder.block.0.layer.0.SelfAttention.q.weight",
        "decoder.block.0.layer.1.EncDecAttention.q.weight",
        "encoder.block.1.layer.1.DenseReluDense.wi_0.weight",
        "encoder.block.1.layer.1.DenseReluDense.wo.weight",
    ]
    found = named([(name, (64, 32)) for name in names])
    assert [n.place.component for n in found] == ["encoder", "decoder", "decoder", "encoder", "encoder"]
    assert [(n.place.role, n.place.slot) for n in found] == [
        ("q", ""),
        ("q", ""),
        ("q", "cross"),
        ("gate", ""),
        ("down", ""),
    ]


@pytest.mark.parametrize(
    ("embeddings", "expected"),
    [
        (["shared.weight"], ["encoder"]),
        (["token_embd.weight", "output.weight"], ["encoder", "language"]),
        (["model.shared.weight", "model.decoder.embed_tokens.weight"], ["encoder", "language"]),
        (["shared.weight", "encoder.embed_tokens.weight"], ["language", "encoder"]),
        (["decoder.embed_tokens.weight", "lm_head.weight"], ["language", "language"]),
    ],
)
def test_the_embedding_that_both_sides_read_is_the_encoders(embeddings: list[str], expected: list[str]) -> None:
    layers = [f"{side}.block.0.layer.0.SelfAttention.q.weight" for side in ("encoder", "decoder")]
    found = named([(name, (96, 32)) for name in [*layers, *embeddings]])
    assert [n.place.component for n in found] == ["encoder", "decoder", *expected]
    (alone,) = named([(embeddings[0], (96, 32))])
    assert alone.place.component == "language"


def test_nested_stacks_are_numbered_through_in_order() -> None:
    names = [f"visual.stages.{s}.blocks.{b}.attn.qkv.weight" for s in (0, 1, 10) for b in (0, 1)]
    found = named([(name, (64, 32)) for name in reversed(names)])
    assert [(n.place.component, n.place.layer) for n in found] == [("vision", i) for i in (5, 4, 3, 2, 1, 0)]


def layers_of(names: list[str]) -> list[int | None]:
    return [n.place.layer for n in named([(name, (64, 32)) for name in names])]


def test_what_parts_two_stages_stands_between_their_blocks_in_both_spellings() -> None:
    blocks = [f"layers.{stage}.blocks.{block}.mlp.fc1.weight" for stage in range(3) for block in range(2)]
    ending = [f"layers.{stage}.downsample.reduction.weight" for stage in (0, 1)]
    beginning = [f"layers.{stage}.downsample.reduction.weight" for stage in (1, 2)]
    expected = [0, 1, 3, 4, 6, 7, 2, 5]
    assert layers_of([f"swin.encoder.{name}" for name in [*blocks, *ending]]) == expected
    assert layers_of([*blocks, *beginning]) == expected


@pytest.mark.parametrize(
    ("encoder", "decoder"),
    [
        ("vit.encoder.layer.#.output", "decoder.decoder_layers.#.output"),
        ("blocks.#.mlp.fc2", "decoder_blocks.#.mlp.fc2"),
    ],
)
def test_the_decoder_of_an_image_model_comes_after_its_encoder(encoder: str, decoder: str) -> None:
    names = [stem.replace("#", str(layer)) + ".weight" for stem in (decoder, encoder) for layer in range(2)]
    assert layers_of(["patch_embed.proj.weight", *names]) == [None, 2, 3, 0, 1]


def test_a_name_nobody_knows_takes_part_by_shape_alone() -> None:
    found = named(
        [
            ("model.layers.3.mystery.weight", (64, 32)),
            ("strange_thing", (64, 32)),
            ("model.layers.3.odd_norm.weight", (64,)),
        ]
    )
    assert [(n.place.layer, n.place.role) for n in found] == [(3, "other"), (None, "other"), (3, "norm")]
    assert all(n.represents == n.tensor.parameters for n in found)


def test_an_unknown_matrix_of_vocabulary_size_is_an_embedding() -> None:
    found = named(
        [("thing.table", (96, 64)), ("thing.other", (95, 64)), ("model.layers.0.x", (96, 64))], {"vocab_size": 96}
    )
    assert [n.place.role for n in found] == ["embed", "other", "other"]


def test_further_matrices_of_vocabulary_size_are_no_embeddings_beside_one_that_is_named() -> None:
    names = ["medusa_head.0.1.weight", "medusa_head.1.1.weight", "model.embed_tokens.weight", "lm_head.weight"]
    found = named([(name, (96, 64)) for name in names], {"vocab_size": 96})
    assert [n.place.role for n in found] == ["other", "other", "embed", "head"]


def test_integers_are_buffers_whatever_their_name() -> None:
    found = name_tensors([tensor("model.layers.0.self_attn.q_proj.weight", dtype="U8")], {})
    assert (found[0].place.role, found[0].place.slot) == ("other", "buffer")


def test_vectors_under_a_matrix_name_are_biases_and_matrices_under_a_norm_name_are_not_norms() -> None:
    found = named(
        [("model.layers.0.self_attn.q_proj.weight", (64,)), ("model.layers.0.input_layernorm.weight", (64, 32))]
    )
    assert [(n.place.role, n.place.slot) for n in found] == [("bias", "q"), ("other", "attention")]


@pytest.mark.parametrize(
    "name", ["", ".", "...", "layers.", "layers.99999999999999999999.q_proj.weight", "a\nb", "\ud800", "experts.1"]
)
def test_hostile_names_get_a_place(name: str) -> None:
    assert named([(name, (4, 4))])[0].place.component == "language"


def test_more_kinds_of_names_than_any_model_has_are_refused_in_no_time() -> None:
    tensors = [tensor(f"layers.0.{number:x}_proj.weight") for number in range(200_000)]
    with cpu_at_most(5), pytest.raises(FormatError, match="200000 names of tensors"):
        name_tensors(tensors, {})
    repeated = [tensor(f"layers.{n}.mlp.experts.{e}.w1.weight") for n in range(99) for e in range(300)]
    assert len(name_tensors(repeated, {})) == len(repeated)


@pytest.mark.parametrize("piece", ["cross_attn.", "encoder.", "layers.1.", "norm.", "x", "experts.1.", "1."])
def test_long_names_are_parsed_in_no_time(piece: str) -> None:
    name = (piece * 1024)[:1022] + "zz"
    with cpu_at_most(0.1):
        named([(name, (4, 4))])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("encoder.blocks.{i}", "decoder.blocks.{i}"),
        ("enc.blk.{i}", "dec.blk.{i}"),
        ("encoder.h.{i}", "decoder.h.{i}"),
        ("text_encoder.layers.{i}", "text_decoder.layers.{i}"),
        ("model.transformer.encoder.layers.{i}", "model.transformer.decoder.layers.{i}"),
        ("encoder.encoders.{i}", "decoder.decoders.{i}"),
        ("src_encoder.layer.{i}", "tgt_decoder.layer.{i}"),
    ],
)
def test_encoder_and_decoder_are_components_under_any_name(first: str, second: str) -> None:
    names = [f"{stack.format(i=i)}.self_attn.q_proj.weight" for stack in (first, second) for i in range(2)]
    found = [
        n.place for n in name_tensors([LogicalTensor(n, "F32", (8, 8), RowMajor("f", 0, "F32", 8)) for n in names], {})
    ]
    assert [(p.component, p.layer) for p in found] == [("encoder", 0), ("encoder", 1), ("decoder", 0), ("decoder", 1)]


@pytest.mark.parametrize(
    "wrapped",
    [
        "_orig_mod.{n}", "module.module.{n}", "model._orig_mod.{n}", "model.{n}", "_fsdp_wrapped_module.{n}",
        "_forward_module.{n}", "base_model.model.{n}", "state_dict.{n}", "net.{n}",
    ],
)  # fmt: skip
def test_what_wraps_a_model_changes_no_place(wrapped: str) -> None:
    for name in ("model.layers.7.self_attn.q_proj.weight", "model.embed_tokens.weight", "model.norm.weight"):
        assert parse(wrapped.format(n=name)) == parse(name)


@pytest.mark.parametrize(
    "inside", ["_orig_mod", "_fsdp_wrapped_module", "_fsdp_wrapped_module._checkpoint_wrapped_module"]
)
def test_what_wraps_a_layer_changes_no_place(inside: str) -> None:
    plain = "model.layers.7.mlp.down_proj.weight"
    assert parse(plain.replace("7.", f"7.{inside}.")) == parse(plain)
    assert parse(plain.replace("mlp.", f"{inside}.mlp.")) == parse(plain)


_PIECES = st.sampled_from(
    ["model", "layers", "7", "0", "12", "mlp", "experts", "31", "expert_3", "up_proj", "net", "2", "proj", "blocks",
     "h", "stages", "encoder", "decoder", "attn", "q_proj", "norm1", "layer4", "weight", "bias", "#", "0/1", "lora_A"]
)  # fmt: skip


@given(st.lists(_PIECES, min_size=1, max_size=9).map(".".join))
@example("experts.7.norm1.layers.7.model")
@settings(max_examples=400, deadline=None)
def test_a_name_has_the_place_that_it_has_when_it_is_parsed_alone(name: str) -> None:
    for other in ("model.layers.3.mlp.experts.9.up_proj.weight", name.replace("7", "5").replace("12", "1")):
        parse(other)  # what was parsed before, a name of other numbers even, changes nothing
    assert parse(name) == _parsed.__wrapped__(name)[0]


def test_a_model_of_images_and_text_without_an_embedding_keeps_both_apart() -> None:
    """pi0 ties the embedding of PaliGemma to its head, and keeps the head; layers of text are no layers of images."""
    at = "model.paligemma_with_expert.paligemma."
    sizes = {
        f"{at}vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.weight": (40, 40),
        f"{at}language_model.model.layers.0.self_attn.q_proj.weight": (64, 64),
        f"{at}language_model.lm_head.weight": (300, 64),
    }
    found = name_tensors([LogicalTensor(n, "F32", s, RowMajor("f", 0, "F32", s[-1])) for n, s in sizes.items()], {})
    assert [item.place.component for item in found] == ["vision", "language", "language"]
