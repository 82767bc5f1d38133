"""Merges of models that share one base: the methods that published merges use, on plain state dicts.

Sources: SLERP (Shoemake 1985, a tensor at a time as in mergekit), TIES (Yadav et al. 2023, arXiv 2306.01708), DARE
(Yu et al. 2023, arXiv 2311.03099). `surgery` of the bundled zoo has the linear merge.
"""

from __future__ import annotations

import torch
from surgery import State, select_layers
from torch import Tensor


def slerp(first: State, second: State, share: float = 0.5) -> State:
    """Spherical interpolation of every tensor, flattened; tensors that point the same way are averaged."""
    return {name: _slerp(tensor, second[name], share) for name, tensor in first.items()}


def _slerp(first: Tensor, second: Tensor, share: float) -> Tensor:
    cosine = torch.nn.functional.cosine_similarity(first.flatten(), second.flatten(), dim=0).clamp(-1, 1)
    angle = torch.acos(cosine)
    if float(angle) < 1e-3:
        return (1 - share) * first + share * second
    return (torch.sin((1 - share) * angle) * first + torch.sin(share * angle) * second) / torch.sin(angle)


def ties(base: State, tuned: list[State], density: float = 0.5) -> State:
    """Trim each difference from the base to its largest entries, elect a sign, average what agrees with it."""
    return {name: tensor + _ties([t[name] - tensor for t in tuned], density) for name, tensor in base.items()}


def _ties(differences: list[Tensor], density: float) -> Tensor:
    trimmed = []
    for difference in differences:
        kept = max(1, int(density * difference.numel()))
        least = difference.abs().flatten().kthvalue(difference.numel() - kept + 1).values
        trimmed.append(torch.where(difference.abs() >= least, difference, 0.0))
    stack = torch.stack(trimmed)
    agrees = (stack.sign() == stack.sum(dim=0).sign()) & (stack != 0)
    return (stack * agrees).sum(dim=0) / agrees.sum(dim=0).clamp(min=1)


def dare(base: State, tuned: list[State], seed: int, dropped: float = 0.5) -> State:
    """Drop a random share of each difference, scale up the rest, add the mean to the base."""
    generator = torch.Generator().manual_seed(seed)

    def thinned(difference: Tensor) -> Tensor:
        kept = torch.rand(difference.shape, generator=generator) >= dropped
        return difference * kept / (1 - dropped)

    return {name: t + sum(thinned(m[name] - t) for m in tuned) / len(tuned) for name, t in base.items()}


def passthrough(first: State, second: State, lower: tuple[int, ...], upper: tuple[int, ...]) -> State:
    """Layers `lower` of one model, then layers `upper` of the other ("frankenmerge"); ends from the first."""
    result = select_layers(first, lower)
    above = {n: t for n, t in select_layers(second, (*lower, *upper)).items() if n.startswith("model.layers.")}
    start = len(lower)
    return result | {n: t for n, t in above.items() if int(n.split(".")[2]) >= start}
