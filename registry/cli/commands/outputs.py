"""`forebear outputs`: what models answer to random prompts, recorded and compared."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..output import Output
from ..outputs.result import Result, Table
from ..printing import printing
from ..progress import stages

if TYPE_CHECKING:
    from ...outputs.comparing import Behaviour

KEY = "FOREBEAR_OUTPUTS_KEY"
app = typer.Typer(
    help="Record and compare what models answer to prompts.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_CountOption = Annotated[int, typer.Option("--prompts", metavar="N", min=1, help="How many prompts of the list.")]


@app.command("record")
def record(
    endpoint: Annotated[
        str,
        typer.Argument(
            metavar="ENDPOINT|FILE",
            help="An OpenAI-compatible API, such as http://localhost:8080/v1; or JSON Lines of prompt and token.",
            show_default=False,
        ),
    ],
    place: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The record.", show_default=False)],
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="The model's name at the endpoint.")
    ] = "default",
    count: _CountOption = 1000,
    quiet: Annotated[bool, typer.Option("--quiet", help="Nothing but errors on stderr.")] = False,
) -> None:
    """Ask for the next token after each of a fixed list of random prompts, and keep them.

    A run that was stopped goes on. The key of an endpoint that wants one is read from FOREBEAR_OUTPUTS_KEY.
    """
    from ...outputs.endpoint import Endpoint
    from ...outputs.recording import record_outputs

    from_web = "://" in endpoint
    source = Endpoint(endpoint, model, os.environ.get(KEY) or None) if from_web else Path(endpoint)
    with stages(quiet=quiet) as advance:
        new = record_outputs(source, place, count, lambda done, total: advance("prompts", done, total))
    if not quiet:
        typer.echo(f"{place}: {new} new next tokens", err=True)


@app.command("prompts")
def list_prompts(count: _CountOption = 1000) -> None:
    """Print the prompts as JSON Lines, for a program that asks a model without an endpoint."""
    import json

    from ...outputs.prompts import prompts

    for prompt in prompts(count):
        typer.echo(json.dumps({"prompt": prompt}))


@app.command("compare")
@printing
def compare(
    to: Output,
    a: Annotated[Path, typer.Argument(metavar="A", help="A record.", show_default=False)],
    b: Annotated[list[Path], typer.Argument(metavar="B...", help="Records of the candidates.", show_default=False)],
    controls: Annotated[
        list[Path],
        typer.Option(
            "--control",
            metavar="C",
            help="A record of a model unrelated to all; three or more, of different makers.",
            show_default=False,
        ),
    ],
) -> None:
    """Test whether A and B give the same next token more often than unrelated models do.

    From three controls on, p says how rarely one more unrelated pair would agree as often, by how much controls differ
    among themselves. It is corrected for the number of candidates. Kinship of behaviour is not descent of weights.
    """
    from ...outputs.comparing import CANNOT_TELL, FEW_CONTROLS, compare_outputs
    from ...outputs.record import read_record

    def named(path: Path) -> tuple[str, dict[str, str]]:
        return str(path), read_record(path)

    found = compare_outputs(named(a), [named(path) for path in b], [named(path) for path in controls])
    rows = [pair.row for pair in found]
    cells = [_cells(pair) for pair in found]
    titles = ("candidate", "verdict", "agreement", "expected", "best control", "log10 p", "prompts", "needed")
    limits = [*([FEW_CONTROLS] if any(pair.expected is None for pair in found) else []), CANNOT_TELL]
    table = Table(titles, cells, (2, 3, 4, 5, 6, 7), [f"{a}: next tokens", *limits])
    to.write(Result({"schema_version": 1, "pairs": rows, "cannot_tell": " ".join(limits)}, rows, [table]))


def _cells(pair: Behaviour) -> list[str]:
    expected = "-" if pair.expected is None else f"{pair.expected:.1%}"
    rates = [f"{pair.agreement:.1%}", expected, f"{pair.control_agreement:.1%}", f"{pair.row['log10_p']:z.2f}"]
    needed = "-" if pair.needed is None else str(pair.needed)
    return [pair.b, str(pair.row["verdict"]), *rates, str(pair.prompts), needed]
