"""What is said of when models appeared: claims of cards and people, never measurements, and named as what they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

DATES = "claimed release dates"
NEWEST = "the assumption that the query is the newest"
FROM_SCRATCH = "was trained from scratch"
"""How what a direction rests on is named; the last ends a claim about a root."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims about the models of one question; models are named by their ids.

    `released` has the release dates of candidates, `query_released` that of the query. `roots` are models that were
    trained from scratch by somebody's word, each with the source of that word. `newest` says that nothing that is
    registered came after the query, because somebody assumes it.
    """

    released: Mapping[int, datetime] = field(default_factory=dict)
    query_released: datetime | None = None
    roots: Mapping[int, str] = field(default_factory=dict)
    query_root: str | None = None
    newest: bool = False

    def later(self, model_id: int) -> bool:
        """Whether a candidate was released after the query."""
        released = self.released.get(model_id)
        return bool(released and self.query_released and released > self.query_released)

    def earlier(self, model_id: int) -> bool:
        """Whether a candidate was there before the query: by its date, or because the query is the newest."""
        released = self.released.get(model_id)
        earlier = bool(released and self.query_released and released < self.query_released)
        return earlier or (self.newest and not self.later(model_id))

    def dated(self, model_id: int) -> bool:
        """Whether the dates of a candidate and of the query are known, or the query is assumed to be the newest."""
        return self.newest or (self.query_released is not None and model_id in self.released)
