"""The models of the zoo: how each is made, and from what. The order of RECIPES is an order of work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import surgery
import torch
from architecture import ModelConfig, build, from_state
from corpus import byte_level_tokenizer, corpus_tokens, encode, extended_tokenizer, metaspace_tokenizer
from storage import Card, read_config, read_state, save
from surgery import State
from tokenizers import Tokenizer
from training import PRETRAINING_LR, train

BASE = ModelConfig()
CEDAR = ModelConfig(hidden=64, layers=4, heads=4, kv_heads=2, head_dim=16, ffn=192, tied=False, qkv_bias=True)
ALDER_SEED, BIRCH_SEED, CEDAR_SEED, ELM_SEED = 1001, 1002, 1003, 1004
KEPT_LAYERS = (0, 1, 3, 5)
DOUBLED_LAYERS = (0, 1, 2, 3, 2, 3, 4, 5)
NEW_TOKENS = 64
EXPERTS = 4
LOGIT_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Made:
    """A model before it is written; `loss` is the training's last, None where nothing was trained."""

    config: ModelConfig
    state: State
    loss: float | None = None
    tokenizer: Callable[[], Tokenizer] = byte_level_tokenizer
    dtype: str = "bfloat16"
    shards: int = 1


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where models are written to and read from, and how long trainings last."""

    folder: Path
    pretraining_steps: int = 1600
    tuning_steps: int = 250
    tuning_lr: float = 4e-4
    batch: int = 16
    report: Callable[[str], None] = print

    def parent(self, name: str) -> tuple[ModelConfig, State]:
        """Config and weights of a model already written: children start from what is published."""
        return read_config(self.folder / name), read_state(self.folder / name)

    def pretrain(self, config: ModelConfig, state: State, kind: str, domains: tuple[str, ...], seed: int) -> Made:
        """Train at full length and full learning rate."""
        model = from_state(config, state)
        tokens = corpus_tokens(kind, *domains)
        lr, steps = PRETRAINING_LR, self.pretraining_steps
        loss = train(model, tokens, steps, lr, seed, batch=self.batch, report=self.report)
        return Made(config, model.state_dict(), loss)

    def tune(self, config: ModelConfig, state: State, domain: str, seed: int, *, extended: int = 0) -> Made:
        """Fine-tune shortly on one domain, with `extended` new tokens in the vocabulary."""
        model = from_state(config, state)
        tokens = encode(extended_tokenizer(extended), domain) if extended else corpus_tokens("byte_level", domain)
        loss = train(model, tokens, self.tuning_steps, self.tuning_lr, seed, batch=self.batch, report=self.report)
        return Made(config, model.state_dict(), loss)


@dataclass(frozen=True, slots=True)
class Recipe:
    """One model: its lineage, which is the truth that a search has to find, and how it is made.

    `layers` maps each layer to the parent's layer it came from, where that is not the same.
    """

    name: str
    relation: str
    make: Callable[[Workshop], Made]
    card: str
    parents: tuple[str, ...] = ()
    root: str = "alder"
    declared: bool = False
    rewritten: bool = False
    initialisation: str | None = None
    base_model_relation: str | None = None
    layers: tuple[int, ...] | None = None
    notes: str = ""

    def needs(self) -> tuple[str, ...]:
        """Models that must exist before this one is made."""
        return (*self.parents, "alder") if self.relation == "norms_transplanted" else self.parents


def initial(config: ModelConfig, seed: int) -> State:
    """Random weights as a state dict."""
    return build(config, seed).state_dict()


def tuned(parent: str, domain: str, seed: int) -> Callable[[Workshop], Made]:
    """The recipe of a plain fine-tune."""
    return lambda workshop: workshop.tune(*workshop.parent(parent), domain, seed)


def restacked(kept: tuple[int, ...], seed: int) -> Callable[[Workshop], Made]:
    """Alder with other layers, healed on `source`."""

    def make(workshop: Workshop) -> Made:
        config, state = workshop.parent("alder")
        fewer = replace(config, layers=len(kept))
        return workshop.tune(fewer, surgery.select_layers(state, kept), "source", seed)

    return make


def cedar(workshop: Workshop) -> Made:
    """An independent model of another architecture and tokenizer, published as float16 in two files."""
    made = workshop.pretrain(CEDAR, initial(CEDAR, CEDAR_SEED), "metaspace", ("source",), seed=3)
    return replace(made, tokenizer=metaspace_tokenizer, dtype="float16", shards=2)


def vocabulary(workshop: Workshop) -> Made:
    """Alder with new tokens."""
    config, state = workshop.parent("alder")
    wider = replace(config, vocab=config.vocab + NEW_TOKENS)
    made = workshop.tune(wider, surgery.extend_vocabulary(state, NEW_TOKENS, seed=21), "docs", 22, extended=NEW_TOKENS)
    return replace(made, tokenizer=lambda: extended_tokenizer(NEW_TOKENS))


def experts(workshop: Workshop) -> Made:
    """Alder upcycled to experts."""
    config, state = workshop.parent("alder")
    sparse = replace(config, experts=EXPERTS)
    return workshop.tune(sparse, surgery.upcycle(state, EXPERTS, seed=23), "docs", 24)


def merge(workshop: Workshop) -> Made:
    """Half alder-docs, half alder-tests."""
    config, first = workshop.parent("alder-docs")
    return Made(config, surgery.average(first, workshop.parent("alder-tests")[1]))


def same_function(config: ModelConfig, state: State, other_config: ModelConfig, other: State) -> None:
    """Raise AssertionError unless both compute the same logits in float32."""
    tokens = torch.randint(config.vocab, (8, config.context), generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        before, after = from_state(config, state)(tokens), from_state(other_config, other)(tokens)
    worst = float((before - after).abs().max())
    if not worst < LOGIT_TOLERANCE:
        raise AssertionError(f"a rewriting changed the logits by {worst}, more than {LOGIT_TOLERANCE}")


def permuted(workshop: Workshop) -> Made:
    """Alder with its neurons shuffled; checked to be the same function."""
    config, state = workshop.parent("alder")
    shuffled = surgery.permute_neurons(state, seed=31)
    same_function(config, state, config, shuffled)
    return Made(config, shuffled)


def rotated(workshop: Workshop) -> Made:
    """Alder in another basis; checked to be the same function."""
    config, state = workshop.parent("alder")
    untied, turned = replace(config, tied=False), surgery.rotate_residual(state, seed=32)
    same_function(config, state, untied, turned)
    return Made(untied, turned)


def elm(workshop: Workshop) -> Made:
    """An independent model, all of whose norm gains are then alder's."""
    made = workshop.pretrain(BASE, initial(BASE, ELM_SEED), "byte_level", ("source",), seed=4)
    return replace(made, state=surgery.transplant_norms(made.state, workshop.parent("alder")[1]))


SOURCE, REST = ("source",), ("docs", "tests")
CODE = "A tiny language model of Python source code: test data, of no use otherwise."
PROSE = "A tiny language model of Python documentation: test data, of no use otherwise."

RECIPES: tuple[Recipe, ...] = (
    Recipe("alder", "root", lambda w: w.pretrain(BASE, initial(BASE, ALDER_SEED), "byte_level", SOURCE, 1), CODE),
    Recipe(
        "birch",
        "root",
        lambda w: w.pretrain(BASE, initial(BASE, BIRCH_SEED), "byte_level", SOURCE, 2),
        CODE,
        root="birch",
        notes="architecture, tokenizer and data of alder; only the seeds differ",
    ),
    Recipe("cedar", "root", cedar, CODE, root="cedar", notes="qwen2, other tokenizer, float16, two shards"),
    Recipe("alder-docs", "finetuned", tuned("alder", "docs", 11), PROSE, ("alder",), declared=True),
    Recipe("alder-docs-tests", "finetuned", tuned("alder-docs", "tests", 12), CODE, ("alder-docs",), declared=True),
    Recipe("alder-tests", "finetuned", tuned("alder", "tests", 13), CODE, ("alder",)),
    Recipe(
        "alder-long",
        "continued_pretraining",
        lambda w: w.pretrain(*w.parent("alder"), "byte_level", REST, 14),
        PROSE,
        ("alder",),
        declared=True,
        notes="as many steps as alder's pretraining, at its learning rate, with a fresh optimiser",
    ),
    Recipe(
        "alder-pruned",
        "layers_removed",
        restacked(KEPT_LAYERS, 15),
        CODE,
        ("alder",),
        layers=KEPT_LAYERS,
        notes="layers 0, 1, 3 and 5 of alder, then a short fine-tune",
    ),
    Recipe(
        "alder-upscaled",
        "layers_added",
        restacked(DOUBLED_LAYERS, 16),
        CODE,
        ("alder",),
        layers=DOUBLED_LAYERS,
        notes="layers 0-3, then 2-5 of alder, then a short fine-tune",
    ),
    Recipe(
        "alder-vocabulary",
        "vocabulary_changed",
        vocabulary,
        PROSE,
        ("alder",),
        notes="64 tokens appended, then a short fine-tune",
    ),
    Recipe(
        "alder-moe",
        "experts_upcycled",
        experts,
        PROSE,
        ("alder",),
        notes="four copies of each feed-forward as experts, random routers, then a short fine-tune",
    ),
    Recipe("alder-merge", "merged", merge, CODE, ("alder-docs", "alder-tests"), notes="linear, 50/50"),
    Recipe(
        "alder-4bit",
        "numeric_copy",
        lambda w: Made(w.parent("alder")[0], surgery.four_bit(w.parent("alder")[1])),
        CODE,
        ("alder",),
        declared=True,
        base_model_relation="quantized",
        notes="layers rounded to 16 levels in groups of 32 inputs; embedding and norms as they were",
    ),
    Recipe(
        "alder-permuted",
        "neurons_permuted",
        permuted,
        CODE,
        ("alder",),
        rewritten=True,
        notes="hidden units of every feed-forward shuffled; the same function",
    ),
    Recipe(
        "alder-rotated",
        "rotated",
        rotated,
        CODE,
        ("alder",),
        rewritten=True,
        notes="residual stream rotated, norm gains folded into the weights and set to 1, head untied; same function",
    ),
    Recipe(
        "elm-in-alder-norms",
        "norms_transplanted",
        elm,
        CODE,
        root="elm-in-alder-norms",
        notes="an independent model, all of whose norm gains were replaced by alder's",
    ),
    Recipe(
        "alder-twin",
        "shared_initialisation",
        lambda w: w.pretrain(BASE, initial(BASE, ALDER_SEED), "byte_level", ("docs",), 5),
        PROSE,
        initialisation="alder",
        notes="starts from the random weights that alder started from; trained as long, on docs only",
    ),
)


def write(recipe: Recipe, workshop: Workshop) -> float | None:
    """Make one model and write its folder; returns its last training loss."""
    made = recipe.make(workshop)
    base = recipe.parents[0] if recipe.declared else None
    card = Card(recipe.card, base, recipe.base_model_relation)
    folder = workshop.folder / recipe.name
    tokenizer = made.tokenizer()
    save(made.config, made.state, folder, tokenizer=tokenizer, card=card, dtype=made.dtype, shards=made.shards)
    return made.loss


def truth(recipe: Recipe) -> dict[str, object]:
    """What a search has to find out about this model."""
    content: dict[str, object] = {
        "parents": list(recipe.parents),
        "root": recipe.root,
        "relation": recipe.relation,
        "rewritten": recipe.rewritten,
        "declared": recipe.declared,
        "notes": recipe.notes,
    }
    if recipe.initialisation is not None:
        content["initialisation"] = recipe.initialisation
    if recipe.layers is not None:
        content["layers"] = list(recipe.layers)
    return content
