"""`forebear list`, `show` and `remove`: the registry's content."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ..reports.numbers import counted, parameters, size
from .ancestors import base_table
from .options import Format, FormatOption, OutputOption, QuietOption, RegistryOption, open_registry
from .output import Output, Result, Table

if TYPE_CHECKING:
    from ..store.adapters import AdapterDetails
    from ..store.details import ModelDetails
    from ..store.models import Model

ModelArgument = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="Its name, name@revision, source or path.", show_default=False),
]


def list_(
    context: typer.Context,
    registry: RegistryOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
    quiet: QuietOption = False,
) -> None:
    """List the registered models, oldest first."""
    with open_registry(context, registry, read_only=True) as opened:
        models = opened.models()
    to = Output(form, output, quiet)
    to.write(list_result(models))
    to.say(f"{counted(len(models), 'model')} in {opened.place}")


def list_result(models: list[Model]) -> Result:
    """Registered models in every form."""
    rows = [model_row(model) for model in models]
    titles = ("name", "architecture", "license", "parameters", "source")
    cells = [[_named(m), m.architecture or "", m.license or "", parameters(m.parameters), m.uri] for m in models]
    return Result({"models": rows}, rows, [Table(titles, cells, (3,))], _MODEL_COLUMNS)


_MODEL_COLUMNS = (
    *("name", "source", "revision", "format", "architecture", "license"),
    *("tensors", "parameters", "bytes_read", "bytes_total", "ingested_at"),
)


def model_row(model: Model) -> dict[str, object]:
    """A registered model with the keys of the JSON contract: its identifier is its source and revision."""
    found = asdict(model) | {"source": model.uri, "ingested_at": f"{model.ingested_at.isoformat(timespec='seconds')}Z"}
    return {key: found[key] for key in _MODEL_COLUMNS}


def _named(model: Model) -> str:
    return model.name + (f"@{model.revision}" if model.revision else "")


def show(
    context: typer.Context,
    model: ModelArgument,
    registry: RegistryOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
    quiet: QuietOption = False,
) -> None:
    """Show what is kept of one model.

    Its source, components, tokenizer, declared parents, and tensors that were left out.
    """
    with open_registry(context, registry, read_only=True) as opened:
        found = opened.details(model)
    Output(form, output, quiet).write(show_result(found))


def show_result(details: ModelDetails) -> Result:
    """One model in every form."""
    found = asdict(details)
    del found["model"]
    row = model_row(details.model) | found
    facts = [[key.replace("_", " "), text] for key, text in _facts(details)]
    titles = ("component", "layers", "experts read", "tensors", "parameters", "roles")
    parts = [
        [c.component, str(c.layers), str(c.experts or ""), str(c.tensors), parameters(c.parameters), " ".join(c.roles)]
        for c in details.components
    ]
    tables = [Table(("model", _named(details.model)), facts), Table(titles, parts, range(1, 5))]
    if details.adapter:
        tables.append(base_table(details.adapter))
    if details.skipped:
        left = [[s.name, parameters(s.parameters), s.reason] for s in details.skipped]
        tables.append(Table(("tensor left out", "parameters", "reason"), left, (1,)))
    return Result({"model": row}, [row], tables)


def _facts(details: ModelDetails) -> list[tuple[str, str]]:
    model, tokenizer = details.model, details.tokenizer
    parents = ", ".join(
        f"{p.parent} ({p.origin}{': ' + p.relation if p.relation else ''})" for p in details.declared_parents
    )
    return [
        *_adapter_facts(details.adapter),
        ("source", model.uri),
        ("revision", model.revision or ""),
        ("format", model.format),
        ("architecture", model.architecture or ""),
        ("license", model.license or ""),
        ("declared parents", parents or "none"),
        ("tokenizer", f"{tokenizer.kind}, {tokenizer.size} tokens" if tokenizer else "none"),
        ("tensors", str(model.tensors)),
        ("parameters", parameters(model.parameters)),
        ("read", f"{size(model.bytes_read)} of {size(model.bytes_total)}"),
        ("ingested", f"{model.ingested_at:%Y-%m-%d %H:%M:%S} UTC"),
    ]


def _adapter_facts(adapter: AdapterDetails | None) -> list[tuple[str, str]]:
    if adapter is None:
        return []
    marks = [adapter.kind, *(["DoRA"] if adapter.dora else []), *(["rsLoRA"] if adapter.rslora else [])]
    numbers = [f"rank {adapter.rank}"] if adapter.rank is not None else []
    numbers += [f"alpha {adapter.alpha:g}"] if adapter.alpha is not None else []
    return [("adapter", ", ".join([*marks, *numbers, " ".join(adapter.targets)]))]


def remove(
    context: typer.Context,
    model: ModelArgument,
    registry: RegistryOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
    quiet: QuietOption = False,
) -> None:
    """Remove a model from the registry. Its files are not touched."""
    with open_registry(context, registry, create=False) as opened:
        removed = opened.remove(model)
    to = Output(form, output, quiet)
    row = model_row(removed)
    if form is not Format.TABLE:
        to.write(Result({"removed": row}, [row], ()))
    to.say(f"removed {_named(removed)} ({removed.uri})")
