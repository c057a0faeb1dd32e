"""How often a diagnosis names the right cause: golden pages of one system before, something else afterwards.

    PYTHONPATH=. python -m bench.diagnosis [--pairs N] [--wrong] [--json FILE]
    PYTHONPATH=. python -m bench.diagnosis --newsrooms N [--wrong]

Every golden page (`tests.golden`: 39 systems) is made into several: other words in each paragraph, another headline
and address, the same anatomy. A site of that system has six such pages in its accepted runs. Then comes a run of
six other ones, and with it one of these:

    redesign        its pages are those of another of the systems (every pair of two)
    moved body      the paragraphs stand in a container of another name
    lost date       no date is left on the page, and the template is another
    new date        dates as they were never written there, in another place
    consent wall    … in the words of `tests/pages`, and as a wall whose words no list has
    firewall        … that answers 200
    one text        a copy of one article under all addresses
    old text        texts of the earlier pages under new addresses
    language        the same template with German words
    nothing         six pages like those before: no cause is to be named
    other mix       of a site with two templates, two of six pages in one before and four now: likewise

Pages vary: each lacks some of its figures, lists and boxes, and four of ten have one that the others have not. They are
extracted as a run would, and `pipeline.diagnosis.diagnose` is told what it would find in the archive; the
verdict of the gate is not asked (a redesign that is read all the same is accepted, and rightly so).

The second form takes made-up newsrooms (`bench.markup`) that the rules were not written by, N of each degree of
mark-up: as they were, built anew (other names of a machine's making, which is no redesign), and redesigned.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from html import escape
from itertools import pairwise
from pathlib import Path

from bench.markup import DEGREES, open_newsroom
from bench.sitememory import make_site
from pipeline.check import check_run
from pipeline.diagnosis import diagnose
from pipeline.diagnosis.causes import Case, Page, weigh_causes
from pipeline.diagnosis.reading import reduce_finding
from pipeline.diagnosis.templates import Sketch, compare_templates, sketch_page
from pipeline.extract import extract_page
from pipeline.model import Evidence, Finding, Report
from pipeline.page import decode_page, parse_page
from spiders.protocol import CrawlSummary
from spiders.site import Site
from tests.golden import CAPTURED, FOLDER, Golden, load_goldens, site_of
from tests.pipeline.diagnosis.broken_runs import ENGLISH

PAGES = 6
_RUN = "20261122T090000Z-00000000"
_GERMAN = (
    "Der Ausschuss hat am Dienstag beschlossen, dass die Brücke vor dem Winter nicht mehr gesperrt wird und die Kosten "
    "aus der Rücklage des Kreises bezahlt werden sollen, obwohl viele Anwohner eine andere Lösung verlangt hatten."
)
_CONSENT = (FOLDER.parent / "pages" / "consent.html").read_text("utf-8")
_FIREWALL = (FOLDER.parent / "pages" / "firewall.html").read_text("utf-8")
_WALL = (
    "<!DOCTYPE html><html lang='en'><head><title>Welcome</title></head><body><div class='gatehouse'><h1>Before you go "
    "on</h1>"
    "<p>Readers of this title are asked to choose how their visit is to be measured and by whom it may be seen.</p>"
    "<p>Pick one of the three coloured tiles below, and this notice will stay away for the next thirty visits here.</p>"
    "<p>Nothing that you choose changes what stands on the following pages, nor what it costs to look at them.</p>"
    "</div></body></html>"
)


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """A page as a run would have it: its finding, and how it is built."""

    page: Page
    sketch: Sketch | None
    finding: Finding


def write_story(golden: Golden, number: int, *, words: str = "") -> str:
    """The golden page with other words: each paragraph, the headline, the description.

    Args:
        golden: the page.
        number: of the story; the same one gives the same words.
        words: a sentence that its paragraphs are made of; left out: English ones.
    """
    written = golden.payload.decode("utf-8", "replace")
    draw = random.Random(f"{golden.name} {number}")
    texts = [str(text) for text in golden.expect.get("text", [])] + [str(golden.expect.get("title", ""))]
    for text in sorted({text for text in texts if len(text) > 12}, key=len, reverse=True):
        own = words or " ".join(draw.choices(ENGLISH, k=max(4, len(text.split()))))
        made = f"{own} {number} {draw.choice(ENGLISH)}." if words else f"The {own} of the {draw.choice(ENGLISH)}."
        for form in {text, escape(text), escape(text, quote=False)}:
            written = written.replace(form, escape(made, quote=False))
    return vary(written, draw)


_OPTIONAL = re.compile(r"<(figure|aside|ul|blockquote)\b[^>]*>(?:(?!<\1\b).)*?</\1>", re.DOTALL)
_BOX = "<div class='related-box'><h3>More of this</h3><p>{0}</p></div>"


def vary(written: str, draw: random.Random) -> str:
    """The page without some of what pages have now and then, and with a box that comes and goes."""
    written = _OPTIONAL.sub(lambda match: match[0] if draw.random() < 0.7 else "", written)
    if draw.random() < 0.4:
        written = written.replace("</body>", _BOX.format(" ".join(draw.choices(ENGLISH, k=6))) + "</body>")
    return written


def move_body(written: str) -> str:
    """The page with what its paragraphs stand in under other names."""
    return re.sub(
        r"(<(?:div|section|article)\b[^>]*?class=)(\"[^\"]*\"|'[^']*'|[^\s>]+)",
        lambda match: (
            f'{match[1]}"{"x-" + match[2].strip(chr(34) + chr(39)).split()[0]}panel"'
            if re.search(
                r"body|content|text|article|story|editor|rte|markup|detail|entry|govspeak|core", match[2], re.IGNORECASE
            )
            else match[0]
        ),
        written,
    )


_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_DATES = re.compile(
    r"<meta[^>]*(?:publish|date|Date)[^>]*>|<time\b.*?</time>|\"date(?:Published|Created|Modified)\"\s*:\s*\"[^\"]*\",?|"
    rf"\b\d{{1,2}}(?:st|nd|rd|th)? {_MONTH}(?:,? \d{{4}})?|\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?|"
    r"\b\d{1,2}[./]\d{1,2}[./]\d{2,4}|\b\d{4}-\d\d-\d\d\S*",
    re.DOTALL,
)


def lose_dates(written: str) -> str:
    """The page without anything that is a date."""
    return _DATES.sub("", written)


def move_dates(written: str) -> str:
    """The page with its dates in a form and a place that it never had."""
    return re.sub(
        r"(<h1\b.*?</h1>)", r"\1<p class='stamp'>in the 47th week of MMXXVI</p>", lose_dates(written), flags=re.DOTALL
    )


def sample(site: Site, written: Sequence[str], *, start: int, at: datetime = CAPTURED) -> list[Sampled]:
    """Pages of a run: extracted as the run's would be, and sketched."""
    return [_read(site, page, start + number, at) for number, page in enumerate(written)]


def _read(site: Site, written: str, number: int, at: datetime) -> Sampled:
    return _read_at(
        site,
        re.sub(r"<link[^>]*canonical[^>]*>|<meta[^>]*og:url[^>]*>", "", written),
        _address(site, number),
        number,
        at,
    )


def _read_at(site: Site, written: str, url: str, number: int, at: datetime) -> Sampled:
    payload = written.encode()
    reading = extract_page(payload, site=site, url=url, requested=url, captured_at=at, content_type="text/html")
    evidence = Evidence(
        warc="warc/x", offset=number, length=1, record_id=f"{number}", payload_digest="", status=200, captured_at=at
    )
    article = reading.article
    if article is not None:
        # Golden pages name their own address in several places: here each story has its own.
        article = article.model_copy(update={"article": f"{number:020x}", "url": url})
    finding = Finding(
        kind=reading.kind, requested=url, final=url, evidence=evidence, reason=reading.reason, article=article
    )
    page = reduce_finding(finding)
    tree = parse_page(decode_page(payload, "text/html"))
    sketch = None if tree is None else sketch_page(tree, url=url, lines=page.lines)
    return Sampled(page=page, sketch=sketch, finding=finding)


_ADDRESSES: dict[str, str] = {}


def _address(site: Site, number: int) -> str:
    base = _ADDRESSES[site.name]
    changed = re.sub(r"([a-z]{4,})(?=[^a-z]*$)", lambda match: f"{match[1][:-1]}{chr(97 + number % 26)}", base)
    return changed if changed != base and site.is_article(changed) and number % 1000 < 26 else f"{base}?n={number}"


@cache
def _goldens() -> tuple[Golden, ...]:
    return tuple(golden for golden in load_goldens() if len(golden.expect.get("text", [])) >= 3)


def judge(site: Site, before: Sequence[Sampled], now: Sequence[Sampled]) -> tuple[Case, Report]:
    """What a run of these pages is diagnosed with, after an accepted run of those."""

    def report(pages: Sequence[Sampled], run: str, history: Sequence[Report]) -> tuple[CrawlSummary, Report]:
        summary = CrawlSummary(
            site=site.id,
            run=run,
            started=CAPTURED,
            finished=CAPTURED,
            finish_reason="finished",
            user_agent="bench",
            discovered=len(pages),
            captured=len(pages),
        )
        return summary, check_run(site, summary, [each.finding for each in pages], history)

    earlier = [report(before, f"202611{day:02d}T090000Z-00000000", ())[1] for day in (20, 19, 18)]
    summary, own = report(now, _RUN, earlier)
    case = Case(
        report=own,
        summary=summary,
        history=earlier,
        now=[each.page for each in now],
        before=[each.page for each in before],
        sketches=[each.sketch for each in now if each.sketch is not None],
        comparison=compare_templates(
            [each.sketch for each in before if each.sketch is not None],
            [each.sketch for each in now if each.sketch is not None],
        ),
    )
    return case, own


def make_cases(most: int) -> Iterator[tuple[str, str, str, Case, Report]]:
    """Breakage, name, wanted cause, and what is known of the run."""
    goldens = _goldens()
    sites = {golden.name: site_of(golden) for golden in goldens}
    for golden in goldens:
        _ADDRESSES[sites[golden.name].name] = golden.read["url"]
    stories = {golden.name: [write_story(golden, number) for number in range(3 * PAGES)] for golden in goldens}
    before = {name: sample(site, stories[name][:PAGES], start=0) for name, site in sites.items()}
    simple: dict[str, tuple[str, Callable[[Golden], list[str]]]] = {
        "moved body": (
            "redesign",
            lambda golden: [move_body(each) for each in stories[golden.name][PAGES : 2 * PAGES]],
        ),
        "new date": ("dates", lambda golden: [move_dates(each) for each in stories[golden.name][PAGES : 2 * PAGES]]),
        "consent wall": ("consent wall", lambda _: [_CONSENT] * PAGES),
        "unknown wall": ("one text", lambda _: [_WALL] * PAGES),
        "firewall": ("firewall", lambda _: [_FIREWALL] * PAGES),
        "one text": ("one text", lambda golden: [stories[golden.name][PAGES]] * PAGES),
        "old text": ("old text", lambda golden: stories[golden.name][:PAGES]),
        "language": ("language", lambda golden: [write_story(golden, n, words=_GERMAN) for n in range(PAGES)]),
        "nothing": ("unknown", lambda golden: stories[golden.name][PAGES : 2 * PAGES]),
    }
    for golden in goldens:
        site = sites[golden.name]
        for breakage, (cause, make) in simple.items():
            now = sample(site, make(golden), start=2000 + PAGES, at=CAPTURED + timedelta(days=1))
            yield breakage, golden.name, cause, *judge(site, before[golden.name], now)
    for one, other in pairwise(goldens):
        site = sites[one.name]
        mixed = [*stories[one.name][:2], *stories[other.name][:4]]
        then = sample(site, mixed, start=0)
        now = sample(site, [*stories[one.name][PAGES : PAGES + 4], *stories[other.name][PAGES : PAGES + 2]], start=5000)
        yield "other mix", f"{one.name}, {other.name}", "unknown", *judge(site, then, now)
    pairs = [(one, other) for one in goldens for other in goldens if one.name != other.name]
    random.Random(1).shuffle(pairs)
    for one, other in pairs[:most]:
        site = sites[one.name]
        pages = stories[other.name][PAGES : PAGES + 5]
        yield (
            "redesign",
            f"{one.name} → {other.name}",
            "redesign",
            *judge(site, before[one.name], sample(site, pages, start=3000)),
        )
        yield (
            "lost date",
            f"{one.name} → {other.name}",
            "redesign",
            *judge(site, before[one.name], sample(site, [lose_dates(each) for each in pages], start=4000)),
        )


def read_newsrooms(count: int) -> Iterator[tuple[str, str, str, Case, Report]]:
    """As ``make_cases``, of made-up newsrooms: what was published on two days, and then on a third."""
    for degree in DEGREES:
        for seed in range(100, 100 + count):
            for changes in ("", "rebuild", "redesign"):
                newsroom = open_newsroom(degree, seed=seed, runs=3, first=PAGES, later=PAGES, changes=changes)
                site = make_site(newsroom)
                days = [
                    [
                        _read_at(site, page.html.decode(), page.url, 100 * run + number, newsroom.when(run))
                        for number, page in enumerate(newsroom.publish(run))
                    ]
                    for run in range(3)
                ]
                case, report = judge(site, [*days[0], *days[1]], days[2])
                wanted = "redesign" if changes == "redesign" else "unknown"
                yield f"{degree}, {changes or 'as before'}", f"{degree} {seed}", wanted, case, report


def main(arguments: Sequence[str]) -> int:
    """Measure, and print a line for each breakage."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--pairs", type=int, default=300, help="pairs of systems; there are 1,482")
    parser.add_argument("--newsrooms", type=int, default=0, help="made-up newsrooms of each degree of mark-up instead")
    parser.add_argument("--wrong", action="store_true", help="name every case that was told wrongly")
    parser.add_argument("--json", type=Path, metavar="FILE")
    chosen = parser.parse_args(arguments)
    told: dict[str, Counter[str]] = defaultdict(Counter)
    likely: dict[str, list[float]] = defaultdict(list)
    odd: Counter[str] = Counter()
    wanted_of: dict[str, str] = {}
    for breakage, name, wanted, case, report in (
        read_newsrooms(chosen.newsrooms) if chosen.newsrooms else make_cases(chosen.pairs)
    ):
        found = diagnose(case)
        cause = found.cause if found.likelihood >= 0.5 or report.verdict == "reject" else "unknown"
        told[breakage][cause] += 1
        wanted_of[breakage] = wanted
        odd[breakage] += report.verdict != "accept"
        likely[breakage].append(found.likelihood)
        if cause != wanted and chosen.wrong:
            print(breakage, "|", name, "|", report.verdict, "|", found.likelihood, found.sentence[:300])
            print(
                "     ",
                [(each.cause, each.likelihood) for each in weigh_causes(case)],
                case.comparison and case.comparison.alike,
            )
    for breakage, causes in told.items():
        wanted = wanted_of[breakage]
        print(
            f"{breakage:22} {causes[wanted]:4} of {causes.total():4} right; refused or warned {odd[breakage]:4}; "
            f"likelihood {statistics.median(likely[breakage]):.2f}; "
            f"else: {', '.join(f'{c} {n}' for c, n in causes.most_common() if c != wanted) or '-'}"
        )
    if chosen.json:
        chosen.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
