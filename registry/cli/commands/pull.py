"""`forebear pull`: a published registry into the one that is here."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ...reports.numbers import counted, size
from ..options import RegistryOption, open_registry
from ..output import Output
from ..outputs.result import Result
from ..printing import printing
from ..progress import stages

Published = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="Where `forebear push` put it: a folder, https://..., hf://datasets/org/name, or an address of fsspec.",
        show_default=False,
    ),
]


@printing
def pull(
    context: typer.Context,
    to: Output,
    source: Published,
    sketches: Annotated[
        bool,
        typer.Option(
            "--sketches", help="Bring what a search compares; answers fetch the rest of the models that they need."
        ),
    ] = False,
    registry: RegistryOption = None,
) -> None:
    """Add the models of a published registry.

    Every file is held against its SHA-256 and the schema before a row of it is kept. 256 models are one transaction: a
    pull that was cut short goes on where it was. Models of the same source and revision stay as they are.
    """
    with open_registry(context, registry) as opened, stages(quiet=to.quiet) as advance:
        found = opened.pull(source, sketches=sketches, advance=lambda done, total: advance("models", done, total))
    row = asdict(found)
    to.write(Result({"pulled": row}, [row], ()))
    to.say(f"{counted(found.models, 'new model')}, {found.unchanged} there already; {size(found.bytes)} read")
    if found.sketches:
        to.say(f"{counted(found.sketches, 'model')} by sketches alone; answers fetch the rest of what they need")
