"""Takedowns carried out and ended: every object that says what is withheld, one after the other."""

from __future__ import annotations

import io
import json
import logging
import re
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import IO, BinaryIO, Literal

import orjson
import zstandard

from pipeline.archive import Archive, describe_version
from pipeline.errors import ArchiveError, NotInArchive, StoreRefused, WriteConflict
from pipeline.frontier import restate
from pipeline.journal import append
from pipeline.lifecycle import standing_of
from pipeline.model import JournalEntry, Recorded, Replaced, TakedownOrder, Version
from pipeline.store import DIGEST_NAME, Item, KeyMissing, Lost, Stored
from pipeline.takedown.blank import Place, blank_member, read_places, write_blanked
from pipeline.takedown.cleaning import Target, clean_document, clean_finding, clean_version
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
from pipeline.takedown.words import Finder, fold, mark_of
from spiders.warc import BodyTooLarge, BodyUndecodable, read_captures

log = logging.getLogger("muniment")

_JSON, _GZIP, _ZSTD, _TEXT = "application/json", "application/gzip", "application/zstd", "text/plain"
_TYPES = {".json": _JSON, ".gz": _GZIP, ".zst": _ZSTD, ".cdxj": _TEXT}
_BATCH = 32  # objects that are replaced at once
_TRIES = 20
_LEVEL = 10
_LARGEST = 64 * 1024 * 1024  # bytes of a document that is looked through
_PART = 1 << 20
_LOOKED_THROUGH = frozenset({"source", "redirect", "attempt", "policy", "robots"})
_FINDINGS = re.compile(r"runs/[^/]+/[^/]+/extracted-\d{5}\.jsonl\.zst")
_INDEX = re.compile(r"(?:indexes/[^/]+/[^/]+\.cdxj|runs/[^/]+/[^/]+/index-\d{5}\.cdxj(?:\.zst)?)")

Clean = Callable[[bytes, Sequence[Target]], bytes]
"""Makes of an object what the orders leave of it; the same bytes where that is all."""


Kind = Literal["suspended", "redacted", "destroyed", "reinstated"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """An object that a takedown touches."""

    key: str
    what: str  # in words


@dataclass(frozen=True, kw_only=True)
class _Change:
    """What an object is to become."""

    key: str
    standing: Stored
    pristine: bytes
    wanted: bytes
    clean: Clean


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
    carrier = _Carrier(archive, target, now, dry=True)
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
    _Carrier(archive, read_target(archive, order), now).carry()
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
        order = resume(archive, found, now=now) if found.state == "ordered" else found
        carrier = _Carrier(archive, read_target(archive, order), now, run=run)
        carrier.carry()
        touched = read_order(archive, site, order.takedown).touched
        if not touched:
            continue
        if order.destroy:
            _note_locked(archive, order, _purge(archive, [each.key for each in touched]))
        _tell(archive, order, describe(order), now, run=run)
        steps += carrier.steps
    return steps


def clean_run(archive: Archive, site: str, run: str, *, now: datetime) -> None:
    """``reapply``, where those who run sites may do that; where they may not, maintenance does it."""
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


def read_pristine(archive: Archive, site: str, article: str) -> list[Version]:
    """All versions of an article as they were before the takedowns that are in force.

    Raises:
        NotInArchive: there is no such article.
    """
    seals = _Seals(archive, site)
    found = []
    for n in range(1, archive.latest_number(site, article) + 1):
        key = archive.version_key(site, article, n)
        body = seals.pristine(key)
        found.append(archive.read_version(key) if body is None else Version.model_validate_json(body))
    if not found:
        raise NotInArchive(
            f"There is no article {article} of {site}.", next_step="`muniment history URL` says what there is."
        )
    return found


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


# --- seals


class _Seals:
    """What the orders of a site have sealed.

    Args:
        but: an order whose seals do not count.
    """

    def __init__(self, archive: Archive, site: str) -> None:
        self._archive = archive
        self._site = site
        states = {order.takedown: order.state for order in read_orders(archive, site)}
        self._by_key: dict[str, list[str]] = {}
        start = f"sealed/{site}/"
        for entry in archive.store.list(start):
            takedown, _, key = entry.key.removeprefix(start).partition("/")
            if key != TERMS:
                self._by_key.setdefault(key, []).append(takedown)
        self._force = {name for name, state in states.items() if state in ("ordered", "carried out")}
        self._left = self._force | {name for name, state in states.items() if state == "reinstating"}

    def all(self, key: str) -> list[str]:
        """Orders that have sealed an object, ended ones too."""
        return sorted(self._by_key.get(key, ()))

    def in_force(self, key: str, *, but: str = "") -> list[str]:
        """Orders in force that have sealed it, other than one."""
        return [name for name in self.all(key) if name in self._force and name != but]

    def keys_of(self, takedown: str) -> list[str]:
        """What an order has sealed."""
        return sorted(key for key, names in self._by_key.items() if takedown in names)

    def add(self, key: str, takedown: str) -> None:
        """Note that an order has sealed an object now."""
        if takedown not in self._by_key.setdefault(key, []):
            self._by_key[key].append(takedown)

    def pristine(self, key: str) -> bytes | None:
        """What stood under a key before all takedowns that still change it; None: what stands there."""
        for name in self.all(key):
            if name in self._left:
                return self.read(name, key)
        return None

    def read(self, takedown: str, key: str) -> bytes:
        """What an order has sealed of an object."""
        return self._archive.store.get(self._archive.sealed_key(self._site, takedown, key)).body

    def members(self, key: str, names: Iterable[str]) -> dict[int, bytes]:
        """Records of a segment as they were, by offset, that some orders have sealed."""
        return {offset: member for name in names for offset, member in parse_members(self.read(name, key)).items()}


def parse_members(body: bytes) -> dict[int, bytes]:
    """The records in a segment's seal, by offset."""
    head, _, rest = body.partition(b"\n")
    found, at = {}, 0
    for offset, length in json.loads(head):
        found[int(offset)] = rest[at : at + length]
        at += length
    return found


def pack_members(members: Mapping[int, bytes]) -> bytes:
    """A segment's seal."""
    in_order = sorted(members.items())
    return b"".join(
        [json.dumps([[at, len(body)] for at, body in in_order]).encode(), b"\n", *(body for _, body in in_order)]
    )


# --- carrying out


@dataclass
class _Carrier:
    """One order, being carried out.

    Args:
        run: only this run's objects.
        dry: look only.
    """

    archive: Archive
    target: Target
    now: datetime
    run: str | None = None
    dry: bool = False
    steps: list[Step] = field(default_factory=list)
    _blanked: dict[str, dict[str, frozenset[int]]] = field(default_factory=dict)  # order → segment → offsets

    def __post_init__(self) -> None:
        self._order = self.target.order
        self._id = self._order.takedown
        self._site = self._order.site
        self._seals = _Seals(self.archive, self._site)
        self._noted = {each.key for each in self._order.touched}
        self._targets = {self._id: self.target}

    def carry(self) -> None:
        """Clean every object, what readers read most first."""
        site, article = self._site, self._order.article
        numbers = range(1, self.archive.latest_number(site, article) + 1)
        keys = [self.archive.version_key(site, article, n) for n in numbers]
        self._clean_all(keys, _clean_version, "version")
        if not self.dry:
            versions = [self.archive.version(site, article, n) for n in numbers]
            if versions:
                from pipeline.table import replace_rows  # noqa: PLC0415 - heavy, and every run asks whether something is taken down

                replace_rows(self.archive, versions, now=self.now, reason=f"takedown {self._id}")
                self._settle_state(versions)
        for run in self._runs():
            for key in self.archive.segments(site, run):
                self._blank_segment(key)
            listed = [entry.key for entry in self.archive.store.list(f"runs/{site}/{run}/")]
            self._clean_all([key for key in listed if _FINDINGS.fullmatch(key)], _clean_findings, "findings")
            self._clean_all([key for key in listed if key.endswith(".json")], _clean_json, "document")
            index = self.archive.index_key(site, run)
            indexes = [key for key in (*listed, index) if _INDEX.fullmatch(key)]
            self._clean_all(indexes, self._clean_index, "index")
        if self._order.destroy and not self.dry:
            self._clean_terms()

    def _runs(self) -> list[str]:
        if self.run is not None:
            return [self.run]
        folders = set(self.archive.runs(self._site))
        start = f"indexes/{self._site}/"
        return sorted(
            folders | {e.key.removeprefix(start).removesuffix(".cdxj") for e in self.archive.store.list(start)}
        )

    def _settle_state(self, versions: Sequence[Version]) -> None:
        """What is rebuilt out of the rest, and so is not sealed: frontier and learned blocks."""
        standing = standing_of(versions)
        if standing is not None:
            restate(self.archive, self._site, [standing])
        for entry in self.archive.store.list(f"sites/{self._site}/"):
            if entry.key.endswith(".json"):
                self._clean_mutable(entry.key)

    def _clean_mutable(self, key: str) -> None:
        for _ in range(_TRIES):
            try:
                stored = self.archive.store.get(key)
            except KeyMissing:
                return
            wanted = _clean_json(stored.body, [self.target])
            if wanted == stored.body:
                return
            with suppress(Lost):
                self.archive.store.replace(key, wanted, etag=stored.etag, content_type=_JSON)
                return
        raise WriteConflict(f"{key} was replaced by others {_TRIES} times in a row; try again")

    # --- objects that are replaced as a whole

    def _clean_all(self, keys: Sequence[str], clean: Clean, what: str) -> None:
        with ThreadPoolExecutor(min(8, self.archive.store.threads), thread_name_prefix="takedown") as pool:
            for at in range(0, len(keys), _BATCH):
                some = keys[at : at + _BATCH]
                changes = [change for change in pool.map(partial(self._plan, clean=clean), some) if change is not None]
                self.steps += [Step(key=change.key, what=what) for change in changes]
                if changes and not self.dry:
                    self._replace(changes)

    def _plan(self, key: str, clean: Clean) -> _Change | None:
        try:
            standing = self.archive.store.get(key)
        except KeyMissing:
            return None
        sealed = self._seals.pristine(key)
        pristine = standing.body if sealed is None else sealed
        alone = clean(pristine, [self.target])
        if alone == pristine and not self._order.destroy:
            return None
        others = [self._target(name) for name in self._seals.in_force(key, but=self._id)]
        together = _in_order([*others, self.target])
        wanted = clean(pristine, together)
        if alone == pristine and wanted == standing.body:
            return None  # only what is destroyed comes here: its seals may be clean already, and this not yet
        return _Change(
            key=key,
            standing=standing,
            pristine=pristine,
            wanted=wanted,
            clean=clean,
        )

    def _replace(self, changes: Sequence[_Change]) -> None:
        if self._order.destroy:
            for change in changes:
                self._clean_seals(change.key, lambda body, clean=change.clean: clean(body, [self.target]))  # type: ignore[misc]
        else:
            self._seal([(change.key, change.pristine) for change in changes])
        due = [change for change in changes if change.wanted != change.standing.body]
        self._note([(each.key, sha256(each.standing.body).hexdigest()) for each in due])
        for change in due:
            self._replace_one(change)

    def _replace_one(self, change: _Change) -> None:
        for _ in range(_TRIES):
            with suppress(Lost):
                self.archive.store.replace(
                    change.key,
                    change.wanted,
                    etag=change.standing.etag,
                    content_type=_type_of(change.key),
                    metadata=_metadata_of(change.key, change.wanted),
                )
                self.archive.forget(change.key)
                return
            again = self._plan(change.key, change.clean)
            if again is None or again.wanted == again.standing.body:
                return
            change = again
        raise WriteConflict(f"{change.key} was replaced by others {_TRIES} times in a row; try again")

    def _seal(self, objects: Sequence[tuple[str, bytes]]) -> None:
        items = [
            Item(key=self.archive.sealed_key(self._site, self._id, key), body=body, content_type=_type_of(key))
            for key, body in objects
        ]
        self.archive.store.create_many(items)
        for key, _ in objects:
            self._seals.add(key, self._id)

    def _clean_seals(self, key: str, clean: Callable[[bytes], bytes]) -> None:
        """Take out of what others have sealed what is destroyed now."""
        for name in self._seals.all(key):
            sealed = self.archive.sealed_key(self._site, name, key)
            for _ in range(_TRIES):
                stored = self.archive.store.get(sealed)
                wanted = clean(stored.body)
                if wanted == stored.body:
                    break
                self._note([(sealed, sha256(stored.body).hexdigest())])
                with suppress(Lost):
                    self.archive.store.replace(sealed, wanted, etag=stored.etag, content_type=stored.content_type)
                    break

    def _clean_terms(self) -> None:
        """Other orders of the site are looked for by words that may be these."""
        for other in read_orders(self.archive, self._site):
            if other.takedown == self._id:
                continue
            key = self.archive.sealed_key(self._site, other.takedown, TERMS)
            try:
                stored = self.archive.store.get(key)
            except KeyMissing:
                continue
            terms = json.loads(stored.body)
            kept = {name: [word for word in words if not self._tells(word)] for name, words in terms.items()}
            if kept != terms:
                self._note([(key, sha256(stored.body).hexdigest())])
                body = json.dumps(kept, ensure_ascii=False).encode()
                with suppress(Lost):
                    self.archive.store.replace(key, body, etag=stored.etag, content_type=_JSON)

    def _tells(self, word: str) -> bool:
        return self.target.finder.stands_in(word) or fold(word) in self.target.lines

    def _note(self, keys: Sequence[tuple[str, str]]) -> None:
        """Say in the order what is about to be replaced: whoever goes on tells the journal of it."""
        new = [(key, before) for key, before in keys if key not in self._noted]
        if not new:
            return
        sealed = not self._order.destroy
        drafts = tuple(
            Replaced(
                key=key,
                before=before,
                after=None,
                sealed=self.archive.sealed_key(self._site, self._id, key) if sealed else None,
            )
            for key, before in new
        )

        def add(standing: TakedownOrder) -> TakedownOrder:
            known = {each.key for each in standing.touched}
            more = tuple(each for each in drafts if each.key not in known)
            return standing.model_copy(update={"touched": (*standing.touched, *more)})

        change_order(self.archive, self._site, self._id, add)
        self._noted |= {key for key, _ in new}

    def _target(self, takedown: str) -> Target:
        if takedown not in self._targets:
            order = next(each for each in read_orders(self.archive, self._site) if each.takedown == takedown)
            self._targets[takedown] = read_target(self.archive, order)
        return self._targets[takedown]

    # --- segments

    def _blank_segment(self, key: str) -> None:
        for _ in range(_TRIES):
            standing = self.archive.store.head(key)
            if standing is None:
                return
            with tempfile.TemporaryDirectory(prefix="muniment-takedown-") as folder, suppress(Lost):
                path = Path(folder) / "segment.warc.gz"
                self.archive.download_segment(key, path)
                with path.open("rb") as file:
                    self._blank_file(key, file, Path(folder), standing.etag)
                return
        raise WriteConflict(f"{key} was replaced by others {_TRIES} times in a row; try again")

    def _blank_file(self, key: str, file: BinaryIO, folder: Path, etag: str) -> None:
        places = read_places(file)
        holders = self._seals.in_force(key, but=self._id)
        sealed = {name: self._seals.members(key, [name]) for name in holders}
        earlier = {offset: body for members in sealed.values() for offset, body in members.items()}

        def read(place: Place) -> bytes:
            if place.offset in earlier:
                return earlier[place.offset]
            file.seek(place.offset)
            return file.read(place.length)

        own = set(self._seals.members(key, [self._id])) if self._id in self._seals.all(key) else None
        if own is None:
            own = {place.offset for place in self._pick(key, places, read, earlier)}
        for name, members in sealed.items():
            self._blanked.setdefault(name, {})[key] = frozenset(members)
        gone = {place.offset for place in places if place.blank and place.offset not in earlier}
        self._blanked.setdefault(self._id, {})[key] = frozenset(own | gone)
        if not own:
            return
        self.steps.append(Step(key=key, what=f"{len(own)} records"))
        if self.dry:
            return
        chosen = [place for place in places if place.offset in own]
        if self._order.destroy:
            blanks = {place.offset: blank_member(place, read(place)) for place in chosen}
            self._clean_seals(key, lambda body: pack_members(_overlay(parse_members(body), blanks)))
        elif self._id not in self._seals.all(key):
            with (folder / "sealed").open("wb") as target:
                target.write(json.dumps([[place.offset, place.length] for place in chosen]).encode() + b"\n")
                for place in chosen:
                    target.write(read(place))
            sealed_key = self.archive.sealed_key(self._site, self._id, key)
            self.archive.store.upload_file(sealed_key, folder / "sealed", content_type="application/octet-stream")
            self._seals.add(key, self._id)
        due = [place for place in chosen if not place.blank and place.offset not in earlier]
        if not due:
            return
        instead = {place.offset: blank_member(place, read(place)) for place in due}
        _write_segment(self.archive, key, file, places, instead, folder, etag, self._note)

    def _pick(
        self, key: str, places: Sequence[Place], read: Callable[[Place], bytes], earlier: Mapping[int, bytes]
    ) -> Iterator[Place]:
        """The records that say what is withheld."""
        groups: dict[str, list[Place]] = {}
        for place in places:
            if place.kind != "warcinfo" and (not place.blank or place.offset in earlier):
                groups.setdefault(place.capture, []).append(place)
        others = self._of_other_articles(key)
        for capture, group in groups.items():
            fields = {name: value for place in group for name, value in place.fields.items()}
            kind = fields.get("muniment-kind", "page")
            urls = {place.header("WARC-Target-URI") for place in group} | {fields.get("muniment-requested", "")}
            own = capture in self.target.records or (kind not in ("robots", "policy") and urls & self.target.urls)
            if own and self.target.whole:
                yield from group
            elif own:
                yield from (place for place in group if self._has_words(place, read))
            elif kind in _LOOKED_THROUGH or capture not in others:
                texts = (text for place in group for text in _texts_of(read(place)))
                if any(self.target.gives_away(text) for text in texts):
                    yield from group

    def _has_words(self, place: Place, read: Callable[[Place], bytes]) -> bool:
        """Of a page with words to redact: whether a record has them, or may have them in a form of its own."""
        if place.kind == "conversion" or (place.kind == "response" and place.fields.get("status", "200")[:1] == "2"):
            return True
        return any(self.target.finder.stands_in_source(text) for text in _texts_of(read(place)))

    def _of_other_articles(self, key: str) -> frozenset[str]:
        """Records of a segment that are the evidence of other articles: of these nothing is blanked."""
        match = re.fullmatch(r".*/([^/]+)-(\d{5})\.warc\.gz", key)
        assert match is not None
        found = self.archive.extracted_key(self._site, match[1], int(match[2]))
        try:
            body = self.archive.store.get(found).body
        except KeyMissing:
            return frozenset()
        lines = (orjson.loads(line) for line in _unpack(body).splitlines())
        return frozenset(line["evidence"]["record_id"] for line in lines if line["kind"] in ("article", "unchanged"))

    def _clean_index(self, body: bytes, targets: Sequence[Target]) -> bytes:
        """An index without the lines of blank records."""
        gone = {
            (key.rsplit("/", maxsplit=1)[-1], offset)
            for target in targets
            for key, offsets in self._blanked.get(target.order.takedown, {}).items()
            for offset in offsets
        }
        packed = body.startswith(b"\x28\xb5\x2f\xfd")
        lines = (_unpack(body) if packed else body).splitlines(keepends=True)
        kept = [line for line in lines if _record_of_line(line) not in gone]
        if len(kept) == len(lines):
            return body
        return _pack(b"".join(kept)) if packed else b"".join(kept)


def _carry_out(archive: Archive, order: TakedownOrder, now: datetime) -> TakedownOrder:
    key = archive.sealed_key(order.site, order.takedown, TERMS)
    if archive.store.head(key) is None and not order.destroy:
        write_terms(archive, order, read_pristine(archive, order.site, order.article), ())
    target = read_target(archive, order)
    carrier = _Carrier(archive, target, now)
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
    carrier = _Restorer(archive, read_target(archive, order), now)
    carrier.restore()
    _tell(archive, order, "reinstated", now)

    def finish(standing: TakedownOrder) -> TakedownOrder:
        if standing.state != "reinstating":
            return standing
        return standing.model_copy(update={"state": "reinstated", "touched": ()})

    return change_order(archive, order.site, order.takedown, finish)


class _Restorer(_Carrier):
    """One order, being ended."""

    def restore(self) -> None:
        """Put all back that it has sealed: versions first, indexes last."""
        keys = self._seals.keys_of(self._id)
        segments = [key for key in keys if key.startswith("warc/")]
        indexes = [key for key in keys if _INDEX.fullmatch(key)]
        versions = [key for key in keys if key.startswith("articles/")]
        for key in versions:
            self._restore(key, _clean_version)
        numbers = range(1, self.archive.latest_number(self._site, self._order.article) + 1)
        standing = [self.archive.version(self._site, self._order.article, n) for n in numbers]
        from pipeline.table import replace_rows  # noqa: PLC0415 - heavy, and every run asks whether something is taken down

        replace_rows(self.archive, standing, now=self.now, reason=f"takedown {self._id} reinstated")
        if (known := standing_of(standing)) is not None:
            restate(self.archive, self._site, [known])
        for key in segments:
            self._restore_segment(key)
        for key in keys:
            if _FINDINGS.fullmatch(key):
                self._restore(key, _clean_findings)
            elif key.endswith(".json") and key.startswith("runs/"):
                self._restore(key, _clean_json)
        for key in indexes:
            self._restore(key, self._clean_index)

    def _restore(self, key: str, clean: Clean) -> None:
        pristine = self._seals.read(self._id, key)
        others = [self._target(name) for name in self._seals.in_force(key, but=self._id)]
        wanted = clean(pristine, _in_order(others)) if others else pristine
        for _ in range(_TRIES):
            try:
                stored = self.archive.store.get(key)
            except KeyMissing:
                return  # the site's retention has removed it meanwhile
            if stored.body == wanted:
                return
            self._note([(key, sha256(stored.body).hexdigest())])
            with suppress(Lost):
                self.archive.store.replace(
                    key,
                    wanted,
                    etag=stored.etag,
                    content_type=_type_of(key),
                    metadata=_metadata_of(key, wanted),
                )
                self.archive.forget(key)
                return
        raise WriteConflict(f"{key} was replaced by others {_TRIES} times in a row; try again")

    def _restore_segment(self, key: str) -> None:
        members = self._seals.members(key, [self._id])
        for name in self._seals.in_force(key, but=self._id):
            held = self._seals.members(key, [name])
            self._blanked.setdefault(name, {})[key] = frozenset(held)
            members = {offset: body for offset, body in members.items() if offset not in held}
        for _ in range(_TRIES):
            standing = self.archive.store.head(key)
            if standing is None:
                return
            with tempfile.TemporaryDirectory(prefix="muniment-takedown-") as folder, suppress(Lost):
                path = Path(folder) / "segment.warc.gz"
                self.archive.download_segment(key, path)
                with path.open("rb") as file:
                    places = read_places(file)
                    due = {offset: body for offset, body in members.items() if _read_at(file, offset, body) != body}
                    if due:
                        _write_segment(self.archive, key, file, places, due, Path(folder), standing.etag, self._note)
                return
        raise WriteConflict(f"{key} was replaced by others {_TRIES} times in a row; try again")


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


# --- what becomes of each kind of object


def _clean_version(body: bytes, targets: Sequence[Target]) -> bytes:
    version = Version.model_validate_json(body)
    cleaned = clean_version(version, targets)
    return body if cleaned == version else cleaned.to_json()


def _clean_findings(body: bytes, targets: Sequence[Target]) -> bytes:
    lines = _unpack(body).split(b"\n")
    changed = False
    for number, line in enumerate(lines):
        if not line:
            continue
        given = orjson.loads(line)
        cleaned = clean_finding(given, targets)
        if cleaned != given:
            lines[number] = orjson.dumps(cleaned)
            changed = True
    return _pack(b"\n".join(lines)) if changed else body


def _clean_json(body: bytes, targets: Sequence[Target]) -> bytes:
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    cleaned = clean_document(given, targets)
    return body if cleaned == given else orjson.dumps(cleaned)


def _in_order(targets: Iterable[Target]) -> list[Target]:
    """Words are redacted before articles are emptied, so that it does not matter which was done before."""
    return sorted(targets, key=lambda each: (each.whole, each.order.takedown))


def _texts_of(member: bytes) -> Iterator[str]:
    """All that a record says: headers, and the body without its content codings, as far as it can be read."""
    machine = zlib.decompressobj(zlib.MAX_WBITS | 16)
    record = machine.decompress(member, _LARGEST)
    yield _decode(record)
    for capture in read_captures(io.BytesIO(member)):
        if capture.payload:
            with suppress(BodyTooLarge, BodyUndecodable):
                yield _decode(capture.body(_LARGEST))


def _decode(body: bytes) -> str:
    found = re.search(rb"""charset=["']?([\w-]+)""", body[:2048], re.IGNORECASE)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        name = found[1].decode("ascii") if found else "cp1252"
        with suppress(LookupError):
            return body.decode(name, "replace")
        return body.decode("cp1252", "replace")


def _record_of_line(line: bytes) -> tuple[str, int]:
    """File name and offset in a line of an index."""
    start = line.find(b"{")
    try:
        said = orjson.loads(line[start:])
        return str(said["filename"]).rsplit("/", maxsplit=1)[-1], int(said["offset"])
    except (orjson.JSONDecodeError, KeyError, ValueError, TypeError):
        return "", -1


def _write_segment(
    archive: Archive,
    key: str,
    file: BinaryIO,
    places: Sequence[Place],
    instead: Mapping[int, bytes],
    folder: Path,
    etag: str,
    note: Callable[[Sequence[tuple[str, str]]], None],
) -> None:
    """Replace a segment by itself with other members."""
    note([(key, _digest_file(file))])
    made = folder / "made.warc.gz"
    with made.open("wb") as target:
        write_blanked(file, target, places, instead=instead)
    archive.store.replace_file(key, made, etag=etag, content_type=_GZIP)
    archive.forget(key)


def _digest_file(file: BinaryIO) -> str:
    file.seek(0)
    digest = sha256()
    while part := file.read(_PART):
        digest.update(part)
    return digest.hexdigest()


def _read_at(file: IO[bytes], offset: int, like: bytes) -> bytes:
    file.seek(offset)
    return file.read(len(like))


def _overlay(members: Mapping[int, bytes], blanks: Mapping[int, bytes]) -> dict[int, bytes]:
    return {offset: blanks.get(offset, body) for offset, body in members.items()}


def _unpack(body: bytes) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(body) as reader:
        return reader.read()


def _pack(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(body)


def _type_of(key: str) -> str:
    return _TYPES.get(key[key.rfind(".") :], "application/octet-stream")


def _metadata_of(key: str, body: bytes) -> dict[str, str] | None:
    return describe_version(Version.model_validate_json(body)) if key.startswith("articles/") else None
