"""Pages in, findings out: text, kinds and reasons, and a pool that survives its pages."""

import gzip
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import Temporary
from pipeline.extract import (
    STRIPPED_BLOCKS,
    STRIPPED_TOTAL,
    Extractor,
    Reading,
    choose_language,
    count_words,
    decode_page,
    extract_page,
)
from pipeline.model import Finding
from spiders.site import Site, Source
from spiders.warc import Exchange, Original, SegmentWriter, payload_digest, read_captures

PAGES = Path(__file__).parent.parent / "pages"
CAPTURED = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HOST = "https://ledger.example"
KEY = "warc/ledger/2026/11/22/20261122T090000Z-00000000-00000.warc.gz"
SENTENCES = (
    "The committee met on Tuesday evening and agreed to mend the bridge before the winter.",
    "Its chairman said that the work would be paid for out of the reserve that was set aside two years ago.",
    "Residents who had asked for a footpath on the north side were told that it would be looked at again.",
    "The engineer expects the road to be closed for nine days, and buses will go by the mill in that time.",
)


def a_site(**facts: Any) -> Site:
    usual: dict[str, Any] = {
        "id": "ledger",
        "name": "Civic Ledger",
        "home": f"{HOST}/",
        "kind": "trade",
        "article": r"https://(?:ledger|dispatch)\.example/.+",
        "domains": ("ledger.example", "dispatch.example"),
        "sources": (Source(type="feed", url=f"{HOST}/feed"),),
    }
    return Site(**{**usual, **facts})


def a_page(body: str | None = None, *, title: str = "Bridge to be mended", head: str = "", number: int = 0) -> bytes:
    paragraphs = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES) if body is None else body
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>{head}</head>'
        f"<body><main><h1>{title}</h1>{paragraphs}<!-- {number} --></main></body></html>"
    ).encode()


def read(payload: bytes, *, url: str = f"{HOST}/news/1", requested: str = "", **facts: Any) -> Reading:
    content_type = facts.pop("content_type", "text/html")
    return extract_page(
        payload,
        site=a_site(**facts),
        url=url,
        requested=requested or url,
        captured_at=CAPTURED,
        content_type=content_type,
    )


def text_of(reading: Reading) -> str:
    assert reading.article is not None, reading
    return reading.article.text


def stripped(reading: Reading) -> dict[str, str]:
    assert reading.article is not None, reading
    found: dict[str, str] = {}
    for block in reading.article.stripped:
        found[block.reason] = f"{found.get(block.reason, '')}\n{block.text}".strip()
    return found


class TestArticles:
    def test_a_trade_page_gives_its_text_and_keeps_the_rest_apart(self) -> None:
        reading = read((PAGES / "trade.html").read_bytes())
        text = text_of(reading)
        assert text.startswith("Finance directors of forty")
        assert text.endswith("carry any shortfall.")
        assert text.count("\n") == 4
        apart = stripped(reading)
        assert "Principal Accountant" in apart["jobs"]
        assert "Subscribe to the Ledger newsletter" in apart["newsletter"]
        assert "uses cookies" in apart["cookie notice"]
        assert "Shutterstock" in apart["caption"]
        assert apart["headline"] == "Councils ask for longer settlement"

    def test_a_national_page_gives_its_text_and_keeps_the_rest_apart(self) -> None:
        reading = read((PAGES / "national.html").read_bytes(), name="The Morning Post-Dispatch")
        text = text_of(reading)
        assert "A harbour to be dredged" in text.split("\n")
        assert "Bus company" not in text
        apart = stripped(reading)
        assert "Photograph: Ivo Marsh" in apart["caption"]
        assert "Share this" in apart["share"]
        assert "Bus company" in apart["sidebar"]
        assert reading.article is not None
        assert reading.article.url == "https://dispatch.example/transport/2026/jul/14/ferry-link-to-return"
        assert reading.article.origins["title"] == "h1"

    def test_a_council_page_gives_its_text_without_the_line_of_the_date(self) -> None:
        text = text_of(read((PAGES / "council.html").read_bytes(), name="Ashcombe District Council"))
        assert text.startswith("All six district libraries")
        assert text.endswith("by telephone from any branch.")

    def test_gov_uk_lists_and_quotations_stay_in_the_text(self) -> None:
        lines = text_of(read((PAGES / "govuk.html").read_bytes(), name="GOV.UK")).split("\n")
        assert any(line.startswith("Nobody who stood") for line in lines)
        assert any("two hundred years" in line for line in lines)
        assert not any("cookies" in line for line in lines)

    def test_a_paragraph_that_is_repeated_stands_once(self) -> None:
        body = "".join(f"<p>{sentence}</p>" for sentence in (*SENTENCES, SENTENCES[1]))
        reading = read(a_page(body))
        assert text_of(reading).count(SENTENCES[1]) == 1
        assert stripped(reading)["repeated paragraph"] == SENTENCES[1]

    def test_a_short_news_item_that_is_dated_is_an_article(self) -> None:
        page = a_page(
            "<p>The swimming pool in Mill Lane stays shut until Friday because the boiler has failed again. "
            "Season tickets are good for four more days, the council said.</p>",
            head='<meta property="article:published_time" content="2026-03-01T08:00:00Z">',
        )
        reading = read(page)
        assert reading.article is not None
        assert reading.article.words < 40

    def test_what_is_stripped_is_bounded(self) -> None:
        junk = "".join(f'<div class="promo-{n}"><p>Buy one of our {n} fine hats today</p></div>' for n in range(5000))
        reading = read(a_page("".join(f"<p>{s}</p>" for s in SENTENCES) + f"</main><aside>{junk}</aside>"))
        assert reading.article is not None
        assert len(reading.article.stripped) <= STRIPPED_BLOCKS
        assert sum(len(block.text) for block in reading.article.stripped) <= STRIPPED_TOTAL

    def test_the_same_bytes_give_the_same_article(self) -> None:
        payload = (PAGES / "national.html").read_bytes()
        first, second = read(payload), read(payload)
        assert first.article is not None
        assert second.article is not None
        assert first.article.to_json() == second.article.to_json()

    def test_boxes_that_say_what_they_are_come_and_go_without_a_trace_in_the_text(self) -> None:
        story = "<p>The bridge over the river will be mended in spring, the council said on Monday evening.</p>" * 6
        story = story.replace("Monday", "{}").format("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Sunday")
        boxes = (
            '<div class="newsletter-signup"><p>All the news of the county in one letter.</p></div>'
            '<div class="advert" id="ad-mid-2"><p>Save 50% on garden furniture this week.</p></div>'
            '<div class="poll"><p>Should it close? Yes 54%</p></div>'
        )
        one, two = (read(a_page(story + more + story.replace("river", "canal"))) for more in ("", boxes))
        assert text_of(one) == text_of(two)
        assert any("garden furniture" in text for text in stripped(two).values())

    def test_a_box_that_holds_much_of_the_page_stays(self) -> None:
        story = "The bridge over the river will be mended in spring, the council said on Monday evening." * 3
        assert story in text_of(
            read(a_page(f'<div class="related-content"><p>{story}</p><p>{story[:-1]} again.</p></div>'))
        )

    def test_less_than_signs_in_a_script_are_no_elements(self) -> None:
        script = "<script>for(i=0;i<vendors.length;i++){" + "var a = b; " * 3000 + "}</script>"
        assert read(a_page(head=script)).kind == "article"


class TestNotArticles:
    @pytest.mark.parametrize(
        ("payload", "content_type", "reason"),
        [
            (b"", "text/html", "no text"),
            (b"   \n ", "text/html", "no text"),
            (b"<html><body></body></html>", "text/html", "no text"),
            (b"%PDF-1.7 ...", "text/html", "a PDF, not HTML"),
            (b"whatever", "application/pdf", "a PDF, not HTML"),
            (b"\x89PNG\r\n", "image/png", "an image, not HTML"),
            (b'{"a": 1}', "application/json; charset=utf-8", "application/json, not HTML"),
            (a_page("<p>Closed today.</p>"), "text/html", "too short"),
        ],
    )
    def test_what_is_no_article_is_counted_with_its_reason(
        self, payload: bytes, content_type: str, reason: str
    ) -> None:
        reading = read(payload, content_type=content_type)
        assert (reading.kind, reading.reason) == ("not-an-article", reason)

    def test_html_under_a_wrong_type_is_read(self) -> None:
        assert read(a_page(), content_type="text/plain").kind == "article"

    def test_an_index_page_is_no_article(self) -> None:
        reading = read((PAGES / "index.html").read_bytes())
        assert (reading.kind, reading.reason) == ("not-an-article", "index page")

    def test_a_consent_wall_is_blocked_even_under_the_articles_own_title(self) -> None:
        reading = read((PAGES / "consent.html").read_bytes())
        assert (reading.kind, reading.reason) == ("blocked", "consent page")

    def test_a_firewall_page_is_blocked(self) -> None:
        reading = read((PAGES / "firewall.html").read_bytes())
        assert (reading.kind, reading.reason) == ("blocked", "firewall page")

    def test_a_login_page_is_blocked(self) -> None:
        page = a_page("<p>Subscribe to continue reading. Already a subscriber? Log in.</p>")
        assert (read(page).kind, read(page).reason) == ("blocked", "login or paywall page")

    def test_an_article_about_cookies_and_consent_is_an_article(self) -> None:
        body = (
            "<p>The regulator has told four newspapers to change their cookie notices within a month.</p>"
            "<p>Readers must be able to refuse as easily as they agree, the deputy commissioner said on Monday.</p>"
            "<p>One publisher replied that without consent to advertising it would have to charge for its pages, and "
            "that it had lost a third of its income since the law was changed.</p>"
            "<p>A ruling on the question is expected from the tribunal in the spring of next year.</p>"
        )
        assert read(a_page(body, title="Regulator gives newspapers a month")).kind == "article"

    def test_a_page_that_says_not_found_is_gone(self) -> None:
        reading = read(a_page("<p>Sorry.</p>", title="Page not found"))
        assert (reading.kind, reading.reason) == ("gone", "says “not found” with status 200")

    def test_a_redirect_to_the_front_page_is_gone(self) -> None:
        reading = read(a_page(), url=f"{HOST}/", requested=f"{HOST}/news/1")
        assert (reading.kind, reading.reason) == ("gone", "redirected to the front page")

    def test_fifty_thousand_levels_are_one_page_among_others(self) -> None:
        payload = b"<html><body>" + b"<div>" * 49_000 + b"<p>" + SENTENCES[0].encode() * 9 + b"</p></body></html>"
        assert read(payload).kind == "not-an-article"

    @settings(max_examples=40, deadline=None)
    @given(
        st.binary(max_size=300), st.sampled_from(["text/html", "text/html; charset=x", None, "", "a/b; charset=utf-16"])
    )
    def test_no_bytes_make_it_fail(self, noise: bytes, content_type: str | None) -> None:
        read(noise, content_type=content_type)
        read(a_page().replace(b"bridge", noise), content_type=content_type)


class TestEncodings:
    PLAIN = "<html><head>{}</head><body><p>Café “Zürich” – £5</p></body></html>"

    @pytest.mark.parametrize(
        ("encoding", "head", "content_type"),
        [
            ("utf-8", "", None),
            ("utf-8", '<meta charset="iso-8859-1">', "text/html; charset=iso-8859-1"),  # wrongly declared
            ("cp1252", '<meta charset="iso-8859-1">', None),  # what browsers make of "latin-1"
            ("cp1252", "", "text/html; charset=ISO-8859-1"),
            ("cp1252", "", None),
            ("cp1252", '<meta charset="utf-8">', "text/html; charset=utf-8"),  # wrongly declared
            ("cp1252", "", "text/html; charset=no-such-charset"),
            ("utf-16", "", None),
            ("utf-8-sig", "", "text/html; charset=windows-1252"),
        ],
    )
    def test_a_page_is_decoded_as_it_was_written(self, encoding: str, head: str, content_type: str | None) -> None:
        page = self.PLAIN.format(head)
        assert decode_page(page.encode(encoding), content_type) == page

    def test_other_declared_charsets_are_obeyed(self) -> None:
        page = '<html><head><meta charset="{}"></head><body>{}</body></html>'
        for charset, text in (("shift_jis", "東京の橋"), ("koi8-r", "мост"), ("iso-2022-jp", "橋"), ("gb18030", "桥")):
            written = page.format(charset, text)
            assert text in decode_page(written.encode(charset), None)

    def test_a_few_broken_bytes_spoil_only_themselves(self) -> None:
        payload = "Café Zürich – £5".encode() + b"\xff and more"
        assert decode_page(payload, "text/html; charset=utf-8") == "Café Zürich – £5\ufffd and more"

    def test_nul_and_control_bytes_do_not_end_a_page(self) -> None:
        payload = a_page().replace(b"winter.", b"win\x00ter.\x0b\x1b")
        assert "mend the bridge before the win ter." in text_of(read(payload))


class TestLanguage:
    WELSH = "Mae'r cyngor wedi cytuno i atgyweirio'r bont cyn y gaeaf, ac mae'r gwaith yn dechrau yn y gwanwyn. " * 3

    def test_the_pages_word_is_believed(self) -> None:
        assert choose_language("en-GB", "html", " ".join(SENTENCES), "en") == ("en-GB", "html")

    def test_a_welsh_story_on_a_page_that_says_english_is_welsh(self) -> None:
        assert choose_language("en", "html", self.WELSH, "en") == ("cy", "text")

    def test_a_welsh_page_is_welsh(self) -> None:
        assert choose_language("cy", "html", self.WELSH, "en") == ("cy", "html")

    def test_without_a_word_of_the_page_the_text_decides(self) -> None:
        assert choose_language(None, "", " ".join(SENTENCES), "en") == ("en", "text")

    def test_words_are_counted_in_scripts_without_spaces(self) -> None:
        assert count_words("one two three") == 3
        assert count_words("議会は橋を修理することを決めた" * 10) > 50


def a_segment(folder: Path, pages: Iterable[bytes | int | Exchange], *, coded: bool = False) -> Path:
    """A sealed segment with these pages: bodies under 200, statuses without a body, or whole exchanges."""
    writer = SegmentWriter(
        folder, run="20261122T090000Z-00000000", first=0, info={}, max_bytes=2**40, max_seconds=10**9
    )
    for number, page in enumerate(pages):
        writer.write_exchange(page if isinstance(page, Exchange) else an_exchange(number, page, coded=coded))
    writer.seal()
    return folder / writer.sealed[0]


def an_exchange(number: int, page: bytes | int, *, coded: bool = False, **facts: Any) -> Exchange:
    status, body = (page, b"") if isinstance(page, int) else (200, page)
    body = gzip.compress(body, mtime=0) if coded else body
    coding = "Content-Encoding: gzip\r\n" if coded else ""
    head = (
        f'HTTP/1.1 {status} X\r\nContent-Type: text/html\r\nETag: "{number}"\r\n{coding}'
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    usual: dict[str, Any] = {
        "kind": "page",
        "url": f"{HOST}/news/{number}",
        "requested": f"{HOST}/news/{number}",
        "status": status,
        "request_head": b"GET / HTTP/1.1\r\n\r\n",
        "response_head": head.encode(),
        "payload": body,
        "captured_at": CAPTURED,
        "via": f"{HOST}/feed",
    }
    return Exchange(**{**usual, **facts})


def findings_of(path: Path, *, processes: int = 2, **options: Any) -> list[Finding]:
    with Extractor(processes, **options) as extractor:
        return list(extractor.extract_segment(a_site(), path, KEY))


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

    def test_workers_that_never_start_are_a_temporary_error(self, tmp_path: Path) -> None:
        with pytest.raises(Temporary, match="before they are ready"):
            findings_of(a_segment(tmp_path, [a_page()]), function="tests.pipeline.hard_pages:no_such_function")

    def test_workers_end_with_their_owner(self, tmp_path: Path) -> None:
        with Extractor(2) as extractor:
            list(extractor.extract_segment(a_site(), a_segment(tmp_path, [a_page()]), KEY))
            processes = [worker.process for worker in extractor._workers]
        assert processes
        assert all(process.poll() is not None for process in processes)
