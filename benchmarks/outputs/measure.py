"""Precision and recall of kinship of behaviour on a zoo of known lineage: `python -m benchmarks.outputs.measure ZOO`.

Every model that a pass in numpy reads is asked for the next token after the same prompts, and every two are compared.
Controls of a pair are the roots of all families but those of the two, and SHORT strangers, which were trained for 100
steps and stand for models of other ages; both were named before a figure of a held-out edition was seen. Derived
pairs are a model and each of its parents; copies whose outputs are the same by construction are counted apart.
Unrelated are pairs of different roots. The rules were set on edition 1; edition 2 is held out.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from benchmarks.outputs.serving import asked_by_http
from benchmarks.outputs.small_models import NotAsked, load
from forebear.queries.thresholds.significance import BEHAVIOUR_LOG_P
from forebear.registry.outputs.comparing import Behaviour, agreements, judge
from forebear.registry.outputs.prompts import prompts
from forebear.registry.outputs.record import answer_line, model_line, read_record

SHORT = ("base-00", "base-01", "wide-00", "deep-00", "gpt2-00", "biased-00")
"""Strangers that are controls, and are asked about nowhere."""
BY_HTTP = 3
"""Models that are asked over HTTP as well, to say what that costs."""


@dataclass(frozen=True)
class Zoo:
    """Answers of all models, and what is known of them."""

    names: list[str]
    agreed: NDArray[np.int64]
    truth: dict[str, dict[str, object]]
    count: int

    def root(self, name: str) -> str:
        """The name of the root that it comes from, its own for one that comes from nothing."""
        return str(self.truth[name]["root"])

    def is_category(self, name: str, *categories: str) -> bool:
        """Whether the truth counts it as one of these."""
        return self.truth[name]["category"] in categories

    @property
    def roots(self) -> list[str]:
        """All roots that answered."""
        return [name for name in self.names if self.is_category(name, "root")]

    @property
    def short(self) -> list[str]:
        """The strangers that are controls."""
        return [name for name in self.names if self.is_category(name, "stranger") and name.endswith(SHORT)]

    def judged(self, a: str, b: str, tried: int = 1) -> Behaviour:
        """A pair beside its controls."""
        others = [root for root in self.roots if root not in {self.root(a), self.root(b)}]
        named = [a, b, *others, *self.short]
        at = [self.names.index(name) for name in named]
        return judge(named, self.agreed[np.ix_(at, at)], self.count, tried=tried)


def answers(zoo: Path, kept: Path, name: str, count: int) -> dict[str, str]:
    """Next tokens of a model, kept in a record. Raises NotAsked for a model that no pass reads."""
    place = kept / f"{name}.jsonl"
    asked = prompts(count)
    if place.exists():
        found = read_record(place)
        if all(prompt in found for prompt in asked):
            return {prompt: found[prompt] for prompt in asked}
    found = load(zoo / name).next_tokens(asked)
    place.write_bytes(model_line(name) + b"".join(answer_line(*row) for row in found.items()))
    return found


def read_zoo(places: Sequence[Path], kept: Path, count: int) -> tuple[Zoo, dict[str, dict[str, str]]]:
    """All models of a zoo, and of students of its roots, that a pass reads; the others are counted by reason."""
    truth: dict[str, dict[str, object]] = {}
    homes: dict[str, Path] = {}
    for place in places:
        listed = json.loads((place / "truth.json").read_text())["models"]
        truth |= listed
        homes |= dict.fromkeys(listed, place)
    found, reasons = {}, Counter[str]()
    began = time.monotonic()
    for name in sorted(truth):
        try:
            found[name] = answers(homes[name], kept, name, count)
        except NotAsked as reason:
            reasons[str(reason)] += 1
    print(f"{len(found)} models answered {count} prompts in {time.monotonic() - began:.0f} s")
    for why, models in reasons.items():
        print(f"not asked: {models} ({why})")
    return Zoo(list(found), agreements(list(found.values()), prompts(count)), truth, count), found


def derived(zoo: Zoo) -> Iterator[tuple[str, str]]:
    """(model, parent)."""
    for name in zoo.names:
        for parent in zoo.truth[name]["parents"]:  # type: ignore[attr-defined]
            if parent in zoo.names:
                yield name, parent


def print_derived(zoo: Zoo) -> tuple[int, int]:
    """Recall by category; returns found and all of those whose outputs are not those of the parent by construction."""
    counts: dict[tuple[bool, str], list[bool]] = {}
    missed = []
    for a, b in derived(zoo):
        key = bool(zoo.truth[a]["rewritten"]), str(zoo.truth[a]["category"])
        pair = zoo.judged(a, b)
        counts.setdefault(key, []).append(pair.alike)
        if not pair.alike:
            missed.append(f"{a} {pair.agreement:.2f} (unrelated {pair.expected or 0:.2f})")
    for (_, category), told in sorted(counts.items()):
        print(f"  {category}: {sum(told)}/{len(told)}")
    print("  missed:", "; ".join(missed))
    changed, same = (
        [told for key, found in counts.items() if key[0] is kind for told in found] for kind in (False, True)
    )
    for title, told in (("derived", changed), ("rewritten", same), ("both", changed + same)):
        print(f"recall, {title}: {sum(told)}/{len(told)} = {sum(told) / max(1, len(told)):.3f}")
    return sum(changed), len(changed)


def print_unrelated(zoo: Zoo, right: int, of: int) -> None:
    """False alarms by how many of the two are strangers, which were trained shortly."""
    asked = [
        name
        for name in zoo.names
        if not zoo.is_category(name, "twin") and not zoo.truth[name]["rewritten"] and name not in zoo.short
    ]
    counts, alarms = Counter[int](), Counter[int]()
    by_roots: Counter[tuple[str, ...]] = Counter()
    for a, b in itertools.combinations(asked, 2):
        if zoo.root(a) != zoo.root(b):
            kind = sum(zoo.is_category(name, "stranger") for name in (a, b))
            pair = zoo.judged(a, b)
            counts[kind] += 1
            if pair.alike:
                alarms[kind] += 1
                by_roots[tuple(sorted((zoo.root(a), zoo.root(b))))] += 1
    for kind, title in enumerate(("trained", "one trained shortly", "both trained shortly")):
        _print_share(f"unrelated, {title}", alarms[kind], counts[kind])
    total, pairs = sum(alarms.values()), sum(counts.values())
    _print_share("unrelated at p <= 0.01", total, pairs)
    print("  alarms by roots:", dict(by_roots.most_common(8)))
    print(f"precision over all of these pairs: {right}/{right + total} = {right / max(1, right + total):.3f}")
    share = alarms[0] / max(1, counts[0])
    print(f"precision with as many unrelated pairs as derived ones: {right / of / (right / of + share):.4f}")


def _print_share(title: str, wrong: int, of: int) -> None:
    """With the exact interval of 95 % (Clopper and Pearson 1934), which takes pairs for independent."""
    low = float(beta.ppf(0.025, wrong, of - wrong + 1)) if wrong else 0.0
    high = float(beta.ppf(0.975, wrong + 1, of - wrong)) if wrong < of else 1.0
    print(f"{title}: {wrong}/{of} = {wrong / max(1, of):.4f} ({low:.4f} to {high:.4f})")


def print_parents(zoo: Zoo) -> None:
    """Which of the roots does a model come from: the least p over all roots, corrected for their number."""
    right = wrong = silent = 0
    for name in zoo.names:
        if not zoo.truth[name]["parents"] or zoo.truth[name]["rewritten"]:
            continue
        pairs = [zoo.judged(name, root, tried=len(zoo.roots)) for root in zoo.roots if root != name]
        best = min(pairs, key=lambda pair: pair.log_p)
        told = best.log_p <= BEHAVIOUR_LOG_P
        right += told and best.b == zoo.root(name)
        wrong += told and best.b != zoo.root(name)
        silent += not told
    asked = right + wrong + silent
    print(
        f"asked of {len(zoo.roots)} roots at once, corrected: precision {right}/{right + wrong} ="
        f" {right / max(1, right + wrong):.3f}, recall {right}/{asked} = {right / max(1, asked):.3f}"
    )


def main(arguments: Sequence[str]) -> None:
    """ZOO PROMPTS [FOLDER [STUDENTS]]: print the counts.

    Answers are kept in FOLDER, next to the zoo without one. STUDENTS is what benchmarks/zoo/distil.py made.
    """
    place, count = Path(arguments[0]), int(arguments[1])
    kept = Path(arguments[2]) if len(arguments) > 2 else place.with_name(f"{place.name}-outputs")
    kept.mkdir(exist_ok=True)
    zoo, found = read_zoo([place, *map(Path, arguments[3:4])], kept, count)
    print(f"controls: of {len(zoo.roots)} roots those of other families, and {len(zoo.short)} strangers")
    right, of = print_derived(zoo)
    print_unrelated(zoo, right, of)
    print_parents(zoo)
    for name in zoo.roots[:BY_HTTP]:
        seconds, same = asked_by_http(place / name, found[name], kept / f"{name}-http.jsonl")
        print(f"{name} over HTTP: {count} requests in {seconds:.1f} s, {same:.1%} of tokens as above")


if __name__ == "__main__":
    main(sys.argv[1:])
