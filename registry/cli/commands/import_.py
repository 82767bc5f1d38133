"""`forebear import`: the models of an export."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ...reports.numbers import counted
from ..options import RegistryOption, open_registry
from ..output import Output
from ..outputs.result import Result
from ..printing import printing

ExportedFolder = Annotated[
    Path, typer.Argument(metavar="DIR", help="A folder that `forebear export` wrote.", show_default=False)
]


@printing
def import_(
    context: typer.Context,
    to: Output,
    folder: ExportedFolder,
    registry: RegistryOption = None,
) -> None:
    """Add the models of an export.

    All of it or nothing. A new registry becomes equal to the exported one; where there are models already, those of the
    same source and revision stay as they are.
    """
    with open_registry(context, registry) as opened:
        found = opened.import_(folder)
    row = asdict(found) | {"folder": str(found.folder)}
    to.write(Result({"imported": row}, [row], ()))
    to.say(f"{counted(found.models, 'model')} imported, {found.unchanged} there already")
    if found.left:
        to.say(f"left out, since they speak of the exported registry as a whole: {', '.join(found.left)}")
