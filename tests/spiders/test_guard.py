from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.error import DNSLookupError

from spiders.guard import _choose_public, find_refused_name, refuse_address, refuse_port, refuse_url

PRIVATE = [
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "0.0.0.0",
    "224.0.0.1", "255.255.255.255", "240.0.0.1", "168.63.129.16", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0",
    "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "",
    "nonsense", "fd00:ec2::254", "fec0::1", "192.88.99.1", "3fff::1", "::127.0.0.1", "64:ff9b:1::a00:1",
    "2a00:1450:4009::5efe:7f00:1", "2a00:1450:4009::200:5efe:10.0.0.1", "192.0.0.192",
    "fd20:ce::254", "2001:0:7f00:1::",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_nobodys_web_site_are_refused(address: str) -> None:
    assert refuse_address(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "151.101.0.81", "2a00:1450:4009::1", "::ffff:8.8.8.8"])
def test_public_addresses_are_not(address: str) -> None:
    assert refuse_address(address) is None


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/", "http://[::1]/",
     "http://[::ffff:7f00:1]/", "http://localhost/", "http://x.localhost/", "http://router/", "http://a.internal/",
     "http://169.254.169.254/latest/meta-data/", "ftp://a.uk/", "file:///etc/passwd", "http://localhost./", "http:///",
     "http://localhost../", "http://127.0.0.1../", "http://\uff11\uff12\uff17.0.0.1/", "http://0300.0250.1.1/", "http://127.0x1/",
     "http://[::1", "http://u:p@a.uk/", "http://a.uk@b.uk/", "http://printer.lan/", "http://x.localdomain./", "http://[fe80::1%25eth0]/",
     "http://[64:ff9b::169.254.169.254]/", "http://[2002:7f00:1::]/", "gopher://a.uk/", "data:text/html,x", "HTTP://0x7f000001/"],
)  # fmt: skip
def test_urls_that_say_so_are_refused(url: str) -> None:
    assert refuse_url(url)


@pytest.mark.parametrize("url", ["http://a.uk/", "https://www.bbc.co.uk:8443/x", "http://1.1.1.1/", "http://3com.uk/"])
def test_urls_of_the_web_are_not(url: str) -> None:
    assert refuse_url(url) is None


def test_a_name_that_resolves_to_a_private_address_does_not_resolve() -> None:
    assert _choose_public(["8.8.8.8", "8.8.4.4"], "a.uk") == "8.8.8.8"
    for name, addresses in {"evil.uk": ["10.0.0.1"], "mixed.uk": ["8.8.8.8", "127.0.0.1"]}.items():
        with pytest.raises(DNSLookupError, match=name):
            _choose_public(addresses, name)
        assert "not a public address" in (find_refused_name(name) or "")
    with pytest.raises(DNSLookupError):
        _choose_public([], "six.uk")
    assert find_refused_name("six.uk") is None


@pytest.mark.parametrize("url", ["http://a.uk/", "https://a.uk:80/", "http://a.uk:443/x", "http://b.uk:8080/x"])
def test_ports_of_the_web_and_those_that_the_site_names_are_used(url: str) -> None:
    assert refuse_port(url, {"b.uk:8080"}) is None


@pytest.mark.parametrize(
    "url", ["http://a.uk:8080/", "http://b.uk:22/", "http://a.uk:0/", "http://a.uk:99999/", "http://x@b.uk:6379/"]
)
def test_other_ports_are_not(url: str) -> None:
    assert refuse_port(url, {"b.uk:8080"})


@given(st.ip_addresses(v=4).filter(lambda a: not a.is_global))
def test_no_private_ipv4_address_passes_in_any_wrapping(address: object) -> None:
    for text in (str(address), f"::ffff:{address}", f"64:ff9b::{address}"):
        assert refuse_address(text)
