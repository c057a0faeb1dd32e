"""Documents from end to end: the real crawl child, the real store, run after run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.archive import Archive
from pipeline.model import Finding, Version, article_id
from pipeline.settings import Settings
from pipeline.steps import RunResult, Workplace, new_run, open_workplace, run_site
from tests.loopback import LoopbackSite, Reply
from tests.pipeline.loop_news import list_in_sitemap, story, write_site
from tests.pipeline.some_documents import PARAGRAPHS, Look, make_bomb, make_document


def pdf(payload: bytes) -> Reply:
    return Reply(body=payload, content_type="application/pdf")


def page_with(number: int, *links: str) -> str:
    items = "".join(f"<li><a href='{link}'>The papers at {link}</a></li>" for link in links)
    return story(number).replace("</article>", f"<ul>{items}</ul></article>")


@pytest.fixture
def newsroom(loopback: LoopbackSite) -> LoopbackSite:
    """Four articles; the first two link documents."""
    loopback.validators = True
    loopback.routes["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /private/\n", content_type="text/plain")
    loopback.page("/news/0", page_with(0, "/files/release.pdf", "/files/decision.pdf", "/private/secret.pdf"))
    loopback.page("/news/1", page_with(1, "/files/release.pdf", "/files/bomb.pdf"))
    loopback.page("/news/2", story(2))
    loopback.page("/news/3", story(3))
    list_in_sitemap(loopback, [0, 1, 2, 3])
    loopback.routes["/files/release.pdf"] = pdf(make_document())
    loopback.routes["/files/decision.pdf"] = pdf(make_document(PARAGRAPHS[2:5], Look(title="Decision notice of March")))
    loopback.routes["/files/bomb.pdf"] = pdf(make_bomb(100))
    loopback.routes["/private/secret.pdf"] = pdf(make_document())
    return loopback


@pytest.fixture
def work(archive: Archive, settings: Settings, newsroom: LoopbackSite, tmp_path: Path) -> Workplace:
    write_site(tmp_path / "sites", newsroom, documents="true")
    own = settings.model_copy(update={"sites": (tmp_path / "sites",), "builtin_sites": False, "processes": 1})
    return open_workplace(own)


def run(work: Workplace) -> RunResult:
    result = run_site(work, "loop", new_run(work.settings))
    assert result.published is not None
    return result


def versions(work: Workplace, url: str) -> list[Version]:
    return work.archive.versions("loop", article_id(url))


def findings(work: Workplace, result: RunResult) -> dict[str, Finding]:
    return {each.requested: each for each in work.archive.read_findings("loop", result.run)}


def test_documents_live_as_articles_do(work: Workplace, newsroom: LoopbackSite) -> None:
    release, decision = newsroom.url("/files/release.pdf"), newsroom.url("/files/decision.pdf")
    pages = newsroom.url("/news/0"), newsroom.url("/news/1")

    first = run(work)
    assert first.report.verdict == "accept", first.report.message
    assert first.published is not None
    assert first.published.versions == {"new": 6}
    assert first.published.outcomes["failed"] == 1  # the hostile one costs itself only
    assert first.published.outcomes["excluded"] == 1
    assert first.report.reasons["excluded: robots.txt"] == 1
    assert first.report.reasons["document failed: a PDF that unpacks to too much"] == 1
    assert "/private/secret.pdf" not in newsroom.paths()
    (version,) = versions(work, release)
    assert (version.kind, version.document_of) == ("document", pages)
    assert version.extractor.startswith("pypdfium2 ")
    assert [part.text for part in version.parts[1:]] == list(PARAGRAPHS)  # below the letterhead; its number is no text
    assert {part.page for part in version.parts} == {1}
    assert "linked_from" not in version.facts
    (linking,) = versions(work, pages[0])
    assert {one.url for one in linking.documents} >= {release, decision}

    second = run(work)
    assert second.published is not None
    assert second.published.versions == {}
    assert [findings(work, second)[url].evidence.status for url in (release, decision)] == [304, 304]
    assert newsroom.paths().count("/files/bomb.pdf") == 1  # it waits before it is tried again

    changed = [*PARAGRAPHS[:-1], "The bridge is to open a month later than was said, because of the high water."]
    newsroom.routes["/files/release.pdf"] = pdf(make_document(changed))
    del newsroom.routes["/files/decision.pdf"]
    third = run(work)
    assert third.published is not None
    assert third.published.versions == {"edited": 1, "gone": 1}
    edited = versions(work, release)[-1]
    assert (edited.n, edited.change, edited.document_of) == (2, "edited", pages)
    assert edited.parts[-1].text == changed[-1]
    gone = versions(work, decision)[-1]
    assert (gone.n, gone.state, gone.kind, gone.document_of) == (2, "gone", "document", (pages[0],))

    # Neither is looked at as long as nothing is due, and a page that no longer links a document does not end it.
    newsroom.page("/news/1", story(1, "One more word."))
    fourth = run(work)
    assert fourth.published is not None
    assert fourth.published.versions == {"edited": 1}
    assert len(versions(work, release)) == 2


@pytest.mark.slow
def test_the_memory_of_documents_can_be_rebuilt(work: Workplace, newsroom: LoopbackSite) -> None:
    run(work)
    work.archive.store.delete(work.archive.frontier_key("loop"))
    second = run(work)
    found = findings(work, second)[newsroom.url("/files/release.pdf")]
    assert found.evidence.status == 304
    assert found.facts["linked_from"] == f"{newsroom.url('/news/0')} {newsroom.url('/news/1')}"


@pytest.mark.slow
def test_documents_that_are_put_off_are_fetched_though_their_page_is_unchanged(
    archive: Archive, settings: Settings, newsroom: LoopbackSite, tmp_path: Path
) -> None:
    write_site(tmp_path / "sites", newsroom, documents="true", documents_at_most=1, concurrency=1)
    own = settings.model_copy(update={"sites": (tmp_path / "sites",), "builtin_sites": False, "processes": 1})
    work = open_workplace(own)
    first = run(work)
    assert first.published is not None
    assert first.published.outcomes["deferred"] == 3
    second = run(work)
    assert findings(work, second)[newsroom.url("/news/0")].evidence.status == 304
    third = run(work)
    asked = newsroom.paths()
    for name in ("release", "decision", "bomb"):
        assert asked.count(f"/files/{name}.pdf") >= 1, (name, third.report.message)


def test_what_a_body_is_counts_and_not_its_address(work: Workplace, newsroom: LoopbackSite) -> None:
    newsroom.routes["/news/3"] = pdf(make_document())
    newsroom.routes["/files/decision.pdf"] = replace(pdf(story(7).encode()), content_type="text/html; charset=utf-8")
    first = run(work)
    assert first.report.verdict == "accept", first.report.message
    (version,) = versions(work, newsroom.url("/news/3"))
    assert (version.kind, version.document_of) == ("document", ())
    assert first.report.counts["articles"] == 4
    assert not versions(work, newsroom.url("/files/decision.pdf"))
    assert first.report.reasons["document not-an-article: linked as a document, and is a web page"] == 1
