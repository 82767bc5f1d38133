"""A registered model as a row, and by the name that people read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from .numbers import counted

if TYPE_CHECKING:
    from ..store.details import RootClaim
    from ..store.models import Model

MODEL_COLUMNS = (
    *("name", "source", "revision", "format", "architecture", "license"),
    *("tensors", "parameters", "bytes_read", "bytes_total", "ingested_at", "fingerprint_version"),
)
"""The keys of a registered model in the JSON contract, in their order."""
_NAMED = 5
"""Names in one sentence, at most."""


def outdated_sentence(names: Sequence[str], outdated: int) -> str:
    """Which of the models that are shown lack activations, how many do in the registry, and what to do; "" for none."""
    if not outdated:
        return ""
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    all_of_them = f"{counted(outdated, 'model')} of the registry"
    who = shown if len(names) == outdated else f"{shown} ({all_of_them})" if names else all_of_them
    return f"without activations, as an earlier version ingested them: {who}; `forebear ingest --refresh` reads them"


def model_row(model: Model) -> dict[str, object]:
    """A registered model with the keys of the JSON contract: its identifier is its source and revision."""
    found = asdict(model) | {"source": model.uri, "ingested_at": moment(model.ingested_at)}
    return {key: found[key] for key in MODEL_COLUMNS}


def moment(time: datetime) -> str:
    """A time of the registry, which is UTC, in ISO 8601 with seconds."""
    return f"{time.isoformat(timespec='seconds')}Z"


def claim_row(claim: RootClaim) -> dict[str, object]:
    """Somebody's word that a model was trained from scratch, with the keys of the JSON contract."""
    return {"source": claim.source, "claimed_at": moment(claim.claimed_at) if claim.claimed_at else None}


def named(model: Model) -> str:
    """Its name, with the revision where the source has them."""
    return model.name + (f"@{model.revision}" if model.revision else "")


def share_names(models: Iterable[tuple[str, str]]) -> bool:
    """Whether several of these models (name, source) have one name: only their sources tell them apart then."""
    found: dict[str, str] = {}
    return any(found.setdefault(name, source) != source for name, source in models)
