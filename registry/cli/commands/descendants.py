"""`forebear descendants`: what came out of a model."""

from __future__ import annotations

from typing import Annotated

import typer

from ..options import AskedModel, RegistryOption, open_registry
from ..output import Output
from ..printing import printing
from .ancestors import ancestors_result


@printing
def descendants(
    context: typer.Context,
    to: Output,
    model: AskedModel,
    k: Annotated[
        int,
        typer.Option(
            "-k", metavar="N", min=1, help="Rows for each component (language, vision, ...), unrelated ones included."
        ),
    ] = 10,
    blocks: Annotated[bool, typer.Option("--blocks", help="Also show which layer, or expert, matches which.")] = False,
    registry: RegistryOption = None,
) -> None:
    """Rank the likely descendants of a model.

    The question of `ancestors` in the other direction, with its columns. Direction: what the relative is to the model,
    `?` where that cannot be told, with the probability that it is a descendant. Rank: the likeliest descendant first;
    those of equal rank are equally likely. How many generations lie between is not said. Declared: `as its child`
    where the relative's card names the model.
    """
    with open_registry(context, registry, read_only=True, asking=True) as opened:
        found = opened.descendants(model, k=k)
    to.write(ancestors_result(found, blocks=blocks, noun="descendant"))
