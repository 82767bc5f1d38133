"""What a model is made of: the model that explains each part, and the recipe of a merge."""

from __future__ import annotations

from ..forms import Shown
from ..parameters import MODEL, Asked
from ..site import Site, identity, page_tables
from ..view import Answer, View, json_answer
from .model import tabs

PARAMETERS = (MODEL,)


def parts_page(site: Site, view: View, asked: Asked) -> Answer:
    """What `forebear parts` shows."""
    return _page(site, view, asked, _parts(site, view, asked), "/parts", "Parts")


def parts_answer(site: Site, view: View, asked: Asked) -> Answer:
    """What `forebear parts --format json` prints."""
    return json_answer(_parts(site, view, asked).document)


def recipe_page(site: Site, view: View, asked: Asked) -> Answer:
    """What `forebear recipe` shows."""
    return _page(site, view, asked, _recipe(site, view, asked), "/recipe", "Recipe")


def recipe_answer(site: Site, view: View, asked: Asked) -> Answer:
    """What `forebear recipe --format json` prints."""
    return json_answer(_recipe(site, view, asked).document)


def _parts(site: Site, view: View, asked: Asked) -> Shown:
    return site.forms.parts(view.registry.parts(view.model(asked.text("name"))))


def _recipe(site: Site, view: View, asked: Asked) -> Shown:
    return site.forms.recipe(view.registry.recipe(view.model(asked.text("name"))))


def _page(site: Site, view: View, asked: Asked, shown: Shown, path: str, title: str) -> Answer:
    model = view.model(asked.text("name"))
    about = {
        "/parts": "Which registered model explains each part best. What is nearest is named, which says nothing of who"
        " came first.",
        "/recipe": "What a merge was made of. A recipe is told where its replay gives the sampled values bit for bit.",
    }
    return site.page(
        "makings.html",
        model=model,
        identity=identity(model),
        tables=page_tables(shown),
        title=title,
        about_it=about[path],
        tabs=tabs(model, path),
    )
