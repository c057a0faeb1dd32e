"""A newsroom with two accepted runs of real segments, and runs after them that break in one way each."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pipeline.archive import Archive, write_marker
from pipeline.check import check_run
from pipeline.diagnosis import diagnose_run
from pipeline.model import Diagnosis, Report
from pipeline.settings import Settings
from pipeline.steps import Workplace, extract
from pipeline.store import Item, connect
from spiders.protocol import CrawlSummary, RobotsSeen, SourceYield
from tests.pipeline.built_archive import crawl_pages, lend_extractor, publish_pages
from tests.pipeline.built_runs import HOME, HOUR, START, a_run, a_site

SITE = a_site(memory=False)
FEED = HOME + "/feed"
ENGLISH = [
    "committee",
    "residents",
    "bridge",
    "council",
    "road",
    "winter",
    "school",
    "market",
    "harbour",
    "library",
    "budget",
    "meeting",
    "plan",
    "report",
    "vote",
    "station",
    "ferry",
    "garden",
    "theatre",
    "museum",
    "clinic",
    "farmer",
    "teacher",
    "engineer",
    "driver",
    "mayor",
    "chairman",
    "plaque",
    "survey",
    "grant",
]
GERMAN = (
    "Der Ausschuss hat am {0} beschlossen, dass die {0} vor dem Winter nicht mehr gesperrt wird und die Kosten aus der "
    "Rücklage des Kreises bezahlt werden sollen, obwohl viele Anwohner der {0} eine andere Lösung verlangt hatten."
)
_BUILT: list[Item] = []


def sentences(number: int, *, german: bool = False) -> list[str]:
    draw = random.Random(number)
    if german:
        return [GERMAN.format(draw.choice(["Brücke", "Straße", "Schule", "Fähre"]) + str(number)) for _ in range(4)]
    return [
        f"The {' '.join(draw.choices(ENGLISH, k=3))} was told on Tuesday that the {draw.choice(ENGLISH)} "
        f"of number {number}{line} would be paid for by the {draw.choice(ENGLISH)}, and that nobody had asked why."
        for line in range(4)
    ]


def story(number: int, *, german: bool = False, date: str | None = None, body: str = "story-body") -> bytes:
    """A page of the newsroom as it was built when all was well."""
    title = f"The {' and the '.join(random.Random(number).choices(ENGLISH, k=2))} of {number} wait for an answer"
    when = f'<p class="posted">Posted on {20 - number % 9} November 2026</p>' if date is None else date
    paragraphs = "".join(f"<p>{sentence}</p>" for sentence in sentences(number, german=german))
    language = "de" if german else "en-GB"
    return (
        f'<!doctype html><html lang="{language}"><head><title>{title} - Example News</title>'
        '<meta property="og:type" content="article"></head><body>'
        '<header class="masthead"><nav class="menu"><a href="/">Home</a> <a href="/sport">Sport</a></nav></header>'
        f'<main class="page"><article class="story"><h1 class="story-head">{title}</h1>{when}'
        f'<div class="{body}">{paragraphs}</div></article><aside class="promo-rail"><p>Our letter</p></aside>'
        '</main><footer class="colophon"><p>About us. Contact us.</p></footer></body></html>'
    ).encode()


def rebuilt(number: int, *, date: str = "") -> bytes:
    """The same story as another system writes it: other containers, and no date."""
    title = f"The {' and the '.join(random.Random(number).choices(ENGLISH, k=2))} of {number} wait for an answer"
    paragraphs = "".join(f'<p class="gfx-par">{sentence}</p>' for sentence in sentences(number))
    return (
        f'<!doctype html><html lang="en-GB"><head><title>{title} | Example</title></head><body>'
        '<div class="gfx-top"><a href="/">Start</a></div><div class="gfx-stage">'
        f'<section class="gfx-lead"><h1>{title}</h1>'
        f'{date}</section><section class="gfx-copy">{paragraphs}</section></div><div class="gfx-end"><p>All rights '
        "reserved.</p></div></body></html>"
    ).encode()


def names(first: int, count: int = 5) -> list[str]:
    return [f"story-{number}" for number in range(first, first + count)]


def open_newsroom(settings: Settings) -> Workplace:
    """The archive with two accepted runs of five stories each; built once in a process."""
    settings = settings.model_copy(update={"processes": 1})
    store = connect(settings)
    store.create_bucket()
    work = Workplace(settings=settings, sites={SITE.id: SITE}, archive=Archive(store, store))
    if _BUILT:
        store.create_many(_BUILT)
        return work
    write_marker(store)
    with lend_extractor() as extractor:
        for hours, first in ((0, 0), (24, 5)):
            pages: dict[str, bytes | int] = {f"story-{n}": story(n) for n in range(first, first + 5)}
            publish_pages(work, SITE, a_run(hours), START + hours * HOUR, pages, extractor=extractor)
    for entry in store.list(""):
        stored = store.get(entry.key)
        _BUILT.append(Item(key=entry.key, body=stored.body, content_type=stored.content_type, metadata=stored.metadata))
    return work


RUN = a_run(48)
AT = START + 48 * HOUR
_NUMBERS = itertools.count(1)


def capture(work: Workplace, pages: Mapping[str, bytes | int], *, run: str = "") -> str:
    """A third run with these pages, crawled and extracted. Nothing of it is a measure for those that follow."""
    run = run or a_run(48 + next(_NUMBERS))
    crawl_pages(work, SITE, run, AT, pages)
    with lend_extractor() as extractor:
        extract(work, SITE.id, run, 0, extractor=extractor)
    return run


def a_summary(**facts: Any) -> CrawlSummary:
    """A third run that captured nothing."""
    usual: dict[str, Any] = {
        "site": SITE.id,
        "run": a_run(48 + next(_NUMBERS)),
        "started": AT,
        "finished": AT + timedelta(minutes=1),
        "finish_reason": "finished",
        "user_agent": "test",
        "discovered": 0,
        "captured": 0,
        "sources": [SourceYield(url=FEED, type="feed", status=200)],
    }
    return CrawlSummary(**{**usual, **facts})


def judge(work: Workplace, summary: CrawlSummary) -> Report:
    """The gate's report on a run, as a refusal: what is asked here is the diagnosis, not the verdict."""
    archive = work.archive
    history = archive.accepted_reports(SITE.id, before=summary.run, most=30)
    report = check_run(SITE, summary, archive.read_findings(SITE.id, summary.run), history)
    return report.model_copy(update={"verdict": "reject"})


def diagnose_pages(work: Workplace, pages: Mapping[str, bytes | int]) -> Diagnosis:
    """What is the matter with a run of these pages."""
    summary = work.archive.read_summary(SITE.id, capture(work, pages))
    assert summary is not None
    return diagnose_summary(work, summary)


def diagnose_summary(work: Workplace, summary: CrawlSummary) -> Diagnosis:
    """What is the matter with a run whose crawl did this."""
    found = diagnose_run(work.archive, SITE, summary, judge(work, summary))
    assert found is not None
    return found


def left_alone(host: str, why: str) -> dict[str, RobotsSeen]:
    return {host: RobotsSeen(status=200, stopped=why)}
