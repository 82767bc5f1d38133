"""The version of forebear, and that of the JSON it writes."""

from __future__ import annotations

SCHEMA_VERSION = 2
"""Of every JSON document, as `schema_version`. 2: `direction`, with probability and reason, for `aside`."""


def forebear_version() -> str:
    """Of the installed package; a checkout that is not installed has none."""
    from importlib.metadata import PackageNotFoundError, version  # 30 ms, which help and errors do without

    try:
        return version("forebear")
    except PackageNotFoundError:
        return "(not installed: run from a checkout)"
