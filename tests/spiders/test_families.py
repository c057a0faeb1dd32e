"""CMS families: how they are read, recognised, and what they give to a site's file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from spiders.families import BUILTIN_FAMILIES, Appearance, Families, Misfit, escape, read_family, recognise
from spiders.problem import SiteError
from spiders.site import Site, find_family_problems, load_site, load_sites, parse_site, trace_site

FIVE_LINES = """
name = "Anytown Council newsroom"
home = "https://www.anytown.gov.uk/"
kind = "council"
family = "{}"
{}
"""
OWN = r"""
name = "Kommunalportal"
names = ["KP 7"]
newsroom = "/neues"
country = "at"
unverified = ["article"]
article = '{newsroom}/\d+/[a-z0-9-]+'
exclude = ['/archiv/']

[[recognise]]
where = "generator"
pattern = '^Kommunalportal'

[[sources]]
type = "listing"
url = "{newsroom}/"
follow = '{newsroom}/seite-\d+'
paging = "seite-{n}"

[crawl]
delay = 7.0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of site files with one family of its own."""
    (tmp_path / "families").mkdir()
    (tmp_path / "families" / "kommunalportal.toml").write_text(OWN, encoding="utf-8")
    return tmp_path


def _site(folder: Path, text: str, *more: str) -> Site:
    path = folder / "anytown.toml"
    path.write_text("\n".join([text, *more]), encoding="utf-8")
    return load_site(path)


def test_every_built_in_family_gives_a_usable_site_to_a_file_of_five_lines() -> None:
    families = Families()
    assert len(families.by_id) >= 25
    assert not find_family_problems(families)
    for family in families.by_id.values():
        text = FIVE_LINES.format(family.id, "").replace("https://www.anytown.gov.uk/", family.example)
        site = parse_site(text, id="anytown")
        assert site.sources, family.id
        assert set(site.unverified) <= {"sources", "article", "extract"}
        assert family.recognise, f"{family.id} says how it is recognised"


def test_a_family_is_known_by_its_id_and_by_its_names_however_they_are_written() -> None:
    families = Families()
    for text in ("localgov-drupal", "LocalGov Drupal", "localgov drupal", "LGD"):
        found = families.find(text)
        assert found is not None, text
        assert found.id == "localgov-drupal"
    assert families.find("Hemming Group") is None


def test_what_the_file_says_wins_over_the_family(folder: Path) -> None:
    site = _site(folder, FIVE_LINES.format("localgov-drupal", 'newsroom = "/media"'), "[crawl]", "delay = 9.0")
    assert site.sources[0].url == "https://www.anytown.gov.uk/media"
    assert (site.crawl.delay, site.crawl.fetch_at_most) == (9.0, 60), "single keys of a table are filled, too"
    assert site.is_article("https://www.anytown.gov.uk/media/2026/new-bins")
    family, keys = trace_site(folder / "anytown.toml")
    assert family is not None
    assert family.id == "localgov-drupal"
    assert {"article", "sources", "exclude", "crawl.fetch_at_most"} <= set(keys)
    assert "crawl.delay" not in keys


def test_an_article_of_its_own_comes_without_the_familys_exclusions(folder: Path) -> None:
    own = r"article = 'https://www\.anytown\.gov\.uk/archiv/\d+'"
    site = _site(folder, FIVE_LINES.format("kommunalportal", own))
    assert not site.exclude
    assert site.is_article("https://www.anytown.gov.uk/archiv/7")


def test_a_newsroom_on_another_host_makes_that_host_the_sites(folder: Path) -> None:
    site = _site(folder, FIVE_LINES.format("localgov-drupal", 'newsroom = "https://news.anytown.gov.uk/"'))
    assert site.hosts == {"news.anytown.gov.uk", "www.anytown.gov.uk"}
    assert site.is_article("https://news.anytown.gov.uk/2026/new-bins")


def test_a_family_of_a_folder_needs_no_python(folder: Path) -> None:
    site = _site(folder, FIVE_LINES.format("KP 7", ""))
    assert site.country == "at"
    assert site.article == r"https://www\.anytown\.gov\.uk/neues/\d+/[a-z0-9-]+"
    assert site.sources[0].paging == "seite-{n}", "the number of a page is no placeholder of a family"
    assert site.sources[0].follow == r"https://www\.anytown\.gov\.uk/neues/seite-\d+"
    assert site.crawl.delay == 7.0
    assert list(load_sites([folder])) == ["anytown"], "family files are no site files"


def test_a_family_may_lie_in_another_folder_of_the_setting(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "at"
    other.mkdir(parents=True)
    (other / "anytown.toml").write_text(FIVE_LINES.format("kommunalportal", ""), encoding="utf-8")
    assert load_sites([folder, tmp_path / "elsewhere"])["anytown"].crawl.delay == 7.0


def test_a_folders_family_comes_before_a_built_in_one(folder: Path) -> None:
    (folder / "families" / "jadu.toml").write_text(OWN.replace("7.0", "8.0"), encoding="utf-8")
    assert _site(folder, FIVE_LINES.format("jadu", "")).crawl.delay == 8.0


def test_two_files_cannot_claim_one_family(folder: Path) -> None:
    (folder / "gb" / "families").mkdir(parents=True)
    (folder / "gb" / "families" / "kommunalportal.toml").write_text(OWN, encoding="utf-8")
    with pytest.raises(SiteError, match="is declared in"):
        load_sites([folder])


def test_errors_say_that_the_value_comes_from_the_family(folder: Path) -> None:
    path = folder / "families" / "kommunalportal.toml"
    path.write_text(OWN.replace(r"\d+/[a-z0-9-]+'", r"(?:[a-z]+-?)+'"), encoding="utf-8")
    with pytest.raises(SiteError) as raised:
        _site(folder, FIVE_LINES.format("kommunalportal", ""))
    (problem,) = raised.value.problems
    assert problem.file.endswith("anytown.toml")
    assert problem.key == "article"
    assert f"from family kommunalportal, {path}" in problem.problem


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{newsroom}/\\d+", "{newsrom}/\\d+", "article: {newsrom} is no placeholder. Write {newsroom}."),
        ("country", "contry", "contry: there is no such key. Write country."),
        ("'^Kommunalportal'", "'('", "recognise.0.pattern: is no regular expression"),
        ('name = "Kommunalportal"', "", "name: is missing"),
        ("[crawl]", "[crawl", "is not TOML"),
        ("[crawl]\ndelay", "[crawl]\nid = 1\ndelay", ""),
    ],
)
def test_mistakes_in_a_family_file_are_told_with_key_and_remedy(folder: Path, old: str, new: str, said: str) -> None:
    path = folder / "families" / "kommunalportal.toml"
    path.write_text(OWN.replace(old, new), encoding="utf-8")
    if said:
        with pytest.raises(SiteError) as raised:
            read_family(path)
        assert said in str(raised.value)
        with pytest.raises(SiteError, match=r"kommunalportal\.toml"):
            load_sites([folder])
    else:
        problems = find_family_problems(Families(folders=(folder,)))
        assert [problem.key for problem in problems] == ["crawl.id"]


def test_an_unknown_family_stays_free_text_unless_the_file_needs_it(folder: Path) -> None:
    rest = "article = 'https://www\\.anytown\\.gov\\.uk/n/\\d+'\n[[sources]]\ntype='feed'\nurl='https://x.uk/f'"
    assert _site(folder, FIVE_LINES.format("Hemming Group", rest)).family == "Hemming Group"
    with pytest.raises(SiteError, match=r'there is no family .Jado. to give it.*family = "jadu"'):
        _site(folder, FIVE_LINES.format("Jado", ""))


def test_a_home_that_lacks_what_the_family_needs_is_told_alone(folder: Path) -> None:
    with pytest.raises(SiteError) as raised:
        _site(folder, FIVE_LINES.format("govuk", ""))
    (problem,) = raised.value.problems
    assert problem.key == "home"
    assert "/government/organisations/" in problem.remedy
    with pytest.raises(SiteError) as raised:
        _site(folder, FIVE_LINES.format("govuk", "").replace("https://www.anytown", "www.anytown"))
    assert [problem.key for problem in raised.value.problems] == ["home"]


def test_families_are_recognised_by_weighted_marks_with_the_evidence() -> None:
    families = Families().by_id.values()
    seen = Appearance(
        html='<script src="/sites/default/files/js/localgov_base.js"></script>', generators=("Drupal 10 (x)",)
    )
    found = recognise(families, seen)
    assert [one.family.id for one in found][:2] == ["localgov-drupal", "drupal"]
    assert "localgov_base" in found[0].evidence[0]
    assert recognise(families, Appearance(html="<p>A page made by hand.</p>")) == ()
    assert recognise(families, Appearance(links=("/ieListDocuments.aspx?CId=1",)))[0].family.id == "moderngov"
    assert recognise(families, Appearance(robots="Disallow: /wp-admin/"))[0].family.id == "wordpress"
    assert recognise(families, Appearance(headers=("x-drupal-cache: HIT",)))[0].family.id == "drupal"


def test_placeholders_are_taken_literally_in_patterns() -> None:
    family = read_family(BUILTIN_FAMILIES / "jadu.toml")
    given = family.fitted("https://www.any-town.gov.uk/a+b/", "/news")
    assert given["article"].startswith(r"https://www\.any-town\.gov\.uk/news/article/")
    assert escape("a+b(c)-d") == r"a\+b\(c\)-d"
    with pytest.raises(Misfit):
        read_family(BUILTIN_FAMILIES / "govuk.toml").fitted("https://www.gov.uk/")


def test_reading_sites_with_families_loads_nothing_slow() -> None:
    code = (
        "import sys; from spiders.site import load_sites, BUILTIN_FOLDER; load_sites([BUILTIN_FOLDER]);"
        "print([name for name in ('scrapy', 'httpx', 'lxml', 'trafilatura') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
