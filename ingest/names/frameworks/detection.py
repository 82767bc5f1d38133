"""Tables of models that find objects.

Sources: GroundingDINO `models/GroundingDINO/transformer.py` and transformers `convert_grounding_dino_to_hf.py`.
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
