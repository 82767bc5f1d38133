"""Train two families denser than the bundled zoo, from roots that were trained for a shorter time.

    python benchmarks/family_models.py FOLDER

Needs torch and tokenizers. Models already in FOLDER are kept.
"""

from __future__ import annotations

import itertools
import json
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "zoo"))

import surgery
import torch
from recipes import BASE, initial
from storage import read_state
from train import Card, byte_level_tokenizer, corpus_tokens, from_state, save, train

ROOTS = {"ash": 7001, "beech": 7002}
KEPT_LAYERS = (0, 2, 3, 5)
TUNINGS = (
    # child, parent, text, steps, learning rate
    ("docs", "", "docs", 150, 3e-4),
    ("tests", "", "tests", 300, 3e-4),
    ("source", "", "source", 200, 2e-4),
    ("docs2", "", "docs", 250, 5e-4),
    ("docs-source", "docs", "source", 150, 3e-4),
    ("docs-source-tests", "docs-source", "tests", 150, 3e-4),
    ("merge", "tests+docs2", "", 0, 0.0),
    ("merge-docs", "merge", "source", 150, 3e-4),
    ("cpt", "tests", "docs tests", 600, 2e-3),
    ("pruned", "docs", "docs", 150, 3e-4),
    ("4bit", "docs2", "", 0, 0.0),
)


def start(folder: Path, child: str, parents: list[str]) -> tuple[object, dict[str, torch.Tensor]]:
    """Architecture and weights that a child is tuned from."""
    states = [read_state(folder / parent) for parent in parents]
    if len(states) == 2:
        return BASE, surgery.average(*states)
    if child == "pruned":
        return replace(BASE, layers=len(KEPT_LAYERS)), surgery.select_layers(states[0], KEPT_LAYERS)
    return BASE, surgery.four_bit(states[0]) if child == "4bit" else states[0]


def main(folder: Path) -> None:
    """Train what is missing, and write who comes from whom."""
    torch.set_num_threads(2)
    torch.set_flush_denormal(True)
    tokenizer, card = byte_level_tokenizer(), Card("A tiny model of a known family.", None, None)
    truth: dict[str, list[str]] = {}
    for root, seed in ROOTS.items():
        tunings = [("", None, "source", 1000, 3e-3), *TUNINGS]
        orders = itertools.count(seed + 10)  # a data order for every training
        for child, parent, text, steps, rate in tunings:
            order = next(orders) if steps else 0
            name = f"{root}-{child}".strip("-")
            parents = [f"{root}-{p}".strip("-") for p in parent.split("+")] if parent is not None else []
            truth[name] = parents
            if not (folder / name / "config.json").exists():
                config, state = start(folder, child, parents) if parents else (BASE, initial(BASE, seed))
                model = from_state(config, state)
                if steps:
                    train(model, corpus_tokens("byte_level", *text.split()), steps, rate, order, batch=16)
                save(config, model.state_dict(), folder / name, tokenizer=tokenizer, card=card)
                print(name, flush=True)
    (folder / "truth.json").write_text(json.dumps(truth, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
