"""How all sites stand, at a glance: what needs a person first, and why in a few words.

Pure: ``summarise`` takes out of a health document the little that a line of the page shows, ``judge`` says what an
operator has to know of it at a moment, ``arrange`` filters and sorts. The order of need:

    rejected   the gate refused the latest run, and nobody released it
    failing    a step ended with a permanent error, or the site does not answer
    blocked    the site refuses us, or asked to be left alone
    silent     no run, or nothing new, for longer than this site ever was silent before
    warned     published, with a warning of the gate
    unfinished a run is under way, or was given up
    well       nothing to do
    unknown    it never ran
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, Literal

from pipeline.health import Health, RunRecord, shorten

Need = Literal["rejected", "failing", "blocked", "silent", "warned", "unfinished", "well", "unknown"]
Where = Literal["run", "site", "dag"]
"""A run's page, a site's page, a DAG's page in Airflow."""
NEEDS: Final[tuple[Need, ...]] = (
    "rejected", "failing", "blocked", "silent", "warned", "unfinished", "well", "unknown",
)  # fmt: skip
SHOWN: Final = 30
"""Runs that a sparkline shows."""
_QUARANTINED: Final = 20  # rejected runs of a site that are kept in mind
_WALLS: Final = frozenset({"firewall", "consent wall", "login wall", "throttled"})
_DOWN: Final = frozenset({"site down"})
_PATIENCE: Final = 1.5  # times its own longest silence
_PAUSES: Final = 3  # times the usual pause between two runs
_LEAST_PAUSE: Final = timedelta(hours=3)
_LEAST_SILENCE: Final = timedelta(days=2)
_UNFINISHED: Final = timedelta(hours=6)
_HALF: Final = 0.5
_FEW: Final = 5
_WORDS: Final = 240  # characters of a message on the overview


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteFacts:
    """What a site's file says."""

    site: str
    name: str
    kind: str = ""
    family: str = ""
    region: str = ""
    home: str = ""
    schedule: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A run that the gate refused."""

    run: str
    began: datetime
    cause: str | None
    message: str
    articles: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What is kept of a site's health: enough for a line of the overview, 2 KB instead of 300."""

    site: str
    damaged: bool = False
    run: str = ""  # the newest that looked at the site as it is today; "": none did
    state: str = ""
    verdict: str | None = None
    released: bool = False
    cause: str | None = None
    message: str = ""
    began: datetime | None = None
    odd: tuple[str, ...] = ()
    stopped: str | None = None
    trying: str = ""  # what failed of a run that is tried again
    failed_share: float = 0.0
    blocked_share: float = 0.0
    new: tuple[int, ...] = ()  # oldest first, the latest ``SHOWN`` runs
    changed: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()  # failed and blocked URLs
    pause: timedelta | None = None  # the usual one between two runs
    fresh: datetime | None = None  # the latest run that made a new or changed version
    silence: timedelta | None = None  # the longest between two such runs
    runs: int = 0
    refused: tuple[Refused, ...] = ()  # newest first; not the released ones
    alarm: str = ""  # the first that is open and nobody has taken up
    alarms: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A site on the overview."""

    facts: SiteFacts
    standing: Standing
    need: Need
    why: str
    step: str = ""  # what to do about it
    where: Where = "site"  # the page to do it from


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a reader of the overview asks for; empty: no matter."""

    text: str = ""
    kind: str = ""
    family: str = ""
    region: str = ""
    need: str = ""
    sort: Literal["need", "name", "fresh"] = "need"


# --- out of documents


def summarise(health: Health) -> Standing:
    """What the overview keeps of a site."""
    usual = list(health.measured)
    alarm = next((alarm.sentence[:_WORDS] for alarm in health.alarms if not alarm.acknowledged), "")
    refused = tuple(
        Refused(
            run=run.run,
            began=run.began,
            cause=run.cause,
            message=shorten(run.why or run.message, _WORDS),
            articles=run.articles,
        )
        for run in health.runs
        if run.verdict == "reject" and not run.released and run.state != "published"
    )[:_QUARANTINED]
    latest = usual[0] if usual else None
    if latest is None:
        return Standing(site=health.site, runs=len(health.runs), refused=refused)
    shown = usual[:SHOWN][::-1]
    lively = [run.began for run in usual if count_new(run) + count_changed(run)]
    pauses = [later.began - earlier.began for later, earlier in pairwise(usual)]
    silences = [later - earlier for later, earlier in pairwise(lively)]
    asked = latest.discovered or sum(latest.outcomes.values())
    return Standing(
        site=health.site,
        run=latest.run,
        state=latest.state,
        verdict=latest.verdict,
        released=latest.released,
        cause=latest.cause,
        message=shorten(latest.message if latest.state == "failed" else latest.why or latest.message, _WORDS),
        began=latest.began,
        odd=tuple(sorted(latest.odd)),
        stopped=latest.stopped[:_WORDS] if latest.stopped else None,
        trying=shorten(latest.trying or "", _WORDS),
        failed_share=latest.outcomes.get("failed", 0) / asked if asked >= _FEW else 0.0,
        blocked_share=latest.outcomes.get("blocked", 0) / asked if asked >= _FEW else 0.0,
        new=tuple(count_new(run) for run in shown),
        changed=tuple(count_changed(run) for run in shown),
        failed=tuple(count_failed(run) for run in shown),
        pause=timedelta(seconds=statistics.median(pause.total_seconds() for pause in pauses)) if pauses else None,
        fresh=lively[0] if lively else None,
        silence=max(silences) if silences else None,
        runs=len(health.runs),
        refused=refused,
        alarm=alarm,
        alarms=len(health.alarms),
    )


def count_new(run: RunRecord) -> int:
    """New articles of a run."""
    return run.versions.get("new", 0)


def count_changed(run: RunRecord) -> int:
    """Versions of articles that were there before and can be read."""
    return sum(run.versions.get(change, 0) for change in ("edited", "moved", "restored"))


def count_failed(run: RunRecord) -> int:
    """URLs that gave no usable answer, or none for us."""
    return run.outcomes.get("failed", 0) + run.outcomes.get("blocked", 0)


# --- what an operator has to know


def judge(standing: Standing, now: datetime) -> tuple[Need, str]:
    """What a site needs at a moment, and why."""
    return next(_find_needs(standing, now))


def _find_needs(standing: Standing, now: datetime) -> Iterator[tuple[Need, str]]:
    """All that can be said of a site, the weightiest first."""
    if standing.damaged:
        yield "failing", "Its health document cannot be read; the next run writes it anew."
    if standing.began is None:
        yield "unknown", "It has not run yet."
        return
    told = standing.message.startswith(("Almost certainly", "Probably", "Perhaps"))  # by the diagnosis, which names it
    cause = f"{standing.cause}: " if standing.cause and not told else ""
    if standing.verdict == "reject" and not standing.released and standing.state != "published":
        said = f"{cause}{standing.message or 'The gate refused the run.'}"
        yield ("blocked" if standing.cause in _WALLS else "failing" if standing.cause in _DOWN else "rejected"), said
    if standing.trying or standing.state == "failed":
        again = f"It tries again by itself: {standing.trying}" if standing.trying else ""
        yield "failing", again or standing.message or "A step ended with an error."
    if standing.blocked_share >= _HALF or (standing.cause in _WALLS and standing.verdict != "warn"):
        said = standing.stopped or standing.message or _share(standing.blocked_share, "was refused")
        yield "blocked", f"{cause}{said}"
    if standing.failed_share >= _HALF:
        yield "failing", _share(standing.failed_share, "failed")
    if why := _find_silence(standing, now):
        yield "silent", why
    if standing.verdict == "warn":
        yield "warned", f"{cause}{standing.message or ', '.join(standing.odd)}"
    if standing.stopped or standing.alarm:
        yield "warned", standing.stopped or standing.alarm
    if standing.released and standing.state == "rejected":
        yield "unfinished", "Its latest run was released by hand, and is being published."
    if standing.state in ("unfinished", "checked"):
        late = now - standing.began > _UNFINISHED
        yield "unfinished", "It was given up, or waits for a worker." if late else "It is under way."
    yield "well", ""


def _find_silence(standing: Standing, now: datetime) -> str | None:
    assert standing.began is not None
    if (late := _find_lateness(standing, now)) is not None and standing.pause is not None:
        return f"No run for {tell_span(late)}; there is one every {tell_span(standing.pause)} otherwise."
    if standing.fresh is not None and standing.silence is not None:
        quiet = now - standing.fresh
        if quiet > max(_PATIENCE * standing.silence, _LEAST_SILENCE):
            return (
                f"Nothing new for {tell_span(quiet)}; its longest silence in {standing.runs} runs was "
                f"{tell_span(standing.silence)}."
            )
    return None


def _find_lateness(standing: Standing, now: datetime) -> timedelta | None:
    """How long ago the latest run was, where that is far longer than usual."""
    if standing.pause is None or standing.began is None:
        return None
    late = now - standing.began
    return late if late > max(_PAUSES * standing.pause, _LEAST_PAUSE) else None


def advise(standing: Standing, need: Need, now: datetime) -> tuple[str, Where]:
    """What an operator does next about a site, and on which page."""
    if standing.damaged:
        return "Trigger its DAG", "dag"
    if need == "failing" and standing.state == "published" and standing.run:
        return "See which addresses fail", "run"
    if need == "failing" and standing.trying:
        return "See the log of the task that tries again; mend what it says", "dag"
    if need == "silent" and _find_lateness(standing, now) is None:
        return "See whether its sources still name anything", "site"
    known = _BY_CAUSE.get(standing.cause or "")
    if standing.cause == "site down":
        known = next((step for word, step in _IF_DOWN.items() if word in standing.message), known)
    if known and need in _OF_RUN and standing.state in ("rejected", "published"):
        return known, "run"
    step, where = _STEPS[need]
    return step, "dag" if where == "run" and not standing.run else where


_OF_RUN: Final = frozenset({"rejected", "failing", "blocked", "warned"})
_BY_CAUSE: Final[Mapping[str, str]] = {
    "redesign": "Correct [[extract]] in its file, then re-extract the run",
    "dates": "Say in its file where dates stand now, then re-extract the run",
    "consent wall": "See the pages in a private browser window; ask the publisher",
    "login wall": "See whether its articles are for subscribers now; narrow `article`",
    "firewall": "See who refuses us; fetch more slowly, or ask the site",
    "throttled": "Wait; if it comes again, fetch more slowly",
    "site down": "See how it fails, and whether that is its fault or ours",
    "empty source": "Find where the source has moved, and correct its file",
    "strange pages": "See the example pages; keep them out by `exclude`",
    "one text": "See the example pages; release the run only if they are right",
    "old text": "Release the run, if the site has moved its archive",
    "language": "See whether the site has a new language, or another edition came in",
    "volume": "See the new pages beside what is normal",
    "books": "Audit the site, then run it again",
    "clock": "Set this machine's clock, then run the site again",
    "slow": "See its figures; fetch more slowly, or give it more time",
}
"""What to do about a run by its likely cause: on the overview there is room for the first step."""
_IF_DOWN: Final[Mapping[str, str]] = {
    "(DNS)": "Look the name up here and elsewhere: is it gone, or our resolver ill?",
    "certificate": "Open it in a browser: has its certificate expired, or is our clock wrong?",
    "time-out": "Open it in a browser: is it slow for everybody, or for us alone?",
}
"""The same of a site that is down, by a word of the diagnosis."""
_STEPS: Final[Mapping[Need, tuple[str, Where]]] = {
    "rejected": ("See the sample; release or re-extract it", "run"),
    "failing": ("See the log of the failed task; mend it, then clear the task", "dag"),
    "blocked": ("See who refuses us; fetch more slowly, or ask the site", "run"),
    "silent": ("See whether its DAG is paused or waits for a worker", "dag"),
    "warned": ("See the check beside what is normal", "run"),
    "unfinished": ("See its tasks", "dag"),
    "unknown": ("Switch its DAG on, or trigger it", "dag"),
    "well": ("", "site"),
}


def _share(share: float, what: str) -> str:
    return f"{share:.0%} of what was asked for {what}."


def tell_span(span: timedelta) -> str:
    """A span of time in words: "3 days"."""
    seconds = int(span.total_seconds())
    for size, word in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size * (2 if size == 86_400 else 1):
            number = seconds // size
            return f"{number} {word}{'' if number == 1 else 's'}"
    return "a moment"


# --- the page


def make_lines(standings: Iterable[Standing], facts: Mapping[str, SiteFacts], now: datetime) -> list[Line]:
    """A line for every site that ran or has a file."""
    known = {standing.site: standing for standing in standings}
    lines = []
    for site in sorted(known.keys() | facts.keys()):
        standing = known.get(site) or Standing(site=site)
        need, why = judge(standing, now)
        own = facts.get(site) or SiteFacts(site=site, name=site)
        step, where = advise(standing, need, now)
        lines.append(Line(facts=own, standing=standing, need=need, why=why, step=step, where=where))
    return lines


def arrange(lines: Iterable[Line], wanted: Wanted) -> list[Line]:
    """The lines that are asked for; what needs attention first, unless another order is."""
    text = wanted.text.casefold().strip()

    def fits(line: Line) -> bool:
        facts = line.facts
        return (
            (not text or text in f"{facts.site}\n{facts.name}\n{facts.home}\n{line.why}".casefold())
            and wanted.kind in ("", facts.kind)
            and wanted.family in ("", facts.family)
            and wanted.region in ("", facts.region)
            and wanted.need in ("", line.need)
        )

    found = sorted((line for line in lines if fits(line)), key=lambda line: line.facts.name.casefold())
    if wanted.sort == "fresh":
        return sorted(found, key=lambda line: line.standing.fresh.timestamp() if line.standing.fresh else 0.0)
    if wanted.sort == "need":
        return sorted(found, key=lambda line: NEEDS.index(line.need))
    return found


def count_needs(lines: Iterable[Line]) -> dict[Need, int]:
    """How many sites there are of each need, in the order of need."""
    counts: dict[Need, int] = dict.fromkeys(NEEDS, 0)
    for line in lines:
        counts[line.need] += 1
    return counts


def list_choices(lines: Sequence[Line]) -> dict[str, list[str]]:
    """What can be chosen in the page's filters."""
    return {
        "kind": sorted({line.facts.kind for line in lines} - {""}),
        "family": sorted({line.facts.family for line in lines} - {""}),
        "region": sorted({line.facts.region for line in lines} - {""}),
    }
