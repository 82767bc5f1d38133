"""How results are printed: one file a format, and the table of them all.

A new format is a file here and a line in OUTPUTS; every command has it then, by `--format` and by the ending of `-o`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from . import (
    csv_rows,
    cyclonedx,
    html_page,
    json_document,
    json_lines,
    junit,
    markdown,
    parquet,
    patch,
    sarif,
    spdx,
    table,
    yaml_config,
)
from .drawings import drawn
from .result import Result, Row


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """A way to print a result: `text` gives its lines for a stream, or `data` its bytes; one of the two.

    `row` gives the lines of one row, with a head where it is the first: a format that has it is printed as rows come.
    `endings` are those of files that are written so.
    """

    name: str
    endings: tuple[str, ...]
    text: Callable[[Result, IO[str]], Iterable[str]] | None = None
    data: Callable[[Result], bytes] | None = None
    row: Callable[[Row, bool], Iterable[str]] | None = None


OUTPUTS: dict[str, OutputFormat] = {
    output.name: output
    for output in (
        OutputFormat("table", (".txt",), text=table.lines),
        OutputFormat("json", (".json",), text=json_document.lines),
        OutputFormat("jsonl", (".jsonl", ".ndjson"), text=json_lines.lines, row=json_lines.row_lines),
        OutputFormat("csv", (".csv",), text=csv_rows.lines, row=csv_rows.row_lines),
        OutputFormat("parquet", (".parquet",), data=parquet.data),
        OutputFormat("html", (".html", ".htm"), text=html_page.lines),
        OutputFormat("md", (".md",), text=markdown.lines),
    )
}
"""Name -> format, in the order of the help. The first is for people, and what is printed where nothing is asked for."""
SAFE_CSV = OutputFormat("csv", (".csv",), text=csv_rows.safe_lines, row=csv_rows.safe_row_lines)
"""What `csv` becomes with `--safe-csv`."""


DRAWINGS: dict[str, OutputFormat] = {
    output.name: output
    for output in (
        OutputFormat("dot", (".dot", ".gv"), text=drawn("dot")),
        OutputFormat("mermaid", (".mmd", ".mermaid"), text=drawn("mermaid")),
        OutputFormat("newick", (".nwk", ".newick"), text=drawn("newick")),
    )
}
"""Further formats of commands whose result is a graph."""
FINDINGS: dict[str, OutputFormat] = {
    output.name: output
    for output in (
        OutputFormat("sarif", (".sarif", ".sarif.json"), text=sarif.lines),
        OutputFormat("junit", (".junit.xml", ".xml"), text=junit.lines),
    )
}
"""Further formats of commands whose result is findings, for code scanning and for test reports of CI."""
BILLS: dict[str, OutputFormat] = {
    output.name: output
    for output in (
        OutputFormat("cyclonedx", (".cdx.json", ".json"), text=cyclonedx.lines),
        OutputFormat("spdx", (".spdx.json", ".spdx3.json", ".jsonld"), text=spdx.lines),
    )
}
"""The formats of a bill of materials, which has no others: a table of one would leave out what it is for."""
PATCHES: dict[str, OutputFormat] = {
    "patch": OutputFormat("patch", (".patch", ".diff"), text=patch.lines),
    "json": OUTPUTS["json"],
}
"""The formats of a proposed change."""
CONFIGS: dict[str, OutputFormat] = {"yaml": OutputFormat("yaml", (".yaml", ".yml"), text=yaml_config.lines)}
"""Further formats of commands whose result is what another tool runs."""


def format_of(path: Path | None, formats: Mapping[str, OutputFormat] = OUTPUTS) -> OutputFormat:
    """The format of `formats` that a file's ending names, the longest ending first.

    It is the first of them where there is no file, or its ending says nothing.
    """
    name = path.name.lower() if path else ""
    endings = sorted(((ending, output) for output in formats.values() for ending in output.endings), key=_longest)
    return next((output for ending, output in endings if name.endswith(ending)), next(iter(formats.values())))


def elsewhere(path: Path, formats: Mapping[str, OutputFormat]) -> OutputFormat | None:
    """The format that a file's ending names where other commands alone have it, None for any other ending."""
    every = {**OUTPUTS, **DRAWINGS, **FINDINGS, **BILLS, **PATCHES, **CONFIGS}
    mine = {ending for output in formats.values() for ending in output.endings}
    endings = [(e, output) for output in every.values() for e in output.endings if path.name.lower().endswith(e)]
    ending, output = min(endings, key=_longest, default=("", None))
    return None if ending in mine else output


def _longest(found: tuple[str, OutputFormat]) -> int:
    return -len(found[0])
