"""Stores that break one promise each: a proxy before the real store, and a server that answers by script."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from botocore.auth import UNSIGNED_PAYLOAD, S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

FLAWS = (
    "ignores If-None-Match",
    "ignores If-Match",
    "lets anybody in",
    "takes wrong keys",
    "ignores checksums",
    "lists late",
    "lists out of order",
    "drops metadata",
    "reads late",
    "keeps versions",
)


@contextmanager
def flawed_store(environment: dict[str, str], flaw: str) -> Iterator[str]:
    """Address of a proxy before the store of ``environment`` (AWS_* variables) with one of ``FLAWS``."""
    assert flaw in FLAWS
    upstream = urlsplit(environment["AWS_ENDPOINT_URL_S3"])
    credentials = Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def do_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items() if name.lower() != "connection"}
            kept = {name: value for name, value in headers.items() if not _is_dropped(flaw, name)}
            signs_again = kept != headers or (flaw == "lets anybody in" and "authorization" not in headers)
            status, answered, answer = self._forward(self._signed(kept, body) if signs_again else headers, body)
            if flaw == "takes wrong keys" and status == 403 and "authorization" in headers:
                status, answered, answer = self._forward(self._signed(kept, body), body)
            status, answer = _spoil(flaw, self.command, self.path, status, answer)
            self.send_response(status)
            for name, value in answered.items():
                if not name.lower().startswith(("content-length", "transfer-", "connection", "x-amz-checksum")):
                    self.send_header(name, value)
            length = answered.get("Content-Length", "0") if self.command == "HEAD" else str(len(answer))
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = do_any

        def _signed(self, headers: dict[str, str], body: bytes) -> dict[str, str]:
            fresh = {
                name: value
                for name, value in headers.items()
                if name not in {"authorization", "x-amz-date", "expect", "content-length", "user-agent"}
            }
            fresh["x-amz-content-sha256"] = UNSIGNED_PAYLOAD
            request = AWSRequest(
                method=self.command, url=f"http://{headers['host']}{self.path}", headers=fresh, data=body
            )
            S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
            return {**dict(request.headers.items()), "host": headers["host"]}

        def _forward(self, headers: dict[str, str], body: bytes) -> tuple[int, http.client.HTTPMessage, bytes]:
            connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=60)
            try:
                sent = {name: value for name, value in headers.items() if name.lower() != "expect"}
                connection.request(self.command, self.path, body=body or None, headers=sent)
                answer = connection.getresponse()
                return answer.status, answer.headers, answer.read()
            finally:
                connection.close()

    with _serving(Proxy) as address:
        yield address


def _is_dropped(flaw: str, header: str) -> bool:
    patterns = {
        "ignores If-None-Match": "if-none-match",
        "ignores If-Match": "if-match",
        "ignores checksums": "content-md5|x-amz-checksum-.*|x-amz-sdk-checksum-algorithm",
        "drops metadata": "x-amz-meta-.*",
    }
    return flaw in patterns and re.fullmatch(patterns[flaw], header) is not None


def _spoil(flaw: str, method: str, path: str, status: int, answer: bytes) -> tuple[int, bytes]:
    if method != "GET" or status != 200:
        return status, answer
    if flaw == "lists late" and "list-type=2" in path:
        answer = re.sub(rb"<Contents>.*?</Contents>", b"", answer, flags=re.DOTALL)
    if flaw == "lists out of order" and "list-type=2" in path:
        found = re.findall(rb"<Contents>.*?</Contents>", answer, flags=re.DOTALL)
        answer = answer.replace(b"".join(found), b"".join(reversed(found)))
    if flaw == "reads late" and path.endswith("/read"):
        status, answer = 404, b"<Error><Code>NoSuchKey</Code></Error>"
    if flaw == "keeps versions" and "versioning" in path:
        answer = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    return status, answer


@dataclass(kw_only=True)
class Script:
    """What a scripted store answers, request after request; the last answer stays."""

    answers: list[Callable[[BaseHTTPRequestHandler], None]]
    requests: list[tuple[str, str]] = field(default_factory=list)


def says(status: int, code: str = "", *, body: bytes | None = None) -> Callable[[BaseHTTPRequestHandler], None]:
    """An answer with S3's error document (or ``body``)."""
    document = f"<Error><Code>{code}</Code><Message>as scripted</Message></Error>".encode()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        content = body if body is not None else document if code else b""
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        handler.send_header("ETag", '"0123"')
        handler.send_header("Content-Type", "application/xml")
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(content)

    return answer


def breaks_off(handler: BaseHTTPRequestHandler) -> None:
    """An answer that ends in the middle of its body."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.send_header("ETag", '"0123"')
    handler.end_headers()
    handler.wfile.write(b"only so much")
    handler.close_connection = True


@contextmanager
def scripted_store(*answers: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[tuple[str, Script]]:
    """Address of a server that gives these answers, one for each request."""
    script = Script(answers=list(answers))

    class Actor(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def do_any(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            number = min(len(script.requests), len(script.answers) - 1)
            script.requests.append((self.command, self.path))
            script.answers[number](self)

        do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = do_any

    with _serving(Actor) as address:
        yield address, script


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
