"""What a page says of itself: headline, authors, dates, section, and where each was read.

Pure: a parsed tree in, one frozen `Metadata` out; the tree is not changed. The places are tried in an
order of trust that was measured on labelled pages: JSON-LD, OpenGraph, microdata, ``meta``, the visible
page, and for dates at last htmldate's guess. Headlines are found by vote. Everything on a page may be
hostile, so every value is cleaned, bounded, and refused rather than believed.

Not here: the text of the page and its language as detected (`pipeline.body`), and the question whether
the page is an article at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from lxml.html import HtmlElement

from pipeline.metadata.authors import read_authors
from pipeline.metadata.confidence import weigh_fields
from pipeline.metadata.dates import read_modified, read_published
from pipeline.metadata.fields import (
    normal_language,
    read_canonical,
    read_declared,
    read_description,
    read_image,
    read_language,
    read_section,
    read_tags,
)
from pipeline.metadata.live import Update, read_updates
from pipeline.metadata.moments import GUESSED, Clock, Precision, parse_moment
from pipeline.metadata.names import looks_like_name, split_names
from pipeline.metadata.page import JsonLd, Page, parse_json_ld, site_names
from pipeline.metadata.title import vote_title
from pipeline.metadata.values import AUTHORS, NAME_CHARACTERS, TITLE_CHARACTERS, clean_text, clean_url, fold, tidy
from pipeline.model import Byline, Moment
from spiders.site import Site

__all__ = [
    "AUTHORS",
    "GUESSED",
    "NAME_CHARACTERS",
    "TITLE_CHARACTERS",
    "Clock",
    "JsonLd",
    "Metadata",
    "Page",
    "Precision",
    "Update",
    "clean_text",
    "clean_url",
    "fold",
    "looks_like_name",
    "normal_language",
    "parse_json_ld",
    "parse_moment",
    "read_metadata",
    "split_names",
    "tidy",
]


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """The fields of a page; ``origins`` names for each filled field the place where it was read."""

    title: str | None = None
    titles: tuple[str, ...] = ()  # every form of the headline that the page shows or declares
    authors: tuple[str, ...] = ()  # people
    byline: str | None = None  # as it stands on the page; where it stands nowhere, as declared
    bylines: tuple[Byline, ...] = ()  # all who signed, with role and address: also agencies and the house itself
    agencies: tuple[str, ...] = ()  # that are named as authors
    published: Moment | None = None
    modified: Moment | None = None
    section: str | None = None
    tags: tuple[str, ...] = ()
    language: str | None = None  # as declared, BCP 47
    description: str | None = None
    image: str | None = None
    canonical: str | None = None  # as declared, and only when it is an article of the site
    declared_article: bool = False  # JSON-LD, OpenGraph or microdata call the page an article
    declared_list: bool = False  # JSON-LD calls the page a collection, and nothing calls it an article
    declared: tuple[str, ...] = ()  # what JSON-LD and OpenGraph call the page: "NewsArticle", "og:video.other"
    updates: tuple[Update, ...] = ()  # of a live page, as declared, in the order of the declaration
    clock: Clock | None = None  # how dates of this page are to be read
    origins: Mapping[str, str] = field(default_factory=dict)
    confidence: Mapping[str, float] = field(default_factory=dict)  # field name -> how often such a value is right
    page: Page | None = field(
        default=None, repr=False, compare=False
    )  # what they were read from: `pipeline.particulars`
    linked: JsonLd | None = field(default=None, repr=False, compare=False)  # asks it for more


def read_metadata(tree: HtmlElement, *, site: Site, url: str, captured_at: datetime) -> Metadata:
    """Read the metadata of a page.

    Args:
        tree: the whole page, parsed; left as it is.
        site: whose page it is: its names are no headline and no author, its time zone is assumed.
        url: the URL that answered, for relative links.
        captured_at: when the page was fetched; a date more than a day later is refused.
    """
    page = Page(tree)
    linked = JsonLd(page.scripts, url)
    clock = Clock(zone=site.timezone, month_first=site.country == "us", latest=captured_at + timedelta(days=1))
    names = site_names(site, url, page, linked)
    origins: dict[str, str] = {}

    def note(name: str, found: tuple[Any, str]) -> Any:
        value, origin = found
        if value:
            origins[name] = origin
        return value or None

    headline = vote_title(page, linked, names)
    signed = read_authors(tree, page, linked, names, url)
    article = linked.article is not None or page.is_article
    published = note("published", read_published(tree, page, linked, clock, url))
    modified = note("modified", read_modified(page, linked, clock))
    about = Metadata(
        title=note("title", (headline.text, headline.origin)),
        titles=headline.forms,
        authors=note("authors", (signed.people, signed.origin)) or (),
        bylines=signed.all,
        byline=note("byline", (signed.text, signed.text_origin)),
        agencies=note("agencies", (signed.agencies, signed.agencies_origin)) or (),
        published=published,
        modified=modified,
        section=note("section", read_section(page, linked, names)),
        tags=note("tags", read_tags(page, linked, names)) or (),
        language=note("language", read_language(page, linked)),
        description=note("description", read_description(page, linked)),
        image=note("image", read_image(page, linked, url)),
        canonical=note("canonical", read_canonical(page, site, url)),
        declared_article=article,
        declared_list=linked.is_list and not article,
        declared=read_declared(page, linked),
        updates=read_updates(linked, clock),
        clock=clock,
        origins=origins,
        page=page,
        linked=linked,
    )
    sure = weigh_fields(origins, agreed=headline.agreed, published=published, modified=modified)
    return replace(about, confidence=sure)
