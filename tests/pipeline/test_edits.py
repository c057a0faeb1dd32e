from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.edits import (
    Reading,
    classify_edit,
    count_words_changed,
    drop_moved,
    essence_digest,
    is_appeal,
    is_comparable,
    is_dateline,
    is_notice,
    is_same_page,
    leads_away,
)

BODY = "The council agreed a budget of £3m on Monday after a long debate.\nTwelve people spoke."


def classes(new: str, old: str = BODY, *, titles: tuple[str, str] = ("Budget", "Budget")) -> tuple[str, ...] | None:
    edit = classify_edit(titles[0], old, titles[1], new)
    return None if edit is None else edit.classes


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2 hours ago", "3 hours ago"),
        ("vor 2 Stunden", "vor 3 Stunden"),
        ("il y a 2 heures", "il y a 1 jour"),
        ("hace 2 horas", "hace 3 horas"),
        ("2 ore fa", "3 ore fa"),
        ("3 uur geleden", "4 uur geleden"),
        ("há 2 horas", "há 3 horas"),
        ("3 godziny temu", "5 godzin temu"),
        ("för 3 timmar sedan", "för 4 timmar sedan"),
        ("for 3 timer siden", "for 4 timer siden"),
        ("3 awr yn ôl", "4 awr yn ôl"),
        ("Posted 5 minutes ago", "Posted 15 minutes ago"),
        ("12 comments", "13 comments"),
        ("Comments (12)", "Comments (19)"),
        ("Kommentare 12", "Kommentare 14"),
        ("Share 34", "Share 57"),
        ("3 min read", "4 min read"),
        ("1,204 views", "1,305 views"),
        ("1.2k views · 14 likes", "1.4k views · 19 likes"),
        ("234 people are watching", "235 people are watching"),
        ("Image 1 of 12", "Image 1 of 14"),
        ("Updated 14:32", "Updated 15:01"),
        ("Last updated: 22 November 2026 14:32 GMT", "Last updated on 23 November 2026 at 15:00"),
        ("Aktualisiert: 14:32 Uhr", "Aktualisiert: 22.11.2026, 15:32 Uhr"),
        ("Mis à jour le 22 novembre 2026 à 14h32", "Mis à jour le 23 novembre 2026 à 15h32"),
        ("Zaktualizowano 22 listopada 2026 14:32", "Zaktualizowano 23 listopada 2026 14:32"),
        ("Diweddarwyd 14:32", "Diweddarwyd 15:32"),
        ("Read more: Council cuts jobs", "Read more: Council hires people"),
        ("SEE MORE: Council cuts jobs", "SEE MORE: Council hires people"),
    ],
)
def test_what_a_template_turns_over_is_cosmetic_at_either_end_and_when_it_appears(before: str, after: str):
    assert classes(f"{after}\n{BODY}", f"{before}\n{BODY}") is None
    assert classes(f"{BODY}\n{after}", f"{BODY}\n{before}") is None
    assert classes(f"{BODY}\n{after}") is None


@pytest.mark.parametrize(
    "line",
    [
        "1 / 5",
        "3/12",
        "Facebook 34 Twitter 12 WhatsApp Email",
        "- Share on Facebook",
        "Share on X",
        "Copy link",
        "Auf WhatsApp teilen",
        "Partager sur Facebook",
        "Advertisement",
        "Article continues after this advertisement",
        "Anzeige",
        "Publicité",
        "Sign up to our newsletter",
        "Sign up for our free daily newsletter here.",
        "Get the latest news delivered to your inbox every morning.",
        "By signing up you agree to our privacy policy.",
        "Follow us on Facebook, X and Instagram.",
        "Follow Anytown News on Facebook, on X, or on Instagram. Send your story ideas to news@example.org.",
        "Support local journalism",
        "Subscribe today from £1 a week and enjoy fewer adverts.",
        "Related stories",
        "Abonnieren Sie unseren Newsletter.",
        "Folgen Sie uns auf Instagram und Facebook.",
        "Inscrivez-vous à notre newsletter",
        "Suivez-nous sur Facebook",
        "Suscríbete a nuestro boletín",
        "Síguenos en Instagram",
        "Iscriviti alla nostra newsletter",
        "Schrijf je in voor onze nieuwsbrief",
        "Zapisz się do naszego newslettera",
        "Prenumerera på vårt nyhetsbrev",
        "3時間前",
        "更新:14時17分",
        "コメント 28件",
        "منذ 3 ساعات",
        "آخر تحديث: 14:17",
        "3 تعليقات",
        "5 часов назад",
    ],
)
def test_what_stands_between_paragraphs_to_keep_readers_is_cosmetic_wherever_it_appears(line: str):
    assert classes(f"{BODY}\n{line}\n{BODY}", f"{BODY}\n{BODY}") is None


@pytest.mark.parametrize(
    "line",
    [
        "Sign up by 3 May to speak at the meeting.",
        "Get the vaccine at your doctor's.",
        "Follow the diversion on the A66 and the A1.",
        "Support local people with the cost of living",
        "Subscribe to the view that taxes are too high, he said.",
        "Facebook said on Monday that it would appeal.",
        "Advertisement of the order is required by law.",
        "2/3 of the members voted for it",
        "Labour 34 Conservative 12",
        "市議会は14時17分に閉会した。",
    ],
)
def test_sentences_that_begin_like_it_are_substance(line: str):
    assert classes(f"{BODY}\n{line}\n{BODY}", f"{BODY}\n{BODY}") == ("substance",)


def test_a_notice_that_says_what_it_is_in_its_first_words_is_one_in_the_middle_of_a_page():
    text = "\n".join(f"The council met for the {number}th time this year, in the town hall." for number in range(30))
    notice = "This article was amended on 14 March 2026. An earlier version gave the wrong figure."
    head, foot = text[: text.index("The council met for the 12th")], text[text.index("The council met for the 12th") :]
    assert classes(f"{head}{notice}\n{foot}", text) == ("correction",)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("By Jane Smith | 3 min read | Updated 14:32", "By Jane Smith | 4 min read | Updated 15:32"),
        ("By Jane Smith 2 hours ago", "By Jane Smith 3 hours ago"),
        ("LONDON, Nov 22 (Reuters) - The bank raised rates.", "LONDON, Nov 23 (Reuters) - The bank raised rates."),
        (
            "Updated 14:32 The bank raised rates on Monday, it said.",
            "Updated 15:32 The bank raised rates on Monday, it said.",
        ),
    ],
)
def test_stamps_beside_words_are_cosmetic(before: str, after: str):
    assert classes(f"{after}\n{BODY}", f"{before}\n{BODY}") is None


@pytest.mark.parametrize(
    "new",
    [
        BODY.replace("a long", "a\u00a0long").replace("\n", "\n\n"),
        BODY.replace(". ", ".  "),
        BODY + "\nRelated stories\nAnother thing happened\nYet another did",
    ],
)
def test_white_space_and_links_to_other_stories_are_cosmetic(new: str):
    assert classes(new) is None


def test_quotation_marks_and_dashes_are_cosmetic():
    assert classes("He said “no” – twice – and ‘left’.", "He said \"no\" - twice - and 'left'.") is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("The sum is £3m.", "The sum is £4m."),
        ("12 people died in the fire.", "13 people died in the fire."),
        ("The consultation received 34 comments", "The consultation received 35 comments"),
        ("Saturday 22 November 2026", "Saturday 29 November 2026"),
        ("Labour 34", "Labour 35"),
        ("Vote share 45.2%", "Vote share 46%"),
        ("The meeting begins at 10:30", "The meeting begins at 11:30"),
        ("He died 2 years ago.", "He died 3 years ago."),
        ("The page got 34 shares.", "The page got 36 shares."),
        ("Call 01234 567890", "Call 01234 567899"),
        ("The policy was last updated on 3 May 2020.", "The policy was last updated on 4 May 2020."),
        ("Police said three hours ago that he fled", "Police said four hours ago that he fled"),
        ("Es starben 12 Menschen.", "Es starben 13 Menschen."),
        ("Le budget est de 3 millions", "Le budget est de 4 millions"),
    ],
)
def test_figures_that_tell_something_are_substance(before: str, after: str):
    assert classes(f"{BODY}\n{after}", f"{BODY}\n{before}") == ("substance",)


@pytest.mark.parametrize(
    "notice",
    [
        "Correction: the sum is £3m, not £4m.",
        "This article was amended on 3 May 2026 to correct a name.",
        "Update 12 May: police have named the man who died.",
        "An earlier version of this article gave the wrong sum.",
        "Berichtigung: In einer früheren Version hieß es anders.",
        "Cet article a été modifié pour corriger un chiffre.",
        "Este artículo ha sido corregido para cambiar la cifra.",
        "Questo articolo è stato aggiornato con la replica.",
        "In een eerdere versie van dit artikel stond een fout.",
        "Este artigo foi corrigido para mudar o valor.",
        "Aktualizacja: policja podała nazwisko ofiary",
        "Rättelse: I en tidigare version stod fel belopp.",
        "Rettelse: Beløbet er 3 millioner",
        "Presisering: Beløpet er 3 millioner",
        "Cywiriad: mae'r swm yn £3m",
        "訂正：当初の記事で金額に誤りがありました。お詫びして訂正します。",
        "تصحيح: ذكرت نسخة سابقة من هذا الخبر رقما خاطئا.",
        "Исправление: в предыдущей версии была неверная сумма.",
    ],
)
def test_a_notice_that_appears_or_changes_is_a_correction(notice: str):
    assert is_notice(notice)
    assert classes(f"{BODY}\n{notice}") == ("correction",)
    assert classes(f"{BODY}\n{notice}", f"{BODY}\n{notice} Again.") == ("correction",)


def test_an_edit_may_be_of_several_kinds_and_counts_words():
    edit = classify_edit(
        "Budget", BODY, "Budget agreed", BODY.replace("£3m", "£4m") + "\nCorrection: it is £4m, not £3m."
    )
    assert edit is not None
    assert edit.classes == ("headline", "correction", "substance")
    assert (edit.words_added, edit.words_removed) == (8, 1)


def test_a_headline_alone_is_one():
    assert classes(BODY, titles=("Budget", "Budget agreed")) == ("headline",)


def test_a_text_of_nothing_but_furniture_is_its_own_essence():
    assert classes("13 comments", "12 comments") == ("substance",)


def test_many_cosmetic_steps_come_to_no_more_than_one():
    steps = [f"{BODY}\n{number} comments\nUpdated {number}:30" for number in range(10, 24)]
    assert len({essence_digest("Budget", step) for step in [BODY, *steps]}) == 1


def test_digests_of_other_rules_are_not_compared():
    assert is_comparable(essence_digest("Budget", BODY))
    assert not is_comparable("essence-0:00")
    assert not is_comparable(None)


LINES = st.lists(st.sampled_from([*BODY.split("\n"), "12 comments", "Updated 14:32", "£5m", "", "x" * 300]), max_size=8)


@given(old=LINES, new=LINES)
@settings(max_examples=150, deadline=None)
def test_equal_digests_are_cosmetic_edits_and_no_others(old: list[str], new: list[str]):
    before, after = "\n".join(old), "\n".join(new)
    assert (classify_edit("T", before, "T", after) is None) == (
        essence_digest("T", before) == essence_digest("T", after)
    )


@given(text=st.text(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_text_has_an_essence(text: str):
    assert essence_digest(text, text) == essence_digest(text, text)


def test_long_texts_cost_little():
    long = "\n".join(
        f"Sentence {number} of a text that says {number * 7} things about the town." for number in range(20_000)
    )
    begun = time.process_time()
    assert classify_edit("T", long, "T", long + "\nOne more sentence.") is not None
    assert count_words_changed(long, "") == (0, len(long.split()))
    assert time.process_time() - begun < 20


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Posted on: November 18, 2026", True),
        ("Uppdaterad 18 november 2026 kl. 14.05", True),
        ("18.11.2026", True),
        ("Updated 14:05", False),
        ("In 2026", False),
        ("On 18 November 2026 the bridge closed", False),
        ("\u0661\u0668 2026", False),
    ],
)
def test_a_dateline_tells_a_day_and_has_no_word_of_its_own(line: str, told: bool) -> None:
    assert is_dateline(line) is told


@given(st.text(max_size=400))
def test_any_line_is_told_apart_without_failing(line: str) -> None:
    assert {is_dateline(line), is_appeal(line), leads_away(line)} <= {True, False}


def test_a_link_to_another_story_is_no_sentence_about_reading() -> None:
    assert leads_away("[ Read more: How the camper got stuck ]")
    assert leads_away("Lesen Sie auch: Halle wieder offen")
    assert not leads_away("Read more: the council has put the whole report on its website.")
    assert not leads_away("Related companies paid less tax")
    assert is_appeal("(Advertisement)")
    assert is_appeal("Advertisement Hide Ads")
    assert not is_appeal("The advertisement was banned")


LINE = "Boats, bridges and what the harbour has planned for May"


def test_lines_that_moved_between_text_and_stripped_are_left_out_of_a_comparison():
    old = Reading(title="T", text=f"One.\n{LINE}\nTwo.")
    new = Reading(title="T", text="One.\nTwo.\nThree.", stripped=(f"Other\n{LINE.replace(' ', '  ')}",))
    assert drop_moved(old, new) == ("One.\nTwo.", "One.\nTwo.\nThree.")
    assert drop_moved(new, old) == ("One.\nTwo.\nThree.", "One.\nTwo.")
    assert not is_same_page(old, new)
    assert is_same_page(old, Reading(title="T", text="One.\nTwo.", stripped=(LINE,)))
    assert not is_same_page(old, Reading(title="Other", text="One.\nTwo.", stripped=(LINE,)))


def test_a_line_that_both_readings_left_out_once_is_no_proof_of_a_move():
    old = Reading(title="T", text=f"One.\n{LINE}", stripped=(LINE,))
    assert not is_same_page(old, Reading(title="T", text="One.", stripped=(LINE,)))


@given(lines=st.lists(st.text(max_size=40), max_size=12), left=st.lists(st.text(max_size=40), max_size=6))
@settings(deadline=None)
def test_what_moves_to_and_fro_is_the_same_page_whatever_it_is(lines, left):
    old = Reading(title="T", text="\n".join(lines), stripped=tuple(left))
    assert is_same_page(old, old)
    assert drop_moved(old, old) == (old.text, old.text)
