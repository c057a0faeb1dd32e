"""A hostile web against the real crawl child: each page costs itself only, and the books balance."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spiders.capture import EVIDENCE_BYTES
from spiders.site import Site
from tests.spiders.conftest import ROOT, Child, Crawled
from tests.spiders.hostile import (
    MAX_BYTES,
    OK,
    TIMEOUT,
    Evil,
    HostileSite,
    answer,
    evil_answers,
    evil_pages,
    flood,
    redirect,
    send,
)

MOST_MEGABYTES = 350
"""What the child may take, whatever the site does."""


def site_on(server: HostileSite, **more: Any) -> Site:
    """A Site for a hostile server, everything below ``/news/`` an article."""
    crawl = {
        "delay": 0, "concurrency": 16, "allow_private": True, "timeout": TIMEOUT, "max_bytes": MAX_BYTES,
        **more.pop("crawl", {}),
    }  # fmt: skip
    return Site.model_validate(
        {
            "id": "evil",
            "name": "Evil",
            "home": server.url("/"),
            "kind": "trade",
            "article": server.origin.replace(".", r"\.") + "/news/.+",
            "sources": [{"type": "sitemap", "url": server.url("/sitemap.xml")}],
            "crawl": crawl,
            **more,
        }
    )


@pytest.fixture
def server() -> Iterator[HostileSite]:
    """A hostile server that does nothing yet."""
    with HostileSite() as site:
        yield site


def run(child: Child, site: Site, script: str | None = None) -> tuple[Crawled, int]:
    """Run the child to its end, perhaps with something of it replaced first; also its largest memory, in megabytes."""
    command = child.prepare(site, contact="news@example.org")
    if script is not None:
        at = command.index("-m")
        entry = f"import sys; {script}; import spiders.__main__ as m; sys.exit(m.main())"
        command = [command[0], "-c", entry, *command[at + 2 :]]
    output = child.folder / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
        megabytes = 0
        while process.poll() is None:
            megabytes = max(megabytes, read_peak(process.pid))
            time.sleep(0.1)
    return child.collect(process.returncode, output.read_text(encoding="utf-8")), megabytes


def read_peak(pid: int) -> int:
    """The largest resident memory of a process so far, in megabytes; what wait4 tells begins before exec."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return 0


def check_endings(crawled: Crawled, evils: list[Evil]) -> None:
    """Every evil page ended as the catalogue says, every good one is captured."""
    told = crawled.told
    captured = {page.requested.rpartition("/news/")[2] for page in crawled.captures("page")}
    for number in range(len(evils)):
        assert f"good-{number}" in captured
    for evil in evils:
        if evil.reason is None:
            assert evil.name in captured, evil.name
            continue
        assert evil.name not in captured
        endings = [reason for reason, urls in told.examples.items() if any(u.endswith("/" + evil.name) for u in urls)]
        if endings:  # examples are bounded
            assert endings[0].startswith(evil.reason), (evil.name, endings)


def test_whatever_an_answer_does_costs_its_page_only(server: HostileSite, child: Child) -> None:
    evils = evil_answers()
    server.add(*evils)
    crawled, megabytes = run(child, site_on(server))

    assert crawled.status == 0, crawled.lines[-20:]
    told = crawled.told
    assert told.balances()
    assert told.discovered == 2 * len(evils)
    assert set(told.outcomes) <= {"failed", "excluded"}, told.reasons
    assert not any("unexpected" in reason for reason in told.reasons), told.reasons
    assert megabytes < MOST_MEGABYTES
    assert all(line.isprintable() for line in crawled.lines)
    check_endings(crawled, evils)
    crawled.check(both=False)  # warcio breaks off at a body that says br and is not
    # What was broken off is evidence, as far as it came and no further.
    attempts = {one.requested.rpartition("/")[2]: one for one in crawled.captures("attempt")}
    assert {"no-length-endless", "chunks-endless", "length-too-long", "slow-body"} <= set(attempts)
    assert len(attempts["no-length-endless"].payload) == EVIDENCE_BYTES
    assert all(len(one.payload) <= EVIDENCE_BYTES for one in attempts.values())


def test_a_broken_off_record_says_so_in_its_head(server: HostileSite, child: Child) -> None:
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    evils = [one for one in evil_answers() if one.name in ("no-length-endless", "length-too-long", "slow-body")]
    server.add(*evils)
    crawled, _ = run(child, site_on(server, crawl={"timeout": 1.0}))
    words: dict[str, set[str | None]] = {}
    for path in crawled.segments:
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=False):
                name = (record.headers["WARC-Target-URI"] or "").rpartition("/")[2]
                words.setdefault(name, set()).add(record.headers.get("WARC-Truncated"))
    assert {name: words[name] for name in ("no-length-endless", "length-too-long", "slow-body", "good-0")} == {
        "no-length-endless": {"length"}, "length-too-long": {"disconnect"}, "slow-body": {"time"}, "good-0": {None},
    }  # fmt: skip


def test_pages_that_attack_their_reader_are_captured_as_they_are(server: HostileSite, child: Child) -> None:
    evils = evil_pages()
    server.add(*evils)
    crawled, megabytes = run(child, site_on(server))
    assert crawled.status == 0, crawled.lines[-20:]
    assert crawled.told.outcomes == {}
    assert crawled.told.captured == 2 * len(evils)
    assert megabytes < MOST_MEGABYTES
    crawled.check()


# 127.0.0.1 stands for the public web: everything else, on this machine and elsewhere, is refused as it would be there.
WEB = """
import socket, spiders.guard as guard, spiders.capture as capture
allowed = "127.0.0.1"
real_address, real_url, real_look_up = guard.refuse_address, guard.refuse_url, socket.getaddrinfo
guard.refuse_address = lambda address: None if address == allowed else real_address(address)
capture.refuse_address = guard.refuse_address
capture.refuse_url = lambda url: None if url.startswith("http://127.0.0.1:") else real_url(url)
answers = {
    "honest.example": [["127.0.0.1"]],
    "inner.example": [["10.0.0.1"]],
    "mixed.example": [["127.0.0.1", "127.0.0.2"]],
    "mixed-later.example": [["127.0.0.2", "127.0.0.1"]],
    "rebound.example": [["127.0.0.1"], ["127.0.0.2"]],
    "none.example": [[]],
}
def look_up(name, *rest, **named):
    if name == "six.example":
        raise socket.gaierror("no address of this family")
    if name not in answers:
        return real_look_up(name, *rest, **named)
    found = answers[name]
    now = found.pop(0) if len(found) > 1 else found[0]
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in now]
socket.getaddrinfo = look_up
real_choose = guard._choose_public
guard._choose_public = lambda found, name: "127.0.0.2" if name == "flipped.example" else real_choose(found, name)
answers["flipped.example"] = [["127.0.0.1"]]
"""


def test_no_redirect_and_no_name_leads_to_an_address_that_is_not_public(server: HostileSite, child: Child) -> None:
    port = server.port
    inside = [
        f"http://127.0.0.2:{port}/x", f"http://2130706434:{port}/x", f"http://0x7f000002:{port}/x", f"http://[::1]:{port}/x",
        f"http://0177.0.0.2:{port}/x", f"http://127.2:{port}/x", f"http://[::ffff:127.0.0.2]:{port}/x",
        f"http://localhost:{port}/x", f"http://LOCALHOST.:{port}/x", f"http://\uff11\uff12\uff17.0.0.2:{port}/x",
        f"http://127\u30020\u30020\u30022:{port}/x", f"http://%31%32%37.0.0.2:{port}/x", f"//127.0.0.2:{port}/x",
        "http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/latest/", "http://metadata.google.internal/",
        "http://10.0.0.1/", f"http://0.0.0.0:{port}/x", "http://224.0.0.1/", "http://[64:ff9b::7f00:2]/",
        "http://[2002:7f00:2::]/", "http://192.168.1.1/", "http://100.100.100.200/", f"http://0:{port}/x",
        f"http://inner.example:{port}/x", f"http://mixed.example:{port}/x", f"http://mixed-later.example:{port}/x",
        f"http://flipped.example:{port}/x",
    ]  # fmt: skip
    names = ("inner", "mixed", "mixed-later", "flipped", "rebound", "six", "none", "honest")
    feeds = {f"/to-{number}": redirect(target) for number, target in enumerate(inside)}
    feeds |= {
        "/to-port": redirect("http://127.0.0.1:22/"),
        "/to-user": redirect(f"http://u:p@127.0.0.1:{port}/x"),
        "/to-six": redirect(f"http://six.example:{port}/x"),
        "/to-honest": redirect(f"http://honest.example:{port}/x"),
        "/to-rebound": redirect(f"http://rebound.example:{port}/hop"),
        "/hop": redirect(f"http://rebound.example:{port}/x"),
    }
    server.acts.update(feeds)
    server.acts["/x"] = send(answer(b"<rss version='2.0'><channel><title>secret</title></channel></rss>"))
    site = site_on(
        server,
        domains=[f"127.0.0.1:{port}", *(f"{name}.example:{port}" for name in names)],
        sources=[{"type": "feed", "url": server.url(path)} for path in feeds if path != "/hop"],
        crawl={"allow_private": False, "adaptive": False},
    )
    crawled, _ = run(child, site, f"exec({WEB!r})")
    assert crawled.status == 0, crawled.lines
    errors = {source.url.rpartition("/")[2]: source.error or "" for source in crawled.told.sources}
    for number, target in enumerate(inside):
        assert "private address" in errors[f"to-{number}"], (target, errors[f"to-{number}"])
    assert "port not allowed" in errors["to-port"]
    assert errors["to-user"]
    assert "not resolved" in errors["to-six"]
    assert errors["to-honest"] == ""
    # A name keeps the address that it had first; had it been asked again, it would have led inside.
    assert errors["to-rebound"] == ""
    assert {seen.address for seen in server.asked} == {"127.0.0.1"}
    assert {seen.host for seen in server.asked if seen.path == "/x"} == {
        f"honest.example:{port}", f"rebound.example:{port}"
    }  # fmt: skip
    # One connection went inside, because the name's address changed below all checks: not a byte was sent on it.
    assert set(server.connected) <= {"127.0.0.1", "127.0.0.2"}
    assert all("authorization" not in seen.headers.lower() for seen in server.asked)


def test_what_a_source_names_is_bounded_and_traps_are_named(server: HostileSite, child: Child) -> None:
    endless = [f"/news/{'/'.join(['a', 'b'] * depth)}" for depth in range(3, 40)]
    endless += [f"/news/{year}/{month:02d}/" for year in range(2100, 2140) for month in range(1, 13)]
    endless += [f"/news/1?sid={n:032x}" for n in range(300)]
    endless += [f"/news/list?a={n}&b={n * 7 % 61}&c={n % 31}" for n in range(600)]
    wrong = [f"http://u:p@127.0.0.1:{server.port}/news/1", "javascript:alert(1)", "http://[::1", "/news/" + "x" * 9000]
    wrong += ["\u202egnp.exe\x9b31m", "http://127.0.0.1:99999/news/1", "data:text/html,x", "ftp://127.0.0.1/news/1"]
    links = ["/news/fine", *endless, *wrong]
    page = "".join(f'<a href="{link}">x</a>' for link in links)
    server.acts["/list"] = send(answer(f"<html><body>{page}</body></html>".encode()))
    server.acts["/many.xml"] = send(
        answer(server.list_urls(f"/news/many-{n}" for n in range(3000)), b"application/xml")
    )
    server.acts["/news/fine"] = send(answer(b"<p>fine"))
    sources = [{"type": "listing", "url": server.url("/list")}, {"type": "sitemap", "url": server.url("/many.xml")}]
    site = site_on(server, sources=sources, crawl={"max_urls": 1000, "fetch_at_most": 20})
    crawled, megabytes = run(child, site)
    assert crawled.status == 0, crawled.lines
    told = crawled.told
    assert told.balances()
    assert told.discovered <= 1000
    assert told.reasons["trap"] >= 37 + 480 + 290
    assert told.reasons["too many URLs"] >= 1000
    assert server.url("/news/fine") in {page.requested for page in crawled.captures("page")}
    assert len([path for path in server.paths() if path.startswith("/news/")]) <= 20
    assert all(line.isprintable() for line in crawled.lines)
    assert all(url.isprintable() for urls in told.examples.values() for url in urls)
    assert megabytes < MOST_MEGABYTES


def test_hostile_sources_cost_themselves_only(server: HostileSite, child: Child) -> None:
    import gzip

    lols = '<!ENTITY l0 "lol">' + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE x [{lols}]><urlset><url><loc>&l9;</loc></url><url a="&l9;"/></urlset>'
    item = "<item><title>&l9;</title><link>&l9;</link></item>"
    feed = f'<!DOCTYPE x [{lols}]><rss version="2.0"><channel>{item}</channel></rss>'
    outside = '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY % p SYSTEM "http://127.0.0.1:9/">%p;]>'
    declared = '<?xml version="1.0" encoding="{}"?>'
    documents: dict[str, tuple[str, bytes]] = {
        "bomb-16": ("sitemap", ("\ufeff" + declared.format("utf-16") + bomb).encode("utf-16-le")),
        "bomb-16-be": ("sitemap", (declared.format("utf-16be") + bomb).encode("utf-16-be")),
        "bomb-7": ("sitemap", (declared.format("utf-7") + bomb.replace("<!E", "+ADwAIQ-E")).encode()),
        "bomb-feed-16": ("feed", ("\ufeff" + declared.format("utf-16") + feed).encode("utf-16-le")),
        "bomb-feed-7": ("feed", (declared.format("utf-7") + feed.replace("<!E", "+ADwAIQ-E")).encode()),
        "bomb-feed-37": ("feed", (declared.format("cp037") + feed).encode("cp037")),
        "outside": ("sitemap", (outside + "<urlset><url><loc>&x;</loc></url></urlset>").encode()),
        "outside-feed": ("feed", (outside + "<rss><channel><item><title>&x;</title></item></channel></rss>").encode()),
        "deep": ("sitemap", b"<urlset>" + b"<url>" * 60_000),
        "deep-feed": ("feed", b"<rss version='2.0'><channel>" + b"<item>" * 40_000),
        "attributes": ("feed", b"<rss " + b" ".join(b"a%d='x'" % n for n in range(20_000)) + b"></rss>"),
        "one-line": ("sitemap", b"http://" + b"a" * 390_000),
        "gzip": ("sitemap", gzip.compress(b"<urlset>" + b" " * 20_000_000)),
        "gzip-gzip": ("sitemap", gzip.compress(gzip.compress(b"<urlset>" + b" " * 20_000_000))),
        "noise": ("feed", bytes(range(256)) * 1000),
        "json": ("feed", b'{"version":"https://jsonfeed.org/version/1.1","items":' + b"[" * 90_000),
        "json-number": ("feed", b'{"version":"https://jsonfeed.org/version/1.1","items":[' + b"9" * 90_000 + b"]}"),
        "listing-deep": ("listing", b"<div>" * 60_000 + b"<a href=/news/y>y</a>"),
        "cycle": ("sitemap", f"<sitemapindex><sitemap><loc>{server.url('/cycle')}</loc></sitemap>".encode()),
    }  # fmt: skip
    for name, (_, body) in documents.items():
        server.acts[f"/{name}"] = send(answer(body, b"application/xml"))

    def endless_index(connection: Any) -> None:
        number = len(server.asked)
        children = "".join(f"<sitemap><loc>{server.url(f'/endless?{number}-{n}')}</loc></sitemap>" for n in range(6))
        connection.sendall(answer(f"<sitemapindex>{children}</sitemapindex>".encode(), b"application/xml"))

    server.acts["/endless"] = endless_index
    server.acts["/flood"] = flood(OK + b"\r\n", b"<url><loc>http://127.0.0.1/</loc></url>")
    server.acts["/sitemap.xml"] = send(answer(server.list_urls(iter(["/news/last"])), b"application/xml"))
    server.acts["/news/last"] = send(answer(b"<p>last"))
    kinds = [*((kind, name) for name, (kind, _) in documents.items()), ("sitemap", "flood"), ("sitemap", "endless")]
    sources = [{"type": kind, "url": server.url(f"/{name}")} for kind, name in [*kinds, ("sitemap", "sitemap.xml")]]
    crawled, megabytes = run(child, site_on(server, sources=sources))
    assert crawled.status == 0, crawled.lines
    told = crawled.told
    assert told.balances()
    errors = {source.url.rpartition("/")[2]: source.error for source in told.sources}
    assert errors["sitemap.xml"] is None
    for name in ("bomb-16", "bomb-16-be", "bomb-feed-16", "gzip", "gzip-gzip", "noise"):
        assert errors[name], name
    assert errors["flood"]
    assert errors["endless"]
    assert len(server.paths()) < 600
    assert server.url("/news/last") in {page.requested for page in crawled.captures("page")}
    said = "".join(crawled.lines) + told.model_dump_json()
    assert "root:" not in said
    assert "lollol" not in said
    assert megabytes < MOST_MEGABYTES
    assert told.cpu_seconds < 40
    assert all((source.error or "").isprintable() for source in told.sources)
    assert all(line.isprintable() for line in crawled.lines)


def test_the_catalogue_has_each_name_once() -> None:
    names = [evil.name for evil in [*evil_answers(), *evil_pages()]]
    assert len(names) == len(set(names))
    assert Path(__file__).with_name("hostile.py").exists()
