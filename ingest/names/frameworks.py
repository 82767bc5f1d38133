"""Frameworks whose files name tensors, or order their rows, otherwise than Hugging Face does: one table each.

A line is (name, name in Hugging Face transformers, what is done to the tensor). Names are whole dotted parts, `#` is a
number, numbers keep their order; a last part `weight` or `bias` is left out of a line that holds for both, and
`experts.weight1` is written as `experts.1`. What stands before a name (`module.`, `model.`) stays before it.

| done           | to the tensor                                                                           |
| `pairs.q`, `pairs.k` | rows of a head rotate as neighbours (x0, x1), as in Meta's code; put in halves    |
| `unbiased.q`, `unbiased.k` | the same where no bias stands beside it: torchtune's Qwen 2 has halves    |
| `groups`       | for every head of k: the heads of q that share it, its k, its v; split                  |
| `stacked`      | all of q, then k, then v; split                                                         |
| `stacked.pairs` | the same, and rows of a head of q and k rotate as neighbours                           |
| `thirds`       | q, k and v of equal height; `?` in the name is the letter of each                       |
| `thirds.mlp`   | the same, with the rows of the FFN behind them                                          |
| `halves`       | k and v of equal height; `?` in the name is the letter of each                          |
| `swapped`      | scale, then shift, where Hugging Face has shift, then scale                             |
| `gate_up`      | gate, then up, where it has twice the rows that `down` has columns; else it is up, and  |
|                | gate where up stands beside it                                                          |
| `transposed`   | stored as [in, out]                                                                     |
| `flat`         | [1, 1, n] as a vector                                                                   |
| `experts`      | experts side by side in one matrix, which is [experts, in, out] in memory               |

Sources: the modelling code of each: `llama/model.py` (Meta), `mistral_inference/transformer.py`, `litgpt/model.py` and
its `qkv_reassemble`, Megatron-LM `core/models/gpt`, `whisper/model.py`, `clip/model.py`, RWKV-LM `rwkv_v4neo` and
`RWKV-v7/rwkv_v7_demo.py`, nanochat `gpt.py`; torchtune `models/convert_weights.py`; flash-linear-attention
`models/rwkv7`; Flux `src/flux/model.py` and diffusers `scripts/convert_flux_to_diffusers.py`; Wan
`wan/modules/model.py` and diffusers `scripts/convert_wan_to_diffusers.py`; PixArt `diffusion/model/nets` and diffusers
`scripts/convert_pixart_sigma_to_diffusers.py`; Transformer Engine `pytorch/transformer.py` and its tutorial on Llama;
NeMo `modules/common/megatron/mlp.py`; gpt-fast `model.py` and `scripts/convert_hf_checkpoint.py`; OLMo-core
`nn/hf/convert.py`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Framework:
    """One way to name tensors. It is known by names that end like all of `marks` (of a tuple, like one of it).

    `unless` are names that it does not have: another framework, or a version with another order of rows.
    """

    name: str
    marks: tuple[str | tuple[str, ...], ...]
    lines: tuple[tuple[str, str, str], ...]
    unless: tuple[str, ...] = ()


def _inside(stack: str, layer: str, lines: str) -> tuple[tuple[str, str, str], ...]:
    """The lines of one layer, written as `name -> name` or `name -> name : done`."""
    found = []
    for line in lines.strip().splitlines():
        ours, _, rest = line.strip().partition(" -> ")
        theirs, _, done = rest.partition(" : ")
        found.append((stack + ours.strip(), layer + theirs.strip(), done.strip()))
    return tuple(found)


_META = (
    ("layers.#.attention.wq", "layers.#.attention.wq", "pairs.q"),
    ("layers.#.attention.wk", "layers.#.attention.wk", "pairs.k"),
)

_LITGPT = (
    *_inside("transformer.h.#.", "model.layers.#.", """
        attn.qkv -> self_attn.qkv_proj : stacked
        attn.attn -> self_attn.qkv_proj : groups
        attn.proj -> self_attn.o_proj
        attn.norm_q -> self_attn.q_norm
        attn.norm_k -> self_attn.k_norm
        norm_1 -> input_layernorm
        norm_2 -> pre_feedforward_layernorm
        post_attention_norm -> post_attention_layernorm
        post_mlp_norm -> post_feedforward_layernorm
        mlp.fc -> mlp.up_proj
        mlp.fc_1 -> mlp.gate_proj
        mlp.fc_2 -> mlp.up_proj
        mlp.proj -> mlp.down_proj
        mlp.gate -> mlp.gate
        mlp.experts.#.fc_1 -> mlp.experts.#.gate_proj
        mlp.experts.#.fc_2 -> mlp.experts.#.up_proj
        mlp.experts.#.proj -> mlp.experts.#.down_proj
        mlp.shared_experts.fc_1 -> mlp.shared_experts.gate_proj
        mlp.shared_experts.fc_2 -> mlp.shared_experts.up_proj
        mlp.shared_experts.proj -> mlp.shared_experts.down_proj
    """),
    ("transformer.wte", "model.embed_tokens", ""),
    ("transformer.ln_f", "model.norm", ""),
)  # fmt: skip

_MEGATRON_CORE = (
    *_inside("decoder.layers.#.", "model.layers.#.", """
        self_attention.linear_qkv -> self_attn.qkv_proj : groups
        self_attention.linear_qkv.layer_norm_weight -> input_layernorm.weight
        self_attention.linear_qkv.layer_norm_bias -> input_layernorm.bias
        self_attention.linear_proj -> self_attn.o_proj
        self_attention.q_layernorm -> self_attn.q_norm
        self_attention.k_layernorm -> self_attn.k_norm
        self_attention.linear_q_proj -> self_attn.q_proj
        self_attention.linear_q_down_proj -> self_attn.q_a_proj
        self_attention.linear_q_up_proj -> self_attn.q_b_proj
        self_attention.linear_q_up_proj.layer_norm_weight -> self_attn.q_a_layernorm.weight
        self_attention.linear_kv_down_proj -> self_attn.kv_a_proj_with_mqa
        self_attention.linear_kv_up_proj -> self_attn.kv_b_proj
        self_attention.linear_kv_up_proj.layer_norm_weight -> self_attn.kv_a_layernorm.weight
        input_layernorm -> input_layernorm
        pre_mlp_layernorm -> post_attention_layernorm
        mlp.linear_fc1 -> mlp.gate_up_proj : gate_up
        mlp.linear_fc1.layer_norm_weight -> post_attention_layernorm.weight
        mlp.linear_fc1.layer_norm_bias -> post_attention_layernorm.bias
        mlp.linear_fc2 -> mlp.down_proj
        mlp.router -> mlp.gate
        mlp.experts.local_experts.#.linear_fc1 -> mlp.experts.#.gate_up_proj : gate_up
        mlp.experts.local_experts.#.linear_fc2 -> mlp.experts.#.down_proj
        mlp.experts.linear_fc1.# -> mlp.experts.#.gate_up_proj : gate_up
        mlp.experts.linear_fc2.# -> mlp.experts.#.down_proj
        mlp.experts.1 -> mlp.experts.gate_up_proj : experts
        mlp.experts.2 -> mlp.experts.down_proj : experts
        mlp.shared_experts.linear_fc1 -> mlp.shared_experts.gate_up_proj : gate_up
        mlp.shared_experts.linear_fc2 -> mlp.shared_experts.down_proj
        mlp.shared_experts.gate_weight -> mlp.shared_expert_gate.weight
    """),
    ("embedding.word_embeddings", "model.embed_tokens", ""),
    ("decoder.final_layernorm", "model.norm", ""),
    ("output_layer", "lm_head", ""),
)  # fmt: skip

_TRANSFORMER_ENGINE_LAYER = """
    self_attention.qkv -> self_attn.qkv_proj : groups
    self_attention.layernorm_qkv -> self_attn.qkv_proj : groups
    self_attention.layernorm_qkv.query_weight -> self_attn.q_proj.weight
    self_attention.layernorm_qkv.query_bias -> self_attn.q_proj.bias
    self_attention.layernorm_qkv.key_weight -> self_attn.k_proj.weight
    self_attention.layernorm_qkv.key_bias -> self_attn.k_proj.bias
    self_attention.layernorm_qkv.value_weight -> self_attn.v_proj.weight
    self_attention.layernorm_qkv.value_bias -> self_attn.v_proj.bias
    self_attention.layernorm_qkv.layer_norm_weight -> input_layernorm.weight
    self_attention.layernorm_qkv.layer_norm_bias -> input_layernorm.bias
    self_attention.proj -> self_attn.o_proj
    layernorm_mlp.layer_norm_weight -> post_attention_layernorm.weight
    layernorm_mlp.layer_norm_bias -> post_attention_layernorm.bias
    layernorm_mlp.fc1_weight -> mlp.gate_up_proj.weight : gate_up
    layernorm_mlp.fc1_bias -> mlp.gate_up_proj.bias : gate_up
    layernorm_mlp.fc2_weight -> mlp.down_proj.weight
    layernorm_mlp.fc2_bias -> mlp.down_proj.bias
"""
_TRANSFORMER_ENGINE = _inside("layers.#.", "layers.#.", _TRANSFORMER_ENGINE_LAYER)

_MEGATRON_LAYER = """
    self_attention.query_key_value -> self_attn.qkv_proj : groups
    self_attention.dense -> self_attn.o_proj
    attention.query_key_value -> self_attn.qkv_proj : groups
    attention.dense -> self_attn.o_proj
    input_norm -> input_layernorm
    input_layernorm -> input_layernorm
    post_attention_norm -> post_attention_layernorm
    post_attention_layernorm -> post_attention_layernorm
    mlp.dense_h_to_4h -> mlp.gate_up_proj : gate_up
    mlp.dense_h_to_4h_2 -> mlp.up_proj
    mlp.dense_4h_to_h -> mlp.down_proj
"""
_MEGATRON_LM = (
    *_inside("language_model.encoder.layers.#.", "model.layers.#.", _MEGATRON_LAYER + _TRANSFORMER_ENGINE_LAYER),
    *_inside("language_model.transformer.layers.#.", "model.layers.#.", _MEGATRON_LAYER),
    *_inside("", "", """
        language_model.embedding.word_embeddings -> model.embed_tokens
        language_model.encoder.final_norm -> model.norm
        language_model.encoder.final_layernorm -> model.norm
        language_model.transformer.final_layernorm -> model.norm
        language_model.output_layer -> lm_head
    """),
)  # fmt: skip
"""Rows of q, k and v as since its checkpoint version 2.0: those before (of 2020) have another order."""

_WHISPER_LAYER = """
    attn.query -> self_attn.q_proj
    attn.key -> self_attn.k_proj
    attn.value -> self_attn.v_proj
    attn.out -> self_attn.out_proj
    attn_ln -> self_attn_layer_norm
    cross_attn.query -> encoder_attn.q_proj
    cross_attn.key -> encoder_attn.k_proj
    cross_attn.value -> encoder_attn.v_proj
    cross_attn.out -> encoder_attn.out_proj
    cross_attn_ln -> encoder_attn_layer_norm
    mlp.0 -> fc1
    mlp.2 -> fc2
    mlp_ln -> final_layer_norm
"""
_WHISPER = (
    *_inside("encoder.blocks.#.", "model.encoder.layers.#.", _WHISPER_LAYER),
    *_inside("decoder.blocks.#.", "model.decoder.layers.#.", _WHISPER_LAYER),
    ("encoder.conv1", "model.encoder.conv1", ""),
    ("encoder.conv2", "model.encoder.conv2", ""),
    ("encoder.positional_embedding", "model.encoder.embed_positions.weight", ""),
    ("encoder.ln_post", "model.encoder.layer_norm", ""),
    ("decoder.token_embedding", "model.decoder.embed_tokens", ""),
    ("decoder.positional_embedding", "model.decoder.embed_positions.weight", ""),
    ("decoder.ln", "model.decoder.layer_norm", ""),
)

_CLIP_LAYER = """
    attn.in_proj_weight -> self_attn.in_proj_weight : stacked
    attn.in_proj_bias -> self_attn.in_proj_bias : stacked
    attn.out_proj -> self_attn.out_proj
    ln_1 -> layer_norm1
    ln_2 -> layer_norm2
    mlp.c_fc -> mlp.fc1
    mlp.c_proj -> mlp.fc2
"""
_CLIP = (
    *_inside("visual.transformer.resblocks.#.", "vision_model.encoder.layers.#.", _CLIP_LAYER),
    *_inside("transformer.resblocks.#.", "text_model.encoder.layers.#.", _CLIP_LAYER),
    ("visual.class_embedding", "vision_model.embeddings.class_embedding", ""),
    ("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight", ""),
    ("visual.conv1", "vision_model.embeddings.patch_embedding", ""),
    ("visual.ln_pre", "vision_model.pre_layrnorm", ""),
    ("visual.ln_post", "vision_model.post_layernorm", ""),
    ("visual.proj", "visual_projection.weight", "transposed"),
    ("token_embedding", "text_model.embeddings.token_embedding", ""),
    ("positional_embedding", "text_model.embeddings.position_embedding.weight", ""),
    ("ln_final", "text_model.final_layer_norm", ""),
    ("text_projection", "text_projection.weight", "transposed"),
)

_RWKV = (
    *_inside("blocks.#.", "rwkv.blocks.#.", """
        att.receptance -> attention.receptance
        att.key -> attention.key
        att.value -> attention.value
        att.output -> attention.output
        att.gate -> attention.gate
        att.ln_x -> attention.ln_x
        att.time_decay -> attention.time_decay
        att.time_first -> attention.time_first
        att.time_faaaa -> attention.time_faaaa
        att.time_mix_k -> attention.time_mix_key
        att.time_mix_v -> attention.time_mix_value
        att.time_mix_r -> attention.time_mix_receptance
        att.time_mix_g -> attention.time_mix_gate
        ffn.key -> feed_forward.key
        ffn.receptance -> feed_forward.receptance
        ffn.value -> feed_forward.value
        ffn.time_mix_k -> feed_forward.time_mix_key
        ffn.time_mix_r -> feed_forward.time_mix_receptance
        ln0 -> pre_ln
        ln1 -> ln1
        ln2 -> ln2
    """),
    ("emb", "rwkv.embeddings", ""),
    ("ln_out", "rwkv.ln_out", ""),
)  # fmt: skip

_RWKV_7 = (
    *_inside("blocks.#.", "model.layers.#.", """
        att.receptance -> attn.r_proj
        att.key -> attn.k_proj
        att.value -> attn.v_proj
        att.output -> attn.o_proj
        att.w0 -> attn.w_lora.lora.2.bias : flat
        att.w1 -> attn.w_lora.lora.0.weight : transposed
        att.w2 -> attn.w_lora.lora.2.weight : transposed
        att.a0 -> attn.a_lora.lora.2.bias : flat
        att.a1 -> attn.a_lora.lora.0.weight : transposed
        att.a2 -> attn.a_lora.lora.2.weight : transposed
        att.v0 -> attn.v_lora.lora.2.bias : flat
        att.v1 -> attn.v_lora.lora.0.weight : transposed
        att.v2 -> attn.v_lora.lora.2.weight : transposed
        att.g1 -> attn.g_lora.lora.0.weight : transposed
        att.g2 -> attn.g_lora.lora.2.weight : transposed
        att.k_k -> attn.k_k : flat
        att.k_a -> attn.k_a : flat
        att.r_k -> attn.r_k
        att.x_r -> attn.x_r
        att.x_w -> attn.x_w
        att.x_k -> attn.x_k
        att.x_v -> attn.x_v
        att.x_a -> attn.x_a
        att.x_g -> attn.x_g
        att.ln_x -> attn.g_norm
        ffn.key -> ffn.key
        ffn.value -> ffn.value
        ffn.x_k -> ffn.x_k : flat
        ln0 -> pre_norm
        ln1 -> attn_norm
        ln2 -> ffn_norm
    """),
    ("emb", "model.embeddings", ""),
    ("ln_out", "model.norm", ""),
    ("head", "lm_head", ""),
)  # fmt: skip

_TORCHTUNE = (
    *_inside("layers.#.", "model.layers.#.", """
        attn.q_proj -> self_attn.q_proj : unbiased.q
        attn.k_proj -> self_attn.k_proj : unbiased.k
        attn.v_proj -> self_attn.v_proj
        attn.output_proj -> self_attn.o_proj
        attn.q_norm.scale -> self_attn.q_norm.weight
        attn.k_norm.scale -> self_attn.k_norm.weight
        mlp.w1 -> mlp.gate_proj
        mlp.w2 -> mlp.down_proj
        mlp.w3 -> mlp.up_proj
        sa_norm.scale -> input_layernorm.weight
        mlp_norm.scale -> post_attention_layernorm.weight
    """),
    ("tok_embeddings", "model.embed_tokens", ""),
    ("norm.scale", "model.norm.weight", ""),
    ("output", "lm_head", ""),
)  # fmt: skip
_TORCHTUNE_QWEN = tuple((ours, theirs, "") for ours, theirs, _ in _TORCHTUNE)
"""Its Qwen 3 has the halves of Hugging Face."""

_GPT_FAST = (("layers.#.attention.wqkv", "layers.#.self_attn.qkv_proj", "stacked.pairs"),)

_OLMO_CORE_LAYER = """
    attention.w_q -> self_attn.q_proj
    attention.w_k -> self_attn.k_proj
    attention.w_v -> self_attn.v_proj
    attention.w_out -> self_attn.o_proj
    attention.q_norm -> self_attn.q_norm
    attention.k_norm -> self_attn.k_norm
    feed_forward.w1 -> mlp.gate_proj
    feed_forward.w2 -> mlp.down_proj
    feed_forward.w3 -> mlp.up_proj
"""
_OLMO_CORE_ENDS = (
    ("embeddings", "model.embed_tokens", ""),
    ("lm_head.norm", "model.norm", ""),
    ("lm_head.w_out", "lm_head", ""),
)
_OLMO_CORE = (
    *_inside("blocks.#.", "model.layers.#.", _OLMO_CORE_LAYER + """
        attention_norm -> input_layernorm
        feed_forward_norm -> post_attention_layernorm
    """),
    *_OLMO_CORE_ENDS,
)  # fmt: skip
_OLMO_CORE_2 = (
    *_inside("blocks.#.", "model.layers.#.", _OLMO_CORE_LAYER + """
        attention_norm -> post_attention_layernorm
        feed_forward_norm -> post_feedforward_layernorm
    """),
    *_OLMO_CORE_ENDS,
)  # fmt: skip
"""OLMo 2 and 3 have norms over q and k, and those of a layer behind what they stand before in others."""

_NANOCHAT = (
    *_inside("transformer.h.#.", "model.layers.#.", """
        attn.c_q -> self_attn.q_proj
        attn.c_k -> self_attn.k_proj
        attn.c_v -> self_attn.v_proj
        attn.c_proj -> self_attn.o_proj
        mlp.c_fc -> mlp.fc1
        mlp.c_proj -> mlp.fc2
    """),
    ("transformer.wte", "model.embed_tokens", ""),
)  # fmt: skip

_FLUX = (
    *_inside("double_blocks.#.", "transformer_blocks.#.", """
        img_attn.qkv -> attn.to_? : thirds
        img_attn.proj -> attn.to_out.0
        img_attn.norm.query_norm.scale -> attn.norm_q.weight
        img_attn.norm.key_norm.scale -> attn.norm_k.weight
        txt_attn.qkv -> attn.add_?_proj : thirds
        txt_attn.proj -> attn.to_add_out
        txt_attn.norm.query_norm.scale -> attn.norm_added_q.weight
        txt_attn.norm.key_norm.scale -> attn.norm_added_k.weight
        img_mlp.0 -> ff.net.0.proj
        img_mlp.2 -> ff.net.2
        txt_mlp.0 -> ff_context.net.0.proj
        txt_mlp.2 -> ff_context.net.2
        img_mod.lin -> norm1.linear
        txt_mod.lin -> norm1_context.linear
    """),
    *_inside("single_blocks.#.", "single_transformer_blocks.#.", """
        linear1 -> attn.to_? : thirds.mlp
        linear2 -> proj_out
        norm.query_norm.scale -> attn.norm_q.weight
        norm.key_norm.scale -> attn.norm_k.weight
        modulation.lin -> norm.linear
    """),
    *_inside("distilled_guidance_layer.", "distilled_guidance_layer.", """
        layers.#.in_layer -> layers.#.linear_1
        layers.#.out_layer -> layers.#.linear_2
        norms.#.scale -> norms.#.weight
    """),
    *_inside("", "", """
        img_in -> x_embedder
        txt_in -> context_embedder
        time_in.in_layer -> time_text_embed.timestep_embedder.linear_1
        time_in.out_layer -> time_text_embed.timestep_embedder.linear_2
        vector_in.in_layer -> time_text_embed.text_embedder.linear_1
        vector_in.out_layer -> time_text_embed.text_embedder.linear_2
        guidance_in.in_layer -> time_text_embed.guidance_embedder.linear_1
        guidance_in.out_layer -> time_text_embed.guidance_embedder.linear_2
        final_layer.linear -> proj_out
        final_layer.adaLN_modulation.1 -> norm_out.linear : swapped
    """),
)  # fmt: skip

_FLUX_2 = (
    *_inside("double_blocks.#.", "transformer_blocks.#.", """
        img_attn.qkv -> attn.to_? : thirds
        img_attn.proj -> attn.to_out.0
        img_attn.norm.query_norm.scale -> attn.norm_q.weight
        img_attn.norm.key_norm.scale -> attn.norm_k.weight
        txt_attn.qkv -> attn.add_?_proj : thirds
        txt_attn.proj -> attn.to_add_out
        txt_attn.norm.query_norm.scale -> attn.norm_added_q.weight
        txt_attn.norm.key_norm.scale -> attn.norm_added_k.weight
        img_mlp.0 -> ff.linear_in
        img_mlp.2 -> ff.linear_out
        txt_mlp.0 -> ff_context.linear_in
        txt_mlp.2 -> ff_context.linear_out
    """),
    *_inside("single_blocks.#.", "single_transformer_blocks.#.", """
        linear1 -> attn.to_qkv_mlp_proj
        linear2 -> attn.to_out
        norm.query_norm.scale -> attn.norm_q.weight
        norm.key_norm.scale -> attn.norm_k.weight
    """),
    *_inside("", "", """
        img_in -> x_embedder
        txt_in -> context_embedder
        time_in.in_layer -> time_guidance_embed.timestep_embedder.linear_1
        time_in.out_layer -> time_guidance_embed.timestep_embedder.linear_2
        guidance_in.in_layer -> time_guidance_embed.guidance_embedder.linear_1
        guidance_in.out_layer -> time_guidance_embed.guidance_embedder.linear_2
        double_stream_modulation_img.lin -> double_stream_modulation_img.linear
        double_stream_modulation_txt.lin -> double_stream_modulation_txt.linear
        single_stream_modulation.lin -> single_stream_modulation.linear
        final_layer.linear -> proj_out
        final_layer.adaLN_modulation.1 -> norm_out.linear : swapped
    """),
)  # fmt: skip

_HUNYUAN_VIDEO = (
    *_inside("double_blocks.#.", "transformer_blocks.#.", """
        img_attn_qkv -> attn.to_? : thirds
        img_attn_proj -> attn.to_out.0
        img_attn_q_norm -> attn.norm_q
        img_attn_k_norm -> attn.norm_k
        txt_attn_qkv -> attn.add_?_proj : thirds
        txt_attn_proj -> attn.to_add_out
        txt_attn_q_norm -> attn.norm_added_q
        txt_attn_k_norm -> attn.norm_added_k
        img_mlp.fc1 -> ff.net.0.proj
        img_mlp.fc2 -> ff.net.2
        txt_mlp.fc1 -> ff_context.net.0.proj
        txt_mlp.fc2 -> ff_context.net.2
        img_mod.linear -> norm1.linear
        txt_mod.linear -> norm1_context.linear
    """),
    *_inside("single_blocks.#.", "single_transformer_blocks.#.", """
        linear1 -> attn.to_? : thirds.mlp
        linear2 -> proj_out
        q_norm -> attn.norm_q
        k_norm -> attn.norm_k
        modulation.linear -> norm.linear
    """),
    *_inside("txt_in.individual_token_refiner.blocks.#.", "context_embedder.token_refiner.refiner_blocks.#.", """
        norm1 -> norm1
        norm2 -> norm2
        self_attn_qkv -> attn.to_? : thirds
        self_attn_proj -> attn.to_out.0
        mlp.fc1 -> ff.net.0.proj
        mlp.fc2 -> ff.net.2
        adaLN_modulation.1 -> norm_out.linear
    """),
    *_inside("", "", """
        img_in.proj -> x_embedder.proj
        txt_in.input_embedder -> context_embedder.proj_in
        txt_in.t_embedder.mlp.0 -> context_embedder.time_text_embed.timestep_embedder.linear_1
        txt_in.t_embedder.mlp.2 -> context_embedder.time_text_embed.timestep_embedder.linear_2
        txt_in.c_embedder.linear_1 -> context_embedder.time_text_embed.text_embedder.linear_1
        txt_in.c_embedder.linear_2 -> context_embedder.time_text_embed.text_embedder.linear_2
        time_in.mlp.0 -> time_text_embed.timestep_embedder.linear_1
        time_in.mlp.2 -> time_text_embed.timestep_embedder.linear_2
        guidance_in.mlp.0 -> time_text_embed.guidance_embedder.linear_1
        guidance_in.mlp.2 -> time_text_embed.guidance_embedder.linear_2
        vector_in.in_layer -> time_text_embed.text_embedder.linear_1
        vector_in.out_layer -> time_text_embed.text_embedder.linear_2
        final_layer.linear -> proj_out
        final_layer.adaLN_modulation.1 -> norm_out.linear : swapped
    """),
)  # fmt: skip

_LTX = (
    *_inside("transformer_blocks.#.", "transformer_blocks.#.", """
        attn1.q_norm -> attn1.norm_q
        attn1.k_norm -> attn1.norm_k
        attn2.q_norm -> attn2.norm_q
        attn2.k_norm -> attn2.norm_k
    """),
    *_inside("", "", """
        patchify_proj -> proj_in
        adaln_single.linear -> time_embed.linear
        adaln_single.emb.timestep_embedder.linear_1 -> time_embed.emb.timestep_embedder.linear_1
        adaln_single.emb.timestep_embedder.linear_2 -> time_embed.emb.timestep_embedder.linear_2
    """),
)  # fmt: skip

_SAM_MLP = """
    layers.0 -> proj_in
    layers.1 -> layers.0
    layers.2 -> proj_out
"""
_SAM = (
    *_inside("image_encoder.blocks.#.", "vision_encoder.layers.#.", """
        norm1 -> layer_norm1
        norm2 -> layer_norm2
        attn.qkv -> attn.qkv
    """),
    *_inside("mask_decoder.transformer.layers.#.", "mask_decoder.transformer.layers.#.", """
        norm1 -> layer_norm1
        norm2 -> layer_norm2
        norm3 -> layer_norm3
        norm4 -> layer_norm4
    """),
    *_inside("mask_decoder.output_hypernetworks_mlps.#.", "mask_decoder.output_hypernetworks_mlps.#.", _SAM_MLP),
    *_inside("mask_decoder.iou_prediction_head.", "mask_decoder.iou_prediction_head.", _SAM_MLP),
    *_inside("", "", """
        image_encoder.pos_embed -> vision_encoder.pos_embed
        image_encoder.patch_embed.proj -> vision_encoder.patch_embed.projection
        image_encoder.neck.0 -> vision_encoder.neck.conv1
        image_encoder.neck.1 -> vision_encoder.neck.layer_norm1
        image_encoder.neck.2 -> vision_encoder.neck.conv2
        image_encoder.neck.3 -> vision_encoder.neck.layer_norm2
        prompt_encoder.pe_layer.positional_encoding_gaussian_matrix -> shared_image_embedding.positional_embedding
        prompt_encoder.point_embeddings.# -> prompt_encoder.point_embed.#
        prompt_encoder.mask_downscaling.0 -> prompt_encoder.mask_embed.conv1
        prompt_encoder.mask_downscaling.1 -> prompt_encoder.mask_embed.layer_norm1
        prompt_encoder.mask_downscaling.3 -> prompt_encoder.mask_embed.conv2
        prompt_encoder.mask_downscaling.4 -> prompt_encoder.mask_embed.layer_norm2
        prompt_encoder.mask_downscaling.6 -> prompt_encoder.mask_embed.conv3
        mask_decoder.transformer.norm_final_attn -> mask_decoder.transformer.layer_norm_final_attn
        mask_decoder.output_upscaling.0 -> mask_decoder.upscale_conv1
        mask_decoder.output_upscaling.1 -> mask_decoder.upscale_layer_norm
        mask_decoder.output_upscaling.3 -> mask_decoder.upscale_conv2
    """),
)  # fmt: skip

WAN = (
    *_inside("blocks.#.", "blocks.#.", """
        self_attn.q -> attn1.to_q
        self_attn.k -> attn1.to_k
        self_attn.v -> attn1.to_v
        self_attn.o -> attn1.to_out.0
        self_attn.norm_q -> attn1.norm_q
        self_attn.norm_k -> attn1.norm_k
        cross_attn.q -> attn2.to_q
        cross_attn.k -> attn2.to_k
        cross_attn.v -> attn2.to_v
        cross_attn.o -> attn2.to_out.0
        cross_attn.norm_q -> attn2.norm_q
        cross_attn.norm_k -> attn2.norm_k
        cross_attn.k_img -> attn2.add_k_proj
        cross_attn.v_img -> attn2.add_v_proj
        cross_attn.norm_k_img -> attn2.norm_added_k
        ffn.0 -> ffn.net.0.proj
        ffn.2 -> ffn.net.2
        norm3 -> norm2
        modulation -> scale_shift_table
    """),
    *_inside("", "", """
        text_embedding.0 -> condition_embedder.text_embedder.linear_1
        text_embedding.2 -> condition_embedder.text_embedder.linear_2
        time_embedding.0 -> condition_embedder.time_embedder.linear_1
        time_embedding.2 -> condition_embedder.time_embedder.linear_2
        time_projection.1 -> condition_embedder.time_proj
        img_emb.proj.0 -> condition_embedder.image_embedder.norm1
        img_emb.proj.1 -> condition_embedder.image_embedder.ff.net.0.proj
        img_emb.proj.3 -> condition_embedder.image_embedder.ff.net.2
        img_emb.proj.4 -> condition_embedder.image_embedder.norm2
        head.head -> proj_out
        head.modulation -> scale_shift_table
    """),
)  # fmt: skip

_PIXART = (
    *_inside("blocks.#.", "transformer_blocks.#.", """
        attn.qkv -> attn1.to_? : thirds
        attn.proj -> attn1.to_out.0
        cross_attn.q_linear -> attn2.to_q
        cross_attn.kv_linear -> attn2.to_? : halves
        cross_attn.proj -> attn2.to_out.0
        mlp.fc1 -> ff.net.0.proj
        mlp.fc2 -> ff.net.2
    """),
    *_inside("", "", """
        x_embedder.proj -> pos_embed.proj
        t_embedder.mlp.0 -> adaln_single.emb.timestep_embedder.linear_1
        t_embedder.mlp.2 -> adaln_single.emb.timestep_embedder.linear_2
        csize_embedder.mlp.0 -> adaln_single.emb.resolution_embedder.linear_1
        csize_embedder.mlp.2 -> adaln_single.emb.resolution_embedder.linear_2
        ar_embedder.mlp.0 -> adaln_single.emb.aspect_ratio_embedder.linear_1
        ar_embedder.mlp.2 -> adaln_single.emb.aspect_ratio_embedder.linear_2
        t_block.1 -> adaln_single.linear
        y_embedder.y_embedding -> caption_projection.y_embedding
        y_embedder.y_proj.fc1 -> caption_projection.linear_1
        y_embedder.y_proj.fc2 -> caption_projection.linear_2
        final_layer.linear -> proj_out
        final_layer.scale_shift_table -> scale_shift_table
    """),
)  # fmt: skip

FRAMEWORKS: tuple[Framework, ...] = (
    Framework(
        "Meta and Mistral",
        ("layers.#.attention.wq", "layers.#.attention.wk"),
        _META,
        # Qwen3 of torchtitan and Llama 4 have halves, or neighbours on both sides
        unless=("layers.#.attention.q_norm", "layers.#.attention.wqkv.layer_norm_weight"),
    ),
    Framework("LitGPT", (("transformer.h.#.attn.qkv", "transformer.h.#.attn.attn"), "transformer.h.#.norm_1"), _LITGPT),
    Framework(
        "Megatron Core",
        ("decoder.layers.#.self_attention.linear_proj", ("embedding.word_embeddings", "decoder.final_layernorm")),
        _MEGATRON_CORE,
        unless=("decoder.layers.#.cross_attention.linear_q",),
    ),
    Framework(
        "Megatron-LM",
        (
            (
                "language_model.encoder.layers.#.self_attention.query_key_value",
                "language_model.encoder.layers.#.layernorm_mlp.fc1_weight",
                "language_model.transformer.layers.#.attention.query_key_value",
            ),
        ),
        _MEGATRON_LM,
    ),
    Framework(
        "Transformer Engine",
        (
            ("layers.#.self_attention.layernorm_qkv.layer_norm_weight", "layers.#.self_attention.qkv"),
            "layers.#.layernorm_mlp.fc1_weight",
        ),
        _TRANSFORMER_ENGINE,
    ),
    Framework(
        "gpt-fast",
        ("layers.#.attention.wqkv", "layers.#.attention.wo", "tok_embeddings"),
        _GPT_FAST,
        unless=("model.layers.#.attention.wqkv",),  # InternLM 2, whose rows are in groups
    ),
    Framework(
        "OLMo-core's OLMo 2",
        ("blocks.#.attention.w_q", "blocks.#.attention.w_out", "blocks.#.attention.q_norm"),
        _OLMO_CORE_2,
    ),
    Framework("OLMo-core", ("blocks.#.attention.w_q", "blocks.#.attention.w_out"), _OLMO_CORE),
    Framework("PixArt", ("blocks.#.cross_attn.kv_linear", "blocks.#.cross_attn.q_linear"), _PIXART),
    Framework("OpenAI Whisper", ("encoder.blocks.#.attn.query", "encoder.blocks.#.mlp_ln"), _WHISPER),
    Framework(
        "OpenAI CLIP",
        ("visual.transformer.resblocks.#.attn.in_proj_weight", "transformer.resblocks.#.ln_1", "ln_final"),
        _CLIP,
    ),
    Framework(
        "the text encoder of OpenAI CLIP",
        ("transformer.resblocks.#.attn.in_proj_weight", "transformer.resblocks.#.ln_1", "ln_final", "token_embedding"),
        _CLIP,
        unless=("visual.conv1",),
    ),
    Framework("RWKV-7", ("blocks.#.att.receptance", "blocks.#.att.r_k", "blocks.#.ffn.key"), _RWKV_7),
    Framework("RWKV", ("blocks.#.att.receptance", "blocks.#.ffn.receptance"), _RWKV),
    Framework(
        "Flux and Chroma",
        (
            "double_blocks.#.img_attn.qkv",
            "single_blocks.#.linear1",
            ("vector_in.in_layer", "distilled_guidance_layer.layers.#.in_layer"),
        ),
        _FLUX,
    ),
    Framework("Flux 2", ("double_blocks.#.img_attn.qkv", "double_stream_modulation_img.lin"), _FLUX_2),
    Framework("LTX-Video", ("patchify_proj", "adaln_single.linear", "transformer_blocks.#.attn1.q_norm"), _LTX),
    Framework("HunyuanVideo", ("double_blocks.#.img_attn_qkv", "single_blocks.#.linear1"), _HUNYUAN_VIDEO),
    Framework(
        "Segment Anything",
        ("image_encoder.blocks.#.attn.qkv", "mask_decoder.output_hypernetworks_mlps.#.layers.#"),
        _SAM,
    ),
    Framework(
        "Wan", (("time_projection.1", "time_projection.#"), "blocks.#.self_attn.q", "blocks.#.cross_attn.q"), WAN
    ),
    Framework(
        "torchtune's Qwen 3",
        (
            "layers.#.attn.output_proj",
            "layers.#.sa_norm.scale",
            ("layers.#.attn.q_proj.bias", "layers.#.attn.q_norm.scale"),
        ),
        _TORCHTUNE_QWEN,
    ),
    Framework("torchtune", ("layers.#.attn.output_proj", "layers.#.sa_norm.scale"), _TORCHTUNE),
    Framework("nanochat", ("transformer.h.#.attn.c_q", "transformer.h.#.attn.c_k"), _NANOCHAT),
)
"""The first whose marks are there is that of a checkpoint; a new one is a table above and a line here."""
