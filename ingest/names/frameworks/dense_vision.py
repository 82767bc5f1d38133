"""Tables of models that answer for every place of an image: segmentation, depth, video.

Sources: transformers `convert_sam2_video_to_hf.py`, `convert_segformer_original_to_pytorch.py`,
`convert_dpt_to_pytorch.py` and `convert_videomae_to_pytorch.py`.
"""

from __future__ import annotations

from .line import inside

FUSION = """
    out_conv -> projection
    resConfUnit1.conv1 -> residual_layer1.convolution1
    resConfUnit1.conv2 -> residual_layer1.convolution2
    resConfUnit2.conv1 -> residual_layer2.convolution1
    resConfUnit2.conv2 -> residual_layer2.convolution2
"""
"""A block of a refinement network, which MiDaS and Depth Anything number from the other end."""

SAM_MLP = """
    layers.0 -> proj_in
    layers.1 -> layers.0
    layers.2 -> proj_out
"""
_SAM_2_MLP = """
    mlp.layers.0 -> mlp.proj_in
    mlp.layers.1 -> mlp.proj_out
"""
_SAM_2_NORMS = """
    norm1 -> layer_norm1
    norm2 -> layer_norm2
    norm3 -> layer_norm3
    norm4 -> layer_norm4
"""
_SAM_2_OF_DECODER = """
    self_attn.out_proj -> self_attn.o_proj
    cross_attn_image.out_proj -> cross_attn_image.o_proj
    cross_attn_token_to_image.out_proj -> cross_attn_token_to_image.o_proj
    cross_attn_image_to_token.out_proj -> cross_attn_image_to_token.o_proj
"""

SAM_2 = (
    *inside("image_encoder.trunk.blocks.#.", "vision_encoder.backbone.blocks.#.", _SAM_2_NORMS + _SAM_2_MLP),
    *inside("memory_attention.layers.#.", "memory_attention.layers.#.", _SAM_2_NORMS + _SAM_2_OF_DECODER),
    *inside(
        "sam_mask_decoder.transformer.layers.#.",
        "mask_decoder.transformer.layers.#.",
        _SAM_2_NORMS + _SAM_2_OF_DECODER + _SAM_2_MLP,
    ),
    *inside("sam_mask_decoder.output_hypernetworks_mlps.#.", "mask_decoder.output_hypernetworks_mlps.#.", SAM_MLP),
    *inside("sam_mask_decoder.iou_prediction_head.", "mask_decoder.iou_prediction_head.", SAM_MLP),
    *inside("sam_mask_decoder.pred_obj_score_head.", "mask_decoder.pred_obj_score_head.", SAM_MLP),
    *inside("obj_ptr_proj.", "object_pointer_proj.", SAM_MLP),
    *inside("sam_mask_decoder.", "mask_decoder.", """
        transformer.final_attn_token_to_image.q_proj -> transformer.final_attn_token_to_image.q_proj
        transformer.final_attn_token_to_image.k_proj -> transformer.final_attn_token_to_image.k_proj
        transformer.final_attn_token_to_image.v_proj -> transformer.final_attn_token_to_image.v_proj
        transformer.final_attn_token_to_image.out_proj -> transformer.final_attn_token_to_image.o_proj
        transformer.norm_final_attn -> transformer.layer_norm_final_attn
        iou_token -> iou_token
        mask_tokens -> mask_tokens
        obj_score_token -> obj_score_token
        conv_s0 -> conv_s0
        conv_s1 -> conv_s1
        output_upscaling.0 -> upscale_conv1
        output_upscaling.1 -> upscale_layer_norm
        output_upscaling.3 -> upscale_conv2
    """),
    *inside("sam_prompt_encoder.", "prompt_encoder.", """
        pe_layer.positional_encoding_gaussian_matrix -> shared_embedding.positional_embedding
        point_embeddings.# -> point_embed.#
        not_a_point_embed -> not_a_point_embed
        no_mask_embed -> no_mask_embed
        mask_downscaling.0 -> mask_embed.conv1
        mask_downscaling.1 -> mask_embed.layer_norm1
        mask_downscaling.3 -> mask_embed.conv2
        mask_downscaling.4 -> mask_embed.layer_norm2
        mask_downscaling.6 -> mask_embed.conv3
    """),
    *inside("memory_encoder.", "memory_encoder.", """
        mask_downsampler.encoder.0 -> mask_downsampler.layers.0.conv
        mask_downsampler.encoder.1 -> mask_downsampler.layers.0.layer_norm
        mask_downsampler.encoder.3 -> mask_downsampler.layers.1.conv
        mask_downsampler.encoder.4 -> mask_downsampler.layers.1.layer_norm
        mask_downsampler.encoder.6 -> mask_downsampler.layers.2.conv
        mask_downsampler.encoder.7 -> mask_downsampler.layers.2.layer_norm
        mask_downsampler.encoder.9 -> mask_downsampler.layers.3.conv
        mask_downsampler.encoder.10 -> mask_downsampler.layers.3.layer_norm
        mask_downsampler.encoder.12 -> mask_downsampler.final_conv
        pix_feat_proj -> feature_projection
        fuser.layers.#.dwconv -> memory_fuser.layers.#.depthwise_conv
        fuser.layers.#.norm -> memory_fuser.layers.#.layer_norm
        fuser.layers.#.pwconv1 -> memory_fuser.layers.#.pointwise_conv1
        fuser.layers.#.pwconv2 -> memory_fuser.layers.#.pointwise_conv2
        fuser.layers.#.gamma -> memory_fuser.layers.#.scale
        out_proj -> projection
    """),
    *inside("", "", """
        image_encoder.trunk.pos_embed -> vision_encoder.backbone.pos_embed
        image_encoder.trunk.pos_embed_window -> vision_encoder.backbone.pos_embed_window
        image_encoder.trunk.patch_embed.proj -> vision_encoder.backbone.patch_embed.projection
        image_encoder.neck.convs.#.conv -> vision_encoder.neck.convs.#
        memory_attention.norm -> memory_attention.layer_norm
        obj_ptr_tpos_proj -> temporal_positional_encoding_projection_layer
        no_obj_embed_spatial -> occlusion_spatial_embedding_parameter
        maskmem_tpos_enc -> memory_temporal_positional_encoding
        no_mem_embed -> no_memory_embedding
        no_mem_pos_enc -> no_memory_positional_encoding
        no_obj_ptr -> no_object_pointer
    """),
)  # fmt: skip

_SEGFORMER_BLOCK = """
    attn.q -> attention.self.query
    attn.kv -> attention.self.?? : halves
    attn.sr -> attention.self.sr
    attn.norm -> attention.self.layer_norm
    attn.proj -> attention.output.dense
    norm1 -> layer_norm_1
    norm2 -> layer_norm_2
    mlp.fc1 -> mlp.dense1
    mlp.fc2 -> mlp.dense2
"""


def _segformer_stage(number: int) -> str:
    return f"""
        patch_embed{number}.proj -> segformer.encoder.patch_embeddings.{number - 1}.proj
        patch_embed{number}.norm -> segformer.encoder.patch_embeddings.{number - 1}.layer_norm
        norm{number} -> segformer.encoder.layer_norm.{number - 1}
        decode_head.linear_c{number}.proj -> decode_head.linear_c.{number - 1}.proj
    """


SEGFORMER = (
    *inside("block1.#.", "segformer.encoder.block.0.#.", _SEGFORMER_BLOCK),
    *inside("block2.#.", "segformer.encoder.block.1.#.", _SEGFORMER_BLOCK),
    *inside("block3.#.", "segformer.encoder.block.2.#.", _SEGFORMER_BLOCK),
    *inside("block4.#.", "segformer.encoder.block.3.#.", _SEGFORMER_BLOCK),
    *inside("", "", "".join(_segformer_stage(number) for number in (1, 2, 3, 4)) + """
        decode_head.linear_fuse.conv -> decode_head.linear_fuse
        decode_head.linear_fuse.bn -> decode_head.batch_norm
        decode_head.linear_pred -> decode_head.classifier
        head -> classifier
    """),
)  # fmt: skip


def _midas_stage(number: int) -> str:
    return f"""
        pretrained.act_postprocess{number}.0.project.0 -> neck.reassemble_stage.readout_projects.{number - 1}.0
        pretrained.act_postprocess{number}.3 -> neck.reassemble_stage.layers.{number - 1}.projection
        pretrained.act_postprocess{number}.4 -> neck.reassemble_stage.layers.{number - 1}.resize
        scratch.layer{number}_rn -> neck.convs.{number - 1}
    """


DPT = (
    *inside("scratch.refinenet4.", "neck.fusion_stage.layers.0.", FUSION),
    *inside("scratch.refinenet3.", "neck.fusion_stage.layers.1.", FUSION),
    *inside("scratch.refinenet2.", "neck.fusion_stage.layers.2.", FUSION),
    *inside("scratch.refinenet1.", "neck.fusion_stage.layers.3.", FUSION),
    *inside("pretrained.model.blocks.#.", "dpt.encoder.layer.#.", """
        norm1 -> layernorm_before
        norm2 -> layernorm_after
        attn.qkv -> attention.attention.?? : thirds
        attn.proj -> attention.output.dense
        mlp.fc1 -> intermediate.dense
        mlp.fc2 -> output.dense
    """),
    *inside("", "", "".join(_midas_stage(number) for number in (1, 2, 3, 4)) + """
        pretrained.model.cls_token -> dpt.embeddings.cls_token
        pretrained.model.pos_embed -> dpt.embeddings.position_embeddings
        pretrained.model.patch_embed.proj -> dpt.embeddings.patch_embeddings.projection
        pretrained.model.norm -> dpt.layernorm
        scratch.output_conv.# -> head.head.#
    """),
)  # fmt: skip

VIDEOMAE = (
    *inside("", "", """
        encoder.blocks.#.norm1 -> videomae.encoder.layer.#.layernorm_before
        decoder.blocks.#.norm1 -> decoder.decoder_layers.#.layernorm_before
        encoder.patch_embed.proj -> videomae.embeddings.patch_embeddings.projection
        encoder.norm -> videomae.layernorm
    """),
)  # fmt: skip
"""What its blocks hold beside this is read as it is."""

VITPOSE = (
    *inside("backbone.blocks.#.", "backbone.encoder.layer.#.", """
        attn.qkv -> attention.attention.?? : thirds
        attn.proj -> attention.output.dense
        norm1 -> layernorm_before
        norm2 -> layernorm_after
        mlp.fc1 -> mlp.fc1
        mlp.fc2 -> mlp.fc2
    """),
    *inside("", "", """
        backbone.last_norm -> backbone.layernorm
        backbone.pos_embed -> backbone.embeddings.position_embeddings
        backbone.patch_embed.proj -> backbone.embeddings.patch_embeddings.projection
        keypoint_head.deconv_layers.0 -> head.deconv1
        keypoint_head.deconv_layers.1 -> head.batchnorm1
        keypoint_head.deconv_layers.3 -> head.deconv2
        keypoint_head.deconv_layers.4 -> head.batchnorm2
        keypoint_head.final_layer -> head.conv
    """),
)  # fmt: skip
"""Of mmpose."""

GOT_OCR = (
    *inside("vision_tower_high.blocks.#.", "vision_tower.layers.#.", """
        norm1 -> layer_norm1
        norm2 -> layer_norm2
        attn.qkv -> attn.qkv
        attn.proj -> attn.proj
        attn.rel_pos_h -> attn.rel_pos_h
        attn.rel_pos_w -> attn.rel_pos_w
        mlp.lin1 -> mlp.lin1
        mlp.lin2 -> mlp.lin2
    """),
    *inside("vision_tower_high.", "vision_tower.", """
        pos_embed -> pos_embed
        patch_embed.proj -> patch_embed.projection
        neck.0 -> neck.conv1
        neck.1 -> neck.layer_norm1
        neck.2 -> neck.conv2
        neck.3 -> neck.layer_norm2
    """),
    ("vision_tower_high.net_2", "multi_modal_projector.conv_upsampler1", ""),
    ("vision_tower_high.net_3", "multi_modal_projector.conv_upsampler2", ""),
    ("mm_projector_vary", "multi_modal_projector.multimodal_projector", ""),
)  # fmt: skip
