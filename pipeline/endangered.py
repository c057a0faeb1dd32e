"""What a date of closing means for a site: an ever denser schedule, deeper discovery, a last full capture, a look back.

``endangered = DATE`` in a site's file says when the site is expected to close. From there on:

    phase    when                        schedule                discovery
    far      90 days before and earlier  the file's              the file's
    near     90 to 14 days before        at least twice a day    the whole newsroom, walked once a week
    last     the last 14 days            hourly                  the same; in the last 7 days the full capture
    after    from the date on            at least once a day     the old addresses, ever more rarely

The **last full capture** fetches every page that is known or listed once more, in as many runs as it takes; how far
it has come is in ``sites/<site>/endangered.json``. **After** the date the old addresses go on being asked for: what
redirects to the successor is moved, what answers 404 is gone, and dead sources are no reason to reject a run.

The first half is pure and loads nothing that makes parsing the DAG folder slow; the second (``LastCapture``) reads and
writes the archive that it is given.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from croniter import croniter

from pipeline.model import CONTRACT, Document, Report, UtcTime
from spiders.protocol import CrawlSummary, Known, Orders, Walk
from spiders.site import Recheck, Site

if TYPE_CHECKING:
    from pipeline.archive import Archive

NEAR_DAYS: Final = 90
LAST_DAYS: Final = 14
CAPTURE_DAYS: Final = 7
"""The last full capture begins so many days before the date: 168 hourly runs are 84,000 pages by default."""
WALK_AGAIN_DAYS: Final = 7
MORE_CHECKS: Final = 1000
"""So many looks at known pages a run may take near the date, where the site's file says fewer."""
MOST_TRIES: Final = 3
"""A full capture is complete although pages fail, after so many runs that had nothing else left."""
EXCUSED: Final = frozenset(
    {"sources", "dried", "captures", "errors", "blocked", "article-yield", "title", "published", "short-bodies"}
)
"""Checks of the gate that do not reject a run after the date."""
_NIGHT_HOURS: Final = 6
_PRESETS: Final = {
    "@hourly": "* * * *",
    "@daily": "{hour} * * *",
    "@midnight": "{hour} * * *",
    "@weekly": "{hour} * * 0",
    "@monthly": "{hour} 1 * *",
    "@quarterly": "{hour} 1 */3 *",
    "@yearly": "{hour} 1 1 *",
    "@annually": "{hour} 1 1 *",
}
AFTER_LADDER: Final = ((30, 7), (365, 30), (None, 90))
"""Up to so many days after the date a known page is looked at once in so many days."""


class Phase(StrEnum):
    """How near the date is."""

    FAR = "far"
    NEAR = "near"
    LAST = "last"
    AFTER = "after"


def find_phase(site: Site, now: datetime) -> Phase | None:
    """How near a site's date is; None for a site that is not endangered."""
    if site.endangered is None:
        return None
    left = days_left(site, now)
    if left <= 0:
        return Phase.AFTER
    return Phase.LAST if left <= LAST_DAYS else Phase.NEAR if left <= NEAR_DAYS else Phase.FAR


def days_left(site: Site, now: datetime) -> int:
    """Days until an endangered site's date, by its own calendar; 0 on the day itself, below 0 after it."""
    assert site.endangered is not None
    return (site.endangered - now.astimezone(ZoneInfo(site.timezone)).date()).days


def schedule_in_force(site: Site, now: datetime) -> str:
    """The cron line by which a site runs now: its own, spread, or a denser one where the date is near."""
    phase, own = find_phase(site, now), spread_schedule(site.schedule, site.id)
    if phase is None or phase is Phase.FAR:
        return own
    minute = _minute(site)
    hourly, twice, daily = f"{minute} * * * *", f"{minute} 6,18 * * *", f"{minute} 6 * * *"
    wanted = {Phase.NEAR: twice, Phase.LAST: hourly, Phase.AFTER: daily}[phase]
    return own if _count_week(site.schedule) >= _count_week(wanted) else wanted


def spread_schedule(schedule: str, site_id: str) -> str:
    """A cron line with a minute of the site's own, where its file names none on purpose.

    A thousand sites that are "hourly" must not all begin at minute 0. A preset, minute ``0``, and every so many minutes
    (``*/15``) say how often, and hardly anybody means the very minute by them: they get one that follows from the
    site's id, always the same, within the hour (daily and rarer presets: within the first six of the day). Any other
    line stays as it is; who means the full hour writes ``00``.
    """
    place = zlib.crc32(site_id.encode())
    minute, hour = place % 60, place // 60 % _NIGHT_HOURS
    if schedule.startswith("@"):
        rest = _PRESETS.get(schedule)
        return schedule if rest is None else f"{minute} {rest.format(hour=hour)}"
    first, _, rest = schedule.partition(" ")
    if first == "0":
        return f"{minute} {rest}"
    if (every := re.fullmatch(r"\*/(\d{1,2})", first)) and 1 < int(every[1]) <= 30 and 60 % int(every[1]) == 0:
        return f"{place % int(every[1])}-59/{every[1]} {rest}"
    return schedule


def next_run(site: Site, now: datetime) -> datetime:
    """When the schedule in force is due next after ``now``, in UTC."""
    return _tick(site, now, "get_next")


def last_due(site: Site, now: datetime) -> datetime:
    """When it was due last, at or before ``now``, in UTC."""
    return _tick(site, now + timedelta(microseconds=1), "get_prev")


def _tick(site: Site, now: datetime, which: str) -> datetime:
    local = now.astimezone(ZoneInfo(site.timezone))
    moment: datetime = getattr(croniter(schedule_in_force(site, now), local), which)(datetime)
    return moment.astimezone(UTC)


def _minute(site: Site) -> int:
    """The minute of the site's own schedule, or one that spreads the sites over the hour."""
    first = site.schedule.split()[0]
    return int(first) if re.fullmatch(r"[0-5]?\d", first) else zlib.crc32(site.id.encode()) % 60


@lru_cache(maxsize=256)
def _count_week(schedule: str) -> int:
    """How often a cron line is due in a week."""
    start = datetime(2026, 1, 5, tzinfo=UTC)
    ticks = croniter(schedule, start - timedelta(seconds=1))
    count = 0
    while count < 2016 and ticks.get_next(datetime) < start + timedelta(days=7):
        count += 1
    return count


def adapt_site(site: Site, now: datetime) -> Site:
    """The site as a run of today sees it: more looks at known pages before the date, ever fewer after it."""
    phase = find_phase(site, now)
    if phase in (None, Phase.FAR):
        return site
    rules = site.crawl
    if phase is Phase.AFTER:
        ago = -days_left(site, now)
        days = next(every for until, every in AFTER_LADDER if until is None or ago <= until)
        return site.model_copy(update={"recheck": (Recheck(every=timedelta(days=days)),)})
    most = max(rules.recheck_at_most, MORE_CHECKS)
    crawl = rules.model_copy(
        update={"recheck_at_most": most, "fetch_at_most": max(rules.fetch_at_most, most), "max_urls": 1_000_000}
    )
    return site.model_copy(update={"crawl": crawl})


def excuse_closing(site: Site, report: Report, now: datetime) -> Report:
    """A run's report after the date: what closing explains only warns.

    Dead sources, missing and strange pages are what was to be expected, and rejecting the run would keep it out of the
    archive. One body on many pages is still a reason: a notice in the place of every article is no edit of them.
    """
    if find_phase(site, now) is not Phase.AFTER or report.verdict != "reject":
        return report
    checks = tuple(
        check.model_copy(update={"verdict": "warn"}) if check.verdict == "reject" and check.name in EXCUSED else check
        for check in report.checks
    )
    if any(check.verdict == "reject" for check in checks):
        return report
    message = f"The site was expected to close on {site.endangered}, so that this is no reason to reject the run. "
    return report.model_copy(update={"checks": checks, "verdict": "warn", "message": message + report.message})


def describe_phase(site: Site, now: datetime) -> str | None:
    """In words what the date means today; None for a site that is not endangered."""
    phase = find_phase(site, now)
    if phase is None:
        return None
    left = days_left(site, now)
    schedule = schedule_in_force(site, now)
    runs = f"runs by `{schedule}`" + (f" instead of `{site.schedule}`" if schedule != site.schedule else "")
    heir = f"; its successor is {site.successor}" if site.successor else ""
    if phase is Phase.AFTER:
        return (
            f"was expected to close on {site.endangered}, {_days(-left)} ago{heir}: {runs}; the old addresses are "
            "asked for ever more rarely, and what is redirected or dropped is recorded"
        )
    told = f"is expected to close on {site.endangered}, in {_days(left)}{heir}: {runs}"
    if phase is Phase.FAR:
        return f"{told}, as always until {NEAR_DAYS} days before"
    capture = "; the last full capture is due" if left <= CAPTURE_DAYS else ""
    return f"{told}; its whole newsroom is walked{capture}"


def describe_closing(site: Site) -> str | None:
    """In words, and in dates alone, what a site's date means; None for a site that is not endangered."""
    if site.endangered is None:
        return None
    near, last, capture = (site.endangered - timedelta(days=days) for days in (NEAR_DAYS, LAST_DAYS, CAPTURE_DAYS))
    return (
        f"expected to close on {site.endangered}"
        + (f"; its successor is <{site.successor}>" if site.successor else "")
        + f". From {near} on it runs at least twice a day and its whole newsroom is walked, from {last} on it runs "
        f"hourly, and from {capture} on every page is fetched once more: the last full capture. From the date on its "
        "old addresses are asked for ever more rarely, and what is redirected or dropped is recorded."
    )


def _days(count: int) -> str:
    return "one day" if count == 1 else f"{count} days"


# --- the last full capture --------------------------------------------------------------------------


class LastCapture(Document):
    """``sites/<site>/endangered.json``: the walks before the date, and how far the last full capture has come."""

    contract: int = CONTRACT
    site: str
    date: date  # for which closing
    walk: Walk | None = None  # through the whole newsroom; None: none was begun
    walked_at: UtcTime | None = None  # when that was begun
    since: UtcTime | None = None  # when the last full capture began: what was fetched since then is in it
    run: str | None = None  # the latest run that belongs to it
    runs: int = 0
    captured: int = 0  # pages fetched since then
    total: int = 0  # of so many that are known or listed
    tries: int = 0  # runs that had nothing left but pages that failed
    finished_at: UtcTime | None = None

    @property
    def message(self) -> str:
        """How far the capture is, in words."""
        if self.since is None:
            return "last full capture: not begun"
        state = f"complete since {self.finished_at:%Y-%m-%d}" if self.finished_at else "under way"
        return f"last full capture: {self.captured:,} of {self.total:,} pages, {state}"


def read_capture(archive: Archive, site: Site) -> LastCapture | None:
    """What there is of a site's last full capture for the date in its file; None when nothing was begun."""
    standing = archive.read_progress(archive.endangered_key(site.id), LastCapture)
    return standing if standing is not None and standing.date == site.endangered else None


def begin_run(archive: Archive, site: Site, run: str, now: datetime) -> Orders:
    """What kind of run an endangered site needs today: a usual one, one that walks its newsroom, or a full one."""
    phase = find_phase(site, now)
    if phase not in (Phase.NEAR, Phase.LAST):
        return Orders()
    full = days_left(site, now) <= CAPTURE_DAYS

    def begin(standing: LastCapture | None) -> LastCapture:
        assert site.endangered is not None
        if standing is None or standing.date != site.endangered:
            standing = LastCapture(site=site.id, date=site.endangered)
        update: dict[str, object] = {"run": run}
        old = standing.walked_at is None or now - standing.walked_at >= timedelta(days=WALK_AGAIN_DAYS)
        if full and standing.since is None:
            update |= {"since": now, "walk": Walk(), "walked_at": now}
        elif standing.walk is None or (standing.walk.finished and old and not (full and standing.finished_at is None)):
            update |= {"walk": Walk(), "walked_at": now}
        return standing.model_copy(update=update)

    begun = archive.change_progress(archive.endangered_key(site.id), LastCapture, begin)
    assert begun is not None
    walk = None if begun.walk is None or begun.walk.finished else begun.walk
    if full and begun.finished_at is None:
        return Orders(mode="full", fetched_before=begun.since, walk=walk)
    return Orders(walk=walk)


def end_run(
    archive: Archive, site: Site, run: str, orders: Orders, summary: CrawlSummary, known: Iterable[Known], now: datetime
) -> LastCapture | None:
    """Take in what a published run of an endangered site did; again for the same run changes nothing.

    Args:
        archive: where the progress lies.
        site: which site.
        run: id of the run.
        orders: what it was to do.
        summary: what its crawl did.
        known: every known URL after it; read only for a full run.
        now: the moment.
    """
    if orders.mode != "full" and orders.walk is None:
        return None
    done = _count_since(site, known, orders.fetched_before) if orders.mode == "full" else 0
    deferred, failed = summary.outcomes.get("deferred", 0), summary.outcomes.get("failed", 0)

    def end(standing: LastCapture | None) -> LastCapture | None:
        if standing is None or standing.run != run:
            return standing
        update: dict[str, object] = {"run": None, "walk": summary.walk or standing.walk}
        if orders.mode == "full" and standing.since == orders.fetched_before:
            walked = summary.walk is None or summary.walk.finished
            tries = standing.tries + 1 if failed and walked and not deferred else 0
            whole = walked and not deferred and (not failed or tries >= MOST_TRIES)
            update |= {
                "runs": standing.runs + 1,
                "captured": done,
                "total": done + deferred + failed,
                "tries": tries,
                "finished_at": now if whole else None,
            }
        return standing.model_copy(update=update)

    return archive.change_progress(archive.endangered_key(site.id), LastCapture, end)


def _count_since(site: Site, known: Iterable[Known], since: datetime | None) -> int:
    """How many articles were fetched at or after a moment."""
    return sum(
        since is not None and one.fetched_at is not None and datetime.fromisoformat(one.fetched_at) >= since
        for one in known
        if site.is_article(one.url)
    )
