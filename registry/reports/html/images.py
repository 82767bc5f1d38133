"""Figures as images inside the page: data URIs, the same bytes for the same figure."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure
from PIL import Image as Pixels

_DPI = 150
_STYLE: dict[Any, object] = {
    "axes.grid": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.unicode_minus": False,
    "figure.facecolor": "white",
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same on every machine
    "font.size": 8,
    "legend.frameon": False,
    "legend.fontsize": 7,
    "svg.fonttype": "path",
    "svg.hashsalt": "forebear",
    "text.parse_math": False,
}


@dataclass(frozen=True, slots=True)
class Image:
    """One drawn panel: its data URI, and the text for those who cannot see it."""

    uri: Markup
    alt: str


@contextmanager
def style() -> Iterator[None]:
    """Within it figures are drawn the same whatever the user's own settings say; those are as before afterwards."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def svg(figure: Figure, alt: str) -> Image:
    """A figure of lines and points."""
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return _image(stream, "svg+xml", alt)


def png(figure: Figure, alt: str) -> Image:
    """A figure of many cells, in 256 colours: a third of the bytes, and no eye tells the difference."""
    drawn, stream = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=_DPI)
    with Pixels.open(drawn) as pixels:
        pixels.convert("RGB").quantize(256).save(stream, "PNG", optimize=True)
    return _image(stream, "png", alt)


def _image(stream: io.BytesIO, media: str, alt: str) -> Image:
    encoded = base64.b64encode(stream.getvalue()).decode("ascii")
    return Image(Markup(f"data:image/{media};base64,{encoded}"), alt)  # base64 has nothing to escape


def label(text: str) -> str:
    """Text for a figure: what the font of figures cannot draw is a question mark."""
    return "".join(c if " " <= c <= "~" else "?" for c in text[:40])
