"""Makes docs/reference.md: the Python interface, from its signatures and docstrings."""

from __future__ import annotations

import inspect
from pathlib import Path

import forebear
import forebear.registry

PAGE = Path(__file__).with_name("reference.md")
_HEAD = """# Reference of the Python interface

Everything that `forebear` and `forebear.registry` give to programs, from their docstrings. [Python](python.md) shows it
at work.
Made by `python -m docs.make_reference`.
"""


def reference_page() -> str:
    """The page: what `forebear` gives first, then the rest of `forebear.registry`."""
    shown: dict[str, object] = {}
    for module in (forebear, forebear.registry):
        for name in module.__all__:
            if not name.startswith("_") and name not in shown:
                shown[name] = getattr(module, name)
    return "\n".join([_HEAD, *(_entry(name, value) for name, value in shown.items())])


def _entry(name: str, value: object) -> str:
    """One class with its public methods, or one function; other values by their name alone."""
    home = "forebear" if name in forebear.__all__ else "forebear.registry"
    lines = [f"## {name}", "", f"`from {home} import {name}`", ""]
    if not inspect.isclass(value) and not inspect.isroutine(value):
        return "\n".join([*lines, f"A name for `{_text(value)}`.", ""])
    if not (inspect.isclass(value) and issubclass(value, BaseException)):
        lines += _signature(name, value)
    lines += [_doc(value), ""]
    if inspect.isclass(value):
        for member, held in sorted(vars(value).items()):
            if member.startswith("_") or not (inspect.isroutine(held) or isinstance(held, property)):
                continue
            function = held.fget if isinstance(held, property) else held
            if inspect.getdoc(function):
                lines += [f"### {name}.{member}", ""]
                lines += (
                    [] if isinstance(held, property) else _signature(member, inspect.unwrap(getattr(value, member)))
                )
                lines += [_doc(function), ""]
    return "\n".join(lines)


def _signature(name: str, value: object) -> list[str]:
    """The call with its defaults, a parameter a line where it is long; nothing for what cannot be called."""
    if not callable(value):
        return []
    try:
        signature = inspect.signature(value)
    except ValueError:
        return []
    held = [one for one in signature.parameters.values() if one.name != "self"]
    parameters = [str(one).replace("'", "") for one in held]
    named = [number for number, one in enumerate(held) if one.kind is one.KEYWORD_ONLY]
    if named and not any(one.kind is one.VAR_POSITIONAL for one in held):
        parameters.insert(named[0], "*")
    shown = f"{name}({', '.join(parameters)})"
    if len(shown) > 90:
        shown = f"{name}(\n    " + ",\n    ".join(parameters) + ",\n)"
    return ["```text", shown, "```", ""]


def _doc(value: object) -> str:
    """The docstring, its examples as a block of text."""
    lines: list[str] = []
    inside = False
    for line in (inspect.getdoc(value) or "").splitlines():
        example = line.startswith(">>>") or (inside and line.strip() != "")
        if example != inside:
            lines.append("```text" if example else "```")
            inside = example
        lines.append(line)
    return "\n".join([*lines, "```"] if inside else lines)


def _text(value: object) -> str:
    return str(value).replace("`", "")


if __name__ == "__main__":
    PAGE.write_text(reference_page(), encoding="utf-8")
