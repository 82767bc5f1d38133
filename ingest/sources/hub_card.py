"""The Hub's answer about a repository, as a provider's card and a list of files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..budget import Limit, beyond
from ..errors import SourceError
from ..text import printable
from .card import BaseModel, ProviderCard
from .hub_dates import claimed, is_future
from .source import SourceFile

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

_RELATIONS = frozenset({"finetune", "adapter", "merge", "quantized"})
_BASE_MODEL = "base_model:"
_SHA256 = re.compile(r"[0-9a-f]{64}")
FILES = Limit(20_000, "files of one repository")
"""The largest published checkpoints have below 1,000."""
_MOST_TAGS = 200
_MOST_BASES = 64


def card_of(info: ModelInfo, notes: Sequence[str] = ()) -> ProviderCard:
    """The card in the Hub's answer, with `notes` on it; anything that is not of its type counts as not said."""
    from huggingface_hub import ModelCardData

    tags = tuple(printable(t, 200) for t in _list(info.tags) if isinstance(t, str))[:_MOST_TAGS]
    front: Mapping[str, object] = vars(info.card_data) if isinstance(info.card_data, ModelCardData) else {}
    said = next((t.removeprefix("license:") for t in tags if t.startswith("license:")), None)
    return ProviderCard(
        provider="hub",
        author=_text(info.author),
        created=claimed(info.created_at),
        modified=claimed(info.last_modified),
        downloads=_count(info.downloads),
        likes=_count(info.likes),
        license=_licence(front) or said,
        library=_text(info.library_name),
        task=_text(info.pipeline_tag),
        gated=_text(info.gated) or ("manual" if info.gated else None),
        tags=tags,
        base_models=tuple(_base_models(tags, front))[:_MOST_BASES],
        notes=(*notes, *_future(info)),
    )


def _future(info: ModelInfo) -> Iterable[str]:
    """That a date of publication is not kept, as it has not come yet."""
    if (created := info.created_at) and created.year < 9000 and is_future(created):
        yield f"its createdAt {created:%Y-%m-%d} lies in the future: no date is kept"


def _licence(front: Mapping[str, object]) -> str | None:
    stated = _text(front.get("license"))
    return (_text(front.get("license_name")) or stated) if stated == "other" else stated


def files_of(info: ModelInfo, uri: str) -> dict[str, SourceFile]:
    """The files of the commit by path, without hidden ones and without names that could point elsewhere.

    Raises SourceError for more files than any model has, or when the Hub does not say how long a file is.
    """
    siblings = info.siblings or []
    if message := beyond(FILES, len(siblings)):
        raise SourceError(f"{uri}: {message}, where it is one model at all")
    files: dict[str, SourceFile] = {}
    for sibling in siblings:
        path = sibling.rfilename
        if not isinstance(path, str) or not _plain(path):
            continue
        size = sibling.lfs.size if sibling.lfs else sibling.size
        if type(size) is not int or size < 0:
            raise SourceError(f"{uri}: the length of {printable(path)!r} is not said; does HF_ENDPOINT name a Hub?")
        sha256 = sibling.lfs.sha256 if sibling.lfs else None
        known = isinstance(sha256, str) and _SHA256.fullmatch(sha256)
        files[path] = SourceFile(path, size, sha256 if known else None)
    return files


def _plain(path: str) -> bool:
    r"""Whether a name stays below the repository: no `..`, no absolute path, no `\`, nothing hidden or unprintable.

    Nothing is written under these names, but `../x` in an address would read another page of the Hub.
    """
    return path.isprintable() and "\\" not in path and all(p and not p.startswith(".") for p in path.split("/"))


def _base_models(tags: Iterable[str], front: Mapping[str, object]) -> Iterable[BaseModel]:
    """The Hub's own tags `base_model:[relation:]org/name` first, then the card's front matter, each parent once."""
    declared = front.get("base_model")
    names = [declared] if isinstance(declared, str) else _list(declared)
    found: dict[str, str | None] = {printable(n.strip()): None for n in names if isinstance(n, str) and n.strip()}
    stated = front.get("base_model_relation")
    for name in found:
        found[name] = printable(stated, 40) if isinstance(stated, str) else None
    for tag in tags:
        if tag.startswith(_BASE_MODEL):
            relation, colon, name = tag.removeprefix(_BASE_MODEL).partition(":")
            if colon and relation in _RELATIONS:
                found[name] = relation
            elif not colon:
                found.setdefault(relation, None)
    return [BaseModel(name, relation) for name, relation in found.items() if name]


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return printable(value, 200) if isinstance(value, str) and value else None


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 1 << 62 else None
