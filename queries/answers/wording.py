"""Figures as people read them, in sentences and in tables alike."""

from __future__ import annotations

import math

from ..lineage.claims import FROM_SCRATCH
from ..lineage.direction import Direction


def evalue(log10: float) -> str:
    """10 ** `log10` with at most two significant digits: `<1e-300`, `3e-05`, `0.2`, `16`; no underflow.

    Nobody tells 1e-312 from 1e-8163: both say that no chance is left.
    """
    if math.isnan(log10):
        return "?"
    if log10 < -300:
        return "<1e-300"
    exponent = math.floor(log10)
    if -300 < log10 < 15:
        value = float(f"{10.0**log10:.1e}")
        return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
    mantissa = f"{10.0 ** (log10 - exponent):.2g}"
    return f"1e{exponent + 1}" if mantissa == "10" else f"{mantissa}e{exponent}"


def share(value: float) -> str:
    """A share as percent: `97 %`; `<1 %` and `>99 %` where rounding would claim none or all."""
    if 0 < value < 0.005:
        return "<1 %"
    if 0.995 <= value < 1 - 1e-9:
        return ">99 %"
    return f"{100 * value:.0f} %"


def would_tell(direction: Direction, *, dated: bool, root: str) -> str:
    """What would tell a direction that is not told: what is not known yet; `root` is a claim, '' for none that would.

    Geometry alone tells none, however many relatives there are. Dates rule out one of two orders, where neither is
    ruled out; `dated`: those of both are known, or which of the two came later.
    """
    missing = []
    if not dated and direction.probability > 0 and direction.descendant > 0:
        missing.append("release dates of both would rule out one order")
    if root and not any(FROM_SCRATCH in part for part in direction.by):
        missing.append(f"{root} would tell")
    return "".join(f"; {part}" for part in missing)
