"""A model's page: what is kept of it, what was read and what was not, and what the newest audit found of it."""

from __future__ import annotations

from ...audit.known import Audited
from ...audit.report import KINDS, findings_of_model
from ...store.details import ModelDetails, model_details
from ...store.models import Model
from ..parameters import MODEL, Asked
from ..site import PageTable, Site, address, identity, page_tables
from ..view import Answer, View, json_answer

PARAMETERS = (MODEL,)
_KINDS = tuple(kind for kind in KINDS if kind != "relative")
_MOST = 100
"""Findings on a model's page: a root of a large family has one for each descendant; the audit's page has all."""


def model_page(site: Site, view: View, asked: Asked) -> Answer:
    """What `forebear show` shows, and the audit's findings of the model."""
    model = view.model(asked.text("name"))
    details = model_details(view.registry.connection, model)
    audited = view.audited
    return site.page(
        "model.html",
        model=model,
        identity=identity(model),
        tables=page_tables(site.forms.model(details)),
        unread=_unread(details),
        found=_found(site, view, model, audited) if audited else [],
        run=audited and audited.run,
        tabs=tabs(model, "/model"),
    )


def model_answer(site: Site, view: View, asked: Asked) -> Answer:
    """What `forebear show --format json` prints."""
    details = model_details(view.registry.connection, view.model(asked.text("name")))
    return json_answer(site.forms.model(details).document)


def tabs(model: Model, current: str) -> list[tuple[str, str, bool]]:
    """The pages about a model: title, address, whether it is the current one."""
    pages = (
        ("Overview", "/model"),
        ("Ancestors", "/ancestors"),
        ("Descendants", "/descendants"),
        ("Parts", "/parts"),
        ("Recipe", "/recipe"),
    )
    return [(title, address(path, name=identity(model)), path == current) for title, path in pages]


def _unread(details: ModelDetails) -> str:
    """How much of the parameters has no fingerprint, in a sentence."""
    if details.rest_at:
        return f"Its sketches alone are here; what was read of its tensors is at {details.rest_at}."
    skipped = sum(one.parameters for one in details.skipped)
    if not details.skipped:
        return "Every tensor has a fingerprint."
    share = skipped / max(1, details.model.parameters)
    return (
        f"{len(details.skipped)} tensors with {share:.1%} of the parameters have no fingerprint; each with its reason:"
    )


def _found(site: Site, view: View, model: Model, audited: Audited) -> list[PageTable]:
    """What an audit found of a model, as the one asked about or as the relative."""
    if audited.findings is not None:
        report = audited.findings.of_model(model.uri, _KINDS, _MOST)
    else:
        report = findings_of_model(view.registry.connection, audited.run, model.uri, _KINDS, _MOST)
    return page_tables(site.forms.audit(report))
