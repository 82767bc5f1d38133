"""Are E-values honest? All ordered pairs of models that have nothing in common: observed against expected p-values.

    python benchmarks/calibration.py FOLDER     (make bench-calibration trains the models)

The bars: at most 2 % of the pairs with p <= 0.01, and the smallest p no smaller than chance allows: with n pairs it is
below 0.001 / n in one run of a thousand.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from forebear.ingest.model import fingerprint_model
from forebear.ingest.sources import open_source
from forebear.queries.data.component import Component
from forebear.queries.data.loading import load_components
from forebear.queries.evidence.kinds import KINDS
from forebear.queries.evidence.pair import compare
from forebear.registry.store.arrow import model_tables

THRESHOLDS = (0.1, 0.05, 0.01, 1e-3, 1e-4)


def load(folder: Path) -> list[Component]:
    """The language component of every model in a folder."""
    found = []
    for number, place in enumerate(sorted(p for p in folder.iterdir() if (p / "config.json").exists())):
        fingerprint = fingerprint_model(open_source(str(place)))
        found += load_components(model_tables(fingerprint, number))[number]
    return found


def p_values(components: list[Component]) -> dict[str, np.ndarray]:
    """log10 p of every ordered pair, by kind and of all kinds together."""
    rows: dict[str, list[float]] = {kind: [] for kind in (*(k.name for k in KINDS), "together")}
    for query in components:
        for candidate in components:
            if query is not candidate:
                evidence = compare(query, candidate, models=1)
                for kind, value in evidence.log10_p.items():
                    rows[kind].append(value)
                rows["together"].append(evidence.log10_evalue)
    return {kind: np.array(values) for kind, values in rows.items()}


def main(folder: Path) -> int:
    """Print the table; 1 when a bar is missed."""
    components = load(folder)
    values = p_values(components)
    pairs = len(values["together"])
    print(
        f"{len(components)} models that have nothing in common, {pairs} ordered pairs: share of pairs with p at most\n"
    )
    print(f"{'':12}" + "".join(f"{t:>10g}" for t in THRESHOLDS) + f"{'smallest':>12}")
    print(f"{'expected':12}" + "".join(f"{t:>10.4f}" for t in THRESHOLDS) + f"{1 / pairs:>12.1e}")
    for kind, logs in values.items():
        shares = "".join(f"{np.mean(logs <= np.log10(t)):>10.4f}" for t in THRESHOLDS)
        print(f"{kind:12}{shares}{10.0 ** logs.min():>12.1e}")
    together = values["together"]
    share, smallest = float(np.mean(together <= -2)), float(together.min())
    passed = share <= 0.02 and smallest >= np.log10(1e-3 / pairs)
    print(
        f"\np <= 0.01: {share:.4f} (at most 0.02); smallest: {10**smallest:.1e} (at least {1e-3 / pairs:.1e})", end=": "
    )
    print("PASS" if passed else "FAIL")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
