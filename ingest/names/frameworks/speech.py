"""Tables of models of speech and of sound.

Sources: transformers `convert_wav2vec2_original_pytorch_checkpoint_to_pytorch.py`,
`vits/convert_original_checkpoint.py`, `parakeet/convert_nemo_to_hf.py`, `convert_clap_original_pytorch_to_hf.py`,
`convert_mimi_checkpoint_to_pytorch.py`, `seamless_m4t/convert_fairseq2_to_hf.py` and
`convert_wav2vec2_seamless_checkpoint.py`.
"""

from __future__ import annotations

from .line import inside

WAV2VEC2 = (
    *inside("encoder.layers.#.", "wav2vec2.encoder.layers.#.", """
        self_attn.q_proj -> attention.q_proj
        self_attn.k_proj -> attention.k_proj
        self_attn.v_proj -> attention.v_proj
        self_attn.out_proj -> attention.out_proj
        self_attn.grep_linear -> attention.gru_rel_pos_linear
        self_attn.grep_a -> attention.gru_rel_pos_const
        self_attn.relative_attention_bias -> attention.rel_attn_embed
        self_attn_layer_norm -> layer_norm
        fc1 -> feed_forward.intermediate_dense
        fc2 -> feed_forward.output_dense
        final_layer_norm -> final_layer_norm
    """),
    *inside("", "wav2vec2.", """
        feature_extractor.conv_layers.#.0 -> feature_extractor.conv_layers.#.conv
        feature_extractor.conv_layers.#.2 -> feature_extractor.conv_layers.#.layer_norm
        feature_extractor.conv_layers.#.2.1 -> feature_extractor.conv_layers.#.layer_norm
        post_extract_proj -> feature_projection.projection
        layer_norm -> feature_projection.layer_norm
        encoder.pos_conv.#.0 -> encoder.pos_conv_embed.layers.#.conv
        encoder.pos_conv.0 -> encoder.pos_conv_embed.conv
        encoder.pos_conv.0.weight_g -> encoder.pos_conv_embed.conv.weight_g
        encoder.pos_conv.0.weight_v -> encoder.pos_conv_embed.conv.weight_v
        encoder.layer_norm -> encoder.layer_norm
        mask_emb -> masked_spec_embed
    """),
    ("quantizer.vars", "quantizer.codevectors", ""),
    ("final_proj", "project_hid", ""),
)  # fmt: skip
"""Of fairseq: wav2vec 2.0, HuBERT, WavLM and data2vec."""

NEMO_CONFORMER = (
    *inside("encoder.layers.#.", "encoder.layers.#.", """
        self_attn.linear_q -> self_attn.q_proj
        self_attn.linear_k -> self_attn.k_proj
        self_attn.linear_v -> self_attn.v_proj
        self_attn.linear_out -> self_attn.o_proj
        self_attn.linear_pos -> self_attn.relative_k_proj
        self_attn.pos_bias_u -> self_attn.bias_u
        self_attn.pos_bias_v -> self_attn.bias_v
        conv.batch_norm -> conv.norm
    """),
    *inside("", "", """
        encoder.pre_encode.conv.# -> encoder.subsampling.layers.#
        encoder.pre_encode.out -> encoder.subsampling.linear
        decoder.decoder_layers.0 -> ctc_head
        decoder.prediction.embed -> decoder.embedding
        decoder.prediction.dec_rnn.lstm.weight_ih_l0 -> decoder.lstm.weight_ih_l0
        decoder.prediction.dec_rnn.lstm.weight_hh_l0 -> decoder.lstm.weight_hh_l0
        decoder.prediction.dec_rnn.lstm.bias_ih_l0 -> decoder.lstm.bias_ih_l0
        decoder.prediction.dec_rnn.lstm.bias_hh_l0 -> decoder.lstm.bias_hh_l0
        decoder.prediction.dec_rnn.lstm.weight_ih_l1 -> decoder.lstm.weight_ih_l1
        decoder.prediction.dec_rnn.lstm.weight_hh_l1 -> decoder.lstm.weight_hh_l1
        decoder.prediction.dec_rnn.lstm.bias_ih_l1 -> decoder.lstm.bias_ih_l1
        decoder.prediction.dec_rnn.lstm.bias_hh_l1 -> decoder.lstm.bias_hh_l1
        joint.enc -> encoder_projector
        joint.pred -> decoder.decoder_projector
        joint.joint_net.2 -> joint.head
    """),
)  # fmt: skip
"""FastConformer and Conformer of NeMo (Parakeet, the encoder of Canary)."""

CLAP = inside("", "", """
    audio_branch.bn0 -> audio_model.audio_encoder.batch_norm
    audio_branch.layers.#.blocks.#.norm1 -> audio_model.audio_encoder.layers.#.blocks.#.layernorm_before
    audio_branch.patch_embed.proj -> audio_model.audio_encoder.patch_embed.proj
    audio_branch.patch_embed.norm -> audio_model.audio_encoder.patch_embed.norm
    audio_branch.norm -> audio_model.audio_encoder.norm
    text_branch.encoder.layer.#.attention.self.query -> text_model.encoder.layer.#.attention.self.query
    text_branch.embeddings.word_embeddings -> text_model.embeddings.word_embeddings
    text_branch.embeddings.position_embeddings -> text_model.embeddings.position_embeddings
    text_branch.embeddings.token_type_embeddings -> text_model.embeddings.token_type_embeddings
    text_branch.embeddings.LayerNorm -> text_model.embeddings.LayerNorm
    text_branch.pooler.dense -> text_model.pooler.dense
    audio_projection.0 -> audio_projection.linear1
    audio_projection.2 -> audio_projection.linear2
    text_projection.0 -> text_projection.linear1
    text_projection.2 -> text_projection.linear2
""")  # fmt: skip
"""What its layers hold beside this is read as it is."""

_WAVENET = """
    pre -> conv_pre
    post -> conv_post
    proj -> conv_proj
    enc.in_layers.# -> wavenet.in_layers.#
    enc.res_skip_layers.# -> wavenet.res_skip_layers.#
    enc.cond_layer -> wavenet.cond_layer
"""

VITS = (
    *inside("enc_p.encoder.", "text_encoder.encoder.layers.#.", """
        attn_layers.#.conv_q -> attention.q_proj : pointwise
        attn_layers.#.conv_k -> attention.k_proj : pointwise
        attn_layers.#.conv_v -> attention.v_proj : pointwise
        attn_layers.#.conv_o -> attention.out_proj : pointwise
        attn_layers.#.emb_rel_k -> attention.emb_rel_k
        attn_layers.#.emb_rel_v -> attention.emb_rel_v
        norm_layers_1.#.gamma -> layer_norm.weight
        norm_layers_1.#.beta -> layer_norm.bias
        norm_layers_2.#.gamma -> final_layer_norm.weight
        norm_layers_2.#.beta -> final_layer_norm.bias
        ffn_layers.#.conv_1 -> feed_forward.conv_1
        ffn_layers.#.conv_2 -> feed_forward.conv_2
    """),
    *inside("flow.flows.0.", "flow.flows.0.", _WAVENET),
    *inside("flow.flows.2.", "flow.flows.1.", _WAVENET),
    *inside("flow.flows.4.", "flow.flows.2.", _WAVENET),
    *inside("flow.flows.6.", "flow.flows.3.", _WAVENET),
    *inside("enc_q.", "posterior_encoder.", _WAVENET),
    *inside("", "", """
        enc_p.emb -> text_encoder.embed_tokens
        enc_p.proj -> text_encoder.project
        emb_g -> embed_speaker
        dec.conv_pre -> decoder.conv_pre
        dec.conv_post -> decoder.conv_post
        dec.cond -> decoder.cond
        dec.ups.# -> decoder.upsampler.#
        dec.resblocks.#.convs1.# -> decoder.resblocks.#.convs1.#
        dec.resblocks.#.convs2.# -> decoder.resblocks.#.convs2.#
    """),
)  # fmt: skip
"""Without the predictor of durations, a hundredth of the model."""

_MIMI_LAYER = """
    self_attn.in_proj_weight -> self_attn.qkv_proj.weight : stacked.pairs
    self_attn.out_proj -> self_attn.o_proj
    norm1 -> input_layernorm
    norm2 -> post_attention_layernorm
    linear1 -> mlp.fc1
    linear2 -> mlp.fc2
    layer_scale_1.scale -> self_attn_layer_scale.scale
    layer_scale_2.scale -> mlp_layer_scale.scale
"""
_MIMI_CONVOLUTIONS = """
    model.#.conv.conv.conv -> layers.#.conv
    model.#.conv.conv -> layers.#.conv
    model.#.convtr.convtr.convtr -> layers.#.conv
    model.#.convtr.convtr -> layers.#.conv
    model.#.block.#.conv.conv.conv -> layers.#.block.#.conv
    model.#.block.#.conv.conv -> layers.#.block.#.conv
"""
_MIMI_CODES = """
    input_proj -> input_proj
    output_proj -> output_proj
    vq.layers.#._codebook.embedding_sum -> layers.#.codebook.embed_sum
    vq.layers.#._codebook.cluster_usage -> layers.#.codebook.cluster_usage
    vq.layers.#._codebook._initialized -> layers.#.codebook.initialized
"""

MIMI = (
    *inside("encoder_transformer.transformer.layers.#.", "encoder_transformer.layers.#.", _MIMI_LAYER),
    *inside("decoder_transformer.transformer.layers.#.", "decoder_transformer.layers.#.", _MIMI_LAYER),
    *inside("encoder.", "encoder.", _MIMI_CONVOLUTIONS),
    *inside("decoder.", "decoder.", _MIMI_CONVOLUTIONS),
    *inside("quantizer.rvq_first.", "quantizer.semantic_residual_vector_quantizer.", _MIMI_CODES),
    *inside("quantizer.rvq_rest.", "quantizer.acoustic_residual_vector_quantizer.", _MIMI_CODES),
    ("downsample.conv.conv.conv", "downsample.conv", ""),
    ("upsample.convtr.convtr.convtr", "upsample.conv", ""),
)
"""The codec of Kyutai's Moshi."""

_CONFORMER_OF_FAIRSEQ_2 = """
    ffn1.inner_proj -> ffn1.intermediate_dense
    ffn1.output_proj -> ffn1.output_dense
    ffn2.inner_proj -> ffn2.intermediate_dense
    ffn2.output_proj -> ffn2.output_dense
    ffn.inner_proj -> ffn.intermediate_dense
    ffn.output_proj -> ffn.output_dense
    self_attn.q_proj -> self_attn.linear_q
    self_attn.k_proj -> self_attn.linear_k
    self_attn.v_proj -> self_attn.linear_v
    self_attn.output_proj -> self_attn.linear_out
    self_attn.sdpa.u_bias -> self_attn.pos_bias_u
    self_attn.sdpa.v_bias -> self_attn.pos_bias_v
    self_attn.sdpa.r_proj -> self_attn.linear_pos
    self_attn.sdpa.rel_k_embed -> self_attn.distance_embedding
    conv.pointwise_conv1 -> conv_module.pointwise_conv1
    conv.pointwise_conv2 -> conv_module.pointwise_conv2
    conv.depthwise_conv -> conv_module.depthwise_conv
    conv.batch_norm -> conv_module.batch_norm
    conv.layer_norm -> conv_module.depthwise_layer_norm
    conv_layer_norm -> conv_module.layer_norm
    layer_norm -> final_layer_norm
"""
_ENDS_OF_FAIRSEQ_2 = """
    model_dim_proj -> feature_projection.projection
    post_extract_layer_norm -> feature_projection.layer_norm
"""
_TEXT_OF_FAIRSEQ_2 = """
    self_attn.output_proj -> self_attn.out_proj
    encoder_decoder_attn.q_proj -> cross_attention.q_proj
    encoder_decoder_attn.k_proj -> cross_attention.k_proj
    encoder_decoder_attn.v_proj -> cross_attention.v_proj
    encoder_decoder_attn.output_proj -> cross_attention.out_proj
    encoder_decoder_attn_layer_norm -> cross_attention_layer_norm
    ffn.inner_proj -> ffn.fc1
    ffn.output_proj -> ffn.fc2
"""

SEAMLESS = (
    *inside("speech_encoder.inner.layers.#.", "speech_encoder.encoder.layers.#.", _CONFORMER_OF_FAIRSEQ_2),
    *inside("speech_encoder.adaptor_layers.#.", "speech_encoder.adapter.layers.#.", _CONFORMER_OF_FAIRSEQ_2),
    *inside("speech_encoder_frontend.", "speech_encoder.", _ENDS_OF_FAIRSEQ_2),
    *inside("speech_encoder.", "speech_encoder.", """
        inner_layer_norm -> encoder.layer_norm
        proj1 -> intermediate_ffn.intermediate_dense
        proj2 -> intermediate_ffn.output_dense
        layer_norm -> inner_layer_norm
    """),
    *inside("encoder.inner.layers.#.", "encoder.layers.#.", _CONFORMER_OF_FAIRSEQ_2),
    *inside("encoder_frontend.", "", _ENDS_OF_FAIRSEQ_2),
    *inside("text_encoder.layers.#.", "text_encoder.layers.#.", _TEXT_OF_FAIRSEQ_2),
    *inside("text_decoder.layers.#.", "text_decoder.layers.#.", _TEXT_OF_FAIRSEQ_2),
    *inside("t2u_model.encoder.layers.#.", "t2u_model.model.encoder.layers.#.", _TEXT_OF_FAIRSEQ_2),
    *inside("t2u_model.decoder.layers.#.", "t2u_model.model.decoder.layers.#.", _TEXT_OF_FAIRSEQ_2),
    *inside("", "", """
        text_encoder_frontend.embed -> text_encoder.embed_tokens
        text_decoder_frontend.embed -> text_decoder.embed_tokens
        t2u_model.encoder.layer_norm -> t2u_model.model.encoder.layer_norm
        t2u_model.decoder.layer_norm -> t2u_model.model.decoder.layer_norm
        t2u_model.decoder_frontend.embed -> t2u_model.model.decoder.embed_tokens
        t2u_model.final_proj -> t2u_model.lm_head
        final_proj -> lm_head
    """),
)  # fmt: skip
"""SeamlessM4T and wav2vec 2.0 BERT."""

_SPEECHT5_LAYER = """
    self_attn.k_proj -> {0}.k_proj
    self_attn.v_proj -> {0}.v_proj
    self_attn.q_proj -> {0}.q_proj
    self_attn.out_proj -> {0}.out_proj
    fc1 -> feed_forward.intermediate_dense
    fc2 -> feed_forward.output_dense
    final_layer_norm -> final_layer_norm
"""

SPEECHT5 = (
    *inside(
        "encoder.layers.#.",
        "speecht5.encoder.wrapped_encoder.layers.#.",
        _SPEECHT5_LAYER.format("attention") + "self_attn_layer_norm -> layer_norm",
    ),
    *inside("decoder.layers.#.", "speecht5.decoder.wrapped_decoder.layers.#.", _SPEECHT5_LAYER.format("self_attn") + """
        self_attn_layer_norm -> self_attn_layer_norm
        encoder_attn.k_proj -> encoder_attn.k_proj
        encoder_attn.v_proj -> encoder_attn.v_proj
        encoder_attn.q_proj -> encoder_attn.q_proj
        encoder_attn.out_proj -> encoder_attn.out_proj
        encoder_attn_layer_norm -> encoder_attn_layer_norm
    """),
    *inside("speech_encoder_prenet.", "speecht5.encoder.prenet.", """
        feature_extractor.conv_layers.#.0 -> feature_encoder.conv_layers.#.conv
        feature_extractor.conv_layers.#.2 -> feature_encoder.conv_layers.#.layer_norm
        layer_norm -> feature_projection.layer_norm
        post_extract_proj -> feature_projection.projection
        pos_conv.0 -> pos_conv_embed.conv
        pos_conv.0.weight_g -> pos_conv_embed.conv.weight_g
        pos_conv.0.weight_v -> pos_conv_embed.conv.weight_v
        mask_emb -> masked_spec_embed
    """),
    *inside("", "speecht5.", """
        encoder.layer_norm -> encoder.wrapped_encoder.layer_norm
        encoder.pos_emb.pe_k -> encoder.wrapped_encoder.embed_positions.pe_k
        text_encoder_prenet.encoder_prenet.0 -> encoder.prenet.embed_tokens
        text_decoder_prenet.embed_tokens -> decoder.prenet.embed_tokens
        speech_decoder_prenet.decoder_prenet.0.0.prenet.#.0 -> decoder.prenet.layers.#
        speech_decoder_prenet.decoder_prenet.0.1 -> decoder.prenet.final_layer
        speech_decoder_prenet.spkembs_layer.0 -> decoder.prenet.speaker_embeds_layer
    """),
    ("text_decoder_postnet.output_projection", "text_decoder_postnet.lm_head", ""),
    ("speech_decoder_postnet.postnet.postnet.#.0", "speech_decoder_postnet.layers.#.conv", ""),
    ("speech_decoder_postnet.postnet.postnet.#.1", "speech_decoder_postnet.layers.#.batch_norm", ""),
)  # fmt: skip
