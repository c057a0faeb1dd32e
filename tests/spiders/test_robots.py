from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from protego import Protego

from spiders.robots import LONGEST_DELAY, PARSED_BYTES, RobotsPolicy, RobotsRules

RULES = b"User-agent: *\nDisallow: /private\nCrawl-delay: 7\n"
HOST = "https://a.uk"


def allows(text: str | bytes, path: str) -> bool:
    body = text.encode() if isinstance(text, str) else text
    return RobotsPolicy(status=200, body=body).allows(HOST + path)


def disallows(pattern: str, path: str) -> bool:
    return not allows(f"User-agent: *\nDisallow: {pattern}\n", path)


def test_rules_for_all_and_rules_for_us() -> None:
    policy = RobotsPolicy(status=200, body=RULES)
    assert policy.allows("https://a.uk/news")
    assert not policy.allows("https://a.uk/private/1")
    assert policy.crawl_delay == 7.0
    ours = RobotsPolicy(status=200, body=RULES + b"\nUser-agent: muniment\nDisallow: /news\n")
    assert not ours.allows("https://a.uk/news")
    assert ours.allows("https://a.uk/private/1")
    assert ours.crawl_delay is None


def test_the_line_that_applied_is_told() -> None:
    rules = RobotsRules(b"User-agent: *\ndisallow:  /a # why\nAllow: /a/b*\n")
    assert getattr(rules.find_rule(f"{HOST}/a/c"), "line", None) == "Disallow: /a"
    assert getattr(rules.find_rule(f"{HOST}/a/bc"), "line", None) == "Allow: /a/b*"
    assert rules.find_rule(f"{HOST}/d") is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_4xx_allows_everything(status: int) -> None:
    assert RobotsPolicy(status=status, body=b"User-agent: *\nDisallow: /").allows("https://a.uk/x")


@pytest.mark.parametrize("status", [None, 429, 500, 503, 599, 302, 304])
def test_no_usable_answer_disallows_everything(status: int | None) -> None:
    policy = RobotsPolicy(status=status, body=b"")
    assert policy.unreachable
    assert not policy.allows("https://a.uk/x")


def test_an_empty_file_allows_everything() -> None:
    assert RobotsPolicy(status=200).allows("https://a.uk/x")
    assert allows("<html><body>Not found</body></html>", "/x")


def test_what_stands_behind_512_kib_does_not_count_and_what_stands_before_500_does() -> None:
    assert allows(RULES + b"#" * PARSED_BYTES + b"\nDisallow: /news\n", "/news")
    filler = b"#" * 99 + b"\n"
    assert not allows(RULES + filler * (500 * 1024 // 100 - 1) + b"Disallow: /news\n", "/news")


@pytest.mark.parametrize(("asked", "kept"), [(b"0.5", 0.5), (b"86400", LONGEST_DELAY), (b"-3", None), (b"soon", None)])
def test_a_crawl_delay_is_kept_within_reason(asked: bytes, kept: float | None) -> None:
    delay = RobotsPolicy(status=200, body=b"User-agent: *\nCrawl-delay: " + asked + b"\nDisallow:\n").crawl_delay
    assert delay == kept


def test_bytes_that_are_no_text_are_read_as_far_as_they_go() -> None:
    assert not RobotsPolicy(status=200, body=b"\xff\xfe\n" + RULES).allows("https://a.uk/private/1")
    assert not allows(b"\xef\xbb\xbf" + RULES, "/private/1")


# RFC 9309, section 2.2.2, the table; rows of the RFC's own, and the same ones the other way round.
@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/foo/bar?baz=quz", "/foo/bar?baz=quz"),
        ("/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar"),
        ("/foo/bar?baz=https%3A%2F%2Ffoo.bar", "/foo/bar?baz=https://foo.bar"),
        ("/foo/bar/\u30c4", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%E3%83%84", "/foo/bar/%e3%83%84"),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
        ("/foo/bar/baz", "/foo/bar/%62%61%7A"),
        ("/*baz=https://", "/foo/bar?baz=https%3A%2F%2Ffoo.bar"),
        ("*url=%2Fa", "/foo?url=/a"),
        ("/a%3Cd.html", "/a%3cd.html"),
        ("/a b", "/a%20b"),
    ],
)
def test_paths_are_compared_octet_by_octet_however_they_are_escaped(pattern: str, path: str) -> None:
    assert disallows(pattern, path)


# Section 2.2.2: a reserved character that is escaped in a path is another one than the character itself.
@pytest.mark.parametrize(("pattern", "path"), [("/a/b", "/a%2Fb"), ("/a%2Fb", "/a/b"), ("/a%3Fb", "/a?b")])
def test_an_escaped_delimiter_is_no_delimiter(pattern: str, path: str) -> None:
    assert not disallows(pattern, path)


# Section 2.2.3: special characters, with the RFC's examples of them meant as they are.
@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/path/file-with-a-%2A.html", "/path/file-with-a-*.html", True),
        ("/path/file-with-a-%2A.html", "/path/file-with-a-b.html", False),
        ("/path/foo-%24", "/path/foo-$", True),
        ("/path/foo-%24", "/path/foo-", False),
        ("/*.gif$", "/a/b.gif", True),
        ("/*.gif$", "/a/b.gif?x", False),
        ("/this/*/exactly", "/this/one/two/exactly/not", True),
        ("/a$b", "/a$b", True),
        ("/a$", "/a", True),
        ("/a$", "/ab", False),
        ("/a$", "/a$", False),
        ("/fish*", "/fish", True),
        ("/fish/", "/fish", False),
        ("/*?", "/a?", True),
        ("/*?", "/a", False),
        ("*/print", "/a/print", True),
        ("/**/x", "/a/x", True),
        ("/ab*ba$", "/aba", False),
    ],
)
def test_stars_and_the_dollar_sign(pattern: str, path: str, *, matches: bool) -> None:
    assert disallows(pattern, path) is matches


# Section 5.1, the simple example, read for the product tokens that it speaks of.
SIMPLE = b"""User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""


@pytest.mark.parametrize(
    ("token", "path", "allowed"),
    [
        ("anybot", "/a.gif", False),
        ("anybot", "/example/page.html", False),
        ("anybot", "/publications/x", True),
        ("foobot", "/example/page.html", True),
        ("foobot", "/example/allowed.gif", True),
        ("foobot", "/publications/", False),
        ("BarBot", "/example/page.html", False),
        ("bazbot", "/example/page.html", False),
        ("bazbot", "/a.gif", True),
        ("quxbot", "/example/page.html", True),
    ],
)
def test_the_simple_example_of_the_rfc(token: str, path: str, *, allowed: bool) -> None:
    rule = RobotsRules(SIMPLE, token).find_rule(HOST + path)
    assert (rule is None or rule.allow) is allowed


# Section 5.2: of two matches the longer one counts; section 2.2.2: of two equal ones, Allow.
def test_the_longest_match_counts_and_allow_wins_a_draw() -> None:
    longest = "User-Agent: *\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n"
    assert not allows(longest, "/example/page/disallowed.gif")
    assert allows(longest, "/example/page/other")
    assert allows("User-agent: *\nDisallow: /a\nAllow: /a\n", "/a")
    assert allows("User-agent: *\nDisallow: /a*\nAllow: /a/b\n", "/a/b")


@pytest.mark.parametrize(
    ("line", "ours"),
    [
        ("Muniment", True),
        ("MUNIMENT", True),
        ("Muniment/1.0", True),
        ("muniment (news archive)", True),
        ("Mun", False),
        ("MunimentBot", False),
        ("bot-muniment", False),
        ("*bot", False),
    ],
)
def test_a_group_is_ours_by_our_whole_product_token(line: str, *, ours: bool) -> None:
    assert allows(f"User-agent: {line}\nDisallow: /\n", "/x") is not ours


def test_groups_are_merged_and_other_records_do_not_part_them() -> None:
    merged = "User-agent: muniment\nDisallow: /a\n\nUser-agent: x\nDisallow: /b\n\nUser-agent: Muniment\nDisallow: /c\n"
    assert [allows(merged, path) for path in ("/a", "/b", "/c")] == [False, True, False]
    for record in ("Sitemap: https://a.uk/s.xml", "Crawl-delay: 3", "Clean-param: x", "# only a comment", ""):
        parted = f"User-agent: x\n{record}\nUser-agent: muniment\nDisallow: /a\n"
        assert not allows(parted, "/a"), record
        assert not allows(f"User-agent: muniment\n{record}\nUser-agent: x\nDisallow: /a\n", "/a"), record


def test_a_crawl_delay_and_an_empty_line_end_a_group_as_their_writer_meant() -> None:
    assert allows("User-agent: *\nCrawl-delay: 10\n\nUser-agent: BadBot\nDisallow: /\n", "/a")


def test_rules_before_any_user_agent_and_without_a_value_do_not_count() -> None:
    assert allows("Disallow: /\nUser-agent: *\nDisallow:\n", "/a")


def test_lines_end_where_the_rfc_ends_them_and_nowhere_else() -> None:
    assert not allows(b"User-agent: *\rDisallow: /a\r\nDisallow: /b\n", "/b")
    assert allows("User-agent: *\nAllow: /x\u2028Disallow: /a\n", "/a")


def test_robots_txt_itself_is_always_allowed() -> None:
    assert allows("User-agent: *\nDisallow: /\n", "/robots.txt")


def test_misspelled_and_colonless_lines_count_as_they_were_meant() -> None:
    assert not allows("user agent *\nDissallow: /a\n", "/a") or not allows("Useragent: *\nDissallow /a\n", "/a")
    assert not allows("User-agent *\nDisallow /a\n", "/a")


def test_a_pattern_of_many_stars_costs_no_more_than_its_length() -> None:
    assert not disallows("/" + "*a" * 2000 + "$", "/" + "a" * 1999)


# What Protego, which Scrapy uses, says differently from the RFC; the reason why it is not used.
@pytest.mark.parametrize(
    ("text", "path", "right"),
    [
        ("User-agent: Mun\nDisallow: /\n", "/x", True),
        ("User-agent: Muniment/1.0\nDisallow: /\n", "/x", False),
        ("User-agent: muniment\nCrawl-delay: 1\nUser-agent: x\nDisallow: /a\n", "/a", False),
        ("User-agent: *\nDisallow: /\nAllow: /index.html\n", "/", False),
        ("User-agent: *\nDisallow: /a$\n", "/a$", True),
        ("User-agent: *\nAllow: /x\u2028Disallow: /a\n", "/a", True),
    ],
)
def test_what_protego_says_differently(text: str, path: str, *, right: bool) -> None:
    assert allows(text, path) is right
    assert bool(Protego.parse(text).can_fetch(HOST + path, "Muniment")) is not right


_PATHS = st.text("abc/", max_size=6).map(lambda text: "/" + text)


@given(
    rules=st.lists(st.tuples(st.booleans(), st.text("abc/*", min_size=1, max_size=6)), max_size=6),
    path=_PATHS,
)
def test_plain_files_are_read_as_protego_reads_them(rules: list[tuple[bool, str]], path: str) -> None:
    lines = [f"{'Allow' if allow else 'Disallow'}: /{pattern}" for allow, pattern in rules]
    text = "\n".join(["User-agent: *", *lines])
    assert allows(text, path) == bool(Protego.parse(text).can_fetch(HOST + path, "Muniment"))


@given(body=st.binary(max_size=400), path=st.text(max_size=40))
def test_nothing_that_a_server_sends_breaks_the_reading(body: bytes, path: str) -> None:
    policy = RobotsPolicy(status=200, body=b"User-agent: *\nDisallow: " + body)
    assert policy.allows(f"{HOST}/{path.replace('[', '').replace(']', '')}") in (True, False)
    assert policy.crawl_delay is None or 0 <= policy.crawl_delay <= LONGEST_DELAY
