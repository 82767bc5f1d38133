"""The calibration figure: observed against expected p-values, as an SVG without any library."""

from __future__ import annotations

import math

import numpy as np

from .metrics import Scores

SIDE, EDGE = 360, 48
POINTS = 400


def calibration_svg(log10_p: Scores) -> str:
    """A quantile plot in -log10 p: on the diagonal p-values mean what they say, below it they are cautious."""
    observed = np.sort(-log10_p)[::-1]
    expected = -np.log10((np.arange(len(observed)) + 0.5) / len(observed))
    chosen = np.unique(np.geomspace(1, len(observed), POINTS).astype(int) - 1)
    top = max(1, math.ceil(max(expected[0], observed[0])))

    def at(value: float) -> float:
        return SIDE * min(max(value, 0.0), top) / top

    dots = "".join(
        f'<circle cx="{EDGE + at(x):.1f}" cy="{EDGE + SIDE - at(y):.1f}" r="2"/>'
        for x, y in zip(expected[chosen], observed[chosen], strict=True)
    )
    ticks = "".join(
        f'<text x="{EDGE + at(i):.1f}" y="{EDGE + SIDE + 16}" text-anchor="middle">{i}</text>'
        f'<text x="{EDGE - 8}" y="{EDGE + SIDE - at(i) + 4:.1f}" text-anchor="end">{i}</text>'
        f'<path d="M{EDGE + at(i):.1f} {EDGE}V{EDGE + SIDE}M{EDGE} {EDGE + SIDE - at(i):.1f}h{SIDE}" stroke="#ddd"/>'
        for i in range(top + 1)
    )
    whole = SIDE + 2 * EDGE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {whole}" width="{whole}" height="{whole}"'
        f' font-family="sans-serif" font-size="12"><rect width="{whole}" height="{whole}" fill="white"/>{ticks}'
        f'<path d="M{EDGE} {EDGE + SIDE}L{EDGE + SIDE} {EDGE}" stroke="#888" stroke-dasharray="4"/>'
        f'<g fill="#2458a6">{dots}</g>'
        f'<text x="{whole / 2}" y="{whole - 10}" text-anchor="middle">expected -log10 p</text>'
        f'<text x="14" y="{whole / 2}" text-anchor="middle" transform="rotate(-90 14 {whole / 2})">'
        "observed -log10 p</text>"
        f'<text x="{whole / 2}" y="28" text-anchor="middle">{len(observed):,} ordered pairs of unrelated models</text>'
        "</svg>\n"
    )
