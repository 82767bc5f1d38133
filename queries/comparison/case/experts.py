"""How many of the routed experts of a model were read: the others are covered by no figure of a case."""

from __future__ import annotations

import math
from collections import defaultdict

from ..pair.sides import Side


def routed_experts(side: Side) -> tuple[int, int]:
    """(read, all) of the layer that has most routed experts; (0, 0) for a model without any.

    A tensor that is kept stands for those of the experts that were left out, so all of them are the parameters that a
    kind of a layer stands for, in sizes of one.
    """
    read: dict[tuple[str, int, str, str], int] = defaultdict(int)
    covered: dict[tuple[str, int, str, str], float] = defaultdict(float)
    for component in (part.component for part in side.parts):
        for tensor in (component.expert >= 0).nonzero()[0].tolist():
            kind = (component.name, int(component.layer[tensor]), component.roles[tensor], component.slots[tensor])
            read[kind] += int(component.read[tensor])
            covered[kind] += float(component.represents[tensor]) / max(1, math.prod(component.shapes[tensor]))
    most = max(read, key=lambda kind: (covered[kind], read[kind]), default=None)
    return (0, 0) if most is None else (read[most], round(covered[most]))
