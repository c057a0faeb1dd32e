"""WARC and WACZ files in the shapes in which other programs write them, made with warcio; all of pages of a_site()."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped]
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from tests.pipeline.built_archive import page
from tests.pipeline.built_runs import HOME, url_of

CHUNK = 700


def chunk(body: bytes) -> bytes:
    """A body in the chunked transfer coding."""
    parts = [body[at : at + CHUNK] for at in range(0, len(body), CHUNK)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def sha1(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()


def stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


class Writer:
    """Writes records into memory."""

    def __init__(self, *, packed: bool = True, version: str = "WARC/1.0") -> None:
        self.file = io.BytesIO()
        self._writer = WARCWriter(self.file, gzip=packed, warc_version=version)

    def info(self, **facts: str) -> None:
        self._writer.write_record(self._writer.create_warcinfo_record("file.warc.gz", facts))

    def write(
        self,
        kind: str,
        url: str,
        at: datetime | None = None,
        *,
        body: bytes = b"",
        status: str = "200 OK",
        http: Iterable[tuple[str, str]] = (("Content-Type", "text/html; charset=utf-8"),),
        **headers: str,
    ) -> str:
        """A record; returns its id."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if at is not None:
            named["WARC-Date"] = stamp(at)
        head = None
        if kind in ("response", "revisit"):
            head = StatusAndHeaders(status, list(http), protocol="HTTP/1.1")
        elif kind == "request":
            path = url.removeprefix(HOME)
            head = StatusAndHeaders(
                f"GET {path} HTTP/1.1", [("Host", "news.example"), ("User-Agent", "otherbot/1")], is_http_request=True
            )
        record = self._writer.create_warc_record(
            url, kind, payload=io.BytesIO(body), length=len(body), http_headers=head, warc_headers_dict=named
        )
        self._writer.write_record(record)
        return str(record.rec_headers.get_header("WARC-Record-ID"))

    def bytes(self) -> bytes:
        return self.file.getvalue()


def write_heritrix(at: datetime, pages: Mapping[str, bytes], *, seen: Mapping[str, tuple[str, bytes]] = {}) -> bytes:
    """As Heritrix 3: WARC/1.0, dns records, chunked bodies as they came, sha1 of those, revisits by digest.

    Args:
        seen: pages that had the same body before: when, as text, and the body.
    """
    file = Writer()
    file.info(software="Heritrix/3.4.0 http://crawler.archive.org", format="WARC File Format 1.0")
    file.write("response", "dns:news.example", at, body=b"20200101\nnews.example. 300 IN A 192.0.2.1\n")
    for name, html in pages.items():
        body = chunk(html)
        http = (("Content-Type", "text/html"), ("Transfer-Encoding", "chunked"))
        told = {"WARC_Payload_Digest": sha1(body), "WARC_IP_Address": "192.0.2.1"}
        if name in seen:
            record = file.write(
                "revisit",
                url_of(name),
                at,
                http=http,
                WARC_Profile="http://netpreserve.org/warc/1.0/revisit/identical-payload-digest",
                WARC_Refers_To_Target_URI=url_of(name),
                WARC_Refers_To_Date=seen[name][0],
                WARC_Truncated="length",
                **told,
            )
        else:
            record = file.write("response", url_of(name), at, body=body, http=http, **told)
        file.write("request", url_of(name), at, WARC_Concurrent_To=record)
        file.write("metadata", url_of(name), at, body=b"via: https://news.example/\r\n", WARC_Concurrent_To=record)
    file.write("response", HOME + "/robots.txt", at, body=b"User-agent: *", http=(("Content-Type", "text/plain"),))
    return file.bytes()


def write_common_crawl(at: datetime, pages: Mapping[str, bytes]) -> bytes:
    """As Common Crawl's news: request first, bodies decoded with the first headers renamed, sha1 of both."""
    file = Writer()
    file.info(software="StormCrawler 2.11", robots="checked via crawler-commons", isPartOf="CC-NEWS")
    for name, html in pages.items():
        http = (
            ("Content-Type", "text/html; charset=UTF-8"),
            ("X-Crawler-Transfer-Encoding", "chunked"),
            ("X-Crawler-Content-Encoding", "gzip"),
            ("Content-Length", str(len(html))),
        )
        asked = file.write("request", url_of(name), at)
        file.write(
            "response",
            url_of(name),
            at,
            body=html,
            http=http,
            WARC_Concurrent_To=asked,
            WARC_Identified_Payload_Type="text/html",
            WARC_Payload_Digest=sha1(html),
        )
    file.write("response", "https://elsewhere.example/x", at, body=b"<html>other</html>")
    return file.bytes()


def write_browsertrix(at: datetime, pages: Mapping[str, bytes], *, again: Mapping[str, str] = {}) -> bytes:
    """As Browsertrix: a WACZ 1.1.1 with WARC/1.1, sha256 digests, brotli bodies, pageinfo records, revisits.

    Args:
        again: pages that have the body of another one: name → name.
    """
    file = Writer(version="WARC/1.1")
    file.info(software="Browsertrix-Crawler 1.6.1 (with warcio.js 2.4.3)")
    for name, html in pages.items():
        body = brotli.compress(html)
        told = {"WARC_Payload_Digest": "sha256:" + hashlib.sha256(body).hexdigest()}
        http = (("content-type", "text/html"), ("content-encoding", "br"))
        record = file.write("response", url_of(name), at, body=body, http=http, **told)
        file.write("request", url_of(name), at, WARC_Concurrent_To=record)
        info = json.dumps({"pageid": "1", "urls": {url_of(name): {"status": 200}}}).encode()
        file.write("resource", f"urn:pageinfo:{url_of(name)}", at, body=info, Content_Type="application/json")
        for other, first in again.items():
            if first == name:
                file.write(
                    "revisit",
                    url_of(other),
                    at,
                    http=http,
                    WARC_Profile="http://netpreserve.org/warc/1.1/revisit/identical-payload-digest",
                    WARC_Refers_To_Target_URI=url_of(name),
                    WARC_Refers_To_Date=stamp(at),
                    **told,
                )
    return make_wacz({"archive/rec-1.warc.gz": file.bytes()})


def make_wacz(members: Mapping[str, bytes], **about: Any) -> bytes:
    """A WACZ of these members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, body in members.items():
            archive.writestr(name, body)
        told = {"profile": "data-package", "wacz_version": "1.1.1", "software": "Browsertrix-Crawler 1.6.1", **about}
        archive.writestr("datapackage.json", json.dumps(told))
        archive.writestr("pages/pages.jsonl", '{"format": "json-pages-1.0"}\n')
    return packed.getvalue()


def write_pages(at: datetime, pages: Mapping[str, bytes], *, packed: bool = True) -> bytes:
    """The plainest WARC that there is."""
    file = Writer(packed=packed)
    file.info(software="test")
    for name, html in pages.items():
        file.write("response", url_of(name), at, body=html)
    return file.bytes()


def put(folder: Path, name: str, body: bytes) -> str:
    """A file; returns its path as text."""
    path = folder / name
    path.write_bytes(body)
    return str(path)


def old_page(name: str, more: str = "") -> bytes:
    """A page of STORIES as it was years ago: without one paragraph, with another one."""
    html = page(name)
    cut = html.rindex(b"<p>", 0, html.index(b"</article>"))
    return (
        html[:cut]
        + f"<p>{more or 'That is all that was known on that day, and readers were told so.'}</p>".encode()
        + html[html.index(b"</article>") :]
    )


def one_stream(body: bytes) -> bytes:
    """A WARC with a gzip member for each record, as one gzip stream."""
    return gzip.compress(gzip.decompress(body))
