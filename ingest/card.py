"""What a model says of itself: its config, its card, and the parents that it declares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from .errors import FormatError
from .sources.source import Source, read_small
from .text import printable

CONFIG_LIMIT = 4 << 20
CARD_LIMIT = 2 << 20
_FRONT_MATTER_LIMIT = 64 << 10
_MOST_PARENTS = 64
_CONFIG_PARENTS = ("_name_or_path", "base_model_name_or_path", "base_model")


@dataclass(frozen=True, slots=True)
class DeclaredParent:
    """A parent that a model names, where it names it (`card` or `config`), and how it calls the relation, if it does."""

    parent: str
    origin: str
    relation: str | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """Declared parents and licence of a model."""

    parents: tuple[DeclaredParent, ...] = ()
    license: str | None = None


def read_config(source: Source) -> dict[str, object]:
    """config.json as a mapping, empty when there is none; FormatError when it is not a JSON object."""
    text = read_small(source, "config.json", CONFIG_LIMIT)
    if text is None:
        return {}
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{source.uri}: config.json is not valid JSON") from error
    if not isinstance(config, dict):
        raise FormatError(f"{source.uri}: config.json is not a JSON object")
    return config


def text_config(config: Mapping[str, object]) -> Mapping[str, object]:
    """The part of a config that describes the language stack: the config itself, or what it nests under a known key."""
    for key in ("text_config", "language_config", "llm_config"):
        if isinstance(nested := config.get(key), Mapping):
            return {**config, **nested}
    return config


def read_card(source: Source, config: Mapping[str, object]) -> Card:
    """The front matter of README.md and the fields of the config that name a parent.

    A card is prose by people: front matter that is no YAML mapping declares nothing, it is not an error.
    """
    front = _front_matter(read_small(source, "README.md", CARD_LIMIT) or b"")
    relation = front.get("base_model_relation")
    parents = [
        DeclaredParent(printable(p), "card", printable(relation, 40) if isinstance(relation, str) else None)
        for p in _names(front.get("base_model"))
    ]
    known = {p.parent for p in parents} | {source.name, ""}
    for key in _CONFIG_PARENTS:
        for name in _names(config.get(key)):
            if (name := printable(name)) not in known and name.rstrip("/").rpartition("/")[2] != source.name:
                parents.append(DeclaredParent(name, "config"))
                known.add(name)
    licence = front.get("license")
    return Card(tuple(parents[:_MOST_PARENTS]), printable(licence, 80) if isinstance(licence, str) else None)


def _front_matter(card: bytes) -> Mapping[str, object]:
    lines = card[:_FRONT_MATTER_LIMIT].decode("utf-8", "replace").splitlines()
    if not lines or lines[0].strip() != "---":
        return {}
    end = next((i for i, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
    if end is None:
        return {}
    try:
        front = yaml.safe_load("\n".join(lines[1:end]))
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    return front if isinstance(front, Mapping) else {}


def _names(value: object) -> list[str]:
    if isinstance(value, str):
        return [value.strip()]
    return [v.strip() for v in value if isinstance(v, str)] if isinstance(value, list) else []
