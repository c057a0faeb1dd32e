"""The table followed commit by commit: what has been added and replaced since somebody last looked.

A job keeps one value, the cursor of the last batch that it has dealt with, and gives it back next time. The source is
the table's log: a run's rows are in the files that its commit added, and what only moves rows (compaction, clean-up)
adds nothing (``dataChange`` is false). Where the files of a commit have been merged and removed meanwhile, its rows are
looked up in the table by their run, as they stand now. A takedown replaces rows: its commit names the versions, and
they are told again, with what they say now. Where a site's rows were made anew from its documents, all of them are.

So every row is told once, and once more for each time that it is replaced; who takes (site, article, n) for the key
and lets the later win has the table. Within a commit a batch ends at the same rows whenever it is read from the same
files, which is what the cursor counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from pipeline.archive import Archive
from pipeline.errors import ArchiveError, NotInArchive
from pipeline.rows import batches_of
from pipeline.table import (
    SCHEMA,
    Commit,
    Snapshot,
    dataset_of,
    has_file,
    live_files,
    open_table,
    open_table_at,
    read_commit,
)

if TYPE_CHECKING:
    import pyarrow.dataset as ds

_CURSOR = re.compile(
    r"1\.(?P<table>[0-9a-f]{8})\.(?P<commit>\d{1,19})(?:\.(?P<source>log|all|\d{1,19})\.(?P<done>\d{1,19}))?"
)
_BEGIN_ANEW = (
    "Begin anew with since_commit=None: every row is told as it stands now. Let what is told later replace what has "
    "the same (site, article, n), and nothing is doubled."
)


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """How far a follower has come; ``str(cursor)`` is what a job stores.

    ``source`` is None when all of ``commit`` is told; else where its rows are read from: "log" (the files that it
    added), "all" (every row of the table as of that commit: the beginning), or the number of a later commit (the
    table as of that one). ``done`` rows of it are told.
    """

    table: str  # first 8 digits of the table's id
    commit: int
    source: str | None = None
    done: int = 0

    def __str__(self) -> str:
        whole = f"1.{self.table}.{self.commit}"
        return whole if self.source is None else f"{whole}.{self.source}.{self.done}"


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Some rows of one commit. Deal with them, then keep ``cursor``.

    ``kind`` is "all" for the rows that stood when a follower began, "run" for those of a published run, "replaced" for
    rows that say another thing now (a takedown, a reinstatement), and "none" for a last batch without rows, whose
    cursor passes by commits that only tidied up.
    """

    commit: int
    kind: Literal["all", "run", "replaced", "none"]
    at: datetime | None  # of the commit
    run: str | None  # of a commit of kind "run"
    rows: pa.RecordBatch
    cursor: str


def parse_cursor(text: str) -> Cursor:
    """Read a stored cursor.

    Raises:
        ArchiveError: that is none.
    """
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise _no_cursor(text)
    return Cursor(
        table=found["table"], commit=int(found["commit"]), source=found["source"], done=int(found["done"] or 0)
    )


def _no_cursor(given: object) -> ArchiveError:
    return ArchiveError(
        f"{given!r} is not a cursor.",
        next_step="Give back what a batch had as its cursor, the number of a commit (0 or more), or None.",
    )


def follow(
    archive: Archive, since: str | int | None, *, site: str | None = None, columns: Sequence[str] | None = None
) -> Iterator[Batch]:
    """Everything from a cursor on to the newest commit; ends there.

    Args:
        since: a batch's cursor; or a number: what came after that commit; None: every row as it stands, to begin with.
        site: of this one only. Keep to it: the cursor counts its rows.
        columns: names out of ``SCHEMA``; None: all.

    Raises:
        NotInArchive: the log, or what a half-told commit was read from, is gone; the message says how to go on.
        ArchiveError: the cursor is none, or is that of another table.
        StoreUnavailable: the table was rewritten while it was read. Go on from the last cursor.
    """
    if not (since is None or isinstance(since, str) or (type(since) is int and since >= 0)):
        raise _no_cursor(since)  # a float of a data frame, bytes of a file: whoever stored it lost some of it
    names = list(SCHEMA.names if columns is None else columns)
    if unknown := sorted(set(names) - set(SCHEMA.names)):
        raise ArchiveError(
            f"The table has no column {', '.join(unknown)}.", next_step="docs/archive-format.md lists them all."
        )
    table = open_table(archive)
    if table is None:
        if since is not None:
            raise NotInArchive("The archive has no table (any more).", next_step=_BEGIN_ANEW)
        return
    follower = _Follower(archive, table, site, names)
    yield from follower.tell(since)


class _Follower:
    def __init__(self, archive: Archive, table: Snapshot, site: str | None, names: list[str]) -> None:
        self._archive = archive
        self._table = table
        self._latest = table.version()
        self._id = str(table.metadata().id).replace("-", "")[:8]
        self._site = site
        self._names = names

    def tell(self, since: str | int | None) -> Iterator[Batch]:
        start = self._start(since)
        told = start.commit
        last: Batch | None = None
        if start.source == "all":
            for last in self._tell_all(start):
                yield last
        elif start.source is not None:
            for last in self._tell_commit(self._read(start.commit), start):
                yield last
        for version in range(told + 1, self._latest + 1):
            for last in self._tell_commit(self._read(version), Cursor(table=self._id, commit=version)):
                yield last
        end = str(Cursor(table=self._id, commit=self._latest))
        if (last.cursor if last else str(start)) != end:
            none = pa.RecordBatch.from_pylist([], schema=self._schema())
            yield Batch(commit=self._latest, kind="none", at=None, run=None, rows=none, cursor=end)

    def _start(self, since: str | int | None) -> Cursor:
        if since is None:
            return Cursor(table=self._id, commit=self._latest, source="all")
        start = Cursor(table=self._id, commit=since) if isinstance(since, int) else parse_cursor(since)
        if start.table != self._id or start.commit > self._latest:
            raise ArchiveError(
                "The cursor is that of another table, or of this one before it was made anew: it has "
                f"{self._latest + 1} commits and the id {self._id}….",
                next_step=_BEGIN_ANEW,
            )
        return start

    def _read(self, version: int) -> Commit:
        commit = read_commit(self._archive, version)
        if commit is None:
            raise NotInArchive(f"Commit {version} has left the table's log by age.", next_step=_BEGIN_ANEW)
        return commit

    def _tell_all(self, start: Cursor) -> Iterator[Batch]:
        """The rows of the table as it stood at a commit."""
        found = self._files_at(start.commit)
        for rows, cursor in self._count(found, None, frozenset(), start):
            yield Batch(commit=start.commit, kind="all", at=None, run=None, rows=rows, cursor=cursor)

    def _tell_commit(self, commit: Commit, start: Cursor) -> Iterator[Batch]:
        """The rows that one commit added or replaced."""
        import pyarrow.dataset as ds  # noqa: PLC0415 - loads pandas where that is installed: 0.4 s

        said = commit.metadata
        files = [each for each in commit.added if self._site in (None, each[1])]
        if not files:
            return
        versions = frozenset(str(said.get("versions") or "").split()) if commit.replaces else frozenset()
        condition = None
        if versions:
            condition = ds.field("article").isin(sorted({key.partition("/")[0] for key in versions}))
        if start.source is None:
            there = all(has_file(self._archive, path) for path, _ in files)
            start = Cursor(table=self._id, commit=commit.version, source="log" if there else str(self._latest))
        elif start.source == "log" and not all(has_file(self._archive, path) for path, _ in files):
            raise self._half_told(start)
        if start.source != "log":
            run, sites = said.get("run"), {site for _, site in files}
            if not versions and run is not None:
                condition = ds.field("run") == run
            elif not versions and not commit.replaces:  # what was made anew stands as it is: all of it
                raise NotInArchive(
                    f"The files of commit {commit.version} are gone, and it does not say of which run they were.",
                    next_step=_BEGIN_ANEW,
                )
            files = [each for each in self._files_at(int(start.source or 0), start) if each[1] in sites]
        kind: Literal["run", "replaced"] = "replaced" if commit.replaces else "run"
        run = None if commit.replaces else said.get("run")
        for rows, cursor in self._count(files, condition, versions, start):
            yield Batch(commit=commit.version, kind=kind, at=commit.at, run=run, rows=rows, cursor=cursor)

    def _files_at(self, version: int, start: Cursor | None = None) -> list[tuple[str, str | None]]:
        table = self._table if version == self._latest else open_table_at(self._archive, version)
        files = [] if table is None else sorted((file.path, file.site) for file in live_files(table, self._site))
        if version != self._latest and not (files and all(has_file(self._archive, path) for path, _ in files)):
            raise self._half_told(start or Cursor(table=self._id, commit=version, source="all"))
        return list(files)

    def _half_told(self, cursor: Cursor) -> NotInArchive:
        if cursor.source == "all":
            return NotInArchive(
                f"What stood at commit {cursor.commit} has been rewritten before all of it was told.",
                next_step=_BEGIN_ANEW,
            )
        again = Cursor(table=self._id, commit=cursor.commit - 1)
        return NotInArchive(
            f"Commit {cursor.commit} was told by half, and its files have been removed since.",
            next_step=f"Go on with since_commit={str(again)!r}: the whole commit is told again.",
        )

    def _count(
        self,
        files: Sequence[tuple[str, str | None]],
        condition: ds.Expression | None,
        versions: frozenset[str],
        start: Cursor,
    ) -> Iterator[tuple[pa.RecordBatch, str]]:
        """The rows of files from the cursor on, each batch with the cursor behind it."""
        done, passed = start.done, 0
        waiting: pa.RecordBatch | None = None
        read = list(dict.fromkeys([*self._names, "article", "n"])) if versions else self._names
        for rows in batches_of(dataset_of(self._archive, files), read, condition):
            if versions:
                keys = zip(rows["article"].to_pylist(), rows["n"].to_pylist(), strict=True)
                rows = rows.filter(pa.array([f"{article}/{n}" in versions for article, n in keys], pa.bool_()))
            fresh = rows.slice(max(0, start.done - passed)).select(self._names)
            passed += rows.num_rows
            if not fresh.num_rows:
                continue
            if waiting is not None:
                done += waiting.num_rows
                yield waiting, str(Cursor(table=self._id, commit=start.commit, source=start.source, done=done))
            waiting = fresh
        if passed < start.done:
            raise self._half_told(start)
        if waiting is not None:
            yield waiting, str(Cursor(table=self._id, commit=start.commit))

    def _schema(self) -> pa.Schema:
        return pa.schema([SCHEMA.field(name) for name in self._names])
