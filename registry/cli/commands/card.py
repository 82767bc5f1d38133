"""`forebear card`: what a model's card could say of its parents."""

from __future__ import annotations

import typer

from ..options import AskedModel, RegistryOption, open_registry
from ..output import Output
from ..outputs.result import Result
from ..printing import patching


@patching
def card(
    context: typer.Context,
    to: Output,
    model: AskedModel,
    registry: RegistryOption = None,
) -> None:
    """Propose a patch of a model's card.

    A diff of README.md that sets base_model, and base_model_relation where the weights say which, to the ancestors that
    are told: `forebear card MODEL | git apply`. Where none is told, nothing is proposed. Nothing is written.
    """
    from ...reports.card import card_document, proposed_card

    with open_registry(context, registry, read_only=True) as opened:
        found = proposed_card(opened, model)
    document = card_document(found)
    to.write(Result(document, [document], (), patch=found.patch))
    to.say(*found.notes)
    if found.parents and not found.patch:
        to.say("the card says so already")
