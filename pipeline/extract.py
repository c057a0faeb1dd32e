"""Articles from captures: the clean text of a page, its metadata, and a reason wherever there is no article.

`extract_page` is pure: bytes in, a `Reading` out; the same bytes give the same result on every machine. Each page
is parsed once. `pipeline.workers` runs it over a segment.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from pipeline import __version__
from pipeline.body import Body, Verdict, cut_page, extractor_version, read_body
from pipeline.boilerplate import Memory, Observed, sketch_page
from pipeline.documents import document_version, is_document, read_document
from pipeline.edits import essence_digest
from pipeline.kinds import Reading, is_home, judge_page
from pipeline.language import count_words, weigh_language
from pipeline.metadata import read_metadata
from pipeline.model import Article, Evidence, Finding, Linked, Origin, article_id, content_digest
from pipeline.page import decode_page, find_excess, find_other_type, parse_page
from pipeline.particulars import DOCUMENTS, LINKED_DOCUMENTS, read_particulars, survey_pictures
from pipeline.rules import apply_rules, compile_rules, override_article, override_metadata, read_fields
from pipeline.structure import is_live
from spiders.documents import Link, find_links
from spiders.site import Site
from spiders.urls import canonical_url
from spiders.warc import BodyTooLarge, BodyUndecodable, Captured, payload_digest

LONGEST_TEXT: Final = 1_000_000  # characters; a longer text is no article


def extract_page(
    payload: bytes,
    *,
    site: Site,
    url: str,
    requested: str,
    captured_at: datetime,
    content_type: str | None = None,
    memory: Memory | None = None,
) -> Reading:
    """Read one page.

    Args:
        payload: the body, content codings undone.
        site: whose page it is.
        url: the URL that answered.
        requested: the canonical URL that was asked for.
        captured_at: when; dates after that are not believed.
        content_type: value of the header, if there was one.
        memory: what is known of the site's blocks from other pages.

    Returns:
        An article, or another kind with the reason in words. Never raises for what the page does.
    """
    return examine_page(
        payload,
        site=site,
        url=url,
        requested=requested,
        captured_at=captured_at,
        content_type=content_type,
        memory=memory,
    ).reading


@dataclass(frozen=True, kw_only=True)
class Examined:
    """What became of a page, and what can be read out of it all the same where it is judged to be no article."""

    reading: Reading
    article: Article | None = None  # None only where there is no text
    verdicts: tuple[Verdict, ...] = ()  # on every visible block of the page, in its order


def examine_page(
    payload: bytes,
    *,
    site: Site,
    url: str,
    requested: str,
    captured_at: datetime,
    content_type: str | None = None,
    memory: Memory | None = None,
) -> Examined:
    """`extract_page` for those who want to see more than its result: a pack's scorer, ``muniment extract --explain``.

    Args:
        As those of `extract_page`.
    """
    other = find_other_type(payload, content_type)
    if other:
        return Examined(reading=Reading(kind="not-an-article", reason=other))
    written = decode_page(payload, content_type)
    wild = find_excess(written)
    if wild:
        return Examined(reading=Reading(kind="failed", reason=wild))
    tree = parse_page(written)
    if tree is None:
        return Examined(reading=Reading(kind="not-an-article", reason="no text"))
    about = read_metadata(tree, site=site, url=url, captured_at=captured_at)
    tables = site.rules_at(captured_at)
    marks = apply_rules(compile_rules(tables), tree) if tables else None
    fields = {} if marks is None else read_fields(marks, site=site, captured_at=captured_at)
    about = override_metadata(about, fields)
    pictures = survey_pictures(tree)
    body = read_body(tree, about, memory=memory, rules=marks)
    text = body.text
    if len(text) > LONGEST_TEXT:
        return Examined(reading=Reading(kind="failed", reason="text too long"))
    verdict = judge_page(tree, about, text.split("\n") if text else [], site, url, requested, body.verdicts)
    if verdict is not None and not text:
        return Examined(reading=verdict, verdicts=body.verdicts)
    address = about.canonical or _article_url(site, url, requested)
    language, origin, sure = weigh_language(about.language, about.origins.get("language", ""), text, site.language)
    title = about.title or ""
    article = Article(
        article=article_id(address),
        url=address,
        title=title,
        text=text,
        byline=about.byline,
        authors=about.authors,
        bylines=about.bylines,
        agencies=about.agencies,
        published=about.published,
        modified=about.modified,
        section=about.section,
        language=language,
        description=about.description,
        image=about.image,
        tags=about.tags,
        origins={**about.origins, "text": _tell_finder(body), "language": origin, **_tell_memory(body)},
        confidence={**about.confidence, "language": sure},
        kind="live" if is_live(body.parts) else "article",
        parts=body.parts,
        stripped=body.stripped,
        words=count_words(text),
        digest=content_digest(title, text),
        essence=essence_digest(title, text),
        recipe=name_recipe(site, captured_at, memory),
    )
    said = read_particulars(tree, about, body, site=site, url=url, captured_at=captured_at, pictures=pictures)
    article = override_article(_add_documents(said.add_to(article), find_links(written, url)), fields)
    told = {} if marks is None else marks.told
    return Examined(
        reading=verdict or Reading(kind="article", article=article, rules=told), article=article, verdicts=body.verdicts
    )


def name_recipe(site: Site, captured_at: datetime, memory: Memory | None) -> str:
    """Digest of all that decides how a page is read, but the page: the code, its weights, the site's rules, memory.

    Returns:
        16 hex digits. Where two texts of one address differ and were read by one recipe, the page changed.
    """
    rules = [table.model_dump_json() for table in site.rules_at(captured_at)]
    parts = [__version__, extractor_version(), *rules, memory.recipe if memory is not None else ""]
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()


def _add_documents(article: Article, links: Sequence[Link]) -> Article:
    """The article with all documents that the crawl follows from its page, in the order of the page, before others."""
    if not links:
        return article
    followed = {link.url: Linked(url=link.url, title=link.title) for link in links}
    others = tuple(each for each in article.documents if _canonical(each.url) not in followed)
    origins = {**article.origins, "documents": article.origins.get("documents", "link")}
    documents = (*followed.values(), *others)[:DOCUMENTS]
    confidence = {"documents": LINKED_DOCUMENTS, **article.confidence}
    return article.model_copy(update={"documents": documents, "origins": origins, "confidence": confidence})


def _canonical(url: str) -> str:
    try:
        return canonical_url(url)
    except ValueError:
        return url


def _tell_finder(body: Body) -> str:
    """What the text was found by: trafilatura where the weights left next to nothing."""
    asked = any(verdict.kept and verdict.rule == "trafilatura" for verdict in body.verdicts)
    return "trafilatura" if asked else "weights"


def _tell_memory(body: Body) -> dict[str, str]:
    """What the site's memory would have taken, where that was too much."""
    return {"memory": body.held} if body.held else {}


def _article_url(site: Site, url: str, requested: str) -> str:
    try:
        final = canonical_url(url)
    except ValueError:
        return requested
    if final.partition("://")[2] == requested.partition("://")[2]:
        return requested  # http and https are one page: what an import has of the time before https is no other article
    return final if site.owns(final) or site.is_inherited(final) else requested


def observe_page(
    payload: bytes, *, requested: str, captured_at: datetime, content_type: str | None = None
) -> Observed | None:
    """What the site's memory is to learn from a page; None where it has no text.

    Args:
        payload: the body, content codings undone.
        requested: the canonical URL that was asked for.
        captured_at: when.
        content_type: value of the header, if there was one.
    """
    if find_other_type(payload, content_type):
        return None
    written = decode_page(payload, content_type)
    tree = None if find_excess(written) else parse_page(written)
    if tree is None:
        return None
    titles = [tree.findtext(".//title") or "", *tree.xpath("//meta[@property='og:title']/@content")]
    return sketch_page(cut_page(tree), article=article_id(requested), seen=captured_at, titles=titles[:3])


# --- one capture ----------------------------------------------------------------------------------------


def judge_capture(site: Site, capture: Captured, warc_key: str, memory: Memory | None = None) -> Finding:
    """What became of one captured page. Never raises for what the page does.

    Args:
        site: whose page it is.
        capture: as read from the segment.
        warc_key: key of the segment in the archive.
        memory: what is known of the site's blocks from other pages.
    """
    return make_finding(capture, warc_key, examine_capture(site, capture, memory=memory).reading)


def examine_capture(site: Site, capture: Captured, *, memory: Memory | None = None) -> Examined:
    """All that is known of a captured page. Never raises for what the page does.

    Args:
        site: whose page it is.
        capture: as read from a segment, or put together from an answer or a file.
        memory: what is known of the site's blocks from other pages.
    """
    reading = read_status(site, capture)
    if reading is None and capture.unrendered is not None:
        reading = Reading(kind="failed", reason=f"not drawn: {capture.unrendered}")
    if reading is not None:
        return Examined(reading=reading)
    try:
        drawn = capture.rendered
        payload = capture.body(site.crawl.max_bytes) if drawn is None else drawn
        if drawn is None and is_document(payload, capture.header("content-type")):
            return _examine_document(site, capture, payload)
        examined = examine_page(
            payload,
            site=site,
            url=capture.url,
            requested=capture.requested,
            captured_at=capture.captured_at,
            content_type=capture.header("content-type") if drawn is None else "text/html;charset=utf-8",
            memory=memory,
        )
        if "linked_from" in capture.facts and not site.is_article(capture.requested):
            return replace(examined, reading=_refuse_page(examined.reading))
        return examined if drawn is None else replace(examined, reading=_say_drawn(examined.reading))
    except BodyTooLarge:
        reason = "page too large"
    except BodyUndecodable:
        reason = "content coding broken"
    except MemoryError:
        reason = "extraction ran out of memory"
    except Exception as error:  # noqa: BLE001 - whatever a page provokes costs that page
        reason = f"extraction failed: {type(error).__name__}"
    return Examined(reading=Reading(kind="failed", reason=reason))


def observe_capture(site: Site, capture: Captured) -> Observed | None:
    """What the site's memory is to learn from a captured page; None: nothing. Never raises for what the page does."""
    if read_status(site, capture) is not None or capture.unrendered is not None:
        return None
    try:
        drawn = capture.rendered
        return observe_page(
            capture.body(site.crawl.max_bytes) if drawn is None else drawn,
            requested=capture.requested,
            captured_at=capture.captured_at,
            content_type=capture.header("content-type") if drawn is None else "text/html;charset=utf-8",
        )
    except Exception:  # noqa: BLE001 - what is wrong with the page is told when it is extracted
        return None


def _examine_document(site: Site, capture: Captured, payload: bytes) -> Examined:
    """A PDF that a page links, or that is an article by its own address."""
    reading = read_document(
        payload,
        site=site,
        url=capture.url,
        address=_article_url(site, capture.url, capture.requested),
        captured_at=capture.captured_at,
        linked_from=capture.facts.get("linked_from", ""),
        link=capture.source_title,
    )
    return Examined(reading=reading, article=reading.article)


def _refuse_page(reading: Reading) -> Reading:
    """What becomes of a web page that answered where a document was linked: it is no article of the site."""
    if reading.kind != "article":
        return reading
    return Reading(kind="not-an-article", reason="linked as a document, and is a web page")


def _say_drawn(reading: Reading) -> Reading:
    """The reading, saying that the page was read as a browser drew it."""
    article = reading.article
    if article is None:
        return reading
    origins = {**article.origins, "text": f"{article.origins.get('text', 'weights')}, drawn by script"}
    return replace(reading, article=article.model_copy(update={"origins": origins}))


def make_finding(capture: Captured, warc_key: str, reading: Reading) -> Finding:
    """A reading with the evidence it rests on."""
    return Finding(
        kind=reading.kind,
        requested=capture.requested,
        final=capture.url,
        evidence=Evidence(
            warc=warc_key,
            offset=capture.offset,
            length=capture.length,
            record_id=capture.record_id,
            record_type=capture.record_type,
            payload_digest=capture.payload_digest,
            status=capture.status,
            captured_at=capture.captured_at,
            rendered_digest=None if capture.rendered is None else payload_digest(capture.rendered),
        ),
        reason=reading.reason,
        article=reading.article,
        etag=_validator(capture, "etag"),
        last_modified=_validator(capture, "last-modified"),
        via=capture.via,
        source_lastmod=capture.source_lastmod,
        extractor=_name_extractor(reading.article),
        hops=capture.hops,
        facts=dict(capture.facts),
        policy=dict(capture.policy),
        rules=dict(reading.rules),
        origin=Origin.model_validate(capture.origin) if capture.origin else None,
    )


def _name_extractor(article: Article | None) -> str | None:
    if article is None:
        return None
    return document_version() if article.kind == "document" else extractor_version()


_VALIDATOR: Final = re.compile(r"[\x20-\x7e]{1,500}")


def _validator(capture: Captured, name: str) -> str | None:
    """A header's value that will be sent back with the next request; None when it had better not be."""
    value = capture.header(name)
    return value if value is not None and _VALIDATOR.fullmatch(value) else None


def read_status(  # noqa: PLR0911 - one return per status reads best
    site: Site, capture: Captured
) -> Reading | None:
    """What is decided without the page: by the HTTP status, or because its body was withheld; else None."""
    status = capture.status
    if capture.withheld and status < 300:
        return Reading(kind="excluded", reason=capture.policy.get("withheld", "withheld"))
    if (status == 304 or capture.record_type == "revisit") and capture.hops and is_home(site, capture.url):
        return Reading(kind="gone", reason="redirected to the front page")
    if status == 304:
        return Reading(kind="unchanged", reason="HTTP 304")
    if capture.record_type == "revisit":
        return Reading(kind="unchanged", reason="same payload as before")
    if status in {404, 410}:
        return Reading(kind="gone", reason=f"HTTP {status}")
    if status in {401, 403, 407, 429, 451, 503}:
        return Reading(kind="blocked", reason=f"HTTP {status}")
    if status in {200, 203}:
        return None
    return Reading(kind="failed", reason=f"HTTP {status}")
