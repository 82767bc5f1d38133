"""Students of roots of a zoo: other random weights, taught the teacher's probabilities of the next token.

    .bench/torch/bin/python benchmarks/zoo/distil.py ZOO EDITION FOLDER      (make bench-outputs-distilled)

A student has its teacher's shape and none of its weights, and sees the text that its teacher saw, so what it has in
common with the teacher beyond other models of that text came by the probabilities alone. Hinton et al. 2015, arXiv
1503.02531, at temperature 1. FOLDER gets the students and a truth.json, as a zoo has one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import bundled  # noqa: F401  (the next imports need it)
import torch
from architecture import ModelConfig
from checkpoints import Checkpoint, initial, module, read, write
from editions import name_of, seed_of
from surgery import State
from texts import edition_tokens
from torch import Tensor, nn
from torch.nn import functional
from training import train

TEACHERS = ("oak", "maple", "larch")
"""Llamas with the byte-level vocabulary, of three shapes."""
STEPS, RATE, BATCH = 500, 0.003, 12
"""A third of the steps of a root."""


def taught(teacher: nn.Module) -> Callable[[nn.Module, Tensor], Tensor]:
    """The loss of a student: how far its probabilities diverge from the teacher's, in nats a token."""

    def loss(model: nn.Module, batch: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = functional.log_softmax(teacher(batch[:, :-1]), dim=-1)
        found = functional.log_softmax(model(batch[:, :-1]), dim=-1)
        return functional.kl_div(found.flatten(0, 1), wanted.flatten(0, 1), log_target=True, reduction="batchmean")

    return loss


def student(zoo: Path, teacher: str, edition: int) -> tuple[ModelConfig, State, float]:
    """Config and weights of a student of `teacher`, and its last loss."""
    config, state = read(zoo / teacher)
    assert isinstance(config, ModelConfig)
    model = module(config, initial(config, seed_of(f"student of {teacher}")))
    tokens = edition_tokens("byte_level", edition, "source")
    objective = taught(module(config, state).eval())
    last = train(model, tokens, STEPS, RATE, seed_of(f"lessons of {teacher}"), batch=BATCH, objective=objective)
    return config, model.state_dict(), last


def main(zoo: Path, edition: int, folder: Path) -> None:
    """Write the students that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    truth = {}
    for root in TEACHERS:
        teacher = name_of(root, edition)
        name = f"{teacher}-student"
        if not (folder / name).exists():
            config, state, last = student(zoo, teacher, edition)
            write(Checkpoint(config, state), folder / name)
            print(f"{name}: {last:.3f} nats a token from its teacher", flush=True)
        truth[name] = {"parents": [teacher], "category": "distilled", "root": teacher, "rewritten": False}
    (folder / "truth.json").write_text(json.dumps({"models": truth}, indent=1))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
