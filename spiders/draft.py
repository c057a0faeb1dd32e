"""A site file from a survey: TOML with a comment for each fact that says where it came from.

What the survey saw is written down; what it could only guess (kind, country, schedule) says so. Whether the file can
be used is judged by ``spiders.site`` like any other.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from spiders.shapes import Shape
from spiders.survey import Found, Survey
from spiders.values import Kind

_WIDTH = 110
_COUNTRIES: Final = {
    domain: (country, zone, language)
    for domain, country, zone, language in (
        line.split()
        for line in """
    uk gb Europe/London en
    scot gb Europe/London en
    wales gb Europe/London en
    cymru gb Europe/London cy
    im im Europe/Isle_of_Man en
    ie ie Europe/Dublin en
    de de Europe/Berlin de
    at at Europe/Vienna de
    ch ch Europe/Zurich de
    fr fr Europe/Paris fr
    be be Europe/Brussels nl
    lu lu Europe/Luxembourg fr
    nl nl Europe/Amsterdam nl
    es es Europe/Madrid es
    cat es Europe/Madrid ca
    pt pt Europe/Lisbon pt
    it it Europe/Rome it
    pl pl Europe/Warsaw pl
    cz cz Europe/Prague cs
    sk sk Europe/Bratislava sk
    hu hu Europe/Budapest hu
    se se Europe/Stockholm sv
    no no Europe/Oslo nb
    dk dk Europe/Copenhagen da
    fi fi Europe/Helsinki fi
    is is Atlantic/Reykjavik is
    ee ee Europe/Tallinn et
    lv lv Europe/Riga lv
    lt lt Europe/Vilnius lt
    gr gr Europe/Athens el
    ro ro Europe/Bucharest ro
    bg bg Europe/Sofia bg
    hr hr Europe/Zagreb hr
    si si Europe/Ljubljana sl
    rs rs Europe/Belgrade sr
    ua ua Europe/Kyiv uk
    us us America/New_York en
    gov us America/New_York en
    ca ca America/Toronto en
    mx mx America/Mexico_City es
    br br America/Sao_Paulo pt
    jp jp Asia/Tokyo ja
    ar ar America/Argentina/Buenos_Aires es
    cl cl America/Santiago es
    au au Australia/Sydney en
    nz nz Pacific/Auckland en
    za za Africa/Johannesburg en
    in in Asia/Kolkata en
    kr kr Asia/Seoul ko
    tr tr Europe/Istanbul tr
    """.strip().splitlines()
    )
}
"""By top-level domain: country, time zone of most of it, usual language."""

_COUNCIL = re.compile(
    r"council|borough|county|city of|town of|gemeinde|\bstadt\b|landkreis|kommun|comune|ayuntamiento|ajuntament|mairie|"
    r"ville de|commune|gmina|miasto|gemeente|m[ěe]sto|obec|c[âa]mara municipal|prefeitura|cyngor|citt[àa]",
    re.IGNORECASE,
)
_COUNCIL_FAMILIES = frozenset(
    {"localgov-drupal", "jadu", "goss-icm", "contensis", "civicplus", "granicus", "opencities", "sitepark"}
)
_PARLIAMENT = re.compile(r"parliament|committee|senedd|bundestag|assembl[ée]e|senate|riksdag", re.IGNORECASE)
_GOVERNMENT = re.compile(r"\.gov(?:\.|$)|\.gouv\.|minist|department", re.IGNORECASE)


def suggest_id(survey: Survey) -> str:
    """An id for the site, from the name of its host."""
    host = (urlsplit(survey.home).hostname or "site").removeprefix("www.")
    if re.fullmatch(r"[\d.:]+", host):
        return "site-" + re.sub(r"[^0-9]+", "-", urlsplit(survey.home).netloc).strip("-")
    labels = host.split(".")
    end = 2 if len(labels) > 2 and labels[-2] in ("gov", "co", "com", "org", "gouv", "gob", "ac", "net") else 1
    return re.sub(r"[^a-z0-9]+", "-", "-".join(labels[:-end] or labels)).strip("-")[:63].strip("-") or "site"


def draft_site(survey: Survey, *, site_id: str, day: date, kind: Kind | None = None) -> str:
    """The text of a site file.

    Args:
        survey: without trouble.
        site_id: chooses the minute of the schedule.
        day: on which the site was surveyed.
        kind: what sort of publication it is; left out: guessed.
    """
    assert survey.shape is not None, "a survey in trouble has no file"
    return "\n".join(_lines(survey, site_id, day, kind)) + "\n"


def _lines(survey: Survey, site_id: str, day: date, kind: Kind | None) -> Iterator[str]:
    shape = survey.shape
    assert shape is not None
    yield from _comment(
        f"Written by `muniment sites probe {survey.asked}` on {day:%-d %B %Y}, after {survey.requests} requests. "
        "What a comment calls a guess was not seen."
    )
    if survey.robots:
        yield from _comment(f"robots.txt: {survey.robots}.")
    yield from _comment(f"Text and data mining: {'; '.join(survey.mining) or 'nothing is said'}.")
    yield ""
    yield f"name = {_text(survey.name or urlsplit(survey.home).netloc)}"
    yield f"home = {_text(survey.home)}"
    guessed, why = (kind, "") if kind else _guess_kind(survey)
    yield f'kind = "{guessed}"' + (f"  # guess: {why}" if why else "")
    if survey.families:
        best = survey.families[0]
        yield from _comment(f"{best.family.name}: {'; '.join(best.evidence)}")
        yield f"family = {_text(best.family.id)}"
    if survey.newsroom and survey.families:
        yield f"newsroom = {_text(_newsroom(survey))}"
    yield from _place(survey)
    schedule, why = _guess_schedule(survey, site_id)
    yield from _comment(f"guess: {why}")
    yield f"schedule = {_text(schedule)}"
    yield ""
    yield from _comment(
        f"Learned from {shape.known} addresses: {shape.covered} of them match, and of {len(survey.others)} other pages "
        f"{shape.wrong or 'none'}."
    )
    yield f"article = {_pattern(shape.article)}"
    if shape.exclude:
        yield from _list("exclude", map(_pattern, shape.exclude))
    home = urlsplit(survey.home).netloc
    used = [host for host in survey.hosts if any(urlsplit(u).netloc == host for one in survey.chosen for u in one.urls)]
    if used != [home]:
        yield from _comment("The articles stand on another host than the front page.")
        yield f"domains = [{', '.join(_text(host.lower()) for host in dict.fromkeys([*used, home]))}]"
    yield from _witnesses(survey, shape)
    yield ""
    yield f"description = {_text(_describe(survey))}"
    yield f"how_to_tell = {_text(_pace_words(survey))}"
    yield 'when_it_fails = "Run `muniment sites probe` again and compare: a new web site is the usual reason."'
    yield from _sources(survey)
    yield ""
    yield from _crawl(survey)


def _witnesses(survey: Survey, shape: Shape) -> Iterator[str]:
    examples = [one.url for one in survey.articles if one.kind == "article" and shape.matches(one.url)]
    if examples:
        yield from _comment("These were fetched, and text came out of them:")
        for one in survey.articles:
            if one.url in examples:
                dated = f"{one.published} ({one.published_from})" if one.published else "no date"
                yield from _comment(f"  {one.title} | {dated} | {one.words} words")
        yield from _list("examples", map(_text, examples))
    counter = [url for url in survey.others if not shape.matches(url) and len(url) < 300][:4]
    if counter:
        yield from _list("counter_examples", map(_text, counter))


def _sources(survey: Survey) -> Iterator[str]:
    for one in survey.chosen:
        yield ""
        yield from _comment(f"Found as: {one.how}. {one.articles} of {len(one.urls)} links were articles.")
        yield "[[sources]]"
        yield f'type = "{one.type}"'
        yield f"url = {_text(one.url)}"
        if one.follow:
            yield f"follow = {_pattern(one.follow)}"
        if one.pages > 1:
            yield f"pages = {one.pages}"
    for one in survey.sources:
        if not one.chosen:
            yield from _comment(f"Not used: {one.type} {one.url}: {one.why or 'names no articles'}.")


def _crawl(survey: Survey) -> Iterator[str]:
    yield "[crawl]"
    loopback = re.match(r"^https?://(?:127\.|localhost|\[::1\])", survey.home) is not None
    if loopback:
        yield "allow_private = true  # loopback"
        yield "delay = 0.0"
    elif survey.crawl_delay:
        yield f"delay = {max(2.0, min(survey.crawl_delay, 600.0)):.1f}  # robots.txt asks for {survey.crawl_delay:g}"
    else:
        yield "delay = 5.0  # robots.txt asks for none"
    if survey.scripted:
        yield from _comment("The front page is drawn by script; if articles come out empty: render = true")


def _place(survey: Survey) -> Iterator[str]:
    """Country, language and time zone: what the page says, else what its host's name says."""
    host = urlsplit(survey.home).hostname or ""
    by_host = _COUNTRIES.get(host.rpartition(".")[2])
    tag = re.fullmatch(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{2}))?(?:[-_].*)?", survey.language)
    region = tag[2].lower() if tag and tag[2] else ""
    by_tag = next((found for found in _COUNTRIES.values() if found[0] == region), None)
    by_language = next((found for found in _COUNTRIES.values() if tag and found[2] == tag[1].lower()), None)
    country, zone, usual = by_host or by_tag or by_language or ("gb", "Europe/London", "en")
    how = (
        f"the host ends in .{host.rpartition('.')[2]}" if by_host
        else f"the page says lang={survey.language}" if by_tag or by_language else "nothing tells it"
    )  # fmt: skip
    yield from _comment(f"guess: {how}")
    yield f'country = "{country}"'
    yield f'timezone = "{zone}"'
    if tag:
        told = tag[1].lower() + (f"-{tag[2].upper()}" if tag[2] else "")
        yield f"language = {_text(told)}  # lang of the page"
    else:
        yield f"language = {_text(usual)}  # guess: usual there"


def _newsroom(survey: Survey) -> str:
    home, newsroom = urlsplit(survey.home), urlsplit(survey.newsroom or "")
    return (
        (newsroom.path or "/")
        if newsroom.netloc == home.netloc
        else f"{newsroom.scheme}://{newsroom.netloc}{newsroom.path}"
    )


def _guess_kind(survey: Survey) -> tuple[Kind, str]:
    host = urlsplit(survey.home).netloc
    text = f"{survey.name} {host} {urlsplit(survey.home).path}"
    families = {one.family.id for one in survey.families[:1]}
    if families & {"parliament"} or _PARLIAMENT.search(text):
        return "parliament", "its name"
    if families & {"govuk"}:
        return "government", "its family"
    if families & _COUNCIL_FAMILIES or _COUNCIL.search(text):
        return "council", "its family or name"
    if _GOVERNMENT.search(text):
        return "government", "its name"
    return "regional", "nothing tells it"


def _pace(survey: Survey) -> float | None:
    """Articles a day, by the dates of the fullest source."""
    best = max((one.dates for one in survey.sources if one.dates), key=len, default=())
    dates = sorted(set(best))[-60:]
    if len(dates) < 3:
        return None
    days = (dates[-1] - dates[0]) / 86400
    return (len(dates) - 1) / days if days > 0 else None


def _guess_schedule(survey: Survey, site_id: str) -> tuple[str, str]:
    minute = zlib.crc32(site_id.encode()) % 60
    pace = _pace(survey)
    if pace is None:
        return f"{minute} */6 * * *", "no source gives dates; four times a day"
    told = f"about {pace:.1f} articles a day by the sources' dates" if pace >= 0.95 else (
        f"about one article every {1 / pace:.0f} days by the sources' dates"
    )  # fmt: skip
    hours = "*" if pace > 8 else "*/2" if pace > 3 else "*/4" if pace > 0.2 else "*/12"
    return f"{minute} {hours} * * *", told


def _pace_words(survey: Survey) -> str:
    pace = _pace(survey)
    if pace is None:
        return "No dates were seen; look after a week how many articles came."
    return f"About {pace:.1f} articles a day." if pace >= 0.95 else f"About one article every {1 / pace:.0f} days."


def _describe(survey: Survey) -> str:
    kinds = " and ".join(dict.fromkeys(one.type for one in survey.chosen))
    return f"{survey.name or urlsplit(survey.home).netloc}. Found through {kinds}."


def _comment(text: str) -> Iterator[str]:
    line = "#"
    for word in _plain(text).split(" "):
        if len(line) + len(word) + 1 > _WIDTH and line != "#":
            yield line
            line = "#"
        line += f" {word}"
    yield line


def _plain(text: str) -> str:
    """Text from a page on one line, without characters that a comment may not hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:1000]


def _text(value: str) -> str:
    return json.dumps("".join(c for c in value if c.isprintable()), ensure_ascii=False)


def _pattern(value: str) -> str:
    return json.dumps(value) if "'" in value else f"'{value}'"


def _list(key: str, items: Iterable[str]) -> Iterator[str]:
    yield f"{key} = ["
    yield from (f"    {item}," for item in items)
    yield "]"


def describe_source(source: Found) -> str:
    """One source in a line, for people."""
    said = f"{source.articles} of {len(source.urls)} links are articles"
    return f"{source.type} {source.url} ({source.how}): {said}" + (f"; {source.why}" if source.why else "")
