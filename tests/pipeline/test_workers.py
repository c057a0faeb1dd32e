"""A segment through worker processes, and a pool that survives its pages."""

from pathlib import Path

import pytest

from pipeline.errors import Temporary
from pipeline.workers import Extractor
from spiders.warc import Original, payload_digest, read_captures
from tests.pipeline.some_pages import HOST, KEY, PAGES, a_page, a_segment, a_site, an_exchange, findings_of


class TestSegments:
    def test_findings_come_in_the_order_of_the_records_with_their_evidence(self, tmp_path: Path) -> None:
        path = a_segment(
            tmp_path, [a_page(title=f"Bridge number {n} to be mended", number=n) for n in range(40)], coded=True
        )
        findings = findings_of(path)
        with path.open("rb") as stream:
            captures = list(read_captures(stream))
        assert [finding.evidence.offset for finding in findings] == [capture.offset for capture in captures]
        assert [finding.article and finding.article.title for finding in findings] == [
            f"Bridge number {n} to be mended" for n in range(40)
        ]
        first = findings[0]
        assert (first.evidence.warc, first.evidence.length) == (KEY, captures[0].length)
        assert (first.etag, first.via, first.evidence.status) == ('"0"', f"{HOST}/feed", 200)

    def test_two_runs_over_a_segment_are_the_same_byte_for_byte(self, tmp_path: Path) -> None:
        pages = [path.read_bytes() for path in sorted(PAGES.iterdir())] * 3
        path = a_segment(tmp_path, pages)
        once = [finding.to_json() for finding in findings_of(path, processes=1)]
        assert once == [finding.to_json() for finding in findings_of(path, processes=3)]

    @pytest.mark.parametrize(
        ("status", "kind", "reason"),
        [
            (404, "gone", "HTTP 404"),
            (410, "gone", "HTTP 410"),
            (403, "blocked", "HTTP 403"),
            (429, "blocked", "HTTP 429"),
            (451, "blocked", "HTTP 451"),
            (503, "blocked", "HTTP 503"),
            (500, "failed", "HTTP 500"),
            (418, "failed", "HTTP 418"),
        ],
    )
    def test_the_status_decides_what_need_not_be_read(
        self, tmp_path: Path, status: int, kind: str, reason: str
    ) -> None:
        (finding,) = findings_of(a_segment(tmp_path, [status]), processes=1)
        assert (finding.kind, finding.reason) == (kind, reason)

    def test_revisits_are_unchanged(self, tmp_path: Path) -> None:
        body = a_page()
        before = Original(payload_digest=payload_digest(body), captured_at="2026-11-21T09:00:00Z")
        path = a_segment(
            tmp_path, [an_exchange(0, 304, original=before, conditional=True), an_exchange(1, body, original=before)]
        )
        assert [(f.kind, f.reason) for f in findings_of(path, processes=1)] == [
            ("unchanged", "HTTP 304"),
            ("unchanged", "same payload as before"),
        ]

    def test_only_pages_have_findings(self, tmp_path: Path) -> None:
        path = a_segment(tmp_path, [an_exchange(0, b"<rss/>", kind="source"), an_exchange(1, a_page())])
        assert [finding.requested for finding in findings_of(path, processes=1)] == [f"{HOST}/news/1"]

    def test_a_segment_without_pages_has_no_findings(self, tmp_path: Path) -> None:
        assert findings_of(a_segment(tmp_path, [an_exchange(0, b"<rss/>", kind="source")])) == []

    def test_a_body_that_unfolds_too_far_or_not_at_all_is_failed(self, tmp_path: Path) -> None:
        broken = an_exchange(1, b"no gzip", response_head=b"HTTP/1.1 200 OK\r\nContent-Encoding: br, x\r\n\r\n")
        path = a_segment(tmp_path, [an_exchange(0, b"<html>" + b" " * 20_000_000, coded=True), broken])
        assert [(f.kind, f.reason) for f in findings_of(path, processes=1)] == [
            ("failed", "page too large"),
            ("failed", "content coding broken"),
        ]


class TestPool:
    FUNCTION = "tests.pipeline.hard_pages:judge"

    def test_a_page_that_hangs_costs_itself_alone(self, tmp_path: Path) -> None:
        pages = [a_page(number=n) for n in range(12)]
        pages[1] = pages[7] = b"<html>HANG"
        findings = findings_of(a_segment(tmp_path, pages), page_seconds=0.5, function=self.FUNCTION)
        assert [finding.kind for finding in findings] == ["failed" if n in {1, 7} else "article" for n in range(12)]
        assert findings[1].reason == "extraction took more than 0.5 s"

    @pytest.mark.parametrize("trouble", ["CRASH", "LEAVE"])
    def test_a_page_that_kills_its_worker_costs_itself_alone(self, tmp_path: Path, trouble: str) -> None:
        pages = [a_page(number=n) for n in range(9)]
        pages[0] = pages[8] = f"<html>{trouble}".encode()
        findings = findings_of(a_segment(tmp_path, pages), function=self.FUNCTION)
        assert [finding.kind for finding in findings] == ["failed", *["article"] * 7, "failed"]
        assert findings[0].reason == "extraction process crashed"

    def test_workers_start_when_there_is_a_page_to_read(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        nothing = a_segment(tmp_path / "a", [404, 410, 500])
        one = a_segment(tmp_path / "b", [a_page(), 404])
        with Extractor(3, function=self.FUNCTION) as extractor:
            assert len(list(extractor.extract_segment(a_site(), nothing, KEY))) == 3
            assert not extractor._workers
            assert [f.kind for f in extractor.extract_segment(a_site(), one, KEY)] == ["article", "gone"]
            assert len(extractor._workers) == 1
            extractor.warm_up()
            assert len(extractor._workers) == 3

    @pytest.mark.usefixtures("cold_starts")
    def test_one_process_is_isolated_too(self, tmp_path: Path) -> None:
        path = a_segment(tmp_path, [b"<html>CRASH", a_page()])
        assert [f.kind for f in findings_of(path, processes=1, function=self.FUNCTION)] == ["failed", "article"]

    def test_a_segment_that_is_given_up_half_way_does_not_disturb_the_next(self, tmp_path: Path) -> None:
        path = a_segment(tmp_path, [a_page(title=f"Bridge number {n} to be mended") for n in range(30)])
        with Extractor(2) as extractor:
            half = extractor.extract_segment(a_site(), path, KEY)
            next(half)
            half.close()
            findings = list(extractor.extract_segment(a_site(), path, KEY))
        assert [finding.evidence.offset for finding in findings] == sorted(f.evidence.offset for f in findings)
        assert len(findings) == 30

    @pytest.mark.usefixtures("cold_starts")
    def test_workers_that_never_start_are_a_temporary_error(self, tmp_path: Path) -> None:
        with pytest.raises(Temporary, match="before they are ready"):
            findings_of(a_segment(tmp_path, [a_page()]), function="tests.pipeline.hard_pages:no_such_function")

    @pytest.mark.usefixtures("cold_starts")
    def test_workers_end_with_their_owner(self, tmp_path: Path) -> None:
        with Extractor(2) as extractor:
            list(extractor.extract_segment(a_site(), a_segment(tmp_path, [a_page()]), KEY))
            processes = [worker.process for worker in extractor._workers]
        assert processes
        assert all(process.poll() is not None for process in processes)
