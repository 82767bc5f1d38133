"""`forebear demo`: a registry of the bundled zoo, and what it answers, beside what is true."""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NotRequired, TypedDict

import typer

from ....ingest.errors import SourceError
from ..options import named_registry
from ..output import Output
from ..outputs.result import Result, Table
from ..printing import printing
from .ancestors import ancestors_result
from .ingest import exit_code, ingested

if TYPE_CHECKING:
    from ...reports.ancestors import AncestorsReport

ASKED = ("alder-docs-tests", "alder-pruned", "alder-moe", "alder-merge", "alder-rotated", "alder-twin", "birch")
_ROWS = 3


class Truth(TypedDict):
    """An entry of the zoo's truth.json."""

    parents: list[str]
    relation: str
    initialisation: NotRequired[str]


KeepOption = Annotated[
    str | None,
    typer.Option(
        "--registry",
        metavar="PATH",
        help="Keep the registry there. Default: demo.duckdb in the user's data folder, made anew each time.",
        show_default=False,
    ),
]


@printing
def demo(
    context: typer.Context,
    to: Output,
    registry: KeepOption = None,
) -> None:
    """Ask a registry of the bundled zoo.

    Builds the registry, and ranks the ancestors of seven models whose lineage is known, with the truth above each
    answer. The registry is kept for questions of your own.
    """
    folders, truth = zoo()
    from ...registry import Registry

    with _place(named_registry(context, registry)) as path, Registry(path) as opened:
        outcomes = ingested(opened, [str(folder) for folder in folders], to)
        by_name = {folder.name: folder for folder in folders}
        answers = [(name, truth[name], opened.ancestors(by_name[name], k=_ROWS)) for name in ASKED]
    to.write(demo_result(answers))
    kept = named_registry(context, registry) or str(_default())
    to.say(f"next: forebear --registry {shlex.quote(kept)} ancestors {ASKED[0]}")
    raise typer.Exit(exit_code(outcomes))


def zoo() -> tuple[list[Path], dict[str, Truth]]:
    """The folders of the bundled zoo, and its truth. Raises SourceError when it is not there."""
    place = Path(__file__).parents[3] / "tests" / "zoo"
    folders = sorted(folder for folder in (place / "models").glob("*") if folder.is_dir())
    try:
        truth: dict[str, Truth] = json.loads((place / "truth.json").read_text(encoding="utf-8"))["models"]
    except OSError as error:
        raise SourceError(f"{place}: the bundled zoo is missing ({error.strerror}); reinstall forebear") from error
    missing = sorted(set(ASKED) - {folder.name for folder in folders})
    if missing:
        raise SourceError(f"{place}: the bundled zoo lacks {', '.join(missing)}; reinstall forebear")
    return folders, truth


def _default() -> Path:
    """Where the demo's registry is kept. $FOREBEAR_REGISTRY is left alone: toys do not belong into a real registry."""
    from platformdirs import user_data_path

    return user_data_path("forebear") / "demo.duckdb"


@contextmanager
def _place(path: str | None) -> Iterator[str | Path]:
    """`--registry`, else a file that takes the place of the default one when all of it is there.

    It is made anew, since the zoo of another checkout or version is registered by other sources: names would be shared.
    """
    if path is not None:
        yield path
        return
    kept = _default()
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="demo-", dir=kept.parent) as folder:
        made = Path(folder) / kept.name
        yield made
        made.replace(kept)


def truth_sentence(truth: Truth) -> str:
    """What is known of a model of the zoo, in one line."""
    if truth["parents"]:
        return f"comes from {' and '.join(truth['parents'])} ({truth['relation'].replace('_', ' ')})"
    if twin := truth.get("initialisation"):
        return f"no ancestor; it shares the random initialisation of {twin}"
    return "no ancestor"


def demo_result(answers: Sequence[tuple[str, Truth, AncestorsReport]]) -> Result:
    """Answers with the truth beside them, in every form."""
    tables, rows, documents = [], [], []
    for name, truth, found in answers:
        one = ancestors_result(found)
        tables += [
            replace(table, above=[name, f"truth:  {truth_sentence(truth)}", *_answered(table)]) for table in one.tables
        ]
        first = [row["name"] for row in one.rows if row["rank"] == 1] if found.verdict != "unrelated" else []
        rows.append({"query": name, "truth": truth_sentence(truth), "verdict": found.verdict, "first_rank": first})
        documents.append({"truth": truth, **one.document})
    return Result({"answers": documents}, rows, tables)


def _answered(table: Table) -> list[str]:
    return [f"answer: {line}" for line in table.above]
