"""YAML that another tool runs: the configuration that mergekit makes a merge by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from ....ingest.errors import ForebearError
from .result import Result


def lines(result: Result, stream: IO[str]) -> Iterator[str]:
    """The documents, apart as YAML has it. Raises ForebearError where there is none: an empty file would run as one."""
    if not result.configs:
        raise ForebearError("there is no recipe to write as YAML; --format table says what is known")
    yield "---\n".join(result.configs)
