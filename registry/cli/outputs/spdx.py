"""SPDX 3.0.1 (Linux Foundation, 2024) as JSON-LD.

Every model is an AI package. The one that the bill is of is `descendantOf` its ancestors and `ancestorOf` its
descendants; where nobody can tell which came first, the relation is `hasVariant`. An annotation of each relation holds
the figures and versions. The document claims conformance to Core, Software and SimpleLicensing, and to the AI profile
where every model in it has what that profile asks for beside them: a supplier, a version, a release date, an address
and a declared licence, which cards of the Hub tell and weights do not. No licence is concluded (NoAssertion).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from ....ingest.text import printable
from ...reports.numbers import plain
from .result import Result, required_bill

if TYPE_CHECKING:
    from ...reports.bom import BillOfMaterials, Described, Kind, Relative

_LONGEST = 1 << 62
_NO_ASSERTION = "https://spdx.org/rdf/3.0.1/terms/ExpandedLicensing/NoAssertion"
_AI_ASKS = {
    "suppliedBy",
    "releaseTime",
    "software_packageVersion",
    "software_downloadLocation",
    "software_primaryPurpose",
}
"""What the AI profile of SPDX 3.0.1 makes required of an AI package, beside its two licences."""
_CREATION = "_:creation"
_TYPES: dict[Kind, str] = {"ancestor": "descendantOf", "descendant": "ancestorOf", "variant": "hasVariant"}
"""What a relative is to the model -> the type of the relationship from the model to it."""
Element = dict[str, object]


def lines(result: Result, stream: IO[str]) -> Iterator[str]:
    """The bill of the result. Raises ForebearError where there is none."""
    graph = _graph(required_bill(result))
    document = {"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": graph}
    yield json.dumps(plain(document), indent=2, allow_nan=False) + "\n"


def _graph(bill: BillOfMaterials) -> list[Element]:
    made = bill.made_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    place = f"urn:uuid:{uuid5(NAMESPACE_URL, json.dumps([bill.model.source, bill.model.revision, made, bill.basis]))}"
    agent, tool, model = f"{place}#agent", f"{place}#forebear", f"{place}#model"
    found = list(_package(bill.model, model, _text(" ".join(bill.sentences))))
    for number, relative in enumerate(bill.relatives):
        found += _package(relative.model, f"{place}#relative-{number}")
        found += _relation(bill, relative, place, number)
    creation: Element = {
        "type": "CreationInfo",
        "@id": _CREATION,
        "specVersion": "3.0.1",
        "created": made,
        "createdBy": [agent],
        "createdUsing": [tool],
    }
    document = _element("SpdxDocument", f"{place}#document") | {
        "profileConformance": ["core", "software", "simpleLicensing", *(["ai"] if _of_ai_profile(found) else [])],
        "comment": _text(" ".join(bill.sentences)),
        "rootElement": [model],
        "element": [one["spdxId"] for one in found],
    }
    return [
        creation,
        _element("SoftwareAgent", agent) | {"name": "forebear"},
        _element("Tool", tool) | {"name": f"forebear {bill.forebear}, fingerprints {bill.fingerprint}"},
        document,
        *found,
    ]


def _element(kind: str, spdx_id: str) -> Element:
    return {"type": kind, "spdxId": spdx_id, "creationInfo": _CREATION}


def _of_ai_profile(elements: list[Element]) -> bool:
    """Whether every AI package has what the AI profile asks for."""
    packages = [one for one in elements if one["type"] == "ai_AIPackage"]
    declaring = {one["from"] for one in elements if one.get("relationshipType") == "hasDeclaredLicense"}
    return all(one.keys() >= _AI_ASKS and one["spdxId"] in declaring for one in packages)


def _package(model: Described, spdx_id: str, training: str | None = None) -> Iterator[Element]:
    """The package of a model, who publishes it where the Hub says so, and its licence where its card states one.

    `training` is what is found of where its weights come from.
    """
    found = _element("ai_AIPackage", spdx_id) | {
        "name": _text(model.name),
        "software_primaryPurpose": "model",
        "software_sourceInfo": _text(model.source),
    }
    optional = {
        "software_packageVersion": _text(model.revision) if model.revision else None,
        "software_packageUrl": model.purl,
        "software_downloadLocation": model.address,
        "releaseTime": model.released_at.strftime("%Y-%m-%dT%H:%M:%SZ") if model.released_at else None,
        "ai_typeOfModel": [_text(model.architecture)] if model.architecture else None,
        "ai_informationAboutTraining": training,
        "comment": f"{model.parameters} parameters" if model.parameters is not None else None,
    }
    found |= {name: value for name, value in optional.items() if value is not None}
    if model.group:
        found["suppliedBy"] = f"{spdx_id}-supplier"
        yield _element("Agent", f"{spdx_id}-supplier") | {"name": _text(model.group)}
    yield found
    yield _relationship(f"{spdx_id}-concludes", spdx_id, "hasConcludedLicense", _NO_ASSERTION)
    if model.license:
        yield from _licence(model.license, model.spdx, spdx_id)


def _licence(stated: str, spdx: str | None, spdx_id: str) -> Iterator[Element]:
    """The licence that a card declares: of SPDX's list, or as text where that list has none of its name."""
    if spdx:
        expression = {"simplelicensing_licenseExpression": spdx}
        yield _element("simplelicensing_LicenseExpression", f"{spdx_id}-licence") | expression
    else:
        text = {"simplelicensing_licenseText": _text(f"as the model's card names it: {stated}")}
        yield _element("simplelicensing_SimpleLicensingText", f"{spdx_id}-licence") | text
    yield _relationship(f"{spdx_id}-declares", spdx_id, "hasDeclaredLicense", f"{spdx_id}-licence")


def _relation(bill: BillOfMaterials, relative: Relative, place: str, number: int) -> Iterator[Element]:
    name = f"{place}#relation-{number}"
    found = _relationship(name, f"{place}#model", _TYPES[relative.kind], f"{place}#relative-{number}")
    yield found | {"comment": _text(relative.reason)}
    yield _element("Annotation", f"{name}-figures") | {
        "annotationType": "other",
        "subject": name,
        "contentType": "application/json",
        "statement": json.dumps(plain(bill.basis | {"rows": relative.figures}), allow_nan=False),
    }


def _relationship(spdx_id: str, one: str, kind: str, other: str) -> Element:
    return _element("Relationship", spdx_id) | {"from": one, "relationshipType": kind, "to": [other]}


def _text(text: str) -> str:
    return printable(text, _LONGEST)
