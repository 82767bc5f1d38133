"""Builds, reads and writes every model of the large zoo, whatever its architecture and its file format."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import bundled  # noqa: F401  (the next imports need it)
import gguf
import numpy as np
import torch
from architecture import Decoder, ModelConfig, build, from_state
from corpus import byte_level_tokenizer
from plain_transformers import Bert, Gpt2, PlainConfig, build_plain, from_content
from safetensors.torch import save_file
from storage import Card, read_config, read_state, save, save_folder
from surgery import State
from tokenizers import Tokenizer

Config = ModelConfig | PlainConfig
CARD = Card("A tiny model of known lineage: test data, of no use otherwise.")
VISION_LAYERS, VISION_HIDDEN, PATCH = 2, 64, 8


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is written of one model; `form` is a folder of safetensors, one with a vision tower, or a GGUF file."""

    config: Config
    state: State
    tokenizer: Tokenizer | None = None
    dtype: str = "bfloat16"
    form: str = "safetensors"
    seed: int = 0


def initial(config: Config, seed: int) -> State:
    """Random weights as a state dict."""
    model = build(config, seed) if isinstance(config, ModelConfig) else build_plain(config, seed)
    return model.state_dict()


def module(config: Config, state: State) -> Decoder | Gpt2 | Bert:
    """A float32 model that holds a copy of these weights."""
    if isinstance(config, ModelConfig):
        return from_state(config, state)
    model = build_plain(config, 0)
    model.load_state_dict({name: tensor.float() for name, tensor in state.items()}, strict=True)
    return model


def read(folder: Path) -> tuple[Config, State]:
    """Config and float32 weights of a folder of safetensors written by `write`."""
    content = json.loads((folder / "config.json").read_text("utf-8"))
    plain = content["model_type"] in {"gpt2", "bert"}
    return from_content(content) if plain else read_config(folder), read_state(folder)


def write(made: Checkpoint, folder: Path) -> None:
    """Write a model folder, whole or not at all: it is moved to its place when it is complete."""
    place = folder.parent / ".partial" / folder.name
    shutil.rmtree(place, ignore_errors=True)
    tokenizer = made.tokenizer or byte_level_tokenizer()
    config, form = made.config, made.form
    if isinstance(config, PlainConfig):
        save_folder(config.content(made.dtype), made.state, place, tokenizer=tokenizer, card=CARD, dtype=made.dtype)
    else:
        save(config, made.state, place, tokenizer=tokenizer, card=CARD, dtype=made.dtype)
        if form == "multimodal":
            _wrap(config, made, place)
        elif form != "safetensors":
            _write_gguf(config, made, place, gguf.GGMLQuantizationType[form])
    place.rename(folder)


def _wrap(config: ModelConfig, made: Checkpoint, place: Path) -> None:
    """The weights under the names of a Llava checkpoint, beside a random vision tower and projector."""
    state = {f"language_model.{name}": tensor for name, tensor in made.state.items()}
    state |= _vision(config.hidden, made.seed)
    save_file({n: t.bfloat16().contiguous() for n, t in state.items()}, place / "model.safetensors", {"format": "pt"})
    text = json.loads((place / "config.json").read_text("utf-8"))
    content = {
        "architectures": ["LlavaForConditionalGeneration"],
        "model_type": "llava",
        "text_config": text,
        "vision_config": {
            "model_type": "clip_vision_model",
            "hidden_size": VISION_HIDDEN,
            "num_hidden_layers": VISION_LAYERS,
            "patch_size": PATCH,
        },
        "torch_dtype": made.dtype,
        "vocab_size": config.vocab,
        "max_position_embeddings": config.context,
    }
    (place / "config.json").write_text(json.dumps(content, indent=2), "utf-8")


def _vision(hidden: int, seed: int) -> State:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return 0.02 * torch.randn(*shape, generator=generator)

    wide, tower = VISION_HIDDEN, "vision_tower.vision_model"
    state = {f"{tower}.embeddings.patch_embedding.weight": draw(wide, 3, PATCH, PATCH)}
    for layer in range(VISION_LAYERS):
        at = f"{tower}.encoder.layers.{layer}"
        state |= {f"{at}.self_attn.{part}.weight": draw(wide, wide) for part in ("q_proj", "k_proj", "v_proj")}
        state |= {f"{at}.self_attn.out_proj.weight": draw(wide, wide), f"{at}.mlp.fc1.weight": draw(2 * wide, wide)}
        state |= {f"{at}.mlp.fc2.weight": draw(wide, 2 * wide)}
        state |= {f"{at}.layer_norm{i}.weight": 1 + draw(wide) for i in (1, 2)}
    return state | {
        "multi_modal_projector.linear_1.weight": draw(hidden, wide),
        "multi_modal_projector.linear_2.weight": draw(hidden, hidden),
    }


def _write_gguf(config: ModelConfig, made: Checkpoint, place: Path, kind: gguf.GGMLQuantizationType) -> None:
    """One GGUF file as llama.cpp converts a llama model: its names, its order of rows in q and k, its metadata."""
    tokenizer = made.tokenizer or byte_level_tokenizer()
    ids = tokenizer.get_vocab()
    content = json.loads(tokenizer.to_str())
    for old in place.iterdir():
        old.unlink()
    writer = gguf.GGUFWriter(place / f"{place.name}.gguf", "llama")
    writer.add_name(place.name)
    writer.add_block_count(config.layers)
    writer.add_context_length(config.context)
    writer.add_embedding_length(config.hidden)
    writer.add_feed_forward_length(config.ffn)
    writer.add_head_count(config.heads)
    writer.add_head_count_kv(config.kv_heads)
    writer.add_layer_norm_rms_eps(config.eps)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_vocab_size(config.vocab)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(sorted(ids, key=lambda token: ids[token]))
    writer.add_token_merges([" ".join(pair) for pair in content["model"]["merges"]])
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.layers)
    for name, tensor in made.state.items():
        target = names.get_name(name, try_suffixes=(".weight",))
        assert target is not None, name
        value = _interleaved(name, tensor, config).float().numpy()
        if value.ndim == 1:
            writer.add_tensor(target, np.ascontiguousarray(value))
        else:
            writer.add_tensor(target, gguf.quants.quantize(np.ascontiguousarray(value), kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _interleaved(name: str, tensor: torch.Tensor, config: ModelConfig) -> torch.Tensor:
    """The rows of q and k as llama.cpp orders them: the two halves of a rotary pair side by side."""
    heads = {"self_attn.q_proj": config.heads, "self_attn.k_proj": config.kv_heads}
    count = next((c for part, c in heads.items() if part in name), 0)
    if not count:
        return tensor
    return tensor.view(count, 2, tensor.shape[0] // count // 2, -1).transpose(1, 2).reshape(tensor.shape)
