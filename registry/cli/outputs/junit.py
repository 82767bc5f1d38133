"""JUnit's XML, which CI systems show as tests: a suite for each kind of finding, a case for each finding.

Errors and warnings fail. What cannot be told, and what somebody accepts, is skipped, with the reason.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING

from ....ingest.text import printable
from ...reports.findings import Finding
from .result import Result, required_findings

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

_LONGEST = 1 << 62
_NOT_XML = "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""What XML 1.0 has no way to write."""


def lines(result: Result, stream: IO[str]) -> Iterator[str]:
    """The document; the names of models are text in it. Raises ForebearError where the result is no findings."""
    from xml.etree import ElementTree as ET

    suites: dict[str, list[Finding]] = defaultdict(list)
    for finding in (findings := required_findings(result)):
        suites[finding.rule.id.partition(".")[0]].append(finding)
    root = ET.Element("testsuites", _counts(findings) | {"name": "forebear"})
    for kind, cases in suites.items():
        suite = ET.SubElement(root, "testsuite", _counts(cases) | {"name": kind})
        for finding in cases:
            _case(suite, finding)
    ET.indent(root)
    yield '<?xml version="1.0" encoding="utf-8"?>\n'
    yield ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, finding: Finding) -> None:
    from xml.etree import ElementTree as ET

    case = ET.SubElement(
        suite, "testcase", {"classname": _text(finding.rule.id), "name": _text(finding.title), "time": "0"}
    )
    if _fails(finding):
        failure = ET.SubElement(case, "failure", {"type": finding.rule.id, "message": _text(finding.rule.text)})
        failure.text = _text(finding.text)
    elif _is_skipped(finding):
        ET.SubElement(case, "skipped", {"message": _text(finding.accepted or finding.text)})


def _counts(findings: Sequence[Finding]) -> dict[str, str]:
    return {
        "tests": str(len(findings)),
        "failures": str(sum(map(_fails, findings))),
        "errors": "0",
        "skipped": str(sum(map(_is_skipped, findings))),
        "time": "0",
    }


def _fails(finding: Finding) -> bool:
    return finding.accepted is None and finding.rule.level in {"error", "warning"}


def _is_skipped(finding: Finding) -> bool:
    return finding.rule.level != "none" and not _fails(finding)


def _text(text: str) -> str:
    return re.sub(_NOT_XML, "\ufffd", printable(text, _LONGEST))
