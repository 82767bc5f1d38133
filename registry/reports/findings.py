"""What an audit or a watch found, for tools that take findings of any program: rules, levels and what they speak of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ...ingest.text import printable
from .numbers import counted, plain

_SHOWN = 20
"""Findings in the text for people: a chat cuts long ones, and the list holds all."""
_LONGEST = 10_000
Level = Literal["error", "warning", "note", "none"]
"""The levels of SARIF: `none` is for what is as it should be."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of finding: its id, what it means in a sentence, and how much it matters."""

    id: str
    text: str
    level: Level


RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in (
        Rule("ancestor.confirmed", "The card declares this parent, and the weights derive from it.", "none"),
        Rule("ancestor.undeclared", "The weights derive from a model that the card does not declare.", "warning"),
        Rule(
            "ancestor.direction_unknown",
            "The weights are of one lineage with a model that the card does not declare; which came first is unknown.",
            "note",
        ),
        Rule("inferred.missing", "The weights come from a model that is not registered, as others do.", "note"),
        Rule("inferred.found", "The model stands where what others come from was inferred to stand.", "note"),
        Rule("declaration.contradicted", "The card declares a parent that the weights do not derive from.", "error"),
        Rule("declaration.not_comparable", "The card declares a parent that could not be compared.", "note"),
        Rule("licence.conflict", "The licence is more permissive than that of the model it comes from.", "error"),
        Rule("licence.not_judged", "A licence is not stated, or is not one that forebear judges.", "note"),
        Rule("duplicate.confirmed", "The weights are those of a model that one of the cards names.", "none"),
        Rule("duplicate.undeclared", "The weights are those of another model, which neither card names.", "note"),
        Rule("recipe.recipe_confirmed", "The merge was made by the recipe that the model states.", "none"),
        Rule("recipe.recipe_contradicted", "The model states a recipe that its weights contradict.", "error"),
        Rule("recipe.recipe_not_checkable", "The model states a recipe that could not be checked.", "note"),
        Rule("relative.related", "The model is related to another one, but not as its nearest ancestor.", "none"),
        Rule("model.unread", "The model could not be read, so that nothing is known of it.", "note"),
    )
}
"""Id -> rule, `kind.status` of the audit's findings; the last is of `watch` alone."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: what `rule` says, of which `model`, in the words of `text`.

    `source` is the model's URI, `relative` the name of the other model where there is one. `accepted` is why somebody
    accepts it. `measured` are the figures behind it, with the keys of the JSON contract.
    """

    rule: Rule
    model: str
    source: str
    text: str
    relative: str | None = None
    relative_source: str | None = None
    accepted: str | None = None
    measured: Mapping[str, object] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Model and relative in one line."""
        return f"{self.model} and {self.relative}" if self.relative else self.model

    @property
    def key(self) -> str:
        """What stays the same from one run to the next while the finding does: rule and both sources, as SHA-256."""
        named = [self.rule.id, self.source, self.relative_source or self.relative]
        return hashlib.sha256(json.dumps(named).encode()).hexdigest()


_MEASURED = (
    *("component", "origin", "direction", "direction_probability", "direction_by", "evidence", "log10_evalue"),
    *("identity", "coverage", "relation", "query_license", "relative_license"),
)


def audit_findings(rows: Iterable[Mapping[str, object]]) -> list[Finding]:
    """The findings of an audit's rows, which have the columns of the view `audit_findings` and `accepted`."""
    return [
        Finding(
            RULES[f"{row['kind']}.{row['status']}"],
            str(row["query"]),
            str(row["query_source"]),
            str(row["reason"]),
            _text(row["relative"]) or _text(row["declared"]),
            _text(row["relative_source"]),
            _text(row["accepted"]),
            _measured(row),
        )
        for row in rows
    ]


def watch_findings(rows: Iterable[Mapping[str, object]]) -> list[Finding]:
    """The findings of what a watch came through: new models that have relatives, and those that could not be read."""
    found = []
    for row in rows:
        if row["reason"] is not None:
            found.append(Finding(RULES["model.unread"], str(row["source"]), str(row["source"]), str(row["reason"])))
        elif row["relative"] is not None:
            found.append(
                Finding(
                    RULES[_watched_rule(row)],
                    str(row["name"]),
                    str(row["source"]),
                    str(row["sentence"]),
                    _text(row["relative"]),
                    _text(row["relative_source"]),
                    None,
                    _measured(row),
                )
            )
    return found


def _watched_rule(row: Mapping[str, object]) -> str:
    """`watch` says the nearest relative alone: declared, an ancestor that is told, of one lineage, or else related."""
    if row["verdict"] not in {"derived", "related"}:
        return "relative.related"
    if row["declared"]:
        return "ancestor.confirmed"
    return "ancestor.undeclared" if row["verdict"] == "derived" else "ancestor.direction_unknown"


def _measured(row: Mapping[str, object]) -> dict[str, object]:
    return {name: row[name] for name in _MEASURED if row.get(name) not in (None, [], "")}


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _told(finding: Finding) -> str:
    """A finding in a line; the reason why a source could not be read mostly names it already."""
    text, title = finding.text, finding.title
    return text if text.startswith(f"{title}: ") else f"{title}: {text}"


def findings_document(findings: Iterable[Finding]) -> dict[str, object]:
    """Findings as they are posted to a web address, without `schema_version`; `text` is what a chat shows."""
    listed = [finding for finding in findings if finding.rule.level != "none"]
    lines = [f"{finding.rule.id}: {_told(finding)}" for finding in listed]
    return {
        "text": printable("\n".join([f"forebear: {counted(len(listed), 'finding')}", *lines[:_SHOWN]]), _LONGEST),
        "findings": [
            {
                "key": finding.key,
                "rule": finding.rule.id,
                "level": finding.rule.level,
                "model": finding.model,
                "source": finding.source,
                "relative": finding.relative,
                "relative_source": finding.relative_source,
                "text": finding.text,
                "measured": plain(finding.measured),
            }
            for finding in listed
        ],
    }
