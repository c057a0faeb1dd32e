from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.proxy import Allowance, GuardingProxy
from tests.loopback import LoopbackSite, Reply


def through(allowance: Allowance, *requests: bytes) -> tuple[list[bytes], GuardingProxy]:
    """What the proxy answers to each of some requests, one connection each."""

    async def talk() -> tuple[list[bytes], GuardingProxy]:
        async with GuardingProxy(allowance) as proxy:
            return [await say(proxy, request) for request in requests], proxy

    return asyncio.run(talk())


async def say(proxy: GuardingProxy, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rpartition(":")[2]))
    try:
        writer.write(request)
        await writer.drain()
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def get(url: str, *more: str) -> bytes:
    lines = [f"GET {url} HTTP/1.1", "Host: x", "Proxy-Connection: keep-alive", "Connection: keep-alive", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


PRIVATE = Allowance(received=100_000, private=True, seconds=5)
PUBLIC = Allowance(received=100_000, seconds=5)


def test_a_plain_request_is_passed_on_with_one_connection_for_each(loopback: LoopbackSite) -> None:
    loopback.routes["/a?b=1"] = Reply(body=b"hello")
    answers, proxy = through(PRIVATE, get(loopback.url("/a?b=1"), "Upgrade: websocket"))
    head, _, body = answers[0].partition(b"\r\n\r\n")
    assert body == b"hello"
    assert head.startswith(b"HTTP/1.1 200")
    assert head.lower().count(b"connection:") == 1
    assert b"Connection: close" in head
    asked = loopback.requests[0]
    assert asked.path == "/a?b=1"
    assert "upgrade" not in asked.headers
    assert "proxy-connection" not in asked.headers
    assert asked.header("connection") == "close"
    assert (proxy.connections, proxy.spent, proxy.refusals) == (1, "", [])
    assert proxy.received > 5


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]"])
def test_an_address_that_is_not_public_is_never_connected_to(loopback: LoopbackSite, host: str) -> None:
    port = loopback.port
    answers, proxy = through(
        PUBLIC,
        get(f"http://{host}:{port}/secret"),
        f"CONNECT {host}:{port} HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    )
    assert all(answer.startswith(b"HTTP/1.1 403") for answer in answers)
    assert loopback.requests == []
    assert len(proxy.refusals) == 2


def test_an_odd_port_is_reached_only_where_the_site_names_it(loopback: LoopbackSite) -> None:
    requests = (get(loopback.url("/a")), f"CONNECT 127.0.0.1:{loopback.port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    answers, proxy = through(replace(PRIVATE, hosts=("news.example:8080",)), *requests)
    assert all(answer.startswith(b"HTTP/1.1 403") for answer in answers)
    assert len(proxy.refusals) == 2
    assert loopback.requests == []
    answers, proxy = through(replace(PRIVATE, hosts=(loopback.host,)), requests[0])
    assert proxy.refusals == []
    assert len(loopback.requests) == 1


def test_a_name_is_refused_by_the_address_it_resolves_to(loopback: LoopbackSite) -> None:
    name = socket.gethostname()
    answers, proxy = through(PUBLIC, get(f"http://{name}.:{loopback.port}/"), get("http://no.such.name.invalid/"))
    assert all(answer.startswith(b"HTTP/1.1 403") for answer in answers)
    assert loopback.requests == []
    assert len(proxy.refusals) == 2


def test_a_tunnel_carries_nothing_but_tls(loopback: LoopbackSite) -> None:
    connect = f"CONNECT 127.0.0.1:{loopback.port} HTTP/1.1\r\nHost: x\r\n\r\n".encode()

    async def talk() -> tuple[bytes, GuardingProxy]:
        async with GuardingProxy(PRIVATE) as proxy:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rpartition(":")[2]))
            writer.write(connect)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            writer.write(b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")
            rest = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            return rest, proxy

    rest, proxy = asyncio.run(talk())
    assert b"101" not in rest
    assert loopback.requests == []
    assert proxy.refusals == [f"127.0.0.1:{loopback.port}: not TLS"]


def test_the_allowance_of_bytes_ends_everything(loopback: LoopbackSite) -> None:
    loopback.routes["/big"] = Reply(body=b"x" * 1_000_000, length=200_000_000)
    loopback.routes["/small"] = Reply(body=b"y")
    answers, proxy = through(PRIVATE, get(loopback.url("/small")), get(loopback.url("/big")))
    assert answers[0].endswith(b"y")
    assert len(answers[1]) <= 200_000
    assert proxy.spent == "more than 100000 bytes received"


def test_the_allowance_of_connections_and_of_what_is_sent_ends_too(loopback: LoopbackSite) -> None:
    few = Allowance(received=100_000, sent=500, connections=2, private=True, seconds=5)
    answers, proxy = through(few, *[get(loopback.url("/"))] * 3)
    assert proxy.spent == "more than 2 connections"
    assert answers[2] == b""
    told = b"POST " + loopback.url("/").encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 600\r\n\r\n" + b"s" * 600
    _, proxy = through(few, told)
    assert proxy.spent == "more than 500 bytes sent"
    assert len(loopback.requests) == 2


@pytest.mark.parametrize(
    "request_",
    [
        b"DELETE http://127.0.0.1/ HTTP/1.1\r\n\r\n",
        b"GET ftp://127.0.0.1/ HTTP/1.1\r\n\r\n",
        b"GET http://127.0.0.1:1/ HTTP/1.1\r\nSec-Purpose: prefetch;prerender\r\n\r\n",
        b"GET file:///etc/passwd HTTP/1.1\r\n\r\n",
        b"GET /relative HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"POST http://127.0.0.1:1/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_what_a_page_does_not_need_is_refused(request_: bytes) -> None:
    answers, _ = through(PRIVATE, request_)
    assert answers[0].startswith(b"HTTP/1.1 403")


def test_a_server_that_says_nothing_costs_only_its_connection(loopback: LoopbackSite) -> None:
    loopback.routes["/slow"] = Reply(body=b"x", delay=3)
    hasty = Allowance(received=1000, private=True, seconds=0.3)
    answers, proxy = through(hasty, get(loopback.url("/slow")), get(loopback.url("/")))
    assert answers[0] == b""
    assert answers[1].startswith(b"HTTP/1.1 404")
    assert proxy.spent == ""


@given(st.binary(max_size=200))
def test_no_bytes_break_it(junk: bytes) -> None:
    hasty = Allowance(received=1000, seconds=0.02)
    answers, proxy = through(hasty, junk, junk + b"\r\n\r\n")
    assert all(answer == b"" or answer.startswith(b"HTTP/1.1 403") for answer in answers)
    assert proxy.received == 0
