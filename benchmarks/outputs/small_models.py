"""Small models of a folder asked for next tokens: weights, tokens and the batch, in numpy alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.outputs import gpt2, llama
from benchmarks.outputs.llama import Config, Floats
from forebear.ingest.metadata.tokenizer import Spelling

TYPES = {"BF16": np.uint16, "F16": np.float16, "F32": np.float32}
PASSES = {"llama": llama.logits, "qwen2": llama.logits, "mixtral": llama.logits, "gpt2": gpt2.logits}
BLANKS = ("\u0120", "\u2581")
"""A blank in byte-level vocabularies, and in those of SentencePiece."""
BATCH = 250
"""Prompts at once."""


class NotAsked(Exception):
    """A model that no pass reads, with the reason."""


@dataclass(frozen=True, slots=True)
class SmallModel:
    """A model in memory: weights, config, text -> id, and how its vocabulary spells."""

    weights: Mapping[str, Floats]
    config: Config
    ids: Mapping[str, int]

    def next_tokens(self, prompts: Sequence[str]) -> dict[str, str]:
        """Prompt -> text of the most likely next token, a blank as a blank. Raises NotAsked for what nothing spells."""
        chosen = _asked(self.weights, self.config, [encoded(prompt, self.ids) for prompt in prompts])
        spelling, texts = Spelling(self.ids), {number: token for token, number in self.ids.items()}
        plain = {number: spelling(texts.get(number, "")).decode(errors="replace") for number in set(chosen)}
        return {prompt: plain[number] for prompt, number in zip(prompts, chosen, strict=True)}


def load(folder: Path) -> SmallModel:
    """The model of a folder. Raises NotAsked."""
    if not (folder / "config.json").exists():
        raise NotAsked("no config.json")
    config, prefix = json.loads((folder / "config.json").read_text()), ""
    if "text_config" in config:
        config, prefix = config["text_config"], "language_model."
    if config.get("model_type") not in PASSES:
        raise NotAsked(f"no pass for {config.get('model_type')}")
    ids = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    if not isinstance(ids, Mapping) or not any(blank in ids for blank in BLANKS):
        raise NotAsked("no vocabulary with a token for a blank")
    weights = {name.removeprefix(prefix): values for name, values in tensors(folder / "model.safetensors").items()}
    return SmallModel(weights, config, ids)


def tensors(path: Path) -> dict[str, Floats]:
    """All tensors of a safetensors file as float32. Raises NotAsked for a type that is no float."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    read = {}
    for name, of in json.loads(data[8:start]).items():
        if name == "__metadata__":
            continue
        if of["dtype"] not in TYPES:
            raise NotAsked(f"{name} is {of['dtype']}")
        begin, end = of["data_offsets"]
        values = np.frombuffer(data[start + begin : start + end], TYPES[of["dtype"]])
        if of["dtype"] == "BF16":
            values = (values.astype(np.uint32) << 16).view(np.float32)
        read[name] = values.astype(np.float32).reshape(of["shape"])
    return read


def encoded(text: str, ids: Mapping[str, int]) -> list[int]:
    """Token ids, the longest token that fits first. Raises NotAsked for text that no token spells."""
    blank = next(b for b in BLANKS if b in ids)
    text, at, found = text.replace(" ", blank), 0, []
    if blank == BLANKS[1]:
        text = blank + text  # as Metaspace does before the first word
    while at < len(text):
        size = next((n for n in range(len(text) - at, 0, -1) if text[at : at + n] in ids), 0)
        if not size:
            raise NotAsked(f"no token for {text[at]!r}")
        found.append(ids[text[at : at + size]])
        at += size
    return found


def _asked(weights: Mapping[str, Floats], config: Config, rows: Sequence[Sequence[int]]) -> list[int]:
    logits = PASSES[config["model_type"]]
    found: list[int] = []
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        ends = np.array([len(row) - 1 for row in batch])
        tokens = np.zeros((len(batch), int(ends.max()) + 1), np.int64)
        for at, row in enumerate(batch):
            tokens[at, : len(row)] = row
        found += np.argmax(logits(weights, config, tokens, ends), axis=-1).tolist()
    return found
