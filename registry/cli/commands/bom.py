"""`forebear bom`: a bill of materials of a model, for tools that take those."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ...reports.numbers import counted
from ..options import AskedModel, RegistryOption, open_registry
from ..output import Output
from ..outputs.result import Result
from ..printing import billing

if TYPE_CHECKING:
    from ...reports.bom import BillOfMaterials


@billing
def bom(
    context: typer.Context,
    to: Output,
    model: AskedModel,
    registry: RegistryOption = None,
) -> None:
    """Write a bill of materials of a model.

    CycloneDX 1.6, or SPDX 3.0.1 with `--format spdx`. The models that it is told to come from are ancestors, those told
    to come from it descendants; relatives of which nobody can tell which came first are variants. E-values, identity,
    coverage and the versions of forebear stand beside them.
    """
    from ...reports.bom import bill_of_materials

    with open_registry(context, registry, read_only=True) as opened:
        found = bill_of_materials(opened, model)
    to.write(Result({}, (), (), bill=found))
    to.say(_summary(found))


def _summary(bill: BillOfMaterials) -> str:
    counts = [counted(len(bill.of(kind)), kind) for kind in ("ancestor", "descendant", "variant")]
    return f"{bill.model.name}: {', '.join(counts)} among {counted(bill.registry_models, 'model')}"
