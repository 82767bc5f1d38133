"""Give a threshold another value for a while, wherever its name was imported.

Modules import thresholds by value, so each holds a name of its own. Two things would escape, and tests exclude both: a
threshold that is imported under another name, and one that is read when a module is imported or a function is defined
(a default), of modules that take part in the answers.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType

PACKAGES = ("forebear", "benchmarks")
"""Whose modules hold thresholds."""


@cache
def modules_of(package: str) -> list[ModuleType]:
    """All modules of a package, imported: one that is imported later would keep the other value."""
    found = pkgutil.walk_packages(importlib.import_module(package).__path__, package + ".")
    return [importlib.import_module(module.name) for module in found]


def threshold_modules() -> list[ModuleType]:
    """The modules in which thresholds stand."""
    return modules_of("forebear.queries.thresholds")


def values() -> dict[str, object]:
    """Name -> value of every threshold, as the modules have it."""
    return {name: value for module in threshold_modules() for name, value in vars(module).items() if name.isupper()}


def holders(name: str) -> list[ModuleType]:
    """The modules that hold the threshold of this name, its own one among them; KeyError where there is none."""
    modules_of("forebear.queries")
    value = values()[name]
    loaded = [module for path, module in sys.modules.items() if path.split(".")[0] in PACKAGES]
    return [module for module in loaded if name in vars(module) and vars(module)[name] is value]


@contextmanager
def replaced(name: str, value: object) -> Iterator[None]:
    """Inside, the threshold `name` has another value in all modules that hold it; what was made of it stays."""
    held = [(module, vars(module)[name]) for module in holders(name)]
    try:
        for module, _ in held:
            setattr(module, name, value)
        yield
    finally:
        for module, was in held:
            setattr(module, name, was)
