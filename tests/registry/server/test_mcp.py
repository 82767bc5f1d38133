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
from forebear.registry.server.tools import tool_server

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
