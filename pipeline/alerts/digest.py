"""The daily digest: what changed on a day across sites, what needs attention first, and what is still open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from statistics import median

from pipeline.alerts.telling import Outgoing, make_outgoing
from pipeline.health import DayCount, Health, OpenAlarm
from pipeline.model import Document, UtcTime

_SHOWN = 40  # sites with a line each
_ORDER = ("failing", "blocked", "rejected", "not run", "silent", "late")


class SiteDay(Document):
    """A site's line."""

    site: str
    count: DayCount
    usual: float | None = None  # new articles on that day of the week, the middle one of the eight before
    fresh: float | None = None  # seconds from publication to capture
    alarms: tuple[OpenAlarm, ...] = ()


class Digest(Document):
    """A day across sites."""

    day: str
    made: UtcTime
    sites: tuple[SiteDay, ...]  # what needs attention first, then by what changed
    quiet: int  # sites that ran, with nothing new and nothing wrong
    idle: int  # sites that did not run
    new: int
    edited: int
    gone: int
    runs: int
    bad: int  # runs that were rejected or failed
    fresh: float | None = None  # seconds, the middle one of the sites


def make_digest(healths: Iterable[Health], day: date, now: datetime) -> Digest:
    """Put a day together; each site's document is let go after it was looked at."""
    lines, quiet, idle, total = [], 0, 0, DayCount()
    for health in healths:
        count = health.days.get(f"{day}", DayCount())
        total = _add(total, count)
        line = SiteDay(
            site=health.site,
            count=count,
            usual=_find_usual(health, day),
            fresh=health.freshness if count.runs else None,
            alarms=health.alarms,
        )
        if line.alarms or count.bad or count.new or count.edited or count.gone:
            lines.append(line)
        elif count.runs:
            quiet += 1
        else:
            idle += 1
    fresh = [line.fresh for line in lines if line.fresh is not None]
    return Digest(
        day=f"{day}",
        made=now,
        sites=tuple(sorted(lines, key=_rank)),
        quiet=quiet,
        idle=idle,
        new=total.new,
        edited=total.edited,
        gone=total.gone,
        runs=total.runs,
        bad=total.bad,
        fresh=median(fresh) if fresh else None,
    )


def describe_digest(digest: Digest, *, more: Iterable[str] = ()) -> Outgoing:
    """The words of a digest.

    Args:
        more: lines of the end, such as what the table holds.
    """
    ill = [line for line in digest.sites if _needs_attention(line)]
    subject = f"{digest.day}: {digest.new} new, {digest.edited} edited, {digest.gone} gone" + (
        f"; {len(ill)} sites need attention" if ill else "; nothing is wrong"
    )
    lines = [*_tell(digest, ill), *more, f"Message digest.{digest.day}"]
    return make_outgoing(f"digest.{digest.day}", "digest", subject, lines, tuple(line.site for line in ill))


def _tell(digest: Digest, ill: list[SiteDay]) -> Iterator[str]:
    yield f"{digest.day} (UTC): {digest.runs} runs, of them {digest.bad} rejected, failed or unfinished."
    yield f"{digest.new} articles new, {digest.edited} edited, {digest.gone} gone."
    if digest.fresh is not None:
        yield f"From publication to capture: {_hours(digest.fresh)}, the middle one of the sites."
    yield ""
    if ill:
        yield f"Need attention ({len(ill)}):"
        for line in ill[:_SHOWN]:
            for alarm in line.alarms:
                seen = ", acknowledged" if alarm.acknowledged else ""
                yield f"- {line.site}: {alarm.kind}: {alarm.sentence}, since {alarm.since:%-d %B %H:%M}Z{seen}"
            if not line.alarms:
                yield f"- {line.site}: {line.count.bad} of {line.count.runs} runs went wrong; no alarm is open"
        yield from _tell_rest(len(ill))
        yield ""
    changed = [line for line in digest.sites if line.count.new or line.count.edited or line.count.gone]
    if changed:
        yield f"Changed ({len(changed)}):"
        for line in changed[:_SHOWN]:
            usual = f" (usually {line.usual:g})" if line.usual is not None else ""
            yield f"- {line.site}: {line.count.new} new{usual}, {line.count.edited} edited, {line.count.gone} gone"
        yield from _tell_rest(len(changed))
        yield ""
    yield f"{digest.quiet} sites ran and had nothing new; {digest.idle} did not run."


def _tell_rest(count: int) -> Iterator[str]:
    if count > _SHOWN:
        yield f"- and {count - _SHOWN} more: muniment status"


def _needs_attention(line: SiteDay) -> bool:
    return bool(line.alarms or line.count.bad)


def _rank(line: SiteDay) -> tuple[object, ...]:
    known = [alarm for alarm in line.alarms if not alarm.acknowledged]
    worst = min((_ORDER.index(alarm.kind) if alarm.kind in _ORDER else len(_ORDER) for alarm in known), default=99)
    changed = line.count.new + line.count.edited + line.count.gone
    return (not known, not line.alarms, worst, -line.count.bad, -changed, line.site)


def _find_usual(health: Health, day: date) -> float | None:
    """New articles on the like days before, the middle one of at most eight."""
    like = [
        count.new
        for each, count in sorted(health.days.items(), reverse=True)
        if each < f"{day}" and count.runs > count.bad and date.fromisoformat(each).weekday() == day.weekday()
    ]
    return median(like[:8]) if like else None


def _add(a: DayCount, b: DayCount) -> DayCount:
    return DayCount(
        runs=a.runs + b.runs,
        bad=a.bad + b.bad,
        new=a.new + b.new,
        edited=a.edited + b.edited,
        gone=a.gone + b.gone,
    )


def _hours(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"
