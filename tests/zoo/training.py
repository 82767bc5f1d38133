"""Training of one decoder: AdamW, linear warmup, cosine decay, random windows of one long token array."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from architecture import Decoder
from torch import Tensor, nn
from torch.nn import functional

BATCH = 16
PRETRAINING_LR = 3e-3


def windows(tokens: np.ndarray, count: int, length: int, generator: torch.Generator) -> Tensor:
    """Draw `count` random windows of length + 1 tokens: [count, length + 1]."""
    starts = torch.randint(len(tokens) - length - 1, (count,), generator=generator).numpy()
    places = starts[:, None] + np.arange(length + 1)
    return torch.from_numpy(tokens[places].astype(np.int64))


def next_token_loss(model: Decoder, batch: Tensor) -> Tensor:
    """Mean cross-entropy, in nats a token, of predicting batch[:, 1:] from batch[:, :-1]."""
    logits = model(batch[:, :-1])
    return functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())


def cosine_with_warmup(steps: int, warmup: int) -> Callable[[int], float]:
    """Learning-rate factor of a step: linear up to 1, then half a cosine down to 0.02."""

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        progress = (step - warmup) / max(1, steps - warmup)
        return 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * progress))

    return factor


def optimiser(model: nn.Module, lr: float) -> torch.optim.AdamW:
    """AdamW that decays matrices only."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim == 2]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95), fused=True)


def train(
    model: Decoder,
    corpus_tokens: np.ndarray,
    steps: int,
    lr: float,
    seed: int,
    *,
    batch: int = BATCH,
    warmup: int | None = None,
    report: Callable[[str], None] | None = None,
    objective: Callable[[Decoder, Tensor], Tensor] = next_token_loss,
) -> float:
    """Train in place with a fresh optimiser; returns the mean loss of the last tenth of the steps.

    The seed fixes the order of the data; `objective` maps the model and windows [batch, context + 1] to a loss.
    Raises ArithmeticError when the loss is not finite.
    """
    generator = torch.Generator().manual_seed(seed)
    adamw = optimiser(model, lr)
    schedule = torch.optim.lr_scheduler.LambdaLR(adamw, cosine_with_warmup(steps, warmup or max(1, steps // 12)))
    losses: list[float] = []
    model.train()
    for step in range(steps):
        loss = objective(model, windows(corpus_tokens, batch, model.config.context, generator))
        adamw.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adamw.step()
        schedule.step()
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            raise ArithmeticError(f"the loss is {losses[-1]} at step {step}: lower the learning rate ({lr})")
        if report is not None and (step + 1) % 200 == 0:
            report(f"step {step + 1}/{steps} loss {np.mean(losses[-100:]):.3f}")
    return float(np.mean(losses[-max(1, steps // 10) :]))


def evaluate(model: Decoder, corpus_tokens: np.ndarray, *, batches: int = 8, seed: int = 7) -> float:
    """Mean loss over fixed random windows, without training."""
    generator = torch.Generator().manual_seed(seed)
    model.eval()
    with torch.no_grad():
        draws = [windows(corpus_tokens, BATCH, model.config.context, generator) for _ in range(batches)]
        return float(np.mean([next_token_loss(model, draw).item() for draw in draws]))
