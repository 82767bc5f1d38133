"""SARIF 2.1.0 (OASIS, 2020), which code scanning of GitHub, Azure DevOps and many editors read.

A finding is a result; one that is as it should be has the kind `pass` or `informational`, and one that somebody accepts
is suppressed, with the reason. The place of a result is the model's source: an `hf://` address, or a folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO

from ....ingest.text import printable
from ...reports.findings import RULES, Finding, Rule
from ...reports.numbers import plain
from ...version import forebear_version
from .result import Result, required_findings

_LONGEST = 1 << 62
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_PLACES = {name: number for number, name in enumerate(RULES)}


def lines(result: Result, stream: IO[str]) -> Iterator[str]:
    """The log, with one run of one tool. Raises ForebearError where the result is no findings."""
    driver = {
        "name": "forebear",
        "semanticVersion" if forebear_version()[0].isdigit() else "version": forebear_version(),
        "rules": [_rule(rule) for rule in RULES.values()],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one) for one in required_findings(result)],
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    yield json.dumps(plain(document), indent=2, allow_nan=False) + "\n"


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.text},
        "defaultConfiguration": {"level": rule.level},
    }


def _result(finding: Finding) -> dict[str, object]:
    model = printable(finding.model, _LONGEST)
    found: dict[str, object] = {
        "ruleId": finding.rule.id,
        "ruleIndex": _PLACES[finding.rule.id],
        "level": finding.rule.level,
        "message": {"text": printable(f"{finding.title}: {finding.text}", _LONGEST)},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": finding.source}},
                "logicalLocations": [{"name": model, "fullyQualifiedName": finding.source, "kind": "module"}],
            }
        ],
        "partialFingerprints": {"forebear/v1": finding.key},
        "properties": finding.measured,
    }
    if finding.rule.level == "none":
        found["kind"] = "informational" if finding.rule.id == "relative.related" else "pass"
    if finding.accepted is not None:
        found["suppressions"] = [{"kind": "external", "justification": printable(finding.accepted, _LONGEST)}]
    return found
