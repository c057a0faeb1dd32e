"""What a host's robots.txt lets us do (RFC 9309), with Crawl-delay as everybody understands it; and our name there.

No answer, 5xx or 429: nothing is allowed. Other 4xx: everything is. The first 512 KiB count. Fetching and recording are
``spiders.fetch``'s business, remembering from run to run ``spiders.hosts``'.

The rules are read here and not by Protego, which Scrapy brings along, because the line that applied is kept with each
capture and because Protego differs from the RFC where it matters: it takes a group for ``Mun`` as ours and one for
``Muniment/1.0`` as not ours, counts a Crawl-delay between two user agents as the end of a group, allows ``/`` where
``/index.html`` is allowed, matches ``$`` inside a pattern's end as a character too, and breaks lines at characters that
end none (``tests/spiders/test_robots.py`` holds both against the RFC).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from urllib.parse import urlsplit

PRODUCT_TOKEN = "Muniment"  # noqa: S105 - RFC 9309's word for our name in robots.txt
PARSED_BYTES = 512 * 1024
LONGEST_DELAY = 600.0
"""Crawl-delays above this are taken as this, in seconds: more means "do not come", and Disallow says that."""

_KINDS = {
    **dict.fromkeys((b"user-agent", b"useragent", b"user agent"), "agent"),
    **dict.fromkeys((b"disallow", b"dissallow", b"dissalow", b"disalow", b"diasllow", b"disallaw"), "disallow"),
    b"allow": "allow",
    **dict.fromkeys((b"crawl-delay", b"crawldelay", b"crawl delay"), "delay"),
}
"""Lines that we read; misspellings of Disallow that are common count, because their writers meant it."""

_EOL = re.compile(rb"\r\n|\n|\r")
_TOKEN = re.compile(rb"[A-Za-z_-]+")
_PLAIN = re.compile(rb"[A-Za-z0-9._~/=&?,;:@!$'()*+-]*")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})|%")
_BEYOND = re.compile(rb"[^\x21-\x24\x26-\x7e%]|[\"<>\\^`{|}]")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_RESERVED = frozenset(b":/?#[]@!$&'()*+,;=")
_STAY_IN_PATH = frozenset(b"/?#%")
_STAY_IN_QUERY = frozenset(b"#%")


def name_user_agent(version: str, contact: str) -> str:
    """Who we say we are (RFC 9110, 10.1.5).

    Raises:
        ValueError: the contact cannot stand in a header.
    """
    if not contact.isascii() or not contact.isprintable() or set(contact) & set("()\\"):
        raise ValueError(f"the contact {contact!r} cannot stand in a user agent")
    return f"{PRODUCT_TOKEN}/{version} (+{contact})" if contact else f"{PRODUCT_TOKEN}/{version}"


class Rule(NamedTuple):
    """One Allow or Disallow line of a group."""

    allow: bool
    line: str  # as it is told: "Disallow: /private"
    octets: int  # length of the pattern, by which the most specific rule is found
    spellings: tuple[_Pattern, ...]

    def matches(self, target: bytes) -> bool:
        """Whether the rule speaks of a path with its query, spelled by ``_spell``."""
        return any(pattern.matches(target) for pattern in self.spellings)


class _Pattern(NamedTuple):
    """A path pattern: literal parts between the stars, each spelled by ``_spell``."""

    parts: tuple[bytes, ...]
    anchored: bool

    def matches(self, target: bytes) -> bool:
        first, *rest = self.parts
        if not target.startswith(first):
            return False
        if not rest:
            return not self.anchored or target == first
        at = len(first)
        *middle, last = rest
        for part in middle:
            found = target.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        if self.anchored:
            return len(target) - len(last) >= at and target.endswith(last)
        return target.find(last, at) >= 0


class RobotsRules:
    """The rules of a robots.txt for one product token.

    Args:
        body: the file, decoded; what stands behind ``PARSED_BYTES`` does not count.
        token: our name.
    """

    def __init__(self, body: bytes, token: str = PRODUCT_TOKEN) -> None:
        ours, everybody = _read_groups(body[:PARSED_BYTES], token.lower().encode())
        group = everybody if ours is None else ours
        self.rules: tuple[Rule, ...] = ()
        self.crawl_delay: float | None = None
        if group is not None:
            # The most octets first, and Allow before a Disallow of the same length: the first that matches applies.
            self.rules = tuple(sorted(group.rules, key=lambda rule: (-rule.octets, not rule.allow)))
            self.crawl_delay = group.delay

    def find_rule(self, url: str) -> Rule | None:
        """The rule that applies to a URL; None when none does, which allows it."""
        if not self.rules:
            return None
        parts = urlsplit(url)
        path = parts.path or "/"
        if path == "/robots.txt":
            return None
        target = _spell_target(f"{path}?{parts.query}" if parts.query or url.endswith("?") else path)
        return next((rule for rule in self.rules if rule.matches(target)), None)


class _Group:
    """The rules for some user agents, merged from all places where they are named (RFC 9309, 2.2.1)."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.delay: float | None = None

    def add(self, kind: str, value: bytes) -> None:
        if kind == "delay":
            if (delay := _read_delay(value)) is not None:
                self.delay = max(delay, self.delay or 0.0)
        elif value:  # "Disallow:" with nothing behind it matches nothing
            self.rules.append(_make_rule(kind, value))


def _read_groups(body: bytes, token: bytes) -> tuple[_Group | None, _Group | None]:
    """The group for our token and the one for everybody; None for one that is not there."""
    found: dict[bytes, _Group] = {}
    current: list[_Group] = []
    naming = False  # the last line that counts named a user agent
    delayed = blank = False  # since then: a Crawl-delay, and an empty line after it
    for raw in _EOL.split(body.removeprefix(b"\xef\xbb\xbf")):
        line = raw.partition(b"#")[0].strip()
        if not line:
            blank = blank or (delayed and not raw.strip())
            continue
        kind, value = _read_line(line)
        if kind == "agent":
            # The RFC has "other records" such as Crawl-delay not end the naming of agents; but where an empty line
            # follows one, its writer has ended a group in the way of 1994.
            if not naming or (delayed and blank):
                current = []
            naming, delayed, blank = True, False, False
            name = _read_token(value)
            if name in (token, b"*"):
                group = found.setdefault(name, _Group())
                if group not in current:
                    current.append(group)
        elif kind:
            if kind == "delay":
                delayed = True
            else:
                naming = False
            for group in current:
                group.add(kind, value)
    return found.get(token), found.get(b"*")


def _read_line(line: bytes) -> tuple[str, bytes]:
    name, mark, value = line.partition(b":")
    kind = _KINDS.get(name.strip().lower())
    if mark and kind:
        return kind, value.strip()
    words = line.split(None, 1)  # "Disallow /x": a forgotten colon
    if len(words) == 2 and (kind := _KINDS.get(words[0].lower())):
        return kind, words[1].strip()
    return "", b""


def _read_token(value: bytes) -> bytes:
    """The product token of a user-agent line, small letters: "Muniment/1.0 (x)" is about Muniment."""
    if value.startswith(b"*"):
        return b"*" if len(value) == 1 or value[1:2].isspace() else b""
    token = _TOKEN.match(value)
    return token[0].lower() if token else b""


def _read_delay(value: bytes) -> float | None:
    try:
        delay = float(value)
    except ValueError:
        return None
    return delay if math.isfinite(delay) and delay >= 0 else None


def _make_rule(kind: str, value: bytes) -> Rule:
    told = f"{kind.capitalize()}: {value.decode('utf-8', 'replace')}"
    anchored = value.endswith(b"$")
    pieces = value.removesuffix(b"$").split(b"*") if anchored else value.split(b"*")
    spellings = [_Pattern(_spell_pieces(pieces, in_query=False), anchored)]
    if len(pieces) > 1 and b"?" not in value:  # "*x=/a" may stand in a query, where a slash is spelled otherwise
        other = _Pattern(
            (_spell(pieces[0], query=False), *(_spell(piece, query=True) for piece in pieces[1:])), anchored
        )
        if other != spellings[0]:
            spellings.append(other)
    octets = sum(map(len, spellings[0].parts)) + len(pieces) - 1 + anchored
    return Rule(allow=kind == "allow", line=told[:500], octets=octets, spellings=tuple(spellings))


def _spell_pieces(pieces: list[bytes], *, in_query: bool) -> tuple[bytes, ...]:
    spelled = []
    for piece in pieces:
        head, mark, tail = piece.partition(b"?") if not in_query else (b"", b"", piece)
        in_query = in_query or bool(mark)
        spelled.append(_spell(head, query=False) + mark + _spell(tail, query=True))
    return tuple(spelled)


def _spell_target(target: str) -> bytes:
    octets = target.encode("utf-8", "replace")
    if _PLAIN.fullmatch(octets):
        return octets
    head, mark, tail = octets.partition(b"?")
    return _spell(head, query=False) + mark + _spell(tail, query=True)


def _spell(octets: bytes, *, query: bool) -> bytes:
    """One spelling for octets that mean the same (RFC 9309, 2.2.2): escapes undone where that changes nothing.

    The RFC has reserved characters escaped before they are compared; here they are unescaped on both sides, which finds
    the same matches, and leaves a slash that a path escapes (it separates nothing) apart from one that it does not.
    """
    if _PLAIN.fullmatch(octets):
        return octets
    stay = _STAY_IN_QUERY if query else _STAY_IN_PATH

    def undo(match: re.Match[bytes]) -> bytes:
        if match[1] is None:
            return b"%25"
        octet = int(match[1], 16)
        if octet in _UNRESERVED or (octet in _RESERVED and octet not in stay):
            return bytes((octet,))
        return match[0].upper()

    escaped = _BEYOND.sub(lambda match: b"%%%02X" % match[0][0], octets)
    return _ESCAPE.sub(undo, escaped)


@dataclass(frozen=True, kw_only=True)
class RobotsPolicy:
    """The rules of one host.

    Args:
        status: HTTP status of the final answer; None when there was none.
        body: the decoded body.
        digest: payload digest of what was received.
        why: why there was no answer, in words.
        stale: the host does not answer now; these are the rules of the last time that it did.
    """

    status: int | None
    body: bytes = b""
    digest: str | None = None
    why: str = "it could not be read"
    stale: bool = False

    @cached_property
    def _rules(self) -> RobotsRules | None:
        if self.status is None or not 200 <= self.status < 300:
            return None
        return RobotsRules(self.body)

    @property
    def unreachable(self) -> bool:
        """Whether the host gave no usable answer, so that nothing may be fetched.

        429 is none: a server that is asked too often has not said what it allows.
        """
        status = self.status
        return status is None or status == 429 or not (200 <= status < 300 or 400 <= status < 500)

    def allows(self, url: str) -> bool:
        """Whether we may fetch a URL of this host."""
        return not self.unreachable and ((rule := self.find_rule(url)) is None or rule.allow)

    def find_rule(self, url: str) -> Rule | None:
        """The line that applies to a URL; None when there is none."""
        return None if self._rules is None else self._rules.find_rule(url)

    @cached_property
    def crawl_delay(self) -> float | None:
        """Seconds between two requests that the host asks for; None when it does not."""
        asked = None if self._rules is None else self._rules.crawl_delay
        return None if asked is None else min(asked, LONGEST_DELAY)
