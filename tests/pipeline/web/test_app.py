"""The pages: what is asked for is there, what is not is refused at once, and nothing on them acts."""

from __future__ import annotations

import gzip
import html
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import NotInArchive
from pipeline.health import list_health, read_health
from pipeline.model import Cause, Diagnosis, TakedownOrder
from pipeline.takedown import read_orders
from pipeline.web import acting
from pipeline.web.app import PAGE
from pipeline.web.article_page import MOST_TEXT, SHOWN
from tests.pipeline.built_archive import SITE
from tests.pipeline.built_runs import url_of
from tests.pipeline.web.conftest import NOW
from tests.pipeline.web.shown_archive import (
    EDITED_ARTICLE,
    HOSTILE,
    HOSTILE_ARTICLE,
    WITHHELD_ARTICLE,
    hostile_run,
)
from tests.pipeline.web.test_shelf import SITE_FILE
from tests.pipeline.web.visits import ROOT, Visit

RUN = hostile_run(NOW)
HOSTILE_PAGES = (
    "/",
    "/quarantine",
    "/search?text=alert",
    "/search?site=hostile",
    "/sites/hostile",
    f"/sites/hostile/runs/{RUN}",
    f"/sites/hostile/articles/{HOSTILE_ARTICLE}?n=1",
    f"/sites/hostile/articles/{HOSTILE_ARTICLE}/compare?old=1&new=2",
    f"/sites/hostile/articles/{HOSTILE_ARTICLE}/takedown",
)
PAGES = (
    *HOSTILE_PAGES,
    "/search",
    "/?need=rejected&sort=name&page=1",
    f"/sites/{SITE.id}",
    f"/sites/{SITE.id}/articles/{EDITED_ARTICLE}",
    f"/sites/{SITE.id}/articles/{EDITED_ARTICLE}/compare?old=1&new=4",
    f"/sites/{SITE.id}/articles/{WITHHELD_ARTICLE}",
    "/dags/archive_maintenance",
    "/static/archive.css",
)


class Elements(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers_an_operator_and_a_viewer(visit: Visit, path: str) -> None:
    assert visit.get(path, who="operator").status_code == 200
    assert visit.get(path, who="viewer").status_code == (403 if path.endswith("/takedown") else 200)
    assert visit.get(path, who="operator", method="HEAD").status_code == 200


@pytest.mark.parametrize("path", HOSTILE_PAGES)
def test_what_pages_of_the_web_hold_stands_there_as_text(visit: Visit, path: str) -> None:
    page = visit.get(path, who="operator").text
    elements = Elements(page)
    assert HOSTILE in elements.text or "alert(" in page, "the page shows what it is to show"
    scripts = [attrs for tag, attrs in elements.found if tag == "script"]
    assert [str(attrs["src"]).partition("?")[0] for attrs in scripts] == [f"{ROOT}/static/archive.js"]
    for tag, attrs in elements.found:
        assert tag not in ("img", "iframe", "object", "embed", "style", "base"), tag
        assert not [name for name in attrs if name.startswith("on") or name == "style"], attrs
        for name in ("href", "src", "action"):
            assert re.match(r"https?://|/archive/|#|/dags/", str(attrs.get(name) or "#")), attrs
        if tag == "a" and str(attrs.get("href")).startswith("http"):
            assert attrs["rel"] == "noopener noreferrer nofollow"
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", page)


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_forbids_the_browser_what_no_page_needs(visit: Visit, path: str) -> None:
    headers = visit.get(path, who="operator").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] in ("no-store", "private, max-age=86400")


@pytest.mark.parametrize(
    "path",
    [
        "/nothing", "/sites", "/sites/", "/sites/..%2f..%2fetc%2fpasswd", "/sites/%00", "/sites/a%2fb",
        "/sites/no-such-site", f"/sites/{'a' * 3000}", "/sites/Hostile", "/sites/%F0%9F%92%A9", "/sites/a%0d%0ab",
        "/sites/hostile/runs/x", "/sites/hostile/runs/20269999T000000Z-00000000",
        "/sites/hostile/runs/20260101T000000Z-00000000", f"/sites/hostile/runs/{RUN}%00", f"/sites/hostile/runs/{RUN}/",
        "/sites/hostile/articles/x", f"/sites/hostile/articles/{HOSTILE_ARTICLE[:-1]}",
        f"/sites/hostile/articles/{'0' * 20}", f"/sites/hostile/articles/{HOSTILE_ARTICLE}?n=99",
        f"/sites/hostile/articles/{HOSTILE_ARTICLE}?n=0", f"/sites/hostile/articles/{HOSTILE_ARTICLE}?n=-1",
        f"/sites/hostile/articles/{HOSTILE_ARTICLE}?n=%D9%A1", f"/sites/hostile/articles/{HOSTILE_ARTICLE}/compare",
        f"/sites/hostile/articles/{HOSTILE_ARTICLE}/compare?old=1&new=999999",
        f"/sites/hostile/articles/{HOSTILE_ARTICLE}/x/record", f"/sites/hostile/articles/{HOSTILE_ARTICLE}/9/record",
        "/static/..%2fapp.py", "/static/app.py", "/static/%2e%2e/app.py", "/static/.", "/dags/site_NO",
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_there_whatever_it_looks_like(visit: Visit, path: str) -> None:
    answer = visit.get(path)
    assert answer.status_code in ((404, 200) if path.startswith("/dags/") else (404,)), answer.status_code
    assert "root:" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/?need=rejected&need=well", 400), ("/?need=nothing", 400), ("/?sort=x", 400), ("/?page=x", 400),
        ("/?page=999999", 200), ("/?page=-1", 400), (f"/?text={'a' * 101}", 400), ("/?text=%00", 400),
        ("/?text=%1b%5b31m", 400), (f"/search?text={'a' * 301}", 400), ("/search?since=yesterday", 400),
        ("/search?since=2026-13-01", 400), ("/search?until=9999-12-31", 200), ("/search?site=../x", 400),
        ("/search?text=a&text=b", 400), (f"/search?x={'a' * 5000}", 414), ("/search?text=%ff%fe", 200),
        ("/search?site=hostile&since=0001-01-01", 200), ("/search?text=%5B%28%2A%3F", 200), ("/?nobody=knows", 200),
    ],
)  # fmt: skip
def test_odd_parameters_are_answered_and_never_fall_over(visit: Visit, path: str, status: int) -> None:
    assert visit.get(path).status_code == status


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_are_refused(visit: Visit, method: str) -> None:
    assert visit.get("/", method=method).status_code == 405


def test_the_record_of_a_version_comes_byte_for_byte_to_be_kept_and_not_to_be_shown(visit: Visit, shown: Any) -> None:
    _, archive = shown
    answer = visit.get(f"/sites/{SITE.id}/articles/{EDITED_ARTICLE}/1/record")
    version = archive.version(SITE.id, EDITED_ARTICLE, 1)
    assert answer.content == archive.read_record(version.evidence)
    assert gzip.decompress(answer.content).startswith(b"WARC/1.1")
    assert answer.headers["content-type"] == "application/warc"
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="{SITE.id}-{EDITED_ARTICLE}-000001.warc.gz"'
    )
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


def test_what_is_withheld_says_so_and_is_nowhere_to_be_had(visit: Visit) -> None:
    folder = f"/sites/{SITE.id}/articles/{WITHHELD_ARTICLE}"
    page = visit.get(folder, who="operator").text
    assert "Withheld on demand" in page
    assert "Library" not in page
    assert "Take it down" not in page
    assert visit.get(f"{folder}/1/record").status_code == 410
    found = visit.get(f"/search?text={url_of('library')}").text
    assert "withheld on demand" in found
    assert not visit.shelf.headlines.search("library opens", sites=[SITE.id], patience=20).hits


def test_the_overview_shows_every_site_with_what_needs_attention_first(visit: Visit) -> None:
    page = visit.get("/").text
    assert "42 of 42 sites." in page
    assert page.index(">rejected</span>") < page.index(">failing</span>") < page.index(">well</span>")
    assert "38 of 40 pages were refused with 403." in visit.get("/?need=blocked").text
    assert PAGE >= 42


def test_the_overview_says_what_is_not_read_yet_and_of_when_it_is(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = visit.shelf.look()
    assert "being read" not in visit.get("/").text
    for told, words in (
        (replace(whole, standings=whole.standings[1:], waiting=True, at=None), "1 of 42 are missing here"),
        (replace(whole, waiting=True), "what changed since is being read"),
        (replace(whole, trouble="<b>no answer"), "cannot be read now; this is as of"),
    ):
        monkeypatch.setattr(visit.shelf, "look", lambda told=told: told)
        page = visit.get("/").text
        assert words in page
        assert "<b>no answer" not in page
        assert words in visit.get("/quarantine").text
    assert len(whole.unread) == 0


def test_a_site_that_may_not_be_seen_is_not_there(shown: Any) -> None:
    settings, archive = shown
    visit = Visit(settings, archive)
    visit.door.hidden.add("hostile")
    for path in ("/", "/quarantine", "/search?text=alert", f"/search?text={HOSTILE_ARTICLE}"):
        assert "hostile" not in visit.get(path).text.replace(f'value="{HOSTILE_ARTICLE}"', ""), path
    for path in HOSTILE_PAGES[4:]:
        assert visit.get(path, who="operator").status_code == 404
    token_page = f"/sites/hostile/runs/{RUN}/release"
    assert visit.post(token_page, {"reason": "x"}).status_code == 404


def test_search_finds_by_headline_date_and_site_and_by_address_and_id(visit: Visit) -> None:
    visit.shelf.headlines.search("", patience=30)
    assert "2 versions" in visit.get("/search?text=ALERT(1)").text
    assert "2 versions" in visit.get("/search?text=script+again&site=hostile").text.replace("1 version.", "2 versions.")
    assert "0 versions" in visit.get("/search?text=alert&until=2020-01-01").text
    assert EDITED_ARTICLE in visit.get(f"/search?text={url_of('bridge')}%3Futm_source=x").text
    assert EDITED_ARTICLE in visit.get(f"/search?text={EDITED_ARTICLE}").text
    assert "No article" in visit.get("/search?text=https://nowhere.example/a").text


def test_an_address_is_found_while_headlines_are_being_read_and_what_is_not_is_not_said_to_be_missing(
    shown: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, archive = shown
    (tmp_path / f"{SITE.id}.toml").write_text(
        SITE_FILE.format(name="Example News").replace("north.example", "news.example").replace("north\\", "news\\")
    )
    visit = Visit(settings.model_copy(update={"sites": (tmp_path,)}), archive)
    monkeypatch.setattr(visit.shelf.headlines, "find_sites", lambda _: ([], False))
    assert EDITED_ARTICLE in visit.get(f"/search?text={url_of('bridge')}").text
    page = visit.get("/search?text=https://news.example/news/nothing").text
    assert "still being read" in page
    assert "No article is archived" not in page


def test_a_page_neither_rebuilds_nor_fetches_a_large_frontier(
    shown: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, archive = shown
    text = SITE_FILE.format(name="Example News").replace("north.example", "news.example").replace("north\\", "news\\")
    for site in (SITE.id, "hostile"):
        (tmp_path / f"{site}.toml").write_text(text)
    opened: list[str] = []

    def note(_: Any, sites: Any, __: str) -> Any:
        opened.extend(site.id for site in sites)
        raise NotInArchive("nothing", next_step="nothing")

    monkeypatch.setattr("pipeline.reader.article_of", note)
    visit = Visit(settings.model_copy(update={"sites": (tmp_path,)}), archive)
    assert archive.store.head(archive.frontier_key("hostile")) is None
    path = "/search?text=https://news.example/news/nothing"
    assert visit.get(path).status_code == 200
    assert opened == [SITE.id]
    monkeypatch.setattr("pipeline.web.search.MOST_MEMORY", 10)
    assert visit.get(path).status_code == 200
    assert opened == [SITE.id]


def test_airflows_tabs_lead_to_the_site_and_to_the_run(visit: Visit, shown: Any) -> None:
    from pipeline.model import run_id

    _, archive = shown
    assert visit.get(f"/dags/site_{SITE.id}").headers["location"] == f"{ROOT}/sites/{SITE.id}"
    [*_, first] = archive.runs(SITE.id)
    named = "scheduled__2026-11-22T09:00:00+00:00/odd name"
    odd = run_id(NOW, named)
    assert f"/runs/{odd}" not in str(visit.get(f"/dags/site_{SITE.id}/runs/{named}").headers.get("location"))
    token = "0"  # of tests.pipeline.built_runs.a_run(0)
    where = visit.get(f"/dags/site_{SITE.id}/runs/{token}").headers["location"]
    assert where == f"{ROOT}/sites/{SITE.id}/runs/{first}"
    assert "No site of its own" in visit.get("/dags/archive_maintenance/runs/x").text


# --- what changes something


@pytest.fixture
def released(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Runs that would have been published by a process of its own."""
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(acting, "publish_apart", lambda site, run: told.append((site, run)))
    return told


RELEASE = f"/sites/hostile/runs/{RUN}/release"
TAKEDOWN = f"/sites/hostile/articles/{HOSTILE_ARTICLE}/takedown"


def test_a_form_is_taken_from_an_operators_own_session_only(visit: Visit, shown: Any, released: Any) -> None:
    _, archive = shown
    reason = {"reason": "It is right."}
    foreign = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    refused = [
        visit.post(RELEASE, reason, who=None),
        visit.post(RELEASE, reason, who="viewer"),
        visit.post(RELEASE, reason, token=""),
        visit.post(RELEASE, reason, token="0" * 64),
        visit.post(RELEASE, reason, headers={"x-test-session": "another"}),
        visit.post(RELEASE, reason, headers=foreign),
        visit.post(RELEASE, reason, headers={"origin": "https://evil.example", "sec-fetch-site": ""}),
        visit.post(RELEASE, reason, headers={"origin": "null"}),
        visit.post(RELEASE, reason, headers={"sec-fetch-site": "same-site"}),
        visit.post(RELEASE, reason, headers={"origin": "", "sec-fetch-site": ""}),
        visit.post(RELEASE, reason, headers={"content-type": "text/plain"}),
        visit.get(RELEASE, who="operator"),
        visit.get(f"{RELEASE}?reason=x&token=y", who="operator"),
    ]
    assert [answer.status_code for answer in refused] == [401, 403, 400, *[403] * 8, 405, 405]
    of_another = visit.get(TAKEDOWN, who="operator").text
    [token] = re.findall(r'name="token" value="([0-9a-f]{64})"', of_another)
    assert visit.post(RELEASE, reason, token=token).status_code == 403, "a token is of one address"
    assert archive.read_release("hostile", RUN) is None
    assert not released


@pytest.mark.parametrize(
    "fields",
    [{}, {"reason": " "}, {"reason": "a" * 501}, {"reason": ["a", "b"]}, {"reason": "a\x00b"}, {"reason": "\u202ex"}],
)
def test_a_release_gives_a_reason(visit: Visit, shown: Any, released: Any, fields: dict[str, Any]) -> None:
    assert visit.post(RELEASE, fields).status_code == 400
    assert shown[1].read_release("hostile", RUN) is None


@pytest.mark.parametrize("body", [b"reason", b"\xff\xfe", b"a=1&" * 100, b"=" * 40, b"%00=%00"])
def test_a_form_that_is_none_is_refused(visit: Visit, body: bytes) -> None:
    headers = {
        "x-test-user": "operator", "sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded",
    }  # fmt: skip
    assert 400 <= visit.send("POST", RELEASE, content=body, headers=headers).status_code < 500
    large = visit.send("POST", RELEASE, content=b"reason=" + b"a" * 20_000, headers=headers)
    assert large.status_code == 403


def test_a_release_is_written_down_with_who_and_why_and_published_apart(
    visit: Visit, shown: Any, released: list[tuple[str, str]]
) -> None:
    answer = visit.post(RELEASE, {"reason": "The  gate is\r\nwrong."})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ROOT}/sites/hostile/runs/{RUN}?done=released")
    release = shown[1].read_release("hostile", RUN)
    assert (release.by, release.reason) == ("operator (Airflow)", "The gate is wrong.")
    assert released == [("hostile", RUN)]
    page = visit.get(f"/sites/hostile/runs/{RUN}", who="operator").text
    assert "Released by operator (Airflow)" in page
    assert "Released by hand, and not published yet" in page
    assert "Rejected: readers" not in page
    assert "Publish once more" in page
    assert visit.post(RELEASE, {"reason": "Again."}).status_code == 303, "what was said first stands"


@pytest.mark.parametrize(
    "fields",
    [
        {"what": "all", "reason": "case 1", "spans": "words"},
        {"what": "words", "reason": "case 1", "spans": " \n "},
        {"what": "everything", "reason": "case 1", "spans": ""},
        {"what": "all", "reason": "", "spans": ""},
        {"what": "words", "reason": "case 1", "spans": "\n".join("abcdefghijklmnopqrstuvwxyz")},
    ],
)
def test_a_takedown_that_contradicts_itself_is_refused(visit: Visit, shown: Any, fields: dict[str, str]) -> None:
    assert visit.post(TAKEDOWN, fields).status_code == 400
    assert not list(read_orders(shown[1], "hostile"))


def test_a_viewer_takes_nothing_down(visit: Visit, shown: Any) -> None:
    fields = {"what": "all", "reason": "case 1", "spans": ""}
    assert visit.post(TAKEDOWN, fields, who="viewer").status_code == 403
    assert not list(read_orders(shown[1], "hostile"))


def test_an_operator_takes_an_article_down(visit: Visit, shown: Any) -> None:
    _, archive = shown
    article = next(each for each in archive.articles(SITE.id) if each not in (EDITED_ARTICLE, WITHHELD_ARTICLE))
    path = f"/sites/{SITE.id}/articles/{article}"
    answer = visit.post(f"{path}/takedown", {"what": "all", "reason": "case 4712", "spans": ""})
    assert answer.headers["location"] == f"{ROOT}{path}?done=withheld"
    orders: list[TakedownOrder] = [each for each in read_orders(archive, SITE.id) if each.article == article]
    assert [(order.by, order.reason, order.state) for order in orders] == [
        ("operator (Airflow)", "case 4712", "carried out")
    ]
    assert "Withheld on demand" in visit.get(path).text


def test_no_answer_holds_a_credential(visit: Visit, shown_environment: dict[str, str]) -> None:
    secrets = [value for name, value in shown_environment.items() if "SECRET" in name or "KEY" in name]
    assert secrets
    for path in (*PAGES, "/nothing"):
        body = visit.get(path, who="operator").text
        assert not [secret for secret in secrets if secret in body], path


def test_words_that_stand_nowhere_are_not_said_to_be_taken_down(visit: Visit, shown: Any) -> None:
    _, archive = shown
    article = [each for each in archive.articles(SITE.id) if each not in (EDITED_ARTICLE, WITHHELD_ARTICLE)][-1]
    path = f"/sites/{SITE.id}/articles/{article}"
    answer = visit.post(f"{path}/takedown", {"what": "words", "reason": "case 1", "spans": "words that nobody wrote"})
    assert answer.headers["location"].endswith("?done=nothing")
    assert "no version holds these words" in visit.get(f"{path}?done=nothing").text


def test_a_form_in_pieces_or_one_that_never_ends_is_not_waited_for(visit: Visit) -> None:
    headers = {"x-test-user": "operator", "sec-fetch-site": "same-origin", "content-length": "5",
               "transfer-encoding": "chunked", "content-type": "application/x-www-form-urlencoded"}  # fmt: skip
    assert visit.send("POST", RELEASE, content=b"a=b&c", headers=headers).status_code == 403


def test_a_text_without_end_is_shown_in_part_and_not_compared(visit: Visit, shown: Any) -> None:
    _, archive = shown
    article = "b" * 20
    version = archive.version(SITE.id, EDITED_ARTICLE, 1)
    long = version.model_copy(update={"article": article, "text": "word " * 80_000, "parts": (), "words": 80_000})
    archive.put_version(long)
    archive.put_version(long.model_copy(update={"n": 2, "text": f"{long.text}again"}))
    path = f"/sites/{SITE.id}/articles/{article}"
    page = visit.get(path).text
    assert len(page) < MOST_TEXT + 20_000
    assert f"muniment show {article} -n" in page
    assert f"muniment diff {article} 1 2" in visit.get(f"{path}/compare?old=1&new=2").text


def test_every_version_of_an_article_is_reached_from_its_page(visit: Visit, shown: Any) -> None:
    _, archive = shown
    article, count = "e" * 20, 2 * SHOWN + 5
    version = archive.version(SITE.id, EDITED_ARTICLE, 1)
    for n in range(1, count + 1):
        later = version.captured_at + timedelta(hours=n)
        archive.put_version(version.model_copy(update={"article": article, "n": n, "captured_at": later}))
    path = f"/sites/{SITE.id}/articles/{article}"
    address, seen, pages = path, set(), []
    while address:
        page = visit.get(address).text
        assert f"Version {count} of {count}" in page, "the text that is shown stays"
        seen |= {int(n) for n in re.findall(r"[?]n=(\d+)[^>]*><time", page)}
        pages.append(address)
        found = re.search(r'rel="next" href="/archive([^"]+)#timeline">Older versions<', page)
        address = found[1].replace("&amp;", "&") if found else ""
    assert seen == set(range(1, count + 1))
    assert len(pages) == 3
    old = visit.get(f"{path}?before=4&n=2").text
    assert f"Version 2 of {count}" in old
    assert "compare?old=2&amp;new=3" in old
    assert "<strong>stands" not in old
    assert "Newer versions" in old
    assert "Older versions" not in old
    for bad in ("0", "1", "x", "-1", "%D9%A1"):
        assert visit.get(f"{path}?before={bad}").status_code == 404
    assert visit.get(f"{path}?before=1234567").status_code == 400
    assert visit.get(f"{path}?before=9&before=8").status_code == 400
    assert visit.get(f"{path}?before=999999").status_code == 200


def test_a_damaged_version_says_so_and_shows_nothing_of_what_it_holds(visit: Visit, shown: Any) -> None:
    _, archive = shown
    article = "c" * 20
    key = archive.version_key(SITE.id, article, 1)
    archive.store.create(key, b'{"title": "kept from readers"}', content_type="application/json")
    answer = visit.get(f"/sites/{SITE.id}/articles/{article}")
    assert answer.status_code == 502
    assert key in answer.text
    assert "backup" in answer.text
    assert "kept from readers" not in answer.text


def test_no_document_makes_the_pages_hand_out_anything_but_a_capture(visit: Visit, shown: Any) -> None:
    _, archive = shown
    version = archive.version(SITE.id, EDITED_ARTICLE, 1)
    for number, key in enumerate(("sealed/x/secret.json", "muniment.json", "warc/../muniment.json"), start=1):
        evidence = version.evidence.model_copy(update={"warc": key, "offset": 0, "length": 10})
        archive.put_version(version.model_copy(update={"article": "d" * 20, "n": number, "evidence": evidence}))
        answer = visit.get(f"/sites/{SITE.id}/articles/{'d' * 20}/{number}/record")
        assert answer.status_code == 502
        assert "not the key of a segment" in answer.text.replace("&#39;", "'")


def test_a_site_that_has_a_file_and_never_ran_says_what_to_do(shown: Any, tmp_path: Path) -> None:
    settings, archive = shown
    (tmp_path / "north.toml").write_text(SITE_FILE.format(name="North"))
    visit = Visit(settings.model_copy(update={"sites": (tmp_path,)}), archive)
    for path in ("/sites/north", "/dags/site_north"):
        answer = visit.get(path)
        assert answer.status_code == 200
        assert "has not run yet" in answer.text
        assert "muniment run north" in answer.text
    assert visit.get("/sites/south").status_code == 404


@pytest.mark.parametrize(
    ("cause", "steps", "worth"),
    [
        ("redesign", ('`muniment release 1 --reason "…"`',), True),
        ("consent wall", ("Ask the publisher.",), False),
        ("unknown", (), True),
    ],
)
def test_a_release_is_offered_where_there_is_something_to_publish(
    visit: Visit, shown: Any, monkeypatch: pytest.MonkeyPatch, cause: Cause, steps: tuple[str, ...], worth: bool
) -> None:
    read = shown[1].read_report
    told = Diagnosis(cause=cause, sentence="So it is.", likelihood=0.9, steps=steps)
    monkeypatch.setattr(
        type(shown[1]), "read_report", lambda _, *which: read(*which).model_copy(update={"diagnosis": told})
    )
    monkeypatch.setattr(type(shown[1]), "read_release", lambda *_: None)
    page = visit.get(f"/sites/hostile/runs/{RUN}", who="operator").text
    assert ("Release it all the same" in page) == (not worth)
    assert page.count("<details") == page.count("</details>")
    assert page.count("<section") == page.count("</section>")


@pytest.mark.parametrize("trying", [None, "crawl, try 1 of 6: The <b>disk</b> is full."])
def test_a_run_without_a_report_says_how_it_failed(
    visit: Visit, shown: Any, monkeypatch: pytest.MonkeyPatch, trying: str | None
) -> None:
    every = {site: read_health(shown[1], site) for site in list_health(shown[1])}
    health = next(health for health in every.values() if health and health.runs[0].state == "failed")
    run = health.runs[0].model_copy(update={"trying": trying, "run": "20261122T030405Z-0a1b2c3d"})
    changed = health.model_copy(update={"runs": (run, *health.runs[1:])})
    monkeypatch.setattr("pipeline.web.app.read_health", lambda *_: changed)
    answer = visit.get(f"/sites/{health.site}/runs/{run.run}")
    assert answer.status_code == 200
    assert ("tried again by itself" if trying else "A step failed") in answer.text
    assert html.escape(trying or run.message, quote=False) in answer.text
