"""The names of tensors in published architectures, as tables. A new architecture is a line or two here.

A name is read as `prefix.stack.LAYER.tail.kind`, for instance `language_model.model` `layers` `7` `self_attn.q_proj`
`weight`; experts add `experts.EXPERT`. COMPONENTS are matched against the whole name, first hit wins; ROLES and NORMS
against the tail, first hit wins. Every pattern stands for whole dotted parts: `c_proj` does not match `abc_proj`.
"""

from __future__ import annotations

COMPONENTS: tuple[tuple[str, str], ...] = (
    (r"multi_modal_projector|mm_projector|multimodal_projector|aligner|connector|modality_projection|visual\.merger", "projector"),
    (r"vision_tower|vision_model|vision_encoder|visual|vit|image_encoder|vision_embed_tokens|img_processor", "vision"),
    (r"audio_tower|audio_model|audio_encoder|speech_encoder|audio_embed", "audio"),
    (r"language_model|text_model|text_encoder|llm|thinker", "language"),
)  # fmt: skip
"""(parts of the name, component). A name without any of them belongs to `language`."""

STACKS = r"layers|layer|h|block|blocks|resblocks|decoder_layers|encoder_layers|transformer_blocks"
"""The part before the number of a layer."""

EXPERTS = r"experts|local_experts"
SHARED_EXPERT = r"shared_expert|shared_experts|shared_mlp|dense_mlp"

ROLES: tuple[tuple[str, str, str], ...] = (
    # not evidence: buffers and what initialisation fixes
    (r"rotary_emb.*|rotary_pos_emb.*|inv_freq|freqs_cis|masked_bias|(attn|attention)\.bias|position_ids|relative_position_index", "other", "buffer"),
    (r"A_log|dt_bias|D", "other", "buffer"),
    (r"embed_positions|position_embeddings?|position_embedding|wpe|pos_embed|pos_embedding|positional_embedding", "other", "position"),
    (r"token_type_embeddings?", "other", "token_type"),
    # routing, before the generic names
    (r"router|mlp\.gate|block_sparse_moe\.gate|feed_forward\.router|router\.(layer|classifier|linear)|ffn_gate_inp|moe\.gate|mlp\.router", "router", ""),
    (r"shared_expert_gate", "router", "shared"),
    # attention; low-rank (DeepSeek) projections keep a place of their own
    (r"q_a_proj", "q", "a"),
    (r"q_b_proj", "q", "b"),
    (r"kv_a_proj_with_mqa|kv_a_proj", "k", "kv_a"),
    (r"kv_b_proj", "v", "kv_b"),
    (r"qkv_proj|qkv|query_key_value|c_attn|Wqkv|in_proj|W_pack|attn_qkv", "q", "qkv"),
    (r"(cross_attn|encoder_attn|crossattention|EncDecAttention|multi_head_attention)\.(.*\.)?(q_proj|query|q|to_q)", "q", "cross"),
    (r"(cross_attn|encoder_attn|crossattention|EncDecAttention|multi_head_attention)\.(.*\.)?(k_proj|key|k|to_k)", "k", "cross"),
    (r"(cross_attn|encoder_attn|crossattention|EncDecAttention|multi_head_attention)\.(.*\.)?(v_proj|value|v|to_v)", "v", "cross"),
    (r"(cross_attn|encoder_attn|crossattention|EncDecAttention|multi_head_attention)\.(.*\.)?(out_proj|o_proj|o|output\.dense)", "o", "cross"),
    (r"q_proj|query|query_proj|q_lin|wq|to_q|attn_q|q", "q", ""),
    (r"k_proj|key|key_proj|k_lin|wk|to_k|attn_k|k", "k", ""),
    (r"v_proj|value|value_proj|v_lin|wv|to_v|attn_v|v", "v", ""),
    (r"(mlp|ffn|feed_forward|DenseReluDense)\.(c_proj|wo)", "down", ""),
    (r"o_proj|out_proj|out_lin|wo|to_out|to_out\.0|attn_output|attention\.output\.dense|(attn|attention|self_attn|self_attention)\.(dense|c_proj|proj|o)", "o", ""),
    # feed-forward
    (r"gate_up_proj|gate_up|w12|Wi", "gate", "gate_up"),
    (r"gate_proj|w1|wi_0|ffn_gate|linear_v", "gate", ""),
    (r"up_proj|w3|wi_1|wi|c_fc|fc1|fc_in|dense_h_to_4h|intermediate\.dense|ffn_up|lin1|linear1|linear_fc1|linear_1|DenseReluDense\.wi", "up", ""),
    (r"down_proj|w2|fc2|fc_out|dense_4h_to_h|output\.dense|ffn_down|lin2|linear2|linear_fc2|linear_2", "down", ""),
    # the ends of the stack
    (r"embed_tokens|word_embeddings?|wte|tok_embeddings|embed_in|token_embedding|token_embd|shared|word_embeddings", "embed", ""),
    (r"lm_head|embed_out|output|output_projection|cls\.predictions\.decoder|lm_head\.decoder", "head", ""),
    # convolutions
    (r"conv|conv1|conv2|conv1d|conv_in|conv_out|patch_embed\.proj|patch_embedding|patch_embeddings\.projection|conv_stem", "conv", ""),
)  # fmt: skip
"""(tail, role, slot). A slot keeps apart what would share a role inside one block."""

NORMS: tuple[tuple[str, str], ...] = (
    (r"q_norm|q_layernorm|query_layernorm|q_a_layernorm|attn_q_norm|norm_q", "q"),
    (r"k_norm|k_layernorm|key_layernorm|kv_a_layernorm|attn_k_norm|norm_k", "k"),
    (r"attention\.output\.LayerNorm|sa_layer_norm|post_self_attn_layernorm", "post_attention"),
    (r"output\.LayerNorm|output_layer_norm|post_feedforward_layernorm|post_mlp_layernorm", "post_ffn"),
    (r"input_layernorm|ln_1|ln1|attention_norm|attn_norm|norm1|layernorm_before|layer_norm1|ln_attn|self_attn_layer_norm", "attention"),
    (r"pre_feedforward_layernorm|post_attention_layernorm|ln_2|ln2|ffn_norm|norm2|layernorm_after|layer_norm2|ln_mlp|final_layer_norm|pre_mlp_layernorm", "ffn"),
    (r"embeddings\.LayerNorm|emb_ln|word_embeddings_layernorm|embeddings\.norm", "embedding"),
    (r"norm|ln_f|final_layernorm|final_norm|final_layer_norm|ln_final|output_norm|layer_norm|layernorm|post_layernorm|LayerNorm", "final"),
)  # fmt: skip
"""(tail, place): the matrices that a norm's gain feeds follow from its place (see FEEDS)."""

FEEDS: dict[str, tuple[str, ...]] = {
    "q": ("attention",),
    "k": ("attention",),
    "v": ("attention",),
    "gate": ("ffn", "attention"),  # parallel blocks have one norm for both halves
    "up": ("ffn", "attention"),
}
"""Role -> places of the norm whose gain multiplies its input, in order of preference."""

GAIN_OFFSET: dict[str, float] = {
    "gemma": 1.0, "gemma2": 1.0, "gemma3": 1.0, "gemma3_text": 1.0, "recurrent_gemma": 1.0, "qwen3_next": 1.0,
}  # fmt: skip
"""`model_type` -> what the architecture adds to a stored norm gain (Gemma stores w and multiplies by 1 + w)."""

FUSED_QKV: tuple[tuple[str, str, str], ...] = (
    (r"query_key_value", r"gpt_neox|gpt_neox_japanese|bloom|persimmon|gpt-neox|polyglot", "heads"),
    (r"query_key_value", r"falcon|RefinedWeb|RefinedWebModel", "falcon"),
    (r"query_key_value", r"chatglm|glm", "chatglm"),
    (r"query_key_value", r"fuyu|cogvlm|ernie.*", ""),
    (r"query_key_value", r".*bailing.*", "stacked"),
    (r"query_key_value", r".*", ""),
    (r"c_attn", r"gpt_bigcode", "bigcode"),
    (r"qkv_proj", r"codegen|moss", ""),
    (r"wqkv|Wqkv", r"internlm2|internlm3|internvl_chat|internlmxcomposer2", "groups"),
    (r"qkv_proj|c_attn|W_pack|Wqkv|att_proj|(attn|attention|self_attn|self_attention)\.qkv", r".*", "stacked"),
)  # fmt: skip
"""(tail, `model_type`, order of the rows), first hit wins; an empty order is not known, or of another kind.

`stacked`: all of q, then k, then v. `heads`: q, k, v of one head after another. `groups`: for every head of k, the heads
of q that share it, its k, its v. `falcon`, `chatglm`, `bigcode`: one of these, by other keys of the config.
"""

FUSED_GATE_UP: tuple[tuple[str, str, tuple[str, str]], ...] = (
    (r"ff_proj", r"olmo|mpt", ("up_proj", "gate_proj")),
    (r"dense_h_to_4h", r"chatglm|glm", ("gate_proj", "up_proj")),
    (r"gate_up_proj|gate_up|w12|Wi|(shared_mlp|mlp)\.input_linear", r".*", ("gate_proj", "up_proj")),
)
"""(tail, `model_type`, what its first and its second half are)."""

STACKED_EXPERTS: tuple[tuple[str, str], ...] = (
    (r"experts\.gate_up_proj", "gate_up"),
    (r"experts\.(gate_proj|w1)", "gate_proj"),
    (r"experts\.(up_proj|w3)", "up_proj"),
    (r"experts\.(down_proj|w2)", "down_proj"),
    (r"(block_sparse_moe|moe)\.input_linear", "gate_up"),
    (r"(block_sparse_moe|moe)\.output_linear", "down_proj"),
)
"""(tail of a 3-D tensor [experts, ...], what each of its matrices is)."""

ALTERNATING_GATE_UP = r"gpt_oss"
"""`model_type` whose rows of gate and up take turns."""

TRANSPOSED = r"c_attn|c_fc|c_proj|q_attn"
"""Matrices that GPT-2 stores as [in, out] (Conv1D); known by a c_attn that is three times as wide as it is high."""

RENAMED: tuple[tuple[str, str, str], ...] = (
    (r"qwen", r"mlp\.w1", "up_proj"),
    (r"qwen", r"mlp\.w2", "gate_proj"),
)
"""(`model_type`, tail, the last part of the name that says the same elsewhere): w1(x) silu(w2(x)) in the first Qwen."""
