"""Captures that something else made: WARC and WACZ files become runs of the sites whose pages are in them.

``Survey`` reads files once, with all sites in view. What belongs to none is counted; heads and bodies of article pages
lie in a file on this machine, with an index beside it. Then it settles what they mean together: the same capture
twice, a revisit and whose payload it repeats, a redirect and the page that it led to.

A run has one capture of an article at most. So an import of a file in which pages come several times is several runs,
the first with the earliest capture of each page, one behind the other in time, and each state that a page was in
becomes a version of its own moment. A run's id follows from the files, the site as its file declares it and the
release: importing again, on another machine, or after a kill, means the same runs, which are there already or are
completed. Captures that runs of before have (the same record id, or the same address, moment and payload) are left
out, and the run's orders say of which runs they are.

What is kept is what was recorded: head and body byte for byte, the record's own id and moment; its first digests and
its place in the file are in the ``metadata`` record. What others' crawlers were refused (403, 429, 5xx …) says nothing
of an article and is left out; so is what is cut short, and what does not have the digest that stands on it.

``write_run`` is what the crawl is for other runs; extracting, checking and publishing are as always
(``pipeline.steps``).
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import uuid
from base64 import b32encode
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

from pipeline import __version__
from pipeline.archive import Archive
from pipeline.errors import ArchiveError, NotInArchive, SettingsError
from pipeline.evidence import read_capture
from pipeline.lifecycle import fold_address, is_same_address
from pipeline.model import CONTRACT, article_id, run_id
from pipeline.store import KeyMissing
from spiders.coding import undo_transfer
from spiders.foreign import Note, Record, Trouble, Unreadable, find_form, read_file
from spiders.policy import SitePolicy, find_objection, has_markup, read_head, see_policy
from spiders.protocol import EXAMPLES, CrawlSummary, Input, Orders
from spiders.site import Site
from spiders.urls import absolute_url, canonical_url
from spiders.values import find_netloc
from spiders.warc import Exchange, Hop, Original, SegmentWriter, part_message, payload_digest, read_captures

SEGMENT_BYTES: Final = 64 << 20
"""Heads and bodies of a segment. Not the setting: the same file is to give the same segments on every machine."""

_OURS: Final = uuid.UUID("6d756e69-6d65-5e74-8000-696d706f7274")  # name space of ids that are made here
_HEAD_BYTES: Final = 1 << 20  # beside the body, of the largest record that is read
_LARGEST_REQUEST: Final = 64 * 1024
_WINDOW: Final = 32  # records between a response and its request
_MOST_HOPS: Final = 10
_LED_AFTER: Final = timedelta(days=1)  # so long after a redirect its target was fetched, at the most
_LED_BEFORE: Final = timedelta(hours=1)
_RUN_LASTS: Final = timedelta(days=7)  # no crawl takes longer
_FIRST: Final = datetime(1991, 8, 6, tzinfo=UTC)  # there was no web before
_CLOCKS: Final = timedelta(days=1)
_TELL_EVERY: Final = 2000  # records
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_RECORD_ID: Final = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]{0,30}:[!-;=?-~]{1,200}>")
_DIGESTS: Final = frozenset({"md5", "sha1", "sha256", "sha384", "sha512"})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TOLD: Final = frozenset({200, 203, 404, 410})  # statuses that say something of an article
_PAGES: Final = ("text/html", "application/xhtml+xml", "application/pdf", "text/plain", "")
_UNKNOWN: Final = "robots.txt, tdmrep.json, ai.txt"

_SCHEMA: Final = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE captures (
    id INTEGER PRIMARY KEY, site TEXT NOT NULL, requested TEXT NOT NULL, url TEXT NOT NULL, at TEXT NOT NULL,
    kind TEXT NOT NULL, status INTEGER NOT NULL, record_id TEXT NOT NULL, sha256 TEXT,
    head_at INTEGER NOT NULL, head_size INTEGER NOT NULL, body_at INTEGER NOT NULL, body_size INTEGER NOT NULL,
    asked_at INTEGER NOT NULL DEFAULT 0, asked_size INTEGER NOT NULL DEFAULT 0,
    target TEXT, refers_id TEXT, refers_url TEXT, refers_at TEXT, told TEXT, ip TEXT, agent TEXT, origin TEXT NOT NULL,
    hops TEXT NOT NULL DEFAULT '', led INTEGER, source INTEGER, round INTEGER, segment INTEGER
);
CREATE TABLE latest (page TEXT PRIMARY KEY, round INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE held (capture INTEGER, run TEXT, PRIMARY KEY (capture, run)) WITHOUT ROWID;
"""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A run that an import comes to."""

    site: Site
    run: str
    round: int
    captures: int
    since: datetime
    until: datetime


@dataclass(kw_only=True)
class Skipped:
    """What was left out of a site's records, or of those of no site: reason → how many, and some of them."""

    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, what: str) -> None:
        """Count one."""
        self.reasons[reason] += 1
        told = self.examples.setdefault(reason, [])
        if len(told) < EXAMPLES and what not in told:
            told.append(what[:500])


class _Refused(Exception):
    """A record that is left out, and why."""


def _refuse(name: str, error: Exception) -> SettingsError:
    return SettingsError(f"{name} cannot be imported: {error}.", next_step="Leave it out, or give another file.")


@dataclass(kw_only=True)
class _Waiting:
    """A response whose request may come yet."""

    rows: list[int]
    url: str
    sites: list[str]
    record_id: str
    concurrent: str
    number: int


@dataclass(kw_only=True)
class _Asked:
    """A request whose response may come yet."""

    url: str
    record_id: str
    concurrent: str
    head: bytes
    number: int


class Survey:
    """What files hold of the sites' pages; a context manager.

    Args:
        sites: whose pages are looked for.
        spool: an empty folder, which gets what is found; nothing of it is needed behind the end.
        now: the time; nothing can have been captured after it.
    """

    def __init__(self, sites: Iterable[Site], spool: Path, now: datetime) -> None:
        self.sites = {site.id: site for site in sites}
        self.inputs: list[Input] = []
        self.skipped: dict[str, Skipped] = {site: Skipped() for site in self.sites}
        self.elsewhere = Skipped()  # records of no site
        self._spool = spool
        self._now = now
        self._hosts: dict[str, list[Site]] = {}
        for site in self.sites.values():
            for host in site.hosts:
                self._hosts.setdefault(host, []).append(site)
        self._largest = max((site.crawl.max_bytes for site in self.sites.values()), default=0) + _HEAD_BYTES
        self._db = sqlite3.connect(spool / "captures.sqlite", isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript(_SCHEMA)
        self._bytes = (spool / "captures.bytes").open("w+b")
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
        self._bytes.close()

    # --- reading --------------------------------------------------------------------------------

    def read(self, paths: Mapping[Path, str], tell: Callable[[str, int], None] | None = None) -> None:
        """Read files, once; call it once.

        Args:
            paths: the files, and how each is named to people. The same bytes twice are read once.
            tell: told now and then of a file's name and how many of its records were read.

        Raises:
            SettingsError: a file is no WARC and no WACZ, or cannot be read.
        """
        files: dict[str, Path] = {}
        for path in paths:
            try:
                find_form(path)
                with path.open("rb") as file:
                    files.setdefault(hashlib.file_digest(file, "sha256").hexdigest(), path)
            except (OSError, Unreadable) as error:
                raise _refuse(paths[path], error) from error
        self._db.execute("BEGIN")
        for sha256, path in sorted(files.items()):  # so that the order of arguments decides nothing
            try:
                self.inputs.append(_Reader(self, path, paths[path], sha256, tell).read())
            except (OSError, Unreadable) as error:
                raise _refuse(paths[path], error) from error
        self._settle()
        self._db.execute("COMMIT")

    def plan(self, site_id: str) -> list[Planned]:
        """The runs that a site's captures come to, the earliest first. Asked before ``resolve_by_archive``, they follow
        from the files alone.
        """
        site = self.sites[site_id]
        files = "\n".join(sorted(each.sha256 for each in self.inputs))
        scope = hashlib.sha256(site.model_dump_json().encode()).hexdigest()
        found = self._db.execute(
            "SELECT round, count(*) AS captures, min(at) AS since, max(at) AS until FROM captures "
            "WHERE site = ? AND round IS NOT NULL AND kind <> 'redirect' GROUP BY round ORDER BY round",
            (site_id,),
        )
        return [
            Planned(
                site=site,
                run=run_id(
                    datetime.fromisoformat(row["since"]),
                    f"import {CONTRACT} {__version__} {site_id} {scope} {row['round']}\n{files}",
                ),
                round=row["round"],
                captures=row["captures"],
                since=datetime.fromisoformat(row["since"]),
                until=datetime.fromisoformat(row["until"]),
            )
            for row in found.fetchall()
        ]

    def _owners(self, url: str) -> list[Site]:
        try:
            return self._hosts.get(find_netloc(urlsplit(url)), [])
        except ValueError:
            return []

    def _keep(self, data: bytes) -> int:
        at = self._end
        self._bytes.write(data)
        self._end += len(data)
        return at

    def _take(self, at: int, size: int) -> bytes:
        self._bytes.seek(at)
        data = self._bytes.read(size)
        self._bytes.seek(0, 2)
        return data

    # --- what captures mean together ------------------------------------------------------------

    def _settle(self) -> None:
        self._db.execute("CREATE INDEX by_url ON captures (url, at)")
        self._db.execute("CREATE INDEX by_record ON captures (record_id)")
        self._db.execute("CREATE INDEX by_page ON captures (site, requested, at)")
        self._db.execute("CREATE INDEX by_digest ON captures (told) WHERE sha256 IS NOT NULL")
        self._drop_doubles()
        self._settle_revisits()
        self._settle_redirects()
        self._drop_not_modified()
        self._deal_out()

    def _leave(self, rows: Iterable[sqlite3.Row], reason: str) -> None:
        for row in rows:
            self.skipped[row["site"]].add(reason, row["url"])
            self._db.execute("DELETE FROM captures WHERE id = ?", (row["id"],))

    def _drop_doubles(self) -> None:
        same = "SELECT min(id) FROM captures GROUP BY site, url, at, status, kind, coalesce(sha256, told, '')"
        self._leave(
            self._db.execute(f"SELECT * FROM captures WHERE id NOT IN ({same})").fetchall(),  # noqa: S608 - our words
            "the same capture twice",
        )
        again = """SELECT id, record_id, origin FROM captures c WHERE EXISTS (
            SELECT 1 FROM captures o WHERE o.site = c.site AND o.record_id = c.record_id AND o.id < c.id)"""
        for row in self._db.execute(again).fetchall():
            fresh = f"<{uuid.uuid5(_OURS, row['record_id'] + row['origin']).urn}>"
            self._db.execute("UPDATE captures SET record_id = ? WHERE id = ?", (fresh, row["id"]))

    def _settle_revisits(self) -> None:
        """Give each revisit the payload that it repeats, where it is in the files."""
        for row in self._db.execute("SELECT * FROM captures WHERE kind = 'revisit' AND status <> 304").fetchall():
            source = self._find_source(row)
            if source is not None:
                self._give(row, source["id"], source["body_at"], source["body_size"], source["sha256"])
                if not row["head_size"]:
                    self._db.execute(
                        "UPDATE captures SET head_at = ?, head_size = ?, status = ? WHERE id = ?",
                        (source["head_at"], source["head_size"], source["status"], row["id"]),
                    )

    def _find_source(self, row: sqlite3.Row) -> sqlite3.Row | None:
        wanted = "SELECT * FROM captures WHERE sha256 IS NOT NULL AND kind = 'page'"
        asked: list[tuple[str, tuple[Any, ...]]] = []
        if row["refers_id"]:
            asked.append((f"{wanted} AND record_id = ?", (row["refers_id"],)))
        if row["refers_at"]:
            asked.append((f"{wanted} AND url = ? AND at = ?", (row["refers_url"] or row["url"], row["refers_at"])))
        if row["told"]:
            asked.append((f"{wanted} AND told = ? AND url = ? ORDER BY at", (row["told"], row["url"])))
            asked.append((f"{wanted} AND told = ? ORDER BY at, id", (row["told"],)))
        for query, values in asked:
            for source in self._db.execute(f"{query} LIMIT 5", values):
                if not row["told"] or _tells(row["told"], self._body_of(source), None) is not False:
                    return source  # type: ignore[no-any-return]
        return None

    def _body_of(self, row: sqlite3.Row) -> bytes:
        return self._take(row["body_at"], row["body_size"])

    def _give(self, row: sqlite3.Row, source: int | None, at: int, size: int, sha256: str, note: str = "") -> None:
        origin = json.loads(row["origin"])
        origin["note"] = (
            note or "a revisit: the payload is that of the record which it repeats, as it lies in the files"
        )
        self._db.execute(
            "UPDATE captures SET kind = 'page', source = ?, body_at = ?, body_size = ?, sha256 = ?, origin = ? "
            "WHERE id = ?",
            (source, at, size, sha256, json.dumps(origin), row["id"]),
        )

    def resolve_by_archive(self, archive: Archive, site_id: str) -> None:
        """Give revisits whose payload is in none of the files that of the archive, where it has it; leave out others.

        Only what a version rests on is looked for.
        """
        rows = self._db.execute(
            "SELECT * FROM captures WHERE site = ? AND kind = 'revisit' AND round IS NOT NULL ORDER BY id", (site_id,)
        )
        for row in rows.fetchall():
            found = _find_in_archive(archive, site_id, row)
            if found is None or (row["told"] and _tells(row["told"], found, None) is False):
                self._leave([row], "a revisit of a record that is neither in the files nor in the archive")
                continue
            note = "a revisit: the payload is that of the record which it repeats, as it lies in the archive"
            at = self._keep(found)
            self._give(row, None, at, len(found), payload_digest(found), note)

    def _settle_redirects(self) -> None:
        """Tie redirects from article addresses to the pages that they led to."""
        rows = self._db.execute("SELECT * FROM captures WHERE kind = 'redirect' ORDER BY at, id").fetchall()
        led_on = {row["id"]: self._find_led(row) for row in rows}
        later = {found["id"] for found in led_on.values() if found is not None and found["kind"] == "redirect"}
        for row in rows:
            if row["id"] in later:
                continue  # in the middle of a chain
            chain, at = [row], led_on[row["id"]]
            while at is not None and at["kind"] == "redirect" and len(chain) < _MOST_HOPS:
                chain.append(at)
                at = led_on.get(at["id"])
            if at is None or at["kind"] == "redirect":
                self._leave(chain, "a redirect whose target is not in the files as an article page")
                continue
            requested = at["requested"] if is_same_address(row["requested"], at["url"]) else row["requested"]
            hops = " ".join(f"{each['status']} {each['target']}" for each in chain)
            if requested == at["requested"]:
                hops = ""  # http → https and the like: no other page
            taken = self._db.execute("SELECT hops FROM captures WHERE id = ?", (at["id"],)).fetchone()
            if not taken["hops"]:
                self._db.execute(
                    "UPDATE captures SET requested = ?, hops = ? WHERE id = ?", (requested, hops, at["id"])
                )
            for each in chain:
                self._db.execute("UPDATE captures SET led = ? WHERE id = ?", (at["id"], each["id"]))
        round_and_round = self._db.execute("SELECT * FROM captures WHERE kind = 'redirect' AND led IS NULL")
        self._leave(round_and_round.fetchall(), "a redirect that leads in a circle")

    def _find_led(self, row: sqlite3.Row) -> sqlite3.Row | None:
        at = datetime.fromisoformat(row["at"])
        for query, bound in (
            ("at >= ? AND at <= ? ORDER BY at, id", (row["at"], _text(at + _LED_AFTER))),
            ("at >= ? AND at < ? ORDER BY at DESC, id", (_text(at - _LED_BEFORE), row["at"])),
        ):
            found = self._db.execute(
                f"SELECT * FROM captures WHERE site = ? AND url = ? AND id <> ? AND {query} LIMIT 1",  # noqa: S608
                (row["site"], row["target"], row["id"], *bound),
            ).fetchone()
            if found is not None:
                return found  # type: ignore[no-any-return]
        return None

    def _drop_not_modified(self) -> None:
        """Of answers 304, those that nothing stands before."""
        rows = self._db.execute("SELECT * FROM captures WHERE kind = 'revisit' AND status = 304").fetchall()
        for row in rows:
            before = self._db.execute(
                "SELECT id, sha256 FROM captures WHERE site = ? AND requested = ? AND at < ? AND kind = 'page' "
                "AND status IN (200, 203) ORDER BY at DESC, id DESC LIMIT 1",
                (row["site"], row["requested"], row["at"]),
            ).fetchone()
            if before is None:
                self._leave([row], "not modified since a capture that is not in the files")
            else:
                self._db.execute(
                    "UPDATE captures SET kind = 'page', source = ?, sha256 = ? WHERE id = ?",
                    (before["id"], before["sha256"], row["id"]),
                )

    def _deal_out(self) -> None:
        """Give each capture the number of its run: one more than any that shares an address and is earlier."""
        self._db.execute("UPDATE captures SET round = NULL")
        rows = self._db.execute(
            "SELECT id, site, requested, url FROM captures WHERE kind <> 'redirect' ORDER BY at, id"
        )
        for row in rows:
            pages = {f"{row['site']} {fold_address(url)}" for url in (row["requested"], row["url"])}
            before = [
                found["round"]
                for page in pages
                if (found := self._db.execute("SELECT round FROM latest WHERE page = ?", (page,)).fetchone())
            ]
            number = max(before, default=-1) + 1
            self._db.execute("UPDATE captures SET round = ? WHERE id = ?", (number, row["id"]))
            self._db.executemany("INSERT OR REPLACE INTO latest VALUES (?, ?)", [(page, number) for page in pages])
        self._db.execute(
            "UPDATE captures SET round = (SELECT round FROM captures p WHERE p.id = captures.led) WHERE led IS NOT NULL"
        )
        self._db.execute("CREATE INDEX by_round ON captures (site, round, at)")
        self._db.execute("CREATE INDEX by_target ON captures (led) WHERE led IS NOT NULL")

    # --- what the archive has already -----------------------------------------------------------

    def hold_against(self, archive: Archive, site_id: str, runs: Iterable[str]) -> None:
        """Note which captures runs of the archive have already."""
        for run in runs:
            for finding in archive.read_findings(site_id, run):
                evidence = finding.evidence
                self._db.execute(
                    "INSERT OR IGNORE INTO held SELECT id, ?1 FROM captures WHERE site = ?2 AND kind <> 'redirect' AND "
                    "(record_id = ?3 OR (url = ?4 AND at = ?5 AND coalesce(sha256, ?6) = ?6))",
                    (
                        *(run, site_id, evidence.record_id, finding.final, _text(evidence.captured_at)),
                        evidence.payload_digest,
                    ),
                )

    def count_left(self, planned: Planned, beside: Sequence[str] | None = None) -> int:
        """How many pages of a planned run no other run has."""
        return sum(1 for row in self._rows(planned, beside) if row["kind"] == "page")

    def find_beside(self, planned: Planned) -> tuple[str, ...]:
        """The runs that have captures of a planned one."""
        query = """SELECT DISTINCT run FROM held JOIN captures ON id = capture
            WHERE site = ? AND round = ? ORDER BY run"""
        return tuple(row["run"] for row in self._db.execute(query, (planned.site.id, planned.round)))

    def _rows(self, planned: Planned, beside: Sequence[str] | None) -> Iterator[sqlite3.Row]:
        """The captures of a run in their order, redirects before what they led to."""
        held = {
            row["capture"]
            for row in self._db.execute(
                "SELECT capture, run FROM captures JOIN held ON capture = id WHERE site = ? AND round = ?",
                (planned.site.id, planned.round),
            )
            if beside is None or row["run"] in beside
        }
        rows = self._db.execute(
            """SELECT c.*, p.id AS before, p.sha256 AS before_sha256, p.record_id AS before_id, p.at AS before_at
            FROM captures c LEFT JOIN captures p ON p.id = (
                SELECT q.id FROM captures q
                WHERE q.site = c.site AND q.requested = c.requested AND q.at <= c.at AND q.round < c.round
                AND q.kind = 'page' ORDER BY q.at DESC, q.id DESC LIMIT 1)
            WHERE c.site = ? AND c.round = ? AND c.kind = 'page' ORDER BY c.at, c.id""",
            (planned.site.id, planned.round),
        )
        for row in rows:
            if row["id"] not in held:
                yield from self._db.execute("SELECT * FROM captures WHERE led = ? ORDER BY at, id", (row["id"],))
                yield row

    def segments(self, planned: Planned, beside: Sequence[str]) -> Iterator[tuple[int, list[sqlite3.Row]]]:
        """The captures of a run by segment."""
        some: list[sqlite3.Row] = []
        number = size = 0
        for row in self._rows(planned, beside):
            some.append(row)
            size += row["head_size"] + row["body_size"]
            if size >= SEGMENT_BYTES and row["kind"] == "page":
                yield number, some
                some, size, number = [], 0, number + 1
        if some:
            yield number, some

    def make_exchange(self, site: Site, row: sqlite3.Row) -> Exchange:
        """A capture, ready to be recorded."""
        head = self._take(row["head_at"], row["head_size"])
        payload = self._body_of(row)
        at = datetime.fromisoformat(row["at"])
        status, headers, _ = part_message(head)
        policy, objection = _see_policy(site, row["url"], headers, payload, at)
        redirect = row["kind"] == "redirect"
        original = None if redirect else self._find_original(row)
        words = row["hops"].split(" ")
        return Exchange(
            kind="redirect" if redirect else "page",
            url=row["url"],
            requested=row["requested"],
            status=row["status"] or status,
            request_head=self._take(row["asked_at"], row["asked_size"]),
            response_head=head,
            payload=payload,
            captured_at=at,
            ip=row["ip"],
            original=original,
            conditional=row["status"] == 304,
            hops=tuple(Hop(int(told), url) for told, url in zip(words[::2], words[1::2], strict=False)),
            policy={} if redirect else policy,
            withheld=objection is not None and not redirect,
            record_id=row["record_id"],
            origin=json.loads(row["origin"]),
        )

    def _find_original(self, row: sqlite3.Row) -> Original | None:
        """What a revisit that stays one refers to: its page had the same payload when it was captured last."""
        if row["source"] is None or row["before_sha256"] != row["sha256"]:
            return None
        source = self._db.execute("SELECT * FROM captures WHERE id = ?", (row["source"],)).fetchone()
        if source is None or source["requested"] != row["requested"]:
            return Original(payload_digest=row["sha256"], captured_at=row["before_at"], record_id=row["before_id"])
        return Original(payload_digest=row["sha256"], captured_at=source["at"], record_id=source["record_id"])

    def find_agent(self, planned: Planned) -> str:
        """How the crawler named itself that made a run's captures; of several, one."""
        found = self._db.execute(
            "SELECT agent FROM captures WHERE site = ? AND round = ? AND agent <> '' ORDER BY id LIMIT 1",
            (planned.site.id, planned.round),
        ).fetchone()
        return "" if found is None else str(found["agent"])


class _Reader:
    """Reads one file into a survey."""

    def __init__(
        self, survey: Survey, path: Path, name: str, sha256: str, tell: Callable[[str, int], None] | None
    ) -> None:
        self._survey = survey
        self._path = path
        self._name = _plain(name)[:200]
        self._sha256 = sha256
        self._tell = tell
        self._software: list[str] = []
        self._writer: tuple[str, str] = ("", "")  # member, what wrote it
        self._package = ""
        self._agent = ""
        self._responses: deque[_Waiting] = deque(maxlen=_WINDOW)
        self._requests: deque[_Asked] = deque(maxlen=_WINDOW)
        self._number = 0

    def read(self) -> Input:
        """All of it; what it is, for the books."""
        damaged, cut, problems = 0, False, list[str]()
        for each in read_file(self._path, largest=self._survey._largest, spool=self._survey._spool):  # noqa: SLF001
            if isinstance(each, Note):
                self._package = _plain(each.software)[:200]
                self._note_software(self._package)
            elif isinstance(each, Trouble):
                damaged += each.records
                cut = cut or each.cut
                if len(problems) < EXAMPLES:
                    place = f"{each.member} at " if each.member else "at "
                    problems.append(_plain(f"{place}{each.offset}: {each.reason}")[:500])
            else:
                self._number += 1
                if self._tell and self._number % _TELL_EVERY == 0:
                    self._tell(self._name, self._number)
                try:
                    self._take_record(each)
                except _Refused as refused:
                    self._survey.elsewhere.add(str(refused), each.headers.get("warc-target-uri", "")[:500])
        if self._tell:
            self._tell(self._name, self._number)
        return Input(
            name=self._name,
            sha256=self._sha256,
            size=self._path.stat().st_size,
            form=find_form(self._path),
            records=self._number,
            software=self._software,
            damaged=damaged,
            cut=cut,
            problems=problems,
        )

    def _note_software(self, software: str) -> None:
        if software and software not in self._software and len(self._software) < EXAMPLES:
            self._software.append(software)

    def _take_record(self, record: Record) -> None:
        kind = record.type
        if kind == "warcinfo":
            facts = _read_fields(record.block or b"")
            self._writer = (record.member, _plain(facts.get("software", ""))[:200])
            self._agent = _plain(facts.get("http-header-user-agent", ""))[:300]
            self._note_software(self._writer[1])
        elif kind == "request":
            self._take_request(record)
        elif kind in ("response", "revisit"):
            self._take_response(record)
        else:
            raise _Refused(f"{kind or 'untyped'} record")

    def _take_request(self, record: Record) -> None:
        head = (record.block or b"")[:_LARGEST_REQUEST]
        asked = _Asked(
            url=_target(record),
            record_id=record.headers.get("warc-record-id", ""),
            concurrent=record.headers.get("warc-concurrent-to", ""),
            head=head,
            number=self._number,
        )
        for waiting in reversed(self._responses):
            if self._belong(asked, waiting):
                self._responses.remove(waiting)
                self._join(waiting, asked)
                return
        self._requests.append(asked)

    def _belong(self, asked: _Asked, waiting: _Waiting) -> bool:
        if waiting.record_id and waiting.record_id in asked.concurrent.split():
            return True
        if asked.record_id and asked.record_id in waiting.concurrent.split():
            return True
        untied = not asked.concurrent and not waiting.concurrent
        return untied and asked.url == waiting.url and abs(asked.number - waiting.number) == 1

    def _join(self, waiting: _Waiting, asked: _Asked) -> None:
        survey, method = self._survey, asked.head.split(b" ", 1)[0].decode("latin-1")
        if method != "GET":
            for site in waiting.sites:
                survey.skipped[site].add(f"method {_plain(method)[:20]}", waiting.url)
            survey._db.executemany("DELETE FROM captures WHERE id = ?", [(row,) for row in waiting.rows])  # noqa: SLF001
            return
        at = survey._keep(asked.head)  # noqa: SLF001
        survey._db.executemany(  # noqa: SLF001
            "UPDATE captures SET asked_at = ?, asked_size = ?, agent = CASE agent WHEN '' THEN ? ELSE agent END "
            "WHERE id = ?",
            [(at, len(asked.head), _read_agent(asked.head), row) for row in waiting.rows],
        )

    def _take_response(self, record: Record) -> None:
        survey, target = self._survey, _target(record)
        try:
            url = absolute_url(target)
            canonical = canonical_url(target)
        except ValueError:
            raise _Refused("not an http address") from None
        owners = [(site, page) for page in _spellings(canonical) for site in survey._owners(page)]  # noqa: SLF001
        if not owners:
            raise _Refused("no declared site's page")
        wanted: dict[str, tuple[Site, str]] = {}
        for site, page in owners:
            # Where the site's pattern takes both schemes, the one that it has today.
            if site.is_article(page) and (site.id not in wanted or urlsplit(page).scheme == urlsplit(site.home).scheme):
                wanted[site.id] = site, page
        for site_id in {site.id for site, _ in owners} - set(wanted):
            survey.skipped[site_id].add("off-pattern", url)
        if not wanted:
            return
        taken = []
        for site, page in wanted.values():
            try:
                taken.append((site.id, self._keep_capture(record, site, url, page, target)))
            except _Refused as refused:
                survey.skipped[site.id].add(str(refused), url)
        if taken:
            self._await_request(record, target, taken)

    def _await_request(self, record: Record, target: str, taken: Sequence[tuple[str, int]]) -> None:
        waiting = _Waiting(
            rows=[row for _, row in taken],
            url=target,
            sites=[site for site, _ in taken],
            record_id=record.headers.get("warc-record-id", ""),
            concurrent=record.headers.get("warc-concurrent-to", ""),
            number=self._number,
        )
        for asked in reversed(self._requests):
            if self._belong(asked, waiting):
                self._requests.remove(asked)
                self._join(waiting, asked)
                return
        self._responses.append(waiting)

    def _keep_capture(self, record: Record, site: Site, url: str, page: str, target: str) -> int:
        """Note a capture and keep its bytes.

        Raises:
            _Refused: it is of no use.
        """
        survey, headers, block = self._survey, record.headers, record.block
        if block is None:
            raise _Refused("larger than the site allows")
        at = _read_date(headers.get("warc-date", ""), survey._now)  # noqa: SLF001
        revisit = record.type == "revisit"
        if "warc-truncated" in headers and not revisit:  # Heritrix says so of revisits, because they have no body
            raise _Refused(f"cut short ({_plain(headers['warc-truncated'])[:20]})")
        if record.headers.get("warc-segment-number", "1") != "1" or "warc-segment-total-length" in headers:
            raise _Refused("a record in several segments")
        told_block, told = headers.get("warc-block-digest"), headers.get("warc-payload-digest")
        sound = _tells(told_block, block, None)
        if sound is False:
            raise _Refused("its bytes do not have its digest")
        end = _HEAD_END.search(block)
        head, payload = (block[: end.end()], block[end.end() :]) if end else (block, b"")
        status, fields, _ = part_message(head)
        if not status and not (revisit and not head.strip()):
            raise _Refused("no HTTP answer")
        named = {name.lower(): value for name, value in reversed(fields)}
        coding = named.get("transfer-encoding")
        note = ""
        if not revisit and told:
            fits = _tells(told, payload, coding)
            if fits is False and sound is not True:
                raise _Refused("its bytes do not have its digest")
            note = "" if fits is True else _DOUBTS[fits]
        if len(payload) > site.crawl.max_bytes:
            raise _Refused("larger than the site allows")
        kind, led = self._judge(status, named, url, revisit=revisit)
        origin = {
            "file": f"{self._name}!{_plain(record.member)[:200]}" if record.member else self._name,
            "sha256": self._sha256,
            "offset": str(record.offset),
            "unpacked": "true" if record.unpacked else "",
            "software": (self._writer[1] if self._writer[0] == record.member else "") or self._package,
            "record_id": _plain(headers.get("warc-record-id", ""))[:300],
            "record_type": record.type,
            "payload_digest": _plain(told or "")[:200],
            "block_digest": _plain(told_block or "")[:200],
            "url": "" if target == url else _plain(target)[:2000],
            "note": note,
        }
        origin = {name: value for name, value in origin.items() if value}
        origin.setdefault("record_id", "none")
        record_id = headers.get("warc-record-id", "")
        if not _RECORD_ID.fullmatch(record_id):
            record_id = f"<{uuid.uuid5(_OURS, json.dumps(origin)).urn}>"
        head_at, body_at = survey._keep(head), survey._keep(payload)  # noqa: SLF001
        row = survey._db.execute(  # noqa: SLF001
            "INSERT INTO captures (site, requested, url, at, kind, status, record_id, sha256, head_at, head_size, "
            "body_at, body_size, target, refers_id, refers_url, refers_at, told, ip, agent, origin) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(site.id, page, url, _text(at), kind, status, record_id),
                *(payload_digest(payload) if kind == "page" else None, head_at, len(head), body_at, len(payload)),
                *(led, headers.get("warc-refers-to"), _spell(headers.get("warc-refers-to-target-uri"))),
                *(_spell_date(headers.get("warc-refers-to-date"), survey._now), told),  # noqa: SLF001
                *(_plain(headers.get("warc-ip-address", ""))[:60] or None, self._agent, json.dumps(origin)),
            ),
        )
        assert row.lastrowid is not None
        return row.lastrowid

    def _judge(self, status: int, named: Mapping[str, str], url: str, *, revisit: bool) -> tuple[str, str | None]:
        """What a capture is: "page", "redirect" or "revisit"; and where a redirect leads.

        Raises:
            _Refused: nothing that says anything of an article.
        """
        if status in _REDIRECTS:
            try:
                return "redirect", absolute_url(named["location"].encode("latin-1").decode("utf-8", "replace"), url)
            except (KeyError, ValueError):
                raise _Refused("a redirect that leads nowhere") from None
        if revisit or status == 304:
            return "revisit", None
        if status not in _TOLD:
            raise _Refused(f"answered {status}")
        media = named.get("content-type", "").split(";")[0].strip().lower()
        if status in (200, 203) and media not in _PAGES:
            raise _Refused("not a page by its Content-Type")
        return "page", None


_DOUBTS: Final = {False: "the payload does not have its digest; the whole record does", None: ""}


def _tells(told: str | None, data: bytes, transfer_encoding: str | None) -> bool | None:
    """Whether bytes have a digest; None: that cannot be told.

    Of a chunked body some programs told the digest as it came, others without the chunks.
    """
    name, _, value = (told or "").partition(":")
    algorithm, value = name.strip().lower().replace("-", ""), value.strip()
    if algorithm not in _DIGESTS or not value:
        return None
    bodies = [data]
    if transfer_encoding:
        bodies.append(undo_transfer(data, transfer_encoding))
    for body in bodies:
        digest = hashlib.new(algorithm, body, usedforsecurity=False).digest()
        if value.lower() == digest.hex() or value.upper().rstrip("=") == b32encode(digest).decode().rstrip("="):
            return True
    return False


def _see_policy(
    site: Site, url: str, headers: Sequence[tuple[str, str]], payload: bytes, at: datetime
) -> tuple[dict[str, str], str | None]:
    """What a page allows, as far as it says so itself, and why it is not kept; as of the moment of its capture."""

    def values(name: str) -> list[str]:
        return [value for each, value in headers if each.lower() == name]

    def first(name: str) -> str | None:
        return next(iter(values(name)), None)

    coding = ", ".join(values("content-encoding"))
    head = None
    if payload and has_markup(first("content-type")):
        body = undo_transfer(payload, first("transfer-encoding"))
        head = read_head(body, coding, site.crawl.max_bytes)
    seen, directives = see_policy(
        SitePolicy(),
        url=url,
        robots_rule=None,
        x_robots_tag=values("x-robots-tag"),
        tdm_reservation=first("tdm-reservation"),
        tdm_policy=first("tdm-policy"),
        head=head,
    )
    seen["unknown"] = _UNKNOWN
    objection = find_objection(site.crawl, seen, directives, at)
    if objection is not None:
        seen["withheld"] = objection
    return seen, objection


def _find_in_archive(archive: Archive, site: str, row: sqlite3.Row) -> bytes | None:
    """The payload that a revisit repeats, where a version rests on it."""
    pages = {url for url in (row["refers_url"], row["requested"], row["url"]) if url}
    for article in sorted({article_id(page) for url in pages for page in _spellings(url)}):
        for version in archive.versions(site, article):
            evidence = version.evidence
            same = evidence.record_id == row["refers_id"] or _text(evidence.captured_at) == row["refers_at"]
            told = version.origin is not None and row["told"] and version.origin.payload_digest == row["told"]
            if not same and not told:
                continue
            try:
                return read_capture(archive, version).payload or None
            except (KeyMissing, ArchiveError, NotInArchive):
                continue
    return None


def find_neighbours(archive: Archive, site_id: str, planned: Sequence[Planned]) -> Iterator[str]:
    """Published runs of a site that may have captures of planned ones, by their times; not these themselves."""
    since, until = min(each.since for each in planned), max(each.until for each in planned)
    own = {each.run for each in planned}
    for run in archive.runs(site_id):
        began = datetime.strptime(run[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if began > until + _CLOCKS or run in own:
            continue
        ended = began + _RUN_LASTS
        if ended < since:
            orders = archive.read_orders(site_id, run)
            if orders is None or orders.mode != "import" or orders.until is None:
                continue
            ended = datetime(orders.until.year, orders.until.month, orders.until.day, tzinfo=UTC) + _CLOCKS
        if ended >= since and archive.read_published(site_id, run) is not None:
            yield run


def write_run(archive: Archive, survey: Survey, planned: Planned, spool: Path) -> CrawlSummary:
    """Put a run's captures into the archive, and what was done: the crawl of an import.

    Called again it completes what is there. What counts is what stands in the archive: a segment that is there is
    taken as it is.
    """
    site, run = planned.site, planned.run
    standing = archive.read_summary(site.id, run)
    if standing is not None:
        return standing
    orders = archive.write_orders(
        site.id,
        run,
        Orders(
            mode="import",
            since=planned.since.date(),
            until=planned.until.date(),
            beside=survey.find_beside(planned),
        ),
    )
    there = {archive.segment_number(key) for key in archive.segments(site.id, run)}
    for number, rows in survey.segments(planned, orders.beside):
        if number not in there:
            _write_segment(archive, survey, planned, number, rows, spool)
    return archive.write_summary(_sum_up(archive, survey, planned, spool))


def _write_segment(
    archive: Archive, survey: Survey, planned: Planned, number: int, rows: Sequence[sqlite3.Row], spool: Path
) -> None:
    made = iter(range(1 << 62))
    writer = SegmentWriter(
        spool,
        run=planned.run,
        first=number,
        info={
            "software": f"muniment {__version__}",
            "format": "WARC File Format 1.1",
            "description": "imported; each metadata record says where its capture was recorded",
            **{f"muniment-input-{n}": f"{each.name} sha256:{each.sha256}" for n, each in enumerate(survey.inputs, 1)},
        },
        max_bytes=1 << 62,
        max_seconds=1e12,
        # The same on every machine: who imports the same file at the same time writes the same bytes.
        new_id=lambda: f"<{uuid.uuid5(_OURS, f'{planned.run} {number} {next(made)}').urn}>",
    )
    for row in rows:
        writer.write_exchange(survey.make_exchange(planned.site, row))
    writer.seal()
    path = spool / writer.sealed[-1]
    try:
        archive.upload_segment(planned.site.id, planned.run, number, path)
    except ArchiveError:
        # Somebody else was faster, with other names of files or another release of zlib. Theirs is as good.
        if not archive.segments(planned.site.id, planned.run):
            raise
    finally:
        path.unlink(missing_ok=True)


def _sum_up(archive: Archive, survey: Survey, planned: Planned, spool: Path) -> CrawlSummary:
    pages: set[str] = set()
    withheld: Counter[str] = Counter()
    written = received = 0
    names = []
    for key in archive.segments(planned.site.id, planned.run):
        path = spool / "standing.warc.gz"
        archive.download_segment(key, path)
        with path.open("rb") as stream:
            for capture in read_captures(stream):
                written += 1
                received += len(capture.payload)
                if capture.kind == "page":
                    pages.add(capture.requested)
                    withheld.update([capture.policy["withheld"]] if "withheld" in capture.policy else [])
        path.unlink()
        names.append(key.rsplit("/", maxsplit=1)[-1])
    skipped = survey.skipped[planned.site.id] if planned.round == 0 else Skipped()
    return CrawlSummary(
        site=planned.site.id,
        run=planned.run,
        started=planned.since,
        finished=planned.until,
        finish_reason="imported",
        user_agent=survey.find_agent(planned),
        discovered=len(pages),
        captured=len(pages),
        reasons=dict(sorted(skipped.reasons.items())),
        examples={reason: list(some) for reason, some in sorted(skipped.examples.items())},
        withheld=dict(sorted(withheld.items())),
        segments=names,
        yielded=written,
        written=written,
        bytes_received=received,
        inputs=survey.inputs,
    )


# --- words -------------------------------------------------------------------------------------------


def _target(record: Record) -> str:
    """WARC-Target-URI; some programs put it into angle brackets, as the grammar of WARC 1.0 has it."""
    return record.headers.get("warc-target-uri", "").strip().removeprefix("<").removesuffix(">")


def _spellings(canonical: str) -> tuple[str, ...]:
    """An address, and as the site may have it today."""
    if canonical.startswith("http://"):
        return canonical, "https://" + canonical.removeprefix("http://")
    return (canonical,)


def _spell(url: str | None) -> str | None:
    try:
        return absolute_url(url.strip("<>")) if url else None
    except ValueError:
        return None


def _read_date(text: str, now: datetime) -> datetime:
    try:
        if re.fullmatch(r"\d{14}", text):
            at = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        else:
            at = datetime.fromisoformat(text.strip())
        at = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _Refused("no usable WARC-Date") from None
    if not _FIRST <= at <= now + _CLOCKS:
        raise _Refused("a WARC-Date that cannot be")
    return at


def _spell_date(text: str | None, now: datetime) -> str | None:
    try:
        return _text(_read_date(text, now)) if text else None
    except _Refused:
        return None


def _text(moment: datetime) -> str:
    """A moment so that texts sort as moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _plain(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _read_fields(block: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in block[:_LARGEST_REQUEST].decode("utf-8", "replace").splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _read_agent(head: bytes) -> str:
    found = re.search(rb"(?im)^user-agent:[ \t]*([^\r\n]{0,300})", head)
    return _plain(found[1].decode("latin-1")) if found else ""
