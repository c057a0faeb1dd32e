"""Why a run looks odd: rules that each weigh one cause, out of what was counted, read and compared.

A rule looks at one thing, says in words what speaks for its cause, and gives a likelihood of 0 to 1: how sure such a
sign is, times how much of the run it explains. A sign that explains half of the run explains it; what is usual for the
site by its own history is taken off first. The likeliest cause is told, and the next one where it comes near.

    sign                                                  how sure
    a clock that the servers' clocks contradict           0.99
    a damaged segment, books that do not balance          0.98
    a name that does not resolve, a bad certificate       0.97
    429, Retry-After                                      0.96
    a page that asks for consent, in the words of those   0.97
    a firewall's words 0.95, 403 0.90, a login's 0.92
    time-outs, refused connections, 5xx                   0.93
    a source that names nothing, or nothing that fits     0.92
    a mass of new addresses with other pages, and those
      that are known as they were                         0.93
    one text on several addresses                         0.90
    a language that the site had not                      0.90
    containers of other names, and text, headline,
      date or yield lost with them                        0.90
    texts that were there before, dates of another year   0.85
    dates lost or in another form, the pages as they were 0.90
    answers that take three times as long and more        0.70
    many more or many fewer pages                         0.60
    what a check of the gate says by itself               up to 0.80

Pure: nothing is read here.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from pipeline.check.pace import SLOW
from pipeline.diagnosis.templates import Comparison, DateSpot, Sketch
from pipeline.metadata import GUESSED
from pipeline.model import Cause, Evidence, Report
from pipeline.walls import find_block
from spiders.protocol import CrawlSummary

KNOWN: Final = 0.5
"""A cause that is less likely than this is told as a possibility, and a warning has none by it."""

_ALIKE: Final = 0.75  # pages of one template are more alike than this
_OTHER: Final = 0.35  # … and those of two systems less
_FEW: Final = 3
_OLD: Final = timedelta(days=300)
_SHOWN: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """What is looked at of one finding."""

    url: str
    article: str = ""  # id; "": it is none
    kind: str
    reason: str = ""
    evidence: Evidence | None = None
    words: int = 0
    text: bytes = b""  # digest of it
    lines: tuple[str, ...] = ()  # beginnings of some of its lines; nobody is told
    titled: bool = False
    language: str = ""
    published: datetime | None = None
    dated: DateSpot | None = None  # where its date was read, and in which form


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """One cause with what speaks for it."""

    cause: Cause
    likelihood: float
    why: str  # a sentence, without the full stop
    pages: tuple[tuple[Page | str, str], ...] = ()  # examples, or their URLs, each with what is odd about it
    host: str | None = None
    source: bool = False  # it is about what names the pages


@dataclass(frozen=True, kw_only=True)
class Case:
    """All that is known of a run, and of those before it."""

    report: Report
    summary: CrawlSummary
    history: Sequence[Report] = ()  # of accepted runs, newest first
    now: Sequence[Page] = ()
    before: Sequence[Page] = ()
    sketches: Sequence[Sketch] = ()  # of pages of this run
    comparison: Comparison | None = None

    @cached_property
    def articles(self) -> list[Page]:
        """Pages of the run that are articles."""
        return [page for page in self.now if page.kind == "article"]

    @cached_property
    def looked_at(self) -> int:
        """Pages that were asked for and answered otherwise than "as before", and those that gave no answer."""
        answered = sum(1 for page in self.now if page.kind != "unchanged")
        return answered + self.summary.outcomes.get("failed", 0) + self.left_alone

    @cached_property
    def left_alone(self) -> int:
        """Pages that were not asked for because of what the host did."""
        wanted = ("deferred: the host", "deferred: blocked", "excluded: robots.txt unreachable")
        return sum(count for reason, count in self.summary.reasons.items() if reason.startswith(wanted))

    def often(self, *starts: str) -> float:
        """The middle share of pages that ended for one of these reasons in accepted runs."""
        shares = []
        for report in self.history:
            pages = report.counts.get("captured", 0) + report.counts.get("crawl-failed", 0)
            if pages >= _FEW:
                ended = sum(count for reason, count in report.reasons.items() if reason.startswith(starts))
                shares.append(min(1.0, ended / pages))
        return statistics.median(shares) if shares else 0.0


def weigh_causes(case: Case) -> list[Suspicion]:
    """All causes that something speaks for, the likeliest first."""
    found = [suspicion for rule in _RULES for suspicion in rule(case) if suspicion.likelihood >= 0.05]
    best: dict[Cause, Suspicion] = {}
    for suspicion in sorted(found, key=lambda each: -each.likelihood):
        best.setdefault(suspicion.cause, suspicion)
    return list(best.values())


def _weigh(sure: float, part: float, whole: float, usual: float = 0.0) -> float:
    """How likely a sign makes its cause: as sure as it is where it explains half of the run or more."""
    share = part / whole if whole else 0.0
    return round(sure * min(1.0, 2 * max(0.0, share - usual)), 3)


# --- what the network and the servers say -----------------------------------------------------------------

_ANSWERS: Final[tuple[tuple[Cause, float, tuple[str, ...], str], ...]] = (
    ("site down", 0.97, ("name not resolved",), "its name does not resolve (DNS)"),
    ("site down", 0.97, ("certificate not verified",), "its certificate is not good: expired, or of another name"),
    (
        "site down",
        0.93,
        (
            *("time-out", "connection refused", "no connection", "no secure connection", "connection lost"),
            *("the host fails", "HTTP 5", "HTTP status 5", "answered 5", "maintenance page", "robots.txt unreachable"),
        ),
        "it does not answer, or answers with errors",
    ),
    (
        "throttled",
        0.96,
        ("the host asked us to wait", "HTTP 429", "HTTP status 429", "answered 429", "Retry-After"),
        "it asks us to be slower or to wait",
    ),
    (
        "firewall",
        0.90,
        ("blocked by the site", "HTTP 403", "HTTP status 403", "HTTP 451", "HTTP status 451"),
        "it refuses us",
    ),
    ("firewall", 0.95, ("firewall page",), "a firewall or a bot check answers in the place of the pages"),
    ("consent wall", 0.97, ("consent page",), "pages ask for consent before they show anything"),
    (
        "login wall",
        0.92,
        ("login or paywall", "paywall stub", "HTTP 401", "HTTP status 401", "HTTP 402", "redirected to a login"),
        "pages ask readers to log in or to pay",
    ),
)


_PLAIN: Final = 0.96  # what is surer than this has one meaning only

_ENDED: Final = ("failed: ", "deferred: ", "blocked: ", "excluded: robots.txt unreachable")


def _suspect_answers(case: Case) -> Iterator[Suspicion]:
    """What reasons say: of pages that ended, of pages left alone, and of sources that could not be read."""
    for cause, sure, words, said in _ANSWERS:
        pages = [page for page in case.now if page.kind in ("blocked", "failed") and _names(page.reason, words)]
        ended = {
            reason: count
            for reason, count in case.summary.reasons.items()
            if reason.startswith(_ENDED) and _names(reason, words)
        }
        sources = [source for source in case.summary.sources if source.error and _names(source.error, words)]
        stopped = [host for host, seen in case.summary.robots.items() if seen.stopped and _names(seen.stopped, words)]
        hit, whole = len(pages) + sum(ended.values()), case.looked_at
        usual = case.often(*(f"{kind}: {word}" for kind in ("blocked", "failed", "deferred") for word in words))
        by_page = _weigh(sure, hit, whole, usual)
        # Of sources the dead ones count, that name nothing: the pages of the others were fetched.
        dead = [source for source in sources if not source.items]
        by_source = _weigh(sure, len(dead), 2 * len(case.summary.sources) if whole else len(case.summary.sources))
        by_host = 0.6 * sure if stopped and hit else 0.0
        likelihood = max(by_page, by_source, by_host)
        if not likelihood:
            continue
        addresses = [page.url for page in pages] + [url for reason in ended for url in _examples(case, reason)]
        hosts = Counter(_host_of(url) for url in (*addresses, *(source.url for source in sources)))
        host = max(stopped, key=len) if stopped else hosts.most_common(1)[0][0] if hosts else None
        exact = _tell_error(source.trouble for source in sources) or _tell_error(
            seen.stopped for seen in case.summary.robots.values() if seen.stopped and _names(seen.stopped, words)
        )
        if len(words) == 1 and sure > _PLAIN:
            exact = ""  # it is said already
        parts = [f"{hit} of {whole} pages" if hit else "", f"{len(sources)} of {len(case.summary.sources)} sources"]
        where = " and ".join(part for part in parts if part and not part.startswith("0 "))
        yield Suspicion(
            cause=cause,
            likelihood=likelihood,
            why=f"{host or 'the site'}: {said} ({where or 'it was left alone'}{exact})",
            pages=(
                *((page, page.reason) for page in pages[:_SHOWN]),
                *((url, reason) for reason in ended for url in _examples(case, reason)[:_SHOWN]),
                *((source.url, f"source: {source.trouble}") for source in sources[:_SHOWN]),
            ),
            host=host,
            source=bool(sources) and not hit,
        )


def _names(reason: str, words: Iterable[str]) -> bool:
    return any(word in reason for word in words)


def _examples(case: Case, reason: str) -> list[str]:
    return case.summary.examples.get(reason, []) or (case.summary.unanswered if reason.startswith("failed") else [])


def _tell_error(errors: Iterable[str | None]) -> str:
    first = next((error for error in errors if error), None)
    return f": {first[:160]}" if first else ""


def _host_of(url: str) -> str:
    return urlsplit(url).hostname or url


# --- what sources say -------------------------------------------------------------------------------------


def _suspect_books(case: Case) -> Iterator[Suspicion]:
    told = case.summary.captured + sum(case.summary.outcomes.values())
    if case.summary.discovered != told or any(
        check.name == "books" and check.verdict == "reject" for check in case.report.checks
    ):
        why = "the run's books do not balance: a segment is damaged, or this is a defect"
        yield Suspicion(cause="books", likelihood=0.98, why=why, pages=_some(case.now, "of this run"))


def _suspect_clock(case: Case) -> Iterator[Suspicion]:
    for check in case.report.checks:
        if check.name == "clock" and check.verdict != "accept":
            # Before all others: by a wrong clock certificates expire, and new articles look old.
            yield Suspicion(cause="clock", likelihood=0.99, why=check.message.rstrip("."))


def _suspect_pace(case: Case) -> Iterator[Suspicion]:
    """Answers that take much longer than they did, or a run that was cut off without another reason."""
    for check in case.report.checks:
        if check.name != "pace" or check.verdict == "accept":
            continue
        slow = SLOW in check.message
        cut_off = case.summary.finish_reason == "run_seconds spent"
        if slow or cut_off:
            host = next((_host_of(source.url) for source in case.summary.sources), None)
            why = check.message.removeprefix(f"The site {SLOW}: ").rstrip(".")
            yield Suspicion(cause="slow", likelihood=0.7 if slow else 0.5, why=why, host=host)


def _suspect_sources(case: Case) -> Iterator[Suspicion]:
    """Sources that answer, and name nothing, or nothing that is an article of the site."""
    answered = [source for source in case.summary.sources if not source.error]
    brought = {record.url for report in case.history for record in report.sources if record.items}
    empty = [
        source
        for source in answered
        if not max(source.named, source.items) and (not source.rolling or source.url in brought)
    ]
    misfit = [
        source
        for source in answered
        if source not in empty and source.named + source.items >= _FEW and source.articles == 0
    ]
    if not empty and not misfit:
        return
    off = case.summary.reasons.get("off-pattern", 0)
    whole = len(case.summary.sources)
    likelihood = _weigh(0.92, len(empty) + len(misfit), whole)
    if case.summary.discovered:
        likelihood = round(0.6 * likelihood, 3)
    named = [f"{source.url} answers, and names nothing" for source in empty]
    named += [f"none of the links that {source.url} names is an article by the site's pattern" for source in misfit]
    yield Suspicion(
        cause="empty source",
        likelihood=likelihood,
        why="; ".join(named[:_SHOWN]) + (f"; {off} links fit no pattern" if off and misfit else ""),
        pages=(
            *((source.url, "source: answers, and names nothing") for source in empty[:_SHOWN]),
            *((source.url, "source: none of its links fits `article`") for source in misfit[:_SHOWN]),
            *((url, "fits no pattern") for url in case.summary.examples.get("off-pattern", [])[:_SHOWN]),
        ),
        host=_host_of((empty or misfit)[0].url),
        source=True,
    )


def _suspect_strangers(case: Case) -> Iterator[Suspicion]:
    """A mass of addresses, most of them of one source, with pages unlike the site's, and the site's own as they were.

    A sitemap that somebody has written into, or that lists tags or another edition now. A redesign would have changed
    the pages that are known, too.
    """
    if not _is_crowded(case.report) or not _stand_as_they_were(case):
        return
    most = max(case.summary.sources, key=lambda source: source.new, default=None)
    there = {page.url for page in case.before}
    fresh = [page for page in case.now if page.url not in there and page.kind in _FRESH]
    if most is None or len(fresh) < _FEW:
        return
    dated = [page for page in fresh if page.kind == "article" and _is_dated(page)]
    usual = _share_of([page for page in case.before if page.kind == "article"], _is_dated)
    odd = max(
        _built_otherwise(case.comparison),
        usual - len(dated) / len(fresh),
        sum(page.kind != "article" for page in fresh) / len(fresh),
    )
    new = sum(source.new for source in case.summary.sources)
    intact = sum(page.kind == "unchanged" for page in case.now)
    yield Suspicion(
        cause="strange pages",
        likelihood=_weigh(0.93, odd, 1.0),
        why=f"{most.new} of {new} new addresses are from {most.url}, and most are of pages that are not built as the "
        f"site's are; {intact} known pages that were asked for again are as they were",
        pages=tuple((page, _put_strange(page)) for page in sorted(fresh, key=_is_dated)[:_SHOWN]),
        host=_host_of(most.url),
        source=True,
    )


_FRESH: Final = frozenset({"article", "not-an-article", "blocked", "gone"})


def _put_strange(page: Page) -> str:
    return f"new, {page.reason}" if page.reason else "new, built otherwise"


def _is_crowded(report: Report) -> bool:
    """Whether the gate says that the sources name far more than is normal."""
    return any(
        check.name in ("volume", "listing")
        and check.verdict != "accept"
        and check.normal is not None
        and check.figure is not None
        and check.figure > check.normal[1]
        for check in report.checks
    )


def _stand_as_they_were(case: Case) -> bool:
    """Whether most of the known pages that were asked for again have not changed."""
    there = {page.url for page in case.before}
    kept = sum(page.kind == "unchanged" for page in case.now)
    return kept >= _FEW and kept >= sum(page.kind in _FRESH and page.url in there for page in case.now)


def _suspect_volume(case: Case) -> Iterator[Suspicion]:
    if any(check.name == "volume" and check.normal is not None for check in case.report.checks):
        return  # the gate knows what is normal for the hour and the season
    usual = [r.counts.get("discovered", 0) for r in case.history if r.counts.get("discovered")]
    if len(usual) < _FEW or not case.summary.discovered:
        return
    middle, found = statistics.median(usual), case.summary.discovered
    if found >= 3 * middle or 3 * found <= middle:
        many = "more" if found > middle else "fewer"
        why = f"{found} pages were found, {many} than the usual {middle:.0f}, and nothing else is odd about them"
        yield Suspicion(cause="volume", likelihood=0.6, why=why, pages=_some(case.now, f"one of {found}"), source=True)


# --- what the pages say -----------------------------------------------------------------------------------


def _suspect_one_text(case: Case) -> Iterator[Suspicion]:
    """One text under several addresses, and walls whose words nobody had met under a status of its own."""
    by_text: dict[bytes, list[Page]] = {}
    for page in case.articles:
        by_text.setdefault(page.text, []).append(page)
    most = max(by_text.values(), key=len, default=[])
    same = {page.article or page.url: page for page in most}
    if len(same) >= _FEW:
        pages = tuple(same.values())
        yield Suspicion(
            cause="one text",
            likelihood=_weigh(0.90, len(same), len({page.article or page.url for page in case.articles})),
            why=f"{len(same)} of {len(case.articles)} articles have one and the same text of {pages[0].words} words",
            pages=tuple((page, "the same text as on the other pages") for page in pages[:_SHOWN]),
        )
    walls = Counter(wall for sketch in case.sketches if (wall := find_wall(sketch)))
    for wall, count in walls.items():
        cause = _WALLS[wall]
        pages = tuple(page for page in case.now if any(page.url == s.url and find_wall(s) for s in case.sketches))
        yield Suspicion(
            cause=cause,
            likelihood=_weigh(0.96, count, len(case.sketches)),
            why=f"{count} of {len(case.sketches)} pages that were looked at say what a {wall} says, and little else",
            pages=tuple((page, wall) for page in pages[:_SHOWN]),
        )


_WALLS: Final[Mapping[str, Cause]] = {
    "firewall page": "firewall",
    "maintenance page": "site down",
    "consent page": "consent wall",
    "login or paywall page": "login wall",
}


def find_wall(sketch: Sketch) -> str | None:
    """What a page would be called if all that is visible on it were its text."""
    return find_block([sketch.title], sketch.seen, sketch.seen, words=len(sketch.seen.split()), dated=False)


def _suspect_language(case: Case) -> Iterator[Suspicion]:
    before = Counter(_primary(page.language) for page in case.before if page.kind == "article" and page.language)
    now = [page for page in case.articles if page.language]
    if before.total() < _FEW or not now:
        return
    known = {language for language, pages in before.items() if pages >= 0.1 * before.total()}
    other = [page for page in now if _primary(page.language) not in known]
    if other:
        most = Counter(_primary(page.language) for page in other).most_common(1)[0][0]
        was = before.most_common(1)[0][0]
        yield Suspicion(
            cause="language",
            likelihood=_weigh(0.90, len(other), len(now)),
            why=f"{len(other)} of {len(now)} articles are in {most!r}; the site's were in {was!r}",
            pages=tuple((page, f"its language is {page.language}") for page in other[:_SHOWN]),
        )


def _primary(language: str) -> str:
    return language.partition("-")[0].lower()


def _suspect_old_text(case: Case) -> Iterator[Suspicion]:
    known: dict[bytes, set[str]] = {}
    for page in case.before:
        if page.kind == "article":
            known.setdefault(page.text, set()).add(page.article)
    there = {page.article for page in case.before}
    fresh = [page for page in case.articles if page.article not in there]
    again = [page for page in fresh if known.get(page.text)]
    dates = [page.published for page in case.before if page.kind == "article" and page.published]
    newest = max(dates, default=None)
    # A date that is guessed, or read from another place than ever, says more about the template than about the text.
    places = {page.dated.place for page in case.before if page.dated} - GUESSED
    old = [
        page
        for page in fresh
        if newest is not None
        and statistics.median((newest - date).total_seconds() for date in dates) < _OLD.total_seconds() / 3
        and page.published is not None
        and page.dated is not None
        and page.dated.place in places
        and newest - page.published > _OLD
    ]
    odd = {page.url: page for page in (*again, *old)}
    if len(odd) >= _FEW:
        said = f"{len(again)} have a text that stood under another address before" if again else ""
        dated = f"{len(old)} are dated {_OLD.days} days and more before the latest ones" if old else ""
        yield Suspicion(
            cause="old text",
            likelihood=_weigh(0.85, len(odd), len(case.articles)),
            why=f"of {len(fresh)} articles that are new {' and '.join(filter(None, (said, dated)))}",
            pages=tuple((page, "new by its address, and old") for page in list(odd.values())[:_SHOWN]),
        )


def _suspect_dates(case: Case) -> Iterator[Suspicion]:
    """Dates lost, or read from another place or form, where the pages are built as they were."""
    articles = [page for page in case.before if page.kind == "article"]
    if len(articles) < _FEW or len(case.articles) < _FEW:
        return
    usual = _share_of(articles, _is_dated)
    share = _share_of(case.articles, _is_dated)
    lost = [page for page in case.articles if not _is_dated(page)]
    built = _built_otherwise(case.comparison)
    if usual >= 0.5 and share <= 0.5 * usual:
        why = f"{len(lost)} of {len(case.articles)} articles have no date that can be read, of the earlier ones "
        why += f"{_percent(1 - usual)} had none{_tell_spots(case, articles)}"
        yield Suspicion(
            cause="dates",
            likelihood=round(_weigh(0.90, usual - share, usual) * (1 - 0.6 * built), 3),
            why=why,
            pages=tuple((page, "no date of publication") for page in lost[:_SHOWN]),
        )
        return
    before = Counter(page.dated for page in articles if page.dated)
    known = {spot for spot, pages in before.items() if pages >= 0.05 * before.total()}
    other = [page for page in case.articles if page.dated and page.dated not in known]
    if known and other:
        usual_spot = before.most_common(1)[0][0]
        new_spot = Counter(page.dated for page in other if page.dated).most_common(1)[0][0]
        why = f"{len(other)} of {len(case.articles)} dates were read from {_put_spot(new_spot)}, not from "
        yield Suspicion(
            cause="dates",
            likelihood=round(_weigh(0.70, len(other), len(case.articles)) * (1 - 0.6 * built), 3),
            why=why + _put_spot(usual_spot),
            pages=tuple((page, f"its date is from {_put_spot(page.dated)}") for page in other[:_SHOWN] if page.dated),
        )


def _is_dated(page: Page) -> bool:
    return page.published is not None


def _tell_spots(case: Case, articles: Sequence[Page]) -> str:
    """Where dates stood and in which form, and what looks like dates now."""
    read = Counter(page.dated for page in articles if page.dated)
    said = f"; they were read from {_put_spot(read.most_common(1)[0][0])}" if read else ""
    if case.comparison is not None and case.comparison.dates_came:
        said += f"; what looks like dates now is {' and '.join(map(_put_spot, case.comparison.dates_came[:2]))}"
    elif case.comparison is not None and case.comparison.dates_gone:
        said += "; nothing like a date is on the pages now"
    return said


def _put_spot(spot: DateSpot) -> str:
    """A place and the form of what stands there, as a person would sketch it."""
    return f"{spot.place} ({spot.shape.replace('9999', 'YYYY').replace('9', 'N').replace('a', 'x')!r})"


def _built_otherwise(comparison: Comparison | None) -> float:
    """0 to 1: 0 where pages are built as they were, 1 where they are built as another system's."""
    if comparison is None or min(comparison.pages_before, comparison.pages_now) < 2:
        return 0.0
    return min(1.0, max(0.0, (_ALIKE - comparison.alike) / (_ALIKE - _OTHER)))


def _suspect_redesign(case: Case) -> Iterator[Suspicion]:
    """Pages of other containers, or with their text elsewhere, that lost something with it."""
    comparison = case.comparison
    if comparison is None or min(comparison.pages_before, comparison.pages_now) < 2:
        return
    built = _built_otherwise(comparison)
    lost = list(_find_losses(case))
    if comparison.text_moved:
        built = max(built, 0.9)
    if not built:
        return
    likelihood = 0.9 * built * (1.0 if lost else 0.65)
    if _is_crowded(case.report) and _stand_as_they_were(case):
        likelihood *= 0.5  # other pages have come beside the site's own
    # Copies of one page, and pages in the place of pages, are other templates too.
    blocked = [page for page in case.now if page.kind in ("blocked", "gone")]
    if case.now:
        likelihood *= 1 - min(1.0, len(blocked) / len(case.now)) * 0.5
    moved = next((change for change in comparison.moved), None)
    where = (
        f"; the text stands in {moved.moved_to}, and stood in {moved.place}" if comparison.text_moved and moved else ""
    )
    odd = [page for page in case.now if page.kind == "not-an-article"] or case.articles
    yield Suspicion(
        cause="redesign",
        likelihood=round(likelihood, 3),
        why=(
            f"{_percent(comparison.alike)} of the blocks are as they were on {comparison.pages_before} earlier pages"
            f" ({len(comparison.gone)} gone, {len(comparison.came)} came){where}"
            + (f"; with that {', '.join(lost)}" if lost else "")
        ),
        pages=tuple((page, page.reason or f"{page.words} words") for page in odd[:_SHOWN]),
    )


def _find_losses(case: Case) -> Iterator[str]:
    """What fewer pages of this run have than those of the accepted ones, in words."""
    pages = [page for page in case.now if page.kind in ("article", "not-an-article")]
    before = [page for page in case.before if page.kind in ("article", "not-an-article")]
    if not pages or not before:
        return
    usual, share = _share_of(before, _is_article), _share_of(pages, _is_article)
    if share <= usual - 0.25:
        yield f"{_percent(share)} of the pages are articles (it was {_percent(usual)})"
    ours, theirs = case.articles, [page for page in before if page.kind == "article"]
    if not ours or not theirs:
        return
    for what, has in (("a headline", _is_titled), ("a date", _is_dated)):
        usual, share = _share_of(theirs, has), _share_of(ours, has)
        if share <= usual - 0.25:
            yield f"{_percent(share)} have {what} (it was {_percent(usual)})"
    middle, normal = statistics.median(p.words for p in ours), statistics.median(p.words for p in theirs)
    if middle < 0.5 * normal or middle > 3 * normal:
        yield f"the middle text has {middle:.0f} words (it was {normal:.0f})"


_CHECKS: Final[Mapping[str, tuple[Cause, float]]] = {
    "old-text": ("old text", 0.8),
    "language": ("language", 0.8),
    "same-body": ("one text", 0.8),
    "dates": ("dates", 0.75),
    "listing": ("empty source", 0.75),
    "phrases": ("consent wall", 0.7),
    "shrunk": ("redesign", 0.6),
    "volume": ("volume", 0.6),
    "dried": ("empty source", 0.6),
    "published": ("dates", 0.5),
    "title": ("redesign", 0.5),
    "short-bodies": ("redesign", 0.5),
    "length": ("redesign", 0.45),
    "article-yield": ("redesign", 0.45),
    "fill": ("redesign", 0.45),
}
"""What a check speaks for where nothing that was read speaks louder, and how likely that is when it refuses."""
_WARNED: Final = 0.6  # of that, when it warns: never enough by itself


def _suspect_checks(case: Case) -> Iterator[Suspicion]:
    """What the gate's checks say by themselves: they know the whole run, and all that is normal for the site."""
    for check in case.report.checks:
        if check.verdict == "accept" or check.name not in _CHECKS:
            continue
        cause, likelihood = _CHECKS[check.name]
        if check.name == "listing" and check.normal and check.figure is not None and check.figure > check.normal[1]:
            cause = "volume"
        sure = likelihood if check.verdict == "reject" else _WARNED * likelihood
        # What a check asks is answered by the cause.
        stated = re.sub(r"(?<=\.)\s[^.]*\?$", "", check.message)
        yield Suspicion(cause=cause, likelihood=round(sure, 3), why=stated.rstrip(".?"))


def _is_article(page: Page) -> bool:
    return page.kind == "article"


def _is_titled(page: Page) -> bool:
    return page.titled


def _share_of(pages: Sequence[Page], has: Callable[[Page], bool]) -> float:
    return sum(map(has, pages)) / len(pages) if pages else 0.0


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _some(pages: Sequence[Page], what: str) -> tuple[tuple[Page | str, str], ...]:
    return tuple((page, what) for page in pages[:_SHOWN])


_RULES: Final[tuple[Callable[[Case], Iterator[Suspicion]], ...]] = (
    _suspect_books,
    _suspect_clock,
    _suspect_pace,
    _suspect_answers,
    _suspect_sources,
    _suspect_strangers,
    _suspect_one_text,
    _suspect_language,
    _suspect_redesign,
    _suspect_dates,
    _suspect_old_text,
    _suspect_volume,
    _suspect_checks,
)
