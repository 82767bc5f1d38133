"""Frameworks whose files name tensors, or order their rows, otherwise than Hugging Face does: one table each.

A new one is a table in one of the files here, and a line in FRAMEWORKS. How a table is written says `line`.
"""

from __future__ import annotations

from .decoders import CSM, DBRX, DIA, JANUS, LLAMA_4, MOSHI, MOSHI_OF_TRANSFORMERS, PHI, PHI_4_MULTIMODAL, PHI_FIRST
from .dense_vision import DPT, GOT_OCR, SAM_2, SEGFORMER, VIDEOMAE, VITPOSE
from .detection import DEFORMABLE_DETR, DETR, GROUNDING_DINO, RT_DETR, YOLOS
from .diffusion import (
    AURAFLOW,
    COSMOS_2,
    FLUX,
    FLUX_2,
    HUNYUAN_VIDEO,
    LTX,
    LUMINA_2,
    PIXART,
    SANA,
    WAN,
    WAN_VAE,
    WAN_VAE_2,
    Z_IMAGE,
)
from .diffusion_motion import ANIMATEDIFF, SVD
from .diffusion_transformers import COGVIDEOX, DIT, HUNYUAN_DIT, MOCHI, OMNIGEN, SD_3, STABLE_AUDIO
from .flax import SIGLIP_OF_BIG_VISION, VIT_OF_BIG_VISION, VIT_OF_GOOGLE
from .line import Framework
from .llama_like import (
    DEEPSEEK,
    GPT_FAST,
    GPT_OSS,
    LITGPT,
    META,
    NANOCHAT,
    OLMO_CORE,
    OLMO_CORE_2,
    RECURRENT_GEMMA,
    TENSORRT,
    TENSORRT_EXPERTS,
    TENSORRT_GATED,
    TORCHTUNE,
    TORCHTUNE_QWEN,
)
from .megatron import MEGATRON_CORE, MEGATRON_LM, TRANSFORMER_ENGINE
from .perception import (
    BLIP_2,
    CLIP,
    CONVNET_OF_TORCHVISION,
    CONVNEXT_2,
    CONVNEXT_2_OF_FACEBOOK,
    CONVNEXT_2_OF_TIMM,
    CONVNEXT_OF_FACEBOOK,
    CONVNEXT_OF_TIMM,
    CONVNEXT_OF_TORCHVISION,
    DEPTH_ANYTHING,
    GROUPVIT,
    MUSICGEN,
    RESNET,
    SAM,
    SIGLIP,
    SWIN_OF_TORCHVISION,
    TROCR,
    VIT_OF_MMPRETRAIN,
    VIT_OF_TORCHVISION,
    WHISPER,
)
from .rwkv import RWKV, RWKV_7
from .segmentation import MASK_2_FORMER, SWIN_OF_MMDETECTION
from .speech import CLAP, MIMI, NEMO_CONFORMER, SEAMLESS, SPEECHT5, VITS, WAV2VEC2

__all__ = ["FRAMEWORKS", "WAN", "Framework"]

_TEXT = ("embed_tokens",)
"""What a model of images alone has none of: its `norm` and `head` are not those of the text model beside it."""

FRAMEWORKS: tuple[Framework, ...] = (
    Framework(
        "Meta and Mistral",
        ("layers.#.attention.wq", "layers.#.attention.wk"),
        META,
        unless=("layers.#.attention.q_norm",),  # Qwen3 of torchtitan, which has halves
    ),
    Framework(
        "Llama 4 of Meta",
        (
            "layers.#.attention.wqkv",
            ("layers.#.attention.wqkv.layer_norm_weight", "layers.#.feed_forward.experts.moe_w_in_eD_F"),
        ),
        LLAMA_4,
    ),
    Framework("DBRX", ("blocks.#.ffn.experts.mlp.w1", "blocks.#.ffn.router.layer"), DBRX),
    Framework("CSM", ("backbone.layers.#.attn.output_proj", "decoder.layers.#.sa_norm.scale", "codebook0_head"), CSM),
    Framework("Janus", ("vision_model.vision_tower.blocks.#.attn.qkv", "gen_aligner.layers.#", "gen_embed"), JANUS),
    Framework("Phi", ("transformer.h.#.mixer.Wqkv", "transformer.h.#.ln", "transformer.embd.wte"), PHI),
    Framework(
        "Phi-4-multimodal",
        ("audio_embed.encoder.encoders.#.feed_forward_in.net.#.linear", "audio_embed.audio_projection.speech.#"),
        PHI_4_MULTIMODAL,
    ),
    Framework("Phi 1.5 as it came out", ("layers.#.mixer.Wqkv", "layers.#.ln", "layers.#.wte"), PHI_FIRST),
    Framework("LitGPT", (("transformer.h.#.attn.qkv", "transformer.h.#.attn.attn"), "transformer.h.#.norm_1"), LITGPT),
    Framework(
        "Megatron Core",
        ("decoder.layers.#.self_attention.linear_proj", ("embedding.word_embeddings", "decoder.final_layernorm")),
        MEGATRON_CORE,
        unless=("decoder.layers.#.cross_attention.linear_q",),
    ),
    Framework(
        "Megatron-LM",
        (
            (
                "language_model.encoder.layers.#.self_attention.query_key_value",
                "language_model.encoder.layers.#.layernorm_mlp.fc1_weight",
                "language_model.transformer.layers.#.attention.query_key_value",
            ),
        ),
        MEGATRON_LM,
    ),
    Framework(
        "Transformer Engine",
        (
            ("layers.#.self_attention.layernorm_qkv.layer_norm_weight", "layers.#.self_attention.qkv"),
            "layers.#.layernorm_mlp.fc1_weight",
        ),
        TRANSFORMER_ENGINE,
    ),
    Framework(
        "gpt-fast",
        ("layers.#.attention.wqkv", "layers.#.attention.wo", "tok_embeddings"),
        GPT_FAST,
        unless=("model.layers.#.attention.wqkv",),  # InternLM 2, whose rows are in groups
    ),
    Framework(
        "OLMo-core's OLMo 2",
        ("blocks.#.attention.w_q", "blocks.#.attention.w_out", "blocks.#.attention.q_norm"),
        OLMO_CORE_2,
    ),
    Framework("OLMo-core", ("blocks.#.attention.w_q", "blocks.#.attention.w_out"), OLMO_CORE),
    Framework(
        "RecurrentGemma", ("blocks.#.recurrent_block.rg_lru.a_param", "blocks.#.mlp_block.ffw_up.w"), RECURRENT_GEMMA
    ),
    Framework("Sana", ("blocks.#.cross_attn.kv_linear", "blocks.#.mlp.inverted_conv.conv"), SANA),
    Framework("PixArt", ("blocks.#.cross_attn.kv_linear", "blocks.#.cross_attn.q_linear"), PIXART),
    Framework("OpenAI Whisper", ("encoder.blocks.#.attn.query", "encoder.blocks.#.mlp_ln"), WHISPER),
    Framework(
        "OpenAI CLIP",
        ("visual.transformer.resblocks.#.attn.in_proj_weight", "transformer.resblocks.#.ln_1", "ln_final"),
        CLIP,
    ),
    Framework(
        "the text encoder of OpenAI CLIP",
        ("transformer.resblocks.#.attn.in_proj_weight", "transformer.resblocks.#.ln_1", "ln_final", "token_embedding"),
        CLIP,
        unless=("visual.conv1", "attn_pool.latent", "img_projector.linear_hidden"),
    ),
    Framework("SigLIP of timm", ("attn_pool.latent", "attn_pool.kv", "blocks.#.attn.qkv"), SIGLIP),
    Framework(
        "ConvNeXt 2 of timm", ("stages.#.blocks.#.conv_dw", "stages.#.blocks.#.mlp.grn"), CONVNEXT_2_OF_TIMM, _TEXT
    ),
    Framework("ConvNeXt of timm", ("stages.#.blocks.#.conv_dw", "stages.#.blocks.#.gamma"), CONVNEXT_OF_TIMM, _TEXT),
    Framework("ConvNeXt 2 of transformers", ("encoder.stages.#.layers.#.grn",), CONVNEXT_2),
    Framework("ConvNeXt 2", ("stages.#.#.pwconv1", "stages.#.#.grn.gamma"), CONVNEXT_2_OF_FACEBOOK, _TEXT),
    Framework("ConvNeXt", ("stages.#.#.pwconv1", "stages.#.#.gamma"), CONVNEXT_OF_FACEBOOK, _TEXT),
    Framework("ConvNeXt of torchvision", ("features.#.#.block.#", "features.#.#.layer_scale"), CONVNEXT_OF_TORCHVISION),
    Framework(
        "Swin of torchvision",
        (("features.#.#.attn.relative_position_bias_table", "features.#.#.attn.cpb_mlp.#"), "features.#.reduction"),
        SWIN_OF_TORCHVISION,
    ),
    Framework(
        "ViT of torchvision",
        ("encoder.layers.#.self_attention.in_proj_weight", "conv_proj", "class_token"),
        VIT_OF_TORCHVISION,
    ),
    Framework(
        "ViT of mmpretrain",
        ("layers.#.ffn.layers.#.#", "layers.#.attn.qkv", "patch_embed.projection"),
        VIT_OF_MMPRETRAIN,
    ),
    Framework("Depth Anything", ("depth_head.projects.#", "depth_head.scratch.output_conv1"), DEPTH_ANYTHING),
    Framework(
        "BLIP-2 of LAVIS",
        ("visual_encoder.blocks.#.attn.qkv", "Qformer.bert.encoder.layer.#.attention.self.query"),
        BLIP_2,
    ),
    Framework(
        "Moshi",
        ("transformer.layers.#.self_attn.in_proj_weight", "depformer.layers.#.gating.#.linear_in"),
        MOSHI,
        head=128,
    ),
    Framework(
        "Moshi of transformers",
        ("depth_decoder.layers.#.self_attn.q_proj.linear", "depth_decoder.input_projections"),
        MOSHI_OF_TRANSFORMERS,
    ),
    Framework("Dia", ("decoder.layers.#.mlp.wi_fused", "decoder.logits_dense"), DIA),
    Framework("MusicGen", ("transformer.layers.#.self_attn.in_proj_weight", "linears.#", "emb.#"), MUSICGEN),
    Framework(
        "ResNet of torchvision and timm",
        ("layer1.#.bn1", "layer4.#.bn2", "fc"),
        RESNET,
        # a deeper stem or squeezed channels, which transformers has not; a backbone beside a text model
        unless=("conv1.#", "layer1.#.se.fc1", *_TEXT),
    ),
    Framework("RWKV-7", ("blocks.#.att.receptance", "blocks.#.att.r_k", "blocks.#.ffn.key"), RWKV_7),
    Framework("RWKV", ("blocks.#.att.receptance", "blocks.#.ffn.receptance"), RWKV),
    Framework(
        "Flux and Chroma",
        (
            "double_blocks.#.img_attn.qkv",
            "single_blocks.#.linear1",
            ("vector_in.in_layer", "distilled_guidance_layer.layers.#.in_layer"),
        ),
        FLUX,
    ),
    Framework("a ControlNet of Flux", ("double_blocks.#.img_attn.qkv", "controlnet_blocks.#", "pos_embed_input"), FLUX),
    Framework("Flux 2", ("double_blocks.#.img_attn.qkv", "double_stream_modulation_img.lin"), FLUX_2),
    Framework(
        "Cosmos-Predict2", ("blocks.#.adaln_modulation_self_attn.#", "blocks.#.cross_attn.output_proj"), COSMOS_2
    ),
    Framework("AuraFlow", ("double_layers.#.attn.w1q", "single_layers.#.attn.w1q", "init_x_linear"), AURAFLOW),
    Framework("LTX-Video", ("patchify_proj", "adaln_single.linear", "transformer_blocks.#.attn1.q_norm"), LTX),
    Framework("Z-Image", ("noise_refiner.#.attention.qkv", "cap_pad_token"), Z_IMAGE),
    Framework("Lumina 2", ("noise_refiner.#.attention.qkv", "final_layer.linear"), LUMINA_2),
    Framework("HunyuanVideo", ("double_blocks.#.img_attn_qkv", "single_blocks.#.linear1"), HUNYUAN_VIDEO),
    Framework(
        "Segment Anything",
        ("image_encoder.blocks.#.attn.qkv", "mask_decoder.output_hypernetworks_mlps.#.layers.#"),
        SAM,
    ),
    Framework(
        "Wan", (("time_projection.1", "time_projection.#"), "blocks.#.self_attn.q", "blocks.#.cross_attn.q"), WAN
    ),
    Framework(
        "the autoencoder of Wan 2.2",
        ("encoder.downsamples.#.downsamples.#.residual.#", "decoder.middle.#.to_qkv"),
        WAN_VAE_2,
    ),
    Framework(
        "the autoencoder of Wan and Qwen-Image",
        ("encoder.downsamples.#.residual.#", "decoder.middle.#.to_qkv"),
        WAN_VAE,
    ),
    Framework(
        "torchtune's Qwen 3",
        (
            "layers.#.attn.output_proj",
            "layers.#.sa_norm.scale",
            ("layers.#.attn.q_proj.bias", "layers.#.attn.q_norm.scale"),
        ),
        TORCHTUNE_QWEN,
    ),
    Framework("torchtune", ("layers.#.attn.output_proj", "layers.#.sa_norm.scale"), TORCHTUNE),
    Framework(
        "gpt-oss", ("block.#.attn.qkv", "block.#.attn.sinks", ("block.#.mlp.mlp1_weight", "unembedding")), GPT_OSS
    ),
    Framework(
        "DeepSeek",
        (("layers.#.attn.wq_b", "layers.#.attn.wq"), "layers.#.attn.wkv_a", "layers.#.attn.wkv_b"),
        DEEPSEEK,
    ),
    Framework("DiT", ("blocks.#.attn.qkv", "y_embedder.embedding_table", "final_layer.adaLN_modulation.#"), DIT),
    Framework("OmniGen", ("llm.layers.#.self_attn.qkv_proj", "input_x_embedder.proj"), OMNIGEN),
    Framework("SD 3", ("joint_blocks.#.x_block.attn.qkv", "joint_blocks.#.context_block.attn.qkv"), SD_3),
    Framework("HunyuanDiT", ("blocks.#.attn1.Wqkv", "blocks.#.attn2.kv_proj"), HUNYUAN_DIT),
    Framework("Mochi", ("blocks.#.attn.qkv_x", "blocks.#.attn.qkv_y"), MOCHI),
    Framework(
        "CogVideoX",
        ("transformer.layers.#.attention.query_key_value", "mixins.adaln_layer.adaLN_modulations.#.#"),
        COGVIDEOX,
    ),
    Framework(
        "Stable Audio",
        ("transformer.layers.#.self_attn.to_qkv", "transformer.layers.#.cross_attend_norm.gamma"),
        STABLE_AUDIO,
    ),
    Framework(
        "Segment Anything 2",
        ("image_encoder.trunk.blocks.#.attn.qkv", "sam_mask_decoder.output_hypernetworks_mlps.#.layers.#"),
        SAM_2,
    ),
    Framework("SegFormer", ("block1.#.attn.kv", "block4.#.attn.kv", "patch_embed1.proj"), SEGFORMER),
    Framework("DPT of MiDaS", ("pretrained.act_postprocess1.#", "scratch.refinenet4.out_conv"), DPT),
    Framework(
        "VideoMAE", ("encoder.blocks.#.attn.q_bias", "decoder.blocks.#.attn.q_bias", "encoder_to_decoder"), VIDEOMAE
    ),
    Framework(
        "wav2vec 2.0 of fairseq",
        ("post_extract_proj", ("encoder.pos_conv.#", "encoder.pos_conv.#.#"), "encoder.layers.#.self_attn.k_proj"),
        WAV2VEC2,
    ),
    Framework(
        "Conformer of NeMo",
        ("encoder.pre_encode.out", "encoder.layers.#.self_attn.linear_pos", "encoder.layers.#.norm_self_att"),
        NEMO_CONFORMER,
    ),
    Framework(
        "AnimateDiff",
        (
            "motion_modules.#.temporal_transformer.transformer_blocks.#.attention_blocks.#.to_q",
            "motion_modules.#.temporal_transformer.proj_in",
        ),
        ANIMATEDIFF,
    ),
    Framework(
        "Stable Video Diffusion",
        ("mid_block.resnets.#.time_stack.in_layers.#", "mid_block.attentions.#.time_stack.#.attn1.to_q"),
        SVD,
    ),
    Framework(
        "EfficientNet and MobileNet 3 of torchvision",
        (("features.#.#.block.#.fc1", "features.#.block.#.fc1"), "features.#.#"),
        CONVNET_OF_TORCHVISION,
        unless=("features.#.#.layer_scale", "features.#.#.attn.qkv"),
    ),
    Framework(
        "Grounding DINO",
        (
            "transformer.encoder.fusion_layers.#.attn.values_v_proj",
            "transformer.decoder.layers.#.ca_text.in_proj_weight",
        ),
        GROUNDING_DINO,
    ),
    Framework(
        "Deformable DETR",
        (
            "transformer.encoder.layers.#.self_attn.sampling_offsets",
            "transformer.decoder.layers.#.self_attn.in_proj_weight",
        ),
        DEFORMABLE_DETR,
    ),
    Framework(
        "DETR and Conditional DETR",
        (
            (
                "transformer.decoder.layers.#.multihead_attn.in_proj_weight",
                "transformer.decoder.layers.#.sa_qcontent_proj",
            ),
            "transformer.encoder.layers.#.self_attn.in_proj_weight",
            "backbone.#.body.conv1",
        ),
        DETR,
    ),
    Framework("GOT-OCR 2", ("vision_tower_high.blocks.#.attn.qkv", "mm_projector_vary"), GOT_OCR),
    Framework("Mask2Former", ("sem_seg_head.predictor.transformer_cross_attention_layers.#.norm",), MASK_2_FORMER),
    Framework(
        "Swin of mmdetection",
        ("stages.#.blocks.#.attn.w_msa.qkv", "stages.#.blocks.#.ffn.layers.#.#"),
        SWIN_OF_MMDETECTION,
    ),
    Framework(
        "SpeechT5",
        ("encoder.pos_emb.pe_k", ("speech_encoder_prenet.post_extract_proj", "speech_decoder_prenet.spkembs_layer.#")),
        SPEECHT5,
    ),
    Framework("RT-DETR", ("encoder.encoder.#.layers.#.self_attn.in_proj_weight", "decoder.dec_score_head.#"), RT_DETR),
    Framework("YOLOS", ("backbone.blocks.#.attn.qkv", "backbone.det_token"), YOLOS),
    Framework("ViTPose", ("backbone.blocks.#.attn.qkv", "keypoint_head.final_layer"), VITPOSE),
    Framework(
        "TensorRT-LLM, gated",
        ("transformer.layers.#.attention.qkv", "transformer.vocab_embedding", "transformer.layers.#.mlp.gate"),
        TENSORRT_GATED,
        unless=("transformer.layers.#.mlp.router",),
    ),
    Framework(
        "TensorRT-LLM, experts",
        ("transformer.layers.#.attention.qkv", "transformer.vocab_embedding", "transformer.layers.#.mlp.router"),
        TENSORRT_EXPERTS,
    ),
    Framework("TensorRT-LLM", ("transformer.layers.#.attention.qkv", "transformer.vocab_embedding"), TENSORRT),
    Framework(
        "Mimi",
        ("encoder_transformer.transformer.layers.#.self_attn.in_proj_weight", "quantizer.rvq_first.input_proj"),
        MIMI,
        head=64,
    ),
    Framework(
        "SeamlessM4T and wav2vec 2.0 BERT of fairseq2",
        (
            ("speech_encoder.inner.layers.#.self_attn.output_proj", "encoder.inner.layers.#.self_attn.output_proj"),
            ("speech_encoder_frontend.model_dim_proj", "encoder_frontend.model_dim_proj"),
        ),
        SEAMLESS,
    ),
    Framework("GroupViT", ("img_encoder.layers.#.blocks.#.attn.qkv", "img_projector.linear_hidden"), GROUPVIT),
    Framework("TrOCR", ("encoder.deit.blocks.#.attn.qkv", "decoder.layers.#.encoder_attn.q_proj"), TROCR),
    Framework("CLAP", ("audio_branch.layers.#.blocks.#.attn.qkv", "audio_branch.patch_embed.proj"), CLAP),
    Framework("VITS", ("enc_p.encoder.attn_layers.#.conv_q", "enc_p.emb"), VITS),
    Framework(
        "SigLIP of big_vision",
        ("img.Transformer.layers.#.MlpBlock_0.Dense_0", "txt.Encoder_0.layers.#.MlpBlock_0.Dense_0"),
        SIGLIP_OF_BIG_VISION,
    ),
    Framework(
        "ViT of big_vision",
        ("Transformer.layers.#.MlpBlock_0.Dense_0", "Transformer.encoder_norm.scale"),
        VIT_OF_BIG_VISION,
    ),
    Framework(
        "ViT of Google", ("Transformer.layers.#.MlpBlock_3.Dense_0", "Transformer.encoder_norm.scale"), VIT_OF_GOOGLE
    ),
    Framework("nanochat", ("transformer.h.#.attn.c_q", "transformer.h.#.attn.c_k"), NANOCHAT),
)
"""The first whose marks are there is that of a checkpoint."""
