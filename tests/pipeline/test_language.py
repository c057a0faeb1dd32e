"""The language of a text, and its words."""

import pytest

from pipeline.language import choose_language, count_words, weigh_language
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


ENGLISH = (
    "The council has agreed to mend the bridge over the mill stream before the winter, and the road will be closed."
)
CYMRAEG = (
    "Mae'r cyngor wedi cytuno i atgyweirio'r bont dros yr afon cyn y gaeaf, a bydd y ffordd ar gau am naw diwrnod tra "
    "bod y gwaith yn mynd rhagddo."
)


class TestWeighed:
    @pytest.mark.parametrize(
        ("text", "language"),
        [
            (CYMRAEG, "cy"),
            ("Tha a' Chomhairle air aontachadh an drochaid a chàradh ron gheamhradh, agus bidh an rathad dùinte fad "
             "naoi latha fhad 's a bhios an obair a' dol air adhart.", "gd"),
            ("Tá an chomhairle tar éis aontú an droichead a dheisiú roimh an ngeimhreadh, agus beidh an bóthar dúnta ar "  # noqa: E501
             "feadh naoi lá agus an obair ar siúl.", "ga"),
            ("Rada miasta zgodziła się naprawić most przed zimą, a droga będzie zamknięta przez dziewięć dni, powiedział "  # noqa: E501
             "rzecznik, który dodał, że objazd poprowadzi przez młyn.", "pl"),
            ("Der Rat hat beschlossen, die Brücke über den Mühlbach noch vor dem Winter zu reparieren, und die Straße "
             "wird für neun Tage gesperrt.", "de"),
            ("市議会は冬までに橋を修理することを決め、道路は九日間通行止めになると発表した。", "ja"),
        ],
    )  # fmt: skip
    def test_a_text_in_another_language_than_its_template_says_is_what_it_is(self, text: str, language: str) -> None:
        for declared in ("en", "en-GB", None):
            found, origin, sure = weigh_language(declared, "html", text, "en")
            assert (found, origin) == (language, "text")
            assert sure >= 0.9

    @pytest.mark.parametrize("declared", ["en", "cy"])
    def test_on_a_page_in_two_languages_the_declared_one_stays_and_is_less_sure(self, declared: str) -> None:
        text = "\n".join([CYMRAEG, ENGLISH] * 3)
        found, origin, sure = weigh_language(declared, "html", text, "en")
        assert (found, origin) == (declared, "html")
        assert sure < weigh_language(declared, "html", CYMRAEG if declared == "cy" else ENGLISH, "en")[2]

    @pytest.mark.parametrize(
        ("declared", "text"),
        [
            ("gv", "Ta'n choonseil er choardail dy charraghey yn droghad roish y gheurey, as bee yn raad dooint son nuy laa."),  # noqa: E501
            ("sco", "The cooncil hes greed tae mend the brig ower the burn afore the winter comes, an the road wull be steekit."),  # noqa: E501
            ("kw", "An konsel re wrug akordya dhe ewnhe an pons kyns an gwav, hag y fydh an fordh deges dres naw dydh omma."),  # noqa: E501
        ],
    )  # fmt: skip
    def test_a_language_that_no_detector_knows_stays_with_the_page_that_declares_it(
        self, declared: str, text: str
    ) -> None:
        found, _, sure = weigh_language(declared, "html", text, "en")
        assert found == declared
        assert sure <= 0.9

    def test_near_relatives_are_left_to_the_page(self) -> None:
        norsk = (
            "Kommunen har vedtatt å reparere broen før vinteren, og veien blir stengt i ni dager mens arbeidet pågår."
        )
        assert weigh_language("nb-NO", "html", norsk, "en")[0] == "nb-NO"

    def test_what_is_no_language_is_not_believed(self) -> None:
        assert weigh_language("utf", "meta", CYMRAEG, "en")[0] == "cy"

    def test_of_a_few_words_nothing_is_said_against_the_page(self) -> None:
        assert weigh_language("en", "html", "Ysgol newydd yn agor ei drysau", "en")[:2] == ("en", "html")
        assert weigh_language(None, "", "", "cy") == ("cy", "site", 0.6)
        assert weigh_language("en", "html", "", "cy") == ("en", "html", 0.8)

    def test_a_short_welsh_text_is_still_seen(self) -> None:
        text = "Bydd y gwaith yn dechrau ddydd Llun a bydd y ffordd ar gau am naw diwrnod."
        assert weigh_language("en", "html", text, "en")[:2] == ("cy", "text")
