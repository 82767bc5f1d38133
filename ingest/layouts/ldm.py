"""The networks of a file of Stable Diffusion under the names, and in the shapes, that diffusers gives them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ..names.ldm import UNET_ENDS, of_autoencoder, of_control, of_unet
from ..storage.logical import LogicalTensor, RowMajor

_UNET = re.compile(
    r"(?P<head>(?:.*\.)?)(?P<path>(?:input_blocks|output_blocks|middle_block|time_embed|label_emb|out)\..+)"
)
_CONTROL = re.compile(r"(?P<head>(?:.*\.)?)(?P<path>(?:zero_convs|input_hint_block|middle_block_out)\..+)")
_HINT = re.compile(r"(?:^|\.)input_hint_block\.(\d{1,3})\.")
_UNET_MARKS = ("input_blocks.0.0.weight", "middle_block.0.in_layers.0.weight")
_AUTOENCODER = re.compile(r"(?P<head>(?:.*\.)?)(?P<path>(?:encoder|decoder)\.(?:(?:down|up|mid)\..+|norm_out))")
_AUTOENCODER_MARK = "mid.attn_1.q.weight"
_UP = re.compile(r"(?:^|\.)decoder\.up\.(\d{1,3})\.")


def as_diffusers(tensors: Sequence[LogicalTensor]) -> list[LogicalTensor]:
    """The tensors of a UNet and of an autoencoder of LDM as diffusers has them; all as they are where there is none."""
    unet = all(any(t.name.endswith(mark) for t in tensors) for mark in _UNET_MARKS)
    autoencoder = any(t.name.endswith(_AUTOENCODER_MARK) for t in tensors)
    if not unet and not autoencoder:
        return list(tensors)
    stages = 1 + max((int(up[1]) for t in tensors if (up := _UP.search(t.name))), default=0)
    made = [_renamed(tensor, unet, autoencoder, stages) for tensor in tensors]
    if unet:
        last = max((int(hint[1]) for t in tensors if (hint := _HINT.search(t.name))), default=0)
        made = [_of_control(tensor, last) for tensor in made]
    return made if len({t.name for t in made}) == len(made) else list(tensors)


def _renamed(tensor: LogicalTensor, unet: bool, autoencoder: bool, stages: int) -> LogicalTensor:
    stem, _, kind = tensor.name.rpartition(".")
    if autoencoder and (found := _AUTOENCODER.fullmatch(stem)):
        name = of_autoencoder(found["path"], stages)
        return _flat(replace(tensor, name=f"{found['head']}{name}.{kind}"), ".attentions.0." in name)
    if unet and (found := _UNET.fullmatch(stem)):
        name = UNET_ENDS.get(found["path"]) or of_unet(found["path"])
        return replace(tensor, name=f"{found['head']}{name}.{kind}")
    return tensor


def _of_control(tensor: LogicalTensor, last: int) -> LogicalTensor:
    """What a ControlNet has beside half a UNet."""
    stem, _, kind = tensor.name.rpartition(".")
    found = _CONTROL.fullmatch(stem)
    return replace(tensor, name=f"{found['head']}{of_control(found['path'], last)}.{kind}") if found else tensor


def _flat(tensor: LogicalTensor, attention: bool) -> LogicalTensor:
    """A convolution of one place as the matrix that it is: LDM's attention has such, diffusers' has matrices."""
    storage = tensor.storage
    if not attention or len(tensor.shape) != 4 or tensor.shape[2:] != (1, 1) or not isinstance(storage, RowMajor):
        return tensor
    return replace(tensor, shape=tensor.shape[:2], storage=replace(storage, columns=tensor.shape[1]))
