"""Pages in, findings out: text, kinds and reasons."""

from pipeline.blocks import STRIPPED_BLOCKS, STRIPPED_TOTAL
from tests.pipeline.some_pages import PAGES, SENTENCES, a_page, read, stripped, text_of


class TestArticles:
    def test_a_trade_page_gives_its_text_and_keeps_the_rest_apart(self) -> None:
        reading = read((PAGES / "trade.html").read_bytes())
        text = text_of(reading)
        assert text.startswith("Finance directors of forty")
        assert text.endswith("carry any shortfall.")
        assert text.count("\n") == 4
        apart = stripped(reading)
        assert "Principal Accountant" in apart["jobs"]
        assert "Subscribe to the Ledger newsletter" in apart["newsletter"]
        assert "uses cookies" in apart["cookie notice"]
        assert "Shutterstock" in apart["caption"]
        assert apart["headline"] == "Councils ask for longer settlement"

    def test_a_national_page_gives_its_text_and_keeps_the_rest_apart(self) -> None:
        reading = read((PAGES / "national.html").read_bytes(), name="The Morning Post-Dispatch")
        text = text_of(reading)
        assert "A harbour to be dredged" in text.split("\n")
        assert "Bus company" not in text
        apart = stripped(reading)
        assert "Photograph: Ivo Marsh" in apart["caption"]
        assert "Share this" in apart["share"]
        assert "Bus company" in apart["related"]
        assert reading.article is not None
        assert reading.article.url == "https://dispatch.example/transport/2026/jul/14/ferry-link-to-return"
        assert reading.article.origins["title"] == "h1"

    def test_it_is_told_what_found_the_text(self) -> None:
        plain = read(a_page()).article
        linked = "".join(f"<li><a href='/x{number}'>{text}</a></li>" for number, text in enumerate(SENTENCES * 2))
        head = "<head><meta property='og:type' content='article'></head>"
        listed = f"<html lang=en>{head}<body><h1>Bridge to be mended</h1><ul>{linked}</ul></body></html>"
        links = read(listed.encode()).article
        assert plain is not None
        assert links is not None
        assert (plain.origins["text"], links.origins["text"]) == ("weights", "trafilatura")

    def test_a_council_page_gives_its_text_without_the_line_of_the_date(self) -> None:
        text = text_of(read((PAGES / "council.html").read_bytes(), name="Ashcombe District Council"))
        assert text.startswith("All six district libraries")
        assert text.endswith("by telephone from any branch.")

    def test_gov_uk_lists_and_quotations_stay_in_the_text(self) -> None:
        lines = text_of(read((PAGES / "govuk.html").read_bytes(), name="GOV.UK")).split("\n")
        assert any(line.startswith("Nobody who stood") for line in lines)
        assert any("two hundred years" in line for line in lines)
        assert not any("cookies" in line for line in lines)

    def test_a_paragraph_that_is_repeated_stands_once(self) -> None:
        body = "".join(f"<p>{sentence}</p>" for sentence in (*SENTENCES, SENTENCES[1]))
        reading = read(a_page(body))
        assert text_of(reading).count(SENTENCES[1]) == 1
        assert stripped(reading)["repeated paragraph"] == SENTENCES[1]

    def test_a_short_news_item_that_is_dated_is_an_article(self) -> None:
        page = a_page(
            "<p>The swimming pool in Mill Lane stays shut until Friday because the boiler has failed again. "
            "Season tickets are good for four more days, the council said.</p>",
            head='<meta property="article:published_time" content="2026-03-01T08:00:00Z">',
        )
        reading = read(page)
        assert reading.article is not None
        assert reading.article.words < 40

    def test_what_is_stripped_is_bounded(self) -> None:
        junk = "".join(f'<div class="promo-{n}"><p>Buy one of our {n} fine hats today</p></div>' for n in range(5000))
        reading = read(a_page("".join(f"<p>{s}</p>" for s in SENTENCES) + f"</main><aside>{junk}</aside>"))
        assert reading.article is not None
        assert len(reading.article.stripped) <= STRIPPED_BLOCKS
        assert sum(len(block.text) for block in reading.article.stripped) <= STRIPPED_TOTAL

    def test_the_same_bytes_give_the_same_article(self) -> None:
        payload = (PAGES / "national.html").read_bytes()
        first, second = read(payload), read(payload)
        assert first.article is not None
        assert second.article is not None
        assert first.article.to_json() == second.article.to_json()

    def test_boxes_that_say_what_they_are_come_and_go_without_a_trace_in_the_text(self) -> None:
        story = "<p>The bridge over the river will be mended in spring, the council said on Monday evening.</p>" * 6
        story = story.replace("Monday", "{}").format("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Sunday")
        boxes = (
            '<div class="newsletter-signup"><p>All the news of the county in one letter.</p></div>'
            '<div class="advert" id="ad-mid-2"><p>Save 50% on garden furniture this week.</p></div>'
            '<div class="poll"><p>Should it close? Yes 54%</p></div>'
        )
        one, two = (read(a_page(story + more + story.replace("river", "canal"))) for more in ("", boxes))
        assert text_of(one) == text_of(two)
        assert any("garden furniture" in text for text in stripped(two).values())

    def test_a_box_that_holds_much_of_the_page_stays(self) -> None:
        story = "The bridge over the river will be mended in spring, the council said on Monday evening." * 3
        assert story in text_of(
            read(a_page(f'<div class="related-content"><p>{story}</p><p>{story[:-1]} again.</p></div>'))
        )

    def test_less_than_signs_in_a_script_are_no_elements(self) -> None:
        script = "<script>for(i=0;i<vendors.length;i++){" + "var a = b; " * 3000 + "}</script>"
        assert read(a_page(head=script)).kind == "article"
