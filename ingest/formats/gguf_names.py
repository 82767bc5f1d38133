"""The names of GGUF tensors as those of Hugging Face, and what the converter did to a tensor's values.

Source of the names: the tables of the `gguf` package, read backwards; where several names lead to one GGUF name the
Llama-like one is taken, except for PREFERRED.
Source of what is undone: convert_hf_to_gguf.py of llama.cpp.
"""

from __future__ import annotations

import re
from functools import cache

from ..names.naming import parse

PERMUTED = frozenset({
    "llama", "arcee", "arctic", "baichuan", "bailingmoe", "chameleon", "deci", "deepseek", "granite", "granitehybrid",
    "granitemoe", "internlm2", "llada", "minicpm", "mistral3", "olmo", "smollm3", "xverse",
})  # fmt: skip
"""Architectures whose rows of q and k the converter interleaves by halves of a head (`permute` or `undo_permute`).
Mistral, Mixtral, Yi and the like are written as `llama`."""
PERMUTED_BY_SHARE = frozenset({"baichuan", "xverse"})
"""Those of them whose k is cut not by the heads of k but by how many heads of q share one (`_reverse_hf_permute`)."""

GAIN_PLUS_ONE = frozenset({"gemma", "gemma2", "gemma3", "qwen3next", "qwen35", "qwen35moe"})
"""Architectures whose converter stores 1 + w for a norm's w."""
PAIRS_IN_VISION = frozenset({"pixtral"})
"""`clip.projector_type` of vision towers whose rows of q and k the converter interleaves."""
NOT_PLUS_ONE = re.compile(r".*ssm_norm\.weight")

_LAYER = "model.layers.{bid}."
_IN_STACK = {
    "blk.": _LAYER,
    "v.blk.": "vision_tower.vision_model.encoder.layers.{bid}.",
    "a.blk.": "audio_tower.layers.{bid}.",
}
"""What a block's names begin with -> what they begin with here, whichever architecture the table took a name from."""
PREFERRED = {
    "attn_norm": _LAYER + "input_layernorm",
    "ffn_norm": _LAYER + "pre_feedforward_layernorm",
    "post_attention_norm": _LAYER + "post_attention_layernorm",
    "post_ffw_norm": _LAYER + "post_feedforward_layernorm",
    "attn_output_norm": _LAYER + "attention.output.LayerNorm",
    "layer_output_norm": _LAYER + "output.LayerNorm",
    "attn_qkv": _LAYER + "self_attn.qkv_proj",
    "ffn_gate_inp": _LAYER + "mlp.gate",
    "ffn_gate_inp_shexp": _LAYER + "mlp.shared_expert_gate",
    "ffn_gate_exps": _LAYER + "mlp.experts.gate_proj",
    "ffn_up_exps": _LAYER + "mlp.experts.up_proj",
    "ffn_down_exps": _LAYER + "mlp.experts.down_proj",
    "ffn_gate_up_exps": _LAYER + "mlp.experts.gate_up_proj",
    "ffn_gate_shexp": _LAYER + "mlp.shared_expert.gate_proj",
    "ffn_up_shexp": _LAYER + "mlp.shared_expert.up_proj",
    "ffn_down_shexp": _LAYER + "mlp.shared_expert.down_proj",
    "ffn_gate": _LAYER + "mlp.gate_proj",
    "ffn_up": _LAYER + "mlp.up_proj",
    "ffn_down": _LAYER + "mlp.down_proj",
    "attn_output": _LAYER + "self_attn.o_proj",
    "token_embd": "model.embed_tokens",
    "output": "lm_head",
    "output_norm": "model.norm",
    "position_embd": "wpe",
    "rope_freqs": "model.rotary_emb.inv_freq",
    "ssm_a": _LAYER + "mamba.A_log",
    "ssm_d": _LAYER + "mamba.D",
    "ssm_in": _LAYER + "mamba.in_proj",
    "ssm_out": _LAYER + "mamba.out_proj",
    "ssm_x": _LAYER + "mamba.x_proj",
    "ssm_dt": _LAYER + "mamba.dt_proj",
    "ssm_conv1d": _LAYER + "mamba.conv1d",
    "ssm_norm": _LAYER + "mamba.norm",
}
"""GGUF name without `blk.N.` -> the name that says the same here."""
MIXERS = frozenset({"mamba", "mamba2", "nemotron_h", "nemotron_h_moe"})
"""Architectures whose layers are one mixer behind one norm, and have no FFN beside a Mamba."""
DELTA_NETS = frozenset({"qwen3next", "qwen35", "qwen35moe"})
"""Architectures whose layers have a gated delta net or an attention."""
OF_DELTA_NETS = {
    "attn_qkv": "in_proj_qkv", "attn_gate": "in_proj_z", "ssm_in": "in_proj_qkvz", "ssm_ba": "in_proj_ba",
    "ssm_beta": "in_proj_b", "ssm_alpha": "in_proj_a", "ssm_out": "out_proj", "ssm_norm": "norm",
    "ssm_conv1d": "conv1d", "ssm_dt": "dt_proj", "ssm_a": "A_log",
}  # fmt: skip
"""GGUF name without `blk.N.` -> the part of their `linear_attn`."""
SHARED_FFN = frozenset({"granitehybrid"})
"""Architectures whose FFN is that of shared experts, in models without other experts too."""
OF_TOWERS = {
    "mm.0": "multi_modal_projector.linear_1",
    "mm.1": "multi_modal_projector.linear_1",
    "mm.2": "multi_modal_projector.linear_2",
    "mm.a.mlp.1": "multi_modal_projector.linear_1",
    "mm.a.mlp.2": "multi_modal_projector.linear_2",
    "mm.a.norm_pre": "multi_modal_projector.ln_pre",
    "mm.a.norm_mid": "multi_modal_projector.ln_mid",
    "mm.model.mlp.0": "mlp1.0",
    "mm.model.mlp.1": "mlp1.1",
    "mm.model.mlp.3": "mlp1.3",
    "a.conv1d.1": "audio_tower.conv1",
    "a.conv1d.2": "audio_tower.conv2",
}
"""The same of what an mmproj file numbers, which no table of the package has."""
_OF_FFN = frozenset({"ffn_gate", "ffn_up", "ffn_down"})
_SWAPPED = {"ffn_up": "ffn_down", "ffn_down": "ffn_up"}
_FFN = re.compile(r"(v\.blk\.\d{1,6}\.)(ffn_up|ffn_down)(\..+)")
FIRST_FRAME, SECOND_FRAME = "v.patch_embd.weight", "v.patch_embd.weight.1"
"""The two frames that the convolution of Qwen2-VL sees at once; others have one, under the first of these names."""

_BLOCK = re.compile(r"((?:enc\.|dec\.|v\.|a\.)?blk|v\.deepstack)\.(\d{1,6})\.(.+)")
_OLD_EXPERT = re.compile(r"ffn_(gate|up|down)\.(\d{1,6})")


def hugging_face_name(name: str, arch: str = "") -> str:
    """`blk.3.attn_q.weight` -> `model.layers.3.self_attn.q_proj.weight`; a name that no table has is left as it is."""
    stem, dot, kind = name.rpartition(".")
    if kind not in {"weight", "bias"}:
        stem, dot, kind = name, "", ""
    block = _BLOCK.fullmatch(stem)
    if block and block[1] == "blk" and (expert := _OLD_EXPERT.fullmatch(block[3])):
        return f"model.layers.{block[2]}.mlp.experts.{expert[2]}.{expert[1]}_proj{dot}{kind}"
    part = block[3] if block else ""
    if arch in SHARED_FFN and part in _OF_FFN:
        part = f"{part}_shexp"
    if arch in DELTA_NETS and part in OF_DELTA_NETS and block:
        return f"model.layers.{block[2]}.linear_attn.{OF_DELTA_NETS[part]}{dot}{kind}"
    found = _table().get(f"{block[1]}.{{bid}}.{part}" if block else stem)
    if found is None:
        return name
    if arch in MIXERS:
        found = f"{_LAYER}norm" if part == "attn_norm" else found.replace(".mamba.", ".mixer.")
    return found.replace("{bid}", block[2] if block else "") + dot + kind


def as_today(name: str) -> str:
    """The name, in a file of today, of a tensor in the FFN of a vision tower of 2023, whose converter swapped the two.

    >>> as_today("v.blk.3.ffn_up.weight")
    'v.blk.3.ffn_down.weight'
    """
    found = _FFN.fullmatch(name)
    return f"{found[1]}{_SWAPPED[found[2]]}{found[3]}" if found else name


@cache
def _table() -> dict[str, str]:
    """GGUF name -> Hugging Face name, both with `{bid}` for the number of the block."""
    from gguf.constants import TENSOR_NAMES
    from gguf.tensor_mapping import TensorNameMap

    names = {**TensorNameMap.mappings_cfg, **TensorNameMap.block_mappings_cfg}
    table: dict[str, str] = {}
    for tensor, candidates in names.items():
        if candidates:
            table.setdefault(TENSOR_NAMES[tensor], _choice(candidates))
    table |= {("blk.{bid}." + ours if "{bid}" in theirs else ours): theirs for ours, theirs in PREFERRED.items()}
    table |= OF_TOWERS
    return {ours: _in_one_stack(ours, theirs) for ours, theirs in table.items()}


def _in_one_stack(ours: str, theirs: str) -> str:
    """The name with the layers of a stack called as all of them are: two spellings would be two stacks."""
    stack = next((there for here, there in _IN_STACK.items() if ours.startswith(here)), None)
    if stack is None or "{bid}." not in theirs:
        return theirs
    return stack + theirs.split("{bid}.", 1)[1]


def _choice(candidates: tuple[str, ...]) -> str:
    """The name that says most: one with a role, if possible that of a Llama."""
    told = [c for c in candidates if parse(c.replace("{bid}", "0") + ".weight").role != "other"]
    return next((c for c in told if c.startswith(_LAYER)), (told or list(candidates))[0])
