"""`forebear mark`: what somebody says of a registered model, kept as their claim."""

from __future__ import annotations

from typing import Annotated

import typer

from ...reports.models import claim_row, model_row, named
from ..options import KeptModel, RegistryOption, open_registry
from ..output import Output
from ..outputs.result import Result
from ..printing import printing


@printing
def mark(
    context: typer.Context,
    to: Output,
    model: KeptModel,
    root: Annotated[
        bool, typer.Option("--root/--no-root", help="Whether it was trained from scratch, by the word of --source.")
    ],
    source: Annotated[
        str | None, typer.Option("--source", metavar="TEXT", help="Whose word it is: a URL, a paper, a person.")
    ] = None,
    registry: RegistryOption = None,
) -> None:
    """Mark a model as a root, or take that back.

    What is related to a root descends from it, or from something between: answers say so, and that it is a claim.
    """
    if root and not (source or "").strip():
        raise typer.BadParameter("a claim needs somebody who makes it: add --source", param_hint="--source")
    if not root and source:
        raise typer.BadParameter("--no-root takes back whatever was noted: it has no source", param_hint="--source")
    with open_registry(context, registry, create=False) as opened:
        marked = opened.mark_root(model, source=source) if root and source else opened.unmark_root(model)
        claims = opened.root_claims(marked)
    row = {**model_row(marked), "root_claims": [claim_row(claim) for claim in claims]}
    to.write(Result({"marked": row}, [row], ()))
    to.say(*(f"{named(marked)} is a root by the claim of {claim.source}" for claim in claims))
    if not claims:
        to.say(f"nobody claims that {named(marked)} is a root")
