from __future__ import annotations

import contextlib
import gzip
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from spiders.coding import BodyTooLarge, BodyUndecodable, decode_body, gunzip, undo_transfer

TEXT = b"The council met. " * 100


def bare_deflate(data: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-15)
    return machine.compress(data) + machine.flush()


def name_case(value: str | bytes) -> str:
    """A name that is the same in every process: gzip data have the time in them."""
    return value or "none" if isinstance(value, str) else "body"


@pytest.mark.parametrize(
    ("payload", "coding"),
    [
        (TEXT, ""),
        (TEXT, "identity"),
        (gzip.compress(TEXT), "gzip"),
        (gzip.compress(TEXT), "X-GZIP"),
        (gzip.compress(TEXT[:500]) + gzip.compress(TEXT[500:]), "gzip"),
        (gzip.compress(TEXT) + b"\0\0\0", "gzip"),
        (TEXT, "gzip"),
        (zlib.compress(TEXT), "deflate"),
        (bare_deflate(TEXT), "deflate"),
        (gzip.compress(zlib.compress(TEXT)), "deflate, gzip"),
        (zstandard.compress(TEXT), "zstd"),
    ],
    ids=name_case,
)
def test_content_codings_are_undone(payload: bytes, coding: str) -> None:
    assert decode_body(payload, coding, len(TEXT)) == TEXT


def test_brotli_is_undone_where_it_is_installed() -> None:
    brotli = pytest.importorskip("brotli")
    assert decode_body(brotli.compress(TEXT), "br", len(TEXT)) == TEXT
    with pytest.raises(BodyTooLarge):
        decode_body(brotli.compress(b"\0" * 10_000_000), "br", 1_000_000)
    with pytest.raises(BodyUndecodable):
        decode_body(brotli.compress(TEXT)[:-3], "br", 1_000_000)


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress, bare_deflate, zstandard.compress])
def test_a_bomb_stops_at_the_limit(compress: object) -> None:
    coding = {gzip.compress: "gzip", zstandard.compress: "zstd"}.get(compress, "deflate")  # type: ignore[call-overload]
    with pytest.raises(BodyTooLarge):
        decode_body(compress(b"\0" * 30_000_000), coding, 1_000_000)  # type: ignore[operator]


def test_a_nested_bomb_stops_at_the_limit() -> None:
    with pytest.raises(BodyTooLarge):
        decode_body(gzip.compress(gzip.compress(b"\0" * 30_000_000)), "gzip, gzip", 1_000_000)
    with pytest.raises(BodyUndecodable, match="codings"):
        decode_body(b"x", "gzip, gzip, gzip, gzip", 10)


@pytest.mark.parametrize(
    ("payload", "coding"),
    [(gzip.compress(TEXT)[:-10], "gzip"), (b"\x1f\x8bnonsense", "gzip"), (b"nonsense", "deflate"), (b"x", "rot13")],
    ids=name_case,
)
def test_what_cannot_be_undone_says_so(payload: bytes, coding: str) -> None:
    with pytest.raises(BodyUndecodable):
        decode_body(payload, coding, 10_000)


def test_plain_data_are_not_gunzipped() -> None:
    assert gunzip(b"<urlset/>", 100) == b"<urlset/>"


@given(st.binary(max_size=500), st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br", "x"]))
def test_any_body_decodes_or_raises_its_own_errors(payload: bytes, coding: str) -> None:
    with contextlib.suppress(BodyTooLarge, BodyUndecodable):
        assert len(decode_body(payload, coding, 1000)) <= 1000


@pytest.mark.parametrize(
    ("coding", "payload"),
    [
        ("gzip", gzip.compress(b"\0" * 30_000_000)),
        ("gzip, gzip", gzip.compress(gzip.compress(b"\0" * 30_000_000))),
        ("deflate", zlib.compress(b"\0" * 30_000_000)),
        ("zstd", zstandard.compress(b"\0" * 30_000_000)),
    ],
    ids=name_case,
)
def test_a_bomb_is_told_by_its_ratio_long_before_the_limit(coding: str, payload: bytes) -> None:
    with pytest.raises(BodyTooLarge):
        decode_body(payload, coding, 2**40)
    if coding.startswith("gzip"):
        with pytest.raises(BodyTooLarge):
            gunzip(payload if coding == "gzip" else gzip.decompress(payload), 2**40)


def test_a_file_of_many_empty_members_is_given_up_soon() -> None:
    with pytest.raises(BodyUndecodable, match="members"):
        gunzip(gzip.compress(b"") * 100_000, 10_000_000)


def test_what_compresses_well_is_no_bomb() -> None:
    rows = b"".join(b"<url><loc>https://a.uk/news/%d</loc></url>\n" % n for n in range(50_000))
    assert decode_body(gzip.compress(rows, 9), "gzip", 10_000_000) == rows
    assert decode_body(gzip.compress(b" " * 1_000_000), "gzip", 10_000_000) == b" " * 1_000_000


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.sampled_from([b"", b";name=value"]))
def test_a_chunked_body_is_joined(parts: list[bytes], extension: bytes) -> None:
    chunked = b"".join(b"%X%s\r\n%s\r\n" % (len(part), extension, part) for part in parts) + b"0\r\nTrailer: x\r\n\r\n"
    assert undo_transfer(chunked, "chunked") == b"".join(parts)
    assert undo_transfer(chunked, "gzip, Chunked") == b"".join(parts)
    assert undo_transfer(chunked, None) == chunked


def test_a_body_that_is_only_called_chunked_stays_as_it_is() -> None:
    assert undo_transfer(b"<html>whole</html>", "chunked") == b"<html>whole</html>"
    assert undo_transfer(b"5\r\nhello\r\n", "chunked") == b"hello"
    assert undo_transfer(b"FF\r\nbroken off", "chunked") == b"broken off"
