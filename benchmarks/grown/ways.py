"""Is what stands on the way from the root to a model its ancestor? Random parts of families whose trees are known.

    python -m benchmarks.grown.ways --set NAME=FOLDER [--set ...]

A line a half and a kind of family, at light drift, with the root and all dates known. Half of the parts lack the
ancestors of a model, which may be the one that is asked about.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from forebear.queries.lineage.direction import is_light
from forebear.queries.lineage.way import on_way

from .families import Members, families
from .fit import DRAWS, few_of, is_nearest, kind_of, known


def asked(family: Members, draws: int) -> Counter[str]:
    """What was told of random few of a family, every model but the root asked."""
    found: Counter[str] = Counter()
    choose = random.Random(family.name)
    for _ in range(draws):
        few = np.array(few_of(family, choose))
        if family.root not in few or not is_light(family.distances.take(few)):
            continue
        for place in range(1, len(few)):
            members = np.array([*few[:place], *few[place + 1 :], few[place]])
            if members[-1] == family.root:
                continue
            order = known("root and dates", members, family)
            told = np.flatnonzero(on_way(family.distances.take(members), order)).tolist()
            wrong = [i for i in told if not family.above[members[-1], members[i]]]
            parents = [i for i in range(len(few) - 1) if is_nearest(family, members, len(few) - 1, i)]
            chained = bool(parents and members[parents[0]] != family.root)
            found.update(questions=1, told=bool(told), wrong=bool(wrong), chained=chained)
            found.update(parents=chained and parents[0] in told)
    return found


def main() -> None:
    """Print a line a half and a kind."""
    parser = argparse.ArgumentParser(description="what stands on the way from the root")
    parser.add_argument("--set", action="append", required=True, metavar="NAME=FOLDER")
    total: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for one in parser.parse_args().set:
        name, _, folder = one.partition("=")
        for family in families(name, Path(folder)):
            total[family.half, kind_of(family)] += asked(family, DRAWS)
    for (half, kind), found in sorted(total.items()):
        print(
            f"on the way, {half}, {kind}: of {found['questions']} questions {found['told']} named a model that the way"
            f" leads through, {found['wrong']} one that is no ancestor; of {found['chained']} nearest ancestors other"
            f" than the root {found['parents']} told"
        )


if __name__ == "__main__":
    main()
