"""Tables of networks that segment, and of the Swin that they stand on.

Sources: transformers `convert_mask2former_original_pytorch_checkpoint_to_pytorch.py` and
`convert_swin_upernet_to_pytorch.py`.
"""

from __future__ import annotations

from .line import inside

_SWIN_BLOCK = """
    norm1 -> layernorm_before
    norm2 -> layernorm_after
    attn.qkv -> attention.self.?? : thirds
    attn.proj -> attention.output.dense
    attn.relative_position_bias_table -> attention.self.relative_position_bias_table
    attn.relative_position_index -> attention.self.relative_position_index
    mlp.fc1 -> intermediate.dense
    mlp.fc2 -> output.dense
"""
_ENCODER = "model.pixel_level_module.encoder."

MASK_2_FORMER = (
    *inside("backbone.layers.#.blocks.#.", f"{_ENCODER}encoder.layers.#.blocks.#.", _SWIN_BLOCK),
    *inside("backbone.", _ENCODER, """
        layers.#.downsample.reduction -> encoder.layers.#.downsample.reduction
        layers.#.downsample.norm -> encoder.layers.#.downsample.norm
        patch_embed.proj -> embeddings.patch_embeddings.projection
        patch_embed.norm -> embeddings.norm
        norm0 -> hidden_states_norms.stage1
        norm1 -> hidden_states_norms.stage2
        norm2 -> hidden_states_norms.stage3
        norm3 -> hidden_states_norms.stage4
    """),
    *inside("sem_seg_head.pixel_decoder.", "model.pixel_level_module.decoder.", """
        transformer.encoder.layers.#.self_attn.sampling_offsets -> encoder.layers.#.self_attn.sampling_offsets
        transformer.encoder.layers.#.self_attn.attention_weights -> encoder.layers.#.self_attn.attention_weights
        transformer.encoder.layers.#.self_attn.value_proj -> encoder.layers.#.self_attn.value_proj
        transformer.encoder.layers.#.self_attn.output_proj -> encoder.layers.#.self_attn.output_proj
        transformer.encoder.layers.#.norm1 -> encoder.layers.#.self_attn_layer_norm
        transformer.encoder.layers.#.linear1 -> encoder.layers.#.fc1
        transformer.encoder.layers.#.linear2 -> encoder.layers.#.fc2
        transformer.encoder.layers.#.norm2 -> encoder.layers.#.final_layer_norm
        transformer.level_embed -> level_embed
        input_proj.#.# -> input_projections.#.#
        mask_features -> mask_projection
        adapter_1 -> adapter_1.0
        adapter_1.norm -> adapter_1.1
        layer_1 -> layer_1.0
        layer_1.norm -> layer_1.1
    """),
    *inside("sem_seg_head.predictor.", "model.transformer_module.decoder.", """
        transformer_self_attention_layers.#.self_attn.in_proj_weight -> layers.#.self_attn.?_proj.weight : thirds
        transformer_self_attention_layers.#.self_attn.in_proj_bias -> layers.#.self_attn.?_proj.bias : thirds
        transformer_self_attention_layers.#.self_attn.out_proj -> layers.#.self_attn.out_proj
        transformer_self_attention_layers.#.norm -> layers.#.self_attn_layer_norm
        transformer_cross_attention_layers.#.multihead_attn.in_proj_weight -> layers.#.cross_attn.in_proj_weight
        transformer_cross_attention_layers.#.multihead_attn.in_proj_bias -> layers.#.cross_attn.in_proj_bias
        transformer_cross_attention_layers.#.multihead_attn.out_proj -> layers.#.cross_attn.out_proj
        transformer_cross_attention_layers.#.norm -> layers.#.cross_attn_layer_norm
        transformer_ffn_layers.#.linear1 -> layers.#.fc1
        transformer_ffn_layers.#.linear2 -> layers.#.fc2
        transformer_ffn_layers.#.norm -> layers.#.final_layer_norm
        decoder_norm -> layernorm
        mask_embed.layers.# -> mask_predictor.mask_embedder.#.0
    """),
    *inside("sem_seg_head.predictor.", "model.transformer_module.", """
        query_embed -> queries_embedder
        query_feat -> queries_features
        level_embed -> level_embed
    """),
    ("sem_seg_head.predictor.class_embed", "class_predictor", ""),
)  # fmt: skip
"""Of Facebook, on a Swin."""

SWIN_OF_MMDETECTION = (
    *inside("stages.#.", "layers.#.", """
        blocks.#.norm1 -> blocks.#.norm1
        blocks.#.norm2 -> blocks.#.norm2
        blocks.#.attn.w_msa.qkv -> blocks.#.attn.qkv
        blocks.#.attn.w_msa.proj -> blocks.#.attn.proj
        blocks.#.attn.w_msa.relative_position_bias_table -> blocks.#.attn.relative_position_bias_table
        blocks.#.attn.w_msa.relative_position_index -> blocks.#.attn.relative_position_index
        blocks.#.ffn.layers.0.0 -> blocks.#.mlp.fc1
        blocks.#.ffn.layers.1 -> blocks.#.mlp.fc2
        downsample.reduction -> downsample.reduction : unfolded
        downsample.norm -> downsample.norm : unfolded
    """),
    ("patch_embed.projection", "patch_embed.proj", ""),
    ("backbone.norm0", "backbone.hidden_states_norms.stage1", ""),
    ("backbone.norm1", "backbone.hidden_states_norms.stage2", ""),
    ("backbone.norm2", "backbone.hidden_states_norms.stage3", ""),
    ("backbone.norm3", "backbone.hidden_states_norms.stage4", ""),
    *inside("decode_head.", "decode_head.", """
        conv_seg -> classifier
        psp_modules.#.#.bn -> psp_modules.#.#.batch_norm
        lateral_convs.#.bn -> lateral_convs.#.batch_norm
        fpn_convs.#.bn -> fpn_convs.#.batch_norm
        bottleneck.bn -> bottleneck.batch_norm
        fpn_bottleneck.bn -> fpn_bottleneck.batch_norm
    """),
    *inside("auxiliary_head.", "auxiliary_head.", """
        conv_seg -> classifier
        convs.#.bn -> convs.#.batch_norm
    """),
)  # fmt: skip
"""Of mmdetection, mmsegmentation and mmpretrain: to the names of its makers; with the UPerNet on it."""
