"""Names of other frameworks have the places of Hugging Face's; what is turned or cut there is so here."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from forebear.ingest.layouts.frameworks import hugging_face
from forebear.ingest.layouts.fused import unfuse
from forebear.ingest.names.frameworks import FRAMEWORKS
from forebear.ingest.names.naming import name_tensors
from forebear.ingest.storage.logical import LogicalTensor, RowMajor

from ..formats.writers_fused import Floats, Tensors
from .test_frameworks import made
from .test_fused import evidence

_FUSED = "neck.fusion_stage.layers"
PAIRS = {
    "unet of LDM": """
        time_embed.0.weight | time_embedding.linear_1.weight | 128x32
        time_embed.2.weight | time_embedding.linear_2.weight | 128x128
        input_blocks.0.0.weight | conv_in.weight | 32x4x3x3
        input_blocks.1.0.in_layers.0.weight | down_blocks.0.resnets.0.norm1.weight | 32
        input_blocks.1.0.in_layers.2.weight | down_blocks.0.resnets.0.conv1.weight | 32x32x3x3
        input_blocks.1.0.emb_layers.1.weight | down_blocks.0.resnets.0.time_emb_proj.weight | 32x128
        input_blocks.1.1.proj_out.weight | down_blocks.0.attentions.0.proj_out.weight | 32x32x1x1
        input_blocks.2.0.out_layers.3.weight | down_blocks.0.resnets.1.conv2.weight | 32x32x3x3
        input_blocks.3.0.op.weight | down_blocks.0.downsamplers.0.conv.weight | 32x32x3x3
        input_blocks.4.0.skip_connection.weight | down_blocks.1.resnets.0.conv_shortcut.weight | 64x32x1x1
        middle_block.0.in_layers.0.weight | mid_block.resnets.0.norm1.weight | 64
        middle_block.1.norm.weight | mid_block.attentions.0.norm.weight | 64
        middle_block.2.out_layers.0.weight | mid_block.resnets.1.norm2.weight | 64
        output_blocks.2.0.in_layers.2.weight | up_blocks.0.resnets.2.conv1.weight | 64x96x3x3
        output_blocks.2.2.conv.weight | up_blocks.0.upsamplers.0.conv.weight | 64x64x3x3
        output_blocks.3.1.proj_in.weight | up_blocks.1.attentions.0.proj_in.weight | 32x32x1x1
        out.0.weight | conv_norm_out.weight | 32
        out.2.weight | conv_out.weight | 4x32x3x3
    """,
    "autoencoder of LDM": """
        encoder.conv_in.weight | encoder.conv_in.weight | 32x3x3x3
        encoder.down.0.block.1.norm1.weight | encoder.down_blocks.0.resnets.1.norm1.weight | 32
        encoder.down.0.downsample.conv.weight | encoder.down_blocks.0.downsamplers.0.conv.weight | 32x32x3x3
        encoder.down.1.block.0.nin_shortcut.weight | encoder.down_blocks.1.resnets.0.conv_shortcut.weight | 64x32x1x1
        encoder.mid.block_1.conv1.weight | encoder.mid_block.resnets.0.conv1.weight | 64x64x3x3
        encoder.mid.attn_1.norm.weight | encoder.mid_block.attentions.0.group_norm.weight | 64
        encoder.mid.block_2.conv2.weight | encoder.mid_block.resnets.1.conv2.weight | 64x64x3x3
        encoder.norm_out.weight | encoder.conv_norm_out.weight | 64
        decoder.mid.attn_1.norm.weight | decoder.mid_block.attentions.0.group_norm.weight | 64
        decoder.up.1.block.0.conv1.weight | decoder.up_blocks.0.resnets.0.conv1.weight | 64x64x3x3
        decoder.up.1.upsample.conv.weight | decoder.up_blocks.0.upsamplers.0.conv.weight | 64x64x3x3
        decoder.up.0.block.2.conv2.weight | decoder.up_blocks.1.resnets.2.conv2.weight | 32x32x3x3
        decoder.mid.attn_1.q.weight | decoder.mid_block.attentions.0.to_q.weight | 64x64
        decoder.mid.attn_1.proj_out.weight | decoder.mid_block.attentions.0.to_out.0.weight | 64x64
        quant_conv.weight | quant_conv.weight | 8x8x1x1
    """,
    "Flux 2": """
        double_blocks.0.img_mlp.0.weight | transformer_blocks.0.ff.linear_in.weight | 512x64
        double_blocks.0.txt_mlp.2.weight | transformer_blocks.0.ff_context.linear_out.weight | 64x256
        double_blocks.0.txt_attn.norm.key_norm.scale | transformer_blocks.0.attn.norm_added_k.weight | 16
        single_blocks.0.linear1.weight | single_transformer_blocks.0.attn.to_qkv_mlp_proj.weight | 704x64
        single_blocks.0.linear2.weight | single_transformer_blocks.0.attn.to_out.weight | 64x320
        double_stream_modulation_img.lin.weight | double_stream_modulation_img.linear.weight | 384x64
        time_in.in_layer.weight | time_guidance_embed.timestep_embedder.linear_1.weight | 64x32
        final_layer.linear.weight | proj_out.weight | 64x64
    """,
    "Chroma": """
        double_blocks.0.img_attn.proj.weight | transformer_blocks.0.attn.to_out.0.weight | 64x64
        single_blocks.0.linear2.weight | single_transformer_blocks.0.proj_out.weight | 64x320
        distilled_guidance_layer.layers.0.in_layer.weight | distilled_guidance_layer.layers.0.linear_1.weight | 64x64
        distilled_guidance_layer.layers.0.out_layer.weight | distilled_guidance_layer.layers.0.linear_2.weight | 64x64
        distilled_guidance_layer.norms.0.scale | distilled_guidance_layer.norms.0.weight | 64
        distilled_guidance_layer.in_proj.weight | distilled_guidance_layer.in_proj.weight | 64x32
    """,
    "HunyuanVideo": """
        double_blocks.0.img_attn_proj.weight | transformer_blocks.0.attn.to_out.0.weight | 64x64
        double_blocks.0.img_attn_q_norm.weight | transformer_blocks.0.attn.norm_q.weight | 16
        double_blocks.0.txt_attn_k_norm.weight | transformer_blocks.0.attn.norm_added_k.weight | 16
        double_blocks.0.txt_mlp.fc1.weight | transformer_blocks.0.ff_context.net.0.proj.weight | 256x64
        double_blocks.0.img_mod.linear.weight | transformer_blocks.0.norm1.linear.weight | 384x64
        single_blocks.0.linear2.weight | single_transformer_blocks.0.proj_out.weight | 64x320
        single_blocks.0.q_norm.weight | single_transformer_blocks.0.attn.norm_q.weight | 16
        txt_in.input_embedder.weight | context_embedder.proj_in.weight | 64x96
        time_in.mlp.0.weight | time_text_embed.timestep_embedder.linear_1.weight | 64x32
        final_layer.linear.weight | proj_out.weight | 64x64
    """,
    "Sana": """
        x_embedder.proj.weight | patch_embed.proj.weight | 64x32x1x1
        t_block.1.weight | time_embed.linear.weight | 384x64
        y_embedder.y_proj.fc2.weight | caption_projection.linear_2.weight | 64x64
        attention_y_norm.weight | caption_norm.weight | 64
        blocks.0.cross_attn.q_linear.weight | transformer_blocks.0.attn2.to_q.weight | 64x64
        blocks.0.mlp.inverted_conv.conv.weight | transformer_blocks.0.ff.conv_inverted.weight | 320x64x1x1
        blocks.0.mlp.depth_conv.conv.weight | transformer_blocks.0.ff.conv_depth.weight | 320x1x3x3
        blocks.0.mlp.point_conv.conv.weight | transformer_blocks.0.ff.conv_point.weight | 64x160x1x1
    """,
    "Cosmos-Predict2": """
        blocks.0.self_attn.q_proj.weight | transformer_blocks.0.attn1.to_q.weight | 64x64
        blocks.0.cross_attn.output_proj.weight | transformer_blocks.0.attn2.to_out.0.weight | 64x64
        blocks.0.cross_attn.k_norm.weight | transformer_blocks.0.attn2.norm_k.weight | 16
        blocks.0.mlp.layer1.weight | transformer_blocks.0.ff.net.0.proj.weight | 256x64
        blocks.0.adaln_modulation_self_attn.1.weight | transformer_blocks.0.norm1.linear_1.weight | 32x64
        blocks.0.adaln_modulation_self_attn.2.weight | transformer_blocks.0.norm1.linear_2.weight | 192x32
        blocks.0.adaln_modulation_mlp.2.weight | transformer_blocks.0.norm3.linear_2.weight | 192x32
        x_embedder.proj.1.weight | patch_embed.proj.weight | 64x68
        final_layer.adaln_modulation.1.weight | norm_out.linear_1.weight | 32x64
    """,
    "AuraFlow": """
        double_layers.0.attn.w1q.weight | joint_transformer_blocks.0.attn.add_q_proj.weight | 64x64
        double_layers.0.attn.w2o.weight | joint_transformer_blocks.0.attn.to_out.0.weight | 64x64
        double_layers.0.mlpC.c_proj.weight | joint_transformer_blocks.0.ff_context.out_projection.weight | 64x192
        double_layers.0.modC.1.weight | joint_transformer_blocks.0.norm1_context.linear.weight | 384x64
        single_layers.0.attn.w1q.weight | single_transformer_blocks.0.attn.to_q.weight | 64x64
        single_layers.0.mlp.c_fc2.weight | single_transformer_blocks.0.ff.linear_2.weight | 192x64
        single_layers.0.modCX.1.weight | single_transformer_blocks.0.norm1.linear.weight | 384x64
        init_x_linear.weight | pos_embed.proj.weight | 64x16
        cond_seq_linear.weight | context_embedder.weight | 64x96
        modF.1.weight | norm_out.linear.weight | 128x64
    """,
    "LTX-Video": """
        patchify_proj.weight | proj_in.weight | 64x32
        adaln_single.linear.weight | time_embed.linear.weight | 384x64
        adaln_single.emb.timestep_embedder.linear_1.weight | time_embed.emb.timestep_embedder.linear_1.weight | 64x64
        transformer_blocks.0.attn1.q_norm.weight | transformer_blocks.0.attn1.norm_q.weight | 64
        transformer_blocks.0.attn2.k_norm.weight | transformer_blocks.0.attn2.norm_k.weight | 64
        transformer_blocks.0.attn1.to_q.weight | transformer_blocks.0.attn1.to_q.weight | 64x64
        transformer_blocks.0.ff.net.2.weight | transformer_blocks.0.ff.net.2.weight | 64x256
    """,
    "SigLIP of timm": """
        attn_pool.latent | vision_model.head.probe | 1x1x64
        attn_pool.q.weight | vision_model.head.attention.q_proj.weight | 64x64
        attn_pool.proj.bias | vision_model.head.attention.out_proj.bias | 64
        attn_pool.norm.weight | vision_model.head.layernorm.weight | 64
        attn_pool.mlp.fc2.weight | vision_model.head.mlp.fc2.weight | 64x256
        norm.weight | vision_model.post_layernorm.weight | 64
        text.text_projection.weight | text_model.head.weight | 64x64
    """,
    "ConvNeXt of timm": """
        stem.0.weight | convnext.embeddings.patch_embeddings.weight | 64x3x4x4
        stem.1.bias | convnext.embeddings.layernorm.bias | 64
        stages.0.blocks.1.conv_dw.weight | convnext.encoder.stages.0.layers.1.dwconv.weight | 64x1x7x7
        stages.0.blocks.1.norm.weight | convnext.encoder.stages.0.layers.1.layernorm.weight | 64
        stages.0.blocks.1.mlp.fc1.weight | convnext.encoder.stages.0.layers.1.pwconv1.weight | 256x64
        stages.0.blocks.1.mlp.fc2.bias | convnext.encoder.stages.0.layers.1.pwconv2.bias | 64
        stages.0.blocks.1.gamma | convnext.encoder.stages.0.layers.1.layer_scale_parameter | 64
        stages.1.downsample.0.weight | convnext.encoder.stages.1.downsampling_layer.0.weight | 64
        stages.1.downsample.1.weight | convnext.encoder.stages.1.downsampling_layer.1.weight | 96x64x2x2
        head.norm.weight | convnext.layernorm.weight | 256
        head.fc.weight | classifier.weight | 10x256
    """,
    "ConvNeXt": """
        downsample_layers.0.0.weight | convnext.embeddings.patch_embeddings.weight | 64x3x4x4
        downsample_layers.0.1.weight | convnext.embeddings.layernorm.weight | 64
        downsample_layers.1.0.weight | convnext.encoder.stages.1.downsampling_layer.0.weight | 64
        downsample_layers.1.1.bias | convnext.encoder.stages.1.downsampling_layer.1.bias | 96
        stages.0.1.dwconv.weight | convnext.encoder.stages.0.layers.1.dwconv.weight | 64x1x7x7
        stages.0.1.norm.weight | convnext.encoder.stages.0.layers.1.layernorm.weight | 64
        stages.0.1.pwconv1.weight | convnext.encoder.stages.0.layers.1.pwconv1.weight | 256x64
        stages.0.1.pwconv2.weight | convnext.encoder.stages.0.layers.1.pwconv2.weight | 64x256
        stages.0.1.gamma | convnext.encoder.stages.0.layers.1.layer_scale_parameter | 64
        norm.weight | convnext.layernorm.weight | 256
        head.weight | classifier.weight | 10x256
    """,
    "ConvNeXt 2 of timm": """
        stem.0.weight | convnextv2.embeddings.patch_embeddings.weight | 64x3x4x4
        stages.0.blocks.0.conv_dw.weight | convnextv2.encoder.stages.0.layers.0.dwconv.weight | 64x1x7x7
        stages.0.blocks.0.mlp.fc1.weight | convnextv2.encoder.stages.0.layers.0.pwconv1.weight | 256x64
        stages.0.blocks.0.mlp.grn.weight | convnextv2.encoder.stages.0.layers.0.grn.weight | 256
        stages.1.downsample.1.weight | convnextv2.encoder.stages.1.downsampling_layer.1.weight | 96x64x2x2
        head.norm.weight | convnextv2.layernorm.weight | 256
    """,
    "ConvNeXt 2": """
        downsample_layers.0.0.weight | convnextv2.embeddings.patch_embeddings.weight | 64x3x4x4
        stages.0.0.dwconv.weight | convnextv2.encoder.stages.0.layers.0.dwconv.weight | 64x1x7x7
        stages.0.0.pwconv1.weight | convnextv2.encoder.stages.0.layers.0.pwconv1.weight | 256x64
        stages.0.0.grn.gamma | convnextv2.encoder.stages.0.layers.0.grn.weight | 256
        stages.0.0.grn.beta | convnextv2.encoder.stages.0.layers.0.grn.bias | 256
        norm.weight | convnextv2.layernorm.weight | 256
    """,
    "Depth Anything": f"""
        depth_head.projects.1.weight | neck.reassemble_stage.layers.1.projection.weight | 32x64x1x1
        depth_head.resize_layers.3.weight | neck.reassemble_stage.layers.3.resize.weight | 32x32x3x3
        depth_head.scratch.layer1_rn.weight | neck.convs.0.weight | 32x32x3x3
        depth_head.scratch.refinenet4.out_conv.weight | {_FUSED}.0.projection.weight | 32x32x1x1
        depth_head.scratch.refinenet1.resConfUnit2.conv1.bias | {_FUSED}.3.residual_layer2.convolution1.bias | 32
        depth_head.scratch.output_conv1.weight | head.conv1.weight | 16x32x3x3
        depth_head.scratch.output_conv2.0.bias | head.conv2.bias | 16
        depth_head.scratch.output_conv2.2.weight | head.conv3.weight | 1x16x1x1
    """,
    "Segment Anything": """
        image_encoder.blocks.0.norm1.weight | vision_encoder.layers.0.layer_norm1.weight | 64
        image_encoder.blocks.0.attn.proj.weight | vision_encoder.layers.0.attn.proj.weight | 64x64
        image_encoder.blocks.0.mlp.lin1.weight | vision_encoder.layers.0.mlp.lin1.weight | 256x64
        image_encoder.neck.2.weight | vision_encoder.neck.conv2.weight | 32x32x3x3
        prompt_encoder.point_embeddings.1.weight | prompt_encoder.point_embed.1.weight | 1x32
        prompt_encoder.mask_downscaling.3.weight | prompt_encoder.mask_embed.conv2.weight | 16x4x2x2
        mask_decoder.transformer.layers.0.norm3.weight | mask_decoder.transformer.layers.0.layer_norm3.weight | 32
        mask_decoder.iou_prediction_head.layers.1.bias | mask_decoder.iou_prediction_head.layers.0.bias | 32
        mask_decoder.iou_prediction_head.layers.0.weight | mask_decoder.iou_prediction_head.proj_in.weight | 32x32
    """,
    "PixArt": """
        x_embedder.proj.weight | pos_embed.proj.weight | 64x4x2x2
        t_embedder.mlp.0.weight | adaln_single.emb.timestep_embedder.linear_1.weight | 64x32
        t_embedder.mlp.2.bias | adaln_single.emb.timestep_embedder.linear_2.bias | 64
        t_block.1.weight | adaln_single.linear.weight | 384x64
        y_embedder.y_proj.fc1.weight | caption_projection.linear_1.weight | 64x96
        y_embedder.y_proj.fc2.weight | caption_projection.linear_2.weight | 64x64
        final_layer.linear.weight | proj_out.weight | 32x64
        final_layer.scale_shift_table | scale_shift_table | 2x64
        blocks.0.scale_shift_table | transformer_blocks.0.scale_shift_table | 6x64
        blocks.0.attn.proj.weight | transformer_blocks.0.attn1.to_out.0.weight | 64x64
        blocks.0.cross_attn.q_linear.weight | transformer_blocks.0.attn2.to_q.weight | 64x64
        blocks.0.cross_attn.proj.bias | transformer_blocks.0.attn2.to_out.0.bias | 64
        blocks.0.mlp.fc1.weight | transformer_blocks.0.ff.net.0.proj.weight | 256x64
        blocks.0.mlp.fc2.weight | transformer_blocks.0.ff.net.2.weight | 64x256
    """,
    "whisper": """
        encoder.conv1.weight | model.encoder.conv1.weight | 64x80x3
        encoder.conv2.weight | model.encoder.conv2.weight | 64x64x3
        encoder.positional_embedding | model.encoder.embed_positions.weight | 1500x64
        encoder.blocks.0.attn.query.weight | model.encoder.layers.0.self_attn.q_proj.weight | 64x64
        encoder.blocks.0.attn.query.bias | model.encoder.layers.0.self_attn.q_proj.bias | 64
        encoder.blocks.0.attn.key.weight | model.encoder.layers.0.self_attn.k_proj.weight | 64x64
        encoder.blocks.0.attn.value.weight | model.encoder.layers.0.self_attn.v_proj.weight | 64x64
        encoder.blocks.0.attn.out.weight | model.encoder.layers.0.self_attn.out_proj.weight | 64x64
        encoder.blocks.0.attn_ln.weight | model.encoder.layers.0.self_attn_layer_norm.weight | 64
        encoder.blocks.0.mlp.0.weight | model.encoder.layers.0.fc1.weight | 256x64
        encoder.blocks.0.mlp.2.weight | model.encoder.layers.0.fc2.weight | 64x256
        encoder.blocks.0.mlp.2.bias | model.encoder.layers.0.fc2.bias | 64
        encoder.blocks.0.mlp_ln.weight | model.encoder.layers.0.final_layer_norm.weight | 64
        encoder.ln_post.weight | model.encoder.layer_norm.weight | 64
        decoder.token_embedding.weight | model.decoder.embed_tokens.weight | 300x64
        decoder.positional_embedding | model.decoder.embed_positions.weight | 448x64
        decoder.blocks.0.attn.query.weight | model.decoder.layers.0.self_attn.q_proj.weight | 64x64
        decoder.blocks.0.cross_attn.query.weight | model.decoder.layers.0.encoder_attn.q_proj.weight | 64x64
        decoder.blocks.0.cross_attn.key.weight | model.decoder.layers.0.encoder_attn.k_proj.weight | 64x64
        decoder.blocks.0.cross_attn.out.weight | model.decoder.layers.0.encoder_attn.out_proj.weight | 64x64
        decoder.blocks.0.cross_attn_ln.weight | model.decoder.layers.0.encoder_attn_layer_norm.weight | 64
        decoder.blocks.0.mlp_ln.weight | model.decoder.layers.0.final_layer_norm.weight | 64
        decoder.ln.weight | model.decoder.layer_norm.weight | 64
    """,
    "clip": """
        visual.class_embedding | vision_model.embeddings.class_embedding | 64
        visual.positional_embedding | vision_model.embeddings.position_embedding.weight | 50x64
        visual.conv1.weight | vision_model.embeddings.patch_embedding.weight | 64x3x16x16
        visual.ln_pre.weight | vision_model.pre_layrnorm.weight | 64
        visual.ln_post.bias | vision_model.post_layernorm.bias | 64
        visual.transformer.resblocks.0.ln_1.weight | vision_model.encoder.layers.0.layer_norm1.weight | 64
        visual.transformer.resblocks.0.attn.out_proj.bias | vision_model.encoder.layers.0.self_attn.out_proj.bias | 64
        visual.transformer.resblocks.0.mlp.c_fc.weight | vision_model.encoder.layers.0.mlp.fc1.weight | 256x64
        visual.transformer.resblocks.0.mlp.c_proj.weight | vision_model.encoder.layers.0.mlp.fc2.weight | 64x256
        transformer.resblocks.0.ln_1.weight | text_model.encoder.layers.0.layer_norm1.weight | 32
        transformer.resblocks.0.ln_2.weight | text_model.encoder.layers.0.layer_norm2.weight | 32
        transformer.resblocks.0.mlp.c_fc.weight | text_model.encoder.layers.0.mlp.fc1.weight | 128x32
        token_embedding.weight | text_model.embeddings.token_embedding.weight | 300x32
        positional_embedding | text_model.embeddings.position_embedding.weight | 77x32
        ln_final.weight | text_model.final_layer_norm.weight | 32
        logit_scale | logit_scale | -
    """,
    "rwkv 4": """
        emb.weight | rwkv.embeddings.weight | 300x64
        blocks.0.ln0.weight | rwkv.blocks.0.pre_ln.weight | 64
        blocks.0.ln1.weight | rwkv.blocks.0.ln1.weight | 64
        blocks.0.ln2.weight | rwkv.blocks.0.ln2.weight | 64
        blocks.0.att.time_decay | rwkv.blocks.0.attention.time_decay | 64
        blocks.0.att.time_mix_k | rwkv.blocks.0.attention.time_mix_key | 1x1x64
        blocks.0.att.key.weight | rwkv.blocks.0.attention.key.weight | 64x64
        blocks.0.att.value.weight | rwkv.blocks.0.attention.value.weight | 64x64
        blocks.0.att.receptance.weight | rwkv.blocks.0.attention.receptance.weight | 64x64
        blocks.0.att.output.weight | rwkv.blocks.0.attention.output.weight | 64x64
        blocks.0.ffn.time_mix_r | rwkv.blocks.0.feed_forward.time_mix_receptance | 1x1x64
        blocks.0.ffn.key.weight | rwkv.blocks.0.feed_forward.key.weight | 256x64
        blocks.0.ffn.receptance.weight | rwkv.blocks.0.feed_forward.receptance.weight | 64x64
        blocks.0.ffn.value.weight | rwkv.blocks.0.feed_forward.value.weight | 64x256
        ln_out.weight | rwkv.ln_out.weight | 64
        head.weight | head.weight | 300x64
    """,
    "rwkv 7": """
        emb.weight | model.embeddings.weight | 300x64
        blocks.0.ln0.weight | model.layers.0.pre_norm.weight | 64
        blocks.0.ln1.weight | model.layers.0.attn_norm.weight | 64
        blocks.0.ln2.weight | model.layers.0.ffn_norm.weight | 64
        blocks.0.att.r_k | model.layers.0.attn.r_k | 4x16
        blocks.0.att.x_r | model.layers.0.attn.x_r | 1x1x64
        blocks.0.att.receptance.weight | model.layers.0.attn.r_proj.weight | 64x64
        blocks.0.att.key.weight | model.layers.0.attn.k_proj.weight | 64x64
        blocks.0.att.value.weight | model.layers.0.attn.v_proj.weight | 64x64
        blocks.0.att.output.weight | model.layers.0.attn.o_proj.weight | 64x64
        blocks.0.att.ln_x.weight | model.layers.0.attn.g_norm.weight | 64
        blocks.0.ffn.key.weight | model.layers.0.ffn.key.weight | 256x64
        blocks.0.ffn.value.weight | model.layers.0.ffn.value.weight | 64x256
        ln_out.weight | model.norm.weight | 64
        head.weight | lm_head.weight | 300x64
    """,
    "nanochat": """
        transformer.wte.weight | model.embed_tokens.weight | 300x64
        transformer.h.0.attn.c_q.weight | model.layers.0.self_attn.q_proj.weight | 64x64
        transformer.h.0.attn.c_k.weight | model.layers.0.self_attn.k_proj.weight | 32x64
        transformer.h.0.attn.c_v.weight | model.layers.0.self_attn.v_proj.weight | 32x64
        transformer.h.0.attn.c_proj.weight | model.layers.0.self_attn.o_proj.weight | 64x64
        transformer.h.0.mlp.c_fc.weight | model.layers.0.mlp.fc1.weight | 256x64
        transformer.h.0.mlp.c_proj.weight | model.layers.0.mlp.fc2.weight | 64x256
        lm_head.weight | lm_head.weight | 300x64
    """,
}
"""Framework -> its name | the name in Hugging Face | shape, of the tensors of one layer as published."""
_QKV = "double_blocks.0.img_attn"
MARKS = {
    "Flux 2": [f"{_QKV}.qkv.weight"],
    "Chroma": [f"{_QKV}.qkv.weight", "single_blocks.0.linear1.weight"],
    "HunyuanVideo": [f"{_QKV}_qkv.weight", "single_blocks.0.linear1.weight"],
    "Segment Anything": [
        "image_encoder.blocks.0.attn.qkv.weight",
        "mask_decoder.output_hypernetworks_mlps.0.layers.0.weight",
    ],
    "SigLIP of timm": ["attn_pool.kv.weight", "blocks.0.attn.qkv.weight"],
    "PixArt": ["blocks.0.cross_attn.kv_linear.weight"],
    "Sana": ["blocks.0.cross_attn.kv_linear.weight"],
    "clip": ["visual.transformer.resblocks.0.attn.in_proj_weight"],
}


def logical(name: str, size: str) -> LogicalTensor:
    shape = () if size == "-" else tuple(int(n) for n in size.split("x"))
    return LogicalTensor(name, "F32", shape, RowMajor("f", 0, "F32", shape[-1] if shape else 1))


@pytest.mark.parametrize("framework", PAIRS)
def test_every_name_of_the_framework_has_the_place_that_it_has_in_hugging_face(framework: str) -> None:
    lines = [[part.strip() for part in line.split("|")] for line in PAIRS[framework].strip().splitlines()]
    own = [logical(ours, size) for ours, _, size in lines]
    marks = [logical(name, "192x64") for name in MARKS.get(framework, [])]
    theirs = [logical(name, size) for _, name, size in lines]
    found = {n.tensor.name: n.place for n in name_tensors(unfuse([*own, *marks], {}).tensors, {})}
    hf_marks = [t for t in unfuse([*own, *marks], {}).tensors if t.name not in {x.name for x in theirs}]
    wanted = {n.tensor.name: n.place for n in name_tensors([*theirs, *hf_marks], {})}
    assert found == wanted and {t.name for t in theirs} <= found.keys()


def test_the_attention_of_an_autoencoder_of_ldm_is_matrices() -> None:
    random = np.random.default_rng(4)
    values = {part: random.normal(0, 1, (64, 64)).astype(np.float32) for part in ("q", "k", "v", "proj_out")}
    own = {f"first_stage_model.encoder.mid.attn_1.{p}.weight": v[:, :, None, None] for p, v in values.items()}
    names = {"q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}
    theirs = {f"encoder.mid_block.attentions.0.{names[p]}.weight": v for p, v in values.items()}
    assert evidence(made(own, {})) == evidence(made(theirs, {}))


def test_a_convnext_2_is_one_model_in_its_three_spellings() -> None:
    random = np.random.default_rng(5)
    parts = {
        "dwconv": (64, 1, 7, 7),
        "layernorm": (64,),
        "pwconv1": (256, 64),
        "grn": (1, 1, 1, 256),
        "pwconv2": (64, 256),
    }
    of_timm = {"dwconv": "conv_dw", "layernorm": "norm", "pwconv1": "mlp.fc1", "grn": "mlp.grn", "pwconv2": "mlp.fc2"}
    of_grn = {"weight": "gamma", "bias": "beta"}
    transformers, timm, facebook = {}, {}, {}
    for layer, (part, shape), kind in itertools.product(range(4), parts.items(), ("weight", "bias")):
        values = random.normal(size=shape if kind == "weight" or part == "grn" else shape[:1]).astype(np.float32)
        transformers[f"convnextv2.encoder.stages.0.layers.{layer}.{part}.{kind}"] = values
        timm[f"stages.0.blocks.{layer}.{of_timm[part]}.{kind}"] = values.reshape(-1) if part == "grn" else values
        own = f"grn.{of_grn[kind]}" if part == "grn" else f"{part.replace('layer', '')}.{kind}"
        facebook[f"stages.0.{layer}.{own}"] = values
    wanted = evidence(made(transformers, {}))
    assert evidence(made(timm, {})) == wanted and evidence(made(facebook, {})) == wanted
    assert len(made(transformers, {}).tensors) == len(transformers)


@pytest.mark.parametrize(
    "tower",
    [
        ["stages.0.0.pwconv1.weight", "stages.0.0.gamma"],
        ["stages.0.0.pwconv1.weight", "stages.0.0.grn.gamma"],
        ["stages.0.blocks.0.conv_dw.weight", "stages.0.blocks.0.gamma"],
        ["stages.0.blocks.0.conv_dw.weight", "stages.0.blocks.0.mlp.grn.weight"],
    ],
)
def test_a_text_model_with_a_convnext_in_it_keeps_its_own_norm_and_head(tower: list[str]) -> None:
    names = ["model.embed_tokens.weight", "model.norm.weight", "score.head.norm.weight", "head.weight"]
    given = [logical(name, "64") for name in [*names, *(f"vision_tower.{name}" for name in tower)]]
    assert hugging_face(given, {}) == given
    assert hugging_face(given[1:], {}) != given[1:]


def flux() -> tuple[Tensors, Tensors]:
    """A small Flux in the names of Black Forest Labs, and as diffusers converts it."""
    random, h = np.random.default_rng(8), 64

    def drawn(*shape: int) -> Floats:
        return random.normal(0, 1, shape).astype(np.float32)

    own: Tensors = {"vector_in.in_layer.weight": drawn(h, 128), "img_in.weight": drawn(h, 48)}
    own["final_layer.adaLN_modulation.1.weight"] = drawn(2 * h, h)
    shift, scale = np.split(own["final_layer.adaLN_modulation.1.weight"], 2)
    theirs: Tensors = {
        "time_text_embed.text_embedder.linear_1.weight": own["vector_in.in_layer.weight"],
        "x_embedder.weight": own["img_in.weight"],
        "norm_out.linear.weight": np.concatenate((scale, shift)),
    }
    for i in range(2):
        double, single = f"double_blocks.{i}", f"single_blocks.{i}"
        at, there = f"transformer_blocks.{i}", f"single_transformer_blocks.{i}"
        for stream, form in (("img", "to_{}"), ("txt", "add_{}_proj")):
            for kind, values in (("weight", drawn(3 * h, h)), ("bias", drawn(3 * h))):
                own[f"{double}.{stream}_attn.qkv.{kind}"] = values
                for letter, third in zip("qkv", np.split(values, 3), strict=True):
                    theirs[f"{at}.attn.{form.format(letter)}.{kind}"] = third
        for kind, values in (("weight", drawn(7 * h, h)), ("bias", drawn(7 * h))):
            own[f"{single}.linear1.{kind}"] = values
            parts = np.split(values, [h, 2 * h, 3 * h])
            for name, part in zip(("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"), parts, strict=True):
                theirs[f"{there}.{name}.{kind}"] = part
        same = {
            f"{double}.img_attn.proj.weight": (f"{at}.attn.to_out.0.weight", (h, h)),
            f"{double}.txt_attn.proj.weight": (f"{at}.attn.to_add_out.weight", (h, h)),
            f"{double}.txt_mlp.0.weight": (f"{at}.ff_context.net.0.proj.weight", (4 * h, h)),
            f"{double}.txt_attn.norm.query_norm.scale": (f"{at}.attn.norm_added_q.weight", (16,)),
            f"{double}.txt_mod.lin.weight": (f"{at}.norm1_context.linear.weight", (6 * h, h)),
            f"{single}.linear2.weight": (f"{there}.proj_out.weight", (h, 5 * h)),
            f"{single}.norm.key_norm.scale": (f"{there}.attn.norm_k.weight", (16,)),
        }
        for ours, (name, shape) in same.items():
            own[ours] = theirs[name] = drawn(*shape)
    return own, theirs


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
def test_flux_of_its_makers_is_that_of_diffusers(prefix: str) -> None:
    own, theirs = flux()
    assert evidence(made({prefix + n: v for n, v in own.items()}, {})) == evidence(made(theirs, {}))


def test_projections_of_clip_are_turned_and_its_attention_is_split() -> None:
    random = np.random.default_rng(2)
    width, text = 64, 32
    own: Tensors = {
        "visual.proj": random.normal(0, 1, (width, 48)).astype(np.float32),
        "text_projection": random.normal(0, 1, (text, 48)).astype(np.float32),
        "ln_final.weight": np.ones(text, np.float32),
    }
    theirs: Tensors = {
        "visual_projection.weight": np.ascontiguousarray(own["visual.proj"].T),
        "text_projection.weight": np.ascontiguousarray(own["text_projection"].T),
        "text_model.final_layer_norm.weight": own["ln_final.weight"],
    }
    for at, there, n in (
        ("visual.transformer", "vision_model", width),
        ("transformer", "text_model", text),
    ):
        fused_weight = random.normal(0, 1, (3 * n, n)).astype(np.float32)
        own[f"{at}.resblocks.0.attn.in_proj_weight"] = fused_weight
        own[f"{at}.resblocks.0.attn.in_proj_bias"] = fused_weight[:, 0].copy()
        own[f"{at}.resblocks.0.ln_1.weight"] = theirs[f"{there}.encoder.layers.0.layer_norm1.weight"] = np.ones(
            n, np.float32
        )
        for i, part in enumerate(("q_proj", "k_proj", "v_proj")):
            rows = fused_weight[i * n : (i + 1) * n]
            theirs[f"{there}.encoder.layers.0.self_attn.{part}.weight"] = rows
            theirs[f"{there}.encoder.layers.0.self_attn.{part}.bias"] = rows[:, 0].copy()
    assert evidence(made(own, {})) == evidence(made(theirs, {}))


def test_small_matrices_of_rwkv_7_are_turned() -> None:
    random = np.random.default_rng(2)
    own = {"blocks.0.att.receptance.weight": random.normal(0, 1, (64, 64)).astype(np.float32),
           "blocks.0.att.r_k": random.normal(0, 1, (4, 16)).astype(np.float32),
           "blocks.0.ffn.key.weight": random.normal(0, 1, (128, 64)).astype(np.float32),
           "blocks.0.att.w0": random.normal(0, 1, (1, 1, 64)).astype(np.float32),
           "blocks.0.att.w1": random.normal(0, 1, (64, 24)).astype(np.float32)}  # fmt: skip
    theirs = {"model.layers.0.attn.r_proj.weight": own["blocks.0.att.receptance.weight"],
              "model.layers.0.attn.r_k": own["blocks.0.att.r_k"],
              "model.layers.0.ffn.key.weight": own["blocks.0.ffn.key.weight"],
              "model.layers.0.attn.w_lora.lora.2.bias": own["blocks.0.att.w0"].reshape(64),
              "model.layers.0.attn.w_lora.lora.0.weight": np.ascontiguousarray(own["blocks.0.att.w1"].T)}  # fmt: skip
    assert evidence(made(own, {})) == evidence(made(theirs, {}))


def test_no_two_lines_of_a_framework_have_one_name() -> None:
    for framework in FRAMEWORKS:
        names = [ours for ours, _, _ in framework.lines]
        assert len(names) == len(set(names)), framework.name


def test_two_tensors_that_would_get_one_name_keep_their_own() -> None:
    names = ["encoder.blocks.0.attn.query.weight", "encoder.blocks.0.mlp_ln.weight", "x.encoder.blocks.0.mlp_ln.weight"]
    tensors = [logical(n, "8x8") for n in (*names, "model.encoder.layers.0.final_layer_norm.weight")]
    assert hugging_face(tensors, {}) == tensors
