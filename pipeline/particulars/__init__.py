"""What a page says beside its text and its usual metadata: pictures with credits, notices, notes to editors, whom the
press may ask, embargo, ward and committee, documents that it links, agencies named in the text, and whether it is free.

Pure: the tree is read, not changed. Nothing is taken out of the text: notes to editors and contacts are part of a
release, and an edit of them is an edit; the fields repeat them. Each field has the place it was read in and a
confidence: how often values that were read in this way were right where that could be measured, a cautious estimate
elsewhere. Not here: who wrote it, when, and what it is called (`pipeline.metadata`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote

from lxml.html import HtmlElement

from pipeline.body import Body
from pipeline.metadata import Clock, Metadata, clean_text, clean_url, fold, tidy
from pipeline.model import Article, Contact, Image, Linked, Moment, Notice
from pipeline.particulars.agencies import find_agencies
from pipeline.particulars.images import Picture, common_element, declared_image, is_within, read_images, survey_pictures
from pipeline.particulars.labels import find_committee, find_pairs, find_ward
from pipeline.particulars.notices import read_notices
from pipeline.particulars.press import EMAIL, find_contacts, find_embargo, find_notes, join_notes
from spiders.site import Site

__all__ = ["Particulars", "Picture", "read_particulars", "survey_pictures"]

DOCUMENTS: Final = 50
_LINKS: Final = 3000  # looked at
_HEAD: Final = 12  # blocks above the text that belong to its head
_FUTURE: Final = timedelta(days=400)  # an embargo may end that long after the page was fetched


@dataclass(frozen=True, kw_only=True)
class Particulars:
    """The fields; ``origins`` and ``confidence`` speak of the filled ones."""

    standfirst: str | None = None
    images: tuple[Image, ...] = ()
    free: bool | None = None
    notices: tuple[Notice, ...] = ()
    notes_to_editors: str | None = None
    contacts: tuple[Contact, ...] = ()
    embargo: Moment | None = None
    ward: str | None = None
    committee: str | None = None
    agencies: tuple[str, ...] = ()
    documents: tuple[Linked, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    confidence: Mapping[str, float] = field(default_factory=dict)

    def add_to(self, article: Article) -> Article:
        """The article with these fields; agencies that it has already are not named twice."""
        known = {name.casefold() for name in article.agencies}
        fields = {name: getattr(self, name) for name in self.origins}
        fields["agencies"] = (*article.agencies, *(name for name in self.agencies if name.casefold() not in known))
        origins = {**self.origins, **article.origins}
        return article.model_copy(
            update={**fields, "origins": origins, "confidence": {**self.confidence, **article.confidence}}
        )


def read_particulars(
    tree: HtmlElement,
    about: Metadata,
    body: Body,
    *,
    site: Site,
    url: str,
    captured_at: datetime,
    pictures: Sequence[Picture] | None = None,
) -> Particulars:
    """Read all that a page says of its article beside text and metadata.

    Args:
        tree: the page, as `pipeline.body` left it.
        about: its metadata.
        body: its text, and what became of each of its blocks.
        site: whose page it is; its time zone is assumed.
        url: the URL that answered, for relative links.
        captured_at: when the page was fetched.
        pictures: what `survey_pictures` found before `pipeline.body` took anything out of the tree; left out: what
            is still there is surveyed.
    """
    clock = about.clock or Clock(zone=site.timezone, month_first=site.country == "us", latest=captured_at)
    kept = [verdict.block for verdict in body.verdicts if verdict.kept]
    span = (kept[0].element, kept[-1].element) if kept else None
    lines = [line for line in body.text.split("\n") if line.strip()]
    near = _near_lines(body)
    spoken = {line.casefold() for line in lines}
    links = _read_links(tree, span, url)
    found: dict[str, Any] = {}
    origins: dict[str, str] = {}
    confidence: dict[str, float] = {}

    def note(name: str, value: Any, origin: str) -> None:
        if value not in (None, (), ""):
            found[name], origins[name] = value, origin
            confidence[name] = _CONFIDENCE[name, origin]

    note("standfirst", *_find_standfirst(body, about))
    note("images", *_read_images(tree, pictures, about, url, spoken, [block.element for block in kept]))
    note("free", *_read_free(about))
    notices = read_notices(
        "\n".join(lines),
        about.linked.values("correction") if about.linked else (),
        clock=clock,
        written=about.modified or about.published,
    )
    note("notices", notices, "text" if notices and fold(notices[0].text) in fold(body.text) else "json-ld")
    _note_press(note, lines, near, links.addresses, clock=clock, written=_written(about, captured_at))
    blocks = [(verdict.block.kind, verdict.block.text) for verdict in body.verdicts]
    pairs = list(find_pairs(tree, blocks))
    note("ward", *find_ward(pairs, about.tags))
    committee, place = find_committee(pairs, about.titles)
    if committee is None and site.kind == "parliament" and site.name.endswith(" Committee"):
        committee, place = site.name, "site"
    note("committee", committee, place)
    signed = [  # lines like "Additional reporting by PA" at either end, which `pipeline.edges` takes out of the text
        verdict.block.text for verdict in body.verdicts if verdict.why == "byline" and verdict.rule == "wording"
    ]
    note("agencies", tuple(dict.fromkeys((*find_agencies(lines), *find_agencies(signed)))), "text")
    note("documents", links.documents, "link")
    return Particulars(**found, origins=origins, confidence=confidence)


LINKED_DOCUMENTS: Final = 0.9
"""How sure it is that what a page links is a document of its own."""

_CONFIDENCE: Final = {
    ("standfirst", "part"): 0.9,
    ("standfirst", "visible"): 0.85,
    ("standfirst", "description"): 0.6,
    ("images", "figure"): 0.9,
    ("images", "json-ld"): 0.85,
    ("images", "opengraph"): 0.8,
    ("free", "json-ld"): 0.95,
    ("free", "meta"): 0.95,
    ("notices", "text"): 0.9,
    ("notices", "json-ld"): 0.95,
    ("notes_to_editors", "text"): 0.95,
    ("notes_to_editors", "page"): 0.9,
    ("contacts", "text"): 0.9,
    ("contacts", "page"): 0.8,
    ("embargo", "text"): 0.95,
    ("ward", "label"): 0.9,
    ("ward", "tags"): 0.8,
    ("committee", "label"): 0.85,
    ("committee", "title"): 0.9,
    ("committee", "site"): 0.9,
    ("agencies", "text"): 0.95,
    ("documents", "link"): LINKED_DOCUMENTS,
}


def _written(about: Metadata, captured_at: datetime) -> datetime:
    moment = about.published or about.modified
    return moment.value if moment is not None else captured_at


# --- what stands around the text ------------------------------------------------------------------------


def _near_lines(body: Body) -> list[str]:
    """The visible lines from shortly before the text to its end and what follows it in the same element."""
    numbers = [number for number, verdict in enumerate(body.verdicts) if verdict.kept]
    if not numbers:
        return []
    first, last = numbers[0], numbers[-1]
    home = common_element(body.verdicts[first].block.element, body.verdicts[last].block.element)
    near: list[str] = []
    for number in range(max(0, first - _HEAD), min(len(body.verdicts), last + 2 * _HEAD)):
        verdict = body.verdicts[number]
        block = verdict.block
        if (
            verdict.kept
            or (number < first and block.label in _NEAR_LABELS)
            or (number > first and block.label not in _FAR_LABELS and is_within(block.element, home))
        ):
            near.append(block.text)
    return [line for text in near for line in text.split("\n") if line.strip()]


_NEAR_LABELS: Final = frozenset({"", "byline", "header", "banner", "not part of the article"})
_FAR_LABELS: Final = frozenset(
    {
        "related",
        "newsletter",
        "jobs",
        "advert",
        "share",
        "comments",
        "tags",
        "navigation",
        "footer",
        "cookie notice",
        "sidebar",
    }
)


# --- press ----------------------------------------------------------------------------------------------


def _note_press(
    note: Any,
    lines: Sequence[str],
    near: Sequence[str],
    addresses: Mapping[str, str],
    *,
    clock: Clock,
    written: datetime,
) -> None:
    later = replace(clock, latest=clock.latest + _FUTURE)
    note("embargo", find_embargo(near, later, written), "text")
    origin = "text"
    where = find_notes(lines)
    if where is None:
        origin, where, lines = "page", find_notes(near), near
    note("notes_to_editors", where and join_notes(lines, where), origin)
    contacts = find_contacts(lines, addresses, release_from=where and where[0])
    if contacts:
        note("contacts", contacts, origin if where else "text")
    elif lines is not near:
        where = find_notes(near)
        note("contacts", find_contacts(near, addresses, release_from=where and where[0]), "page")


# --- links ----------------------------------------------------------------------------------------------

_OFFICE_FILE: Final = re.compile(r"\.(?:pdf|docx?|xlsx?|pptx?|od[tsp]|rtf|csv)$", re.IGNORECASE)
_FILE_TYPES: Final = ("application/pdf", "application/msword", "application/vnd.")


@dataclass(frozen=True, kw_only=True)
class _Links:
    documents: tuple[Linked, ...]
    addresses: Mapping[str, str]  # text of a mailto: or tel: link that does not show it -> address or number


def _read_links(tree: HtmlElement, span: tuple[HtmlElement, HtmlElement] | None, url: str) -> _Links:
    """Documents and addresses that the article links."""
    documents: dict[str, Linked] = {}
    addresses: dict[str, str] = {}
    home = common_element(*span) if span is not None else None
    if home is not None and home.tag not in {"article", "main", "body"}:
        parent = home.getparent()  # a list of attachments often stands beside the text
        home = parent if parent is not None and parent.tag not in {"body", "html"} else home
    for number, link in enumerate((home if home is not None else tree).iter("a")):
        if number >= _LINKS:
            break
        href = (link.get("href") or "").strip()
        if href[:7].lower().startswith(("mailto:", "tel:")) or "/cdn-cgi/l/email-protection" in href:
            address = _read_address(href, link.get("data-cfemail") or "")
            text = tidy(" ".join(link.itertext()), 200)
            if address and text and address not in text and len(addresses) < 50 and len(text) > 3:
                addresses[text] = address
        elif _OFFICE_FILE.search(href.split("#")[0].split("?")[0]) or (link.get("type") or "").startswith(_FILE_TYPES):
            address = clean_url(href, url)
            if address and address not in documents and len(documents) < DOCUMENTS and not _is_frame(link, home):
                documents[address] = Linked(url=address, title=clean_text(" ".join(link.itertext()), 300) or None)
    return _Links(documents=tuple(documents.values()), addresses=addresses)


_FRAME_NAMES: Final = re.compile(
    r"related|footer|\bnav|sidebar|promo|cookie|newsletter|teaser|advert|download-?app", re.IGNORECASE
)


def _is_frame(link: HtmlElement, home: HtmlElement | None) -> bool:
    """Whether a link stands in what is no part of the article."""
    at: HtmlElement | None = link.getparent()
    for _ in range(40):
        if at is None or at is home or at.tag in {"body", "html"}:
            return False
        if at.tag in {"nav", "footer", "aside"} or _FRAME_NAMES.search(
            f"{at.get('class') or ''} {at.get('id') or ''}"[:200]
        ):
            return True
        at = at.getparent()
    return False


def _read_address(href: str, covered: str) -> str:
    """The address or number of a link; Cloudflare's cover is taken off."""
    if "/cdn-cgi/l/email-protection" in href:
        covered = covered or href.partition("#")[2]
        try:
            data = bytes.fromhex(covered[:400])
        except ValueError:
            return ""
        address = bytes(byte ^ data[0] for byte in data[1:]).decode("utf-8", "replace") if data else ""
        match = EMAIL.fullmatch(address)
        return match[0] if match else ""
    kind, _, value = href.partition(":")
    value = unquote(value.split("?")[0])[:200].strip()
    if kind.lower() == "tel":
        return value if 7 <= sum(map(str.isdigit, value)) <= 15 else ""
    match = EMAIL.fullmatch(value)
    return match[0] if match else ""


# --- the rest -------------------------------------------------------------------------------------------


def _read_free(about: Metadata) -> tuple[bool | None, str]:
    """Whether the whole article can be read without paying, as far as the page says."""
    if about.linked is not None:
        for value in about.linked.values("isAccessibleForFree"):
            told = _to_bool(value)
            if told is not None:
                return told, "json-ld"
        for part in about.linked.values("hasPart"):
            if (
                isinstance(part, dict)
                and part.get("cssSelector")
                and _to_bool(part.get("isAccessibleForFree")) is False
            ):
                return False, "json-ld"
    if about.page is not None:
        tier = about.page.first_meta("article:content_tier", "og:article:content_tier").strip().lower()
        if tier in {"free", "metered", "locked"}:
            return tier == "free", "meta"
    return None, ""


def _to_bool(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = value.rsplit("/", 1)[-1].strip().lower() if isinstance(value, str) else ""
    return {"true": True, "false": False}.get(word)


def _read_images(
    tree: HtmlElement,
    pictures: Sequence[Picture] | None,
    about: Metadata,
    url: str,
    spoken: set[str],
    kept: Sequence[HtmlElement],
) -> tuple[tuple[Image, ...], str]:
    declared: list[Image] = []
    origin = "json-ld"
    if about.linked is not None:
        for key in ("image", "associatedMedia", "primaryImageOfPage", "thumbnailUrl"):
            if declared and key != "associatedMedia":
                break
            declared += [
                image
                for value in about.linked.values(key, page_too=key == "primaryImageOfPage")
                if (image := declared_image(value, url))
            ]
    if about.image and not declared:
        origin = "opengraph"
        declared = [image for image in [declared_image(about.image, url)] if image is not None]
        if declared and about.page is not None:
            alt = clean_text(about.page.first_meta("og:image:alt", "twitter:image:alt"), 500)
            declared = [declared[0].model_copy(update={"alt": alt or None})]
    pictures = survey_pictures(tree) if pictures is None else pictures
    images = read_images(tree, pictures, url=url, kept=kept, spoken=spoken, declared=declared[:20], titles=about.titles)
    only_declared = len(images) <= len(declared) and {image.url for image in images} <= {
        image.url for image in declared
    }
    return tuple(images), origin if only_declared else "figure"


_STANDFIRST_LENGTHS: Final = range(25, 700)
_CUT: Final = ("...", "…", "[…]", "[...]")


def _find_standfirst(body: Body, about: Metadata) -> tuple[str | None, str]:
    """The paragraph between headline and text that sums the article up."""
    part = next((part for part in body.parts[:4] if part.kind == "standfirst"), None)
    if part is not None:
        return part.text, "part"
    first = next((number for number, verdict in enumerate(body.verdicts) if verdict.kept), 0)
    headlines = {fold(title) for title in about.titles}
    described = _descriptions(about)
    start = max(0, first - 2 * _HEAD)
    for number, verdict in enumerate(body.verdicts[start : first + _BEHIND], start):
        block = verdict.block
        if len(block.text) not in _STANDFIRST_LENGTHS or block.link_share > 0.5 or block.text.endswith(_CUT):
            continue
        if block.kind in {"caption", "table", "item"}:
            continue
        key = fold(block.text)
        named = number <= first and block.label not in _FAR_LABELS and _SUMMING_UP.search(block.names[-80:])
        if key not in headlines and ((key in described and not verdict.kept) or named):
            return block.text, "visible"
    return None, ""


_BEHIND: Final = 10  # blocks from the first of the text on: a page's own "in short" box may stand before the standfirst


def _descriptions(about: Metadata) -> frozenset[str]:
    """What the page declares to sum it up, folded; not what is the headline again."""
    said = [about.description or ""]
    if about.page is not None:
        said += [about.page.first_meta(name) for name in ("og:description", "description", "twitter:description")]
    if about.linked is not None:
        said += [about.linked.first_text(key, 1000) for key in ("description", "abstract", "alternativeHeadline")]
    headlines = {fold(title) for title in about.titles}
    return frozenset(key for text in said if len(key := fold(clean_text(text, 1000))) >= 40) - headlines


_SUMMING_UP: Final = re.compile(
    r"stand-?first|strap-?line|article_+desc|document-?description|\bdek\b|\bdeck\b|sub-?head(?:line)?|sub-?title|\blede\b|article[-_]+(?:lead|intro|summary|excerpt|description)|"
    r"vorspann|chapo|chapeau|entradilla|bajada|copete|sommario|occhiello|ingress|manchet",
    re.IGNORECASE,
)
