"""What a site allows beyond robots.txt, as seen with one page: the snapshot that is kept with each capture.

Sources, and what is read of each:

- ``X-Robots-Tag`` and ``<meta name="robots">``, ``<meta name="muniment">``: directives for everybody and for us by
  name, not those for other bots; obeyed are ``noarchive`` (Bing's ``nocache``) and a past ``unavailable_after``;
- TDMRep (W3C Community Group report, 2024): reservation of text and data mining by ``<meta name="tdm-reservation">``,
  by the header of that name, or by ``/.well-known/tdmrep.json``; the nearer to the page, the stronger;
- ``/ai.txt``: there is no agreed meaning, so that its digest is kept and nothing follows from it.

Pure, and bounded: of a page the first 64 KiB of its decoded body are looked at, without building a tree.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from spiders.coding import BodyTooLarge, BodyUndecodable, decode_body
from spiders.robots import PRODUCT_TOKEN, RobotsRules
from spiders.site import CrawlRules

TDMREP_PATH: Final = "/.well-known/tdmrep.json"
AI_TXT_PATH: Final = "/ai.txt"
LARGEST_TDMREP: Final = 256 * 1024
MOST_TDM_RULES: Final = 1000
LOOKED_AT: Final = 64 * 1024
_FIRST_LOOK: Final = 16 * 1024
_BODY: Final = b"<body"
_MOST_TOLD: Final = 500  # characters of one value

_OURS: Final = PRODUCT_TOKEN.lower()
_VALUED: Final = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
"""Directives with a colon; any other word before a colon is the name of a bot."""
_NO_ARCHIVE: Final = frozenset({"noarchive", "nocache"})

_HINTS: Final = (b"robots", b"muniment", b"tdm-")
_MARKUP: Final = re.compile(
    rb"<!--(?:.*?-->|.*)|<(script|style|title|textarea|template|noscript|svg)\b(?:.*?</\1\b|.*)|<meta\b([^<>]{0,4000})>",
    re.DOTALL,
)
_ATTRIBUTE: Final = re.compile(
    rb"(?<![a-z-])([a-z][a-z-]{0,30})\s{0,20}=\s{0,20}(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))"
)
_NAMES: Final = frozenset({b"robots", _OURS.encode(), b"tdm-reservation", b"tdm-policy"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Directives:
    """What headers or meta elements say to us."""

    told: str = ""  # what was said, as it was said
    words: frozenset[str] = frozenset()
    unavailable_after: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reservation:
    """What one source says of text and data mining."""

    reserved: bool
    policy: str = ""  # URL of the policy
    rule: str = ""  # which entry of tdmrep.json


class TdmRep:
    """The entries of a ``tdmrep.json``; a file that is none has none.

    Args:
        body: decoded.
        digest: payload digest of what was received.
    """

    def __init__(self, body: bytes, digest: str = "") -> None:
        self.digest = digest
        self._entries = list(_read_tdmrep(body))

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, url: str) -> Reservation | None:
        """What the file says of a URL: its most specific location, of equals the first."""
        best: tuple[int, Reservation] | None = None
        for rules, reservation in self._entries:
            rule = rules.find_rule(url)
            if rule is not None and (best is None or rule.octets > best[0]):
                best = rule.octets, reservation
        return None if best is None else best[1]


def _read_tdmrep(body: bytes) -> Iterable[tuple[RobotsRules, Reservation]]:
    try:
        document = json.loads(body[:LARGEST_TDMREP].decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return
    for entry in document[:MOST_TDM_RULES] if isinstance(document, list) else ():
        if not isinstance(entry, dict):
            continue
        location, policy = entry.get("location"), entry.get("tdm-policy", "")
        reserved = _read_reservation(entry.get("tdm-reservation"))
        if not isinstance(location, str) or reserved is None or not location or len(location) > 2000:
            continue
        pattern = location if location.startswith(("/", "*")) else f"/{location}"
        if any(mark in pattern for mark in "\r\n#"):
            continue
        # Its patterns are those of robots.txt.
        rules = RobotsRules(f"User-agent: {PRODUCT_TOKEN}\nDisallow: {pattern}".encode())
        yield rules, Reservation(reserved=reserved, policy=_bound(policy), rule=_bound(location))


def _read_reservation(value: object) -> bool | None:
    text = str(value).strip().lower() if isinstance(value, str | int) else ""
    return {"1": True, "true": True, "0": False, "false": False}.get(text)


@dataclass(frozen=True, kw_only=True)
class SitePolicy:
    """What a host's own documents say.

    Args:
        robots: digest of its robots.txt; None: there is none, or it is ignored.
        tdmrep: its tdmrep.json.
        ai_txt: digest of its ai.txt.
    """

    robots: str | None = None
    tdmrep: TdmRep | None = None
    ai_txt: str | None = None

    @cached_property
    def told(self) -> dict[str, str]:
        """The part of a snapshot that is the same for all pages of the host."""
        said = {"robots": self.robots or "", "ai-txt": self.ai_txt or ""}
        return {name: value for name, value in said.items() if value}


def see_policy(
    site: SitePolicy,
    *,
    url: str,
    robots_rule: str | None,
    x_robots_tag: Iterable[str],
    tdm_reservation: str | None,
    tdm_policy: str | None,
    head: bytes | None,
) -> tuple[dict[str, str], Directives]:
    """The snapshot of one page, and the directives that a decision needs.

    Args:
        site: what the host's documents say.
        url: that answered.
        robots_rule: the line of robots.txt that applied.
        x_robots_tag: every header of that name.
        tdm_reservation: the header.
        tdm_policy: the header.
        head: the first bytes of the decoded body of an HTML page; None where there is no such.

    Returns:
        Names and values for ``Exchange.policy``, only of what was said; and what headers and page say to robots.
    """
    seen = dict(site.told)
    if robots_rule:
        seen["robots-rule"] = robots_rule
    by_header = read_robots_tags(x_robots_tag)
    meta = read_metas(head) if head else {}
    by_meta = read_robots_metas(meta)
    if by_header.told:
        seen["x-robots-tag"] = by_header.told
    if by_meta.told:
        seen["meta-robots"] = by_meta.told
    reservation = None
    if site.tdmrep is not None:
        reservation = site.tdmrep.find(url)
        if site.tdmrep.digest:
            seen["tdmrep"] = f"{site.tdmrep.digest} {reservation.rule}".rstrip() if reservation else site.tdmrep.digest
    for said, policy in (
        (tdm_reservation, tdm_policy),
        (_last(meta.get("tdm-reservation")), _last(meta.get("tdm-policy"))),
    ):
        reserved = _read_reservation(said) if said is not None else None
        if reserved is not None:
            reservation = Reservation(reserved=reserved, policy=_bound(policy or ""))
    if reservation is not None:
        seen["tdm-reservation"] = "1" if reservation.reserved else "0"
        if reservation.policy:
            seen["tdm-policy"] = reservation.policy
    if not by_meta.told:
        return seen, by_header
    ends = [moment for moment in (by_header.unavailable_after, by_meta.unavailable_after) if moment is not None]
    return seen, Directives(words=by_header.words | by_meta.words, unavailable_after=min(ends, default=None))


def find_objection(rules: CrawlRules, seen: Mapping[str, str], directives: Directives, now: datetime) -> str | None:
    """Why a page is not kept, by the site's settings; None when it may be."""
    if rules.noarchive == "obey":
        if directives.words & _NO_ARCHIVE:
            return "noarchive"
        if directives.unavailable_after is not None and directives.unavailable_after <= now:
            return "unavailable_after"
    if rules.tdm == "obey" and seen.get("tdm-reservation") == "1":
        return "tdm reserved"
    return None


# --- X-Robots-Tag and meta robots


def read_robots_tags(values: Iterable[str]) -> Directives:
    """The directives of ``X-Robots-Tag`` headers that are meant for everybody or for us.

    A name with a colon speaks to one bot until the end of its header ("otherbot: noindex, nofollow").
    """
    ours: list[str] = []
    for value in values:
        kept, for_us = [], True
        for part in _split_directives(value):
            name, mark, rest = part.partition(":")
            name = name.strip().lower()
            if mark and name not in _VALUED:
                for_us = name == _OURS
                part = rest.strip()
            if for_us and part:
                kept.append(part)
        ours += kept
    return _make_directives(ours)


def read_robots_metas(metas: Mapping[str, list[str]]) -> Directives:
    """The directives of ``meta name="robots"`` and of those with our name."""
    return _make_directives(
        [part for name in ("robots", _OURS) for value in metas.get(name, ()) for part in _split_directives(value)]
    )


def _split_directives(value: str) -> list[str]:
    """Parts between commas; the comma inside the date of unavailable_after separates nothing."""
    parts: list[str] = []
    for part in value[:4000].split(","):
        before = parts[-1] if parts else ""
        if before and re.fullmatch(r"(?i)(?:[\w-]+\s*:\s*)?unavailable_after\s*:\s*[a-z]{3,9}", before):
            parts[-1] = f"{before},{part}"
        elif part.strip():
            parts.append(part.strip())
    return parts


def _make_directives(parts: list[str]) -> Directives:
    if not parts:
        return _NONE_TOLD
    words, ends = set(), None
    for part in parts:
        name, mark, rest = part.partition(":")
        word = name.strip().lower()
        words.add(word)
        if mark and word == "unavailable_after":
            ends = _read_date(rest.strip()) or ends
    return Directives(told=_bound(", ".join(parts)), words=frozenset(words), unavailable_after=ends)


_NONE_TOLD: Final = Directives()


def _read_date(text: str) -> datetime | None:
    """RFC 822, RFC 850 and ISO 8601, as Google takes them; a date without a zone is in UTC."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError, IndexError, TypeError):
            continue
    return None


def read_metas(head: bytes) -> dict[str, list[str]]:
    """The contents of meta elements that speak of policy, by name; of the first 64 KiB of a page.

    Comments, scripts and the like are passed over.
    """
    head = head[:LOOKED_AT]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.decode("utf-16", "ignore").encode("utf-8", "replace")
    small = head.lower()
    if not any(hint in small for hint in _HINTS):
        return {}
    found: dict[str, list[str]] = {}
    for match in _MARKUP.finditer(small):
        if match[2] is None:
            continue
        start = match.start(2)
        attributes: dict[bytes, bytes] = {}
        for attribute in _ATTRIBUTE.finditer(match[2]):
            group = attribute.lastindex or 2
            attributes.setdefault(attribute[1], head[start + attribute.start(group) : start + attribute.end(group)])
        name = attributes.get(b"name", b"").strip().lower()
        if name in _NAMES and (content := attributes.get(b"content", b"").strip()):
            found.setdefault(name.decode(), []).append(content.decode("utf-8", "replace"))
    return found


def read_head(payload: bytes, content_encoding: str, limit: int) -> bytes:
    """The first bytes of a page, decoded, up to ``<body``; empty where they cannot be.

    Args:
        payload: as received.
        content_encoding: the header's value.
        limit: bytes that a whole decoded body may have, for codings that are not undone in part.
    """
    coding = content_encoding.strip().lower()
    if not coding or coding == "identity":
        return _cut_body(payload[:LOOKED_AT])
    if coding in ("gzip", "x-gzip", "deflate"):
        # 32: zlib's or gzip's header, whichever is there
        machine = zlib.decompressobj(zlib.MAX_WBITS | 32)
        try:
            head = machine.decompress(payload, _FIRST_LOOK)
            if _BODY not in head:
                head += machine.decompress(machine.unconsumed_tail, LOOKED_AT - _FIRST_LOOK)
            return _cut_body(head)
        except zlib.error:
            pass
    try:
        return _cut_body(decode_body(payload, content_encoding, limit)[:LOOKED_AT])
    except (BodyTooLarge, BodyUndecodable):
        return b""


def _cut_body(head: bytes) -> bytes:
    """What stands before ``<body``: meta elements do, and most heads are short."""
    at = head.find(_BODY)
    return head if at < 0 else head[:at]


def has_markup(content_type: str | None) -> bool:
    """Whether a body of this type may hold meta elements."""
    return content_type is None or "html" in content_type.lower() or not content_type.strip()


def host_of(url: str) -> str:
    """Origin of a URL: scheme, name and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _last(values: list[str] | None) -> str | None:
    return values[-1] if values else None


def _bound(text: object) -> str:
    return " ".join(str(text).split())[:_MOST_TOLD] if isinstance(text, str) else ""
