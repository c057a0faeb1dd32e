"""URLs: one spelling for one page.

``absolute_url`` spells a URL in one way without changing what it asks for (RFC 3986, section 6.2.2 and 6.2.3);
``canonical_url`` also drops what only says where a reader came from or which visit it is. The order of query
parameters is kept, because the canonical form is what is fetched and some servers care. Which URLs are articles is
the Site's business; ``rel=canonical`` is the extraction's.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

LONGEST = 4096
"""Longer URLs are refused: real articles have none, and traps do."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ENDS = "".join(map(chr, range(33)))  # white space and controls that browsers strip (WHATWG URL, 4.4)
_INSIDE = dict.fromkeys(map(ord, "\t\n\r"))
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_STRAY = re.compile("%(?![0-9A-Fa-f]{2})")
_NOTHING_TO_ESCAPE = re.compile("[A-Za-z0-9._~/=&-]*")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")

TRACKING_NAMES = frozenset(
    """
    fbclid gclid gclsrc dclid gbraid wbraid msclkid yclid twclid ttclid li_fat_id igshid igsh mc_cid mc_eid mkt_tok
    _hsenc _hsmi __hssc __hstc __hsfp hsctatracking vero_id vero_conv oly_enc_id oly_anon_id wickedid rb_clickid
    s_cid s_kwcid cmp cmpid cmpgn icid intcmp int_cmp ito ocid ncid wt_mc wt.mc_id xtor _ga _gl ef_id
    __twitter_impression guccounter guce_referrer guce_referrer_sig ns_mchannel ns_source ns_campaign ns_linkname
    ns_fee ns_ige at_medium at_campaign at_format at_creation at_variant at_ptr_name at_ptr_type at_bbc_team
    """.split()  # noqa: SIM905 - a list that people edit
)
"""Names of query parameters (lower case) that only say where a reader came from."""

SESSION_NAMES = frozenset("jsessionid phpsessid sessionid session_id sessid cfid cftoken aspsessionid zenid".split())  # noqa: SIM905
"""Names of query and path parameters (lower case) that only say which visit it is."""

_SESSION_IN_PATH = re.compile(
    r";(?:jsessionid|phpsessid|sessionid|sid)=[^/;?]*|/\([AFS]\([A-Za-z0-9_-]{8,}\)\)(?=/)", re.IGNORECASE
)

TRACKING_PREFIXES = ("utm_", "at_custom", "at_link_", "at_campaign_", "pk_", "mtm_", "matomo_", "piwik_", "hsa_")
"""Prefixes of such names."""


def absolute_url(url: str, base: str | None = None) -> str:
    """Spell a URL in one way, keeping all that the server sees.

    Scheme and host in lower case (IDNA for other scripts), no default port, no dot segments, escapes in upper
    case and only where needed, no fragment. Idempotent. A user name is an error: in what others write it is there
    to obscure the host (RFC 9110, section 4.2.4).

    Args:
        url: absolute, or relative to ``base``; white space around it is dropped.
        base: URL of the document it stood in.

    Raises:
        ValueError: it is no http or https URL, names a user, or is longer than ``LONGEST``.
    """
    text = url.strip(_ENDS).translate(_INSIDE)
    if base is not None and not text[:8].lower().startswith(("http://", "https://")):
        text = urljoin(base, text)
    if len(text) > LONGEST:
        raise ValueError(f"a URL of {len(text)} characters")
    parts = urlsplit(text)
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        raise ValueError(f"not an http or https URL: {text[:200]!r}")
    if "@" in parts.netloc:
        raise ValueError(f"a URL with a user name: {text[:200]!r}")
    host = _spell_host(parts.hostname or "")
    port = "" if parts.port in (None, _DEFAULT_PORTS[scheme]) else f":{parts.port}"
    path = _drop_dots(_spell(parts.path, keep="/:@!$&'()*+,;="))
    query = _spell(parts.query, keep="/?:@!$&'()*+,;=[]|")
    spelled = urlunsplit((scheme, host + port, path, query, ""))
    if len(spelled) > LONGEST:
        raise ValueError(f"a URL of {len(spelled)} characters")
    return spelled


def canonical_url(url: str, base: str | None = None) -> str:
    """The URL that names a page in the archive: ``absolute_url`` without tracking parameters and session ids.

    Args:
        url: absolute, or relative to ``base``.
        base: URL of the document it stood in.

    Raises:
        ValueError: it is no http or https URL.
    """
    spelled = absolute_url(url, base)
    head, mark, query = spelled.partition("?")
    if ";" in head or "/(" in head:
        head = _SESSION_IN_PATH.sub("", head)
    if not mark:
        return head
    kept = "&".join(part for part in query.split("&") if part and not _is_tracking(part))
    return f"{head}?{kept}" if kept else head


def _is_tracking(parameter: str) -> bool:
    name = unquote(parameter.partition("=")[0]).lower()
    return name in TRACKING_NAMES or name in SESSION_NAMES or name.startswith(TRACKING_PREFIXES)


@lru_cache(maxsize=1024)
def _spell_host(host: str) -> str:
    if ":" in host:
        if "%" in host:
            raise ValueError(f"an address with a zone, which is of one machine only: {host[:100]!r}")
        return f"[{IPv6Address(host).compressed}]"
    host = unquote(host)
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    host = host.lower().removesuffix(".")
    if len(host) > 253 or _HOST.fullmatch(host) is None:
        raise ValueError(f"not the name of a host: {host[:100]!r}")
    return host


def _spell(text: str, *, keep: str) -> str:
    if _NOTHING_TO_ESCAPE.fullmatch(text):
        return text

    def one(match: re.Match[str]) -> str:
        character = chr(int(match[1], 16))
        return character if character in _UNRESERVED else match[0].upper()

    return quote(_ESCAPE.sub(one, _STRAY.sub("%25", text)), safe=keep + "%")


def _drop_dots(path: str) -> str:
    """RFC 3986, section 5.2.4, for an absolute path."""
    if "/." not in path:
        return path or "/"
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
