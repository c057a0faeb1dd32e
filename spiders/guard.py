"""Where the crawl may not go: addresses that are nobody's web site.

A page can redirect to a router, a database or a cloud's metadata service, and a name can resolve to one. Three
nets, because each has holes: the URL is looked at before anything is asked (``refuse_url``), names that resolve
to a private address do not resolve (``PublicResolver``), and the address of the connection that was made is
looked at before a byte is sent (``refuse_address``, called by ``spiders.capture``), which no change of a name's
address in between can escape.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from scrapy.resolver import CachingThreadedResolver
from twisted.internet.defer import Deferred

_TRANSLATED = (IPv6Network("64:ff9b::/96"),)  # NAT64, RFC 6052: the last 32 bits are an IPv4 address
_MORE = frozenset({"168.63.129.16"})  # Azure's host: a public address with a private service
_LOCAL_NAMES = (".localhost", ".local", ".internal", ".home.arpa")


class AddressRefused(Exception):
    """A private, loopback, link-local, multicast or otherwise not public address."""


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
        if not inner.is_global or inner.is_multicast or inner.is_reserved or str(inner) in _MORE:
            return f"{address} is not a public address"
    return None


def refuse_url(url: str) -> str | None:
    """Why a URL is not fetched, as far as its text says; None when it may be."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return f"scheme {parts.scheme[:20]!r}"
    host = (parts.hostname or "").removesuffix(".")
    if host == "localhost" or host.endswith(_LOCAL_NAMES) or ("." not in host and ":" not in host):
        return f"{host[:60]!r} is a local name"
    last = host.rpartition(".")[2]
    if ":" in host or last.isdigit() or last.startswith("0x"):  # a literal, perhaps in one of inet_aton's spellings
        return refuse_address(host)
    return None


def _unwrap(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address and what is wrapped in it: mapped, 6to4, Teredo, NAT64."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    wrapped = [address.sixtofour, *(address.teredo or ())]
    for network in _TRANSLATED:
        if address in network:
            return [IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address, *(inner for inner in wrapped if inner is not None)]


class PublicResolver(CachingThreadedResolver):
    """Scrapy's resolver, which does not know names of addresses that are not public."""

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> Deferred[str]:  # noqa: N802 - Twisted's name
        """Resolve; fails with AddressRefused."""
        return super().getHostByName(name, timeout).addCallback(_only_public, name)


def find_refused_name(name: str) -> str | None:
    """Why a name was not resolved by ``PublicResolver``; None when that was not its doing.

    Twisted turns whatever a resolver raises into "not found"; this is how the truth gets out.
    """
    return _refused_names.get(name)


_refused_names: dict[str, str] = {}


def _only_public(address: str, name: str) -> str:
    reason = refuse_address(address)
    if reason is not None:
        _refused_names[name] = f"{name}: {reason}"
        raise AddressRefused(_refused_names[name])
    return address
