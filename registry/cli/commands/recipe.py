"""`forebear recipe`: which models a merge was made of, by which method, and how much of each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from ..options import AskedModel, RegistryOption, open_registry
from ..output import Output
from ..outputs.result import Result, Table
from ..printing import configuring

if TYPE_CHECKING:
    from ....queries.lineage.recipes.records import LayerWeights, Recipe
    from ...reports.recipes import RecipeReport

_COLUMNS = ("component", "method", "base", "parent", "source", "weight", "low", "high", "exact_share", "rival_share")
_TITLES = ("parent", "weight", "low", "high", "source")
_RIGHT = (1, 2, 3)
_SPARE = (4,)


@configuring
def recipe(
    context: typer.Context,
    to: Output,
    model: AskedModel,
    parents: Annotated[
        list[str] | None,
        typer.Option("--parents", metavar="MODEL", help="A registered parent; once for each. Default: found."),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            metavar="MODEL",
            help="The registered base that changes were taken against; parents are found then too.",
            show_default=False,
        ),
    ] = None,
    layers: Annotated[bool, typer.Option("--layers", help="Also show the weights of every layer.")] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the answer of a registered model: `forebear sql 'FROM recipes'`.")
    ] = False,
    registry: RegistryOption = None,
) -> None:
    """Recover the recipe of a merge: parents, method, weights.

    A recipe is told where replaying its arithmetic gives the sampled values bit for bit. Exact: the share of them that
    it gives. Rival: what the best other recipe gives. Low and high: the weight by both regressions, two standard errors
    wider. `--format yaml` is the configuration that mergekit makes the model by again. What the
    model's own files state (mergekit_config.yml, its card) is held against that.
    """
    if parents and len(parents) == 1 and base is None:
        raise typer.BadParameter("a merge has two parents or more: name another one, or --base", param_hint="--parents")
    with open_registry(context, registry, read_only=not keep, create=False, asking=True) as opened:
        found = opened.recipe(model, parents=parents or (), base=base, keep=keep)
    to.write(recipe_result(found, layers=layers))


def recipe_result(report: RecipeReport, *, layers: bool = False) -> Result:
    """A report in every form."""
    from ...reports.recipes import recipe_document, recipe_rows

    tables = [table for one in report.recipes for table in _tables(report, one, layers=layers)]
    if not tables:
        tables = [Table((), (), (), [f"{report.name}: no merge of models that are registered was found"])]
    if report.checks:
        rows = [
            [c.status.removeprefix("recipe_").replace("_", " "), c.origin, c.declared or "", c.reason]
            for c in report.checks
        ]
        tables.append(Table(("declared", "where", "parent", "reason"), rows, (), ["what the model declares"], (2,)))
    configs = [one.mergekit for one in report.recipes if one.mergekit]
    return Result(recipe_document(report), recipe_rows(report), tables, (*_COLUMNS, "unexplained"), configs=configs)


def _tables(report: RecipeReport, recipe: Recipe, *, layers: bool) -> list[Table]:
    cells = [[p.name, f"{p.weight:.4g}", _number(p.low), _number(p.high), p.source] for p in recipe.parents]
    found = [Table(_TITLES, cells, _RIGHT, _above(report, recipe), _SPARE)]
    if layers and recipe.layers:
        names = [parent.name for parent in recipe.parents]
        rows = [_layer_cells(row) for row in recipe.layers]
        found.append(Table(("layer", "part", "copied from", *names), rows, (0, 2), ["weights by layer"]))
    return found


def _layer_cells(row: LayerWeights) -> list[str]:
    weights = zip(row.weights, row.standard_errors, strict=True)
    source = "" if row.source_layer is None else str(row.source_layer)
    return [str(row.layer), row.group, source, *(f"{weight:.4g} +- {_number(error)}" for weight, error in weights)]


def _above(report: RecipeReport, recipe: Recipe) -> list[str]:
    head = f"{report.name} ({recipe.component}): "
    if recipe.method == "unknown":
        lines = [head + f"a merge by an unknown method; {recipe.unexplained:.1%} of the change is unexplained"]
    else:
        base = f" on {recipe.base}" if recipe.base else ""
        made = f", computed in {recipe.arithmetic}" if recipe.arithmetic else ""
        lines = [
            head + f"{recipe.method}{base}{made}",
            f"exact {recipe.exact_share:.2%} of sampled values, {recipe.changed_share:.2%} of those that changed",
        ]
    if recipe.rival:
        lines.append(f"rival {recipe.rival_share:.2%}: {recipe.rival}")
    return [*lines, *recipe.notes]


def _number(value: float) -> str:
    return f"{value:z.4f}" if math.isfinite(value) else ""
