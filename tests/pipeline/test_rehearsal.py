"""A run that is only tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.archive import Archive
from pipeline.rehearsal import Overlay, over, rehearse
from pipeline.settings import Settings
from pipeline.steps import Workplace, new_run, run_site
from pipeline.store import KeyMissing, Lost
from spiders.site import load_site
from tests.dags.conftest import SITE
from tests.dags.newsroom import open_newsroom
from tests.loopback import LoopbackSite


@pytest.fixture
def work(archive: Archive, settings: Settings, tmp_path: Path, loopback: LoopbackSite) -> Workplace:
    """A newsroom of five articles, and its site."""
    open_newsroom(loopback, articles=5)
    path = tmp_path / "ayton.toml"
    path.write_text(SITE.format(name="Ayton", home=loopback.url("/"), more="", check="", concurrency=4))
    return Workplace(settings=settings, sites={"ayton": load_site(path)}, archive=archive)


def everything(archive: Archive) -> dict[str, str]:
    """Key -> ETag of all that stands in the bucket."""
    return {entry.key: entry.etag for entry in archive.store.list("")}


def test_a_rehearsal_tells_what_would_be_published_and_leaves_the_archive_as_it_is(
    work: Workplace, loopback: LoopbackSite
) -> None:
    before = everything(work.archive)
    done = rehearse(work, "ayton", new_run(work.settings))
    assert (done.new, done.known, done.report.verdict != "reject") == (5, 0, True)
    assert len(done.sample) == 5
    assert all(title.startswith("Market hall roof") and "/news/" in url for title, url in done.sample)
    assert everything(work.archive) == before
    # The run in earnest is as if nothing had been: every article is new to it.
    published = run_site(work, "ayton", new_run(work.settings)).published
    assert published is not None
    assert published.versions["new"] == 5
    stands = everything(work.archive)
    open_newsroom(loopback, articles=7)
    done = rehearse(work, "ayton", new_run(work.settings))
    assert done.new == 2
    assert everything(work.archive) == stands


def test_what_is_written_over_a_bucket_is_read_listed_and_held_to_conditions(archive: Archive, tmp_path: Path) -> None:
    archive.store.create("a/1", b"below", content_type="text/plain")
    store = over(archive.store, Overlay(folder=tmp_path))
    assert not store.create("a/1", b"again", content_type="text/plain")
    assert store.create("a/2", b"above", content_type="text/plain", metadata={"x": "y"})
    assert not store.create("a/2", b"again", content_type="text/plain")
    assert store.create("b/c/3", b"0123456789", content_type="text/plain")
    assert (store.get("a/1").body, store.get("a/2").body) == (b"below", b"above")
    assert store.get("a/2").metadata["x"] == "y"
    assert store.get_range("b/c/3", 3, 4) == b"3456"
    assert [entry.key for entry in store.list("a/")] == ["a/1", "a/2"]
    assert list(store.list_folders("b/")) == ["c"]
    assert store.head("a/3") is None
    standing = store.head("a/1")
    assert standing is not None
    etag = store.replace("a/1", b"over", etag=standing.etag, content_type="text/plain")
    assert store.get("a/1").body == b"over"
    with pytest.raises(Lost):
        store.replace("a/1", b"late", etag=standing.etag, content_type="text/plain")
    assert etag != standing.etag
    assert archive.store.get("a/1").body == b"below"
    with pytest.raises(KeyMissing):
        archive.store.get("a/2")
    with pytest.raises(RuntimeError, match="only read"):
        store.delete("a/1")
    assert archive.store.head("a/1") is not None
