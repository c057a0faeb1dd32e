"""Checks of a run against the site's own history (``pipeline.normal``).

What falls short of normal (`min`) rejects, what exceeds it (`max`) warns. An alarm needs three things at once, because
runs are many and normal is only learned: the figure is rarer than ``RARE`` by the history, it is far from the middle,
and it is of more than a handful of pages. With too little history a check says nothing. A limit in the site's file
takes the place of what is learned. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.check.streaks import join_few
from pipeline.check.tally import FIELDS, SHRUNK, STALE, Tally
from pipeline.check.verdicts import FEW, Verdict, find_share, find_worst, is_beyond, make_check
from pipeline.model import Check, Report, SourceRecord
from pipeline.normal import History, Usual, count_listed
from spiders.protocol import CrawlSummary
from spiders.site import CheckLimits

RARE: Final = 1e-5
"""Chance of a figure, by the history, below which it is odd: an hourly site has 8760 runs a year."""
RAREST: Final = 1e-8
"""Chance below which a quiet run is rejected: publishing it would do no harm, so only what is surely broken."""

UNUSUAL: Final = 1e-3
"""Chance below which a share is odd that is zero on most sites: what is blocked, and what is copied."""

NORMAL_FILL: Final = 0.8
"""A field that accepted runs filled to this share is expected to be filled."""
FALLEN_FILL: Final = 0.2
LESS_FILL: Final = 0.35
"""A field that is filled so much less than normal is told."""

FALLEN_VOLUME: Final = 0.5  # of the least that was seen at such a time
RISEN_VOLUME: Final = 1.5  # of the most that was ever seen in so long a time
RISEN_OVER_MIDDLE: Final = 3.0
DOUBLED: Final = 2.0  # times the most that was ever seen in so long a time, at whatever hour
LEAST_DOUBLED: Final = 12  # addresses
LEAST_RISE: Final = 20  # addresses
FALLEN_LIST: Final = 0.4  # of the shortest that a source's list is
FALLEN_ROLLING: Final = 0.1  # of one that lists what is recent
RISEN_LIST: Final = 3.0
FALLEN_LENGTH: Final = 0.5
LESS_LENGTH: Final = 0.65
RISEN_LENGTH: Final = 2.5
LEAST_LENGTHS: Final = 8  # articles

MAX_SHRUNK_SHARE: Final = 0.3
MAX_OLD_TEXT_SHARE: Final = 0.2
MAX_WALL_SHARE: Final = 0.3
MAX_ODD_DATE_SHARE: Final = 0.2
MAX_ONE_SHARE: Final = 0.5  # of articles with one headline, or with one date to the second
MAX_STALE_SHARE: Final = 0.5
MAX_OTHER_LANGUAGE_SHARE: Final = 0.5
MORE_OUTCOMES: Final = 0.1  # of the pages, beyond what is normal

SAME: Final = 3
LEAST_KNOWN: Final = 40  # articles that are remembered

OWN_LIMITS: dict[str, tuple[str, ...]] = {
    "captures": ("min_captures",), "errors": ("max_error_share",), "article-yield": ("min_article_yield",),
    "title": ("min_title_share",), "published": ("min_published_share",), "short-bodies": ("min_words",),
    "same-body": ("max_same_body_share",), "volume": ("min_new", "max_new"), "listing": ("min_items",),
    "outcomes": ("max_blocked_share", "max_gone_share"), "old-text": ("max_old_text_share",),
    "phrases": ("max_wall_share",), "dates": ("max_odd_date_share",), "language": ("max_other_language_share",),
}  # fmt: skip
"""Which keys of ``[check]`` set the limit of which check; ``min_fill`` speaks of fields by themselves."""

_SHOWN = 3


def check_volume(history: History, limits: CheckLimits, new: int | None) -> Check:
    """How many addresses are new, by the hour and the week-day."""
    if new is None:
        return make_check("volume", "accept", "The run does not tell what is new on the site.")
    if limits.min_new is not None and new < limits.min_new:
        said = f"{new} addresses are new; the site's file asks for {limits.min_new} at least."
        return make_check("volume", "reject", said, figure=new, limit=limits.min_new)
    if limits.max_new is not None and new > limits.max_new:
        said = f"{new} addresses are new; the site's file allows {limits.max_new}."
        return make_check("volume", "warn", said, figure=new, limit=limits.max_new)
    gap = history.gap()
    spans = [] if gap is None else [gap] if gap > 12 else [24, gap]
    shown = make_check("volume", "accept", f"{new} addresses are new; what is normal is not known yet.", figure=new)
    worst = shown
    for span in spans:
        told = history.expect_new(new, span=span)
        check = None if told is None else _judge_volume(*told, span=span, limits=limits)
        if limits.max_new is None and (check is None or check.verdict == "accept"):
            check = _judge_most(history, new, span) or check
        if check is None:
            continue
        shown = check
        worst = check if check.verdict != "accept" and worst.verdict != "reject" else worst
    return worst if worst.verdict != "accept" else shown


def _judge_most(history: History, new: int, span: int) -> Check | None:
    """A site that puts out twice as much as it ever did: told on any day, and when there are no four weeks yet."""
    told = history.find_most(new, span=span)
    if told is None:
        return None
    found, most, basis = told
    limit = max(LEAST_DOUBLED, DOUBLED * most)
    if found < limit:
        return None
    check = make_check(
        "volume",
        "warn",
        f"{found} addresses are new {_put_hours(span)}; the most in so long a time was {most:.0f} before. A busy day, "
        "or has the site begun to list pages of another kind (tags, archives, another edition)?",
        figure=found,
        limit=limit,
    )
    return check.model_copy(update={"normal": (0.0, most), "basis": basis})


def _put_hours(span: int) -> str:
    return f"in {span} hours" if span < 48 else f"in {span / 24:.0f} days"


def _judge_volume(found: int, usual: Usual, *, span: int, limits: CheckLimits) -> Check:
    expected = usual.expected
    season = f" ({usual.season.name}: less is normal)" if usual.season else ""
    said = f"{found} addresses are new {_put_hours(span)}; normal is {expected.low:.0f} to {expected.high:.0f}{season}"
    verdict: Verdict = "accept"
    limit: float | None = None
    least = FALLEN_VOLUME * usual.floor
    most = max(LEAST_RISE, RISEN_VOLUME * usual.ceiling, RISEN_OVER_MIDDLE * expected.middle)
    if limits.min_new is None and expected.below < RARE and found < least:
        verdict, limit = ("reject" if expected.below < RAREST else "warn"), least
        said += ". Does a source leave out pages, does `article` no longer match, or is the site quiet for a reason?"
    elif limits.max_new is None and expected.above < RARE and found > most:
        verdict, limit = "warn", most
        said += ". A busy day, or has the site begun to list pages of another kind (tags, archives, another edition)?"
    else:
        said += "."
    return make_check("volume", verdict, said, figure=found, limit=limit, usual=usual)


def check_listing(
    history: History, limits: CheckLimits, summary: CrawlSummary, records: Sequence[SourceRecord]
) -> Check:
    """How long the sources' lists are: a feed that always names twenty entries and now names two is cut off."""
    total = sum(count_listed(record.items, record.articles) for record in records)
    if limits.min_items is not None:
        short = total < limits.min_items
        said = f"The sources list {total} entries; the site's file asks for {limits.min_items} at least."
        return make_check("listing", "reject" if short else "accept", said, figure=total, limit=limits.min_items)
    if summary.walk is not None:
        return make_check("listing", "accept", "The sources were read deeper than usual.", figure=total)
    fallen: list[str] = []
    risen: list[str] = []
    listed = least = bound = 0.0
    basis = None
    quiet = 1.0 if history.season is None else history.season.share
    for source, record in zip(summary.sources, records, strict=True):
        known = None if source.error else history.expect_items(source.url)
        if known is None:
            continue
        (low, high), basis = known
        items = count_listed(record.items, record.articles)
        share = FALLEN_ROLLING * quiet if source.rolling else FALLEN_LIST
        listed, least, bound = listed + items, least + low, bound + share * low
        if low >= FEW and items < share * low:
            fallen.append(f"{source.url} lists {items}; normal is {_put_range(low, high)}")
        elif not source.rolling and items > RISEN_LIST * high + LEAST_RISE:
            risen.append(f"{source.url} lists {items}; normal is {_put_range(low, high)}")
    limit = round(bound, 1) if basis else None
    if fallen:
        all_of_it = listed < bound
        said = f"{'; '.join(fallen[:_SHOWN])}. Is the list cut off, empty, or built otherwise?"
        check = make_check("listing", "reject" if all_of_it else "warn", said, figure=total, limit=limit)
    elif risen:
        said = f"{'; '.join(risen[:_SHOWN])}. Has the site begun to list pages of another kind?"
        check = make_check("listing", "warn", said, figure=total, limit=limit)
    else:
        check = make_check("listing", "accept", f"The sources list {total} entries.", figure=total, limit=limit)
    return check.model_copy(update={"normal": (least, least), "basis": basis}) if basis else check


def check_outcomes(history: History, limits: CheckLimits, counts: dict[str, int]) -> Check:
    """Blocked, failed, strange and missing pages, each kind against its own normal share."""
    asked = counts["asked"]
    said: list[str] = []
    worst: tuple[float, float, Usual | None] | None = None
    fixed = {"blocked": limits.max_blocked_share, "gone": limits.max_gone_share}
    for kind, told in _OUTCOMES.items():
        found = counts.get(kind, 0)
        share, limit = find_share(found, asked), fixed.get(kind)
        usual = history.expect_share("outcomes", kind, "asked", found=found, of=asked)
        if limit is not None:
            odd = share > limit
        else:
            odd = (
                usual is not None
                and found >= SAME
                and usual.expected.above < (UNUSUAL if kind == "blocked" else RARE)
                and found > usual.expected.middle + MORE_OUTCOMES * asked
            )
        if odd:
            normal = f"the site's file allows {limit:.0%}" if limit is not None else _tell_normal(usual)
            said.append(f"{found} of {asked} pages {told}; {normal}")
            if worst is None or share > worst[0]:
                worst = (share, share if limit is None else limit, usual)
    if worst is None:
        return make_check("outcomes", "accept", "Pages end as they usually do.", figure=0, limit=0)
    share, limit, usual = worst
    return make_check("outcomes", "warn", f"{'; '.join(said)}.", figure=share, limit=limit, usual=usual, per=asked)


_OUTCOMES: Final = {
    "blocked": "are blocked",
    "failed-pages": "failed",
    "not-an-article": "are no articles",
    "gone": "are gone",
}


def check_fill(history: History, limits: CheckLimits, tally: Tally, before: Sequence[Report] = ()) -> Check:
    """Each field that the site normally fills; headline and date have checks of their own.

    Args:
        history: what is normal.
        limits: of the site's file.
        tally: of the run.
        before: reports of accepted earlier runs, newest first; held together with a run of a few articles.
    """
    articles = tally.articles
    found: list[tuple[Verdict, float, float, Usual | None, str, int]] = []
    for name in FIELDS:
        if name in ("title", "published") or not articles:
            continue
        has = tally.fill[name]
        share, least = find_share(has, articles), limits.min_fill.get(name)  # type: ignore[call-overload]
        if least is not None:
            if share < least:
                said = f"{articles - has} of {articles} articles have no {name}; the site's file asks for {least:.0%}"
                found.append((is_beyond(has, articles, least), share, least, None, said, articles))
            continue
        has, of, runs = join_few(
            before, history.at, name=name, has=has, articles=articles, least=FALLEN_FILL, since=history.since("fill")
        )
        usual = history.expect_share("fill", f"fill-{name}", "articles", found=has, of=of)
        verdict = "accept" if usual is None else judge_fill(usual, has, of)
        if usual is not None and verdict != "accept":
            found.append((verdict, share, FALLEN_FILL, usual, tell_missing(name, usual, has, of, runs), of))
    if not found:
        return make_check("fill", "accept", "The articles have the fields that they usually have.")
    found.sort(key=lambda each: (each[0] != "reject", each[1]))
    verdict, share, limit, usual, _, per = found[0]
    said = "; ".join(each[4] for each in found[:_SHOWN])
    more = f"; and {len(found) - _SHOWN} fields more" if len(found) > _SHOWN else ""
    return make_check(
        "fill",
        verdict,
        f"{said}{more}. Has the site been redesigned? Look at one page beside its version; if the field is gone for "
        "good, release the run, or set check.min_fill.",
        figure=share,
        limit=limit,
        usual=usual,
        per=per,
    )


def judge_fill(usual: Usual, has: int, articles: int) -> Verdict:
    """What is to be said of a field that so many articles have."""
    normal = usual.expected.middle / articles
    share = has / articles
    if usual.expected.below < RARE and normal >= NORMAL_FILL and share <= FALLEN_FILL:
        return is_beyond(has, articles, normal)
    none_left = 100 * RARE if not has else 10 * RARE  # none at all is more than few
    if usual.expected.below < none_left and normal >= NORMAL_FILL and share <= FALLEN_FILL:
        return "warn"
    if usual.expected.below < RARE and share < normal - LESS_FILL:
        return "warn"
    return "accept"


def tell_missing(name: str, usual: Usual, has: int, articles: int, runs: int = 1) -> str:
    """ "41 of 44 articles have no authors; normal is 0 to 2"."""
    most, least = articles - usual.expected.low, articles - usual.expected.high
    held = f" of the latest {runs} runs" if runs > 1 else ""
    normal = f"{least:.0f} to {most:.0f}" if most > least else f"{most:.0f}"
    return f"{articles - has} of {articles} articles{held} have no {name}; normal is {normal}"


def check_length(history: History, tally: Tally) -> Check:
    """How long the middle article is, against what is normal for so many."""
    median, articles = tally.median_words, len(tally.words)
    usual = history.expect_length("length", found=median, of=articles) if articles else None
    said = f"The middle article has {median} words" if articles else "There is no text to measure"
    if usual is None:
        return make_check("length", "accept", f"{said}.", figure=median if articles else None)
    expected = usual.expected
    said += f"; normal is {expected.low:.0f} to {expected.high:.0f}"
    verdict: Verdict = "accept"
    limit: float | None = None
    if expected.below < RARE and median < LESS_LENGTH * expected.middle and articles >= FEW:
        fallen = median < FALLEN_LENGTH * expected.middle and articles >= LEAST_LENGTHS
        verdict, limit = ("reject" if fallen else "warn"), LESS_LENGTH * expected.middle
        said += ": a part of the text has moved out of reach, or a wall stands before it"
    elif expected.above < RARE and median > RISEN_LENGTH * expected.middle and articles >= LEAST_LENGTHS:
        verdict, limit = "warn", RISEN_LENGTH * expected.middle
        said += ": is something taken for text that is none?"
    return make_check("length", verdict, f"{said}.", figure=median, limit=limit, usual=usual)


def check_shrunk(history: History, tally: Tally) -> Check:
    """Pages that are remembered, and have much less text now: the surest sign that a part of the text is lost."""
    shrunk, pairs = len(tally.shrunk), tally.pairs
    usual = history.expect_share("shrunk", "shrunk", "pairs", found=shrunk, of=pairs) if pairs else None
    share = find_share(shrunk, pairs)
    said = f"{shrunk} of {pairs} pages that are remembered have less than {SHRUNK:.0%} of the words that they had"
    verdict: Verdict = "accept"
    if shrunk >= SAME and share > MAX_SHRUNK_SHARE and (usual is None or usual.expected.above < RARE):
        verdict = is_beyond(shrunk, pairs, MAX_SHRUNK_SHARE)
        url, before, now = tally.shrunk[0]
        said += f" ({_tell_normal(usual)}), for example {url}: {now} instead of {before}"
    return make_check(
        "shrunk", verdict, f"{said}.", figure=share if pairs else None, limit=MAX_SHRUNK_SHARE, usual=usual,
        per=max(1, pairs),
    )  # fmt: skip


def check_phrases(history: History, limits: CheckLimits, tally: Tally) -> Check:
    """Articles that begin or end with the phrases of consent and login walls."""
    found, articles = len(tally.phrases), tally.articles
    usual = history.expect_share("phrases", "phrases", "articles", found=found, of=articles) if articles else None
    limit = MAX_WALL_SHARE if limits.max_wall_share is None else limits.max_wall_share
    share = find_share(found, articles)
    said = f"{found} of {articles} articles begin or end with phrases of a consent or login wall"
    verdict: Verdict = "accept"
    if found >= SAME and share > limit:
        if limits.max_wall_share is not None or (usual is not None and usual.expected.above < RARE):
            verdict = is_beyond(found, articles, limit)
        elif usual is None:
            verdict = "warn"
        said += f" ({_tell_normal(usual)}), for example {_some(tally.phrases)}"
    return make_check(
        "phrases", verdict, f"{said}.", figure=share if articles else None, limit=limit, usual=usual,
        per=max(1, articles),
    )  # fmt: skip


def check_old_text(history: History, limits: CheckLimits, tally: Tally) -> Check:
    """New articles that begin as articles at other addresses do."""
    copies, new = len(tally.copies), tally.new
    usual = history.expect_share("old-text", "old-text", "new-articles", found=copies, of=new) if new else None
    limit = MAX_OLD_TEXT_SHARE if limits.max_old_text_share is None else limits.max_old_text_share
    share = find_share(copies, new)
    said = f"{copies} of {new} new articles begin as earlier ones at other addresses do"
    verdict: Verdict = "accept"
    if copies >= SAME and share > limit:
        fixed = limits.max_old_text_share is not None
        if fixed or (len(history.openings) >= LEAST_KNOWN and (usual is None or usual.expected.above < UNUSUAL)):
            verdict = "warn"
            said += (
                f" ({_tell_normal(usual)}), for example {_some(tally.copies)}. Has the site new addresses for old "
                "pages, or does it print pages out of others?"
            )
    return make_check(
        "old-text", verdict, said if said.endswith("?") else f"{said}.", figure=share if new else None, limit=limit,
        usual=usual, per=max(1, new),
    )  # fmt: skip


def check_dates(history: History, limits: CheckLimits, tally: Tally) -> Check:
    """Dates that cannot be: in the future, older than the web, out of order; and such as say that they are no dates of
    publication: one for all pages, or of long ago on pages that nobody knew."""
    odd, dated = tally.odd_dates.total(), tally.dated
    usual = history.expect_share("dates", "odd-dates", "dated", found=odd, of=dated) if dated else None
    limit = MAX_ODD_DATE_SHARE if limits.max_odd_date_share is None else limits.max_odd_date_share
    share = find_share(odd, dated)
    if odd >= SAME and share > limit:
        kinds = ", ".join(f"{number} are {kind}" for kind, number in tally.odd_dates.most_common())
        known = limits.max_odd_date_share is None and usual is not None and usual.expected.above >= RARE
        return make_check(
            "dates",
            "accept" if known else is_beyond(odd, dated, limit),
            f"{odd} of {dated} dates cannot be right: {kinds} ({_tell_normal(usual)}), for example "
            f"{_some(tally.examples['dates'])}. Dates have changed their form, or the page's clock is wrong.",
            figure=share,
            limit=limit,
            usual=usual,
            per=dated,
        )
    stale, new = tally.stale, len(tally.lags)
    for part, whole, name, most, told in (
        (stale, new, "stale", MAX_STALE_SHARE, f"new articles are dated more than {STALE.days} days ago"),
        (tally.one_moment, dated, "one-moment", MAX_ONE_SHARE, "articles have one date of publication, to the second"),
    ):
        if part < FEW or find_share(part, whole) <= most:
            continue
        against = history.expect_share(
            "dates", name, "new-articles" if name == "stale" else "dated", found=part, of=whole
        )
        if against is not None and against.expected.above < RARE:
            said = f"{part} of {whole} {told}; {_tell_normal(against)}."
            return make_check("dates", "warn", said, figure=part / whole, limit=most, usual=against, per=whole)
    told = f"{odd} of {dated} dates cannot be right." if dated else "There is no date to look at."
    return make_check(
        "dates", "accept", told, figure=share if dated else None, limit=limit, usual=usual, per=max(1, dated)
    )


def check_language(history: History, limits: CheckLimits, tally: Tally) -> Check:
    """Articles in a language that is unusual for the site."""
    told = history.expect_other_languages("language", tally.languages)
    whole = tally.languages.total()
    named = ", ".join(f"{language} {number}" for language, number in tally.languages.most_common(_SHOWN))
    if told is None or not whole:
        return make_check("language", "accept", f"Languages: {named or 'none told'}.")
    others, usual = told
    share = find_share(others, whole)
    limit = MAX_OTHER_LANGUAGE_SHARE if limits.max_other_language_share is None else limits.max_other_language_share
    verdict: Verdict = "accept"
    said = f"Languages: {named}"
    if share > limit and (limits.max_other_language_share is not None or usual.expected.above < RARE):
        verdict = is_beyond(others, whole, limit) if others >= SAME else "warn"
        said = (
            f"{others} of {whole} articles are in a language that is unusual for the site ({named}); "
            f"{_tell_normal(usual)}. Do the sources name another edition?"
        )
        return make_check("language", verdict, said, figure=share, limit=limit, usual=usual, per=whole)
    if usual.expected.above < RARE and others >= FEW:
        verdict, said = "warn", f"{said}; {_tell_normal(usual)} in others"
    return make_check("language", verdict, f"{said}.", figure=share, limit=limit, usual=usual, per=whole)


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a site's file lets the checks say at most."""

    limits: CheckLimits

    def apply(self, checks: Iterable[Check]) -> Iterator[Check]:
        """The checks with the verdicts that the site's file allows, and with what their limits come from."""
        for check in map(self._tell_origin, checks):
            said = self.limits.verdicts.get(check.name)  # type: ignore[call-overload]
            if said is None or check.verdict == "accept":
                yield check
            elif said == "reject" or find_worst((said, check.verdict)) != said:
                yield check.model_copy(update={"verdict": said})
            else:
                yield check

    def _tell_origin(self, check: Check) -> Check:
        """The check with the origin of its limit in words, where no history has told it."""
        if check.limit is None or check.basis is not None:
            return check
        keys = OWN_LIMITS.get(check.name, ())
        own = [key for key in keys if getattr(self.limits, key) is not None]
        if own:
            origin = f"the site's file: {' and '.join(own)} of [check]"
        else:
            origin = "the same for all sites" + (f"; {' or '.join(keys)} of [check] sets another" if keys else "")
        return check.model_copy(update={"basis": origin})


def _tell_normal(usual: Usual | None) -> str:
    if usual is None:
        return "what is normal is not known yet"
    return f"normal is {_put_range(usual.expected.low, usual.expected.high)}"


def _put_range(low: float, high: float) -> str:
    return f"{low:.0f} to {high:.0f}" if high > low else f"{low:.0f}"


def _some(urls: Iterable[str]) -> str:
    return " and ".join(sorted(urls)[:2])
