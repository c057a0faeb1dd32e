from __future__ import annotations

import pytest

from spiders.robots import LONGEST_DELAY, PARSED_BYTES, RobotsPolicy

RULES = b"User-agent: *\nDisallow: /private\nCrawl-delay: 7\n"


def test_rules_for_all_and_rules_for_us() -> None:
    policy = RobotsPolicy(status=200, body=RULES)
    assert policy.allows("https://a.uk/news")
    assert not policy.allows("https://a.uk/private/1")
    assert policy.crawl_delay == 7.0
    ours = RobotsPolicy(status=200, body=RULES + b"\nUser-agent: muniment\nDisallow: /news\n")
    assert not ours.allows("https://a.uk/news")
    assert ours.allows("https://a.uk/private/1")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_4xx_allows_everything(status: int) -> None:
    assert RobotsPolicy(status=status, body=b"User-agent: *\nDisallow: /").allows("https://a.uk/x")


@pytest.mark.parametrize("status", [None, 500, 503, 599, 302, 304])
def test_no_usable_answer_disallows_everything(status: int | None) -> None:
    policy = RobotsPolicy(status=status, body=b"")
    assert policy.unreachable
    assert not policy.allows("https://a.uk/x")


def test_an_empty_file_allows_everything() -> None:
    assert RobotsPolicy(status=200).allows("https://a.uk/x")


def test_what_stands_behind_512_kib_does_not_count() -> None:
    body = RULES + b"#" * PARSED_BYTES + b"\nDisallow: /news\n"
    assert RobotsPolicy(status=200, body=body).allows("https://a.uk/news")


@pytest.mark.parametrize(("asked", "kept"), [(b"0.5", 0.5), (b"86400", LONGEST_DELAY), (b"-3", None), (b"soon", None)])
def test_a_crawl_delay_is_kept_within_reason(asked: bytes, kept: float | None) -> None:
    delay = RobotsPolicy(status=200, body=b"User-agent: *\nCrawl-delay: " + asked + b"\nDisallow:\n").crawl_delay
    assert delay == kept or (kept is None and not delay)


def test_bytes_that_are_no_text_are_read_as_far_as_they_go() -> None:
    assert not RobotsPolicy(status=200, body=b"\xff\xfe\n" + RULES).allows("https://a.uk/private/1")
