"""The pictures of an article, and whose they are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.metadata import read_metadata
from pipeline.model import Image
from pipeline.page import parse_page
from pipeline.particulars.images import declared_image, name_credit, split_credit, survey_pictures
from tests.pipeline.some_pages import CAPTURED, HOST, SENTENCES, a_page, a_site, read

TEXT = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES)
FIRST, REST = TEXT.split("</p>", 1)[0] + "</p>", TEXT.split("</p>", 1)[1]


def images(body: str, head: str = "") -> tuple[Image, ...]:
    reading = read(a_page(body, head=head))
    assert reading.article is not None, reading
    return reading.article.images


def one(picture: str, head: str = "") -> Image:
    (image,) = images(f"{FIRST}{picture}{REST}", head)
    return image


class TestCredits:
    @pytest.mark.parametrize(
        ("caption", "left", "credit"),
        [
            ("The bridge in winter (Image: PA)", "The bridge in winter", "PA"),
            ("The bridge in winter. Photo: Jane Example", "The bridge in winter.", "Jane Example"),
            ("The bridge in winter. Picture by Jane Example", "The bridge in winter.", "Jane Example"),
            ("The bridge in winter © Anytown Council", "The bridge in winter", "Anytown Council"),
            ("The bridge in winter. (Jane Example/Getty Images)", "The bridge in winter.", "Jane Example/Getty Images"),
            ("The bridge (AP Photo/Jane Example)", "The bridge", "AP Photo/Jane Example"),
            ("Die Brücke im Winter. Foto: dpa", "Die Brücke im Winter.", "dpa"),
            ("Die Brücke (Bild: Imago)", "Die Brücke", "Imago"),
            ("Y bont yn y gaeaf (Llun: Cyngor Gwynedd)", "Y bont yn y gaeaf", "Cyngor Gwynedd"),
            ("Le pont en hiver. Crédit photo : AFP", "Le pont en hiver.", "AFP"),
            ("Image credit: Jane Example", "", "Jane Example"),
            ("The bridge in winter | Credit: Alamy", "The bridge in winter", "Alamy"),
        ],
    )
    def test_a_credit_is_told_from_a_caption(self, caption: str, left: str, credit: str) -> None:
        assert split_credit(caption) == (left, credit)

    @pytest.mark.parametrize(
        "caption",
        [
            "The bridge in winter",
            "Imagen de la plaza durante la fiesta",
            "A picture by a child hangs in the hall of the school, which opened in 1897 and is loved by all",
            "The source of the river (left) and the mill",
            "The mayor (second from left) with guests",
            "",
        ],
    )
    def test_other_captions_are_left_alone(self, caption: str) -> None:
        assert split_credit(caption) == (caption, None)

    @given(st.text(max_size=300))
    @settings(max_examples=200, deadline=None)
    def test_nothing_is_made_up(self, caption: str) -> None:
        left, credit = split_credit(caption)
        assert left in caption
        assert credit is None or "".join(credit.split()) in "".join(caption.split()) or not caption.isprintable()

    def test_the_word_for_it_is_no_part_of_a_credit(self) -> None:
        assert [name_credit(text) for text in ("Photo: PA", "© PA", "PA", "Photograph by A. B.", " ")] == [
            "PA", "PA", "PA", "A. B.", None,
        ]  # fmt: skip


class TestPlaces:
    def test_a_figure_gives_address_caption_credit_and_alternative_text(self) -> None:
        image = one(
            '<figure><img src="/a-bridge.jpg" alt="A stone bridge"><figcaption>The bridge '
            '<span class="credit">Photo: PA</span></figcaption></figure>'
        )
        assert image == Image(url=f"{HOST}/a-bridge.jpg", caption="The bridge", credit="PA", alt="A stone bridge")

    @pytest.mark.parametrize(
        "picture",
        [
            '<img data-src="/a-bridge.jpg" src="data:image/gif;base64,R0lGOD">',
            '<img srcset="/small.jpg 300w, /a-bridge.jpg 900w">',
            '<picture><source srcset="/a-bridge.jpg 2x, /b.jpg 1x"><img src="data:,"></picture>',
            '<figure><img src="data:,"><noscript><img src="/a-bridge.jpg"></noscript></figure>',
            '<div><noscript><img src="../a-bridge.jpg"></noscript></div>',
        ],
    )
    def test_pictures_that_are_loaded_late_are_found(self, picture: str) -> None:
        assert one(picture).url == f"{HOST}/a-bridge.jpg"

    @pytest.mark.parametrize(
        "picture",
        [
            '<div class="wp-caption"><img src="/a-bridge.jpg"><p class="wp-caption-text">The bridge in winter</p></div>',  # noqa: E501
            '<div class="c12"><div><img src="/a-bridge.jpg"></div><div class="x9">The bridge in winter</div></div>',
            '<div><a href="/a-bridge.jpg"><img src="/a-bridge.jpg"></a><small>The bridge in winter</small></div>',
        ],
    )
    def test_what_stands_alone_with_a_picture_is_its_caption(self, picture: str) -> None:
        assert one(picture).caption == "The bridge in winter"

    @pytest.mark.parametrize(
        "picture",
        [
            '<a href="/news/2"><img src="/a-teaser.jpg"></a>',
            '<aside><figure><img src="/a-teaser.jpg"></figure></aside>',
            '<div class="related-stories"><img src="/a-teaser.jpg"></div>',
            '<div class="author-bio"><img src="/a-face.jpg"></div>',
            '<img src="/images/logo.png">',
            '<img src="/pixel.gif" width="1" height="1">',
            '<img src="/a-face.jpg" width="60" height="60">',
            '<img src="/marks/arrow.svg">',
            '<img src="javascript:alert(1)">',
            '<img src="http://[::1">',
            "<img>",
        ],
    )
    def test_pictures_of_other_stories_faces_marks_and_pixels_are_none_of_the_articles(self, picture: str) -> None:
        assert images(f"{FIRST}{picture}{REST}") == ()

    def test_those_behind_the_text_are_other_stories(self) -> None:
        assert images(f'{TEXT}<div><h2>More</h2><img src="/a-teaser.jpg"></div>') == ()

    def test_a_paragraph_with_a_picture_in_it_is_no_caption(self) -> None:
        image = one(f'<p><img src="/a-bridge.jpg">{SENTENCES[0]} It was a long evening, and all had a say.</p>')
        assert image.caption is None

    def test_an_alternative_text_that_is_the_headline_says_nothing(self) -> None:
        assert one('<img src="/a-bridge.jpg" alt="Bridge to be mended">').alt is None

    def test_a_page_has_no_right_to_more_than_fifty(self) -> None:
        many = "".join(f'<img src="/a-picture-{number:04}.jpg">' for number in range(3000))
        assert len(images(f"{FIRST}{many}{REST}")) == 50


class TestDeclared:
    LINKED = (
        '<script type="application/ld+json">{"@type":"NewsArticle","headline":"Bridge to be mended","image":'
        '{"@type":"ImageObject","url":"/a-bridge.jpg","caption":"The bridge","creditText":"Photo: PA"}}</script>'
    )

    def test_a_picture_that_is_only_declared_is_one(self) -> None:
        assert images(TEXT, self.LINKED) == (Image(url=f"{HOST}/a-bridge.jpg", caption="The bridge", credit="PA"),)

    def test_what_is_declared_of_a_picture_is_added_to_what_is_seen(self) -> None:
        image = one('<img src="/sized/a-bridge-1200x800.jpg" alt="A stone bridge">', self.LINKED)
        assert image == Image(
            url=f"{HOST}/sized/a-bridge-1200x800.jpg", caption="The bridge", credit="PA", alt="A stone bridge"
        )

    def test_opengraph_names_one_too(self) -> None:
        head = '<meta property="og:image" content="/a-bridge.jpg"><meta property="og:image:alt" content="A bridge">'
        assert images(TEXT, head) == (Image(url=f"{HOST}/a-bridge.jpg", alt="A bridge"),)

    @pytest.mark.parametrize(
        "value",
        [None, 5, [], {}, "", {"url": ["x", 1]}, {"url": {}}, "javascript:x", {"url": "/a.jpg", "author": [[]]}],
    )
    def test_whatever_stands_there_breaks_nothing(self, value: object) -> None:
        found = declared_image(value, f"{HOST}/")
        assert found is None or found.url.startswith("https://")


def test_the_survey_sees_what_noscript_hides() -> None:
    tree = parse_page('<body><div><noscript><img src="/a-bridge.jpg"></noscript></div></body>')
    assert tree is not None
    (picture,) = survey_pictures(tree)
    assert picture.anchor.tag == "div"
    assert read_metadata(tree, site=a_site(), url=HOST, captured_at=CAPTURED).image is None
