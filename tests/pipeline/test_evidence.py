from __future__ import annotations

import gzip
import re

import pytest

from pipeline.archive import Archive
from pipeline.cdx import read_index
from pipeline.errors import ArchiveError, NotInArchive
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
    # What an answer "not modified" repeats is found among the versions, and else among all captures of its URL.
    line = next(line for line in read_index(archive, SITE.id) if line.is_revisit and line.url == url_of("library"))
    record = gzip.decompress(archive.store.get_range(line.filename, line.offset, line.length))
    [record_id] = re.findall(rb"(?m)^WARC-Record-ID: (\S+)", record)
    place = {"warc": line.filename, "offset": line.offset, "length": line.length, "record_id": record_id.decode()}
    evidence = versions(archive, "library")[0].evidence.model_copy(update={**place, "record_type": "revisit"})
    for article in ("library", "pool"):
        version = versions(archive, article)[0].model_copy(update={"evidence": evidence})
        capture = read_capture(archive, version)
        assert (capture.record_type, capture.status, capture.body(1 << 20)) == ("revisit", 304, page("library"))
    lost = evidence.model_copy(update={"payload_digest": "sha256:00"})
    with pytest.raises(NotInArchive, match="no capture of its URL"):
        read_capture(archive, versions(archive, "pool")[0].model_copy(update={"evidence": lost}))
