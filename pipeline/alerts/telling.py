"""Say an alarm in words that a person can act on: what, since when, by what measure, and what to do."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from pipeline.alerts.bundling import Parcel, Told
from pipeline.alerts.judging import Alert
from pipeline.model import Document

_SHOWN = 60  # sites that one message names with a line each
_HEADS = {"opened": "", "changed": "now: ", "reminded": "still: ", "closed": "over: "}


class Outgoing(Document):
    """A message as it is handed to whatever sends it."""

    id: str  # the same however often it is sent
    event: str  # "opened", "changed", "reminded", "closed", "digest"
    sites: tuple[str, ...]
    subject: str  # one line
    text: str
    html: str  # the same as the text, escaped


def describe_parcel(parcel: Parcel, now: datetime) -> Outgoing:
    """The words of a parcel."""
    lines = list(_tell_one(parcel, parcel.told[0], now) if len(parcel.told) == 1 else _tell_many(parcel))
    return make_outgoing(
        parcel.id, parcel.event, _find_subject(parcel), lines, tuple(dict.fromkeys(each.site for each in parcel.told))
    )


def make_outgoing(name: str, event: str, subject: str, lines: Iterable[str], sites: tuple[str, ...]) -> Outgoing:
    """Text and HTML of a message out of its lines; what begins with "- " is an item."""
    text = "\n".join(lines)
    return Outgoing(
        id=name,
        event=event,
        sites=sites,
        subject=" ".join(f"Muniment: {subject}".split())[:200],
        text=text,
        html=f'<pre style="white-space: pre-wrap; font-family: inherit">{html.escape(text)}</pre>',
    )


def _find_subject(parcel: Parcel) -> str:
    first = parcel.told[0]
    head = _HEADS[parcel.event]
    if len(parcel.told) == 1:
        return f"{head}{first.site}: {first.alert.sentence}"
    if parcel.event == "reminded":
        return f"{len(parcel.told)} alarms are still open"
    shared = f" of {parcel.shared}" if parcel.shared else ""
    return f"{head}{len(parcel.told)} sites{shared}: {first.alert.kind} ({first.alert.cause})"


def _tell_one(parcel: Parcel, told: Told, now: datetime) -> Iterator[str]:
    alert = told.alert
    yield f"{told.name} ({told.site}): {alert.sentence}."
    if parcel.event == "closed":
        yield f"This is over. It had begun on {_moment(alert.since)}, {_span(now - alert.since)} ago."
        yield f"Alarm {parcel.id}"
        return
    yield f"Kind {alert.kind}, since {_moment(alert.since)} ({_span(now - alert.since)})."
    if alert.detail:
        yield ""
        yield from alert.detail.splitlines()
    yield ""
    yield "What to do:"
    yield from (f"- {step}" for step in alert.steps)
    yield ""
    yield f"Threshold: {alert.threshold}."
    yield f"It comes from: {alert.basis}."
    if alert.run:
        yield f"Run: {alert.run}"
    yield f'To hear no more of it until it changes: muniment alerts acknowledge {told.site} "{alert.kind}" --reason "…"'
    yield f"Message {parcel.id}"


def _tell_many(parcel: Parcel) -> Iterator[str]:
    names = ", ".join(each.site for each in parcel.told)
    shared = f", all of {parcel.shared}" if parcel.shared and parcel.event != "reminded" else ""
    yield f"{len(parcel.told)} sites{shared}: {names}."
    yield ""
    for each in parcel.told[:_SHOWN]:
        yield f"- {each.site}: {each.alert.kind}: {each.alert.sentence}, since {_moment(each.alert.since)}"
    if len(parcel.told) > _SHOWN:
        yield f"- and {len(parcel.told) - _SHOWN} more"
    if parcel.event == "closed":
        yield "This is over."
    else:
        yield from _tell_cause(parcel)
    yield f"Message {parcel.id}"


def _tell_cause(parcel: Parcel) -> Iterator[str]:
    kinds: dict[tuple[str, str], Alert] = {(each.alert.kind, each.alert.cause): each.alert for each in parcel.told}
    if len(kinds) > 1:
        yield ""
        yield "See each with what to do: muniment alerts"
        return
    (alert,) = kinds.values()
    yield ""
    if alert.detail:
        yield f"The operator's message of {alert.site}:"
        yield from alert.detail.splitlines()
        yield ""
    yield f"What to do (here for {alert.site}):"
    yield from (f"- {step}" for step in alert.steps)
    yield f"Threshold: {alert.threshold}. It comes, for {alert.site}, from: {alert.basis}."


def _moment(moment: datetime) -> str:
    return f"{moment:%-d %B %Y %H:%M}Z"


def _span(span: timedelta) -> str:
    seconds = span.total_seconds()
    if seconds < 5400:
        return f"{max(seconds, 0) / 60:.0f} minutes"
    return f"{seconds / 3600:.0f} hours" if seconds < 2 * 86_400 else f"{seconds / 86_400:.0f} days"
