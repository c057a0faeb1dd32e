"""The headline: what most of the places that name it agree on."""

from __future__ import annotations

import re

from pipeline.metadata.page import JsonLd, Page, is_site
from pipeline.metadata.values import TITLE_CHARACTERS, clean_text, fold, word_count

_PARTS = re.compile(r"(\s+[|\-–—·•»«:/]+\s+|\s*\|\s*|:\s+)")


def _forms(text: str, names: frozenset[str], *, declared: bool) -> list[str]:
    """A headline without the site's name, and the shorter forms that it may stand for."""
    parts = _PARTS.split(text)
    while len(parts) > 2 and is_site(parts[-1], names):
        parts = parts[:-2]
    while len(parts) > 2 and is_site(parts[0], names):
        parts = parts[2:]
    # behind a bar stands a section or the site, whatever it calls itself; before it a headline
    while (
        declared
        and len(parts) > 2
        and "|" in parts[-2]
        and word_count(parts[-1]) <= 4 <= word_count("".join(parts[:-2]))
    ):
        parts = parts[:-2]
    forms = ["".join(parts).strip()]
    forms += ["".join(parts[:end]).strip() for end in range(len(parts) - 2, max(0, len(parts) - 7), -2)]
    if len(parts) > 2:
        forms.append("".join(parts[2:]).strip())
    return [form for form in forms if form and not is_site(form, names)]


def vote_title(page: Page, linked: JsonLd, names: frozenset[str]) -> tuple[str, str, tuple[str, ...]]:
    """The headline most places agree on.

    A place votes for its own form in full and for what is left without a suffix; so "News - Site" and
    "News" agree on "News", and a suffix that all places carry stays unless it is the site's name.
    """
    # a page's only h1 is what readers see as the headline; the first of several may be the masthead
    alone = 2.0 if len(page.headings) == 1 else 1.0
    candidates = [("h1", text, alone if number == 0 else 0.5) for number, text in enumerate(page.headings)]
    candidates += [
        ("json-ld", linked.first_text("headline", TITLE_CHARACTERS, page_too=False), 2.0),
        ("opengraph", clean_text(page.first_meta("og:title"), TITLE_CHARACTERS), 1.5),
        ("title", page.title, 0.5),
        ("twitter", clean_text(page.first_meta("twitter:title"), TITLE_CHARACTERS), 0.5),
        ("meta", clean_text(page.first_meta("title", "dc.title", "parsely-title"), TITLE_CHARACTERS), 0.3),
    ]
    votes: dict[str, float] = {}
    first: dict[str, tuple[str, str]] = {}
    full: set[str] = set()
    for origin, text, weight in candidates:
        for number, form in enumerate(_forms(text, names, declared=origin != "h1") if text else ()):
            key = fold(form)
            if not key:
                continue
            votes[key] = votes.get(key, 0.0) + weight * (1.0 if number == 0 else 0.9)
            if number == 0:
                full.add(key)
                first.setdefault(key, (form, origin))
    if not first:
        return "", "", ()
    order = list(first)
    best = max(order, key=lambda key: (votes[key], len(key.split()) > 2, -order.index(key)))
    return *first[best], tuple(dict.fromkeys(form for form, _ in first.values()))
