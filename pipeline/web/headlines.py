"""All headlines of the archive in memory, to search in: about twice the bytes of a headline for each version.

Files of the table are created once and never changed, so what was read of a file holds as long as the table consists
of it. Before each search the table's log is asked which files those are: new ones are read, and what a takedown or a
merge has replaced is forgotten, so that no headline is found which readers must not see any more. Files are read by a
thread of their own, the newest first; a search waits a moment for them and says how far they have come.

Of a headline stand its small letters as they are, to be searched, and what it looks like compressed, in blocks of which
one is unpacked for a headline that is shown.

Not here: the text of articles (``muniment sql`` searches that), and addresses, which are found by their digest.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.archive import Archive
from pipeline.errors import StoreUnavailable
from pipeline.table import DataFile, dataset_of, live_files, open_filesystem, open_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_ROWS: Final = 3_000_000
"""Versions that are kept in memory, the newest; older files are left out, and a search says so."""
MOST_WORDS: Final = 8
PATIENCE: Final = 0.1
"""Seconds that a search waits for files that are being read."""
_THREADS: Final = 1  # more would keep pages waiting that are asked for meanwhile
_COLUMNS: Final = ("title", "article", "n", "captured_at", "change", "state")
_MANY: Final = 20  # files
_BLOCK: Final = 256  # headlines that are compressed together
_ID: Final = 10  # bytes of an article's id
_CODEC: Final = pa.Codec("zstd", compression_level=1)
_RARE: Final = 8  # a word that stands in fewer headlines than one of so many is looked for byte by byte
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A version that was found."""

    site: str
    article: str
    n: int
    title: str
    change: str
    state: str
    captured_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The answer to a search."""

    hits: tuple[Hit, ...]  # newest first
    count: int  # of all that fit
    searched: int  # versions that were looked at, or could be passed by
    versions: int  # of the whole table
    reading: bool  # more is being read, so that the same search finds more in a moment


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """The headlines of one file."""

    site: str
    blob: bytes  # the headlines in small letters, one behind the other …
    offsets: NDArray[np.int32]  # … and where each begins; the last one ends where this says
    packed: bytes  # the headlines as they are, ``_BLOCK`` of them in each block …
    blocks: NDArray[np.int32]  # … and where each of these begins
    ends: NDArray[np.int32]  # as ``offsets``, of the headlines as they are; mostly the same object
    articles: bytes  # ids, ``_ID`` bytes of each
    numbers: NDArray[np.int32]
    times: NDArray[np.int64]  # microseconds since 1970
    changes: _Words
    states: _Words

    @property
    def rows(self) -> int:
        return len(self.numbers)

    @property
    def folded(self) -> pa.Array:
        """The headlines in small letters, on the bytes that are there."""
        return pa.StringArray.from_buffers(self.rows, pa.py_buffer(self.offsets), pa.py_buffer(self.blob))

    def title(self, row: int) -> str:
        """A headline as it is."""
        number = row // _BLOCK
        first, last = self.ends[number * _BLOCK], self.ends[min((number + 1) * _BLOCK, self.rows)]
        packed = self.packed[self.blocks[number] : self.blocks[number + 1]]
        block = _CODEC.decompress(packed, int(last - first), asbytes=True) if last > first else b""
        title: bytes = bytes(block[self.ends[row] - first : self.ends[row + 1] - first])
        return str(title, "utf-8", "replace")

    def article(self, row: int) -> str:
        """The id of an article."""
        return self.articles[row * _ID : (row + 1) * _ID].hex()

    def has(self, article: str) -> bool:
        """Whether one of these versions is of an article."""
        wanted = bytes.fromhex(article)
        at = self.articles.find(wanted)
        while at >= 0 and at % _ID:  # between two ids
            at = self.articles.find(wanted, at + 1)
        return at >= 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Words:
    """A column of few different words."""

    words: tuple[str, ...]
    codes: NDArray[np.uint8]

    def __getitem__(self, row: int) -> str:
        return self.words[int(self.codes[row])]


class Headlines:
    """The headlines of one archive; may be searched by many threads.

    Args:
        archive: whose table it is.
        most_rows: how many versions are kept.
    """

    def __init__(self, archive: Archive, *, most_rows: int = MOST_ROWS) -> None:
        self._archive = archive
        self._most = most_rows
        self._table: Any = None
        self._looked = False  # the table is open, and all that reads it is loaded
        self._files: dict[str, DataFile] = {}
        self._parts: dict[str, Future[_Part]] = {}
        self._first: Future[tuple[dict[str, DataFile], dict[str, Future[_Part]]]] | None = None
        self._looking = threading.Lock()
        # More at once do not end earlier: all would end as late as the last one.
        self._searching = threading.BoundedSemaphore(2)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="headlines")

    def search(
        self,
        text: str = "",
        *,
        sites: Sequence[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        most: int = 50,
        patience: float = PATIENCE,
    ) -> Found:
        """Versions whose headline has all these words or parts of words, whatever their case; newest first.

        Args:
            text: words; none: every version fits.
            sites: of these only.
            since: captured at this moment or later.
            until: captured before this moment.
            most: how many are told.
            patience: seconds to wait for files that are being read.

        Raises:
            StoreUnavailable: the store did not answer.
        """
        if (seen := self._look_patiently(patience)) is None:
            return Found(hits=(), count=0, searched=0, versions=0, reading=True)
        files, parts = seen
        asked = [path for path, file in files.items() if _may_hold(file, sites, since, until)]
        pending = [parts[path] for path in asked if path in parts]
        wait(pending, timeout=patience)
        done = [part.result() for part in pending if part.done() and part.exception() is None]
        failed = next((part.exception() for part in pending if part.done() and part.exception()), None)
        if failed is not None and not done:
            raise StoreUnavailable(f"the table's headlines could not be read; ask again ({failed})")
        words = text.lower().split()[:MOST_WORDS]
        with self._searching:
            found = [(part, _match(part, words, since, until)) for part in done]
        total = sum(file.rows for file in files.values())
        missed = sum(files[path].rows for path in asked) - sum(part.rows for part in done)
        return Found(
            hits=tuple(_newest(found, most)),
            count=sum(len(rows) for _, rows in found),
            searched=total - missed,
            versions=total,
            reading=any(not part.done() for part in pending),
        )

    def begin(self) -> None:
        """Begin to read: somebody is about to search. Returns at once."""
        if not self._looked:
            self._begin()

    def _begin(self) -> Future[tuple[dict[str, DataFile], dict[str, Future[_Part]]]]:
        if self._first is None or self._first.done():
            self._first = self._pool.submit(self._look)
        return self._first

    def _look_patiently(self, patience: float) -> tuple[dict[str, DataFile], dict[str, Future[_Part]]] | None:
        """As ``_look``; None when the table is opened for the first time, which takes longer than that."""
        if self._looked:
            return self._look()
        first = self._begin()
        wait([first], timeout=patience)
        return first.result() if first.done() else None

    def find_sites(self, article: str, *, patience: float = PATIENCE) -> tuple[list[str], bool]:
        """The sites that have an article of this id, as far as is read, and whether all is read."""
        if (seen := self._look_patiently(patience)) is None:
            return [], False
        files, parts = seen
        wait(parts.values(), timeout=patience)
        done = [part.result() for part in parts.values() if part.done() and part.exception() is None]
        found = {part.site for part in done if part.has(article)}
        return sorted(found), len(done) == len(files)

    def _look(self) -> tuple[dict[str, DataFile], dict[str, Future[_Part]]]:
        """The files of the table as it stands now, newest first, and what is read of them or being read."""
        with self._looking:
            if self._table is None:
                self._table = open_table(self._archive)
                if self._table is None:
                    return {}, {}
                changed = True
            else:
                before = self._table.version()
                try:
                    self._table.update_incremental()
                except Exception:  # noqa: BLE001 - a table that was moved or made anew: the library's errors have no common class
                    self._table = open_table(self._archive)
                changed = self._table is None or self._table.version() != before
            if changed:
                files = [] if self._table is None else live_files(self._table)
                files.sort(key=lambda file: file.last or _EPOCH, reverse=True)
                self._files = {file.path: file for file in files}
                kept: set[str] = set()
                rows = 0
                for file in files:
                    rows += file.rows
                    if rows > self._most:
                        break
                    kept.add(file.path)
                for path in self._parts.keys() - kept:
                    self._parts.pop(path).cancel()
                self._submit([path for path in self._files if path in kept and path not in self._parts])
            self._submit([path for path, part in self._parts.items() if part.done() and part.exception() is not None])
            self._looked = self._table is not None
            return dict(self._files), dict(self._parts)

    def _submit(self, paths: Sequence[str]) -> None:
        # Opened once for all: for each of 400 files it took more than half of the time. Not kept: credentials end.
        filesystem = open_filesystem(self._archive) if paths else None
        for path in paths:
            self._parts[path] = self._pool.submit(self._read, self._files[path], filesystem)
        if len(paths) > _MANY:
            self._pool.submit(_give_back)

    def _read(self, file: DataFile, filesystem: Any) -> _Part:
        # Arrow's own pool and threads keep 60 MB of what they needed once.
        table = dataset_of(self._archive, [(file.path, file.site)], filesystem).to_table(
            columns=list(_COLUMNS), use_threads=False, memory_pool=pa.system_memory_pool()
        )
        ends, blob = _unpack(_whole(table["title"]))
        packed = list(_pack(blob, ends))
        offsets, folded = _unpack(_whole(pc.utf8_lower(table["title"])))
        return _Part(
            site=file.site,
            blob=folded.to_pybytes(),
            offsets=offsets,
            packed=b"".join(packed),
            blocks=np.cumsum([0, *map(len, packed)], dtype=np.int32),
            ends=offsets if np.array_equal(offsets, ends) else ends,
            articles=bytes.fromhex(_unpack(_whole(table["article"]))[1].to_pybytes().decode()),
            numbers=table["n"].to_numpy().copy(),
            times=table["captured_at"].cast(pa.int64()).to_numpy().copy(),
            changes=_name(table["change"]),
            states=_name(table["state"]),
        )

    def close(self) -> None:
        """Stop reading."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _give_back() -> None:
    """Give the system back what reading has needed and nobody uses: a third of what remains, of many files."""
    with suppress(OSError, AttributeError):  # not every C library can
        ctypes.CDLL(None).malloc_trim(0)


def _may_hold(file: DataFile, sites: Sequence[str] | None, since: datetime | None, until: datetime | None) -> bool:
    return (
        (sites is None or file.site in sites)
        and (since is None or file.last is None or file.last + timedelta(milliseconds=1) >= since)
        and (until is None or file.first is None or file.first < until)
    )


def _match(part: _Part, words: Sequence[str], since: datetime | None, until: datetime | None) -> NDArray[np.int64]:
    """The rows of a part that fit."""
    rows: NDArray[np.int64] = np.arange(part.rows)
    for moment, compare in ((since, np.greater_equal), (until, np.less)):
        if moment is not None:
            rows = rows[compare(part.times[rows], (moment - _EPOCH) // timedelta(microseconds=1))]
    for word in sorted(words, key=len, reverse=True):  # a long word leaves few rows for the others
        if not len(rows):
            break
        if len(rows) == part.rows and (some := _find_rare(part, word.encode("utf-8", "surrogatepass"))) is not None:
            rows = some
            continue
        left = part.folded if len(rows) == part.rows else part.folded.take(pa.array(rows))
        rows = rows[pc.match_substring(left, word).to_numpy(zero_copy_only=False)]
    return rows


def _find_rare(part: _Part, word: bytes) -> NDArray[np.int64] | None:
    """The rows that have a word which few have; None: many have it.

    A tenth of the time of Arrow's ``match_substring``, which looks at every byte in turn.
    """
    places: list[int] = []
    at, most = part.blob.find(word), part.rows // _RARE
    while at >= 0:
        if len(places) == most:
            return None
        places.append(at)
        at = part.blob.find(word, at + 1)
    begins = np.array(places, np.int64)
    rows = np.searchsorted(part.offsets, begins, side="right") - 1
    whole = begins + len(word) <= part.offsets[rows + 1]  # not from the end of one headline into the next
    return np.unique(rows[whole])


def _newest(found: Sequence[tuple[_Part, NDArray[np.int64]]], most: int) -> list[Hit]:
    """The latest of all rows that fit."""
    chosen: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []
    for number, (part, rows) in enumerate(found):
        times = part.times[rows]
        if len(rows) > most:
            latest = np.argpartition(times, len(times) - most)[-most:]
            rows, times = rows[latest], times[latest]
        chosen.append((times, np.full(len(rows), number), rows))
    if not chosen:
        return []
    times, numbers, rows = (np.concatenate(column) for column in zip(*chosen, strict=True))
    order = np.lexsort((rows, numbers, times))[::-1][:most]
    return [_to_hit(found[int(numbers[at])][0], int(rows[at])) for at in order]


def _to_hit(part: _Part, row: int) -> Hit:
    return Hit(
        site=part.site,
        article=part.article(row),
        n=int(part.numbers[row]),
        title=part.title(row),
        change=part.changes[row],
        state=part.states[row],
        captured_at=_EPOCH + timedelta(microseconds=int(part.times[row])),
    )


def _unpack(texts: pa.Array) -> tuple[NDArray[np.int32], pa.Buffer]:
    """Where each of some texts begins, and their bytes."""
    texts = pa.concat_arrays([texts])  # from its own beginning on, whatever it was cut from
    _, places, data = texts.buffers()
    if not len(texts) or data is None:
        return np.zeros(len(texts) + 1, np.int32), pa.py_buffer(b"")
    offsets = np.frombuffer(places, np.int32)[: len(texts) + 1].copy()
    return offsets, data.slice(0, int(offsets[-1]))


def _pack(blob: pa.Buffer, ends: NDArray[np.int32]) -> Iterator[bytes]:
    for begin in range(0, len(ends) - 1, _BLOCK):
        first, last = int(ends[begin]), int(ends[min(begin + _BLOCK, len(ends) - 1)])
        yield _CODEC.compress(blob.slice(first, last - first), asbytes=True) if last > first else b""


def _name(column: pa.ChunkedArray) -> _Words:
    coded = _whole(column).dictionary_encode()
    return _Words(words=tuple(coded.dictionary.to_pylist()), codes=coded.indices.to_numpy().astype(np.uint8))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return pa.concat_arrays(combined.chunks) if isinstance(combined, pa.ChunkedArray) else combined
