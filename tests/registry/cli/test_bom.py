"""Bills of materials, held against the validators that others wrote: cyclonedx-python-lib and SPDX's own model."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
import spdx_python_model
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from forebear.ingest.errors import ForebearError
from forebear.registry import Registry
from forebear.registry.cli.outputs import BILLS
from forebear.registry.cli.outputs.result import Result
from forebear.registry.reports.bom import BillOfMaterials, Described, bill_of_materials

from ..conftest import Run

MADE = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def bill(zoo_registry: Path, tmp_path_factory: pytest.TempPathFactory) -> BillOfMaterials:
    """Of a model that derives from a known root, and has siblings."""
    path = shutil.copy(zoo_registry, tmp_path_factory.mktemp("bom") / "registry.duckdb")
    with Registry(path) as registry:
        registry.mark_root("alder", source="https://example.org/alder")
        return bill_of_materials(registry, "alder-docs-tests")


def written(name: str, bill: BillOfMaterials) -> dict[str, Any]:
    """The document, valid by the format's own validator."""
    text = BILLS[name].text
    assert text is not None
    found = "".join(text(Result({}, (), (), bill=bill), StringIO()))
    document: dict[str, Any] = json.loads(found)
    if name == "cyclonedx":
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(found) is None
    else:
        model, objects = spdx_python_model.load_data(document)
        model.JSONLDSerializer().write(objects, BytesIO())  # raises where a required property is missing
    return document


def described(**more: Any) -> Described:
    return replace(Described("org/m", "hf://org/m", "ABC"), **more)


def test_ancestors_that_are_told_and_variants_stand_in_the_pedigree(bill: BillOfMaterials) -> None:
    pedigree = written("cyclonedx", bill)["metadata"]["component"]["pedigree"]
    assert [one["name"] for one in pedigree["ancestors"]] == ["alder"]
    variants = {one["name"] for one in pedigree["variants"]}
    assert "alder-docs" in variants and not variants & {"alder", "birch", "cedar", "alder-twin"}
    assert "descendants" not in pedigree


def test_every_claim_has_figures_and_versions_as_evidence(bill: BillOfMaterials) -> None:
    document = written("cyclonedx", bill)
    said = document["declarations"]
    evidence = {one["bom-ref"]: one for one in said["evidence"]}
    assert len(said["claims"]) == len(bill.relatives) == len(evidence)
    for claim in said["claims"]:
        content = json.loads(evidence[claim["evidence"][0]]["data"][0]["contents"]["attachment"]["content"])
        assert content["forebear"] and content["fingerprint_version"] and content["registry_models"] == 16
        assert all(row["log10_evalue"] <= -3 for row in content["rows"])
    told = next(one for one in said["claims"] if one["predicate"].startswith("derives from"))
    assert "alder (" in told["predicate"] and told["reasoning"]


def test_spdx_names_the_ancestor_the_licence_and_the_figures(bill: BillOfMaterials) -> None:
    graph = written("spdx", bill)["@graph"]
    named = {one["spdxId"]: one["name"] for one in graph if one["type"] == "ai_AIPackage"}
    relations = [one for one in graph if one["type"] == "Relationship"]
    descends = [one for one in relations if one["relationshipType"] == "descendantOf"]
    assert [(named[one["from"]], named[one["to"][0]]) for one in descends] == [("alder-docs-tests", "alder")]
    kinds = [one["relationshipType"] for one in relations]
    assert kinds.count("hasVariant") == len(bill.of("variant")) > 0
    assert kinds.count("hasDeclaredLicense") == len(named)
    annotated = {one["subject"] for one in graph if one["type"] == "Annotation"}
    assert annotated == {one["spdxId"] for one in relations if not one["relationshipType"].endswith("License")}
    about = [one for one in graph if "ai_informationAboutTraining" in one]
    assert [(one["name"], one["ai_informationAboutTraining"]) for one in about] == [
        (bill.model.name, bill.sentences[0])
    ]
    assert {one.get("simplelicensing_licenseExpression") for one in graph} == {None, "Apache-2.0"}


@pytest.mark.parametrize("lacking", [None, "license", "released_at", "revision", "source"])
def test_the_ai_profile_is_claimed_where_every_model_has_what_it_asks_for(lacking: str | None) -> None:
    whole = described(license="apache-2.0", spdx="Apache-2.0", released_at=MADE)
    less: dict[str, Any] = {lacking: "file:///m" if lacking == "source" else None} if lacking else {}
    model = replace(whole, **less)
    graph = written("spdx", BillOfMaterials(model, "unrelated", ("no ancestor",), (), 0, MADE, "0.1.0", 1))["@graph"]
    (document,) = (one for one in graph if one["type"] == "SpdxDocument")
    assert ("ai" in document["profileConformance"]) is (lacking is None)
    concluded = [one for one in graph if one.get("relationshipType") == "hasConcludedLicense"]
    assert [one["to"][0].rsplit("/", 1)[1] for one in concluded] == ["NoAssertion"]


def test_one_relative_that_lacks_what_the_ai_profile_asks_for_is_enough_to_claim_none(bill: BillOfMaterials) -> None:
    whole = described(license="apache-2.0", spdx="Apache-2.0", released_at=MADE)
    for lacking in (False, True):
        less = replace(whole, released_at=None) if lacking else whole
        relatives = (replace(bill.relatives[0], model=whole), replace(bill.relatives[1], model=less))
        graph = written("spdx", replace(bill, model=whole, relatives=relatives))["@graph"]
        (document,) = (one for one in graph if one["type"] == "SpdxDocument")
        assert ("ai" in document["profileConformance"]) is not lacking


@pytest.mark.parametrize("name", BILLS)
@pytest.mark.parametrize(
    "model",
    [
        described(),
        described(
            license="apache-2.0", spdx="Apache-2.0", released_at=MADE, parameters=7, architecture="A", family="a"
        ),
        described(license="llama3.1", source="file:///models/m", revision=None),
        described(name="\x1b[2Jevil\u202e\ud800", license='"<&>\x00', architecture="\u2028"),
        described(name="gpt2", source="hf://gpt2", revision="main branch"),
    ],
)
def test_a_model_of_any_kind_is_a_valid_bill(name: str, model: Described) -> None:
    alone = BillOfMaterials(model, "unrelated", ("no ancestor",), (), 0, MADE, "0.1.0", 1)
    text = json.dumps(written(name, alone), ensure_ascii=False)
    assert not {"\x1b", "\u202e", "\x00"} & set(text)


def test_package_urls_are_those_of_the_hub(bill: BillOfMaterials) -> None:
    assert described().purl == "pkg:huggingface/org/m@abc"
    assert described(source="hf://gpt2", revision=None).purl == "pkg:huggingface/gpt2"
    assert described(source="file:///m").purl is None is bill.model.purl


def test_the_command_writes_one_format_by_its_ending_and_has_no_table(
    run: Run, zoo_registry: Path, tmp_path: Path
) -> None:
    asked = ("--registry", zoo_registry, "bom", "birch")
    assert json.loads(run(*asked).out)["bomFormat"] == "CycloneDX"
    assert run(*asked, "-o", tmp_path / "birch.spdx.json").code == 0
    assert "@graph" in json.loads((tmp_path / "birch.spdx.json").read_text("utf-8"))
    assert run(*asked, "--format", "table").code == 2


def test_another_result_is_no_bill() -> None:
    text = BILLS["cyclonedx"].text
    assert text is not None
    with pytest.raises(ForebearError, match="no bill of materials"):
        list(text(Result({}, (), ()), StringIO()))
