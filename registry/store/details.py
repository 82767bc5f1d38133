"""What the registry holds of one model, for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from ...queries.sql import statement
from .adapters import AdapterDetails, adapter_details
from .models import Model


@dataclass(frozen=True, slots=True)
class DeclaredParent:
    """A parent that a model names itself; `origin` is card or config, `parent` is written as there."""

    parent: str
    origin: str
    relation: str | None


@dataclass(frozen=True, slots=True)
class ComponentDetails:
    """One component; `layers` and `experts` are counts (experts those that were read), `roles` as they occur in it."""

    component: str
    layers: int
    experts: int
    tensors: int
    parameters: int
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TokenizerDetails:
    """The tokenizer's type, and the tokens in it."""

    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class SkippedDetails:
    """A tensor that has no fingerprint, and why."""

    name: str
    parameters: int
    reason: str
    component: str | None


@dataclass(frozen=True, slots=True)
class ModelDetails:
    """One registered model with what its files declare and what was found in them."""

    model: Model
    declared_parents: tuple[DeclaredParent, ...]
    components: tuple[ComponentDetails, ...]
    tokenizer: TokenizerDetails | None
    skipped: tuple[SkippedDetails, ...]
    adapter: AdapterDetails | None = None


def model_details(connection: duckdb.DuckDBPyConnection, model: Model) -> ModelDetails:
    """Everything that `forebear show` shows."""

    def rows(name: str) -> list[tuple[Any, ...]]:
        return connection.execute(statement(f"show/{name}"), {"model_id": model.model_id}).fetchall()

    tokenizers = [TokenizerDetails(*row) for row in rows("tokenizer")]
    return ModelDetails(
        model,
        tuple(DeclaredParent(*row) for row in rows("parents")),
        tuple(_component(*row) for row in rows("components")),
        tokenizers[0] if tokenizers else None,
        tuple(SkippedDetails(*row) for row in rows("skipped")),
        adapter_details(connection, model.model_id),
    )


def _component(
    component: str, layers: int, experts: int, tensors: int, parameters: int, roles: list[str]
) -> ComponentDetails:
    return ComponentDetails(component, layers, experts, tensors, parameters, tuple(roles))
