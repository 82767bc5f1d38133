"""Figures as images inside the page: data URIs, the same bytes for the same figure."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

_DPI = 150
_STYLE = {
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
    """One drawn panel: its data URI, the text for those who cannot see it, and its width in CSS pixels."""

    uri: Markup
    alt: str
    width: int


@contextmanager
def style() -> Iterator[None]:
    """Within it figures are drawn the same whatever the user's own settings say; those are as before afterwards."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def svg(figure: Figure, alt: str) -> Image:
    """A figure of lines and points."""
    return _image(figure, alt, "svg", {"Date": None, "Creator": None})


def png(figure: Figure, alt: str) -> Image:
    """A figure of many cells."""
    return _image(figure, alt, "png", {"Software": None})


def _image(figure: Figure, alt: str, form: str, metadata: dict[str, None]) -> Image:
    stream = io.BytesIO()
    figure.savefig(stream, format=form, dpi=_DPI, metadata=metadata)
    media = "svg+xml" if form == "svg" else form
    encoded = base64.b64encode(stream.getvalue()).decode("ascii")
    return Image(Markup(f"data:image/{media};base64,{encoded}"), alt, round(figure.get_figwidth() * 96))


def label(text: str) -> str:
    """Text for a figure: what the font of figures cannot draw is a question mark."""
    return "".join(c if " " <= c <= "~" else "?" for c in text[:40])
