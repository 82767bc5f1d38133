"""What a case's document is made of: sections of sentences, tables and figures, ready to be printed anywhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from matplotlib.figure import Figure

from ..html.images import Image, png, svg


@dataclass(frozen=True, slots=True)
class Sentence:
    """A paragraph."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: the first column names its rows; columns in `words` hold words, the others figures.

    `name` is that of its CSV file. A `folded` one is opened by whoever wants it. `marked` are rows that stand out.
    """

    name: str
    caption: str
    titles: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: Collection[int] = ()
    folded: bool = False
    marked: Collection[int] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """A figure that is drawn when the page is: tables alone need none. `alt` is the text for those who cannot see it.

    `vector` figures are of lines and points, the others of many cells.
    """

    draw: Callable[[], Figure]
    alt: str
    vector: bool

    @property
    def image(self) -> Image:
        """The drawn figure, inside `style`."""
        return svg(self.draw(), self.alt) if self.vector else png(self.draw(), self.alt)


@dataclass(frozen=True, slots=True)
class Drawing:
    """Panels that belong together, with what they show and what they would look like for unrelated models."""

    title: str
    shows: str
    null: str
    images: Sequence[Panel]
    reason: str = ""
    wide: bool = False


Block = Sentence | Grid | Drawing


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with blocks below it; `name` is its anchor."""

    name: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Banner:
    """What stands at the top in large letters: `tone` is a class of the style sheet."""

    tone: str
    title: str
    sentences: Sequence[str] = field(default=())
