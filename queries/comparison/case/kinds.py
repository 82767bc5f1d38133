"""Matrices of many values over all models: each kind apart, each cell with what different layers of the pair give.

The tensor that stands for a layer is the dense one, or that of the routed expert of lowest number.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...statistics.pvalues import LOG10, log_sf
from ...thresholds.comparison import FEW_LAYERS_APART
from ..pair.matching import Pair
from ..pair.sides import Part
from ..tables.metric_tables import CONTEXT_ROLES, role_order
from .records import EvidenceMatrix, KindMatrix

Layers = dict[int, NDArray[np.float32]]
"""Layer -> values [n] of the tensor that stands for it, centred and of length 1."""


@dataclass(frozen=True, slots=True)
class KindCell:
    """One kind of two models: matched correlations, and those of different layers."""

    matched: NDArray[np.float64]
    apart: NDArray[np.float64]
    values_each: int

    @property
    def z(self) -> float:
        """The mean of matched ones in standard errors of those apart; NaN where too few of either tell."""
        if not len(self.matched) or len(self.apart) < FEW_LAYERS_APART:
            return math.nan
        deviation = float(self.apart.std(ddof=1))
        error = deviation * math.sqrt(1 / len(self.matched) + 1 / len(self.apart))
        return (float(self.matched.mean()) - float(self.apart.mean())) / error if error > 0 else math.nan


def kinds_of(part: Part) -> dict[tuple[str, str, str], dict[int, int]]:
    """(role, slot, `routed` or empty) -> layer -> the tensor that stands for it, of matrices inside layers."""
    component = part.component
    found: dict[tuple[str, str, str], dict[int, int]] = {}
    for tensor in np.lexsort((np.arange(len(component.names)), component.expert)).tolist():
        layer, role = int(component.layer[tensor]), component.roles[tensor]
        if layer >= 0 and component.read[tensor] and role not in CONTEXT_ROLES and not part.is_vector(tensor):
            routed = "routed" if component.expert[tensor] >= 0 else ""
            found.setdefault((role, component.slots[tensor], routed), {}).setdefault(layer, tensor)
    return {key: dict(sorted(layers.items())) for key, layers in found.items()}


def kind_name(key: tuple[str, str, str]) -> str:
    """`gate routed`, `up shared`, `q`.

    >>> kind_name(("gate", "", "routed"))
    'gate routed'
    """
    return " ".join(word for word in key if word)


def kind_values(part: Part) -> dict[str, Layers]:
    """Kind -> layer -> centred values of length 1; kinds in the order that a model applies them."""
    found = {}
    for key, layers in sorted(kinds_of(part).items(), key=lambda item: (*role_order(*item[0][:2]), item[0][2])):
        values = {
            layer: _unit(block) for layer, tensor in layers.items() if (block := _block(part, tensor)) is not None
        }
        if values:
            found[kind_name(key)] = values
    return found


def _block(part: Part, tensor: int) -> NDArray[np.float32] | None:
    return part.rows.blocks.get(tensor) if part.rows is not None else part.kept(tensor)


def _unit(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows [rows, in] centred over all of them, of length 1; the shape stays, so that widths are told apart."""
    largest = float(np.abs(block).max())  # squares of huge values would leave float32
    scaled = block / np.float32(largest) if largest > 0 else block
    centred = scaled - np.float32(scaled.mean(dtype=np.float64))
    length = math.sqrt(float(np.square(centred, dtype=np.float64).sum()))
    return np.asarray(centred / np.float32(length) if length > 0 else centred, np.float32)


def kind_cell(first: Layers, second: Layers, side_by_side: Mapping[int, int] | None) -> KindCell | None:
    """One kind of two models. `side_by_side` maps layers, None for equal numbers; None where no widths agree."""
    shapes = [block.shape for block in first.values()]
    shape = max(sorted(set(shapes)), key=shapes.count)
    mine = {layer: block.reshape(-1) for layer, block in first.items() if block.shape == shape}
    theirs = {layer: block.reshape(-1) for layer, block in second.items() if block.shape == shape}
    if not mine or not theirs:
        return None
    table = (np.stack([*mine.values()]) @ np.stack([*theirs.values()]).T).astype(np.float64)
    a, b = np.array([*mine]), np.array([*theirs])
    partner = a if side_by_side is None else np.array([side_by_side.get(layer, -1) for layer in a.tolist()])
    together = partner[:, None] == b[None, :]
    apart = ~together & (a[:, None] != b[None, :])
    return KindCell(table[together], table[apart], math.prod(shape))


def layer_map(pair: Pair | None) -> dict[int, int] | None:
    """Layer -> layer by the block map; None for pairs without one, whose layers stand side by side by number."""
    matched = pair.matched_layers if pair is not None else ()
    return {a: b for a, b in reversed(matched)} or None


def kind_matrices(parts: Mapping[str, Part], pairs: Mapping[tuple[str, str], Pair]) -> list[KindMatrix]:
    """Every kind that two models or more have, over all models of `parts`, which are by label."""
    values = {label: kind_values(part) for label, part in parts.items()}
    kinds = list(dict.fromkeys(kind for one in values.values() for kind in one))
    cells: dict[str, dict[tuple[str, str], KindCell]] = {kind: {} for kind in kinds}
    for first, second in itertools.combinations(parts, 2):
        side_by_side = layer_map(pairs.get((first, second)))
        for kind in kinds:
            if kind in values[first] and kind in values[second]:
                cell = kind_cell(values[first][kind], values[second][kind], side_by_side)
                if cell is not None:
                    cells[kind][first, second] = cell
    tests = sum(math.isfinite(cell.z) for found in cells.values() for cell in found.values())
    return [_matrix(kind, tuple(parts), found, tests) for kind, found in cells.items() if found]


def _matrix(kind: str, labels: tuple[str, ...], cells: Mapping[tuple[str, str], KindCell], tests: int) -> KindMatrix:
    figures = np.full((6, len(labels), len(labels)), np.nan)
    place = {label: number for number, label in enumerate(labels)}
    for (first, second), cell in cells.items():
        i, j = place[first], place[second]
        apart = cell.apart
        figures[:, i, j] = figures[:, j, i] = (
            cell.matched.mean() if len(cell.matched) else math.nan,
            len(cell.matched),
            apart.mean() if len(apart) else math.nan,
            apart.std(ddof=1) if len(apart) > 1 else math.nan,
            cell.z,
            min(0.0, float(log_sf(np.array(cell.z))) / LOG10 + math.log10(tests))
            if math.isfinite(cell.z)
            else math.nan,
        )
    return KindMatrix(kind, labels, next(iter(cells.values())).values_each, *figures)


def evidence_matrices(
    labels: Sequence[str], found: Mapping[tuple[str, str], Mapping[str, float]]
) -> list[EvidenceMatrix]:
    """Each kind of evidence over all models; `found` has log10 p by kind for (of, in)."""
    matrices = []
    for kind in dict.fromkeys(kind for one in found.values() for kind in one):
        table = np.array([[found.get((a, b), {}).get(kind, math.nan) for b in labels] for a in labels], np.float64)
        matrices.append(EvidenceMatrix(kind, tuple(labels), table.reshape(len(labels), len(labels))))
    return matrices
