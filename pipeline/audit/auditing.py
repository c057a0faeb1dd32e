"""An audit from its start to its end: which sites there are, and of each one look, or two."""

from __future__ import annotations

import hashlib
import heapq
import sqlite3
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from pipeline.archive import HEALTH_FOLDER, MARKER_KEY, Archive
from pipeline.audit.accounts import judge_accounts, judge_orders, judge_runs, judge_versions, tell_expired
from pipeline.audit.chain import find_hidden, read_journal, read_orders
from pipeline.audit.derived import (
    TABLE_KEY,
    judge_frontier,
    judge_indexes,
    judge_memory,
    judge_table,
    read_frontier,
    read_table,
)
from pipeline.audit.look import TABLES, Look, answers
from pipeline.audit.objects import read_objects
from pipeline.audit.told import Audited, Choice, Discrepancy, Head, Progress
from pipeline.model import SITE_ID, Marker
from pipeline.store import CHECK_PREFIX, DIGEST_NAME, KeyMissing
from pipeline.table import open_table

_AT_ONCE = 4  # segments
_PATIENCE = 2.0  # seconds until a second look
_TOPS = ("warc", "runs", "articles", "journal", "indexes", "takedowns", "sealed", "sites")


def audit_archive(
    archive: Archive,
    *,
    sites: Sequence[str] | None = None,
    choice: Choice | None = None,
    heads: Mapping[str, Head] | None = None,
    patience: float = _PATIENCE,
    progress: Progress | None = None,
    expiry: Mapping[str, datetime] | None = None,
) -> Audited:
    """Look at an archive.

    Args:
        archive: which.
        sites: only these; None: all, and all that belongs to none.
        choice: read some objects only; None: every one. That everything is there, and the journal, is looked at always.
        heads: ends of journals that an earlier audit told.
        patience: seconds until what seems wrong is looked at once more.
        progress: told how far it has come.
        expiry: site -> raw data of runs before this moment may be gone (``keep_raw`` of the site's file).

    Raises:
        StoreUnavailable: the store does not answer.
    """
    told = Audited(choice=choice)
    whole = sites is None
    chosen, strange, found = _survey(archive, sites, choice)
    told.sites = sorted(found | set(heads or ()) | _sites_of_table(archive)) if whole else sorted(set(sites or ()))
    if whole:
        told.objects += len(strange) + 1
        told.discrepancies += _check_marker(archive, told)
        told.discrepancies += [_strange(key) for key in strange if archive.store.head(key) is not None]
    for site in told.sites:
        before = (expiry or {}).get(site)
        with (
            _open_books() as db,
            ThreadPoolExecutor(archive.store.threads, "audit") as pool,
            ThreadPoolExecutor(_AT_ONCE, "audit-segment") as lane,
        ):
            look = Look(
                archive=archive,
                site=site,
                chosen=chosen,
                head=(heads or {}).get(site),
                expiry="" if before is None else f"{before:%Y%m%dT%H%M%SZ}",
                told=told,
                progress=progress or _tell_nobody,
                pool=pool,
                lane=lane,
                db=db,
            )
            try:
                _audit_site(look, patience)
            finally:  # what was begun ahead is not waited for
                pool.shutdown(wait=False, cancel_futures=True)
                lane.shutdown(wait=False, cancel_futures=True)
    return told


def _tell_nobody(_site: str, _done: int, _of: int) -> None:
    """No progress is told."""


def _survey(
    archive: Archive, sites: Sequence[str] | None, choice: Choice | None
) -> tuple[frozenset[str] | Choice | None, list[str], set[str]]:
    """List the bucket once: which objects are to be read, which have no business there, and which sites there are."""
    wanted = None if sites is None else set(sites)
    found: set[str] = set()
    strange: list[str] = []

    def keys() -> Iterator[str]:
        for key in _all_keys(archive, wanted):
            top, _, rest = key.partition("/")
            site = rest.partition("/")[0]
            if top in _TOPS and "/" in rest and SITE_ID.fullmatch(site):
                found.add(site)
                yield key
            elif key != MARKER_KEY and not key.startswith((CHECK_PREFIX, HEALTH_FOLDER, f"{TABLE_KEY}/")):
                strange.append(key)

    if choice is not None and choice.number is not None:
        return frozenset(heapq.nsmallest(choice.number, keys(), key=choice.draw)), strange, found
    deque(keys(), maxlen=0)
    return choice, strange, found


def _sites_of_table(archive: Archive) -> set[str]:
    """Sites that the table has rows of: all that may be left of one."""
    try:
        table = open_table(archive)
        names = {each.get("site") for each in table.partitions()} if table is not None else set()
    except Exception:  # whatever Delta makes of a damaged log: that is told of each site
        if not answers(archive):
            raise
        return set()
    return {name for name in names if name and SITE_ID.fullmatch(name)}


def _all_keys(archive: Archive, sites: set[str] | None) -> Iterator[str]:
    prefixes = [""] if sites is None else [f"{top}/{site}/" for site in sorted(sites) for top in _TOPS]
    for prefix in prefixes:
        for entry in archive.store.list(prefix):
            yield entry.key


def _check_marker(archive: Archive, told: Audited) -> Iterator[Discrepancy]:
    try:
        stored = archive.store.get(MARKER_KEY)
    except KeyMissing:
        yield Discrepancy(
            site=None, kind="marker", problem="missing", key=MARKER_KEY, expected="the marker", stands="nothing",
            next_step="Restore it from a backup: without it the bucket counts as empty.",
        )  # fmt: skip
        return
    told.read, told.bytes = told.read + 1, told.bytes + len(stored.body)
    stated, digest = stored.metadata.get(DIGEST_NAME), hashlib.sha256(stored.body).hexdigest()
    with suppress(ValidationError):
        Marker.model_validate_json(stored.body)
        if stated in (None, digest):
            return
    yield Discrepancy(
        site=None, kind="marker", problem="altered", key=MARKER_KEY, expected=f"SHA-256 {stated}",
        stands=f"SHA-256 {digest}", next_step="Restore it from a backup.",
    )  # fmt: skip


def _strange(key: str) -> Discrepancy:
    return Discrepancy(
        site=None,
        kind="other",
        problem="unaccounted",
        key=key,
        expected="nothing: no key of an archive has this form",
        stands="an object",
        next_step="Find out who put it there; what is not the archive's belongs into another bucket.",
    )


@contextmanager
def _open_books() -> Iterator[sqlite3.Connection]:
    """The books of one site, in a file that is gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="muniment-audit-") as folder,
        closing(sqlite3.connect(Path(folder) / "audit.sqlite", isolation_level=None)) as db,
    ):
        db.row_factory = sqlite3.Row
        db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + TABLES)
        yield db


def _audit_site(look: Look, patience: float) -> None:
    """Look; and where something seems wrong, look once more and tell what still is."""
    _look_once(look)
    told, seemed = look.told, look.found.keys()
    told.objects += look.count("objects")
    told.rows += look.count("rows")
    told.versions += look.count("versions")
    if seemed:
        time.sleep(patience)
        suspects = {key for key, _ in seemed}
        suspects |= {row["source"] for row in look.db.execute("SELECT DISTINCT source FROM flaws")}
        look = replace(look, again=True, suspects=frozenset(suspects))
        _look_once(look)
    still = [each for about, each in look.found.items() if about in seemed]
    told.discrepancies += sorted(still, key=lambda each: (each.kind, each.key, each.problem))
    told.notes += look.notes
    told.expired += len(look.expired)
    told.heads[look.site] = look.last
    told.entries += look.last.n


def _look_once(look: Look) -> None:
    """One look, in the opposite order to that in which publishers write."""
    look.list_objects(f"runs/{look.site}/")
    published = {run for run, each in look.runs.items() if "published.json" in each.names}
    read_orders(look)
    read_journal(look)
    published -= {run for run, each in look.runs.items() if each.is_rejected}
    read_table(look)
    read_frontier(look)
    for top in _TOPS:
        look.list_objects(f"{top}/{look.site}/")
    find_hidden(look)
    read_objects(look, published)
    judge_accounts(look)
    judge_orders(look)
    judge_memory(look, published)
    judge_indexes(look, published)
    judge_runs(look, published)
    judge_versions(look)
    judge_table(look, published)
    judge_frontier(look, published)
    tell_expired(look)
