"""A run that is only tried: crawl, extract, check, and what publishing it would come to. The archive stays as it is.

    rehearse(work, "localgov", run, limit=20)      # the parameter "Dry run" of a site's DAG

All that the steps write goes into files of a scratch folder (``Overlay``), laid over the bucket that they read, and is
gone with the end. So a rehearsal is no run of the site's history, moves no frontier, appears in no list and in no
reader's view, and may be ended at any instruction. The site is really asked, and pages really come.

What stands in the way of publishing in earnest: the table is another library's, and writes past the overlay. So
``publish`` is not called, and what it would do is told from the findings and what the frontier knows.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pipeline.archive import Archive
from pipeline.errors import RunRejected
from pipeline.frontier import Frontier
from pipeline.model import Report
from pipeline.steps import Workplace, check, crawl, extract
from pipeline.store import Overlaid, Store
from spiders.window import Window

SAMPLE: Final = 10


@dataclass(frozen=True, kw_only=True)
class Rehearsed:
    """What a rehearsal came to."""

    report: Report
    new: int  # articles that no earlier run knows
    known: int  # articles that one does: a version of each whose text has changed
    other: dict[str, int]  # other findings: kind -> how many
    sample: tuple[tuple[str, str], ...]  # title and URL of some new articles


@dataclass(kw_only=True)
class Overlay:
    """What was written over a bucket, in files of a folder; the requests that it answers instead of the store."""

    folder: Path
    _kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def has(self, key: str) -> bool:
        """Whether the object was written over."""
        return key in self._kept

    def put(self, key: str, body: Any, content_type: str, metadata: Mapping[str, str]) -> dict[str, Any]:
        """Keep an object; what a store answers."""
        content = body if isinstance(body, bytes) else body.read()
        path = self.folder / hashlib.sha256(key.encode()).hexdigest()
        with self._lock:
            path.write_bytes(content)
            etag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
            self._kept[key] = {
                "ETag": etag,
                "ContentLength": len(content),
                "LastModified": datetime.now(UTC),  # noqa: TID251 - as a store's clock
                "ContentType": content_type,
                "Metadata": dict(metadata),
            }
        return {"ETag": etag}

    def head(self, key: str) -> dict[str, Any]:
        """What is told of an object that was written over."""
        return {**self._kept[key], "ResponseMetadata": {"HTTPStatusCode": 200}}

    def get(self, key: str) -> bytes:
        """Its bytes."""
        return (self.folder / hashlib.sha256(key.encode()).hexdigest()).read_bytes()

    def entries(self, prefix: str, after: str) -> dict[str, dict[str, Any]]:
        """The objects below a prefix, as a listing has them."""
        with self._lock:
            return {
                key: {
                    "Key": key,
                    "Size": one["ContentLength"],
                    "ETag": one["ETag"],
                    "LastModified": one["LastModified"],
                }
                for key, one in self._kept.items()
                if key.startswith(prefix) and key > after
            }


def rehearse(
    work: Workplace,
    site_id: str,
    run: str,
    *,
    limit: int | None = None,
    anytime: bool = False,
    window: Window | None = None,
) -> Rehearsed:
    """Try a run: see the module.

    Args:
        work: the workplace; its archive is only read.
        site_id: which site.
        run: an id for it; nothing of that name must be in the archive.
        limit, anytime, window: as for ``steps.crawl``.

    Raises:
        All that the steps raise but RunRejected, whose report is returned.
    """
    with tempfile.TemporaryDirectory(prefix=f"muniment-rehearsal-{run}-", dir=work.settings.scratch) as name:
        store = over(work.archive.store, Overlay(folder=Path(name)))
        archive = Archive(store, work.archive.table_store)
        trial = Workplace(settings=work.settings, sites=work.sites, archive=archive)
        for segment in crawl(trial, site_id, run, limit=limit, anytime=anytime, window=window).segments:
            extract(trial, site_id, run, segment)
        try:
            report = check(trial, site_id, run)
        except RunRejected:
            found = archive.read_report(site_id, run)
            assert found is not None
            report = found
        with Frontier.open(archive, work.site(site_id)) as frontier:
            known = {each.url for each in frontier.known(work.settings.now(), work.site(site_id))}
        kinds: Counter[str] = Counter()
        sample: list[tuple[str, str]] = []
        for finding in archive.read_findings(site_id, run):
            if finding.article is None:
                kinds[finding.kind] += 1
            elif finding.requested in known:
                kinds["known"] += 1
            else:
                kinds["new"] += 1
                if len(sample) < SAMPLE:
                    sample.append((finding.article.title or "(no title)", finding.requested))
    new, before = kinds.pop("new", 0), kinds.pop("known", 0)
    return Rehearsed(report=report, new=new, known=before, other=dict(kinds), sample=tuple(sample))


def over(store: Store, overlay: Overlay) -> Store:
    """The same bucket, with everything that is written put into the overlay."""
    return Overlaid(store, overlay)
