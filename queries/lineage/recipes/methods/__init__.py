"""The table of merge methods: a new one is a file and a line here."""

from __future__ import annotations

from ..proposal import Method
from .arcee_fusion import ARCEE_FUSION
from .breadcrumbs import BREADCRUMBS, BREADCRUMBS_TIES
from .chance.masked import DARE_LINEAR, DARE_TIES, DELLA
from .karcher import KARCHER
from .karcher_rounded import KARCHER_ROUNDED
from .linear import LINEAR
from .model_stock import MODEL_STOCK
from .nearswap import NEARSWAP
from .sce import SCE
from .slerp import SLERP
from .task_arithmetic import TASK_ARITHMETIC
from .ties import TIES

METHODS: tuple[Method, ...] = (
    *(LINEAR, SLERP, KARCHER, TASK_ARITHMETIC, NEARSWAP, MODEL_STOCK, TIES),
    *(KARCHER_ROUNDED, BREADCRUMBS_TIES, BREADCRUMBS, SCE),
    *(ARCEE_FUSION, DELLA, DARE_TIES, DARE_LINEAR),
)
"""In the order in which methods that reproduce the same are told: the simplest first. Frankenmerges, which copy whole
layers and have no arithmetic, are found apart (`structure`)."""
