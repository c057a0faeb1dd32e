"""Make one message of many: sites of one server, one software or one cause that fall ill in the same hour.

What spreads is told when it has had an hour to spread: an opening or a closing of a site that shares its server or its
software with others waits for so long for the others, except where only this site can be meant, or where an hour
matters. Whatever comes after within the hour waits for its end, and is one message, too.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.alerts.judging import Alert, SiteFacts
from pipeline.alerts.standing import Event, Message
from pipeline.model import Document, UtcTime

HOUR = timedelta(hours=1)

MANY = 3
"""Sites that share something make one message from so many on."""

_ANY = 5  # … and sites that share nothing but the cause
_SPREADS = frozenset({"rejected", "blocked", "failing", "not run"})
_AT_ONCE = frozenset({"permanent error", "late"})


class Told(Document):
    """One site's part of a parcel."""

    site: str
    name: str
    message: str  # its id
    alert: Alert


class Parcel(Document):
    """What is sent as one message."""

    id: str
    event: Event
    told: tuple[Told, ...]  # by site
    shared: str = ""  # what the sites have in common, in words
    keys: tuple[str, ...] = ()  # under which what comes after is held back
    made: UtcTime
    delivered: tuple[str, ...] = ()  # notifiers that have it


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A message of an alarm that nobody was told."""

    facts: SiteFacts
    alert: Alert
    message: Message


def bundle(
    waiting: Iterable[Waiting], recent: Mapping[str, datetime], shared_by: Mapping[str, int], now: datetime
) -> tuple[Parcel, ...]:
    """Make parcels of what is due; what is not waits for a later call. The order of what waits does not matter.

    Args:
        waiting: messages that nobody was told.
        recent: key of a parcel -> when the latest one was sent under it.
        shared_by: trait of a site ("server: newsquest") -> how many sites have it.
        now: the moment.
    """
    left = {each.message.id: each for each in waiting}
    parcels = []
    reminders = [each for each in left.values() if each.message.event == "reminded"]
    if reminders:
        parcels.append(_pack(reminders, "still open", now, keys=()))
        for each in reminders:
            del left[each.message.id]
    while left:
        groups: dict[str, list[Waiting]] = defaultdict(list)
        for each in left.values():
            for key in _keys(each):
                groups[key].append(each)
        key, members = max(groups.items(), key=lambda item: (len(item[1]), item[0].count("|"), item[0]))
        if len(members) < (MANY if _trait(key) else _ANY):
            members = [min(left.values(), key=lambda each: each.message.id)]
        keys = sorted({key for each in members for key in _keys(each)})
        if _is_due(members, keys, recent, shared_by, now):
            parcels.append(_pack(members, _trait(key) if len(members) > 1 else "", now, keys=keys))
        for each in members:
            del left[each.message.id]
    return tuple(sorted(parcels, key=lambda parcel: parcel.id))


def list_traits(facts: SiteFacts) -> tuple[str, ...]:
    """What a site may share with others."""
    named = (("server", facts.pool), ("software", facts.family))
    return tuple(f"{name}: {value}" for name, value in named if value)


def count_traits(sites: Iterable[SiteFacts]) -> dict[str, int]:
    """How many sites have each trait."""
    return dict(Counter(trait for facts in sites if not facts.paused for trait in list_traits(facts)))


def _is_due(
    members: Sequence[Waiting],
    keys: Sequence[str],
    recent: Mapping[str, datetime],
    shared_by: Mapping[str, int],
    now: datetime,
) -> bool:
    oldest = min(each.message.at for each in members)
    if now - oldest >= HOUR:
        return True
    if any(now - recent[key] < HOUR for key in keys if key in recent):
        return False
    return not any(
        each.alert.kind in _SPREADS
        and each.alert.cause not in _AT_ONCE
        and any(shared_by.get(trait, 0) >= MANY for trait in list_traits(each.facts))
        for each in members
    )


def _keys(waiting: Waiting) -> list[str]:
    plain = f"{waiting.message.event}|{waiting.alert.kind}|{waiting.alert.cause}"
    return [plain, *(f"{plain}|{trait}" for trait in list_traits(waiting.facts))]


def _trait(key: str) -> str:
    parts = key.split("|", 3)
    return parts[3] if len(parts) == 4 else ""


def _pack(members: Sequence[Waiting], shared: str, now: datetime, *, keys: Sequence[str]) -> Parcel:
    told = sorted(
        (
            Told(site=each.facts.site, name=each.facts.name, message=each.message.id, alert=each.alert)
            for each in members
        ),
        key=lambda each: (each.site, each.message),
    )
    name = told[0].message
    if len(told) > 1:
        name = "group." + hashlib.sha256("\n".join(each.message for each in told).encode()).hexdigest()[:20]
    return Parcel(id=name, event=members[0].message.event, told=tuple(told), shared=shared, keys=tuple(keys), made=now)
