"""One run of `forebear watch`: a batch into the registry, and then the questions about it.

Models are read first, the oldest first, and asked about when all of them are in: the parent of a model may have been
published on the same morning. Earlier models that a new one may be an ancestor of are asked about again, and said to
have changed where the answer has. What was read and not answered, as the run was ended, is answered by the next one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...queries.answers.records import Ancestor, Verdict
from ...queries.sql import statement
from ...queries.thresholds.lineage import DIRECTION_TOLD, MOST_RELATIVES
from ..store.models import Model, newest_model
from ..store.transactions import committed
from .outcome import Ingested, Outcome, Unchanged
from .watching import Agenda

if TYPE_CHECKING:
    from ..registry import Registry

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """What a run said of a model: the verdict, and the source of the ancestor or relative that it named."""

    verdict: str | None
    relative: str | None


@dataclass(frozen=True, slots=True)
class Watched:
    """What became of one model, and the verdict with its sentence (None where it could not be read).

    `ancestor` is the nearest model that is told to be one, None where none is; `relative` is that ancestor, or else the
    nearest model of one lineage or of one initialisation; `related` are the sources of all of those. `before` is what
    an earlier run said, of a model that is named again since that has changed.
    """

    outcome: Outcome
    verdict: Verdict | None = None
    ancestor: Ancestor | None = None
    relative: Ancestor | None = None
    sentence: str | None = None
    related: tuple[str, ...] = ()
    before: Said | None = None

    @property
    def status(self) -> str:
        """That of the outcome; `changed` for a model of an earlier run."""
        return self.outcome.status if self.before is None else "changed"

    @property
    def said(self) -> Said:
        """What is kept of it, to be compared with a later answer."""
        return Said(self.verdict, self.relative.source if self.relative else None)


def watching(
    registry: Registry,
    todo: Agenda,
    heard: Callable[[Outcome, bool], None],
    *,
    connections: int | None = None,
    budget: int | None = None,
) -> Generator[Watched, None, None]:
    """Carry out an agenda. `heard` is called with each outcome as it comes, and whether it is a failure known before.

    Handed out are new failures as they come, then the models that are in, the oldest first, with their answers, then
    earlier ones of which the answer has changed. What was handed out is not handed out again by a later run.
    """
    expect_answers(registry, todo.specs)
    arrived: dict[str, Outcome] = {}
    for outcome in registry.ingesting(todo.specs, connections=connections, budget=budget, sharing=True):
        if isinstance(outcome, Ingested | Unchanged):
            heard(outcome, False)
            arrived[_source(registry, outcome)] = outcome
            continue
        known = todo.reasons.get(outcome.source) == outcome.reason
        heard(outcome, known)
        if not known:
            yield Watched(outcome)
    if todo.until is not None:
        values = {"filters": todo.filters.key, "until": todo.until}
        committed(registry.connection, lambda: registry.connection.execute(statement("hub/watch_until"), values))
    related: set[str] = set()
    new = [uri for (uri,) in registry.connection.execute(statement("hub/pending_answers")).fetchall()]
    for uri in new:
        if (watched := _asked(registry, uri, arrived.get(uri))) is not None:
            related |= set(watched.related)
            yield watched
            _note(registry, uri, watched)
    yield from _changed(registry, new, related)


def _source(registry: Registry, outcome: Ingested | Unchanged) -> str:
    """The source that a model is registered under: a repository that was renamed has another than was asked for."""
    uri = f"hf://{outcome.name}"
    if uri != outcome.source:
        expect_answers(registry, [uri])
    return uri


def expect_answers(registry: Registry, uris: Iterable[str]) -> None:
    """Note that the models of these sources are to be answered, by this run or by the next one."""
    values = {"uris": list(uris)}
    committed(registry.connection, lambda: registry.connection.execute(statement("hub/expect_answers"), values))


def _note(registry: Registry, uri: str, watched: Watched) -> None:
    values = {"uri": uri, "verdict": watched.said.verdict, "relative": watched.said.relative}
    committed(registry.connection, lambda: registry.connection.execute(statement("hub/note_answer"), values))


def _changed(registry: Registry, new: list[str], related: set[str]) -> Generator[Watched, None, None]:
    """Earlier models whose answer is another now that `new` ones are in; `related` are relatives of those.

    A nearer ancestor is what counts: not that another child arrived, nor that the numbers of a registry which has grown
    put an old relative first.
    """
    values = {"new": new, "related": sorted(related)}
    rows = registry.connection.execute(statement("hub/may_change"), values).fetchall() if new and related else []
    _log.info("%d models arrived, %d earlier ones are asked about again", len(new), len(rows))
    for uri, verdict, relative in rows:
        before = Said(verdict, relative)
        watched = _asked(registry, uri, None, before)
        if watched is not None and watched.said != before and _is_nearer(watched, set(new)):
            yield watched
            _note(registry, uri, watched)


def _is_nearer(watched: Watched, new: set[str]) -> bool:
    """Whether a new model is what the answer names, as an ancestor or as what may be one."""
    named = watched.relative
    return named is not None and named.source in new and named.direction not in {"descendant", "sibling"}


def _asked(registry: Registry, uri: str, outcome: Outcome | None, before: Said | None = None) -> Watched | None:
    """The answer for the newest model of a source; None where it was removed meanwhile."""
    model = newest_model(registry.connection, uri)
    if model is None:
        return None
    report = registry.ancestors(model, k=MOST_RELATIVES)
    answers = [a for a in report.components if a.verdict == report.verdict]
    sentence = answers[0].sentence if answers else None
    rows = [row for answer in answers for row in answer.ancestors if row.origin]
    ancestor = next((row for row in rows if _is_told(row)), None) if report.verdict == "derived" else None
    return Watched(
        outcome or _unchanged(model),
        report.verdict,
        ancestor,
        ancestor or next(iter(rows), None),
        sentence,
        tuple(dict.fromkeys(row.source for row in rows)),
        before,
    )


def _unchanged(model: Model) -> Unchanged:
    """A model that an earlier run has read."""
    return Unchanged(model.uri, model.name, model.tensors, model.parameters, 0, model.bytes_total, 0, 0.0)


def _is_told(row: Ancestor) -> bool:
    """Whether it is told to be an ancestor; such a one need not stand first, so all that have a place are asked for."""
    return row.origin == "derivation" and row.direction_probability >= DIRECTION_TOLD


def watched_row(watched: Watched) -> dict[str, object]:
    """One model with the keys of the JSON contract, all of them, whatever became of it."""
    outcome, ancestor, nearest, before = watched.outcome, watched.ancestor, watched.relative, watched.before
    kept = outcome if isinstance(outcome, Ingested | Unchanged) else None
    return {
        "source": outcome.source,
        "name": kept.name if kept else None,
        "status": watched.status,
        "reason": None if isinstance(outcome, Ingested | Unchanged) else outcome.reason,
        "verdict": watched.verdict,
        "sentence": watched.sentence,
        "ancestor": ancestor.name if ancestor else None,
        "ancestor_source": ancestor.source if ancestor else None,
        "relative": nearest.name if nearest else None,
        "relative_source": nearest.source if nearest else None,
        "declared": nearest.declared if nearest else None,
        "direction": nearest.direction if nearest else None,
        "direction_probability": nearest.direction_probability if nearest else None,
        "direction_by": list(nearest.direction_by) if nearest else [],
        "relation": list(nearest.relation) if nearest else [],
        "log10_evalue": nearest.log10_evalue if nearest else None,
        "identity": nearest.identity if nearest else None,
        "coverage": nearest.coverage if nearest else None,
        "parameters": kept.parameters if kept else 0,
        "bytes_read": kept.bytes_read if kept else 0,
        "requests": kept.requests if kept else 0,
        "seconds": outcome.seconds,
        "verdict_before": before.verdict if before else None,
        "relative_source_before": before.relative if before else None,
    }
