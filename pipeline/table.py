"""The table: one row per version, in Delta Lake, for everybody who would rather query than read documents.

The rows say what the version documents say and can be made from them at any time. One commit per run, exactly
once: the commit carries an application transaction named after site and run. delta-rs does not refuse a
transaction that is in already, it only lets two *concurrent* ones collide; so the table is loaded, looked at,
and written **through the table that was looked at**, and whoever loses looks again.

The only user of deltalake. Partitioned by site; times are UTC in microseconds. The columns are ``SCHEMA``;
docs/downstream.md says how to read them with other tools.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import orjson
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from pipeline.archive import Archive
from pipeline.errors import StoreUnavailable, WriteConflict
from pipeline.model import Moment, Version

if TYPE_CHECKING:
    import pyarrow.dataset as ds

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
    ]
)
"""The columns, in order. Columns may be added; none is renamed or removed within a contract version."""

_BATCH = 256
_TRIES = 40
_COMMIT_RETRIES = 200
_TRANSACTION_DAYS = 60
_CONFIGURATION = {
    # Transactions older than this leave the log; a run that is published later is looked for by its rows.
    "delta.setTransactionRetentionDuration": f"interval {_TRANSACTION_DAYS} days",
}


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

    def __len__(self) -> int:
        return self._count

    def add(self, version: Version) -> None:
        """Add a version's row."""
        self._waiting.append(version)
        self._count += 1
        if len(self._waiting) >= _BATCH:
            self._flush()

    def batches(self) -> pa.RecordBatchReader:
        """All rows from the first on; after this, none may be added."""
        self._close()
        return pa.ipc.open_stream(pa.OSFile(str(self._path), "rb"))

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
    try:
        for attempt in Retrying(
            retry=retry_if_exception_type(CommitFailedError),
            stop=stop_after_attempt(_TRIES),
            wait=wait_random_exponential(multiplier=0.05, max=3),
        ):
            with attempt:
                _commit_once(archive, site, run, rows, now)
    except RetryError as error:
        raise WriteConflict(f"the table had other writers {_TRIES} times in a row; try again") from error
    except (DeltaError, OSError) as error:
        raise StoreUnavailable(f"the table at {archive.table_uri()}: {error}") from error
    return len(rows)


def _commit_once(archive: Archive, site: str, run: str, rows: Rows, now: datetime) -> None:
    table = open_table(archive) or _create_table(archive)
    name = f"{site}/{run}"
    if table.transaction_version(name) is not None:
        return
    if _may_have_expired(run, now) and _has_rows(table, site, run):
        return
    write_deltalake(
        table,
        rows.batches(),
        mode="append",
        schema_mode="merge",  # a table of an earlier release gets the columns that it lacks
        commit_properties=CommitProperties(
            custom_metadata={"site": site, "run": run, "rows": str(len(rows))},
            max_commit_retries=_COMMIT_RETRIES,
            app_transactions=[Transaction(name, 1, int(now.timestamp() * 1000))],
        ),
    )


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
        raise StoreUnavailable(f"the table at {archive.table_uri()}: {error}") from error


def dataset(archive: Archive) -> ds.Dataset:
    """The table as a pyarrow dataset: lazy, so that filters and columns decide what is read.

    An archive without versions gives an empty dataset of the same columns.
    """
    import pyarrow.dataset as ds  # noqa: PLC0415 - loads pandas where that is installed: 0.4 s

    table = open_table(archive)
    if table is None:
        return ds.dataset(SCHEMA.empty_table())
    found = table.to_pyarrow_dataset()
    lacking = [field for field in SCHEMA if field.name not in found.schema.names]
    return found.replace_schema(pa.schema([*found.schema, *lacking])) if lacking else found


def rows_of(archive: Archive, site: str, run: str) -> int:
    """How many rows of a run are in the table."""
    table = open_table(archive)
    return 0 if table is None else _count_rows(table, site, run)


def _create_table(archive: Archive) -> DeltaTable:
    """Make the table; when somebody makes it at the same moment, theirs is taken."""
    try:
        return DeltaTable.create(
            archive.table_uri(),
            schema=SCHEMA,
            mode="error",
            partition_by=["site"],
            name="articles",
            description="One row per version of an article; see docs/downstream.md of Muniment.",
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
