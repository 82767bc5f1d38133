"""A bill of materials of one model: what it comes from and is related to, with the figures behind it.

What is told goes into a bill, and no more: a relative is an ancestor or a descendant where its direction is told, else
a variant, which is CycloneDX's word for a relation of unknown order. A shared initialisation is none of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from ...ingest.versions import FINGERPRINT_VERSION
from ...queries.answers.records import Ancestor, Verdict
from ...queries.sql import statement
from ...queries.thresholds.lineage import DIRECTION_TOLD, MOST_RELATIVES
from ...queries.thresholds.significance import SIGNIFICANT_LOG10_E
from ..store.models import find_source
from ..version import forebear_version

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from ..registry import Registry

Kind = Literal["ancestor", "variant", "descendant"]
_ORDER: tuple[Kind, ...] = ("ancestor", "descendant", "variant")
"""What a relative of several components is: the first of these that one of them tells."""
_HUB = re.compile(r"hf://(?:(?P<group>[^/@]+)/)?(?P<name>[^/@]+)")


@dataclass(frozen=True, slots=True)
class Described:
    """A model as a bill names it. `license` is as its card writes it, `spdx` its identifier in SPDX's list."""

    name: str
    source: str
    revision: str | None
    parameters: int | None = None
    architecture: str | None = None
    family: str | None = None
    license: str | None = None
    spdx: str | None = None
    released_at: datetime | None = None

    @property
    def group(self) -> str | None:
        """The user or organisation of the Hub that it is published by."""
        found = _HUB.match(self.source)
        return found["group"] if found else None

    @property
    def purl(self) -> str | None:
        """Its package URL (purl-spec, type `huggingface`), None for what is not on the Hub."""
        found = _HUB.match(self.source)
        if not found:
            return None
        group = f"{quote(found['group'], safe='')}/" if found["group"] else ""
        version = f"@{quote(self.revision.lower(), safe='')}" if self.revision else ""
        return f"pkg:huggingface/{group}{quote(found['name'], safe='')}{version}"

    @property
    def address(self) -> str | None:
        """The page it is downloaded from, None for what is not on the Hub."""
        found = _HUB.match(self.source)
        return f"https://huggingface.co/{found[0].removeprefix('hf://')}" if found else None


@dataclass(frozen=True, slots=True)
class Relative:
    """A related model: what it is to the one that the bill is of, the reason, and the figures, a row a component."""

    model: Described
    kind: Kind
    reason: str
    rows: tuple[tuple[str, Ancestor], ...]

    @property
    def figures(self) -> list[dict[str, object]]:
        """What was measured, with the keys of the JSON contract."""
        names = (
            *("evidence", "log10_evalue", "identity", "coverage", "distance", "equal_values", "relation", "origin"),
            *("direction", "direction_probability", "direction_by", "declared", "merged_with"),
        )
        found: list[dict[str, object]] = []
        for part, row in self.rows:
            measured = asdict(row)
            found.append({"component": part, **{name: measured[name] for name in names}})
        return found


@dataclass(frozen=True, slots=True)
class BillOfMaterials:
    """What is known of where a model comes from, with the versions that found it."""

    model: Described
    verdict: Verdict
    sentences: tuple[str, ...]
    relatives: tuple[Relative, ...]
    registry_models: int
    made_at: datetime
    forebear: str
    fingerprint: int

    @property
    def basis(self) -> dict[str, object]:
        """What the figures rest on: versions, and how many models were compared."""
        return {
            "forebear": self.forebear,
            "fingerprint_version": self.fingerprint,
            "registry_models": self.registry_models,
        }

    def of(self, kind: Kind) -> list[Relative]:
        """The relatives of one kind, in the order of the answer."""
        return [relative for relative in self.relatives if relative.kind == kind]


def bill_of_materials(registry: Registry, model: str | Path) -> BillOfMaterials:
    """The bill of a registered model, or of a source that is read now and not kept; errors as of `ancestors`.

    Licences, dates and architectures are those of models that are registered.
    """
    report, connection = registry.ancestors(model, k=MOST_RELATIVES), registry.connection
    spdx = dict(connection.execute(statement("show/spdx")).fetchall())
    described = Described(report.name, report.source, report.revision, report.parameters)
    if (known := find_source(connection, report.source, report.revision)) is not None:
        described = _described(connection, known.model_id, report.name, report.source, spdx)
    rows = [(answer.component, row) for answer in report.components for row in answer.ancestors if _is_related(row)]
    return BillOfMaterials(
        described,
        report.verdict,
        tuple(answer.sentence for answer in report.components),
        tuple(_relatives(connection, rows, spdx)),
        report.registry_models,
        datetime.now(UTC).replace(microsecond=0),
        forebear_version(),
        FINGERPRINT_VERSION,
    )


def kind_of(row: Ancestor) -> Kind:
    """What a related model is to the query, where that is told; a variant else."""
    if row.direction in {"ancestor", "copy"} and row.direction_probability >= DIRECTION_TOLD:
        return "ancestor"
    return "descendant" if row.direction == "descendant" else "variant"


def _is_related(row: Ancestor) -> bool:
    return row.origin == "derivation" and row.log10_evalue <= SIGNIFICANT_LOG10_E


def _relatives(
    connection: duckdb.DuckDBPyConnection, rows: Sequence[tuple[str, Ancestor]], spdx: dict[str, str]
) -> Iterator[Relative]:
    by_model: dict[int, list[tuple[str, Ancestor]]] = {}
    for part, row in rows:
        by_model.setdefault(row.model_id, []).append((part, row))
    for model_id, found in by_model.items():
        first = min(found, key=lambda one: _ORDER.index(kind_of(one[1])))[1]
        described = _described(connection, model_id, first.name, first.source, spdx)
        yield Relative(described, kind_of(first), first.reason, tuple(found))


def _described(
    connection: duckdb.DuckDBPyConnection, model_id: int, name: str, source: str, spdx: dict[str, str]
) -> Described:
    (found,) = connection.execute(statement("show/architecture"), {"model_id": model_id}).fetchall()
    architecture, family, license_, parameters, released_at, revision = found
    identifier = spdx.get((license_ or "").strip().lower())
    return Described(name, source, revision, parameters, architecture, family, license_, identifier, released_at)
