"""One JSON document, with everything that the contract promises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO

from ...reports.numbers import plain
from ...version import SCHEMA_VERSION
from .result import Result


def lines(result: Result, stream: IO[str]) -> Iterator[str]:
    """The document, indented; numbers that JSON cannot hold are null."""
    document = {"schema_version": SCHEMA_VERSION, **result.document}
    yield json.dumps(plain(document), indent=2, allow_nan=False) + "\n"
