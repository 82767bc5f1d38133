"""A recipe to be tried: method, parents, base, coefficients, and the type that it computes in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from ...data.precision import rounded_to
from .mixtures.pursuit import Mixture
from .places import Floats, MergePlaces, Vector


@dataclass(frozen=True)
class Arithmetic:
    """The float type that a merge computes in, by its bits behind the point.

    `stepwise` rounds after every product and sum, as merging tools did that kept tensors in their type; otherwise sums
    are kept in float32 and rounded once.
    """

    bits: int
    stepwise: bool = True

    def rounded(self, values: Floats) -> Floats:
        """Values as the type keeps them."""
        return rounded_to(values, self.bits)


@dataclass(frozen=True)
class Proposal:
    """Coefficients to replay: `weights` [n, cells] of n parents, one column where they are the same everywhere.

    `members` and `base` number the relatives. `setting` [rows, tensors] is what a method needs beside weights: the
    angle of SLERP, the densities of TIES; None for the others. `stated` are values for all tensors that follow from
    the setting and that a configuration states, one a parent.
    """

    members: tuple[int, ...]
    base: int | None
    weights: Vector
    arithmetic: Arithmetic
    setting: Vector | None = None
    stated: tuple[float, ...] = ()

    @property
    def densities(self) -> Vector:
        """The rows [n, tensors] of the setting that belong to the parents. Raises ValueError where there are none."""
        if self.setting is None:
            raise ValueError("the recipe has no densities")
        return self.setting[: len(self.members)]

    @property
    def shown(self) -> Vector:
        """The weights [n, cells] as they are told: without a base they are divided by their sum, as merges divide."""
        return self.weights if self.base is not None else np.asarray(self.weights / self.weights.sum(axis=0))

    def weights_at(self, places: MergePlaces) -> Floats:
        """Weights [n, m], or [n, 1] where they are the same everywhere."""
        spread = self.weights if self.weights.shape[1] == 1 else self.weights.take(places.cells, axis=1)
        return spread.astype(np.float32)

    def parents_at(self, places: MergePlaces) -> Floats:
        """The parents' values [n, m], cast as a merge casts what it loads."""
        key = ("parents", self.members, self.arithmetic.bits)
        return places.once(key, lambda: self.arithmetic.rounded(places.relatives[list(self.members)]))

    def changes_at(self, places: MergePlaces) -> Floats:
        """What the parents changed of the base [n, m], rounded once. Raises ValueError for a recipe without a base."""
        key = ("changes", self.members, self.base, self.arithmetic.bits)
        return places.once(key, lambda: self.arithmetic.rounded(self.parents_at(places) - self.base_at(places)))

    def base_at(self, places: MergePlaces) -> Floats:
        """The base's values [m], cast likewise. Raises ValueError for a recipe without a base."""
        if self.base is None:
            raise ValueError("the recipe has no base")
        base = self.base
        key = ("base", base, self.arithmetic.bits)
        return places.once(key, lambda: self.arithmetic.rounded(places.relatives[base]))


PLAIN, TRIMMED, SELECTED, MASKED = range(4)
"""Stages of methods: sums of weights; by ranks within tensors; by more of those; by a choice at every place."""


@dataclass(frozen=True)
class Method:
    """A merge method: how to estimate it from a mixture, and how to replay it.

    `moves` are the directions [k, n] that weights of n parents may be refined along. `settings` gives what is tried for
    a row of `Proposal.setting` when it is tuned for each tensor, in rounds from coarse (0) to fine (2).
    `restarts` gives weights to start again from, where only some of the same ratio are right.
    `gradable` methods are tried with weights of every layer too, which least squares must be able to estimate.
    `on_arc`: shares of two tensors sum to more than 1. `same_as` are other methods of the same formula. Methods that
    are not `weighted` have weights that follow from the tensors: they are neither searched nor written. `stage` says
    when it is tried: those of a later one only where no earlier one does. `parameters` of each parent and `shared` ones
    are what a configuration states beside weights; `note` is what people must know of the answer. `starts` gives
    further mixtures of relatives, and of a base that is given: where parents leave less than least squares sees.
    `within` gives coefficients of cells or tensors anew, such that sums come within half a step of every value.
    """

    name: str
    estimate: Callable[[MergePlaces, Mixture, Sequence[Arithmetic]], list[Proposal]]
    replay: Callable[[MergePlaces, Proposal], Floats]
    moves: Callable[[int], Vector]
    settings: Callable[[Vector, int, int], Sequence[Vector]] | None = None
    restarts: Callable[[Vector], Sequence[Vector]] | None = None
    gradable: bool = True
    on_arc: bool = False
    same_as: tuple[str, ...] = ()
    weighted: bool = True
    stage: int = PLAIN
    parameters: Callable[[Proposal], Sequence[Mapping[str, float]]] | None = None
    shared: Callable[[Proposal], Mapping[str, float]] | None = None
    note: str | None = None
    starts: Callable[[MergePlaces, Sequence[int], int | None], Sequence[Mixture]] | None = None
    within: Callable[[MergePlaces, Proposal], Proposal] | None = None


def transfers(parents: int) -> Vector:
    """From one parent to another: the sum stays 1."""
    unit = np.eye(parents)
    return np.array([unit[i] - unit[j] for i in range(parents) for j in range(parents) if i != j])


def each_way(parents: int) -> Vector:
    """Every parent up and down alone: the sum is free."""
    unit = np.eye(parents)
    return np.vstack([unit, -unit])


def either_way(
    mixture: Mixture, types: Sequence[Arithmetic], fitted: Callable[[int, int, Arithmetic], Proposal | None]
) -> list[Proposal]:
    """What is `fitted` (base, other, arithmetic) of two models, either as the base; nothing for other mixtures."""
    if mixture.base is not None or len(mixture.members) != 2:
        return []
    ways = product(permutations(mixture.members), types)
    return [found for (base, other), each in ways if (found := fitted(base, other, each)) is not None]


def arithmetics(bits: int) -> tuple[Arithmetic, ...]:
    """What a model of that precision may have been computed in: float32, or its own type, in steps.

    Of float32 the first rounds a product and its sum once, as processors do it, and the other one both.
    """
    return Arithmetic(23, stepwise=False), Arithmetic(bits)


def shares(weights: Sequence[float] | NDArray[np.float64]) -> Vector:
    """Weights [n] as one column [n, 1] that sums to 1."""
    column = np.asarray(weights, np.float64)
    return np.asarray((column / column.sum())[:, None])
