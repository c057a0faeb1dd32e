"""Values of a page made safe: one line of plain text, bounded, or nothing; and texts made ready for comparing.

Everything on a page may be hostile: control and direction characters, mark-up and entities in values, megabytes in an
attribute. Nothing here knows what a value means.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from typing import Final
from urllib.parse import urljoin, urlsplit

# How much of a value is believed. A page has no right to more.
TITLE_CHARACTERS: Final = 500
DESCRIPTION_CHARACTERS: Final = 3000
NAME_CHARACTERS: Final = 100
URL_CHARACTERS: Final = 2048
AUTHORS: Final = 30
TAGS: Final = 50
JSON_CHARACTERS: Final = 2_000_000
JSON_SCRIPTS: Final = 50
JSON_NODES: Final = 20_000
ELEMENTS_OF_A_KIND: Final = 500

_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")


def clean_text(value: object, limit: int) -> str:
    """A value of a page as one line of plain text: no mark-up, control or direction characters.

    Args:
        value: anything; what is no text is empty text.
        limit: characters kept; cut at a space where there is one near.
    """
    if not isinstance(value, str) or not value:
        return ""
    text = value[: limit * 4]
    if "&" in text:
        text = html.unescape(html.unescape(text))
    if "<" in text:
        text = _TAG.sub(" ", text)
    return tidy(text, limit)


def tidy(text: str, limit: int) -> str:
    """Visible text as one line: control and direction characters dropped, cut at ``limit``."""
    text = text[: 20 * limit]
    if not text.isprintable():
        text = "".join(_printable(character) for character in text)
    text = " ".join((text if text.isascii() else unicodedata.normalize("NFC", text)).split())
    if len(text) > limit:
        text = text[:limit].rsplit(" ", 1)[0].rstrip() or text[:limit]
    return text


@lru_cache(maxsize=4096)
def _printable(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Cc", "Zl", "Zp"}:
        return " "
    # format characters turn text around or hide in it; the joiners alone are part of words in some scripts
    return "" if category in {"Cs", "Co", "Cn"} or (category == "Cf" and character not in "\u200c\u200d") else character


def clean_url(value: object, base: str) -> str:
    """An absolute http(s) URL, or empty text."""
    if not isinstance(value, str) or not value.strip() or len(value) > URL_CHARACTERS:
        return ""
    try:
        url = urljoin(base, value.strip())
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return ""
    return url if usable and len(url) <= URL_CHARACTERS and url.isprintable() and " " not in url else ""


def fold(text: str) -> str:
    """Text for comparing: case, punctuation and white space dropped."""
    return _fold_short(text) if len(text) <= _OFTEN else _fold_any(text)


_OFTEN: Final = 400  # characters: every second text as short as that is asked for again while its page is read


@lru_cache(maxsize=1024)
def _fold_short(text: str) -> str:
    return _fold_any(text)


def _fold_any(text: str) -> str:
    if text.isascii():
        return b" ".join(text.encode().translate(_PLAIN).split()).decode()
    if len(text) > _STRIDE and not text.isascii():
        text = "".join(unicodedata.normalize("NFKC", text[at : at + _STRIDE]) for at in range(0, len(text), _STRIDE))
    else:
        text = unicodedata.normalize("NFKC", text)
    return " ".join(WORD.findall(text.casefold()))


WORD = re.compile(r"\w+")
_PLAIN: Final = b"".join(
    letter.lower().encode() if WORD.match(letter) else b" " for letter in map(chr, range(128))
).ljust(256)
"""What `fold` makes of each letter of ASCII: in a fifth of the time that a pattern takes."""
_STRIDE: Final = 1000  # normalizing takes the square of a run of accents: it is done piece by piece


def squash(text: str) -> str:
    """Text for comparing, without the spaces too."""
    return fold(text).replace(" ", "")


def word_count(text: str) -> int:
    """How many words a text has."""
    return len(WORD.findall(text))
