"""One audit run: from the filters to findings that are kept, a batch a transaction.

A run can end at any moment: what it had committed stays, and the next audit of the same scope goes on with it while the
registry holds the same models; else that one takes over the answers which still hold.

E-values depend on the registry's size. An answer that is taken over has its E-values scaled to the new size; where that
makes the p-value of a kind of evidence, which is kept too, cross the bound of significance, in either direction, the
answer is computed again. So is one with a new candidate or without a former relative, and one that rests
on other known roots than there are now. The bound on z of the sketches, which moves with the logarithm of the size,
stays as it was when an answer was computed. In small registries, where the nearest models are looked at whatever their
z, that is done for new models alone: that an older one shares no more than its initialisation with a new one stands in
the new one's rows. Answers of earlier rules (RULES) are never taken over. An audit with `whole` computes everything
anew.

The registry is written to in moments: when a run begins, when a batch of answers or the missing ancestors of some
families are kept, when findings are drawn. With `sharing` a file is shut between them, and other processes get in. What
they add takes no part in the run, and is new to the next; what they remove is left out of the findings. Of two
processes that audit the same, the later one takes the run over, and the other ends with an error.
"""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import duckdb

from ...ingest.errors import RegistryError
from ...queries.answers.audit_batch import Answers, Task
from ...queries.search.model_filter import ModelFilter, parse_filter
from ...queries.sql import statement
from ...queries.thresholds.lineage import DIRECTION_TOLD
from ...queries.thresholds.significance import SIGNIFICANT_LOG10_E
from ..jobs.engines import Engine, Here, Processes
from ..store.transactions import is_lake
from .batches import Links, answered, orders
from .door import Door
from .groups import keep_models
from .inferring import Family, infer_ancestors, unfinished_families
from .plan import Progress, planned
from .recipes import find_recipes
from .scope import Scope

if TYPE_CHECKING:
    from ..registry import Registry

_log = logging.getLogger(__name__)

FEW_PAIRS = 2_000
"""Fewer pairs are computed in this process: they take less time than starting others."""
FEW_SKETCHES = 20_000_000
"""Fewer pairs of sketches, too: a second of work."""
FEW_MEMBERS = 2_000
"""Fewer models in families whose missing ancestor is inferred, too."""
RULES = 10
"""By which rules answers are judged: raise it when they change. Earlier runs stay then, and are not built on."""
_FINDINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("declared", ("against", "told")),
    ("duplicates", ()),
    ("ancestors", ("told",)),
    ("unknown", ("told",)),
    ("relatives", ()),
    ("licences", ("told",)),
    ("recipes", ()),
    ("inferred", ()),
)
"""What is drawn from the pairs, and what each must know; later ones rest on findings of those before."""


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """What is asked: filters in words ('' for all), models ingested since a time (UTC), and what counts as found.

    With `whole` nothing is taken over from earlier runs. `jobs` is the number of processes, None for one a core;
    an `engine` computes elsewhere, such as on a Ray cluster. With `sharing` a registry file is shut while nothing is
    read from it or written to it, so that other processes get in; connections that were handed out are closed then.
    Raises ValueError for a filter that cannot be read or an E-value above 0.001, which no evidence is significant at.
    """

    queries: str = ""
    against: str = ""
    since: datetime | None = None
    max_log10_e: float = SIGNIFICANT_LOG10_E
    whole: bool = False
    jobs: int | None = None
    engine: Engine | None = None
    sharing: bool = False

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


def run_audit(registry: Registry, options: AuditOptions, advance: Progress) -> int:
    """Carry out an audit and return the number of its run.

    Raises RegistryError where no model passes the filters, and where another process took the run over.
    """
    door = Door(registry, sharing=options.sharing)
    scope = door.write(partial(_begin, options=options))
    wanted = {"against": options.against, "whole": options.whole, "rules": RULES}
    tasks = planned(door, scope, wanted, lambda pairs: _engine(options, pairs, FEW_SKETCHES), advance)
    _compute(door, scope, options, tasks, advance)
    find_recipes(door, scope, advance)
    families = door.write_run(scope, partial(_settle, scope=scope, options=options))
    models = sum(len(family.members) for family in families)
    infer_ancestors(door, scope, families, _engine(options, models, FEW_MEMBERS), advance)
    advance("findings", 0, 1)
    door.write_run(scope, partial(_finish, scope=scope, options=options))
    advance("findings", 1, 1)
    return scope.run_id


def _engine(options: AuditOptions, work: int, few: int) -> Engine:
    """Where `work` pairs are computed; `few` are not worth other processes."""
    jobs = processes(options, work, few)
    return options.engine or (Processes(jobs) if jobs > 1 else Here())


def processes(options: AuditOptions, work: float, few: int) -> int:
    """How many processes compute `work` pairs on this machine: one where there are fewer than `few`."""
    return 1 if work < few else options.jobs or os.cpu_count() or 1


def selected(connection: duckdb.DuckDBPyConnection, text: str, since: datetime | None, option: str) -> list[int]:
    """The models that pass a filter in words, ascending; RegistryError where none does, with the name of the option."""
    chosen: ModelFilter = parse_filter(text)
    rows = connection.execute(statement("audit/models"), {**chosen.parameters, "since": since}).fetchall()
    if not rows and (text or since):
        raise RegistryError(f"no model of the registry passes {option} {text!r}" + (f" since {since}" if since else ""))
    return [model for (model,) in rows]


def _begin(connection: duckdb.DuckDBPyConnection, options: AuditOptions) -> Scope:
    """Go on with a run that was ended, or begin a new one; this process owns it from then on."""
    asked = selected(connection, options.queries, options.since, "--query")
    against = selected(connection, options.against, None, "--against")
    models, newest = connection.execute(statement("audit/state")).fetchall()[0]
    state = {"models": models, "newest": newest, "rules": RULES}
    owner = f"{socket.gethostname()} {os.getpid()} {uuid.uuid4().hex}"
    ended = connection.execute(statement("audit/unfinished"), {**options.scope, **state}).fetchall()
    if ended:
        connection.execute(statement("audit/own"), {"run_id": ended[0][0], "owner": owner})
        return Scope(int(ended[0][0]), newest, asked, against, owner)
    run_id = _next_run(connection)
    facts = {"run_id": run_id, "asked": len(asked), "started_at": _now(), "owner": owner}
    connection.execute(statement("audit/begin"), {**options.scope, **state, **facts})
    connection.execute(statement("audit/begin_roots"), {"run_id": run_id})
    return Scope(run_id, newest, asked, against, owner)


def _next_run(connection: duckdb.DuckDBPyConnection) -> int:
    if is_lake(connection):  # no sequences there; two that take at once conflict, and one of them tries again
        connection.execute(statement("lake/take_run"))
        return int(connection.execute(statement("lake/taken_run")).fetchall()[0][0])
    return int(connection.execute(statement("audit/next_run")).fetchall()[0][0])


def _compute(door: Door, scope: Scope, options: AuditOptions, tasks: list[Task], advance: Progress) -> None:
    total = sum(len(task.candidates) for task in tasks)
    done = 0
    advance("pairs", 0, total)
    began = time.monotonic()
    with door.reading() as connection:
        declared = _declared(connection, sorted({task.query_id for task in tasks}))
        roots = dict(connection.execute(statement("audit/roots"), {"run_id": scope.run_id}).fetchall())
    batches = list(orders(scope, tasks, declared, roots))
    for order, answers in answered(door, _engine(options, total, FEW_PAIRS), batches):
        door.write_run(scope, partial(_keep, answers=answers))
        done += order.pairs
        advance("pairs", done, total)
    _log.info("run %d: %d pairs in %d batches, %.1f s", scope.run_id, total, len(batches), time.monotonic() - began)


def _keep(connection: duckdb.DuckDBPyConnection, answers: Answers) -> None:
    for table, rows in (("audit_query", answers.queries), ("audit_pair", answers.pairs)):
        connection.from_arrow(rows.select(connection.table(table).columns)).insert_into(table)


def _declared(connection: duckdb.DuckDBPyConnection, models: list[int]) -> Links:
    rows = connection.execute(statement("audit/declared"), {"models": models}).fetchall()
    return {(model, other): (parent, child) for model, other, parent, child in rows}


def _keep_models(connection: duckdb.DuckDBPyConnection, scope: Scope) -> None:
    """Keep the models of a run, their families and copies, in place of what it kept of them before it was ended."""
    connection.execute("SET VARIABLE run_id = ?", [scope.run_id])
    connection.execute(statement("audit/drop_removed"))
    connection.execute(statement("audit/forget_models"))
    keep_models(connection, scope)


def _settle(connection: duckdb.DuckDBPyConnection, scope: Scope, options: AuditOptions) -> list[Family]:
    """Keep the models of a run; the families whose missing ancestors are to be inferred: none where a filter chose."""
    _keep_models(connection, scope)
    if options.queries or options.against or options.since:
        return []
    return unfinished_families(connection, scope, whole=options.whole)


def _finish(connection: duckdb.DuckDBPyConnection, scope: Scope, options: AuditOptions) -> None:
    """Draw the findings from the pairs, and forget runs of this scope that were ended and are overtaken."""
    run = {"run_id": scope.run_id}
    if connection.execute(statement("audit/removed"), run).fetchall()[0][0]:
        _keep_models(connection, scope)
    known: Mapping[str, object] = {"against": scope.against, "told": DIRECTION_TOLD}
    for name, needed in _FINDINGS:
        more = {key: known[key] for key in needed}
        connection.execute(statement(f"audit/find_{name}"), {**run, **more})
    connection.execute(statement("audit/finish"), {**run, "finished_at": _now()})
    overtaken = connection.execute(statement("audit/overtaken"), {**options.scope, **run}).fetchall()
    for (number,) in overtaken:
        connection.execute(statement("inferred/take_over"), {**run, "earlier": number})
        connection.execute("SET VARIABLE run_id = ?", [number])
        connection.execute(statement("audit/forget"))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
