"""Which merges are made: every method, two and three parents, constant and graded weights, by seed.

Even seeds are development; odd ones are held out, and no rule was made on them. Of some methods more were made
(`FURTHER`): of merges that leave changes out, and of those whose factors follow from whole tensors or from layers.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

BASE = "alder"
PARENTS = ("alder-docs", "alder-tests", "alder-docs-tests", "alder-long")
SEEDS = range(6)


@dataclass(frozen=True, slots=True)
class Further:
    """Merges of some kinds of further seeds, of which some were held out and asked once."""

    kinds: frozenset[str]
    development: tuple[int, ...]
    held_out: tuple[int, ...]


FURTHER = {
    "left-out": Further(
        frozenset({"ties", "dare_linear", "dare_ties", "breadcrumbs", "breadcrumbs_ties", "della"}),
        (*range(20, 28), *range(31, 35)),
        tuple(range(40, 44)),
    ),
    "factors": Further(
        frozenset({"linear graded", "slerp", "slerp graded", "karcher", "sce"}),
        (*range(20, 28), *range(44, 56)),
        tuple(range(56, 62)),
    ),
}
"""What generate and measure are told -> the merges."""
LAYERS = 6


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge to be made: its name, its configuration for mergekit with models by name, and what is to be found."""

    name: str
    method: str
    seed: int
    config: Mapping[str, object]
    weights: dict[str, float] = field(default_factory=dict)
    graded: bool = False
    base: str | None = BASE
    held_out: bool = False

    @property
    def kind(self) -> str:
        """Its method, and whether its weights change over layers."""
        return f"{self.method} graded" if self.graded else self.method


def merges() -> list[Merge]:
    """All merges of all seeds; the odd ones are held out."""
    return [replace(merge, held_out=seed % 2 == 1) for seed in SEEDS for merge in of_seed(seed)]


def further(word: str) -> list[Merge]:
    """The merges of `FURTHER` that go by that word."""
    found, seeds = FURTHER[word], (*FURTHER[word].development, *FURTHER[word].held_out)
    every = [replace(merge, held_out=seed in found.held_out) for seed in seeds for merge in of_seed(seed)]
    return [merge for merge in every if merge.kind in found.kinds]


def of_seed(seed: int) -> list[Merge]:
    """All merges of one seed: every draw follows from it."""
    chance = random.Random(seed)
    found = [_linear(chance, seed, count, dtype) for count in (2, 3) for dtype in ("bfloat16", "float32")]
    found += [_graded(chance, seed, "linear"), _graded(chance, seed, "slerp"), _slerp(chance, seed)]
    for method in ("task_arithmetic", "ties", "dare_linear", "dare_ties"):
        found += [_of_changes(chance, seed, method, count) for count in (2, 3)]
    found += [_passthrough(chance, seed), _nuslerp(chance, seed), _model_stock(chance, seed)]
    later = random.Random(1_000 + seed)  # methods that came later have draws of their own: the others stay as they are
    found += [
        _masked(later, seed, method, 2) for method in ("breadcrumbs", "breadcrumbs_ties", "della", "della_linear")
    ]
    return [*found, _nearswap(later, seed), _fusion(later, seed), _sce(later, seed), _karcher(later, seed)]


def _parents(chance: random.Random, count: int) -> list[str]:
    return chance.sample(PARENTS, count)


def _shares(chance: random.Random, count: int) -> list[float]:
    """Shares that sum to 1, hundredths, none below 0.15."""
    cuts = [chance.randint(15, 60) for _ in range(count - 1)]
    while sum(cuts) > 85:
        cuts = [chance.randint(15, 60) for _ in range(count - 1)]
    return [cut / 100 for cut in cuts] + [round(1 - sum(cuts) / 100, 2)]


def _weighted(parents: list[str], weights: list[float], **more: object) -> list[dict[str, object]]:
    return [{"model": p, "parameters": {"weight": w} | more} for p, w in zip(parents, weights, strict=True)]


def _linear(chance: random.Random, seed: int, count: int, dtype: str) -> Merge:
    parents, weights = _parents(chance, count), _shares(chance, count)
    config: dict[str, object] = {"merge_method": "linear", "models": _weighted(parents, weights), "dtype": dtype}
    return Merge(f"linear-{count}-{dtype}-{seed}", "linear", seed, config, dict(zip(parents, weights, strict=True)))


def _graded(chance: random.Random, seed: int, method: str) -> Merge:
    """From one share in the first layer to another in the last."""
    first, second = _parents(chance, 2)
    start, end = chance.uniform(0.1, 0.4), chance.uniform(0.6, 0.9)
    if chance.random() < 0.5:
        start, end = end, start
    rising, falling = [start, end], [1 - start, 1 - end]
    weights = {first: 1 - (start + end) / 2, second: (start + end) / 2}
    weighted: list[dict[str, object]] = [
        {"model": first, "parameters": {"weight": falling}},
        {"model": second, "parameters": {"weight": rising}},
    ]
    config: dict[str, object] = {"merge_method": method, "models": weighted, "dtype": "bfloat16"}
    if method == "slerp":
        config |= {"base_model": first, "models": [{"model": first}, {"model": second}], "parameters": {"t": rising}}
    return Merge(f"{method}-graded-{seed}", method, seed, config, weights, graded=True)


def _slerp(chance: random.Random, seed: int) -> Merge:
    parents, t = _parents(chance, 2), chance.randint(15, 85) / 100
    config = {
        "merge_method": "slerp",
        "base_model": parents[0],
        "models": [{"model": parent} for parent in parents],
        "parameters": {"t": t},
        "dtype": "bfloat16",
    }
    return Merge(f"slerp-{seed}", "slerp", seed, config, {parents[0]: round(1 - t, 2), parents[1]: t})


def _of_changes(chance: random.Random, seed: int, method: str, count: int) -> Merge:
    parents = _parents(chance, count)
    weights = [chance.randint(30, 80) / 100 for _ in parents]
    density = chance.choice((0.3, 0.5, 0.7))
    more = {} if method == "task_arithmetic" else {"density": density}
    config = {
        "merge_method": method,
        "base_model": BASE,
        "models": _weighted(parents, weights, **more),
        "dtype": "bfloat16",
    }
    return Merge(f"{method}-{count}-{seed}", method, seed, config, dict(zip(parents, weights, strict=True)))


def _passthrough(chance: random.Random, seed: int) -> Merge:
    """The first layers of one, then layers of another from further back, so that some are doubled."""
    first, second = _parents(chance, 2)
    end = chance.randint(3, LAYERS - 1)
    start = chance.randint(1, end - 1)
    runs = [(first, 0, end), (second, start, LAYERS)]
    slices = [{"sources": [{"model": m, "layer_range": [a, b]}]} for m, a, b in runs]
    layers = end + LAYERS - start
    config = {"merge_method": "passthrough", "slices": slices, "dtype": "bfloat16"}
    weights = {first: end / layers, second: (LAYERS - start) / layers}
    return Merge(f"passthrough-{seed}", "passthrough", seed, config, weights)


def _nuslerp(chance: random.Random, seed: int) -> Merge:
    parents, weights = _parents(chance, 2), _shares(chance, 2)
    config: dict[str, object] = {"merge_method": "nuslerp", "models": _weighted(parents, weights), "dtype": "float32"}
    config |= {"out_dtype": "bfloat16"}
    return Merge(f"nuslerp-{seed}", "nuslerp", seed, config, dict(zip(parents, weights, strict=True)))


def _model_stock(chance: random.Random, seed: int) -> Merge:
    parents = _parents(chance, 3)
    models = [{"model": parent} for parent in parents]
    config = {"merge_method": "model_stock", "base_model": BASE, "models": models, "dtype": "bfloat16"}
    return Merge(f"model_stock-{seed}", "model_stock", seed, config, dict.fromkeys(parents, float("nan")))


def _masked(chance: random.Random, seed: int, method: str, count: int) -> Merge:
    parents = _parents(chance, count)
    weights = [chance.randint(30, 80) / 100 for _ in parents]
    own = {"gamma": chance.choice((0.01, 0.05))} if method.startswith("breadcrumbs") else {"epsilon": 0.1}
    more = {"density": chance.choice((0.4, 0.6, 0.8)), **own}
    models = _weighted(parents, weights, **more)
    config = {"merge_method": method, "base_model": BASE, "models": models, "dtype": "bfloat16"}
    return Merge(f"{method}-{count}-{seed}", method, seed, config, dict(zip(parents, weights, strict=True)))


def _nearswap(chance: random.Random, seed: int) -> Merge:
    base, other = _parents(chance, 2)
    t = chance.choice((0.001, 0.003, 0.01))
    models = [{"model": base}, {"model": other}]
    config = {"merge_method": "nearswap", "base_model": base, "models": models, "parameters": {"t": t}}
    return Merge(
        f"nearswap-{seed}", "nearswap", seed, {**config, "dtype": "bfloat16"}, {other: float("nan")}, base=base
    )


def _fusion(chance: random.Random, seed: int) -> Merge:
    base, other = _parents(chance, 2)
    models = [{"model": base}, {"model": other}]
    config = {"merge_method": "arcee_fusion", "base_model": base, "models": models, "dtype": "bfloat16"}
    return Merge(f"arcee_fusion-{seed}", "arcee_fusion", seed, config, {other: float("nan")}, base=base)


def _sce(chance: random.Random, seed: int) -> Merge:
    parents, top = _parents(chance, chance.choice((2, 3))), chance.choice((0.2, 0.5, 0.8))
    models = [{"model": parent} for parent in parents]
    config = {"merge_method": "sce", "base_model": BASE, "models": models, "parameters": {"select_topk": top}}
    return Merge(f"sce-{seed}", "sce", seed, {**config, "dtype": "bfloat16"}, dict.fromkeys(parents, float("nan")))


def _karcher(chance: random.Random, seed: int) -> Merge:
    parents = _parents(chance, 3)
    config = {"merge_method": "karcher", "models": [{"model": p} for p in parents], "dtype": "float32"}
    return Merge(
        f"karcher-{seed}", "karcher", seed, {**config, "out_dtype": "bfloat16"}, dict.fromkeys(parents, float("nan"))
    )
