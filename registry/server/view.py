"""What an answer is made from and what it is: the registry as it is now, and bytes with their type."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..audit.known import Audited
from ..registry import Registry
from ..reports.numbers import plain
from ..store.models import Model, find_model, similar_names
from ..version import SCHEMA_VERSION
from .snapshot import Snapshot

JSON = "application/json"
HTML = "text/html; charset=utf-8"
ATOM = "application/atom+xml; charset=utf-8"


class NotThere(Exception):
    """What was asked about is not in the registry."""


class Unusable(Exception):
    """A question that cannot be meant: a parameter that is missing, too long, or no such thing."""


@dataclass(frozen=True, slots=True)
class View:
    """The registry to read, for one thread, and the copy that it is."""

    registry: Registry
    snapshot: Snapshot

    @property
    def path(self) -> Path:
        """The file of the copy."""
        return self.snapshot.path

    @property
    def audited(self) -> Audited | None:
        """The newest audit that finished, None without one."""
        return self.snapshot.audited

    def model(self, name: str) -> Model:
        """The registered model of that name, name@revision or source. Never a path or a source that is not registered.

        Raises NotThere where there is none, RegistryError where there are several.
        """
        if found := find_model(self.registry.connection, name):
            return found
        near = similar_names(self.registry.connection, name)
        meant = f"did you mean {' or '.join(map(repr, near))}?" if near else "the list of models shows what is"
        raise NotThere(f"{name!r} is not in the registry; {meant}")


@dataclass(frozen=True, slots=True)
class Answer:
    """Bytes, their media type, and headers beside those of every answer."""

    body: bytes
    media: str
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


def json_answer(document: Mapping[str, object], status: int = 200) -> Answer:
    """The document of the JSON contract, as `--format json` prints it, without indentation."""
    whole = {"schema_version": SCHEMA_VERSION, **document}
    return Answer(json.dumps(plain(whole), allow_nan=False).encode(), JSON, status=status)
