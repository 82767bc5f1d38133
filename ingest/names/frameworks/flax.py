"""Tables of models whose makers publish them as archives of Flax.

Sources: vision_transformer `models_vit.py` and `_load_weights` of timm's `vision_transformer.py`; big_vision
`models/vit.py` and transformers `convert_siglip_to_hf.py`.
"""

from __future__ import annotations

from .line import Lines, inside


def _blocks(stack: str, layer: str, names: str, attention: str) -> Lines:
    """A block: `names` are its two norms, its attention and its FFN, `attention` those of q, k, v and the output."""
    first, second, heads, ffn, *theirs = names.split()
    q, k, v, out = attention.split()
    return inside(stack, layer, f"""
        {first}.scale -> {theirs[0]}.weight
        {first}.bias -> {theirs[0]}.bias
        {second}.scale -> {theirs[1]}.weight
        {second}.bias -> {theirs[1]}.bias
        {heads}.query -> {q}
        {heads}.key -> {k}
        {heads}.value -> {v}
        {heads}.out -> {out}
        {ffn}.Dense_0 -> {theirs[2]}
        {ffn}.Dense_1 -> {theirs[3]}
    """)  # fmt: skip


_VIT = "layernorm_before layernorm_after intermediate.dense output.dense"
_VIT_ATTENTION = "attention.attention.query attention.attention.key attention.attention.value attention.output.dense"
_ENDS = """
    embedding -> vit.embeddings.patch_embeddings.projection
    cls -> vit.embeddings.cls_token
    pos_embedding -> vit.embeddings.position_embeddings
    Transformer.posembed_input.pos_embedding -> vit.embeddings.position_embeddings
    Transformer.encoder_norm.scale -> vit.layernorm.weight
    Transformer.encoder_norm.bias -> vit.layernorm.bias
    pre_logits -> vit.pooler.dense
    head -> classifier
"""

VIT_OF_GOOGLE = (
    *_blocks(
        "Transformer.layers.#.",
        "vit.encoder.layer.#.",
        f"LayerNorm_0 LayerNorm_2 MultiHeadDotProductAttention_1 MlpBlock_3 {_VIT}",
        _VIT_ATTENTION,
    ),
    *inside("", "", _ENDS),
)

VIT_OF_BIG_VISION = (
    *_blocks(
        "Transformer.layers.#.",
        "vit.encoder.layer.#.",
        f"LayerNorm_0 LayerNorm_1 MultiHeadDotProductAttention_0 MlpBlock_0 {_VIT}",
        _VIT_ATTENTION,
    ),
    *inside("", "", _ENDS),
)

_SIGLIP = "LayerNorm_0 LayerNorm_1 MultiHeadDotProductAttention_0 MlpBlock_0 layer_norm1 layer_norm2 mlp.fc1 mlp.fc2"
_SIGLIP_ATTENTION = "self_attn.q_proj self_attn.k_proj self_attn.v_proj self_attn.out_proj"

SIGLIP_OF_BIG_VISION = (
    *_blocks("img.Transformer.layers.#.", "vision_model.encoder.layers.#.", _SIGLIP, _SIGLIP_ATTENTION),
    *_blocks("txt.Encoder_0.layers.#.", "text_model.encoder.layers.#.", _SIGLIP, _SIGLIP_ATTENTION),
    *inside("img.", "vision_model.", """
        embedding -> embeddings.patch_embedding
        pos_embedding -> embeddings.position_embedding.weight
        Transformer.encoder_norm.scale -> post_layernorm.weight
        Transformer.encoder_norm.bias -> post_layernorm.bias
        MAPHead_0.probe -> head.probe
        MAPHead_0.MultiHeadDotProductAttention_0.query -> head.attention.q_proj
        MAPHead_0.MultiHeadDotProductAttention_0.key -> head.attention.k_proj
        MAPHead_0.MultiHeadDotProductAttention_0.value -> head.attention.v_proj
        MAPHead_0.MultiHeadDotProductAttention_0.out -> head.attention.out_proj
        MAPHead_0.LayerNorm_0.scale -> head.layernorm.weight
        MAPHead_0.LayerNorm_0.bias -> head.layernorm.bias
        MAPHead_0.MlpBlock_0.Dense_0 -> head.mlp.fc1
        MAPHead_0.MlpBlock_0.Dense_1 -> head.mlp.fc2
    """),
    *inside("txt.", "text_model.", """
        Embed_0.embedding -> embeddings.token_embedding.weight
        pos_embedding -> embeddings.position_embedding.weight
        Encoder_0.encoder_norm.scale -> final_layer_norm.weight
        Encoder_0.encoder_norm.bias -> final_layer_norm.bias
        head -> head
    """),
    ("params.t", "logit_scale", ""),
    ("params.b", "logit_bias", ""),
)  # fmt: skip
