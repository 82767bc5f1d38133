"""Where a command's result goes, and in which format; what is for people goes to stderr."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import typer

from ...ingest.text import printable
from .outputs import OUTPUTS, SAFE_CSV, OutputFormat, elsewhere, format_of
from .outputs.result import Result, Row

_LONGEST = 1 << 62


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command's result goes, in which format, and whether people want to hear more than errors."""

    form: OutputFormat
    path: Path | None = None
    quiet: bool = False

    @classmethod
    def chosen(
        cls,
        form: OutputFormat | None,
        path: Path | None,
        quiet: bool,
        formats: Mapping[str, OutputFormat] = OUTPUTS,
        *,
        safe_csv: bool = False,
    ) -> Output:
        """As the options say; without `--format` the file's ending decides, among `formats`.

        Raises BadParameter for bytes on stdout, for an ending of a format that other commands alone have, and for
        `safe_csv` where the format is another.
        """
        place = None if path is None or str(path) == "-" else path
        if form is None and place is not None and (other := elsewhere(place, formats)) is not None:
            raise typer.BadParameter(
                f"{place.name} would be {other.name}, which this command does not write: {', '.join(formats)}"
            )
        taken = form or format_of(place, formats)
        if taken.data is not None and place is None:
            raise typer.BadParameter(f"{taken.name} is not text: name a file with -o")
        if safe_csv and taken.name != "csv":
            raise typer.BadParameter(f"--safe-csv is for csv, and {taken.name} was asked for")
        return cls(SAFE_CSV if safe_csv else taken, place, quiet)

    def say(self, *lines: str) -> None:
        """Lines for people, on stderr."""
        if not self.quiet:
            for line in lines:
                print(printable(line, _LONGEST), file=sys.stderr)

    def write(self, result: Result) -> None:
        """Print a result to its place. Raises OSError when the file cannot be written."""
        with self.opened() as stream:
            self.print(result, stream)

    def print(self, result: Result, stream: IO[str]) -> None:
        """Print a result to the stream that `opened` gave."""
        if self.form.text is not None:
            stream.writelines(self.form.text(result, stream))
        elif self.form.data is not None and self.path is not None:
            self.path.write_bytes(self.form.data(result))

    def print_row(self, row: Row, stream: IO[str], *, first: bool) -> None:
        """Print a row as it comes, in a format that can: see `streams`."""
        if self.form.row is not None:
            stream.writelines(self.form.row(row, first))
            stream.flush()

    @property
    def streams(self) -> bool:
        """Whether rows can be printed as they come."""
        return self.form.row is not None

    @contextmanager
    def opened(self) -> Iterator[IO[str]]:
        """Stdout or the file."""
        if self.path is None:
            yield sys.stdout
            return
        if self.form.text is None:
            self.path.touch()  # what cannot be written is told before the work
            yield io.StringIO()
            return
        with self.path.open("w", encoding="utf-8", newline="") as stream:
            yield stream
