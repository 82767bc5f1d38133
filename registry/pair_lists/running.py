"""A list carried out: its models read into a registry of their own, its pairs asked, the answers scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ..version import forebear_version
from .asking import AskedPair, ask_pairs
from .pair_list import PairList
from .reading import Budget, read_models
from .scoring import Score, score_pairs

if TYPE_CHECKING:
    from ..registry import Registry

COLUMNS = (
    *("model", "other", "truth", "kind", "scored", "status", "right", "log10_evalue", "identity", "coverage"),
    *("direction", "ancestor_probability", "reason"),
)
"""Of a row a pair."""


@dataclass(frozen=True, slots=True)
class ListResult:
    """The answer to a list. `models` of `repositories` are in the registry; `missing` says why the others are not."""

    listed: PairList
    repositories: int
    models: int
    missing: Mapping[str, str]
    bytes_read: int
    answers: tuple[AskedPair, ...]
    score: Score

    @property
    def wrong(self) -> list[AskedPair]:
        """Scored pairs of which the answer is not the truth: misses, then false alarms."""
        found = [one for one in self.answers if one.pair.scored and one.right is False]
        return sorted(found, key=lambda one: one.pair.truth)


def run_list(
    registry: Registry, listed: PairList, budget: Budget, advance: Callable[[str, int, int], None]
) -> ListResult:
    """Read what is missing, ask every pair, and score. `advance` hears (stage, done, of how many).

    The registry should hold the models of the list alone: E-values are corrected for all that it holds.
    """
    repositories = listed.repositories
    read = read_models(registry, repositories, budget, advance)
    models = len(registry.models())
    answers = ask_pairs(registry.connection, listed, read, models, advance)
    score = score_pairs(answers, models)
    return ListResult(listed, len(repositories), len(read.models), read.missing, read.bytes_read, tuple(answers), score)


def pair_rows(result: ListResult) -> list[dict[str, object]]:
    """A row a pair, with the keys of COLUMNS."""
    return [
        {
            "model": one.pair.model,
            "other": one.pair.other,
            "truth": one.pair.truth,
            "kind": one.pair.kind,
            "scored": one.pair.scored,
            "status": one.status,
            "right": one.right,
            "log10_evalue": one.log10_evalue,
            "identity": one.identity,
            "coverage": one.coverage,
            "direction": one.direction or None,
            "ancestor_probability": one.ancestor_probability,
            "reason": one.reason or None,
        }
        for one in result.answers
    ]


def list_document(result: ListResult) -> dict[str, object]:
    """The answer as the JSON document."""
    listed = result.listed
    return {
        "schema_version": 1,
        "forebear": forebear_version(),
        "list": listed.name,
        "title": listed.title,
        "sources": list(listed.sources),
        "notes": list(listed.notes),
        "pairs_published": listed.published,
        "unconfirmed": listed.unconfirmed,
        "models": {"listed": result.repositories, "read": result.models, "missing": dict(result.missing)},
        "bytes_read": result.bytes_read,
        "score": asdict(result.score),
        "pairs": pair_rows(result),
    }
