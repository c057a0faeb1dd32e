"""Embargoes, notes to editors, and whom the press may ask."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.metadata import Clock
from pipeline.particulars.press import find_contacts, find_embargo, find_notes, join_notes

WRITTEN = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
CLOCK = Clock(latest=WRITTEN + timedelta(days=400))
STORY = "The council has agreed to mend the bridge over the mill stream before the winter comes."


def until(*lines: str) -> str | None:
    found = find_embargo([*lines, STORY], CLOCK, WRITTEN)
    return None if found is None else f"{found.value:%Y-%m-%d %H:%M} {found.precision}"


class TestEmbargo:
    @pytest.mark.parametrize(
        "line",
        [
            "EMBARGOED UNTIL 00.01 ON FRIDAY 6 MARCH 2026",
            "Embargoed until 00:01 Friday 6 March 2026",
            "STRICTLY EMBARGOED UNTIL 0001 hrs, Friday 6th March 2026",
            "Embargo: 00:01 on 6 March 2026",
            "EMBARGO: 6 March 2026, 00.01am",
            "Under embargo until 00.01 6/3/2026",
            "** Embargoed for release until 12.01am on Friday, 6 March **",
            "Not for publication or broadcast before 00.01 on Friday 6 March 2026",
            "EMBARGO TAN 00.01 DDYDD GWENER 6 MAWRTH 2026",
            "Dan embargo tan 00:01, 6 Mawrth 2026",
            "Embargoed until March 6, 2026 00:01",
            "Sperrfrist: 6. März 2026, 00:01 Uhr",
        ],
    )
    def test_the_moment_is_read_from_the_head_of_a_release(self, line: str) -> None:
        assert until(line) == "2026-03-06 00:01 minute"

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("Embargoed until noon on 6 July 2026", "2026-07-06 11:00 minute"),  # summer time
            ("Embargoed until 6pm GMT on Friday 6 March 2026", "2026-03-06 18:00 minute"),
            ("Embargoed until 09:00 BST 6 July 2026", "2026-07-06 08:00 minute"),
            ("Embargoed until Friday 6 March 2026", "2026-03-06 00:00 day"),
            ("Embargoed until midnight, 6 March", "2026-03-06 00:00 minute"),
        ],
    )
    def test_hours_zones_and_days_without_an_hour_are_understood(self, line: str, expected: str) -> None:
        assert until(line) == expected

    def test_the_date_may_stand_on_the_next_line(self) -> None:
        assert until("EMBARGOED UNTIL", "00.01 Friday 6 March 2026") == "2026-03-06 00:01 minute"

    def test_it_keeps_what_was_read(self) -> None:
        found = find_embargo(["EMBARGOED UNTIL 00.01 ON FRIDAY 6 MARCH 2026"], CLOCK, WRITTEN)
        assert found is not None
        assert found.original == "EMBARGOED UNTIL 00.01 ON FRIDAY 6 MARCH 2026"

    @pytest.mark.parametrize(
        "line",
        [
            "FOR IMMEDIATE RELEASE",
            "For immediate release: Friday 6 March 2026",
            "The arms embargo was in force until 6 March 2026, when the council of ministers met.",
            "Embargo on Russian oil begins on 5 December 2022 as members of the union agree a price cap",
            "Embargo lifted",
            "Embargoed until further notice",
            "An embargo",
            "",
        ],
    )
    def test_other_lines_are_none(self, line: str) -> None:
        assert until(line) is None

    def test_one_in_the_middle_of_a_story_is_none(self) -> None:
        assert find_embargo([STORY] * 20 + ["Embargoed until 00.01 on 6 March 2026"], CLOCK, WRITTEN) is None


NOTES = [
    STORY,
    "ENDS",
    "Notes to editors",
    "1. The bridge was built in 1897.",
    "2. A picture of the bridge is attached.",
    "Media contact",
    "Jane Example, communications officer",
    "01632 960123",
    "jane.example@council.example",
]


def notes(lines: list[str]) -> str | None:
    where = find_notes(lines)
    return where and join_notes(lines, where)


class TestNotes:
    def test_they_go_from_their_heading_to_the_contacts(self) -> None:
        assert notes(NOTES) == "1. The bridge was built in 1897.\n2. A picture of the bridge is attached."

    @pytest.mark.parametrize(
        "heading",
        [
            "Notes to editors:", "NOTES FOR EDITORS", "Note to Editors", "Editor's notes", "Editors’ notes",
            "Notes to the media", "Nodiadau i olygyddion", "NODIADAU I'R GOLYGYDDION", "Hinweis an die Redaktionen",
            "Noot voor de redactie", "– Notes to editors –", "ENDS", "-Ends-", "– DIWEDD –", "###", "# # #",
        ],
    )  # fmt: skip
    def test_many_headings_and_the_end_mark_begin_them(self, heading: str) -> None:
        assert notes([STORY, STORY, heading, "The bridge was built in 1897."]) == "The bridge was built in 1897."

    def test_they_may_begin_on_the_line_of_their_heading(self) -> None:
        found = notes([STORY, "Notes to editors: The bridge was built in 1897.", "It is listed."])
        assert found == "The bridge was built in 1897.\nIt is listed."

    @pytest.mark.parametrize(
        "line",
        [
            "The notes to editors said nothing of it, and the committee took note.",
            "Editor's note: This article was amended on 3 March 2026.",
            "This ends the matter, the chairman said.",
            "Weekends",
        ],
    )
    def test_sentences_and_notices_are_none(self, line: str) -> None:
        assert notes([STORY, line, STORY]) is None


class TestContacts:
    def test_name_address_and_number_are_told_apart(self) -> None:
        (contact,) = find_contacts(NOTES, {})
        assert contact.name == "Jane Example"
        assert contact.email == "jane.example@council.example"
        assert contact.phone == "01632 960123"
        assert contact.text.startswith("Media contact")

    @pytest.mark.parametrize(
        ("line", "name", "email", "phone"),
        [
            (
                "For media enquiries, please contact the press office on 01632 960 124 or press@council.example.",
                "press office", "press@council.example", "01632 960 124",
            ),
            ("Media enquiries: Jane Example, 01632 960125", "Jane Example", None, "01632 960125"),
            ("Press office: +44 (0)1632 960126", "Press office", None, "+44 (0)1632 960126"),
            (
                "For further information contact Jane Example, Media Officer, on 01632 960127.",
                "Jane Example", None, "01632 960127",
            ),
            (
                "Ymholiadau’r wasg: Siân Enghraifft, 01632 960128, y.wasg@cyngor.example",
                "Siân Enghraifft", "y.wasg@cyngor.example", "01632 960128",
            ),
            ("Pressekontakt: Jana Beispiel, presse@stadt.example", "Jana Beispiel", "presse@stadt.example", None),
        ],
    )  # fmt: skip
    def test_one_line_says_it_all(self, line: str, name: str | None, email: str | None, phone: str | None) -> None:
        (contact,) = find_contacts([STORY, line], {})
        assert (contact.name, contact.email, contact.phone) == (name, email, phone)

    def test_several_people_are_several_contacts(self) -> None:
        lines = ["Media contacts", "Jane Example, 01632 960123", "Bob Sample, 01632 960124, bob@council.example"]
        assert [contact.name for contact in find_contacts(lines, {})] == ["Jane Example", "Bob Sample"]

    def test_an_address_that_only_the_link_shows_is_found(self) -> None:
        (contact,) = find_contacts(
            ["Media enquiries: email our press office"], {"email our press office": "p@c.example"}
        )
        assert contact.email == "p@c.example"

    def test_behind_the_end_mark_a_plain_contact_is_for_the_press(self) -> None:
        lines = [STORY, "ENDS", "Contact: Jane Example, 01632 960123"]
        assert find_contacts(lines, {}) == ()
        assert len(find_contacts(lines, {}, release_from=2)) == 1

    @pytest.mark.parametrize(
        "line",
        [
            "To book a place call the library on 01632 960129 or email library@council.example.",
            "The press office said that nobody had called.",
            "For more information contact the library on 01632 960129.",
            "In 2019-2020 the press wrote 1,234,567 words about it, the media office believes.",
            "Press enquiries were many between 01/02/2026 and 03/03/2026",
        ],
    )
    def test_what_readers_may_call_and_what_has_no_address_is_none(self, line: str) -> None:
        assert find_contacts([STORY, line], {}) == ()


_LINES = st.lists(
    st.one_of(
        st.text(max_size=120),
        st.sampled_from(
            [*NOTES, "EMBARGOED UNTIL", "Embargo: 99.99 on 31 February 2026", "Press office: 0000000000", "@", "0" * 50]
        ),
        st.from_regex(r"(Embargo|Media enquiries|Contact)[: ]{1,3}[\w .@/:+-]{0,60}"),
    ),
    max_size=15,
)


@given(_LINES)
@settings(max_examples=150, deadline=None)
def test_nothing_that_stands_on_a_page_breaks_them_and_what_is_found_stands_there(lines: list[str]) -> None:
    moment = find_embargo(lines, CLOCK, WRITTEN)
    if moment is not None:
        assert abs(moment.value - WRITTEN) < timedelta(days=365 * 40)
    whole = "\n".join(lines)
    for contact in find_contacts(lines, {}, release_from=0):
        assert contact.email or contact.phone
        assert contact.email is None or contact.email in whole
        assert contact.phone is None or contact.phone in whole
    where = find_notes(lines)
    if where is not None:
        assert 0 <= where[0] < where[1] <= len(lines)
        join_notes(lines, where)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 3, 1)), st.sampled_from([".", ":", ""]))  # noqa: DTZ001
@settings(max_examples=100, deadline=None)
def test_every_moment_that_is_written_in_words_is_read_back(moment: datetime, dot: str) -> None:
    line = f"EMBARGOED UNTIL {moment:%H}{dot}{moment:%M} ON {moment:%A} {moment.day} {moment:%B %Y}".upper()
    found = find_embargo([line], Clock(zone="UTC", latest=datetime(2028, 1, 1, tzinfo=UTC)), WRITTEN)
    assert found is not None
    assert found.value == moment.replace(second=0, microsecond=0, tzinfo=UTC)


@pytest.mark.parametrize(
    "line",
    [
        "press office " + "0 " * 50_000,
        "a" * 100_000 + "@" + "b." * 50_000,
        "media enquiries " + "(0" * 50_000,
        "(" * 100_000,
    ],
)
def test_long_lines_cost_little(line: str) -> None:
    begun = time.process_time()
    find_contacts([line] * 3, {}, release_from=0)
    find_embargo([line], CLOCK, WRITTEN)
    find_notes([line])
    assert time.process_time() - begun < 0.5
