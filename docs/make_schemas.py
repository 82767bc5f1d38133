"""The JSON Schemas in docs/schemas: of the case file, and of the answer to a case, from its records: `make docs`."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from forebear.queries.comparison.case.claims.answering import METRICS
from forebear.queries.comparison.case.records import CaseResult
from forebear.registry.cases.case_file import (
    CASE_KEYS,
    CLAIM_KEYS,
    FORMAT,
    MODEL_KEYS,
    MOST_CLAIMS,
    MOST_LAYERS,
    MOST_MODELS,
    OPTIONS,
    ROLES,
)
from forebear.registry.version import SCHEMA_VERSION

FOLDER = Path(__file__).parent / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, object]


def result_schema() -> Schema:
    """Of what `forebear case --format json` writes: every record is a definition."""
    definitions: dict[str, Schema] = {}
    answer = _record(CaseResult, definitions)
    own = typing.cast(dict[str, object], answer["properties"])
    more = {"schema_version": {"const": SCHEMA_VERSION}, "case_file": {"$ref": "case.schema.json"}}
    return {
        "$schema": DIALECT,
        "title": "The answer to a case of forebear",
        "type": "object",
        "properties": {**more, **own},
        "required": [*more, *own],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _record(record: type, definitions: dict[str, Schema]) -> Schema:
    hints = typing.get_type_hints(record)
    fields = {field.name: _of(hints[field.name], definitions) for field in dataclasses.fields(record)}
    said = (record.__doc__ or "").strip().split("\n")[0]
    return {
        "description": said,
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def _of(hint: object, definitions: dict[str, Schema]) -> Schema:
    """The schema of a type. Raises TypeError for one that no record of an answer has."""
    plain: dict[object, Schema] = {
        str: {"type": "string"},
        bool: {"type": "boolean"},
        int: {"type": "integer"},
        float: {"type": ["number", "null"]},  # NaN is null
        type(None): {"type": "null"},
        object: {},
    }
    if hint in plain:
        return dict(plain[hint])
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    named = getattr(origin, "__value__", None)  # a named alias: `NDArray[...]` of NumPy 2.5
    if named is not None:
        return _of(named, definitions)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        if hint.__name__ not in definitions:
            definitions[hint.__name__] = {}
            definitions[hint.__name__] = _record(hint, definitions)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin in {typing.Union, types.UnionType}:
        return {"anyOf": [_of(argument, definitions) for argument in arguments]}
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return {"type": "array", "items": _of(arguments[0], definitions)}
    if origin is tuple:
        return {"type": "array", "prefixItems": [_of(a, definitions) for a in arguments], "minItems": len(arguments)}
    if origin is np.ndarray:
        return {"type": "array", "items": {"type": ["array", "number", "null"]}}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of(arguments[1], definitions)}
    raise TypeError(f"no schema for {hint}")


def case_schema() -> Schema:
    """Of a case file. Values may be written as numbers or as texts; YAML keeps their digits."""
    text: Schema = {"type": "string"}
    written: Schema = {"type": ["string", "number", "boolean"]}
    lines: Schema = {"type": ["array", "string"], "items": text}
    whole: Schema = {"type": ["integer", "string"], "pattern": "^[0-9]+$", "minimum": 0}
    layers: Schema = {"anyOf": [whole, {"type": "array", "items": whole, "maxItems": MOST_LAYERS}]}
    label = "^[A-Za-z][A-Za-z0-9_.]{0,23}$"
    model = dict.fromkeys(MODEL_KEYS, text) | {
        "role": {"enum": list(ROLES)},
        "released": {"type": "string", "format": "date"},
        "confirmed": {"enum": [True, False, "true", "false", "yes", "no"]},
    }
    claim = dict.fromkeys(CLAIM_KEYS, text) | dict.fromkeys(OPTIONS, written)
    claim |= {
        "metric": {"enum": list(METRICS)},
        "models": {"type": ["array", "string"], "items": text, "minItems": 1, "maxItems": 2},
        "tensors": lines,
        "layers": {"anyOf": [layers, {"type": "object", "additionalProperties": layers}]},
        "value": written,
        "tolerance": written,
        "bound": {"enum": ["above", "below"]},
    }
    case = dict.fromkeys(CASE_KEYS, text) | {
        "case": {"enum": [FORMAT, str(FORMAT)]},
        "models": {
            "type": "object",
            "propertyNames": {"pattern": label},
            "minProperties": 2,
            "maxProperties": MOST_MODELS,
            "additionalProperties": _closed(model, ["source", "role"]),
        },
        "claims": {"type": "array", "items": _closed(claim, ["metric", "models", "value"]), "maxItems": MOST_CLAIMS},
        "layers": layers,
        "mixed_layers": {"type": "object", "additionalProperties": whole},
        "high_ids": whole,
        "notes": lines,
        "sources": lines,
    }
    return {"$schema": DIALECT, "title": "A case of forebear", **_closed(case, ["case", "title", "models"])}


def _closed(properties: Mapping[str, object], required: list[str]) -> Schema:
    return {"type": "object", "properties": dict(properties), "required": required, "additionalProperties": False}


SCHEMAS = {"case.schema.json": case_schema, "case-result.schema.json": result_schema}
"""File -> what makes it."""


def text_of(name: str) -> str:
    """The text of a schema."""
    return json.dumps(SCHEMAS[name](), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    for name in SCHEMAS:
        (FOLDER / name).write_text(text_of(name), encoding="utf-8")


if __name__ == "__main__":
    main()
