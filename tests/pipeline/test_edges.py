"""Lines that serve the page and lists of other news go; corrections and contacts for the press come back."""

from __future__ import annotations

from typing import Any

import pytest
from lxml.html import document_fromstring

from pipeline.blocks import Block
from pipeline.edges import decide_edges, name_led, names_standfirst
from pipeline.metadata import Metadata
from tests.pipeline.some_pages import read, text_of

PARAGRAPH = "The council has agreed to mend the sea wall, and work will begin on the second Monday of January."
PLACE = "main/article.story/div.text/p"


def block(text: str, place: str = PLACE, **more: Any) -> Block:
    return Block(element=document_fromstring("<p>x</p>"), text=text, place=place, **more)


def decide(*lines: Block, left: tuple[int, ...] = (), **about: Any) -> dict[int, tuple[bool, str]]:
    return decide_edges(lines, [number not in left for number in range(len(lines))], Metadata(**about))


PROSE = tuple(block(f"{PARAGRAPH} {number}.") for number in range(5))


@pytest.mark.parametrize(
    "line",
    [
        "20 November 2026",
        "Friday, 20 November 2026",
        "Fri, 13/11/2026 - 10:00",
        "Post Date:11/17/2026 3:15 PM",
        "Press release issued on November 20, 2026",
        "Publié le 20 novembre 2026",
        "Pressemitteilung vom 20. November 2026",
        "2026年11月20日",
    ],
)
def test_a_line_that_is_nothing_but_a_date_is_no_text_at_either_end(line: str) -> None:
    assert decide(block(line), *PROSE) == {0: (False, "byline")}
    assert decide(*PROSE, block(line)) == {5: (False, "byline")}


@pytest.mark.parametrize("line", ["In November 2026 the bridge closed", "Route 9", "2026", "18 to 20 people came"])
def test_a_line_with_a_word_of_its_own_is_no_date(line: str) -> None:
    assert decide(block(line), *PROSE) == {}


def test_a_date_in_the_middle_of_a_text_stays() -> None:
    assert decide(*PROSE, block("20 November 2026"), *PROSE) == {}


def test_invitations_and_labels_of_adverts_are_no_text_wherever_they_stand() -> None:
    found = decide(*PROSE, block("Advertisement"), block("[ Read more: How the camper got stuck ]"), *PROSE)
    assert found == {5: (False, "advert"), 6: (False, "related")}
    sign_up = block("Sign up for your free daily newsletter and never miss a story.")
    assert decide(*PROSE, sign_up) == {5: (False, "newsletter")}


@pytest.mark.parametrize(
    "line",
    [
        "Additional reporting by PA",
        "(Reporting by Iona Cray and Kit Morrow, editing by Ola Brandt.)",
        "Übersetzung: Eva Klein, Redaktion: Ömer Yıldız",
        "Traducción: Ana Ruiz",
        "4 min read",
        "Lesezeit: ca. 5 Min.",
        "Tempo de leitura: 2 minutos",
        "Temps de lecture : 3 min",
    ],
)
def test_who_else_wrote_a_text_and_how_long_it_takes_to_read_is_no_text_at_either_end(line: str) -> None:
    assert decide(*PROSE, block(line)) == {5: (False, "byline")}
    assert decide(*PROSE, block(line), *PROSE) == {}


@pytest.mark.parametrize(
    "line",
    [
        "Iona Cray is the Ledger's correspondent in Ashby and has written about bridges since 2009.",
        "Korrespondentin Iona Cray berichtet seit 2009 aus Ashby.",
        "Iona Cray, est correspondante à Ashby.",
    ],
)
def test_who_the_author_is_stands_behind_the_text_and_not_in_it(line: str) -> None:
    assert decide(*PROSE, block(line), authors=("Iona Cray",)) == {5: (False, "author")}
    assert decide(*PROSE, block(line), authors=("Kit Morrow",)) == {}
    assert decide(*PROSE, block(line), *PROSE, authors=("Iona Cray",)) == {}
    told = block("The council's engineer Iona Cray is to lead the works.")
    assert decide(*PROSE, told, authors=("Iona Cray",)) == {}


def test_a_line_that_only_screen_readers_read_out_is_no_text() -> None:
    for names in ("visually-hidden", "govuk-visually-hidden", "title sr-only", "screen-reader-text"):
        element = document_fromstring(f"<h2 class='{names}'>x</h2>").find("body/h2")
        heading = Block(element=element, text="Article content", kind="heading", place=PLACE)
        assert decide(*PROSE[:2], heading, *PROSE) == {2: (False, "hidden")}, names
    element = document_fromstring("<h2 class='not-hidden'>x</h2>").find("body/h2")
    assert decide(*PROSE[:2], Block(element=element, text="What it costs", kind="heading", place=PLACE), *PROSE) == {}


def share_line(text: str, *links: str) -> Block:
    element = document_fromstring(f"<div>{text}{''.join(links)}</div>").find("body/div")
    whole = element.text_content()
    return Block(element=element, text=" ".join(whole.split()), place=PLACE, link_share=1 - len(text) / len(whole))


def test_a_short_line_whose_links_go_to_networks_is_there_to_share_the_story_in_any_language() -> None:
    facebook = '<a href="https://www.facebook.com/sharer.php?u=x">Roinn é</a>'
    for line in (
        share_line("Roinn an scéal seo ", '<a href="#">Facebook</a>'),
        share_line("Sdílet ", '<a href="#">Facebook</a> ', '<a href="#">WhatsApp</a>'),
        share_line("", facebook),
        share_line("இதைப் பகிர்க: ", '<a href="https://wa.me/?text=x">இங்கே</a>'),
    ):
        assert decide(*PROSE, line) == {5: (False, "share")}, line.text
    council = '<a href="https://www.facebook.com/ashby">Facebook</a>'
    for line in (
        share_line("The council answered on ", council, "."),
        share_line("She works for ", council, " in Dublin as an engineer who mends what the others have broken there"),
        share_line("The plan is ", '<a href="/plan">on the website</a>'),
        block("Roinn an scéal seo"),
    ):
        assert decide(*PROSE, line) == {}, line.text


@pytest.mark.parametrize("line", ["Read next", "More on this:", "Auch interessant", "Lire aussi", "Related articles"])
def test_what_leads_to_other_pages_goes_where_nothing_of_the_text_follows_it(line: str) -> None:
    link = block("Swan stops traffic", link_share=1.0)
    assert decide(*PROSE, block(line, kind="heading"), link, *PROSE, left=(6,)) == {5: (False, "related")}
    assert decide(*PROSE, block(line)) == {5: (False, "related")}
    assert decide(*PROSE, block(line, kind="heading"), *PROSE) == {}


def test_links_below_what_offers_them_and_answers_below_a_question_go_with_it() -> None:
    links = [block("Swan stops traffic", link_share=1.0), block("Bridge closed", link_share=1.0, kind="item")]
    offer = block("Lesen Sie auch", kind="heading")
    assert decide(*PROSE, offer, *links, *PROSE) == dict.fromkeys((5, 6, 7), (False, "related"))
    answers = block("Ja"), block("Nein, weil …")
    asked = decide(*PROSE, block("War dieser Artikel hilfreich?"), *answers, *PROSE)
    assert asked == dict.fromkeys((5, 6, 7), (False, "feedback"))
    elsewhere = block("Ja", "main/div.other/p")
    assert decide(*PROSE, block("War dieser Artikel hilfreich?"), elsewhere) == {5: (False, "feedback")}
    assert decide(*PROSE, block("Where to go", kind="heading"), *links, *PROSE) == {}


def test_a_caption_is_known_by_its_own_name_and_a_heading_is_none() -> None:
    caption = block("The park on the quay", "main/div.media/p.release__caption", label="caption")
    heading = block("The earned credit", "main/div/h3.the-earned-credit", label="caption", kind="heading")
    assert decide(caption, *PROSE) == {0: (False, "caption")}
    assert decide(heading, *PROSE) == {}


def test_a_caption_is_known_by_the_name_of_what_it_stands_in() -> None:
    caption = block(
        "The market before the works", f"{PLACE}/div.field/blockquote.image-field-caption/p", label="caption"
    )
    assert decide(*PROSE[:2], caption, *PROSE[2:])[2] == (False, "caption")


def test_a_heading_that_asks_after_the_pages_use_goes() -> None:
    question = block("Was this page useful?", PLACE.removesuffix("p") + "h2", kind="heading", level=2)
    assert decide(*PROSE[:2], question, *PROSE[2:]) == {2: (False, "feedback")}


def test_the_heading_of_a_box_that_was_left_out_goes_with_it() -> None:
    heading = block("Never miss a letter", "main/div.signup/h2", label="newsletter", kind="heading")
    form = block("One mail every Thursday.", "main/div.signup/p", label="newsletter")
    assert decide(*PROSE, heading, form, left=(6,)) == {5: (False, "newsletter")}


def test_a_heading_goes_with_what_stands_below_it_where_that_is_all() -> None:
    heading = block("Get in touch", kind="heading")
    asks = block("Do you have a story for us? Email news@example.org.")
    assert decide(*PROSE, heading, asks) == {5: (False, "get in touch"), 6: (False, "get in touch")}
    assert decide(*PROSE[:2], heading, asks, *PROSE[2:]) == {3: (False, "get in touch")}
    apart = (
        block("Redaktion", "main/div.box/h3", kind="heading"),
        block("Haben Sie Hinweise? Schreiben Sie an news@example.org", "main/div.box/p"),
    )
    assert decide(*PROSE[:2], *apart, *PROSE[2:]) == {2: (False, "get in touch"), 3: (False, "get in touch")}
    assert decide(*PROSE, heading, PROSE[0]) == {}


def test_a_list_of_other_news_behind_the_text_is_none_of_it() -> None:
    heading = block("Other News in Roads", "main/div.other/h3", kind="heading")
    items = [block(text, "main/div.other/ul/li", kind="item") for text in ("Bridge closed", "Snow ordinance")]
    assert decide(*PROSE, heading, *items, left=(5,)) == {6: (False, "related"), 7: (False, "related")}
    own = block("What you need", "main/div.other/h3", kind="heading")
    assert decide(*PROSE, own, *items) == {}


def test_a_notice_of_correction_behind_the_text_is_a_part_of_it() -> None:
    notice = block(
        "This article was amended on 17 November 2026. An earlier version named 48 councils.", "main/footer/p"
    )
    assert decide(*PROSE, notice, left=(5,)) == {5: (True, "correction")}
    assert decide(*PROSE, block(notice.text, label="comments"), left=(5,)) == {}


def test_a_standfirst_begins_the_text_outside_of_english_and_has_its_name_in_english() -> None:
    lines = (
        block("Die Halle ist wieder offen", "main/h1", kind="heading", level=1),
        block("Nach drei Jahren Umbau kehren die Händler am Samstag zurück", "main/div.vorspann/p"),
        *PROSE,
    )
    assert decide(*lines, left=(0, 1), language="de") == {1: (True, "standfirst")}
    assert decide(*lines, left=(0, 1), language="en-GB") == {1: (False, "standfirst")}
    assert decide(*lines, left=(0, 1)) == {1: (False, "standfirst")}
    within = "main/div.ArticleHeader__intro/p"
    assert decide(lines[0], block(lines[1].text, within), *PROSE, left=(0, 1), language="de") == {
        1: (True, "standfirst")
    }
    picture = "main/div.header-teaser__image/p"
    assert decide(lines[0], block(lines[1].text, picture), *PROSE, left=(0, 1), language="de") == {}


@pytest.mark.parametrize(
    "names",
    ["articleLeadText", "nyhet__preamble", "component-sapou", "haber-spot", "Vorspann", "field-name-field-lead"],
)
def test_a_standfirst_above_the_text_has_the_names_that_systems_of_many_languages_give_it(names: str) -> None:
    assert names_standfirst(names)
    title = block("Podul se redeschide", "main/h1", kind="heading", level=1)
    summary = block(
        "După trei ani de lucrări, podul peste râu se redeschide sâmbătă pentru autobuze.", f"main/div.{names}/p"
    )
    assert decide(title, summary, *PROSE, left=(0, 1), language="ro") == {1: (True, "standfirst")}


def test_words_that_name_whole_parts_of_pages_name_a_standfirst_only_where_nothing_else_stands_in_them() -> None:
    for names in ("intro", "page lead", "Summary"):
        assert names_standfirst(names, alone=True)
        assert not names_standfirst(names)
    for names in ("leader-board", "introvert", "desktop", "subtitles"):
        assert not names_standfirst(names, alone=True), names


def test_an_english_standfirst_that_was_kept_is_left_out_by_its_name_and_the_first_paragraph_is_not() -> None:
    text = "After three years of building the traders come back on Saturday"
    named = block(text, "main/div.header/h2.subtitle", kind="heading", level=2)
    assert decide(named, *PROSE, language="en") == {0: (False, "standfirst")}
    assert decide(named, *PROSE, language="de") == {}
    assert decide(block(text, "main/div.article/p.intro"), *PROSE, language="en") == {}


def test_the_contact_behind_a_release_that_says_where_it_ends_is_kept() -> None:
    contact = (block("Contacts", kind="heading"), block("Press Office, press@example.org, 0117 496 0650"))
    assert decide(*PROSE, *contact, left=(5, 6)) == {}
    kept = decide(*PROSE, block("ENDS"), *contact, left=(6, 7))
    assert [number for number, (keep, _) in kept.items() if keep] == [6, 7]


def test_nothing_is_decided_where_most_of_the_text_would_go_or_there_is_none() -> None:
    assert decide(block("20 November 2026"), block("Advertisement")) == {}
    assert decide_edges([block("x")], [False], Metadata()) == {}


def test_what_stands_below_a_heading_for_other_news_is_called_by_it() -> None:
    lines = [
        *PROSE,
        block("Most read", kind="heading"),
        block("Swan stops traffic", kind="item"),
        block("Opening hours", kind="heading"),
        block("Monday to Friday", kind="item"),
        block("Follow us on Facebook"),
    ]
    kept = [number < 5 for number in range(len(lines))]
    whys = ["article"] * 5 + ["sidebar"] * 5
    assert name_led(lines, kept, whys) == {5: "related", 6: "related", 9: "share"}


def test_requests_for_money_and_links_to_other_stories_are_called_by_their_names() -> None:
    lines = [
        block("Your donation makes all the difference."),
        block("Ihre Spende hilft uns"),
        *PROSE,
        block("[ Read more: How the camper got stuck ]"),
    ]
    kept = [1 < number < 7 for number in range(8)]
    whys = ["above the article"] * 2 + ["article"] * 5 + ["mostly links"]
    assert name_led(lines, kept, whys) == {0: "advert", 1: "advert", 7: "related"}


# --- whole pages ----------------------------------------------------------------------------------------

STORIES = {
    "en": (
        "Sea wall to be mended",
        "The council has agreed to mend the sea wall, and work will begin on the second Monday of January, it said.",
        "Engineers found three cracks in the stone in October, when a diver went down for the yearly survey.",
        "“We could not leave it for another winter,” said councillor Ada Brill. “The sea does not wait for us.”",
        "The work will cost £310,000 and take eleven weeks. The road along the front will be closed to lorries.",
        "Boats can still be moored at the north quay, and the fish market will open as usual on every day.",
    ),
    "de": (
        "Ufermauer wird repariert",
        "Die Stadt lässt die Ufermauer am Hafen reparieren; die Arbeiten beginnen am zweiten Montag im Januar.",
        "Ein Taucher hatte bei der jährlichen Untersuchung im Oktober drei Risse im Mauerwerk entdeckt.",
        "„Wir konnten das nicht noch einen Winter liegen lassen“, sagte Baudezernentin Heike Althoff am Dienstag.",
        "Die Arbeiten kosten 310.000 Euro und dauern elf Wochen. Die Uferstraße wird so lange für Lastwagen gesperrt.",
        "Boote können weiter am Nordkai festmachen, und der Fischmarkt öffnet wie gewohnt an jedem Tag.",
    ),
}
BOXES = {
    "en": (
        "<p>The sea wall in 2024. Image: Harbour Trust</p>",
        "<div class='b1'><h3>Read next</h3><ul><li><a href='/1'>Swan stops traffic</a></li></ul></div>",
        "<div class='b2'><h4>Get in touch</h4><p>Do you have a story for us? Email newsdesk@example.org.</p></div>",
        "<div class='b3'><p>We need your consent to load this map content. It may set cookies.</p></div>",
        "<div class='b4'><h3>Was this page helpful?</h3><p>Yes</p><p>No</p></div>"
        "<p>Additional reporting by Iona Cray</p>"
        "<div class='b5'>Share: <a href='https://www.facebook.com/sharer/sharer.php?u=1'>Facebook</a> "
        "<a href='https://x.com/intent/tweet?u=1'>X</a></div><p>Sign up for our daily newsletter.</p>",
    ),
    "de": (
        "<p>Die Mauer im Jahr 2024 (Foto: Hafenamt)</p>",
        "<div class='b1'><h3>Lesen Sie auch</h3><ul><li><a href='/1'>Schwan hält Busse auf</a></li></ul></div>",
        "<div class='b2'><h4>Redaktion</h4><p>Haben Sie Hinweise zum Thema? Mail an news@example.org</p></div>",
        "<div class='b3'><h4>Externer Inhalt</h4>"
        "<p>An dieser Stelle finden Sie einen externen Inhalt.</p>"
        "<p>Ich bin damit einverstanden, dass mir externe Inhalte angezeigt werden.</p></div>",
        "<div class='b4'><h3>War dieser Artikel hilfreich?</h3><p>Ja</p><p>Nein</p></div>"
        "<p>Mitarbeit: Max Muster</p>"
        "<div class='b5'>Teilen: <a href='https://www.facebook.com/sharer/sharer.php?u=1'>Facebook</a> "
        "<a href='https://wa.me/?text=1'>WhatsApp</a></div><p>Abonnieren Sie jetzt unseren Newsletter.</p>",
    ),
}
MARKUPS = {
    "semantic": "<main><article><h1>{title}</h1><div class='article-body'>{body}</div></article></main>",
    "classes": "<div class='css-1a'><h1 class='css-2b'>{title}</h1><div class='css-3c'>{body}</div></div>",
    "flat": "<div class='box'><h1>{title}</h1>{body}</div>",
}


@pytest.mark.parametrize("markup", MARKUPS)
@pytest.mark.parametrize("language", STORIES)
def test_a_page_full_of_boxes_is_read_without_them(language: str, markup: str) -> None:
    title, *story = STORIES[language]
    body = "".join(f"<p>{line}</p>{box}" for line, box in zip(story, BOXES[language], strict=True))
    page = (
        f"<!doctype html><html lang='{language}'><head><title>{title}</title>"
        "<meta property='og:type' content='article'>"
        "<meta property='article:published_time' content='2026-03-01T09:00:00Z'></head>"
        "<body><nav><a href='/'>Home</a></nav>"
        f"{MARKUPS[markup].format(title=title, body=body)}<footer><p>© 2026</p></footer></body></html>"
    )
    assert text_of(read(page.encode())).split("\n") == story
