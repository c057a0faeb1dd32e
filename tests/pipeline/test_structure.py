"""The structure of a text: parts of every kind, and the entries of live pages with their times."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model import Article, Part
from pipeline.structure import is_stamp
from tests.pipeline.some_pages import SENTENCES, a_page, read

LONG = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES)
MORE = LONG.replace("The", "Then the")
REPORTS = (
    "Fire crews have left the mill after a long night, the brigade said in a statement to residents.",
    "The road beside the river is open again, and buses have gone back to their usual way.",
    "Nobody was hurt, says the councillor for the ward, who has spoken to every household in the street.",
    "Engineers are looking at the roof of the mill and will say this afternoon whether it is safe.",
    "Firefighters have been called to the old mill, where smoke was seen from the bridge this morning.",
)


def article_of(page: bytes, **facts: Any) -> Article:
    reading = read(page, **facts)
    assert reading.article is not None, reading
    article = reading.article
    assert "\n".join(part.text for part in article.parts) == article.text
    return article


def parts_of(body: str, head: str = "") -> list[Part]:
    return list(article_of(a_page(body, head=head)).parts)


def kinds_of(body: str, head: str = "") -> list[tuple[str, str]]:
    return [(part.kind, part.text) for part in parts_of(body, head)]


class TestParts:
    def test_headings_keep_their_level(self) -> None:
        parts = parts_of(f"{LONG}<h2>What comes next</h2>{MORE}<h3>The bill</h3><p>It is x.</p>{SENTENCES[3]}")
        assert [(part.text, part.level) for part in parts if part.kind == "heading"] == [
            ("What comes next", 2),
            ("The bill", 3),
        ]

    def test_nested_lists_keep_depth_and_numbers(self) -> None:
        body = (
            f"{LONG}<ol><li>The first thing that residents of the ward were told on Tuesday</li><li>The second thing "
            "that they were told<ul><li>And what was said of the footpath in the north</li></ul></li></ol>"
            + LONG[:200]
            + "</p>"
        )
        items = [part for part in parts_of(body) if part.kind == "item"]
        assert [(item.level, item.ordered) for item in items] == [(1, True), (1, True), (2, False)]

    def test_a_table_keeps_its_cells_and_its_head(self) -> None:
        body = (
            f"{LONG}<table><thead><tr><th>Ward</th><th>Votes</th></tr></thead><tbody><tr><td><p>Mill Lane</p></td>"
            f"<td>1,204</td></tr><tr><td>Bridge End</td><td>988</td></tr></tbody></table>{MORE}"
        )
        (table,) = [part for part in parts_of(body) if part.kind == "table"]
        assert table.rows == (("Ward", "Votes"), ("Mill Lane", "1,204"), ("Bridge End", "988"))
        assert table.text.split("\n")[0] == "Ward | Votes"

    def test_a_quote_is_told_from_a_paragraph(self) -> None:
        quote = "We had asked for a footpath on the north side for nine years, and now we are told to wait."
        body = f"{LONG}<blockquote cite='x'><p>{quote}</p></blockquote>{MORE}"
        assert ("quote", quote) in kinds_of(body)

    def test_paragraphs_that_are_divided_by_line_breaks_are_paragraphs(self) -> None:
        body = f"<div>{'<br><br>'.join(SENTENCES)}</div>"
        assert kinds_of(body) == [("paragraph", sentence) for sentence in SENTENCES]

    def test_a_definition_list_is_in_the_text(self) -> None:
        body = f"{LONG}<dl><dt>Ward</dt><dd>The part of the town that one councillor stands for.</dd></dl>{MORE}"
        assert "The part of the town that one councillor stands for." in article_of(a_page(body)).text

    def test_a_standfirst_is_labelled_by_the_name_of_its_element(self) -> None:
        summary = "A bridge that has been closed for two years is to be mended before winter."
        assert kinds_of(f'<p class="article-lead">{summary}</p><div>{LONG}</div>')[0] == ("standfirst", summary)
        assert kinds_of(f'<div class="chapo"><p>{summary}</p></div><div>{LONG}</div>')[0] == ("standfirst", summary)

    @pytest.mark.parametrize("name", ["articleLeadText", "nyhet__preamble", "component-sapou", "haber-spot"])
    def test_a_standfirst_has_the_names_that_systems_of_other_languages_give_it(self, name: str) -> None:
        summary = "The council has put off its decision on the library until the spring, after a long debate."
        found = kinds_of(f'<div class="{name}"><p>{summary}</p></div><div>{LONG}</div>')
        assert ("standfirst", summary) in found

    def test_a_standfirst_is_labelled_when_it_stands_apart_and_is_the_pages_description(self) -> None:
        summary = "A bridge that has been closed for two years is to be mended before winter."
        head = f'<meta name="description" content="{summary}">'
        assert kinds_of(f"<p><strong>{summary}</strong></p>{LONG}", head)[0] == ("standfirst", summary)
        assert kinds_of(f"<p>{summary}</p>{LONG}", head)[0] == ("paragraph", summary)

    def test_a_first_paragraph_in_an_element_named_for_the_whole_article_is_none(self) -> None:
        assert {kind for kind, _ in kinds_of(f'<div class="article-lead summary">{LONG}</div>')} == {"paragraph"}

    def test_a_notice_of_correction_is_labelled(self) -> None:
        notice = "This article was amended on 20 November 2026 because an earlier version gave the wrong street."
        assert kinds_of(f"{LONG}<p>{notice}</p>")[-1] == ("correction", notice)

    def test_a_story_about_corrections_has_no_notice(self) -> None:
        body = LONG + "<p>Corrections officers told the inquiry that nothing had been changed since then.</p>"
        assert "correction" not in dict(kinds_of(body))


def a_live_page(entries: list[str], *, title: str = "Mill fire live", head: str = "", wrap: str = "div") -> bytes:
    intro = f"<p>{SENTENCES[0]}</p><p>{SENTENCES[1]}</p>"
    return a_page(f"{intro}<{wrap} class='feed'>{''.join(entries)}</{wrap}>", title=title, head=head)


PUBLISHED = (
    '<meta property="article:published_time" content="2026-11-21T07:00:00Z"><meta property="og:type" content="article">'
)
CLOCKS = ("14:32", "13:05", "11:40", "10:15", "08:02")


def entries_of(page: bytes, **facts: Any) -> list[tuple[str, str | None]]:
    article = article_of(page, **facts)
    return [(part.text, part.time.isoformat() if part.time else None) for part in article.parts if part.kind == "entry"]


class TestLivePages:
    def test_entries_with_time_elements_are_kept_with_their_times_in_utc(self) -> None:
        entries = [
            f'<article><time datetime="2026-11-21T{clock}:00+01:00">{clock}</time><h3>Heading {n}</h3>'
            f"<p>{text}</p></article>"
            for n, (clock, text) in enumerate(zip(CLOCKS, REPORTS, strict=True))
        ]
        article = article_of(a_live_page(entries, head=PUBLISHED))
        assert article.kind == "live"
        for text in REPORTS:
            assert text in article.text
        found = entries_of(a_live_page(entries, head=PUBLISHED))
        assert found[0] == ("Heading 0", "2026-11-21T13:32:00+00:00")
        assert [text for text, _ in found] == [f"Heading {n}" for n in range(5)]
        assert "14:32" not in article.text

    @pytest.mark.parametrize("boxed", [False, True])
    def test_the_sentence_above_the_entries_stays_text_as_the_page_grows(self, *, boxed: bool) -> None:
        opening = "Follow the latest from the harbour as the storm reaches the coast."
        for count in (4, 6, 12, 30):
            clocks = [f"{8 + n // 4:02}:{n % 4}0" for n in range(count)]
            rows = [
                f"<div class='live-entry'><time datetime='2026-11-21T{clock}:00Z'>{clock}</time>"
                f"<p>{REPORTS[n % 5]} That was report {n} of the day.</p></div>"
                for n, clock in reversed(list(enumerate(clocks)))
            ]
            entries = f"<div class='feed'>{''.join(rows)}</div>" if boxed else "".join(rows)
            page = a_page(f"<p>{opening}</p>{entries}", title="Storm live: harbour floods", head=PUBLISHED)
            article = article_of(page)
            assert article.kind == "live"
            assert article.text.split("\n")[0] == opening, count

    @pytest.mark.parametrize("turned", [False, True])
    def test_a_bare_clock_time_gets_its_day_from_the_page_and_its_order(self, *, turned: bool) -> None:
        clocks = ("09:10", "00:20", "23:50", "21:05", "19:30")
        rows = [f"<p><strong>{clock}</strong></p><p>{text}</p>" for clock, text in zip(clocks, REPORTS, strict=True)]
        rows = rows[::-1] if turned else rows
        found = entries_of(a_live_page(rows, head=PUBLISHED))
        times = [time for _, time in found]
        expected = [
            "2026-11-22T09:10:00+00:00",
            "2026-11-22T00:20:00+00:00",
            "2026-11-21T23:50:00+00:00",
            "2026-11-21T21:05:00+00:00",
            "2026-11-21T19:30:00+00:00",
        ]
        assert times == (expected[::-1] if turned else expected)

    def test_a_clock_time_is_read_in_the_sites_zone(self) -> None:
        rows = [
            f"<li><b>{clock}</b> {text}</li>"
            for clock, text in zip(("14.32 Uhr", "13.05 Uhr", "11.40 Uhr"), REPORTS[:3], strict=True)
        ]
        page = a_live_page(rows, title="Mühlenbrand im Liveticker", head=PUBLISHED, wrap="ul")
        found = entries_of(page, timezone="Europe/Berlin")
        assert [time for _, time in found] == [
            "2026-11-21T13:32:00+00:00",
            "2026-11-21T12:05:00+00:00",
            "2026-11-21T10:40:00+00:00",
        ]

    @pytest.mark.parametrize(
        "title", ["Incendie : suivez la situation en direct", "Incendio en el molino, en vivo", "Pożar młyna, relacja"]
    )
    def test_other_languages_say_live_otherwise(self, title: str) -> None:
        rows = [
            f"<div class='e'><span>{clock}</span><p>{text}</p></div>"
            for clock, text in zip(CLOCKS, REPORTS, strict=True)
        ]
        assert len(entries_of(a_live_page(rows, title=title, head=PUBLISHED))) == 5

    def test_headings_that_begin_with_the_time_head_their_paragraphs(self) -> None:
        rows = [
            f"<h3>{clock} – Report {n}</h3><p>{text}</p><p>More of {n}: {SENTENCES[2]}</p>"
            for n, (clock, text) in enumerate(zip(CLOCKS, REPORTS, strict=True))
        ]
        article = article_of(a_live_page(rows, head=PUBLISHED))
        assert [part.text for part in article.parts if part.kind == "entry"] == [
            f"{clock} – Report {n}" for n, clock in enumerate(CLOCKS)
        ]
        assert all(text in article.text for text in REPORTS)

    def test_declared_updates_date_entries_that_show_no_time(self) -> None:
        updates = ",".join(
            f'{{"@type":"BlogPosting","headline":"Report number {n}",'
            f'"datePublished":"2026-11-21T{clock}:00Z","articleBody":"x"}}'
            for n, clock in enumerate(CLOCKS)
        )
        head = (
            f'{PUBLISHED}<script type="application/ld+json">{{"@type":"LiveBlogPosting","headline":"Mill fire",'
            f'"datePublished":"2026-11-21T07:00:00Z","liveBlogUpdate":[{updates}]}}</script>'
        )
        rows = [f"<div><h2>Report number {n}</h2><p>{text}</p></div>" for n, text in enumerate(REPORTS)]
        found = entries_of(a_live_page(rows, title="Mill fire", head=head))
        assert found[0] == ("Report number 0", "2026-11-21T14:32:00+00:00")
        assert len(found) == 5

    def test_microdata_names_the_entries(self) -> None:
        rows = [
            '<div itemprop="liveBlogUpdate" itemscope itemtype="https://schema.org/BlogPosting">'
            f'<meta itemprop="datePublished" content="2026-11-21T{clock}:00Z"><p>{text}</p></div>'
            for clock, text in zip(CLOCKS, REPORTS, strict=True)
        ]
        body = (
            f'<div itemscope itemtype="https://schema.org/LiveBlogPosting"><p>{SENTENCES[0]}</p>{"".join(rows)}</div>'
        )
        found = entries_of(a_page(body, title="Mill fire", head=PUBLISHED))
        assert [time for _, time in found][:2] == ["2026-11-21T14:32:00+00:00", "2026-11-21T13:05:00+00:00"]

    @pytest.mark.parametrize(
        "template",
        [
            '<article id="b{n}"><header><a href="#b{n}"><time datetime="2026-11-21T{clock}:00Z">{n} minutes ago</time>'
            "</a><h2>Head {n}</h2></header><div><p>{text}</p></div></article>",
            '<div class="w"><div class="l"><div><span>{clock}</span></div></div><div class="r"><h3>Head {n}</h3><div>'
            "<p>{text}</p></div></div></div>",
            '<div class="entry"><time datetime="2026-11-21T{clock}:00Z">{clock}</time><h3>Head {n}</h3><p>{text}</p>'
            '<footer>Updated <time datetime="2026-11-21T23:59:00Z">23:59</time></footer></div>'
            '<div class="ad-slot">Advert</div>',
            '<div class="stamp">{clock}</div><div class="txt"><h3>Head {n}</h3><p>{text}</p></div>',
            '<div class="e"><p class="d">21 November 2026, {clock}</p><h3>Head {n}</h3><p>{text}</p></div>',
            "<dt>{clock} GMT</dt><dd><h4>Head {n}</h4><p>{text}</p></dd>",
        ],
    )
    def test_every_usual_mark_up_of_entries_is_known(self, template: str) -> None:
        rows = [
            template.format(n=n, clock=clock, text=text)
            for n, (clock, text) in enumerate(zip(CLOCKS, REPORTS, strict=True))
        ]
        article = article_of(a_live_page(rows, head=PUBLISHED))
        heads = [(part.text, part.time) for part in article.parts if part.kind == "entry"]
        assert heads == [
            (f"Head {n}", datetime(2026, 11, 21, int(clock[:2]), int(clock[3:]), tzinfo=UTC))
            for n, clock in enumerate(CLOCKS)
        ]
        wanted = [line for n, text in enumerate(REPORTS) for line in (f"Head {n}", text)]
        assert article.text.split("\n")[-2 * len(REPORTS) :] == wanted  # neither stamps nor adverts

    def test_readers_comments_with_times_are_no_entries(self) -> None:
        comments = "".join(
            f'<li class="comment"><time datetime="2026-11-21T{clock}:00Z">{clock}</time><p>{text}</p></li>'
            for clock, text in zip(CLOCKS, REPORTS, strict=True)
        )
        page = a_page(f'{LONG}<ol class="comments-list">{comments}</ol>', title="How we live now", head=PUBLISHED)
        assert article_of(page).kind == "article"

    def test_links_to_other_stories_with_times_are_no_entries(self) -> None:
        rows = "".join(
            f'<li><time datetime="2026-11-21T{clock}:00Z">{clock}</time><a href="/x/{clock}">{text}</a></li>'
            for clock, text in zip(CLOCKS, REPORTS, strict=True)
        )
        assert article_of(a_page(f"{LONG}<ul>{rows}</ul>", title="Mill fire live", head=PUBLISHED)).kind == "article"

    def test_the_hours_of_a_programme_make_no_live_page(self) -> None:
        rows = "".join(f"<p><strong>{clock}</strong> {text}</p>" for clock, text in zip(CLOCKS, REPORTS, strict=True))
        assert article_of(a_page(f"{LONG}{rows}", title="The day of the fair", head=PUBLISHED)).kind == "article"

    def test_a_page_that_grows_keeps_its_older_entries(self) -> None:
        rows = [
            f'<article><time datetime="2026-11-21T{clock}:00Z">{clock}</time><p>{text}</p></article>'
            for clock, text in zip(CLOCKS, REPORTS, strict=True)
        ]
        before, after = (article_of(a_live_page(shown, head=PUBLISHED)) for shown in (rows[1:], rows))
        assert set(before.parts) < set(after.parts)
        assert before.digest != after.digest

    def test_thousands_of_times_cost_no_more_than_a_page_may(self) -> None:
        rows = (
            "".join(
                f"<div><div><b>{n % 24:02d}:{n % 60:02d}</b><p>Report {n} of the long night at the mill by the river"
                for n in range(3000)
            )
            + "</div></div>" * 3000
        )
        started = time.process_time()
        read(a_page(rows, title="Live", head=PUBLISHED))
        assert time.process_time() - started < 8

    @settings(max_examples=30, deadline=None)
    @given(st.text(max_size=40), st.sampled_from(["time", "b", "span", "h3"]), st.integers(0, 4))
    def test_no_time_makes_it_fail(self, stamp: str, tag: str, deep: int) -> None:
        rows = [
            "<div>" * deep + f"<{tag} datetime='{stamp}'>{stamp}</{tag}><p>{text}</p>" + "</div>" * deep
            for text in REPORTS
        ]
        read(a_live_page(rows, head=PUBLISHED))


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("14:32", True), ("2.32pm", True), ("14h32", True), ("14.32 Uhr", True), ("kl. 14.32", True), ("7pm", True),
        ("08:02 GMT", True),
        ("3.50 per cent", False), ("14:32 Crews leave", False), ("2:1", False), ("25 to 10", False), ("", False),
        ("1:23.45", False),
        ("5 minutes ago", True),
        ("Updated 23:59", True),
        ("21 November 2026, 22:00", True),
    ],
)  # fmt: skip
def test_a_stamp_is_a_clock_time_and_nothing_else(text: str, stamp: bool) -> None:
    assert is_stamp(text) is stamp


def test_times_of_entries_are_never_in_the_future() -> None:
    rows = [
        f"<p><b>{clock}</b></p><p>{text}</p>"
        for clock, text in zip(("23:50", "23:40", "23:30"), REPORTS[:3], strict=True)
    ]
    head = PUBLISHED.replace("2026-11-21T07", "2026-11-22T07")
    for _, moment in entries_of(a_live_page(rows, head=head)):
        assert moment is None or datetime.fromisoformat(moment) < datetime(2026, 11, 24, tzinfo=UTC)
