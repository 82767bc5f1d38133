"""The questions as tools for agents, by the official SDK of the Model Context Protocol. Needs `forebear[mcp]`.

A tool asks what the API's endpoint of its name asks, and its result has the same keys, as structured content with a
schema. Nothing can be changed, and no source is read that is not registered.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from functools import partial
from typing import Annotated, cast

import anyio
import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import Field

from ...ingest.errors import ForebearError
from ..audit.report import KINDS
from ..store.database import Place
from ..version import forebear_version
from . import contract
from .endpoints import API, Endpoint
from .forms import Forms
from .parameters import asked
from .site import Site
from .snapshot import Snapshots, file_of
from .view import NotThere, Unusable, View

_SAID = """Which machine-learning models come from which, found from their weights. Ask `models` for names first. An
E-value of 0.001 or less is significant; a direction of `unknown` means that which of two came first cannot be told, and
then neither is the ancestor. Cards' words (`declared`) are never part of a verdict."""
_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_ENDPOINTS = {one.name: one for one in API}
_KEPT = ("component", "component_b", "verdict", "sentence", "evidence")
"""What a comparison says of a component; its tables of figures are 100 kB and more, which the API has."""
_MOST_COMPONENTS, _MOST_EVIDENCE = 8, 24
"""Components of a comparison, and rows of evidence in each: the pair's own come first, then those of controls."""
Pattern = Annotated[str, Field(description="Part of a name, or globs of name and facts.")]
Statement = Annotated[str, Field(description="One SELECT, FROM, WITH, SHOW or DESCRIBE.")]
Name = Annotated[str, Field(description="A registered model: its name, name@revision, or source.")]
Rows = Annotated[int, Field(description="Rows for each component, unrelated ones included.", ge=1, le=100)]
Page = Annotated[int, Field(description="Which page of the list.", ge=1)]


class Tools:
    """The questions, a method a tool: its docstring is what the agent reads of it. One question at a time."""

    def __init__(self, site: Site, snapshots: Snapshots) -> None:
        self._site, self._snapshots = site, snapshots
        self._turn = anyio.CapacityLimiter(1)

    async def models(self, q: Pattern = "", page: Page = 1) -> contract.Models:
        """List registered models, 50 a page; filters as in 'org/* license=mit architecture=Llama*'."""
        return cast(contract.Models, await self._ask("models", q=q, page=page))

    async def model(self, name: Name) -> contract.OneModel:
        """What is kept of one model: facts, components, declared parents, and what of its weights was not read."""
        return cast(contract.OneModel, await self._ask("model", name=name))

    async def ancestors(self, name: Name, k: Rows = 10) -> contract.Ancestors:
        """Who a model comes from: ranked relatives, each with its reason, direction, probability and E-value."""
        return cast(contract.Ancestors, await self._ask("ancestors", name=name, k=k))

    async def descendants(self, name: Name, k: Rows = 10) -> contract.Descendants:
        """What came out of a model: ranked relatives, from the evidence of `ancestors`."""
        return cast(contract.Descendants, await self._ask("descendants", name=name, k=k))

    async def parts(self, name: Name) -> contract.Parts:
        """Which registered model explains each layer, expert or tower of a model."""
        return cast(contract.Parts, await self._ask("parts", name=name))

    async def recipe(self, name: Name) -> contract.Recipe:
        """What a merge was made of: parents, method and weights, proved by replay; none for what is no merge."""
        return cast(contract.Recipe, await self._ask("recipe", name=name))

    async def compare(self, a: Name, b: Name) -> contract.BriefComparison:
        """Two registered models side by side, beside controls that tell whether a likeness means anything.

        Verdicts and evidence alone, below 50 kB; `left_out` says what else there is, and how to get it.
        """
        return _brief(await self._ask("compare", a=a, b=b), a, b)

    async def audit(
        self,
        kind: Annotated[str, Field(description=f"{', '.join(KINDS[:-1])} or {KINDS[-1]}.")] = "",
        status: Annotated[str, Field(description="undeclared, contradicted, conflict, ...")] = "",
        name: Annotated[str, Field(description="Part of a model's name.")] = "",
        page: Page = 1,
    ) -> contract.Audit:
        """Findings of the newest audit: what cards declare beside what weights say, licence conflicts, duplicates."""
        return cast(contract.Audit, await self._ask("audit", kind=kind, status=status, name=name, page=page))

    async def sql(self, q: Statement) -> contract.Sql:
        """One read-only SQL query (DuckDB) on the registry; `SHOW TABLES` lists tables, `audit_latest` has findings."""
        return cast(contract.Sql, await self._ask("sql", q=q))

    async def _ask(self, question: str, /, **given: object) -> dict[str, object]:
        try:
            return await anyio.to_thread.run_sync(partial(self._work, _ENDPOINTS[question], given), limiter=self._turn)
        except (NotThere, Unusable, ForebearError) as error:
            raise ToolError(str(error)) from error

    def _work(self, endpoint: Endpoint, given: dict[str, object]) -> dict[str, object]:
        values = asked(endpoint.parameters, given)
        with self._snapshots.reading() as (registry, snapshot):
            answer = endpoint.run(self._site, View(registry, snapshot), values)
        found: dict[str, object] = json.loads(answer.body)
        return found


def _brief(found: dict[str, object], a: str, b: str) -> contract.BriefComparison:
    """A comparison without its tables of figures, and what was left out of it."""
    parts = cast(list[dict[str, object]], found["components"])
    tables = list(dict.fromkeys(key for part in parts for key in part if key not in _KEPT and part[key]))
    left_out = [f"tables of components: {', '.join(tables)}"] if tables else []
    if len(parts) > _MOST_COMPONENTS:
        left_out.append(f"{len(parts) - _MOST_COMPONENTS} of {len(parts)} components")
    components = []
    for part in parts[:_MOST_COMPONENTS]:
        rows = cast(list[dict[str, object]], part["evidence"])
        kept = [row if n == 0 else {k: row[k] for k in row if k != "roles"} for n, row in enumerate(rows)]
        if len(rows) > _MOST_EVIDENCE:
            left_out.append(f"{len(rows) - _MOST_EVIDENCE} of {len(rows)} rows of evidence of {part['component']}")
        components.append({**{key: part[key] for key in _KEPT}, "evidence": kept[:_MOST_EVIDENCE]})
    left_out.append("`roles` of evidence, but of its first row")
    command = f"forebear compare {shlex.quote(a)} {shlex.quote(b)} --format json"
    how = f"`{command}` and /api/compare of `forebear serve` have all"
    said = {key: found[key] for key in contract.Comparison.__annotations__ if key in found}
    if others := sorted(found.keys() - said.keys()):
        left_out.append(f"also {', '.join(others)}")
    return cast(contract.BriefComparison, said | {"components": components, "left_out": [*left_out, how]})


def tool_server(site: Site, snapshots: Snapshots) -> MCPServer:
    """A server with a tool a question."""
    own = Tools(site, snapshots)
    questions = (
        *(own.models, own.model, own.ancestors, own.descendants, own.parts, own.recipe, own.compare, own.audit),
        own.sql,
    )
    # at INFO the SDK would show its own log and ours on stderr, where nobody asked for one
    return MCPServer(
        "forebear",
        instructions=_SAID,
        version=forebear_version(),
        tools=[_tool(one) for one in questions],
        log_level="WARNING",
    )


def _tool(question: Callable[..., object]) -> Tool:
    """A question as a tool that refuses arguments which it does not have: the SDK would drop them without a word."""
    tool = Tool.from_function(question, annotations=_READS, structured_output=True)
    arguments = tool.fn_metadata.arg_model
    arguments.model_config["extra"] = "forbid"
    arguments.model_rebuild(force=True)
    tool.parameters = arguments.model_json_schema(by_alias=True)
    return tool


def serve_tools(place: Place, forms: Forms) -> None:
    """Serve the tools on stdin and stdout until stdin ends. Raises RegistryError when the registry cannot be read."""
    with Snapshots(file_of(place)) as snapshots:
        tool_server(Site(forms), snapshots).run("stdio")
