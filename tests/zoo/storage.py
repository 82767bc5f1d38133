"""Model folders as Hugging Face would write them: weights, config, tokenizer and card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from architecture import ModelConfig
from corpus import SPECIALS
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor

CLASSES = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM", "mixtral": "MixtralForCausalLM"}
DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
EXTRAS: dict[str, dict[str, object]] = {
    "llama": {"attention_bias": False, "mlp_bias": False, "pretraining_tp": 1, "rope_scaling": None},
    "qwen2": {"max_window_layers": 0, "sliding_window": None, "use_sliding_window": False},
    "mixtral": {"output_router_logits": False, "router_aux_loss_coef": 0.0, "sliding_window": None},
}


@dataclass(frozen=True, slots=True)
class Card:
    """What the README.md of a model says; `base_model` only where the lineage is declared."""

    text: str
    base_model: str | None = None
    base_model_relation: str | None = None


def config_json(config: ModelConfig, dtype: str, special_ids: tuple[int, int]) -> dict[str, object]:
    """The content of config.json; `special_ids` are those of the first and the last token of a text."""
    content: dict[str, object] = {
        "architectures": [CLASSES[config.model_type]],
        "attention_dropout": 0.0,
        "bos_token_id": special_ids[0],
        "eos_token_id": special_ids[1],
        "head_dim": config.head_dim,
        "hidden_act": "silu",
        "hidden_size": config.hidden,
        "initializer_range": config.init_std,
        "intermediate_size": config.ffn,
        "max_position_embeddings": config.context,
        "model_type": config.model_type,
        "num_attention_heads": config.heads,
        "num_hidden_layers": config.layers,
        "num_key_value_heads": config.kv_heads,
        "rms_norm_eps": config.eps,
        "rope_theta": config.rope_theta,
        "tie_word_embeddings": config.tied,
        "torch_dtype": dtype,
        "use_cache": True,
        "vocab_size": config.vocab,
    }
    if config.experts:
        content |= {"num_local_experts": config.experts, "num_experts_per_tok": config.experts_per_token}
    return dict(sorted((content | EXTRAS[config.model_type]).items()))


def read_config(folder: Path) -> ModelConfig:
    """The config of a model folder written by `save`."""
    content = json.loads((folder / "config.json").read_text("utf-8"))
    return ModelConfig(
        hidden=content["hidden_size"],
        layers=content["num_hidden_layers"],
        heads=content["num_attention_heads"],
        kv_heads=content["num_key_value_heads"],
        head_dim=content["head_dim"],
        ffn=content["intermediate_size"],
        vocab=content["vocab_size"],
        tied=content["tie_word_embeddings"],
        qkv_bias=content["model_type"] == "qwen2",
        experts=content.get("num_local_experts", 0),
        experts_per_token=content.get("num_experts_per_tok", 2),
        context=content["max_position_embeddings"],
        rope_theta=content["rope_theta"],
        eps=content["rms_norm_eps"],
        init_std=content["initializer_range"],
    )


def read_state(folder: Path) -> dict[str, Tensor]:
    """All weights of a model folder, in float32."""
    state: dict[str, Tensor] = {}
    for path in sorted(folder.glob("*.safetensors")):
        state |= load_file(path)
    if not state:
        raise FileNotFoundError(f"{folder} holds no .safetensors file: train this model first")
    return {name: tensor.float() for name, tensor in state.items()}


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write readable JSON with a final newline."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def write_weights(state: Mapping[str, Tensor], folder: Path, shards: int) -> None:
    """Write one file, or `shards` files of about the same size with an index."""
    if shards == 1:
        save_file(dict(state), folder / "model.safetensors", metadata={"format": "pt"})
        return
    total = sum(tensor.nbytes for tensor in state.values())
    parts: list[dict[str, Tensor]] = [{} for _ in range(shards)]
    written = 0
    for name, tensor in state.items():
        parts[min(shards - 1, written * shards // total)][name] = tensor
        written += tensor.nbytes
    places: dict[str, str] = {}
    for number, part in enumerate(parts, 1):
        file_name = f"model-{number:05d}-of-{shards:05d}.safetensors"
        save_file(part, folder / file_name, metadata={"format": "pt"})
        places |= dict.fromkeys(part, file_name)
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))}
    write_json(folder / "model.safetensors.index.json", index)


def write_card(card: Card, name: str, folder: Path) -> None:
    """Write README.md with its YAML front matter."""
    lines = ["---", "license: apache-2.0"]
    if card.base_model is not None:
        lines.append(f"base_model: {card.base_model}")
    if card.base_model_relation is not None:
        lines.append(f"base_model_relation: {card.base_model_relation}")
    lines += ["pipeline_tag: text-generation", "---", "", f"# {name}", "", card.text]
    (folder / "README.md").write_text("\n".join(lines) + "\n", "utf-8")


def save(
    config: ModelConfig,
    state: Mapping[str, Tensor],
    folder: Path,
    *,
    tokenizer: Tokenizer,
    card: Card,
    dtype: str = "bfloat16",
    shards: int = 1,
) -> None:
    """Write a whole model folder; what was there of an earlier run is removed."""
    content = config_json(config, dtype, special_ids(tokenizer))
    save_folder(content, state, folder, tokenizer=tokenizer, card=card, dtype=dtype, shards=shards)


def tokenizer_kind(tokenizer: Tokenizer) -> str:
    """`byte_level` or `metaspace`, by its token for the end of a text."""
    return "byte_level" if tokenizer.token_to_id("<|endoftext|>") is not None else "metaspace"


def special_ids(tokenizer: Tokenizer) -> tuple[int, int]:
    """The ids of the first and the last token of a text."""
    first, last = SPECIALS[tokenizer_kind(tokenizer)]
    return tokenizer.token_to_id(first), tokenizer.token_to_id(last)


def save_folder(
    content: Mapping[str, object],
    state: Mapping[str, Tensor],
    folder: Path,
    *,
    tokenizer: Tokenizer,
    card: Card,
    dtype: str = "bfloat16",
    shards: int = 1,
) -> None:
    """As `save`, with the content of config.json given: for architectures that ModelConfig does not describe."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("model*.safetensors*"):
        old.unlink()
    rounded = {name: tensor.detach().to(DTYPES[dtype]).contiguous() for name, tensor in state.items()}
    write_weights(rounded, folder, shards)
    kind = tokenizer_kind(tokenizer)
    first, last = SPECIALS[kind]
    write_json(folder / "config.json", content)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings: dict[str, object] = {
        "bos_token": first,
        "eos_token": last,
        "model_max_length": content["max_position_embeddings"],
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    if kind == "metaspace":
        settings["unk_token"] = "<unk>"
    write_json(folder / "tokenizer_config.json", settings)
    write_card(card, folder.name, folder)
