"""docs/thresholds.md: every constant that decides something, from the modules that hold them: `make docs`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.thresholds.table import read

from . import operating_curves

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "thresholds.md"
ROOMS = ("queries/thresholds", "ingest/fingerprint")
"""Where such constants stand: all of `queries/`; of `ingest/` the sizes of a fingerprint, in their own modules."""
VARIED = "queries/thresholds/"
"""Whose constants have operating curves; sizes of a fingerprint have none, as all models would be ingested anew."""
_SET_ON, _MEASURED = "Set on:", "Measured again by:"
_HEAD = """# Thresholds

Every constant that decides something: its value, its meaning, the data that it was set on, and what measures it again
(a target of the Makefile, or tests). Made by `make docs` from [queries/thresholds](../queries/thresholds) and
[ingest/fingerprint](../ingest/fingerprint), not edited by hand. What they are used for: [the method](method.md).

`no data` means that the value follows from arithmetic, or was chosen before anything was measured. `not recorded` means
that nobody wrote down which models it was chosen on; the command then shows whether it still holds. The weights of the
two regressions of direction are fitted, not chosen: `make bench-grown WRITE=--write` writes them to
[weights.py](../queries/lineage/calibration/weights.py).

## Operating curves

What becomes of the answers where one threshold has another value and all others stay: [thresholds.csv](thresholds.csv),
by `make thresholds`. Asked are fixed questions about models on which no threshold was set: the held-out halves of the
field models and of the grown families, every member of small random registries of relatives and unrelated models,
without and with release dates; and every merge, copy, part and rewrite among them and in edition 8 of the benchmark
zoo, beside its ancestors. Numbers are multiplied by 0.5, 0.8, 1.25 and 2; shares, probabilities and correlations above
0.5 keep off 1 by as much more or less; whole numbers are rounded. An answer counts as changed where the verdict or a
rank, relation, direction, probability or merge partner does; models that are wrongly called a merge are not counted
apart. A value that does better here is no reason to take it: then these models would be what it was set on. A threshold
that was changed has to be measured again, or be named in STALE of
[elsewhere.py](../benchmarks/thresholds/elsewhere.py) with a reason; a test holds the table to the modules.

"""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A constant as its module says it; `value` is the source text of what is assigned."""

    name: str
    value: str
    meaning: str
    data: str
    command: str


def thresholds() -> dict[str, list[Threshold]]:
    """Path of a module -> its constants, in the order of the module; docstrings say the rest."""
    paths = (path for room in ROOMS for path in sorted((ROOT / room).glob("*.py")))
    return {path.relative_to(ROOT).as_posix(): held for path in paths if (held := list(_of(path)))}


def headings() -> dict[str, str]:
    """Path of a module that holds constants -> the first line of its docstring."""
    return {
        name: (ast.get_docstring(ast.parse((ROOT / name).read_text("utf-8"))) or "\n").splitlines()[0]
        for name in thresholds()
    }


def assigned(path: Path) -> Iterator[tuple[str, ast.expr, str]]:
    """Every constant at the top of a module: name, what is assigned, and its docstring or an empty text."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for number, node in enumerate(body):
        target = (
            node.targets[0]
            if isinstance(node, ast.Assign)
            else node.target
            if isinstance(node, ast.AnnAssign)
            else None
        )
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        after = body[number + 1] if number + 1 < len(body) else None
        says = after.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else None
        for name in names:
            if value is not None and isinstance(name, ast.Name) and name.id.lstrip("_").isupper():
                yield name.id, value, str(says.value) if says else ""


def _of(path: Path) -> Iterator[Threshold]:
    for name, value, said in assigned(path):
        meaning, has_data, rest = said.partition(_SET_ON)
        data, has_command, command = rest.partition(_MEASURED)
        if has_data and has_command:
            yield Threshold(name, ast.unparse(value), *(" ".join(text.split()) for text in (meaning, data, command)))


def page() -> str:
    """The page in Markdown: a section for each module, a heading for each constant."""
    named, (totals, curves) = headings(), read()
    head = f"{_HEAD}{operating_curves.summary(totals, curves)}\n"
    return head + "\n".join(
        f"## {named[path].rstrip('.')}\n\n[{path}](../{path})\n\n"
        + "\n".join(
            _entry(one, operating_curves.curve(one.name, totals, curves) if path.startswith(VARIED) else None)
            for one in held
        )
        for path, held in thresholds().items()
    )


def _entry(one: Threshold, curve: str | None) -> str:
    return (
        f"### {one.name}\n\n`{one.value}`\n\n{one.meaning}\n\n"
        f"- Set on: {_sentence(one.data)}\n- Measured again by: {_command(one.command)}\n"
    ) + (f"- Operating curve: {curve}\n" if curve else "")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."


def _command(text: str) -> str:
    return f"`{text}`" if text.startswith(("make ", "pytest ")) else _sentence(text)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
