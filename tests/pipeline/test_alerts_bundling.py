"""One message for many sites."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.alerts.bundling import HOUR, Parcel, Waiting, bundle, count_traits
from pipeline.alerts.standing import Message
from tests.pipeline.some_alerts import NOW, an_alert, facts_of

MINUTE = timedelta(minutes=1)


def waits(site: str, at: datetime = NOW, *, event: Any = "opened", kind: str = "failing", **facts: Any) -> Waiting:
    cause = facts.pop("cause", "site down")
    return Waiting(
        facts=facts_of(site, **facts),
        alert=an_alert(site, kind, cause),
        message=Message(id=f"{site}.{kind}.x.1", event=event, at=at),
    )


def send_as_they_come(coming: list[Waiting], until: datetime) -> list[Parcel]:
    """A pass every ten minutes."""
    shared_by = count_traits([each.facts for each in coming])
    sent: list[Parcel] = []
    recent: dict[str, datetime] = {}
    now = min(each.message.at for each in coming)
    while now <= until:
        told = {each.message for parcel in sent for each in parcel.told}
        due = [each for each in coming if each.message.at <= now and each.message.id not in told]
        for parcel in bundle(due, recent, shared_by, now):
            sent.append(parcel)
            recent |= dict.fromkeys(parcel.keys, now)
        now += 10 * MINUTE
    return sent


def test_twenty_sites_of_one_server_that_fail_within_the_hour_are_one_message_that_names_them() -> None:
    sites = [waits(f"paper-{n}", NOW + n * 2 * MINUTE, pool="newsquest", family="Newsquest") for n in range(20)]
    (parcel,) = send_as_they_come(sites, NOW + 3 * HOUR)
    assert [each.site for each in parcel.told] == sorted(each.facts.site for each in sites)
    assert parcel.shared in ("server: newsquest", "software: Newsquest")


def test_a_site_of_its_own_is_told_at_once() -> None:
    (parcel,) = bundle([waits("alone", family="Own")], {}, {"software: Own": 1}, NOW)
    assert (parcel.id, parcel.shared, len(parcel.told)) == ("alone.failing.x.1", "", 1)


def test_four_hundred_sites_with_a_wrong_key_are_two_messages_the_first_at_once() -> None:
    sites = [waits(f"s{n}", NOW + n % 60 * MINUTE, cause="permanent error") for n in range(400)]
    sent = send_as_they_come(sites, NOW + 3 * HOUR)
    assert sum(len(parcel.told) for parcel in sent) == 400
    assert len(sent) == 2
    assert sent[0].made == NOW


def test_what_has_another_cause_is_another_message() -> None:
    both = [waits(f"a{n}", pool="p") for n in range(3)] + [waits(f"b{n}", pool="p", kind="blocked") for n in range(3)]
    assert len(bundle(both, {}, {}, NOW)) == 2


def test_the_all_clear_of_many_is_one_message_too() -> None:
    sites = [waits(f"p{n}", NOW + n * MINUTE, event="closed", pool="newsquest") for n in range(20)]
    (parcel,) = send_as_they_come(sites, NOW + 3 * HOUR)
    assert (parcel.event, len(parcel.told)) == ("closed", 20)


def test_reminders_of_a_pass_are_one_message() -> None:
    (parcel,) = bundle([waits(f"s{n}", event="reminded", kind="silent") for n in range(7)], {}, {}, NOW)
    assert (parcel.event, len(parcel.told), parcel.keys) == ("reminded", 7, ())


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["opened", "closed", "reminded", "changed"]),
            st.sampled_from(["failing", "silent", "rejected"]),
            st.sampled_from([None, "p", "q"]),
            st.sampled_from([None, "Jadu"]),
            st.integers(0, 200),
        ),
        max_size=20,
    ),
    st.randoms(),
)
def test_the_order_does_not_matter_and_nothing_is_told_twice_or_never(parts: list[Any], dice: random.Random) -> None:
    coming = [
        waits(f"s{n}", NOW + minutes * MINUTE, event=event, kind=kind, pool=pool, family=family)
        for n, (event, kind, pool, family, minutes) in enumerate(parts)
    ]
    shuffled = dice.sample(coming, len(coming))
    shared_by = count_traits([each.facts for each in coming])
    assert bundle(coming, {}, shared_by, NOW) == bundle(shuffled, {}, shared_by, NOW)
    if coming:
        sent = send_as_they_come(coming, NOW + 200 * MINUTE + 3 * HOUR)
        told = [each.message for parcel in sent for each in parcel.told]
        assert sorted(told) == sorted(each.message.id for each in coming)
