"""Models without numbered transformer layers: convolutions, recurrent cells, small perceptrons, in any order.

Nothing in their names says what a matrix does, and frameworks name them differently: ONNX by the graph, torch by the
module. So no role and no layer is claimed. Every matrix stands for itself, and others are compared with it by shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .naming import NamedTensor

NETWORK = "network"
"""The component of a model of which nothing is known but its matrices."""
_LAYERED = frozenset({"q", "k", "v", "o", "gate", "up", "down"})
_TOKENS = frozenset({"embed", "head"})
_UNKNOWN = frozenset({"language", "encoder", "decoder", "vision"})
"""Components that a name falls to when it says nothing else, or says in one framework alone (`resnet`)."""
_CONTEXT = frozenset({"buffer", "position", "token_type"})


def as_network(named: Sequence[NamedTensor]) -> tuple[NamedTensor, ...]:
    """The tensors as those of a network, unless a layer holds a matrix of a transformer, or there are but embeddings.

    An embedding keeps its role, and a head beside one: their rows are compared by token.
    """
    matrices = [n for n in named if _is_matrix(n)]
    if any(n.place.layer is not None and n.place.role in _LAYERED for n in matrices):
        return tuple(named)
    if not any(n.place.role not in _TOKENS for n in matrices):
        return tuple(named)
    embedded = any(n.place.role == "embed" for n in matrices)
    return tuple(_as_network(n, embedded) for n in named)


def _is_matrix(item: NamedTensor) -> bool:
    return len(item.tensor.shape) > 1 and item.tensor.parameters > 0 and item.place.slot not in _CONTEXT


def _as_network(item: NamedTensor, embedded: bool) -> NamedTensor:
    place = item.place
    component = NETWORK if place.component in _UNKNOWN else place.component
    role, slot = place.role, place.slot
    if _is_matrix(item) and not (role == "embed" or (role == "head" and embedded)):
        role = "conv" if role == "conv" else "other"
    if slot not in _CONTEXT and role not in _TOKENS:
        slot = "" if _is_matrix(item) else item.tensor.name.replace("/", ".")
    return replace(item, place=replace(place, component=component, layer=None, expert=None, role=role, slot=slot))
