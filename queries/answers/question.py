"""One question about one component: its candidates, and all that is known beside their weights."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ..data.component import Component
from ..lineage.claims import Claims


@dataclass(frozen=True, slots=True)
class Question:
    """A component of a query and `others`, its candidates.

    `facts` gives name, source and release date of the candidates' models by their ids, `declared` which of them the
    query names as its parent and which name the query. `claims` are what is known of the order. `models` is the size
    of the registry, the query left out, for the E-values. `equal` are the models of which everything that was read is
    equal; `comparable` counts those that could be compared, asked where none is related. `asked` is the name and
    the source of the query: a candidate of its name, or of another candidate's, is called by its source too.
    """

    component: Component
    others: Iterable[Component]
    facts: Mapping[int, tuple[str, str, datetime | None]]
    claims: Claims
    models: int
    declared: Mapping[int, tuple[bool, bool]] = field(default_factory=dict)
    equal: Collection[int] = ()
    comparable: Callable[[], int] | None = None
    asked: tuple[str, str] | None = None
