"""Tables of diffusion transformers whose makers fuse q, k and v of one or of two streams.

Sources: diffusers `convert_sd3_to_diffusers.py`, `convert_hunyuandit_to_diffusers.py`, `convert_mochi_to_diffusers.py`,
`convert_cogvideox_to_diffusers.py` and `convert_stable_audio.py`.
"""

from __future__ import annotations

from .line import inside

SD_3 = (
    *inside("joint_blocks.#.", "transformer_blocks.#.", """
        x_block.attn.qkv -> attn.to_? : thirds
        x_block.attn.ln_q -> attn.norm_q
        x_block.attn.ln_k -> attn.norm_k
        x_block.attn.proj -> attn.to_out.0
        x_block.attn2.qkv -> attn2.to_? : thirds
        x_block.attn2.ln_q -> attn2.norm_q
        x_block.attn2.ln_k -> attn2.norm_k
        x_block.attn2.proj -> attn2.to_out.0
        x_block.mlp.fc1 -> ff.net.0.proj
        x_block.mlp.fc2 -> ff.net.2
        x_block.adaLN_modulation.1 -> norm1.linear
        context_block.attn.qkv -> attn.add_?_proj : thirds
        context_block.attn.ln_q -> attn.norm_added_q
        context_block.attn.ln_k -> attn.norm_added_k
        context_block.attn.proj -> attn.to_add_out
        context_block.mlp.fc1 -> ff_context.net.0.proj
        context_block.mlp.fc2 -> ff_context.net.2
        context_block.adaLN_modulation.1 -> norm1_context.linear : swapped.twice
    """),
    *inside("", "", """
        x_embedder.proj -> pos_embed.proj
        pos_embed -> pos_embed.pos_embed
        t_embedder.mlp.0 -> time_text_embed.timestep_embedder.linear_1
        t_embedder.mlp.2 -> time_text_embed.timestep_embedder.linear_2
        y_embedder.mlp.0 -> time_text_embed.text_embedder.linear_1
        y_embedder.mlp.2 -> time_text_embed.text_embedder.linear_2
        final_layer.linear -> proj_out
        final_layer.adaLN_modulation.1 -> norm_out.linear : swapped
    """),
)  # fmt: skip
"""The last block modulates its context by a scale and a shift alone, in the order of `norm_out`."""

HUNYUAN_DIT = (
    *inside("blocks.#.", "blocks.#.", """
        attn1.Wqkv -> attn1.to_? : thirds
        attn1.q_norm -> attn1.norm_q
        attn1.k_norm -> attn1.norm_k
        attn1.out_proj -> attn1.to_out.0
        attn2.q_proj -> attn2.to_q
        attn2.kv_proj -> attn2.to_? : halves
        attn2.q_norm -> attn2.norm_q
        attn2.k_norm -> attn2.norm_k
        attn2.out_proj -> attn2.to_out.0
        norm1 -> norm1.norm
        norm2 -> norm3
        norm3 -> norm2
        default_modulation.1 -> norm1.linear
        mlp.fc1 -> ff.net.0.proj
        mlp.fc2 -> ff.net.2
    """),
    *inside("", "", """
        x_embedder.proj -> pos_embed.proj
        pooler.positional_embedding -> time_extra_emb.pooler.positional_embedding
        pooler.q_proj -> time_extra_emb.pooler.q_proj
        pooler.k_proj -> time_extra_emb.pooler.k_proj
        pooler.v_proj -> time_extra_emb.pooler.v_proj
        pooler.c_proj -> time_extra_emb.pooler.c_proj
        t_embedder.mlp.0 -> time_extra_emb.timestep_embedder.linear_1
        t_embedder.mlp.2 -> time_extra_emb.timestep_embedder.linear_2
        extra_embedder.0 -> time_extra_emb.extra_embedder.linear_1
        extra_embedder.2 -> time_extra_emb.extra_embedder.linear_2
        style_embedder -> time_extra_emb.style_embedder
        mlp_t5.0 -> text_embedder.linear_1
        mlp_t5.2 -> text_embedder.linear_2
        final_layer.linear -> proj_out
        final_layer.adaLN_modulation.1 -> norm_out.linear : swapped
    """),
)  # fmt: skip

MOCHI = (
    *inside("blocks.#.", "transformer_blocks.#.", """
        attn.qkv_x -> attn1.to_? : thirds
        attn.q_norm_x -> attn1.norm_q
        attn.k_norm_x -> attn1.norm_k
        attn.proj_x -> attn1.to_out.0
        attn.qkv_y -> attn1.add_?_proj : thirds
        attn.q_norm_y -> attn1.norm_added_q
        attn.k_norm_y -> attn1.norm_added_k
        attn.proj_y -> attn1.to_add_out
        mod_x -> norm1.linear
        mod_y -> norm1_context.linear
        mlp_x.w1 -> ff.net.0.proj : swapped
        mlp_x.w2 -> ff.net.2
        mlp_y.w1 -> ff_context.net.0.proj : swapped
        mlp_y.w2 -> ff_context.net.2
    """),
    *inside("", "", """
        x_embedder.proj -> patch_embed.proj
        t_embedder.mlp.0 -> time_embed.timestep_embedder.linear_1
        t_embedder.mlp.2 -> time_embed.timestep_embedder.linear_2
        t5_y_embedder.to_kv -> time_embed.pooler.to_kv
        t5_y_embedder.to_q -> time_embed.pooler.to_q
        t5_y_embedder.to_out -> time_embed.pooler.to_out
        t5_yproj -> time_embed.caption_proj
        final_layer.linear -> proj_out
        final_layer.mod -> norm_out.linear : swapped
    """),
)  # fmt: skip

COGVIDEOX = (
    *inside("transformer.layers.#.", "transformer_blocks.#.", """
        attention.query_key_value -> attn1.to_? : thirds
        attention.dense -> attn1.to_out.0
        input_layernorm -> norm1.norm
        post_attention_layernorm -> norm2.norm
        mlp.dense_h_to_4h -> ff.net.0.proj
        mlp.dense_4h_to_h -> ff.net.2
    """),
    *inside("", "", """
        mixins.adaln_layer.query_layernorm_list.# -> transformer_blocks.#.attn1.norm_q
        mixins.adaln_layer.key_layernorm_list.# -> transformer_blocks.#.attn1.norm_k
        mixins.adaln_layer.adaLN_modulations.#.1 -> transformer_blocks.#.norm?.linear : quarters
        mixins.patch_embed.proj -> patch_embed.proj
        mixins.patch_embed.text_proj -> patch_embed.text_proj
        mixins.final_layer.norm_final -> norm_out.norm
        mixins.final_layer.adaLN_modulation.1 -> norm_out.linear
        mixins.final_layer.linear -> proj_out
        time_embed.0 -> time_embedding.linear_1
        time_embed.2 -> time_embedding.linear_2
        transformer.final_layernorm -> norm_final
    """),
)  # fmt: skip

STABLE_AUDIO = (
    *inside("transformer.layers.#.", "transformer_blocks.#.", """
        self_attn.to_qkv -> attn1.to_? : thirds
        self_attn.to_out -> attn1.to_out.0
        cross_attn.to_q -> attn2.to_q
        cross_attn.to_kv -> attn2.to_? : halves
        cross_attn.to_out -> attn2.to_out.0
        pre_norm.gamma -> norm1.weight
        pre_norm.beta -> norm1.bias
        cross_attend_norm.gamma -> norm2.weight
        cross_attend_norm.beta -> norm2.bias
        ff_norm.gamma -> norm3.weight
        ff_norm.beta -> norm3.bias
        ff.ff.0.proj -> ff.net.0.proj
        ff.ff.2 -> ff.net.2
    """),
    *inside("", "", """
        transformer.project_in -> proj_in
        transformer.project_out -> proj_out
        preprocess_conv -> preprocess_conv
        postprocess_conv -> postprocess_conv
        to_timestep_embed.0 -> timestep_proj.0
        to_timestep_embed.2 -> timestep_proj.2
        to_global_embed.0 -> global_proj.0
        to_global_embed.2 -> global_proj.2
        to_cond_embed.0 -> cross_attention_proj.0
        to_cond_embed.2 -> cross_attention_proj.2
        timestep_features.weight -> time_proj.weight : flat
    """),
)  # fmt: skip

DIT = (
    *inside("blocks.#.", "transformer_blocks.#.", """
        attn.qkv -> attn1.to_? : thirds
        attn.proj -> attn1.to_out.0
        mlp.fc1 -> ff.net.0.proj
        mlp.fc2 -> ff.net.2
        adaLN_modulation.1 -> norm1.linear
    """),
    *inside("", "", """
        x_embedder.proj -> pos_embed.proj
        pos_embed -> pos_embed.pos_embed
        t_embedder.mlp.0 -> transformer_blocks.0.norm1.emb.timestep_embedder.linear_1
        t_embedder.mlp.2 -> transformer_blocks.0.norm1.emb.timestep_embedder.linear_2
        y_embedder.embedding_table -> transformer_blocks.0.norm1.emb.class_embedder.embedding_table
        final_layer.adaLN_modulation.1 -> proj_out_1
        final_layer.linear -> proj_out_2
    """),
)  # fmt: skip
"""The embedders of time and class are repeated in every block of diffusers' files."""

OMNIGEN = (
    *inside("llm.layers.#.", "layers.#.", """
        self_attn.qkv_proj -> self_attn.to_? : thirds
        self_attn.o_proj -> self_attn.to_out.0
        mlp.gate_up_proj -> mlp.gate_up_proj
        mlp.down_proj -> mlp.down_proj
        input_layernorm -> input_layernorm
        post_attention_layernorm -> post_attention_layernorm
    """),
    *inside("", "", """
        llm.embed_tokens -> embed_tokens
        llm.norm -> norm
        x_embedder.proj -> patch_embedding.output_image_proj
        input_x_embedder.proj -> patch_embedding.input_image_proj
        pos_embed -> patch_embedding.pos_embed
        t_embedder.mlp.0 -> t_embedder.linear_1
        t_embedder.mlp.2 -> t_embedder.linear_2
        time_token.mlp.0 -> time_token.linear_1
        time_token.mlp.2 -> time_token.linear_2
        final_layer.linear -> proj_out
        final_layer.adaLN_modulation.1 -> norm_out.linear : swapped
    """),
)  # fmt: skip
