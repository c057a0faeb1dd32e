"""The pages in a real API server of Airflow, with its own log-in and roles; looked at in a real Chromium.

Screenshots are kept below ``MUNIMENT_TEST_SHOTS``, else in pytest's temporary folder.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from bench.api_server import PASSWORD, ApiServer, serve_airflow
from pipeline.archive import Archive
from pipeline.settings import Settings
from pipeline.takedown import read_orders
from pipeline.web.app import build_app
from spiders.render import find_browser
from tests.dags.conftest import migrated
from tests.pipeline.built_archive import SITE
from tests.pipeline.web.conftest import NOW
from tests.pipeline.web.shown_archive import EDITED_ARTICLE, HOSTILE_ARTICLE, WITHHELD_ARTICLE, hostile_run
from tests.pipeline.web.visits import ROOT, StandIn

__all__ = ["migrated"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("api-server")]

RUN = hostile_run(NOW)
SITE_FILE = """
name = "Example News"
home = "https://news.example/"
kind = "trade"
region = "North East"
article = 'https://news\\.example/news/.+'
[[sources]]
type = "feed"
url = "https://news.example/feed"
"""
LONG_ARTICLE = "a" * 20
PAGES = {
    "overview": "/",
    "site": f"/sites/{SITE.id}",
    "site of an hour": "/sites/site-002",
    "hostile site": "/sites/hostile",
    "quarantine": "/quarantine",
    "run": f"/sites/hostile/runs/{RUN}",
    "article": f"/sites/{SITE.id}/articles/{EDITED_ARTICLE}",
    "hostile article": f"/sites/hostile/articles/{HOSTILE_ARTICLE}?n=1",
    "withheld": f"/sites/{SITE.id}/articles/{WITHHELD_ARTICLE}",
    "difference": f"/sites/{SITE.id}/articles/{EDITED_ARTICLE}/compare?old=2&new=4",
    "hostile difference": f"/sites/hostile/articles/{HOSTILE_ARTICLE}/compare?old=1&new=2",
    "search": "/search?text=script",
    "long history": f"/sites/{SITE.id}/articles/{LONG_ARTICLE}?n=3&before=40",
    "takedown": f"/sites/hostile/articles/{HOSTILE_ARTICLE}/takedown",
}


@pytest.fixture(scope="module")
def server(
    migrated: Path,
    shown: tuple[Settings, Archive],
    shown_environment: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ApiServer]:
    """An API server over the module's archive; its Airflow knows the DAG of one site."""
    folder = tmp_path_factory.mktemp("sites")
    (folder / f"{SITE.id}.toml").write_text(SITE_FILE)
    environment = {**shown_environment, "MUNIMENT_SITES": str(folder)}
    import shutil

    from pipeline.stack import DAGS_FOLDER

    edited = shown[1].version(SITE.id, EDITED_ARTICLE, 1)
    for n in range(1, 71):
        later = {"article": LONG_ARTICLE, "n": n, "captured_at": edited.captured_at + timedelta(hours=n)}
        shown[1].put_version(edited.model_copy(update=later))
    home = Path(shutil.copytree(migrated, tmp_path_factory.mktemp("airflow") / "home"))
    with serve_airflow(home, environment, dags=DAGS_FOLDER) as up:
        yield up


def post(server: ApiServer, who: str | None, path: str, fields: dict[str, str], **headers: str) -> Any:
    sent = {"Content-Type": "application/x-www-form-urlencoded", "Origin": server.address, **headers}
    return server.ask("POST", f"{ROOT}{path}", who=who, headers=sent, body=urlencode(fields).encode())


def token_of(server: ApiServer, who: str, path: str) -> str:
    page = server.ask("GET", f"{ROOT}{path}", who=who).body.decode()
    return next(iter(re.findall(r'name="token" value="([0-9a-f]{64})"', page)), "")


def test_no_route_answers_without_a_session(server: ApiServer) -> None:
    gate = build_app(lambda: pytest.fail("not here"), StandIn())
    values = {"{site}": SITE.id, "{run}": RUN, "{article}": EDITED_ARTICLE, "{n}": "1", "{dag}": f"site_{SITE.id}",
              "{name}": "archive.css", "{name:path}": "x"}  # fmt: skip
    paths = {"/nothing", "/../archive/", "/%2e%2e/", "//", "/docs", "/openapi.json", "/static/", "/sites/..;/"}
    for path, _ in gate.routes:
        for name, value in values.items():
            path = path.replace(name, value)
        paths |= {path, f"{path}/"}
    said = set()
    for path in sorted(paths):
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            for headers in ({}, {"Cookie": "_token=nonsense"}, {"Authorization": "Bearer nonsense"}):
                body = b"" if method in ("POST", "PUT", "PATCH") else None
                answer = server.ask(method, f"{ROOT}{path}", headers=headers, body=body)
                assert answer.status == 401, (method, path, headers, answer.status)
                if method != "HEAD":
                    said.add(answer.body)
    assert len(said) == 1
    assert SITE.id.encode() not in said.pop()


def forge(algorithm: str, key: bytes) -> str:
    """A session that somebody made for himself."""
    now = int(time.time())
    said = {"sub": "otto", "role": "op", "iss": None, "aud": "apache-airflow", "iat": now, "nbf": now, "exp": now + 600}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": algorithm, "typ": "JWT"}, said)
    ]
    made = hmac.new(key, b".".join(parts), hashlib.sha512).digest() if algorithm != "none" else b""
    return b".".join([*parts, base64.urlsafe_b64encode(made).rstrip(b"=")]).decode()


def test_no_way_around_leads_to_anything_of_the_archive_without_a_session(server: ApiServer) -> None:
    token, page = server.cookie("otto"), f"{ROOT}/sites/{SITE.id}"
    assert b"Example News" in server.ask("GET", page, who="otto").body
    known = [b"Example News", HOSTILE_ARTICLE.encode(), EDITED_ARTICLE.encode(), b"quarantine", b"--line", b"muniment"]
    paths = [
        ROOT, f"/{ROOT}/", f"{ROOT}//", f"{ROOT.upper()}/", f"{ROOT}/./", f"{ROOT}/..;{ROOT}/", f"{ROOT}%2fsites",
        f"/api/v2/..{ROOT}/", f"/api/v2/%2e%2e/%2e%2e{ROOT}/", f"/auth/..{ROOT}/sites/{SITE.id}",
        f"/static/..{ROOT}/static/archive.css", f"{ROOT}/static/..%2f..%2fapp.py", f"{page}%00", f"{page}%0d%0aX:%20y",
        f"{page}?token={token}", f"{page}?_token={token}", f"{page}?access_token={token}", f"{page}#?_token={token}",
        f"{page};_token={token}", f"http://127.0.0.1:{server.port}{page}", f"{page}?x={'a' * 60_000}",
        f"/{'../' * 40}{ROOT[1:]}/", f"{ROOT}/dags/site_{SITE.id}/runs/..%2f..%2f..", f"\\{ROOT[1:]}\\",
    ]  # fmt: skip
    headers = [
        {}, {"Cookie": "_token="}, {"Cookie": f"token={token}"}, {"Cookie": f"_token={token[:-3]}AAA"},
        {"Cookie": f"_token={forge('none', b'')}"}, {"Cookie": f"_token={forge('HS512', b'')}"},
        {"Cookie": f"_token={forge('HS512', b'airflow')}"}, {"Authorization": f"Bearer {forge('none', b'')}"},
        {"Authorization": f"Basic {base64.b64encode(f'otto:{PASSWORD}'.encode()).decode()}"},
        {"Authorization": "Bearer"}, {"X-Forwarded-User": "anna", "X-Remote-User": "anna", "Remote-User": "anna"},
        {"X-Original-URL": page, "X-Rewrite-URL": page}, {"X-HTTP-Method-Override": "POST"}, {"Range": "bytes=0-99"},
        {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "airflow.test", "X-Forwarded-Prefix": ROOT},
        {"Origin": server.address, "Sec-Fetch-Site": "same-origin", "Referer": f"{server.address}/"},
        {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "x", "Sec-WebSocket-Version": "13"},
    ]  # fmt: skip
    for path, sent in [*((path, {}) for path in paths), *((page, each) for each in headers)]:
        for method in ("GET", "HEAD", "OPTIONS", "POST"):
            answer = server.ask(method, path, headers=sent, body=b"" if method == "POST" else None)
            assert not [words for words in known if words in answer.body], (method, path[:99], sent)
            told = answer.headers.get("location", "")
            assert answer.status in (400, 401, 403, 404, 405, 414, 431) or (
                path not in (page, f"{ROOT}/")  # Airflow's own pages, which it shows to anybody and which hold no data
                and (answer.status == 200 or told.startswith((server.address, "/")))
            ), (method, path[:99], sent, answer.status, told)


def test_a_session_that_has_ended_is_none(server: ApiServer) -> None:
    cookie = server.cookie("ursula")
    assert server.ask("GET", f"{ROOT}/", who="ursula").status == 200
    server.ask("GET", "/auth/logout", headers={"Cookie": f"_token={cookie}"})
    assert server.ask("GET", f"{ROOT}/", headers={"Cookie": f"_token={cookie[:-4]}AAAA"}).status == 401
    server._cookies.pop("ursula")


def test_a_viewer_and_a_user_look_and_an_operator_may_change(server: ApiServer, shown: Any) -> None:
    release, takedown = f"/sites/hostile/runs/{RUN}", f"/sites/hostile/articles/{HOSTILE_ARTICLE}/takedown"
    for who in ("vera", "ursula"):
        assert server.ask("GET", f"{ROOT}{release}", who=who).status == 200
        assert server.ask("GET", f"{ROOT}{takedown}", who=who).status == 403
        assert token_of(server, who, release) == ""
    for who in ("otto", "anna"):
        assert token_of(server, who, release)
        assert token_of(server, who, takedown)
    token = token_of(server, "otto", takedown)
    fields = {"what": "all", "spans": "", "reason": "case 1", "token": token}
    attempts: tuple[tuple[str | None, dict[str, str]], ...] = (
        (None, {}),
        ("vera", {}),
        ("anna", {}),
        ("otto", {"Origin": "https://evil.example"}),
        ("otto", {"Sec-Fetch-Site": "cross-site"}),
        ("otto", {"Origin": "null"}),
    )
    for visitor, headers in attempts:
        assert post(server, visitor, takedown, fields, **headers).status in (401, 403), (visitor, headers)
    assert post(server, "otto", takedown, {**fields, "token": "0" * 64}).status == 403
    assert not list(read_orders(shown[1], "hostile"))


def test_paths_as_no_browser_sends_them_lead_nowhere(server: ApiServer) -> None:
    for path in (
        "/sites/../../etc/passwd", "/sites/..",
        "/sites/hostile/runs/..", "/static/../app.py", "/sites/%2e%2e/", "//sites",
        "/static/..%5c..%5capp.py",
        f"/sites/{'a' * 4000}", f"/static/{'%2e%2e%2f' * 300}", "/sites/\\..\\x", "/sites/a;b",
    ):  # fmt: skip
        answer = server.ask("GET", f"{ROOT}{path}", who="vera")
        assert answer.status in (400, 404, 414), (path, answer.status)
        assert b"import" not in answer.body


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots are kept: test output, never committed."""
    import os

    folder = Path(os.environ.get("MUNIMENT_TEST_SHOTS") or tmp_path_factory.mktemp("shots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def browser(server: ApiServer) -> Iterator[Any]:
    """A page of Chromium in which an operator is logged in, and what it complained of."""
    if find_browser() is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        chromium = player.chromium.launch(executable_path=find_browser(), chromium_sandbox=False)
        page: Any = chromium.new_page(viewport={"width": 1400, "height": 900})
        page.complaints = []
        page.on("console", lambda said: said.type == "error" and page.complaints.append(said.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("dialog", lambda asked: (page.complaints.append(asked.message), asked.dismiss()))
        page.goto(f"{server.address}/auth/login?next=%2F")
        page.fill("input[name=username]", "otto")
        page.fill("input[name=password]", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_url(lambda url: "login" not in url)
        yield page
        chromium.close()


@pytest.mark.browser
def test_every_page_is_drawn_in_light_and_dark_and_on_a_phone_and_nothing_on_it_acts(
    server: ApiServer, browser: Any, shots: Path
) -> None:
    for theme, width in (("light", 1400), ("dark", 1400), ("light", 390)):
        browser.set_viewport_size({"width": width, "height": 900})
        browser.evaluate("theme => localStorage.setItem('theme', theme)", theme)
        for name, path in PAGES.items():
            browser.goto(f"{server.address}{ROOT}{path}")
            browser.screenshot(path=shots / f"{name}-{theme}-{width}.png", full_page=True)
            assert browser.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
            back = browser.evaluate("getComputedStyle(document.documentElement).backgroundColor")
            assert (back == "rgb(255, 255, 255)") == (theme == "light"), (name, theme, back)
    assert browser.complaints == []


@pytest.mark.browser
def test_airflows_own_pages_show_them_in_the_navigation_and_on_a_dag(
    server: ApiServer, browser: Any, shots: Path
) -> None:
    browser.goto(f"{server.address}/")
    browser.get_by_text("Archive", exact=True).first.click()
    frame = browser.frame_locator("iframe[title=Archive]")
    frame.get_by_role("link", name="Example News").click()
    frame.get_by_role("heading", name="Example News", level=1).wait_for()
    browser.wait_for_url(f"**/plugin/archive{ROOT}/sites/{SITE.id}")
    browser.screenshot(path=shots / "in Airflow.png")
    frame.get_by_role("link", name="Its DAG in Airflow").click()
    browser.wait_for_url(f"**/dags/site_{SITE.id}**")
    browser.get_by_role("link", name="Archive", exact=True).last.click()
    browser.frame_locator("iframe[title=Archive]").get_by_role("heading", name="Example News", level=1).wait_for()
    browser.screenshot(path=shots / "on a DAG.png")


@pytest.mark.browser
def test_an_operator_gets_along_by_keyboard(server: ApiServer, browser: Any) -> None:
    browser.goto(f"{server.address}{ROOT}/")
    browser.keyboard.press("Tab")
    assert browser.evaluate("document.activeElement.textContent") == "Skip to the page"
    outline = browser.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    browser.keyboard.press("Enter")
    browser.get_by_label("Name, address or trouble").focus()
    browser.keyboard.type("no date")
    browser.keyboard.press("Enter")
    browser.wait_for_url("**text=no+date**")
    seen = set()
    for _ in range(40):
        browser.keyboard.press("Tab")
        seen.add(browser.evaluate("document.activeElement.tagName"))
    assert {"A", "INPUT", "SELECT", "BUTTON"} <= seen
    browser.goto(f"{server.address}{ROOT}/sites/{SITE.id}/articles/{LONG_ARTICLE}")
    for older in (41, 12):
        for _ in range(120):
            browser.keyboard.press("Tab")
            if browser.evaluate("document.activeElement.textContent") == "Older versions":
                break
        browser.keyboard.press("Enter")
        browser.wait_for_url(f"**before={older + 1}**")
    assert browser.get_by_role("link", name="Newer versions").count() == 1
    assert browser.get_by_role("link", name="Older versions").count() == 0
    assert browser.get_by_text("version 1: new").count() == 1


def test_no_answer_and_no_log_line_holds_a_credential(server: ApiServer, shown_environment: dict[str, str]) -> None:
    secrets = [value for name, value in shown_environment.items() if "SECRET" in name or "KEY" in name]
    for path in PAGES.values():
        body = server.ask("GET", f"{ROOT}{path}", who="otto").body.decode()
        assert not [each for each in secrets if each in body], path
    log = server.log.read_text(errors="replace")
    assert not [each for each in secrets if each in log]
    assert "Traceback" not in log, log[-3000:]
