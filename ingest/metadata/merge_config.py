"""What a model says it was merged from: the configuration of mergekit, as a file of its own or in its card.

*Limitations.* What was read is a claim, and never evidence. Merges in several stages, whose later documents name the
results of earlier ones, are kept without parents: their parents are no published models.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise

import yaml

from ..errors import FormatError
from ..sources.source import Source, read_small
from ..text import printable
from .plain_yaml import documents

_log = logging.getLogger(__name__)

FILES = ("mergekit_config.yml", "mergekit_moe_config.yml")
CONFIG_LIMIT = 64 << 10
"""Bytes of a configuration; those that are published have a few hundred, with a weight a layer some thousand."""
NO_NAMES = frozenset({"", "~", "null", "None"})
"""What YAML and people write for no model."""
_MOST_CONFIGS, _MOST_BLOCKS = 4, 16
_MOST_PARENTS = 64
_LONGEST = 400
SEVERAL_STAGES = "several stages"
MIXTURE = "moe"


@dataclass(frozen=True, slots=True)
class DeclaredWeight:
    """A parent that a recipe names. `weight` as declared, the mean of a gradient; None where it says none or filters.

    Of whole layers that are copied it is the share of layers. `graded`: it is not one number for every layer.
    """

    parent: str
    weight: float | None = None
    graded: bool = False


@dataclass(frozen=True, slots=True)
class DeclaredRecipe:
    """A recipe that a model declares; `origin` is the file, or `card` (`card 2` for the second one in it).

    `config` is the text as it was written, characters that no terminal should see left out.
    """

    origin: str
    method: str
    base: str | None
    parents: tuple[DeclaredWeight, ...]
    config: str


def read_recipes(source: Source, card: bytes) -> tuple[DeclaredRecipe, ...]:
    """The recipes that a source declares, each once: files first, then those of its `card` (README.md).

    A configuration that cannot be read declares nothing, as a card without front matter does.
    """
    found: list[DeclaredRecipe] = []
    for origin, text in _texts(source, card):
        recipe = parsed(origin, text)
        if recipe is None or any(_same(recipe, other) for other in found):
            continue
        before = sum(other.origin.partition(" ")[0] == origin for other in found)
        found.append(replace(recipe, origin=f"{origin} {before + 1}") if before else recipe)
        if len(found) == _MOST_CONFIGS:
            break
    return tuple(found)


def _same(one: DeclaredRecipe, other: DeclaredRecipe) -> bool:
    return (one.method, one.base, one.parents) == (other.method, other.base, other.parents)


def _texts(source: Source, card: bytes) -> Iterator[tuple[str, str]]:
    for path in FILES:
        try:
            data = read_small(source, path, CONFIG_LIMIT)
        except FormatError as error:  # too long, or a link out of the folder: no claim that anybody could check
            _log.warning("%s; what it declares is not read", error)
            continue
        if data is not None:
            yield path, data.decode("utf-8", "replace")
    for block in islice(_blocks(card.decode("utf-8", "replace")), _MOST_BLOCKS):
        yield "card", block


def _blocks(card: str) -> Iterator[str]:
    """The fenced blocks of a card that name a merge method or experts."""
    block: list[str] | None = None
    fence = ""
    for line in card.splitlines():
        stripped = line.strip()
        if block is None:
            if stripped.startswith(("```", "~~~")):
                fence, block = stripped[:3], []
        elif stripped == fence:
            text = "\n".join(block)
            if len(text) <= CONFIG_LIMIT and ("merge_method" in text or "source_model" in text):
                yield text
            block = None
        else:
            block.append(line)


def parsed(origin: str, text: str) -> DeclaredRecipe | None:
    r"""The recipe of one configuration; None where it is none.

    >>> parsed("card", "merge_method: slerp\nbase_model: a\nmodels: [{model: b}]\nparameters: {t: 0.3}").parents
    (DeclaredWeight(parent='a', weight=0.7, graded=False), DeclaredWeight(parent='b', weight=0.3, graded=False))
    """
    try:
        found = [d for d in documents(text) if isinstance(d, Mapping)]
    except (yaml.YAMLError, ValueError):
        return None
    written = "\n".join(printable(line, CONFIG_LIMIT) for line in text.splitlines())
    if len(found) > 1 and all("merge_method" in one for one in found):
        return DeclaredRecipe(origin, SEVERAL_STAGES, None, (), written)
    if not found:
        return None
    config = found[0]
    if isinstance(config.get("experts"), list):
        return DeclaredRecipe(origin, MIXTURE, _model(config.get("base_model")), _experts(config), written)
    method = config.get("merge_method")
    if not isinstance(method, str) or not method.strip():
        return None
    base = _model(config.get("base_model"))
    parents = _merged(config, method.strip(), base)
    return DeclaredRecipe(origin, printable(method.strip(), 40), base, tuple(parents[:_MOST_PARENTS]), written)


def _merged(config: Mapping[str, object], method: str, base: str | None) -> list[DeclaredWeight]:
    sources, layers = _sources(config)
    if method == "passthrough":
        total = sum(layers.values())
        return [DeclaredWeight(name, count / total) for name, count in layers.items()] if total else []
    names = list(dict.fromkeys(name for name, _ in sources))
    shared = config.get("parameters")
    if method == "slerp":
        first = base or next(iter(names), None)
        others = [name for name in names if name != first]
        if first is None or len(others) != 1:
            return []
        slice_setting = next((s for _, s in sources if "t" in s), {})
        weight, graded = _setting(_inner(shared, slice_setting).get("t"))
        rest = None if weight is None else round(1 - weight, 12)
        return [DeclaredWeight(first, rest, graded), DeclaredWeight(others[0], weight, graded)]
    own = {name: setting for name, setting in reversed(sources)}
    changes = base is not None and method not in _WHOLE
    scale = _setting(_inner(shared, {}).get("lambda"))[0]
    found = []
    for name in names:
        if changes and name == base:
            continue
        weight, graded = _setting(_inner(shared, own[name]).get("weight"))
        found.append(DeclaredWeight(name, weight if weight is None or scale is None else weight * scale, graded))
    return found


_WHOLE = frozenset({"linear", "slerp", "nuslerp", "multislerp", "karcher"})
"""Methods that mix weights and not changes: there the base, where one is named, is a parent like others."""


def _inner(shared: object, own: Mapping[str, object]) -> dict[str, object]:
    return {**(shared if isinstance(shared, Mapping) else {}), **own}


def _sources(config: Mapping[str, object]) -> tuple[list[tuple[str, Mapping[str, object]]], dict[str, int]]:
    """(model, its parameters) in order, and how many layers each gives to slices."""
    found: list[tuple[str, Mapping[str, object]]] = []
    layers: dict[str, int] = {}
    for entry in _list(config.get("models")):
        found += _entry(entry, {})
    for piece in _list(config.get("slices")):
        if not isinstance(piece, Mapping):
            continue
        for entry in _list(piece.get("sources")):
            named = _entry(entry, _inner(piece.get("parameters"), {}))
            found += named
            ends = entry.get("layer_range") if isinstance(entry, Mapping) else None
            if named and isinstance(ends, list) and len(ends) == 2:
                start, end = (_number(n) for n in ends)
                if start is not None and end is not None and 0 <= start < end <= 1e6:
                    layers[named[0][0]] = layers.get(named[0][0], 0) + int(end) - int(start)
    return found, layers


def _entry(entry: object, shared: Mapping[str, object]) -> list[tuple[str, Mapping[str, object]]]:
    if not isinstance(entry, Mapping):
        return []
    name = _model(entry.get("model"))
    return [(name, _inner(shared, _inner(entry.get("parameters"), {})))] if name else []


def _experts(config: Mapping[str, object]) -> tuple[DeclaredWeight, ...]:
    names = [_model(e.get("source_model")) for e in _list(config.get("experts")) if isinstance(e, Mapping)]
    return tuple(DeclaredWeight(name) for name in dict.fromkeys(names) if name)[:_MOST_PARENTS]


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _model(value: object) -> str | None:
    """A model as people name it: a string (`org/name@revision+adapter`), or a mapping with a path."""
    while isinstance(value, Mapping):
        value = value.get("model", value.get("path"))
    if not isinstance(value, str):
        return None
    name = value.strip().partition("+")[0] if not value.strip().startswith(("/", ".")) else value.strip()
    return None if name in NO_NAMES else printable(name, _LONGEST)


def _setting(value: object) -> tuple[float | None, bool]:
    """A number for all layers: as it is, or the mean along a gradient of anchors; None where filters choose."""
    if isinstance(value, list):
        anchors = [_number(v) for v in value]
        known = [a for a in anchors if a is not None]
        if not known or len(known) != len(anchors):
            return None, True
        if len(known) == 1:
            return known[0], False
        steps = [(a + b) / 2 for a, b in pairwise(known)]
        return sum(steps) / len(steps), len(set(known)) > 1
    return _number(value), False


def _number(value: object) -> float | None:
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) < 1e6 else None
