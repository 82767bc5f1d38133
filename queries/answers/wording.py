"""Figures as people read them, in sentences and in tables alike."""

from __future__ import annotations

import math


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
