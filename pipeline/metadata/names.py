"""Bylines read as text: which persons they name, without "By", roles and places."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from pipeline.metadata.page import is_site
from pipeline.metadata.values import AUTHORS, NAME_CHARACTERS, clean_text, fold

BY = re.compile(
    r"^(?:(?:written|words|text|story|report(?:ed)?|posted|published|article|"
    r"(?:fact[- ]|medically )?(?:review|check|edit|updat)ed)\s+)?(?:by|von|par|por|di)\b[:\s]+",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"(?:https?:)?//\S+|\S+@\S+", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*(?:[;|/·•]|\s&\s|\band\b|\bund\b|\bwith\b)\s*", re.IGNORECASE)
ROLE = re.compile(
    r"\b(?:editor|reporter|correspondent|writer|journalist|columnist|contributor|staff|admin|administrator|team|desk|"
    r"office|officer|newsroom|webmaster|author|guest|press|news|editorial|redaktion|rédaction|agencies|department)\b",
    re.IGNORECASE,
)
_NO_NAME = re.compile(r"https?:|www\.|@|\.(?:com|co|org|net|gov|uk)\b|[<>{}\[\]\\=]|\d{2}|^\W*$", re.IGNORECASE)


def split_names(text: str) -> list[str]:
    """The persons that a byline names: without "By", roles and places.

    >>> split_names("By Jane Doe, Political Editor, and John Smith")
    ['Jane Doe', 'John Smith']
    """
    cleaned = BY.sub("", _ADDRESS.sub(";", clean_text(text, NAME_CHARACTERS * AUTHORS)))
    names: list[str] = []
    for part in _BETWEEN.split(cleaned):
        pieces = [piece.strip(" .,:-–—") for piece in part.split(",")]
        for number, piece in enumerate(pieces):
            if piece and (number == 0 or (len(piece.split()) > 1 and not ROLE.search(piece))):
                names.append(piece)
    return names


def keep_people(values: Iterable[str], names: frozenset[str]) -> tuple[str, ...]:
    """Values that can be names of people (or of an agency), each once, in order; never the site's own name."""
    people: dict[str, str] = {}
    for value in values:
        for name in split_names(value):
            key = fold(name)
            if (
                2 <= len(key) <= NAME_CHARACTERS
                and len(key.split()) <= 6
                and not _NO_NAME.search(name)
                and not is_site(name, names)
                and not _is_only_a_role(key)
                and key not in people
            ):
                people[key] = name
            if len(people) == AUTHORS:
                return tuple(people.values())
    return tuple(people.values())


def _is_only_a_role(key: str) -> bool:
    words = key.split()
    return bool(ROLE.search(key)) and (len(words) == 1 or all(ROLE.fullmatch(w) or w in _LITTLE for w in words))


_LITTLE: Final = frozenset(
    [
        *("the", "of", "our", "by", "political", "local", "government", "council", "web", "media", "communications"),
        *("digital", "chief", "senior", "deputy"),
    ]
)


_NAME = re.compile(r"(?:[^\W\d_a-z][\w'’.\-]*|(?:d[aei]|de la|de[nrl]|van|von|der|ter|bin|ben|al|el|ap)\b)(?:\s|$)")


def looks_like_name(text: str) -> bool:
    """Whether a text has the shape of a person's name: two to five capitalised words, particles allowed."""
    words = text.split()
    return 2 <= len(words) <= 5 and all(_NAME.fullmatch(word) for word in words) and not ROLE.search(text)
