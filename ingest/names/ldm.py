"""The names of the networks of Stable Diffusion in one file (LDM's, as ComfyUI reads them) as diffusers has them.

Sources: `ldm/modules/diffusionmodules/openaimodel.py` and `model.py`, and diffusers
`scripts/convert_original_stable_diffusion_to_diffusers.py`. Limitation: networks of two residual blocks a resolution,
as all of Stable Diffusion are.
"""

from __future__ import annotations

import re

_RESNET = {
    "in_layers.0": "norm1", "in_layers.2": "conv1", "emb_layers.1": "time_emb_proj", "out_layers.0": "norm2",
    "out_layers.3": "conv2", "skip_connection": "conv_shortcut",
}  # fmt: skip
UNET_ENDS = {
    "input_blocks.0.0": "conv_in", "out.0": "conv_norm_out", "out.2": "conv_out",
    "time_embed.0": "time_embedding.linear_1", "time_embed.2": "time_embedding.linear_2",
    "label_emb.0.0": "add_embedding.linear_1", "label_emb.0.2": "add_embedding.linear_2",
}  # fmt: skip
_UNET = re.compile(r"(input|output)_blocks\.(\d{1,3})\.(\d)\.(.+)|middle_block\.([012])\.(.+)")
_CONTROL = re.compile(r"zero_convs\.(\d{1,3})\.0|input_hint_block\.(\d{1,3})")
_ATTENTION = {"q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0", "norm": "group_norm"}
_AUTOENCODER = re.compile(
    r"(?P<side>encoder|decoder)\.(?:(?P<way>down|up)\.(?P<stage>\d{1,3})\.(?:block\.(?P<block>\d{1,3})\.(?P<rest>.+)|(?:down|up)sample\.conv)"
    r"|mid\.(?:block_(?P<middle>[12])\.(?P<inside>.+)|attn_1\.(?P<part>.+))|(?P<last>norm_out))"
)


def of_unet(path: str) -> str:
    """`input_blocks.4.1.proj_in` -> `down_blocks.1.attentions.0.proj_in`: three numbers a resolution, one of them 0.

    A module without its `weight` or `bias`; as it is where it is none of a UNet's blocks.
    """
    found = _UNET.fullmatch(path)
    if found is None:
        return path
    if found[5] is not None:
        at = {"0": "resnets.0", "1": "attentions.0", "2": "resnets.1"}[found[5]]
        return f"mid_block.{at}.{_RESNET.get(found[6], found[6]) if at != 'attentions.0' else found[6]}"
    side, number, place, rest = found[1], int(found[2]), found[3], found[4]
    if side == "input":
        block, layer = divmod(number - 1, 3)
        stage = f"down_blocks.{block}"
        if layer == 2:
            return f"{stage}.downsamplers.0.conv" if rest == "op" else path
    else:
        block, layer = divmod(number, 3)
        stage = f"up_blocks.{block}"
        if rest == "conv":
            return f"{stage}.upsamplers.0.conv"
    if place == "0":
        return f"{stage}.resnets.{layer}.{_RESNET.get(rest, rest)}"
    return f"{stage}.attentions.{layer}.{rest}"


def of_control(path: str, last: int) -> str:
    """`input_hint_block.4` -> `controlnet_cond_embedding.blocks.1`, the `last` of which is `conv_out`.

    A module as of `of_unet`.
    """
    if path == "middle_block_out.0":
        return "controlnet_mid_block"
    found = _CONTROL.fullmatch(path)
    if found is None:
        return path
    if found[1] is not None:
        return f"controlnet_down_blocks.{found[1]}"
    number = int(found[2])
    if number in (0, last):
        return f"controlnet_cond_embedding.{'conv_out' if number else 'conv_in'}"
    return f"controlnet_cond_embedding.blocks.{number // 2 - 1}"


def of_autoencoder(path: str, stages: int) -> str:
    """`decoder.up.3.block.0.nin_shortcut` -> `decoder.up_blocks.0.resnets.0.conv_shortcut`: the last of `stages` first.

    A module as of `of_unet`.
    """
    found = _AUTOENCODER.fullmatch(path)
    if found is None:
        return path
    side = found["side"]
    if found["last"]:
        return f"{side}.conv_norm_out"
    if found["middle"]:
        return f"{side}.mid_block.resnets.{int(found['middle']) - 1}.{_of_residual(found['inside'])}"
    if found["part"]:
        return f"{side}.mid_block.attentions.0.{_ATTENTION.get(found['part'], found['part'])}"
    number = int(found["stage"])
    stage = f"down_blocks.{number}" if found["way"] == "down" else f"up_blocks.{stages - 1 - number}"
    if found["block"]:
        return f"{side}.{stage}.resnets.{found['block']}.{_of_residual(found['rest'])}"
    return f"{side}.{stage}.{'down' if found['way'] == 'down' else 'up'}samplers.0.conv"


def _of_residual(part: str) -> str:
    return "conv_shortcut" if part == "nin_shortcut" else part
