"""A faulty network before a real store: a proxy on loopback that does, by a schedule, what goes wrong in life.

Bytes are passed on as they came, so that signatures hold, and connections are kept alive; boto3 and delta-rs go
through it by the endpoint's URL. What goes wrong, and when, stands in a list of ``Fault``: each waits for the one
before it, lets ``skip`` requests that it fits pass, and strikes at the next:

    refuse-500, -503, -429   the store answers so, and has done nothing
    delay                    the answer comes late
    reset                    the connection breaks before the store has seen anything
    cut-request              the connection breaks in the middle of the body that is sent
    cut-answer               the connection breaks in the middle of the answer
    lose                     the store has done it, and the connection breaks before its answer
    hang                     the store has done it, and no answer comes until the client has had enough
    kill-before              the process that asks is killed (SIGKILL); the store has seen nothing
    kill-after               so it is once the store has done it
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

Kind = Literal[
    "refuse-500",
    "refuse-503",
    "refuse-429",
    "delay",
    "reset",
    "cut-request",
    "cut-answer",
    "lose",
    "hang",
    "kill-before",
    "kill-after",
]

KINDS: dict[Kind, int] = {
    "kill-before": 3,
    "kill-after": 5,
    "lose": 5,
    "hang": 1,
    "reset": 2,
    "cut-request": 1,
    "cut-answer": 2,
    "refuse-500": 2,
    "refuse-503": 2,
    "refuse-429": 1,
    "delay": 1,
}
"""How often each is drawn, in parts: most often what leaves a doubt whether something was done."""

_REFUSALS = {
    "refuse-500": (500, "InternalError"),
    "refuse-503": (503, "SlowDown"),
    "refuse-429": (429, "TooManyRequests"),
}
_HEAD_BYTES = 1 << 20
_DELAY_SECONDS = 0.15
_HANG_SECONDS = 20.0  # at most: a client with a time-out gives up before

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that goes wrong once: at the request after ``skip`` of those whose method and path fit."""

    kind: Kind
    skip: int = 0
    method: str = ""
    path: str = ""  # a regular expression that is searched for

    def fits(self, method: str, path: str) -> bool:
        """Whether it may strike at such a request."""
        return self.method in ("", method) and re.search(self.path, path) is not None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A request that came through a door, and what went wrong with it."""

    method: str
    path: str
    fault: Kind | None


def draw_faults(seed: object, *, count: int, requests: int) -> list[Fault]:
    """Faults of a seed; the sum of what they skip is about the number of ``requests`` of a job."""
    chance = random.Random(str(seed))
    kinds, parts = list(KINDS), list(KINDS.values())
    # Half of them at writes: that is where a doubt is left.
    return [
        Fault(kind=kind, skip=int(requests * chance.random() ** 2 * (0.35 if method else 0.8)), method=method)
        for kind in chance.choices(kinds, parts, k=count)
        for method in [chance.choice(["", "PUT"])]
    ]


@dataclass(kw_only=True)
class Door:
    """One way to the store, with faults of its own. ``on_kill`` must end the process that uses it."""

    endpoint: str
    faults: list[Fault] = field(default_factory=list)
    on_kill: Callable[[], object] | None = None
    seen: list[Seen] = field(default_factory=list)

    _server: asyncio.Server | None = None
    _waited: int = 0
    _handling: set[asyncio.Task[None]] = field(default_factory=set)

    def next_fault(self, method: str, path: str) -> Kind | None:
        """What goes wrong with this request; it is written down."""
        kind: Kind | None = None
        if self.faults and self.faults[0].fits(method, path):
            if self._waited >= self.faults[0].skip:
                kind = self.faults.pop(0).kind
                self._waited = 0
                if kind == "hang" and "/tables/" in path:
                    kind = "lose"  # delta-rs would wait for 30 s
            else:
                self._waited += 1
        self.seen.append(Seen(method=method, path=path, fault=kind))
        return kind

    def struck(self) -> list[Seen]:
        """The requests with which something went wrong."""
        return [each for each in self.seen if each.fault]


class FaultyNetwork:
    """Doors to one store, served by a thread. A context manager.

    Args:
        endpoint: the store's own address.
    """

    def __init__(self, endpoint: str) -> None:
        address = urlsplit(endpoint)
        self._host, self._port = address.hostname or "127.0.0.1", address.port or 80
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="faulty network")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @contextmanager
    def open_door(self, faults: Iterable[Fault] = (), *, on_kill: Callable[[], object] | None = None) -> Iterator[Door]:
        """A new address of the store. When the block ends, all that was under way has come to its end."""
        door = Door(endpoint="", faults=list(faults), on_kill=on_kill)
        self._do(self._begin(door))
        try:
            yield door
        finally:
            self._do(self._end(door))

    def settle(self, door: Door) -> None:
        """Wait until all requests that came through a door have come to their end: nothing is written late."""
        self._do(self._settle(door))

    def _do(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _begin(self, door: Door) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            door._handling.add(task)
            connection = _Connection(door, reader, writer, (self._host, self._port))
            try:
                await connection.serve()
            finally:
                door._handling.discard(task)

        door._server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=_HEAD_BYTES)
        door.endpoint = "http://{}:{}".format(*door._server.sockets[0].getsockname()[:2])

    async def _settle(self, door: Door) -> None:
        # Those that idle between two requests end when their client goes.
        for _ in range(2000):
            if not door._handling:
                return
            await asyncio.sleep(0.005)

    async def _end(self, door: Door) -> None:
        assert door._server is not None
        door._server.close()
        for task in list(door._handling):
            task.cancel()
        if door._handling:
            await asyncio.wait(list(door._handling))


class _Broken(Exception):
    """The connection to the client is broken, or is to be."""


@dataclass(frozen=True, kw_only=True)
class _Message:
    """A request or an answer, byte for byte."""

    head: bytes
    body: bytes

    @property
    def first(self) -> list[str]:
        return self.head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)

    def value(self, name: str) -> str:
        found = re.search(rb"\r\n" + name.encode() + rb":[ \t]*([^\r]*)", self.head, re.IGNORECASE)
        return found[1].decode("latin-1").strip() if found else ""


class _Connection:
    """A client's connection and the one to the store that belongs to it."""

    def __init__(
        self, door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, store: tuple[str, int]
    ) -> None:
        self._door, self._reader, self._writer, self._store = door, reader, writer, store
        self._up: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def serve(self) -> None:
        """Pass requests on until one of the two hangs up."""
        try:
            while await self._pass_one():
                pass
        except (_Broken, OSError, EOFError, asyncio.IncompleteReadError):
            self._abort()
        except asyncio.CancelledError:
            self._abort()
        finally:
            self._hang_up()
            self._writer.close()

    async def _pass_one(self) -> bool:
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        if _Message(head=head, body=b"").value("expect"):
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request = _Message(head=head, body=await _read_body(self._reader, head))
        method, path = request.first[:2]
        fault = self._door.next_fault(method, path)
        if fault in ("kill-before", "reset") or (fault == "cut-request" and not request.body):
            self._strike(fault)
        if fault in _REFUSALS:
            status, code = _REFUSALS[fault]
            body = "" if method == "HEAD" else f"<Error><Code>{code}</Code><Message>so told</Message></Error>"
            told = f"HTTP/1.1 {status} {code}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
            self._writer.write((told + body).encode())
            await self._writer.drain()
            return True
        if fault == "cut-request":
            _, up = await self._connect()
            up.write(head + request.body[: len(request.body) // 2])
            await up.drain()
            self._hang_up()
            raise _Broken
        answer = await self._ask(request)
        if fault in ("kill-after", "lose"):
            self._strike(fault)
        if fault == "hang":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._reader.read(1), _HANG_SECONDS)
            raise _Broken
        if fault == "delay":
            await asyncio.sleep(_DELAY_SECONDS)
        if fault == "cut-answer":
            self._writer.write((answer.head + answer.body)[: len(answer.head) + len(answer.body) // 2 - 1])
            await self._writer.drain()
            self._writer.close()  # not aborted: the half is to arrive
            return False
        self._writer.write(answer.head + answer.body)
        await self._writer.drain()
        return answer.value("connection").lower() != "close"

    def _strike(self, fault: Kind | None) -> None:
        if fault in ("kill-before", "kill-after"):
            assert self._door.on_kill is not None, "nobody said whom to kill"
            self._door.on_kill()
        raise _Broken

    async def _ask(self, request: _Message) -> _Message:
        """The store's answer; a kept connection that it has closed meanwhile is opened anew."""
        for fresh in (self._up is None, True):
            try:
                reader, writer = await self._connect()
                writer.write(request.head + request.body)
                await writer.drain()
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    status = int(head.split(b" ", 2)[1])
                    if status >= 200:
                        break
                bodiless = request.first[0] == "HEAD" or status in (204, 304)
                return _Message(head=head, body=b"" if bodiless else await _read_body(reader, head))
            except (OSError, EOFError):
                self._hang_up()
                if fresh:
                    raise
        raise AssertionError("the second time is the last")

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._up is None:
            self._up = await asyncio.open_connection(*self._store, limit=_HEAD_BYTES)
        return self._up

    def _hang_up(self) -> None:
        if self._up is not None:
            self._up[1].close()
            self._up = None

    def _abort(self) -> None:
        """Break the connection as a machine that fails does: by RST, without what is still to be sent."""
        with contextlib.suppress(OSError, AttributeError):
            plain: socket.socket = self._writer.get_extra_info("socket")
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


async def _read_body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    """The body that belongs to a head, as it came: with the marks of its chunks where it has such."""
    message = _Message(head=head, body=b"")
    if "chunked" not in message.value("transfer-encoding").lower():
        length = int(message.value("content-length") or 0)
        return await reader.readexactly(length) if length else b""
    parts = []
    while True:
        size = await reader.readuntil(b"\r\n")
        parts.append(size)
        count = int(size.split(b";")[0], 16)
        if not count:
            break
        parts.append(await reader.readexactly(count + 2))
    while True:
        trailer = await reader.readuntil(b"\r\n")
        parts.append(trailer)
        if trailer == b"\r\n":
            return b"".join(parts)


def tell(seen: Sequence[Seen]) -> str:
    """What went wrong, a line each: for the message of a test that fails."""
    return "\n".join(f"{each.fault}: {each.method} {each.path}" for each in seen if each.fault)
