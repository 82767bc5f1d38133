"""What a format is: the record that the table FORMATS holds one of for each ending."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..sources.source import Source
from ..storage.reader import Reader
from .contents import Contents


@dataclass(frozen=True, slots=True)
class Format:
    """How files of one ending are read; the case of endings does not matter.

    `index` is the ending of the file that lists shards. Of several files those called `stem` or `stem-...` are the
    model; `ignored` matches the names of what is none. `alone`: every file, or set of `-00001-of-00002` parts, is a
    model of its own, and the one called `main` goes before the others. `finish` sees all tensors of a model, and the
    files that they came from; `check` the tensors and the source, where they may lie in further files. `begins` is how
    files begin whose names do not tell: beside a graph of ONNX a `.bin` may be the graph's own data. `refused` gives
    the reason why what was read is no model's weights, None where it is.
    """

    name: str
    ending: str
    index: str | None
    read: Callable[[Reader, str], Contents]
    stem: str = "model"
    ignored: str = r"(?!)"
    alone: bool = False
    finish: Callable[[Contents, Sequence[str]], Contents] | None = None
    check: Callable[[Contents, Source], None] | None = None
    main: str | None = None
    begins: tuple[bytes, ...] = ()
    refused: Callable[[Contents], str | None] | None = None

    def holds(self, path: str) -> bool:
        """Whether a file has the ending of this format."""
        return path.lower().endswith(self.ending)
