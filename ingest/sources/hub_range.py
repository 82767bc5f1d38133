"""One guarded GET of a byte range: what comes is what was asked for, or nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from huggingface_hub.errors import OfflineModeIsEnabled
from huggingface_hub.utils import get_session

from ..errors import SourceError
from .hub_errors import CLIENT_ERROR, check_transient, offline, transport
from .hub_patience import Patience, Transient

_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")
_REFUSED = frozenset({400, 401, 403, 404, 410})


class Refused(Exception):
    """An address that is not served, or not any more: signed addresses expire."""


@dataclass(frozen=True, slots=True)
class Span:
    """`length` bytes (at least one) from `offset` of a file of `size` bytes."""

    offset: int
    length: int
    size: int

    def __str__(self) -> str:
        return f"bytes {self.offset} to {self.offset + self.length - 1}"


@dataclass(frozen=True, slots=True)
class Piece:
    """The bytes of a span, and the ETag of the whole file that the host sent with them."""

    data: bytes
    etag: str | None


def get_range(
    url: str, headers: Mapping[str, str], span: Span, what: str, *, patience: Patience, follow: bool
) -> Piece:
    """The bytes of `span` by one request.

    Raises Transient for what another try may not meet (429, 5xx, a body that ends early), Refused for an address that
    is not served, and SourceError for an answer that contradicts the request or the file's size.
    """
    asked = {**headers, "range": f"bytes={span.offset}-{span.offset + span.length - 1}", "accept-encoding": "identity"}
    timeout = (patience.connect, patience.timeout, patience.timeout, None)
    deadline = time.monotonic() + patience.seconds(span.length)
    try:
        with get_session().stream("GET", url, headers=asked, timeout=timeout, follow_redirects=follow) as answer:
            if answer.status_code in _REFUSED or answer.is_redirect:
                raise Refused(f"HTTP {answer.status_code}")
            check_transient(answer.status_code, answer.headers, "the host of the file")
            _check_answer(answer.status_code, answer.headers, span, f"{what}: {span}")
            data = _receive(answer.iter_raw(), span, f"{what}: {span}", deadline)
            return Piece(data, answer.headers.get("etag"))
    except OfflineModeIsEnabled:
        raise offline(what) from None
    except CLIENT_ERROR as error:
        raise transport(error, f"{span}") from None


def _check_answer(status: int, headers: Mapping[str, str], span: Span, where: str) -> None:
    """Everything that the headers tell, before a byte of the body is taken."""
    if status == 416:
        raise SourceError(f"{where}: lie behind the end of the file, which has changed; start again")
    if status == 200 and span.length != span.size:
        raise SourceError(f"{where}: the host sends the whole file instead of a range; nothing of it was read")
    if status not in (200, 206):
        raise SourceError(f"{where}: the host answers with HTTP {status}; check HF_ENDPOINT and proxies")
    if headers.get("content-encoding", "identity") != "identity":
        raise SourceError(f"{where}: the host compresses what it sends, against the request; check proxies")
    if status == 206:
        _check_range(headers.get("content-range", ""), span, where)
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:19]) > span.length:
        raise SourceError(f"{where}: the host announces {length[:19]} bytes, more than was asked for; check proxies")


def _check_range(content_range: str, span: Span, where: str) -> None:
    found = _CONTENT_RANGE.fullmatch(content_range.strip())
    if not found or (int(found[1]), int(found[2])) != (span.offset, span.offset + span.length - 1):
        raise SourceError(f"{where}: the host sends another range than was asked for; check proxies")
    if found[3] != "*" and int(found[3]) != span.size:
        raise SourceError(f"{where}: the file has changed: {found[3]} bytes instead of {span.size}; start again")


def _receive(chunks: Iterable[bytes], span: Span, where: str, deadline: float) -> bytes:
    """The body, given up as soon as it is longer than the span or takes too long."""
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > span.length:
            raise SourceError(f"{where}: the host sends more bytes than were asked for; check proxies")
        if time.monotonic() > deadline:
            raise Transient(f"{span}: too slow, {len(body)} of {span.length} bytes came")
    if len(body) < span.length:
        raise Transient(f"{span}: only {len(body)} of {span.length} bytes came")
    return bytes(body)
