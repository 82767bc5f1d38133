"""The derivatives of SmolLM2-135M-Instruct of one half: fewer than MiniLM's, as each takes 270 MB and a minute."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import bases, merging, reductions
from .checkpoints import floats, read
from .entries import Checkpoint, Entry, Half
from .objectives import continued
from .recipes import Family
from .training import Loss, Schedule

ATTENTION = r"self_attn\.[qv]_proj"
LINEAR = r"self_attn|mlp"
LAYERS = 30
BASE = "smollm2-bf16"


def family(half: Half) -> list[Entry]:
    """All of them, parents before children, in the order in which they appear."""
    one = Family("smollm2", BASE, "smollm2", half, "bfloat16")
    return [*tunings(one), *merges(one), *reduced(one)]


def text(one: Family, domain: str) -> Callable[[], Loss]:
    """The next token of a domain in the half's text."""
    return lambda: continued(bases.smollm2_tokenizer(), domain, one.half, LAYERS)


def tunings(one: Family) -> list[Entry]:
    """Trainings of all weights and of adapters."""
    pick = one.half.pick
    main, other = pick("docs", "tests"), pick("source", "docs")
    return [
        one.trained("prose", text(one, main), Schedule(pick(16, 20), pick(2e-5, 1e-5)), main),
        one.trained("code", text(one, other), Schedule(pick(14, 16), pick(1e-5, 3e-5), 0.01), other),
        one.trained("pure", text(one, main), Schedule(pick(14, 16), pick(2e-5, 5e-5), pure=True), main),
        one.trained("prose-code", text(one, other), Schedule(pick(14, 12), pick(1e-5, 2e-5)), other, parent="prose"),
        one.adapted(
            "lora",
            "lora",
            text(one, other),
            Schedule(pick(12, 14), pick(2e-4, 1e-4)),
            other,
            targets=ATTENTION,
            dtype=pick("bfloat16", "float16"),
        ),
        one.adapted(
            "qlora",
            "qlora",
            text(one, main),
            Schedule(pick(12, 14), pick(1e-4, 2e-4)),
            main,
            targets=LINEAR,
            dtype="bfloat16",
            base=reductions.four_bits,
        ),
    ]


def merges(one: Family) -> list[Entry]:
    """A straight mean and TIES, in bfloat16 as mergekit computes them."""
    pick, both = one.half.pick, ("prose", "code")
    shares, dense = pick((0.6, 0.4), (0.3, 0.7)), pick(0.5, 0.6)
    mean = lambda seed: lambda base, models: merging.linear(models, shares)  # noqa: E731
    ties = lambda seed: lambda base, models: merging.ties(base, models, (0.5, 0.5), dense)  # noqa: E731
    return [
        one.merge("merge-linear", f"linear: {shares}", mean, both, "bfloat16"),
        one.merge("merge-ties", f"ties: (0.5, 0.5), density {dense}", ties, both, "bfloat16"),
    ]


def reduced(one: Family) -> list[Entry]:
    """Quantised, quantised and back, layers left out."""
    pick = one.half.pick
    gone = pick({20, 21, 22}, {24, 25})
    kept = tuple(layer for layer in range(LAYERS) if layer not in gone)

    def cut(folder: Path, seed: int) -> Checkpoint:
        del seed
        state, before = reductions.cut(floats(read(folder / one.name("code"))), kept)
        return Checkpoint("smollm2", state, "bfloat16", before=before)

    return [
        one.copy("gguf", "float16", parent="prose", form=pick("Q8_0", "Q4_1")),
        one.copy("gguf-back", pick("float16", "bfloat16"), parent="gguf"),
        one.entry("cut", "depth_pruned", "medium", f"without layers {sorted(gone)}, not trained", cut, ("code",)),
    ]
