"""`forebear remove`: takes a model out of the registry."""

from __future__ import annotations

import typer

from ...reports.models import model_row, named
from ..options import KeptModel, RegistryOption, open_registry
from ..output import Output
from ..outputs.result import Result
from ..printing import printing


@printing
def remove(
    context: typer.Context,
    to: Output,
    model: KeptModel,
    registry: RegistryOption = None,
) -> None:
    """Remove a model from the registry. Its files are not touched."""
    with open_registry(context, registry, create=False) as opened:
        removed = opened.remove(model)
    row = model_row(removed)
    to.write(Result({"removed": row}, [row], ()))
    to.say(f"removed {named(removed)} ({removed.uri})")
