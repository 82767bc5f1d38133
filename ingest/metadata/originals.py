"""The configs that frameworks other than transformers write beside their weights, with the keys of a config.json.

| file                               | of                                                      |
| `params.json`                      | Meta's Llama, Mistral: JSON                              |
| `model_config.yaml`, `lit_config.json` | LitGPT, now and before                              |

Sources: `llama/model.py` (ModelArgs), `mistral_inference/args.py`, `litgpt/config.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import yaml

from ..errors import FormatError
from ..sources.source import Source, read_small
from .plain_yaml import document

ORIGINAL_LIMIT = 1 << 20
_LARGEST = 1 << 31

KEYS = {
    "dim": "hidden_size", "n_layers": "num_hidden_layers", "n_heads": "num_attention_heads",
    "n_kv_heads": "num_key_value_heads", "hidden_dim": "intermediate_size", "head_dim": "head_dim",
    "vocab_size": "vocab_size", "norm_eps": "rms_norm_eps", "rope_theta": "rope_theta",
    "n_embd": "hidden_size", "n_layer": "num_hidden_layers", "n_head": "num_attention_heads",
    "n_query_groups": "num_key_value_heads", "head_size": "head_dim", "padded_vocab_size": "vocab_size",
    "intermediate_size": "intermediate_size",
}  # fmt: skip
"""Key there -> key of a config.json. Where two say one thing the later line counts."""


def read_original_config(source: Source) -> dict[str, object]:
    """The counts that such a config states under the keys of a config.json; empty where there is none.

    FormatError for a file that is no mapping: row order depends on it.
    """
    for file, parse in _FILES.items():
        text = read_small(source, file, ORIGINAL_LIMIT)
        if text is None:
            continue
        try:
            found = parse(text)
        except (ValueError, RecursionError, yaml.YAMLError) as error:
            raise FormatError(f"{source.uri}: {file} cannot be parsed") from error
        if not isinstance(found, Mapping):
            raise FormatError(f"{source.uri}: {file} is no mapping of keys to values")
        made = _known(found)
        inner = found.get("vision_encoder")
        return made | ({"vision_encoder": dict(inner)} if isinstance(inner, Mapping) else {})
    return {}


def _yaml(text: bytes) -> object:
    return document(text.decode("utf-8", "replace"), aliases=True)


_FILES: dict[str, Callable[[bytes], object]] = {
    "params.json": json.loads,
    "model_config.yaml": _yaml,
    "lit_config.json": json.loads,
}


def _known(found: Mapping[str, object]) -> dict[str, object]:
    made: dict[str, object] = {}
    for theirs, ours in KEYS.items():
        value = found.get(theirs)
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
            value = int(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < _LARGEST:
            made[ours] = value
    return made
