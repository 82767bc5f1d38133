"""`forebear list`: the registered models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ...reports.models import MODEL_COLUMNS, model_row, named, outdated_sentence, share_names
from ...reports.numbers import counted, parameters
from ..options import RegistryOption, open_registry
from ..output import Output
from ..outputs.result import Result, Table
from ..printing import printing

if TYPE_CHECKING:
    from ...store.inferred import InferredAncestor
    from ...store.models import Model

_SPARE = (4, 2)
"""Where there is no room: the source, which `show` prints too, unless it alone tells two models apart; the license."""


@printing
def list_(
    context: typer.Context,
    to: Output,
    pattern: Annotated[
        str,
        typer.Argument(
            metavar="[PATTERN]",
            help="Only these: globs of name, source, license, architecture or type, as in 'org/* license=mit'.",
            show_default=False,
        ),
    ] = "",
    registry: RegistryOption = None,
) -> None:
    """List the registered models, oldest first.

    With a PATTERN those that it names.
    """
    from ...store.inferred import inferred_ancestors

    with open_registry(context, registry, read_only=True) as opened:
        try:
            models = opened.models(pattern)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        inferred = [] if pattern else inferred_ancestors(opened.connection)
    to.write(list_result(models, inferred))
    to.say(f"{counted(len(models), 'model')} in {opened.place}")
    outdated = [named(model) for model in models if model.outdated]
    if said := outdated_sentence(outdated, len(outdated)):
        to.say(said)


def list_result(models: list[Model], inferred: Sequence[InferredAncestor] = ()) -> Result:
    """Registered models in every form; missing ancestors, which are no models, stand apart and in no row."""
    from ...store.inferred import inferred_row

    rows = [model_row(model) for model in models]
    titles: tuple[str, ...] = ("name", "architecture", "license", "parameters", "source")
    cells = [[named(m), m.architecture or "", m.license or "", parameters(m.parameters), m.uri] for m in models]
    if any(model.outdated for model in models):
        titles = (*titles, "lacks")
        cells = [[*row, "activations" if model.outdated else ""] for row, model in zip(cells, models, strict=True)]
    spare = _SPARE[1:] if share_names([(named(model), model.uri) for model in models]) else _SPARE
    tables = [Table(titles, cells, (3,), (), spare), *(Table((), (), (), [one.sentence]) for one in inferred)]
    document = {"models": rows, "inferred": [inferred_row(one) for one in inferred]}
    return Result(document, rows, tables, MODEL_COLUMNS)
