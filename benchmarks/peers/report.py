"""RESULTS.md and the calibration figure, from scores and costs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from . import kit, machine, model_dna, product
from .answered import ranks, twins, verdicts
from .explanations import explanation
from .figure import calibration_svg
from .headline import headline
from .markdown import number, seconds, share, table
from .measured import Measured
from .metrics import Scores, shares_at_most
from .placement import beside, halves, placement
from .short import from_files, short
from .summary import ALL, SIGNIFICANT, Detection, log10_p, negatives

THRESHOLDS = (0.1, 0.05, 0.01, 1e-3, 1e-4)
Detections = dict[str, dict[str, Detection]]
HEAD = """# forebear beside what people would use instead

Made by `make bench-peers`; not edited by hand. The zoo is `benchmarks/zoo`: tiny models of known lineage, with
strangers that share architecture, tokenizer and text and differ in seeds alone. forebear's thresholds of significance
were fixed before the zoo was made; its rules of ranking were improved after the first figures of edition 1. The methods
other than forebear and the provenance kit are plain implementations of ours (`benchmarks/peers/methods`), from the
papers' formulas; they are given whole weights in memory, fused matrices split, GGUF dequantised, names unified.
"""
WORDS = """
- **AUC**: the chance that a derivative scores higher with its parent than two unrelated models do.
- **Found**: share of derivatives that score higher with their parent than *every* unrelated pair does (true positives
  at zero false positives). Of a merge the better parent counts. A pair that a method cannot compare scores lowest.
- **Twins** (trained apart from one initialisation) count neither as related nor as unrelated: a section below.
"""


def write_report(
    first: Measured,
    second: Measured | None,
    light: Measured | None,
    sizes: Path,
    results: Path,
    kit_python: Path | None,
) -> str:
    """Write the report to `results` and the figure beside it; returns the short table with its markers.

    `second` is the edition that was held out, `light` the family of light drift, if they were measured; `sizes` the
    figures at 7B, if they were.
    """
    values = log10_p(first.tables[product.NAME], first.zoo)
    block = short(first, second)
    parts = [
        HEAD,
        headline(first, light, sizes),
        described(first, second, kit_python),
        "## In short\n\n" + block,
        overview(first),
        placement(first),
        beside(first, second) if second else "",
        halves(first),
        by_category(first.detections),
        missed(first.detections),
        fixed_threshold(first, second),
        ranks(first),
        verdicts(first),
        twins(first),
        calibration(first, second),
        at_size(json.loads(sizes.read_text("utf-8"))) if sizes.exists() else "",
    ]
    results.write_text("\n".join(part for part in parts if part), "utf-8")
    results.with_name("calibration.svg").write_text(calibration_svg(values), "utf-8")
    return block


def described(first: Measured, second: Measured | None, kit_python: Path | None) -> str:
    """Machine, versions, zoo."""
    lines = [*machine.facts(kit_python), f"forebear at {first.commit}"]
    for number_, one in enumerate((first, second), 1):
        if one is not None:
            of = [sum(m.category == c for m in one.zoo.members.values()) for c in ("root", "twin", "stranger")]
            lines.append(
                f"Edition {number_} of the zoo: {len(one.zoo.members)} models: {of[0]} roots,"
                f" {len(one.zoo.derivatives)} derivatives of {len(one.zoo.categories)} categories, {of[1]} twins,"
                f" {of[2]} strangers"
            )
    lines.append(
        "Sections are on edition 1 where they name no other"
        if second
        else "Edition 2, the held-out one (`make bench-peers EDITION=2`), was not measured"
    )
    if kit.NAME not in first.tables:
        lines.append("The provenance kit was not run")
    return "\n".join(f"- {line}" for line in lines) + "\n" + WORDS


def overview(measured: Measured) -> str:
    """A row a method: detection and costs, and the costs as multiples of forebear's."""
    mine = measured.costs[product.NAME]
    rows = []
    for name, found in measured.detections.items():
        one, taken = found[ALL], measured.costs.get(name)
        row = [name, number(one.auc, 4), share(one.count, one.positives)]
        if taken:
            row += [seconds(taken.pair_seconds), seconds(taken.query_seconds), seconds(from_files(taken))]
            row += [f"{taken.query_seconds / mine.query_seconds:.2g}", f"{from_files(taken) / from_files(mine):.2g}"]
            row += [f"{taken.peak_megabytes:.0f} MB"]
        rows.append(row + [""] * (9 - len(row)))
    head = ["method", "AUC", "found", "a pair", "a query", "from files", "a query / forebear's"]
    head += ["from files / forebear's", "memory"]
    notes = [f"{one.method}: {one.note}." for one in measured.costs.values() if one.note]
    pairs = ", ".join(f"{name} {found[ALL].negatives:,}" for name, found in measured.detections.items())
    text = (
        "Seconds are CPU seconds of all threads. A query compares one model with all others: forebear from its registry"
        " (candidates by sketch, then the evidence), the others with all prepared weights in memory. From files: what"
        " it takes a process that starts with files alone, of which forebear's registry is one; the kit has cached"
        f" features. Unrelated pairs scored: {pairs}.\n"
    )
    listed = "".join(f"- {note}\n" for note in notes)
    return "## All in all\n\n" + table(head, rows) + "\n" + text + ("\n" + listed if listed else "")


def by_category(detections: Detections) -> str:
    """What was found, and the AUC, of every category and method."""
    names = list(detections)
    parts = []
    for title, shown in (("Found at zero false positives", shown_rate), ("AUC", shown_auc)):
        rows = [
            [category.replace("_", " "), str(one.positives), *(shown(detections[name][category]) for name in names)]
            for category, one in detections[product.NAME].items()
        ]
        parts.append(f"## {title}\n\n" + table(["category", "pairs", *names], rows))
    return "\n".join(parts)


def shown_rate(found: Detection) -> str:
    """The share found."""
    return f"{found.rate:.2f}" if found.positives else "-"


def shown_auc(found: Detection) -> str:
    """The AUC."""
    return number(found.auc)


def missed(detections: Detections) -> str:
    """Categories in which another method finds more, or has the higher AUC, with the reason."""
    lines = []
    mine = detections[product.NAME]
    for category, own in mine.items():
        others = {n: d[category] for n, d in detections.items() if n != product.NAME and d[category].positives}
        better = [n for n, d in others.items() if d.rate > own.rate + 1e-9]
        ahead = [n for n, d in others.items() if d.auc > own.auc + 5e-5]
        if category != ALL and (better or ahead or own.rate < 1):
            best = better or sorted(ahead, key=lambda n: -others[n].auc)[:1]
            beaten = ", ".join(f"{n} {others[n].rate:.2f} (AUC {others[n].auc:.4f})" for n in best) or "no other method"
            why = explanation(category)
            found = f"found {own.rate:.2f}, AUC {own.auc:.4f}; better: {beaten}"
            lines.append(f"**{category.replace('_', ' ')}** ({found}). {why}\n")
    if not lines:
        return "## Where forebear is not the best\n\nNowhere on this zoo.\n"
    return "## Where forebear is not the best\n\n" + "\n".join(lines)


def fixed_threshold(first: Measured, second: Measured | None) -> str:
    """Forebear at its own threshold."""
    lines = []
    for edition, one in enumerate((first, second), 1):
        if one is None:
            continue
        scores = one.tables[product.NAME]
        strangers = negatives(scores, one.zoo)
        own = np.array([s for m in one.zoo.derivatives for s in scores.parents(m)])
        lines.append(
            f"- Edition {edition}: E <= 1e-3 holds for {share(int((own >= SIGNIFICANT).sum()), len(own))} derivatives"
            f" with their parent and for {share(int((strangers >= SIGNIFICANT).sum()), len(strangers))} ordered"
            f" unrelated pairs. Largest -log10 E of an unrelated pair: {np.nanmax(strangers):.2f}; smallest of a"
            f" parent: {np.nanmin(own):.2f}.\n"
        )
    lines += [probable(first)] if model_dna.NAME in first.tables else []
    return "## At forebear's own threshold, and modelDNA's\n\n" + "".join(lines)


def probable(measured: Measured) -> str:
    """ModelDNA at its own threshold: derivatives with their parent, and unrelated pairs."""
    scores = measured.tables[model_dna.NAME]
    apart = negatives(scores, measured.zoo)
    own = np.array([s for m in measured.zoo.derivatives for s in scores.parents(m)])
    told, wrong = int((own >= model_dna.POSITIVE).sum()), int((apart >= model_dna.POSITIVE).sum())
    return (
        f"- modelDNA: a probability of {model_dna.POSITIVE} or more for {share(told, len(own))} derivatives with their"
        f" parent and for {share(wrong, len(apart))} ordered unrelated pairs; {int(np.isnan(own).sum())} derivatives"
        f" and {int(np.isnan(apart).sum())} unrelated pairs it rules out or cannot read.\n"
    )


def calibration(first: Measured, second: Measured | None) -> str:
    """Observed against expected shares of p-values of unrelated pairs: all, and those of roots and strangers."""
    rows = [["expected", *(f"{t:g}" for t in THRESHOLDS), "1 / pairs"]]
    heavy = False
    for edition, one in enumerate((first, second), 1):
        if one is None:
            continue
        for which, apart in (("all", False), ("roots and strangers", True)):
            values: Scores = log10_p(one.tables[product.NAME], one.zoo, apart=apart)
            shares = shares_at_most(values, THRESHOLDS)
            heavy |= edition == 1 and not apart and any(s > t for s, t in zip(shares, THRESHOLDS, strict=True))
            least = f"{10.0 ** values.min():.1e} ({1 / len(values):.1e})"
            name = f"edition {edition}, {which}, {len(values):,} pairs"
            rows.append([name, *(f"{s:.5f}" for s in shares), least])
    head = ["share of pairs with", *(f"p <= {t:g}" for t in THRESHOLDS), "smallest p"]
    text = (
        "Ordered pairs that have nothing in common: roots, strangers, twins and rewritten models against all others."
        " p is the E-value divided by the number of models, corrected for the kinds of evidence. Pairs share models and"
        " are not independent: the derivatives of a model repeat its luck.\n\n"
    )
    why = f"\n{explanation('calibration')}\n" if heavy else ""
    return "## E-values of unrelated pairs\n\n" + text + table(head, rows) + why + "\n![](calibration.svg)\n"


def at_size(content: Mapping[str, Any]) -> str:
    """Bytes and seconds at 7B."""
    mine = next(size for size in content["sizes"] if size["method"] == product.NAME)
    total = content["bytes_total"]
    own = mine["prepare_seconds"] + mine["pair_seconds"]
    rows = [
        [
            size["method"],
            f"{size['bytes_needed'] / 1e6:,.1f} MB",
            f"{100 * mine['bytes_needed'] / size['bytes_needed']:.2f} %",
            seconds(size["prepare_seconds"]),
            seconds(size["pair_seconds"]),
            f"{size['pair_seconds'] / mine['pair_seconds']:.2g}",
            f"{(size['prepare_seconds'] + size['pair_seconds']) / own:.2g}",
        ]
        for size in content["sizes"]
    ]
    text = (
        f"Two models of Llama 2 7B's shapes in float16, {total / 1e9:.1f} GB each. As published, all methods but"
        f" forebear load whole checkpoints: forebear reads {100 * mine['bytes_needed'] / total:.2f} % of that. The"
        " table is kinder: the bytes that a formula needs, could it read them alone. CPU seconds: forebear's of whole"
        " sparse files, reading included; the others' on random weights in memory, one layer times the layers used.\n\n"
    )
    head = ["method", "bytes of a model", "forebear's share", "to prepare a model", "a pair"]
    head += ["a pair / forebear's", "both / forebear's"]
    return "## At the size of a 7B model\n\n" + text + table(head, rows)
