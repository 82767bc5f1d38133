"""Next tokens asked for and kept, one line a prompt, so that a run that was stopped goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...ingest.errors import ForebearError, SourceError
from .endpoint import Endpoint
from .prompts import MOST_PROMPTS, prompts
from .record import answer_line, model_line, model_of, read_record


def record_outputs(
    endpoint: Endpoint | Path, place: Path, count: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> int:
    """Keep the next tokens of the first `count` prompts in `place`; returns how many were new.

    A Path is a record that somebody else made: what it has of the list is kept, and no prompt is asked. `progress` is
    told how many prompts are done. Raises ForebearError; what was kept before stays.
    """
    if not 0 < count <= MOST_PROMPTS:
        raise ForebearError(f"prompts: between 1 and {MOST_PROMPTS}, not {count}")
    given = read_record(endpoint) if isinstance(endpoint, Path) else None
    model = endpoint.model if isinstance(endpoint, Endpoint) else model_of(endpoint) or endpoint.name
    kept = _kept(place, model)
    asked = [prompt for prompt in prompts(count) if prompt not in kept and (given is None or prompt in given)]
    if given is not None and not kept and not asked:
        raise SourceError(f"{endpoint}: none of forebear's prompts is in it; `forebear outputs prompts` prints them")
    try:
        with place.open("ab") as stream:
            if not stream.tell():
                stream.write(model_line(model))
            for done, prompt in enumerate(asked):
                token = given[prompt] if given is not None else _asked(endpoint, prompt)
                stream.write(answer_line(prompt, token))
                stream.flush()
                progress(done + 1, len(asked))
    except OSError as error:
        raise SourceError(f"{place}: cannot be written ({error.strerror})") from error
    return len(asked)


def _asked(endpoint: Endpoint | Path, prompt: str) -> str:
    assert isinstance(endpoint, Endpoint)
    return endpoint.next_token(prompt)


def _kept(place: Path, model: str) -> dict[str, str]:
    """What an earlier run kept, of the same model."""
    try:
        if not place.exists() or not place.stat().st_size:
            return {}
        kept_of = model_of(place)
        if kept_of != model:
            raise SourceError(
                f"{place}: holds answers of {kept_of or 'nobody named'}, not of {model}; name another file"
            )
        _drop_unfinished(place)
    except OSError as error:
        raise SourceError(f"{place}: cannot be read ({error.strerror})") from error
    return read_record(place)


def _drop_unfinished(place: Path) -> None:
    """A run that was killed leaves half a line; the next line would be joined to it."""
    if place.exists():
        data = place.read_bytes()
        if (end := data.rfind(b"\n") + 1) < len(data):
            with place.open("r+b") as stream:
                stream.truncate(end)
