"""The tables of `scale.py`, and whether the largest registry meets the bars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Figures = Mapping[str, Any]
BARS = {
    "warm": ("warm question about derived models and strangers, slower median, s", 0.3),
    "warm crowd": ("warm question about one of thousands of siblings, s", 0.6),
    "cold": ("cold process, s", 1.0),
    "megabytes": ("peak memory, MB", 1_500.0),
    "bare": ("bytes a model without tensors", 3_000.0),
    "full": ("bytes a model of 32 layers with tensors", 400_000.0),
}
EXACT, NEARLY = ("fine-tune", "merge", "bit copy"), ("half the layers", "continued pretraining")
_ASKED = ("derived", "strangers", "crowd")


def report(figures: Mapping[str, Figures]) -> str:
    """Tables in Markdown: growth, recall, and what was found against the full evidence."""
    sizes = sorted(figures.values(), key=lambda found: found["models"])
    return "\n\n".join("\n".join(lines) for lines in (_growth(sizes), _recall(sizes), list(_checks(figures))))


def passed(figures: Mapping[str, Figures]) -> bool:
    """Whether every bar is met; true as well where the largest registry was not measured."""
    return not any("FAIL" in line for line in _checks(figures))


def _growth(sizes: list[Figures]) -> list[str]:
    heads = ["models", "build s"]
    heads += [f"{how} {kind}, s" for how in ("warm", "processor", "cold", "disk") for kind in _ASKED]
    heads += ["peak MB", "candidates", "most", "bytes a model", "with tensors"]
    rows = [
        [
            f"{f['models']:,}",
            f"{f['build']:.0f}",
            *(_seconds(f, f"{how} {kind}") for how in ("warm", "processor", "cold", "disk") for kind in _ASKED),
            f"{f['megabytes']:.0f}",
            f"{f['candidates']:.0f}",
            f"{f['most candidates']}",
            f"{f['bare']:,.0f}",
            f"{f['full']:,.0f}",
        ]
        for f in sizes
    ]
    return _table(heads, rows)


def _seconds(found: Figures, name: str) -> str:
    """A figure, or nothing where the kept figures were measured before this one was."""
    return f"{found[name]:.2f}" if name in found else ""


def _recall(sizes: list[Figures]) -> list[str]:
    columns = {f"{f['models']:,} models": f["recall"] for f in sizes}
    columns |= {f"pairs by z for {f['models']:,}": f["pairs"] for f in sizes if "pairs" in f}
    columns |= {f"significant among {f['models']:,}": f["exhaustive"] for f in sizes if "exhaustive" in f}
    kinds = list(dict.fromkeys(kind for found in columns.values() for kind in found))
    rows = [[kind, *(_share(found.get(kind)) for found in columns.values())] for kind in kinds]
    return _table(["true parent among the candidates", *columns], rows)


def _share(found: list[int] | None) -> str:
    return f"{found[0]} of {found[1]}" if found else ""


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(line) + " |" for line in (heads, ["---"] * len(heads), *rows)]


def _checks(figures: Mapping[str, Figures]) -> Iterator[str]:
    """A line for every bar of the largest registry."""
    found = figures.get("1000000")
    if not found:
        return
    values = dict(found)
    values["warm"] = max(found["warm derived"], found["warm strangers"])
    values["cold"] = max(found[f"cold {kind}"] for kind in _ASKED)
    for name, (text, bar) in BARS.items():
        yield f"{text}: {values[name]:,.2f} (under {bar:,g}): {'PASS' if values[name] < bar else 'FAIL'}"
    for source in ("recall", "pairs"):
        for names, bar in ((EXACT, 0.999), (NEARLY, 0.99)):
            kinds = [v for kind, v in found[source].items() if any(name in kind for name in names)]
            hits, pairs = (sum(v[i] for v in kinds) for i in (0, 1))
            good = hits >= bar * pairs
            yield f"{source} of {', '.join(names)}: {hits} of {pairs} (at least {bar}): {'PASS' if good else 'FAIL'}"
    alarms = found["alarms"]
    good = not alarms["false"] and alarms["queries"] >= 1_000
    yield (
        f"unrelated models with E <= 1e-3: {alarms['false']} of {alarms['queries']} questions, smallest E"
        f" {10 ** alarms['smallest log10 E']:.1e}, E <= 1 in {alarms['E <= 1']}: {'PASS' if good else 'FAIL'}"
    )
