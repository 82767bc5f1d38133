"""How far a model is from its parent: the figures that real fine-tunes are described by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ml_dtypes
import numpy as np

from .merging import Array


@dataclass(frozen=True, slots=True)
class Drift:
    """`relative` is the RMS of the change over that of the parent, `equal` the share of values equal as bfloat16."""

    relative: float
    equal: float

    def truth(self) -> dict[str, float]:
        """What truth.json says of it, to five digits."""
        return {"relative": float(f"{self.relative:.5g}"), "equal_bf16": float(f"{self.equal:.5g}")}


def drift(child: Mapping[str, Array], parent: Mapping[str, Array], before: Mapping[str, str]) -> Drift:
    """Over all float tensors of equal shape; `before` gives the parent's name of a tensor where it is another.

    Raises ValueError when no tensor is shared.
    """
    squares = parents = 0.0
    equal = count = 0
    for name, tensor in child.items():
        other = parent.get(before.get(name, name))
        if other is None or other.shape != tensor.shape or tensor.dtype.kind in "iu":
            continue
        mine, theirs = tensor.astype(np.float32), other.astype(np.float32)
        squares += float(np.square(mine - theirs, dtype=np.float64).sum())
        parents += float(np.square(theirs, dtype=np.float64).sum())
        equal += int((bits(mine) == bits(theirs)).sum())
        count += tensor.size
    if not count:
        raise ValueError("child and parent share no tensor")
    return Drift((squares / parents) ** 0.5, equal / count)


def bits(values: Array) -> Array:
    """Values rounded to bfloat16, as uint16."""
    return values.astype(ml_dtypes.bfloat16).view(np.uint16)
