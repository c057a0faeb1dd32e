# ruff: noqa: E501 (the table of mistakes is read line by line)
"""Site files: what is read, what is refused and in which words, and the files that are built in."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import model
from spiders import site as site_module
from spiders.site import (
    BUILTIN_FOLDER,
    DEFAULT_RECHECK,
    CheckLimits,
    CrawlRules,
    ExtractRules,
    FieldRules,
    Problem,
    Recheck,
    Site,
    SiteError,
    Source,
    load_site,
    load_sites,
    parse_site,
    schema_text,
    site_schema,
)

ROOT = Path(__file__).parents[2]
GOOD = r"""
name = "Example newsroom"
home = "https://www.example.gov.uk/"
kind = "council"
article = 'https://www\.example\.gov\.uk/news/[a-z0-9-]+'
{}
[[sources]]
type = "feed"
url = "https://www.example.gov.uk/news/feed"
"""


def _good(more: str = "", tables: str = "") -> str:
    return GOOD.format(more) + tables


def _problems(text: str, id: str = "example") -> dict[str, tuple[str, str]]:
    with pytest.raises(SiteError) as caught:
        parse_site(text, id=id, file="example.toml")
    return {problem.key: (problem.problem, problem.remedy) for problem in caught.value.problems}


def _read(text: str) -> tuple[Site | None, tuple[Problem, ...]]:
    try:
        return parse_site(text, id="example"), ()
    except SiteError as error:
        return None, error.problems


# --- what is read


def test_a_small_file_is_enough() -> None:
    site = parse_site(_good(), id="example")
    assert (site.id, site.country, site.language, site.timezone, site.schedule) == (
        "example",
        "gb",
        "en",
        "Europe/London",
        "@hourly",
    )
    assert site.hosts == {"www.example.gov.uk"}
    assert site.ladder == DEFAULT_RECHECK
    assert site.crawl.robots == "obey"
    assert not site.crawl.allow_private


def test_a_site_goes_to_json_and_back_unchanged() -> None:
    site = parse_site(
        _good(
            'gone_after = "36h"',
            '[crawl]\ndelay = 0\n[[recheck]]\nage = "1d12h"\nevery = "PT90M"\n[[recheck]]\nevery = "1w"',
        ),
        id="example",
    )
    assert Site.model_validate_json(site.model_dump_json()) == site
    assert site.recheck[0] == Recheck(age=timedelta(hours=36), every=timedelta(minutes=90))
    for built_in in load_sites([BUILTIN_FOLDER]).values():
        assert Site.model_validate_json(built_in.model_dump_json()) == built_in


def test_an_article_is_told_by_host_pattern_and_exclusions() -> None:
    site = parse_site(_good("exclude = ['/news/feed$']"), id="example")
    assert site.is_article("https://www.example.gov.uk/news/bins-to-be-blue")
    for url in (
        "https://www.example.gov.uk/news/feed",
        "https://www.example.gov.uk/news/bins?page=2",
        "https://www.example.gov.uk/",
        "https://elsewhere.gov.uk/news/bins",
        "http://www.example.gov.uk/news/bins",
        "https://www.example.gov.uk/news/" + "a" * 3000,
        "https://[/news/a",
        "",
    ):
        assert not site.is_article(url), url


def test_hosts_leave_out_the_usual_port_and_keep_another() -> None:
    usual = parse_site(_good().replace('.uk/"', '.uk:443/"'), id="example")
    assert usual.hosts == {"www.example.gov.uk"}
    loopback = parse_site(_good().replace("https://www.example.gov.uk", "http://127.0.0.1:8080").replace(
        r"https://www\.example\.gov\.uk", r"http://127\.0\.0\.1:8080"), id="example")  # fmt: skip
    assert loopback.owns("http://127.0.0.1:8080/x")
    assert not loopback.owns("http://127.0.0.1:8081/x")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "example.toml"
    path.write_bytes(b"\xef\xbb\xbf" + _good().encode())
    assert load_site(path).id == "example"


@pytest.mark.parametrize("schedule", ["@daily", "20 7-20 * * 1-5", "0 6 * mar thu", "*/20 * * * *", "0 0 1,15 APR *"])
def test_cron_lines_and_presets_are_taken(schedule: str) -> None:
    assert parse_site(_good(f'schedule = "{schedule}"'), id="example").schedule == schedule


# --- what is refused

MISTAKES = [
    ("unknown key", _good('descripton = "x"'), "descripton", "Write description."),
    ("key of another table", _good("delay = 2"), "delay", "Move it below [crawl]."),
    ("key below a table", _good(tables='[crawl]\nschedule = "@daily"'), "crawl.schedule", "Move it above"),
    ("unknown key in a table", _good(tables="[crawl]\ndelays = 2"), "crawl.delays", "Write delay."),
    ("unknown key in check", _good(tables="[check]\nmin_wrods = 2"), "check.min_wrods", "Write min_words."),
    ("unknown key of a source", _good(tables='urls = "x"'), "sources.0.urls", "Write url."),
    ("id given", _good('id = "x"'), "id", "Remove the key"),
    ("empty name", _good().replace("Example newsroom", " "), "name", "Write a text"),
    ("number for text", _good('region = 5'), "region", "Write it in quotes"),
    ("text for a number", _good(tables='[crawl]\ndelay = "2"'), "crawl.delay", "without quotes"),
    ("true for a number", _good(tables="[crawl]\nconcurrency = true"), "crawl.concurrency", "Write digits"),
    ("fraction for a whole number", _good(tables="[check]\nmin_captures = 1.5"), "check.min_captures", "Write digits"),
    ("text for true", _good(tables='[crawl]\nallow_private = "yes"'), "crawl.allow_private", "true or false"),
    ("no number", _good(tables="[crawl]\ndelay = nan"), "crawl.delay", "Write"),
    ("below the range", _good(tables="[crawl]\nfetch_at_most = 0"), "crawl.fetch_at_most", "at least 1"),
    ("above the range", _good(tables="[check]\nmax_error_share = 20"), "check.max_error_share", "at most 1"),
    ("wrong kind", _good().replace('"council"', '"counsil"'), "kind", 'Write "council".'),
    ("wrong source type", _good().replace('"feed"', '"rss"'), "sources.0.type", "feed, sitemap, listing"),
    ("no list", _good('exclude = "x"'), "exclude", "square brackets"),
    ("no table", _good("crawl = 5"), "crawl", "[crawl]"),
    ("bad pattern", _good("exclude = ['news/(']"), "exclude.0", "Correct it"),
    ("slow pattern", _good(r"exclude = ['(?:[a-z]+-?)+$']"), "exclude.0", "Write one repetition"),
    ("cron out of range", _good('schedule = "61 * * * *"'), "schedule", "minute (0-59)"),
    ("cron with six fields", _good('schedule = "0 * * * * *"'), "schedule", "20 * * * *"),
    ("cron that never comes", _good('schedule = "0 0 31 2 *"'), "schedule", "minute (0-59)"),
    ("random cron", _good('schedule = "R * * * *"'), "schedule", "minute (0-59)"),
    ("unknown preset", _good('schedule = "@hourl"'), "schedule", 'Write "@hourly"'),
    ("once", _good('schedule = "@once"'), "schedule", "cron line"),
    ("unknown zone", _good('timezone = "Europe/Londn"'), "timezone", '"Europe/London"'),
    ("folder of zones", _good('timezone = "Europe"'), "timezone", "IANA"),
    ("zone that climbs", _good('timezone = "../../etc/passwd"'), "timezone", "IANA"),
    ("language by name", _good('language = "Welsh"'), "language", '"cy"'),
    ("language with an underscore", _good('language = "en_GB"'), "language", '"en-GB"'),
    ("uk for gb", _good('country = "uk"'), "country", '"gb"'),
    ("duration without unit", _good("gone_after = 6"), "gone_after", '"6h"'),
    ("duration in words", _good('gone_after = "6 hours"'), "gone_after", '"6h"'),
    ("duration of months", _good('gone_after = "P1M"'), "gone_after", "ISO 8601"),
    ("empty age", _good(tables='[[recheck]]\nage = "0h"\nevery = "1h"\n[[recheck]]\nevery = "2h"'), "recheck.0.age", "longer"),
    ("endless duration", _good('gone_after = "999999999d"'), "gone_after", "h, d"),
    ("ladder without age", _good(tables='[[recheck]]\nevery = "1h"\n[[recheck]]\nevery = "2h"'), "recheck.0.age", "Add age"),
    ("ladder out of order", _good(tables='[[recheck]]\nage = "2d"\nevery = "1h"\n[[recheck]]\nage = "1d"\nevery = "2h"'), "recheck.1.age", "Order"),
    ("relative source", _good().replace("https://www.example.gov.uk/news/feed", "/news/feed"), "sources.0.url", "https://"),
    ("source by ftp", _good().replace("https://www.example.gov.uk/news/feed", "ftp://x.uk/f"), "sources.0.url", "https://"),
    ("source with a broken host", _good().replace("https://www.example.gov.uk/news/feed", "https://[::1/f"), "sources.0.url", "Write it as"),
    ("source with a port that is none", _good().replace("uk/news/feed", "uk:99999/f"), "sources.0.url", "Write it as"),
    ("source with a blank", _good().replace("news/feed", "news feed"), "sources.0.url", "%20"),
    ("source with a fragment", _good().replace("news/feed", "news#feed"), "sources.0.url", "without it"),
    ("source with a password", _good().replace("https://www.example.gov.uk/news/feed", "https://u:p@x.uk/"), "sources.0.url", "@"),
    ("source with an IDN host", _good().replace("https://www.example.gov.uk/news/feed", "https://mün.uk/"), "sources.0.url", "xn--"),
    ("home without a scheme", _good().replace('"https://www.example.gov.uk/"', '"www.example.gov.uk"'), "home", "https://www.example.gov.uk"),
    ("home with a query", _good().replace('.gov.uk/"', '.gov.uk/?a=1"'), "home", "front page"),
    ("domain as a URL", _good('domains = ["https://www.example.gov.uk/"]'), "domains.0", '"www.example.gov.uk"'),
    ("domain with a wildcard", _good('domains = ["*.example.gov.uk"]'), "domains.0", "full name"),
    ("domain in capitals", _good('domains = ["WWW.example.gov.uk"]'), "domains.0", '"www.example.gov.uk"'),
    ("pattern of a path", _good().replace(r"'https://www\.example\.gov\.uk", "'"), "article", r"'https://www\.example\.gov\.uk/'"),
    ("pattern of another host", _good().replace(r"www\.example", r"www\.other"), "article", "Begin it with"),
    ("pattern of any host", _good().replace(r"www\.example\.gov\.uk/news", "[^/]+/news"), "article", "Begin it with"),
    ("unverified key that is none", _good('unverified = ["artcle"]'), "unverified.0", '"article"'),
    ("example that does not match", _good('examples = ["https://www.example.gov.uk/jobs/1"]'), "examples.0", "Correct article"),
    ("counter-example that matches", _good('counter_examples = ["https://www.example.gov.uk/news/x"]'), "counter_examples.0", "exclude"),
    ("no source", _good().partition("[[sources]]")[0], "sources", "[[sources]]"),
    ("empty sources", "sources = []\n" + _good().partition("[[sources]]")[0], "sources", "[[sources]]"),
    ("source without url", _good(tables='[[sources]]\ntype = "feed"'), "sources.1.url", "url ="),
]  # fmt: skip


@pytest.mark.parametrize(("text", "key", "remedy"), [case[1:] for case in MISTAKES], ids=[case[0] for case in MISTAKES])
def test_a_mistake_is_told_with_its_key_and_what_to_write(text: str, key: str, remedy: str) -> None:
    problems = _problems(text)
    assert key in problems, problems
    assert remedy in problems[key][1], problems[key]
    assert list(problems) == [key], "and nothing else is complained of"


def test_a_password_in_a_url_is_not_repeated_in_the_message() -> None:
    for url in ("https://user:geheim@x.uk/", "ftp://user:geheim@x.uk/"):
        problems = _problems(_good().replace("https://www.example.gov.uk/news/feed", url))
        assert "geheim" not in str(problems)


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    text = _good('schedule = "never"\nunverified = ["x"]\nlanguage = "English"', "[crawl]\ndelay = -1")
    text = text.replace(r"https://www\.example\.gov\.uk", "")
    assert set(_problems(text, id="Bad_Name")) == {"", "schedule", "unverified.0", "language", "crawl.delay", "article"}


def test_a_file_name_that_is_no_id_is_refused_with_a_better_one() -> None:
    assert "example-1.toml" in _problems(_good(), id="Example_1")[""][1]


def test_broken_toml_is_told_with_line_and_column() -> None:
    problem, _ = _problems('name = "x"\nkind == 5\n')[""]
    assert "line 2, column 7" in problem


def test_deep_nesting_and_long_numbers_are_broken_toml() -> None:
    assert "not TOML" in _problems("a = " + "[" * 100_000)[""][0]
    assert "not TOML" in _problems("a = " + "9" * 10_000)[""][0]


def test_a_file_that_is_not_utf_8_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "example.toml"
    path.write_bytes(b'name = "x"\nregion = "Caf\xe9"\n')
    with pytest.raises(SiteError, match=r"not UTF-8 \(line 2\)"):
        load_site(path)


def test_a_file_that_cannot_be_read_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"absent\.toml: cannot be read"):
        load_site(tmp_path / "absent.toml")


# --- folders


def _write(folder: Path, name: str, text: str = "") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text or _good(), encoding="utf-8")
    return path


def test_folders_are_read_at_any_depth_and_dot_files_are_passed_over(tmp_path: Path) -> None:
    for name in ("b.toml", "gb/a.toml", "x/y/z/c.toml", ".hidden.toml", ".git/d.toml", "note.txt", "gb/.e.toml"):
        _write(tmp_path, name)
    assert list(load_sites([tmp_path])) == ["a", "b", "c"]
    assert list(load_sites([tmp_path, tmp_path / "gb"])) == ["a", "b", "c"], "a file in two folders is read once"


def test_one_id_in_two_folders_is_refused_and_both_files_are_named(tmp_path: Path) -> None:
    first, second = _write(tmp_path / "one", "same.toml"), _write(tmp_path / "two", "gb/same.toml")
    with pytest.raises(SiteError) as caught:
        load_sites([tmp_path / "one", tmp_path / "two"])
    assert str(first) in str(caught.value)
    assert str(second) in str(caught.value)


def test_mistakes_of_all_files_and_folders_are_told_together(tmp_path: Path) -> None:
    _write(tmp_path, "a.toml", _good('kindd = "x"'))
    _write(tmp_path, "b.toml", "x")
    (tmp_path / "file").touch()
    with pytest.raises(SiteError) as caught:
        load_sites([tmp_path, tmp_path / "absent", tmp_path / "file"])
    told = [(Path(problem.file).name, problem.key) for problem in caught.value.problems]
    assert sorted(told) == [
        ("a.toml", "kindd"),
        ("absent", "MUNIMENT_SITES"),
        ("b.toml", ""),
        ("file", "MUNIMENT_SITES"),
    ]


# --- any document at all

KEYS = st.sampled_from([*Site.model_fields, "x", "follow", "url", "type", "delay", "age", "every"])
SCALARS = st.one_of(
    st.text(max_size=20),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.sampled_from(["feed", "https://www.example.gov.uk/", r"https://www\.example\.gov\.uk/.+", "council", "6h", "@daily", "[", "(a+)+"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=8))
def test_any_document_is_a_site_or_a_site_error(document: dict[str, object]) -> None:
    text = "\n".join(f"{key} = {_toml(value)}" for key, value in document.items())
    site, problems = _read(text)
    assert (site is None) == bool(problems)
    assert all(problem.problem and problem.remedy for problem in problems)
    assert site is None or Site.model_validate_json(site.model_dump_json()) == site


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.text(max_size=70))
def test_any_text_is_a_site_or_a_site_error(text: str, id: str) -> None:
    with pytest.raises(SiteError):
        parse_site(text, id=id)


@settings(max_examples=200, deadline=None)
@given(
    key=st.sampled_from(["schedule", "timezone", "language", "country", "gone_after", "home", "article"]),
    value=st.text(max_size=30) | st.from_regex(r"[0-9*/,@a-z -]{1,20}", fullmatch=True),
)
def test_any_text_for_a_checked_key_is_taken_or_refused(key: str, value: str) -> None:
    text = re.sub(rf"(?m)^{key} = .*$", "", _good()).strip()
    _, problems = _read(f"{key} = {_toml(value)}\n{text}")
    assert all(problem.key.partition(".")[0] in (key, "article", "") for problem in problems)


# --- the schema


def test_the_schema_takes_every_built_in_file_and_refuses_mistakes() -> None:
    schema = site_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for path in sorted(BUILTIN_FOLDER.rglob("*.toml")):
        jsonschema.validate(tomllib.loads(path.read_text(encoding="utf-8")), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(_good('descripton = "x"')), schema)


def test_the_schema_says_what_each_key_is_for_and_leaves_out_the_id() -> None:
    schema = site_schema()
    assert "id" not in schema["properties"]
    assert "id" not in schema["required"]
    for part in (schema, *schema["$defs"].values()):
        for name, key in part["properties"].items():
            assert key.get("description"), name


def test_the_schema_file_beside_the_sites_is_the_current_one() -> None:
    written = (BUILTIN_FOLDER / "site.schema.json").read_text(encoding="utf-8")
    assert written == schema_text(), "write it again: muniment sites schema > spiders/sites/site.schema.json"


# --- the built-in files

BUILT_IN = sorted(BUILTIN_FOLDER.rglob("*.toml"))


def test_at_least_twenty_four_british_sites_of_every_kind_are_built_in() -> None:
    sites = load_sites([BUILTIN_FOLDER])
    assert len(sites) >= 24
    assert {site.kind for site in sites.values()} == {
        "trade",
        "council",
        "government",
        "parliament",
        "national",
        "regional",
    }
    assert {"Wales", "Scotland", "Northern Ireland"} <= {
        site.region for site in sites.values() if site.kind == "council"
    }


@pytest.mark.parametrize("path", BUILT_IN, ids=lambda path: path.stem)
def test_a_built_in_site_is_polite_documented_and_honest(path: Path) -> None:
    site = load_site(path)
    text = path.read_text(encoding="utf-8")
    assert path.parent.name == site.country
    assert text.startswith("#:schema ../site.schema.json\n#\n# "), (
        "the schema for editors, then where the facts come from"
    )
    assert site.description.strip()
    assert site.how_to_tell.strip()
    assert site.when_it_fails.strip()
    assert site.counter_examples
    assert site.crawl.delay >= 1
    assert site.crawl.robots == "obey"
    assert not site.crawl.allow_private
    assert {"sources", "article"} <= set(site.unverified), (
        "nothing was seen live yet; take this out with the first proof"
    )


def test_built_in_sites_of_one_minute_are_few() -> None:
    minutes = [site.schedule.split()[0] for site in load_sites([BUILTIN_FOLDER]).values()]
    assert max(minutes.count(minute) for minute in minutes) <= 3, (
        "spread the minutes, so that runs do not start in a burst"
    )


# --- beside others


def test_ids_mean_the_same_here_and_in_the_archive() -> None:
    assert model.SITE_ID.pattern == f"^{site_module.SITE_ID.pattern}$"


def test_loading_sites_loads_no_heavy_library() -> None:
    code = (
        "import sys; from spiders.site import load_sites, BUILTIN_FOLDER; load_sites([BUILTIN_FOLDER]);"
        "print([name for name in ('scrapy', 'twisted', 'lxml', 'httpx', 'boto3', 'trafilatura', 'feedparser',"
        " 'deltalake', 'pyarrow', 'airflow', 'rich') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_two_hundred_sites_load_in_seconds(tmp_path: Path) -> None:
    text = (BUILTIN_FOLDER / "gb" / "northern-echo.toml").read_text(encoding="utf-8")
    for number in range(200):
        _write(tmp_path, f"site-{number}.toml", text)
    begun = time.perf_counter()
    assert len(load_sites([tmp_path])) == 200
    assert time.perf_counter() - begun < 10  # 2 ms a file on an idle machine


def test_every_key_stands_in_the_guide() -> None:
    guide = (ROOT / "docs" / "sites.md").read_text(encoding="utf-8")
    for part, prefix in (
        (Site, ""),
        (Source, "sources."),
        (CrawlRules, "crawl."),
        (CheckLimits, "check."),
        (Recheck, "recheck."),
        (ExtractRules, "extract."),
        (FieldRules, ""),
    ):
        for name in (field.alias or name for name, field in part.model_fields.items()):
            if name != "id":
                assert f"`{prefix}{name}`" in guide, f"docs/sites.md: no row for {prefix}{name}"


# --- rules for reading pages -----------------------------------------------------------------------------------------


RULES = """
[[extract]]
from = 2026-03-02
strip = [".promo"]
fields = { title = "h1.headline" }

[[extract]]
until = 2026-03-01
body = "div.story"
"""


def test_a_capture_is_read_by_the_rules_of_its_day_in_the_sites_zone() -> None:
    site = parse_site(_good('timezone = "America/New_York"', RULES), id="x")
    (new,) = site.rules_at(datetime(2026, 3, 2, 6, tzinfo=UTC))
    (old,) = site.rules_at(datetime(2026, 3, 2, 4, tzinfo=UTC))
    assert new.strip == (".promo",)
    assert new.fields.title == "h1.headline"
    assert old.body == "div.story"
    assert parse_site(_good(), id="x").rules_at(datetime(2026, 3, 2, tzinfo=UTC)) == ()


@pytest.mark.parametrize(
    ("tables", "key", "words"),
    [
        ('[[extract]]\nstrip = ["p["]', "extract.0.strip.0", "is no CSS selector"),
        ('[[extract]]\nstrip = ".promo"', "extract.0.strip", "not a list"),
        ('[[extract]]\nfields = { titel = "h1" }', "extract.0.fields.titel", "Write title."),
        ('[[extract]]\nfields = { title = "h1@" }', "extract.0.fields.title", "names no attribute"),
        ("[[extract]]\nform = 2026-01-01", "extract.0.form", "Write from."),
        ('[[extract]]\nfrom = "soon"', "extract.0.from", "is no date"),
        ("[[extract]]\nfrom = 2026-03-02\nuntil = 2026-03-01", "extract.0.until", "before from"),
        (
            '[[extract]]\nbody = "p"\n[[extract]]\nuntil = 2026-01-01',
            "extract.1",
            "for days that extract.0 is for, too",
        ),
        ("[[extract]]\nuntil = 2026-01-01\n[[extract]]\nfrom = 2026-01-01", "extract.1", "for days that"),
    ],
)
def test_a_mistake_in_the_rules_is_named(tables: str, key: str, words: str) -> None:
    problems = _problems(_good("", tables))
    assert set(problems) == {key}
    assert words in str(problems[key])


def test_a_familys_rules_come_after_the_sites_own(tmp_path: Path) -> None:
    folder = tmp_path / "families"
    folder.mkdir()
    (folder / "kp.toml").write_text(
        'name = "KP"\n[[extract]]\nstrip = [".kp-box"]\n[[extract]]\nfrom = 2027-01-01\n', encoding="utf-8"
    )
    _write(tmp_path, "own.toml", _good('family = "KP"', RULES))
    _write(tmp_path, "none.toml", _good('family = "KP"'))
    sites = load_sites([tmp_path])
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert [rules.strip for rules in sites["own"].rules_at(at)] == [(".promo",), (".kp-box",)]
    assert [rules.strip for rules in sites["none"].rules_at(at)] == [(".kp-box",)]


def test_a_mistake_in_a_familys_rules_is_told_as_the_familys(tmp_path: Path) -> None:
    folder = tmp_path / "families"
    folder.mkdir()
    (folder / "kp.toml").write_text('name = "KP"\n[[extract]]\nstrip = ["p["]\n', encoding="utf-8")
    _write(tmp_path, "own.toml", _good('family = "KP"', RULES))
    with pytest.raises(SiteError) as refused:
        load_sites([tmp_path])
    (problem,) = [problem for problem in refused.value.problems if problem.file.endswith("own.toml")]
    assert problem.key == "extract.2.strip.0"
    assert "from family kp" in problem.problem
