"""Whether two models give the same next token more often than models that have nothing to do with each other.

Two proportions of answered prompts, as in arXiv 2502.00706. Limitations: the normal approximation is rough where few
prompts agree, and prompts answered by all models are not independent between pairs; both are small beside the
difference between models, which only more controls show.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import log_ndtr, ndtri


def agreement_log_p(agreed: int, prompts: int, control_agreed: int, control_prompts: int) -> float:
    """Natural logarithm of p that a pair agrees no more often than the controls do; one-sided, not corrected.

    With p1 = agreed / prompts, p0 = control_agreed / control_prompts and the pooled rate
    p = (agreed + control_agreed) / (prompts + control_prompts):
    z = (p1 - p0) / sqrt(p (1 - p) (1 / prompts + 1 / control_prompts)), and the p-value is the upper tail of the
    standard normal at z. Where all prompts agree, or none, the result is 0: nothing can be told.
    Source: the two-proportion z-test, Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, 2003.
    Raises ValueError for counts that are no counts.
    """
    if not (0 <= agreed <= prompts and 0 <= control_agreed <= control_prompts and prompts and control_prompts):
        raise ValueError("counts of agreement lie between 0 and the number of prompts, which is not 0")
    pooled = (agreed + control_agreed) / (prompts + control_prompts)
    if pooled in {0.0, 1.0}:
        return 0.0
    deviation = math.sqrt(pooled * (1 - pooled) * (1 / prompts + 1 / control_prompts))
    return float(log_ndtr(-(agreed / prompts - control_agreed / control_prompts) / deviation))


def prompts_needed(control: float, pair: float, log_p: float, power: float) -> int | None:
    """Prompts by which a pair with the rate `pair` is told from controls with the rate `control`; None if never.

    n = ((z_a sqrt(2 m (1 - m)) + z_b sqrt(c (1 - c) + q (1 - q))) / (q - c))^2, with c and q the two rates, m their
    mean, z_a the normal quantile of the level exp(log_p) and z_b that of `power`.
    Source: Fleiss, Levin and Paik, 2003, section 4.2, without the correction for continuity.
    """
    if pair <= control:
        return None
    mean = (control + pair) / 2
    level = -float(ndtri(math.exp(log_p)))
    spread = np.sqrt(control * (1 - control) + pair * (1 - pair))
    root = level * math.sqrt(2 * mean * (1 - mean)) + float(ndtri(power)) * float(spread)
    return math.ceil((root / (pair - control)) ** 2)
