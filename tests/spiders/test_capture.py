from __future__ import annotations

import gzip
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastwarc.warc import ArchiveIterator, WarcRecordType

from spiders.capture import Received
from tests.loopback import LoopbackSite, Reply
from tests.spiders.conftest import ROOT, Child, Crawl, Crawled, site_on, sitemap_of


def blocks(crawled: Crawled, kind: WarcRecordType, url: str) -> list[bytes]:
    """Blocks of a URL's records of one type, as they stand in the segments."""
    found = []
    for path in crawled.segments:
        with path.open("rb") as stream:
            found += [
                record.reader.read()
                for record in ArchiveIterator(stream, record_types=kind, parse_http=False)
                if record.headers["WARC-Target-URI"] == url
            ]
    return found


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 All is WELL, really\r\nzeta: 1\r\nSet-Cookie: a=1\r\nALPHA:  2 \r\nset-cookie: b=2\r\n"
        b"Content-Length: 4\r\nX-Empty:\r\n\r\nbody",
        b"HTTP/1.0 200 OK\r\nServer: old\r\n\r\nuntil it is closed",
        b"HTTP/1.1 404 \r\nContent-Length: 2\r\nX-Latin: caf\xe9\r\n\r\nno",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: y\r\n\r\n",
        b"HTTP/1.1 203 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b"
        % (len(gzip.compress(b"x", mtime=0)), gzip.compress(b"x", mtime=0)),
    ],
)
def test_a_response_is_recorded_byte_for_byte(loopback: LoopbackSite, crawl: Crawl, sent: bytes) -> None:
    url = loopback.url("/news/1")
    loopback.routes["/sitemap.xml"] = sitemap_of(url)
    loopback.routes["/news/1"] = Reply(raw=sent)
    crawled = crawl(site_on(loopback))
    assert crawled.status == 0, crawled.lines
    assert blocks(crawled, WarcRecordType.response, url) == [sent]


def test_a_compressed_body_is_recorded_as_the_server_sent_it(loopback: LoopbackSite, crawl: Crawl) -> None:
    loopback.gzip = True
    text = b"<html><p>The council met. </p></html>" * 400
    pages = {loopback.url(f"/news/{n}"): text + str(n).encode() for n in range(5)}
    loopback.routes["/sitemap.xml"] = sitemap_of(*pages)
    for n, body in enumerate(pages.values()):
        loopback.routes[f"/news/{n}"] = Reply(body=body, chunked=n == 3)
    crawled = crawl(site_on(loopback))
    for url, capture in crawled.pages().items():
        assert capture.payload == gzip.compress(pages[url], 6, mtime=0)
        assert capture.body(100_000) == pages[url]
    chunked = crawled.pages()[loopback.url("/news/3")]
    assert chunked.header("transfer-encoding") is None
    assert chunked.header("x-crawler-transfer-encoding") == "chunked"
    assert chunked.header("content-length") == str(len(chunked.payload))


def test_the_request_is_recorded_as_it_was_sent(loopback: LoopbackSite, crawl: Crawl) -> None:
    url = loopback.url("/news/1?id=2")
    loopback.routes["/sitemap.xml"] = sitemap_of(url)
    loopback.routes["/news/1?id=2"] = Reply(body=b"x")
    crawled = crawl(site_on(loopback), contact="a@example.org")
    [sent] = blocks(crawled, WarcRecordType.request, url)
    head, empty, rest = sent.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert (empty, rest) == (b"\r\n\r\n", b"")
    assert lines[0] == "GET /news/1?id=2 HTTP/1.1"
    given = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    assert given == dict(loopback.asked("/news/1?id=2")[0].headers)
    assert given["user-agent"].endswith("(+a@example.org)")


def test_an_interim_answer_is_not_taken_for_the_response(loopback: LoopbackSite, crawl: Crawl) -> None:
    url = loopback.url("/news/1")
    loopback.routes["/sitemap.xml"] = sitemap_of(url)
    final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    loopback.routes["/news/1"] = Reply(raw=b"HTTP/1.1 103 Early Hints\r\nLink: </x.css>\r\n\r\n" + final)
    crawled = crawl(site_on(loopback))
    assert blocks(crawled, WarcRecordType.response, url) == [final]


def test_headers_are_read_as_written_over_several_lines_or_with_a_space_before_the_colon() -> None:
    received = Received(url="http://a.uk/", status=200)
    received.head = b"HTTP/1.1 200 OK\r\nX-A: 1\r\n\t2\r\nx-a : 3\r\n  4\r\nno colon\r\n 5\r\n: 6\r\nX-B:\r\n\r\n"
    assert received.header_values("X-A") == ["1 2", "3 4"]
    assert received.header("x-b") == ""
    assert received.header("no colon") is None


def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_one(loopback: LoopbackSite, crawl: Crawl) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    pages = {loopback.url(f"/news/{n}"): f"{n}!".encode() for n in range(8)}
    loopback.routes["/sitemap.xml"] = sitemap_of(*pages)
    for n, body in enumerate(pages.values()):
        unasked = (answer + b"no") * (1, 0, 100_000, 0)[n % 4]
        loopback.routes[f"/news/{n}"] = Reply(raw=answer + body + unasked, keep=True)
    crawled = crawl(site_on(loopback))
    assert {url: page.payload for url, page in crawled.pages().items()} == pages


def test_endless_headers_are_broken_off(loopback: LoopbackSite, crawl: Crawl) -> None:
    loopback.routes["/sitemap.xml"] = sitemap_of(loopback.url("/news/1"), loopback.url("/news/2"))
    loopback.routes["/news/1"] = Reply(raw=b"HTTP/1.1 200 OK\r\n" + b"X-Pad: 0123456789\r\n" * 50_000 + b"\r\nbody")
    loopback.routes["/news/2"] = Reply(raw=b"HTTP/1.1 200 OK\r\nX-Pad: " + b"0" * 500_000 + b"\r\n\r\nbody")
    crawled = crawl(site_on(loopback))
    assert crawled.status == 0, crawled.lines
    assert crawled.told.reasons == {"failed: malformed answer": 2}
    assert len([asked for asked in loopback.requests if asked.path.startswith("/news/")]) == 2, "it was tried again"


def make_certificate(folder: Path) -> ssl.SSLContext:
    """A certificate that nobody has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "tls.pem").write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem")
    return context


def test_https_is_captured_like_http(tmp_path: Path, crawl: Crawl) -> None:
    with LoopbackSite(tls=make_certificate(tmp_path)) as site:
        urls = [site.url(f"/news/{n}") for n in range(4)]
        site.routes["/sitemap.xml"] = sitemap_of(*urls)
        for n in range(4):
            site.routes[f"/news/{n}"] = Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % n)
        crawled = crawl(site_on(site, crawl={"verify_certificates": False}))
    assert crawled.status == 0, crawled.lines
    assert urls[0].startswith("https:")
    for n, url in enumerate(urls):
        assert blocks(crawled, WarcRecordType.response, url) == [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % n]


def test_a_server_that_cannot_show_who_it_is_is_not_asked_for_pages(tmp_path: Path, crawl: Crawl) -> None:
    with LoopbackSite(tls=make_certificate(tmp_path)) as site:
        site.routes["/sitemap.xml"] = sitemap_of(site.url("/news/1"))
        crawled = crawl(site_on(site))
        assert site.requests == []
    assert crawled.status == 0, crawled.lines
    assert crawled.told.discovered == 0
    assert "certificate" in (crawled.told.sources[0].error or ""), crawled.lines


def test_https_to_a_private_address_is_refused_before_the_handshake(tmp_path: Path, child: Child) -> None:
    with LoopbackSite(tls=make_certificate(tmp_path)) as site:
        command = child.prepare(site_on(site, crawl={"allow_private": False}), contact="a@example.org")
        script = "import sys, spiders.capture as c, spiders.__main__ as m; c.refuse_url = lambda url: None; m.main()"
        at = command.index("-m")
        ended = subprocess.run(
            [command[0], "-c", script, *command[at + 2 :]], cwd=ROOT, capture_output=True, text=True, check=False
        )
        crawled = child.collect(ended.returncode, ended.stdout)
        assert site.requests == []
    assert "private address" in (crawled.told.sources[0].error or ""), crawled.lines
