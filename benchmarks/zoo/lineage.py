"""What a model of the zoo is: its parents, its category, how strongly it was changed, and how it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import bundled  # noqa: F401  (the next imports need it)
from architecture import ModelConfig
from checkpoints import Checkpoint, Config, initial, read
from corpus import byte_level_tokenizer, metaspace_tokenizer
from editions import FIRST, initial_seed, name_of, seed_of, stranger_name
from plain_transformers import PlainConfig
from surgery import State
from tokenizers import Tokenizer
from tuning import fit

SOURCE, DOCS, TESTS, REST = ("source",), ("docs",), ("tests",), ("docs", "tests")
PRETRAINING_STEPS, PRETRAINING_RATE = 1400, 3e-3
SHORT_STEPS, SHORT_RATE = 100, 4e-3
HEALING_STEPS, TUNING_RATE = 120, 4e-4


@dataclass(frozen=True, slots=True)
class Root:
    """A model trained from random weights, and how much of a family it has.

    `few` is some fine-tunes and fewer bits; `wrapped` adds a multimodal wrapper; `structures` other shapes, merges and
    rewritings; `full` every category but long trainings and twins, which only `long` has too.
    """

    name: str
    seed: int
    config: Config
    held_out: bool
    kind: str = "byte_level"
    extent: Literal["few", "wrapped", "structures", "full", "long"] = "few"
    edition: int = FIRST


BASE = ModelConfig(hidden=96, layers=6, heads=6, kv_heads=3, head_dim=16, ffn=192, context=64)
WIDE = ModelConfig(hidden=128, layers=4, heads=8, kv_heads=8, head_dim=16, ffn=256, context=64, tied=False)
DEEP = ModelConfig(hidden=64, layers=10, heads=4, kv_heads=1, head_dim=16, ffn=160, context=64)
BIASED = replace(DEEP, layers=5, kv_heads=2, ffn=192, tied=False, qkv_bias=True)
SPARSE = replace(DEEP, layers=4, kv_heads=2, ffn=96, experts=4)
GPT2, BERT = PlainConfig("gpt2"), PlainConfig("bert", layers=4)

ROOTS = (
    Root("oak", 1, BASE, held_out=False, extent="long"),
    Root("fir", 2, BASE, held_out=True, extent="long"),
    Root("yew", 3, BASE, held_out=True, extent="wrapped"),
    Root("maple", 4, WIDE, held_out=False, extent="full"),
    Root("hazel", 6, BIASED, held_out=False, kind="metaspace"),
    Root("rowan", 7, GPT2, held_out=False),
    Root("linden", 8, BERT, held_out=True),
    Root("poplar", 9, SPARSE, held_out=False),
    Root("larch", 5, DEEP, held_out=True, extent="structures"),
)
SHAPES: tuple[tuple[str, Config, int], ...] = (
    ("base", BASE, 32),
    ("wide", WIDE, 12),
    ("deep", DEEP, 8),
    ("biased", BIASED, 4),
    ("gpt2", GPT2, 4),
    ("bert", BERT, 2),
    ("sparse", SPARSE, 2),
)
"""(name, config, how many strangers of it): most have a root of equal architecture, tokenizer and text."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One model. `make` gets the folder of all models and finds the parents there.

    `strength` is light, medium or heavy; `rewritten` marks what hides its origin on purpose; `initialisation` names the
    root whose random weights a model started from without descending from it.
    """

    name: str
    category: str
    strength: str
    how: str
    make: Callable[[Path], Checkpoint]
    parents: tuple[str, ...] = ()
    root: str = ""
    held_out: bool = False
    rewritten: bool = False
    initialisation: str | None = None

    def truth(self) -> dict[str, object]:
        """What truth.json says of it."""
        content: dict[str, object] = {
            "parents": list(self.parents),
            "category": self.category,
            "strength": self.strength,
            "how": self.how,
            "root": self.root,
            "split": "held_out" if self.held_out else "development",
            "rewritten": self.rewritten,
        }
        return content if self.initialisation is None else content | {"initialisation": self.initialisation}


def weights(folder: Path, name: str) -> tuple[ModelConfig, State]:
    """Config and weights of a llama-like model of the zoo."""
    config, state = read(folder / name)
    assert isinstance(config, ModelConfig)
    return config, state


def roots(edition: int) -> tuple[Root, ...]:
    """The roots of an edition: those of the first, under other names and from other random weights."""
    named = [(root, name_of(root.name, edition)) for root in ROOTS]
    return tuple(
        replace(root, name=name, seed=initial_seed(root.seed, name, edition), edition=edition) for root, name in named
    )


def root_entry(root: Root) -> Entry:
    """A pretraining from random weights."""

    def make(folder: Path) -> Checkpoint:
        del folder
        start = initial(root.config, root.seed)
        seed, steps = seed_of(root.name), PRETRAINING_STEPS
        state = fit(root.config, start, SOURCE, steps, PRETRAINING_RATE, seed, kind=root.kind, edition=root.edition)
        return Checkpoint(root.config, state, tokenizer=tokenizer_of(root.kind))

    how = f"{PRETRAINING_STEPS} steps at {PRETRAINING_RATE:g} on source"
    return Entry(root.name, "root", "", how, make, root=root.name, held_out=root.held_out)


def tokenizer_of(kind: str) -> Tokenizer:
    """The tokenizer of a kind of text."""
    return byte_level_tokenizer() if kind == "byte_level" else metaspace_tokenizer()


def strangers(edition: int) -> list[Entry]:
    """Models that are related to no other, shortly trained."""
    found = []
    for label, config, count in SHAPES:
        for number in range(count):
            kind = "metaspace" if label == "biased" else "byte_level"
            name = stranger_name(label, number, edition)
            seed = 100_000 + seed_of(name)

            def make(folder: Path, config: Config = config, kind: str = kind, seed: int = seed) -> Checkpoint:
                del folder
                start = initial(config, seed)
                state = fit(config, start, SOURCE, SHORT_STEPS, SHORT_RATE, seed + 1, kind=kind, edition=edition)
                return Checkpoint(config, state, tokenizer=tokenizer_of(kind))

            how = f"{SHORT_STEPS} steps at {SHORT_RATE:g} on source"
            found.append(Entry(name, "stranger", "", how, make, root=name, held_out=bool(number % 2)))
    return found
