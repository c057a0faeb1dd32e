"""What lines say that they are, in many languages; sentences that begin alike say nothing."""

from __future__ import annotations

import pytest

from pipeline.wordings import (
    asks_for_gifts,
    ends_release,
    heads_contact,
    heads_news,
    heads_notes,
    name_invitation,
    offers_others,
    shares_story,
    tell_wording,
    tells_author,
    tells_term,
)


def tell(line: str, *, kind: str = "paragraph", outer: bool = False) -> str:
    return tell_wording(line, kind, outer=outer)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("Advertisement Hide Ads", "advert"),
        ("Anzeige ausblenden", "advert"),
        ("Was this page useful?", "feedback"),
        ("Is there anything wrong with this page?", "feedback"),
        ("War dieser Artikel hilfreich?", "feedback"),
        ("Cette page vous a-t-elle été utile ?", "feedback"),
        ("¿Te ha resultado útil esta página?", "feedback"),
        ("Was deze pagina nuttig?", "feedback"),
        ("Oedd y dudalen hon yn ddefnyddiol?", "feedback"),
        ("Do you have a story for us? Email our newsroom at news@example.org.", "get in touch"),
        ("Contact our news team on 0117 496 0650", "get in touch"),
        ("Haben Sie Hinweise zu diesem Thema? Schreiben Sie an redaktion@example.org", "get in touch"),
        ("¿Tienes una historia que contar? Escríbenos a redaccion@example.org", "get in touch"),
        ("The sea wall on Friday. Photo: Dana Ruiz", "caption"),
        ("Die Mauer am Freitag (Foto: Stadt Niederau)", "caption"),
        ("Le mur vendredi | © Ville de Pomfroy", "caption"),
        ("Bild: dpa", "caption"),
        (").", "left over"),
        ("\u200b", "left over"),
    ],
)
def test_a_line_that_serves_the_page_is_no_text_wherever_it_stands(line: str, why: str) -> None:
    assert tell(line) == tell(line, outer=True) == why


@pytest.mark.parametrize(
    "line",
    [
        "Is this story true?",
        "Was this page of history written in Ashby?",
        "Find this street on the map.",
        "Do you have a story to tell? Ms Green did, and told it on Tuesday.",
        "Have you got any information about the fire? Call police on 101.",
        "Do you have a story about the crash? Contact police on 101.",
        "Contact the council on 0117 496 0650.",
        "He held up two photos: there was no wall in either of them.",
        "Picture: a word that she cannot spell.",
        "* * *",
        "This content was blocked in three countries after the war began.",
        "An dieser Stelle befindet sich die Post.",
        "Research by the university found that half of the bins are full.",
        "Reporting by the council found that half of the bins are full.",
    ],
)
def test_a_sentence_that_begins_as_such_lines_do_stays(line: str) -> None:
    assert tell(line) == tell(line, outer=True) == ""


@pytest.mark.parametrize(
    "lines",
    [
        (
            "Empfohlener redaktioneller Inhalt",
            "An dieser Stelle finden Sie einen externen Inhalt von YouTube, der den Artikel ergänzt. Sie können ihn "
            "sich mit einem Klick anzeigen lassen.",
            "Ich bin damit einverstanden, dass mir externe Inhalte angezeigt werden. Damit können personenbezogene "
            "Daten an Drittplattformen übermittelt werden. Mehr dazu in unserer Datenschutzerklärung.",
        ),
        (
            "Contenu externe",
            "Pour afficher ce contenu, vous devez accepter les cookies des réseaux sociaux.",
        ),
        (
            "Este contenido se ha bloqueado",
            "Para ver este contenido debes aceptar las cookies de terceros.",
        ),
        (
            "External content",
            "This content is hosted by a third party. By showing it you accept their terms and cookies.",
            "To view this video please enable JavaScript, and consider a newer browser.",
        ),
        ("Deze inhoud is geblokkeerd", "Om deze video te bekijken moet u cookies accepteren."),
        ("Sieh dir diesen Beitrag auf Instagram an", "Ein Beitrag geteilt von Stadt Niederau (@niederau)"),
    ],
)
def test_what_stands_in_for_something_that_was_not_loaded_is_no_text(lines: tuple[str, ...]) -> None:
    assert [tell(line) for line in lines] == ["external content"] * len(lines)


@pytest.mark.parametrize("line", ["20 November 2026", "Lesezeit: ca. 5 Min.", "Traducción: Ana Ruiz"])
def test_dates_and_who_else_wrote_it_are_bylines_at_either_end_only(line: str) -> None:
    assert tell(line, outer=True) == "byline"
    assert tell(line) == ""


def test_a_heading_is_no_caption_and_an_item_no_appeal() -> None:
    assert tell("Bild: dpa", kind="heading") == ""
    assert tell("Sign up for our newsletter", kind="item") == ""
    assert tell("Sign up for our newsletter") == "advert"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Share this story", "share"),
        ("Follow us on Facebook", "share"),
        ("Sign up for our newsletter", "newsletter"),
        ("[ Read more: How the camper got stuck ]", "related"),
        ("The market opens at nine", ""),
    ],
)
def test_a_line_that_was_left_out_has_the_name_of_what_it_invites_to(line: str, name: str) -> None:
    assert name_invitation(line) == name


def test_who_the_author_is_is_told_by_the_name_and_a_verb() -> None:
    assert tells_author("Iona Cray is the Ledger's correspondent in Ashby.", ("Iona Cray",))
    assert not tells_author("The council's engineer Iona Cray is to lead the works.", ("Iona Cray",))
    assert not tells_author("Iona is a correspondent.", ("Iona",))


def test_a_line_shares_the_story_where_all_its_links_do() -> None:
    assert shares_story("Sdílet Facebook", [("Facebook", "#")])
    assert shares_story("இங்கே", [("இங்கே", "https://wa.me/?text=x")])
    assert not shares_story("The council answered on Facebook.", [("Facebook", "https://www.facebook.com/ashby")])
    assert not shares_story("The plan is on the website", [("on the website", "/plan")])
    assert not shares_story("Sdílet", [])


@pytest.mark.parametrize("line", ["Read next", "More on this:", "Auch interessant", "Lire aussi", "Related articles"])
def test_a_line_may_lead_to_other_pages(line: str) -> None:
    assert offers_others(line)
    assert not offers_others(f"{line} and the bridge stays closed until the spring, the council said.")


@pytest.mark.parametrize(
    "line", ["Most read", "Weitere Meldungen", "Más noticias", "Laatste nieuws", "Other news in Roads"]
)
def test_a_line_may_head_a_list_of_other_news(line: str) -> None:
    assert heads_news(line)
    assert not heads_news("What you need")


def test_what_belongs_to_a_release_is_known_by_its_heading() -> None:
    assert ends_release("ENDS")
    assert not ends_release("The week ends")
    assert heads_contact("Press enquiries:")
    assert heads_contact("Pressekontakt")
    assert not heads_contact("Contact the council by Friday")
    assert heads_notes("Nodiadau i olygyddion")
    assert not heads_notes("Notes on a river")


def test_requests_for_money_and_terms_are_known() -> None:
    assert asks_for_gifts("Votre don nous aide à enquêter.")
    assert not asks_for_gifts("The gift of a neighbour paid for the roof.")
    assert tells_term("Ward: Holme")
    assert not tells_term("He said it would cost more. It did: 310,000")
