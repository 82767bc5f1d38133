"""The published JSON Schemas are those of today, and what is shipped and written passes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from docs import make_schemas
from forebear.registry import Registry
from forebear.registry.cases.answering import answer_case
from forebear.registry.cases.document import case_document
from forebear.registry.cases.shipped import FOLDER, find_case
from forebear.registry.reports.numbers import plain
from forebear.registry.version import SCHEMA_VERSION

from .blocks import ROOT

pytestmark = pytest.mark.skipif(not (ROOT / "docs").exists(), reason="the wheel has no docs")


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((make_schemas.FOLDER / name).read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", sorted(make_schemas.SCHEMAS))
def test_the_published_schema_is_that_of_today(name: str) -> None:
    assert (make_schemas.FOLDER / name).read_text(encoding="utf-8") == make_schemas.text_of(name), "make docs"
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_case_passes(path: Path) -> None:
    validator = jsonschema.Draft202012Validator(schema("case.schema.json"))
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert [error.message for error in validator.iter_errors(document)] == []
    assert list(validator.iter_errors({**document, "titel": "x"}))


def test_a_written_answer_passes(zoo_registry: Path) -> None:
    case = find_case("zoo")
    with Registry(zoo_registry, read_only=True) as registry:
        found = case_document(case, answer_case(registry, case))
    document: Any = plain({"schema_version": SCHEMA_VERSION, **found})
    result = schema("case-result.schema.json")
    result["properties"]["case_file"] = schema("case.schema.json")  # beside it, not fetched from anywhere
    validator = jsonschema.Draft202012Validator(result)
    assert [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(document)] == []
    assert isinstance(document, dict)
    assert list(validator.iter_errors({**document, "more": 1}))
