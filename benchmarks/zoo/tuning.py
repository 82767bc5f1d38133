"""Trainings of a model that exists: all weights or some, low-rank, and by a policy gradient.

LoRA: Hu et al. 2021, arXiv 2106.09685. The reinforcement is REINFORCE with rewards standardised within a batch, as in
GRPO (arXiv 2402.03300), on windows of text instead of samples: what matters here is the size and shape of its steps.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import bundled  # noqa: F401  (the next imports need it)
import numpy as np
import torch
from architecture import Decoder
from checkpoints import Config, module
from editions import FIRST
from plain_transformers import masked_loss
from surgery import State
from texts import edition_tokens
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize
from training import next_token_loss, train

BATCH = 12
REWARDED = 20  # tokens below this id, mostly punctuation, are what the policy is rewarded for


def fit(
    config: Config,
    state: State,
    text: tuple[str, ...],
    steps: int,
    rate: float,
    seed: int,
    *,
    only: str = "",
    kind: str = "byte_level",
    edition: int = FIRST,
    tokens: np.ndarray | None = None,
    reinforced: bool = False,
) -> State:
    """Train weights whose names match `only` (a pattern; all, if empty) and return all of them."""
    model = module(config, state)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(re.search(only, name) is not None)
    chosen = edition_tokens(kind, edition, *text) if tokens is None else tokens
    train(model, chosen, steps, rate, seed, batch=BATCH, objective=_objective(config, seed, reinforced))
    return model.state_dict()


def _objective(config: Config, seed: int, reinforced: bool) -> Callable[[nn.Module, Tensor], Tensor]:
    if getattr(config, "kind", "") == "bert":
        return masked_loss(seed)
    return policy_loss if reinforced else next_token_loss


def policy_loss(model: Decoder, batch: Tensor) -> Tensor:
    """Windows whose tokens are rewarded more than those of the others become likelier."""
    logits = model(batch[:, :-1])
    loss = functional.cross_entropy(logits.transpose(1, 2), batch[:, 1:], reduction="none").mean(dim=1)
    reward = (batch < REWARDED).float().mean(dim=1)
    return ((reward - reward.mean()) / (reward.std() + 1e-6) * loss).mean()


class LowRank(nn.Module):
    """W + B A with A [rank, in] random and B [out, rank] zero at the start."""

    def __init__(self, out: int, into: int, rank: int, generator: torch.Generator) -> None:
        """Draw A."""
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, into, generator=generator) / into**0.5)
        self.up = nn.Parameter(torch.zeros(out, rank))

    def forward(self, weight: Tensor) -> Tensor:
        """The weight with the product added."""
        return weight + 2.0 * self.up @ self.down


def low_rank(
    config: Config,
    state: State,
    text: tuple[str, ...],
    steps: int,
    rate: float,
    seed: int,
    *,
    rank: int,
    edition: int = FIRST,
) -> State:
    """Train adapters of q and v of every layer, then merge them into the weights."""
    model = module(config, state)
    model.requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    chosen = [m for n, m in model.named_modules() if n.endswith(("q_proj", "v_proj"))]
    for part in chosen:
        out, into = part.weight.shape
        parametrize.register_parametrization(part, "weight", LowRank(out, into, rank, generator))
        part.parametrizations.weight.original.requires_grad_(False)
    train(model, edition_tokens("byte_level", edition, *text), steps, rate, seed, batch=BATCH)
    for part in chosen:
        parametrize.remove_parametrizations(part, "weight", leave_parametrized=True)
    return model.state_dict()
