"""The evidence of a version: its capture, read out of the segment that holds it."""

from __future__ import annotations

import io
from dataclasses import replace

from pipeline.archive import Archive
from pipeline.cdx import find_captures
from pipeline.errors import ArchiveError, NotInArchive
from pipeline.model import Evidence, Version
from pipeline.store import KeyMissing
from spiders.warc import Captured, read_captures


def read_record(archive: Archive, evidence: Evidence) -> Captured:
    """The one record that evidence names. Its offset is that in the segment; a revisit has no payload.

    Raises:
        KeyMissing: the segment is not there.
        ArchiveError: another record stands there, or none.
    """
    try:
        record = archive.read_record(evidence)
    except KeyMissing as error:
        raise KeyMissing(
            f"{evidence.warc} is not in the archive any more: it has expired, if the site keeps raw data for so long "
            "only (keep_raw in its file).",
            next_step="`muniment audit` tells what has expired from what is lost; the version's text stands.",
        ) from error
    found = next(iter(read_captures(io.BytesIO(record))), None)
    if found is None or found.record_id != evidence.record_id:
        raise ArchiveError(
            f"{evidence.warc} has no record {evidence.record_id} at {evidence.offset}.",
            next_step="`muniment audit` names all that is damaged; restore the segment from a backup.",
        )
    return replace(found, offset=evidence.offset, length=evidence.length)


def read_capture(archive: Archive, version: Version) -> Captured:
    """A version's capture with its payload, which for an answer "not modified" is that of an earlier capture.

    Raises:
        KeyMissing: the segment is not there.
        ArchiveError: the record is not there.
        NotInArchive: the payload that a revisit repeats is in no capture of its URL.
    """
    found = read_record(archive, version.evidence)
    if found.record_type == "response":
        return found
    digest = version.evidence.payload_digest
    for other in reversed(archive.versions(version.site, version.article)):
        standing = other.evidence.record_type == "response" and other.state != "redacted"
        if standing and other.evidence.payload_digest == digest:
            earlier = read_record(archive, other.evidence)
            return replace(found, payload=earlier.payload, headers=earlier.headers)
    for line in find_captures(archive, version.site, found.url):  # one that made no version
        if line.digest == digest and not line.is_revisit:
            [earlier] = read_captures(io.BytesIO(archive.store.get_range(line.filename, line.offset, line.length)))
            return replace(found, payload=earlier.payload, headers=earlier.headers)
    raise NotInArchive(
        f"Version {version.n} of {version.url} repeats a payload ({digest}) that no capture of its URL has.",
        next_step="The revisit record itself names the earlier one: WARC-Refers-To. A takedown may have sealed that.",
    )
