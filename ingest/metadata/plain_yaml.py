"""YAML of strangers: text, lists and mappings alone, of bounded depth and number, in time that grows with the text.

Typed scalars raise what they like and merge keys grow without bound, so neither is read. PyYAML looks at every open
bracket again for each token: without a bound on depth 5,000 brackets take two seconds.
"""

from __future__ import annotations

from collections.abc import Iterator

import yaml

MOST_NODES = 20_000
"""Values of a document; of configurations that are published the longest, with a weight a layer, have some thousand."""
DEEPEST = 64
"""Brackets, indents or values in one another; configurations that are published have up to ten."""


class BracketBound(yaml.BaseLoader):
    """PyYAML's reader of text, lists and mappings, which refuses more than `DEEPEST` brackets in one another."""

    def fetch_flow_collection_start(self, TokenClass: type[yaml.Token]) -> None:
        """An opening bracket; raises MarkedYAMLError for one too many."""
        if self.flow_level >= DEEPEST:
            problem = f"more than {DEEPEST} brackets in one another"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=self.get_mark())
        super().fetch_flow_collection_start(TokenClass)


class _Plain(BracketBound):
    def __init__(self, text: str, aliases: bool) -> None:
        super().__init__(text)
        self._aliases, self._nodes, self._depth = aliases, 0, 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._nodes += 1
        if self._nodes > MOST_NODES or self._depth >= DEEPEST:
            raise yaml.YAMLError(f"more than {MOST_NODES} values, or more than {DEEPEST} in one another")
        if not self._aliases and self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def documents(text: str, *, aliases: bool = False) -> Iterator[object]:
    r"""The documents of a text, one after the other: str, list and dict in one another.

    With `aliases` one value may stand in several places, as one object: only for who does not walk all that is there,
    because a short text can stand for a huge one. Raises YAMLError, or ValueError, for what is not read.

    >>> list(documents("a: 1\nb: [x, ~]"))
    [{'a': '1', 'b': ['x', '~']}]
    """
    loader = _Plain(text, aliases)
    try:
        while loader.check_data():  # type: ignore[no-untyped-call]
            yield loader.get_data()
    finally:
        loader.dispose()


def document(text: str, *, aliases: bool = False) -> object:
    """The one document of a text, as of `documents`; None for an empty one. Raises YAMLError for several, too."""
    found = list(documents(text, aliases=aliases))
    if len(found) > 1:
        raise yaml.YAMLError("more than one document")
    return found[0] if found else None
