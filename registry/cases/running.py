"""A case carried out: every model read by range into a registry of its own, judged against all others, measured.

Models that cannot be read are rows with a reason; the case goes on without them as long as two are left.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from ...ingest.errors import ForebearError, RegistryError, SourceError
from ...ingest.model import ModelFingerprint, fingerprint_model, iter_problems
from ...ingest.sources import Source, spec_of
from ...ingest.sources.card import ProviderCard
from ...ingest.whole_model import whole_model
from ...queries.answers.records import ComponentAnswer
from ...queries.comparison.case.experts import routed_experts
from ...queries.comparison.case.pairs import RELATED
from ...queries.comparison.case.question import Case, CaseModel
from ...queries.comparison.case.records import CaseModelRow, CaseResult, VocabularyPair
from ...queries.comparison.case.result import case_result, measure
from ...queries.comparison.case.vocabularies import shared_tokens, vocabulary_pairs
from ...queries.comparison.pair.sides import Side
from ...queries.comparison.tokenizers.tokenizers import Spelled
from ...queries.lineage.recipes.records import Recipe
from ..jobs.comparing import Blocks, side_of
from ..jobs.ingesting import Opener
from ..reports.asking import ask
from ..reports.recipes import ask_recipe
from ..store.database import open_database
from ..store.models import Model, find_source, mark_root, put_model
from ..store.transactions import committed
from .embedding_rows import embedding_figures
from .kept import KeptSource
from .provenance import case_files, provenance

_log = logging.getLogger(__name__)
Advance = Callable[[str, int, int], None]
EXPERTS = 1
"""Routed experts of a layer that are read, of the lowest numbers; a registry keeps four. Of five mixtures of 100B
parameters the weights of four take 505 MB, of two 360 MB, of one 290 MB, activations 90 MB more."""
_LEAST_MODELS = 2
_LEAST_PARENTS = 2


@dataclass(frozen=True, slots=True)
class CaseOptions:
    """How a case is carried out: at most `budget` bytes of weights a model; files of this machine hashed with `hashed`.

    What is read is kept in `folder`, and taken from there by a later run; without one it is dropped at the end.
    `command` is noted in the answer.
    """

    budget: int | None = None
    hashed: bool = False
    folder: Path | None = None
    command: str = ""


@dataclass(frozen=True, slots=True)
class _Read:
    """One model that was read: its side, its row in the registry of the case, and its open source."""

    case: CaseModel
    source: KeptSource
    made: ModelFingerprint
    side: Side
    model: Model


def run_case(case: Case, opener: Opener, options: CaseOptions, advance: Advance) -> CaseResult:
    """The answer to a case. `advance` hears (stage, done, of how many).

    Raises SourceError when fewer than two of its models can be read: the first reason is that of the error.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="forebear-")))
        connection = open_database(scratch / "case.duckdb", read_only=False)
        stack.callback(connection.close)
        read, failures = _read_all(case, connection, opener, options, scratch, stack, advance)
        if len(read) < _LEAST_MODELS:
            reasons = "; ".join(f"{label}: {reason}" for label, reason in failures.items())
            raise SourceError(f"a case needs two models that can be read, and {len(read)} could be: {reasons}")
        corrected_for = max(1, len(read) - 1)
        lineage = _lineage(connection, read, advance)
        recipes = _recipes(connection, read, lineage)
        spelled, pairs = _vocabularies(read, advance)
        advance("figures", 0, 1)
        measured = measure(
            case, [one.side for one in read], failures=failures, corrected_for=corrected_for, lineage=lineage,
            recipes=recipes, spelled=spelled, vocabulary_pairs=pairs,
        )  # fmt: skip
        result = case_result(measured, _rows(case, read, failures, options), corrected_for)
        advance("figures", 1, 1)
        made = provenance(
            case,
            [one.source for one in read],
            command=options.command,
            seconds=time.monotonic() - began,
            budget=options.budget,
        )
        return replace(result, provenance=made)


def _read_all(
    case: Case,
    connection: duckdb.DuckDBPyConnection,
    opener: Opener,
    options: CaseOptions,
    scratch: Path,
    stack: ExitStack,
    advance: Advance,
) -> tuple[list[_Read], dict[str, str]]:
    """Every model that can be read, in the registry of the case; and why the others cannot."""
    read, failures = [], {}
    for number, model in enumerate(case.models):
        advance("models", number, len(case.models))
        try:
            kept = KeptSource(_opened(model, opener), options.folder or scratch)
            stack.callback(kept.close)
            read.append(_read(model, kept, connection, options))
        except ForebearError as error:
            _log.info("%s cannot be read: %s", model.label, error)
            failures[model.label] = str(error)
    advance("models", len(case.models), len(case.models))
    return read, failures


def _opened(model: CaseModel, opener: Opener) -> Source:
    """The source of a model at its revision. Raises SourceError for a revision where the source has none."""
    source = opener(spec_of(model.source, model.revision))
    if model.revision is not None and source.revision is None:
        source.close()
        raise SourceError(f"{model.source}: the case names the revision {model.revision}, and this source has none")
    return source


def _read(model: CaseModel, source: KeptSource, connection: duckdb.DuckDBPyConnection, options: CaseOptions) -> _Read:
    blocks: Blocks = {}
    made = fingerprint_model(source, budget=options.budget, seen=blocks.__setitem__, experts=EXPERTS)
    made = replace(made, provider=_dated(made.provider, model.released))
    if find_source(connection, made.uri, made.revision) is not None:
        raise SourceError(f"{made.uri}: the same source stands in the case twice; name each model once")
    committed(connection, lambda: put_model(connection, made))
    row = find_source(connection, made.uri, made.revision)
    if row is None:
        raise RegistryError(f"{made.uri}: could not be kept in the registry of the case")
    if model.root is not None:
        mark_root(connection, row, model.root)
    side = side_of(connection, model.label, made, blocks, "asked", row)
    return _Read(model, source, made, side, row)


def _dated(card: ProviderCard | None, released: str | None) -> ProviderCard | None:
    """The provider's card with the date of the case, which is what its author looked up."""
    if released is None:
        return card
    created = datetime.fromisoformat(released).replace(tzinfo=UTC)
    return replace(card, created=created) if card else ProviderCard("case", created=created)


def _lineage(
    connection: duckdb.DuckDBPyConnection, read: Sequence[_Read], advance: Advance
) -> dict[str, Sequence[ComponentAnswer]]:
    """What the registry of the case says of the ancestors of each model."""
    found: dict[str, Sequence[ComponentAnswer]] = {}
    for number, one in enumerate(read):
        advance("ancestors", number, len(read))
        found[one.case.label] = ask(connection, one.model, len(read)).components
    advance("ancestors", len(read), len(read))
    return found


def _recipes(
    connection: duckdb.DuckDBPyConnection, read: Sequence[_Read], lineage: Mapping[str, Sequence[ComponentAnswer]]
) -> dict[str, Sequence[Recipe]]:
    """The recipes of models that are related to two others or more, the fewest that a merge can have."""
    found: dict[str, Sequence[Recipe]] = {}
    for one in read:
        related = {
            row.model_id
            for answer in lineage[one.case.label]
            if answer.verdict in RELATED
            for row in answer.ancestors
            if row.origin is not None
        }
        if len(related) >= _LEAST_PARENTS:
            found[one.case.label] = ask_recipe(connection, one.model).recipes
    return {label: recipes for label, recipes in found.items() if recipes}


def _vocabularies(read: Sequence[_Read], advance: Advance) -> tuple[dict[str, Spelled], list[VocabularyPair]]:
    """The tokenizers by label, and every two side by side with their embeddings."""
    with ExitStack() as stack:
        advance("tokens", 0, 1)
        opened = {one.case.label: stack.enter_context(whole_model(one.source)) for one in read}
        spelled = {label: Spelled(one.tokenizer) for label, one in opened.items() if one.tokenizer is not None}
        shared = shared_tokens(spelled)
        figures = embedding_figures(opened, shared)
        found = vocabulary_pairs(spelled, shared, figures)
        advance("tokens", 1, 1)
        return spelled, found


def _rows(case: Case, read: Sequence[_Read], failures: Mapping[str, str], options: CaseOptions) -> list[CaseModelRow]:
    """Every model of the case as a record, in its order."""
    by_label = {one.case.label: one for one in read}
    return [
        _row(by_label[model.label], options) if model.label in by_label else _missing(model, failures[model.label])
        for model in case.models
    ]


def _row(one: _Read, options: CaseOptions) -> CaseModelRow:
    model, made = one.case, one.made
    experts_read, experts = routed_experts(one.side)
    return CaseModelRow(
        label=model.label,
        name=made.name,
        role=model.role,
        of=model.of,
        family=model.family,
        source=made.uri,
        revision=made.revision,
        released=model.released,
        created=_date(one.source),
        root=model.root,
        confirmed=model.confirmed,
        note=model.note,
        parameters=made.parameters,
        bytes_read=one.source.bytes_used,
        bytes_total=made.bytes_total,
        experts_read=experts_read,
        experts=experts,
        declared_parents=tuple(parent.parent for parent in made.card.parents),
        problems=tuple(iter_problems(made)),
        files=case_files(one.source, hashed=options.hashed),
    )


def _date(source: Source) -> str | None:
    return source.card.created.date().isoformat() if source.card and source.card.created else None


def _missing(model: CaseModel, failure: str) -> CaseModelRow:
    return CaseModelRow(
        label=model.label, name=model.source, role=model.role, of=model.of, family=model.family, source=model.source,
        revision=model.revision, released=model.released, created=None, root=model.root, confirmed=model.confirmed,
        note=model.note, parameters=0, bytes_read=0, bytes_total=0, experts_read=0, experts=0, declared_parents=(),
        problems=(), files=(), failure=failure,
    )  # fmt: skip
