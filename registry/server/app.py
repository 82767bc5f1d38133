"""The ASGI application: requests in, answers of the endpoints out, the guard before them. Needs `forebear[serve]`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...ingest.errors import ForebearError
from .desk import Busy, Desk, etag
from .endpoints import API, PAGES, Endpoint
from .guard import HEADERS, LARGEST_BODY, Rates, Refused, check_host, check_origin, check_size
from .ingests import Ingests
from .openapi import openapi
from .parameters import Asked, asked
from .ranker import Ranker
from .site import Site
from .snapshot import Snapshots
from .view import HTML, JSON, Answer, NotThere, Unusable, View, json_answer

_STATIC = Path(__file__).parent / "static"
_MEDIA = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_RETRY = 3
"""Seconds after which to ask again when there is too much to do."""
_COST = {"light": 0.0, "heavy": 4.0, "console": 9.0}
"""Requests that a question counts for beside itself."""
_TITLES = {400: "This cannot be meant", 404: "Not there", 409: "No answer", 503: "Ask again in a moment"}
Handler = Callable[[Request], Awaitable[Response]]
Work = Callable[[Endpoint, Asked, View], Answer]
"""What answers a question of an endpoint from a copy."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a server allows: the names that it answers to, requests a second of an address, and how many at once."""

    names: frozenset[str] = frozenset({"127.0.0.1", "localhost", "::1"})
    rate: float = 30.0
    burst: float = 200.0


def application(site: Site, snapshots: Snapshots, ingests: Ingests, settings: Settings) -> ASGIApp:
    """The application. It closes what it opened itself, not `snapshots`."""
    desk, ranker = Desk(snapshots), Ranker(site)

    def work(endpoint: Endpoint, values: Asked, view: View) -> Answer:
        if endpoint.weight == "heavy":
            return ranker.answer(view.snapshot, endpoint.path, values)
        return endpoint.run(site, view, values)

    rates = Rates(settings.rate, settings.burst)
    routes = [Route(one.path, partial(_answered, one, work, desk, rates), methods=["GET"]) for one in PAGES]
    routes += [Route(one.path, partial(_answered, one, work, desk, rates), methods=[one.method]) for one in API]
    document = json.dumps(openapi(API, allow_ingest=ingests.allowed)).encode()
    routes += [
        _fixed("/api/openapi.json", Answer(document, JSON)),
        _fixed("/api", site.page("api.html", endpoints=API)),
    ]
    routes += [
        _fixed(f"/static/{path.name}", Answer(path.read_bytes(), _MEDIA[path.suffix]), age=3_600)
        for path in sorted(_STATIC.iterdir())
        if path.suffix in _MEDIA
    ]
    routes += [Route("/healthz", partial(_health, snapshots), methods=["GET"])]
    routes += _ingest_routes(site, ingests)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await ingests.close()
        desk.close()
        ranker.close()

    handlers = {
        kind: partial(_trouble, site)
        for kind in (NotThere, Unusable, Busy, Refused, ForebearError, 404, 405, Exception)
    }
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers)
    return Guard(app, site, settings, rates)


class Guard:
    """Checks every request before the application sees it, and gives every answer its headers."""

    def __init__(self, app: ASGIApp, site: Site, settings: Settings, rates: Rates) -> None:
        self._app, self._site, self._settings, self._rates = app, site, settings, rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                more = [(n.lower().encode(), v.encode()) for n, v in HEADERS.items() if n.lower().encode() not in given]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            check_host(headers.get("host", ""), self._settings.names)
            check_size(headers, scope["path"], scope["query_string"])
            self._rates.take(scope["client"][0] if scope.get("client") else "")
            if scope["method"] not in {"GET", "HEAD"}:
                check_origin(headers)
            elif scope["query_string"] and scope["path"] == "/sql":
                check_origin(headers)  # a query of SQL costs more than a page
            await self._app(scope, _limited(receive), headed)
        except Refused as error:
            response = _response(_told(self._site, scope["path"], error.status, str(error)), {})
            if error.retry:
                response.headers["Retry-After"] = str(error.retry)
            await response(scope, receive, headed)


def _limited(receive: Receive) -> Receive:
    """A body of at most LARGEST_BODY bytes, also where no length was announced."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > LARGEST_BODY:
            raise Refused(413, f"a body has at most {LARGEST_BODY} bytes")
        return message

    return limited


async def _answered(endpoint: Endpoint, work: Work, desk: Desk, rates: Rates, request: Request) -> Response:
    values = asked(endpoint.parameters, await _given(endpoint, request))
    if extra := _COST[endpoint.weight]:
        rates.take(request.client.host if request.client else "", extra)
    question = json.dumps([endpoint.path, values.values], sort_keys=True)
    answer = await desk.answer(question, endpoint.weight, partial(work, endpoint, values), endpoint.rests_on)
    return _response(answer, {"Cache-Control": "no-cache"}, request)


async def _given(endpoint: Endpoint, request: Request) -> dict[str, object]:
    """The parameters of a request: of its address, or of the JSON object in its body."""
    if not endpoint.posts:
        pairs = parse_qsl(request.url.query, keep_blank_values=True, max_num_fields=50)
        given: dict[str, object] = dict(pairs)
        if len(given) != len(pairs):
            raise Unusable("a parameter stands twice")
        return given
    return await _posted(request)


async def _posted(request: Request) -> dict[str, object]:
    """The JSON object of a body. Raises Unusable for anything else."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise Unusable("the body is JSON: send Content-Type: application/json")
    try:
        found = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise Unusable("the body is no JSON") from error
    if not isinstance(found, dict):
        raise Unusable("the body is a JSON object")
    return found


def _response(answer: Answer, headers: dict[str, str], request: Request | None = None) -> Response:
    """The answer, or that it did not change since it was read."""
    given = {"ETag": etag(answer.body), **headers, **answer.headers}
    if answer.status == 200 and request is not None:
        known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
        if given["ETag"] in known or "*" in known:
            return Response(status_code=304, headers=given)
    if answer.status != 200:
        given = {"Cache-Control": "no-store"}
    return Response(answer.body, answer.status, given, answer.media)


def _fixed(path: str, answer: Answer, age: int = 0) -> Route:
    """What is the same as long as the server runs."""
    caching = {"Cache-Control": f"max-age={age}" if age else "no-cache"}

    async def respond(request: Request) -> Response:
        return _response(answer, caching, request)

    return Route(path, respond, methods=["GET"])


async def _health(snapshots: Snapshots, request: Request) -> Response:
    return _response(json_answer({"registry_version": snapshots.version}), {"Cache-Control": "no-store"})


async def _trouble(site: Site, request: Request, error: Exception) -> Response:
    """What went wrong, in words; of what is not expected nothing is told but that."""
    status, why = 500, "this is a bug of forebear; the log of the server has more"
    match error:
        case NotThere():
            status, why = 404, str(error)
        case Unusable():
            status, why = 400, str(error)
        case Busy():
            status, why = 503, f"{error}; ask again"
        case Refused():
            status, why = error.status, str(error)
        case ForebearError():
            status, why = 409, str(error)
        case _ if (code := getattr(error, "status_code", None)) in {404, 405}:
            status, why = int(code), "there is no such page" if code == 404 else "this is not asked that way"
    response = _response(_told(site, request.url.path, status, why), {})
    response.headers.update(getattr(error, "headers", None) or {})  # of a 405: which methods there are
    if status == 503:
        response.headers["Retry-After"] = str(_RETRY)
    if isinstance(error, Refused) and error.retry:
        response.headers["Retry-After"] = str(error.retry)
    return response


def _told(site: Site, path: str, status: int, why: str) -> Answer:
    if path.startswith("/api/"):
        return Answer(json.dumps({"error": why}).encode(), JSON, status=status)
    title = _TITLES.get(status, "Refused" if status < 500 else "Something went wrong")
    return site.page("trouble.html", HTML, status, title=title, reason=why)


def _ingest_routes(site: Site, ingests: Ingests) -> Sequence[Route]:
    """Asking for repositories to be ingested; there only where it is allowed."""
    if not ingests.allowed:
        return []

    def page(said: str, status: int = 200) -> Response:
        answer = site.page("ingest.html", HTML, status, said=said, jobs=list(ingests.jobs))
        return Response(answer.body, answer.status, {"Cache-Control": "no-store"}, HTML)

    async def form(request: Request) -> Response:
        if request.method == "GET":
            answer = site.page("ingest.html", said="", jobs=[])
            return Response(answer.body, 200, {"Cache-Control": "no-store"}, HTML)
        fields = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), max_num_fields=10))
        if not ingests.knows(fields.get("token", "")):
            raise Refused(401, "the token is not the right one")
        return page(f"{ingests.add(fields.get('source', '')).source} waits to be read.", 202)

    async def api(request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not ingests.knows(token.strip()):
            raise Refused(401, "send the token: Authorization: Bearer TOKEN")
        if request.method == "GET":
            jobs = [{"source": j.source, "status": j.status, "reason": j.reason} for j in ingests.jobs]
            return _response(json_answer({"jobs": jobs}), {"Cache-Control": "no-store"})
        source = (await _posted(request)).get("source")
        if not isinstance(source, str):
            raise Unusable("source is missing: a repository of the Hub")
        job = ingests.add(source)
        return _response(json_answer({"source": job.source, "status": job.status}, status=202), {})

    return [
        Route("/ingest", form, methods=["GET", "POST"]),
        Route("/api/ingest", api, methods=["GET", "POST"]),
    ]
