"""Re-extraction: captures of earlier runs read again, by the code, the site's file and the lessons of today.

    orders.json        which runs, and their segments, by whose place in it the findings are numbered
    extracted-<n>      as of any run (``pipeline.steps.extract``); evidence points into the earlier runs' segments
    comparison.json    side by side: what these captures gave then and give now, in figures and a few addresses
    report.json        the gate (``judge_again``): a better reading loses neither articles nor fields
    versions, table, frontier, journal, published.json    as of any run

It is a run of its own, so that whatever holds for runs holds for it: what is written is written once, a kill loses
nothing, and readers see it when it is published. No raw data is copied.

Captures of published runs are observations that were counted then. Read again, they make a ``reextracted`` version
where the text that an article has now would be another one (``pipeline.lifecycle.decide_again``), and a first version
of a page that was no article before. Captures of a run that the gate rejected were published by nobody: they count as
the re-extraction's own, and it is published as the crawl's run would have been (``pipeline.publish``).
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime

from pipeline import __version__
from pipeline.archive import Archive
from pipeline.cdx import indexed_runs
from pipeline.edits import classify_edit, essence_digest, is_comparable
from pipeline.errors import ArchiveError, NotInArchive, WriteConflict
from pipeline.frontier import Frontier, Sighting, note_again
from pipeline.journal import find_published, record_run
from pipeline.lifecycle import Decision, Making, Standing, decide_again, is_withheld, no_version, standing_of
from pipeline.model import (
    RUN_ID,
    Article,
    Change,
    Check,
    ComparedPage,
    Comparison,
    Finding,
    Outcome,
    Published,
    Report,
    State,
)
from pipeline.publish import LateRows, installed_extractor
from pipeline.store import KeyMissing
from pipeline.takedown import clean_run, read_withheld
from spiders.protocol import Orders
from spiders.site import Site

log = logging.getLogger("muniment")

EXAMPLES = 10
"""So many pages are named for each way in which they are read otherwise."""

MAX_WENT_SHARE = 0.1
"""If more of the articles than this are none any more, the new reading is rejected."""
MAX_FIELD_FALL = 0.25
"""If a field is lost on more than this share of the articles that had it, the new reading is rejected."""
MAX_WORDS_FALL = 0.5
"""If more than this share of the words of the texts that differ is lost, the new reading is rejected."""
MAX_ONE_TEXT_SHARE = 0.2
"""If more of the pages that are read otherwise have one and the same text, it is a template's."""
FEW = 5
"""So few pages only warn."""
SAME = 3
"""So many new pages with one text are a template's, and no articles."""

_FIELDS = (
    *("title", "published", "modified", "authors", "byline", "agencies", "section", "language", "description", "image"),
    *("tags", "standfirst", "notices", "documents"),
)
_HELD = ("title", "published", "authors", "section", "image")  # fields whose loss the gate sees
_UNDER_WAY = 4  # articles per thread that may wait for their answer
_TRIES = 50
_MOVED = frozenset({State.GONE, State.BLOCKED, State.RESTORED, State.MOVED})


# --- which captures ---------------------------------------------------------------------------------


def plan_reextraction(
    archive: Archive,
    site: str,
    run: str,
    *,
    of: str | None = None,
    since: date | None = None,
    until: date | None = None,
) -> Orders:
    """Say which captures a run reads again; said once, and asked again the same is returned.

    Args:
        archive: where they are.
        site: whose.
        run: id of the re-extraction.
        of: one run, published or rejected; None: all published runs of the period.
        since: the first day on which such a run began; None: from the first on.
        until: the last one; None: up to the latest.

    Raises:
        NotInArchive: there is no such run, or nothing to read.
        ArchiveError: the run cannot be read again; the message says why.
    """
    standing = archive.read_orders(site, run)
    if standing is not None:
        if standing.mode != "reextract":
            raise ArchiveError(
                f"Run {run} of {site} is no re-extraction.", next_step=f"To read it again: muniment reextract {run}"
            )
        return _take_books(archive, site, run, standing)
    unpublished = False
    if of is not None:
        unpublished = _is_unpublished(archive, site, of)
        runs, sources = [of], list(archive.numbered_segments(site, of, again=False).values())
    else:
        runs, sources = _find_period(archive, site, since, until)
    if not sources:
        when = f"run {of}" if of else f"published runs from {since or 'the first'} to {until or 'the latest'}"
        raise NotInArchive(
            f"There is nothing to read again: {when} of {site} left no captures in the archive.",
            next_step="Raw data may have expired (keep_raw of the site's file), or the run read others' captures: name "
            "the run that fetched them.",
        )
    orders = Orders(
        mode="reextract", since=since, until=until, of=tuple(runs), sources=tuple(sources), unpublished=unpublished
    )
    return _take_books(archive, site, run, archive.write_orders(site, run, orders))


def _take_books(archive: Archive, site: str, run: str, orders: Orders) -> Orders:
    """Where captures count as this run's, its books are those of their crawl."""
    if orders.unpublished and archive.read_summary(site, run) is None:
        summary = archive.read_summary(site, orders.of[0])
        if summary is None:
            raise NotInArchive(
                f"Run {orders.of[0]} of {site} has no crawl.json.", next_step="Run its crawl step first."
            )
        archive.write_summary(summary.model_copy(update={"run": run}))
    return orders


def runs_to_claim(orders: Orders) -> list[str]:
    """The rejected runs whose captures a re-extraction publishes: nobody else may from then on."""
    return sorted({*orders.of, *map(_run_of, orders.sources)}) if orders.unpublished else []


def _run_of(segment: str) -> str:
    return segment.rsplit("/", maxsplit=1)[-1].rsplit("-", maxsplit=1)[0]


def _is_unpublished(archive: Archive, site: str, run: str) -> bool:
    """Whether nobody has published what a run captured.

    Raises:
        NotInArchive, ArchiveError: it cannot be read again.
    """
    if not RUN_ID.fullmatch(run):
        raise NotInArchive(f"{run!r} is not a run's id.", next_step=f"See which runs there are: muniment runs {site}")
    report = archive.read_report(site, run)
    if report is None:
        raise NotInArchive(
            f"Run {run} of {site} has not come to its end: it was not checked.",
            next_step=f"Let it end, or go on with it: muniment run {site} --run {run}",
        )
    if archive.read_published(site, run) is not None:
        return False
    release = archive.read_release(site, run)
    if report.verdict != "reject" or (release is not None and release.into is None):
        raise ArchiveError(
            f"Run {run} of {site} is to be published and is not yet.",
            next_step=f"Publish it first (muniment run {site} --run {run}); then read it again.",
        )
    if release is not None:
        raise ArchiveError(
            f"What run {run} of {site} has captured is published by run {release.into}.",
            next_step=f"Read that one again: muniment reextract {release.into}",
        )
    return True


def _find_period(archive: Archive, site: str, since: date | None, until: date | None) -> tuple[list[str], list[str]]:
    """The published runs of a period that have captures, and their segments."""
    first = f"{since:%Y%m%d}" if since else ""
    last = f"{until:%Y%m%d}~" if until else "~"
    published = [run for run, _ in indexed_runs(archive, site) if first <= run <= last]
    segments: dict[str, list[str]] = {}
    wanted = set(published)
    for run, key in archive.all_segments(site):
        if run in wanted:
            segments.setdefault(run, []).append(key)
    for run in published:
        if run not in segments:  # it has fetched nothing, or its captures are a rejected run's
            others = list(archive.numbered_segments(site, run, again=False).values())
            if others:
                segments[run] = others
    runs = [run for run in published if run in segments]
    return runs, [key for run in runs for key in sorted(segments[run])]


# --- side by side -----------------------------------------------------------------------------------


@dataclass(kw_only=True)
class _Tally:
    """What the pages of a re-extraction come to; of texts only digests are kept."""

    pages: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    fill_before: Counter[str] = field(default_factory=Counter)
    fill: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    texts: dict[str, set[str]] = field(default_factory=dict)  # digest of a text that differs -> addresses, a few
    sizes: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[ComparedPage]] = field(default_factory=dict)

    def add(self, old: Finding | None, new: Finding, *, known: bool) -> None:
        """Take in one capture with what was made of it then, and what is now."""
        self.pages += 1
        before, now = old.article if old else None, new.article
        self.counts["before"] += before is not None
        self.counts["now"] += now is not None
        if not known:
            self.counts["unknown"] += 1
        elif before is not None and now is not None:
            self._add_both(before, now, new)
        elif now is not None:
            self.counts["came"] += 1
            self._note_text(now)
            self._show(ComparedPage(url=now.url, what="came", words=now.words, evidence=new.evidence))
        elif before is not None:
            self.counts["went"] += 1
            why = f"{new.kind}: {new.reason}" if new.reason else new.kind
            self.reasons[why] += 1
            self._show(
                ComparedPage(url=before.url, what="went", why=why, words_before=before.words, evidence=new.evidence)
            )

    def _add_both(self, before: Article, now: Article, new: Finding) -> None:
        differing = [name for name in _FIELDS if getattr(before, name) != getattr(now, name)]
        self.fields.update(differing)
        self.fill_before.update(name for name in _FIELDS if getattr(before, name))
        self.fill.update(name for name in _FIELDS if getattr(now, name))
        shown = {"url": now.url, "words_before": before.words, "words": now.words, "evidence": new.evidence}
        if is_same_essence(before, now):
            self.counts["same"] += 1
            if differing:
                self._show(ComparedPage(**shown, what="fields", why=", ".join(differing)))
            return
        self.counts["text"] += 1
        edit = classify_edit(before.title, before.text, now.title, now.text)
        if edit is not None:
            self.words.update(added=edit.words_added, removed=edit.words_removed)
        self.words["before"] += before.words
        self._note_text(now)
        self._show(ComparedPage(**shown, what="text"))

    def _note_text(self, page: Article) -> None:
        found = self.texts.setdefault(page.digest, set())
        if page.url not in found:
            self.sizes[page.digest] += 1
            if len(found) < SAME:
                found.add(page.url)

    def _show(self, page: ComparedPage) -> None:
        shown = self.examples.setdefault(page.what, [])
        if len(shown) < EXAMPLES:
            shown.append(page)


def is_same_essence(one: Article, other: Article) -> bool:
    """Whether two readings have in essence the same headline and text."""
    return one.digest == other.digest or _essence(one) == _essence(other)


def _essence(article: Article) -> str:
    if article.essence is not None and is_comparable(article.essence):
        return article.essence
    return essence_digest(article.title, article.text)


def compare_run(archive: Archive, site: str, run: str) -> Comparison:
    """Hold what a re-extraction reads against what these captures gave, and write that down; once.

    Raises:
        NotInArchive: it is no re-extraction.
        ArchiveError: a segment of it was not extracted.
    """
    standing = archive.read_comparison(site, run)
    if standing is not None:
        return standing
    orders = archive.read_orders(site, run)
    if orders is None or orders.mode != "reextract":
        raise NotInArchive(f"Run {run} of {site} is no re-extraction.", next_step="See docs/reextraction.md.")
    tally = _Tally()
    for number, source in enumerate(orders.sources):
        try:
            new = list(archive.read_segment(site, run, number))
        except KeyMissing:
            raise NotInArchive(
                f"Segment {number:05d} of run {run} of {site} is not extracted.",
                next_step=f"Run its extract step: `muniment extract-segment {site} {run} {number}`.",
            ) from None
        old = _read_before(archive, site, source)
        for finding in new:
            tally.add((old or {}).get(finding.evidence.record_id), finding, known=old is not None)
    return archive.write_comparison(
        Comparison(
            site=site,
            run=run,
            runs=len(orders.of),
            first=orders.of[0],
            last=orders.of[-1],
            pages=tally.pages,
            articles_before=tally.counts["before"],
            articles=tally.counts["now"],
            same=tally.counts["same"],
            text=tally.counts["text"],
            came=tally.counts["came"],
            went=tally.counts["went"],
            unknown=tally.counts["unknown"],
            words_before=tally.words["before"],
            words_added=tally.words["added"],
            words_removed=tally.words["removed"],
            fields=dict(sorted(tally.fields.items())),
            fill_before={name: tally.fill_before[name] for name in _FIELDS if tally.fill_before[name]},
            fill={name: tally.fill[name] for name in _FIELDS if tally.fill[name]},
            reasons=dict(tally.reasons.most_common(EXAMPLES)),
            one_text=max((count for count in tally.sizes.values() if count >= SAME), default=0),
            examples=tuple(
                page for what in ("text", "came", "went", "fields") for page in tally.examples.get(what, ())
            ),
        )
    )


def _read_before(archive: Archive, site: str, source: str) -> dict[str, Finding] | None:
    """What the run that captured a segment made of it, by record; None: that is not to be had."""
    try:
        found = archive.read_segment(site, _run_of(source), archive.segment_number(source))
        return {finding.evidence.record_id: finding for finding in found}
    except KeyMissing:
        return None


def describe_comparison(comparison: Comparison) -> str:
    """What it came to, in one sentence."""
    compared = comparison
    changed = f"{compared.text} read otherwise (+{compared.words_added} -{compared.words_removed} words)"
    unknown = f", {compared.unknown} with nothing to compare with" if compared.unknown else ""
    return (
        f"{compared.pages} captures of {compared.runs} runs: {compared.same} articles as before, {changed}, "
        f"{compared.came} that were no articles, {compared.went} that are none any more{unknown}."
    )


# --- the gate ---------------------------------------------------------------------------------------


def judge_again(comparison: Comparison) -> Report:
    """Judge a re-extraction of published captures by what they gave before. Pure.

    Limits for a day's run say nothing here; but a reading that loses articles, fields or most of the words, or gives
    one text to many pages, is no better one.
    """
    checks = [_judge_articles(comparison), _judge_words(comparison), _judge_one_text(comparison)]
    checks += [_judge_field(comparison, name) for name in _HELD]
    verdict = max((check.verdict for check in checks), key=("accept", "warn", "reject").index)
    said = [check.message for check in checks if check.verdict == verdict] if verdict != "accept" else []
    return Report(
        site=comparison.site,
        run=comparison.run,
        verdict=verdict,
        checks=tuple(checks),
        counts={
            "captured": comparison.pages,
            "articles": comparison.articles,
            "same": comparison.same,
            "text": comparison.text,
            "came": comparison.came,
            "went": comparison.went,
        },
        reasons=dict(comparison.reasons),
        message=" ".join([describe_comparison(comparison), *said]),
        mode="reextract",
        fill=dict(comparison.fill),
    )


def _judge_articles(compared: Comparison) -> Check:
    went, before = compared.went, compared.articles_before
    share = went / before if before else 0.0
    why = "; ".join(f"{count} {reason}" for reason, count in list(compared.reasons.items())[:3])
    said = f"{went} of {before} articles are none any more{f' ({why})' if why else ''}."
    return _tell("articles", went, share, MAX_WENT_SHARE, said, "Every article is one still.")


def _judge_words(compared: Comparison) -> Check:
    lost = max(0, compared.words_removed - compared.words_added)
    share = lost / compared.words_before if compared.words_before else 0.0
    said = f"The {compared.text} texts that differ have lost {lost} of {compared.words_before} words."
    return _tell("words", compared.text if share else 0, share, MAX_WORDS_FALL, said, "The texts have lost no words.")


def _judge_one_text(compared: Comparison) -> Check:
    changed = compared.text + compared.came
    share = compared.one_text / changed if changed else 0.0
    said = f"{compared.one_text} of {changed} pages that are read otherwise have one and the same text."
    fine = "No text stands on several pages that are read otherwise."
    return _tell("one-text", compared.one_text, share, MAX_ONE_TEXT_SHARE, said, fine)


def _judge_field(compared: Comparison, name: str) -> Check:
    before, now = compared.fill_before.get(name, 0), compared.fill.get(name, 0)
    share = max(0.0, 1 - now / before) if before else 0.0
    said = f"{now} of {before} articles that had {name} have it still."
    return _tell(name, before if share else 0, share, MAX_FIELD_FALL, said, f"No article has lost its {name}.")


def _tell(name: str, pages: int, share: float, limit: float, said: str, fine: str) -> Check:
    """A check on a share: a few pages only warn, and so does what is within the limit."""
    if not pages:
        return Check(name=name, verdict="accept", figure=0, limit=limit, message=fine)
    verdict = "reject" if share > limit and pages >= FEW else "warn"
    return Check(name=name, verdict=verdict, figure=round(share, 4), limit=limit, message=said)


# --- publishing -------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class _Books:
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    changes: Counter[Change] = field(default_factory=Counter)
    made: list[str] = field(default_factory=list)
    sightings: dict[str, Sighting] = field(default_factory=dict)  # the newest of each URL that tells something
    standings: dict[str, Standing] = field(default_factory=dict)


def publish_again(archive: Archive, site: Site, run: str, *, now: datetime) -> Published:
    """Publish what captures of published runs give now; called again, whether it had ended or not, it adds nothing.

    Figures are of captures, not of URLs: one page may have been captured many times.

    Raises:
        WriteConflict: other publishers were faster too often. Try again.
        ArchiveError: the archive contradicts itself.
    """
    published = archive.read_published(site.id, run)
    if published is not None:
        return published
    making = Making(site=site, run=run, code=f"muniment {__version__}", extractor=installed_extractor())
    books = _Books()
    with Frontier.open(archive, site) as frontier, LateRows(archive) as rows:
        if frontier.has_applied(run):  # interrupted near its end: what the journal tells of it stands
            published = find_published(archive, site.id, run)
            if published is not None:
                return archive.write_published(published)
        firsts = _choose_firsts(frontier, archive.read_findings(site.id, run), run)
        _make_versions(archive, making, frontier, firsts, books, rows)
        rows.replace(read_withheld(archive, site.id, run))  # a takedown may have been faster
        table_rows = rows.commit(site.id, run, now=now)
        sightings = sorted(books.sightings.values(), key=lambda each: (each.fetched_at, each.url))
        frontier.save(run, sightings, books.standings.values())
    if len(books.made) != table_rows:
        raise ArchiveError(
            f"Run {run} of {site.id} does not add up: {len(books.made)} versions were made, and {table_rows} rows are "
            "in the table.",
            next_step="This is a fault of Muniment: report it with the run's comparison.json.",
        )
    published = Published(
        site=site.id,
        run=run,
        outcomes={outcome.value: books.outcomes[outcome] for outcome in Outcome},
        discovered=books.outcomes.total(),
        versions={change.value: books.changes[change] for change in Change if books.changes[change]},
        made=tuple(sorted(books.made)),
        table_rows=table_rows,
    )
    clean_run(archive, site.id, run, now=now)
    told = record_run(archive, site.id, run, published=published, now=now)
    archive.forget_written()
    return archive.write_published(told.published or published)


def _choose_firsts(frontier: Frontier, findings: Iterable[Finding], run: str) -> dict[str, str]:
    """Of articles that have no version: the record of the newest capture that has one, unless it is a template's."""
    newest: dict[str, tuple[str, str, str]] = {}
    pages: dict[str, set[str]] = {}
    for finding in findings:
        page = finding.article
        if page is None or is_withheld(finding):
            continue
        article = frontier.article_of(finding)
        standing = frontier.standing(article)
        if standing is not None and standing.run != run:
            continue
        at = (finding.evidence.captured_at.isoformat(), finding.evidence.record_id, page.digest)
        newest[article] = max(newest.get(article, at), at)
        pages.setdefault(page.digest, set()).add(page.url)
    return {article: record for article, (_, record, text) in newest.items() if len(pages[text]) < SAME}


def _make_versions(
    archive: Archive,
    making: Making,
    frontier: Frontier,
    firsts: dict[str, str],
    books: _Books,
    rows: LateRows,
) -> None:
    """Decide on all captures, many at once; what they come to is noted in the order of the findings."""
    under_way: deque[Future[tuple[Decision, Standing | None]]] = deque()
    threads = archive.store.threads

    def note() -> None:
        decision, standing = under_way.popleft().result()
        books.outcomes[decision.outcome] += 1
        if standing is not None:
            books.standings[standing.article] = standing
        version = decision.version
        if version is not None:
            rows.add(version)
            books.changes[version.change] += 1
            books.made.append(archive.version_key(version.site, version.article, version.n))

    with ThreadPoolExecutor(threads, thread_name_prefix="reextract") as pool:
        for finding in archive.read_findings(making.site.id, making.run):
            sighting = note_again(finding)
            if sighting is not None and frontier.has_news(sighting):
                known = books.sightings.get(sighting.url)
                if known is None or known.fetched_at <= sighting.fetched_at:
                    books.sightings[sighting.url] = sighting
            if finding.article is None:
                books.outcomes[no_version(finding).outcome] += 1
                continue
            article = frontier.article_of(finding)
            if not _may_be_its_text(finding, frontier.standing(article), making.run, firsts.get(article)):
                books.outcomes[Outcome.UNCHANGED] += 1
                continue
            under_way.append(pool.submit(_settle, archive, making, finding, article))
            if len(under_way) > _UNDER_WAY * threads:
                note()
        while under_way:
            note()


def _may_be_its_text(finding: Finding, standing: Standing | None, run: str, first: str | None) -> bool:
    """Whether a capture may be the one behind an article's text and give another one; else no version need be read.

    Memory is enough for most: the capture gives the text that stands, or the only version is another capture's. Where
    there are several versions they are read, because one may be this run's own, of a life that was killed.
    """
    assert finding.article is not None
    if standing is None or standing.run == run:
        return first == finding.evidence.record_id or standing is not None
    if standing.captured_at == finding.evidence.captured_at:
        return standing.digest != finding.article.digest
    return standing.n > 1 or standing.state in _MOVED


def _settle(archive: Archive, making: Making, finding: Finding, article: str) -> tuple[Decision, Standing | None]:
    """Decide on one capture and create its version if it gets one; what its article stands at afterwards."""
    site = making.site.id
    for _ in range(_TRIES):
        versions = archive.versions(site, article)
        decision = decide_again(making, finding, versions, article=article)
        version = decision.version
        if version is None:
            return decision, None
        if decision.stands:
            return decision, standing_of(versions)
        if archive.put_version(version) is version:
            return decision, standing_of([*versions, version])
    raise WriteConflict(f"article {article} of {site} got versions from others all the time; try again")
