"""What services are asked, and what is read from their answers: on bytes."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.services import MOST_COMMITTEES, Service, explain_page, find_twin, open_service
from spiders.site import Site, Source
from spiders.sources import Listed, SourceError

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SEARCH = "https://www.gov.uk/api/search.json?filter_organisations=hm-treasury&count=2"
PUBLICATIONS = "https://committees-api.parliament.uk/api/Publications?CommitteeId=17"


def a_service(url: str, **more: Any) -> Service:
    return open_service(Source.model_validate({"type": "api", "url": url, **more}), now=NOW)


def answer(service: Service, body: object, *, url: str | None = None) -> list[Listed]:
    """Give the next call this answer."""
    asked = service.next_call()
    assert asked is not None
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return list(service.read_answer(raw, url=url or asked, content_type=None))


class TestGovUk:
    def test_search_results_are_pages_with_the_date_of_their_last_public_change(self) -> None:
        service = a_service(SEARCH, service="govuk", pages=3)
        found = answer(
            service,
            {
                "results": [
                    {
                        "link": "/government/news/a",
                        "title": "A  story",
                        "description": "What it says.",
                        "public_timestamp": "2026-11-20T09:30:00Z",
                        "content_store_document_type": "press_release",
                        "content_id": "c-1",
                    },
                    {"link": "https://www.nao.org.uk/x", "title": None, "public_timestamp": 7},
                    "no object",
                ],
                "total": 3,
                "start": 0,
            },
        )
        assert found[0] == Listed(
            url="https://www.gov.uk/government/news/a",
            lastmod="2026-11-20T09:30:00Z",
            title="A story",
            facts={"guid": "c-1", "section": "press_release", "description": "What it says."},
        )
        assert found[1] == Listed(url="https://www.nao.org.uk/x")
        assert service.next_call() == f"{SEARCH}&start=2"

    def test_paging_ends_with_the_results_and_with_the_sites_pages(self) -> None:
        service = a_service(SEARCH, service="govuk", pages=2)
        for _ in range(2):
            answer(service, {"results": [{"link": "/a"}, {"link": "/b"}], "total": 99})
        assert service.next_call() is None
        service = a_service(SEARCH, service="govuk", pages=9)
        answer(service, {"results": [{"link": "/a"}], "total": 1})
        assert service.next_call() is None
        service = a_service(SEARCH, service="govuk", pages=9)
        answer(service, {"results": []})
        assert service.next_call() is None

    def test_the_searchs_atom_feed_is_read_page_by_page(self) -> None:
        url = "https://www.gov.uk/search/news-and-communications.atom?organisations%5B%5D=hm-treasury"
        service = a_service(url, service="govuk", pages=2)
        [one] = answer(
            service,
            b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><link href="https://www.gov.uk/government/news/a"/>'
            b"<id>x</id><updated>2026-11-20T09:30:00Z</updated><title>A</title></entry></feed>",
        )
        assert (one.url, one.lastmod) == ("https://www.gov.uk/government/news/a", "2026-11-20T09:30:00Z")
        assert service.next_call() == f"{url}&page=2"
        assert service.next_call() is None

    def test_a_collection_of_the_content_api_lists_its_documents(self) -> None:
        service = a_service("https://www.gov.uk/api/content/government/collections/budgets", service="govuk")
        documents = [{"base_path": "/government/news/a", "title": "A", "public_updated_at": "2026-11-20T09:30:00Z"}]
        [one] = answer(
            service, {"base_path": "/x", "schema_name": "document_collection", "links": {"documents": documents}}
        )
        assert (one.url, one.lastmod) == ("https://www.gov.uk/government/news/a", "2026-11-20T09:30:00Z")

    def test_a_collection_that_is_gone_says_why(self) -> None:
        service = a_service("https://www.gov.uk/api/content/x", service="govuk")
        with pytest.raises(SourceError, match="gone: Published in error"):
            answer(service, {"schema_name": "gone", "details": {"explanation": "<p>Published in error</p>"}})

    @pytest.mark.parametrize("body", [b"", b"<html><body>Sorry</body></html>", b"{}", b"[1]", b"{" * 100_000])
    def test_another_answer_is_told_in_words(self, body: bytes) -> None:
        with pytest.raises(SourceError) as caught:
            answer(a_service(SEARCH, service="govuk"), body)
        assert str(caught.value).isprintable()

    def test_a_page_has_a_twin_in_the_content_api(self) -> None:
        site = Site.model_validate(
            {
                "id": "x",
                "name": "X",
                "home": "https://www.gov.uk/",
                "kind": "government",
                "article": r"https://www\.gov\.uk/government/news/[a-z0-9-]+",
                "sources": [{"type": "api", "service": "govuk", "url": SEARCH}],
            }
        )
        assert (
            find_twin(site, "https://www.gov.uk/government/news/a")
            == "https://www.gov.uk/api/content/government/news/a"
        )
        assert find_twin(site, "https://elsewhere.uk/a") is None
        feeds = [{"type": "feed", "url": "https://www.gov.uk/a.atom"}]
        plain = Site.model_validate({**site.model_dump(mode="json"), "sources": feeds})
        assert find_twin(plain, "https://www.gov.uk/government/news/a") is None

    @pytest.mark.parametrize(
        ("item", "told"),
        [
            (
                {
                    "schema_name": "gone",
                    "details": {"explanation": "<div>Wrong &amp; old</div>", "alternative_path": "/b"},
                },
                {"explanation": "Wrong & old See /b"},
            ),
            ({"withdrawn_notice": {"explanation": "<p>Out of date</p>"}}, {"explanation": "Out of date"}),
            (
                {
                    "details": {
                        "change_history": [
                            {"note": "Second.", "public_timestamp": "2026-11-02T00:00:00Z"},
                            {"note": "First published.", "public_timestamp": "2026-11-01T00:00:00Z"},
                        ]
                    }
                },
                {"change": "Second."},
            ),
            ({"schema_name": "redirect", "redirects": [{"destination": "/c"}]}, {"explanation": "Redirected to /c"}),
            ({"details": {"change_history": "no list"}, "withdrawn_notice": 4}, {}),
            ([], {}),
        ],
    )
    def test_the_content_api_says_why_a_page_went_and_what_changed(self, item: object, told: dict[str, str]) -> None:
        assert explain_page(json.dumps(item).encode()) == told


class TestParliament:
    def test_publications_are_listed_by_their_documents(self) -> None:
        service = a_service(PUBLICATIONS, pages=2)  # the host tells the service
        item = {
            "id": 41,
            "description": "Funding of councils",
            "publicationStartDate": "2026-11-20T00:00:00",
            "type": {"name": "Report"},
            "committee": {"id": 17, "name": "HCLG Committee"},
            "documents": [{"documentId": 7, "files": []}, {"documentId": None}, 3],
            "additionalContentUrl": "https://publications.parliament.uk/pa/1.htm",
        }
        found = answer(service, {"items": [item, {"id": 42}, {"id": "x"}], "totalResults": 40})
        assert [one.url for one in found] == [
            "https://committees.parliament.uk/publications/41/documents/7/default/",
            "https://publications.parliament.uk/pa/1.htm",
            "https://committees.parliament.uk/publications/42/",
        ]
        assert found[0].title == "Funding of councils"
        assert found[0].facts == {
            "published": "2026-11-20T00:00:00",
            "author": "HCLG Committee",
            "guid": "publication 41",
            "section": "Report",
        }
        assert service.next_call() == f"{PUBLICATIONS}&Skip=3"
        assert service.next_call() is None

    def test_news_of_a_committee_is_listed(self) -> None:
        service = a_service("https://www.parliament.uk/api/content/committee/17/news/", service="parliament")
        url = "/committee/17/hclg/news/5/a/"
        item = {"value": {"id": 5, "url": url, "heading": "A", "teaser": "T", "datePublished": "2026-11-20T09:00:00"}}
        [one] = answer(service, {"items": [item]})
        assert one.url == f"https://committees.parliament.uk{url}"
        assert (one.title, one.facts["description"], one.facts["guid"]) == ("A", "T", "5")


class TestModernGov:
    base = "https://democracy.anytown.gov.uk/"
    meeting = (
        "<meeting><meetingid>{0}</meetingid><committeeid>{1}</committeeid><committeetitle>Cabinet</committeetitle>"
        "<meetingdate>{2}</meetingdate><meetingstatus>Confirmed</meetingstatus></meeting>"
    )

    def test_all_meetings_of_some_weeks_are_asked_for_at_once(self) -> None:
        service = a_service(f"{self.base}mgWebService.asmx", service="moderngov")
        meetings = self.meeting.format(1, 9, "24/11/2026") + self.meeting.format(2, 9, "24/11/2019")
        body = f"<root><meetingscount>2</meetingscount><meetings>{meetings}</meetings></root>".encode()
        [one] = answer(service, body)
        assert one == Listed(
            url=f"{self.base}ieListDocuments.aspx?CId=9&MId=1",
            title="Cabinet, 24 November 2026",
            facts={"guid": "meeting 1", "section": "Cabinet", "description": "Confirmed"},
        )
        assert service.next_call() is None
        assert service.rolling
        asked = a_service(self.base, service="moderngov").next_call()
        assert asked == (
            f"{self.base}mgWebService.asmx/GetAllMeetingsByDate?lCommitteeId=-1&sFromDate=22%2F10%2F2026&"
            "sToDate=23%2F01%2F2027"
        )

    def test_where_that_is_refused_committees_are_asked_one_by_one(self) -> None:
        service = a_service(f"{self.base}mgCalendarMonthView.aspx?GL=1", service="moderngov")
        service.next_call()
        assert service.miss_answer()
        committees = (
            "<committees><committee><committeeid>9</committeeid><committeedeleted>False</committeedeleted></committee>"
            "<committee><committeeid>8</committeeid><committeeexpired>True</committeeexpired></committee>"
            + "<committee><committeeid>7</committeeid></committee>" * 300
            + "</committees>"
        )
        assert answer(service, committees.encode()) == []
        answered = "<getmeetings><committeeid>9</committeeid><committeetitle>Planning</committeetitle>{}</getmeetings>"
        [one] = answer(service, answered.format("<meeting><meetingid>4</meetingid></meeting>").encode())
        assert (one.url, one.title) == (f"{self.base}ieListDocuments.aspx?CId=9&MId=4", "Planning")
        service.next_call()
        assert not service.miss_answer()  # one committee is refused: the others go on
        rest = 0
        while service.next_call() is not None:
            rest += 1
        assert rest == MOST_COMMITTEES - 2

    def test_where_the_service_is_switched_off_the_calendars_pages_are_read(self) -> None:
        service = a_service(f"{self.base}mgWebService.asmx", service="moderngov")
        for _ in range(2):
            service.next_call()
            assert service.miss_answer()
        page = b"""<a href="ieListDocuments.aspx?CId=9&amp;MId=5&amp;Ver=4">Cabinet</a>
        <a href="/mgCommitteeDetails.aspx?ID=9">About</a><a href="ieListDocuments.aspx?CId=x&MId=5">?</a>"""
        months = []
        while (url := service.next_call()) is not None:
            months.append(url)
            found = list(service.read_answer(page, url=url, content_type="text/html"))
            assert [one.url for one in found] == [f"{self.base}ieListDocuments.aspx?CId=9&MId=5"]
        assert [url.partition("?")[2] for url in months] == [
            "M=10&DD=2026&ACT=Go", "M=11&DD=2026&ACT=Go", "M=12&DD=2026&ACT=Go", "M=1&DD=2027&ACT=Go",
        ]  # fmt: skip
        assert not service.miss_answer()

    def test_a_source_may_name_one_committee(self) -> None:
        service = a_service(f"{self.base}mgWebService.asmx/GetMeetings?lCommitteeId=142", service="moderngov")
        assert "GetMeetings?lCommitteeId=142&" in (service.next_call() or "")

    @pytest.mark.parametrize(
        "body",
        [b"", b"<html><body>mgWebService Web Service</body></html>", b"<root/>", b"not found",
         b"<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><root><meetings>&x;</meetings></root>"],
    )  # fmt: skip
    def test_what_is_no_answer_is_refused(self, body: bytes) -> None:
        with pytest.raises(SourceError):
            answer(a_service(self.base, service="moderngov"), body)


NAMES = [
    "/a", "http://[", "gone", "results", "items", "value",
    "link", "url", "id", "documents", "documentId", "links",
    "total", "start", "totalResults", "details", "change_history", "note",
    "public_timestamp", "explanation", "withdrawn_notice", "schema_name", "base_path",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(NAMES),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=25,
)


@given(JSON, st.sampled_from([SEARCH, PUBLICATIONS, "https://democracy.x.uk/"]))
def test_no_answer_makes_a_service_raise_anything_else_or_ask_for_ever(body: Any, url: str) -> None:
    service = a_service(url, pages=5)
    raw = json.dumps(body).encode()
    explain_page(raw)
    for _ in range(200):
        asked = service.next_call()
        if asked is None:
            return
        try:
            for one in service.read_answer(raw, url=asked, content_type=None):
                assert isinstance(one.url, str)
        except SourceError:
            service.miss_answer()
    pytest.fail("it asks for ever")


@given(st.binary(max_size=200))
def test_no_bytes_make_a_service_raise_anything_else(body: bytes) -> None:
    for url in (SEARCH, PUBLICATIONS, "https://democracy.x.uk/"):
        for start in (b"", b"<root><meetings><meeting><meetingid>", b'{"results": [{"link": "', b"<feed><entry>"):
            service = a_service(url)
            with contextlib.suppress(SourceError):
                answer(service, start + body)
