"""The nouns of the archive: what is written into the bucket, as frozen types.

Every type here is a document or a part of one; `docs/archive-format.md` describes them for readers in
other languages. Nothing here does I/O. Times are UTC with an explicit zone; digests are
``<algorithm>:<value>``; keys are keys in the archive's bucket.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

CONTRACT = 1
"""Version of the bucket contract that this code writes (see ``pipeline.archive``)."""


def _utc_text(moment: datetime) -> str:
    text = moment.astimezone(UTC).isoformat(timespec="microseconds" if moment.microsecond else "seconds")
    return text.replace("+00:00", "Z")


UtcTime = Annotated[datetime, PlainSerializer(_utc_text, return_type=str, when_used="json")]
"""A moment; in JSON ``2026-11-22T09:30:00Z``."""


class Document(BaseModel):
    """Base of everything that is written as JSON: frozen, keyword-only, unknown fields kept out of the way.

    Readers must ignore fields they do not know (the contract grows by addition), so this does too.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_timedelta="float")

    def to_json(self) -> bytes:
        """The document as UTF-8 JSON, keys in field order, without trailing white space."""
        return self.model_dump_json(exclude_none=False).encode()


class Outcome(StrEnum):
    """How a discovered URL ended in a run: exactly one each; they add up to what was discovered."""

    ARCHIVED = "archived"  # a new version was made of it
    UNCHANGED = "unchanged"  # 304, same payload, same text, or not due yet
    NOT_AN_ARTICLE = "not-an-article"
    EXCLUDED = "excluded"  # robots, pattern, opt-out, off-site
    BLOCKED = "blocked"  # 401/403/429/451/503, consent or firewall page
    GONE = "gone"  # 404/410
    FAILED = "failed"  # no usable answer: DNS, time-out, 5xx, too large, malformed
    DEFERRED = "deferred"  # found, but the run's fetch_at_most was spent; the next run takes it


class State(StrEnum):
    """What a version says of its article."""

    LIVE = "live"
    GONE = "gone"
    MOVED = "moved"  # it is under another address now: this version's ``url``, or the article ``moved_to``
    RESTORED = "restored"
    BLOCKED = "blocked"  # the site lives, and this page has not been readable for long
    REDACTED = "redacted"


class Change(StrEnum):
    """Why a version was made."""

    NEW = "new"  # first version of the article
    EDITED = "edited"  # its title or text changed
    GONE = "gone"
    MOVED = "moved"
    RESTORED = "restored"
    BLOCKED = "blocked"
    REEXTRACTED = "reextracted"  # its page was read anew, and otherwise; the publisher changed nothing


class Moment(Document):
    """A date as a page gave it, and what we make of it.

    ``value`` is UTC; with ``precision="day"`` only its date (in the site's zone) is meant.
    """

    value: UtcTime
    precision: Literal["second", "minute", "day", "month", "year"] = "second"
    original: str  # the text that was read
    source: str  # where: "json-ld", "opengraph", "meta", "time", "htmldate", "feed", …
    zone_assumed: bool = False  # the text had no zone; the site's was taken


class Evidence(Document):
    """Where the WARC record lies that proves a version: read ``length`` bytes at ``offset`` of ``warc``."""

    warc: str  # key of the segment
    offset: int
    length: int
    record_id: str  # WARC-Record-ID, "<urn:uuid:…>"
    record_type: Literal["response", "revisit"] = "response"
    payload_digest: str  # as in WARC-Payload-Digest
    status: int  # HTTP status
    captured_at: UtcTime
    rendered_digest: str | None = None  # of the DOM that a browser made of it, and that was read in its place


class Origin(Document):
    """Where an imported capture comes from: a record of a file that something else wrote."""

    file: str  # its name, and in a WACZ the name of the WARC in it behind "!"
    sha256: str  # of the file, hexadecimal digits
    offset: int  # of the record's gzip member in that WARC, or of the record
    unpacked: bool = False  # the offset counts bytes behind the decompression: the records share one stream
    software: str | None = None  # that wrote it, as its warcinfo says
    record_id: str  # WARC-Record-ID there
    record_type: Literal["response", "revisit"] = "response"  # WARC-Type there
    payload_digest: str | None = None  # WARC-Payload-Digest there
    block_digest: str | None = None  # WARC-Block-Digest there
    url: str | None = None  # WARC-Target-URI there, where it is spelled otherwise than here
    note: str | None = None  # what is to be known of it: whose payload a revisit was given, what a digest is of


class Part(Document):
    """A part of an article's text, in its order: the parts' texts, each on lines of its own, are the text."""

    kind: Literal["paragraph", "heading", "item", "quote", "table", "code", "standfirst", "correction", "entry"] = (
        "paragraph"
    )
    text: str
    level: int | None = None  # of a heading (2 to 6), or how deep a list's item is (from 1)
    ordered: bool | None = None  # item: of a numbered list
    rows: tuple[tuple[str, ...], ...] | None = None  # table: cells; the text has a row a line
    time: UtcTime | None = None  # entry: when this part of a live page was written; it heads the parts up to the next
    page: int | None = None  # of a document, from 1


class Stripped(Document):
    """A block of the page that is not part of the text, and why."""

    text: str
    reason: str
    after: int | None = None  # it stood behind so many of the parts; 0: before the first; None: not told
    rule: str | None = None  # what decided: "memory", "site rule", "model", …, with its word for it


class Byline(Document):
    """One who signed an article."""

    name: str
    role: str | None = None  # "Local Democracy Reporter"
    url: str | None = None  # of the page about them


class Image(Document):
    """A picture of the article."""

    url: str
    caption: str | None = None
    credit: str | None = None
    alt: str | None = None


class Notice(Document):
    """What an article says of itself: that it was corrected, clarified, updated."""

    kind: Literal["correction", "clarification", "update", "retraction", "editor's note"]
    text: str
    time: UtcTime | None = None


class Contact(Document):
    """Whom the press may ask."""

    text: str  # as it stands there
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class Linked(Document):
    """A document that an article links."""

    url: str
    title: str | None = None


class Edit(Document):
    """How the text of a version differs from that of the one before it."""

    classes: tuple[Literal["headline", "correction", "substance"], ...]
    words_added: int
    words_removed: int


class Story(Document):
    """What `Article` and `Version` have in common: all that extraction reads out of a page."""

    url: str  # canonical URL
    title: str
    text: str  # clean body, paragraphs separated by one line break
    kind: Literal["article", "live", "document"] = "article"  # live: entries with times; document: a PDF
    parts: tuple[Part, ...] = ()  # the text with its structure; empty where it was not kept
    standfirst: str | None = None  # the paragraph below the headline that sums the article up, where there is one
    byline: str | None = None  # as it stands on the page
    authors: tuple[str, ...] = ()  # people
    bylines: tuple[Byline, ...] = ()  # all that sign, with role and address; an agency or the house has that as role
    agencies: tuple[str, ...] = ()  # "PA Media", "Local Democracy Reporting Service"
    published: Moment | None = None
    modified: Moment | None = None
    section: str | None = None
    language: str | None = None  # BCP 47
    description: str | None = None
    image: str | None = None
    images: tuple[Image, ...] = ()
    tags: tuple[str, ...] = ()
    free: bool | None = None  # schema.org isAccessibleForFree; None: not told
    notices: tuple[Notice, ...] = ()
    notes_to_editors: str | None = None
    contacts: tuple[Contact, ...] = ()
    embargo: Moment | None = None
    ward: str | None = None
    committee: str | None = None
    documents: tuple[Linked, ...] = ()  # PDFs that it links
    document_of: tuple[str, ...] = ()  # document: URLs of the articles that link it
    origins: dict[str, str] = Field(default_factory=dict)  # field name -> where it was read
    confidence: dict[str, float] = Field(default_factory=dict)  # field name -> 0 to 1: how often such a value is right
    stripped: tuple[Stripped, ...] = ()
    words: int
    digest: str  # ``content_digest(title, text)``
    essence: str | None = None  # ``pipeline.edits.essence_digest(title, text)``
    recipe: str | None = None  # digest of all that decided how the page was read, but the page; None: not told


class Article(Story):
    """What extraction makes of a capture."""

    article: str  # id, from ``article_id(url)``


class Finding(Document):
    """One line of ``extracted-<nnnnn>.jsonl.zst``: what became of one captured page of the run.

    ``kind`` "article" carries ``article``; every other kind carries ``reason`` in words.
    """

    kind: Literal["article", "unchanged", "not-an-article", "gone", "blocked", "failed", "excluded"]
    requested: str  # canonical form of the URL as it was discovered
    final: str  # URL that answered, after redirects
    evidence: Evidence
    reason: str | None = None
    article: Article | None = None
    etag: str | None = None
    last_modified: str | None = None
    via: str | None = None  # URL of the source that named it; None for a re-check
    source_lastmod: str | None = None  # date the source gave (sitemap lastmod, feed updated), as text
    extractor: str | None = None  # what made ``article``: "muniment text 1 (trafilatura 2.3.1, weights 1a2b3c4d)"
    hops: tuple[tuple[int, str], ...] = ()  # redirects from ``requested`` to ``final``: status, and where it led
    facts: dict[str, str] = Field(default_factory=dict)  # what the source says: "author", "guid", "published" …
    policy: dict[str, str] = Field(default_factory=dict)  # what the site allows: robots rule, noarchive, TDM …
    rules: dict[str, bool] = Field(default_factory=dict)  # article: rule of the site's file -> it found something
    origin: Origin | None = None  # of an imported capture


class Version(Story):
    """The n-th distinct state of an article; one object, created once, never overwritten."""

    contract: int = CONTRACT
    site: str
    article: str
    n: int = Field(ge=1)
    state: State
    change: Change
    final_url: str
    requested_url: str
    publisher: str
    run: str
    captured_at: UtcTime
    evidence: Evidence
    extractor: str  # "muniment text 1 (trafilatura 2.3.1, weights 1a2b3c4d)"
    code: str  # "muniment 0.1.0"
    note: str | None = None  # for gone / blocked / moved / restored: the reason in words
    edit: Edit | None = None  # where headline or text differ from the version before
    moved_to: str | None = None  # id of the article that has this one's new address, and its text from now on
    hops: tuple[tuple[int, str], ...] = ()  # redirects from ``requested_url`` to ``final_url``
    facts: dict[str, str] = Field(default_factory=dict)  # what the source said of it: "author", "guid" …
    policy: dict[str, str] = Field(default_factory=dict)  # what the site allowed: robots rule, noarchive, TDM …
    origin: Origin | None = None  # of an imported capture


Mode = Literal["regular", "backfill", "full", "import", "reextract"]
"""What kind of run it is; see ``spiders.protocol.Orders``."""


class Check(Document):
    """One named check of the gate with its figure and the limit it was held against."""

    name: str
    verdict: Literal["accept", "warn", "reject"]
    figure: float | None
    limit: float | None
    message: str  # one sentence for the operator
    normal: tuple[float, float] | None = None  # what the site's own history makes of the figure: from, to
    basis: str | None = None  # the history that limit or normal came from, in words: "26 Mondays since 4 May"


class SourceRecord(Document):
    """What is remembered of a source from report to report, so that its silence can be told from its usual pauses."""

    url: str
    type: str
    items: int  # entries or links that it named in this run
    articles: int | None = None  # article URLs among them; None: not told
    new: int = 0  # of these, the ones that it was the first to name
    newest: UtcTime | None = None  # its newest date of an article
    since: UtcTime  # the first run that recorded it
    alive: UtcTime  # its latest sign of life: an article that nobody knew, or a newer date
    arrivals: tuple[tuple[UtcTime, UtcTime], ...] = ()  # first and last sign of life of a day, for the latest days
    mark: str | None = None  # digest of the unknown articles it named, so that the same ones do not count again


class RuleRecord(Document):
    """What is remembered of an extraction rule of a site's file from report to report."""

    rule: str  # 'strip ".promo"'
    pages: int  # articles of this run that it was held against
    found: int  # … and on which it found something
    idle: int  # articles in a row, earlier runs' too, in whose runs it found nothing
    since: UtcTime  # since when that is so; where idle is 0, when it found something last


Cause = Literal[
    "redesign",  # the pages are built otherwise
    "consent wall",  # a question about cookies or payment stands before the pages
    "login wall",
    "firewall",  # something refuses us, and says so with 200 or 403
    "throttled",  # the site asked to be left alone, and was
    "site down",  # no answer, 5xx, a name that does not resolve, a certificate that is not good
    "empty source",  # what names the pages names none, or none that fit
    "strange pages",  # a source names a mass of addresses whose pages are not built as the site's are, which stand
    "dates",  # in a new form or place
    "one text",  # a copy of one text on all pages
    "old text",  # what is said to be new was there before
    "language",
    "volume",  # much more or much less than is normal, and nothing else
    "books",  # a defect or a damaged segment
    "clock",  # this machine's, or the servers', is wrong
    "slow",  # its answers take much longer than they did, or its pages more time than a run has
    "unknown",
]
"""What a run that the gate refused, or warns of, most likely suffers from."""


class BlockChange(Document):
    """A block of a site's pages that is on more or on fewer of them than it was, or stands elsewhere."""

    place: str  # "main > article > div.body"
    change: Literal["gone", "came", "moved"]
    before: float  # share of the last good runs' pages that had it
    now: float  # share of this run's
    moved_to: str | None = None  # where the same text stands now
    text: str = ""  # how it begins, where it is the same on several pages; never the words of one article


class ExamplePage(Document):
    """A page of a run beside what the archive has of it or of one like it."""

    url: str
    what: str  # what is odd about it, in a few words
    evidence: Evidence | None = None  # None: nothing was captured of it
    words: int = 0
    earlier: str | None = None  # key of the version it is held against
    earlier_words: int | None = None


class Diagnosis(Document):
    """What changed, most likely why, and what to do: with the report of a run that was rejected or looks odd."""

    cause: Cause
    sentence: str  # what the operator reads first
    likelihood: float  # 0 to 1, as the rules weigh it
    compared: tuple[str, ...] = ()  # runs that it was held against
    changes: tuple[BlockChange, ...] = ()
    examples: tuple[ExamplePage, ...] = ()
    steps: tuple[str, ...] = ()  # what to do, in order, with commands


class Report(Document):
    """``runs/<site>/<run>/report.json``: what a run counted, its checks, and the verdict."""

    contract: int = CONTRACT
    site: str
    run: str
    verdict: Literal["accept", "warn", "reject"]
    checks: tuple[Check, ...]
    counts: dict[str, int]  # discovered, captured, articles, not-an-article, …
    reasons: dict[str, int] = Field(default_factory=dict)  # "not-an-article: too short" -> 3
    message: str  # what the operator reads
    sources: tuple[SourceRecord, ...] = ()  # what is remembered of each source
    rules: tuple[RuleRecord, ...] = ()  # what is remembered of each extraction rule of the site's file
    mode: Mode = "regular"
    """The figures of "backfill", "import" and "reextract" are no measure for other runs."""
    fill: dict[str, int] = Field(default_factory=dict)  # field of an article -> articles of the run that have it
    lag: float | None = None  # seconds from publication to capture, the middle one of the new articles
    lengths: dict[int, int] = Field(default_factory=dict)  # class of lengths (pipeline.normal.expect) -> articles
    openings: str = ""  # how its articles begin, in digests (pipeline.normal.openings)
    diagnosis: Diagnosis | None = None


class Release(Document):
    """``runs/<site>/<run>/released.json``: somebody takes it upon them to publish what the gate refused."""

    contract: int = CONTRACT
    site: str
    run: str
    by: str
    reason: str
    at: UtcTime
    into: str | None = None  # the re-extraction that publishes its captures in its place; None: it is published itself


class ComparedPage(Document):
    """A page that is read otherwise now than it was."""

    url: str
    what: Literal["text", "came", "went", "fields"]
    why: str | None = None  # went: what it is now; fields: which differ
    words_before: int = 0
    words: int = 0
    evidence: Evidence | None = None


class Comparison(Document):
    """``runs/<site>/<run>/comparison.json``: what a re-extraction makes of pages, beside what was made of them."""

    contract: int = CONTRACT
    site: str
    run: str
    runs: int  # whose captures were read again
    first: str  # of these
    last: str
    pages: int  # captures
    articles_before: int
    articles: int
    same: int  # articles before and now, in essence with the same headline and text
    text: int  # … with another headline or text
    came: int  # articles only now
    went: int  # articles no longer
    unknown: int = 0  # what had been made of them is not to be had
    words_before: int = 0  # of the texts that are others now
    words_added: int = 0
    words_removed: int = 0
    fields: dict[str, int] = Field(default_factory=dict)  # field -> articles in which it differs, before and now
    fill_before: dict[str, int] = Field(default_factory=dict)  # field -> articles that had it, of those that still are
    fill: dict[str, int] = Field(default_factory=dict)  # … and have it
    reasons: dict[str, int] = Field(default_factory=dict)  # of those that went: "not-an-article: too short" -> 3
    one_text: int = 0  # pages of the largest group that came or changed and have one text, at different addresses
    examples: tuple[ComparedPage, ...] = ()


class Published(Document):
    """``runs/<site>/<run>/published.json``: written last; its existence says the run is published."""

    contract: int = CONTRACT
    site: str
    run: str
    outcomes: dict[str, int]  # Outcome -> number of discovered URLs; adds up to ``discovered``
    discovered: int
    versions: dict[str, int]  # Change -> number of versions made
    made: tuple[str, ...]  # keys of the versions made by this run, sorted
    table_rows: int
    storms: dict[str, str] = Field(default_factory=dict)  # "gone", "blocked" -> why the run's are doubted
    recast: dict[str, tuple[Literal["gone", "blocked", "not-an-article"], str]] = Field(default_factory=dict)
    """Record id -> what its finding is together with the run's others, and why: a wall, many that led to one."""


class Recorded(Document):
    """An object as it was written."""

    key: str
    size: int  # bytes
    sha256: str  # hexadecimal digits


class Replaced(Document):
    """What became of an object that had been created once."""

    key: str
    before: str  # SHA-256 of what had stood there, in hexadecimal digits
    after: str | None  # of what stands there now; None: nothing
    sealed: str | None = None  # key under which the former is kept from readers; None: it is destroyed


class JournalEntry(Document):
    """``journal/<site>/<nnnnnnnn>.json``: something that was done to a site's objects; see ``pipeline.journal``."""

    contract: int = CONTRACT
    site: str
    n: int = 0  # number of the entry, from 1
    previous: str = ""  # digest of the entry before this one; empty: this is the first
    token: str = ""  # names what is told: it is told once
    at: UtcTime
    kind: Literal[
        "published", "rejected", "released", "suspended", "reinstated", "redacted", "destroyed", "repaired", "expired"
    ]
    run: str | None = None
    takedown: str | None = None  # id of the takedown that it is part of
    by: str | None = None  # who ordered it
    reason: str | None = None
    objects: tuple[Recorded, ...] = ()  # what was created, by key
    replaced: tuple[Replaced, ...] = ()  # what was put in the place of something, or taken away
    published: Published | None = None  # what the run's published.json says


class SpanMark(Document):
    """What is kept in the open of a span of text that was redacted: enough to know it again, not to read it."""

    length: int  # characters, folded as ``pipeline.takedown`` does
    sha256: str  # of the folded span, in hexadecimal digits


class TakedownOrder(Document):
    """``takedowns/<site>/<takedown>.json``: what is to be withheld, redacted or destroyed, and how that stands.

    ordered → carried out → reinstating → reinstated, or ordered → destroyed.
    """

    contract: int = CONTRACT
    site: str
    takedown: str  # id, of the form of a run's
    article: str
    url: str  # of the article
    spans: tuple[SpanMark, ...] = ()  # what is redacted; none: the whole article is withheld
    destroy: bool = False  # nothing is kept
    state: Literal["ordered", "carried out", "reinstating", "reinstated", "destroyed"] = "ordered"
    by: str
    reason: str
    ordered_at: UtcTime
    until: UtcTime | None = None  # when it is to be reinstated
    done_at: UtcTime | None = None  # when it was carried out
    ended_by: str | None = None
    ended_reason: str | None = None
    ended_at: UtcTime | None = None
    cared_at: UtcTime | None = None  # when maintenance last looked through the runs that had come in
    touched: tuple[Replaced, ...] = ()  # what is being replaced, noted before that is done; ``after`` as planned
    locked: dict[str, UtcTime] = Field(default_factory=dict)  # key -> until when the store keeps an earlier state


class MovedTable(Document):
    """Where a table lay that was moved: what writers still put there is made up for."""

    bucket: str
    commit: int  # of the old table, up to which all is in the new one; -1: none


class Marker(Document):
    """``muniment.json``: says that the bucket is an archive, and by which contract."""

    contract: int = CONTRACT
    written_by: str  # "muniment 0.1.0"
    tables_bucket: str | None = None  # bucket of ``tables/`` when it is another one
    moved: MovedTable | None = None  # where it was before, as long as the old one has not been removed


_FOLD = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2026": "..."}


def _fold(text: str) -> str:
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text)
    for mark, plain in _FOLD.items():  # a fifth of the time of str.translate
        text = text.replace(mark, plain)
    return text


def content_digest(title: str, text: str) -> str:
    """Digest of what makes a new version: headline and body, blind to white space and typographic quotes.

    Returns:
        ``sha256:<64 hex digits>``.
    """
    parts = (" ".join(_fold(part).split()) for part in (title, text))
    return "sha256:" + hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def article_id(url: str) -> str:
    """Id of the article at a canonical URL: the first 20 hex digits of its SHA-256 (80 bits)."""
    return hashlib.sha256(url.encode()).hexdigest()[:20]


def pool_name(group: str) -> str:
    """Name of the Airflow pool, of one slot, in which the crawls of a politeness group wait for each other."""
    return f"muniment_{group}"


def run_id(started: datetime, token: str) -> str:
    """Id of a run: sorts by start, and is the same for the same start and token.

    Args:
        started: when the run was due or begun; any zone.
        token: what tells two runs of one second apart (Airflow's run id, or random text).

    Returns:
        ``20261122T093000Z-1a2b3c4d``.
    """
    if started.tzinfo is None:
        raise ValueError("a run's start needs a time zone")
    suffix = hashlib.sha256(token.encode()).hexdigest()[:8]
    return f"{started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{suffix}"


RUN_ID = re.compile(r"^\d{8}T\d{6}Z-[0-9a-f]{8}$")
SITE_ID = re.compile(r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")
