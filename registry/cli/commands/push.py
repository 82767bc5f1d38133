"""`forebear push`: the registry to a place where others pull it from."""

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

Destination = Annotated[
    str,
    typer.Argument(
        metavar="DEST",
        help="A folder, hf://datasets/org/name of the Hub, or an address that fsspec knows, such as s3://bucket/path.",
        show_default=False,
    ),
]


@printing
def push(
    context: typer.Context,
    to: Output,
    destination: Destination,
    prune: Annotated[
        bool, typer.Option("--prune", help="Drop models there that are not in this registry.", show_default=False)
    ] = False,
    registry: RegistryOption = None,
) -> None:
    """Publish the registry for `forebear pull`.

    Parquet files, named by their SHA-256, and a manifest of them, which is written last. What is there already is not
    sent again. Sources are published as they are: those of folders say where they lay on this machine.
    """
    with open_registry(context, registry, create=False) as opened, stages(quiet=to.quiet) as advance:
        found = opened.push(destination, prune=prune, advance=lambda done, total: advance("models", done, total))
    row = asdict(found)
    to.write(Result({"pushed": row}, [row], ()))
    dropped = f", {found.dropped} dropped" if found.dropped else ""
    to.say(f"{counted(found.models, 'model')} at {found.place}; {found.files} files, {size(found.bytes)} sent{dropped}")
    to.say(f"next: forebear pull {found.place}")
