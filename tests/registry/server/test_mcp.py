"""The tools, asked by the SDK's own client in memory: typed results, and errors that an agent can act on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from mcp import Client

from forebear.registry.cli.forms import forms
from forebear.registry.server.site import Site
from forebear.registry.server.snapshot import Snapshots
from forebear.registry.server.tools import _brief, tool_server

from .conftest import MODELS

Ask = Callable[[Callable[[Client], Coroutine[Any, Any, Any]]], Any]
NAMES = {"models", "model", "ancestors", "descendants", "parts", "recipe", "compare", "audit", "sql"}
CALLS: dict[str, dict[str, object]] = {
    "models": {"q": "alder"},
    "model": {"name": "alder-docs"},
    "ancestors": {"name": "alder-docs", "k": 3},
    "descendants": {"name": "alder"},
    "parts": {"name": "alder-docs"},
    "recipe": {"name": "birch"},
    "compare": {"a": "alder", "b": "birch"},
    "audit": {"kind": "ancestor"},
    "sql": {"q": "SELECT count(*) AS models FROM model"},
}


@pytest.fixture
def ask(snapshots: Snapshots) -> Ask:
    """Runs a conversation with the tools."""

    def run(talk: Callable[[Client], Coroutine[Any, Any, Any]]) -> Any:
        async def whole() -> Any:
            async with Client(tool_server(Site(forms()), snapshots)) as client:
                return await talk(client)

        return asyncio.run(whole())

    return run


def test_every_question_is_a_tool_with_typed_arguments_and_results(ask: Ask) -> None:
    found = ask(lambda client: client.list_tools()).tools
    assert {tool.name for tool in found} == NAMES == set(CALLS)
    for tool in found:
        assert tool.description and tool.annotations.read_only_hint
        assert "schema_version" in tool.output_schema["required"]
        assert tool.input_schema["additionalProperties"] is False
        assert all("description" in one for one in tool.input_schema["properties"].values())


def test_answers_are_structured_and_those_of_the_library(ask: Ask) -> None:
    async def talk(client: Client) -> dict[str, Any]:
        return {name: await client.call_tool(name, given) for name, given in CALLS.items()}

    found = ask(talk)
    assert not any(one.is_error for one in found.values())
    documents = {name: one.structured_content for name, one in found.items()}
    assert "alder" in {row["name"] for row in documents["ancestors"]["ancestors"] if row["rank"] == 1}
    assert documents["compare"]["verdict"] == "unrelated" and documents["sql"]["rows"] == [{"models": len(MODELS)}]
    assert "profiles" not in documents["compare"]["components"][0] and documents["compare"]["components"][0]["evidence"]
    assert all(row["kind"] == "ancestor" for row in documents["audit"]["findings"])


def test_a_comparison_is_short_enough_for_an_agent_and_says_what_is_left_out(ask: Ask) -> None:
    found = ask(lambda client: client.call_tool("compare", {"a": "alder", "b": "alder-docs"}))
    document = found.structured_content
    assert sum(len(part.text) for part in found.content) < 50_000
    first, *others = document["components"][0]["evidence"]
    assert (first["query"], first["candidate"]) == ("A", "B") and first["roles"] and others
    assert "summary" in document["left_out"][0] and "changes" in document["left_out"][0]
    assert "forebear compare alder alder-docs --format json" in document["left_out"][-1]


def test_a_comparison_of_many_components_and_controls_stays_short() -> None:
    rows = [{"query": "A", "candidate": f"C{i}", "roles": [{}]} for i in range(100)]
    part = {"component": "c", "component_b": "c", "verdict": "v", "sentence": "s", "evidence": rows, "summary": []}
    brief = _brief({"components": [part] * 30}, "a; b", "b")
    assert len(brief["components"]) == 8
    assert brief["left_out"][:2] == ["22 of 30 components", "76 of 100 rows of evidence of c"]
    assert "compare 'a; b' b" in brief["left_out"][-1]


def test_what_cannot_be_answered_is_an_error_that_says_why(ask: Ask) -> None:
    async def talk(client: Client) -> list[Any]:
        return [
            await client.call_tool("ancestors", {"name": "alder-dosc"}),
            await client.call_tool("ancestors", {"name": "/etc/passwd"}),
            await client.call_tool("sql", {"q": "DROP TABLE model"}),
            await client.call_tool("audit", {"kind": "nonsense"}),
            await client.call_tool("models", {"filter": "license=mit"}),
        ]

    found = ask(talk)
    assert all(one.is_error for one in found)
    said = [one.content[0].text for one in found]
    assert "did you mean 'alder-docs'" in said[0] and "not in the registry" in said[1]
    assert "refused" in said[2] and "kind is one of" in said[3]
    assert "filter" in said[4] and "not permitted" in said[4]


def test_the_sdk_logs_no_question_on_stderr(snapshots: Snapshots) -> None:
    assert tool_server(Site(forms()), snapshots).settings.log_level == "WARNING"
