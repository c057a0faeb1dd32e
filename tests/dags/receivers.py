"""Receivers on loopback: a mail server, a StatsD server, an OpenTelemetry collector."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest


class MailServer:
    """As much of SMTP (RFC 5321) as a client needs that sends one mail after the other."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.port = 0
        self.refusing = False
        self._loop = asyncio.new_event_loop()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to one client."""
        writer.write(b"220 loopback\r\n")
        while line := (await reader.readline()).decode():
            verb = line[:4].upper()
            if verb == "DATA":
                writer.write(b"354 go on\r\n")
                self.mails.append(await self._read_mail(reader))
                writer.write(b"250 taken\r\n")
            elif verb == "RCPT" and self.refusing:
                writer.write(b"450 not now\r\n")
            elif verb == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 loopback\r\n")
            await writer.drain()
        writer.close()

    @staticmethod
    async def _read_mail(reader: asyncio.StreamReader) -> EmailMessage:
        body = b""
        while (line := await reader.readline()) not in (b".\r\n", b""):
            body += line.removeprefix(b".")
        found = email.message_from_bytes(body, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        return found

    def run(self, ready: threading.Event) -> None:
        """Serve until the loop is stopped."""
        server = self._loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(server.wait_closed())
        self._loop.close()

    def stop(self) -> None:
        """End serving."""
        self._loop.call_soon_threadsafe(self._loop.stop)


@contextmanager
def open_mail_server() -> Iterator[MailServer]:
    """A mail server."""
    server, ready = MailServer(), threading.Event()
    thread = threading.Thread(target=server.run, args=(ready,))
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        server.stop()
        thread.join(10)


def text_of(mail: EmailMessage) -> str:
    """What stands in a mail."""
    part = mail.get_body(preferencelist=("html", "plain"))
    assert part is not None
    return str(part.get_content())


@contextmanager
def open_statsd() -> Iterator[tuple[int, list[str]]]:
    """A StatsD server: its port, and the lines that it got."""
    lines: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(0.2)
        ended = threading.Event()

        def receive() -> None:
            while True:
                try:
                    lines.extend(receiver.recv(65_536).decode().splitlines())
                except TimeoutError:
                    if ended.is_set():
                        return

        thread = threading.Thread(target=receive)
        thread.start()
        try:
            yield receiver.getsockname()[1], lines
        finally:
            ended.set()
            thread.join(10)


Points = list[tuple[str, dict[str, str], float]]


@contextmanager
def open_collector() -> Iterator[tuple[int, Points]]:
    """An OpenTelemetry collector over HTTP: its port, and name, tags and value of every figure that it got."""
    points: Points = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            points.extend(_read_points(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, points
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def _read_points(body: bytes) -> Points:
    request = ExportMetricsServiceRequest.FromString(body)
    return [
        (metric.name, {each.key: each.value.string_value for each in point.attributes}, point.as_int or point.as_double)
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in (*metric.sum.data_points, *metric.gauge.data_points)
    ]
