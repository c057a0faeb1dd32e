"""Articles in eighteen languages and nine scripts: text, headline, author, date, language of each page."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

import pytest

from pipeline.cli.preview import stand_in_site
from pipeline.extract import extract_page
from pipeline.model import Article
from tests.pipeline.pages_of_languages import PAGES, Words, write_page

UNTOLD = {"drupal"}  # signs by a line that nothing names
ALLOWED = 0.03  # of a text's characters: the weights that decide are learned, and a short heading may go
INFLECTED = {"el"}  # signs in the genitive


def read(words: Words, page: str = "") -> Article:
    url = f"https://www.{words.language}.example/news/2026/story-1"
    found = extract_page(
        (page or write_page(words)).encode(),
        site=stand_in_site(url),
        url=url,
        requested=url,
        captured_at=datetime(2026, 4, 1, tzinfo=UTC),
    )
    assert found.article is not None, found.reason
    return found.article


@pytest.mark.parametrize("words", PAGES, ids=lambda words: words.language)
def test_an_article_is_read_whole_and_without_what_stands_around_it(words: Words) -> None:
    article = read(words)
    true, found = set(words.truth.split("\n")), set(article.text.split("\n"))
    wrong = sum(map(len, true ^ found))
    assert wrong <= ALLOWED * len(words.truth), true ^ found
    assert article.title == words.title
    assert (article.language or "")[:2] == words.language
    assert article.standfirst == words.standfirst
    assert article.published is not None
    assert article.published.value.date().isoformat() == words.date
    if words.system not in UNTOLD and words.language not in INFLECTED:
        assert [byline.name for byline in article.bylines] == [words.author]


@pytest.mark.parametrize("words", PAGES, ids=lambda words: words.language)
def test_what_was_stripped_is_kept_apart(words: Words) -> None:
    article = read(words)
    stripped = " ".join(part.text for part in article.stripped)
    assert words.newsletter in stripped
    assert words.caption in stripped
    assert any(words.caption.startswith(image.caption or " ") for image in article.images)


INSETS = {
    "de": (
        "<div class='embed'><p>Empfohlener externer Inhalt</p><p>An dieser Stelle finden Sie einen Inhalt von "
        "YouTube, der den Artikel ergänzt.</p>"
        "<p>Ich bin damit einverstanden, dass mir externe Inhalte angezeigt werden.</p></div>",
        "<p>Die Halle am Samstag. Foto: Eva Klein</p>",
        "<h3>Auch interessant</h3><ul><li><a href='/7'>Der Markt zieht um</a></li></ul>",
        "<p>Melden Sie sich hier für unseren kostenlosen Newsletter an.</p>",
        "<p>Haben Sie Hinweise zu diesem Thema? Schreiben Sie uns: redaktion@example.org</p>",
        "<p>War dieser Artikel hilfreich?</p>",
    ),
    "fr": (
        "<div class='x1'><p>Contenu externe</p><p>Pour afficher ce contenu, vous devez accepter les cookies.</p></div>",
        "<p>La halle samedi. © Ville de Pomfroy</p>",
        "<h3>À lire aussi</h3><ul><li><a href='/7'>Le marché déménage</a></li></ul>",
        "<p>Vous avez une information à nous transmettre ? Écrivez à redaction@example.org</p>",
        "<p>Cet article vous a-t-il été utile ?</p>",
    ),
    "es": (
        "<div class='x1'><p>Este contenido se ha bloqueado</p>"
        "<p>Para ver este contenido debes aceptar las cookies.</p></div>",
        "<p>El mercado el sábado. Foto: Ana Ruiz</p>",
        "<p>¿Tienes una historia que contar? Escríbenos a redaccion@example.org</p>",
        "<p>¿Te ha resultado útil este artículo?</p>",
        "<p>Publicidad</p>",
    ),
    "pl": (
        "<div class='x1'><p>Treść zewnętrzna</p><p>Aby wyświetlić tę treść, zaakceptuj pliki cookie.</p></div>",
        "<p>Hala w sobotę. Fot. Jan Kowalski</p>",
        "<p>Masz dla nas ciekawy temat? Napisz do nas: news@example.org</p>",
        "<p>Czy ta strona była pomocna?</p>",
    ),
    "sv": (
        "<div class='x1'><p>Innehållet är blockerat</p><p>För att visa innehållet måste du godkänna cookies.</p></div>",
        "<p>Hallen i lördags. Foto: Eva Ek</p>",
        "<h3>Läs också</h3><ul><li><a href='/7'>Torget flyttar</a></li></ul>",
        "<p>Hade du nytta av sidan?</p>",
    ),
    "it": (
        "<div class='x1'><p>Contenuto esterno</p>"
        "<p>Per visualizzare questo contenuto devi accettare i cookie.</p></div>",
        "<p>Il mercato sabato. Foto: Ada Neri</p>",
        "<p>Hai una notizia da segnalarci? Scrivi a redazione@example.org</p>",
        "<p>Ti è stato utile questo articolo?</p>",
    ),
}


@pytest.mark.parametrize(
    "words", [words for words in PAGES if words.language in INSETS], ids=lambda words: words.language
)
def test_boxes_between_the_paragraphs_change_nothing(words: Words) -> None:
    page = write_page(words)
    for number, inset in enumerate(INSETS[words.language]):
        paragraph = f"<p>{escape(words.text[1 + number % (len(words.text) - 1)])}</p>"
        assert paragraph in page
        page = page.replace(paragraph, paragraph + inset, 1)
    assert read(words, page).text == read(words).text
