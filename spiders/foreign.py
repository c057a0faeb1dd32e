"""WARC files and WACZ archives that something else wrote, read record by record, whatever is wrong with them.

Read are WARC 0.17 to 1.1: a gzip member for each record, one gzip stream, Zstandard (with a dictionary in front, too),
or nothing of it; and WACZ, which is a ZIP with WARCs in ``archive/``, or with further WACZ in it.

What is damaged costs as little as can be: a record whose gzip member is broken, whose Content-Length does not fit or
whose header cannot be read is told as a ``Trouble``, and reading goes on with the next one that can be found. A file
that breaks off gives what is whole. Memory is bounded: by the largest record that is wanted, whatever a file says of
itself; what unfolds like a bomb is left. Names in a ZIP are compared and told, and never become paths.

Not here: what a record means (``pipeline.intake``). Our own segments are read by ``spiders.warc``.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Literal, Protocol, cast

import zstandard

Form = Literal["WARC", "WACZ"]

LARGEST_HEAD: Final = 256 * 1024  # of a record's own header
LARGEST_RATIO: Final = 250  # as in spiders.coding
_UNSUSPECTED: Final = 64 << 20  # so many bytes may come out of anything
_PART: Final = 64 * 1024
_MOST_SEARCHES: Final = 1000  # for the next record behind a broken one, in one WARC
_MOST_CANDIDATES: Final = 100_000  # for the start of a gzip member
_LARGEST_DIRECTORY: Final = 32 << 20  # of a ZIP: about 300,000 names
_LARGEST_DICTIONARY: Final = 8 << 20
_DEEPEST: Final = 2  # WACZ in WACZ

_GZIP: Final = b"\x1f\x8b\x08"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_DICTIONARY: Final = b"\x5d\x2a\x4d\x18"  # a skippable frame: "WARC compression with Zstandard", IIPC
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_BEGIN: Final = re.compile(rb"WARC/\d\.\d{1,2}[ \t]*\r?\n")
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_WARC_NAME: Final = re.compile(r"(?i)(?:.*/)?archive/[^/]+\.warc(?:\.gz|\.zst)?")
_WACZ_NAME: Final = re.compile(r"(?i)(?:.*/)?[^/]+\.wacz")


class Unreadable(ValueError):
    """A file that is neither WARC nor WACZ, or a WACZ of which nothing can be read; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A record as it stands in a file. Names of headers are in lower case; of several of one name, all with a space."""

    member: str  # name of the WARC in a WACZ; empty: the file is the WARC
    offset: int  # of its gzip member, or of its first byte
    unpacked: bool  # the offset counts unpacked bytes
    headers: Mapping[str, str]
    length: int  # Content-Length
    block: bytes | None  # None: it is larger than what was asked for

    @property
    def type(self) -> str:
        """WARC-Type, in lower case."""
        return self.headers.get("warc-type", "").lower()


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """Something that could not be read."""

    member: str
    offset: int
    unpacked: bool
    reason: str
    cut: bool = False  # the file breaks off here
    records: int = 1  # that it cost, as far as can be told


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """What a WACZ says of itself."""

    software: str


def find_form(path: Path) -> Form:
    """What a file is, by its first bytes.

    Raises:
        Unreadable: neither WARC nor WACZ.
        OSError: it cannot be opened.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(_ZIP):
        return "WACZ"
    if head.startswith((_GZIP, _ZSTD, _ZSTD_DICTIONARY)) or _BEGIN.match(head.lstrip(b"\r\n")):
        return "WARC"
    if head.startswith(b"filedesc:"):
        raise Unreadable("it is an ARC file; `warcio recompress FILE.arc FILE.warc.gz` makes a WARC of it")
    raise Unreadable("it is empty" if not head else "it begins like neither a WARC nor a WACZ")


def read_file(path: Path, *, largest: int, spool: Path) -> Iterator[Record | Trouble | Note]:
    """All records of a WARC or a WACZ, in their order.

    Args:
        path: the file.
        largest: records with more bytes are given without them.
        spool: folder for WACZ that lie in a WACZ.

    Raises:
        Unreadable: neither WARC nor WACZ.
        OSError: it cannot be read.
    """
    if find_form(path) == "WACZ":
        yield from _read_wacz(path, "", largest, spool, 1)
        return
    with path.open("rb") as file:
        yield from _read_warc(file, "", largest)


# --- WACZ -------------------------------------------------------------------------------------------


def _read_wacz(path: Path, prefix: str, largest: int, spool: Path, depth: int) -> Iterator[Record | Trouble | Note]:
    _check_directory(path)
    try:
        opened = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, RecursionError) as error:
        raise Unreadable(f"its ZIP directory cannot be read: {error}") from error
    with opened as archive:
        members = sorted(archive.infolist(), key=lambda member: member.header_offset)
        chosen = [member for member in members if _WARC_NAME.fullmatch(member.filename)]
        nested = [member for member in members if depth < _DEEPEST and _WACZ_NAME.fullmatch(member.filename)]
        size = path.stat().st_size
        if sum(member.compress_size for member in (*chosen, *nested)) > size:
            raise Unreadable("its ZIP directory tells of more bytes than the file has")
        if not chosen and not nested:
            raise Unreadable("it is a ZIP without a WARC in archive/")
        software = _read_software(archive)
        if software:
            yield Note(software=software)
        for member in chosen:
            name = prefix + member.filename
            try:
                with archive.open(member) as raw:
                    yield from _read_warc(_Member(raw), name, largest)
            except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError) as error:
                yield Trouble(member=name, offset=0, unpacked=False, reason=f"cannot be opened: {error}", records=0)
        for number, member in enumerate(nested):
            name = prefix + member.filename
            copy = spool / f"nested-{depth}-{number}.wacz"  # a name of our own: theirs is not to be trusted
            try:
                with archive.open(member) as raw, copy.open("wb") as file:
                    _copy_bounded(_Member(raw), file, member.compress_size)
                yield from _read_wacz(copy, f"{name}!", largest, spool, depth + 1)
            except (_Broken, Unreadable, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
                yield Trouble(member=name, offset=0, unpacked=False, reason=f"cannot be opened: {error}", records=0)
            finally:
                copy.unlink(missing_ok=True)


def _check_directory(path: Path) -> None:
    """Refuse a ZIP whose directory is too large to be held in memory."""
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - 66_000))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    large = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    if large == 0xFFFFFFFF:  # ZIP64: the record before it has the size
        far = tail.rfind(b"PK\x06\x06", 0, at)
        large = int.from_bytes(tail[far + 40 : far + 48], "little") if far >= 0 else large
    if large > _LARGEST_DIRECTORY:
        raise Unreadable(f"its ZIP directory has {large} bytes")


def _read_software(archive: zipfile.ZipFile) -> str:
    try:
        with archive.open("datapackage.json") as file:
            told = json.loads(file.read(1 << 20))
        return str(told.get("software", ""))[:500] if isinstance(told, dict) else ""
    except (KeyError, ValueError, RecursionError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        return ""
    except RuntimeError:  # encrypted
        return ""


def _copy_bounded(raw: _Raw, file: IO[bytes], packed: int) -> None:
    most = max(_UNSUSPECTED, LARGEST_RATIO * packed)
    while part := raw.read(1 << 20):
        most -= len(part)
        if most < 0:
            raise _Broken("it unfolds to more than it can hold")
        file.write(part)


class _Raw(Protocol):
    """A file of bytes, as far as is needed here."""

    def read(self, size: int, /) -> bytes: ...

    def seek(self, offset: int, /) -> int: ...


class _Member:
    """A member of a ZIP whose damage is told in our own words."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw

    def read(self, size: int, /) -> bytes:
        try:
            return self._raw.read(size)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise _Broken(f"the ZIP is damaged: {error}", cut=isinstance(error, EOFError)) from error

    def seek(self, offset: int, /) -> int:
        try:
            return self._raw.seek(offset)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise _Broken(f"the ZIP is damaged: {error}") from error


# --- compression ------------------------------------------------------------------------------------


class _Broken(Exception):
    """The bytes behind cannot be had.

    Args:
        begins: position among the unpacked bytes from which on nothing can be trusted.
        cut: they break off.
    """

    def __init__(self, reason: str, *, begins: int = 0, cut: bool = False) -> None:
        super().__init__(reason)
        self.begins = begins
        self.cut = cut
        self.records = 1  # that it costs


class _Codec:
    """Unpacked bytes. ``starts`` has for each gzip member where it begins: among the unpacked bytes, and in the file.

    This one is for files that are not packed.
    """

    packed = False

    def __init__(self, raw: _Raw) -> None:
        self._raw = raw
        self.starts: deque[tuple[int, int]] = deque()

    def read(self) -> bytes:
        """Some bytes; none: the end.

        Raises:
            _Broken: they cannot be had.
        """
        return self._raw.read(_PART)

    def find_next(self) -> bool:
        """After damage: go on with the next member that holds a record; False: there is none."""
        return False


class _Gzip(_Codec):
    """Gzip members one behind the other."""

    packed = True

    def __init__(self, raw: _Raw) -> None:
        super().__init__(raw)
        self._fed = b""
        self._at = 0  # of the first of ``_fed`` in the file
        self._machine: zlib._Decompress | None = None
        self._out = 0
        self._began = (0, 0)  # the member: among the unpacked bytes, in the file
        self._full = False  # the last step gave all that was asked for: there may be more without further input
        self._candidates = 0

    def read(self) -> bytes:
        while True:
            if self._machine is None and not self._begin():
                return b""
            machine = self._machine
            assert machine is not None
            if not self._fed and not self._full:
                self._fed = self._raw.read(_PART)
                if not self._fed:
                    raise _Broken("the file breaks off", begins=self._began[0], cut=True)
            before = len(self._fed)
            try:
                part = machine.decompress(self._fed, _PART)
            except zlib.error as error:
                raise _Broken(f"damaged gzip data ({error})", begins=self._began[0]) from error
            self._fed = machine.unused_data if machine.eof else machine.unconsumed_tail
            self._at += before - len(self._fed)
            self._full = len(part) == _PART
            self._out += len(part)
            out = self._out - self._began[0]
            if out > _UNSUSPECTED and out > LARGEST_RATIO * (self._at - self._began[1]):
                raise _Broken(f"unfolds to more than {LARGEST_RATIO} times its size", begins=self._began[0])
            if machine.eof:
                self._machine = None
            if part:
                return part

    def _begin(self) -> bool:
        """Begin a member; False: there is no further one."""
        while True:
            rest = self._fed.lstrip(b"\0")  # padding, as of tapes
            self._at += len(self._fed) - len(rest)
            self._fed = rest
            if len(rest) >= len(_GZIP):
                break
            more = self._raw.read(_PART)
            if not more and not rest:
                return False
            if not more:
                raise _Broken("the file breaks off", begins=self._out, cut=True)
            self._fed += more
        if not self._fed.startswith(_GZIP):
            raise _Broken("no gzip data where a member should begin", begins=self._out)
        self._start()
        return True

    def _start(self) -> None:
        self._began = (self._out, self._at)
        self.starts.append(self._began)
        self._machine = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._full = False

    def find_next(self) -> bool:
        self._at = max(self._began[1] + 1, self._at if self._machine is None else 0)
        self._raw.seek(self._at)
        self._machine, self._fed = None, b""
        while True:
            at = self._fed.find(_GZIP)
            if at < 0:
                keep = self._fed[-len(_GZIP) + 1 :]
                self._at += len(self._fed) - len(keep)
                more = self._raw.read(_PART)
                if not more:
                    return False
                self._fed = keep + more
                continue
            self._at += at
            self._fed = self._fed[at:]
            if len(self._fed) < 4096:
                self._fed += self._raw.read(_PART)
            self._candidates += 1
            if self._candidates > _MOST_CANDIDATES:
                return False
            try:
                begin = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(self._fed[:4096], 64)
            except zlib.error:
                begin = b""
            if begin.lstrip(b"\r\n").startswith(b"WARC/"):
                self._start()
                return True
            self._at += 1
            self._fed = self._fed[1:]


class _Zstandard(_Codec):
    """Zstandard frames, all with one dictionary where the first is one."""

    packed = True

    def __init__(self, raw: _Raw) -> None:
        super().__init__(raw)
        self._read = 0
        self._out = 0
        head = self._take(8)
        dictionary = None
        if head[:4] == _ZSTD_DICTIONARY:
            length = int.from_bytes(head[4:8], "little")
            if length > _LARGEST_DICTIONARY:
                raise _Broken("its Zstandard dictionary is too large")
            words = self._take(length)
            if words[:4] == _ZSTD:
                try:
                    words = zstandard.ZstdDecompressor().decompress(words, max_output_size=_LARGEST_DICTIONARY)
                except zstandard.ZstdError as error:
                    raise _Broken(f"damaged Zstandard dictionary ({error})") from error
            dictionary, head = zstandard.ZstdCompressionDict(words), b""
        machine = zstandard.ZstdDecompressor(dict_data=dictionary, max_window_size=2**27)
        self._unpacked = machine.stream_reader(cast("IO[bytes]", _Prefixed(head, self._take)), read_across_frames=True)

    def _take(self, size: int) -> bytes:
        data = self._raw.read(size)
        self._read += len(data)
        return data

    def read(self) -> bytes:
        try:
            part = self._unpacked.read(_PART)
        except zstandard.ZstdError as error:
            raise _Broken(f"damaged Zstandard data ({error})", begins=self._out) from error
        self._out += len(part)
        if self._out > _UNSUSPECTED and self._out > LARGEST_RATIO * self._read:
            raise _Broken(f"unfolds to more than {LARGEST_RATIO} times its size", begins=self._out)
        return part


class _Prefixed:
    """What was read already, then the rest."""

    def __init__(self, head: bytes, take: Callable[[int], bytes]) -> None:
        self._head = head
        self._take = take

    def read(self, size: int = -1) -> bytes:
        if self._head:
            head, self._head = self._head, b""
            return head
        return self._take(size if size > 0 else _PART)


# --- records ----------------------------------------------------------------------------------------


def _read_warc(raw: _Raw, member: str, largest: int) -> Iterator[Record | Trouble]:
    try:
        head = raw.read(4)
        raw.seek(0)
        codec: _Codec
        if head.startswith(_GZIP):
            codec = _Gzip(raw)
        elif head in (_ZSTD, _ZSTD_DICTIONARY):
            codec = _Zstandard(raw)
        else:
            codec = _Codec(raw)
    except _Broken as broken:
        yield Trouble(member=member, offset=0, unpacked=False, reason=str(broken), cut=broken.cut)
        return
    yield from _Parser(codec, member, largest).read()


class _Misfit(Exception):
    """A record that contradicts itself."""


class _Parser:
    """Records out of unpacked bytes. What is held begins with the record that is being read."""

    def __init__(self, codec: _Codec, member: str, largest: int) -> None:
        self._codec = codec
        self._member = member
        self._largest = largest
        self._held = bytearray()
        self._at = 0  # of the first byte held, among the unpacked
        self._later: _Broken | None = None
        self._searches = 0

    def read(self) -> Iterator[Record | Trouble]:
        while True:
            try:
                if self._later is not None:
                    raise self._later
                if not self._skip_blank():
                    return
                yield self._read_record()
            except _Broken as broken:
                self._at = max(self._at, broken.begins)
                self._later = None
                offset, unpacked = self._place()
                # What seems to break off may be a damaged member that takes those behind it for its own.
                more = self._find_member()
                yield Trouble(
                    member=self._member,
                    offset=offset,
                    unpacked=unpacked,
                    reason=str(broken),
                    cut=broken.cut and not more,
                    records=broken.records,
                )
                if not more:
                    return
            except _Misfit as misfit:
                yield self._tell(str(misfit))
                try:
                    if not self._find_record():
                        return
                except _Broken as broken:
                    broken.records = 0  # it is the same record
                    self._later = broken

    def _tell(self, reason: str) -> Trouble:
        offset, unpacked = self._place()
        return Trouble(member=self._member, offset=offset, unpacked=unpacked, reason=reason)

    def _place(self) -> tuple[int, bool]:
        """Where the bytes held begin, for people: the gzip member, or the byte."""
        starts = self._codec.starts
        while len(starts) > 1 and starts[1][0] <= self._at:
            starts.popleft()
        if starts and starts[0][0] == self._at:
            return starts[0][1], False
        return self._at, self._codec.packed

    def _fill(self) -> bool:
        if self._later is not None:
            raise self._later
        part = self._codec.read()
        self._held += part
        return bool(part)

    def _drop(self, size: int) -> None:
        del self._held[:size]
        self._at += size

    def _skip_blank(self) -> bool:
        """Pass over the empty lines between records; False: nothing follows."""
        while True:
            blank = len(self._held) - len(self._held.lstrip(b"\r\n"))
            self._drop(blank)
            if self._held:
                return True
            if not self._fill():
                return False

    def _read_record(self) -> Record:
        while len(self._held) < len(b"WARC/0.18\r\n") and self._fill():
            pass
        begin = _BEGIN.match(self._held)
        if begin is None:
            raise _Misfit("no WARC record where one should begin")
        while (end := _HEAD_END.search(self._held, begin.end() - 2)) is None:
            if len(self._held) > LARGEST_HEAD:
                raise _Misfit(f"a header of more than {LARGEST_HEAD} bytes")
            if not self._fill():
                raise _Broken("the file breaks off", cut=True)
        headers = _read_headers(bytes(self._held[begin.end() : end.start()]))
        told = headers.get("content-length", "")
        if not re.fullmatch(r"\d{1,15}", told):
            raise _Misfit(f"no usable Content-Length ({told[:20]!r})")
        offset, unpacked = self._place()
        length = int(told)
        block: bytes | None = None
        if length <= self._largest:
            stop = end.end() + length
            try:
                while len(self._held) < stop:
                    if not self._fill():
                        raise _Broken("the file breaks off", cut=True)
            except _Broken as broken:
                if self._begins_inside(end.end(), len(self._held)):
                    self._later = None if broken.cut else broken
                    raise _Misfit("its Content-Length is larger than the record") from broken
                raise
            self._check_inside(end.end(), stop)
            self._check_behind(stop)
            block = bytes(self._held[end.end() : stop])
            self._drop(stop)
        else:
            self._drop(end.end())
            self._pass_over(length)
        return Record(
            member=self._member, offset=offset, unpacked=unpacked, headers=headers, length=length, block=block
        )

    def _pass_over(self, left: int) -> None:
        while left > 0:
            if not self._held and not self._fill():
                raise _Broken("the file breaks off", cut=True)
            step = min(left, len(self._held))
            self._drop(step)
            left -= step
        self._check_behind(0)

    def _check_inside(self, begin: int, stop: int) -> None:
        """A record that has a gzip member of its own does not go on in the next one's record."""
        for start, _ in self._codec.starts:
            inside = start - self._at
            if begin <= inside < stop and self._held.startswith(b"WARC/", inside):
                raise _Misfit("its Content-Length is larger than the record")

    def _begins_inside(self, begin: int, stop: int) -> bool:
        """Whether another record begins in what a record that never ends would swallow."""
        found = _BEGIN.search(self._held, begin, stop)
        return found is not None

    def _check_behind(self, stop: int) -> None:
        """Whether a record ends where its Content-Length says: what follows begins one, or nothing follows.

        This also unpacks its gzip member to the end, where the checksum is.
        """
        at = stop
        try:
            while True:
                while at < len(self._held) and self._held[at] in b"\r\n":
                    at += 1
                if len(self._held) - at >= len(b"WARC/"):
                    break
                if at - stop > _PART:
                    raise _Misfit("nothing but empty lines behind it")
                if not self._fill():
                    break
        except _Broken as broken:
            # Damage of what follows; what breaks off behind a whole record has not touched it.
            if broken.begins < self._at + stop and not (broken.cut and at > stop):
                raise
            self._later = broken
            return
        starts = {start - self._at for start, _ in self._codec.starts}
        if at < len(self._held) and not self._held.startswith(b"WARC/", at) and at not in starts:
            raise _Misfit("its Content-Length does not fit")

    def _find_member(self) -> bool:
        """Go on behind damaged bytes."""
        self._searches += 1
        if self._searches > _MOST_SEARCHES:
            return False
        self._held.clear()
        self._codec.starts.clear()
        try:
            if not self._codec.find_next():
                return False
        except _Broken:
            return False
        self._at = self._codec.starts[0][0]
        return True

    def _find_record(self) -> bool:
        """Go on with the next record behind one that contradicts itself."""
        self._searches += 1
        if self._searches > _MOST_SEARCHES:
            return False
        self._drop(1)
        while True:
            starts = {start - self._at for start, _ in self._codec.starts}
            begins = [found.start() for found in _BEGIN.finditer(self._held)]
            for at in begins:
                if at in starts or (at > 0 and self._held[at - 1] == 0x0A):
                    self._drop(at)
                    return True
            self._drop(max(0, len(self._held) - 32))
            if not self._fill():
                return False


def _read_headers(block: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    last = ""
    for line in block.decode("utf-8", "replace").splitlines():
        if line[:1] in (" ", "\t") and last:
            headers[last] += " " + line.strip()
            continue
        name, colon, value = line.partition(":")
        if colon:
            last = name.strip().lower()
            value = value.strip()
            headers[last] = f"{headers[last]} {value}" if last in headers else value
    return headers
