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
    from .audit.report import AuditChanges, AuditReport
    from .audit.run import AuditOptions
    from .details import ModelDetails
    from .models import Model
    from .outcome import Failed, Ingested, Outcome, Skipped, Unchanged
    from .registry import Registry
    from .report import AncestorsReport

__all__ = [
    "AncestorsReport",
    "AuditChanges",
    "AuditOptions",
    "AuditReport",
    "Failed",
    "ForebearError",
    "FormatError",
    "Ingested",
    "Model",
    "ModelDetails",
    "Outcome",
    "Registry",
    "RegistryError",
    "Skipped",
    "SourceError",
    "Unchanged",
]

_HOMES = {
    "AncestorsReport": ".report",
    "AuditChanges": ".audit.report",
    "AuditOptions": ".audit.run",
    "AuditReport": ".audit.report",
    "ModelDetails": ".details",
    "Model": ".models",
    "Registry": ".registry",
    **dict.fromkeys(("Failed", "Ingested", "Outcome", "Skipped", "Unchanged"), ".outcome"),
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
