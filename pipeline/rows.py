"""Rows of the table as a stream: what a reader gets, with memory that does not grow with the table.

``Rows`` is a question that is asked each time it is iterated; ``select_rows`` and ``query_rows`` ask it. The table's
files have row groups of a few thousand rows, and one or two of them are in memory at a time, whatever is asked for.
Which version of an article stands takes two passes: the first reads ids, numbers and times only.

A question sees the table as it was when its iteration began. A takedown removes the files that it replaced at once:
a stream that is under way then ends with ``StoreUnavailable``, and the same question asked again is answered.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.archive import Archive
from pipeline.errors import ArchiveError, SettingsError, StoreUnavailable
from pipeline.table import SCHEMA, Snapshot, dataset, live_files, open_table, scan_table

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow.dataset as ds
    from numpy.typing import NDArray

_BATCH = 2048  # rows
_PASS = 2_000_000  # versions whose ids are looked at in one go: 60 to 150 MB
_SITES = 1000  # sites that are looked at in one go
_ID = "S24"  # 20 hexadecimal digits, a space, and a place below ``_SITES``
_MERGE = 262_144  # versions that are collected before they are reduced to the newest of each article
_BUFFER = 1 << 20  # bytes that are read ahead in each column
_SQL_MEMORY = "512MB"
# DuckDB draws its bar on stdout, where somebody's output goes.
_SQL_SETTINGS = "SET preserve_insertion_order = false; SET TimeZone = 'UTC'; SET enable_progress_bar = false"

CURRENT = """
    CREATE TEMP VIEW current AS
    WITH newest AS (SELECT site, article, max(row(captured_at, n)) AS latest FROM articles GROUP BY site, article)
    SELECT articles.* FROM articles JOIN newest
    ON articles.site = newest.site AND articles.article = newest.article
    AND row(articles.captured_at, articles.n) = newest.latest
"""
"""The view that ``query_rows`` has beside ``articles``, in DuckDB's words."""


class Rows:
    """The answer to a question, asked anew each time: iterate it for record batches, or have it all at once.

    Whatever takes an Arrow stream takes this object as it is: ``pyarrow.table(rows)``, ``polars.DataFrame(rows)``.

    Args:
        begin: gives the batches from the first on.
        schema: their columns; None: the first of them says.
    """

    def __init__(self, begin: Callable[[], Iterator[pa.RecordBatch]], schema: pa.Schema | None = None) -> None:
        self._begin = begin
        self._schema = schema

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self._begin()

    @property
    def schema(self) -> pa.Schema:
        """The columns with their types."""
        if self._schema is None:
            with closing(self._begin()) as batches:  # type: ignore[type-var]  # a generator
                self._schema = next(batches).schema
        return self._schema

    def to_reader(self) -> pa.RecordBatchReader:
        """The batches as a pyarrow reader: a stream."""
        return pa.RecordBatchReader.from_batches(self.schema, self._begin())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_reader().__arrow_c_stream__(requested_schema)

    def to_arrow(self) -> pa.Table:
        """All rows as a pyarrow table, in memory."""
        return self.to_reader().read_all()

    def to_pandas(self) -> pd.DataFrame:
        """All rows as a pandas frame, in memory; types of Arrow, so that times keep their zone and null stays null.

        Raises:
            SettingsError: pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415 - optional and heavy
        except ImportError as error:
            raise _lacking("pandas", "pandas") from error
        return self.to_arrow().to_pandas(types_mapper=pd.ArrowDtype)

    def to_polars(self) -> pl.DataFrame:
        """All rows as a Polars frame, in memory.

        Raises:
            SettingsError: Polars is not installed.
        """
        try:
            import polars as pl  # noqa: PLC0415 - optional and heavy
        except ImportError as error:
            raise _lacking("Polars", "polars") from error
        frame = pl.from_arrow(self.to_arrow())
        assert isinstance(frame, pl.DataFrame)
        return frame


def select_rows(
    archive: Archive,
    *,
    sites: Sequence[str] | None = None,
    run: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    current: bool = False,
    columns: Sequence[str] | None = None,
) -> Rows:
    """Rows of the table; conditions reach the files' statistics, so that what cannot match is not read.

    Args:
        sites: of these only.
        run: of this run only.
        since: captured at this moment or later; with a zone.
        until: captured before this moment; with a zone.
        current: only the version of each article that stands (the newest by capture, then by number), if it fits the
            other conditions.
        columns: in this order; None: all.

    Raises:
        ArchiveError: there is no such column.
        ValueError: a time has no zone.
    """
    names = list(SCHEMA.names if columns is None else columns)
    if unknown := sorted(set(names) - set(SCHEMA.names)):
        raise ArchiveError(
            f"The table has no column {', '.join(unknown)}.", next_step="docs/archive-format.md lists them all."
        )
    conditions = []
    for moment, sign in ((since, ">="), (until, "<")):
        if moment is not None:
            if moment.tzinfo is None:
                raise ValueError("a time needs a zone: datetime(…, tzinfo=UTC)")
            conditions.append(f"captured_at {sign} '{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}'")
    if run is not None:
        conditions.append(f"run = {_quoted(run)}")
    schema = pa.schema([SCHEMA.field(name) for name in names])

    def begin() -> Iterator[pa.RecordBatch]:
        table = open_table(archive)
        if table is None:
            return
        if not current:
            own = [] if sites is None else [_is_of(sites)]
            yield from scan_table(table, names, _all_of([*own, *conditions]))
            return
        counts: dict[str, int] = {}
        for file in live_files(table):
            if sites is None or file.site in sites:
                counts[file.site] = counts.get(file.site, 0) + file.rows
        for group in _groups(counts):
            yield from _current_of(table, group, sum(counts[site] for site in group), conditions, names)

    return Rows(begin, schema)


def query_rows(archive: Archive, query: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> Rows:
    """What DuckDB answers: ``articles`` has all versions, ``current`` the one of each article that stands.

    DuckDB may use 512 MB of memory; what needs more (a sort of everything) goes through a temporary folder.

    Raises:
        SettingsError: DuckDB is not installed.
        ArchiveError: (as it is iterated) DuckDB refuses the query.
    """
    try:
        import duckdb  # noqa: PLC0415 - optional and heavy
    except ImportError as error:
        raise _lacking("DuckDB", "sql") from error

    def begin() -> Iterator[pa.RecordBatch]:
        with tempfile.TemporaryDirectory(prefix="muniment-sql-") as scratch:
            connection = duckdb.connect(config={"memory_limit": _SQL_MEMORY, "temp_directory": scratch})
            try:
                connection.execute(_SQL_SETTINGS)
                connection.register("articles", _thrifty(dataset(archive)))
                connection.execute(CURRENT)
                answer = connection.sql(query, params=parameters)
                if answer is None:
                    raise ArchiveError("The query answers nothing.", next_step="Ask with SELECT.")
                reader = answer.to_arrow_reader(_BATCH)
                yield pa.RecordBatch.from_pylist([], schema=reader.schema)  # tells the columns of an empty answer
                yield from reader
            except duckdb.Error as error:
                said = str(error)
                if isinstance(error, duckdb.IOException) or "IOError" in said:  # of pyarrow, which reads for it
                    raise _interrupted(error) from error
                raise ArchiveError(
                    f"DuckDB: {said}", next_step="Correct the query; docs/archive-format.md lists the columns."
                ) from error
            finally:
                connection.close()

    return Rows(begin)


def batches_of(found: ds.Dataset, columns: Sequence[str], wanted: ds.Expression | None) -> Iterator[pa.RecordBatch]:
    """The rows of a dataset that are wanted, in its order, a row group or two in memory.

    Raises:
        StoreUnavailable: a file is not there any more, or the store did not answer.
    """
    try:
        yield from _thrifty(found).scanner(columns=list(columns), filter=wanted).to_batches()
    except OSError as error:
        raise _interrupted(error) from error


# --- the version that stands


def _current_of(
    table: Snapshot, sites: Sequence[str], count: int, conditions: Sequence[str], names: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """The versions of some sites' articles that stand; of very many articles a share at a time, by their ids."""
    read = list(dict.fromkeys([*names, "site", "article", "n"]))
    places = pa.array(sites)
    for share in _shares(math.ceil(count / _PASS)):
        own = [_is_of(sites), *share]
        articles, numbers = _newest(table, places, _all_of(own))
        if not len(articles):
            continue
        for batch in scan_table(table, read, _all_of([*own, *conditions])):
            ids, ns = _to_ids(batch, places), batch["n"].to_numpy(zero_copy_only=False)
            at = np.minimum(np.searchsorted(articles, ids), len(articles) - 1)
            stands = (articles[at] == ids) & (numbers[at] == ns)
            if stands.any():
                yield batch.filter(pa.array(stands)).select(list(names))


def _newest(table: Snapshot, sites: pa.Array, predicate: str | None) -> tuple[NDArray[np.bytes_], NDArray[np.int32]]:
    """Articles (``_to_ids``), sorted, and beside each the number of its newest version by capture, then by number."""
    best = (np.empty(0, _ID), np.empty(0, "i8"), np.empty(0, "i4"))
    waiting: list[tuple[NDArray[Any], ...]] = []

    def reduce() -> tuple[NDArray[Any], ...]:
        ids, times, numbers = (np.concatenate(column) for column in zip(best, *waiting, strict=True))
        order = np.lexsort((numbers, times, ids))
        ids = ids[order]
        last = np.append(ids[1:] != ids[:-1], True) if len(ids) else np.empty(0, bool)
        return ids[last], times[order][last], numbers[order][last]

    for batch in scan_table(table, ["site", "article", "captured_at", "n"], predicate):
        times = batch["captured_at"].cast(pa.int64()).to_numpy(zero_copy_only=False)
        waiting.append((_to_ids(batch, sites), times, batch["n"].to_numpy(zero_copy_only=False)))
        if sum(len(each[0]) for each in waiting) >= _MERGE:
            best = reduce()  # type: ignore[assignment]
            waiting.clear()
    ids, _, numbers = reduce()
    return ids, numbers


def _to_ids(batch: pa.RecordBatch, sites: pa.Array) -> NDArray[np.bytes_]:
    """What tells a row's article from all others: its id, and the place of its site among those that are asked for."""
    places = pc.index_in(batch["site"], sites).cast(pa.string())
    joined = pc.binary_join_element_wise(batch["article"], places, " ")
    ids: NDArray[np.bytes_] = joined.to_numpy(zero_copy_only=False).astype(_ID)
    return ids


def _groups(counts: Mapping[str, int]) -> Iterator[list[str]]:
    """Sites, by name, as many together as one go may have versions of; each scan costs as much as many small sites."""
    group: list[str] = []
    total = 0
    for site in sorted(counts):
        if group and (total + counts[site] > _PASS or len(group) == _SITES):
            yield group
            group, total = [], 0
        group.append(site)
        total += counts[site]
    if group:
        yield group


def _shares(count: int) -> Iterator[list[str]]:
    """Conditions that part all articles into so many shares, by the first digits of their ids."""
    bounds = [f"{number * 4096 // count:03x}" for number in range(1, min(count, 4096))]
    for low, high in zip(["", *bounds], [*bounds, "g"], strict=True):
        yield [*([f"article >= '{low}'"] if low else []), *([f"article < '{high}'"] if high != "g" else [])]


# --- underneath


def _thrifty(found: ds.Dataset) -> ds.Dataset:
    """The dataset, read in small batches by whoever reads it; DuckDB calls the method of the class itself.

    pyarrow's own defaults read ahead 16 batches of 131,072 rows: gigabytes of text.
    """
    import pyarrow.dataset as ds  # noqa: PLC0415 - loads pandas where that is installed: 0.4 s

    class Thrifty(ds.FileSystemDataset):  # type: ignore[misc]
        def scanner(self, **arguments: Any) -> ds.Scanner:
            wide = arguments.get("columns")
            if wide is None or "text" in wide:  # page by page; of narrow columns whole row groups are as small
                arguments["fragment_scan_options"] = ds.ParquetFragmentScanOptions(
                    use_buffered_stream=True, buffer_size=_BUFFER, pre_buffer=False
                )
            return super().scanner(batch_size=_BATCH, batch_readahead=2, fragment_readahead=1, **arguments)

    if not isinstance(found, ds.FileSystemDataset):
        return found  # an archive without versions
    return Thrifty(list(found.get_fragments()), found.schema, found.format, found.filesystem)


def _all_of(conditions: Sequence[str]) -> str | None:
    return " AND ".join(conditions) or None


def _is_of(sites: Sequence[str]) -> str:
    return f"site IN ({', '.join(map(_quoted, sorted(set(sites))))})" if sites else "false"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _interrupted(error: Exception) -> StoreUnavailable:
    what = str(error).partition("\n")[0]
    return StoreUnavailable(f"the table could not be read to the end, or was rewritten meanwhile; ask again ({what})")


def _lacking(library: str, extra: str) -> SettingsError:
    return SettingsError(
        f"{library} is not installed.", next_step=f"Install it with: pip install 'muniment[{extra}]' (or take to_arrow)"
    )
