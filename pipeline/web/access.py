"""Who may see the Archive pages, and who may change something: the one door, before every route.

Airflow mounts the apps of plugins open to everyone. So ``Gate`` stands before the whole app, not at each route, where
one would be forgotten: whatever the path and the method, without a session of Airflow's the answer is 401, and it is
the same for what is there and for what is not. Permissions are Airflow's own, whichever auth manager is used:

| who | may | by which permission |
|---|---|---|
| viewer | look at the pages | read the website; of a site: read its DAG, ``site_<id>`` |
| operator | release a run, order a takedown | edit that DAG, and edit the connection ``muniment_archive`` |

The connection, because it holds the archive's credentials: who may change it could change the archive anyway, so
nobody gets a right here that was not theirs; and in Airflow's own roles editing connections is what tells an operator
(``Op``) from a user who may trigger DAGs. It need not exist.

What changes something is a POST with a form token that is bound to the session and to the address (an HMAC under
Airflow's ``[api] secret_key``), and comes from our own origin by ``Sec-Fetch-Site`` and ``Origin``. Airflow's session
cookie is ``SameSite=Lax`` as well, so that a foreign page's POST comes without a session.

The pages live in the process that answers for all of Airflow, and take of its threads. So a few requests are under way
at once, and a page that a slow store keeps waiting is answered in words (``PATIENCE``); what changes something is
waited for.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from pipeline.web.connection import CONNECTION

DAG_PREFIX = "site_"
MOST_FORM = 16 * 1024
"""Bytes of a form; a reason and a few words to redact."""
MOST_ADDRESS = 4 * 1024
"""Bytes of a path and of a query: more than any address of these pages has."""

PATIENCE = 20.0
"""Seconds after which a page that is not there yet is answered without it."""
MOST_AT_ONCE = 16
"""Requests under way at once; Airflow's API server has 40 threads for everything."""

log = logging.getLogger("muniment")

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
        "frame-ancestors 'self'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-robots-tag": "noindex, nofollow",
}

Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Whoever asks."""

    id: str
    name: str
    session: str  # digest of what the browser proved itself by
    user: Any  # the auth manager's own


class Door(Protocol):
    """What the pages ask of Airflow."""

    async def admit(self, request: Request) -> Visitor | None:
        """Who asks; None: nobody who is logged in.

        Raises:
            PermissionError: somebody who may not see the website.
        """

    def visible(self, visitor: Visitor, sites: Iterable[str]) -> set[str]:
        """The sites of these that the visitor may look at."""

    def may_change(self, visitor: Visitor, site: str) -> bool:
        """Whether the visitor may release runs of a site and take its articles down."""

    def login_url(self, back: str) -> str:
        """Where one logs in, to come back to an address."""

    def secret(self) -> bytes:
        """What form tokens are made with."""

    def origins(self) -> set[str]:
        """Hosts under which the pages are known, beside the one that a request names."""


class AirflowDoor:
    """The door of the Airflow that runs these pages."""

    async def admit(self, request: Request) -> Visitor | None:
        """Who asks, by Airflow's own check of its cookie or bearer token."""
        from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN  # noqa: PLC0415 - heavy
        from airflow.api_fastapi.auth.managers.models.resource_details import AccessView  # noqa: PLC0415
        from airflow.api_fastapi.core_api.security import bearer_scheme, get_user  # noqa: PLC0415

        try:
            bearer = await bearer_scheme(request)
            user: Any = await get_user(request, None, bearer)
        except HTTPException:
            return None
        allowed = await run_in_threadpool(self._manager().is_authorized_view, access_view=AccessView.WEBSITE, user=user)
        if not allowed:
            raise PermissionError
        # A bearer token is sent by no foreign page, and is another one with each request where all are admins.
        proof = f"user {user.get_id()}" if bearer else f"cookie {request.cookies.get(COOKIE_NAME_JWT_TOKEN, '')}"
        return Visitor(
            id=str(user.get_id()),
            name=str(user.get_name()),
            session=hashlib.sha256(proof.encode()).hexdigest(),
            user=user,
        )

    def visible(self, visitor: Visitor, sites: Iterable[str]) -> set[str]:
        """The sites whose DAG the visitor may read."""
        names = {f"{DAG_PREFIX}{site}" for site in sites}
        seen: set[str] = set()
        for team, ids in self._by_team(names).items():
            seen |= self._manager().filter_authorized_dag_ids(
                dag_ids=ids, user=visitor.user, method="GET", team_name=team
            )
        return {name.removeprefix(DAG_PREFIX) for name in seen}

    def may_change(self, visitor: Visitor, site: str) -> bool:
        """Whether the visitor may edit the site's DAG and the archive's connection."""
        from airflow.api_fastapi.auth.managers.models.resource_details import (  # noqa: PLC0415 - heavy
            ConnectionDetails,
            DagDetails,
        )

        [(team, _)] = self._by_team({f"{DAG_PREFIX}{site}"}).items()
        manager = self._manager()
        return bool(
            manager.is_authorized_dag(
                method="PUT", details=DagDetails(id=f"{DAG_PREFIX}{site}", team_name=team), user=visitor.user
            )
            and manager.is_authorized_connection(
                method="PUT", details=ConnectionDetails(conn_id=CONNECTION, team_name=team), user=visitor.user
            )
        )

    def login_url(self, back: str) -> str:
        """Where one logs in."""
        return str(self._manager().get_url_login(next_url=back))

    def secret(self) -> bytes:
        """Airflow's ``[api] secret_key``, which its API servers have in common."""
        from airflow.configuration import conf  # noqa: PLC0415 - the plugin's other processes need none of this

        return str(conf.get_mandatory_value("api", "secret_key")).encode()

    def origins(self) -> set[str]:
        """The host of Airflow's ``[api] base_url``: behind a proxy, the one that browsers know."""
        from airflow.configuration import conf  # noqa: PLC0415

        host = urlsplit(str(conf.get("api", "base_url", fallback="") or "")).netloc
        return {host} if host else set()

    def _manager(self) -> Any:
        from airflow.api_fastapi.app import get_auth_manager  # noqa: PLC0415 - heavy

        return get_auth_manager()

    def _by_team(self, names: set[str]) -> Mapping[str | None, set[str]]:
        """DAGs by the team that owns them; None: no team, as everywhere without multi-team mode."""
        from airflow.configuration import conf  # noqa: PLC0415

        if not conf.getboolean("core", "multi_team", fallback=False):
            return {None: names}
        from airflow.models.dag import DagModel  # noqa: PLC0415

        teams = DagModel.get_dag_id_to_team_name_mapping(sorted(names))
        found: dict[str | None, set[str]] = {}
        for name in names:
            found.setdefault(teams.get(name), set()).add(name)
        return found


class Gate:
    """The pages behind the door: an ASGI app around another.

    Args:
        app: what stands behind the door.
        door: who may come in.
        routes: its paths with their methods, for those who want to try every one.
        patience: seconds that a page may take.
        most_at_once: requests that may be under way.
    """

    def __init__(
        self,
        app: Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]],
        door: Door,
        routes: Sequence[tuple[str, tuple[str, ...]]] = (),
        *,
        patience: float = PATIENCE,
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        self._app = app
        self._door = door
        self.routes = tuple(routes)
        self.patience = patience
        self.most_at_once = most_at_once
        self._under_way: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have it answered."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            return

        async def send_guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _guard(message.get("headers", ()))}
            await send(message)

        answer = await self._refuse(scope, receive)
        await (answer or self._answer)(scope, receive, send_guarded)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the pages answer, unless they have too much to do, or take too long: then say so."""
        if len(self._under_way) >= self.most_at_once:
            await _tell_busy("The Archive pages have too much to do.")(scope, receive, send)
            return
        began = late = False

        async def send_in_time(message: Any) -> None:
            nonlocal began
            if not late:
                began = True
                await send(message)

        task = asyncio.create_task(self._app(scope, receive, send_in_time))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        if scope["method"] in ("GET", "HEAD"):
            await asyncio.wait({task}, timeout=self.patience)
            if not task.done() and not began:
                late = True  # its thread cannot be stopped; what it says is heard by nobody
                task.add_done_callback(_note_late)
                log.warning("%s took more than %g s", scope.get("path"), self.patience)
                await _tell_busy("The archive takes too long to answer.")(scope, receive, send)
                return
        await task

    async def _refuse(self, scope: Scope, receive: Receive) -> Response | None:
        """The answer to who may not come in; None: the pages may answer."""
        request = Request(scope, receive)
        try:
            visitor = await self._door.admit(request)
        except PermissionError:
            return PlainTextResponse("You may not see this.\n", status_code=403)
        if visitor is None:
            return HTMLResponse(_LOGIN.format(_attribute(self._door.login_url(f"{_root(scope)}/"))), status_code=401)
        if len(scope.get("raw_path") or b"") > MOST_ADDRESS or len(scope.get("query_string") or b"") > MOST_ADDRESS:
            return PlainTextResponse("This address is too long.\n", status_code=414)
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return PlainTextResponse(
                "Only GET, HEAD and POST.\n", status_code=405, headers={"allow": "GET, HEAD, POST"}
            )
        if scope["method"] == "POST" and (why := self._find_objection(request)):
            return PlainTextResponse(f"{why}\n", status_code=403)
        scope.setdefault("state", {})["visitor"] = visitor
        return None

    def _find_objection(self, request: Request) -> str | None:
        """Why a POST is not taken; None: it comes from a form of ours, as far as its headers say."""
        fetched = request.headers.get("sec-fetch-site")
        origin = request.headers.get("origin")
        ours = {request.headers.get("host", ""), *self._door.origins()}
        if fetched not in (None, "same-origin") or (origin is not None and urlsplit(origin).netloc not in ours):
            return "This form was sent by another site."
        if fetched is None and origin is None:
            return "The browser does not say where this form comes from."
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            return "A form is sent as application/x-www-form-urlencoded."
        length = "" if "transfer-encoding" in request.headers else request.headers.get("content-length", "")
        if not length.isascii() or not length.isdigit() or int(length[:9]) > MOST_FORM:
            return "This form is too large, or does not say how large it is."
        return None


def make_token(door: Door, visitor: Visitor, path: str) -> str:
    """The token that a form has to bring with it; of this session and for this address only."""
    return hmac.new(door.secret(), f"muniment form\n{visitor.session}\n{path}".encode(), hashlib.sha256).hexdigest()


def is_token(door: Door, visitor: Visitor, path: str, given: str) -> bool:
    """Whether that is the token of this session for this address."""
    return hmac.compare_digest(make_token(door, visitor, path).encode(), given.encode())


def _tell_busy(words: str) -> Response:
    return HTMLResponse(_BUSY.format(words), status_code=503, headers={"retry-after": "10"})


def _note_late(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("a page that came too late: %s", error)


_BUSY = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Not now</title></head>'
    "<body><h1>Not now</h1><p>{} Try again in a moment; the log of the API server says more.</p></body></html>\n"
)
_LOGIN = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Log in</title></head>'
    '<body><p>Please <a href="{}">log in to Airflow</a> first.</p></body></html>\n'
)


def _attribute(url: str) -> str:
    return url.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


def _root(scope: Scope) -> str:
    return str(scope.get("root_path") or "")


def _guard(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of an answer, with those that every answer has; what a route says of caching stands."""
    told = list(headers)
    names = {name.lower() for name, _ in told}
    told += [(name.encode(), value.encode()) for name, value in _HEADERS.items() if name.encode() not in names]
    if b"cache-control" not in names:
        told.append((b"cache-control", b"no-store"))
    return told
