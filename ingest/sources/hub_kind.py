"""The Hub as a kind of source. Reading from it imports the HTTP client, naming something of it does not."""

from __future__ import annotations

from ..errors import SourceError
from ..text import printable
from .hub_spec import SCHEME, HubSpec, is_repository, read_spec
from .kind import Location, SourceKind
from .part import PartOfSource
from .source import CONNECTIONS, Source

_SHOWN = 12


def _parse(spec: str) -> Location | None:
    if author := _all_of(spec):
        return Location(f"{SCHEME}{author}/*", single=False)
    found = read_spec(spec)
    return found.location if found else None


def _all_of(spec: str) -> str | None:
    """The author in `org/*`, which names all models of one; None for anything else."""
    author, slash, rest = spec.removeprefix(SCHEME).partition("/")
    return author if slash and rest == "*" and is_repository(f"{author}/x") else None


def _open(spec: str, connections: int | None) -> Source:
    from .hub import open_hub  # imports the HTTP client, which local work never needs

    if author := _all_of(spec):
        raise _many(author)
    found = read_spec(spec)
    assert found is not None
    whole = HubSpec(found.repository, found.revision).location.spec
    try:
        source = open_hub(whole, connections=connections or CONNECTIONS)
    except SourceError as error:
        if "://" in spec:
            raise
        raise SourceError(f"{error} (nor is there a file or folder {printable(spec)})") from None
    return PartOfSource(source, found.path) if found.path else source


def _many(author: str) -> SourceError:
    """The error for all models of an author: the newest of them, and the command that ingests all."""
    from .hub_listing import list_hub

    names = [listed.name for listed in list_hub(author=author, most=_SHOWN + 1)]
    shown = ", ".join(map(printable, names[:_SHOWN])) + (", ..." if len(names) > _SHOWN else "")
    return SourceError(
        f"{author}/*: names many models, not one; `forebear watch --author {author}` ingests all of them."
        f" The newest: {shown or 'none'}"
    )


HUB = SourceKind("hub", _parse, _open, remote=True)
