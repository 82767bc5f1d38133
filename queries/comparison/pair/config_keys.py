"""What configs of different architectures call the same setting: a row a setting, its usual name first."""

from __future__ import annotations

RENAMED: tuple[tuple[str, ...], ...] = (
    ("hidden_size", "n_embd", "d_model", "dim", "model_dim", "embed_dim"),
    ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    ("num_attention_heads", "n_head", "n_heads", "num_heads", "attention_heads"),
    ("num_key_value_heads", "n_head_kv", "num_kv_heads", "n_kv_heads", "multi_query_group_num"),
    ("intermediate_size", "n_inner", "ffn_dim", "d_ff", "ffn_hidden_size", "mlp_hidden_size"),
    ("head_dim", "d_kv", "kv_channels", "attention_head_dim"),
    ("vocab_size", "padded_vocab_size", "n_vocab"),
    ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length", "max_sequence_length"),
    ("rms_norm_eps", "layer_norm_epsilon", "layer_norm_eps", "norm_eps", "layernorm_epsilon", "norm_epsilon"),
    ("hidden_act", "activation_function", "hidden_activation", "feed_forward_proj"),
    ("rope_theta", "rotary_emb_base", "rope_base"),
    ("partial_rotary_factor", "rotary_pct", "rope_pct"),
    ("num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts", "n_experts"),
    ("num_experts_per_tok", "moe_topk", "top_k_experts", "moe_top_k", "num_selected_experts"),
    ("n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts"),
    ("moe_intermediate_size", "expert_hidden_size", "expert_ffn_hidden_size"),
    ("attention_bias", "qkv_bias", "use_qkv_bias", "add_qkv_bias"),
    ("attention_dropout", "attn_pdrop", "attn_dropout"),
    ("hidden_dropout", "resid_pdrop", "dropout", "hidden_dropout_prob", "resid_dropout"),
    ("tie_word_embeddings", "tie_embeddings", "share_embeddings"),
    ("torch_dtype", "dtype"),
    ("sliding_window", "sliding_window_size", "attention_window"),
    ("initializer_range", "init_std", "initializer_factor"),
)  # fmt: skip
"""Names of one setting in published configs; the first is what the comparison calls it."""

USUAL = {name: row[0] for row in RENAMED for name in row}
"""Name in a config -> the setting's usual name."""

LEFT_OUT = frozenset({"_name_or_path", "transformers_version", "quantization_config", "auto_map"})
"""What says nothing of the architecture: where a model came from, and what wrote the file."""
