"""A page's bytes as text and as a tree: decoded, bounded, parsed once.

Pure; never fails for what a page does. Not here: what the page says (`pipeline.metadata`, `pipeline.body`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Final

from lxml.etree import ElementDefaultClassLookup, HTMLParser, ParserError
from lxml.html import HtmlElement, document_fromstring
from w3lib.encoding import html_body_declared_encoding, http_content_type_encoding, read_bom, resolve_encoding

from pipeline.metadata import clean_text

MOST_ELEMENTS: Final = 50_000  # a page with more is not read; the largest of 834 real pages has 5,106
MOST_ATTRIBUTES: Final = 2000  # so is one with more in one element: finding doubles takes libxml2 the square of them

_MAGIC: Final = (
    (b"%PDF-", "a PDF, not HTML"),
    (b"\x89PNG", "an image, not HTML"),
    (b"\xff\xd8\xff", "an image, not HTML"),
    (b"GIF8", "an image, not HTML"),
    (b"PK\x03\x04", "an archive or office document, not HTML"),
)
_HTML_TYPES: Final = frozenset({"text/html", "application/xhtml+xml", ""})


_UNWRITTEN: Final = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")  # not NUL, which UTF-16 has, nor escapes


def find_other_type(payload: bytes, content_type: str | None) -> str | None:
    """Why a body is no HTML page; None when it may be one."""
    start = payload[:1024].lstrip()
    for magic, reason in _MAGIC:
        if start.startswith(magic):
            return reason
    media = (content_type or "").split(";")[0].strip().lower()
    looks = re.match(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body|!--)", start, re.IGNORECASE)
    if media == "application/pdf":
        return "a PDF, not HTML"
    if media.startswith("image/"):
        return "an image, not HTML"
    if media in _HTML_TYPES or looks:
        return None if looks or 20 * len(_UNWRITTEN.findall(start)) <= max(len(start), 200) else "binary data, not HTML"
    return f"{clean_text(media, 60)}, not HTML"


def decode_page(payload: bytes, content_type: str | None) -> str:
    """The text of a page's bytes; never fails.

    A byte order mark decides; then bytes that are valid UTF-8 are UTF-8 whatever they are declared as (by chance
    they hardly ever are); then the declaration of the header or the page, read as browsers do ("latin-1" means
    Windows-1252); at last Windows-1252. In a page that says UTF-8 and has a few broken bytes only those are replaced.
    """
    encoding, mark = read_bom(payload)
    if encoding and mark:
        return payload[len(mark) :].decode(encoding, "replace")
    declared = _declared_encoding(payload, content_type)
    if declared is None or not declared.startswith(("iso2022", "utf-16", "utf-32", "hz", "utf-7")):
        with suppress(UnicodeDecodeError):
            return payload.decode("utf-8")
    if declared in {None, "utf-8"}:
        text = payload.decode("utf-8", "replace")
        broken = text.count("\ufffd")
        whole = sum(1 for character in text if character > "\x7f") - broken
        return text if whole >= broken else payload.decode("cp1252", "replace")
    return payload.decode(declared or "cp1252", "replace")


def _declared_encoding(payload: bytes, content_type: str | None) -> str | None:
    name = http_content_type_encoding(content_type) or html_body_declared_encoding(payload)
    resolved = resolve_encoding(name) if name else None
    if resolved is None or resolved.startswith("utf-7"):
        return None
    try:
        b"".decode(resolved)
    except (LookupError, ValueError):
        return None
    return resolved


@cache
def _parser() -> HTMLParser:
    """A parser whose elements are all `HtmlElement`.

    lxml's own HTML parser asks a Python function for the class of every element it touches, so that forms and
    inputs get classes of their own; nobody here needs those, and without the question extraction takes a sixth less.
    """
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, collect_ids=False)
    parser.set_element_class_lookup(ElementDefaultClassLookup(element=HtmlElement))
    return parser


_SIZEABLE = 4 * MOST_ATTRIBUTES  # an element of fewer characters cannot have too many attributes
_RAW = re.compile(r"(script|style)(?=[\s>/])", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


def find_excess(written: str) -> str | None:
    """Why a page is not parsed at all, judged by its letters alone; None when it may be.

    The time and memory of all that follows grow with the number of elements, some of it with its square.
    """
    if written.count("<") > MOST_ELEMENTS and written.count("<") - written.count("</") > MOST_ELEMENTS:
        return "too many elements"
    if len(written) > _SIZEABLE:
        # most pages have no part of that length outside of scripts: the walk through them is for those that may
        if not any(part[:1].isalpha() and _has_excess(part) for part in _find_long(written)):
            return None
        parts = written.split("<")
        within = ""  # what ends a script, a style sheet or a comment: what stands in them are no elements
        for part in parts:
            if within:
                within = "" if within == "-->" and within in part else within
                within = "" if within != "-->" and part[: len(within)].lower() == within else within
                continue
            if part.startswith("!--"):
                within = "" if "-->" in part else "-->"
                continue
            if (match := _RAW.match(part)) is not None:
                within = f"/{match[1].lower()}"
            if len(part) > _SIZEABLE and part[:1].isalpha() and _has_excess(part):
                # a text that has a quotation mark too few looks like it, but is of one element only
                return "too many attributes"
    return None


def _find_long(written: str) -> Iterator[str]:
    """What stands between one "<" and the next one, wherever that is long: found in leaps of that length."""
    at = written.find("<")
    while at >= 0:
        following = written.rfind("<", at + 1, at + 2 + _SIZEABLE)
        if following < 0:
            following = written.find("<", at + 1)
            part = written[at + 1 : following if following >= 0 else len(written)]
            if len(part) > _SIZEABLE:
                yield part
        at = following


def _has_excess(part: str) -> bool:
    """Whether the tag at the start of a part has too many attributes, if it is one."""
    tag = _QUOTED.sub(" ", part[: part.find(">")] if ">" in part else part)
    return len(tag.split()) > MOST_ATTRIBUTES


_CONTROLS: Final = bytes(32 if (byte < 32 and byte not in b"\t\n\f\r") or byte == 127 else byte for byte in range(256))


def parse_page(text: str) -> HtmlElement | None:
    """The tree of a page; None when it has no body."""
    data = text.encode("utf-8", "replace").translate(_CONTROLS)
    try:
        tree = document_fromstring(data, parser=_parser())
    except (ParserError, ValueError):
        return None
    return tree if isinstance(tree, HtmlElement) and tree.find("body") is not None else None


_FLAG = "\U0001f3f4[\U000e0030-\U000e007a]{1,8}\U000e007f"  # of England, Scotland, Wales: letters nobody sees
_ARMED = re.compile(
    f"{_FLAG}|[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ufff9-\ufffb\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]+"
)


def disarm(text: str) -> str:
    """A text without control characters, without those that turn it around, and without letters that nobody sees.

    Marks that single words of some scripts need (joiners, left-to-right mark) stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return _ARMED.sub(lambda match: match[0] if match[0][0] == "\U0001f3f4" else "", text)


def is_armed(text: str) -> bool:
    """Whether `disarm` may take something out of a text, or of one of the texts that it is put together from."""
    return not (text.isascii() and text.isprintable()) and _ARMED.search(text) is not None
