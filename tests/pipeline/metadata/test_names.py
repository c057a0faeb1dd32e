"""Bylines read as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.metadata import (
    looks_like_name,
    split_names,
)
from pipeline.metadata.names import Mention, read_byline, sort_names


class TestNames:
    @pytest.mark.parametrize(
        ("byline", "names"),
        [
            ("By Jane Doe", ["Jane Doe"]),
            ("Jane Doe and John Smith", ["Jane Doe", "John Smith"]),
            ("By Jane Doe, Political Editor, and John Smith", ["Jane Doe", "John Smith"]),
            ("Words by Siân O’Neill & Émile de la Tour", ["Siân O’Neill", "Émile de la Tour"]),
            ("https://x.example/authors/jane-doe", []),
            ("Alexandra Anderson", ["Alexandra Anderson"]),
        ],
    )
    def test_a_byline_is_split_into_persons(self, byline: str, names: list[str]) -> None:
        assert split_names(byline) == names

    def test_a_name_has_a_shape(self) -> None:
        assert looks_like_name("Mair Tudor-Evans")
        assert looks_like_name("Ludwig van Beethoven")
        assert not looks_like_name("read more from this author")
        assert not looks_like_name("Local Democracy Reporter")

    @pytest.mark.parametrize(
        ("byline", "names"),
        [
            ("Von Anna Müller und Max Schmidt", ["Anna Müller", "Max Schmidt"]),
            ("Por María López y José Ruiz", ["María López", "José Ruiz"]),
            ("Par Émile Zola et Jean Moulin", ["Émile Zola", "Jean Moulin"]),
            ("Av Kari Nordmann og Ola Hansen", ["Kari Nordmann", "Ola Hansen"]),
            ("Santiago Ramón y Cajal", ["Santiago Ramón y Cajal"]),
            ("JANE DOE AND JOHN SMITH", ["JANE DOE", "JOHN SMITH"]),
            ("Jane Doe, John Smith, A. N. Other", ["Jane Doe", "John Smith", "A. N. Other"]),
            ("责编：牛镛、岳弘彬", ["牛镛", "岳弘彬"]),
            ("Jane Doe Senior Political Reporter", ["Jane Doe"]),
            ("Jane Doe, PhD", ["Jane Doe"]),
            ("Centre for Education and Research", ["Centre for Education and Research"]),
            ("“Jane Doe”", ["Jane Doe"]),
            ("Jane Doe (Ledger)", ["Jane Doe (Ledger)"]),
            ("(Jane Doe)", ["Jane Doe"]),
        ],
    )
    def test_bylines_are_read_in_many_ways_of_writing_them(self, byline: str, names: list[str]) -> None:
        assert split_names(byline) == names

    def test_a_role_is_kept_with_the_name_before_it(self) -> None:
        found = read_byline("By Jane Doe, Local Democracy Reporter, and John Smith, Political Editor")
        assert [(each.name, each.role) for each in found] == [
            ("Jane Doe", "Local Democracy Reporter"),
            ("John Smith", "Political Editor"),
        ]

    def test_people_agencies_and_houses_are_told_apart(self) -> None:
        said = ["Jane Doe", "Press Association", "Civic Ledger", "Ledger Newsroom", "admin", "dpa"]
        found = sort_names((Mention(name=name) for name in said), frozenset({"civicledger"}))
        assert [person.name for person in found.people] == ["Jane Doe"]
        assert found.agencies == ("PA Media", "dpa")
        assert [(each.name, each.role) for each in found.others] == [
            ("Press Association", "agency"),
            ("Civic Ledger", "organisation"),
            ("Ledger Newsroom", "organisation"),
            ("admin", "organisation"),
            ("dpa", "agency"),
        ]

    @given(st.text(max_size=300))
    def test_no_byline_makes_it_fail_and_no_name_is_longer_than_it(self, text: str) -> None:
        for name in split_names(text):
            assert name == name.strip()
            assert len(name) <= 4 * len(text) + 4

    @given(
        st.lists(
            st.sampled_from(["Jane Doe", "Siân O’Neill", "Ludwig van Beethoven", "Mair Tudor-Evans", "A. N. Other"]),
            min_size=1,
            max_size=4,
            unique=True,
        ),
        st.sampled_from([" and ", "; ", " & ", " | ", ", ", " und "]),
        st.sampled_from(["", "By ", "Von ", "Words by ", "Posted by: "]),
    )
    def test_joined_names_come_apart_again(self, names: list[str], between: str, before: str) -> None:
        assert split_names(before + between.join(names)) == names
