"""What a model of the field family is: its parents, its kind, its half, and how it is made."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from .merging import State

HalfName = Literal["development", "held_out"]
Form = Literal["safetensors", "Q8_0", "Q4_1"]
Kind = Literal["minilm", "smollm2"]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Half:
    """One of two families of the same bases. Rules may be made on the first; the second is a test of them.

    `mark` is in the names of its models, and so in their seeds; `parity` tells which documents are its text.
    """

    name: HalfName
    mark: str
    parity: int

    def pick(self, development: Value, held_out: Value) -> Value:
        """One value a half: rates, steps and coefficients differ between them."""
        return development if self.name == "development" else held_out


DEVELOPMENT = Half("development", "ash", 0)
HELD_OUT = Half("held_out", "elm", 1)
HALVES = (DEVELOPMENT, HELD_OUT)


def seed_of(name: str) -> int:
    """A seed that belongs to a name, stable over runs; no name is in both halves, and so is no seed."""
    return zlib.crc32(name.encode())


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is written of one model.

    `state` has the names of the bare stack, `dtype` is that of the files. `head` names the class of config.json where
    it is not the base's. `before` gives the parent's name of tensors that had another there.
    """

    kind: Kind
    state: State
    dtype: str
    form: Form = "safetensors"
    head: str = ""
    before: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One model. `make` gets the folder of all models and finds the parents there."""

    name: str
    category: str
    strength: str
    how: str
    make: Callable[[Path], Checkpoint]
    parents: tuple[str, ...]
    root: str
    half: Half

    def truth(self, measured: Mapping[str, object]) -> dict[str, object]:
        """What truth.json says of it, as the zoo's does; `measured` are its drifts by parent."""
        return {
            "parents": list(self.parents),
            "category": self.category,
            "strength": self.strength,
            "how": self.how,
            "root": self.root,
            "split": self.half.name,
            "half": self.half.name if self.parents else "both",
            "rewritten": False,
            "drift": dict(measured),
        }
