"""Whether two models give the same next token more often than models that have nothing to do with each other.

Two proportions of answered prompts, as in arXiv 2502.00706, say how sure a difference from one control is. How much
unrelated models differ among themselves only several controls say: the agreement of every two of them is fitted by what
each model brings to all its pairs, and what is left over is the spread of a pair that is unrelated.

Limitations: the normal approximation is rough where few prompts agree; prompts answered by all models are not
independent between pairs; controls that are related to each other make the spread larger, and the test weaker.
"""

from __future__ import annotations

import math
import sys

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri, stdtr


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


def beyond_spread_log_p(agreed: NDArray[np.int64], prompts: int) -> tuple[float, float]:
    """Of models of which the first two are asked about and the others are controls: natural log p, expected rate.

    `agreed` [models, models] counts the prompts, of `prompts`, on which two models give the same token. With y_ij the
    logit of (agreed_ij + 1/2) / (prompts + 1), y_ij = h_i + h_j + e_ij is fitted by least squares to every pair but the
    one that is asked about. p is the upper tail of Student's t for its y_12 as one more draw, with as many degrees of
    freedom as there are pairs beyond models; the variance of e is at least that of the draw of prompts. The rate is the
    agreement that is expected of the first two if they are unrelated.
    Source of the model: general combining ability, Griffing, Aust. J. Biol. Sci. 9, 1956, method 4; of the interval:
    prediction by a linear model, Draper and Smith, Applied Regression Analysis, 1998, section 3.2.
    Raises ValueError for fewer than two controls, or counts that are no counts.
    """
    models = len(agreed)
    if models < 4 or agreed.shape != (models, models) or prompts < 1 or agreed.min() < 0 or agreed.max() > prompts:
        raise ValueError("agreement of the pair and of two controls at least: counts from 0 to the number of prompts")
    rates = (agreed + 0.5) / (prompts + 1)
    logits = np.log(rates / (1 - rates))
    first, second = (side[1:] for side in np.triu_indices(models, 1))
    design = np.zeros((len(first), models))
    design[np.arange(len(first)), first] = design[np.arange(len(first)), second] = 1
    observed = logits[first, second]
    inverse = np.linalg.inv(design.T @ design)
    effects = inverse @ design.T @ observed
    freedom = len(first) - models
    of_prompts = float(np.mean(1 / (prompts * rates[first, second] * (1 - rates[first, second]))))
    variance = max(float(np.square(observed - design @ effects).sum()) / freedom, of_prompts)
    asked = np.zeros(models)
    asked[:2] = 1
    expected = float(asked @ effects)
    deviation = math.sqrt(variance * (1 + float(asked @ inverse @ asked)))
    log_p = math.log(max(float(stdtr(freedom, (expected - float(logits[0, 1])) / deviation)), sys.float_info.min))
    return log_p, 1 / (1 + math.exp(-expected))


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
