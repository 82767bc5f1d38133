"""A recipe as the configuration that mergekit runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import yaml

from .places import TYPES
from .proposal import MASKED
from .records import LayerWeights, ParentWeight
from .refining import Fit

_ESCAPED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_FILTERS = {"attention": "self_attn", "ffn": "mlp"}
"""Group -> the part of a tensor's name that mergekit's filters look for, in the families that it knows."""


def place_of(source: str) -> str:
    """A source as mergekit names models: a path, or org/name.

    >>> place_of("hf://org/name"), place_of("file:///models/a%20b")
    ('org/name', '/models/a b')
    """
    if not source.startswith("file://"):
        return source.removeprefix("hf://")
    return _ESCAPED.sub(
        lambda run: bytes.fromhex(run[0].replace("%", "")).decode("utf-8", "surrogateescape"), source[7:]
    )


def arithmetic_config(
    fit: Fit, parents: Sequence[ParentWeight], base: str | None, layers: Sequence[LayerWeights], out_type: str
) -> str:
    """The configuration of a merge of weights."""
    weights = fit.proposal.weights
    settings = [_graded(layers, n) if weights.shape[1] > 1 else float(weights[n, 0]) for n in range(len(parents))]
    config: dict[str, object] = {"merge_method": fit.method.name}
    models: list[dict[str, object]] = [{"model": place_of(parent.source)} for parent in parents]
    if fit.method.name == "slerp":
        config |= {"base_model": place_of(parents[0].source), "models": models, "parameters": {"t": settings[1]}}
    else:
        stated = fit.method.parameters(fit.proposal) if fit.method.parameters else [{} for _ in models]
        for model, setting, more in zip(models, settings, stated, strict=True):
            own = {"weight": setting, **more} if fit.method.weighted or fit.method.stage == MASKED else dict(more)
            if own:
                model["parameters"] = own
        config["models"] = models
        if base is not None:
            config["base_model"] = place_of(base)
        if fit.method.shared:
            config["parameters"] = dict(fit.method.shared(fit.proposal))
    arithmetic = fit.proposal.arithmetic
    computed = TYPES[arithmetic.bits] if arithmetic.stepwise else out_type
    config |= {"dtype": computed} if computed == out_type else {"dtype": computed, "out_dtype": out_type}
    return _dumped(config)


def passthrough_config(slices: Sequence[tuple[str, int, int]], out_type: str) -> str:
    """The configuration of a frankenmerge from runs of layers (source, first, behind the last)."""
    listed = [{"sources": [{"model": place_of(source), "layer_range": [start, end]}]} for source, start, end in slices]
    return _dumped({"merge_method": "passthrough", "slices": listed, "dtype": out_type})


def experts_config(base: str, experts: Sequence[str], out_type: str) -> str:
    """The configuration of mergekit-moe. Its routers are drawn at random: what they were made by is not known."""
    listed = [{"source_model": place_of(source)} for source in experts]
    return _dumped({"base_model": place_of(base), "gate_mode": "random", "dtype": out_type, "experts": listed})


def adapter_config(base: str, adapter: str, weight: float, out_type: str) -> str:
    """A base with an adapter, which mergekit names `base+adapter`; of another weight than 1 a weighted change."""
    both = f"{place_of(base)}+{place_of(adapter)}"
    if weight == 1:
        return _dumped({"merge_method": "passthrough", "models": [{"model": both}], "dtype": out_type})
    models = [{"model": both, "parameters": {"weight": weight}}]
    return _dumped(
        {"merge_method": "task_arithmetic", "base_model": place_of(base), "models": models, "dtype": out_type}
    )


def _graded(layers: Sequence[LayerWeights], parent: int) -> object:
    """A weight by layer for attention and FFN, as gradients with an anchor a layer; the mean of both for all else.

    Embeddings take the first anchor and heads the last, as tensors in front of the layers and behind them do there.
    """
    groups: list[dict[str, object]] = [
        {"filter": name, "value": [round(row.weights[parent], 4) for row in layers if row.group == group]}
        for group, name in _FILTERS.items()
        if any(row.group == group for row in layers)
    ]
    order = sorted({row.layer for row in layers})
    means = [round(float(np.mean([row.weights[parent] for row in layers if row.layer == layer])), 4) for layer in order]
    return [*groups, {"value": means}]


def _dumped(config: Mapping[str, object]) -> str:
    return yaml.safe_dump(dict(config), sort_keys=False, default_flow_style=None, width=100)
