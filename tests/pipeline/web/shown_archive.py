"""An archive with something for every page: a site with real runs, many that stand in every way, and a hostile one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bench.pages import STATES, make_health, make_report
from pipeline.archive import Archive
from pipeline.health import note_run
from pipeline.model import (
    BlockChange,
    Byline,
    Change,
    Check,
    Diagnosis,
    Edit,
    ExamplePage,
    Image,
    Linked,
    Moment,
    Part,
    Report,
    SourceRecord,
    State,
    Stripped,
    Version,
    article_id,
    content_digest,
)
from pipeline.settings import Settings
from pipeline.store import Item
from pipeline.table import Rows, commit_rows
from pipeline.takedown import order_takedown
from spiders.site import Site
from tests.pipeline.built_archive import SITE, build_archive
from tests.pipeline.built_runs import an_evidence, found, url_of, write_run

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;]]><!--</style></title><svg/onload=alert(3)>"
"""What must stand on a page as text, whatever it is put into."""
SCRIPT_URL = "javascript:alert(document.domain)//https://news.example/"
TURNED = "abc\u202ecba\x00\x1b[31m"
REPORTED = 4
"""Of the invented sites, so many have reports; the others only stand somehow."""
HOSTILE_ARTICLE = article_id(url_of("hostile"))
EDITED_ARTICLE = article_id(url_of("bridge"))
WITHHELD_ARTICLE = article_id(url_of("library"))

_STORY = (
    "The bridge over the river will close for repairs on Monday, the council has said.",
    "Buses are diverted by the ring road until the end of March, and cyclists may use the footbridge.",
    "Residents were told by letter last week. A meeting is held in the library on Thursday at 7pm.",
    "The work costs two million pounds.",
)


def build_shown_archive(settings: Settings, *, now: datetime, sites: int = 40) -> Archive:
    """The archive; a test that changes it builds its own.

    ``example-news`` has real runs, a withheld article and one of many versions; ``site-000`` and on stand in every way;
    ``hostile`` has script in all that a page can show, and a rejected run.
    """
    archive = build_archive(settings).archive
    items = []
    for number in range(sites):
        site = f"site-{number:03}"
        health = make_health(site, now=now, stands=STATES[(number * 7 + 33) % len(STATES)])
        items.append(Item(key=archive.health_key(site), body=health.to_json(), content_type="application/json"))
        for run in health.runs[:6] if number < REPORTED else ():
            if run.verdict:
                report = make_report(site, run).to_json()
                items.append(Item(key=archive.report_key(site, run.run), body=report, content_type="application/json"))
    archive.store.create_many(items)
    _add_versions(archive, now)
    _add_hostile(archive, now)
    order_takedown(archive, SITE.id, WITHHELD_ARTICLE, by="legal", reason="case 4711", now=now)
    return archive


def hostile_run(now: datetime) -> str:
    """The run of ``hostile`` that the gate refused."""
    return f"{now - timedelta(hours=3):%Y%m%dT%H%M%SZ}-deadbeef"


def a_site(site_id: str, **changes: Any) -> Site:
    return SITE.model_copy(update={"id": site_id, **changes})


def _add_versions(archive: Archive, now: datetime) -> None:
    """Further versions of an article of real runs, so that it has a history worth drawing."""
    standing = archive.versions(SITE.id, EDITED_ARTICLE)
    last = standing[-1]
    texts = (
        "\n".join((_STORY[0].replace("Monday", "Tuesday"), *_STORY[1:3], _STORY[3].replace("two", "three"))),
        "\n".join((_STORY[2], _STORY[0].replace("Monday", "Tuesday"), _STORY[3].replace("two", "three and a half"))),
    )
    made = []
    for number, text in enumerate(texts, start=len(standing) + 1):
        title = last.title if number == len(standing) + 1 else f"{last.title}, a week later"
        made.append(
            last.model_copy(
                update={
                    "n": number, "change": Change.EDITED, "state": State.LIVE, "title": title, "text": text,
                    "parts": (),
                    "captured_at": last.captured_at + timedelta(days=number), "words": len(text.split()),
                    "digest": content_digest(title, text), "note": None,
                    "edit": Edit(classes=("headline", "substance"), words_added=12, words_removed=7),
                }
            )
        )  # fmt: skip
    for version in made:
        archive.put_version(version)


def _add_hostile(archive: Archive, now: datetime) -> None:
    run = hostile_run(now)
    site = a_site("hostile", name="Hostile")
    version = hostile_version(run, now)
    archive.put_version(version)
    second = version.model_copy(
        update={"n": 2, "title": f"{HOSTILE} again", "text": f"{version.text}\n{HOSTILE}{HOSTILE}", "parts": (),
                "change": Change.EDITED, "captured_at": now - timedelta(hours=1)}
    )  # fmt: skip
    archive.put_version(second)
    with Rows(archive) as rows:
        rows.add(version)
        rows.add(second)
        commit_rows(archive, "hostile", run, rows, now=now)
    finding = found("hostile", HOSTILE, run, now - timedelta(hours=3))
    assert finding.article is not None
    hostile = finding.article.model_copy(update={"title": HOSTILE, "text": f"{HOSTILE}\n{TURNED}", "url": SCRIPT_URL})
    write_run(archive, site, run, [finding.model_copy(update={"article": hostile, "requested": SCRIPT_URL})])
    archive.write_report(hostile_report(run, now))
    note_run(archive, "hostile", run, now=now)


def hostile_version(run: str, now: datetime) -> Version:
    """A version whose every field is an attack."""
    text = f"{HOSTILE}\n{TURNED}"
    at = now - timedelta(hours=2)
    return Version(
        site="hostile", article=HOSTILE_ARTICLE, n=1, state=State.LIVE, change=Change.NEW, url=SCRIPT_URL,
        final_url=SCRIPT_URL, requested_url=SCRIPT_URL, publisher=HOSTILE, run=run, captured_at=at, title=HOSTILE,
        text=text, words=9, digest=f"sha256:{HOSTILE}", extractor=HOSTILE, code=HOSTILE, standfirst=HOSTILE,
        parts=(Part(kind="heading", text=HOSTILE, level=2), Part(text=TURNED), Part(kind="quote", text=HOSTILE)),
        byline=HOSTILE, authors=(HOSTILE,), bylines=(Byline(name=HOSTILE, role=HOSTILE, url=SCRIPT_URL),),
        published=Moment(value=at, original=HOSTILE, source=HOSTILE), section=HOSTILE, language='en" onclick="alert(4)',
        description=HOSTILE, image=SCRIPT_URL, images=(Image(url=SCRIPT_URL, caption=HOSTILE),), tags=(HOSTILE, "x"),
        documents=(Linked(url=SCRIPT_URL, title=HOSTILE),), origins={"authors": HOSTILE}, confidence={"authors": 0.5},
        stripped=(Stripped(text=HOSTILE, reason=HOSTILE, rule=HOSTILE),), note=HOSTILE,
        evidence=an_evidence(run, SCRIPT_URL, at, 200),
    )  # fmt: skip


def hostile_report(run: str, now: datetime) -> Report:
    """A report that tells what hostile pages hold."""
    return Report(
        site="hostile",
        run=run,
        verdict="reject",
        checks=(
            Check(name=HOSTILE, verdict="reject", figure=41, limit=2, message=HOSTILE, normal=(0, 2), basis=HOSTILE),
            Check(name="volume", verdict="warn", figure=0.25, limit=None, message="A quarter of what is normal."),
            Check(name="words", verdict="accept", figure=412, limit=30, message="As it should be.", normal=(250, 600)),
        ),
        counts={"articles": 1, HOSTILE: 3},
        reasons={HOSTILE: 4},
        message=HOSTILE,
        sources=(SourceRecord(url=SCRIPT_URL, type=HOSTILE, items=3, since=now, alive=now),),
        diagnosis=Diagnosis(
            cause="redesign",
            sentence=HOSTILE,
            likelihood=0.8,
            changes=(BlockChange(place=HOSTILE, change="moved", before=0.9, now=0, moved_to=HOSTILE, text=HOSTILE),),
            examples=(ExamplePage(url=SCRIPT_URL, what=HOSTILE), ExamplePage(url=url_of("x"), what="no date")),
            steps=(HOSTILE, "muniment inspect RUN"),
        ),
    )
