"""Made-up newsrooms in four degrees of mark-up, with the true text of every article: the judge of a site's memory.

    from bench.markup import DEGREES, open_newsroom
    newsroom = open_newsroom("flat", seed=3)          # the same arguments give the same bytes for ever
    for run in range(newsroom.runs):
        for page in newsroom.publish(run):            # 30 in the first run, 12 in each later one
            page.html, page.url, page.text            # what is served; the address; the text that is true
    newsroom.render(page, run=2)                      # the same article with the noise of another day
    python -m bench.markup --degree flat --seed 3 --folder FOLDER       # to look at: pages and their true texts

The degrees are of what the mark-up says about its content, not of what stands on the page:

* ``semantic``: article, aside, figure, footer, section;
* ``named``: div with names that a person would give (each site has its own);
* ``meaningless``: div with hashed names, made anew by a rebuild in some sites;
* ``flat``: everything in one element, in one of four anatomies (paragraphs and headings as a trade paper has them;
  line breaks and bold type as an old council's system writes them; one div for each line; a table's cell).

Every site (seed) draws its own order, wording and place (before, amid, after the text) for what is noise: captions
with credits, share line, cookie line, rotating adverts, promotions, links amid the text, tags, the author's
biography, newsletter, five job adverts (other ones every day), events, related and most-read articles, a banner.
Some sites are redesigned or rebuilt at their third run. What belongs to the text although it recurs: sub-headings
of a series, lines of law, notes to editors, a column's standing introduction, a statement that several articles
quote, an outcry of three words, and whole stories published twice. `Written.traits` says which of them a page has.

The true text is standfirst (where the site has one), paragraphs, sub-headings, list items and table cells; not the
headline, not the byline, no caption. Nothing here knows how Muniment tells noise from text, and must not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Final, Literal, get_args
from urllib.parse import quote

from bench.stories import COUNCILS
from bench.web import Page
from bench.wording import WORDINGS, Wording, draw_name, fill, write_paragraph

Degree = Literal["semantic", "named", "meaningless", "flat"]
DEGREES: Final[tuple[Degree, ...]] = get_args(Degree)
FIRST_PAGES, LATER_PAGES, RUNS = 30, 12, 5
BEGAN: Final = datetime(2026, 11, 2, 6, 0, tzinfo=UTC)
HOST: Final = "https://newsroom.example"
REPEATS: Final = frozenset({"legal", "notes", "column", "statement", "outcry", "series"})
"""Traits of pages in which a sentence recurs that belongs to the text."""

_LANGUAGES: Final = ("en", "en", "de", "en", "cy", "en")
_REDESIGN: Final = 2  # the run at which some sites change their templates


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block of an article's text."""

    kind: Literal["paragraph", "heading", "list", "table", "standfirst"]
    lines: tuple[str, ...]  # one; a list's items; a table's rows, cells separated by tabs


@dataclass(frozen=True, kw_only=True)
class Box:
    """One thing on a page that is not the text: what it is, its heading, its rows (each of lines), its links."""

    name: str
    shape: Literal["line", "paras", "list", "cards", "form", "figure"]
    heading: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    links: tuple[str, ...] = ()  # one for each row, or none


@dataclass(frozen=True, kw_only=True)
class Written:
    """An article and its page as it was served in one run."""

    number: int
    run: int
    path: str
    title: str
    authors: tuple[str, ...]
    published: datetime
    blocks: tuple[Block, ...]
    traits: frozenset[str]
    seed: str  # of what is drawn once for the article
    url: str = ""
    html: bytes = b""

    @property
    def text(self) -> str:
        """The true text, blocks, items and rows on lines of their own."""
        return "\n".join(line.replace("\t", " | ") for block in self.blocks for line in block.lines)


def _slug(text: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", text.lower()))[:60].strip("-")


# --- what is written ------------------------------------------------------------------------------------


def _write_blocks(
    words: Wording, rng: random.Random, shared: _Shared, *, standfirst: bool
) -> tuple[list[Block], set[str]]:
    """An article's blocks, and the traits they give it: what may stand amid its paragraphs, then its ends."""
    traits: set[str] = set()
    blocks = [Block(kind="paragraph", lines=(write_paragraph(words, rng),)) for _ in range(rng.randrange(6, 15))]

    def put(at: int, kind: Literal["paragraph", "heading", "list", "table"], *lines: str) -> None:
        blocks.insert(min(at, len(blocks)), Block(kind=kind, lines=lines))

    if rng.random() < 0.45:
        for at in sorted(rng.sample(range(2, len(blocks)), rng.choice((1, 2, 2))), reverse=True):
            put(at, "heading", rng.choice(words.subheads))
        traits.add("series")
    if rng.random() < 0.2:
        items = [fill("{claim}, {reason}", words, rng) for _ in range(rng.randrange(3, 6))]
        at = rng.randrange(3, len(blocks))
        put(at, "list", *items)
        put(at, "paragraph", words.list_intro)
        traits.add("list")
    if rng.random() < 0.1:
        rows = [f"{rng.choice(COUNCILS)}\t{rng.randrange(20, 900)}\t{rng.randrange(20, 900)}" for _ in range(4)]
        put(rng.randrange(3, len(blocks)), "table", "\t".join(words.table_head), *rows)
        traits.add("table")
    if rng.random() < 0.25:
        put(rng.randrange(2, len(blocks)), "paragraph", shared.statements[rng.randrange(len(shared.statements))])
        traits.add("statement")
    if rng.random() < 0.2:
        put(rng.randrange(2, len(blocks)), "paragraph", rng.choice(words.outcries))
        traits.add("outcry")
    _write_ends(words, rng, blocks, traits, standfirst=standfirst)
    return blocks, traits


def _write_ends(words: Wording, rng: random.Random, blocks: list[Block], traits: set[str], *, standfirst: bool) -> None:
    """What stands before the first paragraph and after the last one, and yet belongs to the text."""

    def put(kind: Literal["paragraph", "heading", "standfirst"], line: str, *, first: bool = False) -> None:
        blocks.insert(0 if first else len(blocks), Block(kind=kind, lines=(line,)))

    if rng.random() < 0.25:
        put("paragraph", fill(rng.choice(words.legal), words, rng))
        traits.add("legal")
    elif rng.random() < 0.25:
        heading, *standing = words.notes
        put("heading", heading)
        for line in standing[: rng.choice((1, 2))]:
            put("paragraph", line)
        traits.add("notes")
    if rng.random() < 0.1:
        put("paragraph", rng.choice(words.columns), first=True)
        traits.add("column")
    elif standfirst:
        put("standfirst", fill(words.patterns[0], words, rng), first=True)


@dataclass(kw_only=True)
class _Shared:
    """What a day's articles share."""

    statements: list[str]


# --- a site ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Design:
    """A site's template, drawn from its seed: what stands where and how it is written."""

    before: tuple[str, ...]
    amid: tuple[tuple[str, float], ...]  # what, and how far down the text (0 to 1)
    after: tuple[str, ...]
    anatomy: int  # of flat mark-up
    salt: str  # of hashed names
    names: int  # which of the names that a person would give
    suffix: str  # between headline and paper in <title>
    linked_adverts: bool
    standfirst: bool
    jsonld: bool
    jobs_same_all_day: bool
    wrapped: int  # divs around everything in meaningless mark-up


_MOVABLE: Final = ("newsletter", "jobs", "events", "related", "mostread", "banner", "bio", "tags", "share2", "advert2")


def _draw_design(rng: random.Random, salt: str) -> Design:
    movable = [name for name in _MOVABLE if name in {"newsletter", "jobs", "related"} or rng.random() < 0.75]
    rng.shuffle(movable)
    # A newsletter, a related list or a promotion stands in the middle of the text on some sites.
    inner = [name for name in movable if name in {"newsletter", "related", "events"} and rng.random() < 0.3][:1]
    upper = [name for name in movable if name in {"banner", "share2", "newsletter"} and rng.random() < 0.3]
    before = ["cookies", *(name for name in upper if name not in inner), "byline", "share", "figure", "promo"]
    tail = before[1:]
    rng.shuffle(tail)
    before = [before[0], *tail] if rng.random() < 0.6 else [*tail, before[0]]
    spread = ["advert", "readmore", *inner, *(["readmore2"] if rng.random() < 0.4 else [])]
    if rng.random() < 0.4:
        spread.append("figure2")
    amid = tuple((name, round(rng.uniform(0.15, 0.9), 2)) for name in spread)
    after = tuple(name for name in movable if name not in inner and name not in before)
    return Design(
        before=tuple(before),
        amid=amid,
        after=(*after, "copyright"),
        anatomy=rng.randrange(4),
        salt=salt,
        names=rng.randrange(4),
        suffix=rng.choice((" | {}", " - {}", " – {}", "")),
        linked_adverts=rng.random() < 0.5,
        standfirst=rng.random() < 0.5,
        jsonld=rng.random() < 0.5,
        jobs_same_all_day=rng.random() < 0.5,
        wrapped=rng.randrange(1, 4),
    )


@dataclass(kw_only=True)
class Newsroom:
    """One site: a degree of mark-up, a seed, and what it published run by run.

    ``changes`` says what happens to its templates at the third run: ``""``, ``rebuild`` (other hashed names) or
    ``redesign`` (another order, other places, another anatomy).
    """

    degree: Degree
    seed: int
    language: str
    paper: str
    changes: str
    runs: int
    published: list[list[Written]] = field(default_factory=list)
    designs: dict[bool, Design] = field(default_factory=dict)
    reporters: tuple[str, ...] = ()
    home: str = HOST

    @property
    def words(self) -> Wording:
        """The language's words."""
        return WORDINGS[self.language]

    def design(self, run: int) -> Design:
        """The template of a run."""
        return self.designs[run >= _REDESIGN]

    def publish(self, run: int) -> list[Written]:
        """What the run finds new, with its pages."""
        return [self.render(page, run=run) for page in self.published[run]]

    def when(self, run: int) -> datetime:
        """When a run takes place."""
        return BEGAN + timedelta(days=run, hours=12)

    def render(self, page: Written, *, run: int) -> Written:
        """The article as it is served in a run, with the noise of that day."""
        boxes = self.furnish(page, run)
        page = replace(page, run=run, url=self.home + page.path)
        return replace(page, html=_render_page(self, page, boxes, self.design(run)).encode())

    def answer(self, asked: str, *, run: int) -> Page | None:
        """What the site's server answers in a run: robots.txt, a sitemap of all that was published, the pages."""
        live = [page for day in self.published[: run + 1] for page in day]
        if asked == "/robots.txt":
            text = f"User-agent: *\nAllow: /\nSitemap: {self.home}/sitemap.xml\n"
            return Page(plain=text.encode(), media_type="text/plain")
        if asked == "/sitemap.xml":
            lines = (
                f"<url><loc>{self.home}{page.path}</loc><lastmod>{page.published.isoformat()}</lastmod></url>"
                for page in live
            )
            text = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{"".join(lines)}</urlset>'
            return Page(plain=text.encode(), media_type="application/xml")
        found = next((page for page in live if page.path == asked), None)
        return None if found is None else Page(plain=self.render(found, run=run).html)

    # the noise of one page ---------------------------------------------------------------------------

    def _others(self, run: int, page: Written, rng: random.Random, number: int) -> list[Written]:
        known = [other for day in self.published[: run + 1] for other in day if other.number != page.number][-40:]
        return rng.sample(known, min(number, len(known)))

    def _first_run(self, page: Written) -> int:
        return next(run for run, day in enumerate(self.published) if any(each.number == page.number for each in day))

    def furnish(self, page: Written, run: int) -> dict[str, Box]:
        """Everything that stands on the page in that run and is not its text, by name."""
        words, design = self.words, self.design(run)
        fixed = random.Random(f"{page.seed}-fixed")  # goes with the article
        rng = random.Random(f"{page.seed}-{run}")  # goes with the day
        site = random.Random(f"site-{self.degree}-{self.seed}")  # goes with the site
        day = random.Random(f"day-{self.degree}-{self.seed}-{run}")
        newsletter, cookies = site.choice(words.newsletters), site.choice(words.cookies)
        related_head, more = site.choice(words.related), site.choice(words.read_more)
        bio = site.choice(words.bios)
        adverts = site.sample(words.adverts, min(6, len(words.adverts)))
        banners, promotions = words.banners, words.promotions

        def figure(name: str) -> Box:
            caption, credit = fill(fixed.choice(words.captions), words, fixed), fixed.choice(words.credits)
            return Box(name=name, shape="figure", heading=page.title, rows=((caption, credit),))

        def stories(name: str, head: str, number: int) -> Box:
            others = self._others(run, page, rng, number)
            return Box(
                name=name,
                shape="list",
                heading=head,
                rows=tuple((other.title,) for other in others),
                links=tuple(other.path for other in others),
            )

        def cards(name: str, head: str, rows: Sequence[tuple[str, ...]]) -> Box:
            links = (*(f"/{name}/{_slug(row[0]) or name}-{i}" for i, row in enumerate(rows)), f"/{name}")
            return Box(name=name, shape="cards", heading=head, rows=(*rows, (words.see_all,)), links=links)

        def line(name: str, text: str, link: str = "") -> Box:
            return Box(name=name, shape="line", rows=((text,),), links=(link,) if link else ())

        source = day if design.jobs_same_all_day else rng
        jobs = [
            (title, *(fill(pattern, words, source) for pattern in words.job_lines))
            for title in source.sample(words.job_titles, 5)
        ]
        events = [
            (title, f"{source.randrange(1, 29)} {source.choice(words.months)} 2026, {source.choice(COUNCILS)}")
            for title in source.sample(words.event_names, 3)
        ]
        topics = fixed.sample(words.topics, 3)
        reporter = random.Random(f"{page.authors[0]}-{self.seed}")
        biography = bio.format(name=page.authors[0], topic=reporter.choice(words.topics), topic2=topics[0])
        advert_link = "/out?to={}" if design.linked_adverts else ""
        reads = self._others(self._first_run(page), page, fixed, 2)
        share = f"{words.share}: Facebook X WhatsApp E-mail"
        boxes = {
            "cookies": line("cookies", cookies, "/privacy"),
            "byline": line("byline", f"{words.by} {' / '.join(page.authors)}, {page.published:%d.%m.%Y}"),
            "share": line("share", share, "#share"),
            "share2": line("share2", share, "#share"),
            "figure": figure("figure"),
            "promo": line("promo", rng.choice(promotions), "/guide"),
            "newsletter": Box(name="newsletter", shape="form", rows=((newsletter,),)),
            "jobs": cards("jobs", words.jobs, jobs),
            "events": cards("events", words.events, events),
            "related": stories("related", related_head, 4),
            "mostread": stories("mostread", words.most_read, 5),
            "banner": line("banner", rng.choice(banners), "/subscribe"),
            "bio": line("bio", biography),
            "tags": Box(
                name="tags",
                shape="line",
                rows=((f"{words.tags}: {', '.join(topics)}",),),
                links=(f"/tag/{quote(topics[0])}",),
            ),
            "copyright": line("copyright", words.copyright.format(year=2026, paper=self.paper)),
        }
        if rng.random() < 0.8:
            boxes["advert"] = line("advert", rng.choice(adverts), advert_link.format(rng.randrange(10**6)))
        if rng.random() < 0.6:
            boxes["advert2"] = line("advert2", rng.choice(adverts), advert_link.format(rng.randrange(10**6)))
        for name, other in zip(("readmore", "readmore2"), reads, strict=False):
            if fixed.random() < 0.7:
                boxes[name] = line(name, f"{more}: {other.title}", other.path)
        if fixed.random() < 0.5:
            boxes["figure2"] = figure("figure2")
        return boxes


def open_newsroom(
    degree: Degree,
    *,
    seed: int,
    runs: int = RUNS,
    first: int = FIRST_PAGES,
    later: int = LATER_PAGES,
    changes: str | None = None,
    language: str | None = None,
) -> Newsroom:
    """Write a newsroom's articles for all its runs; pages are rendered when they are asked for.

    Args:
        degree: of mark-up.
        seed: the same seed gives the same site; its language goes with it.
        runs: how many days.
        first: articles of the first run, 4 at least.
        later: articles of each later run, 4 at least.
        changes: what happens to the templates at the third run; by default every third site is rebuilt and every
            third redesigned.
        language: ``en``, ``de`` or ``cy``, instead of the seed's.
    """
    rng = random.Random(f"newsroom-{degree}-{seed}")
    language = language or _LANGUAGES[seed % len(_LANGUAGES)]
    changes = ("", "rebuild", "redesign")[seed % 3] if changes is None else changes
    before = _draw_design(rng, f"{degree}-{seed}")
    anew = _draw_design(rng, f"{degree}-{seed}-anew")
    if changes == "rebuild":
        anew = replace(before, salt=anew.salt)
    elif changes != "redesign":
        anew = before
    newsroom = Newsroom(
        degree=degree,
        seed=seed,
        language=language,
        paper=f"{rng.choice(COUNCILS)} {rng.choice(('Echo', 'Mercury', 'Gazette', 'Observer'))}",
        changes=changes,
        runs=runs,
        designs={False: before, True: replace(anew, standfirst=before.standfirst)},
        reporters=tuple(draw_name(rng) for _ in range(6)),
    )
    words, number = newsroom.words, 1000 + 37 * seed
    for run in range(runs):
        shared = _Shared(statements=[" ".join(fill(words.patterns[3], words, rng) for _ in range(2)) for _ in range(2)])
        day: list[Written] = []
        for _ in range(first if run == 0 else later):
            number += rng.randrange(1, 9)
            day.append(_write_article(newsroom, rng, shared, number, run))
        # Stories that are published twice, under another address and often another headline.
        drawn = rng.sample(range(len(day)), 4)
        for one, other in (drawn[:2], drawn[2:]):
            old, new = day[one], day[other]
            day[one] = replace(old, traits=old.traits | {"copy"})
            title = old.title if rng.random() < 0.3 else new.title
            day[other] = replace(new, title=title, blocks=old.blocks, traits=old.traits | {"copy"})
        newsroom.published.append(day)
    return newsroom


def _write_article(newsroom: Newsroom, rng: random.Random, shared: _Shared, number: int, run: int) -> Written:
    words = newsroom.words
    blocks, traits = _write_blocks(words, rng, shared, standfirst=newsroom.designs[False].standfirst)
    title = fill(rng.choice(words.titles), words, rng)[:140]
    authors = tuple(rng.sample(newsroom.reporters, 2 if rng.random() < 0.15 else 1))
    return Written(
        number=number,
        run=run,
        path=f"/news/{number}-{_slug(title) or 'story'}",
        title=title,
        authors=authors,
        published=BEGAN + timedelta(days=run, minutes=rng.randrange(0, 600)),
        blocks=tuple(blocks),
        traits=frozenset(traits),
        seed=f"{newsroom.degree}-{newsroom.seed}-{number}",
    )


# --- mark-up --------------------------------------------------------------------------------------------

_NAMES: Final[dict[str, tuple[str, str, str, str]]] = {
    "page": ("page", "wrapper", "site-content", "l-page"),
    "column": ("main-column", "content", "primary", "l-main"),
    "body": ("article-body", "story-text", "entry-content", "c-article__content"),
    "cookies": ("cookie-bar", "cookie-notice", "gdpr-message", "c-consent"),
    "byline": ("byline", "article-meta", "entry-meta", "c-article__author"),
    "share": ("share-buttons", "social-links", "addtoany", "c-share"),
    "share2": ("share-buttons bottom", "social-links end", "addtoany", "c-share"),
    "figure": ("article-image", "picture-box", "wp-caption", "c-media"),
    "figure2": ("article-image", "picture-box", "wp-caption", "c-media"),
    "promo": ("promo", "house-ad", "callout", "c-teaser"),
    "newsletter": ("newsletter-signup", "mailing-list", "subscribe-box", "c-newsletter"),
    "jobs": ("job-list", "recruitment", "vacancies-widget", "c-jobs"),
    "events": ("events-list", "diary", "event-widget", "c-events"),
    "related": ("related-posts", "more-stories", "read-next", "c-related"),
    "mostread": ("most-read", "popular", "trending-widget", "c-popular"),
    "banner": ("banner", "membership", "subscribe-banner", "c-banner"),
    "bio": ("author-bio", "about-author", "contributor-box", "c-author-card"),
    "tags": ("tags", "topics", "post-tags", "c-tags"),
    "advert": ("advert", "sponsored", "mpu", "c-ad"),
    "advert2": ("advert", "sponsored", "mpu", "c-ad"),
    "readmore": ("read-more", "inline-link", "see-also", "c-inline-teaser"),
    "readmore2": ("read-more", "inline-link", "see-also", "c-inline-teaser"),
    "copyright": ("footer", "site-footer", "colophon", "c-footer"),
    "standfirst": ("standfirst", "intro", "lead", "c-article__standfirst"),
    "menu": ("nav", "menu", "main-menu", "c-nav"),
}
_ELEMENTS: Final = {
    "related": "aside", "newsletter": "aside", "promo": "aside", "advert": "aside", "advert2": "aside",
    "mostread": "section", "jobs": "section", "events": "section", "copyright": "footer", "bio": "footer",
    "figure": "figure", "figure2": "figure", "readmore": "aside", "readmore2": "aside",
}  # fmt: skip


def _a(text: str, link: str) -> str:
    return f'<a href="{escape(link)}">{text}</a>' if link else text


def _render_page(newsroom: Newsroom, page: Written, boxes: dict[str, Box], design: Design) -> str:
    maker = _FlatWriter(design) if newsroom.degree == "flat" else _TreeWriter(newsroom.degree, design)
    words, title = newsroom.words, escape(page.title)
    text = list(maker.write_text(page.blocks))
    for name, share in sorted(design.amid, key=lambda item: item[1], reverse=True):
        if name in boxes:
            text.insert(max(1, round(share * (len(text) - 1))), maker.write_box(boxes[name]))
    before = [maker.write_box(boxes[name]) for name in design.before if name in boxes]
    after = [maker.write_box(boxes[name]) for name in design.after if name in boxes]
    # The headline stands above or below the first of what comes before the text.
    before.insert(min(1, len(before)), maker.write_headline(title))
    body = maker.put_together(before, text, after, menu=words.menu, paper=escape(newsroom.paper))
    return (
        f'<!DOCTYPE html>\n<html lang="{words.language}"><head><meta charset="utf-8">'
        f"<title>{title}{escape(design.suffix.format(newsroom.paper))}</title>\n"
        f"{_head(page, newsroom, design)}</head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def _head(page: Written, newsroom: Newsroom, design: Design) -> str:
    moment = page.published.isoformat()
    lines = [
        f'<link rel="canonical" href="{page.url}">',
        f'<meta property="og:title" content="{escape(page.title)}">',
        '<meta property="og:type" content="article">',
        f'<meta property="article:published_time" content="{moment}">',
    ]
    if design.jsonld:
        facts = {
            "@context": "https://schema.org",
            "@type": "NewsArticle",
            "headline": page.title,
            "datePublished": moment,
            "author": [{"@type": "Person", "name": name} for name in page.authors],
            "publisher": {"@type": "Organization", "name": newsroom.paper},
        }
        lines.append(f'<script type="application/ld+json">{json.dumps(facts).replace("<", "")}</script>')
    return "\n".join(lines) + "\n"


class _TreeWriter:
    """Mark-up in which every box is an element of its own: by its tag, by a name, or by a hash."""

    def __init__(self, degree: Degree, design: Design) -> None:
        self._degree, self._design = degree, design

    def _open(self, name: str) -> tuple[str, str]:
        if self._degree == "semantic":
            element = _ELEMENTS.get(name, "div")
            return f"<{element}>", f"</{element}>"
        return f'<div class="{self._name(name)}">', "</div>"

    def _name(self, name: str) -> str:
        if self._degree == "named":
            return _NAMES[name][self._design.names] if name in _NAMES else name
        digest = hashlib.sha256(f"{self._design.salt}-{name}".encode()).hexdigest()
        return f"css-{digest[:7]} e{digest[7:12]}{int(digest[12:14], 16) % 10}"

    def _class(self, name: str) -> str:
        return f' class="{self._name(name)}"' if self._degree == "meaningless" else ""

    def write_headline(self, title: str) -> str:
        return f"<h1{self._class('title')}>{title}</h1>"

    def write_text(self, blocks: Iterable[Block]) -> Iterator[str]:
        mark = self._class("p")
        for block in blocks:
            lines = [escape(line) for line in block.lines]
            if block.kind == "heading":
                yield f"<h2{self._class('h2')}>{lines[0]}</h2>"
            elif block.kind == "list":
                yield f"<ul{self._class('ul')}>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"
            elif block.kind == "table":
                rows = ("".join(f"<td>{cell}</td>" for cell in line.split("\t")) for line in lines)
                yield f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
            elif block.kind == "standfirst" and self._degree != "semantic":
                yield f'<p class="{self._name("standfirst")}">{lines[0]}</p>'
            else:
                yield f"<p{mark}>{lines[0]}</p>"

    def write_box(self, box: Box) -> str:
        begin, end = self._open(box.name)
        links = box.links or ("",) * len(box.rows)
        rows = [[escape(line) for line in row] for row in box.rows]
        head = f"<h3>{escape(box.heading)}</h3>" if box.heading else ""
        if box.shape == "figure":
            caption, credit = rows[0]
            tag = "figcaption" if self._degree == "semantic" else "div"
            picture = f'<img src="/images/{_slug(caption)[:20] or "a"}.jpg" alt="{escape(box.heading)}">'
            return f"{begin}{picture}<{tag}{self._class('caption')}>{caption} <span>{credit}</span></{tag}>{end}"
        if box.shape == "list":
            items = "".join(f"<li>{_a(row[0], link)}</li>" for row, link in zip(rows, links, strict=True))
            return f"{begin}{head}<ul>{items}</ul>{end}"
        if box.shape == "cards":
            cards = [
                f"<h4>{_a(row[0], link)}</h4>{''.join(f'<p>{line}</p>' for line in row[1:])}"
                for row, link in zip(rows, links, strict=True)
            ]
            mark = self._class("card")
            return f"{begin}{head}{''.join(f'<div{mark}>{card}</div>' for card in cards)}{end}"
        if box.shape == "form":
            form = '<form action="/bulletin"><input name="email"><button>OK</button></form>'
            return f"{begin}<p>{rows[0][0]}</p>{form}{end}"
        return f"{begin}<p>{_a(rows[0][0], links[0])}</p>{end}"

    def put_together(
        self, before: list[str], text: list[str], after: list[str], *, menu: Sequence[str], paper: str
    ) -> str:
        items = "".join(f'<li><a href="/{_slug(word)}">{escape(word)}</a></li>' for word in menu)
        if self._degree == "semantic":
            inside = "\n".join([*before, *text, *after[:-1]])
            top = f'<header><a href="/">{paper}</a><nav><ul>{items}</ul></nav></header>'
            return f"{top}\n<main><article>\n{inside}\n</article></main>\n{after[-1]}"
        top = f'<div class="{self._name("menu")}"><a href="/">{paper}</a><ul>{items}</ul></div>'
        page, column, body = (f'<div class="{self._name(name)}">' for name in ("page", "column", "body"))
        joined = ["\n".join(part) for part in (before, text, after)]
        if self._degree == "meaningless":
            around = "".join(f'<div class="{self._name(f"w{n}")}">' for n in range(self._design.wrapped))
            return (
                f"{top}\n{page}{around}{column}\n{joined[0]}\n{body}\n{joined[1]}\n</div>\n{joined[2]}\n"
                f"</div>{'</div>' * self._design.wrapped}</div>"
            )
        return f"{top}\n{page}{column}\n{joined[0]}\n{body}\n{joined[1]}\n</div>\n{joined[2]}\n</div></div>"


class _FlatWriter:
    """Everything in one element. Four anatomies: paragraphs; line breaks; a div for each line; a table's cell."""

    def __init__(self, design: Design) -> None:
        self._anatomy = design.anatomy
        lines: tuple[Callable[[str], str], ...] = (
            lambda line: f"<p>{line}</p>",
            lambda line: f"{line}<br><br>",
            lambda line: f"<div>{line}</div>",
            lambda line: f'<p><font size="2">{line}</font></p>',
        )
        heads: tuple[Callable[[str], str], ...] = (
            lambda line: f"<h3>{line}</h3>",
            lambda line: f"<strong>{line}</strong><br><br>",
            lambda line: f"<div><strong>{line}</strong></div>",
            lambda line: f'<p><font size="3"><b>{line}</b></font></p>',
        )
        self._line, self._head = lines[self._anatomy], heads[self._anatomy]

    def write_headline(self, title: str) -> str:
        return (f"<h1>{title}</h1>", f"<h1>{title}</h1>", f"<h1>{title}</h1>", f"<h2>{title}</h2>")[self._anatomy]

    def write_text(self, blocks: Iterable[Block]) -> Iterator[str]:
        for block in blocks:
            lines = [escape(line) for line in block.lines]
            if block.kind == "heading":
                yield self._head(lines[0])
            elif block.kind == "list" and self._anatomy in {0, 3}:
                yield f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"
            elif block.kind == "list":
                yield "".join(self._line(f"• {line}") for line in lines)
            elif block.kind == "table":
                rows = ("".join(f"<td>{cell}</td>" for cell in line.split("\t")) for line in lines)
                yield f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
            elif block.kind == "standfirst" and self._anatomy in {0, 1}:
                yield self._line(f"<strong>{lines[0]}</strong>")
            else:
                yield self._line(lines[0])

    def write_box(self, box: Box) -> str:
        links = box.links or ("",) * len(box.rows)
        rows = [[escape(line) for line in row] for row in box.rows]
        head = self._head(escape(box.heading)) if box.heading and box.shape != "figure" else ""
        if box.shape == "figure":
            caption, credit = rows[0]
            picture = f'<img src="/images/{_slug(caption)[:20] or "a"}.jpg" alt="{escape(box.heading)}">'
            if self._anatomy == 1:
                return f"{picture}<br>{caption}<br>{credit}<br><br>"
            return f"{self._line(picture)}{self._line(caption)}{self._line(f'<em>{credit}</em>')}"
        if box.shape == "cards":
            breaks = "<br>"
            cards = "".join(
                self._line(breaks.join([_a(row[0], link), *row[1:]])) for row, link in zip(rows, links, strict=True)
            )
            return f"{head}{cards}"
        if box.shape == "list":
            return head + "".join(self._line(_a(row[0], link)) for row, link in zip(rows, links, strict=True))
        if box.shape == "form":
            form = '<form action="/bulletin"><input name="email"><button>OK</button></form>'
            return f"{self._line(rows[0][0])}{form}"
        return self._line(_a(rows[0][0], links[0]))

    def put_together(
        self, before: list[str], text: list[str], after: list[str], *, menu: Sequence[str], paper: str
    ) -> str:
        links = " | ".join(f'<a href="/{_slug(word)}">{escape(word)}</a>' for word in menu)
        inside = "\n".join([*before, *text, *after])
        top = f'<a href="/">{paper}</a> | {links}'
        if self._anatomy == 3:
            return f"<table><tr><td>{top}</td></tr><tr><td>\n{inside}\n</td></tr></table>"
        return f'<div>{top}</div>\n<div class="{"" if self._anatomy == 1 else "container"}">\n{inside}\n</div>'


# --- to look at -----------------------------------------------------------------------------------------


def main(words: list[str] | None = None) -> int:
    """Write a newsroom's pages into a folder."""
    parser = argparse.ArgumentParser(description="Write the pages of a made-up newsroom, and their true texts.")
    parser.add_argument("--degree", choices=DEGREES, default="flat")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--folder", type=Path, required=True)
    asked = parser.parse_args(words)
    newsroom = open_newsroom(asked.degree, seed=asked.seed, runs=asked.runs)
    for run in range(newsroom.runs):
        folder = asked.folder / f"run-{run + 1}"
        folder.mkdir(parents=True, exist_ok=True)
        for page in newsroom.publish(run):
            (folder / f"{page.number}.html").write_bytes(page.html)
            (folder / f"{page.number}.txt").write_text(f"{page.text}\n", encoding="utf-8")
    print(f"{newsroom.paper} ({newsroom.language}, {newsroom.changes or 'unchanged'}): {asked.folder}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
