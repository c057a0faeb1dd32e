"""The words of a message."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pipeline.alerts.bundling import Parcel, Told
from pipeline.alerts.telling import describe_parcel
from tests.pipeline.some_alerts import NOW, an_alert


def a_parcel(*sites: str, event: Any = "opened", **facts: Any) -> Parcel:
    told = tuple(Told(site=site, name=site.title(), message=f"{site}.1", alert=an_alert(site)) for site in sites)
    return Parcel(id="p1", event=event, told=told, made=NOW, **facts)


def test_one_alarm_says_what_since_when_by_what_measure_and_what_to_do() -> None:
    said = describe_parcel(a_parcel("localgov"), NOW + timedelta(hours=3))
    assert said.subject == "Muniment: localgov: the latest run was refused by the gate"
    for part in (
        "since 23 November 2026 12:00Z (3 hours)",
        "- Look.",
        "Threshold: the first run.",
        "It comes from: 1 of the latest 30 runs.",
        'muniment alerts acknowledge localgov "rejected"',
        "Message p1",
    ):
        assert part in said.text


def test_many_are_named_and_a_thousand_are_counted() -> None:
    said = describe_parcel(a_parcel("a", "b", "c", shared="software: Jadu"), NOW)
    assert said.subject == "Muniment: 3 sites of software: Jadu: rejected (redesign)"
    assert "3 sites, all of software: Jadu: a, b, c." in said.text
    many = describe_parcel(a_parcel(*(f"s{n:03}" for n in range(100))), NOW)
    assert "- and 40 more" in many.text
    assert "s099" in many.text


def test_an_all_clear_is_short() -> None:
    said = describe_parcel(a_parcel("localgov", event="closed"), NOW)
    assert said.subject.startswith("Muniment: over: localgov")
    assert "What to do" not in said.text


def test_what_a_page_may_have_said_is_no_html_and_no_second_line_of_a_subject() -> None:
    alert = an_alert("x").model_copy(update={"sentence": "bad\r\nBcc: all <script>alert(1)</script>"})
    told = (Told(site="x", name="X", message="x.1", alert=alert),)
    said = describe_parcel(Parcel(id="p", event="opened", told=told, made=NOW), NOW)
    assert "\n" not in said.subject
    assert "\r" not in said.subject
    assert "<script>" not in said.html
