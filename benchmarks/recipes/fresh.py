"""Forty-two merges of fresh seeds: of models of the bundled zoo, and of families that drifted by some thousandths.

The first seed is development, the second was held out and measured once. `sums` are 64 more, of weights as people write
them, which sum to anything.
"""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product

from benchmarks.recipes import plan
from benchmarks.recipes.plan import Merge

DEVELOPMENT, HELD_OUT = 6, 7
LIGHT = {
    DEVELOPMENT: ("family002-0", "family002-1", "family002-2", "family002-5", "family002-7"),
    HELD_OUT: ("family003-0", "family003-2", "family003-4", "family003-6", "family003-7"),
}
"""A root and four fine-tunes of 20 to 80 steps (`make bench-grown`)."""
_METHODS = (
    *("linear-3-bfloat16", "linear-3-float32", "slerp", "task_arithmetic-2", "ties-2", "ties-3", "dare_linear-2"),
    *("dare_ties-2", "dare_ties-3", "model_stock", "breadcrumbs-2", "della-2", "nearswap", "arcee_fusion", "sce"),
    "karcher",
)


def merges() -> list[Merge]:
    """Twenty-one merges of each of the two seeds."""
    return [
        replace(merge, held_out=seed == HELD_OUT)
        for seed in (DEVELOPMENT, HELD_OUT)
        for merge in (*_bundled(seed), *_light(seed))
    ]


def sums() -> list[Merge]:
    """Linear merges and task arithmetic of two and three, in both families of each half, in bfloat16 and float32."""
    found = []
    for seed in (DEVELOPMENT, HELD_OUT):
        chance = random.Random(3_000 + seed)
        for light, count, dtype, draw in product((True, False), (2, 3), ("bfloat16", "float32"), range(4)):
            ground, *others = LIGHT[seed] if light else (plan.BASE, *plan.PARENTS)
            method = "linear" if draw % 2 == 0 else "task_arithmetic"
            weights = {name: chance.randint(1, 10) / 10 for name in chance.sample(others, count)}
            named = {name: {"weight": weight} for name, weight in weights.items()}
            total = sum(weights.values()) if method == "linear" else 1.0
            told = {name: weight / total for name, weight in weights.items()}
            made = _merge(seed, method, ground if method != "linear" else None, named, told)
            name = f"{'light-' if light else ''}{method}-{count}-{dtype}-{seed}-{draw}"
            config = {**made.config, "dtype": dtype, "out_dtype": "bfloat16"}
            found.append(replace(made, name=name, config=config, held_out=seed == HELD_OUT))
    return found


def _bundled(seed: int) -> list[Merge]:
    return [merge for merge in plan.of_seed(seed) if merge.name.removesuffix(f"-{seed}") in _METHODS]


def _light(seed: int) -> list[Merge]:
    """The same five for both seeds: parents and weights are drawn."""
    chance = random.Random(2_000 + seed)
    ground, *others = LIGHT[seed]
    first, second, third = chance.sample(others, 3)
    shares = {first: chance.randint(25, 75) / 100}
    shares[second] = round(1 - shares[first], 2)
    changes = {first: chance.randint(30, 80) / 100, second: chance.randint(30, 80) / 100}
    density = chance.choice((0.3, 0.5, 0.7))
    equal = dict.fromkeys((first, second, third), float("nan"))
    return [
        _merge(seed, "linear", None, {name: {"weight": weight} for name, weight in shares.items()}, shares),
        _merge(seed, "task_arithmetic", ground, {n: {"weight": w} for n, w in changes.items()}, changes),
        _merge(seed, "ties", ground, {n: {"weight": w, "density": density} for n, w in changes.items()}, changes),
        _merge(seed, "karcher", None, {name: {} for name in equal}, equal),
        _merge(seed, "arcee_fusion", first, {first: {}, second: {}}, {second: float("nan")}),
    ]


def _merge(
    seed: int, method: str, base: str | None, models: dict[str, dict[str, float]], told: dict[str, float]
) -> Merge:
    config: dict[str, object] = {
        "merge_method": method,
        "models": [{"model": name, "parameters": own} if own else {"model": name} for name, own in models.items()],
        "dtype": "bfloat16",
    }
    if base:
        config["base_model"] = base
    return Merge(f"light-{method}-{seed}", method, seed, config, told, base=base)
