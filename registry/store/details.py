"""What the registry holds of one model, for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
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
class ActivationDetails:
    """Of how many layers, and neurons or experts in all, it is kept what they do on tokens."""

    layers: int
    neurons: int


@dataclass(frozen=True, slots=True)
class SkippedDetails:
    """A tensor that has no fingerprint, and why."""

    name: str
    parameters: int
    reason: str
    component: str | None


@dataclass(frozen=True, slots=True)
class RootClaim:
    """Somebody's word that a model was trained from scratch.

    `claimed_at` is when it was noted here (UTC), None for the list of published base models.
    """

    source: str
    claimed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ModelDetails:
    """One registered model with what its files declare, what was found in them, and what is claimed of its age.

    `released_at` (UTC) is the word of its provider. Of a model that is here by its sketches alone, `rest_at` is where
    the rest of its fingerprint lies: components, activations and tensors are not here then.
    """

    model: Model
    declared_parents: tuple[DeclaredParent, ...]
    components: tuple[ComponentDetails, ...]
    tokenizer: TokenizerDetails | None
    skipped: tuple[SkippedDetails, ...]
    adapter: AdapterDetails | None = None
    released_at: datetime | None = None
    root_claims: tuple[RootClaim, ...] = ()
    activations: ActivationDetails = ActivationDetails(0, 0)
    rest_at: str | None = None


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
        rows("released")[0][0],
        root_claims(connection, model),
        _activations(int(rows("neurons")[0][0]), lambda: int(rows("activations")[0][0])),
        _rest_at(connection, model.model_id),
    )


def _rest_at(connection: duckdb.DuckDBPyConnection, model_id: int) -> str | None:
    rows = connection.execute(statement("exchange/remote"), {"models": [model_id]}).fetchall()
    return str(rows[0][1]) if rows else None


def root_claims(connection: duckdb.DuckDBPyConnection, model: Model) -> tuple[RootClaim, ...]:
    """Who says that a model was trained from scratch, what was noted here first."""
    values = {"model_id": model.model_id, "uri": model.uri}
    rows = connection.execute(statement("models/root_claims"), values).fetchall()
    return tuple(RootClaim(*row) for row in rows)


def _activations(neurons: int, layers: Callable[[], int]) -> ActivationDetails:
    return ActivationDetails(layers() if neurons else 0, neurons)


def _component(
    component: str, layers: int, experts: int, tensors: int, parameters: int, roles: list[str]
) -> ComponentDetails:
    return ComponentDetails(component, layers, experts, tensors, parameters, tuple(roles))
