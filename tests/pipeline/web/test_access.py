"""The door: nothing of the pages without a session, whatever is asked and in which way."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import httpx
import pytest
from fastapi.responses import Response

from pipeline.model import article_id
from pipeline.web.access import MOST_ADDRESS, Gate, Visitor, is_token, make_token
from tests.pipeline.web.visits import ROOT, StandIn, Visit

VALUES = {
    "site": "hostile", "run": "20261122T150000Z-deadbeef", "article": article_id("https://news.example/x"), "n": "1",
    "dag": "site_hostile", "name": "archive.css",
}  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "BREW", "")


@pytest.fixture
def closed() -> Visit:
    """Pages whose archive nobody has opened: who asks for it without a session has come through the door."""

    class Untouchable(StandIn):
        def visible(self, *_: Any) -> set[str]:
            raise AssertionError("somebody came in")

    visit = Visit.__new__(Visit)
    from pipeline.web.app import build_app

    visit.door = Untouchable()
    visit.gate = build_app(_nobody, visit.door)
    return visit


def _nobody() -> Any:
    raise AssertionError("the archive was opened")


def test_no_route_answers_without_a_session_and_all_say_the_same(closed: Visit) -> None:
    asked, every = set(), set()
    for path, _ in closed.gate.routes:
        for name, value in VALUES.items():
            path = path.replace(f"{{{name}}}", value).replace(f"{{{name}:path}}", value)
        every.add(path)
        asked |= {path, f"{path}/", f"{path}/more", f"{path}?x=1", f"/{path}", path.upper(), f"{path}%00"}
    asked |= {"", "/docs", "/redoc", "/openapi.json", "/static/", "/static/nothing", "/no/such/page", "/%2e%2e/", "/*"}
    said = set()
    for path in sorted(asked):
        for method in METHODS[:-1] if path in every else ("GET", "POST"):
            answer = closed.send(method, path)
            assert answer.status_code == 401, (method, path)
            if method != "HEAD":
                said.add((answer.text, answer.headers["content-length"], answer.headers["cache-control"]))
    assert len(said) == 1, "what is there is not told from what is not"
    [(text, _, caching)] = said
    assert "log in to Airflow" in text
    assert caching == "no-store"
    assert "hostile" not in text


def test_who_may_not_see_the_website_sees_nothing_of_it(closed: Visit) -> None:
    answer = closed.get("/", who="nobody")
    assert (answer.status_code, answer.text) == (403, "You may not see this.\n")


def test_websockets_are_closed_and_other_talk_is_passed_over(closed: Visit) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(closed.gate({"type": "websocket", "path": f"{ROOT}/"}, _nobody, send))
    asyncio.run(closed.gate({"type": "lifespan"}, _nobody, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_an_address_without_end_is_refused_before_anything_is_read(closed: Visit) -> None:
    assert closed.get(f"/?text={'a' * MOST_ADDRESS}").status_code == 414
    assert closed.get(f"/sites/{'a' * MOST_ADDRESS}").status_code == 414


def test_an_address_in_the_way_to_the_login_cannot_break_out_of_it() -> None:
    class Odd(StandIn):
        def login_url(self, back: str) -> str:
            return '/auth/login?next="><script>alert(1)</script>&x'

    visit = Visit.__new__(Visit)
    from pipeline.web.app import build_app

    visit.door = Odd()
    visit.gate = build_app(_nobody, visit.door)
    assert "<script" not in visit.get("/", who=None).text


def test_a_token_is_of_one_session_and_of_one_address() -> None:
    door = StandIn()
    anna, ben = (Visitor(id=name, name=name, session=name, user=name) for name in ("anna", "ben"))
    token = make_token(door, anna, "/a")
    assert is_token(door, anna, "/a", token)
    for visitor, path, given in ((ben, "/a", token), (anna, "/b", token), (anna, "/a", ""), (anna, "/a", "é" + token)):
        assert not is_token(door, visitor, path, given)


def test_a_page_that_does_not_come_is_answered_in_words_and_a_crowd_is_sent_away() -> None:
    let_go = threading.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.to_thread(let_go.wait, 30)
        await Response("too late")(scope, receive, send)

    gate = Gate(slow, StandIn(), patience=0.05, most_at_once=2)

    async def ask(method: str = "GET") -> httpx.Response:
        transport = httpx.ASGITransport(app=gate, root_path=ROOT)
        async with httpx.AsyncClient(transport=transport, base_url="http://airflow.test") as client:
            return await client.request(method, f"{ROOT}/", headers={"x-test-user": "viewer"})

    async def crowd() -> list[httpx.Response]:
        try:
            return [*await asyncio.gather(ask(), ask()), await ask(), await ask("HEAD")]
        finally:
            let_go.set()

    first, second, third, fourth = asyncio.run(crowd())
    assert "takes too long" in first.text
    assert "takes too long" in second.text
    assert "too much to do" in third.text
    assert {answer.status_code for answer in (first, second, third, fourth)} == {503}
    assert first.headers["content-security-policy"]
