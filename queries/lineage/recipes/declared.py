"""Is a declared recipe true? What a model says it was merged from, held against what replay recovered.

*Limitations.* A parent is what the registry knows by the declared name: where two uploads have one name, either will
do. Densities and filters are not compared. What no replay reproduces contradicts nothing: the model may have been
trained on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ....ingest.metadata.merge_config import SEVERAL_STAGES, DeclaredRecipe, DeclaredWeight
from ...thresholds.recipes import DECLARED_WEIGHT_OFF, LEAST_WEIGHT
from .methods import METHODS
from .records import ParentWeight, Recipe

Status = Literal["recipe_confirmed", "recipe_contradicted", "recipe_not_checkable"]
CONFIRMED: Status = "recipe_confirmed"
CONTRADICTED: Status = "recipe_contradicted"
NOT_CHECKABLE: Status = "recipe_not_checkable"
REPLAYED = frozenset({"passthrough"}.union(*({method.name, *method.same_as} for method in METHODS))) - {"multislerp"}
"""Methods of which a replay can say that they were not used; multislerp is replayed of equal weights alone."""
_SHARES = frozenset({"linear", "slerp", "nuslerp", "passthrough", "ties", "della"})
"""Methods that divide by the sum of the weights unless told otherwise, so that only their ratio counts."""
_ONE_FORMULA = frozenset({"linear", "task_arithmetic"})
"""A base plus weighted changes is a weighted mean with the rest of 1 for the base."""


@dataclass(frozen=True, slots=True)
class Check:
    """What became of a declared recipe: of the whole, or where `declared` names one, of that parent."""

    component: str
    origin: str
    status: Status
    declared: str | None
    reason: str


Known = Mapping[str, frozenset[tuple[str, str]]]
"""A name as declared -> (name, source) of the registered models that it may mean."""


def checks(declared: Sequence[DeclaredRecipe], recipes: Sequence[Recipe], known: Known) -> list[Check]:
    """Each declared recipe against the recipe of every component; one row says that nothing could be checked."""
    return [check for one in declared for check in _checked(one, recipes, known)]


def _checked(declared: DeclaredRecipe, recipes: Sequence[Recipe], known: Known) -> list[Check]:
    if reason := _unreadable(declared):
        return [Check("", declared.origin, NOT_CHECKABLE, None, reason)]
    names = [*dict.fromkeys([p.parent for p in declared.parents] + ([declared.base] if declared.base else []))]
    absent = [name for name in names if not known.get(name)]
    proved = [recipe for recipe in recipes if recipe.method != "unknown"]
    if absent:
        reason = f"not in the registry: {', '.join(absent)}"
        reason += "".join(f"; replay gives {_said(recipe)}" for recipe in proved)
        return [Check("", declared.origin, NOT_CHECKABLE, absent[0], reason)]
    if not proved:
        between = "the values lie between those of registered models, and " if recipes else ""
        reason = f"{between}no method that is known here reproduces them"
        return [Check("", declared.origin, NOT_CHECKABLE, None, reason)]
    return [check for recipe in proved for check in _against(declared, recipe, known)]


def _unreadable(declared: DeclaredRecipe) -> str | None:
    if declared.method == SEVERAL_STAGES:
        return "merged in several stages, whose results between are no models that are registered"
    if not declared.parents:
        return "the configuration names no parents"
    return None


def _against(declared: DeclaredRecipe, recipe: Recipe, known: Known) -> list[Check]:
    """One component: methods, then parents, then weights; all that is wrong, or else that it is right."""
    found, said = _weights(recipe), _declared_weights(declared)
    wrong: list[tuple[str | None, str]] = []
    names = {recipe.method, *recipe.twins}
    one_formula = declared.method in _ONE_FORMULA and bool(names & _ONE_FORMULA)
    if declared.method in REPLAYED and declared.method not in names and not one_formula:
        wrong.append((None, f"declared as {declared.method}, and {_said(recipe)} reproduces it"))
    matched: dict[str, DeclaredWeight] = {}
    for parent in said:
        holder = next((f for f in found if _means(f, known[parent.parent])), None)
        if holder is not None:
            matched[holder.source] = parent
        elif parent.weight is None or abs(parent.weight) >= LEAST_WEIGHT:
            wrong.append((parent.parent, f"takes no part: {_said(recipe)}"))
    others = [f for f in found if f.source not in matched and f.weight >= LEAST_WEIGHT]
    wrong += [(None, f"{other.name} takes part and is not declared: {_said(recipe)}") for other in others]
    if not wrong:  # of other parents or another method weights say nothing
        pairs = [(matched[f.source], _off(f, matched[f.source])) for f in found if f.source in matched]
        wrong = [(parent.parent, off) for parent, off in pairs if off]
    if wrong:
        return [Check(recipe.component, declared.origin, CONTRADICTED, name, reason) for name, reason in wrong]
    said_so = f"replay gives {recipe.exact_share:.1%} of the sampled values"
    if declared.method not in REPLAYED | names:
        reason = f"the parents are right; {declared.method} is not replayed here, {recipe.method}: {said_so}"
        return [Check(recipe.component, declared.origin, NOT_CHECKABLE, None, reason)]
    return [Check(recipe.component, declared.origin, CONFIRMED, None, f"{_said(recipe)}: {said_so}")]


def _means(parent: ParentWeight, models: frozenset[tuple[str, str]]) -> bool:
    """Whether a recovered parent is one of these models, or holds the same values as one of them."""
    return any(parent.source == source or name in parent.coincides for name, source in models)


def _weights(recipe: Recipe) -> list[ParentWeight]:
    """The parents of a recipe on one scale; of weighted changes with the base for the rest of 1."""
    parents = list(recipe.parents)
    total = sum(parent.weight for parent in parents)
    if recipe.method in _SHARES and total > 0:
        parents = [replace(p, weight=p.weight / total, low=p.low / total, high=p.high / total) for p in parents]
    if recipe.method == "task_arithmetic" and recipe.base and recipe.base_source:
        rest = 1 - total
        return [*parents, ParentWeight(recipe.base, recipe.base_source, rest, rest, rest)]
    return parents


def _declared_weights(declared: DeclaredRecipe) -> list[DeclaredWeight]:
    """The declared parents on the same scale as `_weights`, None where a weight is not stated."""
    weights = [parent.weight for parent in declared.parents]
    known = [weight for weight in weights if weight is not None]
    total = sum(known)
    parents = list(declared.parents)
    if declared.method in _SHARES and len(known) == len(weights) and total > 0:
        parents = [DeclaredWeight(p.parent, w / total, p.graded) for p, w in zip(parents, known, strict=True)]
    if declared.method == "task_arithmetic" and declared.base:
        rest = 1 - total if len(known) == len(weights) else None
        parents.append(DeclaredWeight(declared.base, rest, any(p.graded for p in parents)))
    return parents


def _off(found: ParentWeight, said: DeclaredWeight) -> str | None:
    """By how much a weight is another one; None where it is not, or where none is stated or layers differ."""
    if said.weight is None or said.graded or found.weight != found.weight:
        return None
    if abs(found.weight - said.weight) <= DECLARED_WEIGHT_OFF:
        return None
    if found.low - DECLARED_WEIGHT_OFF <= said.weight <= found.high + DECLARED_WEIGHT_OFF:
        return None
    return f"declared with weight {said.weight:.4g}, and {found.weight:.4g} reproduces it"


def _said(recipe: Recipe) -> str:
    """A recipe in words."""
    base = f" on {recipe.base}" if recipe.base else ""
    return f"{recipe.method} of " + ", ".join(f"{p.weight:.4g} {p.name}" for p in recipe.parents) + base
