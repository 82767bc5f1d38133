"""The OpenAPI 3.1 document, made from the table of endpoints and the types of the contract."""

from __future__ import annotations

import inspect
import types
from collections.abc import Sequence
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

from ..version import forebear_version
from .endpoints import Endpoint
from .parameters import Parameter

Schema = dict[str, Any]
_SIMPLE: dict[object, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    float: {"type": "number"},
    object: {},
    type(None): {"type": "null"},
}
_ERRORS = {
    "400": "A parameter is missing or cannot be meant.",
    "404": "What was asked about is not in the registry.",
    "409": "A name that several models have, or a question that the registry cannot answer.",
    "429": "Too many requests from this address.",
    "503": "There is too much to do, or the answer takes long; Retry-After says when to ask again.",
}


def openapi(endpoints: Sequence[Endpoint], *, allow_ingest: bool) -> Schema:
    """The document, with a path an endpoint."""
    paths: Schema = {one.path: {one.method.lower(): _operation(one)} for one in endpoints}
    if allow_ingest:
        paths["/api/ingest"] = _ingest()
    answers = [one.answer for one in endpoints if one.answer]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "forebear",
            "version": forebear_version(),
            "description": "Finds the ancestors of machine-learning models from their weights.",
        },
        "paths": paths,
        "components": {
            "schemas": {answer.__name__: _typed(answer) for answer in answers} | {"Error": _ERROR},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


_ERROR: Schema = {
    "type": "object",
    "description": "What is wrong, and what to do about it.",
    "properties": {"error": {"type": "string"}},
    "required": ["error"],
}


def _operation(endpoint: Endpoint) -> Schema:
    found: Schema = {"operationId": endpoint.name, "summary": endpoint.about, "responses": _responses(endpoint)}
    if endpoint.posts:
        found["requestBody"] = _body(endpoint.parameters)
    else:
        found["parameters"] = [
            {
                "name": one.name,
                "in": "query",
                "description": one.about,
                "required": one.default is None,
                "schema": _parameter(one),
            }
            for one in endpoint.parameters
        ]
    return found


def _responses(endpoint: Endpoint) -> Schema:
    name = endpoint.answer.__name__ if endpoint.answer else "Error"
    found: Schema = {
        "200": {
            "description": inspect.getdoc(endpoint.answer) or endpoint.about,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}},
        }
    }
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return found | {code: {"description": said, "content": error} for code, said in _ERRORS.items()}


def _body(parameters: Sequence[Parameter]) -> Schema:
    schema = {
        "type": "object",
        "properties": {one.name: _parameter(one) | {"description": one.about} for one in parameters},
        "required": [one.name for one in parameters if one.default is None],
        "additionalProperties": False,
    }
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _parameter(parameter: Parameter) -> Schema:
    if parameter.kind == "number":
        found: Schema = {"type": "integer", "minimum": parameter.least, "maximum": parameter.most}
    else:
        found = {"type": "string", "maxLength": parameter.most}
    if parameter.choices:
        found["enum"] = list(parameter.choices)
    if parameter.default is not None:
        found["default"] = parameter.default
    return found


def _ingest() -> Schema:
    said = {
        "202": "It waits to be read; ask again with GET.",
        "400": "No repository of the Hub.",
        "401": "The token is missing or not the right one.",
        "503": "Too many wait already.",
    }
    source = Parameter("source", "A repository of the Hub: org/name, or its address.", most=500)
    return {
        "post": {
            "operationId": "ingest",
            "summary": "Ingest a repository of the Hub.",
            "security": [{"token": []}],
            "requestBody": _body([source]),
            "responses": {code: {"description": text} for code, text in said.items()},
        },
        "get": {
            "operationId": "ingests",
            "summary": "What became of the repositories that were asked for.",
            "security": [{"token": []}],
            "responses": {"200": {"description": "Jobs, the newest first."}},
        },
    }


def _typed(kind: object) -> Schema:
    """The JSON schema of a type of the contract."""
    if kind in _SIMPLE:
        return dict(_SIMPLE[kind])
    if is_typeddict(kind) or hasattr(kind, "__required_keys__"):
        hints = get_type_hints(kind)
        return {
            "type": "object",
            "description": inspect.getdoc(kind),
            "properties": {name: _typed(hint) for name, hint in hints.items()},
            "required": sorted(hints),
        }
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is list:
        return {"type": "array", "items": _typed(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _typed(arguments[1]) or True}
    if origin is types.UnionType:
        return {"anyOf": [_typed(one) for one in arguments]}
    raise TypeError(f"{kind} has no schema")
