"""The Archive pages for tests: an archive with all that a page can show, and a client that goes through the door.

The door here is a stand-in for Airflow's, so that pages can be tried by the hundred in a process; the real one, with
Airflow's own cookies and roles, is in ``tests/pipeline/web/test_api_server.py``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import Request

from pipeline.archive import Archive
from pipeline.settings import Settings
from pipeline.web.access import Gate, Visitor, make_token
from pipeline.web.app import build_app
from pipeline.web.shelf import Shelf

HOST = "airflow.test"
ROOT = "/archive"


@dataclass
class StandIn:
    """Who may come in, by a header: "viewer" looks, "operator" changes; nobody else."""

    hidden: set[str] = field(default_factory=set)

    async def admit(self, request: Request) -> Visitor | None:
        who = request.headers.get("x-test-user")
        if who == "nobody":
            raise PermissionError
        if who is None:
            return None
        return Visitor(id=who, name=who, session=request.headers.get("x-test-session", who), user=who)

    def visible(self, visitor: Visitor, sites: Iterable[str]) -> set[str]:
        return set(sites) - self.hidden

    def may_change(self, visitor: Visitor, site: str) -> bool:
        return str(visitor.user) == "operator"

    def login_url(self, back: str) -> str:
        return f"/auth/login?next={back}"

    def secret(self) -> bytes:
        return b"a secret of the tests"

    def origins(self) -> set[str]:
        return set()


class Visit:
    """Somebody at the pages of an archive."""

    def __init__(self, settings: Settings, archive: Archive | None = None, door: StandIn | None = None) -> None:
        self.door = door or StandIn()
        self.shelf = Shelf(settings, (lambda: archive) if archive else None, listed_for=0, patience=30)
        self.gate: Gate = build_app(lambda: self.shelf, self.door)

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request, as the server would hand it over: mounted below ``ROOT``."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.gate, raise_app_exceptions=False, root_path=ROOT)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}", trust_env=False) as client:
                return await client.request(method, f"{ROOT}{path}", **more)

        return asyncio.run(ask())

    def get(self, path: str, *, who: str | None = "viewer", method: str = "GET", **more: Any) -> httpx.Response:
        """Ask for a page."""
        headers = {"x-test-user": who} if who else {}
        return self.send(method, path, headers=headers | dict(more.pop("headers", {})), **more)

    def post(
        self,
        path: str,
        fields: Mapping[str, Any],
        *,
        who: str | None = "operator",
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a form as the browser would, with the right token unless another is given ("": none)."""
        if token is None and who is not None:
            visitor = Visitor(id=who, name=who, session=who, user=who)
            token = make_token(self.door, visitor, path)
        data = dict(fields) | ({"token": token} if token else {})
        sent = {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"} | dict(headers or {})
        if who:
            sent["x-test-user"] = who
        return self.send("POST", path, data=data, headers={name: value for name, value in sent.items() if value})
