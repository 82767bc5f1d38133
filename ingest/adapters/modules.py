"""The module of the base that an adapter changes, under one name for every spelling of it.

Trainers flatten names (`lora_unet_double_blocks_0_img_attn_qkv`), put the network before them (`diffusion_model.`,
`transformer.`, `lora_te2_`), and use the names of the original code or of diffusers. Here a module has one name:
`NETWORK/` and its path, as transformers and diffusers have it; of Wan as its own code has it. A module that is several
there (q, k and v in one matrix) is all of these, with the rows of each.

Sources: sd-scripts `networks/lora.py`; diffusers `loaders/lora_conversion_utils.py` and
`convert_original_stable_diffusion_to_diffusers.py`; ComfyUI `comfy/lora.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from ..names.frameworks import WAN
from ..names.ldm import UNET_ENDS, of_unet

DENOISER = "unet/"
_FLAT = re.compile(
    r"(?:lora_(?:(?P<lora>unet|transformer|prior|te\d?|text_encoder(?:_\d)?)_)?"
    r"|lycoris_(?:(?P<lycoris>unet|transformer(?!_blocks_)|prior|te\d?|text_encoder(?:_\d)?)_)?)(?P<path>.+)"
)
_FLAT_NETWORKS = {"unet": DENOISER, "transformer": DENOISER, "prior": "prior/"}
_DOTTED = (
    ("model.diffusion_model.", DENOISER),
    ("diffusion_model.", DENOISER),
    ("unet.", DENOISER),
    ("transformer_2.", "transformer_2/"),
    ("text_encoders.clip_l.transformer.", "text_encoder/"),
    ("text_encoders.clip_g.transformer.", "text_encoder_2/"),
    ("text_encoders.t5xxl.transformer.", "text_encoder_2/"),
    ("text_encoder_2.", "text_encoder_2/"),
    ("text_encoder_3.", "text_encoder_3/"),
    ("text_encoder.", "text_encoder/"),
    ("prior.", "prior/"),
)
_WRAPPER = re.compile(r"^(?:base_model\.model\.|base_model\.)+")
_TRANSFORMER = re.compile(r"transformer\.(?!h\.\d)(.+)")
_OF_DENOISER = re.compile(
    r"(?:(?:single_|joint_|dual_)?transformer_blocks|single_blocks|double_blocks|joint_blocks|(?:down|up)_blocks|mid_block"
    r"|conv_in|conv_out|noise_refiner|context_refiner)\..+"
    r"|blocks\.\d+\.(?:self_attn|cross_attn)\.(?:[qkvo]|[kv]_img)|blocks\.\d+\.ffn\.[02]|layers\.\d+\.attention\.to_\w+(?:\.0)?"
)
ATOMS = """
self_attn cross_attn encoder_attn q_proj k_proj v_proj o_proj out_proj gate_proj up_proj down_proj qkv_proj gate_up_proj
text_model vision_model language_model vision_tower c_attn c_proj c_fc query_key_value dense_h_to_4h dense_4h_to_h
embed_tokens lm_head token_embedding position_embedding text_projection visual_projection final_layer_norm
block_sparse_moe shared_expert feed_forward in_proj x_proj dt_proj kv_proj wi_0 wi_1 linear_attn in_proj_qkvz
q_a_proj q_b_proj kv_a_proj_with_mqa kv_b_proj input_layernorm post_attention_layernorm
down_blocks up_blocks mid_block transformer_blocks single_transformer_blocks to_q to_k to_v to_out to_add_out
add_q_proj add_k_proj add_v_proj proj_in proj_out proj_mlp time_emb_proj conv_shortcut conv_in conv_out conv_norm_out
time_embedding add_embedding linear_1 linear_2 ff_context norm1_context time_text_embed timestep_embedder text_embedder
guidance_embedder context_embedder x_embedder norm_out caption_projection adaln_single
input_blocks middle_block output_blocks in_layers out_layers emb_layers skip_connection time_embed label_emb
double_blocks single_blocks joint_blocks img_attn txt_attn img_mlp txt_mlp img_mod txt_mod x_block context_block
adaLN_modulation final_layer img_in txt_in time_in vector_in guidance_in in_layer out_layer k_img v_img text_embedding
time_projection img_emb patch_embedding distilled_guidance_layer noise_refiner context_refiner individual_token_refiner
diffusion_model motion_modules temporal_transformer linear_in linear_out to_qkv_mlp_proj
"""
"""Names of modules with an underscore in them; an underscore that is in none of them was a dot."""
_ATOMS = frozenset(tuple(atom.split("_")) for atom in ATOMS.split())
_LONGEST = max(map(len, _ATOMS))
_MOST_TOKENS = 256

_ENDS = {
    **UNET_ENDS,
    "img_in": "x_embedder", "txt_in": "context_embedder", "final_layer.linear": "proj_out",
    "final_layer.adaLN_modulation.1": "norm_out.linear",
    "time_in.in_layer": "time_text_embed.timestep_embedder.linear_1",
    "time_in.out_layer": "time_text_embed.timestep_embedder.linear_2",
    "vector_in.in_layer": "time_text_embed.text_embedder.linear_1",
    "vector_in.out_layer": "time_text_embed.text_embedder.linear_2",
    "guidance_in.in_layer": "time_text_embed.guidance_embedder.linear_1",
    "guidance_in.out_layer": "time_text_embed.guidance_embedder.linear_2",
}  # fmt: skip
_STREAMS = re.compile(r"(double|joint)_blocks\.(\d{1,4})\.(.+)")
_SINGLE = re.compile(r"single_blocks\.(\d{1,4})\.(.+)")
_WAN = re.compile(r"(blocks\.\d{1,4})\.(.+)")
_QKV = ("attn.to_q", "attn.to_k", "attn.to_v")
_CONTEXT_QKV = ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj")
_OF_STREAMS: dict[str, tuple[str, ...]] = {
    "img_attn.qkv": _QKV, "x_block.attn.qkv": _QKV,
    "txt_attn.qkv": _CONTEXT_QKV, "context_block.attn.qkv": _CONTEXT_QKV,
    "img_attn.proj": ("attn.to_out.0",), "x_block.attn.proj": ("attn.to_out.0",),
    "txt_attn.proj": ("attn.to_add_out",), "context_block.attn.proj": ("attn.to_add_out",),
    "img_mlp.0": ("ff.net.0.proj",), "x_block.mlp.fc1": ("ff.net.0.proj",),
    "img_mlp.2": ("ff.net.2",), "x_block.mlp.fc2": ("ff.net.2",),
    "txt_mlp.0": ("ff_context.net.0.proj",), "context_block.mlp.fc1": ("ff_context.net.0.proj",),
    "txt_mlp.2": ("ff_context.net.2",), "context_block.mlp.fc2": ("ff_context.net.2",),
    "img_mlp.fc1": ("ff.net.0.proj",), "img_mlp.fc2": ("ff.net.2",),
    "txt_mlp.fc1": ("ff_context.net.0.proj",), "txt_mlp.fc2": ("ff_context.net.2",),
    "img_mod.linear": ("norm1.linear",), "txt_mod.linear": ("norm1_context.linear",),
    "img_mod.lin": ("norm1.linear",), "x_block.adaLN_modulation.1": ("norm1.linear",),
    "txt_mod.lin": ("norm1_context.linear",), "context_block.adaLN_modulation.1": ("norm1_context.linear",),
}  # fmt: skip
_OF_SINGLE: dict[str, tuple[str, ...]] = {
    "linear1": (*_QKV, "proj_mlp"), "attn.qkv": _QKV, "linear2": ("proj_out",), "modulation.lin": ("norm.linear",),
    "modulation.linear": ("norm.linear",), "attn.proj": ("proj_out",),
}  # fmt: skip
_OF_FLUX_2 = re.compile(r"((?:single_)?transformer_blocks\.\d{1,4})\.(.+)")
_LEAVES_OF_FLUX_2: dict[str, tuple[str, ...]] = {
    "ff.linear_in": ("ff.net.0.proj",), "ff.linear_out": ("ff.net.2",),
    "ff_context.linear_in": ("ff_context.net.0.proj",), "ff_context.linear_out": ("ff_context.net.2",),
    "attn.to_qkv_mlp_proj": (*_QKV, "proj_mlp"),
}  # fmt: skip
"""What diffusers calls in Flux 2 what it calls otherwise in Flux: its makers call both alike."""
_SINGLE_STREAM = re.compile(r"((?:layers|noise_refiner|context_refiner)\.\d{1,4})\.attention\.(qkv|out)")
_OF_SINGLE_STREAM = {
    "qkv": ("attention.to_q", "attention.to_k", "attention.to_v"),
    "out": ("attention.to_out.0",),
}
"""Z-Image."""
_WAN_BLOCK = "blocks.#."
_OF_WAN = {
    theirs.removeprefix(_WAN_BLOCK): ours.removeprefix(_WAN_BLOCK) for ours, theirs, _ in WAN if _WAN_BLOCK in ours
}
"""From diffusers to the makers, as adapters of both are told apart by the names of the makers."""


@lru_cache(maxsize=1 << 16)
def base_modules(module: str) -> tuple[str, ...]:
    """The names of the module that a file calls `module`; several where it holds the rows of several.

    >>> base_modules("lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q")
    ('unet/down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q',)
    >>> base_modules("base_model.model.model.layers.0.self_attn.q_proj")
    ('model.layers.0.self_attn.q_proj',)
    """
    network, path = _network(module)
    paths = _of_diffusers(path)
    if not network and all(_OF_DENOISER.fullmatch(p) for p in (path, *paths)):
        network = DENOISER
    return tuple(network + p for p in paths)


def _network(module: str) -> tuple[str, str]:
    """The network that a name begins with, empty where it does not, and the dotted path inside it."""
    flat = _FLAT.fullmatch(module) if "." not in module else None
    if flat is not None:
        network, path = _flat_network(flat["lora"] or flat["lycoris"]), dotted(flat["path"])
        return (
            (network or DENOISER, inner)
            if (inner := path.removeprefix("diffusion_model.")) != path
            else (network, path)
        )
    path = _WRAPPER.sub("", module)
    for prefix, network in _DOTTED:
        if path.startswith(prefix):
            return network, path.removeprefix(prefix)
    if path == module and (found := _TRANSFORMER.fullmatch(path)) is not None:
        return DENOISER, found[1]
    return "", path


def _flat_network(name: str | None) -> str:
    if name is None:
        return ""
    if name.startswith("te") and not name.startswith("text"):
        number = name.removeprefix("te")
        return "text_encoder/" if number in {"", "1"} else f"text_encoder_{number}/"
    return _FLAT_NETWORKS.get(name, f"{name}/")


def dotted(flat: str) -> str:
    """A path whose dots became underscores, with its dots: the longest names of ATOMS stay together.

    >>> dotted("model_layers_0_self_attn_q_proj")
    'model.layers.0.self_attn.q_proj'
    """
    tokens = flat.split("_", _MOST_TOKENS)
    parts: list[str] = []
    at = 0
    while at < len(tokens):
        length = next((n for n in range(_LONGEST, 1, -1) if tuple(tokens[at : at + n]) in _ATOMS), 1)
        parts.append("_".join(tokens[at : at + length]))
        at += length
    return ".".join(parts)


def _of_diffusers(path: str) -> tuple[str, ...]:
    """The path, or paths, in the names of diffusers; as it is where no table has it."""
    if path.endswith(".to_out"):  # diffusers before PEFT left the number of the first of its two modules out
        path += ".0"
    if path in _ENDS:
        return (_ENDS[path],)
    if (found := _STREAMS.fullmatch(path)) is not None:
        inside = _OF_STREAMS.get(re.sub(r"^((?:img|txt)_attn)_", r"\1.", found[3]))
        return tuple(f"transformer_blocks.{found[2]}.{leaf}" for leaf in inside) if inside else (path,)
    if (found := _SINGLE.fullmatch(path)) is not None:
        inside = _OF_SINGLE.get(found[2])
        return tuple(f"single_transformer_blocks.{found[1]}.{leaf}" for leaf in inside) if inside else (path,)
    if (found := _OF_FLUX_2.fullmatch(path)) is not None and (inside := _in_flux_2(found[1], found[2])):
        return tuple(f"{found[1]}.{leaf}" for leaf in inside)
    if (found := _SINGLE_STREAM.fullmatch(path)) is not None:
        return tuple(f"{found[1]}.{leaf}" for leaf in _OF_SINGLE_STREAM[found[2]])
    if (found := _WAN.fullmatch(path)) is not None and (leaf := _OF_WAN.get(found[2])) is not None:
        return (f"{found[1]}.{leaf}",)
    return (of_unet(path),)


def _in_flux_2(block: str, leaf: str) -> tuple[str, ...] | None:
    if block.startswith("single_") and leaf == "attn.to_out.0":  # Flux has no such module in a single block
        return ("proj_out",)
    return _LEAVES_OF_FLUX_2.get(leaf)


def fused_rows(modules: Sequence[str], rows: int, inputs: int | None) -> tuple[int, ...] | None:
    """How many rows each of `modules` has in one matrix of `rows`; None where that does not fit.

    Of q, k, v each has a third. With the rows of an FFN behind them each has as many as the matrix has inputs.
    """
    if len(modules) == 3:
        return (rows // 3,) * 3 if rows % 3 == 0 and rows else None
    if len(modules) == 4 and inputs and rows > 3 * inputs:
        return (inputs, inputs, inputs, rows - 3 * inputs)
    return None
