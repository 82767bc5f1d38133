"""Two registered models side by side, with the figures of the report.

A visitor must not make the server read files or ask other hosts: sources are not opened, and the values that the
registry keeps are compared, as `forebear compare` does where a source cannot be had. The page says so.
"""

from __future__ import annotations

from ....ingest.errors import SourceError
from ....ingest.sources import Source
from ....queries.comparison.records.comparison import Comparison
from ...jobs.comparing import compare
from ..parameters import Asked, Parameter
from ..site import Site, identity
from ..view import Answer, Unusable, View, json_answer

_ABOUT = "A registered model: its name, name@revision, or source."
PARAMETERS = (Parameter("a", _ABOUT, default=""), Parameter("b", _ABOUT, default=""))
REQUIRED = (Parameter("a", _ABOUT), Parameter("b", _ABOUT))


def compare_page(site: Site, view: View, asked: Asked) -> Answer:
    """The form, and the report of two models where they are named."""
    from ...reports.html.page import report_values

    a, b = asked.text("a"), asked.text("b")
    if not a or not b:
        return site.page("compare.html", a=a, b=b)
    first, second = view.model(a), view.model(b)
    values = report_values(_compared(view, asked))
    return site.page("pair.html", a=a, b=b, first=identity(first), second=identity(second), **values)


def compare_answer(site: Site, view: View, asked: Asked) -> Answer:
    """What `forebear compare A B --format json` prints, from what the registry keeps."""
    return json_answer(site.forms.compare(_compared(view, asked)).document)


def _compared(view: View, asked: Asked) -> Comparison:
    first, second = view.model(asked.text("a")), view.model(asked.text("b"))
    if first.model_id == second.model_id:
        raise Unusable(f"a and b are the same model, {first.name}")
    return compare(view.registry.connection, first, second, None, _unopened)


def _unopened(spec: str) -> Source:
    raise SourceError("the server opens no sources for a page")
