"""Findings to a web address, as JSON: what an alert or a chat takes.

A request is tried a few times, as hosts are away for moments; what the host refuses is not tried again, and no redirect
is followed. The address may hold a secret, so messages name its host alone.
"""

from __future__ import annotations

import http.client
import json
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from email.message import Message
from typing import IO
from urllib.parse import urlsplit

from ...ingest.errors import SourceError

_log = logging.getLogger(__name__)

TRIES = 4
"""Of one request: with waits of 1, 2 and 4 seconds between them, a host that restarts is back."""
SECONDS = 10.0
"""For one answer: a webhook that takes longer is not there."""
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that say "later" (RFC 9110, RFC 6585, RFC 8470)."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Findings go where somebody has said, and nowhere else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


def post_findings(url: str, document: object, *, waits: Sequence[float] = (1.0, 2.0, 4.0)) -> None:
    """Post a JSON document; one of the 2xx ends it. `waits` are seconds before the second try and those after it.

    Raises SourceError for an address that is none of http or https, for a refusal, and when the last try failed.
    """
    host = webhook_host(url)
    data = json.dumps(document, allow_nan=False).encode()
    why = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(waits[min(attempt, len(waits)) - 1])
        try:
            _post(url, data)
            return
        except urllib.error.HTTPError as error:
            why = f"answers with {error.code}"
            error.close()
            if error.code not in _PASSING:
                break
        except (OSError, http.client.HTTPException) as error:
            why = f"cannot be reached ({getattr(error, 'reason', None) or type(error).__name__})"
        _log.info("%s %s; try %d of %d", host, why, attempt + 1, TRIES)
    raise SourceError(f"--on-finding: {host} {why}; the findings stand in the output of this run alone")


def webhook_host(url: str) -> str:
    """The host of an address that findings go to. Raises SourceError for one that is none of http or https."""
    try:
        parts = urlsplit(url)
        host = parts.hostname if parts.scheme in {"http", "https"} else None
    except ValueError:
        host = None
    if not host:
        raise SourceError("--on-finding: write an address that begins with https:// or http://")
    return host


def _post(url: str, data: bytes) -> None:
    headers = {"Content-Type": "application/json", "User-Agent": "forebear"}
    request = urllib.request.Request(url, data, headers, method="POST")
    with urllib.request.build_opener(_NoRedirect).open(request, timeout=SECONDS):
        return
