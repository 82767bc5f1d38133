"""The one exception tree. A message says what is wrong, where, and what to do about it."""

from __future__ import annotations


class ForebearError(Exception):
    """Anything forebear refuses or cannot do; never raised itself."""


class SourceError(ForebearError):
    """A source cannot be opened or read: no such folder, nothing to read in it, a file that changes or ends early."""


class FormatError(ForebearError):
    """A file is not what its format says: bounds, shapes, types or syntax. Raised before anything is allocated."""


class RegistryError(ForebearError):
    """The registry cannot be used: held by another process, of an unknown version, an ambiguous or unknown name."""


class RegistryInUse(RegistryError):
    """Another process holds the registry: it may be free a moment later."""
