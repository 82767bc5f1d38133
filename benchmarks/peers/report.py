"""RESULTS.md and the calibration figure, from scores and costs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from . import kit, machine, product
from .answered import ranks, twins, verdicts
from .explanations import explanation
from .figure import calibration_svg
from .markdown import number, seconds, share, table
from .metrics import Scores, shares_at_most
from .scoring import Cost
from .summary import (
    ALL,
    SIGNIFICANT,
    Detection,
    Ranking,
    Table,
    answers,
    by_method,
    detect,
    log10_p,
    negatives,
    product_ranking,
    ranking,
)
from .truth import Zoo

THRESHOLDS = (0.1, 0.05, 0.01, 1e-3, 1e-4)
SPLITS = ("development", "held_out")
Detections = dict[str, dict[str, Detection]]
HEAD = """# forebear beside what people would use instead

Made by `make bench-peers`; not edited by hand. The zoo is `benchmarks/zoo`: tiny models of known lineage, with
strangers that share architecture, tokenizer and text and differ in seeds alone. forebear's thresholds were fixed before
the zoo was made. The methods other than forebear and the provenance kit are plain implementations of ours
(`benchmarks/peers/methods`), from the papers' formulas; they are given whole weights in memory, fused matrices split,
GGUF dequantised, names unified.
"""
WORDS = """
- **AUC**: the chance that a derivative scores higher with its parent than two unrelated models do.
- **Found**: share of derivatives that score higher with their parent than *every* unrelated pair does (true positives
  at zero false positives). Of a merge the better parent counts. A pair that a method cannot compare scores lowest.
- **Rank 1**: share of derivatives, not counting those rewritten on purpose, whose parent no other model of the zoo
  outscores; *alone*: and none equals, or for forebear, at the top of its tie; *of older*: the query's own descendants
  set aside, which a release date would rule out (the zoo has no dates, and weights do not tell who came first).
- **Twins** (trained apart from one initialisation) count neither as related nor as unrelated: a section below.
"""


def write_report(
    zoo: Zoo, scores: pa.Table, costs: list[Cost], out: Path, results: Path, kit_python: Path | None
) -> None:
    """Write the report to `results` and the figure beside it."""
    tables = by_method(scores)
    detections = {name: detect(one, zoo) for name, one in tables.items()}
    rows = pq.read_table(out / "answers.parquet").to_pylist()
    found = answers(rows, zoo)
    rankings = {name: ranking(one, zoo) for name, one in tables.items() if name != product.NAME}
    rankings = {product.NAME: product_ranking(found, zoo)} | rankings
    realistic = out / "realistic.json"
    parts = [
        HEAD,
        described(zoo, tables, kit_python),
        overview(detections, rankings, costs),
        splits(tables, zoo),
        by_category(detections),
        missed(detections),
        fixed_threshold(tables[product.NAME], zoo),
        ranks(found, rankings[product.NAME], zoo),
        verdicts(found),
        twins(found, tables, zoo),
        calibration(log10_p(tables[product.NAME], zoo), log10_p(tables[product.NAME], zoo, apart=True)),
        at_size(json.loads(realistic.read_text("utf-8"))) if realistic.exists() else "",
    ]
    results.write_text("\n".join(part for part in parts if part), "utf-8")
    results.with_name("calibration.svg").write_text(calibration_svg(log10_p(tables[product.NAME], zoo)), "utf-8")


def described(zoo: Zoo, tables: Mapping[str, Table], kit_python: Path | None) -> str:
    """Machine, versions, zoo."""
    count = [sum(m.category == c for m in zoo.members.values()) for c in ("root", "twin", "stranger")]
    lines = machine.facts(kit_python)
    lines.append(
        f"Zoo: {len(zoo.members)} models: {count[0]} roots, {len(zoo.derivatives)} derivatives of"
        f" {len(zoo.categories)} categories, {count[1]} twins, {count[2]} strangers"
    )
    if kit.NAME not in tables:
        lines.append("The provenance kit was not run")
    return "\n".join(f"- {line}" for line in lines) + "\n" + WORDS


def overview(detections: Detections, rankings: Mapping[str, Ranking], costs: Iterable[Cost]) -> str:
    """A row a method."""
    cost = {one.method: one for one in costs}
    rows = []
    for name, found in detections.items():
        one, rank = found[ALL], rankings[name]
        taken = cost.get(name)
        rows.append(
            [
                name,
                number(one.auc, 4),
                share(one.count, one.positives),
                share(rank.first, rank.asked),
                share(rank.top, rank.asked),
                share(rank.older[0], rank.asked),
                f"{rank.tie:g}" if rank.asked else "-",
                share(rank.both, rank.merges),
                seconds(taken.pair_seconds) if taken else "",
                seconds(taken.query_seconds) if taken else "",
                seconds(from_files(taken)) if taken else "",
                f"{taken.peak_megabytes:.0f} MB" if taken else "",
            ]
        )
    head = [
        "method",
        "AUC",
        "found",
        "rank 1",
        "alone",
        "rank 1 of older",
        "tie",
        "merges",
        "a pair",
        "a query",
        "from files",
        "memory",
    ]
    notes = [f"{one.method}: {one.note}." for one in cost.values() if one.note]
    pairs = ", ".join(f"{name} {found[ALL].negatives:,}" for name, found in detections.items())
    text = (
        "Seconds are CPU seconds of all threads. A query compares one model with all others: forebear from its registry"
        " (candidates by sketch, then the evidence), the others with all prepared weights in memory. From files: what"
        " it takes a process that starts with files alone, of which forebear's registry is one; the kit has cached"
        f" features. Merges: both parents in the first two ranks. Unrelated pairs scored: {pairs}.\n"
    )
    return (
        "## All in all\n\n" + table(head, rows) + "\n" + text + "\n" + "\n".join(f"- {note}" for note in notes) + "\n"
    )


def from_files(cost: Cost) -> float:
    """Seconds of a query when nothing is in memory: forebear reads the query, the others every model."""
    read = cost.reading_seconds / cost.models if cost.method == product.NAME else cost.reading_seconds
    return read + cost.query_seconds


def splits(tables: Mapping[str, Table], zoo: Zoo) -> str:
    """The halves of the zoo by root, each with its own unrelated pairs."""
    rows = []
    for name, one in tables.items():
        row = [name]
        for split in SPLITS:
            found = detect(one, zoo, split)[ALL]
            row += [number(found.auc, 4), share(found.count, found.positives)]
        rows.append(row)
    head = ["method", *(f"{w}, {s.replace('_', ' ')}" for s in SPLITS for w in ("AUC", "found"))]
    return "## By half of the roots\n\n" + table(head, rows)


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


def fixed_threshold(table_: Table, zoo: Zoo) -> str:
    """Forebear at its own threshold."""
    strangers = negatives(table_, zoo)
    own = np.array([s for m in zoo.derivatives for s in table_.parents(m)])
    return (
        "## At forebear's own threshold\n\n"
        f"E <= 1e-3 holds for {share(int((own >= SIGNIFICANT).sum()), len(own))} derivatives with their parent and for"
        f" {share(int((strangers >= SIGNIFICANT).sum()), len(strangers))} ordered unrelated pairs. Largest -log10 E of"
        f" an unrelated pair: {np.nanmax(strangers):.2f}; smallest of a parent: {np.nanmin(own):.2f}.\n"
    )


def calibration(log10: Scores, apart: Scores) -> str:
    """Observed against expected shares of p-values of unrelated pairs: all, and those of roots and strangers."""
    rows = [["expected", *(f"{t:g}" for t in THRESHOLDS), "1 / pairs"]]
    for name, values in (("all", log10), ("roots and strangers", apart)):
        shares = [f"{s:.5f}" for s in shares_at_most(values, THRESHOLDS)]
        rows.append([f"{name}, {len(values):,} pairs", *shares, f"{10.0 ** values.min():.1e} ({1 / len(values):.1e})"])
    head = ["share of pairs with", *(f"p <= {t:g}" for t in THRESHOLDS), "smallest p"]
    text = (
        "Ordered pairs that have nothing in common: roots, strangers, twins and rewritten models against all others."
        " p is the E-value divided by the number of models, corrected for the kinds of evidence. Pairs share models and"
        " are not independent: the derivatives of a model repeat its luck.\n\n"
    )
    heavy = any(s > t for s, t in zip(shares_at_most(log10, THRESHOLDS), THRESHOLDS, strict=True))
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
    head = ["method", "bytes of a model", "forebear's share", "to prepare a model", "a pair", "both, times forebear's"]
    return "## At the size of a 7B model\n\n" + text + table(head, rows)
