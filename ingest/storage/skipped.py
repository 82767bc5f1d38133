"""What is there and was not read, as a value with its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SkippedTensor:
    """A tensor that is there and cannot be read, with the reason; `parameters` is the number of its values.

    `component` is the one that it belongs to, by the tensors that stand nearest to it; None where nothing says it.
    """

    name: str
    parameters: int
    reason: str
    component: str | None = None
