"""The headline: what most of the places that name it agree on, and how much they agree.

Places vote: the page's h1, JSON-LD, og:title, ``<title>``, twitter and other ``meta``. In a newsroom's page (JSON-LD
calls it a NewsArticle) the declared headline counts before the vote where it was plainly written by hand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from pipeline.metadata.page import JsonLd, Page, is_site
from pipeline.metadata.values import TITLE_CHARACTERS, clean_text, fold, word_count

_PARTS = re.compile(r"(\s+[|\-–—·•»«:/]+\s+|\s*[|｜]\s*|:\s+|：)")


@dataclass(frozen=True, kw_only=True)
class Headline:
    """A page's headline.

    ``forms`` are all the forms of it that the page shows or declares, ``agreed`` the share (0 to 1) of the votes
    that the chosen one got.
    """

    text: str = ""
    origin: str = ""
    forms: tuple[str, ...] = ()
    agreed: float = 0.0


def _forms(text: str, names: frozenset[str], *, declared: bool) -> list[str]:
    """A headline without the site's name, and the shorter forms that it may stand for."""
    parts = _PARTS.split(text)
    while len(parts) > 2 and is_site(parts[-1], names):
        parts = parts[:-2]
    while len(parts) > 2 and is_site(parts[0], names):
        parts = parts[2:]
    # behind a bar stands a section or the site, whatever it calls itself; before it a headline
    while declared and len(parts) > 2 and _is_label(parts[-2], parts[-1]) and word_count("".join(parts[:-2])) >= 4:
        parts = parts[:-2]
    forms = ["".join(parts).strip()]
    forms += ["".join(parts[:end]).strip() for end in range(len(parts) - 2, max(0, len(parts) - 7), -2)]
    if len(parts) > 2:
        forms.append("".join(parts[2:]).strip())
    return [form for form in forms if form and not is_site(form, names)]


def _is_label(mark: str, text: str) -> bool:
    return ("|" in mark or "｜" in mark) and word_count(text) <= 4


def vote_title(page: Page, linked: JsonLd, names: frozenset[str]) -> Headline:
    """The headline most places agree on.

    A place votes for its own form in full and for what is left without a suffix; so "News - Site" and
    "News" agree on "News", and a suffix that all places carry stays unless it is the site's name.
    """
    # a page's only h1 is what readers see as the headline; the first of several may be the masthead
    alone = 2.0 if len(page.headings) == 1 else 1.0
    headings = [text for text in page.headings if not _is_masthead(text, page)]
    candidates = [("h1", text, alone if number == 0 else 0.5) for number, text in enumerate(headings)]
    candidates += [
        ("json-ld", linked.first_text("headline", TITLE_CHARACTERS, page_too=False), 2.0),
        ("opengraph", clean_text(page.first_meta("og:title"), TITLE_CHARACTERS), 1.5),
        ("title", page.title, 0.5),
        ("twitter", clean_text(page.first_meta("twitter:title"), TITLE_CHARACTERS), 0.5),
        ("meta", clean_text(page.first_meta("title", "dc.title", "parsely-title"), TITLE_CHARACTERS), 0.3),
    ]
    if page.title and not page.headings and all(fold(text) == fold(page.title) for _, text, _ in candidates if text):
        candidates.append(("visible", _find_shown(page), 2.0))
    votes: dict[str, float] = {}
    first: dict[str, tuple[str, str]] = {}
    said: dict[str, str] = {}  # origin -> key of its full form
    cast = 0.0
    for origin, text, weight in candidates:
        for number, form in enumerate(_forms(text, names, declared=origin != "h1") if text else ()):
            key = fold(form)
            if not key:
                continue
            votes[key] = votes.get(key, 0.0) + weight * (1.0 if number == 0 else 0.9)
            if number == 0:
                cast += weight
                said.setdefault(origin, key)
                first.setdefault(key, (form, origin))
    if not first:
        return Headline()
    order = list(first)
    best = max(order, key=lambda key: (votes[key], len(key.split()) > 2, -order.index(key)))
    # what has the site's name behind it was put together by the system, not written by an editor
    made = said.get("opengraph") != fold(page.first_meta("og:title"))
    best = (_find_declared(said, made=made) if _is_news(linked.article) else None) or best
    text, origin = first[best]
    forms = tuple(dict.fromkeys(form for form, _ in first.values()))
    return Headline(text=text, origin=origin, forms=forms, agreed=min(1.0, votes[best] / cast))


def _find_shown(page: Page) -> str:
    """The part of the page's ``<title>`` that stands in a line of its own on a page without a heading, if one does."""
    parts = _PARTS.split(page.title)[:_MOST_PARTS]
    spans = [
        "".join(parts[start:end]).strip() for start in range(0, len(parts), 2) for end in range(len(parts), start, -2)
    ]
    shown = {fold(line) for line in page.first_lines()} if len(spans) > 1 else frozenset()
    found = (span for span in spans if word_count(span) >= _HEADLINE_WORDS and fold(span) in shown)
    return max(found, key=len, default="")


_MOST_PARTS: Final = 15  # of a title, and the marks between them
_HEADLINE_WORDS: Final = 4  # fewer are the site, or a section


def _is_masthead(heading: str, page: Page) -> bool:
    """Whether a heading is the site's name: what ``<title>`` has before or behind the headline that og:title gives."""
    said = fold(page.first_meta("og:title"))
    if not (heading and said):
        return False
    behind = page.title.endswith(heading) and fold(page.title[: -len(heading)]) == said
    return behind or (page.title.startswith(heading) and fold(page.title[len(heading) :]) == said)


_NEWS: Final = re.compile(r"News|Report")


def _is_news(node: dict[str, Any] | None) -> bool:
    kinds = (node or {}).get("@type")
    return any(isinstance(kind, str) and _NEWS.search(kind) for kind in (kinds if isinstance(kinds, list) else [kinds]))


def _find_declared(said: dict[str, str], *, made: bool) -> str | None:
    """The headline that a newsroom declares by hand, if it does.

    That is what JSON-LD and og:title say alike whatever form the page shows; and og:title alone where all else (h1,
    JSON-LD and ``<title>``) is one text: then nothing but an editor can have written it. An og:title that is this
    text with something before or behind it is no other headline, nor is one that was ``made`` with the site's name.
    """
    shown, linked, graph = said.get("h1"), said.get("json-ld"), said.get("opengraph")
    if graph is None or graph == linked:
        return graph
    machine = not made and shown is not None and shown == linked == said.get("title")
    return graph if machine and not (graph.startswith(linked or "") or graph.endswith(linked or "")) else None
