from __future__ import annotations

import subprocess
import sys

import pytest

from pipeline import reader
from pipeline.archive import Archive, write_marker
from pipeline.errors import NotInArchive, SettingsError
from pipeline.model import State, article_id
from pipeline.publish import publish_run
from pipeline.settings import Settings
from pipeline.store import Store, connect
from tests.pipeline.built_runs import HOUR, NOW, START, a_run, a_site, found, url_of, write_run

SITE = a_site()
SITES = (a_site("other", home="https://other.example/"), SITE)


@pytest.fixture(scope="module")
def _told(kept: Archive) -> Archive:
    for hours, text in (
        (0, "One body."),
        (2, "Three bodies of text."),
        (1, "Two bodies."),
    ):  # the last is released late
        run, at = a_run(hours), START + hours * HOUR
        findings = [found("a", text, run, at, requested=url_of("2026/a"))]
        if hours == 0:
            findings += [found(f"n{number}", f"Text {number}.", run, at) for number in range(70)]
        publish_run(kept, SITE, write_run(kept, SITE, run, findings), now=NOW)
    return kept


@pytest.fixture
def told(_told: Archive, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """To be read only; the environment names it."""
    monkeypatch.setenv("MUNIMENT_BUCKET", _told.store.bucket)
    return _told


def test_an_article_is_found_by_its_canonical_url_whatever_it_drags_along(told: Archive):
    versions = reader.find_article(told, SITES, url_of("a") + "?utm_source=feed#top")
    assert [version.n for version in versions] == [1, 2, 3]


def test_an_article_is_found_by_a_url_that_led_to_it(told: Archive):
    assert reader.article_of(told, SITES, url_of("2026/a")) == reader.article_of(told, SITES, url_of("a"))


@pytest.mark.parametrize(
    "form", [url_of("a"), url_of("2026/a"), article_id(url_of("a")), article_id(url_of("a")).upper()]
)
def test_an_article_is_found_by_url_or_id(told: Archive, form: str):
    assert reader.find(told, SITES, f" {form} ") == (SITE.id, article_id(url_of("a")))


@pytest.mark.parametrize("form", [url_of("a"), article_id(url_of("a"))])
def test_an_article_of_a_site_without_a_file_is_found(told: Archive, form: str):
    assert reader.find(told, [], form) == (SITE.id, article_id(url_of("a")))


@pytest.mark.parametrize("form", ["0" * 20, url_of("nothing"), "not a url", "http://[", ""])
def test_what_names_no_article_is_refused(told: Archive, form: str):
    with pytest.raises(NotInArchive):
        reader.find(told, SITES, form)


def test_history_goes_by_time_and_the_current_version_is_the_newest(told: Archive):
    versions = reader.history(told, SITES, url_of("a"))
    assert [version.text for version in versions] == ["One body.", "Two bodies.", "Three bodies of text."]
    assert [version.n for version in versions] == [1, 3, 2]
    assert reader.current(versions).text == "Three bodies of text."


@pytest.mark.parametrize(
    ("hours", "n"),
    [(-5, 1), (0, 1), (0.9, 1), (1, 3), (1.5, 3), (2, 2), (99, 2)],
    ids=["before the first", "first", "between", "released late", "in effect", "last", "after the last"],
)
def test_the_version_that_stood_at_a_time_is_the_latest_that_was_captured_by_then(
    told: Archive, hours: float, n: int
) -> None:
    versions = reader.find_article(told, SITES, url_of("a"))
    assert reader.stood_at(versions, START + hours * HOUR).n == n
    parts = [version.model_copy(update={"captured_at": version.captured_at + HOUR / 3.6e6}) for version in versions]
    assert reader.stood_at(parts, START + hours * HOUR).n == n, "to the second, as Memento-Datetime tells it"
    with pytest.raises(NotInArchive):
        reader.stood_at([], START)


def test_articles_that_ended_in_another_one_are_named(archive: Archive):
    a, b = url_of("a"), url_of("b")
    for hours, finding in enumerate(
        (
            found("a", "One body.", a_run(0), START),
            found("b", "One body.", a_run(1), START + HOUR),
            found("b", "One body.", a_run(2), START + 2 * HOUR, requested=a, hops=((301, b),)),
        )
    ):
        publish_run(archive, SITE, write_run(archive, SITE, a_run(hours), [finding]), now=NOW)
    assert reader.ended_in(archive, SITE, article_id(b)) == [(article_id(a), a)]
    assert reader.ended_in(archive, SITE, article_id(a)) == []
    assert reader.find_article(archive, SITES, a)[-1].moved_to == article_id(b)


def test_an_address_that_leads_to_another_article_today_is_that_ones(archive: Archive):
    today = url_of("today")
    for hours, name in enumerate(("monday", "tuesday")):
        at = START + hours * HOUR
        findings = [found(name, f"Text of {name}.", a_run(hours), at, requested=today, final=today)]
        publish_run(archive, SITE, write_run(archive, SITE, a_run(hours), findings), now=NOW)
        assert reader.current(reader.find_article(archive, SITES, today)).text == f"Text of {name}."
    assert [each.text for each in reader.find_article(archive, SITES, url_of("monday"))] == ["Text of monday."]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (url_of("nothing"), "is not an article in the archive .looked in: example-news"),
        ("https://elsewhere.example/a", "looked in: other, example-news"),
        ("not a url", "is not a URL"),
    ],
)
def test_what_is_not_there_is_refused_by_name(told: Archive, url: str, message: str):
    with pytest.raises(NotInArchive, match=message):
        reader.find_article(told, SITES, url)
    with pytest.raises(NotInArchive):
        reader.current([])


def test_a_runs_versions_are_exactly_those_that_it_made(told: Archive):
    first = reader.run_versions(told, SITE.id, a_run(0))
    assert len(first) == 71
    assert {version.run for version in first} == {a_run(0)}
    (second,) = reader.run_versions(told, SITE.id, a_run(2))
    assert second.text == "Three bodies of text."


def test_the_versions_of_a_run_that_is_not_published_are_not_given(archive: Archive):
    write_run(archive, SITE, a_run(9), [found("z", "Never.", a_run(9), NOW)])
    with pytest.raises(NotInArchive, match="is not published"):
        reader.run_versions(archive, SITE.id, a_run(9))


def test_rows_are_chosen_by_site_run_and_time(told: Archive):
    assert reader.to_arrow(told).num_rows == 73
    assert reader.to_arrow(told, site="other").num_rows == 0
    assert reader.to_arrow(told, run=a_run(2), columns=["title"]).to_pylist() == [{"title": "A headline"}]
    since = reader.to_arrow(told, site=SITE.id, since=START + HOUR, until=START + 2 * HOUR, columns=["text"])
    assert since.to_pylist() == [{"text": "Two bodies."}]


def test_an_archive_without_versions_has_no_rows(archive: Archive):
    assert reader.to_arrow(archive, site=SITE.id).num_rows == 0


@pytest.mark.parametrize("address", ["s3://{}", "s3://{}/", "s3a://{}", None])
def test_an_archive_is_opened_by_its_address_or_by_the_environment(told: Archive, address: str | None):
    opened = reader.Archive(address and address.format(told.store.bucket))
    assert opened.articles(site=SITE.id).to_arrow().num_rows == 73
    assert opened.articles(site=["other", SITE.id], current=True, columns=["n"]).to_arrow().num_rows == 71
    assert sum(batch.rows.num_rows for batch in opened.changes()) == 73
    assert opened.sql("SELECT count(*) AS n FROM current").to_arrow().to_pylist() == [{"n": 71}]
    assert len(list(opened.run(SITE.id, a_run(0)))) == 71


@pytest.mark.parametrize("address", ["muniment", "s3://UPPER", "s3://bucket/folder", "https://bucket"])
def test_what_is_no_buckets_address_is_refused(address: str):
    with pytest.raises(SettingsError, match="Give it as s3://bucket"):
        reader.Archive(address)


def test_a_bucket_without_an_archive_is_refused_and_nothing_is_made_in_it(store: Store):
    with pytest.raises(NotInArchive, match=r"holds no archive(.|\n)*AWS_ENDPOINT_URL_S3"):
        reader.Archive(f"s3://{store.bucket}")
    assert list(store.list("")) == []


def test_the_table_is_found_in_the_bucket_that_the_marker_names(settings: Settings):
    store, tables = connect(settings), connect(settings, f"{settings.bucket}-tables")
    store.create_bucket()
    tables.create_bucket()
    write_marker(store, tables_bucket=tables.bucket)
    findings = [found("a", "One body.", a_run(0), START)]
    archive = Archive(store, tables)
    publish_run(archive, SITE, write_run(archive, SITE, a_run(0), findings), now=NOW)
    assert reader.Archive(f"s3://{store.bucket}").articles(columns=["text"]).to_arrow().to_pylist() == [
        {"text": "One body."}
    ]


def test_an_articles_versions_are_had_by_its_id_and_by_any_url_that_led_to_it(told: Archive):
    opened = reader.Archive()
    for name in (article_id(url_of("a")), url_of("a") + "?utm_source=x", url_of("2026/a")):
        assert [version.n for version in opened.history(name)] == [1, 3, 2]
        assert opened.version(name).text == "Three bodies of text."
        assert opened.version(name, 1).text == "One body."
    for name in (url_of("nothing"), "0" * 20, "not a url"):
        with pytest.raises(NotInArchive):
            opened.history(name)
    with pytest.raises(NotInArchive):
        opened.version(url_of("a"), 4)


def test_the_capture_of_what_was_taken_down_is_not_given(told: Archive):
    opened = reader.Archive()
    version = opened.version(url_of("a"), 1)
    with pytest.raises(NotInArchive, match="has been taken down"):
        opened.capture(version.model_copy(update={"state": State.REDACTED}))


def test_words_added_and_removed_are_counted(told: Archive):
    one, two, three = reader.history(told, SITES, url_of("a"))
    assert reader.count_word_changes(None, one) == (4, 0)  # headline and text
    assert reader.count_word_changes(one, two) == (2, 2)
    assert reader.count_word_changes(two, three) == (4, 2)
    assert reader.count_word_changes(one, one) == (0, 0)


def test_reading_articles_loads_no_table_library():
    heavy = "{'deltalake', 'pyarrow', 'scrapy', 'trafilatura'}"
    code = f"import sys, pipeline.reader; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
