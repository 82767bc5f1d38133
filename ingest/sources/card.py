"""What a provider of models says of one: the same record whoever it is, the Hub or any other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A parent that a provider names; `relation` is finetune, adapter, merge or quantized, None where not said."""

    name: str
    relation: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderCard:
    """What a provider says of a model. Text is safe to print; what it does not say is None or empty.

    `provider` is its short name, `hub` for the Hugging Face Hub: the origin of the parents that it declares.
    `gated` is `auto` or `manual`: who lets a person in, the provider at once or the author. Dates have a time zone.
    `notes` say what of it is not believed.
    """

    provider: str
    author: str | None = None
    created: datetime | None = None
    modified: datetime | None = None
    downloads: int | None = None
    likes: int | None = None
    license: str | None = None
    library: str | None = None
    task: str | None = None
    gated: str | None = None
    tags: tuple[str, ...] = ()
    base_models: tuple[BaseModel, ...] = ()
    notes: tuple[str, ...] = ()
