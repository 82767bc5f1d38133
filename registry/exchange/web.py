"""A place behind an http or https address, which can be read and not written; the Hub is read by the same GET."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from huggingface_hub.utils import http_stream_backoff

from ...ingest.errors import FormatError, SourceError
from ...ingest.sources.hub_errors import CLIENT_ERROR
from .place import PlaceKind

_SECONDS = 30.0
"""A server that says nothing for so long is asked again."""
_TRIES = 4


def get(url: str, limit: int, headers: Mapping[str, str] | None = None) -> bytes | None:
    """The body of a URL, None for 404; asked again where that can help.

    Raises SourceError for any other refusal, FormatError for more than `limit` bytes.
    """
    asked = {**(headers or {}), "accept-encoding": "identity"}
    try:
        with http_stream_backoff("GET", url, max_retries=_TRIES, headers=asked, timeout=_SECONDS) as response:
            if response.status_code == 404:
                return None
            if response.status_code != 200:
                raise SourceError(f"{url}: the server answers with HTTP {response.status_code}")
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > limit:
                    raise FormatError(f"{url}: has more than {limit} bytes, the limit for it")
            return bytes(body)
    except CLIENT_ERROR as error:
        raise SourceError(f"{url}: cannot be read: {type(error).__name__}: {error}") from None


class Web:
    """Files below an address; no token is sent."""

    def __init__(self, address: str) -> None:
        split = urlsplit(address)
        if not split.hostname or split.query or split.fragment or "@" in split.netloc:
            raise SourceError(f"{address}: is no address of a folder; write https://host/path, without a password")
        self.name = address.rstrip("/")

    def read(self, path: str, limit: int) -> bytes | None:
        """See PublishedPlace."""
        return get(f"{self.name}/{quote(path)}", limit)

    def publish(self, files: Mapping[str, Path], manifest: bytes) -> None:
        """Raises SourceError: there is no one way to write by HTTP."""
        raise SourceError(f"{self.name}: can only be read; {_INSTEAD}")


_INSTEAD = "push to a folder that is served there, a bucket or the Hub"
KIND = PlaceKind(lambda address: address.startswith(("http://", "https://")), Web, _INSTEAD)
