"""Processes that race for the table: writers of runs, mergers, one who makes it anew, readers.

``python -m tests.pipeline.table_workers write 0 6`` and so on; the archive is that of the environment.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from datetime import datetime

from pipeline.archive import Archive
from pipeline.lifecycle import Making, decide
from pipeline.maintenance import maintain, rebuild
from pipeline.model import Published, Version
from pipeline.settings import Settings
from pipeline.store import connect
from pipeline.table import Rows, commit_rows, dataset, merge_files
from tests.pipeline.built_runs import NOW, START, a_run, a_site, found

SITE = a_site("racing")
PER_RUN = 3


def versions_of(run: str) -> list[Version]:
    """The first versions of articles that only this run has."""
    making = Making(site=SITE, run=run, code="muniment 0", extractor="extractor 0")
    made = [decide(making, found(f"{run}-{n}", f"Text {n}.", run, START), []).version for n in range(PER_RUN)]
    return [version for version in made if version is not None]


def publish_run(archive: Archive, run: str, *, now: datetime = NOW) -> None:
    """As a publisher does: versions, then rows, then the note that it is published."""
    with Rows(archive) as rows:
        for version in versions_of(run):
            archive.put_version(version)
            rows.add(version)
        count = commit_rows(archive, SITE.id, run, rows, now=now)
    archive.write_published(
        Published(site=SITE.id, run=run, outcomes={}, discovered=0, versions={}, made=(), table_rows=count)
    )


def _read(archive: Archive, seconds: float) -> None:
    """Whole runs and no row twice, in a snapshot that was opened first and in ever new ones."""
    first = dataset(archive)
    rows = sorted(first.to_table(columns=["article"])["article"].to_pylist())
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        assert sorted(first.to_table(columns=["article", "text"])["article"].to_pylist()) == rows
        seen = dataset(archive).to_table(columns=["run", "article"])
        assert set(Counter(seen["run"].to_pylist()).values()) <= {PER_RUN}
        assert len(set(seen["article"].to_pylist())) == seen.num_rows


def main(role: str, *given: str) -> None:
    """Do what the role does."""
    store = connect(Settings())
    archive = Archive(store, store)
    if role == "write":
        for hours in range(int(given[0]), int(given[0]) + int(given[1])):
            publish_run(archive, a_run(hours))
        return
    if role == "read":
        _read(archive, float(given[0]))
        return
    ends = time.monotonic() + float(given[0])
    while time.monotonic() < ends:
        if role == "merge":
            merge_files(archive, SITE.id, now=NOW)
        elif role == "maintain":
            maintain(archive, now=NOW)
        else:
            rebuild(archive, SITE.id, now=NOW)


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # at the interpreter's end the threads of pyarrow and delta-rs abort now and then, when all is done
