"""`forebear parts`: where every part of a model comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ...reports.numbers import evalue, share
from ..options import AskedModel, RegistryOption, open_registry
from ..output import Output
from ..outputs.result import Result, Table
from ..printing import printing

if TYPE_CHECKING:
    from ...reports.parts import PartsReport

_TITLES = ("blocks", "model", "blocks there", "of component", "identity", "E-value")
_RIGHT = (3, 4, 5)
_COLUMNS = ("component", "block", "model", "model_block", "identity", "log10_evalue", "share", "source")
_NOTHING = "nothing registered"


@printing
def parts(
    context: typer.Context,
    to: Output,
    model: AskedModel,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the answer of a registered model: `forebear sql 'FROM parts'`.")
    ] = False,
    registry: RegistryOption = None,
) -> None:
    """Name what explains every part of a model.

    Parts are layers, experts and towers. Of all registered models the one that explains most is taken, with the
    blocks that nothing else explains better, then the next of what is left, until nothing significant is. One line
    a run of layers; JSON, CSV and the rest hold every block. What is nearest is named, which says nothing of who
    came first. Identity: correlation of matched weights; the E-value is the least significant of the run.
    """
    with open_registry(context, registry, read_only=not keep, create=False, asking=True) as opened:
        found = opened.parts(model, keep=keep)
    to.write(parts_result(found))


def parts_result(report: PartsReport) -> Result:
    """Parts in every form."""
    from ...reports.parts import part_rows, parts_document, runs, shares

    named = {None: _NOTHING} | {model: name for model, (name, _) in report.names.items()}
    cells = [
        [
            run.blocks,
            named[run.model_id],
            run.model_blocks,
            share(run.share),
            f"{run.identity:z.3f}" if run.identity is not None else "",
            evalue(run.log10_evalue) if run.log10_evalue is not None else "",
        ]
        for run in runs(report.parts)
    ]
    words: dict[str, list[str]] = {}
    for one in shares(report):
        words.setdefault(one.component, []).append(f"{named[one.model_id]} {share(one.share)}")
    above = [f"{component}: {', '.join(found)}" for component, found in words.items()]
    table = Table(_TITLES if cells else (), cells, _RIGHT, above or [f"{report.name}: nothing that could be compared"])
    return Result(parts_document(report), part_rows(report), [table], _COLUMNS)
