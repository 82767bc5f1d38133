"""`forebear export` and `forebear import`: the registry as Parquet files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ..reports.numbers import counted, size
from .options import Format, FormatOption, OutputOption, QuietOption, RegistryOption, open_registry
from .output import Output, Result

NewFolder = Annotated[
    Path, typer.Argument(metavar="DIR", help="A folder that does not exist, or is empty.", show_default=False)
]
ExportedFolder = Annotated[
    Path, typer.Argument(metavar="DIR", help="A folder that `forebear export` wrote.", show_default=False)
]


def export(
    context: typer.Context,
    folder: NewFolder,
    registry: RegistryOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write the registry as Parquet files.

    A folder a table, 256 models a part, for any engine that reads Parquet.
    """
    with open_registry(context, registry, read_only=True) as opened:
        found = opened.export(folder)
    to = Output(form, output, quiet)
    row = asdict(found) | {"folder": str(found.folder)}
    if form is not Format.TABLE:
        to.write(Result({"exported": row}, [row], ()))
    to.say(f"{counted(found.models, 'model')}, {found.rows} rows, {size(found.bytes)} in {found.folder}")


def import_(
    context: typer.Context,
    folder: ExportedFolder,
    registry: RegistryOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
    quiet: QuietOption = False,
) -> None:
    """Add the models of an export.

    All of it or nothing. A new registry becomes equal to the exported one; where there are models already, those of the
    same source and revision stay as they are.
    """
    with open_registry(context, registry) as opened:
        found = opened.import_(folder)
    to = Output(form, output, quiet)
    row = asdict(found) | {"folder": str(found.folder)}
    if form is not Format.TABLE:
        to.write(Result({"imported": row}, [row], ()))
    to.say(f"{counted(found.models, 'model')} imported, {found.unchanged} there already")
    if found.left:
        to.say(f"left out, since they speak of the exported registry as a whole: {', '.join(found.left)}")
