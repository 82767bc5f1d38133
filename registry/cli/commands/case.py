"""`forebear case`: a public dispute over several models, settled by one command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode
from ..options import GIVEN, BudgetOption, RegistryOption, open_registry_or_none_yet
from ..output import Output
from ..outputs.result import Result, Table
from ..printing import printing
from ..progress import stages

if TYPE_CHECKING:
    from ....queries.comparison.case.question import Case
    from ....queries.comparison.case.records import CaseResult
    from ...cases.running import CaseOptions

_MOST_SHOWN = 40
"""Differences that people see; JSON and CSV hold all."""


@printing
def case(
    context: typer.Context,
    to: Output,
    case: Annotated[
        str | None,
        typer.Argument(metavar="CASE", help="A case file, or the name of one of --list.", show_default=False),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Show the cases that come with forebear.")] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", help="Also write one HTML page with every figure.", show_default=False
        ),
    ] = None,
    tables: Annotated[
        Path | None,
        typer.Option("--tables", metavar="FOLDER", help="Also write every table as CSV.", show_default=False),
    ] = None,
    language: Annotated[str, typer.Option("--language", metavar="en|ko", help="Language of page and tables.")] = "en",
    hashed: Annotated[bool, typer.Option("--hash", help="Compute the SHA-256 of files of this machine.")] = False,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep", metavar="FOLDER", help="Keep what is read there, and go on from it the next time.",
            show_default=False,
        ),
    ] = None,
    budget: BudgetOption = None,
    verify: Annotated[
        Path | None,
        typer.Option(
            "--verify", metavar="RESULT", help="Run the case of a JSON result again and say what differs.",
            show_default=False,
        ),
    ] = None,
    registry: RegistryOption = None,
) -> None:  # fmt: skip
    """Settle a dispute over several models.

    A case file names models with their roles (accused, alleged parent, control, known derivative) and published claims.
    Every pair is judged, controls first; every claim is reproduced, contradicted or not checkable, beside what
    unrelated models give. JSON holds everything; CSV and JSON Lines hold a row a pair and a row a claim. Exit code 4
    where a model could not be read, 11 where --verify finds a difference.
    """
    from ...cases.running import CaseOptions
    from ...reports.cases.prose import LANGUAGES

    if (case is not None) + listed + (verify is not None) != 1:
        raise typer.BadParameter("name a case, or --list, or --verify RESULT: one of the three")
    if language not in LANGUAGES:
        raise typer.BadParameter(f"{language!r} is none of {', '.join(LANGUAGES)}", param_hint="--language")
    if listed:
        to.write(_list_result())
        return
    options = CaseOptions(budget=budget, hashed=hashed, folder=keep, command=context.meta[GIVEN])
    if verify is not None:
        _verified(context, to, verify, options, registry)
        return
    from ...cases.shipped import find_case

    asked = find_case(case or "")
    result = _answered(context, to, asked, options, registry)
    if report:
        from ...reports.cases.page import write_page

        write_page(result, report, language)
        to.say(f"report: {report}")
    if tables:
        from ...reports.cases.page import write_tables

        to.say(f"tables: {len(write_tables(result, tables, language))} files in {tables}")
    to.write(case_result(asked, result, language))
    if any(model.failure for model in result.models):
        raise typer.Exit(ExitCode.SOME_FAILED)


def _answered(
    context: typer.Context, to: Output, asked: Case, options: CaseOptions, registry: str | None
) -> CaseResult:
    from ...cases.answering import answer_case

    with open_registry_or_none_yet(context, registry) as opened, stages(quiet=to.quiet) as advance:
        return answer_case(opened, asked, options, advance=advance)


def case_result(asked: Case, result: CaseResult, language: str = "en") -> Result:
    """The answer to a case in every form."""
    from ...cases.document import case_document, case_rows

    def page() -> str:
        from ...reports.cases.page import case_page

        return case_page(result, language)

    return Result(case_document(asked, result), case_rows(result), _tables(result, language), page=page)


def _tables(result: CaseResult, language: str) -> list[Table]:
    """What people see on a terminal: controls, the answer, every pair, every claim, and what cannot be said."""
    from ...reports.cases.answer import banners, claims_grid, claims_sentence, limits, pairs_grid
    from ...reports.cases.prose import Words

    words = Words(language)
    above = [result.title]
    for banner in banners(result, words):
        above += [f"{banner.title}. {banner.sentences[0]}" if banner.sentences else banner.title, *banner.sentences[1:]]
    found = [Table((), (), (), above)]
    pairs, claims = pairs_grid(result, words), claims_grid(result, words)
    named = [[one.name, *row[1:]] for one, row in zip(result.claims, claims.rows, strict=True)]
    found.append(Table(pairs.titles, pairs.rows, (4, 5, 6), [pairs.caption], (1, 7)))
    if named:
        found.append(Table(claims.titles, named, (2, 3, 4), [claims_sentence(result, words)], (7, 6)))
    return [*found, Table((), (), (), [words("cannot"), *limits(result, words)])]


def _list_result() -> Result:
    from ...cases.shipped import shipped_cases

    rows = [
        {
            "name": one.name,
            "title": one.case.title,
            "models": len(one.case.models),
            "claims": len(one.case.claims),
            "unconfirmed": sum(not model.confirmed for model in one.case.models),
        }
        for one in shipped_cases()
    ]
    cells = [[str(value) for value in row.values()] for row in rows]
    return Result({"cases": rows}, rows, [Table(list(rows[0]), cells, (2, 3, 4), spare=(4,), firm=(0,))])


def _verified(context: typer.Context, to: Output, path: Path, options: CaseOptions, registry: str | None) -> None:
    from dataclasses import replace

    from ...cases.document import case_document, differences
    from ...cases.verifying import read_answer
    from ...reports.numbers import plain

    kept = read_answer(path)
    result = _answered(
        context, to, kept.case, replace(options, budget=kept.budget, hashed=options.hashed or kept.hashed), registry
    )
    found = [
        {"place": place, "before": before, "after": after}
        for place, before, after in differences(kept.document, case_document(kept.case, result))
    ]
    said = f"{len(found)} differences from {path}" if found else f"nothing differs from {path}"
    cells = [[str(plain(value)) for value in row.values()] for row in found[:_MOST_SHOWN]]
    titles = ("place", "before", "after") if cells else ()
    document = {"result": str(path), "differences": found}
    to.write(Result(document, found, [Table(titles, cells, (), [said])], ("place", "before", "after")))
    if found:
        raise typer.Exit(ExitCode.FINDINGS)
