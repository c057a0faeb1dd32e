"""Records that are not those that versions rest on."""

from __future__ import annotations

import gzip
import hashlib
import io
import json

import pytest

from pipeline.audit.records import Wanted, hold_record, read_record
from tests.pipeline.audit.bench import (
    BRIDGE,
    Bench,
    forge,
)
from tests.pipeline.built_archive import SITE


@pytest.mark.parametrize(
    "name",
    [
        "offset",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("payload_digest", "record_id", "status", "record_type", "warc")
        ),
    ],
)
def test_evidence_that_is_not_at_its_place_is_named(bench: Bench, name: str) -> None:
    key = bench.archive.version_key(SITE.id, BRIDGE, 1)
    evidence = json.loads(bench.raw.get(key).body)["evidence"]
    other = json.loads(bench.raw.get(bench.archive.version_key(SITE.id, BRIDGE, 2)).body)["evidence"]
    wrong = {"offset": evidence["offset"] + 1, "status": 404, "record_type": "revisit"}.get(name, other[name])
    forge(bench, key, evidence={**evidence, name: wrong})
    told = bench.audit().discrepancies
    assert [each.stands for each in told if (each.key, each.problem) == (key, "evidence")], told


PAYLOAD = b"<p>The bridge is closed.</p>" * 5000


def a_record(payload: bytes = PAYLOAD, **headers: str) -> bytes:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + payload
    named = {
        "WARC-Type": "response",
        "WARC-Record-ID": "<urn:uuid:1>",
        "WARC-Payload-Digest": "sha256:" + hashlib.sha256(PAYLOAD).hexdigest(),
        "Content-Length": str(len(block)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return gzip.compress(b"WARC/1.1\r\n" + head.encode() + b"\r\n" + block + b"\r\n\r\n", mtime=0)


def wanted_of(record: bytes) -> Wanted:
    digest = "sha256:" + hashlib.sha256(PAYLOAD).hexdigest()
    return Wanted(
        key="articles/localgov/x/000001.json", offset=0, length=len(record), record_id="<urn:uuid:1>",
        record_type="response", payload_digest=digest, status=200, rendered_digest=None,
    )  # fmt: skip


def test_a_record_that_is_as_it_was_made_is_held_for_that() -> None:
    record = a_record()
    for at in (0, 100):
        read = read_record(io.BytesIO(b"x" * at + record + a_record()), at, rendered=False)
        assert hold_record(read, wanted_of(record), emptied=False) is None


@pytest.mark.parametrize(
    ("there", "why"),
    [
        (b"", "it breaks off"),
        (a_record()[:-20], "it breaks off"),
        (b"rubbish" * 20, "no WARC record stands there"),
        (gzip.compress(b"no head" * 200), "it has no head"),
        (a_record(Content_Length="999999"), "it is shorter than it says"),
    ],
)
def test_why_there_is_no_record_is_said(there: bytes, why: str) -> None:
    flaw = hold_record(read_record(io.BytesIO(there), 0, rendered=False), wanted_of(a_record()), emptied=False)
    assert flaw is not None
    assert why in flaw.stands


def test_an_emptied_record_is_none_where_no_takedown_has_been() -> None:
    record = a_record(b"", WARC_Truncated="unspecified")
    read = read_record(io.BytesIO(record), 0, rendered=False)
    assert hold_record(read, wanted_of(record), emptied=True) is None
    assert hold_record(read, wanted_of(record), emptied=False) is not None


def test_another_payload_under_the_same_digest_is_named() -> None:
    record = a_record(PAYLOAD.replace(b"closed", b"opened"))
    flaw = hold_record(read_record(io.BytesIO(record), 0, rendered=False), wanted_of(record), emptied=False)
    assert flaw is not None
    assert flaw.stands.startswith("a payload with sha256:")
