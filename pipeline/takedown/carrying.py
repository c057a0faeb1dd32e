"""Takedowns carried out and ended."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import count
from typing import Literal

from pipeline.archive import Archive, describe_version
from pipeline.errors import ArchiveError, StoreRefused
from pipeline.frontier import restate
from pipeline.journal import append, find_published
from pipeline.lifecycle import standing_of
from pipeline.model import JournalEntry, Recorded, Replaced, TakedownOrder, Version
from pipeline.store import DIGEST_NAME, Lost
from pipeline.takedown.cleaning import Target
from pipeline.takedown.forms import type_of
from pipeline.takedown.orders import (
    TERMS,
    active,
    change_order,
    describe,
    is_overdue,
    read_order,
    read_orders,
    read_target,
    write_order,
    write_terms,
)
from pipeline.takedown.replacing import Carrier, Restorer, Step
from pipeline.takedown.seals import read_pristine
from pipeline.takedown.sieve import Sieve
from pipeline.takedown.words import Finder, mark_of

log = logging.getLogger("muniment")

Kind = Literal["suspended", "redacted", "destroyed", "reinstated"]


# --- what is called from outside


def order_takedown(
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
) -> TakedownOrder:
    """Order a takedown and carry it out; called again with the same, it goes on where it was, or does nothing.

    Args:
        by: who ordered it.
        reason: why; stands in the journal for ever, so it must not quote.
        spans: words to redact; none: the whole article is withheld.
        until: when it is to be reinstated.
        destroy: keep no copy.

    Raises:
        NotInArchive: there is no such article.
        ArchiveError: the order contradicts itself, or a segment cannot be read.
    """
    versions = read_pristine(archive, site, article)
    order = write_order(
        archive,
        site,
        article,
        by=by,
        reason=reason,
        now=now,
        spans=spans,
        until=until,
        destroy=destroy,
        versions=versions,
    )
    return carry_out(archive, order, now=now)


def preview_takedown(
    archive: Archive, site: str, article: str, *, now: datetime, spans: Sequence[str] = (), destroy: bool = False
) -> list[Step]:
    """What a takedown would touch; nothing is written."""
    versions = read_pristine(archive, site, article)
    urls = {url for each in versions for url in (each.url, each.final_url, each.requested_url)}
    order = TakedownOrder(
        site=site,
        takedown=f"{now:%Y%m%dT%H%M%SZ}-00000000",
        article=article,
        url=versions[-1].url,
        destroy=destroy,
        by="-",
        reason="-",
        ordered_at=now,
    )
    target = Target(
        order=order.model_copy(update={"spans": tuple(mark_of(span) for span in spans)}),
        urls=frozenset(urls),
        records=frozenset(each.evidence.record_id for each in versions),
        titles=tuple(sorted({each.title for each in versions if each.title})),
        spans=tuple(spans),
    )
    carrier = Carrier(archive, target, now, dry=True)
    carrier.carry()
    return carrier.steps


def carry_out(archive: Archive, order: TakedownOrder, *, now: datetime) -> TakedownOrder:
    """Carry out an order, after those of its site that were begun before it; done already, nothing happens."""
    for other in list(read_orders(archive, order.site)):
        if other.takedown != order.takedown and other.state in ("ordered", "reinstating"):
            log.warning("takedown %s of %s was begun and not ended; it is now", other.takedown, other.site)
            resume(archive, other, now=now)
    return resume(archive, order, now=now)


def resume(archive: Archive, order: TakedownOrder, *, now: datetime) -> TakedownOrder:
    """Go on with an order wherever it was left."""
    match order.state:
        case "ordered":
            return _carry_out(archive, order, now)
        case "reinstating":
            return _put_back(archive, order, now)
        case "destroyed" if order.locked:
            return destroy_rest(archive, order, now=now)
        case _:
            return order


def renew(archive: Archive, order: TakedownOrder, *, now: datetime) -> TakedownOrder:
    """Carry out again what is in force, or go on with it: after a backup was restored, or a run brought words back."""
    order = resume(archive, order, now=now)
    if order.state not in ("carried out", "destroyed"):
        return order
    Carrier(archive, read_target(archive, order), now).carry()
    standing = read_order(archive, order.site, order.takedown)
    if not standing.touched:
        return standing
    locked = _purge(archive, [each.key for each in standing.touched]) if order.destroy else {}
    _tell(archive, order, describe(order), now)
    return change_order(
        archive,
        order.site,
        order.takedown,
        lambda each: each.model_copy(update={"touched": (), "locked": {**each.locked, **locked}}),
    )


def reinstate(archive: Archive, order: TakedownOrder, *, by: str, reason: str, now: datetime) -> TakedownOrder:
    """Put back what an order has sealed, but for what other orders in force withhold as well.

    Raises:
        ArchiveError: it has destroyed what it took.
    """
    if order.destroy or order.state == "destroyed":
        raise ArchiveError(
            f"Takedown {order.takedown} has destroyed what it took; nothing can be put back.",
            next_step="The article's page may be captured anew, if it may be published again.",
        )
    if not by.strip() or not reason.strip():
        raise ArchiveError("Who reinstates says so, and why.", next_step="Give --by and --reason.")
    for other in list(read_orders(archive, order.site)):
        if other.takedown != order.takedown and other.state in ("ordered", "reinstating"):
            resume(archive, other, now=now)

    def end(standing: TakedownOrder) -> TakedownOrder:
        if standing.state not in ("ordered", "carried out"):
            return standing
        return standing.model_copy(
            update={"state": "reinstating", "ended_by": by, "ended_reason": reason, "ended_at": now}
        )

    return resume(archive, change_order(archive, order.site, order.takedown, end), now=now)


def reinstate_due(archive: Archive, now: datetime) -> list[TakedownOrder]:
    """End all suspensions whose day has come; for maintenance."""
    due = [order for order in read_orders(archive) if is_overdue(order, now)]
    reason = "The day has come until which it was ordered."
    return [reinstate(archive, order, by=order.by, reason=reason, now=now) for order in due]


def reapply(archive: Archive, site: str, run: str, *, now: datetime) -> list[Step]:
    """Clean a run's objects of what is withheld: called before they are told in the journal, and by maintenance.

    An order that is being carried out may have looked at the run before all of it was there, so it is ended first.
    One listing where there are no orders.

    Returns:
        What was touched.

    Raises:
        StoreRefused: this needs the rights of a steward.
    """
    steps: list[Step] = []
    for found in active(archive, site):
        archive.forget_written()  # whoever carries it out has replaced what this process remembers
        order = resume(archive, found, now=now) if found.state == "ordered" else found
        carrier = Carrier(archive, read_target(archive, order), now, run=run)
        carrier.carry()
        touched = read_order(archive, site, order.takedown).touched
        if order.destroy:  # earlier states of what the run has cleaned itself are among them
            made = [each for each in archive.versions(site, order.article) if each.run == run]
            keys = [archive.version_key(site, each.article, each.n) for each in made]
            _note_locked(archive, order, _purge(archive, [*keys, *(each.key for each in touched)]))
        if not touched:
            continue
        _tell(archive, order, describe(order), now, run=run)
        steps += carrier.steps
    return steps


def clean_run(archive: Archive, site: str, run: str, *, now: datetime) -> None:
    """``reapply``, where those who run sites may do that; where they may not, its versions and rows are cleaned.

    Called when the run's rows are committed and before it is told in the journal. Whoever orders a takedown after this
    finds all of the run; what was ordered before is seen here.
    """
    try:
        reapply(archive, site, run, now=now)
    except StoreRefused as error:
        log.warning(
            "run %s of %s is not cleaned of records of what was taken down: %s Maintenance does it, with the rights "
            "of a steward; at once: muniment takedowns --due",
            run,
            site,
            error,
        )
        _clean_made(archive, site, run, now)


def read_withheld(archive: Archive, site: str, run: str) -> list[Version]:
    """Versions that a run has made of articles with orders in force, as they may be read.

    Nothing sealed is read; one listing where there are no orders.
    """
    sieve = Sieve.read(archive, site)
    found = (version for article in sorted(sieve.articles) for version in archive.versions(site, article))
    return [sieve.clean_version(version) for version in found if version.run == run]


def _clean_made(archive: Archive, site: str, run: str, now: datetime) -> None:
    """Clean what a run has made while a takedown was carried out, with the rights of a writer: its versions and rows.

    They are not told in the journal yet and nobody relies on their digests, so they may be replaced without a seal.
    Of one that is told all was there when it was, and who takes it down finds it.
    """
    made = read_withheld(archive, site, run)
    if not made or find_published(archive, site, run) is not None:
        return
    try:
        for version in made:
            _replace_version(archive, version)
        from pipeline.table import replace_rows  # noqa: PLC0415 - heavy, and hardly ever needed

        replace_rows(archive, made, now=now, reason="takedown")
    except StoreRefused as error:
        # Only a steward removes the file that had the former rows; a store that holds writers to ``If-None-Match``
        # refuses them versions, too.
        log.warning("run %s of %s has left something of what was taken down: %s", run, site, error)
    for article in sorted({version.article for version in made}):
        if (standing := standing_of(archive.versions(site, article))) is not None:
            restate(archive, site, [standing])


def _replace_version(archive: Archive, cleaned: Version) -> None:
    key = archive.version_key(cleaned.site, cleaned.article, cleaned.n)
    stored = archive.store.get(key)
    if stored.body == cleaned.to_json() or Version.model_validate_json(stored.body) == cleaned:
        return
    with suppress(Lost):  # to the takedown, which has sealed it
        archive.store.replace(
            key,
            cleaned.to_json(),
            etag=stored.etag,
            content_type=type_of(key),
            metadata=describe_version(cleaned),
        )


def destroy_rest(archive: Archive, order: TakedownOrder, *, now: datetime) -> TakedownOrder:
    """Remove what the store's locks held when an order was carried out, as far as they have ended."""
    due = [key for key, until in order.locked.items() if until <= now]
    still = {key: until for key in due if (until := archive.store.purge(key)) is not None}
    return change_order(
        archive,
        order.site,
        order.takedown,
        lambda standing: standing.model_copy(
            update={"locked": {**{key: held for key, held in standing.locked.items() if key not in due}, **still}}
        ),
    )


def find_copies(archive: Archive, order: TakedownOrder, spans: Sequence[str] = ()) -> Iterator[tuple[str, str, str]]:
    """Other articles that have the same words: site, id, URL. A hint; nothing is done to them.

    For a whole article its headline, and its longest paragraphs.

    Args:
        spans: the words, where they are known; else those that are sealed.
    """
    target = read_target(archive, order)
    long = sorted(target.lines, key=len, reverse=True)[:3]
    finder = Finder([*target.titles, *long]) if target.whole else Finder(spans) if spans else target.finder
    if not finder:
        return
    seen = set()
    columns = ["site", "article", "url", "title", "text"]
    from pipeline.table import dataset  # noqa: PLC0415 - heavy, and every run asks whether something is taken down

    for batch in dataset(archive).to_batches(columns=columns, batch_size=512):
        for row in batch.to_pylist():
            name = (row["site"], row["article"])
            if name == (order.site, order.article) or name in seen:
                continue
            if finder.stands_in(row["title"]) or finder.stands_in(row["text"]):
                seen.add(name)
                yield row["site"], row["article"], row["url"]


# --- from the order to its end


def _carry_out(archive: Archive, order: TakedownOrder, now: datetime) -> TakedownOrder:
    key = archive.sealed_key(order.site, order.takedown, TERMS)
    if archive.store.head(key) is None and not order.destroy:
        write_terms(archive, order, read_pristine(archive, order.site, order.article), ())
    target = read_target(archive, order)
    carrier = Carrier(archive, target, now)
    carrier.carry()
    locked: dict[str, datetime] = {}
    if order.destroy:
        locked = _destroy(archive, order)
    _tell(archive, order, describe(order), now)
    if order.destroy:
        locked |= _purge(archive, [archive.sealed_key(order.site, order.takedown, TERMS)], current=True)

    def finish(standing: TakedownOrder) -> TakedownOrder:
        if standing.state != "ordered":
            return standing
        state = "destroyed" if order.destroy else "carried out"
        return standing.model_copy(update={"state": state, "done_at": now, "touched": (), "locked": locked})

    return change_order(archive, order.site, order.takedown, finish)


def _destroy(archive: Archive, order: TakedownOrder) -> dict[str, datetime]:
    """Remove earlier states that the store keeps, and what earlier orders on the whole article have sealed."""
    locked: dict[str, datetime] = {}
    if not order.spans:
        for other in list(read_orders(archive, order.site)):
            if other.article == order.article and not other.destroy and other.takedown != order.takedown:
                start = f"sealed/{order.site}/{other.takedown}/"
                keys = [entry.key for entry in archive.store.list(start)]
                _note_destroyed(archive, order, keys)
                locked |= _purge(archive, keys, current=True)
                change_order(
                    archive,
                    order.site,
                    other.takedown,
                    lambda each: each.model_copy(update={"state": "destroyed", "touched": ()}),
                )
    standing = archive.read_progress(archive.takedown_key(order.site, order.takedown), TakedownOrder)
    keys = [each.key for each in standing.touched] if standing else []
    start = f"sealed/{order.site}/"
    keys += [key.removeprefix(start).partition("/")[2] for key in keys if key.startswith(start)]
    return locked | _purge(archive, [*keys, archive.frontier_key(order.site), archive.boilerplate_key(order.site)])


def _note_destroyed(archive: Archive, order: TakedownOrder, keys: Sequence[str]) -> None:
    found = tuple(Replaced(key=key, before=archive.recorded(key)[1], after=None) for key in keys)

    def add(standing: TakedownOrder) -> TakedownOrder:
        known = {each.key for each in standing.touched}
        return standing.model_copy(
            update={"touched": (*standing.touched, *(each for each in found if each.key not in known))}
        )

    change_order(archive, order.site, order.takedown, add)


def _note_locked(archive: Archive, order: TakedownOrder, locked: Mapping[str, datetime]) -> None:
    """Say in an order what the store still keeps of what it destroyed."""
    if locked:
        change_order(
            archive,
            order.site,
            order.takedown,
            lambda each: each.model_copy(update={"locked": {**each.locked, **locked}}),
        )


def _purge(archive: Archive, keys: Iterable[str], *, current: bool = False) -> dict[str, datetime]:
    with ThreadPoolExecutor(archive.store.threads, thread_name_prefix="purge") as pool:
        wanted = list(dict.fromkeys(keys))
        found = pool.map(lambda key: archive.store.purge(key, current=current), wanted)
        return {key: until for key, until in zip(wanted, found, strict=True) if until is not None}


def _put_back(archive: Archive, order: TakedownOrder, now: datetime) -> TakedownOrder:
    """Give every object what its seal has, less what other orders in force withhold."""
    carrier = Restorer(archive, read_target(archive, order), now)
    carrier.restore()
    _tell(archive, order, "reinstated", now)

    def finish(standing: TakedownOrder) -> TakedownOrder:
        if standing.state != "reinstating":
            return standing
        return standing.model_copy(update={"state": "reinstated", "touched": ()})

    return change_order(archive, order.site, order.takedown, finish)


# --- the journal


def _tell(archive: Archive, order: TakedownOrder, kind: Kind, now: datetime, *, run: str | None = None) -> None:
    """Tell in the journal what was replaced; once, however often this is called."""
    site, takedown = order.site, order.takedown
    key = archive.takedown_key(site, takedown)
    standing = archive.read_progress(key, TakedownOrder)
    assert standing is not None
    touched = {each.key: each for each in standing.touched}
    ended = kind == "reinstated"
    by, reason = (standing.ended_by, standing.ended_reason) if ended else (standing.by, standing.reason)
    token = f"takedown/{takedown}/{kind}" + (f"/{run}" if run else "")

    def draft() -> JournalEntry:
        with ThreadPoolExecutor(archive.store.threads, thread_name_prefix="tell") as pool:
            found = pool.map(partial(_tell_one, archive), touched.values())
            replaced = tuple(sorted(found, key=lambda each: each.key))
        seals = [] if ended else list(archive.store.list(f"sealed/{site}/{takedown}/"))
        objects = tuple(
            Recorded(key=entry.key, size=entry.size, sha256=archive.recorded(entry.key)[1])
            for entry in seals
            if not entry.key.endswith(f"/{TERMS}")
        )
        return JournalEntry(
            site=site,
            at=now,
            kind=kind,
            run=run,
            takedown=takedown,
            by=by,
            reason=reason,
            objects=objects if not run or touched else (),
            replaced=replaced,
        )

    if run is not None and not touched:
        return
    for number in count():
        entry = append(archive, site, token + (f"/{number}" if number else ""), draft, since=standing.ordered_at)
        told = {each.key for each in entry.replaced}
        touched = {name: each for name, each in touched.items() if name not in told}
        if not touched:
            break
    if run is not None:
        change_order(archive, site, takedown, lambda each: each.model_copy(update={"touched": ()}))


def _tell_one(archive: Archive, each: Replaced) -> Replaced:
    found = archive.store.head(each.key)
    return each.model_copy(update={"after": found.metadata.get(DIGEST_NAME) if found is not None else None})
