"""The Hugging Face Hub as a kind of source. Reading a repository imports the HTTP client, naming one does not."""

from __future__ import annotations

from ..errors import SourceError
from ..text import printable
from .hub_spec import SCHEME, parse_spec
from .kind import Location, SourceKind
from .source import CONNECTIONS, Source


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
