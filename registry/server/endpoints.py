"""Every question that the server answers, in one table: a new one is a file in `pages` and a line here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import contract
from .desk import RestsOn, Weight
from .pages import audit, compare, console, makings, model, relatives, search, tree
from .parameters import Asked, Parameter
from .site import Site
from .view import Answer, View

Run = Callable[[Site, View, Asked], Answer]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A question: its path, what it is, its parameters, how much work it is, and what answers it.

    `answer` is the type of the document of an endpoint of the API, None for a page. One with `posts` takes its
    parameters as a JSON object.
    """

    path: str
    about: str
    parameters: Sequence[Parameter]
    weight: Weight
    run: Run
    answer: type | None = None
    posts: bool = False
    rests_on: RestsOn = "registry"

    @property
    def method(self) -> str:
        """GET or POST."""
        return "POST" if self.posts else "GET"

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


PAGES = (
    Endpoint("/", "Models by name and facts.", search.PARAMETERS, "light", search.search_page),
    Endpoint("/model", "A model.", model.PARAMETERS, "light", model.model_page),
    Endpoint("/ancestors", "Its ancestors.", relatives.PARAMETERS, "heavy", relatives.ancestors_page),
    Endpoint("/descendants", "Its descendants.", relatives.PARAMETERS, "heavy", relatives.descendants_page),
    Endpoint("/parts", "Its parts.", makings.PARAMETERS, "heavy", makings.parts_page),
    Endpoint("/recipe", "Its recipe.", makings.PARAMETERS, "heavy", makings.recipe_page),
    Endpoint("/tree", "Family trees.", tree.PARAMETERS, "heavy", tree.tree_page),
    Endpoint("/compare", "Two models.", compare.PARAMETERS, "heavy", compare.compare_page),
    Endpoint("/audit", "Findings.", audit.PARAMETERS, "light", audit.audit_page, rests_on="audit"),
    Endpoint("/sql", "The SQL console.", console.PARAMETERS, "console", console.console_page),
    Endpoint("/feed.atom", "Findings for feed readers.", (), "light", audit.feed, rests_on="audit"),
)
API = (
    Endpoint(
        "/api/models",
        "Registered models, a page at a time.",
        search.PARAMETERS,
        "light",
        search.search_answer,
        contract.Models,
    ),
    Endpoint(
        "/api/model", "What is kept of one model.", model.PARAMETERS, "light", model.model_answer, contract.OneModel
    ),
    Endpoint(
        "/api/ancestors",
        "Who a model comes from, ranked, with reasons.",
        relatives.PARAMETERS,
        "heavy",
        relatives.ancestors_answer,
        contract.Ancestors,
    ),
    Endpoint(
        "/api/descendants",
        "What came out of a model, ranked, with reasons.",
        relatives.PARAMETERS,
        "heavy",
        relatives.descendants_answer,
        contract.Descendants,
    ),
    Endpoint(
        "/api/parts",
        "Which registered model explains each part of a model.",
        makings.PARAMETERS,
        "heavy",
        makings.parts_answer,
        contract.Parts,
    ),
    Endpoint(
        "/api/recipe", "What a merge was made of.", makings.PARAMETERS, "heavy", makings.recipe_answer, contract.Recipe
    ),
    Endpoint(
        "/api/tree", "The family trees of the newest audit.", tree.PARAMETERS, "heavy", tree.tree_answer, contract.Tree
    ),
    Endpoint(
        "/api/compare",
        "Two registered models side by side, with controls.",
        compare.REQUIRED,
        "heavy",
        compare.compare_answer,
        contract.Comparison,
    ),
    Endpoint(
        "/api/audit",
        "Findings of the newest audit.",
        audit.PARAMETERS,
        "light",
        audit.audit_answer,
        contract.Audit,
        rests_on="audit",
    ),
    Endpoint(
        "/api/sql",
        "One SQL query that only reads.",
        console.REQUIRED,
        "console",
        console.console_answer,
        contract.Sql,
        posts=True,
    ),
)
