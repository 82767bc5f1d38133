"""Tables of models that find objects.

Sources: GroundingDINO `models/GroundingDINO/transformer.py` and transformers `convert_grounding_dino_to_hf.py`,
`convert_rt_detr_original_pytorch_checkpoint_to_hf.py`, `convert_deformable_detr_to_pytorch.py` and
`convert_yolos_to_pytorch.py`.
"""

from __future__ import annotations

from .line import inside

_BACKBONE = "model.backbone.conv_encoder.model."

_IN_ENCODER = """
    self_attn.sampling_offsets -> deformable_layer.self_attn.sampling_offsets
    self_attn.attention_weights -> deformable_layer.self_attn.attention_weights
    self_attn.value_proj -> deformable_layer.self_attn.value_proj
    self_attn.output_proj -> deformable_layer.self_attn.output_proj
    norm1 -> deformable_layer.self_attn_layer_norm
    linear1 -> deformable_layer.fc1
    linear2 -> deformable_layer.fc2
    norm2 -> deformable_layer.final_layer_norm
"""
_IN_TEXT = """
    self_attn.in_proj_weight -> text_enhancer_layer.self_attn.??.weight : thirds
    self_attn.in_proj_bias -> text_enhancer_layer.self_attn.??.bias : thirds
    self_attn.out_proj -> text_enhancer_layer.self_attn.out_proj
    norm1 -> text_enhancer_layer.layer_norm_before
    linear1 -> text_enhancer_layer.fc1
    linear2 -> text_enhancer_layer.fc2
    norm2 -> text_enhancer_layer.layer_norm_after
"""
_IN_FUSION = """
    gamma_v -> fusion_layer.vision_param
    gamma_l -> fusion_layer.text_param
    layer_norm_v -> fusion_layer.layer_norm_vision
    layer_norm_l -> fusion_layer.layer_norm_text
    attn.v_proj -> fusion_layer.attn.vision_proj
    attn.l_proj -> fusion_layer.attn.text_proj
    attn.values_v_proj -> fusion_layer.attn.values_vision_proj
    attn.values_l_proj -> fusion_layer.attn.values_text_proj
    attn.out_v_proj -> fusion_layer.attn.out_vision_proj
    attn.out_l_proj -> fusion_layer.attn.out_text_proj
"""
_IN_DECODER = """
    self_attn.in_proj_weight -> self_attn.??.weight : thirds
    self_attn.in_proj_bias -> self_attn.??.bias : thirds
    self_attn.out_proj -> self_attn.out_proj
    cross_attn.sampling_offsets -> encoder_attn.sampling_offsets
    cross_attn.attention_weights -> encoder_attn.attention_weights
    cross_attn.value_proj -> encoder_attn.value_proj
    cross_attn.output_proj -> encoder_attn.output_proj
    ca_text.in_proj_weight -> encoder_attn_text.??.weight : thirds
    ca_text.in_proj_bias -> encoder_attn_text.??.bias : thirds
    ca_text.out_proj -> encoder_attn_text.out_proj
    norm1 -> encoder_attn_layer_norm
    catext_norm -> encoder_attn_text_layer_norm
    norm2 -> self_attn_layer_norm
    norm3 -> final_layer_norm
    linear1 -> fc1
    linear2 -> fc2
"""

GROUNDING_DINO = (
    *inside("transformer.encoder.layers.#.", "model.encoder.layers.#.", _IN_ENCODER),
    *inside("transformer.encoder.text_layers.#.", "model.encoder.layers.#.", _IN_TEXT),
    *inside("transformer.encoder.fusion_layers.#.", "model.encoder.layers.#.", _IN_FUSION),
    *inside("transformer.decoder.layers.#.", "model.decoder.layers.#.", _IN_DECODER),
    *inside("backbone.0.layers.#.", f"{_BACKBONE}encoder.layers.#.", """
        blocks.#.norm1 -> blocks.#.layernorm_before
        blocks.#.norm2 -> blocks.#.layernorm_after
        blocks.#.attn.relative_position_bias_table -> blocks.#.attention.self.relative_position_bias_table
        blocks.#.attn.qkv -> blocks.#.attention.self.?? : thirds
        blocks.#.attn.proj -> blocks.#.attention.output.dense
        blocks.#.mlp.fc1 -> blocks.#.intermediate.dense
        blocks.#.mlp.fc2 -> blocks.#.output.dense
    """),
    *inside("backbone.0.", _BACKBONE, """
        patch_embed.proj -> embeddings.patch_embeddings.projection
        patch_embed.norm -> embeddings.norm
        norm1 -> hidden_states_norms.stage2
        norm2 -> hidden_states_norms.stage3
        norm3 -> hidden_states_norms.stage4
    """),
    *inside("bert.encoder.layer.#.", "model.text_backbone.encoder.layer.#.", """
        attention.self.query -> attention.self.query
    """),
    *inside("", "", """
        bert.embeddings.word_embeddings -> model.text_backbone.embeddings.word_embeddings
        bert.embeddings.position_embeddings -> model.text_backbone.embeddings.position_embeddings
        bert.embeddings.token_type_embeddings -> model.text_backbone.embeddings.token_type_embeddings
        bert.embeddings.LayerNorm -> model.text_backbone.embeddings.LayerNorm
        input_proj.#.# -> model.input_proj_vision.#.#
        feat_map -> model.text_projection
        transformer.level_embed -> model.level_embed
        transformer.tgt_embed -> model.query_position_embeddings
        transformer.enc_output -> model.enc_output
        transformer.enc_output_norm -> model.enc_output_norm
        transformer.enc_out_bbox_embed.layers.# -> model.encoder_output_bbox_embed.layers.#
        transformer.decoder.norm -> model.decoder.layer_norm
        transformer.decoder.ref_point_head.layers.# -> model.decoder.reference_points_head.layers.#
        transformer.decoder.bbox_embed.#.layers.# -> model.decoder.bbox_embed.#.layers.#
    """),
)  # fmt: skip
"""With the backbone and the text model inside; what their layers hold beside this is read as it is."""

_RT_BACKBONE = "model.backbone.model."
_RT_LAYER = """
    self_attn.in_proj_weight -> self_attn.?_proj.weight : thirds
    self_attn.in_proj_bias -> self_attn.?_proj.bias : thirds
    self_attn.out_proj -> self_attn.out_proj
    norm1 -> self_attn_layer_norm
    linear1 -> fc1
    linear2 -> fc2
"""

RT_DETR = (
    *inside("backbone.res_layers.#.blocks.#.", f"{_RT_BACKBONE}encoder.stages.#.layers.#.", """
        branch2a.conv -> layer.0.convolution
        branch2a.norm -> layer.0.normalization
        branch2b.conv -> layer.1.convolution
        branch2b.norm -> layer.1.normalization
        branch2c.conv -> layer.2.convolution
        branch2c.norm -> layer.2.normalization
        short.conv -> shortcut.convolution
        short.norm -> shortcut.normalization
        short.conv.conv -> shortcut.1.convolution
        short.conv.norm -> shortcut.1.normalization
    """),
    *inside("backbone.conv1.", f"{_RT_BACKBONE}embedder.embedder.", """
        conv1_1.conv -> 0.convolution
        conv1_1.norm -> 0.normalization
        conv1_2.conv -> 1.convolution
        conv1_2.norm -> 1.normalization
        conv1_3.conv -> 2.convolution
        conv1_3.norm -> 2.normalization
    """),
    *inside("encoder.encoder.#.layers.#.", "model.encoder.encoder.#.layers.#.", _RT_LAYER + """
        norm2 -> final_layer_norm
    """),
    *inside("decoder.decoder.layers.#.", "model.decoder.layers.#.", _RT_LAYER + """
        cross_attn.sampling_offsets -> encoder_attn.sampling_offsets
        cross_attn.attention_weights -> encoder_attn.attention_weights
        cross_attn.value_proj -> encoder_attn.value_proj
        cross_attn.output_proj -> encoder_attn.output_proj
        norm2 -> encoder_attn_layer_norm
        norm3 -> final_layer_norm
    """),
    *inside("encoder.", "model.encoder.", """
        fpn_blocks.#.conv1.conv -> fpn_blocks.#.conv1.conv
        fpn_blocks.#.conv1.norm -> fpn_blocks.#.conv1.norm
        fpn_blocks.#.conv2.conv -> fpn_blocks.#.conv2.conv
        fpn_blocks.#.conv2.norm -> fpn_blocks.#.conv2.norm
        fpn_blocks.#.bottlenecks.#.conv1.conv -> fpn_blocks.#.bottlenecks.#.conv1.conv
        fpn_blocks.#.bottlenecks.#.conv1.norm -> fpn_blocks.#.bottlenecks.#.conv1.norm
        fpn_blocks.#.bottlenecks.#.conv2.conv -> fpn_blocks.#.bottlenecks.#.conv2.conv
        fpn_blocks.#.bottlenecks.#.conv2.norm -> fpn_blocks.#.bottlenecks.#.conv2.norm
        pan_blocks.#.conv1.conv -> pan_blocks.#.conv1.conv
        pan_blocks.#.conv1.norm -> pan_blocks.#.conv1.norm
        pan_blocks.#.conv2.conv -> pan_blocks.#.conv2.conv
        pan_blocks.#.conv2.norm -> pan_blocks.#.conv2.norm
        pan_blocks.#.bottlenecks.#.conv1.conv -> pan_blocks.#.bottlenecks.#.conv1.conv
        pan_blocks.#.bottlenecks.#.conv1.norm -> pan_blocks.#.bottlenecks.#.conv1.norm
        pan_blocks.#.bottlenecks.#.conv2.conv -> pan_blocks.#.bottlenecks.#.conv2.conv
        pan_blocks.#.bottlenecks.#.conv2.norm -> pan_blocks.#.bottlenecks.#.conv2.norm
        lateral_convs.#.conv -> lateral_convs.#.conv
        lateral_convs.#.norm -> lateral_convs.#.norm
        downsample_convs.#.conv -> downsample_convs.#.conv
        downsample_convs.#.norm -> downsample_convs.#.norm
    """),
    *inside("", "model.", """
        encoder.input_proj.#.# -> encoder_input_proj.#.#
        decoder.input_proj.#.conv -> decoder_input_proj.#.0
        decoder.input_proj.#.norm -> decoder_input_proj.#.1
        decoder.dec_score_head.# -> decoder.class_embed.#
        decoder.dec_bbox_head.#.layers.# -> decoder.bbox_embed.#.layers.#
        decoder.denoising_class_embed -> denoising_class_embed
        decoder.query_pos_head.layers.# -> decoder.query_pos_head.layers.#
        decoder.enc_output.# -> enc_output.#
        decoder.enc_score_head -> enc_score_head
        decoder.enc_bbox_head.layers.# -> enc_bbox_head.layers.#
    """),
)  # fmt: skip
"""RT-DETR and RT-DETRv2."""

_RESNET_BLOCK = ("conv1", "bn1", "conv2", "bn2", "conv3", "bn3", "downsample.#")
_RESNET_STAGES = "\n".join(f"layer{n}.#.{part} -> layer{n}.#.{part}" for n in range(1, 5) for part in _RESNET_BLOCK)

DEFORMABLE_DETR = (
    *inside("transformer.encoder.layers.#.", "model.encoder.layers.#.", """
        self_attn.sampling_offsets -> self_attn.sampling_offsets
        self_attn.attention_weights -> self_attn.attention_weights
        self_attn.value_proj -> self_attn.value_proj
        self_attn.output_proj -> self_attn.output_proj
        norm1 -> self_attn_layer_norm
        linear1 -> fc1
        linear2 -> fc2
        norm2 -> final_layer_norm
    """),
    *inside("transformer.decoder.layers.#.", "model.decoder.layers.#.", """
        self_attn.in_proj_weight -> self_attn.?_proj.weight : thirds
        self_attn.in_proj_bias -> self_attn.?_proj.bias : thirds
        self_attn.out_proj -> self_attn.out_proj
        cross_attn.sampling_offsets -> encoder_attn.sampling_offsets
        cross_attn.attention_weights -> encoder_attn.attention_weights
        cross_attn.value_proj -> encoder_attn.value_proj
        cross_attn.output_proj -> encoder_attn.output_proj
        norm1 -> encoder_attn_layer_norm
        norm2 -> self_attn_layer_norm
        norm3 -> final_layer_norm
        linear1 -> fc1
        linear2 -> fc2
    """),
    *inside("backbone.0.body.", "model.backbone.conv_encoder.model.", """
        conv1 -> conv1
        bn1 -> bn1
    """ + _RESNET_STAGES),
    *inside("", "model.", """
        input_proj.#.# -> input_proj.#.#
        transformer.level_embed -> level_embed
        transformer.reference_points -> reference_points
        query_embed -> query_position_embeddings
        transformer.enc_output -> enc_output
        transformer.enc_output_norm -> enc_output_norm
        transformer.pos_trans -> pos_trans
        transformer.pos_trans_norm -> pos_trans_norm
    """),
)  # fmt: skip

DETR = (
    *inside("transformer.encoder.layers.#.", "model.encoder.layers.#.", """
        self_attn.in_proj_weight -> self_attn.?_proj.weight : thirds
        self_attn.in_proj_bias -> self_attn.?_proj.bias : thirds
        self_attn.out_proj -> self_attn.out_proj
        norm1 -> self_attn_layer_norm
        linear1 -> fc1
        linear2 -> fc2
        norm2 -> final_layer_norm
    """),
    *inside("transformer.decoder.layers.#.", "model.decoder.layers.#.", """
        self_attn.in_proj_weight -> self_attn.?_proj.weight : thirds
        self_attn.in_proj_bias -> self_attn.?_proj.bias : thirds
        self_attn.out_proj -> self_attn.out_proj
        multihead_attn.in_proj_weight -> encoder_attn.?_proj.weight : thirds
        multihead_attn.in_proj_bias -> encoder_attn.?_proj.bias : thirds
        multihead_attn.out_proj -> encoder_attn.out_proj
        cross_attn.out_proj -> encoder_attn.out_proj
        norm1 -> self_attn_layer_norm
        norm2 -> encoder_attn_layer_norm
        norm3 -> final_layer_norm
        linear1 -> fc1
        linear2 -> fc2
    """),
    *inside("transformer.decoder.", "model.decoder.", """
        norm -> layernorm
        ref_point_head.layers.# -> ref_point_head.layers.#
        query_scale.layers.# -> query_scale.layers.#
    """),
    *inside("backbone.0.body.", "model.backbone.conv_encoder.model.", """
        conv1 -> conv1
        bn1 -> bn1
    """ + _RESNET_STAGES),
    *inside("", "", """
        input_proj -> model.input_projection
        query_embed -> model.query_position_embeddings
        class_embed -> class_labels_classifier
        bbox_embed.layers.# -> bbox_predictor.layers.#
    """),
)  # fmt: skip
"""Conditional DETR has projections of its own in the decoder, which transformers calls as its makers do."""

YOLOS = (
    *inside("backbone.blocks.#.", "vit.encoder.layer.#.", """
        attn.qkv -> attention.attention.?? : thirds
        attn.proj -> attention.output.dense
        norm1 -> layernorm_before
        norm2 -> layernorm_after
        mlp.fc1 -> intermediate.dense
        mlp.fc2 -> output.dense
    """),
    *inside("backbone.", "vit.", """
        cls_token -> embeddings.cls_token
        det_token -> embeddings.detection_tokens
        pos_embed -> embeddings.position_embeddings
        mid_pos_embed -> encoder.mid_position_embeddings
        patch_embed.proj -> embeddings.patch_embeddings.projection
        norm -> layernorm
    """),
    ("class_embed.layers.#", "class_labels_classifier.layers.#", ""),
    ("bbox_embed.layers.#", "bbox_predictor.layers.#", ""),
)  # fmt: skip
