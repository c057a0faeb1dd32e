"""What is the matter with a run that the gate refused, or warns of: what changed, most likely why, what to do.

``diagnose_run`` reads a sample of the run's captures and of those behind the latest accepted runs, twenty pages
each and within ``SECONDS``; ``diagnose`` decides and reads nothing. How pages are compared is in
``pipeline.diagnosis.templates``, how causes are weighed in ``pipeline.diagnosis.causes``.

A diagnosis is a help and never a hindrance: it changes no verdict, and one that cannot be made says so in words.
Captures that have expired or were taken down are passed over, as is a page that extraction could not cope with.

Nothing of it is the text of one article (a takedown could not reach it here): what it tells of a block's words stands
on three pages or more.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from typing import Final

from pipeline.archive import Archive
from pipeline.diagnosis.causes import KNOWN, Case, Page, Suspicion, weigh_causes
from pipeline.diagnosis.reading import EARLIER_RUNS, add_earlier, choose, look_at, read_earlier, read_sketches
from pipeline.diagnosis.templates import Sketch, compare_templates
from pipeline.model import BlockChange, Cause, Diagnosis, ExamplePage, Report
from spiders.protocol import CrawlSummary
from spiders.site import Site

__all__ = ["Case", "Page", "diagnose", "diagnose_run", "explains", "tell"]

log = logging.getLogger("muniment")

SECONDS: Final = 45.0
"""After that no further page is looked at."""

_FINDINGS: Final = 4000  # of a run that are looked through
_EXAMPLES: Final = 3
_CHANGES: Final = 12

_BY_FIGURES: Final = frozenset(
    {
        "sources",
        "dried",
        "books",
        "captures",
        "errors",
        "blocked",
        "documents",
        "volume",
        "listing",
        "outcomes",
        "clock",
        "pace",
    }
)
"""Checks that count what became of URLs: for a warning of these no page is read once more."""


def diagnose_run(
    archive: Archive, site: Site, summary: CrawlSummary, report: Report, *, history: Sequence[Report] = ()
) -> Diagnosis | None:
    """What is the matter with a run; None: it was accepted, or is only warned of and nothing explains that.

    Never raises: what goes wrong on the way is told in the diagnosis, which is of an unknown cause then.

    Args:
        archive: where its captures and findings are, and those of earlier runs.
        site: whose run it is.
        summary: what its crawl did.
        report: what the gate says.
        history: reports of accepted runs, newest first; where there are none, the archive is asked.
    """
    if report.verdict == "accept":
        return None
    try:
        return _diagnose_run(archive, site, summary, report, history)
    except Exception as error:  # noqa: BLE001 - the verdict stands, whatever goes wrong while it is explained
        log.warning("no diagnosis of %s: %s: %s", report.run, type(error).__name__, error)
        if report.verdict != "reject":
            return None
        return Diagnosis(
            cause="unknown",
            sentence=f"No diagnosis could be made ({type(error).__name__}); the checks stand.",
            likelihood=0.0,
            steps=_find_steps("unknown", report, None),
        )


def _diagnose_run(
    archive: Archive, site: Site, summary: CrawlSummary, report: Report, history: Sequence[Report]
) -> Diagnosis | None:
    until = time.monotonic() + SECONDS
    now = list(look_at(archive, site, report.run, _FINDINGS))
    history = history or archive.accepted_reports(site.id, before=report.run, most=EARLIER_RUNS)
    before, compared = read_earlier(archive, site, history, until)
    sketches: list[Sketch] = []
    earlier: list[Sketch] = []
    note = "" if before else " No earlier run of the site has pages to compare it with."
    odd = {check.name for check in report.checks if check.verdict != "accept"}
    if report.verdict == "reject" or odd - _BY_FIGURES:
        sketches, _ = read_sketches(archive, choose(now, ("article", "not-an-article", "blocked")), until)
        if sketches and before:
            earlier, lost = read_sketches(archive, choose(before, ("article",)), until)
            if not earlier:
                note = f" No earlier page could be looked at: {lost or 'their captures cannot be read'}."
    case = Case(
        report=report,
        summary=summary,
        history=history,
        now=now,
        before=before,
        sketches=sketches,
        comparison=compare_templates(earlier, sketches),
    )
    found = diagnose(case, compared=compared, note=note)
    if not explains(found, report):
        return None
    examples = tuple(add_earlier(archive, site.id, each, [*now, *before]) for each in found.examples)
    return found.model_copy(update={"examples": examples})


def explains(diagnosis: Diagnosis, report: Report) -> bool:
    """Whether a diagnosis is worth telling: of a refusal always, of a warning where its cause is known."""
    if report.verdict == "reject":
        return True
    return diagnosis.cause != "unknown" and diagnosis.likelihood >= KNOWN


# --- deciding -------------------------------------------------------------------------------------------

_CALLED: Final[dict[Cause, str]] = {
    "redesign": "a redesign of the pages",
    "consent wall": "a consent wall",
    "login wall": "a login wall",
    "firewall": "a firewall or a bot check",
    "throttled": "throttling",
    "site down": "an outage of the site",
    "empty source": "an empty source",
    "strange pages": "pages that are not the site's own",
    "dates": "dates in a new form or place",
    "one text": "a copy of one text on many pages",
    "old text": "old text under new addresses",
    "language": "pages in another language",
    "volume": "an unusual number of pages",
    "books": "damage or a defect",
    "clock": "a wrong clock on our side",
    "slow": "a slow site",
}


def diagnose(case: Case, *, compared: Sequence[str] = (), note: str = "") -> Diagnosis:
    """The likeliest cause with its evidence, and what to do. Pure.

    Args:
        case: all that was counted, read and compared.
        compared: runs that it was held against.
        note: what else is to be said, such as that there was nothing to compare with.
    """
    suspicions = weigh_causes(case)
    first = suspicions[0] if suspicions else None
    changes = case.comparison.changes[:_CHANGES] if case.comparison is not None else ()
    if first is None or first.likelihood < 0.25:
        why = f" The nearest guess is {_CALLED[first.cause]}: {first.why}." if first is not None else ""
        return Diagnosis(
            cause="unknown",
            sentence=f"Nothing that is known explains what the checks say.{why}{note}",
            likelihood=first.likelihood if first is not None else 0.0,
            compared=tuple(compared),
            changes=changes,
            examples=tuple(_make_examples(case, None)),
            steps=_find_steps("unknown", case.report, None),
        )
    sentence = f"{_put_likelihood(first.likelihood)} {_CALLED[first.cause]}: {first.why}."
    second = next((each for each in suspicions[1:] if each.likelihood >= max(0.3, first.likelihood - 0.25)), None)
    if second is not None:
        sentence += f" It may also be {_CALLED[second.cause]}: {second.why}."
    return Diagnosis(
        cause=first.cause,
        sentence=sentence + note,
        likelihood=first.likelihood,
        compared=tuple(compared),
        changes=changes,
        examples=tuple(_make_examples(case, first)),
        steps=_find_steps(first.cause, case.report, first),
    )


def _put_likelihood(likelihood: float) -> str:
    if likelihood >= 0.85:
        return "Almost certainly"
    return "Probably" if likelihood >= KNOWN else "Perhaps"


def _make_examples(case: Case, suspicion: Suspicion | None) -> Iterator[ExamplePage]:
    """Three pages: those that speak for the cause, then others of the run, then what earlier runs had."""
    told: set[str] = set()
    odd: list[tuple[Page | str, str]] = list(suspicion.pages) if suspicion is not None else []
    kinds = ("failed", "blocked", "not-an-article", "gone", "article")
    others = sorted((p for p in case.now if p.kind in kinds), key=lambda page: kinds.index(page.kind))
    odd += [(page, page.reason or page.kind) for page in others]
    seen_now = {page.url for page in case.now}
    odd += [
        (page.url, "was read in an earlier run, and is not among this run's pages")
        for page in case.before
        if page.kind == "article" and page.url not in seen_now
    ]
    for page, what in odd:
        url = page if isinstance(page, str) else page.url
        if url in told:
            continue
        told.add(url)
        found = None if isinstance(page, str) else page
        yield ExamplePage(
            url=url,
            what=what[:200],
            evidence=found.evidence if found is not None else None,
            words=found.words if found is not None else 0,
        )
        if len(told) == _EXAMPLES:
            return


def _find_steps(cause: Cause, report: Report, suspicion: Suspicion | None) -> tuple[str, ...]:
    """What to do, in order, with the commands."""
    site, run = report.site, report.run
    host = (suspicion.host if suspicion is not None else None) or "the site"
    inspect = f"`muniment inspect {run}` shows the checks, what changed and a sample of what would be published."
    live = f"`muniment sites check --live {site}` asks each source now."
    again = (
        f"`muniment run {site}` (or trigger its DAG) tries again: nothing is lost, it fetches what this run did not."
    )
    release = f'If the pages are right all the same: `muniment release {run} --reason "…"`.'
    correct = f"Correct the site's file ([[extract]], `from` today), then `muniment sites check {site}`."
    check = f"Then `muniment sites check {site}`."
    reread = f"`muniment reextract {run}` reads the captures again with the corrected file, without fetching."
    wait = "If nothing of that is to be done, wait: the next run of the schedule asks again by itself."
    one = "`muniment extract URL --explain`, for one of the example pages, shows every block and what became of it."
    steps: dict[Cause, tuple[str, ...]] = {
        "redesign": (inspect, one, correct, reread, release),
        "dates": (
            inspect,
            one,
            "Name the new place in the site's file ([[extract]] with `published`, `from` today).",
            reread,
            release,
        ),
        "consent wall": (
            inspect,
            f"Look at {host} in a private browser window: is the wall for everybody?",
            "Ask the publisher to let the user agent pass; Muniment does not press buttons of consent.",
            again,
        ),
        "login wall": (
            inspect,
            "Look whether the articles are for subscribers now; if so, narrow `article` in the site's file.",
            release,
        ),
        "firewall": (
            inspect,
            f"Ask {host} to let the user agent pass, or raise `crawl.delay` in the site's file; do not go around it.",
            again,
        ),
        "throttled": (
            "Wait: no later run asks the host before the time that it named.",
            "If it comes again, raise `crawl.delay` or lower `crawl.fetch_at_most` in the site's file.",
            again,
        ),
        "site down": (
            live,
            *_tell_outage(host, suspicion),
            f"If the site has moved, write its new address into its file, then `muniment sites check {site}`.",
            again,
            wait,
        ),
        "empty source": (
            live,
            "Look for the new address of the source on the site, or `muniment sites probe` its front page.",
            f"Correct `sources` or `article` in the site's file, then `muniment sites check {site}`.",
            again,
        ),
        "strange pages": (
            inspect,
            "Open the example pages in a browser: are they articles of this site?",
            f"If not, keep them out by `exclude` in the site's file, or a narrower `article`. {check}",
            f"Has somebody broken into the site? Then tell {host}.",
            again,
            release,
        ),
        "one text": (
            inspect,
            "Open the example pages in a browser: do they show different articles there?",
            wait,
            release,
        ),
        "old text": (
            inspect,
            "If the site has moved its archive to new addresses, the texts are right and will be there twice.",
            release,
        ),
        "language": (
            inspect,
            "If the site has another language now, write it into its file (`language`).",
            "If pages in another language came among the others, narrow `article` or add to `exclude`.",
            release,
        ),
        "volume": (inspect, live, "If the pages are news of the site (an election, a move): release them.", release),
        "books": (
            f"`muniment audit --site {site}` names a damaged segment.",
            "In Airflow clear the task `extract` of this run; else trigger a new run.",
            again,
        ),
        "clock": (
            "`date -u` on the machine that crawled, beside a clock that is right; `timedatectl set-ntp true` sets it.",
            again,
            'If this machine is right and the servers are wrong: `verdicts = { clock = "accept" }` under [check].',
            release,
        ),
        "slow": (
            "Nothing is lost: what this run did not come to is taken by the next ones, the newest first.",
            f"Open {host} in a browser from this network: is it slow for everybody, or for us alone?",
            "If it is we who burden it, lower `crawl.concurrency` or raise `crawl.delay` in the site's file.",
            "If it stays slow, give its runs more time (`crawl.run_seconds`, `crawl.timeout`).",
        ),
        "unknown": (inspect, live, one, release),
    }
    return steps[cause] if report.verdict == "reject" else tuple(step for step in steps[cause] if step != release)


def _tell_outage(host: str, suspicion: Suspicion | None) -> Iterator[str]:
    """What to look at where a site does not answer: at the site, and at what may be wrong on our side."""
    why = suspicion.why if suspicion is not None else ""
    if "(DNS)" in why:
        yield (
            f"`getent hosts {host}` on this machine and on another: no answer here alone means that this machine's "
            "resolver (/etc/resolv.conf) is ill; no answer anywhere, that the domain has lapsed or moved."
        )
    elif "certificate" in why:
        yield (
            f"Open https://{host} in a browser: it names what is wrong, usually a date that has passed; that is the "
            "publisher's to mend. If the browser is content, this machine's clock (`date -u`) or its list of "
            "authorities (the package ca-certificates) is wrong."
        )
    else:
        yield f"Open {host} in a browser from this network: if it answers there, this machine does not reach it."
        if "time-out" in why:
            yield "If it answers there, but slowly: raise `crawl.timeout`, or lower `crawl.concurrency`, in its file."


def tell(diagnosis: Diagnosis, *, steps: bool = True) -> Iterator[str]:
    """A diagnosis in plain lines, as the log of ``check`` has it.

    Args:
        steps: also what to do; a refusal tells that itself, as its last lines.
    """
    yield f"diagnosis: {diagnosis.sentence}"
    yield f"cause: {diagnosis.cause} (likelihood {diagnosis.likelihood:.0%})"
    if diagnosis.compared:
        yield f"compared with: {', '.join(diagnosis.compared)}"
    for change in diagnosis.changes:
        yield f"changed: {put_change(change)}"
    for example in diagnosis.examples:
        yield f"example: {put_example(example)}"
    for number, step in enumerate(diagnosis.steps if steps else (), start=1):
        yield f"do {number}: {step}"


def put_change(change: BlockChange) -> str:
    """A change of a block in a line."""
    words = f' "{change.text}"' if change.text else ""
    if change.change == "moved":
        return f"moved: {change.place} → {change.moved_to}"
    return f"{change.change}: {change.place}{words} (on {change.before:.0%} of pages before, on {change.now:.0%} now)"


def put_example(example: ExamplePage) -> str:
    """An example in a line."""
    words = f", {example.words} words" if example.words else ""
    held = f"; {example.earlier} has {example.earlier_words} words" if example.earlier else ""
    return f"{example.url} ({example.what}{words}{held})"
