"""The documents that the API and the tools answer with, as types: the JSON contract of the commands.

Every document carries `schema_version`. Numbers that JSON cannot hold are null. Rows may gain keys within a version of
the schema; none is taken away.
"""

from __future__ import annotations

from typing_extensions import TypedDict

Rows = list[dict[str, object]]


class Queried(TypedDict):
    """The model that was asked about."""

    name: str
    source: str
    revision: str | None


class Models(TypedDict):
    """Registered models, a page of the list; `passing` is how many pass in all."""

    schema_version: int
    models: Rows
    passing: int
    page: int


class OneModel(TypedDict):
    """What is kept of one model: facts, components, declared parents, tensors that were left out."""

    schema_version: int
    model: dict[str, object]


class ComponentVerdict(TypedDict):
    """The verdict for one component, in a word and in a sentence."""

    component: str
    verdict: str
    sentence: str


class Ancestors(TypedDict):
    """Ranked ancestors, a row each: reason, direction with its probability and what it rests on, E-value, coverage."""

    schema_version: int
    query: dict[str, object]
    registry_models: int
    verdict: str
    equal_content: Rows
    components: list[ComponentVerdict]
    ancestors: Rows
    adapter: dict[str, object] | None


class Descendants(TypedDict):
    """Ranked descendants, a row each, with the keys of ancestors."""

    schema_version: int
    query: dict[str, object]
    registry_models: int
    verdict: str
    equal_content: Rows
    components: list[ComponentVerdict]
    descendants: Rows
    adapter: dict[str, object] | None


class Parts(TypedDict):
    """Which registered model explains each block, and how much each explains of a component."""

    schema_version: int
    query: Queried
    parts: Rows
    summary: Rows


class Recipe(TypedDict):
    """The recipe of every component that is a merge; none for a model that is not."""

    schema_version: int
    query: Queried
    recipes: Rows


class Comparison(TypedDict):
    """Two models with controls; `trusted` is null where no control was at hand. Metric tables are in `components`."""

    schema_version: int
    verdict: str
    sentence: str
    trusted: bool | None
    trust: str
    models: Rows
    components: Rows


class BriefComparison(Comparison):
    """A comparison as agents get it: `left_out` says what is not in it, and last how to get it."""

    left_out: list[str]


class Tree(TypedDict):
    """Nodes and edges of the family trees, and what cards alone declare."""

    schema_version: int
    run: dict[str, object]
    nodes: Rows
    edges: Rows
    declared: Rows


class Audit(TypedDict):
    """A page of the findings of the newest audit; `counts` are those of the whole run, `more` says of a next page."""

    schema_version: int
    run: dict[str, object]
    counts: dict[str, int]
    findings: Rows
    page: int
    more: bool


class Sql(TypedDict):
    """Columns with their types, and at most 1,000 rows; `more` says that the query has others."""

    schema_version: int
    columns: Rows
    rows: Rows
    more: bool
