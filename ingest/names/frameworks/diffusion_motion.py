"""Tables of what makes a U-Net of images one of videos: motion modules, and blocks over time beside those over space.

Sources: AnimateDiff `animatediff/models/motion_module.py` and diffusers
`convert_animatediff_motion_module_to_diffusers.py`; generative-models `sgm/modules/diffusionmodules/video_model.py` and
diffusers `convert_svd_to_diffusers.py`.
"""

from __future__ import annotations

from .line import Lines, inside

_ATTENTION = """
    to_q -> to_q
    to_k -> to_k
    to_v -> to_v
    to_out.0 -> to_out.0
"""
_MODULE = "motion_modules.#."
_INSIDE = f"{_MODULE}temporal_transformer.transformer_blocks.#."
_BLOCK = f"{_MODULE}transformer_blocks.#."

ANIMATEDIFF = (
    *inside(f"{_INSIDE}attention_blocks.0.", f"{_BLOCK}attn1.", _ATTENTION),
    *inside(f"{_INSIDE}attention_blocks.1.", f"{_BLOCK}attn2.", _ATTENTION),
    *inside(_INSIDE, _BLOCK, """
        attention_blocks.0.pos_encoder.pe -> pos_embed.pe
        norms.0 -> norm1
        norms.1 -> norm2
        ff_norm -> norm3
        ff.net.0.proj -> ff.net.0.proj
        ff.net.2 -> ff.net.2
    """),
    *inside(f"{_MODULE}temporal_transformer.", _MODULE, """
        norm -> norm
        proj_in -> proj_in
        proj_out -> proj_out
    """),
)  # fmt: skip
"""The code of places, which is computed, stands beside both attentions of a block and once in diffusers."""

_RESIDUAL = ("norm1", "conv1", "time_emb_proj", "norm2", "conv2", "conv_shortcut")
_OVER_TIME = """
    time_stack.in_layers.0 -> temporal_res_block.norm1
    time_stack.in_layers.2 -> temporal_res_block.conv1
    time_stack.emb_layers.1 -> temporal_res_block.time_emb_proj
    time_stack.out_layers.0 -> temporal_res_block.norm2
    time_stack.out_layers.3 -> temporal_res_block.conv2
"""


def _residual(stack: str, *, over_time: bool) -> Lines:
    """The parts of a residual block over space; those of an encoder, which has no other, keep their names."""
    between = "spatial_res_block." if over_time else ""
    return tuple((f"{stack}{part}", f"{stack}{between}{part}", "") for part in _RESIDUAL)


SVD = (
    *(line for stack in ("down_blocks.#", "up_blocks.#", "mid_block") for line in (
        *_residual(f"{stack}.resnets.#.", over_time=True),
        *inside(f"{stack}.resnets.#.", f"{stack}.resnets.#.", _OVER_TIME),
    )),
    *_residual("encoder.down_blocks.#.resnets.#.", over_time=False),
    *_residual("encoder.mid_block.resnets.#.", over_time=False),
    *inside("attentions.#.time_stack.#.", "attentions.#.temporal_transformer_blocks.#.", """
        attn1.to_q -> attn1.to_q
        attn1.to_k -> attn1.to_k
        attn1.to_v -> attn1.to_v
        attn1.to_out.0 -> attn1.to_out.0
        attn2.to_q -> attn2.to_q
        attn2.to_k -> attn2.to_k
        attn2.to_v -> attn2.to_v
        attn2.to_out.0 -> attn2.to_out.0
        norm1 -> norm1
        norm2 -> norm2
        norm3 -> norm3
        norm_in -> norm_in
        ff.net.0.proj -> ff.net.0.proj
        ff.net.2 -> ff.net.2
        ff_in.net.0.proj -> ff_in.net.0.proj
        ff_in.net.2 -> ff_in.net.2
    """),
    *inside("attentions.#.", "attentions.#.", """
        time_pos_embed.0 -> time_pos_embed.linear_1
        time_pos_embed.2 -> time_pos_embed.linear_2
    """),
)  # fmt: skip
"""Stable Video Diffusion, whose blocks over space have diffusers' names already."""
