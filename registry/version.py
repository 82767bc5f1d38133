"""The version of forebear."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def forebear_version() -> str:
    """Of the installed package; a checkout that is not installed has none."""
    try:
        return version("forebear")
    except PackageNotFoundError:
        return "(not installed: run from a checkout)"
