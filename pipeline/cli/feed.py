"""The feed of changes: rows of the table, oldest first, in a bounded memory however large the table is.

The table's files are in no order of time, so rows are sorted here: by parts that fit, which wait in a temporary folder
and are merged as they are read. Site and time are asked of the table itself, which reads only the files that can have
such rows.
"""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.model import Change, State

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds

    from pipeline.archive import Archive

_ORDER: Final = ("captured_at", "site", "article", "n")
_PART: Final = 32 << 20  # bytes of rows that are sorted at once
_BATCH: Final = 512  # rows that are read at once
_SPOOLED: Final = 32  # rows of each part that are in memory while the parts are merged
_KEPT: Final = 2000  # a limit up to which the rows need no temporary folder


class ChangeKind(StrEnum):
    """What a reader of the feed may ask for: why a version was made, what an edit touched, what is withheld."""

    NEW = "new"
    EDITED = "edited"
    HEADLINE = "headline"
    CORRECTION = "correction"
    SUBSTANCE = "substance"
    MOVED = "moved"
    GONE = "gone"
    RESTORED = "restored"
    BLOCKED = "blocked"
    REEXTRACTED = "reextracted"
    REDACTED = "redacted"


_CHANGES: Final = frozenset(str(change) for change in Change)
_EDITS: Final = frozenset({"headline", "correction", "substance"})


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which rows; empty: all."""

    sites: Collection[str] = ()
    since: datetime | None = None  # captured at this moment or later
    until: datetime | None = None  # captured at this moment or earlier
    kinds: Collection[ChangeKind] = ()


def iter_changes(
    archive: Archive, wanted: Wanted, *, columns: Sequence[str] | None = None, limit: int | None = None
) -> Iterator[dict[str, Any]]:
    """Rows of the table, by (captured_at, site, article, n).

    Args:
        columns: only these; None: all of ``pipeline.table.SCHEMA``.
        limit: the oldest so many.
    """
    from pipeline.table import SCHEMA, dataset

    told = list(SCHEMA.names) if columns is None else list(columns)
    read = list(dict.fromkeys([*told, *_ORDER, *(("change", "state", "edit") if wanted.kinds else ())]))
    scanner = dataset(archive).scanner(
        columns=read, filter=_condition(wanted), batch_size=_BATCH, batch_readahead=2, fragment_readahead=1
    )
    for row in islice(_sort(_choose(scanner, wanted.kinds), limit), limit):
        yield {name: row[name] for name in told}


def _condition(wanted: Wanted) -> ds.Expression | None:
    import pyarrow as pa
    import pyarrow.dataset as ds

    asked: list[ds.Expression] = []
    if wanted.sites:
        asked.append(ds.field("site").isin(pa.array(sorted(wanted.sites), pa.string())))
    if wanted.since is not None:
        asked.append(ds.field("captured_at") >= wanted.since)
    if wanted.until is not None:
        asked.append(ds.field("captured_at") <= wanted.until)
    if wanted.kinds:
        kinds = {str(kind) for kind in wanted.kinds}
        either = ds.field("change").isin(pa.array(sorted(kinds & _CHANGES), pa.string()))
        if kinds & _EDITS:
            either |= ds.field("edit").is_valid()  # which it is, _choose looks: a list cannot be asked for
        if ChangeKind.REDACTED in wanted.kinds:
            either |= ds.field("state") == str(State.REDACTED)
        asked.append(either)
    whole = None
    for condition in asked:
        whole = condition if whole is None else whole & condition
    return whole


def _choose(scanner: ds.Scanner, kinds: Collection[ChangeKind]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    asked = {str(kind) for kind in kinds}
    for batch in scanner.to_batches():
        if not asked & _EDITS:
            yield batch
            continue
        rows = batch.select(["change", "state", "edit"]).to_pylist()
        fitting = [n for n, row in enumerate(rows) if {row["change"], row["state"], *(row["edit"] or ())} & asked]
        yield batch.take(pa.array(fitting, pa.int64()))


def _sort(batches: Iterator[pa.RecordBatch], limit: int | None) -> Iterator[dict[str, Any]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="muniment-changes-")))
        parts: list[Iterator[dict[str, Any]]] = []
        waiting: list[pa.RecordBatch] = []
        size = 0
        for batch in batches:
            if not batch.num_rows:
                continue
            waiting.append(batch)
            size += batch.nbytes
            if size < _PART:
                continue
            oldest = _in_order(waiting, limit)
            if limit is not None and limit <= _KEPT:
                waiting, size = oldest, 0  # what is not among the oldest until now will never be
            else:
                parts.append(_put_by(oldest, folder / f"{len(parts)}.arrow", stack))
                waiting, size = [], 0
        if waiting:
            parts.append(_rows(iter(_in_order(waiting, limit))))
        yield from heapq.merge(*parts, key=lambda row: tuple(row[name] for name in _ORDER))


def _in_order(batches: Sequence[pa.RecordBatch], limit: int | None) -> list[pa.RecordBatch]:
    import pyarrow as pa

    table = pa.Table.from_batches(batches).sort_by([(name, "ascending") for name in _ORDER])
    if limit is not None:
        table = table.slice(0, limit)
    found: list[pa.RecordBatch] = table.combine_chunks().to_batches(max_chunksize=_SPOOLED)
    return found


def _put_by(batches: Sequence[pa.RecordBatch], path: Path, stack: ExitStack) -> Iterator[dict[str, Any]]:
    import pyarrow as pa

    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return _rows(stack.enter_context(pa.ipc.open_stream(stack.enter_context(pa.OSFile(str(path), "rb")))))


def _rows(batches: Iterator[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
    for batch in batches:
        yield from batch.to_pylist()
