"""Blank records: any gzip member can be replaced by one of its own length, and other readers read on behind it."""

from __future__ import annotations

import gzip
import io
import random
import zlib

import pytest
from fastwarc.warc import ArchiveIterator
from hypothesis import given
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator as OtherIterator

from pipeline.errors import ArchiveError
from pipeline.takedown.blank import SMALLEST, blank_member, pad_member, read_places, write_blanked

KINDS = ("response", "revisit", "request", "metadata", "conversion", "resource")
TYPES = {"response": "application/http; msgtype=response", "revisit": "application/http; msgtype=response",
         "request": "application/http; msgtype=request", "metadata": "application/warc-fields"}  # fmt: skip


def record(kind: str, number: int, block: bytes, more: dict[str, str]) -> bytes:
    headers = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:00000000-0000-0000-0000-{number:012}>",
        "WARC-Date": "2026-11-22T09:00:00.123456Z",
        "Content-Type": TYPES.get(kind, "text/html"),
        **more,
        "Content-Length": str(len(block)),
    }
    return (
        "WARC/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    ).encode() + block + b"\r\n\r\n"  # fmt: skip


URLS = st.text("abcdefghijklmnopqrstuvwxyz0123456789/-?=&", max_size=200).map(lambda path: f"https://x.example/{path}")
RECORDS = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.one_of(st.binary(max_size=400), st.text("secret ", max_size=3000).map(str.encode)),
        URLS,
        st.integers(0, 9),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip


@given(RECORDS)
def test_any_record_is_blanked_in_its_own_length_and_all_others_stay(records) -> None:
    members, blanked = [], []
    for number, (kind, block, url, level, chosen) in enumerate(records):
        more = {"WARC-Target-URI": url, "WARC-Payload-Digest": "sha256:" + "0" * 64}
        if kind in ("response", "revisit"):
            block = b"HTTP/1.1 200 OK\r\n\r\n" + block
        members.append(gzip.compress(record(kind, number, block, more), level, mtime=0))
        if chosen:
            blanked.append(number)
    source = io.BytesIO(b"".join(members))
    places = read_places(source)
    assert [place.length for place in places] == [len(member) for member in members]
    instead = {places[number].offset: blank_member(places[number], members[number]) for number in blanked}
    made = io.BytesIO()
    write_blanked(source, made, places, instead=instead)
    assert len(made.getvalue()) == len(source.getvalue())
    after = read_places(io.BytesIO(made.getvalue()))
    for number, (old, new) in enumerate(zip(places, after, strict=True)):
        kept = ("WARC-Type", "WARC-Record-ID", "WARC-Date", "WARC-Target-URI", "WARC-Payload-Digest")
        assert [new.header(name) for name in kept] == [old.header(name) for name in kept]
        assert (new.offset, new.length) == (old.offset, old.length)
        assert new.blank == (number in blanked) or records[number][1] == b""
        if number not in blanked:
            assert made.getvalue()[old.offset : old.offset + old.length] == members[number]
        else:
            body = gzip.decompress(made.getvalue()[old.offset : old.offset + old.length])
            assert b"secret" not in body.partition(b"\r\n\r\n")[2]
    others = [each.rec_headers.get_header("WARC-Record-ID") for each in OtherIterator(io.BytesIO(made.getvalue()))]
    assert others == [place.record_id for place in places]


@given(st.binary(max_size=200), st.integers(0, 300_000))
def test_a_member_of_any_length_can_be_made_once_its_content_fits(content: bytes, more: int) -> None:
    least = next(length for length in range(18, 400) if pad_member(content, length) is not None)
    made = pad_member(content, least + more)
    assert made is not None
    assert len(made) == least + more
    machine = zlib.decompressobj(31)
    assert machine.decompress(made) == content
    assert machine.eof
    assert not machine.unused_data


@pytest.mark.parametrize("room", [0, 1, 510, 511, 512, 513, 65_536, 65_537, 65_538, 65_539, 65_543, 3_000_000])
def test_every_way_of_padding_meets_the_next(room: int) -> None:
    least = next(length for length in range(18, 400) if pad_member(b"x", length) is not None)
    made = pad_member(b"x", least + room)
    assert made is not None
    assert (len(made), gzip.decompress(made)) == (least + room, b"x")


def test_a_record_too_short_for_any_header_leaves_line_breaks_that_readers_pass_over() -> None:
    shortest = gzip.compress(record("metadata", 1, b"", {}), 9, mtime=0)
    whole = gzip.compress(record("response", 2, b"HTTP/1.1 200 OK\r\n\r\nx", {}), mtime=0)
    [place, *_] = read_places(io.BytesIO(shortest + whole))
    tiny = pad_member(b"", SMALLEST)
    assert tiny is not None
    made = blank_member(place, tiny)
    assert (len(made), gzip.decompress(made)) == (SMALLEST, b"\r\n\r\n\r\n\r\n")
    ids = [each.headers["WARC-Record-ID"] for each in ArchiveIterator(io.BytesIO(made + whole), parse_http=False)]
    assert ids == ["<urn:uuid:00000000-0000-0000-0000-000000000002>"]
    with pytest.raises(ArchiveError, match="fewer than any"):
        blank_member(place, pad_member(b"", SMALLEST - 1) or b"")


def test_a_record_without_a_member_of_its_own_is_refused() -> None:
    two = gzip.compress(record("response", 1, b"x", {}) + record("response", 2, b"y", {}))
    [place, *_] = read_places(io.BytesIO(two))
    for wrong in (two + two, two[:-9], random.Random(1).randbytes(200)):
        with pytest.raises(ArchiveError):
            blank_member(place, wrong)
