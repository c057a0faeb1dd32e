"""The archive's contract: its keys, its documents, and who may begin one."""

from __future__ import annotations

import gzip
import itertools
import multiprocessing
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipeline import archive as module
from pipeline import store as store_module
from pipeline.archive import (
    MARKER_KEY,
    Archive,
    boilerplate_key,
    crawl_key,
    extracted_key,
    frontier_key,
    open_archive,
    parse_version_key,
    published_key,
    report_key,
    segment_key,
    segment_number,
    version_key,
)
from pipeline.errors import ArchiveError, NotInArchive
from pipeline.model import Change, Published, Report, State, Version, article_id, run_id
from pipeline.settings import Settings
from pipeline.store import KeyMissing, Store, connect
from spiders.protocol import CrawlSummary
from tests.pipeline.built_runs import a_run, a_site, an_article, an_evidence, found, url_of

SITE = a_site().id
AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)

sites = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
runs = st.builds(run_id, moments, st.text(max_size=5))
articles = st.builds(article_id, st.text(max_size=9).map(lambda path: f"https://news.example/{path!a}"))
numbers = st.integers(0, 99_999)
versions = st.integers(1, 999_999)


def a_version(n: int = 1, *, name: str = "a", run: str | None = None, title: str = "A headline") -> Version:
    made_in = run or a_run()
    article = an_article(name, title=title)
    return Version(
        site=SITE,
        n=n,
        state=State.LIVE,
        change=Change.NEW,
        final_url=article.url,
        requested_url=article.url,
        publisher="Éditions d’Exemple",
        run=made_in,
        captured_at=AT,
        evidence=an_evidence(made_in, article.url, AT, 200),
        extractor="trafilatura 2.3.1",
        code="muniment 0.1.0",
        **article.model_dump(include={"article", "url", "title", "text", "words", "digest"}),
    )


def a_summary(run: str, *, discovered: int = 1) -> CrawlSummary:
    return CrawlSummary(
        site=SITE,
        run=run,
        started=AT,
        finished=AT + timedelta(seconds=9),
        finish_reason="finished",
        user_agent="muniment",
        discovered=discovered,
        captured=discovered,
    )


def a_report(run: str, verdict: str = "accept") -> Report:
    return Report(site=SITE, run=run, verdict=verdict, checks=(), counts={}, message="All is well.")


# --- keys


@given(site=sites, run=runs, number=numbers, article=articles, n=versions)
def test_what_a_key_was_built_of_can_be_read_from_it(site: str, run: str, number: int, article: str, n: int) -> None:
    assert segment_number(segment_key(site, run, number)) == number
    assert parse_version_key(version_key(site, article, n)) == (site, article, n)


@given(one=st.tuples(sites, runs, numbers), other=st.tuples(sites, runs, numbers))
def test_distinct_parts_make_distinct_keys(one: tuple[str, str, int], other: tuple[str, str, int]) -> None:
    for build in (segment_key, extracted_key):
        assert (build(*one) == build(*other)) == (one == other)
    for name in (crawl_key, report_key, published_key):
        assert (name(*one[:2]) == name(*other[:2])) == (one[:2] == other[:2])
    for place in (frontier_key, boilerplate_key):
        assert (place(one[0]) == place(other[0])) == (one[0] == other[0])


@given(site=sites, run=runs, number=numbers, article=articles, n=versions)
def test_no_two_kinds_of_document_share_a_key(site: str, run: str, number: int, article: str, n: int) -> None:
    keys = [
        segment_key(site, run, number),
        extracted_key(site, run, number),
        *(build(site, run) for build in (crawl_key, report_key, published_key)),
        *(build(site) for build in (frontier_key, boilerplate_key)),
        version_key(site, article, n),
        MARKER_KEY,
    ]
    assert len(set(keys)) == len(keys)
    assert all(key.isascii() and ".." not in key and "//" not in key and not key.startswith("/") for key in keys)


@given(site=sites, started=st.lists(moments, min_size=2, max_size=5), token=st.text(max_size=3))
def test_keys_sort_as_runs_began(site: str, started: list[datetime], token: str) -> None:
    keys = [crawl_key(site, run_id(moment, token)) for moment in sorted(started)]
    segments = [segment_key(site, run_id(moment, token), 0) for moment in sorted(started)]
    assert keys == sorted(keys)
    assert segments == sorted(segments)


@given(one=versions, other=versions, article=articles)
def test_keys_sort_as_versions_were_made(one: int, other: int, article: str) -> None:
    assert (version_key("s", article, one) < version_key("s", article, other)) == (one < other)


HOSTILE = ["", "..", "../x", "a/b", "a/../b", "A", "a\n", "-a", "a.b", "a b", "ä", "a" * 64, "%2e%2e", "a\x00", "runs"]


@pytest.mark.parametrize("part", HOSTILE)
def test_nothing_hostile_gets_into_a_key(part: str) -> None:
    article = article_id("https://news.example/")
    if part != "runs":
        for build in (frontier_key, boilerplate_key):
            with pytest.raises(ArchiveError, match="not a site's id"):
                build(part)
        with pytest.raises(ArchiveError, match="not a site's id"):
            segment_key(part, a_run(), 1)
        with pytest.raises(ArchiveError, match="not a site's id"):
            version_key(part, article, 1)
    for name in (crawl_key, report_key, published_key):
        with pytest.raises(ArchiveError, match="not a run's id"):
            name("site", part)
    with pytest.raises(ArchiveError, match="not an article's id"):
        version_key("site", part, 1)
    with pytest.raises(ArchiveError, match="not the key of a segment"):
        segment_number(part)
    with pytest.raises(ArchiveError, match="not the key of a version"):
        parse_version_key(part)


def test_numbers_that_do_not_fit_are_refused() -> None:
    for number in (-1, 100_000):
        with pytest.raises(ArchiveError, match="digits"):
            segment_key("site", a_run(), number)
    for n in (0, -1, 1_000_000):
        with pytest.raises(ArchiveError):
            version_key("site", article_id("x"), n)


# --- beginning


def _open(settings: Settings, answers: multiprocessing.Queue[str]) -> None:
    answers.put(open_archive(settings).table_uri())


def test_two_processes_may_begin_an_archive_at_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_RACERS", 2)
    fork = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[str] = fork.Queue()
    processes = [fork.Process(target=_open, args=(settings, answers)) for _ in range(2)]
    for process in processes:
        process.start()
    assert [answers.get(timeout=60) for _ in processes] == [f"s3://{settings.bucket}/tables/articles"] * 2
    for process in processes:
        process.join(timeout=60)
        assert process.exitcode == 0
    assert [entry.key for entry in connect(settings).list("")] == [MARKER_KEY]
    marker = orjson.loads(connect(settings).get(MARKER_KEY).body)
    assert (marker["contract"], marker["tables_bucket"]) == (1, None)


def test_the_self_test_runs_before_the_first_write_and_never_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested = []

    def watched(store: Store, tables: Store) -> list[store_module.StoreCheck]:
        assert list(store.list("")) == []
        tested.append((store.bucket, tables.bucket))
        return []

    monkeypatch.setattr(module, "self_test", watched)
    with pytest.raises(NotInArchive, match="no archive yet"):
        open_archive(settings, create=False)
    assert not connect(settings).has_bucket()
    open_archive(settings)
    open_archive(settings)
    open_archive(settings, create=False)
    assert tested == [(settings.bucket, settings.bucket)]


def test_the_table_may_have_a_bucket_of_its_own_and_keeps_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "self_test", lambda store, tables: [])
    tables = f"{settings.bucket}-tables"
    apart = settings.model_copy(update={"tables_bucket": tables})
    assert open_archive(apart).table_uri() == f"s3://{tables}/tables/articles"
    assert open_archive(apart).table_store.has_bucket()
    with pytest.raises(ArchiveError, match="MUNIMENT_TABLES_BUCKET"):
        open_archive(settings)


def test_an_archive_of_another_contract_is_left_alone(store: Store, settings: Settings) -> None:
    store.create(MARKER_KEY, b'{"contract": 2, "written_by": "muniment 9"}', content_type="application/json")
    with pytest.raises(ArchiveError, match="contract version 2"):
        open_archive(settings)
    assert [entry.key for entry in store.list("")] == [MARKER_KEY]


def test_a_marker_that_cannot_be_read_is_told(store: Store, settings: Settings) -> None:
    store.create(MARKER_KEY, b"<html>", content_type="text/html")
    with pytest.raises(ArchiveError, match=r"muniment\.json is not a Marker"):
        open_archive(settings)


# --- segments


def test_a_segment_goes_up_once_and_another_file_in_its_place_is_a_contradiction(
    archive: Archive, tmp_path: Path
) -> None:
    path = tmp_path / "segment"
    path.write_bytes(gzip.compress(b"WARC/1.1"))
    key = archive.upload_segment(SITE, a_run(), 1, path)
    assert archive.upload_segment(SITE, a_run(), 1, path) == key
    assert archive.upload_segment(SITE, a_run(), 0, path) == segment_key(SITE, a_run(), 0)
    assert archive.segments(SITE, a_run()) == [segment_key(SITE, a_run(), 0), key]
    archive.download_segment(key, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == path.read_bytes()
    path.write_bytes(b"something else")
    with pytest.raises(ArchiveError, match="Two crawls of this run"):
        archive.upload_segment(SITE, a_run(), 1, path)


def test_the_segments_of_a_run_are_not_those_of_another(archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "segment"
    path.write_bytes(b"x")
    for run in (a_run(), a_run(1)):
        archive.upload_segment(SITE, run, 0, path)
    archive.upload_segment(f"{SITE}-2", a_run(), 3, path)
    assert archive.segments(SITE, a_run(1)) == [segment_key(SITE, a_run(1), 0)]
    assert archive.segments(SITE, a_run(2)) == []


def test_a_record_is_read_by_its_evidence(archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "segment"
    first, second = gzip.compress(b"first"), gzip.compress(b"second")
    path.write_bytes(first + second)
    key = archive.upload_segment(SITE, a_run(), 0, path)
    evidence = a_version().evidence.model_copy(update={"warc": key, "offset": len(first), "length": len(second)})
    assert gzip.decompress(archive.read_record(evidence)) == b"second"


# --- runs


def test_findings_come_back_in_order_and_always_make_the_same_bytes(archive: Archive) -> None:
    run = a_run()
    first = [found(f"é-{number}", f"Text\u2028{number}\n“quoted”", run, AT) for number in range(50)]
    second = [found("later", "Text", run, AT)]
    assert archive.count_findings(SITE, run, 0) is None
    archive.write_findings(SITE, run, 1, second)
    archive.write_findings(SITE, run, 0, iter(first))
    archive.write_findings(SITE, a_run(1), 0, first)
    assert list(archive.read_findings(SITE, run)) == first + second
    assert archive.count_findings(SITE, run, 0) == {"article": 50}
    ours, again = (archive.store.get(extracted_key(SITE, each, 0)).body for each in (run, a_run(1)))
    assert ours == again
    assert zstandard.ZstdDecompressor().decompressobj().decompress(ours).count(b"\n") == 50


def test_findings_are_written_once(archive: Archive) -> None:
    run = a_run()
    assert archive.write_findings(SITE, run, 0, [found("a", "first", run, AT)]) is True
    assert archive.write_findings(SITE, run, 0, [found("a", "second", run, AT)]) is False
    assert [finding.article.text for finding in archive.read_findings(SITE, run) if finding.article] == ["first"]


def test_a_segment_that_was_not_extracted_is_never_passed_over(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "segment").write_bytes(b"x")
    for number in (0, 1, 2):
        archive.upload_segment(SITE, a_run(), number, tmp_path / "segment")
    archive.write_findings(SITE, a_run(), 1, [])
    with pytest.raises(ArchiveError, match="segments 0, 2 were never extracted"):
        list(archive.read_findings(SITE, a_run()))
    assert list(archive.read_findings(SITE, a_run(1))) == []


def test_damaged_findings_are_told_with_their_line(archive: Archive) -> None:
    run, number = a_run(), itertools.count()
    for body, words in (
        (zstandard.compress(b'{"kind": "article"}\n'), "line 1 is not a Finding"),
        (b"no zstd", "cannot be unpacked"),
        (zstandard.compress(os.urandom(9999).hex().encode())[:-9], "it breaks off"),
        (zstandard.compress(b"{}"), "it breaks off"),
        (b"", "it breaks off"),
    ):
        segment = next(number)
        archive.store.create(extracted_key(SITE, run, segment), body, content_type="application/zstd")
        with pytest.raises(ArchiveError, match=words):
            archive.count_findings(SITE, run, segment)


def test_what_is_said_of_a_run_is_said_once(archive: Archive) -> None:
    run = a_run()
    assert archive.read_summary(SITE, run) is None
    assert archive.read_report(SITE, run) is None
    assert archive.read_published(SITE, run) is None
    first = a_summary(run)
    assert archive.write_summary(first) == first
    assert archive.write_summary(a_summary(run, discovered=2)) == first == archive.read_summary(SITE, run)
    assert archive.write_report(a_report(run)) == a_report(run)
    assert archive.write_report(a_report(run, "reject")) == a_report(run) == archive.read_report(SITE, run)
    published = Published(site=SITE, run=run, outcomes={}, discovered=0, versions={}, made=(), table_rows=0)
    assert archive.write_published(published) == published
    other = published.model_copy(update={"table_rows": 9})
    assert archive.write_published(other) == published == archive.read_published(SITE, run)


def test_sites_and_runs_are_found_newest_run_first(archive: Archive) -> None:
    assert archive.sites() == []
    for hours in (1, 3, 2):
        archive.write_summary(a_summary(a_run(hours)))
    archive.write_report(a_report(a_run(1), "warn"))
    archive.write_report(a_report(a_run(2), "reject"))
    archive.write_report(a_report(a_run(3)))
    assert archive.sites() == [SITE]
    assert list(archive.runs(SITE)) == [a_run(3), a_run(2), a_run(1)]
    assert list(archive.runs("nobody")) == []
    accepted = archive.accepted_reports(SITE, before=a_run(4), most=9)
    assert [report.run for report in accepted] == [a_run(3), a_run(1)]
    assert [report.run for report in archive.accepted_reports(SITE, before=a_run(3), most=9)] == [a_run(1)]
    assert [report.run for report in archive.accepted_reports(SITE, before=a_run(4), most=1)] == [a_run(3)]


# --- versions


def test_a_version_is_created_once_and_what_stands_comes_back(archive: Archive) -> None:
    first = a_version()
    assert archive.put_version(first) == first
    assert archive.put_version(first) == first
    assert archive.put_version(a_version(title="Another")) == first
    assert archive.version(SITE, first.article, 1) == first
    assert archive.read_version(version_key(SITE, first.article, 1)) == first
    assert archive.has_version(SITE, first.article, 1)
    assert not archive.has_version(SITE, first.article, 2)
    with pytest.raises(KeyMissing):
        archive.version(SITE, first.article, 2)


def test_versions_come_in_order_and_a_gap_is_a_contradiction(archive: Archive) -> None:
    article = article_id(url_of("a"))
    assert archive.latest_number(SITE, article) == 0
    assert archive.versions(SITE, article) == []
    for n in (2, 1):
        archive.put_version(a_version(n))
    assert [version.n for version in archive.versions(SITE, article)] == [1, 2]
    assert archive.latest_number(SITE, article) == 2
    assert list(archive.articles(SITE)) == [article]
    archive.put_version(a_version(4))
    with pytest.raises(ArchiveError, match="gaps: 1, 2, 4"):
        archive.latest_number(SITE, article)


def test_a_versions_object_says_the_same_in_ascii_metadata(archive: Archive) -> None:
    version = archive.put_version(a_version(title="Ürgent – “news”"))
    entry = archive.store.head(version_key(SITE, version.article, 1))
    assert entry is not None
    assert dict(entry.metadata) == {
        "state": "live",
        "change": "new",
        "digest": version.digest,
        "run": version.run,
        "captured-at": "2026-11-22T09:30:00Z",
        "warc": version.evidence.warc,
        "offset": str(version.evidence.offset),
        "length": "1000",
        "sha256": archive.recorded(version_key(SITE, version.article, 1))[1],
    }
    assert all(value.isascii() for value in entry.metadata.values())


def test_fields_of_a_later_time_are_ignored(archive: Archive) -> None:
    version = a_version()
    body = orjson.dumps({**orjson.loads(version.to_json()), "invented_later": {"a": 1}})
    archive.store.create(version_key(SITE, version.article, 1), body, content_type="application/json")
    assert archive.version(SITE, version.article, 1) == version
