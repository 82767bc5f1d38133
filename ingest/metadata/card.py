"""What a model says of itself: its config, its card, and the parents that it declares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import yaml

from ..errors import FormatError
from ..sources.source import Source, read_small
from ..text import printable
from .merge_config import NO_NAMES, DeclaredRecipe, read_recipes
from .plain_yaml import document

CONFIG_LIMIT = 4 << 20
_REPAIR = "repair it, or remove it: weights are read without it too"
CARD_LIMIT = 2 << 20
_FRONT_MATTER_LIMIT = 64 << 10
_MOST_PARENTS = 64
_CONFIG_PARENTS = ("_name_or_path", "base_model_name_or_path", "base_model")


@dataclass(frozen=True, slots=True)
class DeclaredParent:
    """A parent that a model names, and how it calls the relation, if at all.

    `origin` says where: `card`, `config`, the file of a recipe, or the name of the provider, as `hub`.
    """

    parent: str
    origin: str
    relation: str | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """Declared parents and licence of a model, and the recipes of a merge."""

    parents: tuple[DeclaredParent, ...] = ()
    license: str | None = None
    recipes: tuple[DeclaredRecipe, ...] = ()


def read_config(source: Source) -> dict[str, object]:
    """config.json as a mapping, empty when there is none; FormatError when it is not a JSON object."""
    text = read_small(source, "config.json", CONFIG_LIMIT)
    if text is None:
        return {}
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno}: {error.msg})" if isinstance(error, json.JSONDecodeError) else ""
        raise FormatError(f"{source.uri}: config.json is not valid JSON{where}; {_REPAIR}") from error
    if not isinstance(config, dict):
        raise FormatError(f"{source.uri}: config.json is not a JSON object; {_REPAIR}")
    return config


def text_config(config: Mapping[str, object]) -> Mapping[str, object]:
    """The part of a config that describes the language stack: the config itself, or what it nests under a known key."""
    for key in ("text_config", "language_config", "llm_config"):
        if isinstance(nested := config.get(key), Mapping):
            return {**config, **nested}
    return config


def read_card(source: Source, config: Mapping[str, object], *, adapted: str | None = None) -> Card:
    """The front matter of README.md, what the provider says, the recipe of a merge, and what the config names.

    `adapted` is the base that the config of an adapter names.
    A card is prose by people: front matter that is no YAML mapping declares nothing, it is not an error.
    """
    readme = read_small(source, "README.md", CARD_LIMIT) or b""
    front, recipes = _front_matter(readme), read_recipes(source, readme)
    provided = {base.name: base.relation for base in source.card.base_models} if source.card else {}
    stated = _names(front.get("base_model_relation"))
    relation = printable(stated[0], 40) if len(stated) == 1 else None
    parents: dict[str, DeclaredParent] = {}
    for name in map(printable, _names(front.get("base_model"))):
        parents[name] = DeclaredParent(name, "card", relation or provided.get(name))
    for name, said in provided.items():
        parents.setdefault(name, DeclaredParent(name, source.card.provider if source.card else "provider", said))
    for recipe in recipes:
        for named in recipe.parents:
            parents.setdefault(named.parent, DeclaredParent(named.parent, recipe.origin, "merge"))
    for name in (printable(n) for key in _CONFIG_PARENTS for n in _names(config.get(key))):
        if name.rstrip("/").rpartition("/")[2] != source.name and name != source.name:
            parents.setdefault(name, DeclaredParent(name, "config"))
    if adapted and adapted not in NO_NAMES:
        named_before = parents.get(adapted, DeclaredParent(adapted, "config"))
        parents = {
            adapted: replace(named_before, relation=named_before.relation or "adapter"),
            **_without(parents, adapted),
        }
    licence = _licence(front) or (source.card.license if source.card else None)
    return Card(tuple(parents.values())[:_MOST_PARENTS], licence, recipes)


def _licence(front: Mapping[str, object]) -> str | None:
    """The licence that a card states; `license: other` stands for the one that `license_name` names."""
    stated, name = _names(front.get("license")), _names(front.get("license_name"))
    if stated == ["other"] and len(name) == 1:
        stated = name
    return printable(stated[0], 80) if len(stated) == 1 else None


def _without(parents: Mapping[str, DeclaredParent], name: str) -> dict[str, DeclaredParent]:
    return {key: parent for key, parent in parents.items() if key != name}


def _front_matter(card: bytes) -> Mapping[str, object]:
    lines = card[:_FRONT_MATTER_LIMIT].decode("utf-8", "replace").splitlines()
    if not lines or lines[0].strip() != "---":
        return {}
    end = next((i for i, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
    if end is None:
        return {}
    try:
        front = document("\n".join(lines[1:end]), aliases=True)
    except (yaml.YAMLError, ValueError):
        return {}
    return front if isinstance(front, Mapping) else {}


def _names(value: object) -> list[str]:
    found = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [name for v in found if isinstance(v, str) and (name := v.strip()) not in NO_NAMES]
