"""The first page: models by name and facts, a page of the list at a time."""

from __future__ import annotations

from ....ingest.errors import RegistryError
from ....queries.search.model_filter import parse_filter
from ...store.models import Model, find_model, page_of_models
from ..parameters import PAGE, Asked, Parameter
from ..site import Site, address, identity, page_tables
from ..view import Answer, Unusable, View, json_answer

ON_A_PAGE = 50
PARAMETERS = (
    Parameter(
        "q",
        "A part of the name; or globs of name, source, license, architecture or type, as in 'org/* license=mit'.",
        default="",
        most=1_000,
    ),
    PAGE,
)


def search_page(site: Site, view: View, asked: Asked) -> Answer:
    """The list, with what the newest audit found in numbers."""
    models, passing = _models(view, asked)
    audited = view.audited
    page, pages = asked.number("page"), -(-passing // ON_A_PAGE)
    (table,) = page_tables(site.forms.models(models))
    links = [address("/model", name=identity(model)) for model in models]
    return site.page(
        "search.html",
        query=asked.text("q"),
        table=table,
        links=links,
        passing=passing,
        page=page,
        pages=pages,
        run=audited and audited.run,
        counts=audited and audited.counts,
    )


def search_answer(site: Site, view: View, asked: Asked) -> Answer:
    """The models of a page of the list, with the keys of `forebear list`."""
    models, passing = _models(view, asked)
    return json_answer({**site.forms.models(models).document, "passing": passing, "page": asked.number("page")})


def _models(view: View, asked: Asked) -> tuple[list[Model], int]:
    """By the filter; where nothing passes, or it is none, the model of just that name, which may hold `=` and `[`."""
    text, skipped = asked.text("q"), (asked.number("page") - 1) * ON_A_PAGE
    try:
        wanted = parse_filter(as_filter(text))
    except ValueError as error:
        if named := _named(view, text):
            return named[skipped:], len(named)
        raise Unusable(str(error)) from error
    found, passing = page_of_models(view.registry.connection, wanted.parameters, most=ON_A_PAGE, skipped=skipped)
    if passing:
        return found, passing
    named = _named(view, text)
    return named[skipped:], len(named)


def _named(view: View, text: str) -> list[Model]:
    try:
        return [found] if (found := find_model(view.registry.connection, text)) else []
    except RegistryError:  # several
        return []


def as_filter(text: str) -> str:
    """What people write in a search box as a filter: bare words are parts of a name, in their order.

    >>> as_filter("alder docs license=mit"), as_filter("org/*")
    ('license=mit *alder*docs*', 'org/*')
    """
    words = text.split()
    facts = [word for word in words if "=" in word]
    names = [word for word in words if "=" not in word]
    if names and not any(mark in word for word in names for mark in "*?["):
        names = [f"*{'*'.join(names)}*"]
    return " ".join([*facts, *names])
