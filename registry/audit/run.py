"""One audit run: from the filters to findings that are kept, a batch a transaction.

A run can end at any moment: what it had committed stays, and the next audit of the same scope goes on with it while the
registry holds the same models; else that one takes over the answers which still hold.

E-values depend on the registry's size. An answer that is taken over has its E-values corrected for the new size, from
the p-values that are kept; where the new size makes a kind of evidence cross the bound of significance, in either
direction, the answer is computed again. So is one with a new candidate or without a former relative, and one that rests
on other known roots than there are now. The bound on z of the sketches, which moves with the logarithm of the size,
stays as it was when an answer was computed. In small registries, where the nearest models are looked at whatever their
z, that is done for new models alone: that an older one shares no more than its initialisation with a new one stands in
the new one's rows. Answers of earlier rules (RULES) are never taken over. An audit with `whole` computes everything
anew.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from ...ingest.errors import RegistryError
from ...queries.answers.audit_batch import evaluate
from ...queries.evidence.kinds import KINDS
from ...queries.search.model_filter import ModelFilter, parse_filter
from ...queries.sql import statement
from ...queries.thresholds.lineage import DIRECTION_TOLD
from ...queries.thresholds.significance import SIGNIFICANT_LOG10_E
from ..jobs.engines import Engine, Here, Processes
from ..store.transactions import is_lake, transaction
from .groups import keep_models
from .inferring import infer_ancestors
from .plan import Progress, find_candidates, loaded, planned
from .recipes import find_recipes
from .scope import Scope

_log = logging.getLogger(__name__)

_FEW_PAIRS = 2_000
"""Fewer pairs are computed in this process: they take less time than starting others."""
_MEMORY = "SET memory_limit = '2GB'"
"""Of the database: without it pages of every model that was read stay in memory, and a registry is larger than that."""
RULES = 3
"""By which rules answers are judged: raise it when they change. Earlier runs stay then, and are not built on."""
_FINDINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("declared", ("against",)),
    ("duplicates", ()),
    ("ancestors", ("told",)),
    ("unknown", ("told",)),
    ("relatives", ()),
    ("licences", ()),
    ("recipes", ()),
    ("inferred", ()),
)
"""What is drawn from the pairs, and what each must know; later ones rest on findings of those before."""


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """What is asked: filters in words ('' for all), models ingested since a time (UTC), and what counts as found.

    With `whole` nothing is taken over from earlier runs. `jobs` is the number of processes, None for one a core;
    an `engine` computes elsewhere, such as on a Ray cluster.
    Raises ValueError for a filter that cannot be read or an E-value above 0.001, which no evidence is significant at.
    """

    queries: str = ""
    against: str = ""
    since: datetime | None = None
    max_log10_e: float = SIGNIFICANT_LOG10_E
    whole: bool = False
    jobs: int | None = None
    engine: Engine | None = None

    def __post_init__(self) -> None:
        if not self.max_log10_e <= SIGNIFICANT_LOG10_E:
            raise ValueError("the E-value can be at most 0.001: evidence above it is not significant")
        parse_filter(self.queries)
        parse_filter(self.against)

    @property
    def scope(self) -> dict[str, object]:
        """What two runs must share for one to go on with the other."""
        return {
            "queries": self.queries,
            "against": self.against,
            "since": self.since,
            "max_log10_e": self.max_log10_e,
            "whole": self.whole,
        }


def run_audit(connection: duckdb.DuckDBPyConnection, options: AuditOptions, advance: Progress) -> int:
    """Carry out an audit and return the number of its run.

    Raises RegistryError where no model passes the filters, and for a DuckLake catalogue, which has no sequences.
    """
    if is_lake(connection):
        raise RegistryError("an audit needs a registry file: `forebear export` the catalogue and `import` it into one")
    scope = _begin(connection, options)
    advance("sketches", 0, len(scope.asked))
    _plan(connection, scope, options, advance)
    connection.execute(_MEMORY)
    try:
        _compute(connection, scope, options, advance)
        find_recipes(connection, scope, advance)
    finally:
        connection.execute("RESET memory_limit")
    advance("findings", 0, 1)
    _finish(connection, scope, options)
    advance("findings", 1, 1)
    return scope.run_id


def _selected(connection: duckdb.DuckDBPyConnection, text: str, since: datetime | None, option: str) -> list[int]:
    chosen: ModelFilter = parse_filter(text)
    rows = connection.execute(statement("audit/models"), {**chosen.parameters, "since": since}).fetchall()
    if not rows and (text or since):
        raise RegistryError(f"no model of the registry passes {option} {text!r}" + (f" since {since}" if since else ""))
    return [model for (model,) in rows]


def _begin(connection: duckdb.DuckDBPyConnection, options: AuditOptions) -> Scope:
    """Go on with a run that was ended, or begin a new one."""
    asked = _selected(connection, options.queries, options.since, "--query")
    against = _selected(connection, options.against, None, "--against")
    models, newest = connection.execute(statement("audit/state")).fetchall()[0]
    state = {"models": models, "newest": newest, "rules": RULES}
    ended = connection.execute(statement("audit/unfinished"), {**options.scope, **state}).fetchall()
    if ended:
        return Scope(int(ended[0][0]), newest, asked, against)
    run_id = int(connection.execute(statement("audit/next_run")).fetchall()[0][0])
    facts = {"run_id": run_id, "asked": len(asked), "started_at": _now()}
    with transaction(connection):
        connection.execute(statement("audit/begin"), {**options.scope, **state, **facts})
        connection.execute(statement("audit/begin_roots"), {"run_id": run_id})
    return Scope(run_id, newest, asked, against)


def _plan(connection: duckdb.DuckDBPyConnection, scope: Scope, options: AuditOptions, advance: Progress) -> None:
    """Decide which answers are computed and which are taken over, and take those over."""
    run: dict[str, object] = {"run_id": scope.run_id}
    against = {"against": scope.against}
    with transaction(connection):
        connection.execute(statement("audit/clear"))
        wanted = {"models": scope.asked, "against": options.against, "whole": options.whole, "rules": RULES}
        connection.execute(statement("audit/tasks"), {**run, **wanted})
        find_candidates(connection, scope, advance)
        connection.execute(statement("audit/named"), against)
        size, kinds = {**against, "models": len(scope.against)}, {"kinds": len(KINDS)}
        connection.execute(statement("audit/stale"), {**size, **kinds, "significant": SIGNIFICANT_LOG10_E})
        connection.execute(statement("audit/stale_roots"), run)
        connection.execute(statement("audit/known"), against)
        connection.execute(statement("audit/carry_pairs"), {**run, **size, **kinds})
        connection.execute(statement("audit/carry_queries"), {**run, **size, "newest": scope.newest})


def _compute(connection: duckdb.DuckDBPyConnection, scope: Scope, options: AuditOptions, advance: Progress) -> None:
    batches = planned(connection, scope)
    total = sum(len(task.candidates) for batch in batches for task in batch)
    declared = _declared(connection, scope)
    done = 0
    advance("pairs", 0, total)
    began = time.monotonic()
    processes = 1 if total < _FEW_PAIRS else options.jobs or os.cpu_count() or 1
    engine = options.engine or (Processes(processes) if processes > 1 else Here())
    columns = [name for (name,) in connection.execute(statement("audit/pair_columns")).fetchall()]
    coming = (loaded(connection, scope, batch, declared) for batch in batches)
    for batch, answers in engine.map(evaluate, coming):
        with transaction(connection):
            connection.from_arrow(answers.queries).insert_into("audit_query")
            connection.from_arrow(answers.pairs.select(columns)).insert_into("audit_pair")
        done += sum(len(task.candidates) for task in batch.tasks)
        advance("pairs", done, total)
    _log.info("run %d: %d pairs in %d batches, %.1f s", scope.run_id, total, len(batches), time.monotonic() - began)


def _declared(connection: duckdb.DuckDBPyConnection, scope: Scope) -> Mapping[tuple[int, int], tuple[bool, bool]]:
    rows = connection.execute(statement("audit/declared"), {"models": scope.asked}).fetchall()
    return {(model, other): (parent, child) for model, other, parent, child in rows}


def _finish(connection: duckdb.DuckDBPyConnection, scope: Scope, options: AuditOptions) -> None:
    """Draw the findings from the pairs, and forget runs of this scope that were ended and are overtaken."""
    run = {"run_id": scope.run_id}
    with transaction(connection):
        keep_models(connection, scope)
        if not (options.queries or options.against or options.since):
            infer_ancestors(connection, scope, whole=options.whole)
        known: Mapping[str, object] = {"against": scope.against, "told": DIRECTION_TOLD}
        for name, needed in _FINDINGS:
            more = {key: known[key] for key in needed}
            connection.execute(statement(f"audit/find_{name}"), {**run, **more})
        connection.execute(statement("audit/finish"), {**run, "finished_at": _now()})
        connection.execute(statement("audit/clear"))
        overtaken = connection.execute(statement("audit/overtaken"), {**options.scope, **run}).fetchall()
        for (number,) in overtaken:
            connection.execute("SET VARIABLE run_id = ?", [number])
            connection.execute(statement("audit/forget"))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
