"""Where the crawl may not go: addresses that are nobody's web site, and ports that are no web server's.

A page can redirect to a router, a database or a cloud's metadata service, and a name can resolve to one. Three
nets, because each has holes: the URL is looked at before anything is asked (``refuse_url``), names of which any
address is private do not resolve (``PublicResolver``), and the address of the connection that was made is
looked at before a byte is sent (``refuse_address``, called by ``spiders.capture``), which no change of a name's
address in between can escape. Ports are looked at in the URL (``refuse_port``).

The crawl speaks IPv4 alone: a name that has only IPv6 addresses is not resolved. IPv6 addresses are judged all the
same, because URLs spell them.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, NoReturn
from urllib.parse import urlsplit

from scrapy.resolver import CachingThreadedResolver, dnscache
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import DNSLookupError
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

_TRANSLATED = (IPv6Network("64:ff9b::/96"),)  # NAT64, RFC 6052: the last 32 bits are an IPv4 address
_MORE: tuple[IPv4Network | IPv6Network, ...] = (  # what Python calls global and is no web site's
    IPv4Network("168.63.129.16/32"),  # Azure's host: a public address with a private service
    IPv4Network("192.0.0.0/24"),  # protocol assignments (RFC 6890), among them Oracle's metadata service
    IPv4Network("192.88.99.0/24"),  # 6to4 relays, given up (RFC 7526)
    IPv6Network("fec0::/10"),  # site-local, given up (RFC 3879), still routed inside some networks
    IPv6Network("3fff::/20"),  # documentation (RFC 9637)
)
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})  # RFC 5214: an IPv4 address follows in the last 32 bits
_LOCAL_NAMES = (".localhost", ".localdomain", ".local", ".internal", ".intranet", ".lan", ".home.arpa")
_WEB_PORTS = frozenset({80, 443})


class AddressRefused(Exception):
    """A private, loopback, link-local, multicast or otherwise not public address."""

    reason = "private address"


class PortRefused(AddressRefused):
    """A port on which no web site is expected, and which the site's file does not name."""

    reason = "port not allowed"


def refuse_address(address: str) -> str | None:
    """Why an IP address is not fetched from; None when it may be.

    Args:
        address: IPv4 or IPv6 in text, perhaps with a zone.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return f"{address[:60]!r} is no IP address"
    for inner in _unwrap(parsed):
        if (
            not inner.is_global
            or inner.is_multicast
            or inner.is_reserved
            or any(inner in network for network in _MORE if network.version == inner.version)
        ):
            return f"{address} is not a public address"
    return None


def refuse_url(url: str) -> str | None:
    """Why a URL is not fetched, as far as its text says; None when it may be."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return "not a URL"
    if parts.scheme not in ("http", "https"):
        return f"scheme {parts.scheme[:20]!r}"
    if "@" in parts.netloc:
        return "it names a user"
    if host == "localhost" or host.endswith(_LOCAL_NAMES) or ("." not in host and ":" not in host):
        return f"{host[:60]!r} is a local name"
    last = host.rpartition(".")[2]
    if ":" in host or last.isdigit() or last.startswith("0x"):  # a literal, perhaps in one of inet_aton's spellings
        return refuse_address(host)
    return None


def refuse_port(url: str, named: Collection[str]) -> str | None:
    """Why a URL's port is not connected to; None when it may be.

    Args:
        url: an absolute one.
        named: hosts with ports (``news.example:8080``) that the site's file names.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "not a port"
    if port is None or port in _WEB_PORTS or parts.netloc.rpartition("@")[2].lower() in named:
        return None
    return f"port {port} of {parts.hostname}"


def _unwrap(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address and what is wrapped in it: mapped, 6to4, Teredo, NAT64, ISATAP."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    wrapped = [address.sixtofour, *(address.teredo or ())]
    for network in _TRANSLATED:
        if address in network:
            return [IPv4Address(int(address) & 0xFFFFFFFF)]
    if int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
        wrapped.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [address, *(inner for inner in wrapped if inner is not None)]


class PublicResolver(CachingThreadedResolver):
    """Scrapy's resolver, which does not know names of addresses that are not public.

    All IPv4 addresses of a name are looked at, and one that is not public refuses the name: which of them a
    connection would go to is chance. What was found is kept for the whole run, so a name cannot change its address.
    """

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> Deferred[str]:  # noqa: ARG002, N802 - Twisted's
        """The first address of a name; fails with DNSLookupError, and ``find_refused_name`` may say more."""
        if name in dnscache:
            return succeed(dnscache[name])
        reactor: Any = self.reactor
        looked: Deferred[Any] = deferToThreadPool(reactor, reactor.getThreadPool(), _look_up, name)
        looked.addTimeout(self.timeout, reactor)
        looked.addCallbacks(_choose_public, _not_found, callbackArgs=(name,), errbackArgs=(name,))
        if dnscache.limit:
            looked.addCallback(self._cache_result, name)
        return looked


def find_refused_name(name: str) -> str | None:
    """Why a name was not resolved by ``PublicResolver``; None when that was not its doing.

    Twisted turns whatever a resolver raises into "not found"; this is how the truth gets out.
    """
    return _refused_names.get(name)


_refused_names: dict[str, str] = {}


def _look_up(name: str) -> list[str]:
    """All IPv4 addresses of a name, in the resolver's order."""
    found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def _choose_public(addresses: Sequence[str], name: str) -> str:
    for address in addresses:
        reason = refuse_address(address)
        if reason is not None:
            _refused_names[name] = f"{name}: {reason}"
            raise DNSLookupError(_refused_names[name])
    if not addresses:
        raise DNSLookupError(f"{name} has no address")
    return addresses[0]


def _not_found(failure: Failure, name: str) -> NoReturn:
    raise DNSLookupError(f"{name}: {failure.getErrorMessage()}")
