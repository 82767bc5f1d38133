"""Which models an audit is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """The models asked about and those they are compared with, ascending ids; `newest` is the largest id there is.

    `owner` is the process that carries out the run, as `audit_run` keeps it.
    """

    run_id: int
    newest: int
    asked: Sequence[int]
    against: Sequence[int]
    owner: str
