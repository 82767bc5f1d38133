"""Tables of models of images and of sound.

Sources: `whisper/model.py`, `clip/model.py`, transformers `convert_sam_to_hf.py`,
`convert_convnext_to_pytorch.py`, `convert_depth_anything_to_hf.py`, `convert_resnet_to_pytorch.py` and
`convert_musicgen_transformers.py`, timm `convnext.py`, torchvision `models/convnext.py`, `swin_transformer.py` and
`vision_transformer.py`, mmpretrain `models/backbones/vision_transformer.py`.
"""

from __future__ import annotations

from .dense_vision import FUSION, SAM_MLP
from .line import inside

_WHISPER_LAYER = """
    attn.query -> self_attn.q_proj
    attn.key -> self_attn.k_proj
    attn.value -> self_attn.v_proj
    attn.out -> self_attn.out_proj
    attn_ln -> self_attn_layer_norm
    cross_attn.query -> encoder_attn.q_proj
    cross_attn.key -> encoder_attn.k_proj
    cross_attn.value -> encoder_attn.v_proj
    cross_attn.out -> encoder_attn.out_proj
    cross_attn_ln -> encoder_attn_layer_norm
    mlp.0 -> fc1
    mlp.2 -> fc2
    mlp1 -> fc1
    mlp2 -> fc2
    mlp_ln -> final_layer_norm
"""

WHISPER = (
    *inside("encoder.blocks.#.", "model.encoder.layers.#.", _WHISPER_LAYER),
    *inside("decoder.blocks.#.", "model.decoder.layers.#.", _WHISPER_LAYER),
    ("encoder.conv1", "model.encoder.conv1", "kernel_last"),
    ("encoder.conv2", "model.encoder.conv2", "kernel_last"),
    ("encoder.positional_embedding", "model.encoder.embed_positions.weight", ""),
    ("encoder.ln_post", "model.encoder.layer_norm", ""),
    ("decoder.token_embedding", "model.decoder.embed_tokens", ""),
    ("decoder.positional_embedding", "model.decoder.embed_positions.weight", ""),
    ("decoder.ln", "model.decoder.layer_norm", ""),
)
"""Of OpenAI and of MLX."""

_CLIP_LAYER = """
    attn.in_proj_weight -> self_attn.in_proj_weight : stacked
    attn.in_proj_bias -> self_attn.in_proj_bias : stacked
    attn.out_proj -> self_attn.out_proj
    ln_1 -> layer_norm1
    ln_2 -> layer_norm2
    mlp.c_fc -> mlp.fc1
    mlp.c_proj -> mlp.fc2
"""

_MESSAGES = """
    message_attn.in_proj_weight -> message_attn.in_proj_weight : stacked
    message_attn.in_proj_bias -> message_attn.in_proj_bias : stacked
"""

CLIP = (
    *inside("visual.transformer.resblocks.#.", "vision_model.encoder.layers.#.", _CLIP_LAYER + _MESSAGES),
    *inside("mit.resblocks.#.", "mit.encoder.layers.#.", _CLIP_LAYER),
    *inside("transformer.resblocks.#.", "text_model.encoder.layers.#.", _CLIP_LAYER),
    ("visual.class_embedding", "vision_model.embeddings.class_embedding", ""),
    ("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight", ""),
    ("visual.conv1", "vision_model.embeddings.patch_embedding", ""),
    ("visual.ln_pre", "vision_model.pre_layrnorm", ""),
    ("visual.ln_post", "vision_model.post_layernorm", ""),
    ("visual.proj", "visual_projection.weight", "transposed"),
    ("token_embedding", "text_model.embeddings.token_embedding", ""),
    ("positional_embedding", "text_model.embeddings.position_embedding.weight", ""),
    ("ln_final", "text_model.final_layer_norm", ""),
    ("text_projection", "text_projection.weight", "transposed"),
    ("prompts_visual_proj", "prompts_visual_projection", ""),
    ("prompts_visual_ln", "prompts_visual_layernorm", ""),
    ("mit.positional_embedding", "mit.position_embedding", ""),
)
"""Of OpenAI, and X-CLIP of Microsoft."""

SIGLIP = inside(
    "",
    "",
    """
    attn_pool.latent -> vision_model.head.probe
    attn_pool.q -> vision_model.head.attention.q_proj
    attn_pool.kv -> vision_model.head.attention.?_proj : halves
    attn_pool.proj -> vision_model.head.attention.out_proj
    attn_pool.norm -> vision_model.head.layernorm
    attn_pool.mlp.fc1 -> vision_model.head.mlp.fc1
    attn_pool.mlp.fc2 -> vision_model.head.mlp.fc2
    norm -> vision_model.post_layernorm
    text.text_projection -> text_model.head
""",
)

SAM = (
    *inside("image_encoder.blocks.#.", "vision_encoder.layers.#.", """
        norm1 -> layer_norm1
        norm2 -> layer_norm2
        attn.qkv -> attn.qkv
    """),
    *inside("mask_decoder.transformer.layers.#.", "mask_decoder.transformer.layers.#.", """
        norm1 -> layer_norm1
        norm2 -> layer_norm2
        norm3 -> layer_norm3
        norm4 -> layer_norm4
    """),
    *inside("mask_decoder.output_hypernetworks_mlps.#.", "mask_decoder.output_hypernetworks_mlps.#.", SAM_MLP),
    *inside("mask_decoder.iou_prediction_head.", "mask_decoder.iou_prediction_head.", SAM_MLP),
    *inside("", "", """
        image_encoder.pos_embed -> vision_encoder.pos_embed
        image_encoder.patch_embed.proj -> vision_encoder.patch_embed.projection
        image_encoder.neck.0 -> vision_encoder.neck.conv1
        image_encoder.neck.1 -> vision_encoder.neck.layer_norm1
        image_encoder.neck.2 -> vision_encoder.neck.conv2
        image_encoder.neck.3 -> vision_encoder.neck.layer_norm2
        prompt_encoder.pe_layer.positional_encoding_gaussian_matrix -> shared_image_embedding.positional_embedding
        prompt_encoder.point_embeddings.# -> prompt_encoder.point_embed.#
        prompt_encoder.mask_downscaling.0 -> prompt_encoder.mask_embed.conv1
        prompt_encoder.mask_downscaling.1 -> prompt_encoder.mask_embed.layer_norm1
        prompt_encoder.mask_downscaling.3 -> prompt_encoder.mask_embed.conv2
        prompt_encoder.mask_downscaling.4 -> prompt_encoder.mask_embed.layer_norm2
        prompt_encoder.mask_downscaling.6 -> prompt_encoder.mask_embed.conv3
        mask_decoder.transformer.norm_final_attn -> mask_decoder.transformer.layer_norm_final_attn
        mask_decoder.output_upscaling.0 -> mask_decoder.upscale_conv1
        mask_decoder.output_upscaling.1 -> mask_decoder.upscale_layer_norm
        mask_decoder.output_upscaling.3 -> mask_decoder.upscale_conv2
    """),
)  # fmt: skip

_CONVNEXT_OF_TIMM = """
    stem.0 -> embeddings.patch_embeddings
    stem.1 -> embeddings.layernorm
    stages.#.downsample.# -> encoder.stages.#.downsampling_layer.#
    stages.#.blocks.#.conv_dw -> encoder.stages.#.layers.#.dwconv
    stages.#.blocks.#.norm -> encoder.stages.#.layers.#.layernorm
    stages.#.blocks.#.mlp.fc1 -> encoder.stages.#.layers.#.pwconv1
    stages.#.blocks.#.mlp.grn -> encoder.stages.#.layers.#.grn
    stages.#.blocks.#.mlp.fc2 -> encoder.stages.#.layers.#.pwconv2
    stages.#.blocks.#.gamma -> encoder.stages.#.layers.#.layer_scale_parameter
    head.norm -> layernorm
"""
_CONVNEXT_OF_FACEBOOK = """
    downsample_layers.0.0 -> embeddings.patch_embeddings
    downsample_layers.0.1 -> embeddings.layernorm
    downsample_layers.#.# -> encoder.stages.#.downsampling_layer.#
    stages.#.#.dwconv -> encoder.stages.#.layers.#.dwconv
    stages.#.#.norm -> encoder.stages.#.layers.#.layernorm
    stages.#.#.pwconv1 -> encoder.stages.#.layers.#.pwconv1
    stages.#.#.grn.gamma -> encoder.stages.#.layers.#.grn.weight : flat
    stages.#.#.grn.beta -> encoder.stages.#.layers.#.grn.bias : flat
    stages.#.#.pwconv2 -> encoder.stages.#.layers.#.pwconv2
    stages.#.#.gamma -> encoder.stages.#.layers.#.layer_scale_parameter
    norm -> layernorm
"""
_CONVNEXT_HEAD = (("head.fc", "classifier", ""), ("head", "classifier", ""))

CONVNEXT_OF_TIMM = (*inside("", "convnext.", _CONVNEXT_OF_TIMM), *_CONVNEXT_HEAD)
CONVNEXT_OF_FACEBOOK = (*inside("", "convnext.", _CONVNEXT_OF_FACEBOOK), *_CONVNEXT_HEAD)
CONVNEXT_2_OF_TIMM = (*inside("", "convnextv2.", _CONVNEXT_OF_TIMM), *_CONVNEXT_HEAD)
CONVNEXT_2_OF_FACEBOOK = (*inside("", "convnextv2.", _CONVNEXT_OF_FACEBOOK), *_CONVNEXT_HEAD)
CONVNEXT_2 = inside("", "", "encoder.stages.#.layers.#.grn -> encoder.stages.#.layers.#.grn : flat")
"""Of transformers itself: vectors that the others keep as vectors."""

DEPTH_ANYTHING = (
    *inside("depth_head.scratch.refinenet4.", "neck.fusion_stage.layers.0.", FUSION),
    *inside("depth_head.scratch.refinenet3.", "neck.fusion_stage.layers.1.", FUSION),
    *inside("depth_head.scratch.refinenet2.", "neck.fusion_stage.layers.2.", FUSION),
    *inside("depth_head.scratch.refinenet1.", "neck.fusion_stage.layers.3.", FUSION),
    *inside(
        "depth_head.",
        "",
        """
        projects.# -> neck.reassemble_stage.layers.#.projection
        resize_layers.# -> neck.reassemble_stage.layers.#.resize
        scratch.layer1_rn -> neck.convs.0
        scratch.layer2_rn -> neck.convs.1
        scratch.layer3_rn -> neck.convs.2
        scratch.layer4_rn -> neck.convs.3
        scratch.output_conv1 -> head.conv1
        scratch.output_conv2.0 -> head.conv2
        scratch.output_conv2.2 -> head.conv3
        """,
    ),
)

_RESNET_BLOCK = """
    conv1 -> layer.0.convolution
    bn1 -> layer.0.normalization
    conv2 -> layer.1.convolution
    bn2 -> layer.1.normalization
    conv3 -> layer.2.convolution
    bn3 -> layer.2.normalization
    downsample.0 -> shortcut.convolution
    downsample.1 -> shortcut.normalization
"""

RESNET = (
    *inside("layer1.#.", "resnet.encoder.stages.0.layers.#.", _RESNET_BLOCK),
    *inside("layer2.#.", "resnet.encoder.stages.1.layers.#.", _RESNET_BLOCK),
    *inside("layer3.#.", "resnet.encoder.stages.2.layers.#.", _RESNET_BLOCK),
    *inside("layer4.#.", "resnet.encoder.stages.3.layers.#.", _RESNET_BLOCK),
    ("conv1", "resnet.embedder.embedder.convolution", ""),
    ("bn1", "resnet.embedder.embedder.normalization", ""),
    ("fc", "classifier.1", ""),
)

_MUSICGEN_LAYER = """
    self_attn.in_proj_weight -> self_attn.in_proj_weight : stacked
    self_attn.out_proj -> self_attn.out_proj
    cross_attention.in_proj_weight -> encoder_attn.in_proj_weight : stacked
    cross_attention.out_proj -> encoder_attn.out_proj
    linear1 -> fc1
    linear2 -> fc2
    norm1 -> self_attn_layer_norm
    norm_cross -> encoder_attn_layer_norm
    norm2 -> final_layer_norm
"""

MUSICGEN = (
    *inside("transformer.layers.#.", "decoder.model.decoder.layers.#.", _MUSICGEN_LAYER),
    ("emb.#", "decoder.model.decoder.embed_tokens.#", ""),
    ("linears.#", "decoder.lm_heads.#", ""),
    ("out_norm", "decoder.model.decoder.layer_norm", ""),
    ("condition_provider.conditioners.description.output_proj", "enc_to_dec_proj", ""),
)

BLIP_2 = (
    *inside("visual_encoder.blocks.#.", "vision_model.encoder.layers.#.", """
        norm1 -> layer_norm1
        norm2 -> layer_norm2
        attn.qkv -> self_attn.qkv
        attn.q_bias -> self_attn.q_proj.bias
        attn.v_bias -> self_attn.v_proj.bias
        attn.proj -> self_attn.projection
    """),
    *inside("", "", """
        visual_encoder.cls_token -> vision_model.embeddings.class_embedding
        visual_encoder.pos_embed -> vision_model.embeddings.position_embedding
        visual_encoder.patch_embed.proj -> vision_model.embeddings.patch_embedding
        ln_vision -> vision_model.post_layernorm
        Qformer.bert.encoder.layer.#.attention.self.query -> qformer.encoder.layer.#.attention.attention.query
        Qformer.bert.encoder.layer.#.attention.self.key -> qformer.encoder.layer.#.attention.attention.key
        Qformer.bert.encoder.layer.#.attention.self.value -> qformer.encoder.layer.#.attention.attention.value
        Qformer.bert.embeddings.LayerNorm -> qformer.layernorm
        opt_proj -> language_projection
        t5_proj -> language_projection
        llm_proj -> language_projection
    """),
)  # fmt: skip

_CONVNEXT_BLOCK = """
    block.0 -> dwconv
    block.2 -> layernorm
    block.3 -> pwconv1
    block.5 -> pwconv2
    layer_scale -> layer_scale_parameter : flat
"""
_CONVNEXT_SHRINKS = """
    0 -> downsampling_layer.0
    1 -> downsampling_layer.1
"""
CONVNEXT_OF_TORCHVISION = (
    *inside("features.0.", "convnext.embeddings.", """
        0 -> patch_embeddings
        1 -> layernorm
    """),
    *inside("features.1.#.", "convnext.encoder.stages.0.layers.#.", _CONVNEXT_BLOCK),
    *inside("features.2.", "convnext.encoder.stages.1.", _CONVNEXT_SHRINKS),
    *inside("features.3.#.", "convnext.encoder.stages.1.layers.#.", _CONVNEXT_BLOCK),
    *inside("features.4.", "convnext.encoder.stages.2.", _CONVNEXT_SHRINKS),
    *inside("features.5.#.", "convnext.encoder.stages.2.layers.#.", _CONVNEXT_BLOCK),
    *inside("features.6.", "convnext.encoder.stages.3.", _CONVNEXT_SHRINKS),
    *inside("features.7.#.", "convnext.encoder.stages.3.layers.#.", _CONVNEXT_BLOCK),
    ("classifier.0", "convnext.layernorm", ""),
    ("classifier.2", "classifier", ""),
)  # fmt: skip

CONVNET_OF_TORCHVISION = inside("features.#.", "features.#.", """
    #.block.#.# -> #.conv.#.#
    #.block.#.fc1 -> #.conv.#.conv_reduce
    #.block.#.fc2 -> #.conv.#.conv_expand
    block.#.# -> conv.#.#
    block.#.fc1 -> conv.#.conv_reduce
    block.#.fc2 -> conv.#.conv_expand
""")  # fmt: skip
"""Modules in a row, which number no layers of a transformer, and what squeezes their channels, which is no FFN."""

_SWIN_FFN = """
    mlp.0 -> mlp.fc1
    mlp.3 -> mlp.fc2
"""
_SWIN_SHRINKS = """
    reduction -> downsample.reduction
    norm -> downsample.norm
"""
SWIN_OF_TORCHVISION = (
    *inside("features.0.", "patch_embed.", """
        0 -> proj
        2 -> norm
    """),
    *inside("features.1.#.", "layers.0.blocks.#.", _SWIN_FFN),
    *inside("features.2.", "layers.0.", _SWIN_SHRINKS),
    *inside("features.3.#.", "layers.1.blocks.#.", _SWIN_FFN),
    *inside("features.4.", "layers.1.", _SWIN_SHRINKS),
    *inside("features.5.#.", "layers.2.blocks.#.", _SWIN_FFN),
    *inside("features.6.", "layers.2.", _SWIN_SHRINKS),
    *inside("features.7.#.", "layers.3.blocks.#.", _SWIN_FFN),
)  # fmt: skip
"""To the names of its makers, which are read as they are."""

VIT_OF_TORCHVISION = (
    *inside("encoder.layers.#.", "blocks.#.", """
        self_attention.in_proj_weight -> attn.qkv.weight
        self_attention.in_proj_bias -> attn.qkv.bias
        self_attention.out_proj -> attn.proj
        ln_1 -> norm1
        ln_2 -> norm2
        mlp.0 -> mlp.fc1
        mlp.3 -> mlp.fc2
        mlp.linear_1 -> mlp.fc1
        mlp.linear_2 -> mlp.fc2
    """),
    *inside("", "", """
        conv_proj -> patch_embed.proj
        class_token -> cls_token
        encoder.pos_embedding -> pos_embed
        encoder.ln -> norm
        heads.head -> head
    """),
)  # fmt: skip
"""To timm's names, which are read as they are; so are those of the next."""

VIT_OF_MMPRETRAIN = (
    *inside("layers.#.", "blocks.#.", """
        ln1 -> norm1
        ln2 -> norm2
        ffn.layers.0.0 -> mlp.fc1
        ffn.layers.1 -> mlp.fc2
    """),
    *inside("", "", """
        patch_embed.projection -> patch_embed.proj
        ln1 -> norm
        head.layers.head -> head
    """),
)  # fmt: skip

GROUPVIT = (
    *inside("text_encoder.transformer.resblocks.#.", "text_model.encoder.layers.#.", _CLIP_LAYER),
    *inside("img_encoder.layers.#.blocks.#.", "vision_model.encoder.stages.#.layers.#.", """
        attn.qkv -> self_attn.?_proj : thirds
        attn.proj -> self_attn.out_proj
        norm1 -> layer_norm1
        norm2 -> layer_norm2
        mlp.fc1 -> mlp.fc1
        mlp.fc2 -> mlp.fc2
    """),
    *inside("", "", """
        img_encoder.layers.#.group_token -> vision_model.encoder.stages.#.group_token
        img_encoder.layers.#.downsample.norm_tokens -> vision_model.encoder.stages.#.downsample.norm_tokens
        img_encoder.pos_embed -> vision_model.embeddings.position_embeddings
        img_encoder.patch_embed.proj -> vision_model.embeddings.patch_embeddings.projection
        img_encoder.patch_embed.norm -> vision_model.embeddings.layernorm
        img_encoder.norm -> vision_model.layernorm
        text_encoder.positional_embedding -> text_model.embeddings.position_embedding.weight
        text_encoder.token_embedding -> text_model.embeddings.token_embedding
        text_encoder.ln_final -> text_model.final_layer_norm
        img_projector.linear_hidden -> visual_projection.0
        img_projector.linear_out -> visual_projection.3
        text_projector.linear_hidden -> text_projection.0
        text_projector.linear_out -> text_projection.3
    """),
)  # fmt: skip

TROCR = (
    *inside("encoder.deit.blocks.#.", "encoder.encoder.layer.#.", """
        attn.qkv -> attention.attention.?? : thirds
        attn.proj -> attention.output.dense
        norm1 -> layernorm_before
        norm2 -> layernorm_after
        mlp.fc1 -> intermediate.dense
        mlp.fc2 -> output.dense
    """),
    *inside("", "", """
        encoder.deit.cls_token -> encoder.embeddings.cls_token
        encoder.deit.dist_token -> encoder.embeddings.distillation_token
        encoder.deit.pos_embed -> encoder.embeddings.position_embeddings
        encoder.deit.patch_embed.proj -> encoder.embeddings.patch_embeddings.projection
        encoder.deit.norm -> encoder.layernorm
        decoder.layers.#.self_attn.q_proj -> decoder.model.decoder.layers.#.self_attn.q_proj
        decoder.embed_tokens -> decoder.model.decoder.embed_tokens
        decoder.embed_positions -> decoder.model.decoder.embed_positions
        decoder.layernorm_embedding -> decoder.model.decoder.layernorm_embedding
    """),
)  # fmt: skip
"""Of fairseq; what its layers hold beside this is read as it is."""
