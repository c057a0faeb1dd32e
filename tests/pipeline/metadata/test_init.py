"""What a page says of itself, read as a whole."""

from datetime import UTC, datetime

from tests.pipeline.metadata.some_metadata import PAGES, a_site, read


class TestPages:
    def test_a_national_page_gives_every_field_and_where_it_was_read(self) -> None:
        page = (PAGES / "national.html").read_text("utf-8")
        site = a_site("The Morning Post-Dispatch", "dispatch.example")
        found = read(page, site=site, url="https://dispatch.example/transport/2026/jul/14/ferry-link-to-return?cmp=1")
        assert found.title == "Ferry link to return after nine years, operator says"
        assert found.authors == ("Aled Rhys", "Noor Siddiqui")
        assert found.published is not None
        assert found.published.value == datetime(2026, 7, 14, 5, 0, tzinfo=UTC)
        assert found.modified is not None
        assert found.modified.original == "2026-07-14T10:42:10.000Z"
        assert found.section == "Transport"
        assert found.tags == ("Ferries", "Ports", "Wales")
        assert found.language == "en-GB"
        assert found.image == "https://dispatch.example/media/ferry.jpg"
        assert found.canonical == "https://dispatch.example/transport/2026/jul/14/ferry-link-to-return"
        assert found.origins["published"] == "json-ld"
        assert found.origins["image"] == "opengraph"

    def test_a_trade_page_without_json_gives_author_and_date_from_its_metas(self) -> None:
        found = read((PAGES / "trade.html").read_text("utf-8"))
        assert found.title == "Councils ask for longer settlement"
        assert found.authors == ("Harriet Okafor",)
        assert found.published is not None
        assert (found.published.source, found.published.zone_assumed) == ("meta", True)

    def test_a_council_page_gives_the_day_from_its_time_element(self) -> None:
        found = read((PAGES / "council.html").read_text("utf-8"), site=a_site("Ashcombe District Council"))
        assert found.title == "New library hours from May"
        assert found.published is not None
        assert (found.published.precision, found.published.source) == ("day", "time")

    def test_gov_uk_metas_give_first_publication_and_update(self) -> None:
        found = read((PAGES / "govuk.html").read_text("utf-8"), site=a_site("GOV.UK"))
        assert found.title == "Minister opens flood barrier at Wexley"
        assert found.published is not None
        assert found.modified is not None
        assert (found.published.value.day, found.modified.value.day) == (11, 12)
