"""Repositories that somebody with the token asked to ingest: one at a time, each by `forebear ingest` in a process.

Only repositories of the Hub are read, never files of this machine. The command waits for the registry as any other
does, and lets go of it while it reads.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from ...ingest.errors import SourceError
from ...ingest.sources import remote_spec
from .desk import Busy
from .view import Unusable

MOST_WAITING = 16
SECONDS = 3_600.0
"""Of one repository: reading 0.1 % of a large one takes minutes, a host that stalls ends here at last."""
_REMEMBERED = 100


@dataclass(slots=True)
class Job:
    """A repository, and what became of it: waiting, reading, or the status of its outcome, with a reason."""

    source: str
    status: str = "waiting"
    reason: str = ""


class Ingests:
    """The queue and the jobs that were. `token` opens it; None keeps it shut."""

    def __init__(self, place: Path, token: str | None, *, budget: int | None = None) -> None:
        self._place, self._token, self._budget = place, token, budget
        self._waiting: asyncio.Queue[Job] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.jobs: deque[Job] = deque(maxlen=_REMEMBERED)

    @property
    def allowed(self) -> bool:
        """Whether models may be added at all."""
        return self._token is not None

    def knows(self, token: str) -> bool:
        """Whether it is the token, compared in constant time."""
        return self._token is not None and hmac.compare_digest(token.encode(), self._token.encode())

    def add(self, source: str) -> Job:
        """Put a repository into the queue. Raises Unusable for what is none, Busy when too many wait."""
        text = source.strip()
        try:
            spec = remote_spec(text if "://" in text else f"hf://{text}") if 0 < len(text) <= 500 else None
        except SourceError as error:
            raise Unusable(str(error)) from error
        if spec is None or spec.startswith(("-", "@")):
            raise Unusable("a source is a repository of the Hub: org/name, org/name@revision, or its address")
        if self._waiting.qsize() >= MOST_WAITING:
            raise Busy("too many repositories wait to be read")
        job = Job(spec)
        self.jobs.appendleft(job)
        self._waiting.put_nowait(job)
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return job

    async def close(self) -> None:
        """End the process that reads, if there is one; what was reported as ingested is kept."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            job = await self._waiting.get()
            job.status = "reading"
            job.status, job.reason = await self._ingested(job.source)

    async def _ingested(self, spec: str) -> tuple[str, str]:
        command = [sys.executable, "-m", "forebear.registry.cli", "--registry", str(self._place), "ingest", spec]
        command += ["--format", "json", "--quiet", *(["--budget", str(self._budget)] if self._budget else [])]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
        try:
            out, err = await asyncio.wait_for(process.communicate(), SECONDS)
        except TimeoutError:
            return "failed", f"it took longer than {SECONDS:.0f} s"
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        try:
            found = json.loads(out)["results"][0]
        except (ValueError, KeyError, IndexError):
            return "failed", err.decode(errors="replace")[-500:].strip()
        return str(found["status"]), str(found.get("reason") or "")
