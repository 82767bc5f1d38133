"""How people name a repository of the Hugging Face Hub. Reading one imports the HTTP client, naming one does not."""

from __future__ import annotations

import re

from ..errors import SourceError
from ..text import printable
from .kind import Location, SourceKind
from .source import CONNECTIONS, Source

SCHEME = "hf://"
_SPEC = re.compile(r"(?:hf://)?(?P<repository>[^/@\s]+/[^/@\s]+)(?:@(?P<revision>[^\s@]+))?")


def parse_spec(spec: str) -> tuple[str, str | None] | None:
    """(repository, revision) of `org/name[@revision]` or `hf://org/name[@revision]`, None for anything else."""
    found = _SPEC.fullmatch(spec)
    return (found["repository"], found["revision"]) if found and is_repository(found["repository"]) else None


def is_repository(name: str) -> bool:
    """Whether the Hub would let a repository be called `name`: two parts, of the characters that it allows."""
    if name.count("/") != 1:
        return False
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True


def _parse(spec: str) -> Location | None:
    parsed = parse_spec(spec)
    if parsed is not None:
        return Location(f"{SCHEME}{parsed[0]}", parsed[1])
    if spec.startswith(SCHEME):
        raise SourceError(f"{printable(spec)}: not a repository; write hf://org/name or hf://org/name@revision")
    return None


def _open(spec: str, connections: int | None) -> Source:
    from .hub import open_hub  # imports the HTTP client, which local work never needs

    try:
        return open_hub(spec, connections=connections or CONNECTIONS)
    except SourceError as error:
        if spec.startswith(SCHEME):
            raise
        raise SourceError(f"{error} (nor is there a file or folder {printable(spec)})") from None


HUB = SourceKind("hub", _parse, _open, remote=True)
