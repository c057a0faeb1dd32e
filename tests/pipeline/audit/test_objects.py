"""Objects that are not what was written."""

from __future__ import annotations

import pytest

from tests.pipeline.audit.bench import (
    BRIDGE,
    FIRST,
    Bench,
    forge,
    keys_of_kind,
)
from tests.pipeline.built_archive import SITE


def test_a_damaged_segment_is_told_with_the_versions_whose_record_was_hit(bench: Bench) -> None:
    version = bench.archive.version(SITE.id, BRIDGE, 1)
    found = bench.raw.get(version.evidence.warc)
    body = bytearray(found.body)
    body[version.evidence.offset + version.evidence.length - 40] ^= 0x55
    bench.raw.put(version.evidence.warc, bytes(body), found.metadata)
    [each] = bench.audit().discrepancies
    assert each.key == version.evidence.warc
    assert each.touches == (bench.archive.version_key(SITE.id, BRIDGE, 1),)


@pytest.mark.slow
def test_metadata_that_says_something_else_than_the_version_is_named(bench: Bench) -> None:
    key = bench.archive.version_key(SITE.id, BRIDGE, 1)
    found = bench.raw.get(key)
    bench.raw.put(key, found.body, {**found.metadata, "state": "gone"})
    [each] = bench.audit().discrepancies
    assert (each.key, each.problem, each.expected, each.stands) == (key, "metadata", "state: live", "state: gone")


@pytest.mark.parametrize(
    "kind", ["segment", *(pytest.param(each, marks=pytest.mark.slow) for each in ("latest version", "index"))]
)
def test_a_content_encoding_that_makes_clients_unpack_an_object_is_named(bench: Bench, kind: str) -> None:
    key = keys_of_kind(bench.archive)[kind]
    found = bench.raw.get(key)
    bench.raw.client.put_object(
        Bucket=bench.raw.name, Key=key, Body=found.body, Metadata=dict(found.metadata), ContentEncoding="gzip"
    )
    [each] = bench.audit().discrepancies
    assert (each.key, each.problem, each.stands) == (key, "metadata", "Content-Encoding: gzip")


@pytest.mark.slow
def test_a_segment_that_came_back_without_its_metadata_is_as_good_as_it_was(bench: Bench) -> None:
    key = bench.archive.segment_key(SITE.id, FIRST, 0)
    bench.raw.put(key, bench.raw.get(key).body)
    assert bench.audit().clean


@pytest.mark.slow
def test_a_version_with_another_text_than_its_digest_says_is_named(bench: Bench) -> None:
    key = bench.archive.version_key(SITE.id, BRIDGE, 1)
    forge(bench, key, text="Another text.")
    assert (key, "wrong") in {(each.key, each.problem) for each in bench.audit().discrepancies}
