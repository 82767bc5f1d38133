"""The registry of fingerprints, and the public Python API: `from forebear.registry import Registry`."""

from ..ingest.errors import ForebearError, FormatError, RegistryError, SourceError
from .models import Model
from .outcome import Failed, Ingested, Outcome, Skipped, Unchanged
from .registry import Registry

__all__ = [
    "Failed",
    "ForebearError",
    "FormatError",
    "Ingested",
    "Model",
    "Outcome",
    "Registry",
    "RegistryError",
    "Skipped",
    "SourceError",
    "Unchanged",
]
