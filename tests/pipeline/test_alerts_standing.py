"""Alarms through time: told once, reminded of, closed once, never lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.alerts.judging import Alert
from pipeline.alerts.standing import (
    REMINDERS,
    Standing,
    acknowledge_alarm,
    list_open,
    mark_told,
    next_step,
    read_standing,
    settle,
)
from pipeline.archive import Archive
from pipeline.errors import NotInArchive
from tests.pipeline.some_alerts import NOW, an_alert

EMPTY = Standing(site="localgov")
HOUR = timedelta(hours=1)


def told(standing: Standing, alerts: list[Alert], now: datetime) -> tuple[Standing, list[str]]:
    """Settle, and send everything."""
    after, messages = settle(standing, alerts, now)
    return mark_told(after, [message.id for message in messages]), [message.event for message in messages]


def test_an_alarm_opens_once_and_closes_with_one_all_clear() -> None:
    standing, said = told(EMPTY, [an_alert()], NOW)
    assert said == ["opened"]
    for hours in range(1, 24):
        standing, said = told(standing, [an_alert()], NOW + hours * HOUR)
        assert said == []
    standing, said = told(standing, [], NOW + 24 * HOUR)
    assert said == ["closed"]
    assert (standing.alarms, len(standing.closed)) == ((), 1)
    assert told(standing, [], NOW + 25 * HOUR)[1] == []


def test_reminders_come_at_growing_intervals() -> None:
    standing, now, moments = EMPTY, NOW, []
    for hours in range(24 * 90):
        standing, said = told(standing, [an_alert()], now := NOW + hours * HOUR)
        moments += [now] * ("reminded" in said)
    gaps = [b - a for a, b in pairwise([NOW, *moments])]
    assert gaps == sorted(gaps)
    assert gaps[: len(REMINDERS)] == list(REMINDERS)
    assert set(gaps[len(REMINDERS) :]) <= {REMINDERS[-1]}


def test_another_cause_of_the_same_kind_is_a_change_and_no_second_alarm() -> None:
    standing, _ = told(EMPTY, [an_alert()], NOW)
    standing, said = told(standing, [an_alert(cause="dates")], NOW + HOUR)
    assert said == ["changed"]
    assert len(standing.open) == 1


def test_an_acknowledged_alarm_is_not_reminded_of_until_it_changes(archive: Archive) -> None:
    key = archive.alerts_key("localgov")
    with pytest.raises(NotInArchive):
        acknowledge_alarm(archive, "localgov", "rejected", by="op", reason="known", now=NOW)
    standing, _ = told(EMPTY, [an_alert()], NOW)
    archive.change_progress(key, Standing, lambda _: standing)
    with pytest.raises(NotInArchive, match="open: 'rejected'"):
        acknowledge_alarm(archive, "localgov", "silent", by="op", reason="known", now=NOW)
    alarm = acknowledge_alarm(archive, "localgov", "rejected", by="op", reason="known", now=NOW)
    assert alarm.acknowledged is not None
    standing = read_standing(archive, "localgov")
    assert list_open(standing)[0].acknowledged
    assert next_step(standing, NOW) is None
    assert told(standing, [an_alert()], NOW + timedelta(days=90))[1] == []
    standing, said = told(standing, [an_alert(cause="dates")], NOW + timedelta(days=91))
    assert said == ["changed"]
    assert standing.open[0].acknowledged is None


def test_flapping_is_damped() -> None:
    """Up and down every hour for three days: a handful of messages, not a hundred and forty."""
    standing, said = EMPTY, []
    for hours in range(72):
        standing, events = told(standing, [an_alert()] if hours % 2 else [], NOW + hours * HOUR)
        said += events
    assert said.count("opened") <= 2
    assert len(said) <= 6


def test_what_must_stand_for_a_while_is_told_only_then_and_not_where_it_passes() -> None:
    alert = an_alert(kind="not run").model_copy(update={"confirm": 3600.0})
    standing, said = told(EMPTY, [alert], NOW)
    assert (said, standing.open, next_step(standing, NOW)) == ([], (), NOW + HOUR)
    assert told(standing, [], NOW + HOUR / 2)[0].alarms == ()
    assert told(standing, [alert], NOW + HOUR)[1] == ["opened"]


def test_of_a_site_that_is_switched_off_nothing_is_told() -> None:
    standing, _ = settle(EMPTY, [an_alert()], NOW)
    after, messages = settle(standing, [an_alert()], NOW + HOUR, muted=True)
    assert (after.alarms, messages, len(after.closed)) == ((), (), 1)


STEPS = st.lists(
    st.tuples(
        st.sets(st.sampled_from(["rejected", "blocked", "silent"])),  # what is wrong
        st.sampled_from(["redesign", "dates"]),
        st.integers(1, 60 * 24 * 3),  # minutes to the next look
        st.sampled_from(["told", "killed before noting", "killed before sending"]),
        st.booleans(),  # switched off
    ),
    max_size=25,
)


Step = tuple[set[str], str, int, str, bool]


@given(STEPS)
def test_no_alarm_opens_twice_without_closing_and_none_is_lost_whenever_a_pass_is_killed(steps: list[Step]) -> None:
    standing, now = EMPTY, NOW
    received: list[tuple[str, str]] = []  # id, event, by order of arrival
    kinds: dict[str, str] = {}
    muted_ids: set[str] = set()
    for wrong, cause, minutes, fate, muted in steps:
        alerts = [an_alert(kind=kind, cause=cause) for kind in wrong]
        before = standing
        standing, messages = settle(standing, alerts, now, muted=muted)
        assert settle(before, list(reversed(alerts)), now, muted=muted) == (standing, messages)  # whatever the order
        assert settle(standing, alerts, now, muted=muted)[0] == standing  # and a second look changes nothing
        assert len({alarm.alert.kind for alarm in standing.open}) == len(standing.open)
        kinds |= {alarm.id: alarm.alert.kind for alarm in (*standing.alarms, *standing.closed)}
        if muted:
            muted_ids |= {alarm.id for alarm in standing.closed}
        if fate != "killed before sending":
            received += [(message.id, message.event) for message in messages]
        if fate == "told":
            standing = mark_told(standing, [message.id for message in messages])
        now += timedelta(minutes=minutes)
    received += [(message.id, message.event) for message in settle(standing, [], now)[1]]
    once = list(dict.fromkeys(received))  # a receiver drops what it has by its id
    heard = [(*name.rsplit(".", 1), event) for name, event in once if name.rsplit(".", 1)[0] not in muted_ids]
    for kind in set(kinds.values()):
        assert_alternating([(alarm, event) for alarm, _, event in heard if kinds.get(alarm, kind) == kind])
    for alarm in {alarm for alarm, *_ in heard}:
        numbers = [int(number) for name, number, _ in heard if name == alarm]
        assert numbers == list(range(1, len(numbers) + 1)), "a message was lost, or came twice under two ids"


def assert_alternating(heard: list[tuple[str, str]]) -> None:
    """Opened, then whatever, then closed, and never two alarms of a kind at once."""
    opened: str | None = None
    for alarm, event in heard:
        assert (opened is None) == (event == "opened")
        opened = alarm if opened is None else opened
        assert alarm == opened
        if event == "closed":
            opened = None
