from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.guard import AddressRefused, _only_public, refuse_address, refuse_url

PRIVATE = [
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "0.0.0.0",
    "224.0.0.1", "255.255.255.255", "240.0.0.1", "168.63.129.16", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0",
    "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "",
    "nonsense", "fd00:ec2::254",
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
     "http://169.254.169.254/latest/meta-data/", "ftp://a.uk/", "file:///etc/passwd", "http://localhost./", "http:///"],
)  # fmt: skip
def test_urls_that_say_so_are_refused(url: str) -> None:
    assert refuse_url(url)


@pytest.mark.parametrize("url", ["http://a.uk/", "https://www.bbc.co.uk:8443/x", "http://1.1.1.1/", "http://3com.uk/"])
def test_urls_of_the_web_are_not(url: str) -> None:
    assert refuse_url(url) is None


def test_a_name_that_resolves_to_a_private_address_does_not_resolve() -> None:
    assert _only_public("8.8.8.8", "a.uk") == "8.8.8.8"
    with pytest.raises(AddressRefused, match=r"evil\.uk"):
        _only_public("10.0.0.1", "evil.uk")


@given(st.ip_addresses(v=4).filter(lambda a: not a.is_global))
def test_no_private_ipv4_address_passes_in_any_wrapping(address: object) -> None:
    for text in (str(address), f"::ffff:{address}", f"64:ff9b::{address}"):
        assert refuse_address(text)
