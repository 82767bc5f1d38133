"""Train models that have nothing in common but architecture, tokenizer and data: the hardest strangers there are.

    python benchmarks/unrelated_models.py FOLDER [COUNT]

Needs torch and tokenizers. Models already in FOLDER are kept.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "zoo"))

import torch
from train import Card, ModelConfig, build, byte_level_tokenizer, corpus_tokens, save, train

STEPS = 300
LEARNING_RATE = 4e-3


def main(folder: Path, count: int) -> None:
    """Train what is missing."""
    torch.set_num_threads(2)
    torch.set_flush_denormal(True)
    tokens, tokenizer = corpus_tokens("byte_level", "source"), byte_level_tokenizer()
    for number in range(count):
        place = folder / f"stranger-{number:02d}"
        if (place / "config.json").exists():
            continue
        model = build(ModelConfig(), 50_000 + number)
        loss = train(model, tokens, STEPS, LEARNING_RATE, 60_000 + number, batch=16)
        card = Card("A tiny model that is related to no other.", None, None)
        save(model.config, model.state_dict(), place, tokenizer=tokenizer, card=card)
        print(f"{place.name}: loss {loss:.3f}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 32)
