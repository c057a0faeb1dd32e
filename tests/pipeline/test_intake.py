"""Imports of files that other programs wrote, into a real archive."""

from __future__ import annotations

import dataclasses
import gzip
import io
import os
import shutil
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastwarc.warc import ArchiveIterator
from warcio.archiveiterator import ArchiveIterator as WarcioIterator
from warcio.checker import Checker

from pipeline import steps
from pipeline.archive import Archive
from pipeline.errors import SettingsError
from pipeline.evidence import read_capture
from pipeline.frontier import Frontier
from pipeline.lifecycle import current_version
from pipeline.model import Change, State, Version, article_id
from pipeline.settings import Settings
from pipeline.status import read_status
from pipeline.steps import Imported, Workplace, find_regular_run, run_import
from spiders.site import load_site
from spiders.warc import part_message
from tests.loopback import LoopbackSite
from tests.pipeline.built_archive import STORIES, lend_extractor, page, publish_pages
from tests.pipeline.built_runs import HOME, HOUR, START, a_run, a_site, all_versions, contents, url_of
from tests.pipeline.foreign_files import (
    Writer,
    chunk,
    old_page,
    put,
    stamp,
    write_browsertrix,
    write_common_crawl,
    write_heritrix,
    write_pages,
)
from tests.pipeline.importers import Importer
from tests.pipeline.loop_news import write_site

THEN = datetime(2020, 3, 4, 5, 6, 7, tzinfo=UTC)
DAY = timedelta(days=1)
PAGES = {name: page(name) for name in STORIES}
SITE = a_site()


@pytest.fixture
def work(settings: Settings, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.setattr(steps, "_read_pages", lend_extractor)
    settings = settings.model_copy(update={"processes": 1})
    return Workplace(settings=settings, sites={SITE.id: SITE}, archive=archive)


def versions_of(work: Workplace, name: str) -> list[Version]:
    return work.archive.versions(SITE.id, article_id(url_of(name)))


def states(imported: Imported) -> list[str]:
    return [run.state for site in imported.sites for run in site.runs]


def left_out(imported: Imported) -> dict[str, int]:
    return {reason: count for site in imported.sites for reason, count in site.skipped.items()}


# --- the shapes of other programs -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("write", "body_of", "software"),
    [
        (write_heritrix, chunk, "Heritrix/3.4.0 http://crawler.archive.org"),
        (write_common_crawl, bytes, "StormCrawler 2.11"),
        (write_browsertrix, None, "Browsertrix-Crawler 1.6.1 (with warcio.js 2.4.3)"),
    ],
    ids=["heritrix", "common-crawl", "browsertrix"],
)
def test_a_file_of_another_program_becomes_versions_of_its_own_moments(
    work: Workplace, tmp_path: Path, write: object, body_of: object, software: str
) -> None:
    path = put(tmp_path, "other.warc.gz", write(THEN, PAGES))  # type: ignore[operator]
    imported = run_import(work, [path])
    assert states(imported) == ["published"]
    standing = contents(work.archive)

    versions = all_versions(work.archive, SITE)
    assert sorted(version.title for version in versions) == sorted(title for title, _ in STORIES.values())
    for version in versions:
        assert (version.captured_at, version.change, version.policy["unknown"]) == (
            THEN,
            Change.NEW,
            "robots.txt, tdmrep.json, ai.txt",
        )
        assert version.origin is not None
        assert version.origin.software == software
        assert version.origin.record_id == version.evidence.record_id
        capture = read_capture(work.archive, version)
        name = version.url.rsplit("/", maxsplit=1)[-1]
        assert capture.body(1 << 20) == PAGES[name]
        if body_of is not None:
            assert capture.payload == body_of(PAGES[name])  # type: ignore[operator]

    check_by_two_libraries(work.archive, tmp_path, warcio=body_of is not None)

    again = run_import(work, [put(tmp_path, "of another name.warc.gz", Path(path).read_bytes())])
    assert states(again) == ["published before"]
    assert contents(work.archive) == standing


def check_by_two_libraries(archive: Archive, folder: Path, *, warcio: bool) -> None:
    """Whether two libraries find every digest of a run's segment right. (warcio 1.8 reads no body of this brotli.)"""
    [run] = archive.runs(SITE.id)
    [key] = archive.segments(SITE.id, run)
    path = folder / "segment.warc.gz"
    archive.download_segment(key, path)
    if warcio:
        checker = Checker(SimpleNamespace(inputs=[str(path)], verbose=False))
        checker.process_all()
        assert checker.exit_value == 0
    kinds = set()
    with path.open("rb") as stream:
        for record in ArchiveIterator(stream, parse_http=False):
            kinds.add(record.headers["WARC-Type"])
            assert record.verify_block_digest()
            if record.headers["WARC-Type"] == "response":
                record.parse_http()
                assert record.verify_payload_digest()
    assert kinds == {"warcinfo", "response", "request", "metadata"}


def test_records_are_taken_byte_for_byte_and_say_where_they_were(work: Workplace, tmp_path: Path) -> None:
    body = write_heritrix(THEN, {"bridge": PAGES["bridge"]})
    run_import(work, [put(tmp_path, "crawl.warc.gz", body)])
    [version] = versions_of(work, "bridge")
    theirs = next(
        record
        for record in WarcioIterator(io.BytesIO(body), no_record_parse=True)
        if record.rec_headers.get_header("WARC-Record-ID") == version.evidence.record_id
    )
    block = theirs.content_stream().read()
    ours = next(iter(WarcioIterator(io.BytesIO(work.archive.read_record(version.evidence)), no_record_parse=True)))
    assert ours.content_stream().read() == block
    assert part_message(block)[0] == 200
    origin = version.origin
    assert origin is not None
    assert origin.payload_digest == theirs.rec_headers.get_header("WARC-Payload-Digest")
    assert origin.block_digest == theirs.rec_headers.get_header("WARC-Block-Digest")
    found = gzip.GzipFile(fileobj=io.BytesIO(body[origin.offset :])).read(4000)
    assert version.evidence.record_id.encode() in found


# --- several captures of a page ---------------------------------------------------------------------


def test_each_state_of_a_page_becomes_a_version_in_its_order(work: Workplace, tmp_path: Path) -> None:
    later = old_page("bridge", "The council has since found the money, and work begins on Monday.")
    files = [
        put(tmp_path, "c", write_pages(THEN + 9 * DAY, {"bridge": later, "pool": PAGES["pool"]})),
        put(tmp_path, "a", write_pages(THEN, {"bridge": old_page("bridge")})),
        put(tmp_path, "b", write_pages(THEN + 5 * DAY, {"bridge": PAGES["bridge"]})),
    ]
    imported = run_import(work, files)
    assert states(imported) == ["published"] * 3
    versions = versions_of(work, "bridge")
    assert [version.captured_at for version in versions] == [THEN, THEN + 5 * DAY, THEN + 9 * DAY]
    assert [version.change for version in versions] == [Change.NEW, Change.EDITED, Change.EDITED]
    standing = contents(work.archive)
    assert states(run_import(work, [*reversed(files)])) == ["published before"] * 3
    # one by one they are other runs, which find all of it there
    assert {state for file in files for state in states(run_import(work, [file]))} == {"nothing new"}
    assert contents(work.archive) == standing


def test_revisits_get_the_payload_that_they_repeat(work: Workplace, tmp_path: Path) -> None:
    first = write_heritrix(THEN, {"bridge": PAGES["bridge"], "pool": PAGES["pool"]})
    second = write_heritrix(
        THEN + DAY, {"bridge": PAGES["bridge"]}, seen={"bridge": (stamp(THEN), chunk(PAGES["bridge"]))}
    )
    imported = run_import(work, [put(tmp_path, "2", second), put(tmp_path, "1", first)])
    assert [run.outcomes for site in imported.sites for run in site.runs] == [{"archived": 2}, {"unchanged": 1}]
    [finding] = work.archive.read_findings(SITE.id, imported.sites[0].runs[1].run)
    assert (finding.kind, finding.evidence.record_type) == ("unchanged", "revisit")


def test_a_revisit_of_another_page_becomes_a_page_of_its_own(work: Workplace, tmp_path: Path) -> None:
    html = PAGES["bridge"].replace(b'<link rel="canonical" href="https://news.example/news/bridge">', b"")
    file = put(tmp_path, "a.wacz", write_browsertrix(THEN, {"bridge": html}, again={"span": "bridge"}))
    run_import(work, [file])
    [version] = versions_of(work, "span")
    assert version.text
    assert version.origin is not None
    assert version.origin.record_type == "revisit"
    assert "the payload is that of the record which it repeats" in (version.origin.note or "")
    assert read_capture(work.archive, version).body(1 << 20) == html


def test_a_revisit_of_what_was_imported_before_is_resolved_by_the_archive(work: Workplace, tmp_path: Path) -> None:
    seen = {"bridge": (stamp(THEN), chunk(PAGES["bridge"]))}
    revisit = put(tmp_path, "2", write_heritrix(THEN + DAY, {"bridge": PAGES["bridge"]}, seen=seen))
    alone = run_import(work, [revisit])
    assert left_out(alone)["a revisit of a record that is neither in the files nor in the archive"] == 1
    run_import(work, [put(tmp_path, "1", write_heritrix(THEN, {"bridge": PAGES["bridge"]}))])
    with_archive = run_import(work, [revisit])
    assert [run.outcomes for run in with_archive.sites[0].runs] == [{"unchanged": 1}]


def test_redirects_become_hops_of_the_page_that_they_led_to(work: Workplace, tmp_path: Path) -> None:
    file = Writer()
    for at, source, target in ((0, "span", "crossing"), (1, "crossing", "bridge"), (2, "lost", "nowhere")):
        file.write(
            "response",
            url_of(source),
            THEN + timedelta(seconds=at),
            status="301 Moved Permanently",
            http=(("Location", f"/news/{target}"),),
        )
    file.write("response", url_of("bridge"), THEN + timedelta(seconds=3), body=PAGES["bridge"])
    file.write(
        "response",
        url_of("pool").replace("https:", "http:"),
        THEN,
        status="301 X",
        http=(("Location", url_of("pool")),),
    )
    file.write("response", url_of("pool"), THEN, body=PAGES["pool"])
    imported = run_import(work, [put(tmp_path, "a", file.bytes())])
    [version] = versions_of(work, "bridge")
    assert version.requested_url == url_of("span")
    assert version.hops == ((301, url_of("crossing")), (301, url_of("bridge")))
    [pool] = versions_of(work, "pool")
    assert (pool.requested_url, pool.hops) == (url_of("pool"), ())
    assert left_out(imported) == {"a redirect whose target is not in the files as an article page": 1}


@pytest.mark.parametrize("pattern", [SITE.article, SITE.article.replace("https", "https?")])
def test_a_page_of_the_time_before_https_is_the_article_of_today(work: Workplace, tmp_path: Path, pattern: str) -> None:
    """Such pages seldom say in their mark-up what they are, and where they say an address it is http, too."""
    work = dataclasses.replace(work, sites={SITE.id: a_site(article=pattern)})
    file = Writer()
    for name in STORIES:
        url = url_of(name).replace("https:", "http:")
        body = old_page(name).replace(b'<meta property="og:type" content="article">', b"")
        body = body.replace(b'rel="canonical"', b'rel="x"') if "?" in pattern else body.replace(b"https:", b"http:")
        file.write("response", url.replace("news.example", "news.example:80"), THEN, body=body)
    imported = run_import(work, [put(tmp_path, "a", file.bytes())])
    [run] = imported.sites[0].runs
    assert run.outcomes == {"archived": len(STORIES)}
    for name in STORIES:
        [version] = versions_of(work, name)
        assert (version.change, version.captured_at) == (Change.NEW, THEN)
        assert version.requested_url == version.url == url_of(name)

    publish_pages(work, SITE, a_run(0), START, PAGES)
    assert [version.change for version in versions_of(work, "bridge")] == [Change.NEW, Change.EDITED]


# --- beside what the archive has --------------------------------------------------------------------


def test_an_older_capture_becomes_a_version_behind_and_nothing_else_changes(work: Workplace, tmp_path: Path) -> None:
    now = publish_pages(work, SITE, a_run(0), START, PAGES)
    with Frontier.open(work.archive, SITE) as frontier:
        before = {known.url: known for known in frontier.known(START + HOUR, SITE)}
    edited = {"bridge": old_page("bridge"), "pool": PAGES["pool"]}
    file = Writer()
    for name, html in edited.items():
        file.write("response", url_of(name), THEN, body=html)
    for at in range(4):
        file.write("response", url_of("market"), THEN + at * DAY, body=b"gone", status="404 Not Found")
    imported = run_import(work, [put(tmp_path, "a", file.bytes())])
    assert states(imported) == ["published"] * 4

    first, second = versions_of(work, "bridge")
    assert (second.n, second.change, second.captured_at, second.edit) == (2, Change.NEW, THEN, None)
    assert current_version([first, second]) is first
    assert len(versions_of(work, "pool")) == 1  # the same text needs no version
    assert [version.state for version in versions_of(work, "market")] == [State.LIVE]
    with Frontier.open(work.archive, SITE) as frontier:
        after = {known.url: known for known in frontier.known(START + HOUR, SITE)}
    facts = ("etag", "payload_digest", "captured_at", "record_id", "looked_at", "fetched_at", "live")
    assert {url: [getattr(known, fact) for fact in facts] for url, known in before.items()} == {
        url: [getattr(known, fact) for fact in facts] for url, known in after.items()
    }
    [line] = read_status(work.archive, [SITE], START + HOUR)
    assert line.last_run == now
    assert [report.run for report in work.archive.accepted_reports(SITE.id, before=a_run(9), most=9)] == [now]


def test_an_import_of_today_is_no_regular_run_of_the_site(work: Workplace, tmp_path: Path) -> None:
    regular = publish_pages(work, SITE, a_run(0), START, {"pool": PAGES["pool"]})
    run_import(work, [put(tmp_path, "a", write_pages(START + HOUR, {"bridge": PAGES["bridge"]}))])
    assert max(work.archive.runs(SITE.id)) > regular
    assert read_status(work.archive, [SITE], START + 2 * HOUR)[0].last_run == regular
    assert find_regular_run(work, SITE, START + 2 * HOUR) is None


def test_captures_that_a_run_has_already_are_not_doubled(work: Workplace, tmp_path: Path) -> None:
    publish_pages(work, SITE, a_run(0), START, PAGES)
    [key] = work.archive.segments(SITE.id, a_run(0))
    path = tmp_path / "our own.warc.gz"
    work.archive.download_segment(key, path)
    standing = contents(work.archive)
    imported = run_import(work, [str(path)])
    assert states(imported) == ["nothing new"]
    assert contents(work.archive) == standing

    more = Writer()
    more.write("response", url_of("new"), START, body=page("new", title="New", paragraphs=STORIES["pool"][1]))
    path.write_bytes(path.read_bytes() + more.bytes())
    imported = run_import(work, [str(path)])
    [run] = imported.sites[0].runs
    assert (run.captures, run.outcomes) == (5, {"archived": 1})
    orders = work.archive.read_orders(SITE.id, run.run)
    assert orders is not None
    assert (orders.mode, orders.beside) == ("import", (a_run(0),))


def test_an_archive_without_the_imports_table_and_frontier_can_be_rebuilt(work: Workplace, tmp_path: Path) -> None:
    run_import(work, [put(tmp_path, "a", write_heritrix(THEN, PAGES))])
    with Frontier.open(work.archive, SITE) as frontier:
        rows = frontier.rows()
    work.archive.store.delete(work.archive.frontier_key(SITE.id))
    with Frontier.open(work.archive, SITE) as frontier:
        assert frontier.rows() == rows


# --- what is left out -------------------------------------------------------------------------------


def large_record(url: str, size: int) -> bytes:
    block = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * size
    head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Date: {stamp(THEN)}\r\nWARC-Target-URI: <{url}>\r\n"
    return gzip.compress(f"{head}Content-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n")


def test_what_says_nothing_of_an_article_is_left_out_and_counted(work: Workplace, tmp_path: Path) -> None:
    file = Writer()
    html = PAGES["bridge"]
    file.write("response", url_of("bridge"), THEN, body=html)
    file.write("response", url_of("bridge"), THEN, body=html)
    file.write("response", HOME + "/about", THEN, body=html)
    file.write("response", url_of("a"), THEN, body=html, status="403 Forbidden")
    file.write("response", url_of("b"), THEN, body=html, http=(("Content-Type", "image/png"),))
    file.write("response", url_of("c"), THEN, body=html, WARC_Truncated="length")
    file.write("response", url_of("d"), THEN, body=html, WARC_Block_Digest="sha1:" + "A" * 32)
    file.write("response", url_of("e"), THEN + 10_000 * DAY, body=html)
    file.write("response", url_of("f"), body=html, WARC_Date="yesterday")
    file.file.write(large_record(url_of("g"), SITE.crawl.max_bytes + 1))
    posted = file.write("response", url_of("h"), THEN, body=html)
    file._writer.write_record(
        file._writer.create_warc_record(
            url_of("h"),
            "request",
            payload=io.BytesIO(b"POST /news/h HTTP/1.1\r\n\r\na=b"),
            length=28,
            warc_headers_dict={"WARC-Concurrent-To": posted, "Content-Type": "application/http; msgtype=request"},
        )
    )
    file.write("response", "ftp://news.example/x", THEN, body=html)
    file.write("conversion", url_of("bridge"), THEN, body=b"text")
    imported = run_import(work, [put(tmp_path, "a", file.bytes())])
    assert left_out(imported) == {
        "the same capture twice": 1,
        "off-pattern": 1,
        "answered 403": 1,
        "not a page by its Content-Type": 1,
        "cut short (length)": 1,
        "its bytes do not have its digest": 1,
        "a WARC-Date that cannot be": 1,
        "no usable WARC-Date": 1,
        "larger than the site allows": 1,
        "method POST": 1,
    }
    assert imported.elsewhere == {"not an http address": 1, "conversion record": 1}
    assert [run.outcomes for run in imported.sites[0].runs] == [{"archived": 1}]
    summary = work.archive.read_summary(SITE.id, imported.sites[0].runs[0].run)
    assert summary is not None
    assert summary.balances()
    assert summary.reasons == left_out(imported)
    assert summary.examples["off-pattern"] == [HOME + "/about"]


def test_noarchive_is_obeyed_as_in_a_crawl(work: Workplace, tmp_path: Path) -> None:
    file = Writer()
    file.write(
        "response",
        url_of("bridge"),
        THEN,
        body=PAGES["bridge"],
        http=(("Content-Type", "text/html"), ("X-Robots-Tag", "noarchive")),
    )
    marked = PAGES["pool"].replace(b"<head>", b'<head><meta name="robots" content="noarchive">')
    file.write("response", url_of("pool"), THEN, body=chunk(marked), http=(("Transfer-Encoding", "chunked"),))
    file.write("response", url_of("market"), THEN, body=PAGES["market"])
    imported = run_import(work, [put(tmp_path, "a", file.bytes())])
    [run] = imported.sites[0].runs
    assert run.outcomes == {"archived": 1, "excluded": 2}
    [key] = work.archive.segments(SITE.id, run.run)
    path = tmp_path / "segment"
    work.archive.download_segment(key, path)
    assert b"boiler" not in gzip.decompress(path.read_bytes())


def test_a_damaged_record_costs_that_record_and_a_cut_file_gives_what_is_whole(work: Workplace, tmp_path: Path) -> None:
    body = bytearray(write_pages(THEN, PAGES))
    at = body.index(b"\x1f\x8b\x08", body.index(b"\x1f\x8b\x08", 10) + 10)
    body[at + 200] ^= 0xFF
    imported = run_import(work, [put(tmp_path, "a.warc.gz", bytes(body[:-30]))], dry_run=True)
    [told] = imported.inputs
    assert (told.damaged, told.cut, len(told.problems)) == (2, True, 2)
    assert [run.captures for run in imported.sites[0].runs] == [2]
    assert f"at {at}: damaged gzip data" in told.problems[0]


def test_what_is_no_warc_is_refused_by_name(work: Workplace, tmp_path: Path) -> None:
    for body in (b"", b"<html>", b"PK\x03\x04 and no directory", b"filedesc://x 0.0.0.0"):
        with pytest.raises(SettingsError, match=r"strange\.warc cannot be imported"):
            run_import(work, [put(tmp_path, "strange.warc", body)])
    with pytest.raises(SettingsError, match="cannot be imported"):
        run_import(work, [str(tmp_path / "not there")])


def test_a_dry_run_writes_nothing(work: Workplace, tmp_path: Path) -> None:
    standing = [entry.key for entry in work.archive.store.list("")]
    imported = run_import(work, [put(tmp_path, "a", write_pages(THEN, PAGES))], dry_run=True)
    assert states(imported) == ["planned"]
    assert [entry.key for entry in work.archive.store.list("")] == standing


def test_a_rejected_import_can_be_given_again_with_a_corrected_site_file(work: Workplace, tmp_path: Path) -> None:
    walls = {f"wall{n}": b"<html><body><p>Please accept our cookies to go on.</p></body></html>" for n in range(12)}
    file = put(tmp_path, "a", write_pages(THEN, {**walls, "bridge": PAGES["bridge"]}))
    imported = run_import(work, [file])
    assert [run.state for run in imported.rejected] == ["rejected"]
    assert not all_versions(work.archive, SITE)
    assert states(run_import(work, [file])) == ["rejected"]
    corrected = Workplace(
        settings=work.settings, sites={SITE.id: a_site(exclude=(r"/news/wall",))}, archive=work.archive
    )
    assert states(run_import(corrected, [file])) == ["published"]
    assert len(all_versions(work.archive, SITE)) == 1


def test_a_file_in_the_archives_store_is_fetched(work: Workplace, tmp_path: Path) -> None:
    work.archive.store.create("inbox/a.warc.gz", write_pages(THEN, PAGES), content_type="application/gzip")
    imported = run_import(work, [f"s3://{work.archive.store.bucket}/inbox/a.warc.gz"], dry_run=True)
    assert states(imported) == ["planned"]
    assert imported.sites[0].captures == len(PAGES)
    with pytest.raises(SettingsError, match="is not there"):
        run_import(work, [f"s3://{work.archive.store.bucket}/inbox/b.warc.gz"])


# --- killed, and many at once -----------------------------------------------------------------------


def what_is_said(archive: Archive) -> dict[str, object]:
    """What an archive says, without the journal, whose entries have the time at which they were told."""
    return {
        key: value
        for key, value in contents(archive).items()
        if not key.startswith(("journal/", "sites/")) and not key.endswith("boilerplate.json")
    }


@pytest.mark.slow
def test_an_import_that_is_killed_anywhere_is_completed_by_the_same_command(work: Workplace, tmp_path: Path) -> None:
    files = [
        put(tmp_path, "1", write_heritrix(THEN, PAGES)),
        put(tmp_path, "2", write_heritrix(THEN + DAY, {name: old_page(name) for name in PAGES})),
    ]
    run_import(work, files)
    clean = what_is_said(work.archive)
    store = work.archive.store
    for entry in list(store.list("")):
        if entry.key != "muniment.json":
            store.delete(entry.key)
    for sign in ("warc/", "/extracted-", "articles/"):  # each request in turn: see test_crashes.py
        importer = Importer(files)
        while not any(sign in entry.key for entry in store.list("")):
            assert importer.runs()
            time.sleep(0.02)
        importer.kill()
    assert len(list(work.archive.runs(SITE.id))) == 2
    assert set(states(run_import(work, files))) <= {"published", "published before"}
    assert what_is_said(work.archive) == clean


@pytest.mark.slow
def test_two_machines_that_import_one_file_at_once_make_one_archive(work: Workplace, tmp_path: Path) -> None:
    body = write_heritrix(THEN, PAGES)
    for importer in [Importer([put(tmp_path, name, body)]) for name in ("one name", "another name", "a third")]:
        importer.end(90)
    assert [version.n for version in all_versions(work.archive, SITE)] == [1, 1, 1, 1]
    assert len(list(work.archive.runs(SITE.id))) == 1
    standing = contents(work.archive)
    assert states(run_import(work, [put(tmp_path, "x", body)])) == ["published before"]
    assert contents(work.archive) == standing


# --- a real program ---------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("wget") is None, reason="wget is not installed")
def test_what_wget_records_is_imported(work: Workplace, tmp_path: Path, newsroom: LoopbackSite) -> None:
    pages = [newsroom.url(f"/news/{number}") for number in (*range(8), 99)]
    program = ["wget", "-q", "--tries=1", "--warc-file=got", "-O", os.devnull, *pages]
    subprocess.run(program, cwd=tmp_path, check=False, timeout=60)
    write_site(tmp_path / "sites", newsroom)
    site = load_site(tmp_path / "sites" / "loop.toml")
    work = replace(work, sites={site.id: site})
    imported = run_import(work, [str(tmp_path / "got.warc.gz")])
    [told] = imported.inputs
    assert (told.damaged, told.cut) == (0, False)
    assert told.software[0].startswith("Wget/")
    assert [run.outcomes for run in imported.sites[0].runs] == [{"archived": 8, "gone": 1}]
    version = all_versions(work.archive, site)[0]
    assert "drains" in version.text
    assert version.origin is not None
    assert version.origin.note is None
