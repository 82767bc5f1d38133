"""Tables of Megatron-LM, of its Core, of NeMo and of Transformer Engine.

Sources: Megatron-LM `core/models/gpt`; Transformer Engine `pytorch/transformer.py` and its tutorial on Llama; NeMo
`modules/common/megatron/mlp.py`.
"""

from __future__ import annotations

from .line import inside

MEGATRON_CORE = (
    *inside("decoder.layers.#.", "model.layers.#.", """
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

TRANSFORMER_ENGINE = inside("layers.#.", "layers.#.", _TRANSFORMER_ENGINE_LAYER)

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

MEGATRON_LM = (
    *inside("language_model.encoder.layers.#.", "model.layers.#.", _MEGATRON_LAYER + _TRANSFORMER_ENGINE_LAYER),
    *inside("language_model.transformer.layers.#.", "model.layers.#.", _MEGATRON_LAYER),
    *inside("", "", """
        language_model.embedding.word_embeddings -> model.embed_tokens
        language_model.encoder.final_norm -> model.norm
        language_model.encoder.final_layernorm -> model.norm
        language_model.transformer.final_layernorm -> model.norm
        language_model.output_layer -> lm_head
    """),
)  # fmt: skip
"""Rows of q, k and v as since its checkpoint version 2.0: those before (of 2020) have another order."""
