"""The table: one row per version, in Delta Lake, for everybody who would rather query than read documents.

The rows say what the version documents say and can be made from them at any time. One commit per run, exactly
once: the commit carries an application transaction named after site and run. delta-rs does not refuse a
transaction that is in already, it only lets two *concurrent* ones collide; so the table is loaded, looked at,
and written **through the table that was looked at**, and whoever loses looks again.

Files are merged, sorted by time of capture (``compact_site``), rebuilt from documents (``rebuild_site``) and rewritten
for takedowns (``replace_rows``) in one way: the new files are written first, then one commit takes the old ones out and
puts the new ones in. With deltalake 1.6.6 two such commits that take out the same file do **not** collide by
themselves, and all rows would be doubled; so each carries the application transaction ``<site>/rewrite``, of which
of two at once one loses, whoever they are. Appends never collide with them. Who loses leaves nothing behind.

Statistics of words are kept out of the log (``_MEASURED``): a takedown could not take them back.

The only user of deltalake. Partitioned by site; times are UTC in microseconds. The columns are ``SCHEMA``;
docs/downstream.md says how to read them with other tools.
"""

from __future__ import annotations

import logging
import re
import secrets
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import (
    CommitProperties,
    DeltaTable,
    Field,
    PostCommitHookProperties,
    Transaction,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.fs import DeltaStorageHandler
from deltalake.transaction import AddAction, RemoveAction
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from pipeline.archive import Archive
from pipeline.errors import ArchiveError, MunimentError, StoreUnavailable, WriteConflict
from pipeline.model import Moment, Version
from pipeline.store import KeyMissing, NotAllowed, role_step

if TYPE_CHECKING:
    import pyarrow.dataset as ds
    from pyarrow.fs import PyFileSystem

Snapshot = DeltaTable
"""The table as it stood after a commit; for annotations outside of this module."""

log = logging.getLogger("muniment")

_TIME = pa.timestamp("us", tz="UTC")
_TEXTS = pa.list_(pa.string())


def _moment_fields(name: str) -> list[pa.Field]:
    return [
        pa.field(name, _TIME),
        pa.field(f"{name}_precision", pa.string()),
        pa.field(f"{name}_original", pa.string()),
        pa.field(f"{name}_source", pa.string()),
    ]


SCHEMA: pa.Schema = pa.schema(
    [
        pa.field("site", pa.string(), nullable=False),
        pa.field("article", pa.string(), nullable=False),
        pa.field("n", pa.int32(), nullable=False),
        pa.field("state", pa.string(), nullable=False),
        pa.field("change", pa.string(), nullable=False),
        pa.field("captured_at", _TIME, nullable=False),
        pa.field("run", pa.string(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        pa.field("final_url", pa.string(), nullable=False),
        pa.field("requested_url", pa.string(), nullable=False),
        pa.field("publisher", pa.string(), nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("words", pa.int32(), nullable=False),
        pa.field("authors", _TEXTS),
        *_moment_fields("published"),
        *_moment_fields("modified"),
        pa.field("section", pa.string()),
        pa.field("language", pa.string()),
        pa.field("description", pa.string()),
        pa.field("image", pa.string()),
        pa.field("tags", _TEXTS),
        pa.field("origins", pa.string()),  # JSON: field -> where it was read
        pa.field("digest", pa.string(), nullable=False),
        pa.field("note", pa.string()),
        pa.field("warc", pa.string(), nullable=False),
        pa.field("warc_offset", pa.int64(), nullable=False),
        pa.field("warc_length", pa.int64(), nullable=False),
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("record_type", pa.string(), nullable=False),
        pa.field("payload_digest", pa.string(), nullable=False),
        pa.field("http_status", pa.int32(), nullable=False),
        pa.field("extractor", pa.string(), nullable=False),
        pa.field("code", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),  # of the version document
        # From here on: columns that a table of an earlier release may lack; they are added to it with the first
        # rows that are written, and null in rows from before.
        pa.field("edit", _TEXTS),  # "headline", "correction", "substance"
        pa.field("words_added", pa.int32()),
        pa.field("words_removed", pa.int32()),
        pa.field("essence", pa.string()),
        pa.field("moved_to", pa.string()),  # id of the article that has this one's new address
        pa.field("hops", _TEXTS),  # "301 https://…": redirects from requested_url to final_url
        pa.field("facts", pa.string()),  # JSON: what the source said
        pa.field("policy", pa.string()),  # JSON: what the site allowed
        pa.field("kind", pa.string()),  # "article", "live", "document"
        pa.field("standfirst", pa.string()),
        pa.field("byline", pa.string()),
        pa.field("agencies", _TEXTS),
        pa.field("free", pa.bool_()),
        pa.field("notices", _TEXTS),  # what kinds: "correction", "update"; their words are in the text
        pa.field("notes_to_editors", pa.string()),
        pa.field("contacts", pa.string()),  # JSON, as in the document
        pa.field("embargo", _TIME),
        pa.field("ward", pa.string()),
        pa.field("committee", pa.string()),
        pa.field("images", pa.string()),  # JSON, as in the document
        pa.field("documents", _TEXTS),  # URLs
        pa.field("document_of", _TEXTS),
        pa.field("confidence", pa.string()),  # JSON: field -> 0 to 1
        pa.field("origin", pa.string()),  # JSON: of an imported capture, the file and record that it came from
    ]
)
"""The columns, in order. Columns may be added; none is renamed or removed within a contract version."""

_BATCH = 256
_TRIES = 40
_COMMIT_RETRIES = 200
_TRANSACTION_DAYS = 60
_MEASURED = ("article", "n", "state", "change", "captured_at", "run", "published", "modified")
"""Columns whose lowest and highest values stand in the log, so that readers pass files by. Of others there are none:
a value of the text, a headline or an address that a takedown takes away would stay in the log."""
RETENTION = timedelta(days=7)
"""A file that the table no longer consists of, or never did, stays so long: a reader with an older snapshot open may
take so long to end, and a writer from its first file to its commit."""
_CONFIGURATION = {
    "delta.dataSkippingStatsColumns": ",".join(("site", *_MEASURED)),
    # Transactions older than this leave the log; a run that is published later is looked for by its rows.
    "delta.setTransactionRetentionDuration": f"interval {_TRANSACTION_DAYS} days",
    "delta.logRetentionDuration": "interval 30 days",
    "delta.deletedFileRetentionDuration": f"interval {RETENTION.days} days",
}
# A table that is described so has no live file in its log with statistics of other columns than ``_MEASURED``.
_DESCRIPTION = (
    "One row per version of an article; statistics of ids, times and states only. See docs/downstream.md of Muniment."
)
# A checkpoint that comes with a commit would take old entries of the log away, which a writer's policy forbids:
# the commit would stand and its run fail. ``tidy_log`` does it.
_KEEP_LOG = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)
_TARGET = 64 * 1024 * 1024  # bytes of a file
_FEWEST = 4  # files that are worth being merged
_GROUP = 4096  # rows of a row group
_REPEATING = [
    "state", "change", "run", "publisher", "section", "language", "published_precision", "published_source",
    "modified_precision", "modified_source", "warc", "record_type", "extractor", "code", "kind",
]  # fmt: skip
_TAIL = 256 * 1024  # bytes of a file's end that come with its footer
_HOLE = 512 * 1024  # bytes between two columns that are read along rather than asked for apart
_NARROW = ("title", "url", "run", "change", "state", "captured_at", "n", "article")
"""Columns that lists of versions ask for; they lie last in a file, next to its footer, and the text lies first."""
_FOLDER = "tables/articles/"
_STORED = pa.schema(
    [
        SCHEMA.field("text"),
        *(field for field in SCHEMA if field.name not in ("site", "text", *_NARROW)),
        *(SCHEMA.field(name) for name in _NARROW),
    ]
)
"""The columns of a file, in the order in which they lie in it."""
_LOG_NAME = re.compile(r"(\d{20})\.")
_STRIPPING = "statistics"  # job of the commit that takes statistics of words out of the log
_PARQUET = "application/vnd.apache.parquet"


class Rows:
    """The rows of a run, kept in a temporary file until they are committed: memory holds one batch of them.

    A context manager; iterate ``batches`` as often as need be.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._folder = tempfile.TemporaryDirectory(prefix="muniment-rows-")
        self._path = Path(self._folder.name) / "rows.arrow"
        self._sink = pa.OSFile(str(self._path), "wb")
        self._writer = pa.ipc.new_stream(self._sink, SCHEMA)
        self._waiting: list[Version] = []
        self._count = 0
        self._instead: dict[tuple[str, int], dict[str, object]] = {}

    def __len__(self) -> int:
        return self._count

    def add(self, version: Version) -> None:
        """Add a version's row."""
        self._waiting.append(version)
        self._count += 1
        if len(self._waiting) >= _BATCH:
            self._flush()

    def replace(self, versions: Iterable[Version]) -> None:
        """Give other rows, and a few, in the place of those of the same article and number."""
        self._instead |= {(each.article, each.n): _to_row(self._archive, each) for each in versions}

    def batches(self) -> pa.RecordBatchReader:
        """All rows from the first on; after this, none may be added."""
        self._close()
        added = pa.ipc.open_stream(pa.OSFile(str(self._path), "rb"))
        if not self._instead:
            return added
        return pa.RecordBatchReader.from_batches(SCHEMA, (_with_rows(batch, self._instead) for batch in added))

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_batch(to_batch(self._archive, self._waiting))
            self._waiting.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        self._folder.cleanup()

    def _close(self) -> None:
        if not self._sink.closed:
            self._flush()
            self._writer.close()
            self._sink.close()


def to_batch(archive: Archive, versions: Sequence[Version]) -> pa.RecordBatch:
    """The rows of some versions."""
    return pa.RecordBatch.from_pylist([_to_row(archive, version) for version in versions], schema=SCHEMA)


def commit_rows(archive: Archive, site: str, run: str, rows: Rows, *, now: datetime) -> int:
    """Put a run's rows into the table, all at once and only once, however often and by however many it is called.

    Args:
        rows: all rows of the run; none: nothing is committed.
        now: the moment that the transaction is dated with.

    Returns:
        How many rows of the run are in the table.

    Raises:
        WriteConflict: other writers were faster too often.
        StoreUnavailable: the store did not answer.
    """
    if not rows:
        return 0
    _retry(archive, partial(_commit_once, archive, site, run, rows, now))
    _look_whether_moved(archive)
    return len(rows)


def _look_whether_moved(archive: Archive) -> None:
    """Behind a commit: who moves the table looks for commits after it has said so, we look whether it has."""
    if not archive.holds_table():
        raise WriteConflict(
            f"the table was moved out of bucket {archive.table_store.bucket} meanwhile (muniment.json says where to); "
            "set MUNIMENT_TABLES_BUCKET and call the same again: nothing is lost"
        )


def _commit_once(archive: Archive, site: str, run: str, rows: Rows, now: datetime) -> None:
    table = _prepared(archive) or _create_table(archive)
    name = f"{site}/{run}"
    before = table.transaction_version(name)
    batches = rows.batches()
    if before is not None or (_may_have_expired(run, now) and _has_rows(table, site, run)):
        # Where another run was published since this one was interrupted, it may have come to one version more.
        if _count_rows(table, site, run) >= len(rows):
            return
        batches = _without(batches, _keys_of(table, site, run))
    write_deltalake(
        table,
        batches,
        mode="append",
        schema_mode="merge",  # a table of an earlier release gets the columns that it lacks
        # Readers hold a few row groups in memory. Without its name the compression would be none.
        writer_properties=WriterProperties(max_row_group_size=_GROUP, compression="ZSTD"),
        commit_properties=CommitProperties(
            custom_metadata={"site": site, "run": run, "rows": str(len(rows))},
            max_commit_retries=_COMMIT_RETRIES,
            app_transactions=[Transaction(name, 1 + (before or 0), int(now.timestamp() * 1000))],
        ),
        post_commithook_properties=_KEEP_LOG,
    )


def _keys_of(table: DeltaTable, site: str, run: str) -> set[str]:
    """Keys of the versions of a run that have rows."""
    import pyarrow.dataset as ds  # noqa: PLC0415 - as below

    wanted = (ds.field("site") == site) & (ds.field("run") == run)
    return set(table.to_pyarrow_dataset().to_table(columns=["key"], filter=wanted)["key"].to_pylist())


def _without(batches: pa.RecordBatchReader, keys: set[str]) -> pa.RecordBatchReader:
    """Rows but those of the versions named."""
    lacking = (batch.filter(pa.array([key not in keys for key in batch["key"].to_pylist()])) for batch in batches)
    return pa.RecordBatchReader.from_batches(batches.schema, lacking)


def open_table(archive: Archive) -> DeltaTable | None:
    """The table as it stands; None when no run has made a version yet.

    Raises:
        StoreUnavailable: the store did not answer.
    """
    try:
        return DeltaTable(archive.table_uri(), storage_options=archive.table_store.options_for_table())
    except TableNotFoundError:
        return None
    except (DeltaError, OSError) as error:
        raise _trouble(archive, error) from error


def dataset(archive: Archive) -> ds.Dataset:
    """The table as a pyarrow dataset: lazy, so that filters and columns decide what is read.

    An archive without versions gives an empty dataset of the same columns.
    """
    import pyarrow.dataset as ds  # noqa: PLC0415 - loads pandas where that is installed: 0.4 s

    table = open_table(archive)
    return ds.dataset(SCHEMA.empty_table()) if table is None else dataset_at(archive, table)


def dataset_at(archive: Archive, table: Snapshot) -> ds.Dataset:
    """A snapshot as ``dataset``, with the statistics of its log, so that files are passed by without being opened."""
    import pyarrow.dataset as ds  # noqa: PLC0415 - as above
    from pyarrow.fs import PyFileSystem  # noqa: PLC0415 - as above

    files = pa.table(table.get_add_actions(flatten=True))
    sizes = dict(zip(files["path"].to_pylist(), files["size_bytes"].to_pylist(), strict=True))
    found = table.to_pyarrow_dataset(filesystem=PyFileSystem(_handler(archive, sizes)))
    kind = _parquet_format()
    fragments = [
        kind.make_fragment(each.path, filesystem=found.filesystem, partition_expression=each.partition_expression)
        for each in found.get_fragments()
    ]
    lacking = [field for field in SCHEMA if field.name not in found.schema.names]
    return ds.FileSystemDataset(fragments, pa.schema([*found.schema, *lacking]), kind, found.filesystem)


def _parquet_format() -> ds.ParquetFileFormat:
    import pyarrow.dataset as ds  # noqa: PLC0415 - as above

    cached = pa.CacheOptions(hole_size_limit=_HOLE)
    return ds.ParquetFileFormat(
        default_fragment_scan_options=ds.ParquetFragmentScanOptions(pre_buffer=True, cache_options=cached)
    )


class _TailedFile:
    """A file of the store, for pyarrow. Who reads its end, where the footer is, gets a longer end with one request, and
    has from it what lies next to the footer: of a small file everything, of a large one its latest narrow columns."""

    mode = "rb"

    def __init__(self, file: Any) -> None:
        self._file = file
        self._size = int(file.size())
        self._at = 0
        self._tail = memoryview(b"")  # the last bytes, as soon as some of them were asked for

    @property
    def closed(self) -> bool:
        return bool(self._file.closed)

    def close(self) -> None:
        self._file.close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def size(self) -> int:
        return self._size

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = (0, self._at, self._size)[whence] + offset
        return self._at

    def read(self, count: int = -1) -> bytes | memoryview:
        begin = self._at
        end = self._at = self._size if count < 0 else min(begin + count, self._size)
        if end == self._size and not self._tail and begin < end:
            self._tail = memoryview(self._fetch(max(0, min(begin, self._size - _TAIL)), end))
        held = self._size - len(self._tail)
        return self._tail[begin - held : end - held] if begin >= held else self._fetch(begin, end)

    def _fetch(self, begin: int, end: int) -> bytes:
        self._file.seek(begin)
        return bytes(self._file.read(end - begin))


class _Handler(DeltaStorageHandler):
    def open_input_file(self, path: str) -> pa.PythonFile:
        return pa.PythonFile(_TailedFile(self._handler.open_input_file(path)), mode="r")


def _handler(archive: Archive, sizes: dict[str, int] | None = None) -> DeltaStorageHandler:
    return _Handler(archive.table_uri(), archive.table_store.options_for_table(), sizes)


def scan_table(table: Snapshot, columns: Sequence[str], predicate: str | None) -> Iterator[pa.RecordBatch]:
    """The rows that fit a predicate, as they come from the store, in no order; a row group or two in memory.

    Args:
        columns: names out of ``SCHEMA``; what the table of an earlier release lacks is null.
        predicate: SQL of the columns that every table has; statistics of files and row groups are used. None: all.
            Ask once for many sites: a scan of its own for each of 300 took five times as long.

    Raises:
        StoreUnavailable: a file is not there any more, or the store did not answer.
    """
    there = {field.name for field in table.schema().fields}
    kept = [name for name in columns if name in there]
    schema = pa.schema([SCHEMA.field(name) for name in columns])
    try:
        reader = pa.RecordBatchReader.from_stream(table.scan(columns=kept or ["n"], predicate=predicate))
        for batch in reader:
            arrays = [
                batch[name].cast(schema.field(name).type)
                if name in there
                else pa.nulls(batch.num_rows, schema.field(name).type)
                for name in columns
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)
    except (pa.ArrowException, DeltaError, OSError) as error:
        raise StoreUnavailable(
            f"the table was rewritten meanwhile, or the store is away; ask again ({error})"
        ) from error


@dataclass(frozen=True, kw_only=True)
class Commit:
    """What a commit of the table did, as its log has it."""

    version: int
    at: datetime
    metadata: Mapping[str, Any]  # "site", "run", "rows" of a run; "job", "versions" … of a rewrite
    added: tuple[tuple[str, str | None], ...]  # files with rows that are new or changed: path, and site
    replaces: bool  # it took rows away, too


def read_commit(archive: Archive, version: int) -> Commit | None:
    """A commit of the table; None when the log does not have it (any more).

    Files that only hold what others held (``dataChange`` is false) are not among ``added``.

    Raises:
        ArchiveError: the commit needs a reader with deletion vectors.
    """
    try:
        body = archive.table_store.get(f"{_FOLDER}_delta_log/{version:020}.json").body
    except KeyMissing:
        return None
    actions = [orjson.loads(line) for line in body.splitlines() if line.strip()]
    said: dict[str, Any] = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
    added = [action["add"] for action in actions if "add" in action and action["add"].get("dataChange", True)]
    if any(each.get("deletionVector") for each in added):
        raise ArchiveError(
            f"Commit {version} of the table has deletion vectors, which Muniment never writes.",
            next_step="Read it with the tool that wrote it.",
        )
    return Commit(
        version=version,
        at=datetime.fromtimestamp(said.get("timestamp", 0) / 1000, UTC),
        metadata=said,
        added=tuple((unquote(each["path"]), each.get("partitionValues", {}).get("site")) for each in added),
        replaces=any("remove" in action and action["remove"].get("dataChange", True) for action in actions),
    )


def has_file(archive: Archive, path: str) -> bool:
    """Whether a file that a commit added is still there."""
    return archive.table_store.head(_FOLDER + path) is not None


def open_filesystem(archive: Archive) -> PyFileSystem:
    """The table's files, for several calls of ``dataset_of``: to open it takes 5 ms of CPU."""
    from pyarrow.fs import PyFileSystem  # noqa: PLC0415 - as above

    return PyFileSystem(_handler(archive))


def dataset_of(
    archive: Archive, files: Iterable[tuple[str, str | None]], filesystem: PyFileSystem | None = None
) -> ds.Dataset:
    """Some files of the table, live or not, as a dataset with the table's columns: each with its path and site."""
    import pyarrow.dataset as ds  # noqa: PLC0415 - as above

    filesystem, kind = filesystem or open_filesystem(archive), _parquet_format()
    fragments = [
        kind.make_fragment(
            path,
            filesystem=filesystem,
            partition_expression=None if site is None else ds.field("site") == site,
        )
        for path, site in files
    ]
    return ds.FileSystemDataset(fragments, SCHEMA, kind, filesystem)


def open_table_at(archive: Archive, version: int) -> Snapshot | None:
    """The table as it stood after a commit; None when its log does not reach back to it."""
    try:
        return DeltaTable(archive.table_uri(), version=version, storage_options=archive.table_store.options_for_table())
    except (DeltaError, OSError):
        return None


def rows_of(archive: Archive, site: str, run: str) -> int:
    """How many rows of a run are in the table."""
    table = open_table(archive)
    return 0 if table is None else _count_rows(table, site, run)


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """A file of the table as its log has it; sizes in bytes, times of capture."""

    path: str
    site: str
    size: int
    rows: int
    first: datetime | None  # None: its statistics do not say
    last: datetime | None


@dataclass(frozen=True, kw_only=True)
class _Fresh:
    """A file that was written for the table and is not in its log yet."""

    path: str
    size: int
    rows: int
    statistics: str  # as JSON, for the log


def live_files(table: DeltaTable, site: str | None = None) -> list[DataFile]:
    """The files that the table consists of, of one site or of all."""
    columns = pa.table(table.get_add_actions(flatten=True))
    names = {name: f"{which}.captured_at" for name, which in (("first", "min"), ("last", "max"))}
    return [
        DataFile(
            path=row["path"],
            site=row["partition.site"],
            size=row["size_bytes"],
            rows=row["num_records"] or 0,
            first=row.get(names["first"]),
            last=row.get(names["last"]),
        )
        for row in columns.to_pylist()
        if site in (None, row["partition.site"])
    ]


# --- maintenance


def append_sorted(
    archive: Archive, site: str, batches: Iterable[pa.RecordBatch], *, runs: Iterable[str], now: datetime
) -> None:
    """Append rows that are in the table for sure not, of many runs at once, in files as maintenance leaves them.

    Args:
        batches: rows as ``to_batch`` makes them, in any order.
        runs: theirs; from now on they are in.
    """
    table = _prepared(archive) or _create_table(archive)
    with tempfile.TemporaryDirectory(prefix="muniment-table-") as scratch, closing(_Sorter(Path(scratch))) as sorter:
        for batch in batches:
            sorter.add(batch)
        names = [f"{site}/{run}" for run in runs]
        metadata = {"job": "append"}
        _swap(archive, table, site, [], sorter, metadata=metadata, changes=True, now=now, transactions=names)


def choose_files(files: Sequence[DataFile], *, target: int = _TARGET) -> list[DataFile]:
    """Those small files of a site that are worth being merged; none: it is not.

    At least four, and none larger than all smaller ones together: so a row is written anew only when its file at
    least doubles, and a site of many small runs has a number of files that grows with the logarithm of their number.
    """
    small = sorted((file for file in files if file.size < target // 2), key=lambda file: file.size)
    total = worth = 0
    for position, file in enumerate(small, start=1):
        if position >= _FEWEST and file.size <= total:
            worth = position
        total += file.size
    return small[:worth]


def merge_files(archive: Archive, site: str, *, now: datetime) -> int:
    """Merge a site's small files into few that are sorted by capture; the rows stay as they are.

    Readers with an older snapshot go on: the old files stay for ``RETENTION``.

    Returns:
        How many files were merged; 0: it is not worth it.

    Raises:
        WriteConflict, StoreUnavailable: as ``commit_rows``.
        ArchiveError: a file of the table is lost.
    """
    merged: list[int] = [0]
    _retry(archive, partial(_merge_once, archive, site, now, merged))
    return merged[0]


def _merge_once(archive: Archive, site: str, now: datetime, merged: list[int]) -> None:
    table = _prepared(archive)
    chosen = [] if table is None else choose_files(live_files(table, site))
    if table is None or not chosen:
        return
    with tempfile.TemporaryDirectory(prefix="muniment-table-") as scratch, closing(_Sorter(Path(scratch))) as sorter:
        for file in chosen:
            path = _download(archive, file, Path(scratch))
            for batch in _read_file(path, site):
                sorter.add(batch)
            path.unlink()
        _swap(archive, table, site, chosen, sorter, metadata={"job": "merge"}, changes=False, now=now)
    merged[0] = len(chosen)


def rebuild_rows(
    archive: Archive,
    site: str,
    published: Collection[str],
    versions: Callable[[], Iterable[Version]],
    *,
    now: datetime,
) -> int:
    """Put rows made of a site's versions in the place of all its rows, in one commit.

    A run whose rows are not in the table yet, and which is not published, is under way: its publisher will commit
    them, so its versions are passed by. So none is doubled, and none lost, however many publish meanwhile.

    Args:
        published: runs of the site that are published; **asked before** this is called.
        versions: reads all versions of the site, in any order; called again when another rewrite was faster.

    Returns:
        How many rows the site has now.

    Raises:
        WriteConflict, StoreUnavailable: as ``commit_rows``.
    """
    count: list[int] = [0]
    _retry(archive, partial(_rebuild_once, archive, site, frozenset(published), versions, now, count))
    return count[0]


def _rebuild_once(
    archive: Archive,
    site: str,
    published: Collection[str],
    versions: Callable[[], Iterable[Version]],
    now: datetime,
    count: list[int],
) -> None:
    table = _prepared(archive) or _create_table(archive)
    present = _runs_in(table, site)
    wanted: dict[str, bool] = {}
    count[0] = 0
    with tempfile.TemporaryDirectory(prefix="muniment-table-") as scratch, closing(_Sorter(Path(scratch))) as sorter:
        waiting: list[Version] = []
        for version in versions():
            run = version.run
            if run not in wanted:
                known = run in published or run in present
                wanted[run] = known or table.transaction_version(f"{site}/{run}") is not None
            if wanted[run]:
                waiting.append(version)
                count[0] += 1
            if len(waiting) == _GROUP:
                sorter.add(to_batch(archive, waiting))
                waiting.clear()
        if waiting:
            sorter.add(to_batch(archive, waiting))
            waiting.clear()
        old = live_files(table, site)
        fresh = [run for run in wanted if wanted[run] and run not in present and not _may_have_expired(run, now)]
        if old or count[0]:
            _swap(
                archive,
                table,
                site,
                old,
                sorter,
                metadata={"job": "rebuild", "rows": str(count[0])},
                changes=True,
                now=now,
                transactions=[f"{site}/{run}" for run in fresh],
            )


def _runs_in(table: DeltaTable, site: str) -> set[str]:
    """The runs of a site's rows, as far as its files can be read: what is lost or broken is to be made anew."""
    found: set[str] = set()
    for fragment in table.to_pyarrow_dataset(file_pruning_predicate=[("site", "=", site)]).get_fragments():
        with suppress(OSError, pa.ArrowInvalid):
            found |= set(fragment.to_table(columns=["run"])["run"].unique().to_pylist())
    return found


def tidy_log(archive: Archive, *, now: datetime) -> None:
    """Take statistics of words out of the log of a table of an earlier release, write a checkpoint, so that opening the
    table stays cheap, and let go of entries that are older than 30 days: time travel goes back so far at most."""
    _retry(archive, partial(_strip_statistics, archive, now))
    table = open_table(archive)
    if table is None:
        return
    try:
        table.create_checkpoint()
        table.cleanup_metadata()
    except (DeltaError, OSError) as error:
        raise _trouble(archive, error) from error


def remove_unreferenced(archive: Archive, *, retention: timedelta = RETENTION) -> int:
    """Remove files that the table has not consisted of for the retention, and those that no commit ever named.

    Args:
        retention: shorter than ``RETENTION`` only where nobody reads or writes.

    Returns:
        How many files were removed.
    """
    removed: list[int] = [0]

    def remove() -> None:
        table = open_table(archive)
        if table is not None:
            hours = int(retention.total_seconds() // 3600)
            gone = table.vacuum(hours, dry_run=False, full=True, enforce_retention_duration=retention >= RETENTION)
            removed[0] += len(gone)

    _retry(archive, remove)
    return removed[0]


def remove_table(archive: Archive) -> int:
    """Remove the table with all its files; how many they were. For one that has been moved."""
    keys = [entry.key for entry in archive.table_store.list(_FOLDER)]
    log_first = sorted(keys, key=lambda key: ("/_delta_log/" not in key, key))  # half a table must not be read
    for key in log_first:
        archive.table_store.purge(key, current=True)
    return len(keys)


# --- rows that are replaced


def replace_rows(archive: Archive, versions: Sequence[Version], *, now: datetime, reason: str) -> None:
    """Put other rows in the place of those of the same site, article and number: one commit for each site.

    The files that had the former rows are removed from the store right after the commit, so a reader with an
    older snapshot of this site's files has to open the table again, and time travel to before fails. Versions
    without a row in the table are passed by. May be called again after a crash, with the same versions.

    Args:
        versions: what the rows are to say from now on.
        now: the time.
        reason: stands in the commit's metadata as ``reason``, which anybody can read: no words of the text.

    Raises:
        WriteConflict: other writers were faster too often. Call again.
        StoreUnavailable: the store did not answer. Call again.
    """
    for site, group in groupby(sorted(versions, key=lambda each: each.site), key=lambda each: each.site):
        wanted = {(version.article, version.n): version for version in group}
        _retry(archive, partial(_replace_rows_once, archive, site, wanted, now, reason))
        remove_former_rows(archive, site, wanted)
    _look_whether_moved(archive)


def remove_former_rows(archive: Archive, site: str, keys: Iterable[tuple[str, int]]) -> int:
    """Remove every file of a site that the table no longer consists of and that has another row under one of these
    keys (article, number) than the table has now: what a takedown or a crashed writer left behind.

    A file on its way into the table has the same row as the table, or a row that the table does not have yet; it stays.

    Returns:
        How many files were removed.
    """
    keys = set(keys)
    listed = [entry.key for entry in archive.table_store.list(_site_folder(site))]  # before the log is read
    table = open_table(archive)
    if table is None:
        return 0
    live = {file.path for file in live_files(table, site)}
    stale = [key for key in listed if key.endswith(".parquet") and key.removeprefix(_FOLDER) not in live]
    if not stale:
        return 0
    standing = _rows_under(table, site, keys)
    removed = 0
    with tempfile.TemporaryDirectory(prefix="muniment-table-") as folder:
        for key in stale:
            path = Path(folder) / "file.parquet"
            archive.table_store.download_file(key, path)
            if any(_differs(row, standing.get((row["article"], row["n"]))) for row in _find_rows(path, keys)):
                archive.table_store.delete(key)
                removed += 1
    return removed


def purge_history(archive: Archive, versions: Sequence[Version], *, now: datetime) -> None:
    """Leave nothing in the table's folder from which former rows of these versions could be read.

    That is: no file that has one (``remove_former_rows``), and, in a table of a release that kept statistics of all
    columns, no entry of the log that has such statistics. Time travel to before fails then, and so does whoever
    reads from an older snapshot.

    Raises:
        WriteConflict, StoreUnavailable: as ``replace_rows``. Call again.
    """
    for site, group in groupby(sorted(versions, key=lambda each: each.site), key=lambda each: each.site):
        remove_former_rows(archive, site, [(version.article, version.n) for version in group])
    _retry(archive, partial(_strip_statistics, archive, now))
    _retry(archive, partial(_remove_wordy_log, archive))


def _strip_statistics(archive: Archive, now: datetime) -> None:
    """Put every file of a table of an earlier release into the log again, without statistics of words."""
    table = _prepared(archive)
    if table is None or table.metadata().description == _DESCRIPTION:
        return
    moment = int(now.timestamp() * 1000)
    files = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    sites = sorted({row["partition.site"] for row in files})
    if files:
        table.create_write_transaction(
            [
                AddAction(
                    row["path"],
                    row["size_bytes"],
                    {"site": row["partition.site"]},
                    row["modification_time"],
                    False,
                    _kept_statistics(row),
                )
                for row in files
            ],
            "append",
            table.schema(),
            partition_by=["site"],
            commit_properties=CommitProperties(
                custom_metadata={"job": _STRIPPING},
                max_commit_retries=_COMMIT_RETRIES,
                app_transactions=[Transaction(f"{site}/rewrite", 1, moment) for site in sites],
            ),
        )
    table = open_table(archive) or table
    table.alter.set_table_description(_DESCRIPTION, commit_properties=CommitProperties(max_commit_retries=0))


def _kept_statistics(row: Mapping[str, Any]) -> str:
    """What the log may keep of a file's statistics, of how ``get_add_actions`` shows them."""

    def find(which: str) -> dict[str, Any]:
        found = {name: row.get(f"{which}.{name}") for name in _MEASURED}
        return {name: value for name, value in found.items() if value is not None}

    return _statistics_json(row["num_records"], find("min"), find("max"), find("null_count"))


def _remove_wordy_log(archive: Archive) -> None:
    """Remove the log from before ``_strip_statistics``, once a checkpoint stands behind it."""
    table = open_table(archive)
    if table is None:
        return
    stripped = max((entry["version"] for entry in table.history() if entry.get("job") == _STRIPPING), default=0)
    early = [
        entry.key
        for entry in archive.table_store.list(f"{_FOLDER}_delta_log/")
        if (number := _LOG_NAME.match(entry.key.rpartition("/")[2])) and int(number[1]) < stripped
    ]
    if early:
        table.create_checkpoint()
    for key in sorted(early):
        archive.table_store.delete(key)


def _replace_rows_once(
    archive: Archive, site: str, wanted: Mapping[tuple[str, int], Version], now: datetime, reason: str
) -> None:
    table = _prepared(archive)
    if table is None:
        return
    rows = {key: _to_row(archive, version) for key, version in wanted.items()}
    holding = _paths_holding(table, site, wanted)
    with tempfile.TemporaryDirectory(prefix="muniment-table-") as scratch, closing(_Sorter(Path(scratch))) as sorter:
        touched = []
        for file in live_files(table, site):
            if file.path not in holding:
                continue
            path = _download(archive, file, Path(scratch))
            if all(not _differs(row, rows[row["article"], row["n"]]) for row in _find_rows(path, set(wanted))):
                path.unlink()
                continue
            for batch in _read_file(path, site):
                sorter.add(_with_rows(batch, rows))
            path.unlink()
            touched.append(file)
        if not touched:
            return
        metadata = {
            "job": "replace",
            "reason": reason,
            "articles": " ".join(sorted({key[0] for key in wanted})),
            "versions": " ".join(sorted(f"{article}/{n}" for article, n in wanted)),  # what a follower is told
        }
        _swap(archive, table, site, touched, sorter, metadata=metadata, changes=True, now=now)
    for file in touched:
        archive.table_store.delete(_FOLDER + file.path)


def _with_rows(batch: pa.RecordBatch, rows: Mapping[tuple[str, int], dict[str, object]]) -> pa.RecordBatch:
    """The batch with these rows in the place of those of the same article and number."""
    keys = list(zip(batch["article"].to_pylist(), batch["n"].to_pylist(), strict=True))
    if not any(key in rows for key in keys):
        return batch
    kept = batch.filter(pa.array([key not in rows for key in keys]))
    fresh = pa.RecordBatch.from_pylist([rows[key] for key in keys if key in rows], schema=SCHEMA)
    return pa.concat_batches([kept, fresh])


def _paths_holding(table: DeltaTable, site: str, keys: Iterable[tuple[str, int]]) -> set[str]:
    """Paths of the files that have a row of one of these articles; reads their ids only."""
    import pyarrow.dataset as ds  # noqa: PLC0415 - as above

    wanted = ds.field("article").isin(sorted({article for article, _ in keys}))
    fragments = table.to_pyarrow_dataset(file_pruning_predicate=[("site", "=", site)]).get_fragments(filter=wanted)
    return {fragment.path for fragment in fragments if fragment.count_rows(filter=wanted)}


def _rows_under(table: DeltaTable, site: str, keys: set[tuple[str, int]]) -> dict[tuple[str, int], dict[str, Any]]:
    import pyarrow.dataset as ds  # noqa: PLC0415 - as above

    wanted = (ds.field("site") == site) & ds.field("article").isin(sorted({article for article, _ in keys}))
    rows = table.to_pyarrow_dataset().to_table(filter=wanted).to_pylist()
    return {(row["article"], row["n"]): row for row in rows}


def _find_rows(path: Path, keys: set[tuple[str, int]]) -> list[dict[str, Any]]:
    """The rows under these keys in a file, without their site; the columns that the file has."""
    articles = sorted({article for article, _ in keys})
    rows = pq.read_table(path, partitioning=None, filters=pc.field("article").isin(articles)).to_pylist()
    return [row for row in rows if (row["article"], row["n"]) in keys]


def _differs(row: Mapping[str, Any], standing: Mapping[str, Any] | None) -> bool:
    """Whether a row says another thing than the one that stands under its key; not, where none stands."""
    return standing is not None and any(standing.get(name) != value for name, value in row.items())


# --- files in the place of files


class _Sorter:
    """Rows in any order in, files in the order of capture out. Rows wait on disk: memory holds a row group or two."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "unsorted.arrow"
        self._sink = pa.OSFile(str(self._path), "wb")
        self._writer = pa.ipc.new_file(self._sink, SCHEMA)
        self._keys: list[pa.RecordBatch] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        if batch.num_rows:
            self._writer.write_batch(batch)
            self._keys.append(batch.select(["captured_at", "article", "n"]))

    def close(self) -> None:
        """End writing; may be called twice."""
        if not self._sink.closed:
            self._writer.close()
            self._sink.close()

    def write_files(self, target: int) -> Iterator[tuple[Path, int, str]]:
        """Files of about ``target`` bytes, one on disk at a time: its path, rows and statistics."""
        self.close()
        path = self._folder / "sorted.parquet"
        writer: pq.ParquetWriter | None = None
        seen = _Statistics()
        try:
            for group in self._groups():
                if writer is None:
                    writer, seen = _open_parquet(path), _Statistics()
                writer.write_table(group.select(_STORED.names), row_group_size=_GROUP)
                seen.add(group)
                if path.stat().st_size >= target:
                    writer.close()
                    writer = None
                    yield path, seen.rows, seen.to_json()
            if writer is not None:
                writer.close()
                writer = None
                yield path, seen.rows, seen.to_json()
        finally:
            if writer is not None:
                writer.close()
            path.unlink(missing_ok=True)

    def _groups(self) -> Iterator[pa.Table]:
        import numpy as np  # noqa: PLC0415 - only maintenance sorts

        if not self._keys:
            return
        order = (
            pc.sort_indices(
                pa.Table.from_batches(self._keys),
                sort_keys=[("captured_at", "ascending"), ("article", "ascending"), ("n", "ascending")],
            )
            .to_numpy()
            .astype(np.int64)
        )
        starts = np.cumsum([0, *(batch.num_rows for batch in self._keys)])
        with pa.memory_map(str(self._path)) as mapped:
            stored = pa.ipc.open_file(mapped)
            for begin in range(0, len(order), _GROUP):
                wanted = order[begin : begin + _GROUP]
                batch_of = np.searchsorted(starts, wanted, side="right") - 1
                parts, places = [], []
                for number in np.unique(batch_of):
                    here = np.flatnonzero(batch_of == number)
                    parts.append(stored.get_batch(int(number)).take(pa.array(wanted[here] - starts[number])))
                    places.append(here)
                back = np.argsort(np.concatenate(places), kind="stable")
                yield pa.Table.from_batches([pa.concat_batches(parts).take(pa.array(back))])


class _Statistics:
    """Rows, lowest and highest values and numbers of nulls of the measured columns, as Delta's log has them."""

    def __init__(self) -> None:
        self.rows = 0
        self._lowest: dict[str, Any] = {}
        self._highest: dict[str, Any] = {}
        self._nulls = dict.fromkeys(_MEASURED, 0)

    def add(self, table: pa.Table) -> None:
        self.rows += table.num_rows
        for name in _MEASURED:
            self._nulls[name] += table[name].null_count
            found = pc.min_max(table[name]).as_py()
            if found["min"] is not None:
                self._lowest[name] = min(found["min"], self._lowest.get(name, found["min"]))
                self._highest[name] = max(found["max"], self._highest.get(name, found["max"]))

    def to_json(self) -> str:
        return _statistics_json(self.rows, self._lowest, self._highest, self._nulls)


def _statistics_json(rows: int, lowest: Mapping[str, Any], highest: Mapping[str, Any], nulls: Mapping[str, int]) -> str:
    return orjson.dumps(
        {
            "numRecords": rows,
            "minValues": {name: _to_statistic(value) for name, value in lowest.items()},
            "maxValues": {name: _to_statistic(value, up=True) for name, value in highest.items()},
            "nullCount": dict(nulls),
        }
    ).decode()


def _to_statistic(value: object, *, up: bool = False) -> object:
    """A value as the log has it: times in milliseconds, never past the true lowest or highest."""
    if not isinstance(value, datetime):
        return value
    value = value.astimezone(UTC)
    whole = value.replace(microsecond=value.microsecond // 1000 * 1000)
    if up and whole < value:
        whole += timedelta(milliseconds=1)
    return whole.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _open_parquet(path: Path) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        path,
        _STORED,
        compression="zstd",
        compression_level=3,
        use_dictionary=_REPEATING,
        write_page_index=True,
    )


def _read_file(path: Path, site: str) -> Iterator[pa.RecordBatch]:
    """A file's rows in all columns of ``SCHEMA``: null in those that were added later."""
    with pq.ParquetFile(path) as file:
        names = set(file.schema_arrow.names)
        for batch in file.iter_batches(batch_size=_GROUP):
            columns = [
                batch[field.name].cast(field.type)
                if field.name in names
                else pa.repeat(pa.scalar(site if field.name == "site" else None, field.type), batch.num_rows)
                for field in SCHEMA
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _download(archive: Archive, file: DataFile, folder: Path) -> Path:
    path = folder / "old.parquet"
    try:
        archive.table_store.download_file(_FOLDER + file.path, path)
    except KeyMissing as error:
        table = open_table(archive)
        if table is not None and any(each.path == file.path for each in live_files(table, file.site)):
            raise ArchiveError(
                f"The table misses its file {file.path}.",
                next_step=f"Make its rows anew from the version documents: muniment table rebuild --site {file.site}",
            ) from error
        raise CommitFailedError("the table was rewritten meanwhile") from error
    return path


def _swap(
    archive: Archive,
    table: DeltaTable,
    site: str,
    old: Iterable[DataFile],
    sorter: _Sorter,
    *,
    metadata: Mapping[str, str],
    changes: bool,
    now: datetime,
    transactions: Iterable[str] = (),
) -> list[_Fresh]:
    """Put the sorter's rows in the place of some files of a site, in one commit through the table that was looked at.

    Args:
        changes: whether the rows differ from those of the old files.
        transactions: more of them to be set.

    Raises:
        CommitFailedError: another writer rewrote the site's files meanwhile; of this one nothing is left.
    """
    moment = int(now.timestamp() * 1000)
    token = secrets.token_hex(8)
    fresh: list[_Fresh] = []
    for path, rows, statistics in sorter.write_files(_TARGET):
        name = f"site={site}/part-{token}-{len(fresh):05}.zstd.parquet"
        fresh.append(_Fresh(path=name, size=path.stat().st_size, rows=rows, statistics=statistics))
        archive.table_store.upload_file(_FOLDER + name, path, content_type=_PARQUET)
    try:
        table.create_write_transaction(
            [
                *(RemoveAction(file.path, changes, moment, file.size, {"site": site}) for file in old),
                *(AddAction(each.path, each.size, {"site": site}, moment, changes, each.statistics) for each in fresh),
            ],
            "append",
            table.schema(),
            partition_by=["site"],
            commit_properties=CommitProperties(
                custom_metadata={"site": site, **metadata, "token": token},
                max_commit_retries=_COMMIT_RETRIES,
                app_transactions=[Transaction(name, 1, moment) for name in (f"{site}/rewrite", *transactions)],
            ),
            post_commithook_properties=_KEEP_LOG,
        )
    except CommitFailedError:
        # A store that applied the write and lost the answer makes a writer lose against itself.
        if _is_committed(archive, table.version(), token):
            return fresh
        for each in fresh:
            archive.table_store.delete(_FOLDER + each.path)
        raise
    return fresh


def _is_committed(archive: Archive, since: int, token: str) -> bool:
    table = open_table(archive)
    if table is None:
        return False
    return any(entry.get("token") == token for entry in table.history(max(table.version() - since, 1)))


def _retry(archive: Archive, work: Callable[[], object]) -> None:
    """Do something with the table until no other writer was faster.

    Raises:
        WriteConflict, StoreUnavailable: as ``commit_rows``.
    """
    try:
        for attempt in Retrying(
            retry=retry_if_exception_type(CommitFailedError),
            stop=stop_after_attempt(_TRIES),
            wait=wait_random_exponential(multiplier=0.05, max=3),
        ):
            with attempt:
                work()
    except RetryError as error:
        raise WriteConflict(f"the table had other writers {_TRIES} times in a row; try again") from error
    except (DeltaError, OSError) as error:
        raise _trouble(archive, error) from error


def _trouble(archive: Archive, error: Exception) -> MunimentError:
    """What an error of delta-rs means to us: it tells of refusals in words only."""
    said = str(error)
    if re.search(r"AccessDenied|PermissionDenied|lacks? the necessary privileges|\b403\b", said):
        first = said.split("\n", maxsplit=1)[0]
        return NotAllowed(
            f"The table at {archive.table_uri()}: the key may not do that ({first[:300]}).",
            next_step=role_step("steward (a run or an import needs only the role writer, reading the role reader)"),
        )
    return StoreUnavailable(f"the table at {archive.table_uri()}: {said}")


def _prepared(archive: Archive) -> DeltaTable | None:
    """The table with all columns and properties of this release; None: there is none.

    Raises:
        CommitFailedError: others changed it at the same moment: look again.
    """
    table = open_table(archive)
    return None if table is None else _prepare(archive, table)


def _prepare(archive: Archive, table: DeltaTable) -> DeltaTable:
    standing = table.metadata().configuration
    wanted = {name: value for name, value in _CONFIGURATION.items() if standing.get(name) != value}
    columns = {field.name for field in table.schema().fields}
    lacking = [Field.from_arrow(field) for field in SCHEMA if field.name not in columns]
    at_once = CommitProperties(max_commit_retries=0)
    if wanted:
        table.alter.set_table_properties(wanted, commit_properties=at_once, post_commithook_properties=_KEEP_LOG)
    if lacking:
        table.alter.add_columns(lacking, commit_properties=at_once, post_commithook_properties=_KEEP_LOG)
    return (open_table(archive) or table) if wanted or lacking else table


def _site_folder(site: str) -> str:
    return f"{_FOLDER}site={site}/"


def _create_table(archive: Archive) -> DeltaTable:
    """Make the table; when somebody makes it at the same moment, theirs is taken."""
    try:
        return DeltaTable.create(
            archive.table_uri(),
            schema=SCHEMA,
            mode="error",
            partition_by=["site"],
            name="articles",
            description=_DESCRIPTION,
            configuration=_CONFIGURATION,
            storage_options=archive.table_store.options_for_table(),
            # With retries the loser of a race would "create" the table a second time, as a later commit that
            # changes its id: seen with deltalake 1.6.6, in modes "error" and "ignore" alike.
            commit_properties=CommitProperties(max_commit_retries=0),
        )
    except DeltaError:
        table = open_table(archive)
        if table is None:
            raise
        return table


def _may_have_expired(run: str, now: datetime) -> bool:
    started = datetime.strptime(run.split("-", maxsplit=1)[0], "%Y%m%dT%H%M%S%z")
    return now - started > timedelta(days=_TRANSACTION_DAYS - 1)


def _has_rows(table: DeltaTable, site: str, run: str) -> bool:
    return _count_rows(table, site, run) > 0


def _count_rows(table: DeltaTable, site: str, run: str) -> int:
    import pyarrow.dataset as ds  # noqa: PLC0415 - as above

    wanted = (ds.field("site") == site) & (ds.field("run") == run)
    return int(table.to_pyarrow_dataset().count_rows(filter=wanted))


def _to_row(archive: Archive, version: Version) -> dict[str, object]:
    evidence = version.evidence
    row: dict[str, object] = {name: getattr(version, name) for name in _SAME}
    row |= _to_moment("published", version.published) | _to_moment("modified", version.modified)
    row |= {
        "state": version.state.value,
        "change": version.change.value,
        "authors": list(version.authors),
        "tags": list(version.tags),
        "origins": _to_json(version.origins),
        "edit": list(version.edit.classes) if version.edit else None,
        "words_added": version.edit and version.edit.words_added,
        "words_removed": version.edit and version.edit.words_removed,
        "hops": [f"{status} {url}" for status, url in version.hops],
        "facts": _to_json(version.facts or None),
        "policy": _to_json(version.policy or None),
        "agencies": list(version.agencies),
        "notices": [notice.kind for notice in version.notices],
        "contacts": _to_json([contact.model_dump(mode="json") for contact in version.contacts] or None),
        "embargo": version.embargo and version.embargo.value,
        "images": _to_json([image.model_dump(mode="json") for image in version.images] or None),
        "documents": [document.url for document in version.documents],
        "document_of": list(version.document_of),
        "confidence": _to_json(version.confidence or None),
        "origin": _to_json(version.origin and version.origin.model_dump(mode="json")),
        "warc": evidence.warc,
        "warc_offset": evidence.offset,
        "warc_length": evidence.length,
        "record_id": evidence.record_id,
        "record_type": evidence.record_type,
        "payload_digest": evidence.payload_digest,
        "http_status": evidence.status,
        "key": archive.version_key(version.site, version.article, version.n),
    }
    return row


def _to_json(value: object) -> str | None:
    return None if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _to_moment(name: str, moment: Moment | None) -> dict[str, object]:
    return {
        name: moment and moment.value,
        f"{name}_precision": moment and moment.precision,
        f"{name}_original": moment and moment.original,
        f"{name}_source": moment and moment.source,
    }


_SAME = frozenset(SCHEMA.names) & frozenset(Version.model_fields)
