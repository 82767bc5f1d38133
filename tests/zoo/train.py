"""Train the zoo: tiny transformers of known lineage, test data of forebear.

    python tests/zoo/train.py [--only NAME...] [--out DIR] [--check]

Needs torch and tokenizers, which forebear itself does not. Deterministic for one version of Python and torch.
Benchmarks that need cheap strangers import `ModelConfig`, `build`, `train` and `save` from here.
"""

from __future__ import annotations

import argparse
import platform
import time
from pathlib import Path

import torch
from architecture import ModelConfig, build, from_state
from checks import check
from corpus import byte_level_tokenizer, corpus_tokens, metaspace_tokenizer
from recipes import RECIPES, Recipe, Workshop, truth, write
from storage import Card, save, write_json
from training import evaluate, train

__all__ = [
    "Card",
    "ModelConfig",
    "build",
    "byte_level_tokenizer",
    "corpus_tokens",
    "evaluate",
    "from_state",
    "metaspace_tokenizer",
    "save",
    "train",
]

HERE = Path(__file__).resolve().parent


def chosen(only: list[str] | None, models: Path) -> list[Recipe]:
    """The recipes to run, in order: all, or those named and whatever of their parents is missing."""
    by_name = {recipe.name: recipe for recipe in RECIPES}
    wanted = set(only or by_name)
    unknown = sorted(wanted - set(by_name))
    if unknown:
        raise SystemExit(f"unknown models: {', '.join(unknown)}; known: {', '.join(by_name)}")
    waiting = list(wanted)
    while waiting:
        missing = {name for name in by_name[waiting.pop()].needs() if not (models / name / "config.json").exists()}
        waiting += missing - wanted
        wanted |= missing
    return [recipe for recipe in RECIPES if recipe.name in wanted]


def write_truth(path: Path) -> None:
    """Write the lineage of all models."""
    models = {recipe.name: truth(recipe) for recipe in RECIPES}
    write_json(path, {"models": models, "python": platform.python_version(), "torch": str(torch.__version__)})


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the zoo of tiny transformers with known lineage.")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these models, and missing parents")
    parser.add_argument("--out", type=Path, default=HERE, metavar="DIR", help="where models/ and truth.json go")
    parser.add_argument("--check", action="store_true", help="train nothing, measure what is there")
    parser.add_argument("--steps", type=int, metavar="N", help="N steps a training, to try the script; no checks")
    return parser.parse_args()


def main() -> None:
    """Train, write, measure."""
    options = arguments()
    torch.set_num_threads(2)
    torch.set_flush_denormal(True)
    torch.use_deterministic_algorithms(True)
    models = options.out / "models"
    workshop = Workshop(models, report=lambda line: print(f"  {line}", flush=True))
    if options.steps is not None:
        workshop = Workshop(models, pretraining_steps=options.steps, tuning_steps=options.steps)
    began = time.monotonic()
    for recipe in [] if options.check else chosen(options.only, models):
        started = time.monotonic()
        loss = write(recipe, workshop)
        end = "nothing to train" if loss is None else f"final loss {loss:.3f}"
        print(f"{recipe.name}: {end}, {time.monotonic() - started:.0f} s", flush=True)
    print(f"{time.monotonic() - began:.0f} s in all")
    write_truth(options.out / "truth.json")
    if options.steps is None and all((models / recipe.name).exists() for recipe in RECIPES):
        check(models)


if __name__ == "__main__":
    main()
