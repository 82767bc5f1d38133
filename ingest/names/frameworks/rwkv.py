"""Tables of RWKV.

Sources: RWKV-LM `rwkv_v4neo` and `RWKV-v7/rwkv_v7_demo.py`, flash-linear-attention `models/rwkv7`.
"""

from __future__ import annotations

from .line import inside

RWKV = (
    *inside("blocks.#.", "rwkv.blocks.#.", """
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

RWKV_7 = (
    *inside("blocks.#.", "model.layers.#.", """
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
