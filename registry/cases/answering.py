"""A case answered beside a registry: its models may be named as they are registered."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ...ingest.sources import Source, open_source, spec_of
from ...queries.comparison.case.question import Case
from ...queries.comparison.case.records import CaseResult
from ..store.models import Model
from .running import Advance, CaseOptions, run_case
from .shipped import find_case


class Finder(Protocol):
    """What knows models by their names: a registry."""

    def find(self, name: str) -> Model | None:
        """The model of that name, None without one; RegistryError when several have it."""
        ...


def answer_case(
    registry: Finder, case: str | Path | Case, options: CaseOptions | None = None, *, advance: Advance | None = None
) -> CaseResult:
    """The answer to a case: a file, the name of one that comes with forebear, or a Case.

    Its models are sources as `ingest` takes them, or names of registered models, whose sources are read again; they are
    judged among themselves, in a registry that is gone at the end. `advance` hears (stage, done, of how many). Raises
    FormatError for a file that is no case, SourceError when fewer than two models can be read.
    """

    def opened(spec: str) -> Source:
        found = None if Path(spec).exists() else registry.find(spec)
        return open_source(spec_of(found.uri, found.revision) if found else spec)

    asked = case if isinstance(case, Case) else find_case(case)
    return run_case(asked, opened, options or CaseOptions(), advance or (lambda stage, done, total: None))
