"""Architecture and provenance of a case: tables."""

from __future__ import annotations

from ....queries.comparison.case.records import CaseResult
from ..numbers import parameters, size
from . import values
from .blocks import Block, Grid, Section, Sentence
from .prose import Words

_LONGEST = 120
_SHOWN_REASONS = 4


def architecture_section(result: CaseResult, words: Words) -> Section:
    """Config and parameters, side by side."""
    labels = [one.label for one in result.models if not one.failure]
    return Section(
        "architecture",
        words("architecture_title"),
        [
            _config(result, labels, words),
            _settings(result, words),
            _parameters(result, labels, words, whole=True),
            _parameters(result, labels, words, whole=False),
            _comparable(result, words),
        ],
    )


def _config(result: CaseResult, labels: list[str], words: Words) -> Grid:
    rows = []
    for row in result.settings:
        found = {value.model: value for value in row.values}
        cells = [_cut(str(found[label].value)) if found[label].name is not None else values.DASH for label in labels]
        rows.append([row.key, words("yes" if row.equal else "no"), *cells])
    titles = [words("setting"), words("equal"), *labels]
    return Grid("config", words("config_caption"), titles, rows, range(len(titles)), folded=True)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"


def _settings(result: CaseResult, words: Words) -> Grid:
    rows = [
        [values.pair_name(one.first, one.second), str(one.compared), str(one.equal)] for one in result.settings_pairs
    ]
    titles = [words(key) for key in ("pair", "compared", "equal")]
    return Grid("settings", words("settings_pairs_caption"), titles, rows, (0,))


def _parameters(result: CaseResult, labels: list[str], words: Words, *, whole: bool) -> Grid:
    found: dict[str, dict[str, int]] = {}
    for row in result.parameters:
        if (row.layer is None) == whole:
            name = f"{row.component} {row.part}" if whole else f"{row.component} {row.layer} {row.part}"
            found.setdefault(name, {})[row.model] = row.parameters
    rows = [
        [name, *(parameters(counts[label]) if label in counts else values.DASH for label in labels)]
        for name, counts in found.items()
    ]
    caption = words("parameters_caption" if whole else "parameters_layer_caption")
    name = "parameters" if whole else "parameters_by_layer"
    return Grid(name, caption, [words("part"), *labels], rows, folded=not whole)


def _comparable(result: CaseResult, words: Words) -> Grid:
    rows = []
    for one in result.comparability:
        reasons = list(dict.fromkeys(f"{lost.model} {lost.role}: {lost.reason}" for lost in one.incomparable))
        more = f"; +{len(reasons) - _SHOWN_REASONS}" if len(reasons) > _SHOWN_REASONS else ""
        rows.append(
            [
                one.pair,
                str(one.tensors),
                values.part(one.share_first),
                values.part(one.share_second),
                "; ".join(reasons[:_SHOWN_REASONS]) + more or values.DASH,
            ]
        )
    titles = [words(key) for key in ("pair", "tensors", "share_first", "share_second", "why_not")]
    return Grid("comparable", words("comparable_caption"), titles, rows, (0, 4), folded=True)


def method_sections(result: CaseResult, words: Words) -> list[Section]:
    """How it was measured, and what from."""
    method = Section("method", words("method_title"), [Sentence(words("method_text", count=result.corrected_for))])
    notes = [Sentence(note) for note in result.notes]
    sources = [Section("sources", words("sources_title"), [*map(Sentence, result.sources), *notes])]
    return [method, *(sources if result.sources or notes else []), _provenance(result, words)]


def _provenance(result: CaseResult, words: Words) -> Section:
    blocks: list[Block] = []
    made = result.provenance
    if made is not None:
        blocks.append(
            Sentence(
                words(
                    "made",
                    date=made.date,
                    seconds=f"{made.seconds:.1f}",
                    read=size(made.bytes_read),
                    fetched=size(made.bytes_fetched),
                )
            )
        )
        blocks += [Sentence(f"{words('command')}: {made.command}", strong=True), Sentence(words("again"))]
        programs = {"forebear": made.forebear, "fingerprint": str(made.fingerprint), **made.packages}
        titles = [words("program"), words("version")]
        rows = [[name, text] for name, text in programs.items()]
        blocks.append(Grid("versions", words("versions_caption"), titles, rows, (0, 1), folded=True))
    sources = [[one.label, one.source, one.revision or values.DASH] for one in result.models]
    titles = [words(key) for key in ("model", "source", "revision")]
    blocks.append(Grid("revisions", words("models_caption"), titles, sources, (0, 1, 2)))
    rows = [
        [f"{one.label} {file.path}", size(file.size), file.sha256 or values.DASH]
        for one in result.models
        for file in one.files
    ]
    titles = [words(key) for key in ("file", "size", "sha256")]
    blocks.append(Grid("files", words("files_caption"), titles, rows, (0, 2), folded=True))
    return Section("provenance", words("provenance_title"), blocks)
