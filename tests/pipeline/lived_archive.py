"""An archive that much has happened to, all of it in order: what an audit must find nothing wrong with."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from pipeline.errors import RunRejected
from pipeline.maintenance import maintain, rebuild
from pipeline.model import article_id
from pipeline.settings import Settings
from pipeline.steps import Workplace, check, extract, run_import
from pipeline.takedown import order_takedown, reinstate
from spiders.site import CheckLimits
from tests.pipeline.built_archive import SITE, STORIES, build_archive, crawl_pages, page, publish_pages
from tests.pipeline.built_runs import HOUR, NOW, START, a_run, a_site, url_of
from tests.pipeline.foreign_files import put, write_heritrix
from tests.pipeline.some_documents import make_document

REJECTED, LATE, DRAWN = a_run(1), a_run(4), a_run(7)


def live(settings: Settings, folder: Path) -> Workplace:
    """Build an archive and let it go through a rejected run, one that is published late, pages drawn by a browser, a
    document, an import of older captures, takedowns of three kinds, merging and rebuilding of its table.

    Args:
        settings: where.
        folder: for the file that is imported.
    """
    work = build_archive(settings)
    archive = work.archive
    crawl_pages(work, SITE, REJECTED, START + HOUR, {"market": page("market", title="Nobody asks for anything")})
    extract(work, SITE.id, REJECTED, 0)
    strict = Workplace(
        settings=work.settings, sites={SITE.id: a_site(check=CheckLimits(min_captures=10))}, archive=archive
    )
    with suppress(RunRejected):
        check(strict, SITE.id, REJECTED)
        raise AssertionError("the gate let a run of one page through")
    late = {"market": page("market", title="Traders wait for an answer"), "quay": _tell("quay", "Quay to be raised")}
    publish_pages(work, SITE, LATE, START + 4 * HOUR, late)
    ferry = _tell("ferry", "Ferry sails again")
    drawn = ferry.replace(b"</article>", b"<p>It will sail every hour, the harbour master said.</p></article>")
    pages: Mapping[str, bytes | int] = {"ferry": ferry, "plans.pdf": make_document()}
    publish_pages(work, SITE, DRAWN, START + 7 * HOUR, pages, drawn={"ferry": drawn})
    old = {name: page(name, title=f"{STORIES[name][0]}, of old") for name in ("bridge", "library")}
    file = put(folder, "old.warc.gz", write_heritrix(START - timedelta(days=2000), old))
    imported = run_import(work, [file])
    assert [run.state for site in imported.sites for run in site.runs] == ["published"]
    order_takedown(archive, SITE.id, article_id(url_of("library")), by="the editor", reason="case 1", now=NOW)
    order = order_takedown(archive, SITE.id, article_id(url_of("quay")), by="the editor", reason="case 2", now=NOW)
    reinstate(archive, order, by="the editor", reason="case 2 is closed", now=NOW + HOUR)
    bridge = article_id(url_of("bridge"))
    order_takedown(
        archive, SITE.id, bridge, by="a court", reason="case 3", spans=["rust in four of the hangers"], now=NOW
    )
    rebuild(archive, SITE.id, now=NOW + HOUR)
    maintain(archive, now=NOW + HOUR)
    return work


def _tell(name: str, title: str) -> bytes:
    return page(name, title=title, paragraphs=STORIES["pool"][1])
