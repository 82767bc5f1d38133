"""The names of tensors in published architectures, as tables. A new architecture is a line or two here.

A name is read as `prefix.stack.LAYER.tail.kind`, for instance `language_model.model` `layers` `7` `self_attn.q_proj`
`weight`; experts add `experts.EXPERT`. COMPONENTS are matched against the whole name, first hit wins; ROLES and NORMS
against the tail, first hit wins. Every pattern stands for whole dotted parts: `c_proj` does not match `abc_proj`.
"""

from __future__ import annotations

COMPONENTS: tuple[tuple[str, str], ...] = (
    (r"first_stage_model|vae|vqvae|movq|vqmodel|encoder\.(down_blocks|mid_block|down|mid|conv_in|conv_out|conv_norm_out|norm_out)", "autoencoder"),
    (r"decoder\.(up_blocks|mid_block|up|mid|conv_in|conv_out|conv_norm_out|norm_out)|quant_conv|post_quant_conv", "autoencoder"),
    (r"text_projection", "projector"),
    (r"cond_stage_model|conditioner", "language"),
    (r"diffusion_model|unet|denoiser|controlnet", "denoiser"),
    (r"down_blocks|up_blocks|mid_block|input_blocks|middle_block|output_blocks|double_blocks|single_blocks|joint_blocks", "denoiser"),
    (r"single_transformer_blocks|joint_transformer_blocks|transformer_blocks|noise_refiner|context_refiner", "denoiser"),
    (r"multi_modal_projector|mm_projector|mm_projector_vary|multimodal_projector|aligner|connector|modality_projection|visual\.merger", "projector"),
    (r"(visual|vision_model|vision_tower)\.(merger_list|deepstack_merger_list|merger)|multi_modality_projector|patch_merger|mlp1", "projector"),
    (r"vision_proj|vision_projection|visual_projection|audio_projection|embed_vision|embed_audio|img_projection|resampler", "projector"),
    (r"mm|model\.connector|img_projection|multi_modal_projector|perceiver_resampler|(q|Q)former|language_projection|(opt|t5|llm)_proj|image_newline|audio_projector|mlp_AR", "projector"),
    (r"vision_tower|vision_tower_high|vision_model|vision_encoder|visual|vit|image_encoder|visual_encoder|vision_embed_tokens|img_processor|vpm|vision_transformer", "vision"),
    (r"deit|dinov2|dinov3|beit|convnext|convnextv2|resnet|swin|swinv2|vit_mae|image_model|image_embed|siglip|vision_backbone", "vision"),
    (r"audio_tower|audio_model|audio_encoder|speech_encoder|audio_embed|wav2vec2|hubert|wavlm|wav2vec2_bert|apm|audio_branch|feature_extractor\.conv_layers", "audio"),
    (r"language_model|text_model|text_encoder|llm|thinker", "language"),
)  # fmt: skip
"""(parts of the name, component). A name without any of them belongs to `language`."""

FOLDERS: tuple[tuple[str, str], ...] = (
    (r"transformer|transformer_2|unet|prior|controlnet|denoiser", "denoiser"),
    (r"vae|vqvae|movq|vae_1_0|vqgan", "autoencoder"),
    (r"text_encoder|text_encoder_2|text_encoder_3|text_encoder_4|language_model", "language"),
    (r"image_encoder|vision_encoder|vision_language_encoder", "vision"),
    (r"audio_encoder|vocoder|speech_encoder", "audio"),
    (r"connectors|projection_model|image_projection|audio_projection", "projector"),
    (r"1_Dense|2_Dense|3_Dense|4_Dense|5_Dense|6_Dense", "projector"),
)
"""(folder of a repository of several networks, component): what stands before the `/` of a name."""

STACKS = (
    r"layers|layer|h|block|blocks|resblocks|decoder_layers|encoder_layers|transformer_blocks|albert_layer_groups"
    r"|blk|encoders|decoders|input_blocks|output_blocks|middle_block|down|up|stages|\w+_blocks|\w+_layers|\w+_refiner|merger_list|resnets"
)
"""The part before the number of a layer."""

INNER_STACKS = (
    r"attentions|resnets|transformer_blocks|temporal_transformer_blocks|blocks|layers|block|attn|albert_layers"
    r"|resblocks|downsamplers|upsamplers|motion_modules|residuals|downsample|upsample"
)
"""What numbers a layer inside a stage, where it follows the number of the stage at once."""

NO_STACKS = (
    r"controlnet_down_blocks|controlnet_cond_embedding|reassemble_stage|fusion_stage|output_hypernetworks_mlps"
    r"|iou_prediction_head|distilled_guidance_layer"
)
"""Parts inside which numbers count no layers: heads, necks and small networks beside the one that is deep."""

MIDDLES = r"mid_block\.(?:attentions|resnets)\.\d+|mid\.(?:block|attn)_\d+"
"""A layer between two stacks."""

EXPERTS = r"experts|local_experts"
"""The part before the number of an expert."""

SHARED_EXPERT = r"share_expert|shared_expert|shared_experts|shared_mlp|dense_mlp"

_CROSS = (
    r"(cross_attn|encoder_attn|crossattention|cross_attention|EncDecAttention|attn2|multihead_attn)"
    r"\.((self|attention)\.)?"
)

ROLES: tuple[tuple[str, str, str], ...] = (
    # not evidence: buffers and what initialisation fixes
    (r"rope\.freqs|rotary_emb.*|rotary_pos_emb.*|inv_freq|freqs_cis|masked_bias|(attn|attention)\.bias|position_ids|tril|triu|(causal|attn|attention|src|tgt)_mask|(attn|self_attn|attention)\.mask|(cos|sin)_cached|freqs_(cos|sin)|relative_position_index|featurizer\.(fb|window)", "other", "buffer"),
    (r"A_log|dt_bias|D|ssm_a|time_decay|time_first|num_batches_tracked|running_mean|running_var|relative_coords_table|y_embedding|slope_rate|query_decay|key_decay|diagonal_decay", "other", "buffer"),
    (r"periods|bias_mask|pixel_(mean|std)|image_(mean|std)|empty_weight|mel_filters|melW|stft\.conv_(real|imag)|n_averaged|_float_tensor|(en|de)coder\.version", "other", "buffer"),
    (r"(sqrt_|log_)?(alphas_cumprod|one_minus_alphas_cumprod)|alphas_cumprod_prev|sqrt_recip(m1)?_alphas_cumprod|betas|sigmas|log_sigmas|lvlb_weights", "other", "buffer"),
    (r"posterior_(variance|log_variance_clipped|mean_coef1|mean_coef2)|model_ema\.(decay|num_updates)|v_pred|ztsnr|global_step|tokens_per_expert", "other", "buffer"),
    (r"(attn|self_attn)\.(rel_pos_indices|attention_bias_idxs|alibi|sliding_mask)|rope\.(cos|sin)|buffer_.*\.(mean|std|min|max)|_codebook\.(cluster_size|inited|initted|embed_avg)", "other", "buffer"),
    (r"pos_embedding\.embedding", "other", "relative"),
    (r"embed_positions|position_embedding(s)?|position_embedding|wpe|pos_embed|pos_embedding|positional_embedding", "other", "position"),
    (r"(pos_encoder|pos_embed)\.pe|position_embeds_layer", "other", "position"),
    (r"pos_embed\.pos_embed|position_embeddings\.(row|column)_embeddings|wpe\.embedding|position_embedding_table|image_pos_embed.*", "other", "position"),
    (r"token_type_embedding(s)?", "other", "token_type"),
    (r"value_embeds\.\d+", "other", "value_embedding"),
    (r"resid_lambdas|x0_lambdas|ve_gate", "other", "token"),
    # named on purpose: matrices that have no role of the field's
    (r"relative_attention_bias|relative_position_bias_table|relative_position_bias|rel_embeddings|distance_embedding|rel_pos.*", "other", "relative"),
    (r"gru_rel_pos_linear|rel_attn_embed|r_r_bias|r_w_bias|r_s_bias|seg_embed|r_kernel|relative_pos_embeddings|rel_attn\.r|relative_k_proj|linear_pos|r_net|pos_proj|pos_key_proj|pos_query_proj|pos_q_proj", "other", "relative"),
    (r"pooler(\.(dense|linear))?|seq_relationship|visual_pooler\.dense", "other", "pooler"),
    (r"lm_head\.dense|predictions\.transform\.dense|vocab_transform|generator_predictions\.dense|predictions\.dense|head\.dense", "other", "head_transform"),
    (r"context_block\.adaLN_modulation\.\d+|norm1_context\.linear|(txt_mod|txt_modulation)\.(lin|linear|\d+)", "other", "modulation.context"),
    (r"(norm|norm1|norm2|norm3|norm1_context|norm_out|norm2_context|norm1_a|norm1_b)\.linear|norm1_context\.linear_1|(norm1|norm2|norm3)\.(linear_1|linear_2)", "other", "modulation"),
    (r"adaLN_modulation\.\d+|adaln_single\.linear|(img_mod|txt_mod)\.(lin|\d+)|(modulation|img_modulation|txt_modulation)\.(lin|linear|1)", "other", "modulation"),
    (r"lstm\.weight_(hh|ih)_l(0|1)", "other", "recurrent"),
    (r"codebook\.(embed|embed_avg|embed_sum)|quantize\.embedding", "other", "codebook"),
    (r"time_emb_proj|emb_layers\.\d+|scale_shift_table|modulation|time_modulation|attn_hc|norm1\.norm1_linear", "other", "modulation"),
    (r"(timestep_embedder|text_embedder|guidance_embedder|time_embedder|time_embedding|add_embedding|time_embed|label_emb|class_embedder).*", "other", "condition"),
    (r"(time_in|vector_in|guidance_in|t_embedder|y_embedder|caption_projection|time_text_embed).*", "other", "condition"),
    (r"(x_embedder|context_embedder|txt_in|img_in|caption_embedder|caption_norm|text_proj|image_proj)(\.proj)?", "other", "condition"),
    (r"cls_token|class_embedding|class_token|mask_token|masked_spec_embed|distillation_token|register_tokens|query_tokens|latents", "other", "token"),
    (r"(ls1|layer_scale1)(\.(gamma|lambda1))?|gamma_1|lambda_1", "other", "scale.attention"),
    (r"(ls2|layer_scale2)(\.(gamma|lambda1))?|gamma_2|lambda_2", "other", "scale.ffn"),
    (r"logit_scale|logit_bias|probe|layer_scalar|lambda1|lambda|layer_scale_parameter|sinks", "other", "token"),
    # routing, before the generic names
    (r"self_attention\.experts\.router\.layer", "router", "attention"),
    (r"router|mlp\.gate|block_sparse_moe\.gate|feed_forward\.router|router\.(layer|classifier|linear)|ffn_gate_inp|moe\.gate|mlp\.router", "router", ""),
    (r"shared_expert_gate", "router", "shared"),
    (r"gate\.wg|mlp\.gate\.wg|ffn\.router\.layer|block_sparse_moe\.router\.layer|moe_block\.gate|feed_forward\.gate|moe\.router|mixer\.gate", "router", ""),
    (r"e_score_correction_bias|gate\.expert_bias|expert_bias", "other", "router_bias"),
    # state-space and recurrent mixers; where a layer has an FFN too, they keep a place of their own
    (r"mixer\.in_proj", "up", ""),
    (r"mixer\.out_proj", "down", ""),
    (r"(mamba|ssm|linear_attn|recurrent_block|temporal_block|conv)\.(in_proj|in_proj_qkvz|linear_x)|ssm_in", "up", "mixer"),
    (r"recurrent_block\.linear_y|temporal_block\.linear_y|(linear_attn|mamba)\.(in_proj_z|z_proj|gate_proj)", "gate", "mixer"),
    (r"(mamba|ssm|recurrent_block|temporal_block|conv)\.(out_proj|linear_out)|ssm_out", "down", "mixer"),
    (r"x_proj|ssm_x", "other", "ssm_x"),
    (r"dt_proj|ssm_dt", "other", "ssm_dt"),
    (r"in_proj_ba|in_proj_b|in_proj_a|ssm_ba|igate_preact|fgate_preact|rg_lru.*|ssm_beta_alpha", "other", "decay"),
    (r"linear_attn\.(qkv_proj|in_proj_qkv)", "q", "qkv"),
    (r"linear_attn\.output_gate|ogate_preact|self_attn\.output_gate|self_attn\.g_proj|attn_gate", "gate", "attention"),
    (r"attention\.receptance", "q", ""),
    (r"attention\.(output|post_proj)", "o", ""),
    (r"(att|attn)\.(receptance|r_proj)", "q", ""),
    (r"att\.output", "o", ""),
    (r"(att|attn)\.gate", "gate", "attention"),
    (r"att\.(w1|w2|a1|a2|g1|g2|v1|v2)|attn\.(w|a|g|v)_lora\.lora\.(0|2)", "other", "low_rank"),
    (r"(att|attn)\.(r_k|k_k|k_a)|(att|attn|ffn)\.x_(r|w|k|v|a|g)", "other", "mixing"),
    (r"(feed_forward|ffn)\.key", "up", ""),
    (r"(feed_forward|ffn)\.receptance", "gate", ""),
    (r"(feed_forward|ffn)\.value", "down", ""),
    (r"transformer\.ff_out", "head", ""),
    (r"ff_out", "down", ""),
    (r"ffn\.gate\.0", "gate", ""),
    (r"(mlp|experts|shared_experts)\.fc_1", "gate", ""),
    (r"(mlp|experts|shared_experts)\.fc_2", "up", ""),
    (r"(mlp|experts|shared_experts)\.proj", "down", ""),
    (r"self_attention\.linear_proj", "o", ""),
    (r"experts\.linear", "gate", ""),
    (r"experts\.(linear_v|v1|up)", "up", ""),
    (r"block_sparse_moe\.primary_router", "router", ""),
    (r"experts\.gate", "gate", ""),
    (r"experts\.down", "down", ""),
    (r"experts\.linear_1", "down", ""),
    (r"shared_mlp\.output_linear", "down", "shared"),
    (r"shared_mlp\.input_linear", "gate", "shared.gate_up"),
    # attention; low-rank (DeepSeek) projections keep a place of their own
    (r"q_a_proj", "q", "a"),
    (r"q_b_proj", "q", "b"),
    (r"kv_a_proj_with_mqa|kv_a_proj", "k", "kv_a"),
    (r"kv_b_proj", "v", "kv_b"),
    (r"k_b_proj", "k", "k_b"),
    (r"v_b_proj", "v", "v_b"),
    (r"(img_attn|double_stream_img_attn)\.qkv|x_block\.attn\.qkv", "q", "qkv"),
    (r"txt_attn\.qkv|context_block\.attn\.qkv", "q", "qkv.context"),
    (r"(img_attn|x_block\.attn)\.proj", "o", ""),
    (r"(txt_attn|context_block\.attn)\.proj", "o", "context"),
    (r"cross_attn\.(in_proj|qkv)|multihead_attn\.in_proj", "q", "qkv.cross"),
    (rf"{_CROSS}(kv|kv_proj|c_attn|to_kv|kv_linear)", "k", "kv.cross"),
    (r"(mlp|feed_forward)\.in_proj", "up", ""),
    (r"(mlp|feed_forward)\.out_proj", "down", ""),
    (r"qkv_proj|qkv|linear_qkv|query_key_value|c_attn|Wqkv|wqkv|in_proj|W_pack|attn_qkv|att_proj|to_qkv|self_attn_qkv", "q", "qkv"),
    (r"txt_attn\.q_proj|context_block\.attn\.q_proj", "q", "context"),
    (r"txt_attn\.k_proj|context_block\.attn\.k_proj", "k", "context"),
    (r"txt_attn\.v_proj|context_block\.attn\.v_proj", "v", "context"),
    (r"linear_attn\.out_proj", "o", ""),
    (r"add_q_proj|attn\.q_proj_context|add_q|to_q_context", "q", "context"),
    (r"add_k_proj", "k", "context"),
    (r"add_v_proj", "v", "context"),
    (r"to_add_out", "o", "context"),
    (rf"{_CROSS}(q_proj|query|q|to_q|q_attn|q_linear|wq|query_proj|q_lin)", "q", "cross"),
    (rf"{_CROSS}(k_proj|key|k|to_k|wk|key_proj|k_lin)", "k", "cross"),
    (rf"{_CROSS}(v_proj|value|v|to_v|wv|value_proj|v_lin)", "v", "cross"),
    (rf"{_CROSS}(out_proj|o_proj|o|output\.dense|to_out|to_out\.0|proj|c_proj|wo|out|out_lin)", "o", "cross"),
    (r"encoder_attn\.\d+\.q_lin", "q", "cross"),
    (r"encoder_attn\.\d+\.k_lin", "k", "cross"),
    (r"encoder_attn\.\d+\.v_lin", "v", "cross"),
    (r"encoder_attn\.\d+\.out_lin", "o", "cross"),
    (r"attention\.self_attention\.query_key", "q", "qk"),
    (r"(query_global|key_global|value_global)", "other", "global"),
    (r"(mlp|ffn|feed_forward|moe|dense_residual|shared_head)\.w1_proj", "gate", ""),
    (r"q_proj|query|query_proj|q_lin|wq|to_q|attn_q|q|linear_q|q_attn|query_layer|Wq|q_head|q_proj\.linear|c_q", "q", ""),
    (r"k_proj|key|key_proj|k_lin|wk|to_k|attn_k|k|linear_k|Wk|k_head|k_proj\.linear|c_k", "k", ""),
    (r"v_proj|value|value_proj|v_lin|wv|to_v|attn_v|v|Wv|v_head|v_proj\.linear|c_v|(self_attn|attn)\.linear_v", "v", ""),
    (r"kv_proj|to_kv|attention\.self\.kv", "k", "kv"),
    (r"(mlp|ffn|feed_forward|DenseReluDense|moe|ff)\.(c_proj|wo|Wo)", "down", ""),
    (r"(ff|joint_ff)\.linear_1|feed_forward\.linear_1", "gate", ""),
    (r"ff\.linear_2|feed_forward\.linear_3|experts\.mlp\.v1", "up", ""),
    (r"ff\.out_projection", "down", ""),
    (r"ff_context\.linear_1", "gate", "context"),
    (r"ff_context\.linear_2", "up", "context"),
    (r"ff_context\.out_projection", "down", "context"),
    (r"o_proj|out_proj|out_lin|wo|to_out|to_out\.0|attn_output|attention\.output\.dense|(attn|attention|self_attn|self_attention|SelfAttention|LocalSelfAttention|TransientGlobalSelfAttention|multi_head_attention)\.(dense|c_proj|proj|o|Wo|projection_layer)", "o", ""),
    (r"o_proj\.linear|(self_attn|attn|attention)\.(linear_out|out|output|projection|proj_out|output_proj|ff_out)|attn\.attn_out|attn_out|(attn|attention)\.self_attn\.out_proj|norm_attn_norm\.attn\.out_proj", "o", ""),
    # feed-forward
    (r"(ff_context|txt_mlp|context_block\.mlp|mlp_context)\.(net\.0\.proj|0|fc1)", "up", "context"),
    (r"(ff_context|txt_mlp|context_block\.mlp|mlp_context)\.(net\.2|2|fc2)", "down", "context"),
    (r"(ff|ffn|img_mlp|feed_forward|mlp)\.(net\.0\.proj|0)|ff\.conv_inverted|x_block\.mlp\.fc1|img_mlp\.net\.0\.proj", "up", ""),
    (r"(ff|ffn|img_mlp|feed_forward|mlp)\.(net\.2|2)|ff\.conv_point|x_block\.mlp\.fc2|img_mlp\.net\.2", "down", ""),
    (r"proj_mlp", "up", ""),
    (r"proj_out", "down", "proj_out"),
    (r"proj_in|mamba_decoder\.linear", "other", "projection"),
    (r"gate_up_proj|gate_up|w12|Wi|weights_in|gated_layers", "gate", "gate_up"),
    (r"gate_up_proj_adapter_list\.\d+\.0|gate_up_proj_adapter_list\.\d+\.1", "other", "adapter"),
    (r"(q|k|v|linear_q|linear_k|linear_v)_adapter_list\.\d+\.\d+|linear_(q|k|v)_adapter_list\.\d+\.\d+", "other", "adapter"),
    (r"ff1\.(up|w_1|intermediate_dense)|ffn1\.(intermediate_dense|w_1)|feed_forward1\.linear1", "up", "first"),
    (r"ffn1\.output_dense|feed_forward1\.linear2", "down", "first"),
    (r"feed_forward\.output", "down", ""),
    (r"ffn2\.intermediate_dense|intermediate_dense|feed_forward2\.linear1", "up", ""),
    (r"ffn2\.output_dense|feed_forward\.output_dense|feed_forward2\.linear2", "down", ""),
    (r"c_fc_0|c_fc1|fc1_g", "gate", ""),
    (r"c_fc_1|c_fc2|fc1_x", "up", ""),
    (r"weights_out", "down", ""),
    (r"gate_proj|w1|wi_0|ffn_gate|linear_v|proj_up_gate|gating_linear|ff_proj_gate|fc12", "gate", ""),
    (r"up_proj|w3|wi_1|wi|c_fc|fc1|fc_in|dense_h_to_4h|intermediate\.dense|ffn_up|lin1|linear1|linear_fc1|linear_1|DenseReluDense\.wi", "up", ""),
    (r"proj_up|layer_1|ff\.layer_1|fc11|ffn\.(up|fc1)|mlp\.layer_1|mlp\.fc1|w_1|(mlp|feed_forward)\.in_proj|ff_proj|ffn\.lin1|mlp\.0|dense1|feed_forward\.intermediate", "up", ""),
    (r"down_proj|w2|fc2|fc_out|dense_4h_to_h|output\.dense|ffn_down|lin2|linear2|linear_fc2|linear_2", "down", ""),
    (r"proj_down|layer_2|ff\.layer_2|ffn\.(down|fc2)|w_2|(mlp|feed_forward)\.out_proj|ffn_output|mlp\.2|dense2", "down", ""),
    (r"ffn|pwconv1|full_layer_layer\.ffn", "up", ""),
    (r"pwconv2", "down", ""),
    # the ends of the stack
    (r"embed_tokens_per_layer|per_layer_embedding", "embed", "per_layer"),
    (r"per_layer_model_projection|per_layer_input_gate|per_layer_projection|altup.*|laurel.*", "other", "per_layer"),
    (r"embed_tokens|embed_text_tokens|word_embedding|wte|tok_embeddings|embed_in|token_embedding|token_embd|shared|word_embeddings|wte\.embedding|embedder|text_token_embedder|input_embeds_layer", "embed", ""),
    (r"backbone\.embedding(s)?|transformer\.embeddings|rwkv\.embeddings|model\.embedding|transformer\.w|embeddings\.tok_embeddings|embeddings\.word_embeddings|emb", "embed", ""),
    (r"lm_head|embed_out|output|output_projection|cls\.predictions\.decoder|lm_head\.decoder", "head", ""),
    (r"classifier(\.(dense|out_proj))?|pre_classifier|score|head_linear|classification_head\.(dense|out_proj)|cls_classifier", "other", "classifier"),
    (r"lm_head\.linear|generator_lm_head|vocab_projector|predictions\.decoder|output_layer|pred_layer\.proj|lm_loss|unembedding|decoder|head", "head", ""),
    # convolutions
    (r"conv|conv1|conv2|conv1d|conv_in|conv_out|patch_embed\.proj|patch_embedding|patch_embeddings\.projection|conv_stem", "conv", ""),
    (r"dwconv|conv3|conv_shortcut|downsampling_layer\.\d+|convolution|depthwise_conv|pointwise_conv1|pointwise_conv2|time_conv|conv_1d", "conv", ""),
    (r"pos_conv_embed\.conv|embeddings\.patch_embeddings|skip_connection|op|nin_shortcut|shortcut|in_layers\.\d+|out_layers\.\d+", "conv", ""),
    (r"conv_depth|quant_conv|post_quant_conv|pos_embed\.proj|conv\.conv|patch_conv|depthwise_conv1d|patch_projection|x_embedder\.proj|input_blocks\.0\.0", "conv", ""),
    # matrices outside the field's roles, told apart by their names
    (r"projection|visual_projection|text_projection|embeddings_project|embedding_hidden_mapping_in|project_in|project_out", "other", "projection"),
    (r"mm_input_projection_weight|merging_layer|reduction|linear|dense|adapter.*|hidden_proj|eh_proj|router_proj", "other", "projection"),
)  # fmt: skip
"""(tail, role, slot). A slot keeps apart what would share a role inside one block; `other` with a slot is a matrix that
the field has no role for, `other` without one is a matrix that nobody knows."""

NORMS: tuple[tuple[str, str], ...] = (
    (r"norm_added_q|txt_attn\.norm\.query_norm|context_block\.attn\.ln_q", "q.context"),
    (r"norm_added_k|txt_attn\.norm\.key_norm|context_block\.attn\.ln_k", "k.context"),
    (rf"{_CROSS}(norm_q|q_norm|query_norm)", "q.cross"),
    (rf"{_CROSS}(norm_k|k_norm|key_norm)", "k.cross"),
    (r"q_norm|q_layernorm|query_layernorm|q_a_layernorm|attn_q_norm|norm_q|query_norm|attn\.q_ln", "q"),
    (r"k_norm|k_layernorm|key_layernorm|kv_a_layernorm|attn_k_norm|norm_k|key_norm|attn\.k_ln", "k"),
    (r"encoder_attn_layer_norm|crossattention\.output\.LayerNorm|ln_cross_attn|cross_attn_layer_norm|layer_norm_cross|cross_attn_ln", "cross"),
    (r"attention\.output\.LayerNorm|sa_layer_norm|post_self_attn_layernorm", "post_attention"),
    (r"output\.LayerNorm|output_layer_norm|post_feedforward_layernorm|post_mlp_layernorm", "post_ffn"),
    (r"input_layernorm|ln_1|ln1|attention_norm|attn_norm|norm1|layernorm_before|layer_norm1|ln_attn|self_attn_layer_norm|layernorm_1", "attention"),
    (r"layer\.0\.layer_norm|norm_attn_norm\.norm_1|norm_1|norm_mlstm|self_attention_layer_norm|operator_norm|attn_ln|linear_qkv\.layer_norm_weight|layers\.\d+\.norm", "attention"),
    (r"pre_feedforward_layernorm|post_attention_layernorm|ln_2|ln2|ffn_norm|norm2|layernorm_after|layer_norm2|ln_mlp|final_layer_norm|pre_mlp_layernorm|layernorm_2", "ffn"),
    (r"layer\.(1|2)\.layer_norm|norm_attn_norm\.norm_2|norm_2|norm_ffn|ff_norm|pre_ff_layernorm|mlp_norm|pre_moe_layernorm|norm3|mlp_ln|linear_fc1\.layer_norm_weight", "ffn"),
    (r"embeddings\.LayerNorm|emb_ln|word_embeddings_layernorm|embeddings\.norm|layernorm_embedding|embedding_norm", "embedding"),
    (r"norm|ln_f|final_layernorm|final_norm|final_layer_norm|ln_final|output_norm|layer_norm|layernorm|post_layernorm|LayerNorm", "final"),
    (r"ln_out|final_ln|norm_f|out_norm|ln_post|decoder\.ln|layernorm_final", "final"),
)  # fmt: skip
"""(tail, place): the matrices that a norm's gain feeds follow from its place (see FEEDS)."""

SETTLED: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("post_attention_layernorm", ("pre_feedforward_layernorm", "post_feedforward_layernorm"), "post_attention"),
    ("layer.1.layer_norm", ("layer.2.layer_norm",), "cross"),
    ("norm2", ("norm3",), "cross"),
)
"""(norm, other norms, place): what a norm is when its layer has one of the others too: Gemma 2 and OLMo 2 name the norm
of the FFN, the decoder of T5 and the blocks of a U-Net have one more for cross attention."""

FEEDS: dict[str, tuple[str, ...]] = {
    "q": ("attention",),
    "k": ("attention",),
    "v": ("attention",),
    "gate": ("ffn", "attention"),  # parallel blocks have one norm for both halves
    "up": ("ffn", "attention"),
    "router": ("ffn", "attention"),
}
"""Role -> places of the norm whose gain multiplies its input, in order of preference."""

GAIN_OFFSET: dict[str, float] = {
    "gemma": 1.0, "gemma2": 1.0, "gemma3": 1.0, "gemma3_text": 1.0, "recurrent_gemma": 1.0, "qwen3_next": 1.0,
    "qwen3_5": 1.0, "qwen3_5_text": 1.0, "qwen3_5_moe": 1.0, "qwen3_5_moe_text": 1.0,
}  # fmt: skip
"""`model_type` -> what the architecture adds to a stored norm gain (Gemma stores w and multiplies by 1 + w)."""

FUSED_QKV: tuple[tuple[str, str, str], ...] = (
    (r"query_key_value", r"gpt_neox|gpt_neox_japanese|bloom|persimmon|gpt-neox|polyglot", "heads"),
    (r"query_key_value", r"falcon|RefinedWeb|RefinedWebModel", "falcon"),
    (r"query_key_value", r"chatglm|glm", "chatglm"),
    (r"query_key_value", r"fuyu|cogvlm|ernie.*", ""),
    (r"query_key_value", r".*bailing.*", "stacked"),
    (r"query_key_value", r".*", ""),
    (r"c_attn", r"gpt_bigcode", "bigcode"),
    (r"qkv_proj", r"codegen|moss", ""),
    (r"wqkv|Wqkv", r"internlm2|internlm3|internvl_chat|internlmxcomposer2", "groups"),
    (r"(attn|attention|self_attn|multihead_attn)\.in_proj", r".*", "stacked"),
    (r"(img_attn|txt_attn|x_block\.attn|context_block\.attn)\.qkv", r".*", "stacked"),
    (r"single_blocks\.\d+\.linear1", r".*", "flux"),
    (r"linear_attn\.in_proj_qkvz", r".*", "delta"),
    (r"linear_attn\.in_proj_qkv", r".*", "beside_z"),
    (r"qkv_proj|c_attn|W_pack|Wqkv|att_proj|(attn|attention|self_attn|self_attention)\.qkv", r".*", "stacked"),
)  # fmt: skip
"""(tail, `model_type`, order of the rows), first hit wins; an empty order is not known, or of another kind.

`stacked`: all of q, then k, then v. `heads`: q, k, v of one head after another. `groups`: for every head of k, the heads
of q that share it, its k, its v. `falcon`, `chatglm`, `bigcode`: one of these, by other keys of the config.
`flux`: q, k, v, then the rows of the FFN. `delta`: for every head of k, its q, its k, the v that share it, their gates.
`beside_z`: q, k, v, of which v is as high as the gate beside it, `in_proj_z`.
"""

FUSED_GATE_UP: tuple[tuple[str, str, tuple[str, str]], ...] = (
    (r"ff_proj", r".*olmo|molmo|mpt", ("up_proj", "gate_proj")),
    (r"dense_h_to_4h", r"chatglm|glm", ("gate_proj", "up_proj")),
    (
        r"gate_up_proj|gate_up|w12|Wi|weights_in|gated_layers|(shared_mlp|mlp)\.input_linear",
        r".*",
        ("gate_proj", "up_proj"),
    ),
)
"""(tail, `model_type`, what its first and its second half are)."""

STACKED_EXPERTS: tuple[tuple[str, str], ...] = (
    (r"experts\.(gate_up_proj|w13)", "gate_up"),
    (r"experts\.(gate_proj|w1)|(switch_mlp|moe)\.gate_proj", "gate_proj"),
    (r"experts\.(up_proj|w3)|switch_mlp\.fc1|(switch_mlp|moe)\.up_proj", "up_proj"),
    (r"experts\.(down_proj|w2)|switch_mlp\.fc2|(switch_mlp|moe)\.down_proj", "down_proj"),
    (r"(block_sparse_moe|moe)\.input_linear", "gate_up"),
    (r"(block_sparse_moe|moe)\.output_linear", "down_proj"),
)
"""(tail of a 3-D tensor [experts, ...], what each of its matrices is)."""

ALTERNATING_GATE_UP = r"gpt_oss"
"""`model_type` whose rows of gate and up take turns."""

TRANSPOSED = r"c_attn|c_fc|c_proj|q_attn"
"""Matrices that GPT-2 stores as [in, out] (Conv1D); known by a c_attn that is three times as wide as it is high."""

BESIDE: tuple[tuple[str, str, str], ...] = (
    (r"mixer\.out_proj", "mixer.Wqkv", "o_proj"),
    (r"mixer\.out_proj", "mixer.Wq", "o_proj"),
    (r"ff_proj", "up_proj", "gate_proj"),
    (r"w3", "w12", "down_proj"),
)
"""(tail, the last parts of what stands beside it, the last part of the name that says the same elsewhere): the attention
of flash-attn's blocks, where a Mamba's has an `in_proj`; the gate of LLaDA; the down projection of xformers' SwiGLU."""

SWIGLU = ("w1", "w2", "w3")
"""Gate, up and down where the third is as high as the first is wide (xformers' SwiGLU: EVA-02, TinyLlama's own files);
gate, down and up elsewhere."""

RENAMED: tuple[tuple[str, str, str], ...] = (
    (r"qwen", r"mlp\.w1", "up_proj"),
    (r"qwen", r"mlp\.w2", "gate_proj"),
    (r".*", r"single_blocks\.\d+\.linear2", "proj_out"),
)
"""(`model_type`, tail, the last part of the name that says the same elsewhere): w1(x) silu(w2(x)) in the first Qwen;
o and down in one matrix of the single blocks of Flux."""
