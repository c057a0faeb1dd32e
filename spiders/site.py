"""The Site: one publication that we watch, as its TOML file declares it.

One file per site, ``spiders/sites/<country>/<id>.toml``; the id is the file's stem. This module reads
and refuses site files, fills in what the site's family gives (``spiders.families``), and answers what a site
says about a URL. Every mistake of every file is told at once, each with file, key, what is wrong and what to
write instead (``SiteError.problems``).

Not here: what a single value may be (``spiders.values``), reading folders from settings (``pipeline``), fetching
anything, the command line. It imports neither Scrapy nor anything else that is slow to load, because parsing the DAG
folder loads every site.
"""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError

from spiders.families import FOLDER_NAME, Families, Family, Misfit, escape
from spiders.pattern import MAX_URL, find_reach
from spiders.problem import Problem as Problem  # noqa: PLC0414 - who reads sites meets their mistakes here
from spiders.problem import SiteError as SiteError  # noqa: PLC0414
from spiders.problem import check_pattern, find_nearest
from spiders.selectors import check_field, check_selector
from spiders.values import (
    Country,
    Day,
    Domain,
    Duration,
    Home,
    Kind,
    Language,
    Newsroom,
    Number,
    Pattern,
    Period,
    Schedule,
    Share,
    Spread,
    Switch,
    Text,
    Url,
    Whole,
    Window,
    Zone,
    check_domain,
    check_home,
    find_netloc,
    name_type,
    read_duration,
)

BUILTIN_FOLDER: Final = Path(__file__).parent / "sites"
"""The site files inside the package."""

SITE_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


# ------------------------------------------------------------------ the model


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Part):
    """Where a site announces its pages."""

    type: Literal["feed", "sitemap", "listing", "api"] = Field(
        description="feed: RSS, Atom or JSON Feed; sitemap: also an index, news, gzipped or text; "
        "listing: an HTML page with links; api: a service that answers with data.",
        examples=["feed"],
    )
    url: Url = Field(description="Where it is; http or https.", examples=["https://www.example.gov.uk/news/feed"])
    follow: Pattern | None = Field(
        default=None,
        description="Sitemap index: only child sitemaps in whose URL this regular expression finds something. "
        "Listing: links that lead on to the next page.",
    )
    pages: Whole = Field(default=1, ge=1, le=1000, description="Listing, feed, api: how many pages deep to go.")
    paging: Text | None = Field(
        default=None,
        description="Listing, feed: how a further page is asked for, {n} being its number: a query (?page={n}; "
        "&page={n} is added to that of url) or a path (/news/page/{n}), taken against url.",
        examples=["?page={n}"],
    )
    paging_first: Whole = Field(default=2, ge=0, le=1000, description="With paging: the {n} of the second page.")
    paging_step: Whole = Field(default=1, ge=1, le=1000, description="With paging: by what {n} grows.")
    service: Literal["govuk", "parliament", "moderngov"] | None = Field(
        default=None, description="Api: which service answers at url.", examples=["govuk"]
    )
    quiet: Duration | None = Field(
        default=None,
        description="Longest time without a new article that is normal; left out: learned from earlier runs.",
    )


class CrawlRules(_Part):
    """How a site is fetched."""

    delay: Number = Field(default=2.0, ge=0, le=600, description="Seconds between two requests.")
    concurrency: Whole = Field(default=1, ge=1, le=64, description="Requests under way at once.")
    fetch_at_most: Whole = Field(
        default=500, ge=1, le=1_000_000, description="Article pages fetched in a run; the rest waits for the next."
    )
    recheck_at_most: Whole = Field(
        default=300, ge=0, le=1_000_000, description="Known pages looked at again in a run, of fetch_at_most."
    )
    max_urls: Whole = Field(
        default=100_000, ge=1, le=1_000_000, description="Article URLs that one run takes from its sources."
    )
    timeout: Number = Field(default=30.0, gt=0, le=600, description="Seconds for one response.")
    max_bytes: Whole = Field(
        default=10_000_000, ge=1000, le=1_000_000_000, description="Bytes of one response, decompressed too."
    )
    run_seconds: Number = Field(default=3600.0, gt=0, le=86_400, description="Seconds for the whole crawl.")
    robots: Literal["obey", "ignore"] = Field(
        default="obey", description="Whether robots.txt is obeyed; ignore only with the publisher's leave."
    )
    noarchive: Literal["obey", "ignore"] = Field(
        default="obey", description="Whether a page that says noarchive is left out of the archive."
    )
    tdm: Literal["obey", "ignore"] = Field(
        default="ignore", description="Whether a page whose rights to text and data mining are reserved is left out."
    )
    adaptive: Switch = Field(
        default=True, description="Wait longer than delay while the server answers slowly or with errors."
    )
    group: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")] | None = Field(
        default=None,
        description="Politeness group: sites of one group share a server and are never crawled at the same time.",
        examples=["newsquest"],
    )
    windows: tuple[Window, ...] = Field(
        default=(),
        description='Times of day at which the site may be crawled, in its time zone ("22:00-06:00"); none: always.',
        examples=[["22:00-06:00"]],
    )
    render: Switch = Field(
        default=False, description="Render pages that are drawn by script in a browser (needs the extra `render`)."
    )
    render_resources: Switch = Field(
        default=False, description="Let rendered pages load images, fonts, styles and media too."
    )
    documents: Switch = Field(
        default=False, description="Archive the documents (PDF) that an article's page links in its text, too."
    )
    documents_at_most: Whole = Field(
        default=50, ge=0, le=100_000, description="New documents fetched in a run; the rest waits for the next."
    )
    document_hosts: tuple[Domain, ...] = Field(
        default=(),
        description="Hosts beside the site's own from which documents are fetched, with port where unusual.",
        examples=[["assets.example.gov.uk"]],
    )
    allow_private: Switch = Field(
        default=False, description="Allow loopback and private addresses: for tests and intranets only."
    )
    verify_certificates: Switch = Field(
        default=True,
        description="Refuse a server whose certificate cannot be verified; false: take its answers anyway.",
    )


Selector = Annotated[str, AfterValidator(check_selector)]
FieldSelector = Annotated[str, AfterValidator(check_field)]


class FieldRules(_Part):
    """Where a site's pages say what they say: CSS selectors, ``selector@attribute`` where an attribute says it."""

    title: FieldSelector | None = Field(default=None, description="The headline.", examples=["h1.headline"])
    standfirst: FieldSelector | None = Field(default=None, description="The paragraph that sums the article up.")
    byline: FieldSelector | None = Field(default=None, description="Who signed it, as it stands there.")
    authors: FieldSelector | None = Field(
        default=None, description="People; each element found is one, or several with commas.", examples=[".byline a"]
    )
    agencies: FieldSelector | None = Field(default=None, description="Agencies; each element found is one.")
    published: FieldSelector | None = Field(
        default=None, description="Date of publication.", examples=["time.published@datetime"]
    )
    modified: FieldSelector | None = Field(default=None, description="Date of the latest change.")
    section: FieldSelector | None = Field(default=None, description="The section that it is in.")
    tags: FieldSelector | None = Field(default=None, description="Tags; each element found is one.")
    description: FieldSelector | None = Field(default=None, description="What the page says of itself in short.")
    ward: FieldSelector | None = Field(default=None, description="The ward that it is about.")
    committee: FieldSelector | None = Field(default=None, description="The committee that it is about.")
    embargo: FieldSelector | None = Field(default=None, description="Date until which the press was to hold it back.")
    notes_to_editors: FieldSelector | None = Field(default=None, description="What is meant for the press only.")


class ExtractRules(_Part):
    """How the pages of a site are read, where the usual reading does not suffice; for captures of some days."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    from_: Day | None = Field(
        default=None, alias="from", description="First day of the captures that it is for; left out: all before until."
    )
    until: Day | None = Field(default=None, description="Last day of these captures; left out: all after from.")
    body: Selector | None = Field(
        default=None, description="Only what is within is text of the article.", examples=["div.article-body"]
    )
    strip: tuple[Selector, ...] = Field(
        default=(), max_length=50, description="What is within is no text of the article.", examples=[[".promo"]]
    )
    keep: tuple[Selector, ...] = Field(
        default=(), max_length=50, description="What is within is text of the article, whatever it looks like."
    )
    fields: FieldRules = Field(default=FieldRules(), description="Where the fields stand: fields = { … }.")

    def covers(self, day: date) -> bool:
        """Whether captures of that day, in the site's zone, are read by it."""
        return (self.from_ is None or self.from_ <= day) and (self.until is None or day <= self.until)


CheckName = Literal[
    "sources", "dried", "listing", "books", "clock", "pace", "captures", "volume", "errors", "blocked", "outcomes",
    "article-yield", "title", "published", "dates", "fill", "language", "short-bodies", "length", "shrunk", "phrases",
    "old-text", "same-body", "canonical", "memory", "rules", "documents",
]  # fmt: skip
"""The checks of the gate, in their order."""
FilledField = Literal[
    "modified", "authors", "byline", "section", "image", "description", "standfirst", "tags", "language"
]


class CheckLimits(_Part):
    """Limits of the gate that differ from the defaults (see ``pipeline.check``)."""

    min_captures: Whole | None = Field(default=None, ge=0, description="Fewest pages that a run must capture.")
    max_error_share: Share | None = Field(default=None, description="Largest share of fetches that may fail (0 to 1).")
    min_article_yield: Share | None = Field(
        default=None, description="Smallest share of captured pages that must be articles (0 to 1)."
    )
    min_title_share: Share | None = Field(default=None, description="Smallest share of articles with a title (0 to 1).")
    min_published_share: Share | None = Field(
        default=None, description="Smallest share of articles with a date of publication (0 to 1)."
    )
    min_words: Whole | None = Field(default=None, ge=0, description="Fewest words of the middle (median) article.")
    max_same_body_share: Share | None = Field(
        default=None, description="Largest share of articles that may have one and the same text (0 to 1)."
    )
    min_new: Whole | None = Field(
        default=None, ge=0, description="Fewest new addresses that a run must find, instead of what is learned."
    )
    max_new: Whole | None = Field(
        default=None, ge=1, description="Most new addresses that a run may find, instead of what is learned."
    )
    min_items: Whole | None = Field(
        default=None,
        ge=0,
        description="Fewest entries that the sources must list together, instead of what is learned.",
    )
    min_fill: dict[FilledField, Share] = Field(
        default={},
        description="Smallest share of articles that must have a field, instead of what is learned; 0: it may be lost.",
        examples=[{"authors": 0.5, "image": 0.0}],
    )
    max_blocked_share: Share | None = Field(
        default=None, description="Largest share of pages that may be blocked before it is told (0 to 1)."
    )
    max_gone_share: Share | None = Field(
        default=None, description="Largest share of pages that may be gone before it is told (0 to 1)."
    )
    max_old_text_share: Share | None = Field(
        default=None, description="Largest share of new articles that may begin as earlier ones do (0 to 1)."
    )
    max_wall_share: Share | None = Field(
        default=None, description="Largest share of articles that may speak of consent or of signing in (0 to 1)."
    )
    max_odd_date_share: Share | None = Field(
        default=None,
        description="Largest share of dates that may lie in the future, be too old or out of order (0 to 1).",
    )
    max_other_language_share: Share | None = Field(
        default=None, description="Largest share of articles in a language that is unusual for the site (0 to 1)."
    )
    quiet: tuple[Period, ...] = Field(
        default=(),
        description="Days, first and last, on which less than usual is no alarm: before an election that was called, "
        "in a move or a strike.",
        examples=[["2029-05-01/2029-06-10"]],
    )
    verdicts: dict[CheckName, Literal["accept", "warn", "reject"]] = Field(
        default={},
        description="The most that a check may say: accept (it is told, no more), warn; reject: it rejects where it "
        "would warn.",
        examples=[{"volume": "warn", "old-text": "reject"}],
    )


class Recheck(_Part):
    """One rung of the re-check ladder: up to ``age`` after first sight, look again ``every`` so often."""

    age: Duration | None = Field(
        default=None, description='Up to this age of an article ("2d", "P2D"); left out: for ever (last rung only).'
    )
    every: Spread = Field(description='How often to look again ("6h", "PT6H"); "0s": in every run.', examples=["6h"])


DEFAULT_RECHECK: Final = (
    Recheck(age=timedelta(hours=6), every=timedelta(hours=1)),
    Recheck(age=timedelta(days=2), every=timedelta(hours=6)),
    Recheck(age=timedelta(days=14), every=timedelta(days=1)),
    Recheck(age=timedelta(days=90), every=timedelta(days=3)),
    Recheck(age=timedelta(days=365), every=timedelta(days=7)),
    Recheck(every=timedelta(days=30)),
)
"""The ladder of a site that declares none: most corrections are made within hours, so looking again decays with age."""


class Site(_Part):
    """One publication, as declared in its file."""

    id: str = Field(pattern=rf"^{SITE_ID.pattern}$", description="The stem of the file's name; not a key of the file.")
    name: Text = Field(description="What the publication is called.", examples=["Durham County Council newsroom"])
    home: Home = Field(description="Front page.", examples=["https://www.example.gov.uk/"])
    kind: Kind = Field(description="What sort of publication it is.", examples=["council"])
    article: Pattern = Field(
        description="Regular expression (Python) that the whole canonical URL of an article matches, host included.",
        examples=["https://www\\.example\\.gov\\.uk/news/[^/?]+"],
    )
    sources: tuple[Source, ...] = Field(min_length=1, description="Where the site announces its pages: [[sources]].")
    exclude: tuple[Pattern, ...] = Field(
        default=(), description="Regular expressions; a URL in which one of them finds something is no article."
    )
    domains: tuple[Domain, ...] = Field(
        default=(), description="Hosts that belong to the site, with port where unusual; default: the host of home."
    )
    family: Text | None = Field(
        default=None,
        description="CMS family: sites of one family change together. One that is known (`muniment sites families`) "
        "gives sources, article, exclude and crawl where the file does not.",
        examples=["localgov-drupal"],
    )
    newsroom: Newsroom | None = Field(
        default=None,
        description="Where the news stand, for the family: a path, or a URL on another host; left out: the family's.",
        examples=["/news"],
    )
    publisher: Text | None = Field(default=None, description="Who publishes it; default: name.")
    region: Text | None = Field(default=None, description="The part of the country it writes about.")
    country: Country = Field(default="gb", description="ISO 3166 code, small letters.")
    language: Language = Field(default="en", description="Language of the articles that do not say theirs (BCP 47).")
    timezone: Zone = Field(default="Europe/London", description="Zone of its dates without one, and of the schedule.")
    schedule: Schedule = Field(default="@hourly", description="When it runs: a cron line of five fields or a preset.")
    description: str = Field(default="", description="What the site is and where its articles come from.")
    how_to_tell: str = Field(default="", description="How an operator sees that it works.")
    when_it_fails: str = Field(default="", description="What an operator does when it does not.")
    unverified: tuple[str, ...] = Field(
        default=(), description="Keys whose facts were not seen on the live site; `muniment sites check` lists them."
    )
    examples: tuple[Url, ...] = Field(default=(), description="URLs of articles; each must match article.")
    counter_examples: tuple[Url, ...] = Field(default=(), description="URLs that must not count as articles.")
    crawl: CrawlRules = Field(default=CrawlRules(), description="How the site is fetched: [crawl].")
    check: CheckLimits = Field(default=CheckLimits(), description="Limits of the gate: [check].")
    recheck: tuple[Recheck, ...] = Field(
        default=(), description="When known articles are looked at again: [[recheck]], youngest first."
    )
    extract: tuple[ExtractRules, ...] = Field(
        default=(),
        max_length=100,
        description="How its pages are read, where the usual reading does not suffice: [[extract]], for spans of days.",
    )
    memory: bool = Field(
        default=True,
        description="Whether blocks that repeat over the site's articles are learned and left out of their texts.",
    )
    dates: Literal["learn", "trust", "ignore"] = Field(
        default="learn",
        description="Whether a date in a source that has not moved says that the page has not changed; learn: until an "
        "edit without a new date is seen.",
    )
    endangered: Day | None = Field(
        default=None,
        description="Date on which the site is expected to close (2027-04-01): it is crawled deeper and oftener until "
        "then, once in full just before, and what becomes of it is recorded after.",
        examples=["2027-04-01"],
    )
    successor: Home | None = Field(
        default=None, description="Front page of the site that takes over from an endangered one."
    )
    keep_raw: Spread | None = Field(
        default=None,
        description="WARC segments of the site are removed when they are so old (730d), by lifecycle rules of the "
        "store; `muniment store protect` writes them. Left out: they are kept for ever, as versions always are.",
        examples=["730d"],
    )
    gone_after_checks: Whole = Field(
        default=3, ge=1, le=100, description="An article counts as gone after so many answers 404 or 410 …"
    )
    gone_after: Spread = Field(
        default=timedelta(hours=24), description='… spread over at least this time; "0s": the first one will do.'
    )

    @cached_property
    def hosts(self) -> frozenset[str]:
        """Hosts (lower case, with port where it is not the scheme's) whose pages belong to the site."""
        return frozenset(self.domains) or frozenset({find_netloc(urlsplit(self.home))})

    @property
    def ladder(self) -> tuple[Recheck, ...]:
        """The rungs that apply: the file's, or ``DEFAULT_RECHECK``."""
        return self.recheck or DEFAULT_RECHECK

    @cached_property
    def _article(self) -> re.Pattern[str]:
        return re.compile(self.article)

    @cached_property
    def _exclude(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(pattern) for pattern in self.exclude)

    def owns(self, url: str) -> bool:
        """Whether the URL's host belongs to the site."""
        try:
            return find_netloc(urlsplit(url)) in self.hosts
        except ValueError:
            return False

    def wants_document(self, url: str) -> bool:
        """Whether a canonical URL, which a page of the site links as a document, is to be archived."""
        try:
            host = find_netloc(urlsplit(url))
        except ValueError:
            return False
        return (
            self.crawl.documents
            and len(url) <= MAX_URL
            and (host in self.hosts or host in self.crawl.document_hosts)
            and not any(pattern.search(url) for pattern in self._exclude)
        )

    def rules_at(self, captured_at: datetime) -> tuple[ExtractRules, ...]:
        """The extraction rules for a page captured at that moment: the file's own first, then the family's."""
        if not self.extract:
            return ()
        day = captured_at.replace(tzinfo=captured_at.tzinfo or UTC).astimezone(ZoneInfo(self.timezone)).date()
        return tuple(rules for rules in self.extract if rules.covers(day))

    def is_inherited(self, url: str) -> bool:
        """Whether the URL lies on the host of the site that takes over from this one."""
        try:
            return self.successor is not None and find_netloc(urlsplit(url)) == find_netloc(urlsplit(self.successor))
        except ValueError:
            return False

    def is_article(self, url: str) -> bool:
        """Whether a canonical URL is, by its form, an article of this site; one beyond ``MAX_URL`` never is."""
        return (
            len(url) <= MAX_URL
            and self.owns(url)
            and self._article.fullmatch(url) is not None
            and not any(pattern.search(url) for pattern in self._exclude)
        )


# ------------------------------------------------------------------ reading files


def load_site(path: Path, *, families: Families | None = None) -> Site:
    """Read one site file; the id is its stem.

    Args:
        path: the file.
        families: the families that it may name; left out: the built-in ones and those of ``families/`` beside it.

    Raises:
        SiteError: the file cannot be read or used; ``problems`` has every mistake in it.
    """
    return parse_site(_read_text(path), id=path.stem, file=str(path), families=families or Families.beside(path))


def trace_site(path: Path, *, families: Families | None = None) -> tuple[Family | None, tuple[str, ...]]:
    """Which family a usable site file names, and the dotted keys that it filled; for those who show the site.

    Raises:
        SiteError: the file cannot be read.
    """
    data = tomllib.loads(_read_text(path))
    return _fill(data, families or Families.beside(path))[1:3]


def _read_text(path: Path) -> str:
    file = str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SiteError(
            [
                Problem(
                    file=file, key="", problem=f"cannot be read ({error.strerror})", remedy="Make it a readable file."
                )
            ]
        ) from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SiteError(
            [Problem(file=file, key="", problem=f"is not UTF-8 (line {line})", remedy="Save the file as UTF-8.")]
        ) from error


def parse_site(
    text: str,
    *,
    id: str,  # noqa: A002 (the field's name)
    file: str = "<text>",
    families: Families | None = None,
) -> Site:
    """Make a Site from the text of a site file.

    Args:
        text: TOML.
        id: the site's id, which the file's name gives.
        file: how messages name the file.
        families: the families that it may name; left out: the built-in ones.

    Raises:
        SiteError: with every mistake in the text.
    """

    def refuse(key: str, problem: str, remedy: str) -> Problem:
        return Problem(file=file, key=key, problem=problem, remedy=remedy)

    problems: list[Problem] = []
    if not SITE_ID.fullmatch(id):
        better = re.sub(r"[^a-z0-9]+", "-", id.lower()).strip("-")[:63].strip("-") or "example"
        problems.append(
            refuse(
                "",
                f"the file's name gives the id {id!r}, which may have only a-z, 0-9 and inner hyphens",
                f"Rename the file to {better}.toml.",
            )
        )
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError says line and column
        reason = str(error) if isinstance(error, ValueError) else "nested too deep"
        problems.append(refuse("", f"is not TOML: {reason}", "Correct the line; docs/sites.md has a whole example."))
        raise SiteError(problems) from error
    families = families or Families()
    raw = data
    data, family, filled, misfit = _fill(data, families)
    wrong = [(misfit.key, misfit.problem, misfit.remedy)] if misfit else []
    site = None
    try:
        site = Site.model_validate({**data, "id": id if not problems else "x"})
    except ValidationError as error:
        wrong += [_explain(item) for item in error.errors(include_url=False) if not _is_echo(item, data)]
        if misfit:  # what the family would give is missing for that reason alone
            wrong = [words for words in wrong if words[1] != "is missing" or words[0] not in ("article", "sources")]
    if "id" in data:
        wrong.append(("id", "the id is the file's name", f"Remove the key; this file's id is {id!r}."))
    wrong += _find_contradictions(data)
    wrong += _find_overlaps(raw)
    if wrong and not misfit and family is None and isinstance(data.get("family"), str):
        wrong = [_name_family(words, data["family"], families) for words in wrong]
    problems += [refuse(*_blame_family(words, family, filled)) for words in wrong]
    if problems or site is None:
        raise SiteError(problems)
    return site


def _fill(
    data: dict[str, Any], families: Families
) -> tuple[dict[str, Any], Family | None, tuple[str, ...], Misfit | None]:
    """A raw document with what its family gives, the family, the keys that it filled, and why it could not."""
    named = data.get("family")
    family = families.find(named) if isinstance(named, str) else None
    if family is None:
        return data, None, (), None
    try:
        check_home(data["home"])
    except (KeyError, TypeError, AttributeError, ValueError):  # told beside the key itself
        stand_in, home = family.fill({**data, "home": family.example})[0], data.get("home")
        return {**stand_in, "home": home} if "home" in data else {**stand_in}, family, (), None
    try:
        filled, keys = family.fill(data)
    except Misfit as misfit:
        return data, family, (), misfit
    return filled, family, keys, None


def _name_family(words: tuple[str, str, str], named: str, families: Families) -> tuple[str, str, str]:
    """A missing article or source, said of a file whose family is not known: the family may be mistyped."""
    key, problem, remedy = words
    if problem != "is missing" or key not in ("article", "sources"):
        return words
    near = find_nearest(named, families.by_id)
    hint = f'write family = "{near}"' if near else "`muniment sites families` lists those that are known"
    return key, f"{problem}, and there is no family {_show(named)} to give it", f"{remedy[:-1]}, or {hint}."


def _blame_family(words: tuple[str, str, str], family: Family | None, filled: Sequence[str]) -> tuple[str, str, str]:
    """A mistake in a value that the family gave, told as such."""
    key, problem, remedy = words
    if family is None:
        return words
    if any(key == one or key.startswith(f"{one}.") for one in filled):
        name = key.partition(".")[0]
        return key, f"{problem} (from family {family.id}, {family.file})", f"{remedy} Or say {name} in this file."
    if problem == "is missing" and key in ("article", "sources"):
        return key, f"{problem}, and family {family.id} gives none", remedy
    return words


def find_family_problems(families: Families) -> list[Problem]:
    """What is wrong with the family files of folders, and with what they would give to a site."""
    problems = []
    for family in families.by_id.values():
        try:
            filled = family.fitted(family.example)
        except Misfit as misfit:
            problems.append(Problem(file=family.file, key="example", problem=misfit.problem, remedy=misfit.remedy))
            continue
        stand_in = {"id": "x", "name": "x", "kind": "council", "family": family.id, **filled}
        wrong: list[tuple[str, str, str]] = []
        try:
            Site.model_validate(stand_in)
        except ValidationError as error:
            wrong = [_explain(item) for item in error.errors(include_url=False) if not _is_echo(item, filled)]
        wrong += [words for words in _find_contradictions(stand_in) if words[0] not in {key for key, *_ in wrong}]
        wrong += _find_overlaps(stand_in)
        problems += [
            Problem(file=family.file, key=key, problem=f"{problem} (tried with home {family.example})", remedy=remedy)
            for key, problem, remedy in wrong
            if problem != "is missing" or key.startswith("sources.")
        ]
    return [*families.problems, *problems]


def load_sites(folders: Iterable[Path], *, setting: str = "MUNIMENT_SITES") -> dict[str, Site]:
    """Read every site file of the folders, at any depth; names that begin with a dot are passed over.

    Args:
        folders: where to look; a file that lies in two of them is read once.
        setting: what messages call the setting that the folders come from.

    Returns:
        Sites by id, sorted.

    Raises:
        SiteError: with every mistake of every file, folders that are none, and ids that two files claim.
    """
    problems: list[Problem] = []
    folders = list(folders)
    families = Families(folders=tuple(folders))
    sites, wrong = read_site_files(find_site_files(folders, setting=setting, problems=problems), families=families)
    problems += families.problems
    if problems or wrong:
        raise SiteError(problems + wrong)
    return {site.id: site for site in sorted(sites.values(), key=lambda site: site.id)}


def read_site_files(
    paths: Iterable[Path], *, families: Families | None = None
) -> tuple[dict[Path, Site], list[Problem]]:
    """Read site files; one that cannot be used does not hide the others.

    Args:
        paths: the files.
        families: the families that they may name; left out: built-in ones and those beside each file.

    Returns:
        Usable sites by file, in the order given; every mistake, an id that two files claim included.
    """
    sites: dict[Path, Site] = {}
    problems: list[Problem] = []
    claimed: dict[str, Path] = {}
    for path in paths:
        if (other := claimed.setdefault(path.stem, path)) is not path:
            problems.append(
                Problem(
                    file=str(path),
                    key="",
                    problem=f"the id {path.stem!r} is taken by {other}",
                    remedy="Rename one of the two files; an id names a site's place in the archive.",
                )
            )
            continue
        try:
            sites[path] = load_site(path, families=families)
        except SiteError as error:
            problems += error.problems
    return sites, problems


def find_site_files(folders: Iterable[Path], *, setting: str, problems: list[Problem]) -> Iterator[Path]:
    """The site files of the folders, sorted within each; folders that are none go to ``problems``."""
    seen: set[Path] = set()
    for folder in folders:
        if not folder.is_dir():
            what = "is a file, not a folder" if folder.is_file() else "there is no such folder"
            remedy = (
                f"Make it, or correct {setting}."
                if not folder.is_file()
                else f"Write the folder that it is in into {setting}."
            )
            problems.append(Problem(file=str(folder), key=setting, problem=what, remedy=remedy))
            continue
        for path in sorted(folder.rglob("*.toml")):
            if any(part.startswith(".") for part in path.relative_to(folder).parts) or not path.is_file():
                continue
            if path.parent.name == FOLDER_NAME:
                continue
            if (resolved := path.resolve()) not in seen:
                seen.add(resolved)
                yield path


# ------------------------------------------------------------------ saying what is wrong

_PARTS: Final[Mapping[str, type[_Part]]] = {
    "": Site, "sources": Source, "crawl": CrawlRules, "check": CheckLimits, "recheck": Recheck,
    "extract": ExtractRules, "extract.fields": FieldRules,
}  # fmt: skip
_TABLES: Final[Mapping[str, str]] = {
    "sources": "[[sources]]", "crawl": "[crawl]", "check": "[check]", "recheck": "[[recheck]]",
    "extract": "[[extract]]", "extract.fields": "fields = { … } of [[extract]]",
}  # fmt: skip


def _part_keys(part: str) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in _PARTS[part].model_fields.items() if name != "id" or part)


def _is_echo(item: ErrorDetails, data: Mapping[str, Any]) -> bool:
    """Whether an error only says that a list has too few usable items, whose own errors are told anyway."""
    return item["type"] == "too_short" and bool(data.get(str(item["loc"][0])))


def _explain(item: ErrorDetails) -> tuple[str, str, str]:
    """Key, problem and remedy of one pydantic error."""
    loc, ctx = item["loc"], item.get("ctx", {})
    part = str(loc[0]) if len(loc) > 1 and loc[0] in _PARTS else ""
    if part == "extract" and len(loc) > 3 and loc[2] == "fields":
        part = "extract.fields"
    problem, remedy = _describe(item["type"], str(loc[-1]) if loc else "", part, item["input"], ctx) or (
        item["msg"][:1].lower() + item["msg"][1:],
        "docs/sites.md says what each key takes.",
    )
    return ".".join(str(step) for step in loc), problem, remedy


def _describe(kind: str, name: str, part: str, given: object, ctx: Mapping[str, Any]) -> tuple[str, str] | None:
    """Problem and remedy of an error by pydantic's name for it; None for one that has no words here."""
    found: tuple[str, str] | None = None
    if kind == "site":
        found = str(ctx["problem"]), str(ctx["remedy"])
    elif kind == "extra_forbidden":
        found = "there is no such key", _place_key(name, part)
    elif kind == "missing":
        found = "is missing", f"Add {_example(_PARTS[part], name)}."
    elif kind == "too_short":
        found = "is empty", f"Add {_example(Site, 'sources')}."
    elif kind == "literal_error":
        known = str(ctx["expected"]).replace(" or ", ", ").replace("'", "").split(", ")
        near = find_nearest(str(given), known)
        found = f"is {_show(given)}", f'Write "{near}".' if near else f"Write one of: {', '.join(known)}."
    elif bound := next((word for word in _BOUNDS if word in ctx), None):
        found = f"is {_show(given)}", f"Write a number that is {_BOUNDS[bound]} {ctx[bound]:g}."
    elif wanted := _WANTED.get(kind):
        found = f"is {name_type(given)}, not {wanted[0]}", wanted[1]
    return found


_BOUNDS: Final[Mapping[str, str]] = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
_WANTED: Final[Mapping[str, tuple[str, str]]] = {
    "string_type": ("text", 'Write it in quotes: "…".'),
    "int_type": ("a whole number", "Write digits without quotes, for example 10."),
    "float_type": ("a number", "Write digits without quotes, for example 2.5."),
    "finite_number": ("a finite number", "Write digits without quotes, for example 2.5."),
    "bool_type": ("true or false", "Write true or false without quotes."),
    "tuple_type": ("a list", 'Write it in square brackets: ["…"]; a table as [[sources]], with two brackets.'),
    "model_type": ("a table", "Write a table: [crawl], [check], or [[sources]] and [[recheck]] once for each."),
    "model_attributes_type": (
        "a table",
        "Write a table: [crawl], [check], or [[sources]] and [[recheck]] once for each.",
    ),
}


def _place_key(name: str, part: str) -> str:
    """What to do about an unknown key: the nearest known one, or the table where it belongs."""
    keys = _part_keys(part)
    if near := find_nearest(name, keys):
        return f"Write {near}."
    homes = [other for other in _PARTS if other != part and name in _part_keys(other)]
    if homes and homes[0] == "":
        return (
            f"Move it above the first [table]: {name} belongs to the site, and below {_TABLES[part]} it counts as its."
        )
    if homes:
        return f"Move it below {_TABLES[homes[0]]}."
    return f"Remove it. Known here: {', '.join(keys)}."


def _example(part: type[_Part], name: str) -> str:
    if name == "sources":
        return '[[sources]] with type = "feed" and url = "https://…"'
    examples = part.model_fields[name].examples or ["…"]
    quote = "'" if "\\" in str(examples[0]) else '"'
    return f"{name} = {quote}{examples[0]}{quote}"


def _show(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _find_contradictions(data: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What the keys of a file say against each other: key, problem, remedy.

    Works on the raw document so that these mistakes are told beside those of single keys; a value that
    cannot be used at all is passed over here.
    """
    yield from _find_article_problems(data)
    known = {*_part_keys(""), *(f"{part}.{key}" for part in _TABLES for key in _part_keys(part))}
    for index, name in enumerate(_texts(data.get("unverified"))):
        if name not in known:
            near = find_nearest(name, known)
            yield (
                f"unverified.{index}",
                f"{name!r} is no key of a site file",
                f'Write "{near}".' if near else "Remove it.",
            )
    rungs = data.get("recheck")
    if isinstance(rungs, list) and all(isinstance(rung, dict) for rung in rungs):
        yield from _find_ladder_problems(rungs)


def _find_article_problems(data: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Mistakes that show when article, exclude, hosts and examples are held against each other."""
    home, article = data.get("home"), data.get("article")
    try:
        parts = urlsplit(check_home(home)) if isinstance(home, str) else None
        pattern = check_pattern(article) if isinstance(article, str) else None
        hosts = [check_domain(host) for host in _texts(data.get("domains"))] or ([find_netloc(parts)] if parts else [])
        exclude = [re.compile(check_pattern(text)) for text in _texts(data.get("exclude"))]
    except ValueError:  # told beside the key itself; PydanticCustomError is one
        return
    if parts is None or pattern is None:
        return
    begin = escape(f"{parts.scheme}://{hosts[0]}/")
    reached = [
        host for host in hosts if any(find_reach(pattern, f"{scheme}://{host}/") for scheme in ("https", "http"))
    ]
    if not reached:
        yield (
            "article",
            f"matches no URL of {', '.join(hosts)}: the whole URL has to match, from https:// on",
            f"Begin it with '{begin}'.",
        )
        return
    if any(find_reach(pattern, f"{scheme}://elsewhere.invalid/") for scheme in ("https", "http")):
        yield (
            "article",
            f"is not held to the site: it also matches URLs of hosts other than {', '.join(hosts)}",
            f"Begin it with '{begin}'.",
        )
        return
    compiled = re.compile(pattern)
    for key, wanted in (("examples", True), ("counter_examples", False)):
        for index, url in enumerate(_texts(data.get(key))):
            verdict = _judge(url, compiled, exclude, hosts)
            if wanted and verdict:
                yield f"{key}.{index}", f"{_show(url)} is no article: {verdict}", "Correct article, or the example."
            elif not wanted and verdict is None:
                yield f"{key}.{index}", f"{_show(url)} counts as an article", "Tighten article, or add to exclude."


def _judge(url: str, article: re.Pattern[str], exclude: Sequence[re.Pattern[str]], hosts: Sequence[str]) -> str | None:
    """Why a URL is no article; None when it is one."""
    try:
        host = find_netloc(urlsplit(url))
    except ValueError:
        return "it is no URL"
    if host not in hosts:
        return f"its host is not one of {', '.join(hosts)}"
    if len(url) > MAX_URL:
        return f"it is longer than {MAX_URL} characters"
    if not article.fullmatch(url):
        return "it does not match article"
    return next((f"exclude has {pattern.pattern!r}" for pattern in exclude if pattern.search(url)), None)


def _find_ladder_problems(rungs: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    try:
        ages = [read_duration(rung["age"]) if "age" in rung else None for rung in rungs]
    except PydanticCustomError:
        return
    for index, (age, following) in enumerate(itertools.pairwise(ages)):
        if age is None:
            yield f"recheck.{index}.age", "is missing before the last rung", "Add age, or move this rung to the end."
        elif isinstance(age, timedelta) and isinstance(following, timedelta) and following <= age:
            yield f"recheck.{index + 1}.age", "is not later than that of the rung before", "Order the rungs by age."


def _find_overlaps(data: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Tables of extraction rules of one file that are for the same days, or for none; key, problem, remedy."""
    tables = data.get("extract")
    spans: list[tuple[int, date, date]] = []
    for index, table in enumerate(tables if isinstance(tables, list) else ()):
        try:
            rules = ExtractRules.model_validate({key: table[key] for key in ("from", "until") if key in table})
        except (ValidationError, TypeError):  # told beside the key itself
            continue
        first, last = rules.from_ or date.min, rules.until or date.max
        if last < first:
            yield f"extract.{index}.until", f"is {last}, before from, {first}", "Exchange them, or correct one."
            continue
        other = next((span for span in spans if span[1] <= last and first <= span[2]), None)
        if other is not None:
            yield (
                f"extract.{index}",
                f"is for days that extract.{other[0]} is for, too",
                "Give both from and until; a day belongs to one table only, and both days to their span.",
            )
        spans.append((index, first, last))


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


# ------------------------------------------------------------------ for editors


def site_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a site file, for editors: ``#:schema …`` in the file's first line."""
    schema = Site.model_json_schema(mode="validation")
    schema["properties"].pop("id")
    schema["required"].remove("id")
    _drop_titles(schema)
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": "https://muniment.invalid/site.schema.json",
        "title": "Muniment site file",
        **schema,
    }


def _drop_titles(node: object) -> None:
    """Take out the titles that pydantic makes of names: they repeat the key and crowd an editor's pop-up."""
    if isinstance(node, dict):
        if isinstance(node.get("title"), str):
            del node["title"]
        for child in node.values():
            _drop_titles(child)
    elif isinstance(node, list):
        for child in node:
            _drop_titles(child)


def schema_text() -> str:
    """``site_schema()`` as the text of ``spiders/sites/site.schema.json``."""
    return json.dumps(site_schema(), indent=2, ensure_ascii=False) + "\n"
