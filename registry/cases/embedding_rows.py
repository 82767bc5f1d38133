"""Embedding rows of shared tokens, read once a model for all pairs that it is in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...ingest.names.naming import NamedTensor
from ...ingest.reading.stream import WholeModel
from ...queries.comparison.case.embeddings import embedding_figure, without_embedding
from ...queries.comparison.case.records import EmbeddingFigure
from ...queries.comparison.case.vocabularies import SharedTokens


def embedding_figures(
    opened: Mapping[str, WholeModel], shared: Sequence[SharedTokens]
) -> dict[tuple[str, str], EmbeddingFigure]:
    """The figure of every two models that have an embedding. Raises SourceError when a read fails."""
    tensors = {label: named for label, model in opened.items() if (named := _embedding(model)) is not None}
    plans: dict[tuple[str, str], dict[str, list[int]]] = {}
    wanted: dict[str, set[int]] = {label: set() for label in tensors}
    for one in shared:
        if one.first in tensors and one.second in tensors and _width(tensors[one.first]) == _width(tensors[one.second]):
            plan = one.chosen((_rows(tensors[one.first]), _rows(tensors[one.second])))
            plans[one.first, one.second] = plan
            places = [place for chosen in plan.values() for place in chosen]
            for column, label in enumerate((one.first, one.second)):
                wanted[label] |= set(one.ids[places, column].tolist())
    read = {label: sorted(ids) for label, ids in wanted.items()}
    rows = {label: opened[label].rows(tensors[label].tensor, ids) for label, ids in read.items() if ids}
    found: dict[tuple[str, str], EmbeddingFigure] = {}
    for one in shared:
        labels = one.first, one.second
        plan = plans.get(labels, {})
        places = [place for chosen in plan.values() for place in chosen]
        if places:
            x, y = (
                rows[label][np.searchsorted(read[label], one.ids[places, column])]
                for column, label in enumerate(labels)
            )
            ends = np.cumsum([0, *(len(chosen) for chosen in plan.values())]).tolist()
            classes = {name: range(ends[i], ends[i + 1]) for i, name in enumerate(plan)}
            found[labels] = embedding_figure(*labels, x, y, classes)
        else:
            found[labels] = without_embedding(*labels, 0, _reason(tensors, labels))
    return found


def _embedding(model: WholeModel) -> NamedTensor | None:
    """The embedding of tokens: that of the language component where there are several."""
    found = [n for n in model.named if n.place.role == "embed" and n.place.slot == "" and len(n.tensor.shape) == 2]
    return min(found, key=lambda named: named.place.component != "language", default=None)


def _width(named: NamedTensor) -> int:
    return named.tensor.matrix[1]


def _rows(named: NamedTensor) -> int:
    return named.tensor.matrix[0]


def _reason(tensors: Mapping[str, NamedTensor], labels: tuple[str, str]) -> str:
    missing = [label for label in labels if label not in tensors]
    if missing:
        return f"no embedding that is read: {', '.join(missing)}"
    widths = [_width(tensors[label]) for label in labels]
    return f"rows of {widths[0]} and {widths[1]} values" if widths[0] != widths[1] else "no shared tokens"
