"""Reading what other programs wrote, whole and damaged."""

from __future__ import annotations

import contextlib
import gzip
import io
import random
import tempfile
import tracemalloc
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from spiders.foreign import Note, Record, Trouble, Unreadable, find_form, read_file

AT = datetime(2020, 3, 4, tzinfo=UTC)
BODIES = [f"<html>{number} {random.Random(number).randbytes(900).hex()}</html>".encode() for number in range(6)]


def a_record(number: int, *, length: int | None = None, ends: bytes = b"\r\n", version: str = "1.0") -> bytes:
    block = ends.join((b"HTTP/1.1 200 OK", b"Content-Type: text/html", b"", BODIES[number]))
    lines = (
        f"WARC/{version}",
        "WARC-Type: response",
        f"WARC-Target-URI: https://news.example/{number}",
        f"WARC-Record-ID: <urn:test:{number}>",
        f"Content-Length: {len(block) if length is None else length}",
    )
    return ends.join(line.encode() for line in lines) + ends * 2 + block + ends * 2


def packed(*records: bytes) -> bytes:
    return b"".join(gzip.compress(record, mtime=0) for record in records)


PLAIN = b"".join(map(a_record, range(6)))
PACKED = packed(*map(a_record, range(6)))


def read(body: bytes, *, largest: int = 1 << 20) -> list[Record | Trouble | Note]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(body)
        return list(read_file(path, largest=largest, spool=Path(folder)))


def ids(found: list[Record | Trouble | Note]) -> str:
    """The records' numbers; "!" where one could not be read, "|" where the file breaks off."""
    return "".join(
        each.headers["warc-record-id"][-2]
        if isinstance(each, Record)
        else "|"
        if isinstance(each, Trouble) and each.cut
        else "!"
        if isinstance(each, Trouble)
        else ""
        for each in found
    )


def a_zip(members: dict[str, bytes], *, deflate: bool = False) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return file.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        PLAIN,
        PACKED,
        gzip.compress(PLAIN),
        zstandard.compress(PLAIN),
        b"".join(zstandard.compress(a_record(number)) for number in range(6)),
        b"".join(a_record(number, ends=b"\n") for number in range(6)),
        b"\r\n\r\n" + PLAIN,
        b"".join(a_record(number, version="0.18") for number in range(6)),
        PACKED + b"\0" * 512,
        a_zip({"archive/data.warc.gz": PACKED, "pages/pages.jsonl": b"{}", "../../etc/passwd": b"x"}),
        a_zip({"archive/data.warc": PLAIN}, deflate=True),
        a_zip({"../../../tmp/x.wacz": a_zip({"archive/a.warc.gz": PACKED})}, deflate=True),
        a_zip({f"archive/{number}.warc.gz": packed(a_record(number)) for number in range(6)}),
    ],
    ids=["plain", "members", "stream", "zstd", "zstd-frames", "lf", "blank", "0.18", "padded", *["wacz"] * 4],
)
def test_every_packing_gives_all_records(body: bytes) -> None:
    found = read(body)
    assert ids(found) == "012345"
    blocks = [each.block for each in found if isinstance(each, Record)]
    assert [block and block.endswith(BODIES[number]) for number, block in enumerate(blocks)] == [True] * 6


def test_zstandard_with_a_dictionary_in_front_is_read() -> None:
    words = zstandard.train_dictionary(4096, [a_record(number % 6) for number in range(60)])
    machine = zstandard.ZstdCompressor(dict_data=words)
    dictionary = words.as_bytes()
    frames = b"".join(machine.compress(a_record(number)) for number in range(6))
    assert ids(read(b"\x5d\x2a\x4d\x18" + len(dictionary).to_bytes(4, "little") + dictionary + frames)) == "012345"


def test_offsets_are_those_of_members_or_of_bytes() -> None:
    members = [each for each in read(PACKED) if isinstance(each, Record)]
    assert gzip.GzipFile(fileobj=io.BytesIO(PACKED[members[3].offset :])).read(20).startswith(b"WARC/1.0")
    plain = [each for each in read(PLAIN) if isinstance(each, Record)]
    assert PLAIN[plain[3].offset :].startswith(a_record(3))
    stream = [each for each in read(gzip.compress(PLAIN)) if isinstance(each, Record)]
    assert [(each.offset, each.unpacked) for each in stream[1:]] == [(each.offset, True) for each in plain[1:]]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (PACKED[:-20], "01234|"),
        (PACKED[: len(PACKED) // 2], "012|"),
        (PLAIN[:-500], "01234|"),
        (gzip.compress(PLAIN)[:-300], "01234|"),
        (PLAIN.replace(b"Content-Length: 18", b"Content-Length: 17", 1), "!12345"),
        (PLAIN.replace(b"Content-Length: 18", b"Content-Length: 19", 1), "!12345"),
        (PLAIN.replace(b"Content-Length: 1", b"Content-Length: a", 1), "!12345"),
        (packed(a_record(0), a_record(1, length=5000), a_record(2)), "0!2"),
        (packed(a_record(0), a_record(1, length=50), a_record(2)), "0!2"),
        (a_record(0) + a_record(1, length=500_000) + a_record(2), "0!2"),
        (packed(a_record(0), b"WARC/1.0\r\nX: " + b"y" * 600_000, a_record(2)), "0!2"),
        (packed(a_record(0), b"<html>no record", a_record(2)), "0!2"),
        (packed(a_record(0)) + b"rubbish between" * 9 + packed(a_record(2)), "0!2"),
        (b"".join(map(a_record, (0, 1))) + b"rubbish\n" + a_record(3), "0!3"),
        (a_zip({"archive/data.warc.gz": PACKED[:-20]}), "01234|"),
    ],
)
def test_damage_costs_one_record(body: bytes, told: str) -> None:
    assert ids(read(body)) == told


@given(at=st.integers(30, len(PACKED) - 1), flip=st.integers(1, 255))
@hypothesis_settings(max_examples=150, deadline=None)
def test_a_changed_byte_costs_at_most_the_records_that_it_touches(at: int, flip: int) -> None:
    damaged = bytearray(PACKED)
    damaged[at] ^= flip
    found = read(bytes(damaged))
    whole = {each.headers["warc-record-id"]: each.block for each in found if isinstance(each, Record)}
    right = {each.headers["warc-record-id"]: each.block for each in read(PACKED) if isinstance(each, Record)}
    assert len(right.items() - whole.items()) <= 1
    assert whole.items() <= right.items()


@given(st.binary(max_size=3000))
@hypothesis_settings(max_examples=100, deadline=None)
def test_no_bytes_make_it_fail_otherwise(rubbish: bytes) -> None:
    for body in (b"WARC/1.0\r\n" + rubbish, b"\x1f\x8b\x08" + rubbish, b"\x28\xb5\x2f\xfd" + rubbish, PACKED + rubbish):
        read(body)
    with contextlib.suppress(Unreadable):
        read(b"PK\x03\x04" + rubbish)


def test_what_unfolds_like_a_bomb_is_left_and_memory_stays_bounded() -> None:
    head = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:test:x>\r\nContent-Length: 300000000\r\n\r\n"
    bomb = gzip.compress(head + b"0" * 300_000_000, 9)
    tracemalloc.start()
    found = read(packed(a_record(0)) + bomb + packed(a_record(2)))
    largest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert ids(found) == "0!2"
    assert largest < 20_000_000
    [trouble] = [each for each in found if isinstance(each, Trouble)]
    assert "unfolds to more than 250 times" in trouble.reason


def test_a_record_larger_than_wanted_is_given_without_its_bytes() -> None:
    found = read(PACKED, largest=100)
    assert ids(found) == "012345"
    assert all(each.block is None and each.length > 100 for each in found if isinstance(each, Record))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "it is empty"),
        (b"<html>", "begins like neither"),
        (b"filedesc://a.arc 0.0.0.0 20200101 text/plain 7", "ARC file"),
        (b"PK\x03\x04" + b"x" * 100, "directory cannot be read"),
        (a_zip({"data.txt": b"x"}), "without a WARC"),
    ],
)
def test_other_files_are_refused_in_words(body: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(body)


def test_a_zip_that_promises_more_than_it_has_is_refused() -> None:
    body = bytearray(a_zip({"archive/data.warc": PLAIN}))
    at = body.index(b"PK\x01\x02")
    body[at + 20 : at + 24] = (1 << 30).to_bytes(4, "little")
    with pytest.raises(Unreadable, match="more bytes than the file has"):
        read(bytes(body))


def test_the_software_of_a_wacz_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.wacz"
    path.write_bytes(a_zip({"archive/a.warc.gz": PACKED, "datapackage.json": b'{"software": "Browsertrix 1"}'}))
    assert find_form(path) == "WACZ"
    assert next(iter(read_file(path, largest=1 << 20, spool=tmp_path))) == Note(software="Browsertrix 1")
    [*_, last] = read_file(path, largest=1 << 20, spool=tmp_path)
    assert isinstance(last, Record)
    assert last.member == "archive/a.warc.gz"
