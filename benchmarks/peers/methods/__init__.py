"""Plain implementations of published ways to compare two models by their weights; a file each.

They are ours, from the papers' formulas: none of this is their authors' code. A method turns a model into whatever it
compares, once, and scores pairs; higher is more alike, and nan says that it cannot compare the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..weights import Weights

Prepared = TypeVar("Prepared")


@dataclass(frozen=True, slots=True)
class Method(Generic[Prepared]):
    """`roles` are the tensors that its formula needs, of `layers` layers and `tokens` tokens (all, if None)."""

    name: str
    paper: str
    roles: frozenset[str]
    prepare: Callable[[Weights], Prepared]
    score: Callable[[Prepared, Prepared], float]
    layers: int | None = None
    tokens: int | None = None


AnyMethod = Method[Any]
ATTENTION = frozenset("qkvo")
MATRICES = ATTENTION | {"gate", "up", "down", "router", "embed", "head"}
EVERYTHING = MATRICES | {"norm", "bias"}
