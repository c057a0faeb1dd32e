"""Sources that answer with data: GOV.UK, Parliament's committees, ModernGov. What to ask them, and what they said.

A ``Service`` is asked for the next URL, is handed each answer, and lists pages; it does no I/O, so that it can be
tested on bytes, and ``spiders.discovery`` does the fetching. A part that cannot be read costs that part: a service
either knows another way to the same facts, or the rest goes on without it. All is bounded by ``MOST_CALLS``.

GOV.UK (``service = "govuk"``): the search API (``/api/search.json``, pages by ``start``), the search's Atom feed (pages
by ``page``) or an item of the content API (``/api/content/…``) that has a list of documents. Each page there has a
twin in the content API, which says why a page went (``explanation``) and what its publisher noted on the last
change (``change_history``): ``find_twin`` and ``explain_page``.

Parliament (``service = "parliament"``): publications (``committees-api.parliament.uk/api/Publications``) and news
(``www.parliament.uk/api/content/committee/<n>/news/``), pages by ``Skip``.

ModernGov (``service = "moderngov"``): the web service ``mgWebService.asmx``, all meetings in one answer or committee by
committee, and the calendar's HTML where the service is switched off.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import deque
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import lxml.etree

from spiders.site import Site, Source
from spiders.sources import Document, Listed, SourceError, parse_moment, tidy_facts

MOST_CALLS = 200
"""Documents of one service that are asked for in a run."""
MOST_COMMITTEES = 150
MOST_ITEMS = 5000
"""Items of one answer that are read."""

_AHEAD = timedelta(days=62)  # agendas stand there before the meeting
_MONTH = timedelta(days=31)
_ENTITY = re.compile(rb"<!\s*(?:ENTITY|DOCTYPE)", re.IGNORECASE)
_CONTENT_LISTS = ("documents", "children", "items")


class Service(Protocol):
    """One api source while it is read."""

    rolling: bool
    """Naming nothing can be right: it lists what the calendar has."""

    def next_call(self) -> str | None:
        """The URL to ask for now; None when there is nothing more to ask."""

    def read_answer(self, body: bytes, *, url: str, content_type: str | None) -> Iterator[Listed]:
        """The pages that the answer to the last call names.

        Raises:
            SourceError: it is not understood; ``miss_answer`` says whether there is another way.
        """

    def miss_answer(self) -> bool:
        """Say that the last call gave nothing; returns whether something else is asked in its place."""


def open_service(source: Source, *, now: datetime) -> Service:
    """The service of an api source.

    Args:
        source: of type "api".
        now: the day that a calendar is asked for.
    """
    name = source.service or _guess_service(source.url)
    if name == "moderngov":
        return _ModernGov(source, now)
    return _Parliament(source) if name == "parliament" else _GovUk(source)


def find_walk_start(source: Source, since: date | None) -> str | None:
    """Where the walk into a service's past begins: at its latest page, of nothing older than ``since`` where it can be
    asked so. None: its pages do not lead into the past (ModernGov is asked for a span of days).

    GOV.UK's search is asked by date of change, which is never before the day of publication.
    """
    name = source.service or _guess_service(source.url)
    if name == "moderngov":
        return None
    if name == "govuk" and since is not None and urlsplit(source.url).path.endswith("/search.json"):
        return _with_query(source.url, order="-public_timestamp", filter_public_timestamp=f"from:{since}", start="0")
    return source.url


def _guess_service(url: str) -> str:
    host = urlsplit(url).hostname or ""
    return "parliament" if host.endswith("parliament.uk") else "govuk" if host.endswith("www.gov.uk") else "moderngov"


def find_twin(site: Site, url: str) -> str | None:
    """Where GOV.UK's content API has the item of a page; None for pages of other sites."""
    parts = urlsplit(url)
    for source in site.sources:
        if source.type == "api" and (source.service or _guess_service(source.url)) == "govuk":
            its = urlsplit(source.url)
            if (its.scheme, its.netloc) == (parts.scheme, parts.netloc) and not parts.path.startswith("/api/"):
                return urlunsplit((parts.scheme, parts.netloc, f"/api/content{parts.path}", "", ""))
    return None


def explain_page(body: bytes) -> dict[str, str]:
    """What an item of GOV.UK's content API says about its page's fate, by the names of ``spiders.warc.FACTS``.

    Returns:
        "explanation": why it was withdrawn or is gone, and where readers are sent; "change": the publisher's note on
        the latest change. Empty when it says neither, or is no such item.
    """
    try:
        item = _read_json(body)
    except SourceError:
        return {}
    item = _object(item)
    details, withdrawn = _object(item.get("details")), _object(item.get("withdrawn_notice"))
    told = [details.get("explanation"), withdrawn.get("explanation")]
    kind = item.get("schema_name") or item.get("document_type")
    if kind == "gone" and isinstance(details.get("alternative_path"), str) and details["alternative_path"]:
        told.append(f"See {details['alternative_path']}")
    if kind == "redirect":
        goals = [one.get("destination") for one in _objects(item.get("redirects"))]
        told += [f"Redirected to {goal}" for goal in goals[:1] if isinstance(goal, str)]
    latest = max(
        _objects(details.get("change_history")),
        key=lambda one: parse_moment(_text(one.get("public_timestamp"))) or 0.0,
        default={},
    )
    return tidy_facts(
        (("explanation", " ".join(one for one in told if isinstance(one, str) and one)), ("change", latest.get("note")))
    )


class _Paged:
    """A service whose answers are pages of one list; reading one says where the next is."""

    def __init__(self, source: Source) -> None:
        self.rolling = False
        self._pages = source.pages
        self._next: str | None = source.url
        self._page = 0

    def next_call(self) -> str | None:
        url, self._next = self._next, None
        self._page += 1
        return url

    def miss_answer(self) -> bool:
        return False


# ------------------------------------------------------------------ GOV.UK


class _GovUk(_Paged):
    def read_answer(self, body: bytes, *, url: str, content_type: str | None) -> Iterator[Listed]:
        if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
            yield from self._read_feed(body, url, content_type)
            return
        answer = _read_json(body)
        if not isinstance(answer, dict):
            raise SourceError("JSON, but neither search results nor a content item")
        if isinstance(answer.get("results"), list):
            yield from self._read_results(answer, url)
        elif "base_path" in answer or "schema_name" in answer:
            yield from _read_content(answer, url)
        else:
            raise SourceError("JSON, but neither search results nor a content item")

    def _read_results(self, answer: dict[str, Any], url: str) -> Iterator[Listed]:
        results = _objects(answer["results"])
        for one in results:
            link = one.get("link") if isinstance(one.get("link"), str) else one.get("_id")
            if isinstance(link, str) and link:
                yield _list_govuk(one, _join(url, link), dated="public_timestamp")
        start = _number(answer.get("start"), _number(_query(url).get("start"), 0)) + len(results)
        if results and self._page < self._pages and start < _number(answer.get("total"), start + 1):
            self._next = _with_query(url, start=str(start))

    def _read_feed(self, body: bytes, url: str, content_type: str | None) -> Iterator[Listed]:
        count = 0
        for one in Document(body, url=url, content_type=content_type, expect="feed"):
            if isinstance(one, Listed):
                count += 1
                yield one
        if count and self._page < self._pages:
            self._next = _with_query(url, page=str(_number(_query(url).get("page"), 1) + 1))


def _read_content(item: dict[str, Any], url: str) -> Iterator[Listed]:
    if item.get("schema_name") in ("gone", "redirect"):
        fate = explain_page(json.dumps(item).encode())
        raise SourceError(f"the content item is {item['schema_name']}: {fate.get('explanation', 'no explanation')}")
    links = _object(item.get("links"))
    for name in _CONTENT_LISTS:
        for one in _objects(links.get(name)):
            if isinstance(one.get("base_path"), str):
                yield _list_govuk(one, _join(url, one["base_path"]), dated="public_updated_at")


def _list_govuk(item: dict[str, Any], url: str, *, dated: str) -> Listed:
    return Listed(
        url=url,
        lastmod=_text(item.get(dated)) or _text(item.get("updated_at")),
        title=_text(item.get("title")),
        facts=tidy_facts(
            (
                ("published", item.get("first_published_at")),
                ("guid", item.get("content_id")),
                ("section", item.get("content_store_document_type") or item.get("document_type")),
                ("language", item.get("locale")),
                ("description", item.get("description")),
            )
        ),
    )


# ------------------------------------------------------------------ Parliament


class _Parliament(_Paged):
    def read_answer(self, body: bytes, *, url: str, content_type: str | None) -> Iterator[Listed]:  # noqa: ARG002
        answer = _read_json(body)
        items = answer.get("items") if isinstance(answer, dict) else answer
        if not isinstance(items, list):
            raise SourceError("JSON without a list of items")
        for item in _objects(items):
            value = _object(item.get("value")) or item
            yield from _list_news(value, url) if isinstance(value.get("url"), str) else _list_publication(value, url)
        skipped = _number(_query(url).get("Skip"), 0) + len(items)
        total = _number(answer.get("totalResults"), skipped + 1) if isinstance(answer, dict) else skipped + 1
        if items and self._page < self._pages and skipped < total:
            self._next = _with_query(url, Skip=str(skipped))


def _list_news(item: dict[str, Any], url: str) -> Iterator[Listed]:
    published = _text(item.get("datePublished"))
    facts = (
        ("published", published),
        ("guid", str(item.get("id") or "")),
        ("section", _name(item.get("committee"))),
        ("description", item.get("teaser")),
    )
    title = _text(item.get("heading")) or _text(item.get("title"))
    lastmod = _text(item.get("dateUpdated")) or published
    yield Listed(url=_join(_web(url), item["url"]), lastmod=lastmod, title=title, facts=tidy_facts(facts))


def _list_publication(item: dict[str, Any], url: str) -> Iterator[Listed]:
    """A publication's documents. Its own address (``/publications/<n>/``) answers 404; each document's is read."""
    number = item.get("id")
    if not isinstance(number, int):
        return
    documents = [one.get("documentId") for one in _objects(item.get("documents"))]
    paths = [f"/publications/{number}/documents/{one}/default/" for one in documents if isinstance(one, int)]
    others = [item.get(name) for name in ("additionalContentUrl", "additionalContentUrl2")]
    links = [urljoin(_web(url), path) for path in paths or [f"/publications/{number}/"]]
    published = _text(item.get("publicationStartDate"))
    facts = tidy_facts(
        (
            ("published", published),
            ("author", _name(item.get("committee"))),
            ("guid", f"publication {number}"),
            ("section", _name(item.get("type"))),
        )
    )
    for link in [*links, *(one for one in others if isinstance(one, str) and one)]:
        yield Listed(url=link, lastmod=published, title=_text(item.get("description")), facts=facts)


def _web(url: str) -> str:
    """Address of the pages beside that of the data."""
    parts = urlsplit(url)
    host = parts.netloc.replace("committees-api.", "committees.", 1)
    host = "committees.parliament.uk" if host in ("www.parliament.uk", "parliament.uk") else host
    return urlunsplit((parts.scheme, host, "/", "", ""))


# ------------------------------------------------------------------ ModernGov


class _ModernGov:
    """Meetings between a month for each of ``pages`` ago and two months ahead.

    In one answer (GetAllMeetingsByDate), or else committee by committee (GetCommittees, GetMeetings), or else from the
    calendar's pages (mgCalendarMonthView). Whichever way, a meeting has one spelling:
    ``ieListDocuments.aspx?CId=<committee>&MId=<meeting>``.
    """

    def __init__(self, source: Source, now: datetime) -> None:
        self.rolling = True
        self._base = _find_folder(source.url)
        self._since = (now - _MONTH * source.pages).date()
        self._until = (now + _AHEAD).date()
        self._part = ""
        asked = {name.lower(): value for name, value in _query(source.url).items()}
        committee = asked.get("lcommitteeid") or asked.get("cid") or ""
        first = ("meetings", self._ask("GetMeetings", lCommitteeId=committee))
        if not committee.isdigit():
            first = ("all", self._ask("GetAllMeetingsByDate", lCommitteeId="-1"))
        self._queue = deque([first])
        self._got = False  # an answer of this part was understood

    def _ask(self, operation: str, **query: str) -> str:
        span = {"sFromDate": f"{self._since:%d/%m/%Y}", "sToDate": f"{self._until:%d/%m/%Y}"}
        return urljoin(self._base, f"mgWebService.asmx/{operation}?{urlencode(query | span)}")

    def next_call(self) -> str | None:
        if not self._queue:
            return None
        part, url = self._queue.popleft()
        self._got &= part == self._part
        self._part = part
        return url

    def miss_answer(self) -> bool:
        if self._part == "all":
            self._queue.append(("committees", urljoin(self._base, "mgWebService.asmx/GetCommittees")))
            return True
        if self._part == "committees" or (self._part == "meetings" and not self._got):
            self._queue.clear()  # what one committee is refused, all are
            self._queue.extend(("months", urljoin(self._base, path)) for path in self._months())
            return True
        return False

    def _months(self) -> Iterator[str]:
        month = self._since.replace(day=1)
        while month <= self._until:
            yield f"mgCalendarMonthView.aspx?M={month.month}&DD={month.year}&ACT=Go"
            month = (month + _MONTH).replace(day=1)

    def read_answer(self, body: bytes, *, url: str, content_type: str | None) -> Iterator[Listed]:
        if self._part == "months":
            yield from self._read_calendar(body, url, content_type)
        elif self._part == "committees":
            self._read_committees(_read_xml(body))
        else:
            yield from self._read_meetings(_read_xml(body))
        self._got = True

    def _read_committees(self, root: Any) -> None:
        numbers: list[str] = []
        for one in root.iter("committee"):
            said = _children(one)
            past = "true" in (said.get("committeedeleted", "").lower(), said.get("committeeexpired", "").lower())
            if said.get("committeeid", "").isdigit() and not past:
                numbers.append(said["committeeid"])
        if not numbers:
            raise SourceError("an answer without committees")
        self._queue.extend(
            ("meetings", self._ask("GetMeetings", lCommitteeId=one)) for one in numbers[:MOST_COMMITTEES]
        )

    def _read_meetings(self, root: Any) -> Iterator[Listed]:
        around = _children(root)
        meetings = [_children(one) for one in itertools.islice(root.iter("meeting"), MOST_ITEMS)]
        if not meetings and not any(name in around for name in ("meetingscount", "committeeid", "meetings")):
            raise SourceError("an answer without meetings")
        for said in meetings:
            committee = said.get("committeeid") or around.get("committeeid", "")
            number = said.get("meetingid", "")
            day = _read_day(said.get("meetingdate", ""))
            if not (number.isdigit() and committee.isdigit()) or (day and not self._since <= day <= self._until):
                continue
            name = said.get("committeetitle") or said.get("committeename") or around.get("committeetitle")
            name = name or around.get("committeename") or "Meeting"
            facts = (("guid", f"meeting {number}"), ("section", name), ("description", said.get("meetingstatus")))
            yield Listed(
                url=self._spell(committee, number),
                title=f"{name}, {day:%d %B %Y}" if day else name,
                facts=tidy_facts(facts),
            )

    def _read_calendar(self, body: bytes, url: str, content_type: str | None) -> Iterator[Listed]:
        pages = 0
        for one in Document(body, url=url, content_type=content_type, expect="listing"):
            parts = urlsplit(one.url)
            pages += parts.path.lower().endswith(".aspx")
            asked = {name.lower(): value for name, value in parse_qsl(parts.query)}
            numbers = asked.get("cid", ""), asked.get("mid", "")
            if parts.path.lower().endswith("/ielistdocuments.aspx") and all(number.isdigit() for number in numbers):
                yield Listed(url=self._spell(*numbers), title=one.title if isinstance(one, Listed) else None)
        if not pages:
            raise SourceError("not a page of ModernGov's calendar")

    def _spell(self, committee: str, meeting: str) -> str:
        return urljoin(self._base, f"ieListDocuments.aspx?CId={committee}&MId={meeting}")


def _find_folder(url: str) -> str:
    """The folder that ModernGov's pages stand in."""
    parts = urlsplit(url)
    path = re.sub(r"[^/]*\.as[mp]x(?:/.*)?$", "", parts.path, flags=re.IGNORECASE) or "/"
    return urlunsplit((parts.scheme, parts.netloc, path if path.endswith("/") else f"{path}/", "", ""))


def _children(element: Any) -> dict[str, str]:
    """Texts of what stands directly in an element, by name in small letters."""
    return {
        one.tag.rpartition("}")[2].lower(): (one.text or "").strip()[:500]
        for one in element
        if isinstance(one.tag, str)
    }


def _read_day(text: str) -> date | None:
    parts = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:\s.*)?", text)
    try:
        return date(int(parts[3]), int(parts[2]), int(parts[1])) if parts else date.fromisoformat(text[:10])
    except ValueError:
        return None


# ------------------------------------------------------------------ formats


def _read_json(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        start = body[:200].lstrip().lower()
        what = "an HTML page" if start.startswith((b"<!doctype html", b"<html")) else "no JSON"
        raise SourceError(f"{what} in place of an answer") from error


def _read_xml(body: bytes) -> Any:
    if _ENTITY.search(body, 0, 64 * 1024):
        raise SourceError("a DOCTYPE, which an answer has none of")
    parser = lxml.etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, recover=True
    )
    try:
        root = lxml.etree.fromstring(body, parser)
    except (lxml.etree.XMLSyntaxError, ValueError) as error:
        raise SourceError(f"no XML in the answer: {' '.join(str(error).split())[:120]}") from error
    if root is None:
        raise SourceError("no XML in the answer")
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2].lower()
    if root.tag == "html":
        raise SourceError("an HTML page in place of an answer")
    return root


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list, the first ``MOST_ITEMS``."""
    return [one for one in value[:MOST_ITEMS] if isinstance(one, dict)] if isinstance(value, list) else []


def _join(url: str, link: str) -> str:
    """The link as an address; one that is none comes back as it is, and is counted as such where URLs are spelled."""
    try:
        return urljoin(url, link[:5000])
    except ValueError:
        return link[:5000]


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def _with_query(url: str, **values: str) -> str:
    """The URL with these parameters; the others stay as they are, repeated ones too."""
    parts = urlsplit(url)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in values]
    return urlunsplit(parts._replace(query=urlencode([*kept, *values.items()])))


def _number(value: object, otherwise: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return (
        int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10 else otherwise
    )


def _text(value: object) -> str | None:
    return " ".join(value.split())[:500] or None if isinstance(value, str) else None


def _name(value: object) -> str | None:
    return _text(value.get("name")) if isinstance(value, dict) else None
