"""CDXJ indexes: keys, lines, the index of a run, reading many."""

from __future__ import annotations

import gzip
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import cdx
from pipeline.archive import Archive
from pipeline.cdx import (
    REVISIT,
    Line,
    find_captures,
    index_segment,
    indexed_runs,
    parse_line,
    read_index,
    read_lines,
    rebuild_index,
    repair_index,
    resolve_lines,
    sort_lines,
    surt_key,
    write_index,
)
from pipeline.errors import ArchiveError
from pipeline.evidence import read_record
from pipeline.journal import read_journal
from pipeline.settings import Settings
from spiders.warc import Exchange, SegmentWriter, payload_digest
from tests.pipeline.built_archive import SITE, STORIES, build_archive
from tests.pipeline.built_runs import a_run, url_of

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def a_line(url: str = "https://news.example/a", timestamp: str = "20261122090000", **more: object) -> Line:
    said: dict[str, object] = {
        "key": surt_key(url),
        "timestamp": timestamp,
        "url": url,
        "mime": "text/html",
        "status": "200",
        "digest": "sha256:00",
        "length": 100,
        "offset": 0,
        "filename": "warc/x.warc.gz",
        **more,
    }
    return Line(**said)  # type: ignore[arg-type]


def a_segment(folder: Path, *exchanges: Exchange) -> Path:
    writer = SegmentWriter(folder, run=a_run(0), first=0, info={}, max_bytes=1 << 30, max_seconds=3600)
    for exchange in exchanges:
        writer.write_exchange(exchange)
    writer.seal()
    return folder / writer.sealed[0]


def an_exchange(url: str, body: bytes = b"<p>words</p>", status: int = 200, **more: object) -> Exchange:
    said: dict[str, object] = {
        "kind": "page",
        "url": url,
        "requested": url,
        "status": status,
        "request_head": b"GET / HTTP/1.1\r\n\r\n",
        "response_head": b"HTTP/1.1 %d X\r\nContent-Type: Text/HTML; charset=utf-8\r\n\r\n" % status,
        "payload": body,
        "captured_at": AT,
        **more,
    }
    return Exchange(**said)  # type: ignore[arg-type]


# --- keys


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://www.news.example/a/B?z=1&a=2#x", "example,news)/a/b?a=2&z=1"),
        ("http://127.0.0.1:8080/x/", "1,0,0,127:8080)/x"),
        ("https://x.example:443/", "example,x)/"),
        ("https://x.example:80/", "example,x:80)/"),
        ("https://u:p@www2.x.example/a//b/../c%20d%2525?", "example,x)/a/c%20d%25"),
        ("https://münchen.example/ä?ü=ß", "example,xn--mnchen-3ya)/%c3%a4?%c3%bc=%c3%9f"),
        ("https://x.example", "example,x)/"),
        ("http://10.1/x", "1,0,0,10)/x"),
        ("http:////x.example/a", "example,x)/a"),
        ("http://https://x.example/a", "example,x)/a"),
        ("https://x.example/a?sid=0123456789abcdef0123456789ABCDEF&b=1", "example,x)/a?b=1"),
        ("urn:some:id", "urn:some:id"),
        ("https://x.example:port/", "https://x.example:port/"),
        ("", "-"),
    ],
)
def test_a_url_is_sorted_as_replay_programs_do(url: str, key: str) -> None:
    assert surt_key(url) == key


@given(st.text(max_size=60) | st.from_regex(r"https?://[a-zA-Z0-9.:@\[\]%-]{0,20}[/?#].{0,40}", fullmatch=True))
def test_any_text_has_a_key_of_one_word(url: str) -> None:
    key = surt_key(url)
    assert key
    assert len(key.split()) == 1


@given(
    st.from_regex(r"https?://(www\.)?[a-z]{1,8}\.example(/[a-zA-Z0-9.-]{0,6}){0,4}(\?[a-z=&]{0,8})?", fullmatch=True)
)
def test_http_and_https_and_letters_of_any_case_have_one_key(url: str) -> None:
    assert surt_key(url) == surt_key(url.replace("http://", "https://"))
    assert surt_key(url) == surt_key(url.upper().replace("HTTP", "http"))


# --- lines


@given(
    url=st.text(min_size=1, max_size=40),
    digest=st.sampled_from(["-", "sha256:ab", "sha1:ABC"]),
    numbers=st.tuples(st.integers(0, 2**40), st.integers(1, 2**40)),
    refers=st.none() | st.text(min_size=1, max_size=20),
)
def test_a_line_is_read_as_it_was_written(url: str, digest: str, numbers: tuple[int, int], refers: str | None) -> None:
    offset, length = numbers
    key = surt_key("https://x.example/")
    line = a_line(url, key=key, digest=digest, offset=offset, length=length, refers_to=refers)
    written = line.to_bytes()
    assert written.count(b"\n") == 1
    assert written.isascii()
    assert parse_line(written) == line


@pytest.mark.parametrize("line", [b"", b"a b\n", b"a 2026 {\n", b'a 2026 {"url": 1}\n', b"\xff\n"])
def test_what_is_no_line_is_named(line: bytes) -> None:
    with pytest.raises(ArchiveError, match="no line of a CDXJ index"):
        parse_line(line)


def test_a_line_leads_to_the_gzip_member_of_its_record(tmp_path: Path) -> None:
    path = a_segment(tmp_path, an_exchange("https://x.example/b"), an_exchange("https://x.example/a", b"other"))
    with path.open("rb") as stream:
        lines = [parse_line(line) for line in index_segment(stream, "warc/key.warc.gz")]
    assert [line.url for line in lines] == ["https://x.example/a", "https://x.example/b"]
    whole = path.read_bytes()
    for line, body in zip(lines, (b"other", b"<p>words</p>"), strict=True):
        record = gzip.decompress(whole[line.offset : line.offset + line.length])
        assert record.startswith(b"WARC/1.1\r\n")
        assert body in record
        assert (line.mime, line.status, line.digest) == ("text/html", "200", payload_digest(body))
        assert line.filename == "warc/key.warc.gz"


def test_what_is_kept_without_its_body_and_what_made_the_crawl_ask_again_is_left_out(tmp_path: Path) -> None:
    path = a_segment(
        tmp_path,
        an_exchange("https://x.example/busy", b"later", status=503, kind="attempt"),
        an_exchange("https://x.example/broken", b"half", truncated="disconnect", kind="attempt"),
        an_exchange("https://x.example/withheld", withheld=True),
        an_exchange("https://x.example/robots.txt", b"User-agent: *", kind="robots"),
        an_exchange("https://x.example/old", b"", status=301, kind="redirect"),
        an_exchange("https://x.example/gone", b"", status=404),
    )
    with path.open("rb") as stream:
        lines = [parse_line(line) for line in index_segment(stream, "k")]
    assert [(line.url.rpartition("/")[2], line.status) for line in lines] == [
        ("gone", "404"),
        ("old", "301"),
        ("robots.txt", "200"),
    ]


def test_a_record_without_a_digest_gets_one() -> None:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"x" * 100_000
    record = (
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:1>\r\nWARC-Date: 2020-01-02T03:04:05Z\r\n"
        b"WARC-Target-URI: http://x.example/\r\nContent-Type: application/http; msgtype=response\r\n"
        b"Content-Length: %d\r\n\r\n" % len(block)
    ) + block
    [line] = index_segment(io.BytesIO(gzip.compress(record + b"\r\n\r\n")), "k")
    assert parse_line(line).digest == payload_digest(b"x" * 100_000)
    assert parse_line(line).timestamp == "20200102030405"


# --- sorting


@given(st.lists(st.binary(max_size=6).map(lambda text: text.replace(b"\n", b"") + b"\n"), max_size=300))
def test_lines_that_do_not_fit_into_memory_are_sorted_all_the_same(lines: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cdx, "_SPILL", 200)
        patched.setattr(cdx, "_FAN_IN", 3)
        assert list(sort_lines(lines)) == sorted(set(lines))


# --- revisits


def test_an_unmodified_page_is_found_at_its_original_and_an_identical_one_at_itself() -> None:
    original = a_line(digest="sha256:1", offset=7)
    other = a_line(timestamp="20261122100000", digest="sha256:2", offset=8)
    unmodified = a_line(timestamp="20261122110000", digest="sha256:1", mime=REVISIT, status="304", offset=9)
    identical = a_line(timestamp="20261122120000", digest="sha256:2", mime=REVISIT, offset=10)
    elsewhere = a_line("https://news.example/b", digest="sha256:1", mime=REVISIT, status="304", offset=11)
    lines = [original, other, unmodified, identical, elsewhere]
    assert list(resolve_lines(lines)) == lines
    resolved = list(resolve_lines(lines, unmodified="original"))
    assert [line.offset for line in resolved] == [7, 8, 7, 10, 11]
    assert (resolved[2].timestamp, resolved[2].mime, resolved[2].status) == ("20261122110000", "text/html", "200")


# --- the archive


def test_publishing_leaves_an_index_that_the_journal_names_and_the_segments_give_again(settings: Settings) -> None:
    work = build_archive(settings)
    archive = work.archive
    runs = sorted(archive.runs(SITE.id))
    for entry, _ in read_journal(archive, SITE.id):
        assert entry.run is not None
        key = archive.index_key(SITE.id, entry.run)
        assert key in {recorded.key for recorded in entry.objects}
        standing = archive.store.get(key).body
        assert standing
        assert standing.splitlines() == sorted(standing.splitlines())
        assert b"".join(rebuild_index(archive, SITE.id, entry.run)) == standing
        assert not write_index(archive, SITE.id, entry.run)
        assert not repair_index(archive, SITE.id, entry.run)
    # A run of an earlier release has neither index nor parts: reading makes it, repair stores it.
    lines = list(read_lines(archive, SITE.id))
    standing = archive.store.get(archive.index_key(SITE.id, runs[0])).body
    archive.store.delete(archive.index_key(SITE.id, runs[0]))
    archive.store.delete(archive.index_part_key(SITE.id, runs[0], 0))
    assert [size is None for _, size in indexed_runs(archive, SITE.id)] == [True, False, False]
    assert list(read_lines(archive, SITE.id)) == lines
    assert repair_index(archive, SITE.id, runs[0])
    assert archive.store.get(archive.index_key(SITE.id, runs[0])).body == standing
    etag = archive.store.get(archive.index_key(SITE.id, runs[1])).etag
    archive.store.replace(archive.index_key(SITE.id, runs[1]), b"bent\n", etag=etag, content_type="text/plain")
    assert repair_index(archive, SITE.id, runs[1])
    assert list(read_lines(archive, SITE.id)) == lines
    # What the lines say is what the records are.
    found = list(read_index(archive, SITE.id))
    assert [line.to_bytes() for line in found] == lines
    pages = [line for line in found if line.url == url_of("bridge")]
    said = [(line.status, line.mime) for line in pages]
    assert said == [("200", "text/html"), ("200", "text/html"), ("304", REVISIT)]
    assert pages == find_captures(archive, SITE.id, url_of("bridge").upper().replace("HTTPS", "https"))
    assert pages[2].refers_to == url_of("bridge")
    assert pages[2].refers_to_date == pages[1].timestamp
    versions = [version for article in archive.articles(SITE.id) for version in archive.versions(SITE.id, article)]
    assert len(versions) >= len(STORIES) + 2
    places = {(line.filename, line.offset, line.length) for line in found}
    for version in versions:
        evidence = version.evidence
        assert (evidence.warc, evidence.offset, evidence.length) in places
        assert read_record(archive, evidence).captured_at - version.captured_at < timedelta(seconds=1)
    later = list(read_index(archive, SITE.id, since="20261122100000"))
    assert later == [line for line in found if line.timestamp >= "20261122100000"]
    assert 0 < len(later) < len(found)
    assert not list(read_index(archive, SITE.id, until="2026"))


def test_a_url_is_found_in_a_large_index_by_few_requests(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run(0)
    lines = sorted(
        a_line(f"https://x.example/{number:05d}", f"202611220900{copy:02d}").to_bytes()
        for number in range(0, 6000, 2)
        for copy in range(3)
    )
    archive.store.create(archive.index_key(SITE.id, run), b"".join(lines), content_type="text/plain")
    archive.store.create(archive.orders_key(SITE.id, run), b"{}", content_type="application/json")
    asked: list[int] = []
    get_range = archive.store.get_range

    def counted(key: str, offset: int, length: int) -> bytes:
        asked.append(length)
        return get_range(key, offset, length)

    monkeypatch.setattr(archive.store, "get_range", counted)
    for number in (0, 2, 2998, 3000, 5998):
        asked.clear()
        found = find_captures(archive, SITE.id, f"https://x.example/{number:05d}")
        assert [line.timestamp for line in found] == [f"202611220900{copy:02d}" for copy in range(3)]
        assert sum(asked) < len(b"".join(lines)) / 5
    for absent in ("https://x.example/00001", "https://a.example/", "https://z.example/", "https://x.example/6001"):
        assert find_captures(archive, SITE.id, absent) == []
