"""What every request passes: names of the host, size, rate, origin; and the headers that every answer has.

A page of a stranger's site must not use a server on its reader's machine: a request has to name the server by a name
that it was given (which rebinding of DNS cannot), and what changes or costs something is refused when it comes from
another site. No answer may be read by other origins, as there are no CORS headers.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

LARGEST_BODY = 65_536
LONGEST_ADDRESS = 16_384
_TRACKED = 10_000
"""Addresses whose requests are counted; those heard of longest ago are forgotten first."""
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "interest-cohort=()",
}
"""Of every answer. The policy lets a page load its own style, script and images, and the images inside it."""


class Refused(Exception):
    """A request that is not answered: the status, and why."""

    def __init__(self, status: int, why: str, *, retry: int | None = None) -> None:
        super().__init__(why)
        self.status = status
        self.retry = retry


@dataclass(slots=True)
class Rates:
    """A bucket an address: `burst` requests at once, then `rate` a second; without a rate there is no limit."""

    rate: float
    burst: float
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, address: str, cost: float = 1.0) -> None:
        """Count a request. Raises Refused when there were too many."""
        if self.rate <= 0:
            return
        now = time.monotonic()
        left, since = self._buckets.pop(address, (self.burst, now))
        left = min(self.burst, left + (now - since) * self.rate)
        if left < cost:
            self._buckets[address] = (left, now)
            raise Refused(429, "too many requests from this address", retry=1 + int((cost - left) / self.rate))
        self._buckets[address] = (left - cost, now)
        while len(self._buckets) > _TRACKED:
            self._buckets.popitem(last=False)


def check_host(host: str, names: Collection[str]) -> None:
    """Refuse a request that names this server otherwise than by `names` (without ports)."""
    try:
        name = urlsplit(f"//{host}").hostname if host and len(host) < 300 and "/" not in host else None
    except ValueError:  # brackets that hold no address
        name = None
    if name is None or name.lower() not in names:
        raise Refused(421, "this server has another name; start it with --name to give it this one")


def check_origin(headers: Mapping[str, str]) -> None:
    """Refuse what another site sends: a browser says so in Sec-Fetch-Site, older ones in Origin."""
    site = headers.get("sec-fetch-site", "")
    if site not in {"", "same-origin", "none"}:
        raise Refused(403, "asked from another site")
    origin = headers.get("origin")
    if origin is not None and not _same(origin, headers.get("host", "")):
        raise Refused(403, "asked from another site")


def _same(origin: str, host: str) -> bool:
    try:
        return urlsplit(origin).netloc == host
    except ValueError:
        return False


def check_size(headers: Mapping[str, str], path: str, query: bytes) -> None:
    """Refuse addresses and bodies that are too long, by what the headers say."""
    if len(path) + len(query) > LONGEST_ADDRESS:
        raise Refused(414, f"an address has at most {LONGEST_ADDRESS} characters")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:12]) > LARGEST_BODY:
        raise Refused(413, f"a body has at most {LARGEST_BODY} bytes")
