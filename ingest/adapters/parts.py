"""What a tensor of an adapter is: which module of the base it belongs to, and which part of the change it holds.

| spelling                                                   | of                                           |
| `lora_A`, `lora_B`, with the adapter's name or without     | PEFT, diffusers                              |
| `lora_down`, `lora_up`                                     | kohya, LyCORIS, ComfyUI                      |
| `lora.down`, `lora_linear_layer.down`, `to_q_lora.down`    | diffusers before PEFT                        |
| `qkv_lora1.down`, `proj_lora2.up`                          | x-flux: 1 the image's stream, 2 the text's   |
| `lora_a` [in, rank], `lora_b` [rank, out], `m` of DoRA     | MLX                                          |
| `lora_a.weight`, `lora_b.weight`, `magnitude` of DoRA      | torchtune, whose rows of `b` may be in pairs |
| `linear_proj.adapter.linear_in`, `.linear_out`             | NeMo 2 and Megatron-Bridge                   |
| `weight.lora_a` [rank, in], `weight.lora_b` [out, rank]    | GGUF, where rows of `b` may be in its order  |
| `hada_w1_a`, ... and `lokr_w2_a`, ...                      | LoHa and LoKr of LyCORIS and PEFT            |

Sources: PEFT `tuners/*/layer.py`; sd-scripts `networks/lora.py`; LyCORIS `modules/*.py`; mlx-lm `tuner/lora.py`;
llama.cpp `convert_lora_to_gguf.py`; diffusers `loaders/lora_conversion_utils.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FACTOR = re.compile(
    r"(?P<module>.+?)(?:[._])(?P<factor>lora_[AB]|lora_[ab](?=\.weight$)|lora_(?:down|up)|lora(?P<stream>[12]?)\.(?:down|up)"
    r"|lora_linear_layer\.(?:down|up)|hada_w[12]_[ab]|lokr_w[12]_[ab])(?:\.[\w-]{1,64})?(?:\.weight)?"
)
_FACTORS = {
    "lora_A": "A", "lora_a": "A", "lora_b": "B", "lora_down": "A", "lora.down": "A", "lora_linear_layer.down": "A",
    "lora_B": "B", "lora_up": "B", "lora.up": "B", "lora_linear_layer.up": "B",
    "hada_w1_b": "A1", "hada_w2_b": "A2", "hada_w1_a": "B1", "hada_w2_a": "B2",
    "lokr_w1_b": "A1", "lokr_w2_b": "A2", "lokr_w1_a": "A3", "lokr_w2_a": "A4",
}  # fmt: skip
FACTORS = frozenset(_FACTORS.values())
"""Factors that are compared: A of shape [rank, in], B of shape [out, rank].

Both factors of LoKr count as A: which of them starts at zero is not the same in LyCORIS and in PEFT.
"""
_TURNED = frozenset({"lokr_w1_a", "lokr_w2_a"})
_MLX = re.compile(r"(?P<module>.+)\.lora_(?P<factor>[ab])")
UNORDERED = "lora_b in the order of rows of GGUF or torchtune"
"""Part of a B of q or k in a file that does not say how many heads there are."""
_GGUF = re.compile(r"(?P<module>.+)\.weight\.lora_b")
_MEGATRON = re.compile(
    r"(?P<module>.+\.linear_(?:qkv|proj|fc1|fc2|q|kv))\.adapter\.linear_(?P<side>in|out)(?:\.weight)?"
)
_TORCHTUNE = re.compile(r"(?P<module>.*layers\.\d+\.attn\.[qk]_proj)\.lora_b\.weight")
_PART = re.compile(
    r"(?P<module>.+?)\.(?P<part>lora_magnitude_vector|magnitude|lora_embedding_[AB]|lora_E|lora_mid|lora\.mid|ranknum|lokr_\w+"
    r"|hada_t[12]|ia3_l|vera_\w+|oft_\w+|boft_\w+|dora_scale|trainable_tokens_delta|alpha|diff|diff_b|diff_m|set_weight"
    r"|reshape_weight|w_norm|b_norm|m)(?:\.[\w-]{1,64})*"
)
_PREFIXED = re.compile(
    r"(?:.+\.)?(prompt_embeddings|prompt_encoder\.(?:[\w-]{1,64}\.)?(?:embedding|transform|mlp_head|lstm_head)\..+|prefix_\w+|adaption_\w+)|base_model\.vera_[AB].*"
)
_STREAMS = {"1": "img_attn", "2": "txt_attn"}


_DECISIVE = re.compile(r"lora|hada_|lokr_|ia3_|vera_|oft_|boft_|this part")


@dataclass(frozen=True, slots=True)
class Part:
    """The module as the file spells it, and the part: a factor, or the name of what is none.

    `turned`: the factor is stored as [in, rank] or [rank, out]. `module` is empty for what belongs to no module.
    """

    module: str
    part: str
    turned: bool = False

    @property
    def decisive(self) -> bool:
        """Whether only adapters have such a part: `alpha` and `diff` stand in whole models too."""
        return self.part in FACTORS or _DECISIVE.match(self.part) is not None


_DECISIVE_NAME = re.compile(r"lora|adapter\.linear_|hada_|lokr_|ia3_|vera_|oft_|prompt_|prefix_|adaption_")
"""What every name has of which `find_part` makes a decisive part; most names of models have none of it."""


def may_decide(name: str) -> bool:
    """Whether a name can be a decisive part at all: one look for what takes five in `find_part`."""
    return _DECISIVE_NAME.search(name) is not None


def find_part(name: str) -> Part | None:
    """What a name of a tensor says; None for a name that is no part of an adapter."""
    if (found := _GGUF.fullmatch(name) or _TORCHTUNE.fullmatch(name)) is not None:
        return Part(found["module"], UNORDERED)
    if (found := _FACTOR.fullmatch(name)) is not None:
        factor = found["factor"].replace("lora1.", "lora.").replace("lora2.", "lora.")
        return Part(_stream(found["module"], found["stream"]), _FACTORS[factor], factor in _TURNED)
    if (found := _MEGATRON.fullmatch(name)) is not None:
        return Part(found["module"], "A" if found["side"] == "in" else "B")
    if (found := _MLX.fullmatch(name)) is not None:
        return Part(found["module"], found["factor"].upper(), turned=True)
    if (found := _PART.fullmatch(name)) is not None:
        return Part(found["module"], found["part"])
    return Part("", "this part") if _PREFIXED.fullmatch(name) else None


def _stream(module: str, stream: str | None) -> str:
    """The module of x-flux's attention processors: `double_blocks.3.processor.qkv` of stream 2 -> `...txt_attn.qkv`."""
    head, processor, leaf = module.rpartition(".processor.")
    if not processor:
        return module
    if stream:
        return f"{head}.{_STREAMS[stream]}.{leaf}"
    return f"{head}.{'attn.' if 'single_blocks' in head else ''}{leaf}"
