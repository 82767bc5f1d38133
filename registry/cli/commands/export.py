"""`forebear export`: the registry as Parquet files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ...reports.numbers import counted, size
from ..options import RegistryOption, open_registry
from ..output import Output
from ..outputs.result import Result
from ..printing import printing

NewFolder = Annotated[
    Path, typer.Argument(metavar="DIR", help="A folder that does not exist, or is empty.", show_default=False)
]


@printing
def export(
    context: typer.Context,
    to: Output,
    folder: NewFolder,
    registry: RegistryOption = None,
) -> None:
    """Write the registry as Parquet files.

    A folder a table, 256 models a part, for any engine that reads Parquet.
    """
    with open_registry(context, registry, read_only=True) as opened:
        found = opened.export(folder)
    row = asdict(found) | {"folder": str(found.folder)}
    to.write(Result({"exported": row}, [row], ()))
    to.say(f"{counted(found.models, 'model')}, {found.rows} rows, {size(found.bytes)} in {found.folder}")
