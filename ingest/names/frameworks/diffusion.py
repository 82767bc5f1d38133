"""Tables of diffusion transformers, to the names of diffusers.

Sources: Flux `src/flux/model.py`, Wan `wan/modules/model.py`, PixArt `diffusion/model/nets`; diffusers
`scripts/convert_*_to_diffusers.py` of Flux, FLUX.2, HunyuanVideo, Wan, PixArt, Sana, Cosmos, AuraFlow and LTX-Video,
`loaders/single_file_utils.py` of Lumina 2 and Z-Image.
"""

from __future__ import annotations

from .line import inside

_FLUX_ATTENTION = """
    img_attn.qkv -> attn.to_? : thirds
    img_attn.proj -> attn.to_out.0
    img_attn.norm.query_norm.scale -> attn.norm_q.weight
    img_attn.norm.key_norm.scale -> attn.norm_k.weight
    txt_attn.qkv -> attn.add_?_proj : thirds
    txt_attn.proj -> attn.to_add_out
    txt_attn.norm.query_norm.scale -> attn.norm_added_q.weight
    txt_attn.norm.key_norm.scale -> attn.norm_added_k.weight
"""
FLUX = (
    *inside("double_blocks.#.", "transformer_blocks.#.", _FLUX_ATTENTION + """
        img_mlp.0 -> ff.net.0.proj
        img_mlp.2 -> ff.net.2
        txt_mlp.0 -> ff_context.net.0.proj
        txt_mlp.2 -> ff_context.net.2
        img_mod.lin -> norm1.linear
        txt_mod.lin -> norm1_context.linear
    """),
    *inside("single_blocks.#.", "single_transformer_blocks.#.", """
        linear1 -> attn.to_? : thirds.mlp
        linear2 -> proj_out
        norm.query_norm.scale -> attn.norm_q.weight
        norm.key_norm.scale -> attn.norm_k.weight
        modulation.lin -> norm.linear
    """),
    *inside("distilled_guidance_layer.", "distilled_guidance_layer.", """
        layers.#.in_layer -> layers.#.linear_1
        layers.#.out_layer -> layers.#.linear_2
        norms.#.scale -> norms.#.weight
    """),
    *inside("", "", """
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

FLUX_2 = (
    *inside("double_blocks.#.", "transformer_blocks.#.", _FLUX_ATTENTION + """
        img_mlp.0 -> ff.linear_in
        img_mlp.2 -> ff.linear_out
        txt_mlp.0 -> ff_context.linear_in
        txt_mlp.2 -> ff_context.linear_out
    """),
    *inside("single_blocks.#.", "single_transformer_blocks.#.", """
        linear1 -> attn.to_qkv_mlp_proj
        linear2 -> attn.to_out
        norm.query_norm.scale -> attn.norm_q.weight
        norm.key_norm.scale -> attn.norm_k.weight
    """),
    *inside("", "", """
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

HUNYUAN_VIDEO = (
    *inside("double_blocks.#.", "transformer_blocks.#.", """
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
    *inside("single_blocks.#.", "single_transformer_blocks.#.", """
        linear1 -> attn.to_? : thirds.mlp
        linear2 -> proj_out
        q_norm -> attn.norm_q
        k_norm -> attn.norm_k
        modulation.linear -> norm.linear
    """),
    *inside("txt_in.individual_token_refiner.blocks.#.", "context_embedder.token_refiner.refiner_blocks.#.", """
        norm1 -> norm1
        norm2 -> norm2
        self_attn_qkv -> attn.to_? : thirds
        self_attn_proj -> attn.to_out.0
        mlp.fc1 -> ff.net.0.proj
        mlp.fc2 -> ff.net.2
        adaLN_modulation.1 -> norm_out.linear
    """),
    *inside("", "", """
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

_WAN_BLOCK = """
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
"""

WAN = (
    *inside("blocks.#.", "blocks.#.", _WAN_BLOCK),
    *inside("vace_blocks.#.", "vace_blocks.#.", _WAN_BLOCK + """
        before_proj -> proj_in
        after_proj -> proj_out
    """),
    *inside("", "", """
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

LTX = (
    *inside("transformer_blocks.#.", "transformer_blocks.#.", """
        attn1.q_norm -> attn1.norm_q
        attn1.k_norm -> attn1.norm_k
        attn2.q_norm -> attn2.norm_q
        attn2.k_norm -> attn2.norm_k
    """),
    *inside("", "", """
        patchify_proj -> proj_in
        adaln_single.linear -> time_embed.linear
        adaln_single.emb.timestep_embedder.linear_1 -> time_embed.emb.timestep_embedder.linear_1
        adaln_single.emb.timestep_embedder.linear_2 -> time_embed.emb.timestep_embedder.linear_2
    """),
)  # fmt: skip

_PIXART_ATTENTION = """
    attn.qkv -> attn1.to_? : thirds
    attn.proj -> attn1.to_out.0
    cross_attn.q_linear -> attn2.to_q
    cross_attn.kv_linear -> attn2.to_? : halves
    cross_attn.proj -> attn2.to_out.0
"""
PIXART = (
    *inside("blocks.#.", "transformer_blocks.#.", _PIXART_ATTENTION + """
        mlp.fc1 -> ff.net.0.proj
        mlp.fc2 -> ff.net.2
    """),
    *inside("", "", """
        x_embedder.proj -> pos_embed.proj
        t_embedder.mlp.0 -> adaln_single.emb.timestep_embedder.linear_1
        t_embedder.mlp.2 -> adaln_single.emb.timestep_embedder.linear_2
        csize_embedder.mlp.0 -> adaln_single.emb.resolution_embedder.linear_1
        csize_embedder.mlp.2 -> adaln_single.emb.resolution_embedder.linear_2
        ar_embedder.mlp.0 -> adaln_single.emb.aspect_ratio_embedder.linear_1
        ar_embedder.mlp.2 -> adaln_single.emb.aspect_ratio_embedder.linear_2
        t_block.1 -> adaln_single.linear
        y_embedder.y_proj.fc1 -> caption_projection.linear_1
        y_embedder.y_proj.fc2 -> caption_projection.linear_2
        final_layer.linear -> proj_out
        final_layer.scale_shift_table -> scale_shift_table
    """),
)  # fmt: skip

SANA = (
    *inside("blocks.#.", "transformer_blocks.#.", _PIXART_ATTENTION + """
        mlp.inverted_conv.conv -> ff.conv_inverted
        mlp.depth_conv.conv -> ff.conv_depth
        mlp.point_conv.conv -> ff.conv_point
    """),
    *inside("", "", """
        x_embedder.proj -> patch_embed.proj
        t_embedder.mlp.0 -> time_embed.emb.timestep_embedder.linear_1
        t_embedder.mlp.2 -> time_embed.emb.timestep_embedder.linear_2
        t_block.1 -> time_embed.linear
        y_embedder.y_proj.fc1 -> caption_projection.linear_1
        y_embedder.y_proj.fc2 -> caption_projection.linear_2
        attention_y_norm -> caption_norm
        final_layer.linear -> proj_out
        final_layer.scale_shift_table -> scale_shift_table
    """),
)  # fmt: skip

COSMOS_2 = (
    *inside("blocks.#.", "transformer_blocks.#.", """
        self_attn.q_proj -> attn1.to_q
        self_attn.k_proj -> attn1.to_k
        self_attn.v_proj -> attn1.to_v
        self_attn.output_proj -> attn1.to_out.0
        self_attn.q_norm -> attn1.norm_q
        self_attn.k_norm -> attn1.norm_k
        cross_attn.q_proj -> attn2.to_q
        cross_attn.k_proj -> attn2.to_k
        cross_attn.v_proj -> attn2.to_v
        cross_attn.output_proj -> attn2.to_out.0
        cross_attn.q_norm -> attn2.norm_q
        cross_attn.k_norm -> attn2.norm_k
        mlp.layer1 -> ff.net.0.proj
        mlp.layer2 -> ff.net.2
        adaln_modulation_self_attn.1 -> norm1.linear_1
        adaln_modulation_self_attn.2 -> norm1.linear_2
        adaln_modulation_cross_attn.1 -> norm2.linear_1
        adaln_modulation_cross_attn.2 -> norm2.linear_2
        adaln_modulation_mlp.1 -> norm3.linear_1
        adaln_modulation_mlp.2 -> norm3.linear_2
    """),
    *inside("", "", """
        x_embedder.proj.1 -> patch_embed.proj
        t_embedder.1.linear_1 -> time_embed.t_embedder.linear_1
        t_embedder.1.linear_2 -> time_embed.t_embedder.linear_2
        t_embedding_norm -> time_embed.norm
        final_layer.adaln_modulation.1 -> norm_out.linear_1
        final_layer.adaln_modulation.2 -> norm_out.linear_2
        final_layer.linear -> proj_out
    """),
)  # fmt: skip

_AURAFLOW_ATTENTION = """
    attn.w2q -> attn.to_q
    attn.w2k -> attn.to_k
    attn.w2v -> attn.to_v
    attn.w2o -> attn.to_out.0
    attn.w1q -> attn.add_q_proj
    attn.w1k -> attn.add_k_proj
    attn.w1v -> attn.add_v_proj
    attn.w1o -> attn.to_add_out
"""

AURAFLOW = (
    *inside("double_layers.#.", "joint_transformer_blocks.#.", _AURAFLOW_ATTENTION + """
        mlpX.c_fc1 -> ff.linear_1
        mlpX.c_fc2 -> ff.linear_2
        mlpX.c_proj -> ff.out_projection
        mlpC.c_fc1 -> ff_context.linear_1
        mlpC.c_fc2 -> ff_context.linear_2
        mlpC.c_proj -> ff_context.out_projection
        modX.1 -> norm1.linear
        modC.1 -> norm1_context.linear
    """),
    *inside("single_layers.#.", "single_transformer_blocks.#.", """
        attn.w1q -> attn.to_q
        attn.w1k -> attn.to_k
        attn.w1v -> attn.to_v
        attn.w1o -> attn.to_out.0
        mlp.c_fc1 -> ff.linear_1
        mlp.c_fc2 -> ff.linear_2
        mlp.c_proj -> ff.out_projection
        modCX.1 -> norm1.linear
    """),
    *inside("", "", """
        cond_seq_linear -> context_embedder
        t_embedder.mlp.0 -> time_step_proj.linear_1
        t_embedder.mlp.2 -> time_step_proj.linear_2
        init_x_linear -> pos_embed.proj
        positional_encoding -> pos_embed.pos_embed
        final_linear -> proj_out
        modF.1 -> norm_out.linear : swapped
    """),
)  # fmt: skip

_LUMINA_ATTENTION = """
    attention.qkv -> attn.to_? : by_output
    attention.q_norm -> attn.norm_q
    attention.k_norm -> attn.norm_k
    attention.out -> attn.to_out.0
    feed_forward.w1 -> feed_forward.linear_1
    feed_forward.w2 -> feed_forward.linear_2
    feed_forward.w3 -> feed_forward.linear_3
    attention_norm2 -> norm2
"""
_LUMINA_MODULATED = (
    _LUMINA_ATTENTION
    + """
    attention_norm1 -> norm1.norm
    adaLN_modulation.1 -> norm1.linear
"""
)
LUMINA_2 = (
    *inside("layers.#.", "layers.#.", _LUMINA_MODULATED),
    *inside("noise_refiner.#.", "noise_refiner.#.", _LUMINA_MODULATED),
    *inside("context_refiner.#.", "context_refiner.#.", _LUMINA_ATTENTION + "attention_norm1 -> norm1"),
    *inside("", "", """
        cap_embedder.0 -> time_caption_embed.caption_embedder.0
        cap_embedder.1 -> time_caption_embed.caption_embedder.1
        t_embedder.mlp.0 -> time_caption_embed.timestep_embedder.linear_1
        t_embedder.mlp.2 -> time_caption_embed.timestep_embedder.linear_2
        final_layer.adaLN_modulation.1 -> norm_out.linear_1
        final_layer.linear -> norm_out.linear_2
    """),
)  # fmt: skip

_Z_IMAGE_ATTENTION = """
    attention.qkv -> attention.to_? : by_output
    attention.q_norm -> attention.norm_q
    attention.k_norm -> attention.norm_k
    attention.out -> attention.to_out.0
"""
Z_IMAGE = (
    *inside("layers.#.", "layers.#.", _Z_IMAGE_ATTENTION),
    *inside("noise_refiner.#.", "noise_refiner.#.", _Z_IMAGE_ATTENTION),
    *inside("context_refiner.#.", "context_refiner.#.", _Z_IMAGE_ATTENTION),
    *inside("", "", """
        x_embedder -> all_x_embedder.2-1
        final_layer.linear -> all_final_layer.2-1.linear
        final_layer.adaLN_modulation.1 -> all_final_layer.2-1.adaLN_modulation.1
    """),
)  # fmt: skip

_WAN_RESIDUAL = """
    residual.0.gamma -> norm1.gamma
    residual.2 -> conv1
    residual.3.gamma -> norm2.gamma
    residual.6 -> conv2
    shortcut -> conv_shortcut
"""
_WAN_SCALES = """
    resample.1 -> resample.1
    time_conv -> time_conv
"""
_WAN_VAE_ENDS = (
    *(
        line
        for side in ("encoder", "decoder")
        for line in (
            *inside(f"{side}.middle.0.", f"{side}.mid_block.resnets.0.", _WAN_RESIDUAL),
            *inside(f"{side}.middle.2.", f"{side}.mid_block.resnets.1.", _WAN_RESIDUAL),
            *inside(f"{side}.", f"{side}.", """
                middle.1.norm.gamma -> mid_block.attentions.0.norm.gamma
                middle.1.to_qkv -> mid_block.attentions.0.to_qkv
                middle.1.proj -> mid_block.attentions.0.proj
                conv1 -> conv_in
                head.0.gamma -> norm_out.gamma
                head.2 -> conv_out
            """),
        )
    ),
    ("conv1", "quant_conv", ""),
    ("conv2", "post_quant_conv", ""),
)  # fmt: skip
WAN_VAE = (
    *_WAN_VAE_ENDS,
    *inside("encoder.downsamples.#.", "encoder.down_blocks.#.", _WAN_RESIDUAL),
    *(
        line
        for stage in range(4)  # three residual blocks of a stage, then what doubles its sides
        for line in (
            *inside(f"decoder.upsamples.{4 * stage}.", f"decoder.up_blocks.{stage}.resnets.0.", _WAN_RESIDUAL),
            *inside(f"decoder.upsamples.{4 * stage + 1}.", f"decoder.up_blocks.{stage}.resnets.1.", _WAN_RESIDUAL),
            *inside(f"decoder.upsamples.{4 * stage + 2}.", f"decoder.up_blocks.{stage}.resnets.2.", _WAN_RESIDUAL),
            *inside(f"decoder.upsamples.{4 * stage + 3}.", f"decoder.up_blocks.{stage}.upsamplers.0.", _WAN_SCALES),
        )
    ),
)
WAN_VAE_2 = (
    *_WAN_VAE_ENDS,
    *inside("encoder.downsamples.#.downsamples.#.", "encoder.down_blocks.#.resnets.#.", _WAN_RESIDUAL),
    *inside("encoder.downsamples.#.downsamples.2.", "encoder.down_blocks.#.downsampler.", _WAN_SCALES),
    *inside("decoder.upsamples.#.upsamples.#.", "decoder.up_blocks.#.resnets.#.", _WAN_RESIDUAL),
    *inside("decoder.upsamples.#.upsamples.3.", "decoder.up_blocks.#.upsampler.", _WAN_SCALES),
)
"""Of Wan 2.2: blocks of a stage are numbered inside it."""
