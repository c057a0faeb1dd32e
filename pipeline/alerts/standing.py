"""Alarms: an alert that is told once, reminded of at growing intervals, and closed with one all-clear.

    sites/<site>/alerts.json

``settle`` decides what is to be told, and notes it in the alarm before anybody sends it: a message stays in the alarm
until it is noted as told. So a process that is killed between sending and noting sends it again, with the same id, by
which a receiver can tell; and none is lost.

    (nothing) ──alert──→ waiting ──it stands──→ open ──gone──→ calming ──it stays away──→ closed
                             └──────gone──────→ (nothing)         └──alert──→ open, nothing is told

An alarm that closed lately and comes back must stay away for longer each time: flapping is one alarm, not ten.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from pipeline.alerts.judging import Alert
from pipeline.archive import Archive
from pipeline.errors import NotInArchive
from pipeline.health import OpenAlarm, note_alarms
from pipeline.model import Document, UtcTime

REMINDERS = (timedelta(days=1), timedelta(days=3), timedelta(days=7), timedelta(days=14), timedelta(days=28))
"""After so long since the message before, the next one; the last interval goes on."""

CALM = timedelta(hours=3)
"""So long an alarm stays away before it closes, when one of its kind closed lately; doubled each time, to two days."""

_LATELY = timedelta(days=7)
_CALMEST = timedelta(days=2)
_KEPT = 20  # closed alarms of a site

Event = Literal["opened", "changed", "reminded", "closed"]


class Message(Document):
    """Something that is to be told of an alarm."""

    id: str  # "localgov.rejected.20261122T093000Z.1": the same however often it is sent
    event: Event
    at: UtcTime


class Acknowledged(Document):
    """Somebody knows, and wants to hear no more of it until it changes."""

    by: str
    reason: str
    at: UtcTime


class Alarm(Document):
    """An alert through time."""

    id: str  # "localgov.rejected.20261122T093000Z"
    alert: Alert  # as it was judged last
    first: UtcTime  # when it was judged first
    opened: UtcTime | None = None  # when it was to be told first; None: it waits
    gone: UtcTime | None = None  # since when it is judged no more
    closed: UtcTime | None = None
    said: UtcTime | None = None  # when the latest message was made
    reminders: int = 0
    messages: int = 0  # made so far
    pending: tuple[Message, ...] = ()  # not yet noted as told
    acknowledged: Acknowledged | None = None

    @property
    def is_open(self) -> bool:
        """Whether operators are to see it."""
        return self.opened is not None and self.closed is None


class Standing(Document):
    """``sites/<site>/alerts.json``."""

    site: str
    alarms: tuple[Alarm, ...] = ()  # that are not closed, or not told of that; by kind
    closed: tuple[Alarm, ...] = ()  # newest first

    @property
    def open(self) -> tuple[Alarm, ...]:
        """The alarms that operators are to see."""
        return tuple(alarm for alarm in self.alarms if alarm.is_open)

    @property
    def pending(self) -> tuple[tuple[Alarm, Message], ...]:
        """What is still to be told, in order."""
        return tuple((alarm, message) for alarm in self.alarms for message in alarm.pending)


def settle(
    standing: Standing, alerts: Iterable[Alert], now: datetime, *, muted: bool = False
) -> tuple[Standing, tuple[Message, ...]]:
    """What stands after a look at the site, and what is to be told now.

    Args:
        standing: what stood.
        alerts: what is wrong, one of a kind, in any order.
        now: the moment of the look.
        muted: the site is switched off: what is open ends, and nobody is told.

    Returns:
        The new standing, and all its pending messages: those of earlier looks that nobody has noted as told, too.
    """
    found = {alert.kind: alert for alert in sorted(alerts, key=lambda each: (each.kind, each.cause), reverse=True)}
    settled: list[Alarm] = []
    running: set[str] = set()
    for alarm in standing.alarms:
        if alarm.closed is not None:
            settled.append(alarm)
            continue
        running.add(alarm.alert.kind)
        if muted:
            settled += _mute(alarm, now)
        elif (alert := found.get(alarm.alert.kind)) is None:
            settled += _calm(alarm, now, flaps=_count_flaps(standing, alarm, now))
        else:
            settled.append(_go_on(alarm, alert, now))
    if not muted:
        settled += [_go_on_waiting(_begin(new, now), now) for kind, new in found.items() if kind not in running]
    done = [alarm for alarm in settled if alarm.closed is not None and not alarm.pending]
    after = standing.model_copy(
        update={
            "alarms": tuple(sorted((a for a in settled if a not in done), key=lambda a: (a.alert.kind, a.id))),
            "closed": _keep_newest((*done, *standing.closed)),
        }
    )
    return after, tuple(message for _, message in after.pending)


def mark_told(standing: Standing, ids: Iterable[str]) -> Standing:
    """Note that messages were sent; those that are not pending are passed over."""
    told = frozenset(ids)
    marked = [
        alarm.model_copy(update={"pending": tuple(each for each in alarm.pending if each.id not in told)})
        for alarm in standing.alarms
    ]
    done = [alarm for alarm in marked if alarm.closed is not None and not alarm.pending]
    return standing.model_copy(
        update={
            "alarms": tuple(alarm for alarm in marked if alarm not in done),
            "closed": _keep_newest((*done, *standing.closed)),
        }
    )


def next_step(standing: Standing, now: datetime) -> datetime | None:
    """When the passing of time alone changes something; None: it does not."""
    times = []
    for alarm in standing.alarms:
        if alarm.pending or alarm.closed is not None:
            times.append(now)
        elif alarm.opened is None:
            times.append(alarm.first + timedelta(seconds=alarm.alert.confirm))
        elif alarm.gone is not None:
            times.append(alarm.gone + _find_calm(_count_flaps(standing, alarm, now)))
        elif alarm.acknowledged is None and alarm.said is not None:
            times.append(alarm.said + _interval(alarm))
    return min(times, default=None)


def list_open(standing: Standing) -> tuple[OpenAlarm, ...]:
    """The open alarms in short, as they stand with the site's health."""
    return tuple(
        OpenAlarm(
            id=alarm.id,
            kind=alarm.alert.kind,
            cause=alarm.alert.cause,
            sentence=alarm.alert.sentence,
            since=alarm.alert.since,
            acknowledged=alarm.acknowledged is not None,
        )
        for alarm in standing.open
    )


def read_standing(archive: Archive, site: str) -> Standing:
    """What operators were told of a site."""
    return archive.read_progress(archive.alerts_key(site), Standing) or Standing(site=site)


def acknowledge_alarm(archive: Archive, site: str, kind: str, *, by: str, reason: str, now: datetime) -> Alarm:
    """Mute an open alarm until it changes or closes.

    Raises:
        NotInArchive: none of that kind is open.
        WriteConflict, StoreUnavailable: try again.
    """

    def change(standing: Standing | None) -> Standing | None:
        if standing is None:
            return None
        taken = Acknowledged(by=by, reason=reason, at=now)
        return standing.model_copy(
            update={
                "alarms": tuple(
                    alarm.model_copy(update={"acknowledged": taken})
                    if alarm.is_open and alarm.alert.kind == kind
                    else alarm
                    for alarm in standing.alarms
                )
            }
        )

    changed = archive.change_progress(archive.alerts_key(site), Standing, change)
    found = [alarm for alarm in changed.open if alarm.alert.kind == kind] if changed else []
    if not found:
        opened = [alarm.alert.kind for alarm in changed.open] if changed else []
        raise NotInArchive(
            f"No alarm of kind {kind!r} is open for {site}"
            + (f"; open: {', '.join(map(repr, opened))}." if opened else "."),
            next_step="See which are: muniment alerts",
        )
    assert changed is not None
    note_alarms(archive, site, list_open(changed))
    return found[0]


# --- an alarm's way ----------------------------------------------------------------------------------


def _begin(alert: Alert, now: datetime) -> Alarm:
    return Alarm(id=f"{alert.site}.{alert.kind.replace(' ', '-')}.{now:%Y%m%dT%H%M%S%fZ}", alert=alert, first=now)


def _go_on_waiting(alarm: Alarm, now: datetime) -> Alarm:
    if now < alarm.first + timedelta(seconds=alarm.alert.confirm):
        return alarm
    return _say(alarm.model_copy(update={"opened": now}), "opened", now)


def _go_on(alarm: Alarm, alert: Alert, now: datetime) -> Alarm:
    """It is still so, or again."""
    changed = alert.cause != alarm.alert.cause
    alert = alert.model_copy(update={"since": min(alert.since, alarm.alert.since)})
    alarm = alarm.model_copy(update={"alert": alert, "gone": None})
    if alarm.opened is None:
        return _go_on_waiting(alarm, now)
    if changed:
        return _say(alarm.model_copy(update={"acknowledged": None}), "changed", now)
    if alarm.acknowledged is None and not alarm.pending and alarm.said and now >= alarm.said + _interval(alarm):
        return _say(alarm.model_copy(update={"reminders": alarm.reminders + 1}), "reminded", now)
    return alarm


def _calm(alarm: Alarm, now: datetime, *, flaps: int) -> list[Alarm]:
    """It is not so now; over is what stays away."""
    if alarm.opened is None:
        return []
    alarm = alarm.model_copy(update={"gone": alarm.gone or now})
    assert alarm.gone is not None
    if now - alarm.gone < _find_calm(flaps):
        return [alarm]
    return [_say(alarm.model_copy(update={"closed": now}), "closed", now)]


def _mute(alarm: Alarm, now: datetime) -> list[Alarm]:
    """The site is switched off: what is open ends in silence."""
    return [] if alarm.opened is None else [alarm.model_copy(update={"closed": now, "gone": now, "pending": ()})]


def _say(alarm: Alarm, event: Event, now: datetime) -> Alarm:
    number = alarm.messages + 1
    message = Message(id=f"{alarm.id}.{number}", event=event, at=now)
    return alarm.model_copy(update={"messages": number, "said": now, "pending": (*alarm.pending, message)})


def _interval(alarm: Alarm) -> timedelta:
    return REMINDERS[min(alarm.reminders, len(REMINDERS) - 1)]


def _count_flaps(standing: Standing, alarm: Alarm, now: datetime) -> int:
    """How often alarms of the kind closed lately."""
    others = (*standing.closed, *(each for each in standing.alarms if each.closed is not None))
    return sum(
        each.closed is not None and each.alert.kind == alarm.alert.kind and now - each.closed < _LATELY
        for each in others
    )


def _find_calm(flaps: int) -> timedelta:
    return timedelta(0) if not flaps else min(CALM * 2 ** (flaps - 1), _CALMEST)


def _keep_newest(alarms: tuple[Alarm, ...]) -> tuple[Alarm, ...]:
    return tuple(sorted(alarms, key=lambda alarm: (alarm.closed or alarm.first, alarm.id), reverse=True)[:_KEPT])
