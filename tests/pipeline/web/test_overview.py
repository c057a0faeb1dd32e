"""What the overview says of a site, and in which order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.pages import STATES, make_health
from pipeline.health import Health, OpenAlarm, RunRecord
from pipeline.web.overview import (
    NEEDS,
    SHOWN,
    SiteFacts,
    Standing,
    Wanted,
    arrange,
    count_needs,
    judge,
    list_choices,
    make_lines,
    summarise,
    tell_span,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FACTS = {
    "north": SiteFacts(site="north", name="North Council", kind="council", region="North East", family="Jadu"),
    "south": SiteFacts(site="south", name="South News", kind="local", region="South"),
}


@pytest.mark.parametrize(
    ("stands", "need"),
    [
        ("well", "well"),
        ("warned", "warned"),
        ("rejected", "rejected"),
        ("blocked", "blocked"),
        ("failing", "failing"),
        ("late", "silent"),
        ("silent", "silent"),
    ],
)
def test_every_state_of_a_site_is_told_with_its_reason(stands: str, need: str) -> None:
    told, why = judge(summarise(make_health("north", now=NOW, stands=stands)), NOW)
    assert told == need
    assert bool(why) == (need != "well")


def test_what_needs_a_person_stands_first() -> None:
    standings = [summarise(make_health(f"s-{number}", now=NOW, stands=each)) for number, each in enumerate(STATES)]
    needs = [line.need for line in arrange(make_lines(standings, {}, NOW), Wanted())]
    assert needs == sorted(needs, key=NEEDS.index)
    assert needs[0] == "rejected"


def test_a_released_run_is_no_trouble_and_stands_in_no_quarantine() -> None:
    health = make_health("north", now=NOW, stands="rejected")
    first = health.runs[0].model_copy(update={"released": True, "state": "published", "cause": None})
    released = health.model_copy(update={"runs": (first, *health.runs[1:]), "alarms": ()})
    standing = summarise(released)
    assert judge(standing, NOW)[0] == "well"
    assert not standing.refused
    assert [run.run for run in summarise(health).refused] == [health.runs[0].run]


def test_an_open_alarm_is_told_of_a_site_that_looks_well() -> None:
    alarm = OpenAlarm(id="1", kind="silent", cause="x", sentence="It is too quiet.", since=NOW)
    health = make_health("north", now=NOW).model_copy(update={"alarms": (alarm,)})
    assert judge(summarise(health), NOW) == ("warned", "It is too quiet.")
    taken_up = health.model_copy(update={"alarms": (alarm.model_copy(update={"acknowledged": True}),)})
    assert judge(summarise(taken_up), NOW)[0] == "well"


def test_a_site_that_never_ran_has_a_line_and_no_run() -> None:
    lines = make_lines([], FACTS, NOW)
    assert [(line.facts.site, line.need) for line in lines] == [("north", "unknown"), ("south", "unknown")]


def test_only_so_many_runs_are_kept_and_the_latest_stands_last() -> None:
    health = make_health("north", now=NOW)
    standing = summarise(health)
    assert len(standing.new) == SHOWN
    assert standing.new[-1] == health.runs[0].versions["new"]


def test_a_backfill_says_nothing_of_how_a_site_stands() -> None:
    health = make_health("north", now=NOW)
    walk = RunRecord(run=f"{NOW:%Y%m%dT%H%M%SZ}-00000000", mode="backfill", state="failed", began=NOW, noted=NOW)
    assert summarise(health.model_copy(update={"runs": (walk, *health.runs)})).run == health.runs[0].run


def test_filters_and_orders_hold_together() -> None:
    standings = [
        summarise(make_health("north", now=NOW, stands="rejected")),
        summarise(make_health("south", now=NOW)),
    ]
    lines = make_lines(standings, FACTS, NOW)
    assert list_choices(lines) == {"kind": ["council", "local"], "family": ["Jadu"], "region": ["North East", "South"]}
    assert [line.facts.site for line in arrange(lines, Wanted(kind="local"))] == ["south"]
    assert [line.facts.site for line in arrange(lines, Wanted(text="NO DATE"))] == ["north"]
    assert [line.facts.site for line in arrange(lines, Wanted(need="well"))] == ["south"]
    assert [line.facts.site for line in arrange(lines, Wanted(sort="name", region="South"))] == ["south"]
    assert not arrange(lines, Wanted(text="nowhere"))
    counts = count_needs(lines)
    assert (counts["rejected"], counts["well"], sum(counts.values())) == (1, 1, 2)


@given(
    st.lists(
        st.builds(
            RunRecord,
            run=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2026, 1, 1)).map(  # noqa: DTZ001
                lambda at: f"{at:%Y%m%dT%H%M%SZ}-00000000"
            ),
            state=st.sampled_from(["published", "rejected", "failed", "checked", "unfinished"]),
            verdict=st.sampled_from([None, "accept", "warn", "reject"]),
            began=st.datetimes(
                min_value=datetime(2020, 1, 1), max_value=datetime(2026, 1, 1), timezones=st.just(UTC)  # noqa: DTZ001
            ),
            noted=st.just(NOW),
            discovered=st.integers(0, 50),
            outcomes=st.dictionaries(st.sampled_from(["failed", "blocked", "archived"]), st.integers(0, 50)),
            versions=st.dictionaries(st.sampled_from(["new", "edited", "gone"]), st.integers(0, 50)),
        ),
        max_size=8,
    )
)  # fmt: skip
def test_whatever_a_document_holds_there_is_an_answer(runs: list[RunRecord]) -> None:
    need, why = judge(summarise(Health(site="north", runs=tuple(runs), updated=NOW)), NOW)
    assert need in NEEDS
    assert isinstance(why, str)


def test_a_damaged_document_is_told() -> None:
    assert judge(Standing(site="north", damaged=True), NOW)[0] == "failing"


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(0), "a moment"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(hours=30), "30 hours"),
        (timedelta(days=2), "2 days"),
        (timedelta(days=400), "400 days"),
    ],
)
def test_spans_are_told_in_words(span: timedelta, words: str) -> None:
    assert tell_span(span) == words


@pytest.mark.parametrize(
    ("stands", "words", "where"),
    [
        ("rejected", "re-extract the run", "run"),
        ("failing", "log of the failed task", "dag"),
        ("blocked", "more slowly", "run"),
        ("late", "paused", "dag"),
        ("silent", "sources", "site"),
        ("warned", "normal", "run"),
        ("well", "", "site"),
    ],
)
def test_what_is_wrong_comes_with_what_to_do_and_where(stands: str, words: str, where: str) -> None:
    [line] = make_lines([summarise(make_health("north", now=NOW, stands=stands))], {}, NOW)
    assert words in line.step
    assert bool(line.step) == bool(words)
    assert line.where == where


def test_a_site_that_never_ran_is_switched_on_in_airflow() -> None:
    [line] = make_lines([], {"north": SiteFacts(site="north", name="North")}, NOW)
    assert (line.need, line.where) == ("unknown", "dag")
    [line] = make_lines([Standing(site="north", damaged=True)], {}, NOW)
    assert (line.need, line.step, line.where) == ("failing", "Trigger its DAG", "dag")


@pytest.mark.parametrize(
    ("cause", "need", "step"),
    [
        ("site down", "failing", "how it fails"),
        ("empty source", "rejected", "where the source has moved"),
        ("consent wall", "blocked", "private browser window"),
        ("clock", "rejected", "this machine's clock"),
        ("unknown", "rejected", "release or re-extract"),
    ],
)
def test_what_to_do_follows_from_the_likely_cause(cause: str, need: str, step: str) -> None:
    health = make_health("north", now=NOW, stands="rejected")
    first = health.runs[0].model_copy(update={"cause": cause})
    [line] = make_lines([summarise(health.model_copy(update={"runs": (first, *health.runs[1:])}))], {}, NOW)
    assert (line.need, line.where) == (need, "run")
    assert step in line.step


def test_a_run_that_was_published_in_spite_of_refusals_is_warned_of_and_not_blocked() -> None:
    health = make_health("north", now=NOW, stands="warned")
    first = health.runs[0].model_copy(update={"cause": "throttled", "message": "[pace] It asked us to wait."})
    [line] = make_lines([summarise(health.model_copy(update={"runs": (first, *health.runs[1:])}))], {}, NOW)
    assert line.need == "warned"
    assert "asked us to wait" in line.why
    assert "Wait" in line.step


def test_a_run_that_was_released_is_under_way_until_it_is_published() -> None:
    health = make_health("north", now=NOW, stands="rejected")
    first = health.runs[0].model_copy(update={"released": True})
    standing = summarise(health.model_copy(update={"runs": (first, *health.runs[1:]), "alarms": ()}))
    assert judge(standing, NOW) == ("unfinished", "Its latest run was released by hand, and is being published.")


def test_a_run_whose_step_is_tried_again_says_why_at_once() -> None:
    health = make_health("north", now=NOW)
    run = RunRecord(
        run=f"{NOW:%Y%m%dT%H%M%SZ}-00000000", state="unfinished", began=NOW, noted=NOW,
        trying="crawl, try 1 of 6: The disk of this machine's scratch folder is full.",
    )  # fmt: skip
    [line] = make_lines([summarise(health.model_copy(update={"runs": (run, *health.runs)}))], {}, NOW)
    assert (line.need, line.where) == ("failing", "dag")
    assert "scratch folder is full" in line.why


@pytest.mark.parametrize(
    ("message", "step"),
    [
        ("Almost certainly an outage of the site: its name does not resolve (DNS).", "resolver"),
        ("Almost certainly an outage of the site: its certificate is not good.", "our clock"),
        ("Almost certainly an outage of the site: time-out", "slow for everybody"),
    ],
)
def test_how_a_site_is_down_says_what_to_look_at_and_the_cause_is_said_once(message: str, step: str) -> None:
    health = make_health("north", now=NOW, stands="rejected")
    first = health.runs[0].model_copy(update={"cause": "site down", "message": message, "why": message})
    [line] = make_lines([summarise(health.model_copy(update={"runs": (first, *health.runs[1:])}))], {}, NOW)
    assert step in line.step
    assert line.why == message
