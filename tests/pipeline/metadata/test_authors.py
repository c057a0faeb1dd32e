"""Who signed a page, and where that stands."""

import pytest

from pipeline.metadata import (
    AUTHORS,
)
from tests.pipeline.metadata.some_metadata import read, with_json


class TestAuthors:
    def test_the_site_and_roles_are_no_authors(self) -> None:
        value = {"@type": "NewsArticle", "author": ["Civic Ledger", "Staff reporter", "admin", {"name": "Jo March"}]}
        assert read(with_json(value)).authors == ("Jo March",)

    def test_an_author_may_be_a_reference(self) -> None:
        graph = [{"@type": "Article", "author": {"@id": "#jo"}}, {"@type": "Person", "@id": "#jo", "name": "Jo March"}]
        assert read(with_json({"@graph": graph})).authors == ("Jo March",)

    def test_ten_thousand_authors_are_not_believed(self) -> None:
        value = {
            "@type": "NewsArticle",
            "author": [{"name": f"Name Number{chr(65 + n % 26)}{'x' * (n % 50)}"} for n in range(10_000)],
        }
        assert len(read(with_json(value)).authors) <= AUTHORS

    def test_a_recipe_has_the_author_that_it_declares(self) -> None:
        assert read(with_json({"@type": "Recipe", "name": "Plum cake", "author": {"name": "Jo March"}})).authors == (
            "Jo March",
        )

    def test_two_who_sign_in_a_list_of_links_both_sign(self) -> None:
        links = '<li>Von <a href="/autor/jo">Jo Marsch</a></li><li><a href="/autor/tim">Tim Özer</a></li>'
        page = f'<html><body><h1>Gleis</h1><ul class="story-authors">{links}</ul><p>Text</p></body></html>'
        assert read(page).authors == ("Jo Marsch", "Tim Özer")


class TestPlainBylines:
    def test_a_byline_that_nothing_marks_is_found_below_the_headline(self) -> None:
        line = "<div class='x7'>2 March 2026</div><div class='x9'>By Mary Ann O'Hara</div>"
        found = read(f"<html><body><h1>Bins will be blue</h1>{line}<p>Text</p></body></html>")
        assert found.authors == ("Mary Ann O'Hara",)
        assert found.origins["authors"] == "byline"

    @pytest.mark.parametrize(
        "line",
        [
            "By noon the road was open again.",
            "By Tuesday Night The Flood Had Reached Every House In The Lower Town And Beyond",
            "By reading on you agree to our terms",
        ],
    )
    def test_a_sentence_that_begins_with_by_is_no_byline(self, line: str) -> None:
        assert read(f"<html><body><h1>Bins will be blue</h1><p>{line}</p></body></html>").authors == ()

    @pytest.mark.parametrize(
        "line",
        [
            "<span>Sehernur Karsu |</span> <span>05.04.2025 - updated</span>",
            "<span>Jo March</span> · 2 March 2026",
            "Jo March, 2 March 2026, 14:20 <span>Views: 1204</span>",
            "Олена Гнатюк, 2 жовтня 2026, 14:20 <span>Переглядів: 1204</span>",
        ],
    )
    def test_a_bare_name_right_before_a_date_is_the_authors(self, line: str) -> None:
        assert read(f"<html><body><h1>Bins will be blue</h1><div>{line}</div></body></html>").authors in {
            ("Sehernur Karsu",),
            ("Jo March",),
            ("Олена Гнатюк",),
        }

    @pytest.mark.parametrize(
        "line", ["<b>Jo March</b> <p>said so</p>", "<b>Trafalgar Square</b>, on a wet day in 2020"]
    )
    def test_a_bare_name_beside_anything_else_is_not(self, line: str) -> None:
        assert read(f"<html><body><h1>Bins will be blue</h1><div>{line}</div></body></html>").authors == ()

    def test_a_label_with_a_colon_joins_linked_names(self) -> None:
        line = "<li>Von: <span><a href='/b'>Bill MCCARTHY</a>,</span> <a href='/m'>Marisha GOLDHAMER</a></li>"
        found = read(f"<html><body><h1>Bins will be blue</h1><ul>{line}</ul></body></html>")
        assert found.authors == ("Bill MCCARTHY", "Marisha GOLDHAMER")

    def test_the_foot_of_what_is_marked_up_as_an_article_may_name_its_author(self) -> None:
        foot = "<div class='footer'><span class='news-list-author'>Von Annika Rell</span></div>"
        page = "<html><body><div itemscope itemtype='{}'><h1>Bins will be blue</h1>{}</div></body></html>"
        assert read(page.format("http://schema.org/Article", foot)).authors == ("Annika Rell",)
        assert read(page.format("http://schema.org/WebPage", foot)).authors == ()


class TestSigners:
    def test_readers_may_see_more_authors_than_are_declared(self) -> None:
        links = "".join(
            f"<div class='byline'><a rel='author'><span>{first}</span> <span>{last}</span></a></div>"
            for first, last in (("Ingrid", "Treborg"), ("Marlene", "Holm"))
        )
        declared = '{"@type":"NewsArticle","author":[{"name":"Marlene Holm"}]}'
        page = f"<html><head><script type='application/ld+json'>{declared}</script></head><body><h1>Bins</h1>{links}"
        assert read(f"{page}</body></html>").authors == ("Ingrid Treborg", "Marlene Holm")

    def test_a_list_of_authors_within_the_list_is_read_too(self) -> None:
        found = read(with_json({"@type": "NewsArticle", "author": [{"name": "Jo March"}, [{"name": "Ann Lee"}]]}))
        assert found.authors == ("Jo March", "Ann Lee")

    def test_an_agency_is_named_apart_from_the_people(self) -> None:
        found = read(with_json({"@type": "NewsArticle", "author": [{"name": "Jo March"}, {"name": "PA Media"}]}))
        assert (found.authors, found.agencies) == (("Jo March",), ("PA Media",))
        assert [(each.name, each.role) for each in found.bylines] == [("Jo March", None), ("PA Media", "agency")]

    def test_where_no_person_signs_the_house_does(self) -> None:
        found = read(with_json({"@type": "NewsArticle", "author": {"@type": "Organization", "name": "Civic Ledger"}}))
        assert found.authors == ()
        assert "authors" not in found.origins
        assert [(each.name, each.role) for each in found.bylines] == [("Civic Ledger", "organisation")]

    def test_the_visible_byline_adds_role_and_address(self) -> None:
        line = "<p class='byline'>By <a href='/authors/jo-march'>Jo March</a>, Local Democracy Reporter</p>"
        page = with_json({"@type": "NewsArticle", "author": "Jo March"}, f"<h1>Bins will be blue</h1>{line}")
        found = read(page)
        assert found.byline == "By Jo March, Local Democracy Reporter"
        assert [(each.name, each.role, each.url) for each in found.bylines] == [
            ("Jo March", "Local Democracy Reporter", "https://ledger.example/authors/jo-march")
        ]
        assert found.agencies == ("Local Democracy Reporting Service",)
        assert [found.origins[name] for name in ("authors", "byline", "agencies")] == ["json-ld", "byline", "byline"]

    def test_byline_and_agencies_tell_where_each_was_read(self) -> None:
        value = {
            "@type": "NewsArticle",
            "author": [{"@type": "Person", "name": "Jo March"}, {"@type": "Organization", "name": "PA Media"}],
        }
        declared = read(with_json(value))
        assert {declared.origins[name] for name in ("authors", "byline", "agencies")} == {"json-ld"}
        line = "<h1>Bins</h1><p class='byline'>By <b>Jo March</b>, Environment Editor</p>"
        shown = read(with_json(value).replace("</body>", f"{line}</body>"))
        assert (shown.byline, shown.origins["byline"]) == ("By Jo March, Environment Editor", "byline")
        assert (shown.origins["authors"], shown.origins["agencies"]) == ("json-ld", "json-ld")
        assert set(shown.confidence) == set(shown.origins)

    @pytest.mark.parametrize(
        "line",
        [
            "<span class='article__author'>Von Jo March</span>",
            "<a rel='author' href='/u/7'>Jo March</a>",
            "<div class='PostAuthor_name__x'><span>Jo March</span><span>12 min read</span></div>",
            "<p><a href='/authors/jo'>Jo March</a></p>",
            "<p itemprop='author'>Jo March</p>",
            "<div>Written by Jo March</div>",
        ],
    )
    def test_bylines_are_found_however_they_are_marked(self, line: str) -> None:
        found = read(f"<html><body><h1>Bins will be blue</h1>{line}<p>Text of the page.</p></body></html>")
        assert found.authors == ("Jo March",)

    @pytest.mark.parametrize(
        "line",
        [
            "<div class='comments'><span class='author'>Jo March</span></div>",
            "<section class='related'><p class='byline'>By Jo March</p></section>",
            "<footer><span class='author'>Jo March</span></footer>",
            "<div class='byline'>Fact checked by Jo March</div>",
            "<div class='author'>Read More</div>",
        ],
    )
    def test_who_writes_elsewhere_on_the_page_did_not_write_the_article(self, line: str) -> None:
        assert read(f"<html><body><h1>Bins will be blue</h1><p>Text.</p>{line}</body></html>").authors == ()

    def test_several_authors_stand_in_elements_of_their_own(self) -> None:
        line = "<div class='authors'><a class='author'>Jo March</a>, <a class='author'>Amy March</a></div>"
        found = read(f"<html><body><h1>Bins will be blue</h1>{line}<p>Text.</p></body></html>")
        assert found.authors == ("Jo March", "Amy March")

    def test_names_as_libraries_write_them_are_turned(self) -> None:
        page = "<html><head><meta name='citation_author' content='March, Jo'></head><body><h1>X</h1></body></html>"
        assert read(page).authors == ("Jo March",)
