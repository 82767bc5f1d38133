"""Candidates that are here by their sketches alone and would take more bytes than an answer may fetch.

What is fetched first is what `turns` names first, and it ends with the first candidate that does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass

import duckdb

from ..sql import statement
from .turns import Turns


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The models that an answer does without; `beyond_chance` says that the sketch of one is near beyond chance."""

    models: frozenset[int] = frozenset()
    beyond_chance: bool = False


def left_out(
    connection: duckdb.DuckDBPyConnection,
    wanted: Set[int],
    within: int | None,
    named: Set[int],
    turns: Callable[[], Turns],
) -> LeftOut:
    """Those of `wanted` that are not here, nor among the likeliest whose rest takes `within` bytes, None for any.

    `named` come before all others: models that the query declares, or whose values equal its own. `turns` gives the
    others' order, asked where not all fit.
    """
    if within is None:
        return LeftOut()
    rows = connection.execute(statement("exchange/remote"), {"models": sorted(wanted)}).fetchall()
    sizes = {model: int(size) for model, _, _, size in rows}
    if sum(sizes.values()) <= within:
        return LeftOut()
    order = turns()
    models = list(dict.fromkeys([*sorted(named), *(model for model, _ in order.places)]))
    remote = [model for model in models if model in sizes]
    fitting, left = 0, within
    for model in remote:
        left -= sizes[model]
        if left < 0:
            break
        fitting += 1
    out = frozenset(remote[fitting:])
    near = {model for model, _ in order.places[: order.beyond_chance]} | named
    return LeftOut(out, bool(out & near))
