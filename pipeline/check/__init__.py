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

Two sorts of checks: those with limits that hold for any site are here, those against the site's own history in
``pipeline.check.usual``. docs/gate.md has them all.
"""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from pipeline.check.clock import COUNT, check_clock
from pipeline.check.pace import COUNT as PACE_COUNT
from pipeline.check.pace import check_pace
from pipeline.check.streaks import LEAST_BAD, join_few, join_streaks
from pipeline.check.tally import FIELDS, Tally
from pipeline.check.usual import (
    MAX_ONE_SHARE,
    RARE,
    Bounds,
    check_dates,
    check_fill,
    check_language,
    check_length,
    check_listing,
    check_old_text,
    check_outcomes,
    check_phrases,
    check_shrunk,
    check_volume,
    judge_fill,
    tell_missing,
)
from pipeline.check.verdicts import FEW, Verdict, find_share, find_worst, is_beyond, make_check, share_interval
from pipeline.model import Check, Finding, Outcome, Report, RuleRecord, SourceRecord
from pipeline.normal import History, Normal
from pipeline.normal.openings import pack_openings
from pipeline.normal.seasons import Season
from spiders.protocol import CrawlSummary, SourceYield
from spiders.site import CheckLimits, Site
from spiders.values import read_period

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
_DAYS = 35  # so many days with something new are remembered of a source
_LEARNING = timedelta(days=14)  # two week-ends; before that ...
_YOUNG_SILENCE = timedelta(days=5)  # ... a source may be silent over one with a holiday at its end
_IN_SEASON = 2  # times as long at Christmas, at Easter, in recess: when so much of the usual or less ...
_STILL = 0.1  # ... is to be expected
_UNKNOWN_SILENCE = timedelta(days=45)  # where neither its dates nor its history say what is normal


def check_run(
    site: Site,
    summary: CrawlSummary,
    findings: Iterable[Finding],
    history: Sequence[Report],
    normal: Normal | None = None,
) -> Report:
    """Hold a run against its limits, and against what is normal for its site.

    Args:
        site: its limits and its name.
        summary: what the crawl did.
        findings: every finding of the run, once through.
        history: reports of accepted earlier runs, newest first.
        normal: what is normal for the site; None where nothing is known, or does not matter.

    Returns:
        The report with every check in a fixed order, the figures, the reasons and the message.
    """
    quiet = [read_period(period) for period in site.check.quiet]
    past = History(normal, summary.run, kind=site.kind, country=site.country, zone=site.timezone, quiet=quiet)
    tally = Tally(known=past.openings)
    for finding in findings:
        tally.add(finding)
    limits = site.check
    records = _record_sources(summary, history)
    rules = _record_rules(summary, tally, history)
    counts = _counts(summary, tally) | _count_for_normal(summary, tally, records)
    checks = tuple(
        Bounds(limits=limits).apply(join_streaks((
            _check_sources(summary),
            _check_dried(site, summary, records, past.season),
            check_listing(past, limits, summary, records),
            _check_books(summary, tally),
            check_clock(summary, history, past.since("clock")),
            check_pace(summary, history),
            _check_captures(summary, tally, limits, history),
            check_volume(past, limits, counts.get("new")),
            _check_errors(summary, tally, limits),
            _check_blocked(tally),
            check_outcomes(past, limits, counts),
            _check_article_yield(tally, limits),
            _check_title(tally, limits, past),
            _check_published(tally, limits, history, past),
            check_dates(past, limits, tally),
            check_fill(past, limits, tally, history),
            check_language(past, limits, tally),
            _check_short_bodies(tally, limits, history, past),
            check_length(past, tally),
            check_shrunk(past, tally),
            check_phrases(past, limits, tally),
            check_old_text(past, limits, tally),
            _check_same_body(tally, limits),
            _check_canonical(tally),
            _check_memory(tally),
            _check_rules(rules),
            _check_documents(summary, tally),
        ), counts, history, normal, past.at))
    )  # fmt: skip
    verdict = find_worst(check.verdict for check in checks)
    return Report(
        site=site.id,
        run=summary.run,
        verdict=verdict,
        checks=checks,
        counts=counts,
        reasons=dict(sorted((tally.reasons + tally.document_reasons + Counter(summary.reasons)).items())),
        message=_message(site, summary, tally, verdict, checks),
        sources=records,
        rules=rules,
        fill={name: tally.fill[name] for name in FIELDS if tally.fill[name]},
        lag=tally.lag,
        lengths=tally.lengths,
        openings=pack_openings(tally.openings),
    )


def _count_for_normal(summary: CrawlSummary, tally: Tally, records: Sequence[SourceRecord]) -> dict[str, int]:
    """Figures that are learned from, beside those that are shown anyway."""
    counts = {
        "asked": tally.pages + _failed_pages(summary),
        "failed-pages": tally.kinds["failed"] + _failed_pages(summary),
        "new-articles": tally.new,
        "old-text": len(tally.copies),
        "pairs": tally.pairs,
        "shrunk": len(tally.shrunk),
        "phrases": len(tally.phrases),
        "odd-dates": tally.odd_dates.total(),
        "stale": tally.stale,
        "one-moment": tally.one_moment,
        "one-title": tally.one_title,
        **{f"lang-{language}": number for language, number in sorted(tally.languages.items())},
    }
    if summary.clock is not None:
        counts[COUNT] = round(summary.clock)
    if summary.wait is not None:
        counts[PACE_COUNT] = round(1000 * summary.wait)
    if summary.walk is None:
        # What a source lists that nobody has read before is new to us, and not on the site.
        known = [source for source, record in zip(summary.sources, records, strict=True)
                 if record.since != summary.finished]  # fmt: skip
        if known:
            counts["new"] = sum(source.new for source in known)
    return counts


def _check_sources(summary: CrawlSummary) -> Check:
    failed = [source for source in summary.sources if source.error]
    dead = [source for source in failed if not source.items]
    alive = len(summary.sources) - len(dead)
    named = "; ".join(f"{source.url}: {source.trouble}" for source in (dead or failed)[:_SHOWN])
    more = f" and {len(dead or failed) - _SHOWN} more" if len(dead or failed) > _SHOWN else ""
    if dead and not alive:
        return make_check(
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
        return make_check("sources", "warn", said, figure=alive, limit=1)
    return make_check("sources", "accept", f"All {alive} sources answered.", figure=alive, limit=1)


def _check_dried(site: Site, summary: CrawlSummary, records: Sequence[SourceRecord], season: Season | None) -> Check:
    """Sources that answer, but yield nothing, or nothing new for longer than is normal for them."""
    quiet = {source.url: source.quiet for source in site.sources if source.quiet is not None}
    said: list[str] = []
    if summary.walk is None:
        for source, record in zip(summary.sources, records, strict=True):
            cause = (
                None if source.error else _find_drought(source, record, quiet.get(source.url), summary.finished, season)
            )
            if cause is not None:
                said.append(f"{source.url} {cause}")
    if said:
        more = f" And {len(said) - _SHOWN} more." if len(said) > _SHOWN else ""
        return make_check("dried", "warn", "; ".join(said[:_SHOWN]) + f".{more}", figure=len(said), limit=0)
    return make_check("dried", "accept", "No source is silent for longer than is normal for it.", figure=0, limit=0)


def _find_drought(
    source: SourceYield, record: SourceRecord, quiet: timedelta | None, now: datetime, season: Season | None
) -> str | None:
    """What is wrong with a source that answered, in words; None when nothing is."""
    named = max(source.named, source.items)
    if not named and not source.rolling:
        return "answers, but names nothing: has it been replaced, or is it filled by script?"
    if source.articles == 0 and named >= FEW and source.type != "api":
        return f"names {named} links, and none matches `article` any more: has the site changed its addresses?"
    silence = now - record.alive
    normal = _usual_pause(source, record)
    is_still = season is not None and season.share <= _STILL
    limit = quiet or _longest_silence(source, record, normal, now) * (_IN_SEASON if is_still else 1)
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


def _check_books(summary: CrawlSummary, tally: Tally) -> Check:
    told = summary.captured + sum(summary.outcomes.values())
    off = abs(summary.discovered - told) + abs(summary.captured - len(tally.requested))
    if off:
        return make_check(
            "books",
            "reject",
            f"{summary.discovered} URLs were discovered, {told} have an outcome, and {len(tally.requested)} of "
            f"{summary.captured} captured pages were found in the segments. Run the extract step again; if that does "
            "not help, a segment is damaged or this is a defect.",
            figure=off,
            limit=0,
        )
    return make_check(
        "books", "accept", f"All {summary.discovered} discovered URLs have one outcome each.", figure=0, limit=0
    )


def _check_captures(summary: CrawlSummary, tally: Tally, limits: CheckLimits, history: Sequence[Report]) -> Check:
    captured = tally.pages
    least = limits.min_captures
    if least is not None and captured < least:
        return make_check(
            "captures",
            "reject",
            f"{captured} pages were captured; the site's file asks for {least} at least.",
            figure=captured,
            limit=least,
        )
    if summary.discovered == 0:
        off_pattern = summary.reasons.get("off-pattern", 0)
        if off_pattern:
            return make_check(
                "captures",
                "reject",
                f"The sources list {off_pattern} links and none matches the site's `article` pattern: the site has "
                "changed its addresses, or the pattern is wrong. "
                f"`muniment sites check --live {summary.site}` shows the links.",
                figure=0,
                limit=1,
            )
        first = not any(report.counts.get("discovered") for report in history)
        return make_check(
            "captures",
            "reject" if first else "warn",
            "The sources list nothing at all" + (", and never did." if first else "; earlier runs found pages there."),
            figure=0,
            limit=1,
        )
    wanted = captured + _failed_pages(summary)
    if wanted and not captured:
        return make_check("captures", "reject", f"None of {wanted} wanted pages could be captured.", figure=0, limit=1)
    quiet = " (nothing was due)" if not wanted else ""
    return make_check("captures", "accept", f"{captured} pages were captured{quiet}.", figure=captured, limit=least)


def _failed_pages(summary: CrawlSummary) -> int:
    """How many pages gave no answer, documents not counted."""
    return summary.outcomes.get(Outcome.FAILED, 0) - summary.documents.get(Outcome.FAILED, 0)


def _check_errors(summary: CrawlSummary, tally: Tally, limits: CheckLimits) -> Check:
    failed = tally.kinds["failed"] + _failed_pages(summary)
    asked = tally.pages + _failed_pages(summary)
    limit = MAX_ERROR_SHARE if limits.max_error_share is None else limits.max_error_share
    share = find_share(failed, asked)
    alone = failed < LEAST_BAD and limits.max_error_share is None  # one page says nothing of the site
    if share > limit and not (alone and asked > failed):
        return make_check(
            "errors",
            is_beyond(failed, asked, limit),
            f"{failed} of {asked} pages failed ({_most_common(summary, tally, 'failed')}); at most {limit:.0%} may. "
            "Is the site overloaded, or slower than its time-out?",
            figure=share,
            limit=limit,
        )
    verdict: Verdict = "warn" if failed >= FEW else "accept"
    return make_check("errors", verdict, f"{failed} of {asked} pages failed.", figure=share, limit=limit)


def _check_blocked(tally: Tally) -> Check:
    blocked, pages = tally.kinds["blocked"], sum(tally.kinds.values())
    share = find_share(blocked, pages)
    if share > MAX_BLOCKED_SHARE:
        return make_check(
            "blocked",
            is_beyond(blocked, pages, MAX_BLOCKED_SHARE),
            f"{blocked} of {pages} pages were a block, a login or a consent wall "
            f"({_most_common(None, tally, 'blocked')}). The site refuses us: slow down, ask it, or stop.",
            figure=share,
            limit=MAX_BLOCKED_SHARE,
        )
    verdict: Verdict = "warn" if blocked else "accept"
    return make_check(
        "blocked", verdict, f"{blocked} of {pages} pages were blocked.", figure=share, limit=MAX_BLOCKED_SHARE
    )


def _check_article_yield(tally: Tally, limits: CheckLimits) -> Check:
    pages = tally.articles + tally.kinds["not-an-article"]
    limit = MIN_ARTICLE_YIELD if limits.min_article_yield is None else limits.min_article_yield
    share = find_share(tally.articles, pages)
    if pages and share < limit:
        return make_check(
            "article-yield",
            is_beyond(tally.articles, pages, limit),
            f"{tally.articles} of {pages} pages are articles ({_most_common(None, tally, 'not-an-article')}); at least "
            f"{limit:.0%} should be. Has the site been redesigned, or does the `article` pattern take in other pages?",
            figure=share,
            limit=limit,
        )
    told = f"{tally.articles} of {pages} pages are articles." if pages else "There was no page to extract."
    return make_check("article-yield", "accept", told, figure=share if pages else None, limit=limit)


def _check_title(tally: Tally, limits: CheckLimits, past: History) -> Check:
    limit = MIN_TITLE_SHARE if limits.min_title_share is None else limits.min_title_share
    share = find_share(tally.titled, tally.articles)
    if tally.articles and share < limit:
        return make_check(
            "title",
            is_beyond(tally.titled, tally.articles, limit),
            f"{tally.articles - tally.titled} of {tally.articles} articles have no headline; at least {limit:.0%} need "
            "one. The site has probably been redesigned.",
            figure=share,
            limit=limit,
        )
    one = tally.one_title
    usual = past.expect_share("title", "one-title", "articles", found=one, of=tally.articles) if one else None
    if one >= min(FEW, tally.articles) and find_share(one, tally.articles) > MAX_ONE_SHARE:
        known = usual is not None and usual.expected.above >= RARE
        if not known:
            return make_check(
                "title",
                "warn" if usual is None else is_beyond(one, tally.articles, MAX_ONE_SHARE),
                f"{one} of {tally.articles} articles have one and the same headline: it is the site's name, or that of "
                "a box. The site has probably been redesigned.",
                figure=find_share(one, tally.articles),
                limit=MAX_ONE_SHARE,
                usual=usual,
                per=tally.articles,
            )
    return make_check(
        "title",
        "accept",
        f"{tally.titled} of {tally.articles} articles have a headline.",
        figure=share if tally.articles else None,
        limit=limit,
    )


def _check_published(tally: Tally, limits: CheckLimits, history: Sequence[Report], past: History) -> Check:
    missing = tally.articles - tally.dated
    share = find_share(tally.dated, tally.articles)
    figure = share if tally.articles else None
    told = f"{tally.dated} of {tally.articles} articles have a date of publication"
    if limits.min_published_share is not None and tally.articles and share < limits.min_published_share:
        return make_check(
            "published",
            is_beyond(tally.dated, tally.articles, limits.min_published_share),
            f"{told}; the site's file asks for {limits.min_published_share:.0%}.",
            figure=share,
            limit=limits.min_published_share,
        )
    if limits.min_published_share is None and tally.articles:
        has, of, runs = join_few(
            history, past.at, name="published", has=tally.dated, articles=tally.articles, least=FALLEN_FILL,
            since=past.since("published"),
        )  # fmt: skip
        usual = past.expect_share("published", "fill-published", "articles", found=has, of=of)
        if usual is not None:
            odd = judge_fill(usual, has, of)
            lost = tell_missing("date of publication", usual, has, of, runs)
            return make_check(
                "published",
                odd,
                f"{told}."
                if odd == "accept"
                else f"{lost}. Dates have moved or changed their form: look at one page beside its version.",
                figure=share,
                limit=FALLEN_FILL,
                usual=usual,
                per=of,
            )
    normal = _usual_share(history, "dated")
    if tally.articles and normal is not None and normal >= NORMAL_FILL and share <= FALLEN_FILL:
        return make_check(
            "published",
            is_beyond(tally.dated, tally.articles, normal),
            f"{missing} of {tally.articles} articles have no date of publication; normal is {1 - normal:.0%}. "
            "Dates have moved or changed their form: look at one page beside its version.",
            figure=share,
            limit=FALLEN_FILL,
        )
    verdict: Verdict = "warn" if tally.articles >= FEW and share < MIN_ARTICLE_YIELD else "accept"
    return make_check("published", verdict, f"{told}.", figure=figure, limit=limits.min_published_share)


def _check_short_bodies(tally: Tally, limits: CheckLimits, history: Sequence[Report], past: History) -> Check:
    limit = MIN_WORDS if limits.min_words is None else limits.min_words
    if not tally.words:
        return make_check("short-bodies", "accept", "There is no text to measure.", limit=limit)
    median = tally.median_words
    shortest = ", ".join(str(words) for words in sorted(tally.words)[:_SHOWN])
    told = f"The middle article has {median} words; the shortest have {shortest}."
    usual = [report.counts["median_words"] for report in history if report.counts.get("articles", 0) >= FEW]
    normal = statistics.median(usual) if usual else None
    if median < limit:
        return make_check(
            "short-bodies",
            "reject" if tally.articles >= FEW else "warn",
            f"{told} At least {limit} are expected: is it a teaser, a paywall, or a page drawn by script?",
            figure=median,
            limit=limit,
        )
    known = past.expect_length("length", found=median, of=len(tally.words)) is not None  # then `length` says more
    if not known and normal is not None and median < FALLEN_WORDS * normal:
        return make_check(
            "short-bodies",
            "reject" if tally.articles >= FEW else "warn",
            f"{told} Normal is {normal:.0f}: the text has moved out of reach, or a wall stands before it.",
            figure=median,
            limit=round(FALLEN_WORDS * normal),
        )
    return make_check("short-bodies", "accept", told, figure=median, limit=limit)


def _check_same_body(tally: Tally, limits: CheckLimits) -> Check:
    limit = MAX_SAME_BODY_SHARE if limits.max_same_body_share is None else limits.max_same_body_share
    most = max(tally.bodies.values(), key=len, default={})
    articles = sum(len(urls) for urls in tally.bodies.values())
    same = len(most) if len(most) > 1 else 0
    share = find_share(same, articles)
    if share > limit:
        return make_check(
            "same-body",
            is_beyond(same, articles, limit) if same >= SAME else "warn",
            f"{same} of {articles} articles have one and the same text, for example {_some(most.values())}. That is a "
            "consent wall, a block page or a template, not news.",
            figure=share,
            limit=limit,
        )
    return make_check("same-body", "accept", "No text stands on many pages.", figure=share, limit=limit)


def _check_canonical(tally: Tally) -> Check:
    url, pages = max(tally.canonicals.items(), key=lambda item: len(set(item[1])), default=("", []))
    same = len(set(pages)) if len(set(pages)) > 1 else 0
    share = find_share(same, tally.articles)
    if share > MAX_SAME_CANONICAL_SHARE:
        return make_check(
            "canonical",
            is_beyond(same, tally.articles, MAX_SAME_CANONICAL_SHARE) if same >= SAME else "warn",
            f"{same} of {tally.articles} pages say that they are {url}: they would all become one article. The site's "
            "template is wrong, or a wall answers in its place.",
            figure=share,
            limit=MAX_SAME_CANONICAL_SHARE,
        )
    return make_check(
        "canonical", "accept", "Pages name addresses of their own.", figure=share, limit=MAX_SAME_CANONICAL_SHARE
    )


def _check_memory(tally: Tally) -> Check:
    """What the site's memory left out of the articles' texts, and where it would have taken too much."""
    share = find_share(len(tally.spared), tally.articles)
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
    return make_check("memory", "warn" if loud else "accept", said, figure=share, limit=MAX_SPARED_SHARE)


def _record_rules(summary: CrawlSummary, tally: Tally, history: Sequence[Report]) -> tuple[RuleRecord, ...]:
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


def _check_documents(summary: CrawlSummary, tally: Tally) -> Check:
    """Documents that pages link; whatever they are like, the run's articles are published."""
    lost = summary.documents.get(Outcome.FAILED, 0)
    asked, read = tally.documents.total() + lost, tally.documents["article"] + tally.documents["unchanged"]
    share = find_share(read, asked)
    why = ", ".join(f"{reason} {count}" for reason, count in tally.document_reasons.most_common(_SHOWN))
    said = f"{read} of {asked} documents that pages link were read" + (f" ({why})." if why else ".")
    return make_check(
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
        return make_check(
            "rules",
            "warn",
            f"{'; '.join(said[:_SHOWN])}{more}. The pages are read without it: has the site been redesigned? Correct "
            "[[extract]] in the site's file, with from and until.",
            figure=len(said),
            limit=0,
        )
    return make_check("rules", "accept", "No rule of the site's file is idle.", figure=0, limit=0)


def _usual_share(history: Sequence[Report], part: str) -> float | None:
    """The middle share of articles with a field over earlier runs that had enough articles."""
    shares = [
        find_share(report.counts.get(part, 0), report.counts["articles"])
        for report in history
        if report.counts.get("articles", 0) >= FEW
    ]
    return statistics.median(shares) if shares else None


def _most_common(summary: CrawlSummary | None, tally: Tally, kind: str) -> str:
    reasons: Counter[str] = Counter(tally.reasons)
    if summary is not None:
        reasons.update(summary.reasons)
    own = [(name, count) for name, count in reasons.most_common() if name.startswith(f"{kind}: ")]
    return ", ".join(f"{name.removeprefix(f'{kind}: ')} × {count}" for name, count in own[:_SHOWN]) or "no reason given"


def _some(urls: Iterable[str]) -> str:
    return " and ".join(sorted(urls)[:2])


def _counts(summary: CrawlSummary, tally: Tally) -> dict[str, int]:
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


def _message(site: Site, summary: CrawlSummary, tally: Tally, verdict: Verdict, checks: Sequence[Check]) -> str:
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


__all__ = ["FEW", "check_run", "share_interval"]
