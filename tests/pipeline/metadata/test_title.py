"""Headlines: what most places agree on."""

from tests.pipeline.metadata.some_metadata import read, with_json


class TestTitle:
    def test_the_sites_name_is_cut_off_wherever_it_stands(self) -> None:
        for title in (
            "Bins to be blue - Civic Ledger",
            "Bins to be blue | News | Civic Ledger",
            "Civic Ledger: Bins to be blue",
        ):
            assert read(f"<html><head><title>{title}</title></head><body><p>x</p></body></html>").title in {
                "Bins to be blue",
                "Bins to be blue | News",
            }

    def test_a_masthead_h1_loses_to_what_the_page_declares(self) -> None:
        head = '<meta property="og:title" content="Bins to be blue">'
        page = f"<html><head>{head}</head><body><h1>Civic Ledger</h1></body></html>"
        assert read(page).title == "Bins to be blue"

    def test_a_lone_heading_that_the_title_has_behind_the_headline_is_the_masthead(self) -> None:
        head = "<title>Bins to be blue | Marlin County, IA</title><meta property='og:title' content='Bins to be blue'>"
        page = f"<html><head>{head}</head><body><h1>Marlin County, IA</h1><h2>Bins to be blue</h2></body></html>"
        assert read(page).title == "Bins to be blue"

    def test_a_lone_heading_that_the_title_has_before_the_headline_is_the_masthead(self) -> None:
        head = "<title>Λιμάνι: Νέο μουσείο</title><meta property='og:title' content='Νέο μουσείο'>"
        page = f"<html><head>{head}</head><body><h1>Λιμάνι</h1><h3>Νέο μουσείο</h3></body></html>"
        assert read(page).title == "Νέο μουσείο"

    def test_what_is_shared_with_the_sites_name_behind_it_is_no_other_headline(self) -> None:
        declared = '{"@type":"NewsArticle","headline":"Bins to be blue"}'
        for shared, title in (("Why bins turn blue", "Why bins turn blue"), ("Why | Civic Ledger", "Bins to be blue")):
            head = f"<title>Bins to be blue</title><meta property='og:title' content='{shared}'>"
            head += f"<script type='application/ld+json'>{declared}</script>"
            page = f"<html><head>{head}</head><body><h1>Bins to be blue</h1></body></html>"
            assert read(page).title == title

    def test_a_colon_or_bar_inside_the_headline_stays(self) -> None:
        title = "Budget: what it means | How six councils will spend it"
        head = f'<title>{title} | Ledger</title><meta property="og:title" content="{title}">'
        page = f"<html><head>{head}</head><body><h1>{title}</h1></body></html>"
        assert read(page).title == title

    def test_a_page_without_a_heading_has_the_part_of_its_title_that_stands_in_a_line_of_its_own(self) -> None:
        for title in (
            "{} - Local Trade Weekly",
            "Holbeck Council: News: {}",
            "Resident news, issue 100: {} | Holbeck",
            "{}",
        ):
            head = f"<title>{title.format('Bins to be blue: all of them')}</title>"
            page = f"<html><head>{head}</head><body><p>News</p><b>Bins to be blue: all of them</b></body></html>"
            assert read(page).title == "Bins to be blue: all of them"

    def test_the_title_of_an_inline_drawing_is_no_headline(self) -> None:
        page = "<html><body><svg><title>Search icon</title></svg><p>text</p></body></html>"
        assert read(page).title is None

    def test_a_newsrooms_own_headline_counts_before_the_vote(self) -> None:
        title = "Council tax to rise by three per cent"
        head = '<title>{0}</title><meta property="og:title" content="Council tax: what the rise means for you">'
        page = with_json({"@type": "NewsArticle", "headline": title}, f"<h1>{title}</h1>")
        assert read(page.replace("<head>", "<head>" + head.format(title))).title == (
            "Council tax: what the rise means for you"
        )
        plain = page.replace("NewsArticle", "BlogPosting")
        assert read(plain.replace("<head>", "<head>" + head.format(title))).title == title

    def test_every_form_of_the_headline_is_kept(self) -> None:
        head = '<meta property="og:title" content="Blue bins come in May">'
        found = read(f"<html><head>{head}</head><body><h1>Bins will be blue</h1></body></html>")
        assert set(found.titles) == {"Blue bins come in May", "Bins will be blue"}
