"""Bylines read as text."""

import pytest

from pipeline.metadata import (
    looks_like_name,
    split_names,
)


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
