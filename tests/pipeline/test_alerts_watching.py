"""The pass over all sites, on a real store."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipeline.alerts import standing as standings
from pipeline.alerts import watching
from pipeline.alerts.digest import describe_digest, make_digest
from pipeline.alerts.standing import read_standing
from pipeline.alerts.telling import Outgoing
from pipeline.alerts.watching import Watch, send_once, watch
from pipeline.archive import WATCH_KEY, Archive
from pipeline.health import Health, RunRecord, read_health
from spiders.site import Site
from tests.pipeline.some_alerts import NOW, a_health, a_record, rejected
from tests.pipeline.test_status import site as a_site

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


class Inbox:
    """What a receiver got."""

    def __init__(self) -> None:
        self.got: list[Outgoing] = []

    def __call__(self, outgoing: Outgoing) -> None:
        self.got.append(outgoing)


class Killed(BaseException):
    """The process is gone."""


def sites(*names: str, **crawl: Any) -> dict[str, Site]:
    plain = a_site("0 * * * *")
    return {
        name: plain.model_copy(update={"id": name, "name": name.title(), "crawl": plain.crawl.model_copy(update=crawl)})
        for name in names
    }


def put(archive: Archive, site: str, *records: RunRecord) -> None:
    def change(before: Health | None) -> Health:
        return a_health(*records, *(before.runs if before else ()), site=site)

    archive.change_progress(archive.health_key(site), Health, change)


def test_a_pass_tells_what_is_wrong_once_and_shows_it_with_the_sites_health(archive: Archive) -> None:
    put(archive, "good", a_record(NOW - HOUR))
    put(archive, "bad", rejected(NOW - HOUR))
    declared, inbox = sites("good", "bad"), Inbox()
    done = watch(archive, declared, NOW, notifiers={"inbox": inbox})
    assert (done.sites, done.looked, done.sent, done.failed) == (2, 2, 1, {})
    (message,) = inbox.got
    assert message.sites == ("bad",)
    health = read_health(archive, "bad")
    assert health is not None
    assert [(alarm.kind, alarm.cause) for alarm in health.alarms] == [("rejected", "redesign")]
    for minutes in (10, 20, 30):
        watch(archive, declared, NOW + minutes * MINUTE, notifiers={"inbox": inbox})
    assert len(inbox.got) == 1
    put(archive, "bad", a_record(NOW + 31 * MINUTE))
    watch(archive, declared, NOW + 40 * MINUTE, notifiers={"inbox": inbox})
    assert [each.event for each in inbox.got] == ["opened", "closed"]
    health = read_health(archive, "bad")
    assert health is not None
    assert health.alarms == ()


def test_only_sites_that_changed_are_read(archive: Archive) -> None:
    names = [f"s{n}" for n in range(12)]
    for name in names:
        put(archive, name, a_record(NOW - HOUR))
    declared = sites(*names)
    assert watch(archive, declared, NOW, notifiers={}).looked == 12
    assert watch(archive, declared, NOW + 10 * MINUTE, notifiers={}).looked == 0
    put(archive, "s3", a_record(NOW))
    assert watch(archive, declared, NOW + 20 * MINUTE, notifiers={}).looked == 1
    done = watch(archive, declared, NOW + 8 * HOUR, notifiers={})  # their schedule has passed meanwhile
    assert done.looked == 12


def test_a_site_that_is_switched_off_or_no_longer_declared_is_left_in_peace(archive: Archive) -> None:
    inbox, asked = Inbox(), []
    for name in ("off", "gone", "good"):
        put(archive, name, a_record(NOW - HOUR) if name == "good" else rejected(NOW - HOUR))

    def is_paused(site: str) -> bool:
        asked.append(site)
        return site == "off"

    watch(archive, sites("off", "good"), NOW, notifiers={"inbox": inbox}, is_paused=is_paused)
    assert inbox.got == []
    assert asked == ["off"]


@pytest.mark.parametrize("struck", ["_write", "_hand_over", "_note_told", "_change_parcel"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_pass_that_is_killed_anywhere_loses_nothing_and_repeats_with_the_same_id(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, struck: str, after: bool
) -> None:
    put(archive, "bad", rejected(NOW - HOUR))
    declared, inbox = sites("bad", "new"), Inbox()
    whole = getattr(watching, struck)

    def kill(*arguments: Any, **named: Any) -> Any:
        if after:
            whole(*arguments, **named)
        raise Killed

    monkeypatch.setattr(watching, struck, kill)
    with pytest.raises(Killed):
        watch(archive, declared, NOW, notifiers={"inbox": inbox})
    monkeypatch.undo()
    put(archive, "new", rejected(NOW))
    watch(archive, declared, NOW + 10 * MINUTE, notifiers={"inbox": inbox})
    watch(archive, declared, NOW + 3 * HOUR, notifiers={"inbox": inbox})
    opened = [each for each in inbox.got if each.event == "opened"]
    assert {site for each in opened for site in each.sites} == {"bad", "new"}
    assert len({each.id for each in opened if "bad" in each.sites}) == 1
    standing = archive.read_progress(WATCH_KEY, Watch)
    assert standing is not None
    assert standing.parcels == ()
    assert read_standing(archive, "bad").pending == ()


def test_a_notifier_that_fails_gets_it_later_and_the_others_do_not_get_it_twice(archive: Archive) -> None:
    put(archive, "bad", rejected(NOW - HOUR))
    declared, inbox, late = sites("bad"), Inbox(), Inbox()

    def broken(_: Outgoing) -> None:
        raise ConnectionError("no route to the mail server")

    done = watch(archive, declared, NOW, notifiers={"log": inbox, "smtp": broken})
    assert done.failed == {"smtp": "ConnectionError: no route to the mail server"}
    assert done.sent == 0
    done = watch(archive, declared, NOW + 10 * MINUTE, notifiers={"log": inbox, "smtp": late})
    assert done.sent == 1
    assert len(inbox.got) == 1
    assert [each.id for each in late.got] == [each.id for each in inbox.got]


def test_what_is_lost_of_the_watch_makes_no_second_alarm(archive: Archive) -> None:
    put(archive, "bad", rejected(NOW - HOUR))
    inbox = Inbox()
    watch(archive, sites("bad"), NOW, notifiers={"inbox": inbox})
    damaged = archive.store.get(WATCH_KEY).etag
    archive.store.replace(WATCH_KEY, b"{}", etag=damaged, content_type="application/json")
    done = watch(archive, sites("bad"), NOW + 10 * MINUTE, notifiers={"inbox": inbox})
    assert (done.looked, len(inbox.got)) == (1, 1)


def test_a_family_that_falls_ill_is_one_message(archive: Archive) -> None:
    names = [f"paper-{n}" for n in range(6)]
    inbox, declared = Inbox(), sites(*names, group="newsquest")
    for name in names:
        put(archive, name, a_record(NOW - 2 * HOUR))
    for n, name in enumerate(names):
        put(archive, name, rejected(NOW + n * 5 * MINUTE))
        watch(archive, declared, NOW + n * 10 * MINUTE, notifiers={"inbox": inbox})
    for minutes in (60, 70, 80, 90, 100):
        watch(archive, declared, NOW + minutes * MINUTE, notifiers={"inbox": inbox})
    (message,) = inbox.got
    assert message.sites == tuple(names)
    assert "server: newsquest" in message.subject


def test_a_digest_goes_out_once_a_day(archive: Archive) -> None:
    inbox, day = Inbox(), NOW.date()
    said = describe_digest(make_digest([], day, NOW))
    assert send_once(archive, f"{day}", said, {"inbox": inbox})
    assert not send_once(archive, f"{day}", said, {"inbox": inbox})
    watch(archive, {}, NOW, notifiers={})
    assert not send_once(archive, f"{day}", said, {"inbox": inbox})
    assert len(inbox.got) == 1


def test_an_acknowledged_alarm_shows_as_such(archive: Archive) -> None:
    put(archive, "bad", rejected(NOW - HOUR))
    watch(archive, sites("bad"), NOW, notifiers={})
    standings.acknowledge_alarm(archive, "bad", "rejected", by="op", reason="known", now=NOW)
    health = read_health(archive, "bad")
    assert health is not None
    assert health.alarms[0].acknowledged
    watch(archive, sites("bad"), NOW + 10 * MINUTE, notifiers={})
    assert read_health(archive, "bad") == health
