"""The journal of a site: all that was done to its objects that are created once, as a hash chain.

    journal/<site>/00000001.json  ←  00000002.json  ←  00000003.json  …

Each entry has the SHA-256 of the bytes of the one before it, and the SHA-256 and size of every object that a run
(or an import) made, or that a takedown replaced. So a run that was removed, altered or put in later shows, and so
does an entry that was. What the chain cannot show by itself is that its latest entries were cut off together with
all that they name: whoever must be sure of that keeps a head (number and digest) elsewhere and compares
(``muniment audit``).

The next number is taken by the store's condition (``If-None-Match``): who finds it taken reads what is there and takes
the next. ``token`` makes an entry once, however often and by however many it is written. The names of kinds are those
of PREMIS events where there is one (ingestion, redaction, deletion …), in shorter words.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from pydantic import ValidationError

from pipeline.archive import Archive
from pipeline.errors import ArchiveError, WriteConflict
from pipeline.model import JournalEntry, Published, Recorded
from pipeline.store import KeyMissing

_JSON = "application/json"
_TRIES = 100
_PAGE = 1000  # names in a page of a listing
_CLOCKS = timedelta(days=1)  # by which the clocks of two machines are never apart

Draft = Callable[[], JournalEntry]
"""Makes an entry; its ``n`` and ``previous`` are filled in."""


def read_journal(archive: Archive, site: str, *, start: int = 1) -> Iterator[tuple[JournalEntry, str]]:
    """A site's entries from number ``start`` on, each with the digest of its bytes. Their chain is not checked.

    Raises:
        ArchiveError: an entry cannot be read.
    """
    n = start
    while (found := read_entry(archive, site, n)) is not None:
        yield found
        n += 1


def read_entry(archive: Archive, site: str, n: int) -> tuple[JournalEntry, str] | None:
    """One entry and the digest of its bytes; None: there is none of that number.

    Raises:
        ArchiveError: it cannot be read.
    """
    key = archive.journal_key(site, n)
    try:
        body = archive.store.get(key).body
    except KeyMissing:
        return None
    try:
        entry = JournalEntry.model_validate_json(body)
    except ValidationError as error:
        raise ArchiveError(
            f"{key} is not an entry of a journal: {error}", next_step="Restore the object from a backup."
        ) from error
    return entry, digest_of(body)


def digest_of(body: bytes) -> str:
    """Digest of an entry's bytes, as the entry behind it has it."""
    return "sha256:" + hashlib.sha256(body).hexdigest()


def entry_number(site: str, key: str) -> int | None:
    """Number of the entry of a site's journal that lies under a key; None: that is no key of an entry."""
    found = re.fullmatch(rf"journal/{re.escape(site)}/(\d{{8}})\.json", key)
    return int(found[1]) if found and int(found[1]) else None


def head_number(archive: Archive, site: str) -> int:
    """Number of a site's latest entry; 0 where there is none.

    A long journal is listed from near its end on, which a few HEADs find: every run asks. Where entries are missing
    they mislead, and only more is listed.
    """
    low, step = 0, _PAGE
    while archive.store.head(archive.journal_key(site, low + step)) is not None:
        low, step = low + step, 2 * step
    folder = archive.journal_key(site, 0).removesuffix("00000000.json")
    behind = archive.journal_key(site, low) if low else None
    numbers = (entry_number(site, entry.key) for entry in archive.store.list(folder, start_after=behind))
    return max(filter(None, numbers), default=low)


def append(archive: Archive, site: str, token: str, draft: Draft, *, since: datetime) -> JournalEntry:
    """Put an entry at the end of a site's journal, once for each token.

    Args:
        token: names what is told: asked a second time, the first entry is returned and nothing is written.
        draft: makes the entry; called again where somebody else's came before it, because that may be a takedown
            which replaced what this one tells of.
        since: no entry of this token is older. Clocks may differ by a day.

    Raises:
        WriteConflict: others were faster too often. Try again.
        ArchiveError: an entry of the journal is missing or cannot be read; nothing is put behind it.
    """
    n = head_number(archive, site)
    standing = _find_entry(archive, site, token, n, since)
    if standing is not None:
        return standing
    for _ in range(_TRIES):
        before = _read_standing(archive, site, n) if n else None
        if before is not None and before[0].token == token:
            return before[0]
        entry = draft().model_copy(update={"n": n + 1, "previous": before[1] if before else "", "token": token})
        key = archive.journal_key(site, entry.n)
        if archive.store.create(key, entry.to_json(), content_type=_JSON):
            return entry
        n += 1
    raise WriteConflict(f"the journal of {site} got entries from others {_TRIES} times in a row; try again")


def _find_entry(archive: Archive, site: str, token: str, n: int, since: datetime) -> JournalEntry | None:
    for earlier in range(n, 0, -1):
        entry, _ = _read_standing(archive, site, earlier)
        if entry.token == token:
            return entry
        if entry.at < since - _CLOCKS:
            break
    return None


def _read_standing(archive: Archive, site: str, n: int) -> tuple[JournalEntry, str]:
    """An entry that is there: nothing is told behind one that is not, because the chain would be broken for good.

    Raises:
        ArchiveError: it is missing, or cannot be read.
    """
    found = read_entry(archive, site, n)
    if found is None:
        raise ArchiveError(
            f"{archive.journal_key(site, n)} is missing, and later entries of the journal are there.",
            next_step="Restore the object from a backup; `muniment audit` says what else is damaged.",
        )
    return found


def record_objects(archive: Archive, keys: Iterable[str]) -> tuple[Recorded, ...]:
    """What was recorded of objects when they were written, in the order of keys."""
    with ThreadPoolExecutor(archive.store.threads, thread_name_prefix="record") as pool:
        wanted = sorted(set(keys))
        found = pool.map(archive.recorded, wanted)
        return tuple(
            Recorded(key=key, size=size, sha256=sha256) for key, (size, sha256) in zip(wanted, found, strict=True)
        )


def keys_of_run(archive: Archive, site: str, run: str) -> list[str]:
    """Keys of what a run has written so far, but its versions and the note that it is published."""
    published = archive.published_key(site, run)
    folder = published.removesuffix("published.json")
    keys = [entry.key for entry in archive.store.list(folder) if entry.key != published]
    index = archive.index_key(site, run)
    return [*keys, *archive.segments(site, run), *([index] if archive.store.head(index) else [])]


def find_published(archive: Archive, site: str, run: str) -> Published | None:
    """What the journal tells of a run that was published; None: nothing."""
    entry = _find_entry(archive, site, f"{run}/published", head_number(archive, site), _began(run))
    return entry.published if entry else None


def record_run(
    archive: Archive, site: str, run: str, *, published: Published | None, now: datetime, message: str | None = None
) -> JournalEntry:
    """Tell that a run was published or rejected, with all that it has written.

    Args:
        published: what publishing came to; ``published.json`` is written of what the entry has, so that they are the
            same whoever was killed in between. None: the run was rejected.
        now: the time.
        message: the gate's words.
    """

    def draft() -> JournalEntry:
        objects = record_objects(archive, [*keys_of_run(archive, site, run), *(published.made if published else ())])
        if published is not None:
            body = published.to_json()
            key = archive.published_key(site, run)
            own = Recorded(key=key, size=len(body), sha256=hashlib.sha256(body).hexdigest())
            objects = tuple(sorted([*objects, own], key=lambda each: each.key))
        return JournalEntry(
            site=site,
            at=now,
            kind="published" if published else "rejected",
            run=run,
            reason=message,
            objects=objects,
            published=published,
        )

    return append(archive, site, f"{run}/{'published' if published else 'rejected'}", draft, since=_began(run))


def _began(run: str) -> datetime:
    return datetime.strptime(run.split("-", maxsplit=1)[0], "%Y%m%dT%H%M%S%z")
