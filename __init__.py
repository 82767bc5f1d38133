"""Finds the ancestors of a machine-learning model from its weights: BLAST for model weights.

    import forebear

    with forebear.Registry("registry.duckdb") as registry:
        registry.ingest("models/alder")
    print(forebear.compare("models/alder", "models/alder-docs").sentence)

Names are loaded on first use, so that `import forebear` needs neither DuckDB nor numpy. Everything else that is public
is in `forebear.registry`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .ingest.errors import ForebearError
    from .registry.registry import Registry
    from .registry.temporary import compare

    __version__: str

__all__ = ["ForebearError", "Registry", "__version__", "compare"]

_HOMES = {
    "ForebearError": ".ingest.errors",
    "Registry": ".registry.registry",
    "compare": ".registry.temporary",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from .registry.version import forebear_version

        value: object = forebear_version()
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name], __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
