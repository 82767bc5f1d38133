"""`forebear bench-public`: a published list of pairs, asked and scored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode
from ..options import BudgetOption, byte_count, named_registry
from ..output import Output
from ..outputs.result import Result, Table
from ..printing import printing
from ..progress import stages

if TYPE_CHECKING:
    from ...pair_lists.asking import AskedPair
    from ...pair_lists.pair_list import PairList
    from ...pair_lists.running import ListResult
    from ...pair_lists.scoring import Score

_MOST_SHOWN = 20
"""Wrong answers that people see; JSON and CSV hold every pair."""


_OwnRegistry = Annotated[
    str | None,
    typer.Option(
        "--registry",
        metavar="PATH",
        help="The registry of this list alone. Default: one of its name in the user's data folder.",
        show_default=False,
    ),
]


@printing
def bench_public(
    context: typer.Context,
    to: Output,
    name: Annotated[
        str | None,
        typer.Argument(metavar="LIST", help="A list of pairs, or the name of one of --list.", show_default=False),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Show the lists that come with forebear.")] = False,
    budget: BudgetOption = None,
    most: Annotated[
        int | None,
        typer.Option(
            "--most",
            metavar="SIZE",
            parser=byte_count,
            help="Read at most so many bytes in this run, of all models; the next run goes on.",
            show_default=False,
        ),
    ] = None,
    registry: _OwnRegistry = None,
) -> None:
    """Run a public benchmark of pairs of models.

    A list names published models and says of every two whether they are related.

    Models are read by byte ranges from the Hub (64 MiB of each unless --budget says otherwise) into a registry that
    holds nothing else, and every pair is asked. Printed are AUC, true positives at zero false positives, E-values of
    unrelated pairs beside what is expected, and every wrong answer. A run that was stopped goes on. Exit code 4 where a
    model could not be read.
    """
    if (name is not None) + listed != 1:
        raise typer.BadParameter("name a list, or --list: one of the two")
    if name is None:
        to.write(_shipped())
        return
    from ...pair_lists.shipped import find_list

    asked = find_list(name)
    result = _run(asked, named_registry(context, registry), budget, most, to)
    to.write(result_of(result))
    if result.missing:
        raise typer.Exit(ExitCode.SOME_FAILED)


def _run(asked: PairList, place: str | None, budget: int | None, most: int | None, to: Output) -> ListResult:
    from platformdirs import user_data_path

    from ...pair_lists.reading import MODEL_BUDGET, Budget
    from ...pair_lists.running import run_list
    from ...registry import Registry
    from ...store.database import WAIT

    own = place or user_data_path("forebear") / "pair-lists" / f"{asked.name}.duckdb"
    allowed = Budget(budget or MODEL_BUDGET, most)
    to.say(f"registry: {own}")
    with Registry(own, wait=WAIT) as registry, stages(quiet=to.quiet) as advance:
        return run_list(registry, asked, allowed, advance)


def result_of(result: ListResult) -> Result:
    """The answer to a list in every form."""
    from ...pair_lists.running import COLUMNS, list_document, pair_rows

    return Result(list_document(result), pair_rows(result), _tables(result), COLUMNS)


def _tables(result: ListResult) -> list[Table]:
    """What people see: what was asked, the figures, the kinds, E-values beside expectation, and what is wrong."""
    found = [_figures(result), _kinds(result.score)]
    if result.score.negatives:
        found.append(_calibration(result.score))
    if result.wrong:
        found.append(_wrong(result.wrong))
    if result.missing:
        titles, cells = ("model", "why"), [[name, reason] for name, reason in result.missing.items()]
        found.append(Table(titles, cells[:_MOST_SHOWN], (), [f"{len(cells)} models were not read"]))
    return found


def _figures(result: ListResult) -> Table:
    from ...reports.numbers import size

    score, listed = result.score, result.listed
    pairs = len(listed.pairs)
    published = f", {listed.published} by its authors" if listed.published not in {None, pairs} else ""
    above = [
        listed.title,
        f"{pairs} pairs{published}; {result.models} of {result.repositories} models read,"
        f" {size(result.bytes_read)} in this run",
        *(f"note: {note}" for note in listed.notes),
    ]
    if listed.unconfirmed:
        above.append(f"repository not named by the list: {', '.join(listed.unconfirmed)}")
    auc = "-" if score.auc is None else f"{score.auc:z.4f}"
    rows = [
        ["AUC", auc],
        ["related above every unrelated pair", f"{score.at_zero} of {score.positives}"],
        ["related pairs found", f"{score.found} of {score.positives}"],
        ["unrelated pairs called related", f"{score.false} of {score.negatives}"],
        ["direction told, of those found", f"{score.told} of {score.directed}"],
        ["direction told as the list has it", f"{score.told_right} of {score.told}"],
    ]
    return Table(("figure", "value"), rows, (1,), above, (), (1,))


def _kinds(score: Score) -> Table:
    titles = ("truth", "kind", "scored", "pairs", "read", "related", "unrelated", "neither")
    cells = [
        [
            *(one.truth, one.kind, "yes" if one.scored else "no"),
            *map(str, (one.pairs, one.read, one.related, one.unrelated, one.inconclusive)),
        ]
        for one in score.kinds
    ]
    return Table(titles, cells, range(3, 8), ["what was said, by kind"])


def _calibration(score: Score) -> Table:
    cells = [
        [f"1e{one.log10_evalue:.0f}" if one.log10_evalue else "1", str(one.observed), f"{one.expected:.2g}"]
        for one in score.calibration
    ]
    said = f"E-values of {score.negatives} unrelated pairs"
    return Table(("E at most", "pairs", "expected at most"), cells, range(3), [said])


def _wrong(wrong: list[AskedPair]) -> Table:
    from ...reports.numbers import evalue

    titles = ("model", "other", "truth", "said", "E", "kind")
    cells = [
        [
            *(one.pair.model, one.pair.other, one.pair.truth, one.status),
            "-" if one.log10_evalue is None else evalue(one.log10_evalue),
            one.pair.kind,
        ]
        for one in wrong[:_MOST_SHOWN]
    ]
    return Table(titles, cells, (4,), [f"wrong answers: {len(wrong)}"], (5, 2), (2, 3))


def _shipped() -> Result:
    from ...pair_lists.shipped import shipped_lists

    rows = [
        {
            "name": one.name,
            "title": one.title,
            "models": len(one.repositories),
            "pairs": len(one.pairs),
            "published": one.published,
            "scored": sum(pair.scored for pair in one.pairs),
            "unconfirmed": len(one.unconfirmed),
        }
        for one in shipped_lists()
    ]
    cells = [[str("-" if value is None else value) for value in row.values()] for row in rows]
    return Result({"lists": rows}, rows, [Table(list(rows[0]), cells, range(2, 7), spare=(6, 5), firm=(0,))])
