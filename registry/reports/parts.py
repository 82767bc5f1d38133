"""Where every part of a model comes from, as a record, in runs of layers, and as the JSON of the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from ...ingest.model import ModelFingerprint
from ...queries.answers.parts import Part, names_of, parts
from ...queries.answers.tabular import Tabular
from ...queries.data.query import registered_query
from ...queries.search.scan import Scanning, SqlScan
from ..jobs.question import unregistered_query
from ..store.models import Model


@dataclass(frozen=True, slots=True, repr=False)
class PartsReport(Tabular):
    """The parts of a model, block by block; `names` has name and source of every model that explains one."""

    name: str
    source: str
    revision: str | None
    parts: tuple[Part, ...]
    names: Mapping[int, tuple[str, str]]

    def rows(self) -> list[dict[str, object]]:
        """The blocks, each with what explains it, with the keys of the JSON contract."""
        return part_rows(self)

    @property
    def line(self) -> str:
        """Name, and how many blocks are explained by how many models."""
        return f"{self.name}: {sum(p.model_id is not None for p in self.parts)} of {len(self.parts)} blocks explained"


@dataclass(frozen=True, slots=True)
class Run:
    """Blocks of one component that one model explains in their order, or that nothing does: a line for people.

    `blocks` and `model_blocks` name the first and the last of them; `share` is that of all among the component's
    parameters, `identity` their mean by size, and `log10_evalue` the least significant of theirs.
    """

    component: str
    blocks: str
    model_id: int | None
    model_blocks: str
    share: float
    identity: float | None
    log10_evalue: float | None


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a component's parameters a model explains; `model_id` None is what nothing does."""

    component: str
    model_id: int | None
    share: float


def parts_report(
    connection: duckdb.DuckDBPyConnection, asked: Model | ModelFingerprint, scanning: Scanning = SqlScan
) -> PartsReport:
    """The parts of a registered model, or of a fingerprint that is not kept; `scanning` gives its sketches."""
    if isinstance(asked, Model):
        query = registered_query(connection, asked.model_id)
    else:
        query = unregistered_query(connection, asked)
    found = parts(connection, query, scanning(connection))
    return PartsReport(asked.name, asked.uri, asked.revision, tuple(found), names_of(connection, found))


def shares(report: PartsReport) -> list[Share]:
    """Each component's models, the one that explains most first, what nothing explains last."""
    totals: dict[str, dict[int | None, float]] = {}
    for part in report.parts:
        component = totals.setdefault(part.component, {})
        component[part.model_id] = component.get(part.model_id, 0.0) + part.share
    return [
        Share(component, model, min(1.0, share))
        for component, found in totals.items()
        for model, share in sorted(found.items(), key=lambda item: (item[0] is None, -item[1]))
    ]


def runs(found: Sequence[Part]) -> list[Run]:
    """Blocks that follow each other in both models, a line a run: layers first, then experts with equal runs."""
    chains: list[list[Part]] = []
    open_chains: dict[tuple[str, int, str], list[Part]] = {}
    for part in found:
        key = (part.component, part.place[1], part.place[2])
        chain = open_chains.get(key)
        if chain is None or not _follows(chain[-1], part):
            chain = open_chains[key] = []
            chains.append(chain)
        chain.append(part)
    grouped: list[list[list[Part]]] = []
    for chain in chains:
        same = next((group for group in grouped if _beside(group, chain)), None)
        same.append(chain) if same is not None else grouped.append([chain])
    return [_run(group) for group in grouped]


def _follows(before: Part, after: Part) -> bool:
    """Whether a block is the next layer of the same stretch: one layer on, in its own model and in the other."""
    if (before.component, before.model_id) != (after.component, after.model_id) or before.place[0] < 0:
        return False
    if after.place[0] != before.place[0] + 1 or after.place[1:] != before.place[1:]:
        return False
    if before.model_place is None or after.model_place is None:
        return before.model_place is after.model_place
    moved = before.model_place[0] + 1, *before.model_place[1:]
    return after.model_place == moved


def _beside(group: Sequence[Sequence[Part]], chain: Sequence[Part]) -> bool:
    """Whether a stretch is that of the next expert: the same layers, of the same model's same experts or its own."""
    last, first = group[-1][0], chain[0]
    same = (last.component, last.model_id, last.place[0]) == (first.component, first.model_id, first.place[0])
    if not same or len(group[-1]) != len(chain) or first.place[1] < 1 or first.place[1] != last.place[1] + 1:
        return False
    if last.model_place is None or first.model_place is None:
        return last.model_place is first.model_place
    if last.model_place[0] != first.model_place[0]:
        return False
    return first.model_place[1] - last.model_place[1] in {0, 1}


def _run(group: Sequence[Sequence[Part]]) -> Run:
    every = [part for chain in group for part in chain]
    first, last = group[0][0], group[-1][-1]
    known = [p for p in every if p.identity is not None and p.log10_evalue is not None]
    size = sum(p.share for p in known)
    return Run(
        first.component,
        _span(first.block, last.block),
        first.model_id,
        _span(first.model_block or "", last.model_block or ""),
        sum(p.share for p in every),
        sum(p.share * (p.identity or 0.0) for p in known) / size if size else None,
        max((p.log10_evalue for p in known if p.log10_evalue is not None), default=None),
    )


def _span(first: str, last: str) -> str:
    """Two names of blocks as one: `language.0` and `language.5.3` are `language.0-5.0-3`."""
    if first == last:
        return first
    pairs = zip(first.split("."), last.split("."), strict=True)
    return ".".join(a if a == b else f"{a}-{b}" for a, b in pairs)


def parts_document(report: PartsReport) -> dict[str, object]:
    """The report with the keys of the JSON contract, without `schema_version`."""
    named = {None: (None, None)} | {model: names for model, names in report.names.items()}
    summary = [
        {"component": s.component, "model": named[s.model_id][0], "source": named[s.model_id][1], "share": s.share}
        for s in shares(report)
    ]
    query = {"name": report.name, "source": report.source, "revision": report.revision}
    return {"query": query, "parts": part_rows(report), "summary": summary}


def part_rows(report: PartsReport) -> list[dict[str, object]]:
    """A row a block, with the keys of the JSON contract; null where nothing registered explains it."""
    return [
        {
            "component": p.component,
            "block": p.block,
            "model": report.names[p.model_id][0] if p.model_id is not None else None,
            "model_block": p.model_block,
            "identity": p.identity,
            "log10_evalue": p.log10_evalue,
            "share": p.share,
            "source": report.names[p.model_id][1] if p.model_id is not None else None,
        }
        for p in report.parts
    ]
