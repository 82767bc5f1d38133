"""A list of pairs of models of which a publication says whether they are related, read from a file and checked.

The file names groups of pairs with one truth each: pair by pair, every two of some models, every two of different
families, or a tree. docs/public-benchmarks.md has the format.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from ...ingest.errors import FormatError
from ...ingest.sources.hub_spec import is_repository
from ...ingest.text import printable
from ..cases.yaml_nodes import Node, read_yaml

Truth = Literal["related", "unrelated", "taught", "unsettled"]
"""Weights of one lineage; none in common; knowledge passed on by outputs and no weights; nobody says which."""
TRUTHS: tuple[Truth, ...] = get_args(Truth)
FORMAT = 1
"""Of the file: its key `list`."""
MOST_PAIRS = 20_000
MOST_MODELS = 1_000
_KEYS = ("list", "title", "published", "sources", "notes", "models", "groups")
_GROUP_KEYS = ("truth", "kind", "apart", "directed", "pairs", "every_two", "between", "tree")
_SHAPES = _GROUP_KEYS[4:]
_MODEL_KEYS = ("listed", "confirmed", "note")
LINEAGE, ROOTS = "model and ancestor", "of one root"
"""Kinds of the related pairs of a tree; those of two trees are INDEPENDENT."""
INDEPENDENT = "of different roots"


@dataclass(frozen=True, slots=True)
class ListedPair:
    """Two models, repositories of the Hub, with what the list says of them and how it calls that (`kind`).

    `model` descends from `other` where `directed`. `apart`: the pair is outside the list's own score.
    """

    model: str
    other: str
    truth: Truth
    kind: str
    directed: bool = False
    apart: bool = False

    @property
    def scored(self) -> bool:
        """Whether the pair counts in the figures: its truth is about weights, and the list counts it too."""
        return self.truth in {"related", "unrelated"} and not self.apart


@dataclass(frozen=True, slots=True)
class ListedModel:
    """What is to be said of a model: how the list calls it where that differs, and whether the name was confirmed."""

    listed: str = ""
    confirmed: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class PairList:
    """A published list. `published` is the number of pairs that its authors give, None where they give none."""

    name: str
    title: str
    published: int | None
    sources: tuple[str, ...]
    notes: tuple[str, ...]
    models: Mapping[str, ListedModel]
    pairs: tuple[ListedPair, ...]

    @property
    def repositories(self) -> list[str]:
        """Every model of the list once, in the order of its pairs."""
        return list(dict.fromkeys(name for pair in self.pairs for name in (pair.model, pair.other)))

    @property
    def unconfirmed(self) -> list[str]:
        """The repositories that the list does not name itself."""
        return [name for name, model in self.models.items() if not model.confirmed]


def read_pair_list(path: Path) -> PairList:
    """The list of a file. Raises FormatError, with the line, for what is none; OSError when it cannot be read."""
    return parse_pair_list(path.read_bytes(), str(path), path.stem)


def parse_pair_list(data: bytes, file: str, name: str) -> PairList:
    """The list in the bytes of a file."""
    root = read_yaml(data, file)
    fields = root.mapping(_KEYS, ("list", "title", "sources", "groups"))
    if fields["list"].text() != str(FORMAT):
        raise fields["list"].error(f"this forebear reads pair lists of the format {FORMAT}")
    pairs = [pair for group in fields["groups"].items() for pair in _group(group)]
    _check(pairs, file)
    known = {name for pair in pairs for name in (pair.model, pair.other)}
    return PairList(
        name=name,
        title=_line(fields["title"], 300),
        published=fields["published"].whole() if "published" in fields else None,
        sources=tuple(_line(item) for item in fields["sources"].items()),
        notes=tuple(_line(item) for item in fields["notes"].items()) if "notes" in fields else (),
        models=_models(fields["models"], known) if "models" in fields else {},
        pairs=tuple(pairs),
    )


def _line(node: Node, most: int = 2_000) -> str:
    found = " ".join(node.text(most).split())
    if not found:
        raise node.error("empty")
    return printable(found, most)


def _yes(node: Node) -> bool:
    return node.choice(("yes", "no")) == "yes"


def _models(node: Node, known: set[str]) -> dict[str, ListedModel]:
    found = {}
    for name, item in node.mapping().items():
        if name not in known:
            raise item.error("no pair of the list has this model")
        fields = item.mapping(_MODEL_KEYS)
        found[name] = ListedModel(
            listed=_line(fields["listed"]) if "listed" in fields else "",
            confirmed=_yes(fields["confirmed"]) if "confirmed" in fields else True,
            note=_line(fields["note"]) if "note" in fields else "",
        )
    return found


def _group(node: Node) -> Iterator[ListedPair]:
    """The pairs of one group."""
    fields = node.mapping(_GROUP_KEYS)
    shapes = [key for key in _SHAPES if key in fields]
    if len(shapes) != 1:
        raise node.error(f"a group has one of {', '.join(_SHAPES)}; this one has {len(shapes)}")
    if shapes == ["tree"]:
        if set(fields) != {"tree"}:
            raise node.error("a tree says what is true of its pairs; it has no other keys")
        yield from _of_tree(fields["tree"])
        return
    if missing := [key for key in ("truth", "kind") if key not in fields]:
        raise node.error(f"{' and '.join(missing)} must be given")
    said = fields["truth"].choice(TRUTHS)
    truth: Truth = next(known for known in TRUTHS if known == said)
    kind = _line(fields["kind"], 80)
    apart, directed = (_yes(fields[key]) if key in fields else None for key in ("apart", "directed"))
    places = fields[shapes[0]]
    descent = shapes == ["pairs"] and truth == "related"
    for model, other in _places(shapes[0], places):
        yield ListedPair(model, other, truth, kind, descent and directed is not False, bool(apart))


def _places(shape: str, node: Node) -> Iterator[tuple[str, str]]:
    if shape == "pairs":
        for item in node.items():
            names = [_repository(name) for name in item.items()]
            if len(names) != 2:
                raise item.error(f"a pair has two models, this one {len(names)}")
            yield names[0], names[1]
    elif shape == "every_two":
        yield from itertools.combinations([_repository(name) for name in node.items()], 2)
    else:
        families = [[_repository(name) for name in family.items()] for family in node.items()]
        for one, two in itertools.combinations(families, 2):
            yield from itertools.product(one, two)


def _repository(node: Node) -> str:
    name = node.text(200).strip()
    if not is_repository(name) or "/" not in name:
        raise node.error(f"{printable(name)!r} is no repository such as org/name")
    return name


def _of_tree(node: Node) -> Iterator[ListedPair]:
    """Every two models: related below one root, and one of them an ancestor where the tree says so."""
    lines: list[tuple[str, ...]] = []
    _walk(node, (), lines)
    for one, two in itertools.combinations(lines, 2):
        if one[0] != two[0]:
            yield ListedPair(one[-1], two[-1], "unrelated", INDEPENDENT)
        elif one[-1] in two:
            yield ListedPair(two[-1], one[-1], "related", LINEAGE, True)
        else:
            yield ListedPair(one[-1], two[-1], "related", ROOTS)


def _walk(node: Node, above: tuple[str, ...], found: list[tuple[str, ...]]) -> None:
    """Note the way from the root to every model below a node."""
    for name, below in node.mapping().items():
        if not is_repository(name) or "/" not in name:
            raise below.error(f"{printable(name)!r} is no repository such as org/name")
        found.append((*above, name))
        _walk(below, (*above, name), found)


def _check(pairs: Sequence[ListedPair], file: str) -> None:
    """Refuse a pair that stands twice or of a model with itself, and more than there can be."""
    models = {name for pair in pairs for name in (pair.model, pair.other)}
    if not 1 <= len(pairs) <= MOST_PAIRS or len(models) > MOST_MODELS:
        raise FormatError(
            f"{file}: {len(pairs)} pairs of {len(models)} models; a list has 1 to {MOST_PAIRS} of at most {MOST_MODELS}"
        )
    seen: set[frozenset[str]] = set()
    for pair in pairs:
        both = frozenset((pair.model, pair.other))
        if len(both) == 1:
            raise FormatError(f"{file}: {pair.model} is paired with itself")
        if both in seen:
            raise FormatError(f"{file}: {pair.model} and {pair.other} stand twice; each pair is asked once")
        seen.add(both)
