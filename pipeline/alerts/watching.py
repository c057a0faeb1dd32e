"""The pass over all sites: look at those that changed, settle, bundle, send, and note what was sent.

    watch.json

One listing tells which sites' health has changed since the pass before; only those are read, and the few of which time
alone may change something. What is to be sent lies in ``watch.json`` until every notifier has it. So a pass may be
killed at any instruction: the next one goes on, and what it sends again has the same id. Without ``watch.json``
everything is read once, and what was not told is bundled anew.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import Field

from pipeline.alerts.bundling import HOUR, Parcel, Waiting, bundle, count_traits
from pipeline.alerts.judging import Alert, SiteFacts, judge, next_look, read_facts
from pipeline.alerts.standing import Standing, list_open, mark_told, next_step, settle
from pipeline.alerts.telling import Outgoing, describe_parcel
from pipeline.archive import WATCH_KEY, Archive
from pipeline.health import OpenAlarm, list_health, note_alarms, read_health
from pipeline.model import Document, UtcTime
from spiders.site import Site

Notifier = Callable[[Outgoing], None]

_GIVE_UP = timedelta(days=3)  # a notifier that has not taken a message for so long gets it no more

log = logging.getLogger("muniment")


class Looked(Document):
    """The latest look at a site."""

    etag: str  # of its health
    again: UtcTime  # when time alone may change something
    standing: bool = False  # whether anything stands in its alerts.json
    open: tuple[str, ...] = ()  # kinds of its open alarms


class Watch(Document):
    """``watch.json``."""

    looked: dict[str, Looked] = Field(default_factory=dict)
    parcels: tuple[Parcel, ...] = ()  # not yet with every notifier
    recent: dict[str, UtcTime] = Field(default_factory=dict)  # key of a parcel -> when one was sent under it
    digest: str | None = None  # the latest day that was told of


class Watched(Document):
    """What a pass did."""

    sites: int
    looked: int
    sent: int
    held: int  # messages that wait for others
    unsent: int = 0  # messages that some notifier did not take
    open: dict[str, int] = Field(default_factory=dict)  # kind -> open alarms
    failed: dict[str, str] = Field(default_factory=dict)  # notifier -> what went wrong


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """What is kept of a site's health: not all of it, for there may be thousands of sites."""

    facts: SiteFacts
    alerts: tuple[Alert, ...]
    alarms: tuple[OpenAlarm, ...]  # as its health shows them
    again: datetime
    muted: bool

    @property
    def is_ill(self) -> bool:
        return bool(self.alerts or self.alarms)


@dataclass(frozen=True, kw_only=True)
class _Look:
    facts: SiteFacts
    standing: Standing
    looked: Looked


def watch(
    archive: Archive,
    sites: Mapping[str, Site],
    now: datetime,
    *,
    notifiers: Mapping[str, Notifier],
    is_paused: Callable[[str], bool] = lambda _: False,
) -> Watched:
    """One pass.

    Args:
        archive: where health and alarms stand.
        sites: the declared sites; of others everything that was open ends.
        now: the moment.
        notifiers: by name, what sends a message; an error of one keeps the message for the next pass.
        is_paused: whether a site is switched off; asked only where something is wrong.
    """
    known = archive.read_progress(WATCH_KEY, Watch) or Watch()
    listed = list_health(archive)
    chosen = [
        site
        for site, etag in listed.items()
        if (last := known.looked.get(site)) is None or last.etag != etag or last.again <= now
    ]
    with ThreadPoolExecutor(archive.store.threads, thread_name_prefix="watch") as pool:
        judged = [
            each for each in pool.map(lambda site: _judge_site(archive, sites.get(site), site, now), chosen) if each
        ]
        # Not in the threads: who asks Airflow from a task can do so in its main thread only.
        judged = [
            replace(each, muted=True) if each.is_ill and not each.muted and is_paused(each.facts.site) else each
            for each in judged
        ]
        looks = list(
            pool.map(
                lambda each: _settle_site(
                    archive, each, listed[each.facts.site], known.looked.get(each.facts.site), now
                ),
                judged,
            )
        )
    packed = {told.message for parcel in known.parcels for told in parcel.told}
    waiting = [
        Waiting(facts=look.facts, alert=alarm.alert, message=message)
        for look in looks
        for alarm, message in look.standing.pending
        if message.id not in packed
    ]
    ran = [read_facts(sites[site], None, now) for site in listed if site in sites]
    new = bundle(waiting, known.recent, count_traits(ran), now)
    standing = Watch(
        looked={site: last for site, last in known.looked.items() if site in listed}
        | {look.facts.site: look.looked for look in looks},
        parcels=(*known.parcels, *new),
        recent={key: at for key, at in known.recent.items() if now - at < HOUR}
        | {key: now for parcel in new for key in parcel.keys},
        digest=known.digest,
    )
    _write(archive, standing)
    sent, failed = _deliver(archive, standing.parcels, notifiers, now)
    return Watched(
        sites=len(listed),
        looked=len(looks),
        sent=sent,
        held=len(waiting) - sum(len(parcel.told) for parcel in new),
        unsent=len(standing.parcels) - sent,
        open=dict(Counter(kind for last in standing.looked.values() for kind in last.open)),
        failed=failed,
    )


def _judge_site(archive: Archive, site: Site | None, site_id: str, now: datetime) -> _Judged | None:
    """What is wrong with a site; None: its health is gone meanwhile."""
    health = read_health(archive, site_id)
    if health is None:
        return None
    facts = read_facts(site, health, now) if site else SiteFacts(site=site_id, name=site_id, paused=True)
    return _Judged(
        facts=facts,
        alerts=judge(health, facts, now),
        alarms=health.alarms,
        again=next_look(health, facts, now),
        muted=facts.paused,
    )


def _settle_site(archive: Archive, judged: _Judged, etag: str, last: Looked | None, now: datetime) -> _Look:
    """Settle what stands of a site, and show it with its health."""
    site = judged.facts.site
    standing = Standing(site=site)
    if judged.is_ill or last is None or last.standing:

        def change(before: Standing | None) -> Standing | None:
            after, _ = settle(before or Standing(site=site), judged.alerts, now, muted=judged.muted)
            return after if before is not None or after.alarms else None

        standing = archive.change_progress(archive.alerts_key(site), Standing, change) or standing
        if list_open(standing) != judged.alarms:
            note_alarms(archive, site, list_open(standing))
    again = min(filter(None, (judged.again, next_step(standing, now))))
    looked = Looked(
        etag=etag,
        again=again,
        standing=bool(standing.alarms),
        open=tuple(alarm.alert.kind for alarm in standing.open),
    )
    return _Look(facts=judged.facts, standing=standing, looked=looked)


def send_once(archive: Archive, day: str, outgoing: Outgoing, notifiers: Mapping[str, Notifier]) -> bool:
    """Send a day's digest, unless that was done; killed before that is noted, it is sent again with the same id."""
    known = archive.read_progress(WATCH_KEY, Watch) or Watch()
    if known.digest is not None and known.digest >= day:
        return False
    errors = _hand_over(outgoing, notifiers, ())[1]
    if len(errors) == len(notifiers) and errors:
        raise OSError("; ".join(f"{name}: {error}" for name, error in errors.items()))
    for name, error in errors.items():
        log.error("the digest did not get to %s: %s", name, error)

    def change(standing: Watch | None) -> Watch:
        return (standing or Watch()).model_copy(update={"digest": day})

    archive.change_progress(WATCH_KEY, Watch, change, rebuildable=True)
    return True


def _write(archive: Archive, standing: Watch) -> None:
    def change(before: Watch | None) -> Watch:
        return standing.model_copy(update={"digest": before.digest}) if before else standing

    archive.change_progress(WATCH_KEY, Watch, change, rebuildable=True)


def _deliver(
    archive: Archive, parcels: Iterable[Parcel], notifiers: Mapping[str, Notifier], now: datetime
) -> tuple[int, dict[str, str]]:
    """Hand parcels over; what every notifier has is noted as told, and forgotten."""
    sent, failed = 0, dict[str, str]()
    for parcel in parcels:
        outgoing = describe_parcel(parcel, now)
        delivered, errors = _hand_over(outgoing, notifiers, parcel.delivered)
        failed |= errors
        if errors and now - parcel.made < _GIVE_UP:
            _change_parcel(archive, parcel.model_copy(update={"delivered": delivered}))
            continue
        for name in errors:
            log.error("message %s did not get to %s for three days, and is given up: %s", parcel.id, name, parcel.told)
        for site in {told.site for told in parcel.told}:
            _note_told(archive, site, [told.message for told in parcel.told if told.site == site])
        _change_parcel(archive, parcel, done=True)
        sent += 1
    return sent, failed


def _hand_over(
    outgoing: Outgoing, notifiers: Mapping[str, Notifier], delivered: tuple[str, ...]
) -> tuple[tuple[str, ...], dict[str, str]]:
    done, errors = list(delivered), {}
    for name, notify in notifiers.items():
        if name in done:
            continue
        try:
            notify(outgoing)
        except Exception as error:  # noqa: BLE001 - whatever a notifier of somebody else raises: the others are to get it
            errors[name] = f"{type(error).__name__}: {error}"
        else:
            done.append(name)
    return tuple(done), errors


def _note_told(archive: Archive, site: str, ids: list[str]) -> None:
    def change(standing: Standing | None) -> Standing | None:
        return standing and mark_told(standing, ids)

    archive.change_progress(archive.alerts_key(site), Standing, change)


def _change_parcel(archive: Archive, parcel: Parcel, *, done: bool = False) -> None:
    def change(standing: Watch | None) -> Watch | None:
        if standing is None:
            return None
        others = tuple(each for each in standing.parcels if each.id != parcel.id)
        return standing.model_copy(update={"parcels": others if done else (*others, parcel)})

    archive.change_progress(WATCH_KEY, Watch, change, rebuildable=True)
