"""The audit: whether all that stands in the bucket is what was put there, and agrees with itself.

What is held against what:

    every object's bytes        the digest in the journal; where that has none, the one beside the object
    what stands                 what the journal says was made, replaced and taken away
    a site's journal            its own chain, and heads that an earlier audit told
    a version                   its key, its user metadata, its digest of headline and text, the version before it
    its evidence                the record at that place of that segment: id, kind, status, digest of the payload
    a run                       published.json ↔ journal; the versions it made; findings ↔ what it discovered
    table, frontier, index      the versions and the runs, both ways

It only looks (``pipeline.repair`` mends). Publishers may be at work meanwhile: what implies something else is read
before it, in the opposite order to that in which they write, and whatever seems wrong is looked at once more before
it is named. What one damage entails is not told as many: an object whose bytes are wrong is named, and nothing is
concluded from it.

Every object is read once and in constant memory; what is to be compared across objects lies in a database in a
temporary file, of one site at a time, so that the size of the archive does not matter.

    told      what comes out: discrepancies, notes, heads, and what an operator does next
    records   one WARC record, held against what a version says of it
    look      one look at a site: what it knows so far, with its database
    chain     the journal's own chain, and what it and the takedowns' orders make expected
    objects   every object read, and its bytes held against what was recorded
    accounts  what nothing accounts for; runs and versions against the journal and themselves
    derived   table, frontier, index and memory against versions and runs
    auditing  the order of all that

Each knows only those above it.
"""

from __future__ import annotations

from pipeline.audit.auditing import audit_archive
from pipeline.audit.told import (
    Audited,
    Choice,
    Discrepancy,
    Head,
    Kind,
    Note,
    Problem,
    Progress,
    is_rebuildable,
    kind_of,
)

__all__ = [
    "Audited",
    "Choice",
    "Discrepancy",
    "Head",
    "Kind",
    "Note",
    "Problem",
    "Progress",
    "audit_archive",
    "is_rebuildable",
    "kind_of",
]
