"""Limits on every answer of the Hub, whichever function of huggingface_hub asks for it.

The shared client of huggingface_hub gets two hooks. They do nothing outside `guarded`; inside, they ask for bodies as
they are, refuse addresses that the Hub may not lead to, and count bytes, objects and seconds while a body arrives. A
compressed answer is refused before it is unpacked.

Limitations: a host that trickles its headers is left to a thread of its own, which ends with the connection. An
iterator of huggingface_hub that waits between two requests is ended by the seconds of the whole call.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from urllib.request import getproxies

from huggingface_hub.utils import get_session

from ..budget import Limit, beyond, json_memory
from ..errors import SourceError
from .hub_dates import respell
from .hub_patience import ANSWER_SECONDS, CALL_SECONDS, Transient
from .hub_places import check_peer, check_place

if TYPE_CHECKING:
    from httpx2 import Client, Request, Response  # httpx with huggingface_hub 1; never imported while running

T = TypeVar("T")

ANSWER_BYTES = Limit(32 << 20, "bytes of one answer of the Hub")
"""20,000 files with their hashes take 7 MB, 1,000 models of a list 0.2 MB, a card with thousands of scores 1 MB."""
ANSWER_MEMORY = Limit(128 << 20, "bytes of memory for the objects of one answer of the Hub")
"""By their counts 20,000 files take 30 MB, and what huggingface_hub makes of them as much again."""
ANSWERS = Limit(1000, "answers of the Hub to one question")
"""200,000 models are 200 pages; renamed repositories and storage need up to five."""


@dataclass(slots=True)
class Guard:
    """What one call may cost. Threads: `guarded` waits in one and works in another."""

    endpoint: str
    what: str
    answer_bytes: Limit = ANSWER_BYTES
    answer_seconds: Limit = ANSWER_SECONDS
    call_seconds: Limit = CALL_SECONDS
    objects: bool = True
    """Whether bodies are JSON, whose objects count too."""
    answers: int = 0
    began: float = field(default_factory=time.monotonic)
    asked: float | None = None
    """When the request began that is being answered, None between two."""
    given_up: bool = False
    notes: list[str] = field(default_factory=list)
    """What a person should know of the answers: dates that are none."""

    def check(self, limit: Limit, amount: int) -> None:
        """SourceError over a limit."""
        if message := beyond(limit, amount):
            raise SourceError(f"{self.what}: {self.endpoint}: {message}")

    def check_time(self) -> None:
        """SourceError when the call has taken too long, Transient when one answer has."""
        now = time.monotonic()
        self.check(self.call_seconds, int(now - self.began))
        if self.asked is not None and (message := beyond(self.answer_seconds, int(now - self.asked))):
            raise Transient(f"{self.endpoint}: too slow: {message}")


_guard: contextvars.ContextVar[Guard | None] = contextvars.ContextVar("forebear_guard", default=None)
_hooking = threading.Lock()
_PATIENCE = 0.2
"""Seconds between two looks at the clock while a request is out."""


def guarded(guard: Guard, call: Callable[[], T]) -> T:
    """The result of `call`, whose requests to the Hub are held to the limits of `guard`.

    Raises what `call` raises; SourceError over a limit or for an address that the Hub may not lead to; Transient where
    one answer took too long, its headers included.
    """
    done = threading.Event()
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        _guard.set(guard)
        try:
            _hook(get_session())
            results.append(call())
        except BaseException as error:  # handed on to the thread that waits
            errors.append(error)
        finally:
            done.set()

    threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True).start()
    try:
        while not done.wait(_PATIENCE):
            guard.check_time()
    except BaseException:
        guard.given_up = True
        raise
    if errors:
        raise errors[0]
    return results[0]


def _hook(client: Client) -> None:
    """Put the two hooks into the client of huggingface_hub, once; a program may have set one of its own."""
    with _hooking:
        hooks = client.event_hooks
        if _before not in hooks["request"]:
            client.event_hooks = {
                "request": [*hooks["request"], _before],
                "response": [*hooks["response"], _after],
            }


def _before(request: Request) -> None:
    """Every request, redirects and further pages too: refused before it is made."""
    if (guard := _guard.get()) is None:
        return
    if guard.given_up:
        raise SourceError(f"{guard.what}: given up")
    guard.asked = None
    guard.check_time()
    guard.answers += 1
    guard.check(ANSWERS, guard.answers)
    check_place(guard.endpoint, str(request.url))
    request.headers["accept-encoding"] = "identity"
    guard.asked = time.monotonic()


def _after(response: Response) -> None:
    """Every answer, before a byte of its body is taken."""
    if (guard := _guard.get()) is None:
        return
    _judge_peer(guard, response)
    if response.request.method == "HEAD":
        guard.asked = None
        return
    if response.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise SourceError(
            f"{guard.what}: {guard.endpoint} compresses what it sends, against the request; check proxies"
        )
    length = response.headers.get("content-length", "")
    if guard.objects and length.isascii() and length.isdigit():
        guard.check(guard.answer_bytes, int(length[:19]))
    # on the instance: every way to the body, the client's own for a redirect too, goes through it
    setattr(response, "iter_raw", partial(_received, guard, response.iter_raw))  # noqa: B010
    setattr(response, "json", partial(_dated, guard, response.json))  # noqa: B010


def _dated(guard: Guard, parsed: Callable[..., object], **given: object) -> object:
    """The JSON of an answer with every date in the one spelling that huggingface_hub reads."""
    answer = parsed(**given)
    guard.notes += respell(answer)
    return answer


def _judge_peer(guard: Guard, response: Response) -> None:
    """SourceError for an answer from an address that the Hub may not lead to; a proxy may stand at any."""
    with suppress(KeyError, TypeError, OSError):  # a client that does not say, a connection that is lost
        peer = response.extensions["network_stream"].get_extra_info("server_addr")[0]
        try:
            check_peer(guard.endpoint, str(response.request.url), peer)
        except SourceError:
            if not getproxies():  # asked last: it takes longer than all other checks
                raise


def _received(
    guard: Guard, chunks: Callable[[int | None], Iterator[bytes]], size: int | None = None
) -> Iterator[bytes]:
    """The chunks of a body as they come, counted."""
    total = memory = 0
    for chunk in chunks(size):
        total += len(chunk)
        memory += json_memory(chunk) if guard.objects else 0
        guard.check(guard.answer_bytes, total)
        guard.check(ANSWER_MEMORY, memory)
        guard.check_time()
        yield chunk
    guard.asked = None
