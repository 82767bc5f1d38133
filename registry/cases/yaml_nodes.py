"""YAML of strangers as plain nodes that know their lines: text, lists and mappings, no anchors, bounded work.

Every scalar stays the text that was written, so that a published 0.90 keeps its digits.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml

from ...ingest.errors import FormatError
from ...ingest.metadata.plain_yaml import BracketBound
from ...ingest.text import printable

MOST_BYTES = 1 << 20
MOST_NODES = 50_000
MOST_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the file. `at` is its place in words, such as `claims[3].layer`, `line` counts from 1."""

    value: str | list[Node] | dict[str, Node]
    at: str
    line: int
    file: str

    def error(self, text: str) -> FormatError:
        """What is wrong here, with the file, the line and the place."""
        return FormatError(f"{self.file}, line {self.line}: {printable(self.at) or 'the case'}: {text}")

    def text(self, most: int = 4_000) -> str:
        """The text. Raises FormatError for a list or a mapping, and for more than `most` characters."""
        if not isinstance(self.value, str):
            raise self.error("a text was expected")
        if len(self.value) > most:
            raise self.error(f"{len(self.value)} characters; the limit is {most}")
        return self.value

    def whole(self, most: int = 10_000_000) -> int:
        """A whole number from 0 to `most`."""
        text = self.text(20)
        if not (text.isascii() and text.isdecimal()) or int(text) > most:
            raise self.error(f"{printable(text)!r} is no whole number from 0 to {most}")
        return int(text)

    def number(self) -> float:
        """A finite number."""
        try:
            found = float(self.text(40))
        except ValueError:
            found = float("nan")
        if found - found != 0:
            raise self.error(f"{printable(self.text())!r} is no number")
        return found

    def choice(self, choices: Sequence[str]) -> str:
        """One of some words."""
        text = self.text(200)
        if text not in choices:
            raise self.error(f"{printable(text)!r} is none of {', '.join(choices)}{_meant(text, choices)}")
        return text

    def items(self) -> list[Node]:
        """The entries of a list; a text alone is a list of one."""
        if isinstance(self.value, str):
            return [self]
        if not isinstance(self.value, list):
            raise self.error("a list was expected")
        return self.value

    def mapping(self, known: Sequence[str] | None = None, required: Sequence[str] = ()) -> dict[str, Node]:
        """A mapping. Raises FormatError for a key that is not `known`, and where a `required` one is missing."""
        if not isinstance(self.value, dict):
            raise self.error("a mapping was expected")
        for key, node in self.value.items():
            if known is not None and key not in known:
                raise node.error(f"no such key here; there are {', '.join(known)}{_meant(key, known)}")
        if missing := [key for key in required if key not in self.value]:
            raise self.error(f"{' and '.join(missing)} must be given")
        return self.value


def _meant(word: str, choices: Sequence[str]) -> str:
    close = difflib.get_close_matches(word[:80], choices, 1)
    return f"; did you mean {close[0]}?" if close else ""


def read_yaml(data: bytes, file: str) -> Node:
    """The document of a file. Raises FormatError with the line for anything but one plain document of bounded size."""
    if len(data) > MOST_BYTES:
        raise FormatError(f"{file}: {len(data)} bytes; the limit for a case is {MOST_BYTES}")
    try:
        text = data.decode("utf-8")
        _bounded(yaml.parse(text, BracketBound), file)
        root = yaml.compose(text, BracketBound)
    except UnicodeDecodeError as error:
        raise FormatError(f"{file}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        said = printable(" ".join(str(error).split()), 300)
        raise FormatError(f"{file}: no YAML that can be read: {said}") from error
    if root is None:
        raise FormatError(f"{file}: the file is empty")
    return _node(root, "", file)


def _bounded(events: Iterator[yaml.Event], file: str) -> None:
    """Refuse anchors, several documents, and what is too deep or too long, before anything is made of it."""
    depth = nodes = documents = 0
    for event in events:
        line = event.start_mark.line + 1 if event.start_mark is not None else 1
        if isinstance(event, yaml.AliasEvent):
            raise FormatError(f"{file}, line {line}: anchors and aliases are not read here; write the value out")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise FormatError(f"{file}, line {line}: a second document; a case is one document")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MOST_DEPTH:
                raise FormatError(f"{file}, line {line}: nested more than {MOST_DEPTH} deep")
        depth -= isinstance(event, yaml.CollectionEndEvent)
        nodes += isinstance(event, yaml.NodeEvent)
        if nodes > MOST_NODES:
            raise FormatError(f"{file}, line {line}: more than {MOST_NODES} values")


def _node(node: yaml.Node, at: str, file: str) -> Node:
    line = node.start_mark.line + 1
    match node:
        case yaml.ScalarNode():
            return Node(str(node.value), at, line, file)
        case yaml.SequenceNode():
            return Node([_node(item, f"{at}[{i}]", file) for i, item in enumerate(node.value)], at, line, file)
        case yaml.MappingNode():
            found: dict[str, Node] = {}
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise FormatError(f"{file}, line {key.start_mark.line + 1}: a key that is no text")
                name = str(key.value)
                place = f"{at}.{name}" if at else name
                if name in found:
                    raise FormatError(f"{file}, line {key.start_mark.line + 1}: {printable(place)} stands twice")
                found[name] = _node(value, place, file)
            return Node(found, at, line, file)
    raise FormatError(f"{file}, line {line}: a value of an unknown kind")
