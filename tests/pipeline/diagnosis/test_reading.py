"""Which pages are looked at, and what is kept of them."""

from __future__ import annotations

import time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.archive import Archive
from pipeline.diagnosis.causes import Page
from pipeline.diagnosis.reading import SAMPLE, choose, look_at, read_sketches, reduce_finding
from tests.pipeline.built_runs import START, a_run, a_site, an_evidence, found, url_of, write_run

SITE = a_site()


def a_page(number: int, kind: str = "article", **facts: Any) -> Page:
    return Page(
        url=url_of(f"{number}"), kind=kind, evidence=an_evidence(a_run(), url_of(f"{number}"), START, 200), **facts
    )


@given(st.lists(st.integers(0, 60), max_size=80), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_same_pages_are_chosen_in_whatever_order_they_come(numbers: list[int], draw: Any) -> None:
    pages = [a_page(number) for number in numbers]
    chosen = choose(pages, ("article",))
    draw.shuffle(pages)
    assert choose(pages, ("article",)) == chosen
    assert len(chosen) == len({page.url for page in chosen}) == min(SAMPLE, len(set(numbers)))


def test_what_extraction_failed_at_and_what_has_no_body_is_not_read_again() -> None:
    revisit = an_evidence(a_run(), url_of("3"), START, 304, kind="revisit")
    failing = an_evidence(a_run(), url_of("4"), START, 503)
    pages = [a_page(1, "failed"), a_page(2, "gone"), Page(url=url_of("5"), kind="blocked")]
    pages += [Page(url=url_of("3"), kind="article", evidence=revisit), Page(url="x", kind="blocked", evidence=failing)]
    assert choose(pages, ("article", "not-an-article", "blocked")) == []


def test_of_a_text_only_a_digest_and_beginnings_of_lines_are_kept() -> None:
    text = "\n".join(
        f"Line {n} of a text that is longer than forty characters, and goes on for a while." for n in range(40)
    )
    page = reduce_finding(found("bridge", text, a_run(), START))
    assert (page.words, len(page.text), len(page.lines)) == (len(text.split()), 16, 12)
    assert {len(line) for line in page.lines} == {40}
    assert page.dated is not None
    assert (page.dated.place, page.dated.shape) == ("json-ld", "9 a 9999")
    assert reduce_finding(found("b", text.replace(" ", "\n"), a_run(), START)).text == page.text


def test_documents_that_pages_link_are_left_out(archive: Archive) -> None:
    run = a_run()
    findings = [found("bridge", "One text.", run, START)]
    findings.append(found("plan.pdf", "A plan.", run, START, facts={"linked_from": url_of("bridge")}))
    write_run(archive, SITE, run, findings)
    assert [page.url for page in look_at(archive, SITE, run, 10)] == [url_of("bridge")]


def test_a_segment_that_is_gone_and_a_time_that_is_spent_are_told(archive: Archive) -> None:
    late = time.monotonic() + 60
    assert read_sketches(archive, [a_page(1), a_page(2)], late) == ([], "their segments have expired (keep_raw)")
    assert read_sketches(archive, [a_page(1)], time.monotonic() - 1) == ([], "there was no time left")
