"""Ask `recipe` for every merge and every model of the zoo: `measure FOLDER [GROWN [sums]] [SPLIT]`.

SPLIT `development` leaves the held-out seeds alone, `held-out` the others. With the folder of grown families the merges
of `fresh` are asked for, or its `sums`, those families being registered too, with a word of `plan.FURTHER` in its place
those, else those of `plan`. Prints a table a split: parents right, method right, largest error of a weight, share that
the replay reproduces, and false recipes.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.recipes import fresh, plan
from benchmarks.recipes.plan import Merge
from forebear.registry import Registry

ZOO = Path(__file__).parents[2] / "tests" / "zoo" / "models"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was told of one merge; `error` is the largest of its weights, None where the parents are not right."""

    name: str
    kind: str
    held_out: bool
    method: str
    method_right: bool
    parents_right: bool
    error: float | None
    exact: float
    changed: float
    rival: float
    seconds: float


def ask(registry: Registry, folder: Path, merge: Merge) -> Asked:
    """The recipe of one merge, which the registry does not hold."""
    began = time.process_time()
    found = registry.recipe(folder / merge.name).recipes
    seconds = time.process_time() - began
    drift = "light " if merge.name.startswith("light-") else ""
    kind = f"{drift}{merge.kind}, {len(merge.weights)}"
    if not found:
        return Asked(merge.name, kind, merge.held_out, "none", False, False, None, 0.0, 0.0, 0.0, seconds)
    recipe = found[0]
    told = {parent.name: parent.weight for parent in recipe.parents}
    right = told.keys() == merge.weights.keys() and (merge.method not in BASED or recipe.base == merge.base)
    shared = merge.method in {"ties", "nuslerp", "della"}
    scale = sum(merge.weights.values()) if shared else 1.0
    mine = sum(told.values()) if shared else 1.0
    error = max(abs(told[n] / mine - w / scale) for n, w in merge.weights.items()) if right else None
    method = merge.method in {recipe.method, *recipe.twins}
    return Asked(
        merge.name,
        kind,
        merge.held_out,
        recipe.method,
        method,
        right,
        error,
        recipe.exact_share,
        recipe.changed_share,
        recipe.rival_share,
        seconds,
    )


BASED = {"task_arithmetic", "ties", "dare_linear", "dare_ties", "model_stock", "breadcrumbs", "breadcrumbs_ties"}
BASED |= {"della", "della_linear", "nearswap", "arcee_fusion", "sce"}


def table(rows: Sequence[Asked]) -> list[str]:
    """Markdown, a line a kind."""
    kinds: dict[str, list[Asked]] = defaultdict(list)
    for row in rows:
        kinds[row.kind].append(row)
    lines = [
        "| merge, parents | parents right | method right | told as | weights within | exact, least | rival, most | s |"
    ]
    lines.append("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for kind, group in sorted(kinds.items()):
        errors = [row.error for row in group if row.error is not None and row.error == row.error]
        told = ", ".join(sorted({row.method for row in group}))
        cells = [kind, f"{sum(r.parents_right for r in group)} of {len(group)}"]
        cells += [f"{sum(r.method_right for r in group)} of {len(group)}", told]
        cells += [f"{max(errors):.4f}" if errors else "", f"{min(r.exact for r in group):.4f}"]
        cells += [f"{max(r.rival for r in group):.4f}", f"{max(r.seconds for r in group):.1f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def main(folder: Path, planned: Sequence[Merge], grown: Path | None, splits: Sequence[bool]) -> None:
    """Ask for all, print every split, and what was told of the models that are no merges."""
    models = [model for model in sorted(ZOO.iterdir()) if model.name != "alder-merge"]
    if grown is not None:
        models += [grown / name for names in fresh.LIGHT.values() for name in names]
    merges = [merge for merge in planned if merge.held_out in splits]
    with tempfile.TemporaryDirectory() as place, Registry(Path(place) / "registry.duckdb") as registry:
        registry.ingest(*models)
        rows = [ask(registry, folder, merge) for merge in merges]
        claimed = [model.name for model in models if registry.recipe(model.name).recipes]
    (folder / "asked.json").write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")
    for split in splits:
        print(f"\n{'held out' if split else 'development'}\n")
        print("\n".join(table([row for row in rows if row.held_out == split])))
    print(f"\nrecipes told of models that are no merges: {len(claimed)} of {len(models)} {claimed}")


SPLITS: dict[str, tuple[bool, ...]] = {"development": (False,), "held-out": (True,)}

if __name__ == "__main__":
    *places, last = sys.argv[1:]
    chosen = SPLITS.get(last)
    folder, *more = (*places, *([] if chosen else [last]))
    word = next(iter(more), "")
    family = Path(word) if word not in {"", *plan.FURTHER} else None
    of_families = fresh.sums if "sums" in more else fresh.merges
    planned = of_families() if family else plan.further(word) if word else plan.merges()
    main(Path(folder), planned, family, chosen or (False, True))
