"""An OpenAI-compatible endpoint, asked for one next token: POST ADDRESS/completions, temperature 0.

Answers are hostile until read: their size, time and form are bounded, no redirect is followed, and the key is never
sent in the clear to another machine. Messages name the host alone, as an address may hold a secret.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from typing import IO
from urllib.parse import urlsplit

from ...ingest.errors import SourceError
from .record import LONGEST_TOKEN

TRIES = 4
"""Of one prompt, with waits of 1, 2 and 4 seconds between them."""
SECONDS = 60.0
"""Until an endpoint sends something: a first answer may load a model."""
_LARGEST = 1 << 20
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Prompts and the key go to the address that was given, and nowhere else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to ask: the address up to and with /v1, the model's name there, the key, and seconds between tries."""

    address: str
    model: str
    key: str | None = None
    waits: Sequence[float] = (1.0, 2.0, 4.0)
    seconds: float = SECONDS

    def host(self) -> str:
        """Raises SourceError for an address that is none of http or https, or to which a key must not be sent."""
        try:
            parts = urlsplit(self.address)
            host = parts.hostname if parts.scheme in {"http", "https"} else None
        except ValueError:
            raise SourceError("the endpoint's address is none that can be read") from None
        if not host:
            raise SourceError("the endpoint's address must begin with https:// or http://")
        if self.key and parts.scheme == "http" and host not in _LOOPBACK:
            raise SourceError(f"{host}: a key is not sent unencrypted; write https://, or unset FOREBEAR_OUTPUTS_KEY")
        return host

    def next_token(self, prompt: str) -> str:
        """The next token's text. Raises SourceError when it refuses, stays away or answers something else."""
        host = self.host()
        body = {"model": self.model, "prompt": prompt, "max_tokens": 1, "temperature": 0, "seed": 0}
        why = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(self.waits[min(attempt, len(self.waits)) - 1])
            try:
                return _token(self._post(json.dumps(body).encode(), host), host)
            except urllib.error.HTTPError as error:
                why = f"answers with {error.code}"
                error.close()
                if error.code not in _PASSING:
                    break
            except (OSError, http.client.HTTPException) as error:
                why = f"cannot be reached ({type(error).__name__})"
            except ValueError as error:
                raise SourceError(f"{host}: the endpoint's address or key is not valid in a request") from error
        raise SourceError(f"{host} {why}; run the command again to go on from what is kept")

    def _post(self, data: bytes, host: str) -> bytes:
        headers = {"Content-Type": "application/json", "User-Agent": "forebear"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(f"{self.address.rstrip('/')}/completions", data, headers, method="POST")
        until = time.monotonic() + self.seconds
        held = bytearray()
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=self.seconds) as answer:
            while piece := answer.read1(1 << 16):
                held += piece
                if len(held) > _LARGEST:
                    raise SourceError(
                        f"{host}: the answer is larger than {_LARGEST >> 20} MB; ask an endpoint of models"
                    )
                if time.monotonic() > until:
                    raise TimeoutError
        return bytes(held)


def _token(data: bytes, host: str) -> str:
    try:
        text = json.loads(data)["choices"][0]["text"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise SourceError(f"{host}: the answer is not that of /v1/completions (choices[0].text)") from error
    if not isinstance(text, str) or len(text) > LONGEST_TOKEN:
        raise SourceError(f"{host}: choices[0].text is not the text of one token")
    return text
