"""The derivatives of all-MiniLM-L6-v2 of one half: a star of fine-tunes, chains, merges, copies and reductions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import bases, merging, reductions
from .checkpoints import floats, read
from .entries import Checkpoint, Entry, Half
from .objectives import classified, classifier_head, contrastive, masked, prediction_head
from .recipes import Family
from .training import Loss, Schedule

ATTENTION = r"attention\.self\.(query|value)\.weight"
LINEAR = r"encoder\.layer\..*dense\.weight|attention\.self\.\w+\.weight"
WORDS = 30522


def family(half: Half) -> list[Entry]:
    """All of them, parents before children, in the order in which they appear."""
    one = Family("minilm", "minilm", "minilm", half, "float32")
    return [*tunings(one), *other_objectives(one), *adapters(one), *merges(one), *copies(one), *reduced(one)]


def paired(one: Family, domain: str) -> Callable[[], Loss]:
    """Sentence pairs of a domain in the half's text."""
    return lambda: contrastive(bases.minilm_tokenizer(), domain, one.half)


def pairs(
    one: Family,
    suffix: str,
    domain: str,
    steps: int,
    rate: float,
    *,
    parent: str = "",
    dtype: str = "",
    decay: float = 0.0,
    pure: bool = False,
) -> Entry:
    """A training of all weights on sentence pairs of a domain."""
    schedule = Schedule(steps, rate, decay, pure)
    return one.trained(suffix, paired(one, domain), schedule, f"pairs of {domain}", parent=parent, dtype=dtype)


def tunings(one: Family) -> list[Entry]:
    """A star of fine-tunes on sentence pairs, and chains from two of them."""
    pick, half = one.half.pick, "bfloat16"
    main, other = pick("docs", "source"), pick("source", "docs")
    return [
        pairs(one, "pairs", main, pick(40, 50), pick(2e-5, 1.5e-5)),
        pairs(one, "code", other, pick(40, 36), pick(2e-5, 3e-5), decay=0.01),
        pairs(one, "slight", pick("tests", "source"), pick(50, 30), pick(1e-6, 2e-6), dtype=half),
        pairs(one, "longer", main, pick(80, 90), pick(4e-5, 3e-5)),
        pairs(one, "pure", main, pick(40, 30), pick(2e-5, 3e-5), dtype=half, pure=True),
        pairs(one, "halved", "tests", pick(30, 40), pick(5e-5, 2e-5), dtype=half, decay=0.01),
        pairs(one, "pairs-code", other, pick(30, 36), pick(1e-5, 2e-5), parent="pairs"),
        pairs(one, "pairs-code-tests", "tests", pick(36, 30), pick(2e-5, 1e-5), parent="pairs-code"),
        pairs(one, "pairs-back", main, pick(12, 16), pick(2e-6, 3e-6), parent="pairs"),
        pairs(one, "pure-tests", "tests", pick(30, 36), pick(1e-5, 2e-5), parent="pure", dtype=half, pure=True),
    ]


def other_objectives(one: Family) -> list[Entry]:
    """The embeddings alone, classes of text, masked words."""
    half, pick = one.half, one.half.pick
    main, other = pick("docs", "source"), pick("source", "docs")
    return [
        one.trained(
            "words",
            paired(one, other),
            Schedule(pick(40, 30), pick(1e-4, 2e-4)),
            f"pairs of {other}, embeddings alone",
            only="word_embeddings",
            category="embeddings_only",
        ),
        one.trained(
            "classes",
            lambda: classified(bases.minilm_tokenizer(), half),
            Schedule(pick(40, 30), pick(3e-5, 5e-5), 0.01),
            "classes of text",
            start=lambda state, seed: state | classifier_head(seed),
            head="BertForSequenceClassification",
        ),
        one.trained(
            "masked",
            lambda: masked(bases.minilm_tokenizer(), main, half),
            Schedule(pick(40, 30), pick(5e-5, 3e-5), 0.01),
            f"masked words of {main}",
            start=lambda s, seed: {n: t for n, t in s.items() if "pooler" not in n} | prediction_head(WORDS, seed),
            head="BertForMaskedLM",
        ),
    ]


def adapters(one: Family) -> list[Entry]:
    """LoRA and QLoRA, merged."""
    pick = one.half.pick
    main = pick("docs", "source")
    low = Schedule(pick(40, 50), pick(2e-4, 1e-4))
    four = Schedule(pick(40, 30), pick(1e-4, 2e-4))
    return [
        one.adapted("lora", "lora", paired(one, main), low, f"pairs of {main}", targets=ATTENTION, dtype="float32"),
        one.adapted(
            "qlora",
            "qlora",
            paired(one, "tests"),
            four,
            "pairs of tests",
            targets=pick(LINEAR, ATTENTION),
            dtype=pick("bfloat16", "float16"),
            base=reductions.four_bits,
        ),
    ]


def merges(one: Family) -> list[Entry]:
    """Five methods, and a training of one of their results."""
    pick, both, dtype = one.half.pick, ("pairs", "code"), one.half.pick("float32", "bfloat16")
    shares, others = pick((0.6, 0.4), (0.7, 0.3)), pick((0.5, 0.5), (0.6, 0.5))
    dense, part = pick(0.5, 0.6), pick(0.5, 0.35)
    tables = (
        ("linear", f"{shares}", lambda seed: lambda base, models: merging.linear(models, shares), both),
        (
            "slerp",
            f"share {part}",
            lambda seed: lambda base, models: merging.slerp(models[0], models[1], part),
            ("longer", "code"),
        ),
        ("task", f"{others}", lambda seed: lambda base, models: merging.task_arithmetic(base, models, others), both),
        (
            "ties",
            f"{others}, density {dense}",
            lambda seed: lambda base, models: merging.ties(base, models, others, dense),
            ("longer", "halved"),
        ),
        (
            "dare",
            f"linear, {others}, density {dense}",
            lambda seed: lambda base, models: merging.dare_linear(base, models, others, dense, seed),
            both,
        ),
    )
    found = [one.merge(f"merge-{name}", f"{name}: {how}", make, of, dtype) for name, how, make, of in tables]
    after = one.trained(
        "merge-linear-tests",
        paired(one, "tests"),
        Schedule(pick(30, 24), pick(1e-5, 2e-5)),
        "pairs of tests",
        parent="merge-linear",
        dtype=dtype,
    )
    return [*found, after]


def copies(one: Family) -> list[Entry]:
    """Other types and formats of what exists, and back."""
    pick = one.half.pick
    whose = pick("", "code")
    return [
        one.copy("bf16", "bfloat16", parent=whose),
        one.copy("pairs-fp16", "float16", parent="pairs"),
        one.copy("gguf", "float16", parent=pick("pairs", "longer"), form="Q8_0"),
        one.copy("gguf-back", pick("float16", "bfloat16"), parent="gguf"),
    ]


def reduced(one: Family) -> list[Entry]:
    """Sparse, cut, 8 bits, and noise."""
    pick = one.half.pick
    density, size = pick(0.7, 0.8), pick(0.002, 0.004)
    kept = pick((0, 1, 2, 3), (0, 1, 3, 5))

    def cut(folder: Path, seed: int) -> Checkpoint:
        del seed
        state, before = reductions.cut(floats(read(folder / one.name("code"))), kept)
        return Checkpoint("minilm", state, "float32", before=before)

    return [
        one.changed(
            "sparse",
            "sparse",
            f"{1 - density:.0%} of each matrix to 0 by magnitude",
            lambda state, seed: reductions.sparse(state, density),
            parent="pairs",
        ),
        one.entry("cut", "depth_pruned", "medium", f"layers {kept}, not trained", cut, ("code",)),
        one.changed(
            "int8",
            "quantised_8bit",
            "8 bits, one scale a tensor, and back",
            lambda state, seed: reductions.eight_bits(state),
            parent=pick("longer", "pairs"),
        ),
        one.changed(
            "noise",
            "noise",
            f"{size:.1%} noise",
            lambda state, seed: reductions.noisy(state, size, seed),
            parent=pick("", "pairs"),
        ),
    ]
