"""`forebear ancestors`: who a model comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ...reports.models import outdated_sentence, share_names
from ...reports.numbers import evalue, share
from ..options import AskedModel, RegistryOption, open_registry
from ..output import Output
from ..outputs.result import Result, Table
from ..printing import printing

if TYPE_CHECKING:
    from ....queries.answers.records import Ancestor, ComponentAnswer
    from ...reports.ancestors import AncestorsReport
    from ...store.adapters import AdapterDetails

_TITLES = ("rank", "name", "relation", "direction", "identity", "coverage", "E-value", "evidence", "declared")
_RIGHT = (0, 4, 5, 6)
_SPARE = (7, 8)
"""What a narrow table does without: the kind of evidence, then what cards declare, which is no part of the verdict."""
_BLOCK_RIGHT = (0, 4, 5)


@printing
def ancestors(
    context: typer.Context,
    to: Output,
    model: AskedModel,
    k: Annotated[
        int,
        typer.Option(
            "-k", metavar="N", min=1, help="Rows for each component (language, vision, ...), unrelated ones included."
        ),
    ] = 10,
    assume_newest: Annotated[
        bool,
        typer.Option(
            "--assume-newest", help="Assume that nothing registered was made after the model; answers say so."
        ),
    ] = False,
    blocks: Annotated[bool, typer.Option("--blocks", help="Also show which layer, or expert, matches which.")] = False,
    registry: RegistryOption = None,
) -> None:
    """Rank the likely ancestors of a model.

    E-value: how many unrelated models of this registry would look as related by chance; 0.001 or less is significant.
    Identity: correlation of matched weights. Coverage: share of all its parameters with a significant match. Rank: what
    may be the nearest ancestor first; those of equal rank cannot be told apart. Direction: what the relative is to the
    model, `?` where that cannot be told, with the probability that it is an ancestor. Declared: what the model card
    names, never part of the verdict. Evidence and Declared are left out where the terminal is narrow, and in pipes.
    """
    with open_registry(context, registry, read_only=True, asking=True) as opened:
        found = opened.ancestors(model, k=k, assume_newest=assume_newest)
    to.write(ancestors_result(found, blocks=blocks))


def ancestors_result(report: AncestorsReport, *, blocks: bool = False, noun: str = "ancestor") -> Result:
    """A report in every form; CSV holds the block maps only with `blocks`. `noun`: ancestor, or descendant."""
    from ...reports.ancestors import ancestor_rows, report_document

    rows = ancestor_rows(report, noun)
    columns = [name for name in (rows[0] if rows else ()) if blocks or name != "blocks"]
    tables = [_table(answer, (report.name, report.source)) for answer in report.components]
    if not tables:
        why = "an adapter without factors that can be compared" if report.adapter else "no matrix that can be compared"
        tables = [Table((), (), (), [f"{report.name}: {why}, nothing to compare"])]
    if report.equal_content:
        tables.insert(0, Table((), (), (), [_equal_content(report)]))
    tables += [Table((), (), (), [match.sentence]) for match in report.inferred]
    if report.adapter:
        tables.append(base_table(report.adapter))
    if said := outdated_sentence(report.outdated, report.registry_outdated):
        tables.append(Table((), (), (), [said]))
    if blocks:
        tables += [_block_table(answer, noun) for answer in report.components]
    return Result(report_document(report, noun), rows, tables, columns)


def _equal_content(report: AncestorsReport) -> str:
    """The models that hold the same values, which nothing else can add to."""
    first, *more = report.equal_content
    others = f" (and {len(more)} more)" if more else ""
    return f"equal content: every value that was read is that of {first.name}{others}, {first.source}"


def base_table(adapter: AdapterDetails) -> Table:
    """What could be the base of an adapter: by shape and name, which the title says."""
    fits = {True: "yes", False: "no", None: "cannot be told"}
    cells = [[b.name, "yes" if b.declared else "", fits[b.fits], b.source] for b in adapter.bases]
    titles = ("possible base", "declared", "shapes fit", "source")
    return Table(titles if cells else (), cells, (), [adapter.sentence], (3,))


def _table(answer: ComponentAnswer, query: tuple[str, str]) -> Table:
    """The rows; with their sources where several of the models have one name."""
    sources = share_names([query, *((one.name, one.source) for one in answer.ancestors)])
    titles = (*_TITLES, "source") if sources else _TITLES
    cells = [
        [
            str(one.rank),
            one.name,
            relation(one),
            direction(one.direction, one.direction_probability) if one.origin else "",
            f"{one.identity:z.3f}",
            share(one.coverage),
            evalue(one.log10_evalue),
            one.evidence or "",
            "yes" if one.declared else "as its child" if one.declared_child else "",
            *([one.source] if sources else []),
        ]
        for one in answer.ancestors
    ]
    return Table(titles if cells else (), cells, _RIGHT, [answer.sentence], _SPARE)


def relation(ancestor: Ancestor) -> str:
    """The flags in words; a merge names its other parent."""
    flags = [f.replace("_", " ") for f in ancestor.relation]
    if ancestor.merged_with:
        flags = [f"merged with {ancestor.merged_with}" if f == "merged" else f for f in flags]
    return ", ".join(flags)


def direction(kind: str, probability: float) -> str:
    """A direction in words: `ancestor 0.99`, `? 0.42` where it is unknown, with the probability of being an ancestor.

    What is told to be a sibling or a descendant is told not to be one: no number says that again.
    """
    if kind in {"sibling", "descendant"}:
        return kind
    return f"{'?' if kind == 'unknown' else kind} {probability:z.2f}"


def _block_table(answer: ComponentAnswer, noun: str) -> Table:
    titles = ("rank", noun, "block of the model", f"block of the {noun}", "identity", "p")
    cells = [
        [str(one.rank), one.name, match.query, match.ancestor, f"{match.identity:z.3f}", evalue(match.log10_p)]
        for one in answer.ancestors
        for match in one.blocks
    ]
    title = f"{answer.component}: " + ("blocks that match" if cells else "no block matches")
    return Table(titles if cells else (), cells, _BLOCK_RIGHT, [title])
