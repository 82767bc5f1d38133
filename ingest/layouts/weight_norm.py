"""Weight norm: a matrix that is kept as the direction and the length of each row is the matrix that they make.

w = g v / |v|, the norm over all axes but the first (Salimans and Kingma 2016, arXiv:1602.07868). Vocoders are trained
with it and published with and without it; a direction may have any length, the matrix it makes is one.

| kept as                                                                  | by                                   |
| `X.weight_g` and `X.weight_v`                                            | torch.nn.utils.weight_norm           |
| `X.parametrizations.weight.original0` (g) and `.original1` (v)           | torch.nn.utils.parametrizations      |

Limitations: lengths along another axis (the position convolution of wav2vec 2) stay as they are, as their norms need
the whole matrix. An epsilon that a framework adds to the norm is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..storage.logical import LogicalTensor, Storage
from ..storage.reader import Range

_NAMES = ((".weight_v", ".weight_g"), (".parametrizations.weight.original1", ".parametrizations.weight.original0"))
"""How the names of the direction and of the length of a `.weight` end."""


@dataclass(frozen=True, slots=True)
class LengthTimesDirection:
    """Rows of `direction` [out, in], each as long as its row of `length` [out, 1] says."""

    direction: Storage
    length: Storage

    def ranges(self, rows: Sequence[int]) -> list[Range]:
        """The ranges of the directions, then those of the lengths."""
        return [*self.direction.ranges(rows), *self.length.ranges(rows)]

    def decode(self, rows: Sequence[int], chunks: Sequence[bytes]) -> NDArray[np.float32]:
        """The values [len(rows), in], computed in float64; a row without a direction stays 0.

        Lengths that float32 does not hold, or that are no numbers, come out as infinite or NaN, as weights that are so.
        """
        count = len(self.direction.ranges(rows))
        direction = self.direction.decode(rows, chunks[:count]).astype(np.float64)
        length = self.length.decode(rows, chunks[count:]).astype(np.float64)
        norm = np.sqrt(np.square(direction).sum(axis=1, keepdims=True))
        with np.errstate(over="ignore", invalid="ignore"):
            return np.divide(length * direction, norm, out=np.zeros_like(direction), where=norm != 0).astype(np.float32)


def without_weight_norm(tensors: Sequence[LogicalTensor]) -> list[LogicalTensor]:
    """Every tensor as it is, but for those of a weight norm, which are the one `X.weight` that they make."""
    named = {t.name: t for t in tensors}
    made: dict[str, LogicalTensor] = {}
    gone: set[str] = set()
    for tensor in tensors:
        for direction, length in _NAMES:
            if not tensor.name.endswith(direction):
                continue
            stem = tensor.name.removesuffix(direction)
            lengths, whole = named.get(stem + length), f"{stem}.weight"
            if lengths is None or whole in named:
                continue
            if len(tensor.shape) > 1 and lengths.shape == (tensor.shape[0], *(1,) * (len(tensor.shape) - 1)):
                storage = LengthTimesDirection(tensor.storage, lengths.storage)
                made[tensor.name] = replace(tensor, name=whole, storage=storage)
                gone.add(lengths.name)
    return [made.get(t.name, t) for t in tensors if t.name not in gone] if made else list(tensors)
