"""Moving the table to a bucket of its own, while runs and readers go on.

    rows made anew in the other bucket, of the versions → the marker names that bucket → what came in between is made
    up for → the old folder is removed, if that is asked for

Made of versions and not copied: what a takedown has taken away from the table cannot come along in a file. No row is
lost, whoever commits when: a writer looks at the marker *after* its commit (``Archive.holds_table``), and we look at
the old table's log *after* the marker was switched. So of a commit into the old table either the writer learns that it
came too late, and its step is called again with the new bucket, or we see it. Every step may be killed and all of it
called again: the marker says how far it has come. What a writer of an earlier release still commits into the old table
is named by ``muniment audit``, and made up for by ``--repair`` or by moving again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.archive import Archive, change_marker, read_marker
from pipeline.errors import NotInArchive, StoreRefused
from pipeline.maintenance import rebuild
from pipeline.model import Marker, MovedTable
from pipeline.store import Store, self_test
from pipeline.table import open_table, read_commit, remove_former_rows, remove_table


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What moving the table did."""

    bucket: str  # that has it now
    before: str | None  # that had it; None: nothing of it is left there
    rows: dict[str, int]  # site -> rows that were made
    caught_up: tuple[str, ...]  # sites of which rows came into the old table meanwhile
    removed: int  # files of the old table


def move_table(store: Store, target: Store, former: Store, *, remove_old: bool = False, now: datetime) -> Moved:
    """Move the table of the archive in ``store`` into another bucket; again is harmless.

    Args:
        store: the archive's bucket.
        target: where the table is to lie; made if it is not there.
        former: the bucket that has the table or, where a move was interrupted, had it: ``former_bucket``.
        remove_old: remove the old table's files, once all is in the new one: readers that have it open fail then.
        now: the time.

    Raises:
        StoreRefused: the other bucket does not keep the promises that a table needs; nothing has changed.
        Temporary: call again.
    """
    marker = read_marker(store)
    if marker is None:
        raise NotInArchive(f"Bucket {store.bucket} holds no archive.", next_step="Set MUNIMENT_BUCKET.")
    rows: dict[str, int] = {}
    if (marker.tables_bucket or store.bucket) != target.bucket:
        _prepare(target)
        old = open_table(Archive(store, former))
        commit = -1 if old is None else old.version()
        rows = rebuild(Archive(store, target), now=now)
        moved = MovedTable(bucket=former.bucket, commit=commit)
        named = None if target.bucket == store.bucket else target.bucket
        change_marker(store, lambda each: each.model_copy(update={"tables_bucket": named, "moved": moved}))
        marker = read_marker(store) or marker
    if marker.moved is None:
        return Moved(bucket=target.bucket, before=None, rows=rows, caught_up=(), removed=0)
    caught_up = _catch_up(store, target, former, marker.moved, now)
    removed = 0
    if remove_old:
        removed = remove_table(Archive(store, former))
        change_marker(store, lambda each: each.model_copy(update={"moved": None}))
    before = None if remove_old else former.bucket
    return Moved(bucket=target.bucket, before=before, rows=rows, caught_up=caught_up, removed=removed)


def former_bucket(marker: Marker, bucket: str, target: str) -> str:
    """The bucket that a move to ``target`` begins from, or has begun from, in an archive in ``bucket``."""
    standing = marker.tables_bucket or bucket
    return marker.moved.bucket if standing == target and marker.moved is not None else standing


def _prepare(target: Store) -> None:
    if not target.has_bucket():
        target.create_bucket()
    failed = [check for check in self_test(target) if not check.passed]
    if failed:
        raise StoreRefused(
            f"Bucket {target.bucket} cannot hold the table:\n"
            + "\n".join(f"- {check.name}: {check.message}" for check in failed),
            next_step="Name another bucket, one without versioning; the table stays where it is.",
        )


def _catch_up(store: Store, target: Store, former: Store, moved: MovedTable, now: datetime) -> tuple[str, ...]:
    """Make up for commits that came into the old table behind the one that the move began at."""
    old, new = Archive(store, former), Archive(store, target)
    table = open_table(old)
    if table is None:
        return ()
    touched: dict[str, set[tuple[str, int]]] = {}  # site -> versions that a takedown has replaced
    for number in range(moved.commit + 1, table.version() + 1):
        commit = read_commit(old, number)
        if commit is None:  # gone by age: the move was left alone for weeks
            touched |= {site: touched.get(site, set()) for site in new.sites()}
            continue
        site = commit.metadata.get("site")
        if site is not None and (commit.added or commit.replaces):
            keys = (key.partition("/") for key in str(commit.metadata.get("versions") or "").split())
            touched.setdefault(str(site), set()).update((article, int(n)) for article, _, n in keys)
    for site in sorted(touched):
        rebuild(new, site, now=now)
        if touched[site]:
            remove_former_rows(new, site, touched[site])
    if touched:
        seen = MovedTable(bucket=moved.bucket, commit=table.version())
        change_marker(store, lambda each: each.model_copy(update={"moved": each.moved and seen}))
    return tuple(sorted(touched))
