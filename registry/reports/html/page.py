"""The page: one template, filled from the document of a comparison.

Names of models, tensors, settings and tokens are strangers' text: the template escapes all of it, and `printable` takes
out what would turn a line around. The page loads nothing: its policy forbids it to.
"""

from __future__ import annotations

import math
import platform
import shlex
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from jinja2 import Environment

from ....ingest.errors import RegistryError
from ....queries.comparison.case.gains import gains_sentence
from ....queries.comparison.records.comparison import ComparedModel, Comparison, ConfigRow, ParameterRow
from ...version import forebear_version
from ..numbers import evalue, parameters, share, size
from ..templates import templates
from .images import style
from .sections import changed_by_layer, component_figures, key_table, model_map

MOST_ROWS = 600
"""Rows of a folded table; JSON and CSV hold all of them."""
MOST_CHARACTERS = 200
"""Of a value of a config."""
_VERDICTS = {
    "derived": "Derived: of one lineage",
    "related": "Related: of one lineage, which came first is not known",
    "shared_initialisation": "One initialisation, trained apart",
    "unrelated": "Unrelated",
    "inconclusive": "Inconclusive",
}
_TRUST = {True: "The controls agree", False: "Not to be trusted", None: "Not checked by a control"}
_WORDY = frozenset(
    [
        "name",
        "role",
        "figures from",
        "change looks like",
        "matched by",
        "values",
        "verdict",
        "relation",
        "reason",
        "log10 p by kind",
        "looks like",
        "dimensions taken for the same",
        "because",
        "why",
        "source",
        "revision",
        "declared parents",
        "tensor of B",
        "A and B",
        "reading",
        "note",
    ]
)
"""Titles of columns of words, which stand to the left; figures stand to the right."""
_PACKAGES = ("numpy", "scipy", "safetensors", "duckdb", "matplotlib")


def write_report(document: Comparison, path: Path) -> None:
    """Draw the report of a comparison and write it to `path`. Raises RegistryError when it cannot be written."""
    page = report_page(document)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise RegistryError(f"{path}: the report cannot be written ({error.strerror})") from error


def report_page(document: Comparison) -> str:
    """The report as HTML: the same text for the same document."""
    return report_environment().get_template("report.html").render(report_values(document))


def report_values(document: Comparison) -> dict[str, object]:
    """What `comparison.html` is filled from; figures are drawn here, by one thread at a time."""
    with style():
        parts = [(part, key_table(part), component_figures(part)) for part in document.components]
        plane = model_map(document)
    return {
        "found": document,
        "verdict": _VERDICTS[document.verdict],
        "trust": _TRUST[document.trusted],
        "parts": parts,
        "changed": {part.component: changed_by_layer(part.change_rows) for part in document.components},
        "plane": plane,
        "gains": gains_sentence(document.norm_gains),
        "configs": [_config_cells(row, document.models) for row in document.architecture.config],
        "sizes": _parameter_rows(document.architecture.parameters, document.models, whole=True),
        "layer_sizes": _parameter_rows(document.architecture.parameters, document.models, whole=False),
        "command": _command(document.models),
        "versions": {
            "forebear": forebear_version(),
            **{name: version(name) for name in _PACKAGES},
            "Python": platform.python_version(),
        },
    }


def report_environment(*more: Path) -> Environment:
    """The templates of the report with its filters, and those of the folders `more`."""
    environment = templates(*more)
    environment.filters |= {
        "number": number,
        "fixed": fixed,
        "span": _span,
        "share": lambda value: share(value) if math.isfinite(value) else "–",
        "evalue": evalue,
        "size": size,
        "parameters": parameters,
        "words": lambda text: str(text).replace("_", " "),
        "evidence": _evidence,
    }
    environment.globals |= {"MOST_ROWS": MOST_ROWS, "WORDY": _WORDY}
    return environment


def number(value: float | None, digits: int = 3) -> str:
    """A figure with `digits` decimals, or three significant digits where it is too small for them; a dash for none."""
    if value is None or not math.isfinite(value):
        return "–"
    small = value != 0 and abs(value) < 10.0**-digits
    large = abs(value) >= 1e5
    return f"{value:.1e}" if small or large else f"{value:.{digits}f}"


def fixed(value: float, digits: int = 3) -> str:
    """A cosine or a logarithm with `digits` decimals, never a negative zero; a dash for none."""
    return f"{value:.{digits}f}".replace("-0." + "0" * digits, "0." + "0" * digits) if math.isfinite(value) else "–"


def _span(low: float, high: float) -> str:
    return f"{fixed(low, 2)} to {fixed(high, 2)}" if math.isfinite(low) else "–"


def _evidence(kinds: Mapping[str, float]) -> str:
    return ", ".join(
        f"{kind} {value + 0.0:.0f}".replace(" -0", " 0")
        for kind, value in sorted(kinds.items(), key=lambda item: item[1])
    )


def _config_cells(row: ConfigRow, models: Iterable[ComparedModel]) -> tuple[ConfigRow, list[str]]:
    """A setting with a cell for each model; the name is in it where a model has another one for it."""
    values = {value.model: value for value in row.values}
    cells = []
    for model in models:
        found = values.get(model.label)
        if found is None or found.name is None:
            cells.append("–")
            continue
        text = str(found.value)
        cut = text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + " …"
        cells.append(f"{cut} (as {found.name})" if row.renamed and found.name != row.key else cut)
    return row, cells


def _parameter_rows(
    rows: Iterable[ParameterRow], models: tuple[ComparedModel, ...], *, whole: bool
) -> list[tuple[str, list[int | None]]]:
    """Parts of components, or of their layers, each with the parameters of every model."""
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        if (row.layer is None) == whole:
            name = row.part if whole else f"layer {row.layer} {row.part}"
            found.setdefault(f"{row.component} {name}", {})[row.model] = row.parameters
    return [(name, [counts.get(model.label) for model in models]) for name, counts in found.items()]


def _command(models: Iterable[ComparedModel]) -> str:
    """The command that makes this comparison again, from sources and revisions."""
    words = ["forebear", "compare"]
    for model in models:
        source = f"{model.source}@{model.revision}" if model.revision else model.source
        words += [source] if model.origin == "asked" else ["--control", source]
    return shlex.join([*words, "--report", "report.html"])
