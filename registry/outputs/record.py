"""A file of next tokens: JSON Lines, one for a prompt: {"prompt": text, "token": text}.

The first line may be {"model": name}, of whom the answers are: one record holds one model's.
Lines are written as answers come, so that a run that was stopped goes on; an unfinished last line is asked again.
"""

from __future__ import annotations

import json
from pathlib import Path

from ...ingest.errors import FormatError, SourceError
from .prompts import MOST_PROMPTS

LONGEST_TOKEN = 1024
"""Characters of a next token: the longest of published vocabularies has some hundred."""
_LONGEST_FILE = 64 << 20


def read_record(path: Path) -> dict[str, str]:
    """Prompt -> next token. Raises SourceError for a file that cannot be read, FormatError for what is no record."""
    try:
        if not path.is_file():
            raise SourceError(f"{path}: no such file; make one with `forebear outputs record`")
        if path.stat().st_size > _LONGEST_FILE:
            raise FormatError(f"{path}: larger than {_LONGEST_FILE >> 20} MB, which no record is")
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error
    tokens: dict[str, str] = {}
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip() or (number == 1 and _model(line) is not None):
            continue
        prompt, token = _answer(line, f"{path}, line {number}")
        if tokens.setdefault(prompt, token) != token:
            raise FormatError(f"{path}, line {number}: a prompt has two different next tokens; keep one of them")
    if len(tokens) > MOST_PROMPTS:
        raise FormatError(f"{path}: more than {MOST_PROMPTS} prompts")
    return tokens


def model_of(path: Path) -> str | None:
    """The model that a record's first line names. Raises OSError when it cannot be read."""
    with path.open("rb") as stream:
        return _model(stream.readline(_LONGEST_FILE))


def _model(line: bytes) -> str | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    model = row.get("model") if isinstance(row, dict) and "prompt" not in row else None
    return model if isinstance(model, str) else None


def model_line(model: str) -> bytes:
    """The first line of a record."""
    return json.dumps({"model": model}).encode() + b"\n"


def _answer(line: bytes, where: str) -> tuple[str, str]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{where}: not JSON; a record has a JSON object on every line") from error
    prompt, token = (row.get("prompt"), row.get("token")) if isinstance(row, dict) else (None, None)
    if not isinstance(prompt, str) or not isinstance(token, str):
        raise FormatError(f'{where}: write {{"prompt": "...", "token": "..."}}')
    if len(token) > LONGEST_TOKEN:
        raise FormatError(f"{where}: a token of {len(token)} characters; ask for one next token alone")
    return prompt, token


def answer_line(prompt: str, token: str) -> bytes:
    """A line of a record."""
    return json.dumps({"prompt": prompt, "token": token}).encode() + b"\n"
