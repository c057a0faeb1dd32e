"""The day across sites."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pipeline.alerts.digest import describe_digest, make_digest
from pipeline.health import DayCount, Health, OpenAlarm
from tests.pipeline.some_alerts import NOW, a_health, a_record, count_days

DAY = NOW.date() - timedelta(days=1)


def site(name: str, *, new: int = 0, bad: int = 0, runs: int = 4, alarm: str | None = None, **facts: Any) -> Health:
    days = count_days(DAY - timedelta(days=1), 60, lambda day: 2) | {
        f"{DAY}": DayCount(runs=runs, bad=bad, new=new, edited=new)
    }
    alarms = (OpenAlarm(id="x", kind=alarm, cause="c", sentence="it is so", since=NOW, **facts),) if alarm else ()
    return a_health(a_record(NOW, lag=600.0), site=name, days=days, alarms=alarms)


def test_what_needs_attention_stands_first_and_then_what_changed_most() -> None:
    digest = make_digest(
        [
            site("busy", new=90),
            site("calm", new=1),
            site("quiet"),
            site("idle", runs=0),
            site("known", alarm="failing", acknowledged=True),
            site("late", alarm="late"),
            site("down", alarm="failing", bad=2),
            site("odd", bad=1),
        ],
        DAY,
        NOW,
    )
    assert [line.site for line in digest.sites] == ["down", "late", "known", "odd", "busy", "calm"]
    assert (digest.new, digest.edited, digest.quiet, digest.idle, digest.runs, digest.bad) == (91, 91, 1, 1, 28, 3)
    said = describe_digest(digest, more=["The table has 7 rows."])
    assert said.subject == f"Muniment: {DAY}: 91 new, 91 edited, 0 gone; 4 sites need attention"
    assert said.id == f"digest.{DAY}"
    assert "- busy: 90 new (usually 2), 90 edited, 0 gone" in said.text
    assert "- known: failing: it is so, since 23 November 12:00Z, acknowledged" in said.text
    assert "From publication to capture: 10 minutes" in said.text
    assert said.text.index("down") < said.text.index("busy") < said.text.index("The table has 7 rows.")


def test_a_day_without_anything_says_so() -> None:
    said = describe_digest(make_digest([], DAY, NOW))
    assert "nothing is wrong" in said.subject
