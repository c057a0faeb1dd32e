"""The browser's only way out: a proxy on loopback that looks at every address before a byte is sent.

A browser resolves names itself and follows redirects without asking. So it is given no other way than this proxy,
which resolves the name, refuses addresses that are not public (``spiders.guard``), connects to the very address that
it looked at, so that no name can change in between, and counts bytes, connections and time. One proxy serves one
page: when the page's allowance is spent, all its connections end. Not for anything else, and never reachable from
outside.

``CONNECT`` is for TLS alone: what does not begin like a TLS handshake (RFC 8446, section 5.1) is not passed on, so that
no other protocol, plain WebSocket among them, gets through. Plain requests are rewritten to one request per
connection (RFC 9112, section 9.6), so that a connection never serves two hosts.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from spiders.guard import refuse_address, refuse_port, refuse_url

LARGEST_HEAD = 256 * 1024
_CHUNK = 64 * 1024
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
_HOP_BY_HOP = (b"connection:", b"keep-alive:", b"proxy-connection:", b"proxy-authorization:", b"upgrade:", b"te:")
_AHEAD = (b"sec-purpose:", b"purpose:")  # prefetching and prerendering, which a browser does beside its rules
_LAST = b"Connection: close\r\n\r\n"
_TLS_HANDSHAKE = b"\x16"


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """What one page may use.

    Args:
        received: bytes from all servers together.
        sent: bytes to all servers together.
        connections: to all servers together, also refused ones.
        seconds: of silence on a connection.
        private: whether addresses that are not public may be reached.
        hosts: those whose unusual ports may be reached, with port; None: any port may.
    """

    received: int
    sent: int = 1_000_000
    connections: int = 200
    seconds: float = 30.0
    private: bool = False
    hosts: Collection[str] | None = None


class _Refused(Exception):
    """A connection that is not made; the message says why."""


class GuardingProxy:
    """An HTTP proxy for one page; an asynchronous context manager."""

    def __init__(self, allowance: Allowance) -> None:
        self.received = 0
        self.sent = 0
        self.connections = 0
        self.refusals: list[str] = []
        self.spent = ""
        """What ran out, in words; empty while nothing did."""
        self._allowance = allowance
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=LARGEST_HEAD)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self._end_all()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _end_all(self) -> None:
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            # Whatever goes wrong on a connection ends that connection; cancelling is how the proxy ends.
            with suppress(Exception, asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.connections > self._allowance.connections:
            self._spend(f"more than {self._allowance.connections} connections")
            return
        async with asyncio.timeout(self._allowance.seconds):
            head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
        try:
            if method == "CONNECT":
                await self._tunnel(target, reader, writer)
            elif method in _METHODS:
                await self._forward(method, target, head, reader, writer)
            else:
                raise _Refused(f"method {method[:20]!r}")
        except _Refused as refused:
            if len(self.refusals) < 100:
                self.refusals.append(str(refused))
            writer.write(b"HTTP/1.1 403 Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()

    async def _tunnel(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parts = urlsplit(f"https://{target}/")
        server_reader, server_writer = await self._connect(parts.hostname, parts.port or 443, f"https://{target}/")
        try:
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            await writer.drain()
            async with asyncio.timeout(self._allowance.seconds):
                hello = await reader.read(_CHUNK)
            if not hello.startswith(_TLS_HANDSHAKE):
                raise _Refused(f"{target}: not TLS")
            self._count_sent(len(hello))
            server_writer.write(hello)
            ways = [
                asyncio.ensure_future(self._pour(reader, server_writer, self._count_sent)),
                asyncio.ensure_future(self._pour(server_reader, writer, self._count_received)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            server_writer.close()

    async def _forward(
        self, method: str, target: str, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        parts = urlsplit(target)
        if parts.scheme != "http":
            raise _Refused(f"scheme {parts.scheme[:20]!r}")
        lines = head.rstrip(b"\r\n").split(b"\r\n")[1:]
        wanted = _length_of(lines)
        if any(line.lower().startswith(_AHEAD) for line in lines):
            raise _Refused("a request ahead of time")
        server_reader, server_writer = await self._connect(parts.hostname, parts.port or 80, target)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            asked = b"\r\n".join([f"{method} {path} HTTP/1.1".encode(), *_keep(lines), _LAST])
            self._count_sent(len(asked) + wanted)
            server_writer.write(asked)
            async with asyncio.timeout(self._allowance.seconds):
                server_writer.write(await reader.readexactly(wanted))
                await server_writer.drain()
                answer = await server_reader.readuntil(b"\r\n\r\n")
                while answer[9:10] == b"1":  # an interim answer; the true one follows
                    self._count_received(len(answer))
                    answer = await server_reader.readuntil(b"\r\n\r\n")
            self._count_received(len(answer))
            status, *lines = answer.rstrip(b"\r\n").split(b"\r\n")
            writer.write(b"\r\n".join([status, *_keep(lines), _LAST]))
            await self._pour(server_reader, writer, self._count_received)
        finally:
            server_writer.close()

    async def _connect(
        self, host: str | None, port: int, url: str
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to an address that was looked at; raises _Refused."""
        if not host:
            raise _Refused("no host")
        free = self._allowance.private
        if not free and (reason := refuse_url(url)):
            raise _Refused(reason)
        if self._allowance.hosts is not None and (reason := refuse_port(url, self._allowance.hosts)):
            raise _Refused(reason)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._allowance.seconds):
            try:
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            except OSError as error:
                raise _Refused(f"{host}: name not resolved") from error
            addresses = [str(entry[4][0]) for entry in found]
            reasons = [None if free else refuse_address(address) for address in addresses]
            for address, reason in zip(addresses, reasons, strict=True):
                if reason is None:
                    with suppress(OSError):
                        return await self._open(address, port)
        why = next((reason for reason in reasons if reason), "no connection")
        raise _Refused(f"{host}: {why}")

    async def _open(self, address: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(address, port, limit=LARGEST_HEAD)
        peer = writer.get_extra_info("peername")
        if not self._allowance.private and (reason := refuse_address(str(peer[0]) if peer else "")):
            writer.transport.abort()
            raise _Refused(reason)
        return reader, writer

    async def _pour(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Callable[[int], None]
    ) -> None:
        while True:
            async with asyncio.timeout(self._allowance.seconds):
                chunk = await reader.read(_CHUNK)
                if not chunk:
                    return
                count(len(chunk))
                writer.write(chunk)
                await writer.drain()

    def _count_received(self, size: int) -> None:
        self.received += size
        if self.received > self._allowance.received:
            self._spend(f"more than {self._allowance.received} bytes received")

    def _count_sent(self, size: int) -> None:
        self.sent += size
        if self.sent > self._allowance.sent:
            self._spend(f"more than {self._allowance.sent} bytes sent")

    def _spend(self, why: str) -> None:
        """The allowance is spent: nothing more comes or goes."""
        self.spent = self.spent or why
        self._end_all()
        raise _Refused(why)


def _keep(lines: list[bytes]) -> list[bytes]:
    """Header lines that are not about one connection only."""
    return [line for line in lines if not line.lower().startswith(_HOP_BY_HOP)]


def _length_of(lines: list[bytes]) -> int:
    """The length of a request's body; raises _Refused for one that does not say."""
    length = 0
    for line in lines:
        name, _, value = line.partition(b":")
        if name.lower() == b"transfer-encoding":
            raise _Refused("a request of unknown length")
        if name.lower() == b"content-length":
            if not value.strip().isdigit():
                raise _Refused("a request of unknown length")
            length = int(value.strip()[:12])
    return length
