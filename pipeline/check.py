"""The gate: what a run counted, held against limits, and a verdict that an operator can act on.

Pure: it is given what the crawl and the extraction found and decides; it reads and writes nothing. Every check has a
name, a figure, a limit and one sentence. The worst verdict of the checks is the run's:

    accept   publish
    warn     publish, and say what looks odd
    reject   publish nothing: something is wrong with the site, with our access to it, or with our site file

A share of a handful of pages says little: one broken page on a quiet day must not stop a site. So a share that is
beyond its limit warns, and it rejects only where chance does not explain it: with ``FEW`` pages or more, when the
limit also lies outside the share's confidence interval (Wilson's, 80 %). Two of five failed pages warn, eight of
twenty reject. The limits can be set per site (``[check]`` in the site's file).
"""

from __future__ import annotations

import hashlib
import itertools
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from pipeline.model import Check, Finding, Outcome, Report, RuleRecord, SourceRecord
from spiders.protocol import CrawlSummary, SourceYield
from spiders.site import CheckLimits, Site

Verdict = Literal["accept", "warn", "reject"]

FEW = 5
"""With fewer pages than this a share only warns."""

MAX_ERROR_SHARE = 0.25
MAX_BLOCKED_SHARE = 0.5
MIN_ARTICLE_YIELD = 0.5
MIN_TITLE_SHARE = 0.8
MIN_WORDS = 30
MAX_SAME_BODY_SHARE = 0.2
MAX_SAME_CANONICAL_SHARE = 0.3
NORMAL_FILL = 0.8
"""A field that accepted runs filled to this share is expected to be filled."""
FALLEN_FILL = 0.2
FALLEN_WORDS = 0.25
"""A middle text of less than this share of the normal one is a fall."""

SAME = 3
"""So many pages with one text or one address are no accident; two are a story that was published twice."""

IDLE_PAGES = 20
"""A rule that has found nothing on so many articles in a row is told; boxes come and go from page to page."""
MIN_DOCUMENT_SHARE = 0.5
"""If fewer of the documents can be read than this, the operator is told; scans and forms are usual."""
MIN_FIELD_SHARE = 0.5
"""A rule for the body or a field that finds something on fewer of a run's articles than this is told."""

MAX_SPARED_SHARE = 0.2
"""Where the site's memory would take too much of more articles than this, it learned wrongly, or the site is new."""

_SHOWN = 3
_SAID = 80  # characters of a block that are told
_RECURRING = 2000  # different blocks that are counted at once
_DAYS = 35  # so many days with something new are remembered of a source
_LEARNING = timedelta(days=14)  # two week-ends; before that ...
_YOUNG_SILENCE = timedelta(days=5)  # ... a source may be silent over one with a holiday at its end
_UNKNOWN_SILENCE = timedelta(days=45)  # where neither its dates nor its history say what is normal
_Z = 1.28  # normal quantile of an 80 % interval


def check_run(site: Site, summary: CrawlSummary, findings: Iterable[Finding], history: Sequence[Report]) -> Report:
    """Hold a run against its limits.

    Args:
        site: its limits and its name.
        summary: what the crawl did.
        findings: every finding of the run, once through.
        history: reports of accepted earlier runs, newest first.

    Returns:
        The report with every check in a fixed order, the figures, the reasons and the message.
    """
    tally = _Tally()
    for finding in findings:
        tally.add(finding)
    limits = site.check
    records = _record_sources(summary, history)
    rules = _record_rules(summary, tally, history)
    checks = (
        _check_sources(summary),
        _check_dried(site, summary, records),
        _check_books(summary, tally),
        _check_captures(summary, tally, limits, history),
        _check_errors(summary, tally, limits),
        _check_blocked(tally),
        _check_article_yield(tally, limits),
        _check_title(tally, limits),
        _check_published(tally, limits, history),
        _check_short_bodies(tally, limits, history),
        _check_same_body(tally, limits),
        _check_canonical(tally),
        _check_memory(tally),
        _check_rules(rules),
        _check_documents(summary, tally),
    )
    verdict = _worst(check.verdict for check in checks)
    return Report(
        site=site.id,
        run=summary.run,
        verdict=verdict,
        checks=checks,
        counts=_counts(summary, tally),
        reasons=dict(sorted((tally.reasons + tally.document_reasons + Counter(summary.reasons)).items())),
        message=_message(site, summary, tally, verdict, checks),
        sources=records,
        rules=rules,
    )


@dataclass(kw_only=True)
class _Tally:
    """Figures of a run's findings; memory grows with the number of pages, not with their size."""

    kinds: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    words: list[int] = field(default_factory=list)
    titled: int = 0
    dated: int = 0
    requested: set[str] = field(default_factory=set)
    bodies: dict[bytes, dict[str, str]] = field(default_factory=dict)  # text digest -> article -> URL
    canonicals: dict[str, list[str]] = field(default_factory=dict)  # canonical URL -> pages that claim it
    recurring: Counter[str] = field(default_factory=Counter)  # what the site's memory left out -> articles
    relieved: int = 0  # articles out of which it left something
    spared: list[tuple[str, str]] = field(default_factory=list)  # articles in which it would have taken too much
    ruled: Counter[str] = field(default_factory=Counter)  # rule of the site's file -> articles it was held against
    obeyed: Counter[str] = field(default_factory=Counter)  # … and on which it found something

    documents: Counter[str] = field(default_factory=Counter)  # kinds of what pages link; counted apart from them
    document_reasons: Counter[str] = field(default_factory=Counter)

    def add(self, finding: Finding) -> None:
        self.requested.add(finding.requested)
        if "linked_from" in finding.facts:
            self.documents[finding.kind] += 1
            if finding.reason:
                self.document_reasons[f"document {finding.kind}: {finding.reason}"] += 1
            return
        self.kinds[finding.kind] += 1
        if finding.reason:
            self.reasons[f"{finding.kind}: {finding.reason}"] += 1
        article = finding.article
        if article is None:
            return
        left_out = {
            line[:_SAID] for block in article.stripped if block.rule == "memory" for line in block.text.split("\n")
        }
        self.recurring.update(left_out)
        if len(self.recurring) > _RECURRING:
            self.recurring = Counter(dict(self.recurring.most_common(_RECURRING // 2)))
        self.relieved += bool(left_out)
        if "memory" in article.origins:
            self.spared.append((finding.final, article.origins["memory"]))
        self.ruled.update(finding.rules.keys())
        self.obeyed.update(rule for rule, found in finding.rules.items() if found)
        self.words.append(article.words)
        self.titled += bool(article.title)
        self.dated += article.published is not None
        digest = hashlib.sha256(" ".join(article.text.split()).encode("utf-8", "surrogatepass")).digest()[:16]
        self.bodies.setdefault(digest, {})[article.article] = article.url
        self.canonicals.setdefault(article.url, []).append(finding.final)

    @property
    def pages(self) -> int:
        """Captured pages, without documents."""
        return len(self.requested) - self.documents.total()

    @property
    def articles(self) -> int:
        return self.kinds["article"]

    @property
    def median_words(self) -> int:
        return int(statistics.median(self.words)) if self.words else 0


def _check(
    name: str, verdict: Verdict, message: str, *, figure: float | None = None, limit: float | None = None
) -> Check:
    rounded = None if figure is None else round(figure, 4)
    return Check(name=name, verdict=verdict, figure=rounded, limit=limit, message=message)


def _worst(verdicts: Iterable[Verdict]) -> Verdict:
    order: tuple[Verdict, ...] = ("accept", "warn", "reject")
    return max(verdicts, key=order.index, default="accept")


def _beyond(part: int, whole: int, limit: float) -> Verdict:
    """The verdict on a share that is beyond its limit, above or below: is it more than chance?"""
    low, high = share_interval(part, whole)
    return "reject" if whole >= FEW and not low <= limit <= high else "warn"


def share_interval(part: int, whole: int) -> tuple[float, float]:
    """Wilson's score interval (80 %) of the share that ``part`` of ``whole`` was drawn from."""
    if not whole:
        return 0.0, 1.0
    share, square = part / whole, _Z * _Z
    centre = share + square / (2 * whole)
    spread = _Z * math.sqrt(share * (1 - share) / whole + square / (4 * whole * whole))
    scale = 1 + square / whole
    return (centre - spread) / scale, (centre + spread) / scale


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _check_sources(summary: CrawlSummary) -> Check:
    failed = [source for source in summary.sources if source.error]
    dead = [source for source in failed if not source.items]
    alive = len(summary.sources) - len(dead)
    named = "; ".join(f"{source.url}: {source.error}" for source in (dead or failed)[:_SHOWN])
    more = f" and {len(dead or failed) - _SHOWN} more" if len(dead or failed) > _SHOWN else ""
    if dead and not alive:
        return _check(
            "sources",
            "reject",
            f"No source answered ({named}{more}), so nothing new can be found. Is the site down, has it moved its "
            f"feeds, or does it refuse us? `muniment sites check --live {summary.site}` asks each.",
            figure=0,
            limit=1,
        )
    if failed:
        what = "gave nothing" if dead else "gave only a part"
        said = f"{len(dead or failed)} of {len(summary.sources)} sources {what}: {named}{more}."
        return _check("sources", "warn", said, figure=alive, limit=1)
    return _check("sources", "accept", f"All {alive} sources answered.", figure=alive, limit=1)


def _check_dried(site: Site, summary: CrawlSummary, records: Sequence[SourceRecord]) -> Check:
    """Sources that answer, but yield nothing, or nothing new for longer than is normal for them."""
    quiet = {source.url: source.quiet for source in site.sources if source.quiet is not None}
    said: list[str] = []
    if summary.walk is None:
        for source, record in zip(summary.sources, records, strict=True):
            cause = None if source.error else _find_drought(source, record, quiet.get(source.url), summary.finished)
            if cause is not None:
                said.append(f"{source.url} {cause}")
    if said:
        more = f" And {len(said) - _SHOWN} more." if len(said) > _SHOWN else ""
        return _check("dried", "warn", "; ".join(said[:_SHOWN]) + f".{more}", figure=len(said), limit=0)
    return _check("dried", "accept", "No source is silent for longer than is normal for it.", figure=0, limit=0)


def _find_drought(source: SourceYield, record: SourceRecord, quiet: timedelta | None, now: datetime) -> str | None:
    """What is wrong with a source that answered, in words; None when nothing is."""
    named = max(source.named, source.items)
    if not named and not source.rolling:
        return "answers, but names nothing: has it been replaced, or is it filled by script?"
    if source.articles == 0 and named >= FEW and source.type != "api":
        return f"names {named} links, and none matches `article` any more: has the site changed its addresses?"
    silence = now - record.alive
    normal = _usual_pause(source, record)
    limit = quiet or _longest_silence(source, record, normal, now)
    if silence <= limit:
        return None
    newest = f"; its newest item is of {source.newest:%d %B %Y}" if source.newest is not None else ""
    usual = f"its longest usual pause is {_put_time(normal)}, " if normal and not quiet else ""
    return f"has named nothing new for {_put_time(silence)} ({usual}{_put_time(limit)} is its limit){newest}"


def _usual_pause(source: SourceYield, record: SourceRecord) -> timedelta | None:
    """The longest pause of late, by when it brought something and by the dates of its items; None: not known."""
    nights = [begin - end for (_, end), (begin, _) in itertools.pairwise(record.arrivals)]
    dates = [] if source.pause is None or not source.span else [timedelta(seconds=source.pause)]
    return max(nights + dates, default=None)


def _longest_silence(source: SourceYield, record: SourceRecord, normal: timedelta | None, now: datetime) -> timedelta:
    """So long a source may be silent: twice its longest usual pause and a day, and more while little is known."""
    seen = max(now - record.since, timedelta(seconds=source.span or 0))
    if normal is None or (len(record.arrivals) < FEW and not source.span):
        return _UNKNOWN_SILENCE
    learned = 2 * normal + timedelta(days=1)
    return max(learned, _YOUNG_SILENCE) if seen < _LEARNING else learned


def _record_sources(summary: CrawlSummary, history: Sequence[Report]) -> tuple[SourceRecord, ...]:
    """What is remembered of each source after this run, in the order of the summary."""
    before: dict[str, SourceRecord] = {}
    for report in history:  # newest first
        for record in report.sources:
            before.setdefault(record.url, record)
    return tuple(_record_source(source, before.get(source.url), summary) for source in summary.sources)


def _record_source(source: SourceYield, known: SourceRecord | None, summary: CrawlSummary) -> SourceRecord:
    now = summary.finished
    facts = {"url": source.url, "type": source.type, "items": source.items, "articles": source.articles}
    # A sitemap that dates everything alike is stamped when it is made: its date is no sign of life.
    newest = source.newest if source.span or source.type != "sitemap" else None
    if known is None:
        alive = min(newest, now) if newest is not None else now
        return SourceRecord(**facts, new=source.new, newest=newest, since=now, alive=alive, mark=source.mark)
    if (source.error and not source.items) or summary.walk is not None:
        return known
    fresh = source.unknown > 0 and source.mark != known.mark
    moved = newest is not None and (known.newest is None or newest > known.newest)
    arrivals = list(known.arrivals)
    if fresh or moved:
        if arrivals and arrivals[-1][0].date() == now.date():
            arrivals[-1] = (arrivals[-1][0], now)
        else:
            arrivals.append((now, now))
    return SourceRecord(
        **facts,
        new=source.new,
        newest=max((date for date in (newest, known.newest) if date is not None), default=None),
        since=known.since,
        alive=now if fresh or moved else known.alive,
        arrivals=tuple(arrivals[-_DAYS:]),
        mark=source.mark or known.mark,
    )


def _put_time(time: timedelta) -> str:
    hours = time.total_seconds() / 3600
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} hours"


def _check_books(summary: CrawlSummary, tally: _Tally) -> Check:
    told = summary.captured + sum(summary.outcomes.values())
    off = abs(summary.discovered - told) + abs(summary.captured - len(tally.requested))
    if off:
        return _check(
            "books",
            "reject",
            f"{summary.discovered} URLs were discovered, {told} have an outcome, and {len(tally.requested)} of "
            f"{summary.captured} captured pages were found in the segments. Run the extract step again; if that does "
            "not help, a segment is damaged or this is a defect.",
            figure=off,
            limit=0,
        )
    return _check(
        "books", "accept", f"All {summary.discovered} discovered URLs have one outcome each.", figure=0, limit=0
    )


def _check_captures(summary: CrawlSummary, tally: _Tally, limits: CheckLimits, history: Sequence[Report]) -> Check:
    captured = tally.pages
    least = limits.min_captures
    if least is not None and captured < least:
        return _check(
            "captures",
            "reject",
            f"{captured} pages were captured; the site's file asks for {least} at least.",
            figure=captured,
            limit=least,
        )
    if summary.discovered == 0:
        off_pattern = summary.reasons.get("off-pattern", 0)
        if off_pattern:
            return _check(
                "captures",
                "reject",
                f"The sources list {off_pattern} links and none matches the site's `article` pattern: the site has "
                "changed its addresses, or the pattern is wrong. "
                f"`muniment sites check --live {summary.site}` shows the links.",
                figure=0,
                limit=1,
            )
        first = not any(report.counts.get("discovered") for report in history)
        return _check(
            "captures",
            "reject" if first else "warn",
            "The sources list nothing at all" + (", and never did." if first else "; earlier runs found pages there."),
            figure=0,
            limit=1,
        )
    wanted = captured + _failed_pages(summary)
    if wanted and not captured:
        return _check("captures", "reject", f"None of {wanted} wanted pages could be captured.", figure=0, limit=1)
    quiet = " (nothing was due)" if not wanted else ""
    return _check("captures", "accept", f"{captured} pages were captured{quiet}.", figure=captured, limit=least)


def _failed_pages(summary: CrawlSummary) -> int:
    """How many pages gave no answer, documents not counted."""
    return summary.outcomes.get(Outcome.FAILED, 0) - summary.documents.get(Outcome.FAILED, 0)


def _check_errors(summary: CrawlSummary, tally: _Tally, limits: CheckLimits) -> Check:
    failed = tally.kinds["failed"] + _failed_pages(summary)
    asked = tally.pages + _failed_pages(summary)
    limit = MAX_ERROR_SHARE if limits.max_error_share is None else limits.max_error_share
    share = _share(failed, asked)
    if share > limit:
        return _check(
            "errors",
            _beyond(failed, asked, limit),
            f"{failed} of {asked} pages failed ({_most_common(summary, tally, 'failed')}); at most {limit:.0%} may. "
            "Is the site overloaded, or slower than its time-out?",
            figure=share,
            limit=limit,
        )
    verdict: Verdict = "warn" if failed >= FEW else "accept"
    return _check("errors", verdict, f"{failed} of {asked} pages failed.", figure=share, limit=limit)


def _check_blocked(tally: _Tally) -> Check:
    blocked, pages = tally.kinds["blocked"], sum(tally.kinds.values())
    share = _share(blocked, pages)
    if share > MAX_BLOCKED_SHARE:
        return _check(
            "blocked",
            _beyond(blocked, pages, MAX_BLOCKED_SHARE),
            f"{blocked} of {pages} pages were a block, a login or a consent wall "
            f"({_most_common(None, tally, 'blocked')}). The site refuses us: slow down, ask it, or stop.",
            figure=share,
            limit=MAX_BLOCKED_SHARE,
        )
    verdict: Verdict = "warn" if blocked else "accept"
    return _check(
        "blocked", verdict, f"{blocked} of {pages} pages were blocked.", figure=share, limit=MAX_BLOCKED_SHARE
    )


def _check_article_yield(tally: _Tally, limits: CheckLimits) -> Check:
    pages = tally.articles + tally.kinds["not-an-article"]
    limit = MIN_ARTICLE_YIELD if limits.min_article_yield is None else limits.min_article_yield
    share = _share(tally.articles, pages)
    if pages and share < limit:
        return _check(
            "article-yield",
            _beyond(tally.articles, pages, limit),
            f"{tally.articles} of {pages} pages are articles ({_most_common(None, tally, 'not-an-article')}); at least "
            f"{limit:.0%} should be. Has the site been redesigned, or does the `article` pattern take in other pages?",
            figure=share,
            limit=limit,
        )
    told = f"{tally.articles} of {pages} pages are articles." if pages else "There was no page to extract."
    return _check("article-yield", "accept", told, figure=share if pages else None, limit=limit)


def _check_title(tally: _Tally, limits: CheckLimits) -> Check:
    limit = MIN_TITLE_SHARE if limits.min_title_share is None else limits.min_title_share
    share = _share(tally.titled, tally.articles)
    if tally.articles and share < limit:
        return _check(
            "title",
            _beyond(tally.titled, tally.articles, limit),
            f"{tally.articles - tally.titled} of {tally.articles} articles have no headline; at least {limit:.0%} need "
            "one. The site has probably been redesigned.",
            figure=share,
            limit=limit,
        )
    return _check(
        "title",
        "accept",
        f"{tally.titled} of {tally.articles} articles have a headline.",
        figure=share if tally.articles else None,
        limit=limit,
    )


def _check_published(tally: _Tally, limits: CheckLimits, history: Sequence[Report]) -> Check:
    missing = tally.articles - tally.dated
    share = _share(tally.dated, tally.articles)
    figure = share if tally.articles else None
    told = f"{tally.dated} of {tally.articles} articles have a date of publication"
    if limits.min_published_share is not None and tally.articles and share < limits.min_published_share:
        return _check(
            "published",
            _beyond(tally.dated, tally.articles, limits.min_published_share),
            f"{told}; the site's file asks for {limits.min_published_share:.0%}.",
            figure=share,
            limit=limits.min_published_share,
        )
    normal = _usual_share(history, "dated")
    if tally.articles and normal is not None and normal >= NORMAL_FILL and share <= FALLEN_FILL:
        return _check(
            "published",
            _beyond(tally.dated, tally.articles, normal),
            f"{missing} of {tally.articles} articles have no date of publication; normal is {1 - normal:.0%}. "
            "Dates have moved or changed their form: look at one page beside its version.",
            figure=share,
            limit=FALLEN_FILL,
        )
    verdict: Verdict = "warn" if tally.articles >= FEW and share < MIN_ARTICLE_YIELD else "accept"
    return _check("published", verdict, f"{told}.", figure=figure, limit=limits.min_published_share)


def _check_short_bodies(tally: _Tally, limits: CheckLimits, history: Sequence[Report]) -> Check:
    limit = MIN_WORDS if limits.min_words is None else limits.min_words
    if not tally.words:
        return _check("short-bodies", "accept", "There is no text to measure.", limit=limit)
    median = tally.median_words
    shortest = ", ".join(str(words) for words in sorted(tally.words)[:_SHOWN])
    told = f"The middle article has {median} words; the shortest have {shortest}."
    usual = [report.counts["median_words"] for report in history if report.counts.get("articles", 0) >= FEW]
    normal = statistics.median(usual) if usual else None
    if median < limit:
        return _check(
            "short-bodies",
            "reject" if tally.articles >= FEW else "warn",
            f"{told} At least {limit} are expected: is it a teaser, a paywall, or a page drawn by script?",
            figure=median,
            limit=limit,
        )
    if normal is not None and median < FALLEN_WORDS * normal:
        return _check(
            "short-bodies",
            "reject" if tally.articles >= FEW else "warn",
            f"{told} Normal is {normal:.0f}: the text has moved out of reach, or a wall stands before it.",
            figure=median,
            limit=round(FALLEN_WORDS * normal),
        )
    return _check("short-bodies", "accept", told, figure=median, limit=limit)


def _check_same_body(tally: _Tally, limits: CheckLimits) -> Check:
    limit = MAX_SAME_BODY_SHARE if limits.max_same_body_share is None else limits.max_same_body_share
    most = max(tally.bodies.values(), key=len, default={})
    articles = sum(len(urls) for urls in tally.bodies.values())
    same = len(most) if len(most) > 1 else 0
    share = _share(same, articles)
    if share > limit:
        return _check(
            "same-body",
            _beyond(same, articles, limit) if same >= SAME else "warn",
            f"{same} of {articles} articles have one and the same text, for example {_some(most.values())}. That is a "
            "consent wall, a block page or a template, not news.",
            figure=share,
            limit=limit,
        )
    return _check("same-body", "accept", "No text stands on many pages.", figure=share, limit=limit)


def _check_canonical(tally: _Tally) -> Check:
    url, pages = max(tally.canonicals.items(), key=lambda item: len(set(item[1])), default=("", []))
    same = len(set(pages)) if len(set(pages)) > 1 else 0
    share = _share(same, tally.articles)
    if share > MAX_SAME_CANONICAL_SHARE:
        return _check(
            "canonical",
            _beyond(same, tally.articles, MAX_SAME_CANONICAL_SHARE) if same >= SAME else "warn",
            f"{same} of {tally.articles} pages say that they are {url}: they would all become one article. The site's "
            "template is wrong, or a wall answers in its place.",
            figure=share,
            limit=MAX_SAME_CANONICAL_SHARE,
        )
    return _check(
        "canonical", "accept", "Pages name addresses of their own.", figure=share, limit=MAX_SAME_CANONICAL_SHARE
    )


def _check_memory(tally: _Tally) -> Check:
    """What the site's memory left out of the articles' texts, and where it would have taken too much."""
    share = _share(len(tally.spared), tally.articles)
    often = sorted(tally.recurring.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
    named = "; ".join(f'"{text}" ({pages})' for text, pages in often)
    said = (
        f"Blocks that repeat on the site were left out of {tally.relieved} of {tally.articles} articles: {named}."
        if named
        else "No block was left out because it repeats on the site."
    )
    if tally.spared:
        pages = "; ".join(f"{url} ({why})" for url, why in tally.spared[:_SHOWN])
        said += f" On {len(tally.spared)} it would have been too much, and less or nothing was: {pages}."
    loud = len(tally.spared) >= SAME and share > MAX_SPARED_SHARE
    return _check("memory", "warn" if loud else "accept", said, figure=share, limit=MAX_SPARED_SHARE)


def _record_rules(summary: CrawlSummary, tally: _Tally, history: Sequence[Report]) -> tuple[RuleRecord, ...]:
    """What is remembered of each extraction rule after this run, by name; one that was not asked stays as it was."""
    before: dict[str, RuleRecord] = {}
    for report in history:  # newest first
        for record in report.rules:
            before.setdefault(record.rule, record)
    records = []
    for rule in sorted(tally.ruled):
        pages, found, known = tally.ruled[rule], tally.obeyed[rule], before.get(rule)
        if found or known is None:
            idle, since = (0 if found else pages), summary.finished
        else:
            idle, since = known.idle + pages, known.since
        records.append(RuleRecord(rule=rule, pages=pages, found=found, idle=idle, since=since))
    if not records and history:
        return tuple(record.model_copy(update={"pages": 0, "found": 0}) for record in history[0].rules)
    return tuple(records)


def _check_documents(summary: CrawlSummary, tally: _Tally) -> Check:
    """Documents that pages link; whatever they are like, the run's articles are published."""
    lost = summary.documents.get(Outcome.FAILED, 0)
    asked, read = tally.documents.total() + lost, tally.documents["article"] + tally.documents["unchanged"]
    share = _share(read, asked)
    why = ", ".join(f"{reason} {count}" for reason, count in tally.document_reasons.most_common(_SHOWN))
    said = f"{read} of {asked} documents that pages link were read" + (f" ({why})." if why else ".")
    return _check(
        "documents",
        "warn" if asked >= FEW and share < MIN_DOCUMENT_SHARE else "accept",
        said if asked else "No document was asked for.",
        figure=share if asked else None,
        limit=MIN_DOCUMENT_SHARE,
    )


def _check_rules(records: Sequence[RuleRecord]) -> Check:
    """Extraction rules of the site's file that no longer find anything: the page has been redesigned around them."""
    said = []
    for record in records:
        wanted = record.rule.split(" ")[0] not in ("strip", "keep")
        if not record.pages:
            continue
        if record.idle >= (FEW if wanted else IDLE_PAGES):
            said.append(f"rule {record.rule} found nothing on any of {record.idle} pages since {record.since:%d %B %Y}")
        elif wanted and record.pages >= FEW and record.found < MIN_FIELD_SHARE * record.pages:
            said.append(f"rule {record.rule} found nothing on {record.pages - record.found} of {record.pages} pages")
    if said:
        more = f", and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
        return _check(
            "rules",
            "warn",
            f"{'; '.join(said[:_SHOWN])}{more}. The pages are read without it: has the site been redesigned? Correct "
            "[[extract]] in the site's file, with from and until.",
            figure=len(said),
            limit=0,
        )
    return _check("rules", "accept", "No rule of the site's file is idle.", figure=0, limit=0)


def _usual_share(history: Sequence[Report], part: str) -> float | None:
    """The middle share of articles with a field over earlier runs that had enough articles."""
    shares = [
        _share(report.counts.get(part, 0), report.counts["articles"])
        for report in history
        if report.counts.get("articles", 0) >= FEW
    ]
    return statistics.median(shares) if shares else None


def _most_common(summary: CrawlSummary | None, tally: _Tally, kind: str) -> str:
    reasons: Counter[str] = Counter(tally.reasons)
    if summary is not None:
        reasons.update(summary.reasons)
    own = [(name, count) for name, count in reasons.most_common() if name.startswith(f"{kind}: ")]
    return ", ".join(f"{name.removeprefix(f'{kind}: ')} × {count}" for name, count in own[:_SHOWN]) or "no reason given"


def _some(urls: Iterable[str]) -> str:
    return " and ".join(sorted(urls)[:2])


def _counts(summary: CrawlSummary, tally: _Tally) -> dict[str, int]:
    return {
        "discovered": summary.discovered,
        "captured": summary.captured,
        **{f"crawl-{name}": count for name, count in sorted(summary.outcomes.items())},
        "articles": tally.articles,
        **{kind: count for kind, count in sorted(tally.kinds.items()) if kind != "article"},
        **{f"document-{kind}": count for kind, count in sorted(tally.documents.items())},
        "titled": tally.titled,
        "dated": tally.dated,
        "median_words": tally.median_words,
        "requests": summary.requests,
        "bytes_received": summary.bytes_received,
    }


def _told(counts: Mapping[str, int]) -> Iterator[str]:
    for name, count in counts.items():
        if count:
            yield f"{count} {name}"


def _message(site: Site, summary: CrawlSummary, tally: _Tally, verdict: Verdict, checks: Sequence[Check]) -> str:
    """What the operator reads first: what happened, and for each check that is not well its sentence."""
    kinds = ", ".join(_told(dict(sorted(tally.kinds.items())))) or "no pages"
    figures = f"{summary.discovered} URLs discovered, {tally.pages} pages captured: {kinds}."
    if tally.documents:
        figures += f" {tally.documents.total()} documents: {', '.join(_told(dict(sorted(tally.documents.items()))))}."
    if verdict == "accept":
        return figures
    odd = [check for check in checks if check.verdict == verdict]
    begin = f"{site.name}: nothing of this run is published." if verdict == "reject" else f"{site.name}: published."
    return f"{begin} " + " ".join(f"[{check.name}] {check.message}" for check in odd) + f" {figures}"
