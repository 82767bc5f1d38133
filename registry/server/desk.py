"""Work for requests, bounded: few threads, short queues, a time limit, and every answer computed once a version.

A question that takes longer than its limit goes on and its answer is kept, so that asking again a moment later finds
it; the one who asked is told so (`Busy`). Python cannot stop a computation in a thread, so what bounds the work is the
number of threads and the length of the queue.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

from .snapshot import Snapshots
from .view import Answer, View

RestsOn = Literal["registry", "audit"]
"""What an answer is made of: all of the registry, or its newest audit alone, which never changes."""

Weight = Literal["light", "heavy", "console"]
"""`light` asks rows of tables, in milliseconds; `heavy` ranks, compares or draws, in tenths of seconds and more;
`console` waits for a process that runs SQL of a visitor."""


class Busy(Exception):
    """There is too much to do, or an answer takes long: ask again after some seconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Threads, requests that may wait for one, and seconds that a request waits, of each weight."""

    threads: int
    waiting: int
    seconds: float


LIMITS: dict[Weight, Limits] = {
    "light": Limits(2, 400, 60.0),
    "heavy": Limits(1, 32, 30.0),
    "console": Limits(1, 16, 20.0),
}
"""Of light work 400 may wait: two pages of each of 200 readers. They wait rather than fail where a machine is busy:
with 10 seconds 99 of 302 pages were refused on two cores that ten other processes used. One heavy thread leaves a
core."""
KEPT = 64 << 20
"""Bytes of answers that are kept for the next one who asks; those asked for longest ago go first."""


@dataclass(slots=True)
class _Room:
    """The threads of a weight, and how many requests are there."""

    limits: Limits
    pool: ThreadPoolExecutor
    present: int = 0


@dataclass(slots=True)
class _Kept:
    """Answers by version and question."""

    answers: OrderedDict[tuple[str, str], Answer] = field(default_factory=OrderedDict)
    size: int = 0

    def get(self, key: tuple[str, str]) -> Answer | None:
        found = self.answers.get(key)
        if found is not None:
            self.answers.move_to_end(key)
        return found

    def put(self, key: tuple[str, str], answer: Answer) -> None:
        if key in self.answers or len(answer.body) > KEPT // 4:
            return
        self.answers[key] = answer
        self.size += len(answer.body)
        while self.size > KEPT:
            _, dropped = self.answers.popitem(last=False)
            self.size -= len(dropped.body)


class Desk:
    """Takes questions from the event loop and answers them from the newest copy of the registry."""

    def __init__(self, snapshots: Snapshots, limits: dict[Weight, Limits] | None = None) -> None:
        self._snapshots = snapshots
        self._rooms = {
            weight: _Room(one, ThreadPoolExecutor(one.threads, weight)) for weight, one in (limits or LIMITS).items()
        }
        self._kept = _Kept()
        self._coming: dict[tuple[str, str], asyncio.Task[Answer]] = {}

    def close(self) -> None:
        """End the threads; what is being computed ends by itself."""
        for room in self._rooms.values():
            room.pool.shutdown(wait=True, cancel_futures=True)

    async def answer(
        self, question: str, weight: Weight, work: Callable[[View], Answer], rests_on: RestsOn = "registry"
    ) -> Answer:
        """The answer to `question`, which names everything that `work` depends on beside what it `rests_on`.

        What rests on the newest audit is computed once a run, and not again whenever a model comes. Raises Busy, and
        what `work` raises.
        """
        key = (self._snapshots.audit_version if rests_on == "audit" else self._snapshots.version), question
        if found := self._kept.get(key):
            return found
        room = self._rooms[weight]
        if (task := self._coming.get(key)) is None:
            if room.present >= room.limits.waiting:
                raise Busy("too many questions wait for an answer")
            task = self._coming[key] = asyncio.create_task(self._computed(key[1], room, work, rests_on))
            task.add_done_callback(lambda done: self._ended(key, done))
        try:
            return await asyncio.wait_for(asyncio.shield(task), room.limits.seconds)
        except TimeoutError as error:
            raise Busy("the answer takes long; it will be there in a moment") from error

    async def _computed(self, question: str, room: _Room, work: Callable[[View], Answer], rests_on: RestsOn) -> Answer:
        room.present += 1
        try:
            version, answer = await asyncio.get_running_loop().run_in_executor(room.pool, self._work, work, rests_on)
        finally:
            room.present -= 1
        self._kept.put((version, question), answer)
        return answer

    def _work(self, work: Callable[[View], Answer], rests_on: RestsOn) -> tuple[str, Answer]:
        with self._snapshots.reading() as (registry, snapshot):
            version = snapshot.audit_version if rests_on == "audit" else snapshot.version
            return version, work(View(registry, snapshot))

    def _ended(self, key: tuple[str, str], task: asyncio.Task[Answer]) -> None:
        """Forget a computation that ended; its exception was raised to whoever still waited."""
        self._coming.pop(key, None)
        if not task.cancelled():
            task.exception()


def etag(body: bytes) -> str:
    """A strong validator: equal for equal bytes alone."""
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
