"""The REST API: the documents of the commands, their OpenAPI description, validators and limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from forebear.registry.server.endpoints import API
from forebear.registry.server.parameters import asked
from forebear.registry.server.view import Unusable

from ..conftest import Run
from .conftest import MODELS

ASKED = {
    "models": "q=alder",
    "model": "name=alder-docs",
    "ancestors": "name=alder-docs&k=3",
    "descendants": "name=alder&k=3",
    "parts": "name=alder-docs",
    "recipe": "name=birch",
    "tree": "",
    "compare": "a=alder&b=birch",
    "audit": "kind=ancestor",
}


def fits(schema: dict[str, Any], value: object, schemas: dict[str, Any]) -> bool:
    """Whether a value is of a schema, of what the description uses of JSON Schema."""
    if "$ref" in schema:
        return fits(schemas[schema["$ref"].rpartition("/")[2]], value, schemas)
    if "anyOf" in schema:
        return any(fits(one, value, schemas) for one in schema["anyOf"])
    kinds: dict[str, Any] = {"string": str, "integer": int, "boolean": bool, "number": (int, float)}
    match schema.get("type"):
        case "object":
            if not isinstance(value, dict) or not set(schema.get("required", ())) <= value.keys():
                return False
            return all(fits(one, value[name], schemas) for name, one in schema.get("properties", {}).items())
        case "array":
            return isinstance(value, list) and all(fits(schema["items"], one, schemas) for one in value)
        case "null":
            return value is None
        case None:
            return True
        case kind:
            return isinstance(value, kinds[kind]) and (kind == "boolean" or not isinstance(value, bool))


@pytest.mark.parametrize("name", ASKED)
def test_every_answer_is_as_the_published_description_says(client: TestClient, name: str) -> None:
    description = client.get("/api/openapi.json").json()
    schemas = description["components"]["schemas"]
    operation = description["paths"][f"/api/{name}"]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    found = client.get(f"/api/{name}?{ASKED[name]}")
    assert found.status_code == 200 and fits(schema, found.json(), schemas)
    assert not fits(schema, {}, schemas)
    assert "registry.duckdb" not in found.text and "/forebear-serve-" not in found.text


def test_the_description_has_every_endpoint_and_every_parameter(client: TestClient) -> None:
    found = client.get("/api/openapi.json").json()
    assert found["openapi"].startswith("3.1") and found["paths"].keys() == {one.path for one in API}
    for one in API:
        operation = found["paths"][one.path][one.method.lower()]
        if not one.posts:
            assert [p["name"] for p in operation["parameters"]] == [p.name for p in one.parameters]


@pytest.mark.parametrize("command", [("ancestors", "alder-docs"), ("parts", "alder-docs"), ("show", "alder-docs")])
def test_a_document_is_that_of_the_command(
    client: TestClient, run: Run, audited_zoo: Path, command: tuple[str, str]
) -> None:
    name = {"show": "model"}.get(command[0], command[0])
    printed = json.loads(run("--registry", audited_zoo, *command, "--format", "json").out)
    assert client.get(f"/api/{name}?name={command[1]}").json() == printed


def test_sql_answers_and_refuses_what_the_command_refuses(client: TestClient) -> None:
    def ask(text: str) -> tuple[int, Any]:
        found = client.post("/api/sql", json={"q": text})
        return found.status_code, found.json()

    assert ask("SELECT count(*) AS models FROM model")[1]["rows"] == [{"models": len(MODELS)}]
    for count, more in ((5_000, True), (1_001, True), (1_000, False)):
        answer = ask(f"FROM range({count})")[1]
        assert (len(answer["rows"]), answer["more"]) == (1_000, more)
    assert "the first 1000 rows of more" in client.get("/sql?q=FROM range(1001)").text
    for text, said in (
        ("DROP TABLE model", "refused"),
        ("FROM read_csv('/etc/passwd')", "disabled"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("SELECT nothing FROM model", "nothing"),
    ):
        status, answer = ask(text)
        assert status == 400 and said in answer["error"], text
    assert ask("SELECT count(*) AS models FROM model")[1]["rows"] == [{"models": len(MODELS)}]


def test_a_query_that_takes_too_long_is_ended(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebear.registry.server.pages.console.SECONDS", 1.0)
    text = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3"
    found = client.post("/api/sql", json={"q": text})
    assert found.status_code == 400 and "took longer than 1 s" in found.json()["error"]


def test_what_did_not_change_is_not_sent_again(client: TestClient) -> None:
    for path in ("/model?name=alder", "/api/model?name=alder", "/static/site.css", "/api/openapi.json"):
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304 and not again.content and again.headers["etag"] == first.headers["etag"]
        assert client.get(path, headers={"If-None-Match": "*"}).status_code == 304
        other = client.get(path, headers={"If-None-Match": '"something else"'})
        assert other.status_code == 200 and other.content == first.content


@pytest.mark.parametrize(
    "query",
    ["name=a&name=b", "", "name=alder&k=0", "name=alder&k=101", "name=alder&k=x", "name=alder&other=1", "name=%00"],
)
def test_a_question_that_cannot_be_meant_is_refused_with_its_reason(client: TestClient, query: str) -> None:
    found = client.get(f"/api/ancestors?{query}")
    assert found.status_code == 400 and found.json()["error"]


def test_parameters_have_a_length() -> None:
    (one,) = (e for e in API if e.name == "model")
    with pytest.raises(Unusable, match="2001 characters"):
        asked(one.parameters, {"name": "x" * 2001})
