"""A pack is served as it is stored, one site per source."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import httpx
import pytest
from lxml import etree

from bench.pack import PackServer, load_pack, site_id, write_site
from spiders.site import load_sites
from spiders.urls import canonical_url
from tests.bench.packs import make_pack


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pack(tmp_path_factory.mktemp("pack") / "tiny", 3)


def test_a_limit_takes_pages_evenly(pack: Path) -> None:
    assert [page.id for page in load_pack(pack, 2)] == ["town-hall-weekly_0", "the-courier_0"]


def test_every_source_is_a_site_with_a_sitemap_of_all_copies(pack: Path, tmp_path: Path) -> None:
    pages = load_pack(pack)
    with PackServer(pack, copies=2) as server, httpx.Client(trust_env=False) as client:
        assert server.homes.keys() == {page.source for page in pages}
        for source, home in server.homes.items():
            write_site(tmp_path / "sites", source, home)
            sitemap = etree.fromstring(client.get(f"{home}/sitemap.xml").content)
            site = load_sites([tmp_path / "sites"])[site_id(source)]
            locations = [location.text for location in sitemap.iter("{*}loc")]
            assert len(set(locations)) == 6
            assert all(site.is_article(canonical_url(url)) for url in locations)
            assert all(client.get(url).status_code == 200 for url in locations)
        answered, cpu = server.stand()
        assert answered == 2 + 12
        assert cpu > 0


def test_a_page_is_sent_with_the_very_bytes_that_are_stored(pack: Path) -> None:
    page = load_pack(pack)[0]
    with PackServer(pack, copies=1) as server, httpx.Client(trust_env=False) as client:
        url = server.homes[page.source] + page.path(0)
        with client.stream("GET", url) as answer:
            raw = b"".join(answer.iter_raw())
        assert raw == page.file.read_bytes()
        plain = client.get(url, headers={"Accept-Encoding": "identity"}).content
    assert plain == gzip.decompress(raw)


def test_the_server_ends_with_its_context(pack: Path) -> None:
    with PackServer(pack, copies=1) as server:
        home = next(iter(server.homes.values()))
    with httpx.Client(trust_env=False) as client, pytest.raises(httpx.ConnectError):
        client.get(home)


def test_a_line_separator_inside_a_label_does_not_cut_it(tmp_path: Path) -> None:
    label = {"id": "1", "source": "s", "body": "one\u2028two\x85three"}
    (tmp_path / "labels.jsonl").write_text(json.dumps(label, ensure_ascii=False) + "\n", encoding="utf-8")
    assert load_pack(tmp_path)[0].label == label
