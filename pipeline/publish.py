"""Publishing: the only step that changes what readers see.

    versions  →  table  →  frontier  →  index  →  takedowns in force  →  journal  →  published.json

Each is harmless to do again, and each rests only on what stands before it, so a publisher may be killed
anywhere and started again, and any number of them may work on one site at once. ``published.json`` is written
last: when it is there, all of the run is.

What a finding means is decided in ``pipeline.lifecycle``; what a run's findings mean together, in
``pipeline.crosscheck``; whether the run may be published, in ``pipeline.check``. Here is only the carrying out:
versions are created under the next free number, and who finds the number taken reads what is there and decides again.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Self

from pipeline import __version__
from pipeline.archive import Archive
from pipeline.cdx import write_index
from pipeline.crosscheck import CrossCheck, Met, cross_check, lighten
from pipeline.errors import ArchiveError, NotInArchive, WriteConflict
from pipeline.frontier import Frontier, Sighting, note_sighting, note_uncaptured
from pipeline.journal import find_published, record_run
from pipeline.lifecycle import (
    Decision,
    Making,
    Missing,
    Standing,
    decide,
    decide_quickly,
    evidence_of,
    fold_address,
    is_live,
    is_read_otherwise,
    is_redirected,
    is_same_address,
    new_address,
    newer_standing,
    no_version,
    rank_finding,
    standing_of,
    version_before,
)
from pipeline.model import Article, Change, Finding, Outcome, Published, Version
from pipeline.takedown import clean_run, read_withheld
from spiders.protocol import CrawlSummary
from spiders.site import Site

if TYPE_CHECKING:
    from pipeline.table import Rows

log = logging.getLogger("muniment")

_Rank = tuple[int, bool, bool, datetime, str]

_Settled = tuple[Decision, Standing | None]

Reread = Callable[[Version], Article | None]
"""Reads a version's own capture as the run's pages were read; None where that is not to be had."""

_TELLING = frozenset({"article", "unchanged", "gone", "blocked"})
"""Kinds of findings that say something of an article."""
_PLACES = {outcome: place for place, outcome in enumerate(Outcome)}
_UNDER_WAY = 4  # articles per thread that may wait for their answer
_TRIES = 50
_KEPT_SIZE = 16_000_000  # characters of findings that are kept in memory
_FINDING_SIZE = 4000  # what one has beside its text, about


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A finding that speaks for its article, with what the frontier remembers of that article."""

    finding: Finding
    article: str
    standing: Standing | None
    missing: tuple[Missing, ...]
    seen_at: datetime | None
    live_elsewhere: bool
    canonical_lives: bool
    moved: bool
    into: str | None
    doubted: bool


@dataclass(kw_only=True)
class _Books:
    """What a run has come to so far."""

    ends: dict[str, Outcome] = field(default_factory=dict)  # discovered URL -> how it ended
    changes: Counter[Change] = field(default_factory=Counter)
    made: list[str] = field(default_factory=list)  # keys of versions
    changed: set[str] = field(default_factory=set)  # articles that got a version which is not their first
    sightings: list[Sighting] = field(default_factory=list)
    standings: dict[str, Standing] = field(default_factory=dict)

    def end(self, finding: Finding, decision: Decision) -> None:
        """Note how a finding ended; a URL that was captured twice ends as the better of the two."""
        log.debug("%s: %s (%s)", finding.requested, decision.outcome.value, decision.reason)
        before = self.ends.get(finding.requested)
        if before is None or _PLACES[decision.outcome] < _PLACES[before]:
            self.ends[finding.requested] = decision.outcome


class LateRows:
    """The run's rows for the table, whose library is loaded with the first of them: most runs make none, and it costs
    0.2 s of CPU. A context manager.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._opened = ExitStack()
        self._rows: Rows | None = None

    def add(self, version: Version) -> None:
        """Add a version's row."""
        if self._rows is None:
            from pipeline.table import Rows  # noqa: PLC0415 - heavy

            self._rows = self._opened.enter_context(Rows(self._archive))
        self._rows.add(version)

    def replace(self, versions: Sequence[Version]) -> None:
        """Put other rows in the place of those of the same article and number."""
        if self._rows is not None and versions:
            self._rows.replace(versions)

    def commit(self, site: str, run: str, *, now: datetime) -> int:
        """Put them into the table; how many rows of the run are in it."""
        if self._rows is None:
            return 0
        from pipeline.table import commit_rows  # noqa: PLC0415 - as above

        return commit_rows(self._archive, site, run, self._rows, now=now)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._opened.close()


class _Findings:
    """The findings of a run, gone through more than once: kept while they are few, else read anew each time."""

    def __init__(self, archive: Archive, site: str, run: str) -> None:
        self._read = partial(archive.read_findings, site, run)
        self._kept: list[Finding] | None = None

    def __iter__(self) -> Iterator[Finding]:
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[Finding] | None = []
        size = 0
        for finding in self._read():
            if kept is not None:
                kept.append(finding)
                size += _FINDING_SIZE + (len(finding.article.text) if finding.article else 0)
                kept = kept if size <= _KEPT_SIZE else None
            yield finding
        self._kept = kept


def publish_run(archive: Archive, site: Site, run: str, *, now: datetime, reread: Reread | None = None) -> Published:
    """Make a run visible to readers; called again, whether it had ended or was interrupted, it adds nothing.

    Args:
        site: as its file declares it.
        run: id of a run whose crawl is summed up and whose segments are all extracted.
        now: the time, for the table's transaction.
        reread: asked where a text differs from its version's and was read in another way, so that what the
            publisher changed can be told from what we read differently; called from several threads.

    Returns:
        What publishing made; the same every time.

    Raises:
        NotInArchive: the run's crawl is not summed up.
        WriteConflict: other publishers were faster too often. Try again.
        ArchiveError: the run's figures do not add up (nothing was made then), or the archive contradicts itself.
    """
    published = archive.read_published(site.id, run)
    if published is not None:
        return published
    making = Making(site=site, run=run, code=f"muniment {__version__}", extractor=installed_extractor())
    summary = archive.read_summary(site.id, run)
    if summary is None:
        raise NotInArchive(f"Run {run} of {site.id} has no crawl.json.", next_step="Run its crawl step first.")
    books = _Books()
    with Frontier.open(archive, site) as frontier, LateRows(archive) as rows:
        if frontier.has_applied(run):  # interrupted near its end: what the journal tells of it stands
            published = find_published(archive, site.id, run)
            if published is not None:
                return archive.write_published(published)
        whole = _Findings(archive, site.id, run)
        met = [_meet(frontier, run, finding) for finding in whole]
        crossed = cross_check(
            met, run, text_of=lambda standing: archive.version(site.id, standing.article, standing.n).text
        )
        for reason in crossed.storms.values():
            log.warning("%s, run %s: %s; that proves little by itself", site.id, run, reason)
        light = [crossed.reread(each.finding) for each in met]
        frontier.learn_moves(light)
        speakers = _find_speakers(light, frontier, summary)
        del met, light
        _make_versions(archive, making, frontier, whole, crossed, speakers, books, rows, reread)
        rows.replace(read_withheld(archive, site.id, run))  # a takedown may have been faster than this run
        table_rows = rows.commit(site.id, run, now=now)
        books.sightings += note_uncaptured(summary)
        frontier.save(run, books.sightings, books.standings.values(), changed=books.changed, doubted=crossed.storms)
    published = _sum_up(summary, books, crossed, table_rows)
    write_index(archive, site.id, run)
    clean_run(archive, site.id, run, now=now)
    told = record_run(archive, site.id, run, published=published, now=now)
    archive.forget_written()
    return archive.write_published(told.published or published)


def _meet(frontier: Frontier, run: str, finding: Finding) -> Met:
    """A finding with what is remembered of its article."""
    article, standing = _article_of(frontier, finding)
    light, body = lighten(finding)
    target = None if standing is None else new_address(finding, standing.url)
    holder = None if target is None else frontier.holder(target)
    return Met(
        finding=light,
        body=body,
        article=article,
        standing=standing,
        missing=standing is not None
        and any(each.run != run and each.kind == "gone" for each in frontier.missing(article)),
        ended_there=0 if holder is None else frontier.count_ended_in(holder, run=run),
    )


def _article_of(frontier: Frontier, finding: Finding) -> tuple[str, Standing | None]:
    """The article that a finding is about, be it that it has ended in another one which is found there now; and what
    the frontier knows of its versions.
    """
    article = frontier.article_of(finding)
    page, standing = finding.article, frontier.standing(article)
    if page is None or standing is None or standing.moved_to is None or finding.hops:
        return article, standing
    other = frontier.standing(standing.moved_to)
    if other is not None and (is_same_address(other.url, page.url) or other.digest == page.digest):
        return other.article, other
    return article, standing


def _find_speakers(findings: Iterable[Finding], frontier: Frontier, summary: CrawlSummary) -> frozenset[int]:
    """Positions of the findings that speak for their articles: one for each URL at most, one for each article.

    Raises:
        ArchiveError: the run's figures do not add up.
    """
    of_url: dict[str, tuple[_Rank, int, str]] = {}
    for position, finding in enumerate(findings):
        this = (rank_finding(finding), position, _article_of(frontier, finding)[0])
        of_url[finding.requested] = max(of_url.get(finding.requested, this), this)
    uncaptured = sum(summary.outcomes.get(outcome.value, 0) for outcome in Outcome)
    if len(of_url) + uncaptured != summary.discovered:
        raise ArchiveError(
            f"Run {summary.run} of {summary.site} does not add up: {summary.discovered} URLs were discovered, but "
            f"{len(of_url)} have findings (crawl.json says that {summary.captured} were captured) and {uncaptured} "
            f"ended without a capture ({summary.outcomes}). Nothing was published.",
            next_step="Compare the run's crawl.json with its extracted-*.jsonl.zst; then start a new run of the site.",
        )
    of_article: dict[str, tuple[_Rank, int]] = {}
    for rank, position, article in of_url.values():
        of_article[article] = max(of_article.get(article, (rank, position)), (rank, position))
    return frozenset(position for _, position in of_article.values())


def _make_versions(
    archive: Archive,
    making: Making,
    frontier: Frontier,
    findings: Iterable[Finding],
    crossed: CrossCheck,
    speakers: frozenset[int],
    books: _Books,
    rows: LateRows,
    reread: Reread | None,
) -> None:
    """Settle all articles of a run, many at once; what they come to is noted in the order of the findings."""
    under_way: deque[tuple[_Case, Future[_Settled]]] = deque()
    threads = archive.store.threads
    with ThreadPoolExecutor(threads, thread_name_prefix="publish") as pool:
        for position, each in enumerate(findings):
            finding = crossed.reread(each)
            books.sightings.append(note_sighting(finding))
            if position not in speakers:
                books.end(finding, no_version(finding, "another capture of this run speaks for the article"))
            elif finding.kind not in _TELLING or (finding.kind == "blocked" and "blocked" in crossed.storms):
                books.end(finding, no_version(finding))
            else:
                case = _look_up(frontier, crossed, finding)
                under_way.append((case, pool.submit(_settle, archive, making, case, reread)))
            if len(under_way) > _UNDER_WAY * threads:
                _note(archive, *under_way.popleft(), books, rows)
        while under_way:
            _note(archive, *under_way.popleft(), books, rows)


def _look_up(frontier: Frontier, crossed: CrossCheck, finding: Finding) -> _Case:
    article, standing = _article_of(frontier, finding)
    known = standing is not None  # of what has no version, the frontier has nothing of these but where it was seen
    canonical_lives = known and frontier.address_lives(article, finding)
    moved, into = False, None
    target = finding.article.url if finding.article else finding.final
    if standing is not None and is_live(finding) and not is_same_address(target, standing.url):
        proven = crossed.moves.get(article)
        vacant = frontier.is_vacant(article) or fold_address(standing.url) in crossed.vacated
        moved = (proven is not None and is_same_address(proven, target)) or (
            vacant and (not finding.hops or is_redirected(finding))
        )
        canonical_lives = canonical_lives and not moved
        if moved:
            into = _holder(frontier, target, article)
    return _Case(
        finding=finding,
        article=article,
        standing=standing,
        missing=tuple(frontier.missing(article)) if known else (),
        seen_at=frontier.seen_at(article) if known else None,
        live_elsewhere=frontier.live_elsewhere(article, finding.requested),
        canonical_lives=canonical_lives,
        moved=moved,
        into=into,
        doubted=finding.kind in crossed.storms,
    )


def _holder(frontier: Frontier, address: str, article: str) -> str | None:
    """The other article that is found at the address to which one moved; None: there is none."""
    holder = frontier.holder(address)
    standing = None if holder is None else frontier.standing(holder)
    if standing is not None and standing.moved_to is not None:
        standing = frontier.standing(standing.moved_to)
    return None if standing is None or standing.article == article else standing.article


def _note(archive: Archive, case: _Case, settled: Future[_Settled], books: _Books, rows: LateRows) -> None:
    decision, standing = settled.result()
    books.end(case.finding, decision)
    if standing is not None:
        books.standings[standing.article] = standing
    version = decision.version
    if version is not None:
        rows.add(version)
        books.changes[version.change] += 1
        if version.change is not Change.NEW:
            books.changed.add(version.article)
        books.made.append(archive.version_key(version.site, version.article, version.n))


def _settle(archive: Archive, making: Making, case: _Case, reread: Reread | None) -> _Settled:
    """Decide on one article and create its version if it gets one; what it stands at afterwards."""
    decision = _settle_from_memory(archive, making, case)
    if decision is not None:
        made = decision.version and standing_of([decision.version])
        return decision, newer_standing(case.standing, made) if made else case.standing
    read: dict[int, Article | None] = {}  # by a version's number, its capture as it is read now
    for _ in range(_TRIES):
        versions = archive.versions(making.site.id, case.article)
        decision = _decide(making, case, versions)
        made, last = decision.version, version_before(case.finding, versions)
        if (
            made is not None
            and _tells_of_text(made)
            and not decision.stands
            and last
            and is_read_otherwise(case.finding, last)
        ):
            if reread is not None and last.n not in read:
                read[last.n] = reread(evidence_of(last, versions))
            decision = _decide(making, case, versions, before=read.get(last.n))
        version = decision.version
        if version is None or decision.stands:
            standing = standing_of(versions)
            if standing is not None and decision.same is not None:
                standing = replace(standing, essence=decision.same)
            return decision, standing
        if archive.put_version(version) is version:
            return decision, standing_of([*versions, version])
    raise WriteConflict(f"article {case.article} of {making.site.id} got versions from others all the time; try again")


def _decide(making: Making, case: _Case, versions: list[Version], *, before: Article | None = None) -> Decision:
    return decide(
        making,
        case.finding,
        versions,
        missing=case.missing,
        seen_at=case.seen_at,
        live_elsewhere=case.live_elsewhere,
        canonical_lives=case.canonical_lives,
        moved=case.moved,
        into=case.into,
        doubted=case.doubted,
        article=case.article,
        before=before,
    )


def _tells_of_text(version: Version) -> bool:
    """Whether a version is made because its text differs from another's."""
    return version.edit is not None or (version.change is Change.NEW and version.n > 1)


def _settle_from_memory(archive: Archive, making: Making, case: _Case) -> Decision | None:
    """Settle without reading versions; None when memory is not enough, or was found to be stale."""
    if case.moved:
        return None
    decision = decide_quickly(making, case.finding, case.standing, canonical_lives=case.canonical_lives)
    if decision is None:
        return None
    if decision.version is not None:
        return decision if archive.put_version(decision.version) is decision.version else None
    highest = case.standing.n if case.standing else 0
    return None if archive.has_version(making.site.id, case.article, highest + 1) else decision


def _sum_up(summary: CrawlSummary, books: _Books, crossed: CrossCheck, table_rows: int) -> Published:
    outcomes = {outcome.value: summary.outcomes.get(outcome.value, 0) for outcome in Outcome}
    for outcome, count in Counter(books.ends.values()).items():
        outcomes[outcome.value] += count
    if sum(outcomes.values()) != summary.discovered or not outcomes[Outcome.ARCHIVED] == len(books.made) == table_rows:
        raise ArchiveError(
            f"Run {summary.run} of {summary.site} does not add up: {summary.discovered} URLs were discovered, the "
            f"outcomes are {outcomes}; {len(books.made)} versions were made and {table_rows} rows are in the table.",
            next_step="This is a fault of Muniment: report it with the run's crawl.json and extracted-*.jsonl.zst.",
        )
    return Published(
        site=summary.site,
        run=summary.run,
        outcomes=outcomes,
        discovered=summary.discovered,
        versions={change.value: books.changes[change] for change in Change if books.changes[change]},
        made=tuple(sorted(books.made)),
        table_rows=table_rows,
        storms=dict(crossed.storms),
        recast=dict(crossed.recast),
    )


def installed_extractor() -> str:
    """For findings of releases that did not name it."""
    try:
        return f"trafilatura {installed_version('trafilatura')}"
    except PackageNotFoundError:
        return "unknown"
