"""An answer made again from what it says of itself: the same revisions, the same claims."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...ingest.budget import require_json
from ...ingest.errors import FormatError
from ...ingest.text import printable
from ...queries.comparison.case.question import Case
from .case_file import parse_case

MOST_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer that was written as JSON: the case with its revisions, the document, and how it was made.

    `budget` is the one that it kept to, `hashed` whether files of this machine were hashed.
    """

    case: Case
    document: Mapping[str, object]
    budget: int | None
    hashed: bool


def read_answer(path: Path) -> KeptAnswer:
    """The answer in a file. Raises FormatError for what is no JSON result of a case; OSError when it cannot be read."""
    if path.stat().st_size > MOST_BYTES:
        raise FormatError(f"{path}: {path.stat().st_size} bytes; the limit for an answer is {MOST_BYTES}")
    data = path.read_bytes()
    require_json(data, str(path))
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: no JSON; --verify takes what --format json wrote") from error
    if not isinstance(document, dict) or not isinstance(document.get("case_file"), dict):
        raise FormatError(f"{path}: no result of `forebear case --format json`")
    made = document.get("provenance")
    budget = made.get("budget") if isinstance(made, dict) else None
    case = parse_case(
        json.dumps(document["case_file"], ensure_ascii=False).encode("utf-8", "backslashreplace"),
        f"{printable(str(path))}: case_file",
    )
    return KeptAnswer(
        case,
        document,
        budget if isinstance(budget, int) and not isinstance(budget, bool) else None,
        b'"hashed": true' in data or b'"hashed":true' in data,
    )
