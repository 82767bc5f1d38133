"""Where every method puts the parents: under both protocols, by half of the roots, and in both editions."""

from __future__ import annotations

from . import product
from .markdown import number, share, table
from .measured import Measured
from .summary import ALL, Ranking, detect, evalue_drift
from .truth import Protocol

SPLITS = ("development", "held_out")
WORDS = """
**Against all**: among all models of the zoo, the query's own descendants and later siblings with them, which a hub
would not have on the morning of the release. **As they appeared**: roots and strangers are there from the start, every
other model arrives in the order of `truth.json` (families one after the other, in each of them fine-tunes before
structures, then vocabularies, fewer bits, merges, rewritings, twins; always parents before children), and is compared
with what is there. forebear is really asked so: the new model is a source that its registry has not seen, said to be
the newest (`--assume-newest`), and registered after the answer. The other methods' ranks follow from their scores of
pairs. *First*: the parent is in the first rank, ties included; *alone*: and nothing else is, or for forebear, whose
ties have an order, it is at the top; *tie*: median and largest size of the first rank. Derivatives rewritten on purpose
are not counted. *Merges*: both parents in the first two ranks.
"""


def placement(measured: Measured) -> str:
    """A row a method, the columns of both protocols."""
    rows = []
    for name in measured.tables:
        row = [name]
        for protocol in Protocol:
            rank = measured.ranking(name, protocol)
            row += [share(rank.first, rank.asked), share(rank.top, rank.asked), ties(rank)]
            row += [share(rank.both, rank.merges)]
        rows.append(row)
    head = ["method", *(f"{w}, {p}" for p in Protocol for w in ("first", "alone", "tie", "merges"))]
    return "## Where the parent ranks\n" + WORDS + "\n" + table(head, rows) + "\n" + sizes_counted(measured)


def sizes_counted(measured: Measured) -> str:
    """Whether forebear's E-values count the models that were registered at the time."""
    sizes = [a.models for a in measured.answered(Protocol.AS_THEY_APPEARED)]
    if not sizes:
        return "forebear was not asked as models appeared: the figures are of a run before that protocol was there.\n"
    pairs, apart = evalue_drift(measured.answers)
    return (
        f"As they appeared, forebear's registry held {min(sizes)} to {max(sizes)} models when it was asked. Its"
        f" E-values count them: of {pairs:,} pairs answered under both protocols, log10 E less log10 of the models then"
        f" registered differs by {apart:.1g} at most.\n"
    )


def ties(rank: Ranking) -> str:
    """Median and largest size of the first rank."""
    return f"{rank.tie:g} ({rank.largest})" if rank.asked else "-"


def halves(measured: Measured) -> str:
    """The halves of the zoo by root, each with its own unrelated pairs and its own parents."""
    rows = []
    for name, one in measured.tables.items():
        row = [name]
        for split in SPLITS:
            found = detect(one, measured.zoo, split)[ALL]
            row += [number(found.auc, 4), share(found.count, found.positives)]
            row += [shown_first(measured.ranking(name, protocol, split)) for protocol in Protocol]
        rows.append(row)
    words = ("AUC", "found", *(f"first, {p}" for p in Protocol))
    head = ["method", *(f"{w}; {s.replace('_', ' ')}" for s in SPLITS for w in words)]
    return "## By half of the roots\n\n" + table(head, rows)


def shown_first(rank: Ranking) -> str:
    """The share of parents in the first rank."""
    return share(rank.first, rank.asked)


def beside(first: Measured, second: Measured) -> str:
    """Both editions: every method that was run on both, then forebear by category."""
    editions = (first, second)
    rows = []
    for name in (n for n in first.tables if n in second.tables):
        row = [name]
        for one in editions:
            found = one.detections[name][ALL]
            row += [number(found.auc, 4), share(found.count, found.positives)]
            for protocol in Protocol:
                row.append(shown_first(one.ranking(name, protocol)))
            rank = one.ranking(name, Protocol.AS_THEY_APPEARED)
            row += [share(rank.top, rank.asked), share(rank.both, rank.merges)]
        rows.append(row)
    words = ("AUC", "found", *(f"first, {p}" for p in Protocol), "alone, as they appeared", "merges, as they appeared")
    head = ["method", *(f"{w}; edition {e}" for e in (1, 2) for w in words)]
    text = (
        "The second edition has the same recipes, and other random weights, orders of data, texts, permutations,"
        " rotations, masks, dropped layers and names (`benchmarks/zoo/editions.py`). Rules of ranking were improved"
        " with the first edition in sight, which makes it a development set; no rule of ranking was made on the second."
        " The null of Gram vectors was made wider after its first run (3 of 40,616 unrelated pairs at E <= 1e-3)."
        f" forebear was measured at {first.commit} (edition 1) and {second.commit} (edition 2).\n\n"
    )
    return "## Both editions of the zoo\n\n" + text + table(head, rows) + "\n" + categories(editions)


def categories(editions: tuple[Measured, Measured]) -> str:
    """Forebear in both editions by category."""
    rows = []
    for category, found in editions[0].detections[product.NAME].items():
        if category == ALL:
            continue
        row = [category.replace("_", " "), str(found.positives)]
        for one in editions:
            mine = [a for a in one.answered(Protocol.AS_THEY_APPEARED) if a.member.category == category]
            detected = one.detections[product.NAME].get(category)
            row += [f"{detected.count}" if detected and detected.positives else "-"]
            row += [str(sum(a.ranked for a in mine)), str(sum(a.topped for a in mine))]
        rows.append(row)
    words = ("found", "first rank", "top")
    head = ["forebear, as they appeared", "models", *(f"{w}; edition {e}" for e in (1, 2) for w in words)]
    return table(head, rows)
