"""Orders of takedowns: written, found, changed; what they withhold from now on.

An order is ``takedowns/<site>/<id>.json``, which readers may not see and which has none of the words: of a span it
keeps digest and length. The words themselves, the article's addresses and headlines lie in
``sealed/<site>/<id>/terms.json`` for as long as the order stands, and not at all once it has destroyed them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal

from pipeline.archive import Archive
from pipeline.errors import ArchiveError, NotInArchive, StoreRefused
from pipeline.frontier import read_addresses
from pipeline.lifecycle import current_version
from pipeline.model import RUN_ID, Article, Change, TakedownOrder, Version, run_id
from pipeline.store import KeyMissing
from pipeline.takedown.cleaning import Target, clean_article, lines_of, target_of_marks
from pipeline.takedown.words import Finder, mark_of

TERMS = "terms.json"
_JSON = "application/json"
_STANDING = frozenset({"ordered", "carried out", "destroyed"})


def read_order(archive: Archive, site: str, takedown: str) -> TakedownOrder:
    """An order.

    Raises:
        NotInArchive: there is none of that id.
    """
    found = archive.read_progress(archive.takedown_key(site, takedown), TakedownOrder)
    if found is None:
        raise NotInArchive(f"There is no takedown {takedown} of {site}.", next_step="See them: muniment takedowns")
    return found


def find_order(archive: Archive, takedown: str) -> TakedownOrder:
    """An order of whatever site.

    Raises:
        NotInArchive: there is none of that id.
    """
    if RUN_ID.fullmatch(takedown):
        for site in archive.store.list_folders("takedowns/"):
            found = archive.read_progress(archive.takedown_key(site, takedown), TakedownOrder)
            if found is not None:
                return found
    raise NotInArchive(f"There is no takedown {takedown}.", next_step="See them: muniment takedowns")


def read_orders(archive: Archive, site: str | None = None) -> Iterator[TakedownOrder]:
    """All orders of a site, or of every site, in order of id."""
    sites = [site] if site is not None else list(archive.store.list_folders("takedowns/"))
    for each in sites:
        start = f"takedowns/{each}/"
        for entry in archive.store.list(start):
            yield read_order(archive, each, entry.key.removeprefix(start).removesuffix(".json"))


def change_order(
    archive: Archive, site: str, takedown: str, change: Callable[[TakedownOrder], TakedownOrder]
) -> TakedownOrder:
    """Change an order on top of whatever others wrote meanwhile; returns what stands now."""

    def apply(standing: TakedownOrder | None) -> TakedownOrder:
        if standing is None:
            raise NotInArchive(f"There is no takedown {takedown} of {site}.", next_step="See: muniment takedowns")
        return change(standing)

    changed = archive.change_progress(archive.takedown_key(site, takedown), TakedownOrder, apply)
    assert changed is not None
    return changed


def write_order(
    archive: Archive,
    site: str,
    article: str,
    *,
    by: str,
    reason: str,
    now: datetime,
    spans: Sequence[str] = (),
    until: datetime | None = None,
    destroy: bool = False,
    versions: Sequence[Version],
) -> TakedownOrder:
    """Write an order; the same one that stands already, done or not, is returned instead of a second.

    Args:
        versions: all versions of the article as they were before any takedown.

    Raises:
        ArchiveError: the order contradicts itself, or says in the open what it is to withhold.
    """
    current = current_version(versions)
    assert current is not None
    marks = tuple(sorted({mark_of(span) for span in spans if span.strip()}, key=lambda mark: mark.sha256))
    _check_order(spans, until, destroy, by, reason, current, now)
    for standing in read_orders(archive, site):
        same = (standing.article, standing.spans, standing.destroy) == (article, marks, destroy)
        if same and standing.state in _STANDING:
            write_terms(archive, standing, versions, spans)
            return standing
    token = json.dumps([site, article, [mark.sha256 for mark in marks], destroy])
    order = TakedownOrder(
        site=site,
        takedown=run_id(now, token),
        article=article,
        url=current.url,
        spans=marks,
        destroy=destroy,
        by=by,
        reason=reason,
        ordered_at=now,
        until=until,
    )
    archive.store.create(archive.takedown_key(site, order.takedown), order.to_json(), content_type=_JSON)
    order = read_order(archive, site, order.takedown)
    write_terms(archive, order, versions, spans)
    return order


def write_terms(archive: Archive, order: TakedownOrder, versions: Sequence[Version], spans: Sequence[str]) -> None:
    """Seal what an order is looked for by; once."""
    if order.state == "destroyed":
        return
    urls = {url for each in versions for url in (each.url, each.final_url, each.requested_url)}
    urls |= {url for each in versions for _, url in each.hops} | read_addresses(archive, order.site, order.article)
    terms = {
        "spans": list(spans),
        "urls": sorted(urls | {order.url}),
        "titles": sorted({each.title for each in versions if each.title}),
        "records": sorted({each.evidence.record_id for each in versions}),
        "lines": sorted(lines_of(versions)) if not order.spans else [],
    }
    key = archive.sealed_key(order.site, order.takedown, TERMS)
    archive.store.create(key, json.dumps(terms, ensure_ascii=False).encode(), content_type=_JSON)


def read_target(archive: Archive, order: TakedownOrder) -> Target:
    """What an order is about, with what was found of its article since it was given.

    Where its words are destroyed, or whoever asks may not read what is sealed: as far as its marks and its article
    tell.
    """
    versions = archive.versions(order.site, order.article)
    records = {each.evidence.record_id for each in versions}
    urls = addresses_of(versions) | read_addresses(archive, order.site, order.article) | {order.url}
    key = archive.sealed_key(order.site, order.takedown, TERMS)
    try:
        terms = json.loads(archive.store.get(key).body)
    except (KeyMissing, StoreRefused):
        urls |= {url for each in versions for _, url in each.hops}
        return Target(order=order, urls=frozenset(urls), records=frozenset(records))
    return Target(
        order=order,
        urls=frozenset(urls.union(terms["urls"])),
        records=frozenset(records.union(terms["records"])),
        titles=tuple(terms["titles"]),
        lines=frozenset(terms["lines"]),
        spans=tuple(terms["spans"]),
    )


def addresses_of(versions: Iterable[Version]) -> set[str]:
    """Where an article is found. Not where somebody was led who asked for it when it was gone, nor what lay between:
    that may be the way to others as well."""
    urls = set()
    for each in versions:
        urls |= {each.url, each.requested_url}
        if each.change not in (Change.GONE, Change.BLOCKED):
            urls.add(each.final_url)
    return urls


# --- what holds from now on


def active(archive: Archive, site: str) -> tuple[TakedownOrder, ...]:
    """The orders of a site that are in force, those that have destroyed something among them."""
    return tuple(order for order in read_orders(archive, site) if order.state in _STANDING)


def withheld_urls(archive: Archive, site: str) -> frozenset[str]:
    """Addresses of the articles that are withheld as a whole: not to be fetched, extracted or published.

    One listing where there are no orders. Nothing sealed is read: whoever crawls may not.
    """
    found: set[str] = set()
    for order in active(archive, site):
        if not order.spans:
            found |= {order.url} | addresses_of(archive.versions(site, order.article))
            found |= read_addresses(archive, site, order.article)
    return frozenset(found)


def redact_article(article: Article, orders: Sequence[TakedownOrder]) -> Article:
    """A text that comes in after its article was taken down, as it may be kept; of other articles nothing changes."""
    own = [order for order in orders if order.article == article.article or order.url == article.url]
    return clean_article(article, [target_of_marks(order) for order in own])


def is_overdue(order: TakedownOrder, now: datetime) -> bool:
    """Whether a suspension should have ended."""
    return order.until is not None and order.until <= now and order.state == "carried out"


def describe(order: TakedownOrder) -> Literal["suspended", "redacted", "destroyed"]:
    """What an order does, in the word of the journal."""
    return "destroyed" if order.destroy else "redacted" if order.spans else "suspended"


def _check_order(
    spans: Sequence[str],
    until: datetime | None,
    destroy: bool,
    by: str,
    reason: str,
    current: Version,
    now: datetime,
) -> None:
    if any(not span.strip() for span in spans):
        raise ArchiveError("An empty span redacts nothing.", next_step="Give the words: --text 'the words'.")
    if not by.strip() or not reason.strip():
        raise ArchiveError("A takedown says who ordered it and why.", next_step="Give --by and --reason.")
    if until is not None and destroy:
        raise ArchiveError("What is destroyed cannot come back.", next_step="Leave out --until, or --destroy.")
    if until is not None and until <= now:
        raise ArchiveError(f"{until:%Y-%m-%d} has passed.", next_step="Give a later --until.")
    told = Finder([*spans, *([current.title] if not spans else [])])
    if told.stands_in(reason) or told.stands_in(by):
        raise ArchiveError(
            "The reason says what is to be withheld, and the journal keeps it for ever.",
            next_step="Give a --reason without these words: a case number, a paragraph of law.",
        )
