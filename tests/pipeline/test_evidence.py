from __future__ import annotations

import pytest

from pipeline.archive import Archive
from pipeline.errors import ArchiveError
from pipeline.evidence import read_capture, read_record
from pipeline.model import Version, article_id
from pipeline.settings import Settings
from tests.pipeline.built_archive import SITE, STORIES, build_archive, page
from tests.pipeline.built_runs import url_of


def versions(archive: Archive, name: str) -> list[Version]:
    return archive.versions(SITE.id, article_id(url_of(name)))


def test_a_versions_capture_is_the_page_that_it_was_made_of(settings: Settings) -> None:
    archive = build_archive(settings).archive
    assert [(v.change, v.state) for v in versions(archive, "bridge")] == [("new", "live"), ("edited", "live")]
    assert [(v.change, v.state) for v in versions(archive, "pool")] == [("new", "live"), ("gone", "gone")]
    for name in STORIES:
        first, *_ = versions(archive, name)
        capture = read_capture(archive, first)
        assert capture.body(1 << 20) == page(name)
        assert (capture.url, capture.status, capture.offset) == (url_of(name), 200, first.evidence.offset)
        wrong = first.evidence.model_copy(update={"record_id": "<urn:uuid:other>"})
        with pytest.raises(ArchiveError, match="has no record"):
            read_record(archive, wrong)
