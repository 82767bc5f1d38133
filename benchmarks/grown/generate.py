"""Grow many small families whose trees are known: stars, chains, and parents drawn at random, at both drifts.

    python benchmarks/grown/generate.py FOLDER [--families 0:140]

Needs torch, tokenizers and safetensors. A family is a root and six to nine models that descend from it, each trained on
as its parent's file has it (bfloat16). Heavy drift moves weights by 2 to 10 %, as the small zoos do,
light drift by 0.02 to 0.5 %, as real fine-tunes do. Every family follows from its number alone; those there are kept.
Families of even numbers are for development, those of odd ones are held out. Of the first 48 half are light; of the
next 44 only the light ones are made, of the 48 after those only the heavy ones: 24 of each drift were too few to say
what geometry is worth on others.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "zoo"))

import torch
from architecture import ModelConfig
from recipes import initial
from storage import read_state
from train import Card, byte_level_tokenizer, corpus_tokens, from_state, save, train

CONFIG = ModelConfig(hidden=48, layers=4, heads=3, kv_heads=3, head_dim=16, ffn=96, context=40)
SHAPES = ("star", "chain", "random")
DRIFTS = ("heavy", "light")
TEXTS = (("source",), ("docs",), ("tests",), ("docs", "tests"), ("source", "docs"))
RATES: Mapping[str, tuple[float, float]] = {"heavy": (6e-5, 4e-4), "light": (2e-6, 4e-5)}
STEPS: Mapping[str, tuple[int, int]] = {"heavy": (40, 200), "light": (20, 90)}
BATCH = 8
ONLY_LIGHT, ONLY_HEAVY = range(48, 92), range(92, 140)
"""Numbers of families of which those of the other drift are left out."""


@dataclass(frozen=True, slots=True)
class Member:
    """One model of a family: its parents by number, and how it is trained; merges are not trained."""

    parents: tuple[int, ...]
    text: tuple[str, ...]
    steps: int
    rate: float
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Family:
    """A family by its number: every twelve are the three shapes at both drifts, of either half."""

    number: int

    @property
    def shape(self) -> str:
        """Star, chain or random."""
        return SHAPES[(self.number // 4) % 3]

    @property
    def drift(self) -> str:
        """Heavy or light."""
        return DRIFTS[(self.number // 2) % 2]

    @property
    def half(self) -> str:
        """Development or held_out."""
        return "held_out" if self.number % 2 else "development"

    @property
    def made(self) -> bool:
        """Whether it is one of those that are made."""
        left_out = ONLY_LIGHT if self.drift == "heavy" else ONLY_HEAVY
        return self.number not in left_out

    def name(self, member: int) -> str:
        """The name of a member, and of its folder."""
        return f"family{self.number:03}-{member}"

    def members(self) -> list[Member]:
        """The members in the order of their making, the root first."""
        draw = np.random.default_rng(90_000 + self.number)
        text = TEXTS[draw.integers(len(TEXTS))]
        members = [Member((), text, 1200, 3e-3)]
        low, high = RATES[self.drift]
        for number in range(1, int(draw.integers(7, 11))):
            parent = {"star": 0, "chain": number - 1, "random": int(draw.integers(number))}[self.shape]
            if self.shape == "random" and number > 2 and draw.random() < 0.12:
                first, second = draw.choice(number, 2, replace=False).tolist()
                members.append(Member((first, second), (), 0, 0.0, float(draw.uniform(0.3, 0.7))))
                continue
            rate = float(np.exp(draw.uniform(np.log(low), np.log(high))))
            members.append(
                Member((parent,), TEXTS[draw.integers(len(TEXTS))], int(draw.integers(*STEPS[self.drift])), rate)
            )
        return members


def state_of(family: Family, member: Member, number: int, folder: Path) -> dict[str, torch.Tensor]:
    """The weights of a member, trained from its parent's file or mixed of its parents'."""
    states = [{n: t.float() for n, t in read_state(folder / family.name(parent)).items()} for parent in member.parents]
    if len(states) == 2:
        return {n: member.share * t + (1 - member.share) * states[1][n] for n, t in states[0].items()}
    model = from_state(CONFIG, states[0] if states else initial(CONFIG, 70_000 + family.number))
    tokens = corpus_tokens("byte_level", *member.text)
    train(model, tokens, member.steps, member.rate, 1_000 * family.number + number, batch=BATCH)
    return model.state_dict()


def grow(family: Family, folder: Path) -> None:
    """Make what is missing of a family."""
    for number, member in enumerate(family.members()):
        place = folder / family.name(number)
        if not (place / "config.json").exists():
            state = state_of(family, member, number, folder)
            card = Card(f"Member {number} of a grown family.", None, None)
            save(CONFIG, state, place, tokenizer=byte_level_tokenizer(), card=card)


def truth(families: list[Family]) -> dict[str, object]:
    """What truth.json says: the schema of the large zoo's, with the shape, drift and half of every family."""
    models = {}
    for family in families:
        for number, member in enumerate(family.members()):
            models[family.name(number)] = {
                "parents": [family.name(p) for p in member.parents],
                "category": "root" if not member.parents else "merged" if len(member.parents) == 2 else "finetuned",
                "root": family.name(0),
                "shape": family.shape,
                "drift": family.drift,
                "half": family.half,
                "steps": member.steps,
                "rate": member.rate,
                "text": list(member.text),
            }
    return {"models": models}


def main() -> None:
    """Grow the families that are asked for."""
    parser = argparse.ArgumentParser(description="grow small families of known trees")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--families", default="0:140", metavar="FROM:TO", help="numbers of families (0:140)")
    asked = parser.parse_args()
    first, last = map(int, asked.families.split(":"))
    every = (Family(number) for number in range(first, last))
    families = [family for family in every if family.made]
    asked.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    for family in families:
        grow(family, asked.folder)
        print(f"family {family.number}: {family.shape}, {family.drift}, {len(family.members())} models", flush=True)
    (asked.folder / "truth.json").write_text(json.dumps(truth(families), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
