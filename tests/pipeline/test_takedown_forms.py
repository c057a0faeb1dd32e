"""Objects as they lie in the store, without what is withheld: each kind in its own form, the rest to the byte."""

from __future__ import annotations

import gzip
import json

import orjson
import pytest

from pipeline.model import TakedownOrder
from pipeline.takedown.cleaning import Target
from pipeline.takedown.forms import (
    clean_findings_bytes,
    clean_json_bytes,
    in_order,
    metadata_of,
    pack,
    record_of_line,
    texts_of,
    type_of,
    unpack,
)
from pipeline.takedown.words import MARK, mark_of
from tests.pipeline.built_runs import NOW

SPAN = "rust in four of the hangers"


def target(*spans: str, takedown: str = "20261122T120000Z-0000000a") -> Target:
    order = TakedownOrder(
        site="example-news", takedown=takedown, article="a" * 32, url="https://news.example/a",
        spans=tuple(mark_of(span) for span in spans), by="-", reason="-", ordered_at=NOW,
    )  # fmt: skip
    return Target(order=order, urls=frozenset({order.url}), spans=spans)


def a_finding(reason: str) -> dict[str, object]:
    url = "https://news.example/other"
    return {
        "kind": "excluded", "requested": url, "final": url, "reason": reason, "article": None,
        "evidence": {"record_id": "<urn:uuid:1>"}, "facts": {}, "policy": {},
    }  # fmt: skip


def test_only_the_lines_of_findings_that_have_the_words_are_written_anew() -> None:
    clean = b'{ "spaced":1, ' + orjson.dumps(a_finding("no article"))[1:]
    body = pack(clean + b"\n" + orjson.dumps(a_finding(f"an odd page: {SPAN}")) + b"\n")
    made = unpack(clean_findings_bytes(body, [target(SPAN)])).split(b"\n")
    assert made[0] == clean
    assert json.loads(made[1])["reason"] == f"an odd page: {MARK}"
    assert made[2:] == [b""]


@pytest.mark.parametrize("body", [b'{"said": [ "nothing of it" ]}', b"no JSON: rust in four of the hangers", b""])
def test_a_document_that_has_nothing_stays_to_the_byte(body: bytes) -> None:
    assert clean_json_bytes(body, [target(SPAN)]) is body
    packed = pack(orjson.dumps(a_finding("nothing of it")))
    assert clean_findings_bytes(packed, [target(SPAN)]) is packed


def test_words_are_redacted_before_articles_are_emptied_and_older_orders_first() -> None:
    whole, early, late = target(), target(SPAN), target("other", takedown="20261122T130000Z-0000000b")
    assert in_order([whole, late, early]) == [early, late, whole]


def test_a_record_is_read_with_its_headers_and_without_its_codings() -> None:
    page = "<p>Rôst in four</p>".encode("cp1252")
    packed = gzip.compress(page)
    block = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nX-Said: of hangers\r\n\r\n" + packed
    record = (
        b"WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:1>\r\nWARC-Date: 2026-11-22T12:00:00Z\r\n"
        b"WARC-Target-URI: https://news.example/a\r\nContent-Type: application/http; msgtype=response\r\n"
        b"Content-Length: %d\r\n\r\n%s\r\n\r\n" % (len(block), block)
    )
    texts = list(texts_of(gzip.compress(record)))
    assert "of hangers" in texts[0]
    assert texts[-1] == "<p>Rôst in four</p>"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b'com,example)/ 2026 {"filename": "warc/x/a-00000.warc.gz", "offset": "17"}\n', ("a-00000.warc.gz", 17)),
        (b"!meta no JSON\n", ("", -1)),
        (b'x 1 {"offset": "many", "filename": "a"}', ("", -1)),
        (b"", ("", -1)),
    ],
)
def test_a_line_of_an_index_names_its_record(line: bytes, found: tuple[str, int]) -> None:
    assert record_of_line(line) == found


def test_the_type_of_an_object_is_told_by_its_key() -> None:
    assert [type_of(key) for key in ("a/b.json", "a.warc.gz", "c.jsonl.zst", "i.cdxj", "odd")] == [
        "application/json", "application/gzip", "application/zstd", "text/plain", "application/octet-stream",
    ]  # fmt: skip
    assert metadata_of("runs/x/y/report.json", b"{}") is None
