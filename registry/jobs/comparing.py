"""Models opened for a comparison: their rows read from the source where it can be had, else what the registry keeps."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Literal

import duckdb
import numpy as np
from numpy.typing import NDArray

from ...ingest.errors import SourceError
from ...ingest.model import ModelFingerprint, fingerprint_model, is_current
from ...ingest.sources import Source, spec_of
from ...ingest.storage.skipped import SkippedTensor
from ...queries.comparison.compare import compare_models
from ...queries.comparison.controls import find_controls
from ...queries.comparison.pair.sides import Part, ReadRows, Side
from ...queries.comparison.records.comparison import ComparedModel, Comparison
from ...queries.comparison.records.figures import ValueSource
from ...queries.comparison.whole.comparison import Progress
from ...queries.data.query import registered_query
from ...queries.sql import statement
from ..store.models import Model, list_models
from ..store.recipes import kept_sentences
from .ingesting import Opener
from .question import unregistered_query
from .whole import tokenizers_of, weights_of

_log = logging.getLogger(__name__)
Origin = Literal["asked", "given", "registry"]
Blocks = dict[int, NDArray[np.float32]]


def compare(
    connection: duckdb.DuckDBPyConnection,
    a: Model | Source,
    b: Model | Source,
    controls: Sequence[Model | Source] | None,
    opener: Opener,
    *,
    whole: Progress | None = None,
) -> Comparison:
    """The comparison of two models; None for `controls` takes them from the registry, an empty list wants none.

    Sources are read, not kept; who opened them closes them. The source of a registered model is opened by `opener`, to
    read its rows. With `whole`, which is told of the progress, all weights of both are read too. Raises what
    `fingerprint_model` raises.
    """
    first, second = (_side(connection, label, one, "asked", opener) for label, one in (("A", a), ("B", b)))
    models = {model.model_id: model for model in list_models(connection)}
    others = len(models.keys() - {first.query.model_id})
    if controls is None:
        unrelated = find_controls(connection, first.query, second.query, others + (second.query.model_id < 0))
        chosen = [_side(connection, f"C{i}", models[m], "registry", opener) for i, m in enumerate(unrelated.models, 1)]
        text = unrelated.text
    else:
        chosen = [_side(connection, f"C{i}", one, "given", opener) for i, one in enumerate(controls, 1)]
        text = f"{len(chosen)} given" if chosen else "No control was asked for"
    outside = sum(side.query.model_id < 0 for side in (second, *chosen))
    found = compare_models(first, second, chosen, corrected_for=max(1, others + outside), found=text)
    recipes = [
        f"{side.label}: {sentence}"
        for side in (first, second)
        for sentence in kept_sentences(connection, side.query.model_id)
    ]
    found = replace(found, notes=(*found.notes, *recipes))
    return _with_sources(found, (a, b), opener, whole)


def _with_sources(
    found: Comparison, models: tuple[Model | Source, Model | Source], opener: Opener, whole: Progress | None
) -> Comparison:
    """The comparison with what needs the sources themselves: tokenizers by their text, and whole tensors if asked."""
    unread = [model for model in found.models[:2] if model.note]
    if unread and whole:
        raise SourceError(f"{unread[0].source}: --full reads all weights, and {unread[0].note}")
    if unread:
        return found
    with ExitStack() as stack:
        first, second = (_reopened(model, opener, stack) for model in models)
        tokenizer = tokenizers_of(first, second)
        if whole is None:
            return replace(found, tokenizer=tokenizer)
        blocks = {
            match.query: match.ancestor
            for part in found.components
            for row in part.evidence
            if (row.query, row.candidate) == ("A", "B")
            for match in row.blocks
        }
        full = weights_of(first, second, blocks=blocks or None, progress=whole)
        return replace(found, tokenizer=tokenizer, full=full)


def _reopened(model: Model | Source, opener: Opener, stack: ExitStack) -> Source:
    """The source of a registered model, open until the stack ends; the others are open already."""
    if not isinstance(model, Model):
        return model
    source = opener(_spec(model))
    stack.callback(source.close)
    return source


def _side(
    connection: duckdb.DuckDBPyConnection, label: str, found: Model | Source, origin: Origin, opener: Opener
) -> Side:
    """One model as a side of the comparison: read from its source where that can be had."""
    if not isinstance(found, Model):
        return _read(connection, label, found, origin)
    try:
        source = opener(_spec(found))
    except SourceError as error:
        return _kept(connection, label, found, origin, f"its source cannot be opened ({error})")
    try:
        if not is_current(found.state, source.state, budget=0):
            return _kept(connection, label, found, origin, "its source has changed since it was registered")
        return _read(connection, label, source, origin, found)
    except SourceError as error:
        return _kept(connection, label, found, origin, f"its source cannot be read ({error})")
    finally:
        source.close()


def _spec(model: Model) -> str:
    return spec_of(model.uri, model.revision)


def _read(
    connection: duckdb.DuckDBPyConnection, label: str, source: Source, origin: Origin, known: Model | None = None
) -> Side:
    """A model whose rows are read now; its fingerprint is made from the same bytes."""
    blocks: Blocks = {}
    made = fingerprint_model(source, seen=blocks.__setitem__)
    return side_of(connection, label, made, blocks, origin, known)


def side_of(
    connection: duckdb.DuckDBPyConnection,
    label: str,
    made: ModelFingerprint,
    blocks: Blocks,
    origin: Origin,
    known: Model | None = None,
) -> Side:
    """A fingerprint as a side, with the blocks that were read for it by the numbers of its tensors."""
    asked = unregistered_query(connection, made)
    if known:
        asked = replace(asked, model_id=known.model_id)
    numbers: dict[str, list[int]] = defaultdict(list)
    for number, tensor in enumerate(made.tensors):
        numbers[tensor.named.place.component].append(number)
    _order_tokens(made, blocks)
    parts = tuple(Part(label, c, ReadRows.of(numbers[c.name], blocks)) for c in asked.components)
    declared = tuple(parent.parent for parent in made.card.parents)
    model = _compared(label, known or made, origin, known is not None, "leading rows", None, declared)
    return Side(model, asked, parts, made.config, made.skipped)


def _order_tokens(made: ModelFingerprint, blocks: Blocks) -> None:
    """Rows of embeddings in the order of their token hashes, as components have them."""
    keys = {rows.named.tensor.name: rows.keys for rows in made.tokens}
    for number, tensor in enumerate(made.tensors):
        found = keys.get(tensor.named.tensor.name)
        if found is not None and number in blocks:
            blocks[number] = blocks[number][np.argsort(found, kind="stable")]


def _kept(connection: duckdb.DuckDBPyConnection, label: str, model: Model, origin: Origin, why: str) -> Side:
    """A model of which only what the registry keeps is at hand, and why."""
    asked = registered_query(connection, model.model_id)
    config = json.loads(connection.execute(statement("models/config"), {"model_id": model.model_id}).fetchall()[0][0])
    skipped = connection.execute(statement("show/skipped"), {"model_id": model.model_id}).fetchall()
    _log.info("%s: %s, so what the registry keeps is compared", model.name, why)
    note = f"{why}: figures come from the values that the registry keeps"
    return Side(
        _compared(label, model, origin, True, "kept values", note, asked.declared),
        asked,
        tuple(Part(label, component, None) for component in asked.components),
        config,
        tuple(SkippedTensor(*row) for row in skipped),
    )


def _compared(
    label: str,
    model: Model | ModelFingerprint,
    origin: Origin,
    registered: bool,
    values: ValueSource,
    note: str | None,
    declared: tuple[str, ...],
) -> ComparedModel:
    return ComparedModel(
        label=label,
        name=model.name,
        source=model.uri,
        revision=model.revision,
        origin=origin,
        registered=registered,
        parameters=model.parameters,
        bytes_read=model.bytes_read,
        bytes_total=model.bytes_total,
        values=values,
        note=note,
        declared_parents=declared,
    )
