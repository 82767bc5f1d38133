"""How requests are tried again: backoff with jitter, what a host asks for, and an end to it."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from ..budget import Limit
from ..errors import SourceError

_log = logging.getLogger(__name__)
T = TypeVar("T")
ANSWER_SECONDS = Limit(120, "seconds for one answer of the Hub")
"""The Hub answers within a second, at its slowest within ten."""
CALL_SECONDS = Limit(1800, "seconds for one question to the Hub")
"""200 pages of a list take two to three minutes."""


class Transient(Exception):
    """A failure that another try may not meet; `wait` is how many seconds the host asked for, if it did."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits of one request, in seconds: `tries` with waits that double from `first` to `most`.

    A host may ask for a wait of up to `longest` (the Hub's limits are counted over five minutes). `timeout` is the
    longest silence; a body may take that and one second more for each `slowest` bytes. `answer` and `call` bound one
    answer of the Hub's API and all answers to one question, headers included.
    """

    tries: int = 6
    first: float = 0.5
    most: float = 8.0
    longest: float = 300.0
    connect: float = 10.0
    timeout: float = 30.0
    slowest: int = 16 << 10
    answer: Limit = ANSWER_SECONDS
    call: Limit = CALL_SECONDS

    def seconds(self, length: int) -> float:
        """How long a body of `length` bytes may take as a whole: a host that trickles holds no thread for ever."""
        return self.timeout + length / self.slowest


class Retries:
    """Carries out requests under one Patience. Threads share it: when a host asks one to wait, all of them wait."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self._lock = threading.Lock()
        self._resume = 0.0
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Wake every thread that waits, and let none begin another try: they raise SourceError."""
        self._stopped.set()

    def run(self, what: str, attempt: Callable[[], T]) -> T:
        """The result of `attempt`, called again while it raises Transient; SourceError when the tries are used up."""
        failure = Transient("not tried")
        for number in range(self.patience.tries):
            self._hold(what)
            try:
                return attempt()
            except Transient as error:
                failure = error
            _log.info("%s: %s (try %d of %d)", what, failure, number + 1, self.patience.tries)
            if number + 1 < self.patience.tries:
                self._wait(number, failure, what)
        raise SourceError(f"{what}: {failure} ({self.patience.tries} tries); try again later")

    def _wait(self, number: int, failure: Transient, what: str) -> None:
        if failure.wait is None:
            delay = min(self.patience.most, self.patience.first * 2**number)
            self._stopped.wait(delay * random.uniform(0.5, 1.0))
        elif failure.wait > self.patience.longest:
            raise SourceError(f"{what}: {failure}, and asks for {failure.wait:.0f} s of patience; try again later")
        else:
            with self._lock:
                self._resume = max(self._resume, time.monotonic() + failure.wait)

    def _hold(self, what: str) -> None:
        """Sleep until the moment that a host named, and a little longer, so that not all threads return at once."""
        with self._lock:
            resume = self._resume
        if (left := resume - time.monotonic()) > 0:
            self._stopped.wait(left + random.uniform(0, self.patience.first))
        if self._stopped.is_set():
            raise SourceError(f"{what}: not read, its source was closed")


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that a host asks to wait: Retry-After (seconds or a date, RFC 9110) or an exhausted RateLimit."""
    from huggingface_hub.utils import parse_ratelimit_headers

    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    if value:
        try:
            return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
        except (ValueError, TypeError):
            return None
    limits = parse_ratelimit_headers(headers)
    return float(limits.reset_in_seconds) if limits and limits.remaining == 0 else None
