"""The language of a text, and its words."""

from pipeline.language import choose_language, count_words
from tests.pipeline.some_pages import SENTENCES


class TestLanguage:
    WELSH = "Mae'r cyngor wedi cytuno i atgyweirio'r bont cyn y gaeaf, ac mae'r gwaith yn dechrau yn y gwanwyn. " * 3

    def test_the_pages_word_is_believed(self) -> None:
        assert choose_language("en-GB", "html", " ".join(SENTENCES), "en") == ("en-GB", "html")

    def test_a_welsh_story_on_a_page_that_says_english_is_welsh(self) -> None:
        assert choose_language("en", "html", self.WELSH, "en") == ("cy", "text")

    def test_a_welsh_page_is_welsh(self) -> None:
        assert choose_language("cy", "html", self.WELSH, "en") == ("cy", "html")

    def test_without_a_word_of_the_page_the_text_decides(self) -> None:
        assert choose_language(None, "", " ".join(SENTENCES), "en") == ("en", "text")

    def test_words_are_counted_in_scripts_without_spaces(self) -> None:
        assert count_words("one two three") == 3
        assert count_words("議会は橋を修理することを決めた" * 10) > 50
