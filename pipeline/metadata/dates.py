"""When a page was published and changed: the places where dates stand, in order of trust; at last htmldate's guess."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache
from importlib import import_module
from typing import Any, Final

from lxml.etree import XPath
from lxml.html import HtmlElement

from pipeline.metadata.moments import EARLIEST_YEAR, Clock, parse_moment
from pipeline.metadata.page import JsonLd, Page, is_elsewhere
from pipeline.metadata.values import AUTHORS
from pipeline.model import Moment

_PUBLISHED_OG: Final = ("article:published_time", "og:article:published_time", "article:published", "og:published_time")
_MODIFIED_OG: Final = ("article:modified_time", "og:article:modified_time", "article:modified", "og:updated_time")
_PUBLISHED_METAS: Final = (
    "datepublished", "date", "dc.date.issued", "dcterms.issued", "dc.date", "dcterms.date", "dcterms.created",
    "dc.date.created", "pubdate", "publish-date", "publishdate", "publish_date", "publication_date",
    "publication-date", "published", "published_at", "sailthru.date", "parsely-pub-date",
    "cxenseparse:recs:publishtime", "cxenseparse:publishtime", "citation_publication_date",
    "prism.publicationdate", "rnews:datepublished", "article_date_original", "govuk:first-published-at",
    "govuk:public-updated-at", "og:datepublished", "datecreated",
)  # fmt: skip
_MODIFIED_METAS: Final = (
    "datemodified", "dcterms.modified", "dc.date.modified", "govuk:public-updated-at", "govuk:updated-at",
    "last-modified", "updated-date", "last_modified", "article_date_updated", "revised",
)  # fmt: skip


def _first_moment(values: Iterable[Any], source: str, clock: Clock) -> Moment | None:
    for number, value in enumerate(values):
        moment = parse_moment(value, source, clock) if number < AUTHORS else None
        if moment is not None:
            return moment
    return None


def read_published(tree: HtmlElement, page: Page, linked: JsonLd, clock: Clock, url: str) -> tuple[Moment | None, str]:
    """When the page was first published, and where that was read."""
    for source, values in (
        ("json-ld", linked.values("datePublished")),
        ("opengraph", _metas(page, _PUBLISHED_OG)),
        ("microdata", page.property_values("datepublished")),
        ("meta", _metas(page, _PUBLISHED_METAS)),
        ("time", _times(page, updated=False)),
        ("json-ld", linked.values("dateCreated")),
    ):
        moment = _first_moment(values, source, clock)
        if moment is not None:
            return moment, source
    shown = _find_labelled(tree, clock) or _find_near(page, clock) or _find_shown(tree, clock)
    if shown is not None:
        return shown, shown.source
    return _guess_published(tree, clock, url), "htmldate"


_DAY: Final = re.compile(
    r"(?<!\d)(?:\d{1,2}(?:st|nd|rd|th|er|\.|º|°)?\s+(?:of\s+|de\s+)?[^\W\d_]{3,12}\.?,?\s+(?:de\s+|del\s+)?\d{4}"
    r"|\b[^\W\d_]{3,9}\.?\s+\d{1,2}(?:st|nd|rd|th)?,?\s+\d{4}"
    r"|\d{1,2}[./-]\d{1,2}[./-](?:20)?\d{2}"
    r"|20\d{2}[-./]\d{2}[-./]\d{2}|\d{4}\s?[年년]\s?\d{1,2}\s?[月월]\s?\d{1,2})(?!\d)"
)
_CHANGED: Final = re.compile(
    r"updat|modif|revis|review|last|aktuali|geändert|mis(?:e)? à jour|actuali[sz]|aggiorna|bijgewerkt|oppdater|"
    r"uppdater|更新",
    re.IGNORECASE,
)
_DATE_LABEL: Final = re.compile(
    r"^(?:datum|date|dated|data|fecha|dato|päiväys|published|publication date|date published|posted|veröffentlicht|"
    r"publié(?:e)?(?: le)?|publicado|pubblicato|gepubliceerd|publisert|publicerad|cyhoeddwyd|dyddiad|日付|"
    r"公開日|掲載日)(?: on)?\s*:?$",
    re.IGNORECASE,
)
_NEAR, _NEAR_CHARACTERS = 90, 90


def _find_near(page: Page, clock: Clock) -> Moment | None:
    """The first date that stands by itself soon after the headline; one of a change where there is no other."""
    changed: Moment | None = None
    before = ""
    for element in page.below[1:_NEAR]:
        for text in (element.text, element.tail):
            line = " ".join(text.split()) if text and len(text) < 400 else ""
            if not line:
                continue
            day = _DAY.search(line) if len(line) <= _NEAR_CHARACTERS and not line.endswith(".") else None
            if day is not None and element.tag != "a" and not is_elsewhere(element):
                moment = parse_moment(line[day.start() :], "visible", clock) or parse_moment(day[0], "visible", clock)
                label = line[: day.start()] or before
                if moment is not None and not _CHANGED.search(label[-40:]):
                    return moment
                changed = changed or moment
            before = line
    return changed


def _find_labelled(tree: HtmlElement, clock: Clock) -> Moment | None:
    """A date that stands behind a word for it, anywhere: "Datum 28.04.2023"."""
    for element in tree.iter("strong", "b", "span", "dt", "th", "td", "label", "div", "p", "h2", "h3", "h4", "h5"):
        text = element.text
        if not text or len(text) > 60 or not _DATE_LABEL.match(" ".join(text.split())):
            continue
        following = element.getnext()
        tail = element.tail or ""
        value = tail if tail.strip() else " ".join(following.itertext())[:200] if following is not None else ""
        moment = parse_moment(value, "visible", clock) if len(value) < 200 and _DAY.search(value) else None
        if moment is not None and not is_elsewhere(element):
            return moment
    return None


_SHOWN: Final = re.compile(r"\d\s?[年년]|[\u0370-\u04ff\u0590-\u06ff\u0900-\u0dff\u0e00-\u0e7f]{3,} \d{4}")
_SHOWN_TEXTS, _SHOWN_CHARACTERS = 400, 60
_FIND_SHOWN: Final = XPath(".//text()[string-length(normalize-space()) > 5 and string-length() < 200]")


def _find_shown(tree: HtmlElement, clock: Clock) -> Moment | None:
    """The first short line that is a date in a script that htmldate does not read."""
    found = _FIND_SHOWN(tree)
    for text in found[:_SHOWN_TEXTS] if isinstance(found, list) else ():
        line = " ".join(str(text).split())
        if len(line) <= _SHOWN_CHARACTERS and _SHOWN.search(line):
            moment = parse_moment(line, "visible", clock)
            if moment is not None:
                return moment
    return None


def read_modified(page: Page, linked: JsonLd, clock: Clock) -> tuple[Moment | None, str]:
    """When the page was last changed, and where that was read."""
    for source, values in (
        ("json-ld", linked.values("dateModified")),
        ("opengraph", _metas(page, _MODIFIED_OG)),
        ("microdata", page.property_values("datemodified")),
        ("meta", _metas(page, _MODIFIED_METAS)),
        ("time", _times(page, updated=True)),
    ):
        moment = _first_moment(values, source, clock)
        if moment is not None:
            return moment, source
    return None, ""


def _metas(page: Page, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        yield from page.metas.get(name, ())


_PUBLISHED_CLASS = re.compile(r"publish|posted|created|entry-date|post-date|article-date|pubdate", re.IGNORECASE)
_UPDATED_CLASS = re.compile(r"updat|modif|revis", re.IGNORECASE)


def _times(page: Page, *, updated: bool) -> Iterator[str]:
    """``<time>`` elements that say what they are, and for publication the first one of the article itself."""
    plain: list[str] = []
    for element in page.times[:50]:
        value = element.get("datetime") or " ".join(element.itertext())
        parent = element.getparent()
        names = [element.get("class"), element.get("itemprop")]
        before = ""
        if parent is not None:
            names.append(parent.get("class"))
            before = (parent.text or "")[:40]
        around = " ".join(filter(None, names))
        if _UPDATED_CLASS.search(around) or _UPDATED_CLASS.search(before):
            if updated:
                yield value
        elif not updated and (
            element.get("pubdate") is not None or _PUBLISHED_CLASS.search(around) or _PUBLISHED_CLASS.search(before)
        ):
            yield value
        elif next(element.iterancestors("aside", "nav", "footer", "li"), None) is None:
            plain.append(value)
    if not updated:
        yield from plain[:1]


_LOCALES: Final = ("en", "cy", "da", "de", "es", "fr", "ga", "it", "nb", "nl", "pl", "pt", "sv")


@cache
def _limit_locales() -> None:
    """Let htmldate read dates in these languages only: loading all 205 locales takes a worker 3 s of CPU time.

    One list for all sites, so that a guess does not depend on which site a worker read before.
    """
    extractors: Any = import_module("htmldate.extractors")
    usual = extractors.get_external_parser()
    limited = type(usual)(languages=list(_LOCALES), settings=usual._settings)  # noqa: SLF001 - as htmldate chose them
    extractors.get_external_parser = lambda: limited


@cache
def _shorten_search() -> None:
    """Let htmldate's last search, a dozen patterns over all the mark-up, see only what stands around figures of dates.

    It finds the same there, in a fifth of the time; most pages that it is asked about have few such figures.
    """
    core: Any = import_module("htmldate.core")
    usual = core.search_page
    core.search_page = lambda text, options: usual(_keep_dates(text), options)


_FIGURES: Final = re.compile(  # years, and numbers as dates have them; it begins with a class, so that it is fast
    r"[0-9](?:[/.-][0-9][0-9]?[/.-][0-9][0-9]|(?<=1)9[0-9][0-9]|(?<=2)0[0-9][0-9]|[0-9]{3}[/.-][01][0-9]"
    r"|[/.-][12][0-9]{3})"
)
_BEFORE, _AFTER = 140, 40  # characters: htmldate looks for "Copyright" up to 99 before a year
_GAP: Final = "|" * 120  # longer than that, so that nothing is found across it


def _keep_dates(text: str) -> str:
    """Mark-up without what stands far from figures of dates."""
    spans: list[tuple[int, int]] = []
    start = end = -1
    for match in _FIGURES.finditer(text):
        at = match.start()
        if at - _BEFORE > end:
            if end >= 0:
                spans.append((start, end))
            start = max(0, at - _BEFORE)
        end = match.end() + _AFTER
    if end >= 0:
        spans.append((start, end))
    return _GAP.join(text[start:end] for start, end in spans)


def _guess_published(tree: HtmlElement, clock: Clock, url: str) -> Moment | None:
    """htmldate's guess from the visible page and the URL: a day, right three times in four."""
    from htmldate import find_date  # noqa: PLC0415 - 0.2 s that most pages never need

    _limit_locales()
    _shorten_search()
    logging.getLogger("htmldate").setLevel(logging.CRITICAL)
    try:
        found = find_date(
            tree,
            url=url,
            original_date=True,
            extensive_search=True,
            min_date=date(EARLIEST_YEAR, 1, 1).isoformat(),
            max_date=clock.latest.date().isoformat(),
            deferred_url_extractor=True,
        )
    except Exception:  # noqa: BLE001 - a guess; whatever breaks it, there is none
        return None
    if found and found.endswith("-01-01") and not _NEW_YEAR.search(f"{url} {tree.text_content()[:_SEARCHED]}"):
        return None  # what it makes of a year that stands alone, such as that of a copyright notice
    return parse_moment(found, "htmldate", clock) if found else None


_SEARCHED: Final = 200_000  # characters
_NEW_YEAR: Final = re.compile(
    r"(?<!\d)(?:0?1[./-]0?1(?!\d)|0?1(?:st|er|\.|º)?\s(?:of\s|de\s)?(?:jan|jän|ene|gen|sty|ion|ean|ιαν|янв|січ)|1月\s?1日)"
    r"|(?<![^\W\d_])jan(?:uary|\.)?\s0?1(?!\d)",
    re.IGNORECASE,
)
