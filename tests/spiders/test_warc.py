from __future__ import annotations

import gzip
import io
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType
from hypothesis import given
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator as WarcioIterator

from spiders.warc import (
    BodyTooLarge,
    BodyUndecodable,
    Captured,
    Exchange,
    Original,
    SegmentWriter,
    payload_digest,
    read_captures,
)

RUN = "20261122T093000Z-0a1b2c3d"
AT = datetime(2026, 11, 22, 9, 30, 1, 250000, tzinfo=UTC)
BODY = gzip.compress(b"<html><p>The council met.</p></html>", mtime=0)
HEAD = b"HTTP/1.1 200 Fine\r\nserver: x\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nContent-Encoding: gzip\r\n\r\n"
PAGE = Exchange(
    kind="page",
    url="https://a.uk/news/1",
    requested="https://a.uk/n/1",
    status=200,
    request_head=b"GET /news/1 HTTP/1.1\r\nHost: a.uk\r\nUser-Agent: Muniment/1\r\n\r\n",
    response_head=HEAD,
    payload=BODY,
    captured_at=AT,
    ip="192.0.2.7",
    via="https://a.uk/feed",
    lastmod="Sun, 22 Nov 2026 09:00:00 GMT",
    title="Zwölf\r\nmuniment-kind: robots\u2028and more",
)
ORIGINAL = Original(
    payload_digest=payload_digest(BODY),
    captured_at="2026-11-01T00:00:00Z",
    record_id="<urn:uuid:0f0e0d0c-0b0a-4908-8706-050403020100>",
)


def writer_in(folder: Path, **options: object) -> SegmentWriter:
    settings = {"max_bytes": 10**9, "max_seconds": 1e9, "first": 3, "info": {"software": "test"}, **options}
    return SegmentWriter(folder, run=RUN, **settings)  # type: ignore[arg-type]


def write(folder: Path, *exchanges: Exchange) -> Path:
    writer = writer_in(folder)
    for exchange in exchanges:
        writer.write_exchange(exchange)
    writer.seal()
    return folder / writer.sealed[0]


def captures(path: Path) -> list[Captured]:
    with path.open("rb") as stream:
        return list(read_captures(stream))


def records(path: Path) -> list[tuple[str, dict[str, str]]]:
    with path.open("rb") as stream:
        return [(r.rec_type, dict(r.rec_headers.headers)) for r in WarcioIterator(stream)]


def test_what_was_captured_is_read_back(tmp_path: Path) -> None:
    path = write(tmp_path, PAGE)
    assert path.name == f"{RUN}-00003.warc.gz"
    [page] = captures(path)
    assert (page.kind, page.url, page.requested, page.status) == ("page", PAGE.url, PAGE.requested, 200)
    assert page.headers == (
        ("server", "x"),
        ("Set-Cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("Content-Encoding", "gzip"),
    )
    assert page.header("SET-COOKIE") == "a=1"
    assert (page.record_type, page.payload, page.payload_digest) == ("response", BODY, payload_digest(BODY))
    assert page.body(1000) == b"<html><p>The council met.</p></html>"
    assert (page.captured_at, page.via, page.source_lastmod) == (AT, PAGE.via, PAGE.lastmod)
    assert page.source_title == "Zwölf muniment-kind: robots and more"


def test_offset_and_length_cut_out_one_whole_record(tmp_path: Path) -> None:
    path = write(tmp_path, PAGE, replace(PAGE, requested="https://a.uk/n/2"))
    data = path.read_bytes()
    for page in captures(path):
        member = data[page.offset : page.offset + page.length]
        records_read = 0
        for record in ArchiveIterator(io.BytesIO(member)):
            records_read += 1
            assert record.record_id == page.record_id
            assert record.reader.read() == BODY
        assert records_read == 1
        assert gzip.decompress(member).endswith(b"\r\n\r\n")


def test_each_record_is_one_gzip_member_with_digests_that_both_libraries_verify(tmp_path: Path) -> None:
    path = write(tmp_path, PAGE, replace(PAGE, payload=b"plain" * 999, response_head=b"HTTP/1.1 200 OK\r\n\r\n"))
    data = path.read_bytes()
    kinds = []
    with path.open("rb") as stream:
        for record in ArchiveIterator(stream, parse_http=False):
            assert data[record.stream_pos : record.stream_pos + 2] == b"\x1f\x8b"
            assert record.verify_block_digest()
            if record.record_type == WarcRecordType.response:
                record.parse_http()
                assert record.verify_payload_digest()
            kinds.append(str(record.record_type))
    assert kinds == ["warcinfo", *["response", "request", "metadata"] * 2]
    checked = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from warcio.cli import main; main(['check', '-v', *sys.argv[1:]])",
            str(path),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count("digest pass") == len(kinds)


def test_records_of_one_exchange_point_at_each_other(tmp_path: Path) -> None:
    (info, about), (response, head), (request, asked), (metadata, more) = records(write(tmp_path, PAGE))
    assert (info, response, request, metadata) == ("warcinfo", "response", "request", "metadata")
    assert about["WARC-Filename"] == f"{RUN}-00003.warc.gz"
    assert head["WARC-Warcinfo-ID"] == asked["WARC-Warcinfo-ID"] == about["WARC-Record-ID"]
    assert asked["WARC-Concurrent-To"] == more["WARC-Concurrent-To"] == head["WARC-Record-ID"]
    assert head["WARC-Date"] == asked["WARC-Date"] == "2026-11-22T09:30:01.250000Z"
    assert head["WARC-IP-Address"] == "192.0.2.7"


def test_the_heads_are_recorded_byte_for_byte(tmp_path: Path) -> None:
    path = write(tmp_path, PAGE)
    with path.open("rb") as stream:
        blocks = [record.reader.read() for record in ArchiveIterator(stream, parse_http=False)]
    assert blocks[1] == HEAD + BODY
    assert blocks[2] == PAGE.request_head


def test_a_304_becomes_a_revisit_that_names_what_it_refers_to(tmp_path: Path) -> None:
    head = b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'
    exchange = replace(
        PAGE, status=304, response_head=head, payload=b"", original=ORIGINAL, conditional=True, url=PAGE.requested
    )
    path = write(tmp_path, exchange)
    kind, headers = records(path)[1]
    assert kind == "revisit"
    assert headers["WARC-Profile"].endswith("/warc/1.1/revisit/server-not-modified")
    assert headers["WARC-Refers-To"] == ORIGINAL.record_id
    assert headers["WARC-Refers-To-Date"] == ORIGINAL.captured_at
    assert headers["WARC-Refers-To-Target-URI"] == PAGE.requested
    [page] = captures(path)
    assert (page.record_type, page.status, page.payload) == ("revisit", 304, b"")
    assert (page.header("etag"), page.payload_digest) == ('"x"', ORIGINAL.payload_digest)


def test_the_same_payload_again_becomes_a_revisit_without_it(tmp_path: Path) -> None:
    path = write(tmp_path, replace(PAGE, original=ORIGINAL))
    kind, headers = records(path)[1]
    assert kind == "revisit"
    assert headers["WARC-Profile"].endswith("/warc/1.1/revisit/identical-payload-digest")
    assert headers["WARC-Payload-Digest"] == payload_digest(BODY)
    [page] = captures(path)
    assert (page.record_type, page.status, page.payload) == ("revisit", 200, b"")


@pytest.mark.parametrize(
    "exchange",
    [
        replace(PAGE, original=replace(ORIGINAL, payload_digest="sha256:00")),
        replace(PAGE, original=replace(ORIGINAL, captured_at=None)),
        replace(PAGE, original=ORIGINAL, status=404),
        replace(PAGE, original=ORIGINAL, kind="redirect"),
        replace(PAGE, original=ORIGINAL, status=304, payload=b"", conditional=False),
    ],
)
def test_anything_else_is_recorded_in_full(tmp_path: Path, exchange: Exchange) -> None:
    assert captures(write(tmp_path, exchange))[0].record_type == "response"


def test_headers_agree_with_a_payload_whose_chunks_are_gone(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nA: 1\r\nTransfer-Encoding: chunked\r\nB: 2\r\n\r\n"
    [page] = captures(write(tmp_path, replace(PAGE, response_head=head, payload=b"x" * 30)))
    assert page.headers == (
        ("A", "1"),
        ("X-Crawler-Transfer-Encoding", "chunked"),
        ("B", "2"),
        ("Content-Length", "30"),
    )


def test_a_full_segment_is_sealed_and_no_exchange_is_split(tmp_path: Path) -> None:
    writer = writer_in(tmp_path, max_bytes=6000)
    for n in range(20):
        writer.write_exchange(replace(PAGE, requested=f"https://a.uk/n/{n}"))
    writer.seal()
    assert len(writer.sealed) > 3
    assert writer.sealed == [f"{RUN}-{n:05d}.warc.gz" for n in range(3, 3 + len(writer.sealed))]
    seen = []
    for name in writer.sealed:
        kinds = [kind for kind, _ in records(tmp_path / name)]
        assert kinds[0] == "warcinfo"
        assert kinds[1:] == ["response", "request", "metadata"] * (len(kinds) // 3)
        seen += [page.requested for page in captures(tmp_path / name)]
    assert seen == [f"https://a.uk/n/{n}" for n in range(20)]
    assert writer.written == 20


def test_an_old_segment_is_sealed_and_an_empty_one_is_never_made(tmp_path: Path) -> None:
    writer = writer_in(tmp_path, max_seconds=0)
    writer.rotate()
    writer.seal()
    assert not list(tmp_path.iterdir())
    writer.write_exchange(PAGE)
    assert writer.sealed == [f"{RUN}-00003.warc.gz"]
    assert [path.name for path in tmp_path.iterdir()] == writer.sealed


def test_an_open_segment_does_not_look_sealed(tmp_path: Path) -> None:
    writer = writer_in(tmp_path)
    writer.write_exchange(PAGE)
    names = [path.name for path in tmp_path.iterdir()]
    writer.seal()
    assert names == [f"{RUN}-00003.warc.gz.open"]
    assert [path.name for path in tmp_path.iterdir()] == [f"{RUN}-00003.warc.gz"]


@given(st.lists(st.binary(max_size=2000), max_size=5), st.text(max_size=50))
def test_any_payload_and_title_survive(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes], title: str
) -> None:
    folder = tmp_path_factory.mktemp("w")
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    path = write(folder, PAGE, *(replace(PAGE, payload=b, response_head=head, title=title) for b in bodies))
    assert [page.payload for page in captures(path)][1:] == bodies
    assert all("\n" not in (page.source_title or "") for page in captures(path))


def test_a_record_of_another_tool_is_read_as_a_page() -> None:
    record = WarcRecord()
    record.init_headers(WarcRecordType.response)
    record.headers["WARC-Target-URI"] = "https://b.uk/x"
    record.headers["Content-Type"] = "application/http; msgtype=response"
    record.set_bytes_content(b"HTTP/1.0 404 No\r\nA: b\r\n\r\ngone")
    buffer = io.BytesIO()
    record.write(buffer)
    buffer.seek(0)
    [page] = read_captures(buffer)
    assert (page.kind, page.url, page.requested, page.status) == ("page", "https://b.uk/x", "https://b.uk/x", 404)
    assert page.payload == b"gone"
    assert page.length == len(buffer.getvalue())


def test_a_body_has_its_limit(tmp_path: Path) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    [page, broken] = captures(write(tmp_path, replace(PAGE, payload=bomb), replace(PAGE, payload=BODY[:-9])))
    with pytest.raises(BodyTooLarge):
        page.body(1_000_000)
    with pytest.raises(BodyUndecodable):
        broken.body(1_000_000)


def test_a_drawn_page_has_its_dom_beside_its_response(tmp_path: Path) -> None:
    dom = "<html><p>Der Rat tagte, später als üblich.</p></html>".encode()
    drawn = replace(PAGE, rendered=dom, original=ORIGINAL)  # same payload as before: recorded whole all the same
    failed = replace(PAGE, url="https://a.uk/news/2", unrendered="time-out", original=ORIGINAL)
    withheld = replace(PAGE, url="https://a.uk/news/3", rendered=dom, withheld=True)
    path = write(tmp_path, drawn, failed, withheld, PAGE)
    with path.open("rb") as stream:
        captures = list(read_captures(stream))
    assert [(one.rendered, one.unrendered, one.record_type) for one in captures] == [
        (dom, None, "response"),
        (None, "time-out", "response"),
        (None, None, "response"),
        (None, None, "response"),
    ]
    assert [one.payload for one in captures[:2]] == [BODY, BODY]
    with path.open("rb") as stream:
        records = [(record.record_type, dict(record.headers)) for record in ArchiveIterator(stream, parse_http=False)]
    kinds = [kind for kind, _ in records]
    assert kinds[1:5] == [
        WarcRecordType.response,
        WarcRecordType.request,
        WarcRecordType.conversion,
        WarcRecordType.metadata,
    ]
    assert kinds.count(WarcRecordType.conversion) == 1
    headers = records[3][1]
    assert headers["WARC-Refers-To"] == captures[0].record_id == records[1][1]["WARC-Record-ID"]
    assert headers["WARC-Target-URI"] == PAGE.url
    assert headers["Content-Type"] == "text/html;charset=utf-8"
    assert headers["WARC-Payload-Digest"] == headers["WARC-Block-Digest"] == payload_digest(dom)
    checked = subprocess.run(
        [sys.executable, "-c", "from warcio.cli import main; main()", "check", str(path)],
        capture_output=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    # One capture can be read again from its offset and length alone, without what was drawn of the next.
    first = captures[0]
    data = path.read_bytes()
    assert b"Der Rat" not in gzip.decompress(data[first.offset : first.offset + first.length])


def test_a_header_of_any_length_is_read_back(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nno header at all\r\nETag: " + b"e" * 200_000 + b"\r\nX-Folded: a\r\n  b\r\n\r\n"
    page, after = captures(write(tmp_path, replace(PAGE, response_head=head, payload=b"x\r\n\r\ny"), PAGE))
    assert (page.header("etag"), page.header("x-folded")) == ("e" * 200_000, "a b")
    assert page.payload == b"x\r\n\r\ny"
    assert after.payload == BODY
