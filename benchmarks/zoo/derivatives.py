"""Everything that is made from a root: the categories that the literature tests, one function a group of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import bundled  # noqa: F401  (the next imports need it)
import merging
import resizing
import rewrites
import surgery
from architecture import ModelConfig
from checkpoints import Checkpoint, Config, initial, read
from corpus import extended_tokenizer, metaspace_tokenizer
from editions import FIRST, dropped_layers, seed_of
from lineage import (
    DOCS,
    HEALING_STEPS,
    PRETRAINING_RATE,
    PRETRAINING_STEPS,
    REST,
    SOURCE,
    TESTS,
    TUNING_RATE,
    Entry,
    Root,
    tokenizer_of,
    weights,
)
from recipes import same_function
from surgery import State
from texts import edition_tokens, encoded
from tuning import fit, low_rank

Change = Callable[[ModelConfig, State, int], tuple[ModelConfig, State]]
NEW_TOKENS = 64
LONG, HARD, TUNED = PRETRAINING_STEPS, PRETRAINING_STEPS + 400, f"{TUNING_RATE:g}"


def entry(
    root: Root,
    suffix: str,
    category: str,
    strength: str,
    how: str,
    make: Callable[[Path, int], Checkpoint],
    parents: tuple[str, ...] = ("",),
    *,
    rewritten: bool = False,
    initialisation: str | None = None,
) -> Entry:
    """An entry of the family of `root`; `parents` are suffixes too, the root's being empty."""
    name = f"{root.name}-{suffix}"
    seed = seed_of(name)
    return Entry(
        name,
        category,
        strength,
        how,
        lambda folder: make(folder, seed),
        tuple(f"{root.name}-{p}" if p else root.name for p in parents),
        root.name,
        root.held_out,
        rewritten,
        initialisation,
    )


def tuned(
    root: Root,
    suffix: str,
    category: str,
    strength: str,
    text: tuple[str, ...],
    steps: int,
    rate: float,
    parent: str = "",
    **options: object,
) -> Entry:
    """A training of the parent as it is; `options` are those of `fit`."""

    def make(folder: Path, seed: int) -> Checkpoint:
        config, state = read(folder / (f"{root.name}-{parent}" if parent else root.name))
        result = fit(config, state, text, steps, rate, seed, kind=root.kind, edition=root.edition, **options)  # type: ignore[arg-type]
        return Checkpoint(config, result, tokenizer=tokenizer_of(root.kind))

    how = f"{steps} steps at {rate:g} on {' and '.join(text)}"
    return entry(root, suffix, category, strength, how, make, (parent,))


def healed(root: Root, suffix: str, category: str, strength: str, how: str, change: Change) -> Entry:
    """A change of structure, then a short training on the text of the pretraining."""

    def make(folder: Path, seed: int) -> Checkpoint:
        config, state = change(*weights(folder, root.name), seed)
        result = fit(config, state, SOURCE, HEALING_STEPS, TUNING_RATE, seed, kind=root.kind, edition=root.edition)
        return Checkpoint(config, result, tokenizer=tokenizer_of(root.kind))

    return entry(root, suffix, category, strength, f"{how}; {HEALING_STEPS} steps on source", make)


def tunings(root: Root) -> list[Entry]:
    """Fine-tunes of all weights and of some, chains of them, continued pretraining, small steps."""

    def lora(folder: Path, seed: int) -> Checkpoint:
        config, state = weights(folder, root.name)
        return Checkpoint(config, low_rank(config, state, DOCS, 150, 2e-3, seed, rank=4, edition=root.edition))

    return [
        tuned(root, "docs", "finetuned", "light", DOCS, 120, TUNING_RATE),
        tuned(root, "tests", "finetuned", "medium", TESTS, 240, TUNING_RATE),
        tuned(root, "docs-tests", "chain", "medium", TESTS, 120, TUNING_RATE, "docs"),
        tuned(root, "docs-tests-source", "chain", "heavy", SOURCE, 120, TUNING_RATE, "docs-tests"),
        entry(root, "lora", "lora", "light", "rank 4 in q and v, 150 steps at 0.002 on docs, merged", lora),
        tuned(root, "rl", "reinforced", "light", DOCS, 60, 2e-5, reinforced=True),
        tuned(root, "attention", "attention_only", "medium", DOCS, 120, TUNING_RATE, only=r"self_attn"),
        tuned(root, "ffn", "ffn_only", "medium", DOCS, 120, TUNING_RATE, only=r"mlp"),
        tuned(root, "cpt-short", "continued_pretraining", "medium", REST, 300, 1e-3),
    ]


def long_trainings(root: Root) -> list[Entry]:
    """As long as the pretraining, and longer at twice its learning rate."""
    return [
        tuned(root, "cpt-long", "continued_pretraining", "heavy", REST, LONG, PRETRAINING_RATE),
        tuned(root, "cpt-hard", "continued_pretraining_hard", "heavy", DOCS, HARD, 2 * PRETRAINING_RATE),
    ]


def structures(root: Root, config: ModelConfig) -> list[Entry]:
    """Other depths, widths, experts."""
    dropped = dropped_layers(config.layers, root.edition)
    fewer = tuple(i for i in range(config.layers) if i not in dropped)
    shift = 0 if root.edition == FIRST else 1
    more = (*range(config.layers - 2 + shift), *range(1 + shift, config.layers))

    def layers(kept: tuple[int, ...]) -> Change:
        return lambda c, s, seed: (replace(c, layers=len(kept)), surgery.select_layers(s, kept))

    def everything(c: ModelConfig, s: State, seed: int) -> tuple[ModelConfig, State]:
        c, s = resizing.prune_neurons(c, s, c.ffn * 3 // 4)
        return resizing.prune_hidden(*resizing.prune_heads(c, s, c.kv_heads - 1), c.hidden * 3 // 4)

    found = [
        healed(root, "pruned", "depth_pruned", "medium", f"layers {fewer}", layers(fewer)),
        healed(root, "upscaled", "depth_upscaled", "medium", f"layers {more}", layers(more)),
        healed(
            root,
            "neurons-cut",
            "neurons_pruned",
            "medium",
            "two thirds of the neurons",
            lambda c, s, seed: resizing.prune_neurons(c, s, c.ffn * 2 // 3),
        ),
        healed(
            root,
            "hidden-cut",
            "hidden_pruned",
            "medium",
            "three quarters of the residual stream",
            lambda c, s, seed: resizing.prune_hidden(c, s, c.hidden * 3 // 4),
        ),
        healed(
            root,
            "moe",
            "experts_upcycled",
            "medium",
            "four copies of each feed-forward",
            lambda c, s, seed: (replace(c, experts=4), surgery.upcycle(s, 4, seed)),
        ),
    ]
    if config.kv_heads > 1:
        heads = "one group of heads less"
        found += [
            healed(
                root,
                "heads-cut",
                "heads_pruned",
                "medium",
                heads,
                lambda c, s, seed: resizing.prune_heads(c, s, c.kv_heads - 1),
            ),
            healed(root, "width-cut", "width_pruned", "heavy", f"{heads}, 3/4 of neurons and hidden", everything),
        ]
    return found


def ends(root: Root) -> list[Entry]:
    """Vocabulary extended and replaced, embeddings replaced."""

    def extended(folder: Path, seed: int) -> Checkpoint:
        config, state = weights(folder, root.name)
        wider = replace(config, vocab=config.vocab + NEW_TOKENS)
        more = surgery.extend_vocabulary(state, NEW_TOKENS, seed)
        if surgery.HEAD in state:
            swapped = surgery.extend_vocabulary({surgery.EMBEDDING: state[surgery.HEAD]}, NEW_TOKENS, seed + 1)
            more[surgery.HEAD] = swapped[surgery.EMBEDDING]
        tokenizer = extended_tokenizer(NEW_TOKENS)
        tokens = encoded(tokenizer, root.edition, *DOCS)
        result = fit(wider, more, DOCS, HEALING_STEPS, TUNING_RATE, seed, tokens=tokens)
        return Checkpoint(wider, result, tokenizer=tokenizer)

    def replaced(folder: Path, seed: int) -> Checkpoint:
        tokenizer = metaspace_tokenizer()
        config, state = resizing.new_ends(*weights(folder, root.name), tokenizer.get_vocab_size(), seed)
        tokens = edition_tokens("metaspace", root.edition, *DOCS)
        return Checkpoint(config, fit(config, state, DOCS, 240, 1e-3, seed, tokens=tokens), tokenizer=tokenizer)

    def embeddings(folder: Path, seed: int) -> Checkpoint:
        config, state = weights(folder, root.name)
        config, state = resizing.new_ends(config, state, config.vocab, seed)
        return Checkpoint(config, fit(config, state, SOURCE, 240, 1e-3, seed, edition=root.edition))

    return [
        entry(root, "extended", "vocabulary_extended", "light", "64 tokens appended, 120 steps on docs", extended),
        entry(root, "respelled", "vocabulary_replaced", "heavy", "new tokenizer, random ends, 240 steps", replaced),
        entry(root, "reembedded", "embeddings_replaced", "heavy", "random embeddings, 240 steps at 0.001", embeddings),
    ]


def precisions(root: Root) -> list[Entry]:
    """Fewer bits, in safetensors and in GGUF."""

    def round_trip(bits: int, parent: str = "") -> Callable[[Path, int], Checkpoint]:
        def make(folder: Path, seed: int) -> Checkpoint:
            config, state = read(folder / (f"{root.name}-{parent}" if parent else root.name))
            return Checkpoint(config, resizing.rounded(state, bits), tokenizer=tokenizer_of(root.kind))

        return make

    found = [
        entry(root, "int8", "quantised_8bit", "light", "8 bits in groups of 32", round_trip(8)),
        entry(root, "int4", "quantised_4bit", "medium", "4 bits in groups of 32", round_trip(4)),
        entry(root, "int3", "quantised_3bit", "heavy", "3 bits in groups of 32", round_trip(3)),
    ]
    llama = isinstance(root.config, ModelConfig) and root.kind == "byte_level"
    return [*found, *gguf_files(root)] if llama else found


def gguf_files(root: Root) -> list[Entry]:
    """The root as llama.cpp would quantise it."""

    def make(form: str) -> Callable[[Path, int], Checkpoint]:
        return lambda folder, seed: Checkpoint(*weights(folder, root.name), form=form)

    forms = (("Q8_0", "light"), ("Q5_0", "medium"), ("Q4_0", "medium"))
    return [
        entry(root, form.lower().replace("_", ""), "gguf", strength, f"GGUF {form}", make(form))
        for form, strength in forms
        if not getattr(root.config, "experts", 0)
    ]


def merges(root: Root, config: ModelConfig) -> list[Entry]:
    """Of the two fine-tunes, and of a longer training with one of them."""
    half = tuple(range(config.layers // 2 + 1)), tuple(range(config.layers // 2 - 1, config.layers))

    def merged(how: Callable[[State, State, State, int], State], *parents: str) -> Callable[[Path, int], Checkpoint]:
        def make(folder: Path, seed: int) -> Checkpoint:
            states = [weights(folder, f"{root.name}-{p}")[1] for p in parents]
            state = how(weights(folder, root.name)[1], *states, seed)
            return Checkpoint(replace(config, layers=surgery.layer_count(state)), state)

        return make

    tables: tuple[tuple[str, str, str, Callable[[State, State, State, int], State]], ...] = (
        ("linear", "light", "mean", lambda base, a, b, seed: surgery.average(a, b)),
        ("slerp", "light", "SLERP", lambda base, a, b, seed: merging.slerp(a, b)),
        ("ties", "medium", "TIES, density 0.5", lambda base, a, b, seed: merging.ties(base, [a, b])),
        ("dare", "medium", "DARE, half dropped", lambda base, a, b, seed: merging.dare(base, [a, b], seed)),
        ("stacked", "heavy", f"layers {half}", lambda base, a, b, seed: merging.passthrough(a, b, *half)),
    )
    pair = ("docs", "tests")
    found = [
        entry(root, f"merge-{name}", f"merge_{name}", strength, how, merged(make, *pair), pair)
        for name, strength, how, make in tables
    ]
    far = ("cpt-short", "tests")
    average = merged(lambda base, a, b, seed: surgery.average(a, b), *far)
    return [*found, entry(root, "merge-far", "merge_linear", "medium", "mean", average, far)]


def wrapper(root: Root) -> Entry:
    """The language model of a multimodal checkpoint."""
    how = "names of Llava, random vision tower and projector"
    make = lambda folder, seed: Checkpoint(*weights(folder, f"{root.name}-docs"), form="multimodal", seed=seed)  # noqa: E731
    return entry(root, "vision", "multimodal", "light", how, make, ("docs",))


def rewritten(root: Root) -> list[Entry]:
    """The root under rewritings of its function; each is checked to be the same function."""
    turned = surgery.rotate_residual

    def heads(c: ModelConfig, s: State, seed: int) -> State:
        return rewrites.permute_heads(c, surgery.permute_neurons(s, seed), seed + 1)

    def permuted(c: ModelConfig, s: State, seed: int) -> State:
        return rewrites.permute_hidden(heads(c, s, seed), seed + 2)

    def hidden_all(c: ModelConfig, s: State, seed: int) -> State:
        return rewrites.rescale(c, rewrites.flip_signs(c, permuted(c, s, seed), seed + 3), seed + 4)

    def all_of_it(c: ModelConfig, s: State, seed: int) -> State:
        return rewrites.rotate_heads(c, rewrites.rescale(c, heads(c, turned(s, seed), seed), seed + 2), seed + 3)

    tables: tuple[tuple[str, str, str, Callable[[ModelConfig, State, int], State]], ...] = (
        ("neurons", "neurons_permuted", "light", lambda c, s, seed: surgery.permute_neurons(s, seed)),
        ("heads", "heads_permuted", "light", rewrites.permute_heads),
        ("shuffled", "hidden_permuted", "medium", lambda c, s, seed: rewrites.permute_hidden(s, seed)),
        ("rotated", "rotated", "medium", lambda c, s, seed: turned(s, seed)),
        ("folded", "norms_folded", "light", lambda c, s, seed: rewrites.fold_norms(s)),
        ("rescaled", "scaled", "medium", rewrites.rescale),
        ("flipped", "signs_flipped", "medium", rewrites.flip_signs),
        ("turned-heads", "heads_rotated", "medium", rewrites.rotate_heads),
        ("neurons-heads", "neurons_heads_permuted", "medium", heads),
        ("all-permuted", "all_permuted", "heavy", permuted),
        ("all-hidden", "permuted_flipped_scaled", "heavy", hidden_all),
        (
            "rotated-neurons",
            "rotated_neurons",
            "heavy",
            lambda c, s, seed: turned(surgery.permute_neurons(s, seed), seed),
        ),
        ("everything", "everything_rewritten", "heavy", all_of_it),
    )
    found = [rewriting(root, *table) for table in tables]
    return [*found, *(noisy(root, percent) for percent in (1, 5, 20))]


def rewriting(
    root: Root, suffix: str, category: str, strength: str, rewrite: Callable[[ModelConfig, State, int], State]
) -> Entry:
    """One rewriting; making it raises AssertionError unless the logits stay as they were."""

    def make(folder: Path, seed: int) -> Checkpoint:
        config, state = weights(folder, root.name)
        result = rewrite(config, state, seed)
        other = replace(config, tied=surgery.HEAD not in result)
        same_function(config, state, other, result)
        return Checkpoint(other, result)

    return entry(root, suffix, category, strength, category.replace("_", " "), make, rewritten=True)


def noisy(root: Root, percent: int) -> Entry:
    """Noise to hide behind."""

    def make(folder: Path, seed: int) -> Checkpoint:
        config, state = weights(folder, root.name)
        return Checkpoint(config, rewrites.add_noise(state, percent / 100, seed))

    strength = "light" if percent < 5 else "medium" if percent < 20 else "heavy"
    return entry(root, f"noise{percent}", "noise", strength, f"{percent} % noise", make, rewritten=True)


def twins(root: Root) -> list[Entry]:
    """Trained apart from the random weights that the root started from: related in origin, not in training."""

    def twin(suffix: str, strength: str, text: tuple[str, ...], steps: int) -> Entry:
        def make(folder: Path, seed: int) -> Checkpoint:
            del folder
            config: Config = root.config
            start, rate = initial(config, root.seed), PRETRAINING_RATE
            state = fit(config, start, text, steps, rate, seed, kind=root.kind, edition=root.edition)
            return Checkpoint(config, state, tokenizer=tokenizer_of(root.kind))

        how = f"{steps} steps at {PRETRAINING_RATE:g} on {' and '.join(text)}"
        return entry(root, suffix, "twin", strength, how, make, (), initialisation=root.name)

    return [
        twin("twin-short", "light", SOURCE, 300),
        twin("twin-short-docs", "light", DOCS, 300),
        twin("twin-same", "heavy", SOURCE, LONG),
        twin("twin-docs", "heavy", DOCS, LONG),
    ]


def plain_depth(root: Root, stack: str, kept: tuple[int, ...]) -> Entry:
    """Fewer layers of a GPT-2 or BERT (as DistilBERT starts), healed."""

    def make(folder: Path, seed: int) -> Checkpoint:
        config, state = read(folder / root.name)
        fewer = replace(config, layers=len(kept))
        start = resizing.layers_of(state, stack, kept)
        result = fit(fewer, start, SOURCE, HEALING_STEPS, TUNING_RATE, seed, edition=root.edition)
        return Checkpoint(fewer, result)

    how = f"layers {kept}; {HEALING_STEPS} steps on source"
    return entry(root, "pruned", "depth_pruned", "medium", how, make)


def family(root: Root) -> list[Entry]:
    """All derivatives of a root, parents before children."""
    config = root.config
    few = [
        tuned(root, "docs", "finetuned", "light", DOCS, 120, TUNING_RATE),
        tuned(root, "tests", "finetuned", "medium", TESTS, 240, TUNING_RATE),
        tuned(root, "docs-tests", "chain", "medium", TESTS, 120, TUNING_RATE, "docs"),
        tuned(root, "cpt-short", "continued_pretraining", "medium", REST, 300, 1e-3),
    ]
    if not isinstance(config, ModelConfig):
        stack, kept = ("transformer.h", (0, 2, 4)) if config.kind == "gpt2" else ("bert.encoder.layer", (0, 2))
        return [*few, plain_depth(root, stack, kept), *precisions(root)]
    if root.extent in {"full", "long"}:
        most = [*tunings(root), *structures(root, config), *ends(root), *precisions(root), *merges(root, config)]
        long = [*long_trainings(root), *twins(root)] if root.extent == "long" else []
        return [*most, *long, wrapper(root), *rewritten(root)]
    if root.extent == "structures":
        return [*few, *structures(root, config), *precisions(root), *merges(root, config), *rewritten(root)]
    if root.extent == "wrapped":
        return [*few, *precisions(root), wrapper(root)]
    return [*few, *precisions(root)]
