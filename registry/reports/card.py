"""What a model's card could say of its parents: a patch of the front matter of README.md, of what is told and no more.

The keys are those of the Hub (huggingface.co/docs/hub/model-cards): `base_model`, a name or a list, and
`base_model_relation`: finetune or merge, where the weights say so. A copy of coarser types may be called quantized or
not, and layers that were added or left out have no word of the Hub's: no relation is proposed then.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from ...ingest.errors import FormatError
from ...ingest.metadata.card import CARD_LIMIT
from ...ingest.metadata.plain_yaml import document
from ...ingest.sources import open_source, spec_of
from ...ingest.sources.source import read_small
from ...queries.answers.records import Ancestor
from ...queries.thresholds.lineage import MOST_RELATIVES
from .bom import kind_of

if TYPE_CHECKING:
    from pathlib import Path

    from ..registry import Registry
    from .ancestors import AncestorsReport

_KEYS = ("base_model", "base_model_relation")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*[A-Za-z0-9]")
"""Names that YAML reads as text without quotes; numbers are apart."""


@dataclass(frozen=True, slots=True)
class CardPatch:
    """A proposal for the card of a model.

    `parents` are the ancestors that are told, the nearest, or the parents of a merge; none where nothing is told, and
    then there is no patch. `patch` is a unified diff of README.md, empty where the card says the same. `notes` say what
    a person should know before applying it.
    """

    name: str
    source: str
    parents: tuple[str, ...]
    relation: str | None
    patch: str
    notes: tuple[str, ...]


def proposed_card(registry: Registry, model: str | Path) -> CardPatch:
    """The patch for a registered model, or for a source that is read now and not kept.

    The card is read as its source has it now. Raises SourceError or FormatError where it cannot be, and as `ancestors`.
    """
    report = registry.ancestors(model, k=MOST_RELATIVES)
    rows = nearest_told(report)
    notes = [answer.sentence for answer in report.components]
    parents = tuple(dict.fromkeys(_name(row) for row in rows))
    notes += [f"{name} is no org/name of the Hub, which base_model asks for" for name in parents if "/" not in name]
    relation = _relation(rows)
    if not parents:
        why = _declared(report) or ["no ancestor is told"]
        return CardPatch(report.name, report.source, (), None, "", (*notes, *why, "nothing is proposed"))
    card = _card(report)
    patched = with_parents(card, parents, relation)
    return CardPatch(report.name, report.source, parents, relation, _diff(card, patched), tuple(notes))


def nearest_told(report: AncestorsReport) -> list[Ancestor]:
    """Of every component the first ancestor that is told, or all that are told to have been merged.

    None of a component of which the card declares a relative that may be the nearest: a declaration that the weights
    allow says more than an ancestor further up.
    """
    found = []
    for answer in report.components:
        rows = [row for row in answer.ancestors if row.origin == "derivation"]
        told = [row for row in rows if kind_of(row) == "ancestor"]
        merged = [row for row in told if row.merged_with]
        declared = [row for row in rows if row.declared and row.direction not in {"sibling", "descendant"}]
        found += merged or ([] if declared else told[:1])
    return found


def _declared(report: AncestorsReport) -> list[str]:
    return [
        f"the card declares {row.name}, and nothing says that it is not the nearest"
        for answer in report.components
        for row in answer.ancestors
        if row.declared and row.origin == "derivation" and row.direction not in {"sibling", "descendant"}
    ]


def _relation(rows: Sequence[Ancestor]) -> str | None:
    if rows and all("merged" in row.relation for row in rows):
        return "merge"
    return "finetune" if rows and all({"finetuned", "embeddings_only"} & set(row.relation) for row in rows) else None


def _name(row: Ancestor) -> str:
    return row.source.removeprefix("hf://") if row.source.startswith("hf://") else row.name


def _card(report: AncestorsReport) -> str:
    """README.md as it is now, empty where there is none."""
    source = open_source(spec_of(report.source, report.revision).removeprefix("file://"))
    try:
        found = read_small(source, "README.md", CARD_LIMIT)
    finally:
        source.close()
    try:
        return (found or b"").decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"{report.source}: README.md is not UTF-8; no patch can be made for it") from error


def with_parents(card: str, parents: Sequence[str], relation: str | None) -> str:
    """The card with the two keys in its front matter, in place of earlier ones; all else keeps every character.

    Raises FormatError for front matter that is no YAML mapping, or that another key could not be told apart from.
    """
    lines = card.splitlines(keepends=True)
    end = _end(lines)
    front, rest = (lines[1:end], lines[end:]) if end else ([], ["---\n", *(["\n"] if lines else []), *lines])
    before = _mapping("".join(front))
    kept, place = _without(front)
    added = [_entry("base_model", list(parents) if len(parents) > 1 else parents[0])]
    if relation:
        added.append(_entry("base_model_relation", relation))
    changed = [*kept[:place], *added, *kept[place:]]
    expected = {key: value for key, value in before.items() if key not in _KEYS}
    expected["base_model"] = list(parents) if len(parents) > 1 else parents[0]
    expected |= {"base_model_relation": relation} if relation else {}
    if _mapping("".join(changed)) != expected:
        raise FormatError("the front matter of README.md is written in a way that no patch can be made for; edit it")
    return "".join(["---\n" if not end else lines[0], *changed, *rest])


def _end(lines: Sequence[str]) -> int:
    """The line that ends the front matter, 0 where there is none."""
    if not lines or lines[0].strip() != "---":
        return 0
    return next((i for i, line in enumerate(lines[1:], 1) if line.strip() == "---"), 0)


def _without(front: Sequence[str]) -> tuple[list[str], int]:
    """The lines without both keys and what belongs to them, and the place of the first, or the end."""
    kept: list[str] = []
    place, inside = None, False
    for line in front:
        if re.match(r"[^\s#-]", line):
            inside = re.split(r"\s*:", line, maxsplit=1)[0].strip("\"'") in _KEYS
            place = len(kept) if inside and place is None else place
        if not inside:
            kept.append(line)
    return kept, len(kept) if place is None else place


def _entry(key: str, value: str | list[str]) -> str:
    if isinstance(value, str):
        return f"{key}: {_scalar(value)}\n"
    return "".join([f"{key}:\n", *(f"- {_scalar(one)}\n" for one in value)])


def _scalar(text: str) -> str:
    """Text as YAML takes it for text: in double quotes where it could be anything else."""
    is_number = re.fullmatch(r"[\d._+-]+|0[xob].*|[\d.]+e\d+|null|true|false|yes|no|on|off|y|n", text, re.IGNORECASE)
    if _PLAIN.fullmatch(text) and not is_number:
        return text
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if " " <= character <= "~" else f"\\U{ord(character):08x}"


def _mapping(text: str) -> dict[str, object]:
    try:
        found = document(text, aliases=True) if text.strip() else {}
    except (yaml.YAMLError, ValueError) as error:
        raise FormatError("the front matter of README.md is no YAML; no patch can be made for it") from error
    if found is None or found == "":
        return {}
    if not isinstance(found, dict):
        raise FormatError("the front matter of README.md is no mapping; no patch can be made for it")
    return found


def _diff(card: str, patched: str) -> str:
    lines = difflib.unified_diff(
        card.splitlines(keepends=True),
        patched.splitlines(keepends=True),
        "a/README.md" if card else "/dev/null",
        "b/README.md",
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def card_document(card: CardPatch) -> dict[str, object]:
    """A patch with the keys of the JSON contract, without `schema_version`."""
    return {
        "model": card.name,
        "source": card.source,
        "base_model": list(card.parents),
        "base_model_relation": card.relation,
        "patch": card.patch,
        "notes": list(card.notes),
    }
