"""Takedowns: what must not be read any more is taken out of readers' reach, and every step of it is told.

Not filtered by each reader, because one would be forgotten: version documents, rows, WARC records, findings, learned
blocks and indexes are replaced in place by what may be read. Ids, URLs, times, digests and offsets stay, so chains have
no gaps and evidence is found where it was. The originals go byte for byte to ``sealed/<site>/<id>/…``, which readers
cannot reach; to reinstate is to put them back, and the digests that were recorded hold again. To destroy is not to
keep them.

    order written → for each object: sealed → noted in the order → replaced (If-Match) → the journal's entry → done

Every step can be killed and called again. What an object becomes depends on two things only: its state before any
takedown (``sealed/`` has it, for every order that touched the object) and the orders in force on it. So orders stack,
and end in any order. Orders of a site are carried out one by one: who finds one that was begun ends it first.

A segment is sealed by its records: a line of JSON, ``[[offset, length], …]``, and behind it these gzip members.
"""

from __future__ import annotations

from pipeline.takedown.care import Care, care_for_takedowns
from pipeline.takedown.carrying import (
    carry_out,
    clean_run,
    destroy_rest,
    find_copies,
    order_takedown,
    preview_takedown,
    read_withheld,
    reapply,
    reinstate,
    reinstate_due,
    renew,
    resume,
)
from pipeline.takedown.orders import (
    active,
    describe,
    find_order,
    is_overdue,
    read_order,
    read_orders,
    redact_article,
    withheld_urls,
)
from pipeline.takedown.replacing import Step
from pipeline.takedown.sieve import Sieve
from pipeline.takedown.words import MARK, Finder

__all__ = [
    "MARK",
    "Care",
    "Finder",
    "Sieve",
    "Step",
    "active",
    "care_for_takedowns",
    "carry_out",
    "clean_run",
    "describe",
    "destroy_rest",
    "find_copies",
    "find_order",
    "is_overdue",
    "order_takedown",
    "preview_takedown",
    "read_order",
    "read_orders",
    "read_withheld",
    "reapply",
    "redact_article",
    "reinstate",
    "reinstate_due",
    "renew",
    "resume",
    "withheld_urls",
]
