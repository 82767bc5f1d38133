"""What a person sets once: `forebear.toml`.

It is read from the user's config folder, or from where `--config` or $FOREBEAR_CONFIG says, and never from the working
folder: a checkout of somebody else's must not choose which registry is written. It holds no token: those come by the
environment alone, as huggingface_hub reads them.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from ...ingest.errors import FormatError, SourceError
from ..store.lake import PREFIX

_LONGEST = 65_536
"""Bytes of a file that is read: what people write by hand is far below."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of the file; None where it does not say. A path that is not absolute is one from the file's folder."""

    registry: str | None = None


def read_settings(named: str | None = None) -> Settings:
    """The settings of the file `named`, of $FOREBEAR_CONFIG, or of the user's config folder, in this order.

    A file of the config folder may be missing, one that is named may not: SourceError. Raises FormatError for what is
    no TOML and for a key that is not known, as a key that does nothing would be believed.
    """
    from platformdirs import user_config_path

    asked = named or os.environ.get("FOREBEAR_CONFIG")
    path = Path(asked).expanduser() if asked else user_config_path("forebear") / "forebear.toml"
    try:
        with path.open("rb") as stream:
            text = stream.read(_LONGEST + 1)
    except FileNotFoundError:
        if asked:
            raise SourceError(f"{path}: no such file; --config and $FOREBEAR_CONFIG name a forebear.toml") from None
        return Settings()
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error
    if len(text) > _LONGEST:
        raise FormatError(f"{path}: more than {_LONGEST} bytes; a forebear.toml holds a few lines")
    try:
        found = tomllib.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: no TOML: {error}") from error
    return _settings(path, found)


def _settings(path: Path, found: dict[str, object]) -> Settings:
    if unknown := sorted(found.keys() - {"registry"}):
        raise FormatError(f"{path}: {unknown[0]!r} is no setting; there is registry (tokens come by the environment)")
    registry = found.get("registry")
    if registry is not None and (not isinstance(registry, str) or not registry):
        raise FormatError(f"{path}: registry is not a path in quotes")
    return Settings(None if registry is None else _from_folder(path, registry))


def _from_folder(path: Path, registry: str) -> str:
    """The registry of a settings file: one file names one registry, whatever folder a command is started in."""
    return registry if registry.startswith(PREFIX) else str(path.absolute().parent / Path(registry).expanduser())
