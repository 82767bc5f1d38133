"""Tables of language models whose makers keep experts, codebooks or ends of the stack in another way than Llama does.

Sources: transformers `convert_llama4_weights_to_hf.py`, `convert_phi_weights_to_hf.py` and `convert_csm.py`, DBRX
`modeling_dbrx.py` and its conversion in llama.cpp and MLX, Moshi `models/lm.py` and
`convert_moshi_transformers.py`, Dia `layers.py` and `convert_dia_to_hf.py`.
"""

from __future__ import annotations

from .line import inside

LLAMA_4 = (
    *inside("layers.#.", "language_model.model.layers.#.", """
        attention.wqkv -> self_attn.?_proj : by_output
        attention.wqkv.layer_norm_weight -> input_layernorm.weight
        attention_norm -> input_layernorm
        attention.wo -> self_attn.o_proj
        feed_forward.norm -> post_attention_layernorm
        feed_forward.router_DE -> feed_forward.router.weight : transposed
        feed_forward.experts.moe_w_in_eD_F -> feed_forward.experts.gate_proj : experts
        feed_forward.experts.moe_w_swiglu_eD_F -> feed_forward.experts.up_proj : experts
        feed_forward.experts.moe_w_out_eF_D -> feed_forward.experts.down_proj : experts
        feed_forward.w_in_shared_FD -> feed_forward.shared_expert.gate_proj
        feed_forward.w_swiglu_FD -> feed_forward.shared_expert.up_proj
        feed_forward.w_out_shared_DF -> feed_forward.shared_expert.down_proj
        feed_forward.w1 -> feed_forward.gate_proj
        feed_forward.w2 -> feed_forward.down_proj
        feed_forward.w3 -> feed_forward.up_proj
        feed_forward.mlp.fc1_weight -> feed_forward.gate_up_proj.weight
        feed_forward.mlp.fc2_weight -> feed_forward.down_proj.weight
        feed_forward.mlp.layer_norm -> post_attention_layernorm
        feed_forward.mlp.layer_norm_weight -> post_attention_layernorm.weight
    """),
    ("tok_embeddings", "language_model.model.embed_tokens", ""),
    ("norm", "language_model.model.norm", ""),
    ("output", "language_model.lm_head", ""),
    *inside("vision_embeddings.vision_encoder.transformer.resblocks.#.", "vision_model.model.layers.#.", """
        attn.wq -> self_attn.q_proj
        attn.wk -> self_attn.k_proj
        attn.wv -> self_attn.v_proj
        attn.wo -> self_attn.o_proj
        mlp.c_fc -> mlp.fc1
        mlp.c_proj -> mlp.fc2
        ln_1 -> input_layernorm
        ln_2 -> post_attention_layernorm
    """),
    *inside("vision_embeddings.", "vision_model.", """
        vision_encoder.conv1._linear -> patch_embedding.linear
        vision_encoder.class_embedding -> class_embedding
        vision_encoder.positional_embedding_vlm -> positional_embedding_vlm
        vision_encoder.ln_pre -> layernorm_pre
        vision_encoder.ln_post -> layernorm_post
        vision_adapter.mlp.c_fc -> vision_adapter.mlp.fc1
        vision_adapter.mlp.c_proj -> vision_adapter.mlp.fc2
    """),
    ("vision_projection", "multi_modal_projector.linear_1", ""),
)  # fmt: skip
"""Its q and k keep their order: transformers rotates them as Meta does."""

_PHI_LAYER = """
    mixer.Wqkv -> self_attn.qkv_proj
    mixer.out_proj -> self_attn.dense
    mlp.fc1 -> mlp.fc1
    mlp.fc2 -> mlp.fc2
    ln -> input_layernorm
"""

PHI = (
    *inside("transformer.h.#.", "model.layers.#.", _PHI_LAYER),
    ("transformer.embd.wte", "model.embed_tokens", ""),
    ("lm_head.ln", "model.final_layernorm", ""),
    ("lm_head.linear", "lm_head", ""),
)

PHI_FIRST = (
    *inside("layers.#.", "model.layers.#-1.", _PHI_LAYER),
    ("layers.#.wte", "model.embed_tokens", ""),
    ("layers.25.ln", "model.final_layernorm", ""),
    ("layers.#.linear", "lm_head", ""),
)
"""Phi 1 and 1.5 as they came out: the embedding is the first of their 26 layers, and the head the last."""

DBRX = inside("blocks.#.ffn.experts.mlp.", "blocks.#.ffn.experts.@.", """
    w1 -> gate_proj.weight : expert_rows
    v1 -> up_proj.weight : expert_rows
    w2 -> down_proj.weight : expert_rows.transposed
""")  # fmt: skip

_CSM_LAYER = """
    attn.q_proj -> self_attn.q_proj : {pairs}
    attn.k_proj -> self_attn.k_proj : {pairs}
    attn.v_proj -> self_attn.v_proj
    attn.output_proj -> self_attn.o_proj
    mlp.w1 -> mlp.gate_proj
    mlp.w2 -> mlp.down_proj
    mlp.w3 -> mlp.up_proj
    sa_norm.scale -> input_layernorm.weight
    mlp_norm.scale -> post_attention_layernorm.weight
"""

CSM = (
    *inside("backbone.layers.#.", "backbone_model.layers.#.", _CSM_LAYER.format(pairs="pairs.64")),
    *inside("decoder.layers.#.", "depth_decoder.model.layers.#.", _CSM_LAYER.format(pairs="pairs.128")),
    ("backbone.norm.scale", "backbone_model.norm.weight", ""),
    ("decoder.norm.scale", "depth_decoder.model.norm.weight", ""),
    ("text_embeddings", "embed_text_tokens", ""),
    ("audio_embeddings", "backbone_model.embed_tokens.embed_audio_tokens", ""),
    ("projection", "depth_decoder.model.inputs_embeds_projector", ""),
    ("codebook0_head", "lm_head", ""),
    ("audio_head", "depth_decoder.codebooks_head.weight", ""),
)
"""Its config names two sizes of Llama; their heads have 64 and 128 rows."""

JANUS = (
    *inside("vision_model.vision_tower.blocks.#.", "model.vision_model.encoder.layers.#.", """
        attn.qkv -> self_attn.qkv
        attn.proj -> self_attn.projection_layer
        norm1 -> layer_norm1
        norm2 -> layer_norm2
        mlp.fc1 -> mlp.fc1
        mlp.fc2 -> mlp.fc2
    """),
    *inside("vision_model.vision_tower.", "model.vision_model.", """
        pos_embed -> embeddings.position_embedding.weight
        patch_embed.proj -> embeddings.patch_embedding
        norm -> post_layernorm
    """),
    *inside("language_model.", "", """
        model.layers.#.self_attn.q_proj -> model.language_model.layers.#.self_attn.q_proj
        model.embed_tokens -> model.language_model.embed_tokens
        model.norm -> model.language_model.norm
        lm_head -> lm_head
    """),
    *inside("", "model.", """
        aligner.layers.0 -> aligner.fc1
        aligner.layers.2 -> aligner.hidden_layers.0
        gen_aligner.layers.0 -> generation_aligner.fc1
        gen_aligner.layers.2 -> generation_aligner.hidden_layers.0
        gen_head.output_mlp_projector -> generation_head.proj_out
        gen_head.vision_head -> generation_head.vision_head
        gen_embed -> generation_embeddings
        gen_vision_model.quantize.embedding -> vqmodel.quantize.embedding
        gen_vision_model.quant_conv -> vqmodel.quant_conv
        gen_vision_model.post_quant_conv -> vqmodel.post_quant_conv
    """),
    *(
        line
        for side, stack in (("encoder", "down"), ("decoder", "up"))
        for line in inside(f"gen_vision_model.{side}.", f"model.vqmodel.{side}.", f"""
            conv_blocks.#.res.#.norm1 -> {stack}.#.block.#.norm1
            conv_blocks.#.res.#.norm2 -> {stack}.#.block.#.norm2
            conv_blocks.#.res.#.conv1 -> {stack}.#.block.#.conv1
            conv_blocks.#.res.#.conv2 -> {stack}.#.block.#.conv2
            conv_blocks.#.res.#.nin_shortcut -> {stack}.#.block.#.nin_shortcut
            conv_blocks.#.attn.#.norm -> {stack}.#.attn.#.norm
            conv_blocks.#.attn.#.q -> {stack}.#.attn.#.q
            conv_blocks.#.attn.#.k -> {stack}.#.attn.#.k
            conv_blocks.#.attn.#.v -> {stack}.#.attn.#.v
            conv_blocks.#.attn.#.proj_out -> {stack}.#.attn.#.proj_out
            conv_blocks.#.{stack}sample.conv -> {stack}.#.{stack}sample.conv
            mid.0.norm1 -> mid.block_1.norm1
            mid.0.norm2 -> mid.block_1.norm2
            mid.0.conv1 -> mid.block_1.conv1
            mid.0.conv2 -> mid.block_1.conv2
            mid.1.norm -> mid.attn_1.norm
            mid.1.q -> mid.attn_1.q
            mid.1.k -> mid.attn_1.k
            mid.1.v -> mid.attn_1.v
            mid.1.proj_out -> mid.attn_1.proj_out
            mid.2.norm1 -> mid.block_2.norm1
            mid.2.norm2 -> mid.block_2.norm2
            mid.2.conv1 -> mid.block_2.conv1
            mid.2.conv2 -> mid.block_2.conv2
            conv_in -> conv_in
            conv_out -> conv_out
            norm_out -> norm_out
        """)
    ),
)  # fmt: skip

MOSHI = (
    *inside("transformer.layers.#.", "decoder.model.layers.#.", """
        self_attn.in_proj_weight -> self_attn.in_proj_weight : stacked.pairs
        self_attn.out_proj -> self_attn.o_proj.linear
        gating.linear_in -> mlp.fc1
        gating.linear_out -> mlp.fc2
        norm1.alpha -> input_layernorm.weight : flat
        norm2.alpha -> post_attention_layernorm.weight : flat
    """),
    *inside("depformer.layers.#.", "depth_decoder.layers.#.", """
        self_attn.in_proj_weight -> self_attn.?_proj.linear.weight : thirds
        self_attn.out_proj -> self_attn.o_proj.linear
        gating.#.linear_in -> mlp.fc1 : below
        gating.#.linear_out -> mlp.fc2 : below
        norm1.alpha -> input_layernorm.weight : flat
        norm2.alpha -> post_attention_layernorm.weight : flat
    """),
    *inside("", "", """
        text_emb -> decoder.model.embed_tokens
        text_linear -> decoder.lm_head
        out_norm.alpha -> decoder.model.norm.weight : flat
        emb.# -> embed_tokens.#
        depformer_text_emb -> depth_decoder.text_embed_tokens
        depformer_emb.# -> depth_decoder.embed_tokens.#
        depformer_in.# -> depth_decoder.input_projections : below
        linears.# -> depth_decoder.lm_heads : below
    """),
)  # fmt: skip

MOSHI_OF_TRANSFORMERS = (
    *inside("depth_decoder.layers.#.", "depth_decoder.layers.#.", """
        self_attn.q_proj.linear -> self_attn.q_proj.linear : rows
        self_attn.k_proj.linear -> self_attn.k_proj.linear : rows
        self_attn.v_proj.linear -> self_attn.v_proj.linear : rows
        self_attn.o_proj.linear -> self_attn.o_proj.linear : rows
        mlp.fc1 -> mlp.fc1 : rows
        mlp.fc2 -> mlp.fc2 : rows
    """),
    ("depth_decoder.input_projections", "depth_decoder.input_projections", "rows"),
    ("depth_decoder.lm_heads", "depth_decoder.lm_heads", "rows"),
)  # fmt: skip
"""The depth decoder has a matrix a codebook, one below another: in its makers' files, here on an axis of their own."""

_DIA_LAYER = """
    self_attention.q_proj -> self_attention.q_proj : dense
    self_attention.k_proj -> self_attention.k_proj : dense
    self_attention.v_proj -> self_attention.v_proj : dense
    self_attention.o_proj -> self_attention.o_proj : dense.last
    cross_attention.q_proj -> cross_attention.q_proj : dense
    cross_attention.k_proj -> cross_attention.k_proj : dense
    cross_attention.v_proj -> cross_attention.v_proj : dense
    cross_attention.o_proj -> cross_attention.o_proj : dense.last
    mlp.wi_fused -> mlp.gate_up_proj : dense
    mlp.wo -> mlp.down_proj : dense
"""

DIA = (
    *inside("encoder.layers.#.", "model.encoder.layers.#.", _DIA_LAYER),
    *inside("decoder.layers.#.", "model.decoder.layers.#.", _DIA_LAYER),
    ("encoder.embedding", "model.encoder.embedding", ""),
    ("encoder.norm", "model.encoder.norm", ""),
    ("decoder.norm", "model.decoder.norm", ""),
    ("decoder.embeddings.#", "model.decoder.embeddings.embed", "below"),
    ("decoder.logits_dense", "logits_dense", "dense"),
)
"""Every matrix is as in Flax: inputs first, heads and channels on axes of their own."""

PHI_4_MULTIMODAL = (
    *inside("audio_embed.encoder.encoders.#.", "audio_embed.encoder.encoders.#.", """
        self_attn.linear_q -> self_attn.q_proj
        self_attn.linear_k -> self_attn.k_proj
        self_attn.linear_v -> self_attn.v_proj
        self_attn.linear_out -> self_attn.o_proj
        feed_forward_in.net.0.linear -> feed_forward_in.gate_up_proj
        feed_forward_in.net.2 -> feed_forward_in.down_proj
        feed_forward_out.net.0.linear -> feed_forward_out.gate_up_proj
        feed_forward_out.net.2 -> feed_forward_out.down_proj
    """),
    *inside("image_embed.", "image_embed.", """
        img_projection.0 -> img_projection_up
        img_projection.2 -> img_projection_down
        glb_GN -> global_img_feature_extensor
        sub_GN -> sub_img_feature_extensor
    """),
    *inside("audio_embed.", "audio_embed.", """
        audio_projection.speech.0 -> up_proj_for_speech
        audio_projection.speech.2 -> down_proj_for_speech
        audio_projection.vision.0 -> up_proj_for_vision_speech
        audio_projection.vision.2 -> down_proj_for_vision_speech
    """),
)  # fmt: skip
"""As Microsoft publishes it; the LoRAs that it is saved with stay beside its layers."""
