"""What is derived of versions and runs, held against them, both ways: table, frontier, indexes, the site's memory."""

from __future__ import annotations

import hashlib
import sqlite3
from array import array
from contextlib import suppress

from pipeline.audit.look import Look, answers, batches, check_digest
from pipeline.audit.objects import COLUMNS, mark_row, write_moment
from pipeline.audit.told import Flaw
from pipeline.boilerplate import Memory
from pipeline.cdx import parse_line
from pipeline.errors import ArchiveError
from pipeline.frontier import look_into
from pipeline.lifecycle import Standing
from pipeline.store import KeyMissing
from pipeline.table import SCHEMA, dataset, open_table

TABLE_KEY = "tables/articles"
_ROWS = 2048
_LATE = SCHEMA.names.index("edit")  # from here on a row of an earlier release has nulls
_RECALLED_RUNS = 60  # that the memory of repeated blocks is put together of, at most
_MOST_TOLD = 5  # things that are told of one object


def read_table(look: Look) -> None:
    """Marks of the site's rows."""
    wanted = None if look.chosen is None else _chosen_versions(look)
    try:
        import pyarrow.dataset as ds  # noqa: PLC0415 - loads pandas where that is installed: 0.4 s

        look.has_table = open_table(look.archive) is not None
        if wanted == []:
            return
        found = dataset(look.archive)
        condition = ds.field("site") == look.site
        if wanted is not None:
            condition &= ds.field("key").isin(wanted)
        names = [name for name in COLUMNS if name in found.schema.names]
        for batch in found.scanner(columns=names, filter=condition, batch_size=_ROWS).to_batches():
            look.write("INSERT INTO rows VALUES (?, ?)", ((row["key"], mark_row(row)) for row in batch.to_pylist()))
    except Exception as error:  # whatever Arrow and Delta make of damaged files
        if not answers(look.archive):
            raise
        look.table_said = str(error).split("\n", maxsplit=1)[0][:300]


def _chosen_versions(look: Look) -> list[str]:
    """Keys of the versions that are to be read, where not all are."""
    return [
        each.key
        for each in look.archive.store.list(f"articles/{look.site}/")
        if look.is_chosen(each.key) or each.key in look.suspects
    ]


def read_frontier(look: Look) -> None:
    """What the frontier remembers of articles, and which runs are in it."""
    key = look.archive.frontier_key(look.site)
    try:
        stored = look.archive.store.get(key)
    except KeyMissing:
        return
    look.count_bytes(len(stored.body))
    flaw = check_digest(key, len(stored.body), hashlib.sha256(stored.body).hexdigest(), stored.metadata)
    if flaw is None:
        try:
            with look_into(stored.body) as (runs, standings):
                for some in batches(standings, 1000):
                    look.write("INSERT INTO standings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_standing_row, some))
                look.applied = runs
        except (ArchiveError, sqlite3.DatabaseError, ValueError) as error:
            flaw = Flaw(key=key, problem="wrong", expected="a frontier", stands=str(error).split("\n")[0])
    if flaw is not None:
        look.bad.add(key)
        look.name(flaw)


def judge_memory(look: Look, published: set[str]) -> None:
    """Whether the memory of repeated blocks is there, where a run that is published taught some."""
    key = look.archive.boilerplate_key(look.site)
    if look.stands(key):
        return  # its digest was held
    taught = [run for run in sorted(published, reverse=True) if "boilerplate.json" in look.run(run).names]
    for run in taught[:_RECALLED_RUNS]:
        with suppress(ArchiveError):  # damaged: that is told of them
            lessons = look.archive.read_lessons(look.site, run, Memory)
            orders = look.archive.read_orders(look.site, run)
            if lessons is not None and lessons.pages and (orders is None or orders.teaches):
                expected = f"the repeated blocks that run {run} and others taught"
                look.name(Flaw(key=key, problem="missing", expected=expected, stands="nothing"))
                return


def judge_indexes(look: Look, published: set[str]) -> None:
    """Whether the index of each run has the records that its versions rest on, and no segment that is not there."""
    for run in sorted(published):
        key = look.archive.index_key(look.site, run)
        if key in look.bad or not look.is_chosen(key):
            continue
        wanted = {
            (row["warc"], row["offset"])
            for row in look.db.execute("SELECT key, warc, offset FROM versions WHERE run = ?", (run,))
            if row["key"] not in look.bad and row["warc"] not in look.bad | look.replaced
        }
        try:
            body = look.archive.store.get(key).body
        except KeyMissing:
            continue  # of a release that made none, or it reads again; one that was made is missed by the journal
        segments = set(look.archive.numbered_segments(look.site, run, again=False).values())
        try:
            lines = [parse_line(line) for line in body.splitlines(keepends=True)]
        except ArchiveError as error:
            look.name(Flaw(key=key, problem="wrong", expected="an index", stands=error.message))
            continue
        missing = wanted - {(line.filename, line.offset) for line in lines}
        strange = {line.filename for line in lines} - segments - look.bad - look.expired
        if missing or strange:
            expected = f"a line for each of {len(wanted)} records that versions rest on, of {len(segments)} segments"
            stands = f"{len(missing)} of these are not in it; it names {len(strange)} segments that are not there"
            look.name(Flaw(key=key, problem="disagrees", expected=expected, stands=stands), run=run)


def judge_table(look: Look, published: set[str]) -> None:
    """Rows and versions, both ways."""
    if look.table_said is not None:
        look.name(Flaw(key=TABLE_KEY, problem="unreadable", expected="the table", stands=look.table_said))
        return
    if not look.runs and not look.count("objects") and (rows := look.count("rows")):
        look.name(
            Flaw(
                key=look.archive.journal_key(look.site, 1),
                problem="missing",
                expected=f"the objects of a site that the table has {rows} rows of",
                stands="nothing of it; or somebody has put rows into the table that are none of the archive's",
            )
        )
        return
    pairs = look.db.execute(
        """SELECT v.key, v.run, v.row, r.row AS told, count(r.key) AS rows FROM versions v
        JOIN objects o ON o.key = v.key LEFT JOIN rows r ON r.key = v.key GROUP BY v.key"""
    )
    for row in pairs:
        key = row["key"]
        if key in look.bad or (not row["rows"] and not look.is_published(row["run"], published)):
            continue
        if not look.has_table:
            look.name(Flaw(key=TABLE_KEY, problem="missing", expected="the table", stands="nothing"))
            return
        if row["rows"] != 1:
            look.name(
                Flaw(key=key, problem="disagrees", expected="one row in the table", stands=f"{row['rows']} rows"),
                run=row["run"],
            )
        elif row["told"] != row["row"]:
            columns = _differing(row["row"], row["told"])
            if columns:
                expected = "a row that says what the version says"
                stands = f"another {', '.join(columns)}"
                look.name(Flaw(key=key, problem="disagrees", expected=expected, stands=stands), run=row["run"])
    alone = look.db.execute(
        "SELECT r.key FROM rows r LEFT JOIN objects o ON o.key = r.key WHERE o.key IS NULL GROUP BY r.key"
    )
    for (key,) in alone.fetchall():
        if key not in look.bad and (key, "missing") not in look.found:
            flaw = Flaw(key=key, problem="disagrees", expected="no row: there is no such version", stands="a row")
            look.name(flaw)


def judge_frontier(look: Look, published: set[str]) -> None:
    """What is remembered of articles against their versions, where all of these were read and are whole."""
    key = look.archive.frontier_key(look.site)
    if key in look.bad:
        return
    runs = {run for run in look.runs if look.is_published(run, published)}
    if look.applied is None:
        if runs and not look.stands(key):
            look.name(Flaw(key=key, problem="missing", expected="the frontier", stands="nothing"))
        return
    wrong = [f"run {run} is not in it" for run in sorted(runs - look.applied)]
    wrong += [f"run {run} is in it, which is not in the archive" for run in sorted(look.applied - set(look.runs))]
    damaged = {key.split("/")[2] for key in look.bad if key.startswith("articles/")}
    query = """SELECT v.article, count(*) AS there FROM versions v JOIN objects o ON o.key = v.key
        GROUP BY v.article ORDER BY v.article"""
    for row in look.db.execute(query).fetchall():
        if len(wrong) >= _MOST_TOLD:
            break
        if row["article"] not in damaged and row["there"] == _count_versions(look, row["article"]):
            wrong += _judge_standing(look, row["article"])
    if look.chosen is None:
        lone = look.db.execute(
            """SELECT s.article FROM standings s WHERE NOT EXISTS (SELECT 1 FROM objects o WHERE o.key >= ?1 ||
            s.article || '/' AND o.key < ?1 || s.article || '0') LIMIT ?2""",
            (f"articles/{look.site}/", _MOST_TOLD),
        )
        wrong += [
            f"article {article} is in it, which has no version"
            for (article,) in lone
            if look.archive.version_key(look.site, article, 1) not in look.bad
        ]
    if wrong:
        stands = "; ".join(wrong[:_MOST_TOLD])
        look.name(Flaw(key=key, problem="disagrees", expected="what versions and runs say", stands=stands))


def _count_versions(look: Look, article: str) -> int:
    folder = f"articles/{look.site}/{article}"
    query = "SELECT count(*) FROM objects WHERE key >= ? AND key < ?"
    return int(look.db.execute(query, (f"{folder}/", f"{folder}0")).fetchone()[0])


def _judge_standing(look: Look, article: str) -> list[str]:
    assert look.applied is not None
    versions = look.db.execute("SELECT * FROM versions WHERE article = ? ORDER BY captured_at, n", (article,))
    found = versions.fetchall()
    settled = [row for row in found if row["run"] in look.applied]
    if not settled:
        return []  # of runs that are not through yet
    standing = look.db.execute("SELECT * FROM standings WHERE article = ?", (article,)).fetchone()
    if standing is None:
        return [f"article {article} is not in it"]
    # A publisher has seen versions of others that are not through yet: what it remembers may be one of these.
    fits = [row for row in found[found.index(settled[-1]) :] if _is_same_standing(row, standing)]
    if not fits:
        return [f"it has another version of article {article} as the current one"]
    if not max(row["n"] for row in settled) <= standing["n"] <= len(found):
        return [f"article {article} has {len(found)} versions, and {standing['n']} in it"]
    return []


def _standing_row(standing: Standing) -> tuple[object, ...]:
    return (
        standing.article,
        standing.n,
        standing.digest,
        standing.state.value,
        write_moment(standing.captured_at),
        standing.run,
        standing.url,
        standing.title,
        standing.moved_to,
    )


def _is_same_standing(version: sqlite3.Row, standing: sqlite3.Row) -> bool:
    names = ("captured_at", "run", "digest", "state", "url", "title", "moved_to")
    return all(version[name] == standing[name] for name in names)


def _differing(version: bytes, row: bytes) -> list[str]:
    """Columns in which two rows differ; columns that were added after a row was written are null in it."""
    ours, theirs = array("I", version), array("I", row)
    last = len(COLUMNS)
    while last > _LATE and theirs[last - 1] == 0:
        last -= 1
    return [name for name, one, other in zip(COLUMNS[:last], ours, theirs, strict=False) if one != other]
