"""Trainings as people do them: AdamW over float32 masters or over bfloat16 weights themselves, and merged LoRA.

LoRA: Hu et al. 2021, arXiv 2106.09685. AdamW as torch has it, betas 0.9 and 0.999, gradients clipped to norm 1, the
rate warmed up over a tenth of the steps and then decayed to 0 along a line: the defaults of Hugging Face's Trainer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .merging import State

Loss = Callable[[Mapping[str, Tensor], torch.Generator], Tensor]
"""From weights and the source of randomness to the loss of a batch that it draws."""
RANK, ALPHA = 8, 16


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast. `pure`: weights and moments are bfloat16 and every step is rounded to it."""

    steps: int
    rate: float
    decay: float = 0.0
    pure: bool = False

    def factor(self, step: int) -> float:
        """Share of the rate at a step."""
        warm = max(1, self.steps // 10)
        return (step + 1) / warm if step < warm else max(0.0, (self.steps - step) / (self.steps - warm))

    @property
    def words(self) -> str:
        """For `how` in truth.json."""
        return f"{self.steps} steps at {self.rate:g}, {'pure bf16' if self.pure else 'fp32 masters'}"


def tuned(state: State, loss: Loss, schedule: Schedule, seed: int, *, only: str = "") -> State:
    """The weights after training those whose names match the pattern `only` (all, if empty), in float32."""
    weights = {name: torch.from_numpy(t.astype(np.float32)) for name, t in state.items()}
    if schedule.pure:
        weights = {name: t.bfloat16() for name, t in weights.items()}
    trained = {name: t.requires_grad_() for name, t in weights.items() if re.search(only, name)}
    _descend(list(trained.values()), lambda: {n: t.float() for n, t in weights.items()}, loss, schedule, seed)
    return {name: t.detach().float().numpy() for name, t in weights.items()}


def low_rank(state: State, loss: Loss, schedule: Schedule, seed: int, *, targets: str) -> State:
    """The weights with adapters W + (alpha / rank) B A of the matrices that match `targets`, trained and merged."""
    weights = {name: torch.from_numpy(t.astype(np.float32)) for name, t in state.items()}
    generator = torch.Generator().manual_seed(seed + 1)
    adapters: dict[str, tuple[Tensor, Tensor]] = {}
    for name, weight in weights.items():
        if re.search(targets, name) and weight.ndim == 2:
            out, into = weight.shape
            down = (torch.rand(RANK, into, generator=generator) * 2 - 1) / math.sqrt(into)
            adapters[name] = down.requires_grad_(), torch.zeros(out, RANK, requires_grad=True)

    def assembled() -> dict[str, Tensor]:
        return weights | {n: weights[n] + ALPHA / RANK * up @ down for n, (down, up) in adapters.items()}

    _descend([part for pair in adapters.values() for part in pair], assembled, loss, schedule, seed)
    return {name: t.detach().numpy() for name, t in assembled().items()}


def _descend(
    trained: list[Tensor], weights: Callable[[], Mapping[str, Tensor]], loss: Loss, schedule: Schedule, seed: int
) -> None:
    """Train in place. Raises ArithmeticError when the loss is not finite."""
    generator = torch.Generator().manual_seed(seed)
    adamw = torch.optim.AdamW(trained, lr=schedule.rate, weight_decay=schedule.decay, fused=not schedule.pure)
    for step in range(schedule.steps):
        for group in adamw.param_groups:
            group["lr"] = schedule.rate * schedule.factor(step)
        value = loss(weights(), generator)
        if not math.isfinite(value.item()):
            raise ArithmeticError(f"the loss is {value.item()} at step {step}: lower the rate ({schedule.rate})")
        adamw.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        adamw.step()
        if step in (0, schedule.steps - 1):
            print(f"  step {step + 1}: loss {value.item():.3f}", flush=True)
