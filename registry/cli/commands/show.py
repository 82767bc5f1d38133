"""`forebear show`: what is kept of one model."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import typer

from ...reports.models import claim_row, model_row, moment, named
from ...reports.numbers import counted, parameters, share, size
from ..options import KeptModel, RegistryOption, open_registry
from ..output import Output
from ..outputs.result import Result, Table
from ..printing import printing
from .ancestors import base_table

if TYPE_CHECKING:
    from ...store.adapters import AdapterDetails
    from ...store.details import ModelDetails, RootClaim
    from ...store.inferred import InferredAncestor


@printing
def show(
    context: typer.Context,
    to: Output,
    model: KeptModel,
    registry: RegistryOption = None,
) -> None:
    """Show what is kept of one model.

    Its source, what is claimed of its age, components, tokenizer, declared parents, and tensors that were left out.
    """
    from ...store.inferred import inferred_ancestor

    with open_registry(context, registry, read_only=True) as opened:
        inferred = inferred_ancestor(opened.connection, model)
        if inferred is None or opened.find(model):
            result = show_result(opened.details(model))
        else:
            result = inferred_result(inferred)
    to.write(result)


def inferred_result(one: InferredAncestor) -> Result:
    """A missing ancestor in every form."""
    from ...store.inferred import inferred_row, near_one

    row = inferred_row(one)
    facts = [
        ["name", f"{one.name}: inferred, and no model that anybody published"],
        ["component", one.component],
        ["exact values", f"{share(one.exact_share)} are held by most of the models, the others are their centre"],
        ["release dates", "needed" if one.dated else "not needed"],
        ["audit run", str(one.run_id)],
    ]
    usual = f"identity of each with what the others give: {one.usual}"
    members = [[name, uri] for name, uri in zip(one.models, one.sources, strict=True)]
    tables = [
        Table(("missing", "ancestor"), facts, firm=(0,)),
        Table(("inferred from", "source"), members, (), [usual]),
    ]
    if one.found:
        said = zip(one.found, one.found_identities, one.found_earlier, one.found_sources, strict=True)
        cells = [[name, near_one(i), "yes" if early else "not known", uri] for name, i, early, uri in said]
        tables.append(Table(("found", "identity", "released before them", "source"), cells))
    return Result({"inferred": row}, [row], tables, list(row))


def show_result(details: ModelDetails) -> Result:
    """One model in every form."""
    found = asdict(details)
    del found["model"]
    found["released_at"] = moment(details.released_at) if details.released_at else None
    found["root_claims"] = [claim_row(claim) for claim in details.root_claims]
    row = model_row(details.model) | found
    facts = [[key.replace("_", " "), text] for key, text in _facts(details)]
    titles = ("component", "layers", "experts read", "tensors", "parameters", "roles")
    parts = [
        [c.component, str(c.layers), str(c.experts or ""), str(c.tensors), parameters(c.parameters), " ".join(c.roles)]
        for c in details.components
    ]
    tables = [Table(("model", named(details.model)), facts, firm=(0,))]
    if not details.rest_at:
        tables.append(Table(titles, parts, range(1, 5)))
    if details.adapter:
        tables.append(base_table(details.adapter))
    if details.skipped:
        left = [[s.name, parameters(s.parameters), s.reason] for s in details.skipped]
        tables.append(Table(("tensor left out", "parameters", "reason"), left, (1,)))
    return Result({"model": row}, [row], tables)


def _released(date: datetime, ingested_at: datetime) -> str:
    """The date of publication, and that it counts for nothing where the model was read before it."""
    late = date > ingested_at + timedelta(days=1)
    return f"{date:%Y-%m-%d %H:%M:%S} UTC{' (after it was read: not believed)' if late else ''}"


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
        *([("released", _released(details.released_at, model.ingested_at))] if details.released_at else []),
        *(("root by the claim of", _claim(claim)) for claim in details.root_claims),
        ("declared parents", parents or "none"),
        ("tokenizer", f"{tokenizer.kind}, {tokenizer.size} tokens" if tokenizer else "none"),
        ("activations", _activations(details)),
        ("tensors", str(model.tensors)),
        ("parameters", parameters(model.parameters)),
        ("read", f"{size(model.bytes_read)} of {size(model.bytes_total)}"),
        ("ingested", f"{model.ingested_at:%Y-%m-%d %H:%M:%S} UTC"),
        *([("here", f"its sketches alone; the rest is at {details.rest_at}")] if details.rest_at else []),
    ]


def _activations(details: ModelDetails) -> str:
    found = details.activations
    if details.rest_at:
        return "not here"
    if details.model.outdated:
        return "none: an earlier version ingested it; `forebear ingest --refresh` reads them"
    return f"{counted(found.neurons, 'neuron')} of {counted(found.layers, 'layer')}" if found.layers else "none"


def _claim(claim: RootClaim) -> str:
    noted = f"noted {claim.claimed_at:%Y-%m-%d}" if claim.claimed_at else "published base model"
    return f"{claim.source} ({noted})"


def _adapter_facts(adapter: AdapterDetails | None) -> list[tuple[str, str]]:
    if adapter is None:
        return []
    marks = [adapter.kind, *(["DoRA"] if adapter.dora else []), *(["rsLoRA"] if adapter.rslora else [])]
    numbers = [f"rank {adapter.rank}"] if adapter.rank is not None else []
    numbers += [f"alpha {adapter.alpha:g}"] if adapter.alpha is not None else []
    return [("adapter", ", ".join([*marks, *numbers, " ".join(adapter.targets)]))]
