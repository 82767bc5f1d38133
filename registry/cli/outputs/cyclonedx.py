"""CycloneDX 1.6 as JSON (ECMA-424): an ML-BOM, which tools for bills of materials read.

Relatives stand in the model's pedigree: ancestors and descendants where the direction is told, else variants. What was
measured of each is an attestation: a claim, and the evidence that it rests on, with figures and versions.
`evidence.identity` is not used: it holds a confidence that a component is what it is called, and an E-value is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from ....ingest.text import printable
from ...reports.numbers import evalue, plain
from .result import Result, required_bill

if TYPE_CHECKING:
    from ...reports.bom import BillOfMaterials, Described, Kind, Relative

_LONGEST = 1 << 62
_MODEL = "model"
_PEDIGREE: dict[Kind, str] = {"ancestor": "ancestors", "descendant": "descendants", "variant": "variants"}
_CLAIMS: dict[Kind, str] = {"ancestor": "derives from", "descendant": "is an ancestor of", "variant": "is related to"}


def lines(result: Result, stream: IO[str]) -> Iterator[str]:
    """The bill of the result. Raises ForebearError where there is none."""
    yield json.dumps(plain(_document(required_bill(result))), indent=2, allow_nan=False) + "\n"


def _document(bill: BillOfMaterials) -> dict[str, object]:
    tool = {"type": "application", "name": "forebear", "version": bill.forebear}
    main = _component(bill.model, _MODEL) | {"modelCard": _card(bill.model), "properties": _properties(bill)}
    if bill.relatives:
        main["pedigree"] = _pedigree(bill)
    made = bill.made_at.isoformat()
    found: dict[str, object] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": made, "tools": {"components": [tool]}, "component": main},
    }
    if bill.relatives:
        found["declarations"] = _declarations(bill)
    identity = json.dumps(plain(found), sort_keys=True)
    return found | {"serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, identity)}"}


def _component(model: Described, reference: str) -> dict[str, object]:
    found: dict[str, object] = {
        "type": "machine-learning-model",
        "bom-ref": reference,
        "name": _text(model.name.rpartition("/")[2] if model.group else model.name),
    }
    if model.group:
        found["group"] = _text(model.group)
    if model.revision:
        found["version"] = _text(model.revision)
    if model.license:
        named = {"id": model.spdx} if model.spdx else {"name": _text(model.license)}
        found["licenses"] = [{"license": named | {"acknowledgement": "declared"}}]
    if model.purl:
        found["purl"] = model.purl
    if model.address:
        found["externalReferences"] = [{"type": "distribution", "url": model.address}]
    return found


def _card(model: Described) -> dict[str, object]:
    named = {"architectureFamily": model.family, "modelArchitecture": model.architecture}
    return {"modelParameters": {key: _text(name) for key, name in named.items() if name}}


def _properties(bill: BillOfMaterials) -> list[dict[str, str]]:
    values = {"source": bill.model.source, "parameters": bill.model.parameters, "verdict": bill.verdict, **bill.basis}
    found = [(name, value) for name, value in values.items() if value is not None]
    found += [("sentence", sentence) for sentence in bill.sentences]
    return [_property(name, str(value)) for name, value in found]


def _pedigree(bill: BillOfMaterials) -> dict[str, object]:
    found: dict[str, object] = {"notes": _text(" ".join(bill.sentences))}
    for kind, key in _PEDIGREE.items():
        numbered = [(number, one) for number, one in enumerate(bill.relatives) if one.kind == kind]
        if numbered:
            found[key] = [_component(one.model, f"relative-{n}") | {"properties": _figures(one)} for n, one in numbered]
    return found


def _figures(relative: Relative) -> list[dict[str, str]]:
    """The figures of every component that matched, as text, which is what properties hold."""
    found = [("source", relative.model.source)]
    for part, row in relative.rows:
        found += [
            (f"{part}:evalue", evalue(row.log10_evalue)),
            (f"{part}:identity", f"{row.identity:z.4f}"),
            (f"{part}:coverage", f"{row.coverage:z.4f}"),
            (f"{part}:direction", row.direction),
            (f"{part}:probability_of_ancestor", f"{row.direction_probability:z.4f}"),
        ]
    return [_property(name, value) for name, value in found]


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": _text(f"forebear:{name}"), "value": _text(value)}


def _declarations(bill: BillOfMaterials) -> dict[str, object]:
    numbered = list(enumerate(bill.relatives))
    return {
        "assessors": [{"bom-ref": "forebear", "thirdParty": True}],
        "attestations": [
            {
                "summary": "Where the weights come from, measured on the weights alone.",
                "assessor": "forebear",
                "map": [{"claims": [f"claim-{number}" for number, _ in numbered]}],
            }
        ],
        "claims": [_claim(relative, number) for number, relative in numbered],
        "evidence": [_evidence(bill, relative, number) for number, relative in numbered],
    }


def _claim(relative: Relative, number: int) -> dict[str, object]:
    return {
        "bom-ref": f"claim-{number}",
        "target": _MODEL,
        "predicate": _text(f"{_CLAIMS[relative.kind]} {relative.model.name} ({relative.model.source})"),
        "reasoning": _text(relative.reason),
        "evidence": [f"evidence-{number}"],
    }


def _evidence(bill: BillOfMaterials, relative: Relative, number: int) -> dict[str, object]:
    content = json.dumps(plain(bill.basis | {"rows": relative.figures}), allow_nan=False)
    attachment = {"contentType": "application/json", "content": content}
    return {
        "bom-ref": f"evidence-{number}",
        "description": _text(f"figures of {bill.model.name} beside {relative.model.name}"),
        "created": bill.made_at.isoformat(),
        "data": [{"name": "figures", "contents": {"attachment": attachment}}],
    }


def _text(text: str) -> str:
    return printable(text, _LONGEST)
