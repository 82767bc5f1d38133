"""Where requests may lead: a host of the open internet never sends the client to one that only the client can reach.

The rule: an address is allowed when it is public, of the same kind as the endpoint's own, or private where the endpoint
is this machine itself. A metadata service (169.254.169.254) or a database on loopback is out of reach of a redirect.

Limitations: behind a proxy the proxy resolves names, so only literal addresses and names that this machine
resolves are judged.
"""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

from ..errors import SourceError
from ..text import printable

Place = Literal["public", "private", "link-local", "loopback", "reserved"]


def place_of(address: str) -> Place:
    """The kind of an IP address in text; an IPv4 address inside an IPv6 one counts as itself, as do 6to4 and NAT64.

    Raises ValueError for what is no address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and (inner := _inner(ip)) is not None:
        ip = inner
    if ip.is_loopback:
        return "loopback"
    if ip.is_link_local:
        return "link-local"
    if ip.is_unspecified or ip.is_multicast:
        return "reserved"
    if ip.is_global:
        return "public"
    return "private" if ip.is_private or ip in _SHARED else "reserved"


_SHARED = ipaddress.ip_network("100.64.0.0/10")
"""Addresses between a provider and its customers (RFC 6598): neither global nor private to Python."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def _inner(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to: mapped (::ffff:a.b.c.d), 6to4, NAT64."""
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


def may_lead(endpoint: frozenset[Place], target: Place) -> bool:
    """Whether an endpoint at addresses of these kinds may lead to an address of kind `target`."""
    return target == "public" or target in endpoint or (target == "private" and "loopback" in endpoint)


def places_of(host: str) -> frozenset[Place]:
    """The kinds of all addresses of a host; empty where this machine cannot resolve it (a proxy may)."""
    try:
        return frozenset(place_of(address) for address in _addresses(host))
    except (OSError, UnicodeError):
        return frozenset()


@lru_cache(maxsize=256)
def _addresses(host: str) -> tuple[str, ...]:
    """What a name resolves to, asked once: the address that is connected to is checked again."""
    return tuple(str(row[4][0]) for row in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))


def check_place(endpoint: str, url: str) -> None:
    """SourceError for an address that the Hub at `endpoint` may not lead to; nothing has been sent there then."""
    host = urlsplit(url).hostname or ""
    if host != (urlsplit(endpoint).hostname or ""):
        for place in places_of(host):
            _check(endpoint, host, place)


def check_peer(endpoint: str, url: str, peer: str) -> None:
    """SourceError where a name led to another address than it did when it was checked: nothing is read from there."""
    host = urlsplit(url).hostname or ""
    if host != (urlsplit(endpoint).hostname or ""):
        _check(endpoint, host, place_of(peer))


def _check(endpoint: str, host: str, place: Place) -> None:
    if not may_lead(places_of(urlsplit(endpoint).hostname or ""), place):
        raise SourceError(
            f"{endpoint}: leads to {printable(host, 100)}, a {place} address, and is none itself; nothing was read"
            " there; check HF_ENDPOINT"
        )
