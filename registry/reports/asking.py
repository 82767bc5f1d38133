"""A question about the ancestors of one model, registered or not, and the report that answers it."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb

from ...queries.answers.ancestors import Answering, ancestors, equal_models
from ...queries.answers.verdict import judged
from ...queries.data.query import Query, registered_query
from ...queries.search.scan import Scanning, SqlScan
from ...queries.sql import statement
from ..jobs.standing import matches_of
from ..store.adapters import AdapterDetails, adapter_details
from ..store.models import Model, count_outdated
from .ancestors import AncestorsReport, EqualContent, overall_verdict

if TYPE_CHECKING:
    from ...ingest.model import ModelFingerprint

_log = logging.getLogger(__name__)


def ask(
    connection: duckdb.DuckDBPyConnection,
    asked: Model | ModelFingerprint,
    k: int,
    answering: Answering | None = None,
    scanning: Scanning = SqlScan,
    *,
    newest: bool = False,
    within: int | None = None,
) -> AncestorsReport:
    """The ranked ancestors of a registered model, or of a fingerprint that is not kept; at least `k` rows a component.

    A component has fewer rows where the registry holds fewer models. `newest` assumes that nothing that is registered
    came after the model. `answering` is the question: by default for ancestors. `scanning` gives the
    registry's sketches. `within` are the bytes that may be fetched of models that are here by their sketches alone.
    """
    began = time.monotonic()
    if isinstance(asked, Model):
        query = registered_query(connection, asked.model_id)
        adapter = adapter_details(connection, asked.model_id)
    else:
        query, adapter = _unregistered(connection, asked)
    scan = scanning(connection)
    same = equal_models(connection, query, scan.names)
    equal = tuple(EqualContent(name, uri) for _, name, uri in same)
    equals = {model for model, _, _ in same}
    query = replace(query, newest=newest)
    answers = ancestors(connection, query, k, answering or judged, equals, scan, within)
    others = connection.execute(statement("models/others"), {"model_id": query.model_id}).fetchall()
    _log.info("%s: answered from %d other models in %.2f s", asked.name, others[0][0], time.monotonic() - began)
    shown = {row.model_id for answer in answers for row in answer.ancestors}
    outdated, names = count_outdated(connection, [query.model_id, *shown])
    return AncestorsReport(
        name=asked.name,
        source=asked.uri,
        revision=asked.revision,
        parameters=asked.parameters,
        bytes_read=asked.bytes_read,
        bytes_total=asked.bytes_total,
        registry_models=int(others[0][0]),
        verdict=overall_verdict(answers, equal=bool(equal)),
        components=tuple(answers),
        adapter=adapter,
        equal_content=equal,
        outdated=tuple(names),
        registry_outdated=outdated,
        inferred=tuple(matches_of(connection, query)),
    )


def _unregistered(
    connection: duckdb.DuckDBPyConnection, asked: ModelFingerprint
) -> tuple[Query, AdapterDetails | None]:
    """The query for a fingerprint that is not kept. What reads checkpoints takes 0.1 s to import, and is there then."""
    from ..jobs.question import unregistered_query
    from ..store.adapters import unregistered_adapter
    from ..store.arrow import model_tables

    adapter = unregistered_adapter(connection, model_tables(asked, 0)) if asked.adapter else None
    return unregistered_query(connection, asked), adapter
