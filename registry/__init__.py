"""The registry of fingerprints, and the public Python API.

    from forebear.registry import Registry

    with Registry("registry.duckdb") as registry:
        registry.ingest("models/alder", "models/alder-docs")
        report = registry.ancestors("alder-docs")

Every error that input can cause is a ForebearError: SourceError, FormatError or RegistryError. Names are loaded on
first use: `forebear --help` needs neither DuckDB nor numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..ingest.errors import ForebearError, FormatError, RegistryError, SourceError
    from ..queries.answers.records import Ancestor, ComponentAnswer
    from ..queries.comparison.records.comparison import Comparison
    from .audit.report import AuditChanges, AuditReport
    from .audit.run import AuditOptions
    from .jobs.engines import Processes, RayCluster
    from .jobs.outcome import Failed, Ingested, Outcome, Skipped, Unchanged
    from .registry import Registry
    from .reports.ancestors import AncestorsReport
    from .reports.bom import BillOfMaterials, bill_of_materials
    from .reports.card import CardPatch, proposed_card
    from .reports.html.page import write_report
    from .reports.parts import PartsReport
    from .reports.trees import TreeReport
    from .store.details import ModelDetails
    from .store.models import Model
    from .store.parquet import Exported, Imported

__all__ = [
    "Ancestor",
    "AncestorsReport",
    "AuditChanges",
    "AuditOptions",
    "AuditReport",
    "BillOfMaterials",
    "CardPatch",
    "Comparison",
    "ComponentAnswer",
    "Exported",
    "Failed",
    "ForebearError",
    "FormatError",
    "Imported",
    "Ingested",
    "Model",
    "ModelDetails",
    "Outcome",
    "PartsReport",
    "Processes",
    "RayCluster",
    "Registry",
    "RegistryError",
    "Skipped",
    "SourceError",
    "TreeReport",
    "Unchanged",
    "bill_of_materials",
    "proposed_card",
    "write_report",
]

_HOMES = {
    "AncestorsReport": ".reports.ancestors",
    "AuditChanges": ".audit.report",
    "AuditOptions": ".audit.run",
    "AuditReport": ".audit.report",
    "Comparison": "..queries.comparison.records.comparison",
    "ModelDetails": ".store.details",
    "PartsReport": ".reports.parts",
    "TreeReport": ".reports.trees",
    "Model": ".store.models",
    "Registry": ".registry",
    "write_report": ".reports.html.page",
    **dict.fromkeys(("BillOfMaterials", "bill_of_materials"), ".reports.bom"),
    **dict.fromkeys(("CardPatch", "proposed_card"), ".reports.card"),
    **dict.fromkeys(("Ancestor", "ComponentAnswer"), "..queries.answers.records"),
    **dict.fromkeys(("Processes", "RayCluster"), ".jobs.engines"),
    **dict.fromkeys(("Exported", "Imported"), ".store.parquet"),
    **dict.fromkeys(("Failed", "Ingested", "Outcome", "Skipped", "Unchanged"), ".jobs.outcome"),
    **dict.fromkeys(("ForebearError", "FormatError", "RegistryError", "SourceError"), "..ingest.errors"),
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
