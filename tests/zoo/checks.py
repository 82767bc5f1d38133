"""Measures the trained zoo against what its lineage must look like, and fails loudly where it does not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from architecture import build, from_state
from corpus import corpus_tokens
from recipes import ALDER_SEED, BASE, CEDAR, CEDAR_SEED, RECIPES, initial
from storage import read_config, read_state
from surgery import EXPERT_NAMES, LAYER, State
from torch import Tensor
from training import evaluate

MAXIMUM_BYTES = 15_000_000
MINIMUM_GAIN_SPREAD = 0.02
MAXIMUM_ROOT_LOSS = 3.0
PROJECTION_OF = {expert: f"mlp.{projection}" for projection, expert in EXPERT_NAMES.items()}


@dataclass(frozen=True, slots=True)
class Relation:
    """Bounds on the correlation of a model's weights, and of its centred norm gains, with a reference.

    Strangers are bounded by the mean over matrices: their embeddings alone correlate by up to 0.13 either way, since
    both hold one large common direction (token frequency), and they dominate the concatenation of all weights.
    """

    model: str
    reference: str
    weights: tuple[float, float] | None = None
    gains: tuple[float, float] | None = None
    by_matrix: tuple[float, float] | None = None


TUNED, NONE = (0.98, 0.9995), (-0.03, 0.03)
RELATIONS = (
    Relation("alder-docs", "alder", TUNED, (0.9, 1.0)),
    Relation("alder-docs-tests", "alder-docs", TUNED, (0.9, 1.0)),
    Relation("alder-docs-tests", "alder", (0.95, 0.9995), (0.9, 1.0)),
    Relation("alder-tests", "alder", TUNED, (0.9, 1.0)),
    Relation("alder-long", "alder", (0.6, 0.95), (0.5, 1.0)),
    Relation("alder-pruned", "alder", TUNED, (0.9, 1.0)),
    Relation("alder-upscaled", "alder", TUNED, (0.9, 1.0)),
    Relation("alder-vocabulary", "alder", TUNED, (0.9, 1.0)),
    Relation("alder-moe", "alder", TUNED, (0.9, 1.0)),
    Relation("alder-merge", "alder-docs", TUNED, (0.9, 1.0)),
    Relation("alder-merge", "alder-tests", TUNED, (0.9, 1.0)),
    Relation("alder-4bit", "alder", TUNED, (0.9999, 1.0)),
    Relation("alder-permuted", "alder", None, (0.9999, 1.0)),
    Relation("alder-rotated", "alder", (-0.05, 0.05), None),
    Relation("alder-twin", "alder", (0.1, 0.5), (-0.15, 0.25)),  # trained gains of relatives: above 0.6
    Relation("alder-twin", "alder-long", None, None),
    Relation("birch", "alder", None, (-0.15, 0.15), NONE),
    Relation("elm-in-alder-norms", "alder", None, (0.9999, 1.0), NONE),
    Relation("elm-in-alder-norms", "birch", None, (-0.15, 0.15), NONE),
    Relation("cedar", "alder", None, None),
)


def counterpart(name: str, layers: tuple[int, ...] | None) -> str:
    """The parent's name for a child's tensor: layers moved, experts made from one dense feed-forward."""
    match = LAYER.match(name)
    if match is None:
        return name
    origin = int(match[1]) if layers is None else layers[int(match[1])]
    rest = name[match.end() :]
    if ".experts." in rest:
        rest = f"{PROJECTION_OF[rest.split('.')[-2]]}.weight"
    return f"model.layers.{origin}.{rest}"


def matched(child: State, parent: State, layers: tuple[int, ...] | None) -> list[tuple[Tensor, Tensor]]:
    """Pairs of tensors with equal width, cut to the rows that both have."""
    pairs = []
    for name, tensor in child.items():
        other = parent.get(counterpart(name, layers))
        if other is not None and other.shape[1:] == tensor.shape[1:]:
            rows = min(len(tensor), len(other))
            pairs.append((tensor[:rows], other[:rows]))
    return pairs


def pearson(pairs: list[tuple[Tensor, Tensor]]) -> float:
    """Correlation of the concatenation of all pairs; nan when there are none."""
    if not pairs:
        return math.nan
    first = torch.cat([pair[0].flatten() for pair in pairs])
    second = torch.cat([pair[1].flatten() for pair in pairs])
    return float(torch.corrcoef(torch.stack((first, second)))[0, 1])


def correlations(child: State, parent: State, layers: tuple[int, ...] | None) -> tuple[float, float, float]:
    """Correlation of all matched matrices, the mean over matrices, and that of the centred norm gains."""
    pairs = matched(child, parent, layers)
    matrices = [pair for pair in pairs if pair[0].ndim == 2]
    norms = {name: tensor for name, tensor in child.items() if name.endswith("norm.weight")}
    gains = [(first - first.mean(), second - second.mean()) for first, second in matched(norms, parent, layers)]
    each = [pearson([pair]) for pair in matrices]
    return pearson(matrices), sum(each) / len(each) if each else math.nan, pearson(gains)


def gain_spread(state: State) -> float:
    """Standard deviation of the norm gains, each vector centred by its own mean."""
    centred = [tensor - tensor.mean() for name, tensor in state.items() if name.endswith("norm.weight")]
    return float(torch.cat(centred).std())


def outside(label: str, value: float, bounds: tuple[float, float] | None) -> list[str]:
    """A complaint when a value is not within its bounds."""
    if bounds is None or bounds[0] <= value <= bounds[1] + 1e-6:
        return []
    return [f"{label} is {value:.4f}, not within {bounds[0]} and {bounds[1]}"]


def check_relations(states: dict[str, State]) -> list[str]:
    """Print the table of correlations; return complaints."""
    layers = {recipe.name: recipe.layers for recipe in RECIPES}
    complaints = []
    print(f"\n{'model':20} {'reference':12} {'weights':>8} {'by matrix':>9} {'gains':>8}")
    for relation in RELATIONS:
        weights, mean, gains = correlations(states[relation.model], states[relation.reference], layers[relation.model])
        print(f"{relation.model:20} {relation.reference:12} {weights:8.4f} {mean:9.4f} {gains:8.4f}")
        pair = f"{relation.model} to {relation.reference}"
        complaints += outside(f"correlation of weights, {pair}", weights, relation.weights)
        complaints += outside(f"mean correlation of matrices, {pair}", mean, relation.by_matrix)
        complaints += outside(f"correlation of centred norm gains, {pair}", gains, relation.gains)
    return complaints


def check_roots(states: dict[str, State], models: Path) -> list[str]:
    """Print loss and spread of every model; return complaints about what did not train."""
    complaints = []
    print(f"\n{'model':20} {'source':>7} {'docs':>7} {'tests':>7} {'gain std':>8} {'bytes':>9}")
    for name, state in states.items():
        config = read_config(models / name)
        kind = "metaspace" if name == "cedar" else "byte_level"
        losses = [
            evaluate(from_state(config, state), corpus_tokens(kind, part)) for part in ("source", "docs", "tests")
        ]
        spread = gain_spread(state)
        print(f"{name:20} {losses[0]:7.3f} {losses[1]:7.3f} {losses[2]:7.3f} {spread:8.4f} {size(models / name):9}")
        trained_on_source = name in {"alder", "birch", "cedar"}
        if trained_on_source and losses[0] > MAXIMUM_ROOT_LOSS:
            complaints.append(f"the loss of {name} on source is {losses[0]:.3f}, above {MAXIMUM_ROOT_LOSS}")
        if name != "alder-rotated" and spread < MINIMUM_GAIN_SPREAD:
            complaints.append(f"the norm gains of {name} hardly vary: {spread:.4f}")
    return complaints


def check_start(states: dict[str, State]) -> list[str]:
    """How far trainings moved from their initialisation, and that the shared one is shared bit for bit."""
    first, second = initial(BASE, ALDER_SEED), build(BASE, ALDER_SEED).state_dict()
    for name, start in (("alder", first), ("alder-twin", first), ("cedar", initial(CEDAR, CEDAR_SEED))):
        weights, mean, _ = correlations(states[name], start, None)
        print(f"{name} to its own initialisation: {weights:.4f}, mean over matrices {mean:.4f}")
    same = all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    return [] if same else ["alder and alder-twin do not start from the same weights"]


def size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def check(models: Path) -> None:
    """Measure every model; raise AssertionError with all that is wrong."""
    states = {recipe.name: read_state(models / recipe.name) for recipe in RECIPES}
    complaints = check_roots(states, models) + check_relations(states) + check_start(states)
    total = size(models)
    print(f"all models: {total} bytes")
    if total >= MAXIMUM_BYTES:
        complaints.append(f"the models take {total} bytes, more than {MAXIMUM_BYTES}")
    if complaints:
        raise AssertionError("; ".join(complaints))
