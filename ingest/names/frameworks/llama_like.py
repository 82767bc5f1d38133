"""Tables of language models that are built as Llama is.

Sources: `llama/model.py` (Meta), `mistral_inference/transformer.py`, `litgpt/model.py` and its `qkv_reassemble`,
nanochat `gpt.py`, torchtune `models/convert_weights.py`, gpt-fast `model.py` and `scripts/convert_hf_checkpoint.py`,
OLMo-core `nn/hf/convert.py`, transformers `convert_voxtral_weights_to_hf.py` and `convert_gpt_oss_weights_to_hf.py`,
DeepSeek-V3 `inference/model.py` and `inference/convert.py`, TensorRT-LLM `models/llama/convert.py`.
"""

from __future__ import annotations

from .line import inside

META = (
    ("layers.#.attention.wq", "layers.#.attention.wq", "pairs.q"),
    ("layers.#.attention.wk", "layers.#.attention.wk", "pairs.k"),
    *inside("", "multi_modal_projector.", """
        pre_mm_projector_norm -> norm
        patch_merger.merging_layer -> patch_merger.merging_layer
        vision_language_adapter.w_in -> linear_1
        vision_language_adapter.w_out -> linear_2
        mm_whisper_embeddings.audio_language_projection.0 -> linear_1
        mm_whisper_embeddings.audio_language_projection.2 -> linear_2
    """),
    *inside("mm_whisper_embeddings.whisper_encoder.transformer.layers.#.", "audio_tower.layers.#.", """
        attention.wq -> self_attn.q_proj
        attention.wk -> self_attn.k_proj
        attention.wv -> self_attn.v_proj
        attention.wo -> self_attn.out_proj
        attention_norm -> self_attn_layer_norm
        feed_forward.w1 -> fc1
        feed_forward.w2 -> fc2
        ffn_norm -> final_layer_norm
    """),
    *inside("mm_whisper_embeddings.", "", """
        whisper_encoder.conv_layers.0 -> audio_tower.conv1
        whisper_encoder.conv_layers.1 -> audio_tower.conv2
        whisper_encoder.transformer.norm -> audio_tower.layer_norm
        tok_embeddings -> language_model.model.embed_tokens
    """),
)  # fmt: skip
"""Beside the text: what Mistral calls the projectors of Pixtral and Voxtral, and Voxtral's Whisper."""

LITGPT = (
    *inside("transformer.h.#.", "model.layers.#.", """
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

TORCHTUNE = (
    *inside("layers.#.", "model.layers.#.", """
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

TORCHTUNE_QWEN = tuple((ours, theirs, "") for ours, theirs, _ in TORCHTUNE)
"""Its Qwen 3 has the halves of Hugging Face."""

GPT_FAST = (("layers.#.attention.wqkv", "layers.#.self_attn.qkv_proj", "stacked.pairs"),)

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

OLMO_CORE = (
    *inside("blocks.#.", "model.layers.#.", _OLMO_CORE_LAYER + """
        attention_norm -> input_layernorm
        feed_forward_norm -> post_attention_layernorm
    """),
    *_OLMO_CORE_ENDS,
)  # fmt: skip

OLMO_CORE_2 = (
    *inside("blocks.#.", "model.layers.#.", _OLMO_CORE_LAYER + """
        attention_norm -> post_attention_layernorm
        feed_forward_norm -> post_feedforward_layernorm
    """),
    *_OLMO_CORE_ENDS,
)  # fmt: skip
"""OLMo 2 and 3 have norms over q and k, and those of a layer behind what they stand before in others."""

GPT_OSS = (
    *inside("block.#.", "model.layers.#.", """
        attn.norm.scale -> input_layernorm.weight
        attn.qkv -> self_attn.qkv_proj : stacked
        attn.out -> self_attn.o_proj
        attn.sinks -> self_attn.sinks
        mlp.norm.scale -> post_attention_layernorm.weight
        mlp.gate -> mlp.router
        mlp.mlp1_weight -> mlp.experts.@.?_proj.weight : alternating
        mlp.mlp1_bias -> mlp.experts.@.?_proj.bias : alternating
        mlp.mlp2_weight -> mlp.experts.down_proj
        mlp.mlp2_bias -> mlp.experts.down_proj_bias
    """),
    ("embedding", "model.embed_tokens", ""),
    ("unembedding", "lm_head", ""),
    ("norm.scale", "model.norm.weight", ""),
)  # fmt: skip

DEEPSEEK = (
    *inside("layers.#.", "model.layers.#.", """
        attn_norm -> input_layernorm
        attn.wq -> self_attn.q_proj
        attn.wq_a -> self_attn.q_a_proj
        attn.q_norm -> self_attn.q_a_layernorm
        attn.wq_b -> self_attn.q_b_proj
        attn.wkv_a -> self_attn.kv_a_proj_with_mqa
        attn.kv_norm -> self_attn.kv_a_layernorm
        attn.wkv_b -> self_attn.kv_b_proj
        attn.wo -> self_attn.o_proj
        ffn_norm -> post_attention_layernorm
        ffn.w1 -> mlp.gate_proj
        ffn.w2 -> mlp.down_proj
        ffn.w3 -> mlp.up_proj
        ffn.gate.weight -> mlp.gate.weight
        ffn.gate.bias -> mlp.gate.e_score_correction_bias
        ffn.experts.#.w1 -> mlp.experts.#.gate_proj
        ffn.experts.#.w2 -> mlp.experts.#.down_proj
        ffn.experts.#.w3 -> mlp.experts.#.up_proj
        ffn.shared_experts.w1 -> mlp.shared_experts.gate_proj
        ffn.shared_experts.w2 -> mlp.shared_experts.down_proj
        ffn.shared_experts.w3 -> mlp.shared_experts.up_proj
    """),
    ("embed", "model.embed_tokens", ""),
    ("norm", "model.norm", ""),
    ("head", "lm_head", ""),
)  # fmt: skip
"""DeepSeek-V2 and V3 in the names of their makers' own inference."""

NANOCHAT = (
    *inside("transformer.h.#.", "model.layers.#.", """
        attn.c_q -> self_attn.q_proj
        attn.c_k -> self_attn.k_proj
        attn.c_v -> self_attn.v_proj
        attn.c_proj -> self_attn.o_proj
        mlp.c_fc -> mlp.fc1
        mlp.c_proj -> mlp.fc2
    """),
    ("transformer.wte", "model.embed_tokens", ""),
)  # fmt: skip

RECURRENT_GEMMA = (
    *inside("blocks.#.", "model.layers.#.", """
        temporal_pre_norm.scale -> temporal_pre_norm.weight
        channel_pre_norm.scale -> channel_pre_norm.weight
        attention_block.proj_q -> temporal_block.q_proj
        attention_block.proj_k -> temporal_block.k_proj
        attention_block.proj_v -> temporal_block.v_proj
        attention_block.proj_final -> temporal_block.o_proj
        recurrent_block.linear_x -> temporal_block.linear_x
        recurrent_block.linear_y -> temporal_block.linear_y
        recurrent_block.linear_out -> temporal_block.linear_out
        recurrent_block.conv_1d.w -> temporal_block.conv_1d.weight : transposed.depthwise
        recurrent_block.conv_1d.b -> temporal_block.conv_1d.bias
        recurrent_block.rg_lru.a_param -> temporal_block.rg_lru.recurrent_param
        recurrent_block.rg_lru.input_gate.w -> temporal_block.rg_lru.input_gate_weight
        recurrent_block.rg_lru.input_gate.b -> temporal_block.rg_lru.input_gate_bias
        recurrent_block.rg_lru.a_gate.w -> temporal_block.rg_lru.recurrent_gate_weight
        recurrent_block.rg_lru.a_gate.b -> temporal_block.rg_lru.recurrent_gate_bias
        mlp_block.ffw_up.w -> mlp_block.?_proj.weight : gate_and_up
        mlp_block.ffw_up.b -> mlp_block.?_proj.bias : gate_and_up
        mlp_block.ffw_down -> mlp_block.down_proj
    """),
    ("embedder.input_embedding", "model.embed_tokens.weight", ""),
    ("final_norm.scale", "model.final_norm.weight", ""),
)  # fmt: skip

_TENSORRT_LAYER = """
    attention.qkv -> self_attn.qkv_proj : stacked
    attention.dense -> self_attn.o_proj
    input_layernorm -> input_layernorm
    post_layernorm -> post_attention_layernorm
    mlp.proj -> mlp.down_proj
"""
_TENSORRT_ENDS = (
    ("transformer.vocab_embedding", "model.embed_tokens", ""),
    ("transformer.ln_f", "model.norm", ""),
)

TENSORRT = (
    *inside("transformer.layers.#.", "model.layers.#.", _TENSORRT_LAYER + """
        mlp.fc -> mlp.up_proj
    """),
    *_TENSORRT_ENDS,
)  # fmt: skip
TENSORRT_EXPERTS = (
    *inside("transformer.layers.#.", "model.layers.#.", _TENSORRT_LAYER.replace("mlp.proj -> mlp.down_proj", """
        mlp.proj -> mlp.experts.down_proj
        mlp.fc -> mlp.experts.@.?_proj : up_gate
        mlp.router -> mlp.gate
    """)),
    *_TENSORRT_ENDS,
)  # fmt: skip
TENSORRT_GATED = (
    *inside("transformer.layers.#.", "model.layers.#.", _TENSORRT_LAYER + """
        mlp.fc -> mlp.gate_proj
        mlp.gate -> mlp.up_proj
    """),
    *_TENSORRT_ENDS,
)  # fmt: skip
"""What is called the gate is what its activation is multiplied by."""
